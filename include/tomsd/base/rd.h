/* struct rd: a cursor over outside bytes. It turns bad at the first overrun and stays bad: read all
 * fields, ask once with rd_ok(). Bad reads give 0. Big endian unless the name says le. Inline
 * because it is on the packet path. */
#ifndef TOMSD_BASE_RD_H
#define TOMSD_BASE_RD_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/str.h"

struct rd {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct rd rd_of(const void *p, size_t n)
{
	const uint8_t *b = p;
	return (struct rd){ b, b ? b + n : b, false };
}
static inline bool rd_ok(const struct rd *r) { return !r->bad; }
static inline size_t rd_left(const struct rd *r) { return (size_t)(r->end - r->p); }
/* n bytes at the cursor, which moves behind them; NULL (and bad) when they are not all there. */
static inline const uint8_t *rd_take(struct rd *r, size_t n)
{
	if (unlikely(r->bad || n > rd_left(r))) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *at = r->p;
	r->p += n;
	return at;
}
static inline void rd_skip(struct rd *r, size_t n) { (void)rd_take(r, n); }
static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *b = rd_take(r, 1);
	return b ? b[0] : 0;
}
static inline uint16_t rd_u16(struct rd *r)
{
	const uint8_t *b = rd_take(r, 2);
	return b ? (uint16_t)((unsigned)b[0] << 8 | b[1]) : (uint16_t)0;
}
static inline uint32_t rd_u32(struct rd *r)
{
	const uint8_t *b = rd_take(r, 4);
	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}
static inline uint64_t rd_u64(struct rd *r)
{
	uint64_t hi = rd_u32(r);
	return hi << 32 | rd_u32(r);
}
static inline uint16_t rd_le16(struct rd *r)
{
	const uint8_t *b = rd_take(r, 2);
	return b ? (uint16_t)((unsigned)b[1] << 8 | b[0]) : (uint16_t)0;
}
static inline uint32_t rd_le32(struct rd *r)
{
	const uint8_t *b = rd_take(r, 4);
	return b ? (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0] : 0;
}
/* A sub-cursor of n bytes; empty and bad when they are not there (r turns bad too). */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
	const uint8_t *b = rd_take(r, n);
	return b ? rd_of(b, n) : (struct rd){ NULL, NULL, true };
}

#endif
