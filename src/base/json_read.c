/* Reading JSON (RFC 8259): one pass, strict, into a flat array of nodes that point into the
 * text. Depth and nodes are bounded before anything is believed. One thread. */
#include <stdlib.h>

#include "tomsd/base/json.h"
#include "tomsd/base/num.h"
#include "utf8.h"

#define FIRST_NODES 32

struct reader {
	const char *start, *p, *end;
	struct json_node *nodes;
	size_t n, room, max;
	struct err *e;
};

static int fail(struct reader *r, const char *words)
{
	return err_set(r->e, ERR_INVALID, "JSON: %s at byte %zu", words,
		       (size_t)(r->p - r->start));
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end &&
	       (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

static bool next_is(struct reader *r, char c)
{
	skip_space(r);
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* A new node's index in *at. Nodes move when the array grows: keep indexes, not pointers. */
static int add_node(struct reader *r, enum json_type type, size_t *at)
{
	if (r->n >= r->max)
		return err_set(r->e, ERR_FULL, "JSON: more than %zu values", r->max);
	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : FIRST_NODES;
		struct json_node *more = realloc(r->nodes, room * sizeof(*more));
		if (!more)
			return err_set(r->e, ERR_NOMEM, "JSON: out of memory");
		r->nodes = more;
		r->room = room;
	}
	*at = r->n++;
	r->nodes[*at] = (struct json_node){ .type = type, .raw = { r->p, 0 } };
	return 0;
}

/* Sets the text from start to the cursor and closes the node: what comes next is not its
 * child. */
static void end_node(struct reader *r, size_t at, const char *start, const char *end)
{
	r->nodes[at].raw = (struct str){ start, (size_t)(end - start) };
	r->nodes[at].next = (uint32_t)r->n;
}

/* Behind a backslash: the length of the escape without it, 0 when there is no such escape. */
static size_t escape_len(const char *p, const char *end)
{
	if (p == end || *p == '\0' || !strchr("\"\\/bfnrtu", *p))
		return 0;
	if (*p != 'u')
		return 1;
	if (end - p < 5)
		return 0;
	for (int i = 1; i <= 4; i++)
		if (num_hex_digit(p[i]) < 0)
			return 0;
	return 5;
}

static int read_string(struct reader *r)
{
	size_t at, len;
	int rc = add_node(r, JSON_STRING, &at);
	if (rc)
		return rc;
	const char *start = ++r->p; /* behind the quote, which the caller saw */
	while (r->p < r->end && *r->p != '"') {
		if (*r->p == '\\') {
			len = escape_len(r->p + 1, r->end);
			if (len == 0)
				return fail(r, "unknown escape");
			r->nodes[at].escaped = true;
			r->p += len + 1;
			continue;
		}
		len = utf8_len(r->p, (size_t)(r->end - r->p));
		if (len == 0)
			return fail(r, "not UTF-8");
		if ((unsigned char)*r->p < 0x20)
			return fail(r, "control character in a string");
		r->p += len;
	}
	if (r->p == r->end)
		return fail(r, "string without an end");
	end_node(r, at, start, r->p++);
	return 0;
}

static bool digits(struct reader *r)
{
	const char *start = r->p;
	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > start;
}

static bool one_of(struct reader *r, const char *set)
{
	if (r->p == r->end || *r->p == '\0' || !strchr(set, *r->p))
		return false;
	r->p++;
	return true;
}

static int read_number(struct reader *r)
{
	size_t at;
	int rc = add_node(r, JSON_NUMBER, &at);
	if (rc)
		return rc;
	const char *start = r->p;
	(void)one_of(r, "-");
	if (!one_of(r, "0") && !digits(r))
		return fail(r, "not a number");
	if (one_of(r, ".") && !digits(r))
		return fail(r, "not a number");
	if (one_of(r, "eE")) {
		(void)one_of(r, "+-");
		if (!digits(r))
			return fail(r, "not a number");
	}
	end_node(r, at, start, r->p);
	return 0;
}

static int read_word(struct reader *r)
{
	static const struct {
		struct str word;
		enum json_type type;
	} words[] = {
		{ { "null", 4 }, JSON_NULL },
		{ { "true", 4 }, JSON_TRUE },
		{ { "false", 5 }, JSON_FALSE },
	};
	struct str left = { r->p, (size_t)(r->end - r->p) };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_starts(left, words[i].word))
			continue;
		size_t at;
		int rc = add_node(r, words[i].type, &at);
		if (rc)
			return rc;
		r->p += words[i].word.n;
		end_node(r, at, left.p, r->p);
		return 0;
	}
	return fail(r, "not a value");
}

static int read_value(struct reader *r, int depth);

static int read_member(struct reader *r, bool object, int depth)
{
	if (object) {
		skip_space(r);
		if (r->p == r->end || *r->p != '"')
			return fail(r, "expected a name in quotes");
		int rc = read_string(r);
		if (rc)
			return rc;
		if (!next_is(r, ':'))
			return fail(r, "expected ':'");
	}
	return read_value(r, depth);
}

static int read_nest(struct reader *r, bool object, int depth)
{
	char close = object ? '}' : ']';
	size_t at;
	if (depth >= JSON_DEPTH)
		return err_set(r->e, ERR_FULL, "JSON: nested deeper than %d", JSON_DEPTH);
	int rc = add_node(r, object ? JSON_OBJECT : JSON_ARRAY, &at);
	if (rc)
		return rc;
	const char *start = r->p++;
	uint32_t count = 0;
	if (!next_is(r, close)) {
		do {
			rc = read_member(r, object, depth + 1);
			if (rc)
				return rc;
			count++;
		} while (next_is(r, ','));
		if (!next_is(r, close))
			return fail(r, object ? "expected ',' or '}'" : "expected ',' or ']'");
	}
	r->nodes[at].count = count;
	end_node(r, at, start, r->p);
	return 0;
}

static int read_value(struct reader *r, int depth)
{
	skip_space(r);
	if (r->p == r->end)
		return fail(r, "ends too early");
	switch (*r->p) {
	case '{':
		return read_nest(r, true, depth);
	case '[':
		return read_nest(r, false, depth);
	case '"':
		return read_string(r);
	case '-':
		return read_number(r);
	default:
		return *r->p >= '0' && *r->p <= '9' ? read_number(r) : read_word(r);
	}
}

int json_parse(struct str text, size_t max_nodes, struct json_doc *doc, struct err *e)
{
	struct reader r = { .start = text.p, .p = text.p, .end = text.p, .e = e };
	if (text.p)
		r.end = text.p + text.n;
	r.max = max_nodes < UINT32_MAX ? max_nodes : UINT32_MAX - 1;
	int rc = read_value(&r, 0);
	if (rc == 0) {
		skip_space(&r);
		if (r.p != r.end)
			rc = fail(&r, "more text behind the value");
	}
	if (rc) {
		free(r.nodes);
		return rc;
	}
	*doc = (struct json_doc){ r.nodes, r.n };
	return 0;
}

void json_doc_fini(struct json_doc *doc)
{
	free(doc->nodes);
	*doc = (struct json_doc){ NULL, 0 };
}

static unsigned hex4(const char *p)
{
	unsigned v = 0;
	for (int i = 0; i < 4; i++)
		v = v << 4 | (unsigned)num_hex_digit(p[i]);
	return v;
}

/* The character of \uXXXX at p (behind the u), with its second half when it is a surrogate
 * pair. Lone halves and NUL become U+FFFD: no C string can carry them. */
static unsigned unescape_u(const char **p, const char *end)
{
	unsigned hi = hex4(*p);
	*p += 4;
	if (hi >= 0xd800 && hi < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
		unsigned lo = hex4(*p + 2);
		if (lo >= 0xdc00 && lo < 0xe000) {
			*p += 6;
			return 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
		}
	}
	return hi == 0 || (hi >= 0xd800 && hi < 0xe000) ? 0xfffd : hi;
}

static size_t put_utf8(unsigned c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

/* One escape at p (behind the backslash); the bytes it means. read_string has checked its
 * form. */
static size_t unescape(const char **p, const char *end, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	char c = *(*p)++;
	if (c == 'u')
		return put_utf8(unescape_u(p, end), out);
	const char *at = strchr(from, c);
	out[0] = at ? to[at - from] : c;
	return 1;
}

bool json_text(const struct json_node *n, char *out, size_t cap)
{
	if (!n || n->type != JSON_STRING || cap == 0)
		return false;
	const char *p = n->raw.p, *end = p + n->raw.n;
	size_t at = 0;
	while (p < end) {
		char one[4];
		size_t made = 1;
		one[0] = *p++;
		if (one[0] == '\\')
			made = unescape(&p, end, one);
		if (at + made >= cap)
			return false;
		memcpy(out + at, one, made);
		at += made;
	}
	out[at] = '\0';
	return true;
}

bool json_int(const struct json_node *n, int64_t *out)
{
	return n && n->type == JSON_NUMBER && num_i64(n->raw, INT64_MIN, INT64_MAX, out) == 0;
}

static bool name_is(const struct json_node *key, struct str name)
{
	char plain[256]; /* longer names in escapes are nobody's */
	if (!key->escaped)
		return str_eq(key->raw, name);
	return json_text(key, plain, sizeof(plain)) && str_eq(str_of(plain), name);
}

const struct json_node *json_get(const struct json_doc *doc, const struct json_node *obj,
				 const char *name)
{
	if (!obj || obj->type != JSON_OBJECT)
		return NULL;
	struct str wanted = str_of(name);
	size_t i = (size_t)(obj - doc->nodes) + 1;
	for (uint32_t member = 0; member < obj->count; member++) {
		if (name_is(&doc->nodes[i], wanted))
			return &doc->nodes[i + 1];
		i = doc->nodes[i + 1].next;
	}
	return NULL;
}
