/* Open connections and their deadlines. The library's own timeout counts idle time only, so a byte a
 * second would hold a connection for ever; here each stage of it has an end. */
#ifndef WEB_WATCH_H
#define WEB_WATCH_H

#include <sys/socket.h>

#include "tomsd/base/compiler.h"

enum watch_stage {
	WATCH_HEAD,   /* waiting for a complete head (and TLS handshake): 10 s */
	WATCH_BODY,   /* receiving the body: 30 s */
	WATCH_WORK,   /* ours: no end */
	WATCH_ANSWER, /* sending: 120 s */
	WATCH_EXPORT, /* sending in pieces: 30 min */
	WATCH_STREAM, /* events: no end, the session has one */
};

struct exchange;
struct conn {
	int fd;
	char from[64], own[64];
	char net[64]; /* an IPv4 address, or the IPv6 network of 64 bits that one machine can fill */
	struct exchange *ex; /* thread: the server's thread of this connection */
	bool used;           /* lock: watch, and all below */
	enum watch_stage stage;
	int64_t deadline_mono_ns; /* 0: none */
};

struct watch;
struct watch *watch_new(void);
void watch_free(struct watch *w);
/* Called by the server for each connection, before any byte is read, and before its socket closes. */
struct conn *watch_open(struct watch *w, int fd, const struct sockaddr *peer);
void watch_close(struct watch *w, struct conn *c);
void watch_stage(struct watch *w, struct conn *c, enum watch_stage stage);
/* Connections in all, and from the same address. */
void watch_count(struct watch *w, const struct conn *c, size_t *all, size_t *same);
size_t watch_total(struct watch *w);
/* Before a connection is let in: fewer than these in all and from its address? Its network may take
 * no more than leaves room for one address of another. */
bool watch_has_room(struct watch *w, const struct sockaddr *peer, size_t all_max,
		    size_t same_max);
/* Has the client hung up? The server would notice only at its next write. */
bool watch_has_left(struct watch *w, const struct conn *c);
/* Shuts what is over its deadline; how many. */
size_t watch_tick(struct watch *w, int64_t now_mono_ns);

#endif
