/* `format json` of FortiOS 7.6: one flat object a message. Read as a stream, so that a line that was cut
 * still gives what it holds; what is nested is kept as its text. RFC 8259. Any thread. */
#include "inside.h"

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* The quote that ends a string which begins at p, or NULL. */
static const char *string_end(const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return p < end ? p : NULL;
}

/* Behind an object or a list, its strings passed over; end where it does not close. */
static const char *nest_end(const char *p, const char *end)
{
	unsigned depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			p = string_end(p + 1, end);
			if (!p)
				return end;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if ((*p == '}' || *p == ']') && --depth == 0) {
			return p + 1;
		}
	}
	return end;
}

bool flat_json_looks(struct str body)
{
	const char *end = body.p + body.n, *p = body.p;

	if (!body.n || *p != '{')
		return false;
	p = skip_blanks(p + 1, end);
	if (p >= end || *p != '"')
		return false;
	p = string_end(p + 1, end);
	if (!p)
		return false;
	p = skip_blanks(p + 1, end);
	return p < end && *p == ':';
}

static bool cut(struct reader *r)
{
	r->problem = LOG_PROBLEM_CUT;
	r->p = r->end;
	return true;
}

/* The value at p: strings without their quotes, all else as it stands. */
static bool take_value(struct reader *r, const char *p, struct line_field *f)
{
	const char *at, *end = r->end;

	if (*p == '"') {
		at = string_end(++p, end);
		f->value = str_n(p, (size_t)((at ? at : end) - p));
		if (!at)
			return cut(r);
		r->p = at + 1;
		return true;
	}
	f->quoting = LINE_QUOTING_NONE;
	if (*p == '{' || *p == '[') {
		at = nest_end(p, end);
	} else {
		for (at = p; at < end && *at != ',' && *at != '}' && (unsigned char)*at > ' ';
		     at++)
			;
	}
	f->value = str_n(p, (size_t)(at - p));
	r->p = at;
	if (at == end)
		return cut(r);
	if (str_eq(f->value, STR("null")))
		f->value.n = 0;
	return true;
}

bool flat_json_next(struct reader *r, struct line_field *f)
{
	const char *end = r->end, *p = skip_blanks(r->p, end), *key;

	if (p < end && *p == ',')
		p = skip_blanks(p + 1, end);
	r->p = end;
	if (p >= end || *p != '"') {
		if (p < end && *p == '}' && skip_blanks(p + 1, end) == end)
			return false;
		if (r->problem == LOG_PROBLEM_NONE)
			r->problem = p < end ? LOG_PROBLEM_BROKEN : LOG_PROBLEM_CUT;
		return false;
	}
	key = p + 1;
	p = string_end(key, end);
	if (!p) {
		r->problem = LOG_PROBLEM_CUT;
		return false;
	}
	f->key = str_n(key, (size_t)(p - key));
	f->is_header = false;
	f->quoting = LINE_QUOTING_JSON;
	p = skip_blanks(p + 1, end);
	if (p >= end || *p != ':') {
		r->problem = p < end ? LOG_PROBLEM_BROKEN : LOG_PROBLEM_CUT;
		return false;
	}
	p = skip_blanks(p + 1, end);
	if (p >= end) {
		r->problem = LOG_PROBLEM_CUT;
		return false;
	}
	return take_value(r, p, f);
}
