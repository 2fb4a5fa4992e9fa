/* Log rows for tests of the store: made, put, and found again byte for byte. */
#ifndef TOMSD_TESTS_STORE_LOGS_H
#define TOMSD_TESTS_STORE_LOGS_H

#include "../../tools/gen_logs.h"
#include "tiny.h"

/* Rows by their time, which is another one each. */
struct logs {
	struct log **rows;
	size_t n;
};

static inline void logs_make(struct logs *l, uint64_t seed, size_t n)
{
	struct gen_logs g = { { seed, tiny_noon_ns, 5 * NS_PER_MS }, 1000, 0 };
	static union gen_log row;
	*l = (struct logs){ calloc(n, sizeof(*l->rows)), n };
	assert_non_null(l->rows);
	for (size_t i = 0; i < n; i++) {
		memset(&row, 0, sizeof(row));
		gen_log(&g, &row);
		size_t bytes = record_bytes(&log_record, &row);
		l->rows[i] = malloc(bytes);
		assert_non_null(l->rows[i]);
		memcpy(l->rows[i], &row, bytes);
	}
}

static inline void logs_free(struct logs *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->rows[i]);
	free(l->rows);
}

static inline int logs_by_time(const void *a, const void *b)
{
	const struct log *x = *(struct log *const *)a, *y = *(struct log *const *)b;
	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

static inline void logs_sort(struct logs *l)
{
	qsort(l->rows, l->n, sizeof(*l->rows), logs_by_time);
}

/* Rows [from, to), committed each flush_every of them; 0: once. */
static inline void logs_put(struct box *b, const struct logs *l, size_t from, size_t to,
			    size_t flush_every)
{
	size_t step = flush_every ? flush_every : to - from;
	for (size_t i = from; i < to; i += step) {
		size_t n = to - i < step ? to - i : step;
		assert_int_equal(store_put_each(b->st, &log_record,
						(const void *const *)(l->rows + i), n),
				 0);
		box_flush(b);
	}
}

struct logs_check {
	const struct logs *l;
	bool *seen;
	size_t n;
	enum query_sort sort;
	struct log last;
};

static inline bool logs_in_order(enum query_sort sort, const struct log *a, const struct log *b)
{
	uint64_t x = 0, y = 0;
	if (sort == QUERY_OLDEST)
		return a->at_ns < b->at_ns;
	if (sort == QUERY_NEWEST)
		return a->at_ns > b->at_ns;
	if (ckd_add(&x, a->src_bytes, a->dst_bytes))
		x = UINT64_MAX;
	if (ckd_add(&y, b->src_bytes, b->dst_bytes))
		y = UINT64_MAX;
	return x >= y;
}

static inline int logs_check_row(void *arg, const void *row)
{
	struct logs_check *c = arg;
	const struct log *have = row;
	struct log key = { .at_ns = have->at_ns }, *k = &key;
	struct log **at = bsearch(&k, c->l->rows, c->l->n, sizeof(k), logs_by_time);
	assert_non_null(at);
	struct log *want = *at;
	size_t i = (size_t)(at - c->l->rows);
	assert_false(c->seen[i]);
	c->seen[i] = true;
	if (!want->id)
		want->id = have->id; /* the first time; it never changes */
	assert_int_equal(have->line_n, want->line_n);
	assert_memory_equal(have, want, record_bytes(&log_record, want));
	if (c->n++)
		assert_true(logs_in_order(c->sort, &c->last, have));
	memcpy(&c->last, have, sizeof(c->last));
	return 0;
}

/* The store has these rows and no others, in this order, in pages of so many (0: all at once). */
static inline void logs_same(struct box *b, const struct logs *l, enum query_sort sort, size_t page)
{
	struct query q = { .record = &log_record, .until_ns = INT64_MAX, .sort = sort };
	struct query_page_info info = { .more = true };
	struct err e = ERR_INIT;
	struct logs_check c = { l, calloc(l->n, sizeof(bool)), 0, sort, { 0 } };
	assert_non_null(c.seen);
	while (info.more) {
		if (store_query(b->st, &q, page, 0, logs_check_row, &c, &info, &e))
			fail_msg("%s", e.text);
		assert_true(info.complete);
		memcpy(q.cursor, info.next, sizeof(q.cursor));
	}
	assert_int_equal(c.n, l->n);
	free(c.seen);
}

/* Small packs were put together, but for the last few that wait for the next step. */
static inline void logs_wait_tidy(struct box *b)
{
	int64_t until = clock_mono_ns() + 20 * NS_PER_S;
	while (box_number(b, "SELECT count(*)>70 FROM log_20261122 WHERE n<128"))
		if (clock_mono_ns() > until)
			fail_msg("packs stay small");
}

#endif
