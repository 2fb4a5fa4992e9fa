/* See rescue_sql.h. */
#include "rescue_sql.h"

const char rescue_sql_key[] = "SELECT id, public_key, made_ns, made_by FROM rescue_key"
			      " WHERE retired_ns = 0 ORDER BY made_ns DESC LIMIT 1";
const char rescue_sql_key_retire[] =
	"UPDATE rescue_key SET retired_ns = ?1 WHERE retired_ns = 0";
const char rescue_sql_key_add[] =
	"INSERT INTO rescue_key (id, public_key, made_ns, made_by) VALUES (?1, ?2, ?3, ?4)";

#define BACKUP_COLUMNS                                                                    \
	"id, key, path, made_ns, took_ns, asked_by, bytes, sha256, database_bytes, rows," \
	" tables, oldest_day, left_out, key_id"
const char rescue_sql_backup_add[] =
	"INSERT INTO rescue_backup (key, path, made_ns, took_ns, asked_by, bytes, sha256,"
	" database_bytes, rows, tables, oldest_day, left_out, key_id)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const char rescue_sql_backups[] = "SELECT " BACKUP_COLUMNS
				  " FROM rescue_backup ORDER BY id DESC LIMIT ?1";
const char rescue_sql_local_backups[] =
	"SELECT " BACKUP_COLUMNS
	" FROM rescue_backup WHERE path <> '' ORDER BY id DESC LIMIT ?1";
const char rescue_sql_backup_forget[] = "UPDATE rescue_backup SET path = '' WHERE id = ?1";

#define REHEARSAL_COLUMNS \
	"at_ns, took_ns, asked_by, source, made_ns, rows, tables, good, words, code"
const char rescue_sql_rehearsal_add[] = "INSERT INTO rescue_rehearsal (" REHEARSAL_COLUMNS
					") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const char rescue_sql_rehearsal_last[] = "SELECT " REHEARSAL_COLUMNS
					 " FROM rescue_rehearsal ORDER BY id DESC LIMIT 1";
const char rescue_sql_rehearsal_last_good[] =
	"SELECT " REHEARSAL_COLUMNS
	" FROM rescue_rehearsal WHERE good = 1 ORDER BY id DESC LIMIT 1";

const char rescue_sql_state_put[] =
	"INSERT INTO rescue_state (name, at_ns, words) VALUES (?1, ?2, ?3)"
	" ON CONFLICT DO UPDATE SET at_ns = ?2, words = ?3";
const char rescue_sql_state[] = "SELECT at_ns, words FROM rescue_state WHERE name = ?1";
