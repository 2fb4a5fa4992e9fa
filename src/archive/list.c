/* archive_list: rows of the store and of the archive as one list.
 *
 * Whatever is only in the archive is of days that the store has dropped rows of. So time is cut in two: from the end of
 * the newest such day on everything is in the store, and before that both are asked and merged (a line that came late
 * for a dropped day is in the store). A cursor is the place of the last row and nothing else, so a day may be dropped
 * between two pages: its rows come out of the archive from where the store's ended. Any thread; the archive's half
 * goes through cold_ask. */
#include <stdlib.h>

#include "cold.h"
#include "index_sql.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/thread.h"
#include "tomsd/store/cut.h"

enum {
	PAGE_ROWS = 8192,            /* at once, where all are asked for */
	SPARE_ROWS = 8,              /* of the last place's time may come again */
	LATE_BYTES_MAX = 32 << 20,   /* of the store's rows that wait to be merged */
	DAYS_MAX = 4096,
};
static const int64_t read_ns = 10 * NS_PER_S, day_ns = INT64_C(86400) * NS_PER_S;

struct list {
	struct store *st;
	const struct cold_ask *ask;
	const struct query *q;
	struct query part; /* what store or archive are asked */
	struct cold_cols cols;
	struct cold_cursor at;
	bool oldest_first;
	int64_t edge_ns; /* rows from here on are in the store, all of them; INT64_MIN: all rows are */
	int64_t deadline_mono_ns;
	size_t limit, given; /* of this page */
	bool more, complete, ended;
	/* A part's own course. */
	size_t skipped;
	bool full; /* one more row than the page takes was seen */
	/* Rows of the store that wait for their turn among the archive's. */
	char **late;
	size_t n_late, next_late, late_room, late_bytes;
	bool late_cut; /* there are more of them, behind these */
	int64_t oldest_ns;
	uint64_t looked_at;
	int (*row)(void *arg, const void *row);
	void *arg;
	struct cold_info *cold;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "no memory for a list");
}

/* ---- Where the store begins to be whole. ---- */

static int find_edge_in(struct list *l, struct sql *db, struct err *e)
{
	const struct record *r = l->q->record;
	int64_t first, now = clock_now_ns();
	int rc = index_sql_begins(db, r->name, &first, e);
	l->edge_ns = INT64_MIN;
	if (!rc)
		l->cold->oldest_ns = first;
	if (rc || first == INT64_MAX)
		return rc;
	int64_t newest = clock_day_start(clock_day(now + 2 * day_ns)), floor = newest - DAYS_MAX * day_ns;
	if (first < floor)
		first = floor;
	for (int64_t at = newest; at + day_ns > first; at -= day_ns) {
		int64_t gone;
		rc = store_gone(db, r, clock_day(at), &gone, e);
		if (rc)
			return rc;
		if (gone) {
			l->edge_ns = at + day_ns;
			return 0;
		}
	}
	return 0;
}

static int find_edge(struct list *l, struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(l->st, clock_mono_ns() + read_ns, &db, e);
	if (rc)
		return rc;
	rc = find_edge_in(l, db, e);
	store_read_end(l->st, db);
	return rc;
}

/* ---- Rows on their way out. ---- */

static bool stands_before(const struct list *l, struct cold_place a, struct cold_place b)
{
	return cold_before(l->oldest_first, a, b);
}

/* Non-zero: the page takes no more. */
static int give(struct list *l, const void *row)
{
	if (l->given == l->limit) {
		l->full = true;
		return 1;
	}
	l->at.after = cold_place_of(&l->cols, row);
	l->given++;
	l->ended = l->row(l->arg, row) != 0;
	return l->ended;
}

static int give_of_store(void *arg, const void *row)
{
	struct list *l = arg;
	if (!stands_before(l, l->at.after, cold_place_of(&l->cols, row))) {
		l->skipped++; /* was on the page before */
		return 0;
	}
	return give(l, row);
}

static int keep_late(void *arg, const void *row)
{
	struct list *l = arg;
	size_t n = record_bytes(l->q->record, row);
	if (!stands_before(l, l->at.after, cold_place_of(&l->cols, row))) {
		l->skipped++;
		return 0;
	}
	if (l->n_late == l->late_room) {
		size_t room = l->late_room ? 2 * l->late_room : 64;
		char **late = realloc(l->late, room * sizeof(*late));
		if (!late)
			return -ERR_NOMEM;
		l->late = late;
		l->late_room = room;
	}
	char *copy = malloc(n);
	if (!copy)
		return -ERR_NOMEM;
	memcpy(copy, row, n);
	l->late[l->n_late++] = copy;
	l->late_bytes += n;
	l->full = l->n_late > l->limit - l->given || l->late_bytes > LATE_BYTES_MAX;
	return l->full;
}

static int give_late_before(struct list *l, struct cold_place place)
{
	while (l->next_late < l->n_late) {
		const char *row = l->late[l->next_late];
		if (!stands_before(l, cold_place_of(&l->cols, row), place))
			return 0;
		if (give(l, row) != 0)
			return 1;
		l->next_late++;
	}
	return 0;
}

static int give_of_archive(void *arg, const void *row)
{
	struct list *l = arg;
	struct cold_place at = cold_place_of(&l->cols, row);
	if (give_late_before(l, at) != 0)
		return 1;
	if (l->late_cut && l->next_late == l->n_late) {
		l->full = true; /* the store's next one may stand in front of this one */
		return 1;
	}
	if (!stands_before(l, l->at.after, at))
		return 0; /* both had it */
	return give(l, row);
}

static void drop_late(struct list *l)
{
	for (size_t i = 0; i < l->n_late; i++)
		free(l->late[i]);
	l->n_late = l->next_late = l->late_bytes = 0;
}

/* ---- The two halves. ---- */

/* The store's rows of [since, until) behind the last place. *known: no row in front of it is missing. */
static int ask_store(struct list *l, int64_t since, int64_t until, int (*row)(void *, const void *), bool *complete,
		     struct cold_place *known, struct err *e)
{
	int64_t after = l->at.after.time_ns;
	if (!l->oldest_first && after < until - 1)
		until = after + 1;
	if (l->oldest_first && after > since)
		since = after;
	*complete = true;
	l->full = false;
	if (since >= until)
		return 0;
	l->part = *l->q;
	l->part.cursor[0] = '\0';
	l->part.since_ns = since;
	l->part.until_ns = until;
	struct query_page_info info = { .complete = true };
	size_t want = l->limit - l->given + 1 + SPARE_ROWS;
	do {
		l->skipped = 0;
		int rc = store_query(l->st, &l->part, want, l->deadline_mono_ns, row, l, &info, e);
		if (rc)
			return rc;
		l->looked_at += info.rows_looked_at;
		(void)str_copy(l->part.cursor, sizeof(l->part.cursor), str_of(info.next)); /* as long */
	} while (info.more && info.complete && !l->full && !l->ended);
	*complete = info.complete;
	known->time_ns = l->oldest_first ? info.covered_until_ns : info.covered_since_ns;
	known->id = l->oldest_first ? INT64_MIN : INT64_MAX;
	if (since <= 0 && info.complete && !info.more && info.covered_since_ns > 0 &&
	    info.covered_since_ns < l->oldest_ns)
		l->oldest_ns = info.covered_since_ns;
	return 0;
}

/* Moves on to where a search had got to in its time. */
static void reach(struct list *l, struct cold_place known)
{
	if (stands_before(l, l->at.after, known))
		l->at.after = known;
	l->complete = false;
	l->more = true;
}

static int hot_half(struct list *l, struct err *e)
{
	bool complete;
	struct cold_place known;
	int64_t since = l->at.since_ns > l->edge_ns ? l->at.since_ns : l->edge_ns;
	int rc = ask_store(l, since, l->at.until_ns, give_of_store, &complete, &known, e);
	if (!rc && !complete && !l->full && !l->ended)
		reach(l, known);
	return rc;
}

static void add_cold(struct cold_info *sum, const struct cold_info *c)
{
	sum->groups_passed += c->groups_passed;
	sum->groups_read += c->groups_read;
	sum->groups_from_places += c->groups_from_places;
	sum->bytes_read += c->bytes_read;
	if (!sum->asked || c->searched_since_ns < sum->searched_since_ns)
		sum->searched_since_ns = c->searched_since_ns;
	if (!sum->asked || c->searched_until_ns > sum->searched_until_ns)
		sum->searched_until_ns = c->searched_until_ns;
	sum->asked = sum->asked || c->asked;
	if (c->groups_failed && !sum->groups_failed)
		memcpy(sum->failed, c->failed, sizeof(sum->failed));
	sum->groups_failed += c->groups_failed;
}

static int ask_archive(struct list *l, struct query_page_info *info, struct err *e)
{
	struct cold_info cold = { .oldest_ns = INT64_MAX };
	l->part = *l->q;
	cold_cursor_write(&l->at, &l->part, false, l->part.cursor);
	int rc = l->ask->query(l->ask->ctx, &l->part, l->limit - l->given + 1, l->deadline_mono_ns, give_of_archive, l,
			       info, &cold, e);
	if (rc)
		return rc;
	add_cold(l->cold, &cold);
	l->looked_at += info->rows_looked_at;
	return 0;
}

static int cold_half(struct list *l, struct err *e)
{
	bool complete;
	struct cold_place known;
	struct query_page_info info = { .complete = true };
	int64_t until = l->at.until_ns < l->edge_ns ? l->at.until_ns : l->edge_ns;
	int rc = ask_store(l, l->at.since_ns, until, keep_late, &complete, &known, e);
	l->late_cut = l->full || !complete;
	if (!rc && !complete && !l->full) {
		reach(l, l->at.after); /* nothing was given: the same again */
		return 0;
	}
	l->full = false;
	if (!rc)
		rc = ask_archive(l, &info, e);
	if (rc || l->full || l->ended)
		return rc;
	struct cold_cursor reached = l->at;
	if (info.more) {
		(void)str_copy(l->part.cursor, sizeof(l->part.cursor), str_of(info.next)); /* as long */
		rc = cold_cursor_read(&reached, &l->part, false, e);
	} else {
		reached.after = cold_front(!l->oldest_first); /* behind all */
	}
	if (!rc && give_late_before(l, reached.after) == 0 && info.more) {
		reach(l, reached.after);
		l->complete = info.complete; /* else a page that was short of memory */
	}
	l->full = l->full || l->late_cut;
	return rc;
}

/* ---- Pages. ---- */

static int run_page(struct list *l, struct err *e)
{
	l->complete = true;
	l->more = l->full = false;
	int rc = find_edge(l, e);
	bool has_cold = l->edge_ns > l->at.since_ns;
	if (!rc && l->oldest_first && has_cold && l->at.after.time_ns < l->edge_ns)
		rc = cold_half(l, e);
	if (!rc && !l->full && !l->ended && l->complete && !l->more &&
	    (l->oldest_first || l->at.after.time_ns >= l->edge_ns))
		rc = hot_half(l, e);
	if (!rc && !l->oldest_first && has_cold && !l->full && !l->ended && l->complete && !l->more)
		rc = cold_half(l, e);
	drop_late(l);
	l->more = l->more || l->full || l->ended;
	return rc;
}

static int run_pages(struct list *l, size_t limit, struct err *e)
{
	size_t given = 0;
	int rc;
	do {
		l->given = 0;
		l->limit = limit && limit - given < PAGE_ROWS ? limit - given : PAGE_ROWS;
		rc = run_page(l, e);
		given += l->given;
		thread_beat();
	} while (!rc && l->more && l->complete && !l->ended && (!limit || given < limit));
	return rc;
}

static int begin(struct list *l, struct err *e)
{
	const struct record *r = l->q->record;
	if (l->q->sort != QUERY_NEWEST && l->q->sort != QUERY_OLDEST)
		return err_set(e, ERR_INVALID,
			       "with the archive rows come newest or oldest first; another order would have to read all of it");
	if (l->q->since_ns >= l->q->until_ns)
		return err_set(e, ERR_INVALID, "the range is empty: it ends before it begins");
	l->cols = (struct cold_cols){ record_col(r, r->id_col), record_col(r, r->time_col) };
	return cold_cursor_read(&l->at, l->q, true, e);
}

int archive_list(struct store *st, const struct cold_ask *ask, const struct query *q, size_t limit,
		 int64_t deadline_mono_ns, int (*row)(void *arg, const void *row), void *arg,
		 struct query_page_info *info, struct cold_info *cold, struct err *e)
{
	*cold = (struct cold_info){ .oldest_ns = INT64_MAX };
	struct list *l = calloc(1, sizeof(*l));
	if (!l)
		return no_memory(e);
	*l = (struct list){ .st = st,
			    .ask = ask,
			    .q = q,
			    .oldest_first = q->sort == QUERY_OLDEST,
			    .deadline_mono_ns = deadline_mono_ns,
			    .oldest_ns = INT64_MAX,
			    .row = row,
			    .arg = arg,
			    .cold = cold };
	int rc = begin(l, e);
	if (!rc)
		rc = run_pages(l, limit, e);
	if (!rc) {
		*info = (struct query_page_info){ .rows_looked_at = l->looked_at };
		int64_t oldest = cold->oldest_ns < l->oldest_ns ? cold->oldest_ns : l->oldest_ns;
		cold_fill_info(info, q, &l->at, l->more, l->complete, true, oldest);
	}
	free(l->late);
	free(l);
	return rc;
}
