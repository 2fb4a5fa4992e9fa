/* Room api: routes about the house itself and about what it has seen. */
#include <stdlib.h>

#include "gaps.h"
#include "list.h"
#include "logs.h"
#include "room.h"
#include "tomsd/base/clock.h"

struct api *api_of(struct app *a)
{
	return app_room_state(a, &api_room);
}

static void status_get(struct request *rq, struct reply *rp)
{
	app_status_json(rq->app, reply_json(rp, 200));
}

static void openapi_get(struct request *rq, struct reply *rp)
{
	api_openapi(rq->app, reply_json(rp, 200));
}

static void events_get(struct request *rq, struct reply *rp)
{
	const struct param_value *topics = req_param(rq, "topics");
	rp->is_event_stream = true;
	if (topics)
		(void)str_copy(rp->topics, sizeof(rp->topics),
			       topics->text); /* checked: shorter */
}

static void say(struct reply *rp, int status, const char *word)
{
	rp->status = status;
	rp->type = "text/plain; charset=utf-8";
	buf_cstr(&rp->body, word);
}

static void healthz_get(struct request *rq, struct reply *rp)
{
	(void)rq;
	say(rp, 200, "ok\n");
}

/* Ready: rows can be kept and asked for. */
static void readyz_get(struct request *rq, struct reply *rp)
{
	struct store_stats st = { 0 };
	bool is_ready = app_store(rq->app) && !app_is_stopping(rq->app);
	if (is_ready) {
		store_stats(app_store(rq->app), &st);
		is_ready = !st.failing;
	}
	say(rp, is_ready ? 200 : 503, is_ready ? "ready\n" : "not ready\n");
}

/* Numbers tell nothing about people, but who may reach the panel need not see them. */
static void metrics_get(struct request *rq, struct reply *rp)
{
	bool is_near = strcmp(rq->who.from, "127.0.0.1") == 0 ||
		       strcmp(rq->who.from, "::1") == 0 || strcmp(rq->who.from, "local") == 0;
	if (!is_near && rq->who.role == ROLE_NONE) {
		reply_problem(rq, rp, 401, "sign_in_required", "%s",
			      api_words(rq->lang, "detail.sign_in_required"));
		reply_header(rp, "WWW-Authenticate", "Bearer realm=\"tomsd\"");
		return;
	}
	rp->type = "text/plain; version=0.0.4; charset=utf-8";
	app_metrics(rq->app, &rp->body);
}

static const struct param events_params[] = {
	{ "topics", PARAM_TEXT, 0, 127, NULL,
	  "names with commas between them; all when absent" },
	PARAM_END,
};

static const char status_schema[] = "{\"type\":\"object\",\"properties\":{\"rooms\":{}}}";

static const struct route routes[] = {
	{ .method = "GET",
	  .path = "/api/v1/overview",
	  .may = MAY_SIGNED_IN,
	  .params = overview_params,
	  .handle = overview_get,
	  .item = "overview",
	  .answer = overview_schema,
	  .doc = "What is well and what is not, traffic now, sums and losses of a day." },
	{ .method = "GET",
	  .path = "/api/v1/status",
	  .may = MAY_LOOK,
	  .handle = status_get,
	  .item = "status",
	  .answer = status_schema,
	  .doc = "Every room of the daemon: state, rates, drops, backlog, last error." },
	{ .method = "GET",
	  .path = "/api/v1/flows",
	  .may = MAY_LOOK,
	  .params = api_list_params,
	  .handle = api_list,
	  .arg = &flow_record,
	  .doc = "Conversations, newest first." },
	{ .method = "GET",
	  .path = "/api/v1/flows/{id}",
	  .may = MAY_LOOK,
	  .handle = api_item,
	  .arg = &flow_record,
	  .item = "flow",
	  .doc = "One conversation with every column." },
	{ .method = "GET",
	  .path = "/api/v1/logs",
	  .may = MAY_LOOK,
	  .params = api_list_params,
	  .handle = api_list,
	  .arg = &log_record,
	  .doc = "What FortiGates and other devices have logged, newest first." },
	{ .method = "GET",
	  .path = "/api/v1/logs/{id}",
	  .may = MAY_LOOK,
	  .handle = api_item,
	  .arg = &log_record,
	  .item = "log",
	  .doc = "One log with every field of its line." },
	{ .method = "GET",
	  .path = "/api/v1/logs/{id}/raw",
	  .may = MAY_LOOK,
	  .handle = log_raw_get,
	  .arg = &log_record,
	  .doc = "The line as it was received, byte for byte." },
	{ .method = "GET",
	  .path = "/api/v1/gaps",
	  .may = MAY_LOOK,
	  .params = api_list_params,
	  .handle = api_list,
	  .arg = &gap_record,
	  .doc = "Times of which logs are missing, newest first." },
	{ .method = "GET",
	  .path = "/api/v1/capture",
	  .may = MAY_LOOK,
	  .params = api_list_params,
	  .handle = api_list,
	  .arg = &capture_minute_record,
	  .doc = "What each interface carried and lost, by the minute." },
	{ .method = "GET",
	  .path = "/api/v1/traffic/series",
	  .may = MAY_SIGNED_IN,
	  .params = series_params,
	  .handle = series_get,
	  .item = "series",
	  .answer = series_schema,
	  .doc = "Traffic over time." },
	{ .method = "GET",
	  .path = "/api/v1/traffic/top",
	  .may = MAY_SIGNED_IN,
	  .params = top_params,
	  .handle = top_get,
	  .item = "top",
	  .answer = top_schema,
	  .doc = "The largest applications, hosts or destinations." },
	{ .method = "GET",
	  .path = "/api/v1/events",
	  .may = MAY_SIGNED_IN,
	  .params = events_params,
	  .handle = events_get,
	  .doc = "Server-Sent Events: what has changed." },
	{ .method = "GET",
	  .path = "/api/v1/audit",
	  .may = MAY_ADMIN | MAY_AUDITOR,
	  .params = audit_params,
	  .handle = audit_get,
	  .item = "audit_list",
	  .answer = audit_schema,
	  .doc = "Who did what, newest first." },
	{ .method = "GET",
	  .path = "/api/v1/openapi.json",
	  .may = MAY_SIGNED_IN,
	  .handle = openapi_get,
	  .doc = "This description." },
	{ .method = "GET",
	  .path = "/metrics",
	  .may = MAY_ALL,
	  .handle = metrics_get,
	  .doc = "Counters as Prometheus text." },
	{ .method = "GET",
	  .path = "/healthz",
	  .may = MAY_ALL,
	  .handle = healthz_get,
	  .doc = "ok while the daemon answers." },
	{ .method = "GET",
	  .path = "/readyz",
	  .may = MAY_ALL,
	  .handle = readyz_get,
	  .doc = "ready while rows can be kept and asked for." },
	ROUTE_END,
};

static void fini(struct app *a)
{
	struct api *api = api_of(a);
	if (!api)
		return;
	app_set_room_state(a, &api_room, NULL);
	watched_free(api->watched);
	events_free(api->events);
	pthread_cond_destroy(&api->wake);
	mutex_fini(&api->m);
	free(api);
}

static int init(struct app *a, struct err *e)
{
	if (app_mode(a) == APP_REPLAY) /* nobody looks, and nothing but rows is wanted */
		return 0;
	struct api *api = calloc(1, sizeof(*api));
	if (!api)
		return err_set(e, ERR_NOMEM, "no memory for the room api");
	api->app = a;
	mutex_init(&api->m);
	cond_init(&api->wake);
	app_set_room_state(a, &api_room, api);
	api->events = events_new(clock_now_ns());
	api->watched = watched_new();
	if (api->events && api->watched)
		return 0;
	fini(a);
	return err_set(e, ERR_NOMEM, "no memory for the room api");
}

static int start(struct app *a, struct err *e)
{
	struct api *api = api_of(a);
	return api && app_mode(a) == APP_DAEMON ? ticker_start(api, e) : 0;
}

static void stop(struct app *a)
{
	struct api *api = api_of(a);
	if (api)
		ticker_stop(api);
}

static const struct thread_doc threads[] = {
	{ "api", "once a second: rate, checks, events for open pages" },
	THREAD_END,
};
static const struct edge edges[] = {
	{ "rooms -> events", "what has changed",
	  "the oldest of 1,000 goes; pages are told to fetch anew" },
	EDGE_END,
};

const struct room api_room = {
	.name = "api",
	.routes = routes,
	.threads = threads,
	.edges = edges,
	.init = init,
	.start = start,
	.stop = stop,
	.fini = fini,
};
