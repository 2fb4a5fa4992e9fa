/* Queries while the writer is at work: buckets are closed and rows move from the tail into the index under
 * the reader's eyes. */
#include "../../tools/gen_flows.h"
#include "tiny.h"
#include "tomsd/base/thread.h"

enum { ROWS = 60000, CHUNK = 500, PAGE = 200 };

static struct box b;
static _Atomic bool written;

static void write_rows(void *arg)
{
	static struct flow rows[CHUNK];
	struct gen_flows g = { 9, tiny_noon_ns, 20 * NS_PER_MS };

	(void)arg;
	for (unsigned done = 0; done < ROWS; done += CHUNK) {
		for (unsigned i = 0; i < CHUNK; i++) {
			gen_flow(&g, &rows[i]);
			rows[i].src_packets = done + i + 1;
		}
		assert_int_equal(store_put_many(b.st, &flow_record, rows, CHUNK), 0);
		thread_beat();
	}
	written = true;
}

struct seen {
	bool row[ROWS];
	size_t n;
	int64_t last_ns;
};

static int take(void *arg, const void *row)
{
	const struct flow *f = row;
	struct seen *s = arg;

	assert_true(f->src_packets >= 1 && f->src_packets <= ROWS);
	assert_false(s->row[f->src_packets - 1]);
	assert_true(f->end_ns <= s->last_ns);
	s->row[f->src_packets - 1] = true;
	s->last_ns = f->end_ns;
	s->n++;
	return 0;
}

/* Some pages of the list as it is now. */
static size_t read_pages(const char *words, size_t pages)
{
	static struct seen s;
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct query_page_info info = { .more = true };
	struct err e = ERR_INIT;

	memset(&s, 0, sizeof(s));
	s.last_ns = INT64_MAX;
	assert_int_equal(query_parse(&q, str_of(words), &e), 0);
	for (size_t i = 0; info.more && i < pages; i++) {
		if (store_query(b.st, &q, PAGE, 0, take, &s, &info, &e))
			fail_msg("%s", e.text);
		memcpy(q.cursor, info.next, sizeof(q.cursor));
	}
	return s.n;
}

static uint64_t count(void)
{
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct err e = ERR_INIT;
	uint64_t n;
	bool more;

	if (store_count(b.st, &q, 2 * ROWS, 0, &n, &more, &e))
		fail_msg("%s", e.text);
	return n;
}

static void each_page_is_of_one_moment(void **state)
{
	struct thread t = { 0 };
	struct err e = ERR_INIT;
	uint64_t before = 0;

	(void)state;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	assert_int_equal(thread_start(&t, "source", write_rows, NULL, &e), 0);
	while (!written) {
		uint64_t n = count();

		assert_true(n >= before);
		before = n;
		(void)read_pages("", 5);
		(void)read_pages("app:dns", 5);
	}
	thread_join(&t);
	box_flush(&b);
	assert_int_equal(count(), ROWS);
	assert_int_equal(read_pages("", SIZE_MAX), ROWS);
	box_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_page_is_of_one_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
