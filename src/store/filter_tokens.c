/* Which tokens of the index can answer a filter, for one day. An equality has its token by itself; a
 * text with '*' or a plain text search first looks through the day's dictionary, which holds each
 * distinct text once, and takes the tokens of what it found there. */
#include <stdio.h>
#include <stdlib.h>

#include "filter.h"

enum {
	NETS_BITS = 12,   /* a range over 2^12 /24s (or /64s) is answered by scanning */
	NUMBERS_MAX = 64, /* the same for a range of numbers */
	TEXTS_MAX = 256,  /* texts of the dictionary that one leaf may match */
	GROUP_TOKENS_MAX = 4096,
};

/* Texts of the dictionary that matched the last pattern asked for: the leaves of a text search ask
 * the same one for each column. */
struct found_texts {
	const struct leaf *of;
	struct buf texts; /* each with NUL behind */
	size_t n;
	bool too_many;
};

struct maker {
	struct sql *db;
	const struct plan *plan;
	int32_t day;
	uint64_t seed;
	const struct filter *filter;
	uint64_t words; /* class seed */
	struct found_texts found;
	struct tokens *out;
};

/* -ERR_NOTFOUND: the index cannot answer this leaf. */
static int add_token(struct tokens *t, uint32_t token)
{
	if (t->n == TOKENS_MAX)
		return -ERR_NOTFOUND;
	t->token[t->n++] = token;
	return 0;
}

/* A column's. */
static int add(struct maker *m, uint32_t token)
{
	return add_token(m->out, m->plan->has_tail ? token_beside_words(token) : token);
}

static const struct plan_col *plan_col_of(const struct plan *p, const struct col *c)
{
	for (size_t i = 0; i < p->n_cols; i++) {
		if (p->cols[i].col == c)
			return &p->cols[i];
	}
	return NULL;
}

static struct addr addr_plus(struct addr a, unsigned byte, unsigned n)
{
	for (unsigned carry = n, i = byte + 1; carry && i--;) {
		carry += a.b[i];
		a.b[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return a;
}

/* A whole address is a token; a range is the /24s (IPv4) or /64s (IPv6) it touches. */
static int addr_tokens(struct maker *m, const struct cidr *range)
{
	bool is_v4 = addr_is_v4(&range->base) && range->bits >= 96;
	unsigned net_bits = is_v4 ? 120 : 64, n;

	struct addr any_v4 = addr_v4(0);

	if (range->bits == 128)
		return add(m, token_host(m->seed, &range->base));
	if (!is_v4 && cidr_has(range, &any_v4))
		return -ERR_NOTFOUND; /* as ::/64 does: their nets are /24s */
	if (range->bits < net_bits - NETS_BITS)
		return -ERR_NOTFOUND;
	n = range->bits >= net_bits ? 1 : 1u << (net_bits - range->bits);
	for (unsigned i = 0; i < n; i++) {
		struct addr a = addr_plus(range->base, net_bits / 8 - 1, i);

		if (add(m, token_net(m->seed, &a)))
			return -ERR_NOTFOUND;
	}
	return 0;
}

static int number_tokens(struct maker *m, const struct leaf *l, bool is_port)
{
	bool is_source = strncmp(l->col->name, "src", 3) == 0;

	if (l->lo <= 0 || l->hi < l->lo || l->hi - l->lo >= NUMBERS_MAX)
		return -ERR_NOTFOUND;
	for (int64_t v = l->lo; v <= l->hi; v++) {
		if (is_port && v > UINT16_MAX)
			break;
		if (is_port && is_source && !token_port_complete((uint16_t)v))
			return -ERR_NOTFOUND;
		if (add(m, is_port ? token_port(m->seed, (uint16_t)v) :
				     token_num(m->seed, l->col, (uint64_t)v)))
			return -ERR_NOTFOUND;
	}
	return 0;
}

void filter_like(enum match_how how, struct str text, struct buf *out)
{
	if (how == MATCH_CONTAINS)
		buf_char(out, '%');
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '*' && how == MATCH_GLOB) {
			buf_char(out, '%');
			continue;
		}
		if (c == '%' || c == '_' || c == '\\')
			buf_char(out, '\\');
		buf_char(out, c);
	}
	if (how == MATCH_CONTAINS)
		buf_char(out, '%');
}

/* All texts of the day's dictionary like this; too_many when the scan of rows is cheaper. */
static int search_dictionary(struct maker *m, enum match_how how, struct str text,
			     struct err *e)
{
	struct buf sql, like;
	struct stmt *s = NULL;
	int rc;

	buf_init(&sql, 256);
	buf_init(&like, 1024);
	buf_fmt(&sql, "SELECT s FROM %s_%08d_text WHERE s LIKE ? ESCAPE '\\'",
		m->plan->record->name, m->day);
	filter_like(how, text, &like);
	rc = buf_failed(&sql) || buf_failed(&like) ? err_set(e, ERR_NOMEM, "out of memory") :
						     sql_prepare(m->db, sql.p, &s, e);
	if (!rc)
		stmt_text(s, 1, buf_view(&like));
	while (!rc && (rc = stmt_step(s, e)) > 0) {
		rc = 0;
		if (m->found.n == TEXTS_MAX) {
			m->found.too_many = true;
			break;
		}
		buf_str(&m->found.texts, stmt_col_text(s, 0));
		buf_char(&m->found.texts, '\0');
		m->found.n++;
	}
	stmt_done(s);
	buf_fini(&sql);
	buf_fini(&like);
	if (!rc && buf_failed(&m->found.texts))
		m->found.too_many = true;
	return rc;
}

static int find_texts(struct maker *m, const struct leaf *l, enum match_how how, struct err *e)
{
	const struct leaf *of = m->found.of;

	if (of && of->how == l->how && of->kind == l->kind && of->text.p == l->text.p)
		return 0;
	buf_reset(&m->found.texts);
	m->found.of = l;
	m->found.n = 0;
	m->found.too_many = false;
	return search_dictionary(m, how, l->text, e);
}

/* The dictionary does not say whose a text is. It can only be this column's when it fits in, and a
 * column of JSON holds objects only. */
static bool can_be_of(const struct col *c, struct str text)
{
	return text.n <= c->size && (c->type != COL_JSON || str_starts(text, STR("{")));
}

/* Tokens of every text in the dictionary that the pattern matches, as texts of this column. */
static int dictionary_tokens(struct maker *m, const struct leaf *l, enum match_how how,
			     struct err *e)
{
	int rc = find_texts(m, l, how, e);
	struct str rest = buf_view(&m->found.texts), text;

	if (rc)
		return rc;
	if (m->found.too_many)
		return -ERR_NOTFOUND;
	for (size_t i = 0; i < m->found.n && str_split(&rest, '\0', &text); i++) {
		if (can_be_of(l->col, text) && add(m, token_text(m->seed, l->col, text)))
			return -ERR_NOTFOUND;
	}
	return 0;
}

/* A value inside JSON stands there as it is unless JSON would have to escape it. */
static bool is_plain_in_json(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == '"' || c == '\\' || c == '/' || c == '*' || c >= 0x7f)
			return false;
	}
	return s.n > 0;
}

/* The same for a value within a line, of whatever format. */
static bool is_plain_in_line(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (strchr("<>&'", s.p[i]))
			return false;
	}
	return is_plain_in_json(s);
}

static int text_tokens(struct maker *m, const struct leaf *l, const struct plan_col *pc,
		       struct err *e)
{
	if (l->how == MATCH_EQUAL)
		return add(m, token_text(m->seed, l->col, l->text));
	return pc->how == AS_DICT ? dictionary_tokens(m, l, l->how, e) : -ERR_NOTFOUND;
}

/* The bit of a set that its list shows under this name: ask with one bit at a time. */
static int bit_tokens(struct maker *m, const struct leaf *l, struct err *e)
{
	void *row = calloc(1, m->plan->record->bytes);
	int rc = 0;

	if (!row)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (unsigned bit = 0; bit < 64 && !rc; bit++) {
		uint64_t set = UINT64_C(1) << bit;

		memcpy((char *)row + l->col->off, &set, sizeof(set));
		if (leaf_match(l, row))
			rc = add(m, token_num(m->seed, l->col, bit));
	}
	free(row);
	return rc;
}

/* A number that is in the line as people write it. */
static int decimal_token(struct maker *m, const struct leaf *l)
{
	struct text_pattern p;
	char text[24];
	uint32_t token;
	int n = snprintf(text, sizeof(text), "%lld", (long long)l->lo);

	if (l->lo != l->hi || l->lo <= 0)
		return -ERR_NOTFOUND;
	text_pattern_set(&p, str_n(text, (size_t)n));
	return text_pattern_words(&p, m->words, &token, 1) ? add_token(m->out, token) :
							     -ERR_NOTFOUND;
}

/* Members whose words are the line's own; others may have been translated or put together. */
static bool is_verbatim(struct str member)
{
	static const char *const fronts[] = {
		"fortinet.firewall.",
		"message",
		"url.domain",
		"url.path",
		"url.query",
		"url.original",
		"dns.question.",
		"file.name",
		"file.path",
		"user_agent.",
		"email.subject",
		"group.name",
		"source.domain",
		"source.user.name",
		"destination.user.name",
		"rule.category",
		"event.reason",
		"tls.client.server_name",
		"error.message",
		"observer.ingress.",
		"observer.egress.",
		"http.request.method",
	};

	for (size_t i = 0; i < ARRAY_LEN(fronts); i++) {
		if (str_starts(member, str_of(fronts[i])))
			return true;
	}
	return false;
}

/* Words of a member's value, if they stand in the line as they are: no format writes letters or digits
 * another way, only what is between them. */
static size_t member_words(struct maker *m, const struct leaf *l, uint32_t *out, size_t cap)
{
	struct text_pattern p;

	if (l->any || l->has_number || l->how != MATCH_EQUAL || !l->text.n ||
	    !is_plain_in_line(l->text) || !is_verbatim(l->member))
		return 0;
	text_pattern_set(&p, l->text);
	return text_pattern_words(&p, m->words, out, cap);
}

static size_t line_words(struct maker *m, const struct leaf *l, uint32_t *out, size_t cap)
{
	return l->kind == LEAF_LINE ? text_pattern_words(&m->filter->patterns[l->pattern],
							 m->words, out, cap) :
				      member_words(m, l, out, cap);
}

/* Among others any of which will do, one word has to be enough: the first. */
static int line_token(struct maker *m, const struct leaf *l)
{
	uint32_t token;

	return line_words(m, l, &token, 1) ? add_token(m->out, token) : -ERR_NOTFOUND;
}

/* Appends tokens one of which every row that this leaf holds for carries. */
static int leaf_tokens(struct maker *m, const struct leaf *l, struct err *e)
{
	const struct plan_col *pc = plan_col_of(m->plan, l->col);
	enum token_kind kind = pc ? (enum token_kind)pc->tokens : TOKEN_NONE;

	if (l->kind == LEAF_LINE || l->kind == LEAF_MEMBER)
		return line_token(m, l);
	if (l->kind == LEAF_NUM && pc && m->plan->has_tail && plan_col_is_word(pc))
		return decimal_token(m, l);
	if (kind == TOKEN_NONE || l->any || l->is_long || l->kind == LEAF_ANY)
		return -ERR_NOTFOUND;
	switch (l->kind) {
	case LEAF_ADDR:
		return addr_tokens(m, &l->range);
	case LEAF_MAC:
		return add(m, token_mac(m->seed, l->mac));
	case LEAF_NUM:
		return kind == TOKEN_PORT || kind == TOKEN_NUM ?
			       number_tokens(m, l, kind == TOKEN_PORT) :
			       -ERR_NOTFOUND;
	case LEAF_TEXT:
		return kind == TOKEN_TEXT ? text_tokens(m, l, pc, e) : -ERR_NOTFOUND;
	case LEAF_OUT:
		if (kind == TOKEN_TEXT)
			return text_tokens(m, l, pc, e);
		if (kind == TOKEN_PORT && l->has_number)
			return number_tokens(m, l, true);
		return kind == TOKEN_BITS ? bit_tokens(m, l, e) : -ERR_NOTFOUND;
	case LEAF_JSON:
		if (kind == TOKEN_TEXT && pc->how == AS_DICT && !l->has_number &&
		    is_plain_in_json(l->text))
			return dictionary_tokens(m, l, MATCH_CONTAINS, e);
		return -ERR_NOTFOUND;
	case LEAF_ANY:
	case LEAF_LINE:
	case LEAF_MEMBER:
		break;
	}
	return -ERR_NOTFOUND;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Each token once (both ports ask for the same one), in the order in which they lie in the index. */
static size_t sort_once(uint32_t *token, size_t n)
{
	size_t kept = 0;

	qsort(token, n, sizeof(*token), by_number);
	for (size_t i = 0; i < n; i++) {
		if (!kept || token[kept - 1] != token[i])
			token[kept++] = token[i];
	}
	return kept;
}

/* Ends a group begun at token number `from`: empty means that nothing can match. */
static void end_group(struct tokens *t, size_t from)
{
	size_t at = t->n_groups++;
	uint16_t n = (uint16_t)sort_once(t->token + from, t->n - from);

	t->n = from + n;
	t->none |= n == 0;
	for (; at && t->group[at - 1].n > n; at--)
		t->group[at] = t->group[at - 1];
	t->group[at].first = (uint16_t)from;
	t->group[at].n = n;
}

/* One group out of leaves any of which may hold; given up when one of them has no token. */
static int group_of(struct maker *m, const struct leaf *const *leaves, size_t n, struct err *e)
{
	size_t from = m->out->n;

	for (size_t i = 0; i < n; i++) {
		int rc = leaf_tokens(m, leaves[i], e);

		if (rc == -ERR_NOTFOUND || m->out->n - from > GROUP_TOKENS_MAX) {
			m->out->n = from;
			return 0;
		}
		if (rc)
			return rc;
	}
	end_group(m->out, from);
	return 0;
}

/* Every word of a text is a group of its own: the row has all of them. */
static void words_groups(struct maker *m, const struct leaf *l)
{
	uint32_t token[LINE_WORDS_MAX];
	size_t n = line_words(m, l, token, ARRAY_LEN(token));

	for (size_t i = 0; i < n; i++) {
		size_t from = m->out->n;

		if (add_token(m->out, token[i]))
			return;
		end_group(m->out, from);
	}
}

static int clause_group(struct maker *m, const struct filter *f, const struct clause *c,
			struct err *e)
{
	const struct leaf *leaves[FILTER_LEAVES_MAX];

	if (c->negate)
		return 0;
	if (c->n == 1 && c->asks_line) {
		words_groups(m, &f->leaves[c->first]);
		return 0;
	}
	for (size_t i = 0; i < c->n; i++)
		leaves[i] = &f->leaves[c->first + i];
	return group_of(m, leaves, c->n, e);
}

/* Addresses and MACs share one token for both ends, translated ones too: asking the second end would only
 * repeat it. */
static int sides_group(struct maker *m, const struct sides *s, struct err *e)
{
	const struct leaf *leaves[2 * FILTER_SIDES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct side *one = &s->side[i];
		bool shared = one->n[0] && (one->on[0][0].kind == LEAF_ADDR ||
					    one->on[0][0].kind == LEAF_MAC);

		if (one->n[0])
			leaves[n++] = &one->on[0][0];
		if (one->n[1] && !shared)
			leaves[n++] = &one->on[1][0];
	}
	return n ? group_of(m, leaves, n, e) : 0;
}

int filter_tokens(const struct filter *f, struct sql *db, int32_t day, uint64_t seed,
		  struct tokens *out, struct err *e)
{
	struct maker m = {
		.db = db, .plan = f->plan, .day = day, .seed = seed, .out = out, .filter = f
	};
	int rc = 0;

	out->n = out->n_groups = 0;
	out->none = false;
	m.words = word_seed(seed);
	out->loose = f->plan->has_tail ? word_loose(m.words) : 0;
	if (!f->plan->has_index)
		return 0;
	buf_init(&m.found.texts, 1 << 20);
	for (size_t i = 0; !rc && i < f->n_clauses; i++)
		rc = clause_group(&m, f, &f->clauses[i], e);
	if (!rc)
		rc = sides_group(&m, &f->host, e);
	if (!rc)
		rc = sides_group(&m, &f->peer, e);
	buf_fini(&m.found.texts);
	return rc;
}
