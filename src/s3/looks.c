/* Do places still have what was proven? Once a day a sample is asked for by HEAD: those not looked at for longest,
 * and some by chance, so that nobody knows which. A version that is gone, other bytes, a lock that is off or
 * shorter, something new on top of it: each is a finding, told at once and until somebody has taken note. What is
 * still here is sent again, and a lock is put on again. Thread s3/NAME. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define SAMPLE 24
#define READ_NS (10 * NS_PER_S)

static int note(struct sql *db, void *arg, struct err *e)
{
	return copies_finding(db, arg, e);
}

struct looked {
	int64_t target, now_ns;
};

static int note_looked(struct sql *db, void *arg, struct err *e)
{
	const struct looked *l = arg;
	return copies_looked(db, l->target, l->now_ns, e);
}

/* What is wrong with the version itself; NULL: nothing. */
static const char *judge(const struct item *it, const struct s3_version *v)
{
	if (v->is_delete_marker)
		return "gone";
	if (v->bytes != it->proof_bytes ||
	    (v->has_sha256 && memcmp(v->sha256, it->sha256, sizeof(v->sha256)) != 0))
		return "changed";
	if (it->lock == S3_LOCK_NONE)
		return NULL;
	if (v->lock < it->lock)
		return "unlocked";
	return v->retain_until_ns + NS_PER_S < it->retain_until_ns ? "shortened" : NULL;
}

/* Whether a plain GET still leads to it: somebody may have put something on top. */
static int is_shadowed(const struct look *l, const struct item *it, const char **what,
		       struct s3_fault *f, struct err *e)
{
	struct s3_version top;
	if (!it->version_id[0])
		return 0;
	int rc = s3_head(l->client, it->key, NULL, &top, f, e);
	if (rc == -ERR_NOTFOUND && f->status == 404) {
		*what = "shadowed";
		return 0;
	}
	if (rc == 0 && top.version_id[0] && strcmp(top.version_id, it->version_id) != 0)
		*what = "shadowed";
	return rc;
}

static bool is_here(const struct look *l, const struct item *it)
{
	char path[2048];
	int n = snprintf(path, sizeof(path), "%s/%s", app_state_path(l->s3->app), it->path);
	return n > 0 && (size_t)n < sizeof(path) && access(path, R_OK) == 0;
}

static int keep_finding(const struct look *l, const struct item *it, const char *what,
			struct err *e)
{
	char words[600];
	bool lost = strcmp(what, "gone") == 0 || strcmp(what, "changed") == 0;
	bool bare = strcmp(what, "unlocked") == 0 || strcmp(what, "shortened") == 0;
	bool here = lost && is_here(l, it);
	struct finding f = { .target = l->target,
			     .now_ns = clock_now_ns(),
			     .item = it,
			     .what = what,
			     .words = words,
			     .is_lost = lost && !here,
			     .wants = here ? WANTS_SENDING :
				      bare ? WANTS_LONGER_LOCK :
					     WANTS_NOTHING };
	words[0] = '\0';
	if (what[0]) {
		(void)snprintf(words, sizeof(words), "%s: %s", what, it->key);
		counter_add(&s3_counts.findings, 1);
		log_err("s3", "proof does not hold any more place=%s what=%s version=%s key=%s",
			l->place, what, LOGQ(it->version_id), LOGQ(it->key));
	}
	return store_write(l->s3->store, note, &f, e);
}

static int look_at(const struct look *l, const struct item *it, struct s3_fault *f,
		   struct err *e)
{
	struct s3_version v = { .bytes = 0 };
	const char *what = NULL;
	int rc = s3_head(l->client, it->key, it->version_id[0] ? it->version_id : NULL, &v, f,
			 e);
	if (rc != 0 && (f->status == 404 || f->status == 405)) {
		what = "gone"; /* 405: the version is a delete marker now */
		rc = 0;
	} else if (rc == 0) {
		what = judge(it, &v);
		if (!what)
			rc = is_shadowed(l, it, &what, f, e);
	}
	counter_add(&s3_counts.looks, 1);
	return rc == 0 ? keep_finding(l, it, what ? what : "", e) : rc;
}

int look_at_sample(const struct look *l, struct s3_fault *f, struct err *e)
{
	struct sql *db;
	struct looked done = { l->target, clock_now_ns() };
	struct item *items = calloc(SAMPLE, sizeof(*items));
	if (!items)
		return err_set(e, ERR_NOMEM, "no memory for a sample");
	int n = 0, rc = store_read_begin(l->s3->store, clock_mono_ns() + READ_NS, &db, e);
	if (rc == 0) {
		n = copies_sample(db, l->target, done.now_ns, items, SAMPLE, e);
		store_read_end(l->s3->store, db);
		rc = n < 0 ? n : 0;
	}
	for (int i = 0; rc == 0 && i < n; i++)
		rc = look_at(l, &items[i], f, e);
	free(items);
	return rc == 0 ? store_write(l->s3->store, note_looked, &done, e) : rc;
}
