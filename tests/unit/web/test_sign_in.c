/* What signing in stands on: limits, passwords, names, sessions in a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../src/web/limits.h"
#include "../../../src/web/listen.h"
#include "../../../src/web/password.h"
#include "../../../src/web/users.h"
#include "tomsd/base/clock.h"

static void five_sign_ins_a_minute_and_then_one_every_twelve_seconds(void **state)
{
	(void)state;
	struct limits *l = limits_new();
	int64_t now = 1000 * NS_PER_S;
	for (int i = 0; i < 5; i++)
		assert_int_equal(limits_take(l, LIMIT_SIGN_IN, STR("192.0.2.1"), now), 0);
	int wait_s = limits_take(l, LIMIT_SIGN_IN, STR("192.0.2.1"), now);
	assert_in_range(wait_s, 12, 13);
	assert_int_equal(limits_take(l, LIMIT_SIGN_IN, STR("192.0.2.2"), now),
			 0); /* another address */
	assert_int_equal(
		limits_take(l, LIMIT_SIGN_IN, STR("192.0.2.1"), now + wait_s * NS_PER_S), 0);
	limits_give_back(l, LIMIT_SIGN_IN, STR("192.0.2.1"));
	assert_int_equal(
		limits_take(l, LIMIT_SIGN_IN, STR("192.0.2.1"), now + wait_s * NS_PER_S), 0);
	limits_free(l);
}

static void failures_make_a_name_wait_longer_but_never_for_ever(void **state)
{
	(void)state;
	struct limits *l = limits_new();
	int64_t now = 1000 * NS_PER_S;
	int before = 0;
	for (int i = 0; i < 40; i++) {
		int wait_s = limits_wait_s(l, STR("Sato"), false, now);
		assert_true(wait_s >= before || wait_s >= 60);
		assert_in_range(wait_s, 0, 61);
		before = wait_s;
		limits_failed(l, STR("sato"), false, now);
	}
	assert_in_range(before, 60, 61);
	assert_int_equal(limits_wait_s(l, STR("sato"), true, now),
			 0); /* from where its owner signs in */
	assert_int_equal(limits_wait_s(l, STR("sato"), false, now + 61 * NS_PER_S), 0);
	limits_succeeded(l, STR("SATO"));
	assert_int_equal(limits_wait_s(l, STR("sato"), false, now), 0);
	limits_free(l);
}

static void full_tables_forget_the_longest_unused(void **state)
{
	(void)state;
	struct limits *l = limits_new();
	for (int i = 0; i < 20000; i++) {
		char who[32];
		(void)snprintf(who, sizeof(who), "10.0.%d.%d", i / 256, i % 256);
		assert_int_equal(
			limits_take(l, LIMIT_REQUESTS, str_of(who), (i + 1) * NS_PER_MS), 0);
	}
	limits_free(l);
}

static void a_kept_password_fits_itself_only(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char kept[PASSWORD_KEPT_MAX], again[PASSWORD_KEPT_MAX];
	assert_int_equal(password_keep(STR("病院の長い合言葉です。1"), kept, &e), 0);
	assert_int_equal(password_keep(STR("病院の長い合言葉です。1"), again, &e), 0);
	assert_string_not_equal(kept, again); /* salted */
	assert_true(password_fits(STR("病院の長い合言葉です。1"), kept));
	assert_false(password_fits(STR("病院の長い合言葉です。2"), kept));
	assert_false(password_fits(STR(""), kept));
	assert_false(password_fits(STR("x"), ""));
	assert_false(password_fits(STR("x"), "scrypt:15:8:1::"));
	assert_false(password_is_old(kept));
	assert_true(password_is_old("scrypt:14:8:1:AAAAAAAAAAAAAAAAAAAAAA:AAAA"));
}

static void weak_passwords_are_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *password, *user, *fault;
	} cases[] = {
		{ "correct horse battery staple", "sato", NULL },
		{ "病院の長い合言葉です。一二", "sato", NULL },
		{ "short", "sato", "too_short" },
		{ "", "sato", "too_short" },
		{ "aaaaaaaaaaaaaaaa", "sato", "common" },
		{ "abcdefghijklmnop", "sato", "common" },
		{ "1234567890123", "x", "common" },
		{ "Password12345", "x", "common" },
		{ "I am SATO himself", "sato", "same_as_user" },
		{ "tab\there is in it", "x", "characters" },
		{ "\xff\xfe long enough", "x", "characters" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *fault =
			password_fault(str_of(cases[i].password), str_of(cases[i].user));
		if (!cases[i].fault)
			assert_null(fault);
		else if (!fault || strcmp(fault, cases[i].fault) != 0)
			fail_msg("%s: %s", cases[i].password, fault ? fault : "taken");
	}
	char longest[140];
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < sizeof(longest); i += 3)
		longest[i] = (char)('a' + i % 17);
	assert_string_equal(password_fault(str_n(longest, 129), STR("u")), "too_long");
	assert_null(password_fault(str_n(longest, 128), STR("u")));
}

static void names_of_users_are_names(void **state)
{
	(void)state;
	assert_null(users_name_fault(STR("sato")));
	assert_null(users_name_fault(STR("佐藤 花子")));
	assert_string_equal(users_name_fault(STR("")), "missing");
	assert_string_equal(users_name_fault(STR(" sato")), "characters");
	assert_string_equal(users_name_fault(STR("a/b")), "characters");
	assert_string_equal(users_name_fault(STR("a\nb")), "characters");
	assert_string_equal(
		users_name_fault(
			STR("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg")),
		"too_long");
	assert_string_equal(
		users_name_fault(STR("佐藤佐藤佐藤佐藤佐藤佐藤佐藤佐藤佐藤佐藤佐藤佐藤")),
		"too_long"); /* bytes */
}

static void listening_addresses_are_read(void **state)
{
	(void)state;
	struct sockaddr_storage sa;
	socklen_t n;
	struct err e = ERR_INIT;
	static const char *const good[] = { "127.0.0.1:8443", "0.0.0.0:443", "[::1]:8443",
					    "[::]:0", "127.0.0.1:0" };
	static const char *const bad[] = {
		"",      "8443",    "127.0.0.1",       "localhost:8443", "::1:8443",
		"[::1]", "1.2.3:1", "127.0.0.1:65536", "127.0.0.1:-1",   "127.0.0.1:"
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (listen_parse(str_of(good[i]), &sa, &n, &e) != 0)
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(listen_parse(str_of(bad[i]), &sa, &n, &e), -ERR_INVALID);
}

static struct store *store_at(const char *path)
{
	struct err e = ERR_INIT;
	struct store *st = NULL;
	struct store_conf conf = { .path = path };
	if (store_open(&st, &conf, &e) != 0 || store_start(st, &e) != 0)
		fail_msg("%s", e.text);
	return st;
}

static void a_session_lives_in_memory_and_store_until_it_is_over(void **state)
{
	(void)state;
	char path[] = "/tmp/toms-web-XXXXXX", token[SESSION_TOKEN_MAX], command[64];
	struct err e = ERR_INIT;
	struct session s = { .user = { .role = ROLE_ADMIN,
				       .name = "sato",
				       .lang = "ja",
				       .theme = "system" } },
		       found;
	assert_non_null(mkdtemp(path));
	struct store *st = store_at(path);
	bool has = true;
	assert_int_equal(users_has_admin(st, &has, &e), 0);
	assert_false(has);
	assert_int_equal(users_add_first(st, &s.user, "kept", &e), 0);
	assert_int_equal(users_add_first(st, &s.user, "kept", &e), -ERR_EXISTS);
	assert_int_equal(users_has_admin(st, &has, &e), 0);
	assert_true(has);

	struct sessions *ss = sessions_new();
	assert_int_equal(session_open(ss, st, "192.0.2.1", &s, token, &e), 0);
	assert_int_equal(strlen(token), 43);
	assert_true(session_find(ss, str_of(token), &found));
	assert_string_equal(found.user.name, "sato");
	assert_string_equal(found.csrf, s.csrf);
	assert_false(
		session_find(ss, STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &found));
	assert_false(session_find(ss, str_sub(str_of(token), 0, 42), &found));
	assert_int_equal(sessions_tidy(ss, st, &e), 0);
	sessions_free(ss);

	ss = sessions_new(); /* as after a restart */
	assert_int_equal(sessions_load(ss, st, &e), 0);
	assert_true(session_find(ss, str_of(token), &found));
	assert_string_equal(found.csrf, s.csrf);

	int64_t now = clock_now_ns();
	clock_fix(now + (SESSION_IDLE_S - 5) * NS_PER_S);
	assert_true(
		session_find(ss, str_of(token), &found)); /* used in time: idle starts anew */
	clock_fix(now + (2 * SESSION_IDLE_S - 10) * NS_PER_S);
	assert_true(session_find(ss, str_of(token), &found));
	clock_fix(now + 4 * SESSION_IDLE_S * NS_PER_S);
	assert_false(session_find(ss, str_of(token), &found));
	clock_fix(0);

	assert_int_equal(session_open(ss, st, "192.0.2.1", &s, token, &e), 0);
	sessions_close_user(ss, st, s.user.id);
	assert_false(session_find(ss, str_of(token), &found));
	sessions_free(ss);
	ss = sessions_new();
	assert_int_equal(sessions_load(ss, st, &e), 0);
	assert_int_equal(sessions_count(ss), 0);
	sessions_free(ss);
	store_stop(st);
	store_free(st);
	static const char *const files[] = { "tomsd.db", "tomsd.db-wal", "tomsd.db-shm" };
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(command, sizeof(command), "%s/%s", path, files[i]);
		(void)unlink(command); /* -wal and -shm may be gone already */
	}
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_sign_ins_a_minute_and_then_one_every_twelve_seconds),
		cmocka_unit_test(failures_make_a_name_wait_longer_but_never_for_ever),
		cmocka_unit_test(full_tables_forget_the_longest_unused),
		cmocka_unit_test(a_kept_password_fits_itself_only),
		cmocka_unit_test(weak_passwords_are_refused_with_the_reason),
		cmocka_unit_test(names_of_users_are_names),
		cmocka_unit_test(listening_addresses_are_read),
		cmocka_unit_test(a_session_lives_in_memory_and_store_until_it_is_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
