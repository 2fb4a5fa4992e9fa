/* Holds, verifications, takes and the page that says how to check by hand: what the room's tables of routes and jobs
 * name. */
#ifndef ARCHIVE_PROOFS_H
#define ARCHIVE_PROOFS_H

#include "inside.h"

/* ---- holds.c: what an investigation pins. ---- */

/* Is this object (id of archive_object) pinned? 1, 0, -ERR_X. */
int hold_pins(struct sql *db, int64_t object, struct err *e) MUST_CHECK;
/* Longer locks for all that holds pin and that were not asked for yet: objects that came later, too. A few thousand at a
 * time; again soon. Any thread but the store's. */
int holds_extend(struct app *a, struct err *e) MUST_CHECK;
void holds_get(struct request *rq, struct reply *rp);
void hold_post(struct request *rq, struct reply *rp);
void hold_delete(struct request *rq, struct reply *rp);
extern const char hold_schema[], holds_schema[], hold_accepts[];

/* ---- verify_job.c: the proof as a job, by hand and once a month. ---- */

extern const struct job_kind archive_verify_job;
void verify_post(struct request *rq, struct reply *rp);
void verifications_get(struct request *rq, struct reply *rp);
extern const char verify_accepts[], verifications_schema[];
extern const struct param verifications_params[];
/* In start: what was running when the house went down did not end. */
int verifications_begin(struct app *a, struct err *e) MUST_CHECK;
/* Job, every hour: the monthly proof, where it is due. */
int verify_monthly(struct app *a, struct err *e) MUST_CHECK;

/* ---- take.c: a part of the archive to take away. ---- */

extern const struct job_kind archive_take_job;
void take_post(struct request *rq, struct reply *rp);
extern const char take_accepts[];

/* ---- procedure.c ---- */

void procedure_get(struct request *rq, struct reply *rp); /* HTML */
/* The same as plain text, for a take. */
void procedure_text(const char *lang, struct buf *out);
extern const struct param procedure_params[];

#endif
