/* When the night's backup is due, and which files a configuration names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../../../src/rescue/contents.h"
#include "../../../src/rescue/room.h"
#include "tomsd/base/clock.h"

static int64_t at(const char *text)
{
	int64_t ns = 0;
	assert_int_equal(clock_parse_rfc3339(str_of(text), &ns), 0);
	return ns;
}

static void check(const char *zone, int hour, int minute, const char *now, const char *next)
{
	struct zone *z = NULL;
	struct err e = ERR_INIT;
	char text[CLOCK_RFC3339_MAX];
	assert_int_equal(zone_load(&z, str_of(zone), &e), 0);
	clock_rfc3339(night_next(z, hour * 3600 + minute * 60, at(now)), text);
	zone_free(z);
	assert_string_equal(text, next);
}

static void the_night_is_the_appliances_own(void **state)
{
	(void)state;
	check("UTC", 2, 30, "2026-11-23T02:29:59Z", "2026-11-23T02:30:00Z");
	check("UTC", 2, 30, "2026-11-23T02:30:00Z", "2026-11-24T02:30:00Z");
	check("+09:00", 2, 30, "2026-11-23T12:00:00Z", "2026-11-23T17:30:00Z");
	check("+09:00", 0, 0, "2026-12-31T14:59:59Z", "2026-12-31T15:00:00Z");
	check("-05:00", 23, 59, "2026-11-23T05:00:00Z", "2026-11-24T04:59:00Z");
}

static void a_night_that_has_no_such_hour_or_has_it_twice_has_one_backup(void **state)
{
	struct err e = ERR_INIT;
	(void)state;
	if (zone_check(STR("Europe/Berlin"), &e) != 0)
		skip(); /* no time zones on this machine */
	/* 2026-03-29: 02:00 becomes 03:00; 2026-10-25: 03:00 becomes 02:00 */
	struct zone *z = NULL;
	assert_int_equal(zone_load(&z, STR("Europe/Berlin"), &e), 0);
	for (int day = 27; day <= 30; day++) {
		char text[32];
		(void)snprintf(text, sizeof(text), "2026-03-%02dT12:00:00Z", day);
		int64_t now = at(text), then = night_next(z, 9000, now);
		assert_true(then > now && then - now < 16 * 3600 * NS_PER_S);
		assert_true(night_next(z, 9000, then) - then > 20 * 3600 * NS_PER_S);
	}
	int64_t then = night_next(z, 9000, at("2026-10-24T12:00:00Z"));
	assert_true(night_next(z, 9000, then) - then > 20 * 3600 * NS_PER_S);
	zone_free(z);
}

struct paths {
	char list[64][256];
	size_t n;
};

static void note(void *arg, const char *path)
{
	struct paths *p = arg;
	assert_true(p->n < 64);
	(void)str_copy(p->list[p->n++], 256, str_of(path));
}

static void files_that_a_configuration_names_are_found(void **state)
{
	static const char text[] =
		"# cert = /etc/not.pem\n[store]\npath = /var/lib/tomsd\n[panel]\n cert = /etc/tomsd/panel.pem \n"
		"key=/etc/tomsd/panel.key\r\n[capture]\nfile = /srv/x.pcap\n[s3 \"tokyo\"]\nsecret_key = @/run/s3\n"
		"access_key = AKIA=/x\nca_file = /etc/ca.pem\nprefix = @home\n[archive]\ntimestamp_ca = /etc/tsa.pem";
	static const char *const all[] = { "/etc/tomsd/panel.pem", "/etc/tomsd/panel.key",
					   "/run/s3", "/etc/ca.pem", "/etc/tsa.pem" };
	struct paths p = { .n = 0 };
	(void)state;
	conf_named_files(STR(text), note, &p);
	assert_int_equal(p.n, ARRAY_LEN(all));
	for (size_t i = 0; i < p.n; i++)
		assert_string_equal(p.list[i], all[i]);
	p.n = 0;
	conf_at_files(STR(text), note, &p);
	assert_int_equal(p.n, 1);
	assert_string_equal(p.list[0], "/run/s3");
	for (size_t n = 0; n < sizeof(text); n++) { /* every prefix */
		p.n = 0;
		conf_named_files(str_n(text, n), note, &p);
		assert_true(p.n <= ARRAY_LEN(all));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_night_is_the_appliances_own),
		cmocka_unit_test(a_night_that_has_no_such_hour_or_has_it_twice_has_one_backup),
		cmocka_unit_test(files_that_a_configuration_names_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
