/* Headers as they come, and what may be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/net/answer.h"
#include "../../../src/net/words.h"
#include <errno.h>

static struct http_answer take(const char *const *lines, size_t n, int status)
{
	struct http_answer a;
	struct answer_head h;
	http_answer_init(&a);
	answer_head_begin(&h, &a.headers);
	for (size_t i = 0; i < n; i++)
		answer_head_line(&h, str_of(lines[i]), status);
	return a;
}

static void names_are_lower_case_and_values_lose_their_blanks(void **state)
{
	(void)state;
	static const char *const lines[] = { "HTTP/1.1 200 OK\r\n", "ETag:  \"AbC\" \r\n",
					     "X-Amz-Version-Id:v:1\r\n", "Empty:\r\n", "\r\n" };
	struct http_answer a = take(lines, ARRAY_LEN(lines), 200);
	assert_string_equal(a.headers.p, "etag: \"AbC\"\nx-amz-version-id: v:1\nempty: \n");
	assert_true(str_eq(http_answer_header(&a, "x-amz-version-id"), STR("v:1")));
	assert_int_equal(http_answer_header(&a, "empty").n, 0);
	assert_int_equal(http_answer_header(&a, "x-amz-version").n, 0);
	assert_int_equal(http_answer_header(&a, "v").n, 0);
	http_answer_fini(&a);
}

static void nothing_a_server_says_makes_a_header_of_its_own(void **state)
{
	(void)state;
	static const char *const lines[] = { "HTTP/1.1 200 OK\r\n", "A: 1\rx-b: 2\r\n",
					     "no colon\r\n",        ": no name\r\n",
					     "two words: 1\r\n",    "C: 3\r\n",
					     " goes on\r\n",        "\r\n",
					     "X-Trailer: 1\r\n",    "HTTP/1.1 500 no\r\n" };
	struct http_answer a = take(lines, ARRAY_LEN(lines), 200);
	assert_string_equal(a.headers.p, "a: 1 x-b: 2\nc: 3 goes on\n");
	http_answer_fini(&a);
}

static void a_folded_line_with_nothing_before_it_is_nobodys(void **state)
{
	(void)state;
	static const char *const lines[] = { "HTTP/1.1 200 OK\r\n", "\tfolded\r\n",
					     "A: 1\r\n" };
	struct http_answer a = take(lines, ARRAY_LEN(lines), 200);
	assert_string_equal(a.headers.p, "a: 1\n");
	http_answer_fini(&a);
}

static void a_host_is_all_that_words_show_of_an_address(void **state)
{
	(void)state;
	static const struct {
		const char *url, *host;
	} cases[] = { { "https://s3.example:9000/b/k?X=1", "s3.example:9000" },
		      { "https://[2001:db8::1]:1?secret", "[2001:db8::1]:1" },
		      { "https://h", "h" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_request rq = { .method = "GET", .url = cases[i].url };
		assert_null(request_fault(&rq, false));
		assert_true(str_eq(request_host(&rq), str_of(cases[i].host)));
	}
}

static void every_failure_has_words(void **state)
{
	(void)state;
	for (long n = -1; n < 200; n++) {
		assert_true(strlen(words_of_connect(n)) > 20);
		assert_true(strlen(words_of_certificate(n)) > 20);
	}
	assert_non_null(strstr(words_of_connect(ECONNREFUSED), "refuses"));
	assert_non_null(strstr(words_of_certificate(9), "clocks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_lower_case_and_values_lose_their_blanks),
		cmocka_unit_test(nothing_a_server_says_makes_a_header_of_its_own),
		cmocka_unit_test(a_folded_line_with_nothing_before_it_is_nobodys),
		cmocka_unit_test(a_host_is_all_that_words_show_of_an_address),
		cmocka_unit_test(every_failure_has_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
