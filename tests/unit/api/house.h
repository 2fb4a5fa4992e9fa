/* A house that is built but not started: rooms with routes, for tests of requests. */
#ifndef TEST_API_HOUSE_H
#define TEST_API_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tomsd/api.h"

static inline struct app *house_of(const struct room *const *rooms)
{
	struct err e = ERR_INIT;
	struct app *a = NULL;
	struct app_setup setup = { .mode = APP_DAEMON, .rooms = rooms };
	if (app_new(&a, &setup, &e) != 0)
		fail_msg("%s", e.text);
	return a;
}

/* A request as a carrier hands it in; ask_end frees what it took. */
static inline void ask_begin(struct request *rq, struct reply *rp, struct app *a,
			     const char *method, const char *target, enum role role)
{
	struct str left = str_of(target), path;
	memset(rq, 0, sizeof(*rq));
	(void)str_split(&left, '?', &path);
	*rq = (struct request){ .app = a,
				.method = str_of(method),
				.path = path,
				.query = left,
				.lang = "en",
				.request_id = "r1",
				.who = { .role = role, .from = "192.0.2.1" } };
	buf_init(&rq->arena, 1u << 16);
	reply_init(rp);
}

static inline void ask_end(struct request *rq, struct reply *rp)
{
	buf_fini(&rq->arena);
	reply_fini(rp);
}

static inline const char *body_of(const struct reply *rp)
{
	return rp->body.p ? rp->body.p : "";
}

#endif
