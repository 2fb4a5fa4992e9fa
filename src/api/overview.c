/* The first page's answer: what is well and what is not, what passes now, sums and losses of a day.
 * On the thread that carries the request. */
#include <stdio.h>

#include "gaps.h"
#include "room.h"
#include "tomsd/base/clock.h"

#define DAY_NS (86400 * NS_PER_S)

/* What the room says in the reader's language; false when it has nothing of its own. */
static bool room_explains(const struct request *rq, const struct check *c, struct buf *out)
{
	for (const struct room *const *room = app_rooms(rq->app); *room; room++)
		if (strcmp((*room)->name, c->room) == 0 && (*room)->explain)
			(*room)->explain(rq->app, rq->lang, out);
	return out->n > 0 && !buf_failed(out);
}

/* Rooms whose next step stands on the page of the archive. */
static const char *next_of(const struct check *c)
{
	static const char *const there[] = { "archive", "s3", "rescue" };
	for (size_t i = 0; i < ARRAY_LEN(there); i++)
		if (strcmp(c->code, "room") == 0 && strcmp(c->room, there[i]) == 0)
			return "room.archive";
	return c->code;
}

static void put_check(const struct request *rq, struct json *j, const struct check *c)
{
	char key[64], words[512], next_key[64];
	(void)snprintf(key, sizeof(key), "check.%s", c->code);
	(void)snprintf(next_key, sizeof(next_key), "next.%s", next_of(c));
	const char *next = api_words(rq->lang, next_key);
	json_obj(j);
	json_kv_str(j, "id", c->id);
	json_kv_str(j, "room", c->room);
	json_kv_str(j, "state", check_state_names[c->state]);
	if (c->since_ns > 0)
		json_kv_time(j, "since", c->since_ns);
	else
		json_kv_str(j, "since", NULL);
	json_kv_str(j, "code", c->code);
	struct buf own;
	buf_init(&own, 4096);
	if (strcmp(c->code, "room") == 0 && room_explains(rq, c, &own))
		json_kv_str(j, "text", own.p);
	else
		json_kv_str(j, "text",
			    api_text(words, sizeof(words), rq->lang, key, c->one, c->two));
	buf_fini(&own);
	json_kv_str(j, "next", next == next_key ? NULL : next);
	json_end_obj(j);
}

static void put_checks(const struct request *rq, struct json *j, struct api *api)
{
	struct check checks[CHECKS_MAX];
	uint64_t counts[3] = { 0 };
	mutex_lock(&api->m);
	size_t n = api->n_checks;
	memcpy(checks, api->checks, n * sizeof(checks[0]));
	mutex_unlock(&api->m);
	if (n == 0) /* before the first tick */
		n = checks_make(api, checks);
	json_key(j, "checks");
	json_arr(j);
	for (size_t i = 0; i < n; i++) {
		put_check(rq, j, &checks[i]);
		counts[checks[i].state]++;
	}
	json_end_arr(j);
	json_key(j, "counts");
	json_obj(j);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		json_kv_u64(j, check_state_names[i], counts[i]);
	json_end_obj(j);
}

static int add_row(void *arg, const struct rollup_row *r)
{
	struct rollup_row *sum = arg;
	sum->flows += r->flows;
	sum->packets += r->packets;
	sum->bytes_out += r->bytes_out;
	sum->bytes_in += r->bytes_in;
	return 0;
}

/* Sums of 24 hours; false when they could not be read in time. */
static bool put_totals(struct request *rq, struct json *j, int64_t now)
{
	struct rollup_row sum = { 0 };
	struct err e = ERR_INIT;
	int rc = store_top(app_store(rq->app), ROLLUP_TOTAL, now - DAY_NS, now, 1,
			   rq->deadline_mono_ns, add_row, &sum, &e);
	json_key(j, "totals");
	if (rc != 0) {
		json_null(j);
		return false;
	}
	json_obj(j);
	json_kv_time(j, "since", now - DAY_NS);
	json_kv_time(j, "until", now);
	json_kv_u64(j, "flows", sum.flows);
	json_kv_u64(j, "packets", sum.packets);
	json_kv_u64(j, "bytes", sum.bytes_out + sum.bytes_in);
	json_kv_u64(j, "bytes_out", sum.bytes_out);
	json_kv_u64(j, "bytes_in", sum.bytes_in);
	json_end_obj(j);
	return true;
}

struct log_kinds {
	struct json *j;
	uint64_t lines, bytes;
};

static int put_kind(void *arg, const struct rollup_row *r)
{
	struct log_kinds *k = arg;
	json_kv_u64(k->j, *r->key ? r->key : "unknown", r->flows);
	k->lines += r->flows;
	k->bytes += r->bytes_out;
	return 0;
}

/* Lines of logs in the same 24 hours, by kind; null where none are received. */
static bool put_logs(struct request *rq, struct json *j, struct api *api, int64_t now)
{
	struct err e = ERR_INIT;
	struct log_kinds k = { .j = j };
	json_key(j, "logs");
	if (!api->hears_logs) {
		json_null(j);
		return true;
	}
	mutex_lock(&api->m);
	double rate = api->lines_per_s;
	mutex_unlock(&api->m);
	json_obj(j);
	json_kv_time(j, "since", now - DAY_NS);
	json_kv_time(j, "until", now);
	json_key(j, "kinds");
	json_obj(j);
	int rc = store_top(app_store(rq->app), ROLLUP_LOG_KIND, now - DAY_NS, now, 100,
			   rq->deadline_mono_ns, put_kind, &k, &e);
	json_end_obj(j);
	json_kv_u64(j, "lines", k.lines);
	json_kv_u64(j, "bytes", k.bytes);
	json_key(j, "lines_per_s");
	if (rate < 0)
		json_null(j);
	else
		json_f64(j, (double)(int64_t)(rate * 10 + 0.5) / 10);
	json_end_obj(j);
	return rc == 0;
}

static void put_lost(struct json *j, struct api *api, int64_t now)
{
	struct losses l;
	watched_losses(api->watched, now, 1440, &l);
	json_key(j, "lost");
	if (l.minutes_watched == 0) {
		json_null(j);
		return;
	}
	json_obj(j);
	json_kv_time(j, "since", now - DAY_NS);
	json_kv_time(j, "until", now);
	json_kv_u64(j, "packets", l.packets);
	json_kv_u64(j, "kernel_drops", l.kernel_drops);
	json_kv_u64(j, "nic_drops", l.nic_drops);
	json_kv_u64(j, "own_drops", l.own_drops);
	json_kv_u64(j, "bad_frames", l.bad_frames);
	json_key(j, "ratio");
	json_f64(j, losses_ratio(&l));
	json_kv_u64(j, "minutes_watched", l.minutes_watched);
	json_kv_u64(j, "minutes", 1440);
	json_end_obj(j);
}

/* What is largest of the same 24 hours, so that a page needs one request and not four. */
static bool put_tops(struct request *rq, struct json *j, int64_t now, size_t limit)
{
	static const struct {
		const char *name;
		enum rollup_dim dim;
	} lists[] = { { "app", ROLLUP_APP }, { "host", ROLLUP_HOST }, { "peer", ROLLUP_PEER } };
	bool complete = true;
	json_key(j, "top");
	json_obj(j);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct err e = ERR_INIT;
		if (!traffic_may_see(rq, lists[i].dim))
			continue;
		json_key(j, lists[i].name);
		if (traffic_put_top(rq, j, lists[i].dim, now - DAY_NS, now, limit, true, &e) !=
		    0) {
			json_null(j);
			complete = false;
		}
	}
	json_end_obj(j);
	return complete;
}

const struct param overview_params[] = {
	{ "top", PARAM_INT, 0, 20, NULL,
	  "with as many of the largest applications, hosts and peers; 0 when absent" },
	PARAM_END,
};

void overview_get(struct request *rq, struct reply *rp)
{
	struct api *api = api_of(rq->app);
	struct json *j = reply_json(rp, 200);
	int64_t now = clock_now_ns();
	json_obj(j);
	json_kv_time(j, "as_of", now);
	put_checks(rq, j, api);
	mutex_lock(&api->m);
	struct rate r = api->rate;
	mutex_unlock(&api->m);
	json_key(j, "rate");
	rate_json(j, &r);
	bool complete = put_totals(rq, j, now);
	put_lost(j, api, now);
	complete = put_logs(rq, j, api, now) && complete;
	size_t limit = (size_t)req_int(rq, "top", 0);
	if (limit > 0 && !put_tops(rq, j, now, limit))
		complete = false;
	json_kv_bool(j, "complete", complete);
	json_end_obj(j);
}

#define NULLABLE(type) "{\"type\":[\"" type "\",\"null\"]}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
const char overview_schema[] =
	"{\"type\":\"object\",\"required\":[\"as_of\",\"checks\",\"counts\",\"rate\",\"totals\",\"lost\",\"logs\",\"complete\"],\"properties\":{"
	"\"as_of\":" TIME ",\"complete\":{\"type\":\"boolean\"},"
	"\"checks\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"id\",\"room\",\"state\",\"since\",\"code\",\"text\",\"next\"],\"properties\":{"
	"\"id\":{\"type\":\"string\"},\"room\":{\"type\":\"string\"},"
	"\"state\":{\"enum\":[\"ok\",\"problem\",\"unknown\"]},\"since\":" NULLABLE(
		"string") ",\"code\":{\"type\":\"string\"},"
			  "\"text\":{\"type\":\"string\"},\"next\":" NULLABLE(
				  "string") "}}},"
					    "\"counts\":{\"type\":\"object\",\"required\":[\"ok\",\"problem\",\"unknown\"],\"properties\":{"
					    "\"ok\":" COUNT ",\"problem\":" COUNT
					    ",\"unknown\":" COUNT "}},"
					    "\"rate\":{\"type\":[\"object\",\"null\"],\"properties\":{\"at\":" TIME
					    ",\"over_s\":" COUNT ",\"bits_per_s\":" COUNT ","
					    "\"packets_per_s\":" COUNT ",\"flows_per_s\":" COUNT
					    "}},"
					    "\"totals\":{\"type\":[\"object\",\"null\"],\"properties\":{\"since\":" TIME
					    ",\"until\":" TIME ",\"flows\":" COUNT ","
					    "\"packets\":" COUNT ",\"bytes\":" COUNT
					    ",\"bytes_out\":" COUNT ",\"bytes_in\":" COUNT "}},"
					    "\"lost\":{\"type\":[\"object\",\"null\"],\"properties\":{\"since\":" TIME
					    ",\"until\":" TIME ",\"packets\":" COUNT ","
					    "\"kernel_drops\":" COUNT ",\"nic_drops\":" COUNT
					    ",\"own_drops\":" COUNT ",\"bad_frames\":" COUNT ","
					    "\"ratio\":{\"type\":\"number\"},\"minutes_watched\":" COUNT
					    ",\"minutes\":" COUNT "}},"
					    "\"logs\":{\"type\":[\"object\",\"null\"],\"required\":[\"since\",\"until\",\"kinds\",\"lines\",\"bytes\",\"lines_per_s\"]},"
					    "\"top\":{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"object\",\"null\"],\"properties\":{"
					    "\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"key\",\"bytes\",\"share\"]}},"
					    "\"total\":{\"type\":\"object\"}}}}}}";
