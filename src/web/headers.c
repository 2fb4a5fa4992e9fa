/* What every answer says to the browser: nothing from elsewhere, no frames, no sniffing, no referrer.
 * Content Security Policy Level 3, Trusted Types, Fetch Metadata; the panel has no inline script. */
#include "headers.h"

#include <stddef.h>

const struct header_field headers_always[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
	  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
	  "trusted-types 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Permissions-Policy", "camera=(), microphone=(), geolocation=()" },
	{ NULL, NULL },
};
