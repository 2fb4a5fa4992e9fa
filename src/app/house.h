/* struct app and what the files of this room share. The main thread owns it; fields that others
 * read are atomics or stand under the lock m. */
#ifndef APP_HOUSE_H
#define APP_HOUSE_H

#include <stdatomic.h>

#include "tomsd/app.h"
#include "tomsd/base/buf.h"
#include "tomsd/base/thread.h"

#define ROOMS_MAX 32
#define SECTIONS_MAX 64
#define READY_LINES_MAX 16
#define RESULTS_MAX 32
#define ALLOWED_MAX 32
#define APP_PATH_MAX 1024

enum phase { PHASE_WAITING, PHASE_INIT, PHASE_RUNNING, PHASE_STOPPING, PHASE_STOPPED };
extern const char *const phase_names[];

struct room_slot {
	const struct room *room;
	_Atomic(void *) state;   /* the room's own */
	_Atomic int phase;       /* enum phase; main thread writes */
	bool ill;                /* lock: m */
	int64_t health_since_ns; /* lock: m */
	char words[256];         /* lock: m; last error, kept when healthy again */
	int64_t words_ns;        /* lock: m; when it was said; 0: never */
};

struct result { /* one member of --replay's JSON object */
	char name[32];
	bool is_float;
	uint64_t u;
	double f;
};

struct allowed { /* a path for Landlock */
	char path[APP_PATH_MAX];
	bool writable;
};

/* What the kernel let us give up; written once, before the first thread. */
struct sandbox {
	bool no_capabilities, no_new_privs, syscalls_filtered;
	int landlock_abi; /* 0: not in force */
	uint64_t files_max;
};

struct jobs;
struct rates;
struct notify {
	int fd;              /* connected to NOTIFY_SOCKET, or -1 */
	int64_t watchdog_ns; /* 0: systemd does not watch us */
};

struct app {
	struct app_setup setup;
	struct conf_section sections[SECTIONS_MAX];
	size_t n_sections;
	struct conf *conf;
	struct conf *conf_before; /* who still reads in it has until the reload after next */
	struct room_slot slots[ROOMS_MAX];
	size_t n_slots;
	_Atomic(struct store *) store;
	_Atomic(struct packets *) packets;

	char state_path[APP_PATH_MAX];
	char id[64], name[128], timezone[64];
	int lock_fd, wake_fd, signal_fd;
	struct notify notify;
	struct sandbox sandbox;
	_Atomic(struct jobs *) jobs;
	struct rates *rates; /* rates.c */
	int64_t started_ns, started_mono_ns;
	_Atomic int phase; /* enum phase, of the house */
	_Atomic bool stopping;
	_Atomic bool failed;
	_Atomic int reloads;

	char ready[READY_LINES_MAX][256];
	size_t n_ready;
	struct allowed allowed[ALLOWED_MAX];
	size_t n_allowed;

	struct mutex m;
	char fail_words[512];               /* lock: m */
	struct result results[RESULTS_MAX]; /* lock: m */
	size_t n_results;                   /* lock: m */
};

/* conf.c: sections of all rooms, of the house itself and of rooms to come. */
extern const struct opt appliance_opts[];
int conf_sections_of(const struct room *const *rooms, struct conf_section *out, size_t max,
		     size_t *n, struct err *e) MUST_CHECK;
bool conf_has(const struct app *a, const char *section, const char *option);
/* Reads the file; every error goes to stderr on a line of its own. */
int conf_read(const struct app *a, struct conf **out, struct err *e) MUST_CHECK;
void conf_notice_later(const struct app *a);
void conf_take_appliance(struct app *a);
void conf_reload(struct app *a); /* SIGHUP */

/* conf_later.c: sections of the contract whose rooms are still to be written. */
extern const struct conf_section conf_later[];
extern const size_t n_conf_later;

/* walk.c */
int walk_down(struct app *a, struct err *e) MUST_CHECK; /* init all, privileges, start all */
void walk_up(struct app *a);                            /* stop, fini: as far as it had come */

/* wait.c: signals, watchdog, reload. */
int signals_take(struct app *a, struct err *e) MUST_CHECK;
bool signals_want_end(struct app *a); /* one has come, and nobody has asked for it yet */
/* The one that ended a start is the first: the guard is for those after it. */
void signals_take_first(struct app *a);
void signals_guard_on(
	int limit_s); /* a further signal, or the limit, ends the process at once */
void signals_guard_off(void);
void guard_says(const char *doing, const char *room); /* what would be named as stuck */
void wait_for_end(struct app *a);

/* notify.c: systemd. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
void notify_send(const struct notify *n, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* sandbox.c, landlock.c, seccomp.c */
void limits_raise(struct app *a);
void privileges_drop(struct app *a);
int landlock_enter(const struct app *a, struct err *e); /* ABI in force, or -ERR_X */
int seccomp_enter(struct err *e) MUST_CHECK;
size_t threads_now(void);

/* jobs.c */
int jobs_start(struct app *a, struct err *e) MUST_CHECK;
void jobs_stop(struct app *a); /* waits for the job that runs */
void jobs_free(struct app *a);
void jobs_status(struct app *a, struct json *j);

/* rates.c: counters a second. */
int rates_new(struct app *a, struct err *e) MUST_CHECK;
void rates_free(struct app *a);
void rates_look(struct app *a); /* main, every few seconds */
void rates_status(struct app *a, const struct room *room, struct json *j);

/* result.c */
void result_print(struct app *a, int64_t took_ns);

struct room_slot *slot_of(const struct app *a, const struct room *r);

/* Builds with a sanitizer need what a field build gives up: /proc, fork, ptrace. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define APP_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define APP_SANITIZED 1
#endif
#endif
#ifndef APP_SANITIZED
#define APP_SANITIZED 0
#endif

#endif
