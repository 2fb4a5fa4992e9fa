/* Routes of places: the list, the test, try now, taking note. Any thread that carries requests: none of them opens
 * files or sockets. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"

static int put_all(struct request *rq, struct json *j, struct places *ps, struct err *e)
{
	struct sql *db = NULL;
	struct s3 *s = s3_of(rq->app);
	struct view *views = calloc(PLACES_MAX, sizeof(*views));
	if (!views)
		return err_set(e, ERR_NOMEM, "no memory for the list of places");
	size_t n = keeper_views(s, views);
	int rc = store_read_begin(s->store, rq->deadline_mono_ns, &db, e);
	for (size_t i = 0; rc == 0 && i < ps->n; i++) {
		struct listed l = { .has_target = false };
		rc = listed_read(rq, &ps->all[i], views, n, db, &l, e);
		if (rc == 0)
			place_json(j, &l, rq->lang);
		listed_fini(&l);
	}
	if (db)
		store_read_end(s->store, db);
	free(views);
	return rc;
}

static void places_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct places *ps = places_now(rq, &e);
	if (!ps) {
		reply_failed(rq, rp, &e);
		return;
	}
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	int rc = put_all(rq, j, ps, &e);
	json_end_arr(j);
	json_kv_time(j, "as_of", clock_now_ns());
	json_end_obj(j);
	places_fini(ps);
	free(ps);
	if (rc != 0)
		reply_failed(rq, rp, &e);
}

/* The target of {name}; else the problem is in rp. */
static bool find(struct request *rq, struct reply *rp, char name[64], int64_t *target)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct target t;
	(void)str_copy(name, 64, rq->path_arg); /* a longer one is nobody's */
	int rc = store_read_begin(s3_of(rq->app)->store, rq->deadline_mono_ns, &db, &e);
	if (rc == 0) {
		rc = target_named(db, name, &t, &e);
		store_read_end(s3_of(rq->app)->store, db);
	}
	if (rc == 0) {
		*target = t.id;
		target_fini(&t);
	} else if (rc == -ERR_NOTFOUND) {
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_place"));
	} else {
		reply_failed(rq, rp, &e);
	}
	return rc == 0;
}

static void place_test(struct request *rq, struct reply *rp)
{
	char name[64], asked[128];
	int64_t target;
	struct err e = ERR_INIT;
	if (!find(rq, rp, name, &target))
		return;
	(void)snprintf(asked, sizeof(asked), "{\"place\":\"%s\"}", name);
	if (api_job_ask(rq, rp, &place_test_kind, asked) == 0 &&
	    api_audit(rq, "place.test", name, NULL, NULL, &e) != 0)
		reply_failed(rq, rp, &e);
}

static int push(struct sql *db, void *arg, struct err *e)
{
	(void)arg;
	return copies_push(db, e);
}

static void places_push(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct s3 *s = s3_of(rq->app);
	int rc = store_write(s->store, push, NULL, &e);
	if (rc == 0)
		rc = api_audit(rq, "place.push", NULL, NULL, NULL, &e);
	if (rc != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	mutex_lock(&s->m);
	for (size_t i = 0; i < s->n_workers; i++)
		worker_wake(s->workers[i], true);
	uint64_t waiting = 0;
	for (size_t i = 0; i < s->n_views; i++)
		waiting += s->views[i].waiting;
	mutex_unlock(&s->m);
	struct json *j = reply_json(rp, 202);
	json_obj(j);
	json_kv_u64(j, "waiting", waiting);
	json_end_obj(j);
}

static int acknowledge(struct sql *db, void *arg, struct err *e)
{
	return copies_acknowledge(db, *(const int64_t *)arg, e);
}

static void place_acknowledge(struct request *rq, struct reply *rp)
{
	char name[64];
	int64_t target;
	struct err e = ERR_INIT;
	struct s3 *s = s3_of(rq->app);
	if (!find(rq, rp, name, &target))
		return;
	int rc = store_write(s->store, acknowledge, &target, &e);
	if (rc == 0)
		rc = api_audit(rq, "place.acknowledge", name, NULL, NULL, &e);
	keeper_wake(s, false);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else
		reply_place(rq, rp, 200, name);
}

/* clang-format off */
#define TEXT "{\"type\":\"string\"}"
#define TIME "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define MAYBE "{\"type\":[\"string\",\"null\"]}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define BOOL "{\"type\":\"boolean\"}"
#define STEPS "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"result\",\"words\"]," \
	"\"properties\":{\"name\":" TEXT ",\"result\":{\"enum\":[\"good\",\"bad\",\"skipped\",\"warning\"]},\"words\":" TEXT "}}}"
#define SETTINGS "\"endpoint\":" TEXT ",\"region\":" TEXT ",\"bucket\":" TEXT ",\"prefix\":" TEXT ",\"access_key\":" TEXT \
	",\"object_lock\":" TEXT ",\"lock\":{\"enum\":[\"off\",\"governance\",\"compliance\"]},\"keep_days\":" COUNT \
	",\"style\":{\"enum\":[\"auto\",\"path\",\"host\"]},\"bandwidth\":" COUNT ",\"enabled\":" BOOL
const char place_schema[] =
	"{\"type\":\"object\",\"required\":[\"name\",\"from\",\"endpoint\",\"region\",\"bucket\",\"prefix\",\"access_key\",\"has_secret\","
	"\"object_lock\",\"lock\",\"keep_days\",\"style\",\"bandwidth\",\"enabled\",\"state\",\"words\",\"waiting\",\"waiting_bytes\","
	"\"lacking\",\"proven\",\"proven_bytes\",\"last_proven_at\",\"oldest_waiting_at\",\"sending\",\"problem\",\"problem_since\","
	"\"next_try_at\",\"skew_s\",\"findings\",\"last_finding\",\"last_finding_at\",\"last_test\"],\"properties\":{\"name\":" TEXT
	",\"from\":{\"enum\":[\"file\",\"panel\"]}," SETTINGS ",\"has_secret\":" BOOL
	",\"state\":{\"enum\":[\"ok\",\"waiting\",\"failed\",\"unproven\",\"off\"]},\"words\":" TEXT ",\"waiting\":" COUNT
	",\"waiting_bytes\":" COUNT ",\"lacking\":" COUNT ",\"proven\":" COUNT ",\"proven_bytes\":" COUNT ",\"last_proven_at\":" TIME
	",\"oldest_waiting_at\":" TIME ",\"sending\":" MAYBE ",\"problem\":" MAYBE ",\"problem_since\":" TIME ",\"next_try_at\":" TIME
	",\"skew_s\":{\"type\":\"number\"},\"findings\":" COUNT ",\"last_finding\":" MAYBE ",\"last_finding_at\":" TIME
	",\"last_test\":{\"type\":[\"object\",\"null\"],\"properties\":{\"at\":" TIME ",\"good\":" BOOL ",\"steps\":" STEPS "}}}}";
const char places_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\",\"as_of\"],\"properties\":{\"items\":{\"type\":\"array\","
	"\"items\":{\"$ref\":\"#/components/schemas/place\"}},\"as_of\":{\"type\":\"string\",\"format\":\"date-time\"}}}";
const char place_accepts[] =
	"{\"type\":\"object\",\"required\":[\"name\",\"endpoint\",\"bucket\",\"access_key\",\"secret_key\"],\"properties\":{\"name\":" TEXT
	",\"secret_key\":" TEXT "," SETTINGS "}}";
const char place_change_accepts[] =
	"{\"type\":\"object\",\"properties\":{\"secret_key\":" TEXT "," SETTINGS "}}";
const char policy_schema[] =
	"{\"type\":\"object\",\"required\":[\"Version\",\"Statement\"],\"properties\":{\"Version\":" TEXT
	",\"Statement\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}";
const char done_schema[] =
	"{\"type\":\"object\",\"required\":[\"waiting\"],\"properties\":{\"waiting\":" COUNT "}}";
/* clang-format on */

const struct route s3_routes[] = {
	{ .method = "GET",
	  .path = "/api/v1/places",
	  .may = MAY_LOOK,
	  .handle = places_get,
	  .doc = "Places of object storage, and how each is.",
	  .item = "places",
	  .answer = places_schema },
	{ .method = "POST",
	  .path = "/api/v1/places",
	  .may = MAY_ADMIN,
	  .handle = places_post,
	  .doc = "Adds a place. It gets every object that is still here.",
	  .item = "place",
	  .answer = place_schema,
	  .accepts = place_accepts },
	{ .method = "POST",
	  .path = "/api/v1/places/push",
	  .may = MAY_WORK,
	  .handle = places_push,
	  .doc = "Tries everything that waits now, whatever back-off there was.",
	  .item = "places_push",
	  .flags = ROUTE_LATER,
	  .answer = done_schema },
	{ .method = "GET",
	  .path = "/api/v1/places/policy",
	  .may = MAY_LOOK,
	  .params = policy_params,
	  .handle = policy_get,
	  .doc = "What the appliance's key needs in a bucket, as an IAM policy to paste: it deletes nothing.",
	  .item = "place_policy",
	  .answer = policy_schema },
	{ .method = "PATCH",
	  .path = "/api/v1/places/{name}",
	  .may = MAY_ADMIN,
	  .handle = place_patch,
	  .doc = "Changes a place of the panel. Another endpoint, bucket or prefix begins anew there.",
	  .item = "place",
	  .accepts = place_change_accepts },
	{ .method = "DELETE",
	  .path = "/api/v1/places/{name}",
	  .may = MAY_ADMIN,
	  .handle = place_remove,
	  .doc = "Forgets how to get to a place of the panel. What lies there stays." },
	{ .method = "POST",
	  .path = "/api/v1/places/{name}/test",
	  .may = MAY_WORK,
	  .handle = place_test,
	  .doc = "Tries whether the place takes objects and refuses to delete them, step by step. Leaves a small object locked for a minute.",
	  .item = "job",
	  .flags = ROUTE_LATER },
	{ .method = "POST",
	  .path = "/api/v1/places/{name}/acknowledge",
	  .may = MAY_ADMIN,
	  .handle = place_acknowledge,
	  .doc = "Takes note of findings: proven objects that were not as proven any more.",
	  .item = "place" },
	ROUTE_END,
};
