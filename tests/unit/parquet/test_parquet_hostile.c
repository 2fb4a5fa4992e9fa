/* Damaged, foreign and lying Parquet files: an error in words or the right values, never a crash. */
#include "rows.h"

#include "gen_flows.h"

enum { ROWS = 90 };

static struct memory m;
static struct sample rows[ROWS];

static int setup(void **state)
{
	(void)state;
	struct gen_flows g = { 4, 0, 0 };
	memset(rows, 0, sizeof(rows));
	for (size_t i = 0; i < ROWS; i++) {
		rows[i].id = (int64_t)(gen_next(&g) >> 1);
		rows[i].at_ns = (int64_t)i;
		rows[i].ip = addr_v4(0x0a000000u + (uint32_t)(i * i));
		rows[i].color = (uint8_t)(i % 3);
		rows[i].line = i % 5 ? "date=2026-11-22 type=\"traffic\"" : NULL;
		rows[i].line_n = (uint32_t)(i % 30);
		rows[i].lists = i % 2;
		(void)snprintf(rows[i].name, sizeof(rows[i].name), "user%zu", i % 11);
	}
	memory_init(&m);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&m.bytes);
	return 0;
}

static void write_file(int level)
{
	const struct parquet_pair pairs[] = { { "toms.appliance", "a-1" } };
	const struct parquet_conf conf = { .record = &sample_record, .group_rows = 60, .page_bytes = 200,
					   .level = level, .pairs = pairs, .n_pairs = 1 };
	buf_reset(&m.bytes);
	write_rows(&m, &conf, rows, sizeof(rows[0]), ROWS);
}

/* All of the file: values, ranges, and whether every row group may hold what it holds. Negative: an error
 * was found; 1: a wrong answer was given without one. */
static int everything(const struct parquet_source *src, struct err *e)
{
	struct parquet_file *f = NULL;
	int rc = parquet_open(&f, src, e);
	if (rc)
		return rc;
	rc = compare_rows(f, &sample_record, rows, sizeof(rows[0]), ROWS, e);
	ptrdiff_t ip = parquet_column(f, STR("source.ip"));
	for (size_t i = 0; i < ROWS && rc == 0 && ip >= 0; i++) {
		char text[ADDR_TEXT_MAX];
		addr_text(&rows[i].ip, text);
		const struct parquet_cell v = { .known = true, .text = str_of(text) };
		int may = parquet_may_hold(f, i / 60, (size_t)ip, &v, e);
		rc = may < 0 ? may : !may;
	}
	ptrdiff_t extra = parquet_column(f, STR("toms.extra"));
	struct reader r = { .f = f, .col = (size_t)extra };
	struct parquet_cell cell;
	size_t n = 0;
	for (int more = rc || extra < 0; !more; n++) {
		more = reader_next(&r, &cell, e);
		if (more == 0)
			rc |= n < ROWS && cell.known != (n % 2 == 1);
		else if (more != -ERR_CLOSED)
			rc = more;
	}
	parquet_scan_free(r.scan);
	parquet_close(f);
	return rc;
}

static void a_good_file_is_good(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	for (int level = -1; level <= 19; level += 10) {
		write_file(level ? level : 3);
		struct parquet_source src = memory_source(&m);
		if (everything(&src, &e))
			fail_msg("level %d: %s", level, e.text);
	}
}

static void every_prefix_is_an_error(void **state)
{
	(void)state;
	write_file(3);
	size_t whole = m.bytes.n;
	for (size_t n = 0; n < whole; n++) {
		struct err e = ERR_INIT;
		char *copy = malloc(n ? n : 1); /* of the exact size, for sanitizers */
		struct memory part = { .bytes = { .p = copy, .n = n } };
		assert_non_null(copy);
		if (n)
			memcpy(copy, m.bytes.p, n);
		struct parquet_source src = memory_source(&part);
		assert_true(everything(&src, &e) < 0);
		assert_true(e.code != 0 && e.text[0]);
		free(copy);
	}
}

static void a_byte_turned_over_is_seen_or_harmless(void **state)
{
	(void)state;
	write_file(3);
	struct parquet_source src = memory_source(&m);
	size_t harmless = 0; /* the magic number in front, the width of an integer in a page's header */
	for (size_t i = 0; i < m.bytes.n; i++) {
		char good = m.bytes.p[i];
		struct err e = ERR_INIT;
		m.bytes.p[i] = (char)(good ^ (1 << (i * 7 + i / 8) % 8));
		int rc = everything(&src, &e);
		if (rc > 0)
			fail_msg("byte %zu of %zu: a wrong value", i, m.bytes.n);
		harmless += rc == 0;
		/* and whoever salvages what can be read gets no crash */
		src.salvage = true;
		(void)everything(&src, NULL);
		src.salvage = false;
		m.bytes.p[i] = good;
	}
	assert_in_range(harmless, 4, m.bytes.n / 50);
}

static void pages_without_checksums_do_not_crash(void **state)
{
	(void)state;
	struct gen_flows g = { 8, 0, 0 };
	write_file(-1);
	struct parquet_source src = memory_source(&m);
	src.salvage = true;
	for (unsigned turn = 0; turn < 20000; turn++) {
		size_t at[3];
		char good[3];
		for (unsigned i = 0; i < 3; i++) {
			at[i] = gen_next(&g) % m.bytes.n;
			good[i] = m.bytes.p[at[i]];
			m.bytes.p[at[i]] = (char)gen_next(&g);
		}
		(void)everything(&src, NULL);
		for (unsigned i = 3; i-- > 0;)
			m.bytes.p[at[i]] = good[i];
	}
}

/* SELECT 1::BIGINT AS a, as DuckDB 1.5 writes it. */
static const uint8_t foreign[] = {
	0x50, 0x41, 0x52, 0x31, 0x15, 0x00, 0x15, 0x1c, 0x15, 0x1c, 0x2c, 0x15, 0x02, 0x15,
	0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x01, 0x01,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x15, 0x02, 0x19, 0x2c, 0x35, 0x00, 0x18,
	0x0d, 0x64, 0x75, 0x63, 0x6b, 0x64, 0x62, 0x5f, 0x73, 0x63, 0x68, 0x65, 0x6d, 0x61,
	0x15, 0x02, 0x00, 0x15, 0x04, 0x25, 0x02, 0x18, 0x01, 0x61, 0x25, 0x24, 0x00, 0x16,
	0x02, 0x19, 0x1c, 0x19, 0x1c, 0x26, 0x00, 0x1c, 0x15, 0x04, 0x19, 0x15, 0x00, 0x19,
	0x18, 0x01, 0x61, 0x15, 0x00, 0x16, 0x02, 0x16, 0x3e, 0x16, 0x3e, 0x26, 0x08, 0x3c,
	0x18, 0x08, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x18, 0x08, 0x01, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x16, 0x00, 0x28, 0x08, 0x01, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x18, 0x08, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x11, 0x11, 0x00, 0x00, 0x00, 0x16, 0x3e, 0x16, 0x02, 0x26, 0x08, 0x16, 0x3e, 0x00,
	0x28, 0x28, 0x44, 0x75, 0x63, 0x6b, 0x44, 0x42, 0x20, 0x76, 0x65, 0x72, 0x73, 0x69,
	0x6f, 0x6e, 0x20, 0x76, 0x31, 0x2e, 0x35, 0x2e, 0x36, 0x20, 0x28, 0x62, 0x75, 0x69,
	0x6c, 0x64, 0x20, 0x30, 0x36, 0x39, 0x63, 0x63, 0x39, 0x66, 0x39, 0x62, 0x35, 0x29,
	0x19, 0x1c, 0x1c, 0x00, 0x00, 0x00, 0xa7, 0x00, 0x00, 0x00, 0x50, 0x41, 0x52, 0x31,
};

static void files_of_others_are_refused_in_words(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct parquet_file *f = NULL;
	buf_put(&m.bytes, foreign, sizeof(foreign));
	struct parquet_source src = memory_source(&m);
	assert_int_equal(parquet_open(&f, &src, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "not a Parquet file of ours"));
	buf_reset(&m.bytes);
	buf_cstr(&m.bytes, "PAR1 and then anything but what belongs there");
	src = memory_source(&m);
	e = (struct err)ERR_INIT;
	assert_int_equal(parquet_open(&f, &src, &e), -ERR_CORRUPT);
	assert_null(f);
}

static void an_unreadable_file_says_so(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct parquet_file *f = NULL;
	write_file(3);
	struct parquet_source src = memory_source(&m);
	m.bytes.n -= 100; /* shorter than its store said */
	assert_int_equal(parquet_open(&f, &src, &e), -ERR_IO);
	assert_string_equal(e.text, "read behind the end");
	m.bytes.n += 100;
}

static void one_value_costs_few_reads(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	write_file(3);
	struct parquet_file *f = open_file(&m);
	assert_int_equal(m.reads, 1); /* the end of the file, footer included */
	size_t ip = (size_t)parquet_column(f, STR("source.ip"));
	const struct parquet_cell outside = { .known = true, .text = STR("9.9.9.9") };
	const struct parquet_cell between = { .known = true, .text = STR("10.0.0.2") };
	const struct parquet_cell nothing = { .known = false };
	/* settled by the range: 9... lies behind 10... */
	assert_int_equal(parquet_may_hold(f, 0, ip, &outside, &e), 0);
	assert_int_equal(m.reads, 1);
	/* by the bloom filter */
	assert_int_equal(parquet_may_hold(f, 0, ip, &between, &e), 0);
	assert_int_equal(m.reads, 2);
	assert_int_equal(parquet_may_hold(f, 0, ip, &nothing, &e), 0);
	assert_int_equal(parquet_may_hold(f, 0, (size_t)parquet_column(f, STR("s.color")), &nothing, &e), 1);
	const struct parquet_cell late = { .known = true, .i = 75 }, never = { .known = true, .i = 90 };
	size_t at = (size_t)parquet_column(f, STR("@timestamp"));
	assert_int_equal(parquet_may_hold(f, 0, at, &late, &e), 0);
	assert_int_equal(parquet_may_hold(f, 1, at, &late, &e), 1);
	assert_int_equal(parquet_may_hold(f, 1, at, &never, &e), 0);
	/* one column of one row group is one read of its bytes */
	size_t before = m.read_bytes;
	struct parquet_scan *s = NULL;
	struct parquet_cell cell;
	m.reads = 0;
	assert_int_equal(parquet_scan_new(&s, f, 1, at, &e), 0);
	assert_int_equal(parquet_scan_skip(s, 15, &e), 0);
	assert_int_equal(parquet_scan_next(s, &cell, &e), 0);
	assert_int_equal(cell.i, 75);
	assert_int_equal(parquet_scan_skip(s, 20, &e), -ERR_CLOSED);
	assert_int_equal(m.reads, 1);
	assert_int_equal(m.read_bytes - before, parquet_column_bytes(f, 1, at));
	parquet_scan_free(s);
	parquet_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_file_is_good, setup, teardown),
		cmocka_unit_test_setup_teardown(every_prefix_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(a_byte_turned_over_is_seen_or_harmless, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_without_checksums_do_not_crash, setup, teardown),
		cmocka_unit_test_setup_teardown(files_of_others_are_refused_in_words, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unreadable_file_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(one_value_costs_few_reads, setup, teardown),
	};
	return cmocka_run_group_tests_name("archive/parquet_hostile", tests, NULL, NULL);
}
