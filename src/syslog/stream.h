/* Streams: connections over TCP and TLS. The thread syslog/accept lets them in, syslog/N read them. */
#ifndef SYSLOG_STREAM_H
#define SYSLOG_STREAM_H

#include "room.h"

struct streams_conf {
	size_t connections, connections_per_address;
};
int streams_new(struct streams **out, struct syslog *s, const struct streams_conf *conf,
		struct err *e) MUST_CHECK;
int streams_start(struct streams *t, struct err *e) MUST_CHECK;
void streams_reload(struct streams *t, const struct streams_conf *conf);
void streams_stop(struct streams *t); /* nobody is let in; what has come is put; joins */
void streams_free(struct streams *t);
size_t streams_open(const struct streams *t);
size_t streams_partial_bytes(
	const struct streams *t); /* memory of messages that have not ended */

#endif
