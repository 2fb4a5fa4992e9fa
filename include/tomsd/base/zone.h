/* Time zones by name: "Asia/Tokyo" out of the system's tz database (RFC 9636), "UTC", "+09:00". The C
 * library knows one zone a process; here every caller may have its own. Loaded where files may be opened;
 * asked by any thread, for they never change. */
#ifndef TOMSD_BASE_ZONE_H
#define TOMSD_BASE_ZONE_H

#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

struct zone;

int zone_load(struct zone **out, struct str name, struct err *e) MUST_CHECK;
void zone_free(struct zone *z);
/* Seconds east of UTC at a moment; NULL is UTC. */
int32_t zone_at(const struct zone *z, int64_t utc_ns);
/* The same for a local time, told as if it were UTC. Of the two meanings of an hour in autumn the earlier. */
int32_t zone_at_local(const struct zone *z, int64_t local_ns);
int zone_check(struct str name, struct err *e);

#endif
