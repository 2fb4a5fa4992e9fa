/* bench_parquet [-k flow|log] [-n ROWS] [-l LEVEL] [-o FILE] [-x NAME]... [-c] [-w]: what writing the archive's
 * data objects costs, and what they weigh. Prints JSON lines. Rows are made before the clock starts, in
 * pieces; the time is this thread's CPU time. -x leaves a column out, -c prints the bytes of every
 * column, -o keeps the file. Then the file is read again: all columns, and one address in all row groups. -w
 * writes whole rows as the archive does, and makes structs of them again: all columns, and two addresses. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gen_flows.h"
#include "gen_logs.h"
#include "tomsd/parquet.h"
#include "tomsd/base/num.h"

enum { PIECE = 4096, LEFT_OUT_MAX = 64 };

struct options {
	const char *kind, *out;
	uint64_t rows;
	uint64_t level;
	const char *left_out[LEFT_OUT_MAX];
	size_t n_left_out;
	bool columns, whole;
};

static struct buf file;
static FILE *kept;

static void die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_parquet: %s: %s\n", what, e->text);
	exit(1);
}

static int append(void *ctx, const void *p, size_t n, struct err *e)
{
	(void)ctx;
	buf_put(&file, p, n);
	if (kept && fwrite(p, 1, n, kept) != n)
		return err_set(e, ERR_IO, "the file could not be written");
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

static struct options parse(int argc, char **argv)
{
	struct options o = { .kind = "flow", .rows = 1000000, .level = 3 };
	int c;
	while ((c = getopt(argc, argv, "k:n:l:o:x:cw")) != -1) {
		if (c == 'k')
			o.kind = optarg;
		else if (c == 'o')
			o.out = optarg;
		else if (c == 'c')
			o.columns = true;
		else if (c == 'w')
			o.whole = true;
		else if (c == 'x' && o.n_left_out + 1 < LEFT_OUT_MAX)
			o.left_out[o.n_left_out++] = optarg;
		else if (c == 'n' && num_u64(str_of(optarg), 1, UINT64_MAX, &o.rows) == 0)
			continue;
		else if (c == 'l' && num_u64(str_of(optarg), 1, 19, &o.level) == 0)
			continue;
		else {
			(void)fputs("usage: bench_parquet [-k flow|log] [-n ROWS] [-l LEVEL] [-o FILE] "
				    "[-x NAME]... [-c] [-w]\n",
				    stderr);
			exit(2);
		}
	}
	return o;
}

/* PIECE rows at a time; bytes of lines into *line_bytes. */
static size_t make_rows(const struct options *o, char *rows, size_t stride, size_t n, uint64_t *line_bytes)
{
	static struct gen_flows flows = { 1, INT64_C(1795305600) * NS_PER_S, 8640000 };
	static struct gen_logs logs = { .dice = { 1, INT64_C(1795305600) * NS_PER_S, 20000000 } };
	static int64_t id;
	for (size_t i = 0; i < n; i++) {
		if (*o->kind == 'f') {
			struct flow f;
			gen_flow(&flows, &f);
			f.id = (f.end_ns / NS_PER_S << 24) + ++id;
			memcpy(rows + i * stride, &f, sizeof(f));
		} else {
			union gen_log *g = (union gen_log *)(void *)(rows + i * stride);
			gen_log(&logs, g);
			g->row.id = (g->row.at_ns / NS_PER_S << 24) + ++id;
			*line_bytes += g->row.line_n;
		}
	}
	return n;
}

/* Part of the bench's name. */
static const char *left_out(const struct options *o)
{
	static char text[48];
	if (o->n_left_out)
		(void)snprintf(text, sizeof(text), "%s_less_%zu", o->whole ? "_whole" : "", o->n_left_out);
	else if (o->whole)
		return "_whole";
	return text;
}

static void write_all(const struct options *o, const struct record *r)
{
	size_t stride = *o->kind == 'f' ? sizeof(struct flow) : sizeof(union gen_log);
	char *rows = aligned_alloc(64, (stride * PIECE + 63) / 64 * 64);
	struct err e = ERR_INIT;
	struct parquet_writer *w;
	const struct parquet_sink sink = { append, NULL };
	const struct parquet_pair pairs[] = { { "toms.appliance", "bench" } };
	const struct parquet_conf conf = { .record = r,
					   .level = (int)o->level,
					   .leave_out = o->left_out,
					   .whole_rows = o->whole,
					   .pairs = pairs,
					   .n_pairs = 1 };
	struct parquet_sum sum;
	uint64_t line_bytes = 0;
	int64_t cpu = 0;
	if (!rows || parquet_writer_new(&w, &conf, &sink, &e))
		die("beginning", &e);
	for (uint64_t done = 0; done < o->rows;) {
		size_t n = make_rows(o, rows, stride, o->rows - done < PIECE ? (size_t)(o->rows - done) : PIECE,
				     &line_bytes);
		int64_t began = clock_thread_cpu_ns();
		for (size_t i = 0; i < n; i++)
			if (parquet_put(w, rows + i * stride, &e))
				die("writing", &e);
		cpu += clock_thread_cpu_ns() - began;
		done += n;
	}
	int64_t began = clock_thread_cpu_ns();
	if (parquet_finish(w, &sum, &e))
		die("ending", &e);
	cpu += clock_thread_cpu_ns() - began;
	parquet_writer_free(w);
	free(rows);
	printf("{\"bench\":\"archive_write_%s%s\",\"rows\":%llu,\"level\":%d,\"left_out\":%zu,\"rows_per_cpu_s\":%.0f,"
	       "\"us_per_row\":%.2f,\"bytes\":%llu,\"bytes_per_row\":%.1f",
	       o->kind, left_out(o), (unsigned long long)sum.rows, conf.level, o->n_left_out,
	       (double)sum.rows / ((double)cpu / 1e9), (double)cpu / 1e3 / (double)sum.rows,
	       (unsigned long long)sum.bytes, (double)sum.bytes / (double)sum.rows);
	if (line_bytes)
		printf(",\"line_bytes\":%.0f", (double)line_bytes / (double)sum.rows);
	printf("}\n");
}

static uint64_t read_column(struct parquet_file *f, size_t g, size_t c, struct err *e)
{
	struct parquet_scan *s;
	struct parquet_cell cell;
	uint64_t n = 0;
	int rc;
	if (parquet_scan_new(&s, f, g, c, e))
		die("reading", e);
	while ((rc = parquet_scan_next(s, &cell, e)) == 0)
		n += cell.known;
	if (rc != -ERR_CLOSED)
		die("reading", e);
	parquet_scan_free(s);
	return n;
}

static void print_columns(const struct parquet_file *f, const uint64_t *known)
{
	for (size_t c = 0; c < parquet_columns(f); c++) {
		struct str name = parquet_column_name(f, c);
		uint64_t bytes = 0;
		for (size_t g = 0; g < parquet_groups(f); g++)
			bytes += parquet_column_bytes(f, g, c);
		printf("{\"column\":\"%.*s\",\"known\":%llu,\"bytes_per_row\":%.3f}\n", (int)name.n, name.p,
		       (unsigned long long)known[c], (double)bytes / (double)parquet_rows(f));
	}
}

/* All columns, one after the other; then which row groups an address that nobody has may be in. */
static void read_all(const struct options *o)
{
	const struct parquet_source src = { read_at, NULL, file.n, false };
	struct parquet_file *f;
	struct err e = ERR_INIT;
	static uint64_t known[1000];
	uint64_t maybe = 0;
	int64_t began = clock_thread_cpu_ns();
	if (parquet_open(&f, &src, &e))
		die("opening", &e);
	for (size_t g = 0; g < parquet_groups(f); g++)
		for (size_t c = 0; c < parquet_columns(f); c++)
			known[c] += read_column(f, g, c, &e);
	int64_t all = clock_thread_cpu_ns() - began;
	ptrdiff_t ip = parquet_column(f, STR("destination.ip"));
	began = clock_thread_cpu_ns();
	for (size_t g = 0; g < parquet_groups(f); g++) {
		for (unsigned i = 0; i < 100; i++) {
			char text[ADDR_TEXT_MAX];
			struct addr a = addr_v4(0x14000000u + 977 * i + 1);
			addr_text(&a, text);
			int rc = parquet_may_hold(f, g, (size_t)ip,
						  &(struct parquet_cell){ .known = true, .text = str_of(text) }, &e);
			if (rc < 0)
				die("asking", &e);
			maybe += (uint64_t)rc;
		}
	}
	int64_t asked = clock_thread_cpu_ns() - began;
	double asks = 100.0 * (double)parquet_groups(f);
	printf("{\"bench\":\"archive_read_%s%s\",\"rows\":%llu,\"columns\":%zu,\"rows_per_cpu_s\":%.0f,"
	       "\"us_per_question\":%.2f,\"false_maybe_percent\":%.2f}\n",
	       o->kind, left_out(o), (unsigned long long)parquet_rows(f), parquet_columns(f),
	       (double)parquet_rows(f) / ((double)all / 1e9), (double)asked / 1e3 / asks,
	       100.0 * (double)maybe / asks);
	if (o->columns)
		print_columns(f, known);
	parquet_close(f);
}

static bool reads_addresses(const void *ctx, const struct col *c)
{
	(void)ctx;
	return strcmp(c->name, "src") == 0 || strcmp(c->name, "dst") == 0;
}

/* Structs again: of all columns with the line, or of those a search for a host asks about. */
static void read_rows(const struct options *o, const struct record *r, bool all)
{
	const struct parquet_source src = { read_at, NULL, file.n, false };
	struct parquet_file *f;
	struct err e = ERR_INIT;
	uint64_t n = 0, bytes = 0;
	void *row = malloc(r->bytes + (r->tail ? r->tail->max : 0));
	int64_t began = clock_thread_cpu_ns();
	if (!row || parquet_open(&f, &src, &e))
		die("opening", &e);
	for (size_t g = 0; g < parquet_groups(f); g++) {
		struct parquet_row_conf conf = {
			.record = r, .group = g, .reads = all ? NULL : reads_addresses, .tail = all
		};
		struct parquet_row *p;
		int rc = parquet_row_new(&p, f, &conf, &e);
		bytes += parquet_row_bytes(f, &conf);
		for (; !rc && (rc = parquet_row_next(p, row, &e)) == 0; n++)
			;
		if (rc != -ERR_CLOSED)
			die("reading rows", &e);
		parquet_row_free(p);
	}
	int64_t cpu = clock_thread_cpu_ns() - began;
	printf("{\"bench\":\"archive_rows_%s_%s\",\"rows\":%llu,\"rows_per_cpu_s\":%.0f,\"bytes_per_row\":%.1f}\n",
	       o->kind, all ? "all" : "addresses", (unsigned long long)n, (double)n / ((double)cpu / 1e9),
	       (double)bytes / (double)n);
	parquet_close(f);
	free(row);
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	const struct record *r = *o.kind == 'f' ? &flow_record : &log_record;
	buf_init(&file, (size_t)16 << 30);
	if (o.out && !(kept = fopen(o.out, "wb"))) {
		perror(o.out);
		return 1;
	}
	write_all(&o, r);
	if (kept && fclose(kept) != 0)
		return 1;
	read_all(&o);
	if (o.whole) {
		read_rows(&o, r, true);
		read_rows(&o, r, false);
	}
	buf_fini(&file);
	return 0;
}
