/* Routes of saved searches. */
#ifndef API_SEARCHES_H
#define API_SEARCHES_H

#include "tomsd/api.h"

void searches_get(struct request *rq, struct reply *rp);
void searches_post(struct request *rq, struct reply *rp);
void search_patch(struct request *rq, struct reply *rp);
void search_delete(struct request *rq, struct reply *rp);
extern const struct param searches_params[];
extern const char search_schema[], searches_schema[], search_accepts[], search_change_accepts[];

#endif
