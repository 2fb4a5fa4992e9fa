/* Proof of time, from a time stamp authority that the test makes itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ts.h>

#include "made_certs.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/crypt.h"

#define AT "2026-11-22T14:05:06"

struct world {
	struct made_cert ca, tsa, other_ca;
	TS_RESP_CTX *service;
	uint8_t sha256[32];
	struct buf request, answer, token, trust;
	int64_t at_ns;
	struct err e;
};

static ASN1_INTEGER *serial(TS_RESP_CTX *c, void *arg)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	(void)c;
	(void)arg;
	(void)ASN1_INTEGER_set(n, 4711);
	return n;
}

static int the_time(TS_RESP_CTX *c, void *arg, long *s, long *us)
{
	int64_t ns = 0;
	(void)c;
	(void)arg;
	if (clock_parse_rfc3339(STR(AT ".250000Z"), &ns))
		return 0;
	*s = (long)(ns / NS_PER_S);
	*us = 250000;
	return 1;
}

static TS_RESP_CTX *service_new(const struct made_cert *tsa, const struct made_cert *ca)
{
	TS_RESP_CTX *c = TS_RESP_CTX_new();
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
	STACK_OF(X509) *chain = sk_X509_new_null();
	MADE_MUST(c && policy && chain && sk_X509_push(chain, ca->cert) == 1);
	TS_RESP_CTX_set_serial_cb(c, serial, NULL);
	TS_RESP_CTX_set_time_cb(c, the_time, NULL);
	MADE_MUST(TS_RESP_CTX_set_signer_cert(c, tsa->cert) == 1 &&
		  TS_RESP_CTX_set_signer_key(c, tsa->key) == 1 &&
		  TS_RESP_CTX_set_certs(c, chain) == 1 &&
		  TS_RESP_CTX_set_signer_digest(c, EVP_sha256()) == 1 &&
		  TS_RESP_CTX_set_def_policy(c, policy) == 1 &&
		  TS_RESP_CTX_add_md(c, EVP_sha256()) == 1 &&
		  TS_RESP_CTX_set_clock_precision_digits(c, 2) == 1);
	ASN1_OBJECT_free(policy);
	sk_X509_free(chain);
	return c;
}

static void answer(TS_RESP_CTX *service, struct str request, struct buf *out)
{
	BIO *b = BIO_new_mem_buf(request.p, (int)request.n);
	unsigned char *der = NULL;
	TS_RESP *rs = TS_RESP_create_response(service, b);
	int n = i2d_TS_RESP(rs, &der);
	MADE_MUST(n > 0);
	buf_reset(out);
	buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	TS_RESP_free(rs);
	BIO_free(b);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	w->ca = made_cert((struct made_cert_conf){ .name = "Root of time" });
	w->other_ca = made_cert((struct made_cert_conf){ .name = "Another root" });
	/* it has been invalid since 2027: tokens made before stay good */
	w->tsa = made_cert((struct made_cert_conf){ .name = "Time",
						    .issuer = &w->ca,
						    .use = "critical,timeStamping",
						    .until = "20270101000000Z" });
	w->service = service_new(&w->tsa, &w->ca);
	struct buf *bufs[] = { &w->request, &w->answer, &w->token, &w->trust };
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_init(bufs[i], 1u << 20);
	memset(w->sha256, 7, sizeof(w->sha256));
	assert_int_equal(crypt_stamp_request(w->sha256, &w->request, NULL), 0);
	answer(w->service, buf_view(&w->request), &w->answer);
	made_cert_pem(&w->other_ca, &w->trust);
	made_cert_pem(&w->ca, &w->trust);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	struct buf *bufs[] = { &w->request, &w->answer, &w->token, &w->trust };
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_fini(bufs[i]);
	TS_RESP_CTX_free(w->service);
	made_cert_free(&w->ca);
	made_cert_free(&w->tsa);
	made_cert_free(&w->other_ca);
	free(w);
	return 0;
}

static int take(struct world *w)
{
	w->e = (struct err)ERR_INIT;
	buf_reset(&w->token);
	return crypt_stamp_answer(buf_view(&w->request), buf_view(&w->answer), &w->token,
				  &w->at_ns, &w->e);
}

static int read_trusting(struct world *w, struct str trust)
{
	w->e = (struct err)ERR_INIT;
	return crypt_stamp_read(buf_view(&w->token), w->sha256, trust, &w->at_ns, &w->e);
}

static int64_t at(void)
{
	int64_t ns = 0;
	assert_int_equal(clock_parse_rfc3339(STR(AT ".25Z"), &ns), 0);
	return ns;
}

static void a_token_says_when_and_leads_to_who_is_trusted(void **state)
{
	struct world *w = *state;
	struct buf tsa_alone;
	assert_int_equal(take(w), 0);
	assert_int_equal(w->at_ns, at());
	w->at_ns = 0;
	assert_int_equal(read_trusting(w, STR_NULL), 0);
	assert_int_equal(w->at_ns, at());
	w->at_ns = 0;
	assert_int_equal(read_trusting(w, buf_view(&w->trust)), 0);
	assert_int_equal(w->at_ns, at());
	buf_init(&tsa_alone, 100000); /* the signer's own certificate will do */
	made_cert_pem(&w->tsa, &tsa_alone);
	assert_int_equal(read_trusting(w, buf_view(&tsa_alone)), 0);
	buf_fini(&tsa_alone);
}

static void a_signer_of_somebody_else_is_told(void **state)
{
	struct world *w = *state;
	struct buf other;
	assert_int_equal(take(w), 0);
	buf_init(&other, 100000);
	made_cert_pem(&w->other_ca, &other);
	w->at_ns = 1;
	assert_int_equal(read_trusting(w, buf_view(&other)), -ERR_DENIED);
	assert_non_null(strstr(w->e.text, "timestamp_ca"));
	assert_int_equal(read_trusting(w, STR("no PEM at all")), -ERR_INVALID);
	assert_int_equal(w->at_ns, 1);
	buf_fini(&other);
}

static void a_certificate_that_was_not_valid_then_proves_nothing(void **state)
{
	struct world *w = *state;
	struct made_cert late =
		made_cert((struct made_cert_conf){ .name = "Late",
						   .issuer = &w->ca,
						   .use = "critical,timeStamping",
						   .from = "20270101000000Z" });
	TS_RESP_CTX *service = service_new(&late, &w->ca);
	answer(service, buf_view(&w->request), &w->answer);
	assert_int_equal(take(w), 0); /* nobody asked who it is */
	assert_int_equal(read_trusting(w, buf_view(&w->trust)), -ERR_DENIED);
	TS_RESP_CTX_free(service);
	made_cert_free(&late);
}

static void each_request_is_another_and_an_old_answer_is_not_for_it(void **state)
{
	struct world *w = *state;
	struct buf old;
	buf_init(&old, 10000);
	buf_str(&old, buf_view(&w->request));
	buf_reset(&w->request);
	assert_int_equal(crypt_stamp_request(w->sha256, &w->request, NULL), 0);
	assert_false(str_eq(buf_view(&old), buf_view(&w->request)));
	assert_int_equal(take(w), -ERR_CORRUPT);
	assert_non_null(strstr(w->e.text, "another request"));
	buf_fini(&old);
}

static void a_token_is_for_its_sum_only(void **state)
{
	struct world *w = *state;
	assert_int_equal(take(w), 0);
	for (size_t i = 0; i < sizeof(w->sha256); i++) {
		w->sha256[i] ^= 1;
		assert_int_equal(read_trusting(w, STR_NULL), -ERR_CORRUPT);
		w->sha256[i] ^= 1;
	}
}

static void a_refusal_is_told_in_the_servers_words(void **state)
{
	struct world *w = *state;
	TS_RESP_CTX_free(w->service);
	w->service = service_new(&w->tsa, &w->ca);
	buf_reset(&w->answer);
	struct buf nonsense;
	buf_init(&nonsense, 100);
	buf_cstr(&nonsense, "nonsense");
	answer(w->service, buf_view(&nonsense), &w->answer);
	assert_int_equal(take(w), -ERR_DENIED);
	assert_non_null(strstr(w->e.text, "does not understand the request"));
	assert_int_equal(w->token.n, 0);
	buf_fini(&nonsense);
}

static void cut_or_damaged_bytes_are_never_believed(void **state)
{
	struct world *w = *state;
	assert_int_equal(take(w), 0);
	for (size_t n = 0; n < w->token.n; n++) {
		int64_t when = 0;
		assert_true(crypt_stamp_read(str_n(w->token.p, n), w->sha256, STR_NULL, &when,
					     NULL) < 0);
	}
	/* a changed byte may sit where nothing is signed (an unused certificate), but what is believed is true */
	for (size_t i = 0; i < w->token.n; i++) {
		w->token.p[i] ^= 1;
		if (read_trusting(w, buf_view(&w->trust)) == 0)
			assert_int_equal(w->at_ns, at());
		w->token.p[i] ^= 1;
	}
	struct str all = buf_view(&w->answer);
	for (size_t n = 0; n < all.n; n++) {
		buf_reset(&w->token);
		assert_true(crypt_stamp_answer(buf_view(&w->request), str_n(all.p, n),
					       &w->token, &w->at_ns, NULL) < 0);
		assert_int_equal(w->token.n, 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_says_when_and_leads_to_who_is_trusted),
		TEST(a_signer_of_somebody_else_is_told),
		TEST(a_certificate_that_was_not_valid_then_proves_nothing),
		TEST(each_request_is_another_and_an_old_answer_is_not_for_it),
		TEST(a_token_is_for_its_sum_only),
		TEST(a_refusal_is_told_in_the_servers_words),
		TEST(cut_or_damaged_bytes_are_never_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
