/* Sums of flows and of lines by minute, hour and day. Store thread. */
#ifndef TOMSD_STORE_ROLLUP_H
#define TOMSD_STORE_ROLLUP_H

#include "layout.h"
#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"

struct rollup_sum;

/* Names of kinds of lines ("utm/virus/blocked"), each once. A device can make up as many as it likes: an
 * hour has room for these, all others are "other". */
enum { ROLLUP_NAMES_MAX = 500, ROLLUP_NAME_MAX = 64, ROLLUP_NAME_SLOTS = 1024 };
struct rollup_names {
	int64_t hour_s; /* newest hour they were used in */
	size_t n;
	uint16_t slot[ROLLUP_NAME_SLOTS]; /* hash -> index + 1 */
	char name[ROLLUP_NAMES_MAX][ROLLUP_NAME_MAX];
};

struct rollup {
	struct rollup_sum *sums; /* in the order they came */
	uint32_t *slots;         /* hash -> index + 1; 0: empty */
	size_t n, room, mask;
	int64_t closed_s; /* first second behind the last closed day */
	int64_t folded_s; /* last hour whose peers were cut */
	int64_t late_s;   /* oldest peer behind folded_s, to be cut again; INT64_MAX: none */
	int64_t late_mono_ns; /* when the last such one was written */
	struct rollup_names *names;
	const char *const *kinds; /* names of kinds of lines */
};

int rollup_init(struct rollup *ru, struct sql *db, struct err *e) MUST_CHECK;
void rollup_fini(struct rollup *ru);
void rollup_forget(struct rollup *ru); /* after a rollback */
/* Adds one row to the sums of this transaction; writes them early when they grow too many. */
int rollup_add(struct rollup *ru, struct sql *db, const struct flow *f,
	       struct err *e) MUST_CHECK;
/* The same for a line: its kind and source by the minute, its type by the hour. */
int rollup_add_log(struct rollup *ru, struct sql *db, const struct log *g,
		   struct err *e) MUST_CHECK;
/* Inside the transaction of the rows: writes the sums. */
int rollup_flush(struct rollup *ru, struct sql *db, struct err *e) MUST_CHECK;

/* Work for quiet moments, each a transaction of its own: 1 did something, 0 nothing to do.
 * Cuts the peers of an hour that is over; closes a day that is over. */
int rollup_tidy(struct rollup *ru, struct sql *db, int64_t now_ns, struct err *e) MUST_CHECK;
/* Deletes at most some thousand sums older than this: 1 there may be more, 0 none. */
int rollup_drop_before(struct sql *db, int64_t before_ns, struct err *e) MUST_CHECK;

#endif
