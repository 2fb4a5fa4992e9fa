/* struct buf: output that grows up to a cap. One thread. */
#include "tomsd/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES 256

void buf_init(struct buf *b, size_t cap)
{
	*b = (struct buf){ .cap = cap };
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .cap = b->cap };
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->p)
		b->p[0] = '\0';
}

/* Room for n more bytes and the NUL; false, and failed for good, when there cannot be. */
static bool reserve(struct buf *b, size_t n)
{
	size_t need;
	if (b->failed)
		return false;
	if (ckd_add(&need, b->n, n) || need > b->cap || need == SIZE_MAX) {
		b->failed = true;
		return false;
	}
	if (b->p && need < b->room)
		return true;
	size_t room = b->room < FIRST_BYTES ? FIRST_BYTES : b->room;
	while (room <= need)
		if (ckd_mul(&room, room, (size_t)2))
			room = need + 1;
	if (room - 1 > b->cap)
		room = b->cap + 1; /* cap < SIZE_MAX here, because room - 1 is above it */
	char *p = realloc(b->p, room);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->room = room;
	return true;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_str(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

void buf_cstr(struct buf *b, const char *c)
{
	buf_put(b, c, c ? strlen(c) : 0);
}

void buf_char(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_put(b, digits + at, sizeof(digits) - at);
}

void buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	if (!reserve(b, 0))
		return;
	va_list again;
	va_copy(again, ap);
	size_t room = b->room - b->n;
	int w = vsnprintf(b->p + b->n, room, fmt, ap);
	if (w < 0) {
		b->failed = true;
	} else if ((size_t)w < room) {
		b->n += (size_t)w;
	} else if (reserve(b, (size_t)w)) {
		(void)vsnprintf(b->p + b->n, (size_t)w + 1, fmt, again); /* measured above */
		b->n += (size_t)w;
	}
	b->p[b->n] = '\0'; /* a write that failed leaves nothing behind */
	va_end(again);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

char *buf_take(struct buf *b, size_t *n)
{
	char *p = reserve(b, 0) ? b->p : NULL;
	if (!p) {
		buf_fini(b);
		return NULL;
	}
	p[b->n] = '\0';
	if (n)
		*n = b->n;
	*b = (struct buf){ .cap = b->cap };
	return p;
}
