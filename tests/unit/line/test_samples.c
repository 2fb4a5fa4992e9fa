/* Lines of real devices, kept outside the tree: every field of every line as a parser that others wrote and
 * checked says it is. Skipped, with a word, where the samples are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/line.h"

#define SAMPLES "../shared/data/fortigate/"

static bool load(const char *path, struct buf *b)
{
	struct err e = ERR_INIT;

	buf_init(b, 16u << 20);
	if (file_read(path, 16u << 20, b, &e) == 0)
		return true;
	buf_fini(b);
	return false;
}

/* The text of a JSON string node, whole. */
static struct str text_of(const struct json_node *n, char *buf, size_t cap)
{
	assert_true(json_text(n, buf, cap));
	return str_of(buf);
}

static const struct line_field *find(const struct line_field *f, size_t n, struct str key,
				     bool header)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].is_header == header && str_eq(f[i].key, key))
			return &f[i];
	}
	return NULL;
}

static unsigned wrong;

static void differ(long line, struct str key, struct str want, struct str got)
{
	wrong++;
	print_error("line %ld %.*s: want %.*s, got %.*s\n", line, (int)key.n, key.p,
		    (int)want.n, want.p, (int)got.n, got.p ? got.p : "");
}

/* Every member of obj among the fields; alt holds second values that are as good. */
static void compare(long line, const struct json_doc *doc, const struct json_node *obj,
		    const struct json_node *alt, const struct line_field *f, size_t n,
		    bool header)
{
	static char key[256], want[8192], other[8192], got[8192];
	size_t i = (size_t)(obj - doc->nodes) + 1;

	for (uint32_t m = 0; m < obj->count; m++) {
		const struct json_node *value = &doc->nodes[i + 1], *a;
		struct str k = text_of(&doc->nodes[i], key, sizeof(key));
		struct str w = text_of(value, want, sizeof(want));
		const struct line_field *is = find(f, n, k, header);

		i = value->next;
		a = alt ? json_get(doc, alt, key) : NULL;
		if (is && (str_eq(is->value, w) ||
			   (a && str_eq(is->value, text_of(a, other, sizeof(other))))))
			continue;
		differ(line, k, w, is ? is->value : STR("(absent)"));
		(void)got;
	}
}

/* Nothing that is not expected may come out besides. */
static size_t count(const struct line_field *f, size_t n, bool header)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= f[k].is_header == f[i].is_header && str_eq(f[k].key, f[i].key);
		found += f[i].is_header == header && !again;
	}
	return found;
}

static void check_time(long line, const struct json_doc *doc, const struct json_node *ts,
		       struct str text)
{
	static struct log row;
	struct line_time when;
	int64_t want;

	(void)doc;
	line_parse(text, &row, &when);
	if (json_int(ts, &want) && (when.clock != LINE_CLOCK_UTC || when.ns != want)) {
		wrong++;
		print_error("line %ld: want time %lld, got %lld (%d)\n", line, (long long)want,
			    (long long)when.ns, when.clock);
	}
	if (ts->type == JSON_NULL && when.clock == LINE_CLOCK_UTC) {
		wrong++;
		print_error("line %ld: a time out of nowhere\n", line);
	}
}

static void every_field_of_every_sample_line_is_as_expected(void **state)
{
	struct buf lines, expected;
	struct str rest, want, line, one;
	static struct line_field f[LINE_FIELDS_MAX];

	(void)state;
	if (!load(SAMPLES "all.log", &lines) ||
	    !load(SAMPLES "all.expected.jsonl", &expected)) {
		print_message("skipped: no samples at " SAMPLES "\n");
		skip();
	}
	rest = buf_view(&lines);
	want = buf_view(&expected);
	for (long at = 1; str_split(&want, '\n', &one) && one.n; at++) {
		struct json_doc doc;
		struct err e = ERR_INIT;
		const struct json_node *fields, *cef, *header;
		size_t n;

		assert_true(str_split(&rest, '\n', &line));
		assert_int_equal(json_parse(one, 4096, &doc, &e), 0);
		n = line_fields(line, f);
		fields = json_get(&doc, doc.nodes, "fields");
		cef = json_get(&doc, doc.nodes, "cef_header");
		header = json_get(&doc, doc.nodes, "header");
		compare(at, &doc, fields, json_get(&doc, doc.nodes, "alt"), f, n, false);
		if (count(f, n, false) != fields->count) {
			wrong++;
			print_error("line %ld: %zu fields, want %u\n", at, count(f, n, false),
				    fields->count);
		}
		if (cef)
			compare(at, &doc, cef, NULL, f, n, true);
		if (header && header->raw.n) {
			/* stamp and host, apart by a blank */
			const struct line_field *t = find(f, n, STR("timestamp"), true),
						*h = find(f, n, STR("host"), true);
			char got[512];

			(void)snprintf(got, sizeof(got), "%.*s%s%.*s", t ? (int)t->value.n : 0,
				       t ? t->value.p : "", h ? " " : "",
				       h ? (int)h->value.n : 0, h ? h->value.p : "");
			if (!str_eq(str_of(got), header->raw))
				differ(at, STR("header"), header->raw, str_of(got));
		}
		check_time(at, &doc, json_get(&doc, doc.nodes, "ts_ns"), line);
		json_doc_fini(&doc);
	}
	buf_fini(&lines);
	buf_fini(&expected);
	assert_int_equal(wrong, 0);
}

static void every_hard_line_comes_out_as_its_finder_said(void **state)
{
	struct buf edge;
	struct str rest, one;
	static struct line_field f[LINE_FIELDS_MAX];
	static char text[16384];

	(void)state;
	if (!load(SAMPLES "edge/edge.jsonl", &edge)) {
		print_message("skipped: no samples at " SAMPLES "\n");
		skip();
	}
	rest = buf_view(&edge);
	for (long at = 1; str_split(&rest, '\n', &one) && one.n; at++) {
		struct json_doc doc;
		struct err e = ERR_INIT;
		struct str line;
		size_t n;

		assert_int_equal(json_parse(one, 4096, &doc, &e), 0);
		line = text_of(json_get(&doc, doc.nodes, "line"), text, sizeof(text));
		n = line_fields(line, f);
		compare(at, &doc, json_get(&doc, doc.nodes, "expect"), NULL, f, n, false);
		check_time(at, &doc, json_get(&doc, doc.nodes, "ts_ns"), line);
		json_doc_fini(&doc);
	}
	buf_fini(&edge);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_every_sample_line_is_as_expected),
		cmocka_unit_test(every_hard_line_comes_out_as_its_finder_said),
	};

	return cmocka_run_group_tests_name("lines of real devices", tests, NULL, NULL);
}
