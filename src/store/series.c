/* Series: bytes over time by key, from the roll-ups; the largest keys by themselves, the rest as
 * "other". Any thread. */
#include <stdlib.h>

#include "series.h"
#include "tomsd/base/clock.h"

enum { CELLS_MAX = 4 << 20 };

static const int steps_s[] = { 60,          120,        300,         600,        900,
			       1800,        HOUR_S,     2 * HOUR_S,  3 * HOUR_S, 6 * HOUR_S,
			       12 * HOUR_S, DAY_S,      2 * DAY_S,   7 * DAY_S,  14 * DAY_S,
			       28 * DAY_S,  56 * DAY_S, 112 * DAY_S, 364 * DAY_S };

/* Finest table that is quick enough for the span: rows of a bucket times buckets stay under 100,000 or
 * so (60 applications a minute, 2,000 addresses an hour). */
static int finest(enum rollup_dim dim, int64_t span_s)
{
	switch (dim) {
	case ROLLUP_TOTAL:
	case ROLLUP_DIRECTION:
		return span_s <= 8 * DAY_S ? MINUTE_S : span_s <= 366 * DAY_S ? HOUR_S : DAY_S;
	case ROLLUP_APP:
	case ROLLUP_LOG_KIND:
	case ROLLUP_LOG_SOURCE:
		return span_s <= DAY_S + 2 * HOUR_S ? MINUTE_S :
		       span_s <= 62 * DAY_S         ? HOUR_S :
						      DAY_S;
	case ROLLUP_HOST:
	case ROLLUP_PEER:
	case ROLLUP_LOG_TYPE:
		break;
	}
	return span_s <= 3 * DAY_S ? HOUR_S : DAY_S;
}

static int step_of(enum rollup_dim dim, int64_t span_s, size_t max_buckets)
{
	int least = finest(dim, span_s);

	for (size_t i = 0; i < ARRAY_LEN(steps_s); i++) {
		/* one more: a span seldom begins where a bucket does */
		if (steps_s[i] >= least && (uint64_t)(span_s / steps_s[i]) + 2 <= max_buckets)
			return steps_s[i];
	}
	return steps_s[ARRAY_LEN(steps_s) - 1];
}

int series_add(void *arg, int64_t at_s, size_t key, const struct tally *sum)
{
	struct series *s = arg;
	struct series_cell c = { *sum, (uint32_t)((at_s - s->from_s) / s->step_s),
				 (uint32_t)key };

	/* rows come in order of time, then key: a coarser step repeats keys, which meet at the end */
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 4096;
		struct series_cell *more =
			room > CELLS_MAX ? NULL : realloc(s->cells, room * sizeof(*more));

		if (!more)
			return -ERR_NOMEM;
		s->cells = more;
		s->room = room;
	}
	s->cells[s->n++] = c;
	return 0;
}

/* rank[key]: its place among the largest; n for all others. */
static int rank_keys(const struct rollup_keys *k, size_t n, size_t **order, size_t *shown,
		     uint32_t **rank)
{
	uint32_t *r = calloc(k->n + 1, sizeof(*r));

	if (!r || rollup_largest(k, order, shown)) {
		free(r);
		return -ERR_NOMEM;
	}
	if (*shown > n)
		*shown = n;
	for (size_t i = 0; i < k->n; i++)
		r[i] = (uint32_t)*shown;
	for (size_t i = 0; i < *shown; i++)
		r[(*order)[i]] = (uint32_t)i;
	*rank = r;
	return 0;
}

static int give_bucket(const struct series *s, size_t bucket, const struct tally *sums,
		       const size_t *order, size_t shown,
		       int (*row)(void *arg, const struct rollup_row *r), void *arg)
{
	for (size_t i = 0; i <= shown; i++) {
		struct rollup_row r = { .at_ns = (s->from_s + (int64_t)bucket * s->step_s) *
						 NS_PER_S };

		if (!sums[i].flows && !sums[i].packets && !sums[i].bytes_out &&
		    !sums[i].bytes_in)
			continue;
		r.flows = sums[i].flows;
		r.packets = sums[i].packets;
		r.bytes_out = sums[i].bytes_out;
		r.bytes_in = sums[i].bytes_in;
		(void)str_copy(r.key, sizeof(r.key),
			       i < shown ? str_of(s->keys.key[order[i]].text) : STR("other"));
		if (row(arg, &r))
			return 1;
	}
	return 0;
}

static int give(const struct series *s, size_t n_keys,
		int (*row)(void *arg, const struct rollup_row *r), void *arg, struct err *e)
{
	size_t *order = NULL, shown = 0;
	uint32_t *rank = NULL;
	struct tally *sums = NULL;
	int rc = rank_keys(&s->keys, n_keys, &order, &shown, &rank);

	if (!rc)
		sums = calloc(shown + 1, sizeof(*sums));
	if (!sums)
		rc = err_set(e, ERR_NOMEM, "out of memory while adding up");
	for (size_t i = 0; !rc && i < s->n; i++) {
		const struct series_cell *c = &s->cells[i];

		tally_add(&sums[rank[c->key]], &c->sum);
		if (i + 1 < s->n && s->cells[i + 1].bucket == c->bucket)
			continue;
		if (give_bucket(s, c->bucket, sums, order, shown, row, arg))
			break;
		memset(sums, 0, (shown + 1) * sizeof(*sums));
	}
	free(order);
	free(rank);
	free(sums);
	return rc;
}

int store_series(struct store *st, enum rollup_dim dim, int64_t since_ns, int64_t until_ns,
		 size_t max_buckets, size_t keys, int64_t deadline_mono_ns, int64_t *step_ns,
		 int (*row)(void *arg, const struct rollup_row *r), void *arg, struct err *e)
{
	struct series s = { 0 };
	struct rollup_span span;
	struct sql *db = NULL;
	int rc;

	if (since_ns >= until_ns)
		return err_set(e, ERR_INVALID, "the range is empty: it ends before it begins");
	if (rollup_keys_init(&s.keys, dim, store_token_seed(st)))
		return err_set(e, ERR_NOMEM, "out of memory while adding up");
	rc = store_read_begin(st, deadline_mono_ns, &db, e);
	if (!rc) {
		rc = rollup_span_of(db, dim, since_ns, until_ns, MINUTE_S, DAY_S, &span, e);
		/* the step by what there is: an open range may be a week in truth */
		s.step_s = rc ? 0 : step_of(dim, span.to_s - span.from_s, max_buckets);
		if (!rc)
			rc = rollup_span_of(db, dim, since_ns, until_ns, s.step_s, s.step_s,
					    &span, e);
		s.from_s = rc ? 0 : span.from_s;
		if (!rc && dim == ROLLUP_APP && keys <= SERIES_FEW)
			rc = series_few(&s, db, &span, keys, e);
		else if (!rc)
			rc = rollup_read(db, &span, &s.keys, series_add, &s, e);
		store_read_end(st, db);
	}
	if (rc == -ERR_NOMEM)
		rc = err_set(e, ERR_NOMEM, "out of memory while adding up");
	if (!rc)
		rc = give(&s, keys, row, arg, e);
	if (!rc)
		*step_ns = s.step_s * NS_PER_S;
	free(s.cells);
	rollup_keys_fini(&s.keys);
	return rc;
}
