/* The table users: who there is, and the two routes over it. */
#include "users.h"

#include <stdio.h>

#include "panel_sql.h"
#include "sign_in.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "web.h"

int users_find(struct store *store, struct str name, struct user_row *out, struct err *e)
{
	struct sql *db;
	struct stmt *st;
	int rc = store_read_begin(store, clock_mono_ns() + 5 * NS_PER_S, &db, e);
	if (rc != 0)
		return rc;
	rc = sql_prepare(db, panel_sql_user_by_name, &st, e);
	if (rc == 0) {
		stmt_text(st, 1, name);
		rc = stmt_step(st, e);
		if (rc == 1) {
			*out = (struct user_row){ .user.id = stmt_col_i64(st, 0),
						  .last_login_ns = stmt_col_i64(st, 6),
						  .failures = (uint32_t)stmt_col_i64(st, 8),
						  .disabled = stmt_col_i64(st, 9) != 0 };
			for (enum role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
				if (str_eq(stmt_col_text(st, 2), str_of(role_names[r])))
					out->user.role = r;
			(void)str_copy(out->user.name, sizeof(out->user.name),
				       stmt_col_text(st, 1));
			(void)str_copy(out->user.lang, sizeof(out->user.lang),
				       stmt_col_text(st, 3));
			(void)str_copy(out->user.theme, sizeof(out->user.theme),
				       stmt_col_text(st, 4));
			(void)str_copy(out->password, sizeof(out->password),
				       stmt_col_text(st, 5));
			(void)str_copy(out->last_login_from, sizeof(out->last_login_from),
				       stmt_col_text(st, 7));
		}
		stmt_done(st);
	}
	store_read_end(store, db);
	return rc == 0 ? -ERR_NOTFOUND : rc == 1 ? 0 : rc;
}

static int count_admins(struct sql *db, int64_t *n, struct err *e)
{
	struct stmt *st;
	int rc = sql_prepare(db, panel_sql_admins, &st, e);
	if (rc != 0)
		return rc;
	rc = stmt_step(st, e);
	*n = rc == 1 ? stmt_col_i64(st, 0) : 0;
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

int users_has_admin(struct store *store, bool *has, struct err *e)
{
	struct sql *db;
	int64_t n = 0;
	int rc = store_read_begin(store, clock_mono_ns() + 10 * NS_PER_S, &db, e);
	if (rc != 0)
		return rc;
	rc = count_admins(db, &n, e);
	store_read_end(store, db);
	*has = n > 0;
	return rc;
}

struct change { /* what a write needs; u's id goes back */
	const char *sql;
	struct user *u;
	int64_t id;
	const char *password;
};

static int insert_first(struct sql *db, void *arg, struct err *e)
{
	struct change *c = arg;
	struct stmt *st;
	int64_t n;
	int rc = count_admins(db, &n, e);
	if (rc != 0)
		return rc;
	if (n > 0)
		return -ERR_EXISTS;
	rc = sql_prepare(db, panel_sql_user_insert, &st, e);
	if (rc != 0)
		return rc;
	stmt_text(st, 1, str_of(c->u->name));
	stmt_text(st, 2, str_of(role_names[c->u->role]));
	stmt_text(st, 3, str_of(c->password));
	stmt_text(st, 4, str_of(c->u->lang));
	stmt_text(st, 5, str_of(c->u->theme));
	stmt_i64(st, 6, clock_now_ns());
	rc = stmt_step(st, e);
	if (rc == 1)
		c->u->id = stmt_col_i64(st, 0);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

int users_add_first(struct store *store, struct user *u, const char *password, struct err *e)
{
	struct change c = { .u = u, .password = password };
	return store_write(store, insert_first, &c, e);
}

static int update(struct sql *db, void *arg, struct err *e)
{
	struct change *c = arg;
	struct stmt *st;
	int rc = sql_prepare(db, c->sql, &st, e);
	if (rc != 0)
		return rc;
	stmt_i64(st, 1, c->id);
	if (c->password)
		stmt_text(st, 2, str_of(c->password));
	if (c->u) {
		stmt_text(st, 2, str_of(c->u->lang));
		stmt_text(st, 3, str_of(c->u->theme));
	}
	rc = stmt_step(st, e);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

int users_failed(struct store *store, int64_t id, struct err *e)
{
	struct change c = { .sql = panel_sql_user_failed, .id = id };
	return store_write(store, update, &c, e);
}

int users_set_password(struct store *store, int64_t id, const char *password, struct err *e)
{
	struct change c = { .sql = panel_sql_user_password, .id = id, .password = password };
	return store_write(store, update, &c, e);
}

int users_set_look(struct store *store, const struct user *u, struct err *e)
{
	struct user copy = *u;
	struct change c = { .sql = panel_sql_user_look, .id = u->id, .u = &copy };
	return store_write(store, update, &c, e);
}

const char *users_name_fault(struct str name)
{
	size_t characters = 0;
	if (name.n == 0)
		return "missing";
	if (!str_utf8_valid(name) || str_trim(name).n != name.n)
		return "characters";
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		characters += (c & 0xc0) != 0x80;
		if (c < 0x20 || c == 0x7f || strchr("\"'<>&\\/:;,%?#", c))
			return "characters";
	}
	return characters > 60 || name.n >= sizeof(((struct user *)NULL)->name) ? "too_long" :
										  NULL;
}

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

/* A new password from the shell, for people who have lost theirs. All their sessions end. */
void users_password_post(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct user_row row;
	char password[PASSWORD_BYTES_MAX], kept[PASSWORD_KEPT_MAX];
	struct json_doc doc;
	struct web *w = web_of(rq->app);
	int rc = users_find(app_store(rq->app), rq->path_arg, &row, &e);
	if (rc == -ERR_NOTFOUND) {
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_user"));
		return;
	}
	if (rc != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	if (req_body(rq, &doc, rp) != 0)
		return;
	bool is_text =
		json_text(json_get(&doc, doc.nodes, "password"), password, sizeof(password));
	json_doc_fini(&doc);
	if (!fields_are_good(rq, rp, NULL, is_text ? password : NULL, row.user.name))
		return;
	rc = password_keep(str_of(password), kept, &e);
	explicit_bzero(password, sizeof(password));
	if (rc == 0)
		rc = users_set_password(app_store(rq->app), row.user.id, kept, &e);
	if (rc == 0)
		rc = api_audit(rq, "user.password_reset", row.user.name, NULL, NULL, &e);
	if (rc != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	sessions_close_user(w->sessions, app_store(rq->app), row.user.id);
	limits_succeeded(w->limits, str_of(row.user.name)); /* whoever waited may try at once */
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_kv_str(j, "name", row.user.name);
	json_kv_str(j, "role", role_names[row.user.role]);
	json_end_obj(j);
}

const char users_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"id\",\"name\",\"role\",\"lang\",\"created\",\"last_login\",\"disabled\"],\"properties\":{"
	"\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},\"lang\":{\"type\":\"string\"},"
	"\"created\":{\"type\":\"string\",\"format\":\"date-time\"},\"last_login\":{\"type\":[\"object\",\"null\"]},"
	"\"disabled\":{\"type\":\"boolean\"}}}}}}";
const char users_password_accepts[] =
	"{\"type\":\"object\",\"required\":[\"password\"],\"properties\":{\"password\":{\"type\":\"string\"}}}";
