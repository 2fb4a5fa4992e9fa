/* Bytes out of a sealed file, bounded and proven before anybody sees them. One thread. */
#ifndef RESCUE_OPENER_H
#define RESCUE_OPENER_H

#include "format.h"

struct opener;
/* Reads the head of fd (from its beginning; it stays the caller's) and takes the private key to it.
 * -ERR_DENIED: the backup was made for another phrase. */
int opener_new(struct opener **out, int fd, const uint8_t private_key[KEY_BYTES],
	       const uint8_t public_key[KEY_BYTES], struct err *e) MUST_CHECK;
const struct head *opener_head(const struct opener *o);
/* The next n bytes of the stream, all of them; -ERR_CORRUPT. */
int opener_read(struct opener *o, void *p, size_t n, struct err *e) MUST_CHECK;
/* Nothing may come any more. */
int opener_end(struct opener *o, struct err *e) MUST_CHECK;
uint64_t opener_done_bytes(const struct opener *o); /* of the file */
uint64_t opener_total_bytes(const struct opener *o);
void opener_free(struct opener *o); /* wipes the key */

#endif
