/* Private half of the search: its state, days, units and buckets. */
#ifndef TOMSD_STORE_SCAN_UNIT_H
#define TOMSD_STORE_SCAN_UNIT_H

#include "scan.h"

/* Rows of a bucket, one bit each. */
struct bits {
	uint64_t w[STORE_BUCKET_ROWS / 64];
};

enum unit_kind {
	UNIT_DAY,
	UNIT_BUCKET,
	UNIT_REST /* bucket whose largest rows were looked at */,
	UNIT_TAIL
};
struct unit {
	struct place bound; /* no row in it stands before */
	int64_t first_id, last_id;
	int64_t rows;
	uint32_t day, bucket;
	enum unit_kind kind;
	bool all_in_range; /* every row's time is within the range */
};

struct scan_day {
	struct part_info part;
	struct part_view *view; /* columns of the filter; NULL: not open */
	uint64_t used;          /* when, to close the one that rests longest */
	struct tokens *tokens;
	uint64_t *loose; /* a bit a bucket: may have words outside the index; NULL: unknown */
};

struct scan {
	struct scan_spec spec;
	bool wanted[STORE_COLS_MAX];
	struct scan_day *days;
	size_t n_days, n_views;
	uint64_t uses;
	struct unit *units; /* heap, best bound first */
	size_t n_units, units_room;
	struct scan_found *best; /* heap, worst place first, until scan_results sorts it */
	size_t n_best;
	uint64_t counted, looked_at;
	struct place known;
	bool stopped;             /* deadline or at_most */
	unsigned until_clock;     /* rows before the clock is asked again */
	struct unit now;          /* being searched */
	void *row;                /* of the record, with room for its tail */
	struct filter_line *line; /* to look into tails; NULL: nobody asks */
	struct bits set, one;
	uint64_t loose; /* granules of s->now with words outside the index, when known */
	bool knows_loose;
	uint16_t ordinals[STORE_BUCKET_ROWS];
	struct zone_top top[STORE_ZONE_TOP];
	struct bucket_ids ids;
};

/* scan_day.c */
int scan_day_open(struct scan *s, uint32_t at, struct err *e) MUST_CHECK; /* pushes its units */
void scan_day_close(struct scan_day *d);
int scan_day_use(struct scan *s, struct scan_day *d,
		 struct err *e) MUST_CHECK; /* its view is open */
int scan_push(struct scan *s, const struct unit *u, struct err *e) MUST_CHECK;
/* scan_unit.c */
int scan_unit_search(struct scan *s, struct err *e) MUST_CHECK; /* s->now */
/* scan.c */
struct place scan_place(const struct scan *s, const void *row);
uint64_t scan_rank_of_time(enum query_sort sort, int64_t ns);
/* The row in s->row, on which the view stands: kept, counted or passed over. Its tail is read when all
 * else says yes. */
int scan_consider(struct scan *s, struct part_view *v, struct err *e) MUST_CHECK;
/* Can no row of this id or any behind it in the walk come in any more? */
bool scan_walk_is_over(struct scan *s, int64_t id);

static inline bool scan_by_time(const struct scan *s)
{
	return s->spec.sort == QUERY_NEWEST || s->spec.sort == QUERY_OLDEST;
}
static inline bool scan_is_full(const struct scan *s)
{
	return s->spec.limit && s->n_best == s->spec.limit;
}

#endif
