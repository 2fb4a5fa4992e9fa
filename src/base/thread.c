/* Threads, their register for the watchdog, and locks. The register is the one global list
 * of the process: at most THREADS_MAX entries, held by one lock; beats go past the lock as
 * atomics. */
#include "tomsd/base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/str.h"

#define THREADS_MAX 128

struct entry {
	bool used;           /* lock: registry */
	char name[24];       /* lock: registry; its own thread reads it freely */
	clockid_t cpu_clock; /* lock: registry */
	bool has_cpu_clock;  /* lock: registry */
	_Atomic int64_t beat_mono_ns;
	_Atomic int parked; /* how many parks deep */
};

static struct mutex registry = { PTHREAD_MUTEX_INITIALIZER };
static struct entry entries[THREADS_MAX];
static _Thread_local struct entry *self; /* NULL: not made by thread_start */

void mutex_init(struct mutex *m)
{
	pthread_mutexattr_t attr;
	int rc = pthread_mutexattr_init(&attr);
#ifdef TOMSD_DEBUG
	rc |= pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
#endif
	rc |= pthread_mutex_init(&m->m, &attr);
	rc |= pthread_mutexattr_destroy(&attr);
	assert(rc == 0);
}

void mutex_fini(struct mutex *m)
{
	int rc = pthread_mutex_destroy(&m->m);
	assert(rc == 0); /* EBUSY: somebody still holds it */
}

void mutex_lock(struct mutex *m) NO_THREAD_SAFETY
{
	int rc = pthread_mutex_lock(&m->m);
	assert(rc == 0);
}

void mutex_unlock(struct mutex *m) NO_THREAD_SAFETY
{
	int rc = pthread_mutex_unlock(&m->m);
	assert(rc == 0);
}

void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);
	rc |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc |= pthread_cond_init(c, &attr);
	rc |= pthread_condattr_destroy(&attr);
	assert(rc == 0);
}

bool cond_wait(pthread_cond_t *c, struct mutex *m, int timeout_ms)
{
	int rc;
	thread_park();
	if (timeout_ms < 0) {
		rc = pthread_cond_wait(c, &m->m);
	} else {
		int64_t end_ns = clock_mono_ns() + timeout_ms * NS_PER_MS;
		struct timespec end = {
			.tv_sec = end_ns / NS_PER_S,
			.tv_nsec = (long)(end_ns % NS_PER_S),
		};
		rc = pthread_cond_timedwait(c, &m->m, &end);
	}
	thread_unpark();
	assert(rc == 0 || rc == ETIMEDOUT);
	return rc == 0;
}

static struct entry *entry_take(const char *name)
{
	struct entry *found = NULL;
	mutex_lock(&registry);
	for (size_t i = 0; i < THREADS_MAX && !found; i++)
		if (!entries[i].used)
			found = &entries[i];
	if (found) {
		found->used = true;
		found->has_cpu_clock = false;
		(void)str_copy(found->name, sizeof(found->name),
			       str_of(name)); /* cut is fine */
		atomic_store(&found->beat_mono_ns, clock_mono_ns());
		atomic_store(&found->parked, 0);
	}
	mutex_unlock(&registry);
	return found;
}

static void entry_give_back(struct entry *en)
{
	mutex_lock(&registry);
	en->used = false;
	mutex_unlock(&registry);
}

struct start {
	void (*fn)(void *);
	void *arg;
	struct entry *entry;
};

static void *thread_main(void *p)
{
	struct start s = *(struct start *)p;
	free(p);
	self = s.entry;
	char shown[16]; /* what the kernel keeps */
	(void)str_copy(shown, sizeof(shown), str_of(self->name));
	(void)pthread_setname_np(pthread_self(), shown); /* a nicety of ps(1) */
	mutex_lock(&registry);
	self->has_cpu_clock = pthread_getcpuclockid(pthread_self(), &self->cpu_clock) == 0;
	mutex_unlock(&registry);
	thread_beat();
	s.fn(s.arg);
	struct entry *en = self;
	self = NULL;
	entry_give_back(en);
	return NULL;
}

/* Signals are main's business, but for those that say a thread itself has gone wrong: blocked,
 * they would end the process without a word from a sanitizer or a seccomp handler. */
static void signals_of_threads(sigset_t *set)
{
	static const int faults[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS
	};
	sigfillset(set);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigdelset(set, faults[i]);
}

int thread_start(struct thread *t, const char *name, void (*fn)(void *), void *arg,
		 struct err *e)
{
	assert(!t->started);
	struct start *s = malloc(sizeof(*s));
	if (!s)
		return err_set(e, ERR_NOMEM, "starting thread %s: out of memory", name);
	*s = (struct start){ fn, arg, entry_take(name) };
	if (!s->entry) {
		free(s);
		return err_set(e, ERR_FULL, "starting thread %s: there are %d already", name,
			       THREADS_MAX);
	}
	sigset_t blocked, before;
	signals_of_threads(&blocked);
	(void)pthread_sigmask(SIG_SETMASK, &blocked,
			      &before); /* fails on a bad first argument only */
	struct entry *en = s->entry;
	int rc = pthread_create(&t->id, NULL, thread_main, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		entry_give_back(en);
		free(s);
		return err_sys(e, rc, "starting thread %s", name);
	}
	t->started = true;
	return 0;
}

void thread_join(struct thread *t)
{
	if (!t->started)
		return;
	thread_park();
	int rc = pthread_join(t->id, NULL);
	thread_unpark();
	assert(rc == 0);
	t->started = false;
}

const char *thread_name(void)
{
	if (self)
		return self->name;
	return getpid() == gettid() ? "main" : "other";
}

bool thread_is(const char *name)
{
	if (!self)
		return true;
	size_t n = strcspn(self->name, "/");
	return strlen(name) == n && memcmp(self->name, name, n) == 0;
}

void thread_step_back(void)
{
	/* linux/ioprio.h: of this thread, best effort, the last of its 8 levels; a kernel that refuses loses nothing */
	(void)setpriority(PRIO_PROCESS, 0, 10); /* 0: this thread, on Linux */
	(void)syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7);
}

void thread_beat(void)
{
	if (self)
		atomic_store_explicit(&self->beat_mono_ns, clock_mono_ns(),
				      memory_order_relaxed);
}

void thread_park(void)
{
	if (self)
		atomic_fetch_add_explicit(&self->parked, 1, memory_order_relaxed);
}

void thread_unpark(void)
{
	if (!self)
		return;
	/* Beat first: a watchdog that looks in between must not see the old one unparked. */
	atomic_store(&self->beat_mono_ns, clock_mono_ns());
	int deep = atomic_fetch_sub(&self->parked, 1);
	assert(deep > 0);
}

static struct thread_state state_of(struct entry *en, int64_t now_mono_ns) REQUIRES(&registry);
static struct thread_state state_of(struct entry *en, int64_t now_mono_ns)
{
	struct thread_state st = { .parked = atomic_load(&en->parked) > 0 };
	memcpy(st.name, en->name, sizeof(st.name));
	int64_t age_ns = now_mono_ns - atomic_load(&en->beat_mono_ns);
	if (!st.parked && age_ns > 0)
		st.beat_age_ms = age_ns / NS_PER_MS;
	struct timespec cpu;
	if (en->has_cpu_clock && clock_gettime(en->cpu_clock, &cpu) == 0)
		st.cpu_ms = (int64_t)cpu.tv_sec * 1000 + cpu.tv_nsec / NS_PER_MS;
	return st;
}

size_t thread_list(struct thread_state *out, size_t max)
{
	size_t n = 0;
	mutex_lock(&registry);
	int64_t now_mono_ns = clock_mono_ns();
	for (size_t i = 0; i < THREADS_MAX; i++) {
		if (!entries[i].used)
			continue;
		if (n < max)
			out[n] = state_of(&entries[i], now_mono_ns);
		n++;
	}
	mutex_unlock(&registry);
	return n;
}
