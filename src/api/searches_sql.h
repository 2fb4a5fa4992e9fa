/* SQL of the table saved_search. */
#ifndef API_SEARCHES_SQL_H
#define API_SEARCHES_SQL_H

extern const char searches_sql_list[], searches_sql_get[], searches_sql_count[],
	searches_sql_taken[], searches_sql_insert[], searches_sql_update[], searches_sql_delete[];

#endif
