#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tomsd/flow_row.h"
#include "tomsd/store.h"

static struct query parsed(const char *text)
{
	struct query q = { .record = &flow_record };
	struct err e = ERR_INIT;

	if (query_parse(&q, str_of(text), &e))
		fail_msg("[%s] %s", text, e.text);
	return q;
}

static void is_word(const struct query *q, size_t at, bool negate, const char *key,
		    const char *op, const char *value)
{
	assert_true(at < q->n_words);
	assert_int_equal(q->words[at].negate, negate);
	assert_string_equal(q->words[at].key, key);
	assert_string_equal(q->words[at].op, op);
	assert_string_equal(q->words[at].value, value);
}

static void a_query_is_words_with_key_and_value(void **state)
{
	struct query q =
		parsed("  host:10.0.0.1 -app:dns\tsource.bytes>100MB name:\"a b\" plain  ");

	(void)state;
	assert_int_equal(q.n_words, 5);
	is_word(&q, 0, false, "host", ":", "10.0.0.1");
	is_word(&q, 1, true, "app", ":", "dns");
	is_word(&q, 2, false, "source.bytes", ">", "100MB");
	is_word(&q, 3, false, "name", ":", "a b");
	is_word(&q, 4, false, "text", ":", "plain");
}

static void all_comparisons_are_known(void **state)
{
	static const char *const ops[] = { ":", "=", "!=", ">", ">=", "<", "<=" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		char text[32];
		struct query q;

		(void)snprintf(text, sizeof(text), "vlan%s12", ops[i]);
		q = parsed(text);
		assert_int_equal(q.n_words, 1);
		is_word(&q, 0, false, "vlan", ops[i], "12");
	}
}

static void quotes_keep_spaces_and_make_anything_text(void **state)
{
	struct query q = parsed(
		"\"host:10.0.0.1\" -\"two words\" name:\"say \\\"so\\\" \\\\\" \"10.0.0.1\"");

	(void)state;
	assert_int_equal(q.n_words, 4);
	is_word(&q, 0, false, "text", ":", "host:10.0.0.1");
	is_word(&q, 1, true, "text", ":", "two words");
	is_word(&q, 2, false, "name", ":", "say \"so\" \\");
	is_word(&q, 3, false, "text", ":", "10.0.0.1");
}

static void a_bare_address_range_or_mac_is_a_host(void **state)
{
	struct query q = parsed(
		"10.0.0.1 -192.168.0.0/16 fe80::1 aa:bb:cc:dd:ee:ff 444b.5d01.0221 deadbeef0123");

	(void)state;
	is_word(&q, 0, false, "host", ":", "10.0.0.1");
	is_word(&q, 1, true, "host", ":", "192.168.0.0/16");
	is_word(&q, 2, false, "host", ":", "fe80::1");
	is_word(&q, 3, false, "host", ":", "aa:bb:cc:dd:ee:ff");
	is_word(&q, 4, false, "host", ":", "444b.5d01.0221");
	is_word(&q, 5, false, "text", ":", "deadbeef0123"); /* twelve digits may be anything */
}

static void words_are_added_to_those_that_are_there(void **state)
{
	struct query q = parsed("host:10.0.0.1");
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(query_add(&q, "port", ":", "443", &e), 0);
	assert_int_equal(query_add(&q, "-app", "=", "dns", &e), 0);
	assert_int_equal(query_parse(&q, STR("more"), &e), 0);
	assert_int_equal(q.n_words, 4);
	is_word(&q, 1, false, "port", ":", "443");
	is_word(&q, 2, true, "app", "=", "dns");
	is_word(&q, 3, false, "text", ":", "more");
}

static void a_wrong_part_is_named_and_nothing_is_added(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "host:10.0.0.1 name:\"open", "closing quotation mark" },
		{ "a -  b", "a minus excludes" },
		{ "port: 443", "no value" },
		{ "\"\"", "no value" },
		{ "name:\"a\"b", "a space belongs" },
		{ "kxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:1", "long name" },
		{ "\xff\xfe", "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query q = parsed("vlan:1");
		struct err e = ERR_INIT;

		assert_int_equal(query_parse(&q, str_of(cases[i].text), &e), -ERR_INVALID);
		if (!strstr(e.text, cases[i].words))
			fail_msg("[%s] says only: %s", cases[i].text, e.text);
		assert_int_equal(q.n_words, 1);
	}
}

static void there_is_an_end_to_words_and_values(void **state)
{
	struct query q = { .record = &flow_record };
	struct err e = ERR_INIT;
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(query_parse(&q, str_n(text, 255), &e), 0);
	assert_int_equal(query_parse(&q, str_n(text, 256), &e), -ERR_INVALID);
	while (q.n_words < QUERY_WORDS_MAX)
		assert_int_equal(query_add(&q, "vlan", ":", "1", &e), 0);
	assert_int_equal(query_add(&q, "vlan", ":", "1", &e), -ERR_INVALID);
	assert_int_equal(query_parse(&q, STR("one"), &e), -ERR_INVALID);
	assert_int_equal(query_parse(&q, STR("  "), &e), 0);
	assert_int_equal(query_add(&q, "", ":", "1", &e), -ERR_INVALID);
}

static void every_prefix_of_a_query_is_words_or_a_refusal(void **state)
{
	static const char good[] =
		"-host:10.0.0.0/8 name:\"a \\\"b\" source.bytes>=1GB \"x\" fe80::1 !=";

	(void)state;
	for (size_t n = 0; n < sizeof(good); n++) {
		struct query q = { .record = &flow_record };
		struct err e = ERR_INIT;
		char *exact = malloc(n + 1);

		memcpy(exact, good, n);
		if (query_parse(&q, str_n(exact, n), &e))
			assert_true(e.code == ERR_INVALID && e.text[0]);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_words_with_key_and_value),
		cmocka_unit_test(all_comparisons_are_known),
		cmocka_unit_test(quotes_keep_spaces_and_make_anything_text),
		cmocka_unit_test(a_bare_address_range_or_mac_is_a_host),
		cmocka_unit_test(words_are_added_to_those_that_are_there),
		cmocka_unit_test(a_wrong_part_is_named_and_nothing_is_added),
		cmocka_unit_test(there_is_an_end_to_words_and_values),
		cmocka_unit_test(every_prefix_of_a_query_is_words_or_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
