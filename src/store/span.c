/* The rows of a span in the order in which they came, for who seals them. A connection of its own, not one of the
 * pool: a span can be millions of rows long, and pages want their readers meanwhile. The snapshot is renewed
 * every PIECE_ROWS rows or PIECE_MS, so that the write-ahead log can be moved on; rows of a span do not change,
 * only packs are put together under it. Any thread. */
#include <stdlib.h>

#include "inside.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/store/cut.h"
#include "view.h"

enum { PIECE_ROWS = 20000, PIECE_MS = 200, LOOK_ROWS = 256 };

struct span_walk {
	struct sql *db;
	struct part_view *view;
	void *row;
	int64_t from, last; /* ids still to come */
	int64_t passed;     /* the last pack that was passed by */
	int (*fn)(void *arg, const void *row);
	void *arg;
	uint64_t *unreadable; /* packs passed by; NULL: they are an error */
};

/* One snapshot; w->from is behind w->last when nothing is left. What row() said, or -ERR_X. */
static int walk_piece(struct span_walk *w, struct err *e)
{
	int64_t id, until = clock_mono_ns() + PIECE_MS * NS_PER_MS;
	int rc = part_view_walk(w->view, w->from, w->last, false, e);
	for (int n = 1; !rc && (rc = part_view_next(w->view, &id, e)) > 0; n++) {
		rc = part_view_row(w->view, w->row, e);
		if (!rc)
			rc = part_view_tail(w->view, w->row, e);
		if (!rc)
			rc = w->fn(w->arg, w->row);
		if (!rc)
			w->from = id + 1;
		if (rc || n == PIECE_ROWS || (n % LOOK_ROWS == 0 && clock_mono_ns() > until)) {
			part_view_rest(w->view);
			return rc;
		}
	}
	part_view_rest(w->view);
	if (!rc)
		w->from = w->last + 1;
	return rc;
}

/* Goes on behind the pack that could not be read; none of its rows was given out, since its lines are taken
 * out with the first of them. 0, or the error again where it is about something else. */
static int pass_damaged(struct span_walk *w, struct err *e)
{
	int64_t damaged = pack_reader_damaged(w->view), next = w->last + 1;
	struct stmt *s = NULL;
	if (!w->unreadable || damaged <= w->passed)
		return -ERR_CORRUPT;
	log_err("store", "rows left out of the archive error=%s", LOGQ(e->text));
	int rc = sql_prepare_on(&s, w->db, "SELECT id FROM ", part_view_table(w->view),
				" WHERE id>? ORDER BY id LIMIT 1", e);
	if (rc)
		return rc;
	stmt_i64(s, 1, damaged);
	rc = stmt_step(s, e);
	if (rc > 0 && stmt_col_i64(s, 0) < next)
		next = stmt_col_i64(s, 0);
	stmt_done(s);
	if (rc < 0)
		return rc;
	w->passed = damaged;
	w->from = next > w->from ? next : w->from;
	++*w->unreadable;
	return 0;
}

static int walk_all(struct span_walk *w, struct err *e)
{
	int rc = 0;
	while (!rc && w->from <= w->last) {
		rc = sql_exec(w->db, "BEGIN", e);
		if (!rc)
			rc = walk_piece(w, e);
		if (rc == -ERR_CORRUPT)
			rc = pass_damaged(w, e);
		sql_rollback(w->db);
	}
	return rc;
}

int store_span_rows(struct store *st, const struct store_span *s, int (*row)(void *arg, const void *row),
		    void *arg, struct err *e)
{
	return store_span_rows_past(st, s, row, arg, NULL, e);
}

int store_span_rows_past(struct store *st, const struct store_span *s,
			 int (*row)(void *arg, const void *row), void *arg, uint64_t *unreadable,
			 struct err *e)
{
	const struct plan *p = store_plan(st, s->record, e);
	struct span_walk w = { .from = s->after + 1,
			       .last = s->last,
			       .fn = row,
			       .arg = arg,
			       .unreadable = unreadable };
	if (!p)
		return -e->code;
	w.row = malloc(record_room(s->record));
	int rc = w.row ? sql_open(&w.db, st->file, SQL_READER, e) :
			 err_set(e, ERR_NOMEM, "out of memory");
	if (!rc)
		rc = part_view_new(&w.view, w.db, p, s->day, NULL, e);
	if (!rc)
		rc = walk_all(&w, e);
	part_view_free(w.view);
	sql_close(w.db);
	free(w.row);
	return rc;
}
