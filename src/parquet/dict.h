/* Values of a column, each once, numbered in the order of their first row. One thread. */
#ifndef TOMSD_PARQUET_DICT_H
#define TOMSD_PARQUET_DICT_H

#include "tomsd/base/buf.h"

struct dict {
	struct buf keys;
	uint32_t *ends;  /* of key i in keys */
	uint32_t *marks; /* part of its hash */
	uint32_t *slots; /* key + 1; 0: free */
	uint32_t n, room, n_slots;
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
