/* Followers: committed rows, all of them, in order; slow ones read on from the tables. */
#include "tiny.h"

enum { MANY = 256 };

static void put_n(struct box *b, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		struct tiny t = tiny_row(tiny_noon_ns + i * NS_PER_MS, i);
		box_put(b, &tiny_record, &t);
	}
}

/* Takes until n rows came; each must be the next one. */
static void expect(struct follower *f, uint32_t from, uint32_t n)
{
	static struct tiny rows[MANY];
	struct err e = ERR_INIT;
	for (uint32_t i = 0; i < n;) {
		int got = follower_next(f, rows, MANY, 20000, &e);
		if (got <= 0)
			fail_msg("%d of %u rows: %s", (int)i, n, e.text);
		for (int k = 0; k < got; k++, i++) {
			char note[32];
			(void)snprintf(note, sizeof(note), "row %u", from + i);
			assert_string_equal(rows[k].note, note);
			assert_true(rows[k].id > 0);
		}
	}
}

static void follow(struct box *b, size_t queue_rows, struct follower **f)
{
	struct err e = ERR_INIT;
	if (store_follow(b->st, &tiny_record, "test", queue_rows, f, &e))
		fail_msg("%s", e.text);
}

static void a_follower_hears_of_rows_after_their_commit_in_order(void **state)
{
	(void)state;
	struct box b;
	struct follower *f;
	struct err e = ERR_INIT;
	struct tiny row;
	box_new(&b);
	box_open(&b);
	follow(&b, 4096, &f);
	box_start(&b);
	put_n(&b, 0, 1000);
	expect(f, 0, 1000);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 1000);
	assert_int_equal(follower_next(f, &row, 1, 0, &e), -ERR_TIMEOUT);
	box_free(&b);
}

static void rows_of_before_are_not_told_again(void **state)
{
	(void)state;
	struct box b;
	struct follower *f;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_n(&b, 0, 100);
	box_flush(&b);
	box_close(&b);
	box_open(&b);
	follow(&b, 8, &f);
	box_start(&b);
	put_n(&b, 100, 500);
	expect(f, 100, 500);
	box_free(&b);
}

static void a_slow_follower_reads_on_from_the_tables_and_misses_nothing(void **state)
{
	(void)state;
	struct box b;
	struct follower *f;
	struct err e = ERR_INIT;
	struct tiny row;
	box_new(&b);
	box_open(&b);
	follow(&b, 50, &f);
	box_start(&b);
	for (uint32_t i = 0; i < 10; i++) {
		put_n(&b, i * 1000, 1000);
		box_flush(&b);
	}
	expect(f, 0, 10000);
	put_n(&b, 10000, 20); /* caught up: through the queue again */
	expect(f, 10000, 20);
	assert_int_equal(follower_next(f, &row, 1, 0, &e), -ERR_TIMEOUT);
	box_free(&b);
}

static void a_slow_follower_gets_the_rows_of_every_day(void **state)
{
	(void)state;
	struct box b;
	struct follower *f;
	struct err e = ERR_INIT;
	static struct tiny rows[MANY];
	box_new(&b);
	box_open(&b);
	follow(&b, 10, &f);
	box_start(&b);
	for (uint32_t i = 0; i < 3000; i++) {
		struct tiny t =
			tiny_row(tiny_noon_ns - (int64_t)(i / 50 % 30) * 86400 * NS_PER_S, i);
		box_put(&b, &tiny_record, &t);
	}
	box_flush(&b);
	uint64_t sum = 0;
	for (int n = 0; n < 3000;) {
		int got = follower_next(f, rows, MANY, 20000, &e);
		assert_true(got > 0);
		for (int k = 0; k < got; k++)
			sum += (uint64_t)atoll(rows[k].note + 4);
		n += got;
	}
	assert_int_equal(sum, 2999 * 3000 / 2);
	assert_int_equal(follower_next(f, rows, MANY, 0, &e), -ERR_TIMEOUT);
	box_free(&b);
}

static void closing_a_follower_hands_out_what_is_left_first(void **state)
{
	(void)state;
	struct box b;
	struct follower *f;
	struct err e = ERR_INIT;
	struct tiny row;
	box_new(&b);
	box_open(&b);
	follow(&b, 100, &f);
	box_start(&b);
	put_n(&b, 0, 3);
	box_flush(&b);
	follower_close(f);
	expect(f, 0, 3);
	assert_int_equal(follower_next(f, &row, 1, -1, &e), -ERR_CLOSED);
	box_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_follower_hears_of_rows_after_their_commit_in_order),
		cmocka_unit_test(rows_of_before_are_not_told_again),
		cmocka_unit_test(a_slow_follower_reads_on_from_the_tables_and_misses_nothing),
		cmocka_unit_test(a_slow_follower_gets_the_rows_of_every_day),
		cmocka_unit_test(closing_a_follower_hands_out_what_is_left_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
