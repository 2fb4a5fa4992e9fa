/* Derived members of a flow's ECS object. Any thread. */
#include "flow_out.h"

#include <stdio.h>

#include "community_id.h"
#include "tomsd/flow_row.h"

enum { L4_ICMP = 1, L4_TCP = 6, L4_UDP = 17, L4_ICMP6 = 58, L4_SCTP = 132 };

/* IANA names as ECS wants them: lower case. 0 is IPv6's hop-by-hop header and never ends up here. */
static const struct {
	uint8_t l4;
	const char *name;
} transports[] = {
	{ L4_ICMP, "icmp" },
	{ 2, "igmp" },
	{ L4_TCP, "tcp" },
	{ L4_UDP, "udp" },
	{ 33, "dccp" },
	{ 41, "ipv6" },
	{ 46, "rsvp" },
	{ 47, "gre" },
	{ 50, "esp" },
	{ 51, "ah" },
	{ L4_ICMP6, "ipv6-icmp" },
	{ 88, "eigrp" },
	{ 89, "ospf" },
	{ 94, "ipip" },
	{ 103, "pim" },
	{ 112, "vrrp" },
	{ 115, "l2tp" },
	{ L4_SCTP, "sctp" },
	{ 136, "udplite" },
};

/* nDPI's risks in our words, stable whatever the library prints: 1-41 since nDPI 4.2, later ones from
 * ndpi_typedefs.h of 5.0. */
const char *const flow_risk_names[64] = {
	[1] = "url_possible_xss",
	[2] = "url_possible_sql_injection",
	[3] = "url_possible_rce_injection",
	[4] = "binary_application_transfer",
	[5] = "known_protocol_on_non_standard_port",
	[6] = "tls_self_signed_certificate",
	[7] = "tls_obsolete_version",
	[8] = "tls_weak_cipher",
	[9] = "tls_certificate_expired",
	[10] = "tls_certificate_mismatch",
	[11] = "http_suspicious_user_agent",
	[12] = "http_numeric_ip_host",
	[13] = "http_suspicious_url",
	[14] = "http_suspicious_header",
	[15] = "tls_not_carrying_https",
	[16] = "suspicious_dga_domain",
	[17] = "malformed_packet",
	[18] = "ssh_obsolete_client",
	[19] = "ssh_obsolete_server",
	[20] = "smb_insecure_version",
	[21] = "tls_suspicious_esni_usage",
	[22] = "unsafe_protocol",
	[23] = "dns_suspicious_traffic",
	[24] = "tls_missing_sni",
	[25] = "http_suspicious_content",
	[26] = "risky_asn",
	[27] = "risky_domain",
	[28] = "malicious_ja3",
	[29] = "malicious_sha1_certificate",
	[30] = "desktop_or_file_sharing_session",
	[31] = "tls_uncommon_alpn",
	[32] = "tls_certificate_validity_too_long",
	[33] = "tls_suspicious_extension",
	[34] = "tls_fatal_alert",
	[35] = "suspicious_entropy",
	[36] = "clear_text_credentials",
	[37] = "dns_large_packet",
	[38] = "dns_fragmented",
	[39] = "invalid_characters",
	[40] = "possible_exploit",
	[41] = "tls_certificate_about_to_expire",
	[42] = "punycode_idn",
	[43] = "error_code_detected",
	[44] = "http_crawler_bot",
	[45] = "anonymous_subscriber",
	[46] = "unidirectional_traffic",
	[47] = "http_obsolete_server",
	[48] = "periodic_flow",
	[49] = "minor_issues",
	[50] = "tcp_issues",
	[51] = "fully_encrypted",
	[52] = "tls_alpn_sni_mismatch",
	[53] = "malware_host_contacted",
	[54] = "binary_data_transfer",
	[55] = "probing_attempt",
	[56] = "obfuscated_traffic",
};

static void put_text(struct value *v, const char *text)
{
	v->type = *text ? VALUE_TEXT : VALUE_NONE;
	(void)str_copy(v->text, sizeof(v->text),
		       str_of(text)); /* columns are shorter than a value */
}

static void put_u64(struct value *v, uint64_t u)
{
	v->type = VALUE_U64;
	v->u = u;
}

static bool is_icmp(const struct flow *f)
{
	return f->l4 == L4_ICMP || f->l4 == L4_ICMP6;
}

static bool has_ports(const struct flow *f)
{
	return f->l4 == L4_TCP || f->l4 == L4_UDP || f->l4 == L4_SCTP || f->l4 == 33 ||
	       f->l4 == 136;
}

void flow_out_duration(const void *row, struct value *v)
{
	const struct flow *f = row;
	int64_t ns;

	if (ckd_sub(&ns, f->end_ns, f->start_ns) || ns < 0)
		return;
	v->type = VALUE_I64;
	v->i = ns;
}

void flow_out_src_port(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (has_ports(f))
		put_u64(v, f->src_port);
}

void flow_out_dst_port(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (has_ports(f))
		put_u64(v, f->dst_port);
}

/* DHCP: the client says its own name. */
void flow_out_src_domain(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (f->name_kind == FLOW_NAME_DHCP)
		put_text(v, f->name);
}

void flow_out_dst_domain(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (f->name_kind == FLOW_NAME_TLS || f->name_kind == FLOW_NAME_HTTP ||
	    f->name_kind == FLOW_NAME_OTHER)
		put_text(v, f->name);
}

void flow_out_tls_name(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (f->name_kind == FLOW_NAME_TLS)
		put_text(v, f->name);
}

void flow_out_dns_name(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (f->name_kind == FLOW_NAME_DNS || f->name_kind == FLOW_NAME_MDNS ||
	    f->name_kind == FLOW_NAME_NETBIOS)
		put_text(v, f->name);
}

void flow_out_url_domain(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (f->name_kind == FLOW_NAME_HTTP)
		put_text(v, f->name);
}

void flow_out_type(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (f->ip_version == 4)
		put_text(v, "ipv4");
	else if (f->ip_version == 6)
		put_text(v, "ipv6");
}

void flow_out_iana_number(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (f->ip_version)
		put_u64(v, f->l4);
}

const char *flow_transport_name(uint8_t l4)
{
	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		if (transports[i].l4 == l4)
			return transports[i].name;
	}
	return NULL;
}

int flow_transport_number(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		if (str_ieq(name, str_of(transports[i].name)))
			return transports[i].l4;
	}
	return str_ieq(name, STR("icmp6")) || str_ieq(name, STR("icmpv6")) ? L4_ICMP6 : -1;
}

void flow_out_transport(const void *row, struct value *v)
{
	const struct flow *f = row;
	const char *name = f->ip_version ? flow_transport_name(f->l4) : NULL;

	if (name)
		put_text(v, name);
}

void flow_out_bytes(const void *row, struct value *v)
{
	const struct flow *f = row;

	put_u64(v, f->src_bytes + f->dst_bytes);
}

void flow_out_packets(const void *row, struct value *v)
{
	const struct flow *f = row;

	put_u64(v, f->src_packets + f->dst_packets);
}

void flow_out_community_id(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (!f->ip_version)
		return;
	v->type = VALUE_TEXT;
	community_id(f, v->text);
}

/* tcpdump's letters, in the order of the bits from FIN up. */
static void put_flags(struct value *v, uint8_t flags)
{
	char text[9];
	size_t n = 0;

	for (unsigned bit = 0; bit < 8; bit++) {
		if (flags >> bit & 1)
			text[n++] = "FSRPAUEC"[bit];
	}
	text[n] = '\0';
	put_text(v, text);
}

void flow_out_tcp_flags(const void *row, struct value *v)
{
	const struct flow *f = row;

	put_flags(v, f->src_tcp_flags | f->dst_tcp_flags);
}

void flow_out_src_tcp_flags(const void *row, struct value *v)
{
	const struct flow *f = row;

	put_flags(v, f->src_tcp_flags);
}

void flow_out_dst_tcp_flags(const void *row, struct value *v)
{
	const struct flow *f = row;

	put_flags(v, f->dst_tcp_flags);
}

void flow_out_icmp_type(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (is_icmp(f))
		put_u64(v, f->dst_port >> 8);
}

void flow_out_icmp_code(const void *row, struct value *v)
{
	const struct flow *f = row;

	if (is_icmp(f))
		put_u64(v, f->dst_port & 0xff);
}

/* Items are cut, never half, when 512 bytes are full; that takes more than a dozen risks at once. */
void flow_out_risks(const void *row, struct value *v)
{
	const struct flow *f = row;
	size_t n = 0;

	for (unsigned bit = 1; bit < 64; bit++) {
		char other[16];
		const char *name = flow_risk_names[bit];
		int len;

		if (!(f->risks >> bit & 1))
			continue;
		if (!name) {
			(void)snprintf(other, sizeof(other), "risk_%u", bit); /* fits */
			name = other;
		}
		len = snprintf(v->text + n, sizeof(v->text) - n, "%s%s", n ? "\n" : "", name);
		if (len < 0 || (size_t)len >= sizeof(v->text) - n) {
			v->text[n] = '\0';
			break;
		}
		n += (size_t)len;
	}
	if (n)
		v->type = VALUE_LIST;
}
