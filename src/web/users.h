/* People in the store. Reads on any thread that carries a request; writes wait for their commit. */
#ifndef WEB_USERS_H
#define WEB_USERS_H

#include "password.h"
#include "session.h"

struct user_row {
	struct user user;
	char password[PASSWORD_KEPT_MAX];
	int64_t last_login_ns;
	char last_login_from[64];
	uint32_t failures; /* since then */
	bool disabled;
};
/* 0, -ERR_NOTFOUND (no words), or what the store says. */
int users_find(struct store *st, struct str name, struct user_row *out,
	       struct err *e) MUST_CHECK;
/* The first administrator: -ERR_EXISTS when there is one already. The id is filled in. */
int users_add_first(struct store *st, struct user *u, const char *password,
		    struct err *e) MUST_CHECK;
/* Any further user: -ERR_EXISTS when the name is taken. */
int users_add(struct store *st, struct user *u, const char *password, struct err *e) MUST_CHECK;
/* -ERR_DENIED when no administrator would be left. */
int users_set_rights(struct store *st, int64_t id, enum role role, bool disabled,
		     struct err *e) MUST_CHECK;
int users_has_admin(struct store *st, bool *has, struct err *e) MUST_CHECK;
int users_failed(struct store *st, int64_t id, struct err *e) MUST_CHECK;
int users_set_password(struct store *st, int64_t id, const char *password,
		       struct err *e) MUST_CHECK;
int users_set_look(struct store *st, const struct user *u,
		   struct err *e) MUST_CHECK; /* language, theme */
/* Letters, digits, . _ - @ and what else a name needs; 1 to 60 characters. NULL, or the code of the fault. */
const char *users_name_fault(struct str name);

/* accounts.c */
void users_get(struct request *rq, struct reply *rp); /* GET /api/v1/users */
void users_password_post(struct request *rq,
			 struct reply *rp);             /* POST /api/v1/users/{name}/password */
void users_post(struct request *rq, struct reply *rp);  /* POST /api/v1/users */
void users_patch(struct request *rq, struct reply *rp); /* PATCH /api/v1/users/{name} */
extern const char users_schema[], users_accepts[], users_patch_accepts[],
	users_password_accepts[];

#endif
