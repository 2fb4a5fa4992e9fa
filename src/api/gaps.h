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

/* A time of which rows of a kind are missing, within what was asked for. */
struct gap_said {
	int64_t since_ns, until_ns;
	const char *reason; /* "capture_off" "before_first_record"; of logs "silent" "socket" "limit" "down" */
	char name[64];      /* of the source or listener; "" all */
	uint32_t source;    /* its number; 0 all */
	uint64_t lost;      /* lines; 0 not known */
};
#define GAPS_SHOWN 100
/* Oldest first, the newest GAPS_SHOWN of them; logs have rows of struct gap, all else what capture watched. What
 * cannot be read by then is left out, and false is returned. */
bool gaps_each(struct app *a, const struct record *r, int64_t since_ns, int64_t until_ns,
	       int64_t deadline_mono_ns, void (*fn)(void *arg, const struct gap_said *g),
	       void *arg);
/* The member "gaps" of an answer about rows of r. */
void gaps_put(const struct request *rq, struct json *j, const struct record *r,
	      int64_t since_ns, int64_t until_ns);

#endif
