/* What is looked after: one line a check, each with a state, a reason and a next step. Unknown is not
 * ok: a source that says nothing is counted apart. Never blocks; any thread. */
#include <stdio.h>

#include "gaps.h"
#include "room.h"
#include "tomsd/base/clock.h"

#define SILENT_NS (60 * NS_PER_S)
#define STARTING_NS SILENT_NS /* before that, silence says nothing */
#define LOSS_MINUTES 15
#define LOSS_LIMIT 0.001 /* a thousandth: more and counts mislead */
#define DISK_FREE_MIN (UINT64_C(2) << 30)

const char *const check_state_names[] = { "ok", "problem", "unknown", NULL };

static void set(struct check *c, enum check_state state, const char *code)
{
	c->state = state;
	c->code = code;
}

static void put_size(char *out, size_t cap, uint64_t bytes)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB" };
	double v = (double)bytes;
	size_t u = 0;
	for (; v >= 1000 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1000;
	(void)snprintf(out, cap, v < 10 && u > 0 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static void put_bits(char *out, size_t cap, double bits)
{
	if (bits >= 1e9)
		(void)snprintf(out, cap, "%.2f Gbps", bits / 1e9);
	else if (bits >= 1e6)
		(void)snprintf(out, cap, "%.1f Mbps", bits / 1e6);
	else
		(void)snprintf(out, cap, "%.0f kbps", bits / 1e3);
}

/* What the room itself says; false when it is well. */
static bool room_is_ill(struct api *api, const char *name, struct check *c)
{
	for (const struct room *const *room = app_rooms(api->app); *room; room++) {
		if (strcmp((*room)->name, name) != 0)
			continue;
		if (app_room_is_healthy(api->app, *room, c->one, sizeof(c->one), &c->since_ns))
			return false;
		set(c, CHECK_PROBLEM, "room");
		return true;
	}
	return false;
}

static bool has_room(struct api *api, const char *name)
{
	for (const struct room *const *room = app_rooms(api->app); *room; room++)
		if (strcmp((*room)->name, name) == 0)
			return true;
	return false;
}

static void check_capture(struct api *api, struct check *c)
{
	if (room_is_ill(api, "capture", c))
		return;
	mutex_lock(&api->m);
	struct rate r = api->rate;
	int64_t last = api->last_packet_ns;
	mutex_unlock(&api->m);
	int64_t now = clock_now_ns(),
		silent = now - (last > 0 ? last : app_started_ns(api->app));
	c->since_ns = 0;
	if (last > 0 && silent < SILENT_NS) {
		put_bits(c->one, sizeof(c->one), r.bits_per_s);
		(void)snprintf(c->two, sizeof(c->two), "%.0f", r.packets_per_s);
		set(c, CHECK_OK, "capture");
	} else if (last == 0 && silent < STARTING_NS) {
		set(c, CHECK_UNKNOWN, "starting");
	} else {
		(void)snprintf(c->one, sizeof(c->one), "%lld",
			       (long long)(silent / (60 * NS_PER_S)));
		set(c, CHECK_UNKNOWN, "no_packets");
	}
}

static void check_losses(struct api *api, struct check *c)
{
	struct losses l;
	watched_losses(api->watched, clock_now_ns(), LOSS_MINUTES, &l);
	if (l.minutes_watched == 0) {
		set(c, CHECK_UNKNOWN, "losses_unknown");
		return;
	}
	double ratio = losses_ratio(&l);
	(void)snprintf(c->one, sizeof(c->one), "%.2f", ratio * 100);
	(void)snprintf(c->two, sizeof(c->two), "%llu",
		       (unsigned long long)(l.kernel_drops + l.nic_drops + l.own_drops));
	set(c, ratio > LOSS_LIMIT ? CHECK_PROBLEM : CHECK_OK,
	    ratio > LOSS_LIMIT ? "losses" : "no_losses");
}

static void check_store(struct api *api, struct check *c)
{
	struct store_stats st;
	if (room_is_ill(api, "store", c))
		return;
	if (!app_store(api->app)) {
		set(c, CHECK_UNKNOWN, "store_unknown");
		return;
	}
	store_stats(app_store(api->app), &st);
	c->since_ns = 0;
	if (st.failing) {
		(void)snprintf(c->one, sizeof(c->one), "%s", st.last_error);
		set(c, CHECK_PROBLEM, "store");
		return;
	}
	put_size(c->one, sizeof(c->one), st.database_bytes);
	(void)snprintf(c->two, sizeof(c->two), "%llu", (unsigned long long)st.days);
	set(c, CHECK_OK, "store_ok");
}

static void check_disk(struct api *api, struct check *c)
{
	struct store_stats st = { 0 };
	if (app_store(api->app))
		store_stats(app_store(api->app), &st);
	if (st.disk_free_bytes == 0) {
		set(c, CHECK_UNKNOWN, "disk_unknown");
		return;
	}
	put_size(c->one, sizeof(c->one), st.disk_free_bytes);
	bool low = st.disk_free_bytes < DISK_FREE_MIN;
	set(c, low ? CHECK_PROBLEM : CHECK_OK, low ? "disk" : "disk_ok");
}

/* What is silent or missing the room knows; here, whether lines come at all. */
static void check_logs(struct api *api, struct check *c)
{
	uint64_t lines = 0;
	if (room_is_ill(api, "syslog", c))
		return;
	c->since_ns = 0;
	mutex_lock(&api->m);
	double rate = api->lines_per_s;
	mutex_unlock(&api->m);
	if (!api->hears_logs) {
		set(c, CHECK_OK, "room_ok");
	} else if (counter_read(api->app, "syslog_lines_total", &lines) && lines > 0) {
		(void)snprintf(c->one, sizeof(c->one), rate < 9.95 ? "%.1f" : "%.0f",
			       rate > 0 ? rate : 0.0);
		(void)snprintf(c->two, sizeof(c->two), "%llu", (unsigned long long)lines);
		set(c, CHECK_OK, "logs");
	} else {
		bool starts = clock_now_ns() - app_started_ns(api->app) < STARTING_NS;
		set(c, CHECK_UNKNOWN, starts ? "starting" : "no_logs");
	}
}

/* Rooms without a check of their own: what they say of themselves. */
static size_t check_others(struct api *api, struct check *out, size_t n)
{
	static const char *const done[] = { "capture", "store", "api", "syslog" };
	for (const struct room *const *room = app_rooms(api->app); *room && n < CHECKS_MAX;
	     room++) {
		bool is_done = false;
		for (size_t i = 0; i < ARRAY_LEN(done); i++)
			is_done = is_done || strcmp(done[i], (*room)->name) == 0;
		if (is_done)
			continue;
		struct check *c = &out[n];
		*c = (struct check){ 0 };
		(void)str_copy(c->id, sizeof(c->id), str_of((*room)->name));
		(void)str_copy(c->room, sizeof(c->room), str_of((*room)->name));
		if (!room_is_ill(api, (*room)->name, c))
			set(c, CHECK_OK, "room_ok");
		n++;
	}
	return n;
}

size_t checks_make(struct api *api, struct check *out)
{
	static const struct {
		const char *id, *room;
		void (*look)(struct api *, struct check *);
	} table[] = {
		{ "capture", "capture", check_capture }, { "losses", "capture", check_losses },
		{ "store", "store", check_store },       { "disk", "store", check_disk },
		{ "syslog", "syslog", check_logs },
	};
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!has_room(api, table[i].room))
			continue;
		struct check *c = &out[n++];
		*c = (struct check){ 0 };
		(void)str_copy(c->id, sizeof(c->id), str_of(table[i].id));
		(void)str_copy(c->room, sizeof(c->room), str_of(table[i].room));
		table[i].look(api, c);
	}
	return check_others(api, out, n);
}
