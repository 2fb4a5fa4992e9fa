/* SQL of the room's tables: constant text, values bound. */
#ifndef RESCUE_SQL_H
#define RESCUE_SQL_H

extern const char rescue_sql_key[], rescue_sql_key_retire[], rescue_sql_key_add[];
extern const char rescue_sql_backup_add[], rescue_sql_backups[], rescue_sql_local_backups[],
	rescue_sql_backup_forget[];
extern const char rescue_sql_rehearsal_add[], rescue_sql_rehearsal_last[],
	rescue_sql_rehearsal_last_good[];
extern const char rescue_sql_state_put[], rescue_sql_state[];

#endif
