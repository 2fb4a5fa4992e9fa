/* struct map: open addressing, uint64_t key -> uint64_t value, for caches and tables inside one
 * thread. Keys are spread by hash_mix64, so any keys do; all 2^64 keys are allowed. */
#ifndef TOMSD_BASE_MAP_H
#define TOMSD_BASE_MAP_H

#include "tomsd/base/compiler.h"

struct map {
	struct map_slot *slots;
	size_t n, mask, max; /* entries; slots - 1; most entries ever */
	uint64_t seed;       /* random, so that nobody outside can choose keys that collide */
};

/* Room for max entries in the end; starts small and doubles. */
int map_init(struct map *m, size_t max) MUST_CHECK;
void map_fini(struct map *m);
void map_clear(struct map *m); /* keeps the memory */
/* NULL when absent. The pointer is good until the next map_put/map_del. */
uint64_t *map_get(const struct map *m, uint64_t key);
/* Finds or makes (value 0, *made = true) the entry; NULL when full or out of memory. */
uint64_t *map_put(struct map *m, uint64_t key, bool *made);
bool map_del(struct map *m, uint64_t key);
/* Walk: *at starts at 0; false at the end. Any order; put and delete nothing meanwhile. */
bool map_next(const struct map *m, size_t *at, uint64_t *key, uint64_t **value);

#endif
