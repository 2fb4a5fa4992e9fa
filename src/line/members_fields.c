/* Fields of a line as members: each where the table of keys says, as the type it says, or as text under
 * fortinet.firewall. Any thread. */
#include "members.h"

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
	return members_u64(ms, k->ecs, u);
}

static bool put_direction(struct members *ms, const char *ecs, struct str v)
{
	static const char *const words[][2] = { { "outgoing", "outbound" },
						{ "incoming", "inbound" },
						{ "1", "outbound" },
						{ "0", "inbound" } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_ieq(v, str_of(words[i][0])))
			return members_str(ms, ecs, str_of(words[i][1]));
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
		return k->ecs && members_field(ms, k->ecs, MEMBER_FIELD, f);
	case KEY_LOWER:
		*copy = has_upper(f->value);
		return members_field(ms, k->ecs, MEMBER_LOWER, f);
	case KEY_DOMAIN:
		if (!facts_asked_for(&ms->facts, k->mark) || value_ip(f->value, &ip))
			return false;
		return members_field(ms, ms->facts.v[MARK_DHCP].n ? "source.domain" : k->ecs,
				     MEMBER_FIELD, f);
	case KEY_COUNTRY:
		return !str_eq(f->value, STR("Reserved")) &&
		       members_field(ms, k->ecs, MEMBER_FIELD, f);
	case KEY_ID:
		return value_u64(f->value, &(uint64_t){ 0 }) &&
		       members_str(ms, k->ecs, f->value);
	case KEY_IP:
		m = value_ip(f->value, &ip) ? members_put(ms, k->ecs, MEMBER_IP) : NULL;
		if (m)
			m->ip = ip;
		return m != NULL;
	case KEY_IPS:
	case KEY_IP_LIST:
		m = f->value.n && is_ip_list(f->value) ?
			    members_put(ms, k->ecs,
					k->type == KEY_IPS && str_chr(f->value, ',') < 0 ?
						MEMBER_STR :
						MEMBER_IPS) :
			    NULL;
		if (m)
			m->s = f->value;
		return m != NULL;
	case KEY_MAC:
		m = mac_parse(f->value, mac) == 0 ? members_put(ms, k->ecs, MEMBER_LOWER) :
						    NULL;
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
		       members_field(ms, k->ecs, MEMBER_ONE, f);
	case KEY_HASH:
		return is_hash(f->value) && members_field(ms, k->ecs, MEMBER_LOWER, f);
	case KEY_TLS:
		*copy = true;
		return f->value.n > 3 && str_ieq(str_sub(f->value, 0, 3), STR("tls")) &&
		       members_str(ms, k->ecs,
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
		members_own(ms, bare, f, false);
		return;
	}
	if (!key_is_new(seen, k)) {
		/* "duser" behind "suser"; the same name again loses to the first */
		if (!str_eq(ms->told_as[k - keys], f->key))
			members_own(ms, f->key, f, false);
		return;
	}
	ms->told_as[k - keys] = f->key;
	if (k->mark && !ms->facts.v[k->mark].p)
		ms->facts.v[k->mark] = f->value;
	homed = put_home(ms, k, f, &copy);
	if (k->mark == MARK_CAT)
		bare = STR("cef_cat"); /* FTNTFGTcat is another thing */
	if (!homed || copy || (k->flags & KEY_KEPT))
		members_own(ms, bare, f,
			    k->type == KEY_U64 && value_u64(f->value, &u) &&
				    (f->value.n == 1 || *f->value.p != '0'));
}

void members_read(struct members *ms)
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
		members_cstr(ms, "event.kind", "event");
		(void)members_str(ms, "message", ms->split.h.rest);
		return;
	}
	members_facts(ms);
}
