/* What the files of room capture share. Private to src/capture. */
#ifndef TOMSD_CAPTURE_ROOM_H
#define TOMSD_CAPTURE_ROOM_H

#include "dispatch.h"
#include "tomsd/app.h"
#include "tomsd/base/thread.h"
#include "tomsd/capture.h"

#define CAPTURE_INTERFACES_MAX 16

/* Options, copied in init. */
struct capture_options {
	int snaplen;
	uint64_t ring_bytes;
	bool promiscuous;
	const char *filter; /* NULL: none */
};

/* files.c: capture files, one after the other, on the thread capture/files. */
struct files;
int files_open(struct files **out, struct app *a, const char *const *paths, size_t n,
	       int stop_fd,
	       struct err *e) MUST_CHECK; /* opens all; words name each that does not open */
int files_start(struct files *f, struct packets *ps, struct err *e) MUST_CHECK;
void files_join(struct files *f); /* joins; main thread */
void files_result(
	const struct files *f); /* members of replay's JSON; main thread, after files_join */
void files_free(struct files *f);
void files_status(const struct files *f, struct json *j);
const struct dispatch_sums *files_sums(const struct files *f);

#endif
