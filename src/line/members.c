/* Members of a log row: the line is taken apart again, so a newer version understands old lines better; what
 * only the row knows (who sent it, when it came) is added. Any thread, nothing allocated. */
#include "members.h"

#include <stdio.h>

const char *const derived_names[] = { "@timestamp",
				      "destination.address",
				      "destination.bytes",
				      "destination.packets",
				      "dns.type",
				      "event.category",
				      "event.code",
				      "event.created",
				      "event.dataset",
				      "event.end",
				      "event.id",
				      "event.kind",
				      "event.original",
				      "event.outcome",
				      "event.severity",
				      "event.start",
				      "event.type",
				      "log.level",
				      "log.source.ip",
				      "log.syslog.appname",
				      "log.syslog.facility.code",
				      "log.syslog.facility.name",
				      "log.syslog.hostname",
				      "log.syslog.msgid",
				      "log.syslog.priority",
				      "log.syslog.procid",
				      "log.syslog.severity.code",
				      "log.syslog.severity.name",
				      "log.syslog.structured_data",
				      "log.syslog.version",
				      "message",
				      "network.bytes",
				      "network.iana_number",
				      "network.packets",
				      "network.transport",
				      "network.type",
				      "observer.product",
				      "observer.type",
				      "observer.vendor",
				      "observer.version",
				      "process.name",
				      "process.pid",
				      "source.address",
				      "source.bytes",
				      "source.packets",
				      "source.user.name",
				      "toms.cef.name",
				      "toms.cef.severity",
				      "toms.cef.signature_id",
				      "toms.cef.version",
				      "toms.log.country",
				      "toms.log.filed",
				      "toms.log.flags",
				      "toms.log.format",
				      "toms.log.kind",
				      "toms.log.original_base64",
				      "toms.log.problem",
				      "toms.log.source",
				      "toms.log.threat",
				      "toms.log.transport",
				      "toms.log.trust",
				      "url.domain",
				      "url.full",
				      "url.original",
				      "url.path",
				      "url.port",
				      "url.query",
				      "url.scheme",
				      "user.name",
				      NULL };

/* Where ecs stands in order, or would. */
static size_t place_of(const struct members *ms, const char *ecs, bool *taken)
{
	size_t lo = 0, hi = ms->n;

	*taken = false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(ms->m[ms->order[mid]].ecs, ecs);

		if (c == 0) {
			*taken = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A new member of this name; NULL where the line has told it already: the first wins. */
static struct member *put(struct members *ms, const char *ecs, enum member_type type)
{
	bool taken;
	size_t at = place_of(ms, ecs, &taken);
	struct member *m = &ms->m[ms->n];

	if (taken || ms->n == MEMBERS_MAX)
		return NULL;
	memmove(ms->order + at + 1, ms->order + at, ms->n - at);
	ms->order[at] = (uint8_t)ms->n++;
	*m = (struct member){ .ecs = ecs, .type = type };
	return m;
}

static bool put_str(struct members *ms, const char *ecs, struct str s)
{
	struct member *m = s.n ? put(ms, ecs, MEMBER_STR) : NULL;

	if (m)
		m->s = s;
	return m != NULL;
}

static void put_cstr(struct members *ms, const char *ecs, const char *c)
{
	if (c)
		(void)put_str(ms, ecs, str_of(c));
}

static bool put_u64(struct members *ms, const char *ecs, uint64_t u)
{
	struct member *m = put(ms, ecs, MEMBER_U64);

	if (m)
		m->u = u;
	return m != NULL;
}

static void put_time(struct members *ms, const char *ecs, int64_t ns)
{
	struct member *m = put(ms, ecs, MEMBER_TIME);

	if (m)
		m->ns = ns;
}

static bool put_field(struct members *ms, const char *ecs, enum member_type type,
		      const struct line_field *f)
{
	struct member *m = value_is_none(f->value) ? NULL : put(ms, ecs, type);

	if (m)
		m->f = *f;
	return m != NULL;
}

static bool put_fact(struct members *ms, const char *ecs, struct str value)
{
	struct line_field f = body_value(&ms->split.r, value);

	return put_field(ms, ecs, MEMBER_FIELD, &f);
}

static void put_words(struct members *ms, const char *ecs, const char *const list[MEANING_LIST])
{
	struct member *m = list[0] ? put(ms, ecs, MEMBER_WORDS) : NULL;

	for (int i = 0; m && i < MEANING_LIST && list[i]; i++)
		m->words[i] = list[i];
}

/* ---- keys without a home */

static size_t own_slot(const struct members *ms, struct str key, bool *taken)
{
	uint32_t h = 2166136261u;
	size_t at;

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ (uint8_t)key.p[i]) * 16777619u;
	at = h % ARRAY_LEN(ms->own_slots);
	while (ms->own_slots[at] && !str_eq(ms->own[ms->own_slots[at] - 1].key, key))
		at = (at + 1) % ARRAY_LEN(ms->own_slots);
	*taken = ms->own_slots[at] != 0;
	return at;
}

/* Keys are objects' members as they are written: a dot in one opens no object. */
static void put_own(struct members *ms, struct str key, const struct line_field *f, bool number)
{
	bool taken;
	size_t at;

	/* JSON can spell anything; cleaned, two could be one */
	for (size_t i = 0; i < key.n; i++) {
		if ((unsigned char)(key.p[i] - 0x21) > 0x5d)
			key.n = 0;
	}
	if (!key.n)
		key = STR("?");
	at = own_slot(ms, key, &taken);
	if (taken || ms->n_own == LINE_FIELDS_MAX)
		return;
	ms->own[ms->n_own] = (struct own){ .key = key, .f = *f, .number = number };
	ms->own_slots[at] = (uint16_t)++ms->n_own;
}

static bool is_hash(struct str v)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = (char)(v.p[i] | 0x20);

		if (!((v.p[i] >= '0' && v.p[i] <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return v.n == 64;
}

static bool is_ip_list(struct str list)
{
	struct str one;
	struct addr a;

	while (str_split(&list, ',', &one)) {
		if (!value_ip(str_trim(one), &a))
			return false;
	}
	return true;
}

static bool put_number(struct members *ms, const struct key *k, struct str value)
{
	uint64_t u;

	if (!value_u64(value, &u) || (k->type == KEY_PORT && u > 65535) ||
	    (k->type == KEY_STATUS && (u < 100 || u > 599)))
		return false;
	if (k->type == KEY_SECONDS &&
	    (u > INT64_MAX / NS_PER_S || ckd_mul(&u, u, (uint64_t)NS_PER_S)))
		return false;
	return put_u64(ms, k->ecs, u);
}

static bool put_direction(struct members *ms, const char *ecs, struct str v)
{
	static const char *const words[][2] = { { "outgoing", "outbound" },
						{ "incoming", "inbound" },
						{ "1", "outbound" },
						{ "0", "inbound" } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_ieq(v, str_of(words[i][0])))
			return put_str(ms, ecs, str_of(words[i][1]));
	}
	return false;
}

static bool has_upper(struct str v)
{
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] >= 'A' && v.p[i] <= 'Z')
			return true;
	}
	return false;
}

/* The ECS member of a key, where the value is what the table says. *copy: it was written differently. */
static bool put_home(struct members *ms, const struct key *k, const struct line_field *f,
		     bool *copy)
{
	struct member *m;
	struct addr ip;
	uint8_t mac[6];

	switch ((enum key_type)k->type) {
	case KEY_TEXT:
		return k->ecs && put_field(ms, k->ecs, MEMBER_FIELD, f);
	case KEY_LOWER:
		*copy = has_upper(f->value);
		return put_field(ms, k->ecs, MEMBER_LOWER, f);
	case KEY_DOMAIN:
		if (!facts_asked_for(&ms->facts, k->mark) || value_ip(f->value, &ip))
			return false;
		return put_field(ms, ms->facts.v[MARK_DHCP].n ? "source.domain" : k->ecs,
				 MEMBER_FIELD, f);
	case KEY_COUNTRY:
		return !str_eq(f->value, STR("Reserved")) &&
		       put_field(ms, k->ecs, MEMBER_FIELD, f);
	case KEY_ID:
		return value_u64(f->value, &(uint64_t){ 0 }) && put_str(ms, k->ecs, f->value);
	case KEY_IP:
		m = value_ip(f->value, &ip) ? put(ms, k->ecs, MEMBER_IP) : NULL;
		if (m)
			m->ip = ip;
		return m != NULL;
	case KEY_IPS:
	case KEY_IP_LIST:
		m = f->value.n && is_ip_list(f->value) ?
			    put(ms, k->ecs,
				k->type == KEY_IPS && str_chr(f->value, ',') < 0 ? MEMBER_STR :
										   MEMBER_IPS) :
			    NULL;
		if (m)
			m->s = f->value;
		return m != NULL;
	case KEY_MAC:
		m = mac_parse(f->value, mac) == 0 ? put(ms, k->ecs, MEMBER_LOWER) : NULL;
		if (m)
			m->f = *f;
		*copy = f->value.n != 17 || f->value.p[2] != ':';
		return m != NULL && !*copy;
	case KEY_PORT:
	case KEY_U32:
	case KEY_U64:
	case KEY_SECONDS:
	case KEY_STATUS:
		return k->ecs && put_number(ms, k, f->value);
	case KEY_MAIL:
		return str_chr(f->value, '@') >= 0 && !str_starts(f->value, STR("sip:")) &&
		       put_field(ms, k->ecs, MEMBER_ONE, f);
	case KEY_HASH:
		return is_hash(f->value) && put_field(ms, k->ecs, MEMBER_LOWER, f);
	case KEY_TLS:
		*copy = true;
		return f->value.n > 3 && str_ieq(str_sub(f->value, 0, 3), STR("tls")) &&
		       put_str(ms, k->ecs,
			       str_sub(f->value, f->value.p[3] == 'v' ? 4 : 3, f->value.n));
	case KEY_DIRECTION:
		*copy = true;
		return put_direction(ms, k->ecs, f->value);
	case KEY_PLAIN:
	case KEY_PROTO:
	case KEY_FOR_DERIVE:
		break;
	}
	return false;
}

/* A field of the body. Those that meaning is made of stay where they are until all are read. */
static void take_field(struct members *ms, uint64_t seen[KEYS_MAX / 64],
		       const struct line_field *f)
{
	struct str bare;
	const struct key *k = key_of(&ms->split.r, f, &bare);
	bool copy = false, homed;
	uint64_t u;

	ms->facts.prefixed |= ms->split.r.format == LOG_FORMAT_CEF && bare.n < f->key.n &&
			      f->key.p[0] == 'F';
	if (!k) {
		put_own(ms, bare, f, false);
		return;
	}
	if (!key_is_new(seen, k)) {
		/* "duser" behind "suser"; the same name again loses to the first */
		if (!str_eq(ms->told_as[k - keys], f->key))
			put_own(ms, f->key, f, false);
		return;
	}
	ms->told_as[k - keys] = f->key;
	if (k->mark && !ms->facts.v[k->mark].p)
		ms->facts.v[k->mark] = f->value;
	homed = put_home(ms, k, f, &copy);
	if (k->mark == MARK_CAT)
		bare = STR("cef_cat"); /* FTNTFGTcat is another thing */
	if (!homed || copy || (k->flags & KEY_KEPT))
		put_own(ms, bare, f,
			k->type == KEY_U64 && value_u64(f->value, &u) &&
				(f->value.n == 1 || *f->value.p != '0'));
}

/* ---- what the fields say together */

static void drop_own(struct members *ms, const char *key)
{
	bool taken;
	size_t at = own_slot(ms, str_of(key), &taken);

	if (taken)
		ms->own[ms->own_slots[at] - 1].key.p = NULL;
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
		(void)put_u64(ms, amounts[i].ecs, v[i]);
		if (!value_u64(ms->facts.v[amounts[i].delta], &sum))
			drop_own(ms, amounts[i].key);
	}
	if (told[0] && told[1] && !ckd_add(&sum, v[0], v[1]))
		(void)put_u64(ms, "network.bytes", sum);
	if (told[2] && told[3] && !ckd_add(&sum, v[2], v[3]))
		(void)put_u64(ms, "network.packets", sum);
}

/* An address that a key of the line does not say by itself, as in ui="https(192.0.2.3)". */
static void put_address(struct members *ms, const char *ip, const char *address,
			const struct addr *a)
{
	struct member *m;

	if (addr_is_zero(a))
		return;
	for (int i = 0; i < 2; i++) {
		m = put(ms, i ? address : ip, MEMBER_IP);
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
		put_cstr(ms, "network.transport", proto_name(proto));
		/* text in ECS, since nobody counts with it */
		(void)snprintf(ms->proto_text, sizeof(ms->proto_text), "%u", proto);
		put_cstr(ms, "network.iana_number", ms->proto_text);
		if (str_eq(v[MARK_PROTO], str_of(ms->proto_text)))
			drop_own(ms, "proto");
	}
	if (!addr_is_zero(&row->src) || !addr_is_zero(&row->dst))
		put_cstr(ms, "network.type",
			 addr_is_v4(addr_is_zero(&row->src) ? &row->dst : &row->src) ? "ipv4" :
										       "ipv6");
	/* as the line says it, address or not */
	(void)put_fact(ms, "source.address", v[MARK_SRCIP]);
	(void)put_fact(ms, "destination.address", v[MARK_DSTIP]);
	put_address(ms, "source.ip", "source.address", &row->src);
	put_address(ms, "destination.ip", "destination.address", &row->dst);
}

static void put_people(struct members *ms)
{
	struct str user = facts_user(&ms->facts);

	if (!user.n)
		return;
	(void)put_fact(ms, "user.name", user);
	(void)put_fact(ms, "source.user.name", user);
	if (user.p == ms->facts.v[MARK_USER].p)
		drop_own(ms,
			 "user"); /* what was claimed, or signed in by EAP, stays beside it */
}

static void put_url(struct members *ms)
{
	struct url *u = &ms->url;
	struct member *m;
	uint64_t port;

	if (!facts_url(&ms->facts, u))
		return;
	if (put_fact(ms, "url.original", ms->facts.v[MARK_URL]))
		drop_own(ms, "url");
	(void)put_fact(ms, "url.domain", u->domain);
	if (value_u64(u->port, &port) && port < 65536)
		(void)put_u64(ms, "url.port", port);
	(void)put_fact(ms, "url.path", u->path);
	(void)put_fact(ms, "url.query", u->query);
	(void)put_fact(ms, "url.scheme", u->scheme);
	if (u->is_full)
		(void)put_fact(ms, "url.full", ms->facts.v[MARK_URL]);
	else if (u->scheme.n && u->domain.n && u->path.n && u->path.p[0] == '/') {
		m = put(ms, "url.full", MEMBER_ADDRESS);
		if (m)
			m->f = body_value(&ms->split.r, ms->facts.v[MARK_URL]);
	}
	if (u->is_full)
		(void)put_fact(ms, "destination.domain", u->domain);
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
		(void)put_str(ms, "observer.vendor", cef[CEF_VENDOR]);
		(void)put_str(ms, "observer.product", cef[CEF_PRODUCT]);
		(void)put_str(ms, "observer.version", cef[CEF_DEVICE_VERSION]);
		(void)put_str(ms, "toms.cef.version", cef[CEF_VERSION]);
		(void)put_str(ms, "toms.cef.signature_id", cef[CEF_ID]);
		(void)put_str(ms, "toms.cef.name", cef[CEF_NAME]);
		(void)put_str(ms, "toms.cef.severity", cef[CEF_SEVERITY]);
	}
	if (!ms->fortinet)
		return;
	put_cstr(ms, "observer.vendor", "Fortinet");
	put_cstr(ms, "observer.product", product_of(ms->facts.v[MARK_DEVID]));
	if (str_eq(str_of(product_of(ms->facts.v[MARK_DEVID])), STR("FortiGate")))
		put_cstr(ms, "observer.type", "firewall");
}

static void put_event(struct members *ms)
{
	const struct str *v = ms->facts.v;
	const struct log *row = ms->row;
	struct meaning m;
	uint64_t s;

	meaning_of(&ms->facts, &m);
	put_cstr(ms, "event.kind", m.alert ? "alert" : "event");
	put_words(ms, "event.category", m.category);
	put_words(ms, "event.type", m.type);
	if (m.outcome)
		put_cstr(ms, "event.outcome",
			 m.outcome == LOG_OUTCOME_SUCCESS ? "success" : "failure");
	if (m.kind == LOG_KIND_TRAFFIC && row->device_ns && value_u64(v[MARK_DURATION], &s) &&
	    s < UINT64_C(4000000000)) {
		put_time(ms, "event.end", row->device_ns);
		put_time(ms, "event.start", row->device_ns - (int64_t)s * NS_PER_S);
	}
	put_cstr(ms, "dns.type", dns_type(v[MARK_EVENTTYPE], v[MARK_SUBTYPE]));
	if (!put_fact(ms, "message", v[MARK_MSG]))
		(void)put_fact(ms, "message", v[MARK_LOGDESC]);
	if (ms->split.r.format == LOG_FORMAT_CEF) {
		(void)put_str(ms, "event.code", ms->split.r.cef[CEF_ID]);
		if (!ms->fortinet)
			(void)put_str(ms, "message", ms->split.r.cef[CEF_NAME]);
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
	put_own(ms, STR("type"), &f, false);
	f.value = ms->facts.v[MARK_SUBTYPE];
	if (f.value.n)
		put_own(ms, STR("subtype"), &f, false);
	if (str_eq(ms->facts.v[MARK_TYPE], colon < 0 ? cat : str_sub(cat, 0, (size_t)colon)) &&
	    (colon < 0 || str_eq(f.value, str_sub(cat, (size_t)colon + 1, cat.n))))
		drop_own(ms, "cef_cat");
}

static void put_fields(struct members *ms)
{
	uint64_t seen[KEYS_MAX / 64] = { 0 };
	struct line_field f;
	size_t n = 0;

	for (; n < LINE_FIELDS_MAX && body_next(&ms->split.r, &f); n++)
		take_field(ms, seen, &f);
	ms->facts.cef_vendor = ms->split.r.cef[CEF_VENDOR];
	ms->fortinet = facts_are_fortinet(&ms->facts);
	if (!ms->fortinet && ms->split.r.format != LOG_FORMAT_CEF) {
		/* the words of the message are the event */
		ms->n = ms->n_own = 0;
		put_cstr(ms, "event.kind", "event");
		(void)put_str(ms, "message", ms->split.h.rest);
		return;
	}
	put_cat(ms);
	put_amounts(ms);
	put_network(ms);
	put_people(ms);
	put_url(ms);
	put_observer(ms);
	put_event(ms);
}

/* ---- what the header and the row know */

static void put_header(struct members *ms)
{
	static const char *const facilities[] = {
		"kernel", "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
		"uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
		"local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"
	};
	static const char *const severities[] = {
		"emergency", "alert",  "critical",    "error",
		"warning",   "notice", "information", "debug"
	};
	const struct header *h = &ms->split.h;
	struct member *m;
	uint64_t pid;

	if (h->pri) {
		unsigned pri = h->pri - 1u;

		(void)put_u64(ms, "log.syslog.priority", pri);
		(void)put_u64(ms, "log.syslog.facility.code", pri / 8);
		put_cstr(ms, "log.syslog.facility.name", facilities[pri / 8]);
		(void)put_u64(ms, "log.syslog.severity.code", pri % 8);
		put_cstr(ms, "log.syslog.severity.name", severities[pri % 8]);
		put_cstr(ms, "log.level", severities[pri % 8]);
	}
	(void)put_str(ms, "log.syslog.hostname", h->host);
	(void)put_str(ms, "log.syslog.appname", h->app);
	(void)put_str(ms, "log.syslog.procid", h->procid);
	(void)put_str(ms, "log.syslog.msgid", h->msgid);
	(void)put_str(ms, "log.syslog.version", h->is_5424 ? h->version : STR(""));
	m = h->sd.n ? put(ms, "log.syslog.structured_data", MEMBER_SD) : NULL;
	if (m)
		m->s = h->sd;
	(void)put_str(ms, "observer.name", h->host);
	(void)put_str(ms, "process.name", h->app);
	if (value_u64(h->procid, &pid))
		(void)put_u64(ms, "process.pid", pid);
}

static void put_flags(struct members *ms)
{
	static const struct {
		unsigned flag;
		const char *word;
	} flags[] = {
		{ LOG_TRUNCATED, "truncated" },
		{ LOG_NOT_UTF8, "not_utf8" },
		{ LOG_NO_TIME, "no_time" },
		{ LOG_NO_ZONE, "no_zone" },
		{ LOG_TIME_DOUBTFUL, "time_doubtful" },
		{ LOG_TEST, "test" },
		{ LOG_PARTIAL, "partial" },
	};
	struct member *m = ms->row->flags ? put(ms, "toms.log.flags", MEMBER_WORDS) : NULL;
	int n = 0;

	for (size_t i = 0; m && i < ARRAY_LEN(flags); i++) {
		if (ms->row->flags & flags[i].flag)
			m->words[n++] = flags[i].word;
	}
}

/* Names of a column's values, from the record's own table. */
static void put_enum(struct members *ms, const char *ecs, const char *col)
{
	const struct col *c = record_col(&log_record, col);

	(void)put_str(ms, ecs, col_text(c, ms->row));
}

static void put_row(struct members *ms)
{
	const struct log *row = ms->row;
	struct member *m;

	put_time(ms, "@timestamp", row->device_ns ? row->device_ns : row->created_ns);
	put_time(ms, "event.created", row->created_ns);
	put_time(ms, "toms.log.filed", row->at_ns);
	/* opaque outside: text, since readers of JSON round numbers over 2^53 */
	(void)snprintf(ms->id_text, sizeof(ms->id_text), "%lld", (long long)row->id);
	put_cstr(ms, "event.id", ms->id_text);
	if (row->level)
		(void)put_u64(ms, "event.severity", row->level - 1u);
	m = addr_is_zero(&row->sender) ? NULL : put(ms, "log.source.ip", MEMBER_IP);
	if (m)
		m->ip = row->sender;
	(void)put_str(ms, "event.original", ms->line);
	if (!str_utf8_valid(ms->line)) {
		m = put(ms, "toms.log.original_base64", MEMBER_BASE64);
		if (m)
			m->s = ms->line;
	}
	(void)snprintf(ms->dataset, sizeof(ms->dataset), "fortigate.%s", row->type);
	put_cstr(ms, "event.dataset", row->type[0] ? ms->dataset : "syslog");
	put_enum(ms, "toms.log.kind", "kind");
	put_enum(ms, "toms.log.trust", "trust");
	put_enum(ms, "toms.log.transport", "transport");
	put_enum(ms, "toms.log.format", "format");
	put_enum(ms, "toms.log.problem", "problem");
	if (row->source)
		(void)put_u64(ms, "toms.log.source", row->source);
	(void)put_str(ms, "toms.log.threat", str_of(row->threat));
	(void)put_str(ms, "toms.log.country", str_of(row->country));
	put_flags(ms);
}

void members_of(const struct log *row, struct members *ms)
{
	ms->n = ms->n_own = 0;
	memset(ms->own_slots, 0, sizeof(ms->own_slots));
	memset(&ms->facts, 0, sizeof(ms->facts));
	ms->row = row;
	ms->line = str_n(row->line, row->line_n);
	line_split(ms->line, &ms->split);
	put_fields(ms);
	put_header(ms);
	put_row(ms);
}

const struct member *members_find(const struct members *ms, struct str ecs)
{
	char name[96];
	bool taken;
	size_t at;

	if (!str_copy(name, sizeof(name), ecs))
		return NULL;
	at = place_of(ms, name, &taken);
	return taken ? &ms->m[ms->order[at]] : NULL;
}
