/* Jobs as people and programs see them: their own, an administrator all. */
#include <stdio.h>

#include "jobs.h"
#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"

#define SHOWN 100

static void put_time(struct json *j, const char *name, int64_t ns)
{
	if (ns > 0)
		json_kv_time(j, name, ns);
	else
		json_kv_str(j, name, NULL);
}

/* Seconds left at the pace so far; null while that is not known. */
static void put_eta(struct json *j, const struct job_progress *p)
{
	double spent = (double)(clock_mono_ns() - p->started_mono_ns) / 1e9;
	json_key(j, "eta_s");
	if (!p->is_running || p->done == 0 || p->total < p->done || spent < 1)
		json_null(j);
	else
		json_u64(j, (uint64_t)(spent / (double)p->done * (double)(p->total - p->done) +
				       0.5));
}

/* A code, or words of the failure as they are; detail is for people. */
static void put_error(struct json *j, struct str error, const char *lang)
{
	char key[64], text[1024];
	(void)str_copy(text, sizeof(text), error);
	(void)snprintf(key, sizeof(key), "job.%.40s", text);
	const char *words = api_words(lang, key);
	json_kv_str(j, "error", *text ? text : NULL);
	json_kv_str(j, "detail", !*text ? NULL : words == key ? text : words);
}

void job_json(struct json *j, struct job_queue *js, const struct job_row *r, const char *lang)
{
	char id[JOB_ID_TEXT];
	struct job_progress p = { 0 };
	const struct job_kind *k = job_queue_kind(js, str_of(r->kind));
	bool lives = strcmp(r->state, "running") == 0 && job_queue_progress(js, r->id, &p);
	if (!lives) {
		p.done = r->done;
		p.total = r->total;
	}
	(void)snprintf(id, sizeof(id), "%lld", (long long)r->id);
	json_obj(j);
	json_kv_str(j, "id", id);
	json_kv_str(j, "kind", r->kind);
	json_kv_str(j, "state", r->state);
	json_kv_str(j, "phase", !lives ? NULL : p.is_running && *p.phase ? p.phase : "waiting");
	json_kv_u64(j, "done", p.done);
	json_key(j, "total");
	if (p.total > 0)
		json_u64(j, p.total);
	else
		json_null(j);
	json_kv_str(j, "unit", r->unit);
	put_eta(j, &p);
	json_kv_bool(j, "cancelable", lives && k && k->cancelable);
	json_kv_str(j, "user", r->user);
	json_kv_time(j, "asked_at", r->asked_ns);
	put_time(j, "started_at", r->started_ns);
	put_time(j, "ended_at", r->ended_ns);
	put_time(j, "kept_until", r->clean_ns);
	json_key(j, "asked");
	json_raw(j, r->asked);
	put_error(j, r->error, lang);
	json_key(j, "result");
	if (r->result.n > 0)
		json_raw(j, r->result);
	else
		json_null(j);
	json_end_obj(j);
}

struct list {
	struct json *j;
	struct job_queue *jobs;
	const char *lang;
};

static void put_one(void *arg, const struct job_row *r)
{
	struct list *l = arg;
	job_json(l->j, l->jobs, r, l->lang);
}

void jobs_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct list l = { reply_json(rp, 200), api_of(rq->app)->jobs, rq->lang };
	json_obj(l.j);
	json_key(l.j, "items");
	json_arr(l.j);
	if (job_rows_list(app_store(rq->app), rq->who.role == ROLE_ADMIN ? NULL : rq->who.name,
			  SHOWN, rq->deadline_mono_ns, put_one, &l, &e) != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	json_end_arr(l.j);
	json_kv_time(l.j, "as_of", clock_now_ns());
	json_end_obj(l.j);
}

/* The row of {id} when the person may see it; else the problem is in rp. */
static bool find(struct request *rq, struct reply *rp, struct job_row *out)
{
	struct err e = ERR_INIT;
	int64_t id;
	int rc = num_i64(rq->path_arg, 1, INT64_MAX, &id) != 0 ? -ERR_NOTFOUND : 0;
	if (rc == 0)
		rc = job_row_read(app_store(rq->app), id, rq->deadline_mono_ns, out, &e);
	if (rc == 0 && !job_is_theirs(rq, out)) {
		job_row_fini(out);
		rc = -ERR_NOTFOUND;
	}
	if (rc == -ERR_NOTFOUND)
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_job"));
	else if (rc != 0)
		reply_failed(rq, rp, &e);
	return rc == 0;
}

void job_get(struct request *rq, struct reply *rp)
{
	struct job_row row;
	if (!find(rq, rp, &row))
		return;
	job_json(reply_json(rp, 200), api_of(rq->app)->jobs, &row, rq->lang);
	job_row_fini(&row);
}

void job_delete(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct job_row row;
	struct job_queue *js = api_of(rq->app)->jobs;
	if (!find(rq, rp, &row))
		return;
	const struct job_kind *k = job_queue_kind(js, str_of(row.kind));
	int rc = k && k->cancelable ? job_queue_cancel(js, row.id, &e) : -ERR_NOTFOUND;
	if (rc == -ERR_NOTFOUND) {
		reply_problem(rq, rp, 409, "not_cancelable", "%s",
			      api_words(rq->lang, "detail.not_cancelable"));
	} else if (rc != 0) {
		reply_failed(rq, rp, &e);
	} else {
		char object[64];
		(void)snprintf(object, sizeof(object), "%s %lld", row.kind, (long long)row.id);
		if (api_audit(rq, "job.cancel", object, NULL, NULL, &e) != 0)
			reply_failed(rq, rp, &e);
		else
			rp->status = 204;
	}
	job_row_fini(&row);
}

/* clang-format off */
#define TIME "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define MAYBE(type) "{\"type\":[\"" type "\",\"null\"]}"
#define FILES \
	"{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"href\",\"bytes\",\"sha256\"]," \
	"\"properties\":{\"name\":{\"type\":\"string\"},\"href\":{\"type\":\"string\"},\"bytes\":" COUNT \
	",\"sha256\":{\"type\":\"string\"}}}}"
const char job_schema[] =
	"{\"type\":\"object\",\"required\":[\"id\",\"kind\",\"state\",\"phase\",\"done\",\"total\",\"unit\",\"eta_s\","
	"\"cancelable\",\"user\",\"asked_at\",\"started_at\",\"ended_at\",\"kept_until\",\"asked\",\"error\",\"detail\","
	"\"result\"],\"properties\":{\"id\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"},"
	"\"state\":{\"enum\":[\"running\",\"done\",\"failed\",\"cancelled\"]},\"phase\":" MAYBE("string")
	",\"done\":" COUNT ",\"total\":" MAYBE("integer") ",\"unit\":{\"type\":\"string\"},\"eta_s\":" MAYBE("integer")
	",\"cancelable\":{\"type\":\"boolean\"},\"user\":{\"type\":\"string\"},"
	"\"asked_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"started_at\":" TIME ",\"ended_at\":" TIME
	",\"kept_until\":" TIME ",\"asked\":{\"type\":\"object\"},\"error\":" MAYBE("string") ",\"detail\":" MAYBE("string")
	",\"result\":{\"type\":[\"object\",\"null\"],\"properties\":{\"rows\":" COUNT ",\"files\":" FILES "}}}}";
const char jobs_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\",\"as_of\"],\"properties\":{\"items\":{\"type\":\"array\","
	"\"items\":{\"$ref\":\"#/components/schemas/job\"}},\"as_of\":{\"type\":\"string\",\"format\":\"date-time\"}}}";
