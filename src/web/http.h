/* The HTTPS server. */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <sys/socket.h>

#include "exchange.h"

struct https;
struct https *https_new(struct web *w);
void https_free(struct https *h);
int https_start(struct https *h, struct err *e) MUST_CHECK;
/* Takes over a connected socket; closes it when it cannot. Thread: panel/accept. */
void https_add(struct https *h, int fd, const struct sockaddr *peer, socklen_t n);
size_t https_connections(struct https *h);
/* Fewer than so many connections in all, and from this client? See watch_has_room. */
bool https_has_room(struct https *h, const struct sockaddr *peer, size_t all_max,
		   size_t same_max);
/* No request waits for us from here on: new ones are refused, streams end. Then the lanes may stop. */
void https_quiesce(struct https *h);
void https_stop(struct https *h);
/* An event was published: streams look for it. Any thread. */
void https_wake(void *h);
/* Deadlines and signs of life; every half second. */
void https_tick(struct https *h);

#endif
