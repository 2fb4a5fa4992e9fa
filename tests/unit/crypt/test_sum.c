/* Sums and what is made of them, against the vectors of their documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "tomsd/base/hash.h"
#include "tomsd/crypt.h"

/* FIPS 180-4 examples and RFC 1321, A.5 */
static const struct {
	const char *text, *sha256, *md5;
} known[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	  "d41d8cd98f00b204e9800998ecf8427e" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	  "900150983cd24fb0d6963f7d28e17f72" },
	{ "abcdefghijklmnopqrstuvwxyz",
	  "71c480df93d6ae2f1efad1447c66c9525e316218cf51fc8d9ed832f2daf18b73",
	  "c3fcd3d76192e4007dfb496cca67e13b" },
};

static void sums_are_those_of_the_standards(void **state)
{
	(void)state;
	struct crypt_sum *s = NULL;
	uint8_t sha[CRYPT_SHA256_BYTES], md5[CRYPT_MD5_BYTES];
	assert_int_equal(crypt_sum_new(&s, CRYPT_SHA256 | CRYPT_MD5, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct str text = str_of(known[i].text);
		crypt_sha256(text.p, text.n, sha);
		assert_memory_equal(sha, hex(known[i].sha256).p, sizeof(sha));
		crypt_sum_put(s, text.p, text.n);
		crypt_sum_end(s, sha, md5);
		assert_memory_equal(sha, hex(known[i].sha256).p, sizeof(sha));
		assert_memory_equal(md5, hex(known[i].md5).p, sizeof(md5));
	}
	crypt_sum_free(s);
}

static void pieces_make_the_sum_of_the_whole_however_they_are_cut(void **state)
{
	(void)state;
	enum { ALL = 70000 };
	uint8_t *all = malloc(ALL), want[32], got[32], md5[16], md5_want[16];
	struct crypt_sum *s = NULL;
	for (size_t i = 0; i < ALL; i++)
		all[i] = (uint8_t)(i * 31 >> 3);
	hash_sha256(all, ALL, want);
	assert_int_equal(crypt_sum_new(&s, CRYPT_SHA256 | CRYPT_MD5, NULL), 0);
	crypt_sum_put(s, all, ALL);
	crypt_sum_end(s, got, md5_want);
	assert_memory_equal(got, want, 32);
	for (size_t step = 1; step < 40000; step = step * 3 + 1) {
		for (size_t at = 0; at < ALL; at += step)
			crypt_sum_put(s, all + at, step < ALL - at ? step : ALL - at);
		crypt_sum_end(s, got, md5);
		assert_memory_equal(got, want, 32);
		assert_memory_equal(md5, md5_want, 16);
	}
	crypt_sum_free(s);
	free(all);
}

static void a_file_has_the_sum_of_its_bytes_and_its_position_stays(void **state)
{
	(void)state;
	char path[] = "/tmp/tomsd-sum-XXXXXX", block[5000];
	int fd = mkstemp(path);
	uint64_t bytes = 0;
	uint8_t want[32], got[32], md5[16];
	struct crypt_sum *s = NULL;
	assert_true(fd >= 0);
	(void)unlink(path);
	assert_int_equal(crypt_sum_new(&s, CRYPT_SHA256, NULL), 0);
	for (int i = 0; i < 200; i++) {
		memset(block, i, sizeof(block));
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
		crypt_sum_put(s, block, sizeof(block));
	}
	crypt_sum_end(s, want, NULL);
	assert_int_equal(lseek(fd, 17, SEEK_SET), 17);
	assert_int_equal(crypt_sum_file(fd, CRYPT_SHA256 | CRYPT_MD5, &bytes, got, md5, NULL),
			 0);
	assert_int_equal(bytes, 1000000);
	assert_memory_equal(got, want, 32);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 17);
	(void)close(fd);
	assert_true(crypt_sum_file(fd, CRYPT_SHA256, &bytes, got, NULL, NULL) < 0);
	crypt_sum_free(s);
}

static void hmac_is_that_of_rfc_4231(void **state)
{
	(void)state;
	static const struct {
		const char *key, *data, *want;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
	};
	uint8_t got[32], long_key[131];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes key = hex(cases[i].key), data = hex(cases[i].data);
		crypt_hmac_sha256(key.p, key.n, data.p, data.n, got);
		assert_memory_equal(got, hex(cases[i].want).p, 32);
	}
	memset(long_key, 0xaa, sizeof(long_key)); /* case 6 */
	struct str text = STR("Test Using Larger Than Block-Size Key - Hash Key First");
	crypt_hmac_sha256(long_key, sizeof(long_key), text.p, text.n, got);
	assert_memory_equal(
		got, hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54").p,
		32);
}

static void hkdf_is_that_of_rfc_5869(void **state)
{
	(void)state;
	static const struct {
		const char *secret, *salt, *info, *want;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
		  "f0f1f2f3f4f5f6f7f8f9",
		  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		  "34007208d5b887185865" },
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
		  "9d201395faa4b61a96c8" },
	};
	uint8_t got[64];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes secret = hex(cases[i].secret), salt = hex(cases[i].salt),
			     info = hex(cases[i].info), want = hex(cases[i].want);
		for (size_t n = 0; n <= want.n; n++) {
			memset(got, 0xee, sizeof(got));
			crypt_hkdf(view(&secret), view(&salt), view(&info), got, n);
			assert_memory_equal(got, want.p, n);
			assert_int_equal(got[n], 0xee);
		}
	}
	crypt_hkdf(STR_NULL, STR_NULL, STR_NULL, got, 32); /* nothing at all is fine, too */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_the_standards),
		cmocka_unit_test(pieces_make_the_sum_of_the_whole_however_they_are_cut),
		cmocka_unit_test(a_file_has_the_sum_of_its_bytes_and_its_position_stays),
		cmocka_unit_test(hmac_is_that_of_rfc_4231),
		cmocka_unit_test(hkdf_is_that_of_rfc_5869),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
