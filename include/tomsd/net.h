/* Asking others over HTTP(S): one request after the other on one handle, over libcurl, which is included in
 * src/net/http.c only. No signing, no meaning: bytes there and back, bounded and timed. A handle is one
 * thread's and keeps its connection. */
#ifndef TOMSD_NET_H
#define TOMSD_NET_H

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

struct http;
struct http_conf {
	const char *ca_file; /* PEM to trust instead of the system's; NULL: the system's */
	const char *proxy;   /* NULL: none; the environment is never asked */
	bool plain_allowed;  /* http:// too; else only https:// is spoken */
	int connect_timeout_s; /* 0: 15 */
	int stall_s;         /* so long fewer than 100 bytes a second: it is given up; 0: 60 */
};
int http_new(struct http **out, const struct http_conf *conf, struct err *e) MUST_CHECK;
void http_free(struct http *h);

struct http_header {
	const char *name, *value;
};
struct http_request {
	const char *method;
	const char *url; /* as it goes over the wire: already escaped, dots and slashes stay */
	const struct http_header *headers; /* exactly these, besides Host; no Expect, no Accept */
	size_t n_headers;
	/* The body: bytes in memory, or of an open file. */
	struct str body;
	int fd; /* used where file_bytes > 0 */
	uint64_t file_off, file_bytes;
	/* Done twice it does harm: once its whole body went out it is not asked again on another connection, as is
	 * done where a connection kept from before turns out to be dead. It may have been done then. */
	bool once;
	uint64_t bytes_per_s; /* both ways, in the mean over some seconds; 0: no limit */
	int timeout_s;        /* all of it; 0: only stall_s */
	size_t answer_max;    /* longer bodies end it with -ERR_FULL; 0: 1 MiB */
	/* Takes the body in pieces instead of answer.body, however long it is; non-zero ends it with
	 * -ERR_CLOSED. Called only for a status below 300. */
	int (*sink)(void *arg, const void *p, size_t n);
	void *sink_arg;
	const bool *stop; /* becomes true (set atomically): give up soon, -ERR_CLOSED. May be NULL */
};
struct http_answer {
	int status;
	struct buf body;
	struct buf headers; /* "name: value\n" in lower-case names, at most 64 KiB */
	int64_t took_ns;
	uint64_t sent_bytes;
};
/* 0: there is an answer of any status; redirects are answers, too. A kept connection that turns out to be dead before a
 * byte of the answer is replaced once, and all of the request goes again. While it waits the thread's heart beats.
 * Else words that a person understands: -ERR_NOTFOUND (name), -ERR_TIMEOUT, -ERR_DENIED (certificate), -ERR_IO
 * (connection, broken off), -ERR_FULL, -ERR_CLOSED (stopped), -ERR_INVALID (what cannot be sent). An answer shorter than its
 * Content-Length or its chunks is -ERR_IO, never a short body; one that has neither ends with the connection, and who
 * asked has to see for himself that it is whole. */
int http_ask(struct http *h, const struct http_request *rq, struct http_answer *out, struct err *e) MUST_CHECK;
void http_answer_init(struct http_answer *a);
void http_answer_fini(struct http_answer *a);
struct str http_answer_header(const struct http_answer *a, const char *name); /* lower case; empty: none */

#endif
