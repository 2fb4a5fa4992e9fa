/* Intake: messages in, rows out. Each thread that reads has one. Lines are parsed into one piece of memory,
 * judged together under the lock of the sources, and put into the store together. */
#ifndef SYSLOG_INTAKE_H
#define SYSLOG_INTAKE_H

#include "room.h"

#define INTAKE_ROWS 512

struct intake;
struct origin { /* where a line came from */
	struct addr sender;
	struct inlet *inlet;
	int64_t received_ns;
};

int intake_new(struct intake **out, struct syslog *s, struct err *e) MUST_CHECK;
void intake_free(struct intake *in);
/* flags: LOG_TRUNCATED, LOG_PARTIAL. An empty line is none. */
void intake_line(struct intake *in, struct str line, const struct origin *o, unsigned flags);
/* What has been gathered goes to the store, which may let this thread wait. */
void intake_flush(struct intake *in);

#endif
