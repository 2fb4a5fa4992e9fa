/* One bucket of the token index: (token, ordinal) pairs are gathered as rows come in, sorted
 * once when the bucket is full, and appended in pieces of about 2 KB; nothing is ever
 * updated. Sorting 160,000 pairs by radix costs less than keeping lists a token would. Store
 * thread. */
#include "index.h"

#include <stdlib.h>

#include "plan.h"
#include "sqlite.h"

enum {
	PIECE_BYTES = 2000, /* two pieces fill a page of 4 KB */
	PAIRS_FIRST = 1 << 14,
	RADIX_BITS = 11,
	RUN_BYTES_MAX = 20,
};

void token_seeds_init(struct token_seeds *ts, const struct plan *p, uint64_t seed)
{
	static const char *const class_names[] = {
		[TOKEN_HOST] = "host", [TOKEN_MAC] = "mac", [TOKEN_PORT] = "port"
	};
	memset(ts, 0, sizeof(*ts));
	ts->net = token_class(seed, "net");
	ts->database = seed;
	for (size_t i = 0; i < p->n_cols; i++) {
		unsigned kind = p->cols[i].tokens;
		const char *name = kind < ARRAY_LEN(class_names) ? class_names[kind] : NULL;
		ts->col[i] = token_class(seed, name ? name : p->cols[i].col->name);
	}
	ts->src_port = record_col(p->record, "src_port");
}

static void bucket_clear(struct bucket *b)
{
	b->n_pairs = 0;
	b->rows = 0;
	b->ids->n_runs = 0;
	b->ids->rows = 0;
	for (size_t i = 0; i < ZONE_VALUES; i++)
		b->heaps[i].n = 0;
}

int bucket_init(struct bucket *b, const struct plan *p, const struct token_seeds *seeds,
		struct err *e)
{
	*b = (struct bucket){ .plan = p, .seeds = seeds };
	b->ids = malloc(sizeof(*b->ids));
	if (!b->ids)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (p->record->tail && granule_new(&b->words, seeds->database, e)) {
		bucket_fini(b);
		return -e->code;
	}
	bucket_clear(b);
	return 0;
}

void bucket_fini(struct bucket *b)
{
	free(b->pairs);
	free(b->scratch);
	free(b->ids);
	granule_free(b->words);
	*b = (struct bucket){ 0 };
}

static int grow(struct bucket *b, struct err *e)
{
	size_t room = b->room ? b->room * 2 : PAIRS_FIRST;
	uint64_t *pairs = room <= PAIRS_MAX ? realloc(b->pairs, room * sizeof(*pairs)) : NULL;
	if (!pairs)
		return err_set(e, ERR_NOMEM, "out of memory");
	b->pairs = pairs;
	uint64_t *scratch = realloc(b->scratch, room * sizeof(*scratch));
	if (!scratch)
		return err_set(e, ERR_NOMEM, "out of memory");
	b->scratch = scratch;
	b->room = room;
	return 0;
}

/* Room for n more pairs. */
static int make_room(struct bucket *b, size_t n, struct err *e)
{
	int rc = 0;
	while (!rc && b->n_pairs + n > b->room)
		rc = grow(b, e);
	return rc;
}

static inline void put(struct bucket *b, uint32_t token)
{
	if (b->words)
		token = token_beside_words(token);
	b->pairs[b->n_pairs++] = (uint64_t)token << 32 | b->rows;
}

/* A number whose decimal people look for like a word (a session's). */
static void put_number_word(struct bucket *b, uint64_t v)
{
	char text[24];
	size_t at = sizeof(text);
	const uint32_t *token;
	for (; v; v /= 10)
		text[--at] = (char)('0' + v % 10);
	if (granule_add(b->words, str_n(text + at, sizeof(text) - at), &token))
		b->pairs[b->n_pairs++] = (uint64_t)*token << 32 | b->rows / STORE_GRANULE_ROWS;
}

static int put_words(struct bucket *b, const void *row, struct err *e)
{
	const uint32_t *token;
	if (b->rows % STORE_GRANULE_ROWS == 0)
		granule_clear(b->words);
	for (size_t i = 0; i < b->plan->n_cols; i++)
		if (plan_col_is_word(&b->plan->cols[i]))
			put_number_word(b, (uint64_t)col_int(b->plan->cols[i].col, row));
	size_t n = granule_add(b->words, record_tail_of(b->plan->record, row), &token);
	int rc = make_room(b, n, e);
	for (size_t i = 0; !rc && i < n; i++)
		b->pairs[b->n_pairs++] = (uint64_t)token[i] << 32 |
					 b->rows / STORE_GRANULE_ROWS;
	return rc;
}

static void put_bits(struct bucket *b, uint64_t seed, uint64_t bits)
{
	for (uint64_t bit = 0; bits; bit++, bits >>= 1)
		if (bits & 1)
			put(b, token_of_num(seed, bit));
}

static void put_host(struct bucket *b, uint64_t seed, const struct addr *a)
{
	if (addr_is_zero(a))
		return;
	put(b, token_of_host(seed, a));
	put(b, token_of_net(b->seeds->net, a));
}

static void put_column(struct bucket *b, size_t i, const void *row)
{
	const struct plan_col *pc = &b->plan->cols[i];
	const struct col *c = pc->col;
	const char *at = col_at(c, row);
	uint64_t seed = b->seeds->col[i], v = 0;
	switch ((enum token_kind)pc->tokens) {
	case TOKEN_HOST:
		put_host(b, seed, (const struct addr *)at);
		return;
	case TOKEN_MAC:
		v = mac_number((const uint8_t *)at);
		if (v)
			put(b, token_of_mac(seed, v));
		return;
	case TOKEN_TEXT:
		if (*at)
			put(b, token_of_text(seed, str_n(at, strnlen(at, c->size))));
		return;
	case TOKEN_PORT:
		v = (uint64_t)col_int(c, row);
		if (v && (c != b->seeds->src_port || token_port_complete((uint16_t)v)))
			put(b, token_of_num(seed, v));
		return;
	case TOKEN_BITS:
		put_bits(b, seed, (uint64_t)col_int(c, row));
		return;
	case TOKEN_NUM:
		v = (uint64_t)col_int(c, row);
		if (v)
			put(b, token_of_num(seed, v));
		return;
	case TOKEN_NONE:
		return;
	}
}

/* Order of a top list: larger value first, of equals the newer row. */
static bool less(const struct zone_top *a, const struct zone_top *b)
{
	return a->value != b->value ? a->value < b->value : a->ordinal < b->ordinal;
}

static void heap_down(struct zone_heap *h, size_t at)
{
	for (;;) {
		size_t least = at, l = 2 * at + 1;
		for (size_t c = l; c < l + 2 && c < h->n; c++)
			if (less(&h->top[c], &h->top[least]))
				least = c;
		if (least == at)
			return;
		struct zone_top t = h->top[at];
		h->top[at] = h->top[least];
		h->top[least] = t;
		at = least;
	}
}

static void heap_add(struct zone_heap *h, uint64_t value, uint32_t ordinal)
{
	struct zone_top t = { value, (uint16_t)ordinal };
	if (!value)
		return;
	if (h->n < STORE_ZONE_TOP) {
		size_t at = h->n++;
		h->top[at] = t;
		for (; at && less(&h->top[at], &h->top[(at - 1) / 2]); at = (at - 1) / 2) {
			h->top[at] = h->top[(at - 1) / 2];
			h->top[(at - 1) / 2] = t;
		}
	} else if (less(&h->top[0], &t)) {
		h->top[0] = t;
		heap_down(h, 0);
	}
}

int bucket_add(struct bucket *b, int64_t id, const void *row, struct err *e)
{
	const struct plan *p = b->plan;
	int rc = make_room(b, TOKENS_A_ROW_MAX, e);
	if (!rc && b->words)
		rc = put_words(b, row, e);
	if (rc)
		return rc;
	int64_t ns = col_int(p->time, row);
	if (!b->rows) {
		b->first_id = id;
		b->min_ns = b->max_ns = ns;
	}
	if (ns < b->min_ns)
		b->min_ns = ns;
	if (ns > b->max_ns)
		b->max_ns = ns;
	for (size_t i = 0; i < p->n_cols; i++)
		if (p->cols[i].tokens)
			put_column(b, i, row);
	for (int z = 0; z < ZONE_VALUES; z++)
		heap_add(&b->heaps[z], plan_zone_value(p, (enum zone_value)z, row), b->rows);
	struct bucket_ids *ids = b->ids;
	if (!b->rows || id != b->last_id + 1) {
		ids->runs[ids->n_runs].id = id;
		ids->runs[ids->n_runs++].first = b->rows;
	}
	b->last_id = id;
	ids->rows = ++b->rows;
	return 0;
}

/* Radix sort over the token; rows of a token stay in order, since every pass is stable and
 * they came in order. */
void index_sort(uint64_t **pairs, uint64_t **scratch, size_t n)
{
	enum { SLOTS = 1 << RADIX_BITS };
	uint32_t at[SLOTS];
	for (unsigned shift = 32; shift < 64; shift += RADIX_BITS) {
		uint64_t *from = *pairs, *to = *scratch;
		memset(at, 0, sizeof(at));
		for (size_t i = 0; i < n; i++)
			at[from[i] >> shift & (SLOTS - 1)]++;
		for (uint32_t i = 0, sum = 0; i < SLOTS; i++) {
			uint32_t here = at[i];
			at[i] = sum;
			sum += here;
		}
		for (size_t i = 0; i < n; i++)
			to[at[from[i] >> shift & (SLOTS - 1)]++] = from[i];
		*pairs = to;
		*scratch = from;
	}
}

/* The ordinals of the token that begins at pair *at, as differences; *at moves behind them. */
static size_t encode_list(const struct bucket *b, size_t *at, uint8_t *out)
{
	uint32_t token = (uint32_t)(b->pairs[*at] >> 32), last = 0;
	size_t n = 0, i = *at;
	bool first = true;
	for (; i < b->n_pairs && b->pairs[i] >> 32 == token; i++) {
		uint32_t ordinal = (uint32_t)b->pairs[i];
		if (!first && ordinal == last)
			continue; /* source and destination are in the same net */
		n += varint_put(out + n, ordinal - last);
		last = ordinal;
		first = false;
	}
	*at = i;
	return n;
}

struct piece {
	uint8_t *p;
	size_t n;
	uint32_t first, last;
};

int index_write_piece(struct stmt *s, int64_t number, uint32_t first, const uint8_t *p,
		      size_t n, struct err *e)
{
	stmt_i64(s, 1, (int64_t)((uint64_t)number << 32 | first));
	stmt_blob_ref(s, 2, p, n);
	return stmt_run(s, e);
}

static int write_piece(struct piece *pc, struct stmt *s, int64_t bucket, struct err *e)
{
	size_t n = pc->n;
	pc->n = 0;
	return n ? index_write_piece(s, bucket, pc->first, pc->p, n, e) : 0;
}

/* The same as a bit a row: shorter where an eighth of the rows have the token or more. */
static size_t encode_bitmap(const struct bucket *b, size_t from, size_t to, uint8_t *out)
{
	size_t n = (uint32_t)b->pairs[to - 1] / 8 + 1;
	memset(out, 0, n);
	for (size_t i = from; i < to; i++) {
		uint32_t ordinal = (uint32_t)b->pairs[i];
		out[ordinal / 8] |= (uint8_t)(1u << ordinal % 8);
	}
	return n;
}

/* The granules of the word that begins at pair *at; *at moves behind them. */
static size_t encode_granules(const struct bucket *b, size_t *at, uint8_t *out)
{
	uint32_t token = (uint32_t)(b->pairs[*at] >> 32);
	uint64_t mask = 0;
	for (; *at < b->n_pairs && b->pairs[*at] >> 32 == token; ++*at)
		mask |= UINT64_C(1) << (b->pairs[*at] & 63);
	unsigned n = (unsigned)__builtin_popcountll(mask);
	if (n == 1) {
		out[0] = (uint8_t)__builtin_ctzll(mask);
		return 1;
	}
	if (n > WORD_NUMBERS_MAX) {
		out[0] = WORD_MASK;
		memcpy(out + 1, &mask, sizeof(mask));
		return 1 + sizeof(mask);
	}
	out[0] = (uint8_t)(WORD_NUMBERS + n);
	for (size_t i = 1; mask; mask &= mask - 1)
		out[i++] = (uint8_t)__builtin_ctzll(mask);
	return 1 + n;
}

/* One token's entry behind the piece so far. */
static void add_entry(struct piece *pc, uint32_t token, const uint8_t *list, size_t n,
		      bool is_bitmap)
{
	if (!pc->n)
		pc->first = pc->last = token;
	pc->n += varint_put(pc->p + pc->n, token - pc->last);
	if (is_bitmap)
		pc->n += varint_put(pc->p + pc->n, 0);
	pc->n += varint_put(pc->p + pc->n, n);
	memcpy(pc->p + pc->n, list, n);
	pc->n += n;
	pc->last = token;
}

static int write_words(struct bucket *b, size_t at, struct piece *pc, struct stmt *s,
		       int64_t bucket, struct err *e)
{
	enum { ENTRY_MAX = 5 + 1 + 8 };
	int rc = write_piece(pc, s, bucket, e);
	while (!rc && at < b->n_pairs) {
		uint32_t token = (uint32_t)(b->pairs[at] >> 32);
		if (pc->n + ENTRY_MAX > PIECE_BYTES)
			rc = write_piece(pc, s, bucket, e);
		if (!pc->n)
			pc->first = pc->last = token;
		pc->n += varint_put(pc->p + pc->n, (token - pc->last) >> WORD_SHIFT);
		pc->n += encode_granules(b, &at, pc->p + pc->n);
		pc->last = token;
	}
	return rc;
}

static int write_tokens(struct bucket *b, struct stmt *s, int64_t bucket, struct err *e)
{
	enum { LIST_MAX = 3 * STORE_BUCKET_ROWS, HEAD_MAX = 20 };
	uint8_t *list = malloc(2 * LIST_MAX + HEAD_MAX + PIECE_BYTES);
	if (!list)
		return err_set(e, ERR_NOMEM, "out of memory");
	struct piece pc = { .p = list + LIST_MAX };
	int rc = 0;
	index_sort(&b->pairs, &b->scratch, b->n_pairs);
	size_t at = 0;
	while (!rc && at < b->n_pairs) {
		uint32_t token = (uint32_t)(b->pairs[at] >> 32);
		if (b->words && token_is_word(token))
			break;
		size_t from = at, n = encode_list(b, &at, list);
		bool is_bitmap = n > STORE_BUCKET_ROWS / 8 + 2;
		if (is_bitmap)
			n = encode_bitmap(b, from, at, list);
		if (pc.n + n + HEAD_MAX > PIECE_BYTES)
			rc = write_piece(&pc, s, bucket, e);
		add_entry(&pc, token, list, n, is_bitmap);
	}
	if (!rc && at < b->n_pairs)
		rc = write_words(b, at, &pc, s, bucket, e);
	if (!rc)
		rc = write_piece(&pc, s, bucket, e);
	free(list);
	return rc;
}

static size_t encode_runs(const struct bucket_ids *ids, uint8_t *out)
{
	size_t n = 0;
	int64_t next = 0; /* id behind the run before */
	for (size_t i = 0; i < ids->n_runs; i++) {
		size_t end = i + 1 < ids->n_runs ? ids->runs[i + 1].first : ids->rows,
		       rows = end - ids->runs[i].first;
		n += varint_put(out + n, (uint64_t)(ids->runs[i].id - next));
		n += varint_put(out + n, rows);
		next = ids->runs[i].id + (int64_t)rows;
	}
	return n;
}

static int by_rank(const void *a, const void *b)
{
	const struct zone_top *x = a, *y = b;
	return less(x, y) ? 1 : less(y, x) ? -1 : 0;
}

enum { TOP_BYTES = 10 }; /* value, ordinal: little endian */

static size_t encode_top(struct zone_heap *h, uint8_t *out)
{
	qsort(h->top, h->n, sizeof(h->top[0]), by_rank);
	for (size_t i = 0; i < h->n; i++) {
		memcpy(out + i * TOP_BYTES, &h->top[i].value, 8);
		memcpy(out + i * TOP_BYTES + 8, &h->top[i].ordinal, 2);
	}
	return h->n * TOP_BYTES;
}

static int write_zone(struct bucket *b, struct stmt *s, int64_t bucket, struct err *e)
{
	uint8_t tops[ZONE_VALUES][STORE_ZONE_TOP * TOP_BYTES];
	uint8_t *runs = malloc(b->ids->n_runs * RUN_BYTES_MAX + 1);
	if (!runs)
		return err_set(e, ERR_NOMEM, "out of memory");
	size_t n = encode_runs(b->ids, runs);
	const int64_t numbers[] = { bucket,     b->rows,   b->first_id,
				    b->last_id, b->min_ns, b->max_ns };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		stmt_i64(s, (int)i + 1, numbers[i]);
	for (int z = 0; z < ZONE_VALUES; z++) {
		size_t bytes = encode_top(&b->heaps[z], tops[z]);
		stmt_i64(s, 7 + z, (int64_t)(b->heaps[z].n ? b->heaps[z].top[0].value : 0));
		stmt_blob_ref(s, 10 + z, tops[z], bytes);
	}
	stmt_blob_ref(s, 13, runs, n);
	int rc = stmt_run(s, e);
	stmt_clear(s);
	free(runs);
	return rc;
}

int bucket_write(struct bucket *b, struct sql *db, const char *table, int64_t n, struct err *e)
{
	char text[160];
	struct stmt *tok = NULL, *zone = NULL;
	struct buf sql;
	buf_init(&sql, sizeof(text));
	buf_fmt(&sql, "INSERT INTO %s_tok(id,list)VALUES(?,?)", table);
	int rc = sql_prepare(db, sql.p, &tok, e);
	buf_reset(&sql);
	buf_fmt(&sql, "INSERT INTO %s_zone VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", table);
	if (!rc)
		rc = sql_prepare(db, sql.p, &zone, e);
	if (!rc)
		rc = write_tokens(b, tok, n, e);
	if (!rc)
		rc = write_zone(b, zone, n, e);
	stmt_done(tok);
	stmt_done(zone);
	buf_fini(&sql);
	bucket_clear(b);
	return rc;
}
