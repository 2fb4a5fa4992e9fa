/* SQL of the table job_run: constant text, values bound. */
#include "jobs_sql.h"

#define COLUMNS                                                                                    \
	"id, kind, state, user, asked_ns, started_ns, ended_ns, done, total, unit, result, error," \
	" clean_ns, asked, role, origin, session, lang"

const char jobs_sql_insert[] =
	"INSERT INTO job_run (kind, state, user, role, origin, session, lang, asked, asked_ns, unit)"
	" VALUES (?1, 'running', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id";
const char jobs_sql_count[] =
	"SELECT count(*) FROM job_run WHERE state = 'running' AND kind = ?1 AND user = ?2";
const char jobs_sql_start[] =
	"UPDATE job_run SET started_ns = ?2 WHERE id = ?1 AND state = 'running'";
const char jobs_sql_end[] =
	"UPDATE job_run SET state = ?2, ended_ns = ?3, done = ?4, total = ?5, result = ?6, error = ?7,"
	" clean_ns = ?8 WHERE id = ?1 AND state = 'running'";
const char jobs_sql_interrupt[] =
	"UPDATE job_run SET state = 'failed', ended_ns = ?1, error = 'interrupted' WHERE state = 'running'";
const char jobs_sql_get[] = "SELECT " COLUMNS " FROM job_run WHERE id = ?1";
const char jobs_sql_list[] = "SELECT " COLUMNS " FROM job_run WHERE (?1 IS NULL OR user = ?1)"
			     " ORDER BY id DESC LIMIT ?2";
/* Both speak of the same rows: a result that is forgotten has been cleaned away. */
#define STALE "WHERE clean_ns > 0 AND clean_ns <= ?1 ORDER BY id LIMIT 100"
const char jobs_sql_stale[] = "SELECT id, kind FROM job_run " STALE;
const char jobs_sql_clean[] = "UPDATE job_run SET clean_ns = 0, result = ''"
			      " WHERE id IN (SELECT id FROM job_run " STALE ")";
const char jobs_sql_forget[] =
	"DELETE FROM job_run WHERE state <> 'running' AND clean_ns = 0 AND ended_ns < ?1";
