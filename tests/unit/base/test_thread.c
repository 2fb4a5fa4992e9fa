/* Threads: names, heartbeats, the watchdog's list, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/queue.h"
#include "tomsd/base/thread.h"

/* A thread that does what it is told over one queue and answers over another. */
enum order { ORDER_BEAT, ORDER_PARK, ORDER_UNPARK, ORDER_NAME, ORDER_SIGNALS, ORDER_END };
struct puppet {
	struct thread t;
	struct queue *orders, *answers;
};

static int answer_for(enum order o)
{
	sigset_t set;
	switch (o) {
	case ORDER_BEAT:
		thread_beat();
		return 1;
	case ORDER_PARK:
		thread_park();
		return 1;
	case ORDER_UNPARK:
		thread_unpark();
		return 1;
	case ORDER_NAME:
		return strcmp(thread_name(), "flow/3") == 0 && thread_is("flow") &&
		       !thread_is("flow/3") && !thread_is("store") && !thread_is("flo");
	case ORDER_SIGNALS:
		pthread_sigmask(SIG_SETMASK, NULL, &set);
		return sigismember(&set, SIGTERM) && sigismember(&set, SIGINT) &&
		       !sigismember(&set, SIGSEGV);
	case ORDER_END:
		break;
	}
	return 0;
}

static void puppet_main(void *arg)
{
	struct puppet *p = arg;
	enum order o = ORDER_BEAT;
	while (queue_pop(p->orders, &o, -1) == 0) {
		int answer = answer_for(o);
		if (queue_push(p->answers, &answer))
			return;
	}
}

static int tell(struct puppet *p, enum order o)
{
	int answer = -1;
	assert_int_equal(queue_push(p->orders, &o), 0);
	assert_int_equal(queue_pop(p->answers, &answer, -1), 0);
	return answer;
}

static void puppet_start(struct puppet *p, const char *name)
{
	struct err e = ERR_INIT;
	*p = (struct puppet){ .orders = queue_new(sizeof(enum order), 4),
			      .answers = queue_new(sizeof(int), 4) };
	assert_int_equal(thread_start(&p->t, name, puppet_main, p, &e), 0);
}

static void puppet_end(struct puppet *p)
{
	queue_close(p->orders);
	thread_join(&p->t);
	queue_free(p->orders);
	queue_free(p->answers);
}

static void a_thread_knows_its_name_and_room(void **state)
{
	(void)state;
	struct puppet p;
	assert_string_equal(thread_name(), "main");
	assert_true(thread_is("anything")); /* not ours, not held to it */
	puppet_start(&p, "flow/3");
	assert_int_equal(tell(&p, ORDER_NAME), 1);
	puppet_end(&p);
}

static void signals_are_for_main_faults_for_everybody(void **state)
{
	(void)state;
	struct puppet p;
	sigset_t before, after;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	puppet_start(&p, "x");
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
	assert_int_equal(tell(&p, ORDER_SIGNALS), 1);
	puppet_end(&p);
}

static struct thread_state only_thread(void)
{
	struct thread_state st[4];
	assert_int_equal(thread_list(st, ARRAY_LEN(st)), 1);
	return st[0];
}

static void a_waiting_thread_is_parked(void **state)
{
	(void)state;
	struct puppet p;
	puppet_start(&p, "store");
	while (!only_thread().parked)
		clock_sleep_ms(1);
	assert_string_equal(only_thread().name, "store");
	assert_int_equal(only_thread().beat_age_ms, 0);
	tell(&p, ORDER_PARK); /* parks nest: the queue's own wait ends and this one stays */
	assert_true(only_thread().parked);
	tell(&p, ORDER_UNPARK);
	puppet_end(&p);
	assert_int_equal(thread_list(NULL, 0), 0);
}

static _Atomic int spin_go_on, spin_beat;

static void spin_main(void *arg)
{
	(void)arg;
	while (spin_go_on)
		if (spin_beat)
			thread_beat();
}

static void a_stuck_thread_is_seen_by_its_age(void **state)
{
	(void)state;
	struct thread t = { .started = false };
	struct err e = ERR_INIT;
	spin_go_on = 1;
	spin_beat = 0;
	assert_int_equal(thread_start(&t, "stuck", spin_main, NULL, &e), 0);
	while (only_thread().beat_age_ms < 30)
		clock_sleep_ms(1);
	assert_false(only_thread().parked);
	spin_beat = 1;
	while (only_thread().beat_age_ms > 10)
		clock_sleep_ms(1);
	while (only_thread().cpu_ms < 5)
		clock_sleep_ms(1);
	spin_go_on = 0;
	thread_join(&t);
	thread_join(&t); /* fine twice */
}

static void the_list_of_threads_is_bounded(void **state)
{
	(void)state;
	static struct puppet p[128];
	struct thread extra = { .started = false };
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		puppet_start(&p[i], "many");
	assert_int_equal(thread_start(&extra, "extra", spin_main, NULL, &e), -ERR_FULL);
	assert_false(extra.started);
	struct thread_state st[2];
	assert_int_equal(thread_list(st, ARRAY_LEN(st)), 128);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		puppet_end(&p[i]);
	assert_int_equal(thread_list(NULL, 0), 0);
	puppet_start(&p[0], "again");
	puppet_end(&p[0]);
}

static void a_long_name_is_cut(void **state)
{
	(void)state;
	struct puppet p;
	puppet_start(&p, "a-name-of-more-than-twenty-four-bytes");
	assert_string_equal(only_thread().name, "a-name-of-more-than-twe");
	puppet_end(&p);
}

static void waiting_on_a_condition_ends_in_time(void **state)
{
	(void)state;
	struct mutex m;
	pthread_cond_t c;
	mutex_init(&m);
	cond_init(&c);
	int64_t before = clock_mono_ns();
	mutex_lock(&m);
	while (cond_wait(&c, &m, 15))
		;
	mutex_unlock(&m);
	assert_true(clock_mono_ns() - before >= 15 * NS_PER_MS);
	pthread_cond_destroy(&c);
	mutex_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_knows_its_name_and_room),
		cmocka_unit_test(signals_are_for_main_faults_for_everybody),
		cmocka_unit_test(a_waiting_thread_is_parked),
		cmocka_unit_test(a_stuck_thread_is_seen_by_its_age),
		cmocka_unit_test(the_list_of_threads_is_bounded),
		cmocka_unit_test(a_long_name_is_cut),
		cmocka_unit_test(waiting_on_a_condition_ends_in_time),
	};
	return cmocka_run_group_tests_name("base/thread", tests, NULL, NULL);
}
