/* The map against a plain array that does the same slowly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tomsd/base/hash.h"
#include "tomsd/base/map.h"

static void all_keys_are_allowed(void **state)
{
	(void)state;
	struct map m;
	bool made;
	assert_int_equal(map_init(&m, 100), 0);
	static const uint64_t keys[] = { 0, 1, UINT64_MAX, 16, 32, 48, INT64_MAX };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		assert_null(map_get(&m, keys[i]));
		uint64_t *v = map_put(&m, keys[i], &made);
		assert_true(made && *v == 0);
		*v = i + 10;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		assert_int_equal(*map_get(&m, keys[i]), i + 10);
		assert_int_equal(*map_put(&m, keys[i], &made), i + 10);
		assert_false(made);
	}
	assert_true(map_del(&m, 0));
	assert_false(map_del(&m, 0));
	assert_null(map_get(&m, 0));
	assert_int_equal(m.n, ARRAY_LEN(keys) - 1);
	map_clear(&m);
	assert_int_equal(m.n, 0);
	assert_null(map_get(&m, 1));
	map_fini(&m);
}

static void a_full_map_says_so_and_keeps_what_it_has(void **state)
{
	(void)state;
	struct map m;
	bool made;
	assert_int_equal(map_init(&m, 1000), 0);
	for (uint64_t k = 0; k < 1000; k++)
		*map_put(&m, k, &made) = k;
	assert_null(map_put(&m, 5000, &made));
	assert_false(made);
	assert_int_equal(*map_put(&m, 999, &made), 999);
	assert_true(map_del(&m, 500));
	assert_non_null(map_put(&m, 5000, &made));
	map_fini(&m);
}

static void a_walk_meets_every_entry_once(void **state)
{
	(void)state;
	struct map m;
	bool made, met[300] = { false };
	size_t at = 0, n = 0;
	uint64_t key, *value;
	assert_int_equal(map_init(&m, 300), 0);
	assert_false(map_next(&m, &at, &key, &value));
	for (uint64_t k = 0; k < 300; k++)
		*map_put(&m, k, &made) = k * 2;
	for (at = 0; map_next(&m, &at, &key, &value); n++) {
		assert_true(key < 300 && !met[key] && *value == key * 2);
		met[key] = true;
	}
	assert_int_equal(n, 300);
	map_fini(&m);
}

static void random_work_agrees_with_a_plain_array(void **state)
{
	(void)state;
	enum { KEYS = 512 };
	uint64_t plain[KEYS] = { 0 }, x = 42; /* 0: absent */
	size_t n = 0;
	struct map m;
	assert_int_equal(map_init(&m, KEYS), 0);
	for (uint64_t step = 1; step < 200000; step++) {
		bool made;
		x = hash_mix64(x + step);
		uint64_t k = x % KEYS, key = k << 32; /* low bits all alike */
		if (x >> 40 & 1) {
			uint64_t *v = map_put(&m, key, &made);
			assert_non_null(v);
			assert_int_equal(made, plain[k] == 0);
			n += made;
			*v = plain[k] = step;
		} else {
			assert_int_equal(map_del(&m, key), plain[k] != 0);
			n -= plain[k] != 0;
			plain[k] = 0;
		}
		k = (x >> 20) % KEYS;
		uint64_t *v = map_get(&m, k << 32);
		assert_int_equal(v ? *v : 0, plain[k]);
		assert_int_equal(m.n, n);
	}
	map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_are_allowed),
		cmocka_unit_test(a_full_map_says_so_and_keeps_what_it_has),
		cmocka_unit_test(a_walk_meets_every_entry_once),
		cmocka_unit_test(random_work_agrees_with_a_plain_array),
	};
	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
