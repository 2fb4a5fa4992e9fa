/* Headers of syslog as devices and relays write them. */
#include "line_case.h"

#define BODY \
	"date=2026-11-22 time=14:05:06 devname=\"fw1\" devid=\"FG1\" logid=\"0000000013\" type=\"traffic\""

static void fields_are_found_behind_every_kind_of_header(void **state)
{
	static const char *const heads[] = {
		"",
		" ",
		"<189>",
		"<189> ",
		"<189>Nov 22 14:05:06 fw_1 ",
		"<189>Nov  2 14:05:06 ",
		"Nov 22 14:05:06 10.10.10.10 ",
		"<189>Nov 22 2026 14:05:06 fw1 ",
		"<189>Nov 22 14:05:06 2026 fw1 ",
		"2026 Nov 22 14:05:06 mgr->192.0.2.1 ",
		"<189>*Nov 22 14:05:06.123 UTC: fw1 ",
		"2026-04-03T00:31:09.976660+00:00 192.168.2.1 ",
		"2026-04-03 00:31:09 fw1 ",
		"<189>1 2026-11-22T14:05:06.003Z fw_1 - - - - ",
		"<189>1 2026-11-22T14:05:06+09:00 fw_1 app 12 id [a b=\"c\"] ",
		"<189>1 - - - - - - \xef\xbb\xbf",
		"1 2026-11-22T14:05:06Z fw1 - - - - ",
		"<13>Nov 22 14:05:06 relay <189>",
		"fw1 ",
		"192.0.2.1 ",
		"<189>fw1 ",
		"<13>1 2026-11-22T14:05:06Z relay - - - - <189>Nov 22 14:05:06 fw1 ",
		"<189>Nov 22 14:05:06 fw1 fortigate: ",
		"<189>Nov 22 14:05:06 fe80::1 ",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		char line[512];

		(void)snprintf(line, sizeof(line), "%s" BODY "\n", heads[i]);
		take_text(line);
		if (!field("logid") || strcmp(row->serial, "FG1") != 0 ||
		    row->format != LOG_FORMAT_KV)
			fail_msg("not found behind \"%s\"", heads[i]);
		assert_string_equal(row->host, "fw1");
		assert_int_equal(row->kind, LOG_KIND_TRAFFIC);
		assert_int_equal(row->problem, LOG_PROBLEM_NONE);
	}
}

static void the_priority_is_0_to_191_and_all_else_is_text(void **state)
{
	static const struct {
		const char *line;
		int pri;
	} cases[] = { { "<0>x", 0 },     { "<191>x", 191 }, { "<192>x", -1 }, { "<>x", -1 },
		      { "<1234>x", -1 }, { "<007>x", -1 },  { "<-1>x", -1 },  { "<12", -1 },
		      { "<12 >x", -1 },  { "<189>", 189 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		take_text(cases[i].line);
		assert_int_equal(row->pri, cases[i].pri + 1);
		if (cases[i].pri < 0)
			assert_member("message", cases[i].line);
	}
	take_text("<165>" BODY);
	assert_member("log.syslog.priority", "165");
	assert_member("log.syslog.facility.name", "local4");
	assert_member("log.syslog.severity.name", "notice");
	assert_int_equal(row->level, LOG_LEVEL_NOTICE);
}

static void a_device_that_is_no_fortigate_is_plain_syslog(void **state)
{
	(void)state;
	take_text(
		"<34>Oct 11 22:14:15 mymachine su[230]: 'su root' failed for lonvick on /dev/pts/8");
	assert_int_equal(row->kind, LOG_KIND_DEVICE);
	assert_int_equal(row->format, LOG_FORMAT_PLAIN);
	assert_string_equal(row->host, "mymachine");
	assert_string_equal(row->program, "su");
	assert_int_equal(row->level, LOG_LEVEL_CRITICAL);
	assert_member("process.pid", "230");
	assert_member("message", "'su root' failed for lonvick on /dev/pts/8");
	assert_member("log.syslog.facility.name", "auth");
	assert_member("event.dataset", "syslog");
	assert_string_equal(field("host"), "mymachine");
	assert_string_equal(field("app"), "su");
	assert_string_equal(field("message"), "'su root' failed for lonvick on /dev/pts/8");

	take_text(
		"<165>1 2026-10-11T22:14:15.003Z host.example evntslog 8710 ID47 "
		"[ex@32473 iut=\"3\" src=\"App \\\"x\\\" \\]\"][ex2@32473 class=\"high\"] \xef\xbb\xbf"
		"An event");
	assert_int_equal(row->format, LOG_FORMAT_RFC5424);
	assert_int_equal(row->kind, LOG_KIND_DEVICE);
	assert_member("message", "An event");
	assert_member("log.syslog.msgid", "ID47");
	assert_member("log.syslog.version", "1");
	assert_string_equal(field("class"), "high");
	assert_true(addr_is_zero(&row->src)); /* src= of a stranger is not a FortiGate's */

	/* firewalls of others write key=value too: theirs mean something else */
	take_text("<6>Nov 22 14:05:06 gw kernel: IN=eth0 OUT= SRC=192.0.2.1 user=root");
	assert_int_equal(row->kind, LOG_KIND_DEVICE);
	assert_string_equal(row->user, "");
	assert_string_equal(row->program, "kernel");
	assert_member("message", "IN=eth0 OUT= SRC=192.0.2.1 user=root");

	take_text("<30>device=\"SFW\" date=2026-11-22 time=14:05:06 device_id=S1 log_id=0101 "
		  "log_type=\"Firewall\" src_ip=192.0.2.1");
	assert_int_equal(row->kind, LOG_KIND_DEVICE);
	take_text("<13>10:20:30 text with a time in front");
	assert_string_equal(row->program, "");
	take_text("   ");
	assert_int_equal(row->problem, LOG_PROBLEM_EMPTY);
}

static void text_behind_a_header_is_not_taken_for_another_header(void **state)
{
	(void)state;
	take_text("<13>Nov 22 14:05:06 pc1 2026-01-01T00:00:00Z ERROR something");
	assert_string_equal(row->host, "pc1");
	assert_member("message", "2026-01-01T00:00:00Z ERROR something");
	take_text("<13>Nov 22 14:05:06 pc1 1 - 2 items left");
	assert_member("message", "1 - 2 items left");
}

static void a_header_may_end_anywhere(void **state)
{
	(void)state;
	take_prefixes(
		"<165>1 2026-10-11T22:14:15.003Z host.example evntslog 8710 ID47 [a b=\"c\\]\"][d] \xef\xbb\xbf"
		"An event");
	take_prefixes("<34>Oct 11 22:14:15 mymachine su[230]: 'su root' failed");
	take_prefixes(
		"<13>1 2026-11-22T14:05:06Z relay - - - - <189>Nov 22 14:05:06 fw1 " BODY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_behind_every_kind_of_header),
		cmocka_unit_test(the_priority_is_0_to_191_and_all_else_is_text),
		cmocka_unit_test(a_device_that_is_no_fortigate_is_plain_syslog),
		cmocka_unit_test(text_behind_a_header_is_not_taken_for_another_header),
		cmocka_unit_test(a_header_may_end_anywhere),
	};

	return cmocka_run_group_tests_name("headers of lines", tests, NULL, drop_row);
}
