/* The thread s3: holds one thread a place to what the configuration says, and counts what waits. Handlers of
 * requests may not start threads (what they may not do, their threads could not either): they write the table
 * and wake this one. */
#include <stdio.h>
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define LOOK_MS 1000  /* at least, between two looks at the numbers */
#define IDLE_MS 15000 /* at most */
#define READ_NS (10 * NS_PER_S)

struct settle {
	const struct places *places;
	int64_t ids[PLACES_MAX];
};

static int settle(struct sql *db, void *arg, struct err *e)
{
	struct settle *s = arg;
	return targets_settle(db, s->places, s->ids, e);
}

int keeper_places(struct s3 *s, struct places *out, struct err *e)
{
	struct sql *db;
	mutex_lock(&s->m);
	*out = s->file;
	mutex_unlock(&s->m);
	int rc = store_read_begin(s->store, clock_mono_ns() + READ_NS, &db, e);
	if (rc != 0)
		return rc;
	rc = places_of_panel(db, s->key, out, e);
	store_read_end(s->store, db);
	return rc;
}

int keeper_settle(struct s3 *s, struct err *e)
{
	struct places *ps = calloc(1, sizeof(*ps));
	struct settle st = { .places = ps };
	if (!ps)
		return err_set(e, ERR_NOMEM, "no memory for the list of places");
	int rc = keeper_places(s, ps, e);
	if (rc == 0)
		rc = store_write(s->store, settle, &st, e);
	places_fini(ps);
	free(ps);
	return rc;
}

/* Taken out of the list under the lock, ended without it: an upload may need a moment to give up. */
static void end_workers(struct s3 *s, struct worker **ending, size_t n)
{
	for (size_t i = 0; i < n; i++)
		worker_stop(ending[i]);
	for (size_t i = 0; i < n; i++) {
		log_notice("s3", "place stopped place=%s", worker_name(ending[i]));
		worker_free(ending[i]);
	}
	(void)s;
}

static size_t take_out(struct s3 *s, const struct places *ps, const int64_t *ids,
		       struct worker **ending)
{
	size_t n = 0, kept = 0;
	mutex_lock(&s->m);
	for (size_t i = 0; i < s->n_workers; i++) {
		bool stays = false;
		for (size_t k = 0; k < ps->n; k++)
			stays = stays || worker_is_of(s->workers[i], &ps->all[k], ids[k]);
		if (stays)
			s->workers[kept++] = s->workers[i];
		else
			ending[n++] = s->workers[i];
	}
	s->n_workers = kept;
	mutex_unlock(&s->m);
	return n;
}

static bool has_worker(struct s3 *s, int64_t target)
{
	for (size_t i = 0; i < s->n_workers; i++)
		if (worker_target(s->workers[i]) == target)
			return true;
	return false;
}

static int begin_worker(struct s3 *s, const struct place *p, int64_t target, struct err *e)
{
	struct worker *w = NULL;
	int rc = worker_new(&w, s, p, target, e);
	if (rc != 0)
		return rc;
	mutex_lock(&s->m);
	s->workers[s->n_workers++] = w;
	mutex_unlock(&s->m);
	log_notice("s3", "place place=%s from=%s lock=\"%s\"%s", p->c.name,
		   p->is_from_file ? "file" : "panel", p->object_lock,
		   p->is_enabled ? "" : " switched off");
	return 0;
}

/* Threads as the configuration is now. What cannot be read is tried again. */
static int arrange(struct s3 *s, struct err *e)
{
	struct worker *ending[PLACES_MAX];
	struct places *ps = calloc(1, sizeof(*ps));
	struct settle st = { .places = ps };
	if (!ps)
		return err_set(e, ERR_NOMEM, "no memory for the list of places");
	int rc = keeper_places(s, ps, e);
	if (rc == 0)
		rc = store_write(s->store, settle, &st, e);
	if (rc == 0)
		end_workers(s, ending, take_out(s, ps, st.ids, ending));
	for (size_t i = 0; rc == 0 && i < ps->n; i++)
		if (!has_worker(s, st.ids[i]))
			rc = begin_worker(s, &ps->all[i], st.ids[i], e);
	places_fini(ps);
	free(ps);
	return rc;
}

/* ---- Numbers and health. ---- */

static int read_numbers(struct s3 *s, struct worker *w, struct view *v, struct err *e)
{
	struct sql *db;
	struct sums sums;
	struct target t;
	worker_view(w, v);
	int rc = store_read_begin(s->store, clock_mono_ns() + READ_NS, &db, e);
	if (rc != 0)
		return rc;
	rc = target_sums(db, worker_target(w), &sums, e);
	if (rc == 0)
		rc = target_read(db, worker_target(w), &t, e);
	store_read_end(s->store, db);
	if (rc != 0)
		return rc;
	v->waiting = sums.waiting;
	v->waiting_bytes = sums.waiting_bytes;
	v->findings = sums.findings;
	v->failed = sums.failed;
	v->test_result = t.test_result;
	memcpy(v->alarm, t.alarm, sizeof(v->alarm));
	target_fini(&t);
	return 0;
}

static void tell_health(struct s3 *s, const struct view *views, size_t n)
{
	char words[200];
	for (size_t i = 0; i < n; i++) {
		if (!view_is_ill(&views[i]))
			continue;
		view_words(&views[i], "en", words, sizeof(words));
		app_room_health(s->app, &s3_room, false, "%s", words);
		return;
	}
	app_room_health(s->app, &s3_room, true, NULL);
}

/* Pages that are open hear of what they would show differently. */
static void tell_pages(struct s3 *s, const struct view *was, size_t n_was,
		       const struct view *is, size_t n)
{
	char text[160];
	for (size_t i = 0; i < n; i++) {
		bool same = i < n_was && strcmp(was[i].name, is[i].name) == 0 &&
			    view_state(&was[i]) == view_state(&is[i]) &&
			    was[i].waiting == is[i].waiting &&
			    strcmp(was[i].problem, is[i].problem) == 0 &&
			    was[i].test_result == is[i].test_result &&
			    was[i].findings == is[i].findings;
		if (same)
			continue;
		(void)snprintf(text, sizeof(text),
			       "{\"name\":\"%s\",\"state\":\"%s\",\"waiting\":%llu}",
			       is[i].name, place_state_names[view_state(&is[i])],
			       (unsigned long long)is[i].waiting);
		api_event(s->app, "places", text);
	}
	if (n < n_was)
		api_event(s->app, "places", "{}");
}

static void look(struct s3 *s)
{
	struct err e = ERR_INIT;
	struct view *views = calloc(2 * PLACES_MAX, sizeof(*views)), *was = views + PLACES_MAX;
	struct s3_counts sums = { 0 };
	size_t n = 0;
	if (!views)
		return;
	for (size_t i = 0; i < s->n_workers; i++) { /* the list is this thread's to change */
		if (read_numbers(s, s->workers[i], &views[n], &e) != 0)
			log_warning("s3", "numbers of a place cannot be read place=%s error=%s",
				    worker_name(s->workers[i]), LOGQ(e.text));
		atomic_fetch_add(&sums.waiting, views[n].waiting);
		atomic_fetch_add(&sums.waiting_bytes, views[n].waiting_bytes);
		n++;
	}
	atomic_store(&s3_counts.waiting, atomic_load(&sums.waiting));
	atomic_store(&s3_counts.waiting_bytes, atomic_load(&sums.waiting_bytes));
	mutex_lock(&s->m);
	size_t n_was = s->n_views;
	memcpy(was, s->views, n_was * sizeof(*was));
	memcpy(s->views, views, n * sizeof(*views));
	s->n_views = n;
	mutex_unlock(&s->m);
	tell_health(s, views, n);
	tell_pages(s, was, n_was, views, n);
	free(views);
}

size_t keeper_views(struct s3 *s, struct view out[PLACES_MAX])
{
	mutex_lock(&s->m);
	size_t n = s->n_views;
	memcpy(out, s->views, n * sizeof(*out));
	mutex_unlock(&s->m);
	return n;
}

/* ---- The thread. ---- */

void keeper_wake(struct s3 *s, bool is_dirty)
{
	mutex_lock(&s->m);
	s->is_dirty = s->is_dirty || is_dirty;
	s->is_woken = true;
	pthread_cond_broadcast(&s->wake);
	mutex_unlock(&s->m);
}

void keeper_tested(struct s3 *s, int64_t target, enum test_result result)
{
	mutex_lock(&s->m);
	for (size_t i = 0; i < s->n_workers; i++)
		worker_tested(s->workers[i], target, result);
	mutex_unlock(&s->m);
	keeper_wake(s, false);
}

/* Until the configuration changes, something is to be counted, or the house closes (false). */
static bool wait_for_work(struct s3 *s, int64_t looked_mono_ns, int64_t least_ms, bool failed,
			  bool *dirty)
{
	mutex_lock(&s->m);
	for (;;) {
		int64_t ago_ms = (clock_mono_ns() - looked_mono_ns) / NS_PER_MS;
		int64_t wait_ms = s->is_woken ? least_ms - ago_ms : IDLE_MS - ago_ms;
		if (s->closing || s->is_dirty || wait_ms <= 0)
			break;
		(void)cond_wait(&s->wake, &s->m, (int)wait_ms);
	}
	*dirty = s->is_dirty || failed; /* once more */
	s->is_dirty = s->is_woken = false;
	bool goes_on = !s->closing;
	mutex_unlock(&s->m);
	return goes_on;
}

static void run(void *arg)
{
	struct s3 *s = arg;
	int64_t looked_mono_ns = 0, least_ms = LOOK_MS;
	bool dirty = true, failed;
	do {
		struct err e = ERR_INIT;
		int64_t began_ns;
		thread_beat();
		failed = dirty && arrange(s, &e) != 0;
		began_ns = clock_mono_ns();
		look(s);
		looked_mono_ns = clock_mono_ns();
		if (failed) {
			log_err("s3", "places cannot be arranged error=%s", LOGQ(e.text));
			app_room_health(s->app, &s3_room, false, "places cannot be read: %s",
					e.text);
		}
		/* Counting a great backlog takes its time: at most a fiftieth of it is spent so. */
		least_ms = 50 * (looked_mono_ns - began_ns) / NS_PER_MS;
		least_ms = least_ms < LOOK_MS ? LOOK_MS :
			   least_ms > IDLE_MS ? IDLE_MS :
						least_ms;
	} while (wait_for_work(s, looked_mono_ns, least_ms, failed, &dirty));
	mutex_lock(&s->m);
	size_t n = s->n_workers;
	s->n_workers = 0;
	mutex_unlock(&s->m);
	end_workers(s, s->workers, n);
}

int keeper_start(struct s3 *s, struct err *e)
{
	/* Before the springs run: what is kept everywhere is asked of the places of now. */
	int rc = keeper_settle(s, e);
	return rc == 0 ? thread_start(&s->keeper, "s3", run, s, e) : rc;
}

void keeper_stop(struct s3 *s)
{
	__atomic_store_n(&s->stops, true, __ATOMIC_RELEASE);
	mutex_lock(&s->m);
	s->closing = true;
	pthread_cond_broadcast(&s->wake);
	mutex_unlock(&s->m);
	thread_join(&s->keeper);
}
