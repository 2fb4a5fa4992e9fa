/* Columns of a pack: how the values of up to 256 rows are written one column after the other. Knows
 * numbers and texts, nothing of records or tables (packer.c writes packs, view_pack.c reads them).
 * Pure functions; decoders check everything they read.
 *
 * A frame's content, before compression:
 *
 *   varint rows, varint id of the first row, runs of ids: varint (id - the one expected here), varint rows
 *     of the run, until all rows have one; the first run begins at the first id (difference 0)
 *   varint shape: which list of columns (packer.h)
 *   a bit a column, lowest first: is any value of it not zero, not empty?
 *   varint bytes of each such column, then the columns
 *
 * Numbers: a byte: form | scale << 4. scale: all values were divided by 1, 10^3, 10^6, 10^9.
 *   SAME   zigzag varint value
 *   FIXED  zigzag varint least, byte width, values - least in `width` bits each
 *   DELTA  zigzag varint first, zigzag varint least difference, byte width, differences - least
 *   PICK   byte how many - 1, those as FIXED without its form byte, then which one in as many bits as needed
 *   and + 4 where what is written is the value - that of column 0 of the same row (times, mostly)
 *   A byte 8 in front of all that: some are zero; a bit a row, is it another number? Then those alone.
 * Column 0 is relative to nothing, and to zeros all others where it is none of numbers.
 * Texts: a byte how many different ones - 1, varint length of each, their bytes, then which one as PICK.
 * Bits fill bytes from the lowest on; a column's bits end with zeros up to the next byte. */
#ifndef TOMSD_STORE_PACK_H
#define TOMSD_STORE_PACK_H

#include "tomsd/base/buf.h"
#include "tomsd/base/err.h"
#include "tomsd/base/rd.h"

enum {
	PACK_ROWS = 256,
	PACK_TAIL_BYTES =
		128 << 10,        /* of all rows together, but for a row that is longer alone */
	PACK_FRAME_MAX = 1 << 20, /* content of a frame of columns */
	PACK_COLS_MAX = 128,
};

/* Columns of addresses begin with a byte more: numbers of IPv4 addresses + 1 (0: unknown), or texts of 16
 * bytes (none: unknown). */
enum { PACK_ADDR_V4, PACK_ADDR_ANY };

/* One column, appended. base: values of column 0, or NULL for column 0 itself. */
void pack_put_nums(struct buf *out, const int64_t *v, size_t n, const int64_t *base);
void pack_put_texts(struct buf *out, const struct str *v, size_t n);
/* One column back. -ERR_CORRUPT. Texts point into in. */
int pack_get_nums(struct str in, size_t n, const int64_t *base, int64_t *v) MUST_CHECK;
int pack_get_texts(struct str in, size_t n, struct str *v) MUST_CHECK;

/* Head of a frame: everything in front of the columns. */
struct pack_head {
	size_t n;
	int64_t ids[PACK_ROWS]; /* rising */
	uint64_t shape;
	size_t n_cols;                  /* given by the caller once the shape is known */
	struct str cols[PACK_COLS_MAX]; /* empty: all zero */
};
void pack_put_ids(struct buf *out, const int64_t *ids, size_t n, uint64_t shape);
/* cols: each column's bytes, one behind the other in `bytes`, so long each; 0: all zero. */
void pack_put_cols(struct buf *out, const size_t *lengths, size_t n_cols, struct str bytes);
/* Reads up to the shape; pack_get_cols reads on from there. */
int pack_get_ids(struct rd *rd, struct pack_head *h) MUST_CHECK;
int pack_get_cols(struct rd *rd, struct pack_head *h, size_t n_cols) MUST_CHECK;

/* Lines: varint length of each, then their bytes. */
void pack_put_lines(struct buf *out, const struct str *v, size_t n);
int pack_get_lines(struct str in, size_t n, struct str *v) MUST_CHECK;

#endif
