/* Who may come in at all. The server's threads may not accept (their filter forbids sockets), so one
 * thread does, and gives connected sockets to them. Over the limit a connection is closed at once; below
 * it the gate still refuses with an answer. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/base/num.h"

#define LISTEN_MAX 8
#define BACKLOG 128
#define CONNECTIONS_MAX 512
#define CONNECTIONS_SAME_MAX \
	128             /* one machine cannot keep the others out; told 429 from 64 on */
#define UNSENT_MS 60000 /* bytes that nobody acknowledges for so long: the client is gone */

struct listeners {
	int fds[LISTEN_MAX];
	struct sockaddr_storage at[LISTEN_MAX]; /* as bound */
	size_t n;
	int wake_fd;
	struct thread thread;
	struct https *http;
};

static int bad_address(struct err *e, struct str text)
{
	char shown[80];
	str_copy_clean(shown, sizeof(shown), text);
	return err_set(e, ERR_INVALID,
		       "%s is not an address and port, say 127.0.0.1:8443 or [::1]:8443",
		       shown);
}

int listen_parse(struct str text, struct sockaddr_storage *sa, socklen_t *n, struct err *e)
{
	struct str host, port;
	char host_text[64];
	uint16_t number;
	if (!gate_host_split(text, &host, &port) ||
	    !str_copy(host_text, sizeof(host_text), host))
		return bad_address(e, text);
	bool is_zero = str_eq(port, STR("0"));
	if (!is_zero && num_u16(port, 1, 65535, &number) != 0)
		return bad_address(e, text);
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(is_zero ? 0 : number) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(is_zero ? 0 : number) };
	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, host_text, &in.sin_addr) == 1) {
		memcpy(sa, &in, sizeof(in));
		*n = sizeof(in);
	} else if (inet_pton(AF_INET6, host_text, &in6.sin6_addr) == 1) {
		memcpy(sa, &in6, sizeof(in6));
		*n = sizeof(in6);
	} else {
		return bad_address(e, text);
	}
	return 0;
}

/* Why an address cannot be listened on, with what to do about it. */
static int bad_bind(struct err *e, int errnum, const char *text)
{
	static const struct {
		int errnum;
		const char *advice;
	} known[] = {
		{ EADDRINUSE, "another program listens there; stop it or choose another port" },
		{ EADDRNOTAVAIL, "no interface has this address; ip address shows which have" },
		{ EACCES, "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one" },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].errnum == errnum)
			return err_set(e, ERR_DENIED, "[panel] listen %s: %s", text,
				       known[i].advice);
	return err_sys(e, errnum, "[panel] listen %s", text);
}

static int open_one(struct listeners *l, const char *text, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t n;
	int on = 1, rc = listen_parse(str_of(text), &sa, &n, e);
	if (rc != 0)
		return rc;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, errno, "[panel] listen %s", text);
	l->fds[l->n++] = fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
			 sizeof(on)); /* else a restart waits a minute */
	if (sa.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				 sizeof(on)); /* each address is asked for by name */
	if (bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, BACKLOG) != 0)
		return bad_bind(e, errno, text);
	n = sizeof(l->at[0]);
	if (getsockname(fd, (struct sockaddr *)&l->at[l->n - 1], &n) != 0)
		return err_sys(e, errno, "[panel] listen %s", text);
	return 0;
}

int listeners_new(struct listeners **out, const struct conf *c, struct err *e)
{
	struct listeners *l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, ERR_NOMEM, "no memory for listening sockets");
	size_t n = conf_count(c, "panel", "listen");
	int rc = n > LISTEN_MAX ?
			 err_set(e, ERR_RANGE, "[panel] listen is given more than %d times",
				 LISTEN_MAX) :
			 0;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rc == 0 && l->wake_fd < 0)
		rc = err_sys(e, errno, "eventfd");
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = open_one(l, conf_item(c, "panel", "listen", i), e);
	if (rc != 0) {
		listeners_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

static void close_all(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		(void)close(l->fds[i]);
	l->n = 0;
}

void listeners_free(struct listeners *l)
{
	if (!l)
		return;
	close_all(l);
	if (l->wake_fd >= 0)
		(void)close(l->wake_fd);
	free(l);
}

static void prepare(int fd)
{
	int on = 1, unsent = UNSENT_MS;
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
			 sizeof(on)); /* answers are written whole */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent, sizeof(unsent));
}

/* Lets in who waits at this socket. */
static void accept_some(struct listeners *l, int listening)
{
	for (int i = 0; i < BACKLOG; i++) {
		struct sockaddr_storage peer;
		socklen_t n = sizeof(peer);
		int fd = accept4(listening, (struct sockaddr *)&peer, &n,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS) {
				log_warning("panel", "cannot accept errno=%d", errno);
				clock_sleep_ms(
					100); /* else this thread would spin until some are closed */
			}
			return;
		}
		if (!https_has_room(l->http, (struct sockaddr *)&peer, CONNECTIONS_MAX,
				   CONNECTIONS_SAME_MAX)) {
			counter_add(&web_counts.refused, 1);
			(void)close(fd);
			continue;
		}
		prepare(fd);
		https_add(l->http, fd, (struct sockaddr *)&peer, n);
	}
}

static void run(void *arg)
{
	struct listeners *l = arg;
	struct pollfd p[LISTEN_MAX + 1];
	for (;;) {
		for (size_t i = 0; i < l->n; i++)
			p[i] = (struct pollfd){ .fd = l->fds[i], .events = POLLIN };
		p[l->n] = (struct pollfd){ .fd = l->wake_fd, .events = POLLIN };
		thread_park();
		int n = poll(p, l->n + 1, -1);
		thread_unpark();
		thread_beat();
		if (p[l->n].revents)
			return;
		for (size_t i = 0; n > 0 && i < l->n; i++)
			if (p[i].revents)
				accept_some(l, l->fds[i]);
	}
}

int listeners_start(struct listeners *l, struct https *h, struct err *e)
{
	l->http = h;
	return thread_start(&l->thread, "panel/accept", run, l, e);
}

void listeners_stop(struct listeners *l)
{
	uint64_t one = 1;
	if (write(l->wake_fd, &one, sizeof(one)) != sizeof(one))
		log_err("panel", "cannot wake the accepting thread errno=%d", errno);
	thread_join(&l->thread);
	close_all(l);
}

size_t listeners_count(const struct listeners *l)
{
	return l->n;
}

void listeners_host(const struct listeners *l, size_t i, char out[64])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	memcpy(&in, &l->at[i], sizeof(in));
	memcpy(&in6, &l->at[i], sizeof(in6));
	bool is_v4 = l->at[i].ss_family == AF_INET;
	out[0] = '\0';
	if (!inet_ntop(l->at[i].ss_family,
		       is_v4 ? (void *)&in.sin_addr : (void *)&in6.sin6_addr, out, 64))
		out[0] = '\0';
}

void listeners_text(const struct listeners *l, size_t i, char *out, size_t cap)
{
	char host[64];
	struct sockaddr_in in;
	memcpy(&in, &l->at[i], sizeof(in)); /* the port lies at the same place in both */
	listeners_host(l, i, host);
	(void)snprintf(out, cap, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		       (unsigned)ntohs(in.sin_port));
}

bool listeners_is_any(const struct listeners *l, size_t i)
{
	char host[64];
	listeners_host(l, i, host);
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}
