/* Made-up log rows of a hospital's firewall and of a few other devices, for benches and tests of the store:
 * lines as a FortiGate writes them (key=value, some 590 bytes of traffic) and the columns that are read
 * out of them. The same seed gives the same rows. */
#ifndef TOMSD_TESTS_GEN_LOGS_H
#define TOMSD_TESTS_GEN_LOGS_H

#include "gen_flows.h"
#include "tomsd/log_row.h"

struct gen_logs {
	struct gen_flows dice; /* now_ns: when the next line is received */
	uint64_t session;
	int64_t last_ns; /* the device's clock only goes forward */
};
/* A row with room for a line of the generator. */
union gen_log {
	struct log row;
	char bytes[sizeof(struct log) + 2048];
};

static inline uint32_t gen_log_pick(struct gen_logs *g, uint32_t n)
{
	return (uint32_t)(gen_next(&g->dice) % n);
}

#define GEN_LOG_COPY(to, text) ((void)str_copy((to), sizeof(to), str_of(text)))

static inline void gen_log_line(struct log *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline void gen_log_line(struct log *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(r->line + r->line_n, 2048 - r->line_n, fmt, ap);
	va_end(ap);
	r->line_n += n < 0 ? 0 : (uint32_t)n;
}

/* date= to vd=, as every FortiGate line begins. */
static inline void gen_log_head(struct log *r, const char *level)
{
	char day[CLOCK_RFC3339_MAX];
	clock_rfc3339(r->device_ns / NS_PER_S * NS_PER_S, day);
	gen_log_line(r,
		     "<%u>date=%.10s time=%.8s devname=\"%s\" devid=\"%s\" eventtime=%lld tz=\"+0900\" "
		     "logid=\"%s\" type=\"%s\" subtype=\"%s\" level=\"%s\" vd=\"%s\"",
		     r->pri - 1u, day, day + 11, r->host, r->serial, (long long)r->device_ns, r->code, r->type,
		     r->subtype, level, r->vdom);
}

static inline void gen_log_parties(struct gen_logs *g, struct log *r, uint32_t *host, uint32_t *peer)
{
	*host = gen_skewed(&g->dice, 1000);
	*peer = gen_skewed(&g->dice, 20000);
	r->src = addr_v4(0x0a000000u | (*host / 200 + 1) << 8 | (*host % 200 + 10));
	r->dst = addr_v4(0x14000000u + *peer * 977u);
	r->src_port = (uint16_t)(49152 + gen_log_pick(g, 16000));
	r->dst_port = 443;
	r->l4 = 6;
	r->session = g->session += 1 + gen_log_pick(g, 3);
	r->policy = 1 + gen_skewed(&g->dice, 40);
}

static inline void gen_log_traffic(struct gen_logs *g, struct log *r)
{
	static const struct {
		const char *service, *app;
		uint16_t port;
		uint8_t l4;
	} kinds[] = { { "HTTPS", "Microsoft.365", 443, 6 }, { "DNS", "DNS", 53, 17 },
		      { "HTTPS", "HTTPS.BROWSER", 443, 6 }, { "udp/443", "QUIC", 443, 17 },
		      { "HTTP", "HTTP.BROWSER", 80, 6 },    { "NTP", "NTP", 123, 17 },
		      { "SMTPS", "SMTP", 465, 6 },	    { "tcp/8013", "FortiClient", 8013, 6 } };
	static const char *const countries[] = { "Japan", "United States", "Ireland", "Singapore", "Germany" };
	static const char *const actions[] = { "close", "close", "close", "timeout", "server-rst", "client-rst", "deny" };
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];
	uint32_t host, peer, k = gen_skewed(&g->dice, ARRAY_LEN(kinds));
	gen_log_parties(g, r, &host, &peer);
	r->kind = LOG_KIND_TRAFFIC;
	r->level = LOG_LEVEL_NOTICE;
	GEN_LOG_COPY(r->code, "0000000013");
	GEN_LOG_COPY(r->type, "traffic");
	GEN_LOG_COPY(r->subtype, "forward");
	GEN_LOG_COPY(r->service, kinds[k].service);
	GEN_LOG_COPY(r->app, kinds[k].app);
	GEN_LOG_COPY(r->action, actions[gen_skewed(&g->dice, ARRAY_LEN(actions))]);
	GEN_LOG_COPY(r->country, countries[gen_skewed(&g->dice, ARRAY_LEN(countries))]);
	(void)snprintf(r->rule, sizeof(r->rule), "ward-%u to internet", r->policy);
	r->dst_port = kinds[k].port;
	r->l4 = kinds[k].l4;
	r->src_nat = addr_v4(0xcb007105u);
	r->src_nat_port = r->src_port;
	gen_mac(r->src_mac, host);
	gen_mac(r->dst_mac, 0xffffu);
	uint32_t seconds = gen_skewed(&g->dice, 300);
	r->duration_ns = seconds * NS_PER_S;
	r->src_packets = 1 + gen_skewed(&g->dice, 60);
	r->dst_packets = 1 + gen_skewed(&g->dice, 80);
	r->src_bytes = r->src_packets * (60 + gen_log_pick(g, 300));
	r->dst_bytes = r->dst_packets * (60 + gen_log_pick(g, 1300));
	addr_text(&r->src, src);
	addr_text(&r->dst, dst);
	mac_text(r->src_mac, mac);
	gen_log_head(r, "notice");
	gen_log_line(r,
		     " srcip=%s srcport=%u srcintf=\"port%u\" srcintfrole=\"lan\" dstip=%s dstport=%u dstintf=\"wan1\""
		     " srccountry=\"Reserved\" dstcountry=\"%s\" sessionid=%llu proto=%u action=\"%s\""
		     " policyid=%u policytype=\"policy\" policyname=\"%s\" service=\"%s\" trandisp=\"snat\""
		     " transip=203.0.113.5 transport=%u duration=%u sentbyte=%llu rcvdbyte=%llu sentpkt=%llu rcvdpkt=%llu"
		     " appcat=\"unscanned\" srcmac=\"%s\"",
		     src, r->src_port, host / 200 + 1, dst, r->dst_port, r->country, (unsigned long long)r->session, r->l4,
		     r->action, r->policy, r->rule, r->service, r->src_port, seconds, (unsigned long long)r->src_bytes,
		     (unsigned long long)r->dst_bytes, (unsigned long long)r->src_packets,
		     (unsigned long long)r->dst_packets, mac);
}

static inline void gen_log_web(struct gen_logs *g, struct log *r)
{
	static const char *const sites[] = { "journal", "lab", "mail", "cdn", "update", "shop", "video", "maps" };
	static const char *const categories[] = { "Health and Wellness", "Information Technology", "Shopping", "Streaming Media" };
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	uint32_t host, peer, c = gen_skewed(&g->dice, ARRAY_LEN(categories));
	gen_log_parties(g, r, &host, &peer);
	r->kind = LOG_KIND_SECURITY;
	r->level = LOG_LEVEL_WARNING;
	r->outcome = LOG_OUTCOME_FAILURE;
	GEN_LOG_COPY(r->code, "0316013056");
	GEN_LOG_COPY(r->type, "utm");
	GEN_LOG_COPY(r->subtype, "webfilter");
	GEN_LOG_COPY(r->action, "blocked");
	GEN_LOG_COPY(r->service, "HTTPS");
	(void)snprintf(r->user, sizeof(r->user), "staff%03u", host);
	(void)snprintf(r->name, sizeof(r->name), "%s%u.example.%s", sites[peer % 8], peer / 8, peer % 3 ? "com" : "jp");
	addr_text(&r->src, src);
	addr_text(&r->dst, dst);
	gen_log_head(r, "warning");
	gen_log_line(r,
		     " eventtype=\"ftgd_blk\" policyid=%u sessionid=%llu user=\"%s\" srcip=%s srcport=%u srcintf=\"port2\""
		     " srcintfrole=\"lan\" dstip=%s dstport=443 dstintf=\"wan1\" dstintfrole=\"wan\" proto=6 service=\"HTTPS\""
		     " hostname=\"%s\" profile=\"wards\" action=\"blocked\" reqtype=\"direct\" url=\"https://%s/%x/index.html\""
		     " sentbyte=%u rcvdbyte=0 direction=\"outgoing\" msg=\"URL belongs to a denied category in policy\""
		     " ratemethod=\"domain\" cat=%u catdesc=\"%s\"",
		     r->policy, (unsigned long long)r->session, r->user, src, r->src_port, dst, r->name, r->name,
		     gen_log_pick(g, 65536), 200 + gen_log_pick(g, 900), 30 + c, categories[c]);
}

static inline void gen_log_login(struct gen_logs *g, struct log *r)
{
	uint32_t host = gen_skewed(&g->dice, 1000);
	r->src = addr_v4(0x0a000000u | (host / 200 + 1) << 8 | (host % 200 + 10));
	char src[ADDR_TEXT_MAX];
	addr_text(&r->src, src);
	r->kind = LOG_KIND_ADMIN;
	r->level = LOG_LEVEL_ALERT;
	r->outcome = LOG_OUTCOME_FAILURE;
	GEN_LOG_COPY(r->code, "0100032002");
	GEN_LOG_COPY(r->type, "event");
	GEN_LOG_COPY(r->subtype, "system");
	GEN_LOG_COPY(r->action, "login");
	GEN_LOG_COPY(r->user, "admin");
	gen_log_head(r, "alert");
	gen_log_line(r,
		     " logdesc=\"Admin login failed\" sn=\"0\" user=\"admin\" ui=\"https(%s)\" method=\"https\" srcip=%s"
		     " dstip=10.0.0.1 action=\"login\" status=\"failed\" reason=\"passwd_invalid\""
		     " msg=\"Administrator admin login failed from https(%s) because of invalid password\"",
		     src, src, src);
}

/* A switch that knows plain syslog only; its bytes are not always UTF-8. */
static inline void gen_log_plain(struct gen_logs *g, struct log *r)
{
	r->kind = LOG_KIND_DEVICE;
	r->format = LOG_FORMAT_PLAIN;
	r->level = LOG_LEVEL_NOTICE;
	memset(r->serial, 0, sizeof(r->serial));
	memset(r->vdom, 0, sizeof(r->vdom));
	memset(r->host, 0, sizeof(r->host));
	(void)snprintf(r->host, sizeof(r->host), "sw-floor%u", 1 + gen_log_pick(g, 9));
	GEN_LOG_COPY(r->program, "LINK");
	gen_log_line(r, "<189>%s LINK: port %u is %s %c%c%c", r->host, gen_log_pick(g, 48),
		     gen_log_pick(g, 2) ? "up" : "down", 0x83, 0x00, 0x80 + (int)gen_log_pick(g, 100));
}

static inline void gen_log(struct gen_logs *g, union gen_log *out)
{
	struct log *r = &out->row;
	memset(r, 0, sizeof(*r));
	g->dice.now_ns += (int64_t)(gen_next(&g->dice) % (uint64_t)(2 * g->dice.mean_gap_ns + 1));
	r->created_ns = g->dice.now_ns;
	r->device_ns = r->created_ns - 300000 - (int64_t)gen_log_pick(g, 400000);
	if (r->device_ns <= g->last_ns)
		r->device_ns = g->last_ns + 1;
	g->last_ns = r->at_ns = r->device_ns;
	r->sender = addr_v4(0x0a000001u);
	r->source = 1;
	r->pri = 190;
	r->format = LOG_FORMAT_KV;
	r->transport = LOG_VIA_TCP;
	r->trust = LOG_TRUST_ACCEPTED;
	GEN_LOG_COPY(r->serial, "FG200FT000000001");
	GEN_LOG_COPY(r->host, "hospital-fw1");
	GEN_LOG_COPY(r->vdom, "root");
	uint32_t what = gen_log_pick(g, 100);
	if (what < 80)
		gen_log_traffic(g, r);
	else if (what < 96)
		gen_log_web(g, r);
	else if (what < 98)
		gen_log_login(g, r);
	else
		gen_log_plain(g, r);
}

/* Row number n of a list that begins at start_ns, one a millisecond: always the same one, alone. */
static inline void gen_log_number(uint64_t n, int64_t start_ns, union gen_log *out)
{
	struct gen_logs g = { { n + 1, start_ns + (int64_t)n * NS_PER_MS, 0 }, 7 * n, 0 };
	memset(out, 0, sizeof(*out));
	gen_log(&g, out);
}

#endif
