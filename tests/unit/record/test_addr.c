#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tomsd/base/hash.h"
#include "tomsd/record.h"

static void same_text(const char *in, const char *out)
{
	struct addr a;
	char text[ADDR_TEXT_MAX];

	assert_int_equal(addr_parse(str_of(in), &a), 0);
	addr_text(&a, text);
	assert_string_equal(text, out);
}

static void addresses_have_one_text_form_rfc_5952(void **state)
{
	(void)state;
	same_text("0.0.0.0", "0.0.0.0");
	same_text("192.168.0.1", "192.168.0.1");
	same_text("255.255.255.255", "255.255.255.255");
	same_text("::", "::");
	same_text("::1", "::1");
	same_text("1::", "1::");
	same_text("2001:0DB8:0000:0000:0008:0800:200C:417A", "2001:db8::8:800:200c:417a");
	same_text("2001:db8:0:1:1:1:1:1",
		  "2001:db8:0:1:1:1:1:1");                      /* one group is not shortened */
	same_text("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"); /* first of equal runs */
	same_text("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");       /* longest run */
	same_text("fe80::0:1", "fe80::1");
	same_text("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
	same_text("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
	same_text("ff02::1:ff00:0", "ff02::1:ff00:0");
	same_text("::ffff:10.1.2.3", "10.1.2.3"); /* mapped is IPv4 inside */
	same_text("64:ff9b::192.0.2.33", "64:ff9b::c000:221");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		":",
		":::",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.",
		".1.2.3",
		"256.1.1.1",
		"01.2.3.4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.0x4",
		"-1.2.3.4",
		"1..2.3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::1::",
		"12345::",
		"g::",
		":1",
		"1:",
		"1:2:3:4:5:6:7:",
		"1.2.3.4::",
		"::1.2.3.4:1",
		"::1.2.3",
		"fe80::1%eth0",
		"[::1]",
		"::ffff:1.2.3.4.5",
		"1:2:3:4:5:6:7:1.2.3.4",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct addr a;

		if (addr_parse(str_of(bad[i]), &a) == 0)
			fail_msg("taken for an address: \"%s\"", bad[i]);
	}
}

static void every_prefix_of_an_address_is_read_without_overrun(void **state)
{
	static const char *const good[] = { "255.255.255.255", "2001:db8:85a3::8a2e:370:7334",
					    "1:2:3:4:5:6:255.255.255.255" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		for (size_t n = 0; n <= strlen(good[i]); n++) {
			char *exact =
				malloc(n + 1); /* no NUL behind: ASan sees one byte too many */
			struct addr a;
			struct cidr c;
			uint8_t mac[6];

			memcpy(exact, good[i], n);
			/* some prefixes are addresses, some are not: only the reading counts here */
			bool is_addr = addr_parse(str_n(exact, n), &a) == 0;
			bool is_range = cidr_parse(str_n(exact, n), &c) == 0;

			assert_int_equal(is_addr, is_range);
			assert_int_not_equal(mac_parse(str_n(exact, n), mac), 0);
			free(exact);
		}
	}
}

static void any_address_survives_text_and_back(void **state)
{
	uint64_t x = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct addr a, b;
		char text[ADDR_TEXT_MAX];

		for (unsigned k = 0; k < 16; k++) {
			x = hash_mix64(x + k + 1);
			a.b[k] = x % 3 ? 0 : (uint8_t)(x >> 8); /* many zeros: many runs */
		}
		addr_text(&a, text);
		assert_true(strlen(text) < ADDR_TEXT_MAX);
		if (addr_parse(str_of(text), &b))
			fail_msg("does not read back: %s", text);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static bool in_range(const char *range, const char *addr)
{
	struct cidr c;
	struct addr a;

	assert_int_equal(cidr_parse(str_of(range), &c), 0);
	assert_int_equal(addr_parse(str_of(addr), &a), 0);
	return cidr_has(&c, &a);
}

static void a_range_has_its_addresses_and_no_others(void **state)
{
	(void)state;
	assert_true(in_range("10.0.0.0/8", "10.255.255.255"));
	assert_false(in_range("10.0.0.0/8", "11.0.0.0"));
	assert_true(in_range("10.1.2.3/8", "10.9.9.9")); /* host bits do not matter */
	assert_true(in_range("192.168.1.128/25", "192.168.1.200"));
	assert_false(in_range("192.168.1.128/25", "192.168.1.127"));
	assert_true(in_range("192.168.1.1", "192.168.1.1"));
	assert_false(in_range("192.168.1.1", "192.168.1.0"));
	assert_true(in_range("0.0.0.0/0", "203.0.113.1"));
	assert_false(in_range("0.0.0.0/0", "2001:db8::1"));
	assert_true(in_range("::/0", "2001:db8::1"));
	assert_true(in_range("fe80::/10", "febf::1"));
	assert_false(in_range("fe80::/10", "fec0::1"));
}

static void a_range_that_lies_is_refused(void **state)
{
	static const char *const bad[] = { "10.0.0.0/33",  "10.0.0.0/",   "/8",
					   "10.0.0.0/-1",  "10.0.0.0/08", "::/129",
					   "10.0.0.0/8/8", "10.0.0/8",    "10.0.0.0/8 " };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct cidr c;

		if (cidr_parse(str_of(bad[i]), &c) == 0)
			fail_msg("taken for a range: \"%s\"", bad[i]);
	}
}

static void macs_are_read_in_all_usual_spellings(void **state)
{
	static const char *const good[] = { "44:4b:5d:01:02:21", "44-4B-5D-01-02-21",
					    "444b.5d01.0221", "444B5D010221" };
	static const char *const bad[] = { "",
					   "44:4b:5d:01:02",
					   "44:4b:5d:01:02:2g",
					   "44:4b-5d:01:02:21",
					   "444b5d01022",
					   "444b.5d01:0221",
					   "44:4b:5d:01:02:21:",
					   "4:44b:5d:01:02:21" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		uint8_t mac[6];
		char text[MAC_TEXT_MAX];

		assert_int_equal(mac_parse(str_of(good[i]), mac), 0);
		mac_text(mac, text);
		assert_string_equal(text, "44:4b:5d:01:02:21");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint8_t mac[6];

		if (mac_parse(str_of(bad[i]), mac) == 0)
			fail_msg("taken for a MAC: \"%s\"", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_one_text_form_rfc_5952),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(every_prefix_of_an_address_is_read_without_overrun),
		cmocka_unit_test(any_address_survives_text_and_back),
		cmocka_unit_test(a_range_has_its_addresses_and_no_others),
		cmocka_unit_test(a_range_that_lies_is_refused),
		cmocka_unit_test(macs_are_read_in_all_usual_spellings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
