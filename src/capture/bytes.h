/* Where a capture file's bytes come from: a file, a pipe or standard input, packed with gzip or not
 * (its first bytes say so, not its name). Private to src/capture; one thread. */
#ifndef TOMSD_CAPTURE_BYTES_H
#define TOMSD_CAPTURE_BYTES_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"

struct bytes;

/* "-" is standard input. A pipe is opened without waiting for its writer. */
int bytes_open(struct bytes **out, const char *path, struct err *e) MUST_CHECK;
void bytes_free(struct bytes *b);
/* Up to max bytes: how many (> 0), 0 at the end, -ERR_IO, -ERR_CORRUPT (gzip), -ERR_CLOSED when
 * stop_fd became readable while a pipe had nothing to say. */
long bytes_read(struct bytes *b, void *out, size_t max, int stop_fd, struct err *e) MUST_CHECK;

#endif
