/* SHA-256 (FIPS 180-4), MD5 (RFC 1321), HMAC (RFC 2104) and HKDF (RFC 5869). Any thread, one sum is one
 * thread's.
 *
 * By libcrypto's direct calls rather than EVP: the same code behind them (SHA extensions, AVX2), but nothing
 * is fetched, allocated or refused on the way. So a sum cannot fail, which callers rely on, a leaf of 400
 * bytes costs a quarter of a microsecond, and MD5 works under a FIPS policy, too: S3 wants it as a checksum. */
#define OPENSSL_SUPPRESS_DEPRECATED /* 3.0 would rather have EVP */
#include "tomsd/crypt.h"

#include <errno.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_BYTES 64 /* of SHA-256, for HMAC */
#define READ_BYTES (256u << 10)
/* Both sums over one piece while it is in the first-level cache. */
#define PIECE_BYTES (16u << 10)

struct crypt_sum {
	unsigned kinds;
	SHA256_CTX sha256;
	MD5_CTX md5;
};

static void sum_begin(struct crypt_sum *s, unsigned kinds)
{
	s->kinds = kinds;
	(void)SHA256_Init(&s->sha256); /* these calls say 1 and nothing else */
	(void)MD5_Init(&s->md5);
}

int crypt_sum_new(struct crypt_sum **out, unsigned kinds, struct err *e)
{
	struct crypt_sum *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NOMEM, "no memory for a sum");
	sum_begin(s, kinds);
	*out = s;
	return 0;
}

void crypt_sum_put(struct crypt_sum *s, const void *p, size_t n)
{
	const uint8_t *from = p;
	while (n > 0) {
		size_t take = n < PIECE_BYTES ? n : PIECE_BYTES;
		if (s->kinds & CRYPT_SHA256)
			(void)SHA256_Update(&s->sha256, from, take);
		if (s->kinds & CRYPT_MD5)
			(void)MD5_Update(&s->md5, from, take);
		from += take;
		n -= take;
	}
}

void crypt_sum_end(struct crypt_sum *s, uint8_t sha256[CRYPT_SHA256_BYTES],
		   uint8_t md5[CRYPT_MD5_BYTES])
{
	assert(!sha256 || s->kinds & CRYPT_SHA256);
	assert(!md5 || s->kinds & CRYPT_MD5);
	if (sha256)
		(void)SHA256_Final(sha256, &s->sha256);
	if (md5)
		(void)MD5_Final(md5, &s->md5);
	sum_begin(s, s->kinds);
}

void crypt_sum_free(struct crypt_sum *s)
{
	free(s);
}

void crypt_sha256(const void *p, size_t n, uint8_t out[CRYPT_SHA256_BYTES])
{
	SHA256_CTX c;
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, p, n);
	(void)SHA256_Final(out, &c);
}

/* Puts the whole file in; the bytes there were. */
static int sum_file(struct crypt_sum *s, int fd, uint8_t *room, uint64_t *bytes, struct err *e)
{
	uint64_t at = 0;
	for (;;) {
		ssize_t r = pread(fd, room, READ_BYTES, (off_t)at);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, errno, "reading a file for its sum");
		if (r == 0)
			break;
		crypt_sum_put(s, room, (size_t)r);
		at += (uint64_t)r;
	}
	*bytes = at;
	return 0;
}

int crypt_sum_file(int fd, unsigned kinds, uint64_t *bytes, uint8_t sha256[CRYPT_SHA256_BYTES],
		   uint8_t md5[CRYPT_MD5_BYTES], struct err *e)
{
	struct crypt_sum s;
	uint64_t n = 0;
	uint8_t *room = malloc(READ_BYTES);
	if (!room)
		return err_set(e, ERR_NOMEM, "no memory for the sum of a file");
	sum_begin(&s, kinds);
	int rc = sum_file(&s, fd, room, &n, e);
	free(room);
	if (rc)
		return rc;
	crypt_sum_end(&s, kinds & CRYPT_SHA256 ? sha256 : NULL, kinds & CRYPT_MD5 ? md5 : NULL);
	if (bytes)
		*bytes = n;
	return 0;
}

/* HMAC of pieces, so that HKDF needs no copy of them. */
struct hmac {
	SHA256_CTX inner, outer;
};

static void hmac_begin(struct hmac *h, const void *key, size_t n)
{
	uint8_t pad[BLOCK_BYTES] = { 0 };
	if (n > sizeof(pad))
		crypt_sha256(key, n, pad);
	else if (n > 0)
		memcpy(pad, key, n);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	(void)SHA256_Init(&h->inner);
	(void)SHA256_Update(&h->inner, pad, sizeof(pad));
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	(void)SHA256_Init(&h->outer);
	(void)SHA256_Update(&h->outer, pad, sizeof(pad));
	explicit_bzero(pad, sizeof(pad));
}

static void hmac_put(struct hmac *h, const void *p, size_t n)
{
	if (n > 0)
		(void)SHA256_Update(&h->inner, p, n);
}

static void hmac_end(struct hmac *h, uint8_t out[CRYPT_SHA256_BYTES])
{
	uint8_t inner[CRYPT_SHA256_BYTES];
	(void)SHA256_Final(inner, &h->inner);
	(void)SHA256_Update(&h->outer, inner, sizeof(inner));
	(void)SHA256_Final(out, &h->outer);
	explicit_bzero(inner, sizeof(inner));
	explicit_bzero(h, sizeof(*h)); /* as good as the key */
}

void crypt_hmac_sha256(const void *key, size_t n_key, const void *p, size_t n,
		       uint8_t out[CRYPT_SHA256_BYTES])
{
	struct hmac h;
	hmac_begin(&h, key, n_key);
	hmac_put(&h, p, n);
	hmac_end(&h, out);
}

void crypt_hkdf(struct str secret, struct str salt, struct str info, void *out, size_t n)
{
	uint8_t prk[CRYPT_SHA256_BYTES], t[CRYPT_SHA256_BYTES], *to = out;
	struct hmac h;
	assert(n <= 255 * sizeof(t));
	crypt_hmac_sha256(salt.p, salt.n, secret.p, secret.n, prk);
	for (uint8_t i = 1; n > 0; i++) {
		size_t take = n < sizeof(t) ? n : sizeof(t);
		hmac_begin(&h, prk, sizeof(prk));
		hmac_put(&h, t, i > 1 ? sizeof(t) : 0);
		hmac_put(&h, info.p, info.n);
		hmac_put(&h, &i, 1);
		hmac_end(&h, t);
		memcpy(to, t, take);
		to += take;
		n -= take;
	}
	explicit_bzero(prk, sizeof(prk));
	explicit_bzero(t, sizeof(t));
}
