/* Rows go into a Parquet file and come out again without a difference. */
#include "rows.h"

#include "gen_flows.h"
#include "gen_logs.h"

enum { MANY = 100001 };

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

static void round_trip(const struct parquet_conf *conf, const void *rows, size_t stride, size_t n)
{
	struct err e = ERR_INIT;
	buf_reset(&m.bytes);
	struct parquet_sum sum = write_rows(&m, conf, rows, stride, n);
	struct parquet_file *f = open_file(&m);
	assert_int_equal(sum.groups, parquet_groups(f));
	int rc = compare_rows(f, conf->record, rows, stride, n, &e);
	if (rc)
		fail_msg("%d: %s", rc, e.text);
	parquet_close(f);
}

static void no_rows_at_all_are_a_file_too(void **state)
{
	(void)state;
	struct parquet_conf conf = { .record = &sample_record };
	round_trip(&conf, NULL, 0, 0);
	conf.record = &flow_record;
	round_trip(&conf, NULL, 0, 0);
	struct parquet_file *f = open_file(&m);
	assert_int_equal(parquet_groups(f), 0);
	assert_true(parquet_column(f, STR("source.ip")) >= 0);
	assert_true(parquet_column(f, STR("toms.extra")) >= 0);
	assert_int_equal(parquet_column(f, STR("toms.flow.risks")), -1);
	parquet_close(f);
}

static void one_row_of_nothing(void **state)
{
	(void)state;
	static const struct sample empty;
	struct parquet_conf conf = { .record = &sample_record };
	round_trip(&conf, &empty, sizeof(empty), 1);
}

static void extremes_of_every_type(void **state)
{
	(void)state;
	struct parquet_conf conf = { .record = &sample_record };
	struct sample s[4] = { { 0 } };
	s[0].id = s[0].at_ns = s[0].change = INT64_MIN;
	s[1].id = s[1].at_ns = s[1].change = INT64_MAX;
	s[1].count = UINT64_MAX;
	s[1].number = UINT32_MAX;
	s[1].port = UINT16_MAX;
	s[1].small = UINT8_MAX;
	memset(&s[1].ip, 0xff, sizeof(s[1].ip));
	memset(s[1].mac, 0xff, sizeof(s[1].mac));
	memset(s[1].name, 'x', sizeof(s[1].name)); /* no room for its NUL */
	s[2].ip = addr_v4(0xffffffffu);
	s[2].color = 2;
	s[2].at_ns = s[2].change = -1;
	s[3].color = 77; /* a value without a name says nothing */
	s[3].line = "";
	round_trip(&conf, s, sizeof(s[0]), 4);
	struct parquet_file *f = open_file(&m);
	struct parquet_range r;
	parquet_range(f, 0, (size_t)parquet_column(f, STR("@timestamp")), &r);
	assert_true(r.has_range && r.min.i == INT64_MIN && r.max.i == INT64_MAX);
	parquet_range(f, 0, (size_t)parquet_column(f, STR("s.count")), &r);
	assert_true(r.has_range && r.min.u == 0 && r.max.u == UINT64_MAX);
	parquet_range(f, 0, (size_t)parquet_column(f, STR("s.number")), &r);
	assert_true(r.has_range && r.min.u == UINT32_MAX && r.has_nulls && r.nulls == 3);
	parquet_range(f, 0, (size_t)parquet_column(f, STR("event.original")), &r);
	assert_true(!r.has_range && r.nulls == 3);
	parquet_close(f);
	assert_string_equal(text_at(&m, "event.original", 3), "");
	assert_null(text_at(&m, "event.original", 2));
}

/* Few values, many values, runs, long and short texts, nulls everywhere: every way a column can go. */
static void fill(struct sample *s, struct gen_flows *g, size_t i)
{
	static char line[300];
	memset(s, 0, sizeof(*s));
	s->id = (int64_t)i;
	s->at_ns = (int64_t)gen_next(g);
	s->change = gen_next(g) % 3 ? 0 : -(int64_t)(gen_next(g) % 50);
	s->count = gen_next(g) % 2 ? gen_next(g) : 7;
	s->number = (uint32_t)(i / 1000);
	s->port = (uint16_t)gen_next(g);
	s->small = (uint8_t)(gen_next(g) % 2 ? 0 : gen_next(g));
	s->color = (uint8_t)(i / 777 % 4);
	if (gen_next(g) % 4)
		s->ip = addr_v4((uint32_t)gen_next(g) & 0xfffff);
	if (gen_next(g) % 2)
		gen_mac(s->mac, gen_skewed(g, 3000));
	if (gen_next(g) % 5)
		(void)snprintf(s->name, sizeof(s->name), "n%u 利用者", (uint32_t)gen_next(g) % (i < 50000 ? 10 : 1000000));
	memset(line, 'a' + (int)(i % 26), sizeof(line));
	s->line = i % 7 ? line : NULL;
	s->line_n = (uint32_t)(gen_next(g) % sizeof(line));
	s->lists = i % 100 == 0;
}

/* The line of sample is shared by all rows, so it is left out here. */
static void a_hundred_thousand_and_one_rows(void **state)
{
	(void)state;
	struct gen_flows g = { 3, 0, 0 };
	struct sample *s = calloc(MANY, sizeof(*s));
	assert_non_null(s);
	for (size_t i = 0; i < MANY; i++) {
		fill(&s[i], &g, i);
		s[i].line = NULL;
	}
	struct parquet_conf conf = { .record = &sample_record };
	round_trip(&conf, s, sizeof(*s), MANY);
	struct parquet_file *f = open_file(&m);
	assert_int_equal(parquet_groups(f), 2);
	assert_int_equal(parquet_group_rows(f, 1), 1);
	parquet_close(f);
	conf.group_rows = 3001;
	conf.page_bytes = 1000;
	round_trip(&conf, s, sizeof(*s), 20000);
	conf.level = -1;
	round_trip(&conf, s, sizeof(*s), 20000);
	free(s);
}

static void flows_as_they_come(void **state)
{
	(void)state;
	enum { N = 30000 };
	struct gen_flows g = { 1, INT64_C(1795305600) * NS_PER_S, 8640000 };
	struct flow *f = calloc(N, sizeof(*f));
	assert_non_null(f);
	for (size_t i = 0; i < N; i++) {
		gen_flow(&g, &f[i]);
		f[i].id = (int64_t)i << 30;
	}
	struct parquet_conf conf = { .record = &flow_record, .group_rows = 12000 };
	round_trip(&conf, f, sizeof(*f), N);
	free(f);
}

static void lines_as_they_come(void **state)
{
	(void)state;
	enum { N = 12000 };
	struct gen_logs g = { .dice = { 1, INT64_C(1795305600) * NS_PER_S, 20000000 } };
	union gen_log *l = calloc(N, sizeof(*l));
	assert_non_null(l);
	for (size_t i = 0; i < N; i++)
		gen_log(&g, &l[i]);
	struct parquet_conf conf = { .record = &log_record, .group_rows = 5000, .page_bytes = 100000 };
	round_trip(&conf, l, sizeof(*l), N);
	conf.group_rows = 0;
	conf.group_bytes = 1 << 20; /* a row group ends by its bytes, too */
	round_trip(&conf, l, sizeof(*l), N);
	struct parquet_file *f = open_file(&m);
	assert_in_range(parquet_groups(f), 5, 50);
	parquet_close(f);
	free(l);
}

static void the_longest_lines_and_any_byte(void **state)
{
	(void)state;
	size_t stride = (sizeof(struct log) + LOG_LINE_MAX + 15) / 8 * 8;
	char *rows = calloc(3, stride);
	assert_non_null(rows);
	struct gen_flows g = { 5, 0, 0 };
	for (size_t i = 0; i < 3; i++) {
		struct log *l = (struct log *)(void *)(rows + i * stride);
		l->created_ns = 1;
		l->line_n = i == 2 ? 0 : LOG_LINE_MAX;
		for (size_t k = 0; k < l->line_n; k++)
			l->line[k] = (char)(i == 0 ? gen_next(&g) : (uint64_t)"0123456789"[k % 10]);
	}
	struct parquet_conf conf = { .record = &log_record };
	round_trip(&conf, rows, stride, 3);
	assert_string_equal(text_at(&m, "event.original", 2), "");
	free(rows);
}

static void the_same_rows_are_the_same_bytes(void **state)
{
	(void)state;
	struct memory again;
	struct gen_flows g = { 3, 0, 0 };
	enum { N = 9000 };
	struct sample *s = calloc(N, sizeof(*s));
	assert_non_null(s);
	for (size_t i = 0; i < N; i++)
		fill(&s[i], &g, i);
	const struct parquet_pair pairs[] = { { "toms.appliance", "a-1" }, { "x", "" } };
	struct parquet_conf conf = { .record = &sample_record, .group_rows = 4000, .pairs = pairs, .n_pairs = 2 };
	memory_init(&again);
	write_rows(&m, &conf, s, sizeof(*s), N);
	write_rows(&again, &conf, s, sizeof(*s), N);
	assert_true(str_eq(buf_view(&m.bytes), buf_view(&again.bytes)));
	struct parquet_file *f = open_file(&m);
	struct str v;
	assert_true(parquet_pair(f, STR("toms.appliance"), &v) && str_eq(v, STR("a-1")));
	assert_true(parquet_pair(f, STR("x"), &v) && v.n == 0);
	assert_true(parquet_pair(f, STR("toms.record"), &v) && str_eq(v, STR("sample")));
	assert_true(parquet_pair(f, STR("toms.schema"), &v) && str_eq(v, STR("1")));
	assert_false(parquet_pair(f, STR("y"), &v));
	parquet_close(f);
	buf_fini(&again.bytes);
	free(s);
}

static void a_column_can_be_left_out(void **state)
{
	(void)state;
	struct gen_flows g = { 1, 0, 1000 };
	struct flow f[50];
	for (size_t i = 0; i < 50; i++)
		gen_flow(&g, &f[i]);
	const char *const out[] = { "network.community_id", "toms.flow.risks", NULL };
	struct parquet_conf conf = { .record = &flow_record, .leave_out = out };
	round_trip(&conf, f, sizeof(f[0]), 50);
	struct parquet_file *p = open_file(&m);
	assert_int_equal(parquet_column(p, STR("network.community_id")), -1);
	parquet_close(p);
	for (size_t i = 0; i < 50; i++) {
		const char *extra = text_at(&m, "toms.extra", i);
		assert_true(!extra || (!strstr(extra, "community_id") && !strstr(extra, "risks")));
	}
}

/* What stands beside the columns: */

static void lists_and_objects_are_extra(void **state)
{
	(void)state;
	struct sample s[4] = { { .odd = 1 }, { .odd = 2, .lists = 2 }, { .odd = 1, .detail = "{\"a\":[1,\"b\"]}" },
			       { .odd = 1, .detail = "{\"a\":" } };
	struct parquet_conf conf = { .record = &sample_record };
	write_rows(&m, &conf, s, sizeof(s[0]), 4);
	/* "s.odd" is text where it is even: its column says text */
	assert_string_equal(text_at(&m, "toms.extra", 0), "{\"s\":{\"odd\":1}}");
	assert_string_equal(text_at(&m, "s.odd", 1), "even");
	assert_string_equal(text_at(&m, "toms.extra", 1), "{\"toms\":{\"flow\":{\"risks\":[\"one\",\"two\"]}}}");
	assert_string_equal(text_at(&m, "toms.extra", 2), "{\"s\":{\"detail\":{\"a\":[1,\"b\"]},\"odd\":1}}");
	/* an object that is none is text */
	assert_string_equal(text_at(&m, "toms.extra", 3), "{\"s\":{\"detail\":\"{\\\"a\\\":\",\"odd\":1}}");
}

static void broken_text_is_cleaned_and_kept(void **state)
{
	(void)state;
	struct sample s = { .odd = 2, .name = "ab\xff\x80" "c", .line = "x\xfe\0y", .line_n = 4 };
	struct parquet_conf conf = { .record = &sample_record };
	write_rows(&m, &conf, &s, sizeof(s), 1);
	assert_true(str_utf8_valid(str_of(text_at(&m, "user.name", 0))));
	assert_memory_equal(text_at(&m, "user.name", 0), "ab", 2);
	assert_memory_equal(text_at(&m, "event.original", 0), "x\xfe\0y", 4);
	char want[64], base64[16];
	hash_base64(s.name, 5, base64);
	(void)snprintf(want, sizeof(want), "{\"_bytes\":{\"user.name\":\"%s\"}}", base64);
	assert_string_equal(text_at(&m, "toms.extra", 0), want);
}

/* Every member of a log's whole object is a column's, or stands in toms.extra as it stood there. */
static void walk_members(const struct json_doc *doc, const struct json_node *n, char *path, size_t path_n,
			 struct memory *file, size_t row, const struct json_doc *extra, const struct json_node *in)
{
	const struct json_node *key = n + 1;
	for (uint32_t i = 0; i < n->count; i++) {
		const struct json_node *value = key + 1;
		size_t at = path_n;
		char name[100];
		assert_true(json_text(key, name, sizeof(name)));
		at += (size_t)snprintf(path + at, 300 - at, "%s%s", at ? "." : "", name);
		const struct json_node *there = in ? json_get(extra, in, name) : NULL;
		if (value->type == JSON_OBJECT) {
			walk_members(doc, value, path, at, file, row, extra, there);
		} else if (there) {
			assert_true(str_eq(there->raw, value->raw) && there->type == value->type);
		} else if (strcmp(path, "toms.log.original_base64") != 0) {
			struct parquet_file *f = open_file(file);
			ptrdiff_t col = parquet_column(f, str_of(path));
			if (col < 0)
				fail_msg("%s is nowhere", path);
			struct reader rd = { .f = f, .col = (size_t)col };
			struct parquet_cell cell = { .known = false };
			for (size_t k = 0; k <= row; k++)
				assert_int_equal(reader_next(&rd, &cell, NULL), 0);
			assert_true(cell.known);
			parquet_scan_free(rd.scan);
			parquet_close(f);
		}
		path[path_n] = '\0';
		key = doc->nodes + value->next;
	}
}

static void no_member_of_a_log_is_lost(void **state)
{
	(void)state;
	enum { N = 60 };
	struct gen_logs g = { .dice = { 9, INT64_C(1795305600) * NS_PER_S, 20000000 } };
	union gen_log *l = calloc(N, sizeof(*l));
	assert_non_null(l);
	for (size_t i = 0; i < N; i++)
		gen_log(&g, &l[i]);
	struct parquet_conf conf = { .record = &log_record };
	write_rows(&m, &conf, l, sizeof(*l), N);
	for (size_t i = 0; i < N; i++) {
		struct buf whole;
		struct json j;
		struct json_doc doc, extra;
		char path[300] = "";
		buf_init(&whole, 1 << 20);
		json_init(&j, &whole);
		record_json(&log_record, &l[i], &j);
		const char *text = text_at(&m, "toms.extra", i);
		assert_int_equal(json_parse(buf_view(&whole), 5000, &doc, NULL), 0);
		assert_int_equal(json_parse(str_of(text ? text : "{}"), 5000, &extra, NULL), 0);
		walk_members(&doc, doc.nodes, path, 0, &m, i, &extra, extra.nodes);
		json_doc_fini(&doc);
		json_doc_fini(&extra);
		buf_fini(&whole);
	}
	free(l);
}

static void a_full_disk_ends_it(void **state)
{
	(void)state;
	struct sample s = { .odd = 1 };
	struct parquet_conf conf = { .record = &sample_record, .group_rows = 10 };
	const struct parquet_sink sink = { memory_append, &m };
	for (size_t n = 1; n < 40; n++) {
		struct parquet_writer *w = NULL;
		struct err e = ERR_INIT;
		int rc = 0;
		buf_reset(&m.bytes);
		m.appends = 0;
		m.fail_after = n;
		assert_int_equal(parquet_writer_new(&w, &conf, &sink, &e), 0);
		for (size_t i = 0; i < 25 && rc == 0; i++)
			rc = parquet_put(w, &s, &e);
		if (rc == 0)
			rc = parquet_finish(w, NULL, &e);
		else
			assert_int_equal(parquet_finish(w, NULL, &e), rc);
		if (rc)
			assert_true(rc == -ERR_IO && parquet_put(w, &s, &e) == -ERR_IO);
		parquet_writer_free(w);
	}
	m.fail_after = 0;
}

static void settings_have_limits(void **state)
{
	(void)state;
	const struct parquet_sink sink = { memory_append, &m };
	struct parquet_writer *w = NULL;
	struct err e = ERR_INIT;
	struct parquet_conf conf = { .record = &sample_record, .level = 20 };
	assert_int_equal(parquet_writer_new(&w, &conf, &sink, &e), -ERR_RANGE);
	conf.level = 1;
	conf.group_rows = (size_t)1 << 40;
	assert_int_equal(parquet_writer_new(&w, &conf, &sink, &e), -ERR_RANGE);
	assert_null(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_rows_at_all_are_a_file_too, setup, teardown),
		cmocka_unit_test_setup_teardown(one_row_of_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(extremes_of_every_type, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hundred_thousand_and_one_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(flows_as_they_come, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_as_they_come, setup, teardown),
		cmocka_unit_test_setup_teardown(the_longest_lines_and_any_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_rows_are_the_same_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_column_can_be_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_and_objects_are_extra, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_text_is_cleaned_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(no_member_of_a_log_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(settings_have_limits, setup, teardown),
	};
	return cmocka_run_group_tests_name("archive/parquet_rows", tests, NULL, NULL);
}
