/* See habit.h. */
#include "habit.h"

#include <stdlib.h>
#include <string.h>

static void day_begins(struct habit *h, int32_t day)
{
	memmove(h->longest_ns + 1, h->longest_ns, (HABIT_DAYS - 1) * sizeof(h->longest_ns[0]));
	h->longest_ns[0] = 0;
	h->day = day;
	if (h->days < HABIT_DAYS)
		h->days++;
}

void habit_line(struct habit *h, int32_t day, int64_t quiet_ns)
{
	if (day != h->day)
		day_begins(h, day);
	if (quiet_ns > h->longest_ns[0])
		h->longest_ns[0] = quiet_ns;
}

int64_t habit_ns(const struct habit *h)
{
	int64_t first = 0, second = 0;
	for (size_t i = 0; i < HABIT_DAYS; i++) {
		int64_t v = h->longest_ns[i];
		if (v > first) {
			second = first;
			first = v;
		} else if (v > second) {
			second = v;
		}
	}
	int64_t usual = (h->days >= 3 ? second : first) * 3 / 2;
	int64_t least = h->days >= 2 ? HABIT_LEAST_NS : HABIT_NEW_NS;
	return usual < least ? least : usual > HABIT_MOST_NS ? HABIT_MOST_NS : usual;
}

void skew_take(struct skew *s, int64_t difference_ns, int64_t mono_ns)
{
	if (s->n > 0 && mono_ns - s->taken_mono_ns < NS_PER_S)
		return;
	s->taken_mono_ns = mono_ns;
	s->ring[s->at] = difference_ns;
	s->at = (s->at + 1) % SKEW_RING;
	if (s->n < SKEW_RING)
		s->n++;
}

static int by_size(const void *a, const void *b)
{
	int64_t x, y;
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

int64_t skew_ns(const struct skew *s)
{
	int64_t sorted[SKEW_RING];
	if (s->n == 0)
		return 0;
	memcpy(sorted, s->ring, s->n * sizeof(sorted[0]));
	qsort(sorted, s->n, sizeof(sorted[0]), by_size);
	return sorted[s->n / 2];
}
