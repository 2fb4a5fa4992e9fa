/* Bytes put together by hand, and numbers that only look random: the same seed gives the same
 * day. */
#ifndef GEN_BYTES_H
#define GEN_BYTES_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/base/compiler.h"
#include "tomsd/base/hash.h"

struct gen_random {
	uint64_t state;
};

UNUSED static uint64_t gen_next(struct gen_random *r)
{
	r->state += UINT64_C(0x9e3779b97f4a7c15);
	return hash_mix64(r->state);
}
/* 0 .. n-1 */
UNUSED static unsigned gen_below(struct gen_random *r, unsigned n)
{
	return n ? (unsigned)((gen_next(r) >> 32) * n >> 32) : 0;
}
UNUSED static unsigned gen_between(struct gen_random *r, unsigned from, unsigned to)
{
	return from + gen_below(r, to - from + 1);
}

/* A growing buffer; a generator that runs out of memory ends. */
struct gen {
	uint8_t *p;
	size_t n, room;
};

UNUSED static uint8_t *gen_room(struct gen *g, size_t n)
{
	if (g->n + n > g->room) {
		g->room = (g->n + n) * 2 + 256;
		g->p = realloc(g->p, g->room);
		if (!g->p)
			abort();
	}
	g->n += n;
	return g->p + g->n - n;
}
UNUSED static void gen_put(struct gen *g, const void *p, size_t n)
{
	uint8_t *at = gen_room(g, n);
	if (n)
		memcpy(at, p, n);
}
UNUSED static void gen_text(struct gen *g, const char *c)
{
	gen_put(g, c, strlen(c));
}
UNUSED static void gen_u8(struct gen *g, unsigned v)
{
	*gen_room(g, 1) = (uint8_t)v;
}
UNUSED static void gen_be16(struct gen *g, unsigned v)
{
	gen_u8(g, v >> 8);
	gen_u8(g, v);
}
UNUSED static void gen_be24(struct gen *g, uint32_t v)
{
	gen_u8(g, v >> 16);
	gen_be16(g, v & 0xffff);
}
UNUSED static void gen_be32(struct gen *g, uint32_t v)
{
	gen_be16(g, v >> 16);
	gen_be16(g, v & 0xffff);
}
UNUSED static void gen_le16(struct gen *g, unsigned v)
{
	gen_u8(g, v);
	gen_u8(g, v >> 8);
}
UNUSED static void gen_le32(struct gen *g, uint32_t v)
{
	gen_le16(g, v & 0xffff);
	gen_le16(g, v >> 16);
}
UNUSED static void gen_fill(struct gen *g, uint8_t b, size_t n)
{
	memset(gen_room(g, n), b, n);
}
UNUSED static void gen_noise(struct gen *g, struct gen_random *r, size_t n)
{
	uint8_t *at = gen_room(g, n);
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++, v >>= 8) {
		if (i % 8 == 0)
			v = gen_next(r);
		at[i] = (uint8_t)v;
	}
}
__attribute__((format(printf, 2, 3))) UNUSED static void gen_fmt(struct gen *g, const char *fmt,
								 ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		gen_put(g, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}
/* Length fields: leave a place, fill it when the rest is there. */
UNUSED static size_t gen_mark(struct gen *g, size_t n)
{
	gen_fill(g, 0, n);
	return g->n;
}
UNUSED static void gen_len(struct gen *g, size_t mark, size_t width)
{
	size_t n = g->n - mark;
	for (size_t i = 1; i <= width; i++, n >>= 8)
		g->p[mark - i] = (uint8_t)n;
}
UNUSED static void gen_len_le(struct gen *g, size_t mark, size_t width)
{
	size_t n = g->n - mark;
	for (size_t i = width; i >= 1; i--, n >>= 8)
		g->p[mark - i] = (uint8_t)n;
}
UNUSED static void gen_reset(struct gen *g)
{
	g->n = 0;
}
UNUSED static void gen_free(struct gen *g)
{
	free(g->p);
	*g = (struct gen){ NULL, 0, 0 };
}

#endif
