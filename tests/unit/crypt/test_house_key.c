/* The key of the house, and the secrets that it seals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tomsd/base/file.h"
#include "tomsd/crypt.h"

struct world {
	char state[64], keys[80], key[96];
	struct err e;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	(void)snprintf(w->state, sizeof(w->state), "/tmp/tomsd-house-XXXXXX");
	assert_non_null(mkdtemp(w->state));
	(void)snprintf(w->keys, sizeof(w->keys), "%s/keys", w->state);
	(void)snprintf(w->key, sizeof(w->key), "%s/house.key", w->keys);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	(void)unlink(w->key);
	assert_int_equal(rmdir(w->keys) == 0 || access(w->keys, F_OK) != 0, 1);
	assert_int_equal(rmdir(w->state), 0); /* nothing else was left there */
	free(w);
	return 0;
}

static struct house_key *load(struct world *w, bool make)
{
	struct house_key *k = NULL;
	w->e = (struct err)ERR_INIT;
	int rc = house_key_load(&k, w->state, make, &w->e);
	assert_int_equal(rc, -w->e.code);
	assert_int_equal(rc == 0, k != NULL);
	return k;
}

static void seal(const struct house_key *k, const char *what_for, const char *secret,
		 struct buf *out)
{
	buf_init(out, 1000);
	assert_int_equal(house_key_seal(k, what_for, str_of(secret), out, NULL), 0);
}

static void the_first_start_makes_a_key_that_only_we_can_read(void **state)
{
	struct world *w = *state;
	struct stat st;
	struct house_key *k = load(w, true);
	assert_non_null(k);
	house_key_free(k);
	assert_int_equal(stat(w->keys, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(w->key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(st.st_nlink, 1);
}

static void a_secret_opens_after_a_restart(void **state)
{
	struct world *w = *state;
	struct house_key *k = load(w, true);
	struct buf sealed, opened;
	seal(k, "s3/tokyo/secret_key", "hush", &sealed);
	house_key_free(k);
	k = load(w, true);
	buf_init(&opened, 1000);
	assert_int_equal(
		house_key_open(k, "s3/tokyo/secret_key", buf_view(&sealed), &opened, NULL), 0);
	assert_string_equal(opened.p, "hush");
	assert_memory_equal(sealed.p, "v1:", 3);
	assert_int_equal(sealed.n, 3 + (4 * (12 + 4 + 16) + 2) / 3);
	house_key_free(k);
	buf_fini(&sealed);
	buf_fini(&opened);
}

static void the_same_secret_never_looks_the_same(void **state)
{
	struct world *w = *state;
	struct house_key *k = load(w, true);
	struct buf a, b;
	seal(k, "x", "hush", &a);
	seal(k, "x", "hush", &b);
	assert_string_not_equal(a.p, b.p);
	buf_fini(&a);
	buf_fini(&b);
	house_key_free(k);
}

static void a_secret_moved_cut_or_changed_does_not_open(void **state)
{
	struct world *w = *state;
	struct house_key *k = load(w, true);
	struct buf sealed, opened;
	seal(k, "s3/tokyo/secret_key", "hush", &sealed);
	buf_init(&opened, 1000);
	struct err e = ERR_INIT;
	assert_int_equal(house_key_open(k, "s3/osaka/secret_key", buf_view(&sealed), &opened,
					&e),
			 -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "s3/osaka/secret_key"));
	for (size_t n = 0; n < sealed.n; n++)
		assert_int_equal(house_key_open(k, "s3/tokyo/secret_key", str_n(sealed.p, n),
						&opened, NULL),
				 -ERR_CORRUPT);
	for (size_t i = 0; i < sealed.n; i++)
		for (int to = 0; to < 256; to++) {
			char was = sealed.p[i];
			if ((char)to == was)
				continue;
			sealed.p[i] = (char)to;
			assert_int_equal(house_key_open(k, "s3/tokyo/secret_key",
							buf_view(&sealed), &opened, NULL),
					 -ERR_CORRUPT);
			sealed.p[i] = was;
		}
	assert_int_equal(opened.n, 0);
	buf_fini(&sealed);
	buf_fini(&opened);
	house_key_free(k);
}

static void secrets_of_any_length_up_to_the_limit_go_there_and_back(void **state)
{
	struct world *w = *state;
	static const size_t lengths[] = { 0, 1, 2, 3, 4095, 65535, 65536 };
	static char secret[65537];
	struct house_key *k = load(w, true);
	struct buf sealed, opened;
	memset(secret, 's', sizeof(secret));
	buf_init(&sealed, 1u << 20);
	buf_init(&opened, 1u << 20);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		buf_reset(&sealed);
		buf_reset(&opened);
		assert_int_equal(
			house_key_seal(k, "x", str_n(secret, lengths[i]), &sealed, NULL), 0);
		assert_int_equal(house_key_open(k, "x", buf_view(&sealed), &opened, NULL), 0);
		assert_int_equal(opened.n, lengths[i]);
		assert_memory_equal(opened.p, secret, opened.n);
	}
	assert_int_equal(house_key_seal(k, "x", str_n(secret, 65537), &sealed, NULL),
			 -ERR_RANGE);
	buf_fini(&sealed);
	buf_fini(&opened);
	house_key_free(k);
}

static void another_house_does_not_open_it(void **state)
{
	struct world *w = *state;
	struct house_key *k = load(w, true);
	struct buf sealed, opened;
	seal(k, "x", "hush", &sealed);
	house_key_free(k);
	assert_int_equal(unlink(w->key), 0);
	k = load(w, true);
	buf_init(&opened, 1000);
	assert_int_equal(house_key_open(k, "x", buf_view(&sealed), &opened, NULL),
			 -ERR_CORRUPT);
	buf_fini(&sealed);
	buf_fini(&opened);
	house_key_free(k);
}

static void no_key_is_made_where_none_was_asked_for(void **state)
{
	struct world *w = *state;
	assert_null(load(w, false));
	assert_int_equal(w->e.code, ERR_NOTFOUND);
	assert_int_not_equal(access(w->keys, F_OK), 0);
}

static void a_key_that_others_can_read_is_refused_with_words(void **state)
{
	struct world *w = *state;
	house_key_free(load(w, true));
	static const mode_t modes[] = { 0640, 0604, 0620, 0666 };
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		assert_int_equal(chmod(w->key, modes[i]), 0);
		assert_null(load(w, true));
		assert_int_equal(w->e.code, ERR_DENIED);
		assert_non_null(strstr(w->e.text, "chmod 600"));
	}
	assert_int_equal(chmod(w->key, 0600), 0);
	house_key_free(load(w, true));
}

static void a_key_of_another_size_is_refused_and_kept(void **state)
{
	struct world *w = *state;
	static const char bytes[40] = "x";
	static const size_t sizes[] = { 0, 1, 31, 33, 40 };
	house_key_free(load(w, true));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(file_write_durable(w->key, 0600, bytes, sizes[i], NULL), 0);
		assert_null(load(w, true));
		assert_int_equal(w->e.code, ERR_CORRUPT);
		assert_int_equal(file_size(w->key), (int64_t)sizes[i]);
	}
}

static void a_link_or_a_folder_is_no_key(void **state)
{
	struct world *w = *state;
	assert_int_equal(mkdir(w->keys, 0700), 0);
	assert_int_equal(symlink("/dev/zero", w->key), 0);
	assert_null(load(w, true));
	assert_int_equal(w->e.code, ERR_DENIED);
	assert_int_equal(unlink(w->key), 0);
	assert_int_equal(mkdir(w->key, 0700), 0);
	assert_null(load(w, true));
	assert_int_equal(w->e.code, ERR_INVALID);
	assert_int_equal(rmdir(w->key), 0);
}

static struct house_key *load_one(const char *state_path)
{
	struct house_key *k = NULL;
	return house_key_load(&k, state_path, true, NULL) == 0 ? k : NULL;
}

static void two_that_start_at_once_have_the_same_key(void **state)
{
	struct world *w = *state;
	struct buf sealed, opened;
	for (int round = 0; round < 20; round++) {
		pid_t child = fork();
		struct house_key *k = load_one(w->state);
		if (child == 0)
			_exit(k ? 0 : 1);
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_non_null(k);
		struct house_key *later = load(w, false);
		seal(k, "x", "hush", &sealed);
		buf_init(&opened, 100);
		assert_int_equal(house_key_open(later, "x", buf_view(&sealed), &opened, NULL),
				 0);
		buf_fini(&sealed);
		buf_fini(&opened);
		house_key_free(k);
		house_key_free(later);
		assert_int_equal(unlink(w->key), 0);
		assert_int_equal(rmdir(w->keys), 0); /* nothing was left beside it */
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_start_makes_a_key_that_only_we_can_read),
		TEST(a_secret_opens_after_a_restart),
		TEST(the_same_secret_never_looks_the_same),
		TEST(a_secret_moved_cut_or_changed_does_not_open),
		TEST(secrets_of_any_length_up_to_the_limit_go_there_and_back),
		TEST(another_house_does_not_open_it),
		TEST(no_key_is_made_where_none_was_asked_for),
		TEST(a_key_that_others_can_read_is_refused_with_words),
		TEST(a_key_of_another_size_is_refused_and_kept),
		TEST(a_link_or_a_folder_is_no_key),
		TEST(two_that_start_at_once_have_the_same_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
