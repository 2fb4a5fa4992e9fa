/* How long a source is usually quiet, learnt from its own days; and the middle of its clock's difference.
 * Pure; the caller holds whatever lock there is. */
#ifndef SYSLOG_HABIT_H
#define SYSLOG_HABIT_H

#include "tomsd/base/compiler.h"

#define HABIT_DAYS 7
#define HABIT_LEAST_NS (5 * 60 * NS_PER_S)
#define HABIT_MOST_NS (6 * 3600 * NS_PER_S)
#define HABIT_NEW_NS (3600 * NS_PER_S) /* at least, while there is less than a day of it */

struct habit { /* the longest quiet time of each of the last days; all zero to begin with */
	int32_t day; /* YYYYMMDD of longest[0] */
	int64_t longest_ns[HABIT_DAYS];
	uint32_t days; /* of which there is something */
};
/* A line came after quiet_ns of nothing. */
void habit_line(struct habit *h, int32_t day, int64_t quiet_ns);
/* Quiet for longer than this is no habit: half as long again as the longest quiet time of the days, leaving
 * out the worst day where there are three (an outage is no habit until it comes again). */
int64_t habit_ns(const struct habit *h);

#define SKEW_RING 31
struct skew { /* the last differences, at most one a second */
	int64_t ring[SKEW_RING];
	uint32_t n, at;
	int64_t taken_mono_ns;
};
void skew_take(struct skew *s, int64_t difference_ns, int64_t mono_ns);
int64_t skew_ns(const struct skew *s); /* their median; 0: nothing known */

#endif
