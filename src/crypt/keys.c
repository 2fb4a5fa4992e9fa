/* Ed25519 (RFC 8032) and X25519 (RFC 7748) by raw keys, and the text form of a public key (RFC 8410). Any
 * thread. */
#include "tomsd/crypt.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

#include "why.h"

#define PEM_MAX 16384

static EVP_PKEY *private_of(int type, const uint8_t key[CRYPT_KEY_BYTES])
{
	return EVP_PKEY_new_raw_private_key(type, NULL, key, CRYPT_KEY_BYTES);
}

static EVP_PKEY *public_of(int type, const uint8_t key[CRYPT_KEY_BYTES])
{
	return EVP_PKEY_new_raw_public_key(type, NULL, key, CRYPT_KEY_BYTES);
}

/* The public half of a private key; false when there is no memory for it. */
static bool public_half(int type, const uint8_t private_key[CRYPT_KEY_BYTES],
			uint8_t public_key[CRYPT_KEY_BYTES])
{
	uint8_t half[CRYPT_KEY_BYTES];
	size_t n = sizeof(half);
	EVP_PKEY *k = private_of(type, private_key);
	bool good = k && EVP_PKEY_get_raw_public_key(k, half, &n) == 1 && n == sizeof(half);
	EVP_PKEY_free(k);
	if (good)
		memcpy(public_key, half, sizeof(half));
	return good;
}

void crypt_ed25519_new(uint8_t private_key[CRYPT_KEY_BYTES],
		       uint8_t public_key[CRYPT_KEY_BYTES])
{
	file_random(private_key, CRYPT_KEY_BYTES);
	bool made = public_half(EVP_PKEY_ED25519, private_key, public_key);
	assert(made); /* once in years, at a start or by hand: no memory is no reason to go on */
	(void)made;
}

int crypt_ed25519_sign(const uint8_t private_key[CRYPT_KEY_BYTES], const void *p, size_t n,
		       uint8_t signature[CRYPT_SIGNATURE_BYTES], struct err *e)
{
	uint8_t made[CRYPT_SIGNATURE_BYTES];
	size_t n_made = sizeof(made);
	EVP_PKEY *k = private_of(EVP_PKEY_ED25519, private_key);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = k && c && EVP_DigestSignInit(c, NULL, NULL, NULL, k) == 1 &&
		    EVP_DigestSign(c, made, &n_made, p, n) == 1 && n_made == sizeof(made);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	if (!good)
		return crypt_why(e, ERR_NOMEM, "signing");
	memcpy(signature, made, sizeof(made));
	return 0;
}

bool crypt_ed25519_verify(const uint8_t public_key[CRYPT_KEY_BYTES], const void *p, size_t n,
			  const uint8_t signature[CRYPT_SIGNATURE_BYTES])
{
	EVP_PKEY *k = public_of(EVP_PKEY_ED25519, public_key);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = k && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1 &&
		    EVP_DigestVerify(c, signature, CRYPT_SIGNATURE_BYTES, p, n) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	ERR_clear_error();
	return good;
}

/* SubjectPublicKeyInfo of Ed25519 is these bytes and the key (RFC 8410, section 4). */
static const uint8_t spki_head[12] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

void crypt_ed25519_pem(const uint8_t public_key[CRYPT_KEY_BYTES], struct buf *out)
{
	uint8_t der[sizeof(spki_head) + CRYPT_KEY_BYTES];
	char text[4 * ((sizeof(der) + 2) / 3) + 1];
	memcpy(der, spki_head, sizeof(spki_head));
	memcpy(der + sizeof(spki_head), public_key, CRYPT_KEY_BYTES);
	hash_base64(der, sizeof(der), text);
	buf_fmt(out, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", text);
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

int crypt_ed25519_from_pem(struct str pem, uint8_t public_key[CRYPT_KEY_BYTES], struct err *e)
{
	uint8_t key[CRYPT_KEY_BYTES];
	size_t n = sizeof(key);
	if (pem.n == 0 || pem.n > PEM_MAX)
		return err_set(e, ERR_INVALID, "this is no public key in PEM form");
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *k = b ? PEM_read_bio_PUBKEY(b, NULL, no_passphrase, NULL) : NULL;
	bool good = k && EVP_PKEY_get_id(k) == EVP_PKEY_ED25519 &&
		    EVP_PKEY_get_raw_public_key(k, key, &n) == 1 && n == sizeof(key);
	bool other = k && !good;
	EVP_PKEY_free(k);
	BIO_free(b);
	ERR_clear_error();
	if (other)
		return err_set(e, ERR_INVALID, "this public key is not for Ed25519");
	if (!good)
		return err_set(e, ERR_INVALID, "this is no public key in PEM form");
	memcpy(public_key, key, sizeof(key));
	return 0;
}

int crypt_x25519_public(const uint8_t private_key[CRYPT_KEY_BYTES],
			uint8_t public_key[CRYPT_KEY_BYTES], struct err *e)
{
	if (!public_half(EVP_PKEY_X25519, private_key, public_key))
		return crypt_why(e, ERR_NOMEM, "making a public key");
	return 0;
}

int crypt_x25519_shared(const uint8_t private_key[CRYPT_KEY_BYTES],
			const uint8_t public_key[CRYPT_KEY_BYTES],
			uint8_t shared[CRYPT_KEY_BYTES], struct err *e)
{
	uint8_t secret[CRYPT_KEY_BYTES];
	size_t n = sizeof(secret);
	EVP_PKEY *mine = private_of(EVP_PKEY_X25519, private_key);
	EVP_PKEY *theirs = public_of(EVP_PKEY_X25519, public_key);
	EVP_PKEY_CTX *c = mine && theirs ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
	/* Points of small order make a secret of zeros, which derive refuses (RFC 7748, 6.1). */
	bool good = c && EVP_PKEY_derive_init(c) == 1 &&
		    EVP_PKEY_derive_set_peer(c, theirs) == 1 &&
		    EVP_PKEY_derive(c, secret, &n) == 1 && n == sizeof(secret);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(theirs);
	if (!good)
		return crypt_why(e, ERR_INVALID, "agreeing on a key");
	memcpy(shared, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	return 0;
}
