/* The thread syslog/watch: silences, gaps, the table of sources, certificates, health. */
#ifndef SYSLOG_WATCH_H
#define SYSLOG_WATCH_H

#include "room.h"

int watch_begin(struct syslog *s, struct err *e) MUST_CHECK;
void watch_end(struct syslog *s); /* writes what is left; joins */
/* Why the room is not well, for people. */
void watch_explain(struct syslog *s, const char *lang, struct buf *out);

#endif
