/* Lines as a FortiGate-100F with FortiOS 7.4 sends them in its default format: key=value, text in
 * quotes, eventtime in nanoseconds. Keys, their order and the logids are those of real lines
 * ("FortiOS 7.4 Log Reference"); what the lines tell is made up. Also the plain RFC 3164 lines of
 * a switch. Lines gather in memory and are written in order of time. */
#ifndef GEN_FORTIGATE_H
#define GEN_FORTIGATE_H

#include "gen_net.h"
#include "tomsd/base/clock.h"

#define JST (9 * 3600 * NS)
#define DAY (24 * 3600 * NS)
#define LOG_SERIAL "FG100FTK20001234"
#define LOG_DEVICE "FW-HONKAN-01"
#define LOG_STRANGER "FGVMEVZ7NOBODY00"

enum log_sender { SENDER_FORTIGATE, SENDER_SWITCH, SENDER_STRANGER, SENDERS };
static const char *const gen_senders[] = { "fortigate", "switch", "stranger" };

/* What lines there are; kind is how people sort them. level and PRI agree (facility local7). */
enum log_sort {
	SAYS_FORWARD,
	SAYS_PARTIAL,
	SAYS_LOCAL,
	SAYS_WEB,
	SAYS_WEB_BLOCKED,
	SAYS_APP,
	SAYS_DNS,
	SAYS_DNS_BLOCKED,
	SAYS_VIRUS,
	SAYS_IPS,
	SAYS_ANOMALY,
	SAYS_VPN_FAIL,
	SAYS_VPN_NEW,
	SAYS_VPN_UP,
	SAYS_VPN_DOWN,
	SAYS_IPSEC_PHASE1,
	SAYS_IPSEC_STATS,
	SAYS_IPSEC_DPD,
	SAYS_ADMIN_IN,
	SAYS_ADMIN_OUT,
	SAYS_ADMIN_FAIL,
	SAYS_CONFIG,
	SAYS_CONFIG_OBJECT,
	SAYS_DHCP,
	SAYS_PERF,
	SAYS_FEED,
	SAYS_SWITCH,
	SORTS
};
static const struct log_says {
	const char *kind, *logid, *type, *subtype, *level;
} gen_says[SORTS] = {
	[SAYS_FORWARD] = { "traffic", "0000000013", "traffic", "forward", "notice" },
	[SAYS_PARTIAL] = { "traffic", "0000000020", "traffic", "forward", "notice" },
	[SAYS_LOCAL] = { "traffic", "0001000014", "traffic", "local", "notice" },
	[SAYS_WEB] = { "security", "0317013312", "utm", "webfilter", "notice" },
	[SAYS_WEB_BLOCKED] = { "security", "0316013056", "utm", "webfilter", "warning" },
	[SAYS_APP] = { "security", "1059028704", "utm", "app-ctrl", "information" },
	[SAYS_DNS] = { "security", "1501054802", "utm", "dns", "notice" },
	[SAYS_DNS_BLOCKED] = { "security", "1501054803", "utm", "dns", "warning" },
	[SAYS_VIRUS] = { "security", "0211008192", "utm", "virus", "warning" },
	[SAYS_IPS] = { "security", "0419016384", "utm", "ips", "alert" },
	[SAYS_ANOMALY] = { "security", "0720018432", "utm", "anomaly", "alert" },
	[SAYS_VPN_FAIL] = { "vpn", "0101039426", "event", "vpn", "alert" },
	[SAYS_VPN_NEW] = { "vpn", "0101039943", "event", "vpn", "information" },
	[SAYS_VPN_UP] = { "vpn", "0101039947", "event", "vpn", "information" },
	[SAYS_VPN_DOWN] = { "vpn", "0101039948", "event", "vpn", "information" },
	[SAYS_IPSEC_PHASE1] = { "vpn", "0101037127", "event", "vpn", "notice" },
	[SAYS_IPSEC_STATS] = { "vpn", "0101037141", "event", "vpn", "notice" },
	[SAYS_IPSEC_DPD] = { "vpn", "0101037136", "event", "vpn", "error" },
	[SAYS_ADMIN_IN] = { "admin", "0100032001", "event", "system", "information" },
	[SAYS_ADMIN_OUT] = { "admin", "0100032003", "event", "system", "information" },
	[SAYS_ADMIN_FAIL] = { "admin", "0100032002", "event", "system", "alert" },
	[SAYS_CONFIG] = { "admin", "0100044546", "event", "system", "information" },
	[SAYS_CONFIG_OBJECT] = { "admin", "0100044547", "event", "system", "information" },
	[SAYS_DHCP] = { "system", "0100026001", "event", "system", "information" },
	[SAYS_PERF] = { "system", "0100040704", "event", "system", "notice" },
	[SAYS_FEED] = { "system", "0100022220", "event", "system", "notice" },
	[SAYS_SWITCH] = { "device", "", "", "", "notice" },
};

struct log_line {
	int64_t t;
	size_t off;
	uint32_t n;
	uint8_t sender, sort;
};

struct logs {
	struct gen text;
	struct log_line *lines;
	size_t n, room;
	struct gen_random rnd; /* their own: captures stay as they are */
	uint32_t session;      /* last session id given */
};

UNUSED static unsigned log_pri(const char *level)
{
	static const char *const levels[] = { "emergency", "alert",  "critical",    "error",
					      "warning",   "notice", "information", "debug" };
	unsigned i = 0;
	while (i < 7 && strcmp(levels[i], level) != 0)
		i++;
	return 23 * 8 + i;
}

/* 0..23:59:59 of the Japanese day of t. */
UNUSED static unsigned log_clock(int64_t t)
{
	return (unsigned)((t + JST) % DAY / NS);
}

UNUSED static struct log_line *log_new(struct logs *l, int64_t t, enum log_sender sender,
				       enum log_sort sort)
{
	if (l->n == l->room) {
		l->room = l->room * 2 + 1024;
		l->lines = realloc(l->lines, l->room * sizeof(*l->lines));
		if (!l->lines)
			abort();
	}
	struct log_line *at = &l->lines[l->n++];
	*at = (struct log_line){ t, l->text.n, 0, (uint8_t)sender, (uint8_t)sort };
	return at;
}

/* Adds to the line begun last. */
#define log_more(l, ...)                                                  \
	do {                                                              \
		struct logs *log_l_ = (l);                                \
		gen_fmt(&log_l_->text, __VA_ARGS__);                      \
		struct log_line *log_at_ = &log_l_->lines[log_l_->n - 1]; \
		log_at_->n = (uint32_t)(log_l_->text.n - log_at_->off);   \
	} while (0)

UNUSED static void log_begin_as(struct logs *l, int64_t t, enum log_sender sender,
				enum log_sort sort, const char *serial)
{
	const struct log_says *s = &gen_says[sort];
	int32_t day = clock_day(t + JST);
	unsigned clock = log_clock(t);
	(void)log_new(l, t, sender, sort);
	log_more(l,
		 "<%u>date=%04d-%02d-%02d time=%02u:%02u:%02u devname=\"%s\" devid=\"%s\""
		 " eventtime=%lld tz=\"+0900\" logid=\"%s\" type=\"%s\" subtype=\"%s\""
		 " level=\"%s\" vd=\"root\"",
		 log_pri(s->level), day / 10000, day / 100 % 100, day % 100, clock / 3600,
		 clock / 60 % 60, clock % 60, LOG_DEVICE, serial, (long long)t, s->logid,
		 s->type, s->subtype, s->level);
}
UNUSED static void log_begin(struct logs *l, int64_t t, enum log_sort sort)
{
	log_begin_as(l, t, SENDER_FORTIGATE, sort, LOG_SERIAL);
}

/* A switch's: RFC 3164, local time, no year, no zone. */
UNUSED static void log_switch(struct logs *l, int64_t t, const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int32_t day = clock_day(t + JST);
	unsigned clock = log_clock(t);
	(void)log_new(l, t, SENDER_SWITCH, SAYS_SWITCH);
	log_more(l, "<%u>%.3s %2d %02u:%02u:%02u core-sw %s", log_pri("notice"),
		 months + (day / 100 % 100 - 1) * 3, day % 100, clock / 3600, clock / 60 % 60,
		 clock % 60, text);
}

UNUSED static int log_order(const void *a, const void *b)
{
	const struct log_line *x = a, *y = b;
	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

UNUSED static void log_free(struct logs *l)
{
	gen_free(&l->text);
	free(l->lines);
	*l = (struct logs){ 0 };
}

#endif
