/* Who looked at which logs is itself recorded; see looks.c. */
#ifndef API_LOOKS_H
#define API_LOOKS_H

#include "tomsd/api.h"

struct looks;
struct looks *looks_new(void);
void looks_free(struct looks *l);

/* Before a list of r is answered: 0, or -ERR_X with the problem in rp. */
int look_list(struct request *rq, struct reply *rp, const struct record *r, bool is_csv) MUST_CHECK;
/* Before the content of one log is: what is "log 123" or "logs of flow 45". */
int look_open(struct request *rq, struct reply *rp, const char *what) MUST_CHECK;

/* A purpose as people type it, 3 to 200 characters; blame is what reply_field calls it by. */
#define PURPOSE_MAX 808 /* bytes: 200 characters of four and NUL */
bool look_purpose(struct request *rq, struct reply *rp, const char *where, const char *name,
		  struct str text, char out[PURPOSE_MAX]);

#endif
