/* The job thread: runs what rooms list in their jobs tables, one after the other, each when its time
 * has come. It starts after the last room and ends before the first stops, so a job may use any room
 * of lower floors. A job that takes long says thread_beat() itself. */
#include <stdlib.h>

#include "house.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

struct slot {
	const struct room *room;
	const struct job *job;
	int64_t due_mono_ns; /* thread: job */
	_Atomic uint64_t runs, failures;
	_Atomic int64_t last_ns, took_ns; /* end of the last run, wall clock; 0: never */
};

struct jobs {
	struct app *app;
	struct thread thread;
	struct mutex m;
	pthread_cond_t wake;
	bool closed; /* lock: m */
	_Atomic(const struct slot *) running;
	size_t n;
	struct slot slots[];
};

static size_t jobs_count(const struct app *a)
{
	size_t n = 0;
	for (size_t i = 0; i < a->n_slots; i++)
		for (const struct job *j = a->slots[i].room->jobs; j && j->name; j++)
			n++;
	return n;
}

static void job_run(struct jobs *js, struct slot *s)
{
	struct err e = ERR_INIT;
	int64_t began = clock_mono_ns();
	atomic_store(&js->running, s);
	int rc = s->job->run(js->app, &e);
	atomic_store(&js->running, NULL);
	atomic_store(&s->took_ns, clock_mono_ns() - began);
	atomic_store(&s->last_ns, clock_now_ns());
	atomic_fetch_add(&s->runs, 1);
	s->due_mono_ns = clock_mono_ns() + s->job->every_ns;
	if (!rc)
		return;
	atomic_fetch_add(&s->failures, 1);
	log_err(s->room->name, "job failed job=%s: %s", s->job->name, e.text);
}

static struct slot *job_next(struct jobs *js)
{
	struct slot *next = &js->slots[0];
	for (size_t i = 1; i < js->n; i++)
		if (js->slots[i].due_mono_ns < next->due_mono_ns)
			next = &js->slots[i];
	return next;
}

static void jobs_main(void *arg)
{
	struct jobs *js = arg;
	for (;;) {
		struct slot *s = job_next(js);
		mutex_lock(&js->m);
		for (int64_t left;
		     !js->closed && (left = s->due_mono_ns - clock_mono_ns()) > 0;)
			(void)cond_wait(&js->wake, &js->m,
					left < 3600 * NS_PER_S ? (int)(left / NS_PER_MS) + 1 :
								 3600000);
		bool closed = js->closed;
		mutex_unlock(&js->m);
		if (closed)
			return;
		thread_beat();
		job_run(js, s);
	}
}

int jobs_start(struct app *a, struct err *e)
{
	size_t n = jobs_count(a);
	if (!n || a->setup.mode != APP_DAEMON)
		return 0;
	struct jobs *js = calloc(1, sizeof(*js) + n * sizeof(js->slots[0]));
	if (!js)
		return err_set(e, ERR_NOMEM, "no memory for the job table");
	js->app = a;
	js->n = 0;
	mutex_init(&js->m);
	cond_init(&js->wake);
	for (size_t i = 0; i < a->n_slots; i++)
		for (const struct job *j = a->slots[i].room->jobs; j && j->name; j++) {
			assert(j->every_ns > 0);
			js->slots[js->n++] =
				(struct slot){ .room = a->slots[i].room,
					       .job = j,
					       .due_mono_ns = clock_mono_ns() + j->every_ns };
		}
	atomic_store(&a->jobs,
		     js); /* lives until app_free: status looks at it from any thread */
	return thread_start(&js->thread, "job", jobs_main, js, e);
}

void jobs_stop(struct app *a)
{
	struct jobs *js = atomic_load(&a->jobs);
	if (!js)
		return;
	const struct slot *now = atomic_load(&js->running);
	guard_says("waiting for a job of", now ? now->room->name : "job");
	mutex_lock(&js->m);
	js->closed = true;
	pthread_cond_broadcast(&js->wake);
	mutex_unlock(&js->m);
	thread_join(&js->thread);
}

void jobs_free(struct app *a)
{
	struct jobs *js = atomic_load(&a->jobs);
	if (!js)
		return;
	pthread_cond_destroy(&js->wake);
	mutex_fini(&js->m);
	free(js);
	atomic_store(&a->jobs, NULL);
}

void jobs_status(struct app *a, struct json *j)
{
	json_key(j, "jobs");
	json_arr(j);
	struct jobs *js = atomic_load(&a->jobs);
	for (size_t i = 0; js && i < js->n; i++) {
		const struct slot *s = &js->slots[i];
		int64_t last_ns = atomic_load(&s->last_ns);
		json_obj(j);
		json_kv_str(j, "room", s->room->name);
		json_kv_str(j, "name", s->job->name);
		json_kv_i64(j, "every_s", s->job->every_ns / NS_PER_S);
		json_kv_u64(j, "runs", atomic_load(&s->runs));
		json_kv_u64(j, "failures", atomic_load(&s->failures));
		if (last_ns) {
			json_kv_time(j, "last", last_ns);
			json_kv_i64(j, "took_ms", atomic_load(&s->took_ns) / NS_PER_MS);
		}
		json_end_obj(j);
	}
	json_end_arr(j);
}
