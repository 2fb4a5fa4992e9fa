/* The appliance's own certificate: made once, kept, renewed in time, never silently replaced. */
#include "../../../src/web/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"

#define DAY (86400 * NS_PER_S)
static char folder[64];
static const char *const names[] = { "localhost", "127.0.0.1", "toms.example", "::1" };

static int setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/toms-tls-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const files[] = { "panel.pem", "panel.key", "authority.pem",
					     "authority.key" };
	char path[128];
	(void)state;
	clock_fix(0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		(void)unlink(path); /* not every test makes each */
	}
	return rmdir(folder);
}

static struct tls *open_own(size_t n_names)
{
	struct err e = ERR_INIT;
	struct tls *t = NULL;
	struct tls_conf conf = {
		.folder = folder, .appliance = "h1", .names = names, .n_names = n_names
	};
	if (tls_new(&t, &conf, &e) != 0)
		fail_msg("%s", e.text);
	return t;
}

static void print_of(struct tls *t, char print[TLS_FINGERPRINT_MAX], int64_t *end)
{
	tls_facts(t, print, end);
	assert_int_equal(strlen(print), 95);
}

static void it_is_made_once_and_kept(void **state)
{
	(void)state;
	char first[TLS_FINGERPRINT_MAX], second[TLS_FINGERPRINT_MAX], path[128];
	int64_t end;
	struct stat st;
	struct tls *t = open_own(4);
	print_of(t, first, &end);
	assert_true(end > clock_now_ns() + 390 * DAY && end < clock_now_ns() + 398 * DAY);
	tls_free(t);
	(void)snprintf(path, sizeof(path), "%s/panel.key", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	t = open_own(4);
	print_of(t, second, &end);
	assert_string_equal(first, second);
	gnutls_pcert_st *chain;
	unsigned n;
	gnutls_privkey_t key;
	tls_current(t, &chain, &n, &key);
	assert_int_equal(n, 1);
	assert_non_null(key);
	tls_free(t);
}

static void a_new_name_or_the_end_in_sight_makes_a_new_one_under_the_same_authority(void **state)
{
	(void)state;
	char print[3][TLS_FINGERPRINT_MAX], path[128];
	int64_t end;
	struct err e = ERR_INIT;
	struct buf before, after;
	(void)snprintf(path, sizeof(path), "%s/authority.pem", folder);
	struct tls *t = open_own(2);
	print_of(t, print[0], &end);
	tls_free(t);
	buf_init(&before, 1u << 16);
	assert_int_equal(file_read(path, 1u << 16, &before, &e), 0);
	t = open_own(4);
	print_of(t, print[1], &end);
	assert_string_not_equal(print[0], print[1]);
	assert_int_equal(tls_refresh(t, &e), 0);
	print_of(t, print[2], &end);
	assert_string_equal(print[1], print[2]);
	clock_fix(clock_now_ns() + 380 * DAY);
	assert_int_equal(tls_refresh(t, &e), 0); /* while it runs */
	print_of(t, print[2], &end);
	assert_string_not_equal(print[1], print[2]);
	assert_true(end > clock_now_ns() + 300 * DAY);
	tls_free(t);
	buf_init(&after, 1u << 16);
	assert_int_equal(file_read(path, 1u << 16, &after, &e), 0);
	assert_true(str_eq(buf_view(&before), buf_view(&after)));
	buf_fini(&before);
	buf_fini(&after);
}

static void broken_files_are_told_and_the_old_one_stays_in_use(void **state)
{
	(void)state;
	char print[2][TLS_FINGERPRINT_MAX], cert[128], key[128];
	int64_t end;
	struct err e = ERR_INIT;
	struct tls *t = open_own(1), *given = NULL;
	tls_free(t);
	(void)snprintf(cert, sizeof(cert), "%s/panel.pem", folder);
	(void)snprintf(key, sizeof(key), "%s/panel.key", folder);
	struct tls_conf conf = { .cert = cert, .key = key, .folder = folder, .appliance = "h1" };
	assert_int_equal(tls_new(&given, &conf, &e), 0);
	print_of(given, print[0], &end);
	assert_int_equal(file_write_durable(cert, 0644, "nonsense", 8, &e), 0);
	assert_int_not_equal(tls_refresh(given, &e), 0);
	print_of(given, print[1], &end);
	assert_string_equal(print[0], print[1]);
	tls_free(given);
	conf.key = NULL;
	assert_int_equal(tls_new(&given, &conf, &e), -ERR_INVALID);
	conf.key = cert;
	assert_int_not_equal(tls_new(&given, &conf, &e), 0);
}

static void a_key_of_another_certificate_is_refused(void **state)
{
	(void)state;
	char cert[128], key[128];
	struct err e = ERR_INIT;
	struct tls *t = open_own(1);
	tls_free(t);
	(void)snprintf(cert, sizeof(cert), "%s/panel.pem", folder);
	(void)snprintf(key, sizeof(key), "%s/authority.key", folder);
	struct tls_conf conf = { .cert = cert, .key = key, .folder = folder, .appliance = "h1" };
	assert_int_equal(tls_new(&t, &conf, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "does not belong"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_made_once_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_new_name_or_the_end_in_sight_makes_a_new_one_under_the_same_authority,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			broken_files_are_told_and_the_old_one_stays_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(a_key_of_another_certificate_is_refused, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
