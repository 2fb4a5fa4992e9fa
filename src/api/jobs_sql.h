/* SQL of the table job_run. */
#ifndef API_JOBS_SQL_H
#define API_JOBS_SQL_H

extern const char jobs_sql_insert[], jobs_sql_count[], jobs_sql_start[], jobs_sql_end[],
	jobs_sql_interrupt[], jobs_sql_get[], jobs_sql_list[], jobs_sql_stale[], jobs_sql_clean[],
	jobs_sql_forget[];

#endif
