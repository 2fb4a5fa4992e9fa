/* Errors: a function returns 0 or -ERR_X; words for people travel in a struct err on the
 * caller's stack and grow on the way up ("reading tomsd.conf: line 12: ..."). Any thread. */
#ifndef TOMSD_BASE_ERR_H
#define TOMSD_BASE_ERR_H

#include "tomsd/base/compiler.h"

enum err_code {
	ERR_NOTFOUND = 1, /* an expected answer: it is not there */
	ERR_CLOSED,       /* queue or stream has ended */
	ERR_FULL,         /* a limit was met */
	ERR_INVALID,      /* what came from outside is not well-formed */
	ERR_RANGE,        /* well-formed, but outside its limits */
	ERR_IO,           /* the kernel or a device said no */
	ERR_NOMEM,
	ERR_BUSY,         /* somebody else holds it; try again later */
	ERR_DENIED,       /* not allowed */
	ERR_EXISTS,
	ERR_TIMEOUT,
	ERR_CORRUPT,      /* stored bytes are not what was written */
	ERR_NEWER,        /* made by a newer version than this one */
	ERR_UNSUPPORTED,
};

struct err {
	int code;        /* enum err_code, 0 while nothing went wrong */
	char text[1024]; /* UTF-8, always terminated, no newline at the end */
};

#define ERR_INIT { 0, "" }

/* Sets code and words; e may be NULL. Returns -code. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* As err_set with ": " and strerror(errnum) behind the words; code ERR_IO, or the closest one
 * (EACCES/EPERM -> ERR_DENIED, ENOENT -> ERR_NOTFOUND, ENOMEM -> ERR_NOMEM, EEXIST, EAGAIN). */
int err_sys(struct err *e, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts "<words>: " before what e already says. Returns -e->code. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Name of a code for logs and API ("not_found", "full", ...). */
const char *err_name(int code);

#endif
