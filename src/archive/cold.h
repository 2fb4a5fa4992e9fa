/* Cold search: what its files share. A search runs on one thread (archive/search of the daemon, or tomsctl). */
#ifndef ARCHIVE_COLD_H
#define ARCHIVE_COLD_H

#include "tomsd/archive.h"
#include "tomsd/store.h"

/* Where a row stands in a list: its own time, then its id. */
struct cold_place {
	int64_t time_ns, id;
};
static inline bool cold_before(bool oldest_first, struct cold_place a, struct cold_place b)
{
	bool less = a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.id < b.id;
	bool same = a.time_ns == b.time_ns && a.id == b.id;
	return !same && less == oldest_first;
}
static inline struct cold_place cold_front(bool oldest_first)
{
	return oldest_first ? (struct cold_place){ INT64_MIN, INT64_MIN } :
			      (struct cold_place){ INT64_MAX, INT64_MAX };
}

/* Position of the next page, and what the first one fixed. */
struct cold_cursor {
	struct cold_place after;
	int64_t since_ns, until_ns, as_of_ns;
};
/* whole: of a list over store and archive (archive_list), else of archive_query. */
void cold_cursor_write(const struct cold_cursor *c, const struct query *q, bool whole, char out[128]);
/* The cursor of q, or the beginning; -ERR_INVALID with words: not ours or of another query. */
int cold_cursor_read(struct cold_cursor *c, const struct query *q, bool whole, struct err *e) MUST_CHECK;

/* What a page may say of itself: c stands behind its last row. */
void cold_fill_info(struct query_page_info *info, const struct query *q, const struct cold_cursor *c, bool more,
		    bool complete, bool whole, int64_t oldest_ns);

struct cold_cols { /* columns of every record that lists are ordered by */
	const struct col *id, *time;
};
static inline struct cold_place cold_place_of(const struct cold_cols *c, const void *row)
{
	return (struct cold_place){ col_int(c->time, row), col_int(c->id, row) };
}

#endif
