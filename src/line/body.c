/* Which format a body is in, and its fields one after another. Detected per message: one device may send
 * several, and relays take words off the front. Any thread. */
#include "inside.h"

/* Letters and '_' begin a key; digits, '.' and '-' go on. */
const uint8_t key_classes[256] = {
	['A' ... 'Z'] = 3, ['a' ... 'z'] = 3, ['_'] = 3,
	['0' ... '9'] = 2, ['.'] = 2,         ['-'] = 2,
};

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

struct line_field body_value(const struct reader *r, struct str value)
{
	static const uint8_t quoting[] = {
		[LOG_FORMAT_KV] = LINE_QUOTING_BACKSLASH,
		[LOG_FORMAT_CSV] = LINE_QUOTING_DOUBLED,
		[LOG_FORMAT_CEF] = LINE_QUOTING_CEF,
		[LOG_FORMAT_RFC5424] = LINE_QUOTING_SD,
		[LOG_FORMAT_JSON] = LINE_QUOTING_JSON,
	};

	return (struct line_field){ .value = value, .quoting = quoting[r->format] };
}
