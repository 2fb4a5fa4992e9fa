/* Files: whole reads, durable writes (write, fsync, rename, fsync of the folder), locks. */
#ifndef TOMSD_BASE_FILE_H
#define TOMSD_BASE_FILE_H

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"

/* Reads all of path into b (appended); -ERR_FULL when larger than max. */
int file_read(const char *path, size_t max, struct buf *b, struct err *e) MUST_CHECK;
/* Replaces path by these bytes so that after a power cut either the old or the new file is there. */
int file_write_durable(const char *path, unsigned mode, const void *p, size_t n, struct err *e) MUST_CHECK;
/* The folder that holds path: a file that was made, renamed or deleted in it stays so after a power cut. */
int file_sync_folder_of(const char *path, struct err *e) MUST_CHECK;
int file_mkdirs(const char *path, unsigned mode, struct err *e) MUST_CHECK; /* mkdir -p */
/* Takes an exclusive flock on path (made when missing); the fd, or -ERR_BUSY when another holds it. */
int file_lock(const char *path, struct err *e) MUST_CHECK;
int64_t file_size(const char *path);         /* bytes, or -1 */
/* Free and total bytes of the file system that holds path. */
int file_space(const char *path, uint64_t *free_bytes, uint64_t *total_bytes, struct err *e) MUST_CHECK;
/* n random bytes from the kernel; ends the process when the kernel has none. */
void file_random(void *out, size_t n);

#endif
