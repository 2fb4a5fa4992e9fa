/* The query language, second half: what a key means for a record, and its values by type. A key is a
 * word of this table, a member's ECS name, a column's name, or a member below a column of JSON. The
 * table speaks of names only: a record answers the words whose members it has. Any thread. */
#include <stdio.h>

#include "filter.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"

/* Words people type, and the members any of which they ask about. */
static const struct {
	const char *key, *members;
} aliases[] = {
	{ "port", "source.port destination.port" },
	{ "app", "network.application network.protocol" },
	{ "action", "event.action" },
	{ "ip", "source.ip destination.ip source.nat.ip destination.nat.ip" },
	{ "src", "source.ip source.nat.ip" },
	{ "dst", "destination.ip destination.nat.ip" },
	{ "nat", "source.nat.ip destination.nat.ip" },
	{ "mac", "source.mac destination.mac" },
	{ "user", "user.name source.user.name destination.user.name" },
	{ "bytes", "network.bytes toms.capture.bytes" },
	{ "packets", "network.packets toms.capture.packets" },
	{ "duration", "event.duration" },
	{ "risk", "toms.flow.risks" },
	{ "score", "event.risk_score" },
	{ "interface", "observer.ingress.interface.name" },
	{ "dir", "network.direction" },
	{ "direction", "network.direction" },
	{ "kind", "toms.log.kind toms.gap.kind" },
	{ "level", "log.level" },
	{ "code", "event.code" },
	{ "logid", "event.code" },
	{ "policy", "policy rule.name" }, /* its number or its name */
	{ "rule", "rule.name" },
	{ "rule.id", "policy" },
	{ "vdom", "observer.vdom" },
	{ "device", "observer.name observer.serial_number" },
	{ "session", "fortinet.firewall.sessionid" },
	{ "source", "toms.log.source toms.gap.source" },
	{ "trust", "toms.log.trust" },
	{ "threat", "toms.log.threat" },
	{ "service", "network.protocol" },
};

/* The two ends of a conversation by the names of their columns; nat: the end's address after
 * translation. Records leave out what they cannot tell. */
static const struct {
	const char *addr, *nat, *mac, *name;
} ends[2] = { { "src", "src_nat", "src_mac", "source.domain" },
	      { "dst", "dst_nat", "dst_mac", "name" } };

static int wrong_key(const struct filter *f, const struct query_word *w, struct err *e)
{
	if (f->plan->record == &log_record)
		return err_set(
			e, ERR_INVALID,
			"\"%s\": a log has no such field; for a FortiGate's own key write fortinet.firewall.%s%s%s; to look for it as text write \"%s%s%s\" in quotes",
			w->key, w->key, w->op, w->value, w->key, w->op, w->value);
	return err_set(
		e, ERR_INVALID,
		"\"%s\": a %s has no such field; to look for it as text write \"%s%s%s\" in quotes",
		w->key, f->plan->record->name, w->key, w->op, w->value);
}

static int wrong_value(const struct query_word *w, const char *what, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s%s%s: %s", w->key, w->op, w->value, what);
}

static bool is_equality(const struct query_word *w)
{
	return strcmp(w->op, ":") == 0 || strcmp(w->op, "=") == 0 || strcmp(w->op, "!=") == 0;
}

/* Does the dotted name end in this part ("bytes" in "source.bytes", "src_bytes")? */
static bool ends_in(const char *name, const char *part)
{
	struct str s = str_of(name), p = str_of(part);

	return str_ends(s, p) && (s.n == p.n || strchr("._", s.p[s.n - p.n - 1]));
}

enum unit { UNIT_NONE, UNIT_BYTES, UNIT_NS, UNIT_TIME };

static enum unit unit_of(const char *name, const struct col *c)
{
	if (c && c->type == COL_TIME)
		return UNIT_TIME;
	if (ends_in(name, "bytes") || (c && ends_in(c->name, "bytes")))
		return UNIT_BYTES;
	if (ends_in(name, "duration") || (c && ends_in(c->name, "ns")))
		return UNIT_NS;
	return UNIT_NONE;
}

static int number_of(struct str s, enum unit unit, int64_t *out)
{
	uint64_t v;

	if (unit == UNIT_TIME)
		return clock_parse_when(s, clock_now_ns(), out);
	if (num_i64(s, 0, INT64_MAX, out) == 0)
		return 0;
	if (unit == UNIT_NS)
		return num_duration(s, out);
	if (unit != UNIT_BYTES || num_size(s, &v))
		return -ERR_INVALID;
	*out = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	return 0;
}

static const char *number_help(enum unit unit)
{
	switch (unit) {
	case UNIT_BYTES:
		return "not a size; write bytes or 100KB, 20MB, 2GB";
	case UNIT_NS:
		return "not a duration; write nanoseconds or 250ms, 30s, 5m, 12h, 7d";
	case UNIT_TIME:
		return "not a time; write 2026-11-22T14:05:00Z or -2h";
	case UNIT_NONE:
		break;
	}
	return "not a number; write digits, or a range such as 1000-2000";
}

/* Both ends of 1-65535, or the one number. */
static bool is_port_range(struct str s, ptrdiff_t dash)
{
	uint16_t port;

	if (dash > 0 && num_u16(str_sub(s, (size_t)dash + 1, s.n), 0, UINT16_MAX, &port))
		return false;
	return num_u16(dash > 0 ? str_sub(s, 0, (size_t)dash) : s, 0, UINT16_MAX, &port) == 0;
}

/* lo and hi from the comparison; "a-b" is a range where numbers have no unit. */
static int number_range(struct leaf *l, const struct query_word *w, enum unit unit,
			struct err *e)
{
	struct str s = str_of(w->value);
	bool is_port = ends_in(w->key, "port") || (l->out && ends_in(l->out->ecs, "port"));
	ptrdiff_t dash = unit == UNIT_NONE && is_equality(w) ? str_chr(s, '-') : -1;
	int64_t v, to;

	if (is_port && is_equality(w) && !is_port_range(s, dash))
		return wrong_value(
			w,
			"not a number from 0 to 65535; write digits, or a range such as 1000-2000",
			e);
	if (dash > 0) {
		if (number_of(str_sub(s, 0, (size_t)dash), unit, &v) ||
		    number_of(str_sub(s, (size_t)dash + 1, s.n), unit, &to) || v > to)
			return wrong_value(w, number_help(unit), e);
		l->lo = v;
		l->hi = to;
		return 0;
	}
	if (number_of(s, unit, &v))
		return wrong_value(w, number_help(unit), e);
	l->lo = INT64_MIN;
	l->hi = INT64_MAX;
	if (is_equality(w))
		l->lo = l->hi = v;
	else if (strcmp(w->op, ">=") == 0)
		l->lo = v;
	else if (strcmp(w->op, "<=") == 0)
		l->hi = v;
	else if (w->op[0] == '>' && v < INT64_MAX)
		l->lo = v + 1;
	else if (w->op[0] == '<' && v > INT64_MIN)
		l->hi = v - 1;
	return 0;
}

static void text_leaf(struct leaf *l, const struct query_word *w)
{
	l->text = str_of(w->value);
	l->how = strchr(w->value, '*') ? MATCH_GLOB : MATCH_EQUAL;
	if (l->how == MATCH_EQUAL && l->col && l->col->type == COL_JSON && l->kind == LEAF_TEXT)
		l->how = MATCH_CONTAINS; /* nobody types a whole object */
}

static int enum_leaf(struct leaf *l, const struct query_word *w, struct err *e)
{
	char known[256];
	struct buf b;

	for (unsigned i = 1; l->col->names[i]; i++) {
		if (str_ieq(str_of(w->value), str_of(l->col->names[i]))) {
			l->lo = l->hi = i;
			return 0;
		}
	}
	buf_init(&b, sizeof(known) - 1);
	for (unsigned i = 1; l->col->names[i]; i++)
		buf_fmt(&b, "%s%s", i > 1 ? ", " : "", l->col->names[i]);
	(void)str_copy(known, sizeof(known), buf_view(&b)); /* a list cut short still helps */
	buf_fini(&b);
	return err_set(e, ERR_INVALID, "%s%s%s: no such value; one of %s", w->key, w->op,
		       w->value, known);
}

/* A plain column by its type. */
static int col_leaf(struct leaf *l, const struct query_word *w, struct err *e)
{
	const struct col *c = l->col;

	if (is_equality(w) && strcmp(w->value, "*") == 0) {
		l->kind = LEAF_ANY;
		return 0;
	}
	switch (c->type) {
	case COL_TIME:
	case COL_I64:
	case COL_U64:
	case COL_U32:
	case COL_U16:
	case COL_U8:
		l->kind = LEAF_NUM;
		return number_range(l, w, unit_of(w->key, c), e);
	case COL_TEXT:
	case COL_JSON:
	case COL_ENUM:
	case COL_ADDR:
	case COL_MAC:
		break;
	}
	if (!is_equality(w))
		return wrong_value(
			w, "only numbers, sizes and times can be compared; write key:value", e);
	if (c->type == COL_ENUM) {
		l->kind = LEAF_NUM;
		return enum_leaf(l, w, e);
	}
	if (c->type == COL_ADDR) {
		l->kind = LEAF_ADDR;
		return cidr_parse(str_of(w->value), &l->range) ?
			       wrong_value(
				       w,
				       "not an address; write 10.0.0.1, 10.0.0.0/24 or 2001:db8::1",
				       e) :
			       0;
	}
	if (c->type == COL_MAC) {
		l->kind = LEAF_MAC;
		return mac_parse(str_of(w->value), l->mac) ?
			       wrong_value(w, "not a MAC address; write 44:4b:5d:01:02:21", e) :
			       0;
	}
	l->kind = LEAF_TEXT;
	text_leaf(l, w);
	return 0;
}

/* Computed members that are numbers wherever they are anything; of others the row tells. */
static bool is_number_member(const struct leaf *l)
{
	const char *ecs = l->out ? l->out->ecs : "";

	return unit_of(ecs, NULL) != UNIT_NONE || ends_in(ecs, "port") ||
	       ends_in(ecs, "packets");
}

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

/* A computed member, one below a JSON column, or one in the tail: its type shows only in each row. */
static int open_leaf(struct leaf *l, const struct query_word *w, struct err *e)
{
	enum unit unit = unit_of(l->out ? l->out->ecs : w->key, NULL);
	struct err no_number = ERR_INIT; /* text is fine too, mostly */

	l->any = is_equality(w) && strcmp(w->value, "*") == 0;
	text_leaf(l, w);
	if (!is_equality(w))
		l->text = STR_NULL; /* only numbers compare */
	l->has_number = number_range(l, w, unit, &no_number) == 0;
	if (l->kind == LEAF_MEMBER && is_equality(w) && is_digits(l->text))
		l->has_number =
			false; /* as it is written, so that its word in the index finds it */
	if (!l->has_number && !l->any && (!is_equality(w) || is_number_member(l)))
		return err_set(e, ERR_INVALID, "%s", no_number.text);
	return 0;
}

static const struct out_col *out_by_name(const struct record *r, struct str ecs)
{
	for (size_t i = 0; i < r->n_out; i++) {
		if (str_ieq(ecs, str_of(r->out[i].ecs)))
			return &r->out[i];
	}
	return NULL;
}

static const struct col *first_need(const struct record *r, const struct out_col *o)
{
	char name[48];
	struct str rest = str_of(o->needs), part;

	if (!str_split(&rest, ' ', &part) || !str_copy(name, sizeof(name), part))
		return NULL;
	return record_col(r, name);
}

/* A column whose ECS name is in front of the key: "toms.medical" of "toms.medical.device.model". */
static const struct col *json_above(const struct record *r, const char *key, const char **path)
{
	for (size_t i = 0; i < r->n_cols; i++) {
		const struct col *c = &r->cols[i];
		size_t n = c->ecs ? strlen(c->ecs) : 0;

		if (c->type == COL_JSON && n && strncmp(key, c->ecs, n) == 0 && key[n] == '.' &&
		    key[n + 1]) {
			*path = key + n + 1;
			return c;
		}
	}
	return NULL;
}

static const struct col *col_by_name(const struct record *r, struct str name)
{
	for (size_t i = 0; i < r->n_cols; i++) {
		const struct col *c = &r->cols[i];

		if (str_ieq(name, str_of(c->name)) || (c->ecs && str_ieq(name, str_of(c->ecs))))
			return c;
	}
	return NULL;
}

/* Columns keep the front of what is too long for them, and must be found by what the row is shown with. */
static int settle_long(struct leaf *l, int rc)
{
	bool is_column = l->kind == LEAF_TEXT ||
			 (l->kind == LEAF_OUT && l->col->type == COL_TEXT &&
			  ends_in(l->out->ecs, l->col->name));

	l->is_long = !rc && is_column && l->how == MATCH_EQUAL && l->text.n >= l->col->size;
	return rc;
}

/* One member's leaf by name. -ERR_NOTFOUND: the record has no such member. */
static int member_leaf(const struct filter *f, struct str name, bool in_tail,
		       const struct query_word *w, struct leaf *l, struct err *e)
{
	const struct record *r = f->plan->record;
	const struct out_col *o = out_by_name(r, name);

	*l = (struct leaf){ .col = o && o->col ? record_col(r, o->col) : NULL };
	if (o && !o->col) {
		l->kind = LEAF_OUT;
		l->out = o;
		l->col = first_need(r, o);
		assert(l->col);
		return settle_long(l, open_leaf(l, w, e));
	}
	if (!l->col)
		l->col = col_by_name(r, name);
	if (l->col)
		return settle_long(l, col_leaf(l, w, e));
	l->col = str_eq(name, str_of(w->key)) ? json_above(r, w->key, &l->path) : NULL;
	l->kind = LEAF_JSON;
	if (!l->col) {
		if (!in_tail || !r->tail || !r->tail->has_member(name))
			return -ERR_NOTFOUND;
		l->kind = LEAF_MEMBER;
		l->member = name;
	}
	return open_leaf(l, w, e);
}

static int add_leaf(struct filter *f, const struct leaf *l, struct err *e)
{
	if (f->n_leaves == FILTER_LEAVES_MAX)
		return err_set(e, ERR_FULL,
			       "the query asks about too many fields at once; leave some out");
	f->leaves[f->n_leaves++] = *l;
	return 0;
}

/* Plain text of a record with a tail: the line holds all there is. */
static int line_leaf(struct filter *f, const struct query_word *w, struct err *e)
{
	struct leaf l = { .kind = LEAF_LINE, .pattern = (uint16_t)f->n_patterns };

	text_pattern_set(&f->patterns[f->n_patterns++], str_of(w->value));
	return add_leaf(f, &l, e);
}

/* Plain text: anywhere in any of the columns that hold text for people. */
static int text_leaves(struct filter *f, const struct query_word *w, struct err *e)
{
	const struct plan *p = f->plan;
	size_t before = f->n_leaves;

	if (!is_equality(w))
		return wrong_value(w, "text can only be looked for; write text:value", e);
	if (p->has_tail)
		return line_leaf(f, w, e);
	for (size_t i = 0; i < p->n_cols; i++) {
		const struct col *c = p->cols[i].col;
		struct leaf l = { .kind = LEAF_TEXT,
				  .how = MATCH_CONTAINS,
				  .col = c,
				  .text = str_of(w->value) };
		int rc = c->flags & COL_BODY ? add_leaf(f, &l, e) : 0;

		if (rc)
			return rc;
	}
	return f->n_leaves > before ? 0 : wrong_key(f, w, e);
}

/* Transport by name or number, or the protocol that was found inside; "icmp" may be either. */
static int proto_leaves(struct filter *f, const struct query_word *w, bool transport_only,
			struct err *e)
{
	const struct record *r = f->plan->record;
	struct leaf l4 = { .kind = LEAF_NUM, .col = record_col(r, "l4") };
	struct leaf name = { .kind = LEAF_TEXT, .col = record_col(r, "proto") };
	uint16_t number;
	int known = flow_transport_number(str_of(w->value)), rc = 0;

	if (!l4.col || !is_equality(w))
		return l4.col ? wrong_value(w, "write proto:tcp, proto:dns or proto:6", e) :
				wrong_key(f, w, e);
	if (known < 0 && num_u16(str_of(w->value), 0, 255, &number) == 0)
		known = number;
	l4.lo = l4.hi = known;
	if (known >= 0)
		rc = add_leaf(f, &l4, e);
	else if (transport_only)
		return wrong_value(w, "no such transport; write tcp, udp, icmp or a number", e);
	if (rc || transport_only || !name.col)
		return rc;
	text_leaf(&name, w);
	return add_leaf(f, &name, e);
}

/* Leaves of those members that the record has; what one of them cannot be, it is not. */
static int some_leaves(struct filter *f, struct str members, bool in_tail,
		       const struct query_word *w, struct err *e)
{
	struct err wrong = ERR_INIT;
	size_t before = f->n_leaves;
	struct str name;

	while (str_split(&members, ' ', &name)) {
		struct leaf l;
		int rc = member_leaf(f, name, in_tail, w, &l, &wrong);

		if (!rc)
			rc = add_leaf(f, &l, e);
		if (rc && rc != -ERR_NOTFOUND && rc != -ERR_INVALID)
			return rc;
	}
	if (f->n_leaves > before)
		return 0;
	return wrong.code ? err_set(e, ERR_INVALID, "%s", wrong.text) : -ERR_NOTFOUND;
}

/* Columns first: where one answers, no line has to be read for the others. */
static int member_leaves(struct filter *f, struct str members, const struct query_word *w,
			 struct err *e)
{
	int rc = some_leaves(f, members, false, w, e);

	if (rc == -ERR_NOTFOUND)
		rc = some_leaves(f, members, true, w, e);
	return rc == -ERR_NOTFOUND ? wrong_key(f, w, e) : rc;
}

int filter_leaves_of(struct filter *f, const struct query_word *w, struct err *e)
{
	struct str key = str_of(w->key);

	if (str_ieq(key, STR("text")) ||
	    (f->plan->has_tail && str_ieq(key, STR("event.original"))))
		return text_leaves(f, w, e);
	if (str_ieq(key, STR("proto")) || str_ieq(key, STR("network.transport")))
		return proto_leaves(f, w, !str_ieq(key, STR("proto")), e);
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (str_ieq(key, str_of(aliases[i].key)))
			return member_leaves(f, str_of(aliases[i].members), w, e);
	}
	return member_leaves(f, key, w, e);
}

static void side_column(const struct record *r, const char *name, const struct leaf *like,
			struct side *s, unsigned end)
{
	const struct col *c = record_col(r, name);

	if (!c)
		return;
	s->on[end][s->n[end]] = *like;
	s->on[end][s->n[end]++].col = c;
}

/* One party: an address or range, a MAC, or a name it was called by. */
int filter_side_of(struct filter *f, const struct query_word *w, struct side *out,
		   struct err *e)
{
	const struct record *r = f->plan->record;
	struct str value = str_of(w->value);
	struct side s = { 0 };
	struct leaf like = { .kind = LEAF_ADDR };
	bool is_range = cidr_parse(value, &like.range) == 0,
	     is_mac = !is_range && mac_parse(value, like.mac) == 0;

	if (is_mac)
		like.kind = LEAF_MAC;

	if (!is_equality(w))
		return wrong_value(w, "a host is looked for, not compared; write host:10.0.0.1",
				   e);
	if (!is_range && !is_mac && str_chr(value, '/') >= 0)
		return wrong_value(
			w, "not a range of addresses; write 10.0.0.0/24 or 2001:db8::/32", e);
	for (unsigned end = 0; end < 2; end++) {
		int rc = 0;

		if (is_range) {
			side_column(r, ends[end].addr, &like, &s, end);
			side_column(r, ends[end].nat, &like, &s, end);
		} else if (is_mac) {
			side_column(r, ends[end].mac, &like, &s, end);
		} else {
			rc = member_leaf(f, str_of(ends[end].name), false, w, &s.on[end][0], e);
			s.n[end] = rc == 0;
		}
		if (rc && rc != -ERR_NOTFOUND)
			return rc;
	}
	if (!s.n[0] && !s.n[1])
		return wrong_key(f, w, e);
	*out = s;
	return 0;
}
