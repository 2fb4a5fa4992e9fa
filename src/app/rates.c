/* Counters of all rooms a second, over the time between two looks of main (about 5 s). Written by
 * main alone, read by status on any thread. */
#include <stdio.h>
#include <stdlib.h>

#include "house.h"
#include "tomsd/base/clock.h"

#define WINDOW_NS (4 * NS_PER_S) /* shorter ones jitter */

struct rate {
	const struct room *room;
	const struct counter *counter;
	uint64_t last; /* thread: main */
	_Atomic uint64_t per_1000_s;
};

struct rates {
	int64_t at_mono_ns; /* thread: main */
	size_t n;
	struct rate list[];
};

static uint64_t value_of(const struct counter *c)
{
	return __atomic_load_n((uint64_t *)(uintptr_t)c->value, __ATOMIC_RELAXED);
}

int rates_new(struct app *a, struct err *e)
{
	size_t n = 0;
	for (size_t i = 0; i < a->n_slots; i++)
		for (const struct counter *c = a->slots[i].room->counters; c && c->name; c++)
			n += !c->gauge;
	struct rates *rs = calloc(1, sizeof(*rs) + n * sizeof(rs->list[0]));
	if (!rs)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < a->n_slots; i++)
		for (const struct counter *c = a->slots[i].room->counters; c && c->name; c++)
			if (!c->gauge)
				rs->list[rs->n++] =
					(struct rate){ .room = a->slots[i].room, .counter = c };
	rs->at_mono_ns = clock_mono_ns();
	a->rates = rs;
	return 0;
}

void rates_free(struct app *a)
{
	free(a->rates);
	a->rates = NULL;
}

void rates_look(struct app *a)
{
	struct rates *rs = a->rates;
	int64_t now_mono_ns = clock_mono_ns(), took_ns = now_mono_ns - rs->at_mono_ns;
	if (took_ns < WINDOW_NS)
		return;
	for (size_t i = 0; i < rs->n; i++) {
		struct rate *r = &rs->list[i];
		uint64_t value = value_of(r->counter);
		double per_s = (double)(value - r->last) / ((double)took_ns / (double)NS_PER_S);
		atomic_store(&r->per_1000_s, (uint64_t)(per_s * 1000));
		r->last = value;
	}
	rs->at_mono_ns = now_mono_ns;
}

/* "capture_packets_total" -> "capture_packets"; labels stay. */
void rates_status(struct app *a, const struct room *room, struct json *j)
{
	json_key(j, "per_second");
	json_obj(j);
	for (size_t i = 0; i < a->rates->n; i++) {
		const struct rate *r = &a->rates->list[i];
		const char *name = r->counter->name, *total = strstr(name, "_total");
		if (!total || r->room != room)
			continue;
		char shown[128];
		(void)snprintf(shown, sizeof(shown), "%.*s%s", (int)(total - name), name,
			       total + strlen("_total"));
		json_key(j, shown);
		json_f64(j, (double)atomic_load(&r->per_1000_s) / 1000);
	}
	json_end_obj(j);
}
