/* Routes of logs beside the list: the line itself and its fields. */
#ifndef API_LOGS_H
#define API_LOGS_H

#include "tomsd/api.h"
#include "tomsd/log_row.h"

/* Records that the log of {id} is looked at: 0, or -ERR_X with the problem in rp. */
int look_log(struct request *rq, struct reply *rp) MUST_CHECK;
void log_raw_get(struct request *rq, struct reply *rp);
void log_fields_get(struct request *rq, struct reply *rp);
void log_flows_get(struct request *rq, struct reply *rp); /* joins_routes.c */
void flow_logs_get(struct request *rq, struct reply *rp);
extern const char log_fields_schema[], log_flows_schema[], flow_logs_schema[];

#endif
