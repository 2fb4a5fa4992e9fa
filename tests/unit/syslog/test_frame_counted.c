/* Octet counting of messages that have lost their "<189>" on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../../src/syslog/frame.h"

static const char two[] = "24 date=2026-11-23 type=eve24 CEF:0|Fortinet|Fortigate";
static const char lines[] =
	"2018 Apr 09 16:03:11 a relay's header\n5 packets dropped\n123 date=x\n";

/* All messages of text, given in pieces of so many bytes, with a bar behind each. */
static void read_all(const char *text, size_t n, size_t piece, char *out, size_t room)
{
	struct frame_pool pool = { .max = 1 << 20 };
	struct frame f = { 0 };
	struct frame_line line;
	uint64_t skipped = 0;
	size_t used = 0;
	for (size_t at = 0; at < n; at += piece) {
		struct str in = str_n(text + at, n - at < piece ? n - at : piece);
		while (frame_next(&f, &pool, &in, &line, &skipped))
			used += (size_t)snprintf(out + used, room - used, "%.*s|",
						 (int)line.line.n, line.line.p);
	}
	if (frame_end(&f, &pool, &line))
		(void)snprintf(out + used, room - used, "%.*s|", (int)line.line.n, line.line.p);
	frame_fini(&f, &pool);
}

static void a_number_before_a_message_without_priority_is_its_length(void **state)
{
	char out[256] = "";
	(void)state;
	read_all(two, sizeof(two) - 1, sizeof(two), out, sizeof(out));
	assert_string_equal(out, "date=2026-11-23 type=eve|CEF:0|Fortinet|Fortigate|");
	for (size_t piece = 8; piece < sizeof(two); piece++) {
		out[0] = '\0';
		read_all(two, sizeof(two) - 1, piece, out, sizeof(out));
		assert_string_equal(out, "date=2026-11-23 type=eve|CEF:0|Fortinet|Fortigate|");
	}
}

static void a_number_that_begins_a_sentence_is_no_length(void **state)
{
	char out[256] = "";
	(void)state;
	read_all(lines, sizeof(lines) - 1, sizeof(lines), out, sizeof(out));
	assert_string_equal(
		out, "2018 Apr 09 16:03:11 a relay's header|5 packets dropped|123 date=x|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_before_a_message_without_priority_is_its_length),
		cmocka_unit_test(a_number_that_begins_a_sentence_is_no_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
