/* The ring between sources and writer: many sources, little room, nothing lost and nothing
 * twice. */
#include "tiny.h"

#include "../../../src/store/inbox.h"
#include "../../../src/store/plan.h"
#include "tomsd/log_row.h"

enum { SOURCES = 3, EACH = 6000 };

struct source {
	struct box *b;
	uint32_t from;
	struct thread thread;
};

static void put_all(void *arg)
{
	struct source *s = arg;
	struct tiny rows[7];
	for (uint32_t i = 0; i < EACH;) {
		size_t n = i % 7 + 1 < EACH - i ? i % 7 + 1 : EACH - i;
		for (size_t k = 0; k < n; k++)
			rows[k] = tiny_row(tiny_noon_ns + i, s->from + i + (uint32_t)k);
		if (store_put_many(s->b->st, &tiny_record, rows, n))
			return;
		i += (uint32_t)n;
	}
}

static void sources_wait_while_the_inbox_is_full_and_lose_nothing(void **state)
{
	(void)state;
	struct box b;
	struct source s[SOURCES];
	struct err e = ERR_INIT;
	box_new(&b);
	b.conf.inbox_bytes = 20000; /* some 70 rows */
	box_open(&b);
	for (uint32_t i = 0; i < SOURCES; i++) {
		s[i] = (struct source){ .b = &b, .from = i * EACH };
		assert_int_equal(thread_start(&s[i].thread, "source", put_all, &s[i], &e), 0);
	}
	box_start(&b);
	for (uint32_t i = 0; i < SOURCES; i++)
		thread_join(&s[i].thread);
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), SOURCES * EACH);
	assert_int_equal(box_number(&b, "SELECT count(DISTINCT note) FROM tiny_20261122"),
			 SOURCES * EACH);
	box_free(&b);
}

static void a_source_that_waits_hears_of_the_end(void **state)
{
	(void)state;
	struct inbox in;
	struct plan *p;
	struct err e = ERR_INIT;
	struct tiny t = tiny_row(tiny_noon_ns, 1);
	assert_int_equal(plan_new(&p, &tiny_record, &e), 0);
	assert_int_equal(inbox_init(&in, 1000, &e), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(inbox_put(&in, p, &t, 1), 0);
	inbox_close(&in); /* the fourth would wait for ever */
	assert_int_equal(inbox_put(&in, p, &t, 1), -ERR_CLOSED);
	inbox_fini(&in);
	free(p);
}

/* Batches of every size over a ring that wraps at every place an entry can end. */
static void entries_come_out_as_they_went_in_wherever_the_ring_wraps(void **state)
{
	(void)state;
	struct plan *p;
	struct err e = ERR_INIT;
	assert_int_equal(plan_new(&p, &tiny_record, &e), 0);
	size_t entry = sizeof(struct inbox_entry) + (sizeof(struct tiny) + 7) / 8 * 8;
	for (size_t cap = 3 * entry; cap < 5 * entry; cap += 8) {
		struct inbox in;
		uint32_t put = 0, got = 0;
		assert_int_equal(inbox_init(&in, cap, &e), 0);
		for (int round = 0; round < 40; round++) {
			for (int k = 0; k < 1 + round % 2; k++, put++) {
				struct tiny t = tiny_row(tiny_noon_ns, put);
				assert_int_equal(inbox_put(&in, p, &t, 1), 0);
			}
			struct inbox_batch b;
			const struct plan *of;
			inbox_wait(&in, 0, 1, 1000, &b);
			uint64_t at = b.from;
			struct tiny more =
				tiny_row(tiny_noon_ns, put); /* while the batch is worked on */
			assert_int_equal(inbox_put(&in, p, &more, 1), 0);
			put++;
			for (const struct tiny *t; (t = inbox_next(&in, &b, &at, &of)) != NULL;
			     got++) {
				struct tiny want = tiny_row(tiny_noon_ns, got);
				assert_ptr_equal(of, p);
				assert_memory_equal(t, &want, sizeof(want));
			}
			inbox_release(&in, &b);
			inbox_wait(&in, 0, 1, 1000, &b); /* the one that came meanwhile */
			at = b.from;
			while (inbox_next(&in, &b, &at, &of))
				got++;
			inbox_release(&in, &b);
		}
		assert_int_equal(got, put);
		inbox_fini(&in);
	}
	free(p);
}

/* A row of any length goes through; one that never fits is refused at once instead of waited for. */
static void a_row_longer_than_the_ring_is_refused(void **state)
{
	(void)state;
	struct inbox in;
	struct inbox_batch batch;
	struct plan *p;
	const struct plan *of;
	struct err e = ERR_INIT;
	struct log *row = calloc(1, sizeof(*row) + LOG_LINE_MAX + 1);
	assert_non_null(row);
	assert_int_equal(plan_new(&p, &log_record, &e), 0);
	assert_int_equal(inbox_init(&in, 20000, &e), 0);
	const void *rows[] = { row, row };
	for (uint32_t n = 0; n < 18000; n += 977) {
		row->line_n = n;
		memset(row->line, 'a' + (int)(n % 26), n);
		assert_int_equal(inbox_put_each(&in, p, rows, 1), 0);
		inbox_wait(&in, 0, 1, 0, &batch);
		uint64_t at = batch.from;
		const struct log *out = inbox_next(&in, &batch, &at, &of);
		assert_int_equal(out->line_n, n);
		assert_memory_equal(out, row, record_bytes(&log_record, row));
		assert_null(inbox_next(&in, &batch, &at, &of));
		inbox_release(&in, &batch);
	}
	row->line_n = 20000;
	assert_int_equal(inbox_put_each(&in, p, rows, 2), -ERR_RANGE);
	inbox_fini(&in);
	assert_int_equal(inbox_init(&in, 200000, &e), 0);
	row->line_n = LOG_LINE_MAX + 1; /* longer than the record says */
	assert_int_equal(inbox_put_each(&in, p, rows, 2), -ERR_RANGE);
	inbox_fini(&in);
	free(p);
	free(row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_wait_while_the_inbox_is_full_and_lose_nothing),
		cmocka_unit_test(a_row_longer_than_the_ring_is_refused),
		cmocka_unit_test(a_source_that_waits_hears_of_the_end),
		cmocka_unit_test(entries_come_out_as_they_went_in_wherever_the_ring_wraps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
