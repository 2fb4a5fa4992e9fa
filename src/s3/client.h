/* Inside the client: one request, and what put, prove, read, list and self_test share. One thread a client. */
#ifndef S3_CLIENT_H
#define S3_CLIENT_H

#include "sign.h"
#include "tomsd/base/clock.h"
#include "tomsd/crypt.h"
#include "tomsd/net.h"
#include "tomsd/s3.h"

#define S3_SINGLE_MAX (UINT64_C(64) << 20) /* below it one request: bytes and lock in one */
#define S3_PART_BYTES (UINT64_C(16) << 20)
#define S3_KEY_MAX 1024u /* with the place's prefix; S3's limit */

struct s3_client {
	struct s3_conf conf;
	const bool *stop;
	struct http *http;
	struct s3_signer signer;
	char host[768];  /* as curl sends it: without the scheme's own port */
	char scheme[9];  /* "https://" */
	int64_t skew_ns; /* added to our clock in requests: 0 until a server refused it */
	int64_t ahead_ns; /* the server's clock minus ours, from the last answer's Date: to a second */
	bool knows_ahead;
	bool no_versions; /* the server knows no ListObjectVersions (R2) */
	struct buf path, query, url, canonical, authorization; /* of the request at hand */
};

/* One request. Zeros and NULLs leave out. */
struct s3_ask {
	const char *method;
	const char *key; /* without the place's prefix; NULL: the bucket itself */
	struct s3_param query[8];
	size_t n_query;
	struct http_header headers
		[8]; /* lower-case names, besides those that every request has; all are signed */
	size_t n_headers;
	struct str body; /* or of a file: */
	int fd;
	uint64_t file_off, file_bytes;
	const uint8_t *sha256, *md5; /* of the body; made here for one in memory */
	bool once; /* makes a version: never sent again unseen */
	int timeout_s;
	size_t answer_max;
	int (*sink)(void *arg, const void *p, size_t n);
	void *sink_arg;
};
void s3_ask_header(struct s3_ask *ask, const char *name, const char *value);
void s3_ask_param(struct s3_ask *ask, const char *name, const char *value);

/* 0: answered with a status below 300. Else words, and the fault told:
 * -ERR_NOTFOUND only for 404, -ERR_DENIED 403, -ERR_EXISTS 409 and 412, -ERR_BUSY 429 and 5xx, -ERR_RANGE 416, -ERR_CLOSED
 * stopped, -ERR_IO no answer, -ERR_INVALID any other. An <Error> in a 200 counts as a 500. */
int s3_ask(struct s3_client *c, const struct s3_ask *ask, struct http_answer *a,
	   struct s3_fault *f, struct err *e) MUST_CHECK;

/* fault.c: what an answer that is none of 2xx means. */
int s3_fault_of_answer(const struct http_answer *a, struct s3_fault *f,
		       struct err *e) MUST_CHECK;
int s3_fault_of_silence(struct s3_fault *f,
			struct err *e) MUST_CHECK; /* e: as http_ask left it */
/* Something of our own went wrong, or an answer makes no sense. */
int s3_fault_own(struct s3_fault *f, bool retry, const char *code, int rc);

/* prove.c */
#define S3_DATE_MAX CLOCK_RFC3339_MAX
void s3_lock_date(int64_t ns, char out[S3_DATE_MAX]); /* rounded up to a second */
/* What a HEAD, GET or PUT answer's headers say of a version. */
void s3_version_of(const struct http_answer *a, struct s3_version *out);
/* Lock headers of a PUT or of the beginning of an upload; date lives as long as the request. */
void s3_ask_lock(struct s3_ask *ask, enum s3_lock lock, int64_t until_ns,
		 char date[S3_DATE_MAX]);
struct s3_wanted {
	uint64_t bytes;
	const uint8_t *sha256;
	const char *etag; /* as told, without quotes; NULL or "": not compared */
	enum s3_lock lock;
	int64_t until_ns;
};
bool s3_lock_holds(const struct s3_version *v, enum s3_lock lock, int64_t until_ns);
/* HEAD of a version compared with what should be there; a missing lock is repaired and looked at again. */
int s3_prove(struct s3_client *c, const char *key, const char *version_id,
	     const struct s3_wanted *w, struct s3_version *out, struct s3_fault *f,
	     struct err *e) MUST_CHECK;

/* parts.c: an upload in parts, gone on with where upload_id says so, up to its completion: etag and version_id as
 * told by it, or as they must be; version_id "" where that was not told. */
int s3_put_parts(struct s3_client *c, const struct s3_put *put, char etag[80],
		 char version_id[128], struct s3_fault *f, struct err *e) MUST_CHECK;

/* Our clock as the server sees it. */
int64_t s3_server_now_ns(const struct s3_client *c);

#endif
