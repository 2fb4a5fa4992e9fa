/* Threads with a name, an owner room and a heartbeat, and a mutex that clang can check. */
#ifndef TOMSD_BASE_THREAD_H
#define TOMSD_BASE_THREAD_H

#include <pthread.h>

#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"

struct CAPABILITY("mutex") mutex {
	pthread_mutex_t m;
};
void mutex_init(struct mutex *m);
void mutex_fini(struct mutex *m);
void mutex_lock(struct mutex *m) ACQUIRE(m);
void mutex_unlock(struct mutex *m) RELEASE(m);
void cond_init(pthread_cond_t *c); /* on CLOCK_MONOTONIC */
/* False when timeout_ms (-1: none) passed. Parks the thread for the watchdog meanwhile. */
bool cond_wait(pthread_cond_t *c, struct mutex *m, int timeout_ms) REQUIRES(m);

struct thread {
	pthread_t id;
	bool started;
};

/* Starts fn(arg) under the name (at most 15 bytes are shown by the kernel), all signals blocked,
 * entered in the watchdog's list until fn returns. */
int thread_start(struct thread *t, const char *name, void (*fn)(void *), void *arg, struct err *e)
	MUST_CHECK;
void thread_join(struct thread *t); /* fine when it was never started */
const char *thread_name(void);     /* of the calling thread: "store", "flow/0", "main" */

/* Heartbeat of the calling thread: say thread_beat() at least once a loop. Between park and unpark
 * (waiting for work) no beat is expected. */
void thread_beat(void);
/* The calling thread's work can wait (sealing, sending, jobs): it gets the processor and the disk after those
 * that watch the network and answer people. */
void thread_step_back(void);
void thread_park(void);
void thread_unpark(void);

struct thread_state {
	char name[24];
	bool parked;
	int64_t beat_age_ms; /* since the last beat; 0 while parked */
	int64_t cpu_ms;
};
/* Copies the list of living threads; returns how many there are (may be more than max). */
size_t thread_list(struct thread_state *out, size_t max);

#ifdef NDEBUG_ON_THREAD
#define ON_THREAD(n) ((void)0)
#else
/* First line of a function that belongs to one thread; compares the part before '/'. Threads not
 * made by thread_start (tests, tomsctl) are not held to it. */
#define ON_THREAD(n) assert(thread_is(n))
#endif
bool thread_is(const char *name);

#endif
