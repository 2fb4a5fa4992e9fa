/* TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260), DCCP (RFC 4340), UDP-Lite (RFC 3828), ICMP (RFC 792,
 * 950, 1256), ICMPv6 (RFC 4443, 4861), and the IP protocols that carry IP: GRE, 4, 41, AH (RFC 4302).
 * Everything else has ports 0. */
#include "walk.h"

static enum decode_result bad_l4(struct walk *w)
{
	w->p->flags |= PKT_BAD_L4;
	w->p->payload_off = w->p->payload_bytes = 0;
	return DECODE_BAD_L4;
}

/* Ports: from a whole header, and from what is left of one that the capture has cut. A header that the
 * packet itself is too short for is a lie: no ports then. */
static bool l4_ports(struct walk *w, uint32_t off, uint32_t header)
{
	struct pkt *p = w->p;
	bool whole = has(w, off, header);
	if (likely(whole) || ((p->flags & PKT_CUT) && has(w, off, 4))) {
		p->key.src_port = be16(w->f + off);
		p->key.dst_port = be16(w->f + off + 2);
	}
	return whole;
}

static void l4_payload(struct walk *w, uint32_t off)
{
	w->p->payload_off = off;
	w->p->payload_bytes = w->end - off;
}

static enum decode_result l4_tcp(struct walk *w, uint32_t off)
{
	struct pkt *p = w->p;
	if (unlikely(!l4_ports(w, off, 20)))
		return bad_l4(w);
	const uint8_t *h = w->f + off;
	uint32_t header = (uint32_t)(h[12] >> 4) * 4;
	p->seq = be32(h + 4);
	p->ack = be32(h + 8);
	p->tcp_flags = h[13];
	p->window = be16(h + 14);
	p->flags |= PKT_TCP;
	if (unlikely(header < 20 || !has(w, off, header)))
		return bad_l4(w);
	l4_payload(w, off + header);
	return DECODE_OK;
}

static enum decode_result l4_udp(struct walk *w, uint32_t off)
{
	struct pkt *p = w->p;
	if (unlikely(!l4_ports(w, off, 8)))
		return bad_l4(w);
	uint32_t said = be16(w->f + off + 4), there = w->said - off;
	l4_payload(w, off + 8);
	/* 0 is a jumbogram or TSO. In a first fragment the length is that of the whole datagram. */
	if (unlikely(said && (said < 8 || (said > there && !(p->flags & PKT_FRAG_FIRST)))))
		return bad_l4(w);
	if (said && said - 8 < p->payload_bytes) {
		p->payload_bytes = said - 8;
		w->end = off + said;
	}
	if (said && said < there)
		w->said = off + said;
	return layer_udp_tunnel(w, off + 8);
}

/* Nothing else of the header is of interest. */
static enum decode_result l4_ports_only(struct walk *w, uint32_t off, uint32_t header)
{
	if (!l4_ports(w, off, header))
		return bad_l4(w);
	l4_payload(w, off + header);
	return DECODE_OK;
}

/* Questions and their answers; identifier: bytes 4 and 5 tell one conversation from the next. */
static const struct icmp_pair {
	uint8_t ip_version, ask, answer;
	bool identifier;
} icmp_pairs[] = {
	{ 4, 8, 0, true },      /* echo */
	{ 4, 10, 9, false },    /* router solicitation, advertisement */
	{ 4, 13, 14, true },    /* timestamp */
	{ 4, 15, 16, true },    /* information */
	{ 4, 17, 18, true },    /* address mask */
	{ 6, 128, 129, true },  /* echo */
	{ 6, 130, 131, false }, /* multicast listener query, report */
	{ 6, 133, 134, false }, /* router solicitation, advertisement */
	{ 6, 135, 136, false }, /* neighbour solicitation, advertisement */
	{ 6, 139, 140, false }, /* node information */
	{ 6, 144, 145, true },  /* home agent address discovery */
};

/* The key has two ports, ICMP has none: the one who asks gets the identifier as its port, the one who
 * answers type<<8|code of the question. So an answer is the question's key turned round, as with UDP.
 * What is no question and no answer (unreachable, redirect ...) goes one way: 0 -> type<<8|code. */
static enum decode_result l4_icmp(struct walk *w, uint32_t off)
{
	struct pkt *p = w->p;
	if (!has(w, off, 8))
		return bad_l4(w);
	const uint8_t *h = w->f + off;
	l4_payload(w, off + 8);
	for (size_t i = 0; i < ARRAY_LEN(icmp_pairs); i++) {
		const struct icmp_pair *pair = &icmp_pairs[i];
		if (pair->ip_version != p->key.ip_version ||
		    (h[0] != pair->ask && h[0] != pair->answer))
			continue;
		uint16_t id = pair->identifier ? be16(h + 4) : 0;
		uint16_t service = (uint16_t)(pair->ask << 8 | h[1]);
		bool answer = h[0] == pair->answer;
		p->key.src_port = answer ? service : id;
		p->key.dst_port = answer ? id : service;
		p->flags |= answer ? PKT_ANSWER : 0;
		return DECODE_OK;
	}
	p->key.dst_port = be16(h);
	return DECODE_OK;
}

/* IPv4's authentication header: what it protects is the packet's L4. Length in units of 4 bytes, less
 * 2. Another AH inside could be endless. */
static enum decode_result l4_ah(struct walk *w, uint32_t off)
{
	if (!has(w, off, 12))
		return bad_l4(w);
	uint32_t header = (w->f[off + 1] + 2u) * 4;
	uint8_t next = w->f[off];
	if (header < 12 || !has(w, off, header) || next == IP_AH)
		return bad_l4(w);
	return layer_l4(w, next, off + header);
}

/* off is not behind w->end. */
enum decode_result layer_l4(struct walk *w, uint8_t protocol, uint32_t off)
{
	w->p->key.l4 = protocol;
	w->p->l4_off = off;
	l4_payload(w, off);
	switch (protocol) {
	case IP_TCP:
		return l4_tcp(w, off);
	case IP_UDP:
		return l4_udp(w, off);
	case IP_SCTP:
	case IP_DCCP:
		return l4_ports_only(w, off, 12);
	case IP_UDPLITE:
		return l4_ports_only(w, off, 8);
	case IP_GRE:
		return layer_gre(w, off);
	case IP_IPIP:
		return tunnel_open(w, DECODE_TUNNEL_IPIP, layer_ip4, off, TUNNEL_SAID);
	case IP_IPV6:
		return tunnel_open(w, DECODE_TUNNEL_IPIP, layer_ip6, off, TUNNEL_SAID);
	case IP_AH:
		return l4_ah(w, off);
	case IP_ICMP:
		return w->p->key.ip_version == 4 ? l4_icmp(w, off) : DECODE_OK;
	case IP_ICMPV6:
		return w->p->key.ip_version == 6 ? l4_icmp(w, off) : DECODE_OK;
	default:
		return DECODE_OK;
	}
}
