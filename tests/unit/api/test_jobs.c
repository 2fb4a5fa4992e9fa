/* Long work has a row that outlives it, a queue with an end, and people who may see it. */
#include <semaphore.h>
#include <time.h>

#include "living.h"

static sem_t may_end;

/* Runs until the test lets it, or somebody ends it. */
static int wait_run(struct job_work *w, struct err *e)
{
	struct timespec soon;
	if (str_find(w->asked, STR("fail")) >= 0)
		return err_set(e, ERR_IO, "the disk said no");
	if (str_find(w->asked, STR("network")) >= 0) { /* in one long request: it cannot tell how far it is */
		(void)job_progress(w, "fetching", 0, 0);
		while (!__atomic_load_n(w->stop, __ATOMIC_ACQUIRE))
			clock_sleep_ms(1);
		return -ERR_CLOSED;
	}
	for (;;) {
		if (!job_progress(w, "working", 3, 10) && str_find(w->asked, STR("deaf")) < 0)
			return -ERR_CLOSED;
		assert_int_equal(clock_gettime(CLOCK_REALTIME, &soon), 0);
		soon.tv_nsec += 5000000;
		if (soon.tv_nsec >= 1000000000) {
			soon.tv_nsec -= 1000000000;
			soon.tv_sec++;
		}
		if (sem_timedwait(&may_end, &soon) == 0)
			break;
	}
	buf_fmt(&w->result, "\"rows\":10,\"who\":\"%s\"", w->who.name);
	(void)job_progress(w, "working", 10, 10);
	return 0;
}

static int cleaned; /* atomic enough: read when the job has ended */
static void wait_clean(struct app *a, int64_t id)
{
	(void)a;
	(void)id;
	cleaned++;
}

static const struct job_kind waiting = { .name = "waiting",
					 .unit = "rows",
					 .cancelable = true,
					 .at_once = 2,
					 .keep_ns = 3600 * NS_PER_S,
					 .run = wait_run,
					 .clean = wait_clean };
static const struct job_kind many = { .name = "many", .unit = "rows", .run = wait_run };

static void ask_waiting(struct request *rq, struct reply *rp)
{
	(void)api_job_ask(rq, rp, &waiting,
			  str_eq(rq->path, STR("/failing")) ? "{\"fail\":1}" :
			  str_eq(rq->path, STR("/deaf"))    ? "{\"deaf\":1}" :
			  str_eq(rq->path, STR("/network")) ? "{\"network\":1}" :
							      "{}");
}

static void ask_many(struct request *rq, struct reply *rp)
{
	(void)api_job_ask(rq, rp, &many, "{}");
}

static const struct route routes[] = {
	{ .method = "POST",
	  .path = "/waiting",
	  .may = MAY_LOOK,
	  .handle = ask_waiting,
	  .flags = ROUTE_LATER,
	  .doc = "x" },
	{ .method = "POST",
	  .path = "/failing",
	  .may = MAY_LOOK,
	  .handle = ask_waiting,
	  .doc = "x" },
	{ .method = "POST",
	  .path = "/deaf",
	  .may = MAY_LOOK,
	  .handle = ask_waiting,
	  .doc = "x" },
	{ .method = "POST",
	  .path = "/network",
	  .may = MAY_LOOK,
	  .handle = ask_waiting,
	  .doc = "x" },
	{ .method = "POST", .path = "/many", .may = MAY_LOOK, .handle = ask_many, .doc = "x" },
	ROUTE_END
};
static const struct room asking = { .name = "asking", .routes = routes };
static const struct room *const rooms[] = { &api_room, &asking, NULL };

static void begin(struct living *l, bool again)
{
	struct err e = ERR_INIT;
	struct store_conf conf = { .path = l->path, .commit_every_ns = 10 * NS_PER_MS };
	if (!again) {
		(void)snprintf(l->path, sizeof(l->path), "/tmp/tomsd-api-XXXXXX");
		assert_non_null(mkdtemp(l->path));
	}
	assert_int_equal(store_open(&l->st, &conf, &e), 0);
	assert_int_equal(store_start(l->st, &e), 0);
	l->a = house_of(rooms);
	app_set_store(l->a, l->st);
	assert_int_equal(api_room.init(l->a, &e), 0);
	assert_int_equal(api_job_kind(l->a, &waiting, &e), 0);
	assert_int_equal(api_job_kind(l->a, &many, &e), 0);
	assert_int_equal(sem_init(&may_end, 0, 0), 0);
	cleaned = 0;
	assert_int_equal(api_room.start(l->a, &e), 0);
}

static void wait_for(struct living *l, const char *target, const char *part)
{
	for (int i = 0; i < 20000; i++) {
		struct said s = living_ask(l, "sato", ROLE_ADMIN, "GET", target, NULL);
		bool is_there = strstr(s.body, part) != NULL;
		free(s.body);
		if (is_there)
			return;
		clock_sleep_ms(1);
	}
	fail_msg("waited for %s of %s", part, target);
}

static void a_job_runs_shows_how_far_it_is_and_keeps_its_result(void **state)
{
	(void)state;
	struct living l;
	begin(&l, false);
	struct said s = living_ask(&l, "sato", ROLE_OPERATOR, "POST", "/waiting", NULL);
	assert_int_equal(s.status, 202);
	assert_string_equal(s.location, "/api/v1/jobs/1");
	assert_non_null(strstr(s.body, "\"state\":\"running\""));
	free(s.body);
	wait_for(&l, "/api/v1/jobs/1", "\"phase\":\"working\",\"done\":3,\"total\":10");
	assert_int_equal(sem_post(&may_end), 0);
	wait_for(&l, "/api/v1/jobs/1", "\"state\":\"done\"");
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs/1", NULL, 200,
		     "\"result\":{\"rows\":10,\"who\":\"sato\"}");
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs", NULL, 200,
		     "\"id\":\"1\"");
	struct buf events;
	uint64_t last = 1; /* older than anything: the client must fetch anew */
	buf_init(&events, 1u << 16);
	assert_false(api_events_read(l.a, "jobs", &last, &events));
	buf_fini(&events);
	/* others neither see nor end it */
	living_check(&l, "ito", ROLE_OPERATOR, "GET", "/api/v1/jobs/1", NULL, 404, "not_found");
	assert_int_equal(living_count(&l, ROLE_OPERATOR, "/api/v1/jobs", "\"id\":\"1\""), 1);
	struct said other = living_ask(&l, "ito", ROLE_OPERATOR, "GET", "/api/v1/jobs", NULL);
	assert_null(strstr(other.body, "\"id\""));
	free(other.body);
	living_check(&l, "root", ROLE_ADMIN, "GET", "/api/v1/jobs/1", NULL, 200, "\"done\"");
	living_check(&l, "sato", ROLE_OPERATOR, "DELETE", "/api/v1/jobs/1", NULL, 409,
		     "not_cancelable");
	living_check(&l, "sato", ROLE_VIEWER, "GET", "/api/v1/jobs", NULL, 403, NULL);
	living_end(&l);
}

static void a_person_has_two_at_once_and_may_end_those_that_wait_or_run(void **state)
{
	(void)state;
	struct living l;
	begin(&l, false);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/waiting", NULL, 202, NULL);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/waiting", NULL, 202, NULL);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/waiting", NULL, 429, "too_many_jobs");
	living_check(&l, "ito", ROLE_OPERATOR, "POST", "/waiting", NULL, 202, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"phase\":\"working\"");
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs/2", NULL, 200,
		     "\"phase\":\"waiting\"");
	living_check(&l, "sato", ROLE_OPERATOR, "DELETE", "/api/v1/jobs/2", NULL, 204, NULL);
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs/2", NULL, 200,
		     "\"state\":\"cancelled\"");
	living_check(&l, "ito", ROLE_OPERATOR, "DELETE", "/api/v1/jobs/1", NULL, 404, NULL);
	living_check(&l, "sato", ROLE_OPERATOR, "DELETE", "/api/v1/jobs/1", NULL, 204, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"state\":\"cancelled\"");
	assert_int_equal(cleaned, 1); /* what it had begun is gone */
	wait_for(&l, "/api/v1/jobs/3", "\"phase\":\"working\"");
	living_check(&l, "sato", ROLE_ADMIN, "GET", "/api/v1/audit?action=job.cancel", NULL,
		     200, "\"object\":\"waiting 2\"");
	living_end(&l);
}

static void what_fails_says_why(void **state)
{
	(void)state;
	struct living l;
	begin(&l, false);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/failing", NULL, 202, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"state\":\"failed\"");
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs/1", NULL, 200,
		     "\"error\":\"the disk said no\"");
	living_end(&l);
}

static void the_queue_has_an_end(void **state)
{
	(void)state;
	struct living l;
	begin(&l, false);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/many", NULL, 202, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"phase\":\"working\"");
	for (int i = 0; i < 16; i++)
		living_check(&l, "sato", ROLE_OPERATOR, "POST", "/many", NULL, 202, NULL);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/many", NULL, 503, "unavailable");
	for (int i = 0; i < 17; i++)
		assert_int_equal(sem_post(&may_end), 0);
	wait_for(&l, "/api/v1/jobs/17", "\"state\":\"done\"");
	living_end(&l);
}

static void a_long_job_keeps_none_of_another_kind_waiting(void **state)
{
	(void)state;
	struct living l;
	begin(&l, false);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/many", NULL, 202, NULL);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/many", NULL, 202, NULL);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/waiting", NULL, 202, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"phase\":\"working\"");
	wait_for(&l, "/api/v1/jobs/3", "\"phase\":\"working\"");
	/* of one kind there is one at a time */
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs/2", NULL, 200,
		     "\"phase\":\"waiting\"");
	living_check(&l, "sato", ROLE_OPERATOR, "DELETE", "/api/v1/jobs/3", NULL, 204, NULL);
	wait_for(&l, "/api/v1/jobs/3", "\"state\":\"cancelled\"");
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs/1", NULL, 200,
		     "\"state\":\"running\"");
	assert_int_equal(sem_post(&may_end), 0);
	wait_for(&l, "/api/v1/jobs/1", "\"state\":\"done\"");
	wait_for(&l, "/api/v1/jobs/2", "\"phase\":\"working\"");
	living_end(&l);
}

static void what_was_not_done_when_the_house_closed_is_failed_afterwards(void **state)
{
	(void)state;
	struct living l;
	begin(&l, false);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/waiting", NULL, 202, NULL);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/waiting", NULL, 202, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"phase\":\"working\"");
	living_stop(&l);
	assert_int_equal(cleaned, 1);
	begin(&l, true);
	for (int i = 1; i <= 2; i++) {
		char target[32];
		(void)snprintf(target, sizeof(target), "/api/v1/jobs/%d", i);
		living_check(&l, "sato", ROLE_OPERATOR, "GET", target, NULL, 200,
			     "\"state\":\"failed\"");
		living_check(&l, "sato", ROLE_OPERATOR, "GET", target, NULL, 200,
			     "\"error\":\"interrupted\"");
	}
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/waiting", NULL, 202, "\"id\":\"3\"");
	living_end(&l);
}

static void what_is_cancelled_as_it_ends_is_not_done(void **state)
{
	(void)state;
	struct living l;
	begin(&l, false);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/deaf", NULL, 202, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"phase\":\"working\"");
	living_check(&l, "sato", ROLE_OPERATOR, "DELETE", "/api/v1/jobs/1", NULL, 204, NULL);
	assert_int_equal(sem_post(&may_end), 0);
	wait_for(&l, "/api/v1/jobs/1", "\"state\":\"cancelled\"");
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs/1", NULL, 200,
		     "\"result\":null");
	assert_int_equal(cleaned, 1);
	living_end(&l);
}

static void what_waits_for_the_network_hears_that_it_is_over(void **state)
{
	(void)state;
	struct living l;
	begin(&l, false);
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/network", NULL, 202, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"phase\":\"fetching\"");
	living_check(&l, "sato", ROLE_OPERATOR, "DELETE", "/api/v1/jobs/1", NULL, 204, NULL);
	wait_for(&l, "/api/v1/jobs/1", "\"state\":\"cancelled\"");
	/* the next one is not ended with it, but with the house */
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/network", NULL, 202, NULL);
	wait_for(&l, "/api/v1/jobs/2", "\"phase\":\"fetching\"");
	living_stop(&l);
	begin(&l, true);
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/jobs/2", NULL, 200,
		     "\"error\":\"interrupted\"");
	living_end(&l);
}

enum { STALE = 250 };

static int add_stale(struct sql *db, void *arg, struct err *e)
{
	struct stmt *s;
	(void)arg;
	int rc = sql_prepare(
		db,
		"WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1)"
		" INSERT INTO job_run (kind, state, user, role, origin, session, lang, asked, asked_ns,"
		" unit, clean_ns) SELECT 'waiting', 'done', 'sato', 'operator', '', 0, 'en', '{}', 1,"
		" 'rows', 1 FROM i",
		&s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, STALE);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc;
}

static int stale_left(struct living *l)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *s;
	assert_int_equal(store_read_begin(l->st, 0, &db, &e), 0);
	assert_int_equal(
		sql_prepare(db, "SELECT count(*) FROM job_run WHERE clean_ns > 0", &s, &e), 0);
	assert_int_equal(stmt_step(s, &e), 1);
	int n = (int)stmt_col_i64(s, 0);
	stmt_done(s);
	store_read_end(l->st, db);
	return n;
}

/* After days without power hundreds are due at once. */
static void no_result_is_forgotten_before_it_is_cleaned_away(void **state)
{
	(void)state;
	struct living l;
	struct err e = ERR_INIT;
	struct store_conf conf = { .path = l.path };
	(void)snprintf(l.path, sizeof(l.path), "/tmp/tomsd-api-XXXXXX");
	assert_non_null(mkdtemp(l.path));
	assert_int_equal(store_open(&l.st, &conf, &e), 0);
	assert_int_equal(store_write(l.st, add_stale, NULL, &e), 0);
	store_free(l.st);
	begin(&l, true);
	while (stale_left(&l) == STALE)
		clock_sleep_ms(1);
	assert_int_equal(cleaned, STALE - stale_left(&l));
	living_end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_runs_shows_how_far_it_is_and_keeps_its_result),
		cmocka_unit_test(a_person_has_two_at_once_and_may_end_those_that_wait_or_run),
		cmocka_unit_test(what_is_cancelled_as_it_ends_is_not_done),
		cmocka_unit_test(what_waits_for_the_network_hears_that_it_is_over),
		cmocka_unit_test(what_fails_says_why),
		cmocka_unit_test(the_queue_has_an_end),
		cmocka_unit_test(a_long_job_keeps_none_of_another_kind_waiting),
		cmocka_unit_test(what_was_not_done_when_the_house_closed_is_failed_afterwards),
		cmocka_unit_test(no_result_is_forgotten_before_it_is_cleaned_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
