/* Events: what has changed, told once, in order, and never quietly missed. */
#include "../../../src/api/room.h"

#include <stdio.h>

#include "house.h"
#include "tomsd/base/clock.h"

static const struct room *const rooms[] = { &api_room, NULL };
static struct app *house;
static struct api api;

static int setup(void **state)
{
	(void)state;
	house = house_of(rooms);
	api = (struct api){ .app = house, .events = events_new(clock_now_ns()) };
	app_set_room_state(house, &api_room, &api);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	app_set_room_state(house, &api_room, NULL);
	events_free(api.events);
	app_free(house);
	return 0;
}

/* What a client that has read up to *id gets now. */
static bool read_all(const char *topics, uint64_t *id, char *out, size_t cap)
{
	struct buf b;
	buf_init(&b, 1u << 20);
	bool has_all = api_events_read(house, topics, id, &b);
	(void)str_copy(out, cap, buf_view(&b));
	buf_fini(&b);
	return has_all;
}

static void a_new_client_starts_now_and_gets_what_comes(void **state)
{
	(void)state;
	char out[4096];
	uint64_t id = 0;
	api_event(house, "status", "{\"n\":1}");
	assert_true(read_all("", &id, out, sizeof(out)));
	assert_string_equal(out, "");
	api_event(house, "status", "{\"n\":2}");
	api_event(house, "alerts", "{\"n\":3}");
	assert_true(read_all("status", &id, out, sizeof(out)));
	assert_non_null(strstr(out, "event: status\ndata: {\"n\":2}\n\n"));
	assert_null(strstr(out, "alerts"));
	assert_true(read_all("status", &id, out, sizeof(out)));
	assert_string_equal(out, "");
}

static void of_topics_that_say_now_only_the_newest_counts(void **state)
{
	(void)state;
	char out[4096];
	uint64_t id = 0;
	(void)read_all("", &id, out, sizeof(out));
	for (int i = 0; i < 5000; i++) {
		char json[32];
		(void)snprintf(json, sizeof(json), "{\"n\":%d}", i);
		api_event(house, "rate", json);
	}
	api_event(house, "status", "{}");
	assert_true(read_all("", &id, out, sizeof(out)));
	assert_non_null(strstr(out, "{\"n\":4999}"));
	assert_null(strstr(out, "{\"n\":4998}"));
	assert_non_null(strstr(out, "event: status"));
}

static void who_was_away_too_long_is_told_to_fetch_anew(void **state)
{
	(void)state;
	char out[4096];
	uint64_t id = 0, old;
	(void)read_all("", &id, out, sizeof(out));
	old = id;
	for (int i = 0; i < 1000; i++)
		api_event(house, "status", "{}");
	assert_true(read_all("alerts", &id, out, sizeof(out))); /* exactly the ring */
	id = old;
	api_event(house, "status", "{}");
	assert_false(read_all("alerts", &id, out, sizeof(out)));
	assert_true(read_all("alerts", &id, out, sizeof(out)));
	id = 12345; /* of a run before */
	assert_false(read_all("", &id, out, sizeof(out)));
	id = UINT64_MAX;
	assert_false(read_all("", &id, out, sizeof(out)));
}

static int woken;
static void wake(void *arg)
{
	(void)arg;
	woken++;
}

static void publishing_wakes_who_asked_for_it(void **state)
{
	(void)state;
	api_events_on_publish(house, wake, NULL);
	api_event(house, "flows", "{}");
	assert_int_equal(woken, 1);
	api_events_on_publish(house, NULL, NULL);
	api_event(house, "flows", "{}");
	assert_int_equal(woken, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_client_starts_now_and_gets_what_comes),
		cmocka_unit_test(of_topics_that_say_now_only_the_newest_counts),
		cmocka_unit_test(who_was_away_too_long_is_told_to_fetch_anew),
		cmocka_unit_test(publishing_wakes_who_asked_for_it),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
