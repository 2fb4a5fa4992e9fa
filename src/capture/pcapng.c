/* The pcapng format: draft-ietf-opsawg-pcapng. Sections in either byte order, interfaces with link
 * types and clocks of their own; packet blocks (enhanced, simple, and the obsolete one); everything
 * else is passed over. When a block's length is a lie, the next section header is looked for. */
#include <string.h>

#include "pcapfile.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OBSOLETE = 2,
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6
};
enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_FCSLEN = 13, OPTION_TSOFFSET = 14 };

#define BLOCK_MAX (1u << 30)
#define INTERFACE_BLOCK_READ 4096 /* options behind this are not looked at */
#define ORDER_MAGIC 0x1a2b3c4d

static uint32_t round4(uint32_t n)
{
	return (n + 3) & ~3u;
}

static enum pcapfile_step pass_over(struct pcapfile *f, uint64_t bytes)
{
	f->skip = bytes;
	return PCAPFILE_NOTHING;
}

/* A block that cannot be: nothing says where the next one begins. */
static enum pcapfile_step lost(struct pcapfile *f)
{
	f->seen.bad_blocks++;
	f->lost = true;
	return pass_over(f, 1);
}

/* 0x0a0d0d0a is the same in both orders; the magic behind it tells them apart. */
static bool section_order(struct pcapfile *f, const uint8_t *p)
{
	uint32_t magic;
	f->swapped = false;
	magic = pcapfile_u32(f, p + 8);
	f->swapped = magic == __builtin_bswap32(ORDER_MAGIC);
	return f->swapped || magic == ORDER_MAGIC;
}

static enum pcapfile_step find_section(struct pcapfile *f, const uint8_t *p, size_t n,
				       size_t *used)
{
	static const uint8_t sign[4] = { 0x0a, 0x0d, 0x0d, 0x0a };
	if (n < 12)
		return pcapfile_more(f, 12);
	const uint8_t *at = memmem(p, n - 8, sign, 4);
	*used = at ? (size_t)(at - p) : n - 11;
	if (!at || n - *used < 12)
		return PCAPFILE_NOTHING;
	f->lost = !section_order(f, at);
	*used += f->lost ? 1 : 0;
	return PCAPFILE_NOTHING;
}

static enum pcapfile_step section_block(struct pcapfile *f, const uint8_t *p, size_t n,
					uint32_t total)
{
	if (n < 16)
		return pcapfile_more(f, 16);
	if (total < 28 || pcapfile_u16(f, p + 12) != 1) /* length; major version */
		return lost(f);
	f->n_interfaces = 0;
	return pass_over(f, total);
}

/* Resolution: 10^-n, or 2^-n with the upper bit. */
static uint64_t ticks_per_s(uint8_t resolution)
{
	unsigned n = resolution & 0x7f;
	uint64_t ticks = 1;
	if (resolution & 0x80)
		return n < 63 ? UINT64_C(1) << n : 0;
	for (; n > 0 && ticks; n--)
		if (ckd_mul(&ticks, ticks, 10))
			ticks = 0;
	return ticks;
}

static void interface_option(struct pcapfile *f, struct pcapfile_interface *i, uint16_t code,
			     const uint8_t *v, uint16_t n)
{
	if (code == OPTION_TSRESOL && n >= 1)
		i->ticks_per_s = ticks_per_s(v[0]);
	else if (code == OPTION_FCSLEN && n >= 1)
		i->fcs_bytes = v[0] <= 8 ? v[0] : 0;
	else if (code == OPTION_TSOFFSET && n >= 8) {
		uint64_t one = pcapfile_u32(f, v), two = pcapfile_u32(f, v + 4);
		i->offset_s = (int64_t)(f->swapped ? two << 32 | one : one << 32 | two);
	}
}

static enum pcapfile_step interface_block(struct pcapfile *f, const uint8_t *p, size_t n,
					  uint32_t total)
{
	uint32_t want = total < INTERFACE_BLOCK_READ ? total : INTERFACE_BLOCK_READ;
	if (total < 20)
		return lost(f);
	if (n < want)
		return pcapfile_more(f, want);
	if (f->n_interfaces == PCAPFILE_INTERFACES_MAX) {
		f->seen.bad_blocks++;
		return pass_over(f, total);
	}
	struct pcapfile_interface *i = &f->interfaces[f->n_interfaces++];
	*i = (struct pcapfile_interface){
		.link = pcapfile_u16(f, p + 8),
		.snaplen = pcapfile_u32(f, p + 12),
		.ticks_per_s = 1000000,
	};
	for (uint32_t at = 16; at + 4 <= want - 4;) {
		uint16_t code = pcapfile_u16(f, p + at), bytes = pcapfile_u16(f, p + at + 2);
		if (code == OPTION_END || bytes > want - 4 - (at + 4))
			break;
		interface_option(f, i, code, p + at + 4, bytes);
		at += 4 + round4(bytes);
	}
	return pass_over(f, total);
}

/* Nanoseconds since 1970; what does not fit (before 1970, behind 2262) becomes 0 or the end. */
static int64_t ticks_to_ns(const struct pcapfile_interface *i, uint64_t ticks)
{
	__int128 ns;
	if (likely(i->ticks_per_s == 1000000))
		ns = (__int128)ticks * 1000;
	else if (i->ticks_per_s)
		ns = (__int128)ticks * NS_PER_S / i->ticks_per_s;
	else
		ns = 0; /* finer than 2^-62: 64 bits of it are less than 5 seconds */
	ns += (__int128)i->offset_s * NS_PER_S;
	return ns < 0 ? 0 : ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static enum pcapfile_step packet_out(struct pcapfile *f, size_t off, uint32_t total,
				     size_t *used, const struct pcapfile_packet *out)
{
	*used = off + out->captured;
	f->skip = total - *used;
	f->last_ns = out->ts_ns;
	f->seen.packets++;
	return PCAPFILE_PACKET;
}

/* Enhanced packet block, and the obsolete one, which has a drop count in half of the interface's
 * place. Both: 28 bytes, data, padding, options, the length again. */
static enum pcapfile_step packet_block(struct pcapfile *f, const uint8_t *p, size_t n,
				       uint32_t total, bool obsolete, size_t *used,
				       struct pcapfile_packet *out)
{
	if (total < 32)
		return lost(f);
	if (n < 28)
		return pcapfile_more(f, 28);
	uint32_t id = obsolete ? pcapfile_u16(f, p + 8) : pcapfile_u32(f, p + 8);
	uint32_t captured = pcapfile_u32(f, p + 20);
	if (captured > total - 32) {
		f->seen.bad_blocks++;
		return pass_over(f, total);
	}
	if (id >= f->n_interfaces) {
		f->seen.unknown_interface++;
		return pass_over(f, total);
	}
	if (captured > PCAPFILE_CAPTURED_MAX) {
		f->seen.oversized++;
		return pass_over(f, total);
	}
	if (n - 28 < captured)
		return pcapfile_more(f, 28 + (size_t)captured);
	const struct pcapfile_interface *i = &f->interfaces[id];
	out->ts_ns = ticks_to_ns(i, (uint64_t)pcapfile_u32(f, p + 12) << 32 |
					    pcapfile_u32(f, p + 16));
	out->off = 28;
	pcapfile_lengths(i, captured, pcapfile_u32(f, p + 24), out);
	return packet_out(f, 28, total, used, out);
}

/* No time and no captured length: of the first interface, its snaplen, the time of the one before. */
static enum pcapfile_step simple_block(struct pcapfile *f, const uint8_t *p, size_t n,
				       uint32_t total, size_t *used,
				       struct pcapfile_packet *out)
{
	if (total < 16)
		return lost(f);
	if (n < 12)
		return pcapfile_more(f, 12);
	if (f->n_interfaces == 0) {
		f->seen.unknown_interface++;
		return pass_over(f, total);
	}
	const struct pcapfile_interface *i = &f->interfaces[0];
	uint32_t said = pcapfile_u32(f, p + 8),
		 captured = said < total - 16 ? said : total - 16;
	if (i->snaplen && captured > i->snaplen)
		captured = i->snaplen;
	if (captured > PCAPFILE_CAPTURED_MAX) {
		f->seen.oversized++;
		return pass_over(f, total);
	}
	if (n - 12 < captured)
		return pcapfile_more(f, 12 + (size_t)captured);
	out->ts_ns = f->last_ns;
	out->off = 12;
	pcapfile_lengths(i, captured, said, out);
	return packet_out(f, 12, total, used, out);
}

enum pcapfile_step pcapng_next(struct pcapfile *f, const uint8_t *p, size_t n, size_t *used,
			       struct pcapfile_packet *out)
{
	if (unlikely(f->lost))
		return find_section(f, p, n, used);
	if (n < 12)
		return pcapfile_more(f, 12);
	uint32_t type = pcapfile_u32(f, p);
	if (type == BLOCK_SECTION && !section_order(f, p))
		return lost(f);
	uint32_t total = pcapfile_u32(f, p + 4);
	if (total < 12 || total > BLOCK_MAX)
		return lost(f);
	total = round4(total); /* some writers forget the padding in it */
	switch (type) {
	case BLOCK_SECTION:
		return section_block(f, p, n, total);
	case BLOCK_INTERFACE:
		return interface_block(f, p, n, total);
	case BLOCK_ENHANCED:
	case BLOCK_PACKET_OBSOLETE:
		return packet_block(f, p, n, total, type == BLOCK_PACKET_OBSOLETE, used, out);
	case BLOCK_SIMPLE:
		return simple_block(f, p, n, total, used, out);
	default:
		return pass_over(f, total);
	}
}
