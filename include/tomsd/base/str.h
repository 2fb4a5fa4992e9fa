/* struct str: a view of bytes that somebody else owns. Never owns, never NUL-terminated by promise. */
#ifndef TOMSD_BASE_STR_H
#define TOMSD_BASE_STR_H

#include <string.h>

#include "tomsd/base/compiler.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })
#define STR_NULL ((struct str){ NULL, 0 })
static inline struct str str_of(const char *c) { return (struct str){ c, c ? strlen(c) : 0 }; }
static inline struct str str_n(const char *p, size_t n) { return (struct str){ p, n }; }

bool str_eq(struct str a, struct str b);
bool str_ieq(struct str a, struct str b); /* ASCII case folded */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Offset of the first c / needle, or -1. str_ifind folds ASCII case. */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_find(struct str s, struct str needle);
ptrdiff_t str_ifind(struct str s, struct str needle);
struct str str_trim(struct str s); /* ASCII white space off both ends */
struct str str_sub(struct str s, size_t from, size_t n); /* clamped */
/* Takes the part before sep off *s (sep removed); false when *s was already used up. */
bool str_split(struct str *s, char sep, struct str *part);
/* Copies into out[cap] with NUL, cut at a UTF-8 boundary when too long; true when all fitted. */
bool str_copy(char *out, size_t cap, struct str s);
/* As str_copy, but bytes that are not valid UTF-8, control characters and signs that
 * turn the direction of text become '?' (or U+FFFD
 * where there is room); for outside text on its way into a row. */
void str_copy_clean(char *out, size_t cap, struct str s);
bool str_utf8_valid(struct str s); /* RFC 3629: no surrogates, no overlong forms */
char *str_dup(struct str s);       /* heap, NUL-terminated; NULL when out of memory */

#endif
