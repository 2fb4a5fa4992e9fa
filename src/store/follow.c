/* Followers: rows handed on after their commit. Each has a ring of rows of its own; when it
 * is full the follower is lagging, gets nothing more from the writer, and reads on from the
 * tables by itself until it has all that was committed. Positions are kept a day, since ids
 * rise within a day only: rows of one day come in the order of commit, always; between days
 * only while it keeps up. The writer offers (store thread), one thread takes. */
#include <stdlib.h>

#include "inside.h"
#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/base/map.h"

enum { DAYS_MAX = 4096, REREAD_MS = 10000 };

struct follower {
	struct store *st;
	const struct plan *plan;
	char name[32];
	struct mutex m;
	pthread_cond_t news;
	uint8_t *rows;        /* ring; lock: m */
	size_t cap, first, n; /* lock: m */
	bool lagging, closed; /* lock: m */
	struct map committed; /* day -> last id on disk; lock: m */
	struct map seen;      /* day -> last id handed out; its thread */
};

static int start_positions(struct follower *f, struct err *e)
{
	struct part_info *list = NULL;
	size_t n = 0;
	int rc = part_list(f->st->db, f->plan->record, INT64_MIN, INT64_MAX, &list, &n, e);
	for (size_t i = 0; !rc && i < n; i++) {
		bool made;
		uint64_t *c = map_put(&f->committed, (uint64_t)list[i].day, &made);
		uint64_t *s = map_put(&f->seen, (uint64_t)list[i].day, &made);
		if (c && s)
			*c = *s = (uint64_t)list[i].last_id;
		else
			rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	free(list);
	return rc;
}

int store_follow(struct store *st, const struct record *r, const char *name, size_t queue_rows,
		 struct follower **out, struct err *e)
{
	assert(!st->started && queue_rows > 0);
	if (st->n_followers == STORE_FOLLOWERS_MAX)
		return err_set(e, ERR_FULL, "more than %d followers", STORE_FOLLOWERS_MAX);
	const struct plan *plan = store_plan(st, r, e);
	if (!plan)
		return -e->code;
	struct follower *f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, ERR_NOMEM, "out of memory");
	f->st = st;
	f->plan = plan;
	f->cap = queue_rows;
	(void)str_copy(f->name, sizeof(f->name), str_of(name));
	mutex_init(&f->m);
	cond_init(&f->news);
	int rc = map_init(&f->committed, DAYS_MAX) || map_init(&f->seen, DAYS_MAX) ||
				 !(f->rows = malloc(queue_rows * r->bytes)) ?
			 err_set(e, ERR_NOMEM, "out of memory") :
			 start_positions(f, e);
	if (rc) {
		follower_free(f);
		return rc;
	}
	st->followers[st->n_followers++] = f;
	*out = f;
	return 0;
}

void follower_free(struct follower *f)
{
	if (!f)
		return;
	map_fini(&f->committed);
	map_fini(&f->seen);
	free(f->rows);
	mutex_fini(&f->m);
	pthread_cond_destroy(&f->news);
	free(f);
}

void follower_close(struct follower *f)
{
	mutex_lock(&f->m);
	f->closed = true;
	pthread_cond_broadcast(&f->news);
	mutex_unlock(&f->m);
}

/* Remembers an id for its day; false: more days than anybody has, the row will not be
 * re-read. */
static bool advance(struct map *m, int64_t id)
{
	bool made;
	uint64_t *last = map_put(m, (uint64_t)store_id_day(id), &made);
	if (last && (uint64_t)id > *last)
		*last = (uint64_t)id;
	return last != NULL;
}

static int64_t id_of(const struct plan *p, const void *row)
{
	return col_int(p->id, row);
}

/* Followers get the struct alone, from the inbox as from the tables. */
static void forget_tail(const struct record *r, void *row)
{
	const uint32_t none = 0;
	if (r->tail)
		memcpy((char *)row + r->tail->n_off, &none, sizeof(none));
}

void follower_offer(struct follower *f, const struct inbox *in, const struct inbox_batch *b)
{
	ON_THREAD("store");
	const struct plan *p;
	size_t bytes = f->plan->record->bytes;
	uint64_t at = b->from;
	bool fell_behind = false;
	mutex_lock(&f->m);
	for (void *row; (row = inbox_next(in, b, &at, &p)) != NULL;) {
		if (p != f->plan || !id_of(p, row)) /* id 0: the row was refused */
			continue;
		advance(&f->committed, id_of(p, row));
		if (f->lagging)
			continue;
		if (f->n == f->cap) {
			f->lagging = fell_behind = true;
			continue;
		}
		uint8_t *to = f->rows + (f->first + f->n++) % f->cap * bytes;
		memcpy(to, row, bytes);
		forget_tail(f->plan->record, to);
	}
	pthread_cond_signal(&f->news);
	mutex_unlock(&f->m);
	if (fell_behind)
		log_notice("store", "follower is lagging name=%s", f->name);
}

static int take_queued(struct follower *f, void *rows, size_t max) REQUIRES(&f->m)
{
	size_t bytes = f->plan->record->bytes, n = f->n < max ? f->n : max;
	for (size_t i = 0; i < n; i++) {
		void *to = (char *)rows + i * bytes;
		memcpy(to, f->rows + (f->first + i) % f->cap * bytes, bytes);
		advance(&f->seen, id_of(f->plan, to));
	}
	f->first = (f->first + n) % f->cap;
	f->n -= n;
	return (int)n;
}

static int64_t seen_of(const struct follower *f, int32_t day)
{
	const uint64_t *s = map_get(&f->seen, (uint64_t)day);
	return s ? (int64_t)*s : 0;
}

static int read_day(struct follower *f, struct sql *db, int32_t day, void *rows, size_t max,
		    struct err *e)
{
	struct part_view *v = NULL;
	size_t n = 0;
	int64_t id;
	int rc = part_view_new(&v, db, f->plan, day, NULL, e);
	if (rc)
		return rc;
	rc = part_view_walk(v, seen_of(f, day) + 1, INT64_MAX, false, e);
	while (!rc && n < max && (rc = part_view_next(v, &id, e)) > 0) {
		void *to = (char *)rows + n * f->plan->record->bytes;
		rc = part_view_row(v, to, e);
		if (!rc) {
			advance(&f->seen, id_of(f->plan, to));
			n++;
		}
	}
	part_view_free(v);
	return rc < 0 ? rc : (int)n;
}

/* Days that were dropped before they were read are lost to a follower this slow. */
static void skip_dropped(struct follower *f, const struct part_info *list, size_t n,
			 const struct map *committed)
{
	uint64_t day, *last;
	for (size_t at = 0; map_next(committed, &at, &day, &last);) {
		bool there = false;
		for (size_t i = 0; i < n; i++)
			there |= list[i].day == (int32_t)day;
		if (!there)
			advance(&f->seen, (int64_t)*last);
	}
}

/* The next rows from the tables, oldest day first; 0: nothing new. */
static int reread(struct follower *f, void *rows, size_t max, const struct map *committed,
		  struct err *e)
{
	struct sql *db;
	struct part_info *list = NULL;
	size_t n = 0;
	int rc = store_read_begin(f->st, clock_mono_ns() + REREAD_MS * NS_PER_MS, &db, e);
	if (rc)
		return rc;
	rc = part_list(db, f->plan->record, INT64_MIN, INT64_MAX, &list, &n, e);
	for (size_t i = n; rc == 0 && i-- > 0;)
		if (list[i].last_id > seen_of(f, list[i].day))
			rc = read_day(f, db, list[i].day, rows, max, e);
	if (rc == 0)
		skip_dropped(f, list, n, committed);
	free(list);
	store_read_end(f->st, db);
	return rc;
}

/* What was committed before a re-read began: all of that is in its snapshot, or dropped. */
static int copy_committed(const struct follower *f, struct map *copy) REQUIRES(&f->m)
{
	uint64_t day, *last;
	if (map_init(copy, DAYS_MAX))
		return -ERR_NOMEM;
	for (size_t at = 0; map_next(&f->committed, &at, &day, &last);) {
		bool made;
		uint64_t *to = map_put(copy, day, &made);
		if (!to)
			return -ERR_NOMEM;
		*to = *last;
	}
	return 0;
}

static bool has_caught_up(struct follower *f) REQUIRES(&f->m)
{
	uint64_t day, *last;
	for (size_t at = 0; map_next(&f->committed, &at, &day, &last);)
		if (seen_of(f, (int32_t)day) < (int64_t)*last)
			return false;
	return true;
}

static int catch_up(struct follower *f, void *rows, size_t max, struct err *e)
{
	struct map committed = { 0 };
	mutex_lock(&f->m);
	int rc = copy_committed(f, &committed);
	mutex_unlock(&f->m);
	rc = rc ? err_set(e, ERR_NOMEM, "out of memory") : reread(f, rows, max, &committed, e);
	map_fini(&committed);
	if (rc)
		return rc;
	mutex_lock(&f->m);
	if (has_caught_up(f))
		f->lagging = false;
	mutex_unlock(&f->m);
	return 0;
}

int follower_next(struct follower *f, void *rows, size_t max, int timeout_ms, struct err *e)
{
	int64_t until = clock_mono_ns() + (timeout_ms < 0 ? INT32_MAX : timeout_ms) * NS_PER_MS;
	for (;;) {
		int rc = 0;
		mutex_lock(&f->m);
		if (f->n) {
			rc = take_queued(f, rows, max);
		} else if (!f->lagging) {
			int64_t left = (until - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
			if (f->closed)
				rc = -ERR_CLOSED;
			else if (left <= 0)
				rc = -ERR_TIMEOUT;
			else
				(void)cond_wait(&f->news, &f->m, (int)left);
		}
		bool lagging = !rc && f->lagging && !f->n;
		mutex_unlock(&f->m);
		if (rc)
			return rc;
		if (lagging && (rc = catch_up(f, rows, max, e)) != 0)
			return rc;
	}
}
