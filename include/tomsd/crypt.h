/* Cryptography, all of it from OpenSSL's libcrypto: sums, signatures, sealing of secrets and files. No
 * threads, no state of its own but the house key; any thread, one object is one thread's.
 *
 * What is used where: SHA-256 names and proves archive objects; MD5 only because S3 asks for it in
 * Content-MD5; HMAC-SHA-256 signs S3 requests; Ed25519 (RFC 8032) signs manifests; X25519 (RFC 7748), HKDF
 * (RFC 5869) and AES-256-GCM (SP 800-38D) seal backups so that only the recovery phrase opens them. */
#ifndef TOMSD_CRYPT_H
#define TOMSD_CRYPT_H

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

#define CRYPT_SHA256_BYTES 32
#define CRYPT_MD5_BYTES 16
#define CRYPT_KEY_BYTES 32 /* private and public keys of Ed25519 and X25519, AES-256 */
#define CRYPT_SIGNATURE_BYTES 64

/* Sums in pieces, with the processor's own instructions where it has them. Both at once is one pass over
 * the bytes for what S3 wants. */
struct crypt_sum;
enum crypt_sum_kind { CRYPT_SHA256 = 1, CRYPT_MD5 = 2 };
int crypt_sum_new(struct crypt_sum **out, unsigned kinds /* or-ed */, struct err *e) MUST_CHECK;
void crypt_sum_put(struct crypt_sum *s, const void *p, size_t n);
/* Ends it and begins anew; a pointer may be NULL. */
void crypt_sum_end(struct crypt_sum *s, uint8_t sha256[CRYPT_SHA256_BYTES], uint8_t md5[CRYPT_MD5_BYTES]);
void crypt_sum_free(struct crypt_sum *s);
void crypt_sha256(const void *p, size_t n, uint8_t out[CRYPT_SHA256_BYTES]); /* in one go; quick for short ones too */
/* The whole of an open file (by pread; its position stays): bytes and sums. */
int crypt_sum_file(int fd, unsigned kinds, uint64_t *bytes, uint8_t sha256[CRYPT_SHA256_BYTES],
		   uint8_t md5[CRYPT_MD5_BYTES], struct err *e) MUST_CHECK;
void crypt_hmac_sha256(const void *key, size_t n_key, const void *p, size_t n, uint8_t out[CRYPT_SHA256_BYTES]);
/* HKDF with SHA-256; salt may be empty. n at most 8,160. */
void crypt_hkdf(struct str secret, struct str salt, struct str info, void *out, size_t n);

/* Signatures. A private key is its 32-byte seed. */
void crypt_ed25519_new(uint8_t private_key[CRYPT_KEY_BYTES], uint8_t public_key[CRYPT_KEY_BYTES]);
int crypt_ed25519_sign(const uint8_t private_key[CRYPT_KEY_BYTES], const void *p, size_t n,
		       uint8_t signature[CRYPT_SIGNATURE_BYTES], struct err *e) MUST_CHECK;
bool crypt_ed25519_verify(const uint8_t public_key[CRYPT_KEY_BYTES], const void *p, size_t n,
			  const uint8_t signature[CRYPT_SIGNATURE_BYTES]);
/* "-----BEGIN PUBLIC KEY-----..." (SubjectPublicKeyInfo, RFC 8410), and back; so that openssl reads it. */
void crypt_ed25519_pem(const uint8_t public_key[CRYPT_KEY_BYTES], struct buf *out);
int crypt_ed25519_from_pem(struct str pem, uint8_t public_key[CRYPT_KEY_BYTES], struct err *e) MUST_CHECK;

/* Agreement on a key. */
int crypt_x25519_public(const uint8_t private_key[CRYPT_KEY_BYTES], uint8_t public_key[CRYPT_KEY_BYTES],
			struct err *e) MUST_CHECK;
int crypt_x25519_shared(const uint8_t private_key[CRYPT_KEY_BYTES], const uint8_t public_key[CRYPT_KEY_BYTES],
			uint8_t shared[CRYPT_KEY_BYTES], struct err *e) MUST_CHECK;

/* AES-256-GCM over one piece: out is n + 16 bytes (sealed) or n - 16 (opened). A key and nonce pair is used
 * once only. Opening says -ERR_CORRUPT for another key, other bytes or another aad; out is then zeros. p and out
 * may be the same, but not overlap otherwise. */
#define CRYPT_TAG_BYTES 16
#define CRYPT_NONCE_BYTES 12
int crypt_aead_seal(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES], struct str aad,
		    const void *p, size_t n, uint8_t *out, struct err *e) MUST_CHECK;
int crypt_aead_open(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES], struct str aad,
		    const void *p, size_t n, uint8_t *out, struct err *e) MUST_CHECK;

/* The house key seals secrets at rest (signing key, S3 and mail passwords): 32 random bytes in
 * <state>/keys/house.key (mode 0600), made at the first start; it leaves the appliance only inside a backup
 * that the recovery phrase opens. Loaded once, in init or by tomsctl; afterwards any thread. */
struct house_key;
int house_key_load(struct house_key **out, const char *state_path, bool make, struct err *e) MUST_CHECK;
void house_key_free(struct house_key *k); /* wipes it */
/* A secret as text "v1:<base64url>", bound to what it is for ("s3/tokyo/secret_key"): moved elsewhere it
 * does not open. -ERR_CORRUPT: not ours, or for something else. opened is wiped by who asked. */
int house_key_seal(const struct house_key *k, const char *what_for, struct str secret, struct buf *out,
		   struct err *e) MUST_CHECK;
int house_key_open(const struct house_key *k, const char *what_for, struct str sealed, struct buf *out,
		   struct err *e) MUST_CHECK;

/* Proof of time, RFC 3161. Request for a SHA-256, with a nonce; the answer checked against the request (not
 * against a certificate); and a token read again: when it says, for which sum. trust: PEM of certificates
 * that the token's signer must lead to, or empty: not asked. */
int crypt_stamp_request(const uint8_t sha256[CRYPT_SHA256_BYTES], struct buf *request, struct err *e) MUST_CHECK;
int crypt_stamp_answer(struct str request, struct str answer, struct buf *token, int64_t *at_ns,
		       struct err *e) MUST_CHECK;
int crypt_stamp_read(struct str token, const uint8_t sha256[CRYPT_SHA256_BYTES], struct str trust, int64_t *at_ns,
		     struct err *e) MUST_CHECK;

#endif
