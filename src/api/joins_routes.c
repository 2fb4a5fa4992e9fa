/* From a log to the flows of its conversation and to the other logs of its session, from a flow to its logs.
 * Each question goes through the index by addresses and ports and is bounded in rows and in time. On the
 * thread that carries the request. */
#include <stdio.h>
#include <stdlib.h>

#include "joins.h"
#include "list.h"
#include "logs.h"
#include "looks.h"
#include "tomsd/base/clock.h"

#define SHOWN 50
#define ANSWER_BYTES (8u << 20) /* half of what an answer may have: a row is below 1 MiB */
#define LOOK_ROWS \
	2000 /* of the same addresses and ports that may turn out to be another conversation */
#define LOOK_NS (NS_PER_S)
#define SLICE_NS (330 * NS_PER_S)      /* a flow that lasts has a row every 5 minutes */
#define IDLE_NS (90 * 60 * NS_PER_S)   /* a firewall may keep a silent session for an hour */
#define BEFORE_NS (600 * NS_PER_S)     /* what came in a session before a find in it */
#define LONG_NS (24 * 3600 * NS_PER_S) /* and logs a long one when it ends */

struct joining {
	struct request *rq;
	struct json *j;
	const struct log *log;   /* the one asked about, or */
	const struct flow *flow; /* the other */
	size_t n;
	bool complete;
	int64_t ids[SHOWN];
};

/* The row as an object with one member more. */
static void put_joined(struct joining *w, const struct record *r, const void *row,
		       const char *by)
{
	struct json *j = w->j, own;
	struct buf b;
	buf_init(&b, 2u << 20);
	json_init(&own, &b);
	record_json(r, row, &own);
	if (b.n > 0 && b.p[b.n - 1] == '}')
		b.n--;
	buf_fmt(&b, ",\"matched_by\":\"%s\"}", by);
	if (!buf_failed(&b))
		json_raw(j, buf_view(&b));
	buf_fini(&b);
}

static bool is_given(struct joining *w, int64_t id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->ids[i] == id)
			return true;
	w->ids[w->n++] = id;
	return false;
}

/* As many as are shown, or as long as an answer may be. */
static bool is_enough(const struct joining *w)
{
	return w->n == SHOWN || w->j->out->n > ANSWER_BYTES;
}

static int take_flow(void *arg, const void *row)
{
	struct joining *w = arg;
	const struct flow *f = row;
	enum joined_by by = join_of(w->log, f);
	if (by == JOINED_NOT || is_given(w, f->id))
		return 0;
	put_joined(w, &flow_record, f, joined_names[by]);
	return is_enough(w);
}

static int take_log(void *arg, const void *row)
{
	struct joining *w = arg;
	const struct log *g = row;
	enum joined_by by = join_of(g, w->flow);
	if (by == JOINED_NOT || is_given(w, g->id))
		return 0;
	put_joined(w, &log_record, g, joined_names[by]);
	return is_enough(w);
}

static int take_related(void *arg, const void *row)
{
	struct joining *w = arg;
	const struct log *g = row;
	if (g->id == w->log->id || g->session != w->log->session ||
	    strcmp(g->serial, w->log->serial) != 0)
		return 0;
	w->n++;
	record_json(&log_record, g, w->j);
	return is_enough(w);
}

static int add_addr(struct query *q, const char *key, const struct addr *a, struct err *e)
{
	char text[ADDR_TEXT_MAX];
	addr_text(a, text);
	return query_add(q, key, ":", text, e);
}

static int add_port(struct query *q, const char *key, uint16_t port, struct err *e)
{
	char text[8];
	(void)snprintf(text, sizeof(text), "%u", port);
	return port ? query_add(q, key, ":", text, e) : 0;
}

/* Asks, and lets row() choose. What takes too long is given up, and said. */
static int ask(struct joining *w, struct query *q, int (*row)(void *arg, const void *row),
	       struct err *e)
{
	struct query_page_info info = { .complete = true };
	int64_t deadline = clock_mono_ns() + LOOK_NS;
	if (deadline > w->rq->deadline_mono_ns)
		deadline = w->rq->deadline_mono_ns;
	if (is_enough(w)) {
		w->complete = w->complete && w->n == SHOWN;
		return 0;
	}
	int rc = store_query(app_store(w->rq->app), q, LOOK_ROWS, deadline, row, w, &info, e);
	if (rc == -ERR_TIMEOUT || (rc == 0 && info.more))
		w->complete = false;
	return rc == -ERR_TIMEOUT ? 0 : rc;
}

static int ask_tuple(struct joining *w, struct query *q, const struct tuple *t,
		     int (*row)(void *arg, const void *row), struct err *e)
{
	q->n_words = 0;
	int rc = add_addr(q, "host", &t->src, e);
	if (rc == 0)
		rc = add_addr(q, "peer", &t->dst, e);
	if (rc == 0)
		rc = add_port(q, "port", t->src_port, e);
	if (rc == 0)
		rc = add_port(q, "port", t->dst_port, e);
	return rc == 0 ? ask(w, q, row, e) : rc;
}

static int flows_of_log(struct joining *w, struct err *e)
{
	struct tuple before, after;
	struct query q = { .record = &flow_record };
	if (!join_tuples(w->log, &before, &after))
		return 0;
	join_span(w->log, &q.since_ns, &q.until_ns);
	q.until_ns += SLICE_NS; /* rows are filed by the end of their slice */
	int rc = ask_tuple(w, &q, &before, take_flow, e);
	bool is_translated = memcmp(before.src.b, after.src.b, 16) != 0 ||
			     memcmp(before.dst.b, after.dst.b, 16) != 0 ||
			     before.src_port != after.src_port ||
			     before.dst_port != after.dst_port;
	return rc == 0 && is_translated ? ask_tuple(w, &q, &after, take_flow, e) : rc;
}

/* What else the device logged of this session: what it scanned and found, and its end. */
static int related_of_log(struct joining *w, struct err *e)
{
	struct tuple before, after;
	struct query q = { .record = &log_record };
	char number[24];
	w->n = 0;
	if (w->log->session == 0 || !w->log->serial[0] || !join_tuples(w->log, &before, &after))
		return 0;
	join_span(w->log, &q.since_ns, &q.until_ns);
	if (w->log->kind !=
	    LOG_KIND_TRAFFIC) { /* that says when the session was, others do not */
		q.since_ns -= BEFORE_NS;
		q.until_ns += IDLE_NS;
	}
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)w->log->session);
	int rc = query_add(&q, "fortinet.firewall.sessionid", "=", number, e);
	if (rc == 0)
		rc = add_addr(&q, "host", &before.src, e);
	if (rc == 0)
		rc = add_addr(&q, "peer", &before.dst, e);
	if (rc == 0)
		rc = add_port(&q, "port", before.src_port, e);
	return rc == 0 ? ask(w, &q, take_related, e) : rc;
}

/* Logs whose addresses before the translation are the flow's, then those after it. */
static int logs_of_flow_until(struct joining *w, int64_t until_ns, struct err *e)
{
	const struct flow *f = w->flow;
	struct tuple t = { f->src, f->dst, f->src_port, f->dst_port, f->l4 };
	struct query q = { .record = &log_record,
			   .since_ns = f->start_ns - JOIN_SLACK_NS,
			   .until_ns = until_ns,
			   .sort = QUERY_OLDEST };
	static const char *const sides[][2] = {
		{ "source.nat.ip", "destination.ip" },     /* hidden behind the firewall */
		{ "source.ip", "destination.nat.ip" },     /* a server made known outside */
		{ "source.nat.ip", "destination.nat.ip" }, /* both */
	};
	int rc = ask_tuple(w, &q, &t, take_log, e);
	for (size_t i = 0; i < 2 * ARRAY_LEN(sides) && rc == 0; i++) {
		const char *const *side =
			sides[i / 2]; /* who began it may be seen either way */
		q.n_words = 0;
		rc = add_addr(&q, side[0], i % 2 ? &f->dst : &f->src, e);
		if (rc == 0)
			rc = add_addr(&q, side[1], i % 2 ? &f->src : &f->dst, e);
		if (rc == 0)
			rc = ask(w, &q, take_log, e);
	}
	return rc;
}

static int logs_of_flow(struct joining *w, struct err *e)
{
	int64_t now = clock_now_ns(), until = w->flow->end_ns + IDLE_NS;
	if (addr_is_zero(&w->flow->src) || addr_is_zero(&w->flow->dst))
		return 0;
	int rc = logs_of_flow_until(w, until, e);
	if (rc != 0 || w->n > 0 || w->flow->end_reason != FLOW_END_ACTIVE || until > now)
		return rc;
	return logs_of_flow_until(w, w->flow->end_ns + LONG_NS, e);
}

static int copy_log(void *arg, const void *row)
{
	memcpy(arg, row, sizeof(struct log));
	((struct log *)arg)->line_n = 0; /* the line stays behind */
	return 0;
}

static int copy_flow(void *arg, const void *row)
{
	memcpy(arg, row, sizeof(struct flow));
	return 0;
}

static void finish(struct joining *w, struct reply *rp, int rc, const struct err *e)
{
	json_kv_bool(w->j, "complete", w->complete);
	json_end_obj(w->j);
	if (rc != 0)
		list_query_failed(w->rq, rp, e);
}

void log_flows_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct log g;
	if (look_log(rq, rp) != 0 || list_one(rq, rp, &log_record, copy_log, &g) != 0)
		return;
	struct joining w = { .rq = rq, .j = reply_json(rp, 200), .log = &g, .complete = true };
	json_obj(w.j);
	json_key(w.j, "items");
	json_arr(w.j);
	int rc = flows_of_log(&w, &e);
	json_end_arr(w.j);
	json_key(w.j, "related");
	json_arr(w.j);
	if (rc == 0)
		rc = related_of_log(&w, &e);
	json_end_arr(w.j);
	finish(&w, rp, rc, &e);
}

void flow_logs_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct flow f;
	char what[48];
	if (list_one(rq, rp, &flow_record, copy_flow, &f) != 0)
		return;
	(void)snprintf(what, sizeof(what), "logs of flow %lld", (long long)f.id);
	if (look_open(rq, rp, what) != 0)
		return;
	struct joining w = { .rq = rq, .j = reply_json(rp, 200), .flow = &f, .complete = true };
	json_obj(w.j);
	json_key(w.j, "items");
	json_arr(w.j);
	int rc = logs_of_flow(&w, &e);
	json_end_arr(w.j);
	finish(&w, rp, rc, &e);
}

/* clang-format off */
#define MATCHED "\"properties\":{\"matched_by\":{\"enum\":[\"before_nat\",\"after_nat\"]}},\"required\":[\"matched_by\"]"
const char log_flows_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\",\"related\",\"complete\"],\"properties\":{"
	"\"items\":{\"type\":\"array\",\"items\":{\"allOf\":[{\"$ref\":\"#/components/schemas/flow\"},{" MATCHED "}]}},"
	"\"related\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/log\"}},"
	"\"complete\":{\"type\":\"boolean\"}}}";
const char flow_logs_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\",\"complete\"],\"properties\":{"
	"\"items\":{\"type\":\"array\",\"items\":{\"allOf\":[{\"$ref\":\"#/components/schemas/log\"},{" MATCHED "}]}},"
	"\"complete\":{\"type\":\"boolean\"}}}";
