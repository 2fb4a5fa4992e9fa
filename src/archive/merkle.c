/* Merkle trees of RFC 6962, section 2.1: the root over a stream of leaves in memory of the tree's height, the way
 * from one leaf to the root, and the check of such a way (RFC 9162, section 2.1.3.2). Any thread, one tree is one
 * thread's.
 *
 * A tree over n leaves is a row of full trees, one for each bit of n, the largest on the left. A new leaf is a tree
 * of one; two neighbours of one size become one of twice the size. The root folds what is left from the right. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/archive.h"
#include "tomsd/crypt.h"

enum { HEIGHT_MAX = 64, HASH = CRYPT_SHA256_BYTES };

struct merkle {
	uint64_t leaves;
	size_t n; /* full trees that stand, left to right */
	uint8_t tree[HEIGHT_MAX + 1][HASH];
};

struct merkle *merkle_new(void)
{
	return calloc(1, sizeof(struct merkle));
}

void merkle_free(struct merkle *m)
{
	free(m);
}

static void node(const uint8_t left[HASH], const uint8_t right[HASH], uint8_t out[HASH])
{
	uint8_t both[1 + 2 * HASH];
	both[0] = 1;
	memcpy(both + 1, left, HASH);
	memcpy(both + 1 + HASH, right, HASH);
	crypt_sha256(both, sizeof(both), out);
}

void merkle_leaf(struct merkle *m, const uint8_t leaf_hash[HASH])
{
	memcpy(m->tree[m->n++], leaf_hash, HASH);
	for (uint64_t bits = m->leaves++; bits & 1; bits >>= 1, m->n--)
		node(m->tree[m->n - 2], m->tree[m->n - 1], m->tree[m->n - 2]);
}

void merkle_root(const struct merkle *m, uint8_t root[HASH])
{
	if (m->n == 0) {
		crypt_sha256("", 0, root);
		return;
	}
	memcpy(root, m->tree[m->n - 1], HASH);
	for (size_t i = m->n - 1; i > 0; i--)
		node(m->tree[i - 1], root, root);
}

/* Root over all[0..n), n > 0. */
static void root_of(const uint8_t (*all)[HASH], uint64_t n, uint8_t root[HASH])
{
	struct merkle m = { .n = 0 };
	for (uint64_t i = 0; i < n; i++)
		merkle_leaf(&m, all[i]);
	merkle_root(&m, root);
}

/* The largest power of two that is smaller than n; n > 1. */
static uint64_t left_part(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

size_t merkle_path(const uint8_t (*all)[HASH], uint64_t n, uint64_t leaf, uint8_t (*path)[HASH])
{
	size_t depth = 0;
	assert(leaf < n);
	/* From the root down: the sibling at every step; turned round at the end, as the way begins at the leaf. */
	while (n > 1) {
		uint64_t k = left_part(n);
		if (leaf < k) {
			root_of(all + k, n - k, path[depth++]);
			n = k;
		} else {
			root_of(all, k, path[depth++]);
			all += k;
			leaf -= k;
			n -= k;
		}
	}
	for (size_t i = 0; i < depth / 2; i++) {
		uint8_t swap[HASH];
		memcpy(swap, path[i], HASH);
		memcpy(path[i], path[depth - 1 - i], HASH);
		memcpy(path[depth - 1 - i], swap, HASH);
	}
	return depth;
}

bool merkle_path_leads(const uint8_t leaf_hash[HASH], uint64_t leaf, uint64_t n, const uint8_t (*path)[HASH],
		       size_t n_path, const uint8_t root[HASH])
{
	uint8_t at[HASH];
	if (leaf >= n)
		return false;
	uint64_t here = leaf, last = n - 1;
	memcpy(at, leaf_hash, HASH);
	for (size_t i = 0; i < n_path; i++) {
		if (last == 0)
			return false; /* longer than the tree is high */
		if ((here & 1) || here == last) {
			node(path[i], at, at);
			/* A node without a right neighbour moves up unpaired. */
			while (!(here & 1) && here != 0) {
				here >>= 1;
				last >>= 1;
			}
		} else {
			node(at, path[i], at);
		}
		here >>= 1;
		last >>= 1;
	}
	return last == 0 && memcmp(at, root, HASH) == 0;
}
