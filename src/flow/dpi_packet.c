/* What nDPI may see: whether it will read a packet as the protocol of its flow, and packets that nobody
 * sent, for before the first payload or instead of any. Headers of RFC 791, RFC 8200 and RFC 9293;
 * checksums are left zero, the library does not look. Any thread. */
#include "dpi.h"

static void put_u16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint32_t dpi_packet_make(uint8_t p[60], const struct pkt_key *k, uint32_t seq)
{
	uint32_t ip = k->ip_version == 4 ? 20 : 40, l4 = k->l4 == 6 ? 20 : 8;
	memset(p, 0, 60);
	if (ip == 20) {
		p[0] = 0x45;
		put_u16(p + 2, ip + l4);
		p[8] = 64;
		p[9] = k->l4;
		memcpy(p + 12, k->src.b + 12, 4);
		memcpy(p + 16, k->dst.b + 12, 4);
	} else {
		p[0] = 0x60;
		put_u16(p + 4, l4);
		p[6] = k->l4;
		p[7] = 64;
		memcpy(p + 8, k->src.b, 16);
		memcpy(p + 24, k->dst.b, 16);
	}
	uint8_t *h = p + ip;
	if (k->l4 == 6 || k->l4 == 17) {
		put_u16(h, k->src_port);
		put_u16(h + 2, k->dst_port);
	}
	if (k->l4 == 17)
		put_u16(h + 4, 8);
	if (k->l4 == 6) {
		put_u16(h + 4, seq >> 16);
		put_u16(h + 6, seq);
		h[12] = 0x50;
		h[13] = 2;
		put_u16(h + 14, 65535);
	}
	return ip + l4;
}

/* The extension headers that the library walks over (4.2: hop by hop, routing, fragment, destination
 * options, mobility). Anything else it takes for the protocol itself, an AH too. */
static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 60 || next == 135;
}

bool dpi_packet_is(const uint8_t *l3, uint32_t n, const struct pkt_key *k)
{
	if (n < 20 || l3[0] >> 4 != k->ip_version)
		return false;
	if (k->ip_version == 4)
		return l3[9] == k->l4;
	if (n < 40)
		return false;
	uint8_t next = l3[6];
	for (uint32_t at = 40; is_extension(next) && at + 8 <= n;) {
		uint32_t bytes = next == 44 ? 8 : (l3[at + 1] + 1u) * 8;
		next = l3[at];
		at += bytes;
	}
	return next == k->l4;
}
