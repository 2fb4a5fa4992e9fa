/* A copy of the database for a backup. The new file is the main one of a connection of its own, the live one is
 * attached beside it for reading: one transaction, so one moment of it, while the writer goes on. (The backup
 * interface of SQLite begins again whenever somebody writes, and VACUUM INTO copies all or nothing.)
 *
 * First every table that is no day's, then the days from the newest on, in pieces, until the next one does not
 * fit. Days left out are marked in cut as gone from the store, so that a store made of the copy gives their late
 * rows ids of their own. Any thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"
#include "sqlite.h"
#include "tomsd/base/file.h"
#include "tomsd/store/cut.h"

enum {
	PIECE_ROWS = 5000,
	PIECE_PACKS = 200, /* some 20 KB each */
	DAY_DIGITS = 8,
	NAMES_MAX = 1 << 24, /* bytes of all tables' names */
};

struct copying {
	struct sql *db;
	bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes);
	void *arg;
	uint64_t page_bytes, live_bytes;
	uint64_t limit_bytes; /* of the file; days that go beyond are left out */
	uint64_t total_bytes; /* as far as it is known */
	bool is_full, all_fit;
	struct store_copied out;
};

/* "flow_20261122", "log_20261122_tok": the day; 0: a table of a room's own. */
static int32_t day_of_table(struct str name)
{
	static const char *const suffixes[] = { "", "_text", "_tok", "_toc", "_zone", "_shape" };
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		size_t suffix = strlen(suffixes[i]);
		if (name.n <= suffix + DAY_DIGITS || !str_ends(name, str_of(suffixes[i])))
			continue;
		const char *p = name.p + name.n - suffix - DAY_DIGITS;
		int32_t day = 0;
		size_t k = 0;
		for (; k < DAY_DIGITS && p[k] >= '0' && p[k] <= '9'; k++)
			day = day * 10 + (p[k] - '0');
		if (k == DAY_DIGITS && p[-1] == '_')
			return day;
	}
	return 0;
}

static int file_bytes(struct copying *c, uint64_t *out, struct err *e)
{
	int64_t pages = 0;
	int rc = sql_number(c->db, "PRAGMA main.page_count", 0, &pages, e);
	*out = (uint64_t)pages * c->page_bytes;
	return rc;
}

/* Tells how far it is; -ERR_CLOSED: that is enough. Is the file larger than it may be? */
static int tell(struct copying *c, struct err *e)
{
	uint64_t done = 0;
	int rc = file_bytes(c, &done, e);
	if (rc)
		return rc;
	c->is_full = done > c->limit_bytes;
	uint64_t total = c->total_bytes > done ? c->total_bytes : done;
	if (c->progress && !c->progress(c->arg, done, total))
		return err_set(e, ERR_CLOSED, "the copy was given up");
	return 0;
}

/* Statement made of a table's name, which may hold anything; runs it. Rows changed, or -ERR_X. */
static int64_t run_on(struct copying *c, const char *before, struct str table, const char *between,
		      const char *after, int64_t n, struct err *e)
{
	struct buf b;
	struct stmt *s = NULL;
	buf_init(&b, 4096);
	buf_cstr(&b, before);
	for (int i = 0; i < (between ? 2 : 1); i++) {
		if (i)
			buf_cstr(&b, between);
		buf_char(&b, '"');
		for (size_t k = 0; k < table.n; k++) {
			if (table.p[k] == '"')
				buf_char(&b, '"');
			buf_char(&b, table.p[k]);
		}
		buf_char(&b, '"');
	}
	buf_cstr(&b, after);
	int rc = buf_failed(&b) ? err_set(e, ERR_NOMEM, "out of memory") :
				  sql_prepare(c->db, b.p, &s, e);
	if (!rc) {
		stmt_i64(s, 1, n);
		rc = stmt_run(s, e);
	}
	stmt_done(s);
	buf_fini(&b);
	return rc ? rc : sql_changes(c->db);
}

/* Tables (or indexes) of the live file as a list: name, NUL, SQL, NUL, ... */
static int read_schema(struct copying *c, const char *text, struct buf *out, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare(c->db, text, &s, e);
	if (rc)
		return rc;
	while ((rc = stmt_step(s, e)) > 0) {
		for (int i = 0; i < 2; i++) {
			buf_str(out, stmt_col_text(s, i));
			buf_char(out, '\0');
		}
	}
	stmt_done(s);
	if (!rc && buf_failed(out))
		rc = err_set(e, ERR_NOMEM, "out of memory");
	return rc;
}

static bool next_entry(struct str *list, struct str *name, struct str *sql)
{
	return str_split(list, '\0', name) && name->n && str_split(list, '\0', sql);
}

static int copy_table(struct copying *c, struct str name, struct str sql, struct err *e)
{
	int rc = sql_exec(c->db, sql.p, e); /* a NUL stands behind it */
	if (rc)
		return rc;
	int64_t n = run_on(c, "INSERT INTO main.", name, " SELECT * FROM live.", "", 0, e);
	if (n < 0)
		return (int)n;
	c->out.rows += (uint64_t)n;
	c->out.tables++;
	return tell(c, e);
}

/* Every table that is no day's, whole. */
static int copy_rooms(struct copying *c, struct str tables, struct err *e)
{
	struct str name, sql;
	int rc = 0;
	while (!rc && next_entry(&tables, &name, &sql))
		if (!day_of_table(name))
			rc = copy_table(c, name, sql, e);
	return rc;
}

/* One table of a day, a piece at a time; stops where the file is full. Where all of the live file fits, tables
 * are copied whole: SQLite then takes their entries as they are, six times as fast. */
static int copy_day_table(struct copying *c, struct str name, struct str sql, uint64_t *rows,
			  struct err *e)
{
	bool has_packs = str_ifind(sql, STR("lines BLOB")) >= 0;
	const char *key = str_ends(name, STR("_zone")) ? "bucket" : "id";
	int64_t n = c->all_fit ? INT64_MAX : has_packs ? PIECE_PACKS : PIECE_ROWS, got = n;
	struct buf piece;
	int rc = sql_exec(c->db, sql.p, e);
	buf_init(&piece, 512);
	buf_fmt(&piece, " WHERE %s>ifnull((SELECT max(%s)FROM main.%.*s),%lld)ORDER BY %s LIMIT ?", key,
		key, (int)name.n, name.p, (long long)INT64_MIN, key);
	if (!rc && buf_failed(&piece))
		rc = err_set(e, ERR_NOMEM, "out of memory");
	if (c->all_fit)
		buf_reset(&piece);
	while (!rc && got == n && !c->is_full) {
		got = run_on(c, "INSERT INTO main.", name, " SELECT * FROM live.",
			     piece.n ? piece.p : "", n, e);
		rc = got < 0 ? (int)got : tell(c, e);
		*rows += got > 0 ? (uint64_t)got : 0;
	}
	buf_fini(&piece);
	return rc;
}

static int drop_day(struct copying *c, struct str tables, int32_t day, struct err *e)
{
	struct str name, sql;
	int64_t rc = 0;
	while (rc >= 0 && next_entry(&tables, &name, &sql))
		if (day_of_table(name) == day)
			rc = run_on(c, "DROP TABLE IF EXISTS main.", name, NULL, "", 0, e);
	return rc < 0 ? (int)rc : sql_exec(c->db, "PRAGMA main.incremental_vacuum", e);
}

/* All records of one day: whole, or not at all. */
static int copy_day(struct copying *c, struct str tables, int32_t day, struct err *e)
{
	struct str list = tables, name, sql;
	uint64_t rows = 0, n_tables = 0;
	int rc = 0;
	while (!rc && !c->is_full && next_entry(&list, &name, &sql)) {
		if (day_of_table(name) != day)
			continue;
		rc = copy_day_table(c, name, sql, &rows, e);
		n_tables++;
	}
	if (!rc && c->is_full)
		return drop_day(c, tables, day, e);
	c->out.rows += rows;
	c->out.tables += n_tables;
	c->out.oldest_day = day;
	return rc;
}

/* The day before this one that has rows; 0: there is none. */
static int day_before(struct copying *c, int32_t day, int32_t *out, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare(c->db, "SELECT max(day)FROM live.part WHERE dropping=0 AND day<?", &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, day);
	rc = stmt_step(s, e);
	*out = rc > 0 && !stmt_col_null(s, 0) ? (int32_t)stmt_col_i64(s, 0) : 0;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int copy_days(struct copying *c, struct str tables, struct err *e)
{
	int32_t day = INT32_MAX;
	int rc = day_before(c, day, &day, e);
	while (!rc && day && !c->is_full) {
		rc = copy_day(c, tables, day, e);
		if (!rc)
			rc = day_before(c, day, &day, e);
	}
	return rc;
}

/* Tables of parts that retention was taking away: readers had left them out already. */
static int drop_dropping(struct copying *c, struct err *e)
{
	char record[64] = "";
	int32_t day = 0;
	int rc;
	do {
		struct stmt *s = NULL;
		rc = sql_prepare(c->db, "SELECT record,day FROM main.part WHERE dropping=1 LIMIT 1", &s, e);
		if (rc)
			return rc;
		rc = stmt_step(s, e);
		if (rc > 0) {
			(void)str_copy(record, sizeof(record), stmt_col_text(s, 0));
			day = (int32_t)stmt_col_i64(s, 1);
		}
		stmt_done(s);
		if (rc > 0 && (rc = retain_drop_tables(c->db, record, day, e)) == 0)
			rc = 1;
	} while (rc > 0);
	return rc;
}

static int run_with_oldest(struct copying *c, const char *text, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare(c->db, text, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, c->out.oldest_day ? c->out.oldest_day : INT32_MAX);
	rc = stmt_run(s, e);
	stmt_done(s);
	return rc;
}

/* What is said of days that are not in the copy. */
static int forget_days(struct copying *c, struct err *e)
{
	int rc = run_with_oldest(
		c,
		"INSERT INTO main.cut(record,day,gone_id,gone_rows)SELECT record,day,last_id,rows FROM"
		" main.part WHERE(day<?1 OR dropping=1)ON CONFLICT(record,day)DO UPDATE SET"
		" gone_id=max(gone_id,excluded.gone_id),gone_rows=gone_rows+excluded.gone_rows",
		e);
	if (!rc)
		rc = run_with_oldest(c, "DELETE FROM main.part WHERE day<?1", e);
	return rc ? rc : drop_dropping(c, e);
}

static int copy_indexes(struct copying *c, struct err *e)
{
	struct buf b;
	struct str list, name, sql;
	buf_init(&b, NAMES_MAX);
	int rc = read_schema(c,
			     "SELECT name,sql FROM live.sqlite_schema WHERE type<>'table' AND sql NOT NULL"
			     " ORDER BY type,name",
			     &b, e);
	list = buf_view(&b);
	while (!rc && next_entry(&list, &name, &sql))
		rc = sql_exec(c->db, sql.p, e);
	buf_fini(&b);
	return rc;
}

/* Counters of AUTOINCREMENT: those that the rows gave are lower than those of rows deleted since. */
static int copy_sequences(struct copying *c, struct err *e)
{
	int64_t has = 0;
	int rc = sql_number(c->db,
			    "SELECT count(*)FROM main.sqlite_schema WHERE name='sqlite_sequence'", 0,
			    &has, e);
	if (rc || !has)
		return rc;
	return sql_exec(c->db,
			"DELETE FROM main.sqlite_sequence;"
			"INSERT INTO main.sqlite_sequence SELECT * FROM live.sqlite_sequence",
			e);
}

/* A number in the head of the file; into the copy's. */
static int copy_pragma(struct copying *c, const char *name, struct err *e)
{
	char text[96];
	struct buf b;
	int64_t n = 0;
	buf_init(&b, sizeof(text));
	buf_fmt(&b, "PRAGMA live.%s", name);
	int rc = sql_number(c->db, b.p, 0, &n, e);
	buf_reset(&b);
	buf_fmt(&b, "PRAGMA main.%s=%lld", name, (long long)n);
	if (!rc)
		rc = sql_exec(c->db, b.p, e);
	buf_fini(&b);
	return rc;
}

static int measure(struct copying *c, struct err *e)
{
	int64_t size = 0, pages = 0, spare = 0;
	int rc = sql_number(c->db, "PRAGMA live.page_size", 4096, &size, e);
	if (!rc)
		rc = sql_number(c->db, "PRAGMA live.page_count", 0, &pages, e);
	if (!rc)
		rc = sql_number(c->db, "PRAGMA live.freelist_count", 0, &spare, e);
	c->page_bytes = (uint64_t)size;
	c->live_bytes = (uint64_t)(pages - spare) * (uint64_t)size;
	c->total_bytes = c->live_bytes;
	c->limit_bytes = UINT64_MAX;
	return rc;
}

/* From here on the file may grow by so much. */
static int set_limit(struct copying *c, uint64_t rows_bytes, struct err *e)
{
	uint64_t now = 0;
	int rc = file_bytes(c, &now, e);
	if (ckd_add(&c->limit_bytes, now, rows_bytes))
		c->limit_bytes = UINT64_MAX;
	if (c->total_bytes > c->limit_bytes)
		c->total_bytes = c->limit_bytes;
	c->all_fit = c->live_bytes <= c->limit_bytes;
	return rc;
}

static int copy_all(struct copying *c, uint64_t rows_bytes, struct err *e)
{
	struct buf b;
	buf_init(&b, NAMES_MAX);
	int rc = read_schema(c,
			     "SELECT name,sql FROM live.sqlite_schema WHERE type='table' AND name NOT GLOB"
			     " 'sqlite_*' ORDER BY name",
			     &b, e);
	struct str tables = buf_view(&b);
	if (!rc)
		rc = measure(c, e);
	if (!rc)
		rc = copy_rooms(c, tables, e);
	if (!rc)
		rc = copy_indexes(c, e);
	if (!rc)
		rc = set_limit(c, rows_bytes, e);
	if (!rc)
		rc = copy_days(c, tables, e);
	if (!rc)
		rc = forget_days(c, e);
	if (!rc)
		rc = copy_sequences(c, e);
	if (!rc)
		rc = copy_pragma(c, "user_version", e);
	if (!rc)
		rc = copy_pragma(c, "application_id", e);
	buf_fini(&b);
	return rc;
}

static int sync_folder(const char *path, struct err *e)
{
	char folder[STORE_PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct str name = slash ? str_n(path, (size_t)(slash - path) + 1) : STR(".");
	if (!str_copy(folder, sizeof(folder), name))
		return err_set(e, ERR_RANGE, "the path is too long");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	if (fd < 0 || fsync(fd))
		rc = err_sys(e, errno, "syncing %s", folder);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* The order matters: a file's page size and its vacuuming are settled with its first table. */
static int begin(struct copying *c, const char *live, struct err *e)
{
	int rc = sql_attach(c->db, live, "live", e);
	if (!rc)
		rc = copy_pragma(c, "page_size", e);
	if (!rc)
		rc = copy_pragma(c, "auto_vacuum", e);
	return rc ? rc : sql_exec(c->db, "BEGIN", e);
}

int store_copy(struct store *st, const char *path, uint64_t rows_bytes,
	       bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes), void *arg,
	       struct store_copied *out, struct err *e)
{
	struct copying c = { .progress = progress, .arg = arg };
	if (unlink(path) && errno != ENOENT)
		return err_sys(e, errno, "%s", path);
	int rc = sql_open(&c.db, path, SQL_COPY, e);
	if (!rc)
		rc = begin(&c, st->file, e);
	if (!rc)
		rc = copy_all(&c, rows_bytes, e);
	if (!rc)
		rc = sql_exec(c.db, "COMMIT", e);
	sql_close(c.db);
	if (!rc)
		rc = sync_folder(path, e);
	if (rc) {
		(void)unlink(path); /* half of a copy is none */
		return rc;
	}
	int64_t bytes = file_size(path);
	c.out.bytes = bytes < 0 ? 0 : (uint64_t)bytes;
	*out = c.out;
	return 0;
}
