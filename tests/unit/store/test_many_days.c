/* A search over more days than it keeps open at once: two months of a quiet house. */
#include "tiny.h"

enum { DAYS = 60, ROWS_A_DAY = 40, ROWS = DAYS * ROWS_A_DAY };

static struct box b;
static struct tiny rows[ROWS];

struct list {
	struct tiny row[ROWS];
	size_t n;
};

static int take(void *arg, const void *row)
{
	struct list *l = arg;

	assert_true(l->n < ROWS);
	l->row[l->n++] = *(const struct tiny *)row;
	return 0;
}

static struct list *all_of(const char *words, enum query_sort sort, size_t page)
{
	static struct list l;
	struct query q = { .record = &tiny_record, .until_ns = INT64_MAX, .sort = sort };
	struct query_page_info info;
	struct err e = ERR_INIT;

	l.n = 0;
	if (query_parse(&q, str_of(words), &e))
		fail_msg("%s", e.text);
	do {
		if (store_query(b.st, &q, page, 0, take, &l, &info, &e))
			fail_msg("%s", e.text);
		memcpy(q.cursor, info.next, sizeof(q.cursor));
	} while (info.more);
	return &l;
}

static void the_newest_first_over_all_days(void **state)
{
	struct list *l = all_of("", QUERY_NEWEST, 77);

	(void)state;
	assert_int_equal(l->n, ROWS);
	for (size_t i = 0; i < ROWS; i++)
		assert_int_equal(l->row[i].at_ns, rows[ROWS - 1 - i].at_ns);
	l = all_of("", QUERY_OLDEST, 0);
	assert_int_equal(l->n, ROWS);
	for (size_t i = 0; i < ROWS; i++)
		assert_int_equal(l->row[i].at_ns, rows[i].at_ns);
}

static void the_largest_first_whatever_their_day(void **state)
{
	struct list *l = all_of("", QUERY_BYTES, 500);

	(void)state;
	assert_int_equal(l->n, ROWS);
	for (size_t i = 1; i < ROWS; i++)
		assert_true(l->row[i - 1].bytes >= l->row[i].bytes);
	/* neighbours of the list lie days apart: it went to and fro between them */
	assert_true(llabs(l->row[0].at_ns - l->row[1].at_ns) > 86400 * NS_PER_S);
}

static void a_rare_host_is_found_on_the_day_it_was_there(void **state)
{
	size_t n = 0;
	struct list *l = all_of("source.ip:10.0.0.7", QUERY_NEWEST, 5);

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		n += addr_v4_of(&rows[i].who) == 0x0a000007u;
	assert_true(n > 0);
	assert_int_equal(l->n, n);
}

static int fill(void **state)
{
	(void)state;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (uint32_t i = 0; i < ROWS; i++) {
		int64_t at = tiny_noon_ns + (int64_t)(i / ROWS_A_DAY) * 86400 * NS_PER_S +
			     (int64_t)(i % ROWS_A_DAY) * NS_PER_S;

		rows[i] = tiny_row(at, i);
		box_put(&b, &tiny_record, &rows[i]);
	}
	box_flush(&b);
	return 0;
}

static int clear(void **state)
{
	(void)state;
	box_free(&b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_first_over_all_days),
		cmocka_unit_test(the_largest_first_whatever_their_day),
		cmocka_unit_test(a_rare_host_is_found_on_the_day_it_was_there),
	};

	return cmocka_run_group_tests(tests, fill, clear);
}
