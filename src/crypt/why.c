/* See why.h. Reasons only: OpenSSL's other words (file, function, library) help nobody at a hospital. */
#include "why.h"

#include <openssl/err.h>

int crypt_why(struct err *e, enum err_code code, const char *words)
{
	unsigned long last = ERR_peek_last_error();
	const char *reason = last ? ERR_reason_error_string(last) : NULL;
	ERR_clear_error();
	if (!reason)
		return err_set(e, code, "%s", words);
	return err_set(e, code, "%s: %s", words, reason);
}
