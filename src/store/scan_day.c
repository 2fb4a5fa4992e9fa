/* Opening a day of a search: its view, its tokens, and its buckets and tail as units. Buckets that the
 * zone rules out (time, the page before, a lower bound of the filter) never become one. */
#include "scan_unit.h"

#include <stdlib.h>

enum {
	VIEWS_MAX = 24
}; /* days open at once: each holds statements of the connection's cache */

static void close_view(struct scan_day *d)
{
	part_view_free(d->view);
	d->view = NULL;
}

void scan_day_close(struct scan_day *d)
{
	close_view(d);
	free(d->tokens);
	free(d->loose);
	d->tokens = NULL;
	d->loose = NULL;
}

/* Closes the view that was not needed for longest. */
static void make_room(struct scan *s)
{
	struct scan_day *oldest = NULL;

	for (size_t i = 0; i < s->n_days; i++) {
		struct scan_day *d = &s->days[i];

		if (d->view && (!oldest || d->used < oldest->used))
			oldest = d;
	}
	if (oldest) {
		close_view(oldest);
		s->n_views--;
	}
}

int scan_day_use(struct scan *s, struct scan_day *d, struct err *e)
{
	int rc;

	d->used = ++s->uses;
	if (d->view)
		return 0;
	if (s->n_views == VIEWS_MAX)
		make_room(s);
	rc = part_view_new(&d->view, s->spec.db, s->spec.plan, d->part.day, s->wanted, e);
	s->n_views += rc == 0;
	return rc;
}

static int find_tokens(struct scan *s, struct scan_day *d, struct err *e)
{
	if (filter_is_empty(s->spec.filter))
		return 0;
	d->tokens = malloc(sizeof(*d->tokens));
	if (!d->tokens)
		return err_set(e, ERR_NOMEM, "out of memory while searching");
	return filter_tokens(s->spec.filter, s->spec.db, d->part.day, s->spec.seed, d->tokens,
			     e);
}

/* Numbers of a bucket's zone row. */
struct zone {
	int64_t bucket, rows, first_id, last_id, min_ns, max_ns;
	uint64_t max[ZONE_VALUES];
};

static void read_zone(struct stmt *st, struct zone *z)
{
	*z = (struct zone){
		.bucket = stmt_col_i64(st, 0),
		.rows = stmt_col_i64(st, 1),
		.first_id = stmt_col_i64(st, 2),
		.last_id = stmt_col_i64(st, 3),
		.min_ns = stmt_col_i64(st, 4),
		.max_ns = stmt_col_i64(st, 5),
	};
	for (int i = 0; i < ZONE_VALUES; i++)
		z->max[i] = (uint64_t)stmt_col_i64(st, 6 + i);
}

static struct place zone_bound(const struct scan *s, const struct zone *z)
{
	struct place at = { .tie = z->last_id };

	switch (s->spec.sort) {
	case QUERY_NEWEST:
		at.rank = scan_rank_of_time(QUERY_NEWEST, z->max_ns);
		break;
	case QUERY_OLDEST:
		at.rank = scan_rank_of_time(QUERY_OLDEST, z->min_ns);
		at.tie = ~z->first_id;
		break;
	case QUERY_BYTES:
		at.rank = z->max[ZONE_BYTES];
		break;
	case QUERY_RISK:
		at.rank = z->max[ZONE_RISK];
		break;
	case QUERY_DURATION:
		at.rank = z->max[ZONE_DURATION];
		break;
	}
	return at;
}

/* Are all rows on pages before this one? Known only where the zone has both ends of the order. */
static bool is_behind_us(const struct scan *s, const struct zone *z)
{
	struct place last = { .tie = INT64_MIN };

	if (!scan_by_time(s))
		return false;
	last.rank = scan_rank_of_time(s->spec.sort,
				      s->spec.sort == QUERY_NEWEST ? z->min_ns : z->max_ns);
	return place_before(last, s->spec.after);
}

static bool has_nothing(const struct scan *s, const struct zone *z)
{
	const struct filter *f = s->spec.filter;

	if (z->max_ns < s->spec.since_ns || z->min_ns >= s->spec.until_ns ||
	    z->first_id > s->spec.max_id || z->last_id < s->spec.min_id)
		return true;
	for (size_t i = 0; i < f->n_clauses; i++) {
		if (f->clauses[i].has_zone &&
		    z->max[f->clauses[i].zone] < f->clauses[i].zone_min)
			return true;
	}
	return is_behind_us(s, z);
}

static int push_zone(struct scan *s, uint32_t day, const struct zone *z, struct err *e)
{
	struct unit u = {
		.bound = zone_bound(s, z),
		.first_id = z->first_id,
		.last_id = z->last_id,
		.rows = z->rows,
		.day = day,
		.bucket = (uint32_t)z->bucket,
		.kind = UNIT_BUCKET,
		.all_in_range = z->min_ns >= s->spec.since_ns && z->max_ns < s->spec.until_ns &&
				z->last_id <= s->spec.max_id,
	};

	return scan_push(s, &u, e);
}

/* Asking the contents costs some 2 us a token and chapter, the bucket of a larger group 300 us: a /16 of
 * 256 tokens still gains, and loses 5 ms over ten million rows where all buckets have it. */
enum { CHAPTER_TOKENS_MAX = 256 };

/* Words of digits are in no contents: their buckets have to be asked. Tokens rise. */
static bool is_not_in_contents(const struct tokens *t, const uint32_t *token, size_t n)
{
	return t->loose && n && token_is_digits(token[n - 1]);
}

/* The buckets that may have a token of every group, by the day's contents; NULL: it has none. */
static int contents(struct scan *s, struct scan_day *d, uint64_t **out, struct err *e)
{
	size_t n = (size_t)(d->part.buckets / STORE_CHAPTER_BUCKETS) + 1;
	const char *table = part_view_table(d->view);
	uint64_t *all = NULL, *one = NULL;
	int rc = d->tokens && d->tokens->n_groups ? chapter_exist(s->spec.db, table, e) : 0;

	if (rc <= 0)
		return rc;
	all = malloc(2 * n * sizeof(*all));
	if (!all)
		return err_set(e, ERR_NOMEM, "out of memory while searching");
	memset(all, 0xff, n * sizeof(*all));
	one = all + n;
	rc = 0;
	for (size_t g = 0; !rc && g < d->tokens->n_groups; g++) {
		const uint32_t *token = &d->tokens->token[d->tokens->group[g].first];
		size_t last = d->tokens->group[g].n;

		if (last > CHAPTER_TOKENS_MAX || is_not_in_contents(d->tokens, token, last))
			continue;
		memset(one, 0, n * sizeof(*one));
		for (size_t i = 0; !rc && i < last; i++)
			rc = chapter_masks(s->spec.db, table, d->part.buckets, token[i], one,
					   e);
		if (!rc && d->tokens->loose && last && token_is_word(token[last - 1]))
			rc = chapter_masks(s->spec.db, table, d->part.buckets, d->tokens->loose,
					   one, e);
		for (size_t i = 0; i < n; i++)
			all[i] &= one[i];
	}
	if (!rc && d->tokens->loose && !d->loose) {
		d->loose = calloc(n, sizeof(*d->loose));
		if (d->loose)
			rc = chapter_masks(s->spec.db, table, d->part.buckets, d->tokens->loose,
					   d->loose, e);
	}
	if (rc) {
		free(all);
		return rc;
	}
	*out = all;
	return 0;
}

static bool may_have(const uint64_t *masks, const struct part_info *part, int64_t bucket)
{
	if (!masks || bucket < 0 || bucket >= part->buckets)
		return true;
	return masks[bucket / STORE_CHAPTER_BUCKETS] >> (bucket % STORE_CHAPTER_BUCKETS) & 1;
}

static int push_buckets(struct scan *s, uint32_t day, struct err *e)
{
	struct scan_day *d = &s->days[day];
	struct stmt *st = NULL;
	uint64_t *masks = NULL;
	struct buf sql;
	int rc = contents(s, d, &masks, e);

	if (rc)
		return rc;

	buf_init(&sql, 512);
	buf_fmt(&sql,
		"SELECT bucket,rows,first_id,last_id,min_ns,max_ns,max_bytes,max_risk,max_duration FROM %s_zone",
		part_view_table(d->view));
	rc = buf_failed(&sql) ? err_set(e, ERR_NOMEM, "out of memory") :
				sql_prepare(s->spec.db, sql.p, &st, e);
	buf_fini(&sql);
	while (!rc && (rc = stmt_step(st, e)) > 0) {
		struct zone z;

		read_zone(st, &z);
		rc = has_nothing(s, &z) || !may_have(masks, &d->part, z.bucket) ?
			     0 :
			     push_zone(s, day, &z, e);
	}
	stmt_done(st);
	free(masks);
	return rc;
}

/* Rows in no bucket yet: they can be anything, only the day's times bound them. */
static int push_tail(struct scan *s, uint32_t day, struct err *e)
{
	const struct part_info *p = &s->days[day].part;
	struct unit u = {
		.bound = PLACE_FIRST,
		.first_id = s->spec.plan->has_index ? p->indexed_id + 1 : INT64_MIN,
		.last_id = p->last_id < s->spec.max_id ? p->last_id : s->spec.max_id,
		.day = day,
		.kind = UNIT_TAIL,
	};

	if (u.first_id < s->spec.min_id)
		u.first_id = s->spec.min_id;
	if (u.first_id > u.last_id)
		return 0;
	if (scan_by_time(s))
		u.bound.rank = scan_rank_of_time(
			s->spec.sort, s->spec.sort == QUERY_NEWEST ? p->last_ns : p->first_ns);
	return scan_push(s, &u, e);
}

int scan_day_open(struct scan *s, uint32_t at, struct err *e)
{
	struct scan_day *d = &s->days[at];
	int rc = scan_day_use(s, d, e);

	if (!rc)
		rc = find_tokens(s, d, e);
	if (rc || (d->tokens && d->tokens->none))
		return rc;
	rc = push_tail(s, at, e);
	if (!rc && s->spec.plan->has_index && d->part.buckets > 0)
		rc = push_buckets(s, at, e);
	return rc;
}
