/* Canonical JSON: one set of facts, one row of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tomsd/archive.h"

static void becomes(const char *json, const char *canonical)
{
	struct buf out;
	struct err e = ERR_INIT;
	buf_init(&out, 1 << 20);
	int rc = archive_canonical(str_of(json), &out, &e);
	if (rc)
		fail_msg("%s: %s", json, e.text);
	assert_string_equal(out.p, canonical);
	assert_true(archive_is_canonical(buf_view(&out)));
	assert_int_equal(archive_is_canonical(str_of(json)), strcmp(json, canonical) == 0);
	buf_fini(&out);
}

static void is_refused(struct str json)
{
	struct buf out;
	struct err e = ERR_INIT;
	buf_init(&out, 1 << 20);
	assert_int_not_equal(archive_canonical(json, &out, &e), 0);
	assert_true(e.text[0]);
	assert_int_equal(out.n, 0);
	assert_false(archive_is_canonical(json));
	buf_fini(&out);
}

static void members_are_sorted_and_nothing_stands_between(void **state)
{
	(void)state;
	becomes("{ \"b\" : [ 1 , {\"z\":null,\"y\":true} ] ,\n\"a\":false }",
		"{\"a\":false,\"b\":[1,{\"y\":true,\"z\":null}]}");
	becomes("[]", "[]");
	becomes(" {\t} ", "{}");
	becomes("{\"aa\":1,\"a\":2,\"\":3,\"ab\":4}", "{\"\":3,\"a\":2,\"aa\":1,\"ab\":4}");
	becomes("[[[\"x\"]],{},[]]", "[[[\"x\"]],{},[]]");
}

static void names_are_sorted_by_utf_16_units(void **state)
{
	(void)state;
	/* RFC 8785, section 3.2.3, its own example: but for the name that is escaped there. */
	becomes("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\","
		"\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
		"\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
		"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
		"\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
		"\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
		"\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
	becomes("{\"\xee\x80\x80\":1,\"\xf0\x90\x80\x80\":2,\"\xed\x9f\xbf\":3}",
		"{\"\xed\x9f\xbf\":3,\"\xf0\x90\x80\x80\":2,\"\xee\x80\x80\":1}");
}

static void text_escapes_only_what_it_must(void **state)
{
	(void)state;
	/* RFC 8785, section 3.2.2.2. */
	becomes("\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"",
		"\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"");
	becomes("\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	becomes("\"\\uD83D\\uDE00\"", "\"\xf0\x9f\x98\x80\"");
	becomes("\"\xe6\x9d\xb1\xe4\xba\xac\"", "\"\xe6\x9d\xb1\xe4\xba\xac\"");
}

static void numbers_are_whole_and_exact_in_every_reader(void **state)
{
	(void)state;
	becomes("[0,-0,-1,9007199254740991,-9007199254740991]", "[0,0,-1,9007199254740991,-9007199254740991]");
	static const char *const bad[] = { "9007199254740992", "-9007199254740992", "1.5", "1.0", "1e3", "1E2",
					   "123456789012345678901234567890123456789012345678901234567890", "01", "+1",
					   "- 1", "NaN", "0x10" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		is_refused(str_of(bad[i]));
}

static void what_two_readers_might_take_differently_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"x\":{\"a\":1,\"b\":2,\"a\":1}}", "\"\\u0000\"",
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\\udc00\\ud800\"", "{\"\\ud800\":1}",
		"\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\xaf\"", "\xef\xbb\xbf{}", "", " ", "{\"a\":1}x", "{\"a\":1,}", "[1,]",
		"{a:1}", "'a'", "\"\n\"", "nul", "\"\\q\"", "\"\\u12\"",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		is_refused(str_of(bad[i]));
	is_refused(str_n("\"\0\"", 3));
	is_refused(str_n("{}\0", 3));
}

static void every_prefix_of_a_good_one_is_refused(void **state)
{
	(void)state;
	static const char good[] = "{\"a\":[1,-2,true,null,\"x\\n\xc3\xa9\\ud83d\\ude00\"],\"\\u0062\":{\"c\":{}},\"d\":\"\"}";
	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		char *p = malloc(n ? n : 1); /* of its own, so that a read behind the end shows */
		assert_non_null(p);
		memcpy(p, good, n);
		is_refused(str_n(p, n));
		free(p);
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	char deep[4096];
	memset(deep, '[', sizeof(deep));
	is_refused(str_n(deep, sizeof(deep)));
}

static void a_buffer_too_small_is_said_and_not_half_the_truth(void **state)
{
	(void)state;
	struct buf out;
	struct err e = ERR_INIT;
	buf_init(&out, 4);
	assert_int_equal(archive_canonical(STR("{\"abc\":1}"), &out, &e), -ERR_FULL);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_sorted_and_nothing_stands_between),
		cmocka_unit_test(names_are_sorted_by_utf_16_units),
		cmocka_unit_test(text_escapes_only_what_it_must),
		cmocka_unit_test(numbers_are_whole_and_exact_in_every_reader),
		cmocka_unit_test(what_two_readers_might_take_differently_is_refused),
		cmocka_unit_test(every_prefix_of_a_good_one_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(a_buffer_too_small_is_said_and_not_half_the_truth),
	};
	return cmocka_run_group_tests_name("canonical", tests, NULL, NULL);
}
