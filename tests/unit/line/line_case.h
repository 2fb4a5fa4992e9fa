/* One line understood, and questions about it. */
#ifndef TOMSD_TEST_LINE_CASE_H
#define TOMSD_TEST_LINE_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/json.h"
#include "tomsd/line.h"

#define RECEIVED_NS INT64_C(1795323910000000000) /* 2026-11-22T05:05:10Z */

static struct log *row;
static struct line_time when;
static struct line_field fields[LINE_FIELDS_MAX];
static size_t n_fields;
static struct buf json_text_of_row;

/* Understands n bytes at p, kept in memory of just that size, so that sanitizers see a step too far. */
static void take(const char *p, size_t n)
{
	free(row);
	row = calloc(1, sizeof(*row) + n);
	assert_non_null(row);
	if (n)
		memcpy(row->line, p, n);
	row->line_n = (uint32_t)n;
	line_parse(str_n(row->line, n), row, &when);
	line_set_time(row, &when, 9 * 3600, RECEIVED_NS, 30 * 86400 * NS_PER_S);
	n_fields = line_fields(str_n(row->line, n), fields);
}

UNUSED static void take_text(const char *line)
{
	take(line, strlen(line));
}

/* The text of a field between its quotes; NULL: not there. */
UNUSED static const char *field(const char *key)
{
	static char text[4][2048];
	static unsigned at;

	for (size_t i = 0; i < n_fields; i++) {
		if (str_eq(fields[i].key, str_of(key))) {
			at = (at + 1) % 4;
			assert_true(str_copy(text[at], sizeof(text[at]), fields[i].value));
			return text[at];
		}
	}
	return NULL;
}

/* The text of a member; "(none)" where there is none. */
UNUSED static const char *member(const char *ecs)
{
	static char text[4][4096], buf[8192];
	static unsigned at;
	struct str s;

	if (!log_member(row, str_of(ecs), buf, sizeof(buf), &s))
		return "(none)";
	assert_true(log_has_member(str_of(ecs)));
	at = (at + 1) % 4;
	assert_true(str_copy(text[at], sizeof(text[at]), s));
	return text[at];
}

#define assert_member(ecs, text) assert_string_equal(member(ecs), text)

/* The row as JSON; doc must be freed. */
UNUSED static void as_json(struct json_doc *doc)
{
	struct err e = ERR_INIT;
	struct json j;

	if (!json_text_of_row.cap)
		buf_init(&json_text_of_row, 8u << 20);
	buf_reset(&json_text_of_row);
	json_init(&j, &json_text_of_row);
	log_json(row, &j);
	assert_false(buf_failed(&json_text_of_row));
	if (json_parse(buf_view(&json_text_of_row), 65536, doc, &e) != 0)
		fail_msg("%s: %s", e.text, json_text_of_row.p);
}

/* Every prefix of a line is understood in some way, and its JSON is valid. */
UNUSED static void take_prefixes(const char *line)
{
	size_t all = strlen(line);

	for (size_t n = 0; n <= all; n++) {
		struct json_doc doc;

		take(line, n);
		as_json(&doc);
		json_doc_fini(&doc);
	}
}

UNUSED static int drop_row(void **state)
{
	(void)state;
	free(row);
	row = NULL;
	if (json_text_of_row.cap)
		buf_fini(&json_text_of_row);
	return 0;
}

#endif
