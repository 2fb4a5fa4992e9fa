/* Percent encoding (RFC 3986, section 2.1). Pure functions over outside bytes; any thread. */
#include "tomsd/api.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int api_unescape(struct str in, bool plus_is_space, struct buf *out)
{
	size_t from = out->n;
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];
		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			bool is_there = i + 2 < in.n; /* both digits */
			int hi = is_there ? hex_digit(in.p[i + 1]) : -1;
			int lo = is_there ? hex_digit(in.p[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return -ERR_INVALID;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (c == '\0')
			return -ERR_INVALID;
		buf_char(out, c);
	}
	if (buf_failed(out))
		return -ERR_NOMEM;
	return str_utf8_valid(str_sub(buf_view(out), from, out->n)) ? 0 : -ERR_INVALID;
}
