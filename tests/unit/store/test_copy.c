/* A copy of the database made while it is written: one moment of it, whole, and a store of its own. */
#include "logs.h"

#include "../../tools/gen_flows.h"
#include "../../../src/store/inside.h"
#include "tomsd/base/thread.h"
#include "tomsd/store/cut.h"

static const int64_t day_ns = INT64_C(86400) * NS_PER_S;

static struct flow flow_at(int64_t end_ns, uint32_t n)
{
	struct flow f;
	struct gen_flows g = { n, end_ns, 0 };
	gen_flow(&g, &f);
	f.end_ns = end_ns;
	f.start_ns = end_ns - NS_PER_S;
	f.src_bytes = n;
	return f;
}

static void put_flows(struct box *b, int64_t from_ns, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct flow f = flow_at(from_ns + i, first + i);
		box_put(b, &flow_record, &f);
	}
	box_flush(b);
}

static int change(struct sql *db, void *arg, struct err *e)
{
	(void)arg;
	return sql_exec(db,
			"CREATE TABLE t_seq(id INTEGER PRIMARY KEY AUTOINCREMENT,x);"
			"CREATE UNIQUE INDEX t_seq_x ON t_seq(x);"
			"INSERT INTO t_seq(x)VALUES(1),(2),(3);DELETE FROM t_seq WHERE id=3;"
			"CREATE TABLE \"odd \"\"name\"(a TEXT PRIMARY KEY,b BLOB)WITHOUT ROWID;"
			"INSERT INTO \"odd \"\"name\" VALUES('a',x'00ff'),('b',NULL)",
			e);
}

/* Three days of flows and one of lines. */
static void fill(struct box *b, struct logs *l)
{
	struct err e = ERR_INIT;
	box_new(b);
	box_open(b);
	box_start(b);
	for (uint32_t d = 0; d < 3; d++)
		put_flows(b, tiny_noon_ns - (int64_t)(2 - d) * day_ns, d * 4000, 4000);
	logs_make(l, 9, 2000);
	logs_put(b, l, 0, l->n, 100);
	if (store_write(b->st, change, NULL, &e))
		fail_msg("%s", e.text);
}

/* A folder beside with the copy in it as a database. */
struct second {
	struct box box;
	char file[96];
	struct store_copied out;
};

static void copy_to(struct box *b, struct second *s, uint64_t rows_bytes)
{
	struct err e = ERR_INIT;
	box_new(&s->box);
	(void)snprintf(s->file, sizeof(s->file), "%s/tomsd.db", s->box.path);
	if (store_copy(b->st, s->file, rows_bytes, NULL, NULL, &s->out, &e))
		fail_msg("%s", e.text);
}

static void open_copy(struct second *s)
{
	box_open(&s->box);
	box_start(&s->box);
	box_check_integrity(&s->box);
}

static int sum_row(void *arg, const void *row)
{
	uint64_t *sum = arg;
	const struct flow *f = row;
	sum[0]++;
	sum[1] += f->src_bytes;
	sum[2] ^= (uint64_t)f->id;
	return 0;
}

static void sums(struct box *b, uint64_t out[3])
{
	struct err e = ERR_INIT;
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	out[0] = out[1] = out[2] = 0;
	if (store_query(b->st, &q, 0, 0, sum_row, out, &info, &e))
		fail_msg("%s", e.text);
}

static int sum_tables(void *arg, const char *name, uint64_t rows)
{
	struct store_copied *c = arg;
	assert_non_null(name);
	c->rows += rows;
	c->tables++;
	return 0;
}

static void a_copy_is_the_database_and_opens_as_one(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct second s;
	struct err e = ERR_INIT;
	struct store_copied counted = { 0 };
	uint64_t was[3], is[3];
	fill(&b, &l);
	copy_to(&b, &s, UINT64_MAX);
	assert_int_equal(s.out.oldest_day, 20261120);
	assert_int_equal(s.out.bytes, file_size(s.file));
	if (store_count_tables(s.file, sum_tables, &counted, &e))
		fail_msg("%s", e.text);
	assert_int_equal(counted.rows, s.out.rows);
	assert_int_equal(counted.tables, s.out.tables);
	open_copy(&s);
	sums(&b, was);
	sums(&s.box, is);
	assert_memory_equal(was, is, sizeof(was));
	struct logs_check c = { .l = &l, .seen = calloc(l.n, sizeof(bool)) };
	struct query q = { .record = &log_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	logs_sort(&l);
	assert_non_null(c.seen);
	assert_int_equal(store_query(s.box.st, &q, 0, 0, logs_check_row, &c, &info, &e), 0);
	assert_int_equal(c.n, l.n);
	static const char *const same[] = {
		"PRAGMA page_size",
		"PRAGMA auto_vacuum",
		"PRAGMA user_version",
		"PRAGMA application_id",
		"SELECT count(*) FROM sqlite_schema",
		"SELECT sum(length(sql)) FROM sqlite_schema",
		"SELECT seq FROM sqlite_sequence WHERE name='t_seq'",
		"SELECT max(id) FROM t_seq",
		"SELECT count(*) FROM \"odd \"\"name\"",
		"SELECT value FROM store_meta WHERE name='token_seed'",
		"SELECT sum(flows) FROM rollup_hour",
		"SELECT sum(last_id) FROM part",
	};
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (box_number(&b, same[i]) != box_number(&s.box, same[i]))
			fail_msg("%s", same[i]);
	free(c.seen);
	box_free(&s.box);
	box_free(&b);
	logs_free(&l);
}

static int64_t gone(struct box *b, int32_t day)
{
	struct err e = ERR_INIT;
	struct sql *db;
	int64_t last = -1;
	assert_int_equal(store_read_begin(b->st, 0, &db, &e), 0);
	assert_int_equal(store_gone(db, &flow_record, day, &last, &e), 0);
	store_read_end(b->st, db);
	return last;
}

static void days_that_do_not_fit_are_left_out_oldest_first_and_marked(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct second s, small, none;
	uint64_t all[3];
	fill(&b, &l);
	copy_to(&b, &s, UINT64_MAX);
	copy_to(&b, &none, 0);
	assert_int_equal(none.out.oldest_day, 0);
	uint64_t rows_bytes = s.out.bytes - none.out.bytes;
	copy_to(&b, &small, rows_bytes * 3 / 4); /* the newest has lines, too */
	assert_in_range(small.out.oldest_day, 20261121, 20261122);
	assert_true(small.out.bytes <= none.out.bytes + rows_bytes * 3 / 4);
	open_copy(&small);
	open_copy(&none);
	int64_t last = box_number(
		&b, "SELECT last_id FROM part WHERE record='flow' AND day=20261120");
	static const char *const same[] = {
		"SELECT count(*) FROM flow_20261122",
		"SELECT sum(id%1000003) FROM flow_20261122",
		"SELECT sum(length(s)) FROM flow_20261122_text",
		"SELECT sum(length(cols)+length(lines)) FROM log_20261122",
		"SELECT count(*) FROM log_20261122_shape",
	};
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (box_number(&b, same[i]) != box_number(&small.box, same[i]))
			fail_msg("%s", same[i]);
	assert_int_equal(gone(&small.box, 20261120), last);
	assert_int_equal(gone(&small.box, 20261122), 0);
	assert_int_equal(gone(&none.box, 20261120), last);
	assert_int_equal(box_number(&none.box, "SELECT count(*) FROM part"), 0);
	assert_int_equal(box_number(&none.box, "SELECT sum(flows) FROM rollup_hour"),
			 box_number(&b, "SELECT sum(flows) FROM rollup_hour"));
	sums(&none.box, all);
	assert_int_equal(all[0], 0);
	put_flows(&none.box, tiny_noon_ns - 2 * day_ns, 1, 3); /* ids go on behind */
	assert_true(box_number(&none.box, "SELECT min(id) FROM flow_20261120") > last);
	sums(&none.box, all);
	assert_int_equal(all[0], 3);
	box_free(&s.box);
	box_free(&small.box);
	box_free(&none.box);
	box_free(&b);
	logs_free(&l);
}

/* Rows keep coming for as long as the copy takes. */
struct stream {
	struct box *b;
	_Atomic bool stop;
	uint32_t n;
};

static void keep_putting(void *arg)
{
	struct stream *s = arg;
	while (!s->stop) {
		struct flow f = flow_at(tiny_noon_ns + 100000 + s->n, s->n);
		assert_int_equal(store_put(s->b->st, &flow_record, &f), 0);
		if (++s->n % 500 == 0)
			box_flush(s->b);
	}
	box_flush(s->b);
}

static bool count_calls(void *arg, uint64_t done, uint64_t total)
{
	size_t *n = arg;
	assert_true(done <= total);
	++*n;
	return true;
}

static void the_writer_goes_on_and_the_copy_is_of_one_moment(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct err e = ERR_INIT;
	struct second s;
	struct thread t = { 0 };
	size_t calls = 0;
	fill(&b, &l);
	struct stream stream = { .b = &b };
	assert_int_equal(thread_start(&t, "putting", keep_putting, &stream, &e), 0);
	for (int i = 0; i < 4; i++) {
		uint64_t sum[3];
		box_new(&s.box);
		(void)snprintf(s.file, sizeof(s.file), "%s/tomsd.db", s.box.path);
		if (store_copy(b.st, s.file, UINT64_MAX, count_calls, &calls, &s.out, &e))
			fail_msg("%s", e.text);
		open_copy(&s);
		sums(&s.box, sum);
		assert_int_equal(box_number(&s.box, "SELECT sum(rows) FROM part WHERE record='flow'"),
				 sum[0]);
		box_free(&s.box);
	}
	assert_true(calls > 20);
	stream.stop = true;
	thread_join(&t);
	assert_true(stream.n > 0);
	box_free(&b);
	logs_free(&l);
}

static bool enough(void *arg, uint64_t done, uint64_t total)
{
	int *left = arg;
	(void)done;
	(void)total;
	return --*left > 0;
}

static void a_copy_given_up_leaves_nothing_and_a_leftover_is_replaced(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct second s;
	struct err e = ERR_INIT;
	int left = 5;
	fill(&b, &l);
	box_new(&s.box);
	(void)snprintf(s.file, sizeof(s.file), "%s/tomsd.db", s.box.path);
	assert_int_equal(file_write_durable(s.file, 0600, "rubbish", 7, &e), 0);
	assert_int_equal(store_copy(b.st, s.file, UINT64_MAX, enough, &left, &s.out, &e), -ERR_CLOSED);
	assert_int_equal(file_size(s.file), -1);
	assert_int_equal(store_copy(b.st, s.file, UINT64_MAX, NULL, NULL, &s.out, &e), 0);
	(void)snprintf(s.file, sizeof(s.file), "%s/no/such/folder.db", s.box.path);
	assert_int_not_equal(store_copy(b.st, s.file, UINT64_MAX, NULL, NULL, &s.out, &e), 0);
	box_free(&s.box);
	box_free(&b);
	logs_free(&l);
}

static void a_damaged_copy_is_found(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct second s;
	struct err e = ERR_INIT;
	struct store_copied counted = { 0 };
	fill(&b, &l);
	copy_to(&b, &s, UINT64_MAX);
	struct buf all;
	buf_init(&all, 64 << 20);
	assert_int_equal(file_read(s.file, 64 << 20, &all, &e), 0);
	memset(all.p + all.n / 2 / 4096 * 4096, 0x5a, 4096);
	assert_int_equal(file_write_durable(s.file, 0600, all.p, all.n, &e), 0);
	assert_int_equal(store_count_tables(s.file, sum_tables, &counted, &e), -ERR_CORRUPT);
	assert_int_equal(file_write_durable(s.file, 0600, all.p, all.n / 3, &e), 0);
	assert_int_equal(store_count_tables(s.file, sum_tables, &counted, &e), -ERR_CORRUPT);
	buf_fini(&all);
	box_free(&s.box);
	box_free(&b);
	logs_free(&l);
}

static void a_day_being_dropped_is_not_in_it(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct second s;
	fill(&b, &l);
	int64_t last = box_number(&b, "SELECT last_id FROM part WHERE day=20261120");
	box_close(&b);
	clock_fix(tiny_noon_ns);
	b.conf.disk_limit = 1;
	box_open(&b);
	assert_true(retain_step(b.st)); /* marked */
	copy_to(&b, &s, UINT64_MAX);
	assert_int_equal(s.out.oldest_day, 20261121);
	open_copy(&s);
	assert_int_equal(gone(&s.box, 20261120), last);
	assert_int_equal(
		box_number(&s.box, "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'flow_20261120*'"),
		0);
	box_free(&s.box);
	box_free(&b);
	logs_free(&l);
	clock_fix(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_the_database_and_opens_as_one),
		cmocka_unit_test(days_that_do_not_fit_are_left_out_oldest_first_and_marked),
		cmocka_unit_test(the_writer_goes_on_and_the_copy_is_of_one_moment),
		cmocka_unit_test(a_copy_given_up_leaves_nothing_and_a_leftover_is_replaced),
		cmocka_unit_test(a_damaged_copy_is_found),
		cmocka_unit_test(a_day_being_dropped_is_not_in_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
