/* The footer of a file being written (parquet.thrift FileMetaData). One thread. */
#ifndef TOMSD_PARQUET_FOOTER_H
#define TOMSD_PARQUET_FOOTER_H

#include "column.h"

struct group {
	uint64_t rows;
	struct chunk *chunks; /* one a column */
};

struct footer {
	const struct schema *schema;
	const struct parquet_conf *conf;
	const struct group *groups;
	size_t n_groups;
	uint64_t rows;
	uint64_t blooms_off; /* the first bloom filter's header */
};

/* Header and bits of every bloom filter, in the order of groups and columns. */
void footer_blooms(const struct footer *f, struct buf *out);
/* Metadata, its length and the magic number. */
void footer_put(const struct footer *f, struct buf *out);

#endif
