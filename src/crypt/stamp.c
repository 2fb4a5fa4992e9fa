/* Proof of time: requests, answers and tokens of RFC 3161, by libcrypto's TS. Answers and tokens are bytes of
 * outsiders: bounded, checked whole, never trusted before they have proved what they say. A certificate is judged as
 * of the token's own time, for it may have expired when the token is read years later. Any thread. */
#define OPENSSL_SUPPRESS_DEPRECATED /* 3.4 renames what 3.0 has */
#include "tomsd/crypt.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

#include "why.h"

#define STAMP_MAX (256u << 10) /* tokens with a whole chain in them have some 10 KiB */
#define TRUST_MAX (4u << 20)
#define NONCE_BYTES 8

/* Words for what is not what it has to be. */
static int wrong(struct err *e, enum err_code code, const char *words)
{
	ERR_clear_error();
	return err_set(e, code, "time stamp: %s", words);
}

static bool imprint_set(TS_REQ *rq, const uint8_t sha256[CRYPT_SHA256_BYTES])
{
	TS_MSG_IMPRINT *m = TS_MSG_IMPRINT_new();
	X509_ALGOR *a = X509_ALGOR_new();
	bool good = m && a &&
		    X509_ALGOR_set0(a, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
		    TS_MSG_IMPRINT_set_algo(m, a) == 1 &&
		    TS_MSG_IMPRINT_set_msg(m, (unsigned char *)(uintptr_t)sha256,
					   CRYPT_SHA256_BYTES) == 1 &&
		    TS_REQ_set_msg_imprint(rq, m) == 1; /* copies, as the two before do */
	X509_ALGOR_free(a);
	TS_MSG_IMPRINT_free(m);
	return good;
}

static bool nonce_set(TS_REQ *rq)
{
	uint64_t random = 0;
	file_random(&random, NONCE_BYTES);
	ASN1_INTEGER *nonce = ASN1_INTEGER_new();
	bool good = nonce && ASN1_INTEGER_set_uint64(nonce, random) == 1 &&
		    TS_REQ_set_nonce(rq, nonce) == 1; /* copies */
	ASN1_INTEGER_free(nonce);
	return good;
}

int crypt_stamp_request(const uint8_t sha256[CRYPT_SHA256_BYTES], struct buf *request,
			struct err *e)
{
	unsigned char *der = NULL;
	TS_REQ *rq = TS_REQ_new();
	bool good = rq && TS_REQ_set_version(rq, 1) == 1 && imprint_set(rq, sha256) &&
		    nonce_set(rq) && TS_REQ_set_cert_req(rq, 1) == 1;
	int n = good ? i2d_TS_REQ(rq, &der) : -1;
	TS_REQ_free(rq);
	if (n > 0)
		buf_put(request, der, (size_t)n);
	OPENSSL_free(der);
	if (n <= 0 || buf_failed(request))
		return wrong(e, ERR_NOMEM, "no memory for a request");
	return 0;
}

/* "20261122140506Z", "20261122140506.25Z" (RFC 3161, 2.4.2) to nanoseconds. */
static bool time_of(const ASN1_GENERALIZEDTIME *t, int64_t *ns)
{
	const char *p = (const char *)ASN1_STRING_get0_data(t);
	int n = ASN1_STRING_length(t);
	char text[64];
	if (!p || n < 15 || n > 40 || p[n - 1] != 'Z')
		return false;
	for (int i = 0; i < 14; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	(void)snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s%.*s", p, p + 4, p + 6,
		       p + 8, p + 10, p + 12, n - 14, p + 14);
	return clock_parse_rfc3339(str_of(text), ns) == 0;
}

static bool imprint_is(TS_MSG_IMPRINT *m, const uint8_t sha256[CRYPT_SHA256_BYTES])
{
	const ASN1_OBJECT *algorithm = NULL;
	const ASN1_OCTET_STRING *sum = m ? TS_MSG_IMPRINT_get_msg(m) : NULL;
	if (!sum)
		return false;
	X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(m));
	return OBJ_obj2nid(algorithm) == NID_sha256 &&
	       ASN1_STRING_length(sum) == CRYPT_SHA256_BYTES &&
	       hash_equal(ASN1_STRING_get0_data(sum), sha256, CRYPT_SHA256_BYTES);
}

/* A token, taken apart. */
struct token {
	PKCS7 *signed_data;
	TS_TST_INFO *info;
	int64_t at_ns;
};

static void token_fini(struct token *t)
{
	TS_TST_INFO_free(t->info);
	PKCS7_free(t->signed_data);
}

/* That the signature in it is that of the certificate in it: damage shows even where nobody is trusted. */
static bool signature_holds(PKCS7 *p)
{
	BIO *sink = BIO_new(BIO_s_null());
	bool good = sink && PKCS7_verify(p, NULL, NULL, NULL, sink, PKCS7_NOVERIFY) == 1;
	BIO_free(sink);
	return good;
}

static int token_init(struct token *t, struct str bytes, struct err *e)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	*t = (struct token){ .at_ns = 0 };
	if (bytes.n == 0 || bytes.n > STAMP_MAX)
		return wrong(e, ERR_INVALID, "the token has no length that is possible");
	t->signed_data = d2i_PKCS7(NULL, &p, (long)bytes.n);
	if (!t->signed_data || p != (const unsigned char *)bytes.p + bytes.n ||
	    !PKCS7_type_is_signed(t->signed_data) || PKCS7_get_detached(t->signed_data))
		return wrong(e, ERR_INVALID, "this is no token");
	t->info = PKCS7_to_TS_TST_INFO(t->signed_data);
	if (!t->info || TS_TST_INFO_get_version(t->info) != 1 ||
	    !time_of(TS_TST_INFO_get_time(t->info), &t->at_ns))
		return wrong(e, ERR_INVALID, "this is no token");
	return 0;
}

/* What has to hold whoever signed it. */
static int token_check(struct token *t, const uint8_t sha256[CRYPT_SHA256_BYTES], struct err *e)
{
	if (!imprint_is(TS_TST_INFO_get_msg_imprint(t->info), sha256))
		return wrong(e, ERR_CORRUPT, "the token is for other bytes");
	if (!signature_holds(t->signed_data))
		return wrong(e, ERR_CORRUPT, "the token's signature does not hold");
	return 0;
}

/* Instead of OpenSSL's own, which would ask at the terminal. */
static int no_passphrase(char *out, int cap, int is_writing, void *arg)
{
	(void)out;
	(void)cap;
	(void)is_writing;
	(void)arg;
	return -1;
}

/* All certificates of a PEM, trusted as they stand (also one that is no authority), at that time. */
static X509_STORE *store_new(struct str trust, int64_t at_ns)
{
	X509_STORE *store = X509_STORE_new();
	BIO *b = BIO_new_mem_buf(trust.p, (int)trust.n);
	X509 *x = NULL;
	int n = 0;
	while (store && b && (x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL))) {
		n += X509_STORE_add_cert(store, x) == 1; /* holds it */
		X509_free(x);
	}
	BIO_free(b);
	ERR_clear_error(); /* the end of the PEM is one, too */
	if (n == 0) {
		X509_STORE_free(store);
		return NULL;
	}
	X509_VERIFY_PARAM *how = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_time(how, (time_t)(at_ns / NS_PER_S));
	(void)X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_PARTIAL_CHAIN);
	return store;
}

/* That its signer leads to one of those, and may stamp (RFC 3161, 2.3). */
static int token_trusted(struct token *t, struct str trust, struct err *e)
{
	if (trust.n > TRUST_MAX)
		return wrong(e, ERR_INVALID, "the certificates to trust are too many");
	X509_STORE *store = store_new(trust, t->at_ns);
	if (!store)
		return wrong(
			e, ERR_INVALID,
			"no certificate in PEM form among those to trust; check timestamp_ca");
	TS_VERIFY_CTX *v = TS_VERIFY_CTX_new();
	if (!v) {
		X509_STORE_free(store);
		return wrong(e, ERR_NOMEM, "no memory for a check");
	}
	(void)TS_VERIFY_CTX_set_flags(v, TS_VFY_VERSION | TS_VFY_SIGNATURE);
	(void)TS_VERIFY_CTX_set_store(v, store); /* takes it */
	bool good = TS_RESP_verify_token(v, t->signed_data) == 1;
	TS_VERIFY_CTX_free(v);
	if (!good)
		return crypt_why(
			e, ERR_DENIED,
			"time stamp: its signer does not lead to a certificate that is trusted here, or "
			"may not stamp; check timestamp_ca");
	return 0;
}

int crypt_stamp_read(struct str token, const uint8_t sha256[CRYPT_SHA256_BYTES],
		     struct str trust, int64_t *at_ns, struct err *e)
{
	struct token t;
	int rc = token_init(&t, token, e);
	if (rc == 0)
		rc = token_check(&t, sha256, e);
	if (rc == 0 && trust.n > 0)
		rc = token_trusted(&t, trust, e);
	if (rc == 0)
		*at_ns = t.at_ns;
	token_fini(&t);
	return rc;
}

/* Why it was refused: the first reason that RFC 3161, 2.4.2 has a bit for, and what the server itself says. */
static int refused(TS_STATUS_INFO *s, struct err *e)
{
	static const struct {
		int bit;
		const char *words;
	} reasons[] = {
		{ TS_INFO_BAD_ALG, "it does not take SHA-256" },
		{ TS_INFO_BAD_REQUEST, "it does not allow this request" },
		{ TS_INFO_BAD_DATA_FORMAT, "it does not understand the request" },
		{ TS_INFO_TIME_NOT_AVAILABLE,
		  "it does not know the time at present; later again" },
		{ TS_INFO_UNACCEPTED_POLICY, "it does not serve that policy" },
		{ TS_INFO_UNACCEPTED_EXTENSION, "it does not take the request's extension" },
		{ TS_INFO_ADD_INFO_NOT_AVAILABLE, "it does not have what was asked for" },
		{ TS_INFO_SYSTEM_FAILURE, "it has a fault of its own; later again" },
	};
	const ASN1_BIT_STRING *bits = TS_STATUS_INFO_get0_failure_info(s);
	const STACK_OF(ASN1_UTF8STRING) *texts = TS_STATUS_INFO_get0_text(s);
	const char *why = "it does not say why";
	char said[200] = "";
	for (size_t i = ARRAY_LEN(reasons); i-- > 0;)
		if (bits && ASN1_BIT_STRING_get_bit(bits, reasons[i].bit))
			why = reasons[i].words;
	if (texts && sk_ASN1_UTF8STRING_num(texts) > 0) {
		const ASN1_UTF8STRING *x = sk_ASN1_UTF8STRING_value(texts, 0);
		str_copy_clean(said, sizeof(said),
			       str_n((const char *)ASN1_STRING_get0_data(x),
				     (size_t)ASN1_STRING_length(x)));
	}
	ERR_clear_error();
	return err_set(e, ERR_DENIED, "time stamp: the server refused: %s%s%s%s", why,
		       said[0] ? " (" : "", said, said[0] ? ")" : "");
}

/* The parts of an answer that has a token. */
static int answer_check(TS_REQ *rq, TS_RESP *rs, struct err *e)
{
	TS_STATUS_INFO *s = TS_RESP_get_status_info(rs);
	const ASN1_INTEGER *status = s ? TS_STATUS_INFO_get0_status(s) : NULL;
	int64_t code = -1;
	if (!status || ASN1_INTEGER_get_int64(&code, status) != 1)
		return wrong(e, ERR_INVALID,
			     "what the server answers is no answer of RFC 3161");
	if (code != TS_STATUS_GRANTED && code != TS_STATUS_GRANTED_WITH_MODS)
		return refused(s, e);
	TS_TST_INFO *info = TS_RESP_get_tst_info(rs);
	if (!info || !TS_RESP_get_token(rs))
		return wrong(e, ERR_INVALID, "the server's answer has no token");
	const ASN1_INTEGER *asked = TS_REQ_get_nonce(rq), *told = TS_TST_INFO_get_nonce(info);
	if (!asked || !told || ASN1_INTEGER_cmp(asked, told) != 0)
		return wrong(e, ERR_CORRUPT, "the answer is for another request");
	return 0;
}

/* The token's bytes, checked as they will be kept. */
static int token_take(TS_REQ *rq, TS_RESP *rs, struct buf *token, int64_t *at_ns, struct err *e)
{
	TS_MSG_IMPRINT *m = TS_REQ_get_msg_imprint(rq);
	const ASN1_OCTET_STRING *sum = m ? TS_MSG_IMPRINT_get_msg(m) : NULL;
	unsigned char *der = NULL;
	if (!sum || ASN1_STRING_length(sum) != CRYPT_SHA256_BYTES)
		return wrong(e, ERR_INVALID, "the request was not for a SHA-256");
	int n = i2d_PKCS7(TS_RESP_get_token(rs), &der);
	if (n <= 0)
		return wrong(e, ERR_NOMEM, "no memory for a token");
	int64_t at = 0;
	int rc = crypt_stamp_read(str_n((const char *)der, (size_t)n),
				  ASN1_STRING_get0_data(sum), STR_NULL, &at, e);
	if (rc == 0) {
		buf_put(token, der, (size_t)n);
		if (buf_failed(token))
			rc = wrong(e, ERR_NOMEM, "no room for a token");
	}
	OPENSSL_free(der);
	if (rc == 0)
		*at_ns = at;
	return rc;
}

int crypt_stamp_answer(struct str request, struct str answer, struct buf *token, int64_t *at_ns,
		       struct err *e)
{
	const unsigned char *q = (const unsigned char *)request.p,
			    *a = (const unsigned char *)answer.p;
	if (request.n == 0 || request.n > STAMP_MAX || answer.n == 0 || answer.n > STAMP_MAX)
		return wrong(e, ERR_INVALID, "the answer has no length that is possible");
	TS_REQ *rq = d2i_TS_REQ(NULL, &q, (long)request.n);
	TS_RESP *rs = d2i_TS_RESP(NULL, &a, (long)answer.n);
	int rc = 0;
	if (!rq || !rs || a != (const unsigned char *)answer.p + answer.n)
		rc = wrong(e, ERR_INVALID, "what the server answers is no answer of RFC 3161");
	if (rc == 0)
		rc = answer_check(rq, rs, e);
	if (rc == 0)
		rc = token_take(rq, rs, token, at_ns, e);
	TS_RESP_free(rs);
	TS_REQ_free(rq);
	return rc;
}
