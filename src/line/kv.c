/* key=value as FortiOS writes it by default, and its CSV twin. A key is [A-Za-z_][A-Za-z0-9_.-]* before '='.
 * A quoted value ends at the next '"' that no backslash stands before; whatever lies between quotes is
 * value, so a web client that puts srcip=... into an address changes nothing. A bare value ends at a blank
 * (CSV: at a comma that a key follows). Observed on FortiOS 3.0 to 7.6. Any thread. */
#include "inside.h"

static bool is_blank(char c)
{
	return (unsigned char)c <= ' ';
}

/* Behind the key that begins at p, at its '='; NULL: there is none. */
static inline const char *key_end(const char *p, const char *end)
{
	if (p >= end || !is_key_start(*p))
		return NULL;
	while (++p < end && is_key_char(*p))
		;
	return p < end && *p == '=' ? p : NULL;
}

/* The quote that ends a value which begins at p, or NULL. */
static const char *quote_end(const char *p, const char *end)
{
	for (const char *at = p; at < end; at++) {
		/* most values are shorter than a call is long */
		for (const char *near = end - at > 24 ? at + 24 : end; at < near && *at != '"';
		     at++)
			;
		if (at == end)
			return NULL;
		if (*at != '"')
			at = memchr(at, '"', (size_t)(end - at));
		if (!at || at == p || at[-1] != '\\')
			return at;
	}
	return NULL;
}

static void begin_field(struct line_field *f, const char *key, const char *eq)
{
	f->key = str_n(key, (size_t)(eq - key));
	f->is_header = false;
	f->quoting = LINE_QUOTING_BACKSLASH;
}

/* The rest of the line is the value: the sender cut it. */
static void take_cut(struct reader *r, const char *p, struct line_field *f)
{
	f->value = str_n(p, (size_t)(r->end - p));
	r->problem = LOG_PROBLEM_CUT;
	r->p = r->end;
}

static void stray(struct reader *r)
{
	if (r->problem == LOG_PROBLEM_NONE)
		r->problem = LOG_PROBLEM_BROKEN;
}

/* Up to the next blank; nothing when a quoted field begins in it: FortiOS 7.4 writes dstip=authid="x". */
static const char *bare_end(const char *p, const char *end)
{
	const char *at = p, *inner;

	while (at < end && !is_blank(*at) && *at != '"')
		at++;
	if (at < end && *at == '"') {
		inner = key_end(p, end);
		if (inner && inner + 1 == at)
			return p;
		while (at < end && !is_blank(*at))
			at++;
	}
	return at;
}

/* FortiOS 3 wrote "time=10: 13:03". */
static const char *old_time_end(const struct line_field *f, const char *p, const char *end)
{
	if (f->key.n != 4 || memcmp(f->key.p, "time", 4) != 0 || end - p < 4 || p[-1] != ':' ||
	    p[0] != ' ' || p[1] < '0' || p[1] > '9')
		return p;
	for (p++; p < end && !is_blank(*p); p++)
		;
	return p;
}

bool kv_next(struct reader *r, struct line_field *f)
{
	const char *p = r->p, *end = r->end, *eq = NULL, *at;

	for (; p < end; p++) {
		if (is_blank(*p))
			continue;
		eq = key_end(p, end);
		if (eq)
			break;
		stray(r);
		while (p < end && !is_blank(*p)) /* the whole word: "x?srcip=1" is no field */
			p++;
	}
	if (!eq) {
		r->p = end;
		return false;
	}
	begin_field(f, p, eq);
	p = eq + 1;
	if (p < end && *p == '"') {
		at = quote_end(++p, end);
		if (!at) {
			take_cut(r, p, f);
			return true;
		}
		f->value = str_n(p, (size_t)(at - p));
		r->p = at + 1;
		return true;
	}
	at = bare_end(p, end);
	if (at > p)
		at = old_time_end(f, at, end);
	f->value = str_n(p, (size_t)(at - p));
	r->p = at;
	return true;
}

/* Whether a comma at p parts two fields: a key, or nothing, follows. */
static bool parts(const char *p, const char *end)
{
	for (p++; p < end && is_blank(*p); p++)
		;
	return p >= end || key_end(p, end);
}

static const char *csv_bare_end(const char *p, const char *end)
{
	for (; p < end; p++) {
		p = memchr(p, ',', (size_t)(end - p));
		if (!p || parts(p, end))
			break;
	}
	return p ? p : end;
}

/* A quote that is doubled, or that a backslash stands before, is part of the value. */
static const char *csv_quote_end(const char *p, const char *end)
{
	for (const char *at = p; at < end; at++) {
		at = memchr(at, '"', (size_t)(end - at));
		if (!at)
			return NULL;
		if (at + 1 < end && at[1] == '"')
			at++;
		else if (at == p || at[-1] != '\\')
			return at;
	}
	return NULL;
}

bool csv_next(struct reader *r, struct line_field *f)
{
	const char *p = r->p, *end = r->end, *eq = NULL, *at;

	for (; p < end; p++) {
		if (is_blank(*p) || *p == ',')
			continue;
		eq = key_end(p, end);
		if (eq)
			break;
		stray(r);
		p = csv_bare_end(p, end);
	}
	if (!eq) {
		r->p = end;
		return false;
	}
	begin_field(f, p, eq);
	f->quoting = LINE_QUOTING_DOUBLED;
	p = eq + 1;
	if (p < end && *p == '"') {
		at = csv_quote_end(++p, end);
		if (!at) {
			take_cut(r, p, f);
			return true;
		}
		r->p = at + 1;
	} else {
		at = csv_bare_end(p, end);
		r->p = at;
	}
	f->value = str_n(p, (size_t)(at - p));
	return true;
}

/* Fields from the first byte on; *csv: what stands behind the first one is a comma and another field. */
bool kv_looks(struct str body, bool *csv)
{
	const char *p = body.p, *end = body.p + body.n;
	const char *eq = key_end(p, end);

	*csv = false;
	if (!eq)
		return false;
	p = eq + 1;
	if (p < end && *p == '"') {
		p = quote_end(p + 1, end);
		p = p ? p + 1 : end;
	} else {
		while (p < end && !is_blank(*p) && *p != ',')
			p++;
	}
	*csv = p < end && *p == ',' && p + 1 < end && parts(p, end);
	return true;
}
