/* From a request's head and body to its answer: what http.c does not need to know. */
#ifndef WEB_SERVE_H
#define WEB_SERVE_H

#include "exchange.h"
#include "lanes.h"

/* The head is complete. true: the answer is ready (refused, or a file); false: go on with the body. */
bool serve_head(struct exchange *ex, size_t connections, size_t same_address);
/* A piece of the body. */
void serve_body(struct exchange *ex, const char *p, size_t n);
/* The request is complete: which lane works on it. */
enum lane serve_lane(const struct exchange *ex);
/* Works on it; on the lane's thread. */
void serve_run(struct exchange *ex);
/* The answer when a lane is full, or we are stopping. */
void serve_unavailable(struct exchange *ex);
/* The answer is refused since too many streams or exports are open. */
void serve_too_many(struct exchange *ex);
/* Whose limit it counts towards: the session, or the address. */
struct str serve_who(const struct exchange *ex, char out[32]);

#endif
