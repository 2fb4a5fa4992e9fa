/* Bad days: refused writes and fsyncs, a full disk, power cuts. Nothing acknowledged is lost,
 * nothing is stored twice, the database stays whole. */
#include "logs.h"

#include "bad_disk.h"
#include "tomsd/base/log.h"

/* Log lines in packs: every other row of put_n has one beside it. */
static void put_log(struct box *b, uint32_t i)
{
	union gen_log line;
	gen_log_number(i / 2, tiny_noon_ns, &line);
	box_put(b, &log_record, &line);
}

static int is_as_put(void *arg, const void *row)
{
	const struct log *have = row;
	union gen_log want;
	uint32_t *n = arg;
	gen_log_number((*n)++, tiny_noon_ns, &want);
	want.row.id = have->id;
	assert_int_equal(have->line_n, want.row.line_n);
	assert_memory_equal(have, &want, record_bytes(&log_record, have));
	return 0;
}

/* As many lines as these, the first ones put, byte for byte. */
static uint32_t count_logs(struct box *b)
{
	struct query q = { .record = &log_record, .until_ns = INT64_MAX, .sort = QUERY_OLDEST };
	struct query_page_info info;
	struct err e = ERR_INIT;
	uint32_t n = 0;
	if (store_query(b->st, &q, 0, 0, is_as_put, &n, &info, &e))
		fail_msg("%s", e.text);
	assert_int_equal(box_number(b, "SELECT sum(n) FROM log_20261122"), n);
	assert_int_equal(box_number(b, "SELECT rows FROM part WHERE record='log'"), n);
	return n;
}

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
		if (i % 2 == 0)
			put_log(b, i);
	}
}

/* The same in many small commits, so that packs are put together in between. */
static void put_in_small_commits(struct box *b, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i += 18) {
		put_n(b, i, n - (i - from) < 18 ? n - (i - from) : 18);
		box_flush(b);
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
	assert_int_equal(count_logs(b), (n + 1) / 2);
	box_check_integrity(b);
}

/* The n-th call fails, for n = 1, 2, 3 ... until a run in which it does not come to that. */
static void every_call_may_fail(int sync, int error)
{
	const uint32_t small = 612; /* 34 packs of 9 lines */
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
		put_in_small_commits(&b, 600, small);
		int failed = bad_disk_failed();
		bad_disk_well();
		holds_exactly(&b, 600 + small);
		if (!failed) /* packs were put together in between */
			assert_true(box_number(&b, "SELECT count(*) FROM log_20261122") < 30);
		box_again(&b);
		holds_exactly(&b, 600 + small);
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
	assert_int_equal(s.inbox_rows, 1250);
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
		if (round % 3 == 2)
			put_in_small_commits(&b, flushed, n = 1 + n / 8);
		else
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
		int64_t logs = count_logs(&after);
		if (logs < (flushed - 50 + 1) / 2 || logs > (flushed + 1) / 2)
			fail_msg("round %d: %lld lines there, %u rows flushed", round,
				 (long long)logs, flushed - 50);
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
