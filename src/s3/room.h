/* struct s3: the room's own, and what its files share. */
#ifndef S3_ROOM_H
#define S3_ROOM_H

#include <stdatomic.h>

#include "copies.h"
#include "tomsd/api.h"
#include "tomsd/base/thread.h"

struct worker;

/* What people are told of a place, as its thread knows it; the numbers are as of the keeper's last look. */
struct view {
	char name[64];
	char problem[24], detail[512]; /* key of words place.<problem> */
	int64_t problem_ns, skew_ns;
	uint32_t fails;
	enum test_result test_result;
	uint64_t findings, waiting, waiting_bytes, failed;
	char alarm[512];
	bool is_enabled, fills;
	char sending[512]; /* key of the object on its way */
};

enum place_state { PLACE_OK, PLACE_WAITING, PLACE_FAILED, PLACE_UNPROVEN, PLACE_OFF };
extern const char *const place_state_names[]; /* "ok" "waiting" "failed" "unproven" "off" */
enum place_state view_state(const struct view *v);
bool view_is_ill(const struct view *v); /* somebody has to do something */
/* Why it is not well and what to do; "" when it is. */
void view_words(const struct view *v, const char *lang, char *out, size_t cap);

struct s3 {
	struct app *app;
	struct store *store;
	struct house_key *key; /* constant after init */
	struct thread keeper;
	bool stops; /* set atomically; clients of jobs look at it */
	struct mutex m;
	pthread_cond_t wake;
	bool closing, is_dirty, is_woken; /* lock: m; dirty: the configuration has changed */
	struct places file;         /* lock: m; sections of the file */
	struct view views[PLACES_MAX]; /* lock: m; of the workers that run */
	size_t n_views;             /* lock: m */
	struct worker *workers[PLACES_MAX]; /* lock: m; keeper alone changes them */
	size_t n_workers;           /* lock: m */
};
struct s3 *s3_of(struct app *a); /* NULL when the room is not part of this run */

struct s3_counts {
	_Atomic uint64_t sent, sent_bytes, failures, locks, looks, findings, tests, waiting,
		waiting_bytes;
};
extern struct s3_counts s3_counts;

/* worker.c: the thread of a place. */
int worker_new(struct worker **out, struct s3 *s, const struct place *p, int64_t target,
	       struct err *e) MUST_CHECK; /* starts it */
void worker_stop(struct worker *w);       /* asks it to end; does not wait */
void worker_free(struct worker *w);       /* waits for it */
bool worker_is_of(const struct worker *w, const struct place *p, int64_t target);
void worker_wake(struct worker *w, bool at_once); /* at_once: whatever back-off there was */
void worker_tested(struct worker *w, int64_t target, enum test_result result); /* if it is this target's */
void worker_view(struct worker *w, struct view *out);
const char *worker_name(const struct worker *w);
int64_t worker_target(const struct worker *w);

/* keeper.c: the thread s3. */
int keeper_start(struct s3 *s, struct err *e) MUST_CHECK;
void keeper_stop(struct s3 *s);
/* Targets as the configuration is now. Any thread. */
int keeper_settle(struct s3 *s, struct err *e) MUST_CHECK;
/* Places of file and panel, with their secrets. Any thread. */
int keeper_places(struct s3 *s, struct places *out, struct err *e) MUST_CHECK;
void keeper_wake(struct s3 *s, bool is_dirty);
/* A test by hand has ended: the place's thread goes on from its result. */
void keeper_tested(struct s3 *s, int64_t target, enum test_result result);
/* Copies of all views, without waiting for anybody. How many. */
size_t keeper_views(struct s3 *s, struct view out[PLACES_MAX]);

/* self_tests.c: the self-test as a piece of work, on a worker's thread or as a job. */
struct trial {
	struct s3 *s3;
	int64_t target;
	struct s3_client *client;
	const bool *stop;     /* the client's: what is broken off says nothing of the place */
	struct job_work *job; /* NULL: none */
};
int trial_run(const struct trial *t, enum test_result *result, struct buf *steps,
	      struct err *e) MUST_CHECK;
extern const struct job_kind place_test_kind;

/* looks.c: whether places still have what was proven. Returns 0 when all of the sample was looked at, else what
 * kept it from that (words in e, class in f). */
struct look {
	struct s3 *s3;
	int64_t target;
	struct s3_client *client;
	const char *place;
};
int look_at_sample(const struct look *l, struct s3_fault *f, struct err *e) MUST_CHECK;

extern const struct route s3_routes[];

#endif
