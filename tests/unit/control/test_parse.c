/* Heads of local requests: what is understood, what is refused, and every prefix of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../../../src/control/local.h"

static struct control_head h;

static int parse(const char *text)
{
	return control_parse(str_of(text), &h);
}

static void curl_and_people_are_understood(void **state)
{
	(void)state;
	assert_int_equal(
		parse("GET /api/v1/flows?limit=3&host=10.0.0.1 HTTP/1.1\r\nHost: local\r\nAccept: */*"),
		0);
	assert_true(str_eq(h.method, STR("GET")));
	assert_true(str_eq(h.path, STR("/api/v1/flows")));
	assert_true(str_eq(h.query, STR("limit=3&host=10.0.0.1")));
	assert_int_equal(h.body_bytes, 0);
	assert_string_equal(h.lang, "en");
	assert_int_equal(parse("GET /metrics"), 0);
	assert_int_equal(
		parse("POST /x HTTP/1.0\ncontent-length: 12\naccept-language: ja-JP\nif-match: \"abc\""),
		0);
	assert_int_equal(h.body_bytes, 12);
	assert_string_equal(h.lang, "ja");
	assert_true(str_eq(h.etag, STR("abc")));
}

static void what_is_not_understood_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"GET",
		"GET ",
		"GET x",
		"get /",
		"GET /a b HTTP/1.1",
		"GET / HTTP/2",
		"GET / HTTP/1.1 x",
		"GET /\x01",
		"GET /\xe3\x81\x82",
		"/ GET",
		"GET / HTTP/1.1\r\nno colon",
		"GET / HTTP/1.1\r\n: x",
		"GET / HTTP/1.1\r\nContent-Length: -1",
		"GET / HTTP/1.1\r\nContent-Length: 1x",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked",
		"ABCDEFGHIJK /",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse(bad[i]), -ERR_INVALID);
	assert_int_equal(parse("PUT / HTTP/1.1\r\nContent-Length: 1048577"), -ERR_RANGE);
}

static void every_prefix_of_a_good_head_is_survived(void **state)
{
	static const char good[] =
		"POST /api/v1/users/a/password HTTP/1.1\r\nHost: local\r\nContent-Length: 20\r\n"
		"Accept-Language: ja\r\nIf-Match: \"x\"\r\n\r\n";
	(void)state;
	for (size_t n = 0; n < sizeof(good); n++) {
		char *copy = malloc(n + 1); /* so that a sanitizer sees a step too far */
		assert_non_null(copy);
		memcpy(copy, good, n);
		int rc = control_parse(str_n(copy, n), &h); /* either way: no step too far */
		assert_true(rc <= 0);
		assert_int_equal(control_head_end(str_n(copy, n)),
				 n == sizeof(good) - 1 ? n : 0);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(curl_and_people_are_understood),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(every_prefix_of_a_good_head_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
