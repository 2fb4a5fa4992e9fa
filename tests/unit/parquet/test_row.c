/* Rows come out of a file as they went in: every stored column, byte by byte, and the line. */
#include "rows.h"

#include "gen_flows.h"
#include "gen_logs.h"
#include "tomsd/audit_row.h"

static struct memory m;

static int setup(void **state)
{
	(void)state;
	memory_init(&m);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&m.bytes);
	return 0;
}

static size_t room_of(const struct record *r)
{
	return r->bytes + (r->tail ? r->tail->max : 0) + 16;
}

static void check_row(const struct record *r, const void *want, const void *have, size_t i)
{
	for (size_t k = 0; k < r->n_cols; k++) {
		const struct col *c = &r->cols[k];
		if (!(c->flags & COL_NOT_STORED) &&
		    memcmp(col_at(c, want), col_at(c, have), c->size) != 0)
			fail_msg("row %zu of %s: %s is another", i, r->name, c->name);
	}
	struct str a = record_tail_of(r, want), b = record_tail_of(r, have);
	if (!str_eq(a, b))
		fail_msg("row %zu of %s: another line", i, r->name);
}

/* All rows of a file, row group after row group. */
static void check_all(struct parquet_file *f, const struct record *r, const void *rows, size_t stride,
		      size_t n)
{
	struct err e = ERR_INIT;
	void *row = malloc(room_of(r));
	size_t i = 0;
	assert_non_null(row);
	for (size_t g = 0; g < parquet_groups(f); g++) {
		struct parquet_row_conf conf = { .record = r, .group = g, .tail = true };
		struct parquet_row *p = NULL;
		int rc = parquet_row_new(&p, f, &conf, &e);
		memset(row, 0x55, room_of(r)); /* nothing is left of what was there */
		while (!rc && (rc = parquet_row_next(p, row, &e)) == 0) {
			assert_true(i < n);
			check_row(r, (const char *)rows + i * stride, row, i);
			i++;
		}
		if (rc != -ERR_CLOSED)
			fail_msg("%s", e.text);
		parquet_row_free(p);
	}
	assert_int_equal(i, n);
	free(row);
}

static void round_trip(const struct parquet_conf *conf, const void *rows, size_t stride, size_t n)
{
	struct parquet_conf whole = *conf;
	struct err e = ERR_INIT;
	whole.whole_rows = true;
	buf_reset(&m.bytes);
	(void)write_rows(&m, &whole, rows, stride, n);
	struct parquet_file *f = open_file(&m);
	check_all(f, conf->record, rows, stride, n);
	if (!conf->leave_out)
		assert_int_equal(compare_rows(f, conf->record, rows, stride, n, &e), 0);
	parquet_close(f);
}

enum { N = 6000 };

static struct flow *some_flows(void)
{
	struct gen_flows g = { 1, INT64_C(1795305600) * NS_PER_S, 8640000 };
	struct flow *f = calloc(N, sizeof(*f));
	assert_non_null(f);
	for (size_t i = 0; i < N; i++) {
		gen_flow(&g, &f[i]);
		f[i].id = (int64_t)i << 30;
		if (i % 5 == 0)
			f[i].l4 = 1; /* ports of ICMP are shown otherwise */
		if (i % 7 == 0) {
			memset(f[i].detail, 0, sizeof(f[i].detail));
			(void)snprintf(f[i].detail, sizeof(f[i].detail),
				       "{\"alpn\":\"h2\", \"n\":[1,{\"a\":\"}\\\"\"}],\"i\":%zu}", i % 50);
		}
		if (i % 11 == 0) {
			memset(f[i].medical, 0, sizeof(f[i].medical));
			(void)snprintf(f[i].medical, sizeof(f[i].medical),
				       "{\"device\":{\"model\":\"CT %zu\"},\"detail\":1}", i % 3);
		}
		f[i].risks = i % 3 ? 0 : gen_next(&g);
	}
	return f;
}

static void flows_come_back(void **state)
{
	(void)state;
	static const char *const computed[] = { "network.community_id", "source.port",
						"destination.port",	"event.duration",
						"event.end", /* @timestamp is the same column */
						"source.ip", /* no: it is all there is of it */
						NULL };
	struct flow *f = some_flows();
	struct parquet_conf conf = { .record = &flow_record, .group_rows = 2500 };
	round_trip(&conf, f, sizeof(*f), N);
	conf.leave_out = computed;
	round_trip(&conf, f, sizeof(*f), N);
	struct parquet_file *file = open_file(&m);
	assert_true(parquet_column(file, STR("source.ip")) >= 0);
	assert_int_equal(parquet_column(file, STR("source.port")), -1);
	assert_int_equal(parquet_column(file, STR("event.end")), -1);
	assert_true(parquet_column(file, STR("toms.row.src_port")) >= 0);
	assert_int_equal(parquet_column(file, STR("toms.row.src")), -1);
	parquet_close(file);
	free(f);
}

static void lines_come_back_byte_for_byte(void **state)
{
	(void)state;
	struct gen_logs g = { .dice = { 1, INT64_C(1795305600) * NS_PER_S, 20000000 } };
	union gen_log *l = calloc(N, sizeof(*l));
	assert_non_null(l);
	for (size_t i = 0; i < N; i++) {
		gen_log(&g, &l[i]);
		if (i % 9 == 0)
			l[i].row.device_ns = 0;
		if (i % 17 == 0)
			l[i].row.line_n = 0;
		l[i].row.flags = (uint16_t)(i % 70);
	}
	struct parquet_conf conf = { .record = &log_record, .group_rows = 2500 };
	round_trip(&conf, l, sizeof(*l), N);
	free(l);
}

static void any(void *p, size_t n, struct gen_flows *g)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)gen_next(g);
}

/* Whatever can stand in a column, whether it makes sense or not. */
static void fill_col(const struct col *c, char *row, struct gen_flows *g)
{
	static const char *const texts[] = { "",	       "a",	      "日本語",
					     "\xff\xfe broken", "{\"a\":1}", "{\"a\":",
					     "plain text",     "[1,2]",	      "\"\\\n\t" };
	char *to = row + c->off;
	uint64_t kind = gen_next(g) % 4;
	if (kind == 0)
		return;
	if (c->type == COL_TEXT || c->type == COL_JSON) {
		if (kind == 1)
			memset(to, 'x', c->size); /* no room for its NUL */
		else
			(void)str_copy(to, c->size, str_of(texts[gen_next(g) % ARRAY_LEN(texts)]));
	} else if (c->type == COL_ADDR && kind == 1) {
		struct addr a = addr_v4((uint32_t)gen_next(g));
		memcpy(to, &a, sizeof(a));
	} else if (c->type == COL_ADDR && kind == 2) {
		to[gen_next(g) % 16] = 1; /* "::1", "::100:0", "1::" */
	} else if (kind == 2) {
		memset(to, 0xff, c->size);
	} else if (kind == 3 && c->type != COL_ADDR) {
		*to = (char)(gen_next(g) % 12);
	} else {
		any(to, c->size, g);
	}
}

static void rows_of_anything_come_back(void **state)
{
	(void)state;
	struct gen_flows g = { 99, 0, 0 };
	for (size_t k = 0; k < 16; k++) {
		const struct record *r = k == 0 ? &sample_record :
					 k == 1 ? &audit_record :
						  records[k - 2];
		if (!r)
			break;
		size_t stride = (room_of(r) + 7) / 8 * 8, n = stride > 16384 ? 60 : 1500;
		char *rows = calloc(n, stride);
		assert_non_null(rows);
		for (size_t i = 0; i < n; i++) {
			char *row = rows + i * stride;
			for (size_t c = 0; c < r->n_cols; c++)
				fill_col(&r->cols[c], row, &g);
			if (r->tail) {
				uint32_t len = (uint32_t)(gen_next(&g) % (i % 10 ? 200 : r->tail->max + 1));
				memcpy(row + r->tail->n_off, &len, sizeof(len));
				any(row + r->tail->off, len, &g);
			}
		}
		struct parquet_conf conf = { .record = r, .group_rows = 1000, .whole_rows = true };
		buf_reset(&m.bytes);
		(void)write_rows(&m, &conf, rows, stride, n);
		struct parquet_file *f = open_file(&m);
		check_all(f, r, rows, stride, n);
		parquet_close(f);
		free(rows);
	}
}

static bool reads_two(const void *ctx, const struct col *c)
{
	(void)ctx;
	return strcmp(c->name, "src_port") == 0 || strcmp(c->name, "name") == 0;
}

static void a_search_reads_the_columns_it_asks_for_and_then_the_rows_it_found(void **state)
{
	(void)state;
	struct flow *f = some_flows(), row;
	struct err e = ERR_INIT;
	struct parquet_conf conf = { .record = &flow_record, .whole_rows = true };
	(void)write_rows(&m, &conf, f, sizeof(*f), N);
	struct parquet_file *file = open_file(&m);
	struct parquet_row_conf few = { .record = &flow_record, .reads = reads_two },
				all = { .record = &flow_record };
	struct parquet_row *p = NULL;
	assert_true(parquet_row_bytes(file, &few) * 4 < parquet_row_bytes(file, &all));
	size_t before = m.read_bytes;
	assert_int_equal(parquet_row_new(&p, file, &few, &e), 0);
	assert_int_equal(m.read_bytes - before, parquet_row_bytes(file, &few));
	memset(&row, 0x55, sizeof(row));
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(parquet_row_next(p, &row, &e), 0);
		assert_int_equal(row.src_port, f[i].src_port);
		assert_string_equal(row.name, f[i].name);
		assert_int_equal(row.dst_port, 0x5555);
	}
	assert_int_equal(parquet_row_next(p, &row, &e), -ERR_CLOSED);
	parquet_row_free(p);
	assert_int_equal(parquet_row_new(&p, file, &all, &e), 0);
	for (size_t i = 3; i < N; i += i % 2 ? 1 : 997) {
		if (parquet_row_at(p, i, &row, &e))
			fail_msg("%s", e.text);
		check_row(&flow_record, &f[i], &row, i);
	}
	assert_int_equal(parquet_row_at(p, 0, &row, &e), -ERR_RANGE);
	assert_int_equal(parquet_row_at(p, N, &row, &e), -ERR_RANGE);
	parquet_row_free(p);
	few.record = &gap_record;
	assert_int_equal(parquet_row_new(&p, file, &few, &e), -ERR_INVALID);
	parquet_close(file);
	free(f);
}

/* A file from before whole rows were kept, or of an older version. */
static void what_a_file_does_not_have_reads_as_unknown(void **state)
{
	(void)state;
	struct flow f = { .id = 7, .end_ns = 9, .src_port = 5, .l4 = 6, .ip_version = 4, .risks = 1 }, row;
	struct err e = ERR_INIT;
	struct parquet_conf conf = { .record = &flow_record };
	(void)write_rows(&m, &conf, &f, sizeof(f), 1);
	struct parquet_file *file = open_file(&m);
	struct parquet_row_conf all = { .record = &flow_record };
	struct parquet_row *p = NULL;
	memset(&row, 0x55, sizeof(row));
	assert_int_equal(parquet_row_new(&p, file, &all, &e), 0);
	assert_int_equal(parquet_row_next(p, &row, &e), 0);
	assert_int_equal(row.id, 7);
	assert_int_equal(row.src_port, 5);
	assert_int_equal(row.ip_version, 0);
	assert_int_equal(row.risks, 0);
	parquet_row_free(p);
	parquet_close(file);
}

/* Reads all there is, whatever comes; what is wrong is an error and never a crash. */
static void read_hostile(struct memory *file, const struct record *r)
{
	struct err e = ERR_INIT;
	struct parquet_source src = memory_source(file);
	struct parquet_file *f = NULL;
	char *row = malloc(room_of(r));
	assert_non_null(row);
	src.salvage = true;
	if (parquet_open(&f, &src, &e) == 0) {
		for (size_t g = 0; g < parquet_groups(f) && g < 4; g++) {
			struct parquet_row_conf conf = { .record = r, .group = g, .tail = true };
			struct parquet_row *p = NULL;
			int rc = parquet_row_new(&p, f, &conf, &e);
			for (int i = 0; !rc && i < 300; i++)
				rc = parquet_row_next(p, row, &e);
			parquet_row_free(p);
		}
	}
	parquet_close(f);
	free(row);
}

static void a_changed_file_is_an_error_and_nothing_worse(void **state)
{
	(void)state;
	struct flow *f = some_flows();
	struct gen_flows g = { 4, 0, 0 };
	struct parquet_conf conf = { .record = &flow_record, .whole_rows = true, .level = -1 };
	(void)write_rows(&m, &conf, f, sizeof(*f), 200);
	for (size_t i = 0; i < 6000; i++) {
		size_t at = i % 2 ? gen_next(&g) % m.bytes.n : m.bytes.n - 1 - gen_next(&g) % 6000 % m.bytes.n;
		char was = m.bytes.p[at];
		m.bytes.p[at] = (char)gen_next(&g);
		read_hostile(&m, &flow_record);
		m.bytes.p[at] = was;
	}
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(flows_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_come_back_byte_for_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_of_anything_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_search_reads_the_columns_it_asks_for_and_then_the_rows_it_found, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_file_does_not_have_reads_as_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_file_is_an_error_and_nothing_worse, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
