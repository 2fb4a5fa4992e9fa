/* Cursors of cold searches: a letter, then base64url of five numbers of 8 bytes (time and id of the last row, range,
 * time of the first page; lowest byte first) and a hash over them and the query. The letter tells them from the store's
 * cursors; the hash finds cursors of other queries and slips, it is no secret: whoever makes one up asks for
 * another page of what may be asked for anyway. */
#include "cold.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"

enum { FIELDS = 5, BODY = 8 * FIELDS, WHOLE = BODY + 8 };

static void put_u64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v = 0;
	for (unsigned i = 8; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static char letter_of(bool whole)
{
	return whole ? 'w' : 'c';
}

/* Record, words and order; not the range, which the cursor carries itself. */
static uint64_t sum_of(const uint8_t *body, const struct query *q, bool whole)
{
	uint64_t h = hash_bytes(q->record->name, strlen(q->record->name),
				(uint64_t)(unsigned char)letter_of(whole) << 8 | (uint64_t)q->sort);
	for (size_t i = 0; i < q->n_words; i++) {
		const struct query_word *w = &q->words[i];
		h = hash_bytes(w->key, strlen(w->key) + 1, h);
		h = hash_bytes(w->op, strlen(w->op) + 1, h + w->negate);
		h = hash_bytes(w->value, strlen(w->value) + 1, h);
	}
	return hash_bytes(body, BODY, h);
}

void cold_cursor_write(const struct cold_cursor *c, const struct query *q, bool whole, char out[128])
{
	uint8_t b[WHOLE];
	const int64_t fields[FIELDS] = { c->after.time_ns, c->after.id, c->since_ns, c->until_ns, c->as_of_ns };
	for (unsigned i = 0; i < FIELDS; i++)
		put_u64(b + (size_t)8 * i, (uint64_t)fields[i]);
	put_u64(b + BODY, sum_of(b, q, whole));
	out[0] = letter_of(whole);
	out[1] = '.';
	hash_base64url(b, sizeof(b), out + 2);
}

int cold_cursor_read(struct cold_cursor *c, const struct query *q, bool whole, struct err *e)
{
	uint8_t b[WHOLE + 3];
	struct str text = str_n(q->cursor, strnlen(q->cursor, sizeof(q->cursor)));
	if (text.n == 0) {
		*c = (struct cold_cursor){ cold_front(q->sort == QUERY_OLDEST), q->since_ns, q->until_ns,
					   clock_now_ns() };
		return 0;
	}
	if (text.n < 2 || text.p[0] != letter_of(whole) || text.p[1] != '.' ||
	    hash_base64url_decode(str_sub(text, 2, text.n), b, sizeof(b)) != WHOLE ||
	    get_u64(b + BODY) != sum_of(b, q, whole))
		return err_set(e, ERR_INVALID,
			       "the cursor is not of this query or not one of ours; begin again with the first page");
	*c = (struct cold_cursor){ .after = { (int64_t)get_u64(b), (int64_t)get_u64(b + 8) },
				   .since_ns = (int64_t)get_u64(b + 16),
				   .until_ns = (int64_t)get_u64(b + 24),
				   .as_of_ns = (int64_t)get_u64(b + 32) };
	return 0;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

void cold_fill_info(struct query_page_info *info, const struct query *q, const struct cold_cursor *c, bool more,
		    bool complete, bool whole, int64_t oldest_ns)
{
	int64_t since = c->since_ns, until = c->until_ns;
	info->complete = complete;
	info->more = more;
	info->next[0] = '\0';
	info->as_of_ns = c->as_of_ns;
	if (more)
		cold_cursor_write(c, q, whole, info->next);
	if (since <= 0 && oldest_ns < until)
		since = oldest_ns; /* an open range begins with the first row there is */
	if (until > c->as_of_ns)
		until = c->as_of_ns > since ? c->as_of_ns : since;
	if (more && q->sort == QUERY_OLDEST)
		until = clamp(c->after.time_ns, since, until);
	else if (more)
		since = clamp(c->after.time_ns, since, until);
	info->covered_since_ns = since;
	info->covered_until_ns = until;
}
