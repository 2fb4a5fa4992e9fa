/* A log row as one ECS object, and single members of it as text. Whatever the bytes of the line are, the object
 * is valid JSON (RFC 8259) with no name twice; the line itself is in event.original, and where it is not valid
 * UTF-8 all its bytes are in toms.log.original_base64. Any thread, nothing allocated. */
#include <stdio.h>

#include "members.h"
#include "tomsd/base/clock.h"

/* A stack that is not wiped first: it is written before it is read. */
#define ROOM __attribute__((uninitialized))

static struct str lowered(struct str v, char *buf, size_t cap)
{
	size_t n = v.n < cap ? v.n : cap;

	for (size_t i = 0; i < n; i++)
		buf[i] = v.p[i] >= 'A' && v.p[i] <= 'Z' ? (char)(v.p[i] | 0x20) : v.p[i];
	return str_n(buf, n);
}

#define SHORT 1024

/* Apart, since a stack this large costs a touch of every page of it. */
__attribute__((noinline)) static void json_long(struct json *j, const struct line_field *f,
						bool lower)
{
	ROOM char buf[LOG_LINE_MAX + 8];
	struct str v = line_value(f, buf, sizeof(buf));

	json_str(j, lower ? lowered(v, buf, sizeof(buf)) : v);
}

static void json_field(struct json *j, const struct line_field *f, bool lower)
{
	ROOM char buf[SHORT + 8];
	struct str v;

	if (f->value.n > SHORT) {
		json_long(j, f, lower);
		return;
	}
	v = line_value(f, buf, sizeof(buf));
	json_str(j, lower ? lowered(v, buf, sizeof(buf)) : v);
}

static void json_ips(struct json *j, struct str list)
{
	struct str one;

	json_arr(j);
	while (str_split(&list, ',', &one))
		json_str(j, str_trim(one));
	json_end_arr(j);
}

/* The address of a page from its parts; what the path holds is as the device wrote it. */
static struct str address_text(const struct members *ms, const struct member *m, char *buf,
			       size_t cap)
{
	struct line_field host = m->f;
	struct str path, name;
	size_t n;

	host.value = ms->url.domain;
	n = (size_t)snprintf(buf, cap, "%.*s://", (int)ms->url.scheme.n, ms->url.scheme.p);
	if (n + 8 > cap)
		return STR("");
	name = line_value(&host, buf + n, cap - n);
	if (name.n > cap - n)
		name.n = cap - n;
	memmove(buf + n, name.p, name.n);
	n += name.n;
	path = line_value(&m->f, buf + n, cap - n);
	if (path.n > cap - n)
		path.n = cap - n;
	memmove(buf + n, path.p, path.n);
	return str_n(buf, n + path.n);
}

__attribute__((noinline)) static void json_address_long(struct json *j,
							const struct members *ms,
							const struct member *m)
{
	ROOM char buf[2 * LOG_LINE_MAX];

	json_str(j, address_text(ms, m, buf, sizeof(buf)));
}

static void json_address(struct json *j, const struct members *ms, const struct member *m)
{
	ROOM char buf[2 * SHORT + 32];

	if (m->f.value.n > SHORT || ms->url.domain.n > SHORT)
		json_address_long(j, ms, m);
	else
		json_str(j, address_text(ms, m, buf, sizeof(buf)));
}

/* RFC 4648 4. */
__attribute__((noinline)) static void json_base64(struct json *j, struct str s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	ROOM char buf[(LOG_LINE_MAX + 2) / 3 * 4];
	size_t n = 0;

	for (size_t i = 0; i < s.n && n + 4 <= sizeof(buf); i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)(uint8_t)s.p[i] << 16;

		v |= left > 1 ? (uint32_t)(uint8_t)s.p[i + 1] << 8 : 0;
		v |= left > 2 ? (uint8_t)s.p[i + 2] : 0;
		buf[n++] = digits[v >> 18];
		buf[n++] = digits[v >> 12 & 63];
		buf[n++] = left > 1 ? digits[v >> 6 & 63] : '=';
		buf[n++] = left > 2 ? digits[v & 63] : '=';
	}
	json_str(j, str_n(buf, n));
}

#define SD_SHOWN \
	64 /* elements, and fields of one, that are shown as such; the rest is in event.original */

static bool is_told(const struct str *told, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(told[i], name))
			return true;
	}
	return false;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)(s.p[i] - 0x21) > 0x5d)
			return false;
	}
	return s.n > 0;
}

/* {"id":{"name":"value"}}; an element without fields is an empty object. */
static void json_sd(struct json *j, struct str sd)
{
	struct reader r = {
		.format = LOG_FORMAT_RFC5424, .p = sd.p, .begin = sd.p, .end = sd.p + sd.n
	};
	struct str ids[SD_SHOWN], names[SD_SHOWN], id = STR("");
	size_t n_ids = 0, n_names = 0;
	struct line_field f;

	json_obj(j);
	while (sd_next(&r, &f)) {
		if (!id.p || r.sd_id.p != id.p) {
			if (n_names)
				json_end_obj(j);
			n_names = 0;
			id = r.sd_id;
		}
		if (!is_name(id) || !is_name(f.key) || is_told(names, n_names, f.key) ||
		    n_names == SD_SHOWN)
			continue;
		if (!n_names) {
			if (n_ids == SD_SHOWN || is_told(ids, n_ids, id))
				continue;
			ids[n_ids++] = id;
			json_key_str(j, id);
			json_obj(j);
		}
		names[n_names++] = f.key;
		json_key_str(j, f.key);
		json_field(j, &f, false);
	}
	if (n_names)
		json_end_obj(j);
	json_end_obj(j);
}

static void json_member(struct json *j, const struct members *ms, const struct member *m)
{
	char text[ADDR_TEXT_MAX];

	switch (m->type) {
	case MEMBER_STR:
		json_str(j, m->s);
		return;
	case MEMBER_FIELD:
	case MEMBER_LOWER:
		json_field(j, &m->f, m->type == MEMBER_LOWER);
		return;
	case MEMBER_U64:
		json_u64(j, m->u);
		return;
	case MEMBER_TIME:
		json_time(j, m->ns);
		return;
	case MEMBER_IP:
		addr_text(&m->ip, text);
		json_cstr(j, text);
		return;
	case MEMBER_WORDS:
		json_arr(j);
		for (size_t i = 0; i < ARRAY_LEN(m->words) && m->words[i]; i++)
			json_cstr(j, m->words[i]);
		json_end_arr(j);
		return;
	case MEMBER_IPS:
		json_ips(j, m->s);
		return;
	case MEMBER_ONE:
		json_arr(j);
		json_field(j, &m->f, false);
		json_end_arr(j);
		return;
	case MEMBER_SD:
		json_sd(j, m->s);
		return;
	case MEMBER_ADDRESS:
		json_address(j, ms, m);
		return;
	case MEMBER_BASE64:
		json_base64(j, m->s);
		return;
	}
}

/* Keys without a home: one flat object, since a dot in a key is part of its name. */
static void json_own(struct json *j, const struct members *ms)
{
	uint64_t u;

	json_path(j, ms->fortinet ? OWN_FORTINET : OWN_CEF ".extension");
	json_obj(j);
	for (size_t i = 0; i < ms->n_own; i++) {
		const struct own *o = &ms->own[i];

		if (!o->key.p)
			continue;
		json_key_str(j, o->key);
		if (o->number && value_u64(o->f.value, &u))
			json_u64(j, u);
		else
			json_field(j, &o->f, false);
	}
	json_end_obj(j);
}

void log_json(const void *row, struct json *j)
{
	ROOM struct members ms;
	const char *own;
	bool told;

	members_of(row, &ms);
	own = ms.fortinet ? OWN_FORTINET : OWN_CEF ".extension";
	told = ms.n_own == 0;
	json_obj(j);
	for (size_t i = 0; i < ms.n; i++) {
		const struct member *m = &ms.m[ms.order[i]];

		if (!told && strcmp(m->ecs, own) > 0) {
			json_own(j, &ms);
			told = true;
		}
		json_path(j, m->ecs);
		json_member(j, &ms, m);
	}
	json_path_end(j);
	json_end_obj(j);
}

/* ---- one member as text */

static const struct str own_prefix = STR(OWN_FORTINET "."),
			cef_prefix = STR(OWN_CEF ".extension.");

bool log_has_member(struct str ecs)
{
	for (size_t i = 0; derived_names[i]; i++) {
		if (str_eq(ecs, str_of(derived_names[i])))
			return true;
	}
	for (size_t i = 0; i < n_keys; i++) {
		if (keys[i].ecs && str_eq(ecs, str_of(keys[i].ecs)))
			return true;
	}
	return (str_starts(ecs, own_prefix) && ecs.n > own_prefix.n) ||
	       (str_starts(ecs, cef_prefix) && ecs.n > cef_prefix.n);
}

/* A list as text: its items apart by a comma and a blank. */
static struct str words_text(const struct member *m, char *buf, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(m->words) && m->words[i]; i++) {
		int made = snprintf(buf + n, cap - n, "%s%s", n ? ", " : "", m->words[i]);

		if (made < 0 || (size_t)made >= cap - n)
			break;
		n += (size_t)made;
	}
	return str_n(buf, n);
}

/* Text that was put together in ms goes with it: the caller keeps the row and buf alone. */
static struct str kept(const struct members *ms, struct str s, char *buf, size_t cap)
{
	uintptr_t at = (uintptr_t)s.p, from = (uintptr_t)ms;

	if (at < from || at >= from + sizeof(*ms))
		return s;
	(void)str_copy(buf, cap, s); /* shorter than the least cap */
	return str_of(buf);
}

static bool member_text(const struct members *ms, const struct member *m, char *buf, size_t cap,
			struct str *out)
{
	char text[ADDR_TEXT_MAX];

	switch (m->type) {
	case MEMBER_STR:
	case MEMBER_IPS:
	case MEMBER_SD:
	case MEMBER_BASE64: /* what it stands for: the line */
		*out = kept(ms, m->s, buf, cap);
		return true;
	case MEMBER_FIELD:
	case MEMBER_ONE:
		*out = line_value(&m->f, buf, cap);
		return true;
	case MEMBER_LOWER:
		*out = lowered(line_value(&m->f, buf, cap), buf, cap);
		return true;
	case MEMBER_U64:
		*out = str_n(buf, (size_t)snprintf(buf, cap, "%llu", (unsigned long long)m->u));
		return true;
	case MEMBER_TIME:
		clock_rfc3339(m->ns, text);
		*out = str_n(buf, (size_t)snprintf(buf, cap, "%s", text));
		return true;
	case MEMBER_IP:
		addr_text(&m->ip, text);
		*out = str_n(buf, (size_t)snprintf(buf, cap, "%s", text));
		return true;
	case MEMBER_WORDS:
		*out = words_text(m, buf, cap);
		return true;
	case MEMBER_ADDRESS:
		*out = address_text(ms, m, buf, cap);
		return true;
	}
	return false;
}

/* A key of the line by its name, be it shown under fortinet.firewall or only under its ECS name: no members
 * are made, since a search asks this of every row it reads. */
static bool key_text(const struct log *row, struct str key, char *buf, size_t cap,
		     struct str *out)
{
	struct split s;
	struct line_field f;
	struct str bare;

	line_split(str_n(row->line, row->line_n), &s);
	for (size_t n = 0; n < LINE_FIELDS_MAX && body_next(&s.r, &f); n++) {
		bare = f.key;
		if (s.r.format == LOG_FORMAT_CEF)
			(void)key_of(&s.r, &f, &bare);
		if (str_eq(bare, key)) {
			*out = line_value(&f, buf, cap);
			return true;
		}
	}
	return false;
}

/* CEF spells a key in several ways, and type and subtype may stand in cat alone: what is shown decides. */
static bool own_text(const struct log *row, struct str key, char *buf, size_t cap,
		     struct str *out)
{
	ROOM struct members ms;

	members_of(row, &ms);
	for (size_t i = 0; i < ms.n_own; i++) {
		if (ms.own[i].key.p && str_eq(ms.own[i].key, key)) {
			*out = line_value(&ms.own[i].f, buf, cap);
			return true;
		}
	}
	return key_text(row, key, buf, cap, out);
}

bool log_member(const void *row, struct str ecs, char *buf, size_t cap, struct str *out)
{
	ROOM struct members ms;
	const struct log *g = row;
	const struct member *m;

	if (cap < CLOCK_RFC3339_MAX + ADDR_TEXT_MAX)
		return false; /* our own mistake: numbers, times and addresses must fit */
	if (str_starts(ecs, own_prefix) && g->kind != LOG_KIND_DEVICE)
		return (g->format == LOG_FORMAT_CEF ? own_text : key_text)(
			g, str_sub(ecs, own_prefix.n, ecs.n), buf, cap, out);
	if (str_starts(ecs, cef_prefix) && g->kind == LOG_KIND_DEVICE &&
	    g->format == LOG_FORMAT_CEF)
		return own_text(g, str_sub(ecs, cef_prefix.n, ecs.n), buf, cap, out);
	if (!log_has_member(ecs))
		return false;
	members_of(row, &ms);
	m = members_find(&ms, ecs);
	return m && member_text(&ms, m, buf, cap, out);
}
