/* What is hashed for a row: 0x00, then each column of its file in its order: 0x00 for NULL; 0x01 and 8 bytes,
 * big-endian, of a number or time (two's complement); 0x02, 4 bytes of length, big-endian, and the bytes of a
 * text. Told in docs/archive.md; who seals and who proves use these lines alike. One thread. */
#ifndef TOMSD_ARCHIVE_LEAF_H
#define TOMSD_ARCHIVE_LEAF_H

#include "tomsd/base/buf.h"
#include "tomsd/crypt.h"

/* The row begins: what b held is forgotten, its memory stays. */
static inline void leaf_begin(struct buf *b)
{
	buf_reset(b);
	buf_put(b, "\0", 1);
}

static inline void leaf_null(struct buf *b)
{
	buf_put(b, "\0", 1);
}

static inline void leaf_number(struct buf *b, uint64_t v)
{
	uint8_t at[9] = { 1 };
	for (int i = 8; i > 0; i--, v >>= 8)
		at[i] = (uint8_t)v;
	buf_put(b, at, sizeof(at));
}

static inline void leaf_text(struct buf *b, struct str s)
{
	uint8_t at[5] = { 2, (uint8_t)(s.n >> 24), (uint8_t)(s.n >> 16), (uint8_t)(s.n >> 8), (uint8_t)s.n };
	buf_put(b, at, sizeof(at));
	buf_str(b, s);
}

/* False: the buffer has met its cap or memory's end, there is no hash. */
static inline bool leaf_end(const struct buf *b, uint8_t hash[CRYPT_SHA256_BYTES])
{
	if (buf_failed(b))
		return false;
	crypt_sha256(b->p, b->n, hash);
	return true;
}

#endif
