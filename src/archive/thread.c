/* The thread archive: cuts when the hour is over or somebody asks, seals what is cut, deletes what may go, has the
 * day's first manifest stamped, and reads files for those who may not open any.
 *
 * Sealing gives way: between two thousand rows it rests as long as it worked, so that capture keeps its cores, unless
 * somebody waits for it, the house starts, or half an hour was not enough. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"

#define TICK_MS 5000
#define RETRY_MIN_NS (10 * NS_PER_S)
#define RETRY_MAX_NS (300 * NS_PER_S)
#define PRUNE_EVERY_NS (600 * NS_PER_S)
#define PROOFS_EVERY_NS (60 * NS_PER_S) /* while objects wait for proofs: what people see should follow */
#define STAMP_EVERY_NS (60 * NS_PER_S)
#define HURRY_AFTER_NS (1800 * NS_PER_S)
#define REST_MAX_NS (200 * NS_PER_MS)
#define FILLING_DAYS 14

/* ---- Files for others. ---- */

static void read_wish(const struct archive *ar, struct archive_wish *w)
{
	char path[ARCHIVE_PATH_MAX];
	w->rc = archive_path(path, ar->folder, w->key) ? file_read(path, MANIFEST_BYTES_MAX, w->out, w->e) :
							 err_set(w->e, ERR_RANGE, "a name that is too long");
}

static void serve_wishes(struct archive *ar)
{
	mutex_lock(&ar->m);
	while (ar->wishes) {
		struct archive_wish *w = ar->wishes;
		ar->wishes = w->next;
		w->state = WISH_TAKEN;
		mutex_unlock(&ar->m);
		read_wish(ar, w);
		mutex_lock(&ar->m);
		w->state = WISH_DONE;
		pthread_cond_broadcast(&ar->done);
	}
	mutex_unlock(&ar->m);
}

static void take_back(struct archive *ar, const struct archive_wish *w) REQUIRES(&ar->m)
{
	struct archive_wish **at = &ar->wishes;
	while (*at && *at != w)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
}

int archive_file(struct archive *ar, const char *key, int64_t deadline_mono_ns, struct buf *out, struct err *e)
{
	struct archive_wish w = { .key = key, .out = out, .e = e, .state = WISH_WAITS };
	int rc = 0;
	mutex_lock(&ar->m);
	w.next = ar->wishes;
	ar->wishes = &w;
	pthread_cond_broadcast(&ar->wake);
	while (w.state != WISH_DONE) {
		int64_t left_ms = (deadline_mono_ns - clock_mono_ns()) / NS_PER_MS;
		/* what was taken is on its way, and the caller's memory in use */
		bool may_leave = w.state == WISH_WAITS && (ar->closing || left_ms <= 0);
		if (may_leave) {
			take_back(ar, &w);
			rc = ar->closing ? -ERR_CLOSED : -ERR_TIMEOUT;
			break;
		}
		(void)cond_wait(&ar->done, &ar->m, left_ms > 100 ? 100 : left_ms > 1 ? (int)left_ms : 1);
	}
	mutex_unlock(&ar->m);
	return rc ? rc : w.rc;
}

/* ---- What is told. ---- */

void archive_be_ill(struct archive *ar, enum archive_ill ill, const char *words)
{
	mutex_lock(&ar->m);
	bool is_worse = ill >= ar->ill;
	if (is_worse) {
		if (ill != ar->ill)
			ar->ill_since_ns = clock_now_ns();
		ar->ill = ill;
		(void)str_copy(ar->ill_words, sizeof(ar->ill_words), str_of(words));
	}
	mutex_unlock(&ar->m);
	if (is_worse)
		app_room_health(ar->app, &archive_room, false, "%s", words);
}

void archive_be_well(struct archive *ar, enum archive_ill ill)
{
	mutex_lock(&ar->m);
	bool was = ar->ill == ill;
	if (was)
		ar->ill = ARCHIVE_WELL;
	mutex_unlock(&ar->m);
	if (was)
		app_room_health(ar->app, &archive_room, true, "%s", "");
}

/* ---- Sealing. ---- */

static bool is_closing(struct archive *ar)
{
	mutex_lock(&ar->m);
	bool yes = ar->closing;
	mutex_unlock(&ar->m);
	return yes;
}

static bool somebody_waits(struct archive *ar)
{
	mutex_lock(&ar->m);
	bool yes = ar->asked > ar->answered;
	mutex_unlock(&ar->m);
	return yes;
}

/* As long as it worked; a rest in pieces is no more polite than one. */
static void rest(struct archive *ar)
{
	int64_t now = clock_mono_ns(), worked = now - ar->slice_mono_ns;
	if (worked < 2 * NS_PER_MS)
		return;
	if (now < ar->hurry_mono_ns && !somebody_waits(ar))
		clock_sleep_ms((worked < REST_MAX_NS ? worked : REST_MAX_NS) / NS_PER_MS);
	ar->slice_mono_ns = clock_mono_ns();
}

static bool breathe(void *arg, uint64_t rows)
{
	struct archive *ar = arg;
	thread_beat();
	counter_add(&ar->rows_done, rows);
	serve_wishes(ar);
	rest(ar);
	return !is_closing(ar);
}

static void note_sealed(struct archive *ar, const struct seal *s, int64_t took_ns)
{
	counter_add(&archive_counts.seals, 1);
	counter_add(&archive_counts.rows, s->rows);
	counter_add(&archive_counts.bytes, s->bytes);
	mutex_lock(&ar->m);
	ar->last = *s;
	mutex_unlock(&ar->m);
	archive_be_well(ar, ARCHIVE_NOT_SEALING);
	ar->retry_wait_ns = 0;
	ar->prune_mono_ns = ar->stamp_mono_ns = 0;
	log_info("archive", "sealed seq=%llu rows=%llu bytes=%llu ms=%lld", (unsigned long long)s->seq,
		 (unsigned long long)s->rows, (unsigned long long)s->bytes, (long long)(took_ns / NS_PER_MS));
	s3_wake(ar->app);
	api_event(ar->app, "archive", "{}");
}

static void note_failed(struct archive *ar, const struct err *e)
{
	counter_add(&archive_counts.failures, 1);
	ar->retry_wait_ns = ar->retry_wait_ns ? 2 * ar->retry_wait_ns : RETRY_MIN_NS;
	if (ar->retry_wait_ns > RETRY_MAX_NS)
		ar->retry_wait_ns = RETRY_MAX_NS;
	ar->retry_mono_ns = clock_mono_ns() + ar->retry_wait_ns;
	log_err("archive", "sealing failed, next try in %lld s: %s", (long long)(ar->retry_wait_ns / NS_PER_S),
		e->text);
	archive_be_ill(ar, ARCHIVE_NOT_SEALING, e->text);
}

/* Steps B and C of what is cut: 0 sealed, -ERR_NOTFOUND nothing waits. */
static int finish(struct archive *ar)
{
	struct err e = ERR_INIT;
	struct seal s;
	int64_t began = clock_mono_ns();
	ar->slice_mono_ns = began;
	ar->hurry_mono_ns = began + HURRY_AFTER_NS;
	atomic_store_explicit(&ar->rows_done, 0, memory_order_relaxed);
	int rc = seal_finish(&ar->sealer, &s, &e);
	if (rc == 0) {
		note_sealed(ar, &s, clock_mono_ns() - began);
		if (index_tidy(ar->store, &e))
			log_warning("archive", "the index was not tidied: %s", e.text);
	} else if (rc != -ERR_NOTFOUND && rc != -ERR_CLOSED) {
		note_failed(ar, &e);
	}
	return rc == 0 || rc == -ERR_NOTFOUND || rc == -ERR_CLOSED ? rc : -e.code;
}

static int cut(struct archive *ar, bool by_hand)
{
	struct err e = ERR_INIT;
	uint64_t seq = 0;
	s3_lock_asked(ar->app, &ar->sealer.lock, &ar->sealer.lock_keep_ns);
	int rc = cut_make(&ar->sealer, by_hand, &seq, &e);
	if (rc && rc != -ERR_BUSY)
		note_failed(ar, &e);
	return rc;
}

/* Who asked by hand hears how it ended. */
static void answer(struct archive *ar, uint64_t number, int rc)
{
	mutex_lock(&ar->m);
	ar->answered = number;
	ar->asked_rc = rc;
	ar->asked_seq = rc ? 0 : ar->last.seq;
	(void)str_copy(ar->asked_words, sizeof(ar->asked_words), rc ? str_of(ar->ill_words) : STR(""));
	pthread_cond_broadcast(&ar->done);
	mutex_unlock(&ar->m);
}

static bool is_due(struct archive *ar)
{
	mutex_lock(&ar->m);
	struct seal last = ar->last;
	mutex_unlock(&ar->m);
	return cut_is_due(last.seq ? &last : NULL, ar->begun_ns, clock_now_ns(), clock_boot_ns(), cut_boot_id(),
			  ar->began_boot_ns);
}

static void seal_what_is_due(struct archive *ar)
{
	mutex_lock(&ar->m);
	uint64_t asked = ar->asked;
	bool by_hand = asked > ar->answered;
	mutex_unlock(&ar->m);
	if (ar->lost_manifests) {
		if (by_hand)
			answer(ar, asked, -ERR_EXISTS);
		return;
	}
	if (!by_hand && clock_mono_ns() < ar->retry_mono_ns)
		return;
	int rc = finish(ar); /* what a failure or the last run left */
	if ((rc == 0 || rc == -ERR_NOTFOUND) && (by_hand || is_due(ar))) {
		rc = cut(ar, by_hand);
		if (rc == 0)
			rc = finish(ar);
	}
	if (by_hand && rc != -ERR_CLOSED)
		answer(ar, asked, rc == -ERR_NOTFOUND ? 0 : rc);
}

/* ---- The disk, and proofs of time. ---- */

static bool prune_goes_on(void *arg)
{
	thread_beat();
	serve_wishes(arg);
	return !is_closing(arg);
}

static struct prune prune_of(struct archive *ar)
{
	struct prune p = { .store = ar->store, .folder = ar->folder, .now_ns = clock_now_ns(),
			   .goes_on = prune_goes_on, .goes_on_arg = ar };
	mutex_lock(&ar->m);
	bool clock_is_good = !ar->last.seq || strcmp(ar->last.clock, "steady") == 0;
	p.keep_ns = clock_is_good ? ar->local_keep_ns : 0; /* a wrong clock must not empty the folder */
	p.limit = ar->disk_limit;
	p.reserve = ar->disk_reserve;
	p.store_keep_ns = ar->store_keep_ns;
	mutex_unlock(&ar->m);
	return p;
}

static void tell_filling(struct archive *ar, const struct archive_disk *d)
{
	char words[ARCHIVE_WORDS_MAX];
	bool fills = d->days_until_full >= 0 && d->days_until_full < FILLING_DAYS && d->may_go == 0;
	if (!fills) {
		archive_be_well(ar, ARCHIVE_FILLING);
		return;
	}
	(void)snprintf(words, sizeof(words), "the disk is full in %lld days and no archive object may go",
		       (long long)d->days_until_full);
	archive_be_ill(ar, ARCHIVE_FILLING, words);
}

static void look_at_disk(struct archive *ar)
{
	struct err e = ERR_INIT;
	struct prune p = prune_of(ar);
	struct pruned gone = { 0 };
	struct archive_disk d;
	if (clock_mono_ns() < ar->prune_mono_ns)
		return;
	ar->prune_mono_ns = clock_mono_ns() + PRUNE_EVERY_NS;
	int rc = prune_run(&p, &gone, &e);
	counter_add(&archive_counts.pruned, gone.objects);
	counter_add(&archive_counts.pruned_bytes, gone.bytes);
	if (gone.objects)
		log_notice("archive", "deleted here, proven in every place objects=%llu bytes=%llu",
			   (unsigned long long)gone.objects, (unsigned long long)gone.bytes);
	if (rc == 0 && gone.objects)
		ar->prune_mono_ns = 0; /* there may be more */
	if (rc == 0 && !is_closing(ar))
		rc = prune_look(&p, &d, &e);
	if (is_closing(ar))
		return; /* what was counted is half of it */
	if (rc) {
		log_warning("archive", "the archive's folder could not be looked at: %s", e.text);
		return;
	}
	mutex_lock(&ar->m);
	ar->disk = d;
	mutex_unlock(&ar->m);
	if (d.unproven)
		ar->prune_mono_ns = clock_mono_ns() + PROOFS_EVERY_NS;
	tell_filling(ar, &d);
}

static void stamp(struct archive *ar)
{
	char url[sizeof(ar->timestamp_url)], ca[sizeof(ar->timestamp_ca)];
	struct err e = ERR_INIT;
	if (clock_mono_ns() < ar->stamp_mono_ns)
		return;
	ar->stamp_mono_ns = clock_mono_ns() + STAMP_EVERY_NS;
	mutex_lock(&ar->m);
	(void)str_copy(url, sizeof(url), str_of(ar->timestamp_url));
	(void)str_copy(ca, sizeof(ca), str_of(ar->timestamp_ca));
	mutex_unlock(&ar->m);
	if (!url[0])
		return;
	const struct stamper s = { &ar->sealer, url, ca[0] ? ca : NULL, &ar->stop };
	thread_park();
	int rc = stamp_run(&s, clock_now_ns(), &e);
	thread_unpark();
	if (rc > 0) {
		counter_add(&archive_counts.stamps, 1);
		s3_wake(ar->app);
	} else if (rc < 0 && rc != -ERR_CLOSED) {
		log_warning("archive", "no proof of time yet: %s", e.text);
	}
}

/* ---- The loop. ---- */

static void loop(void *arg)
{
	struct archive *ar = arg;
	thread_step_back();
	while (!is_closing(ar)) {
		thread_beat();
		serve_wishes(ar);
		seal_what_is_due(ar);
		serve_wishes(ar);
		if (!is_closing(ar))
			look_at_disk(ar);
		if (!is_closing(ar))
			stamp(ar);
		mutex_lock(&ar->m);
		if (!ar->closing && !ar->wishes && ar->asked == ar->answered)
			(void)cond_wait(&ar->wake, &ar->m, TICK_MS);
		mutex_unlock(&ar->m);
	}
}

int archive_thread_start(struct archive *ar, struct err *e)
{
	ar->sealer.breathe = breathe;
	ar->sealer.arg = ar;
	return thread_start(&ar->thread, "archive", loop, ar, e);
}

void archive_thread_stop(struct archive *ar)
{
	mutex_lock(&ar->m);
	ar->closing = true;
	pthread_cond_broadcast(&ar->wake);
	pthread_cond_broadcast(&ar->done);
	mutex_unlock(&ar->m);
	__atomic_store_n(&ar->stop, true, __ATOMIC_RELAXED);
	thread_join(&ar->thread);
}

uint64_t archive_ask_seal(struct archive *ar)
{
	mutex_lock(&ar->m);
	uint64_t number = ++ar->asked;
	pthread_cond_broadcast(&ar->wake);
	mutex_unlock(&ar->m);
	return number;
}

int archive_wait_seal(struct archive *ar, uint64_t number, int timeout_ms, struct archive_answer *out)
{
	mutex_lock(&ar->m);
	if (ar->answered < number && !ar->closing)
		(void)cond_wait(&ar->done, &ar->m, timeout_ms);
	int rc = ar->answered >= number ? 1 : ar->closing ? -ERR_CLOSED : 0;
	*out = (struct archive_answer){ .rc = ar->asked_rc, .seq = ar->asked_seq };
	(void)str_copy(out->words, sizeof(out->words), str_of(ar->asked_words));
	mutex_unlock(&ar->m);
	return rc;
}
