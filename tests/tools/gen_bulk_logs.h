/* Lines for benches: as varied as a busy firewall's (clients, peers, ports, hosts, numbers), as many
 * as wanted, in order of time; about 590 bytes and 31 fields each, the mean of what we have of the
 * field. */
#ifndef GEN_BULK_LOGS_H
#define GEN_BULK_LOGS_H

#include "gen_fortigate.h"
#include "gen_firewall.h"

/* Small numbers far more often than large ones, as clients and sites are. */
static unsigned bulk_skewed(struct gen_random *r, unsigned n)
{
	unsigned a = gen_below(r, n), b = gen_below(r, n), c = gen_below(r, n);
	return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

static void bulk_traffic(struct logs *l, int64_t t, unsigned src, unsigned dst)
{
	struct gen_random *r = &l->rnd;
	static const char *const actions[] = { "close",      "close",   "accept", "client-rst",
					       "server-rst", "timeout", "deny" };
	bool udp = gen_below(r, 4) == 0;
	log_begin(l, t, SAYS_FORWARD);
	log_more(
		l,
		" srcip=10.20.%u.%u srcport=%u srcintf=\"lan\" srcintfrole=\"lan\""
		" dstip=%u.%u.%u.%u dstport=%u dstintf=\"wan1\" dstintfrole=\"wan\""
		" sessionid=%u proto=%u action=\"%s\" policyid=%u policytype=\"policy\""
		" service=\"%s\" dstcountry=\"Japan\" srccountry=\"Reserved\" trandisp=\"snat\""
		" transip=203.0.113.2 transport=%u duration=%u sentbyte=%u rcvdbyte=%u"
		" sentpkt=%u rcvdpkt=%u appcat=\"unscanned\"",
		30 + src / 200, 10 + src % 200, gen_between(r, 49152, 65535), 20 + dst % 150,
		dst / 150 % 250, dst % 241, 1 + dst % 253, udp ? 53 : 443, ++l->session,
		udp ? 17 : 6, actions[gen_below(r, ARRAY_LEN(actions))],
		11 + bulk_skewed(r, 40), udp ? "DNS" : "HTTPS", gen_between(r, 5117, 65000),
		bulk_skewed(r, 900), gen_below(r, 90000), gen_below(r, 900000),
		gen_below(r, 300), gen_below(r, 900));
}

static void bulk_web(struct logs *l, int64_t t, unsigned src, unsigned dst)
{
	struct gen_random *r = &l->rnd;
	bool blocked = gen_below(r, 12) == 0;
	log_begin(l, t, blocked ? SAYS_WEB_BLOCKED : SAYS_WEB);
	log_more(
		l,
		" eventtype=\"%s\" policyid=%u sessionid=%u user=\"user%03u\" srcip=10.20.%u.%u"
		" srcport=%u srcintf=\"lan\" srcintfrole=\"lan\" dstip=%u.%u.%u.%u dstport=443"
		" dstintf=\"wan1\" dstintfrole=\"wan\" proto=6 service=\"HTTPS\""
		" hostname=\"host%u.site%u.example.jp\" action=\"%s\""
		" url=\"https://host%u.site%u.example.jp/p/%x\" sentbyte=%u rcvdbyte=%u"
		" direction=\"outgoing\" msg=\"URL belongs to %s category in policy\" cat=%u",
		blocked ? "ftgd_blk" : "ftgd_allow", 11 + bulk_skewed(r, 40), ++l->session,
		src % 300, 30 + src / 200, 10 + src % 200, gen_between(r, 49152, 65535),
		20 + dst % 150, dst / 150 % 250, dst % 241, 1 + dst % 253, dst, dst % 700,
		blocked ? "blocked" : "passthrough", dst, dst % 700, gen_below(r, 1u << 20),
		gen_below(r, 9000), gen_below(r, 90000), blocked ? "a denied" : "an allowed",
		gen_below(r, 90));
}

static int bulk_logs_write(struct day *d, uint64_t n, uint64_t seed, int64_t now)
{
	static struct log_day x;
	struct logs *l = &x.l;
	x.d = d;
	l->rnd.state = seed ^ LOG_SEED;
	(void)setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	/* They end now and go back at 5,000 a second. */
	for (uint64_t i = 0; i < n; i++) {
		int64_t t = now - (int64_t)(n - i) * 200000 + gen_below(&l->rnd, 200000);
		unsigned src = bulk_skewed(&l->rnd, 1000), dst = bulk_skewed(&l->rnd, 20000);
		unsigned sort = gen_below(&l->rnd, 100);
		l->n = 0;
		gen_reset(&l->text);
		if (sort < 70)
			bulk_traffic(l, t, src, dst);
		else if (sort < 92)
			bulk_web(l, t, src, dst);
		else if (sort < 97)
			say_dns(&x, t);
		else if (sort < 99)
			say_knock(l, t);
		else
			say_perf(l, t);
		fwrite(l->text.p, 1, l->text.n, stdout);
		fputc('\n', stdout);
	}
	log_free(l);
	return fflush(stdout) == 0 ? 0 : 1;
}

#endif
