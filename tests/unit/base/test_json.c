/* JSON: what is written is valid whatever comes in, and what is read is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/base/json.h"

static struct buf out;
static struct json j;

static int setup(void **state)
{
	(void)state;
	buf_init(&out, 1 << 20);
	json_init(&j, &out);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

static void commas_and_nesting_are_the_writers_business(void **state)
{
	(void)state;
	json_obj(&j);
	json_kv_str(&j, "name", "tokyo");
	json_kv_str(&j, "none", NULL);
	json_key(&j, "list");
	json_arr(&j);
	json_u64(&j, UINT64_MAX);
	json_i64(&j, -1);
	json_obj(&j);
	json_end_obj(&j);
	json_arr(&j);
	json_end_arr(&j);
	json_bool(&j, true);
	json_null(&j);
	json_raw(&j, STR("{\"raw\":1}"));
	json_end_arr(&j);
	json_kv_bool(&j, "ok", false);
	json_kv_u64(&j, "u", 7);
	json_kv_i64(&j, "i", -7);
	json_kv_time(&j, "t", 0);
	json_end_obj(&j);
	assert_string_equal(
		out.p,
		"{\"name\":\"tokyo\",\"none\":null,\"list\":[18446744073709551615,-1,{},[],true,null,"
		"{\"raw\":1}],\"ok\":false,\"u\":7,\"i\":-7,\"t\":\"1970-01-01T00:00:00Z\"}");
}

static void text_is_escaped_and_cleaned(void **state)
{
	(void)state;
	json_arr(&j);
	json_str(&j, STR("a\"b\\c/\n\r\t\b\f\x01\x1f\x7f"));
	json_str(&j, STR("病院\xff\xed\xa0\x80"));
	json_str(&j, str_n("\0x", 2));
	json_str(&j, STR_NULL);
	json_end_arr(&j);
	assert_string_equal(
		out.p,
		"[\"a\\\"b\\\\c/\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\","
		"\"病院\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"\\u0000x\",\"\"]");
}

static void doubles_read_back_as_they_were(void **state)
{
	(void)state;
	static const struct {
		double v;
		const char *text;
	} cases[] = {
		{ 0.1, "0.1" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 1e300, "1e+300" },
		{ -0.5, "-0.5" },
		{ 3, "3" },
		{ INFINITY, "null" },
		{ -INFINITY, "null" },
		{ NAN, "null" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&out);
		json_init(&j, &out);
		json_f64(&j, cases[i].v);
		assert_string_equal(out.p, cases[i].text);
	}
}

static void dotted_names_become_nested_objects(void **state)
{
	(void)state;
	json_obj(&j);
	json_kv_str(&j, "@timestamp", "x");
	static const char *const paths[] = { "source.ip",       "source.nat.ip",
					     "source.nat.port", "source.port",
					     "network.vlan.id", "network.bytes",
					     "message",         "network.a.b.c",
					     "nest.a" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		json_path(&j, paths[i]);
		json_u64(&j, i);
	}
	json_path_end(&j);
	json_path_end(&j); /* nothing open: nothing to do */
	json_kv_u64(&j, "last", 1);
	json_end_obj(&j);
	assert_string_equal(
		out.p,
		"{\"@timestamp\":\"x\",\"source\":{\"ip\":0,\"nat\":{\"ip\":1,\"port\":2},\"port\":3},"
		"\"network\":{\"vlan\":{\"id\":4},\"bytes\":5},\"message\":6,"
		"\"network\":{\"a\":{\"b\":{\"c\":7}}},\"nest\":{\"a\":8},\"last\":1}");
}

static void names_that_only_begin_alike_are_different_objects(void **state)
{
	(void)state;
	json_arr(&j);
	for (int row = 0; row < 2; row++) {
		json_obj(&j);
		json_path(&j, "a.b");
		json_u64(&j, 1);
		json_path(&j, "ab.b");
		json_u64(&j, 2);
		json_path(&j, "ab.list");
		json_arr(&j);
		json_obj(&j); /* objects may stand in a path's value */
		json_kv_u64(&j, "in", 3);
		json_end_obj(&j);
		json_end_arr(&j);
		json_path_end(&j);
		json_end_obj(&j);
	}
	json_end_arr(&j);
	assert_string_equal(out.p, "[{\"a\":{\"b\":1},\"ab\":{\"b\":2,\"list\":[{\"in\":3}]}},"
				   "{\"a\":{\"b\":1},\"ab\":{\"b\":2,\"list\":[{\"in\":3}]}}]");
}

static const char good[] =
	"{\"a\":[1,-2.5e+3,true,false,null,\"x\\u75c5\\n\"],\"b\":{\"c\":{}},\"d\\u0065\":\"\",\"n\":42}";

static void members_are_found_by_name(void **state)
{
	(void)state;
	struct json_doc doc;
	struct err e = ERR_INIT;
	char text[32];
	int64_t v = 0;
	assert_int_equal(json_parse(STR(good), 100, &doc, &e), 0);
	const struct json_node *root = doc.nodes, *a = json_get(&doc, root, "a");
	assert_int_equal(root->type, JSON_OBJECT);
	assert_int_equal(root->count, 4);
	assert_int_equal(root->next, doc.n);
	assert_int_equal(a->type, JSON_ARRAY);
	assert_int_equal(a->count, 6);
	assert_true(json_int(a + 1, &v) && v == 1);
	assert_false(json_int(a + 2, &v)); /* not whole */
	assert_int_equal(a[3].type, JSON_TRUE);
	assert_int_equal(a[4].type, JSON_FALSE);
	assert_int_equal(a[5].type, JSON_NULL);
	assert_true(json_text(a + 6, text, sizeof(text)));
	assert_string_equal(text, "x病\n");
	const struct json_node *b = json_get(&doc, root, "b");
	assert_int_equal(json_get(&doc, b, "c")->count, 0);
	assert_true(json_text(json_get(&doc, root, "de"), text, sizeof(text)));
	assert_string_equal(text, "");
	assert_true(json_int(json_get(&doc, root, "n"), &v) && v == 42);
	assert_null(json_get(&doc, root, "zz"));
	assert_null(json_get(&doc, a, "a"));
	assert_null(json_get(&doc, NULL, "a"));
	assert_false(json_int(NULL, &v) || json_int(a, &v));
	assert_false(json_text(NULL, text, sizeof(text)) || json_text(a, text, sizeof(text)));
	json_doc_fini(&doc);
	json_doc_fini(&doc);
}

static void every_prefix_of_good_text_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		char *exact = malloc(n + 1);
		struct json_doc doc;
		struct err e = ERR_INIT;
		memcpy(exact, good, n);
		assert_int_equal(json_parse(str_n(exact, n), 100, &doc, &e), -ERR_INVALID);
		assert_int_equal(e.code, ERR_INVALID);
		free(exact);
	}
	struct json_doc doc;
	assert_int_equal(json_parse(STR_NULL, 100, &doc, NULL), -ERR_INVALID);
}

static void what_is_not_json_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",          "[1,]",        "{\"a\":1,}", "{a:1}",
		"{\"a\" 1}", "[1 2]",       "01",         "1.",
		".5",        "+1",          "1e",         "-",
		"nul",       "True",        "'x'",        "\"\x01\"",
		"\"\\x\"",   "\"\\u12g4\"", "\"\xff\"",   "[1]x",
		"{1:2}",     "[",           "{\"a\"",     "\"abc",
		"\"\\",      "0x10",        "NaN",        "\xef\xbb\xbf[]",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct json_doc doc;
		struct err e = ERR_INIT;
		assert_int_equal(json_parse(str_of(bad[i]), 100, &doc, &e), -ERR_INVALID);
	}
}

static void values_and_depth_are_bounded(void **state)
{
	(void)state;
	struct json_doc doc;
	struct err e = ERR_INIT;
	char deep[80];
	assert_int_equal(json_parse(STR("[1,2,3]"), 4, &doc, &e), 0);
	json_doc_fini(&doc);
	assert_int_equal(json_parse(STR("[1,2,3]"), 3, &doc, &e), -ERR_FULL);
	for (size_t depth = 31; depth <= 33; depth++) {
		memset(deep, '[', depth);
		memset(deep + depth, ']', depth);
		int rc = json_parse(str_n(deep, depth * 2), 100, &doc, &e);
		assert_int_equal(rc, depth <= JSON_DEPTH ? 0 : -ERR_FULL);
		if (rc == 0)
			json_doc_fini(&doc);
	}
}

static void escapes_become_text_and_never_end_it(void **state)
{
	(void)state;
	static const struct {
		const char *json, *text;
	} cases[] = {
		{ "\"\\ud83c\\udfe5\"", "\xf0\x9f\x8f\xa5" },
		{ "\"\\ud83c\"", "\xef\xbf\xbd" },
		{ "\"\\ud83cx\"", "\xef\xbf\xbdx" },
		{ "\"\\ud83c\\u0041\"", "\xef\xbf\xbd"
					"A" },
		{ "\"\\udfe5\"", "\xef\xbf\xbd" },
		{ "\"a\\u0000b\"", "a\xef\xbf\xbd"
				   "b" },
		{ "\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "é\"\\/\b\f\n\r\t" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_doc doc;
		char text[32];
		assert_int_equal(json_parse(str_of(cases[i].json), 10, &doc, NULL), 0);
		assert_true(json_text(doc.nodes, text, sizeof(text)));
		assert_string_equal(text, cases[i].text);
		size_t n = strlen(text);
		assert_true(json_text(doc.nodes, text, n + 1));
		assert_false(json_text(doc.nodes, text, n));
		assert_false(json_text(doc.nodes, text, 0));
		json_doc_fini(&doc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commas_and_nesting_are_the_writers_business,
						setup, teardown),
		cmocka_unit_test_setup_teardown(text_is_escaped_and_cleaned, setup, teardown),
		cmocka_unit_test_setup_teardown(doubles_read_back_as_they_were, setup,
						teardown),
		cmocka_unit_test_setup_teardown(dotted_names_become_nested_objects, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			names_that_only_begin_alike_are_different_objects, setup, teardown),
		cmocka_unit_test(members_are_found_by_name),
		cmocka_unit_test(every_prefix_of_good_text_is_refused),
		cmocka_unit_test(what_is_not_json_is_refused),
		cmocka_unit_test(values_and_depth_are_bounded),
		cmocka_unit_test(escapes_become_text_and_never_end_it),
	};
	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
