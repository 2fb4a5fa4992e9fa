/* parquet_rows KIND ROWS FILE: made-up rows (flow, log), the odd ones among them, as a Parquet file of the
 * archive; and on stdout what our own reader finds in it, for another reader to agree with: first a line
 * of "name type" a column, then a line a row, values apart by spaces: numbers and times (ns) as they are,
 * texts and bytes in hexadecimal behind an x, - for none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen_flows.h"
#include "gen_logs.h"
#include "tomsd/parquet.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"

static struct buf file;

static void die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "parquet_rows: %s: %s\n", what, e->text);
	exit(1);
}

static int append(void *ctx, const void *p, size_t n, struct err *e)
{
	(void)ctx;
	buf_put(&file, p, n);
	return buf_failed(&file) ? err_set(e, ERR_NOMEM, "no memory") : 0;
}

static int read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	(void)ctx;
	if (off > file.n || n > file.n - off)
		return err_set(e, ERR_RANGE, "behind the end");
	memcpy(p, file.p + off, n);
	return 0;
}

/* Every fiftieth flow is one that no network has. */
static void odd_flow(struct flow *f, size_t i)
{
	f->src_bytes = UINT64_MAX / 2;
	f->dst_bytes = UINT64_MAX - f->src_bytes;
	f->src_packets = i % 3 ? UINT64_MAX : 0;
	f->rtt_ns = i % 3 ? INT64_MAX : INT64_MIN;
	f->retransmits = UINT32_MAX;
	f->vlan = f->src_port = UINT16_MAX;
	f->l4 = i % 4 ? 6 : 1;
	f->sensor = UINT8_MAX;
	f->risks = UINT64_MAX;
	memset(&f->src, (int)i, sizeof(f->src));
	memset(f->src_mac, 0, sizeof(f->src_mac));
	f->start_ns = i % 3 ? -1 : 0;
	(void)snprintf(f->name, sizeof(f->name), i % 2 ? "bad \xff\xfe name" : "病院の\t\"名前\"");
	(void)snprintf(f->detail, sizeof(f->detail), i % 2 ? "{\"broken\":" : "{\"quote\":\"\\\"\"}");
	memset(f->ja3, 0, sizeof(f->ja3));
}

static void odd_log(struct gen_logs *g, struct log *r, size_t i)
{
	r->line_n = i % 3 ? (uint32_t)(i % 2000) : 0;
	for (uint32_t k = 0; k < r->line_n; k++)
		r->line[k] = (char)gen_next(&g->dice);
	(void)snprintf(r->user, sizeof(r->user), "\xe7\x97");
	r->session = UINT64_MAX;
	r->duration_ns = INT64_MIN;
	r->device_ns = i % 2 ? 1 : 0;
}

static void write_rows(const struct record *rec, size_t n)
{
	struct err e = ERR_INIT;
	struct parquet_writer *w;
	const struct parquet_sink sink = { append, NULL };
	const struct parquet_conf conf = { .record = rec, .group_rows = 7000, .page_bytes = 50000 };
	struct gen_flows flows = { 1, INT64_C(1795305600) * NS_PER_S, 8640000 };
	struct gen_logs logs = { .dice = { 1, INT64_C(1795305600) * NS_PER_S, 20000000 } };
	static union gen_log l;
	struct flow f;
	if (parquet_writer_new(&w, &conf, &sink, &e))
		die("beginning", &e);
	for (size_t i = 0; i < n; i++) {
		if (rec == &flow_record) {
			gen_flow(&flows, &f);
			f.id = (f.end_ns / NS_PER_S << 24) + (int64_t)i;
			if (i % 50 == 1)
				odd_flow(&f, i);
		} else {
			gen_log(&logs, &l);
			l.row.id = (l.row.at_ns / NS_PER_S << 24) + (int64_t)i;
			if (i % 50 == 1)
				odd_log(&logs, &l.row, i);
		}
		if (parquet_put(w, rec == &flow_record ? (const void *)&f : &l, &e))
			die("writing", &e);
	}
	if (parquet_finish(w, NULL, &e))
		die("ending", &e);
	parquet_writer_free(w);
}

static void print_cell(enum parquet_type type, const struct parquet_cell *c)
{
	if (!c->known) {
		(void)fputs("-", stdout);
	} else if (type >= PARQUET_TEXT) {
		(void)putchar('x');
		for (size_t i = 0; i < c->text.n; i++)
			printf("%02X", (unsigned)(uint8_t)c->text.p[i]);
	} else if (type <= PARQUET_I64) {
		printf("%lld", (long long)c->i);
	} else {
		printf("%llu", (unsigned long long)c->u);
	}
}

static void print_group(struct parquet_file *f, size_t g)
{
	enum { COLUMNS_MAX = 200 };
	struct parquet_scan *scans[COLUMNS_MAX];
	struct parquet_cell cell;
	struct err e = ERR_INIT;
	size_t n = parquet_columns(f);
	if (n > COLUMNS_MAX)
		exit(1);
	for (size_t c = 0; c < n; c++)
		if (parquet_scan_new(&scans[c], f, g, c, &e))
			die("reading", &e);
	for (uint64_t i = 0; i < parquet_group_rows(f, g); i++) {
		for (size_t c = 0; c < n; c++) {
			if (parquet_scan_next(scans[c], &cell, &e))
				die("reading", &e);
			if (c)
				(void)putchar(' ');
			print_cell(parquet_column_type(f, c), &cell);
		}
		(void)putchar('\n');
	}
	for (size_t c = 0; c < n; c++)
		parquet_scan_free(scans[c]);
}

static void print_rows(void)
{
	static const char *const types[] = { "time", "number", "number", "number", "number", "number", "text", "bytes" };
	const struct parquet_source src = { read_at, NULL, file.n, false };
	struct parquet_file *f;
	struct err e = ERR_INIT;
	if (parquet_open(&f, &src, &e))
		die("opening", &e);
	for (size_t c = 0; c < parquet_columns(f); c++) {
		struct str name = parquet_column_name(f, c);
		printf("%s%.*s %s", c ? " " : "", (int)name.n, name.p, types[parquet_column_type(f, c)]);
	}
	(void)putchar('\n');
	for (size_t g = 0; g < parquet_groups(f); g++)
		print_group(f, g);
	parquet_close(f);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	uint32_t n;
	const struct record *rec = argc == 4 ? record_by_name(str_of(argv[1])) : NULL;
	if ((rec != &flow_record && rec != &log_record) || num_u32(str_of(argv[2]), 0, 10000000, &n)) {
		(void)fputs("usage: parquet_rows flow|log ROWS FILE\n", stderr);
		return 2;
	}
	buf_init(&file, (size_t)4 << 30);
	write_rows(rec, n);
	if (file_write_durable(argv[3], 0644, file.p, file.n, &e))
		die("writing", &e);
	print_rows();
	buf_fini(&file);
	return 0;
}
