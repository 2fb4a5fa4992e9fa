/* Words of a request: routes as tables, roles, parameters, replies, problems. No sockets in here; web
 * (HTTPS) and control (Unix socket) both serve these routes, tomsctl too. Any thread; a request and
 * its reply belong to one. */
#ifndef TOMSD_API_H
#define TOMSD_API_H

#include "tomsd/app.h"
#include "tomsd/base/buf.h"
#include "tomsd/base/json.h"
#include "tomsd/store.h"

enum role {
	ROLE_NONE /* no sign-in needed */,
	ROLE_VIEWER,
	ROLE_AUDITOR,
	ROLE_OPERATOR,
	ROLE_ADMIN
};
/* Which roles may: a set, since auditor is not between viewer and operator. */
enum role_set {
	MAY_ALL = 0 /* no sign-in */,
	MAY_VIEWER = 2,
	MAY_AUDITOR = 4,
	MAY_OPERATOR = 8,
	MAY_ADMIN = 16,
	MAY_SIGNED_IN = 30,
	MAY_LOOK = 28 /* operator, auditor, admin */,
	MAY_WORK = 24
};
extern const char *const role_names[]; /* "none" "viewer" "auditor" "operator" "admin" */

enum param_type { PARAM_TEXT, PARAM_INT, PARAM_TIME, PARAM_ENUM };
struct param {
	const char *name;
	enum param_type type;
	int64_t min, max;          /* PARAM_INT; PARAM_TEXT: longest */
	const char *const *values; /* PARAM_ENUM */
	const char *doc;
};
#define PARAM_END            \
	{                    \
		.name = NULL \
	}

struct principal {
	enum role role;
	int64_t user_id,
		session_id; /* 0: none (control socket as root: role admin, name "local:root") */
	char name[64];
	char from[64]; /* address or "local" */
	bool by_token;
};

struct request {
	struct app *app;
	const struct route *route;
	struct str method, path, query; /* query: raw, behind '?' */
	struct str path_arg; /* what stood at {id}; decoded. Of "{id}/{file}": "12/x.csv" */
	struct str body;                /* complete; JSON */
	struct principal who;
	char lang[3]; /* "ja" or "en" */
	char request_id[16];
	char etag[72]; /* If-Match / If-None-Match, without quotes */
	int64_t deadline_mono_ns;
	struct param_value {
		const char *name;
		struct str text; /* decoded */
		int64_t number;  /* PARAM_INT, PARAM_TIME (ns), PARAM_ENUM (index) */
	} params[24];
	size_t n_params;
	struct buf arena; /* decoded text lives here */
};

struct reply {
	int status;
	const char *type; /* content type; NULL: application/json */
	struct buf body;
	struct json json;        /* writes into body */
	char headers[8][2][320]; /* further headers: name, value */
	size_t n_headers;
	/* A body made in pieces (CSV export): fills b with the next piece; 1 more, 0 end, <0 abort. Called
	 * on the web thread pool, never with a lock held. */
	int (*more)(void *arg, struct buf *b);
	void (*more_free)(void *arg);
	void *more_arg;
	struct buf errors; /* members of problem.errors, see reply_field */
	int retry_after_s; /* set before reply_problem: header Retry-After and member retry_after; 0 none */
	/* Server-sent events: the route asks for a stream of these topics instead of a body. */
	bool is_event_stream;
	char topics[128];
};

struct route {
	const char *method, *path; /* "/api/v1/flows", "/api/v1/flows/{id}" */
	unsigned may;              /* enum role_set; one is required */
	const struct param *params;
	/* Fills the reply; problems by reply_problem. */
	void (*handle)(struct request *, struct reply *);
	const void *arg;  /* e.g. a record */
	const char *doc;  /* one sentence for OpenAPI */
	const char *item; /* name of the OpenAPI schema of the answer, or NULL */
	unsigned flags;
	const char *
		answer; /* that schema as JSON text; NULL: made from a record, or given by another route */
	const char *accepts; /* JSON schema of the body, or NULL: takes none */
	const char *octets;  /* content type of an answer that is not JSON, or NULL */
};
enum route_flag {
	ROUTE_EXPORT = 1,
	ROUTE_SIGN_IN = 2 /* sign-in limits apply */,
	ROUTE_LOCAL = 4 /* control socket only */,
	ROUTE_LATER = 8 /* POST that asks for a job: answers 202 */
};
#define ROUTE_END              \
	{                      \
		.method = NULL \
	}

/* Parsed parameter, NULL when absent. */
const struct param_value *req_param(const struct request *rq, const char *name);
int64_t req_int(const struct request *rq, const char *name, int64_t def);
/* Time range of since/until (RFC 3339 or "-24h"); default the last def_ns. */
void req_range(const struct request *rq, int64_t def_ns, int64_t *since_ns, int64_t *until_ns);
/* The body as a JSON object: 0 (free doc), or -ERR_INVALID with the problem already in rp. */
int req_body(const struct request *rq, struct json_doc *doc, struct reply *rp) MUST_CHECK;

void reply_init(struct reply *rp);
void reply_fini(struct reply *rp);
struct json *reply_json(struct reply *rp, int status);
void reply_header(struct reply *rp, const char *name, const char *value);
/* RFC 9457. code is stable ("range", "not_found"); detail says what, why and what to do, already in
 * the request's language (api_words). */
void reply_problem(const struct request *rq, struct reply *rp, int status, const char *code,
		   const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Names a field that is to blame: where is "parameter" or "pointer", name "limit" or "/password". All of
 * them first, then reply_problem, which lists them. */
void reply_field(struct reply *rp, const char *where, const char *name, const char *code,
		 const char *detail);
/* The problem "internal" for a failure that is ours; e goes to the log, not to the client. */
void reply_failed(const struct request *rq, struct reply *rp, const struct err *e);

/* Text for people by key in "ja"/"en"; the key itself when there is none (a test finds gaps). */
const char *api_words(const char *lang, const char *key) __attribute__((returns_nonnull));
/* The same with {1} and {2} in it replaced; cut to cap. Returns out. */
const char *api_text(char *out, size_t cap, const char *lang, const char *key, const char *one,
		     const char *two);
/* "ja" or "en": ?lang= of the raw query, else the user's own ("" or NULL: none), else Accept-Language, else ja. */
void api_pick_lang(struct str query, const char *user_lang, struct str accept_language,
		   char out[3]);
/* Percent-decoded text appended to out; -ERR_INVALID for a bad escape, NUL or what is not UTF-8. */
int api_unescape(struct str in, bool plus_is_space, struct buf *out) MUST_CHECK;

/* Finds the route for method and path over all rooms' tables, checks the role, parses parameters and
 * calls the handler; web and control call this and only this. */
void api_dispatch(struct request *rq, struct reply *rp);
/* Looks only: which route (NULL: none; *other_method says that the path exists). */
const struct route *api_route(struct app *a, struct str method, struct str path,
			      struct str *path_arg, bool *other_method);
/* OpenAPI 3.1 of all routes. */
void api_openapi(struct app *a, struct json *j);

/* Any record as a list: GET with filters, cursor, sort, limit, format=json|csv. A route's handler
 * with arg = the record. */
void api_list(struct request *rq, struct reply *rp);
extern const struct param api_list_params[];

/* Rows that the store has dropped. Room archive says in init how lists go on in it (?cold=true); without it a list ends
 * with the store. list: as store_query, over both, under cursors of its own; -ERR_BUSY: too many ask at once. Any
 * thread, also one that may not open files. */
struct cold_info {
	uint64_t groups_passed, groups_read, groups_from_places, bytes_read;
	int64_t oldest_ns; /* where the archive begins; INT64_MAX: nothing of this kind is in it */
	bool asked;        /* the store's rows were at their end: the archive was searched, */
	int64_t searched_since_ns, searched_until_ns; /* this span of it */
	/* Row groups that could not be read, now or at all; the rest was searched. Words about the first one. */
	uint64_t groups_failed;
	char failed[256];
};
struct api_cold {
	int (*list)(void *ctx, const struct query *q, size_t limit, int64_t deadline_mono_ns,
		    int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
		    struct cold_info *cold, struct err *e);
	void *ctx;
};
void api_set_cold(struct app *a, const struct api_cold *c); /* init; c is copied */

/* Server-sent events: "something changed", told after commit. Any thread, never blocks. */
void api_event(struct app *a, const char *topic, const char *json_text);
/* web's ring: reads events newer than *last_id of the topics into b as SSE text; false when the ring
 * no longer has them (client must refetch: "reset"). */
bool api_events_read(struct app *a, const char *topics, uint64_t *last_id, struct buf *b);
/* Called (any thread) after an event was published; web sets it to wake its streams. */
void api_events_on_publish(struct app *a, void (*wake)(void *), void *arg);

/* Long work. A request asks for it (202 with Location), three threads api/job/N do it, of each kind one at
 * a time, and what became of it is a row of job_run, seen at /api/v1/jobs and told as topic "jobs". What was
 * not done when the process ended is "failed" at the next start, with the words "interrupted". */
struct job_work { /* one that runs; thread api/job/N */
	struct app *app;
	int64_t id, asked_ns;
	struct str asked; /* JSON text that api_job_ask took */
	struct principal who;
	char lang[3];
	const bool *stop;  /* atomic; true once it was cancelled or the house closes: for what waits on the network */
	struct buf result; /* members of the JSON object "result", without its braces */
};
struct job_kind {
	const char *name; /* "export" */
	const char *unit; /* of done and total: "rows" */
	bool cancelable;
	unsigned at_once; /* waiting or running ones a person may have; 0: any */
	int64_t keep_ns;  /* what it made is cleaned away after that; 0: never */
	bool keeps_files; /* see api_export_path */
	/* Long loops call job_progress, and end with -ERR_CLOSED where it says so. */
	int (*run)(struct job_work *w, struct err *e);
	void (*clean)(struct app *a, int64_t id); /* what it made is wanted no more; may be NULL */
};
/* Files of a job whose kind keeps some: written into the folder ".new" of its id, which is renamed to the folder itself
 * (name NULL) when all of it is on disk; fetched at /api/v1/exports/{id}/{file} by who asked. Names are of small
 * letters, digits, '-' and '.'. False: the path is too long. */
bool api_export_path(struct app *a, int64_t id, const char *name, char *out, size_t cap);
/* Room for so many bytes more: -ERR_FULL with the words "exports_full" or "no_space". */
int api_export_room(struct app *a, uint64_t bytes, struct err *e) MUST_CHECK;
void api_export_remove(struct app *a, int64_t id);
int api_job_kind(struct app *a, const struct job_kind *k, struct err *e) MUST_CHECK; /* init */
/* Makes the row and queues it; the answer (202, or a problem) is in rp. 0 or -ERR_X. */
int api_job_ask(struct request *rq, struct reply *rp, const struct job_kind *k,
		const char *asked_json);
/* total 0: not known. False: it was cancelled, or the house closes. */
bool job_progress(struct job_work *w, const char *phase, uint64_t done, uint64_t total);

/* One audit row: who did what to what; through store_write by the room that owns it. -ERR_RANGE: a text is
 * longer than struct audit_row has room for. */
int api_audit(struct request *rq, const char *action, const char *object,
	      const char *before_json, const char *after_json, struct err *e) MUST_CHECK;

struct audit_row; /* tomsd/audit_row.h */
/* Rows after < id <= up_to, oldest first, as they go into the archive; row() non-zero ends it with that. */
int api_audit_rows(struct sql *db, int64_t after, int64_t up_to,
		   int (*row)(void *arg, const struct audit_row *r), void *arg, struct err *e) MUST_CHECK;
/* Inside store_write, after a restore: a row that the archive has and the table has not. One that is there already is
 * passed over; -ERR_CORRUPT for one that does not follow the last. */
int api_audit_take(struct sql *db, const struct audit_row *r, struct err *e) MUST_CHECK;
int api_audit_last(struct sql *db, int64_t *id, struct err *e) MUST_CHECK; /* 0: there is none */

extern const struct room
	api_room; /* routes about the house and what it has seen; see docs/api.md */

#endif
