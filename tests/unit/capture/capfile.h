/* Capture files as tests write them, in either byte order. */
#ifndef TEST_CAPFILE_H
#define TEST_CAPFILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/base/buf.h"

struct capfile {
	struct buf b;
	bool big; /* byte order */
};

static inline void w8(struct capfile *f, unsigned v)
{
	buf_char(&f->b, (char)v);
}
static inline void w16(struct capfile *f, unsigned v)
{
	w8(f, f->big ? v >> 8 : v & 255);
	w8(f, f->big ? v & 255 : v >> 8);
}
static inline void w32(struct capfile *f, uint32_t v)
{
	w16(f, f->big ? v >> 16 : v & 0xffff);
	w16(f, f->big ? v & 0xffff : v >> 16);
}
static inline void w64(struct capfile *f, uint64_t v)
{
	w32(f, (uint32_t)(f->big ? v >> 32 : v));
	w32(f, (uint32_t)(f->big ? v : v >> 32));
}
static inline void capfile_begin(struct capfile *f, bool big)
{
	buf_init(&f->b, 64u << 20);
	f->big = big;
}

/* pcap */
static inline void classic_header(struct capfile *f, uint32_t magic, uint32_t link)
{
	w32(f, magic);
	w16(f, 2);
	w16(f, 4);
	w32(f, 0);
	w32(f, 0);
	w32(f, 65535);
	w32(f, link);
}
static inline void classic_record(struct capfile *f, uint32_t s, uint32_t fraction,
				  const void *p, uint32_t n, uint32_t wire, unsigned extra)
{
	w32(f, s);
	w32(f, fraction);
	w32(f, n);
	w32(f, wire);
	for (unsigned i = 0; i < extra; i++)
		w8(f, 0);
	buf_put(&f->b, p, n);
}

/* pcapng: a block is begun, filled and ended, which writes its length on both sides. */
static inline size_t block(struct capfile *f, uint32_t type)
{
	w32(f, type);
	w32(f, 0);
	return f->b.n - 8;
}
static inline void block_end(struct capfile *f, size_t at)
{
	while ((f->b.n - at) % 4)
		w8(f, 0);
	uint32_t n = (uint32_t)(f->b.n - at) + 4;
	struct capfile len = { .big = f->big };
	buf_init(&len.b, 64);
	w32(&len, n);
	memcpy(f->b.p + at + 4, len.b.p, 4);
	buf_put(&f->b, len.b.p, 4);
	buf_fini(&len.b);
}
static inline void option(struct capfile *f, unsigned code, const void *p, unsigned n)
{
	w16(f, code);
	w16(f, n);
	buf_put(&f->b, p, n);
	while (n++ % 4)
		w8(f, 0);
}
static inline void section(struct capfile *f)
{
	size_t at = block(f, 0x0a0d0d0a);
	w32(f, 0x1a2b3c4d);
	w16(f, 1);
	w16(f, 0);
	w64(f, UINT64_MAX);
	block_end(f, at);
}
/* resolution < 0: none given */
static inline void interface(struct capfile *f, unsigned link, uint32_t snaplen, int resolution,
			     int64_t offset_s)
{
	size_t at = block(f, 1);
	w16(f, link);
	w16(f, 0);
	w32(f, snaplen);
	option(f, 2, "eth0", 4);
	if (resolution >= 0)
		option(f, 9, &(uint8_t){ (uint8_t)resolution }, 1);
	if (offset_s) {
		w16(f, 14);
		w16(f, 8);
		w64(f, (uint64_t)offset_s);
	}
	option(f, 0, "", 0);
	block_end(f, at);
}
static inline void enhanced(struct capfile *f, uint32_t id, uint64_t ticks, const void *p,
			    uint32_t n, uint32_t wire)
{
	size_t at = block(f, 6);
	w32(f, id);
	w32(f, (uint32_t)(ticks >> 32));
	w32(f, (uint32_t)ticks);
	w32(f, n);
	w32(f, wire);
	buf_put(&f->b, p, n);
	while (f->b.n % 4)
		w8(f, 0);
	option(f, 1, "a comment", 9);
	option(f, 0, "", 0);
	block_end(f, at);
}

#endif
