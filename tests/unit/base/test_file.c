/* Files: whole reads, durable writes, folders, locks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tomsd/base/file.h"

static char folder[] = "/tmp/tomsd-file-XXXXXX";
static char path[256];

static const char *in_folder(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	static const char *const left[] = { "f", "lock",       "a/b/c",   "a/b",
					    "a", "full.new/x", "full.new" };
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		(void)remove(in_folder(left[i]));
	return rmdir(folder); /* fails when something else was left behind */
}

static void what_was_written_is_read_back(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct buf b;
	struct stat st;
	char big[70000];
	memset(big, 'x', sizeof(big));
	assert_int_equal(file_write_durable(in_folder("f"), 0640, big, sizeof(big), &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(file_size(path), sizeof(big));
	assert_int_equal(file_write_durable(path, 0600, "two", 3, &e), 0);
	buf_init(&b, 1000);
	buf_cstr(&b, "one ");
	assert_int_equal(file_read(path, 3, &b, &e), 0);
	assert_string_equal(b.p, "one two");
	buf_fini(&b);
	assert_int_equal(access(in_folder("f.new"), F_OK), -1);
}

static void a_file_larger_than_allowed_is_refused_whole(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct buf b;
	assert_int_equal(file_write_durable(in_folder("f"), 0600, "0123456789", 10, &e), 0);
	buf_init(&b, 1000);
	buf_cstr(&b, "before");
	assert_int_equal(file_read(path, 9, &b, &e), -ERR_FULL);
	assert_string_equal(b.p, "before");
	assert_non_null(strstr(e.text, "more than 9 bytes"));
	assert_int_equal(file_read(in_folder("none"), 9, &b, &e), -ERR_NOTFOUND);
	assert_int_equal(file_read(folder, 9, &b, &e), -ERR_IO);
	buf_fini(&b);
	buf_init(&b, 5);
	assert_int_equal(file_read(in_folder("f"), 100, &b, &e), -ERR_NOMEM);
	buf_fini(&b);
}

static void a_left_over_of_a_power_cut_is_no_hindrance(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	FILE *f = fopen(in_folder("f.new"), "w");
	assert_non_null(f);
	assert_true(fputs("half", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(file_write_durable(in_folder("f"), 0600, "whole", 5, &e), 0);
	assert_int_equal(file_size(path), 5);
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	assert_int_equal(file_write_durable(in_folder("f"), 0600, "old", 3, &e), 0);
	assert_int_equal(file_mkdirs(in_folder("f.new"), 0700, &e),
			 0); /* in the way of the new one */
	assert_true(file_write_durable(in_folder("f"), 0600, "newer", 5, &e) < 0);
	assert_int_equal(file_size(in_folder("f")), 3);
	assert_int_equal(rmdir(in_folder("f.new")), 0);
	assert_int_equal(file_write_durable(in_folder("no/such/f"), 0600, "x", 1, &e),
			 -ERR_NOTFOUND);
}

static void folders_are_made_all_the_way(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct stat st;
	assert_int_equal(file_mkdirs(in_folder("a/b/c/"), 0750, &e), 0);
	assert_int_equal(file_mkdirs(path, 0750, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(file_write_durable(in_folder("f"), 0600, "x", 1, &e), 0);
	assert_true(file_mkdirs(in_folder("f/x"), 0700, &e) < 0);
	assert_true(file_mkdirs(in_folder("f"), 0700, &e) < 0);
	assert_true(file_mkdirs("", 0700, &e) < 0);
	char long_path[5000];
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(file_mkdirs(long_path, 0700, &e), -ERR_RANGE);
	assert_int_equal(file_write_durable(long_path, 0700, "", 0, &e), -ERR_RANGE);
}

static void only_one_holds_a_lock(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int first = file_lock(in_folder("lock"), &e);
	assert_true(first >= 0);
	assert_int_equal(file_lock(path, &e), -ERR_BUSY);
	assert_int_equal(close(first), 0);
	first = file_lock(path, &e);
	assert_true(first >= 0);
	assert_int_equal(close(first), 0);
	assert_int_equal(file_lock(in_folder("no/lock"), &e), -ERR_NOTFOUND);
}

static void the_disk_says_how_full_it_is(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	uint64_t free_bytes = 0, total_bytes = 0;
	assert_int_equal(file_space(folder, &free_bytes, &total_bytes, &e), 0);
	assert_true(total_bytes > 0 && free_bytes <= total_bytes);
	assert_int_equal(file_space(in_folder("none"), &free_bytes, &total_bytes, &e),
			 -ERR_NOTFOUND);
	assert_int_equal(file_size(in_folder("none")), -1);
}

static void random_bytes_differ(void **state)
{
	(void)state;
	char a[1000] = "", b[1000] = "";
	file_random(a, sizeof(a));
	file_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + 500, a, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(a_file_larger_than_allowed_is_refused_whole),
		cmocka_unit_test(a_left_over_of_a_power_cut_is_no_hindrance),
		cmocka_unit_test(a_write_that_fails_leaves_the_old_file),
		cmocka_unit_test(folders_are_made_all_the_way),
		cmocka_unit_test(only_one_holds_a_lock),
		cmocka_unit_test(the_disk_says_how_full_it_is),
		cmocka_unit_test(random_bytes_differ),
	};
	return cmocka_run_group_tests_name("base/file", tests, setup, teardown);
}
