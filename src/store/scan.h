/* The search itself: the best rows of a filter in the order asked for, or how many there are.
 *
 * Everything that can hold rows is a unit with a bound: no row in it stands before the bound in the
 * list. Units are days, then the buckets of a day and its tail (rows in no bucket yet). The unit with
 * the best bound is searched first, and the search ends as soon as the list is full and no bound
 * left beats its last row: for "newest" that is mostly one bucket, for "largest" the few buckets whose
 * zone says that they hold large rows. The order is exact: rows that arrived late stand where their
 * own time puts them.
 *
 * A position in the list is a struct place; larger stands before smaller, whatever the sort. One thread. */
#ifndef TOMSD_STORE_SCAN_H
#define TOMSD_STORE_SCAN_H

#include "filter.h"

struct place {
	uint64_t rank; /* what is sorted by */
	int64_t tie;   /* the id, or ~id where oldest come first */
};
static inline bool place_before(struct place a, struct place b)
{
	return a.rank != b.rank ? a.rank > b.rank : a.tie > b.tie;
}
#define PLACE_FIRST ((struct place){ UINT64_MAX, INT64_MAX })
#define PLACE_LAST ((struct place){ 0, INT64_MIN })

struct scan_spec {
	struct sql *db;
	const struct plan *plan;
	const struct filter *filter;
	uint64_t seed; /* of tokens */
	enum query_sort sort;
	int64_t since_ns, until_ns;
	int64_t min_id;           /* no row with a smaller id matches */
	int64_t max_id;           /* later rows came after the first page */
	struct place after;       /* only rows behind this place; PLACE_FIRST: all */
	int64_t deadline_mono_ns; /* 0: none */
	size_t limit;             /* rows kept; 0: count only */
	uint64_t at_most;         /* counting ends here */
};
struct scan_found {
	struct place place;
	int32_t day;
};
struct scan;
int scan_new(struct scan **out, const struct scan_spec *spec, struct err *e) MUST_CHECK;
void scan_free(struct scan *s);
/* Searches until done or the deadline. */
int scan_run(struct scan *s, struct err *e) MUST_CHECK;
/* After scan_run: rows in order; all in front of *known are sure (PLACE_LAST: the search is complete). */
size_t scan_results(struct scan *s, struct scan_found **rows, struct place *known);
uint64_t scan_counted(const struct scan *s);
uint64_t scan_looked_at(const struct scan *s);
int64_t scan_first_ns(
	const struct scan *s); /* oldest time any part has; INT64_MAX: no rows at all */

static inline int64_t scan_id(enum query_sort sort, struct place p)
{
	return sort == QUERY_OLDEST ? ~p.tie : p.tie;
}
/* The time at a place of a list sorted by time. */
int64_t scan_time(enum query_sort sort, struct place p);

#endif
