/* Values of a column, each once: open addressing over hashes with a seed. One thread. */
#include "dict.h"

#include <stdlib.h>

#include "tomsd/base/hash.h"

void dict_init(struct dict *d, uint64_t seed, size_t max_bytes)
{
	*d = (struct dict){ .seed = seed };
	buf_init(&d->keys, max_bytes);
	buf_put(&d->keys, "", 0); /* so that an empty key has an address */
}

void dict_fini(struct dict *d)
{
	buf_fini(&d->keys);
	free(d->ends);
	free(d->slots);
	*d = (struct dict){ 0 };
}

void dict_clear(struct dict *d)
{
	buf_reset(&d->keys);
	d->n = 0;
	if (d->slots)
		memset(d->slots, 0, d->n_slots * sizeof(*d->slots));
}

static void place(struct dict *d, struct dict_slot slot)
{
	uint32_t at = slot.mark & (d->n_slots - 1);

	while (d->slots[at].key)
		at = (at + 1) & (d->n_slots - 1);
	d->slots[at] = slot;
}

/* Twice the room; slots are at most half full. */
static bool grow(struct dict *d)
{
	uint32_t room = d->room ? 2 * d->room : 64, n_before = d->n_slots;
	uint32_t *ends = realloc(d->ends, room * sizeof(*ends));
	struct dict_slot *slots, *before = d->slots;

	if (ends)
		d->ends = ends;
	slots = calloc((size_t)room * 2, sizeof(*slots));
	if (!ends || !slots) {
		free(slots);
		return false;
	}
	d->slots = slots;
	d->n_slots = room * 2;
	d->room = room;
	for (uint32_t i = 0; i < n_before; i++) {
		if (before[i].key)
			place(d, before[i]);
	}
	free(before);
	return true;
}

static bool is_key(const struct dict *d, uint32_t i, const void *key, size_t n)
{
	struct str k = dict_key(d, i);

	if (k.n != n)
		return false;
	if (n == sizeof(uint64_t)) { /* numbers, mostly */
		uint64_t a, b;

		memcpy(&a, k.p, sizeof(a));
		memcpy(&b, key, sizeof(b));
		return a == b;
	}
	return memcmp(k.p, key, n) == 0;
}

uint32_t dict_put(struct dict *d, const void *key, size_t n)
{
	uint32_t mark;

	if (d->n && is_key(d, d->last, key, n))
		return d->last;
	mark = (uint32_t)hash_bytes(key, n, d->seed);
	for (uint32_t at = mark; d->n_slots; at++) {
		const struct dict_slot *s = &d->slots[at & (d->n_slots - 1)];

		if (s->key == 0)
			break;
		if (s->mark == mark && is_key(d, s->key - 1, key, n))
			return d->last = s->key - 1;
	}
	if (d->n == d->room && !grow(d))
		return DICT_FULL;
	buf_put(&d->keys, key, n);
	if (buf_failed(&d->keys))
		return DICT_FULL;
	d->ends[d->n] = (uint32_t)d->keys.n;
	place(d, (struct dict_slot){ mark, d->n + 1 });
	return d->last = d->n++;
}
