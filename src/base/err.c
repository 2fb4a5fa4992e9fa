/* Errors: codes for the program, words for people. Any thread; touches only the caller's
 * err. */
#include "tomsd/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

#define ERR_TEXT_MAX sizeof(((struct err *)0)->text)

/* Words may be cut; never in the middle of a character, never with a newline at the end. */
static void tidy(char *text, size_t wanted)
{
	size_t n = strlen(text);
	if (wanted > n && n > 0) {
		/* The byte behind the cut is gone: see whether the last character is whole. */
		size_t last = n - 1;
		while (last > 0 && n - last < 4 && ((unsigned char)text[last] & 0xc0) == 0x80)
			last--;
		if (utf8_len(text + last, n - last) != n - last)
			n = last;
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
}

static void put_words(struct err *e, const char *tail, const char *fmt, va_list ap)
	PRINTF_LIKE(3, 0);
/* Formats apart from e->text, because that may be one of the arguments. */
static void put_words(struct err *e, const char *tail, const char *fmt, va_list ap)
{
	char text[ERR_TEXT_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	size_t wanted = n < 0 ? 0 : (size_t)n;
	if (n < 0)
		text[0] = '\0';
	if (tail) {
		size_t at = strlen(text);
		int more = snprintf(text + at, sizeof(text) - at, ": %s", tail);
		wanted += more < 0 ? 0 : (size_t)more;
	}
	tidy(text, wanted);
	memcpy(e->text, text, strlen(text) + 1);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	if (e) {
		va_list ap;
		va_start(ap, fmt);
		put_words(e, NULL, fmt, ap);
		va_end(ap);
		e->code = (int)code;
	}
	return -(int)code;
}

static enum err_code code_of_errno(int errnum)
{
	static const struct {
		int errnum;
		enum err_code code;
	} table[] = {
		{ EACCES, ERR_DENIED },
		{ EPERM, ERR_DENIED },
		{ ENOENT, ERR_NOTFOUND },
		{ ENOMEM, ERR_NOMEM },
		{ EEXIST, ERR_EXISTS },
		{ EAGAIN, ERR_BUSY },
		{ EBUSY, ERR_BUSY },
		{ ETIMEDOUT, ERR_TIMEOUT },
		{ EADDRINUSE, ERR_BUSY },
		{ ENOSYS, ERR_UNSUPPORTED },
		{ EOPNOTSUPP, ERR_UNSUPPORTED },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].errnum == errnum)
			return table[i].code;
	return ERR_IO;
}

int err_sys(struct err *e, int errnum, const char *fmt, ...)
{
	enum err_code code = code_of_errno(errnum);
	if (e) {
		char why[128];
		va_list ap;
		va_start(ap, fmt);
		put_words(e, strerror_r(errnum, why, sizeof(why)), fmt, ap);
		va_end(ap);
		e->code = (int)code;
	}
	return -(int)code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	if (!e)
		return -ERR_INVALID; /* no code was kept; callers that pass NULL keep their own */
	char said[ERR_TEXT_MAX];
	memcpy(said, e->text, sizeof(said));
	said[sizeof(said) - 1] = '\0';
	va_list ap;
	va_start(ap, fmt);
	put_words(e, said, fmt, ap);
	va_end(ap);
	return -e->code;
}

const char *err_name(int code)
{
	static const char *const names[] = {
		[0] = "ok",
		[ERR_NOTFOUND] = "not_found",
		[ERR_CLOSED] = "closed",
		[ERR_FULL] = "full",
		[ERR_INVALID] = "invalid",
		[ERR_RANGE] = "out_of_range",
		[ERR_IO] = "io",
		[ERR_NOMEM] = "no_memory",
		[ERR_BUSY] = "busy",
		[ERR_DENIED] = "denied",
		[ERR_EXISTS] = "exists",
		[ERR_TIMEOUT] = "timeout",
		[ERR_CORRUPT] = "corrupt",
		[ERR_NEWER] = "newer",
		[ERR_UNSUPPORTED] = "unsupported",
	};
	if (code < 0)
		code = code == INT32_MIN ? 0 : -code;
	return (size_t)code < ARRAY_LEN(names) ? names[code] : "unknown";
}
