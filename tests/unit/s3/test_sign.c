/* Signatures: AWS's own examples, and requests that botocore signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/s3/sign.h"
#include "sign_vectors.h"
#include "tomsd/base/clock.h"
#include "tomsd/crypt.h"

#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* "Signature Calculations for the Authorization Header": all of the same account, day and bucket. */
static const struct example {
	const char *method, *key;
	struct s3_param params[2];
	size_t n_params;
	struct http_header headers[2];
	size_t n_headers;
	const char *sha256, *signature;
} examples[] = {
	{ "GET",
	  "test.txt",
	  { { 0 } },
	  0,
	  { { "range", "bytes=0-9" } },
	  1,
	  NOTHING,
	  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "PUT",
	  "test$file.text",
	  { { 0 } },
	  0,
	  { { "date", "Fri, 24 May 2013 00:00:00 GMT" },
	    { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
	  2,
	  "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
	  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "GET",
	  "",
	  { { "lifecycle", NULL } },
	  1,
	  { { 0 } },
	  0,
	  NOTHING,
	  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "GET",
	  "",
	  { { "prefix", "J" }, { "max-keys", "2" } },
	  2,
	  { { 0 } },
	  0,
	  NOTHING,
	  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

/* Path, query and signature of one request; canonical and authorization are left to look at. */
struct work {
	struct buf path, query, canonical, authorization;
};

static void work_init(struct work *w)
{
	buf_init(&w->path, 65536);
	buf_init(&w->query, 65536);
	buf_init(&w->canonical, 65536);
	buf_init(&w->authorization, 65536);
}

static void work_fini(struct work *w)
{
	buf_fini(&w->path);
	buf_fini(&w->query);
	buf_fini(&w->canonical);
	buf_fini(&w->authorization);
}

static void sign(struct work *w, struct s3_signer *s, const char *method, const char *host,
		 const char *key, const struct s3_param *params, size_t n_params,
		 const struct http_header *more, size_t n_more, const char *sha256,
		 const char *date)
{
	struct http_header headers[S3_HEADERS_MAX] = { { "x-amz-date", date },
						       { "host", host },
						       { "x-amz-content-sha256", sha256 } };
	for (size_t i = 0; i < n_more; i++)
		headers[3 + i] = more[i];
	buf_reset(&w->path);
	buf_reset(&w->query);
	buf_reset(&w->authorization);
	buf_char(&w->path, '/');
	s3_escape(str_of(key), true, &w->path);
	s3_query_put(params, n_params, &w->query);
	const struct s3_signed rq = {
		.method = method,
		.path = buf_view(&w->path),
		.query = buf_view(&w->query),
		.headers = headers,
		.n_headers = 3 + n_more,
		.payload_hex = sha256,
		.amz_date = date,
	};
	s3_sign(s, &rq, &w->canonical, &w->authorization);
	assert_false(buf_failed(&w->authorization));
}

static void the_examples_of_aws_are_signed_as_it_says(void **state)
{
	(void)state;
	struct s3_signer s = { .access_key = "AKIAIOSFODNN7EXAMPLE",
			       .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
			       .region = "us-east-1" };
	struct work w;
	work_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		const struct example *x = &examples[i];
		sign(&w, &s, x->method, "examplebucket.s3.amazonaws.com", x->key, x->params,
		     x->n_params, x->headers, x->n_headers, x->sha256, "20130524T000000Z");
		char end[100];
		(void)snprintf(end, sizeof(end), ",Signature=%s", x->signature);
		if (!str_ends(buf_view(&w.authorization), str_of(end)))
			fail_msg("example %zu: %s\n%s", i, w.authorization.p, w.canonical.p);
	}
	assert_true(str_starts(
		buf_view(&w.authorization),
		STR("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
		    "SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=")));
	work_fini(&w);
}

static void whatever_a_key_or_a_value_holds_botocore_signs_the_same(void **state)
{
	(void)state;
	struct work w;
	work_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct s3_signer s = { .access_key = "AKIDEXAMPLE",
				       .secret_key = v->secret,
				       .region = v->region };
		char end[400];
		sign(&w, &s, v->method, v->host, v->key, v->params, v->n_params, v->headers,
		     v->n_headers, v->sha256, v->date);
		(void)snprintf(end, sizeof(end), ",SignedHeaders=%s,Signature=%s",
			       v->signed_headers, v->signature);
		if (!str_ends(buf_view(&w.authorization), str_of(end)))
			fail_msg("vector %zu: %s\n%s\nwanted: %s", i, w.authorization.p,
				 w.canonical.p, end);
	}
	work_fini(&w);
}

static void the_key_of_a_day_is_made_anew_on_the_next(void **state)
{
	(void)state;
	struct s3_signer one = { .access_key = "A", .secret_key = "s", .region = "r" },
			 other = one;
	struct work w, u;
	work_init(&w);
	work_init(&u);
	sign(&w, &one, "GET", "h", "k", NULL, 0, NULL, 0, NOTHING, "20261122T235959Z");
	sign(&w, &one, "GET", "h", "k", NULL, 0, NULL, 0, NOTHING, "20261123T000000Z");
	sign(&u, &other, "GET", "h", "k", NULL, 0, NULL, 0, NOTHING, "20261123T000000Z");
	assert_string_equal(w.authorization.p, u.authorization.p);
	work_fini(&w);
	work_fini(&u);
}

static void hive_keys_go_with_an_escaped_equals_sign(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1000);
	s3_escape(STR("kind=flow/dt=2026-11-22/a b+~.parquet"), true, &b);
	assert_string_equal(b.p, "kind%3Dflow/dt%3D2026-11-22/a%20b%2B~.parquet");
	buf_reset(&b);
	s3_escape(STR("a/b\xff"), false, &b);
	assert_string_equal(b.p, "a%2Fb%FF");
	buf_fini(&b);
}

static void dates_of_requests_and_answers_are_the_same_moments(void **state)
{
	(void)state;
	char date[S3_AMZ_DATE_MAX];
	int64_t ns = 0, wanted = 0;
	s3_amz_date(INT64_C(1369353600) * NS_PER_S + 999999999, date);
	assert_string_equal(date, "20130524T000000Z");
	assert_int_equal(s3_http_date(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &ns), 0);
	assert_int_equal(clock_parse_rfc3339(STR("1994-11-06T08:49:37Z"), &wanted), 0);
	assert_int_equal(ns, wanted);
	static const char *const none[] = { "",
					    "Sun, 06 Nov 1994 08:49:37",
					    "Sun, 06 Foo 1994 08:49:37 GMT",
					    "Sunday, 06-Nov-94 08:49:37 GMT",
					    "Sun, 06 ovD 1994 08:49:37 GMT",
					    "Sun, 06 Nov 1994 25:49:37 GMT",
					    "Sun, 00 Nov 1994 08:49:37 GMT" };
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(s3_http_date(str_of(none[i]), &ns), -ERR_INVALID);
	struct str good = STR("Sun, 06 Nov 1994 08:49:37 GMT");
	for (size_t n = 0; n < good.n; n++)
		assert_int_equal(s3_http_date(str_sub(good, 0, n), &ns), -ERR_INVALID);
	assert_int_equal(ns, wanted);
}

static void sums_are_read_as_they_are_written(void **state)
{
	(void)state;
	uint8_t back[3] = { 0 };
	char hex[7];
	hash_hex((const uint8_t *)"\x00\xab\xff", 3, hex);
	assert_string_equal(hex, "00abff");
	assert_true(s3_from_hex(STR("00ABff"), back, 3));
	assert_memory_equal(back, "\x00\xab\xff", 3);
	assert_false(s3_from_hex(STR("00abf"), back, 3));
	assert_false(s3_from_hex(STR("00abfg"), back, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_aws_are_signed_as_it_says),
		cmocka_unit_test(whatever_a_key_or_a_value_holds_botocore_signs_the_same),
		cmocka_unit_test(the_key_of_a_day_is_made_anew_on_the_next),
		cmocka_unit_test(hive_keys_go_with_an_escaped_equals_sign),
		cmocka_unit_test(dates_of_requests_and_answers_are_the_same_moments),
		cmocka_unit_test(sums_are_read_as_they_are_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
