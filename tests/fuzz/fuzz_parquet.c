/* The Parquet reader from any bytes: once as they are, once past the footer's checksum. What is read
 * without an error must keep to what the footer promised. */
#include <stdlib.h>
#include <string.h>

#include "tomsd/parquet.h"

enum { ROWS_MAX = 200000 };

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

/* Reads every byte of a value, so that sanitizers see one that is not there. */
static uint64_t touch(const struct parquet_cell *c)
{
	uint64_t sum = c->u;
	for (size_t i = 0; i < c->text.n; i++)
		sum += (uint8_t)c->text.p[i];
	return sum;
}

static uint64_t read_chunk(struct parquet_file *f, size_t g, size_t c, uint64_t *budget)
{
	struct parquet_scan *s;
	struct parquet_cell cell;
	struct err e = ERR_INIT;
	uint64_t rows = 0, sum = 0;
	int rc = parquet_scan_new(&s, f, g, c, &e);
	if (rc) {
		REQUIRE(e.text[0]);
		return 0;
	}
	while (*budget && (rc = parquet_scan_next(s, &cell, &e)) == 0) {
		sum += cell.known ? touch(&cell) : 0;
		rows++;
		--*budget;
	}
	REQUIRE(rc != -ERR_CLOSED || rows == parquet_group_rows(f, g));
	REQUIRE(rc == 0 || rc == -ERR_CLOSED || (e.text[0] && parquet_scan_next(s, &cell, &e) < 0));
	parquet_scan_free(s);
	return sum;
}

static void read_file(const uint8_t *data, size_t n, bool salvage)
{
	struct bytes b = { data, n };
	const struct parquet_source src = { read_at, &b, n, salvage };
	struct parquet_file *f;
	struct err e = ERR_INIT;
	struct str v;
	uint64_t budget = ROWS_MAX;
	uint64_t sum = 0;
	if (parquet_open(&f, &src, &e)) {
		REQUIRE(e.code && e.text[0]);
		return;
	}
	(void)parquet_pair(f, STR("toms.appliance"), &v);
	for (size_t g = 0; g < parquet_groups(f) && budget; g++) {
		for (size_t c = 0; c < parquet_columns(f) && budget; c++) {
			const struct parquet_cell ask = { .known = true, .text = STR("10.0.0.1") };
			struct parquet_range r;
			parquet_range(f, g, c, &r);
			if (r.has_range)
				sum += touch(&r.min) + touch(&r.max);
			sum += (uint64_t)parquet_may_hold(f, g, c, &ask, &e);
			sum += read_chunk(f, g, c, &budget);
		}
	}
	REQUIRE(sum != 0 || parquet_rows(f) == 0 || salvage);
	parquet_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	read_file(data, n, false);
	read_file(data, n, true);
	return 0;
}
