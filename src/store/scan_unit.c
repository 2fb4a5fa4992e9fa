/* Searching one bucket or tail. A bucket's candidates are the rows that carry a token of every group;
 * where the order is by a value, the bucket's largest rows are tried first and the rest waits with the
 * bound they leave. */
#include "scan_unit.h"
#include "sqlite.h"

enum {
	FEW_ROWS = 64,    /* so many candidates are looked at without going for the largest */
	MANY_TOKENS = 50, /* so many are read from the bucket in one go */
};

static void bits_set(struct bits *b, unsigned i)
{
	b->w[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool bits_has(const struct bits *b, unsigned i)
{
	return b->w[i / 64] >> (i % 64) & 1;
}

static size_t bits_and(struct bits *b, const struct bits *with)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(b->w); i++) {
		b->w[i] &= with->w[i];
		n += (size_t)__builtin_popcountll(b->w[i]);
	}
	return n;
}

static int damaged(const struct scan_day *d, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the index of %s is damaged", part_view_table(d->view));
}

/* Rows of the granules that may have one of these words. Those behind the bucket's last are no rows. */
static int word_bits(struct scan *s, const struct scan_day *d, const uint32_t *token, size_t n,
		     struct bits *out, struct err *e)
{
	enum { WORDS = STORE_GRANULE_ROWS / 64 };
	const char *table = part_view_table(d->view);
	uint64_t granules = 0, one;
	int rc = 0;

	if (d->loose && s->now.bucket < d->part.buckets &&
	    !(d->loose[s->now.bucket / 64] >> (s->now.bucket % 64) & 1)) {
		s->loose = 0;
		s->knows_loose = true;
	}
	if (!s->knows_loose)
		rc = tok_find_word(s->spec.db, table, s->now.bucket, d->tokens->loose,
				   &s->loose, e);
	s->knows_loose = rc == 0;
	for (size_t i = 0; !rc && i < n; i++) {
		rc = tok_find_word(s->spec.db, table, s->now.bucket, token[i], &one, e);
		granules |= rc ? 0 : one;
	}
	if (rc)
		return rc;
	for (granules |= s->loose; granules; granules &= granules - 1)
		memset(&out->w[__builtin_ctzll(granules) * WORDS], 0xff,
		       WORDS * sizeof(out->w[0]));
	for (size_t i = (size_t)s->now.rows; i < STORE_BUCKET_ROWS; i++) {
		if (i % 64 == 0) {
			memset(&out->w[i / 64], 0, (STORE_BUCKET_ROWS - i) / 8);
			break;
		}
		out->w[i / 64] &= ~(UINT64_C(1) << (i % 64));
	}
	return 0;
}

/* Rows of the bucket with any token of the group: columns first, then words. */
static int group_bits(struct scan *s, const struct scan_day *d, size_t group, struct bits *out,
		      struct err *e)
{
	const struct tokens *t = d->tokens;
	const uint32_t *first = &t->token[t->group[group].first];
	size_t all = t->group[group].n, columns = all;

	*out = (struct bits){ { 0 } };
	while (t->loose && columns && token_is_word(first[columns - 1]))
		columns--;
	if (columns < all) {
		int rc = word_bits(s, d, first + columns, all - columns, out, e);

		if (rc)
			return rc;
	}
	if (columns >= MANY_TOKENS)
		return tok_find_many(s->spec.db, part_view_table(d->view), s->now.bucket, first,
				     columns, out->w, e);
	for (size_t i = 0; i < columns; i++) {
		int n = tok_find(s->spec.db, part_view_table(d->view), s->now.bucket, first[i],
				 s->ordinals, e);

		if (n < 0)
			return n;
		for (int k = 0; k < n; k++)
			bits_set(out, s->ordinals[k]);
	}
	return 0;
}

/* Candidates into s->set; *n: how many. Without tokens *n is SIZE_MAX: all rows. */
static int candidates(struct scan *s, const struct scan_day *d, size_t *n, struct err *e)
{
	*n = SIZE_MAX;
	for (size_t g = 0; d->tokens && g < d->tokens->n_groups && *n; g++) {
		int rc = group_bits(s, d, g, g ? &s->one : &s->set, e);

		if (rc)
			return rc;
		*n = bits_and(&s->set, g ? &s->one : &s->set);
	}
	return 0;
}

/* One row by id: considered when it is there. */
static int consider_id(struct scan *s, struct scan_day *d, int64_t id, struct err *e)
{
	int rc = part_view_find(d->view, id, e);

	if (rc > 0) {
		rc = part_view_row(d->view, s->row, e);
		if (!rc)
			rc = scan_consider(s, d->view, e);
	}
	return rc;
}

/* All rows between two ids in the order of the walk. */
static int walk_ids(struct scan *s, struct scan_day *d, int64_t from, int64_t to, struct err *e)
{
	int64_t id;
	int rc;

	if (from < s->spec.min_id)
		from = s->spec.min_id;
	if (to > s->spec.max_id)
		to = s->spec.max_id;
	rc = from > to ? 0 : part_view_walk(d->view, from, to, s->spec.sort != QUERY_OLDEST, e);
	if (rc || from > to)
		return rc;
	while ((rc = part_view_next(d->view, &id, e)) > 0) {
		if (scan_walk_is_over(s, id)) {
			rc = 0;
			break;
		}
		rc = part_view_row(d->view, s->row, e);
		if (!rc)
			rc = scan_consider(s, d->view, e);
		if (rc)
			break;
	}
	part_view_rest(d->view);
	return rc;
}

/* The candidate that comes first in the walk, taken out of the set; SIZE_MAX: none left. *word is where
 * to look, and moves along. */
static size_t take_next(struct bits *set, size_t *word, bool up)
{
	for (; *word < ARRAY_LEN(set->w); *word += up ? 1 : SIZE_MAX) {
		uint64_t w = set->w[*word];
		unsigned bit;

		if (!w)
			continue;
		bit = up ? (unsigned)__builtin_ctzll(w) : 63 - (unsigned)__builtin_clzll(w);
		set->w[*word] &= ~(UINT64_C(1) << bit);
		return *word * 64 + bit;
	}
	return SIZE_MAX;
}

/* Candidates by ordinal, in the order of the walk; empties the set. */
static int walk_set(struct scan *s, struct scan_day *d, struct err *e)
{
	bool up = s->spec.sort == QUERY_OLDEST;
	size_t word = up ? 0 : ARRAY_LEN(s->set.w) - 1, at;

	while ((at = take_next(&s->set, &word, up)) != SIZE_MAX) {
		int64_t id;
		int rc;

		if (at >= s->ids.rows)
			return damaged(d, e);
		id = bucket_ids_at(&s->ids, at);
		if (scan_walk_is_over(s, id))
			return 0;
		rc = consider_id(s, d, id, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* A blob of the bucket's zone row into the decoder. */
static int zone_blob(struct scan *s, const struct scan_day *d, const char *column,
		     int (*decode)(struct scan *, struct str), struct err *e)
{
	struct stmt *st = NULL;
	struct buf sql;
	int rc;

	buf_init(&sql, 256);
	buf_fmt(&sql, "SELECT %s FROM %s_zone WHERE bucket=?", column,
		part_view_table(d->view));
	rc = buf_failed(&sql) ? err_set(e, ERR_NOMEM, "out of memory") :
				sql_prepare(s->spec.db, sql.p, &st, e);
	buf_fini(&sql);
	if (rc)
		return rc;
	stmt_i64(st, 1, s->now.bucket);
	rc = stmt_step(st, e);
	if (rc > 0)
		rc = decode(s, stmt_col_blob(st, 0));
	else if (rc == 0)
		rc = -ERR_CORRUPT; /* the bucket was there a moment ago */
	stmt_done(st);
	return rc == -ERR_CORRUPT ? damaged(d, e) : rc;
}

static int decode_ids(struct scan *s, struct str blob)
{
	return bucket_ids_decode(blob, &s->ids);
}

/* How many top entries, in s->top. */
static int decode_top(struct scan *s, struct str blob)
{
	return zone_top_decode(blob, s->top);
}

static int search_rows(struct scan *s, struct scan_day *d, size_t n_candidates, struct err *e)
{
	int rc;

	if (n_candidates == SIZE_MAX)
		return walk_ids(s, d, s->now.first_id, s->now.last_id, e);
	rc = zone_blob(s, d, "runs", decode_ids, e);
	return rc ? rc : walk_set(s, d, e);
}

static const char *top_column(enum zone_value which)
{
	return which == ZONE_BYTES ? "top_bytes" :
	       which == ZONE_RISK  ? "top_risk" :
				     "top_duration";
}

/* A lower bound of the filter that the bucket's largest rows answer whole: candidates are those alone. */
static int narrow_by_zone(struct scan *s, const struct scan_day *d, size_t *n, struct err *e)
{
	const struct filter *f = s->spec.filter;

	for (size_t i = 0; i < f->n_clauses && *n; i++) {
		const struct clause *c = &f->clauses[i];
		int tops;

		if (!c->has_zone)
			continue;
		tops = zone_blob(s, d, top_column(c->zone), decode_top, e);
		if (tops < 0)
			return tops;
		if (tops == STORE_ZONE_TOP && s->top[tops - 1].value >= c->zone_min)
			continue; /* there may be more such rows than are listed */
		s->one = (struct bits){ { 0 } };
		for (int k = 0; k < tops; k++) {
			if (s->top[k].value >= c->zone_min)
				bits_set(&s->one, s->top[k].ordinal % STORE_BUCKET_ROWS);
		}
		if (*n == SIZE_MAX)
			s->set = s->one;
		*n = bits_and(&s->set, &s->one);
	}
	return 0;
}

/* Sorted by a value: the bucket's largest rows, then the rest back into the heap with what is left. */
static int search_top(struct scan *s, struct scan_day *d, size_t n_candidates, struct err *e)
{
	static const enum zone_value zone_of[] = {
		[QUERY_BYTES] = ZONE_BYTES, [QUERY_RISK] = ZONE_RISK, [QUERY_DURATION] = ZONE_DURATION
	};
	struct unit rest = s->now;
	int tops = zone_blob(s, d, top_column(zone_of[s->spec.sort]), decode_top, e);
	int rc = tops < 0 ? tops : zone_blob(s, d, "runs", decode_ids, e);

	if (rc)
		return rc;
	rest.kind = UNIT_REST;
	rest.bound = (struct place){ 0, s->now.last_id };
	for (int i = 0; i < tops; i++) {
		unsigned at = s->top[i].ordinal;
		int64_t id;

		if (at >= s->ids.rows)
			return damaged(d, e);
		id = bucket_ids_at(&s->ids, at);
		if (i == STORE_ZONE_TOP - 1)
			rest.bound = (struct place){ s->top[i].value, id - 1 };
		if (n_candidates != SIZE_MAX && !bits_has(&s->set, at))
			continue;
		if (scan_walk_is_over(s, id))
			return 0;
		rc = consider_id(s, d, id, e);
		if (rc)
			return rc;
	}
	return scan_push(s, &rest, e);
}

int scan_unit_search(struct scan *s, struct err *e)
{
	struct scan_day *d = &s->days[s->now.day];
	size_t n = SIZE_MAX;
	int rc = scan_day_use(s, d, e);

	s->knows_loose = false;
	if (rc)
		return rc;
	if (s->now.kind == UNIT_TAIL)
		return walk_ids(s, d, s->now.first_id, s->now.last_id, e);
	if (!s->spec.limit && s->now.all_in_range && filter_is_empty(s->spec.filter)) {
		s->counted += (uint64_t)s->now.rows;
		s->stopped = s->counted >= s->spec.at_most;
		return 0;
	}
	rc = candidates(s, d, &n, e);
	if (!rc)
		rc = narrow_by_zone(s, d, &n, e);
	if (rc || !n)
		return rc;
	if (s->now.kind == UNIT_BUCKET && s->spec.limit && !scan_by_time(s) && n > FEW_ROWS)
		return search_top(s, d, n, e);
	return search_rows(s, d, n, e);
}
