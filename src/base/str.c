/* struct str: views of bytes. Any thread; nothing here allocates but str_dup. */
#include "tomsd/base/str.h"

#include <stdlib.h>

#include "utf8.h"

static inline unsigned char fold(char c)
{
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (fold(a.p[i]) != fold(b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

ptrdiff_t str_chr(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	return at ? at - s.p : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
	return at ? at - s.p : -1;
}

ptrdiff_t str_ifind(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	unsigned char first = fold(needle.p[0]);
	for (size_t i = 0; i + needle.n <= s.n; i++) {
		if (fold(s.p[i]) != first)
			continue;
		if (str_ieq((struct str){ s.p + i, needle.n }, needle))
			return (ptrdiff_t)i;
	}
	return -1;
}

static inline bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct str){ s.p ? s.p + from : NULL, n };
}

bool str_split(struct str *s, char sep, struct str *part)
{
	if (!s->p)
		return false;
	ptrdiff_t at = str_chr(*s, sep);
	if (at < 0) {
		*part = *s;
		*s = STR_NULL; /* what marks it as used up */
		return true;
	}
	*part = (struct str){ s->p, (size_t)at };
	*s = (struct str){ s->p + at + 1, s->n - (size_t)at - 1 };
	return true;
}

bool str_copy(char *out, size_t cap, struct str s)
{
	if (cap == 0)
		return false;
	size_t n = s.n < cap ? s.n : utf8_cut(s.p, cap - 1);
	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
	return n == s.n;
}

/* True when none of 8 bytes is below space, above '~', or DEL: the common case, eight at a
 * time. */
static inline bool all_plain(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	/* high bits of v: not ASCII; of v - 0x20: below space; of v + 1: 0x7f */
	return ((v | (v - ones * 0x20) | (v + ones)) & high) == 0;
}

void str_copy_clean(char *out, size_t cap, struct str s)
{
	if (cap == 0)
		return;
	const char *p = s.p, *end = s.p ? s.p + s.n : s.p;
	char *to = out, *stop = out + cap - 1;
	while (p < end) {
		size_t left = (size_t)(end - p), room = (size_t)(stop - to);
		if (left >= 8 && room >= 8 && all_plain(p)) {
			memcpy(to, p, 8);
			p += 8;
			to += 8;
			continue;
		}
		size_t len = utf8_len(p, left);
		bool good = len > 0 && !utf8_is_control(p, len);
		const char *from = good ? p : "?";
		size_t made = good ? len : 1;
		/* The longer sign only where it costs nothing of what follows. */
		if (!good && room >= left + 2) {
			from = UTF8_REPLACEMENT;
			made = 3;
		}
		if (made > room)
			break;
		memcpy(to, from, made);
		to += made;
		p += len > 0 ? len : 1;
	}
	*to = '\0';
}

bool str_utf8_valid(struct str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t len = utf8_len(s.p + i, s.n - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

char *str_dup(struct str s)
{
	char *p = malloc(s.n + 1);
	if (!p)
		return NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}
