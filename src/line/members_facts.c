/* What the fields of a line say together, as members: amounts, the network, people, pages, the observer, the
 * event. Any thread. */
#include <stdio.h>

#include "members.h"

static void put_words(struct members *ms, const char *ecs, const char *const list[MEANING_LIST])
{
	struct member *m = list[0] ? members_put(ms, ecs, MEMBER_WORDS) : NULL;

	for (int i = 0; m && i < MEANING_LIST && list[i]; i++)
		m->words[i] = list[i];
}

static void put_amounts(struct members *ms)
{
	static const struct {
		const char *ecs, *key;
		enum key_mark delta, total;
	} amounts[] = {
		{ "source.bytes", "sentbyte", MARK_SENTDELTA, MARK_SENTBYTE },
		{ "destination.bytes", "rcvdbyte", MARK_RCVDDELTA, MARK_RCVDBYTE },
		{ "source.packets", "sentpkt", MARK_SENTPKTDELTA, MARK_SENTPKT },
		{ "destination.packets", "rcvdpkt", MARK_RCVDPKTDELTA, MARK_RCVDPKT },
	};
	uint64_t v[4], sum;
	bool told[4];

	for (size_t i = 0; i < 4; i++) {
		told[i] = facts_amount(&ms->facts, amounts[i].delta, amounts[i].total, &v[i]);
		if (!told[i])
			continue;
		(void)members_u64(ms, amounts[i].ecs, v[i]);
		if (!value_u64(ms->facts.v[amounts[i].delta], &sum))
			members_own_drop(ms, amounts[i].key);
	}
	if (told[0] && told[1] && !ckd_add(&sum, v[0], v[1]))
		(void)members_u64(ms, "network.bytes", sum);
	if (told[2] && told[3] && !ckd_add(&sum, v[2], v[3]))
		(void)members_u64(ms, "network.packets", sum);
}

/* An address that a key of the line does not say by itself, as in ui="https(192.0.2.3)". */
static void put_address(struct members *ms, const char *ip, const char *address,
			const struct addr *a)
{
	struct member *m;

	if (addr_is_zero(a))
		return;
	for (int i = 0; i < 2; i++) {
		m = members_put(ms, i ? address : ip, MEMBER_IP);
		if (m)
			m->ip = *a;
	}
}

static void put_network(struct members *ms)
{
	const struct str *v = ms->facts.v;
	const struct log *row = ms->row;
	uint8_t proto;

	if (value_proto(v[MARK_PROTO], &proto)) {
		members_cstr(ms, "network.transport", proto_name(proto));
		/* text in ECS, since nobody counts with it */
		(void)snprintf(ms->proto_text, sizeof(ms->proto_text), "%u", proto);
		members_cstr(ms, "network.iana_number", ms->proto_text);
		if (str_eq(v[MARK_PROTO], str_of(ms->proto_text)))
			members_own_drop(ms, "proto");
	}
	if (!addr_is_zero(&row->src) || !addr_is_zero(&row->dst))
		members_cstr(ms, "network.type",
			     addr_is_v4(addr_is_zero(&row->src) ? &row->dst : &row->src) ?
				     "ipv4" :
				     "ipv6");
	/* as the line says it, address or not */
	(void)members_fact(ms, "source.address", v[MARK_SRCIP]);
	(void)members_fact(ms, "destination.address", v[MARK_DSTIP]);
	put_address(ms, "source.ip", "source.address", &row->src);
	put_address(ms, "destination.ip", "destination.address", &row->dst);
}

static void put_people(struct members *ms)
{
	struct str user = facts_user(&ms->facts);

	if (!user.n)
		return;
	(void)members_fact(ms, "user.name", user);
	(void)members_fact(ms, "source.user.name", user);
	if (user.p == ms->facts.v[MARK_USER].p)
		members_own_drop(
			ms,
			"user"); /* what was claimed, or signed in by EAP, stays beside it */
}

static void put_url(struct members *ms)
{
	struct url *u = &ms->url;
	struct member *m;
	uint64_t port;

	if (!facts_url(&ms->facts, u))
		return;
	if (members_fact(ms, "url.original", ms->facts.v[MARK_URL]))
		members_own_drop(ms, "url");
	(void)members_fact(ms, "url.domain", u->domain);
	if (value_u64(u->port, &port) && port < 65536)
		(void)members_u64(ms, "url.port", port);
	(void)members_fact(ms, "url.path", u->path);
	(void)members_fact(ms, "url.query", u->query);
	(void)members_fact(ms, "url.scheme", u->scheme);
	if (u->is_full)
		(void)members_fact(ms, "url.full", ms->facts.v[MARK_URL]);
	else if (u->scheme.n && u->domain.n && u->path.n && u->path.p[0] == '/') {
		m = members_put(ms, "url.full", MEMBER_ADDRESS);
		if (m)
			m->f = body_value(&ms->split.r, ms->facts.v[MARK_URL]);
	}
	if (u->is_full)
		(void)members_fact(ms, "destination.domain", u->domain);
}

static const char *dns_type(struct str eventtype, struct str subtype)
{
	if (str_eq(eventtype, STR("dns-query")) || str_eq(subtype, STR("dns-query")))
		return "query";
	return str_eq(eventtype, STR("dns-response")) || str_eq(subtype, STR("dns-response")) ?
		       "answer" :
		       NULL;
}

/* Of a Fortinet product by the letters of its serial number; the header of CEF says it outright. */
static const char *product_of(struct str serial)
{
	static const char *const products[][2] = {
		{ "FAZ", "FortiAnalyzer" }, { "FL", "FortiAnalyzer" },
		{ "FMG", "FortiManager" },  { "FAC", "FortiAuthenticator" },
		{ "FWB", "FortiWeb" },      { "FV", "FortiWeb" },
		{ "FE", "FortiMail" },      { "FSA", "FortiSandbox" },
		{ "FPX", "FortiProxy" },
	};

	for (size_t i = 0; i < ARRAY_LEN(products); i++) {
		/* a serial number has 16 characters; shorter texts prove nothing */
		if (serial.n == 16 && str_starts(serial, str_of(products[i][0])))
			return products[i][1];
	}
	return "FortiGate";
}

static void put_observer(struct members *ms)
{
	const struct str *cef = ms->split.r.cef;

	if (ms->split.r.format == LOG_FORMAT_CEF) {
		(void)members_str(ms, "observer.vendor", cef[CEF_VENDOR]);
		(void)members_str(ms, "observer.product", cef[CEF_PRODUCT]);
		(void)members_str(ms, "observer.version", cef[CEF_DEVICE_VERSION]);
		(void)members_str(ms, "toms.cef.version", cef[CEF_VERSION]);
		(void)members_str(ms, "toms.cef.signature_id", cef[CEF_ID]);
		(void)members_str(ms, "toms.cef.name", cef[CEF_NAME]);
		(void)members_str(ms, "toms.cef.severity", cef[CEF_SEVERITY]);
	}
	if (!ms->fortinet)
		return;
	members_cstr(ms, "observer.vendor", "Fortinet");
	members_cstr(ms, "observer.product", product_of(ms->facts.v[MARK_DEVID]));
	if (str_eq(str_of(product_of(ms->facts.v[MARK_DEVID])), STR("FortiGate")))
		members_cstr(ms, "observer.type", "firewall");
}

static void put_event(struct members *ms)
{
	const struct str *v = ms->facts.v;
	const struct log *row = ms->row;
	struct meaning m;
	uint64_t s;

	meaning_of(&ms->facts, &m);
	members_cstr(ms, "event.kind", m.alert ? "alert" : "event");
	put_words(ms, "event.category", m.category);
	put_words(ms, "event.type", m.type);
	if (m.outcome)
		members_cstr(ms, "event.outcome",
			     m.outcome == LOG_OUTCOME_SUCCESS ? "success" : "failure");
	if (m.kind == LOG_KIND_TRAFFIC && row->device_ns && value_u64(v[MARK_DURATION], &s) &&
	    s < UINT64_C(4000000000)) {
		members_time(ms, "event.end", row->device_ns);
		members_time(ms, "event.start", row->device_ns - (int64_t)s * NS_PER_S);
	}
	members_cstr(ms, "dns.type", dns_type(v[MARK_EVENTTYPE], v[MARK_SUBTYPE]));
	if (!members_fact(ms, "message", v[MARK_MSG]))
		(void)members_fact(ms, "message", v[MARK_LOGDESC]);
	if (ms->split.r.format == LOG_FORMAT_CEF) {
		(void)members_str(ms, "event.code", ms->split.r.cef[CEF_ID]);
		if (!ms->fortinet)
			(void)members_str(ms, "message", ms->split.r.cef[CEF_NAME]);
	}
}

/* Type and subtype that stand in CEF's category alone. */
static void put_cat(struct members *ms)
{
	struct line_field f = { .quoting = LINE_QUOTING_CEF };
	struct str cat = ms->facts.v[MARK_CAT];
	ptrdiff_t colon = str_chr(cat, ':');

	facts_split_cat(&ms->facts);
	if (!cat.n)
		return;
	f.value = ms->facts.v[MARK_TYPE];
	members_own(ms, STR("type"), &f, false);
	f.value = ms->facts.v[MARK_SUBTYPE];
	if (f.value.n)
		members_own(ms, STR("subtype"), &f, false);
	if (str_eq(ms->facts.v[MARK_TYPE], colon < 0 ? cat : str_sub(cat, 0, (size_t)colon)) &&
	    (colon < 0 || str_eq(f.value, str_sub(cat, (size_t)colon + 1, cat.n))))
		members_own_drop(ms, "cef_cat");
}

void members_facts(struct members *ms)
{
	put_cat(ms);
	put_amounts(ms);
	put_network(ms);
	put_people(ms);
	put_url(ms);
	put_observer(ms);
	put_event(ms);
}
