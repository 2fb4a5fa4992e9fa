/* The walk through one frame: every layer is a function that reads its header at an offset, notes what
 * it found in the packet and calls the next one. Private to src/decode. */
#ifndef TOMSD_DECODE_WALK_H
#define TOMSD_DECODE_WALK_H

#include "tomsd/decode.h"

#define DECODE_TAGS_MAX 8     /* VLAN tags, and as many MPLS labels, of one frame */
#define DECODE_WRAPPERS_MAX 4 /* tunnels inside each other */

enum { /* ethertypes (IEEE 802, www.iana.org/assignments/ieee-802-numbers) */
       TYPE_IPV4 = 0x0800,
       TYPE_ARP = 0x0806,
       TYPE_TEB = 0x6558,
       TYPE_VLAN = 0x8100,
       TYPE_IPV6 = 0x86dd,
       TYPE_MPLS = 0x8847,
       TYPE_MPLS_UPSTREAM = 0x8848,
       TYPE_PPPOE = 0x8864,
       TYPE_QINQ = 0x88a8,
       TYPE_QINQ_OLD = 0x9100,
       TYPE_PPP = 0x880b,
       TYPE_ERSPAN = 0x88be,
       TYPE_ERSPAN_III = 0x22eb,
};
enum { /* IP protocol numbers */
       IP_HOPOPT = 0,
       IP_ICMP = 1,
       IP_IPIP = 4,
       IP_TCP = 6,
       IP_UDP = 17,
       IP_DCCP = 33,
       IP_IPV6 = 41,
       IP_ROUTING = 43,
       IP_FRAGMENT = 44,
       IP_GRE = 47,
       IP_AH = 51,
       IP_ICMPV6 = 58,
       IP_NONE = 59,
       IP_DSTOPTS = 60,
       IP_SCTP = 132,
       IP_MOBILITY = 135,
       IP_UDPLITE = 136,
       IP_HIP = 139,
       IP_SHIM6 = 140,
};

struct walk {
	const uint8_t *f; /* the frame */
	uint32_t end;  /* bytes of f that are there and belong to the innermost packet so far */
	uint32_t said; /* where that packet ends by what the headers say; may lie behind end */
	uint8_t tags, wrappers;
	bool guess; /* only a port number says that an IP packet comes here: be strict with it */
	struct pkt *p;
};

static inline uint16_t be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}
static inline uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}
/* Are n bytes at off there? */
static inline bool has(const struct walk *w, uint32_t off, uint32_t n)
{
	return off <= w->end && w->end - off >= n;
}

/* Layers. Each may be called with any off. */
typedef enum decode_result layer_fn(struct walk *w, uint32_t off);
layer_fn layer_ether, layer_llc, layer_mpls, layer_pppoe, layer_ppp; /* link.c */
layer_fn layer_ip, layer_ip4, layer_ip6; /* ip.c; layer_ip looks at the version */
layer_fn layer_gre;                      /* tunnel.c */
enum decode_result layer_type(struct walk *w, uint16_t ethertype, uint32_t off);
enum decode_result layer_l4(struct walk *w, uint8_t protocol, uint32_t off);
/* Behind a UDP header whose fields are in the packet already. */
enum decode_result layer_udp_tunnel(struct walk *w, uint32_t off);

/* Goes on inside a wrapper; when what lies there is no packet, the outer one is put back as it was. */
enum tunnel_how {
	TUNNEL_SAID = 0,  /* a header says what comes: otherwise DECODE_BAD_TUNNEL */
	TUNNEL_GUESS = 1, /* a port hints at it: otherwise the outer packet is fine as it is */
	TUNNEL_ANY = 2,   /* frames that are not IP count as well (mirrored traffic) */
};
bool tunnel_try(struct walk *w, enum decode_tunnel kind, layer_fn *layer, uint32_t off,
		unsigned how, enum decode_result *r);
enum decode_result tunnel_open(struct walk *w, enum decode_tunnel kind, layer_fn *layer,
			       uint32_t off, unsigned how);

#endif
