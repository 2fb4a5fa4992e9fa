/* The thread rescue: a backup every night at [rescue] at in the appliance's zone, and what is said about backups
 * on the overview. A night that was missed (the appliance was off, or it failed) is made up for: soon after
 * the start, and every hour until it is done. */
#include <stdio.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/s3.h"

#define LOOK_MS 60000
#define DAY_NS (86400 * NS_PER_S)
#define AFTER_START_NS (300 * NS_PER_S) /* a start has other things to do first */
#define RETRY_NS (3600 * NS_PER_S)
#define OLD_NS (50 * 3600 * NS_PER_S) /* two nights */
#define REHEARSE_NS (90 * DAY_NS)
#define UNSENT_MAX 7 /* local copies that wait for their places: more of them help nobody */

int64_t night_next(const struct zone *z, int64_t at_s, int64_t ns)
{
	int64_t local = ns + zone_at(z, ns) * NS_PER_S;
	int64_t midnight = local - ((local % DAY_NS) + DAY_NS) % DAY_NS;
	for (int day = 0;; day++) {
		int64_t then = midnight + day * DAY_NS + at_s * NS_PER_S;
		then -= zone_at_local(z, then) * NS_PER_S;
		if (then > ns)
			return then;
	}
}

static bool goes_on(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	struct rescue *r = arg;
	(void)phase;
	(void)done;
	(void)total;
	mutex_lock(&r->m);
	bool closing = r->closing;
	mutex_unlock(&r->m);
	return !closing && !app_is_stopping(r->app);
}

/* ---- What is said. ---- */

struct facts {
	struct key_row key;
	struct rehearsal_row rehearsal;
	int64_t last_ns, failed_ns, tried_ns;
	uint64_t last_bytes;
	size_t n_local, n_unsent;
	bool has_key, has_rehearsal;
	char failed[256];
	struct err e;
};

static int count_unsent(void *arg, const struct s3_kept *k)
{
	*(bool *)arg |= k->state != S3_PROVEN;
	return 0;
}

static int note_local(void *arg, struct sql *db, const struct backup_row *b)
{
	struct facts *f = arg;
	bool unsent = false;
	f->n_local++;
	if (s3_kept(db, b->key, count_unsent, &unsent, &f->e) == 0)
		f->n_unsent += unsent;
	return 0;
}

static int note_last(void *arg, struct sql *db, const struct backup_row *b)
{
	struct facts *f = arg;
	(void)db;
	f->last_ns = b->made_ns;
	f->last_bytes = b->bytes;
	return 0;
}

static int facts_read(struct rescue *r, struct facts *f)
{
	char unused[8];
	struct err *e = &f->e;
	int rc = key_row_read(r->store, &f->key, e);
	f->has_key = rc == 0;
	if (rc == 0 || rc == -ERR_NOTFOUND)
		rc = rehearsal_row_last(r->store, true, &f->rehearsal, e);
	f->has_rehearsal = rc == 0;
	if (rc == 0 || rc == -ERR_NOTFOUND)
		rc = backup_rows(r->store, false, 1, note_last, f, e);
	if (rc == 0)
		rc = backup_rows(r->store, true, UNSENT_MAX + 1, note_local, f, e);
	if (rc == 0)
		rc = state_row_read(r->store, "failed", &f->failed_ns, f->failed,
				    sizeof(f->failed), e);
	return rc == 0 ? state_row_read(r->store, "tried", &f->tried_ns, unused, sizeof(unused),
					e) :
			 rc;
}

/* "2026-11-22" in the appliance's zone. */
static void put_day(const struct rescue *r, int64_t ns, char out[256])
{
	int32_t day = clock_day(ns + zone_at(r->zone, ns) * NS_PER_S);
	(void)snprintf(out, 256, "%04d-%02d-%02d", day / 10000, day / 100 % 100, day % 100);
}

struct trouble {
	char list[8][2][256];
	size_t n;
};

static void add(struct trouble *t, const char *key, const char *one)
{
	(void)str_copy(t->list[t->n][0], 256, str_of(key));
	(void)str_copy(t->list[t->n++][1], 256, str_of(one));
}

static void judge(const struct rescue *r, const struct facts *f, struct trouble *t)
{
	char one[256];
	int64_t now = clock_now_ns();
	if (!f->has_key) {
		add(t, "rescue.no_phrase", "");
		return;
	}
	if (f->failed_ns > 0)
		add(t, "rescue.failed", f->failed);
	if (f->n_unsent >= UNSENT_MAX)
		add(t, "rescue.unsent", "");
	put_day(r, f->last_ns, one);
	if (f->last_ns < f->key.made_ns) { /* what this phrase opens */
		if (now - f->key.made_ns > RETRY_NS)
			add(t, "rescue.none", "");
		return;
	}
	if (now - f->last_ns > OLD_NS)
		add(t, "rescue.old", one);
	put_day(r, f->rehearsal.at_ns, one);
	if (!f->has_rehearsal)
		add(t, "rescue.never_rehearsed", "");
	else if (now - f->rehearsal.at_ns > REHEARSE_NS)
		add(t, "rescue.rehearsed_long_ago", one);
}

static void say(struct rescue *r, const struct trouble *t)
{
	char words[512];
	mutex_lock(&r->m);
	memcpy(r->trouble, t->list, sizeof(r->trouble));
	r->n_trouble = t->n;
	mutex_unlock(&r->m);
	if (t->n == 0)
		app_room_health(r->app, &rescue_room, true, "%s", "");
	else
		app_room_health(r->app, &rescue_room, false, "%s",
				api_text(words, sizeof(words), "en", t->list[0][0],
					 t->list[0][1], NULL));
}

/* ---- When. ---- */

/* The nightly one is due when the night after the last backup or try has come; a phrase without a backup
 * helps nobody, so its first is due at once. 0: none is. */
static int64_t due_ns(const struct rescue *r, const struct facts *f)
{
	int64_t now = clock_now_ns();
	int64_t last = f->last_ns > f->tried_ns ? f->last_ns : f->tried_ns;
	if (!f->has_key || f->n_unsent >= UNSENT_MAX)
		return 0;
	if (last > now) /* the clock went back */
		last = now - DAY_NS;
	bool is_undone = f->failed_ns > 0 || f->last_ns < f->key.made_ns;
	if (is_undone)
		return last > f->key.made_ns ? last + RETRY_NS : now;
	int64_t due = night_next(r->zone, atomic_load(&r->at_s), last),
		soonest = app_started_ns(r->app) + AFTER_START_NS;
	return due > soonest ? due : soonest;
}

static void look(struct rescue *r)
{
	struct facts f = { 0 };
	struct trouble t = { 0 };
	if (facts_read(r, &f) != 0) {
		log_warning("rescue", "the state of backups cannot be read error=%s",
			    LOGQ(f.e.text));
		return;
	}
	judge(r, &f, &t);
	say(r, &t);
	atomic_store(&r->has_phrase, f.has_key);
	atomic_store(&r->last_ns, f.last_ns);
	atomic_store(&r->last_bytes, f.last_bytes);
	atomic_store(&r->rehearsed_ns, f.has_rehearsal ? f.rehearsal.at_ns : 0);
	atomic_store(&r->next_ns, due_ns(r, &f));
}

static void make_one(struct rescue *r)
{
	struct watch w = { .tell = goes_on, .arg = r };
	struct backup_row b;
	struct err e = ERR_INIT;
	if (state_row_put(r->store, "tried", clock_now_ns(), "", &e) != 0) {
		log_warning("rescue", "no backup was begun error=%s", LOGQ(e.text));
		return;
	}
	int rc = backup_make(r, "", &w, &b, &e);
	(void)rc; /* what failed is a row and in the log */
	api_event(r->app, "rescue", "{}");
}

static void run(void *arg)
{
	struct rescue *r = arg;
	thread_step_back();
	backups_sweep(r);
	for (;;) {
		thread_beat();
		tickets_wipe(r, false);
		look(r);
		int64_t next = atomic_load(&r->next_ns);
		bool is_due = next > 0 && clock_now_ns() >= next;
		mutex_lock(&r->m);
		if (!r->closing && !r->look_again && (!is_due || r->busy))
			(void)cond_wait(&r->wake, &r->m, LOOK_MS);
		r->look_again = false;
		bool closing = r->closing, busy = r->busy;
		mutex_unlock(&r->m);
		if (closing)
			return;
		if (is_due && !busy)
			make_one(r);
		backups_prune(r);
	}
}

int night_start(struct rescue *r, struct err *e)
{
	return thread_start(&r->thread, "rescue", run, r, e);
}

void night_wake(struct rescue *r)
{
	mutex_lock(&r->m);
	r->look_again = true;
	pthread_cond_broadcast(&r->wake);
	mutex_unlock(&r->m);
}

void night_stop(struct rescue *r)
{
	mutex_lock(&r->m);
	r->closing = true;
	pthread_cond_broadcast(&r->wake);
	mutex_unlock(&r->m);
	thread_join(&r->thread);
}
