/* Frames of zstd (RFC 8878) with a dictionary of our own, contexts kept between calls. A frame is a byte
 * that says which dictionary it was made with (0: none), then the zstd frame with its content's size and
 * checksum. One thread. */
#ifndef TOMSD_STORE_ZIP_H
#define TOMSD_STORE_ZIP_H

#include "tomsd/base/buf.h"
#include "tomsd/base/err.h"

struct zip;
int zip_new(struct zip **out,
	    struct err *e) MUST_CHECK; /* contexts are made when first needed */
void zip_free(struct zip *z);
/* Appends a frame. */
int zip_pack(struct zip *z, struct str in, struct buf *out, struct err *e) MUST_CHECK;
/* Puts the content into out, in place of what is there. -ERR_CORRUPT: not a frame of ours, damaged, or
 * of more than max bytes. */
int zip_unpack(struct zip *z, struct str in, size_t max, struct buf *out,
	       struct err *e) MUST_CHECK;

/* zip_dict.c: dictionary number n, 1 the first; empty: there is none. New ones are added, old ones stay
 * for as long as frames made with them may exist. */
enum { ZIP_DICT_NEWEST = 1 };
struct str zip_dict(unsigned number);

#endif
