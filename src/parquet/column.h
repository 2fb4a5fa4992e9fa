/* One column of the row group that is being collected: values in, finished pages out. One thread. */
#ifndef TOMSD_PARQUET_COLUMN_H
#define TOMSD_PARQUET_COLUMN_H

#include <zstd.h>

#include "dict.h"
#include "schema.h"

#define RANGE_MAX 64 /* longer texts make no range */

/* What the footer says of a column chunk. Offsets count from the chunk's first byte. */
struct chunk {
	uint64_t off;     /* of the chunk in the file */
	uint64_t bytes, raw_bytes; /* headers included */
	uint64_t data_off; /* 0: no dictionary before the data */
	uint64_t values, nulls;
	int encoding, codec;
	bool has_range, no_range; /* no_range: a value was too long for one */
	uint8_t min_n, max_n;
	uint8_t min[RANGE_MAX], max[RANGE_MAX]; /* PLAIN, without a length */
	uint8_t *bloom;
	size_t bloom_bytes;
};

/* What all columns of a writer share. */
struct press {
	ZSTD_CCtx *zstd; /* NULL: pages stay as they are */
	struct buf raw;  /* a page before compression */
	struct buf words;
	char *packed;
	size_t packed_room;
	size_t page_bytes;
};

struct column {
	const struct field *field;
	struct dict dict;
	uint32_t *index; /* values of the group by their number in dict */
	uint8_t *known;  /* by row of the page: 1 when it has a value */
	bool plain;      /* the dictionary was given up */
	bool by_steps;   /* plain numbers as DELTA_BINARY_PACKED; the chunk's first page decides */
	bool failed;     /* no memory */
	uint32_t rows, values;           /* of the group */
	uint32_t page_rows, page_values; /* since the last page; the whole group while dict lasts */
	struct buf page;                 /* plain values since the last page */
	struct buf pages;                /* finished ones, with headers */
	struct buf hashes;               /* of an address column's plain values */
	uint64_t long_bytes;             /* taken in for this group, beyond what is in dict */
	struct chunk chunk;
};

int column_init(struct column *c, const struct field *f, size_t group_rows, uint64_t seed, struct err *e);
void column_fini(struct column *c);
void column_begin(struct column *c); /* a new row group */
void column_null(struct column *c);
void column_value(struct column *c, struct press *p, const void *key, size_t n);
/* Closes the group: pages hold the whole chunk and chunk describes it (off is the writer's). */
int column_end(struct column *c, struct press *p, struct err *e);

#endif
