/* Bad days: refused writes and fsyncs, a full disk, power cuts. Nothing acknowledged is lost,
 * nothing is stored twice, the database stays whole. */
#include "tiny.h"

#include "bad_disk.h"
#include "tomsd/base/log.h"

static int lines;
static void count_line(enum log_level lv, const char *line, void *arg)
{
	(void)lv;
	(void)line;
	(void)arg;
	__atomic_add_fetch(&lines, 1, __ATOMIC_RELAXED);
}

static void put_n(struct box *b, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		struct tiny t = tiny_row(tiny_noon_ns + i * NS_PER_MS, i);
		struct flow f;
		memset(&f, 0, sizeof(f));
		f.start_ns = f.end_ns = t.at_ns;
		f.src = t.who;
		f.dst = addr_v4(0x08080808u);
		f.src_bytes = 10;
		(void)snprintf(f.proto, sizeof(f.proto), "tls");
		box_put(b, &tiny_record, &t);
		box_put(b, &flow_record, &f);
	}
}

static void holds_exactly(struct box *b, int64_t n)
{
	assert_int_equal(box_number(b, "SELECT count(*) FROM tiny_20261122"), n);
	assert_int_equal(box_number(b, "SELECT count(DISTINCT note) FROM tiny_20261122"), n);
	assert_int_equal(box_number(b, "SELECT rows FROM part WHERE record='tiny'"), n);
	assert_int_equal(box_number(b, "SELECT count(*) FROM flow_20261122"), n);
	assert_int_equal(box_number(b, "SELECT sum(bytes_out) FROM rollup_minute WHERE dim=0"),
			 10 * n);
	box_check_integrity(b);
}

/* The n-th call fails, for n = 1, 2, 3 ... until a run in which it does not come to that. */
static void every_call_may_fail(int sync, int error)
{
	int runs = 0;
	for (long n = 1;; n += n < 12 ? 1 : n / 4) {
		struct box b;
		bad_disk_well();
		box_new(&b);
		box_open(&b);
		box_start(&b);
		bad_disk_fail(sync, n, 1, error);
		put_n(&b, 0, 300);
		box_flush(&b);
		put_n(&b, 300, 300);
		box_flush(&b);
		int failed = bad_disk_failed();
		bad_disk_well();
		holds_exactly(&b, 600);
		box_again(&b);
		holds_exactly(&b, 600);
		box_free(&b);
		if (!failed)
			break;
		runs++;
	}
	assert_true(runs > 1);
}

static void any_write_may_fail_and_nothing_is_lost(void **state)
{
	(void)state;
	every_call_may_fail(0, SQLITE_IOERR_WRITE);
}

static void any_fsync_may_fail_and_nothing_is_lost(void **state)
{
	(void)state;
	every_call_may_fail(1, SQLITE_IOERR_FSYNC);
}

static void any_write_may_find_the_disk_full_and_nothing_is_lost(void **state)
{
	(void)state;
	every_call_may_fail(0, SQLITE_FULL);
}

static int change_meta(struct sql *db, void *arg, struct err *e)
{
	(void)arg;
	return sql_exec(db, "INSERT OR REPLACE INTO store_meta VALUES('test',1)", e);
}

static void a_full_disk_is_said_and_rows_wait_until_there_is_room(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	struct store_stats s;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_n(&b, 0, 100);
	box_flush(&b);
	bad_disk_fail(0, 1, 1000000, SQLITE_FULL);
	put_n(&b, 100, 500);
	assert_int_equal(store_flush(b.st, 300, &e), -ERR_IO);
	assert_non_null(strstr(e.text, "the disk is full"));
	store_stats(b.st, &s);
	assert_true(s.failing);
	assert_int_equal(s.inbox_rows, 1000);
	assert_int_equal(store_write(b.st, change_meta, NULL, &e),
			 -ERR_FULL); /* a no, not a wait */
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 100);
	bad_disk_well();
	box_flush(&b);
	store_stats(b.st, &s);
	assert_false(s.failing);
	holds_exactly(&b, 600);
	assert_int_equal(store_write(b.st, change_meta, NULL, &e), 0);
	box_free(&b);
}

static uint32_t dice_state = 1;
static unsigned dice(void)
{
	dice_state = dice_state * 1664525u + 1013904223u;
	return dice_state >> 16;
}

/* After each flush the power may go: what was flushed must be there, whatever part of the
 * rest is. */
static void a_power_cut_takes_nothing_that_was_flushed(void **state)
{
	(void)state;
	struct box b, after;
	uint32_t flushed = 0;
	bad_disk_well();
	bad_disk_remember(1);
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (int round = 0; round < 30; round++) {
		uint32_t n = 1 + dice() % 4000;
		put_n(&b, flushed, n);
		box_flush(&b);
		flushed += n;
		put_n(&b, flushed, 50); /* under way: may be there or not */
		box_new(&after);
		bad_disk_cut(b.path, after.path, dice);
		box_flush(&b);
		flushed += 50;
		bad_disk_well();
		box_open(&after);
		int64_t there = box_number(&after, "SELECT rows FROM part WHERE record='tiny'");
		if (there + 50 < flushed || there > flushed)
			fail_msg("round %d: %lld rows there, %u flushed", round,
				 (long long)there, flushed - 50);
		assert_int_equal(box_number(&after, "SELECT count(*) FROM tiny_20261122"),
				 there);
		assert_int_equal(box_number(&after,
					    "SELECT count(DISTINCT note) FROM tiny_20261122"),
				 there);
		int64_t flows = box_number(&after, "SELECT count(*) FROM flow_20261122");
		assert_int_equal(
			box_number(&after,
				   "SELECT sum(bytes_out) FROM rollup_minute WHERE dim=0"),
			10 * flows);
		box_check_integrity(&after);
		box_free(&after);
	}
	bad_disk_remember(0);
	box_free(&b);
}

static int set_up(void **state)
{
	(void)state;
	bad_disk_register();
	if (!getenv("LOUD"))
		log_set_sink(count_line, NULL); /* hundreds of expected complaints */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_write_may_fail_and_nothing_is_lost),
		cmocka_unit_test(any_fsync_may_fail_and_nothing_is_lost),
		cmocka_unit_test(any_write_may_find_the_disk_full_and_nothing_is_lost),
		cmocka_unit_test(a_full_disk_is_said_and_rows_wait_until_there_is_room),
		cmocka_unit_test(a_power_cut_takes_nothing_that_was_flushed),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
