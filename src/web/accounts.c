/* Accounts as routes. What changes them is for the control socket only, where the shell has already
 * proven who asks; the panel's own page for it comes with re-authentication. */
#include <stdio.h>

#include "panel_sql.h"
#include "sign_in.h"
#include "tomsd/base/clock.h"
#include "users.h"
#include "web.h"

static void put_user(struct json *j, struct stmt *st)
{
	char id[24];
	(void)snprintf(id, sizeof(id), "%lld", (long long)stmt_col_i64(st, 0));
	json_obj(j);
	json_kv_str(j, "id", id);
	json_key(j, "name");
	json_str(j, stmt_col_text(st, 1));
	json_key(j, "role");
	json_str(j, stmt_col_text(st, 2));
	json_key(j, "lang");
	json_str(j, stmt_col_text(st, 3));
	json_kv_time(j, "created", stmt_col_i64(st, 4));
	json_key(j, "last_login");
	if (stmt_col_i64(st, 5) > 0) {
		json_obj(j);
		json_kv_time(j, "at", stmt_col_i64(st, 5));
		json_key(j, "from");
		json_str(j, stmt_col_text(st, 6));
		json_end_obj(j);
	} else {
		json_null(j);
	}
	json_kv_bool(j, "disabled", stmt_col_i64(st, 7) != 0);
	json_end_obj(j);
}

void users_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *st;
	struct store *store = app_store(rq->app);
	if (store_read_begin(store, rq->deadline_mono_ns, &db, &e) != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	int rc = sql_prepare(db, panel_sql_users, &st, &e);
	if (rc == 0) {
		while ((rc = stmt_step(st, &e)) == 1)
			put_user(j, st);
		stmt_done(st);
	}
	store_read_end(store, db);
	if (rc != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	json_end_arr(j);
	json_end_obj(j);
}

static void put_one(struct reply *rp, int status, const char *name, enum role role,
		    bool disabled)
{
	struct json *j = reply_json(rp, status);
	json_obj(j);
	json_kv_str(j, "name", name);
	json_kv_str(j, "role", role_names[role]);
	json_kv_bool(j, "disabled", disabled);
	json_end_obj(j);
}

/* The user at {name}; false with the answer in rp. */
static bool find_user(struct request *rq, struct reply *rp, struct user_row *row)
{
	struct err e = ERR_INIT;
	int rc = users_find(app_store(rq->app), rq->path_arg, row, &e);
	if (rc == -ERR_NOTFOUND)
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_user"));
	else if (rc != 0)
		reply_failed(rq, rp, &e);
	return rc == 0;
}

/* The member role, if it is there; false with the answer in rp when it is none. */
static bool take_role(struct request *rq, struct reply *rp, const struct json_doc *doc,
		      bool required, enum role *role)
{
	char text[32], words[256];
	const struct json_node *node = json_get(doc, doc->nodes, "role");
	if (!node && !required)
		return true;
	for (enum role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
		if (json_text(node, text, sizeof(text)) && strcmp(text, role_names[r]) == 0) {
			*role = r;
			return true;
		}
	reply_field(rp, "pointer", "/role", "one_of",
		    api_text(words, sizeof(words), rq->lang, "field.one_of",
			     "viewer, auditor, operator, admin", NULL));
	reply_problem(rq, rp, 422, "unacceptable", "%s",
		      api_words(rq->lang, "detail.password_rules"));
	return false;
}

static void add_user(struct request *rq, struct reply *rp, struct user *u, const char *password)
{
	struct err e = ERR_INIT;
	char kept[PASSWORD_KEPT_MAX], after[64];
	int rc = password_keep(str_of(password), kept, &e);
	if (rc == 0)
		rc = users_add(app_store(rq->app), u, kept, &e);
	if (rc == -ERR_EXISTS) {
		reply_problem(rq, rp, 409, "exists", "%s",
			      api_words(rq->lang, "detail.user_exists"));
		return;
	}
	(void)snprintf(after, sizeof(after), "{\"role\":\"%s\"}", role_names[u->role]);
	if (rc == 0)
		rc = api_audit(rq, "user.add", u->name, NULL, after, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else
		put_one(rp, 201, u->name, u->role, false);
}

void users_post(struct request *rq, struct reply *rp)
{
	char name[128], password[PASSWORD_BYTES_MAX];
	struct user u = { .theme = "system", .lang = "ja" }; /* theirs to change */
	struct json_doc doc;
	if (req_body(rq, &doc, rp) != 0)
		return;
	bool has_name = json_text(json_get(&doc, doc.nodes, "user"), name, sizeof(name));
	bool has_password =
		json_text(json_get(&doc, doc.nodes, "password"), password, sizeof(password));
	bool has_role = take_role(rq, rp, &doc, true, &u.role);
	json_doc_fini(&doc);
	if (has_role && fields_are_good(rq, rp, has_name ? name : "",
					has_password ? password : NULL, has_name ? name : "")) {
		(void)str_copy(u.name, sizeof(u.name), str_of(name)); /* checked: fits */
		add_user(rq, rp, &u, password);
	}
	explicit_bzero(password, sizeof(password));
}

void users_patch(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct user_row row;
	struct json_doc doc;
	char before[64], after[64];
	if (!find_user(rq, rp, &row) || req_body(rq, &doc, rp) != 0)
		return;
	enum role role = row.user.role;
	const struct json_node *off = json_get(&doc, doc.nodes, "disabled");
	bool disabled = off ? off->type == JSON_TRUE : row.disabled;
	bool is_good = take_role(rq, rp, &doc, false, &role);
	json_doc_fini(&doc);
	if (!is_good)
		return;
	(void)snprintf(before, sizeof(before), "{\"role\":\"%s\",\"disabled\":%s}",
		       role_names[row.user.role], row.disabled ? "true" : "false");
	(void)snprintf(after, sizeof(after), "{\"role\":\"%s\",\"disabled\":%s}",
		       role_names[role], disabled ? "true" : "false");
	int rc = users_set_rights(app_store(rq->app), row.user.id, role, disabled, &e);
	if (rc == -ERR_DENIED) {
		reply_problem(rq, rp, 422, "last_admin", "%s",
			      api_words(rq->lang, "detail.last_admin"));
		return;
	}
	/* what they may has changed, also when the audit row fails: they sign in again and see what is left */
	if (rc == 0) {
		sessions_close_user(web_of(rq->app)->sessions, app_store(rq->app), row.user.id);
		rc = api_audit(rq, "user.change", row.user.name, before, after, &e);
	}
	if (rc != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	put_one(rp, 200, row.user.name, role, disabled);
}

/* A new password from the shell, for people who have lost theirs. All their sessions end. */
void users_password_post(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct user_row row;
	char password[PASSWORD_BYTES_MAX], kept[PASSWORD_KEPT_MAX];
	struct json_doc doc;
	struct web *w = web_of(rq->app);
	if (!find_user(rq, rp, &row))
		return;
	if (req_body(rq, &doc, rp) != 0)
		return;
	bool is_text =
		json_text(json_get(&doc, doc.nodes, "password"), password, sizeof(password));
	json_doc_fini(&doc);
	if (!fields_are_good(rq, rp, NULL, is_text ? password : NULL, row.user.name))
		return;
	int rc = password_keep(str_of(password), kept, &e);
	explicit_bzero(password, sizeof(password));
	if (rc == 0)
		rc = users_set_password(app_store(rq->app), row.user.id, kept, &e);
	if (rc == 0) {
		sessions_close_user(w->sessions, app_store(rq->app), row.user.id);
		rc = api_audit(rq, "user.password_reset", row.user.name, NULL, NULL, &e);
	}
	if (rc != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	limits_succeeded(w->limits, str_of(row.user.name)); /* whoever waited may try at once */
	put_one(rp, 200, row.user.name, row.user.role, row.disabled);
}

const char users_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"id\",\"name\",\"role\",\"lang\",\"created\",\"last_login\",\"disabled\"],\"properties\":{"
	"\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},\"lang\":{\"type\":\"string\"},"
	"\"created\":{\"type\":\"string\",\"format\":\"date-time\"},\"last_login\":{\"type\":[\"object\",\"null\"]},"
	"\"disabled\":{\"type\":\"boolean\"}}}}}}";
const char users_password_accepts[] =
	"{\"type\":\"object\",\"required\":[\"password\"],\"properties\":{\"password\":{\"type\":\"string\"}}}";
const char users_accepts[] =
	"{\"type\":\"object\",\"required\":[\"user\",\"password\",\"role\"],\"properties\":{"
	"\"user\":{\"type\":\"string\"},\"password\":{\"type\":\"string\"},"
	"\"role\":{\"enum\":[\"viewer\",\"auditor\",\"operator\",\"admin\"]}}}";
const char users_patch_accepts[] =
	"{\"type\":\"object\",\"properties\":{"
	"\"role\":{\"enum\":[\"viewer\",\"auditor\",\"operator\",\"admin\"]},\"disabled\":{\"type\":\"boolean\"}}}";
