/* Log lines: one line each, limited per call site, outside text quoted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/base/str.h"

static char seen[64][2100];
static enum log_level levels[64];
static size_t n_seen;

static void keep(enum log_level lv, const char *line, void *arg)
{
	(void)arg;
	assert_true(n_seen < ARRAY_LEN(seen));
	levels[n_seen] = lv;
	(void)snprintf(seen[n_seen++], sizeof(seen[0]), "%s", line);
}

static int setup(void **state)
{
	(void)state;
	n_seen = 0;
	log_set_level(LOG_LV_INFO);
	log_set_sink(keep, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_set_sink(NULL, NULL);
	return 0;
}

static void a_line_names_its_room(void **state)
{
	(void)state;
	log_warning("store", "commit slow rows=%d ms=%d", 4096, 812);
	assert_int_equal(n_seen, 1);
	assert_string_equal(seen[0], "store: commit slow rows=4096 ms=812");
	assert_int_equal(levels[0], LOG_LV_WARNING);
}

static void debug_lines_are_off_until_asked_for(void **state)
{
	(void)state;
	log_debug("flow", "quiet");
	assert_int_equal(n_seen, 0);
	log_set_level(LOG_LV_DEBUG);
	log_debug("flow", "loud");
	assert_int_equal(n_seen, 1);
	log_set_level(LOG_LV_ERR);
	log_warning("flow", "quiet");
	assert_int_equal(n_seen, 1);
}

/* Waits for a fresh second, so that the lines that follow share one. */
static int64_t fresh_second(void)
{
	int64_t was = clock_mono_ns() / NS_PER_S, now;
	while ((now = clock_mono_ns() / NS_PER_S) == was)
		;
	return now;
}

static void say(int i)
{
	log_info("syslog", "line=%d", i);
}

static void a_call_site_is_limited_and_says_what_it_left_out(void **state)
{
	(void)state;
	int64_t second = fresh_second();
	for (int i = 0; i < 25; i++)
		say(i);
	if (clock_mono_ns() / NS_PER_S != second)
		skip(); /* a machine too busy to judge */
	assert_int_equal(n_seen, 10);
	log_info("syslog", "another call site is not held back");
	assert_int_equal(n_seen, 11);
	(void)fresh_second();
	say(25);
	assert_int_equal(n_seen, 12);
	assert_string_equal(seen[11], "syslog: line=25 left_out=15");
}

static void a_line_stays_one_line(void **state)
{
	(void)state;
	log_info("web", "%s", "first\nsecond\x1b[31m\n");
	assert_string_equal(seen[0], "web: first second [31m");
}

static void a_line_has_an_end(void **state)
{
	(void)state;
	char big[5000];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("web", "%s", big);
	assert_true(strlen(seen[0]) > 1900 && strlen(seen[0]) < 2048);
}

static void outside_text_arrives_quoted(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain", "\"plain\"" },
		{ "", "\"\"" },
		{ NULL, "\"\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "two\nlines\t\r", "\"two\\nlines\\t\\r\"" },
		{ "\x01\x7f\xff", "\"\\x01\\x7f\\xff\"" },
		{ "病院", "\"病院\"" },
		{ "\xc2\x85", "\"\\xc2\\x85\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(LOGQ(cases[i].in), cases[i].out);
	assert_string_equal(log_quote("abc", 2), "\"ab\"");
}

static void long_outside_text_is_cut_with_dots(void **state)
{
	(void)state;
	char big[600];
	for (size_t shift = 0; shift < 4; shift++) {
		memset(big, 'a', shift);
		for (size_t n = shift; n + 3 < sizeof(big); n += 3)
			memcpy(big + n, "院", 4);
		struct str q = str_of(LOGQ(big));
		assert_true(q.n < 256 && q.n > 240);
		assert_true(str_ends(q, STR("...\"")));
		assert_true(str_utf8_valid(q));
	}
}

static void eight_quotes_fit_one_line(void **state)
{
	(void)state;
	log_info("x", "%s%s%s%s%s%s%s%s", LOGQ("1"), LOGQ("2"), LOGQ("3"), LOGQ("4"), LOGQ("5"),
		 LOGQ("6"), LOGQ("7"), LOGQ("8"));
	assert_string_equal(seen[0], "x: \"1\"\"2\"\"3\"\"4\"\"5\"\"6\"\"7\"\"8\"");
}

static void journald_gets_the_level_in_front(void **state)
{
	(void)state;
	int ends[2], saved = dup(STDERR_FILENO);
	char got[64] = "";
	log_set_sink(NULL, NULL);
	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_err("store", "disk full");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(ends[1]);
	assert_true(read(ends[0], got, sizeof(got) - 1) > 0);
	close(ends[0]);
	assert_string_equal(got, "<3>store: disk full\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_names_its_room, setup, teardown),
		cmocka_unit_test_setup_teardown(debug_lines_are_off_until_asked_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_call_site_is_limited_and_says_what_it_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_stays_one_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_has_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(outside_text_arrives_quoted, setup, teardown),
		cmocka_unit_test_setup_teardown(long_outside_text_is_cut_with_dots, setup,
						teardown),
		cmocka_unit_test_setup_teardown(eight_quotes_fit_one_line, setup, teardown),
		cmocka_unit_test_setup_teardown(journald_gets_the_level_in_front, setup,
						teardown),
	};
	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
