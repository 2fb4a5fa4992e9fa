/* Compiling a query: its words become clauses. The same key several times means any of the values;
 * different keys must all hold; comparisons, exclusions and plain text each stand for themselves. */
#include "filter.h"

static bool is_range_op(const struct query_word *w)
{
	return w->op[0] == '<' || w->op[0] == '>';
}

static bool is_excluded(const struct query_word *w)
{
	return w->negate ^ (strcmp(w->op, "!=") == 0);
}

/* Do both words ask for values of one field, any of which will do? */
static bool asks_the_same(const struct query_word *a, const struct query_word *b)
{
	return !is_excluded(a) && !is_excluded(b) && !is_range_op(a) && !is_range_op(b) &&
	       !str_ieq(str_of(a->key), STR("text")) && str_ieq(str_of(a->key), str_of(b->key));
}

/* A lower bound on what rows are sorted by lets the search leave out whole buckets. */
static void find_zone(const struct filter *f, struct clause *c)
{
	const struct plan *p = f->plan;
	const struct leaf *l = &f->leaves[c->first];

	if (c->negate || c->n != 1 || l->lo <= 0 ||
	    (l->kind != LEAF_NUM && !(l->kind == LEAF_OUT && l->has_number)))
		return;
	c->zone_min = (uint64_t)l->lo;
	c->has_zone = true;
	if (l->kind == LEAF_NUM && (l->col == p->bytes_a || l->col == p->bytes_b))
		c->zone = ZONE_BYTES;
	else if (l->kind == LEAF_NUM && l->col == p->risk)
		c->zone = ZONE_RISK;
	else if (l->kind == LEAF_NUM && l->col == p->duration)
		c->zone = ZONE_DURATION;
	else if (l->kind == LEAF_OUT && l->col == p->bytes_a &&
		 strcmp(l->out->ecs, "network.bytes") == 0)
		c->zone = ZONE_BYTES;
	else if (l->kind == LEAF_OUT && l->col == p->start &&
		 strcmp(l->out->ecs, "event.duration") == 0)
		c->zone = ZONE_DURATION;
	else
		c->has_zone = false;
}

/* The word at `at` and all later ones that ask the same, whose marks in `done` are set. */
static int add_clause(struct filter *f, const struct query *q, size_t at, bool *done,
		      struct err *e)
{
	const struct query_word *w = &q->words[at];
	struct clause c = { .first = (uint16_t)f->n_leaves, .negate = is_excluded(w) };
	int rc = filter_leaves_of(f, w, e);

	for (size_t i = at + 1; !rc && i < q->n_words; i++) {
		if (!done[i] && asks_the_same(w, &q->words[i])) {
			done[i] = true;
			rc = filter_leaves_of(f, &q->words[i], e);
		}
	}
	if (rc)
		return rc;
	c.n = (uint16_t)(f->n_leaves - c.first);
	for (size_t i = c.first; i < f->n_leaves; i++)
		c.asks_line |= f->leaves[i].kind == LEAF_LINE ||
			       f->leaves[i].kind == LEAF_MEMBER;
	f->asks_line |= c.asks_line;
	if (is_range_op(w))
		find_zone(f, &c);
	f->clauses[f->n_clauses++] = c;
	return 0;
}

/* -host:X: at neither end. */
static int exclude_host(struct filter *f, const struct side *s, struct err *e)
{
	struct clause c = { .first = (uint16_t)f->n_leaves, .negate = true };

	if (f->n_leaves + 2 * SIDE_LEAVES > FILTER_LEAVES_MAX)
		return err_set(e, ERR_FULL,
			       "the query asks about too many fields at once; leave some out");
	for (unsigned end = 0; end < 2; end++)
		for (unsigned i = 0; i < s->n[end]; i++)
			f->leaves[f->n_leaves++] = s->on[end][i];
	c.n = (uint16_t)(f->n_leaves - c.first);
	f->clauses[f->n_clauses++] = c;
	return 0;
}

static int add_side(struct filter *f, const struct query_word *w, bool is_peer, struct err *e)
{
	bool negate = is_excluded(w);
	struct sides *to = !is_peer ? &f->host : negate ? &f->not_peer : &f->peer;
	struct side s;
	int rc = filter_side_of(f, w, &s, e);

	if (rc)
		return rc;
	if (negate && !is_peer)
		return exclude_host(f, &s, e);
	to->side[to->n++] = s;
	return 0;
}

/* Without a host "-peer:X" would only ask one end: it then means the same as "-host:X". */
static int settle_not_peer(struct filter *f, struct err *e)
{
	if (f->host.n || f->peer.n)
		return 0;
	for (size_t i = 0; i < f->not_peer.n; i++) {
		int rc = exclude_host(f, &f->not_peer.side[i], e);

		if (rc)
			return rc;
	}
	f->not_peer.n = 0;
	return 0;
}

static void want_col(struct filter *f, const struct col *c)
{
	for (size_t i = 0; i < f->plan->n_cols; i++) {
		if (f->plan->cols[i].col == c)
			f->wanted[i] = true;
	}
}

/* What a line means depends on what it was taken for; a key of its own on that alone. */
static void want_member(struct filter *f, struct str member)
{
	if (!str_starts(member, STR("fortinet.firewall."))) {
		memset(f->wanted, true, sizeof(f->wanted));
		return;
	}
	want_col(f, record_col(f->plan->record, "kind"));
	want_col(f, record_col(f->plan->record, "format"));
}

static void want_leaf(struct filter *f, const struct leaf *l)
{
	struct str rest, name;
	char text[48];

	want_col(f, l->col);
	if (l->kind == LEAF_MEMBER)
		want_member(f, l->member);
	if (l->kind != LEAF_OUT)
		return;
	rest = str_of(l->out->needs);
	while (str_split(&rest, ' ', &name)) {
		if (str_copy(text, sizeof(text), name))
			want_col(f, record_col(f->plan->record, text));
	}
}

static void want_sides(struct filter *f, const struct sides *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (unsigned end = 0; end < 2; end++)
			for (unsigned k = 0; k < s->side[i].n[end]; k++)
				want_leaf(f, &s->side[i].on[end][k]);
}

int filter_compile(struct filter *f, const struct plan *p, const struct query *q, struct err *e)
{
	bool done[QUERY_WORDS_MAX] = { false };
	int rc = 0;

	assert(q->n_words <= QUERY_WORDS_MAX);
	*f = (struct filter){ .plan = p };
	for (size_t i = 0; !rc && i < q->n_words; i++) {
		const struct query_word *w = &q->words[i];
		bool is_peer = str_ieq(str_of(w->key), STR("peer"));

		if (is_peer || str_ieq(str_of(w->key), STR("host")))
			rc = add_side(f, w, is_peer, e);
		else if (!done[i])
			rc = add_clause(f, q, i, done, e);
	}
	if (!rc)
		rc = settle_not_peer(f, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < f->n_leaves; i++)
		want_leaf(f, &f->leaves[i]);
	want_sides(f, &f->host);
	want_sides(f, &f->peer);
	want_sides(f, &f->not_peer);
	return 0;
}

void filter_ids(const struct filter *f, int64_t *min, int64_t *max)
{
	for (size_t i = 0; i < f->n_clauses; i++) {
		const struct clause *c = &f->clauses[i];
		const struct leaf *l = &f->leaves[c->first];

		if (c->negate || c->n != 1 || l->kind != LEAF_NUM || l->col != f->plan->id)
			continue;
		*min = l->lo > *min ? l->lo : *min;
		*max = l->hi < *max ? l->hi : *max;
	}
}
