/* Lists of words as they lie in the index, and sets of objects of a volume. Pure functions; any thread.
 *
 * A list: for each word varint(word - the one before it; the first: word). A shard of a volume holds the words
 * with the same upper 8 bits: for each varint(lower 24 bits - those before), then which of the volume's objects have
 * it: a byte n and n places, a byte each; or 0 and 32 bytes, a bit a place, the lowest first. Varints are
 * LEB128. What is read may be damaged: it ends early and says so. */
#ifndef ARCHIVE_WORDS_H
#define ARCHIVE_WORDS_H

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"

enum { WORDS_PLACES = 256, WORDS_LISTED_MAX = 31, WORDS_MASK_BYTES = WORDS_PLACES / 8 };

/* Writing a list: words rise. */
void words_put(struct buf *out, uint32_t word, uint32_t before);
/* Reading one. */
struct words_in {
	const uint8_t *p, *end;
	uint32_t word; /* the last one given */
	bool first, damaged;
};
struct words_in words_in(struct str list);
bool words_next(struct words_in *in); /* false: no further one, or damaged */

/* Objects of a volume, by their places in it. */
struct places {
	uint64_t bits[WORDS_PLACES / 64];
};
static inline void places_add(struct places *p, unsigned at)
{
	p->bits[at / 64] |= UINT64_C(1) << (at % 64);
}
static inline bool places_has(const struct places *p, unsigned at)
{
	return p->bits[at / 64] >> (at % 64) & 1;
}
static inline bool places_or(struct places *p, const struct places *with)
{
	uint64_t any = 0;
	for (unsigned i = 0; i < ARRAY_LEN(p->bits); i++)
		any |= p->bits[i] |= with->bits[i];
	return any != 0;
}
static inline bool places_and(struct places *p, const struct places *with)
{
	uint64_t any = 0;
	for (unsigned i = 0; i < ARRAY_LEN(p->bits); i++)
		any |= p->bits[i] &= with->bits[i];
	return any != 0;
}

/* One word of a shard; low: its lower 24 bits, before: those of the word in front (0 for the first). */
void shard_put(struct buf *out, uint32_t low, uint32_t before, const struct places *at);
/* Adds to *at where each of the n wanted words (lower 24 bits, rising) is, at[i] for wanted[i]. -ERR_CORRUPT. */
int shard_find(struct str shard, const uint32_t *wanted, size_t n, struct places *at) MUST_CHECK;

#endif
