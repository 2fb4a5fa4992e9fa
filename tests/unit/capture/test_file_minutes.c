/* The minutes a capture file covers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/capture/file_minutes.h"
#include "tomsd/base/clock.h"

#define MINUTE (60 * NS_PER_S)
#define NOON (INT64_C(1795348800) * NS_PER_S)

struct bench {
	char dir[64];
	struct store *store;
	struct file_minutes minutes;
	struct capture_minute rows[32];
	size_t n;
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err e = ERR_INIT;
	(void)str_copy(b->dir, sizeof(b->dir), STR("/tmp/tomsd-minutes-XXXXXX"));
	assert_non_null(mkdtemp(b->dir));
	struct store_conf conf = { .path = b->dir };
	assert_int_equal(store_open(&b->store, &conf, &e), 0);
	assert_int_equal(store_start(b->store, &e), 0);
	file_minutes_begin(&b->minutes, b->store, "/some/where/night.pcap");
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[128];
	store_stop(b->store);
	store_free(b->store);
	(void)snprintf(command, sizeof(command), "rm -r %s", b->dir);
	free(b);
	return system(command) == 0 ? 0 : -1;
}

static int take(void *arg, const void *row)
{
	struct bench *b = arg;
	if (b->n < ARRAY_LEN(b->rows))
		b->rows[b->n++] = *(const struct capture_minute *)row;
	return 0;
}

static void read_rows(struct bench *b)
{
	struct query q = { .record = &capture_minute_record,
			   .until_ns = INT64_MAX,
			   .sort = QUERY_OLDEST };
	struct query_page_info info;
	struct err e = ERR_INIT;
	file_minutes_end(&b->minutes);
	assert_int_equal(store_flush(b->store, 10000, &e), 0);
	assert_int_equal(store_query(b->store, &q, 0, 0, take, b, &info, &e), 0);
}

static void a_file_was_watched_from_its_first_packet_to_its_last(void **state)
{
	struct bench *b = *state;
	file_minutes_add(&b->minutes, NOON + 30 * NS_PER_S, 100);
	file_minutes_add(&b->minutes, NOON + 31 * NS_PER_S, 200);
	file_minutes_add(&b->minutes, NOON + 3 * MINUTE + 10 * NS_PER_S, 50);
	read_rows(b);
	assert_int_equal(b->n, 4);
	assert_int_equal(b->rows[0].packets, 2);
	assert_int_equal(b->rows[0].bytes, 300);
	assert_int_equal(b->rows[0].up_seconds, 31);
	assert_string_equal(b->rows[0].interface, "night.pcap");
	assert_int_equal(b->rows[1].packets, 0);
	assert_int_equal(b->rows[1].up_seconds, 60);
	assert_int_equal(b->rows[3].packets, 1);
	assert_int_equal(b->rows[3].up_seconds, 11);
}

static void a_long_pause_was_not_watched(void **state)
{
	struct bench *b = *state;
	file_minutes_add(&b->minutes, NOON, 1);
	file_minutes_add(&b->minutes, NOON + 60 * MINUTE, 1);
	read_rows(b);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->rows[1].at_ns, NOON + 60 * MINUTE);
}

static void packets_out_of_order_belong_to_the_open_minute(void **state)
{
	struct bench *b = *state;
	file_minutes_add(&b->minutes, NOON + 5 * MINUTE + 9, 1);
	file_minutes_add(&b->minutes, NOON + 5 * MINUTE + 3, 1);
	file_minutes_add(&b->minutes, NOON + 4 * MINUTE, 1);
	read_rows(b);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->rows[0].packets, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(a_file_was_watched_from_its_first_packet_to_its_last),
		T(a_long_pause_was_not_watched),
		T(packets_out_of_order_belong_to_the_open_minute),
#undef T
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
