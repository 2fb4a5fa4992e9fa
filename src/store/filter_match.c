/* Does a row match? Runs for every row that is looked at: no allocation but for JSON members, no SQL. */
#include "filter.h"
#include "tomsd/base/json.h"
#include "tomsd/base/num.h"

enum { JSON_NODES_MAX = 512 };

/* '*' stands for any text, also none; ASCII case does not matter. Backtracks to the last star only. */
static bool glob(struct str pat, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < s.n) {
		if (p < pat.n && pat.p[p] == '*') {
			star = p++;
			mark = i;
		} else if (p < pat.n && str_ieq(str_sub(pat, p, 1), str_sub(s, i, 1))) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (p < pat.n && pat.p[p] == '*')
		p++;
	return p == pat.n;
}

bool filter_text_matches(enum match_how how, struct str pattern, struct str text)
{
	switch (how) {
	case MATCH_EQUAL:
		return str_ieq(pattern, text);
	case MATCH_CONTAINS:
		return str_ifind(text, pattern) >= 0;
	case MATCH_GLOB:
		return glob(pattern, text);
	}
	return false;
}

/* Is this the front of the text, as much as the column holds? A character of UTF-8 is not cut. */
static bool is_front(const struct leaf *l, struct str text)
{
	enum { CHARACTER_MAX = 4 };

	return l->is_long && text.n + CHARACTER_MAX >= l->col->size &&
	       str_ieq(str_sub(l->text, 0, text.n), text);
}

static bool in_range(const struct leaf *l, int64_t v)
{
	return v >= l->lo && v <= l->hi;
}

/* Numbers above 2^63 are as large as numbers get. */
static int64_t clamp(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static int64_t col_number(const struct col *c, const void *row)
{
	int64_t v = col_int(c, row);

	return c->type == COL_U64 ? clamp((uint64_t)v) : v;
}

static bool list_matches(const struct leaf *l, struct str items)
{
	struct str item;

	while (str_split(&items, '\n', &item)) {
		if (filter_text_matches(l->how, l->text, item))
			return true;
	}
	return false;
}

static bool value_matches(const struct leaf *l, const struct value *v)
{
	if (l->any)
		return v->type != VALUE_NONE;
	switch (v->type) {
	case VALUE_I64:
	case VALUE_TIME:
		return l->has_number && in_range(l, v->i);
	case VALUE_U64:
		return l->has_number && in_range(l, clamp(v->u));
	case VALUE_LIST:
		return list_matches(l, str_of(v->text));
	case VALUE_TEXT:
	case VALUE_JSON:
		return filter_text_matches(l->how, l->text, str_of(v->text)) ||
		       is_front(l, str_of(v->text));
	case VALUE_REF:
		return filter_text_matches(l->how, l->text, v->ref);
	case VALUE_NONE:
		break;
	}
	return false;
}

static bool node_matches(const struct leaf *l, const struct json_doc *doc,
			 const struct json_node *n)
{
	char text[512];
	int64_t v;

	switch (n->type) {
	case JSON_STRING:
		return l->any || (json_text(n, text, sizeof(text)) &&
				  filter_text_matches(l->how, l->text, str_of(text)));
	case JSON_NUMBER:
		if (l->any || filter_text_matches(l->how, l->text, n->raw))
			return true;
		return l->has_number && json_int(n, &v) && in_range(l, v);
	case JSON_TRUE:
	case JSON_FALSE:
		return l->any ||
		       filter_text_matches(l->how, l->text,
					   n->type == JSON_TRUE ? STR("true") : STR("false"));
	case JSON_ARRAY:
		for (const struct json_node *k = n + 1; k < doc->nodes + n->next;
		     k = doc->nodes + k->next) {
			if (k->type != JSON_ARRAY && node_matches(l, doc, k))
				return true;
		}
		return false;
	case JSON_OBJECT:
		return l->any;
	case JSON_NULL:
		break;
	}
	return false;
}

/* path.of.members below the object in the column; a dot may also be part of a member's name. */
static const struct json_node *node_at(const struct json_doc *doc, const char *path)
{
	const struct json_node *n = &doc->nodes[0];
	struct str rest = str_of(path), part;
	char name[48];

	while (n && str_split(&rest, '.', &part)) {
		if (!str_copy(name, sizeof(name), part))
			return NULL;
		n = json_get(doc, n, name);
	}
	return n;
}

static bool json_matches(const struct leaf *l, const void *row)
{
	struct str text = col_text(l->col, row);
	struct json_doc doc;
	const struct json_node *n;
	bool hit;

	if (!text.n || json_parse(text, JSON_NODES_MAX, &doc, NULL))
		return false;
	n = node_at(&doc, l->path);
	hit = n && node_matches(l, &doc, n);
	json_doc_fini(&doc);
	return hit;
}

static bool has_any(const struct col *c, const void *row)
{
	const char *p = col_at(c, row);

	for (size_t i = 0; i < c->size; i++) {
		if (p[i])
			return true;
	}
	return false;
}

bool leaf_match(const struct leaf *l, const void *row)
{
	struct value v;

	switch (l->kind) {
	case LEAF_NUM:
		return in_range(l, col_number(l->col, row));
	case LEAF_ADDR:
		return cidr_has(&l->range, (const struct addr *)col_at(l->col, row)) &&
		       has_any(l->col, row);
	case LEAF_MAC:
		return memcmp(l->mac, col_at(l->col, row), sizeof(l->mac)) == 0;
	case LEAF_TEXT:
		return filter_text_matches(l->how, l->text, col_text(l->col, row)) ||
		       is_front(l, col_text(l->col, row));
	case LEAF_ANY:
		return has_any(l->col, row);
	case LEAF_OUT:
		v.type = VALUE_NONE;
		l->out->get(row, &v);
		return value_matches(l, &v);
	case LEAF_JSON:
		return json_matches(l, row);
	case LEAF_LINE:
	case LEAF_MEMBER:
		break;
	}
	return false;
}

static bool member_matches(const struct leaf *l, const struct record *r, const void *row,
			   char *buf, size_t cap)
{
	struct str text;
	int64_t v;

	if (!r->tail->member(row, l->member, buf, cap, &text))
		return false;
	if (l->any || filter_text_matches(l->how, l->text, text))
		return true;
	return l->has_number && num_i64(text, INT64_MIN, INT64_MAX, &v) == 0 && in_range(l, v);
}

/* Any leaf, of a row with its tail. */
static bool leaf_match_line(const struct filter *f, const struct leaf *l, const void *row,
			    struct filter_line *with)
{
	switch (l->kind) {
	case LEAF_LINE:
		return text_find(&with->text, &f->patterns[l->pattern]);
	case LEAF_MEMBER:
		return member_matches(l, f->plan->record, row, with->value,
				      sizeof(with->value));
	case LEAF_NUM:
	case LEAF_ADDR:
	case LEAF_MAC:
	case LEAF_TEXT:
	case LEAF_ANY:
	case LEAF_OUT:
	case LEAF_JSON:
		break;
	}
	return leaf_match(l, row);
}

static bool clause_holds_line(const struct filter *f, const struct clause *c, const void *row,
			      struct filter_line *with)
{
	for (size_t i = 0; i < c->n; i++) {
		if (leaf_match_line(f, &f->leaves[c->first + i], row, with))
			return !c->negate;
	}
	return c->negate;
}

bool filter_match_line(const struct filter *f, const void *row, struct filter_line *with)
{
	if (!f->asks_line)
		return true;
	if (f->n_patterns)
		text_set(&with->text, record_tail_of(f->plan->record, row));
	for (size_t i = 0; i < f->n_clauses; i++) {
		if (f->clauses[i].asks_line && !clause_holds_line(f, &f->clauses[i], row, with))
			return false;
	}
	return true;
}

static bool clause_holds(const struct filter *f, const struct clause *c, const void *row)
{
	for (size_t i = 0; i < c->n; i++) {
		if (leaf_match(&f->leaves[c->first + i], row))
			return !c->negate;
	}
	return c->negate;
}

static bool any_side(const struct sides *s, unsigned end, const void *row)
{
	for (size_t i = 0; i < s->n; i++)
		for (unsigned k = 0; k < s->side[i].n[end]; k++)
			if (leaf_match(&s->side[i].on[end][k], row))
				return true;
	return false;
}

/* The host at one end and the peer at the other; a peer left out must not be at the other. */
static bool sides_hold(const struct filter *f, unsigned end, const void *row)
{
	return (!f->host.n || any_side(&f->host, end, row)) &&
	       (!f->peer.n || any_side(&f->peer, 1 - end, row)) &&
	       !any_side(&f->not_peer, 1 - end, row);
}

bool filter_match(const struct filter *f, const void *row)
{
	bool has_sides = f->host.n || f->peer.n || f->not_peer.n;

	for (size_t i = 0; i < f->n_clauses; i++) {
		if (!f->clauses[i].asks_line && !clause_holds(f, &f->clauses[i], row))
			return false;
	}
	return !has_sides || sides_hold(f, 0, row) || sides_hold(f, 1, row);
}
