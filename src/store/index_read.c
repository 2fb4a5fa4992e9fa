/* Reading the token index; every length is checked, since a disk may lie. Any thread. */
#include "sqlite.h"
#include "text.h"

static int corrupt(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the index of a day is damaged");
}

size_t word_entry(const uint8_t *p, size_t n, uint64_t *granules)
{
	size_t bytes = n && p[0] > WORD_NUMBERS && p[0] < WORD_MASK ? p[0] - WORD_NUMBERS :
		       n && p[0] == WORD_MASK                       ? 8 :
								      0;
	*granules = 0;
	if (!n || bytes >= n || bytes > 8 || p[0] > WORD_MASK || p[0] == WORD_NUMBERS)
		return 0;
	if (p[0] < WORD_NUMBERS)
		*granules = UINT64_C(1) << p[0];
	else if (p[0] == WORD_MASK)
		memcpy(granules, p + 1, 8);
	for (size_t i = 1; p[0] != WORD_MASK && i <= bytes; i++)
		*granules |= UINT64_C(1) << (p[i] & 63);
	return 1 + bytes;
}

/* n bytes of differences into ordinals; how many. */
static int ordinals(const uint8_t *p, size_t n, uint16_t out[STORE_BUCKET_ROWS])
{
	size_t at = 0;
	int count = 0;
	uint64_t ordinal = 0;
	while (at < n) {
		uint64_t step;
		size_t used = varint_get(p + at, n - at, &step);
		if (!used || step > STORE_BUCKET_ROWS || (count && !step))
			return -ERR_CORRUPT;
		ordinal += step;
		if (ordinal >= STORE_BUCKET_ROWS)
			return -ERR_CORRUPT;
		out[count++] = (uint16_t)ordinal;
		at += used;
	}
	return count;
}

size_t tok_entry_get(const uint8_t *p, size_t n, uint64_t *token, struct tok_entry *out)
{
	uint64_t step, bytes;
	size_t i = varint_get(p, n, &step);
	size_t used = i ? varint_get(p + i, n - i, &bytes) : 0;
	if (!used || step > UINT32_MAX)
		return 0;
	i += used;
	out->is_bitmap = bytes == 0;
	if (out->is_bitmap) {
		used = varint_get(p + i, n - i, &bytes);
		if (!used || bytes > STORE_BUCKET_ROWS / 8)
			return 0;
		i += used;
	}
	if (bytes > n - i)
		return 0;
	*token += step;
	out->p = p + i;
	out->n = (size_t)bytes;
	return i + out->n;
}

static int ordinals_of(const struct tok_entry *entry, uint16_t out[STORE_BUCKET_ROWS])
{
	int count = 0;
	if (!entry->is_bitmap)
		return ordinals(entry->p, entry->n, out);
	for (size_t i = 0; i < entry->n; i++)
		for (unsigned b = entry->p[i]; b; b &= b - 1)
			out[count++] = (uint16_t)(8 * i + (unsigned)__builtin_ctz(b));
	return count;
}

/* Walks a piece; its tokens rise. */
static int find_in_piece(uint32_t first, struct str list, uint32_t token,
			 uint16_t out[STORE_BUCKET_ROWS])
{
	const uint8_t *p = (const uint8_t *)list.p;
	uint64_t at = first;
	struct tok_entry entry;
	for (size_t i = 0, used; i < list.n; i += used) {
		used = tok_entry_get(p + i, list.n - i, &at, &entry);
		if (!used)
			return -ERR_CORRUPT;
		if (at >= token)
			return at == token ? ordinals_of(&entry, out) : 0;
	}
	return 0;
}

int tok_find(struct sql *db, const char *table, int64_t bucket, uint32_t token,
	     uint16_t out[STORE_BUCKET_ROWS], struct err *e)
{
	struct buf b;
	struct stmt *s;
	buf_init(&b, 256);
	buf_fmt(&b, "SELECT id,list FROM %s_tok WHERE id>=? AND id<=? ORDER BY id DESC LIMIT 1",
		table);
	int rc = sql_prepare(db, b.p, &s, e);
	buf_fini(&b);
	if (rc)
		return rc;
	stmt_i64(s, 1, (int64_t)((uint64_t)bucket << 32));
	stmt_i64(s, 2, (int64_t)((uint64_t)bucket << 32 | token));
	rc = stmt_step(s, e);
	if (rc > 0) {
		rc = find_in_piece((uint32_t)stmt_col_i64(s, 0), stmt_col_blob(s, 1), token,
				   out);
		if (rc < 0)
			rc = corrupt(e);
	}
	stmt_done(s);
	return rc;
}

/* The granules of a word in a piece of words. */
static int find_word(uint32_t first, struct str list, uint32_t token, uint64_t *granules)
{
	const uint8_t *p = (const uint8_t *)list.p;
	uint64_t at = first, step;
	for (size_t i = 0; i < list.n;) {
		size_t used = varint_get(p + i, list.n - i, &step);
		if (!used || i + used >= list.n || step > UINT32_MAX)
			return -ERR_CORRUPT;
		i += used;
		at += step << WORD_SHIFT;
		size_t n = word_entry(p + i, list.n - i, granules);
		if (!n)
			return -ERR_CORRUPT;
		if (at >= token) {
			*granules = at == token ? *granules : 0;
			return 0;
		}
		i += n;
	}
	*granules = 0;
	return 0;
}

int tok_find_word(struct sql *db, const char *table, int64_t bucket, uint32_t token,
		  uint64_t *granules, struct err *e)
{
	struct stmt *s = NULL;
	*granules = 0;
	int rc = sql_prepare_on(&s, db, "SELECT id,list FROM ", table,
				"_tok WHERE id>=? AND id<=? ORDER BY id DESC LIMIT 1", e);
	if (rc)
		return rc;
	stmt_i64(s, 1, (int64_t)((uint64_t)bucket << 32 | WORD_TOKEN));
	stmt_i64(s, 2, (int64_t)((uint64_t)bucket << 32 | token));
	rc = stmt_step(s, e);
	if (rc > 0) {
		rc = find_word((uint32_t)stmt_col_i64(s, 0), stmt_col_blob(s, 1), token,
			       granules);
		if (rc < 0)
			rc = corrupt(e);
	}
	stmt_done(s);
	return rc;
}

/* Tokens of a piece and those asked for both rise: *k of n moves along. */
static int merge_piece(uint32_t first, struct str list, const uint32_t *tokens, size_t n,
		       size_t *k, uint64_t bits[STORE_BUCKET_ROWS / 64])
{
	const uint8_t *p = (const uint8_t *)list.p;
	uint16_t rows[STORE_BUCKET_ROWS];
	uint64_t at = first;
	struct tok_entry entry;
	for (size_t i = 0, used; i < list.n && *k < n; i += used) {
		used = tok_entry_get(p + i, list.n - i, &at, &entry);
		if (!used)
			return -ERR_CORRUPT;
		while (*k < n && tokens[*k] < at)
			(*k)++;
		if (*k < n && tokens[*k] == at) {
			int found = ordinals_of(&entry, rows);
			if (found < 0)
				return found;
			for (int r = 0; r < found; r++)
				bits[rows[r] / 64] |= UINT64_C(1) << rows[r] % 64;
		}
	}
	return 0;
}

int tok_find_many(struct sql *db, const char *table, int64_t bucket, const uint32_t *tokens,
		  size_t n, uint64_t bits[STORE_BUCKET_ROWS / 64], struct err *e)
{
	struct buf b;
	struct stmt *s;
	size_t k = 0;
	buf_init(&b, 256);
	buf_fmt(&b, "SELECT id,list FROM %s_tok WHERE id>=? AND id<=? ORDER BY id", table);
	int rc = sql_prepare(db, b.p, &s, e);
	buf_fini(&b);
	if (rc || !n)
		return rc;
	stmt_i64(s, 1, (int64_t)((uint64_t)bucket << 32));
	stmt_i64(s, 2, (int64_t)((uint64_t)bucket << 32 | tokens[n - 1]));
	while (k < n && (rc = stmt_step(s, e)) > 0) {
		rc = merge_piece((uint32_t)stmt_col_i64(s, 0), stmt_col_blob(s, 1), tokens, n,
				 &k, bits);
		if (rc)
			break;
	}
	if (rc == -ERR_CORRUPT)
		rc = corrupt(e);
	stmt_done(s);
	return rc;
}

int bucket_ids_decode(struct str runs, struct bucket_ids *out)
{
	const uint8_t *p = (const uint8_t *)runs.p;
	int64_t next = 0;
	out->rows = out->n_runs = 0;
	for (size_t i = 0; i < runs.n;) {
		uint64_t step, rows;
		size_t used = varint_get(p + i, runs.n - i, &step);
		if (!used || ckd_add(&next, next, step))
			return -ERR_CORRUPT;
		i += used;
		used = varint_get(p + i, runs.n - i, &rows);
		if (!used || !rows || rows > STORE_BUCKET_ROWS - out->rows)
			return -ERR_CORRUPT;
		i += used;
		out->runs[out->n_runs].id = next;
		out->runs[out->n_runs++].first = (uint32_t)out->rows;
		out->rows += (size_t)rows;
		if (ckd_add(&next, next, rows))
			return -ERR_CORRUPT;
	}
	return 0;
}

int64_t bucket_ids_at(const struct bucket_ids *b, size_t ordinal)
{
	size_t lo = 0, hi = b->n_runs; /* the last run with first <= ordinal */
	assert(ordinal < b->rows);
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		if (b->runs[mid].first <= ordinal)
			lo = mid;
		else
			hi = mid;
	}
	return b->runs[lo].id + (int64_t)(ordinal - b->runs[lo].first);
}

size_t bucket_ids_from(const struct bucket_ids *b, int64_t id)
{
	size_t lo = 0, hi = b->rows;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (bucket_ids_at(b, mid) < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int zone_top_decode(struct str blob, struct zone_top out[STORE_ZONE_TOP])
{
	enum { TOP_BYTES = 10 };
	size_t n = blob.n / TOP_BYTES;
	if (blob.n % TOP_BYTES || n > STORE_ZONE_TOP)
		return -ERR_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		memcpy(&out[i].value, blob.p + i * TOP_BYTES, 8);
		memcpy(&out[i].ordinal, blob.p + i * TOP_BYTES + 8, 2);
		if (out[i].ordinal >= STORE_BUCKET_ROWS)
			return -ERR_CORRUPT;
	}
	return (int)n;
}
