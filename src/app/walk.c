/* The walk through the rooms: down it for init and start, up for stop and fini, from wherever the
 * way down had come to. There is no second order. Main thread. */
#include "house.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

static void phase_set(struct room_slot *s, enum phase p)
{
	atomic_store(&s->phase, p);
}

static int init_all(struct app *a, struct err *e)
{
	for (size_t i = 0; i < a->n_slots; i++) {
		const struct room *r = a->slots[i].room;
		if (signals_want_end(a))
			return err_set(e, ERR_CLOSED, "asked to end while starting");
		guard_says("initializing", r->name);
		if (r->init && r->init(a, e))
			return err_wrap(e, "%s", r->name);
		phase_set(&a->slots[i], PHASE_INIT);
	}
	return 0;
}

static int start_all(struct app *a, struct err *e)
{
	for (size_t i = 0; i < a->n_slots; i++) {
		const struct room *r = a->slots[i].room;
		if (signals_want_end(a))
			return err_set(e, ERR_CLOSED, "asked to end while starting");
		guard_says("starting", r->name);
		if (r->start && r->start(a, e))
			return err_wrap(e, "%s", r->name);
		phase_set(&a->slots[i], PHASE_RUNNING);
	}
	return jobs_start(a, e);
}

int walk_down(struct app *a, struct err *e)
{
	int rc = init_all(a, e);
	if (rc)
		return rc;
	privileges_drop(a);
	return start_all(a, e);
}

static void stop_one(struct app *a, struct room_slot *s)
{
	if (atomic_load(&s->phase) != PHASE_RUNNING)
		return;
	int64_t began = clock_mono_ns();
	guard_says("stopping", s->room->name);
	phase_set(s, PHASE_STOPPING);
	if (s->room->stop)
		s->room->stop(a);
	phase_set(s, PHASE_STOPPED);
	int64_t took_ms = (clock_mono_ns() - began) / NS_PER_MS;
	if (took_ms >= 1000)
		log_info("app", "room took its time to stop room=%s ms=%lld", s->room->name,
			 (long long)took_ms);
}

static void fini_one(struct app *a, struct room_slot *s)
{
	if (atomic_load(&s->phase) == PHASE_WAITING)
		return;
	guard_says("tidying up", s->room->name);
	if (s->room->fini)
		s->room->fini(a);
	phase_set(s, PHASE_WAITING);
}

void walk_up(struct app *a)
{
	jobs_stop(a);
	for (size_t i = a->n_slots; i-- > 0;)
		stop_one(a, &a->slots[i]);
	for (size_t i = a->n_slots; i-- > 0;)
		fini_one(a, &a->slots[i]);
}
