/* Private half of sqlite.c: connections for the writer and the pool. A struct sql and its
 * statements belong to one thread at a time. */
#ifndef TOMSD_STORE_SQLITE_H
#define TOMSD_STORE_SQLITE_H

#include "tomsd/store.h"

enum sql_role {
	SQL_WRITER /* makes the file */,
	SQL_READER,
	SQL_READER_IMMUTABLE /* no -shm possible */,
	SQL_COPY /* makes a file that nobody else has open: no log, one transaction */
};

int sql_open(struct sql **out, const char *path, enum sql_role role, struct err *e) MUST_CHECK;
/* Another file beside the main one, for reading only, under this name. */
int sql_attach(struct sql *db, const char *path, const char *name, struct err *e) MUST_CHECK;
void sql_close(struct sql *db); /* finalizes what is left; rolls back */
/* Statements end with -ERR_TIMEOUT past this moment; 0: none. */
void sql_set_deadline(struct sql *db, int64_t mono_ns);
void sql_interrupt(struct sql *db); /* any thread */
bool sql_in_transaction(struct sql *db);
void sql_rollback(struct sql *db);   /* fine without a transaction */
int64_t sql_changes(struct sql *db); /* rows the last statement changed */
/* Day tables were taken away past the writer, which then forgets those it has open: set, and asked once. */
void sql_set_days_changed(struct sql *db);
bool sql_take_days_changed(struct sql *db);
/* What the last failure was, beyond the ERR_X: a failed write or fsync wants a new
 * connection. */
bool sql_failed_on_disk(struct sql *db);
/* A number of the pool's: which file the connection belongs to. */
void sql_set_tag(struct sql *db, uint64_t tag);
uint64_t sql_tag(const struct sql *db);
/* First column of the first row of a statement without parameters; def when there is none. */
int sql_number(struct sql *db, const char *text, int64_t def, int64_t *out,
	       struct err *e) MUST_CHECK;
/* A statement over one day's table: before, the table's name, after. */
int sql_prepare_on(struct stmt **out, struct sql *db, const char *before, const char *table,
		   const char *after, struct err *e) MUST_CHECK;
/* Steps to the end and resets; the statement stays with the caller. */
int stmt_run(struct stmt *s, struct err *e) MUST_CHECK;
void stmt_reset(struct stmt *s);
/* As stmt_text and stmt_blob without a copy: the bytes stay until the next stmt_reset. */
void stmt_text_ref(struct stmt *s, int at, struct str v);
void stmt_blob_ref(struct stmt *s, int at, const void *p, size_t n);
void stmt_clear(struct stmt *s); /* all parameters NULL */
bool stmt_col_is_int(struct stmt *s, int col);
bool stmt_col_is_blob(struct stmt *s, int col);
/* Moves WAL frames into the database. truncate: also empties the file, waiting at most 50 ms
 * for readers (-ERR_BUSY: they did not go). frames: in the WAL, left: not moved yet. */
int sql_checkpoint(struct sql *db, bool truncate, int *frames, int *left,
		   struct err *e) MUST_CHECK;

#endif
