/* Percent encoding (RFC 3986, section 2.1). Pure functions over outside bytes; any thread. */
#include "tomsd/api.h"
#include "tomsd/base/num.h"

int api_unescape(struct str in, bool plus_is_space, struct buf *out)
{
	size_t from = out->n;
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];
		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			bool is_there = i + 2 < in.n; /* both digits */
			int hi = is_there ? num_hex_digit(in.p[i + 1]) : -1;
			int lo = is_there ? num_hex_digit(in.p[i + 2]) : -1;
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
