/* Structured data of RFC 5424 6.3: [id name="value" name="value"][id ...]. In values \" \\ \] are escaped.
 * header.c has checked the brackets. Any thread. */
#include "inside.h"

bool sd_next(struct reader *r, struct line_field *f)
{
	const char *p = r->p, *end = r->end, *key, *at;

	while (p < end && (*p == ']' || *p == ' ' || *p == '[')) {
		if (*p++ != '[')
			continue;
		for (at = p; p < end && *p != ' ' && *p != ']'; p++)
			;
		r->sd_id = str_n(at, (size_t)(p - at));
	}
	for (key = p; p < end && *p != '=' && *p != ' ' && *p != ']'; p++)
		;
	r->p = end;
	if (p == key || p + 1 >= end || p[0] != '=' || p[1] != '"') {
		if (key < end && r->problem == LOG_PROBLEM_NONE)
			r->problem = LOG_PROBLEM_BROKEN;
		return false;
	}
	f->key = str_n(key, (size_t)(p - key));
	f->is_header = false;
	f->quoting = LINE_QUOTING_SD;
	for (at = p += 2; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	f->value = str_n(at, (size_t)(p - at));
	if (p >= end)
		r->problem = LOG_PROBLEM_CUT;
	else
		r->p = p + 1;
	return true;
}
