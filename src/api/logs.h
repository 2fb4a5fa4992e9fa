/* Routes of logs beside the list: the line itself and its fields. */
#ifndef API_LOGS_H
#define API_LOGS_H

#include "tomsd/api.h"
#include "tomsd/log_row.h"

void log_raw_get(struct request *rq, struct reply *rp);

#endif
