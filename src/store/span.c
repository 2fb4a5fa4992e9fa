/* The rows of a span in the order in which they came, for who seals them. A connection of its own, not one of the
 * pool: a span can be millions of rows long, and pages want their readers meanwhile. The snapshot is renewed
 * every PIECE_ROWS rows or PIECE_MS, so that the write-ahead log can be moved on; rows of a span do not change,
 * only packs are put together under it. Any thread. */
#include <stdlib.h>

#include "inside.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/store/cut.h"

enum { PIECE_ROWS = 20000, PIECE_MS = 200, LOOK_ROWS = 256 };

struct span_walk {
	struct sql *db;
	struct part_view *view;
	void *row;
	int64_t from, last; /* ids still to come */
	int (*fn)(void *arg, const void *row);
	void *arg;
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
		w->from = id + 1;
		if (rc || n == PIECE_ROWS || (n % LOOK_ROWS == 0 && clock_mono_ns() > until)) {
			part_view_rest(w->view);
			return rc;
		}
	}
	part_view_rest(w->view);
	w->from = w->last + 1;
	return rc;
}

static int walk_all(struct span_walk *w, struct err *e)
{
	int rc = 0;
	while (!rc && w->from <= w->last) {
		rc = sql_exec(w->db, "BEGIN", e);
		if (!rc)
			rc = walk_piece(w, e);
		sql_rollback(w->db);
	}
	return rc;
}

int store_span_rows(struct store *st, const struct store_span *s, int (*row)(void *arg, const void *row),
		    void *arg, struct err *e)
{
	const struct plan *p = store_plan(st, s->record, e);
	struct span_walk w = { .from = s->after + 1, .last = s->last, .fn = row, .arg = arg };
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
