/* What main does while the house stands: signals, the watchdog, the wish to end. And the guard of
 * the stop walk: a second signal or a time limit ends the process at once and says who was stuck. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "house.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define TICK_MS 5000
#define STALE_NS \
	(30 *    \
	 NS_PER_S) /* a thread that has not said a word for this long hangs; or for half of
				  * systemd's own patience, when that is shorter */
#define THREADS_SHOWN 128

static const int signals_ours[] = { SIGTERM, SIGINT, SIGHUP };

int signals_take(struct app *a, struct err *e)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals_ours); i++)
		sigaddset(&set, signals_ours[i]);
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	if (sigaction(SIGPIPE, &ignore, NULL) || pthread_sigmask(SIG_BLOCK, &set, NULL))
		return err_sys(e, errno, "blocking signals");
	a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signal_fd < 0)
		return err_sys(e, errno, "opening the signal descriptor");
	return 0;
}

/* During the start walk: a slow migration must not make us deaf. */
bool signals_want_end(struct app *a)
{
	sigset_t waiting;
	if (sigpending(&waiting))
		return false;
	return atomic_load(&a->stopping) || sigismember(&waiting, SIGTERM) == 1 ||
	       sigismember(&waiting, SIGINT) == 1;
}

void signals_take_first(struct app *a)
{
	struct signalfd_siginfo si;
	while (a->signal_fd >= 0 && read(a->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		log_notice("app", "asked to end signal=%u", si.ssi_signo);
}

/* The guard. Its handler may do little: two pointers to constant text and write(2). */
static _Atomic(const char *) guard_doing, guard_room;

void guard_says(const char *doing, const char *room)
{
	atomic_store(&guard_doing, doing);
	atomic_store(&guard_room, room);
}

static size_t guard_put(char *line, size_t cap, size_t at, const char *text)
{
	while (*text && at < cap)
		line[at++] = *text++;
	return at;
}

static void guard_strikes(int sig)
{
	const char *doing = atomic_load(&guard_doing), *room = atomic_load(&guard_room);
	char line[256];
	size_t n = guard_put(line, sizeof(line), 0, "<3>app: ended at once, ");
	n = guard_put(line, sizeof(line), n,
		      sig == SIGALRM ? "the time to stop is over" : "second signal");
	n = guard_put(line, sizeof(line), n, "; stuck while ");
	n = guard_put(line, sizeof(line), n, doing ? doing : "stopping");
	n = guard_put(line, sizeof(line), n, " room=");
	n = guard_put(line, sizeof(line), n, room ? room : "none");
	n = guard_put(line, sizeof(line), n, "\n");
	ssize_t unused = write(STDERR_FILENO, line, n);
	(void)unused; /* there is nothing more to be done about it */
	_exit(EXIT_FAILURE);
}

void signals_guard_on(int limit_s)
{
	struct sigaction strike = { .sa_handler = guard_strikes };
	sigset_t set;
	sigemptyset(&strike.sa_mask);
	sigemptyset(&set);
	static const int ends[] = { SIGTERM, SIGINT, SIGALRM };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		sigaddset(&set, ends[i]);
		(void)sigaction(ends[i], &strike,
				NULL); /* fails for signals that do not exist */
	}
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	if (limit_s > 0)
		(void)alarm((unsigned)limit_s);
}

void signals_guard_off(void)
{
	(void)alarm(0);
	struct sigaction normal = { .sa_handler = SIG_DFL };
	(void)sigaction(SIGALRM, &normal, NULL);
}

/* The watchdog's question: the thread that has been silent longest, if too long. */
static bool threads_fresh(const struct app *a, struct thread_state *worst)
{
	struct thread_state list[THREADS_SHOWN];
	size_t n = thread_list(list, ARRAY_LEN(list));
	n = n < ARRAY_LEN(list) ? n : ARRAY_LEN(list);
	int64_t patience_ns = STALE_NS;
	if (a->notify.watchdog_ns && a->notify.watchdog_ns / 2 < patience_ns)
		patience_ns = a->notify.watchdog_ns / 2;
	worst->beat_age_ms = 0;
	for (size_t i = 0; i < n; i++)
		if (!list[i].parked && list[i].beat_age_ms > worst->beat_age_ms)
			*worst = list[i];
	return worst->beat_age_ms * NS_PER_MS < patience_ns;
}

struct watch {
	bool stale, ill; /* as of the last look */
	int64_t fed_mono_ns;
};

static void tell_health(struct app *a, struct watch *w)
{
	char words[256] = "", *room = NULL;
	for (size_t i = 0; i < a->n_slots && !room; i++)
		if (!app_room_is_healthy(a, a->slots[i].room, words, sizeof(words), NULL))
			room = (char *)(uintptr_t)a->slots[i].room->name;
	bool ill = room != NULL;
	if (ill)
		notify_send(&a->notify, "STATUS=not well: %s: %s", room, words);
	else if (w->ill)
		notify_send(&a->notify, "STATUS=running");
	w->ill = ill;
}

static void watch_once(struct app *a, struct watch *w)
{
	struct thread_state worst = { .name = "" };
	bool fresh = threads_fresh(a, &worst);
	if (!fresh && !w->stale)
		log_err("app", "thread hangs thread=%s silent_ms=%lld", worst.name,
			(long long)worst.beat_age_ms);
	if (fresh && w->stale)
		log_notice("app", "every thread answers again");
	w->stale = !fresh;
	if (fresh && a->notify.watchdog_ns)
		notify_send(&a->notify, "WATCHDOG=1");
	tell_health(a, w);
	rates_look(a);
}

static void reload_on_signal(struct app *a)
{
	notify_send(&a->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
		    (long long)(clock_mono_ns() / NS_PER_US));
	conf_reload(a);
	notify_send(&a->notify, "READY=1");
}

/* True when the signals that have come ask for the end. */
static bool signals_read(struct app *a)
{
	struct signalfd_siginfo si;
	while (read(a->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP) {
			reload_on_signal(a);
			continue;
		}
		log_notice("app", "asked to end signal=%u", si.ssi_signo);
		if (a->setup.mode == APP_REPLAY)
			app_fail(a, "ended by a signal before the files were at their end");
		return true;
	}
	return false;
}

void wait_for_end(struct app *a)
{
	struct watch w = { 0 };
	int64_t tick_ms = TICK_MS;
	if (a->notify.watchdog_ns && a->notify.watchdog_ns / (3 * NS_PER_MS) < tick_ms)
		tick_ms = a->notify.watchdog_ns / (3 * NS_PER_MS);
	struct pollfd fds[] = { { .fd = a->signal_fd, .events = POLLIN },
				{ .fd = a->wake_fd, .events = POLLIN } };
	while (!atomic_load(&a->stopping)) {
		if (poll(fds, ARRAY_LEN(fds), (int)tick_ms) < 0 && errno != EINTR) {
			log_err("app", "poll failed errno=%d", errno);
			break;
		}
		if (fds[0].revents && signals_read(a))
			break;
		watch_once(a, &w);
	}
	atomic_store(&a->stopping, true);
}
