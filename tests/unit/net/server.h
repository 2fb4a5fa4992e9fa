/* A web server of our own on loopback that does to its clients what the test wants. One connection after the
 * other, in one thread; with a certificate it speaks TLS. */
#ifndef TOMSD_TESTS_NET_SERVER_H
#define TOMSD_TESTS_NET_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tomsd/base/compiler.h"
#include "tomsd/base/num.h"
#include "tomsd/base/str.h"

struct server;

struct conn {
	struct server *s;
	int fd;
	SSL *ssl;
	int number;       /* of this connection, from 1 on */
	int asked;        /* requests on it, so far */
	char head[16384]; /* of the last request, up to its empty line */
	uint64_t body_n;
};

struct server {
	int fd;
	uint16_t port;
	SSL_CTX *tls;
	void (*serve)(struct conn *c);
	pthread_t id;
	atomic_int connections, requests;
	atomic_ullong body_bytes; /* of all requests */
	atomic_bool is_over;
	char head[16384]; /* of the last request; to be read when it has been answered */
};

static inline ssize_t conn_read(struct conn *c, void *p, size_t n)
{
	return c->ssl ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0);
}

static inline bool conn_write(struct conn *c, const void *p, size_t n)
{
	const char *from = p;
	while (n > 0) {
		ssize_t w = c->ssl ? SSL_write(c->ssl, from, (int)(n < 1 << 20 ? n : 1 << 20)) :
				     send(c->fd, from, n, MSG_NOSIGNAL);
		if (w <= 0)
			return false;
		from += w;
		n -= (size_t)w;
	}
	return true;
}

static inline bool conn_say(struct conn *c, const char *text)
{
	return conn_write(c, text, strlen(text));
}

/* Waits for the head of a request, no byte more. */
static inline bool conn_head(struct conn *c)
{
	size_t n = 0;
	while (n + 1 < sizeof(c->head)) {
		if (conn_read(c, c->head + n, 1) != 1)
			return false;
		n++;
		if (n >= 4 && memcmp(c->head + n - 4, "\r\n\r\n", 4) == 0)
			break;
	}
	c->head[n] = '\0';
	c->asked++;
	memcpy(c->s->head, c->head, n + 1);
	atomic_fetch_add(&c->s->requests, 1);
	return true;
}

static inline bool conn_body(struct conn *c)
{
	static char room[1 << 18];
	ptrdiff_t at = str_ifind(str_of(c->head), STR("\r\ncontent-length: "));
	uint64_t left = 0;
	if (at >= 0) {
		struct str rest = str_of(c->head + at + 18), digits;
		(void)str_split(&rest, '\r', &digits);
		if (num_u64(digits, 0, UINT64_MAX, &left))
			abort();
	}
	c->body_n = left;
	while (left > 0) {
		ssize_t r = conn_read(c, room, left < sizeof(room) ? left : sizeof(room));
		if (r <= 0)
			return false;
		left -= (uint64_t)r;
		atomic_fetch_add(&c->s->body_bytes, (unsigned long long)r);
	}
	return true;
}

static inline bool conn_ask(struct conn *c)
{
	return conn_head(c) && conn_body(c);
}

/* Until the client goes. */
static inline void conn_drain(struct conn *c)
{
	char room[4096];
	while (conn_read(c, room, sizeof(room)) > 0)
		;
}

static inline void conn_serve(struct server *s, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));
	c->s = s;
	c->fd = fd;
	c->number = atomic_fetch_add(&s->connections, 1) + 1;
	if (s->tls) {
		c->ssl = SSL_new(s->tls);
		(void)SSL_set_fd(c->ssl, fd);
	}
	if (!c->ssl || SSL_accept(c->ssl) == 1)
		s->serve(c);
	SSL_free(c->ssl);
	(void)close(fd);
	free(c);
}

static inline void *server_run(void *arg)
{
	struct server *s = arg;
	sigset_t pipe;
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	while (!atomic_load(&s->is_over)) {
		int fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			break;
		conn_serve(s, fd);
	}
	return NULL;
}

static inline void server_start(struct server *s, void (*serve)(struct conn *c), SSL_CTX *tls)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	*s = (struct server){ .serve = serve, .tls = tls };
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, n) || listen(s->fd, 16) ||
	    getsockname(s->fd, (struct sockaddr *)&a, &n))
		abort();
	s->port = ntohs(a.sin_port);
	if (pthread_create(&s->id, NULL, server_run, s))
		abort();
}

/* The clients have to be gone. */
static inline void server_stop(struct server *s)
{
	atomic_store(&s->is_over, true);
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->id, NULL);
	(void)close(s->fd);
}

static inline const char *server_url(const struct server *s, const char *path)
{
	static char url[8192];
	(void)snprintf(url, sizeof(url), "%s://127.0.0.1:%u%s", s->tls ? "https" : "http",
		       s->port, path);
	return url;
}

#endif
