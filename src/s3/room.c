/* Room s3: counters, threads, the walk through start and stop. */
#include "room.h"

#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

struct s3_counts s3_counts;

struct s3 *s3_of(struct app *a)
{
	for (const struct room *const *r = app_rooms(a); *r; r++)
		if (*r == &s3_room)
			return app_room_state(a, &s3_room);
	return NULL;
}

static const struct counter counters[] = {
	{ "s3_objects_sent_total", "Objects sent and proven, each place counted.", false,
	  &s3_counts.sent },
	{ "s3_bytes_sent_total", "Their bytes.", false, &s3_counts.sent_bytes },
	{ "s3_failures_total", "Tries that failed.", false, &s3_counts.failures },
	{ "s3_locks_extended_total", "Locks made longer.", false, &s3_counts.locks },
	{ "s3_looks_total", "Proven objects looked at again.", false, &s3_counts.looks },
	{ "s3_findings_total", "Of them, those that were not as proven.", false,
	  &s3_counts.findings },
	{ "s3_self_tests_total", "Self-tests of places.", false, &s3_counts.tests },
	{ "s3_waiting_objects", "Objects that wait, each place counted.", true,
	  &s3_counts.waiting },
	{ "s3_waiting_bytes", "Their bytes.", true, &s3_counts.waiting_bytes },
	COUNTER_END,
};

static const struct thread_doc threads[] = {
	{ "s3", "one thread a place, as configured; what waits; health" },
	{ "s3/NAME",
	  "sends objects to a place, proves them, tests the place, looks at proofs again" },
	THREAD_END,
};

static const struct edge edges[] = {
	{ "rooms -> s3/NAME", "objects, as rows with a local file",
	  "nothing is dropped: rows wait on disk, local files stay until every place has proven them" },
	EDGE_END,
};

static void take_file(struct s3 *s, struct app *a)
{
	struct err e = ERR_INIT;
	struct places *ps = calloc(1, sizeof(*ps));
	if (!ps)
		return;
	if (places_of_conf(app_conf(a), ps, &e) != 0)
		log_err("s3", "a section is passed over error=%s", LOGQ(e.text));
	mutex_lock(&s->m);
	places_fini(&s->file);
	s->file = *ps;
	mutex_unlock(&s->m);
	places_fini(ps);
	free(ps);
}

static void fini(struct app *a)
{
	struct s3 *s = s3_of(a);
	if (!s)
		return;
	app_set_room_state(a, &s3_room, NULL);
	house_key_free(s->key);
	places_fini(&s->file);
	pthread_cond_destroy(&s->wake);
	mutex_fini(&s->m);
	free(s);
}

static int init(struct app *a, struct err *e)
{
	if (app_mode(a) != APP_DAEMON)
		return 0;
	struct s3 *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NOMEM, "no memory for the room s3");
	s->app = a;
	s->store = app_store(a); /* requests may come before start */
	mutex_init(&s->m);
	cond_init(&s->wake);
	app_set_room_state(a, &s3_room, s);
	take_file(s, a);
	int rc = house_key_load(&s->key, app_state_path(a), true, e);
	if (rc == 0)
		rc = api_job_kind(a, &place_test_kind, e);
	if (rc != 0)
		fini(a);
	return rc;
}

static int start(struct app *a, struct err *e)
{
	struct s3 *s = s3_of(a);
	return s ? keeper_start(s, e) : 0;
}

static void reload(struct app *a)
{
	struct s3 *s = s3_of(a);
	if (!s)
		return;
	take_file(s, a);
	keeper_wake(s, true);
}

static void stop(struct app *a)
{
	struct s3 *s = s3_of(a);
	if (s)
		keeper_stop(s);
}

void s3_wake(struct app *a)
{
	struct s3 *s = s3_of(a);
	if (!s)
		return;
	mutex_lock(&s->m);
	for (size_t i = 0; i < s->n_workers; i++)
		worker_wake(s->workers[i], false);
	mutex_unlock(&s->m);
}

static void put_view(struct json *j, const struct view *v)
{
	json_obj(j);
	json_kv_str(j, "name", v->name);
	json_kv_str(j, "state", place_state_names[view_state(v)]);
	json_kv_u64(j, "waiting", v->waiting);
	json_kv_u64(j, "waiting_bytes", v->waiting_bytes);
	json_kv_u64(j, "lacking", v->failed);
	json_kv_u64(j, "findings", v->findings);
	json_kv_u64(j, "fails", v->fails);
	json_kv_str(j, "problem", v->problem[0] ? v->problem : NULL);
	json_kv_str(j, "detail", v->detail[0] ? v->detail : NULL);
	json_kv_str(j, "sending", v->sending[0] ? v->sending : NULL);
	json_end_obj(j);
}

static void status(struct app *a, struct json *j)
{
	struct s3 *s = s3_of(a);
	struct view *views = s ? calloc(PLACES_MAX, sizeof(*views)) : NULL;
	if (!views)
		return;
	size_t n = keeper_views(s, views);
	json_key(j, "places");
	json_arr(j);
	for (size_t i = 0; i < n; i++)
		put_view(j, &views[i]);
	json_end_arr(j);
	free(views);
}

/* A sentence for each place that is not well, one after the other. */
static void explain(struct app *a, const char *lang, struct buf *out)
{
	char words[1024];
	struct s3 *s = s3_of(a);
	struct view *views = s ? calloc(PLACES_MAX, sizeof(*views)) : NULL;
	if (!views)
		return;
	size_t n = keeper_views(s, views);
	for (size_t i = 0; i < n; i++) {
		if (!view_is_ill(&views[i]))
			continue;
		view_words(&views[i], lang, words, sizeof(words));
		buf_fmt(out, "%s%s", out->n > 0 && strcmp(lang, "en") == 0 ? " " : "", words);
	}
	free(views);
}

const struct room s3_room = {
	.name = "s3",
	.opts = place_opts,
	.opts_labelled = true,
	.routes = s3_routes,
	.counters = counters,
	.threads = threads,
	.edges = edges,
	.init = init,
	.start = start,
	.reload = reload,
	.stop = stop,
	.fini = fini,
	.status = status,
	.explain = explain,
};
