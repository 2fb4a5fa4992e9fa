/* XXH64 (xxhash_spec.md 0.1.1) and split-block bloom filters (parquet-format BloomFilter.md). Pure functions. */
#include "bloom.h"

#include <string.h>

static const uint64_t prime1 = UINT64_C(0x9e3779b185ebca87);
static const uint64_t prime2 = UINT64_C(0xc2b2ae3d27d4eb4f);
static const uint64_t prime3 = UINT64_C(0x165667b19e3779f9);
static const uint64_t prime4 = UINT64_C(0x85ebca77c2b2ae63);
static const uint64_t prime5 = UINT64_C(0x27d4eb2f165667c5);

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as they lie");

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static uint64_t round64(uint64_t acc, uint64_t in)
{
	return rotl(acc + in * prime2, 31) * prime1;
}

static uint64_t merge(uint64_t h, uint64_t acc)
{
	return (h ^ round64(0, acc)) * prime1 + prime4;
}

/* Four lanes over 32 bytes a step; the rest is the tail's. */
static uint64_t stripes(const uint8_t **p, const uint8_t *end)
{
	uint64_t a = prime1 + prime2, b = prime2, c = 0, d = 0 - prime1, h;

	for (; end - *p >= 32; *p += 32) {
		a = round64(a, load64(*p));
		b = round64(b, load64(*p + 8));
		c = round64(c, load64(*p + 16));
		d = round64(d, load64(*p + 24));
	}
	h = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
	h = merge(h, a);
	h = merge(h, b);
	h = merge(h, c);
	return merge(h, d);
}

uint64_t xxh64(const void *bytes, size_t n)
{
	const uint8_t *p = bytes, *end = p + n;
	uint64_t h = n >= 32 ? stripes(&p, end) : prime5;

	h += n;
	for (; end - p >= 8; p += 8)
		h = rotl(h ^ round64(0, load64(p)), 27) * prime1 + prime4;
	if (end - p >= 4) {
		h = rotl(h ^ load32(p) * prime1, 23) * prime2 + prime3;
		p += 4;
	}
	for (; p < end; p++)
		h = rotl(h ^ *p * prime5, 11) * prime1;
	h = (h ^ h >> 33) * prime2;
	h = (h ^ h >> 29) * prime3;
	return h ^ h >> 32;
}

size_t bloom_bytes(size_t n)
{
	/* 8 bits a value in 8 words: -8 / ln(1 - 0.01^(1/8)) = 9.68 bits each */
	size_t want = n + n / 4, bytes = BLOOM_BLOCK;

	while (bytes < want && bytes < BLOOM_MAX)
		bytes *= 2;
	return bytes;
}

static const uint32_t salt[8] = { 0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
				  0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u };

static uint32_t mask(uint64_t hash, unsigned word)
{
	return 1u << ((uint32_t)hash * salt[word] >> 27);
}

size_t bloom_block(size_t bytes, uint64_t hash)
{
	return (size_t)((hash >> 32) * (bytes / BLOOM_BLOCK) >> 32) * BLOOM_BLOCK;
}

void bloom_put(uint8_t *bits, size_t bytes, uint64_t hash)
{
	uint8_t *block = bits + bloom_block(bytes, hash);

	for (unsigned i = 0; i < 8; i++) {
		uint32_t word = load32(block + 4 * i) | mask(hash, i);

		memcpy(block + 4 * i, &word, sizeof(word));
	}
}

bool bloom_has(const uint8_t block[BLOOM_BLOCK], uint64_t hash)
{
	for (unsigned i = 0; i < 8; i++) {
		if (!(load32(block + 4 * i) & mask(hash, i)))
			return false;
	}
	return true;
}
