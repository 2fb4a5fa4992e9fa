/* archive_query: a page of rows that are only in the archive.
 *
 * Row groups are visited in the order of their newest row (or oldest), so a group's own bound says that no row in it and
 * in none behind it stands before that time; the search ends as soon as the page is full of rows in front of the bound
 * of the next group. Groups are passed over by the index (words), by their ids (all rows still in the store) and by
 * their times. In a group only the columns that the words ask about are read; whole rows of the page alone, at the end.
 * No reader of the store is held while an object is read. One thread. */
#include <stdio.h>
#include <stdlib.h>

#include "cold.h"
#include "cold_group.h"
#include "index_ask.h"
#include "source.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/base/thread.h"

enum {
	BATCH_GROUPS = 1024,
	PAGE_ROWS = 8192,              /* at once, where all are asked for */
	ROWS_BYTES_MAX = 64 << 20,     /* of whole rows that are in memory before they are given out */
	DAYS_MAX = 40,                 /* a group of more days is looked into and not asked day by day */
};
static const int64_t read_ns = 10 * NS_PER_S, day_ns = INT64_C(86400) * NS_PER_S;

struct hit {
	struct cold_place at;
	int64_t object;
	uint32_t group, row;
	char *whole; /* the row, once it is read */
};

struct search {
	struct store *st;
	const struct cold_sources *from;
	const struct query *q;
	struct source_cache *cache;
	struct matcher *matcher;
	struct cold_cols cols;
	struct cold_cursor at;
	int64_t began_ns; /* time of the place where this page began */
	bool oldest_first, has_may;
	struct index_may may;
	struct map gone; /* day: last id that is only in the archive */
	/* Row groups to visit. */
	struct index_group *batch, last; /* last: of the batch before */
	size_t n_batch, next;
	bool no_more;
	/* The object that is open. */
	int64_t object;
	struct source *source;
	struct parquet_file *file;
	/* Rows found: want of them are enough. */
	struct hit *hits;
	size_t n_hits, want, room;
	bool is_cut; /* hits behind cut were dropped: there are enough in front of it */
	struct cold_place cut;
	const struct index_group *visiting;
	/* How far it got. */
	bool complete, ended;
	int64_t frontier_ns; /* no row in front of this time is missing; where !complete or more groups follow */
	bool all_known;
	uint64_t looked_at;
	size_t given;
	int (*row)(void *arg, const void *row);
	void *arg;
	struct cold_info *cold;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "no memory to search the archive");
}

/* ---- What is only in the archive. ---- */

static int gone_in(struct search *s, struct sql *db, int32_t day, int64_t *last, struct err *e)
{
	bool made;
	uint64_t *known = map_get(&s->gone, (uint64_t)(uint32_t)day);
	if (known) {
		*last = (int64_t)*known;
		return 0;
	}
	int rc = store_gone(db, s->q->record, day, last, e);
	if (rc)
		return rc;
	known = map_put(&s->gone, (uint64_t)(uint32_t)day, &made);
	if (!known)
		return no_memory(e);
	*known = (uint64_t)*last;
	return 0;
}

static int gone_of(struct search *s, int32_t day, int64_t *last, struct err *e)
{
	struct sql *db;
	uint64_t *known = map_get(&s->gone, (uint64_t)(uint32_t)day);
	if (known) {
		*last = (int64_t)*known;
		return 0;
	}
	int rc = store_read_begin(s->st, clock_mono_ns() + read_ns, &db, e);
	if (rc)
		return rc;
	rc = gone_in(s, db, day, last, e);
	store_read_end(s->st, db);
	return rc;
}

/* Ids hold the second of their row's time or a later one of the same day, see tomsd/store.h. */
static int64_t id_ns(int64_t id)
{
	return (id >> 30) * NS_PER_S;
}

/* The one id that the words ask for; two of them mean either. */
static bool asks_id(const struct query *q, int64_t *id)
{
	unsigned n = 0;
	for (size_t i = 0; i < q->n_words; i++) {
		const struct query_word *w = &q->words[i];
		bool is_id = !w->negate && strcmp(w->key, "event.id") == 0 && (w->op[0] == '=' || w->op[0] == ':');
		n += is_id;
		if (is_id && num_i64(str_of(w->value), INT64_MIN, INT64_MAX, id) != 0)
			return false;
	}
	return n == 1;
}

/* Has this group rows that the store does not have, and the row that is asked for? 1, 0 or an error. */
static int group_is_cold(struct search *s, const struct index_group *g, struct err *e)
{
	int64_t id;
	if (asks_id(s->q, &id) && (id < g->first_id || id > g->last_id))
		return 0;
	if (g->first_id < 0 || g->last_id == INT64_MAX)
		return 1; /* nobody knows: look */
	int64_t from = clock_day_start(clock_day(id_ns(g->first_id))), to = id_ns(g->last_id);
	if (to - from > DAYS_MAX * day_ns)
		return 1;
	for (int64_t at = from; at <= to; at += day_ns) {
		int64_t last;
		int rc = gone_of(s, clock_day(at), &last, e);
		if (rc)
			return rc;
		if (last >= g->first_id)
			return 1;
	}
	return 0;
}

/* ---- Row groups in their order. ---- */

static int64_t bound_of(const struct search *s, const struct index_group *g)
{
	return s->oldest_first ? g->min_ns : g->max_ns;
}

static int read_batch_in(struct search *s, struct sql *db, struct err *e)
{
	const char *record = s->q->record->name;
	int64_t since = s->at.since_ns, until = s->at.until_ns;
	if (!s->oldest_first && s->at.after.time_ns < until - 1)
		until = s->at.after.time_ns + 1; /* rows behind the cursor only */
	if (s->oldest_first && s->at.after.time_ns > since)
		since = s->at.after.time_ns;
	if (!s->has_may) {
		struct word_groups words = { .n_groups = 0 };
		matcher_words(s->matcher, &words);
		int rc = index_ask(&s->may, db, record, &words, since, until, e);
		if (rc)
			return rc;
		s->has_may = true;
	}
	int n = index_sql_groups(db, record, s->oldest_first, since, until, &s->last, s->batch, BATCH_GROUPS, e);
	if (n < 0)
		return n;
	s->n_batch = 0;
	s->next = 0;
	s->no_more = n < BATCH_GROUPS;
	if (n)
		s->last = s->batch[n - 1];
	for (int i = 0; i < n; i++) {
		int64_t last;
		const struct index_group *g = &s->batch[i];
		if (!index_may_hold(&s->may, g->object)) {
			s->cold->groups_passed++;
			continue;
		}
		if (g->first_id >= 0) {
			int rc = gone_in(s, db, clock_day(id_ns(g->first_id)), &last, e);
			if (rc)
				return rc;
		}
		s->batch[s->n_batch++] = *g;
	}
	return 0;
}

static int read_batch(struct search *s, struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(s->st, clock_mono_ns() + read_ns, &db, e);
	if (rc)
		return rc;
	rc = read_batch_in(s, db, e);
	store_read_end(s->st, db);
	return rc;
}

/* *g: the next one to visit, NULL at the end. */
static int next_group(struct search *s, const struct index_group **g, struct err *e)
{
	while (s->next == s->n_batch && !s->no_more) {
		int rc = read_batch(s, e);
		if (rc)
			return rc;
	}
	*g = s->next < s->n_batch ? &s->batch[s->next++] : NULL;
	return 0;
}

/* ---- Rows that were found. ---- */

static bool stands_before(const struct search *s, struct cold_place a, struct cold_place b)
{
	return cold_before(s->oldest_first, a, b);
}

static int by_place(const void *a, const void *b, void *search)
{
	const struct hit *x = a, *y = b;
	return stands_before(search, x->at, y->at) ? -1 : stands_before(search, y->at, x->at);
}

/* Sorts and keeps the best. A row that lies in two objects (one restored, say) counts once. */
static void tidy_hits(struct search *s)
{
	size_t n = 0;
	if (!s->n_hits)
		return;
	qsort_r(s->hits, s->n_hits, sizeof(*s->hits), by_place, s);
	for (size_t i = 0; i < s->n_hits; i++)
		if (n == 0 || stands_before(s, s->hits[n - 1].at, s->hits[i].at))
			s->hits[n++] = s->hits[i];
	s->n_hits = n;
	if (n >= s->want) {
		s->n_hits = s->want;
		s->is_cut = true;
		s->cut = s->hits[s->want - 1].at;
	}
}

/* cold_group_find's. */
static int take_match(void *arg, uint32_t n, const void *row)
{
	struct search *s = arg;
	struct cold_place at = cold_place_of(&s->cols, row);
	int64_t gone;
	if (at.time_ns < s->at.since_ns || at.time_ns >= s->at.until_ns || !stands_before(s, s->at.after, at) ||
	    (s->is_cut && !stands_before(s, at, s->cut)))
		return 0;
	if (gone_of(s, clock_day(id_ns(at.id)), &gone, NULL) != 0)
		return -ERR_IO;
	if (at.id > gone)
		return 0;
	if (s->n_hits == s->room) {
		if (s->n_hits >= 2 * s->want) {
			tidy_hits(s);
		} else {
			size_t room = s->room ? 2 * s->room : 256;
			struct hit *hits = realloc(s->hits, room * sizeof(*hits));
			if (!hits)
				return -ERR_NOMEM;
			s->hits = hits;
			s->room = room;
		}
	}
	if (s->is_cut && !stands_before(s, at, s->cut))
		return 0;
	s->hits[s->n_hits++] = (struct hit){ at, s->visiting->object, s->visiting->place, n, NULL };
	return 0;
}

/* ---- Objects. ---- */

static void close_object(struct search *s)
{
	if (s->source)
		s->cold->bytes_read += source_bytes_read(s->source);
	parquet_close(s->file);
	source_free(s->source);
	s->file = NULL;
	s->source = NULL;
	s->object = 0;
}

static int open_parquet(struct search *s, struct err *e)
{
	struct parquet_source src = source_parquet(s->source);
	return parquet_open(&s->file, &src, e);
}

static int open_object(struct search *s, int64_t object, struct err *e)
{
	if (s->file && s->object == object)
		return 0;
	close_object(s);
	int rc = source_open(&s->source, s->st, s->from, s->cache, object, e);
	if (rc)
		return rc;
	s->object = object;
	rc = open_parquet(s, e);
	struct err ignored = ERR_INIT; /* the words about the file stand */
	if (rc == -ERR_CORRUPT && source_leave_file(s->source, &ignored) == 0)
		rc = open_parquet(s, e);
	return rc ? err_wrap(e, "%s", cold_source_key(s->source)) : 0;
}

static void note_failure(struct search *s, struct err *e, uint32_t group)
{
	if (s->file) /* else the words name the object already */
		(void)err_wrap(e, "%s, row group %u", cold_source_key(s->source), group);
	if (!s->cold->groups_failed++)
		(void)str_copy(s->cold->failed, sizeof(s->cold->failed), str_of(e->text)); /* cut is fine */
}

/* What is wrong with one group is told and the next is searched; what is wrong with us ends the search. */
static bool is_ours(int rc)
{
	return rc == -ERR_NOMEM || rc == -ERR_TIMEOUT || rc == -ERR_CLOSED;
}

static int find_in(struct search *s, const struct index_group *g, struct err *e)
{
	int rc = open_object(s, g->object, e);
	if (!rc && g->place >= parquet_groups(s->file))
		rc = err_set(e, ERR_CORRUPT, "the file has fewer row groups than the index says");
	if (!rc && parquet_groups(s->file) > 1 && !cold_group_may_hold(s->file, g->place, s->q->record, s->q))
		return 0;
	return rc ? rc : cold_group_find(s->file, g->place, s->q->record, s->matcher, take_match, s, e);
}

static int visit(struct search *s, const struct index_group *g, struct err *e)
{
	struct err told = ERR_INIT;
	int rc = group_is_cold(s, g, e);
	if (rc <= 0)
		return rc;
	s->visiting = g;
	rc = find_in(s, g, &told);
	struct err ignored = ERR_INIT; /* the words about the file stand */
	if (rc == -ERR_CORRUPT && s->source && source_leave_file(s->source, &ignored) == 0) {
		parquet_close(s->file);
		s->file = NULL;
		told = (struct err)ERR_INIT; /* rows found so far are found again, and count once */
		rc = open_parquet(s, &told);
		if (!rc)
			rc = find_in(s, g, &told);
	}
	s->cold->groups_read++;
	s->cold->groups_from_places += s->source && source_is_place(s->source);
	s->looked_at += (uint64_t)g->rows;
	if (rc && is_ours(rc)) {
		*e = told;
		return rc;
	}
	if (rc) {
		note_failure(s, &told, g->place);
		close_object(s);
	}
	return 0;
}

/* Are there enough rows in front of everything that this group and those behind it can have? */
static bool is_enough(struct search *s, const struct index_group *g)
{
	if (s->n_hits < s->want)
		return false;
	tidy_hits(s);
	if (s->n_hits < s->want)
		return false;
	int64_t last = s->hits[s->want - 1].at.time_ns, bound = bound_of(s, g);
	return s->oldest_first ? last < bound : last > bound;
}

static int find_rows(struct search *s, int64_t deadline_mono_ns, struct err *e)
{
	for (;;) {
		const struct index_group *g;
		int rc = next_group(s, &g, e);
		if (rc)
			return rc;
		if (!g) {
			s->all_known = s->complete = true;
			break;
		}
		s->frontier_ns = bound_of(s, g);
		if (is_enough(s, g)) {
			s->complete = true;
			break;
		}
		if (deadline_mono_ns && clock_mono_ns() > deadline_mono_ns)
			break;
		rc = visit(s, g, e);
		if (rc)
			return rc;
		if (s->from->progress)
			s->from->progress(s->from->progress_arg, s->frontier_ns, s->cold);
		thread_beat();
	}
	tidy_hits(s);
	return 0;
}

/* ---- Whole rows. ---- */

struct reading {
	struct search *s;
	struct hit **hits; /* by object, group, row */
	size_t n, first, bytes;
	bool no_memory;
};

static int keep_row(void *arg, size_t i, const void *row)
{
	struct reading *r = arg;
	size_t n = record_bytes(r->s->q->record, row);
	struct hit *h = r->hits[r->first + i];
	h->whole = malloc(n);
	if (!h->whole) {
		r->no_memory = true;
		return -ERR_NOMEM;
	}
	memcpy(h->whole, row, n);
	r->bytes += n;
	return r->bytes > ROWS_BYTES_MAX;
}

static int by_file(const void *a, const void *b)
{
	const struct hit *const *x = a, *const *y = b;
	if ((*x)->object != (*y)->object)
		return (*x)->object < (*y)->object ? -1 : 1;
	if ((*x)->group != (*y)->group)
		return (*x)->group < (*y)->group ? -1 : 1;
	return ((*x)->row > (*y)->row) - ((*x)->row < (*y)->row);
}

/* Rows [first, end) of one group. */
static int read_group(struct reading *r, size_t end, struct err *e)
{
	size_t n = end - r->first;
	uint32_t *numbers = calloc(n, sizeof(*numbers));
	struct err told = ERR_INIT;
	if (!numbers)
		return no_memory(e);
	for (size_t i = 0; i < n; i++)
		numbers[i] = r->hits[r->first + i]->row;
	int rc = open_object(r->s, r->hits[r->first]->object, &told);
	if (!rc)
		rc = cold_group_rows(r->s->file, r->hits[r->first]->group, r->s->q->record, numbers, n, keep_row, r,
				     &told);
	free(numbers);
	if (r->no_memory)
		return no_memory(e);
	if (rc < 0 && is_ours(rc)) {
		*e = told;
		return rc;
	}
	if (rc < 0) {
		note_failure(r->s, &told, r->hits[r->first]->group); /* its rows were seen, but cannot be shown */
		close_object(r->s);
		rc = 0;
	}
	return rc;
}

/* The first n hits; 1: too much for the memory. */
static int read_rows(struct search *s, size_t n, struct err *e)
{
	struct reading r = { .s = s, .n = n, .hits = calloc(n ? n : 1, sizeof(*r.hits)) };
	int rc = r.hits ? 0 : no_memory(e);
	for (size_t i = 0; !rc && i < n; i++)
		r.hits[i] = &s->hits[i];
	if (!rc)
		qsort(r.hits, n, sizeof(*r.hits), by_file);
	while (!rc && r.first < n) {
		size_t end = r.first + 1;
		while (end < n && r.hits[end]->object == r.hits[r.first]->object &&
		       r.hits[end]->group == r.hits[r.first]->group)
			end++;
		rc = read_group(&r, end, e);
		r.first = end;
	}
	free(r.hits);
	return rc;
}

static void drop_rows(struct search *s)
{
	for (size_t i = 0; i < s->n_hits; i++) {
		free(s->hits[i].whole);
		s->hits[i].whole = NULL;
	}
}

static bool is_sure(const struct search *s, const struct hit *h)
{
	return s->all_known ||
	       (s->oldest_first ? h->at.time_ns < s->frontier_ns : h->at.time_ns > s->frontier_ns);
}

/* Hands the sure rows out, at most limit, fewer where they are too large to be held at once. */
static int give_rows(struct search *s, size_t limit, bool *more, struct err *e)
{
	size_t sure = 0, n;
	while (sure < s->n_hits && is_sure(s, &s->hits[sure]))
		sure++;
	n = sure < limit ? sure : limit;
	int rc = read_rows(s, n, e);
	while (rc == 1 && n > 1) {
		drop_rows(s);
		n = (n + 1) / 2;
		rc = read_rows(s, n, e);
	}
	for (size_t i = 0; rc >= 0 && i < n && !s->ended; i++) {
		s->at.after = s->hits[i].at;
		if (!s->hits[i].whole)
			continue; /* its group was told */
		s->given++;
		s->ended = s->row(s->arg, s->hits[i].whole) != 0;
	}
	drop_rows(s);
	*more = s->ended || n < s->n_hits || !s->all_known;
	if (rc >= 0 && !s->complete && !s->ended && n == sure && sure < limit) {
		struct cold_place reached = { s->frontier_ns, s->oldest_first ? INT64_MIN : INT64_MAX };
		if (stands_before(s, s->at.after, reached))
			s->at.after = reached;
	}
	return rc < 0 ? rc : 0;
}

/* ---- Pages. ---- */

static void begin_page(struct search *s, size_t limit)
{
	if (s->has_may)
		index_may_fini(&s->may);
	s->has_may = s->no_more = s->is_cut = s->complete = s->all_known = false;
	s->last = (struct index_group){ 0 };
	s->n_batch = s->next = s->n_hits = 0;
	s->want = limit + 1;
}

static int run_pages(struct search *s, size_t limit, int64_t deadline_mono_ns, bool *more, struct err *e)
{
	int rc;
	do {
		size_t left = limit ? limit - s->given : PAGE_ROWS;
		left = left < PAGE_ROWS ? left : PAGE_ROWS;
		begin_page(s, left);
		rc = find_rows(s, deadline_mono_ns, e);
		if (!rc)
			rc = give_rows(s, left, more, e);
	} while (!rc && *more && s->complete && !s->ended && (!limit || s->given < limit));
	return rc;
}

static int check(const struct query *q, struct err *e)
{
	if (q->sort != QUERY_NEWEST && q->sort != QUERY_OLDEST)
		return err_set(e, ERR_INVALID,
			       "rows of the archive come newest or oldest first; another order would have to read all of it");
	if (q->since_ns >= q->until_ns)
		return err_set(e, ERR_INVALID, "the range is empty: it ends before it begins");
	return 0;
}

static int archive_begins(struct search *s, struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(s->st, clock_mono_ns() + read_ns, &db, e);
	if (rc)
		return rc;
	rc = index_sql_begins(db, s->q->record->name, &s->cold->oldest_ns, e);
	store_read_end(s->st, db);
	return rc;
}

static int begin(struct search *s, struct err *e)
{
	const struct record *r = s->q->record;
	int rc = check(s->q, e);
	if (rc)
		return rc;
	s->cols = (struct cold_cols){ record_col(r, r->id_col), record_col(r, r->time_col) };
	s->batch = calloc(BATCH_GROUPS, sizeof(*s->batch));
	if (!s->batch || map_init(&s->gone, 1 << 16) != 0)
		return no_memory(e);
	rc = cold_cursor_read(&s->at, s->q, false, e);
	s->began_ns = s->at.after.time_ns;
	if (!rc)
		rc = matcher_new(&s->matcher, s->q, e);
	if (!rc && s->from->cache)
		s->cache = s->from->cache;
	else if (!rc)
		rc = source_cache_new(&s->cache, e);
	return rc ? rc : archive_begins(s, e);
}

static void end(struct search *s)
{
	close_object(s);
	if (s->has_may)
		index_may_fini(&s->may);
	if (s->cache != s->from->cache)
		source_cache_free(s->cache);
	matcher_free(s->matcher);
	map_fini(&s->gone);
	free(s->batch);
	free(s->hits);
	free(s);
}

/* What was searched now: from where the page began to where it ended. */
static void tell_span(struct search *s, const struct query_page_info *info)
{
	struct cold_info *c = s->cold;
	int64_t since = info->covered_since_ns, until = info->covered_until_ns;
	if (!s->oldest_first && s->began_ns < until)
		until = s->began_ns < since ? since : s->began_ns;
	if (s->oldest_first && s->began_ns > since)
		since = s->began_ns > until ? until : s->began_ns;
	c->asked = true;
	c->searched_since_ns = since;
	c->searched_until_ns = until;
}

int archive_query(struct store *st, const struct cold_sources *from, const struct query *q, size_t limit,
		  int64_t deadline_mono_ns, int (*row)(void *arg, const void *row), void *arg,
		  struct query_page_info *info, struct cold_info *cold, struct err *e)
{
	bool more = false;
	struct search *s = calloc(1, sizeof(*s));
	if (!s)
		return no_memory(e);
	*cold = (struct cold_info){ .oldest_ns = INT64_MAX };
	*s = (struct search){ .st = st,
			      .from = from,
			      .q = q,
			      .oldest_first = q->sort == QUERY_OLDEST,
			      .row = row,
			      .arg = arg,
			      .cold = cold };
	int rc = begin(s, e);
	if (!rc)
		source_cache_begin(s->cache);
	if (!rc)
		rc = run_pages(s, limit, deadline_mono_ns, &more, e);
	if (!rc) {
		*info = (struct query_page_info){ .rows_looked_at = s->looked_at };
		cold_fill_info(info, q, &s->at, more, s->complete, false, cold->oldest_ns);
		tell_span(s, info);
	}
	end(s);
	return rc;
}
