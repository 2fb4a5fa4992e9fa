/* SQL of the tables users, sessions and tokens: constant text, values bound. */
#include "panel_sql.h"

const char panel_sql_session_insert[] =
	"INSERT INTO sessions (user_id, hash, created_ns, seen_ns, origin, last_login_ns, last_login_from, failures_since)"
	" VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7) RETURNING id";
const char panel_sql_session_delete[] = "DELETE FROM sessions WHERE id = ?1";
const char panel_sql_session_delete_user[] = "DELETE FROM sessions WHERE user_id = ?1";
const char panel_sql_session_seen[] = "UPDATE sessions SET seen_ns = ?2 WHERE id = ?1";
const char panel_sql_session_delete_old[] =
	"DELETE FROM sessions WHERE created_ns < ?1 OR seen_ns < ?2";
const char panel_sql_sessions[] =
	"SELECT s.id, s.hash, s.created_ns, s.seen_ns, s.last_login_ns, s.last_login_from, s.failures_since,"
	" u.id, u.name, u.role, u.lang, u.theme FROM sessions s JOIN users u ON u.id = s.user_id"
	" WHERE u.disabled = 0 ORDER BY s.id";

const char panel_sql_user_insert[] =
	"INSERT INTO users (name, role, password, lang, theme, created_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
const char panel_sql_user_by_name[] =
	"SELECT id, name, role, lang, theme, password, last_login_ns, last_login_from, failures, disabled FROM users"
	" WHERE name = ?1";
const char panel_sql_users[] =
	"SELECT id, name, role, lang, created_ns, last_login_ns, last_login_from, disabled FROM users ORDER BY name";
const char panel_sql_admins[] =
	"SELECT count(*) FROM users WHERE role = 'admin' AND disabled = 0";
const char panel_sql_user_failed[] = "UPDATE users SET failures = failures + 1 WHERE id = ?1";
const char panel_sql_user_signed_in[] =
	"UPDATE users SET last_login_ns = ?2, last_login_from = ?3, failures = 0 WHERE id = ?1";
const char panel_sql_user_password[] = "UPDATE users SET password = ?2 WHERE id = ?1";
const char panel_sql_user_look[] = "UPDATE users SET lang = ?2, theme = ?3 WHERE id = ?1";
const char panel_sql_user_rights[] = "UPDATE users SET role = ?2, disabled = ?3 WHERE id = ?1";

const char panel_sql_tokens[] =
	"SELECT id, name, role, hash, created_ns, expires_ns, networks, used_ns, used_from FROM tokens ORDER BY id";
const char panel_sql_token_insert[] =
	"INSERT INTO tokens (name, role, hash, created_ns, expires_ns, networks) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	" RETURNING id";
const char panel_sql_token_delete[] = "DELETE FROM tokens WHERE id = ?1";
const char panel_sql_token_used[] =
	"UPDATE tokens SET used_ns = ?2, used_from = ?3 WHERE id = ?1";
