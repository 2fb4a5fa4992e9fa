/* The table users: who there is, and what they may. */
#include "users.h"

#include "panel_sql.h"
#include "tomsd/base/clock.h"

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

struct rights {
	int64_t id;
	enum role role;
	bool disabled;
};
struct change { /* what a write needs; u's id goes back */
	const char *sql;
	struct user *u;
	int64_t id;
	const char *password;
};

/* 0, or -ERR_EXISTS: names are not told apart by case. */
static int is_taken(struct sql *db, const char *name, struct err *e)
{
	struct stmt *st;
	int rc = sql_prepare(db, panel_sql_user_by_name, &st, e);
	if (rc != 0)
		return rc;
	stmt_text(st, 1, str_of(name));
	rc = stmt_step(st, e);
	stmt_done(st);
	return rc == 1 ? -ERR_EXISTS : rc;
}

static int insert(struct sql *db, void *arg, struct err *e)
{
	struct change *c = arg;
	struct stmt *st;
	int rc = is_taken(db, c->u->name, e);
	if (rc != 0)
		return rc;
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

static int insert_first(struct sql *db, void *arg, struct err *e)
{
	int64_t n;
	int rc = count_admins(db, &n, e);
	if (rc != 0)
		return rc;
	return n > 0 ? -ERR_EXISTS : insert(db, arg, e);
}

int users_add(struct store *store, struct user *u, const char *password, struct err *e)
{
	struct change c = { .u = u, .password = password };
	return store_write(store, insert, &c, e);
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

/* Role and door of one user; the last administrator keeps both. */
static int update_rights(struct sql *db, void *arg, struct err *e)
{
	struct rights *r = arg;
	struct stmt *st;
	int64_t n;
	int rc = sql_prepare(db, panel_sql_user_rights, &st, e);
	if (rc != 0)
		return rc;
	stmt_i64(st, 1, r->id);
	stmt_text(st, 2, str_of(role_names[r->role]));
	stmt_i64(st, 3, r->disabled);
	rc = stmt_step(st, e);
	stmt_done(st);
	if (rc >= 0)
		rc = count_admins(db, &n, e);
	return rc != 0 ? rc : n > 0 ? 0 : -ERR_DENIED; /* which takes it back */
}

int users_set_rights(struct store *store, int64_t id, enum role role, bool disabled,
		     struct err *e)
{
	struct rights r = { id, role, disabled };
	return store_write(store, update_rights, &r, e);
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
