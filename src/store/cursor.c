/* Layout, little endian: after.rank, after.tie, since, until, max_id, as_of (8 bytes each), then a hash
 * over them under the seed of the database and the fingerprint of the query. */
#include "cursor.h"

#include "tomsd/base/hash.h"

enum { FIELDS = 6, BODY_BYTES = 8 * FIELDS, WHOLE_BYTES = BODY_BYTES + 8 };

static const uint64_t cursor_salt =
	UINT64_C(0x6375727326f72731); /* keeps this use of the seed apart */

static void put_u64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 8; i--;)
		v = v << 8 | p[i];
	return v;
}

uint64_t cursor_fingerprint(const struct query *q)
{
	uint64_t h = hash_bytes(q->record->name, strlen(q->record->name),
				cursor_salt + (uint64_t)q->sort);

	for (size_t i = 0; i < q->n_words; i++) {
		const struct query_word *w = &q->words[i];

		h = hash_bytes(w->key, strlen(w->key) + 1, h);
		h = hash_bytes(w->op, strlen(w->op) + 1, h + w->negate);
		h = hash_bytes(w->value, strlen(w->value) + 1, h);
	}
	return h;
}

static uint64_t seal(const uint8_t *body, uint64_t fingerprint, uint64_t seed)
{
	return hash_bytes(body, BODY_BYTES, hash_mix64(seed ^ cursor_salt) + fingerprint);
}

void cursor_write(const struct cursor *c, uint64_t fingerprint, uint64_t seed,
		  char out[CURSOR_TEXT_MAX])
{
	uint8_t b[WHOLE_BYTES];
	uint64_t fields[FIELDS] = { c->after.rank,         (uint64_t)c->after.tie,
				    (uint64_t)c->since_ns, (uint64_t)c->until_ns,
				    (uint64_t)c->max_id,   (uint64_t)c->as_of_ns };

	for (unsigned i = 0; i < FIELDS; i++)
		put_u64(b + 8 * i, fields[i]);
	put_u64(b + BODY_BYTES, seal(b, fingerprint, seed));
	hash_base64url(b, sizeof(b), out);
}

int cursor_read(struct str text, uint64_t fingerprint, uint64_t seed, struct cursor *out)
{
	uint8_t b[WHOLE_BYTES + 3];

	if (hash_base64url_decode(text, b, sizeof(b)) != WHOLE_BYTES ||
	    get_u64(b + BODY_BYTES) != seal(b, fingerprint, seed))
		return -ERR_INVALID;
	*out = (struct cursor){
		.after = { get_u64(b), (int64_t)get_u64(b + 8) },
		.since_ns = (int64_t)get_u64(b + 16),
		.until_ns = (int64_t)get_u64(b + 24),
		.max_id = (int64_t)get_u64(b + 32),
		.as_of_ns = (int64_t)get_u64(b + 40),
	};
	return 0;
}
