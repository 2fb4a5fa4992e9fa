/* Retention: days that are too old, or that the disk has no room for, oldest first, never the
 * newest.
 *
 * A day is marked (readers leave it out from then on) and then taken away in steps of some
 * thousand rows between the commits of the writer; the tables are dropped when they are
 * empty. Freed pages are used again by new rows; only when a limit asks for it the file is
 * cut by incremental vacuum, in steps too. A crash in between is no matter: the mark is in
 * the database. Where rows are sealed into an archive (store_keep_unsealed), a day with rows that are not
 * stays, whatever asks for it, and health says so.
 *
 * Age is what the clock says, so it is held back for a day whenever the clock has jumped or
 * the appliance was off for weeks: a wrong clock must not empty the store. And a day counts
 * as old only when nothing was written into it for as long, so that an imported capture of
 * last year stays. Store thread. */
#include <string.h>

#include "cut.h"
#include "inside.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"

enum {
	STEP_ROWS = 4000,   /* rows a step deletes */
	STEP_PACKS = 100,   /* the same of packs, some 20 KB each */
	STEP_PIECES = 2000, /* rows of _tok: a page each two */
	STEP_PAGES = 500,   /* pages a step gives back */
	LOOK_S = 10,
	HOLD_S = 86400,
	JUMP_S = 86400,       /* wall clock against boot clock */
	OFF_DAYS = 14,        /* longer without a row: wait and see */
	ROLLUP_DAYS_MIN = 32, /* sums by minute and hour are kept for a month at least */
};
static const int64_t day_ns = INT64_C(86400) * NS_PER_S;

/* Tables of a part in the order they are emptied: rows first, so that what is left is always
 * true. */
static const struct {
	const char *suffix, *key;
	int64_t rows;
} stages[] = {
	{ "", "id", STEP_ROWS },       { "_tok", "id", STEP_PIECES },
	{ "_toc", "id", STEP_PIECES }, { "_zone", "bucket", STEP_ROWS },
	{ "_text", "id", STEP_ROWS },  { "_shape", "id", STEP_ROWS },
};

static int64_t clock_gap(void)
{
	return clock_now_ns() - clock_boot_ns();
}

void retain_init(struct store *st)
{
	struct retain *r = &st->retain;
	int64_t last = 0, now = clock_now_ns();
	*r = (struct retain){ .wall_minus_boot_ns = clock_gap() };
	if (sql_number(st->db, "SELECT max(touched_ns) FROM part", 0, &last, NULL))
		return; /* the writer will meet it again and say so */
	if (last && (now - last > OFF_DAYS * day_ns || last - now > JUMP_S * NS_PER_S)) {
		r->hold_until_mono_ns = clock_mono_ns() + HOLD_S * NS_PER_S;
		log_notice("store",
			   "retention waits a day: the last row is far from the clock");
	}
}

static void watch_clock(struct retain *r)
{
	int64_t gap = clock_gap(), moved = gap - r->wall_minus_boot_ns;
	r->wall_minus_boot_ns = gap;
	if (moved < JUMP_S * NS_PER_S && moved > -JUMP_S * NS_PER_S)
		return;
	r->hold_until_mono_ns = clock_mono_ns() + HOLD_S * NS_PER_S;
	log_warning("store", "clock jumped seconds=%lld: retention by age waits a day",
		    (long long)(moved / NS_PER_S));
}

/* Bytes in use (without free pages), and free pages in bytes. */
static int measure(struct store *st, uint64_t *used, uint64_t *spare, struct err *e)
{
	int64_t pages = 0, empty = 0, size = 0;
	int rc = sql_number(st->db, "PRAGMA page_count", 0, &pages, e);
	if (!rc)
		rc = sql_number(st->db, "PRAGMA freelist_count", 0, &empty, e);
	if (!rc)
		rc = sql_number(st->db, "PRAGMA page_size", 4096, &size, e);
	if (rc)
		return rc;
	*used = (uint64_t)((pages - empty) * size);
	*spare = (uint64_t)(empty * size);
	return 0;
}

/* A part has rows that are in no sealed file yet. */
#define UNSEALED \
	"last_id>ifnull((SELECT max(released_id,gone_id)FROM cut WHERE cut.record=part.record AND" \
	" cut.day=part.day),0)"
/* Its day may go: it is not the newest, and old enough. A row of tomorrow does not make today old. */
#define MAY_GO "day<(SELECT max(day)FROM part) AND day<>?3 AND touched_ns<?1 AND day<?2"
static const char oldest_sql[] =
	"SELECT record,day FROM part WHERE dropping=1 OR(" MAY_GO " AND NOT(?4 AND " UNSEALED
	"))ORDER BY dropping DESC,day LIMIT 1";
static const char kept_sql[] =
	"SELECT record,day FROM part WHERE dropping=0 AND " MAY_GO " AND ?4 AND " UNSEALED
	" ORDER BY day LIMIT 1";

/* The oldest part that one of the two finds: 1 found. */
static int find_part(struct store *st, const char *text, int64_t older_than_ns, char record[32],
		     int32_t *day, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(st->db, text, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, older_than_ns);
	stmt_i64(s, 2, older_than_ns == INT64_MAX ? INT64_MAX : clock_day(older_than_ns));
	stmt_i64(s, 3, clock_day(clock_now_ns()));
	stmt_i64(s, 4, st->keep_unsealed);
	rc = stmt_step(s, e);
	if (rc > 0) {
		(void)str_copy(record, 32, stmt_col_text(s, 0));
		*day = (int32_t)stmt_col_i64(s, 1);
	}
	stmt_done(s);
	return rc;
}

/* Says once which day stays though it should go, and once that this is over. */
static int watch_kept(struct store *st, int64_t older_than_ns, bool for_room, struct err *e)
{
	struct retain *r = &st->retain;
	char record[32] = "";
	int32_t day = 0;
	int rc = find_part(st, kept_sql, older_than_ns, record, &day, e);
	if (rc < 0 || (rc > 0) == r->said_kept)
		return rc < 0 ? rc : 0;
	r->said_kept = rc > 0;
	if (!rc) {
		store_set_notice(st, NULL);
		return 0;
	}
	struct buf b;
	buf_init(&b, sizeof(st->notice));
	buf_fmt(&b, "%s of %04d-%02d-%02d stays in the database though %s: not all of its rows are "
		    "in the archive yet; see why sealing does not go on",
		record, day / 10000, day / 100 % 100, day % 100,
		for_room ? "the disk is nearly full" : "it is older than [store] retention");
	log_warning("store", "day is kept, its rows are not sealed record=%s day=%d for=%s", record,
		    day, for_room ? "room" : "age");
	store_set_notice(st, b.p);
	buf_fini(&b);
	return 0;
}

/* The oldest part whose day is not the newest one: 1 found. */
static int oldest_part(struct store *st, int64_t older_than_ns, struct err *e)
{
	struct retain *r = &st->retain;
	int rc = find_part(st, oldest_sql, older_than_ns, r->record, &r->day, e);
	if (rc > 0)
		r->stage = 0;
	return rc;
}

static int mark(struct store *st, struct err *e)
{
	struct retain *r = &st->retain;
	struct stmt *s;
	parts_forget(&st->parts, r->record, r->day);
	int rc = sql_prepare(
		st->db, "UPDATE part SET dropping=1 WHERE record=? AND day=? AND dropping=0",
		&s, e);
	if (rc)
		return rc;
	stmt_text_ref(s, 1, str_of(r->record));
	stmt_i64(s, 2, r->day);
	rc = stmt_run(s, e);
	stmt_done(s);
	if (!rc && sql_changes(st->db) > 0) {
		counter_add(&store_counters.dropped_days, 1);
		log_notice("store", "day is dropped record=%s day=%d", r->record, r->day);
	}
	return rc;
}

/* Why a day has to go now: 1 and the part in retain, 0 none. */
static int choose(struct store *st, struct err *e)
{
	struct retain *r = &st->retain;
	uint64_t used, spare, disk_free = UINT64_MAX, total;
	int rc = measure(st, &used, &spare, e);
	if (rc)
		return rc;
	if (file_space(st->dir, &disk_free, &total, NULL))
		disk_free = UINT64_MAX;
	used += st->stats.wal_bytes;
	bool over = st->conf.disk_limit && used > st->conf.disk_limit;
	bool short_of = disk_free < st->conf.disk_reserve && spare < st->conf.disk_reserve / 2;
	/* The file is cut when it is larger than allowed though its contents are not. */
	r->shrink = spare && ((st->conf.disk_limit && used + spare > st->conf.disk_limit) ||
			      disk_free < st->conf.disk_reserve);
	if (over || short_of) {
		rc = oldest_part(st, INT64_MAX, e);
		int kept = rc == 0 ? watch_kept(st, INT64_MAX, true, e) : 0;
		if (kept || (rc == 0 && r->said_kept))
			return kept;
		if (rc == 0 && !r->said_full)
			log_warning(
				"store",
				"no day left to drop bytes=%llu free=%llu: only the newest is there",
				(unsigned long long)used, (unsigned long long)disk_free);
		if (rc == 0 && !r->said_full)
			store_set_notice(
				st,
				"the disk is nearly full and only today is stored: give the "
				"database more room ([store] disk_limit, disk_reserve)");
		r->said_full = rc == 0;
		return rc;
	}
	if (r->said_full)
		store_set_notice(st, NULL);
	r->said_full = false;
	bool by_age = st->conf.retention_ns && clock_mono_ns() >= r->hold_until_mono_ns;
	int64_t older_than_ns = by_age ? clock_now_ns() - st->conf.retention_ns : INT64_MIN;
	rc = watch_kept(st, older_than_ns, false, e);
	return rc ? rc : oldest_part(st, older_than_ns, e);
}

/* Is it still marked? A late row may have taken the day back. */
static int still_marked(struct store *st, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(
		st->db, "SELECT 1 FROM part WHERE record=? AND day=? AND dropping=1", &s, e);
	if (rc)
		return rc;
	stmt_text_ref(s, 1, str_of(st->retain.record));
	stmt_i64(s, 2, st->retain.day);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc;
}

static int table_exists(struct store *st, const char *name, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(
		st->db, "SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?", &s, e);
	if (rc)
		return rc;
	stmt_text_ref(s, 1, str_of(name));
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc;
}

/* Deletes the lowest keys of a table; how many. */
static int delete_some(struct store *st, const char *table, const char *key, int64_t n,
		       struct err *e)
{
	struct buf b;
	struct stmt *s = NULL;
	buf_init(&b, 512);
	buf_fmt(&b,
		"DELETE FROM %s WHERE %s<=ifnull((SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET ?),%lld)",
		table, key, key, table, key, (long long)INT64_MAX);
	int rc = sql_prepare(st->db, b.p, &s, e);
	if (!rc) {
		stmt_i64(s, 1, n - 1);
		rc = stmt_run(s, e);
	}
	stmt_done(s);
	buf_fini(&b);
	return rc ? rc : (int)sql_changes(st->db);
}

/* Are its rows in packs, many to an entry of the table? 1, 0, -ERR_X. */
static int has_packs(struct store *st, const char *table, struct err *e)
{
	struct buf b;
	buf_init(&b, 128);
	buf_fmt(&b, "%s_shape", table);
	int rc = table_exists(st, b.p, e);
	buf_fini(&b);
	return rc;
}

/* Rows in the first packs of a table. */
static int rows_in_packs(struct store *st, const char *table, int64_t packs, struct err *e)
{
	struct stmt *s = NULL;
	int n = 0, rc = sql_prepare_on(&s, st->db, "SELECT sum(n)FROM(SELECT n FROM ", table,
				       " ORDER BY id LIMIT ?)", e);
	if (rc)
		return rc;
	stmt_i64(s, 1, packs);
	rc = stmt_step(s, e);
	if (rc > 0)
		n = (int)stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : n;
}

/* One step of a table: how many rows of the record, or of the table where it holds something else. */
static int delete_step(struct store *st, const char *table, int stage, struct err *e)
{
	int64_t step = stages[stage].rows;
	int n = 0, packs = stage == 0 ? has_packs(st, table, e) : 0;
	if (packs > 0) {
		step = STEP_PACKS;
		n = rows_in_packs(st, table, step, e);
	}
	if (packs < 0 || n < 0)
		return packs < 0 ? packs : n;
	int rc = delete_some(st, table, stages[stage].key, step, e);
	return rc > 0 && packs ? n : rc;
}

/* One transaction: some rows, and the number of those left. */
static int delete_rows(struct store *st, const char *table, int stage, struct err *e)
{
	struct stmt *s = NULL;
	int n = 0, rc = sql_exec(st->db, "BEGIN IMMEDIATE", e);
	if (!rc)
		rc = n = delete_step(st, table, stage, e);
	if (rc > 0 && stage == 0) {
		rc = sql_prepare(
			st->db, "UPDATE part SET rows=max(0,rows-?3)WHERE record=?1 AND day=?2",
			&s, e);
		if (!rc) {
			stmt_text_ref(s, 1, str_of(st->retain.record));
			stmt_i64(s, 2, st->retain.day);
			stmt_i64(s, 3, n);
			rc = stmt_run(s, e);
		}
		stmt_done(s);
		if (!rc)
			rc = cut_rows_gone(st->db, st->retain.record, st->retain.day, table, n, e);
	}
	if (rc >= 0)
		rc = sql_exec(st->db, "COMMIT", e);
	if (rc < 0) {
		sql_rollback(st->db);
		return rc;
	}
	if (stage == 0)
		counter_add(&store_counters.dropped_rows, (uint64_t)n);
	return n;
}

int retain_drop_tables(struct sql *db, const char *record, int32_t day, struct err *e)
{
	struct buf b;
	buf_init(&b, 1024);
	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		buf_fmt(&b, "DROP TABLE IF EXISTS %s_%08d%s;", record, day, stages[i].suffix);
	buf_fmt(&b, "DELETE FROM part WHERE record='%s' AND day=%d", record, day);
	int rc = sql_exec(db, b.p, e);
	buf_fini(&b);
	return rc;
}

static int end_part(struct store *st, struct err *e)
{
	struct retain *r = &st->retain;
	int rc = sql_exec(st->db, "BEGIN IMMEDIATE", e);
	if (!rc)
		rc = cut_day_gone(st->db, r->record, r->day, e);
	if (!rc)
		rc = sql_exec(st->db, "COMMIT", e);
	if (rc) {
		sql_rollback(st->db);
		return rc;
	}
	log_notice("store", "day is gone record=%s day=%d", r->record, r->day);
	r->record[0] = '\0';
	return 0;
}

/* One step of taking the chosen part away. */
static int drop_some(struct store *st, struct err *e)
{
	struct retain *r = &st->retain;
	int rc = still_marked(st, e);
	if (rc <= 0) {
		r->record[0] = '\0';
		return rc;
	}
	parts_forget(&st->parts, r->record, r->day);
	while (r->stage < (int)ARRAY_LEN(stages)) {
		struct buf b;
		buf_init(&b, 128);
		buf_fmt(&b, "%s_%08d%s", r->record, r->day, stages[r->stage].suffix);
		rc = table_exists(st, b.p, e);
		if (rc > 0)
			rc = delete_rows(st, b.p, r->stage, e);
		buf_fini(&b);
		if (rc)
			return rc;
		r->stage++;
	}
	rc = end_part(st, e);
	return rc ? rc : 1; /* there may be another one */
}

static int shrink(struct store *st, struct err *e)
{
	struct buf b;
	buf_init(&b, 64);
	buf_fmt(&b, "PRAGMA incremental_vacuum(%d)", STEP_PAGES);
	int rc = sql_exec(st->db, b.p, e);
	buf_fini(&b);
	return rc;
}

static int drop_old_sums(struct store *st, struct err *e)
{
	int64_t keep = st->conf.retention_ns;
	if (!keep || clock_mono_ns() < st->retain.hold_until_mono_ns)
		return 0;
	if (keep < ROLLUP_DAYS_MIN * day_ns)
		keep = ROLLUP_DAYS_MIN * day_ns;
	return rollup_drop_before(st->db, clock_now_ns() - keep, e);
}

/* Is there anything to take away? 1: at once more. */
static int look(struct store *st, struct err *e)
{
	struct retain *r = &st->retain;
	watch_clock(r);
	int rc = choose(st, e);
	if (rc > 0) {
		rc = mark(st, e);
		rc = rc ? rc : 1;
	} else if (rc == 0) {
		rc = drop_old_sums(st, e);
	}
	r->next_look_mono_ns = clock_mono_ns() + (rc > 0 ? 0 : LOOK_S * NS_PER_S);
	return rc;
}

static int one_step(struct store *st, struct err *e)
{
	struct retain *r = &st->retain;
	bool is_time = clock_mono_ns() >= r->next_look_mono_ns;
	if (r->record[0])
		return drop_some(st, e);
	if (!r->shrink)
		return is_time ? look(st, e) : 0;
	uint64_t used = 0, spare = 0;
	int rc = shrink(st, e);
	if (!rc)
		rc = measure(st, &used, &spare, e);
	r->shrink = !rc && spare > 0;
	return r->shrink && is_time ? look(st, e) : rc;
}

/* Steps are not synced one by one: a power cut may undo the last ones, which is no matter,
 * and the next commit of rows syncs the log with everything before it. */
static int one_step_unsynced(struct store *st, struct err *e)
{
	struct err full = ERR_INIT;
	int rc = sql_exec(st->db, "PRAGMA synchronous=NORMAL", e);
	if (!rc)
		rc = one_step(st, e);
	if (rc < 0)
		sql_rollback(st->db);
	if (sql_exec(st->db, "PRAGMA synchronous=FULL", &full)) {
		log_err("store", "commits cannot be made durable again error=%s",
			LOGQ(full.text));
		writer_give_up_connection(st); /* the next commit opens a new one */
	}
	return rc;
}

bool retain_step(struct store *st)
{
	ON_THREAD("store");
	struct retain *r = &st->retain;
	struct err e = ERR_INIT;
	int rc = one_step_unsynced(st, &e);
	if (rc < 0) {
		log_err("store", "retention failed error=%s", LOGQ(e.text));
		r->record[0] = '\0';
		r->shrink = false;
		r->next_look_mono_ns = clock_mono_ns() + LOOK_S * NS_PER_S;
		return false;
	}
	return rc > 0 || r->record[0] || r->shrink || clock_mono_ns() >= r->next_look_mono_ns;
}
