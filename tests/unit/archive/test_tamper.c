/* Any one byte of a small archive turned over is found, and the file it stands in is named. */
#include "make.h"

#ifdef TOMSD_DEBUG
enum { STEP = 29 }; /* sanitizers are slow; the step is no divisor of any length here, so every field is hit */
#else
enum { STEP = 1 };
#endif

static struct made a;
static struct asked k;

static int setup(void **state)
{
	(void)state;
	made_begin(&a, 3);
	a.rotate_at = 2;
	made_seal(&a, 1);
	made_seal(&a, 0);
	made_seal(&a, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	made_end(&a);
	return 0;
}

static void write_byte(const char *path, off_t at, char c)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	assert_int_equal(close(fd), 0);
}

static unsigned flip_each_byte(const char *key)
{
	char path[512];
	struct buf b;
	struct err e = ERR_INIT;
	unsigned flips = 0;
	buf_init(&b, 1 << 22);
	made_path(&a, key, path);
	made_read(&a, key, &b);
	for (size_t i = 0; i < b.n; i += STEP, flips++) {
		bool named = false;
		write_byte(path, (off_t)i, (char)(b.p[i] ^ (char)(1 << i % 8)));
		if (ask_folder(&a, (struct verify_ask){ .public_key = a.keys[0].public_key, .objects = true }, &k, &e))
			fail_msg("%s, byte %zu: %s", key, i, e.text);
		named = k.told > 0 && strcmp(k.r.first.key, key) == 0;
		/* Of a pair of manifest and signature, either may be named: one does not fit the other. */
		if (k.told > 0 && key[0] == '_')
			named = strncmp(k.r.first.key, key, strlen("_manifest/appliance=" MADE_APPLIANCE "/0000000001")) == 0;
		if (!named)
			fail_msg("%s, byte %zu: %u faults, first %s: %s", key, i, k.told, k.r.first.key, k.r.first.words);
		write_byte(path, (off_t)i, b.p[i]);
	}
	buf_fini(&b);
	return flips;
}

static void any_byte_turned_over_is_found(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char key[128];
	unsigned flips = 0;
	for (uint64_t seq = 1; seq <= 3; seq++) {
		(void)snprintf(key, sizeof(key), "_manifest/appliance=" MADE_APPLIANCE "/%010llu.json", (unsigned long long)seq);
		flips += flip_each_byte(key);
		(void)snprintf(key, sizeof(key), "_manifest/appliance=" MADE_APPLIANCE "/%010llu.sig", (unsigned long long)seq);
		flips += flip_each_byte(key);
	}
	for (size_t i = 0; i < a.n_objects; i++)
		flips += flip_each_byte(a.objects[i]);
	assert_int_equal(ask_folder(&a, (struct verify_ask){ .objects = true, .rows = true }, &k, &e), 0);
	assert_int_equal(k.told, 0);
	print_message("%u bytes turned over\n", flips);
}

/* A file that ends earlier, or has more behind its end. */
static void any_length_but_the_right_one_is_found(void **state)
{
	(void)state;
	char path[512], key[128];
	struct buf b;
	struct err e = ERR_INIT;
	for (int what = 0; what < 3; what++) {
		(void)snprintf(key, sizeof(key), "_manifest/appliance=" MADE_APPLIANCE "/0000000002%s", what ? ".json" : ".sig");
		const char *name = what == 2 ? a.objects[1] : key;
		buf_init(&b, 1 << 22);
		made_read(&a, name, &b);
		made_path(&a, name, path);
		for (size_t n = 0; n <= b.n + 1; n += n < b.n - 1 && n + STEP > b.n ? 1 : STEP) {
			if (n == b.n)
				continue;
			assert_int_equal(truncate(path, (off_t)n), 0);
			assert_int_equal(ask_folder(&a, (struct verify_ask){ .objects = true }, &k, &e), 0);
			if (k.told == 0)
				fail_msg("%s: %zu bytes of %zu were good enough", name, n, b.n);
			made_write(&a, name, b.p, b.n);
		}
		buf_fini(&b);
	}
}

/* Rows are read only in a file whose sum is right; but a place may lie about sums, and a manifest's maker too: then
 * the reader of rows stands alone before any bytes. */
static void rows_of_any_damaged_object_are_told_or_refused(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct buf b;
	char path[512], json_key[128];
	buf_init(&b, 1 << 22);
	made_read(&a, a.objects[1], &b);
	made_path(&a, a.objects[1], path);
	(void)snprintf(json_key, sizeof(json_key), "_manifest/appliance=" MADE_APPLIANCE "/0000000003.json");
	struct buf json;
	buf_init(&json, 1 << 22);
	made_read(&a, json_key, &json);
	for (size_t i = 0; i < b.n; i += 7) {
		uint8_t sum[32];
		char hex[65], was[65], key[256];
		/* The damaged bytes under the sum that they have, signed. */
		b.p[i] = (char)(b.p[i] ^ 0x10);
		crypt_sha256(b.p, b.n, sum);
		b.p[i] = (char)(b.p[i] ^ 0x10);
		hash_hex(sum, 32, hex);
		(void)snprintf(key, sizeof(key), "%s", a.objects[1]);
		memcpy(strrchr(key, '-') + 1, hex, 16);
		struct buf lie;
		buf_init(&lie, 1 << 22);
		buf_str(&lie, buf_view(&json));
		char *at = strstr(lie.p, "\"sha256\":\"");
		at = strstr(lie.p, "\"row_groups\"");
		at = strstr(at, "\"sha256\":\"") + 10; /* the object's; the one before is of the chain */
		memcpy(was, at, 64);
		memcpy(at, hex, 64);
		at = strstr(lie.p, a.objects[1]);
		memcpy(at, key, strlen(key));
		made_write(&a, json_key, lie.p, lie.n);
		made_sign(&a, 3, &lie, 1);
		b.p[i] = (char)(b.p[i] ^ 0x10);
		made_write(&a, key, b.p, b.n);
		b.p[i] = (char)(b.p[i] ^ 0x10);
		struct verify_ask with = { .objects = true, .rows = true };
		assert_int_equal(ask_folder(&a, with, &k, &e), 0);
		if (k.count[VERIFY_ROWS] + k.count[VERIFY_MERKLE] == 0)
			/* Only what no row hangs on: names of who wrote it, offsets nobody needs. */
			assert_int_equal(k.count[VERIFY_STRANGER], k.told);
		char gone[512];
		made_path(&a, key, gone);
		if (strcmp(key, a.objects[1]) != 0)
			assert_int_equal(unlink(gone), 0);
		buf_fini(&lie);
	}
	buf_fini(&json);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(any_byte_turned_over_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(any_length_but_the_right_one_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_of_any_damaged_object_are_told_or_refused, setup, teardown),
	};
	return cmocka_run_group_tests_name("tamper", tests, NULL, NULL);
}
