/* Sources: who is who, what is kept of whom, and who has fallen silent. With a clock that the test sets, except
 * for the monotonic one, which sources_tick is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/syslog/source_inside.h"
#include "tomsd/base/clock.h"

#define NOW INT64_C(1795397000000000000) /* 2026-11-23T01:23:20Z */
#define MINUTE (60 * NS_PER_S)

static struct sources *make(uint64_t limit, int64_t silence_ns)
{
	struct sources *ss = NULL;
	struct err e = ERR_INIT;
	struct sources_conf conf = { .unknown_limit_bytes = limit,
				     .silence_ns = silence_ns,
				     .zone = "Asia/Tokyo" };
	assert_int_equal(sources_new(&ss, &conf, &e), 0);
	ss->next_id = 1;
	ss->ids_to = 1u << 20;
	return ss;
}

static struct {
	struct log log;
	char line[1024];
} row;

static enum verdict say(struct sources *ss, const char *serial, uint32_t address, size_t bytes,
			int64_t at_ns)
{
	struct line_time when = { .clock = LINE_CLOCK_NONE };
	struct judged j = { &row.log, &when, at_ns };
	memset(&row, 0, sizeof(row));
	(void)str_copy(row.log.serial, sizeof(row.log.serial), str_of(serial));
	row.log.sender = addr_v4(address);
	row.log.line_n = (uint32_t)bytes;
	row.log.transport = LOG_VIA_TCP;
	sources_begin(ss);
	enum verdict v = sources_judge(ss, &j);
	sources_end(ss);
	return v;
}

static uint32_t id_of(struct sources *ss, const char *serial, uint32_t address)
{
	assert_int_equal(say(ss, serial, address, 1, NOW), VERDICT_KEEP);
	return row.log.source;
}

static void state_set(struct sources *ss, uint32_t id, enum source_state state)
{
	struct err e = ERR_INIT;
	struct source_change c = { .has_state = true, .state = state };
	assert_int_equal(sources_change(ss, id, &c, &e), 0);
}

static void a_sender_is_unknown_until_someone_says_something(void **state)
{
	(void)state;
	struct sources *ss = make(1 << 20, 0);
	uint32_t id = id_of(ss, "FGT60F0000000001", 0x0a000001);
	assert_int_equal(row.log.trust, LOG_TRUST_UNKNOWN);
	assert_int_not_equal(id, 0);
	assert_int_equal(id_of(ss, "FGT60F0000000001", 0x0a000001), id);
	state_set(ss, id, SOURCE_ACCEPTED);
	assert_int_equal(say(ss, "FGT60F0000000001", 0x0a000001, 10, NOW), VERDICT_KEEP);
	assert_int_equal(row.log.trust, LOG_TRUST_ACCEPTED);
	state_set(ss, id, SOURCE_REFUSED);
	assert_int_equal(say(ss, "FGT60F0000000001", 0x0a000001, 10, NOW), VERDICT_REFUSED);
	assert_int_equal(row.log.trust, LOG_TRUST_REFUSED);
	sources_free(ss);
}

static void an_accepted_serial_number_from_elsewhere_is_an_impostor(void **state)
{
	(void)state;
	struct sources *ss = make(1 << 20, 0);
	struct source s;
	uint32_t id = id_of(ss, "FG100F0000000001", 0x0a000001);
	state_set(ss, id, SOURCE_ACCEPTED);
	assert_int_equal(say(ss, "FG100F0000000001", 0x0a000002, 10, NOW), VERDICT_KEEP);
	assert_int_equal(row.log.trust, LOG_TRUST_IMPOSTOR);
	assert_int_not_equal(row.log.source, id);
	assert_true(sources_get(ss, row.log.source, &s) && s.is_impostor);
	assert_true(sources_get(ss, id, &s) && !s.is_impostor);
	/* Accepted too, as the other half of a cluster, it is none. */
	state_set(ss, row.log.source, SOURCE_ACCEPTED);
	assert_int_equal(say(ss, "FG100F0000000001", 0x0a000002, 10, NOW), VERDICT_KEEP);
	assert_int_equal(row.log.trust, LOG_TRUST_ACCEPTED);
	sources_free(ss);
}

static void nobody_unknown_gets_more_than_half_of_what_is_left(void **state)
{
	(void)state;
	struct sources *ss = make(16000, 0);
	uint64_t kept[5] = { 0 };
	for (uint32_t who = 0; who < 5; who++)
		for (int i = 0; i < 1000; i++)
			if (say(ss, "", 0x0a000001 + who, 100, NOW) == VERDICT_KEEP)
				kept[who] += 100;
	assert_int_equal(kept[0], 8000);
	assert_int_equal(kept[1], 4000);
	assert_int_equal(kept[2], 2000);
	assert_int_equal(kept[3], 1000);
	assert_true(kept[4] > 0);
	/* Another serial number does not make another sender. */
	assert_int_equal(say(ss, "FG100F0000000009", 0x0a000001, 100, NOW), VERDICT_LIMIT);
	/* The accepted are not in it, and tomorrow is another day. */
	state_set(ss, 1, SOURCE_ACCEPTED);
	assert_int_equal(say(ss, "", 0x0a000001, 100, NOW), VERDICT_KEEP);
	assert_int_equal(say(ss, "", 0x0a000002, 100, NOW + 86400 * NS_PER_S), VERDICT_KEEP);
	sources_free(ss);
}

static void a_flood_of_made_up_senders_pushes_nobody_out(void **state)
{
	(void)state;
	struct sources *ss = make(1 << 30, 0);
	struct sources_sums sums;
	uint32_t accepted = id_of(ss, "FG100F0000000001", 0x0a000001);
	state_set(ss, accepted, SOURCE_ACCEPTED);
	uint32_t busy = 0;
	for (int i = 0; i < 100; i++)
		busy = id_of(ss, "", 0x0a000002); /* unknown, but of many lines */
	for (uint32_t i = 0; i < 50000; i++)
		(void)say(ss, "", 0x0b000000 + i, 10, NOW);
	sources_sums(ss, &sums);
	assert_true(sums.n[SOURCE_NEW] <= SOURCES_NEW_MAX);
	assert_true(ss->next_id < 2000); /* most of them never had a place */
	assert_int_equal(id_of(ss, "FG100F0000000001", 0x0a000001), accepted);
	assert_int_equal(id_of(ss, "", 0x0a000002), busy);
	assert_true(
		sources_address_known(ss, &(struct addr){ { [10] = 255, 255, 10, 0, 0, 1 } }));
	sources_free(ss);
}

/* What is pushed out of memory is struck off the table too, or it is not pushed out. */
static void made_up_senders_leave_no_rows_behind(void **state)
{
	(void)state;
	struct sources *ss = make(1 << 30, 0);
	size_t rows = 0, live = 0;
	for (uint32_t i = 0; i < 4 * SOURCES_NEW_MAX; i++) {
		ss->places = 2; /* hours pass, and nothing has been written for long */
		(void)say(ss, "", 0x0b000000 + i, 10, NOW);
		for (size_t k = 0; k < SOURCES_MAX; k++) { /* as the watch does */
			rows += ss->all[k].id && !ss->all[k].is_stored;
			ss->all[k].is_stored = ss->all[k].id != 0;
		}
	}
	for (size_t k = 0; k < SOURCES_MAX; k++)
		live += ss->all[k].id != 0;
	assert_int_equal(live, SOURCES_NEW_MAX);
	assert_int_equal(rows - ss->n_gone, live);
	assert_int_equal(sources_forget(ss, ss->all[0].id), 0); /* people still can */
	sources_free(ss);
}

static void the_zone_of_a_source_is_that_of_its_lines(void **state)
{
	(void)state;
	struct zone *z = NULL;
	struct err e = ERR_INIT;
	assert_int_equal(zone_load(&z, STR("Europe/Berlin"), &e), 0);
	assert_int_equal(zone_at(z, NOW), 3600);
	assert_int_equal(zone_at(z, NOW - 150 * 86400 * NS_PER_S), 7200);
	assert_int_equal(zone_at_local(z, INT64_C(1774790000) * NS_PER_S),
			 7200); /* 29 March 2026, afternoon */
	zone_free(z);
	static const struct {
		const char *name;
		int32_t offset;
	} cases[] = { { "Asia/Tokyo", 32400 },
		      { "+09:00", 32400 },
		      { "-0330", -12600 },
		      { "UTC", 0 },
		      { "+05", 18000 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(zone_load(&z, str_of(cases[i].name), &e), 0);
		assert_int_equal(zone_at(z, NOW), cases[i].offset);
		assert_int_equal(zone_at_local(z, NOW), cases[i].offset);
		zone_free(z);
	}
	static const char *const bad[] = {
		"",      "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "+9", "+25:00",
		"+09:0", "Asia",         "zone.tab"
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(zone_check(str_of(bad[i]), &e), -ERR_INVALID);
}

static struct gap told[64];
static size_t n_told;

static void tell(void *arg, const struct gap *g)
{
	(void)arg;
	assert_true(n_told < ARRAY_LEN(told));
	told[n_told++] = *g;
}

static void a_source_that_falls_silent_has_gaps_by_the_hour_until_it_is_back(void **state)
{
	(void)state;
	struct sources *ss = make(1 << 20, 10 * MINUTE);
	char name[64];
	int64_t since = 0;
	uint32_t id = id_of(ss, "FG100F0000000001", 0x0a000001),
		 other = id_of(ss, "", 0x0a000002);
	state_set(ss, id, SOURCE_ACCEPTED);
	int64_t began = ss->all[0].last_mono_ns;
	ss->all[1].last_mono_ns = began; /* not accepted: its silence is nobody's business */
	ss->all[0].last_ns = NOW - 30 * MINUTE; /* of the run before: people are told of it */
	assert_int_not_equal(other, 0);
	n_told = 0;
	for (int64_t t = 0; t <= 130; t++) {
		/* The wall clock jumps by a day in between: neither silence nor rows care. */
		int64_t wall = NOW + t * MINUTE + (t > 5 && t < 9 ? 86400 * NS_PER_S : 0);
		sources_tick(ss, wall, began + t * MINUTE, tell, NULL);
		if (t <= 10)
			assert_int_equal(n_told, 0);
	}
	assert_int_equal(n_told, 2); /* at 11 and 71 minutes */
	assert_int_equal(told[0].start_ns, NOW);
	assert_int_equal(told[0].end_ns, NOW + 11 * MINUTE);
	assert_int_equal(told[1].start_ns, NOW + 11 * MINUTE);
	assert_int_equal(told[1].end_ns, NOW + 71 * MINUTE);
	assert_int_equal(told[1].ongoing, 1);
	assert_int_equal(told[1].source, id);
	assert_int_equal(sources_silent(ss, name, sizeof(name), &since), 1);
	assert_int_equal(since, NOW - 30 * MINUTE);
	/* A stop leaves no hole behind the last row: whoever starts next begins anew. */
	sources_last_tick(ss, NOW + 130 * MINUTE, began + 130 * MINUTE, tell, NULL);
	assert_int_equal(n_told--, 3);
	assert_int_equal(told[2].start_ns, NOW + 71 * MINUTE);
	assert_int_equal(told[2].end_ns, NOW + 130 * MINUTE);
	ss->all[0].last_mono_ns = began + 140 * MINUTE; /* it is back */
	sources_tick(ss, NOW + 141 * MINUTE, began + 141 * MINUTE, tell, NULL);
	assert_int_equal(n_told, 3);
	assert_int_equal(told[2].end_ns, NOW + 140 * MINUTE);
	assert_int_equal(told[2].ongoing, 0);
	assert_int_equal(sources_silent(ss, name, sizeof(name), &since), 0);
	sources_free(ss);
}

static void habit_is_half_as_long_again_as_the_longest_usual_quiet_time(void **state)
{
	(void)state;
	struct habit h = { 0 };
	habit_line(&h, 20261101, 40 * MINUTE);
	assert_int_equal(habit_ns(&h), HABIT_NEW_NS); /* of one day only: at least an hour */
	for (int32_t day = 20261102; day < 20261106; day++)
		habit_line(&h, day, 20 * MINUTE);
	assert_int_equal(habit_ns(&h), 30 * MINUTE); /* the worst day is left out */
	habit_line(&h, 20261106, 300 * MINUTE);      /* an outage */
	assert_int_equal(habit_ns(&h), 60 * MINUTE);
	for (int32_t day = 20261107; day < 20261114; day++)
		habit_line(&h, day, NS_PER_S);
	assert_int_equal(habit_ns(&h), HABIT_LEAST_NS); /* a week later it is forgotten */
	for (int32_t day = 20261114; day < 20261117; day++)
		habit_line(&h, day, 600 * MINUTE);
	assert_int_equal(habit_ns(&h), HABIT_MOST_NS);
}

static void skew_is_the_median_and_one_lie_does_not_move_it(void **state)
{
	(void)state;
	struct skew s = { 0 };
	assert_int_equal(skew_ns(&s), 0);
	for (int64_t i = 0; i < 40; i++)
		skew_take(&s, i % 5 == 0 ? 86400 * NS_PER_S : 1500 * NS_PER_MS, i * NS_PER_S);
	assert_int_equal(skew_ns(&s), 1500 * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sender_is_unknown_until_someone_says_something),
		cmocka_unit_test(an_accepted_serial_number_from_elsewhere_is_an_impostor),
		cmocka_unit_test(nobody_unknown_gets_more_than_half_of_what_is_left),
		cmocka_unit_test(a_flood_of_made_up_senders_pushes_nobody_out),
		cmocka_unit_test(made_up_senders_leave_no_rows_behind),
		cmocka_unit_test(the_zone_of_a_source_is_that_of_its_lines),
		cmocka_unit_test(
			a_source_that_falls_silent_has_gaps_by_the_hour_until_it_is_back),
		cmocka_unit_test(habit_is_half_as_long_again_as_the_longest_usual_quiet_time),
		cmocka_unit_test(skew_is_the_median_and_one_lie_does_not_move_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
