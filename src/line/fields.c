/* All fields of a line in its order, for the panel's drawer and for tests. Any thread. */
#include "inside.h"

struct list {
	struct line_field *out;
	size_t n;
};

static void add_header(struct list *l, const char *key, struct str value)
{
	if (value.p && value.n && l->n < LINE_FIELDS_MAX)
		l->out[l->n++] = (struct line_field){ .key = str_of(key),
						      .value = value,
						      .is_header = true };
}

static void add_cef(struct list *l, const struct reader *r)
{
	static const char *const names[CEF_FIELDS] = { "cef_version", "vendor",       "product",
						       "version",     "signature_id", "name",
						       "severity" };

	for (size_t i = 0; i < CEF_FIELDS; i++) {
		add_header(l, names[i], r->cef[i]);
		if (l->n)
			l->out[l->n - 1].quoting = LINE_QUOTING_CEF;
	}
}

static bool has_fortinet(const struct line_field *f, size_t n, const struct reader *r)
{
	struct facts facts = { .cef_vendor = r->cef[CEF_VENDOR] };
	struct str bare;

	for (size_t i = 0; i < n; i++) {
		const struct key *k = key_of(r, &f[i], &bare);

		if (k && k->mark)
			facts.v[k->mark] = f[i].value;
		facts.prefixed |= bare.p != f[i].key.p && f[i].key.p[0] == 'F';
	}
	return facts_are_fortinet(&facts);
}

size_t line_fields(struct str line, struct line_field out[LINE_FIELDS_MAX])
{
	struct list l = { .out = out };
	struct split s;
	size_t n_head;

	line_split(line, &s);
	add_header(&l, "pri", s.h.pri_text);
	if (s.h.is_5424)
		add_header(&l, "version", s.h.version);
	add_header(&l, "timestamp", s.h.timestamp);
	add_header(&l, "host", s.h.host);
	add_header(&l, "app", s.h.app);
	add_header(&l, "procid", s.h.procid);
	add_header(&l, "msgid", s.h.msgid);
	add_header(&l, "structured_data", s.h.sd);
	if (s.r.format == LOG_FORMAT_CEF)
		add_cef(&l, &s.r);
	n_head = l.n;
	while (l.n < LINE_FIELDS_MAX && body_next(&s.r, &out[l.n]))
		l.n++;
	if (s.r.format != LOG_FORMAT_CEF && !has_fortinet(out + n_head, l.n - n_head, &s.r)) {
		/* words, whatever they look like; structured data stays fields */
		if (s.r.format != LOG_FORMAT_RFC5424)
			l.n = n_head;
		if (s.h.rest.n && l.n < LINE_FIELDS_MAX)
			out[l.n++] =
				(struct line_field){ .key = STR("message"), .value = s.h.rest };
	}
	return l.n;
}

const char *line_field_ecs(const struct line_field *f, enum log_format format)
{
	static const struct {
		const char *key, *ecs;
	} heads[] = {
		{ "pri", "log.syslog.priority" },
		{ "version", "log.syslog.version" },
		{ "host", "log.syslog.hostname" },
		{ "app", "log.syslog.appname" },
		{ "procid", "log.syslog.procid" },
		{ "msgid", "log.syslog.msgid" },
		{ "vendor", "observer.vendor" },
		{ "product", "observer.product" },
		{ "structured_data", "log.syslog.structured_data" },
	};
	struct reader r = { .format = format };
	struct str bare;
	const struct key *k;

	for (size_t i = 0; f->is_header && i < ARRAY_LEN(heads); i++) {
		if (str_eq(f->key, str_of(heads[i].key)))
			return heads[i].ecs;
	}
	if (f->is_header)
		return NULL;
	k = key_of(&r, f, &bare);
	return k ? k->ecs : NULL;
}
