/* Bytes on their way into a sealed file: compressed, cut into chunks, each sealed. One thread. */
#ifndef RESCUE_SEALER_H
#define RESCUE_SEALER_H

#include "format.h"

struct sealer;
/* Writes the head to fd, which stays the caller's. h: made_ns, plain_bytes, appliance and version are the
 * caller's, the rest is filled in. */
int sealer_new(struct sealer **out, int fd, const uint8_t recipient[KEY_BYTES], struct head *h,
	       struct err *e) MUST_CHECK;
int sealer_put(struct sealer *s, const void *p, size_t n, struct err *e) MUST_CHECK;
/* The last chunk; what was written in all. */
int sealer_end(struct sealer *s, uint64_t *bytes, uint8_t sha256[CRYPT_SHA256_BYTES],
	       struct err *e) MUST_CHECK;
void sealer_free(struct sealer *s); /* wipes the key */

#endif
