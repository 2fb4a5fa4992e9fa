/* Tokens: how programs ask (Authorization: Bearer). Shown once, kept as SHA-256; a role, an end of at most a
 * year, networks they may come from. They manage neither people nor tokens: those routes are for the
 * control socket. In memory and in the store, as sessions are. */
#ifndef WEB_TOKENS_H
#define WEB_TOKENS_H

#include "tomsd/api.h"

struct tokens;
struct tokens *tokens_new(void);
void tokens_free(struct tokens *ts);
int tokens_load(struct tokens *ts, struct store *st, struct err *e) MUST_CHECK; /* at start */
/* Who asks with this token from this address; false when it is unknown, over, or from elsewhere. */
bool tokens_find(struct tokens *ts, struct str text, const char *from, struct principal *who,
		 int64_t *id);
/* Is the token of an open stream still good? */
bool tokens_last(struct tokens *ts, int64_t id);
/* Writes down when they were last used; a job. */
int tokens_tidy(struct tokens *ts, struct store *st, struct err *e) MUST_CHECK;

void tokens_get(struct request *rq, struct reply *rp);    /* GET /api/v1/tokens */
void tokens_post(struct request *rq, struct reply *rp);   /* POST /api/v1/tokens */
void tokens_delete(struct request *rq, struct reply *rp); /* DELETE /api/v1/tokens/{id} */
extern const char tokens_schema[], tokens_accepts[];

#endif
