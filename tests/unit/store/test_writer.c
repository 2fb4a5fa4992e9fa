/* From store_put to committed rows: ids, days, dictionary, restarts, late rows, new columns. */
#include "tiny.h"

#include "../../../src/store/layout.h"

static void put_n(struct box *b, int64_t at_ns, uint32_t from, uint32_t n, int64_t step_ns)
{
	for (uint32_t i = 0; i < n; i++) {
		struct tiny t = tiny_row(at_ns + i * step_ns, from + i);
		box_put(b, &tiny_record, &t);
	}
}

static void rows_are_durable_after_a_flush(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_n(&b, tiny_noon_ns, 0, 5000, NS_PER_MS);
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 5000);
	assert_int_equal(box_number(&b, "SELECT rows FROM part WHERE record='tiny'"), 5000);
	struct store_stats s;
	store_stats(b.st, &s);
	assert_int_equal(s.rows_total, 5000);
	assert_false(s.failing);
	box_check_integrity(&b);
	box_free(&b);
}

static void rows_of_a_day_lie_in_a_table_of_their_own(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_n(&b, tiny_noon_ns + 12 * 3600 * NS_PER_S - 5 * NS_PER_S, 0, 10, NS_PER_S);
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 5);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261123"), 5);
	box_free(&b);
}

static void ids_rise_in_the_order_of_arrival_and_hold_the_second(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_n(&b, tiny_noon_ns, 0, 10, NS_PER_S);
	put_n(&b, tiny_noon_ns, 10, 10, NS_PER_S); /* late, each a bit less */
	box_flush(&b);
	assert_int_equal(
		box_number(
			&b,
			"SELECT count(*) FROM (SELECT id,note,lag(id)OVER(ORDER BY rowid) p FROM "
			"tiny_20261122) WHERE id<=p"),
		0);
	assert_int_equal(box_number(&b, "SELECT min(id)>>30 FROM tiny_20261122"),
			 tiny_noon_ns / NS_PER_S);
	assert_int_equal(box_number(&b, "SELECT late_s FROM part"), 9);
	assert_int_equal(store_id_day(box_number(&b, "SELECT max(id) FROM tiny_20261122")),
			 20261122);
	/* since and until as ids find every row of the span */
	int64_t since = store_id_floor(tiny_noon_ns + 3 * NS_PER_S);
	char text[200];
	(void)snprintf(text, sizeof(text),
		       "SELECT count(*) FROM tiny_20261122 WHERE id>=%lld AND at_ns>=%lld",
		       (long long)since, (long long)(tiny_noon_ns + 3 * NS_PER_S));
	assert_int_equal(box_number(&b, text), 14);
	box_free(&b);
}

static void text_that_repeats_is_stored_once_a_day(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_n(&b, tiny_noon_ns, 0, 3000, NS_PER_MS);
	box_flush(&b);
	box_again(&b);
	put_n(&b, tiny_noon_ns, 0, 3000, NS_PER_MS);
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122_text"), 300);
	assert_int_equal(
		box_number(
			&b,
			"SELECT count(*) FROM tiny_20261122 r JOIN tiny_20261122_text t ON t.id=r.name"
			" WHERE t.s='Host7.example.jp'"),
		20);
	box_free(&b);
}

static void rows_with_absurd_times_are_stored_in_their_own_days(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	static const int64_t odd[] = { INT64_MIN, -1, 0, 1, NS_PER_S, INT64_MAX, INT64_MAX - 1 };
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct tiny t = tiny_row(odd[i], (uint32_t)i);
		box_put(&b, &tiny_record, &t);
	}
	put_n(&b, tiny_noon_ns, 100, 10, NS_PER_S);
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT sum(rows) FROM part"), 17);
	assert_int_equal(box_number(&b, "SELECT rows FROM part WHERE day=19700101"), 5);
	assert_int_equal(box_number(&b, "SELECT rows FROM part WHERE day=20261122"), 10);
	box_check_integrity(&b);
	box_free(&b);
}

static void rows_come_back_as_they_were(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	struct tiny in[4];
	for (uint32_t i = 0; i < 4; i++)
		in[i] = tiny_row(tiny_noon_ns + i, i);
	in[1].bytes = UINT64_MAX;
	in[1].who = addr_v4(0xc0a80001u);
	assert_int_equal(addr_parse(STR("2001:db8::7"), &in[2].who), 0);
	memset(&in[3], 0, sizeof(in[3]));
	in[3].at_ns = tiny_noon_ns + 9;
	memset(in[2].mac, 0xff, 6);
	assert_int_equal(store_put_many(b.st, &tiny_record, in, 4), 0);
	box_flush(&b);
	struct sql *db;
	struct part_view *v;
	assert_int_equal(store_read_begin(b.st, 0, &db, &e), 0);
	const struct plan *p = store_plan(b.st, &tiny_record, &e);
	assert_non_null(p);
	assert_int_equal(part_view_new(&v, db, p, 20261122, NULL, &e), 0);
	assert_int_equal(part_view_walk(v, 0, INT64_MAX, false, &e), 0);
	for (int i = 0; i < 4; i++) {
		struct tiny out;
		int64_t id;
		assert_int_equal(part_view_next(v, &id, &e), 1);
		assert_int_equal(part_view_row(v, &out, &e), 0);
		assert_int_equal(out.id, id);
		in[i].id = out.id;
		assert_memory_equal(&out, &in[i], sizeof(out));
	}
	int64_t id;
	assert_int_equal(part_view_next(v, &id, &e), 0);
	part_view_free(v);
	store_read_end(b.st, db);
	box_free(&b);
}

static void a_new_column_joins_the_open_day_and_is_unknown_before(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	struct record older = tiny_record;
	older.n_cols--; /* without the note */
	for (uint32_t i = 0; i < 100; i++) {
		struct tiny t = tiny_row(tiny_noon_ns + i, i);
		box_put(&b, &older, &t);
	}
	box_flush(&b);
	box_again(&b);
	put_n(&b, tiny_noon_ns + 1000, 100, 100, 1);
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 200);
	assert_int_equal(
		box_number(&b, "SELECT count(*) FROM tiny_20261122 WHERE note IS NULL"), 100);
	box_free(&b);
}

static int add_meta(struct sql *db, void *arg, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, "INSERT INTO store_meta VALUES(?,1)", &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(arg));
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int add_meta_and_fail(struct sql *db, void *arg, struct err *e)
{
	int rc = add_meta(db, arg, e);
	return rc ? rc : err_set(e, ERR_RANGE, "no, after all");
}

static void wishes_of_other_rooms_are_committed_or_rolled_back(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	box_new(&b);
	box_open(&b);
	assert_int_equal(store_write(b.st, add_meta, (void *)(uintptr_t) "before", &e), 0);
	box_start(&b);
	put_n(&b, tiny_noon_ns, 0, 100, 1);
	assert_int_equal(store_write(b.st, add_meta, (void *)(uintptr_t) "one", &e), 0);
	assert_int_equal(store_write(b.st, add_meta_and_fail, (void *)(uintptr_t) "two", &e),
			 -ERR_RANGE);
	assert_string_equal(e.text, "no, after all");
	assert_int_equal(store_write(b.st, add_meta, (void *)(uintptr_t) "one", &e),
			 -ERR_EXISTS);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM store_meta WHERE value=1"), 2);
	box_free(&b);
}

static void the_end_of_the_store_writes_what_is_in_the_inbox(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	b.conf.commit_every_ns = 60 * NS_PER_S;
	box_open(&b);
	box_start(&b);
	put_n(&b, tiny_noon_ns, 0, 1000, 1);
	store_stop(b.st);
	struct tiny t = tiny_row(tiny_noon_ns, 1);
	assert_int_equal(store_put(b.st, &tiny_record, &t), -ERR_CLOSED);
	box_again(&b);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 1000);
	box_free(&b);
}

static void a_reader_past_its_deadline_is_ended(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *s;
	box_new(&b);
	box_open(&b);
	assert_int_equal(store_read_begin(b.st, clock_mono_ns() + 20 * NS_PER_MS, &db, &e), 0);
	assert_int_equal(
		sql_prepare(db,
			    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n)"
			    " SELECT count(*) FROM n",
			    &s, &e),
		0);
	assert_int_equal(stmt_step(s, &e), -ERR_TIMEOUT);
	stmt_done(s);
	store_read_end(b.st, db);
	assert_int_equal(box_number(&b, "SELECT 7"), 7);
	box_free(&b);
}

static void a_reader_cannot_write(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	struct sql *db;
	box_new(&b);
	box_open(&b);
	assert_int_equal(store_read_begin(b.st, 0, &db, &e), 0);
	assert_int_not_equal(sql_exec(db, "DELETE FROM store_meta", &e), 0);
	store_read_end(b.st, db);
	box_free(&b);
}

static void more_readers_than_the_pool_has_wait_for_one(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	struct sql *one, *two, *three;
	box_new(&b);
	b.conf.readers = 2;
	box_open(&b);
	assert_int_equal(store_read_begin(b.st, 0, &one, &e), 0);
	assert_int_equal(store_read_begin(b.st, 0, &two, &e), 0);
	assert_int_equal(store_read_begin(b.st, clock_mono_ns() + 10 * NS_PER_MS, &three, &e),
			 -ERR_TIMEOUT);
	store_read_end(b.st, two);
	assert_int_equal(store_read_begin(b.st, clock_mono_ns() + 10 * NS_PER_MS, &three, &e),
			 0);
	store_read_end(b.st, one);
	store_read_end(b.st, three);
	box_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_durable_after_a_flush),
		cmocka_unit_test(rows_of_a_day_lie_in_a_table_of_their_own),
		cmocka_unit_test(ids_rise_in_the_order_of_arrival_and_hold_the_second),
		cmocka_unit_test(text_that_repeats_is_stored_once_a_day),
		cmocka_unit_test(rows_with_absurd_times_are_stored_in_their_own_days),
		cmocka_unit_test(rows_come_back_as_they_were),
		cmocka_unit_test(a_new_column_joins_the_open_day_and_is_unknown_before),
		cmocka_unit_test(wishes_of_other_rooms_are_committed_or_rolled_back),
		cmocka_unit_test(the_end_of_the_store_writes_what_is_in_the_inbox),
		cmocka_unit_test(a_reader_past_its_deadline_is_ended),
		cmocka_unit_test(a_reader_cannot_write),
		cmocka_unit_test(more_readers_than_the_pool_has_wait_for_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
