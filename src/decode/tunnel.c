/* Tunnels. A port or a protocol number only hints at one: the inside is tried, and where it is no
 * packet the outer one is put back as it was. GRE (RFC 2784, 2890, source routes of RFC 1701),
 * enhanced GRE of PPTP (RFC 2637), ERSPAN I-III (draft-foschiano-erspan-03), VXLAN (RFC 7348),
 * GENEVE (RFC 8926), GTP-U version 1 (3GPP TS 29.281 sections 5 and 6). */
#include "walk.h"

#define GTPU_EXTENSIONS_MAX 8
#define GRE_ROUTES_MAX 16

/* Takes what the outer packet put into the packet and the inner one will not write over. */
static void forget_outer(struct pkt *p)
{
	p->key.src_port = p->key.dst_port = 0;
	p->l4_off = p->payload_off = p->payload_bytes = 0;
	p->frag_id = 0;
	p->flags &= PKT_MULTI;
}

bool tunnel_try(struct walk *w, enum decode_tunnel kind, layer_fn *layer, uint32_t off,
		unsigned how, enum decode_result *r)
{
	const struct pkt outer = *w->p;
	const struct walk before = *w;
	struct pkt *p = w->p;
	*r = DECODE_BAD_TUNNEL;
	if (w->wrappers >= DECODE_WRAPPERS_MAX || off > w->end)
		return false;
	w->wrappers++;
	w->guess = (how & TUNNEL_GUESS) != 0;
	forget_outer(p);
	if (p->tunnel == DECODE_TUNNEL_NONE)
		p->tunnel = (uint8_t)kind;
	p->key.ip_version = 0;
	*r = layer(w, off);
	if (p->key.ip_version != 0 ||
	    (*r == DECODE_NOT_IP && ((how & TUNNEL_ANY) || p->ethertype == TYPE_ARP)))
		return true;
	*w = before;
	*p = outer;
	return false;
}

enum decode_result tunnel_open(struct walk *w, enum decode_tunnel kind, layer_fn *layer,
			       uint32_t off, unsigned how)
{
	enum decode_result r;
	if (tunnel_try(w, kind, layer, off, how, &r))
		return r;
	/* Frames inside that are not IP (spanning tree of a bridge) are the tunnel's own traffic. */
	return (how & TUNNEL_GUESS) || r == DECODE_NOT_IP ? DECODE_OK : DECODE_BAD_TUNNEL;
}

/* Type I has no header of its own and shows by GRE without a sequence number; II has 8 bytes. */
static enum decode_result erspan_ii(struct walk *w, uint32_t off, bool sequence)
{
	if (!sequence)
		return tunnel_open(w, DECODE_TUNNEL_ERSPAN, layer_ether, off, TUNNEL_ANY);
	if (!has(w, off, 8) || w->f[off] >> 4 != 1)
		return DECODE_BAD_TUNNEL;
	return tunnel_open(w, DECODE_TUNNEL_ERSPAN, layer_ether, off + 8, TUNNEL_ANY);
}

/* III: 12 bytes, 8 more when the O bit is set; frame type 0 is Ethernet, 2 is IP. */
static enum decode_result erspan_iii(struct walk *w, uint32_t off)
{
	if (!has(w, off, 12) || w->f[off] >> 4 != 2)
		return DECODE_BAD_TUNNEL;
	unsigned frame_type = w->f[off + 10] >> 2 & 0x1f;
	off += (w->f[off + 11] & 1) ? 20 : 12;
	return tunnel_open(w, DECODE_TUNNEL_ERSPAN, frame_type == 2 ? layer_ip : layer_ether,
			   off, TUNNEL_ANY);
}

/* Source route entries (address family, offset, length, information) end with a length of 0. */
static bool gre_skip_routes(struct walk *w, uint32_t *off)
{
	for (unsigned n = 0; n < GRE_ROUTES_MAX; n++) {
		if (!has(w, *off, 4))
			return false;
		uint32_t bytes = w->f[*off + 3];
		*off += 4 + bytes;
		if (bytes == 0)
			return true;
	}
	return false;
}

static enum decode_result gre_inside(struct walk *w, uint16_t protocol, bool sequence,
				     uint32_t off)
{
	switch (protocol) {
	case TYPE_IPV4:
		return tunnel_open(w, DECODE_TUNNEL_GRE, layer_ip4, off, TUNNEL_SAID);
	case TYPE_IPV6:
		return tunnel_open(w, DECODE_TUNNEL_GRE, layer_ip6, off, TUNNEL_SAID);
	case TYPE_TEB:
		return tunnel_open(w, DECODE_TUNNEL_GRE, layer_ether, off, TUNNEL_SAID);
	case TYPE_MPLS:
		return tunnel_open(w, DECODE_TUNNEL_GRE, layer_mpls, off, TUNNEL_SAID);
	case TYPE_ERSPAN:
		return erspan_ii(w, off, sequence);
	case TYPE_ERSPAN_III:
		return erspan_iii(w, off);
	default:
		return DECODE_OK; /* a GRE packet of its own right */
	}
}

/* PPTP: the key holds length and call, a sequence number stands where there is payload. PPP inside is
 * mostly encrypted; then the GRE packet stays. */
static enum decode_result gre_pptp(struct walk *w, uint16_t flags, uint16_t protocol,
				   uint32_t off)
{
	if (protocol != TYPE_PPP || !(flags & 0x2000) || !(flags & 0x1000))
		return DECODE_OK;
	off += (flags & 0x0080) ? 16 : 12; /* with an acknowledgement number or without */
	return tunnel_open(w, DECODE_TUNNEL_GRE, layer_ppp, off, TUNNEL_GUESS);
}

enum decode_result layer_gre(struct walk *w, uint32_t off)
{
	if (!has(w, off, 4))
		return DECODE_BAD_TUNNEL;
	uint16_t flags = be16(w->f + off), protocol = be16(w->f + off + 2);
	w->p->payload_off = off + 4;
	w->p->payload_bytes = w->end - off - 4;
	if ((flags & 7) == 1)
		return gre_pptp(w, flags, protocol, off);
	if ((flags & 7) != 0)
		return DECODE_OK;
	uint32_t at = off + 4;
	at += (flags & 0xc000) ? 4 : 0; /* checksum and offset */
	at += (flags & 0x2000) ? 4 : 0; /* key */
	at += (flags & 0x1000) ? 4 : 0; /* sequence number */
	if ((flags & 0x4000) && !gre_skip_routes(w, &at))
		return DECODE_BAD_TUNNEL;
	return gre_inside(w, protocol, (flags & 0x1000) != 0, at);
}

/* The VNI is valid, and the reserved byte behind it is zero. (Group policy uses the other reserved ones.) */
static enum decode_result vxlan(struct walk *w, uint32_t off)
{
	if (!has(w, off, 8) || !(w->f[off] & 0x08) || w->f[off + 7] != 0)
		return DECODE_OK;
	return tunnel_open(w, DECODE_TUNNEL_VXLAN, layer_ether, off + 8, TUNNEL_GUESS);
}

static enum decode_result geneve(struct walk *w, uint32_t off)
{
	if (!has(w, off, 8) || w->f[off] >> 6 != 0 || w->f[off + 7] != 0)
		return DECODE_OK;
	uint32_t inside = off + 8 + (w->f[off] & 0x3fu) * 4;
	switch (be16(w->f + off + 2)) {
	case TYPE_TEB:
		return tunnel_open(w, DECODE_TUNNEL_GENEVE, layer_ether, inside, TUNNEL_GUESS);
	case TYPE_IPV4:
		return tunnel_open(w, DECODE_TUNNEL_GENEVE, layer_ip4, inside, TUNNEL_GUESS);
	case TYPE_IPV6:
		return tunnel_open(w, DECODE_TUNNEL_GENEVE, layer_ip6, inside, TUNNEL_GUESS);
	default:
		return DECODE_OK;
	}
}

/* Only user data (type 255); E, S or PN bring 4 more bytes whose last is the first extension's type.
 * An extension is as long as its first byte says (units of 4), its last byte is the next one's type. */
static enum decode_result gtpu(struct walk *w, uint32_t off)
{
	if (!has(w, off, 8) || (w->f[off] & 0xf8) != 0x30 || w->f[off + 1] != 0xff ||
	    be16(w->f + off + 2) > w->said - off - 8)
		return DECODE_OK;
	uint32_t inside = off + 8;
	if (w->f[off] & 7) {
		if (!has(w, inside, 4))
			return DECODE_OK;
		uint8_t next = (w->f[off] & 4) ? w->f[inside + 3] : 0;
		inside += 4;
		for (unsigned n = 0; next; n++) {
			uint32_t bytes = has(w, inside, 4) ? w->f[inside] * 4u : 0;
			if (!bytes || !has(w, inside, bytes) || n == GTPU_EXTENSIONS_MAX)
				return DECODE_OK;
			next = w->f[inside + bytes - 1];
			inside += bytes;
		}
	}
	return tunnel_open(w, DECODE_TUNNEL_GTPU, layer_ip, inside, TUNNEL_GUESS);
}

enum decode_result layer_udp_tunnel(struct walk *w, uint32_t off)
{
	switch (w->p->key.dst_port) {
	case 4789:
	case 8472: /* Linux before the port was assigned */
		return vxlan(w, off);
	case 6081:
		return geneve(w, off);
	case 2152:
		return gtpu(w, off);
	default:
		return DECODE_OK;
	}
}
