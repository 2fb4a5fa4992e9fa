/* A footer that was read: what writer and reader of a file know of it. One thread. */
#ifndef TOMSD_PARQUET_PARQUET_META_H
#define TOMSD_PARQUET_PARQUET_META_H

#include "parquet.h"

struct read_column {
	struct str name;
	enum parquet_type type;
};

/* One column of one row group, as the footer has it; offsets and sizes lie within the file. */
struct read_chunk {
	uint64_t off, bytes;
	uint64_t raw_bytes;
	int codec;
	struct parquet_range range;
	uint64_t bloom_off; /* 0: none */
	uint32_t bloom_bytes; /* header included */
	uint64_t bloom_check; /* XXH64 of its bits */
};

struct read_group {
	uint64_t rows;
	struct read_chunk *chunks;
};

struct read_pair {
	struct str key, value;
};

struct parquet_file {
	struct parquet_source src;
	uint8_t *footer; /* names, pairs and ranges lie in it */
	size_t footer_n;
	uint64_t data_end; /* chunks and bloom filters end before it */
	uint64_t rows;
	struct read_column *columns;
	size_t n_columns;
	struct read_group *groups;
	size_t n_groups;
	struct read_pair *pairs;
	size_t n_pairs;
	struct str created_by;
	struct ZSTD_DCtx_s *zstd; /* of all scans: a page is opened in one go; NULL until the first */
};

/* Fills in everything from footer and footer_n on. */
int meta_read(struct parquet_file *f, struct err *e);
/* A number or text as PLAIN has it; false when the bytes are not that. */
bool meta_cell(enum parquet_type type, struct str plain, struct parquet_cell *out);

#endif
