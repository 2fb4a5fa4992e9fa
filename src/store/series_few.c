/* A series of the few largest applications. Each minute has sixty of them and a day has 1,440 minutes: the
 * largest are found in the coarse tables first; then each minute is asked for its total and for
 * these keys only, both by primary key. */
#include <stdlib.h>

#include "series.h"
#include "sqlite.h"

struct few {
	struct series *s;
	struct stmt *total, *keys;
	size_t number[SERIES_FEW]; /* of the keys shown */
	size_t n, rest;            /* key that holds what is not shown */
};

static const char *total_sql(int unit_s)
{
#define TOTAL(t) \
	"SELECT at,flows,packets,bytes_out,bytes_in FROM " t " WHERE dim=0 AND at>=? AND at<?"
	return unit_s == DAY_S  ? TOTAL("rollup_day") :
	       unit_s == HOUR_S ? TOTAL("rollup_hour") :
				  TOTAL("rollup_minute");
#undef TOTAL
}

static const char *keys_sql(int unit_s)
{
#define KEYS(t)                                               \
	"SELECT key,flows,packets,bytes_out,bytes_in FROM " t \
	" WHERE dim=?1 AND at=?2 AND key IN(?3,?4,?5,?6,?7,?8,?9,?10)"
	return unit_s == DAY_S  ? KEYS("rollup_day") :
	       unit_s == HOUR_S ? KEYS("rollup_hour") :
				  KEYS("rollup_minute");
#undef KEYS
}

static struct tally tally_of(struct stmt *s)
{
	return (struct tally){ (uint64_t)stmt_col_i64(s, 1), (uint64_t)stmt_col_i64(s, 2),
			       (uint64_t)stmt_col_i64(s, 3), (uint64_t)stmt_col_i64(s, 4) };
}

static void take_off(uint64_t *from, uint64_t what)
{
	*from = *from > what ? *from - what : 0;
}

static size_t number_of(const struct few *f, struct str text)
{
	for (size_t i = 0; i < f->n; i++) {
		if (str_eq(text, str_of(f->s->keys.key[f->number[i]].text)))
			return f->number[i];
	}
	return f->rest;
}

/* One minute (hour, day): the keys shown, then what is left of its total. */
static int one_moment(struct few *f, int64_t at_s, struct tally rest, struct err *e)
{
	int rc;

	stmt_i64(f->keys, 2, at_s);
	while ((rc = stmt_step(f->keys, e)) > 0) {
		struct tally t = tally_of(f->keys);

		rc = series_add(f->s, at_s, number_of(f, stmt_col_text(f->keys, 0)), &t);
		if (rc)
			break;
		take_off(&rest.flows, t.flows);
		take_off(&rest.packets, t.packets);
		take_off(&rest.bytes_out, t.bytes_out);
		take_off(&rest.bytes_in, t.bytes_in);
	}
	stmt_reset(f->keys);
	return rc ? rc : series_add(f->s, at_s, f->rest, &rest);
}

static int one_piece(struct few *f, struct sql *db, const struct rollup_span *span,
		     const struct rollup_piece *p, struct err *e)
{
	int rc = sql_prepare(db, total_sql(p->unit_s), &f->total, e);

	if (!rc)
		rc = sql_prepare(db, keys_sql(p->unit_s), &f->keys, e);
	if (!rc) {
		stmt_i64(f->total, 1, p->from_s);
		stmt_i64(f->total, 2, p->to_s);
		stmt_i64(f->keys, 1, span->dim);
		for (size_t i = 0; i < f->n;
		     i++) /* those not bound are NULL, which is in no list */
			stmt_text(f->keys, 3 + (int)i,
				  str_of(f->s->keys.key[f->number[i]].text));
	}
	while (!rc && (rc = stmt_step(f->total, e)) > 0)
		rc = one_moment(f, stmt_col_i64(f->total, 0), tally_of(f->total), e);
	stmt_done(f->total);
	stmt_done(f->keys);
	f->total = f->keys = NULL;
	return rc;
}

/* The largest keys over the whole, from the coarsest tables that cover it. */
static int find_largest(struct few *f, struct sql *db, const struct rollup_span *span,
			size_t n_keys, struct err *e)
{
	struct rollup_span whole;
	size_t *order = NULL, n = 0;
	int rc = rollup_span_of(db, span->dim, span->from_s * NS_PER_S, span->to_s * NS_PER_S,
				MINUTE_S, DAY_S, &whole, e);

	if (!rc)
		rc = rollup_read(db, &whole, &f->s->keys, NULL, NULL, e);
	if (!rc)
		rc = rollup_largest(&f->s->keys, &order, &n);
	for (size_t i = 0; !rc && i < n && i < n_keys; i++)
		f->number[f->n++] = order[i];
	free(order);
	return rc ? rc : rollup_keys_add_other(&f->s->keys, &f->rest);
}

int series_few(struct series *s, struct sql *db, const struct rollup_span *span, size_t n_keys,
	       struct err *e)
{
	struct few f = { .s = s };
	int rc = find_largest(&f, db, span, n_keys, e);

	for (size_t i = 0; !rc && i < span->n; i++)
		rc = one_piece(&f, db, span, &span->pieces[i], e);
	return rc;
}
