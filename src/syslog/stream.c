/* See stream.h. The threads that read may not accept (their filter forbids sockets): one thread does, and gives
 * each connection to the reader that has the fewest. */
#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "reader.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define READERS 2
#define ACCEPT_AT_ONCE 256
#define LONG_LINES_BYTES (16u << 20) /* besides FRAME_SMALL for each connection */
#define KEEPALIVE_S 60
#define FILES_OF_OTHERS 2048

struct streams {
	struct syslog *s;
	struct doors doors;
	struct frame_pool pool;
	struct reader readers[READERS];
	size_t n_readers;
	int wake_fd;
	struct thread thread;
};

/* The store, the panel and capture need files too. */
static size_t connections_possible(size_t wanted)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted + FILES_OF_OTHERS)
		return wanted;
	size_t most = files.rlim_cur > 2 * FILES_OF_OTHERS ?
			      (size_t)files.rlim_cur - FILES_OF_OTHERS :
			      (size_t)files.rlim_cur / 2;
	log_warning(
		"syslog",
		"open files are few, connections are limited files=%llu connections=%zu wanted=%zu",
		(unsigned long long)files.rlim_cur, most, wanted);
	return most;
}

int streams_new(struct streams **out, struct syslog *s, const struct streams_conf *conf,
		struct err *e)
{
	struct streams *t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, ERR_NOMEM, "no memory for connections");
	size_t max = connections_possible(conf->connections);
	t->s = s;
	t->pool.max = max * FRAME_SMALL + LONG_LINES_BYTES;
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = doors_init(&t->doors, max, conf->connections_per_address) != 0 ||
				 t->wake_fd < 0 ?
			 err_set(e, ERR_NOMEM, "no memory for connections") :
			 0;
	for (size_t i = 0; rc == 0 && i < READERS; i++) {
		rc = reader_init(&t->readers[i], s, &t->doors, &t->pool, e);
		t->n_readers++;
	}
	if (rc != 0) {
		streams_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

void streams_free(struct streams *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_readers; i++)
		reader_fini(&t->readers[i]);
	if (t->wake_fd >= 0)
		(void)close(t->wake_fd);
	doors_fini(&t->doors);
	free(t);
}

void streams_reload(struct streams *t, const struct streams_conf *conf)
{
	mutex_lock(&t->doors.m);
	t->doors.per_address = conf->connections_per_address;
	mutex_unlock(&t->doors.m);
}

size_t streams_open(const struct streams *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n_readers; i++)
		n += atomic_load(&t->readers[i].n);
	return n;
}

size_t streams_partial_bytes(const struct streams *t)
{
	return atomic_load(&t->pool.used);
}

/* A peer that is switched off is found after some minutes, without closing those that are merely quiet. */
static void prepare(int fd)
{
	int on = 1, after = KEEPALIVE_S;
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after, sizeof(after));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &after, sizeof(after));
}

static struct reader *least(struct streams *t)
{
	struct reader *best = &t->readers[0];
	for (size_t i = 1; i < t->n_readers; i++)
		if (atomic_load(&t->readers[i].n) < atomic_load(&best->n))
			best = &t->readers[i];
	return best;
}

static void refuse(int fd, const struct addr *peer)
{
	char text[ADDR_TEXT_MAX];
	addr_text(peer, text);
	counter_add(&syslog_counts.connections_refused, 1);
	log_warning("syslog", "connection refused, there are too many from=%s", text);
	(void)close(fd);
}

static void let_in(struct streams *t, struct inlet *in, int fd,
		   const struct sockaddr_storage *sa)
{
	struct addr peer;
	uint16_t port;
	inlet_addr(sa, &peer, &port);
	bool is_known = sources_address_known(t->s->sources, &peer),
	     is_tls = in->transport == LOG_VIA_TLS;
	if (!doors_enter(&t->doors, &peer, is_known, is_tls)) {
		refuse(fd, &peer);
		return;
	}
	struct conn *c = calloc(1, sizeof(*c));
	if (!c) {
		doors_leave(&t->doors, &peer, is_tls);
		refuse(fd, &peer);
		return;
	}
	prepare(fd);
	c->fd = fd;
	c->peer = peer;
	c->inlet = in;
	c->is_known = is_known;
	c->opened_mono_ns = c->read_mono_ns = clock_mono_ns();
	counter_add(&syslog_counts.connections, 1);
	counter_add(&in->connections, 1);
	reader_give(least(t), c);
}

/* Lets in who waits at this socket. */
static void accept_some(struct streams *t, struct inlet *in)
{
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t n = sizeof(peer);
		int fd = accept4(in->fd, (struct sockaddr *)&peer, &n,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			let_in(t, in, fd, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			log_warning("syslog", "cannot accept errno=%d", errno);
			clock_sleep_ms(
				100); /* else this thread would spin until some are closed */
		}
		return;
	}
}

static void accept_main(void *arg)
{
	struct streams *t = arg;
	struct pollfd p[INLETS_MAX + 1];
	struct inlet *of[INLETS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < t->s->inlets.n; i++) {
		struct inlet *in = &t->s->inlets.all[i];
		if (in->transport == LOG_VIA_UDP)
			continue;
		of[n] = in;
		p[n++] = (struct pollfd){ .fd = in->fd, .events = POLLIN };
	}
	p[n] = (struct pollfd){ .fd = t->wake_fd, .events = POLLIN };
	for (;;) {
		thread_park();
		int ready = poll(p, n + 1, -1);
		thread_unpark();
		thread_beat();
		if (p[n].revents)
			return;
		for (size_t i = 0; ready > 0 && i < n; i++)
			if (p[i].revents)
				accept_some(t, of[i]);
	}
}

int streams_start(struct streams *t, struct err *e)
{
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < t->n_readers; i++)
		rc = reader_start(&t->readers[i], i, e);
	return rc != 0 ? rc : thread_start(&t->thread, "syslog/accept", accept_main, t, e);
}

void streams_stop(struct streams *t)
{
	uint64_t one = 1;
	if (write(t->wake_fd, &one, sizeof(one)) != sizeof(one))
		log_err("syslog", "cannot wake the accepting thread errno=%d", errno);
	thread_join(&t->thread);
	for (size_t i = 0; i < t->n_readers; i++)
		reader_stop(&t->readers[i]);
}
