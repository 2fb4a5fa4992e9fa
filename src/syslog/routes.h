/* Routes of the room; their table is in routes.c. */
#ifndef SYSLOG_ROUTES_H
#define SYSLOG_ROUTES_H

#include "tomsd/api.h"

extern const struct route syslog_routes[];

#endif
