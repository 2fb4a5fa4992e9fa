/* A copy looked at by who restores it: whole, and how many rows each table has. Any thread. */
#include "sqlite.h"
#include "tomsd/store/cut.h"

/* The first thing wrong with the file. */
static int look_through(struct sql *db, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare(db, "PRAGMA quick_check(1)", &s, e);
	if (rc)
		return rc;
	rc = stmt_step(s, e);
	struct str said = rc > 0 ? stmt_col_text(s, 0) : STR("");
	if (rc >= 0 && !str_eq(said, STR("ok")))
		rc = err_set(e, ERR_CORRUPT, "the copy is damaged: %.*s", (int)said.n, said.p);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int count_one(struct sql *db, struct str name, uint64_t *rows, struct err *e)
{
	struct stmt *s = NULL;
	struct buf b;
	buf_init(&b, 1024);
	buf_cstr(&b, "SELECT count(*) FROM \"");
	for (size_t i = 0; i < name.n; i++)
		buf_fmt(&b, name.p[i] == '"' ? "\"\"" : "%c", name.p[i]);
	buf_char(&b, '"');
	int rc = buf_failed(&b) ? err_set(e, ERR_NOMEM, "out of memory") :
				  sql_prepare(db, b.p, &s, e);
	if (!rc)
		rc = stmt_step(s, e);
	*rows = rc > 0 ? (uint64_t)stmt_col_i64(s, 0) : 0;
	stmt_done(s);
	buf_fini(&b);
	return rc < 0 ? rc : 0;
}

static int count_all(struct sql *db, int (*table)(void *arg, const char *name, uint64_t rows),
		     void *arg, struct err *e)
{
	struct stmt *s = NULL;
	uint64_t rows;
	int rc = sql_prepare(db,
			     "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT GLOB"
			     " 'sqlite_*' ORDER BY name",
			     &s, e);
	if (rc)
		return rc;
	while ((rc = stmt_step(s, e)) > 0) {
		struct str name = stmt_col_text(s, 0); /* SQLite puts a NUL behind it */
		rc = count_one(db, name, &rows, e);
		if (!rc)
			rc = table(arg, name.p, rows);
		if (rc)
			break;
	}
	stmt_done(s);
	return rc;
}

int store_count_tables(const char *file, int (*table)(void *arg, const char *name, uint64_t rows),
		       void *arg, struct err *e)
{
	struct sql *db = NULL;
	int rc = sql_open(&db, file, SQL_READER, e);
	if (!rc)
		rc = look_through(db, e);
	if (!rc)
		rc = count_all(db, table, arg, e);
	sql_close(db);
	return rc;
}
