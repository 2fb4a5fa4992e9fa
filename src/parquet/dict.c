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
	free(d->marks);
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

static void place(struct dict *d, uint32_t i)
{
	uint32_t at = d->marks[i] & (d->n_slots - 1);

	while (d->slots[at])
		at = (at + 1) & (d->n_slots - 1);
	d->slots[at] = i + 1;
}

/* Twice the room; slots are at most half full. */
static bool grow(struct dict *d)
{
	uint32_t room = d->room ? 2 * d->room : 64;
	uint32_t *ends = realloc(d->ends, room * sizeof(*ends));
	uint32_t *marks, *slots;

	if (ends)
		d->ends = ends;
	marks = realloc(d->marks, room * sizeof(*marks));
	if (marks)
		d->marks = marks;
	slots = calloc((size_t)room * 2, sizeof(*slots));
	if (!ends || !marks || !slots) {
		free(slots);
		return false;
	}
	free(d->slots);
	d->slots = slots;
	d->n_slots = room * 2;
	d->room = room;
	for (uint32_t i = 0; i < d->n; i++)
		place(d, i);
	return true;
}

uint32_t dict_put(struct dict *d, const void *key, size_t n)
{
	uint32_t mark = (uint32_t)hash_bytes(key, n, d->seed);

	for (uint32_t at = mark; d->n_slots; at++) {
		uint32_t i = d->slots[at & (d->n_slots - 1)];

		if (i == 0)
			break;
		if (d->marks[i - 1] == mark && str_eq(dict_key(d, i - 1), str_n(key, n)))
			return i - 1;
	}
	if (d->n == d->room && !grow(d))
		return DICT_FULL;
	buf_put(&d->keys, key, n);
	if (buf_failed(&d->keys))
		return DICT_FULL;
	d->ends[d->n] = (uint32_t)d->keys.n;
	d->marks[d->n] = mark;
	place(d, d->n);
	return d->n++;
}
