/* Retention by age and by space: whole days, oldest first, never the newest, never by a wrong
 * clock. */
#include "tiny.h"

#include "../../../src/store/inside.h"
#include "../../../src/store/sqlite.h"

static const int64_t day_ns = INT64_C(86400) * NS_PER_S;

/* Rows of the days before and up to noon of 2026-11-22, each stored when it was noon of its
 * day. */
static void put_days(struct box *b, int days, uint32_t rows)
{
	for (int d = days - 1; d >= 0; d--) {
		clock_fix(tiny_noon_ns - d * day_ns);
		for (uint32_t i = 0; i < rows; i++) {
			struct tiny t = tiny_row(tiny_noon_ns - d * day_ns + i, i);
			box_put(b, &tiny_record, &t);
		}
		box_flush(b);
	}
}

static int64_t days_there(struct box *b)
{
	return box_number(b, "SELECT count(*) FROM part WHERE dropping=0");
}
static int64_t tables_there(struct box *b)
{
	return box_number(
		b,
		"SELECT count(*) FROM sqlite_schema WHERE name GLOB 'tiny_????????*' AND type='table'");
}

/* Retention's steps, here instead of on the store thread. */
static int run_steps(struct box *b)
{
	int n = 0;
	while (retain_step(b->st))
		n++;
	return n;
}

static void fill(struct box *b, int days, uint32_t rows)
{
	box_new(b);
	clock_fix(tiny_noon_ns - days * day_ns);
	box_open(b);
	box_start(b);
	put_days(b, days, rows);
	box_close(b);
}

static void days_older_than_retention_are_dropped_whole(void **state)
{
	(void)state;
	struct box b;
	fill(&b, 10, 20000);
	b.conf.retention_ns = 5 * day_ns;
	box_open(&b);
	assert_true(run_steps(&b) > 10);
	assert_int_equal(days_there(&b), 6);
	assert_int_equal(tables_there(&b), 6 * 5);
	assert_int_equal(box_number(&b, "SELECT min(day) FROM part"), 20261117);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 20000);
	box_check_integrity(&b);
	box_free(&b);
	clock_fix(0);
}

static void no_retention_keeps_everything(void **state)
{
	(void)state;
	struct box b;
	fill(&b, 3, 10);
	clock_fix(tiny_noon_ns + 10 * day_ns);
	box_open(&b);
	run_steps(&b);
	assert_int_equal(days_there(&b), 3);
	box_free(&b);
	clock_fix(0);
}

static void a_day_half_dropped_is_dropped_after_a_restart(void **state)
{
	(void)state;
	struct box b;
	fill(&b, 3, 20000);
	b.conf.retention_ns = day_ns + day_ns / 2;
	box_open(&b);
	assert_true(retain_step(b.st)); /* chosen and marked */
	assert_true(retain_step(b.st)); /* the first rows */
	assert_int_equal(days_there(&b), 2);
	box_close(&b);
	b.conf.retention_ns = 0;
	box_open(&b);
	run_steps(&b);
	assert_int_equal(tables_there(&b), 2 * 5);
	box_check_integrity(&b);
	box_free(&b);
	clock_fix(0);
}

static void a_late_row_takes_its_day_back(void **state)
{
	(void)state;
	struct box b;
	fill(&b, 3, 20000);
	b.conf.retention_ns = day_ns + day_ns / 2;
	box_open(&b);
	assert_true(retain_step(b.st));
	assert_true(retain_step(b.st));
	b.st->conf.retention_ns = 0;
	box_start(&b);
	struct tiny t = tiny_row(tiny_noon_ns - 2 * day_ns + 5, 77);
	box_put(&b, &tiny_record, &t);
	box_flush(&b);
	assert_int_equal(days_there(&b), 3);
	assert_int_equal(
		box_number(
			&b,
			"SELECT rows=(SELECT count(*) FROM tiny_20261120) FROM part WHERE day=20261120"),
		1);
	assert_true(box_number(&b, "SELECT rows FROM part WHERE day=20261120") > 1);
	box_check_integrity(&b);
	box_free(&b);
	clock_fix(0);
}

static void the_disk_budget_takes_the_oldest_days_and_never_the_newest(void **state)
{
	(void)state;
	struct box b;
	fill(&b, 5, 20000);
	int64_t size = 0;
	char file[128];
	(void)snprintf(file, sizeof(file), "%s/tomsd.db", b.path);
	size = file_size(file);
	b.conf.disk_limit = (uint64_t)size / 2;
	box_open(&b);
	run_steps(&b);
	assert_int_equal(days_there(&b), 2);
	assert_int_equal(box_number(&b, "SELECT max(day) FROM part"), 20261122);
	box_start(&b);
	box_close(&b);                            /* with its checkpoint */
	assert_true(file_size(file) <= size / 2); /* the file was cut */
	b.conf.disk_limit = 4096;
	box_open(&b);
	run_steps(&b);
	assert_int_equal(days_there(&b), 1);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 20000);
	box_check_integrity(&b);
	box_free(&b);
	clock_fix(0);
}

static void a_clock_that_jumps_does_not_empty_the_store(void **state)
{
	(void)state;
	struct box b;
	fill(&b, 5, 100);
	b.conf.retention_ns = 2 * day_ns;
	clock_fix(tiny_noon_ns + 3650 * day_ns); /* ten years ahead at the start */
	box_open(&b);
	run_steps(&b);
	assert_int_equal(days_there(&b), 5);
	box_close(&b);
	clock_fix(tiny_noon_ns - 4 * day_ns); /* right at the start, jumping later */
	b.conf.retention_ns = 30 * day_ns;
	box_open(&b);
	run_steps(&b);
	clock_fix(tiny_noon_ns + 3650 * day_ns);
	b.st->retain.next_look_mono_ns = 0;
	run_steps(&b);
	assert_int_equal(days_there(&b), 5);
	box_free(&b);
	clock_fix(0);
}

static void an_imported_capture_of_last_year_stays_for_its_time(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	clock_fix(tiny_noon_ns);
	b.conf.retention_ns = 30 * day_ns;
	box_open(&b);
	box_start(&b);
	struct tiny t = tiny_row(tiny_noon_ns - 365 * day_ns, 1);
	box_put(&b, &tiny_record, &t);
	t = tiny_row(tiny_noon_ns, 2);
	box_put(&b, &tiny_record, &t);
	box_flush(&b);
	box_close(&b);
	box_open(&b);
	run_steps(&b);
	assert_int_equal(days_there(&b), 2);
	box_free(&b);
	clock_fix(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_older_than_retention_are_dropped_whole),
		cmocka_unit_test(no_retention_keeps_everything),
		cmocka_unit_test(a_day_half_dropped_is_dropped_after_a_restart),
		cmocka_unit_test(a_late_row_takes_its_day_back),
		cmocka_unit_test(the_disk_budget_takes_the_oldest_days_and_never_the_newest),
		cmocka_unit_test(a_clock_that_jumps_does_not_empty_the_store),
		cmocka_unit_test(an_imported_capture_of_last_year_stays_for_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
