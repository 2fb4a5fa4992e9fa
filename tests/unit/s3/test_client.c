/* What a place may be told, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/s3/client.h"

static struct s3_conf good_conf(void)
{
	return (struct s3_conf){
		.name = "tokyo",
		.endpoint = "https://s3.example.org",
		.region = "jp",
		.bucket = "records",
		.access_key = "AK",
		.secret_key = "sk",
		.path_style = true,
		.lock = S3_LOCK_COMPLIANCE,
		.keep_ns = NS_PER_S,
	};
}

static void a_place_is_told_by_scheme_name_and_port(void **state)
{
	(void)state;
	static const struct {
		const char *endpoint, *host;
		bool path_style;
	} cases[] = {
		{ "https://s3.example.org", "s3.example.org", true },
		{ "https://s3.example.org/", "s3.example.org", true },
		{ "https://s3.example.org", "records.s3.example.org", false },
		{ "https://s3.example.org:443", "s3.example.org", true },
		{ "http://s3.example.org:80", "s3.example.org", true },
		{ "http://s3.example.org:443", "s3.example.org:443", true },
		{ "https://[2001:db8::1]:9000", "[2001:db8::1]:9000", true },
		{ "ftp://s3.example.org", NULL, true },
		{ "s3.example.org", NULL, true },
		{ "https://", NULL, true },
		{ "https://s3.example.org/records", NULL, true },
		{ "https://me@s3.example.org", NULL, true },
		{ "https://s3.example.org?x", NULL, true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct s3_conf conf = good_conf();
		struct s3_client *c = NULL;
		struct err e = ERR_INIT;
		(void)snprintf(conf.endpoint, sizeof(conf.endpoint), "%s", cases[i].endpoint);
		conf.path_style = cases[i].path_style;
		int rc = s3_client_new(&c, &conf, NULL, &e);
		if (!cases[i].host) {
			assert_int_equal(rc, -ERR_INVALID);
			assert_non_null(strstr(e.text, "tokyo"));
			assert_null(c);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(c->host, cases[i].host);
		s3_client_free(c);
	}
}

static void a_place_without_keys_bucket_or_time_is_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		struct s3_conf conf = good_conf();
		struct s3_client *c = NULL;
		struct err e = ERR_INIT;
		if (i == 0)
			conf.access_key[0] = '\0';
		else if (i == 1)
			conf.secret_key[0] = '\0';
		else if (i == 2)
			(void)snprintf(conf.bucket, sizeof(conf.bucket), "a/b");
		else if (i == 3)
			(void)snprintf(conf.bucket, sizeof(conf.bucket), "ab");
		else if (i == 4)
			conf.keep_ns = 0;
		else
			(void)snprintf(conf.access_key, sizeof(conf.access_key), "A\nK");
		assert_int_equal(s3_client_new(&c, &conf, NULL, &e), -ERR_INVALID);
		assert_null(strstr(e.text, "sk"));
	}
}

static void an_answer_says_whether_later_may_help(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body;
		int code;
		bool retry;
		const char *words; /* are in it */
	} cases[] = {
		{ 503, "<Error><Code>SlowDown</Code></Error>", ERR_BUSY, true,
		  "HTTP 503 SlowDown" },
		{ 500, "", ERR_BUSY, true, "HTTP 500" },
		{ 502, "<html>Bad Gateway</html>", ERR_BUSY, true, "HTTP 502" },
		{ 429, "", ERR_BUSY, true, "" },
		{ 403, "", ERR_DENIED, true, "HTTP 403" },
		{ 403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
		  ERR_DENIED, true, "policy" },
		{ 403,
		  "<Error><Code>AccessDenied</Code><Message>forbidden by object lock</Message></Error>",
		  ERR_DENIED, true, "AccessDenied: forbidden by object lock" },
		{ 403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", ERR_DENIED, true,
		  "secret" },
		{ 404, "<Error><Code>NoSuchBucket</Code></Error>", ERR_NOTFOUND, true,
		  "bucket" },
		{ 404, "", ERR_NOTFOUND, true, "" },
		{ 400,
		  "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
		  ERR_INVALID, false, "eu-west-1" },
		{ 301,
		  "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.eu</Endpoint></Error>",
		  ERR_INVALID, false, "b.s3.eu" },
		{ 400, "<Error><Code>BadDigest</Code></Error>", ERR_INVALID, true, "changed" },
		{ 400,
		  "<Error><Code>InvalidRequest</Code><Message>Bucket is missing Object Lock Configuration</Message></Error>",
		  ERR_INVALID, false, "Object Lock" },
		{ 412, "", ERR_EXISTS, true, "" },
		{ 416, "<Error><Code>InvalidRange</Code></Error>", ERR_RANGE, false, "" },
		{ 501, "<Error><Code>NotImplemented</Code></Error>", ERR_BUSY, false,
		  "cannot" },
		{ 200, "<Error><Code>InternalError</Code></Error>", ERR_BUSY, true,
		  "InternalError" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_answer a;
		struct s3_fault f = { .status = 0 };
		struct err e = ERR_INIT;
		http_answer_init(&a);
		a.body.cap = 1u << 16;
		a.status = cases[i].status;
		buf_cstr(&a.body, cases[i].body);
		buf_cstr(&a.headers, "date: Sun, 06 Nov 1994 08:49:37 GMT\n");
		assert_int_equal(s3_fault_of_answer(&a, &f, &e), -cases[i].code);
		assert_int_equal(f.retry, cases[i].retry);
		assert_int_equal(f.status, cases[i].status);
		assert_int_equal(f.server_ns, INT64_C(784111777) * NS_PER_S);
		if (!strstr(e.text, cases[i].words))
			fail_msg("case %zu: %s", i, e.text);
		http_answer_fini(&a);
	}
}

static void no_answer_is_never_taken_for_no_object(void **state)
{
	(void)state;
	static const struct {
		enum err_code code;
		const char *name;
	} cases[] = { { ERR_NOTFOUND, "NoSuchHost" },
		      { ERR_DENIED, "Certificate" },
		      { ERR_TIMEOUT, "Timeout" },
		      { ERR_IO, "Connection" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct s3_fault f = { .status = 7 };
		struct err e = ERR_INIT;
		(void)err_set(&e, cases[i].code, "words");
		assert_int_equal(s3_fault_of_silence(&f, &e), -ERR_IO);
		assert_string_equal(f.code, cases[i].name);
		assert_true(f.retry && f.status == 0);
	}
	struct s3_fault f;
	struct err e = ERR_INIT;
	(void)err_set(&e, ERR_CLOSED, "words");
	assert_int_equal(s3_fault_of_silence(&f, &e), -ERR_CLOSED);
}

static void a_lock_holds_when_it_is_as_strong_and_as_long(void **state)
{
	(void)state;
	struct s3_version v = { .lock = S3_LOCK_GOVERNANCE, .retain_until_ns = 100 };
	assert_true(s3_lock_holds(&v, S3_LOCK_NONE, 1000));
	assert_true(s3_lock_holds(&v, S3_LOCK_GOVERNANCE, 100));
	assert_false(s3_lock_holds(&v, S3_LOCK_GOVERNANCE, 101));
	assert_false(s3_lock_holds(&v, S3_LOCK_COMPLIANCE, 100));
	v.lock = S3_LOCK_COMPLIANCE;
	assert_true(s3_lock_holds(&v, S3_LOCK_GOVERNANCE, 100));
}

static void what_head_reads_back_is_understood(void **state)
{
	(void)state;
	struct http_answer a;
	struct s3_version v;
	http_answer_init(&a);
	buf_cstr(
		&a.headers,
		"etag: \"abc\"\nx-amz-version-id: v1\ncontent-length: 18446744073709551615\n"
		"x-amz-object-lock-mode: COMPLIANCE\nx-amz-object-lock-retain-until-date: 2027-01-01T00:00:00.000000000Z\n"
		"x-amz-object-lock-legal-hold: ON\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\n"
		"x-amz-meta-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
	s3_version_of(&a, &v);
	assert_string_equal(v.etag, "abc");
	assert_string_equal(v.version_id, "v1");
	assert_true(v.bytes == UINT64_MAX && v.lock == S3_LOCK_COMPLIANCE && v.legal_hold &&
		    v.has_sha256);
	assert_int_equal(v.retain_until_ns, INT64_C(1798761600) * NS_PER_S);
	http_answer_fini(&a);
	/* Too long to be kept whole, or no sums: nothing is made of them. */
	http_answer_init(&a);
	buf_fmt(&a.headers,
		"x-amz-version-id: %0200d\nx-amz-meta-sha256: e3b0\ncontent-length: -1\nx-amz-object-lock-mode: FOREVER\n",
		1);
	s3_version_of(&a, &v);
	assert_true(!v.version_id[0] && !v.has_sha256 && v.bytes == 0 &&
		    v.lock == S3_LOCK_NONE);
	http_answer_fini(&a);
}

static void dates_of_locks_are_rounded_up(void **state)
{
	(void)state;
	char date[S3_DATE_MAX];
	s3_lock_date(INT64_C(1798761600) * NS_PER_S, date);
	assert_string_equal(date, "2027-01-01T00:00:00Z");
	s3_lock_date(INT64_C(1798761600) * NS_PER_S + 1, date);
	assert_string_equal(date, "2027-01-01T00:00:01Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_is_told_by_scheme_name_and_port),
		cmocka_unit_test(a_place_without_keys_bucket_or_time_is_refused),
		cmocka_unit_test(an_answer_says_whether_later_may_help),
		cmocka_unit_test(no_answer_is_never_taken_for_no_object),
		cmocka_unit_test(a_lock_holds_when_it_is_as_strong_and_as_long),
		cmocka_unit_test(what_head_reads_back_is_understood),
		cmocka_unit_test(dates_of_locks_are_rounded_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
