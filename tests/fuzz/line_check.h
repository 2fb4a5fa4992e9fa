/* What must hold of any line: the JSON of its row is valid and names nothing twice, every member that it shows is
 * found by its name with the same text, columns and members agree, and fields lie inside the line. */
#ifndef TOMSD_FUZZ_LINE_CHECK_H
#define TOMSD_FUZZ_LINE_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/json.h"
#include "tomsd/line.h"

#define REQUIRE(x)                                           \
	do {                                                 \
		if (!(x)) {                                  \
			fprintf(stderr, "not so: %s\n", #x); \
			abort();                             \
		}                                            \
	} while (0)

static struct log *check_row;
static bool check_utf8;

static void check_leaf(struct str path, const struct json_node *n)
{
	static char text[4 * LOG_LINE_MAX], buf[4 * LOG_LINE_MAX];
	struct str got, want;

	if (n->type != JSON_STRING && n->type != JSON_NUMBER)
		return;
	if (str_ends(path, STR(".?")) || str_starts(path, STR("log.syslog.structured_data.")) ||
	    str_eq(path, STR("toms.log.original_base64")))
		return;
	REQUIRE(log_has_member(path));
	/* a fourth of them, other ones for other lines: asking takes the line apart again each time */
	if ((path.n + check_row->line_n) % 4)
		return;
	REQUIRE(log_member(check_row, path, buf, sizeof(buf), &got));
	if (n->type == JSON_STRING && !n->escaped && !check_utf8)
		return; /* signs stand in place of bytes */
	if (n->type == JSON_NUMBER) {
		want = n->raw;
	} else {
		if (!check_utf8)
			return;
		REQUIRE(json_text(n, text, sizeof(text)));
		want = str_of(text);
		if (got.n && memchr(got.p, 0, got.n))
			return; /* json_text has another sign for it */
	}
	if (!str_eq(got, want)) {
		fprintf(stderr, "%.*s: JSON says %.*s, log_member %.*s\n", (int)path.n, path.p,
			(int)want.n, want.p, (int)got.n, got.p);
		abort();
	}
}

/* Walks an object; path is what stands in front of its members. */
static size_t check_object(const struct json_doc *doc, size_t at, struct str path)
{
	const struct json_node *obj = &doc->nodes[at];
	static char name[1 << 18];
	size_t i = at + 1;

	memmove(name, path.p, path.n);
	for (uint32_t m = 0; m < obj->count; m++) {
		const struct json_node *key = &doc->nodes[i], *value = &doc->nodes[i + 1];
		size_t n = path.n;

		for (size_t k = at + 1, o = 0; o < m; o++, k = doc->nodes[k + 1].next)
			REQUIRE(!str_eq(doc->nodes[k].raw, key->raw));
		if (n)
			name[n++] = '.';
		REQUIRE(n + key->raw.n + 1 < sizeof(name));
		memcpy(name + n, key->raw.p, key->raw.n);
		n += key->raw.n;
		if (value->type == JSON_OBJECT)
			(void)check_object(doc, i + 1, str_n(name, n));
		else if (!key->escaped)
			check_leaf(str_n(name, n), value);
		i = value->next;
	}
	return obj->next;
}

static void check_fields(struct str line)
{
	static struct line_field f[LINE_FIELDS_MAX];
	static char buf[LOG_LINE_MAX + 8];
	size_t n = line_fields(line, f);

	REQUIRE(n <= LINE_FIELDS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct str v = line_value(&f[i], buf, sizeof(buf));

		REQUIRE(!f[i].value.n || (f[i].value.p >= line.p &&
					  f[i].value.p + f[i].value.n <= line.p + line.n));
		REQUIRE(v.n <= f[i].value.n);
		(void)line_field_ecs(&f[i], LOG_FORMAT_KV);
	}
}

static void check_addr(const struct json_doc *doc, const char *side, const struct addr *a)
{
	const struct json_node *ip = json_get(doc, json_get(doc, doc->nodes, side), "ip");
	char text[ADDR_TEXT_MAX];

	if (addr_is_zero(a)) {
		REQUIRE(!ip || str_eq(ip->raw, STR("::")));
		return;
	}
	addr_text(a, text);
	REQUIRE(ip && str_eq(ip->raw, str_of(text)));
}

static void check_line(const uint8_t *data, size_t n)
{
	struct line_time when;
	struct buf out;
	struct json j;
	struct json_doc doc;
	struct err e = ERR_INIT;

	if (n > LOG_LINE_MAX)
		n = LOG_LINE_MAX;
	check_row = malloc(sizeof(*check_row) + n);
	REQUIRE(check_row);
	memset(check_row, 0x5a, sizeof(*check_row));
	if (n)
		memcpy(check_row->line, data, n);
	check_row->line_n = (uint32_t)n;
	check_row->transport = LOG_VIA_UDP;
	check_row->trust = LOG_TRUST_UNKNOWN;
	line_parse(str_n(check_row->line, n), check_row, &when);
	line_set_time(check_row, &when, 9 * 3600, INT64_C(1795323906123456789),
		      30 * 86400 * NS_PER_S);
	REQUIRE(check_row->line_n == n);
	check_fields(str_n(check_row->line, n));
	check_utf8 = str_utf8_valid(str_n(check_row->line, n)) &&
		     !(n && memchr(check_row->line, 0, n));
	buf_init(&out, 32u << 20);
	json_init(&j, &out);
	log_json(check_row, &j);
	REQUIRE(!buf_failed(&out) && j.depth == 0);
	REQUIRE(str_utf8_valid(buf_view(&out)));
	if (json_parse(buf_view(&out), 16384, &doc, &e) != 0) {
		fprintf(stderr, "%s: %s\n", e.text, out.p);
		abort();
	}
	(void)check_object(&doc, 0, STR(""));
	check_addr(&doc, "source", &check_row->src);
	check_addr(&doc, "destination", &check_row->dst);
	json_doc_fini(&doc);
	buf_fini(&out);
	free(check_row);
}

/* A given beginning and a fuzzed rest. */
UNUSED static void check_behind(const char *head, const uint8_t *data, size_t n)
{
	size_t head_n = strlen(head);
	uint8_t *all = malloc(head_n + n);

	REQUIRE(all);
	memcpy(all, head, head_n);
	if (n)
		memcpy(all + head_n, data, n);
	check_line(all, head_n + n);
	free(all);
}

#endif
