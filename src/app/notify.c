/* What systemd wants to hear (sd_notify(3)), over the datagram socket of NOTIFY_SOCKET, without
 * libsystemd. The socket is connected before privileges are dropped and only written to after.
 * Main thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "house.h"
#include "tomsd/base/log.h"
#include "tomsd/base/num.h"

/* How often systemd expects a ping; it may have meant the process before us. */
static int64_t watchdog_of_environment(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t n, whose;
	if (!us || num_u64(str_of(us), 1000, UINT64_C(86400000000), &n))
		return 0;
	if (pid && (num_u64(str_of(pid), 1, INT32_MAX, &whose) || whose != (uint64_t)getpid()))
		return 0;
	return (int64_t)n * NS_PER_US;
}

void notify_open(struct notify *n)
{
	*n = (struct notify){ .fd = -1 };
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (!path || !*path)
		return;
	size_t len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(to.sun_path)) {
		log_warning("app", "NOTIFY_SOCKET is not usable value=%s", LOGQ(path));
		return;
	}
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* abstract */
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, size)) {
		log_warning("app", "cannot reach systemd path=%s errno=%d", LOGQ(path), errno);
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	n->fd = fd;
	n->watchdog_ns = watchdog_of_environment();
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		(void)close(n->fd);
	n->fd = -1;
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
	char text[512];
	if (n->fd < 0)
		return;
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len <= 0)
		return;
	size_t bytes = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
	if (send(n->fd, text, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warning("app", "systemd does not take our word errno=%d", errno);
}
