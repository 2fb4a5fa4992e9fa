/* See watch.h. It may wait for the store and open files; the threads that read never do. */
#include "watch.h"

#include <stdio.h>

#include "tls.h"
#include "tomsd/api.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define TICK_MS 1000
#define SAVE_NS (10 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)
#define DOWN_LEAST_NS (2 * NS_PER_S) /* over TCP a shorter stop is none: senders try again */
#define CERTIFICATE_NEAR_NS (14 * 86400 * NS_PER_S)

struct round {
	struct syslog *s;
	int64_t saved_mono_ns, minute_mono_ns, minute_ns;
	uint64_t dropped[INLETS_MAX], over; /* as of the minute's start */
	char said[256];
};

static void put_gap(void *arg, const struct gap *g)
{
	const struct round *r = arg;
	if (store_put(r->s->store, &gap_record, g) != 0)
		log_warning("syslog", "a gap could not be written name=%s", LOGQ(g->name));
	if (g->kind != GAP_SILENT)
		return;
	log_warning("syslog", "%s name=%s",
		    g->ongoing ? "source is silent" : "source sends again", LOGQ(g->name));
}

/* Lines lost since the minute began, a row for each inlet and one for the limit. */
static void minute_end(struct round *r, int64_t now_ns, int64_t mono_ns)
{
	struct gap g = { .start_ns = r->minute_ns,
			 .end_ns = r->minute_ns + (mono_ns - r->minute_mono_ns) };
	bool any = false;
	for (size_t i = 0; i < r->s->inlets.n; i++) {
		struct inlet *in = &r->s->inlets.all[i];
		uint64_t now = atomic_load(&in->dropped);
		g.lost = now - r->dropped[i];
		g.kind = GAP_SOCKET;
		r->dropped[i] = now;
		if (g.lost == 0)
			continue;
		any = true;
		(void)snprintf(g.name, sizeof(g.name), "%s %.50s", inlet_names[in->transport],
			       in->text);
		put_gap(r, &g);
	}
	if (any)
		sources_udp_loss(r->s->sources, now_ns);
	uint64_t over = atomic_load(&syslog_counts.limit_drops);
	g.lost = over - r->over;
	g.kind = GAP_LIMIT;
	r->over = over;
	(void)str_copy(g.name, sizeof(g.name), STR("senders not accepted"));
	if (g.lost > 0)
		put_gap(r, &g);
	r->minute_ns = now_ns;
	r->minute_mono_ns = mono_ns;
}

static void certificate_look(struct round *r)
{
	struct err e = ERR_INIT;
	struct syslog *s = r->s;
	if (!s->tls)
		return;
	int rc = syslog_tls_refresh(s->tls, NULL, &e);
	mutex_lock(&s->m);
	(void)str_copy(s->tls_trouble, sizeof(s->tls_trouble), str_of(rc != 0 ? e.text : ""));
	mutex_unlock(&s->m);
	if (rc != 0)
		log_warning("syslog", "certificate stays as it was error=%s", LOGQ(e.text));
}

/* Health as it is now, told where it has changed. */
static void health(struct round *r)
{
	char words[256];
	struct buf b;
	buf_init(&b, 4096);
	watch_explain(r->s, "en", &b);
	(void)str_copy(words, sizeof(words), buf_view(&b));
	buf_fini(&b);
	if (strcmp(words, r->said) == 0)
		return;
	memcpy(r->said, words, sizeof(words));
	app_room_health(r->s->app, &syslog_room, !words[0], "%s", words);
}

static void save(struct round *r, int64_t now_ns, int64_t mono_ns)
{
	struct err e = ERR_INIT;
	r->saved_mono_ns = mono_ns;
	if (sources_save(r->s->sources, r->s->store, now_ns, &e) != 0)
		log_warning("syslog", "sources could not be written: %s", e.text);
}

static void tick(struct round *r)
{
	int64_t now_ns = clock_now_ns(), mono_ns = clock_mono_ns();
	sources_tick(r->s->sources, now_ns, mono_ns, put_gap, r);
	if (mono_ns - r->minute_mono_ns >= MINUTE_NS) {
		minute_end(r, now_ns, mono_ns);
		certificate_look(r);
	}
	if (mono_ns - r->saved_mono_ns >= SAVE_NS)
		save(r, now_ns, mono_ns);
	health(r);
}

static void watch_main(void *arg)
{
	struct syslog *s = arg;
	struct round r = { .s = s,
			   .minute_ns = clock_now_ns(),
			   .minute_mono_ns = clock_mono_ns() };
	r.saved_mono_ns = r.minute_mono_ns;
	r.over = atomic_load(&syslog_counts.limit_drops);
	mutex_lock(&s->m);
	while (!s->closing) {
		mutex_unlock(&s->m);
		thread_beat();
		tick(&r);
		mutex_lock(&s->m);
		if (!s->closing)
			(void)cond_wait(&s->wake, &s->m,
					TICK_MS); /* woken or over: both are the next round */
	}
	mutex_unlock(&s->m);
	minute_end(&r, clock_now_ns(), clock_mono_ns());
	sources_last_tick(s->sources, clock_now_ns(), clock_mono_ns(), put_gap, &r);
	save(&r, clock_now_ns(), clock_mono_ns());
}

/* The time in which nobody was there to receive. */
static void tell_down(struct syslog *s)
{
	struct gap g = { .start_ns = sources_alive_ns(s->sources),
			 .end_ns = clock_now_ns(),
			 .kind = GAP_DOWN,
			 .name = "tomsd" };
	int64_t least_ns = s->udp ? 1 : DOWN_LEAST_NS; /* datagrams are gone at once */
	if (g.start_ns > 0 && g.end_ns - g.start_ns >= least_ns &&
	    store_put(s->store, &gap_record, &g) != 0)
		log_warning("syslog", "the gap before this start could not be written");
}

int watch_begin(struct syslog *s, struct err *e)
{
	tell_down(s);
	return thread_start(&s->watch, "syslog/watch", watch_main, s, e);
}

void watch_end(struct syslog *s)
{
	mutex_lock(&s->m);
	s->closing = true;
	pthread_cond_broadcast(&s->wake);
	mutex_unlock(&s->m);
	thread_join(&s->watch);
}

static void sentence(struct buf *out, const char *lang, const char *key, const char *one,
		     const char *two)
{
	char words[512];
	buf_fmt(out, "%s%s", out->n ? " " : "",
		api_text(words, sizeof(words), lang, key, one, two));
}

void watch_explain(struct syslog *s, const char *lang, struct buf *out)
{
	char name[64], since[CLOCK_RFC3339_MAX], trouble[256], number[24], print[96];
	int64_t since_ns = 0, not_after_ns = 0;
	size_t n = sources_silent(s->sources, name, sizeof(name), &since_ns);
	if (n > 0) {
		sources_local_time(s->sources, since_ns, since);
		sentence(out, lang, "syslog.silent", name, since);
	}
	if (n > 1) {
		(void)snprintf(number, sizeof(number), "%zu", n - 1);
		sentence(out, lang, "syslog.silent_more", number, "");
	}
	mutex_lock(&s->m);
	(void)str_copy(trouble, sizeof(trouble), str_of(s->tls_trouble));
	mutex_unlock(&s->m);
	if (trouble[0])
		sentence(out, lang, "syslog.certificate", trouble, "");
	if (s->tls)
		syslog_tls_facts(s->tls, print, &not_after_ns);
	if (!trouble[0] && not_after_ns > 0 &&
	    not_after_ns < clock_now_ns() + CERTIFICATE_NEAR_NS) {
		sources_local_time(s->sources, not_after_ns, since);
		sentence(out, lang, "syslog.certificate_ends", since, "");
	}
}
