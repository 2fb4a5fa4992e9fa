/* Private to series: a series while it is read. One thread. */
#ifndef TOMSD_STORE_SERIES_H
#define TOMSD_STORE_SERIES_H

#include "rollup_read.h"

struct series_cell {
	struct tally sum;
	uint32_t bucket, key;
};
struct series {
	int64_t from_s;
	int step_s;
	struct series_cell *cells; /* in order of their bucket */
	size_t n, room;
	struct rollup_keys keys;
};
int series_add(void *series, int64_t at_s, size_t key, const struct tally *sum) MUST_CHECK;

/* Applications, of which a few are shown: their rows one by one, and what the total has beyond them as
 * one key of its own. Reads a tenth of the rows that adding up all keys does. */
enum { SERIES_FEW = 8 };
int series_few(struct series *s, struct sql *db, const struct rollup_span *span, size_t n_keys,
	       struct err *e) MUST_CHECK;

#endif
