/* The table of struct flow: every stored column once. What outsiders see of it is flow_out.c. */
#include "tomsd/flow_row.h"

#include "flow_out.h"

static const char *const end_names[] = { "", "fin", "rst", "idle", "active", "evicted", "shutdown", "eof", "reuse",
					 NULL };
static const char *const direction_names[] = { "", "internal", "outbound", "inbound", "external", NULL };
static const char *const confidence_names[] = { "", "port", "address", "cache", "dpi", "content", NULL };
static const char *const name_kind_names[] = { "", "tls", "dns", "http", "dhcp", "netbios", "mdns", "other", NULL };
/* in the order of enum decode_tunnel */
static const char *const tunnel_names[] = { "", "gre", "erspan", "vxlan", "geneve", "ipip", "gtpu", "mpls", "pppoe",
					    NULL };

/* Text is in the day's dictionary; what people search by equality has a token. */
#define WORD (COL_OMIT_ZERO | COL_DICT | COL_TOKEN)

static const struct col flow_cols[] = {
	COL(flow, id, COL_I64, "event.id", "given by the store, rising in order of arrival"),
	COL(flow, start_ns, COL_TIME, "event.start", "first packet of this row"),
	COL(flow, end_ns, COL_TIME, "event.end", "last packet of this row"),
	COL(flow, flow_start_ns, COL_TIME, "toms.flow.start", "first packet of the conversation"),
	COLF(flow, src, COL_ADDR, "source.ip", "who began it", COL_OMIT_ZERO | COL_TOKEN),
	COLF(flow, dst, COL_ADDR, "destination.ip", "who was asked", COL_OMIT_ZERO | COL_TOKEN),
	COL(flow, src_bytes, COL_U64, "source.bytes", "sent by the source, whole frames without FCS"),
	COL(flow, dst_bytes, COL_U64, "destination.bytes", "sent by the destination"),
	COL(flow, src_packets, COL_U64, "source.packets", "sent by the source"),
	COL(flow, dst_packets, COL_U64, "destination.packets", "sent by the destination"),
	COLF(flow, risks, COL_U64, NULL, "bit n is nDPI's risk n", COL_OMIT_ZERO | COL_TOKEN),
	COLF(flow, rtt_ns, COL_I64, "toms.flow.rtt", "TCP handshake, SYN to the ACK that closes it, ns", COL_OMIT_ZERO),
	COLF(flow, retransmits, COL_U32, "toms.flow.retransmits", "TCP segments seen before, both directions",
	     COL_OMIT_ZERO),
	COLF(flow, src_port, COL_U16, "source.port", "ICMP: identifier", COL_TOKEN),
	COLF(flow, dst_port, COL_U16, "destination.port", "ICMP: type << 8 | code", COL_TOKEN),
	COLF(flow, vlan, COL_U16, "network.vlan.id", "innermost 802.1Q tag", COL_OMIT_ZERO | COL_TOKEN),
	COLF(flow, risk_score, COL_U16, "event.risk_score", "nDPI's score of the risks", COL_OMIT_ZERO),
	COLF(flow, src_mac, COL_MAC, "source.mac", "as seen on this segment", COL_OMIT_ZERO | COL_TOKEN),
	COLF(flow, dst_mac, COL_MAC, "destination.mac", "as seen on this segment", COL_OMIT_ZERO | COL_TOKEN),
	COLF(flow, ip_version, COL_U8, NULL, "4, 6; 0: not IP", COL_OMIT_ZERO),
	COLF(flow, l4, COL_U8, "network.iana_number", "IP protocol number", COL_TOKEN),
	COLF(flow, src_tcp_flags, COL_U8, NULL, "OR of all flags the source sent", COL_OMIT_ZERO),
	COLF(flow, dst_tcp_flags, COL_U8, NULL, "OR of all flags the destination sent", COL_OMIT_ZERO),
	COLE(flow, tunnel, "toms.flow.tunnel", "outermost wrapper taken off", COL_OMIT_ZERO | COL_TOKEN, tunnel_names),
	COLE(flow, end_reason, "toms.flow.end_reason", "why the row was written", 0, end_names),
	COLE(flow, direction, "network.direction", "by the internal ranges of the configuration",
	     COL_OMIT_ZERO | COL_TOKEN, direction_names),
	COLE(flow, confidence, "toms.flow.confidence", "how the protocol was found", COL_OMIT_ZERO, confidence_names),
	COLE(flow, name_kind, "toms.flow.name_kind", "where the name was read", COL_OMIT_ZERO, name_kind_names),
	COLF(flow, sensor, COL_U8, "toms.flow.sensor", "index of the interface; 0: a file", COL_OMIT_ZERO),
	COLF(flow, proto, COL_TEXT, "network.protocol", "nDPI's name in lower case, or our dissector's", WORD | COL_BODY),
	COLF(flow, app, COL_TEXT, "network.application", "where it says more than the protocol", WORD | COL_BODY),
	COLF(flow, hint, COL_TEXT, "toms.flow.hint", "service usual on this port in Japanese hospitals; a hint",
	     WORD | COL_BODY),
	COLF(flow, name, COL_TEXT, "toms.flow.name", "host name asked for", WORD | COL_BODY),
	COLF(flow, user_agent, COL_TEXT, "user_agent.original", "of the client", WORD | COL_BODY),
	COLF(flow, ja3, COL_TEXT, "tls.client.ja3", "fingerprint of the client's TLS hello", WORD),
	COLF(flow, detail, COL_JSON, "toms.flow.detail", "what the dissectors saw besides", WORD | COL_BODY),
	COLF(flow, medical, COL_JSON, "toms.medical", "facts about equipment; never about patients", WORD | COL_BODY),
};

/* In order of sight; members with one parent stay together. */
static const struct out_col flow_outs[] = {
	{ "@timestamp", "end_ns", NULL, NULL },
	{ "event.id", "id", NULL, NULL },
	{ "event.start", "start_ns", NULL, NULL },
	{ "event.end", "end_ns", NULL, NULL },
	{ "event.duration", NULL, flow_out_duration, "start_ns end_ns" },
	{ "event.risk_score", "risk_score", NULL, NULL },
	{ "source.ip", "src", NULL, NULL },
	{ "source.port", NULL, flow_out_src_port, "src_port l4" },
	{ "source.mac", "src_mac", NULL, NULL },
	{ "source.domain", NULL, flow_out_src_domain, "name name_kind" },
	{ "source.bytes", "src_bytes", NULL, NULL },
	{ "source.packets", "src_packets", NULL, NULL },
	{ "destination.ip", "dst", NULL, NULL },
	{ "destination.port", NULL, flow_out_dst_port, "dst_port l4" },
	{ "destination.mac", "dst_mac", NULL, NULL },
	{ "destination.domain", NULL, flow_out_dst_domain, "name name_kind" },
	{ "destination.bytes", "dst_bytes", NULL, NULL },
	{ "destination.packets", "dst_packets", NULL, NULL },
	{ "network.type", NULL, flow_out_type, "ip_version" },
	{ "network.iana_number", NULL, flow_out_iana_number, "l4 ip_version" },
	{ "network.transport", NULL, flow_out_transport, "l4 ip_version" },
	{ "network.protocol", "proto", NULL, NULL },
	{ "network.application", "app", NULL, NULL },
	{ "network.direction", "direction", NULL, NULL },
	{ "network.bytes", NULL, flow_out_bytes, "src_bytes dst_bytes" },
	{ "network.packets", NULL, flow_out_packets, "src_packets dst_packets" },
	{ "network.community_id", NULL, flow_out_community_id, "src dst src_port dst_port l4 ip_version" },
	{ "network.vlan.id", "vlan", NULL, NULL },
	{ "tls.client.server_name", NULL, flow_out_tls_name, "name name_kind" },
	{ "tls.client.ja3", "ja3", NULL, NULL },
	{ "dns.question.name", NULL, flow_out_dns_name, "name name_kind" },
	{ "url.domain", NULL, flow_out_url_domain, "name name_kind" },
	{ "user_agent.original", "user_agent", NULL, NULL },
	{ "toms.flow.start", "flow_start_ns", NULL, NULL },
	{ "toms.flow.end_reason", "end_reason", NULL, NULL },
	{ "toms.flow.tcp_flags", NULL, flow_out_tcp_flags, "src_tcp_flags dst_tcp_flags" },
	{ "toms.flow.source_tcp_flags", NULL, flow_out_src_tcp_flags, "src_tcp_flags" },
	{ "toms.flow.destination_tcp_flags", NULL, flow_out_dst_tcp_flags, "dst_tcp_flags" },
	{ "toms.flow.icmp_type", NULL, flow_out_icmp_type, "l4 dst_port" },
	{ "toms.flow.icmp_code", NULL, flow_out_icmp_code, "l4 dst_port" },
	{ "toms.flow.rtt", "rtt_ns", NULL, NULL },
	{ "toms.flow.retransmits", "retransmits", NULL, NULL },
	{ "toms.flow.risks", NULL, flow_out_risks, "risks" },
	{ "toms.flow.confidence", "confidence", NULL, NULL },
	{ "toms.flow.hint", "hint", NULL, NULL },
	{ "toms.flow.name", "name", NULL, NULL },
	{ "toms.flow.name_kind", "name_kind", NULL, NULL },
	{ "toms.flow.tunnel", "tunnel", NULL, NULL },
	{ "toms.flow.sensor", "sensor", NULL, NULL },
	{ "toms.flow.detail", "detail", NULL, NULL },
	{ "toms.medical", "medical", NULL, NULL },
};

const struct record flow_record = RECORD(flow, flow_cols, flow_outs, "id", "end_ns");
