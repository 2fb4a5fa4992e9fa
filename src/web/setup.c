/* The first administrator. While there is none, the daemon prints a code at its start, and who has it
 * makes the first account; then the door is closed for good. The code lives in memory only: another
 * start makes another one. */
#include <stdio.h>

#include "sign_in.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/log.h"
#include "users.h"
#include "web.h"

/* Crockford's base 32: no I, L, O, U to mistake. 12 characters are 60 bits. */
static const char alphabet[33] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void make_code(char out[CODE_TEXT_MAX])
{
	uint8_t random[12];
	size_t n = 0;
	file_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i == 4 || i == 8)
			out[n++] = '-';
		out[n++] = alphabet[random[i] & 31];
	}
	out[n] = '\0';
	explicit_bzero(random, sizeof(random));
}

int setup_prepare(struct web *w, struct err *e)
{
	bool has_admin = true;
	int rc = users_has_admin(app_store(w->app), &has_admin, e);
	if (rc == 0 && !has_admin) {
		make_code(w->setup_code);
		atomic_store(&w->setup_open, true);
	}
	return rc;
}

/* As people type it: any case, with or without dashes and spaces, O for 0, I and L for 1. */
static void fold_code(const char *typed, char out[CODE_TEXT_MAX])
{
	size_t n = 0;
	memset(out, 0, CODE_TEXT_MAX);
	for (; *typed && n + 1 < CODE_TEXT_MAX; typed++) {
		char c = *typed;
		if (c == '-' || c == ' ')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (n == 4 || n == 9)
			out[n++] = '-';
		out[n++] = (char)(c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c);
		if (n == CODE_TEXT_MAX - 1)
			break;
	}
}

static bool code_fits(const struct web *w, const char *typed)
{
	char folded[CODE_TEXT_MAX];
	fold_code(typed, folded);
	return hash_equal(folded, w->setup_code, sizeof(folded));
}

void setup_get(struct request *rq, struct reply *rp)
{
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_kv_bool(j, "open", atomic_load(&web_of(rq->app)->setup_open));
	json_kv_i64(j, "password_min", PASSWORD_MIN);
	json_end_obj(j);
}

struct answers {
	char code[64], name[128], password[PASSWORD_BYTES_MAX], lang[8];
	bool has_password;
};

static bool take_answers(struct request *rq, struct reply *rp, struct answers *a)
{
	struct json_doc doc;
	memset(a, 0, sizeof(*a));
	if (req_body(rq, &doc, rp) != 0)
		return false;
	if (!json_text(json_get(&doc, doc.nodes, "code"), a->code, sizeof(a->code)))
		a->code[0] = '\0';
	if (!json_text(json_get(&doc, doc.nodes, "user"), a->name, sizeof(a->name)))
		a->name[0] = '\0';
	a->has_password = json_text(json_get(&doc, doc.nodes, "password"), a->password,
				    sizeof(a->password));
	if (!json_text(json_get(&doc, doc.nodes, "lang"), a->lang, sizeof(a->lang)) ||
	    (strcmp(a->lang, "ja") != 0 && strcmp(a->lang, "en") != 0))
		(void)str_copy(a->lang, sizeof(a->lang), str_of(rq->lang));
	json_doc_fini(&doc);
	return true;
}

static void close_door(struct request *rq, struct reply *rp)
{
	atomic_store(&web_of(rq->app)->setup_open, false);
	reply_problem(rq, rp, 410, "setup_closed", "%s",
		      api_words(rq->lang, "detail.setup_closed"));
}

static void add_admin(struct request *rq, struct reply *rp, struct answers *a)
{
	struct err e = ERR_INIT;
	char kept[PASSWORD_KEPT_MAX];
	struct session s = { .user.role = ROLE_ADMIN, .user.theme = "system" };
	(void)str_copy(s.user.name, sizeof(s.user.name), str_of(a->name)); /* checked: fits */
	(void)str_copy(s.user.lang, sizeof(s.user.lang), str_of(a->lang));
	int rc = password_keep(str_of(a->password), kept, &e);
	if (rc == 0)
		rc = users_add_first(app_store(rq->app), &s.user, kept, &e);
	if (rc == -ERR_EXISTS) {
		close_door(rq, rp);
	} else if (rc != 0) {
		reply_failed(rq, rp, &e);
	} else {
		atomic_store(&web_of(rq->app)->setup_open, false);
		log_notice("panel", "set-up done user=%s from=%s", LOGQ(a->name), rq->who.from);
		session_begin(rq, rp, &s, "setup.done");
	}
}

void setup_post(struct request *rq, struct reply *rp)
{
	struct answers a;
	struct err e = ERR_INIT;
	struct web *w = web_of(rq->app);
	if (!atomic_load(&w->setup_open)) {
		close_door(rq, rp);
		return;
	}
	if (!take_answers(rq, rp, &a))
		return;
	if (!code_fits(w, a.code)) {
		counter_add(&web_counts.sign_in_failures, 1);
		if (api_audit(rq, "setup.failed", NULL, NULL, NULL, &e) != 0)
			log_err("panel", "failed set-up is not in the audit log error=%s",
				LOGQ(e.text));
		reply_problem(rq, rp, 401, "sign_in_failed", "%s",
			      api_words(rq->lang, "detail.sign_in_failed"));
	} else if (fields_are_good(rq, rp, a.name, a.has_password ? a.password : NULL,
				   a.name)) {
		add_admin(rq, rp, &a);
	}
	explicit_bzero(&a, sizeof(a));
}

const char setup_schema[] =
	"{\"type\":\"object\",\"required\":[\"open\",\"password_min\"],\"properties\":{\"open\":{\"type\":\"boolean\"},"
	"\"password_min\":{\"type\":\"integer\"}}}";
const char setup_accepts[] =
	"{\"type\":\"object\",\"required\":[\"code\",\"user\",\"password\"],\"properties\":{\"code\":{\"type\":\"string\"},"
	"\"user\":{\"type\":\"string\"},\"password\":{\"type\":\"string\"},\"lang\":{\"enum\":[\"ja\",\"en\"]}}}";
