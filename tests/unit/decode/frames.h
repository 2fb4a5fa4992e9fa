/* Frames as tests build them, header by header from the outside in, and what must hold for whatever
 * decode_frame makes of any bytes. */
#ifndef TEST_FRAMES_H
#define TEST_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/decode.h"

#define FRAME_MAX 4096

/* Length fields are written when the frame is complete: frame_end goes through what was noted. */
struct frame {
	uint8_t b[FRAME_MAX];
	uint32_t n;
	struct {
		uint32_t at, from; /* field; first byte that counts */
		uint32_t less;     /* bytes that do not count */
	} lengths[16];
	unsigned n_lengths;
};

static inline void put(struct frame *f, const void *p, size_t n)
{
	assert_true(n <= FRAME_MAX - f->n);
	memcpy(f->b + f->n, p, n);
	f->n += (uint32_t)n;
}
static inline void u8(struct frame *f, unsigned v)
{
	uint8_t b = (uint8_t)v;
	put(f, &b, 1);
}
static inline void u16(struct frame *f, unsigned v)
{
	u8(f, v >> 8);
	u8(f, v & 255);
}
static inline void u32(struct frame *f, uint32_t v)
{
	u16(f, v >> 16);
	u16(f, v & 0xffff);
}
static inline void zeros(struct frame *f, size_t n)
{
	while (n--)
		u8(f, 0);
}
/* A 16-bit length of everything from `from` to the end, put here. */
static inline void length_from(struct frame *f, uint32_t from, uint32_t less)
{
	assert_true(f->n_lengths < 16);
	f->lengths[f->n_lengths].at = f->n;
	f->lengths[f->n_lengths].from = from;
	f->lengths[f->n_lengths++].less = less;
	u16(f, 0);
}
static inline void frame_end(struct frame *f)
{
	for (unsigned i = 0; i < f->n_lengths; i++) {
		uint32_t v = f->n - f->lengths[i].from - f->lengths[i].less;
		f->b[f->lengths[i].at] = (uint8_t)(v >> 8);
		f->b[f->lengths[i].at + 1] = (uint8_t)v;
	}
	f->n_lengths = 0;
}

#define MAC_A "\x02\x00\x00\x00\x00\x0a"
#define MAC_B "\x02\x00\x00\x00\x00\x0b"

static inline void ether(struct frame *f, unsigned type)
{
	put(f, MAC_B, 6);
	put(f, MAC_A, 6);
	u16(f, type);
}
static inline void vlan(struct frame *f, unsigned id, unsigned type)
{
	u16(f, id);
	u16(f, type);
}
/* fragment: the 16 bits of flags and offset. */
static inline void ip4_full(struct frame *f, uint32_t src, uint32_t dst, unsigned protocol,
			    unsigned fragment)
{
	u8(f, 0x45);
	u8(f, 0);
	length_from(f, f->n - 2, 0);
	u16(f, 0x1234);
	u16(f, fragment);
	u8(f, 64);
	u8(f, protocol);
	u16(f, 0);
	u32(f, src);
	u32(f, dst);
}
static inline void ip4(struct frame *f, unsigned protocol)
{
	ip4_full(f, 0x0a010101, 0x0a020202, protocol, 0);
}
static inline void ip6(struct frame *f, unsigned next)
{
	u32(f, 0x60000000);
	length_from(f, f->n + 36, 0);
	u8(f, next);
	u8(f, 64);
	put(f, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	put(f, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
}
static inline void udp(struct frame *f, unsigned src, unsigned dst)
{
	u16(f, src);
	u16(f, dst);
	length_from(f, f->n - 4, 0);
	u16(f, 0);
}
static inline void tcp(struct frame *f, unsigned src, unsigned dst, unsigned flags)
{
	u16(f, src);
	u16(f, dst);
	u32(f, 1000);
	u32(f, 2000);
	u8(f, 0x50);
	u8(f, flags);
	u16(f, 512);
	u32(f, 0);
}
/* The packet that every wrapper in these tests holds: 192.168.1.10:40000 -> 192.168.1.20:104. */
static inline void inner4(struct frame *f)
{
	ip4_full(f, 0xc0a8010a, 0xc0a80114, 6, 0);
	tcp(f, 40000, 104, 0x18);
	put(f, "associate", 9);
}
static inline void inner6(struct frame *f)
{
	ip6(f, 17);
	udp(f, 40000, 104);
	put(f, "associate", 9);
}
#define INNER_MAC_A "\x02\x00\x00\x00\x00\x1a"
#define INNER_MAC_B "\x02\x00\x00\x00\x00\x1b"
static inline void inner_ether(struct frame *f)
{
	put(f, INNER_MAC_B INNER_MAC_A "\x08\x00", 14);
	inner4(f);
}

/* What holds for every frame, good or bad. */
static inline void packet_is_sane(const struct pkt *p, enum decode_result r, uint32_t captured)
{
	assert_true(r < DECODE_RESULTS);
	assert_int_equal(p->result, r);
	assert_int_equal(p->data_bytes, captured);
	assert_true(p->l3_off <= captured && p->l3_bytes <= captured - p->l3_off);
	assert_true(p->payload_off <= captured &&
		    p->payload_bytes <= captured - p->payload_off);
	assert_true(p->l4_off <= captured);
	assert_true(p->l4_off == 0 || p->l4_off >= p->l3_off);
	assert_true(p->payload_off == 0 || p->payload_off >= p->l4_off);
	assert_true(p->tunnel < DECODE_TUNNELS);
	if (p->key.ip_version == 0) {
		assert_true(r != DECODE_OK && r != DECODE_BAD_L4 && r != DECODE_BAD_EXT);
		assert_int_equal(p->key.l4, 0);
	} else {
		assert_true(p->key.ip_version == 4 || p->key.ip_version == 6);
		assert_true(r == DECODE_OK || r == DECODE_BAD_L4 || r == DECODE_BAD_EXT ||
			    r == DECODE_BAD_TUNNEL);
	}
}

/* Decodes a copy of exactly this size, so that sanitizers see the first byte behind it. */
static inline enum decode_result decode_bytes(uint32_t link, const uint8_t *b, uint32_t n,
					      uint32_t wire, struct pkt *p)
{
	uint8_t *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	if (n)
		memcpy(copy, b, n);
	memset(p, 0xa5, sizeof(*p));
	p->ts_ns = 7;
	p->wire_bytes = wire;
	p->data_off = 11;
	p->sensor = 3;
	enum decode_result r = decode_frame(link, copy, n, p);
	free(copy);
	packet_is_sane(p, r, n);
	assert_true(p->ts_ns == 7 && p->wire_bytes == wire && p->data_off == 11 &&
		    p->sensor == 3);
	return r;
}
static inline struct pkt decoded(uint32_t link, struct frame *f, enum decode_result want)
{
	struct pkt p;
	frame_end(f);
	enum decode_result r = decode_bytes(link, f->b, f->n, f->n, &p);
	assert_int_equal(r, want);
	return p;
}
static inline struct pkt ok(struct frame *f)
{
	return decoded(DECODE_LINK_ETHERNET, f, DECODE_OK);
}

/* Every prefix of a good frame, and every single byte of it changed. */
static inline void no_part_of_it_harms(uint32_t link, const struct frame *f)
{
	struct pkt p;
	for (uint32_t n = 0; n <= f->n; n++) {
		(void)decode_bytes(link, f->b, n, f->n, &p);
		(void)decode_bytes(link, f->b, n, n, &p);
	}
	for (uint32_t at = 0; at < f->n; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct frame g = *f;
			g.b[at] = (uint8_t)(g.b[at] ^ (1u << bit));
			(void)decode_bytes(link, g.b, g.n, g.n, &p);
		}
}

static inline void is_inner4(const struct pkt *p)
{
	struct addr a = addr_v4(0xc0a8010a), b = addr_v4(0xc0a80114);
	assert_memory_equal(&p->key.src, &a, sizeof(a));
	assert_memory_equal(&p->key.dst, &b, sizeof(b));
	assert_int_equal(p->key.src_port, 40000);
	assert_int_equal(p->key.dst_port, 104);
	assert_int_equal(p->key.l4, 6);
	assert_int_equal(p->key.ip_version, 4);
	assert_int_equal(p->payload_bytes, 9);
	assert_int_equal(p->l3_bytes, 49);
	assert_int_equal(p->ethertype, 0x0800);
	assert_true(p->flags & PKT_TCP);
	assert_false(p->flags & (PKT_CUT | PKT_BAD_L4));
}
static inline void is_inner6(const struct pkt *p)
{
	assert_int_equal(p->key.ip_version, 6);
	assert_int_equal(p->key.l4, 17);
	assert_int_equal(p->key.dst_port, 104);
	assert_int_equal(p->payload_bytes, 9);
	assert_int_equal(p->l3_bytes, 57);
}
/* The outer packet stayed: 10.1.1.1 -> 10.2.2.2. */
static inline void is_outer(const struct pkt *p)
{
	struct addr a = addr_v4(0x0a010101);
	assert_memory_equal(&p->key.src, &a, sizeof(a));
	assert_int_equal(p->key.ip_version, 4);
	assert_int_equal(p->tunnel, DECODE_TUNNEL_NONE);
}

#endif
