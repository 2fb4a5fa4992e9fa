/* The parts a Parquet file is made of, each against its own specification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/parquet/bloom.h"
#include "../../../src/parquet/delta.h"
#include "../../../src/parquet/dict.h"
#include "../../../src/parquet/hybrid.h"
#include "../../../src/parquet/thrift.h"
#include "gen_flows.h"

static void xxh64_is_that_of_everybody(void **state)
{
	(void)state;
	assert_true(xxh64("", 0) == UINT64_C(0xef46db3751d8e999));
	assert_true(xxh64("a", 1) == UINT64_C(0xd24ec4f1a98c6e5b));
	assert_true(xxh64("abc", 3) == UINT64_C(0x44bc2cf5ad770999));
	assert_true(xxh64("Nobody inspects the spammish repetition", 39) == UINT64_C(0xfbcea83c8a378bf1));
}

static void a_bloom_filter_forgets_nothing(void **state)
{
	(void)state;
	struct gen_flows g = { 1, 0, 0 };
	for (size_t n = 1; n < 100000; n = n * 3 + 1) {
		size_t bytes = bloom_bytes(n), wrong = 0;
		uint8_t *bits = calloc(1, bytes);
		uint64_t *put = calloc(n, sizeof(*put));
		assert_true(bits && put && (bytes & (bytes - 1)) == 0 && bytes >= BLOOM_BLOCK);
		for (size_t i = 0; i < n; i++) {
			put[i] = gen_next(&g);
			bloom_put(bits, bytes, put[i]);
		}
		for (size_t i = 0; i < n; i++)
			assert_true(bloom_has(bits + bloom_block(bytes, put[i]), put[i]));
		for (size_t i = 0; i < 10000; i++) {
			uint64_t other = gen_next(&g);
			wrong += bloom_has(bits + bloom_block(bytes, other), other);
		}
		assert_in_range(wrong, 0, 200); /* 1 % was the aim */
		free(bits);
		free(put);
	}
}

/* The example of parquet-format's Encodings.md: 0..7 in three bits. */
static void bits_are_packed_as_the_specification_shows(void **state)
{
	(void)state;
	const uint32_t v[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	const uint8_t want[] = { 0x03, 0x88, 0xc6, 0xfa };
	struct buf out;
	buf_init(&out, 1000);
	hybrid_put(&out, v, 8, 3);
	assert_int_equal(out.n, sizeof(want));
	assert_memory_equal(out.p, want, sizeof(want));
	buf_reset(&out);
	hybrid_put(&out, (const uint32_t[9]){ 4, 4, 4, 4, 4, 4, 4, 4, 4 }, 9, 3);
	assert_int_equal(out.n, 2); /* nine times four */
	assert_memory_equal(out.p, "\x12\x04", 2);
	buf_fini(&out);
}

static void numbers_of_a_dictionary_come_back(void **state)
{
	(void)state;
	enum { N = 3000 };
	static uint32_t v[N];
	struct gen_flows g = { 2, 0, 0 };
	struct buf out;
	buf_init(&out, 1 << 20);
	for (unsigned turn = 0; turn < 300; turn++) {
		unsigned width = 1 + turn % 32;
		size_t n = gen_next(&g) % N;
		uint32_t max = (uint32_t)((UINT64_C(1) << width) - 1), last = 0;
		for (size_t i = 0; i < n; i++)
			v[i] = last = gen_next(&g) % (turn % 9 + 1) ? last : (uint32_t)gen_next(&g) & max;
		buf_reset(&out);
		hybrid_put(&out, v, n, width);
		struct hybrid h = hybrid_of(rd_of(out.p, out.n), width);
		uint32_t got = 0;
		for (size_t i = 0; i < n; i++)
			assert_true(hybrid_next(&h, &got) && got == v[i]);
		assert_true(hybrid_is_done(&h));
		/* every prefix ends in a refusal */
		for (size_t k = 0; k < out.n && turn < 40; k++) {
			h = hybrid_of(rd_of(out.p, k), width);
			size_t read = 0;
			while (read < n && hybrid_next(&h, &got))
				read++;
			assert_true(read < n);
		}
	}
	assert_int_equal(hybrid_width(0), 1);
	assert_int_equal(hybrid_width(1), 1);
	assert_int_equal(hybrid_width(2), 2);
	assert_int_equal(hybrid_width(UINT32_MAX), 32);
	buf_fini(&out);
}

static void steps_come_back(void **state)
{
	(void)state;
	enum { N = 1000 };
	static uint64_t v[N];
	struct gen_flows g = { 6, 0, 0 };
	struct buf out;
	buf_init(&out, 1 << 20);
	for (unsigned turn = 0; turn < 600; turn++) {
		size_t n = turn < 300 ? turn : gen_next(&g) % N;
		unsigned bits = turn % 65;
		for (size_t i = 0; i < n; i++)
			v[i] = (i && turn % 3 ? v[i - 1] : 0) + (bits ? gen_next(&g) >> (64 - bits) : 0);
		if (n > 3 && turn % 7 == 0) {
			v[1] = UINT64_C(1) << 63; /* the least and the largest side by side: steps wrap round */
			v[2] = v[1] - 1;
		}
		buf_reset(&out);
		delta_put(&out, v, n);
		struct delta d = delta_of(rd_of(out.p, out.n));
		uint64_t got = 0;
		for (size_t i = 0; i < n; i++)
			assert_true(delta_next(&d, &got) && got == v[i]);
		assert_true(delta_is_done(&d) && !delta_next(&d, &got));
		for (size_t k = 0; k < out.n && turn < 150; k++) {
			d = delta_of(rd_of(out.p, k));
			while (delta_next(&d, &got))
				;
			assert_false(delta_is_done(&d));
		}
	}
	/* the example of Encodings.md: 7, 5, 3, 1, 2, 3, 4, 5, as blocks of our size */
	const uint64_t example[] = { 7, 5, 3, 1, 2, 3, 4, 5 };
	const uint8_t want[] = { 128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0 };
	buf_reset(&out);
	delta_put(&out, example, 8);
	assert_int_equal(out.n, sizeof(want));
	assert_memory_equal(out.p, want, sizeof(want));
	buf_fini(&out);
}

static void a_dictionary_numbers_values_as_they_come(void **state)
{
	(void)state;
	struct dict d;
	dict_init(&d, 5, 1000);
	assert_int_equal(dict_put(&d, "", 0), 0);
	assert_int_equal(dict_put(&d, "b", 1), 1);
	assert_int_equal(dict_put(&d, "a", 1), 2);
	assert_int_equal(dict_put(&d, "b", 1), 1);
	assert_int_equal(dict_put(&d, "", 0), 0);
	uint32_t n = 3, at;
	for (uint32_t i = 0; (at = dict_put(&d, &i, sizeof(i))) != DICT_FULL; i++)
		assert_int_equal(at, n++);
	assert_int_equal(n, 3 + (1000 - 2) / 4);
	assert_true(str_eq(dict_key(&d, 2), STR("a")) && dict_key(&d, 0).n == 0);
	dict_clear(&d);
	assert_int_equal(dict_put(&d, "z", 1), 0);
	dict_fini(&d);
}

static void put_all(struct buf *out)
{
	struct thrift_out t;
	thrift_out(&t, out);
	thrift_put_i32(&t, 1, -5);
	thrift_put_bool(&t, 2, true);
	thrift_put_i64(&t, 20, INT64_MIN);
	thrift_put_str(&t, 21, STR("text"));
	thrift_list(&t, 22, THRIFT_I32, 20);
	for (int i = 0; i < 20; i++)
		thrift_item_i32(&t, i);
	thrift_struct(&t, 30);
	thrift_put_i8(&t, 1, -1);
	thrift_put_i16(&t, 2, INT16_MIN);
	thrift_end(&t);
	thrift_end(&t);
}

static bool take_all(const void *p, size_t n)
{
	struct thrift_in t = thrift_in(p, n);
	uint64_t sum = 0;
	int id;
	enum thrift_type type;
	while ((type = thrift_next(&t, &id)) != THRIFT_STOP) {
		if (id == 1 || id == 20)
			sum ^= (uint64_t)thrift_int(&t, type);
		else if (id == 2)
			sum += thrift_bool(&t, type);
		else if (id == 21)
			sum += thrift_str(&t, type).n;
		else if (id == 22)
			for (size_t i = thrift_list_of(&t, type, THRIFT_I32); i > 0; i--)
				sum += (uint64_t)thrift_int(&t, THRIFT_I32);
		else
			thrift_skip(&t, type);
	}
	return thrift_ok(&t) && rd_left(&t.r) == 0 && 
	       sum == ((UINT64_C(0) - 5 + 1) ^ UINT64_C(1) << 63) + 4 + 190;
}

static void thrift_comes_back_and_no_prefix_passes(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 1000);
	put_all(&out);
	assert_true(take_all(out.p, out.n));
	for (size_t n = 0; n < out.n; n++)
		assert_false(take_all(out.p, n));
	for (size_t i = 0; i < out.n * 8; i++) { /* no crash is all that is asked */
		out.p[i / 8] = (char)(out.p[i / 8] ^ 1 << i % 8);
		(void)take_all(out.p, out.n);
		out.p[i / 8] = (char)(out.p[i / 8] ^ 1 << i % 8);
	}
	buf_fini(&out);
	/* lists in lists in lists */
	char deep[1000];
	memset(deep, 0x19, sizeof(deep));
	struct thrift_in t = thrift_in(deep, sizeof(deep));
	int id;
	thrift_skip(&t, thrift_next(&t, &id));
	assert_false(thrift_ok(&t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xxh64_is_that_of_everybody),
		cmocka_unit_test(a_bloom_filter_forgets_nothing),
		cmocka_unit_test(bits_are_packed_as_the_specification_shows),
		cmocka_unit_test(numbers_of_a_dictionary_come_back),
		cmocka_unit_test(steps_come_back),
		cmocka_unit_test(a_dictionary_numbers_values_as_they_come),
		cmocka_unit_test(thrift_comes_back_and_no_prefix_passes),
	};
	return cmocka_run_group_tests_name("archive/parquet_parts", tests, NULL, NULL);
}
