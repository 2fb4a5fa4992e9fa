/* Test vectors as they stand in their documents: hexadecimal text. */
#ifndef TOMSD_TESTS_CRYPT_BYTES_H
#define TOMSD_TESTS_CRYPT_BYTES_H

#include <stdlib.h>

#include "tomsd/base/num.h"
#include "tomsd/base/str.h"

struct bytes {
	uint8_t p[1024];
	size_t n;
};

static inline struct bytes hex(const char *text)
{
	struct bytes b = { .n = 0 };
	for (size_t i = 0; text[i]; i += 2) {
		int hi = num_hex_digit(text[i]), lo = num_hex_digit(text[i + 1]);
		if (hi < 0 || lo < 0 || b.n == sizeof(b.p))
			abort();
		b.p[b.n++] = (uint8_t)(hi << 4 | lo);
	}
	return b;
}

static inline struct str view(const struct bytes *b)
{
	return str_n((const char *)b->p, b->n);
}

#endif
