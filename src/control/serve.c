/* One local connection: one request, one answer, both with a time limit. The routes are those of the
 * panel; the caller is an administrator by being root or ourselves. thread: control */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"

#define READ_LIMIT_NS (10 * NS_PER_S)  /* for a whole request */
#define WRITE_LIMIT_NS (30 * NS_PER_S) /* for a reader that takes nothing */
#define PIECE_BYTES (1u << 20)

/* Waits until fd is ready or the house closes. */
static bool wait_ready(struct control *c, int fd, short events, int64_t until_mono_ns)
{
	struct pollfd fds[] = { { .fd = fd, .events = events },
				{ .fd = c->wake_fd, .events = POLLIN } };
	int64_t left = until_mono_ns - clock_mono_ns();
	if (left <= 0 || atomic_load(&c->closing))
		return false;
	thread_park();
	int n = poll(fds, ARRAY_LEN(fds), (int)(left / NS_PER_MS) + 1);
	thread_unpark();
	return n > 0 && !fds[1].revents && fds[0].revents;
}

/* Appends what has come, up to want bytes altogether; false at the end, an error or the time limit. */
static bool read_more(struct control *c, int fd, struct buf *in, int64_t until_mono_ns)
{
	char piece[8192];
	for (;;) {
		if (!wait_ready(c, fd, POLLIN, until_mono_ns))
			return false;
		ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (n > 0) {
			buf_put(in, piece, (size_t)n);
			return !buf_failed(in);
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return false;
	}
}

static bool write_all(struct control *c, int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (w < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (w < 0 && !wait_ready(c, fd, POLLOUT, clock_mono_ns() + WRITE_LIMIT_NS))
			return false;
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
	return true;
}

/* Pieces of a long answer, made as fast as they are taken. Its end is the end of the connection. */
static void write_pieces(struct control *c, int fd, struct reply *rp)
{
	struct buf b;
	buf_init(&b, 16 * PIECE_BYTES);
	bool on = write_all(c, fd, rp->body.p, rp->body.n);
	while (on) {
		buf_reset(&b);
		int rc = rp->more(rp->more_arg, &b);
		thread_beat();
		on = rc >= 0 && !buf_failed(&b) && write_all(c, fd, b.p, b.n) && rc > 0;
	}
	buf_fini(&b);
}

static void write_reply(struct control *c, int fd, struct reply *rp)
{
	struct buf head;
	buf_init(&head, 16384);
	buf_fmt(&head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nConnection: close\r\n",
		rp->status, rp->status < 400 ? "OK" : "No",
		rp->type ? rp->type : "application/json");
	for (size_t i = 0; i < rp->n_headers; i++)
		buf_fmt(&head, "%s: %s\r\n", rp->headers[i][0], rp->headers[i][1]);
	if (!rp->more)
		buf_fmt(&head, "Content-Length: %zu\r\n", rp->body.n);
	buf_cstr(&head, "\r\n");
	if (!buf_failed(&head) && write_all(c, fd, head.p, head.n)) {
		if (rp->more)
			write_pieces(c, fd, rp);
		else
			(void)write_all(c, fd, rp->body.p,
					rp->body.n); /* a reader that left misses only itself */
	}
	buf_fini(&head);
}

static void request_fill(struct request *rq, struct control *c, const struct control_head *h,
			 struct str body, const struct control_peer *who)
{
	unsigned char id[6];
	rq->app = c->app;
	rq->method = h->method;
	rq->path = h->path;
	rq->query = h->query;
	rq->body = body;
	rq->who.role = ROLE_ADMIN;
	(void)str_copy(rq->who.name, sizeof(rq->who.name), str_of(who->name));
	(void)str_copy(rq->who.from, sizeof(rq->who.from), STR("local"));
	memcpy(rq->lang, h->lang, sizeof(rq->lang));
	(void)str_copy(rq->etag, sizeof(rq->etag), h->etag);
	file_random(id, sizeof(id));
	for (size_t i = 0; i < sizeof(id); i++)
		(void)snprintf(rq->request_id + 2 * i, 3, "%02x", id[i]);
	buf_init(&rq->arena, 1u << 20);
}

static void answer(struct control *c, int fd, const struct control_head *h, struct str body,
		   const struct control_peer *who)
{
	struct request rq = { 0 };
	struct reply rp;
	request_fill(&rq, c, h, body, who);
	reply_init(&rp);
	counter_add(&control_requests, 1);
	api_dispatch(&rq, &rp);
	if (rp.is_event_stream)
		reply_problem(&rq, &rp, 406, "no_stream",
			      "This socket carries no event streams; use HTTPS.");
	thread_beat();
	write_reply(c, fd, &rp);
	reply_fini(&rp);
	buf_fini(&rq.arena);
}

static void refuse(struct control *c, int fd, int status, const char *words)
{
	char text[512];
	int n = snprintf(
		text, sizeof(text),
		"HTTP/1.1 %d No\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n\r\n{\"status\":%d,\"detail\":\"%s\"}",
		status, strlen(words) + strlen("{\"status\":400,\"detail\":\"\"}"), status,
		words);
	counter_add(&control_refused, 1);
	(void)write_all(c, fd, text, (size_t)n); /* it may have left */
}

void control_serve(struct control *c, int fd, const struct control_peer *who)
{
	ON_THREAD("control");
	struct control_head h;
	struct buf in;
	size_t at;
	int64_t until_mono_ns = clock_mono_ns() + READ_LIMIT_NS;
	if (!who) {
		refuse(c, fd, 403, "Only root and the daemon's own user may use this socket.");
		return;
	}
	buf_init(&in, CONTROL_HEAD_MAX + CONTROL_BODY_MAX + 16384);
	while (!(at = control_head_end(buf_view(&in))) && in.n < CONTROL_HEAD_MAX)
		if (!read_more(c, fd, &in, until_mono_ns))
			break;
	if (!at || at > CONTROL_HEAD_MAX) {
		if (in.n)
			refuse(c, fd, 400, "The request has no end.");
		goto out;
	}
	/* Views into in are taken only once it no longer grows: the head is parsed twice. */
	int rc = control_parse(str_trim(str_n(in.p, at)), &h);
	while (!rc && in.n < at + h.body_bytes)
		if (!read_more(c, fd, &in, until_mono_ns))
			goto out;
	if (!rc)
		rc = control_parse(str_trim(str_n(in.p, at)), &h);
	if (rc)
		refuse(c, fd, rc == -ERR_RANGE ? 413 : 400, "The request is not understood.");
	else
		answer(c, fd, &h, str_n(in.p + at, h.body_bytes), who);
out:
	if (in.p)
		explicit_bzero(in.p, in.n); /* passwords come this way */
	buf_fini(&in);
}
