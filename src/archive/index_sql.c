/* SQL of the index: see index_sql.h and migration 019. */
#include "index_sql.h"

static const char sql_put[] =
	"INSERT INTO archive_index (object, record, rows, volume, words) VALUES (?1, ?2, ?3, ?4, ?5)"
	" ON CONFLICT (object) DO UPDATE SET record = ?2, rows = ?3, volume = ?4, words = ?5";
static const char sql_put_group[] =
	"INSERT INTO archive_group (object, place, record, rows, first_id, last_id, min_ns, max_ns)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char sql_drop_groups[] = "DELETE FROM archive_group WHERE object = ?1";
static const char sql_drop[] = "DELETE FROM archive_index WHERE object = ?1";
static const char sql_put_volume[] = "INSERT INTO archive_volume (record, min_ns, max_ns, objects) VALUES (?1, ?2, ?3, ?4)"
				     " RETURNING id";
static const char sql_put_words[] = "INSERT INTO archive_word (id, words) VALUES (?1, ?2)";
static const char sql_fold[] =
	"UPDATE archive_index SET volume = ?2, words = NULL WHERE object = ?1 AND volume IS NULL";
static const char sql_kinds[] = "SELECT DISTINCT record FROM archive_index WHERE volume IS NULL";
static const char sql_loose[] =
	"SELECT object, words FROM archive_index WHERE record = ?1 AND volume IS NULL AND object > ?2 ORDER BY object";
static const char sql_any[] = "SELECT object, NULL FROM archive_index WHERE record = ?1 AND volume = 0";
static const char sql_volumes[] =
	"SELECT id, objects FROM archive_volume WHERE record = ?1 AND max_ns >= ?2 AND min_ns < ?3 ORDER BY id";
static const char sql_words[] = "SELECT words FROM archive_word WHERE id = ?1";
static const char sql_span[] = "SELECT min(min_ns), max(max_ns) FROM archive_group WHERE object = ?1";
static const char sql_begins[] = "SELECT min(min_ns) FROM archive_group WHERE record = ?1";

#define GROUP_COLS "object, place, rows, first_id, last_id, min_ns, max_ns"
static const char sql_newest[] =
	"SELECT " GROUP_COLS " FROM archive_group WHERE record = ?1 AND (max_ns, object, place) < (?2, ?3, ?4)"
	" AND max_ns >= ?5 AND min_ns < ?6 ORDER BY max_ns DESC, object DESC, place DESC LIMIT ?7";
static const char sql_oldest[] =
	"SELECT " GROUP_COLS " FROM archive_group WHERE record = ?1 AND (min_ns, object, place) > (?2, ?3, ?4)"
	" AND max_ns >= ?5 AND min_ns < ?6 ORDER BY min_ns, object, place LIMIT ?7";

static int run_done(struct stmt *s, struct err *e)
{
	int rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int run_on_object(struct sql *db, const char *text, int64_t object, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, text, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, object);
	return run_done(s, e);
}

int index_sql_drop(struct sql *db, int64_t object, struct err *e)
{
	int rc = run_on_object(db, sql_drop_groups, object, e);
	return rc ? rc : run_on_object(db, sql_drop, object, e);
}

int index_sql_put(struct sql *db, int64_t object, const char *record, int64_t rows, struct str words, bool too_many,
		  struct err *e)
{
	struct stmt *s;
	int rc = run_on_object(db, sql_drop_groups, object, e);
	if (!rc)
		rc = sql_prepare(db, sql_put, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, object);
	stmt_text(s, 2, str_of(record));
	stmt_i64(s, 3, rows);
	if (too_many) {
		stmt_i64(s, 4, 0);
		stmt_null(s, 5);
	} else {
		stmt_null(s, 4);
		stmt_blob(s, 5, words.p ? words.p : "", words.n);
	}
	return run_done(s, e);
}

int index_sql_put_group(struct sql *db, const char *record, const struct index_group *g, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_put_group, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, g->object);
	stmt_i64(s, 2, g->place);
	stmt_text(s, 3, str_of(record));
	stmt_i64(s, 4, g->rows);
	stmt_i64(s, 5, g->first_id);
	stmt_i64(s, 6, g->last_id);
	stmt_i64(s, 7, g->min_ns);
	stmt_i64(s, 8, g->max_ns);
	return run_done(s, e);
}

int index_sql_put_volume(struct sql *db, const char *record, int64_t min_ns, int64_t max_ns, struct str objects,
			 int64_t *id, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_put_volume, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(record));
	stmt_i64(s, 2, min_ns);
	stmt_i64(s, 3, max_ns);
	stmt_blob(s, 4, objects.p, objects.n);
	rc = stmt_step(s, e);
	if (rc == 1)
		*id = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc == 1 ? 0 : rc < 0 ? rc : err_set(e, ERR_IO, "a volume of the index has no number");
}

int index_sql_put_words(struct sql *db, unsigned shard, int64_t volume, struct str words, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_put_words, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, (int64_t)shard << 32 | volume);
	stmt_blob(s, 2, words.p, words.n);
	return run_done(s, e);
}

int index_sql_fold(struct sql *db, int64_t object, int64_t volume, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_fold, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, object);
	stmt_i64(s, 2, volume);
	return run_done(s, e);
}

int index_sql_kinds(struct sql *db, char (*out)[INDEX_RECORD_MAX], size_t max, struct err *e)
{
	struct stmt *s;
	size_t n = 0;
	int rc = sql_prepare(db, sql_kinds, &s, e);
	if (rc)
		return rc;
	while (n < max && (rc = stmt_step(s, e)) == 1)
		n += str_copy(out[n], INDEX_RECORD_MAX, stmt_col_text(s, 0));
	stmt_done(s);
	return rc < 0 ? rc : (int)n;
}

/* Hands (number, blob) of each row on. */
static int each_blob(struct stmt *s, int (*one)(void *arg, int64_t n, struct str blob), void *arg, struct err *e)
{
	int rc;
	while ((rc = stmt_step(s, e)) == 1) {
		rc = one(arg, stmt_col_i64(s, 0), stmt_col_blob(s, 1));
		if (rc)
			break;
	}
	stmt_done(s);
	return rc;
}

int index_sql_loose(struct sql *db, const char *record, int64_t after,
		    int (*one)(void *arg, int64_t object, struct str words), void *arg, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_loose, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(record));
	stmt_i64(s, 2, after);
	return each_blob(s, one, arg, e);
}

int index_sql_any(struct sql *db, const char *record, int (*one)(void *arg, int64_t object, struct str words),
		  void *arg, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_any, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(record));
	return each_blob(s, one, arg, e);
}

int index_sql_volumes(struct sql *db, const char *record, int64_t since_ns, int64_t until_ns,
		      int (*one)(void *arg, int64_t volume, struct str objects), void *arg, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_volumes, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(record));
	stmt_i64(s, 2, since_ns);
	stmt_i64(s, 3, until_ns);
	return each_blob(s, one, arg, e);
}

int index_sql_words(struct sql *db, unsigned shard, int64_t volume, struct stmt **held, struct str *words,
		    struct err *e)
{
	*words = STR_NULL;
	int rc = sql_prepare(db, sql_words, held, e);
	if (rc)
		return rc;
	stmt_i64(*held, 1, (int64_t)shard << 32 | volume);
	rc = stmt_step(*held, e);
	if (rc == 1)
		*words = stmt_col_blob(*held, 0);
	if (rc < 0) {
		stmt_done(*held);
		*held = NULL;
		return rc;
	}
	return 0;
}

int index_sql_span(struct sql *db, int64_t object, int64_t *min_ns, int64_t *max_ns, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_span, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, object);
	rc = stmt_step(s, e);
	if (rc == 1 && stmt_col_null(s, 0))
		rc = 0;
	if (rc == 1) {
		*min_ns = stmt_col_i64(s, 0);
		*max_ns = stmt_col_i64(s, 1);
	}
	stmt_done(s);
	return rc == 1 ? 0 : rc < 0 ? rc : -ERR_NOTFOUND;
}

int index_sql_groups(struct sql *db, const char *record, bool oldest_first, int64_t since_ns, int64_t until_ns,
		     const struct index_group *after, struct index_group *out, size_t max, struct err *e)
{
	struct stmt *s;
	size_t n = 0;
	int rc = sql_prepare(db, oldest_first ? sql_oldest : sql_newest, &s, e);
	if (rc)
		return rc;
	bool all = after->object == 0;
	stmt_text(s, 1, str_of(record));
	stmt_i64(s, 2, all ? oldest_first ? INT64_MIN : INT64_MAX : oldest_first ? after->min_ns : after->max_ns);
	stmt_i64(s, 3, all && !oldest_first ? INT64_MAX : after->object);
	stmt_i64(s, 4, all && !oldest_first ? INT64_MAX : after->place);
	stmt_i64(s, 5, since_ns);
	stmt_i64(s, 6, until_ns);
	stmt_i64(s, 7, (int64_t)max);
	while ((rc = stmt_step(s, e)) == 1 && n < max)
		out[n++] = (struct index_group){ .object = stmt_col_i64(s, 0),
						 .place = (uint32_t)stmt_col_i64(s, 1),
						 .rows = stmt_col_i64(s, 2),
						 .first_id = stmt_col_i64(s, 3),
						 .last_id = stmt_col_i64(s, 4),
						 .min_ns = stmt_col_i64(s, 5),
						 .max_ns = stmt_col_i64(s, 6) };
	stmt_done(s);
	return rc < 0 ? rc : (int)n;
}

int index_sql_begins(struct sql *db, const char *record, int64_t *min_ns, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql_begins, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(record));
	rc = stmt_step(s, e);
	*min_ns = rc == 1 && !stmt_col_null(s, 0) ? stmt_col_i64(s, 0) : INT64_MAX;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}
