/* Parameters of one request: query text against a route's table. Pure; any thread. */
#ifndef API_PARAMS_H
#define API_PARAMS_H

#include "tomsd/api.h"

/* Parses rq->query into rq->params by the route's table; every fault becomes a reply_field. Returns how many. */
size_t params_parse(struct request *rq, struct reply *rp, int64_t now_ns);
/* Length of the longest text a parameter takes when its table row says nothing. */
#define PARAMS_TEXT_MAX 256

#endif
