/* The store thread: rows from the inbox into the database, one transaction a batch, for ever.
 *
 * A batch that fails stays in the inbox and is tried again with growing pauses (50 ms to 5
 * s); nothing that was put is lost while there is memory for it, and the sources wait once
 * the inbox is full. After a failed write or fsync the connection is opened anew first: what
 * the kernel dropped from its cache must not be taken for written. A damaged file is put
 * aside and a new one begun.
 *
 * Between batches: wishes of other rooms (store_write), checkpoints, retention, tidying. */
#include "inside.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"

enum {
	BATCH_ROWS = 16384,
	LOOK_MS = 1000, /* wakes this often without work */
	PAUSE_FIRST_MS = 50,
	PAUSE_MAX_MS = 5000,
	SLOW_COMMIT_MS = 1000,
	PARTING_S = 10, /* at the end: how long a failing batch is tried */
	WAL_PASSIVE_BYTES = 8 << 20,
	WAL_QUIET_BYTES = 1 << 20,
	WAL_ALARM_BYTES = 256 << 20,
	IDLE_PART_S = 60,
};

static int insert_batch(struct store *st, const struct inbox_batch *b, struct err *e)
{
	const struct plan *p;
	uint64_t at = b->from;
	int rc = 0;
	for (void *row; !rc && (row = inbox_next(&st->inbox, b, &at, &p)) != NULL;) {
		struct part *in;
		rc = parts_insert(&st->parts, p, row, &in, e);
		if (rc == -ERR_EXISTS || rc == -ERR_RANGE) { /* this row, not the disk */
			memset((char *)row + p->id->off, 0, p->id->size);
			counter_add(&store_counters.rejected, 1);
			log_err("store", "row refused record=%s error=%s", p->record->name,
				LOGQ(e->text));
			rc = 0;
		} else if (!rc && p->record == &flow_record) {
			rc = rollup_add(&st->rollup, st->db, row, e);
		} else if (!rc && p->record == &log_record) {
			rc = rollup_add_log(&st->rollup, st->db, row, e);
		}
	}
	return rc;
}

static int run_batch(struct store *st, const struct inbox_batch *b, struct err *e)
{
	int rc = sql_exec(st->db, "BEGIN IMMEDIATE", e);
	if (!rc)
		rc = insert_batch(st, b, e);
	if (!rc)
		rc = rollup_flush(&st->rollup, st->db, e);
	if (!rc)
		rc = parts_flush(&st->parts, clock_now_ns(), e);
	if (!rc)
		rc = sql_exec(st->db, "COMMIT", e);
	if (rc) {
		parts_drop(&st->parts);
		rollup_forget(&st->rollup);
		sql_rollback(st->db);
	}
	return rc;
}

void writer_give_up_connection(struct store *st)
{
	parts_drop(&st->parts);
	rollup_fini(&st->rollup);
	sql_close(st->db);
	st->db = NULL;
}

/* Back to a state in which the batch can be tried again. */
static int recover(struct store *st, int why, struct err *e)
{
	parts_drop(&st->parts);
	rollup_fini(&st->rollup);
	if (why == -ERR_CORRUPT)
		return store_begin_anew(st, e);
	if (st->db && !sql_failed_on_disk(st->db))
		return rollup_init(&st->rollup, st->db, e);
	writer_give_up_connection(st);
	return store_open_writer(st, e);
}

static void told(struct store *st, const struct inbox_batch *b, int64_t took_ns)
{
	counter_add(&store_counters.rows, b->rows);
	counter_add(&store_counters.commits, 1);
	mutex_lock(&st->stats_m);
	st->stats.rows_total += b->rows;
	st->stats.commits_total++;
	st->stats.last_commit_ns = clock_now_ns();
	st->stats.last_commit_took_ns = took_ns;
	mutex_unlock(&st->stats_m);
	for (size_t i = 0; i < st->n_followers; i++)
		follower_offer(st->followers[i], &st->inbox, b);
	inbox_release(&st->inbox, b);
	mutex_lock(&st->flush_m);
	st->rows_durable += b->rows;
	pthread_cond_broadcast(&st->committed);
	mutex_unlock(&st->flush_m);
	if (took_ns > SLOW_COMMIT_MS * NS_PER_MS)
		log_warning("store", "commit slow rows=%llu ms=%lld",
			    (unsigned long long)b->rows, (long long)(took_ns / NS_PER_MS));
}

/* A pause that ends early when the house is closing. */
static void pause_ms(struct store *st, int64_t ms)
{
	int64_t until = clock_mono_ns() + ms * NS_PER_MS;
	mutex_lock(&st->inbox.m);
	while (!st->inbox.closed && clock_mono_ns() < until)
		(void)cond_wait(&st->inbox.work, &st->inbox.m, (int)ms);
	bool closed = st->inbox.closed;
	mutex_unlock(&st->inbox.m);
	if (closed)
		clock_sleep_ms(ms < 200 ? ms : 200);
}

static bool is_closed(struct store *st)
{
	mutex_lock(&st->inbox.m);
	bool closed = st->inbox.closed;
	mutex_unlock(&st->inbox.m);
	return closed;
}

static int run_wish(struct store *st, struct write_wish *w)
{
	if (!st->db)
		return err_set(w->e, ERR_IO, "the database cannot be written at the moment");
	int rc = sql_exec(st->db, "BEGIN IMMEDIATE", w->e);
	if (!rc)
		rc = w->fn(st->db, w->arg, w->e);
	if (!rc)
		rc = sql_exec(st->db, "COMMIT", w->e);
	if (rc)
		sql_rollback(st->db);
	if (sql_take_days_changed(st->db))
		parts_drop(&st->parts);
	return rc;
}

static void run_wishes(struct store *st)
{
	for (;;) {
		mutex_lock(&st->wishes_m);
		struct write_wish *w = st->wishes;
		if (w) {
			st->wishes = w->next;
			if (!w->next)
				st->wishes_end = &st->wishes;
		}
		mutex_unlock(&st->wishes_m);
		if (!w)
			return;
		int rc = run_wish(st, w);
		mutex_lock(&st->wishes_m);
		w->rc = rc;
		w->done = true; /* from here on it is the caller's stack again */
		pthread_cond_broadcast(&st->wish_done);
		mutex_unlock(&st->wishes_m);
	}
}

/* The disk is full: the log's own bytes first, then the oldest day, as far as retention may. */
static void make_space(struct store *st)
{
	struct err e = ERR_INIT;
	int frames, left;
	int64_t until = clock_mono_ns() + PAUSE_FIRST_MS * NS_PER_MS;
	(void)ballast_drop(st); /* given up the first time */
	if (sql_checkpoint(st->db, true, &frames, &left, &e))
		log_warning("store", "no space by a checkpoint error=%s", LOGQ(e.text));
	st->retain.next_look_mono_ns = 0;
	while (st->db && retain_step(st) && clock_mono_ns() < until)
		thread_beat();
}

/* Until it is durable; gives up only when the house is closing and the disk still says no. */
static int commit_batch(struct store *st, const struct inbox_batch *b)
{
	ON_THREAD("store");
	int64_t give_up_mono_ns = 0, pause = PAUSE_FIRST_MS;
	for (;;) {
		struct err e = ERR_INIT;
		int64_t began = clock_mono_ns();
		int rc = st->db ? run_batch(st, b, &e) : -ERR_IO;
		if (!rc) {
			store_set_failing(st, NULL);
			told(st, b, clock_mono_ns() - began);
			return 0;
		}
		counter_add(&store_counters.failures, 1);
		if (st->db) {
			log_err("store", "commit failed rows=%llu error=%s",
				(unsigned long long)b->rows, LOGQ(e.text));
			store_set_failing(st, &e);
		}
		if (is_closed(st)) {
			if (!give_up_mono_ns)
				give_up_mono_ns = clock_mono_ns() + PARTING_S * NS_PER_S;
			if (clock_mono_ns() > give_up_mono_ns)
				return rc;
		}
		pause_ms(st, pause);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
		thread_beat();
		if (recover(st, rc, &e)) {
			log_err("store", "database cannot be opened error=%s", LOGQ(e.text));
			store_set_failing(st, &e);
		} else if (rc == -ERR_FULL) {
			make_space(st);
		}
		run_wishes(st); /* somebody waits for an answer, if only for a no */
	}
}

int store_write(struct store *st, int (*fn)(struct sql *db, void *arg, struct err *e),
		void *arg, struct err *e)
{
	struct write_wish w = { .fn = fn, .arg = arg, .e = e };
	if (st->readonly)
		return err_set(e, ERR_DENIED, "the database is open for reading only");
	if (!st->started) /* before the thread: the caller is the only one */
		return run_wish(st, &w);
	assert(strcmp(thread_name(), "store") != 0); /* it would wait for itself */
	mutex_lock(&st->wishes_m);
	if (st->wishes_closed) {
		mutex_unlock(&st->wishes_m);
		return err_set(e, ERR_CLOSED, "the store is closed");
	}
	*st->wishes_end = &w;
	st->wishes_end = &w.next;
	mutex_unlock(&st->wishes_m);
	inbox_poke(&st->inbox, true);
	mutex_lock(&st->wishes_m);
	while (!w.done)
		(void)cond_wait(&st->wish_done, &st->wishes_m, -1);
	mutex_unlock(&st->wishes_m);
	return w.rc;
}

static int64_t wal_bytes(const struct store *st)
{
	int64_t n = file_size(st->wal);
	return n < 0 ? 0 : n;
}

/* A reader that stays keeps the WAL from shrinking; this is where it shows. */
static void watch_wal(struct store *st, int64_t bytes)
{
	bool alarm = bytes > WAL_ALARM_BYTES;
	if (alarm && !st->wal_alarm)
		log_warning("store",
			    "write-ahead log grows bytes=%lld: a reader holds an old snapshot",
			    (long long)bytes);
	st->wal_alarm = alarm;
}

void writer_checkpoint(struct store *st, bool busy, bool last)
{
	int64_t now = clock_mono_ns(), bytes = wal_bytes(st);
	int frames = 0, left = 0;
	struct err e = ERR_INIT;
	watch_wal(st, bytes);
	/* The file is only reused from its start once all of it was moved and nobody reads
	 * it. */
	bool quiet = !busy && bytes > WAL_QUIET_BYTES && now >= st->next_truncate_mono_ns;
	bool huge = bytes > WAL_ALARM_BYTES / 2 && now >= st->next_truncate_mono_ns;
	if (!last && !quiet && !huge &&
	    (bytes < WAL_PASSIVE_BYTES || now < st->next_checkpoint_mono_ns))
		return;
	bool truncate = last || quiet || huge;
	int rc = sql_checkpoint(st->db, truncate, &frames, &left, &e);
	st->next_checkpoint_mono_ns = now + NS_PER_S;
	if (truncate)
		st->next_truncate_mono_ns = now + (rc ? 10 : 60) * NS_PER_S;
	if (rc == -ERR_BUSY)
		counter_add(&store_counters.checkpoints_busy, 1);
	else if (rc)
		log_err("store", "checkpoint failed error=%s", LOGQ(e.text));
	if (rc && rc != -ERR_BUSY)
		store_set_failing(st, &e);
}

static void look_at_files(struct store *st)
{
	struct store_stats now = { 0 };
	uint64_t total;
	int64_t size = file_size(st->file);
	now.database_bytes = size < 0 ? 0 : (uint64_t)size;
	now.wal_bytes = (uint64_t)wal_bytes(st);
	if (file_space(st->dir, &now.disk_free_bytes, &total, NULL))
		now.disk_free_bytes = 0;
	int64_t days = 0;
	if (st->db &&
	    (sql_number(st->db, "SELECT min(day) FROM part WHERE dropping=0", 0,
			&now.oldest_day, NULL) ||
	     sql_number(st->db, "SELECT max(day) FROM part WHERE dropping=0", 0,
			&now.newest_day, NULL) ||
	     sql_number(st->db, "SELECT count(DISTINCT day) FROM part WHERE dropping=0", 0,
			&days, NULL)))
		days = 0; /* unknown this time */
	mutex_lock(&st->stats_m);
	st->stats.database_bytes = now.database_bytes;
	st->stats.wal_bytes = now.wal_bytes;
	st->stats.disk_free_bytes = now.disk_free_bytes;
	st->stats.oldest_day = now.oldest_day;
	st->stats.newest_day = now.newest_day;
	st->stats.days = (uint64_t)days;
	mutex_unlock(&st->stats_m);
}

/* What can wait for a moment between two batches. More than one step of it only when nobody
 * waits. */
static bool tidy(struct store *st, bool busy)
{
	ON_THREAD("store");
	struct err e = ERR_INIT;
	int64_t now = clock_mono_ns();
	bool more = false;
	writer_checkpoint(st, busy, false);
	if (now >= st->next_stats_mono_ns) {
		look_at_files(st);
		st->next_stats_mono_ns = now + NS_PER_S;
	}
	if (now >= st->next_ballast_mono_ns) {
		ballast_make(st);
		st->next_ballast_mono_ns = now + 60 * NS_PER_S;
	}
	if (now >= st->next_tidy_mono_ns || parts_want_tidying(&st->parts)) {
		int rc = parts_tidy_packs(&st->parts, &e);
		if (!rc)
			rc = parts_write_chapter(&st->parts, &e);
		if (!rc)
			rc = parts_close_idle(&st->parts, IDLE_PART_S * NS_PER_S, &e);
		if (!rc)
			rc = rollup_tidy(&st->rollup, st->db, clock_now_ns(), &e);
		if (rc < 0) {
			log_err("store", "tidying failed error=%s", LOGQ(e.text));
			sql_rollback(st->db);
		}
		st->next_tidy_mono_ns = rc > 0 ? now : now + 5 * NS_PER_S;
		more = rc > 0;
	}
	return retain_step(st) || more;
}

void writer_main(void *store)
{
	struct store *st = store;
	bool more = false;
	for (;;) {
		struct inbox_batch b;
		thread_beat();
		inbox_wait(&st->inbox, st->conf.commit_every_ns, BATCH_ROWS, more ? 5 : LOOK_MS,
			   &b);
		bool has_rows = b.rows > 0;
		if (has_rows && commit_batch(st, &b)) {
			log_err("store", "rows lost at the end rows=%llu",
				(unsigned long long)b.rows);
			inbox_release(&st->inbox, &b);
		}
		run_wishes(st);
		if (b.closed && !has_rows)
			break;
		more = st->db && tidy(st, has_rows);
	}
	mutex_lock(&st->wishes_m);
	st->wishes_closed = true;
	mutex_unlock(&st->wishes_m);
	run_wishes(st);
	if (st->db)
		writer_checkpoint(st, false, true);
}
