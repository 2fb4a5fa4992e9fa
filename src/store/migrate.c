/* Migrations: src/store/migrations/NNN-what.sql, built into the program, run in the order of
 * their numbers. PRAGMA user_version holds the number of the last one that was committed,
 * application_id says that the file is ours. Writer's connection, before its thread starts. */
#include <stdlib.h>

#include "migrate.h"
#include "sqlite.h"
#include "tomsd/base/embed.h"
#include "tomsd/base/log.h"
#include "tomsd/base/num.h"

enum { APPLICATION_ID = 0x544f4d53 /* "TOMS" */, VERSION_MAX = 999 };

/* The NNN of "NNN-what.sql". */
static int64_t number_of(const struct embed *f)
{
	uint32_t n = 0;
	int rc = num_u32(str_n(f->name, 3), 1, VERSION_MAX, &n);
	assert(rc == 0); /* a file of ours is named wrongly */
	return n;
}

int64_t migrate_latest(void)
{
	int64_t latest = 0;
	for (const struct embed *f = store_migrations; f->name; f++)
		latest = number_of(f);
	return latest;
}

int migrate_version(struct sql *db, int64_t *version, struct err *e)
{
	return sql_number(db, "PRAGMA user_version", 0, version, e);
}

int migrate_check(struct sql *db, struct err *e)
{
	int64_t app = 0, version = 0, tables = 0;
	int rc = sql_number(db, "PRAGMA application_id", 0, &app, e);
	if (!rc)
		rc = migrate_version(db, &version, e);
	if (!rc)
		rc = sql_number(db, "SELECT count(*) FROM sqlite_schema", 0, &tables, e);
	if (rc)
		return rc;
	if (app != APPLICATION_ID && (app || version || tables))
		return err_set(
			e, ERR_INVALID,
			"this SQLite file was not made by tomsd; move it away or choose another [store] path");
	if (version > migrate_latest())
		return err_set(
			e, ERR_NEWER,
			"the database was made by a newer tomsd (its schema is %lld, this version knows %lld): "
			"install that version again, or start with an empty [store] path",
			(long long)version, (long long)migrate_latest());
	return 0;
}

static int step(struct sql *db, const struct embed *f, struct err *e)
{
	char *text = str_dup(str_n((const char *)f->p, f->n));
	if (!text)
		return err_set(e, ERR_NOMEM, "out of memory");
	char mark[96];
	struct buf b;
	buf_init(&b, sizeof(mark));
	buf_fmt(&b, "PRAGMA user_version=%lld; PRAGMA application_id=%d",
		(long long)number_of(f), APPLICATION_ID);
	(void)str_copy(mark, sizeof(mark), buf_view(&b));
	buf_fini(&b);
	int rc = sql_exec(db, "BEGIN IMMEDIATE", e);
	if (!rc)
		rc = sql_exec(db, text, e);
	if (!rc)
		rc = sql_exec(db, mark, e);
	if (!rc)
		rc = sql_exec(db, "COMMIT", e);
	if (rc)
		sql_rollback(db);
	free(text);
	return rc;
}

int migrate_run(struct sql *db, struct err *e)
{
	int64_t version = 0;
	int rc = migrate_check(db, e);
	if (!rc)
		rc = migrate_version(db, &version, e);
	for (const struct embed *f = store_migrations; !rc && f->name; f++) {
		if (number_of(f) <= version)
			continue;
		rc = step(db, f, e);
		if (rc)
			return err_wrap(e, "migration %s", f->name);
		if (version)
			log_notice("store", "database migrated step=%s", f->name);
	}
	return rc;
}
