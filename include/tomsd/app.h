/* The house: rooms as a table, start walk down, stop walk up, privileges dropped in between, counters,
 * watchdog. struct app belongs to the main thread; what others may call says so. */
#ifndef TOMSD_APP_H
#define TOMSD_APP_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"
#include "tomsd/base/json.h"
#include "tomsd/base/opt.h"

struct app;
struct route;  /* tomsd/api.h */
struct store;  /* tomsd/store.h */
struct packets; /* tomsd/packets.h */

/* A number the room shows in status and /metrics. The room adds with counter_add, any thread;
 * hot paths add once a batch. */
struct counter {
	const char *name; /* "capture_packets_total"; Prometheus name without the tomsd_ prefix */
	const char *help;
	bool gauge;
	_Atomic uint64_t *value;
};
#define COUNTER_END { .name = NULL }
static inline void counter_add(_Atomic uint64_t *c, uint64_t n)
{
	__atomic_fetch_add((uint64_t *)(uintptr_t)c, n, __ATOMIC_RELAXED);
}

struct job {
	const char *name;
	int64_t every_ns;
	int (*run)(struct app *, struct err *); /* on the job thread */
};
#define JOB_END { .name = NULL }

/* For people: what `tomsd --map` prints and ARCHITECTURE.md shows. */
struct thread_doc {
	const char *name; /* as in thread_start: "store", "flow/N" */
	const char *does;
};
struct edge {
	const char *name;      /* "capture -> flow/N" */
	const char *carries;
	const char *when_full;
};
#define THREAD_END { .name = NULL }
#define EDGE_END { .name = NULL }

struct room {
	const char *name; /* conf section, log prefix, thread names, status key, docs page */
	const struct opt *opts;          /* ended by OPT_END; may be NULL like all tables here */
	bool opts_labelled;              /* they are those of each [name "label"] */
	const struct route *routes;      /* ended by ROUTE_END */
	const struct job *jobs;
	const struct counter *counters;
	const struct thread_doc *threads; /* ended by THREAD_END */
	const struct edge *edges;         /* this room's inlets; ended by EDGE_END */
	int (*init)(struct app *, struct err *);  /* allocate, open, bind; no threads yet; privileged */
	int (*start)(struct app *, struct err *); /* threads; privileges are gone */
	void (*reload)(struct app *);             /* options marked RELOAD have changed; main thread */
	void (*stop)(struct app *);               /* close own inlet, drain, join */
	void (*fini)(struct app *);
	void (*status)(struct app *, struct json *); /* members of an open object; never blocks */
	/* Why it is not well and what to do, for a page in "ja" or "en"; nothing put: the words of
	 * app_room_health stand. Any thread, never blocks; may be NULL. */
	void (*explain)(struct app *, const char *lang, struct buf *out);
};

/* How the process was asked to run. */
enum app_mode { APP_DAEMON, APP_REPLAY, APP_CHECK };

struct app_setup {
	enum app_mode mode;
	const char *conf_path;
	const char *const *overrides;     /* "section.key=value", NULL-ended */
	const char *const *replay_files;  /* NULL-ended */
	const struct room *const *rooms;  /* sea first, NULL-ended */
};

int app_new(struct app **out, const struct app_setup *setup, struct err *e) MUST_CHECK;
/* init walk, privileges, start walk, READY=1, wait for the end, stop walk. Exit status. */
int app_run(struct app *a);
void app_free(struct app *a);

/* What the tables say, without running anything: an overview (--map; routes are written by the
 * caller, who knows their door), the example configuration, the options as a part of tomsd.conf(5). */
int app_print_map(const struct room *const *rooms, void (*routes)(const struct room *, struct buf *),
		  struct buf *out, struct err *e) MUST_CHECK;
int app_print_conf_example(const struct room *const *rooms, struct buf *out, struct err *e) MUST_CHECK;
int app_print_man_conf(const struct room *const *rooms, struct buf *out, struct err *e) MUST_CHECK;

/* For rooms; any thread unless said. */
const struct conf *app_conf(const struct app *a); /* constant between reloads; main thread or copy in init/reload */
enum app_mode app_mode(const struct app *a);
const char *const *app_replay_files(const struct app *a);
const char *app_state_path(const struct app *a);  /* [store] path, made in init */
struct store *app_store(struct app *a);           /* set by the store room in init */
void app_set_store(struct app *a, struct store *st);
struct packets *app_packets(struct app *a);       /* set by the flow room in init (it knows its threads) */
void app_set_packets(struct app *a, struct packets *ps);
void *app_room_state(struct app *a, const struct room *r); /* the room's own pointer */
void app_set_room_state(struct app *a, const struct room *r, void *state);
const struct room *const *app_rooms(const struct app *a);
int64_t app_started_ns(const struct app *a);
const char *app_appliance_id(const struct app *a);       /* [appliance] id, else the host's name */
const char *app_appliance_name(const struct app *a);     /* for people; the id when not set */
const char *app_appliance_timezone(const struct app *a); /* IANA name; pages and reports only */
/* A folder that must stay readable, or writable, after privileges are dropped and that no OPT_PATH
 * option names (those, the state folder and certificates are known already). init, main thread. */
void app_allow_path(struct app *a, const char *path, bool writable);
/* A room's last error for status; words are copied. healthy = false shows on the overview. */
void app_room_health(struct app *a, const struct room *r, bool healthy, const char *fmt, ...) PRINTF_LIKE(4, 5);
bool app_room_is_healthy(struct app *a, const struct room *r, char *words, size_t cap, int64_t *since_ns);
/* Replay: capture says that its files are at their end; main then walks the stop. */
void app_request_stop(struct app *a);
bool app_is_stopping(const struct app *a);
/* The run has failed (a replay file is broken, the last commit did not reach the disk): exit status 1
 * with these words on stderr. Stops nothing by itself. Any thread. */
void app_fail(struct app *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A line of "tomsd: ready" ("panel https://127.0.0.1:8443", "control /path"); init or start, main thread. */
void app_ready_line(struct app *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Replay's JSON object: adds a member at the end of the run; main thread, in stop/fini. */
void app_result_u64(struct app *a, const char *name, uint64_t v);
void app_result_f64(struct app *a, const char *name, double v);
/* Status of every room as one JSON object (what `tomsctl status --json` prints). */
void app_status_json(struct app *a, struct json *j);
/* Prometheus text of all counters. */
void app_metrics(struct app *a, struct buf *out);
/* Seccomp filter for threads that read hostile bytes (no open, connect, exec); calling thread. */
void app_sandbox_thread(const char *room);

#endif
