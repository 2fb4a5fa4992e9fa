/* Which minutes somebody watched, and what was lost in them: the last 40 days as bits, the last 24
 * hours as sums, kept in memory so that no page asks the database for them. */
#ifndef API_GAPS_H
#define API_GAPS_H

#include "tomsd/api.h"
#include "tomsd/flow_row.h"

struct watched;
struct watched *watched_new(void);
void watched_free(struct watched *w);
/* One row of capture_minute; any order, again when it has changed. */
void watched_add(struct watched *w, const struct capture_minute *row);
/* Reads rows of the store from the last one taken on; ticker thread. */
int watched_follow(struct watched *w, struct store *st, struct err *e) MUST_CHECK;

struct losses {
	uint64_t packets, kernel_drops, nic_drops, own_drops, bad_frames, minutes_watched;
};
void watched_losses(struct watched *w, int64_t until_ns, size_t minutes, struct losses *out);
double losses_ratio(const struct losses *l);
/* Calls fn for each gap within [since, until), oldest first. Minutes that may still be on their way are none. */
void watched_gaps(struct watched *w, int64_t since_ns, int64_t until_ns, int64_t now_ns,
		  void (*fn)(void *arg, int64_t since_ns, int64_t until_ns, const char *reason),
		  void *arg);

/* The member "gaps" of an answer. */
void gaps_put(struct app *a, struct json *j, int64_t since_ns, int64_t until_ns);

#endif
