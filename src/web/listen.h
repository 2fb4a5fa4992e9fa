/* Listening sockets, and the thread that accepts. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include "http.h"

struct listeners;
/* "127.0.0.1:8443", "[::1]:8443"; port 0 lets the kernel choose. Also the check of [panel] listen. */
int listen_parse(struct str text, struct sockaddr_storage *sa, socklen_t *n,
		 struct err *e) MUST_CHECK;
/* Binds every address of the list; init, privileged. */
int listeners_new(struct listeners **out, const struct conf *c, struct err *e) MUST_CHECK;
void listeners_free(struct listeners *l);
int listeners_start(struct listeners *l, struct https *h, struct err *e) MUST_CHECK;
void listeners_stop(struct listeners *l); /* nobody is let in any more */
size_t listeners_count(const struct listeners *l);
/* "127.0.0.1:8443" as bound; host alone, without brackets, for certificates. */
void listeners_text(const struct listeners *l, size_t i, char *out, size_t cap);
void listeners_host(const struct listeners *l, size_t i, char out[64]);
bool listeners_is_any(const struct listeners *l, size_t i); /* 0.0.0.0 or :: */

#endif
