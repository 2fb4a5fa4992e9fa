/* Passwords: kept as scrypt (RFC 7914), checked against a few rules. Any thread, but each call takes
 * about a tenth of a second and 32 MiB: only the sign-in lane makes them. */
#ifndef WEB_PASSWORD_H
#define WEB_PASSWORD_H

#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

#define PASSWORD_MIN 12  /* characters */
#define PASSWORD_MAX 128 /* characters */
#define PASSWORD_BYTES_MAX 512
#define PASSWORD_KEPT_MAX 160

/* "scrypt:15:8:1:<salt>:<hash>": cost 2^15, block 8, parallel 1, base64url. */
int password_keep(struct str password, char kept[PASSWORD_KEPT_MAX], struct err *e) MUST_CHECK;
/* Takes the same time for a kept text that nothing fits ("" for a name that nobody has). */
bool password_fits(struct str password, const char *kept);
/* NULL when good, else the code of the rule: too_short too_long characters same_as_user common. */
const char *password_fault(struct str password, struct str user);
/* Was it kept with other costs than those of today? Then keep it anew while the password is at hand. */
bool password_is_old(const char *kept);

#endif
