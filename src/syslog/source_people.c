/* Sources as people see and change them, and their silences. Any thread, under the lock. */
#include <stdio.h>
#include <stdlib.h>

#include "source_inside.h"
#include "tomsd/base/clock.h"

#define TICK_RATE_NS (10 * NS_PER_S)
#define SILENT_ROW_NS (3600 * NS_PER_S) /* a gap that goes on has a row so often */

int sources_list(struct sources *ss, struct source **out, size_t *n)
{
	size_t k = 0;
	struct source *list = calloc(SOURCES_MAX, sizeof(*list));
	if (!list)
		return -ERR_NOMEM;
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		if (ss->all[i].id) {
			list[k] = ss->all[i];
			list[k++].is_impostor = source_is_impostor(ss, &ss->all[i]);
		}
	mutex_unlock(&ss->m);
	*out = list;
	*n = k;
	return 0;
}

static struct source *by_id(struct sources *ss, uint32_t id) REQUIRES(&ss->m)
{
	for (size_t i = 0; i < SOURCES_MAX; i++)
		if (ss->all[i].id == id)
			return id ? &ss->all[i] : NULL;
	return NULL;
}

bool sources_get(struct sources *ss, uint32_t id, struct source *out)
{
	mutex_lock(&ss->m);
	const struct source *s = by_id(ss, id);
	if (s) {
		*out = *s;
		out->is_impostor = source_is_impostor(ss, s);
	}
	mutex_unlock(&ss->m);
	return s != NULL;
}

static int64_t allowed_ns(int64_t fixed_ns, const struct source *s)
{
	return fixed_ns > 0 ? fixed_ns : habit_ns(&s->habit);
}

int64_t source_habit_ns(const struct sources *ss, const struct source *s)
{
	return allowed_ns(ss->silence_ns, s);
}

int64_t source_skew_ns(const struct source *s)
{
	return s->skew.n > 0 ? skew_ns(&s->skew) : s->stored_skew_ns;
}

void source_title(const struct source *s, char *out, size_t cap)
{
	char address[ADDR_TEXT_MAX];
	addr_text(&s->address, address);
	const char *best = s->name[0]   ? s->name :
			   s->host[0]   ? s->host :
			   s->serial[0] ? s->serial :
					  address;
	(void)str_copy(out, cap, str_of(best));
}

const struct zone *source_zone(struct sources *ss, const char *name, struct err *e)
{
	if (!name[0])
		return NULL;
	for (size_t i = 0; i < ss->n_zones; i++)
		if (strcmp(ss->zones[i].name, name) == 0)
			return ss->zones[i].z;
	if (ss->n_zones == SOURCE_ZONES_MAX) {
		(void)err_set(e, ERR_FULL, "there are %d time zones in use already",
			      SOURCE_ZONES_MAX);
		return NULL;
	}
	if (zone_load(&ss->zones[ss->n_zones].z, str_of(name), e) != 0)
		return NULL;
	(void)str_copy(ss->zones[ss->n_zones].name, sizeof(ss->zones[0].name), str_of(name));
	return ss->zones[ss->n_zones++].z;
}

static int change(struct sources *ss, struct source *s, const struct source_change *c,
		  struct err *e) REQUIRES(&ss->m)
{
	const struct zone *z = c->has_zone ? source_zone(ss, c->zone, e) : s->z;
	if (c->has_zone && c->zone[0] && !z)
		return -e->code;
	size_t known = ss->n[SOURCE_ACCEPTED] + ss->n[SOURCE_REFUSED];
	if (c->has_state && s->state == SOURCE_NEW && c->state != SOURCE_NEW &&
	    known >= SOURCES_KNOWN_MAX)
		return err_set(e, ERR_FULL, "%d sources are registered already",
			       SOURCES_KNOWN_MAX);
	if (c->has_state)
		s->state = (uint8_t)c->state;
	if (c->has_name)
		memcpy(s->name, c->name, sizeof(s->name));
	if (c->has_note)
		memcpy(s->note, c->note, sizeof(s->note));
	if (c->has_zone) {
		memcpy(s->zone, c->zone, sizeof(s->zone));
		s->z = z;
	}
	s->is_dirty = true;
	source_accepted_again(ss);
	return 0;
}

int sources_change(struct sources *ss, uint32_t id, const struct source_change *c,
		   struct err *e)
{
	mutex_lock(&ss->m);
	struct source *s = by_id(ss, id);
	int rc = s ? change(ss, s, c, e) : -ERR_NOTFOUND;
	mutex_unlock(&ss->m);
	return rc;
}

int sources_forget(struct sources *ss, uint32_t id)
{
	mutex_lock(&ss->m);
	struct source *s = by_id(ss, id);
	int rc = !s ? -ERR_NOTFOUND : ss->n_gone == GONE_MAX ? -ERR_BUSY : 0;
	if (rc == 0) {
		if (ss->last == s)
			ss->last = NULL;
		(void)map_del(&ss->by_key, source_key(ss, s->serial, &s->address));
		ss->gone[ss->n_gone++] = s->id;
		*s = (struct source){ 0 };
		source_accepted_again(ss);
	}
	mutex_unlock(&ss->m);
	return rc;
}

void sources_sums(struct sources *ss, struct sources_sums *out)
{
	mutex_lock(&ss->m);
	*out = (struct sources_sums){ .senders = ss->budget.by_address.n,
				      .budget = ss->budget };
	memcpy(out->n, ss->n, sizeof(out->n));
	for (size_t i = 0; i < SOURCES_MAX; i++)
		out->silent += ss->all[i].id && ss->all[i].is_silent;
	mutex_unlock(&ss->m);
}

static void rates(struct sources *ss, int64_t mono_ns) REQUIRES(&ss->m)
{
	if (mono_ns - ss->tick_mono_ns < TICK_RATE_NS)
		return;
	double minutes = (double)(mono_ns - ss->tick_mono_ns) / (60.0 * (double)NS_PER_S);
	bool is_first = ss->tick_mono_ns == 0;
	ss->tick_mono_ns = mono_ns;
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *s = &ss->all[i];
		if (!s->id)
			continue;
		double now = is_first ? 0 : (double)(s->lines - s->rate_lines) / minutes;
		s->lines_per_minute =
			s->lines_per_minute > 0 ? s->lines_per_minute * 2 / 3 + now / 3 : now;
		if (s->lines_per_minute < 0.05)
			s->lines_per_minute = 0;
		s->rate_lines = s->lines;
	}
}

/* Wall time of a moment of the monotonic clock: jumps of the wall clock make no silence longer. */
static int64_t wall(int64_t now_ns, int64_t mono_ns, int64_t then_mono_ns)
{
	return now_ns - (mono_ns - then_mono_ns);
}

/* A row of the silence as it is now; false: nothing to tell. */
static bool silence_look(struct source *s, int64_t allowed, int64_t now_ns, int64_t mono_ns,
			 int64_t row_ns, struct gap *g)
{
	int64_t quiet_ns = mono_ns - s->last_mono_ns;
	bool is_silent = s->state == SOURCE_ACCEPTED && quiet_ns > allowed;
	if (!is_silent && !s->is_silent)
		return false;
	if (is_silent && s->is_silent && mono_ns - s->silent_told_mono_ns < row_ns)
		return false;
	if (is_silent && !s->is_silent) {
		/* Since a start the row counts from there; people are told of the last line. */
		s->silent_told_ns = wall(now_ns, mono_ns, s->last_mono_ns);
		s->silent_from_ns = s->last_ns > 0 && s->last_ns < s->silent_told_ns ?
					    s->last_ns :
					    s->silent_told_ns;
	}
	*g = (struct gap){ .start_ns = s->silent_told_ns,
			   .end_ns = is_silent ? now_ns :
						 wall(now_ns, mono_ns, s->last_mono_ns),
			   .source = s->id,
			   .kind = GAP_SILENT,
			   .ongoing = is_silent };
	source_title(s, g->name, sizeof(g->name));
	s->is_silent = is_silent;
	s->silent_told_ns = g->end_ns;
	s->silent_told_mono_ns = mono_ns;
	return g->end_ns > g->start_ns;
}

static void silences(struct sources *ss, int64_t now_ns, int64_t mono_ns, int64_t row_ns,
		     void (*tell)(void *arg, const struct gap *g), void *arg)
{
	struct gap g;
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		mutex_lock(&ss->m);
		struct source *s = &ss->all[i];
		bool any = s->id && silence_look(s, allowed_ns(ss->silence_ns, s), now_ns,
						 mono_ns, row_ns, &g);
		mutex_unlock(&ss->m);
		if (any)
			tell(arg, &g);
	}
}

void sources_tick(struct sources *ss, int64_t now_ns, int64_t mono_ns,
		  void (*tell)(void *arg, const struct gap *g), void *arg)
{
	mutex_lock(&ss->m);
	rates(ss, mono_ns);
	mutex_unlock(&ss->m);
	silences(ss, now_ns, mono_ns, SILENT_ROW_NS, tell, arg);
}

void sources_last_tick(struct sources *ss, int64_t now_ns, int64_t mono_ns,
		       void (*tell)(void *arg, const struct gap *g), void *arg)
{
	silences(ss, now_ns, mono_ns, 0, tell, arg);
}

size_t sources_silent(struct sources *ss, char *name, size_t cap, int64_t *since_ns)
{
	size_t n = 0;
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		const struct source *s = &ss->all[i];
		if (!s->id || !s->is_silent)
			continue;
		if (n++ == 0) {
			source_title(s, name, cap);
			*since_ns = s->silent_from_ns;
		}
	}
	mutex_unlock(&ss->m);
	return n;
}

void sources_local_time(struct sources *ss, int64_t ns, char out[CLOCK_RFC3339_MAX])
{
	mutex_lock(&ss->m);
	int32_t offset_s = zone_at(ss->house, ns);
	mutex_unlock(&ss->m);
	clock_rfc3339_at(ns / NS_PER_S * NS_PER_S, offset_s / 60, out);
	out[10] = ' ';
	out[16] = '\0';
}
