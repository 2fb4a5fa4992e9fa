/* What sums, signatures and sealing cost, in nanoseconds of CPU a call: one JSON line each. bench_crypt */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/crypt.h"

#define LEAF_BYTES 400

static uint8_t bytes[1 << 20], sealed[sizeof(bytes) + CRYPT_TAG_BYTES];
static uint8_t private_key[CRYPT_KEY_BYTES], public_key[CRYPT_KEY_BYTES];
static uint8_t signature[CRYPT_SIGNATURE_BYTES], nonce[CRYPT_NONCE_BYTES];
static struct crypt_sum *both;

static void leaf(uint64_t i)
{
	bytes[0] = (uint8_t)i;
	crypt_sha256(bytes, LEAF_BYTES, signature);
}

static void leaf_of_base(uint64_t i)
{
	bytes[0] = (uint8_t)i;
	hash_sha256(bytes, LEAF_BYTES, signature);
}

/* The peer: EVP with its context and method made once. */
static void leaf_of_evp(uint64_t i)
{
	static EVP_MD_CTX *c;
	static EVP_MD *sha256;
	if (!c) {
		c = EVP_MD_CTX_new();
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	bytes[0] = (uint8_t)i;
	(void)(EVP_DigestInit_ex(c, sha256, NULL) && EVP_DigestUpdate(c, bytes, LEAF_BYTES) &&
	       EVP_DigestFinal_ex(c, signature, NULL));
}

static void mebibyte(uint64_t i)
{
	bytes[0] = (uint8_t)i;
	crypt_sha256(bytes, sizeof(bytes), signature);
}

static void mebibyte_of_base(uint64_t i)
{
	bytes[0] = (uint8_t)i;
	hash_sha256(bytes, sizeof(bytes), signature);
}

static void mebibyte_both(uint64_t i)
{
	bytes[0] = (uint8_t)i;
	crypt_sum_put(both, bytes, sizeof(bytes));
	crypt_sum_end(both, signature, signature + CRYPT_SHA256_BYTES);
}

static void hmac(uint64_t i)
{
	bytes[0] = (uint8_t)i;
	crypt_hmac_sha256(private_key, sizeof(private_key), bytes, 200, signature);
}

static void sign(uint64_t i)
{
	bytes[0] = (uint8_t)i;
	if (crypt_ed25519_sign(private_key, bytes, 4096, signature, NULL))
		abort();
}

static void verify(uint64_t i)
{
	(void)i;
	if (!crypt_ed25519_verify(public_key, bytes, 4096, signature))
		abort();
}

static void seal_mebibyte(uint64_t i)
{
	nonce[0] = (uint8_t)i;
	if (crypt_aead_seal(private_key, nonce, STR("aad"), bytes, sizeof(bytes), sealed, NULL))
		abort();
}

static void measure(const char *what, const char *who, void (*call)(uint64_t), uint64_t times)
{
	double best = 0;
	for (int round = 0; round < 5; round++) {
		int64_t before = clock_thread_cpu_ns();
		for (uint64_t i = 0; i < times; i++)
			call(i);
		double ns = (double)(clock_thread_cpu_ns() - before) / (double)times;
		best = round == 0 || ns < best ? ns : best;
	}
	printf("{\"bench\":\"crypt %s\",\"who\":\"%s\",\"cpu_ns\":%.1f}\n", what, who, best);
}

int main(void)
{
	crypt_ed25519_new(private_key, public_key);
	if (crypt_sum_new(&both, CRYPT_SHA256 | CRYPT_MD5, NULL))
		return 1;
	measure("SHA-256 of 400 bytes", "ours", leaf, 500000);
	measure("SHA-256 of 400 bytes", "base", leaf_of_base, 200000);
	measure("SHA-256 of 400 bytes", "EVP", leaf_of_evp, 500000);
	measure("SHA-256 of 1 MiB", "ours", mebibyte, 100);
	measure("SHA-256 of 1 MiB", "base", mebibyte_of_base, 20);
	measure("SHA-256 and MD5 of 1 MiB", "ours", mebibyte_both, 100);
	measure("HMAC-SHA-256 of 200 bytes", "ours", hmac, 200000);
	measure("Ed25519 sign 4 KiB", "ours", sign, 2000);
	measure("Ed25519 verify 4 KiB", "ours", verify, 2000);
	measure("AES-256-GCM seal 1 MiB", "ours", seal_mebibyte, 100);
	crypt_sum_free(both);
	return 0;
}
