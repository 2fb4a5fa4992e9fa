/* struct buf: output that grows up to a cap. Once it failed (cap or memory) it stays failed and
 * ignores writes: write everything, ask once with buf_failed(). One thread. */
#ifndef TOMSD_BASE_BUF_H
#define TOMSD_BASE_BUF_H

#include <stdarg.h>

#include "tomsd/base/compiler.h"
#include "tomsd/base/str.h"

struct buf {
	char *p;          /* always NUL-terminated behind n when not NULL */
	size_t n, room, cap;
	bool failed;
};

void buf_init(struct buf *b, size_t cap); /* no allocation before the first write */
void buf_fini(struct buf *b);
void buf_reset(struct buf *b); /* n = 0, failed = false, memory kept */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_cstr(struct buf *b, const char *c);
void buf_char(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vfmt(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static inline bool buf_failed(const struct buf *b) { return b->failed; }
static inline struct str buf_view(const struct buf *b) { return (struct str){ b->p, b->n }; }
/* Hands the bytes to the caller (free()), b is empty again. NULL when failed. */
char *buf_take(struct buf *b, size_t *n);

#endif
