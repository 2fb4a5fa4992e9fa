/* Views of bytes, and copies that are safe to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tomsd/base/str.h"

static void comparison_and_search(void **state)
{
	(void)state;
	assert_true(str_eq(STR("abc"), STR("abc")));
	assert_false(str_eq(STR("abc"), STR("ab")));
	assert_true(str_eq(STR_NULL, STR("")));
	assert_true(str_ieq(STR("Content-Type"), STR("content-tYPE")));
	assert_false(str_ieq(STR("[]"), STR("{}"))); /* 0x20 apart, but no letters */
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_true(str_starts(STR("abc"), STR_NULL));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_false(str_ends(STR("c"), STR("bc")));
	assert_int_equal(str_chr(STR("a=b"), '='), 1);
	assert_int_equal(str_chr(STR("ab"), '='), -1);
	assert_int_equal(str_chr(STR_NULL, '='), -1);
	assert_int_equal(str_find(STR("hello"), STR("llo")), 2);
	assert_int_equal(str_find(STR("hello"), STR("lx")), -1);
	assert_int_equal(str_find(STR_NULL, STR("")), 0);
	assert_int_equal(str_ifind(STR("Hello World"), STR("WORLD")), 6);
	assert_int_equal(str_ifind(STR("Hi"), STR("HIGH")), -1);
	assert_int_equal(str_ifind(STR_NULL, STR("x")), -1);
}

static void views_are_cut_without_fear(void **state)
{
	(void)state;
	assert_true(str_eq(str_trim(STR(" \t x y \r\n")), STR("x y")));
	assert_int_equal(str_trim(STR("  ")).n, 0);
	assert_int_equal(str_trim(STR_NULL).n, 0);
	assert_true(str_eq(str_sub(STR("abcdef"), 2, 3), STR("cde")));
	assert_true(str_eq(str_sub(STR("abc"), 2, SIZE_MAX), STR("c")));
	assert_int_equal(str_sub(STR("abc"), 9, 9).n, 0);
	assert_int_equal(str_sub(STR_NULL, 1, 1).n, 0);
}

static void splitting_gives_each_part_once(void **state)
{
	(void)state;
	struct str s = STR("a,,b,"), part;
	static const char *const wanted[] = { "a", "", "b", "" };
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_true(str_split(&s, ',', &part));
		assert_true(str_eq(part, str_of(wanted[i])));
	}
	assert_false(str_split(&s, ',', &part));
	s = STR_NULL;
	assert_false(str_split(&s, ',', &part));
}

static void copies_are_cut_between_characters(void **state)
{
	(void)state;
	char out[8];
	assert_true(str_copy(out, sizeof(out), STR("1234567")));
	assert_string_equal(out, "1234567");
	assert_false(str_copy(out, sizeof(out), STR("12345678")));
	assert_string_equal(out, "1234567");
	assert_false(str_copy(out, sizeof(out), STR("12345病")));
	assert_string_equal(out, "12345");
	assert_false(str_copy(out, sizeof(out), STR("1234病院")));
	assert_string_equal(out, "1234病");
	assert_false(str_copy(out, sizeof(out), STR("\x80\x80\x80\x80\x80\x80\x80\x80\x80")));
	assert_int_equal(strlen(out), 7);
	assert_false(str_copy(out, 1, STR("病")));
	assert_string_equal(out, "");
	assert_false(str_copy(out, 0, STR("x")));
	assert_true(str_copy(out, sizeof(out), STR_NULL));
	assert_string_equal(out, "");
}

static void outside_text_is_cleaned_on_its_way_into_a_row(void **state)
{
	(void)state;
	char out[16];
	str_copy_clean(out, sizeof(out), STR("plain ASCII"));
	assert_string_equal(out, "plain ASCII");
	str_copy_clean(out, sizeof(out), STR("a\nb"));
	assert_string_equal(out, "a\xef\xbf\xbd"
				 "b");
	str_copy_clean(out, sizeof(out), STR("\xff 病院"));
	assert_string_equal(out, "\xef\xbf\xbd 病院");
	str_copy_clean(out, sizeof(out), STR("1234567890123\xff\xff"));
	assert_string_equal(out, "1234567890123??"); /* no room for the longer sign */
	str_copy_clean(out, sizeof(out), STR("12345678901234567890"));
	assert_string_equal(out, "123456789012345");
	str_copy_clean(out, sizeof(out), STR("1234567890123病"));
	assert_string_equal(out, "1234567890123");
	str_copy_clean(out, sizeof(out),
		       STR("12345678\x7f"
			   "9"));
	assert_string_equal(out, "12345678\xef\xbf\xbd"
				 "9");
	str_copy_clean(out, sizeof(out), str_n("a\0b", 3));
	assert_string_equal(out, "a\xef\xbf\xbd"
				 "b");
	str_copy_clean(out, sizeof(out),
		       STR("\xc2\x9b"
			   "31m")); /* C1: CSI */
	assert_string_equal(out, "\xef\xbf\xbd"
				 "31m");
	str_copy_clean(out, sizeof(out),
		       STR("a\xe2\x80\xae"
			   "b\xe2\x81\xa6")); /* turns the text round */
	assert_string_equal(out, "a\xef\xbf\xbd"
				 "b\xef\xbf\xbd");
	str_copy_clean(out, 1, STR("abc"));
	assert_string_equal(out, "");
	str_copy_clean(out, sizeof(out), STR_NULL);
	assert_string_equal(out, "");
}

/* Every string of bytes and every size of room gives clean text that fits. */
static void cleaned_text_is_always_valid(void **state)
{
	(void)state;
	uint64_t x = 88172645463325252U;
	for (int round = 0; round < 20000; round++) {
		char in[40], out[48];
		size_t n = (size_t)(x % sizeof(in)),
		       cap = 1 + (size_t)(x >> 20) % (sizeof(out) - 1);
		for (size_t i = 0; i < n; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			in[i] = (char)(x & 3 ? x >> 8 & 0x7f : x >> 8);
		}
		memset(out, 0x55, sizeof(out));
		str_copy_clean(out, cap, str_n(in, n));
		size_t made = strnlen(out, cap);
		assert_true(made < cap);
		assert_true(str_utf8_valid(str_n(out, made)));
		for (size_t i = 0; i < made; i++)
			assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
		assert_int_equal(out[cap], 0x55);
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
}

static void utf8_is_what_rfc_3629_says(void **state)
{
	(void)state;
	static const char *const good[] = { "",
					    "a",
					    "é",
					    "病院",
					    "\xf0\x9f\x8f\xa5",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = {
		"\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xe0\x80\xaf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xf0\x80\x80\xaf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe7\x97",
		"\xc3",
		"\xc3(",
		"\xe7\x97(",
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_utf8_valid(str_of(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_utf8_valid(str_of(bad[i])));
}

static void a_copy_on_the_heap_ends(void **state)
{
	(void)state;
	char *p = str_dup(str_n("abcdef", 3));
	assert_string_equal(p, "abc");
	free(p);
	p = str_dup(STR_NULL);
	assert_string_equal(p, "");
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparison_and_search),
		cmocka_unit_test(views_are_cut_without_fear),
		cmocka_unit_test(splitting_gives_each_part_once),
		cmocka_unit_test(copies_are_cut_between_characters),
		cmocka_unit_test(outside_text_is_cleaned_on_its_way_into_a_row),
		cmocka_unit_test(cleaned_text_is_always_valid),
		cmocka_unit_test(utf8_is_what_rfc_3629_says),
		cmocka_unit_test(a_copy_on_the_heap_ends),
	};
	return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
