/* When it happened: the device's own time, whatever it is written in. */
#include "line_case.h"

#define T INT64_C(1795323906) /* 2026-11-22T05:05:06Z */

static int64_t parsed(const char *text)
{
	int64_t ns = 0;

	assert_int_equal(clock_parse_rfc3339(str_of(text), &ns), 0);
	return ns;
}

static void eventtime_counts_in_seconds_to_nanoseconds_by_its_size(void **state)
{
	static const struct {
		const char *eventtime;
		int64_t ns;
		unsigned unit;
	} cases[] = {
		{ "1795323906", T * NS_PER_S, 1 },
		{ "\"1795323906\"", T * NS_PER_S, 1 },
		{ "1795323906123", T * NS_PER_S + 123 * NS_PER_MS, 2 },
		{ "1795323906123456", T * NS_PER_S + 123456 * NS_PER_US, 3 },
		{ "\"1795323906123456789\"", T * NS_PER_S + 123456789, 4 },
		{ "946684800", INT64_C(946684800) * NS_PER_S, 1 },
		{ "4102444799999999999", INT64_C(4102444799999999999), 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[256];

		(void)snprintf(
			line, sizeof(line),
			"date=2026-11-22 time=10:00:00 tz=\"+0900\" logid=1 eventtime=%s",
			cases[i].eventtime);
		take_text(line);
		assert_int_equal(when.clock, LINE_CLOCK_UTC);
		assert_int_equal(when.ns, cases[i].ns);
		assert_int_equal(when.unit, cases[i].unit);
	}
}

static void an_eventtime_of_no_age_gives_way_to_date_and_time(void **state)
{
	static const char *const bad[] = {
		"0", "1",           "946684799",   "4102444800", "99999999999999999999",
		"x", "-1795323906", "179532390.6", "\"\""
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char line[256];

		(void)snprintf(
			line, sizeof(line),
			"date=2026-11-22 time=14:05:06 tz=\"+0900\" logid=1 eventtime=%s",
			bad[i]);
		take_text(line);
		assert_int_equal(when.clock, LINE_CLOCK_UTC);
		assert_int_equal(when.ns, T * NS_PER_S);
		assert_int_equal(when.unit, 0);
	}
}

static void zones_are_spelt_in_many_ways(void **state)
{
	static const struct {
		const char *tz;
		int64_t seconds;
	} zones[] = { { "+0900", 32400 },    { "-0700", -25200 },   { "+09:00", 32400 },
		      { "UTC+9", 32400 },    { "UTC+9:00", 32400 }, { "UTC-3:30", -12600 },
		      { "GMT+5:45", 20700 }, { "+9", 32400 },       { "Z", 0 },
		      { "UTC", 0 },          { "+0000", 0 },        { "utc+2", 7200 } };
	static const char *const bad[] = { "",  "JST",  "+25:00", "+0960",
					   "+", "UTC+", "+09:0x", "bad" };
	char line[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		(void)snprintf(line, sizeof(line),
			       "date=2026-11-22 time=14:05:06 tz=\"%s\" logid=1", zones[i].tz);
		take_text(line);
		assert_int_equal(when.clock, LINE_CLOCK_UTC);
		assert_int_equal(when.ns, (T + 32400 - zones[i].seconds) * NS_PER_S);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(line, sizeof(line),
			       "date=2026-11-22 time=14:05:06 tz=\"%s\" logid=1", bad[i]);
		take_text(line);
		assert_int_equal(when.clock, LINE_CLOCK_LOCAL);
	}
}

static void a_date_that_is_none_costs_the_line_nothing_else(void **state)
{
	static const char *const bad[] = {
		"date=2026-02-30 time=10:00:00", "date=bad time=bad",
		"date=2026-13-01 time=1:1:1",    "date=2026-11-22 time=25:00:00",
		"date=2026-11-22 time=",         "time=10:00:00"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char line[256];

		(void)snprintf(
			line, sizeof(line),
			"%s logid=1 srcip=192.0.2.1 timestamp=1795323906 itime=1795323906",
			bad[i]);
		take_text(line);
		assert_int_equal(when.clock, LINE_CLOCK_NONE);
		assert_int_equal(row->flags & LOG_NO_TIME, LOG_NO_TIME);
		assert_int_equal(row->at_ns, RECEIVED_NS);
		assert_int_equal(row->device_ns, 0);
		assert_member("source.ip", "192.0.2.1");
	}
}

static void a_header_tells_the_time_where_the_fields_do_not(void **state)
{
	(void)state;
	take_text("<189>1 2026-11-22T14:05:06.123+09:00 fw1 - - - - logid=1 devid=F");
	assert_int_equal(when.ns, T * NS_PER_S + 123 * NS_PER_MS);
	assert_int_equal(when.clock, LINE_CLOCK_UTC);
	take_text("Nov 22 10:00:00 relay date=2026-11-22 time=14:05:06 tz=\"+0900\" logid=1");
	assert_int_equal(when.ns, T * NS_PER_S);
	/* a stamp without a year is of the year nearest to now */
	take_text("<13>Nov 22 14:05:06 pc1 text");
	assert_true(when.no_year);
	assert_int_equal(row->device_ns, T * NS_PER_S);
	assert_int_equal(row->flags, LOG_NO_ZONE);
	take_text("<13>Nov 22 2025 14:05:06 pc1 text");
	assert_int_equal(row->device_ns, parsed("2025-11-22T05:05:06Z"));
	assert_int_equal(row->flags, LOG_NO_ZONE | LOG_TIME_DOUBTFUL);
	assert_int_equal(row->at_ns, RECEIVED_NS);
}

static void the_turn_of_a_year_is_crossed_both_ways(void **state)
{
	struct line_time t;
	struct log *g = calloc(1, sizeof(*g));
	int64_t new_year = parsed("2027-01-01T00:00:05Z"),
		old_year = parsed("2026-12-31T23:59:58Z");

	(void)state;
	take_text("<13>Dec 31 23:59:59 pc1 text");
	t = when;
	line_set_time(g, &t, 0, new_year, NS_PER_S * 86400);
	assert_int_equal(g->device_ns, parsed("2026-12-31T23:59:59Z"));
	take_text("<13>Jan  1 00:00:01 pc1 text");
	t = when;
	line_set_time(g, &t, 0, old_year, NS_PER_S * 86400);
	assert_int_equal(g->device_ns, parsed("2027-01-01T00:00:01Z"));
	/* days behind February, in years with and without a 29th */
	take_text("<13>Mar  1 00:00:01 pc1 text");
	line_set_time(g, &when, 0, parsed("2027-03-01T00:00:05Z"), NS_PER_S * 86400);
	assert_int_equal(g->device_ns, parsed("2027-03-01T00:00:01Z"));
	line_set_time(g, &when, 0, parsed("2028-03-01T00:00:05Z"), NS_PER_S * 86400);
	assert_int_equal(g->device_ns, parsed("2028-03-01T00:00:01Z"));
	take_text("<13>Feb 29 00:00:01 pc1 text");
	line_set_time(g, &when, 0, parsed("2028-02-29T00:00:05Z"), NS_PER_S * 86400);
	assert_int_equal(g->device_ns, parsed("2028-02-29T00:00:01Z"));
	free(g);
}

static void a_row_is_filed_by_the_device_only_where_its_clock_is_plausible(void **state)
{
	struct log *g = calloc(1, sizeof(*g));
	struct line_time t = { .clock = LINE_CLOCK_UTC };

	(void)state;
	for (int64_t ahead_s = -100; ahead_s <= 700; ahead_s += 50) {
		t.ns = RECEIVED_NS + ahead_s * NS_PER_S;
		g->flags = LOG_TEST | LOG_NO_TIME;
		line_set_time(g, &t, 0, RECEIVED_NS, 60 * NS_PER_S);
		assert_int_equal(g->device_ns, t.ns);
		assert_int_equal(g->created_ns, RECEIVED_NS);
		if (ahead_s >= -60 && ahead_s <= 600) {
			assert_int_equal(g->at_ns, t.ns);
			assert_int_equal(g->flags, LOG_TEST);
		} else {
			assert_int_equal(g->at_ns, RECEIVED_NS);
			assert_int_equal(g->flags, LOG_TEST | LOG_TIME_DOUBTFUL);
		}
	}
	t = (struct line_time){ .ns = RECEIVED_NS + 32400 * NS_PER_S,
				.clock = LINE_CLOCK_LOCAL };
	line_set_time(g, &t, 32400, RECEIVED_NS, 60 * NS_PER_S);
	assert_int_equal(g->device_ns, RECEIVED_NS);
	assert_true(g->flags & LOG_NO_ZONE);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eventtime_counts_in_seconds_to_nanoseconds_by_its_size),
		cmocka_unit_test(an_eventtime_of_no_age_gives_way_to_date_and_time),
		cmocka_unit_test(zones_are_spelt_in_many_ways),
		cmocka_unit_test(a_date_that_is_none_costs_the_line_nothing_else),
		cmocka_unit_test(a_header_tells_the_time_where_the_fields_do_not),
		cmocka_unit_test(the_turn_of_a_year_is_crossed_both_ways),
		cmocka_unit_test(
			a_row_is_filed_by_the_device_only_where_its_clock_is_plausible),
	};

	return cmocka_run_group_tests_name("times of lines", tests, NULL, drop_row);
}
