/* A flat JSON object in a fixed array: members that do not fit are left out whole, so the text is
 * valid JSON at any length. One thread; no allocation. */
#ifndef FLOW_DETAIL_H
#define FLOW_DETAIL_H

#include "tomsd/base/compiler.h"

struct detail {
	char *out;
	size_t used, cap;
};

void detail_begin(struct detail *j, char *out, size_t cap);
/* text may be NULL or empty (left out); at most max_bytes of it, cleaned and escaped. */
void detail_text(struct detail *j, const char *key, const char *text, size_t max_bytes);
void detail_number(struct detail *j, const char *key, uint64_t v);
void detail_time(struct detail *j, const char *key, int64_t ns);
void detail_hex(struct detail *j, const char *key, const uint8_t *p, size_t n);
void detail_end(struct detail *j); /* nothing was added: "" */

#endif
