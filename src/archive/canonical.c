/* Canonical JSON (RFC 8785, JCS) for values without fractions: the same facts are the same bytes, so that a
 * signature over bytes is one over facts. Members sorted by the UTF-16 units of their names, nothing between
 * values, only what must be escaped is, numbers are whole and within 2^53 - 1 (I-JSON, RFC 7493). Refused besides
 * what is no JSON: two members of one name, fractions and exponents, NUL and halves of surrogate pairs in text.
 * Any thread; memory is bounded by the number of values. */
#include <stdlib.h>

#include "tomsd/archive.h"
#include "tomsd/base/num.h"

enum { VALUES_MAX = 1 << 20 };
static const int64_t NUMBER_MAX = (INT64_C(1) << 53) - 1;

struct maker {
	const struct json_doc *doc;
	struct buf *out;
	struct err *e;
};

struct member {
	char *plain; /* heap: the name without escapes, where it had some */
	struct str name;
	size_t value; /* its node */
};

static unsigned hex4(const char *p)
{
	unsigned v = 0;
	for (int i = 0; i < 4; i++)
		v = v << 4 | (unsigned)num_hex_digit(p[i]);
	return v;
}

/* json_text makes U+FFFD of what no text of ours can hold; here that would be another fact. The reader has
 * checked the form of every escape. */
static bool holds_unspeakable(struct str raw)
{
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] != '\\' || raw.p[++i] != 'u')
			continue;
		unsigned c = hex4(raw.p + i + 1);
		i += 4;
		if (c == 0 || (c >= 0xdc00 && c < 0xe000))
			return true;
		if (c < 0xd800 || c >= 0xdc00)
			continue;
		if (raw.n - i < 7 || raw.p[i + 1] != '\\' || raw.p[i + 2] != 'u')
			return true;
		c = hex4(raw.p + i + 3);
		if (c < 0xdc00 || c >= 0xe000)
			return true;
		i += 6;
	}
	return false;
}

/* The text of a string node; *plain is a heap copy where the node has escapes, else NULL. */
static int text_of(const struct maker *m, const struct json_node *n, struct str *text, char **plain)
{
	*plain = NULL;
	*text = n->raw;
	if (!n->escaped)
		return 0;
	if (holds_unspeakable(n->raw))
		return err_set(m->e, ERR_INVALID, "canonical JSON: a text holds NUL or half a character");
	char *p = malloc(n->raw.n + 1);
	if (!p)
		return err_set(m->e, ERR_NOMEM, "canonical JSON: out of memory");
	(void)json_text(n, p, n->raw.n + 1); /* without escapes it is never longer */
	*plain = p;
	*text = str_of(p);
	return 0;
}

static void put_text(struct buf *b, struct str s)
{
	size_t from = 0;
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		static const char short_ones[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
		unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_put(b, s.p + from, i - from);
		from = i + 1;
		const char *at = strchr(short_ones, c);
		if (at)
			buf_fmt(b, "\\%c", names[at - short_ones]);
		else
			buf_fmt(b, "\\u%04x", c);
	}
	if (from < s.n)
		buf_put(b, s.p + from, s.n - from);
	buf_char(b, '"');
}

/* Order of UTF-16 units, asked of UTF-8 bytes: the same as of the bytes, but that characters of two units (lead
 * bytes 0xf0 and above) stand before U+E000 and above (lead bytes 0xee and 0xef). */
static int unit_order(unsigned char c)
{
	return c == 0xee || c == 0xef ? c + 0x10 : c;
}

static int by_name(const void *one, const void *two)
{
	struct str a = ((const struct member *)one)->name, b = ((const struct member *)two)->name;
	for (size_t i = 0; i < a.n && i < b.n; i++)
		if (a.p[i] != b.p[i])
			return unit_order((unsigned char)a.p[i]) - unit_order((unsigned char)b.p[i]);
	return (a.n > b.n) - (a.n < b.n);
}

static int put_value(struct maker *m, size_t at);

static int put_string(struct maker *m, const struct json_node *n)
{
	char *plain;
	struct str text;
	int rc = text_of(m, n, &text, &plain);
	if (rc == 0)
		put_text(m->out, text);
	free(plain);
	return rc;
}

static int put_number(struct maker *m, const struct json_node *n)
{
	int64_t v;
	if (num_i64(n->raw, -NUMBER_MAX, NUMBER_MAX, &v))
		return err_set(m->e, ERR_INVALID, "canonical JSON: %.*s is not a whole number within 2^53",
			       n->raw.n < 40 ? (int)n->raw.n : 40, n->raw.p);
	buf_i64(m->out, v);
	return 0;
}

static int put_array(struct maker *m, size_t at)
{
	uint32_t count = m->doc->nodes[at].count;
	int rc = 0;
	buf_char(m->out, '[');
	for (size_t i = at + 1; count > 0 && rc == 0; count--, i = m->doc->nodes[i].next) {
		rc = put_value(m, i);
		if (count > 1)
			buf_char(m->out, ',');
	}
	buf_char(m->out, ']');
	return rc;
}

static int read_names(const struct maker *m, size_t at, struct member *members, size_t n)
{
	int rc = 0;
	for (size_t i = 0, key = at + 1; i < n && rc == 0; i++) {
		members[i].value = key + 1;
		rc = text_of(m, &m->doc->nodes[key], &members[i].name, &members[i].plain);
		key = m->doc->nodes[key + 1].next;
	}
	return rc;
}

static int put_members(struct maker *m, const struct member *members, size_t n)
{
	int rc = 0;
	buf_char(m->out, '{');
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (i > 0 && by_name(&members[i - 1], &members[i]) == 0)
			return err_set(m->e, ERR_INVALID, "canonical JSON: two members are called \"%.*s\"",
				       members[i].name.n < 80 ? (int)members[i].name.n : 80, members[i].name.p);
		if (i > 0)
			buf_char(m->out, ',');
		put_text(m->out, members[i].name);
		buf_char(m->out, ':');
		rc = put_value(m, members[i].value);
	}
	buf_char(m->out, '}');
	return rc;
}

static int put_object(struct maker *m, size_t at)
{
	size_t n = m->doc->nodes[at].count;
	struct member *members = calloc(n ? n : 1, sizeof(*members));
	if (!members)
		return err_set(m->e, ERR_NOMEM, "canonical JSON: out of memory");
	int rc = read_names(m, at, members, n);
	if (rc == 0) {
		qsort(members, n, sizeof(*members), by_name);
		rc = put_members(m, members, n);
	}
	for (size_t i = 0; i < n; i++)
		free(members[i].plain);
	free(members);
	return rc;
}

/* As deep as json_parse allows. */
static int put_value(struct maker *m, size_t at)
{
	const struct json_node *n = &m->doc->nodes[at];
	switch (n->type) {
	case JSON_STRING:
		return put_string(m, n);
	case JSON_NUMBER:
		return put_number(m, n);
	case JSON_ARRAY:
		return put_array(m, at);
	case JSON_OBJECT:
		return put_object(m, at);
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
	default:
		buf_str(m->out, n->raw);
		return 0;
	}
}

int archive_canonical(struct str json, struct buf *out, struct err *e)
{
	struct json_doc doc;
	struct buf made;
	int rc = json_parse(json, VALUES_MAX, &doc, e);
	if (rc)
		return rc;
	/* Sorted and without spaces it is as long at most, but for escapes: "\u007f" gets shorter, none longer. */
	buf_init(&made, json.n + 1);
	struct maker m = { &doc, &made, e };
	rc = put_value(&m, 0);
	if (rc == 0 && buf_failed(&made))
		rc = err_set(e, ERR_NOMEM, "canonical JSON: out of memory");
	if (rc == 0)
		buf_str(out, buf_view(&made));
	if (rc == 0 && buf_failed(out))
		rc = err_set(e, ERR_FULL, "canonical JSON: longer than %zu bytes", out->cap);
	buf_fini(&made);
	json_doc_fini(&doc);
	return rc;
}

bool archive_is_canonical(struct str json)
{
	struct buf made;
	buf_init(&made, json.n + 1);
	bool is = archive_canonical(json, &made, NULL) == 0 && str_eq(buf_view(&made), json);
	buf_fini(&made);
	return is;
}
