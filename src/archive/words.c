/* Lists of words: see words.h. Reading checks every length; what a damaged list says is never more than a wrong
 * "may be here", or it is told. */
#include "words.h"

#include "tomsd/base/err.h"
#include "tomsd/base/rd.h"

static void varint_put(struct buf *out, uint32_t v)
{
	while (v >= 0x80) {
		buf_char(out, (char)(v | 0x80));
		v >>= 7;
	}
	buf_char(out, (char)v);
}

/* At most 5 bytes, at most 32 bits; false: not one. */
static inline bool varint_get(const uint8_t **p, const uint8_t *end, uint32_t *v)
{
	uint64_t n = 0;
	for (unsigned shift = 0; shift < 35 && *p < end; shift += 7) {
		uint8_t b = *(*p)++;
		n |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*v = (uint32_t)n;
			return n <= UINT32_MAX;
		}
	}
	return false;
}

void words_put(struct buf *out, uint32_t word, uint32_t before)
{
	varint_put(out, word - before);
}

struct words_in words_in(struct str list)
{
	const uint8_t *p = (const uint8_t *)list.p;
	return (struct words_in){ .p = p, .end = p ? p + list.n : p, .first = true };
}

bool words_next(struct words_in *in)
{
	uint32_t step;
	if (in->p == in->end || in->damaged)
		return false;
	if (!varint_get(&in->p, in->end, &step) || (!in->first && step == 0) ||
	    ckd_add(&in->word, in->word, step)) {
		in->damaged = true;
		return false;
	}
	in->first = false;
	return true;
}

void shard_put(struct buf *out, uint32_t low, uint32_t before, const struct places *at)
{
	unsigned n = 0;
	for (unsigned i = 0; i < ARRAY_LEN(at->bits); i++)
		n += (unsigned)__builtin_popcountll(at->bits[i]);
	varint_put(out, low - before);
	if (n > WORDS_LISTED_MAX) {
		buf_char(out, 0);
		for (unsigned i = 0; i < WORDS_MASK_BYTES; i++)
			buf_char(out, (char)(at->bits[i / 8] >> (i % 8 * 8)));
		return;
	}
	buf_char(out, (char)n);
	for (unsigned i = 0; i < WORDS_PLACES; i++)
		if (places_has(at, i))
			buf_char(out, (char)i);
}

static void take_places(const uint8_t *p, unsigned n, struct places *at)
{
	if (n == 0)
		for (unsigned i = 0; i < WORDS_MASK_BYTES; i++)
			at->bits[i / 8] |= (uint64_t)p[i] << (i % 8 * 8);
	for (unsigned i = 0; i < n; i++)
		places_add(at, p[i]);
}

int shard_find(struct str shard, const uint32_t *wanted, size_t n, struct places *at)
{
	const uint8_t *p = (const uint8_t *)shard.p, *end = p ? p + shard.n : p;
	uint32_t low = 0, step;
	size_t i = 0;
	while (p < end && i < n) {
		if (!varint_get(&p, end, &step) || ckd_add(&low, low, step) || p == end)
			return -ERR_CORRUPT;
		unsigned listed = *p++;
		size_t bytes = listed ? listed : WORDS_MASK_BYTES;
		if ((size_t)(end - p) < bytes)
			return -ERR_CORRUPT;
		while (i < n && wanted[i] < low)
			i++;
		if (i < n && wanted[i] == low)
			take_places(p, listed, &at[i]);
		p += bytes;
	}
	return 0;
}
