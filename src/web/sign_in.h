/* Signing in, out, and for the first time: the routes under /api/v1/session and /api/v1/setup. */
#ifndef WEB_SIGN_IN_H
#define WEB_SIGN_IN_H

#include "session.h"

void session_get_route(struct request *rq, struct reply *rp);
void session_post(struct request *rq, struct reply *rp);
void session_patch(struct request *rq, struct reply *rp);
void session_delete(struct request *rq, struct reply *rp);
void setup_get(struct request *rq, struct reply *rp);
void setup_post(struct request *rq, struct reply *rp);
extern const char session_schema[], session_accepts[], session_patch_accepts[], setup_schema[],
	setup_accepts[];

/* The session as the panel reads it; s NULL: nobody is signed in. */
void session_json(struct request *rq, struct reply *rp, int status, const struct session *s);
/* A new session for this user: cookie, audit row, answer 201. The one before ends. */
void session_begin(struct request *rq, struct reply *rp, struct session *s, const char *action);
/* Checks name (NULL: not asked for) and password by the rules; 422 with all faults when false. */
bool fields_are_good(struct request *rq, struct reply *rp, const char *name,
		     const char *password, const char *user);

/* setup.c: at start. Makes the first-run code while no administrator exists. */
struct web;
int setup_prepare(struct web *w, struct err *e) MUST_CHECK;

#endif
