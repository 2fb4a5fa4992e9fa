/* Certificates for tests, made by libcrypto on the spot: an authority and what it signs. P-256; valid from
 * 2020 to 2049 unless told otherwise, so that no test depends on the day. */
#ifndef TOMSD_TESTS_MADE_CERTS_H
#define TOMSD_TESTS_MADE_CERTS_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "tomsd/base/buf.h"

struct made_cert {
	X509 *cert;
	EVP_PKEY *key;
};

struct made_cert_conf {
	const char *name;
	const struct made_cert *issuer; /* NULL: signs itself and is an authority */
	const char *alt;                /* "IP:127.0.0.1"; NULL: none */
	const char *use;                /* "critical,timeStamping"; NULL: any */
	const char *from, *until;       /* "20200101000000Z"; NULL: see above */
};

#define MADE_MUST(x)             \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static inline void made_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	MADE_MUST(ext && X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static inline struct made_cert made_cert(struct made_cert_conf conf)
{
	static long serial = 1;
	struct made_cert c = { .cert = X509_new(), .key = EVP_EC_gen("P-256") };
	const struct made_cert *issuer = conf.issuer ? conf.issuer : &c;
	X509_NAME *name = X509_get_subject_name(c.cert);
	MADE_MUST(c.cert && c.key && X509_set_version(c.cert, 2) == 1);
	MADE_MUST(ASN1_INTEGER_set(X509_get_serialNumber(c.cert), serial++) == 1);
	MADE_MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					     (const unsigned char *)conf.name, -1, -1, 0) == 1);
	MADE_MUST(X509_set_issuer_name(c.cert, X509_get_subject_name(issuer->cert)) == 1);
	MADE_MUST(ASN1_TIME_set_string(X509_getm_notBefore(c.cert),
				       conf.from ? conf.from : "20200101000000Z") == 1);
	MADE_MUST(ASN1_TIME_set_string(X509_getm_notAfter(c.cert),
				       conf.until ? conf.until : "20491231000000Z") == 1);
	MADE_MUST(X509_set_pubkey(c.cert, c.key) == 1);
	made_extension(c.cert, issuer->cert, NID_basic_constraints,
		       conf.issuer ? NULL : "critical,CA:TRUE");
	made_extension(c.cert, issuer->cert, NID_subject_alt_name, conf.alt);
	made_extension(c.cert, issuer->cert, NID_ext_key_usage, conf.use);
	MADE_MUST(X509_sign(c.cert, issuer->key, EVP_sha256()) > 0);
	return c;
}

static inline void made_cert_free(struct made_cert *c)
{
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
}

/* Appends the certificate as PEM. */
static inline void made_cert_pem(const struct made_cert *c, struct buf *out)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	MADE_MUST(b && PEM_write_bio_X509(b, c->cert) == 1);
	long n = BIO_get_mem_data(b, &p);
	MADE_MUST(n > 0);
	buf_put(out, p, (size_t)n);
	BIO_free(b);
}

#endif
