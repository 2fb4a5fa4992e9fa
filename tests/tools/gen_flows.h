/* Made-up flow rows of a hospital with 1,000 devices, for benches and tests of the store: the mix of
 * addresses, names and applications is what makes dictionaries, token lists and roll-ups cost. The same
 * seed gives the same rows. */
#ifndef TOMSD_TESTS_GEN_FLOWS_H
#define TOMSD_TESTS_GEN_FLOWS_H

#include <stdio.h>
#include <string.h>

#include "tomsd/base/clock.h"
#include "tomsd/flow_row.h"

struct gen_flows {
	uint64_t state;
	int64_t now_ns;      /* end of the next row */
	int64_t mean_gap_ns; /* between two rows */
};

static inline uint64_t gen_next(struct gen_flows *g)
{
	uint64_t x = g->state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* 0 .. n-1, small numbers far more often than large ones. */
static inline uint32_t gen_skewed(struct gen_flows *g, uint32_t n)
{
	double u = (double)(gen_next(g) >> 11) / 9007199254740992.0;
	return (uint32_t)((double)n * u * u * u);
}

static inline void gen_mac(uint8_t mac[6], uint32_t host)
{
	const uint8_t oui[] = { 0x00, 0x1b, 0x21 };
	memcpy(mac, oui, 3);
	mac[3] = (uint8_t)(host >> 16);
	mac[4] = (uint8_t)(host >> 8);
	mac[5] = (uint8_t)host;
}

static inline void gen_flow(struct gen_flows *g, struct flow *f)
{
	static const struct {
		const char *proto, *app;
		uint16_t port;
		uint8_t l4;
		bool out, named;
	} kinds[] = {
		{ "dns", "", 53, 17, false, true },	    { "tls", "microsoft365", 443, 6, true, true },
		{ "tls", "", 443, 6, true, true },	    { "quic", "google", 443, 17, true, true },
		{ "smb", "", 445, 6, false, false },	    { "dicom", "", 104, 6, false, false },
		{ "hl7", "", 2575, 6, false, false },	    { "http", "", 80, 6, true, true },
		{ "kerberos", "", 88, 6, false, false },    { "ldap", "", 389, 6, false, false },
		{ "ntp", "", 123, 17, false, false },	    { "snmp", "", 161, 17, false, false },
		{ "mssql-tds", "", 1433, 6, false, false }, { "rdp", "", 3389, 6, false, false },
		{ "icmp", "", 2048, 1, false, false },	    { "tls", "youtube", 443, 6, true, true },
	};
	memset(f, 0, sizeof(*f));
	uint32_t k = gen_skewed(g, ARRAY_LEN(kinds)), host = gen_skewed(g, 1000), r = (uint32_t)gen_next(g);
	g->now_ns += (int64_t)(gen_next(g) % (uint64_t)(2 * g->mean_gap_ns + 1));
	f->end_ns = g->now_ns;
	f->start_ns = f->end_ns - (int64_t)(gen_skewed(g, 60000) * 1000000ull) - 1000000 * (int64_t)(r % 50);
	f->flow_start_ns = f->start_ns;
	f->src = addr_v4(0x0a000000u | (host / 200 + 1) << 8 | (host % 200 + 10));
	gen_mac(f->src_mac, host);
	uint32_t server = gen_skewed(g, 40), peer = gen_skewed(g, 20000);
	f->dst = kinds[k].out ? addr_v4(0x14000000u + peer * 977u) : addr_v4(0x0a000a00u + 10u + server);
	gen_mac(f->dst_mac, kinds[k].out ? 0xffffu : 5000u + server);
	f->direction = kinds[k].out ? FLOW_DIR_OUTBOUND : FLOW_DIR_INTERNAL;
	f->src_port = (uint16_t)(49152 + r % 16000);
	f->dst_port = kinds[k].port;
	f->l4 = kinds[k].l4;
	f->ip_version = 4;
	f->src_packets = 1 + gen_skewed(g, 60);
	f->dst_packets = 1 + gen_skewed(g, 80);
	f->src_bytes = f->src_packets * (60 + r % 300);
	f->dst_bytes = f->dst_packets * (60 + r % 1300);
	f->end_reason = f->l4 == 6 ? FLOW_END_FIN : FLOW_END_IDLE;
	f->confidence = FLOW_CONF_DPI;
	f->sensor = 1;
	if (f->l4 == 6) {
		f->src_tcp_flags = 0x1b;
		f->dst_tcp_flags = 0x1b;
		f->rtt_ns = 200000 + r % 20000000;
	}
	if (r % 97 == 0) {
		f->risks = UINT64_C(1) << (r / 97 % 50);
		f->risk_score = (uint16_t)(10 * (1 + r / 97 % 20));
	}
	(void)snprintf(f->proto, sizeof(f->proto), "%s", kinds[k].proto);
	(void)snprintf(f->app, sizeof(f->app), "%s", kinds[k].app);
	if (kinds[k].named) {
		uint32_t name = gen_skewed(g, 8000);
		(void)snprintf(f->name, sizeof(f->name), "host%u.site%u.example.jp", name, name % 700);
		f->name_kind = f->dst_port == 53 ? FLOW_NAME_DNS : FLOW_NAME_TLS;
	}
	if (f->dst_port == 443) {
		(void)snprintf(f->ja3, sizeof(f->ja3), "%032x", gen_skewed(g, 60));
		if (f->l4 == 6)
			(void)snprintf(f->detail, sizeof(f->detail), "{\"alpn\":\"h2\",\"ja3s\":\"%032x\"}",
				       gen_skewed(g, 300));
	}
	if (f->dst_port == 80)
		(void)snprintf(f->user_agent, sizeof(f->user_agent), "Mozilla/5.0 (Windows NT 10.0) Agent/%u",
			       gen_skewed(g, 200));
	if (f->dst_port == 104)
		(void)snprintf(f->medical, sizeof(f->medical),
			       "{\"calling_ae\":\"CT%02u\",\"called_ae\":\"PACS1\",\"implementation\":\"1.2.392.%u\"}",
			       host % 40, host % 40);
}

#endif
