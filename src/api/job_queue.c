/* Long work: a queue of ids and a few threads api/job/N, each with one job; of a kind one runs at a
 * time, so that hours of proving keep no export waiting and two exports never fight for the disk.
 * The rows are in the store (jobs_rows.c), so that what was done, or was not, is known after a
 * restart; what lives here is which ones run and how far they are. Any thread under the lock unless
 * said. */
#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define KINDS_MAX 16
#define WORKERS 3
#define TIDY_EVERY_MS 60000
#define RETRY_MS 1000
#define RESULT_MAX (64u << 10)

struct waiting {
	int64_t id;
	const struct job_kind *kind;
};

struct worker {
	struct job_queue *queue;
	struct thread thread;
	int64_t running;             /* lock: m; 0: none */
	const struct job_kind *kind; /* lock: m; of the running one */
	struct job_progress now;     /* lock: m */
	bool cancelled;              /* lock: m */
	bool stop;                   /* atomic; cancelled, or the house closes */
	bool ending;                 /* lock: m; how the running one ends is settled */
};

struct job_queue {
	struct app *app;
	const struct job_kind *kinds[KINDS_MAX]; /* init alone; constant afterwards */
	size_t n_kinds;
	struct mutex m;
	pthread_cond_t wake;
	struct waiting waiting[JOBS_WAITING_MAX]; /* lock: m; oldest first */
	size_t n_waiting, n_coming; /* lock: m; coming: their rows are being written */
	int64_t tidy_mono_ns;       /* lock: m; when old rows are looked at next */
	bool closing;               /* lock: m */
	struct worker workers[WORKERS];
};

struct job_queue *job_queue_new(struct app *a)
{
	struct job_queue *js = calloc(1, sizeof(*js));
	if (!js)
		return NULL;
	js->app = a;
	for (size_t i = 0; i < WORKERS; i++)
		js->workers[i].queue = js;
	mutex_init(&js->m);
	cond_init(&js->wake);
	return js;
}

void job_queue_free(struct job_queue *js)
{
	if (!js)
		return;
	pthread_cond_destroy(&js->wake);
	mutex_fini(&js->m);
	free(js);
}

int api_job_kind(struct app *a, const struct job_kind *k, struct err *e)
{
	struct api *api = api_of(a);
	if (!api || !api->jobs) /* this run answers no requests */
		return 0;
	struct job_queue *js = api->jobs;
	if (js->n_kinds == KINDS_MAX || job_queue_kind(js, str_of(k->name)))
		return err_set(e, ERR_FULL, "no place for jobs of the kind %s", k->name);
	js->kinds[js->n_kinds++] = k;
	return 0;
}

const struct job_kind *job_queue_kind(struct job_queue *js, struct str name)
{
	for (size_t i = 0; i < js->n_kinds; i++)
		if (str_eq(str_of(js->kinds[i]->name), name))
			return js->kinds[i];
	return NULL;
}

static void tell(struct app *a, int64_t id, const char *state)
{
	char text[96];
	(void)snprintf(text, sizeof(text), "{\"id\":\"%lld\",\"state\":\"%s\"}", (long long)id,
		       state);
	api_event(a, "jobs", text);
}

/* A place in the queue, before the row that will stand there is written. */
static bool reserve(struct job_queue *js)
{
	mutex_lock(&js->m);
	bool has = !js->closing && js->n_waiting + js->n_coming < JOBS_WAITING_MAX;
	js->n_coming += has;
	mutex_unlock(&js->m);
	return has;
}

static void take_place(struct job_queue *js, int64_t id, const struct job_kind *k)
{
	mutex_lock(&js->m);
	js->n_coming--;
	if (id > 0)
		js->waiting[js->n_waiting++] = (struct waiting){ id, k };
	pthread_cond_broadcast(&js->wake);
	mutex_unlock(&js->m);
}

static void refuse(struct request *rq, struct reply *rp, int rc, const struct err *e)
{
	if (rc == -ERR_FULL && !e->code) {
		rp->retry_after_s = 60;
		reply_problem(rq, rp, 429, "too_many_jobs", "%s",
			      api_words(rq->lang, "detail.too_many_jobs"));
	} else {
		reply_failed(rq, rp, e);
	}
}

int api_job_ask(struct request *rq, struct reply *rp, const struct job_kind *k,
		const char *asked_json)
{
	struct api *api = api_of(rq->app);
	struct err e = ERR_INIT;
	int64_t id = 0;
	if (!api || !api->jobs || !reserve(api->jobs)) {
		int full = err_set(&e, ERR_BUSY, "the queue of jobs is full");
		reply_failed(rq, rp, &e);
		return full;
	}
	int rc = job_row_add(app_store(rq->app), k, rq, asked_json, &id, &e);
	take_place(api->jobs, rc == 0 ? id : 0, k);
	struct job_row row;
	if (rc == 0)
		rc = job_row_read(app_store(rq->app), id, rq->deadline_mono_ns, &row, &e);
	if (rc != 0) {
		refuse(rq, rp, rc, &e);
		return rc;
	}
	char where[64];
	(void)snprintf(where, sizeof(where), "/api/v1/jobs/%lld", (long long)id);
	job_json(reply_json(rp, 202), api->jobs, &row, rq->lang);
	reply_header(rp, "Location", where);
	job_row_fini(&row);
	tell(rq->app, id, "running");
	return 0;
}

/* Who runs this one; NULL: nobody. */
static struct worker *worker_of(struct job_queue *js, int64_t id) REQUIRES(&js->m);
static struct worker *worker_of(struct job_queue *js, int64_t id)
{
	for (size_t i = 0; i < WORKERS; i++)
		if (js->workers[i].running == id)
			return &js->workers[i];
	return NULL;
}

bool job_progress(struct job_work *w, const char *phase, uint64_t done, uint64_t total)
{
	struct job_queue *js = api_of(w->app)->jobs;
	thread_beat();
	mutex_lock(&js->m);
	struct worker *by = worker_of(js, w->id);
	assert(by); /* only the one that runs tells how far it is */
	(void)str_copy(by->now.phase, sizeof(by->now.phase), str_of(phase));
	by->now.done = done;
	by->now.total = total;
	bool goes_on = !js->closing && !by->cancelled;
	mutex_unlock(&js->m);
	return goes_on;
}

bool job_queue_progress(struct job_queue *js, int64_t id, struct job_progress *out)
{
	bool known = false;
	*out = (struct job_progress){ 0 };
	mutex_lock(&js->m);
	const struct worker *by = worker_of(js, id);
	if (by) {
		*out = by->now;
		out->is_running = known = true;
	}
	for (size_t i = 0; i < js->n_waiting && !known; i++)
		known = js->waiting[i].id == id;
	mutex_unlock(&js->m);
	return known;
}

static bool take_out(struct job_queue *js, int64_t id) REQUIRES(&js->m);
static bool take_out(struct job_queue *js, int64_t id)
{
	for (size_t i = 0; i < js->n_waiting; i++) {
		if (js->waiting[i].id != id)
			continue;
		memmove(js->waiting + i, js->waiting + i + 1,
			(js->n_waiting - i - 1) * sizeof(js->waiting[0]));
		js->n_waiting--;
		return true;
	}
	return false;
}

int job_queue_cancel(struct job_queue *js, int64_t id, struct err *e)
{
	mutex_lock(&js->m);
	bool waited = take_out(js, id);
	struct worker *by = waited ? NULL : worker_of(js, id);
	bool runs = by && !by->ending;
	if (runs) {
		by->cancelled = true;
		__atomic_store_n(&by->stop, true, __ATOMIC_RELEASE);
	}
	mutex_unlock(&js->m);
	if (!waited)
		return runs ? 0 : -ERR_NOTFOUND;
	int rc = job_row_ended(app_store(js->app),
			       &(struct job_end){ .id = id, .state = "cancelled", .error = "" },
			       e);
	if (rc == 0)
		tell(js->app, id, "cancelled");
	return rc;
}

static enum role role_of(const char *name)
{
	for (enum role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
		if (strcmp(role_names[r], name) == 0)
			return r;
	return ROLE_NONE;
}

static int do_work(const struct worker *by, const struct job_row *row, struct buf *result,
		   struct err *e)
{
	struct job_queue *js = by->queue;
	const struct job_kind *k = job_queue_kind(js, str_of(row->kind));
	struct job_work w = { .app = js->app,
			      .id = row->id,
			      .asked_ns = row->asked_ns,
			      .asked = row->asked,
			      .stop = &by->stop,
			      .who = { .role = role_of(row->role),
				       .session_id = row->session } };
	if (!k)
		return err_set(e, ERR_UNSUPPORTED, "jobs of the kind %s are not known",
			       row->kind);
	(void)str_copy(w.who.name, sizeof(w.who.name), str_of(row->user));
	(void)str_copy(w.who.from, sizeof(w.who.from), str_of(row->origin));
	(void)str_copy(w.lang, sizeof(w.lang), str_of(row->lang));
	buf_init(&w.result, RESULT_MAX);
	buf_char(&w.result, '{');
	int rc = k->run(&w, e);
	buf_char(&w.result, '}');
	if (rc == 0 && buf_failed(&w.result))
		rc = err_set(e, ERR_NOMEM, "no memory for the result");
	if (rc == 0)
		buf_str(result, buf_view(&w.result));
	else if (k->clean)
		k->clean(js->app, row->id);
	buf_fini(&w.result);
	return rc;
}

/* Until the row is written or the house closes: then the next start finds it unfinished. */
static void note_end(struct job_queue *js, const struct job_end *end)
{
	struct err e = ERR_INIT;
	bool said = false;
	mutex_lock(&js->m);
	for (;;) {
		mutex_unlock(&js->m);
		int rc = job_row_ended(app_store(js->app), end, &e);
		mutex_lock(&js->m);
		if (rc == 0 || js->closing)
			break;
		if (!said)
			log_warning("api", "end of a job cannot be kept job=%lld error=%s",
				    (long long)end->id, LOGQ(e.text));
		said = true;
		(void)cond_wait(&js->wake, &js->m, RETRY_MS); /* woken or over: tries again */
	}
	mutex_unlock(&js->m);
}

/* The worker is free again, and with it its kind. */
static void rest(struct worker *w)
{
	struct job_queue *js = w->queue;
	mutex_lock(&js->m);
	w->running = 0;
	w->kind = NULL;
	pthread_cond_broadcast(&js->wake);
	mutex_unlock(&js->m);
}

static void finish(struct worker *w, const struct job_row *row, int rc, const struct err *e,
		   struct buf *result)
{
	struct job_queue *js = w->queue;
	const struct job_kind *k = job_queue_kind(js, str_of(row->kind));
	mutex_lock(&js->m);
	bool cancelled = w->cancelled, closing = js->closing;
	struct job_progress p = w->now;
	w->ending = true;
	mutex_unlock(&js->m);
	if (rc == 0 && cancelled) { /* just when it was done: whoever cancelled was told so */
		if (k && k->clean)
			k->clean(js->app, row->id);
		rc = -ERR_CLOSED;
	}
	struct job_end end = { .id = row->id,
			       .state = rc == 0   ? "done" :
					cancelled ? "cancelled" :
						    "failed",
			       .error = rc == 0 || cancelled ? "" :
					closing              ? "interrupted" :
							       e->text,
			       .done = p.done,
			       .total = p.total };
	if (rc == 0)
		end.result = buf_view(result);
	if (rc == 0 && k && k->keep_ns > 0)
		end.clean_ns = clock_now_ns() + k->keep_ns;
	if (rc != 0 && !cancelled && !closing)
		log_warning("api", "job failed job=%lld kind=%s error=%s", (long long)row->id,
			    row->kind, LOGQ(e->text));
	note_end(js, &end);
	rest(w);
	tell(js->app, row->id, end.state);
}

static void run_one(struct worker *w, int64_t id)
{
	struct job_queue *js = w->queue;
	struct err e = ERR_INIT;
	struct job_row row;
	struct buf result;
	struct store *st = app_store(js->app);
	int rc = job_row_started(st, id, &e);
	if (rc == 0)
		rc = job_row_read(st, id, clock_mono_ns() + 30 * NS_PER_S, &row, &e);
	if (rc != 0) {
		struct job_end end = { .id = id, .state = "failed", .error = e.text };
		note_end(js, &end);
		rest(w);
		tell(js->app, id, "failed");
		return;
	}
	tell(js->app, id, "running");
	buf_init(&result, RESULT_MAX);
	rc = do_work(w, &row, &result, &e);
	finish(w, &row, rc, &e, &result);
	buf_fini(&result);
	job_row_fini(&row);
}

static void clean_one(void *arg, int64_t id, const char *kind)
{
	struct job_queue *js = arg;
	const struct job_kind *k = job_queue_kind(js, str_of(kind));
	if (k && k->clean)
		k->clean(js->app, id);
}

static void tidy(struct job_queue *js)
{
	struct err e = ERR_INIT;
	if (job_rows_tidy(app_store(js->app), clock_now_ns(), clean_one, js, &e) != 0)
		log_warning("api", "old jobs cannot be tidied error=%s", LOGQ(e.text));
}

static bool kind_runs(const struct job_queue *js, const struct job_kind *k) REQUIRES(&js->m);
static bool kind_runs(const struct job_queue *js, const struct job_kind *k)
{
	for (size_t i = 0; i < WORKERS; i++)
		if (js->workers[i].kind == k)
			return true;
	return false;
}

/* The oldest one whose kind does not run already becomes this worker's. */
static int64_t take_next(struct job_queue *js, struct worker *w) REQUIRES(&js->m);
static int64_t take_next(struct job_queue *js, struct worker *w)
{
	for (size_t i = 0; i < js->n_waiting; i++) {
		struct waiting next = js->waiting[i];
		if (kind_runs(js, next.kind))
			continue;
		(void)take_out(js, next.id);
		w->running = next.id;
		w->kind = next.kind;
		w->cancelled = w->ending = false;
		__atomic_store_n(&w->stop, false, __ATOMIC_RELEASE);
		w->now = (struct job_progress){ .started_mono_ns = clock_mono_ns() };
		return next.id;
	}
	return 0;
}

/* The next one to run; 0 when it is time to tidy, -1 when the house closes. */
static int64_t next(struct worker *w)
{
	struct job_queue *js = w->queue;
	int64_t id = 0;
	mutex_lock(&js->m);
	while (!js->closing && (id = take_next(js, w)) == 0) {
		int64_t left = js->tidy_mono_ns - clock_mono_ns();
		if (left <= 0) {
			js->tidy_mono_ns = clock_mono_ns() + TIDY_EVERY_MS * NS_PER_MS;
			break;
		}
		(void)cond_wait(&js->wake, &js->m, (int)(left / NS_PER_MS) + 1);
	}
	if (js->closing)
		id = -1;
	mutex_unlock(&js->m);
	return id;
}

static void run(void *arg)
{
	struct worker *w = arg;
	int64_t id;
	thread_step_back();
	while ((id = next(w)) >= 0) {
		thread_beat();
		if (id > 0)
			run_one(w, id);
		else
			tidy(w->queue);
	}
}

int job_queue_start(struct job_queue *js, struct err *e)
{
	int rc = job_rows_interrupt(app_store(js->app), e);
	js->tidy_mono_ns = clock_mono_ns();
	for (size_t i = 0; rc == 0 && i < WORKERS; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "api/job/%zu", i);
		rc = thread_start(&js->workers[i].thread, name, run, &js->workers[i], e);
	}
	return rc;
}

void job_queue_stop(struct job_queue *js)
{
	mutex_lock(&js->m);
	js->closing = true;
	for (size_t i = 0; i < WORKERS; i++)
		__atomic_store_n(&js->workers[i].stop, true, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&js->wake);
	mutex_unlock(&js->m);
	for (size_t i = 0; i < WORKERS; i++)
		thread_join(&js->workers[i].thread);
}
