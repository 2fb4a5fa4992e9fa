/* What lists share with other routes over rows. */
#ifndef API_LIST_H
#define API_LIST_H

#include "tomsd/api.h"

/* The filters of the request as a query; -ERR_INVALID with the problem in rp. */
int list_query(struct request *rq, struct reply *rp, const struct record *record,
	       struct query *q) MUST_CHECK;
/* A failed query as a problem: the asker's fault (400), no time (503) or ours (500). */
void list_query_failed(struct request *rq, struct reply *rp, const struct err *e);
/* The row of {id} to row(); -ERR_X with the problem in rp. */
int list_one(struct request *rq, struct reply *rp, const struct record *record,
	     int (*row)(void *arg, const void *row), void *arg);
/* GET of one row by {id}; the route's argument is the record. */
void api_item(struct request *rq, struct reply *rp);

#endif
