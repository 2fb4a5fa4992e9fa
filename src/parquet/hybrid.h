/* Parquet's RLE / bit-packing hybrid (parquet-format Encodings.md, RLE = 3): definition levels and indices
 * into a dictionary. Pure functions over the caller's memory. */
#ifndef TOMSD_PARQUET_HYBRID_H
#define TOMSD_PARQUET_HYBRID_H

#include "tomsd/base/buf.h"
#include "tomsd/base/rd.h"

unsigned hybrid_width(uint32_t max); /* bits for 0..max; at least 1 */
void hybrid_put(struct buf *out, const uint32_t *v, size_t n, unsigned width);
/* Definition levels of nullable columns: a byte 0 or 1 each. */
void hybrid_put_flags(struct buf *out, const uint8_t *v, size_t n);

struct hybrid {
	struct rd r;
	unsigned width;
	uint64_t repeats, packed; /* values left of the run */
	uint32_t value;           /* that repeats */
	uint64_t bits;            /* taken, not yet used */
	unsigned n_bits;
};
struct hybrid hybrid_of(struct rd r, unsigned width); /* width 0..32 */
/* The next value; false when the bytes are no such encoding or used up. */
bool hybrid_next(struct hybrid *h, uint32_t *v);
/* Nothing is left but what fills up the last group of eight. */
bool hybrid_is_done(const struct hybrid *h);

#endif
