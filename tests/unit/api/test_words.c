/* Text for people: both languages say the same things, and the right one is chosen. */
#include "../../../src/api/words.h"

#include "house.h"

static void both_languages_have_the_same_keys_in_order_and_places(void **state)
{
	(void)state;
	assert_int_equal(n_words_ja, n_words_en);
	for (size_t i = 0; i < n_words_ja; i++) {
		assert_string_equal(words_ja[i].key, words_en[i].key);
		if (i > 0)
			assert_true(strcmp(words_ja[i - 1].key, words_ja[i].key) <
				    0); /* looked up by halving */
		assert_true(words_ja[i].text[0] && words_en[i].text[0]);
		assert_true(str_utf8_valid(str_of(words_ja[i].text)));
		static const char *const places[] = { "{1}", "{2}" };
		for (size_t k = 0; k < ARRAY_LEN(places); k++)
			assert_int_equal(strstr(words_ja[i].text, places[k]) != NULL,
					 strstr(words_en[i].text, places[k]) != NULL);
	}
}

static void a_key_without_words_shows_itself_and_places_are_filled(void **state)
{
	(void)state;
	char out[64];
	assert_string_equal(api_words("ja", "no.such.key"), "no.such.key");
	assert_string_equal(api_words("en", "role.admin"), "administrator");
	assert_string_equal(api_text(out, sizeof(out), "en", "parameter.range", "1", "9"),
			    "This must be from 1 to 9.");
	assert_int_equal(strlen(api_text(out, 8, "ja", "parameter.range", "1", "9")),
			 5); /* cut at a character */
	assert_true(str_utf8_valid(str_of(api_text(out, 9, "ja", "title.400", NULL, NULL))));
}

static void the_language_is_the_asked_one_then_the_users_then_the_browsers(void **state)
{
	(void)state;
	static const struct {
		const char *query, *user, *accept, *want;
	} cases[] = {
		{ "", NULL, "", "ja" },
		{ "", NULL, "en-US,en;q=0.9,ja;q=0.8", "en" },
		{ "", NULL, "ja;q=0.5, en;q=0.501", "en" },
		{ "", NULL, "ja;q=0.5, en;q=0.50", "ja" },
		{ "", NULL, "fr, de;q=0.9", "ja" },
		{ "", NULL, "en;q=0", "ja" },
		{ "", NULL, "en;q=abc, ja;q=0.1", "ja" },
		{ "", NULL, "en;q=1.5", "ja" },
		{ "", NULL, ";;,,;q=,", "ja" },
		{ "", "ja", "en", "ja" },
		{ "", "xx", "en", "en" },
		{ "a=b&lang=en", "ja", "ja", "en" },
		{ "lang=fr", "en", "ja", "en" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char lang[3];
		api_pick_lang(str_of(cases[i].query), cases[i].user, str_of(cases[i].accept),
			      lang);
		assert_string_equal(lang, cases[i].want);
	}
}

static void percent_codes_are_read_strictly(void **state)
{
	(void)state;
	static const struct {
		const char *in, *want;
	} good[] = {
		{ "", "" },       { "abc", "abc" }, { "a%2fb", "a/b" }, { "%e5%8c%BB", "医" },
		{ "a+b", "a b" }, { "%41", "A" },
	};
	static const char *const bad[] = { "%",   "%4",  "%4g",    "%g4",   "a%",
					   "%00", "%ff", "%e5%8c", "%c0%af" };
	struct buf b;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		buf_init(&b, 64);
		assert_int_equal(api_unescape(str_of(good[i].in), true, &b), 0);
		assert_true(str_eq(buf_view(&b), str_of(good[i].want)));
		buf_fini(&b);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		buf_init(&b, 64);
		assert_int_equal(api_unescape(str_of(bad[i]), true, &b), -ERR_INVALID);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_languages_have_the_same_keys_in_order_and_places),
		cmocka_unit_test(a_key_without_words_shows_itself_and_places_are_filled),
		cmocka_unit_test(
			the_language_is_the_asked_one_then_the_users_then_the_browsers),
		cmocka_unit_test(percent_codes_are_read_strictly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
