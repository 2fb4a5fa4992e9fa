/* The pool of reading connections: opened when first needed, one request each, with a
 * deadline and one snapshot of the database. Any thread. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"

void pool_init(struct pool *p, size_t max)
{
	*p = (struct pool){ .max = max < STORE_READERS_MAX ? max : STORE_READERS_MAX };
	mutex_init(&p->m);
	cond_init(&p->back);
}

void pool_fini(struct pool *p)
{
	assert(p->n_open == p->n_free); /* somebody still reads */
	for (size_t i = 0; i < p->n_free; i++)
		sql_close(p->free[i]);
	mutex_fini(&p->m);
	pthread_cond_destroy(&p->back);
}

void pool_renew(struct pool *p)
{
	mutex_lock(&p->m);
	p->generation++;
	while (p->n_free) {
		sql_close(p->free[--p->n_free]);
		p->n_open--;
	}
	mutex_unlock(&p->m);
}

/* Waits for a connection: a free one in *db, or NULL and the right to open one. */
static int take(struct pool *p, int64_t deadline_mono_ns, struct sql **db, uint64_t *generation)
{
	int rc = 0;
	mutex_lock(&p->m);
	while (!rc && !p->n_free && p->n_open == p->max) {
		int64_t left_ms = -1;
		if (deadline_mono_ns) {
			left_ms = (deadline_mono_ns - clock_mono_ns()) / NS_PER_MS;
			left_ms = left_ms < 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : left_ms;
		}
		if (!left_ms || !cond_wait(&p->back, &p->m, (int)left_ms))
			rc = -ERR_TIMEOUT;
	}
	if (!rc && p->n_free)
		*db = p->free[--p->n_free];
	else if (!rc)
		p->n_open++;
	*generation = p->generation;
	mutex_unlock(&p->m);
	return rc;
}

static void give_up(struct pool *p)
{
	mutex_lock(&p->m);
	p->n_open--;
	pthread_cond_signal(&p->back);
	mutex_unlock(&p->m);
}

/* A reader needs the -shm file beside the database, and makes it where there is none: that
 * takes the right to write in the folder. Without it and without a daemon the file is read as
 * it lies there, which is the truth only while no WAL holds rows of its own. */
static int open_unwritable(struct store *st, struct sql **db, struct err *e)
{
	char wal[STORE_PATH_MAX + 8];
	(void)snprintf(wal, sizeof(wal), "%s-wal",
		       st->file); /* file is shorter than STORE_PATH_MAX */
	if (file_size(wal) > 0)
		return err_set(
			e, ERR_DENIED,
			"rows wait in %s, and reading them needs the right to write in this folder:"
			" run this as root or as the user of tomsd",
			wal);
	return sql_open(db, st->file, SQL_READER_IMMUTABLE, e);
}

static int open_reader(struct store *st, struct sql **db, struct err *e)
{
	int64_t n;
	int rc = sql_open(db, st->file, SQL_READER, e);
	if (!rc && st->readonly)
		rc = sql_number(*db, "SELECT count(*) FROM sqlite_schema", 0, &n, e);
	if (!rc)
		return 0;
	sql_close(*db);
	*db = NULL;
	if (!st->readonly || (rc != -ERR_IO && rc != -ERR_DENIED && rc != -ERR_NOTFOUND) ||
	    access(st->file, R_OK))
		return rc;
	return open_unwritable(st, db, e);
}

int store_read_begin(struct store *st, int64_t deadline_mono_ns, struct sql **db, struct err *e)
{
	struct sql *c = NULL;
	uint64_t generation = 0;
	int rc = take(&st->pool, deadline_mono_ns, &c, &generation);
	if (rc)
		return err_set(e, ERR_TIMEOUT, "all %zu readers of the store are busy",
			       st->pool.max);
	if (!c)
		rc = open_reader(st, &c, e);
	if (!rc) {
		sql_set_tag(c, generation);
		sql_set_deadline(c, deadline_mono_ns);
		rc = sql_exec(c, "BEGIN", e);
	}
	if (rc) {
		sql_close(c);
		give_up(&st->pool);
		return rc;
	}
	*db = c;
	return 0;
}

void store_read_end(struct store *st, struct sql *db)
{
	struct pool *p = &st->pool;
	if (!db)
		return;
	sql_set_deadline(db, 0);
	sql_rollback(db);
	bool keep = !sql_failed_on_disk(db);
	mutex_lock(&p->m);
	keep &= sql_tag(db) == p->generation;
	if (keep)
		p->free[p->n_free++] = db;
	else
		p->n_open--;
	pthread_cond_signal(&p->back);
	mutex_unlock(&p->m);
	if (!keep)
		sql_close(db);
}
