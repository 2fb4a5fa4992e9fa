/* Escapes off a value: each format has its own. They never make it longer. Any thread. */
#include "inside.h"

#include "tomsd/base/num.h"

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* Four hexadecimal digits of \uXXXX at p; -1: there are none. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int d = num_hex_digit(p[i]);

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* \uXXXX at p (behind the u), with the second half of a surrogate pair; half a pair becomes U+FFFD. */
static size_t put_json_u(const char **p, const char *end, char *out)
{
	int32_t c = hex4(*p, end), low;

	if (c < 0) {
		*out = 'u';
		return 1;
	}
	*p += 4;
	if (c >= 0xd800 && c <= 0xdfff) {
		low = c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ?
			      hex4(*p + 2, end) :
			      -1;
		if (low < 0xdc00 || low > 0xdfff) {
			c = 0xfffd;
		} else {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			*p += 6;
		}
	}
	return put_utf8(out, (uint32_t)c);
}

static char json_plain(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

/* Whether the backslash in front of c is an escape in this format. */
static bool is_escape(uint8_t quoting, char c)
{
	switch (quoting) {
	case LINE_QUOTING_BACKSLASH:
	case LINE_QUOTING_DOUBLED:
		return c == '"' || c == '\\' || c == '=' || c == '|';
	case LINE_QUOTING_CEF:
		return c == '"' || c == '\\' || c == '=' || c == '|' || c == 'n' || c == 'r';
	case LINE_QUOTING_SD:
		return c == '"' || c == '\\' || c == ']';
	case LINE_QUOTING_JSON:
		return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' ||
		       c == 'r' || c == 't' || c == 'u';
	default:
		return false;
	}
}

/* FortiOS does not write \n and \r for line ends but for what it is: "DOMAIN\nurse" keeps its backslash
 * where the format has no such escape; CEF and JSON have. */
struct str line_value(const struct line_field *f, char *buf, size_t cap)
{
	const char *p = f->value.p, *end = p + f->value.n;
	bool doubled = f->quoting == LINE_QUOTING_DOUBLED;
	size_t n = 0;

	if (!f->value.n || f->quoting == LINE_QUOTING_NONE ||
	    (!memchr(p, '\\', f->value.n) && !(doubled && memchr(p, '"', f->value.n))))
		return f->value;
	while (p < end && n + 4 < cap) {
		if (*p == '\\' && p + 1 < end && is_escape(f->quoting, p[1])) {
			p++;
			if (f->quoting == LINE_QUOTING_JSON && *p == 'u') {
				p++;
				n += put_json_u(&p, end, buf + n);
				continue;
			}
			buf[n++] = f->quoting == LINE_QUOTING_JSON ||
						   f->quoting == LINE_QUOTING_CEF ?
					   json_plain(*p) :
					   *p;
			p++;
			continue;
		}
		if (doubled && *p == '"' && p + 1 < end && p[1] == '"')
			p++;
		buf[n++] = *p++;
	}
	return str_n(buf, n);
}
