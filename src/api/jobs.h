/* Long work: the queue and its thread (job_queue.c), the rows (jobs_rows.c), the routes (jobs_routes.c). */
#ifndef API_JOBS_H
#define API_JOBS_H

#include "tomsd/api.h"

#define JOBS_WAITING_MAX 16
#define JOB_ID_TEXT 24

struct job_queue;
struct job_queue *job_queue_new(struct app *a);
void job_queue_free(struct job_queue *js);
int job_queue_start(struct job_queue *js, struct err *e) MUST_CHECK;
void job_queue_stop(struct job_queue *js);
const struct job_kind *job_queue_kind(struct job_queue *js, struct str name); /* NULL: nobody knows it */

/* What is known of one that runs or waits; false: it does neither. */
struct job_progress {
	bool is_running;
	char phase[24];
	uint64_t done, total;
	int64_t started_mono_ns;
};
bool job_queue_progress(struct job_queue *js, int64_t id, struct job_progress *out);
/* Takes it out of the queue, or asks the thread to end it. -ERR_NOTFOUND: it neither runs nor waits. */
int job_queue_cancel(struct job_queue *js, int64_t id, struct err *e);

/* jobs_rows.c: one row of job_run. Text columns live in text. */
struct job_row {
	int64_t id, asked_ns, started_ns, ended_ns, clean_ns, session;
	uint64_t done, total;
	char kind[24], state[16], user[64], role[16], origin[64], unit[16], lang[3];
	struct str result, error, asked; /* views into text */
	struct buf text;
};
void job_row_fini(struct job_row *r);
int job_row_read(struct store *st, int64_t id, int64_t deadline_mono_ns, struct job_row *out,
		 struct err *e) MUST_CHECK; /* -ERR_NOTFOUND */
/* Newest first, of this user or (NULL) of all. */
int job_rows_list(struct store *st, const char *user, size_t limit, int64_t deadline_mono_ns,
		  void (*row)(void *arg, const struct job_row *r), void *arg,
		  struct err *e) MUST_CHECK;
/* A new one; -ERR_FULL when the person has as many as the kind allows. */
int job_row_add(struct store *st, const struct job_kind *k, const struct request *rq,
		const char *asked, int64_t *id, struct err *e) MUST_CHECK;
int job_row_started(struct store *st, int64_t id, struct err *e) MUST_CHECK;
struct job_end {
	int64_t id;
	const char *state, *error;
	uint64_t done, total;
	struct str result;
	int64_t clean_ns;
};
int job_row_ended(struct store *st, const struct job_end *end, struct err *e) MUST_CHECK;
int job_rows_interrupt(struct store *st, struct err *e) MUST_CHECK;
/* Cleans what has had its time, forgets rows of long ago. stale() is called before their rows change. */
int job_rows_tidy(struct store *st, int64_t now_ns,
		  void (*stale)(void *arg, int64_t id, const char *kind), void *arg,
		  struct err *e) MUST_CHECK;

/* Whether the person may see and end this one: its own, or an administrator. */
bool job_is_theirs(const struct request *rq, const struct job_row *r);

/* jobs_routes.c */
void job_json(struct json *j, struct job_queue *js, const struct job_row *r, const char *lang);
void jobs_get(struct request *rq, struct reply *rp);
void job_get(struct request *rq, struct reply *rp);
void job_delete(struct request *rq, struct reply *rp);
extern const char job_schema[], jobs_schema[];

#endif
