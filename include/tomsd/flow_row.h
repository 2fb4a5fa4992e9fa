/* struct flow: one conversation; a row when it ends, and one every 5 minutes while it lasts.
 * There is no field for a patient, and none may be added. */
#ifndef TOMSD_FLOW_ROW_H
#define TOMSD_FLOW_ROW_H

#include "tomsd/record.h"

enum flow_end { FLOW_END_UNKNOWN, FLOW_END_FIN, FLOW_END_RST, FLOW_END_IDLE, FLOW_END_ACTIVE /* goes on */,
	FLOW_END_EVICTED /* table full */, FLOW_END_SHUTDOWN, FLOW_END_EOF /* end of the capture file */,
	FLOW_END_REUSE /* ports taken by a new conversation */ };
enum flow_direction { FLOW_DIR_UNKNOWN, FLOW_DIR_INTERNAL, FLOW_DIR_OUTBOUND, FLOW_DIR_INBOUND, FLOW_DIR_EXTERNAL };
/* How the protocol name was found. */
enum flow_confidence { FLOW_CONF_UNKNOWN, FLOW_CONF_PORT, FLOW_CONF_IP, FLOW_CONF_CACHE, FLOW_CONF_DPI,
	FLOW_CONF_CONTENT /* our own dissector */ };
/* What `name` is. */
enum flow_name_kind { FLOW_NAME_NONE, FLOW_NAME_TLS, FLOW_NAME_DNS, FLOW_NAME_HTTP, FLOW_NAME_DHCP,
	FLOW_NAME_NETBIOS, FLOW_NAME_MDNS, FLOW_NAME_OTHER };

struct flow {
	int64_t id;            /* given by the store */
	int64_t start_ns;      /* first packet of this row (slice) */
	int64_t end_ns;        /* last packet of this row */
	int64_t flow_start_ns; /* first packet of the conversation; = start_ns unless it is a later slice */
	struct addr src, dst;  /* src: who began it (see contract: SYN-ACK first, well-known port) */
	uint64_t src_bytes, dst_bytes;     /* sent by src / by dst: bytes of frames on the wire, without FCS */
	uint64_t src_packets, dst_packets;
	uint64_t risks;        /* bit n = nDPI risk n */
	int64_t rtt_ns;        /* handshake: SYN to the ACK that closes it; 0 unknown */
	uint32_t retransmits;  /* TCP segments with bytes seen before, both directions */
	uint16_t src_port, dst_port; /* ICMP: type<<8|code as dst_port (request's), identifier as src_port */
	uint16_t vlan;         /* innermost 802.1Q tag; 0 none */
	uint16_t risk_score;
	uint8_t src_mac[6], dst_mac[6];
	uint8_t ip_version;    /* 4, 6; 0 for ARP and other frames that are not IP */
	uint8_t l4;            /* IP protocol number */
	uint8_t src_tcp_flags, dst_tcp_flags; /* OR of all seen */
	uint8_t tunnel;        /* enum decode_tunnel of the outermost wrapper taken off; 0 none */
	uint8_t end_reason;    /* enum flow_end */
	uint8_t direction;     /* enum flow_direction */
	uint8_t confidence;    /* enum flow_confidence */
	uint8_t name_kind;     /* enum flow_name_kind */
	uint8_t sensor;        /* index of the interface, 1..; 0 a file */
	char proto[24];        /* nDPI's master protocol in lower case ("tls"), or ours ("dicom") */
	char app[24];          /* nDPI's application in lower case ("youtube"); empty when the same as proto */
	char hint[24];         /* service that is usual on this port in Japanese hospitals; a hint only */
	char name[96];         /* host name asked for: SNI, DNS question, HTTP host, DHCP host ... */
	char user_agent[128];
	char ja3[33];          /* of the client */
	char detail[320];      /* JSON object: what the dissectors saw besides (alpn, ja3s, hassh, ...) */
	char medical[512];     /* JSON object: equipment facts of DICOM, HL7, BACnet; never about patients */
};
extern const struct record flow_record;
extern const char *const flow_risk_names[64]; /* by bit of risks; NULL: no name yet, shown as "risk_N" */
/* IP protocols by IANA's name in lower case: NULL / -1 when unknown. */
const char *flow_transport_name(uint8_t l4);
int flow_transport_number(struct str name);

/* struct capture_minute: what one interface carried in one minute and what was lost of it. Gaps in
 * this table are times nobody watched. */
struct capture_minute {
	int64_t id;
	int64_t at_ns;          /* start of the minute, UTC */
	uint64_t packets, bytes; /* read by us; bytes on the wire */
	uint64_t kernel_drops;  /* ring full */
	uint64_t nic_drops;     /* interface's own counter */
	uint64_t own_drops;     /* a flow thread's queue was full */
	uint64_t bad_frames;    /* truncated or lying headers, all kinds */
	uint32_t up_seconds;    /* of 60: interface was there and read */
	char interface[32];
};
extern const struct record capture_minute_record;

#endif
