/* The gate: what a request's head must be before anybody looks into it. */
#include "../../../src/web/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* "Name: value" lines into a head. */
static struct head head_of(const char *method, const char *target, const char *lines)
{
	struct head h = { .method = str_of(method), .target = str_of(target) };
	struct str left = str_of(lines), line, name;
	while (left.n > 0 && str_split(&left, '\n', &line)) {
		if (!str_split(&line, ':', &name))
			continue;
		if (h.n == GATE_FIELDS_MAX) {
			h.overflow = true;
			break;
		}
		h.fields[h.n++] = (struct field){ name, str_trim(line) };
	}
	return h;
}

static int status_of(const char *method, const char *target, const char *lines)
{
	struct head h = head_of(method, target, lines);
	return gate_head(&h).status;
}

static void plain_requests_pass(void **state)
{
	(void)state;
	assert_int_equal(status_of("GET", "/", "Host: a\nUser-Agent: x\nAccept: */*\n"), 0);
	assert_int_equal(
		status_of("POST", "/x",
			  "Host: a\nContent-Type: application/json\nContent-Length: 1048576\n"),
		0);
	assert_int_equal(
		status_of(
			"POST", "/x",
			"Host: a\nContent-Type: Application/JSON; charset=UTF-8\nTransfer-Encoding: chunked\n"),
		0);
	assert_int_equal(status_of("DELETE", "/x", "Host: a\n"), 0);
	assert_int_equal(status_of("POST", "/x", "Host: a\nContent-Length: 0\n"), 0);
}

static void what_two_servers_may_read_in_two_ways_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"Accept: x\n",
		"Host: a\nHost: a\n",
		"Host: a\nhost: b\n",
		"Host: a\nContent-Length: 1\nContent-Length: 1\n",
		"Host: a\nContent-Length: 1\nTransfer-Encoding: chunked\n",
		"Host: a\nTransfer-Encoding: gzip\n",
		"Host: a\nTransfer-Encoding: chunked, chunked\n",
		"Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
		"Host: a\nCookie: a=1\nCookie: a=2\n",
		"Host: a\nAuthorization: Bearer x\nAuthorization: Bearer y\n",
		"Host: a\nOrigin: https://a\nOrigin: https://a\n",
		"Host: a\nContent-Length: +1\n",
		"Host: a\nContent-Length: 1, 1\n",
		"Host: a\nContent-Length: 0x10\n",
		"Host: a\nContent-Length: \n",
		"Host: a\nBad Name: x\n",
		"Host: a\n: x\n",
		"Host: a\nX: a\x01"
		"b\n",
		"Host: a\nX: a\x7f\n",
		"Host: a\nUpgrade: h2c\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (status_of("POST", "/x", bad[i]) != 400)
			fail_msg("passed: %s", bad[i]);
}

static void targets_are_paths_of_printable_ascii(void **state)
{
	(void)state;
	static const char *const bad[] = { "",     "x",     "*",     "http://a/",
					   "/a b", "/\xe5", "/a\tb", "/\x7f" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(status_of("GET", bad[i], "Host: a\n"), 400);
}

static void bodies_are_json_of_at_most_one_mebibyte(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		int status;
	} cases[] = {
		{ "Host: a\nContent-Type: application/json\nContent-Length: 1048577\n", 413 },
		{ "Host: a\nContent-Type: application/json\nContent-Length: 99999999999999999999999\n",
		  413 },
		{ "Host: a\nContent-Type: text/plain\nContent-Length: 2\n", 415 },
		{ "Host: a\nContent-Length: 2\n", 415 },
		{ "Host: a\nContent-Type: application/json; charset=shift_jis\nContent-Length: 2\n",
		  415 },
		{ "Host: a\nContent-Type: application/jsonx\nContent-Length: 2\n", 415 },
		{ "Host: a\nContent-Type: application/json\nContent-Encoding: gzip\nContent-Length: 2\n",
		  415 },
		{ "Host: a\nContent-Type: multipart/form-data\nTransfer-Encoding: chunked\n",
		  415 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(status_of("POST", "/x", cases[i].lines), cases[i].status);
	assert_int_equal(
		status_of("GET", "/x",
			  "Host: a\nContent-Type: application/json\nContent-Length: 2\n"),
		400);
}

static void too_many_fields_are_refused(void **state)
{
	(void)state;
	char lines[1024] = "Host: a\n";
	for (size_t i = 0; i < 64; i++)
		memcpy(lines + 8 + i * 5, "X: 1\n", 6);
	assert_int_equal(status_of("GET", "/", lines), 431);
}

static void a_host_is_one_of_our_names_or_the_address_it_came_in_on(void **state)
{
	(void)state;
	static const char *const names[] = { "localhost", "toms.hospital.example", "10.0.0.5" };
	static const struct {
		const char *host;
		bool ours;
	} cases[] = {
		{ "localhost", true },
		{ "LocalHost:8443", true },
		{ "toms.hospital.example", true },
		{ "10.0.0.5:443", true },
		{ "192.0.2.7", true },
		{ "192.0.2.7:8443", true },
		{ "192.0.2.8", false },
		{ "evil.example", false },
		{ "localhost.evil.example", false },
		{ "localhost:", true },
		{ "localhost:x", false },
		{ "localhost:-1", false },
		{ "localhost:70000", false },
		{ "", false },
		{ ":8443", false },
		{ "localhost:1:2", false },
		{ "[::1]", false },
		{ "[::1", false },
		{ "[]:1", false },
		{ "localhost/x", false },
		{ "a@localhost", false },
		{ "[::ffff:192.0.2.7]:1", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (gate_host_allowed(str_of(cases[i].host), names, ARRAY_LEN(names),
				      "192.0.2.7") != cases[i].ours)
			fail_msg("host %s", cases[i].host);
	assert_true(gate_host_allowed(STR("[fe80::1]:8443"), names, 0, "fe80::1"));
}

static bool same(const char *lines, bool required)
{
	struct head h = head_of("POST", "/", lines);
	return gate_same_origin(&h, required);
}

static void changes_come_from_our_own_pages(void **state)
{
	(void)state;
	assert_true(
		same("Host: a:1\nOrigin: https://a:1\nSec-Fetch-Site: same-origin\n", true));
	assert_true(same("Host: a:1\nOrigin: https://A:1\n", true));
	assert_true(same("Host: a:1\n", false));
	assert_false(same("Host: a:1\n", true));
	assert_false(same("Host: a:1\nOrigin: http://a:1\n", true));
	assert_false(same("Host: a:1\nOrigin: https://a\n", true));
	assert_false(same("Host: a:1\nOrigin: null\n", false));
	assert_false(same("Host: a:1\nOrigin: https://a:1\nSec-Fetch-Site: same-site\n", true));
	assert_false(same("Host: a:1\nSec-Fetch-Site: cross-site\n", false));
}

static void cookies_tokens_codings_and_tags_are_read(void **state)
{
	(void)state;
	assert_true(str_eq(gate_cookie(STR("a=1; __Host-sid=xyz; b=2"), STR("__Host-sid")),
			   STR("xyz")));
	assert_null(gate_cookie(STR("a=1; __Host-sidx=xyz"), STR("__Host-sid")).p);
	assert_null(gate_cookie(STR("__Host-sid=1; __Host-sid=2"), STR("__Host-sid")).p);
	assert_null(gate_cookie(STR_NULL, STR("x")).p);
	assert_true(str_eq(gate_bearer(STR("Bearer abc")), STR("abc")));
	assert_null(gate_bearer(STR("Basic abc")).p);
	assert_null(gate_bearer(STR("Bearer")).p);
	assert_true(gate_takes_gzip(STR("br, gzip;q=0.5")));
	assert_false(gate_takes_gzip(STR("gzip;q=0.000, br")));
	assert_false(gate_takes_gzip(STR("xgzip")));
	assert_false(gate_takes_gzip(STR_NULL));
	assert_true(gate_etag_matches(STR("\"a\", W/\"b\""), "b"));
	assert_true(gate_etag_matches(STR("*"), "b"));
	assert_false(gate_etag_matches(STR("b"), "b"));
	assert_false(gate_etag_matches(STR("\"ab\""), "b"));
	assert_false(gate_etag_matches(STR("\""), ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_requests_pass),
		cmocka_unit_test(what_two_servers_may_read_in_two_ways_is_refused),
		cmocka_unit_test(targets_are_paths_of_printable_ascii),
		cmocka_unit_test(bodies_are_json_of_at_most_one_mebibyte),
		cmocka_unit_test(too_many_fields_are_refused),
		cmocka_unit_test(a_host_is_one_of_our_names_or_the_address_it_came_in_on),
		cmocka_unit_test(changes_come_from_our_own_pages),
		cmocka_unit_test(cookies_tokens_codings_and_tags_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
