/* ArcSight Common Event Format: "CEF:0|vendor|product|version|id|name|severity|key=value key=value". Relays
 * take "CEF:" for a tag of syslog and strip it. In the header \| and \\ are escaped, in the extension \= \\
 * \n \r. Values hold blanks: one ends where a blank and the next key stand. FortiOS puts FTNTFGT (5.x, 6.0,
 * 7.x) or FortinetFortiGate before keys that CEF has no name for, FortiAnalyzer nothing. Sources: Micro
 * Focus CEF implementation standard, version 25; Fortinet, FortiOS to CEF log field mapping. Any thread. */
#include "inside.h"

/* The '|' that ends a header field which begins at p. */
static const char *pipe_at(const char *p, const char *end)
{
	for (; p < end && *p != '|' && *p != '\n'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return p < end && *p == '|' ? p : NULL;
}

bool cef_open(struct reader *r, struct str body)
{
	const char *p = body.p, *end = body.p + body.n, *at;
	bool named = str_starts(body, STR("CEF:"));

	if (named) {
		p += 4;
		while (p < end && *p == ' ')
			p++;
	}
	/* the version is one or two digits: that also keeps other texts with strokes in them out */
	for (at = p; at < end && *at >= '0' && *at <= '9'; at++)
		;
	if (at == p || at - p > 2 || at >= end || *at != '|')
		return false;
	for (int i = 0; i < CEF_FIELDS; i++, p = at + 1) {
		at = pipe_at(p, end);
		if (!at) {
			/* cut in the header: only the name says that it is one */
			if (!named || i < CEF_PRODUCT)
				return false;
			r->cef[i] = str_n(p, (size_t)(end - p));
			r->problem = LOG_PROBLEM_CUT;
			p = end;
			break;
		}
		r->cef[i] = str_n(p, (size_t)(at - p));
	}
	r->p = p;
	return true;
}

/* From p on: the first key that stands behind a blank (first: or at p itself), its '=' in *eq; NULL: none. */
static const char *next_key(const char *p, const char *end, bool first, const char **eq)
{
	for (const char *at = p; at < end; at++) {
		const char *key;

		at = memchr(at, '=', (size_t)(end - at));
		if (!at)
			return NULL;
		for (key = at; key > p && is_key_char(key[-1]); key--)
			;
		if (key == at || !is_key_start(*key))
			continue;
		if (key > p ? (unsigned char)key[-1] > ' ' : !first)
			continue;
		*eq = at;
		return key;
	}
	return NULL;
}

static bool is_blank_until(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p <= ' ')
		p++;
	return p == end;
}

/* "cn1=7 cn1Label=Duration": the label that follows a numbered field. */
static struct str label_of(struct str key, const char *next, const char *eq, const char *end)
{
	const char *behind, *ignored;

	if (key.n != 3 || key.p[0] != 'c' || (key.p[1] != 's' && key.p[1] != 'n') ||
	    eq - next != 8 || memcmp(next, key.p, 3) != 0 || memcmp(next + 3, "Label", 5) != 0)
		return STR("");
	behind = next_key(eq + 1, end, false, &ignored);
	return str_trim(str_n(eq + 1, (size_t)((behind ? behind : end) - eq - 1)));
}

bool cef_next(struct reader *r, struct line_field *f)
{
	const char *eq, *next_eq, *end = r->end, *key = next_key(r->p, end, true, &eq);
	const char *behind = key ? next_key(eq + 1, end, false, &next_eq) : NULL;

	if (!is_blank_until(r->p, key ? key : end) && r->problem == LOG_PROBLEM_NONE)
		r->problem = LOG_PROBLEM_BROKEN;
	r->p = behind ? behind : end;
	if (!key)
		return false;
	f->key = str_n(key, (size_t)(eq - key));
	f->is_header = false;
	f->quoting = LINE_QUOTING_CEF;
	for (end = r->p; end > eq + 1 && (unsigned char)end[-1] <= ' '; end--)
		;
	f->value = str_n(eq + 1, (size_t)(end - eq - 1));
	r->label = behind ? label_of(f->key, behind, next_eq, r->end) : STR("");
	return true;
}
