/* Values of a column, each once, numbered in the order of their first row. One thread. */
#ifndef TOMSD_PARQUET_DICT_H
#define TOMSD_PARQUET_DICT_H

#include "tomsd/base/buf.h"

struct dict_slot {
	uint32_t mark; /* part of the key's hash: tells most others apart without looking at keys */
	uint32_t key;  /* + 1; 0: free */
};
struct dict {
	struct buf keys;
	uint32_t *ends; /* of key i in keys */
	struct dict_slot *slots;
	uint32_t n, room, n_slots;
	uint32_t last; /* found or taken in last, where n > 0: rows are often like the one before */
	uint64_t seed; /* at random: keys come from outside, and no order depends on it */
};

#define DICT_FULL UINT32_MAX
void dict_init(struct dict *d, uint64_t seed, size_t max_bytes);
void dict_fini(struct dict *d);
void dict_clear(struct dict *d); /* keeps the memory */
/* Number of the key, which is taken in when it is new; DICT_FULL when it has no room (or no memory). */
uint32_t dict_put(struct dict *d, const void *key, size_t n);
static inline struct str dict_key(const struct dict *d, uint32_t i)
{
	uint32_t from = i ? d->ends[i - 1] : 0;
	return str_n(d->keys.p + from, d->ends[i] - from);
}

#endif
