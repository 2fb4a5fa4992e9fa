/* A tar archive as it is written: ustar (POSIX.1-2017, pax, "ustar Interchange Format"), which every tar reads. Bytes go
 * into a file descriptor and into a SHA-256. One thread. */
#ifndef ARCHIVE_TAR_H
#define ARCHIVE_TAR_H

#include "tomsd/crypt.h"

struct tar {
	int fd; /* the caller's */
	int64_t mtime_s;
	struct crypt_sum *sum;
	uint64_t bytes;
};
int tar_begin(struct tar *t, int fd, int64_t mtime_s, struct err *e) MUST_CHECK;
/* A file's head; its bytes follow by tar_put, exactly so many, then tar_pad. -ERR_RANGE: the name or size does not fit. */
int tar_head(struct tar *t, const char *name, uint64_t bytes, struct err *e) MUST_CHECK;
int tar_put(struct tar *t, const void *p, size_t n, struct err *e) MUST_CHECK;
int tar_pad(struct tar *t, struct err *e) MUST_CHECK;
int tar_file(struct tar *t, const char *name, struct str bytes, struct err *e) MUST_CHECK; /* all three */
int tar_end(struct tar *t, uint8_t sha256[CRYPT_SHA256_BYTES], struct err *e) MUST_CHECK;
void tar_fini(struct tar *t);

#endif
