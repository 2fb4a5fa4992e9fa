/* The way of a request through the house: gate, host, session, limits, CSRF, dispatch. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "assets.h"
#include "squeeze.h"
#include "tokens.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

#define CONNECTIONS_MAX 256
#define CONNECTIONS_SAME_MAX 64
#define COOKIE STR("__Host-sid")

struct exchange *exchange_new(struct web *w, const char *target)
{
	struct exchange *ex = calloc(1, sizeof(*ex));
	if (!ex)
		return NULL;
	uint8_t id[6];
	ex->web = w;
	ex->target = str_dup(str_sub(str_of(target), 0, GATE_TARGET_MAX + 1));
	buf_init(&ex->body, GATE_BODY_MAX);
	buf_init(&ex->out, 8u << 20);
	buf_init(&ex->rq.arena, 2 * GATE_TARGET_MAX);
	reply_init(&ex->rp);
	file_random(id, sizeof(id));
	hash_hex(id, sizeof(id), ex->rq.request_id);
	if (ex->target)
		return ex;
	exchange_free(ex);
	return NULL;
}

void exchange_free(struct exchange *ex)
{
	if (!ex)
		return;
	if (ex->body.p)
		explicit_bzero(ex->body.p, ex->body.n); /* passwords come in bodies */
	buf_fini(&ex->body);
	buf_fini(&ex->out);
	buf_fini(&ex->rq.arena);
	reply_fini(&ex->rp);
	free(ex->target);
	free(ex);
}

static void refuse(struct exchange *ex, int status, const char *code, const char *words)
{
	char text[256], number[24];
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)GATE_BODY_MAX);
	counter_add(&web_counts.refused, 1);
	reply_problem(&ex->rq, &ex->rp, status, code, "%s",
		      api_text(text, sizeof(text), ex->rq.lang, words, number, NULL));
}

/* Who asks: a program with its token, or a browser with its cookie; false when the token is none. */
static bool take_session(struct exchange *ex)
{
	struct str authorization = head_get(&ex->head, "Authorization");
	struct str sid = gate_cookie(head_get(&ex->head, "Cookie"), COOKIE);
	struct principal *who = &ex->rq.who;
	(void)str_copy(who->from, sizeof(who->from), str_of(ex->from));
	if (authorization.n > 0) {
		struct str bearer = gate_bearer(authorization);
		return bearer.p &&
		       tokens_find(ex->web->tokens, bearer, ex->from, who, &ex->token_id);
	}
	if (!sid.p || !session_find(ex->web->sessions, sid, &ex->session))
		return true;
	ex->has_session = true;
	who->role = ex->session.user.role;
	who->user_id = ex->session.user.id;
	who->session_id = ex->session.id;
	(void)str_copy(who->name, sizeof(who->name), str_of(ex->session.user.name));
	return true;
}

static void take_target(struct exchange *ex)
{
	struct str left = str_of(ex->target), path;
	ex->rq.app = ex->web->app;
	ex->rq.method = ex->head.method;
	(void)str_split(&left, '?', &path);
	ex->rq.path = path;
	ex->rq.query = left;
	ex->is_change = gate_is_change(ex->head.method);
	api_pick_lang(left, NULL, head_get(&ex->head, "Accept-Language"), ex->rq.lang);
}

static bool is_api_path(struct str path)
{
	return str_starts(path, STR("/api/")) || str_eq(path, STR("/metrics")) ||
	       str_eq(path, STR("/healthz")) || str_eq(path, STR("/readyz"));
}

bool serve_head(struct exchange *ex, size_t connections, size_t same_address)
{
	ex->head.target = str_of(ex->target);
	take_target(ex);
	struct verdict v = gate_head(&ex->head);
	ex->close_after = true; /* whatever is refused here leaves the connection in doubt */
	if (v.status != 0) {
		refuse(ex, v.status, v.code, v.words);
		return true;
	}
	if (connections > CONNECTIONS_MAX || same_address > CONNECTIONS_SAME_MAX) {
		ex->rp.retry_after_s = 10;
		refuse(ex, connections > CONNECTIONS_MAX ? 503 : 429,
		       connections > CONNECTIONS_MAX ? "unavailable" : "too_many_requests",
		       "detail.connections");
		return true;
	}
	if (!gate_host_allowed(head_get(&ex->head, "Host"), (const char *const *)ex->web->names,
			       ex->web->n_names, ex->own)) {
		refuse(ex, 421, "wrong_host", "detail.wrong_host");
		return true;
	}
	ex->close_after = false;
	if (is_api_path(ex->rq.path))
		return false;
	assets_answer(ex->web->assets, ex);
	ex->close_after = ex->is_change; /* its body has not been read */
	return true;
}

void serve_body(struct exchange *ex, const char *p, size_t n)
{
	ex->body_bytes += n;
	if (ex->body_bytes <= GATE_BODY_MAX)
		buf_put(&ex->body, p, n);
}

static const struct route *route_of(const struct exchange *ex)
{
	struct str arg;
	bool other;
	return api_route(ex->web->app, ex->rq.method, ex->rq.path, &arg, &other);
}

enum lane serve_lane(const struct exchange *ex)
{
	const struct route *r = route_of(ex);
	return r && (r->flags & ROUTE_SIGN_IN) ? LANE_SIGN_IN : LANE_WORK;
}

struct str serve_who(const struct exchange *ex, char out[32])
{
	if (!ex->has_session && ex->token_id == 0)
		return str_of(ex->from);
	int n = snprintf(out, 32, "%s %lld", ex->has_session ? "session" : "token",
			 (long long)(ex->has_session ? ex->session.id : ex->token_id));
	return str_n(out, (size_t)n);
}

static void wait_please(struct exchange *ex, int seconds, const char *code, const char *words)
{
	char text[256], number[16];
	(void)snprintf(number, sizeof(number), "%d", seconds);
	ex->rp.retry_after_s = seconds;
	counter_add(&web_counts.refused, 1);
	reply_problem(&ex->rq, &ex->rp, 429, code, "%s",
		      api_text(text, sizeof(text), ex->rq.lang, words, number, NULL));
}

/* Changes must come from our own pages: the token that only they can read, and the origin that the
 * browser says. Before sign-in there is no token, and programs send no origin. */
static bool is_ours(struct exchange *ex, bool signs_in)
{
	if (!ex->is_change)
		return true;
	bool needs_token = ex->has_session && !signs_in;
	if (!gate_same_origin(&ex->head, needs_token)) {
		refuse(ex, 403, "cross_site", "detail.cross_site");
		return false;
	}
	struct str token = head_get(&ex->head, "X-CSRF-Token"), want = str_of(ex->session.csrf);
	if (!needs_token || (token.n == want.n && hash_equal(token.p, want.p, want.n)))
		return true;
	refuse(ex, 403, "csrf", "detail.csrf");
	return false;
}

static bool has_limit_left(struct exchange *ex, bool signs_in)
{
	char who[32];
	int64_t now = clock_mono_ns();
	int wait_s = limits_take(ex->web->limits, LIMIT_REQUESTS, serve_who(ex, who), now);
	if (wait_s > 0) {
		wait_please(ex, wait_s, "too_many_requests", "detail.too_many_requests");
		return false;
	}
	if (signs_in && ex->is_change)
		wait_s = limits_take(ex->web->limits, LIMIT_SIGN_IN, str_of(ex->from), now);
	if (signs_in && ex->is_change && wait_s == 0)
		wait_s = limits_take(ex->web->limits, LIMIT_SIGN_IN_NET, str_of(ex->net), now);
	if (wait_s > 0)
		wait_please(ex, wait_s, "too_many_attempts", "detail.too_many_attempts");
	return wait_s == 0;
}

void serve_run(struct exchange *ex)
{
	const struct route *r = route_of(ex);
	bool signs_in = r && (r->flags & ROUTE_SIGN_IN);
	if (!take_session(ex)) {
		if (!has_limit_left(ex, false)) /* of the address: nobody is known yet */
			return;
		refuse(ex, 401, "sign_in_required", "detail.sign_in_required");
		reply_header(&ex->rp, "WWW-Authenticate",
			     "Bearer realm=\"tomsd\", error=\"invalid_token\"");
		return;
	}
	if (ex->has_session)
		api_pick_lang(ex->rq.query, ex->session.user.lang, STR_NULL, ex->rq.lang);
	if (ex->body_bytes > GATE_BODY_MAX) {
		refuse(ex, 413, "too_large", "detail.too_large");
		ex->close_after = true;
		return;
	}
	if (!has_limit_left(ex, signs_in) || !is_ours(ex, signs_in))
		return;
	ex->rq.body = buf_view(&ex->body);
	api_dispatch(&ex->rq, &ex->rp);
	if (signs_in && ex->rp.status == 201) { /* only failures use the limits up */
		limits_give_back(ex->web->limits, LIMIT_SIGN_IN, str_of(ex->from));
		limits_give_back(ex->web->limits, LIMIT_SIGN_IN_NET, str_of(ex->net));
	}
	squeeze(ex);
}

void serve_unavailable(struct exchange *ex)
{
	ex->rp.retry_after_s = 5;
	ex->close_after = true;
	refuse(ex, 503, "unavailable", "detail.unavailable");
}

void serve_too_many(struct exchange *ex)
{
	const char *code = ex->rp.is_event_stream ? "too_many_streams" : "too_many_requests";
	wait_please(ex, 5, code,
		    ex->rp.is_event_stream ? "detail.too_many_streams" :
					     "detail.too_many_requests");
}
