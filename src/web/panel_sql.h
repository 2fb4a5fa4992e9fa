/* SQL of the tables users, sessions and tokens. */
#ifndef WEB_PANEL_SQL_H
#define WEB_PANEL_SQL_H

extern const char panel_sql_session_insert[], panel_sql_session_delete[],
	panel_sql_session_delete_user[], panel_sql_session_seen[],
	panel_sql_session_delete_old[], panel_sql_sessions[];
extern const char panel_sql_tokens[], panel_sql_token_insert[], panel_sql_token_delete[],
	panel_sql_token_used[];
extern const char panel_sql_user_insert[], panel_sql_user_by_name[], panel_sql_users[],
	panel_sql_admins[], panel_sql_user_failed[], panel_sql_user_signed_in[],
	panel_sql_user_password[], panel_sql_user_look[], panel_sql_user_rights[];

#endif
