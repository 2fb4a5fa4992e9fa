/* Time as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/err.h"

#define S(n) (INT64_C(n) * NS_PER_S)

static const struct {
	int64_t ns;
	const char *text;
} times[] = {
	{ 0, "1970-01-01T00:00:00Z" },
	{ -1, "1969-12-31T23:59:59.999999999Z" },
	{ S(1795356306), "2026-11-22T14:05:06Z" },
	{ S(1795356306) + 123000000, "2026-11-22T14:05:06.123Z" },
	{ S(1795356306) + 123456000, "2026-11-22T14:05:06.123456Z" },
	{ S(1795356306) + 123456789, "2026-11-22T14:05:06.123456789Z" },
	{ S(1795356306) + 1, "2026-11-22T14:05:06.000000001Z" },
	{ S(951782400), "2000-02-29T00:00:00Z" },
	{ S(4107542400), "2100-03-01T00:00:00Z" },
	{ INT64_MAX, "2262-04-11T23:47:16.854775807Z" },
	{ INT64_MIN + 145224192, "1677-09-21T00:12:43.290448384Z" },
};

static void times_are_written_with_the_fewest_digits_that_lose_nothing(void **state)
{
	(void)state;
	char text[CLOCK_RFC3339_MAX];
	for (size_t i = 0; i + 1 < ARRAY_LEN(times); i++) {
		clock_rfc3339(times[i].ns, text);
		assert_string_equal(text, times[i].text);
	}
}

static void what_was_written_reads_back(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < ARRAY_LEN(times); i++) {
		int64_t ns = 7;
		assert_int_equal(clock_parse_rfc3339(str_of(times[i].text), &ns), 0);
		assert_true(ns == times[i].ns);
	}
}

static void offsets_are_understood_and_shown(void **state)
{
	(void)state;
	static const char *const same[] = {
		"2026-11-22T23:05:06+09:00", "2026-11-22T14:05:06Z",
		"2026-11-22t14:05:06z",      "2026-11-22 14:05:06Z",
		"2026-11-22T10:35:06-03:30", "2026-11-22T14:05:06.0000000000001Z",
	};
	char text[CLOCK_RFC3339_MAX];
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		int64_t ns = 0;
		assert_int_equal(clock_parse_rfc3339(str_of(same[i]), &ns), 0);
		assert_true(ns == S(1795356306));
	}
	clock_rfc3339_at(S(1795356306), 9 * 60, text);
	assert_string_equal(text, "2026-11-22T23:05:06+09:00");
	clock_rfc3339_at(S(1795356306), -210, text);
	assert_string_equal(text, "2026-11-22T10:35:06-03:30");
	clock_rfc3339_at(S(1795356306) + 123456789, 9 * 60, text);
	assert_string_equal(text, "2026-11-22T23:05:06.123456789+09:00");
	clock_rfc3339_at(INT64_MAX, 23 * 60, text);
	assert_string_equal(text, "2262-04-12T22:47:16.854775807+23:00");
}

static void a_bare_date_is_its_midnight(void **state)
{
	(void)state;
	int64_t ns = 0;
	assert_int_equal(clock_parse_rfc3339(STR("2026-11-22"), &ns), 0);
	assert_true(ns == S(1795305600));
}

static void a_leap_second_is_the_next_one(void **state)
{
	(void)state;
	int64_t ns = 0;
	assert_int_equal(clock_parse_rfc3339(STR("2016-12-31T23:59:60Z"), &ns), 0);
	assert_true(ns == S(1483228800));
}

static void what_is_no_time_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"2026",
		"2026-13-01",
		"2026-00-01",
		"2026-02-29",
		"2026-04-31",
		"2026-11-22T",
		"2026-11-22T14:05",
		"2026-11-22T14:05:06",
		"2026-11-22T24:00:00Z",
		"2026-11-22T14:60:06Z",
		"2026-11-22T14:05:61Z",
		"2026-11-22T14:05:06.Z",
		"2026-11-22T14:05:06+0900",
		"2026-11-22T14:05:06+24:00",
		"2026-11-22T14:05:06Zx",
		" 2026-11-22",
		"2026-11-22 ",
		"1500-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z",
		"+026-11-22",
		"2026-1-22",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t ns = 42;
		assert_int_equal(clock_parse_rfc3339(str_of(bad[i]), &ns), -ERR_INVALID);
		assert_true(ns == 42);
	}
	int64_t ns = 42;
	assert_int_equal(clock_parse_rfc3339(STR_NULL, &ns), -ERR_INVALID);
}

static void every_prefix_of_a_time_is_safe(void **state)
{
	(void)state;
	struct str whole = STR("2026-11-22T23:05:06.123456789+09:00");
	for (size_t n = 0; n < whole.n; n++) {
		char *exact = malloc(n + 1); /* so that ASan sees a byte too far */
		int64_t ns;
		memcpy(exact, whole.p, n);
		int rc = clock_parse_rfc3339(str_n(exact, n), &ns);
		assert_int_equal(rc, n == 10 ? 0 : -ERR_INVALID);
		free(exact);
	}
}

static void people_may_say_two_hours_ago(void **state)
{
	(void)state;
	const int64_t now = S(1795356306);
	static const struct {
		const char *text;
		int64_t back;
	} cases[] = { { "now", 0 },
		      { "-2h", S(7200) },
		      { "-7d", S(604800) },
		      { "-30m", S(1800) },
		      { "-90s", S(90) } };
	int64_t ns;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(clock_parse_when(str_of(cases[i].text), now, &ns), 0);
		assert_true(ns == now - cases[i].back);
	}
	assert_int_equal(clock_parse_when(STR("2026-11-22T14:05:06Z"), 0, &ns), 0);
	assert_true(ns == now);
	assert_int_equal(clock_parse_when(STR("-"), now, &ns), -ERR_INVALID);
	assert_int_equal(clock_parse_when(STR("-2"), now, &ns), -ERR_INVALID);
	assert_int_equal(clock_parse_when(STR("yesterday"), now, &ns), -ERR_INVALID);
	assert_int_equal(clock_parse_when(STR("-106751d"), INT64_MIN + 5, &ns), -ERR_RANGE);
	assert_int_equal(clock_parse_when(STR_NULL, now, &ns), -ERR_INVALID);
}

static void days_are_civil_days_of_utc(void **state)
{
	(void)state;
	assert_int_equal(clock_day(S(1795356306)), 20261122);
	assert_int_equal(clock_day(0), 19700101);
	assert_int_equal(clock_day(-1), 19691231);
	assert_true(clock_day_start(20261122) == S(1795305600));
	for (int64_t day = -100000; day < 106000; day += 13) {
		int64_t ns = day * S(86400);
		assert_true(clock_day_start(clock_day(ns)) == ns);
		assert_int_equal(clock_day(ns + S(86400) - 1), clock_day(ns));
	}
	assert_true(clock_day_start(99991231) == INT64_MAX);
	assert_true(clock_day_start(10101) == INT64_MIN);
}

/* The C library's calendar as the second opinion; gmtime_r is fine in a test. */
static void dates_agree_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t s = -9000000000; s < 9000000000; s += 86413 * 7) {
		char ours[CLOCK_RFC3339_MAX], theirs[64];
		time_t t = (time_t)s;
		struct tm tm;
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
		clock_rfc3339(s * NS_PER_S, ours);
		assert_string_equal(ours, theirs);
	}
}

static void tests_and_replay_may_set_the_clock(void **state)
{
	(void)state;
	clock_fix(S(1795356306));
	assert_true(clock_now_ns() == S(1795356306));
	clock_fix(0);
	assert_true(clock_now_ns() > S(1700000000));
	int64_t a = clock_mono_ns(), b = clock_mono_ns();
	assert_true(b >= a);
	assert_true(clock_boot_ns() > 0);
	assert_true(clock_thread_cpu_ns() > 0);
	clock_sleep_ms(0);
	clock_sleep_ms(-5);
	clock_sleep_ms(1);
	assert_true(clock_mono_ns() - b >= NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_written_with_the_fewest_digits_that_lose_nothing),
		cmocka_unit_test(what_was_written_reads_back),
		cmocka_unit_test(offsets_are_understood_and_shown),
		cmocka_unit_test(a_bare_date_is_its_midnight),
		cmocka_unit_test(a_leap_second_is_the_next_one),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(every_prefix_of_a_time_is_safe),
		cmocka_unit_test(people_may_say_two_hours_ago),
		cmocka_unit_test(days_are_civil_days_of_utc),
		cmocka_unit_test(dates_agree_with_the_c_library),
		cmocka_unit_test(tests_and_replay_may_set_the_clock),
	};
	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
