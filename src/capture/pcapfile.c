/* The pcap format: draft-ietf-opsawg-pcap, the nanosecond variant of libpcap, and the "modified" one
 * of 1990s Linux kernels (8 bytes more a record). No length is believed before its bytes are there. */
#include "pcapfile.h"

#define FILE_HEADER 24
#define SKIP_MAX (64u << 20) /* a record that says more than this is not one */

static const struct magic { /* as big-endian bytes; the swapped ones follow from them */
	uint32_t value, record_header, ns_per_tick;
} magics[] = {
	{ 0xa1b2c3d4, 16, 1000 },
	{ 0xa1b23c4d, 16, 1 },
	{ 0xa1b2cd34, 24, 1000 },
};

void pcapfile_init(struct pcapfile *f)
{
	*f = (struct pcapfile){ .format = PCAPFILE_UNKNOWN };
}

void pcapfile_lengths(const struct pcapfile_interface *i, uint32_t captured, uint32_t said,
		      struct pcapfile_packet *out)
{
	uint32_t wire = said > captured ? said : captured;
	wire = wire > i->fcs_bytes ? wire - i->fcs_bytes : 0;
	out->captured = captured < wire ? captured : wire;
	out->wire_bytes = wire;
	out->link = i->link;
}

static bool classic_begin(struct pcapfile *f, const uint8_t *p)
{
	uint32_t as_is = pcapfile_u32(f, p);
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		if (as_is != magics[i].value && __builtin_bswap32(as_is) != magics[i].value)
			continue;
		f->format = PCAPFILE_CLASSIC;
		f->swapped = as_is != magics[i].value;
		f->record_header = magics[i].record_header;
		f->ns_per_tick = magics[i].ns_per_tick;
		return true;
	}
	return false;
}

/* Link type in the lower bits; bit 26 says that the upper 4 hold the frame check sequence's length in
 * units of 16 bits. */
static void classic_link(struct pcapfile *f, uint32_t word)
{
	f->n_interfaces = 1;
	f->interfaces[0] = (struct pcapfile_interface){
		.link = word & 0x03ffffff,
		.fcs_bytes = (word & 0x04000000) ? (word >> 28) * 2 : 0,
	};
}

static enum pcapfile_step classic_next(struct pcapfile *f, const uint8_t *p, size_t n,
				       size_t *used, struct pcapfile_packet *out)
{
	if (n < f->record_header)
		return pcapfile_more(f, f->record_header);
	uint32_t captured = pcapfile_u32(f, p + 8);
	if (unlikely(captured > PCAPFILE_CAPTURED_MAX)) {
		f->seen.oversized++;
		if (captured > SKIP_MAX)
			return pcapfile_broken(f, "a record says a length that cannot be");
		f->skip = (uint64_t)f->record_header + captured;
		return PCAPFILE_NOTHING;
	}
	if (n - f->record_header < captured)
		return pcapfile_more(f, (size_t)f->record_header + captured);
	out->ts_ns = (int64_t)pcapfile_u32(f, p) * NS_PER_S +
		     (int64_t)pcapfile_u32(f, p + 4) * f->ns_per_tick;
	out->off = f->record_header;
	pcapfile_lengths(&f->interfaces[0], captured, pcapfile_u32(f, p + 12), out);
	*used = (size_t)f->record_header + captured;
	f->seen.packets++;
	return PCAPFILE_PACKET;
}

static enum pcapfile_step begin(struct pcapfile *f, const uint8_t *p, size_t n, size_t *used)
{
	if (n < 4)
		return pcapfile_more(f, 4);
	if (pcapfile_u32(f, p) == 0x0a0d0d0a) {
		f->format = PCAPFILE_NG;
		return PCAPFILE_NOTHING;
	}
	if (n < FILE_HEADER)
		return pcapfile_more(f, FILE_HEADER);
	if (!classic_begin(f, p))
		return pcapfile_broken(f, "neither pcap nor pcapng, by its first bytes");
	if (pcapfile_u16(f, p + 4) != 2) {
		f->format = PCAPFILE_UNKNOWN;
		return pcapfile_broken(f, "a pcap version that nobody knows (not 2.x)");
	}
	classic_link(f, pcapfile_u32(f, p + 20));
	*used = FILE_HEADER;
	return PCAPFILE_NOTHING;
}

enum pcapfile_step pcapfile_next(struct pcapfile *f, const uint8_t *p, size_t n, size_t *used,
				 struct pcapfile_packet *out)
{
	*used = 0;
	if (unlikely(f->skip > 0)) {
		if (n == 0)
			return pcapfile_more(f, 1);
		*used = f->skip < n ? (size_t)f->skip : n;
		f->skip -= *used;
		return PCAPFILE_NOTHING;
	}
	switch (f->format) {
	case PCAPFILE_CLASSIC:
		return classic_next(f, p, n, used, out);
	case PCAPFILE_NG:
		return pcapng_next(f, p, n, used, out);
	case PCAPFILE_UNKNOWN:
		break;
	}
	return begin(f, p, n, used);
}
