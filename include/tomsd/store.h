/* The store: one SQLite database, one writer thread, read-only connections for everybody else.
 *
 * Rows of a record live in a table of their own for each UTC day (flow_20261122), dropped whole when
 * they are too old. Row ids are (seconds of the row's time << 30) + n, rising in the order of arrival
 * within a day, so that a time range is a range of ids. Text that repeats is stored once a day.
 * Token index: for each run of up to 16,384 rows of a day one posting list a token (address, MAC, name,
 * application, port ...), appended, never updated. Roll-ups a minute and an hour are written in the
 * same transaction as the rows they count.
 *
 * Commit, then tell: store_put returns before the row is on disk; followers hear of it after. */
#ifndef TOMSD_STORE_H
#define TOMSD_STORE_H

#include "tomsd/app.h"
#include "tomsd/base/buf.h"
#include "tomsd/base/err.h"
#include "tomsd/record.h"

extern const struct room store_room;

struct store;

struct store_conf {
	const char *path;       /* folder; tomsd.db lives in it */
	int64_t retention_ns;   /* rows of days older than this are dropped; 0 keeps all */
	uint64_t disk_limit;    /* bytes of database + WAL; oldest days go first; 0: none */
	uint64_t disk_reserve;  /* free bytes of the file system to keep */
	size_t inbox_bytes;     /* 0: 32 MiB */
	size_t readers;         /* pool; 0: 4 */
	int64_t commit_every_ns; /* 0: 200 ms */
};

/* Opens (making and migrating it) for a daemon; the writer thread starts with store_start. A database
 * made by a newer version is refused with -ERR_NEWER in plain words. */
int store_open(struct store **out, const struct store_conf *conf, struct err *e) MUST_CHECK;
int store_start(struct store *st, struct err *e) MUST_CHECK;
void store_stop(struct store *st); /* drains the inbox, commits, checkpoints, joins */
/* For tomsctl: read-only, beside a running daemon or without one. No writer, no migration. */
int store_open_readonly(struct store **out, const char *path, struct err *e) MUST_CHECK;
void store_free(struct store *st);

/* Sources. The row is copied, with its tail; waits while the inbox is full. 0, -ERR_CLOSED, or -ERR_RANGE
 * for a row that is longer than its record or the inbox allows (rows in front of it are taken). */
int store_put(struct store *st, const struct record *r, const void *row) MUST_CHECK;
int store_put_many(struct store *st, const struct record *r, const void *rows, size_t n) MUST_CHECK;
/* store_put_many: for records without a tail. The same for rows that lie apart, each of its own length (records with a tail). */
int store_put_each(struct store *st, const struct record *r, const void *const *rows, size_t n) MUST_CHECK;
/* Waits until everything put before is durable: 0, -ERR_TIMEOUT, -ERR_IO (words in e). */
int store_flush(struct store *st, int timeout_ms, struct err *e) MUST_CHECK;
/* Runs fn on the writer thread inside a transaction of its own and waits for its commit; for small
 * changes of rooms that own tables (users, sessions, settings). fn's failure rolls back. */
struct sql;
int store_write(struct store *st, int (*fn)(struct sql *db, void *arg, struct err *e), void *arg,
		struct err *e) MUST_CHECK;

/* Readers: a connection of the pool with a deadline (clock_mono_ns); statements past it end with
 * -ERR_TIMEOUT. Give it back soon: no page holds a reader across a wait for a client. */
int store_read_begin(struct store *st, int64_t deadline_mono_ns, struct sql **db, struct err *e) MUST_CHECK;
void store_read_end(struct store *st, struct sql *db);

/* SQL itself (sqlite3.h is included in store/sqlite.c only). Values are bound, text is constant. */
struct stmt;
int sql_prepare(struct sql *db, const char *text, struct stmt **out, struct err *e) MUST_CHECK; /* cached by text per connection */
void stmt_done(struct stmt *s); /* resets and gives it back to the cache; NULL is fine */
void stmt_i64(struct stmt *s, int at, int64_t v); /* at counts from 1 */
void stmt_text(struct stmt *s, int at, struct str v); /* copied */
void stmt_blob(struct stmt *s, int at, const void *p, size_t n);
void stmt_null(struct stmt *s, int at);
int stmt_step(struct stmt *s, struct err *e) MUST_CHECK; /* 1 row, 0 done, -ERR_X */
int64_t stmt_col_i64(struct stmt *s, int col);           /* col counts from 0 */
struct str stmt_col_text(struct stmt *s, int col);       /* good until the next step */
struct str stmt_col_blob(struct stmt *s, int col);
bool stmt_col_null(struct stmt *s, int col);
int sql_exec(struct sql *db, const char *text, struct err *e) MUST_CHECK; /* constant text, no result */

/* Followers: committed rows in the order of commit. A follower that is too slow is marked lagging and
 * re-reads from the tables until it has caught up; nothing is lost for as long as the day is kept. */
struct follower;
int store_follow(struct store *st, const struct record *r, const char *name, size_t queue_rows,
		 struct follower **out, struct err *e) MUST_CHECK; /* before store_start; from now on */
/* Up to max rows (record's struct) into out: how many, -ERR_TIMEOUT, -ERR_CLOSED. One thread. Rows of a
 * record with a tail come without it (its length is 0): store_query by id gives the whole row. */
int follower_next(struct follower *f, void *rows, size_t max, int timeout_ms, struct err *e) MUST_CHECK;
void follower_close(struct follower *f); /* wakes it: next says -ERR_CLOSED once empty */

/* Queries over rows: newest first unless sorted. */
enum query_sort { QUERY_NEWEST, QUERY_OLDEST, QUERY_BYTES /* largest first */, QUERY_RISK, QUERY_DURATION };
struct query_word { /* one filter: --host X, source.bytes>100MB, -action:deny, plain text */
	char key[48];    /* "host" "peer" "port" "proto" "app" "action" "text" or an ECS name */
	char op[3];      /* ":" "=" "!=" ">" ">=" "<" "<=" */
	bool negate;
	char value[256];
};
#define QUERY_WORDS_MAX 32
struct query {
	const struct record *record;
	int64_t since_ns, until_ns; /* [since, until); 0 / INT64_MAX: open */
	struct query_word words[QUERY_WORDS_MAX];
	size_t n_words;
	enum query_sort sort;
	char cursor[128]; /* from a page before; empty: first page */
};
/* "host:10.0.0.1 -app:dns source.bytes>100MB pacs" into words (appended); words to e that say which
 * part is wrong. Quotes keep spaces: name:"a b". */
int query_parse(struct query *q, struct str text, struct err *e) MUST_CHECK;
int query_add(struct query *q, const char *key, const char *op, const char *value, struct err *e) MUST_CHECK;

struct query_page_info {
	bool complete;       /* false: the deadline came first */
	bool more;           /* there is a next page */
	char next[128];      /* its cursor */
	int64_t as_of_ns;
	int64_t covered_since_ns, covered_until_ns; /* span really searched */
	uint64_t rows_looked_at;
};
/* Calls row() for up to limit rows (0: all), each with its tail behind the struct; a row() that returns non-zero ends it early. Checks the words against
 * the record first (-ERR_INVALID with words). deadline_mono_ns 0: none. */
int store_query(struct store *st, const struct query *q, size_t limit, int64_t deadline_mono_ns,
		int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
		struct err *e) MUST_CHECK;
/* How many rows match: exact up to at_most, then says at_most and *more = true. */
int store_count(struct store *st, const struct query *q, uint64_t at_most, int64_t deadline_mono_ns,
		uint64_t *n, bool *more, struct err *e) MUST_CHECK;

/* Roll-ups of flows. Dimensions of a minute: total, app, direction; of an hour also host (internal
 * address), peer (external address). Values are sums over the span. */
enum rollup_dim { ROLLUP_TOTAL, ROLLUP_DIRECTION, ROLLUP_APP, ROLLUP_HOST, ROLLUP_PEER,
	/* Of logs: flows counts lines, bytes_out their bytes. Minutes: kind ("traffic") and source (its number in
	 * log_source, "0" unknown). Hours: type, subtype and action as the device says ("utm/virus/blocked"). */
	ROLLUP_LOG_KIND, ROLLUP_LOG_SOURCE, ROLLUP_LOG_TYPE };
struct rollup_row {
	int64_t at_ns;     /* start of the bucket; 0 in a top list */
	char key[64];      /* "" total; direction name; application; address */
	uint64_t flows, packets;
	uint64_t bytes_out; /* sent by the source / the host (peer: sent to it) */
	uint64_t bytes_in;
};
/* Series: one row a bucket and key, oldest first; step_ns is rounded up to the roll-up's (minute, or
 * hour for long spans and hour-only dimensions) and returned; at most max_buckets buckets. keys: the
 * n largest keys, the rest summed under "other". */
int store_series(struct store *st, enum rollup_dim dim, int64_t since_ns, int64_t until_ns, size_t max_buckets,
		 size_t keys, int64_t deadline_mono_ns, int64_t *step_ns,
		 int (*row)(void *arg, const struct rollup_row *r), void *arg, struct err *e) MUST_CHECK;
int store_top(struct store *st, enum rollup_dim dim, int64_t since_ns, int64_t until_ns, size_t n,
	      int64_t deadline_mono_ns, int (*row)(void *arg, const struct rollup_row *r), void *arg,
	      struct err *e) MUST_CHECK;

/* Facts for status. */
struct store_stats {
	uint64_t rows_total, commits_total, inbox_rows, inbox_bytes, database_bytes, wal_bytes, days;
	uint64_t disk_free_bytes;
	int64_t last_commit_ns, oldest_day, newest_day; /* days as YYYYMMDD */
	int64_t last_commit_took_ns, commit_window_ns;  /* what a power cut can take: not older than this */
	bool failing;
	char last_error[256];
};
void store_stats(struct store *st, struct store_stats *out); /* never blocks */

#endif
