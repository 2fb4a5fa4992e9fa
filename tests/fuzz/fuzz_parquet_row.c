/* Rows out of a Parquet file of any bytes, past the footer's checksum: of the record the file names, and of one it
 * does not. A row that comes is whole: its texts end within their columns, its line within its limit. */
#include <stdlib.h>
#include <string.h>

#include "tomsd/audit_row.h"
#include "tomsd/log_row.h"
#include "tomsd/parquet.h"

enum { ROWS_MAX = 3000 };

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

struct bytes {
	const uint8_t *p;
	size_t n;
};

static int read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	const struct bytes *b = ctx;
	if (off > b->n || n > b->n - off)
		return err_set(e, ERR_IO, "behind the end");
	memcpy(p, b->p + off, n);
	return 0;
}

static bool reads_some(const void *ctx, const struct col *c)
{
	(void)ctx;
	return c->size % 3 != 0;
}

static void check(const struct record *r, const void *row)
{
	for (size_t i = 0; i < r->n_cols; i++) {
		const struct col *c = &r->cols[i];
		if (c->type == COL_TEXT || c->type == COL_JSON)
			REQUIRE(col_text(c, row).n <= c->size);
	}
	REQUIRE(!r->tail || record_tail_of(r, row).n <= r->tail->max);
}

static void read_group(struct parquet_file *f, const struct record *r, size_t group, bool all)
{
	static _Alignas(64) char row[sizeof(struct audit_row) + LOG_LINE_MAX];
	struct parquet_row_conf conf = {
		.record = r, .group = group, .reads = all ? NULL : reads_some, .tail = all
	};
	struct parquet_row *p;
	struct err e = ERR_INIT;
	REQUIRE(r->bytes + (r->tail ? r->tail->max : 0) <= sizeof(row));
	(void)parquet_row_bytes(f, &conf);
	memset(row, 0, sizeof(row));
	int rc = parquet_row_new(&p, f, &conf, &e);
	if (rc) {
		REQUIRE(e.code && e.text[0]);
		return;
	}
	uint64_t next = 0;
	for (uint64_t i = 0; i < ROWS_MAX && rc == 0; i++, next++) {
		next += i % 7 == 6 ? i % 3 : 0; /* now and then some are passed by */
		rc = i % 7 == 6 ? parquet_row_at(p, next, row, &e) : parquet_row_next(p, row, &e);
		if (!rc && all)
			check(r, row);
	}
	REQUIRE(rc == 0 || rc == -ERR_CLOSED || (e.code && e.text[0]));
	parquet_row_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes b = { data, n };
	const struct parquet_source src = { read_at, &b, n, true };
	struct parquet_file *f;
	struct err e = ERR_INIT;
	struct str name;
	if (parquet_open(&f, &src, &e))
		return 0;
	const struct record *r = parquet_pair(f, STR("toms.record"), &name) ? record_by_name(name) : NULL;
	if (!r)
		r = &audit_record;
	for (size_t g = 0; g < parquet_groups(f) && g < 3; g++) {
		read_group(f, r, g, true);
		read_group(f, r, g, false);
		read_group(f, &gap_record, g, true);
	}
	parquet_close(f);
	return 0;
}
