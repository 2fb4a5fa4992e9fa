/* The proof as a job: asked for in the panel or by a program, and once a month by the house itself. Every one is a row of
 * archive_verification with its result. Threads: api/job/N, the requests', and the house's own for jobs. */
#include <stdio.h>
#include <stdlib.h>

#include "from.h"
#include "proofs.h"
#include "proofs_sql.h"
#include "seal.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/base/opt.h"

enum { FROM_MAX = 80, FOUND_MAX = 200, LIST_DEFAULT = 24, LIST_MAX = 500 };

struct proof {
	struct job_work *w;
	struct archive_known *known;
	struct s3_client *client;
	struct verify_ask ask;
	struct verify_result result;
	struct buf found; /* elements of a JSON array */
	uint64_t n_found;
	int64_t row, started_ns;
	char from[FROM_MAX], asked_by[64];
};

/* ---- Its row. ---- */

static int add_row(struct sql *db, void *arg, struct err *e)
{
	struct proof *p = arg;
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_verify_add, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(p->from));
	stmt_text(s, 2, str_of(p->asked_by));
	stmt_i64(s, 3, p->started_ns);
	stmt_i64(s, 4, p->ask.rows);
	rc = stmt_step(s, e);
	if (rc == 1)
		p->row = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

struct ending {
	const struct proof *p;
	struct str result;
	const char *error;
};

static int end_row(struct sql *db, void *arg, struct err *e)
{
	const struct ending *x = arg;
	const struct verify_result *r = &x->p->result;
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_verify_end, &s, e);
	if (rc)
		return rc;
	const uint64_t numbers[] = { r->manifests, r->objects, r->bytes, r->rows, r->elsewhere, r->faults };
	stmt_i64(s, 1, x->p->row);
	stmt_i64(s, 2, clock_now_ns());
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		stmt_i64(s, (int)i + 3, (int64_t)numbers[i]);
	stmt_text(s, 9, x->result);
	stmt_text(s, 10, str_of(x->error));
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc;
}

static int close_rows(struct sql *db, void *arg, struct err *e)
{
	struct stmt *s;
	(void)arg;
	int rc = sql_prepare(db, proofs_sql_verify_close, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, clock_now_ns());
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc;
}

int verifications_begin(struct app *a, struct err *e)
{
	return store_write(app_store(a), close_rows, NULL, e);
}

/* ---- The job. ---- */

static void take_found(void *arg, const struct verify_found *f)
{
	struct proof *p = arg;
	struct json j;
	if (p->n_found++ >= FOUND_MAX)
		return;
	if (p->n_found > 1)
		buf_char(&p->found, ',');
	json_init(&j, &p->found);
	verify_found_json(f, &j);
}

static bool progress(void *arg, uint64_t done, uint64_t total, const char *key)
{
	struct proof *p = arg;
	thread_beat();
	return job_progress(p->w, *key ? "verifying" : "manifests", done, total);
}

static bool is_elsewhere(void *arg, const char *key)
{
	struct proof *p = arg;
	return archive_known_elsewhere(p->known, key);
}

static int open_from(struct proof *p, struct err *e)
{
	struct app *a = p->w->app;
	struct s3_conf conf = { .name = "" };
	char path[ARCHIVE_PATH_MAX];
	const char *place = strncmp(p->from, "s3:", 3) == 0 ? p->from + 3 : NULL;
	int rc = archive_known_new(&p->known, app_store(a), place, e);
	if (rc)
		return rc;
	if (!place)
		return archive_path(path, app_state_path(a), ARCHIVE_FOLDER) ?
			       archive_from_folder(&p->ask.from, path, e) :
			       err_set(e, ERR_RANGE, "the state folder's path is too long");
	rc = s3_room_place(a, place, &conf, e);
	if (!rc)
		rc = s3_client_new(&p->client, &conf, p->w->stop, e);
	explicit_bzero(&conf, sizeof(conf));
	if (!rc)
		rc = archive_from_place(&p->ask.from, p->client, place, e);
	if (!rc)
		from_scratch(p->ask.from, app_state_path(a));
	return rc;
}

/* The members of the result: those of verify_result_json, and what was found. */
static void put_result(const struct proof *p, struct buf *out)
{
	struct buf b;
	struct json j;
	buf_init(&b, 64 << 10);
	json_init(&j, &b);
	verify_result_json(&p->result, &j);
	if (b.n > 2)
		buf_put(out, b.p + 1, b.n - 2);
	buf_fmt(out, ",\"verification\":\"%lld\",\"found\":[%s]", (long long)p->row, p->found.p ? p->found.p : "");
	buf_fini(&b);
}

static int write_end(struct proof *p, int rc, const struct err *why, struct err *e)
{
	struct buf b;
	struct ending x = { .p = p, .error = rc ? why->code ? why->text : "cancelled" : "" };
	buf_init(&b, 1 << 20);
	buf_char(&b, '{');
	put_result(p, &b);
	buf_char(&b, '}');
	x.result = rc || buf_failed(&b) ? STR("") : buf_view(&b);
	int wrote = store_write(app_store(p->w->app), end_row, &x, e);
	buf_fini(&b);
	return wrote;
}

static void tell(const struct proof *p)
{
	const struct verify_result *r = &p->result;
	if (r->faults)
		log_err("archive", "the archive is not proven from=%s faults=%llu first=%s key=%s words=%s", LOGQ(p->from),
			(unsigned long long)r->faults, verify_fault_names[r->first.fault], LOGQ(r->first.key),
			LOGQ(r->first.words));
	else
		log_notice("archive", "the archive is proven from=%s manifests=%llu objects=%llu bytes=%llu", LOGQ(p->from),
			   (unsigned long long)r->manifests, (unsigned long long)r->objects, (unsigned long long)r->bytes);
	api_event(p->w->app, "archive", "{\"what\":\"verified\"}");
}

static int prove(struct proof *p, struct err *e)
{
	struct err why = ERR_INIT;
	int rc = store_write(app_store(p->w->app), add_row, p, e);
	if (rc)
		return rc;
	rc = open_from(p, &why);
	if (!rc) {
		p->ask.objects = true;
		p->ask.progress = progress;
		p->ask.elsewhere = is_elsewhere;
		p->ask.arg = p;
		archive_known_ask(p->known, &p->ask);
		rc = archive_verify(&p->ask, take_found, p, &p->result, &why);
	}
	int wrote = write_end(p, rc, &why, e);
	if (rc || wrote) {
		if (rc && why.code)
			*e = why;
		return rc ? rc : wrote;
	}
	put_result(p, &p->w->result);
	tell(p);
	return 0;
}

static int read_asked(struct proof *p, struct err *e)
{
	struct json_doc d;
	int rc = json_parse(p->w->asked, 64, &d, e);
	if (rc)
		return rc;
	const struct json_node *rows = json_get(&d, d.nodes, "rows"), *monthly = json_get(&d, d.nodes, "monthly");
	if (!json_text(json_get(&d, d.nodes, "from"), p->from, sizeof(p->from)))
		rc = err_set(e, ERR_INVALID, "what was asked for is not understood");
	p->ask.rows = rows && rows->type == JSON_TRUE;
	if (!monthly || monthly->type != JSON_TRUE)
		(void)str_copy(p->asked_by, sizeof(p->asked_by), str_of(p->w->who.name));
	json_doc_fini(&d);
	return rc;
}

static int run(struct job_work *w, struct err *e)
{
	struct proof *p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ERR_NOMEM, "out of memory");
	p->w = w;
	p->started_ns = clock_now_ns();
	buf_init(&p->found, 1 << 20);
	int rc = read_asked(p, e);
	if (!rc)
		rc = prove(p, e);
	archive_from_free(p->ask.from);
	s3_client_free(p->client);
	archive_known_free(p->known);
	buf_fini(&p->found);
	free(p);
	return rc;
}

const struct job_kind archive_verify_job = {
	.name = "verify", .unit = "bytes", .cancelable = true, .at_once = 1, .run = run
};

/* ---- Asking for it. ---- */

static bool take_from(const struct json_doc *d, char from[FROM_MAX])
{
	if (!json_text(json_get(d, d->nodes, "from"), from, FROM_MAX))
		return false;
	return strcmp(from, "local") == 0 || (strncmp(from, "s3:", 3) == 0 && from[3]);
}

void verify_post(struct request *rq, struct reply *rp)
{
	struct json_doc d;
	struct err e = ERR_INIT;
	char from[FROM_MAX] = "";
	struct buf asked;
	struct json j;
	if (req_body(rq, &d, rp))
		return;
	const struct json_node *rows = json_get(&d, d.nodes, "rows");
	bool good = take_from(&d, from), with_rows = rows && rows->type == JSON_TRUE;
	json_doc_fini(&d);
	if (!good) {
		reply_field(rp, "pointer", "/from", "invalid", api_words(rq->lang, "field.verify_from"));
		reply_problem(rq, rp, 422, "unacceptable", "%s", api_words(rq->lang, "detail.verify_fields"));
		return;
	}
	buf_init(&asked, 1024);
	json_init(&j, &asked);
	json_obj(&j);
	json_kv_str(&j, "from", from);
	json_kv_bool(&j, "rows", with_rows);
	json_end_obj(&j);
	if (buf_failed(&asked) || api_audit(rq, "archive.verify", from, NULL, asked.p, &e))
		reply_failed(rq, rp, &e);
	else
		(void)api_job_ask(rq, rp, &archive_verify_job, asked.p); /* what it says is in rp */
	buf_fini(&asked);
}

/* ---- Once a month. ---- */

static int last_monthly(struct sql *db, void *arg, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_verify_last, &s, e);
	if (rc)
		return rc;
	rc = stmt_step(s, e);
	if (rc == 1)
		*(int64_t *)arg = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

/* The day of this month on which it is due, UTC; INT64_MAX: never. */
static int64_t due_ns(const struct conf *c, int64_t now_ns)
{
	int32_t day = (int32_t)conf_i64(c, "archive", "verify_day");
	return day ? clock_day_start(clock_day(now_ns) / 100 * 100 + day) : INT64_MAX;
}

int verify_monthly(struct app *a, struct err *e)
{
	int64_t now_ns = clock_now_ns(), due = due_ns(app_conf(a), now_ns), last_ns = 0;
	struct request rq = { .app = a, .lang = "ja", .who = { .role = ROLE_ADMIN, .name = "tomsd", .from = "local" } };
	struct reply rp;
	if (app_mode(a) != APP_DAEMON || now_ns < due)
		return 0;
	int rc = seal_read(app_store(a), last_monthly, &last_ns, e);
	if (rc || last_ns >= due)
		return rc;
	struct archive_known *known = NULL;
	rc = archive_known_new(&known, app_store(a), NULL, e);
	struct verify_ask ask = { .has_head = false };
	if (!rc)
		archive_known_ask(known, &ask);
	archive_known_free(known);
	if (rc || !ask.has_head)
		return rc; /* nothing is sealed yet */
	reply_init(&rp);
	rq.deadline_mono_ns = clock_mono_ns() + 10 * NS_PER_S;
	buf_init(&rq.arena, 4096);
	rc = api_job_ask(&rq, &rp, &archive_verify_job, "{\"from\":\"local\",\"rows\":false,\"monthly\":true}");
	buf_fini(&rq.arena);
	reply_fini(&rp);
	if (rc && rc != -ERR_FULL) /* asked again in an hour */
		return err_set(e, ERR_BUSY, "the monthly proof could not be begun");
	return 0;
}

/* ---- What there was. ---- */

const struct param verifications_params[] = {
	{ "limit", PARAM_INT, 1, LIST_MAX, NULL, "at most so many, 24 when absent" },
	PARAM_END,
};

static void put_row(struct json *j, struct stmt *s)
{
	char id[24];
	struct str result = stmt_col_text(s, 7), error = stmt_col_text(s, 8), by = stmt_col_text(s, 2);
	(void)snprintf(id, sizeof(id), "%lld", (long long)stmt_col_i64(s, 0));
	json_obj(j);
	json_kv_str(j, "id", id);
	json_key(j, "from");
	json_str(j, stmt_col_text(s, 1));
	json_kv_bool(j, "monthly", by.n == 0);
	json_key(j, "asked_by");
	json_str(j, by);
	json_kv_time(j, "started_at", stmt_col_i64(s, 3));
	json_key(j, "ended_at");
	if (stmt_col_i64(s, 4))
		json_time(j, stmt_col_i64(s, 4));
	else
		json_null(j);
	json_kv_bool(j, "rows", stmt_col_i64(s, 5) != 0);
	json_kv_i64(j, "faults", stmt_col_i64(s, 6));
	json_key(j, "error");
	if (error.n)
		json_str(j, error);
	else
		json_null(j);
	json_key(j, "result");
	if (result.n)
		json_raw(j, result);
	else
		json_null(j);
	json_end_obj(j);
}

static int put_rows(struct sql *db, struct json *j, int64_t limit, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_verify_list, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, limit);
	while ((rc = stmt_step(s, e)) == 1)
		put_row(j, s);
	stmt_done(s);
	return rc;
}

void verifications_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct sql *db;
	if (store_read_begin(app_store(rq->app), rq->deadline_mono_ns, &db, &e)) {
		reply_failed(rq, rp, &e);
		return;
	}
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	int rc = put_rows(db, j, req_int(rq, "limit", LIST_DEFAULT), &e);
	store_read_end(app_store(rq->app), db);
	json_end_arr(j);
	json_end_obj(j);
	if (rc)
		reply_failed(rq, rp, &e);
}

#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
const char verifications_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"id\",\"from\",\"monthly\",\"started_at\",\"ended_at\",\"rows\",\"faults\",\"error\",\"result\"],\"properties\":{"
	"\"id\":{\"type\":\"string\"},\"from\":{\"type\":\"string\"},\"monthly\":{\"type\":\"boolean\"},"
	"\"asked_by\":{\"type\":\"string\"},\"started_at\":" TIME_OR_NULL ",\"ended_at\":" TIME_OR_NULL
	",\"rows\":{\"type\":\"boolean\"},\"faults\":{\"type\":\"integer\"},\"error\":{\"type\":[\"string\",\"null\"]},"
	"\"result\":{\"type\":[\"object\",\"null\"]}}}}}}";
const char verify_accepts[] =
	"{\"type\":\"object\",\"required\":[\"from\"],\"properties\":{\"from\":{\"type\":\"string\"},\"rows\":{\"type\":\"boolean\"}}}";
