/* A line into columns, in one pass over its bytes. Any thread. */
#include "inside.h"

/* Nothing but 0x20..0x7e, eight at a time: then text goes into columns as it is. */
static bool is_plain(struct str s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	uint64_t bad = 0, v;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&v, s.p + i, sizeof(v));
		/* not ASCII; below a blank; 0x7f */
		bad |= v | (v - ones * 0x20) | (v + ones);
	}
	for (; i < s.n; i++) {
		if ((unsigned char)(s.p[i] - 0x20) > 0x5e)
			return false;
	}
	return !(bad & high);
}

/* What the columns are filled from. */
struct filling {
	struct log *out;
	bool plain; /* no control characters, ASCII */
	uint64_t seen[KEYS_MAX / 64];
	struct facts facts;
};

bool key_is_new(uint64_t seen[KEYS_MAX / 64], const struct key *k)
{
	size_t i = (size_t)(k - keys);
	bool is_new = !(seen[i / 64] >> (i % 64) & 1);

	seen[i / 64] |= UINT64_C(1) << (i % 64);
	return is_new;
}

static void put_bytes(const struct filling *g, char *col, size_t size, struct str v)
{
	if (!g->plain) {
		str_copy_clean(col, size, v);
		return;
	}
	if (v.n >= size)
		v.n = size - 1;
	memcpy(col, v.p, v.n);
	col[v.n] = '\0';
}

/* Apart, since the compiler wipes the buffer before each use. Escapes can stand for what no plain line holds. */
__attribute__((noinline)) static void put_escaped(char *col, size_t size,
						  const struct line_field *f)
{
	char buf[512]; /* longer than any column */

	str_copy_clean(col, size, line_value(f, buf, sizeof(buf)));
}

static void put_text(const struct filling *g, char *col, size_t size,
		     const struct line_field *f)
{
	if (memchr(f->value.p, '\\', f->value.n) || f->quoting == LINE_QUOTING_DOUBLED)
		put_escaped(col, size, f);
	else
		put_bytes(g, col, size, f->value);
}

static void lower(char *p)
{
	for (; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	}
}

/* The first key of those that share a column and has a value of its type fills it. */
static void put_column(const struct filling *g, const struct key *k, const struct line_field *f)
{
	char *col = (char *)g->out + k->col;
	struct addr addr;
	uint8_t mac[6];
	uint64_t u;

	switch ((enum key_type)k->type) {
	case KEY_TEXT:
	case KEY_LOWER:
	case KEY_DOMAIN:
	case KEY_COUNTRY:
		if (*col || value_is_none(f->value))
			return;
		put_text(g, col, k->size, f);
		if (k->type == KEY_LOWER)
			lower(col);
		return;
	case KEY_IP:
		memcpy(&addr, col, sizeof(addr));
		if (addr_is_zero(&addr) && value_ip(f->value, &addr))
			memcpy(col, &addr, sizeof(addr));
		return;
	case KEY_PROTO:
		(void)value_proto(f->value, (uint8_t *)col);
		return;
	case KEY_MAC:
		if (mac_parse(f->value, mac) == 0)
			memcpy(col, mac, sizeof(mac));
		return;
	case KEY_PORT:
	case KEY_U32:
	case KEY_U64:
	case KEY_ID:
	case KEY_SECONDS:
		if (!value_u64(f->value, &u) || (k->size < 8 && u >> (8 * k->size)))
			return;
		if (k->type == KEY_SECONDS &&
		    (u > INT64_MAX / NS_PER_S || ckd_mul(&u, u, (uint64_t)NS_PER_S)))
			return;
		if (k->size == 2) {
			uint16_t v = (uint16_t)u;
			memcpy(col, &v, sizeof(v));
		} else if (k->size == 4) {
			uint32_t v = (uint32_t)u;
			memcpy(col, &v, sizeof(v));
		} else {
			memcpy(col, &u, sizeof(u));
		}
		return;
	case KEY_PLAIN:
	case KEY_IP_LIST:
	case KEY_IPS:
	case KEY_MAIL:
	case KEY_HASH:
	case KEY_TLS:
	case KEY_DIRECTION:
	case KEY_STATUS:
	case KEY_FOR_DERIVE:
		return;
	}
}

static void take_field(struct filling *g, const struct reader *r, const struct line_field *f)
{
	struct str bare;
	const struct key *k = key_of(r, f, &bare);

	if (r->format == LOG_FORMAT_CEF && bare.p != f->key.p && bare.n < f->key.n)
		g->facts.prefixed |= f->key.p[0] == 'F';
	if (!k || !key_is_new(g->seen, k))
		return;
	if (k->mark && !g->facts.v[k->mark].p)
		g->facts.v[k->mark] = f->value;
	if (k->size && facts_asked_for(&g->facts, k->mark))
		put_column(g, k, f);
}

/* The header is read and the body open; a tag in front of fields is part of the header. */
void line_split(struct str line, struct split *s)
{
	header_read(line, &s->h);
	body_open(&s->r, s->h.rest, s->h.sd);
	if (s->r.format == LOG_FORMAT_PLAIN) {
		header_read_tag(&s->h);
		body_open(&s->r, s->h.rest, s->h.sd);
	}
}

/* Everything but who sent it and how it came. */
static void clear(struct log *out)
{
	struct addr sender = out->sender;
	uint32_t source = out->source;
	uint8_t transport = out->transport, trust = out->trust;

	memset(out, 0, offsetof(struct log, line_n));
	out->sender = sender;
	out->source = source;
	out->transport = transport;
	out->trust = trust;
}

/* A column that nothing has filled yet. */
static void put_value(const struct filling *g, char *col, size_t size,
		      const struct line_field *f)
{
	if (!*col && !value_is_none(f->value))
		put_text(g, col, size, f);
}

static void put_clean(const struct filling *g, char *col, size_t size, struct str v)
{
	put_value(g, col, size, &(struct line_field){ .value = v });
}

static void put_fact(const struct filling *g, const struct reader *r, char *col, size_t size,
		     struct str v)
{
	struct line_field f = body_value(r, v);

	put_value(g, col, size, &f);
}

/* What the fields say together. */
static void put_meaning(struct filling *g, const struct reader *r)
{
	struct log *out = g->out;
	const struct facts *f = &g->facts;
	struct meaning m;
	struct url u;

	facts_split_cat(&g->facts);
	put_fact(g, r, out->type, sizeof(out->type), f->v[MARK_TYPE]);
	put_fact(g, r, out->subtype, sizeof(out->subtype), f->v[MARK_SUBTYPE]);
	meaning_of(f, &m);
	out->kind = (uint8_t)m.kind;
	out->outcome = (uint8_t)m.outcome;
	out->level = (uint8_t)level_of(f->v[MARK_LEVEL]);
	put_fact(g, r, out->user, sizeof(out->user), facts_user(f));
	(void)facts_amount(f, MARK_SENTDELTA, MARK_SENTBYTE, &out->src_bytes);
	(void)facts_amount(f, MARK_RCVDDELTA, MARK_RCVDBYTE, &out->dst_bytes);
	(void)facts_amount(f, MARK_SENTPKTDELTA, MARK_SENTPKT, &out->src_packets);
	(void)facts_amount(f, MARK_RCVDPKTDELTA, MARK_RCVDPKT, &out->dst_packets);
	if (addr_is_zero(&out->src) && f->v[MARK_UI].n)
		(void)facts_ui_ip(f, &out->src);
	if (!out->name[0] && f->v[MARK_URL].n && facts_url(f, &u))
		put_fact(g, r, out->name, sizeof(out->name), u.domain);
	if (!str_eq(f->v[MARK_DSTCOUNTRY], STR("Reserved")))
		put_fact(g, r, out->country, sizeof(out->country), f->v[MARK_DSTCOUNTRY]);
	if (!str_eq(f->v[MARK_SRCCOUNTRY], STR("Reserved")))
		put_fact(g, r, out->country, sizeof(out->country), f->v[MARK_SRCCOUNTRY]);
}

static void put_header(struct filling *g, const struct header *h)
{
	struct log *out = g->out;

	put_clean(g, out->host, sizeof(out->host), h->host);
	put_clean(g, out->program, sizeof(out->program), h->app);
	if (h->pri && !out->level)
		out->level = (uint8_t)((h->pri - 1) % 8 + 1);
}

/* Not a FortiGate's: the words of the message are the event. CEF is the same for all vendors. */
static void put_device(struct filling *g, struct split *s)
{
	struct log *out = g->out;

	if (s->r.format == LOG_FORMAT_CEF)
		put_meaning(g, &s->r);
	else
		clear(out);
	out->kind = LOG_KIND_DEVICE;
	out->format = s->r.format == LOG_FORMAT_CEF || s->r.format == LOG_FORMAT_RFC5424 ?
			      (uint8_t)s->r.format :
			      LOG_FORMAT_PLAIN;
	out->problem = s->h.rest.n || s->h.sd.n ? LOG_PROBLEM_NONE : LOG_PROBLEM_EMPTY;
}

void line_parse(struct str line, struct log *out, struct line_time *when)
{
	struct filling g = { .out = out, .plain = is_plain(line) };
	struct split s;
	struct line_field f;
	size_t n = 0;

	clear(out);
	line_split(line, &s);
	while (n < LINE_FIELDS_MAX && body_next(&s.r, &f)) {
		take_field(&g, &s.r, &f);
		n++;
	}
	out->problem = (uint8_t)s.r.problem;
	if (n == LINE_FIELDS_MAX && body_next(&s.r, &f))
		out->problem = LOG_PROBLEM_TOO_MANY_FIELDS;
	g.facts.cef_vendor = s.r.cef[CEF_VENDOR];
	if (!out->code[0])
		put_clean(&g, out->code, sizeof(out->code), s.r.cef[CEF_ID]);
	if (facts_are_fortinet(&g.facts)) {
		out->format = (uint8_t)s.r.format;
		put_meaning(&g, &s.r);
		if (!n)
			out->problem = LOG_PROBLEM_NO_FIELDS;
	} else {
		put_device(&g, &s);
	}
	out->pri = s.h.pri;
	put_header(&g, &s.h);
	if (!g.plain && !str_utf8_valid(line))
		out->flags |= LOG_NOT_UTF8;
	time_of_facts(&g.facts, &s.h, when);
}
