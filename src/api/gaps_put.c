/* Times of which rows are missing, beside every answer about rows. Of logs they are rows themselves (struct
 * gap), written by the room that receives; of all else they are minutes nobody watched. */
#include <stdlib.h>

#include "gaps.h"
#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/log_row.h"

#define ROW_EVERY_NS (65 * 60 * NS_PER_S) /* a gap that goes on has a row every hour */
#define JOIN_NS (2 * NS_PER_S)            /* so near to each other, two rows are one gap */
#define READ_ROWS 400

struct log_gaps {
	int64_t since_ns, until_ns;
	struct gap_said g[GAPS_SHOWN]; /* newest first */
	size_t n;
};

static const char *reason_of(const struct gap *row)
{
	static const char *const reasons[] = { "unknown", "silent", "socket",
					       "limit",   "down",   "capture" };
	return row->kind < ARRAY_LEN(reasons) ? reasons[row->kind] : "unknown";
}

/* The hours of one silence become one gap again. */
static bool joins(struct log_gaps *l, const struct gap_said *g)
{
	for (size_t i = 0; i < l->n; i++) {
		struct gap_said *o = &l->g[i];
		if (strcmp(o->reason, g->reason) != 0 || o->source != g->source ||
		    strcmp(o->name, g->name) != 0 || g->until_ns + JOIN_NS < o->since_ns)
			continue;
		o->since_ns = g->since_ns < o->since_ns ? g->since_ns : o->since_ns;
		o->lost += g->lost;
		return true;
	}
	return false;
}

static int take_gap(void *arg, const void *row)
{
	struct log_gaps *l = arg;
	const struct gap *r = row;
	if (r->start_ns >= l->until_ns || r->kind == GAP_CAPTURE)
		return 0;
	struct gap_said g = { .since_ns = r->start_ns > l->since_ns ? r->start_ns : l->since_ns,
			      .until_ns = r->end_ns < l->until_ns ? r->end_ns : l->until_ns,
			      .reason = reason_of(r),
			      .source = r->source,
			      .lost = r->lost };
	(void)str_copy(g.name, sizeof(g.name),
		       str_n(r->name, strnlen(r->name, sizeof(r->name))));
	if (joins(l, &g))
		return 0;
	if (l->n == GAPS_SHOWN)
		return 1;
	l->g[l->n++] = g;
	return 0;
}

static int older(const void *a, const void *b)
{
	const struct gap_said *x = a, *y = b;
	return x->since_ns < y->since_ns ? -1 : x->since_ns > y->since_ns;
}

static bool each_of_logs(struct app *a, int64_t since_ns, int64_t until_ns,
			 int64_t deadline_mono_ns,
			 void (*fn)(void *arg, const struct gap_said *g), void *arg)
{
	struct query q = { .record = &gap_record, .since_ns = since_ns, .until_ns = INT64_MAX };
	struct query_page_info info = { 0 };
	struct err e = ERR_INIT;
	struct log_gaps *l = calloc(1, sizeof(*l));
	if (!l)
		return false;
	if (until_ns < INT64_MAX - ROW_EVERY_NS)
		q.until_ns = until_ns + ROW_EVERY_NS;
	l->since_ns = since_ns;
	l->until_ns = until_ns;
	int rc = q.since_ns < q.until_ns && app_store(a) ?
			 store_query(app_store(a), &q, READ_ROWS, deadline_mono_ns, take_gap, l,
				     &info, &e) :
			 0;
	qsort(l->g, l->n, sizeof(l->g[0]), older);
	for (size_t i = 0; i < l->n; i++)
		fn(arg, &l->g[i]);
	free(l);
	return rc == 0;
}

struct forward {
	void (*fn)(void *arg, const struct gap_said *g);
	void *arg;
};

static void forward(void *arg, int64_t since_ns, int64_t until_ns, const char *reason)
{
	const struct forward *f = arg;
	struct gap_said g = { .since_ns = since_ns, .until_ns = until_ns, .reason = reason };
	f->fn(f->arg, &g);
}

bool gaps_each(struct app *a, const struct record *r, int64_t since_ns, int64_t until_ns,
	       int64_t deadline_mono_ns, void (*fn)(void *arg, const struct gap_said *g),
	       void *arg)
{
	struct api *api = api_of(a);
	struct forward f = { fn, arg };
	if (r == &log_record)
		return each_of_logs(a, since_ns, until_ns, deadline_mono_ns, fn, arg);
	if (api && api->watched && r != &gap_record)
		watched_gaps(api->watched, since_ns, until_ns, clock_now_ns(), forward, &f);
	return true;
}

static void put_gap(void *arg, const struct gap_said *g)
{
	struct json *j = arg;
	json_obj(j);
	json_kv_time(j, "since", g->since_ns);
	json_kv_time(j, "until", g->until_ns);
	json_kv_str(j, "reason", g->reason);
	if (g->name[0])
		json_kv_str(j, "name", g->name);
	if (g->source)
		json_kv_u64(j, "source", g->source);
	if (g->lost)
		json_kv_u64(j, "lost", g->lost);
	json_end_obj(j);
}

void gaps_put(const struct request *rq, struct json *j, const struct record *r,
	      int64_t since_ns, int64_t until_ns)
{
	json_key(j, "gaps");
	json_arr(j);
	(void)gaps_each(rq->app, r, since_ns, until_ns, rq->deadline_mono_ns, put_gap,
			j); /* what cannot be read in time is not there */
	json_end_arr(j);
}
