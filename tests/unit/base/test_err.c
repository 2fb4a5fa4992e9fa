/* Errors: codes, words that grow on the way up, and what happens when they are long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

static void words_grow_on_the_way_up(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	assert_int_equal(err_set(&e, ERR_INVALID, "not a %s", "number"), -ERR_INVALID);
	assert_int_equal(err_wrap(&e, "line %d", 12), -ERR_INVALID);
	assert_int_equal(err_wrap(&e, "reading %s", "tomsd.conf"), -ERR_INVALID);
	assert_string_equal(e.text, "reading tomsd.conf: line 12: not a number");
	assert_int_equal(e.code, ERR_INVALID);
}

static void kernel_errors_keep_their_meaning(void **state)
{
	(void)state;
	static const struct {
		int errnum, code;
	} cases[] = {
		{ EACCES, ERR_DENIED }, { EPERM, ERR_DENIED },  { ENOENT, ERR_NOTFOUND },
		{ ENOMEM, ERR_NOMEM },  { EEXIST, ERR_EXISTS }, { EAGAIN, ERR_BUSY },
		{ ENOSPC, ERR_IO },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		assert_int_equal(err_sys(&e, cases[i].errnum, "opening %s", "x"),
				 -cases[i].code);
		assert_int_equal(strncmp(e.text, "opening x: ", 11), 0);
		assert_true(strlen(e.text) > 11);
	}
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_FULL, "full"), -ERR_FULL);
	assert_int_equal(err_sys(NULL, ENOENT, "gone"), -ERR_NOTFOUND);
	assert_true(err_wrap(NULL, "on the way") < 0);
}

static void an_error_may_quote_itself(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	err_set(&e, ERR_IO, "first");
	err_set(&e, ERR_FULL, "second after %s", e.text);
	assert_string_equal(e.text, "second after first");
}

static void long_words_are_cut_between_characters(void **state)
{
	(void)state;
	char text[1200];
	for (size_t shift = 0; shift < 3; shift++) {
		struct err e = ERR_INIT;
		size_t n = 0;
		memset(text, 'a', shift);
		for (n = shift; n + 3 < sizeof(text); n += 3)
			memcpy(text + n, "病", 3);
		text[n] = '\0';
		err_set(&e, ERR_INVALID, "%s", text);
		assert_true(strlen(e.text) > 1000);
		assert_true(str_utf8_valid(str_of(e.text)));
		err_wrap(&e, "reading");
		assert_true(str_utf8_valid(str_of(e.text)));
		assert_int_equal(strncmp(e.text, "reading: ", 9), 0);
	}
}

static void words_end_without_a_newline(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	err_set(&e, ERR_INVALID, "from a library\r\n");
	assert_string_equal(e.text, "from a library");
}

static void every_code_has_a_name(void **state)
{
	(void)state;
	for (int code = 0; code <= ERR_UNSUPPORTED; code++)
		assert_string_not_equal(err_name(code), "unknown");
	assert_string_equal(err_name(-ERR_NOTFOUND), "not_found");
	assert_string_equal(err_name(999), "unknown");
	assert_string_equal(err_name(INT32_MIN), "ok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_grow_on_the_way_up),
		cmocka_unit_test(kernel_errors_keep_their_meaning),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(an_error_may_quote_itself),
		cmocka_unit_test(long_words_are_cut_between_characters),
		cmocka_unit_test(words_end_without_a_newline),
		cmocka_unit_test(every_code_has_a_name),
	};
	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
