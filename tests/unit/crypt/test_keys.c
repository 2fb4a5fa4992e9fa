/* Signatures, agreement and sealing, against the vectors of their documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"
#include "tomsd/crypt.h"

/* RFC 8032, 7.1: tests 1 to 3 */
static const struct {
	const char *private_key, *public_key, *message, *signature;
} signed_by_rfc[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39"
	  "701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f36"
	  "13d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7"
	  "60984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

static void signatures_are_those_of_rfc_8032(void **state)
{
	(void)state;
	uint8_t got[CRYPT_SIGNATURE_BYTES];
	for (size_t i = 0; i < ARRAY_LEN(signed_by_rfc); i++) {
		struct bytes private_key = hex(signed_by_rfc[i].private_key),
			     public_key = hex(signed_by_rfc[i].public_key),
			     message = hex(signed_by_rfc[i].message),
			     want = hex(signed_by_rfc[i].signature);
		assert_int_equal(
			crypt_ed25519_sign(private_key.p, message.p, message.n, got, NULL), 0);
		assert_memory_equal(got, want.p, sizeof(got));
		assert_true(crypt_ed25519_verify(public_key.p, message.p, message.n, got));
	}
}

static void no_changed_bit_of_a_signature_a_key_or_a_message_passes(void **state)
{
	(void)state;
	uint8_t private_key[32], public_key[32], signature[64], message[50] = "manifest";
	crypt_ed25519_new(private_key, public_key);
	assert_int_equal(
		crypt_ed25519_sign(private_key, message, sizeof(message), signature, NULL), 0);
	struct {
		uint8_t *p;
		size_t n;
	} parts[] = { { signature, 64 }, { public_key, 32 }, { message, 50 } };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (size_t bit = 0; bit < 8 * parts[i].n; bit++) {
			parts[i].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(crypt_ed25519_verify(public_key, message, sizeof(message),
							  signature));
			parts[i].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	assert_true(crypt_ed25519_verify(public_key, message, sizeof(message), signature));
	assert_false(crypt_ed25519_verify(public_key, message, sizeof(message) - 1, signature));
}

static void two_new_keys_are_not_the_same(void **state)
{
	(void)state;
	uint8_t a[2][32], b[2][32];
	crypt_ed25519_new(a[0], a[1]);
	crypt_ed25519_new(b[0], b[1]);
	assert_memory_not_equal(a[0], b[0], 32);
	assert_memory_not_equal(a[1], b[1], 32);
}

/* The key of RFC 8410, 10.1 and 10.3, which openssl pkey -pubout writes like that. */
#define RFC8410_PRIVATE "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842"
#define RFC8410_PUBLIC "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
static const char rfc8410_pem[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
	"-----END PUBLIC KEY-----\n";

static void a_public_key_is_written_as_openssl_writes_it(void **state)
{
	(void)state;
	struct buf b;
	uint8_t signature[64], got[32];
	buf_init(&b, 1000);
	crypt_ed25519_pem(hex(RFC8410_PUBLIC).p, &b);
	assert_string_equal(b.p, rfc8410_pem);
	assert_int_equal(crypt_ed25519_from_pem(buf_view(&b), got, NULL), 0);
	assert_memory_equal(got, hex(RFC8410_PUBLIC).p, 32);
	assert_int_equal(crypt_ed25519_sign(hex(RFC8410_PRIVATE).p, "x", 1, signature, NULL),
			 0);
	assert_true(crypt_ed25519_verify(got, "x", 1, signature));
	buf_fini(&b);
}

static void what_is_no_ed25519_key_is_refused_with_words(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"hello",
		"-----BEGIN PUBLIC KEY-----\n",
		/* X25519, of openssl genpkey -algorithm X25519 */
		"-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
		"-----END PUBLIC KEY-----\n",
		/* one that wants a passphrase: nobody is asked */
		"-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
		"DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\n"
		"MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
		"-----END PUBLIC KEY-----\n",
	};
	uint8_t got[32], before[32] = { 1, 2, 3 };
	memcpy(got, before, sizeof(got));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;
		assert_int_equal(crypt_ed25519_from_pem(str_of(bad[i]), got, &e), -ERR_INVALID);
		assert_true(e.text[0]);
	}
	for (size_t n = 0; n < strlen(rfc8410_pem) - 2; n++)
		assert_int_equal(crypt_ed25519_from_pem(str_n(rfc8410_pem, n), got, NULL),
				 -ERR_INVALID);
	assert_memory_equal(got, before, sizeof(got));
}

/* RFC 7748, 6.1 */
#define ALICE_PRIVATE "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
#define ALICE_PUBLIC "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define BOB_PRIVATE "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
#define BOB_PUBLIC "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define SHARED "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"

static void two_sides_agree_as_in_rfc_7748(void **state)
{
	(void)state;
	struct bytes alice = hex(ALICE_PRIVATE), bob = hex(BOB_PRIVATE);
	uint8_t got[32];
	assert_int_equal(crypt_x25519_public(alice.p, got, NULL), 0);
	assert_memory_equal(got, hex(ALICE_PUBLIC).p, 32);
	assert_int_equal(crypt_x25519_public(bob.p, got, NULL), 0);
	assert_memory_equal(got, hex(BOB_PUBLIC).p, 32);
	assert_int_equal(crypt_x25519_shared(alice.p, hex(BOB_PUBLIC).p, got, NULL), 0);
	assert_memory_equal(got, hex(SHARED).p, 32);
	assert_int_equal(crypt_x25519_shared(bob.p, hex(ALICE_PUBLIC).p, got, NULL), 0);
	assert_memory_equal(got, hex(SHARED).p, 32);
}

static void a_public_key_that_makes_no_secret_is_refused(void **state)
{
	(void)state;
	uint8_t zeros[32] = { 0 }, one[32] = { 1 }, got[32];
	struct err e = ERR_INIT;
	struct bytes alice = hex(ALICE_PRIVATE);
	assert_int_equal(crypt_x25519_shared(alice.p, zeros, got, &e), -ERR_INVALID);
	assert_int_equal(crypt_x25519_shared(alice.p, one, got, &e), -ERR_INVALID);
}

/* The GCM specification of McGrew and Viega, test cases 13, 14 and 16, which NIST took over. */
static const struct {
	const char *key, *nonce, *aad, *plain, *sealed;
} gcm[] = {
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	  "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	  "000000000000000000000000", "", "00000000000000000000000000000000",
	  "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	  "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e"
	  "2449a6b525b16aedf5aa0de657ba637b39",
	  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b"
	  "1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
};

static void sealing_is_that_of_the_gcm_specification(void **state)
{
	(void)state;
	uint8_t out[256];
	for (size_t i = 0; i < ARRAY_LEN(gcm); i++) {
		struct bytes key = hex(gcm[i].key), nonce = hex(gcm[i].nonce),
			     aad = hex(gcm[i].aad), plain = hex(gcm[i].plain),
			     sealed = hex(gcm[i].sealed);
		assert_int_equal(crypt_aead_seal(key.p, nonce.p, view(&aad), plain.p, plain.n,
						 out, NULL),
				 0);
		assert_memory_equal(out, sealed.p, sealed.n);
		/* and back, in place */
		assert_int_equal(crypt_aead_open(key.p, nonce.p, view(&aad), out, sealed.n, out,
						 NULL),
				 0);
		assert_memory_equal(out, plain.p, plain.n);
	}
}

static void nothing_opens_but_what_was_sealed(void **state)
{
	(void)state;
	struct bytes key = hex(gcm[2].key), nonce = hex(gcm[2].nonce), aad = hex(gcm[2].aad),
		     sealed = hex(gcm[2].sealed);
	uint8_t out[256], zeros[256] = { 0 };
	struct bytes *parts[] = { &key, &nonce, &aad, &sealed };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (size_t bit = 0; bit < 8 * parts[i]->n; bit++) {
			parts[i]->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			memset(out, 0xee, sizeof(out));
			assert_int_equal(crypt_aead_open(key.p, nonce.p, view(&aad), sealed.p,
							 sealed.n, out, NULL),
					 -ERR_CORRUPT);
			assert_memory_equal(out, zeros, sealed.n - CRYPT_TAG_BYTES);
			parts[i]->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	for (size_t n = 0; n < sealed.n; n++)
		assert_int_equal(crypt_aead_open(key.p, nonce.p, view(&aad), sealed.p, n, out,
						 NULL),
				 -ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_those_of_rfc_8032),
		cmocka_unit_test(no_changed_bit_of_a_signature_a_key_or_a_message_passes),
		cmocka_unit_test(two_new_keys_are_not_the_same),
		cmocka_unit_test(a_public_key_is_written_as_openssl_writes_it),
		cmocka_unit_test(what_is_no_ed25519_key_is_refused_with_words),
		cmocka_unit_test(two_sides_agree_as_in_rfc_7748),
		cmocka_unit_test(a_public_key_that_makes_no_secret_is_refused),
		cmocka_unit_test(sealing_is_that_of_the_gcm_specification),
		cmocka_unit_test(nothing_opens_but_what_was_sealed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
