/* Words of a row: see row_words.h. A word is a 32-bit hash of (class, value) as the tokens of the index are, under
 * a seed that never changes:
 *
 *   host  each address column of the record; net: the /24 (IPv4) or /64 (IPv6) of each
 *   mac   each MAC column
 *   <column's name>  texts in the columns of text_columns, whole and folded (ASCII)
 *
 * Unknown values (all zero, empty) have none. Applications, actions and the like are no words: every file has
 * them all. Any thread. */
#include "row_words.h"

#include "tomsd/base/hash.h"
#include "tomsd/store/cut.h"

enum { COLS_MAX = ROW_WORDS_MAX };

/* Part of the index of all files there are: adding one makes older files seem not to have it. */
static const uint64_t seed = UINT64_C(0x746f6d7364776f72);

/* Columns of text whose values are rare enough to tell files apart. */
static const char *const text_columns[] = {
	"name", "user", "host", "serial", "ja3", "user_agent", "threat", "program", "rule",
};

enum word_kind word_kind_of(const struct col *c)
{
	if (c->flags & COL_NOT_STORED)
		return WORD_NONE;
	if (c->type == COL_ADDR)
		return WORD_ADDR;
	if (c->type == COL_MAC)
		return WORD_MAC;
	for (size_t i = 0; c->type == COL_TEXT && i < ARRAY_LEN(text_columns); i++)
		if (strcmp(c->name, text_columns[i]) == 0)
			return WORD_TEXT;
	return WORD_NONE;
}

uint32_t word_host(const struct addr *a)
{
	return token_host(seed, a);
}
uint32_t word_net(const struct addr *a)
{
	return token_net(seed, a);
}
uint32_t word_mac(const uint8_t mac[6])
{
	return token_mac(seed, mac);
}
uint32_t word_text(const struct col *c, struct str text)
{
	return token_text(seed, c, text);
}

/* What there is to look at in a record; a thread mostly asks about one record for a while. */
struct words_of {
	const struct record *record;
	size_t n;
	struct {
		const struct col *col;
		enum word_kind kind;
		uint64_t class; /* WORD_TEXT */
	} cols[COLS_MAX];
	uint64_t host, net, mac; /* class seeds */
};

static void look_at(struct words_of *w, const struct record *r)
{
	*w = (struct words_of){ .record = r,
				.host = token_class(seed, "host"),
				.net = token_class(seed, "net"),
				.mac = token_class(seed, "mac") };
	for (size_t i = 0; i < r->n_cols; i++) {
		const struct col *c = &r->cols[i];
		enum word_kind kind = word_kind_of(c);
		if (kind == WORD_NONE)
			continue;
		assert(w->n < COLS_MAX);
		w->cols[w->n].col = c;
		w->cols[w->n].kind = kind;
		w->cols[w->n++].class = token_class(seed, c->name);
	}
}

size_t row_words(const struct record *r, const void *row, uint32_t *out, size_t max)
{
	static _Thread_local struct words_of w;
	size_t n = 0;
	if (w.record != r)
		look_at(&w, r);
	for (size_t i = 0; i < w.n && n + 2 <= max; i++) {
		const struct col *c = w.cols[i].col;
		const char *at = col_at(c, row);
		switch (w.cols[i].kind) {
		case WORD_ADDR:
			if (addr_is_zero((const struct addr *)at))
				break;
			out[n++] = token_of_host(w.host, (const struct addr *)at);
			out[n++] = token_of_net(w.net, (const struct addr *)at);
			break;
		case WORD_MAC:
			if (mac_number((const uint8_t *)at))
				out[n++] = token_of_mac(w.mac, mac_number((const uint8_t *)at));
			break;
		case WORD_TEXT:
			if (*at)
				out[n++] = token_of_text(w.cols[i].class,
							 str_n(at, strnlen(at, c->size)));
			break;
		case WORD_NONE:
			break;
		}
	}
	return n;
}
