/* Frames to packets: link layers, tags, tunnels, IP and L4 headers become one flat struct pkt. Pure
 * functions over outside bytes: nothing is believed before it is there, each way a frame can lie has
 * its counter. Packet path: no allocation, no lock, no text. Any thread. */
#ifndef TOMSD_DECODE_H
#define TOMSD_DECODE_H

#include "tomsd/base/compiler.h"
#include "tomsd/record.h"

enum decode_link { /* the libpcap DLT_ numbers that we read */
	DECODE_LINK_NULL = 0, DECODE_LINK_ETHERNET = 1, DECODE_LINK_RAW_BSD = 12, DECODE_LINK_RAW = 101,
	DECODE_LINK_RAW_OPENBSD = 14, DECODE_LINK_LOOP = 108, DECODE_LINK_SLL = 113, DECODE_LINK_IPV4 = 228,
	DECODE_LINK_IPV6 = 229, DECODE_LINK_SLL2 = 276,
};
bool decode_link_known(uint32_t dlt);

enum decode_tunnel { DECODE_TUNNEL_NONE, DECODE_TUNNEL_GRE, DECODE_TUNNEL_ERSPAN, DECODE_TUNNEL_VXLAN,
	DECODE_TUNNEL_GENEVE, DECODE_TUNNEL_IPIP /* 4in4 6in4 4in6 6in6 */, DECODE_TUNNEL_GTPU, DECODE_TUNNEL_MPLS,
	DECODE_TUNNEL_PPPOE, DECODE_TUNNELS };

/* What a frame turned out to be. Everything but OK and NOT_IP is also a reason counter. Where
 * pkt.key.ip_version is not 0 the key is good, whatever the result: the frame belongs to a pair of
 * hosts (OK, BAD_L4, BAD_TUNNEL, BAD_EXT). NOT_IP has a key of MACs; the others have none. */
enum decode_result {
	DECODE_OK,           /* IP with addresses; ports where the protocol has them and they were captured */
	DECODE_NOT_IP,       /* ARP, LLDP ...: ethertype set (0: LLC without one, such as STP), MACs set; key:
			      * MACs in the last 6 bytes of the addresses, ethertype in both ports */
	DECODE_BAD_LINK,     /* link header not all there, or a link type nobody knows */
	DECODE_BAD_TAG,      /* VLAN/MPLS/PPPoE header cut or too many of them */
	DECODE_BAD_IP,       /* header length or version lies, or not captured */
	DECODE_BAD_IP_LENGTH, /* IP total length smaller than its header */
	DECODE_BAD_EXT,      /* IPv6 extension headers cut or endless */
	DECODE_BAD_L4,       /* TCP/UDP/ICMP header cut or lying: counted, the packet belongs to its IP pair */
	DECODE_BAD_TUNNEL,   /* tunnel header cut or nested deeper than 4: the outer packet is what is left */
	DECODE_RESULTS,
};
extern const char *const decode_result_names[DECODE_RESULTS + 1];

/* Key of a conversation as decoded; direction is the packet's. 40 bytes, no padding, hashed as bytes. */
struct pkt_key {
	struct addr src, dst;
	uint16_t src_port, dst_port; /* as in struct flow for ICMP */
	uint16_t vlan;
	uint8_t l4, ip_version;
};

enum pkt_flag {
	PKT_FRAG_FIRST = 1,  /* fragment with offset 0 and more to come */
	PKT_FRAG_LATER = 2,  /* fragment without ports: belongs to the flow of its first one */
	PKT_CUT = 4,         /* captured less than the IP header says: counters yes, dissectors no */
	PKT_BAD_L4 = 8,
	PKT_TCP = 16,
	PKT_MULTI = 32,      /* broadcast or multicast destination MAC */
	PKT_ANSWER = 64,     /* ICMP reply: its key is that of the request turned round, so that both meet in
			      * one flow (port of the asking side: identifier; of the other: type<<8|code of
			      * the request); seen first, the destination is still the one who began */
};

struct pkt {
	int64_t ts_ns;
	uint32_t wire_bytes;   /* of the whole frame as it was on the wire */
	uint32_t data_off;     /* of the frame in its chunk */
	uint32_t data_bytes;   /* captured */
	uint32_t l3_off;       /* innermost IP header, from the start of the frame */
	uint32_t l3_bytes;     /* captured part of the IP packet, link padding taken off */
	uint32_t l4_off;       /* from the start of the frame; 0 none */
	uint32_t payload_off;  /* from the start of the frame; L4 payload, 0 none */
	uint32_t payload_bytes; /* captured part */
	uint32_t seq, ack;     /* TCP */
	uint32_t frag_id;
	uint32_t pair_hash;    /* symmetric: same for both directions and all fragments of a host pair */
	uint16_t window;
	uint16_t ethertype;
	uint8_t tcp_flags;
	uint8_t flags;         /* enum pkt_flag */
	uint8_t tunnel;        /* enum decode_tunnel */
	uint8_t result;        /* enum decode_result */
	uint8_t sensor;        /* index of the interface, 1..; 0 a file */
	uint8_t src_mac[6], dst_mac[6];
	struct pkt_key key;
};

/* Fills *p from one frame (ts_ns, wire_bytes, data_off, sensor are the caller's and kept). link is a
 * DLT number. Returns the result that it also leaves in p->result. */
enum decode_result decode_frame(uint32_t link, const uint8_t *frame, uint32_t captured, struct pkt *p);

#endif
