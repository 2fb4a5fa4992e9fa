/* Merkle trees: the published vectors, every leaf's way to the root, and no other way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tomsd/archive.h"
#include "tomsd/base/hash.h"
#include "tomsd/crypt.h"

enum { LEAVES = 70 };

static uint8_t leaves[LEAVES][32];

static int setup(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LEAVES; i++) {
		uint8_t data[2] = { 0, (uint8_t)i };
		crypt_sha256(data, sizeof(data), leaves[i]);
	}
	return 0;
}

/* RFC 6962, word by word: recursive, on purpose not as the product does it. */
static void root_by_the_book(const uint8_t (*all)[32], size_t n, uint8_t root[32])
{
	uint8_t both[65] = { 1 };
	size_t k = 1;
	if (n == 1) {
		memcpy(root, all[0], 32);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	root_by_the_book(all, k, both + 1);
	root_by_the_book(all + k, n - k, both + 33);
	crypt_sha256(both, sizeof(both), root);
}

static void root_of(size_t n, uint8_t root[32])
{
	struct merkle *m = merkle_new();
	assert_non_null(m);
	for (size_t i = 0; i < n; i++)
		merkle_leaf(m, leaves[i]);
	merkle_root(m, root);
	merkle_free(m);
}

static void the_vectors_of_certificate_transparency_come_out(void **state)
{
	(void)state;
	/* Leaves and roots of the reference implementation of RFC 6962 (merkle_tree_test). */
	static const struct {
		const char *bytes;
		size_t n;
		const char *root;
	} vectors[] = {
		{ "", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
		{ "\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
		{ "\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
		{ "\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
		{ "\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
		{ "\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
		{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8,
		  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
		{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
		  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
	};
	struct merkle *m = merkle_new();
	uint8_t hash[32], data[17] = { 0 };
	char hex[65];
	merkle_root(m, hash);
	hash_hex(hash, 32, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		memcpy(data + 1, vectors[i].bytes, vectors[i].n);
		crypt_sha256(data, vectors[i].n + 1, hash);
		merkle_leaf(m, hash);
		merkle_root(m, hash);
		hash_hex(hash, 32, hex);
		assert_string_equal(hex, vectors[i].root);
	}
	merkle_free(m);
}

static void a_stream_has_the_root_of_the_book_at_every_length(void **state)
{
	(void)state;
	for (size_t n = 1; n <= LEAVES; n++) {
		uint8_t book[32], ours[32];
		root_by_the_book((const uint8_t(*)[32])leaves, n, book);
		root_of(n, ours);
		assert_memory_equal(book, ours, 32);
	}
}

static void every_leaf_has_a_way_to_the_root_and_no_other(void **state)
{
	(void)state;
	for (size_t n = 1; n <= LEAVES; n++) {
		uint8_t root[32], path[64][32];
		const uint8_t(*way)[32] = (const uint8_t(*)[32])path;
		root_of(n, root);
		for (size_t i = 0; i < n; i++) {
			size_t steps = merkle_path((const uint8_t(*)[32])leaves, n, i, path);
			assert_true(steps <= 7);
			assert_true(merkle_path_leads(leaves[i], i, n, way, steps, root));
			for (size_t other = 0; other < n; other++)
				if (other != i)
					assert_false(merkle_path_leads(leaves[i], other, n, way, steps, root));
			assert_false(merkle_path_leads(leaves[i], n, n, way, steps, root));
			if (n > 1)
				assert_false(merkle_path_leads(leaves[(i + 1) % n], i, n, way, steps, root));
			if (steps > 0)
				assert_false(merkle_path_leads(leaves[i], i, n, way, steps - 1, root));
			assert_false(merkle_path_leads(leaves[i], i, n, way, steps + 1, root));
			for (size_t s = 0; s < steps; s++) {
				path[s][s % 32] ^= 1;
				assert_false(merkle_path_leads(leaves[i], i, n, way, steps, root));
				path[s][s % 32] ^= 1;
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_vectors_of_certificate_transparency_come_out, setup),
		cmocka_unit_test_setup(a_stream_has_the_root_of_the_book_at_every_length, setup),
		cmocka_unit_test_setup(every_leaf_has_a_way_to_the_root_and_no_other, setup),
	};
	return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
