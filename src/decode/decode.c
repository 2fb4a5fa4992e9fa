/* decode_frame: the link types, and what is the same for all of them. Any thread; no state.
 * Formats: www.tcpdump.org/linktypes.html. */
#include "tomsd/decode.h"

#include <string.h>

#include "walk.h"

const char *const decode_result_names[DECODE_RESULTS + 1] = {
	[DECODE_OK] = "ok",
	[DECODE_NOT_IP] = "not_ip",
	[DECODE_BAD_LINK] = "bad_link",
	[DECODE_BAD_TAG] = "bad_tag",
	[DECODE_BAD_IP] = "bad_ip",
	[DECODE_BAD_IP_LENGTH] = "bad_ip_length",
	[DECODE_BAD_EXT] = "bad_extension",
	[DECODE_BAD_L4] = "bad_l4",
	[DECODE_BAD_TUNNEL] = "bad_tunnel",
	[DECODE_RESULTS] = NULL,
};

/* BSD loopback: the address family in the byte order of the machine that captured (DLT_NULL) or of
 * the network (DLT_LOOP). Families are small numbers, so the order shows. */
static enum decode_result link_null(struct walk *w)
{
	if (!has(w, 0, 4))
		return DECODE_BAD_LINK;
	uint32_t family = be32(w->f);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		return layer_ip4(w, 4);
	case 10: /* Linux */
	case 23: /* Windows */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return layer_ip6(w, 4);
	default:
		return DECODE_NOT_IP;
	}
}

/* Linux cooked capture: no destination address, but a word about it. */
static void cooked_source(struct walk *w, unsigned to_whom, unsigned address_bytes,
			  uint32_t off)
{
	if (address_bytes == 6)
		memcpy(w->p->src_mac, w->f + off, 6);
	if (to_whom == 1 || to_whom == 2) /* PACKET_BROADCAST, PACKET_MULTICAST */
		w->p->flags |= PKT_MULTI;
}

static enum decode_result cooked_type(struct walk *w, uint16_t type, uint32_t off)
{
	if (type == 0x0004) /* LINUX_SLL_P_802_2 */
		return layer_llc(w, off);
	return layer_type(w, type, off);
}

static enum decode_result link_sll(struct walk *w)
{
	if (!has(w, 0, 16))
		return DECODE_BAD_LINK;
	cooked_source(w, be16(w->f), be16(w->f + 4), 6);
	return cooked_type(w, be16(w->f + 14), 16);
}

static enum decode_result link_sll2(struct walk *w)
{
	if (!has(w, 0, 20))
		return DECODE_BAD_LINK;
	cooked_source(w, w->f[10], w->f[11], 12);
	return cooked_type(w, be16(w->f), 20);
}

bool decode_link_known(uint32_t dlt)
{
	switch (dlt) {
	case DECODE_LINK_NULL:
	case DECODE_LINK_LOOP:
	case DECODE_LINK_ETHERNET:
	case DECODE_LINK_RAW:
	case DECODE_LINK_RAW_BSD:
	case DECODE_LINK_RAW_OPENBSD:
	case DECODE_LINK_IPV4:
	case DECODE_LINK_IPV6:
	case DECODE_LINK_SLL:
	case DECODE_LINK_SLL2:
		return true;
	default:
		return false;
	}
}

static enum decode_result link_any(struct walk *w, uint32_t link)
{
	switch (link) {
	case DECODE_LINK_ETHERNET:
		return layer_ether(w, 0);
	case DECODE_LINK_NULL:
	case DECODE_LINK_LOOP:
		return link_null(w);
	case DECODE_LINK_RAW:
	case DECODE_LINK_RAW_BSD:
	case DECODE_LINK_RAW_OPENBSD:
		return layer_ip(w, 0);
	case DECODE_LINK_IPV4:
		return layer_ip4(w, 0);
	case DECODE_LINK_IPV6:
		return layer_ip6(w, 0);
	case DECODE_LINK_SLL:
		return link_sll(w);
	case DECODE_LINK_SLL2:
		return link_sll2(w);
	default:
		return DECODE_BAD_LINK;
	}
}

/* A conversation of frames that are not IP: the MACs stand in the last 6 bytes of the addresses, the
 * ethertype in both ports. */
static void key_of_macs(struct pkt *p)
{
	p->key = (struct pkt_key){ .vlan = p->key.vlan };
	memcpy(p->key.src.b + 10, p->src_mac, 6);
	memcpy(p->key.dst.b + 10, p->dst_mac, 6);
	p->key.src_port = p->key.dst_port = p->ethertype;
}

static uint64_t hash_addr(const struct addr *a)
{
	uint64_t hi, lo;
	memcpy(&hi, a->b, 8);
	memcpy(&lo, a->b + 8, 8);
	unsigned __int128 m = (unsigned __int128)(hi ^ UINT64_C(0xa0761d6478bd642f)) *
			      (lo ^ UINT64_C(0xe7037ed1a0b428db));
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Addresses only: ports are not in later fragments, and a mirror port may show the VLAN tag in one
 * direction only. The sum makes it the same for both directions. */
static uint32_t hash_pair(const struct pkt_key *k)
{
	uint64_t h = (hash_addr(&k->src) + hash_addr(&k->dst)) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)((h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93) >> 32);
}

enum decode_result decode_frame(uint32_t link, const uint8_t *frame, uint32_t captured,
				struct pkt *p)
{
	uint8_t sensor = p->sensor;
	memset((char *)p + offsetof(struct pkt, data_bytes), 0,
	       sizeof(*p) - offsetof(struct pkt, data_bytes));
	p->sensor = sensor;
	p->data_bytes = captured;
	struct walk w = {
		.f = frame,
		.end = captured,
		.said = p->wire_bytes > captured ? p->wire_bytes : captured,
		.p = p,
	};
	enum decode_result r = link_any(&w, link);
	if (r == DECODE_NOT_IP)
		key_of_macs(p);
	p->pair_hash = hash_pair(&p->key);
	p->result = (uint8_t)r;
	return r;
}
