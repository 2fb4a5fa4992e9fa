/* Cuts: which rows have arrived since the last one, how far they lie in sealed files, and which the store
 * has dropped. Ids of a day rise with arrival, so one number a record and day says each of these.
 *
 * The table cut outlives the day's tables: a late row of a day that is gone begins behind gone_id (part.c),
 * so no id is ever given twice and no row is missing from the cut after it. How many rows a span has is
 * known without counting: part.rows and gone_rows are what arrived, cut_rows what had arrived at the cut. */
#include "cut.h"

#include <stdlib.h>

#include "inside.h"
#include "sqlite.h"
#include "tomsd/store/cut.h"

/* Of parts with rows behind their cut; the two must agree on which these are. */
#define UNCUT_PARTS \
	"FROM part p LEFT JOIN cut c ON c.record=p.record AND c.day=p.day" \
	" WHERE p.dropping=0 AND p.last_id>max(ifnull(c.cut_id,0),ifnull(c.gone_id,0))"

static const char spans_sql[] =
	"SELECT p.record,p.day,max(ifnull(c.cut_id,0),ifnull(c.gone_id,0)),p.last_id,"
	"CASE WHEN c.record IS NULL THEN p.rows ELSE p.rows+c.gone_rows-max(c.cut_rows,c.gone_rows)END "
	UNCUT_PARTS " ORDER BY p.record,p.day";
static const char move_sql[] =
	"INSERT INTO cut(record,day,cut_id,cut_rows)"
	"SELECT p.record,p.day,p.last_id,p.rows+ifnull(c.gone_rows,0)" UNCUT_PARTS
	" ON CONFLICT(record,day)DO UPDATE SET cut_id=excluded.cut_id,cut_rows=excluded.cut_rows";

static void read_span(struct stmt *s, struct store_span *span)
{
	*span = (struct store_span){
		.record = record_by_name(stmt_col_text(s, 0)),
		.day = (int32_t)stmt_col_i64(s, 1),
		.after = stmt_col_i64(s, 2),
		.last = stmt_col_i64(s, 3),
		.rows = stmt_col_null(s, 4) ? -1 : stmt_col_i64(s, 4),
	};
}

int store_cut(struct sql *db, int (*span)(void *arg, const struct store_span *s), void *arg,
	      struct err *e)
{
	struct stmt *s;
	struct store_span next;
	int rc = sql_prepare(db, spans_sql, &s, e);
	if (rc)
		return rc;
	while ((rc = stmt_step(s, e)) > 0) {
		read_span(s, &next);
		rc = next.record ? span(arg, &next) : 0; /* a record of another version stays */
		if (rc)
			break;
	}
	stmt_done(s);
	return rc ? rc : sql_exec(db, move_sql, e);
}

/* A statement about one record and day, and perhaps a number. */
static int run_on(struct sql *db, const char *text, const char *record, int32_t day, int64_t n,
		  struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, text, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(record));
	stmt_i64(s, 2, day);
	stmt_i64(s, 3, n);
	rc = stmt_run(s, e);
	stmt_done(s);
	return rc;
}

static int ask_on(struct sql *db, const char *text, const char *record, int32_t day, int64_t *out,
		  struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, text, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(record));
	stmt_i64(s, 2, day);
	rc = stmt_step(s, e);
	if (rc >= 0)
		*out = rc > 0 ? stmt_col_i64(s, 0) : 0;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int store_cut_release(struct sql *db, const struct store_span *s, struct err *e)
{
	int rc = run_on(db,
			"UPDATE cut SET released_id=max(released_id,?3)WHERE record=?1 AND day=?2"
			" AND cut_id>=?3",
			s->record->name, s->day, s->last, e);
	if (!rc && sql_changes(db) != 1)
		return err_set(e, ERR_INVALID, "rows of %s_%d were never cut", s->record->name,
			       s->day);
	return rc;
}

int store_uncut(struct sql *db, uint64_t *rows, struct err *e)
{
	int64_t n = 0;
	/* Where it is not known (the first cut after a restore) all rows there are is enough for a page. */
	int rc = sql_number(db,
			    "SELECT sum(CASE WHEN c.record IS NULL THEN p.rows ELSE ifnull(p.rows+"
			    "c.gone_rows-max(c.cut_rows,c.gone_rows),p.rows)END)" UNCUT_PARTS,
			    0, &n, e);
	if (!rc)
		*rows = n > 0 ? (uint64_t)n : 0;
	return rc;
}

int store_gone(struct sql *db, const struct record *r, int32_t day, int64_t *last, struct err *e)
{
	/* No reader sees a day that is being dropped, though rows of it are still there. */
	return ask_on(db,
		      "SELECT max(ifnull((SELECT gone_id FROM cut WHERE record=?1 AND day=?2),0),"
		      "ifnull((SELECT last_id FROM part WHERE record=?1 AND day=?2 AND dropping=1),0))",
		      r->name, day, last, e);
}

int cut_rows_gone(struct sql *db, const char *record, int32_t day, const char *table, int64_t n,
		  struct err *e)
{
	struct stmt *s = NULL;
	int64_t first = 0, last = 0;
	int rc = sql_prepare_on(&s, db, "SELECT min(id)FROM ", table, "", e);
	if (rc)
		return rc;
	rc = stmt_step(s, e);
	if (rc > 0)
		first = stmt_col_i64(s, 0); /* none: NULL, 0 */
	stmt_done(s);
	if (rc < 0)
		return rc;
	rc = ask_on(db, "SELECT last_id FROM part WHERE record=? AND day=?", record, day, &last, e);
	if (!rc)
		rc = run_on(db,
			    "INSERT INTO cut(record,day,gone_id)VALUES(?1,?2,?3)ON CONFLICT DO UPDATE"
			    " SET gone_id=max(gone_id,?3)",
			    record, day, first ? first - 1 : last, e);
	if (!rc)
		rc = run_on(db, "UPDATE cut SET gone_rows=gone_rows+?3 WHERE record=?1 AND day=?2",
			    record, day, n, e);
	return rc;
}

int cut_day_gone(struct sql *db, const char *record, int32_t day, struct err *e)
{
	int64_t rows = 0, last = 0;
	int rc = ask_on(db, "SELECT rows FROM part WHERE record=? AND day=?", record, day, &rows, e);
	if (!rc)
		rc = ask_on(db, "SELECT last_id FROM part WHERE record=? AND day=?", record, day,
			    &last, e);
	if (!rc)
		rc = run_on(db,
			    "INSERT INTO cut(record,day,gone_id)VALUES(?1,?2,?3)ON CONFLICT DO UPDATE"
			    " SET gone_id=max(gone_id,?3)",
			    record, day, last, e);
	if (!rc)
		rc = run_on(db, "UPDATE cut SET gone_rows=gone_rows+?3 WHERE record=?1 AND day=?2",
			    record, day, rows, e);
	if (!rc)
		rc = retain_drop_tables(db, record, day, e);
	return rc;
}

int cut_take_back(struct sql *db, struct err *e)
{
	return sql_exec(db,
			"UPDATE part SET dropping=0 WHERE dropping=1 AND last_id>ifnull((SELECT"
			" max(released_id,gone_id)FROM cut WHERE cut.record=part.record AND"
			" cut.day=part.day),0)",
			e);
}

/* A day that was copied while it was being written ends before what the archive has of it. What is there is
 * taken away: all of it is in the archive, and a day with a hole in it would say a false "no hits". */
int store_mark_gone(struct sql *db, const struct record *r, int32_t day, int64_t last, struct err *e)
{
	int64_t there = 0;
	int rc = ask_on(db, "SELECT last_id FROM part WHERE record=? AND day=?", r->name, day, &there,
			e);
	if (!rc && there < last) {
		rc = cut_day_gone(db, r->name, day, e);
		sql_set_days_changed(db);
		if (!rc)
			rc = run_on(db,
				    "UPDATE cut SET gone_id=max(gone_id,?3)WHERE record=?1 AND day=?2",
				    r->name, day, last, e);
	}
	/* How many rows lie between the old cut and this one nobody knows. */
	if (!rc)
		rc = run_on(db,
			    "INSERT INTO cut(record,day,cut_id,cut_rows,released_id)VALUES(?1,?2,?3,NULL,?3)"
			    "ON CONFLICT DO UPDATE SET cut_rows=CASE WHEN gone_id>=?3 THEN gone_rows"
			    " WHEN cut_id<?3 THEN NULL ELSE cut_rows END,cut_id=max(cut_id,?3),"
			    "released_id=max(released_id,?3)",
			    r->name, day, last, e);
	return rc;
}

void store_keep_unsealed(struct store *st)
{
	struct err e = ERR_INIT;
	assert(!st->started);
	st->keep_unsealed = true;
	if (!st->readonly && cut_take_back(st->db, &e))
		store_set_failing(st, &e);
}
