/* See reader.h. Level-triggered epoll and a quota of bytes a turn: whoever sends much waits for the turns of all
 * others. While the store has no room this thread waits in it, reads nothing, and TCP slows the senders down. */
#include "reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define EVENTS 256
#define QUOTA (64u << 10) /* bytes of one connection a turn */
#define QUOTA_LEAST (4u << 10)
#define STRANGERS \
	(4u       \
	 << 20) /* of all that nobody has accepted, a turn: many of them are not more than one */
#define RECORD_COST 64 /* a TLS record of one byte is work too */
#define SWEEP_NS NS_PER_S
#define HANDSHAKE_NS (10 * NS_PER_S)
#define HANDSHAKES_A_TURN 8 /* each may cost a millisecond; lines do not wait for many */
#define SLOW_NS \
	(60 * NS_PER_S) /* a message that takes longer to come is kept as far as it came */
#define IDLE_NS (3600 * NS_PER_S) /* of senders nobody has accepted */
#define LAST_TURNS 64 /* what the kernel has for us when we stop, as far as 4 MiB go */

int reader_init(struct reader *r, struct syslog *s, struct doors *doors,
		struct frame_pool *pool, struct err *e)
{
	*r = (struct reader){ .s = s, .doors = doors, .pool = pool, .wake_fd = -1 };
	mutex_init(&r->m);
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll_fd >= 0)
		r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event wake = { .events = EPOLLIN };
	if (r->wake_fd < 0 || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->wake_fd, &wake) != 0)
		return err_sys(e, errno, "making epoll");
	r->scratch = malloc(QUOTA);
	if (!r->scratch)
		return err_set(e, ERR_NOMEM, "no memory to read connections");
	return intake_new(&r->intake, s, e);
}

void reader_fini(struct reader *r)
{
	if (r->epoll_fd >= 0)
		(void)close(r->epoll_fd);
	if (r->wake_fd >= 0)
		(void)close(r->wake_fd);
	intake_free(r->intake);
	free(r->scratch);
	mutex_fini(&r->m);
}

static void wake(struct reader *r)
{
	uint64_t one = 1;
	if (write(r->wake_fd, &one, sizeof(one)) != sizeof(one))
		log_err("syslog", "cannot wake a reading thread errno=%d", errno);
}

void reader_give(struct reader *r, struct conn *c)
{
	atomic_fetch_add(&r->n, 1);
	mutex_lock(&r->m);
	c->next = r->incoming;
	r->incoming = c;
	mutex_unlock(&r->m);
	wake(r);
}

static void again_out(struct reader *r, struct conn *c)
{
	for (struct conn **at = &r->again; *at && c->is_again; at = &(*at)->again)
		if (*at == c) {
			*at = c->again;
			c->is_again = false;
			return;
		}
}

/* why: NULL: the peer has gone; else for the log. */
static void conn_close(struct reader *r, struct conn *c, const char *why)
{
	struct frame_line last;
	struct origin from = { c->peer, c->inlet, clock_now_ns() };
	char peer[ADDR_TEXT_MAX];
	if (frame_end(&c->frame, r->pool, &last))
		intake_line(r->intake, last.line, &from, LOG_PARTIAL);
	frame_fini(&c->frame, r->pool);
	if (why) {
		addr_text(&c->peer, peer);
		counter_add(&syslog_counts.connections_cut, 1);
		log_warning("syslog", "connection closed from=%s by=%s lines=%llu: %s", peer,
			    inlet_names[c->inlet->transport], (unsigned long long)c->lines,
			    why);
	}
	again_out(r, c);
	if (c->prev)
		c->prev->next = c->next;
	else
		r->all = c->next;
	if (c->next)
		c->next->prev = c->prev;
	syslog_tls_link_free(c->link);
	(void)close(c->fd);
	doors_leave(r->doors, &c->peer, c->inlet->transport == LOG_VIA_TLS);
	atomic_fetch_sub(&c->inlet->connections, 1);
	atomic_fetch_sub(&r->n, 1);
	free(c);
}

/* What is no syslog at all is said in words, for it is always a setting of the sender. True: close it. */
static const char *foreign(struct reader *r, const struct conn *c, struct str in)
{
	if (c->lines > 0 || c->frame.state != FRAME_START)
		return NULL;
	enum source_sign sign;
	const char *words;
	/* by its first bytes alone: further behind, anybody's words may stand, as those of a page's address */
	if (str_starts(in, STR("RPY 0 ")) || str_starts(in, STR("MSG 0 "))) {
		sign = SIGN_LEGACY_RELIABLE;
		words = "it speaks RFC 3195 (BEEP); set mode reliable on the device, not legacy-reliable";
	} else if (in.n >= 3 && in.p[0] == 0x16 && in.p[1] == 0x03) {
		sign = SIGN_TLS_ON_PLAIN_PORT;
		words = "it speaks TLS on the port for TCP; send to the port of [syslog] tls";
	} else {
		return NULL;
	}
	counter_add(&syslog_counts.foreign, 1);
	sources_sign(r->s->sources, &c->peer, c->inlet->transport, sign);
	return words;
}

/* False: the connection is closed. */
static bool feed(struct reader *r, struct conn *c, struct str in, int64_t mono_ns)
{
	struct frame_line line;
	struct origin from = { c->peer, c->inlet, clock_now_ns() };
	uint64_t skipped = 0;
	bool was_mixed = c->frame.is_mixed;
	const char *why = foreign(r, c, in);
	while (!why && frame_next(&c->frame, r->pool, &in, &line, &skipped)) {
		c->lines++;
		intake_line(r->intake, line.line, &from, line.is_truncated ? LOG_TRUNCATED : 0);
		c->waits_mono_ns = 0;
	}
	if (c->frame.state == FRAME_FAILED)
		skipped += in.n;
	if (skipped > 0)
		counter_add(&syslog_counts.skipped_bytes, skipped);
	if (c->frame.is_mixed && !was_mixed)
		sources_sign(r->s->sources, &c->peer, c->inlet->transport, SIGN_FRAMING);
	if (!why && c->frame.state == FRAME_FAILED)
		why = "no memory left for its long line";
	if (why) {
		conn_close(r, c, why);
		return false;
	}
	bool waits = c->frame.state != FRAME_START;
	if (!waits)
		c->waits_mono_ns = 0;
	else if (!c->waits_mono_ns)
		c->waits_mono_ns = mono_ns;
	return true;
}

/* Bytes of a connection a turn. Who opens a thousand to send as fast as it can has the share of some. */
static size_t quota(const struct reader *r, const struct conn *c)
{
	size_t share = STRANGERS / (atomic_load(&r->n) + 1);
	return c->is_known || share > QUOTA ? QUOTA : share < QUOTA_LEAST ? QUOTA_LEAST : share;
}

static void serve_plain(struct reader *r, struct conn *c, int64_t mono_ns)
{
	ssize_t n = read(c->fd, r->scratch, quota(r, c));
	if (n > 0) {
		c->read_mono_ns = mono_ns;
		(void)feed(r, c, str_n(r->scratch, (size_t)n), mono_ns);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		conn_close(r, c, NULL);
	}
}

static void want_out(struct reader *r, struct conn *c, bool out)
{
	struct epoll_event ev = { .events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0),
				  .data.ptr = c };
	if (out == c->wants_out)
		return;
	if (epoll_ctl(r->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) != 0)
		log_err("syslog", "epoll refuses a connection errno=%d", errno);
	c->wants_out = out;
}

static void come_again(struct reader *r, struct conn *c)
{
	if (c->is_again)
		return;
	c->again = r->again;
	r->again = c;
	c->is_again = true;
}

static void serve_tls(struct reader *r, struct conn *c, int64_t mono_ns)
{
	char words[160];
	size_t taken = 0, n = 0, most = quota(r, c);
	if (!(c->link && syslog_tls_is_open(c->link)) && r->handshakes++ >= HANDSHAKES_A_TURN)
		return; /* epoll names it again, behind the others */
	if (!c->link)
		c->link = syslog_tls_link_new(r->s->tls, c->fd);
	if (!c->link) {
		conn_close(r, c, "no memory for TLS");
		return;
	}
	while (taken < most) {
		enum tls_read t =
			syslog_tls_read(c->link, r->scratch, QUOTA, &n, words, sizeof(words));
		if (t == TLS_READ_FAILED)
			counter_add(&syslog_counts.tls_failures, 1);
		if (t == TLS_READ_END || t == TLS_READ_FAILED) {
			conn_close(r, c, t == TLS_READ_END ? NULL : words);
			return;
		}
		want_out(r, c, t == TLS_READ_LATER_OUT);
		if (t != TLS_READ_BYTES)
			return;
		taken += n + RECORD_COST;
		c->read_mono_ns = mono_ns;
		if (!feed(r, c, str_n(r->scratch, n), mono_ns))
			return;
	}
	if (syslog_tls_pending(c->link))
		come_again(r, c);
}

static void serve(struct reader *r, struct conn *c, int64_t mono_ns)
{
	if (c->inlet->transport == LOG_VIA_TLS)
		serve_tls(r, c, mono_ns);
	else
		serve_plain(r, c, mono_ns);
}

/* Connections that were let in since. False: the room stops. */
static bool take_incoming(struct reader *r)
{
	uint64_t count;
	(void)!read(r->wake_fd, &count, sizeof(count)); /* EAGAIN: read already */
	mutex_lock(&r->m);
	struct conn *c = r->incoming;
	bool closing = r->closing;
	r->incoming = NULL;
	mutex_unlock(&r->m);
	for (struct conn *next; c; c = next) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
		next = c->next;
		c->frame.is_trusted = c->is_known;
		c->prev = NULL;
		c->next = r->all;
		if (r->all)
			r->all->prev = c;
		r->all = c;
		if (epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) != 0)
			conn_close(r, c, "epoll refuses it");
	}
	return !closing;
}

static const char *overdue(const struct conn *c, int64_t mono_ns)
{
	if (c->inlet->transport == LOG_VIA_TLS && !(c->link && syslog_tls_is_open(c->link)))
		return mono_ns - c->opened_mono_ns > HANDSHAKE_NS ?
			       "its TLS handshake does not end" :
			       NULL;
	if (c->waits_mono_ns && mono_ns - c->waits_mono_ns > SLOW_NS)
		return "a line of it does not end";
	if (!c->is_known && mono_ns - c->read_mono_ns > IDLE_NS)
		return "it has sent nothing for an hour";
	return NULL;
}

/* Bytes that it has sent and we have not read: then it is not the peer that is late. */
static bool waits_for_us(const struct conn *c)
{
	char byte;
	return c->is_again || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void sweep(struct reader *r, int64_t mono_ns)
{
	if (mono_ns - r->swept_mono_ns < SWEEP_NS)
		return;
	r->swept_mono_ns = mono_ns;
	for (struct conn *c = r->all, *next; c; c = next) {
		next = c->next;
		c->is_known = sources_address_known(r->s->sources, &c->peer);
		c->frame.is_trusted = c->is_known;
		const char *why = overdue(c, mono_ns);
		if (!why || waits_for_us(c))
			continue;
		if (c->inlet->transport == LOG_VIA_TLS &&
		    !(c->link && syslog_tls_is_open(c->link)))
			counter_add(&syslog_counts.tls_failures, 1);
		conn_close(r, c, why);
	}
}

static void serve_again(struct reader *r, int64_t mono_ns)
{
	struct conn *list = r->again;
	r->again = NULL;
	for (struct conn *c = list; c; c = c->again)
		c->is_again = false;
	for (struct conn *c = list, *next; c; c = next) {
		next = c->again;
		serve(r, c, mono_ns);
	}
}

static bool turn(struct reader *r, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	bool go_on = true;
	r->handshakes = 0;
	serve_again(r, clock_mono_ns()); /* first: what epoll names below must still be there */
	thread_park();
	int n = epoll_wait(r->epoll_fd, events, EVENTS, r->again ? 0 : timeout_ms);
	thread_unpark();
	int64_t mono_ns = clock_mono_ns();
	for (int i = 0; i < n; i++) {
		if (!events[i].data.ptr)
			go_on = false; /* looked at below, for it may add connections */
		else
			serve(r, events[i].data.ptr, mono_ns);
	}
	if (!go_on)
		go_on = take_incoming(r);
	sweep(r, mono_ns);
	return go_on;
}

static void main_loop(void *arg)
{
	struct reader *r = arg;
	app_sandbox_thread("syslog");
	do {
		intake_flush(r->intake);
		thread_beat();
	} while (turn(r, 500));
	for (unsigned i = 0; i < LAST_TURNS && r->all; i++) {
		size_t before = atomic_load(&syslog_counts.bytes);
		(void)turn(r, 0);
		intake_flush(r->intake);
		if (atomic_load(&syslog_counts.bytes) == before)
			break;
	}
	while (r->all)
		conn_close(r, r->all, NULL);
	intake_flush(r->intake);
}

int reader_start(struct reader *r, unsigned number, struct err *e)
{
	char name[24];
	(void)snprintf(name, sizeof(name), "syslog/%u", number);
	return thread_start(&r->thread, name, main_loop, r, e);
}

void reader_stop(struct reader *r)
{
	mutex_lock(&r->m);
	r->closing = true;
	mutex_unlock(&r->m);
	wake(r);
	thread_join(&r->thread);
}
