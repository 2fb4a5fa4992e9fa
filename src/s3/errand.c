/* One object on its way to one place, and what is noted of it. Thread s3/NAME. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "worker.h"

#define HOUR_NS (3600 * NS_PER_S)
/* So many objects one after the other that the place will not have: it is the place. */
#define OBJECT_FAILS_MAX 3
#define OUTAGE_FAILS 3 /* behind it, what failed meanwhile is tried again at once */

static int note_proven(struct sql *db, void *arg, struct err *e)
{
	return copies_proven(db, arg, e);
}

static int note_failed(struct sql *db, void *arg, struct err *e)
{
	return copies_failed(db, arg, e);
}

static int note_part(struct sql *db, void *arg, struct err *e)
{
	return copies_part(db, arg, e);
}

/* The place takes what it is given. */
static void view_well(struct worker *w, int64_t skew_ns)
{
	mutex_lock(&w->m);
	w->view.problem[0] = w->view.detail[0] = w->view.sending[0] = '\0';
	w->view.problem_ns = 0;
	w->view.skew_ns =
		skew_ns; /* it gets there all the same, and somebody has to set a clock */
	w->view.fails = 0;
	mutex_unlock(&w->m);
}

static void view_failed(struct worker *w, const struct failure *f)
{
	mutex_lock(&w->m);
	if (!w->view.problem[0])
		w->view.problem_ns = f->now_ns;
	(void)str_copy(w->view.problem, sizeof(w->view.problem), str_of(f->problem));
	(void)str_copy(w->view.detail, sizeof(w->view.detail),
		       str_of(f->detail)); /* cut is fine */
	w->view.fails = f->place_fails;
	w->view.skew_ns = f->skew_ns;
	w->view.sending[0] = '\0';
	mutex_unlock(&w->m);
}

/* Retention counts from the time of sending. Whole hours, so that a second try asks for what the first did. */
static int64_t retain_until(const struct worker *w, const struct item *it, int64_t now_ns)
{
	int64_t keep = it->keep_ns > 0 ? it->keep_ns : w->place.c.keep_ns,
		until = now_ns + keep;
	if (w->place.c.lock == S3_LOCK_NONE)
		return 0;
	until += HOUR_NS - 1;
	until -= until % HOUR_NS;
	return until > it->hold_ns ? until : it->hold_ns;
}

static int proven(struct worker *w, struct item *it, const struct s3_version *v, struct err *e)
{
	struct proof p = { .target = w->target,
			   .item = it,
			   .v = v,
			   .now_ns = clock_now_ns(),
			   .skew_ns = s3_client_skew_ns(w->client),
			   .ends_outage = w->fails >= OUTAGE_FAILS };
	int rc = store_write(w->s3->store, note_proven, &p, e);
	if (rc != 0)
		return err_wrap(e, "keeping the proof of %s", it->key);
	if (w->fails >= OUTAGE_FAILS)
		log_notice("s3", "place takes objects again place=%s", w->place.c.name);
	w->fails = w->object_fails = 0;
	w->next_try_ns = 0;
	w->proven_mono_ns = clock_mono_ns();
	view_well(w, p.skew_ns);
	return 0;
}

static int64_t skew_of(const struct worker *w, const struct s3_fault *f)
{
	int64_t skew = w->client ? s3_client_skew_ns(w->client) : 0;
	if (skew == 0 && f->server_ns > 0 && strcmp(f->code, "RequestTimeTooSkewed") == 0)
		skew = f->server_ns - clock_now_ns();
	return skew;
}

/* it NULL: of the place alone. Noted in the table before anything else is tried. */
static int failed(struct worker *w, const struct item *it, const struct s3_fault *f, int why,
		  const char *words, struct err *e)
{
	bool is_place = it == NULL;
	char detail[512];
	const char *problem = fault_problem(f, why, &is_place);
	bool gives_up = it && strcmp(problem, "local") == 0 && !f->retry;
	struct failure n = { .target = w->target,
			     .item = it,
			     .gives_up = gives_up,
			     .now_ns = clock_now_ns(),
			     .skew_ns = skew_of(w, f),
			     .problem = problem,
			     .detail = detail };
	str_copy_clean(detail, sizeof(detail), str_of(words));
	if (!is_place && strcmp(problem, "local") != 0)
		is_place = ++w->object_fails >= OBJECT_FAILS_MAX;
	if (is_place) {
		n.place_fails = ++w->fails;
		n.place_next_ns = w->next_try_ns = n.now_ns + backoff_ns(w->fails);
	}
	if (it)
		n.item_next_ns = n.now_ns + backoff_ns(it->tries + 1);
	counter_add(&s3_counts.failures, 1);
	if (is_place)
		view_failed(w, &n);
	if (n.place_fails <= 1 || (n.place_fails & (n.place_fails - 1)) == 0)
		log_warning("s3", "%s place=%s tries=%u object=%s error=%s",
			    is_place ? "place cannot be used" : "object not sent",
			    w->place.c.name, n.place_fails, it ? LOGQ(it->key) : "-",
			    LOGQ(detail));
	return store_write(w->s3->store, note_failed, &n, e);
}

int errand_place_failed(struct worker *w, const struct s3_fault *f, int rc, const char *words,
			struct err *e)
{
	return failed(w, NULL, f, rc, words, e);
}

/* The local file, as it was sealed as far as its size tells. */
static int open_local(const struct worker *w, const struct item *it, int *fd,
		      struct s3_fault *f, struct err *e)
{
	char path[2048];
	struct stat st;
	*f = (struct s3_fault){ .code = "LocalFile" };
	if (snprintf(path, sizeof(path), "%s/%s", app_state_path(w->s3->app), it->path) >=
	    (int)sizeof(path))
		return err_set(e, ERR_RANGE, "the path of %s is too long", it->key);
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOTFOUND,
			       "the local file is no longer here: this place will not get it");
	f->retry = *fd < 0; /* a full table of files, a disk that is away */
	if (*fd < 0)
		return err_sys(e, errno, "opening the local file");
	if (fstat(*fd, &st) == 0 && (uint64_t)st.st_size == it->bytes)
		return 0;
	(void)close(*fd);
	return err_set(e, ERR_CORRUPT,
		       "the local file has another size than what was sealed: it is not sent");
}

struct going { /* an upload in parts */
	struct worker *w;
	struct item *it;
};

static int part_done(void *arg, const char *upload_id, uint64_t done_bytes)
{
	struct going *g = arg;
	struct err e = ERR_INIT;
	struct part p = { g->w->target, g->it->object, upload_id, done_bytes };
	if (worker_closes(g->w))
		return -ERR_CLOSED;
	if (store_write(g->w->s3->store, note_part, &p, &e) != 0)
		log_warning("s3", "how far an upload is could not be kept error=%s",
			    LOGQ(e.text));
	return 0;
}

static int send_object(struct worker *w, struct item *it, struct s3_version *v,
		       struct s3_fault *f, struct err *e)
{
	struct going g = { w, it };
	char id_before[UPLOAD_ID_MAX];
	int fd = -1, rc = open_local(w, it, &fd, f, e);
	if (rc != 0)
		return rc;
	struct s3_put put = { .key = it->key,
			      .fd = fd,
			      .bytes = it->bytes,
			      .sha256 = it->sha256,
			      .lock = w->place.c.lock,
			      .retain_until_ns = retain_until(w, it, clock_now_ns()),
			      .upload_id = it->upload_id,
			      .part = part_done,
			      .arg = &g };
	memcpy(id_before, it->upload_id, sizeof(id_before));
	rc = s3_put(w->client, &put, v, f, e);
	(void)close(fd);
	if (rc != 0 && strcmp(id_before, it->upload_id) != 0) {
		struct err unkept = ERR_INIT; /* then it is begun anew */
		struct part p = { w->target, it->object, it->upload_id, 0 };
		if (store_write(w->s3->store, note_part, &p, &unkept) != 0)
			log_warning("s3", "id of an upload could not be kept error=%s",
				    LOGQ(unkept.text));
	}
	return rc;
}

static int lengthen(struct worker *w, struct item *it, struct s3_version *v, struct s3_fault *f,
		    struct err *e)
{
	int64_t until = it->hold_ns > it->retain_until_ns ? it->hold_ns : it->retain_until_ns;
	int rc = s3_retain(w->client, it->key, it->version_id, it->lock, until, f, e);
	if (rc == 0)
		rc = s3_head(w->client, it->key, it->version_id, v, f, e);
	if (rc == 0 && (v->lock < it->lock || v->retain_until_ns < until)) {
		*f = (struct s3_fault){ .status = 200, .code = "LockDropped", .retry = true };
		rc = err_set(e, ERR_CORRUPT,
			     "the place said yes to a longer lock, and did not keep it");
	}
	return rc;
}

static int settled(struct sql *db, void *arg, struct err *e)
{
	const int64_t *v = arg;
	return copies_settled(db, v[0], v[1], e);
}

int worker_client(struct worker *w, struct err *e)
{
	return w->client ? 0 : s3_client_new(&w->client, &w->place.c, &w->closing, e);
}

/* 0 also when the object could not be sent: that is noted. Non-zero: the table could not be written, or the end. */
int errand_run(struct worker *w, struct item *it, struct err *e)
{
	struct s3_version v = { .bytes = 0 };
	struct s3_fault f = { .status = 0 };
	struct err why = ERR_INIT;
	bool sends = it->wants == WANTS_SENDING;
	if (!sends && it->lock == S3_LOCK_NONE) {
		int64_t ids[2] = { w->target, it->object };
		return store_write(w->s3->store, settled, ids, e);
	}
	mutex_lock(&w->m);
	(void)str_copy(w->view.sending, sizeof(w->view.sending), str_of(it->key));
	mutex_unlock(&w->m);
	thread_park(); /* the network takes its time; the client gives up by itself */
	int rc = sends ? send_object(w, it, &v, &f, &why) : lengthen(w, it, &v, &f, &why);
	thread_unpark();
	if (rc != 0 && worker_closes(w))
		return err_set(e, ERR_CLOSED, "the house closes");
	if (rc != 0)
		return failed(w, it, &f, rc, why.text, e);
	counter_add(sends ? &s3_counts.sent : &s3_counts.locks, 1);
	counter_add(&s3_counts.sent_bytes, sends ? it->bytes : 0);
	return proven(w, it, &v, e);
}
