/* The HTTPS server. */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <sys/socket.h>

#include "exchange.h"

struct http;
struct http *http_new(struct web *w);
void http_free(struct http *h);
int http_start(struct http *h, struct err *e) MUST_CHECK;
/* Takes over a connected socket; closes it when it cannot. Thread: panel/accept. */
void http_add(struct http *h, int fd, const struct sockaddr *peer, socklen_t n);
size_t http_connections(struct http *h);
/* Fewer than so many connections in all, and from this client? See watch_has_room. */
bool http_has_room(struct http *h, const struct sockaddr *peer, size_t all_max,
		   size_t same_max);
/* No request waits for us from here on: new ones are refused, streams end. Then the lanes may stop. */
void http_quiesce(struct http *h);
void http_stop(struct http *h);
/* An event was published: streams look for it. Any thread. */
void http_wake(void *h);
/* Deadlines and signs of life; every half second. */
void http_tick(struct http *h);

#endif
