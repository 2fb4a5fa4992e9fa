/* Building a bucket of the token index in memory. Store thread. */
#ifndef TOMSD_STORE_INDEX_H
#define TOMSD_STORE_INDEX_H

#include "granule.h"
#include "token.h"

/* Class seeds of a plan's token columns, under this database's seed. */
struct token_seeds {
	uint64_t col[STORE_COLS_MAX];
	uint64_t net, database;
	const struct col *src_port; /* the port that is a new one each time, or NULL */
};
void token_seeds_init(struct token_seeds *ts, const struct plan *p, uint64_t seed);

struct zone_heap { /* the STORE_ZONE_TOP largest; smallest at [0] */
	size_t n;
	struct zone_top top[STORE_ZONE_TOP];
};

struct bucket {
	const struct plan *plan;
	const struct token_seeds *seeds;
	uint64_t *pairs; /* token << 32 | ordinal, of a word: | granule */
	uint64_t *scratch;
	size_t n_pairs, room;
	struct granule *words; /* of the granule that rows go to; NULL: rows have no tail */
	uint32_t rows;
	int64_t first_id, last_id, min_ns, max_ns;
	struct bucket_ids *ids;
	struct zone_heap heaps[ZONE_VALUES];
};

int bucket_init(struct bucket *b, const struct plan *p, const struct token_seeds *seeds,
		struct err *e) MUST_CHECK;
void bucket_fini(struct bucket *b);
/* Enters a row; ids rise. Once it is full it must be written first. */
int bucket_add(struct bucket *b, int64_t id, const void *row, struct err *e) MUST_CHECK;
enum { TOKENS_A_ROW_MAX = 2 * STORE_COLS_MAX + 64 * 4, PAIRS_MAX = 64 * STORE_BUCKET_ROWS };
static inline bool bucket_is_full(const struct bucket *b)
{
	size_t most = TOKENS_A_ROW_MAX + (b->words ? TEXT_WORDS_MAX + 1 : 0);

	return b->rows == STORE_BUCKET_ROWS || b->n_pairs + most > PAIRS_MAX;
}
/* Writes it as number n of the table and empties it; inside the writer's transaction. */
int bucket_write(struct bucket *b, struct sql *db, const char *table, int64_t n,
		 struct err *e) MUST_CHECK;

/* By the upper half; equal ones stay in order. Both arrays hold n; which is which may change.
 */
void index_sort(uint64_t **pairs, uint64_t **scratch, size_t n);
/* One piece of sorted tokens: id = number << 32 | first token. */
int index_write_piece(struct stmt *s, int64_t number, uint32_t first, const uint8_t *p,
		      size_t n, struct err *e) MUST_CHECK;

/* Writes (again) a chapter of the contents, over the buckets of it that there are; in a
 * transaction. */
int chapter_write(struct sql *db, const char *table, bool has_words, int64_t chapter,
		  int64_t buckets, struct err *e) MUST_CHECK;
/* How many chapters are there and full. */
int chapter_count(struct sql *db, const char *table, int64_t *full, struct err *e) MUST_CHECK;

#endif
