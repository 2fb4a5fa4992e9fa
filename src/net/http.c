/* See net.h. libcurl (7.85 or newer) as transport and nothing more: it signs, decodes, redirects and guesses
 * nothing, and no option is left to its defaults where the environment or a file could change it. HTTP/1.1, TLS 1.2
 * or newer with verification. Any thread, a handle is one thread's; with the threaded resolver a look-up of a
 * name has a short-lived thread of libcurl's own. */
#include "tomsd/net.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/thread.h"

#include "answer.h"
#include "words.h"

#define CA_MAX (4u << 20)
#define CONNECT_TIMEOUT_S 15
#define STALL_S 60
#define STALL_BYTES_PER_S 100
#define ANSWER_MAX (1u << 20)
#define PIECE_BYTES (256u << 10) /* of a body, to and from libcurl */
#define SLOW_PIECES_PER_S 8      /* a limited body goes in so many steps a second */
#define SLOW_PIECE_MIN 512u
#define IDLE_CONNECTIONS 2

struct http {
	CURL *curl;
	struct buf ca; /* PEM; empty: the system's */
	char *proxy;
	bool plain_allowed;
	int connect_timeout_s, stall_s;

	/* while asking */
	const struct http_request *rq;
	struct http_answer *out;
	struct answer_head head;
	uint64_t body_bytes, body_at; /* of the request */
	char words[CURL_ERROR_SIZE];  /* libcurl's */
	int file_errno;               /* of pread; -1: the file ended early */
	bool is_stopped, is_full, is_refused;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode once_rc;

static void init_once(void)
{
	once_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int ca_read(struct http *h, const char *path, struct err *e)
{
	int rc = path ? file_read(path, CA_MAX, &h->ca, e) : 0;
	if (rc == 0 && path && str_find(buf_view(&h->ca), STR("-----BEGIN ")) < 0)
		rc = err_set(e, ERR_INVALID, "%s: no certificate in PEM form in it", path);
	return rc ? err_wrap(e, "certificates to trust") : 0;
}

int http_new(struct http **out, const struct http_conf *conf, struct err *e)
{
	struct http *h = calloc(1, sizeof(*h));
	if (!h)
		return err_set(e, ERR_NOMEM, "no memory for a connection");
	buf_init(&h->ca, CA_MAX);
	h->plain_allowed = conf->plain_allowed;
	h->connect_timeout_s = conf->connect_timeout_s > 0 ? conf->connect_timeout_s :
							     CONNECT_TIMEOUT_S;
	h->stall_s = conf->stall_s > 0 ? conf->stall_s : STALL_S;
	int rc = ca_read(h, conf->ca_file, e);
	(void)pthread_once(&once, init_once);
	if (rc == 0 && once_rc == CURLE_OK)
		h->curl = curl_easy_init();
	if (rc == 0 && conf->proxy)
		h->proxy = str_dup(str_of(conf->proxy));
	if (rc == 0 && (!h->curl || (conf->proxy && !h->proxy)))
		rc = err_set(e, ERR_NOMEM, "no memory for a connection");
	if (rc) {
		http_free(h);
		return rc;
	}
	*out = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	buf_fini(&h->ca);
	free(h->proxy);
	free(h);
}

/* The next bytes of the body. A limited one goes in small steps, else a whole piece goes at once and then
 * nothing for so long that it looks like a stall. */
static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	const struct http_request *rq = h->rq;
	uint64_t left = h->body_bytes - h->body_at, step = rq->bytes_per_s / SLOW_PIECES_PER_S;
	size_t take = size * n;
	if (rq->bytes_per_s > 0 && take > step)
		take = step > SLOW_PIECE_MIN ? (size_t)step : SLOW_PIECE_MIN;
	if (take > size * n)
		take = size * n;
	if (take > left)
		take = (size_t)left;
	if (take == 0)
		return 0;
	if (rq->file_bytes > 0) {
		ssize_t r;
		do {
			r = pread(rq->fd, p, take, (off_t)(rq->file_off + h->body_at));
		} while (r < 0 && errno == EINTR);
		if (r <= 0) {
			h->file_errno = r < 0 ? errno : -1;
			return CURL_READFUNC_ABORT;
		}
		take = (size_t)r;
	} else {
		memcpy(p, rq->body.p + h->body_at, take);
	}
	h->body_at += take;
	return take;
}

/* All of it went out: the server may have done what it says, though it said nothing. */
static bool is_out(const struct http *h)
{
	return h->rq->once && h->body_at == h->body_bytes;
}

/* A connection kept from before turned out to be dead: the body again, from its beginning. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http *h = arg;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > h->body_bytes)
		return CURL_SEEKFUNC_CANTSEEK;
	if (is_out(h))
		return CURL_SEEKFUNC_FAIL;
	h->body_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int status_of(const struct http *h)
{
	long status = 0;
	(void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	answer_head_line(&h->head, str_n(p, size * n), status_of(h));
	if (!buf_failed(h->head.out))
		return size * n;
	h->is_full = true;
	return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	const struct http_request *rq = h->rq;
	if (rq->sink && status_of(h) < 300) {
		h->is_refused = rq->sink(rq->sink_arg, p, size * n) != 0;
		return h->is_refused ? 0 : size * n;
	}
	buf_put(&h->out->body, p, size * n);
	if (!buf_failed(&h->out->body))
		return size * n;
	h->is_full = true;
	return 0;
}

/* Comes at least once a second, whatever the connection does. */
static int on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
		       curl_off_t up)
{
	struct http *h = arg;
	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	thread_beat();
	h->is_stopped = h->rq->stop && __atomic_load_n(h->rq->stop, __ATOMIC_ACQUIRE);
	return h->is_stopped;
}

/* Options are set by type, so that nobody has to think of what curl_easy_setopt reads from its dots. */
static bool set_long(CURL *c, CURLoption o, long v)
{
	return curl_easy_setopt(c, o, v) == CURLE_OK;
}

static bool set_size(CURL *c, CURLoption o, uint64_t v)
{
	return v <= INT64_MAX && curl_easy_setopt(c, o, (curl_off_t)v) == CURLE_OK;
}

static bool set_text(CURL *c, CURLoption o, const char *v)
{
	return curl_easy_setopt(c, o, v) == CURLE_OK;
}

static bool set_pointer(CURL *c, CURLoption o, void *v)
{
	return curl_easy_setopt(c, o, v) == CURLE_OK;
}

/* What holds for every request of a handle. */
static bool set_habits(struct http *h)
{
	static const struct {
		CURLoption option;
		long value;
	} habits[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_QUICK_EXIT, 1 }, /* who gives up does not wait for a slow resolver */
		{ CURLOPT_PATH_AS_IS, 1 }, /* what was signed is what goes out */
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_HTTP_CONTENT_DECODING, 0 },
		{ CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_DISALLOW_USERNAME_IN_URL, 1 },
		{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_SSL_VERIFYPEER, 1 },
		{ CURLOPT_SSL_VERIFYHOST, 2 },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_MAXCONNECTS, IDLE_CONNECTIONS },
		{ CURLOPT_BUFFERSIZE, PIECE_BYTES },
		{ CURLOPT_UPLOAD_BUFFERSIZE, PIECE_BYTES },
		{ CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S },
		{ CURLOPT_NOPROGRESS, 0 }, /* for the stop flag */
	};
	CURL *c = h->curl;
	bool good = true;
	for (size_t i = 0; i < ARRAY_LEN(habits); i++)
		good = good && set_long(c, habits[i].option, habits[i].value);
	good = good && set_long(c, CURLOPT_CONNECTTIMEOUT, h->connect_timeout_s) &&
	       set_long(c, CURLOPT_LOW_SPEED_TIME, h->stall_s) &&
	       set_text(c, CURLOPT_PROTOCOLS_STR, h->plain_allowed ? "http,https" : "https") &&
	       /* "" and "*" keep it from looking at the environment */
	       set_text(c, CURLOPT_PROXY, h->proxy ? h->proxy : "") &&
	       set_text(c, CURLOPT_NOPROXY, h->proxy ? "" : "*");
	if (good && h->ca.n > 0) {
		struct curl_blob ca = { h->ca.p, h->ca.n, CURL_BLOB_NOCOPY };
		/* Debian's libcurl trusts a folder besides */
		good = set_text(c, CURLOPT_CAINFO, NULL) && set_text(c, CURLOPT_CAPATH, NULL) &&
		       curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca) == CURLE_OK;
	}
	return good && set_pointer(c, CURLOPT_ERRORBUFFER, h->words);
}

static bool set_callbacks(struct http *h)
{
	CURL *c = h->curl;
	return curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
	       set_pointer(c, CURLOPT_READDATA, h) && set_pointer(c, CURLOPT_SEEKDATA, h) &&
	       set_pointer(c, CURLOPT_HEADERDATA, h) && set_pointer(c, CURLOPT_WRITEDATA, h) &&
	       set_pointer(c, CURLOPT_XFERINFODATA, h);
}

static bool set_request(struct http *h, struct curl_slist *headers, bool is_fresh)
{
	const struct http_request *rq = h->rq;
	CURL *c = h->curl;
	struct str method = str_of(rq->method);
	bool has_body = h->body_bytes > 0 || str_eq(method, STR("PUT")) ||
			str_eq(method, STR("POST"));
	bool is_head = str_eq(method, STR("HEAD"));
	return set_text(c, CURLOPT_URL, rq->url) &&
	       /* an upload for every body: of POSTFIELDS libcurl makes a form */
	       set_long(c, CURLOPT_UPLOAD, has_body) &&
	       (!has_body || set_size(c, CURLOPT_INFILESIZE_LARGE, h->body_bytes)) &&
	       set_long(c, CURLOPT_NOBODY, is_head) &&
	       set_text(c, CURLOPT_CUSTOMREQUEST, is_head ? NULL : rq->method) &&
	       set_pointer(c, CURLOPT_HTTPHEADER, headers) &&
	       set_size(c, CURLOPT_MAX_SEND_SPEED_LARGE, rq->bytes_per_s) &&
	       set_size(c, CURLOPT_MAX_RECV_SPEED_LARGE, rq->bytes_per_s) &&
	       set_long(c, CURLOPT_TIMEOUT, rq->timeout_s > 0 ? rq->timeout_s : 0) &&
	       set_long(c, CURLOPT_FRESH_CONNECT, is_fresh);
}

/* A line for libcurl's list; false: no memory. "name;" is its way to say an empty value, "name:" to say that
 * a header of its own is not wanted. */
static bool header_add(struct curl_slist **list, const char *name, const char *mark,
		       const char *value)
{
	struct buf line;
	buf_init(&line, 1u << 20);
	buf_fmt(&line, "%s%s%s", name, mark, value);
	struct curl_slist *more = buf_failed(&line) ? NULL : curl_slist_append(*list, line.p);
	if (line.p)
		explicit_bzero(line.p, line.n); /* may sign in */
	buf_fini(&line);
	if (more)
		*list = more;
	return more != NULL;
}

static void headers_free(struct curl_slist *list)
{
	for (struct curl_slist *l = list; l; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(list);
}

static bool headers_make(const struct http_request *rq, struct curl_slist **list)
{
	static const char *const unwanted[] = { "Expect", "Accept", "User-Agent",
						"Transfer-Encoding" };
	bool given[ARRAY_LEN(unwanted)] = { false }, good = true;
	for (size_t i = 0; good && i < rq->n_headers; i++) {
		const struct http_header *x = &rq->headers[i];
		good = header_add(list, x->name, x->value[0] ? ": " : ";", x->value);
		for (size_t k = 0; k < ARRAY_LEN(unwanted); k++)
			given[k] |= str_ieq(str_of(x->name), str_of(unwanted[k]));
	}
	for (size_t k = 0; good && k < ARRAY_LEN(unwanted); k++)
		good = given[k] || header_add(list, unwanted[k], ":", "");
	return good;
}

/* NOSIGNAL leaves SIGPIPE to us: a peer that went away is an error, not the end of the process. Threads of the
 * daemon block it anyway, those of tomsctl and tests do not. */
static void pipe_signal_hold(sigset_t *before)
{
	sigset_t pipe;
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, before);
}

static void pipe_signal_release(const sigset_t *before)
{
	static const struct timespec now = { 0, 0 };
	sigset_t pipe;
	if (sigismember(before, SIGPIPE))
		return;
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR)
		;
	(void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

static CURLcode attempt(struct http *h, struct curl_slist *headers, bool is_fresh)
{
	h->words[0] = '\0';
	h->body_at = 0;
	h->file_errno = 0;
	h->is_stopped = h->is_full = h->is_refused = false;
	buf_reset(&h->out->body);
	answer_head_begin(&h->head, &h->out->headers);
	curl_easy_reset(h->curl); /* keeps the connections */
	if (!set_habits(h) || !set_callbacks(h) || !set_request(h, headers, is_fresh))
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_perform(h->curl);
}

/* A connection kept from before may have died while nobody looked (a firewall forgets it, a server restarts).
 * libcurl sees most of that; where it does not, the request is asked once more on a new one, as long as not a byte of
 * an answer was there. */
static bool was_dead(struct http *h, CURLcode rc)
{
	long connects = 0;
	curl_off_t begun = 0;
	if ((rc != CURLE_SEND_ERROR && rc != CURLE_RECV_ERROR && rc != CURLE_GOT_NOTHING) || is_out(h))
		return false;
	(void)curl_easy_getinfo(h->curl, CURLINFO_NUM_CONNECTS, &connects);
	(void)curl_easy_getinfo(h->curl, CURLINFO_PRETRANSFER_TIME_T, &begun);
	return connects == 0 && begun > 0 && status_of(h) == 0;
}

static const char *words_of_timeout(struct http *h)
{
	curl_off_t begun = 0, took = 0;
	(void)curl_easy_getinfo(h->curl, CURLINFO_PRETRANSFER_TIME_T, &begun);
	(void)curl_easy_getinfo(h->curl, CURLINFO_TOTAL_TIME_T, &took);
	if (begun == 0)
		return "no connection within the time for it; a firewall may drop it silently: check the address, "
		       "the port and the firewalls between";
	/* libcurl's two clocks begin at different moments: a tenth of a second is between them at most */
	if (h->rq->timeout_s > 0 && took + 100000 >= h->rq->timeout_s * INT64_C(1000000))
		return "not done within the time for it; the connection is slow or the server busy";
	return "the transfer stood still and was given up; the connection is bad or the server busy";
}

/* What libcurl says, for people. Where its own words may help an expert they follow in brackets: only those
 * of connections and TLS, which hold neither headers nor bodies nor the proxy's password. No words: those
 * of the number that comes with it. */
static const struct failure {
	CURLcode rc;
	enum err_code code;
	bool says_more;
	const char *words;
} failures[] = {
	{ CURLE_URL_MALFORMAT, ERR_INVALID, false,
	  "this is no address of a web server; check its spelling" },
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_NOTFOUND, false,
	  "this name is not known; check its spelling, and the DNS server of the appliance" },
	{ CURLE_COULDNT_RESOLVE_PROXY, ERR_NOTFOUND, false,
	  "the name of the proxy is not known; check its spelling, and the DNS server of the appliance" },
	{ CURLE_COULDNT_CONNECT, ERR_IO, false, NULL },
	{ CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, false, NULL },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_DENIED, true, NULL },
	{ CURLE_SSL_CACERT_BADFILE, ERR_DENIED, false,
	  "the certificates to trust cannot be read; check ca_file, or the package ca-certificates" },
	{ CURLE_SSL_CONNECT_ERROR, ERR_IO, true,
	  "no TLS with it; the port may be one without TLS, or it speaks only TLS older than 1.2" },
	{ CURLE_PARTIAL_FILE, ERR_IO, false,
	  "the connection broke off in the middle of the answer; it will have to be asked again" },
	{ CURLE_GOT_NOTHING, ERR_IO, false,
	  "it closed the connection without an answer; the server may be starting, or this port is "
	  "for something else" },
	{ CURLE_SEND_ERROR, ERR_IO, true,
	  "the connection broke off; check the network between" },
	{ CURLE_RECV_ERROR, ERR_IO, true,
	  "the connection broke off; check the network between" },
	{ CURLE_UNSUPPORTED_PROTOCOL, ERR_IO,
	  false, /* of the answer; URLs were looked at before */
	  "what it answers is not HTTP; check the port of the address" },
	{ CURLE_SEND_FAIL_REWIND, ERR_IO, false,
	  "the connection broke off when all was sent; whether it was done is not known" },
	{ CURLE_WEIRD_SERVER_REPLY, ERR_IO, false,
	  "what it answers is not HTTP; check the port of the address" },
	{ CURLE_PROXY, ERR_IO, false, "the proxy did not let us through; check its settings" },
	{ CURLE_OUT_OF_MEMORY, ERR_NOMEM, false, "no memory for a request" },
	{ CURLE_OK, ERR_IO, true, "the request failed" }, /* all others */
};

static const char *words_of(struct http *h, const struct failure *f)
{
	long number = 0;
	if (f->words)
		return f->words;
	if (f->rc == CURLE_OPERATION_TIMEDOUT)
		return words_of_timeout(h);
	if (f->rc == CURLE_COULDNT_CONNECT) {
		(void)curl_easy_getinfo(h->curl, CURLINFO_OS_ERRNO, &number);
		return words_of_connect(number);
	}
	(void)curl_easy_getinfo(h->curl, CURLINFO_SSL_VERIFYRESULT, &number);
	return words_of_certificate(number);
}

static int failure(struct http *h, CURLcode rc, struct err *e)
{
	struct str host = request_host(h->rq);
	const struct failure *f = failures;
	while (f->rc != rc && f->rc != CURLE_OK)
		f++;
	const char *words = words_of(h, f),
		   *more = h->words[0] ? h->words : curl_easy_strerror(rc);
	if (!f->says_more)
		return err_set(e, f->code, "%.*s: %s", (int)host.n, host.p, words);
	return err_set(e, f->code, "%.*s: %s (%s)", (int)host.n, host.p, words, more);
}

/* What ended it on our side. 0: it was not us. */
static int own_end(struct http *h, struct err *e)
{
	struct str host = request_host(h->rq);
	int n = (int)host.n;
	if (h->is_stopped)
		return err_set(e, ERR_CLOSED, "%.*s: given up, for it is to stop", n, host.p);
	if (h->is_refused)
		return err_set(e, ERR_CLOSED, "%.*s: the answer was not wanted any more", n,
			       host.p);
	if (h->is_full)
		return err_set(e, ERR_FULL, "%.*s: its answer is longer than we take", n,
			       host.p);
	if (h->file_errno > 0)
		return err_sys(e, h->file_errno, "%.*s: reading the file to be sent", n,
			       host.p);
	if (h->file_errno < 0)
		return err_set(e, ERR_IO, "%.*s: the file to be sent is shorter than it was", n,
			       host.p);
	return 0;
}

static int ask(struct http *h, struct curl_slist *headers, struct err *e)
{
	sigset_t before;
	curl_off_t sent = 0;
	int64_t begun_mono_ns = clock_mono_ns();
	pipe_signal_hold(&before);
	CURLcode code = attempt(h, headers, false);
	if (was_dead(h, code))
		code = attempt(h, headers, true);
	pipe_signal_release(&before);
	(void)curl_easy_getinfo(h->curl, CURLINFO_SIZE_UPLOAD_T, &sent);
	h->out->took_ns = clock_mono_ns() - begun_mono_ns;
	h->out->sent_bytes = sent > 0 ? (uint64_t)sent : 0;
	h->out->status = status_of(h);
	if (code == CURLE_OK)
		return 0;
	int rc = own_end(h, e);
	return rc ? rc : failure(h, code, e);
}

int http_ask(struct http *h, const struct http_request *rq, struct http_answer *out,
	     struct err *e)
{
	struct curl_slist *headers = NULL;
	const char *fault = request_fault(rq, h->plain_allowed);
	if (fault)
		return err_set(e, ERR_INVALID, "%s", fault);
	if (rq->stop && __atomic_load_n(rq->stop, __ATOMIC_ACQUIRE))
		return err_set(e, ERR_CLOSED, "given up, for it is to stop");
	out->status = 0;
	out->body.cap = rq->answer_max ? rq->answer_max : ANSWER_MAX;
	h->rq = rq;
	h->out = out;
	h->body_bytes = rq->file_bytes > 0 ? rq->file_bytes : rq->body.n;
	int rc = headers_make(rq, &headers) ? ask(h, headers, e) :
					      err_set(e, ERR_NOMEM, "no memory for a request");
	headers_free(headers);
	h->rq = NULL;
	h->out = NULL;
	return rc;
}
