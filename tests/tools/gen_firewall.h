/* What the firewall of the made-up hospital logs of a day: the traffic of the captures after its
 * translation of addresses, what its inspection found in it, tunnels, administrators, its own
 * health; and the bad night from the firewall's side. */
#ifndef GEN_FIREWALL_H
#define GEN_FIREWALL_H

#include "gen_fortigate.h"
#include "gen_night.h"
#include "gen_sessions.h"

#define LOG_SEED UINT64_C(0x666f727469)
#define WAN_IP "203.0.113.2"
#define STORY_MAX 64

/* Lines that belong to the bad night, for the truth. */
struct story {
	struct story_line {
		int64_t t;
		const char *what;
		size_t off;
	} lines[STORY_MAX];
	size_t n;
};

struct log_day {
	struct logs l;
	struct day *d;
	struct story story;
	uint64_t joined; /* traffic lines of sessions that are in the captures */
};

static void story_add(struct log_day *x, const char *what)
{
	if (x->story.n < STORY_MAX) {
		const struct log_line *at = &x->l.lines[x->l.n - 1];
		x->story.lines[x->story.n++] = (struct story_line){ at->t, what, at->off };
	}
}

/* Policies, as somebody in the hospital named them. */
static const struct policy {
	unsigned id;
	const char *name, *uuid, *srcintf, *dstintf, *srcrole, *dstrole;
} gen_policies[] = {
	{ 11, "職員PC→インターネット", "5e1f8a6c-0b11-51ee-9c1d-0b1a2c3d4e11", "lan", "wan1",
	  "lan", "wan" },
	{ 12, "患者様Wi-Fi", "5e1f8a6c-0b12-51ee-9c1d-0b1a2c3d4e12", "guest", "wan1", "lan",
	  "wan" },
	{ 31, "保守VPN→部門サーバ", "5e1f8a6c-0b31-51ee-9c1d-0b1a2c3d4e31", "ssl.root", "lan",
	  "undefined", "lan" },
	{ 99, "一時許可", "5e1f8a6c-0b99-51ee-9c1d-0b1a2c3d4e99", "lan", "wan1", "lan", "wan" },
};
enum { POLICY_STAFF, POLICY_GUEST, POLICY_VENDOR, POLICY_TEMPORARY };

/* Sites outside, in the order of gen_outside. */
static const struct site {
	unsigned cat, appid;
	const char *catdesc, *app, *appcat;
} gen_sites[] = {
	{ 41, 40568, "Search Engines and Portals", "HTTPS.BROWSER", "Web.Client" },
	{ 52, 16009, "Information Technology", "MS.Windows.Update", "Update" },
	{ 23, 41468, "Web-based Email", "Microsoft.Outlook", "Email" },
	{ 25, 31077, "Streaming Media and Download", "YouTube", "Video/Audio" },
	{ 37, 42662, "Social Networking", "LINE", "Collaboration" },
	{ 36, 40568, "News and Media", "HTTPS.BROWSER", "Web.Client" },
	{ 31, 40568, "Finance and Banking", "HTTPS.BROWSER", "Web.Client" },
	{ 52, 24466, "Information Technology", "Trend.Micro", "Update" },
};

struct log_site {
	const char *host;
	const struct site *site;
};
static struct log_site site_of(const struct day *d, uint32_t ip)
{
	for (size_t i = 0; i < ARRAY_LEN(gen_outside); i++)
		if ((ip & 0xff) == gen_outside[i].last && ip >> 8 == IP4(198, 51, 100, 0) >> 8)
			return (struct log_site){ gen_outside[i].name, &gen_sites[i] };
	static const struct site sharing = { 24, 40568, "File Sharing and Storage",
					     "HTTPS.BROWSER", "Web.Client" };
	if (ip == d->h.upload.ip)
		return (struct log_site){ "files.transfer.example", &sharing };
	return (struct log_site){ NULL, NULL };
}

static const struct policy *policy_of(const struct log_day *x, const struct session *s)
{
	if (!s->v6 && s->addr[0][0] == 10 && s->addr[0][1] == 212)
		return &gen_policies[POLICY_VENDOR];
	if (!s->v6 && session_ip4(s, 1) == x->d->h.upload.ip)
		return &gen_policies[POLICY_TEMPORARY];
	return &gen_policies[s->vlan == VLAN_GUEST ? POLICY_GUEST : POLICY_STAFF];
}

static void say_ends(struct logs *l, const struct session *s, const struct policy *p)
{
	char src[48], dst[48];
	session_name(s, 0, src);
	session_name(s, 1, dst);
	log_more(l,
		 " srcip=%s srcport=%u srcintf=\"%s\" srcintfrole=\"%s\" dstip=%s dstport=%u"
		 " dstintf=\"%s\" dstintfrole=\"%s\"",
		 src, s->port[0], p->srcintf, p->srcrole, dst, s->port[1], p->dstintf,
		 p->dstrole);
}

static const char *service_name(const struct session *s, char out[24])
{
	static const struct {
		uint16_t port;
		const char *name;
	} names[] = { { 443, "HTTPS" }, { 80, "HTTP" }, { 53, "DNS" },    { 445, "SMB" },
		      { 3389, "RDP" },  { 22, "SSH" },  { 23, "TELNET" }, { 25, "SMTP" } };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].port == s->port[1] && (s->l4 == 6 || s->port[1] == 53))
			return names[i].name;
	snprintf(out, 24, "%s/%u", s->l4 == 6 ? "tcp" : "udp", s->port[1]);
	return out;
}

/* A FortiGate gives each session a port of its own outside address. */
static uint16_t nat_port(const struct session *s)
{
	return (uint16_t)(5117 + s->id % 55000);
}

static void say_forward(struct log_day *x, struct session *s, int64_t t, bool ended)
{
	struct logs *l = &x->l;
	const struct policy *p = policy_of(x, s);
	const struct log_site site = s->v6 ? (struct log_site){ NULL, NULL } :
					     site_of(x->d, session_ip4(s, 1));
	bool vendor = p == &gen_policies[POLICY_VENDOR];
	char service[24];
	log_begin(l, t, ended ? SAYS_FORWARD : SAYS_PARTIAL);
	say_ends(l, s, p);
	log_more(l,
		 " srccountry=\"Reserved\" dstcountry=\"%s\" sessionid=%u proto=%u"
		 " action=\"%s\" policyid=%u policytype=\"policy\" poluuid=\"%s\""
		 " policyname=\"%s\"",
		 vendor      ? "Reserved" :
		 p->id == 99 ? "Netherlands" :
			       "Japan",
		 s->id, s->l4,
		 !ended || s->l4 == 17 ? "accept" :
		 s->flags[1] & 4       ? "server-rst" :
		 s->flags[0] & 4       ? "client-rst" :
					 "close",
		 p->id, p->uuid, p->name);
	if (vendor)
		log_more(l, " user=\"maint01\" group=\"保守ベンダー\" authserver=\"local\"");
	else if (p->id == 11 && s->id % 3 == 0)
		log_more(l, " user=\"%s%02u\" authserver=\"FSSO_AD1\"",
			 s->id % 2 ? "外来受付" : "nurse", s->id % 40 + 1);
	log_more(l, " service=\"%s\"", service_name(s, service));
	if (vendor || s->v6)
		log_more(l, " trandisp=\"noop\"");
	else
		log_more(l, " trandisp=\"snat\" transip=" WAN_IP " transport=%u", nat_port(s));
	if (site.site)
		log_more(l,
			 " appid=%u app=\"%s\" appcat=\"%s\" apprisk=\"medium\""
			 " applist=\"byoin-default\"",
			 site.site->appid, site.site->app, site.site->appcat);
	else
		log_more(l, " appcat=\"unscanned\"");
	log_more(l,
		 " duration=%lld sentbyte=%llu rcvdbyte=%llu sentpkt=%u rcvdpkt=%u"
		 " sentdelta=%llu rcvddelta=%llu",
		 (long long)((t - s->begin + NS - 1) / NS), (unsigned long long)s->bytes[0],
		 (unsigned long long)s->bytes[1], s->packets[0], s->packets[1],
		 (unsigned long long)(s->bytes[0] - s->told[0]),
		 (unsigned long long)(s->bytes[1] - s->told[1]));
	s->told[0] = s->bytes[0];
	s->told[1] = s->bytes[1];
	if (!vendor)
		log_more(l,
			 " mastersrcmac=\"%02x:%02x:%02x:%02x:%02x:%02x\""
			 " srcmac=\"%02x:%02x:%02x:%02x:%02x:%02x\" srcserver=0",
			 gen_router[0], gen_router[1], gen_router[2], gen_router[3],
			 gen_router[4], gen_router[5], gen_router[0], gen_router[1],
			 gen_router[2], gen_router[3], gen_router[4], gen_router[5]);
	if (p->id == 99 && ended)
		story_add(x, "upload");
}

/* What inspection says while a session is open: same ends, same session. */
static void say_inspected(struct log_day *x, const struct session *s)
{
	struct logs *l = &x->l;
	const struct policy *p = policy_of(x, s);
	const struct log_site site = site_of(x->d, session_ip4(s, 1));
	char service[24];
	if (!site.host)
		return;
	bool night = p->id == 99;
	if (night || gen_below(&l->rnd, 100) < 55) {
		log_begin(l, s->begin + 60000000, SAYS_WEB);
		log_more(l,
			 " eventtype=\"ftgd_allow\" policyid=%u poluuid=\"%s\""
			 " policytype=\"policy\" sessionid=%u",
			 p->id, p->uuid, s->id);
		say_ends(l, s, p);
		log_more(l,
			 " srccountry=\"Reserved\" dstcountry=\"%s\" proto=%u service=\"%s\""
			 " hostname=\"%s\" profile=\"byoin-web\" action=\"passthrough\""
			 " reqtype=\"direct\" url=\"https://%s/\" sentbyte=%u rcvdbyte=%u"
			 " direction=\"outgoing\""
			 " msg=\"URL belongs to an allowed category in policy\""
			 " ratemethod=\"domain\" cat=%u catdesc=\"%s\"",
			 night ? "Netherlands" : "Japan", s->l4, service_name(s, service),
			 site.host, site.host, 517u, 1452u, site.site->cat, site.site->catdesc);
		if (night)
			story_add(x, "upload-host-seen");
	}
	if (gen_below(&l->rnd, 100) < 30) {
		log_begin(l, s->begin + 90000000, SAYS_APP);
		log_more(l, " eventtype=\"signature\" appid=%u", site.site->appid);
		say_ends(l, s, p);
		log_more(l,
			 " srccountry=\"Reserved\" dstcountry=\"Japan\" proto=%u"
			 " service=\"%s\" direction=\"outgoing\" policyid=%u poluuid=\"%s\""
			 " policytype=\"policy\" sessionid=%u applist=\"byoin-default\""
			 " action=\"pass\" appcat=\"%s\" app=\"%s\" hostname=\"%s\""
			 " incidentserialno=%u url=\"/\" msg=\"%s: %s\" apprisk=\"medium\"",
			 s->l4, service_name(s, service), p->id, p->uuid, s->id,
			 site.site->appcat, site.site->app, site.host, 232783872 + s->id,
			 site.site->appcat, site.site->app);
	}
}

/* To the firewall itself. Only its VPN door is open. */
static void say_local(struct log_day *x, const struct session *s, int64_t t)
{
	char src[48], dst[48], service[24];
	const char *name = service_name(s, service);
	bool open = s->port[1] == 10443;
	session_name(s, 0, src);
	session_name(s, 1, dst);
	log_begin(&x->l, t, SAYS_LOCAL);
	log_more(&x->l,
		 " srcip=%s srcport=%u srcintf=\"%s\" srcintfrole=\"%s\" dstip=%s dstport=%u"
		 " dstintf=\"root\" dstintfrole=\"undefined\" srccountry=\"%s\""
		 " dstcountry=\"Japan\" sessionid=%u proto=%u action=\"%s\" policyid=0"
		 " policytype=\"local-in-policy\" service=\"%s\" trandisp=\"noop\""
		 " app=\"%s\" duration=%lld sentbyte=%llu rcvdbyte=%llu sentpkt=%u rcvdpkt=%u"
		 " appcat=\"unscanned\"",
		 src, s->port[0], s->addr[0][0] == 10 ? "lan" : "wan1",
		 s->addr[0][0] == 10 ? "lan" : "wan", dst, s->port[1],
		 s->addr[0][0] == 10 ? "Reserved" : "Japan", s->id, s->l4,
		 open ? "close" : "deny", name, name, (long long)((t - s->begin + NS - 1) / NS),
		 (unsigned long long)s->bytes[0], (unsigned long long)(open ? s->bytes[1] : 0),
		 s->packets[0], open ? s->packets[1] : 0);
	if (!open)
		log_more(&x->l, " crscore=5 craction=262144 crlevel=\"low\"");
}

static void session_told(void *ctx, struct session *s, int64_t t, bool ended)
{
	struct log_day *x = ctx;
	bool local = !s->v6 && session_ip4(s, 1) == x->d->h.firewall.ip;
	if (local && !ended)
		return;
	x->joined++;
	if (local) {
		say_local(x, s, t);
		return;
	}
	say_forward(x, s, t, ended);
	if (ended && !s->v6)
		say_inspected(x, s);
}

#include "gen_firewall_events.h"

/* The day whose frames are in d, in order of time. incident: with the bad night in it. */
UNUSED static void logs_make(struct log_day *x, struct day *d, int64_t start, int64_t to,
			     bool incident)
{
	struct sessions t = { .tell = session_told, .ctx = x, .last_id = x->l.session };
	x->d = d;
	sessions_make(&t, &d->net);
	x->l.session = t.last_id;
	say_background(x, start, to);
	if (incident)
		say_night(x, start);
	qsort(x->l.lines, x->l.n, sizeof(*x->l.lines), log_order);
}

#endif
