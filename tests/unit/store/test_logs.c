/* Rows with a tail: a log line comes back byte for byte from wherever rows come out of the store. */
#include "../../tools/gen_logs.h"
#include "tiny.h"

enum { MANY = 3000 };

static struct gen_logs generator(uint64_t seed)
{
	return (struct gen_logs){ { seed, tiny_noon_ns, 5 * NS_PER_MS }, 1000, 0 };
}

/* Rows made again from the same seed, in the order put; ids rise with them. */
struct again {
	struct gen_logs g;
	union gen_log row;
	int64_t last_id;
	size_t n;
};

static void same_log(const struct log *have, struct log *want)
{
	want->id = have->id;
	assert_int_equal(have->line_n, want->line_n);
	assert_memory_equal(have, want, record_bytes(&log_record, want));
}

static int take_next(void *arg, const void *row)
{
	struct again *a = arg;
	const struct log *have = row;
	memset(&a->row, 0, sizeof(a->row));
	gen_log(&a->g, &a->row);
	assert_true(have->id > a->last_id);
	a->last_id = have->id;
	a->n++;
	same_log(have, &a->row.row);
	return 0;
}

static void put_logs(struct box *b, struct gen_logs *g, size_t n, size_t flush_every)
{
	static union gen_log row;
	for (size_t i = 0; i < n; i++) {
		memset(&row, 0, sizeof(row));
		gen_log(g, &row);
		box_put(b, &log_record, &row);
		if (flush_every && i % flush_every == flush_every - 1)
			box_flush(b);
	}
	box_flush(b);
}

static void ask(struct box *b, const char *words, size_t limit,
		  int (*row)(void *, const void *), void *arg)
{
	struct query q = { .record = &log_record, .until_ns = INT64_MAX, .sort = QUERY_OLDEST };
	struct query_page_info info;
	struct err e = ERR_INIT;
	if (query_parse(&q, str_of(words), &e) ||
	    store_query(b->st, &q, limit, 0, row, arg, &info, &e))
		fail_msg("%s", e.text);
	assert_true(info.complete);
}

static void lines_come_back_byte_for_byte(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	struct gen_logs g = generator(1);
	put_logs(&b, &g, MANY, 0);
	struct again a = { .g = generator(1) };
	ask(&b, "", 0, take_next, &a);
	assert_int_equal(a.n, MANY);
	box_again(&b); /* and after a start */
	a = (struct again){ .g = generator(1) };
	ask(&b, "", 0, take_next, &a);
	assert_int_equal(a.n, MANY);
	box_check_integrity(&b);
	box_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back_byte_for_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
