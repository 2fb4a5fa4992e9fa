/* Times nobody watched are said, and only those. */
#include "../../../src/api/gaps.h"

#include "house.h"

#define MINUTE (60 * NS_PER_S)
static const int64_t noon = INT64_C(29700000) * MINUTE;

struct found {
	size_t n;
	int64_t since[200], until[200];
	const char *reason[200];
};

static void note(void *arg, int64_t since_ns, int64_t until_ns, const char *reason)
{
	struct found *f = arg;
	f->since[f->n] = since_ns;
	f->until[f->n] = until_ns;
	f->reason[f->n++] = reason;
}

static void add(struct watched *w, int64_t minute, uint64_t packets, uint64_t drops,
		uint32_t up)
{
	struct capture_minute row = { .at_ns = noon + minute * MINUTE,
				      .packets = packets,
				      .kernel_drops = drops,
				      .up_seconds = up };
	watched_add(w, &row);
}

static void a_hole_between_watched_minutes_is_a_gap(void **state)
{
	(void)state;
	struct watched *w = watched_new();
	struct found f = { 0 };
	for (int64_t i = 0; i < 60; i++)
		if (i < 10 || i >= 14)
			add(w, i, 100, 0, 60);
	watched_gaps(w, noon, noon + 60 * MINUTE, noon + 61 * MINUTE, note, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.since[0], noon + 10 * MINUTE);
	assert_int_equal(f.until[0], noon + 14 * MINUTE);
	assert_string_equal(f.reason[0], "capture_off");
	watched_free(w);
}

static void an_interface_that_was_away_makes_a_gap_unless_another_watched(void **state)
{
	(void)state;
	struct watched *w = watched_new();
	struct found f = { 0 };
	for (int64_t i = 0; i < 10; i++) {
		add(w, i, 0, 0, i == 5 || i == 6 ? 0 : 60);
		add(w, i, 0, 0, i == 6 ? 0 : 30);
	}
	watched_gaps(w, noon, noon + 10 * MINUTE, noon + 11 * MINUTE, note, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.since[0], noon + 6 * MINUTE);
	assert_int_equal(f.until[0], noon + 7 * MINUTE);
	watched_free(w);
}

static void the_minute_that_still_runs_is_no_gap_but_silence_is(void **state)
{
	(void)state;
	struct watched *w = watched_new();
	struct found f = { 0 };
	for (int64_t i = 0; i < 10; i++)
		add(w, i, 1, 0, 60);
	watched_gaps(w, noon, noon + 20 * MINUTE, noon + 12 * MINUTE, note, &f);
	assert_int_equal(f.n, 0);
	watched_gaps(w, noon, noon + 30 * MINUTE, noon + 25 * MINUTE, note, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.since[0], noon + 10 * MINUTE);
	assert_int_equal(f.until[0], noon + 25 * MINUTE);
	watched_free(w);
}

static void before_the_first_row_has_a_reason_of_its_own(void **state)
{
	(void)state;
	struct watched *w = watched_new();
	struct found f = { 0 };
	watched_gaps(w, noon, noon + 5 * MINUTE, noon + 6 * MINUTE, note, &f);
	assert_int_equal(f.n, 0); /* nothing known: nothing claimed */
	add(w, 0, 1, 0, 60);
	watched_gaps(w, noon - 60 * MINUTE, noon + MINUTE, noon + MINUTE, note, &f);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.reason[0], "before_first_record");
	assert_int_equal(f.until[0], noon);
	watched_free(w);
}

static void rows_in_any_order_and_long_pauses_are_taken(void **state)
{
	(void)state;
	struct watched *w = watched_new();
	struct found f = { 0 };
	add(w, 5, 1, 0, 60);
	add(w, 3, 1, 0, 60);
	add(w, 50 * 1440, 1, 0, 60); /* 50 days later: what was before is forgotten */
	add(w, 4, 1, 0, 60);
	watched_gaps(w, noon + 49 * 1440 * MINUTE, noon + (50 * 1440 + 1) * MINUTE,
		     noon + (50 * 1440 + 2) * MINUTE, note, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.until[0], noon + 50 * 1440 * MINUTE);
	watched_free(w);
}

static void losses_are_summed_over_interfaces_and_minutes(void **state)
{
	(void)state;
	struct watched *w = watched_new();
	struct losses l;
	for (int64_t i = 0; i < 2000; i++) {
		add(w, i, 90, 5, 60);
		add(w, i, 0, 5, 60);
	}
	watched_losses(w, noon + 1999 * MINUTE, 10, &l);
	assert_int_equal(l.packets, 900);
	assert_int_equal(l.kernel_drops, 100);
	assert_int_equal(l.minutes_watched, 10);
	assert_true(losses_ratio(&l) > 0.0999 && losses_ratio(&l) < 0.1001);
	watched_losses(w, noon + 1999 * MINUTE, 5000, &l);
	assert_int_equal(l.minutes_watched, 1440);
	watched_losses(w, noon + 9999 * MINUTE, 10, &l);
	assert_int_equal(l.minutes_watched, 0);
	assert_true(losses_ratio(&l) == 0.0);
	watched_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hole_between_watched_minutes_is_a_gap),
		cmocka_unit_test(an_interface_that_was_away_makes_a_gap_unless_another_watched),
		cmocka_unit_test(the_minute_that_still_runs_is_no_gap_but_silence_is),
		cmocka_unit_test(before_the_first_row_has_a_reason_of_its_own),
		cmocka_unit_test(rows_in_any_order_and_long_pauses_are_taken),
		cmocka_unit_test(losses_are_summed_over_interfaces_and_minutes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
