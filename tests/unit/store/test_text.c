/* Words of lines and texts looked for in them. What matters most: a line that has a text carries every
 * word that the index is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "../../../src/store/text.h"
#include "tomsd/base/hash.h"

static struct text *line;
static uint64_t state = 7;

static uint64_t any(uint64_t n)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	return hash_mix64(state) % n;
}

static int setup(void **unused)
{
	(void)unused;
	line = malloc(sizeof(*line));
	return line ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	free(line);
	return 0;
}

static bool finds(struct str text, const char *wanted)
{
	struct text_pattern p;

	text_set(line, text);
	text_pattern_set(&p, str_of(wanted));
	return text_find(line, &p);
}
#define FINDS(text, wanted) assert_true(finds(STR(text), wanted))
#define MISSES(text, wanted) assert_false(finds(STR(text), wanted))

static void a_text_is_found_where_words_begin_and_end(void **unused)
{
	(void)unused;
	FINDS("user=\"Tanaka\" action=login", "tanaka");
	FINDS("user=\"tanaka\"", "TANAKA");
	MISSES("user=\"tanakas\"", "tanaka");
	MISSES("user=\"mtanaka\"", "tanaka");
	FINDS("mtanaka tanaka", "tanaka");
	FINDS("srcip=10.1.2.3 dst", "10.1.2.3");
	MISSES("srcip=10.1.2.30", "10.1.2.3");
	FINDS("msg=\"file_transfer: Virus.File,\"", "transfer: virus");
	FINDS("tanaka", "tanaka");
	FINDS("x=tanaka", "=tanaka");
	MISSES("x=tanakas", "=tanaka");
	MISSES("", "tanaka");
}

static void a_star_opens_a_word(void **unused)
{
	(void)unused;
	FINDS("mtanakas", "*tanaka*");
	FINDS("mtanaka", "*tanaka");
	MISSES("mtanakas", "*tanaka");
	FINDS("tanakas", "tanaka*");
	MISSES("mtanakas", "tanaka*");
	FINDS("tanaka takashi", "ta*shi");
	MISSES("shi tanaka", "ta*shi");
	FINDS("a1b a2b a3c", "a2*3c");
	FINDS("x", "*");
	MISSES("", "*");
	FINDS("aaab aab", "*aab");
}

static void japanese_is_found_anywhere(void **unused)
{
	(void)unused;
	FINDS("msg=\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\"", "\xe6\x97\xa5\xe6\x9c\xac");
	FINDS("msg=\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\"", "\xe6\x9c\xac\xe8\xaa\x9e");
	FINDS("msg=\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\"", "\xe6\x9c\xac");
	MISSES("msg=\"\xe6\x97\xa5\xe8\xaa\x9e\"", "\xe6\x97\xa5\xe6\x9c\xac");
	/* cut in the middle of a character */
	FINDS("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa", "\xe6\x97\xa5\xe6\x9c\xac");
	/* Shift_JIS beside it */
	FINDS("\x93\xfa\x96{ abc", "abc");
}

static bool carries(const uint32_t *have, size_t n, uint32_t token)
{
	for (size_t i = 0; i < n; i++) {
		if (have[i] == token)
			return true;
	}
	return false;
}

/* Bytes that meet each other in every way: words, digits, stars, Japanese, halves of it, Shift_JIS. */
static size_t some_bytes(char *out, size_t pieces)
{
	static const char *const of[] = {
		"ab",
		"a",
		"B",
		"7",
		"10.2.3.4",
		"1.",
		".25",
		"123456",
		"1234567890123",
		"=",
		" ",
		"\"",
		".",
		"abc",
		"\xe6\x97\xa5",
		"\xe6\x9c\xac",
		"\xe8\xaa\x9e",
		"\xe8\xaa",
		"\xe6",
		"\x9c",
		"\x83\x5c",
		"\x83\x41",
		"\xf0\x9f\x98\x80",
		"\xc3\xa9",
		"\xc0\xaf",
		"\xff",
		"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
	};
	size_t n = 0;

	for (size_t i = 0; i < pieces; i++) {
		const char *p = of[any(ARRAY_LEN(of))];

		memcpy(out + n, p, strlen(p));
		n += strlen(p);
	}
	return n;
}

static void a_line_with_a_text_carries_its_words(void **unused)
{
	static uint32_t have[TEXT_WORDS_MAX], asked[64];
	static char bytes[100 * 80], wanted[TEXT_PATTERN_MAX + 2];
	size_t found = 0, words = 0;

	(void)unused;
	for (unsigned i = 0; i < 200000; i++) {
		struct text_pattern p;
		bool more = false;
		size_t n = some_bytes(bytes, 1 + any(i % 50 ? 12 : 90)), have_n, asked_n, w = 0;
		size_t from = any(n), take = 1 + any(n - from < 60 ? n - from : 60);

		/* mostly a part of the line itself, with stars here and there */
		if (any(3) == 0)
			wanted[w++] = '*';
		for (size_t k = 0; k < take; k++)
			wanted[w++] = any(20) ? bytes[from + k] : '*';
		if (any(3) == 0)
			wanted[w++] = '*';
		text_set(line, str_n(bytes, n));
		text_pattern_set(&p, str_n(wanted, w));
		if (!text_find(line, &p))
			continue;
		have_n = text_words(line, 99, have, ARRAY_LEN(have), &more);
		asked_n = text_pattern_words(&p, 99, asked, ARRAY_LEN(asked));
		assert_false(more);
		for (size_t k = 0; k < asked_n; k++)
			assert_true(carries(have, have_n, asked[k]));
		found++;
		words += asked_n;
	}
	assert_true(found > 40000 && words > 40000);
}

/* The same said by bytes alone. */
static bool is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool naive_finds(struct str text, struct str part)
{
	for (size_t i = 0; i + part.n <= text.n; i++) {
		bool front = i && is_word_byte(part.p[0]) && is_word_byte(text.p[i - 1]);
		bool back = i + part.n < text.n && is_word_byte(part.p[part.n - 1]) &&
			    is_word_byte(text.p[i + part.n]);

		if (str_ieq(str_sub(text, i, part.n), part) && !front && !back)
			return true;
	}
	return false;
}

static void a_text_is_found_as_by_looking_at_every_place(void **unused)
{
	static char bytes[100 * 80];
	char wanted[200];
	size_t hits = 0;

	(void)unused;
	for (unsigned i = 0; i < 100000; i++) {
		struct text_pattern p;
		size_t n = some_bytes(bytes, 1 + any(30)), from = any(n);
		size_t take = 1 + any(n - from < 20 ? n - from : 20);
		bool want;

		memcpy(wanted, bytes + from, take);
		text_set(line, str_n(bytes, n));
		text_pattern_set(&p, str_n(wanted, take));
		want = naive_finds(str_n(bytes, n), str_n(wanted, take));
		assert_int_equal(text_find(line, &p), want);
		hits += want;
	}
	assert_true(hits > 1000 && hits < 99000);
}

static void an_address_is_one_word(void **unused)
{
	static uint32_t have[16], asked[16];
	struct text_pattern p;
	bool more = false;

	(void)unused;
	text_set(line, STR("ui=https(10.3.27.14) v=1.2.3.4.5 x=1.2.3.a 1.2.3.4567 1.2..3.4"));
	assert_int_equal(text_words(line, 5, have, ARRAY_LEN(have), &more), 9);
	text_pattern_set(&p, STR("10.3.27.14"));
	assert_int_equal(text_pattern_words(&p, 5, asked, ARRAY_LEN(asked)), 1);
	assert_int_equal(asked[0], have[2]);
	text_pattern_set(&p, STR("*10.3.27.14"));
	assert_int_equal(text_pattern_words(&p, 5, asked, ARRAY_LEN(asked)), 0);
	text_pattern_set(&p, STR("10.3.27.1*"));
	assert_int_equal(text_pattern_words(&p, 5, asked, ARRAY_LEN(asked)), 0);
	text_pattern_set(&p, STR("2.3.4.5"));
	assert_int_equal(text_pattern_words(&p, 5, asked, ARRAY_LEN(asked)), 1);
	assert_true(asked[0] == have[4] || asked[0] == have[5]);
}

static void a_line_of_nothing_but_words_is_cut_and_says_so(void **unused)
{
	static char bytes[TEXT_MAX + 100];
	static uint32_t have[TEXT_WORDS_MAX];
	bool more = false;

	(void)unused;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i % 3 == 2 ? ' ' : (char)('a' + any(26));
	text_set(line, str_n(bytes, sizeof(bytes)));
	assert_int_equal(line->n, TEXT_MAX);
	assert_int_equal(text_words(line, 1, have, ARRAY_LEN(have), &more), TEXT_WORDS_MAX);
	assert_true(more);
	memset(bytes, 0xe3, sizeof(bytes));
	text_set(line, str_n(bytes, sizeof(bytes)));
	more = false;
	assert_int_equal(text_words(line, 1, have, ARRAY_LEN(have), &more), 0);
	memset(bytes, 'a', sizeof(bytes));
	text_set(line, str_n(bytes, sizeof(bytes)));
	assert_int_equal(text_words(line, 1, have, ARRAY_LEN(have), &more), 1);
	assert_false(more);
}

/* A sender's line of one word, and a search for one nearly like it: not a look at each of its letters. */
static void a_line_that_is_one_word_costs_no_more_than_others(void **unused)
{
	static char bytes[TEXT_MAX];
	char wanted[TEXT_PATTERN_MAX];
	struct timespec began, ended;

	(void)unused;
	memset(bytes, 'a', sizeof(bytes));
	text_set(line, str_n(bytes, sizeof(bytes) - 1));
	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began), 0);
	for (unsigned i = 0; i < 100; i++) {
		struct text_pattern p;

		memset(wanted, 'a', sizeof(wanted));
		wanted[i % 2 ? 0 : 254] = '*'; /* open behind, or in front */
		text_pattern_set(&p, str_n(wanted, 255));
		assert_true(text_find(line, &p));
		text_pattern_set(&p, str_n(wanted + 1, 253));
		assert_false(text_find(line, &p));
	}
	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended), 0);
	assert_true(ended.tv_sec - began.tv_sec < 2); /* was some 80 ms each: 8 s */
}

static void words_of_a_bucket_are_not_taken_for_columns(void **unused)
{
	static uint32_t have[16];
	bool more = false;
	size_t n;

	(void)unused;
	text_set(line, STR("abc 1234 a1 1234567890123 123456789012 77 256"));
	n = text_words(line, 5, have, ARRAY_LEN(have), &more);
	assert_int_equal(n, 4); /* thirteen digits are none, nor are two or three */
	for (size_t i = 0; i < n; i++)
		assert_true(token_is_word(have[i]));
	assert_false(token_is_digits(have[0]));
	assert_true(token_is_digits(have[1]));
	assert_false(token_is_digits(have[2]));
	assert_true(token_is_digits(have[3]));
	assert_true(token_is_word(word_loose(5)) && !token_is_digits(word_loose(5)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_found_where_words_begin_and_end),
		cmocka_unit_test(a_star_opens_a_word),
		cmocka_unit_test(japanese_is_found_anywhere),
		cmocka_unit_test(a_line_with_a_text_carries_its_words),
		cmocka_unit_test(a_text_is_found_as_by_looking_at_every_place),
		cmocka_unit_test(an_address_is_one_word),
		cmocka_unit_test(a_line_of_nothing_but_words_is_cut_and_says_so),
		cmocka_unit_test(a_line_that_is_one_word_costs_no_more_than_others),
		cmocka_unit_test(words_of_a_bucket_are_not_taken_for_columns),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
