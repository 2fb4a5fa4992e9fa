/* DELTA_BINARY_PACKED (parquet-format Encodings.md) of 64-bit numbers: times and counters that go on from row
 * to row take what their steps take. Pure functions over the caller's memory. */
#ifndef TOMSD_PARQUET_DELTA_H
#define TOMSD_PARQUET_DELTA_H

#include "tomsd/base/buf.h"
#include "tomsd/base/rd.h"

#define DELTA_MINI 32u  /* values that share a width */
#define DELTA_MINIS 4u  /* of those in a block */

/* n numbers of 8 bytes, as they lie in a page. */
void delta_put(struct buf *out, const void *numbers, size_t n);

struct delta {
	struct rd r;
	uint64_t left;  /* numbers not yet handed out */
	uint64_t value; /* the next one */
	uint64_t least; /* step of the block */
	const uint8_t *widths, *mini;
	unsigned at;    /* steps of the block that were taken */
	bool bad;
};
struct delta delta_of(struct rd r);
bool delta_next(struct delta *d, uint64_t *v); /* false: used up, or no such encoding */
static inline bool delta_is_done(const struct delta *d) { return !d->bad && d->left == 0 && rd_left(&d->r) == 0; }

#endif
