/* UTF-8 (RFC 3629), one sequence at a time; shared by the files that write text. Any thread. */
#ifndef TOMSD_BASE_UTF8_H
#define TOMSD_BASE_UTF8_H

#include "tomsd/base/compiler.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Bytes of the valid sequence at p (1..4), 0 when there is none: overlong forms, surrogates,
 * and what lies above U+10FFFF are not valid (table 3-7 of the Unicode standard). */
static inline size_t utf8_len(const char *at, size_t n)
{
	const unsigned char *p = (const unsigned char *)at;
	if (n == 0)
		return 0;
	unsigned c = p[0];
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	size_t want = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (n < want)
		return 0;
	unsigned lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	unsigned hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

/* C0, DEL and C1: nothing a person can read. Also the signs that turn the direction of what
 * follows (U+202A..202E, U+2066..2069): with them a name can be made to look like another
 * one. len is what utf8_len said. */
static inline bool utf8_is_control(const char *at, size_t len)
{
	const unsigned char *p = (const unsigned char *)at;
	if (len == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (len == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (len != 3 || p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
	       (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

/* The longest cut at or below n (< the length of the text) that splits no sequence. */
static inline size_t utf8_cut(const char *p, size_t n)
{
	size_t at = n;
	while (at > 0 && n - at < 3 && ((unsigned char)p[at] & 0xc0) == 0x80)
		at--;
	/* Four continuation bytes in a row are not UTF-8: cut where we were told to. */
	return ((unsigned char)p[at] & 0xc0) == 0x80 ? n : at;
}

#endif
