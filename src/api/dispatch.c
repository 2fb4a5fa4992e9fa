/* From method and path to a handler: the one door through which every request of every carrier goes.
 * Routes stand in the rooms' tables; this file adds HEAD, 404, 405, roles and parameters. */
#include <stdio.h>

#include "params.h"
#include "tomsd/base/clock.h"

#define QUERY_TIME_NS (5 * NS_PER_S)
#define EXPORT_TIME_NS (60 * NS_PER_S)

const char *const role_names[] = { "none", "viewer", "auditor", "operator", "admin", NULL };

/* "/api/v1/flows/{id}" against a path; what stands at {id} (not decoded, not empty) goes to *arg. Where two
 * follow each other ("{id}/{file}"), both with the slash between them. */
static bool path_matches(struct str pattern, struct str path, struct str *arg)
{
	struct str want, have;
	*arg = STR_NULL;
	while (str_split(&pattern, '/', &want)) {
		if (!str_split(&path, '/', &have))
			return false;
		if (want.n > 1 && want.p[0] == '{') {
			if (have.n == 0)
				return false;
			*arg = arg->p ? str_n(arg->p, (size_t)(have.p + have.n - arg->p)) :
					have;
		} else if (!str_eq(want, have)) {
			return false;
		}
	}
	return path.p == NULL;
}

/* HEAD is GET without the body. */
static bool method_matches(const struct route *r, struct str method)
{
	return str_eq(str_of(r->method), method) ||
	       (str_eq(method, STR("HEAD")) && strcmp(r->method, "GET") == 0);
}

const struct route *api_route(struct app *a, struct str method, struct str path,
			      struct str *path_arg, bool *other_method)
{
	*other_method = false;
	for (const struct room *const *room = app_rooms(a); *room; room++) {
		for (const struct route *r = (*room)->routes; r && r->method; r++) {
			struct str arg;
			if (!path_matches(str_of(r->path), path, &arg))
				continue;
			if (method_matches(r, method)) {
				*path_arg = arg;
				return r;
			}
			*other_method = true;
		}
	}
	return NULL;
}

static bool is_local(const struct request *rq)
{
	return strcmp(rq->who.from, "local") == 0;
}

/* 405, with the methods that this path has. */
static void wrong_method(struct request *rq, struct reply *rp)
{
	char allow[128];
	size_t n = 0;
	allow[0] = '\0';
	for (const struct room *const *room = app_rooms(rq->app); *room; room++) {
		for (const struct route *r = (*room)->routes; r && r->method; r++) {
			struct str arg;
			if (!path_matches(str_of(r->path), rq->path, &arg) ||
			    ((r->flags & ROUTE_LOCAL) && !is_local(rq)))
				continue;
			int put = snprintf(allow + n, sizeof(allow) - n, "%s%s%s",
					   n ? ", " : "", r->method,
					   strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
			if (put > 0 && (size_t)put < sizeof(allow) - n)
				n += (size_t)put;
		}
	}
	if (n == 0) {
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_route"));
		return;
	}
	char words[256];
	reply_problem(rq, rp, 405, "method_not_allowed", "%s",
		      api_text(words, sizeof(words), rq->lang, "detail.method", allow, NULL));
	reply_header(rp, "Allow", allow);
}

static bool may(struct request *rq, struct reply *rp)
{
	unsigned set = rq->route->may;
	if (set == MAY_ALL || (rq->who.role != ROLE_NONE && (set & 1u << rq->who.role)))
		return true;
	if (rq->who.role == ROLE_NONE) {
		reply_problem(rq, rp, 401, "sign_in_required", "%s",
			      api_words(rq->lang, "detail.sign_in_required"));
		reply_header(rp, "WWW-Authenticate", "Bearer realm=\"tomsd\"");
		return false;
	}
	char list[96] = "", key[32];
	size_t n = 0;
	for (enum role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++) {
		(void)snprintf(key, sizeof(key), "role.%s", role_names[r]);
		if (set & 1u << r)
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
					      api_words(rq->lang, key));
		if (n >= sizeof(list))
			break;
	}
	char words[320];
	reply_problem(rq, rp, 403, "role_required", "%s",
		      api_text(words, sizeof(words), rq->lang, "detail.role_required", list,
			       NULL));
	return false;
}

/* {id}, decoded, behind which the parameters' text will follow in the same arena. */
static bool take_path_arg(struct request *rq, struct str raw, char *out, size_t cap)
{
	struct buf b;
	buf_init(&b, cap);
	bool good = raw.n < cap && api_unescape(raw, false, &b) == 0 &&
		    str_copy(out, cap, buf_view(&b));
	buf_fini(&b);
	rq->path_arg = good ? str_of(out) : STR_NULL;
	return good;
}

static void run(struct request *rq, struct reply *rp)
{
	if (params_parse(rq, rp, clock_now_ns()) > 0) {
		reply_problem(rq, rp, 400, "invalid_parameter", "%s",
			      api_words(rq->lang, "detail.invalid_parameter"));
		return;
	}
	if (rq->deadline_mono_ns == 0)
		rq->deadline_mono_ns =
			clock_mono_ns() +
			(rq->route->flags & ROUTE_EXPORT ? EXPORT_TIME_NS : QUERY_TIME_NS);
	rq->route->handle(rq, rp);
	if (!buf_failed(&rp->body))
		return;
	struct err e = ERR_INIT;
	(void)err_set(&e, ERR_NOMEM, "the answer grew over its limit");
	reply_failed(rq, rp, &e);
}

void api_dispatch(struct request *rq, struct reply *rp)
{
	struct str raw;
	bool other_method;
	char arg[320]; /* of {id}; lives until the handler returns */
	rq->route = api_route(rq->app, rq->method, rq->path, &raw, &other_method);
	if (!rq->route && other_method) {
		wrong_method(rq, rp);
	} else if (!rq->route || ((rq->route->flags & ROUTE_LOCAL) && !is_local(rq))) {
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_route"));
	} else if (!may(rq, rp)) {
		return;
	} else if (raw.n > 0 && !take_path_arg(rq, raw, arg, sizeof(arg))) {
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_route"));
	} else {
		run(rq, rp);
	}
}
