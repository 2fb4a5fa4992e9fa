/* Requests for rows that only the archive has: lists go on in it, cursors tell where, others wait their turn. */
#include "../api/living.h"
#include "cold.h"

#include "../../../src/archive/search.h"

enum { FLOWS = 400 };

static struct cold_box box;
static struct living house;
static struct cold_search *search;

static void put_flows(void)
{
	struct gen_flows g = { 31, tiny_noon_ns - 8 * cold_day_ns, 8 * cold_day_ns / FLOWS };
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow f;
		gen_flow(&g, &f);
		box_put(&box.b, &flow_record, &f);
		if (i % 100 == 99) {
			box_flush(&box.b);
			cold_seal(&box);
		}
	}
	cold_drop(&box, &flow_record, tiny_noon_ns - 9 * cold_day_ns, tiny_noon_ns - 3 * cold_day_ns);
}

static int setup(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	cold_open(&box, 60);
	put_flows();
	house.st = box.b.st;
	house.a = house_of(living_rooms);
	app_set_store(house.a, box.b.st);
	living_start(&house);
	if (cold_search_new(&search, house.a, box.folder, NULL, &e))
		fail_msg("%s", e.text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cold_search_stop(search);
	api_room.stop(house.a);
	api_room.fini(house.a);
	cold_search_free(search);
	app_free(house.a);
	box_free(&box.b);
	return 0;
}

static struct said ask_rows(const char *target)
{
	return living_ask(&house, "sato", ROLE_AUDITOR, "GET", target, NULL);
}

/* As many as the search thread lets wait, and it has not begun yet. */
static void *waiting_asker(void *arg)
{
	struct said *s = arg;
	*s = ask_rows("/api/v1/flows?cold=true&limit=1000");
	return NULL;
}

static void who_comes_when_eight_wait_is_told_to_come_again(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	pthread_t t[20];
	struct said said[ARRAY_LEN(t)];
	unsigned full = 0, told = 0;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, waiting_asker, &said[i]), 0);
	while (cold_refused < ARRAY_LEN(t) - 8) /* all have asked by then: eight wait */
		clock_sleep_ms(1);
	if (cold_search_start(search, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		full += said[i].status == 200;
		told += said[i].status == 503 && strstr(said[i].body, "\"retry_after\"") != NULL;
		/* all of it, or on a slow machine as far as its time went */
		if (said[i].status == 200 && strstr(said[i].body, "\"complete\":true"))
			assert_non_null(strstr(said[i].body, "\"next\":null"));
		free(said[i].body);
	}
	assert_int_equal(full, 8);
	assert_int_equal(told, ARRAY_LEN(t) - 8);
}

static void a_list_goes_on_in_the_archive_page_by_page(void **state)
{
	(void)state;
	char target[256] = "/api/v1/flows?cold=true&limit=33", cursor[128] = "";
	size_t rows = 0, pages = 0;
	bool has_asked = false;
	for (bool more = true; more; pages++) {
		struct said s = ask_rows(target);
		struct json_doc d;
		struct err e = ERR_INIT;
		assert_int_equal(s.status, 200);
		assert_int_equal(json_parse(str_of(s.body), 100000, &d, &e), 0);
		for (char *at = s.body; (at = strstr(at, "\"toms\":{\"flow\"")); at++)
			rows++;
		assert_non_null(strstr(s.body, "\"complete\":true"));
		has_asked = has_asked || !strstr(s.body, "\"searched_since\":null");
		more = json_text(json_get(&d, d.nodes, "next"), cursor, sizeof(cursor)) && *cursor;
		if (more)
			assert_non_null(strstr(s.body, "\"total\":null"));
		(void)snprintf(target, sizeof(target), "/api/v1/flows?cold=true&limit=33&cursor=%s", cursor);
		json_doc_fini(&d);
		free(s.body);
	}
	assert_int_equal(rows, FLOWS);
	assert_true(pages > 10 && has_asked);
	/* without cold the store alone is asked, and says nothing of an archive */
	struct said hot = ask_rows("/api/v1/flows?limit=1000");
	assert_null(strstr(hot.body, "\"archive\""));
	assert_int_equal(hot.status, 200);
	free(hot.body);
}

static void one_row_of_a_dropped_day_is_shown_by_its_id(void **state)
{
	(void)state;
	struct said s = ask_rows("/api/v1/flows?cold=true&sort=oldest&limit=1");
	char *id = strstr(s.body, "\"id\":\""), target[96];
	assert_non_null(id);
	(void)snprintf(target, sizeof(target), "/api/v1/flows/%.*s", (int)strcspn(id + 6, "\""), id + 6);
	free(s.body);
	s = ask_rows(target);
	assert_int_equal(s.status, 200);
	free(s.body);
	s = ask_rows("/api/v1/flows/1234567890123456789");
	assert_int_equal(s.status, 404);
	free(s.body);
}

static void what_the_archive_cannot_do_is_refused_by_its_name(void **state)
{
	(void)state;
	struct said s = ask_rows("/api/v1/flows?cold=true&sort=bytes");
	assert_int_equal(s.status, 400);
	assert_non_null(strstr(s.body, "newest or oldest first"));
	free(s.body);
	s = ask_rows("/api/v1/flows?cold=true&format=csv");
	assert_int_equal(s.status, 400);
	assert_non_null(strstr(s.body, "/api/v1/exports"));
	free(s.body);
	s = ask_rows("/api/v1/flows?cold=true&cursor=nonsense");
	assert_int_equal(s.status, 400);
	free(s.body);
	s = ask_rows("/api/v1/flows?cold=true&q=nosuchfield:1");
	assert_int_equal(s.status, 400);
	free(s.body);
}

static void a_damaged_object_stands_in_the_answer(void **state)
{
	(void)state;
	char path[192];
	(void)snprintf(path, sizeof(path), "%s/flow-2.parquet", box.folder);
	assert_int_equal(truncate(path, 900), 0);
	struct said s = ask_rows("/api/v1/flows?cold=true&limit=1000");
	assert_int_equal(s.status, 200);
	assert_null(strstr(s.body, "\"groups_failed\":0"));
	assert_non_null(strstr(s.body, "flow-2.parquet"));
	free(s.body);
}

static void nobody_waits_for_a_search_that_has_ended(void **state)
{
	(void)state;
	cold_search_stop(search);
	struct said s = ask_rows("/api/v1/flows?cold=true&limit=1000");
	assert_int_equal(s.status, 503);
	free(s.body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_when_eight_wait_is_told_to_come_again),
		cmocka_unit_test(a_list_goes_on_in_the_archive_page_by_page),
		cmocka_unit_test(one_row_of_a_dropped_day_is_shown_by_its_id),
		cmocka_unit_test(what_the_archive_cannot_do_is_refused_by_its_name),
		cmocka_unit_test(a_damaged_object_stands_in_the_answer),
		cmocka_unit_test(nobody_waits_for_a_search_that_has_ended),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
