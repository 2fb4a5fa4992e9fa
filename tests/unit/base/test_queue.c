/* Queues: order, limits, waiting, and closing as the stop signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/queue.h"
#include "tomsd/base/thread.h"

static void items_leave_in_the_order_they_came(void **state)
{
	(void)state;
	struct queue *q = queue_new(sizeof(int), 5);
	int out[8], next_in = 0, next_out = 0;
	for (int round = 0; round < 50; round++) {
		while (queue_try_push(q, &next_in) == 0)
			next_in++;
		assert_int_equal(queue_len(q), 5);
		int n = queue_pop_many(q, out, (size_t)(1 + round % 7), 0);
		assert_true(n >= 1);
		for (int i = 0; i < n; i++)
			assert_int_equal(out[i], next_out++);
	}
	assert_int_equal(queue_cap(q), 5);
	queue_free(q);
	queue_free(NULL);
}

static void a_full_queue_refuses_and_an_empty_one_waits_its_time(void **state)
{
	(void)state;
	struct queue *q = queue_new(sizeof(int), 1);
	int v = 1;
	assert_int_equal(queue_pop(q, &v, 0), -ERR_TIMEOUT);
	int64_t before = clock_mono_ns();
	assert_int_equal(queue_pop(q, &v, 20), -ERR_TIMEOUT);
	assert_true(clock_mono_ns() - before >= 20 * NS_PER_MS);
	assert_int_equal(queue_push(q, &v), 0);
	assert_int_equal(queue_try_push(q, &v), -ERR_FULL);
	queue_free(q);
}

static void a_closed_queue_hands_out_what_is_left(void **state)
{
	(void)state;
	struct queue *q = queue_new(sizeof(int), 4);
	int v = 7, got = 0;
	assert_int_equal(queue_push(q, &v), 0);
	v = 8;
	assert_int_equal(queue_push(q, &v), 0);
	queue_close(q);
	assert_int_equal(queue_push(q, &v), -ERR_CLOSED);
	assert_int_equal(queue_try_push(q, &v), -ERR_CLOSED);
	assert_int_equal(queue_pop(q, &got, -1), 0);
	assert_int_equal(got, 7);
	assert_int_equal(queue_pop(q, &got, -1), 0);
	assert_int_equal(got, 8);
	assert_int_equal(queue_pop(q, &got, -1), -ERR_CLOSED);
	assert_int_equal(queue_pop_many(q, &got, 1, -1), -ERR_CLOSED);
	queue_free(q);
}

struct party {
	struct queue *q;
	_Atomic int waiting;
	int rc;
	uint64_t sum, count;
	uint64_t first, last; /* what a producer pushes: first..last - 1 */
};

static void wait_for_one(void *arg)
{
	struct party *p = arg;
	uint64_t v;
	p->waiting = 1;
	p->rc = queue_pop(p->q, &v, -1);
}

static void wait_for_room(void *arg)
{
	struct party *p = arg;
	uint64_t v = 1;
	p->waiting = 1;
	p->rc = queue_push(p->q, &v);
}

/* Until the only thread there is has parked itself in the queue. */
static void wait_until_parked(struct party *p)
{
	struct thread_state st = { .parked = false };
	while (!p->waiting || thread_list(&st, 1) != 1 || !st.parked)
		clock_sleep_ms(1);
}

static void closing_wakes_everybody(void **state)
{
	(void)state;
	static void (*const fns[])(void *) = { wait_for_one, wait_for_room };
	for (size_t i = 0; i < ARRAY_LEN(fns); i++) {
		struct party p = { .q = queue_new(sizeof(uint64_t), 1) };
		struct thread t = { .started = false };
		struct err e = ERR_INIT;
		uint64_t v = 0;
		if (i == 1)
			assert_int_equal(queue_push(p.q, &v), 0);
		assert_int_equal(thread_start(&t, "waits", fns[i], &p, &e), 0);
		wait_until_parked(&p);
		queue_close(p.q);
		thread_join(&t);
		assert_int_equal(p.rc, -ERR_CLOSED);
		queue_free(p.q);
	}
}

static void produce(void *arg)
{
	struct party *p = arg;
	for (uint64_t v = p->first; v < p->last && p->rc == 0; v++)
		p->rc = queue_push(p->q, &v);
}

static void consume(void *arg)
{
	struct party *p = arg;
	uint64_t v[16];
	int n;
	while ((n = queue_pop_many(p->q, v, ARRAY_LEN(v), -1)) > 0)
		for (int i = 0; i < n; i++, p->count++)
			p->sum += v[i];
	p->rc = n;
}

static void nothing_is_lost_or_doubled_between_threads(void **state)
{
	(void)state;
	enum { EACH = 30000, PRODUCERS = 3, CONSUMERS = 3 };
	struct queue *q = queue_new(sizeof(uint64_t), 7);
	struct party makers[PRODUCERS], eaters[CONSUMERS];
	struct thread tm[PRODUCERS] = { { .started = false } },
		      te[CONSUMERS] = { { .started = false } };
	struct err e = ERR_INIT;
	for (uint64_t i = 0; i < CONSUMERS; i++) {
		eaters[i] = (struct party){ .q = q };
		assert_int_equal(thread_start(&te[i], "eats", consume, &eaters[i], &e), 0);
	}
	for (uint64_t i = 0; i < PRODUCERS; i++) {
		makers[i] = (struct party){ .q = q, .first = i * EACH, .last = (i + 1) * EACH };
		assert_int_equal(thread_start(&tm[i], "makes", produce, &makers[i], &e), 0);
	}
	for (size_t i = 0; i < PRODUCERS; i++) {
		thread_join(&tm[i]);
		assert_int_equal(makers[i].rc, 0);
	}
	queue_close(q);
	uint64_t sum = 0, count = 0, all = (uint64_t)EACH * PRODUCERS;
	for (size_t i = 0; i < CONSUMERS; i++) {
		thread_join(&te[i]);
		assert_int_equal(eaters[i].rc, -ERR_CLOSED);
		sum += eaters[i].sum;
		count += eaters[i].count;
	}
	assert_true(count == all);
	assert_true(sum == all * (all - 1) / 2);
	queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_leave_in_the_order_they_came),
		cmocka_unit_test(a_full_queue_refuses_and_an_empty_one_waits_its_time),
		cmocka_unit_test(a_closed_queue_hands_out_what_is_left),
		cmocka_unit_test(closing_wakes_everybody),
		cmocka_unit_test(nothing_is_lost_or_doubled_between_threads),
	};
	return cmocka_run_group_tests_name("base/queue", tests, NULL, NULL);
}
