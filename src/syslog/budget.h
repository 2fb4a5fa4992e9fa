/* What senders nobody has accepted may fill in a day. Each address gets at most half of what the others have
 * left over, so that whoever comes next always has some. One thread at a time (the lock of sources). */
#ifndef SYSLOG_BUDGET_H
#define SYSLOG_BUDGET_H

#include "tomsd/base/map.h"
#include "tomsd/record.h"

#define BUDGET_ADDRESSES 4096 /* further ones share a place */

struct budget {
	uint64_t limit_bytes, used_bytes; /* of this day */
	uint64_t kept_lines, dropped_lines, dropped_bytes;
	int32_t day;           /* YYYYMMDD, UTC */
	uint64_t others_bytes; /* of addresses without a place */
	struct map by_address; /* bytes */
};
int budget_init(struct budget *b, uint64_t limit_bytes) MUST_CHECK;
void budget_fini(struct budget *b);
/* May a line of this sender be kept? Counts it either way. */
bool budget_take(struct budget *b, const struct addr *sender, uint64_t bytes, int32_t day);

#endif
