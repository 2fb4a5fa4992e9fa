/* Bounded flat JSON objects (RFC 8259) for struct flow's detail column. */
#include "detail.h"

#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/str.h"

void detail_begin(struct detail *j, char *out, size_t cap)
{
	*j = (struct detail){ out, 0, cap };
	out[0] = '\0';
}

/* value is JSON already. Keeps room for the last brace and NUL. */
static void member(struct detail *j, const char *key, const char *value)
{
	size_t k = strlen(key), v = strlen(value);
	if (j->used + k + v + 4 + 2 > j->cap)
		return;
	char *p = j->out + j->used;
	*p++ = j->used ? ',' : '{';
	*p++ = '"';
	memcpy(p, key, k);
	p += k;
	*p++ = '"';
	*p++ = ':';
	memcpy(p, value, v + 1);
	j->used = (size_t)(p - j->out) + v;
}

void detail_text(struct detail *j, const char *key, const char *text, size_t max_bytes)
{
	char clean[128], quoted[2 * sizeof(clean) + 3], *q = quoted;
	if (!text || !*text)
		return;
	size_t cap = max_bytes + 1 < sizeof(clean) ? max_bytes + 1 : sizeof(clean);
	str_copy_clean(clean, cap, str_n(text, strnlen(text, 512)));
	*q++ = '"';
	for (const char *c = clean; *c; c++) {
		if (*c == '"' || *c == '\\')
			*q++ = '\\';
		*q++ = *c;
	}
	*q++ = '"';
	*q = '\0';
	member(j, key, quoted);
}

void detail_number(struct detail *j, const char *key, uint64_t v)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	member(j, key, text);
}

void detail_time(struct detail *j, const char *key, int64_t ns)
{
	char text[CLOCK_RFC3339_MAX];
	clock_rfc3339(ns, text);
	detail_text(j, key, text, sizeof(text));
}

void detail_hex(struct detail *j, const char *key, const uint8_t *p, size_t n)
{
	char text[2 * 32 + 1];
	hash_hex(p, n < 32 ? n : 32, text);
	detail_text(j, key, text, sizeof(text));
}

void detail_end(struct detail *j)
{
	if (!j->used)
		return;
	j->out[j->used++] = '}';
	j->out[j->used] = '\0';
}
