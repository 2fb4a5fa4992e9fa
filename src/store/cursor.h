/* Cursors: where the next page begins, with the range and the newest row that the first page saw, and
 * a fingerprint of the query they belong to. Opaque outside: base64url of a fixed layout, closed by a
 * keyed hash, so that what comes back is either ours or refused. Pure functions; any thread. */
#ifndef TOMSD_STORE_CURSOR_H
#define TOMSD_STORE_CURSOR_H

#include "scan.h"

struct cursor {
	struct place after;
	int64_t since_ns, until_ns; /* "-24h" was resolved once, for the first page */
	int64_t max_id, as_of_ns;
};
/* Record, words and sort; not the range, which the cursor carries itself. */
uint64_t cursor_fingerprint(const struct query *q);
#define CURSOR_TEXT_MAX 128
void cursor_write(const struct cursor *c, uint64_t fingerprint, uint64_t seed,
		  char out[CURSOR_TEXT_MAX]);
/* -ERR_INVALID: not ours, or of another query. */
int cursor_read(struct str text, uint64_t fingerprint, uint64_t seed,
		struct cursor *out) MUST_CHECK;

#endif
