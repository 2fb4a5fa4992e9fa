/* The store as a whole: open and close, putting rows, waiting for them, its numbers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"
#include "migrate.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"

enum {
	INBOX_BYTES = 32 << 20,
	READERS = 4,
	COMMIT_EVERY_MS = 200,
	QUICK_CHECK_BYTES = 64 << 20
};

struct store_counters store_counters;

static void join(char out[STORE_PATH_MAX], const char *dir, const char *name)
{
	struct buf b;
	buf_init(&b, STORE_PATH_MAX);
	buf_fmt(&b, "%s/%s", dir, name);
	(void)str_copy(out, STORE_PATH_MAX, buf_view(&b));
	buf_fini(&b);
}

static int store_new(struct store **out, const struct store_conf *conf, struct err *e)
{
	struct store *st = calloc(1, sizeof(*st));
	if (!st)
		return err_set(e, ERR_NOMEM, "out of memory");
	st->conf = *conf;
	if (!st->conf.inbox_bytes)
		st->conf.inbox_bytes = INBOX_BYTES;
	if (!st->conf.readers)
		st->conf.readers = READERS;
	if (!st->conf.commit_every_ns)
		st->conf.commit_every_ns = COMMIT_EVERY_MS * NS_PER_MS;
	(void)str_copy(st->dir, sizeof(st->dir), str_of(conf->path));
	join(st->file, st->dir, "tomsd.db");
	join(st->wal, st->dir, "tomsd.db-wal");
	join(st->ballast, st->dir, "ballast");
	st->conf.path = st->dir;
	mutex_init(&st->plans_m);
	mutex_init(&st->wishes_m);
	cond_init(&st->wish_done);
	mutex_init(&st->flush_m);
	cond_init(&st->committed);
	mutex_init(&st->stats_m);
	st->wishes_end = &st->wishes;
	pool_init(&st->pool, st->conf.readers);
	*out = st;
	return 0;
}

void store_free(struct store *st)
{
	if (!st)
		return;
	store_stop(st);
	pool_fini(&st->pool);
	for (size_t i = 0; i < st->n_followers; i++)
		follower_free(st->followers[i]);
	for (size_t i = 0; i < st->n_plans; i++)
		free((void *)(uintptr_t)st->plans[i]);
	inbox_fini(&st->inbox);
	mutex_fini(&st->plans_m);
	mutex_fini(&st->wishes_m);
	pthread_cond_destroy(&st->wish_done);
	mutex_fini(&st->flush_m);
	pthread_cond_destroy(&st->committed);
	mutex_fini(&st->stats_m);
	free(st);
}

/* The file of an unclean end is looked through while that takes a moment only; a large one is
 * read page by page as it is used, and each page's form is checked then (cell_size_check). */
static int look_through(struct store *st, bool unclean, struct err *e)
{
	struct stmt *s;
	if (!unclean || file_size(st->file) > QUICK_CHECK_BYTES)
		return 0;
	int rc = sql_prepare(st->db, "PRAGMA quick_check(1)", &s, e);
	if (rc)
		return rc;
	rc = stmt_step(s, e);
	struct str said = rc > 0 ? stmt_col_text(s, 0) : STR("");
	if (rc > 0 && !str_eq(said, STR("ok")))
		rc = err_set(e, ERR_CORRUPT, "%.*s", (int)said.n, said.p);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int open_file(struct store *st, struct err *e)
{
	bool unclean = file_size(st->wal) > 0;
	int64_t seed = 0;
	int rc = sql_open(&st->db, st->file, SQL_WRITER, e);
	if (!rc)
		rc = migrate_check(st->db, e);
	if (!rc)
		rc = look_through(st, unclean, e);
	if (!rc)
		rc = migrate_run(st->db, e);
	if (!rc)
		rc = sql_number(st->db, "SELECT value FROM store_meta WHERE name='token_seed'",
				0, &seed, e);
	if (!rc)
		rc = rollup_init(&st->rollup, st->db, e);
	if (rc) {
		sql_close(st->db);
		st->db = NULL;
		return rc;
	}
	st->seed = (uint64_t)seed;
	parts_init(&st->parts, st->db, st->seed);
	retain_init(st);
	return 0;
}

/* Damaged: out of the way, but kept; somebody may get rows out of it with sqlite3's .recover.
 */
static int put_aside(struct store *st, struct err *e)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char day[CLOCK_RFC3339_MAX];
	clock_rfc3339(clock_now_ns() / NS_PER_S * NS_PER_S, day);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char from[STORE_PATH_MAX], to[STORE_PATH_MAX];
		struct buf b;
		buf_init(&b, STORE_PATH_MAX);
		buf_fmt(&b, "tomsd.db%s", suffixes[i]);
		join(from, st->dir, b.p);
		buf_reset(&b);
		buf_fmt(&b, "tomsd.db.bad-%s%s", day, suffixes[i]);
		join(to, st->dir, b.p);
		buf_fini(&b);
		if (rename(from, to) && errno != ENOENT)
			return err_sys(e, errno, "renaming the damaged %s", from);
	}
	counter_add(&store_counters.corrupt_files, 1);
	pool_renew(&st->pool);
	log_err("store", "database damaged, put aside as tomsd.db.bad-%s, a new one is begun",
		day);
	return 0;
}

int store_begin_anew(struct store *st, struct err *e)
{
	sql_close(st->db);
	st->db = NULL;
	int rc = put_aside(st, e);
	if (!rc)
		rc = open_file(st, e);
	if (!rc)
		store_set_notice(
			st,
			"the database was damaged; it was put aside as tomsd.db.bad-* and a new one "
			"begun: have the disk checked");
	return rc;
}

int store_open_writer(struct store *st, struct err *e)
{
	int rc = open_file(st, e);
	return rc == -ERR_CORRUPT ? store_begin_anew(st, e) : rc;
}

int store_open(struct store **out, const struct store_conf *conf, struct err *e)
{
	struct store *st = NULL;
	int rc = store_new(&st, conf, e);
	if (!rc)
		rc = file_mkdirs(st->dir, 0700, e);
	if (!rc)
		rc = inbox_init(&st->inbox, st->conf.inbox_bytes, e);
	if (!rc) {
		rc = store_open_writer(st, e);
		if (rc)
			rc = err_wrap(e, "opening %s", st->file);
	}
	if (rc) {
		store_free(st);
		return rc;
	}
	*out = st;
	return 0;
}

int store_open_readonly(struct store **out, const char *path, struct err *e)
{
	struct store *st = NULL;
	struct sql *db = NULL;
	int64_t version = 0, seed = 0;
	int rc = store_new(&st, &(struct store_conf){ .path = path, .readers = 2 }, e);
	if (rc)
		return rc;
	st->readonly = true;
	if (access(st->file, F_OK))
		rc = err_sys(e, errno, "%s", st->file);
	if (!rc)
		rc = store_read_begin(st, 0, &db, e);
	if (!rc)
		rc = migrate_check(db, e);
	if (!rc)
		rc = migrate_version(db, &version, e);
	if (!rc && version < migrate_latest())
		rc = err_set(
			e, ERR_UNSUPPORTED,
			"the database is of an older version: start tomsd once to bring it up");
	if (!rc)
		rc = sql_number(db, "SELECT value FROM store_meta WHERE name='token_seed'", 0,
				&seed, e);
	store_read_end(st, db);
	if (rc) {
		store_free(st);
		return err_wrap(e, "opening %s/tomsd.db", path);
	}
	st->seed = (uint64_t)seed;
	*out = st;
	return 0;
}

int store_start(struct store *st, struct err *e)
{
	assert(!st->readonly && !st->started);
	st->started = true;
	int rc = thread_start(&st->thread, "store", writer_main, st, e);
	if (rc)
		st->started = false;
	return rc;
}

void store_stop(struct store *st)
{
	if (st->readonly || st->stopped)
		return;
	st->stopped = true;
	if (st->started) {
		inbox_close(&st->inbox);
		thread_join(&st->thread);
	}
	for (size_t i = 0; i < st->n_followers; i++)
		follower_close(st->followers[i]);
	parts_fini(&st->parts);
	rollup_fini(&st->rollup);
	sql_close(st->db);
	st->db = NULL;
}

uint64_t store_token_seed(struct store *st)
{
	return st->seed;
}

static const struct plan *find_plan(const struct store *st, const struct record *r)
{
	size_t n = st->n_plans;
	for (size_t i = 0; i < n; i++)
		if (st->plans[i]->record == r)
			return st->plans[i];
	return NULL;
}

const struct plan *store_plan(struct store *st, const struct record *r, struct err *e)
{
	const struct plan *p = find_plan(st, r);
	if (p)
		return p;
	struct plan *made = NULL;
	mutex_lock(&st->plans_m);
	p = find_plan(st, r); /* somebody else was faster */
	if (!p && st->n_plans == STORE_PLANS_MAX)
		(void)err_set(e, ERR_FULL, "more than %d kinds of rows", STORE_PLANS_MAX);
	else if (!p && plan_new(&made, r, e) == 0)
		p = st->plans[st->n_plans] = made;
	if (made)
		st->n_plans++; /* readers see the pointer before the count */
	mutex_unlock(&st->plans_m);
	return p;
}

int store_put_many(struct store *st, const struct record *r, const void *rows, size_t n)
{
	struct err e = ERR_INIT;
	const struct plan *p = store_plan(st, r, &e);
	if (!p)
		return -e.code;
	return inbox_put(&st->inbox, p, rows, n);
}

int store_put(struct store *st, const struct record *r, const void *row)
{
	return store_put_many(st, r, row, 1);
}

int store_put_each(struct store *st, const struct record *r, const void *const *rows, size_t n)
{
	struct err e = ERR_INIT;
	const struct plan *p = store_plan(st, r, &e);
	if (!p)
		return -e.code;
	return inbox_put_each(&st->inbox, p, rows, n);
}

int store_flush(struct store *st, int timeout_ms, struct err *e)
{
	mutex_lock(&st->inbox.m);
	uint64_t wanted = st->inbox.rows_in;
	mutex_unlock(&st->inbox.m);
	inbox_poke(&st->inbox, true);
	int64_t until = clock_mono_ns() + timeout_ms * NS_PER_MS;
	mutex_lock(&st->flush_m);
	bool durable;
	while (!(durable = st->rows_durable >= wanted)) {
		int64_t left = timeout_ms < 0 ? -1 : (until - clock_mono_ns()) / NS_PER_MS;
		if (!left || (timeout_ms >= 0 && left < 0) ||
		    !cond_wait(&st->committed, &st->flush_m, (int)left))
			break;
	}
	mutex_unlock(&st->flush_m);
	if (durable)
		return 0;
	mutex_lock(&st->stats_m);
	int rc = st->stats.failing ? err_set(e, ERR_IO, "%s", st->stats.last_error) :
				     err_set(e, ERR_TIMEOUT,
					     "rows were not durable after %d ms", timeout_ms);
	mutex_unlock(&st->stats_m);
	return rc;
}

/* What to do, beside what is wrong. */
static const char *advice(const struct err *e)
{
	switch (e->code) {
	case ERR_FULL:
		return "; the disk is full: free space or lower [store] disk_limit. Rows wait in memory";
	case ERR_IO:
		return "; the disk does not take what is written: have it checked. Rows wait in memory";
	default:
		return "";
	}
}

/* Tells the house, when the words are new. */
static void tell_health(struct store *st)
{
	char words[sizeof(st->health)];
	mutex_lock(&st->stats_m);
	(void)str_copy(words, sizeof(words),
		       str_of(st->stats.failing ? st->stats.last_error : st->notice));
	mutex_unlock(&st->stats_m);
	if (!st->app || strcmp(words, st->health) == 0)
		return;
	(void)str_copy(st->health, sizeof(st->health), str_of(words));
	app_room_health(st->app, &store_room, !*words, "%s", words);
}

void store_set_health(struct store *st, struct app *a)
{
	st->app = a;
	tell_health(st);
}

void store_set_notice(struct store *st, const char *words)
{
	(void)str_copy(st->notice, sizeof(st->notice), str_of(words ? words : ""));
	tell_health(st);
}

void store_set_failing(struct store *st, const struct err *e)
{
	mutex_lock(&st->stats_m);
	st->stats.failing = e != NULL;
	if (e) {
		struct buf b;
		buf_init(&b, 4096);
		buf_fmt(&b, "%s%s", e->text, advice(e));
		(void)str_copy(st->stats.last_error, sizeof(st->stats.last_error),
			       buf_view(&b));
		buf_fini(&b);
	}
	mutex_unlock(&st->stats_m);
	tell_health(st);
}

void store_stats(struct store *st, struct store_stats *out)
{
	mutex_lock(&st->stats_m);
	*out = st->stats;
	mutex_unlock(&st->stats_m);
	out->commit_window_ns = st->conf.commit_every_ns + out->last_commit_took_ns;
	if (st->readonly)
		return;
	mutex_lock(&st->inbox.m);
	out->inbox_rows = st->inbox.rows_in - st->inbox.rows_out;
	out->inbox_bytes = st->inbox.head - st->inbox.tail;
	mutex_unlock(&st->inbox.m);
}
