/* The house itself: made from the table of rooms and the configuration, run once, taken down. Main
 * thread, but for the looks that other rooms take at it. */
#include "house.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"

#define STOP_LIMIT_S 60

static int rooms_take(struct app *a, struct err *e)
{
	for (size_t i = 0; a->setup.rooms[i]; i++) {
		if (a->n_slots == ROOMS_MAX)
			return err_set(e, ERR_FULL, "more than %d rooms", ROOMS_MAX);
		struct room_slot *s = &a->slots[a->n_slots++];
		s->room = a->setup.rooms[i];
		s->health_since_ns = a->started_ns;
	}
	return conf_sections_of(a->setup.rooms, a->sections, SECTIONS_MAX, &a->n_sections, e);
}

int app_new(struct app **out, const struct app_setup *setup, struct err *e)
{
	struct app *a = calloc(1, sizeof(*a));
	if (!a)
		return err_set(e, ERR_NOMEM, "out of memory");
	a->setup = *setup;
	a->lock_fd = a->wake_fd = a->signal_fd = a->notify.fd = -1;
	a->started_ns = clock_now_ns();
	a->started_mono_ns = clock_mono_ns();
	mutex_init(&a->m);
	int rc = rooms_take(a, e);
	if (!rc)
		rc = rates_new(a, e);
	if (!rc)
		rc = conf_read(a, &a->conf, e);
	if (!rc) {
		a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (a->wake_fd < 0)
			rc = err_sys(e, errno, "opening an event descriptor");
	}
	if (rc) {
		app_free(a);
		return rc;
	}
	conf_take_appliance(a);
	*out = a;
	return 0;
}

void app_free(struct app *a)
{
	if (!a)
		return;
	jobs_free(a);
	rates_free(a);
	notify_close(&a->notify);
	int fds[] = { a->signal_fd, a->wake_fd, a->lock_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	conf_free(a->conf);
	conf_free(a->conf_before);
	mutex_fini(&a->m);
	free(a);
}

/* What failed, and what a person can do about it. */
static int state_advise(struct err *e, const char *doing, const char *path)
{
	char why[sizeof(e->text)];
	memcpy(why, e->text, sizeof(why));
	return err_set(
		e, (enum err_code)e->code,
		"%s: %s; make %s writable for the user that runs tomsd, or choose another [store] path",
		doing, why, path);
}

/* The state folder, ours alone from here on; and its corner for SQLite's sorting. */
static int state_take(struct app *a, struct err *e)
{
	char path[APP_PATH_MAX + 8];
	const char *want = conf_has(a, "store", "path") ? conf_text(a->conf, "store", "path") :
							  NULL;
	if (!want || !*want)
		return 0; /* a house without a store: tests */
	/* The folder may have been there, open to all; what is in it is for our eyes alone. */
	(void)umask(0077);
	if (file_mkdirs(want, 0700, e))
		return state_advise(e, "making the state folder", want);
	char *real = realpath(want, NULL);
	bool fits = real && str_copy(a->state_path, sizeof(a->state_path) - 32, str_of(real));
	free(real);
	if (!fits)
		return err_set(e, ERR_INVALID, "the state folder's path is too long: %s", want);
	(void)snprintf(path, sizeof(path), "%s/lock", a->state_path);
	int fd = file_lock(path, e);
	if (fd == -ERR_BUSY)
		return err_set(
			e, ERR_BUSY,
			"another tomsd already runs on %s; stop it first, or choose another [store] path",
			a->state_path);
	if (fd < 0)
		return state_advise(e, "locking the state folder", a->state_path);
	a->lock_fd = fd;
	(void)snprintf(path, sizeof(path), "%s/tmp", a->state_path);
	if (file_mkdirs(path, 0700, e))
		return state_advise(e, "making the folder for temporary files", a->state_path);
	if (setenv("SQLITE_TMPDIR", path, 1) || setenv("TMPDIR", path, 1))
		return err_sys(e, errno, "setting the folder for temporary files");
	return 0;
}

static void say_ready(struct app *a)
{
	struct buf b;
	buf_init(&b, 16384);
	buf_cstr(&b, "tomsd: ready");
	for (size_t i = 0; i < a->n_ready; i++)
		buf_fmt(&b, " %s", a->ready[i]);
	buf_char(&b, '\n');
	if (!buf_failed(&b))
		(void)fwrite(b.p, 1, b.n,
			     stderr); /* one write, so that no log line comes between */
	buf_fini(&b);
	notify_send(&a->notify, "READY=1\nSTATUS=running");
}

/* A reader that has gone must not end a stop that saves rows; so this one, too, is told in the end. */
static int run_end(struct app *a)
{
	char words[sizeof(a->fail_words)];
	mutex_lock(&a->m);
	memcpy(words, a->fail_words, sizeof(words));
	mutex_unlock(&a->m);
	if (!atomic_load(&a->failed))
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "tomsd: %s\n", words);
	return EXIT_FAILURE;
}

static int prepare(struct app *a, struct err *e)
{
	int rc = signals_take(a, e);
	if (rc)
		return rc;
	notify_open(&a->notify);
	limits_raise(a);
	conf_notice_later(a);
	return state_take(a, e);
}

int app_run(struct app *a)
{
	struct err e = ERR_INIT;
	if (a->setup.mode == APP_CHECK) {
		conf_notice_later(a);
		return EXIT_SUCCESS;
	}
	int rc = prepare(a, &e);
	atomic_store(&a->phase, PHASE_INIT);
	if (!rc)
		rc = walk_down(a, &e);
	if (!rc) {
		atomic_store(&a->phase, PHASE_RUNNING);
		if (a->setup.mode == APP_DAEMON)
			say_ready(a);
		wait_for_end(a);
	} else {
		app_fail(a, "%s", e.text);
		signals_take_first(a);
	}
	atomic_store(&a->stopping, true);
	atomic_store(&a->phase, PHASE_STOPPING);
	notify_send(&a->notify, "STOPPING=1\nSTATUS=stopping");
	signals_guard_on(a->setup.mode == APP_REPLAY ? 0 : STOP_LIMIT_S);
	walk_up(a);
	signals_guard_off();
	if (a->setup.mode == APP_REPLAY && !rc)
		result_print(a, clock_mono_ns() - a->started_mono_ns);
	return run_end(a);
}

void app_fail(struct app *a, const char *fmt, ...)
{
	char words[sizeof(a->fail_words)];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap); /* cut is fine */
	va_end(ap);
	mutex_lock(&a->m);
	if (!atomic_load(&a->failed)) /* the first one is the cause */
		memcpy(a->fail_words, words, sizeof(words));
	atomic_store(&a->failed, true);
	mutex_unlock(&a->m);
}

void app_request_stop(struct app *a)
{
	uint64_t one = 1;
	atomic_store(&a->stopping, true);
	ssize_t n = write(a->wake_fd, &one, sizeof(one));
	(void)n; /* full: main is about to wake anyway */
}

bool app_is_stopping(const struct app *a)
{
	return atomic_load(&a->stopping);
}

void app_ready_line(struct app *a, const char *fmt, ...)
{
	assert(a->n_ready < READY_LINES_MAX);
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(a->ready[a->n_ready++], sizeof(a->ready[0]), fmt, ap);
	va_end(ap);
}

void app_allow_path(struct app *a, const char *path, bool writable)
{
	assert(a->n_allowed < ALLOWED_MAX);
	struct allowed *p = &a->allowed[a->n_allowed++];
	p->writable = writable;
	if (!str_copy(p->path, sizeof(p->path), str_of(path)))
		log_warning("app", "path too long to be allowed path=%s", LOGQ(path));
}

struct room_slot *slot_of(const struct app *a, const struct room *r)
{
	for (size_t i = 0; i < a->n_slots; i++)
		if (a->slots[i].room == r)
			return (struct room_slot *)(uintptr_t)&a->slots[i];
	bool room_is_in_the_table = false; /* our own mistake */
	assert(room_is_in_the_table);
	abort();
}

void *app_room_state(struct app *a, const struct room *r)
{
	return atomic_load(&slot_of(a, r)->state);
}

void app_set_room_state(struct app *a, const struct room *r, void *state)
{
	atomic_store(&slot_of(a, r)->state, state);
}

const struct conf *app_conf(const struct app *a)
{
	return a->conf;
}
enum app_mode app_mode(const struct app *a)
{
	return a->setup.mode;
}
const char *const *app_replay_files(const struct app *a)
{
	return a->setup.replay_files;
}
const char *app_state_path(const struct app *a)
{
	return a->state_path;
}
struct store *app_store(struct app *a)
{
	return atomic_load(&a->store);
}
void app_set_store(struct app *a, struct store *st)
{
	atomic_store(&a->store, st);
}
struct packets *app_packets(struct app *a)
{
	return atomic_load(&a->packets);
}
void app_set_packets(struct app *a, struct packets *ps)
{
	atomic_store(&a->packets, ps);
}
const struct room *const *app_rooms(const struct app *a)
{
	return a->setup.rooms;
}
int64_t app_started_ns(const struct app *a)
{
	return a->started_ns;
}
const char *app_appliance_id(const struct app *a)
{
	return a->id;
}
const char *app_appliance_name(const struct app *a)
{
	return a->name;
}
const char *app_appliance_timezone(const struct app *a)
{
	return a->timezone;
}
