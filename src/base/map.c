/* struct map: linear probing over 16-byte slots, deletion by shifting back (no tombstones).
 * Key 0 marks an empty slot, so the entry of key 0 lives in one slot behind the others whose
 * key field says whether it is there. One thread. */
#include "tomsd/base/map.h"

#include <stdlib.h>

#include "tomsd/base/err.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

#define FIRST_SLOTS 16

struct map_slot {
	uint64_t key, value;
};

static inline size_t home_of(const struct map *m, uint64_t key)
{
	return (size_t)hash_mix64(key ^ m->seed) & m->mask;
}

static inline struct map_slot *zero_slot(const struct map *m)
{
	return &m->slots[m->mask + 1];
}

int map_init(struct map *m, size_t max)
{
	*m = (struct map){ .mask = FIRST_SLOTS - 1, .max = max };
	/* Keys come from the wire; whoever chooses them must not know where they land. */
	file_random(&m->seed, sizeof(m->seed));
	m->slots = calloc(FIRST_SLOTS + 1, sizeof(*m->slots));
	return m->slots ? 0 : -ERR_NOMEM;
}

void map_fini(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}

void map_clear(struct map *m)
{
	if (m->n > 0)
		memset(m->slots, 0, (m->mask + 2) * sizeof(*m->slots));
	m->n = 0;
}

/* Where key is, or the empty slot where it would go. Key is not 0. */
static inline size_t probe(const struct map *m, uint64_t key)
{
	size_t i = home_of(m, key);
	while (m->slots[i].key != key && m->slots[i].key != 0)
		i = (i + 1) & m->mask;
	return i;
}

uint64_t *map_get(const struct map *m, uint64_t key)
{
	if (m->n == 0)
		return NULL;
	struct map_slot *s = key ? &m->slots[probe(m, key)] : zero_slot(m);
	bool here = key ? s->key == key : s->key != 0;
	return here ? &s->value : NULL;
}

static bool grow(struct map *m)
{
	struct map_slot *old = m->slots;
	size_t old_slots = m->mask + 1, slots;
	if (ckd_mul(&slots, old_slots, (size_t)2))
		return false;
	struct map_slot *fresh = calloc(slots + 1, sizeof(*fresh));
	if (!fresh)
		return false;
	fresh[slots] = old[old_slots];
	m->slots = fresh;
	m->mask = slots - 1;
	for (size_t i = 0; i < old_slots; i++)
		if (old[i].key != 0)
			fresh[probe(m, old[i].key)] = old[i];
	free(old);
	return true;
}

uint64_t *map_put(struct map *m, uint64_t key, bool *made)
{
	uint64_t *found = map_get(m, key);
	*made = false;
	if (found)
		return found;
	if (m->n >= m->max)
		return NULL;
	if ((m->n + 1) * 4 > (m->mask + 1) * 3 && !grow(m))
		return NULL;
	struct map_slot *s = key ? &m->slots[probe(m, key)] : zero_slot(m);
	*s = (struct map_slot){ key ? key : 1, 0 };
	m->n++;
	*made = true;
	return &s->value;
}

bool map_del(struct map *m, uint64_t key)
{
	if (!map_get(m, key))
		return false;
	m->n--;
	if (key == 0) {
		*zero_slot(m) = (struct map_slot){ 0, 0 };
		return true;
	}
	/* Pull back whoever was pushed past the hole, so that no search stops at it. */
	size_t hole = probe(m, key);
	for (size_t i = (hole + 1) & m->mask; m->slots[i].key != 0; i = (i + 1) & m->mask) {
		size_t home = home_of(m, m->slots[i].key);
		if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct map_slot){ 0, 0 };
	return true;
}

bool map_next(const struct map *m, size_t *at, uint64_t *key, uint64_t **value)
{
	if (m->n == 0)
		return false;
	for (; *at <= m->mask + 1; (*at)++) {
		struct map_slot *s = &m->slots[*at];
		if (s->key == 0)
			continue;
		*key = *at > m->mask ? 0 : s->key;
		*value = &s->value;
		(*at)++;
		return true;
	}
	return false;
}
