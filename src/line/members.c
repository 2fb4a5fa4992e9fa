/* Members of a log row: the line is taken apart again, so a newer version understands old lines better; what
 * only the row knows (who sent it, when it came) is added. Any thread, nothing allocated. */
#include "members.h"

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
struct member *members_put(struct members *ms, const char *ecs, enum member_type type)
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

bool members_str(struct members *ms, const char *ecs, struct str s)
{
	struct member *m = s.n ? members_put(ms, ecs, MEMBER_STR) : NULL;

	if (m)
		m->s = s;
	return m != NULL;
}

void members_cstr(struct members *ms, const char *ecs, const char *c)
{
	if (c)
		(void)members_str(ms, ecs, str_of(c));
}

bool members_u64(struct members *ms, const char *ecs, uint64_t u)
{
	struct member *m = members_put(ms, ecs, MEMBER_U64);

	if (m)
		m->u = u;
	return m != NULL;
}

void members_time(struct members *ms, const char *ecs, int64_t ns)
{
	struct member *m = members_put(ms, ecs, MEMBER_TIME);

	if (m)
		m->ns = ns;
}

bool members_field(struct members *ms, const char *ecs, enum member_type type,
		   const struct line_field *f)
{
	struct member *m = value_is_none(f->value) ? NULL : members_put(ms, ecs, type);

	if (m)
		m->f = *f;
	return m != NULL;
}

bool members_fact(struct members *ms, const char *ecs, struct str value)
{
	struct line_field f = body_value(&ms->split.r, value);

	return members_field(ms, ecs, MEMBER_FIELD, &f);
}

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
void members_own(struct members *ms, struct str key, const struct line_field *f, bool number)
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

void members_own_drop(struct members *ms, const char *key)
{
	bool taken;
	size_t at = own_slot(ms, str_of(key), &taken);

	if (taken)
		ms->own[ms->own_slots[at] - 1].key.p = NULL;
}

void members_of(const struct log *row, struct members *ms)
{
	ms->n = ms->n_own = 0;
	memset(ms->own_slots, 0, sizeof(ms->own_slots));
	memset(&ms->facts, 0, sizeof(ms->facts));
	ms->row = row;
	ms->line = str_n(row->line, row->line_n);
	line_split(ms->line, &ms->split);
	members_read(ms);
	members_head(ms);
	members_row(ms);
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
