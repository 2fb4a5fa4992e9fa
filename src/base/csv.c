/* CSV (RFC 4180, CRLF). Formula guard after the OWASP page "CSV Injection", full-width signs
 * included because spreadsheets set to Japanese take them for the plain ones. One thread. */
#include "tomsd/base/csv.h"

void csv_init(struct csv *c, struct buf *out)
{
	*c = (struct csv){ .out = out };
}

void csv_bom(struct csv *c)
{
	buf_cstr(c->out, "\xef\xbb\xbf"); /* tells spreadsheets that it is UTF-8 */
}

static void next_cell(struct csv *c)
{
	if (c->comma)
		buf_char(c->out, ',');
	c->comma = true;
}

void csv_name(struct csv *c, const char *name)
{
	next_cell(c);
	buf_cstr(c->out, name);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* [+-] digits [. digits] [e [+-] digits]: a value, not a formula. */
static bool is_number(struct str s)
{
	size_t i = 0, start;
	if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
		i++;
	for (start = i; i < s.n && is_digit(s.p[i]); i++)
		;
	if (i == start)
		return false;
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && is_digit(s.p[i]); i++)
			;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		for (start = i; i < s.n && is_digit(s.p[i]); i++)
			;
		if (i == start)
			return false;
	}
	return i == s.n;
}

static bool looks_like_formula(struct str s)
{
	static const char *const starts[] = { "=",  "+",  "-",  "@",  "\t", "\r",
					      "\n", "＝", "＋", "－", "＠" };
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(s, str_of(starts[i])))
			return !is_number(s);
	return false;
}

static bool needs_quotes(struct str s)
{
	if (s.n == 0)
		return false;
	if (s.p[0] == ' ' || s.p[s.n - 1] == ' ')
		return true; /* some readers trim bare cells */
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\r' || s.p[i] == '\n')
			return true;
	return false;
}

void csv_str(struct csv *c, struct str s)
{
	next_cell(c);
	bool quoted = needs_quotes(s);
	if (quoted)
		buf_char(c->out, '"');
	if (looks_like_formula(s))
		buf_char(c->out, '\'');
	ptrdiff_t at;
	while (quoted && (at = str_chr(s, '"')) >= 0) {
		buf_put(c->out, s.p, (size_t)at + 1);
		buf_char(c->out, '"');
		s = str_sub(s, (size_t)at + 1, s.n);
	}
	buf_str(c->out, s);
	if (quoted)
		buf_char(c->out, '"');
}

void csv_u64(struct csv *c, uint64_t v)
{
	next_cell(c);
	buf_u64(c->out, v);
}

void csv_i64(struct csv *c, int64_t v)
{
	next_cell(c);
	buf_i64(c->out, v);
}

void csv_empty(struct csv *c)
{
	next_cell(c);
}

void csv_end(struct csv *c)
{
	buf_cstr(c->out, "\r\n");
	c->comma = false;
}
