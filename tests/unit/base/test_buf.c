/* Output that grows up to a cap, and the cursor over input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/rd.h"

static void output_grows(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_fmt(&b, "%04d,", i);
	assert_false(buf_failed(&b));
	assert_int_equal(b.n, 5000);
	assert_memory_equal(b.p, "0000,0001,", 10);
	assert_string_equal(b.p + 4995, "0999,");
	buf_reset(&b);
	assert_string_equal(b.p, "");
	buf_fini(&b);
}

static void numbers_are_written_whole(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1000);
	buf_u64(&b, 0);
	buf_char(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	buf_char(&b, ' ');
	buf_i64(&b, INT64_MIN);
	buf_char(&b, ' ');
	buf_i64(&b, -7);
	buf_cstr(&b, NULL);
	buf_str(&b, STR_NULL);
	assert_string_equal(b.p, "0 18446744073709551615 -9223372036854775808 -7");
	buf_fini(&b);
}

static void a_full_buffer_stays_failed(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 10);
	buf_cstr(&b, "0123456789");
	assert_false(buf_failed(&b));
	buf_char(&b, 'x');
	assert_true(buf_failed(&b));
	assert_string_equal(b.p, "0123456789");
	buf_reset(&b);
	buf_cstr(&b, "ab");
	buf_fmt(&b, "%s", "more than ten bytes");
	assert_true(buf_failed(&b));
	buf_cstr(&b, "c");
	assert_string_equal(b.p, "ab");
	assert_null(buf_take(&b, NULL));
	assert_null(b.p);
	buf_fini(&b);
}

static void a_cap_is_met_exactly(void **state)
{
	(void)state;
	for (size_t cap = 0; cap < 600; cap += 7) {
		struct buf b;
		buf_init(&b, cap);
		for (size_t i = 0; i < cap; i++)
			buf_char(&b, 'x');
		assert_false(buf_failed(&b));
		assert_true(b.room <= cap + 1);
		buf_fmt(&b, "%s", "");
		assert_false(buf_failed(&b));
		buf_fmt(&b, "%c", 'y');
		assert_true(buf_failed(&b));
		buf_fini(&b);
	}
}

static void bytes_can_be_handed_over(void **state)
{
	(void)state;
	struct buf b;
	size_t n = 99;
	buf_init(&b, 100);
	char *p = buf_take(&b, &n);
	assert_string_equal(p, "");
	assert_int_equal(n, 0);
	free(p);
	buf_cstr(&b, "abc");
	p = buf_take(&b, &n);
	assert_string_equal(p, "abc");
	assert_int_equal(n, 3);
	assert_int_equal(buf_view(&b).n, 0);
	free(p);
	buf_fini(&b);
}

static void a_cursor_reads_big_and_little_endian(void **state)
{
	(void)state;
	static const uint8_t bytes[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
					 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 };
	struct rd r = rd_of(bytes, sizeof(bytes));
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_u16(&r), 0x0203);
	assert_int_equal(rd_u32(&r), 0x04050607);
	assert_true(rd_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(rd_le16(&r), 0x1110);
	assert_int_equal(rd_le32(&r), 0x15141312);
	assert_true(rd_ok(&r));
	assert_int_equal(rd_left(&r), 0);
}

static void a_cursor_turns_bad_at_the_first_overrun(void **state)
{
	(void)state;
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct rd r = rd_of(bytes, sizeof(bytes));
	assert_int_equal(rd_u32(&r), 0);
	assert_false(rd_ok(&r));
	assert_int_equal(rd_u8(&r), 0); /* though three bytes are left */
	assert_null(rd_take(&r, 0));
	r = rd_of(bytes, sizeof(bytes));
	struct rd sub = rd_sub(&r, 2);
	assert_int_equal(rd_left(&sub), 2);
	sub = rd_sub(&r, SIZE_MAX);
	assert_false(rd_ok(&sub) || rd_ok(&r));
	r = rd_of(NULL, 0);
	assert_true(rd_ok(&r));
	assert_int_equal(rd_u8(&r), 0);
	assert_false(rd_ok(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_grows),
		cmocka_unit_test(numbers_are_written_whole),
		cmocka_unit_test(a_full_buffer_stays_failed),
		cmocka_unit_test(a_cap_is_met_exactly),
		cmocka_unit_test(bytes_can_be_handed_over),
		cmocka_unit_test(a_cursor_reads_big_and_little_endian),
		cmocka_unit_test(a_cursor_turns_bad_at_the_first_overrun),
	};
	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
