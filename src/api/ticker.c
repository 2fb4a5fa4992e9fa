/* Once a second: reads the rooms' counters, works out the rate, looks at the checks and tells open
 * pages what has changed. Rows are told by what the store says it has committed, so never before. */
#include <stdatomic.h>
#include <stdio.h>

#include "gaps.h"
#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define TICK_MS 1000
#define SAMPLES 6 /* the rate is taken over five seconds */
#define FOLLOW_EVERY_S 20

struct sample {
	int64_t mono_ns;
	uint64_t packets, bytes, flows, lines;
};

/* Rows that pages show as they come: the counter of what was handed to the store, and the event. */
static const struct told {
	const char *counter, *topic;
} tolds[] = { { "flow_rows_total", "flows" }, { "syslog_lines_total", "logs" } };

struct ticker {
	struct sample samples[SAMPLES];
	size_t n; /* samples ever */
	uint64_t packets_before;
	struct {
		uint64_t before, said; /* handed to the store a tick ago; told to pages */
		uint64_t stored;       /* all rows of the store when that was told */
	} rows[ARRAY_LEN(tolds)];
	int64_t followed_mono_ns;
	bool counts_packets;
};

bool counter_read(struct app *a, const char *name, uint64_t *value)
{
	bool found = false;
	*value = 0;
	for (const struct room *const *room = app_rooms(a); *room; room++)
		for (const struct counter *c = (*room)->counters; c && c->name; c++)
			if (strcmp(c->name, name) == 0) {
				*value += atomic_load_explicit(c->value, memory_order_relaxed);
				found = true;
			}
	return found;
}

void rate_json(struct json *j, const struct rate *r)
{
	if (!r->known) {
		json_null(j);
		return;
	}
	json_obj(j);
	json_kv_time(j, "at", r->at_ns);
	json_kv_u64(j, "over_s", (uint64_t)(r->over_s + 0.5));
	json_kv_u64(j, "bits_per_s", (uint64_t)(r->bits_per_s + 0.5));
	json_kv_u64(j, "packets_per_s", (uint64_t)(r->packets_per_s + 0.5));
	json_kv_u64(j, "flows_per_s", (uint64_t)(r->flows_per_s + 0.5));
	json_end_obj(j);
}

static void tell_rate(struct app *a, const struct rate *r)
{
	char text[224];
	struct buf b;
	struct json j;
	buf_init(&b, sizeof(text));
	json_init(&j, &b);
	rate_json(&j, r);
	if (!buf_failed(&b) && str_copy(text, sizeof(text), buf_view(&b)))
		api_event(a, "rate", text);
	buf_fini(&b);
}

/* Lines of logs, on an appliance that may not capture at all. */
static void take_lines(struct api *api, struct ticker *t, struct sample *s)
{
	const struct sample *old = &t->samples[t->n > SAMPLES ? t->n % SAMPLES : 0];
	double over_s = (double)(s->mono_ns - old->mono_ns) / 1e9;
	if (!counter_read(api->app, "syslog_lines_total", &s->lines) || t->n < 2 ||
	    over_s < 0.5)
		return;
	mutex_lock(&api->m);
	api->lines_per_s = (double)(s->lines - old->lines) / over_s;
	mutex_unlock(&api->m);
}

static void take_rate(struct api *api, struct ticker *t)
{
	struct sample *s = &t->samples[t->n++ % SAMPLES];
	struct rate r = { 0 };
	s->mono_ns = clock_mono_ns();
	t->counts_packets = counter_read(api->app, "capture_packets_total", &s->packets);
	(void)counter_read(api->app, "capture_bytes_total", &s->bytes);
	(void)counter_read(api->app, "flow_rows_total", &s->flows);
	take_lines(api, t, s);
	if (t->n < 2 || !t->counts_packets)
		return;
	const struct sample *old = &t->samples[t->n > SAMPLES ? t->n % SAMPLES : 0];
	r.over_s = (double)(s->mono_ns - old->mono_ns) / 1e9;
	if (r.over_s < 0.5)
		return;
	r.known = true;
	r.at_ns = clock_now_ns();
	r.bits_per_s = 8.0 * (double)(s->bytes - old->bytes) / r.over_s;
	r.packets_per_s = (double)(s->packets - old->packets) / r.over_s;
	r.flows_per_s = (double)(s->flows - old->flows) / r.over_s;
	mutex_lock(&api->m);
	api->rate = r;
	if (s->packets != t->packets_before)
		api->last_packet_ns = r.at_ns;
	mutex_unlock(&api->m);
	t->packets_before = s->packets;
	tell_rate(api->app, &r);
}

static void tell_rows(struct api *api, struct ticker *t)
{
	struct store_stats st;
	char text[64];
	if (!app_store(api->app))
		return;
	store_stats(app_store(api->app), &st);
	for (size_t i = 0; i < ARRAY_LEN(tolds); i++) {
		/* What was handed over a tick ago is committed once the store has gone on; other rows are no news here. */
		uint64_t ready = t->rows[i].before;
		(void)counter_read(api->app, tolds[i].counter, &t->rows[i].before);
		if (st.rows_total == t->rows[i].stored || ready <= t->rows[i].said)
			continue;
		(void)snprintf(text, sizeof(text), "{\"rows\":%llu}",
			       (unsigned long long)(ready - t->rows[i].said));
		api_event(api->app, tolds[i].topic, text);
		t->rows[i].said = ready;
		t->rows[i].stored = st.rows_total;
	}
}

static void tell_check(struct app *a, const struct check *c)
{
	char text[128];
	struct buf b;
	buf_init(&b, sizeof(text));
	buf_fmt(&b, "{\"check\":\"%s\",\"state\":\"%s\"}", c->id, check_state_names[c->state]);
	if (str_copy(text, sizeof(text), buf_view(&b)))
		api_event(a, "status", text);
	buf_fini(&b);
}

/* New readings of all checks; what keeps its state keeps its time. */
static void take_checks(struct api *api)
{
	struct check now[CHECKS_MAX], changed[CHECKS_MAX];
	size_t n = checks_make(api, now), n_changed = 0;
	int64_t at = clock_now_ns();
	mutex_lock(&api->m);
	for (size_t i = 0; i < n; i++) {
		const struct check *before = NULL;
		for (size_t k = 0; k < api->n_checks; k++)
			if (strcmp(api->checks[k].id, now[i].id) == 0)
				before = &api->checks[k];
		bool is_same = before && before->state == now[i].state;
		if (is_same)
			now[i].since_ns = before->since_ns;
		else if (now[i].since_ns == 0)
			now[i].since_ns = at;
		if (before && !is_same)
			changed[n_changed++] = now[i];
	}
	memcpy(api->checks, now, n * sizeof(now[0]));
	api->n_checks = n;
	mutex_unlock(&api->m);
	for (size_t i = 0; i < n_changed; i++)
		tell_check(api->app, &changed[i]);
}

static void tick(struct api *api, struct ticker *t)
{
	struct err e = ERR_INIT;
	take_rate(api, t);
	tell_rows(api, t);
	if (clock_mono_ns() >= t->followed_mono_ns && app_store(api->app)) {
		t->followed_mono_ns = clock_mono_ns() + FOLLOW_EVERY_S * NS_PER_S;
		if (watched_follow(api->watched, app_store(api->app), &e) != 0)
			log_warning("api", "minutes of capture cannot be read error=%s",
				    LOGQ(e.text));
	}
	take_checks(api);
}

static void run(void *arg)
{
	struct api *api = arg;
	struct ticker t = { 0 };
	struct store_stats st;
	if (app_store(api->app)) {
		store_stats(app_store(api->app), &st);
		for (size_t i = 0; i < ARRAY_LEN(tolds); i++)
			t.rows[i].stored = st.rows_total;
	}
	mutex_lock(&api->m);
	while (!api->closing) {
		mutex_unlock(&api->m);
		thread_beat();
		tick(api, &t);
		mutex_lock(&api->m);
		if (!api->closing)
			(void)cond_wait(&api->wake, &api->m,
					TICK_MS); /* woken or over: both are the next round */
	}
	mutex_unlock(&api->m);
}

int ticker_start(struct api *api, struct err *e)
{
	return thread_start(&api->ticker, "api", run, api, e);
}

void ticker_stop(struct api *api)
{
	mutex_lock(&api->m);
	api->closing = true;
	pthread_cond_broadcast(&api->wake);
	mutex_unlock(&api->m);
	thread_join(&api->ticker);
}
