/* Queries: a page of rows in order, or how many there are. A page finds places first (scan.h) and then
 * reads the whole rows of those it gives out. A request for all rows is pages in a row, each with a
 * reader of its own, so that an export of hours holds no snapshot. Any thread. */
#include <stdlib.h>

#include "cursor.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"

enum {
	PAGE_ROWS = 8192,         /* at most at once, where the order is by time */
	PAGE_VALUE_ROWS = 262144, /* where each page searches anew from the largest */
};
/* The reader outlives the query's deadline by this much, to read the rows already found. */
static const int64_t grace_ns = 2 * NS_PER_S;

struct page {
	struct store *st;
	const struct query *q;
	const struct plan *plan;
	struct filter *filter;
	uint64_t fingerprint;
	struct cursor at; /* position and what the first page fixed */
	size_t limit;     /* rows wanted of this page */
	int64_t deadline_mono_ns;
	int (*row)(void *arg, const void *row);
	void *arg;
	/* Result. */
	size_t given;
	bool ended; /* row() had enough */
	bool more, complete;
	uint64_t looked_at;
	int64_t first_ns;
};

/* Full rows. Sorted by a value, rows of many days stand among each other: several stay open. */
enum { READERS = 24 };
struct reader {
	struct part_view *view;
	int32_t day;
};
struct readers {
	struct reader of[READERS];
	size_t n; /* opened so far; the next one takes the place of the one opened longest ago */
};

static void reader_close(struct reader *r)
{
	part_view_free(r->view);
	*r = (struct reader){ 0 };
}

static int reader_of(struct readers *r, struct sql *db, const struct plan *p, int32_t day,
		     struct reader **out, struct err *e)
{
	for (size_t i = 0; i < READERS; i++) {
		if (r->of[i].view && r->of[i].day == day) {
			*out = &r->of[i];
			return 0;
		}
	}
	*out = &r->of[r->n++ % READERS];
	reader_close(*out);
	(*out)->day = day;
	return part_view_new(&(*out)->view, db, p, day, NULL, e);
}

static int reader_row(struct reader *r, int64_t id, void *row, struct err *e)
{
	int rc;

	rc = part_view_find(r->view, id, e);
	if (rc == 0)
		return err_set(e, ERR_CORRUPT, "row %lld is gone within one snapshot",
			       (long long)id);
	if (rc > 0)
		rc = part_view_row(r->view, row, e);
	return rc ? rc : part_view_tail(r->view, row, e);
}

/* Gives out rows not behind `known`, at most limit of them; the position moves with them. */
static int give_rows(struct page *pg, struct sql *db, const struct scan_found *found, size_t n,
		     struct place known, struct err *e)
{
	struct readers readers = { 0 };
	void *row = calloc(1, record_room(pg->plan->record));
	int rc = row ? 0 : err_set(e, ERR_NOMEM, "out of memory");

	for (size_t i = 0; !rc && !pg->ended && i < n && i < pg->limit; i++) {
		if (place_before(known, found[i].place))
			break;
		struct reader *r;

		rc = reader_of(&readers, db, pg->plan, found[i].day, &r, e);
		if (!rc)
			rc = reader_row(r, scan_id(pg->q->sort, found[i].place), row, e);
		if (rc)
			break;
		pg->at.after = found[i].place;
		pg->given++;
		pg->ended = pg->row(pg->arg, row) != 0;
	}
	for (size_t i = 0; i < READERS; i++)
		reader_close(&readers.of[i]);
	free(row);
	return rc;
}

/* Rows newer than the newest of the first page are not shown on later ones. */
static int fix_max_id(struct page *pg, struct sql *db, struct err *e)
{
	struct part_info *parts = NULL;
	size_t n = 0;
	int rc;

	if (pg->at.max_id)
		return 0;
	rc = part_list(db, pg->plan->record, INT64_MIN, INT64_MAX, &parts, &n, e);
	pg->at.max_id = -1;
	for (size_t i = 0; !rc && i < n; i++) {
		if (parts[i].last_id > pg->at.max_id)
			pg->at.max_id = parts[i].last_id;
	}
	free(parts);
	return rc;
}

static int run_scan(struct page *pg, struct sql *db, struct err *e)
{
	struct scan_spec spec = {
		.db = db,
		.plan = pg->plan,
		.filter = pg->filter,
		.seed = store_token_seed(pg->st),
		.sort = pg->q->sort,
		.since_ns = pg->at.since_ns,
		.until_ns = pg->at.until_ns,
		.max_id = pg->at.max_id,
		.after = pg->at.after,
		.deadline_mono_ns = pg->deadline_mono_ns,
		.limit = pg->limit + 1,
	};
	struct scan *s = NULL;
	struct scan_found *found;
	struct place known;
	filter_ids(pg->filter, &spec.min_id, &spec.max_id);
	int rc = scan_new(&s, &spec, e);

	if (!rc)
		rc = scan_run(s, e);
	if (!rc) {
		size_t n = scan_results(s, &found, &known);
		size_t before = pg->given;

		pg->first_ns = scan_first_ns(s);
		pg->looked_at += scan_looked_at(s);
		pg->complete = !place_before(known, PLACE_LAST);
		rc = give_rows(pg, db, found, n, known, e);
		/* found more than asked for, or had no time to know whether there is more */
		pg->more = pg->ended || n > pg->limit || !pg->complete;
		/* the deadline came first: the next page begins where this search had got to */
		if (!rc && !pg->complete && !pg->ended && pg->given - before < pg->limit &&
		    place_before(pg->at.after, known))
			pg->at.after = known;
	}
	scan_free(s);
	return rc;
}

/* One page with a reader of its own. */
static int run_page(struct page *pg, struct err *e)
{
	struct sql *db = NULL;
	int64_t deadline = pg->deadline_mono_ns ? pg->deadline_mono_ns + grace_ns : 0;
	int rc = store_read_begin(pg->st, deadline, &db, e);

	if (rc)
		return rc;
	rc = fix_max_id(pg, db, e);
	if (!rc)
		rc = run_scan(pg, db, e);
	store_read_end(pg->st, db);
	return rc;
}

static int check_query(const struct query *q, struct err *e)
{
	if (!q->record)
		return err_set(e, ERR_INVALID, "the query names no record");
	if (q->n_words > QUERY_WORDS_MAX)
		return err_set(e, ERR_INVALID, "more than %d filters; leave some out",
			       QUERY_WORDS_MAX);
	if (q->since_ns >= q->until_ns)
		return err_set(e, ERR_INVALID, "the range is empty: it ends before it begins");
	return 0;
}

/* A sort needs columns that the record has. */
static int check_sort(const struct plan *p, enum query_sort sort, struct err *e)
{
	bool can = true;

	if (sort == QUERY_BYTES)
		can = p->bytes_a != NULL;
	else if (sort == QUERY_RISK)
		can = p->risk != NULL;
	else if (sort == QUERY_DURATION)
		can = p->duration || (p->start && p->end);
	return can ? 0 :
		     err_set(e, ERR_INVALID, "a %s cannot be sorted by that", p->record->name);
}

static int compile(struct store *st, const struct query *q, const struct plan **plan,
		   struct filter **filter, struct err *e)
{
	int rc = check_query(q, e);

	if (rc)
		return rc;
	*plan = store_plan(st, q->record, e);
	if (!*plan)
		return -ERR_INVALID;
	rc = check_sort(*plan, q->sort, e);
	if (rc)
		return rc;
	*filter = malloc(sizeof(**filter));
	return *filter ? filter_compile(*filter, *plan, q, e) :
			 err_set(e, ERR_NOMEM, "out of memory");
}

static int begin(struct page *pg, struct err *e)
{
	const struct query *q = pg->q;
	int rc = compile(pg->st, q, &pg->plan, &pg->filter, e);

	if (rc)
		return rc;
	pg->fingerprint = cursor_fingerprint(q);
	if (!q->cursor[0]) {
		pg->at = (struct cursor){ PLACE_FIRST, q->since_ns, q->until_ns, 0,
					  clock_now_ns() };
		return 0;
	}
	if (cursor_read(str_n(q->cursor, strnlen(q->cursor, sizeof(q->cursor))),
			pg->fingerprint, store_token_seed(pg->st), &pg->at))
		return err_set(
			e, ERR_INVALID,
			"the cursor is not of this query or not one of ours; begin again with the first page");
	return 0;
}

/* What the caller may say about the list so far: the span whose rows it has seen, all of them. */
static void fill_info(const struct page *pg, struct query_page_info *info)
{
	int64_t reached = scan_time(pg->q->sort, pg->at.after);
	int64_t since = pg->at.since_ns, until = pg->at.until_ns;

	*info = (struct query_page_info){ .complete = pg->complete,
					  .more = pg->more,
					  .as_of_ns = pg->at.as_of_ns,
					  .rows_looked_at = pg->looked_at };
	if (pg->more)
		cursor_write(&pg->at, pg->fingerprint, store_token_seed(pg->st), info->next);
	if (since <= 0 && pg->first_ns < until)
		since = pg->first_ns; /* an open range begins with the first row there is */
	if (until > pg->at.as_of_ns)
		until = pg->at.as_of_ns > since ? pg->at.as_of_ns : since;
	if (pg->more && pg->q->sort == QUERY_NEWEST)
		since = reached < since ? since : reached > until ? until : reached;
	else if (pg->more && pg->q->sort == QUERY_OLDEST)
		until = reached > until ? until : reached < since ? since : reached;
	else if (pg->more && !pg->complete)
		since = until; /* the largest of a span are not known before all of it is */
	info->covered_since_ns = since;
	info->covered_until_ns = until;
}

int store_query(struct store *st, const struct query *q, size_t limit, int64_t deadline_mono_ns,
		int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
		struct err *e)
{
	struct page pg = {
		.st = st, .q = q, .deadline_mono_ns = deadline_mono_ns, .row = row, .arg = arg
	};
	size_t at_once = q->sort == QUERY_NEWEST || q->sort == QUERY_OLDEST ? PAGE_ROWS :
									      PAGE_VALUE_ROWS;
	int rc = begin(&pg, e);

	do {
		size_t left = limit ? limit - pg.given : at_once;

		pg.limit = left < at_once ? left : at_once;
		if (!rc)
			rc = run_page(&pg, e);
	} while (!rc && pg.more && pg.complete && !pg.ended && (!limit || pg.given < limit));
	if (!rc)
		fill_info(&pg, info);
	free(pg.filter);
	return rc;
}

static int count(const struct scan_spec *spec, uint64_t *n, bool *more, struct err *e)
{
	struct scan *s = NULL;
	struct scan_found *found;
	struct place known;
	int rc = scan_new(&s, spec, e);

	if (!rc)
		rc = scan_run(s, e);
	if (!rc) {
		uint64_t counted = scan_counted(s);

		(void)scan_results(s, &found, &known); /* none: only places are asked for */
		*more = counted >= spec->at_most || place_before(known, PLACE_LAST);
		*n = counted < spec->at_most ? counted : spec->at_most - 1;
	}
	scan_free(s);
	return rc;
}

int store_count(struct store *st, const struct query *q, uint64_t at_most,
		int64_t deadline_mono_ns, uint64_t *n, bool *more, struct err *e)
{
	const struct plan *plan = NULL;
	struct filter *filter = NULL;
	struct sql *db = NULL;
	int rc = compile(st, q, &plan, &filter, e);

	if (!rc)
		rc = store_read_begin(st, deadline_mono_ns ? deadline_mono_ns + grace_ns : 0,
				      &db, e);
	if (!rc) {
		struct scan_spec spec = {
			.db = db,
			.plan = plan,
			.filter = filter,
			.seed = store_token_seed(st),
			.since_ns = q->since_ns,
			.until_ns = q->until_ns,
			.max_id = INT64_MAX,
			.after = PLACE_FIRST,
			.deadline_mono_ns = deadline_mono_ns,
			.at_most = at_most < UINT64_MAX ? at_most + 1 :
							  at_most, /* one more says "more" */
		};

		filter_ids(filter, &spec.min_id, &spec.max_id);
		rc = count(&spec, n, more, e);
		store_read_end(st, db);
	}
	free(filter);
	return rc;
}
