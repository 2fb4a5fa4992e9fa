/* Bytes of answers that come in pieces: events as text (HTML Standard, 9.2), and what waits to be sent.
 * Thread: the server's. */
#ifndef WEB_STREAM_H
#define WEB_STREAM_H

#include <sys/types.h>

#include "exchange.h"

/* Where the client has read up to, by its Last-Event-ID. */
void stream_begin(struct exchange *ex);
/* What there is to say now, into ex->out; nothing when it is empty afterwards. */
void stream_collect(struct exchange *ex, int64_t now_mono_ns);
/* Bytes that wait in ex->out, as many as fit. */
ssize_t stream_take(struct exchange *ex, char *p, size_t max);

#endif
