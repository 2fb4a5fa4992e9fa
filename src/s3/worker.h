/* The thread of one place, and the pieces of its work. */
#ifndef S3_WORKER_H
#define S3_WORKER_H

#include "room.h"

struct worker {
	struct s3 *s3;
	struct place place; /* with the secret */
	int64_t target;
	struct thread thread;
	bool closing; /* set atomically; the client looks at it too */
	struct mutex m;
	pthread_cond_t wake;
	bool is_woken, goes_at_once; /* lock: m */
	bool was_tested;             /* lock: m; by hand, with this result: */
	enum test_result told;       /* lock: m */
	struct view view;            /* lock: m */
	/* thread: s3/NAME */
	struct s3_client *client;
	uint32_t fails, object_fails; /* of the place; of objects one after the other */
	int64_t next_try_ns;
	int64_t filled, fill_until;
	int64_t looked_ns, test_ns, tested_mono_ns, proven_mono_ns;
	enum test_result test_result;
};

bool worker_closes(const struct worker *w);

/* errand.c: one object. */
int errand_run(struct worker *w, struct item *it, struct err *e) MUST_CHECK;
/* The place itself could not be asked. */
int errand_place_failed(struct worker *w, const struct s3_fault *f, int rc, const char *words,
			struct err *e) MUST_CHECK;
int worker_client(struct worker *w, struct err *e) MUST_CHECK;

/* backoff.c: exponential, a second at first, an hour at most, with jitter. */
int64_t backoff_ns(uint32_t tries);
/* What to call it: the end of a key of words place.<problem>; is_place: the object has nothing to do with it. */
const char *fault_problem(const struct s3_fault *f, int rc, bool *is_place);
bool problem_is_grave(const char *problem); /* does not go away by itself */

#endif
