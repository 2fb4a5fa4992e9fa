/* Series and top lists against plain GROUP BY over the same tables. */
#include "../../tools/gen_flows.h"
#include "tiny.h"

enum { ROWS = 30000 };

static struct box b;
static int64_t first_ns, last_ns;

struct got {
	struct rollup_row row[6000];
	size_t n;
};

static int take(void *arg, const struct rollup_row *r)
{
	struct got *g = arg;

	assert_true(g->n < ARRAY_LEN(g->row));
	g->row[g->n++] = *r;
	return 0;
}

static struct got series(enum rollup_dim dim, int64_t since, int64_t until, size_t buckets,
			 size_t keys, int64_t *step)
{
	static struct got g;
	struct err e = ERR_INIT;

	g.n = 0;
	if (store_series(b.st, dim, since, until, buckets, keys, 0, step, take, &g, &e))
		fail_msg("%s", e.text);
	return g;
}

static struct got top(enum rollup_dim dim, int64_t since, int64_t until, size_t n)
{
	static struct got g;
	struct err e = ERR_INIT;

	g.n = 0;
	if (store_top(b.st, dim, since, until, n, 0, take, &g, &e))
		fail_msg("%s", e.text);
	return g;
}

static uint64_t bytes_of(const struct got *g)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < g->n; i++)
		sum += g->row[i].bytes_out + g->row[i].bytes_in;
	return sum;
}

static int64_t ask(const char *what, const char *table, int dim, int64_t from_s, int64_t to_s)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "SELECT %s FROM %s WHERE dim=%d AND at>=%lld AND at<%lld", what, table,
		       dim, (long long)from_s, (long long)to_s);
	return box_number(&b, text);
}

static void the_top_list_has_the_largest_first(void **state)
{
	int64_t from = first_ns / NS_PER_S - first_ns / NS_PER_S % 3600, to = from + 5 * 3600;
	struct got g = top(ROLLUP_APP, from * NS_PER_S, to * NS_PER_S, 5);

	(void)state;
	assert_int_equal(g.n, 5);
	for (size_t i = 0; i < g.n; i++) {
		char text[256];

		assert_true(!i || g.row[i - 1].bytes_out + g.row[i - 1].bytes_in >=
					  g.row[i].bytes_out + g.row[i].bytes_in);
		assert_int_equal(g.row[i].at_ns, 0);
		(void)snprintf(text, sizeof(text), "sum((bytes_out+bytes_in)*(key='%s'))",
			       g.row[i].key);
		assert_int_equal(g.row[i].bytes_out + g.row[i].bytes_in,
				 ask(text, "rollup_hour", 2, from, to));
	}
	g = top(ROLLUP_APP, from * NS_PER_S, to * NS_PER_S, 1000);
	assert_int_equal(bytes_of(&g),
			 ask("sum(bytes_out+bytes_in)", "rollup_hour", 2, from, to));
}

static void addresses_read_as_addresses(void **state)
{
	struct got g = top(ROLLUP_HOST, 0, INT64_MAX, 10);
	struct addr a;

	(void)state;
	assert_int_equal(g.n, 10);
	for (size_t i = 0; i < g.n; i++)
		assert_int_equal(addr_parse(str_of(g.row[i].key), &a), 0);
	g = top(ROLLUP_DIRECTION, 0, INT64_MAX, 10);
	assert_int_equal(g.n, 2);
	assert_true(strcmp(g.row[0].key, "internal") == 0 ||
		    strcmp(g.row[0].key, "outbound") == 0);
	g = top(ROLLUP_TOTAL, 0, INT64_MAX, 10);
	assert_int_equal(g.n, 1);
	assert_string_equal(g.row[0].key, "");
	assert_int_equal(bytes_of(&g),
			 ask("sum(bytes_out+bytes_in)", "rollup_minute", 0, 0, INT32_MAX));
}

static void a_span_that_begins_anywhere_is_cut_out_of_minutes_and_hours(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 40; i++) {
		int64_t since = first_ns / NS_PER_S + i * 397, until = since + 60 + i * 731;
		int64_t from = since - since % 60, to = until + (60 - until % 60) % 60;
		struct got g = top(ROLLUP_TOTAL, since * NS_PER_S, until * NS_PER_S, 1);

		assert_int_equal(bytes_of(&g), ask("ifnull(sum(bytes_out+bytes_in),0)",
						   "rollup_minute", 0, from, to));
	}
}

static void a_series_adds_up_to_the_whole_at_every_step(void **state)
{
	static const size_t buckets[] = { 720, 100, 20, 8, 3 };
	int64_t step, before = 0;

	(void)state;
	for (int dim = ROLLUP_TOTAL; dim <= ROLLUP_PEER; dim++) {
		before = 0;
		for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
			struct got g = series((enum rollup_dim)dim, first_ns, last_ns + 1,
					      buckets[i], 3, &step);
			int64_t want = ask("sum(bytes_out+bytes_in)", "rollup_hour", dim, 0,
					   INT32_MAX);

			assert_true(step >= before && step % (60 * NS_PER_S) == 0);
			before = step;
			assert_int_equal(bytes_of(&g), want);
			for (size_t k = 0; k < g.n; k++) {
				assert_int_equal(g.row[k].at_ns % step, 0);
				assert_true(!k || g.row[k].at_ns >= g.row[k - 1].at_ns);
				assert_true((g.row[k].at_ns - g.row[0].at_ns) / step <
					    (int64_t)buckets[i]);
			}
		}
	}
}

static void a_series_names_the_largest_keys_and_adds_the_rest(void **state)
{
	int64_t step;
	struct got largest = top(ROLLUP_APP, first_ns, last_ns + 1, 3);
	struct got g = series(ROLLUP_APP, first_ns, last_ns + 1, 200, 3, &step);
	uint64_t others = 0;

	(void)state;
	for (size_t i = 0; i < g.n; i++) {
		bool known = strcmp(g.row[i].key, "other") == 0;

		others += known;
		for (size_t k = 0; k < largest.n; k++)
			known |= strcmp(g.row[i].key, largest.row[k].key) == 0;
		assert_true(known);
	}
	assert_true(others > 0);
}

static const struct rollup_row *same_moment(const struct got *g, const struct rollup_row *r)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->row[i].at_ns == r->at_ns && strcmp(g->row[i].key, r->key) == 0)
			return &g->row[i];
	}
	return NULL;
}

/* A few applications are read in another way than many. */
static void few_keys_and_many_keys_agree(void **state)
{
	static const size_t buckets[] = { 720, 20, 3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
		int64_t step, other_step;
		struct got few =
			series(ROLLUP_APP, first_ns, last_ns + 1, buckets[i], 4, &step);
		struct got many =
			series(ROLLUP_APP, first_ns, last_ns + 1, buckets[i], 100, &other_step);

		assert_int_equal(step, other_step);
		for (size_t k = 0; k < few.n; k++) {
			const struct rollup_row *r = same_moment(&many, &few.row[k]);

			if (strcmp(few.row[k].key, "other") == 0)
				continue;
			assert_non_null(r);
			assert_memory_equal(r, &few.row[k], sizeof(*r));
		}
	}
}

static void a_span_without_rows_is_empty_and_a_wrong_one_an_error(void **state)
{
	struct err e = ERR_INIT;
	int64_t step;
	struct got g = series(ROLLUP_APP, first_ns - 1000 * 86400 * NS_PER_S,
			      first_ns - 900 * 86400 * NS_PER_S, 720, 5, &step);

	(void)state;
	assert_int_equal(g.n, 0);
	g = top(ROLLUP_PEER, last_ns + 1000 * 86400 * NS_PER_S, INT64_MAX, 5);
	assert_int_equal(g.n, 0);
	assert_int_equal(store_top(b.st, ROLLUP_APP, 5, 5, 1, 0, take, &g, &e), -ERR_INVALID);
	assert_int_equal(store_series(b.st, ROLLUP_APP, 6, 5, 1, 1, 0, &step, take, &g, &e),
			 -ERR_INVALID);
}

static int fill(void **state)
{
	struct gen_flows g = { 5, tiny_noon_ns - 4 * 3600 * NS_PER_S, 600 * NS_PER_MS };
	static struct flow f;

	(void)state;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	first_ns = g.now_ns;
	for (int64_t i = 0; i < ROWS; i++) {
		gen_flow(&g, &f);
		if (f.start_ns < first_ns)
			first_ns = f.start_ns;
		if (i % 10 == 0) { /* an address of the newer kind */
			memset(f.dst.b, 0, sizeof(f.dst.b));
			f.dst.b[0] = 0x20;
			f.dst.b[15] = (uint8_t)(i / 10);
		}
		box_put(&b, &flow_record, &f);
	}
	last_ns = g.now_ns;
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
		cmocka_unit_test(the_top_list_has_the_largest_first),
		cmocka_unit_test(addresses_read_as_addresses),
		cmocka_unit_test(a_span_that_begins_anywhere_is_cut_out_of_minutes_and_hours),
		cmocka_unit_test(a_series_adds_up_to_the_whole_at_every_step),
		cmocka_unit_test(a_series_names_the_largest_keys_and_adds_the_rest),
		cmocka_unit_test(few_keys_and_many_keys_agree),
		cmocka_unit_test(a_span_without_rows_is_empty_and_a_wrong_one_an_error),
	};

	return cmocka_run_group_tests(tests, fill, clear);
}
