/* The session as a resource. Every failure to sign in gives the same answer, and names that nobody has
 * cost the same time as wrong passwords. */
#include "sign_in.h"

#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "users.h"
#include "web.h"

#define COOKIE "__Host-sid"

static void put_user(struct json *j, const struct session *s)
{
	json_key(j, "user");
	if (!s) {
		json_null(j);
		return;
	}
	json_obj(j);
	json_kv_str(j, "name", s->user.name);
	json_kv_str(j, "role", role_names[s->user.role]);
	json_kv_str(j, "lang", s->user.lang);
	json_kv_str(j, "theme", s->user.theme);
	json_end_obj(j);
}

static void put_last_login(struct json *j, const struct session *s)
{
	json_key(j, "last_login");
	if (s && s->last_login_ns > 0) {
		json_obj(j);
		json_kv_time(j, "at", s->last_login_ns);
		json_kv_str(j, "from", s->last_login_from);
		json_end_obj(j);
	} else {
		json_null(j);
	}
	json_kv_u64(j, "failures_since", s ? s->failures_since : 0);
}

void session_json(struct request *rq, struct reply *rp, int status, const struct session *s)
{
	struct web *w = web_of(rq->app);
	struct json *j = reply_json(rp, status);
	json_obj(j);
	put_user(j, s);
	json_kv_str(j, "csrf", s ? s->csrf : NULL);
	json_kv_bool(j, "setup_open", atomic_load(&w->setup_open));
	json_kv_str(j, "lang", rq->lang);
	put_last_login(j, s);
	json_key(j, "expires");
	if (s) {
		json_obj(j);
		json_kv_i64(j, "idle_s", SESSION_IDLE_S);
		json_kv_time(j, "at", s->created_ns + SESSION_LIFE_S * NS_PER_S);
		json_end_obj(j);
	} else {
		json_null(j);
	}
	json_key(j, "appliance");
	json_obj(j);
	json_kv_str(j, "id", s ? app_appliance_id(rq->app) : NULL);
	json_kv_str(j, "name", app_appliance_name(rq->app));
	json_kv_str(j, "timezone", app_appliance_timezone(rq->app));
	json_end_obj(j);
	json_kv_str(j, "version", s ? TOMSD_VERSION : NULL);
	json_end_obj(j);
}

void session_get_route(struct request *rq, struct reply *rp)
{
	struct session s;
	struct web *w = web_of(rq->app);
	bool has = rq->who.session_id != 0 && session_get(w->sessions, rq->who.session_id, &s);
	session_json(rq, rp, 200, has ? &s : NULL);
}

void session_begin(struct request *rq, struct reply *rp, struct session *s, const char *action)
{
	struct err e = ERR_INIT;
	char token[SESSION_TOKEN_MAX], cookie[160];
	struct web *w = web_of(rq->app);
	int64_t before = rq->who.session_id;
	int rc = session_open(w->sessions, app_store(rq->app), rq->who.from, s, token, &e);
	if (rc == 0) {
		rq->who.role = s->user.role;
		rq->who.user_id = s->user.id;
		rq->who.session_id = s->id;
		(void)str_copy(rq->who.name, sizeof(rq->who.name), str_of(s->user.name));
		rc = api_audit(rq, action, s->user.name, NULL, NULL, &e);
		if (rc != 0) /* what nobody could find out later does not happen */
			session_close(w->sessions, app_store(rq->app), s->id);
	}
	if (rc != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	if (before != 0)
		session_close(w->sessions, app_store(rq->app), before);
	counter_add(&web_counts.sign_ins, 1);
	(void)snprintf(cookie, sizeof(cookie),
		       COOKIE "=%s; Path=/; Max-Age=%d; Secure; HttpOnly; SameSite=Strict",
		       token, SESSION_LIFE_S);
	explicit_bzero(token, sizeof(token));
	(void)str_copy(rq->lang, sizeof(rq->lang), str_of(s->user.lang));
	session_json(rq, rp, 201, s);
	reply_header(rp, "Set-Cookie", cookie);
	explicit_bzero(cookie, sizeof(cookie));
}

bool fields_are_good(struct request *rq, struct reply *rp, const char *name,
		     const char *password, const char *user)
{
	char key[64], words[256], number[16];
	const char *faults[2] = { name ? users_name_fault(str_of(name)) : NULL,
				  password ? password_fault(str_of(password), str_of(user)) :
					     "missing" };
	static const char *const pointers[2] = { "/user", "/password" };
	for (size_t i = 0; i < 2; i++) {
		if (!faults[i])
			continue;
		int limit = i == 0                              ? 60 :
			    strcmp(faults[i], "too_short") == 0 ? PASSWORD_MIN :
								  PASSWORD_MAX;
		(void)snprintf(key, sizeof(key), "field.%s", faults[i]);
		(void)snprintf(number, sizeof(number), "%d", limit);
		reply_field(rp, "pointer", pointers[i], faults[i],
			    api_text(words, sizeof(words), rq->lang, key, number, NULL));
	}
	if (!faults[0] && !faults[1])
		return true;
	reply_problem(rq, rp, 422, "unacceptable", "%s",
		      api_words(rq->lang, "detail.password_rules"));
	return false;
}

static void refuse_for_now(struct request *rq, struct reply *rp, int wait_s)
{
	char words[256], seconds[16];
	(void)snprintf(seconds, sizeof(seconds), "%d", wait_s);
	rp->retry_after_s = wait_s;
	reply_problem(rq, rp, 429, "too_many_attempts", "%s",
		      api_text(words, sizeof(words), rq->lang, "detail.too_many_attempts",
			       seconds, NULL));
}

/* The failure is told to the audit log with the name that was tried, and to nobody else. */
static void fail(struct request *rq, struct reply *rp, const char *name,
		 const struct user_row *row, bool known)
{
	struct err e = ERR_INIT;
	struct web *w = web_of(rq->app);
	limits_failed(w->limits, str_of(name), known, clock_mono_ns());
	counter_add(&web_counts.sign_in_failures, 1);
	int rc = row ? users_failed(app_store(rq->app), row->user.id, &e) : 0;
	if (rc == 0)
		rc = api_audit(rq, "session.sign_in_failed", name, NULL, NULL, &e);
	if (rc != 0)
		log_err("panel", "failed sign-in is not in the audit log error=%s",
			LOGQ(e.text));
	reply_problem(rq, rp, 401, "sign_in_failed", "%s",
		      api_words(rq->lang, "detail.sign_in_failed"));
}

static void keep_anew(struct request *rq, const struct user_row *row, const char *password)
{
	struct err e = ERR_INIT;
	char kept[PASSWORD_KEPT_MAX];
	if (!password_is_old(row->password))
		return;
	if (password_keep(str_of(password), kept, &e) != 0 ||
	    users_set_password(app_store(rq->app), row->user.id, kept, &e) != 0)
		log_warning("panel", "password is still kept the old way error=%s",
			    LOGQ(e.text));
}

static void try_sign_in(struct request *rq, struct reply *rp, const char *name,
			const char *password)
{
	struct err e = ERR_INIT;
	struct user_row row;
	struct web *w = web_of(rq->app);
	int rc = users_find(app_store(rq->app), str_of(name), &row, &e);
	bool exists = rc == 0;
	if (rc != 0 && rc != -ERR_NOTFOUND) {
		reply_failed(rq, rp, &e);
		return;
	}
	bool known = exists && strcmp(row.last_login_from, rq->who.from) == 0;
	int wait_s = limits_wait_s(w->limits, str_of(name), known, clock_mono_ns());
	if (wait_s > 0) {
		refuse_for_now(rq, rp, wait_s);
		return;
	}
	bool fits = password_fits(str_of(password), exists ? row.password : "");
	if (!fits || row.disabled) {
		fail(rq, rp, name, exists ? &row : NULL, known);
		return;
	}
	keep_anew(rq, &row, password);
	limits_succeeded(w->limits, str_of(name));
	struct session s = { .user = row.user,
			     .last_login_ns = row.last_login_ns,
			     .failures_since = row.failures };
	(void)str_copy(s.last_login_from, sizeof(s.last_login_from),
		       str_of(row.last_login_from));
	session_begin(rq, rp, &s, "session.sign_in");
}

void session_post(struct request *rq, struct reply *rp)
{
	char name[128], password[PASSWORD_BYTES_MAX];
	struct json_doc doc;
	if (req_body(rq, &doc, rp) != 0)
		return;
	bool has_both =
		json_text(json_get(&doc, doc.nodes, "user"), name, sizeof(name)) &&
		json_text(json_get(&doc, doc.nodes, "password"), password, sizeof(password));
	json_doc_fini(&doc);
	if (has_both && name[0])
		try_sign_in(rq, rp, name, password);
	else
		reply_problem(rq, rp, 401, "sign_in_failed", "%s",
			      api_words(rq->lang, "detail.sign_in_failed"));
	explicit_bzero(password, sizeof(password));
}

/* One of the words, taken over into out; absent leaves it as it is. */
static bool take_word(struct request *rq, struct reply *rp, const struct json_doc *doc,
		      const char *member, const char *const *words, char *out, size_t cap)
{
	char value[32], pointer[32], list[64] = "", text[256];
	const struct json_node *node = json_get(doc, doc->nodes, member);
	size_t n = 0;
	if (!node)
		return true;
	bool is_text = json_text(node, value, sizeof(value));
	for (size_t i = 0; words[i]; i++) {
		if (is_text && strcmp(words[i], value) == 0)
			return str_copy(out, cap, str_of(value));
		int put = snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", words[i]);
		n += put > 0 && (size_t)put < sizeof(list) - n ? (size_t)put : 0;
	}
	(void)snprintf(pointer, sizeof(pointer), "/%s", member);
	reply_field(rp, "pointer", pointer, "one_of",
		    api_text(text, sizeof(text), rq->lang, "field.one_of", list, NULL));
	return false;
}

void session_patch(struct request *rq, struct reply *rp)
{
	static const char *const langs[] = { "ja", "en", NULL }, *const themes[] = {
		"system", "light", "dark", NULL
	};
	struct err e = ERR_INIT;
	struct session s;
	struct json_doc doc;
	struct web *w = web_of(rq->app);
	if (rq->who.session_id == 0 || !session_get(w->sessions, rq->who.session_id, &s)) {
		reply_problem(rq, rp, 401, "sign_in_required", "%s",
			      api_words(rq->lang, "detail.sign_in_required"));
		return;
	}
	if (req_body(rq, &doc, rp) != 0)
		return;
	bool lang_is_good =
		take_word(rq, rp, &doc, "lang", langs, s.user.lang, sizeof(s.user.lang));
	bool theme_is_good =
		take_word(rq, rp, &doc, "theme", themes, s.user.theme, sizeof(s.user.theme));
	json_doc_fini(&doc);
	if (!lang_is_good || !theme_is_good) {
		reply_problem(rq, rp, 422, "unacceptable", "%s",
			      api_words(rq->lang, "detail.password_rules"));
		return;
	}
	if (users_set_look(app_store(rq->app), &s.user, &e) != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	sessions_change_user(w->sessions, &s.user);
	(void)str_copy(rq->lang, sizeof(rq->lang), str_of(s.user.lang));
	session_json(rq, rp, 200, &s);
}

void session_delete(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct web *w = web_of(rq->app);
	if (api_audit(rq, "session.sign_out", rq->who.name, NULL, NULL, &e) != 0)
		log_err("panel", "sign-out is not in the audit log error=%s", LOGQ(e.text));
	if (rq->who.session_id != 0)
		session_close(w->sessions, app_store(rq->app), rq->who.session_id);
	rp->status = 204;
	reply_header(rp, "Set-Cookie",
		     COOKIE "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
}

#define NULLABLE(type) "{\"type\":[\"" type "\",\"null\"]}"
const char session_schema[] =
	"{\"type\":\"object\",\"required\":[\"user\",\"csrf\",\"setup_open\",\"lang\",\"last_login\",\"failures_since\",\"expires\","
	"\"appliance\",\"version\"],\"properties\":{"
	"\"user\":{\"type\":[\"object\",\"null\"],\"required\":[\"name\",\"role\",\"lang\",\"theme\"],\"properties\":{"
	"\"name\":{\"type\":\"string\"},\"role\":{\"enum\":[\"viewer\",\"auditor\",\"operator\",\"admin\"]},"
	"\"lang\":{\"enum\":[\"ja\",\"en\"]},\"theme\":{\"enum\":[\"system\",\"light\",\"dark\"]}}},"
	"\"csrf\":" NULLABLE(
		"string") ",\"setup_open\":{\"type\":\"boolean\"},\"lang\":{\"enum\":[\"ja\",\"en\"]},"
			  "\"last_login\":" NULLABLE("object") ",\"failures_since\":{\"type\":\"integer\"},\"expires\":" NULLABLE(
				  "object") ","
					    "\"appliance\":{\"type\":\"object\"},\"version\":" NULLABLE(
						    "string") "}}";
const char session_accepts[] =
	"{\"type\":\"object\",\"required\":[\"user\",\"password\"],\"properties\":{"
	"\"user\":{\"type\":\"string\"},\"password\":{\"type\":\"string\"}}}";
const char session_patch_accepts[] =
	"{\"type\":\"object\",\"properties\":{\"lang\":{\"enum\":[\"ja\",\"en\"]},\"theme\":{\"enum\":[\"system\",\"light\",\"dark\"]}}}";
