/* Rows as files: a job that writes them (exports.c) and the routes around it (exports_routes.c). */
#ifndef API_EXPORTS_H
#define API_EXPORTS_H

#include "tomsd/api.h"

#define EXPORT_PATH_MAX 1200
#define EXPORTS_BYTES_MAX (UINT64_C(10) << 30) /* of all that are kept */
#define EXPORT_KEEP_NS (24 * 3600 * NS_PER_S)

/* What was asked for, as it stands in the job's row. */
struct export_ask {
	const struct record *record;
	char kind[8];          /* "logs" "flows": names of routes and files */
	struct query q;        /* words, since, until: fixed when it was asked for */
	char words[2049], purpose[808];
	bool bom, cold; /* cold: through the archive too */
};
/* From the JSON of a job's row. */
int export_ask_read(struct str asked, struct export_ask *out, struct err *e) MUST_CHECK;

extern const struct job_kind export_job;
/* <state>/exports/<id> and, with a name, the file in it. False: too long. */
bool export_path(struct app *a, int64_t id, const char *name, char out[EXPORT_PATH_MAX]);
/* What all kept files take, and whether there is room for another byte: -ERR_FULL with the words "exports_full"
 * or "no_space". */
int export_room(struct app *a, struct err *e) MUST_CHECK;
/* At start: what no row speaks of goes. */
void exports_sweep(struct app *a);

void export_post(struct request *rq, struct reply *rp);
void export_file_get(struct request *rq, struct reply *rp);
extern const char export_accepts[];

#endif
