/* Room control: the routes of all rooms over a Unix socket in the state folder (mode 0600), for
 * tomsctl and for `curl --unix-socket`. One thread, one connection at a time: people at a shell do
 * not come in crowds, and every wait has a limit. */
#include "tomsd/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define WAITING_MAX 16

_Atomic uint64_t control_requests, control_refused;

static void peer_take(struct control_peer *p, uid_t uid)
{
	char space[4096];
	struct passwd pw, *found = NULL;
	p->uid = uid;
	if (getpwuid_r(uid, &pw, space, sizeof(space), &found) || !found)
		(void)snprintf(p->name, sizeof(p->name), "local:%u", (unsigned)uid);
	else
		(void)snprintf(p->name, sizeof(p->name), "local:%s", pw.pw_name);
}

/* A socket's address holds 107 bytes only; a longer path is reached through the folder's descriptor. */
static int address_of(struct control *c, struct sockaddr_un *at, struct err *e)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(c->path, sizeof(c->path), "%s/control.sock", app_state_path(c->app));
	c->folder_fd = open(app_state_path(c->app), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->folder_fd < 0)
		return err_sys(e, errno, "opening %s", app_state_path(c->app));
	if (!str_copy(at->sun_path, sizeof(at->sun_path), str_of(c->path)))
		(void)snprintf(at->sun_path, sizeof(at->sun_path),
			       "/proc/self/fd/%d/control.sock", c->folder_fd);
	return 0;
}

static int socket_open(struct control *c, struct err *e)
{
	struct sockaddr_un at;
	if (address_of(c, &at, e))
		return -e->code;
	(void)unlinkat(c->folder_fd, "control.sock",
		       0); /* what a killed one left; the lock is ours */
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listen_fd < 0)
		return err_sys(e, errno, "making a socket");
	mode_t before = umask(0177);
	int rc = bind(c->listen_fd, (struct sockaddr *)&at, sizeof(at));
	int errnum = errno;
	(void)umask(before);
	if (rc)
		return err_sys(e, errnum, "binding %s", c->path);
	if (listen(c->listen_fd, WAITING_MAX))
		return err_sys(e, errno, "listening on %s", c->path);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0)
		return err_sys(e, errno, "opening an event descriptor");
	return 0;
}

static void control_free(struct control *c)
{
	if (!c)
		return;
	if (c->listen_fd >= 0 && c->folder_fd >= 0)
		(void)unlinkat(c->folder_fd, "control.sock", 0); /* a stale one does no harm */
	int fds[] = { c->listen_fd, c->wake_fd, c->folder_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	free(c);
}

static int control_init(struct app *a, struct err *e)
{
	if (app_mode(a) != APP_DAEMON)
		return 0;
	struct control *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, ERR_NOMEM, "out of memory");
	c->app = a;
	c->folder_fd = c->listen_fd = c->wake_fd = -1;
	peer_take(&c->peers[0], 0);
	peer_take(&c->peers[1], geteuid());
	int rc = socket_open(c, e);
	if (rc) {
		control_free(c);
		return rc;
	}
	app_set_room_state(a, &control_room, c);
	app_ready_line(a, "control %s", c->path);
	return 0;
}

/* NULL: may not come in. */
static const struct control_peer *peer_of(struct control *c, int fd)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(c->peers); i++)
		if (c->peers[i].uid == cred.uid)
			return &c->peers[i];
	log_warning("control", "refused uid=%u pid=%d", (unsigned)cred.uid, (int)cred.pid);
	return NULL;
}

static void control_main(void *arg)
{
	struct control *c = arg;
	struct pollfd fds[] = { { .fd = c->listen_fd, .events = POLLIN },
				{ .fd = c->wake_fd, .events = POLLIN } };
	while (!atomic_load(&c->closing)) {
		thread_park();
		int n = poll(fds, ARRAY_LEN(fds), -1);
		thread_unpark();
		if (n <= 0 || !fds[0].revents)
			continue;
		int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
				continue;
			log_warning("control", "no connection errno=%d", errno);
			clock_sleep_ms(200); /* no descriptor is free */
			continue;
		}
		control_serve(c, fd, peer_of(c, fd));
		(void)close(fd);
	}
}

static int control_start(struct app *a, struct err *e)
{
	struct control *c = app_room_state(a, &control_room);
	return c ? thread_start(&c->thread, "control", control_main, c, e) : 0;
}

static void control_stop(struct app *a)
{
	struct control *c = app_room_state(a, &control_room);
	uint64_t one = 1;
	if (!c)
		return;
	atomic_store(&c->closing, true);
	ssize_t n = write(c->wake_fd, &one, sizeof(one));
	(void)n; /* full: it is awake */
	thread_join(&c->thread);
}

static void control_fini(struct app *a)
{
	struct control *c = app_room_state(a, &control_room);
	app_set_room_state(a, &control_room, NULL);
	control_free(c);
}

static const struct counter control_counters[] = {
	{ "control_requests_total", "Requests answered over the control socket.", false,
	  &control_requests },
	{ "control_refused_total", "Requests and callers refused at the control socket.", false,
	  &control_refused },
	COUNTER_END
};

static const struct thread_doc control_threads[] = {
	{ "control", "answers tomsctl over the socket in the state folder" }, THREAD_END
};

static const struct edge control_edges[] = { { "tomsctl -> control", "one request a connection",
					       "callers wait in the kernel's list of 16" },
					     EDGE_END };

const struct room control_room = {
	.name = "control",
	.counters = control_counters,
	.threads = control_threads,
	.edges = control_edges,
	.init = control_init,
	.start = control_start,
	.stop = control_stop,
	.fini = control_fini,
};
