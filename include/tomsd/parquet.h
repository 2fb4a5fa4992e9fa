/* Data objects of the archive: rows of any record as one Apache Parquet file, and such a file read again
 * through ranged reads. docs/parquet.md describes the files. No threads, no files, no sockets in here:
 * bytes go out through a sink and come in through a source. One writer or reader is one thread's. */
#ifndef TOMSD_PARQUET_H
#define TOMSD_PARQUET_H

#include "tomsd/base/err.h"
#include "tomsd/base/str.h"
#include "tomsd/record.h"

/* What a column holds; in the file: */
enum parquet_type {
	PARQUET_TIME,  /* INT64, TIMESTAMP(NANOS, UTC) */
	PARQUET_I64,   /* INT64 */
	PARQUET_U64,   /* INT64, INTEGER(64, unsigned) */
	PARQUET_U32,   /* INT32, INTEGER(32, unsigned) */
	PARQUET_U16,
	PARQUET_U8,
	PARQUET_TEXT,  /* BYTE_ARRAY, STRING: always valid UTF-8 */
	PARQUET_BYTES, /* BYTE_ARRAY: any bytes */
};

/* One value, as it stands in a file. */
struct parquet_cell {
	bool known; /* false: NULL */
	union {
		int64_t i;  /* PARQUET_TIME, PARQUET_I64 */
		uint64_t u; /* PARQUET_U.. */
	};
	/* PARQUET_TEXT, PARQUET_BYTES; good until the next call on its scan. A hostile file's text may be
	 * no UTF-8. */
	struct str text;
};

/* Writing. */
struct parquet_sink {
	/* n more bytes of the file, in order; a failure ends the writing with e */
	int (*append)(void *ctx, const void *p, size_t n, struct err *e);
	void *ctx;
};
struct parquet_pair {
	const char *key, *value;
};
struct parquet_conf {
	const struct record *record;
	size_t group_rows;  /* rows of a row group; 0: 100,000 */
	size_t group_bytes; /* a row group also ends at so many bytes of long values; 0: 128 MiB */
	size_t page_bytes;  /* of a data page before compression; 0: 1 MiB */
	int level;          /* zstd 1..19; 0: 3; -1: pages as they are */
	const char *const *leave_out; /* ECS names of columns not to write, NULL at the end; or NULL */
	/* Stored columns that no member shows go into columns of their own (toms.row.*), so that rows can be made
	 * of the file again (parquet_row_*). leave_out then leaves every stored column its home. */
	bool whole_rows;
	const struct parquet_pair *pairs; /* go into the file's key-value metadata */
	size_t n_pairs;
	/* Told of each value of a row that is being put, in the file's order of columns, as a reader will find it
	 * (text is good during the call); or NULL. */
	void (*cell)(void *ctx, enum parquet_type type, const struct parquet_cell *v);
	void *cell_ctx;
};
struct parquet_sum {
	uint64_t rows, bytes, groups;
};
struct parquet_writer;
/* conf->record, leave_out and pairs must outlive the writer. -ERR_RANGE, -ERR_NOMEM. */
int parquet_writer_new(struct parquet_writer **out, const struct parquet_conf *conf,
		       const struct parquet_sink *sink, struct err *e) MUST_CHECK;
/* One row, copied. After a failure the file is of no use and every further call fails alike. */
int parquet_put(struct parquet_writer *w, const void *row, struct err *e) MUST_CHECK;
/* The last row group and the footer; nothing may be put afterwards. sum may be NULL. */
int parquet_finish(struct parquet_writer *w, struct parquet_sum *sum, struct err *e) MUST_CHECK;
void parquet_writer_free(struct parquet_writer *w);

/* Reading. Every byte is taken for hostile: sizes are checked against the file, memory against limits. */
struct parquet_source {
	int (*read_at)(void *ctx, uint64_t off, void *p, size_t n, struct err *e); /* all n, or an error */
	void *ctx;
	uint64_t size;
	bool salvage; /* read on although the footer's checksum is wrong: what comes may be wrong, too */
};
struct parquet_file;
/* Reads the footer: mostly one read of the file's end. -ERR_CORRUPT, -ERR_UNSUPPORTED (a Parquet file, but
 * not one of ours), -ERR_NEWER, or what read_at said. */
int parquet_open(struct parquet_file **out, const struct parquet_source *src, struct err *e) MUST_CHECK;
void parquet_close(struct parquet_file *f);
uint64_t parquet_rows(const struct parquet_file *f);
size_t parquet_groups(const struct parquet_file *f);
uint64_t parquet_group_rows(const struct parquet_file *f, size_t group);
size_t parquet_columns(const struct parquet_file *f);
struct str parquet_column_name(const struct parquet_file *f, size_t col);
enum parquet_type parquet_column_type(const struct parquet_file *f, size_t col);
ptrdiff_t parquet_column(const struct parquet_file *f, struct str name); /* -1: none */
bool parquet_pair(const struct parquet_file *f, struct str key, struct str *value);
/* Bytes a column of a row group takes in the file, headers included: what reading it will cost. */
uint64_t parquet_column_bytes(const struct parquet_file *f, size_t group, size_t col);

/* What the footer knows of a column of a row group. min and max are exact where told. */
struct parquet_range {
	bool has_nulls; /* nulls is told */
	uint64_t nulls;
	bool has_range;
	struct parquet_cell min, max;
};
void parquet_range(const struct parquet_file *f, size_t group, size_t col, struct parquet_range *out);
/* Whether this row group may hold the value in this column: 0 certainly not, 1 maybe. Reads the bloom
 * filter where there is one and the range does not settle it. Or an error. */
int parquet_may_hold(struct parquet_file *f, size_t group, size_t col, const struct parquet_cell *v,
		     struct err *e) MUST_CHECK;

/* One column of one row group, value by value; one read. Keep f open. */
struct parquet_scan;
int parquet_scan_new(struct parquet_scan **out, struct parquet_file *f, size_t group, size_t col,
		     struct err *e) MUST_CHECK;
/* The next row's value; -ERR_CLOSED (no words) behind the last one. */
int parquet_scan_next(struct parquet_scan *s, struct parquet_cell *cell, struct err *e) MUST_CHECK;
int parquet_scan_skip(struct parquet_scan *s, uint64_t rows, struct err *e) MUST_CHECK;
void parquet_scan_free(struct parquet_scan *s);

/* Rows of one row group as the record's struct again, exactly where the file has whole rows (what was not stored
 * stays zero). What an older file does not have reads as unknown. */
struct parquet_row;
struct parquet_row_conf {
	const struct record *record;
	size_t group;
	/* Which columns to fill; NULL: all. The others of a row stay as they are. */
	bool (*reads)(const void *ctx, const struct col *c);
	const void *ctx;
	bool tail; /* and the bytes behind the struct; without it their length is 0 */
};
/* Reads the columns it needs, one read each. Keep f open. -ERR_INVALID: rows of another record. */
int parquet_row_new(struct parquet_row **out, struct parquet_file *f, const struct parquet_row_conf *conf,
		    struct err *e) MUST_CHECK;
void parquet_row_free(struct parquet_row *p);
/* The next row, into the record's struct and record->tail->max bytes behind it; -ERR_CLOSED (no words) behind
 * the last one. */
int parquet_row_next(struct parquet_row *p, void *row, struct err *e) MUST_CHECK;
/* That row of the group, counted from 0: rising numbers only. */
int parquet_row_at(struct parquet_row *p, uint64_t number, void *row, struct err *e) MUST_CHECK;
/* Bytes that parquet_row_new would read. */
uint64_t parquet_row_bytes(const struct parquet_file *f, const struct parquet_row_conf *conf);

#endif
