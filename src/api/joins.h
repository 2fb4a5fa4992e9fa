/* Logs and conversations that speak of the same thing. */
#ifndef API_JOINS_H
#define API_JOINS_H

#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"

/* A conversation as one side of a translation sees it. */
struct tuple {
	struct addr src, dst;
	uint16_t src_port, dst_port;
	uint8_t l4; /* 0: not told */
};
enum joined_by { JOINED_NOT, JOINED_BEFORE_NAT, JOINED_AFTER_NAT };
extern const char *const joined_names[]; /* "" "before_nat" "after_nat" */

/* What the device says it saw before and after it translated; false: it speaks of no conversation. after is the
 * same as before where nothing was translated. */
bool join_tuples(const struct log *g, struct tuple *before, struct tuple *after);
bool join_is_tuple(const struct tuple *t, const struct flow *f); /* either direction */
/* When the conversation of a log was, by the better of its clock and ours. */
void join_span(const struct log *g, int64_t *since_ns, int64_t *until_ns);
/* Whether they are one conversation, and which side of the translation the flow was seen on. */
enum joined_by join_of(const struct log *g, const struct flow *f);

#define JOIN_SLACK_NS (120 * NS_PER_S) /* clocks apart, lines on their way */

#endif
