/* Traffic and logs over time and the largest of them, from the store's roll-ups. On the thread that carries the
 * request. Points of a series are sums of a bucket; buckets nobody watched are in gaps. */
#include <stdlib.h>

#include "gaps.h"
#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/log_row.h"

#define BUCKETS_MAX 720
#define KEYS_MAX 11 /* ten and the rest */
#define DAY_NS (86400 * NS_PER_S)

static const char *const dims[] = { "total", "direction", "app", "host", "peer", NULL };
static const enum rollup_dim dim_of[] = { ROLLUP_TOTAL, ROLLUP_DIRECTION, ROLLUP_APP,
					  ROLLUP_HOST, ROLLUP_PEER };
static const char *const log_dims[] = { "kind", "source", "type", NULL };
static const enum rollup_dim log_dim_of[] = { ROLLUP_LOG_KIND, ROLLUP_LOG_SOURCE,
					      ROLLUP_LOG_TYPE };
const struct sums traffic_sums = { &flow_record, dims, dim_of, ROLLUP_TOTAL, 0, 2 };
/* There is no total of logs besides that of their kinds. */
const struct sums log_sums = { &log_record, log_dims, log_dim_of, ROLLUP_LOG_KIND, 0, 0 };

#define PARAMS_SPAN                                                                     \
	{                                                                               \
		"since", PARAM_TIME, 0,                                                 \
		0,       NULL,       "from this time on; the last 24 hours when absent" \
	},                                                                              \
	{                                                                               \
		"until", PARAM_TIME, 0, 0, NULL, "up to this time, not included"        \
	}
#define PARAMS_SERIES(by_names, by_doc)                                                    \
	{ "by", PARAM_ENUM, 0, 0, by_names, by_doc }, PARAMS_SPAN,                         \
		{ "buckets",   PARAM_INT, 2,                                               \
		  BUCKETS_MAX, NULL,      "points of a series at most; 288 when absent" }, \
	{                                                                                  \
		"keys", PARAM_INT, 1, KEYS_MAX - 1, NULL,                                  \
			"series besides the rest; 4 when absent"                           \
	}
#define PARAMS_TOP(by_names, by_doc)                                         \
	{ "by", PARAM_ENUM, 0, 0, by_names, by_doc }, PARAMS_SPAN,           \
	{                                                                    \
		"limit", PARAM_INT, 1, 100, NULL, "how many; 10 when absent" \
	}

const struct param series_params[] = {
	PARAMS_SERIES(dims, "one series for each of these; total when absent"), PARAM_END
};
const struct param log_series_params[] = {
	PARAMS_SERIES(log_dims, "one series for each of these; kind when absent"), PARAM_END
};
const struct param log_top_params[] = {
	PARAMS_TOP(log_dims, "what is ranked; kind when absent"), PARAM_END
};
const struct param top_params[] = { PARAMS_TOP(dims, "what is ranked; app when absent"),
				    PARAM_END };

/* Addresses are log content, which viewers do not see. */
bool traffic_may_see(const struct request *rq, enum rollup_dim dim)
{
	return rq->who.role != ROLE_VIEWER || (dim != ROLLUP_HOST && dim != ROLLUP_PEER);
}

static bool may_see(struct request *rq, struct reply *rp, enum rollup_dim dim)
{
	if (traffic_may_see(rq, dim))
		return true;
	reply_problem(rq, rp, 403, "role_required", "%s",
		      api_words(rq->lang, "detail.viewer_addresses"));
	return false;
}

struct series {
	char key[64];
	struct rollup_row at[BUCKETS_MAX];
	uint64_t bytes;
};
struct series_set {
	struct series *s[KEYS_MAX];
	size_t n;
	int64_t start_ns, step_ns;
	size_t buckets;
	struct rollup_row *rows; /* as they came, since the step is known only at the end */
	size_t n_rows, room;
};

static int keep_row(void *arg, const struct rollup_row *r)
{
	struct series_set *set = arg;
	if (set->n_rows == set->room) {
		size_t room = set->room ? set->room * 2 : 1024;
		struct rollup_row *more = room > BUCKETS_MAX * KEYS_MAX * 2 ?
						  NULL :
						  realloc(set->rows, room * sizeof(*more));
		if (!more)
			return -1;
		set->rows = more;
		set->room = room;
	}
	set->rows[set->n_rows++] = *r;
	return 0;
}

static struct series *series_of(struct series_set *set, const char *key)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->s[i]->key, key) == 0)
			return set->s[i];
	struct series *s = set->n < KEYS_MAX ? calloc(1, sizeof(*s)) : NULL;
	if (!s)
		return NULL;
	(void)str_copy(s->key, sizeof(s->key), str_of(key));
	set->s[set->n++] = s;
	return s;
}

static void sort_rows(struct series_set *set)
{
	for (size_t i = 0; i < set->n_rows; i++) {
		const struct rollup_row *r = &set->rows[i];
		struct series *s = series_of(set, r->key);
		int64_t at = (r->at_ns - set->start_ns) / set->step_ns;
		if (!s || r->at_ns < set->start_ns || (size_t)at >= set->buckets)
			continue;
		s->at[at].flows += r->flows;
		s->at[at].packets += r->packets;
		s->at[at].bytes_out += r->bytes_out;
		s->at[at].bytes_in += r->bytes_in;
		s->bytes += r->bytes_out + r->bytes_in;
	}
}

/* The step of an answer hangs on what was asked alone, so that two answers for one range lie on one
 * axis; the store's step hangs on what rows there are, and is only a lower limit. */
static int64_t step_for(int64_t span_ns, size_t buckets, int64_t store_step_ns)
{
	static const int steps_s[] = { 60,         120,         300,        600,
				       900,        1800,        3600,       7200,
				       10800,      21600,       43200,      86400,
				       2 * 86400,  7 * 86400,   14 * 86400, 28 * 86400,
				       56 * 86400, 112 * 86400, 364 * 86400 };
	for (size_t i = 0; i < ARRAY_LEN(steps_s); i++) {
		int64_t step = steps_s[i] * NS_PER_S;
		if (step % store_step_ns == 0 &&
		    (uint64_t)((span_ns + step - 1) / step) + 1 <= buckets)
			return step;
	}
	return steps_s[ARRAY_LEN(steps_s) - 1] * NS_PER_S;
}

/* Largest first, the rest last. */
static int larger(const void *a, const void *b)
{
	const struct series *x = *(struct series *const *)a, *y = *(struct series *const *)b;
	bool x_rest = strcmp(x->key, "other") == 0, y_rest = strcmp(y->key, "other") == 0;
	if (x_rest != y_rest)
		return x_rest ? 1 : -1;
	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : strcmp(x->key, y->key);
}

static uint64_t value_of(const struct rollup_row *r, size_t which)
{
	const uint64_t v[] = { r->flows, r->packets, r->bytes_out, r->bytes_in };
	return v[which];
}

static void put_series(struct json *j, const struct series_set *set)
{
	static const char *const names[] = { "flows", "packets", "bytes_out", "bytes_in" };
	json_key(j, "series");
	json_arr(j);
	for (size_t i = 0; i < set->n; i++) {
		json_obj(j);
		json_kv_str(j, "key", set->s[i]->key);
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			json_key(j, names[k]);
			json_arr(j);
			for (size_t b = 0; b < set->buckets; b++)
				json_u64(j, value_of(&set->s[i]->at[b], k));
			json_end_arr(j);
		}
		json_end_obj(j);
	}
	json_end_arr(j);
}

static void set_fini(struct series_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->s[i]);
	free(set->rows);
}

void series_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct series_set set = { 0 };
	const struct sums *sums = rq->route->arg;
	int64_t by = req_int(rq, "by", sums->series_by), since, until;
	enum rollup_dim dim = sums->dim_of[by];
	size_t buckets = (size_t)req_int(rq, "buckets", 288);
	req_range(rq, DAY_NS, &since, &until);
	if (!may_see(rq, rp, dim))
		return;
	set.step_ns = 60 * NS_PER_S;
	int rc = store_series(app_store(rq->app), dim, since, until, buckets,
			      (size_t)req_int(rq, "keys", 4), rq->deadline_mono_ns,
			      &set.step_ns, keep_row, &set, &e);
	if (rc != 0 || set.step_ns <= 0) {
		reply_failed(rq, rp, &e);
		set_fini(&set);
		return;
	}
	set.step_ns =
		step_for(until - since, buckets, set.n_rows > 0 ? set.step_ns : 60 * NS_PER_S);
	set.start_ns = since - (since % set.step_ns + set.step_ns) % set.step_ns;
	int64_t n = (until - set.start_ns + set.step_ns - 1) / set.step_ns;
	set.buckets = n < 0 ? 0 : n > BUCKETS_MAX ? BUCKETS_MAX : (size_t)n;
	sort_rows(&set);
	qsort(set.s, set.n, sizeof(set.s[0]), larger);
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_kv_time(j, "as_of", clock_now_ns());
	json_kv_str(j, "by", sums->names[by]);
	json_kv_time(j, "since", since);
	json_kv_time(j, "until", until);
	json_kv_time(j, "start", set.start_ns);
	json_kv_i64(j, "step_s", set.step_ns / NS_PER_S);
	json_kv_u64(j, "buckets", set.buckets);
	put_series(j, &set);
	gaps_put(rq, j, sums->record, since, until);
	json_end_obj(j);
	set_fini(&set);
}

struct top {
	struct rollup_row rows[100];
	size_t n;
	struct rollup_row sum;
};

static int keep_top(void *arg, const struct rollup_row *r)
{
	struct top *t = arg;
	if (t->n < ARRAY_LEN(t->rows))
		t->rows[t->n++] = *r;
	return 0;
}

static int keep_sum(void *arg, const struct rollup_row *r)
{
	struct top *t = arg;
	t->sum.flows += r->flows;
	t->sum.packets += r->packets;
	t->sum.bytes_out += r->bytes_out;
	t->sum.bytes_in += r->bytes_in;
	return 0;
}

static void put_sums(struct json *j, const struct rollup_row *r)
{
	json_kv_u64(j, "flows", r->flows);
	json_kv_u64(j, "packets", r->packets);
	json_kv_u64(j, "bytes", r->bytes_out + r->bytes_in);
	json_kv_u64(j, "bytes_out", r->bytes_out);
	json_kv_u64(j, "bytes_in", r->bytes_in);
}

static void put_top(struct json *j, const struct top *t)
{
	double all = (double)(t->sum.bytes_out + t->sum.bytes_in);
	json_key(j, "items");
	json_arr(j);
	for (size_t i = 0; i < t->n; i++) {
		const struct rollup_row *r = &t->rows[i];
		double share = all > 0 ? (double)(r->bytes_out + r->bytes_in) / all : 0;
		json_obj(j);
		json_kv_str(j, "key", r->key);
		put_sums(j, r);
		json_key(j, "share");
		json_f64(j, (double)(int64_t)((share > 1 ? 1 : share) * 10000 + 0.5) / 10000);
		json_end_obj(j);
	}
	json_end_arr(j);
	json_key(j, "total");
	json_obj(j);
	put_sums(j, &t->sum);
	json_end_obj(j);
}

static enum rollup_dim total_of(enum rollup_dim dim)
{
	return dim == ROLLUP_LOG_KIND || dim == ROLLUP_LOG_SOURCE || dim == ROLLUP_LOG_TYPE ?
		       log_sums.total :
		       traffic_sums.total;
}

/* Members items and total: the list and the sum it is a part of. Nothing is written when they could not be read;
 * is_object: as an object of their own. */
int traffic_put_top(struct request *rq, struct json *j, enum rollup_dim dim, int64_t since,
		    int64_t until, size_t limit, bool is_object, struct err *e)
{
	struct top *t = calloc(1, sizeof(*t));
	struct store *st = app_store(rq->app);
	int rc = t ? store_top(st, dim, since, until, limit, rq->deadline_mono_ns, keep_top, t,
			       e) :
		     err_set(e, ERR_NOMEM, "no memory for a ranking");
	if (rc == 0)
		rc = store_top(st, total_of(dim), since, until, 100, rq->deadline_mono_ns,
			       keep_sum, t, e);
	if (rc == 0 && is_object)
		json_obj(j);
	if (rc == 0)
		put_top(j, t);
	if (rc == 0 && is_object)
		json_end_obj(j);
	free(t);
	return rc;
}

void top_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	const struct sums *sums = rq->route->arg;
	int64_t by = req_int(rq, "by", sums->top_by), since, until;
	enum rollup_dim dim = sums->dim_of[by];
	req_range(rq, DAY_NS, &since, &until);
	if (!may_see(rq, rp, dim))
		return;
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_kv_time(j, "as_of", clock_now_ns());
	json_kv_str(j, "by", sums->names[by]);
	json_kv_time(j, "since", since);
	json_kv_time(j, "until", until);
	if (traffic_put_top(rq, j, dim, since, until, (size_t)req_int(rq, "limit", 10), false,
			    &e) != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	gaps_put(rq, j, sums->record, since, until);
	json_end_obj(j);
}

#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define COUNTS "{\"type\":\"array\",\"items\":" COUNT "}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define GAPS "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/gap\"}}"
const char series_schema[] =
	"{\"type\":\"object\",\"required\":[\"as_of\",\"by\",\"since\",\"until\",\"start\",\"step_s\",\"buckets\",\"series\",\"gaps\"],"
	"\"properties\":{\"as_of\":" TIME ",\"by\":{\"type\":\"string\"},\"since\":" TIME
	",\"until\":" TIME ",\"start\":" TIME ","
	"\"step_s\":" COUNT ",\"buckets\":" COUNT
	",\"series\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"key\",\"flows\",\"packets\",\"bytes_out\",\"bytes_in\"],\"properties\":{\"key\":{\"type\":\"string\"},"
	"\"flows\":" COUNTS ",\"packets\":" COUNTS ",\"bytes_out\":" COUNTS
	",\"bytes_in\":" COUNTS "}}},\"gaps\":" GAPS "}}";
#define SUMS                                                                                 \
	"\"flows\":" COUNT ",\"packets\":" COUNT ",\"bytes\":" COUNT ",\"bytes_out\":" COUNT \
	",\"bytes_in\":" COUNT
const char top_schema[] =
	"{\"type\":\"object\",\"required\":[\"as_of\",\"by\",\"since\",\"until\",\"items\",\"total\",\"gaps\"],"
	"\"properties\":{\"as_of\":" TIME ",\"by\":{\"type\":\"string\"},\"since\":" TIME
	",\"until\":" TIME ","
	"\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"key\",\"bytes\",\"share\"],\"properties\":{"
	"\"key\":{\"type\":\"string\"}," SUMS ",\"share\":{\"type\":\"number\"}}}},"
	"\"total\":{\"type\":\"object\",\"properties\":{" SUMS "}},\"gaps\":" GAPS "}}";
