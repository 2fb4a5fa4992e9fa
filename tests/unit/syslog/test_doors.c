/* Who may have a connection: an accepted source has a place whatever strangers do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/syslog/conn.h"

#define MAX 1024

static size_t enter_many(struct doors *d, bool is_known, bool is_tls)
{
	size_t n = 0;
	for (uint32_t i = 0; i < 4 * MAX; i++) {
		struct addr a = addr_v4(0x0a000000 + i);
		n += doors_enter(d, &a, is_known, is_tls);
	}
	return n;
}

static void strangers_leave_an_eighth_to_accepted_sources(void **state)
{
	(void)state;
	struct doors d;
	struct addr firewall = addr_v4(0xc0000201);
	for (int tls = 0; tls < 2; tls++) {
		assert_int_equal(doors_init(&d, MAX, 4), 0);
		size_t strangers = enter_many(&d, false, tls), all = tls ? MAX / 8 + 1 : MAX;
		assert_int_equal(strangers, all - all / 8);
		assert_false(doors_enter(&d, &firewall, false, tls));
		assert_true(doors_enter(&d, &firewall, true, tls));
		assert_int_equal(strangers + 1 + enter_many(&d, true, tls), all);
		doors_fini(&d);
	}
}

static void the_addresses_of_one_machine_count_together(void **state)
{
	(void)state;
	struct doors d;
	struct addr a = { { 0x20, 1, 0x0d, 0xb8 } },
		    other = { { 0x20, 1, 0x0d, 0xb8, [7] = 1 } };
	size_t n = 0;
	assert_int_equal(doors_init(&d, MAX, 10), 0);
	for (uint8_t i = 0; i < 100; i++) {
		a.b[15] = i;
		n += doors_enter(&d, &a, false, false);
	}
	assert_int_equal(n, 10);
	assert_true(doors_enter(&d, &other, false, false));
	doors_leave(&d, &a, false);
	assert_true(doors_enter(&d, &a, false, false));
	doors_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_leave_an_eighth_to_accepted_sources),
		cmocka_unit_test(the_addresses_of_one_machine_count_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
