/* The words of a granule: STORE_GRANULE_ROWS rows of a bucket one after the other. A word is entered once
 * a granule, however many rows have it, so one that is in every row costs 64 bits a bucket. Store thread. */
#ifndef TOMSD_STORE_GRANULE_H
#define TOMSD_STORE_GRANULE_H

#include "text.h"

struct granule;
int granule_new(struct granule **out, uint64_t seed, struct err *e) MUST_CHECK;
void granule_free(struct granule *g);
/* Another granule begins. */
void granule_clear(struct granule *g);
/* The words of a line that are new to the granule, at most TEXT_WORDS_MAX + 1, good until the next
 * call. Where there are more than can be held, one of them is word_loose. */
size_t granule_add(struct granule *g, struct str line, const uint32_t **out);

#endif
