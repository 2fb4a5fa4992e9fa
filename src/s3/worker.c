/* The thread of a place: s3/NAME. It sends what waits, manifests and backups first, else oldest first; what fails
 * is tried again later, and while the place itself cannot be used one request is made a try, however much waits.
 * Now and then it tests the place and looks at a sample of what was proven there. Everything it knows is in the
 * tables, so it can end at any moment. */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define DAY_NS (86400 * NS_PER_S)
#define TEST_EVERY_NS (7 * DAY_NS)
#define RETEST_NS (3600 * NS_PER_S)    /* while it is not good */
#define REACH_NS (300 * NS_PER_S)      /* while it could not be reached: begins with one small question */
#define RETEST_SOON_NS (10 * NS_PER_S) /* when objects get there all the same */
#define LOOK_EVERY_NS DAY_NS
#define READ_NS (10 * NS_PER_S)
#define WAIT_MOST_MS 60000
#define STORE_SICK_MS 2000

bool worker_closes(const struct worker *w)
{
	return __atomic_load_n(&w->closing, __ATOMIC_ACQUIRE);
}

const char *worker_name(const struct worker *w)
{
	return w->place.c.name;
}

int64_t worker_target(const struct worker *w)
{
	return w->target;
}

static int load(struct worker *w, struct err *e)
{
	struct sql *db;
	struct target t;
	int rc = store_read_begin(w->s3->store, clock_mono_ns() + READ_NS, &db, e);
	if (rc != 0)
		return rc;
	rc = target_read(db, w->target, &t, e);
	store_read_end(w->s3->store, db);
	if (rc != 0)
		return rc;
	w->fails = t.fails;
	w->next_try_ns = t.next_try_ns;
	w->filled = t.filled;
	w->fill_until = t.fill_until;
	w->looked_ns = t.looked_ns;
	w->test_ns = t.test_ns;
	w->test_result = t.test_result;
	mutex_lock(&w->m);
	memcpy(w->view.problem, t.problem, sizeof(t.problem));
	memcpy(w->view.detail, t.detail, sizeof(t.detail));
	w->view.problem_ns = t.problem_ns;
	w->view.skew_ns = t.skew_ns;
	w->view.fails = t.fails;
	w->view.test_result = t.test_result;
	w->view.fills = t.filled < t.fill_until;
	mutex_unlock(&w->m);
	target_fini(&t);
	return 0;
}

/* ---- Objects that were there before the place. ---- */

static int note_fill(struct sql *db, void *arg, struct err *e)
{
	return copies_fill(db, arg, e);
}

static void look_for_files(const struct worker *w, struct fill_row *rows, size_t n)
{
	char path[2048];
	for (size_t i = 0; i < n; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", app_state_path(w->s3->app),
				   rows[i].path);
		rows[i].is_here = len > 0 && (size_t)len < sizeof(path) &&
				  access(path, R_OK) == 0;
	}
}

static int fill_some(struct worker *w, struct fill_row *rows, struct err *e)
{
	struct sql *db;
	struct target t = { .filled = w->filled, .fill_until = w->fill_until };
	int rc = store_read_begin(w->s3->store, clock_mono_ns() + READ_NS, &db, e);
	if (rc != 0)
		return rc;
	int n = copies_fill_rows(db, &t, rows, FILL_ROWS, e);
	store_read_end(w->s3->store, db);
	if (n < 0)
		return n;
	look_for_files(w, rows, (size_t)n);
	struct fill f = { .target = w->target,
			  .rows = rows,
			  .n = (size_t)n,
			  .filled = n < FILL_ROWS ? w->fill_until : rows[n - 1].object };
	rc = store_write(w->s3->store, note_fill, &f, e);
	if (rc == 0)
		w->filled = f.filled;
	return rc;
}

/* All of it: s3_is_kept_everywhere and the page must not wait for a first object to be sent. */
static int fill(struct worker *w, struct err *e)
{
	int rc = 0;
	if (w->filled >= w->fill_until)
		return 0;
	struct fill_row *rows = calloc(FILL_ROWS, sizeof(*rows));
	if (!rows)
		return err_set(e, ERR_NOMEM, "no memory to list objects");
	while (rc == 0 && w->filled < w->fill_until && !worker_closes(w)) {
		thread_beat();
		rc = fill_some(w, rows, e);
	}
	free(rows);
	mutex_lock(&w->m);
	w->view.fills = w->filled < w->fill_until;
	mutex_unlock(&w->m);
	return rc;
}

/* ---- What is to be done now. ---- */

static bool is_due(int64_t last_ns, int64_t every_ns, int64_t now_ns)
{
	return last_ns == 0 || now_ns - last_ns >= every_ns || last_ns > now_ns + DAY_NS;
}

static int64_t test_every(const struct worker *w)
{
	return w->test_result == TEST_GOOD	? TEST_EVERY_NS :
	       w->test_result == TEST_NOT_TRIED ? REACH_NS :
						  RETEST_NS;
}

/* One small question: while nobody answers, a test of ten is no use. */
static int knock(struct worker *w, struct s3_fault *f, struct err *e)
{
	struct s3_version v;
	thread_park();
	int rc = s3_head(w->client, "_manifest/knock", NULL, &v, f, e);
	thread_unpark();
	return f->status == 0 || f->status >= 500 ? rc : 0;
}

static int test(struct worker *w, struct err *e)
{
	struct trial t = {
		.s3 = w->s3, .target = w->target, .client = w->client, .stop = &w->closing
	};
	struct s3_fault f = { .status = 0 };
	struct err why = ERR_INIT;
	enum test_result result = TEST_NONE;
	struct buf steps;
	int rc = knock(w, &f, &why);
	if (rc != 0 && !worker_closes(w))
		return errand_place_failed(w, &f, rc, why.text, e);
	buf_init(&steps, 64u << 10);
	rc = rc != 0 ? rc : trial_run(&t, &result, &steps, &why);
	buf_fini(&steps);
	if (worker_closes(w))
		return err_set(e, ERR_CLOSED, "the house closes");
	if (rc != 0) {
		(void)err_set(e, (enum err_code) - rc, "%s", why.text);
		return rc;
	}
	w->test_ns = clock_now_ns();
	w->tested_mono_ns = clock_mono_ns();
	w->test_result = result;
	mutex_lock(&w->m);
	w->view.test_result = result;
	mutex_unlock(&w->m);
	return 0;
}

static int look(struct worker *w, struct err *e)
{
	struct look l = {
		.s3 = w->s3, .target = w->target, .client = w->client, .place = w->place.c.name
	};
	struct s3_fault f = { .status = 0 };
	struct err why = ERR_INIT;
	thread_park();
	int rc = look_at_sample(&l, &f, &why);
	thread_unpark();
	if (worker_closes(w))
		return err_set(e, ERR_CLOSED, "the house closes");
	if (rc == 0)
		w->looked_ns = clock_now_ns();
	if (rc != 0 && !f.code[0]) /* not the place: our own store */
		return err_set(e, (enum err_code) - rc, "%s", why.text);
	return rc == 0 ? 0 : errand_place_failed(w, &f, rc, why.text, e);
}

static int next_item(struct worker *w, int64_t now_ns, struct item *it, int64_t *due_ns,
		     struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(w->s3->store, clock_mono_ns() + READ_NS, &db, e);
	if (rc != 0)
		return rc;
	rc = copies_next(db, w->target, now_ns, it, e);
	if (rc == 0) {
		int failed = copies_due(db, w->target, due_ns, e);
		rc = failed ? failed : 0;
	}
	store_read_end(w->s3->store, db);
	return rc;
}

/* When nothing is to be done before: the next test, look, or object that is backing off. */
static int64_t next_turn(const struct worker *w, int64_t due_ns)
{
	int64_t test_ns = w->test_ns + test_every(w), look_ns = w->looked_ns + LOOK_EVERY_NS;
	int64_t next = due_ns < test_ns ? due_ns : test_ns;
	return next < look_ns ? next : look_ns;
}

/* A place that got an object since is worth asking again why it did not pass. */
static bool wants_retest(const struct worker *w)
{
	return w->test_result == TEST_NOT_TRIED && w->proven_mono_ns > w->tested_mono_ns &&
	       clock_mono_ns() - w->tested_mono_ns > RETEST_SOON_NS;
}

/* One piece of work; *until_ns: when there may be more (0: at once). */
static int turn(struct worker *w, struct item *it, int64_t *until_ns, struct err *e)
{
	int64_t now = clock_now_ns(), due = INT64_MAX;
	int rc = fill(w, e);
	if (rc != 0 || worker_closes(w))
		return rc;
	/* A clock that was set back must not make a back-off of an hour one of a year. */
	if (w->next_try_ns > now && w->next_try_ns - now <= 2 * 3600 * NS_PER_S) {
		*until_ns = w->next_try_ns;
		return 0;
	}
	if (is_due(w->test_ns, test_every(w), now) || wants_retest(w))
		return test(w, e);
	rc = next_item(w, now, it, &due, e);
	if (rc == 1)
		return errand_run(w, it, e);
	if (rc == 0 && is_due(w->looked_ns, LOOK_EVERY_NS, now))
		return look(w, e);
	*until_ns = next_turn(w, due);
	return rc;
}

static void wait_until(struct worker *w, int64_t until_ns)
{
	int64_t left_ms = until_ns == INT64_MAX ? WAIT_MOST_MS :
						  (until_ns - clock_now_ns()) / NS_PER_MS + 1;
	mutex_lock(&w->m);
	if (!w->is_woken && !worker_closes(w) && left_ms > 0)
		(void)cond_wait(&w->wake, &w->m,
				left_ms < WAIT_MOST_MS ? (int)left_ms : WAIT_MOST_MS);
	w->is_woken = false;
	if (w->goes_at_once) {
		w->next_try_ns = 0;
		if (w->test_result != TEST_GOOD)
			w->test_ns = 0;
	}
	w->goes_at_once = false;
	if (w->was_tested) {
		w->test_result = w->view.test_result = w->told;
		w->test_ns = clock_now_ns();
		w->tested_mono_ns = clock_mono_ns();
	}
	w->was_tested = false;
	mutex_unlock(&w->m);
}

/* What the table cannot say for itself: what is lacking before anything can be asked. */
static void say_problem(struct worker *w, const char *problem, const char *detail)
{
	mutex_lock(&w->m);
	if (strcmp(w->view.problem, problem) != 0)
		w->view.problem_ns = clock_now_ns();
	(void)str_copy(w->view.problem, sizeof(w->view.problem), str_of(problem));
	(void)str_copy(w->view.detail, sizeof(w->view.detail), str_of(detail));
	mutex_unlock(&w->m);
}

/* A place that is switched off, or cannot be asked: its thread waits for the end. */
static bool can_work(struct worker *w)
{
	struct err e = ERR_INIT;
	if (!w->place.is_enabled)
		return false;
	if (w->place.problem[0]) {
		say_problem(w, w->place.problem, "");
		return false;
	}
	if (worker_client(w, &e) == 0)
		return true;
	say_problem(w, "ca", e.text);
	log_err("s3", "place cannot be asked place=%s error=%s", w->place.c.name, LOGQ(e.text));
	return false;
}

static void run(void *arg)
{
	struct worker *w = arg;
	struct item *it = calloc(1, sizeof(*it));
	bool works = it && load(w, &(struct err)ERR_INIT) == 0;
	thread_step_back();
	while (!worker_closes(w)) {
		struct err e = ERR_INIT;
		int64_t until_ns = 0;
		thread_beat();
		if (!works || !can_work(w)) {
			wait_until(w, INT64_MAX);
			works = works || (it && load(w, &e) == 0);
			continue;
		}
		int rc = turn(w, it, &until_ns, &e);
		if (rc != 0 && !worker_closes(w)) { /* the store: it says so itself */
			log_warning("s3", "place waits for the store place=%s error=%s",
				    w->place.c.name, LOGQ(e.text));
			until_ns = clock_now_ns() + STORE_SICK_MS * NS_PER_MS;
		}
		if (until_ns > 0)
			wait_until(w, until_ns);
		keeper_wake(w->s3, false);
	}
	free(it);
}

static void dispose(struct worker *w)
{
	s3_client_free(w->client);
	pthread_cond_destroy(&w->wake);
	mutex_fini(&w->m);
	explicit_bzero(&w->place, sizeof(w->place));
	free(w);
}

int worker_new(struct worker **out, struct s3 *s, const struct place *p, int64_t target,
	       struct err *e)
{
	char name[24];
	struct worker *w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ERR_NOMEM, "no memory for the place %s", p->c.name);
	*w = (struct worker){ .s3 = s, .place = *p, .target = target };
	(void)str_copy(w->view.name, sizeof(w->view.name), str_of(p->c.name));
	w->view.is_enabled = p->is_enabled;
	mutex_init(&w->m);
	cond_init(&w->wake);
	(void)snprintf(name, sizeof(name), "s3/%.20s", p->c.name);
	int rc = thread_start(&w->thread, name, run, w, e);
	if (rc != 0)
		dispose(w);
	else
		*out = w;
	return rc;
}

void worker_stop(struct worker *w)
{
	mutex_lock(&w->m);
	__atomic_store_n(&w->closing, true, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&w->wake);
	mutex_unlock(&w->m);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	worker_stop(w);
	thread_join(&w->thread);
	dispose(w);
}

bool worker_is_of(const struct worker *w, const struct place *p, int64_t target)
{
	return w->target == target && place_equal(&w->place, p);
}

void worker_wake(struct worker *w, bool at_once)
{
	mutex_lock(&w->m);
	w->is_woken = true;
	w->goes_at_once = w->goes_at_once || at_once;
	pthread_cond_broadcast(&w->wake);
	mutex_unlock(&w->m);
}

void worker_tested(struct worker *w, int64_t target, enum test_result result)
{
	mutex_lock(&w->m);
	if (w->target == target) {
		w->was_tested = w->is_woken = true;
		w->told = result;
		pthread_cond_broadcast(&w->wake);
	}
	mutex_unlock(&w->m);
}

void worker_view(struct worker *w, struct view *out)
{
	mutex_lock(&w->m);
	*out = w->view;
	mutex_unlock(&w->m);
}
