/* Rows with a tail: a log line comes back byte for byte from wherever rows come out of the store, whatever
 * packs it has been through. */
#include "logs.h"

#include "../../../src/store/inside.h"

enum { MANY = 3000, MORE_THAN_A_BUCKET = 18000 };

static void all_orders(struct box *b, const struct logs *l)
{
	logs_same(b, l, QUERY_OLDEST, 0);
	logs_same(b, l, QUERY_NEWEST, 0);
	logs_same(b, l, QUERY_NEWEST, l->n / 4 + 1);
	logs_same(b, l, QUERY_OLDEST, l->n / 3);
	logs_same(b, l, QUERY_BYTES, l->n / 2);
}

static void lines_come_back_byte_for_byte(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	box_new(&b);
	b.conf.inbox_bytes = 8 << 20;
	box_open(&b);
	box_start(&b);
	logs_make(&l, 1, MORE_THAN_A_BUCKET);
	logs_put(&b, &l, 0, MANY, 0);
	all_orders(&b, &(struct logs){ l.rows, MANY }); /* no bucket yet */
	logs_put(&b, &l, MANY, l.n, 0);
	assert_int_equal(box_number(&b, "SELECT buckets FROM part"), 1);
	logs_same(&b, &l, QUERY_OLDEST, 0);
	box_again(&b); /* and after a start, which reads the open end back */
	all_orders(&b, &l);
	assert_int_equal(box_number(&b, "SELECT sum(n) FROM log_20261122"), l.n);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM log_20261122 WHERE n>256"), 0);
	box_check_integrity(&b);
	box_free(&b);
	logs_free(&l);
}

static void small_packs_become_full_ones_and_rows_stay(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	box_new(&b);
	b.conf.commit_every_ns = NS_PER_MS;
	box_open(&b);
	box_start(&b);
	logs_make(&l, 2, MANY);
	logs_put(&b, &l, 0, 900, 20);
	logs_same(&b, &(struct logs){ l.rows, 900 }, QUERY_OLDEST, 0); /* ids are known now */
	logs_put(&b, &l, 900, l.n, 20);
	logs_wait_tidy(&b);
	all_orders(&b, &l);
	box_again(&b);
	all_orders(&b, &l);
	logs_free(&l);
	logs_make(&l, 2, MANY + 400); /* the same and more */
	logs_put(&b, &l, MANY, l.n, 5);
	logs_wait_tidy(&b);
	all_orders(&b, &l);
	box_check_integrity(&b);
	box_free(&b);
	logs_free(&l);
}

static bool is_close(const struct log *g)
{
	return strcmp(g->action, "close") == 0;
}
static bool is_high_port(const struct log *g)
{
	return g->src_nat_port > 60000;
}
static bool is_long(const struct log *g)
{
	return g->duration_ns > 100 * NS_PER_S;
}
static bool is_blocked_lab(const struct log *g)
{
	return strstr(g->name, "lab") && g->outcome == LOG_OUTCOME_FAILURE;
}
static bool is_first_host(const struct log *g)
{
	struct addr a = addr_v4(0x0a00010au);
	return !memcmp(&a, &g->src, sizeof(a)) || !memcmp(&a, &g->dst, sizeof(a)) ||
	       !memcmp(&a, &g->sender, sizeof(a));
}

static void filters_over_columns_find_what_a_look_at_every_row_finds(void **state)
{
	(void)state;
	static const struct {
		const char *words;
		bool (*has)(const struct log *g);
	} asked[] = { { "event.action:close", is_close },
		      { "source.nat.port>60000", is_high_port },
		      { "event.duration>100000000000", is_long },
		      { "destination.domain:*lab* event.outcome:failure", is_blocked_lab },
		      { "source.ip:10.0.1.10", is_first_host } };
	struct box b;
	struct logs l;
	box_new(&b);
	b.conf.inbox_bytes = 8 << 20;
	box_open(&b);
	box_start(&b);
	logs_make(&l, 3, MORE_THAN_A_BUCKET);
	logs_put(&b, &l, 0, l.n, 0);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct query q = { .record = &log_record, .until_ns = INT64_MAX };
		struct err e = ERR_INIT;
		uint64_t n = 0, want = 0;
		bool more;
		for (size_t k = 0; k < l.n; k++)
			want += asked[i].has(l.rows[k]);
		assert_true(want > 0);
		assert_int_equal(query_parse(&q, str_of(asked[i].words), &e), 0);
		if (store_count(b.st, &q, UINT64_MAX, 0, &n, &more, &e))
			fail_msg("%s: %s", asked[i].words, e.text);
		if (n != want)
			fail_msg("%s: %llu, not %llu", asked[i].words, (unsigned long long)n,
				 (unsigned long long)want);
	}
	box_free(&b);
	logs_free(&l);
}

struct falling {
	int64_t last;
	size_t n;
};

static int falls(void *arg, const void *row)
{
	struct falling *f = arg;
	const struct log *g = row;
	assert_true(g->duration_ns <= f->last);
	f->last = g->duration_ns;
	f->n++;
	return 0;
}

static void the_longest_sessions_come_first(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct err e = ERR_INIT;
	struct query_page_info info;
	struct query q = { .record = &log_record,
			   .until_ns = INT64_MAX,
			   .sort = QUERY_DURATION };
	int64_t longest = 0;
	box_new(&b);
	b.conf.inbox_bytes = 8 << 20;
	box_open(&b);
	box_start(&b);
	logs_make(&l, 5, MORE_THAN_A_BUCKET);
	logs_put(&b, &l, 0, l.n, 0);
	for (size_t k = 0; k < l.n; k++)
		longest = l.rows[k]->duration_ns > longest ? l.rows[k]->duration_ns : longest;
	struct falling f = { .last = longest };
	if (store_query(b.st, &q, 500, 0, falls, &f, &info, &e))
		fail_msg("%s", e.text);
	assert_int_equal(f.n, 500);
	box_free(&b);
	logs_free(&l);
}

/* Lines of every length, up to the longest; of all bytes; addresses of IPv6. */
static void the_longest_lines_and_any_bytes_are_kept(void **state)
{
	(void)state;
	static const uint32_t lengths[] = { 0, 1, 65536, 127, 128, 40000, 65536, 65535, 2, 0 };
	struct box b;
	struct logs l = { calloc(200, sizeof(struct log *)), 200 };
	box_new(&b);
	box_open(&b);
	box_start(&b);
	assert_non_null(l.rows);
	for (size_t i = 0; i < l.n; i++) {
		uint32_t n = lengths[i % ARRAY_LEN(lengths)];
		struct log *g = calloc(1, sizeof(*g) + n);
		assert_non_null(g);
		g->at_ns = g->created_ns = tiny_noon_ns + (int64_t)i;
		g->src_bytes = i % 3 ? UINT64_MAX - i : 0;
		if (i % 4 == 1)
			assert_int_equal(addr_parse(STR("2001:db8::17"), &g->src), 0);
		if (i % 4 == 2)
			g->src = addr_v4(0xffffffffu);
		memset(g->name, 'n', i % sizeof(g->name));
		g->line_n = n;
		for (uint32_t k = 0; k < n; k++)
			g->line[k] = (char)(k * 2654435761u >> (i % 24));
		l.rows[i] = g;
	}
	logs_put(&b, &l, 0, l.n, 3);
	logs_same(&b, &l, QUERY_OLDEST, 0);
	logs_same(&b, &l, QUERY_NEWEST, 7);
	box_again(&b);
	logs_same(&b, &l, QUERY_OLDEST, 50);
	assert_int_equal(box_number(&b, "SELECT max(bytes)<=131072 FROM log_20261122"), 1);
	box_free(&b);
	logs_free(&l);
}

static void a_follower_gets_rows_without_lines_and_loses_none_when_slow(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct follower *f;
	struct err e = ERR_INIT;
	struct log *rows = malloc(100 * sizeof(*rows));
	assert_non_null(rows);
	box_new(&b);
	box_open(&b);
	assert_int_equal(store_follow(b.st, &log_record, "test", 200, &f, &e), 0);
	box_start(&b);
	logs_make(&l, 4, MANY);
	logs_put(&b, &l, 0, l.n,
		 150); /* more than its queue holds: it re-reads from the packs */
	for (size_t seen = 0; seen < l.n;) {
		int n = follower_next(f, rows, 100, 5000, &e);
		if (n <= 0)
			fail_msg("after %zu: %s", seen, e.text);
		for (int i = 0; i < n; i++, seen++) {
			assert_int_equal(rows[i].line_n, 0);
			assert_int_equal(rows[i].at_ns, l.rows[seen]->at_ns);
			assert_string_equal(rows[i].service, l.rows[seen]->service);
		}
	}
	box_free(&b);
	logs_free(&l);
	free(rows);
}

/* A column that came later, and one that is something else now, are unknown in older packs. */
static void a_pack_says_which_columns_it_has(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct col cols[96];
	struct record older = log_record;
	const struct col *policy = record_col(&log_record, "policy");
	assert_non_null(policy);
	memcpy(cols, log_record.cols, log_record.n_cols * sizeof(*cols));
	cols[policy - log_record.cols].type = COL_TEXT;
	older.cols = cols;
	older.n_cols--; /* without the program */
	box_new(&b);
	box_open(&b);
	box_start(&b);
	logs_make(&l, 5, 600);
	for (size_t i = 0; i < 300; i++) {
		struct log *g = l.rows[i];
		memset(&g->policy, 0,
		       sizeof(g->policy)); /* not a text that anybody would write */
		box_put(&b, &older, g);
		memset(g->program, 0, sizeof(g->program));
	}
	box_flush(&b);
	box_again(&b);
	logs_put(&b, &l, 300, l.n, 0);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM log_20261122_shape"), 2);
	logs_same(&b, &l, QUERY_OLDEST, 0);
	logs_same(&b, &l, QUERY_NEWEST, 0);
	box_free(&b);
	logs_free(&l);
}

static void days_of_packs_are_dropped_in_steps(void **state)
{
	(void)state;
	static const int64_t day_ns = INT64_C(86400) * NS_PER_S;
	struct box b;
	struct logs l, old;
	clock_fix(tiny_noon_ns - 9 * day_ns);
	box_new(&b);
	b.conf.commit_every_ns = NS_PER_MS;
	box_open(&b);
	box_start(&b);
	logs_make(&old, 6, 800);
	for (size_t i = 0; i < old.n; i++)
		old.rows[i]->at_ns -= 9 * day_ns;
	logs_put(&b, &old, 0, old.n, 4); /* 200 packs */
	clock_fix(tiny_noon_ns);
	logs_make(&l, 6, 800);
	logs_put(&b, &l, 0, l.n, 0);
	box_close(&b);
	b.conf.retention_ns = 3 * day_ns;
	box_open(&b);
	int steps = 0;
	int64_t rows = 800;
	while (retain_step(b.st)) {
		int64_t left = box_number(&b, "SELECT rows FROM part WHERE day=20261113");
		assert_true(left <= rows);
		rows = left;
		steps++;
	}
	assert_true(steps > 2);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM part"), 1);
	assert_int_equal(
		box_number(&b,
			   "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'log_20261113*'"),
		0);
	logs_same(&b, &l, QUERY_OLDEST, 0);
	box_check_integrity(&b);
	box_free(&b);
	clock_fix(0);
	logs_free(&l);
	logs_free(&old);
}

/* Rows of many days at once: more than are open at a time, so that days are closed and opened again. */
static void rows_of_many_days_find_their_packs(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	logs_make(&l, 7, 1500);
	for (size_t i = 0; i < l.n; i++)
		l.rows[i]->at_ns -= (int64_t)(i % 40) * 86400 * NS_PER_S;
	logs_put(&b, &l, 0, l.n, 500);
	logs_sort(&l);
	logs_same(&b, &l, QUERY_OLDEST, 0);
	logs_same(&b, &l, QUERY_NEWEST, 200);
	box_again(&b);
	logs_same(&b, &l, QUERY_OLDEST, 0);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM part"), 40);
	box_free(&b);
	logs_free(&l);
}

struct feeder {
	struct box *b;
	const struct logs *l;
	_Atomic bool done;
};

static void feed(void *arg)
{
	struct feeder *f = arg;
	for (size_t i = 0; i < f->l->n; i += 10) {
		assert_int_equal(store_put_each(f->b->st, &log_record,
						(const void *const *)(f->l->rows + i), 10),
				 0);
		box_flush(f->b);
	}
	f->done = true;
}

struct prefix {
	const struct logs *l;
	size_t n;
};

static int is_next(void *arg, const void *row)
{
	struct prefix *p = arg;
	const struct log *have = row, *want = p->l->rows[p->n++];
	assert_int_equal(have->at_ns, want->at_ns);
	assert_int_equal(have->line_n, want->line_n);
	assert_memory_equal(have->line, want->line, want->line_n);
	return 0;
}

/* Each page has a snapshot of its own: between two of them packs are replaced by others. */
static void readers_see_every_row_once_while_packs_are_put_together(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	struct feeder f = { .b = &b, .l = &l };
	struct thread thread = { .started = false };
	struct err e = ERR_INIT;
	size_t last = 0, reads = 0;
	box_new(&b);
	b.conf.commit_every_ns = NS_PER_MS;
	box_open(&b);
	box_start(&b);
	logs_make(&l, 9, MANY);
	assert_int_equal(thread_start(&thread, "feeder", feed, &f, &e), 0);
	for (bool done = false; !done; reads++) {
		struct query q = { .record = &log_record,
				   .until_ns = INT64_MAX,
				   .sort = QUERY_OLDEST };
		struct query_page_info info = { .more = true };
		struct prefix p = { &l, 0 };
		done = f.done;
		while (info.more) {
			if (store_query(b.st, &q, 97, 0, is_next, &p, &info, &e))
				fail_msg("%s", e.text);
			memcpy(q.cursor, info.next, sizeof(q.cursor));
		}
		assert_true(p.n >= last);
		last = p.n;
	}
	thread_join(&thread);
	assert_int_equal(last, l.n);
	assert_true(reads > 1);
	assert_true(box_number(&b, "SELECT max(n) FROM log_20261122") > 200);
	box_free(&b);
	logs_free(&l);
}

static int damage(struct sql *db, void *arg, struct err *e)
{
	return sql_exec(db, arg, e);
}

static int ignore(void *arg, const void *row)
{
	(void)arg;
	(void)row;
	return 0;
}

/* A store with a pack of the first 100 rows and one up to `to`, then harm done to it. */
static void harmed(struct box *b, const struct logs *l, size_t to, const char *harm)
{
	struct err e = ERR_INIT;
	box_new(b);
	box_open(b);
	box_start(b);
	logs_put(b, l, 0, 100, 0);
	logs_put(b, l, 100, to, 0);
	if (store_write(b->st, damage, (void *)(uintptr_t)harm, &e))
		fail_msg("%s", e.text);
}

static void a_damaged_pack_is_said_and_never_shown(void **state)
{
	(void)state;
	static const char *const damages[] = {
		"UPDATE log_20261122 SET cols=x'' WHERE n=100",
		"UPDATE log_20261122 SET cols=x'01ff' WHERE n=100",
		"UPDATE log_20261122 SET cols=substr(cols,1,length(cols)-3) WHERE n=100",
		"UPDATE log_20261122 SET cols=lines WHERE n=100",
		"UPDATE log_20261122 SET cols=(SELECT cols FROM log_20261122 WHERE n=99) WHERE n=100",
		"UPDATE log_20261122 SET lines=cols WHERE n=100",
		"UPDATE log_20261122 SET lines=(SELECT lines FROM log_20261122 WHERE n=99) WHERE n=100",
		"DELETE FROM log_20261122_shape",
		"UPDATE log_20261122_shape SET cols='at_ns:n'",
		"UPDATE log_20261122_shape SET cols='nonsense'",
	};
	struct logs l;
	logs_make(&l, 8, 199);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct box b;
		struct query q = { .record = &log_record, .until_ns = INT64_MAX };
		struct query_page_info info;
		struct err e = ERR_INIT;
		harmed(&b, &l, 199, damages[i]);
		if (store_query(b.st, &q, 0, 0, ignore, NULL, &info, &e) != -ERR_CORRUPT)
			fail_msg("not seen: %s", damages[i]);
		box_free(&b);
	}
	logs_free(&l);
}

/* The open end of a day is read again at a start: what cannot be read of it costs that pack. */
static void a_damaged_pack_at_a_start_costs_its_rows_and_not_the_database(void **state)
{
	(void)state;
	static const char *const damages[] = {
		"UPDATE log_20261122 SET cols=x'01ff' WHERE n=100",
		"UPDATE log_20261122 SET lines=cols WHERE n=100",
		"UPDATE log_20261122 SET cols=x'01ff'",
	};
	struct logs l;
	logs_make(&l, 8, 350);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct box b;
		struct err e = ERR_INIT;
		struct query q = { .record = &log_record,
				   .since_ns = l.rows[300]->at_ns,
				   .until_ns = INT64_MAX };
		struct query_page_info info;
		harmed(&b, &l, 300, damages[i]);
		box_again(&b);
		logs_put(&b, &l, 300, 350, 0);
		assert_int_equal(box_number(&b, "SELECT rows FROM part"), 350);
		if (i < 2) {
			assert_int_equal(store_query(b.st, &q, 20, 0, ignore, NULL, &info, &e),
					 0);
			assert_true(info.complete);
		}
		box_free(&b);
	}
	logs_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back_byte_for_byte),
		cmocka_unit_test(small_packs_become_full_ones_and_rows_stay),
		cmocka_unit_test(filters_over_columns_find_what_a_look_at_every_row_finds),
		cmocka_unit_test(the_longest_sessions_come_first),
		cmocka_unit_test(the_longest_lines_and_any_bytes_are_kept),
		cmocka_unit_test(a_follower_gets_rows_without_lines_and_loses_none_when_slow),
		cmocka_unit_test(a_pack_says_which_columns_it_has),
		cmocka_unit_test(days_of_packs_are_dropped_in_steps),
		cmocka_unit_test(rows_of_many_days_find_their_packs),
		cmocka_unit_test(readers_see_every_row_once_while_packs_are_put_together),
		cmocka_unit_test(a_damaged_pack_is_said_and_never_shown),
		cmocka_unit_test(a_damaged_pack_at_a_start_costs_its_rows_and_not_the_database),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
