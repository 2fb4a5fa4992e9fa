/* What the fields of a line say together: kind, outcome, ECS categories and types, who, how much.
 * Tables first. ECS 8 names the values that are allowed. Any thread. */
#include "inside.h"

/* A line is a Fortinet device's when it says so by what no other does. */
bool facts_are_fortinet(const struct facts *f)
{
	const struct str *v = f->v;

	if (f->cef_vendor.n)
		return f->prefixed || str_ieq(f->cef_vendor, STR("Fortinet"));
	if (v[MARK_FOREIGN].n)
		return v[MARK_TYPE].n && v[MARK_SUBTYPE].n;
	return v[MARK_LOGID].n || v[MARK_DEVID].n || (v[MARK_DATE].n && v[MARK_TIME].n) ||
	       (v[MARK_TYPE].n && v[MARK_SUBTYPE].n);
}

void facts_split_cat(struct facts *f)
{
	struct str cat = f->v[MARK_CAT];
	ptrdiff_t colon = str_chr(cat, ':');

	if (!cat.n)
		return;
	if (!f->v[MARK_TYPE].n)
		f->v[MARK_TYPE] = colon < 0 ? cat : str_sub(cat, 0, (size_t)colon);
	if (colon >= 0 && !f->v[MARK_SUBTYPE].n)
		f->v[MARK_SUBTYPE] = str_sub(cat, (size_t)colon + 1, cat.n);
}

static const char *const network[] = { "network", NULL };
static const char *const network_web[] = { "network", "web", NULL };
static const char *const network_malware[] = { "network", "malware", NULL };
static const char *const network_intrusion[] = { "network", "intrusion_detection", NULL };
static const char *const network_email[] = { "network", "email", NULL };
static const char *const network_file[] = { "network", "file", NULL };
static const char *const network_session[] = { "network", "session", NULL };
static const char *const authentication[] = { "authentication", NULL };
static const char *const configuration[] = { "configuration", NULL };
static const char *const iam[] = { "configuration", "iam", NULL };
static const char *const host[] = { "host", NULL };

/* By type and subtype; the first that fits. subtype NULL: any. Types moved in FortiOS 6.2: what was
 * type=dns or type=anomaly became type=utm. */
static const struct rule {
	const char *type, *subtype;
	enum log_kind kind;
	bool alert; /* the line is a finding by itself */
	const char *const *category;
} rules[] = {
	{ "traffic", NULL, LOG_KIND_TRAFFIC, false, network },
	{ "utm", "webfilter", LOG_KIND_SECURITY, false, network_web },
	{ "utm", "app-ctrl", LOG_KIND_SECURITY, false, network },
	{ "utm", "ips", LOG_KIND_SECURITY, true, network_intrusion },
	{ "utm", "virus", LOG_KIND_SECURITY, true, network_malware },
	{ "utm", "anomaly", LOG_KIND_SECURITY, true, network_intrusion },
	{ "utm", "waf", LOG_KIND_SECURITY, true, network_web },
	{ "utm", "emailfilter", LOG_KIND_SECURITY, false, network_email },
	{ "utm", "dlp", LOG_KIND_SECURITY, false, network_file },
	{ "utm", "file-filter", LOG_KIND_SECURITY, false, network_file },
	{ "utm", "cifs", LOG_KIND_SECURITY, false, network_file },
	{ "utm", NULL, LOG_KIND_SECURITY, false, network },
	{ "dns", NULL, LOG_KIND_SECURITY, false, network },
	{ "anomaly", NULL, LOG_KIND_SECURITY, true, network_intrusion },
	{ "ips", NULL, LOG_KIND_SECURITY, true, network_intrusion },
	{ "virus", NULL, LOG_KIND_SECURITY, true, network_malware },
	{ "webfilter", NULL, LOG_KIND_SECURITY, false, network_web },
	{ "app-ctrl", NULL, LOG_KIND_SECURITY, false, network },
	{ "emailfilter", NULL, LOG_KIND_SECURITY, false, network_email },
	{ "dlp", NULL, LOG_KIND_SECURITY, false, network_file },
	{ "file-filter", NULL, LOG_KIND_SECURITY, false, network_file },
	{ "waf", NULL, LOG_KIND_SECURITY, true, network_web },
	{ "ssl", NULL, LOG_KIND_SECURITY, false, network },
	{ "ssh", NULL, LOG_KIND_SECURITY, false, network },
	{ "voip", NULL, LOG_KIND_SECURITY, false, network },
	{ "gtp", NULL, LOG_KIND_SECURITY, false, network },
	{ "attack", NULL, LOG_KIND_SECURITY, true, network_intrusion }, /* FortiWeb */
	{ "event", "vpn", LOG_KIND_VPN, false, network_session },
	{ "event", "user", LOG_KIND_SYSTEM, false, authentication },
	{ "event", "authentication", LOG_KIND_SYSTEM, false,
	  authentication }, /* FortiAuthenticator */
	{ "event", "rest-api", LOG_KIND_ADMIN, false, host },
	{ "event", "wireless", LOG_KIND_SYSTEM, false, network },
	{ "event", "router", LOG_KIND_SYSTEM, false, network },
	{ "event", "sdwan", LOG_KIND_SYSTEM, false, network },
	{ "event", "wad", LOG_KIND_SYSTEM, false, network },
	{ "event", "switch-controller", LOG_KIND_SYSTEM, false, network },
	{ "event", NULL, LOG_KIND_SYSTEM, false, host },
	{ "kevent", NULL, LOG_KIND_SYSTEM, false, host },
};

/* Message ids (the last six digits of logid) that an administrator is behind. */
static const struct {
	uint32_t from, to;
	bool sign_in; /* else a change */
} admin_ids[] = {
	{ 32001, 32003, true },  { 32021, 32023, true },  { 32095, 32095, false },
	{ 32101, 32104, false }, { 32131, 32138, false }, { 44544, 44549, false },
};

enum did { DID_NOTHING, DID_SIGN_IN, DID_SIGN_OUT, DID_CHANGE };

/* word is in lower case; most differ in their first letter. */
static bool is_word(struct str v, const char *word)
{
	return v.n && (v.p[0] | 0x20) == word[0] && str_ieq(v, str_of(word));
}

static enum did admin_did(const struct facts *f)
{
	const struct str *v = f->v;
	struct str id = v[MARK_LOGID];
	uint64_t n;

	if (v[MARK_CFGPATH].n)
		return DID_CHANGE;
	if (is_word(v[MARK_ACTION], "login") || is_word(v[MARK_ACTION], "logout"))
		return is_word(v[MARK_ACTION], "login") ? DID_SIGN_IN : DID_SIGN_OUT;
	if (id.n != 10 || !value_u64(str_sub(id, 4, 6), &n))
		return DID_NOTHING;
	for (size_t i = 0; i < ARRAY_LEN(admin_ids); i++) {
		if (n >= admin_ids[i].from && n <= admin_ids[i].to)
			return !admin_ids[i].sign_in ? DID_CHANGE :
			       n == 32003            ? DID_SIGN_OUT :
						       DID_SIGN_IN;
	}
	return DID_NOTHING;
}

/* Actions: what became of what was tried, and the ECS type that says so. */
static const struct action {
	struct str name;
	enum log_outcome outcome;
	const char *type;
} actions[] = {
	{ STR("accept"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("close"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("timeout"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("client-rst"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("server-rst"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("start"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("pass"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("passthrough"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("pass_session"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("permit"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("allow"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("allowed"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("detected"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("monitored"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("log-only"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("exempt"), LOG_OUTCOME_SUCCESS, "allowed" },
	{ STR("deny"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("denied"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("block"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("blocked"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("dropped"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("drop"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("drop_session"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("clear_session"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("reset"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("reset_client"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("reset_server"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("quarantine"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("ban"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("redirect"), LOG_OUTCOME_FAILURE, "denied" },
	{ STR("ip-conn"), LOG_OUTCOME_FAILURE, "error" },
	{ STR("tunnel-up"), LOG_OUTCOME_SUCCESS, "start" },
	{ STR("tunnel-down"), LOG_OUTCOME_SUCCESS, "end" },
	{ STR("ssl-login-fail"), LOG_OUTCOME_FAILURE, "start" },
	{ STR("auth-logon"), LOG_OUTCOME_SUCCESS, "start" },
	{ STR("auth-logout"), LOG_OUTCOME_SUCCESS, "end" },
	{ STR("fsso-logon"), LOG_OUTCOME_SUCCESS, "start" },
	{ STR("fsso-logoff"), LOG_OUTCOME_SUCCESS, "end" },
};

static const struct action *action_of(struct str name)
{
	for (size_t i = 0; name.n && i < ARRAY_LEN(actions); i++) {
		if (name.n == actions[i].name.n && str_ieq(name, actions[i].name))
			return &actions[i];
	}
	return NULL;
}

/* status= says it outright; "Failed", "failure", "fail", "negotiate_error". */
static enum log_outcome outcome_of_status(struct str s)
{
	if (s.n >= 7 && str_ieq(str_sub(s, 0, 7), STR("success")))
		return LOG_OUTCOME_SUCCESS;
	if ((s.n >= 4 && str_ieq(str_sub(s, 0, 4), STR("fail"))) ||
	    str_ifind(s, STR("error")) >= 0 || is_word(s, "deny"))
		return LOG_OUTCOME_FAILURE;
	return is_word(s, "accept") ? LOG_OUTCOME_SUCCESS : LOG_OUTCOME_UNKNOWN;
}

static void add(const char *list[MEANING_LIST], const char *word)
{
	for (int i = 0; word && i < MEANING_LIST - 1; i++) {
		if (list[i] && strcmp(list[i], word) == 0)
			return;
		if (!list[i]) {
			list[i] = word;
			return;
		}
	}
}

static void set_categories(struct meaning *m, const char *const *category)
{
	memset(m->category, 0, sizeof(m->category));
	for (int i = 0; category[i] && i < MEANING_LIST - 1; i++)
		m->category[i] = category[i];
}

/* Administrators: who came, who went, what was changed. */
static void mean_admin(const struct facts *f, enum did did, struct meaning *m)
{
	struct str path = f->v[MARK_CFGPATH], action = f->v[MARK_ACTION];

	m->kind = LOG_KIND_ADMIN;
	if (did != DID_CHANGE) {
		set_categories(m, authentication);
		add(m->type, did == DID_SIGN_IN ? "start" : "end");
		return;
	}
	set_categories(m, str_starts(path, STR("system.admin")) ||
					  str_starts(path, STR("system.accprofile")) ||
					  str_starts(path, STR("system.api-user")) ||
					  str_starts(path, STR("user.")) ?
				  iam :
				  configuration);
	add(m->type, is_word(action, "add")    ? "creation" :
		     is_word(action, "delete") ? "deletion" :
						 "change");
	if (m->outcome == LOG_OUTCOME_UNKNOWN)
		m->outcome = LOG_OUTCOME_SUCCESS; /* it is logged when it is done */
}

static void mean_traffic(const struct facts *f, struct meaning *m)
{
	add(m->type, "connection");
	add(m->type, is_word(f->v[MARK_ACTION], "start") ? "start" : "end");
}

/* The other kinds: an action with a type of its own, or information. */
static void mean_rest(const struct facts *f, const struct action *a, struct meaning *m)
{
	struct str action = f->v[MARK_ACTION];

	if (m->kind == LOG_KIND_VPN &&
	    (is_word(action, "ssl-login-fail") || is_word(f->v[MARK_ACTION], "ssl-login")))
		set_categories(m, authentication);
	if (!a)
		add(m->type, "info");
}

void meaning_of(const struct facts *f, struct meaning *m)
{
	const struct rule *r = rules, *end = rules + ARRAY_LEN(rules);
	struct str type = f->v[MARK_TYPE], subtype = f->v[MARK_SUBTYPE];
	const struct action *a = action_of(f->v[MARK_ACTION]);
	enum did did;

	*m = (struct meaning){ 0 };
	m->outcome = outcome_of_status(f->v[MARK_STATUS]);
	if (m->outcome == LOG_OUTCOME_UNKNOWN && a)
		m->outcome = a->outcome;
	while (r < end &&
	       !(is_word(type, r->type) && (!r->subtype || is_word(subtype, r->subtype))))
		r++;
	if (r == end) {
		add(m->type, "info");
		return;
	}
	m->kind = r->kind;
	m->alert = r->alert;
	set_categories(m, r->category);
	did = m->kind == LOG_KIND_SYSTEM && !is_word(subtype, "user") ? admin_did(f) :
									DID_NOTHING;
	if (did != DID_NOTHING)
		mean_admin(f, did, m);
	else if (m->kind == LOG_KIND_TRAFFIC)
		mean_traffic(f, m);
	else
		mean_rest(f, a, m);
	if (a && did == DID_NOTHING)
		add(m->type, a->type);
	/* a file that was kept from leaving is a finding; one that went is not */
	if (!m->alert && a && a->outcome == LOG_OUTCOME_FAILURE && is_word(subtype, "dlp"))
		m->alert = true;
}

/* IPsec logs say the peer's address as user; who signed in stands in eapuser or xauthuser. A name that was
 * only claimed (unauthuser) is taken last. */
struct str facts_user(const struct facts *f)
{
	static const enum key_mark marks[] = { MARK_EAPUSER, MARK_USER, MARK_CLAIMED };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (!value_is_none(f->v[marks[i]]))
			return f->v[marks[i]];
	}
	return STR("");
}

bool facts_asked_for(const struct facts *f, uint8_t mark)
{
	return mark != MARK_HOSTNAME || f->v[MARK_DHCP].n || !is_word(f->v[MARK_TYPE], "event");
}

bool facts_ui_ip(const struct facts *f, struct addr *out)
{
	struct str ui = f->v[MARK_UI];
	ptrdiff_t open = str_chr(ui, '(');

	if (open >= 0 && ui.p[ui.n - 1] == ')')
		ui = str_sub(ui, (size_t)open + 1, ui.n - (size_t)open - 2);
	return ui.n && value_ip(ui, out);
}

bool facts_amount(const struct facts *f, enum key_mark delta, enum key_mark total,
		  uint64_t *out)
{
	return value_u64(f->v[delta], out) || value_u64(f->v[total], out);
}
