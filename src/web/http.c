/* The only file that knows libmicrohttpd: 0.9.75 of Debian 12, 1.0.x of Debian 13. It moves bytes; what
 * a request means is serve.c's. One daemon of the library with two threads of its own ("panel/http") that
 * read hostile bytes: they carry a seccomp filter, get connected sockets from panel/accept, and never
 * wait. While a lane works, the connection is suspended.
 *
 * What the library needs, found by trying (docs/web.md): a suspended connection is resumed by exactly one
 * call; all of them before MHD_stop_daemon, or it aborts; a reader that returns 0 without suspending
 * burns a core. A connection's own context outlives its requests, also those the library itself refuses. */
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "headers.h"
#include "http.h"
#include "lanes.h"
#include "serve.h"
#include "stream.h"
#include "tls.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "watch.h"

#define POOL 2
#define CONNECTIONS_HARD \
	1000 /* never met: panel/accept stops at 512, the gate answers 503 from 256 on */
#define IDLE_S 8
#define MEMORY_BYTES 32768 /* of a connection: head of a request at most */
#define STREAMS_MAX 64
#define EXPORTS_PER_SESSION 2
#define PIECE_BYTES 16384
/* As strict as 0.9.75 can be; 1.0 counts in levels, of which 1 is the same for servers. */
#if MHD_VERSION >= 0x01000000
#define STRICT MHD_OPTION_CLIENT_DISCIPLINE_LVL, (int)1
#else
#define STRICT MHD_OPTION_STRICT_FOR_CLIENT, (int)1
#endif
/* Curves only: a key exchange over ffdhe8192 costs us half a second and a stranger nothing. */
#define PRIORITIES                                                  \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-GROUP-ALL:" \
	"+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"

struct https {
	struct web *web;
	struct MHD_Daemon *daemon;
	struct watch *watch;
	struct mutex m;
	struct exchange *open; /* lock: m; streams and exports */
	uint64_t published;    /* lock: m */
	bool stopping;         /* lock: m */
};

struct https *https_new(struct web *w)
{
	struct https *h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->web = w;
	mutex_init(&h->m);
	h->watch = watch_new();
	if (h->watch)
		return h;
	https_free(h);
	return NULL;
}

void https_free(struct https *h)
{
	if (!h)
		return;
	watch_free(h->watch);
	mutex_fini(&h->m);
	free(h);
}

/* Suspends the connection for a lane or for events; false when we are stopping. */
static bool suspend(struct https *h, struct exchange *ex) REQUIRES(&h->m);
static bool suspend(struct https *h, struct exchange *ex)
{
	if (h->stopping)
		return false;
	ex->is_suspended = true;
	MHD_suspend_connection(ex->link);
	return true;
}

static void resume(struct https *h, struct exchange *ex) REQUIRES(&h->m);
static void resume(struct https *h, struct exchange *ex)
{
	(void)h; /* whose lock is held */
	if (!ex->is_suspended)
		return;
	ex->is_suspended = false;
	ex->waits_for_events = false;
	MHD_resume_connection(ex->link); /* from here on ex may be gone */
}

/* Lane: the answer is made. */
static void work(struct exchange *ex)
{
	struct https *h = ex->web->http;
	serve_run(ex);
	mutex_lock(&h->m);
	ex->state = EX_READY;
	resume(h, ex);
	mutex_unlock(&h->m);
}

/* Lane: the next piece of an export. */
static void work_piece(struct exchange *ex)
{
	struct https *h = ex->web->http;
	buf_reset(&ex->out);
	ex->out_at = 0;
	int rc = ex->rp.more(ex->rp.more_arg, &ex->out);
	mutex_lock(&h->m);
	ex->piece = rc < 0 || buf_failed(&ex->out) ? PIECE_BROKEN :
		    rc == 0                        ? PIECE_END :
						     PIECE_MORE;
	resume(h, ex);
	mutex_unlock(&h->m);
}

static ssize_t read_piece(void *arg, uint64_t pos, char *p, size_t max)
{
	struct exchange *ex = arg;
	struct https *h = ex->web->http;
	(void)pos;
	mutex_lock(&h->m); /* a lane may just have filled ex->out */
	bool has_bytes = ex->out_at < ex->out.n;
	enum exchange_piece piece = ex->piece;
	bool waits = !has_bytes && piece == PIECE_MORE && suspend(h, ex);
	if (waits)
		ex->piece = PIECE_WORKING;
	mutex_unlock(&h->m);
	if (has_bytes)
		return stream_take(ex, p, max);
	if (!waits)
		return piece == PIECE_END ? MHD_CONTENT_READER_END_OF_STREAM :
					    MHD_CONTENT_READER_END_WITH_ERROR;
	if (lanes_push(ex->web->lanes, LANE_WORK, work_piece, ex))
		return 0;
	mutex_lock(&h->m);
	ex->piece = PIECE_BROKEN;
	resume(h, ex);
	mutex_unlock(&h->m);
	return 0;
}

static ssize_t read_events(void *arg, uint64_t pos, char *p, size_t max)
{
	struct exchange *ex = arg;
	struct https *h = ex->web->http;
	(void)pos;
	for (;;) {
		if (ex->out_at < ex->out.n)
			return stream_take(ex, p, max);
		if (ex->ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		mutex_lock(&h->m);
		uint64_t seen = h->published;
		bool stopping = h->stopping;
		mutex_unlock(&h->m);
		if (stopping)
			return MHD_CONTENT_READER_END_OF_STREAM;
		stream_collect(ex, clock_mono_ns());
		if (ex->out.n > 0 || ex->ended)
			continue;
		mutex_lock(&h->m);
		bool waits = seen == h->published &&
			     suspend(h, ex); /* nothing was told meanwhile */
		ex->waits_for_events = waits;
		mutex_unlock(&h->m);
		if (waits)
			return 0;
	}
}

void https_wake(void *arg)
{
	struct https *h = arg;
	mutex_lock(&h->m);
	h->published++;
	for (struct exchange *ex = h->open, *next; ex; ex = next) {
		next = ex->next;
		if (ex->waits_for_events)
			resume(h, ex);
	}
	mutex_unlock(&h->m);
}

/* Enters a stream or an export in the list; false when there are too many of its kind. Streams whose
 * client has hung up do not count: a page that was loaded anew leaves its old one behind for a while. */
static bool enter(struct https *h, struct exchange *ex)
{
	size_t same = 0, all = 0;
	bool is_stream = ex->rp.is_event_stream;
	mutex_lock(&h->m);
	for (const struct exchange *o = h->open; o; o = o->next) {
		if (o->is_stream != is_stream || watch_has_left(h->watch, o->conn))
			continue;
		all++;
		same += o->session.id == ex->session.id && o->token_id == ex->token_id;
	}
	bool good = same < (is_stream ? SESSION_STREAMS_MAX : EXPORTS_PER_SESSION) &&
		    all < STREAMS_MAX && !h->stopping;
	if (good) {
		ex->is_stream = is_stream;
		ex->is_export = !is_stream;
		ex->next = h->open;
		if (h->open)
			h->open->before = ex;
		h->open = ex;
	}
	mutex_unlock(&h->m);
	return good;
}

static void leave(struct https *h, struct exchange *ex)
{
	mutex_lock(&h->m); /* always: a lane's last word about ex was said under it */
	if (ex->is_stream || ex->is_export) {
		if (ex->before)
			ex->before->next = ex->next;
		else
			h->open = ex->next;
		if (ex->next)
			ex->next->before = ex->before;
	}
	mutex_unlock(&h->m);
}

static struct MHD_Response *make_fixed(struct str body)
{
	union {
		const char *c;
		void *p;
	} bytes = { .c = body.p ? body.p : "" };
	return MHD_create_response_from_buffer(body.n, bytes.p, MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *make_response(struct exchange *ex)
{
	size_t n = 0;
	if (ex->is_stream)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES,
							 read_events, ex, NULL);
	if (ex->is_export)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES,
							 read_piece, ex, NULL);
	if (ex->fixed.p || ex->rp.body.n == 0)
		return make_fixed(ex->fixed);
	char *body = buf_take(&ex->rp.body, &n);
	struct MHD_Response *r =
		body ? MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE) : NULL;
	if (!r)
		free(body);
	return r;
}

static void add(struct MHD_Response *r, const char *name, const char *value)
{
	if (MHD_add_response_header(r, name, value) != MHD_YES)
		log_err("panel", "answer lacks a header name=%s", name);
}

static void add_headers(struct MHD_Response *r, const struct exchange *ex)
{
	const struct reply *rp = &ex->rp;
	for (const struct header_field *f = headers_always; f->name; f++)
		add(r, f->name, f->value);
	for (size_t i = 0; i < rp->n_headers; i++)
		add(r, rp->headers[i][0], rp->headers[i][1]);
	add(r, "Cache-Control",
	    ex->is_asset  ? "no-cache" :
	    ex->is_stream ? "no-store, no-transform" :
			    "no-store");
	if (!ex->is_asset || ex->fixed.p) /* 304 and 204 describe nothing */
		if (rp->status != 204)
			add(r, "Content-Type",
			    ex->is_stream ? "text/event-stream" :
			    rp->type      ? rp->type :
					    "application/json");
	if (!ex->is_asset)
		add(r, "X-Request-Id", ex->rq.request_id);
	if (ex->close_after)
		add(r, "Connection", "close");
}

/* The answer goes out. */
static enum MHD_Result send_answer(struct https *h, struct exchange *ex)
{
	bool is_head = str_eq(ex->rq.method, STR("HEAD"));
	if ((ex->rp.is_event_stream || ex->rp.more) && !is_head && !enter(h, ex))
		serve_too_many(ex);
	if (ex->is_stream)
		stream_begin(ex);
	struct MHD_Response *r = make_response(ex);
	if (!r)
		return MHD_NO;
	add_headers(r, ex);
	counter_add(&web_counts.requests, 1);
	if (ex->rp.status >= 400)
		counter_add(&web_counts.problems, 1);
	watch_stage(h->watch, ex->conn,
		    ex->is_stream ? WATCH_STREAM :
		    ex->is_export ? WATCH_EXPORT :
				    WATCH_ANSWER);
	ex->state = EX_SENT;
	enum MHD_Result rc = MHD_queue_response(ex->link, (unsigned)ex->rp.status, r);
	MHD_destroy_response(r);
	return rc;
}

/* The request is whole: to its lane. */
static enum MHD_Result go(struct https *h, struct exchange *ex)
{
	mutex_lock(&h->m);
	ex->state = EX_WORK;
	bool waits = suspend(h, ex);
	mutex_unlock(&h->m);
	if (!waits) {
		serve_unavailable(ex);
		return send_answer(h, ex);
	}
	watch_stage(h->watch, ex->conn, WATCH_WORK);
	if (lanes_push(ex->web->lanes, serve_lane(ex), work, ex))
		return MHD_YES;
	serve_unavailable(ex);
	mutex_lock(&h->m);
	ex->state = EX_READY;
	resume(h, ex);
	mutex_unlock(&h->m);
	return MHD_YES;
}

static enum MHD_Result take_field(void *arg, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	struct head *head = arg;
	(void)kind;
	if (head->n == GATE_FIELDS_MAX) {
		head->overflow = true;
		return MHD_NO;
	}
	head->fields[head->n++] = (struct field){ str_of(name), str_of(value) };
	return MHD_YES;
}

static enum MHD_Result take_head(struct https *h, struct exchange *ex, const char *method)
{
	size_t all, same;
	ex->head.method = str_of(method);
	(void)MHD_get_connection_values(ex->link, MHD_HEADER_KIND, take_field, &ex->head);
	(void)str_copy(ex->from, sizeof(ex->from), str_of(ex->conn->from));
	(void)str_copy(ex->net, sizeof(ex->net), str_of(ex->conn->net));
	(void)str_copy(ex->own, sizeof(ex->own), str_of(ex->conn->own));
	watch_count(h->watch, ex->conn, &all, &same);
	watch_stage(h->watch, ex->conn, WATCH_BODY);
	bool is_answered = serve_head(ex, all, same);
	if (is_answered && ex->close_after)
		return send_answer(h, ex);
	ex->state =
		is_answered ?
			EX_READY :
			EX_BODY; /* an answer at the first call would close the connection */
	return MHD_YES;
}

/* The library calls this for the head, for each piece of the body, for its end, and after a resume. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *link, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *n, void **context)
{
	struct https *h = arg;
	struct exchange *ex = *context;
	(void)link; /* as on_target had it */
	(void)url;
	(void)version;
	if (!ex)
		return MHD_NO;
	mutex_lock(&h->m); /* what a lane has written is to be seen here */
	enum exchange_state state = ex->state;
	mutex_unlock(&h->m);
	switch (state) {
	case EX_HEAD:
		return take_head(h, ex, method);
	case EX_BODY:
		if (*n == 0)
			return go(h, ex);
		serve_body(ex, data, *n);
		*n = 0;
		return ex->body_bytes > 4 * GATE_BODY_MAX ?
			       MHD_NO :
			       MHD_YES; /* far over: no manners left */
	case EX_READY:
		return send_answer(h, ex);
	case EX_WORK:
	case EX_SENT:
		return MHD_YES;
	}
	return MHD_NO;
}

static struct conn *conn_of(struct MHD_Connection *link)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(link, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void drop(struct https *h, struct conn *c)
{
	if (!c->ex)
		return;
	leave(h, c->ex);
	exchange_free(c->ex);
	c->ex = NULL;
}

/* The request line is there: its target as it came, before the library decodes it. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *link)
{
	struct https *h = arg;
	struct conn *c = conn_of(link);
	if (!c)
		return NULL;
	drop(h, c); /* of a request the library refused without telling */
	c->ex = exchange_new(h->web, target);
	if (c->ex) {
		c->ex->conn = c;
		c->ex->link = link;
	}
	return c->ex;
}

static void on_completed(void *arg, struct MHD_Connection *link, void **context,
			 enum MHD_RequestTerminationCode why)
{
	struct https *h = arg;
	struct conn *c = conn_of(link);
	(void)why;
	*context = NULL;
	if (!c)
		return;
	drop(h, c);
	watch_stage(h->watch, c, WATCH_HEAD);
}

/* Once in each of the library's threads: a name, and no more files and sockets. */
static void settle_thread(void)
{
	static _Thread_local bool is_settled;
	if (is_settled || strncmp(thread_name(), "panel/", 6) ==
				  0) /* never our own, should the library call back */
		return;
	is_settled = true;
	(void)pthread_setname_np(pthread_self(),
				 "panel/http"); /* for people; nothing hangs on it */
	app_sandbox_thread("panel");
}

static void on_connection(void *arg, struct MHD_Connection *link, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct https *h = arg;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		struct conn *c = *context;
		if (!c)
			return;
		drop(h, c);
		watch_close(h->watch, c);
		*context = NULL;
		return;
	}
	settle_thread();
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(link, MHD_CONNECTION_INFO_CONNECTION_FD);
	int number = fd ? (int)fd->connect_fd : -1;
	const union MHD_ConnectionInfo *peer =
		MHD_get_connection_info(link, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*context = number >= 0 && peer ? watch_open(h->watch, number, peer->client_addr) : NULL;
	counter_add(&web_counts.connections, 1);
}

/* GnuTLS gives this callback no argument of ours, and there is one server in a process. */
static _Atomic(struct tls *) served;

static int on_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
			  int n_authorities, const gnutls_pk_algorithm_t *algorithms,
			  int n_algorithms, gnutls_pcert_st **chain, unsigned int *n,
			  gnutls_privkey_t *key)
{
	struct tls *t = atomic_load(&served);
	(void)session;
	(void)authorities;
	(void)n_authorities;
	(void)algorithms;
	(void)n_algorithms;
	if (!t)
		return -1;
	tls_current(t, chain, n, key);
	return 0;
}

static void on_log(void *arg, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static void on_log(void *arg, const char *fmt, va_list ap)
{
	char words[256];
	(void)arg;
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	log_debug("panel", "server says=%s", LOGQ(words));
}

int https_start(struct https *h, struct err *e)
{
	atomic_store(&served, h->web->tls);
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS |
			MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_THREAD_POOL_SIZE, (unsigned)POOL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_HARD, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, STRICT,
		MHD_OPTION_HTTPS_PRIORITIES, PRIORITIES, MHD_OPTION_HTTPS_CERT_CALLBACK,
		on_certificate, MHD_OPTION_URI_LOG_CALLBACK, on_target, h,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, h, MHD_OPTION_END);
	return h->daemon ? 0 : err_set(e, ERR_IO, "the HTTPS server does not start");
}

void https_add(struct https *h, int fd, const struct sockaddr *peer, socklen_t n)
{
	if (MHD_add_connection(h->daemon, fd, peer, n) != MHD_YES) /* which has closed it */
		counter_add(&web_counts.refused, 1);
}

size_t https_connections(struct https *h)
{
	return watch_total(h->watch);
}

bool https_has_room(struct https *h, const struct sockaddr *peer, size_t all_max, size_t same_max)
{
	return watch_has_room(h->watch, peer, all_max, same_max);
}

void https_quiesce(struct https *h)
{
	mutex_lock(&h->m);
	h->stopping = true;
	mutex_unlock(&h->m);
	https_wake(h);
}

void https_stop(struct https *h)
{
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	h->daemon = NULL;
}

void https_tick(struct https *h)
{
	size_t cut = watch_tick(h->watch, clock_mono_ns());
	counter_add(&web_counts.cut, cut);
	https_wake(h); /* streams look whether a sign of life is due */
}
