/* Numbers from text, strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tomsd/base/err.h"
#include "tomsd/base/num.h"

static void unsigned_numbers_are_digits_and_nothing_else(void **state)
{
	(void)state;
	uint64_t v = 7;
	assert_int_equal(num_u64(STR("18446744073709551615"), 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	static const char *const bad[] = { "",     " 1",  "1 ",  "+1",  "-1",
					   "0x10", "1.0", "1e3", "abc", "1,000" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(num_u64(str_of(bad[i]), 0, UINT64_MAX, &v), -ERR_INVALID);
	assert_int_equal(num_u64(STR("18446744073709551616"), 0, UINT64_MAX, &v), -ERR_RANGE);
	assert_int_equal(num_u64(STR("99999999999999999999999x"), 0, UINT64_MAX, &v),
			 -ERR_INVALID);
	assert_int_equal(num_u64(STR_NULL, 0, 1, &v), -ERR_INVALID);
	assert_true(v == UINT64_MAX);
}

static void limits_are_kept(void **state)
{
	(void)state;
	uint32_t v32 = 7;
	uint16_t v16 = 7;
	assert_int_equal(num_u32(STR("4294967295"), 0, UINT32_MAX, &v32), 0);
	assert_true(v32 == UINT32_MAX);
	assert_int_equal(num_u32(STR("4294967296"), 0, UINT32_MAX, &v32), -ERR_RANGE);
	assert_int_equal(num_u16(STR("65536"), 0, UINT16_MAX, &v16), -ERR_RANGE);
	assert_int_equal(num_u16(STR("0"), 1, UINT16_MAX, &v16), -ERR_RANGE);
	assert_int_equal(v16, 7);
	assert_int_equal(num_u16(STR("443"), 1, UINT16_MAX, &v16), 0);
	assert_int_equal(v16, 443);
}

static void signed_numbers_reach_both_ends(void **state)
{
	(void)state;
	int64_t v = 7;
	assert_int_equal(num_i64(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(num_i64(STR("9223372036854775807"), INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(num_i64(STR("9223372036854775808"), INT64_MIN, INT64_MAX, &v),
			 -ERR_RANGE);
	assert_int_equal(num_i64(STR("-9223372036854775809"), INT64_MIN, INT64_MAX, &v),
			 -ERR_RANGE);
	assert_int_equal(num_i64(STR("-"), INT64_MIN, INT64_MAX, &v), -ERR_INVALID);
	assert_int_equal(num_i64(STR("--1"), INT64_MIN, INT64_MAX, &v), -ERR_INVALID);
	assert_int_equal(num_i64(STR("-0"), -1, 1, &v), 0);
	assert_true(v == 0);
}

static void sizes_know_both_kinds_of_kilo(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "512", 512 },         { "64K", 65536 },        { "512M", 536870912 },
		{ "2G", 2147483648 },   { "1T", 1099511627776 }, { "100KB", 100000 },
		{ "100MB", 100000000 }, { "2GB", 2000000000 },   { "0", 0 },
		{ "2g", 2147483648 },
	};
	uint64_t v = 7;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(num_size(str_of(good[i].text), &v), 0);
		assert_true(v == good[i].bytes);
	}
	static const char *const bad[] = { "", "K", "1X", "1 K", "-1K", "1.5G", "1KK", "G1" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(num_size(str_of(bad[i]), &v), -ERR_INVALID);
	assert_int_equal(num_size(STR("99999999999T"), &v), -ERR_RANGE);
	assert_true(v == 2147483648);
}

static void times_need_their_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t s;
	} good[] = { { "90d", 7776000 }, { "12h", 43200 },  { "5m", 300 },
		     { "30s", 30 },      { "2w", 1209600 }, { "0s", 0 } };
	int64_t v = 7;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(num_duration(str_of(good[i].text), &v), 0);
		assert_true(v == good[i].s * NS_PER_S);
	}
	assert_int_equal(num_duration(STR("250ms"), &v), 0);
	assert_true(v == 250 * NS_PER_MS);
	static const char *const bad[] = { "", "90", "d", "-1d", "1 d", "1y", "1d2h" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(num_duration(str_of(bad[i]), &v), -ERR_INVALID);
	assert_int_equal(num_duration(STR("999999999d"), &v), -ERR_RANGE);
	assert_int_equal(num_duration(STR("15251w"), &v),
			 -ERR_RANGE); /* fits 64 bits, not 63 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_numbers_are_digits_and_nothing_else),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(signed_numbers_reach_both_ends),
		cmocka_unit_test(sizes_know_both_kinds_of_kilo),
		cmocka_unit_test(times_need_their_unit),
	};
	return cmocka_run_group_tests_name("base/num", tests, NULL, NULL);
}
