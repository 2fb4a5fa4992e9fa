/* A place as pages and tomsctl see it. Any thread. */
#include <stdio.h>
#include <stdlib.h>

#include "routes.h"
#include "tomsd/base/clock.h"

#define DAY_NS (86400 * NS_PER_S)

static const char *const lock_words[] = { "off", "governance", "compliance" };

struct places *places_now(struct request *rq, struct err *e)
{
	struct places *ps = calloc(1, sizeof(*ps));
	if (!ps)
		(void)err_set(e, ERR_NOMEM, "no memory for the list of places");
	else if (keeper_places(s3_of(rq->app), ps, e) != 0) {
		places_fini(ps);
		free(ps);
		ps = NULL;
	}
	return ps;
}

int listed_read(struct request *rq, struct place *p, const struct view *views, size_t n_views,
		struct sql *db, struct listed *out, struct err *e)
{
	(void)rq;
	*out = (struct listed){ .place = p, .view = { .is_enabled = p->is_enabled } };
	for (size_t i = 0; i < n_views; i++)
		if (strcmp(views[i].name, p->c.name) == 0)
			out->view = views[i];
	out->view.is_enabled = p->is_enabled; /* the thread may still be told so */
	(void)str_copy(out->view.name, sizeof(out->view.name), str_of(p->c.name));
	int rc = target_named(db, p->c.name, &out->target, e);
	if (rc == -ERR_NOTFOUND)
		return 0; /* so new that the keeper has not heard of it */
	out->has_target = rc == 0;
	if (rc == 0)
		rc = target_sums(db, out->target.id, &out->sums, e);
	if (rc != 0 || !out->has_target)
		return rc;
	const struct target *t = &out->target;
	if (out->view.fails > 0 ||
	    t->fails > 0) { /* the table is newer than the keeper's copy */
		memcpy(out->view.problem, t->problem, sizeof(t->problem));
		memcpy(out->view.detail, t->detail, sizeof(t->detail));
		out->view.problem_ns = t->problem_ns;
		out->view.fails = t->fails;
	}
	out->view.skew_ns = t->skew_ns;
	out->view.waiting = out->sums.waiting;
	out->view.findings = out->sums.findings;
	out->view.failed = out->sums.failed;
	out->view.test_result = out->target.test_result;
	memcpy(out->view.alarm, out->target.alarm, sizeof(out->view.alarm));
	return 0;
}

void listed_fini(struct listed *l)
{
	if (l->has_target)
		target_fini(&l->target);
}

static void put_time(struct json *j, const char *name, int64_t ns)
{
	if (ns > 0)
		json_kv_time(j, name, ns);
	else
		json_kv_str(j, name, NULL);
}

static void put_settings(struct json *j, const struct place *p)
{
	json_kv_str(j, "name", p->c.name);
	json_kv_str(j, "from", p->is_from_file ? "file" : "panel");
	json_kv_str(j, "endpoint", p->c.endpoint);
	json_kv_str(j, "region", p->c.region);
	json_kv_str(j, "bucket", p->c.bucket);
	json_kv_str(j, "prefix", p->c.prefix);
	json_kv_str(j, "access_key", p->c.access_key);
	json_kv_bool(j, "has_secret", p->c.secret_key[0] != '\0');
	json_kv_str(j, "object_lock", p->object_lock);
	json_kv_str(j, "lock", lock_words[p->c.lock]);
	json_kv_i64(j, "keep_days", p->c.keep_ns / DAY_NS);
	json_kv_str(j, "style", place_style_names[p->style]);
	json_kv_u64(j, "bandwidth", p->c.bytes_per_s);
	json_kv_bool(j, "enabled", p->is_enabled);
}

static void put_test(struct json *j, const struct target *t)
{
	json_key(j, "last_test");
	if (t->test_ns == 0 || t->steps.n == 0) {
		json_null(j);
		return;
	}
	json_obj(j);
	json_kv_time(j, "at", t->test_ns);
	json_kv_bool(j, "good", t->test_result == TEST_GOOD);
	json_key(j, "steps");
	json_raw(j, buf_view(&t->steps));
	json_end_obj(j);
}

void place_json(struct json *j, const struct listed *l, const char *lang)
{
	char words[1024];
	const struct target none = { .id = 0 }, *t = l->has_target ? &l->target : &none;
	view_words(&l->view, lang, words, sizeof(words));
	json_obj(j);
	put_settings(j, l->place);
	json_kv_str(j, "state", place_state_names[view_state(&l->view)]);
	json_kv_str(j, "words", words);
	json_kv_u64(j, "waiting", l->sums.waiting);
	json_kv_u64(j, "waiting_bytes", l->sums.waiting_bytes);
	json_kv_u64(j, "lacking", l->sums.failed);
	json_kv_u64(j, "proven", t->proven);
	json_kv_u64(j, "proven_bytes", t->proven_bytes);
	put_time(j, "last_proven_at", t->last_proven_ns);
	put_time(j, "oldest_waiting_at", l->sums.oldest_ns);
	json_kv_str(j, "sending", l->view.sending[0] ? l->view.sending : NULL);
	json_kv_str(j, "problem", l->view.problem[0] ? l->view.problem : NULL);
	put_time(j, "problem_since", l->view.problem[0] ? l->view.problem_ns : 0);
	put_time(j, "next_try_at", t->fails > 0 ? t->next_try_ns : 0);
	json_key(j, "skew_s");
	json_f64(j, (double)(l->view.skew_ns / NS_PER_MS) / 1000.0);
	json_kv_u64(j, "findings", l->sums.findings);
	json_kv_str(j, "last_finding", t->alarm[0] ? t->alarm : NULL);
	put_time(j, "last_finding_at", t->alarm_ns);
	put_test(j, t);
	json_end_obj(j);
}

void reply_place(struct request *rq, struct reply *rp, int status, const char *name)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct s3 *s = s3_of(rq->app);
	struct listed l = { .has_target = false };
	struct view *views = calloc(PLACES_MAX, sizeof(*views));
	struct places *ps = places_now(rq, &e);
	struct place *p = ps ? places_find(ps, name) : NULL;
	int rc = !views || !ps ? -ERR_NOMEM :
		 !p            ? err_set(&e, ERR_NOTFOUND, "place %s is gone", name) :
				 0;
	if (rc == 0)
		rc = store_read_begin(s->store, rq->deadline_mono_ns, &db, &e);
	if (rc == 0) {
		rc = listed_read(rq, p, views, keeper_views(s, views), db, &l, &e);
		store_read_end(s->store, db);
	}
	if (rc == 0)
		place_json(reply_json(rp, status), &l, rq->lang);
	else
		reply_failed(rq, rp, &e);
	listed_fini(&l);
	if (ps)
		places_fini(ps);
	free(ps);
	free(views);
}
