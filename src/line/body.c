/* Which format a body is in, and its fields one after another. Detected per message: one device may send
 * several, and relays take words off the front. Any thread. */
#include "inside.h"

#define CLASS_START 1
#define CLASS_CHAR 2
/* Letters and '_' begin a key; digits, '.' and '-' go on. */
static const uint8_t classes[256] = {
	['A' ... 'Z'] = CLASS_START | CLASS_CHAR,
	['a' ... 'z'] = CLASS_START | CLASS_CHAR,
	['_'] = CLASS_START | CLASS_CHAR,
	['0' ... '9'] = CLASS_CHAR,
	['.'] = CLASS_CHAR,
	['-'] = CLASS_CHAR,
};

bool is_key_start(char c)
{
	return classes[(uint8_t)c] & CLASS_START;
}

bool is_key_char(char c)
{
	return classes[(uint8_t)c] & CLASS_CHAR;
}

static void kv_or_json(struct reader *r, struct str body)
{
	bool csv;

	if (kv_looks(body, &csv))
		r->format = csv ? LOG_FORMAT_CSV : LOG_FORMAT_KV;
	else if (flat_json_looks(body))
		r->format = LOG_FORMAT_JSON;
}

/* sd: structured data of the header. It is read where the message behind it has no fields. */
void body_open(struct reader *r, struct str body, struct str sd)
{
	*r = (struct reader){ .p = body.p, .begin = body.p, .end = body.p + body.n };
	r->format = LOG_FORMAT_PLAIN;
	if (cef_open(r, body)) {
		r->format = LOG_FORMAT_CEF;
		return;
	}
	kv_or_json(r, body);
	if (r->format == LOG_FORMAT_PLAIN && sd.n) {
		r->format = LOG_FORMAT_RFC5424;
		r->p = r->begin = sd.p;
		r->end = sd.p + sd.n;
	} else if (r->format == LOG_FORMAT_JSON) {
		r->p++; /* behind the brace */
	}
}

bool body_next(struct reader *r, struct line_field *f)
{
	switch (r->format) {
	case LOG_FORMAT_KV:
		return kv_next(r, f);
	case LOG_FORMAT_CSV:
		return csv_next(r, f);
	case LOG_FORMAT_CEF:
		return cef_next(r, f);
	case LOG_FORMAT_RFC5424:
		return sd_next(r, f);
	case LOG_FORMAT_JSON:
		return flat_json_next(r, f);
	case LOG_FORMAT_PLAIN:
		break;
	}
	return false;
}
