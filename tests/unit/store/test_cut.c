/* Cuts: each row is told exactly once, whatever is dropped, late, restarted or restored in between. */
#include "logs.h"

#include "../../tools/gen_flows.h"
#include "../../../src/store/inside.h"
#include "tomsd/store/cut.h"

static const int64_t day_ns = INT64_C(86400) * NS_PER_S;

enum { SPANS_MAX = 16 };
struct cut {
	struct store_span spans[SPANS_MAX];
	size_t n;
	bool release;
};

static int note_span(void *arg, const struct store_span *s)
{
	struct cut *c = arg;
	assert_true(c->n < SPANS_MAX);
	c->spans[c->n++] = *s;
	return 0;
}

static int do_cut(struct sql *db, void *arg, struct err *e)
{
	struct cut *c = arg;
	c->n = 0;
	int rc = store_cut(db, note_span, c, e);
	for (size_t i = 0; !rc && c->release && i < c->n; i++)
		rc = store_cut_release(db, &c->spans[i], e);
	return rc;
}

static struct cut cut(struct box *b, bool release)
{
	struct err e = ERR_INIT;
	struct cut c = { .release = release };
	if (store_write(b->st, do_cut, &c, &e))
		fail_msg("%s", e.text);
	return c;
}

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

struct seen {
	uint32_t first, n; /* flows with src_bytes first, first + 1 ... */
	int64_t last_id;
};

static int see_flow(void *arg, const void *row)
{
	struct seen *s = arg;
	const struct flow *f = row;
	assert_int_equal(f->src_bytes, s->first + s->n);
	assert_true(f->id > s->last_id);
	s->last_id = f->id;
	s->n++;
	return 0;
}

/* The span has the flows first, first + 1 ... and no others. */
static void check_span(struct box *b, const struct store_span *s, uint32_t first, uint32_t n)
{
	struct err e = ERR_INIT;
	struct seen seen = { .first = first, .last_id = s->after };
	assert_ptr_equal(s->record, &flow_record);
	assert_int_equal(s->rows, n);
	if (store_span_rows(b->st, s, see_flow, &seen, &e))
		fail_msg("%s", e.text);
	assert_int_equal(seen.n, n);
	assert_int_equal(seen.last_id, s->last);
}

static uint64_t uncut(struct box *b)
{
	struct err e = ERR_INIT;
	struct sql *db;
	uint64_t n = 0;
	assert_int_equal(store_read_begin(b->st, 0, &db, &e), 0);
	assert_int_equal(store_uncut(db, &n, &e), 0);
	store_read_end(b->st, db);
	return n;
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

static void each_row_is_in_one_cut_and_no_other(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	assert_int_equal(cut(&b, false).n, 0);
	put_flows(&b, tiny_noon_ns, 0, 100);
	assert_int_equal(uncut(&b), 100);
	struct cut one = cut(&b, false);
	assert_int_equal(one.n, 1);
	assert_int_equal(one.spans[0].day, 20261122);
	assert_int_equal(one.spans[0].after, 0);
	check_span(&b, &one.spans[0], 0, 100);
	assert_int_equal(uncut(&b), 0);
	assert_int_equal(cut(&b, false).n, 0);
	put_flows(&b, tiny_noon_ns - day_ns, 100, 7); /* late, of another day */
	put_flows(&b, tiny_noon_ns - 5, 107, 50);
	box_again(&b);
	put_flows(&b, tiny_noon_ns - 5, 157, 50);
	struct cut two = cut(&b, false);
	assert_int_equal(two.n, 2);
	check_span(&b, &two.spans[0], 100, 7);
	check_span(&b, &two.spans[1], 107, 100);
	check_span(&b, &one.spans[0], 0, 100); /* a cut reads the same for ever */
	box_free(&b);
}

static int refuse(void *arg, const struct store_span *s)
{
	(void)s;
	return *(int *)arg;
}

static int refused_cut(struct sql *db, void *arg, struct err *e)
{
	return store_cut(db, refuse, arg, e);
}

static void a_cut_that_fails_moves_nothing(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct box b;
	int why = -ERR_FULL;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_flows(&b, tiny_noon_ns, 0, 10);
	assert_int_equal(store_write(b.st, refused_cut, &why, &e), -ERR_FULL);
	struct cut c = cut(&b, false);
	assert_int_equal(c.n, 1);
	check_span(&b, &c.spans[0], 0, 10);
	box_free(&b);
}

static int run_steps(struct box *b)
{
	int n = 0;
	while (retain_step(b->st))
		n++;
	return n;
}

static int64_t days_there(struct box *b)
{
	return box_number(b, "SELECT count(*) FROM part WHERE dropping=0");
}

/* Three days, the newest of them now. */
static void three_days(struct box *b)
{
	box_new(b);
	clock_fix(tiny_noon_ns - 2 * day_ns);
	box_open(b);
	box_start(b);
	for (int d = 2; d >= 0; d--) {
		clock_fix(tiny_noon_ns - d * day_ns);
		put_flows(b, tiny_noon_ns - d * day_ns, (uint32_t)(2 - d) * 5000, 5000);
	}
}

static void a_day_that_is_not_sealed_stays_and_health_says_so(void **state)
{
	(void)state;
	struct box b;
	three_days(&b);
	struct cut c = cut(&b, false);
	assert_int_equal(c.n, 3);
	box_close(&b);
	b.conf.retention_ns = day_ns / 2;
	box_open(&b);
	store_keep_unsealed(b.st);
	run_steps(&b);
	assert_int_equal(days_there(&b), 3);
	assert_non_null(strstr(b.st->notice, "flow of 2026-11-20 stays"));
	assert_non_null(strstr(b.st->notice, "[store] retention"));
	b.st->notice[0] = '\0';
	b.st->retain.next_look_mono_ns = 0;
	run_steps(&b);
	assert_string_equal(b.st->notice, ""); /* said once */
	c = cut(&b, true);
	assert_int_equal(c.n, 0);
	b.st->retain.next_look_mono_ns = 0;
	run_steps(&b);
	assert_int_equal(days_there(&b), 3); /* cut, but not released */
	box_free(&b);
	clock_fix(0);
}

static void room_is_made_of_sealed_days_only(void **state)
{
	(void)state;
	struct box b;
	three_days(&b);
	(void)cut(&b, true);
	put_flows(&b, tiny_noon_ns - 2 * day_ns + 9999, 15000, 1); /* the oldest has a late row */
	box_close(&b);
	b.conf.disk_limit = 1;
	box_open(&b);
	store_keep_unsealed(b.st);
	run_steps(&b);
	assert_int_equal(days_there(&b), 2);
	assert_int_equal(box_number(&b, "SELECT min(day) FROM part"), 20261120);
	assert_non_null(strstr(b.st->notice, "flow of 2026-11-20 stays"));
	assert_non_null(strstr(b.st->notice, "disk"));
	struct cut c = cut(&b, true);
	assert_int_equal(c.n, 1);
	check_span(&b, &c.spans[0], 15000, 1);
	b.st->retain.next_look_mono_ns = 0;
	run_steps(&b);
	assert_int_equal(days_there(&b), 1);
	assert_null(strstr(b.st->notice, "stays"));
	box_free(&b);
	clock_fix(0);
}

static void late_rows_of_a_dropped_day_get_new_ids_and_a_later_cut(void **state)
{
	(void)state;
	struct box b;
	three_days(&b);
	struct cut before = cut(&b, true);
	box_close(&b);
	b.conf.retention_ns = day_ns / 2;
	box_open(&b);
	store_keep_unsealed(b.st);
	run_steps(&b);
	assert_int_equal(days_there(&b), 1);
	assert_int_equal(gone(&b, 20261120), before.spans[0].last);
	assert_int_equal(gone(&b, 20261121), before.spans[1].last);
	assert_int_equal(gone(&b, 20261122), 0);
	b.st->conf.retention_ns = 0;
	box_start(&b);
	put_flows(&b, tiny_noon_ns - 2 * day_ns - 100, 20000, 30); /* earlier than all before */
	assert_int_equal(uncut(&b), 30);
	struct cut late = cut(&b, true);
	assert_int_equal(late.n, 1);
	assert_int_equal(late.spans[0].after, before.spans[0].last);
	check_span(&b, &late.spans[0], 20000, 30);
	assert_int_equal(gone(&b, 20261120), before.spans[0].last);
	box_check_integrity(&b);
	box_free(&b);
	clock_fix(0);
}

static void a_day_half_dropped_and_taken_back_loses_no_row_of_a_cut(void **state)
{
	(void)state;
	struct box b;
	three_days(&b);
	struct cut before = cut(&b, true);
	box_close(&b);
	b.conf.retention_ns = day_ns + day_ns / 2;
	box_open(&b);
	store_keep_unsealed(b.st);
	assert_true(retain_step(b.st)); /* marked */
	assert_true(retain_step(b.st)); /* 4,000 rows */
	b.st->conf.retention_ns = 0;
	box_start(&b);
	put_flows(&b, tiny_noon_ns - 2 * day_ns + 5, 20000, 30);
	assert_int_equal(days_there(&b), 3);
	assert_in_range(gone(&b, 20261120), before.spans[0].after + 1, before.spans[0].last - 1);
	assert_int_equal(uncut(&b), 30);
	struct cut late = cut(&b, true);
	assert_int_equal(late.n, 1);
	check_span(&b, &late.spans[0], 20000, 30);
	box_free(&b);
	clock_fix(0);
}

static void rows_dropped_without_an_archive_are_not_cut_later(void **state)
{
	(void)state;
	struct box b;
	three_days(&b);
	box_close(&b);
	b.conf.retention_ns = day_ns + day_ns / 2;
	box_open(&b);
	assert_true(retain_step(b.st));
	assert_true(retain_step(b.st));
	box_close(&b);
	box_open(&b);
	store_keep_unsealed(b.st); /* from now on what is left of it stays */
	run_steps(&b);
	assert_int_equal(days_there(&b), 3);
	struct cut c = cut(&b, false);
	assert_int_equal(c.n, 3);
	check_span(&b, &c.spans[0], 4000, 1000);
	check_span(&b, &c.spans[1], 5000, 5000);
	box_free(&b);
	clock_fix(0);
}

struct mark {
	int32_t day;
	int64_t last;
};

static int do_mark(struct sql *db, void *arg, struct err *e)
{
	const struct mark *m = arg;
	return store_mark_gone(db, &flow_record, m->day, m->last, e);
}

static void mark(struct box *b, int32_t day, int64_t last)
{
	struct err e = ERR_INIT;
	struct mark m = { day, last };
	if (store_write(b->st, do_mark, &m, &e))
		fail_msg("%s", e.text);
}

/* A restored store is a copy of an older moment. */
static void after_a_restore_ids_go_on_behind_those_of_the_archive(void **state)
{
	(void)state;
	struct box b;
	three_days(&b);
	struct cut c = cut(&b, true);
	put_flows(&b, tiny_noon_ns + 10000, 15000, 10); /* not cut, and the archive has twenty more */
	int64_t last = c.spans[2].last, archived = last + 30;
	mark(&b, 20261122, archived);
	mark(&b, 20261121, c.spans[1].last);
	mark(&b, 20261118, INT64_C(1794960000) << 30);
	assert_int_equal(gone(&b, 20261122), archived);
	assert_int_equal(gone(&b, 20261121), 0); /* whole */
	assert_int_equal(gone(&b, 20261118), INT64_C(1794960000) << 30);
	assert_int_equal(uncut(&b), 0);
	put_flows(&b, tiny_noon_ns, 16000, 40);
	put_flows(&b, tiny_noon_ns - day_ns + 6000, 17000, 3);
	assert_int_equal(uncut(&b), 43);
	c = cut(&b, true);
	assert_int_equal(c.n, 2);
	check_span(&b, &c.spans[0], 17000, 3);
	check_span(&b, &c.spans[1], 16000, 40);
	assert_int_equal(c.spans[1].after, archived);
	box_check_integrity(&b);
	box_free(&b);
	clock_fix(0);
}

static void what_the_archive_has_of_rows_never_cut_here_is_not_cut_again(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	three_days(&b);
	struct cut c = cut(&b, true);
	put_flows(&b, tiny_noon_ns + 10000, 15000, 100);
	mark(&b, 20261122, c.spans[2].last + 60);
	assert_int_equal(gone(&b, 20261122), 0);
	c = cut(&b, true);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.spans[0].rows, -1);
	struct seen seen = { .first = 15060 };
	assert_int_equal(store_span_rows(b.st, &c.spans[0], see_flow, &seen, &e), 0);
	assert_int_equal(seen.n, 40);
	put_flows(&b, tiny_noon_ns + 20000, 15100, 5);
	c = cut(&b, true);
	check_span(&b, &c.spans[0], 15100, 5);
	box_free(&b);
	clock_fix(0);
}

struct lines {
	const struct logs *l;
	size_t n;
	int64_t last_id;
};

static int see_line(void *arg, const void *row)
{
	struct lines *s = arg;
	const struct log *have = row;
	assert_true(s->n < s->l->n);
	const struct log *want = s->l->rows[s->n++];
	struct str a = record_tail_of(&log_record, have), b = record_tail_of(&log_record, want);
	assert_true(str_eq(a, b));
	assert_int_equal(have->at_ns, want->at_ns);
	assert_true(have->id > s->last_id);
	s->last_id = have->id;
	return 0;
}

static void lines_come_whole_and_in_order_while_packs_are_put_together(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct err e = ERR_INIT;
	logs_make(&l, 5, 3000);
	box_new(&b);
	box_open(&b);
	box_start(&b);
	logs_put(&b, &l, 0, 1500, 37);
	struct cut one = cut(&b, false);
	logs_put(&b, &l, 1500, 3000, 37);
	struct cut two = cut(&b, false);
	assert_int_equal(one.n, 1);
	assert_int_equal(two.n, 1);
	assert_int_equal(one.spans[0].rows, 1500);
	assert_int_equal(two.spans[0].rows, 1500);
	struct lines s = { .l = &l };
	if (store_span_rows(b.st, &one.spans[0], see_line, &s, &e) ||
	    store_span_rows(b.st, &two.spans[0], see_line, &s, &e))
		fail_msg("%s", e.text);
	assert_int_equal(s.n, 3000);
	box_free(&b);
	logs_free(&l);
}

static int harm(struct sql *db, void *arg, struct err *e)
{
	return sql_exec(db, arg, e);
}

static int count_line(void *arg, const void *row)
{
	size_t *n = arg;
	(void)row;
	++*n;
	return 0;
}

static void a_span_goes_on_past_packs_that_cannot_be_read(void **state)
{
	static const char *const harms[] = {
		"UPDATE log_20261122 SET cols=x'01ff' WHERE n=100",
		"UPDATE log_20261122 SET lines=cols WHERE n=100",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(harms); i++) {
		struct box b;
		struct logs l;
		struct err e = ERR_INIT;
		uint64_t unreadable = 0;
		size_t n = 0;
		logs_make(&l, 5, 1000);
		box_new(&b);
		box_open(&b);
		box_start(&b);
		logs_put(&b, &l, 0, 200, 0);
		logs_put(&b, &l, 200, 300, 0);
		logs_put(&b, &l, 300, 500, 0);
		logs_put(&b, &l, 500, 600, 0); /* the last one, too */
		struct cut c = cut(&b, false);
		assert_int_equal(store_write(b.st, harm, (void *)(uintptr_t)harms[i], &e), 0);
		assert_int_equal(store_span_rows(b.st, &c.spans[0], count_line, &n, &e), -ERR_CORRUPT);
		n = 0;
		if (store_span_rows_past(b.st, &c.spans[0], count_line, &n, &unreadable, &e))
			fail_msg("%s", e.text);
		assert_int_equal(n, 400);
		assert_int_equal(unreadable, 2);
		box_free(&b);
		logs_free(&l);
	}
}

static int stop_at(void *arg, const void *row)
{
	int *left = arg;
	(void)row;
	return --*left ? 0 : -ERR_CLOSED;
}

static void a_span_ends_when_its_reader_says_so_and_does_not_hold_the_log(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	int left = 21000; /* in its second piece */
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_flows(&b, tiny_noon_ns, 0, 25000);
	struct cut c = cut(&b, false);
	assert_int_equal(store_span_rows(b.st, &c.spans[0], stop_at, &left, &e), -ERR_CLOSED);
	assert_int_equal(left, 0);
	check_span(&b, &c.spans[0], 0, 25000);
	box_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_in_one_cut_and_no_other),
		cmocka_unit_test(a_cut_that_fails_moves_nothing),
		cmocka_unit_test(a_day_that_is_not_sealed_stays_and_health_says_so),
		cmocka_unit_test(room_is_made_of_sealed_days_only),
		cmocka_unit_test(late_rows_of_a_dropped_day_get_new_ids_and_a_later_cut),
		cmocka_unit_test(a_day_half_dropped_and_taken_back_loses_no_row_of_a_cut),
		cmocka_unit_test(rows_dropped_without_an_archive_are_not_cut_later),
		cmocka_unit_test(after_a_restore_ids_go_on_behind_those_of_the_archive),
		cmocka_unit_test(what_the_archive_has_of_rows_never_cut_here_is_not_cut_again),
		cmocka_unit_test(lines_come_whole_and_in_order_while_packs_are_put_together),
		cmocka_unit_test(a_span_goes_on_past_packs_that_cannot_be_read),
		cmocka_unit_test(a_span_ends_when_its_reader_says_so_and_does_not_hold_the_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
