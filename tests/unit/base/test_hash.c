/* Hashes against published values, and tables that no outsider can fill with collisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tomsd/base/err.h"
#include "tomsd/base/hash.h"

/* FIPS 180-4 examples (NIST CSRC) and RFC 3174, section 7.3. */
static const struct {
	const char *text;
	size_t times;
	const char *sha1, *sha256;
} facts[] = {
	{ "", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	  "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
	  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
	{ "0123456701234567012345670123456701234567012345670123456701234567", 10,
	  "dea356a2cddd90c7a7ecedc5ebb563934f460452",
	  "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5" },
};

static void sha_agrees_with_the_standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		size_t n = strlen(facts[i].text), all = n * facts[i].times;
		char *text = malloc(all + 1), hex[65];
		uint8_t sum[32];
		for (size_t at = 0; at < facts[i].times; at++)
			memcpy(text + at * n, facts[i].text, n);
		hash_sha1(text, all, sum);
		hash_hex(sum, 20, hex);
		assert_string_equal(hex, facts[i].sha1);
		hash_sha256(text, all, sum);
		hash_hex(sum, 32, hex);
		assert_string_equal(hex, facts[i].sha256);
		free(text);
	}
}

/* All lengths around the edges of blocks, hashed over: one number stands for all of them. */
static void every_length_is_padded_rightly(void **state)
{
	(void)state;
	uint8_t text[300], sums1[300 * 20], sums256[300 * 32], sum[32];
	char hex[65];
	memset(text, 'x', sizeof(text));
	for (size_t n = 0; n < sizeof(text); n++) {
		hash_sha1(text, n, sums1 + n * 20);
		hash_sha256(text, n, sums256 + n * 32);
	}
	hash_sha1(sums1, sizeof(sums1), sum);
	hash_hex(sum, 20, hex);
	assert_string_equal(hex, "4ee55c5e082bdd64918ce81e1c13898cfa230941");
	hash_sha256(sums256, sizeof(sums256), sum);
	hash_hex(sum, 32, hex);
	assert_string_equal(hex,
			    "3068c8c08e804c2be19cb16d8f13fb8cbdff841c789d00ce28ded624674b6d55");
}

static void quick_hashes_depend_on_every_byte_and_the_seed(void **state)
{
	(void)state;
	for (size_t n = 0; n < 200; n++) {
		uint8_t *p = calloc(n + 1, 1); /* exact, so that ASan sees a byte too far */
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, p, n);
		uint64_t plain = hash_bytes(exact, n, 1);
		assert_true(hash_bytes(exact, n, 1) == plain);
		assert_true(hash_bytes(exact, n, 2) != plain);
		for (size_t i = 0; i < n; i++) {
			exact[i] ^= 0x10;
			assert_true(hash_bytes(exact, n, 1) != plain);
			exact[i] ^= 0x10;
		}
		if (n > 0)
			assert_true(hash_bytes(exact, n - 1, 1) != plain);
		free(exact);
		free(p);
	}
}

static void quick_hashes_do_not_care_for_alignment(void **state)
{
	(void)state;
	char room[128];
	for (size_t at = 0; at < 16; at++) {
		memset(room + at, 'k', 45);
		char copy[45];
		memset(copy, 'k', sizeof(copy));
		assert_true(hash_bytes(room + at, 45, 9) == hash_bytes(copy, 45, 9));
	}
}

/* Each bit of the input flips each bit of the output about half the time; 13 keys in order, the
 * shape of addresses and ports, spread over buckets about evenly. */
static void quick_hashes_spread(void **state)
{
	(void)state;
	enum { BUCKETS = 1024, KEYS = 64 * BUCKETS };
	static unsigned load[2][BUCKETS];
	for (uint32_t k = 0; k < KEYS; k++) {
		uint8_t key[37] = { 10, 0, 0, 1 };
		memcpy(key + 32, &k, sizeof(k));
		uint64_t h = hash_bytes(key, sizeof(key), 77);
		load[0][h % BUCKETS]++;
		load[1][h >> 54]++;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		for (size_t which = 0; which < 2; which++)
			assert_true(load[which][i] > 20 && load[which][i] < 120);
	for (size_t bit = 0; bit < 16 * 8; bit++) {
		unsigned flips = 0;
		for (uint64_t round = 0; round < 64; round++) {
			uint64_t key[2] = { hash_mix64(round + 1), hash_mix64(round + 1000) };
			uint64_t before = hash_bytes(key, sizeof(key), 5);
			key[bit / 64] ^= UINT64_C(1) << (bit % 64);
			flips += (unsigned)__builtin_popcountll(
				before ^ hash_bytes(key, sizeof(key), 5));
		}
		assert_true(flips > 64 * 32 - 300 && flips < 64 * 32 + 300);
	}
}

static void equality_sees_every_byte(void **state)
{
	(void)state;
	char a[32] = "", b[32] = "";
	assert_true(hash_equal(a, b, sizeof(a)));
	assert_true(hash_equal(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] = (char)0x80;
		assert_false(hash_equal(a, b, sizeof(a)));
		b[i] = 0;
	}
}

/* RFC 4648, section 10. */
static void base64_agrees_with_its_rfc(void **state)
{
	(void)state;
	static const struct {
		const char *plain, *padded, *url;
	} cases[] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/", "-_-_" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[16], back[16];
		size_t n = strlen(cases[i].plain);
		hash_base64(cases[i].plain, n, text);
		assert_string_equal(text, cases[i].padded);
		hash_base64url(cases[i].plain, n, text);
		assert_string_equal(text, cases[i].url);
		assert_int_equal(hash_base64url_decode(str_of(text), back, sizeof(back)),
				 (int)n);
		assert_memory_equal(back, cases[i].plain, n);
		assert_int_equal(hash_base64url_decode(str_of(text), back, n), (int)n);
		if (n > 0)
			assert_int_equal(hash_base64url_decode(str_of(text), back, n - 1),
					 -ERR_INVALID);
	}
}

static void base64_has_one_spelling_only(void **state)
{
	(void)state;
	static const char *const bad[] = { "Z",       "Zg=",  "Zg==", "Zh",   "Zm9",
					   "Zm9vYm/", "Zm9+", "Zm 9", "Zm9vY" };
	char out[16];
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(hash_base64url_decode(str_of(bad[i]), out, sizeof(out)),
				 -ERR_INVALID);
}

static void a_hash_over_pieces_is_the_hash_of_the_whole(void **state)
{
	(void)state;
	uint8_t all[300], whole[32], pieces[32];
	struct hash_sum s;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n <= sizeof(all); n++) {
		hash_sha256(all, n, whole);
		for (size_t piece = 1; piece < 130; piece += 9) {
			hash_sum_begin(&s);
			for (size_t at = 0; at < n; at += piece)
				hash_sum_put(&s, all + at, n - at < piece ? n - at : piece);
			hash_sum_end(&s, pieces);
			assert_memory_equal(pieces, whole, sizeof(whole));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_over_pieces_is_the_hash_of_the_whole),
		cmocka_unit_test(sha_agrees_with_the_standard),
		cmocka_unit_test(every_length_is_padded_rightly),
		cmocka_unit_test(quick_hashes_depend_on_every_byte_and_the_seed),
		cmocka_unit_test(quick_hashes_do_not_care_for_alignment),
		cmocka_unit_test(quick_hashes_spread),
		cmocka_unit_test(equality_sees_every_byte),
		cmocka_unit_test(base64_agrees_with_its_rfc),
		cmocka_unit_test(base64_has_one_spelling_only),
	};
	return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
