/* The edge between capture and flow threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tomsd/base/thread.h"
#include "tomsd/packets.h"

static void chunks_run_out_and_come_back(void **state)
{
	(void)state;
	struct packets *ps = packets_new(1, 4, 2);
	struct chunk *a = packets_chunk_get(ps, false), *b = packets_chunk_get(ps, false);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(packets_chunk_get(ps, false));
	packets_chunk_hold(a);
	packets_chunk_put(a);
	assert_null(packets_chunk_get(ps, false));
	packets_chunk_put(a);
	assert_ptr_equal(packets_chunk_get(ps, false), a);
	packets_chunk_put(a);
	packets_chunk_put(b);
	packets_free(ps);
}

static struct pkt_batch *filled(struct packets *ps, struct chunk *c, uint32_t n)
{
	struct pkt_batch *b = packets_batch_get(ps, true);
	assert_non_null(b);
	b->chunk = c;
	packets_chunk_hold(c);
	b->n = n;
	return b;
}

static void a_full_queue_gives_batch_and_chunk_back(void **state)
{
	(void)state;
	struct packets *ps = packets_new(2, 3, 1);
	struct chunk *c = packets_chunk_get(ps, false);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(packets_push(ps, 1, filled(ps, c, i), false), 0);
	assert_int_equal(packets_push(ps, 1, filled(ps, c, 9), false), -ERR_FULL);
	assert_int_equal(packets_backlog(ps, 1), 3);
	assert_int_equal(packets_backlog(ps, 0), 0);
	packets_chunk_put(c);
	assert_null(packets_chunk_get(ps, false)); /* three batches hold it */
	for (uint32_t i = 0; i < 3; i++) {
		struct pkt_batch *b;
		assert_int_equal(packets_pop(ps, 1, &b, 1000), 0);
		assert_int_equal(b->n, i);
		packets_done(b);
	}
	assert_ptr_equal(packets_chunk_get(ps, false), c);
	packets_chunk_put(c);
	packets_free(ps);
}

static void a_closed_queue_hands_out_what_it_has_and_then_says_so(void **state)
{
	(void)state;
	struct packets *ps = packets_new(1, 3, 1);
	struct chunk *c = packets_chunk_get(ps, false);
	struct pkt_batch *b;
	assert_int_equal(packets_push(ps, 0, filled(ps, c, 1), false), 0);
	packets_close(ps, 0);
	assert_int_equal(packets_push(ps, 0, filled(ps, c, 2), true), -ERR_CLOSED);
	assert_int_equal(packets_pop(ps, 0, &b, -1), 0);
	packets_done(b);
	assert_int_equal(packets_pop(ps, 0, &b, -1), -ERR_CLOSED);
	packets_chunk_put(c);
	packets_free(ps);
}

struct reader {
	struct packets *ps;
	uint64_t packets;
};

static void read_all(void *arg)
{
	struct reader *r = arg;
	struct pkt_batch *b;
	while (packets_pop(r->ps, 0, &b, -1) == 0) {
		r->packets += b->n;
		packets_done(b);
	}
}

static void a_writer_that_waits_loses_nothing(void **state)
{
	(void)state;
	struct packets *ps = packets_new(1, 2, 2);
	struct reader r = { ps, 0 };
	struct thread t = { 0 };
	struct err e = ERR_INIT;
	assert_int_equal(thread_start(&t, "flow/0", read_all, &r, &e), 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct chunk *c = packets_chunk_get(ps, true);
		assert_int_equal(packets_push(ps, 0, filled(ps, c, 7), true), 0);
		packets_chunk_put(c);
	}
	packets_close(ps, 0);
	thread_join(&t);
	assert_int_equal(r.packets, 14000);
	packets_free(ps);
}

static void shards_share_the_hash_space_evenly(void **state)
{
	(void)state;
	assert_int_equal(packets_shard_of(0, 3), 0);
	assert_int_equal(packets_shard_of(0xffffffff, 3), 2);
	assert_int_equal(packets_shard_of(0x80000000, 2), 1);
	assert_int_equal(packets_shard_of(0x7fffffff, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_run_out_and_come_back),
		cmocka_unit_test(a_full_queue_gives_batch_and_chunk_back),
		cmocka_unit_test(a_closed_queue_hands_out_what_it_has_and_then_says_so),
		cmocka_unit_test(a_writer_that_waits_loses_nothing),
		cmocka_unit_test(shards_share_the_hash_space_evenly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
