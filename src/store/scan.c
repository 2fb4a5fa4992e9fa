/* Best-first search over units: see scan.h. */
#include "scan_unit.h"

#include <stdlib.h>

#include "tomsd/base/clock.h"

enum {
	ROWS_PER_CLOCK = 64,
	ROW_BYTES = 1024, /* of a line; a longer one takes the time of as many rows */
	UNITS_MAX = 4 << 20,
};

/* Times in order as unsigned numbers, later larger; turned around when the oldest come first. */
uint64_t scan_rank_of_time(enum query_sort sort, int64_t ns)
{
	uint64_t later = (uint64_t)ns ^ (UINT64_C(1) << 63);

	return sort == QUERY_OLDEST ? ~later : later;
}

int64_t scan_time(enum query_sort sort, struct place p)
{
	uint64_t later = sort == QUERY_OLDEST ? ~p.rank : p.rank;

	return (int64_t)(later ^ (UINT64_C(1) << 63));
}

struct place scan_place(const struct scan *s, const void *row)
{
	const struct plan *p = s->spec.plan;
	int64_t id = col_int(p->id, row);
	struct place at = { .tie = s->spec.sort == QUERY_OLDEST ? ~id : id };

	switch (s->spec.sort) {
	case QUERY_NEWEST:
	case QUERY_OLDEST:
		at.rank = scan_rank_of_time(s->spec.sort, col_int(p->time, row));
		break;
	case QUERY_BYTES:
		at.rank = plan_zone_value(p, ZONE_BYTES, row);
		break;
	case QUERY_RISK:
		at.rank = plan_zone_value(p, ZONE_RISK, row);
		break;
	case QUERY_DURATION:
		at.rank = plan_zone_value(p, ZONE_DURATION, row);
		break;
	}
	return at;
}

/* Heap of the rows kept, the worst on top: the one that a better row replaces. */
static void sift_down(struct scan_found *h, size_t n, size_t at)
{
	for (;;) {
		size_t worst = at, left = 2 * at + 1;

		for (size_t k = left; k < n && k < left + 2; k++) {
			if (place_before(h[worst].place, h[k].place))
				worst = k;
		}
		if (worst == at)
			return;
		struct scan_found swap = h[at];

		h[at] = h[worst];
		h[worst] = swap;
		at = worst;
	}
}

static void keep(struct scan *s, struct place place)
{
	struct scan_found *h = s->best;
	struct scan_found in = { place, s->days[s->now.day].part.day };
	size_t at;

	if (scan_is_full(s)) {
		if (!place_before(place, h[0].place))
			return;
		h[0] = in;
		sift_down(h, s->n_best, 0);
		return;
	}
	for (at = s->n_best++; at && place_before(h[(at - 1) / 2].place, place);
	     at = (at - 1) / 2)
		h[at] = h[(at - 1) / 2];
	h[at] = in;
}

/* Does what the line says match, too? 1 it does; <0 failed. */
static int match_line(struct scan *s, struct part_view *v, struct err *e)
{
	int rc = part_view_tail(v, s->row, e);

	if (rc)
		return rc;
	size_t rows = record_tail_of(s->spec.plan->record, s->row).n / ROW_BYTES;

	s->until_clock = s->until_clock > rows ? s->until_clock - (unsigned)rows : 0;
	return filter_match_line(s->spec.filter, s->row, s->line);
}

int scan_consider(struct scan *s, struct part_view *v, struct err *e)
{
	const struct plan *p = s->spec.plan;
	int64_t time = col_int(p->time, s->row);
	struct place place;

	s->looked_at++;
	if (col_int(p->id, s->row) > s->spec.max_id || time < s->spec.since_ns ||
	    time >= s->spec.until_ns)
		return 0;
	place = scan_place(s, s->row);
	if (!place_before(s->spec.after, place) || place_before(place, s->now.bound))
		return 0; /* on a page before, or among the largest of this bucket already */
	if (!filter_match(s->spec.filter, s->row))
		return 0;
	if (s->line) {
		int rc = match_line(s, v, e);

		if (rc <= 0)
			return rc;
	}
	if (s->spec.limit)
		keep(s, place);
	else if (++s->counted >= s->spec.at_most)
		s->stopped = true;
	return 0;
}

/* Walks by id know a bound inside their unit: the second of an id is never before that of its row's
 * time, and at most late_s after it. */
static struct place walk_bound(const struct scan *s, int64_t id)
{
	int64_t second = store_id_second(id);

	if (s->spec.sort == QUERY_NEWEST)
		return (struct place){
			scan_rank_of_time(QUERY_NEWEST, (second + 1) * NS_PER_S - 1), INT64_MAX
		};
	second -= s->days[s->now.day].part.late_s;
	if (second < 0)
		return PLACE_FIRST;
	return (struct place){ scan_rank_of_time(QUERY_OLDEST, second * NS_PER_S), INT64_MAX };
}

/* Right behind a bound: rows from here on are not known. */
static struct place behind(struct place bound)
{
	if (bound.tie < INT64_MAX)
		return (struct place){ bound.rank, bound.tie + 1 };
	return bound.rank < UINT64_MAX ? (struct place){ bound.rank + 1, INT64_MIN } :
					 PLACE_FIRST;
}

/* Ends the search here: what stands behind this bound and those of the units left is not known. Not
 * before it has got further than the page before: a deadline may be shorter than one bucket takes,
 * and pages that begin where they ended would go on for ever. */
static bool give_up(struct scan *s, struct place bound)
{
	struct place known;

	if (s->n_units && place_before(s->units[0].bound, bound))
		bound = s->units[0].bound;
	known = behind(bound);
	if (!place_before(s->spec.after, known))
		return false;
	s->known = known;
	s->stopped = true;
	return true;
}

static bool is_late(struct scan *s)
{
	if (!s->spec.deadline_mono_ns || s->until_clock--)
		return false;
	s->until_clock = ROWS_PER_CLOCK;
	return clock_mono_ns() >= s->spec.deadline_mono_ns;
}

bool scan_walk_is_over(struct scan *s, int64_t id)
{
	if (s->stopped)
		return true;
	if (scan_by_time(s) && scan_is_full(s) &&
	    place_before(s->best[0].place, walk_bound(s, id)))
		return true;
	if (is_late(s)) {
		struct place bound = scan_by_time(s) ? walk_bound(s, id) : s->now.bound;

		return give_up(s, place_before(bound, s->now.bound) ? s->now.bound : bound);
	}
	return false;
}

/* Heap of units, the best bound on top. */
int scan_push(struct scan *s, const struct unit *u, struct err *e)
{
	size_t at;

	if (s->n_units == s->units_room) {
		size_t room = s->units_room ? 2 * s->units_room : 64;
		struct unit *more = room > UNITS_MAX ? NULL :
						       realloc(s->units, room * sizeof(*more));

		if (!more)
			return err_set(e, ERR_NOMEM, "out of memory while searching");
		s->units = more;
		s->units_room = room;
	}
	for (at = s->n_units++; at && place_before(u->bound, s->units[(at - 1) / 2].bound);
	     at = (at - 1) / 2)
		s->units[at] = s->units[(at - 1) / 2];
	s->units[at] = *u;
	return 0;
}

static struct unit pop(struct scan *s)
{
	struct unit top = s->units[0], last = s->units[--s->n_units];
	size_t at = 0;

	for (;;) {
		size_t next = 2 * at + 1;

		if (next >= s->n_units)
			break;
		if (next + 1 < s->n_units &&
		    place_before(s->units[next + 1].bound, s->units[next].bound))
			next++;
		if (!place_before(s->units[next].bound, last.bound))
			break;
		s->units[at] = s->units[next];
		at = next;
	}
	if (s->n_units)
		s->units[at] = last;
	return top;
}

static int search(struct scan *s, struct err *e)
{
	while (s->n_units && !s->stopped) {
		int rc;

		if (scan_is_full(s) && place_before(s->best[0].place, s->units[0].bound))
			return 0;
		s->now = pop(s);
		if (s->spec.deadline_mono_ns && clock_mono_ns() >= s->spec.deadline_mono_ns &&
		    give_up(s, s->now.bound))
			return 0;
		if (s->now.kind == UNIT_DAY)
			rc = scan_day_open(s, s->now.day, e);
		else
			rc = scan_unit_search(s, e);
		if (rc)
			return rc;
	}
	return 0;
}

int scan_run(struct scan *s, struct err *e)
{
	int rc = search(s, e);

	/* a count that has reached its end has not looked at the rest */
	if (!rc && s->stopped && !place_before(s->known, PLACE_LAST) && s->n_units)
		s->known = behind(s->units[0].bound);
	return rc;
}

/* Days as units; a bound only where the sort is by time. */
static int push_days(struct scan *s, struct err *e)
{
	for (size_t i = 0; i < s->n_days; i++) {
		const struct part_info *p = &s->days[i].part;
		struct unit u = { .bound = PLACE_FIRST, .day = (uint32_t)i, .kind = UNIT_DAY };
		int rc;

		if (scan_by_time(s))
			u.bound.rank = scan_rank_of_time(
				s->spec.sort,
				s->spec.sort == QUERY_NEWEST ? p->last_ns : p->first_ns);
		rc = scan_push(s, &u, e);
		if (rc)
			return rc;
	}
	return 0;
}

static void want(struct scan *s, const struct col *c)
{
	for (size_t i = 0; c && i < s->spec.plan->n_cols; i++) {
		if (s->spec.plan->cols[i].col == c)
			s->wanted[i] = true;
	}
}

/* Columns that the filter and the order look at. */
static void want_columns(struct scan *s)
{
	const struct plan *p = s->spec.plan;

	memcpy(s->wanted, s->spec.filter->wanted, sizeof(s->wanted));
	want(s, p->time);
	if (s->spec.sort == QUERY_BYTES) {
		want(s, p->bytes_a);
		want(s, p->bytes_b);
	} else if (s->spec.sort == QUERY_RISK) {
		want(s, p->risk);
	} else if (s->spec.sort == QUERY_DURATION) {
		want(s, p->start);
		want(s, p->end);
		want(s, p->duration);
	}
}

static int load_days(struct scan *s, struct err *e)
{
	struct part_info *parts = NULL;
	size_t n = 0;
	int rc = part_list(s->spec.db, s->spec.plan->record, s->spec.since_ns, s->spec.until_ns,
			   &parts, &n, e);

	if (rc)
		return rc;
	s->days = calloc(n + 1, sizeof(*s->days));
	s->n_days = s->days ? n : 0;
	for (size_t i = 0; i < s->n_days; i++)
		s->days[i].part = parts[i];
	free(parts);
	return s->days ? push_days(s, e) :
			 err_set(e, ERR_NOMEM, "out of memory while searching");
}

int scan_new(struct scan **out, const struct scan_spec *spec, struct err *e)
{
	struct scan *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory while searching");
	s->spec = *spec;
	s->known = PLACE_LAST;
	s->row = calloc(1, record_room(spec->plan->record));
	s->best = calloc(spec->limit + 1, sizeof(*s->best));
	if (spec->filter->asks_line)
		s->line = malloc(sizeof(*s->line));
	if (!s->row || !s->best || (spec->filter->asks_line && !s->line))
		rc = err_set(e, ERR_NOMEM, "out of memory while searching");
	if (!rc) {
		want_columns(s);
		rc = load_days(s, e);
	}
	if (rc) {
		scan_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void scan_free(struct scan *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_days; i++)
		scan_day_close(&s->days[i]);
	free(s->days);
	free(s->units);
	free(s->best);
	free(s->row);
	free(s->line);
	free(s);
}

static int by_place(const void *a, const void *b)
{
	const struct scan_found *x = a, *y = b;

	return place_before(x->place, y->place) ? -1 : place_before(y->place, x->place);
}

size_t scan_results(struct scan *s, struct scan_found **rows, struct place *known)
{
	qsort(s->best, s->n_best, sizeof(*s->best), by_place);
	*rows = s->best;
	*known = s->known;
	return s->n_best;
}

uint64_t scan_counted(const struct scan *s)
{
	return s->counted;
}

uint64_t scan_looked_at(const struct scan *s)
{
	return s->looked_at;
}

int64_t scan_first_ns(const struct scan *s)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < s->n_days; i++) {
		if (s->days[i].part.first_ns < first)
			first = s->days[i].part.first_ns;
	}
	return first;
}
