/* Room api: routes about the house itself and about what it has seen. */
#include <stdlib.h>

#include "exports.h"
#include "gaps.h"
#include "jobs.h"
#include "list.h"
#include "logs.h"
#include "looks.h"
#include "room.h"
#include "searches.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/opt.h"

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
	  .path = "/api/v1/logs/series",
	  .may = MAY_SIGNED_IN,
	  .params = log_series_params,
	  .handle = series_get,
	  .arg = &log_sums,
	  .item = "series",
	  .doc = "Lines over time: flows counts lines, bytes_out their bytes." },
	{ .method = "GET",
	  .path = "/api/v1/logs/top",
	  .may = MAY_SIGNED_IN,
	  .params = log_top_params,
	  .handle = top_get,
	  .arg = &log_sums,
	  .item = "top",
	  .doc = "The most frequent kinds, sources or types of logs." },
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
	  .octets = "application/octet-stream",
	  .doc = "The line as it was received, byte for byte." },
	{ .method = "GET",
	  .path = "/api/v1/logs/{id}/fields",
	  .may = MAY_LOOK,
	  .handle = log_fields_get,
	  .item = "log_fields",
	  .answer = log_fields_schema,
	  .doc = "Every field of the line, in its order." },
	{ .method = "GET",
	  .path = "/api/v1/logs/{id}/flows",
	  .may = MAY_LOOK,
	  .handle = log_flows_get,
	  .item = "log_flows",
	  .answer = log_flows_schema,
	  .doc = "The conversation that a log speaks of, as the mirror port saw it, and other logs of its session." },
	{ .method = "GET",
	  .path = "/api/v1/flows/{id}/logs",
	  .may = MAY_LOOK,
	  .handle = flow_logs_get,
	  .item = "flow_logs",
	  .answer = flow_logs_schema,
	  .doc = "Logs of the same conversation, before and after address translation." },
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
	  .arg = &traffic_sums,
	  .item = "series",
	  .answer = series_schema,
	  .doc = "Traffic over time." },
	{ .method = "GET",
	  .path = "/api/v1/traffic/top",
	  .may = MAY_SIGNED_IN,
	  .params = top_params,
	  .handle = top_get,
	  .arg = &traffic_sums,
	  .item = "top",
	  .answer = top_schema,
	  .doc = "The largest applications, hosts or destinations." },
	{ .method = "GET",
	  .path = "/api/v1/searches",
	  .may = MAY_LOOK,
	  .params = searches_params,
	  .handle = searches_get,
	  .item = "search_list",
	  .answer = searches_schema,
	  .doc = "Saved searches: one's own and those that others share." },
	{ .method = "POST",
	  .path = "/api/v1/searches",
	  .may = MAY_LOOK,
	  .handle = searches_post,
	  .item = "search",
	  .answer = search_schema,
	  .accepts = search_accepts,
	  .doc = "Gives a search a name; to share it is for operators and administrators." },
	{ .method = "PATCH",
	  .path = "/api/v1/searches/{id}",
	  .may = MAY_LOOK,
	  .handle = search_patch,
	  .item = "search",
	  .accepts = search_change_accepts,
	  .doc = "Changes one's own saved search." },
	{ .method = "DELETE",
	  .path = "/api/v1/searches/{id}",
	  .may = MAY_LOOK,
	  .handle = search_delete,
	  .doc = "Deletes one's own saved search; an administrator also a shared one." },
	{ .method = "POST",
	  .path = "/api/v1/exports",
	  .may = MAY_LOOK,
	  .handle = export_post,
	  .item = "job",
	  .accepts = export_accepts,
	  .flags = ROUTE_LATER,
	  .doc = "Asks for rows as a CSV file with a page that says what it is; a job writes them." },
	{ .method = "GET",
	  .path = "/api/v1/exports/{id}/{file}",
	  .may = MAY_LOOK,
	  .handle = export_file_get,
	  .octets = "text/csv",
	  .doc = "A file of an export, for whoever asked for it, for 24 hours." },
	{ .method = "GET",
	  .path = "/api/v1/jobs",
	  .may = MAY_LOOK,
	  .handle = jobs_get,
	  .item = "job_list",
	  .answer = jobs_schema,
	  .doc = "Long work of the last 30 days: one's own, an administrator's list has all." },
	{ .method = "GET",
	  .path = "/api/v1/jobs/{id}",
	  .may = MAY_LOOK,
	  .handle = job_get,
	  .item = "job",
	  .answer = job_schema,
	  .doc = "One job and how far it is." },
	{ .method = "DELETE",
	  .path = "/api/v1/jobs/{id}",
	  .may = MAY_LOOK,
	  .handle = job_delete,
	  .doc = "Cancels a job that waits or runs." },
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
	job_queue_free(api->jobs);
	looks_free(api->looks);
	watched_free(api->watched);
	events_free(api->events);
	pthread_cond_destroy(&api->wake);
	mutex_fini(&api->m);
	free(api);
}

static bool hears_logs(struct app *a)
{
	for (const struct room *const *room = app_rooms(a); *room; room++)
		if (strcmp((*room)->name, "syslog") == 0)
			return conf_count(app_conf(a), "syslog", "udp") +
				       conf_count(app_conf(a), "syslog", "tcp") +
				       conf_count(app_conf(a), "syslog", "tls") >
			       0;
	return false;
}

static int init(struct app *a, struct err *e)
{
	if (app_mode(a) == APP_REPLAY) /* nobody looks, and nothing but rows is wanted */
		return 0;
	struct api *api = calloc(1, sizeof(*api));
	if (!api)
		return err_set(e, ERR_NOMEM, "no memory for the room api");
	api->app = a;
	api->lines_per_s = -1;
	api->hears_logs = hears_logs(a);
	mutex_init(&api->m);
	cond_init(&api->wake);
	app_set_room_state(a, &api_room, api);
	api->events = events_new(clock_now_ns());
	api->watched = watched_new();
	api->jobs = job_queue_new(a);
	if (app_mode(a) == APP_DAEMON)
		api->looks = looks_new();
	bool good = api->events && api->watched && api->jobs &&
		    (api->looks || app_mode(a) != APP_DAEMON);
	int rc = good ? api_job_kind(a, &export_job, e) :
			err_set(e, ERR_NOMEM, "no memory for the room api");
	if (rc != 0)
		fini(a);
	return rc;
}

static int start(struct app *a, struct err *e)
{
	struct api *api = api_of(a);
	if (!api || app_mode(a) != APP_DAEMON)
		return 0;
	int rc = job_queue_start(api->jobs, e);
	if (rc != 0)
		return rc;
	exports_sweep(a);
	rc = ticker_start(api, e);
	if (rc != 0)
		job_queue_stop(api->jobs);
	return rc;
}

static void stop(struct app *a)
{
	struct api *api = api_of(a);
	if (!api)
		return;
	ticker_stop(api);
	job_queue_stop(api->jobs);
}

static const struct thread_doc threads[] = {
	{ "api", "once a second: rate, checks, events for open pages" },
	{ "api/job/N",
	  "three: long work that was asked for, each one job; one of a kind at a time" },
	THREAD_END,
};
static const struct edge edges[] = {
	{ "routes -> api/job/N", "long work that was asked for",
	  "16 wait; another is refused (503)" },
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
