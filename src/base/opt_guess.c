/* "Did you mean ...?": the closest name by the number of letters to add, drop, change or swap
 * (optimal string alignment distance). */
#include "opt_conf.h"

#define GUESS_MAX 32 /* bytes; nobody's option is longer */

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(struct str a, struct str b)
{
	/* The row before the last, the last, this one. */
	unsigned rows[3][GUESS_MAX + 1] = { { 0 } };
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];
	for (unsigned j = 0; j <= b.n; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned differs = a.p[i - 1] != b.p[j - 1];
			now[j] = min2(last[j - 1] + differs, min2(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1])
				now[j] = min2(now[j], before[j - 2] + 1);
		}
		unsigned *free_row = before;
		before = last;
		last = now;
		now = free_row;
	}
	return last[b.n];
}

const char *conf_guess(struct str typed, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned best_distance = 3; /* more than two slips are another word */
	if (typed.n == 0 || typed.n > GUESS_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct str name = str_of(names[i]);
		if (name.n > GUESS_MAX)
			continue;
		unsigned d = distance(typed, name);
		if (d < best_distance && d < name.n) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}
