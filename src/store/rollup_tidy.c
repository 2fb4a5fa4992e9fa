/* Roll-ups that are over: an hour keeps its largest peers, a day gets its own sums. Store
 * thread. */
#include "rollup.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"

enum {
	HOUR_S = 3600,
	DAY_S = 86400,
	HOUR_GRACE_S = 900,
	DAY_GRACE_S = 2 * HOUR_S,
	LATE_QUIET_S = 30
};

/* Keys beyond the largest ?3 are added to 'other', then deleted. Of equals the lower key
 * stays. */
#define LARGEST(t)                                                       \
	"(SELECT key FROM " t " WHERE dim=?1 AND at=?2 AND key<>'other'" \
	" ORDER BY bytes_out+bytes_in DESC,key LIMIT ?3)"
#define FOLD(t)                                                                                       \
	{                                                                                             \
		"INSERT INTO " t                                                                      \
		" SELECT dim,at,'other',sum(flows),sum(packets),sum(bytes_out),"                      \
		"sum(bytes_in) FROM " t                                                               \
		" WHERE dim=?1 AND at=?2 AND key<>'other' AND key NOT IN" LARGEST(                    \
			t) " GROUP BY dim,at ON CONFLICT DO UPDATE SET flows=flows+excluded.flows,"   \
			   "packets=packets+excluded.packets,bytes_out=bytes_out+excluded.bytes_out," \
			   "bytes_in=bytes_in+excluded.bytes_in",                                     \
			"DELETE FROM " t                                                              \
			" WHERE dim=?1 AND at=?2 AND key<>'other' AND key NOT IN" LARGEST(t)          \
	}
static const char *const fold_hour[2] = FOLD("rollup_hour");
static const char *const fold_day[2] = FOLD("rollup_day");

static int run3(struct sql *db, const char *text, int64_t a, int64_t b, int64_t c,
		struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, text, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, a);
	stmt_i64(s, 2, b);
	stmt_i64(s, 3, c);
	rc = stmt_run(s, e);
	stmt_done(s);
	return rc;
}

/* A number with up to two parameters; def when there is none. */
static int ask2(struct sql *db, const char *text, int64_t a, int64_t b, int64_t def,
		int64_t *out, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, text, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, a);
	stmt_i64(s, 2, b);
	rc = stmt_step(s, e);
	if (rc >= 0)
		*out = rc > 0 && !stmt_col_null(s, 0) ? stmt_col_i64(s, 0) : def;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int fold(struct sql *db, const char *const text[2], int64_t dim, int64_t at,
		int64_t keep, struct err *e)
{
	int rc = run3(db, text[0], dim, at, keep, e);
	return rc ? rc : run3(db, text[1], dim, at, keep, e);
}

static int set_meta(struct sql *db, const char *name, int64_t v, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, "INSERT OR REPLACE INTO store_meta VALUES(?,?)", &s, e);
	if (rc)
		return rc;
	stmt_text_ref(s, 1, str_of(name));
	stmt_i64(s, 2, v);
	rc = stmt_run(s, e);
	stmt_done(s);
	return rc;
}

static int finish(struct sql *db, int rc, struct err *e)
{
	if (!rc)
		rc = sql_exec(db, "COMMIT", e);
	if (rc)
		sql_rollback(db);
	return rc;
}

/* The next hour whose peers have not been cut yet; 0: none. Hours that won new ones since are
 * cut again once no more of them come. */
static int next_hour(struct rollup *ru, struct sql *db, int64_t now_s, int64_t *at,
		     struct err *e)
{
	if (ru->late_s <= ru->folded_s &&
	    clock_mono_ns() - ru->late_mono_ns > LATE_QUIET_S * NS_PER_S) {
		ru->folded_s = ru->late_s - 1;
		ru->late_s = INT64_MAX;
	}
	return ask2(db, "SELECT min(at)FROM rollup_hour WHERE dim=4 AND at>?1 AND at<=?2",
		    ru->folded_s, now_s - HOUR_S - HOUR_GRACE_S, 0, at, e);
}

static int fold_peers(struct rollup *ru, struct sql *db, int64_t at, struct err *e)
{
	int64_t day = at - at % DAY_S;
	int rc = sql_exec(db, "BEGIN IMMEDIATE", e);
	if (!rc)
		rc = fold(db, fold_hour, ROLLUP_PEER, at, ROLLUP_HOUR_PEERS, e);
	/* the day's own sums have won the same keys */
	for (int64_t dim = ROLLUP_HOST; !rc && day < ru->closed_s && dim <= ROLLUP_PEER; dim++)
		rc = fold(db, fold_day, dim, day, ROLLUP_DAY_KEYS, e);
	if (!rc)
		rc = set_meta(db, "rollup_folded_hour", at, e);
	rc = finish(db, rc, e);
	if (!rc)
		ru->folded_s = at;
	return rc;
}

static int sum_day(struct sql *db, int64_t dim, int64_t at, struct err *e)
{
	int rc = run3(
		db,
		"INSERT OR REPLACE INTO rollup_day SELECT dim,?2,key,sum(flows),sum(packets),sum(bytes_out),"
		"sum(bytes_in)FROM rollup_hour WHERE dim=?1 AND at>=?2 AND at<?3 GROUP BY key",
		dim, at, at + DAY_S, e);
	return rc ? rc : fold(db, fold_day, dim, at, ROLLUP_DAY_KEYS, e);
}

static int close_day(struct rollup *ru, struct sql *db, int64_t at, int64_t last_s,
		     struct err *e)
{
	int rc = sql_exec(db, "BEGIN IMMEDIATE", e);
	for (int64_t dim = ROLLUP_TOTAL; !rc && at >= 0 && dim <= ROLLUP_LOG_TYPE; dim++)
		rc = sum_day(db, dim, at, e);
	if (!rc)
		rc = set_meta(db, "rollup_closed_day", clock_day(last_s * NS_PER_S), e);
	rc = finish(db, rc, e);
	if (!rc)
		ru->closed_s = last_s + DAY_S;
	return rc;
}

/* Closes the oldest day that is over; when there is none with rows left, all until yesterday.
 */
static int close_next_day(struct rollup *ru, struct sql *db, int64_t now_s, struct err *e)
{
	int64_t today = (now_s - DAY_GRACE_S) / DAY_S * DAY_S, at = -1;
	if (now_s < DAY_GRACE_S || ru->closed_s >= today)
		return 0;
	int rc = ask2(db,
		      "SELECT min(at)FROM rollup_hour WHERE dim IN(0,5)AND at>=?1 AND at<?2",
		      ru->closed_s, today, -1, &at, e);
	if (rc)
		return rc;
	if (at >= 0)
		at -= at % DAY_S;
	rc = close_day(ru, db, at, at >= 0 ? at : today - DAY_S, e);
	return rc ? rc : 1;
}

int rollup_tidy(struct rollup *ru, struct sql *db, int64_t now_ns, struct err *e)
{
	int64_t now_s = now_ns / NS_PER_S, hour = 0;
	int rc = next_hour(ru, db, now_s, &hour, e);
	if (!rc && hour) {
		rc = fold_peers(ru, db, hour, e);
		return rc ? rc : 1;
	}
	return rc ? rc : close_next_day(ru, db, now_s, e);
}

int rollup_drop_before(struct sql *db, int64_t before_ns, struct err *e)
{
	/* the oldest hour of a dimension at a time: some thousand rows */
#define DROP(t)                                                               \
	"DELETE FROM " t " WHERE dim=?1 AND at<min(?2,(SELECT min(at)FROM " t \
	" WHERE dim=?1)+?3)"
	static const char *const minute = DROP("rollup_minute"), *const hour =
									 DROP("rollup_hour");
	for (int64_t dim = ROLLUP_TOTAL; dim <= ROLLUP_LOG_TYPE; dim++) {
		for (int t = 0; t < 2; t++) {
			int rc = run3(db, t ? hour : minute, dim, before_ns / NS_PER_S, HOUR_S,
				      e);
			if (rc)
				return rc;
			if (sql_changes(db) > 0)
				return 1;
		}
	}
	return 0;
}
