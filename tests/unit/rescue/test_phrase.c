/* The recovery phrase is typed from paper on a bad night. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tomsd/rescue.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int key_of(const char *text, uint8_t key[32])
{
	struct err e = ERR_INIT;
	return rescue_phrase_key(str_of(text), key, &e);
}

static void a_phrase_has_seven_groups_of_four_and_gives_its_key_again(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		char phrase[RESCUE_PHRASE_MAX];
		uint8_t a[32], b[32];
		rescue_phrase_new(phrase);
		assert_int_equal(strlen(phrase), 34);
		for (size_t k = 0; k < 34; k++) {
			if (k % 5 == 4)
				assert_int_equal(phrase[k], '-');
			else
				assert_non_null(strchr(alphabet, phrase[k]));
		}
		assert_int_equal(key_of(phrase, a), 0);
		assert_int_equal(key_of(phrase, b), 0);
		assert_memory_equal(a, b, 32);
	}
}

static void two_phrases_are_never_the_same(void **state)
{
	(void)state;
	char a[RESCUE_PHRASE_MAX], b[RESCUE_PHRASE_MAX];
	uint8_t ka[32], kb[32];
	rescue_phrase_new(a);
	rescue_phrase_new(b);
	assert_string_not_equal(a, b);
	assert_int_equal(key_of(a, ka), 0);
	assert_int_equal(key_of(b, kb), 0);
	assert_memory_not_equal(ka, kb, 32);
}

static void every_wrong_letter_is_found(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		char phrase[RESCUE_PHRASE_MAX];
		uint8_t key[32];
		rescue_phrase_new(phrase);
		for (size_t at = 0; at < 34; at++) {
			char right = phrase[at];
			if (right == '-')
				continue;
			for (const char *c = alphabet; *c; c++) {
				phrase[at] = *c;
				assert_int_equal(key_of(phrase, key),
						 *c == right ? 0 : -ERR_INVALID);
			}
			phrase[at] = right;
		}
	}
}

static void two_neighbours_that_changed_places_are_found(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		char phrase[RESCUE_PHRASE_MAX], plain[29];
		uint8_t key[32];
		size_t n = 0;
		rescue_phrase_new(phrase);
		for (size_t at = 0; at < 34; at++)
			if (phrase[at] != '-')
				plain[n++] = phrase[at];
		plain[n] = '\0';
		for (size_t at = 0; at + 1 < n; at++) {
			char c = plain[at];
			if (c == plain[at + 1])
				continue;
			plain[at] = plain[at + 1];
			plain[at + 1] = c;
			assert_int_equal(key_of(plain, key), -ERR_INVALID);
			plain[at + 1] = plain[at];
			plain[at] = c;
		}
		assert_int_equal(key_of(plain, key), 0);
	}
}

static void every_prefix_and_one_letter_more_is_refused(void **state)
{
	(void)state;
	char phrase[RESCUE_PHRASE_MAX + 2];
	uint8_t key[32];
	rescue_phrase_new(phrase);
	for (size_t n = 0; n < 34; n++) {
		struct err e = ERR_INIT;
		assert_int_equal(rescue_phrase_key(str_n(phrase, n), key, &e), -ERR_INVALID);
	}
	phrase[34] = '0';
	phrase[35] = '\0';
	assert_int_equal(key_of(phrase, key), -ERR_INVALID);
}

/* As it is typed: small letters, spaces, look-alikes, full-width signs of a Japanese keyboard. */
static void what_people_type_is_understood(void **state)
{
	(void)state;
	for (int round = 0; round < 100; round++) {
		char phrase[RESCUE_PHRASE_MAX], typed[256];
		uint8_t key[32], same[32];
		size_t n = 0;
		rescue_phrase_new(phrase);
		assert_int_equal(key_of(phrase, key), 0);
		for (const char *c = phrase; *c; c++) {
			char out = *c;
			if (out == '0')
				out = round % 2 ? 'o' : 'O';
			else if (out == '1')
				out = "ilIL"[round % 4];
			else if (out == '-')
				out = " \t\n-"[round % 4];
			else if (out >= 'A' && out <= 'Z')
				out = (char)(out - 'A' + 'a');
			typed[n++] = out;
		}
		typed[n] = '\0';
		assert_int_equal(key_of(typed, same), 0);
		assert_memory_equal(key, same, 32);
		n = 0;
		for (const char *c = phrase; *c; c++) {
			unsigned code = 0xff01u + (unsigned char)*c - '!';
			if (*c == '-')
				code = (unsigned[]){ 0x30fc, 0x2212, 0x3000,
						     0x2010 }[round % 4];
			typed[n++] = (char)(0xe0 | code >> 12);
			typed[n++] = (char)(0x80 | (code >> 6 & 0x3f));
			typed[n++] = (char)(0x80 | (code & 0x3f));
		}
		typed[n] = '\0';
		assert_int_equal(key_of(typed, same), 0);
		assert_memory_equal(key, same, 32);
	}
}

static void no_byte_in_it_is_passed_over(void **state)
{
	(void)state;
	char phrase[RESCUE_PHRASE_MAX];
	uint8_t key[32];
	rescue_phrase_new(phrase);
	char right = phrase[10];
	for (int c = 1; c < 256; c++) {
		bool is_gap = c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n';
		phrase[10] = (char)c;
		if (is_gap || (char)c == right || (c | 32) == (right | 32) ||
		    (right == '0' && (c | 32) == 'o') ||
		    (right == '1' && ((c | 32) == 'i' || (c | 32) == 'l')))
			continue;
		assert_int_equal(key_of(phrase, key), -ERR_INVALID);
	}
}

/* The words go to screens and logs. */
static void errors_never_repeat_what_was_typed(void **state)
{
	(void)state;
	char phrase[RESCUE_PHRASE_MAX];
	uint8_t key[32];
	rescue_phrase_new(phrase);
	phrase[0] = phrase[0] == '7' ? '8' : '7';
	for (size_t n = 5; n <= 34; n++) {
		struct err e = ERR_INIT;
		assert_int_equal(rescue_phrase_key(str_n(phrase, n), key, &e), -ERR_INVALID);
		char group[5];
		(void)snprintf(group, sizeof(group), "%.4s", phrase);
		assert_null(strstr(e.text, group));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_phrase_has_seven_groups_of_four_and_gives_its_key_again),
		cmocka_unit_test(two_phrases_are_never_the_same),
		cmocka_unit_test(every_wrong_letter_is_found),
		cmocka_unit_test(two_neighbours_that_changed_places_are_found),
		cmocka_unit_test(every_prefix_and_one_letter_more_is_refused),
		cmocka_unit_test(what_people_type_is_understood),
		cmocka_unit_test(no_byte_in_it_is_passed_over),
		cmocka_unit_test(errors_never_repeat_what_was_typed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
