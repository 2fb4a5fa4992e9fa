/* Who is signed in. The browser holds 256 random bits; memory and store hold only their SHA-256. Sessions
 * live in memory (looked up at each request) and in the store (so that a restart signs nobody out). */
#ifndef WEB_SESSION_H
#define WEB_SESSION_H

#include "tomsd/api.h"

#define SESSION_IDLE_S 1800
#define SESSION_LIFE_S (12 * 3600)
#define SESSION_TOKEN_MAX 44 /* base64url of 32 bytes, NUL */
#define SESSION_STREAMS_MAX 2

struct user { /* a row of users, as far as sessions carry it along */
	int64_t id;
	enum role role;
	char name[64], lang[3], theme[8];
};
struct session {
	int64_t id;
	struct user user;
	int64_t created_ns, seen_ns;
	int64_t last_login_ns; /* of the sign-in before; 0 none */
	char last_login_from[64];
	uint32_t failures_since; /* between the two */
	char csrf[SESSION_TOKEN_MAX];
};

struct sessions;
struct sessions *sessions_new(void);
void sessions_free(struct sessions *ss);
int sessions_load(struct sessions *ss, struct store *st,
		  struct err *e) MUST_CHECK; /* at start */

/* Signs in: a new session for the user, and what the browser gets to hold. The id is filled in. */
int session_open(struct sessions *ss, struct store *st, const char *from, struct session *s,
		 char token[SESSION_TOKEN_MAX], struct err *e) MUST_CHECK;
/* The session of a token, whose idle time starts anew; false when there is none or it is over. */
bool session_find(struct sessions *ss, struct str token, struct session *out);
bool session_get(struct sessions *ss, int64_t id,
		 struct session *out); /* by id; no use of it */
void session_close(struct sessions *ss, struct store *st, int64_t id);
void sessions_close_user(struct sessions *ss, struct store *st, int64_t user_id);
void sessions_change_user(struct sessions *ss,
			  const struct user *u); /* name, role, language, theme */
/* Ends what is over, writes down when the others were last used; a job. */
int sessions_tidy(struct sessions *ss, struct store *st, struct err *e) MUST_CHECK;
size_t sessions_count(struct sessions *ss);

#endif
