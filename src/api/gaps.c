/* Minutes watched and lost. A bit a minute for 40 days is 7 KB; sums a minute for a day are 70 KB: a
 * month on a page costs microseconds. Any thread under the lock; filled by the ticker. */
#include "gaps.h"

#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"

#define DAYS 40
#define MINUTES (DAYS * 1440)
#define SUMS 1440
#define MINUTE_NS (60 * NS_PER_S)
#define LATE_MINUTES 3 /* a minute's row comes when the minute is over, and is committed then */
#define READ_ROWS 20000 /* of one reading; the rest follows at the next tick */

struct sum {
	int64_t minute;
	struct losses l; /* of all interfaces */
};

struct watched {
	struct mutex m;
	uint64_t bits[MINUTES / 64]; /* lock: m; ring by minute number */
	int64_t first, last;         /* lock: m; minutes known; 0: none */
	struct sum sums[SUMS];       /* lock: m; ring by minute number */
	/* thread: ticker */
	int64_t read_from_ns;
	int64_t seen_minute; /* rows of this minute and before are taken */
};

struct watched *watched_new(void)
{
	struct watched *w = calloc(1, sizeof(*w));
	if (w)
		mutex_init(&w->m);
	return w;
}

void watched_free(struct watched *w)
{
	if (!w)
		return;
	mutex_fini(&w->m);
	free(w);
}

static bool bit_get(const struct watched *w, int64_t minute)
{
	size_t at = (size_t)(minute % MINUTES);
	return w->bits[at / 64] >> at % 64 & 1;
}

static void bit_put(struct watched *w, int64_t minute, bool on)
{
	size_t at = (size_t)(minute % MINUTES);
	if (on)
		w->bits[at / 64] |= UINT64_C(1) << at % 64;
	else
		w->bits[at / 64] &= ~(UINT64_C(1) << at % 64);
}

/* Time goes on to this minute: what the ring held there before is forgotten. */
static void advance(struct watched *w, int64_t minute)
{
	if (w->last == 0) {
		w->first = w->last = minute;
		bit_put(w, minute, false);
		return;
	}
	int64_t from = minute - w->last > MINUTES ? minute - MINUTES : w->last;
	for (int64_t i = from + 1; i <= minute; i++)
		bit_put(w, i, false);
	w->last = minute;
	if (w->first <= minute - MINUTES)
		w->first = minute - MINUTES + 1;
}

static void add_sum(struct watched *w, int64_t minute, const struct capture_minute *row)
{
	struct sum *s = &w->sums[minute % SUMS];
	if (s->minute > minute)
		return; /* older than a day */
	if (s->minute != minute)
		*s = (struct sum){ .minute = minute };
	s->l.packets += row->packets;
	s->l.kernel_drops += row->kernel_drops;
	s->l.nic_drops += row->nic_drops;
	s->l.own_drops += row->own_drops;
	s->l.bad_frames += row->bad_frames;
	s->l.minutes_watched = s->l.minutes_watched || row->up_seconds > 0;
}

void watched_add(struct watched *w, const struct capture_minute *row)
{
	int64_t minute = row->at_ns / MINUTE_NS;
	if (minute <= 0)
		return;
	mutex_lock(&w->m);
	if (minute > w->last)
		advance(w, minute);
	if (minute > w->last - MINUTES) {
		if (minute < w->first) { /* read newest first, or a clock set back */
			for (int64_t i = minute; i < w->first; i++)
				bit_put(w, i, false);
			w->first = minute;
		}
		if (row->up_seconds > 0)
			bit_put(w, minute, true);
		add_sum(w, minute, row);
	}
	mutex_unlock(&w->m);
}

static int take_row(void *arg, const void *row)
{
	struct watched *w = arg;
	const struct capture_minute *m = row;
	int64_t id = m->id;
	if (id <= w->seen_minute) /* rows come again, since the range is asked for by time */
		return 0;
	w->seen_minute = id;
	watched_add(w, m);
	if (m->at_ns > w->read_from_ns)
		w->read_from_ns = m->at_ns;
	return 0;
}

int watched_follow(struct watched *w, struct store *st, struct err *e)
{
	struct query q = { .record = &capture_minute_record,
			   .until_ns = INT64_MAX,
			   .sort = QUERY_OLDEST };
	struct query_page_info info;
	if (w->read_from_ns == 0)
		w->read_from_ns = clock_now_ns() - (int64_t)MINUTES * MINUTE_NS;
	q.since_ns = w->read_from_ns - LATE_MINUTES * MINUTE_NS;
	int rc = store_query(st, &q, READ_ROWS, clock_mono_ns() + 5 * NS_PER_S, take_row, w,
			     &info, e);
	return rc == -ERR_TIMEOUT ? 0 : rc;
}

void watched_losses(struct watched *w, int64_t until_ns, size_t minutes, struct losses *out)
{
	int64_t last = until_ns / MINUTE_NS;
	*out = (struct losses){ 0 };
	mutex_lock(&w->m);
	for (size_t i = 0; i < minutes && i < SUMS; i++) {
		const struct sum *s = &w->sums[(last - (int64_t)i) % SUMS];
		if (s->minute != last - (int64_t)i)
			continue;
		out->packets += s->l.packets;
		out->kernel_drops += s->l.kernel_drops;
		out->nic_drops += s->l.nic_drops;
		out->own_drops += s->l.own_drops;
		out->bad_frames += s->l.bad_frames;
		out->minutes_watched += s->l.minutes_watched;
	}
	mutex_unlock(&w->m);
}

double losses_ratio(const struct losses *l)
{
	double dropped = (double)l->kernel_drops + (double)l->nic_drops + (double)l->own_drops;
	return dropped > 0 ? dropped / (dropped + (double)l->packets) : 0.0;
}

void watched_gaps(struct watched *w, int64_t since_ns, int64_t until_ns, int64_t now_ns,
		  void (*fn)(void *arg, int64_t since_ns, int64_t until_ns, const char *reason),
		  void *arg)
{
	struct {
		int64_t since, until;
	} found[GAPS_SHOWN];
	size_t n = 0;
	mutex_lock(&w->m);
	int64_t first = w->first, last = w->last;
	int64_t end = until_ns < now_ns ? (until_ns + MINUTE_NS - 1) / MINUTE_NS :
					  now_ns / MINUTE_NS + 1;
	if (last >= now_ns / MINUTE_NS - LATE_MINUTES && end > last + 1)
		end = last + 1;
	int64_t from = since_ns / MINUTE_NS;
	if (from < first)
		from = first;
	if (end - from > MINUTES)
		from = end - MINUTES;
	for (int64_t i = from; first > 0 && i < end && n < GAPS_SHOWN; i++) {
		if (i <= last && bit_get(w, i))
			continue;
		int64_t since = i;
		while (i < end && (i > last || !bit_get(w, i)))
			i++;
		found[n].since = since;
		found[n++].until = i;
	}
	mutex_unlock(&w->m);
	if (first > 0 && since_ns < first * MINUTE_NS && since_ns > 0)
		fn(arg, since_ns, first * MINUTE_NS < until_ns ? first * MINUTE_NS : until_ns,
		   "before_first_record");
	for (size_t i = 0; i < n; i++) {
		int64_t a = found[i].since * MINUTE_NS, b = found[i].until * MINUTE_NS;
		a = a > since_ns ? a : since_ns;
		b = b < until_ns ? b : until_ns;
		if (a < b)
			fn(arg, a, b < now_ns ? b : now_ns, "capture_off");
	}
}
