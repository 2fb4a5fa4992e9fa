/* Writing JSON (RFC 8259) as a stream. Misuse of the nesting is our own mistake and asserts.
 * One thread. */
#include "tomsd/base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "utf8.h"

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out };
}

/* The comma before an element, and the note that one stands there now. */
static void element(struct json *j)
{
	if (j->comma[j->depth])
		buf_char(j->out, ',');
	j->comma[j->depth] = true;
}

static void open_nest(struct json *j, char bracket)
{
	element(j);
	buf_char(j->out, bracket);
	assert(j->depth < JSON_DEPTH);
	j->comma[++j->depth] = false;
}

static void close_nest(struct json *j, char bracket)
{
	assert(j->depth > 0);
	j->depth--;
	buf_char(j->out, bracket);
}

void json_obj(struct json *j)
{
	open_nest(j, '{');
}

void json_end_obj(struct json *j)
{
	/* json_path_end comes first. */
	assert(j->path_open == 0 || j->depth > j->path_base + j->path_open);
	close_nest(j, '}');
}

void json_arr(struct json *j)
{
	open_nest(j, '[');
}

void json_end_arr(struct json *j)
{
	close_nest(j, ']');
}

/* Bytes at p that need no escape. */
static size_t plain_run(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x80 &&
	       p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

static void put_escaped(struct buf *out, char c)
{
	static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
	const char *at = c ? strchr(from, c) : NULL;
	if (at) {
		buf_char(out, '\\');
		buf_char(out, to[at - from]);
	} else {
		buf_fmt(out, "\\u%04x", (unsigned)(unsigned char)c);
	}
}

static void put_string(struct buf *out, struct str s)
{
	buf_char(out, '"');
	for (size_t i = 0; i < s.n;) {
		size_t run = plain_run(s.p + i, s.n - i);
		buf_put(out, s.p + i, run);
		i += run;
		if (i == s.n)
			break;
		size_t len = utf8_len(s.p + i, s.n - i);
		if (len == 0)
			buf_cstr(out, UTF8_REPLACEMENT);
		else if (len == 1)
			put_escaped(out, s.p[i]);
		else
			buf_put(out, s.p + i, len);
		i += len ? len : 1;
	}
	buf_char(out, '"');
}

static void put_key(struct json *j, struct str name)
{
	element(j);
	put_string(j->out, name);
	buf_char(j->out, ':');
	j->comma[j->depth] = false; /* its value follows without one */
}

void json_key(struct json *j, const char *name)
{
	put_key(j, str_of(name));
}

void json_key_str(struct json *j, struct str name)
{
	put_key(j, name);
}

void json_str(struct json *j, struct str s)
{
	element(j);
	put_string(j->out, s);
}

void json_cstr(struct json *j, const char *c)
{
	if (c)
		json_str(j, str_of(c));
	else
		json_null(j);
}

void json_u64(struct json *j, uint64_t v)
{
	element(j);
	buf_u64(j->out, v);
}

void json_i64(struct json *j, int64_t v)
{
	element(j);
	buf_i64(j->out, v);
}

/* The fewest digits that read back as the same number. */
void json_f64(struct json *j, double v)
{
	char text[32];
	element(j);
	if (!isfinite(v)) {
		buf_cstr(j->out, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		/* At most 24 characters: a sign, 17 digits, a point, an exponent. */
		(void)snprintf(text, sizeof(text), "%.*g", digits, v);
		double back = strtod(text, NULL);
		if (memcmp(&back, &v, sizeof(v)) == 0)
			break;
	}
	buf_cstr(j->out, text);
}

void json_bool(struct json *j, bool v)
{
	element(j);
	buf_cstr(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
	element(j);
	buf_cstr(j->out, "null");
}

void json_time(struct json *j, int64_t ns)
{
	char text[CLOCK_RFC3339_MAX];
	clock_rfc3339(ns, text);
	json_str(j, str_of(text));
}

void json_raw(struct json *j, struct str s)
{
	element(j);
	buf_str(j->out, s);
}

void json_kv_str(struct json *j, const char *name, const char *c)
{
	json_key(j, name);
	json_cstr(j, c);
}

void json_kv_u64(struct json *j, const char *name, uint64_t v)
{
	json_key(j, name);
	json_u64(j, v);
}

void json_kv_i64(struct json *j, const char *name, int64_t v)
{
	json_key(j, name);
	json_i64(j, v);
}

void json_kv_bool(struct json *j, const char *name, bool v)
{
	json_key(j, name);
	json_bool(j, v);
}

void json_kv_time(struct json *j, const char *name, int64_t ns)
{
	json_key(j, name);
	json_time(j, ns);
}

/* Closes path objects until only keep of them are open. */
static void close_paths(struct json *j, int keep)
{
	while (j->path_open > keep) {
		j->path_open--;
		close_nest(j, '}');
		char *dot = strrchr(j->path, '.');
		*(dot ? dot : j->path) = '\0';
	}
}

static void open_path(struct json *j, struct str part)
{
	size_t at = strlen(j->path);
	put_key(j, part);
	open_nest(j, '{');
	assert(at + part.n + 2 <= sizeof(j->path));
	if (j->path_open > 0)
		j->path[at++] = '.';
	memcpy(j->path + at, part.p, part.n);
	j->path[at + part.n] = '\0';
	j->path_open++;
}

void json_path(struct json *j, const char *dotted)
{
	if (j->path_open == 0)
		j->path_base = j->depth;
	assert(j->depth == j->path_base + j->path_open); /* no paths inside a path's value */
	struct str left = str_of(dotted), open = str_of(j->path), part, open_part;
	bool same = j->path_open > 0;
	int level = 0;
	for (ptrdiff_t dot; (dot = str_chr(left, '.')) >= 0; level++) {
		part = str_sub(left, 0, (size_t)dot);
		left = str_sub(left, (size_t)dot + 1, left.n);
		same = same && level < j->path_open && str_split(&open, '.', &open_part) &&
		       str_eq(part, open_part);
		if (same)
			continue;
		close_paths(j, level);
		open_path(j, part);
	}
	close_paths(j, level);
	put_key(j, left);
}

void json_path_end(struct json *j)
{
	assert(j->depth == j->path_base + j->path_open || j->path_open == 0);
	close_paths(j, 0);
}

void json_list(struct json *j, struct str items)
{
	struct str item;

	json_arr(j);
	while (str_split(&items, '\n', &item))
		json_str(j, item);
	json_end_arr(j);
}
