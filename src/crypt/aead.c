/* AES-256-GCM (NIST SP 800-38D), 96-bit nonce, 128-bit tag behind the bytes. Any thread. */
#include "tomsd/crypt.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "why.h"

#define STEP_BYTES ((size_t)1 << 30) /* EVP counts in int */
/* SP 800-38D, 5.2.1.1: 2^39 - 256 bits under one nonce; past that the counter comes round. */
#define PLAIN_MAX ((UINT64_C(1) << 36) - 32)

/* Runs p through c; EVP_CipherUpdate does either way. */
static bool run(EVP_CIPHER_CTX *c, uint8_t *out, const uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t take = n < STEP_BYTES ? n : STEP_BYTES;
		int made = 0;
		if (EVP_CipherUpdate(c, out, &made, p, (int)take) != 1 || (size_t)made != take)
			return false;
		if (out)
			out += take;
		p += take;
		n -= take;
	}
	return true;
}

static const uint8_t *bytes_of(struct str s)
{
	return (const uint8_t *)s.p;
}

/* With key, nonce and aad in it; NULL when there is no memory. */
static EVP_CIPHER_CTX *begin(bool seals, const uint8_t key[CRYPT_KEY_BYTES],
			     const uint8_t nonce[CRYPT_NONCE_BYTES], struct str aad)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	if (c && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce, seals) == 1 &&
	    run(c, NULL, bytes_of(aad), aad.n))
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

int crypt_aead_seal(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES],
		    struct str aad, const void *p, size_t n, uint8_t *out, struct err *e)
{
	int none = 0;
	if (n > PLAIN_MAX)
		return err_set(e, ERR_RANGE, "too long to be sealed in one piece");
	EVP_CIPHER_CTX *c = begin(true, key, nonce, aad);
	bool good = c && run(c, out, p, n) && EVP_CipherFinal_ex(c, out + n, &none) == 1 &&
		    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, CRYPT_TAG_BYTES, out + n) ==
			    1;
	EVP_CIPHER_CTX_free(c);
	return good ? 0 : crypt_why(e, ERR_NOMEM, "sealing");
}

int crypt_aead_open(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES],
		    struct str aad, const void *p, size_t n, uint8_t *out, struct err *e)
{
	uint8_t tag[CRYPT_TAG_BYTES];
	const uint8_t *from = p;
	int none = 0;
	if (n < sizeof(tag) || n - sizeof(tag) > PLAIN_MAX)
		return err_set(e, ERR_CORRUPT, "sealed bytes: not of a possible length");
	n -= sizeof(tag);
	memcpy(tag, from + n, sizeof(tag));
	EVP_CIPHER_CTX *c = begin(false, key, nonce, aad);
	if (!c)
		return crypt_why(e, ERR_NOMEM, "opening what is sealed");
	bool good = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, CRYPT_TAG_BYTES, tag) == 1 &&
		    run(c, out, from, n) && EVP_CipherFinal_ex(c, tag, &none) == 1;
	EVP_CIPHER_CTX_free(c);
	ERR_clear_error();
	if (good)
		return 0;
	if (n > 0)
		explicit_bzero(out, n); /* nobody may use what did not prove itself */
	return err_set(
		e, ERR_CORRUPT,
		"sealed bytes do not open: another key, or not the bytes that were sealed");
}
