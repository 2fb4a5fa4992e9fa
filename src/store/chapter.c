/* Contents: for 64 buckets at a time, which of them have a token at all. A search for a rare
 * host over months asks a day's few chapters instead of its hundreds of buckets.
 *
 * A chapter is made from the token lists of its buckets when all 64 are there, or when the
 * day is closed; it says how many it covers, and buckets beyond that are simply asked. Pieces
 * as in _tok: id = chapter << 32 | first token, the first piece of a chapter at token 0 with
 * varint(buckets covered) in front; then for each token varint(difference), a byte n, and n
 * bytes of bucket numbers, or for n = 0 a word of 8 bytes with a bit a bucket. Writing: store
 * thread; reading: any, through its own connection. */
#include <stdlib.h>

#include "index.h"
#include "plan.h"
#include "sqlite.h"
#include "tomsd/base/log.h"

enum {
	PAIRS_FIRST = 1 << 16,
	PAIRS_MOST = 1 << 22, /* 32 MiB twice; a chapter with more tokens covers nothing */
	PIECE_BYTES = 2000,
	ENTRY_MAX = 5 + 1 + 8,
	NUMBERS_MAX = 7, /* more buckets than this are a word */
};

struct gathered {
	uint64_t *pairs, *scratch; /* token << 32 | bucket within the chapter */
	size_t n, room;
};

static int gather(struct gathered *g, uint32_t token, uint64_t bucket)
{
	if (g->n == g->room) {
		size_t room = g->room ? 2 * g->room : PAIRS_FIRST;
		uint64_t *pairs =
			room <= PAIRS_MOST ? realloc(g->pairs, room * sizeof(*pairs)) : NULL;
		if (!pairs)
			return -ERR_FULL;
		g->pairs = pairs;
		g->room = room;
	}
	g->pairs[g->n++] = (uint64_t)token << 32 | bucket;
	return 0;
}

/* The words of one piece. */
static int gather_words(struct gathered *g, uint64_t id, struct str list, uint64_t bucket)
{
	const uint8_t *p = (const uint8_t *)list.p;
	uint64_t token = (uint32_t)id, granules, step;
	for (size_t i = 0; i < list.n;) {
		size_t used = varint_get(p + i, list.n - i, &step);
		i += used;
		size_t bytes = used ? word_entry(p + i, list.n - i, &granules) : 0;
		if (!bytes)
			return -ERR_CORRUPT;
		i += bytes;
		token += step << WORD_SHIFT;
		/* the last word and the first of digits may share a piece */
		int rc = token_is_digits((uint32_t)token) ? 0 :
							    gather(g, (uint32_t)token, bucket);
		if (rc)
			return rc;
	}
	return 0;
}

/* The tokens of one piece of _tok, without their lists. */
static int gather_piece(struct gathered *g, uint64_t id, struct str list, uint64_t bucket)
{
	const uint8_t *p = (const uint8_t *)list.p;
	uint64_t token = (uint32_t)id;
	struct tok_entry entry;
	for (size_t i = 0, used; i < list.n; i += used) {
		used = tok_entry_get(p + i, list.n - i, &token, &entry);
		if (!used)
			return -ERR_CORRUPT;
		int rc = gather(g, (uint32_t)token, bucket);
		if (rc)
			return rc;
	}
	return 0;
}

/* One bucket's tokens. Words of digits are most of what a day of logs has, each once (sessions, ports,
 * sizes): contents of them would be as large as the index itself. */
static int gather_bucket(struct gathered *g, struct stmt *s, uint64_t bucket, bool has_words,
			 uint64_t number, struct err *e)
{
	uint32_t last = has_words ? (WORD_TOKEN | WORD_DIGITS) - 1 : UINT32_MAX;
	int rc;
	stmt_i64(s, 1, (int64_t)(bucket << 32));
	stmt_i64(s, 2, (int64_t)(bucket << 32 | last));
	while ((rc = stmt_step(s, e)) > 0) {
		uint64_t id = (uint64_t)stmt_col_i64(s, 0);
		rc = has_words && token_is_word((uint32_t)id) ?
			     gather_words(g, id, stmt_col_blob(s, 1), number) :
			     gather_piece(g, id, stmt_col_blob(s, 1), number);
		if (rc)
			break;
	}
	stmt_reset(s);
	return rc;
}

static int gather_chapter(struct gathered *g, struct sql *db, const char *table, bool has_words,
			  int64_t first, int64_t end, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare_on(&s, db, "SELECT id,list FROM ", table,
				"_tok WHERE id>=? AND id<=?", e);
	for (int64_t b = first; !rc && b < end; b++)
		rc = gather_bucket(g, s, (uint64_t)b, has_words, (uint64_t)(b - first), e);
	if (rc == -ERR_CORRUPT)
		(void)err_set(e, ERR_CORRUPT, "the index of %s is damaged", table);
	stmt_done(s);
	return rc;
}

/* The buckets of the token at pair *at; *at moves behind them. */
static size_t encode_entry(const struct gathered *g, size_t *at, uint8_t *out)
{
	uint64_t mask = 0, token = g->pairs[*at] >> 32;
	for (; *at < g->n && g->pairs[*at] >> 32 == token; ++*at)
		mask |= UINT64_C(1) << (g->pairs[*at] & 63);
	int n = __builtin_popcountll(mask);
	if (n > NUMBERS_MAX) {
		out[0] = 0;
		memcpy(out + 1, &mask, sizeof(mask));
		return 1 + sizeof(mask);
	}
	size_t used = 0;
	out[used++] = (uint8_t)n;
	for (; mask; mask &= mask - 1)
		out[used++] = (uint8_t)__builtin_ctzll(mask);
	return used;
}

static int write_pieces(struct gathered *g, struct stmt *s, int64_t chapter, int64_t covered,
			struct err *e)
{
	uint8_t piece[PIECE_BYTES + ENTRY_MAX];
	size_t n = varint_put(piece, (uint64_t)covered);
	uint32_t first = 0, last = 0;
	int rc = 0;
	for (size_t at = 0; !rc && at < g->n;) {
		uint32_t token = (uint32_t)(g->pairs[at] >> 32);
		if (n >= PIECE_BYTES) {
			rc = index_write_piece(s, chapter, first, piece, n, e);
			n = 0;
			first = last = token;
		}
		n += varint_put(piece + n, token - last);
		n += encode_entry(g, &at, piece + n);
		last = token;
	}
	return rc ? rc : index_write_piece(s, chapter, first, piece, n, e);
}

int chapter_write(struct sql *db, const char *table, bool has_words, int64_t chapter,
		  int64_t buckets, struct err *e)
{
	int64_t first = chapter * STORE_CHAPTER_BUCKETS, covered = buckets - first;
	struct gathered g = { 0 };
	struct stmt *clear = NULL, *add = NULL;
	if (covered > STORE_CHAPTER_BUCKETS)
		covered = STORE_CHAPTER_BUCKETS;
	int rc = gather_chapter(&g, db, table, has_words, first, first + covered, e);
	if (!rc)
		g.scratch = malloc((g.n + 1) * sizeof(*g.scratch));
	if (rc == -ERR_CORRUPT) /* searches ask these buckets, and say so */
		log_err("store", "no contents are made error=%s", LOGQ(e->text));
	if (rc == -ERR_FULL || rc == -ERR_CORRUPT ||
	    (!rc && !g.scratch)) { /* too many tokens: nothing is said about them */
		g.n = 0;
		covered = rc = 0;
	}
	if (!rc) {
		index_sort(&g.pairs, &g.scratch, g.n);
		rc = sql_prepare_on(&clear, db, "DELETE FROM ", table,
				    "_toc WHERE id>=? AND id<?", e);
	}
	if (!rc) {
		stmt_i64(clear, 1, (int64_t)((uint64_t)chapter << 32));
		stmt_i64(clear, 2, (int64_t)((uint64_t)(chapter + 1) << 32));
		rc = stmt_run(clear, e);
	}
	if (!rc)
		rc = sql_prepare_on(&add, db, "INSERT INTO ", table, "_toc(id,list)VALUES(?,?)",
				    e);
	if (!rc)
		rc = write_pieces(&g, add, chapter, covered, e);
	stmt_done(clear);
	stmt_done(add);
	free(g.pairs);
	free(g.scratch);
	return rc;
}

int chapter_count(struct sql *db, const char *table, int64_t *full, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare_on(&s, db, "SELECT id,list FROM ", table,
				"_toc ORDER BY id DESC LIMIT 1", e);
	int64_t last = -1;
	if (!rc && (rc = stmt_step(s, e)) > 0)
		last = stmt_col_i64(s, 0) >> 32;
	stmt_done(s);
	*full = last + 1;
	if (rc < 0 || last < 0)
		return rc < 0 ? rc : 0;
	/* the last one may cover a part only: then it is made again once it is full */
	rc = sql_prepare_on(&s, db, "SELECT list FROM ", table, "_toc WHERE id=?", e);
	if (rc)
		return rc;
	stmt_i64(s, 1, (int64_t)((uint64_t)last << 32));
	rc = stmt_step(s, e);
	uint64_t covered = 0;
	struct str list = rc > 0 ? stmt_col_blob(s, 0) : STR_NULL;
	if (list.n && varint_get((const uint8_t *)list.p, list.n, &covered) &&
	    covered < STORE_CHAPTER_BUCKETS)
		*full = last;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

/* Buckets of a token in one piece; start: where its entries begin. -1: damaged. */
static int64_t find_mask(const uint8_t *p, size_t n, size_t start, uint64_t first,
			 uint32_t token, uint64_t *mask)
{
	uint64_t at = first, step;
	*mask = 0;
	for (size_t i = start; i < n;) {
		size_t used = varint_get(p + i, n - i, &step);
		if (!used || i + used >= n)
			return -1;
		i += used;
		at += step;
		size_t bytes = p[i] ? p[i] : 8;
		if (p[i] > NUMBERS_MAX || bytes > n - i - 1)
			return -1;
		if (at == token && !p[i])
			memcpy(mask, p + i + 1, 8);
		for (size_t k = 0; at == token && k < p[i]; k++)
			*mask |= UINT64_C(1) << (p[i + 1 + k] & 63);
		if (at >= token)
			return 0;
		i += 1 + bytes;
	}
	return 0;
}

/* How many buckets a chapter covers; 0: there is none. */
static int covered_by(struct stmt *s, int64_t chapter, uint64_t *covered, struct err *e)
{
	*covered = 0;
	stmt_i64(s, 1, (int64_t)((uint64_t)chapter << 32));
	stmt_i64(s, 2, (int64_t)((uint64_t)chapter << 32));
	int rc = stmt_step(s, e);
	struct str list = rc > 0 ? stmt_col_blob(s, 1) : STR_NULL;
	if (list.n && !varint_get((const uint8_t *)list.p, list.n, covered))
		*covered = 0;
	stmt_reset(s);
	return rc < 0 ? rc : 0;
}

static int ask_chapter(struct stmt *s, int64_t chapter, uint32_t token, uint64_t *mask,
		       struct err *e)
{
	uint64_t covered, found = 0;
	*mask = UINT64_MAX;
	int rc = covered_by(s, chapter, &covered, e);
	if (rc || !covered)
		return rc;
	stmt_i64(s, 1, (int64_t)((uint64_t)chapter << 32));
	stmt_i64(s, 2, (int64_t)((uint64_t)chapter << 32 | token));
	rc = stmt_step(s, e);
	if (rc > 0) {
		struct str list = stmt_col_blob(s, 1);
		uint64_t first = (uint32_t)stmt_col_i64(s, 0), skip;
		size_t start = first ? 0 : varint_get((const uint8_t *)list.p, list.n, &skip);
		rc = find_mask((const uint8_t *)list.p, list.n, start, first, token, &found) <
				     0 ?
			     err_set(e, ERR_CORRUPT, "the contents of a day are damaged") :
			     0;
	}
	stmt_reset(s);
	if (!rc)
		*mask = covered < 64 ? found | UINT64_MAX << covered : found;
	return rc;
}

int chapter_masks(struct sql *db, const char *table, int64_t buckets, uint32_t token,
		  uint64_t *masks, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare_on(&s, db, "SELECT id,list FROM ", table,
				"_toc WHERE id>=? AND id<=? ORDER BY id DESC LIMIT 1", e);
	for (int64_t c = 0; !rc && c * STORE_CHAPTER_BUCKETS < buckets; c++) {
		uint64_t mask;
		rc = ask_chapter(s, c, token, &mask, e);
		masks[c] |= mask;
	}
	stmt_done(s);
	return rc;
}

int chapter_exist(struct sql *db, const char *table, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, "SELECT 1 FROM pragma_table_info(?) LIMIT 1", &s, e);
	if (rc)
		return rc;
	struct buf b;
	buf_init(&b, 128);
	buf_fmt(&b, "%s_toc", table);
	stmt_text(s, 1, buf_view(&b));
	buf_fini(&b);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc;
}
