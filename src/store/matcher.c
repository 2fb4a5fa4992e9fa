/* A query's words asked of rows that are not in this database: the same filter that searches compile, over the
 * record's struct, and the words by which an index of files is asked first. A leaf that one of the words of
 * row_words settles gives that word; a leaf any of which will do beside others gives a group, or none when one
 * of them has no word. One thread. */
#include <stdlib.h>

#include "filter.h"
#include "plan.h"
#include "row_words.h"
#include "tomsd/store/cut.h"

enum { NETS_MAX = 16 }; /* a wider range of addresses has no words */

struct matcher {
	struct plan *plan;
	struct filter filter;
	struct filter_line line;
};

int matcher_new(struct matcher **out, const struct query *q, struct err *e)
{
	struct matcher *m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, ERR_NOMEM, "out of memory");
	int rc = plan_new(&m->plan, q->record, e);
	if (!rc)
		rc = filter_compile(&m->filter, m->plan, q, e);
	if (rc) {
		matcher_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	free(m->plan);
	free(m);
}

bool matcher_reads(const struct matcher *m, const struct col *c)
{
	if (c == m->plan->id)
		return true;
	for (size_t i = 0; i < m->plan->n_cols; i++)
		if (m->plan->cols[i].col == c)
			return m->filter.wanted[i];
	return false;
}

bool matcher_reads_tail(const struct matcher *m)
{
	return m->filter.asks_line;
}

bool matcher_row(const struct matcher *m, const void *row)
{
	return filter_match(&m->filter, row);
}

bool matcher_tail(struct matcher *m, const void *row)
{
	return filter_match_line(&m->filter, row, &m->line);
}

/* A group in the making. */
struct group {
	struct word_groups *to;
	size_t from;
	bool given_up;
};

static void add(struct group *g, uint32_t word)
{
	struct word_groups *to = g->to;
	for (size_t i = g->from; i < to->n_words; i++)
		if (to->word[i] == word)
			return;
	if (to->n_words == ARRAY_LEN(to->word))
		g->given_up = true;
	else
		to->word[to->n_words++] = word;
}

static struct addr addr_plus(struct addr a, size_t byte, unsigned n)
{
	for (unsigned carry = n; carry; byte--) {
		carry += a.b[byte];
		a.b[byte] = (uint8_t)carry;
		carry >>= 8;
		if (!byte)
			break;
	}
	return a;
}

static void add_range(struct group *g, const struct cidr *range)
{
	bool is_v4 = addr_is_v4(&range->base) && range->bits >= 96;
	struct addr any_v4 = addr_v4(0);
	unsigned net_bits = is_v4 ? 120 : 64;
	if (range->bits == 128 && !addr_is_zero(&range->base)) {
		add(g, word_host(&range->base));
		return;
	}
	if (range->bits >= net_bits)
		net_bits = range->bits;
	unsigned wider = net_bits - range->bits;
	/* ::/64 and the like hold IPv4 addresses, whose nets are others */
	if (wider > 4 || (!is_v4 && cidr_has(range, &any_v4))) {
		g->given_up = true;
		return;
	}
	for (unsigned i = 0; i < 1u << wider; i++) {
		struct addr a = addr_plus(range->base, (is_v4 ? 120u : 64u) / 8 - 1, i);
		add(g, word_net(&a));
	}
}

/* Words one of which every row has that this leaf holds for. */
static void add_leaf(struct group *g, const struct leaf *l)
{
	enum word_kind kind = l->col ? word_kind_of(l->col) : WORD_NONE;
	bool is_text = (l->kind == LEAF_TEXT || l->kind == LEAF_OUT) && !l->any && !l->is_long &&
		       l->how == MATCH_EQUAL && l->text.n;
	if (l->kind == LEAF_ADDR && kind == WORD_ADDR)
		add_range(g, &l->range);
	else if (l->kind == LEAF_MAC && kind == WORD_MAC && mac_number(l->mac))
		add(g, word_mac(l->mac));
	else if (is_text && kind == WORD_TEXT) /* needs: the front one is passed on as it is */
		add(g, word_text(l->col, l->text));
	else
		g->given_up = true;
}

static void begin(struct group *g, struct word_groups *to)
{
	*g = (struct group){ .to = to, .from = to->n_words };
}

static void end(struct group *g)
{
	struct word_groups *to = g->to;
	size_t n = to->n_words - g->from;
	if (g->given_up || !n || to->n_groups == ARRAY_LEN(to->group)) {
		to->n_words = g->from;
		return;
	}
	to->group[to->n_groups].first = (uint16_t)g->from;
	to->group[to->n_groups++].n = (uint16_t)n;
}

/* Whichever end it is, the row has one of these. */
static void add_sides(struct word_groups *to, const struct sides *s)
{
	struct group g;
	begin(&g, to);
	for (size_t i = 0; i < s->n; i++)
		for (unsigned at = 0; at < 2; at++)
			for (unsigned k = 0; k < s->side[i].n[at]; k++)
				add_leaf(&g, &s->side[i].on[at][k]);
	end(&g);
}

void matcher_words(const struct matcher *m, struct word_groups *out)
{
	const struct filter *f = &m->filter;
	out->n_words = out->n_groups = 0;
	for (size_t i = 0; i < f->n_clauses; i++) {
		const struct clause *c = &f->clauses[i];
		struct group g;
		if (c->negate)
			continue;
		begin(&g, out);
		for (size_t k = 0; k < c->n; k++)
			add_leaf(&g, &f->leaves[c->first + k]);
		end(&g);
	}
	add_sides(out, &f->host);
	add_sides(out, &f->peer);
}
