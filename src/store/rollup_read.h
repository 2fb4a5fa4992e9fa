/* Reading the roll-ups: a span as pieces of the coarsest tables that still cover it exactly, and keys
 * in a hash table (SQLite would sort for GROUP BY). One thread. */
#ifndef TOMSD_STORE_ROLLUP_READ_H
#define TOMSD_STORE_ROLLUP_READ_H

#include "layout.h"
#include "tomsd/base/map.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, ROLLUP_PIECES_MAX = 64 };

struct rollup_piece {
	int64_t from_s, to_s;
	int unit_s; /* MINUTE_S, HOUR_S, DAY_S: which table */
};
struct rollup_span {
	enum rollup_dim dim;
	int64_t from_s, to_s;
	struct rollup_piece pieces[ROLLUP_PIECES_MAX];
	size_t n;
};
/* Cuts [since, until), widened to whole units of min_unit_s at both ends, into pieces of tables no
 * coarser than max_unit_s. What lies before the first and behind the last row there is, is left out. */
int rollup_span_of(struct sql *db, enum rollup_dim dim, int64_t since_ns, int64_t until_ns,
		   int min_unit_s, int max_unit_s, struct rollup_span *out,
		   struct err *e) MUST_CHECK;

/* Sums of one key. */
struct tally {
	uint64_t flows, packets, bytes_out, bytes_in;
};
struct rollup_key {
	struct tally sum;
	char text[64];
	bool is_other; /* what the store has folded together already */
};
struct rollup_keys {
	struct map index; /* hash of the key -> its number */
	struct rollup_key *key;
	size_t n, room;
	uint64_t seed;
	enum rollup_dim dim;
};
int rollup_keys_init(struct rollup_keys *k, enum rollup_dim dim, uint64_t seed) MUST_CHECK;
void rollup_keys_fini(struct rollup_keys *k);
/* Reads all rows of the span: adds to the key's sums and calls each (may be NULL) with its number. */
int rollup_read(struct sql *db, const struct rollup_span *span, struct rollup_keys *keys,
		int (*each)(void *arg, int64_t at_s, size_t key, const struct tally *row),
		void *arg, struct err *e) MUST_CHECK;
/* A key for what has none of its own: shown as "other", never among the largest. */
int rollup_keys_add_other(struct rollup_keys *k, size_t *number) MUST_CHECK;
void tally_add(struct tally *to, const struct tally *what);
/* Numbers of the keys, most bytes first, "other" never among them; how many. free() *order. */
int rollup_largest(const struct rollup_keys *k, size_t **order, size_t *n) MUST_CHECK;

#endif
