/* SQLite behind the words of tomsd/store.h; the only file that includes sqlite3.h.
 *
 * Writer: WAL with synchronous=FULL (one fsync a commit: what was told to followers survives
 * a power cut), checkpoints by hand (writer.c), secure_delete off (Debian builds it in; it
 * would write every page of a dropped day once more), auto_vacuum=INCREMENTAL so that the
 * file can shrink. No mmap: a bad sector would be a SIGBUS instead of an error. Readers:
 * query_only, one snapshot a transaction. Any thread may use a struct sql, one at a time
 * (opened with NOMUTEX). */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"

enum {
	STMT_CACHE = 128, /* statements a connection keeps; texts name days: it needs an end */
	PROGRESS_STEPS = 4000, /* VM steps between two looks at the clock: some 50 us */
	BUSY_MS = 5000,        /* another process checkpoints (tomsctl beside the daemon) */
	WRITER_CACHE_KIB = 24576,
	READER_CACHE_KIB = 8192,
	JOURNAL_LIMIT = 16 << 20, /* WAL file is cut to this when it is reused */
};

struct stmt {
	sqlite3_stmt *s;
	struct sql *db;
	char *text;
	int place; /* in the cache; -1: it had no room */
	bool busy;
	uint64_t used; /* sql.clock at its last use */
};

struct sql {
	sqlite3 *db;
	struct stmt *cache[STMT_CACHE];
	uint64_t hashes[STMT_CACHE]; /* of the texts; looked through at every prepare */
	uint64_t clock;
	int64_t deadline_mono_ns;
	int last_rc; /* extended code of the last failure */
	uint64_t tag;
	bool days_changed;
};

/* Turns SQLite's word into ours; the rest keeps its message. */
static const struct {
	int rc;
	enum err_code code;
} codes[] = {
	{ SQLITE_FULL, ERR_FULL },         { SQLITE_INTERRUPT, ERR_TIMEOUT },
	{ SQLITE_BUSY, ERR_BUSY },         { SQLITE_LOCKED, ERR_BUSY },
	{ SQLITE_CORRUPT, ERR_CORRUPT },   { SQLITE_NOTADB, ERR_CORRUPT },
	{ SQLITE_CONSTRAINT, ERR_EXISTS }, { SQLITE_NOMEM, ERR_NOMEM },
	{ SQLITE_PERM, ERR_DENIED },       { SQLITE_AUTH, ERR_DENIED },
	{ SQLITE_READONLY, ERR_DENIED },   { SQLITE_TOOBIG, ERR_RANGE },
	{ SQLITE_RANGE, ERR_INVALID },     { SQLITE_ERROR, ERR_INVALID },
	{ SQLITE_MISUSE, ERR_INVALID },
};

static int failed(struct sql *db, int rc, struct err *e)
{
	int base = rc & 0xff;
	db->last_rc = db->db ? sqlite3_extended_errcode(db->db) : rc;
	if (base == SQLITE_INTERRUPT)
		return err_set(e, ERR_TIMEOUT, "took longer than it was given");
	enum err_code code = ERR_IO;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].rc == base)
			code = codes[i].code;
	const char *words = db->db ? sqlite3_errmsg(db->db) : sqlite3_errstr(rc);
	int os = db->db ? sqlite3_system_errno(db->db) : 0;
	if (os && (base == SQLITE_IOERR || base == SQLITE_CANTOPEN || base == SQLITE_FULL))
		return err_set(e, code, "%s (%s)", words, strerror(os));
	return err_set(e, code, "%s", words);
}

static int out_of_time(void *arg)
{
	const struct sql *db = arg;
	return clock_mono_ns() > db->deadline_mono_ns;
}

void sql_set_deadline(struct sql *db, int64_t mono_ns)
{
	db->deadline_mono_ns = mono_ns;
	sqlite3_progress_handler(db->db, mono_ns ? PROGRESS_STEPS : 0,
				 mono_ns ? out_of_time : NULL, db);
}

void sql_interrupt(struct sql *db)
{
	sqlite3_interrupt(db->db);
}
bool sql_in_transaction(struct sql *db)
{
	return sqlite3_get_autocommit(db->db) == 0;
}

/* Whatever it says, there is no transaction afterwards. */
void sql_rollback(struct sql *db)
{
	if (sql_in_transaction(db))
		sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
}

void sql_set_tag(struct sql *db, uint64_t tag)
{
	db->tag = tag;
}
uint64_t sql_tag(const struct sql *db)
{
	return db->tag;
}
void sql_set_days_changed(struct sql *db)
{
	db->days_changed = true;
}
bool sql_take_days_changed(struct sql *db)
{
	bool was = db->days_changed;
	db->days_changed = false;
	return was;
}
int64_t sql_changes(struct sql *db)
{
	return sqlite3_changes64(db->db);
}

bool sql_failed_on_disk(struct sql *db)
{
	int base = db->last_rc & 0xff;
	return base == SQLITE_IOERR || base == SQLITE_CANTOPEN || base == SQLITE_READONLY;
}

/* auto_vacuum has to come before the first table, journal_mode after it has been decided. */
static const char *const writer_pragmas[] = {
	"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL",
	"PRAGMA synchronous=FULL",        "PRAGMA secure_delete=OFF",
	"PRAGMA cell_size_check=ON",      "PRAGMA temp_store=MEMORY",
	"PRAGMA foreign_keys=ON",         "PRAGMA trusted_schema=OFF",
	"PRAGMA wal_autocheckpoint=0",    NULL,
};
/* A copy that is not whole is of no use: nothing is journaled but in memory, and synced once. */
static const char *const copy_pragmas[] = {
	"PRAGMA journal_mode=MEMORY", "PRAGMA synchronous=FULL",   "PRAGMA secure_delete=OFF",
	"PRAGMA temp_store=MEMORY",   "PRAGMA foreign_keys=OFF",   "PRAGMA trusted_schema=OFF",
	"PRAGMA cell_size_check=ON",  NULL,
};
static const char *const reader_pragmas[] = {
	"PRAGMA query_only=ON",
	"PRAGMA cell_size_check=ON",
	"PRAGMA temp_store=MEMORY",
	"PRAGMA trusted_schema=OFF",
	NULL,
};

static int set_up(struct sql *db, enum sql_role role, struct err *e)
{
	sqlite3_extended_result_codes(db->db, 1);
	sqlite3_busy_timeout(db->db, BUSY_MS);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	const char *const *text = role == SQL_WRITER ? writer_pragmas :
				  role == SQL_COPY   ? copy_pragmas :
						       reader_pragmas;
	for (; *text; text++) {
		int rc = sql_exec(db, *text, e);
		if (rc)
			return rc;
	}
	char sizes[128];
	sqlite3_snprintf(sizeof(sizes), sizes,
			 "PRAGMA cache_size=-%d; PRAGMA journal_size_limit=%d",
			 role == SQL_WRITER || role == SQL_COPY ? WRITER_CACHE_KIB :
								  READER_CACHE_KIB,
			 JOURNAL_LIMIT);
	return sql_exec(db, sizes, e);
}

/* An URI, since immutable=1 and an attached file's mode=ro have no flag; the characters that mean something there are
 * escaped. */
static char *uri_of(const char *path, const char *options)
{
	struct buf b;
	buf_init(&b, 8192);
	buf_cstr(&b, "file:");
	for (; *path; path++) {
		if (strchr("%?#", *path))
			buf_fmt(&b, "%%%02x", (unsigned)(unsigned char)*path);
		else
			buf_char(&b, *path);
	}
	buf_cstr(&b, options);
	char *uri = buf_take(&b, NULL);
	buf_fini(&b);
	return uri;
}

int sql_open(struct sql **out, const char *path, enum sql_role role, struct err *e)
{
	struct sql *db = calloc(1, sizeof(*db));
	char *uri = uri_of(path, role == SQL_READER_IMMUTABLE ? "?immutable=1" : "");
	int rc = -ERR_NOMEM;
	if (!db || !uri)
		goto out;
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
	flags |= role == SQL_WRITER || role == SQL_COPY ?
			 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE :
			 SQLITE_OPEN_READONLY;
	int sq = sqlite3_open_v2(uri, &db->db, flags, NULL);
	rc = sq == SQLITE_OK ? set_up(db, role, e) : failed(db, sq, e);
out:
	free(uri);
	if (rc) {
		sql_close(db);
		return rc == -ERR_NOMEM ? err_set(e, ERR_NOMEM, "out of memory") : rc;
	}
	*out = db;
	return 0;
}

static void stmt_free(struct stmt *s)
{
	if (!s)
		return;
	sqlite3_finalize(s->s);
	free(s->text);
	free(s);
}

void sql_close(struct sql *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < STMT_CACHE; i++)
		stmt_free(db->cache[i]);
	sqlite3_close_v2(db->db);
	free(db);
}

int sql_exec(struct sql *db, const char *text, struct err *e)
{
	int rc = sqlite3_exec(db->db, text, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : failed(db, rc, e);
}

/* The place for one more statement: an empty one, or the one unused for longest; -1: all
 * busy. */
static int cache_place(struct sql *db)
{
	int oldest = -1;
	for (int i = 0; i < STMT_CACHE; i++) {
		const struct stmt *s = db->cache[i];
		if (!s)
			return i;
		if (!s->busy && (oldest < 0 || s->used < db->cache[oldest]->used))
			oldest = i;
	}
	if (oldest >= 0) {
		stmt_free(db->cache[oldest]);
		db->cache[oldest] = NULL;
	}
	return oldest;
}

static struct stmt *find_cached(struct sql *db, const char *text, uint64_t hash)
{
	for (int i = 0; i < STMT_CACHE; i++)
		if (db->hashes[i] == hash && db->cache[i] && !db->cache[i]->busy &&
		    strcmp(db->cache[i]->text, text) == 0)
			return db->cache[i];
	return NULL;
}

int sql_prepare(struct sql *db, const char *text, struct stmt **out, struct err *e)
{
	size_t n = strlen(text);
	uint64_t hash = hash_bytes(text, n, 0);
	struct stmt *s = find_cached(db, text, hash);
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s || !(s->text = strdup(text))) {
			stmt_free(s);
			return err_set(e, ERR_NOMEM, "out of memory");
		}
		int rc = sqlite3_prepare_v3(db->db, text, (int)n + 1, SQLITE_PREPARE_PERSISTENT,
					    &s->s, NULL);
		if (rc != SQLITE_OK) {
			stmt_free(s);
			return failed(db, rc, e);
		}
		s->db = db;
		s->place = cache_place(db);
		if (s->place >= 0) {
			db->cache[s->place] = s;
			db->hashes[s->place] = hash;
		}
	}
	s->busy = true;
	s->used = ++db->clock;
	*out = s;
	return 0;
}

int sql_attach(struct sql *db, const char *path, const char *name, struct err *e)
{
	struct stmt *s = NULL;
	char *uri = uri_of(path, "?mode=ro");
	int rc = uri ? sql_prepare(db, "ATTACH ?1 AS ?2", &s, e) :
		       err_set(e, ERR_NOMEM, "out of memory");
	if (!rc) {
		stmt_text(s, 1, str_of(uri));
		stmt_text(s, 2, str_of(name));
		rc = stmt_run(s, e);
	}
	stmt_done(s);
	free(uri);
	return rc;
}

int sql_prepare_on(struct stmt **out, struct sql *db, const char *before, const char *table,
		   const char *after, struct err *e)
{
	struct buf b;
	buf_init(&b, 256);
	buf_fmt(&b, "%s%s%s", before, table, after);
	int rc = sql_prepare(db, b.p, out, e);
	buf_fini(&b);
	return rc;
}

void stmt_done(struct stmt *s)
{
	if (!s)
		return;
	sqlite3_reset(s->s);
	sqlite3_clear_bindings(s->s);
	s->busy = false;
	if (s->place < 0)
		stmt_free(s);
}

void stmt_reset(struct stmt *s)
{
	sqlite3_reset(s->s);
}
void stmt_clear(struct stmt *s)
{
	sqlite3_clear_bindings(s->s);
}

/* Binding fails only for a number of our own that is out of range, or without memory: the
 * value is NULL then and the step says so. */
void stmt_i64(struct stmt *s, int at, int64_t v)
{
	(void)sqlite3_bind_int64(s->s, at, v);
}
void stmt_null(struct stmt *s, int at)
{
	(void)sqlite3_bind_null(s->s, at);
}

void stmt_text(struct stmt *s, int at, struct str v)
{
	(void)sqlite3_bind_text64(s->s, at, v.p ? v.p : "", v.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void stmt_text_ref(struct stmt *s, int at, struct str v)
{
	(void)sqlite3_bind_text64(s->s, at, v.p ? v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8);
}

void stmt_blob(struct stmt *s, int at, const void *p, size_t n)
{
	(void)sqlite3_bind_blob64(s->s, at, p ? p : "", n, SQLITE_TRANSIENT);
}

void stmt_blob_ref(struct stmt *s, int at, const void *p, size_t n)
{
	(void)sqlite3_bind_blob64(s->s, at, p ? p : "", n, SQLITE_STATIC);
}

int stmt_step(struct stmt *s, struct err *e)
{
	int rc = sqlite3_step(s->s);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return failed(s->db, rc, e);
}

int stmt_run(struct stmt *s, struct err *e)
{
	int rc;
	while ((rc = stmt_step(s, e)) > 0)
		;
	sqlite3_reset(s->s);
	return rc;
}

int64_t stmt_col_i64(struct stmt *s, int col)
{
	return sqlite3_column_int64(s->s, col);
}
bool stmt_col_null(struct stmt *s, int col)
{
	return sqlite3_column_type(s->s, col) == SQLITE_NULL;
}
bool stmt_col_is_int(struct stmt *s, int col)
{
	return sqlite3_column_type(s->s, col) == SQLITE_INTEGER;
}
bool stmt_col_is_blob(struct stmt *s, int col)
{
	return sqlite3_column_type(s->s, col) == SQLITE_BLOB;
}

struct str stmt_col_text(struct stmt *s, int col)
{
	const char *p = (const char *)sqlite3_column_text(s->s, col);
	return str_n(p ? p : "", (size_t)sqlite3_column_bytes(s->s, col));
}

struct str stmt_col_blob(struct stmt *s, int col)
{
	const char *p = sqlite3_column_blob(s->s, col);
	return str_n(p ? p : "", p ? (size_t)sqlite3_column_bytes(s->s, col) : 0);
}

int sql_number(struct sql *db, const char *text, int64_t def, int64_t *out, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, text, &s, e);
	if (rc)
		return rc;
	rc = stmt_step(s, e);
	if (rc >= 0)
		*out = rc > 0 && !stmt_col_null(s, 0) ? stmt_col_i64(s, 0) : def;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int sql_checkpoint(struct sql *db, bool truncate, int *frames, int *left, struct err *e)
{
	int log = 0, moved = 0;
	if (truncate)
		sqlite3_busy_timeout(db->db, 50);
	int rc = sqlite3_wal_checkpoint_v2(db->db, "main",
					   truncate ? SQLITE_CHECKPOINT_TRUNCATE :
						      SQLITE_CHECKPOINT_PASSIVE,
					   &log, &moved);
	if (truncate)
		sqlite3_busy_timeout(db->db, BUSY_MS);
	if (rc != SQLITE_OK)
		return failed(db, rc, e);
	*frames = log < 0 ? 0 : log;
	*left = log < 0 ? 0 : log - moved;
	return 0;
}
