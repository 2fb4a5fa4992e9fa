/* One list over store and archive: whatever days have left the store, a search gives the rows it gave before, in
 * the same order, page by page. */
#include "cold.h"

#include "tomsd/log_row.h"

enum { FLOWS = 6000, LINES = 3000, SEALS = 20, QUERIES = 80 };

/* The same rows into both; time passes over twelve days, with rows that come late. */
static void put_rows(struct box *all, struct cold_box *some, unsigned piece, struct gen_flows *g, struct gen_logs *l)
{
	static struct flow f;
	static union gen_log line;
	(void)piece;
	for (unsigned i = 0; i < FLOWS / SEALS; i++) {
		gen_flow(g, &f);
		if (gen_next(g) % 40 == 0) {
			int64_t back = (int64_t)(gen_next(g) % (uint64_t)(2 * cold_day_ns));
			f.end_ns -= back;
			f.start_ns -= back;
			f.flow_start_ns -= back;
		}
		if (gen_next(g) % 50 == 0)
			f.end_ns -= f.end_ns % NS_PER_S; /* some at the same moment */
		box_put(all, &flow_record, &f);
		box_put(&some->b, &flow_record, &f);
	}
	for (unsigned i = 0; i < LINES / SEALS; i++) {
		const void *row = &line;
		gen_log(l, &line);
		assert_int_equal(store_put_each(all->st, &log_record, &row, 1), 0);
		assert_int_equal(store_put_each(some->b.st, &log_record, &row, 1), 0);
	}
	box_flush(all);
	box_flush(&some->b);
}

static struct box keeps;
static struct cold_box drops;
static struct cold_rows flows = { .record = &flow_record }, lines = { .record = &log_record };

static void read_all(const struct record *r, struct cold_rows *out)
{
	struct query q = { .record = r, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct err e = ERR_INIT;
	if (store_query(keeps.st, &q, 0, 0, cold_keep, out, &info, &e))
		fail_msg("%s", e.text);
}

static int setup(void **state)
{
	(void)state;
	int64_t start = tiny_noon_ns - 12 * cold_day_ns;
	struct gen_flows g = { 77, start, 12 * cold_day_ns / FLOWS };
	struct gen_logs l = { { 78, start, 12 * cold_day_ns / LINES }, 1000, 0 };
	struct err e = ERR_INIT;
	box_new(&keeps);
	box_open(&keeps);
	box_start(&keeps);
	cold_open(&drops, 70);
	for (unsigned i = 0; i < SEALS; i++) {
		put_rows(&keeps, &drops, i, &g, &l);
		cold_seal(&drops);
		if (i == SEALS / 2 && index_tidy(drops.b.st, &e))
			fail_msg("%s", e.text);
	}
	cold_drop(&drops, &flow_record, start - 3 * cold_day_ns, tiny_noon_ns - 4 * cold_day_ns);
	cold_drop(&drops, &log_record, start - 3 * cold_day_ns, tiny_noon_ns - 3 * cold_day_ns);
	read_all(&flow_record, &flows);
	read_all(&log_record, &lines);
	assert_int_equal(flows.n, FLOWS);
	assert_int_equal(lines.n, LINES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cold_rows_free(&flows);
	cold_rows_free(&lines);
	box_free(&keeps);
	box_free(&drops.b);
	return 0;
}

static void add(struct query *q, const char *key, const char *op, const char *value, bool negate)
{
	struct err e = ERR_INIT;
	size_t before = q->n_words;
	if (query_add(q, key, op, value, &e))
		fail_msg("%s%s%s: %s", key, op, value, e.text);
	for (size_t i = before; i < q->n_words; i++)
		q->words[i].negate = negate;
}

static void add_flow_word(struct query *q, struct gen_flows *dice)
{
	const struct flow *f = (const void *)flows.row[gen_next(dice) % flows.n];
	char text[300];
	bool negate = gen_next(dice) % 8 == 0;
	switch (gen_next(dice) % 9) {
	case 0:
	case 1:
		addr_text(gen_next(dice) % 2 ? &f->src : &f->dst, text);
		add(q, gen_next(dice) % 3 ? "host" : "peer", ":", text, negate);
		break;
	case 2:
		addr_text(&f->dst, text);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "/%u", 20 + (unsigned)(gen_next(dice) % 12));
		add(q, "host", ":", text, negate);
		break;
	case 3:
		(void)snprintf(text, sizeof(text), "%u", f->dst_port);
		add(q, "port", ":", text, negate);
		break;
	case 4:
		add(q, "app", ":", *f->app ? f->app : f->proto, negate);
		break;
	case 5:
		if (*f->name)
			add(q, "name", ":", f->name, negate);
		break;
	case 6:
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)f->src_bytes);
		add(q, "source.bytes", gen_next(dice) % 2 ? ">" : "<=", text, false);
		break;
	case 7:
		mac_text(f->src_mac, text);
		add(q, "host", ":", text, negate);
		break;
	default:
		add(q, "text", ":", *f->name ? f->name : "dicom", false);
	}
}

static void add_line_word(struct query *q, struct gen_flows *dice)
{
	const struct log *g = (const void *)lines.row[gen_next(dice) % lines.n];
	char text[300];
	bool negate = gen_next(dice) % 8 == 0;
	switch (gen_next(dice) % 7) {
	case 0:
		addr_text(&g->src, text);
		if (!addr_is_zero(&g->src))
			add(q, "host", ":", text, negate);
		break;
	case 1:
		if (*g->user)
			add(q, "user", ":", g->user, negate);
		break;
	case 2:
		if (*g->action)
			add(q, "action", ":", g->action, negate);
		break;
	case 3:
		if (*g->name)
			add(q, "text", ":", g->name, false);
		break;
	case 4:
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)g->session);
		if (g->session)
			add(q, "session", ":", text, false);
		break;
	case 5:
		add(q, "fortinet.firewall.dstintf", ":", "wan1", negate);
		break;
	default:
		add(q, "text", ":", "*lock*", false);
	}
}

static void random_query(struct query *q, const struct record *r, struct gen_flows *dice)
{
	int64_t start = tiny_noon_ns - 13 * cold_day_ns;
	*q = (struct query){ .record = r, .until_ns = INT64_MAX };
	q->sort = gen_next(dice) % 3 ? QUERY_NEWEST : QUERY_OLDEST;
	if (gen_next(dice) % 3 == 0) {
		q->since_ns = start + (int64_t)(gen_next(dice) % (uint64_t)(10 * cold_day_ns));
		q->until_ns = q->since_ns + 1 + (int64_t)(gen_next(dice) % (uint64_t)(5 * cold_day_ns));
	}
	for (uint64_t n = gen_next(dice) % 3; n; n--)
		r == &flow_record ? add_flow_word(q, dice) : add_line_word(q, dice);
}

static void say_query(const struct query *q, size_t limit)
{
	print_message("%s sort %d limit %zu since %lld until %lld", q->record->name, (int)q->sort, limit,
		      (long long)q->since_ns, (long long)q->until_ns);
	for (size_t i = 0; i < q->n_words; i++)
		print_message(" %s%s%s%s", q->words[i].negate ? "-" : "", q->words[i].key, q->words[i].op,
			      q->words[i].value);
	print_message("\n");
}

static void same(const struct query *q, size_t limit, uint64_t *rows)
{
	struct cold_rows want = { .record = q->record }, have = { .record = q->record };
	struct query_page_info info;
	struct err e = ERR_INIT;
	if (store_query(keeps.st, q, 0, 0, cold_keep, &want, &info, &e))
		fail_msg("%s", e.text);
	(void)cold_list(&drops, q, limit, &have, NULL);
	if (have.n != want.n) {
		say_query(q, limit);
		fail_msg("%zu rows instead of %zu", have.n, want.n);
	}
	for (size_t i = 0; i < want.n; i++) {
		size_t bytes = record_bytes(q->record, want.row[i]);
		if (memcmp(want.row[i], have.row[i], bytes) != 0) {
			say_query(q, limit);
			fail_msg("row %zu of %zu is another one", i, want.n);
		}
	}
	*rows += want.n;
	cold_rows_free(&want);
	cold_rows_free(&have);
}

static void a_search_finds_what_it_found_before_days_were_dropped(void **state)
{
	(void)state;
	struct gen_flows dice = { 5, 0, 0 };
	static struct query q;
	uint64_t rows = 0;
	for (unsigned i = 0; i < QUERIES; i++) {
		random_query(&q, i % 2 ? &flow_record : &log_record, &dice);
		size_t limit = q.n_words ? 1 + gen_next(&dice) % 60 : 100 + gen_next(&dice) % 2000;
		same(&q, i % 7 == 0 ? 0 : limit, &rows);
	}
	assert_true(rows > 3000);
}

static void a_rare_address_opens_no_group_that_cannot_hold_it(void **state)
{
	(void)state;
	struct cold_rows have = { .record = &flow_record };
	struct cold_info sum = { 0 };
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	add(&q, "host", ":", "192.0.2.77", false);
	(void)cold_list(&drops, &q, 50, &have, &sum);
	assert_int_equal(have.n, 0);
	assert_int_equal(sum.groups_read, 0);
	assert_true(sum.groups_passed > 20);
	cold_rows_free(&have);
}

static void folded_words_answer_like_loose_ones(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct gen_flows dice = { 9, 0, 0 };
	static struct query q;
	uint64_t rows = 0;
	/* many small objects more, so that a volume comes together */
	for (unsigned i = 0; i < INDEX_VOLUME_OBJECTS + 3; i++) {
		struct gen_flows g = { 1000 + i, tiny_noon_ns + (int64_t)i * NS_PER_S, 0 };
		struct flow f;
		gen_flow(&g, &f);
		box_put(&keeps, &flow_record, &f);
		box_put(&drops.b, &flow_record, &f);
		box_flush(&drops.b);
		cold_seal(&drops);
	}
	box_flush(&keeps);
	assert_int_equal(box_number(&drops.b, "SELECT count(*) FROM archive_volume"), 0);
	if (index_tidy(drops.b.st, &e))
		fail_msg("%s", e.text);
	assert_int_equal(box_number(&drops.b, "SELECT count(*) FROM archive_volume"), 1);
	assert_int_equal(box_number(&drops.b, "SELECT count(*) FROM archive_index WHERE volume IS NOT NULL AND words IS NULL"),
			 INDEX_VOLUME_OBJECTS);
	for (unsigned i = 0; i < 30; i++) {
		random_query(&q, &flow_record, &dice);
		same(&q, 1 + gen_next(&dice) % 400, &rows);
	}
	assert_true(rows > 300);
}

static void other_orders_are_refused_in_plain_words(void **state)
{
	(void)state;
	struct cold_ask ask = { cold_ask_here, &drops };
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX, .sort = QUERY_BYTES };
	struct query_page_info info;
	struct cold_info cold;
	struct err e = ERR_INIT;
	assert_int_equal(archive_list(drops.b.st, &ask, &q, 10, 0, cold_keep, NULL, &info, &cold, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "newest or oldest"));
}

static void a_cursor_belongs_to_its_query(void **state)
{
	(void)state;
	struct cold_ask ask = { cold_ask_here, &drops };
	struct cold_rows have = { .record = &flow_record };
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct cold_info cold;
	struct err e = ERR_INIT;
	assert_int_equal(archive_list(drops.b.st, &ask, &q, 10, 0, cold_keep, &have, &info, &cold, &e), 0);
	assert_true(info.more);
	memcpy(q.cursor, info.next, sizeof(q.cursor));
	/* neither the store's, nor the archive's alone, nor of other words */
	assert_int_equal(store_query(drops.b.st, &q, 10, 0, cold_keep, &have, &info, &e), -ERR_INVALID);
	assert_int_equal(cold_ask_here(&drops, &q, 10, 0, cold_keep, &have, &info, &cold, &e), -ERR_INVALID);
	add(&q, "port", ":", "443", false);
	assert_int_equal(archive_list(drops.b.st, &ask, &q, 10, 0, cold_keep, &have, &info, &cold, &e), -ERR_INVALID);
	q.n_words = 0;
	for (size_t n = strlen(q.cursor); n-- > 1;) { /* a cut one neither */
		q.cursor[n] = '\0';
		assert_int_equal(archive_list(drops.b.st, &ask, &q, 10, 0, cold_keep, &have, &info, &cold, &e),
				 -ERR_INVALID);
	}
	cold_rows_free(&have);
}

static void a_deadline_ends_a_page_and_the_cursor_goes_on(void **state)
{
	(void)state;
	struct cold_ask ask = { cold_ask_here, &drops };
	struct cold_rows have = { .record = &flow_record }, want = { .record = &flow_record };
	struct query q = { .record = &flow_record, .until_ns = tiny_noon_ns - 5 * cold_day_ns };
	struct query_page_info info = { .more = true };
	struct cold_info cold;
	struct err e = ERR_INIT;
	add(&q, "source.bytes", ">", "3000", false);
	if (store_query(keeps.st, &q, 0, 0, cold_keep, &want, &info, &e))
		fail_msg("%s", e.text);
	unsigned ends = 0, pages = 0;
	int64_t patience_ns = 2 * NS_PER_MS; /* more where the machine needs more for one group */
	for (info.more = true; info.more; pages++) {
		assert_true(pages < 100000);
		/* a past one: nothing of the archive is read; then one that allows some of it */
		int64_t deadline = clock_mono_ns() + (pages % 2 ? patience_ns : -1);
		size_t before = have.n;
		if (archive_list(drops.b.st, &ask, &q, 0, deadline, cold_keep, &have, &info, &cold, &e))
			fail_msg("%s", e.text);
		ends += !info.complete;
		if (pages % 2 && have.n == before && patience_ns < NS_PER_S)
			patience_ns *= 2;
		memcpy(q.cursor, info.next, sizeof(q.cursor));
	}
	assert_true(ends > 0);
	assert_int_equal(have.n, want.n);
	for (size_t i = 0; i < want.n; i++)
		assert_memory_equal(have.row[i], want.row[i], flow_record.bytes);
	cold_rows_free(&have);
	cold_rows_free(&want);
}

static void a_day_dropped_between_two_pages_is_neither_lost_nor_doubled(void **state)
{
	(void)state;
	struct cold_ask ask = { cold_ask_here, &drops };
	for (enum query_sort sort = QUERY_NEWEST; sort <= QUERY_OLDEST; sort++) {
		struct cold_rows have = { .record = &flow_record }, want = { .record = &flow_record };
		struct query q = { .record = &flow_record, .until_ns = INT64_MAX, .sort = sort };
		struct query_page_info info;
		struct cold_info cold;
		struct err e = ERR_INIT;
		if (store_query(keeps.st, &q, 0, 0, cold_keep, &want, &info, &e))
			fail_msg("%s", e.text);
		int64_t day = tiny_noon_ns - (sort == QUERY_NEWEST ? 4 : 3) * cold_day_ns;
		/* up to the middle of that day, which then goes */
		do {
			if (archive_list(drops.b.st, &ask, &q, 130, 0, cold_keep, &have, &info, &cold, &e))
				fail_msg("%s", e.text);
			memcpy(q.cursor, info.next, sizeof(q.cursor));
		} while (sort == QUERY_NEWEST ? ((const struct flow *)(const void *)have.row[have.n - 1])->end_ns > day :
						((const struct flow *)(const void *)have.row[have.n - 1])->end_ns < day);
		cold_drop(&drops, &flow_record, day, day + 1);
		for (info.more = true; info.more;) {
			if (archive_list(drops.b.st, &ask, &q, 290, 0, cold_keep, &have, &info, &cold, &e))
				fail_msg("%s", e.text);
			memcpy(q.cursor, info.next, sizeof(q.cursor));
		}
		assert_int_equal(have.n, want.n);
		for (size_t i = 0; i < want.n; i++)
			assert_memory_equal(have.row[i], want.row[i], flow_record.bytes);
		cold_rows_free(&have);
		cold_rows_free(&want);
	}
}

static void a_late_row_of_a_dropped_day_stands_in_its_place(void **state)
{
	(void)state;
	struct cold_rows have = { .record = &flow_record }, want = { .record = &flow_record };
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct err e = ERR_INIT;
	for (uint32_t i = 0; i < 40; i++) {
		struct gen_flows g = { 4000 + i, tiny_noon_ns - 9 * cold_day_ns + (int64_t)i * 7919 * NS_PER_S, 0 };
		struct flow f;
		gen_flow(&g, &f);
		box_put(&keeps, &flow_record, &f);
		box_put(&drops.b, &flow_record, &f);
	}
	box_flush(&keeps);
	box_flush(&drops.b);
	for (unsigned sealed = 0; sealed < 2; sealed++) {
		for (enum query_sort sort = QUERY_NEWEST; sort <= QUERY_OLDEST; sort++) {
			q.sort = sort;
			if (store_query(keeps.st, &q, 0, 0, cold_keep, &want, &info, &e))
				fail_msg("%s", e.text);
			(void)cold_list(&drops, &q, 370, &have, NULL);
			assert_int_equal(have.n, want.n);
			for (size_t i = 0; i < want.n; i++) { /* late ones may have another id: their day was gone */
				struct flow *a = (void *)have.row[i], *b = (void *)want.row[i];
				a->id = b->id = 0;
				assert_memory_equal(a, b, flow_record.bytes);
			}
			cold_rows_free(&have);
			cold_rows_free(&want);
		}
		cold_seal(&drops);
		cold_drop(&drops, &flow_record, tiny_noon_ns - 15 * cold_day_ns, tiny_noon_ns - 6 * cold_day_ns);
	}
}

/* Turns bytes over in the middle of an object. */
static void damage(const char *key, off_t at, off_t from_end)
{
	char path[192], byte;
	struct stat st;
	(void)snprintf(path, sizeof(path), "%s/%s", drops.folder, key);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	off_t off = from_end ? st.st_size - from_end : at;
	for (off_t i = off; i < off + 6 && i < st.st_size; i++) {
		assert_int_equal(pread(fd, &byte, 1, i), 1);
		byte = (char)~byte;
		assert_int_equal(pwrite(fd, &byte, 1, i), 1);
	}
	assert_int_equal(close(fd), 0);
}

static void a_damaged_object_is_told_and_the_rest_is_searched(void **state)
{
	(void)state;
	struct cold_rows before = { .record = &flow_record }, after = { .record = &flow_record };
	struct query q = { .record = &flow_record, .until_ns = tiny_noon_ns - 6 * cold_day_ns };
	struct cold_info sum = { 0 };
	char path[192];
	(void)cold_list(&drops, &q, 100, &before, &sum);
	assert_int_equal(sum.groups_failed, 0);
	damage("flow-3.parquet", 4000, 0); /* a page */
	damage("flow-5.parquet", 0, 20);   /* the footer */
	(void)snprintf(path, sizeof(path), "%s/flow-7.parquet", drops.folder);
	assert_int_equal(truncate(path, 5000), 0);
	(void)snprintf(path, sizeof(path), "%s/flow-9.parquet", drops.folder);
	assert_int_equal(unlink(path), 0);
	(void)cold_list(&drops, &q, 100, &after, &sum);
	assert_true(sum.groups_failed >= 4);
	assert_non_null(strstr(sum.failed, "flow-"));
	assert_true(after.n < before.n && after.n > before.n / 2);
	/* what is there is in order, and nothing is there that was not */
	for (size_t i = 0, at = 0; i < after.n; i++, at++) {
		while (at < before.n && memcmp(before.row[at], after.row[i], flow_record.bytes) != 0)
			at++;
		assert_true(at < before.n);
	}
	cold_rows_free(&before);
	cold_rows_free(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_search_finds_what_it_found_before_days_were_dropped),
		cmocka_unit_test(a_rare_address_opens_no_group_that_cannot_hold_it),
		cmocka_unit_test(folded_words_answer_like_loose_ones),
		cmocka_unit_test(other_orders_are_refused_in_plain_words),
		cmocka_unit_test(a_cursor_belongs_to_its_query),
		cmocka_unit_test(a_deadline_ends_a_page_and_the_cursor_goes_on),
		cmocka_unit_test(a_day_dropped_between_two_pages_is_neither_lost_nor_doubled),
		cmocka_unit_test(a_late_row_of_a_dropped_day_stands_in_its_place),
		cmocka_unit_test(a_damaged_object_is_told_and_the_rest_is_searched),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
