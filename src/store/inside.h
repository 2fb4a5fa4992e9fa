/* struct store, for the files of this room only. Each part says who may touch it. */
#ifndef TOMSD_STORE_INSIDE_H
#define TOMSD_STORE_INSIDE_H

#include "inbox.h"
#include "part.h"
#include "rollup.h"
#include "tomsd/base/thread.h"

enum {
	STORE_PLANS_MAX = 64,
	STORE_FOLLOWERS_MAX = 16,
	STORE_READERS_MAX = 32,
	STORE_PATH_MAX = 4096
};

/* A wish of another room, on its stack until it is done. */
struct write_wish {
	int (*fn)(struct sql *db, void *arg, struct err *e);
	void *arg;
	struct err *e;
	int rc;
	bool done; /* lock: store.wishes_m */
	struct write_wish *next;
};

struct pool {
	struct mutex m;
	pthread_cond_t back;
	struct sql *free[STORE_READERS_MAX];
	size_t n_free, n_open, max; /* lock: m */
	uint64_t generation;        /* lock: m; file the connections belong to */
};

/* What retention is busy with; store thread. */
struct retain {
	int64_t next_look_mono_ns;
	int64_t hold_until_mono_ns; /* age does not count before this */
	int64_t wall_minus_boot_ns; /* to see the clock jump */
	char record[32];            /* part being dropped; "" none */
	int32_t day;
	int stage;
	bool shrink; /* give free pages back to the file system */
	bool said_full, said_kept;
};

/* Counters of the room; any thread, relaxed. */
struct store_counters {
	_Atomic uint64_t rows, rejected, commits, failures, dropped_days, dropped_rows,
		checkpoints_busy, corrupt_files, loose_granules;
};
extern struct store_counters store_counters;

struct store {
	struct store_conf conf;
	char dir[STORE_PATH_MAX], file[STORE_PATH_MAX], wal[STORE_PATH_MAX],
		ballast[STORE_PATH_MAX];
	bool readonly, started, stopped;
	bool keep_unsealed; /* set before store_start */
	uint64_t seed;

	struct mutex plans_m;
	const struct plan *plans[STORE_PLANS_MAX]; /* lock: plans_m to add; read past it */
	_Atomic size_t n_plans;

	struct inbox inbox;
	struct pool pool;

	struct mutex wishes_m;
	pthread_cond_t wish_done;
	struct write_wish *wishes, **wishes_end; /* lock: wishes_m */
	bool wishes_closed;                      /* lock: wishes_m */

	struct mutex flush_m;
	pthread_cond_t committed;
	uint64_t rows_durable; /* as inbox.rows_out; lock: flush_m */

	struct follower *followers[STORE_FOLLOWERS_MAX]; /* set before store_start */
	size_t n_followers;

	/* The writer; store thread, or the caller's before store_start. */
	struct thread thread;
	struct sql *db;
	struct parts parts;
	struct rollup rollup;
	struct retain retain;
	int64_t next_checkpoint_mono_ns, next_truncate_mono_ns, next_stats_mono_ns,
		next_tidy_mono_ns, next_ballast_mono_ns;
	bool wal_alarm;

	struct app *app;  /* NULL: nobody wants to hear of health */
	char notice[256]; /* store thread */
	char health[256]; /* as last told; store thread */
	struct mutex stats_m;
	struct store_stats stats; /* lock: stats_m */
};

/* store.c: opens the writer's connection; a damaged file is put aside and a new one begun. */
int store_open_writer(struct store *st, struct err *e) MUST_CHECK;
int store_begin_anew(struct store *st, struct err *e) MUST_CHECK; /* this file is damaged */
/* What is wrong, for stats and the room's health; NULL: commits succeed again. Store thread. */
void store_set_failing(struct store *st, const struct err *e);
/* Something people should know though rows are stored (a full disk, a damaged file put
 * aside); stays until the next start or until words is NULL. Store thread. */
void store_set_notice(struct store *st, const char *words);
void store_set_health(struct store *st,
		      struct app *a); /* where health is told; before store_start */

/* pool.c */
void pool_init(struct pool *p, size_t max);
void pool_fini(struct pool *p);
void pool_renew(struct pool *p); /* the file is another one now */

/* writer.c */
void writer_main(void *store);
/* Moves the WAL into the database when it is time; busy: rows are waiting. */
void writer_checkpoint(struct store *st, bool busy, bool last);

/* Closes the writing connection; the next batch opens a new one. */
void writer_give_up_connection(struct store *st);

/* retain.c: one step of at most some 50 ms; true: there is more to do now. */
bool retain_step(struct store *st);
void retain_init(struct store *st);
/* The tables of a day and its row in part; inside a transaction. */
int retain_drop_tables(struct sql *db, const char *record, int32_t day,
		       struct err *e) MUST_CHECK;

/* ballast.c: makes it when there is plenty of room; drop: true when there was one */
void ballast_make(struct store *st);
bool ballast_drop(struct store *st);

/* follow.c: after the commit, store thread. */
void follower_offer(struct follower *f, const struct inbox *in, const struct inbox_batch *b);
void follower_free(struct follower *f);

#endif
