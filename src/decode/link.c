/* Ethernet and what may stand between it and IP: VLAN tags (IEEE 802.1Q, 802.1ad), LLC/SNAP
 * (IEEE 802.2), MPLS (RFC 3032, pseudowires RFC 4385 and 4448), PPPoE sessions (RFC 2516). */
#include <string.h>

#include "walk.h"

static bool is_tag(uint16_t type)
{
	return type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD;
}

enum decode_result layer_ether(struct walk *w, uint32_t off)
{
	struct pkt *p = w->p;
	if (unlikely(!has(w, off, 14)))
		return DECODE_BAD_LINK;
	const uint8_t *h = w->f + off;
	memcpy(p->dst_mac, h, 6);
	memcpy(p->src_mac, h + 6, 6);
	p->flags = (uint8_t)((p->flags & ~PKT_MULTI) | ((h[0] & 1) ? PKT_MULTI : 0));
	return layer_type(w, be16(h + 12), off + 14);
}

/* What follows an ethertype; tags are taken off in a loop. Below 0x600 it was a length: LLC. */
enum decode_result layer_type(struct walk *w, uint16_t type, uint32_t off)
{
	while (unlikely(is_tag(type))) {
		if (!has(w, off, 4) || ++w->tags > DECODE_TAGS_MAX)
			return DECODE_BAD_TAG;
		uint16_t id = be16(w->f + off) & 0x0fff;
		if (id) /* 0 is a priority without a VLAN */
			w->p->key.vlan = id;
		type = be16(w->f + off + 2);
		off += 4;
	}
	w->p->ethertype = type;
	switch (type) {
	case TYPE_IPV4:
		return layer_ip4(w, off);
	case TYPE_IPV6:
		return layer_ip6(w, off);
	case TYPE_MPLS:
	case TYPE_MPLS_UPSTREAM:
		return layer_mpls(w, off);
	case TYPE_PPPOE:
		return layer_pppoe(w, off);
	default:
		return type < 0x600 ? layer_llc(w, off) : DECODE_NOT_IP;
	}
}

/* SNAP with the Ethernet OUI carries an ethertype. Everything else behind LLC (spanning tree, CDP,
 * IS-IS) is not IP, and has no ethertype: 0. */
enum decode_result layer_llc(struct walk *w, uint32_t off)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };
	w->p->ethertype = 0;
	if (!has(w, off, 3))
		return DECODE_BAD_LINK;
	if (!has(w, off, 8) || memcmp(w->f + off, snap, 6) != 0)
		return DECODE_NOT_IP;
	uint16_t type = be16(w->f + off + 6);
	return type < 0x600 ? DECODE_NOT_IP : layer_type(w, type, off + 8);
}

/* Nothing in MPLS says what it carries. IP shows by its version; a pseudowire has a control word that
 * begins with a zero nibble, or none; what is no packet by its content is left alone. */
enum decode_result layer_mpls(struct walk *w, uint32_t off)
{
	enum decode_result said = DECODE_NOT_IP, r;
	for (unsigned labels = 0, bottom = 0; !bottom; off += 4) {
		if (!has(w, off, 4) || ++labels > DECODE_TAGS_MAX)
			return DECODE_BAD_TAG;
		bottom = w->f[off + 2] & 1;
	}
	if (!has(w, off, 1))
		return DECODE_BAD_TAG;
	unsigned version = w->f[off] >> 4;
	if ((version == 4 || version == 6) &&
	    tunnel_try(w, DECODE_TUNNEL_MPLS, layer_ip, off, TUNNEL_SAID, &said))
		return said;
	if (version == 0 &&
	    tunnel_try(w, DECODE_TUNNEL_MPLS, layer_ether, off + 4, TUNNEL_GUESS, &r))
		return r;
	if (tunnel_try(w, DECODE_TUNNEL_MPLS, layer_ether, off, TUNNEL_GUESS, &r))
		return r;
	return said;
}

enum decode_result layer_pppoe(struct walk *w, uint32_t off)
{
	enum decode_result r;
	if (!has(w, off, 6) || w->f[off] != 0x11 || w->f[off + 1] != 0)
		return DECODE_BAD_TAG;
	uint32_t bytes = be16(w->f + off + 4);
	off += 6;
	if (w->end - off > bytes) /* link padding */
		w->end = off + bytes;
	(void)tunnel_try(w, DECODE_TUNNEL_PPPOE, layer_ppp, off, TUNNEL_SAID,
			 &r); /* r either way */
	return r;
}

/* PPP's protocol field, one byte when compressed (RFC 1661 section 6.5), behind the address and
 * control bytes that PPTP may send. Only IP is of interest; the rest is control or encrypted. */
enum decode_result layer_ppp(struct walk *w, uint32_t off)
{
	if (has(w, off, 2) && w->f[off] == 0xff && w->f[off + 1] == 0x03)
		off += 2;
	if (!has(w, off, 1))
		return DECODE_BAD_TAG;
	uint16_t protocol = w->f[off++];
	if (!(protocol & 1)) {
		if (!has(w, off, 1))
			return DECODE_BAD_TAG;
		protocol = (uint16_t)(protocol << 8 | w->f[off++]);
	}
	switch (protocol) {
	case 0x0021:
		return layer_ip4(w, off);
	case 0x0057:
		return layer_ip6(w, off);
	default:
		return DECODE_NOT_IP;
	}
}
