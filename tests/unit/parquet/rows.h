/* A file in memory, a record with every type of column, and the comparison of a file with the rows it was
 * made of: value by value, by what record_value says of each. */
#ifndef TOMSD_TESTS_ARCHIVE_ROWS_H
#define TOMSD_TESTS_ARCHIVE_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tomsd/parquet.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"

/* struct sample: something of everything. */
struct sample {
	int64_t id, at_ns, change;
	uint64_t count;
	uint32_t number;
	uint16_t port;
	uint8_t small, color;
	struct addr ip;
	uint8_t mac[6];
	char name[64];
	char detail[128];
	uint64_t odd; /* shown as a number where it is odd, as text where it is even */
	uint32_t lists, line_n;
	const char *line; /* not a column: "event.original" points there */
};

static const char *const sample_colors[] = { "", "red", "green", NULL };
static const struct col sample_cols[] = {
	COL(sample, id, COL_I64, "event.id", ""),
	COL(sample, at_ns, COL_TIME, "@timestamp", ""),
	COLF(sample, change, COL_I64, "s.change", "", COL_OMIT_ZERO),
	COL(sample, count, COL_U64, "s.count", ""),
	COLF(sample, number, COL_U32, "s.number", "", COL_OMIT_ZERO),
	COL(sample, port, COL_U16, "source.port", ""),
	COLF(sample, small, COL_U8, "s.small", "", COL_OMIT_ZERO),
	COLE(sample, color, "s.color", "", COL_OMIT_ZERO, sample_colors),
	COLF(sample, ip, COL_ADDR, "source.ip", "", COL_OMIT_ZERO),
	COLF(sample, mac, COL_MAC, "source.mac", "", COL_OMIT_ZERO),
	COLF(sample, name, COL_TEXT, "user.name", "", COL_OMIT_ZERO),
	COLF(sample, detail, COL_JSON, "s.detail", "", COL_OMIT_ZERO),
};

static void sample_line(const void *row, struct value *v)
{
	const struct sample *s = row;
	if (!s->line)
		return;
	v->type = VALUE_REF;
	v->ref = str_n(s->line, s->line_n);
}

static void sample_odd(const void *row, struct value *v)
{
	const struct sample *s = row;
	v->type = s->odd & 1 ? VALUE_U64 : VALUE_TEXT;
	v->u = s->odd;
	memcpy(v->text, "even", 5);
}

static void sample_list(const void *row, struct value *v)
{
	const struct sample *s = row;
	if (!s->lists)
		return;
	v->type = VALUE_LIST;
	memcpy(v->text, "one\ntwo", 8);
	if (s->lists == 1)
		v->text[3] = '\0';
}

static const struct out_col sample_outs[] = {
	{ "@timestamp", "at_ns", NULL, NULL },	 { "event.id", "id", NULL, NULL },
	{ "event.original", NULL, sample_line, NULL }, { "source.ip", "ip", NULL, NULL },
	{ "source.mac", "mac", NULL, NULL },	 { "source.port", "port", NULL, NULL },
	{ "user.name", "name", NULL, NULL },	 { "s.change", "change", NULL, NULL },
	{ "s.count", "count", NULL, NULL },	 { "s.number", "number", NULL, NULL },
	{ "s.small", "small", NULL, NULL },	 { "s.color", "color", NULL, NULL },
	{ "s.detail", "detail", NULL, NULL },	 { "s.odd", NULL, sample_odd, NULL },
	{ "toms.flow.risks", NULL, sample_list, NULL },
};
static const struct record sample_record = RECORD(sample, sample_cols, sample_outs, "id", "at_ns");

/* A file in memory. */
struct memory {
	struct buf bytes;
	size_t fail_after; /* appends that succeed; 0: all */
	size_t appends, reads, read_bytes;
};

static inline int memory_append(void *ctx, const void *p, size_t n, struct err *e)
{
	struct memory *m = ctx;
	if (m->fail_after && m->appends == m->fail_after)
		return err_set(e, ERR_IO, "the disk is full");
	m->appends++;
	buf_put(&m->bytes, p, n);
	return 0;
}

static inline int memory_read(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	struct memory *m = ctx;
	if (off > m->bytes.n || n > m->bytes.n - off)
		return err_set(e, ERR_IO, "read behind the end");
	m->reads++;
	m->read_bytes += n;
	memcpy(p, m->bytes.p + off, n);
	return 0;
}

static inline void memory_init(struct memory *m)
{
	*m = (struct memory){ 0 };
	buf_init(&m->bytes, (size_t)1 << 30);
}

static inline struct parquet_source memory_source(struct memory *m)
{
	return (struct parquet_source){ memory_read, m, m->bytes.n, false };
}

/* n rows, stride apart, as a file. */
static inline struct parquet_sum write_rows(struct memory *m, const struct parquet_conf *conf, const void *rows,
					    size_t stride, size_t n)
{
	struct err e = ERR_INIT;
	struct parquet_writer *w = NULL;
	struct parquet_sum sum = { 0 };
	const struct parquet_sink sink = { memory_append, m };
	assert_int_equal(parquet_writer_new(&w, conf, &sink, &e), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(parquet_put(w, (const char *)rows + i * stride, &e), 0);
	assert_int_equal(parquet_finish(w, &sum, &e), 0);
	parquet_writer_free(w);
	assert_int_equal(sum.rows, n);
	assert_int_equal(sum.bytes, m->bytes.n);
	return sum;
}

static inline struct parquet_file *open_file(struct memory *m)
{
	struct err e = ERR_INIT;
	struct parquet_file *f = NULL;
	struct parquet_source src = memory_source(m);
	if (parquet_open(&f, &src, &e))
		fail_msg("opening: %s", e.text);
	return f;
}

/* One column of a whole file, row group after row group. */
struct reader {
	struct parquet_file *f;
	struct parquet_scan *scan;
	size_t group, col;
};

static inline int reader_next(struct reader *r, struct parquet_cell *cell, struct err *e)
{
	for (;;) {
		if (!r->scan && r->group == parquet_groups(r->f))
			return -ERR_CLOSED;
		int rc = r->scan ? 0 : parquet_scan_new(&r->scan, r->f, r->group, r->col, e);
		if (!rc)
			rc = parquet_scan_next(r->scan, cell, e);
		if (rc != -ERR_CLOSED)
			return rc;
		parquet_scan_free(r->scan);
		r->scan = NULL;
		r->group++;
	}
}

static inline bool same(const struct col *id, const struct value *v, const struct parquet_cell *c,
			enum parquet_type type)
{
	struct str text = v->type == VALUE_REF ? v->ref : str_of(v->text);
	int64_t n;
	if (v->type == VALUE_NONE || !c->known)
		return v->type == VALUE_NONE && !c->known;
	if (id) /* text in JSON, a number in the file */
		return num_i64(text, INT64_MIN, INT64_MAX, &n) == 0 && n == c->i && type == PARQUET_I64;
	if (type == PARQUET_TEXT || type == PARQUET_BYTES)
		return (v->type == VALUE_TEXT || v->type == VALUE_REF) && str_eq(text, c->text);
	if (type == PARQUET_TIME)
		return v->type == VALUE_TIME && v->i == c->i;
	if (type == PARQUET_I64)
		return v->type == VALUE_I64 && v->i == c->i;
	return v->type == VALUE_U64 && v->u == c->u;
}

/* 0: every value of every column is that of its row; 1: one is not; or an error. */
static inline int compare_rows(struct parquet_file *f, const struct record *r, const void *rows,
			       size_t stride, size_t n, struct err *e)
{
	if (parquet_rows(f) != n)
		return 1;
	for (size_t o = 0; o < r->n_out; o++) {
		ptrdiff_t col = parquet_column(f, str_of(r->out[o].ecs));
		if (col < 0)
			continue;
		const struct col *c = r->out[o].col ? record_col(r, r->out[o].col) : NULL;
		const struct col *id = c && strcmp(c->name, r->id_col) == 0 ? c : NULL;
		struct reader rd = { .f = f, .col = (size_t)col };
		struct parquet_cell cell;
		struct value v;
		int rc = 0;
		for (size_t i = 0; i < n && rc == 0; i++) {
			rc = reader_next(&rd, &cell, e);
			record_value(r, &r->out[o], (const char *)rows + i * stride, &v);
			if (rc == 0 && !same(id, &v, &cell, parquet_column_type(f, (size_t)col)))
				rc = 1;
		}
		if (rc == 0 && reader_next(&rd, &cell, e) != -ERR_CLOSED)
			rc = 1;
		parquet_scan_free(rd.scan);
		if (rc)
			return rc;
	}
	return 0;
}

/* Text of a row's cell in a column of a small file, in static memory; NULL: no value. */
static inline const char *text_at(struct memory *m, const char *name, size_t row)
{
	static char text[8][70000];
	static unsigned turn;
	struct parquet_file *f = open_file(m);
	ptrdiff_t col = parquet_column(f, str_of(name));
	assert_true(col >= 0);
	struct reader rd = { .f = f, .col = (size_t)col };
	struct parquet_cell cell;
	for (size_t i = 0; i <= row; i++)
		assert_int_equal(reader_next(&rd, &cell, NULL), 0);
	char *out = text[turn++ % 8];
	assert_true(cell.text.n < sizeof(text[0]));
	if (cell.known)
		memcpy(out, cell.text.p, cell.text.n);
	out[cell.known ? cell.text.n : 0] = '\0';
	bool known = cell.known;
	parquet_scan_free(rd.scan);
	parquet_close(f);
	return known ? out : NULL;
}

#endif
