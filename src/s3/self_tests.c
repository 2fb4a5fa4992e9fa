/* Trying a place: at set-up, once a week, and when somebody presses the button. On the thread of the place, or on
 * that of jobs; the client is the caller's. What came of it is kept in s3_target and shown on pages. */
#include <stdio.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define STEPS_EXPECTED 11
#define READ_NS (10 * NS_PER_S)

static const char *const step_names[] = { [S3_STEP_GOOD] = "good",
					  [S3_STEP_BAD] = "bad",
					  [S3_STEP_SKIPPED] = "skipped",
					  [S3_STEP_WARNING] = "warning" };

struct trying {
	const struct trial *t;
	struct json j;
	uint64_t done;
	bool is_bad,
		is_reached; /* a step was bad; the place itself was asked before the first of them */
	char first_bad[600];
};

/* Steps of the way there; the others say how the place keeps what it is given. */
static bool is_way(const char *step)
{
	static const char *const way[] = { "name",      "certificate", "connection",
					   "signature", "bucket",      "write" };
	for (size_t i = 0; i < ARRAY_LEN(way); i++)
		if (strcmp(way[i], step) == 0)
			return true;
	return false;
}

static void one_step(void *arg, const struct s3_step *s)
{
	struct trying *g = arg;
	json_obj(&g->j);
	json_kv_str(&g->j, "name", s->name);
	json_kv_str(&g->j, "result", step_names[s->result]);
	json_kv_str(&g->j, "words", s->words);
	json_end_obj(&g->j);
	g->done++;
	if (s->result == S3_STEP_BAD && !g->is_bad) {
		(void)snprintf(g->first_bad, sizeof(g->first_bad), "%s: %s", s->name, s->words);
		g->is_bad = true;
		g->is_reached = !is_way(s->name);
	}
	if (g->t->job)
		(void)job_progress(g->t->job, s->name, g->done, STEPS_EXPECTED);
}

static int note(struct sql *db, void *arg, struct err *e)
{
	return copies_tested(db, arg, e);
}

static enum test_result result_of(const struct trying *g, int rc)
{
	if (rc == 0 && !g->is_bad)
		return TEST_GOOD;
	return g->is_reached ? TEST_NOT_WRITE_ONCE : TEST_NOT_TRIED;
}

int trial_run(const struct trial *t, enum test_result *result, struct buf *steps, struct err *e)
{
	struct trying g = { .t = t };
	struct err why = ERR_INIT;
	json_init(&g.j, steps);
	json_arr(&g.j);
	thread_park();
	int rc = s3_self_test(t->client, one_step, &g, &why);
	thread_unpark();
	json_end_arr(&g.j);
	if (__atomic_load_n(t->stop, __ATOMIC_ACQUIRE))
		return err_set(e, ERR_CLOSED, "the house closes");
	if (buf_failed(steps))
		return err_set(e, ERR_NOMEM, "no memory for the steps of a test");
	*result = result_of(&g, rc);
	counter_add(&s3_counts.tests, 1);
	if (*result != TEST_GOOD)
		log_err("s3", "self-test of a place failed target=%lld step=%s error=%s",
			(long long)t->target, LOGQ(g.first_bad), LOGQ(why.text));
	struct tested done = { .target = t->target,
			       .at_ns = clock_now_ns(),
			       .result = *result,
			       .steps = buf_view(steps) };
	return store_write(t->s3->store, note, &done, e);
}

/* ---- As a job. ---- */

static int find_place(struct s3 *s, const char *name, struct s3_conf *c, int64_t *target,
		      struct err *e)
{
	struct places ps = { .n = 0 };
	struct sql *db;
	struct target t;
	int rc = keeper_places(s, &ps, e);
	const struct place *p = rc == 0 ? places_find(&ps, name) : NULL;
	if (rc == 0 && !p)
		rc = err_set(e, ERR_NOTFOUND, "there is no place %s any more", name);
	if (rc == 0 && p->problem[0])
		rc = err_set(
			e, ERR_INVALID,
			"place %s lacks an endpoint, a bucket, an access key or a secret key",
			name);
	if (rc == 0)
		*c = p->c;
	places_fini(&ps);
	if (rc == 0)
		rc = store_read_begin(s->store, clock_mono_ns() + READ_NS, &db, e);
	if (rc != 0)
		return rc;
	rc = target_named(db, name, &t, e);
	store_read_end(s->store, db);
	if (rc != 0)
		return err_set(e, ERR_BUSY, "place %s is being set up; try again", name);
	*target = t.id;
	target_fini(&t);
	return 0;
}

static int run_test(struct job_work *w, const char *name, struct buf *steps,
		    enum test_result *result, struct err *e)
{
	struct s3 *s = s3_of(w->app);
	struct s3_conf c;
	struct trial t = { .s3 = s, .stop = &s->stops, .job = w };
	int rc = find_place(s, name, &c, &t.target, e);
	if (rc != 0)
		return rc;
	rc = s3_client_new(&t.client, &c, &s->stops, e);
	explicit_bzero(&c, sizeof(c));
	if (rc != 0)
		return rc;
	rc = trial_run(&t, result, steps, e);
	s3_client_free(t.client);
	if (rc == 0)
		keeper_tested(s, t.target, *result);
	return rc;
}

static int run(struct job_work *w, struct err *e)
{
	struct json_doc d;
	struct buf steps;
	char name[64] = "";
	enum test_result result = TEST_NONE;
	int rc = json_parse(w->asked, 64, &d, e);
	if (rc != 0)
		return rc;
	bool has_name = json_text(json_get(&d, d.nodes, "place"), name, sizeof(name));
	json_doc_fini(&d);
	if (!has_name)
		return err_set(e, ERR_INVALID, "no place was named");
	buf_init(&steps, 64u << 10);
	rc = run_test(w, name, &steps, &result, e);
	if (rc == 0) {
		buf_fmt(&w->result,
			"\"good\":%s,\"steps\":", result == TEST_GOOD ? "true" : "false");
		buf_str(&w->result, buf_view(&steps));
	}
	buf_fini(&steps);
	return rc;
}

const struct job_kind place_test_kind = {
	.name = "place_test", .unit = "steps", .at_once = 2, .run = run
};
