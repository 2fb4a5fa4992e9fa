/* SQL of the table audit. */
#ifndef API_AUDIT_SQL_H
#define API_AUDIT_SQL_H

extern const char audit_sql_last[], audit_sql_insert[], audit_sql_list[], audit_sql_span[];

#endif
