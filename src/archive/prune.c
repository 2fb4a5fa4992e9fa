/* Keeping within the disk. Of the archive only objects go, never a manifest or signature, and of those only the ones
 * that every place has proven and no hold pins, oldest first: when they are too old, over the limit, or the file
 * system has less room than its reserve. What comes after that is the store's: days of rows that are sealed; and
 * then nothing: new rows are refused and counted.
 *
 * An object is marked in the database (is_local 2), deleted, and noted as gone (0), so that a crash between them
 * leaves neither a file nobody knows nor a name without a file. Thread archive. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"

#define DAY_NS (24 * HOUR_NS)
#define RUN_MAX 2000    /* objects deleted in a run; the rest at the next one */
#define LOOK_MAX 500000 /* objects counted */
#define RATE_DAYS 7

/* An object is held by time (of its rows or of its seal) or by name. */
#define IS_HELD                                                                                              \
	"(EXISTS (SELECT 1 FROM archive_hold h WHERE h.released_ns = 0 AND h.until_ns > h.since_ns"          \
	" AND ((h.since_ns < o.until_ns AND o.since_ns < h.until_ns)"                                        \
	" OR (h.since_ns < s.until_ns AND s.since_ns < h.until_ns)))"                                        \
	" OR EXISTS (SELECT 1 FROM archive_hold_object ho JOIN archive_hold h ON h.id = ho.hold"             \
	" WHERE ho.key = o.key AND h.released_ns = 0))"

static const char sql_oldest[] =
	"SELECT o.id, o.key, o.bytes, max(s.until_ns, s.wall_ns), " IS_HELD " FROM archive_object o"
	" JOIN archive_seal s ON s.seq = o.seq WHERE o.is_local = 1 AND (o.seq, o.id) > (?1, ?2)"
	" ORDER BY o.seq, o.id LIMIT 1";
static const char sql_seq[] = "SELECT seq FROM archive_object WHERE id = ?1";
static const char sql_mark[] = "UPDATE archive_object SET is_local = ?2, gone_ns = ?3 WHERE id = ?1";
static const char sql_marked[] = "SELECT id, key FROM archive_object WHERE is_local = 2 ORDER BY seq LIMIT 100";
static const char sql_sum[] = "SELECT count(*), ifnull(sum(bytes), 0), ifnull(min(since_ns), 0)"
			      " FROM archive_object WHERE is_local = 1";
static const char sql_rate[] = "SELECT ifnull(sum(bytes + manifest_bytes), 0), ifnull(min(since_ns), 0)"
			       " FROM archive_seal WHERE state = 'sealed' AND until_ns > ?1 AND until_ns <= ?2";

struct object { /* that may have to go */
	int64_t seq, id, bytes, sealed_ns;
	char key[ARCHIVE_KEY_MAX];
	bool is_held, is_kept_everywhere;
};

static int free_space(const struct prune *p, uint64_t *free_bytes, struct err *e)
{
	uint64_t total;
	if (p->space)
		return p->space(p->arg, free_bytes, e);
	return file_space(p->folder, free_bytes, &total, e);
}

/* The next one behind (seq, id): 1, 0 none, -ERR_X. */
static int next_object(struct sql *db, struct object *o, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_oldest, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, o->seq);
	stmt_i64(q, 2, o->id);
	rc = stmt_step(q, e);
	if (rc > 0) {
		o->id = stmt_col_i64(q, 0);
		(void)str_copy(o->key, sizeof(o->key), stmt_col_text(q, 1));
		o->bytes = stmt_col_i64(q, 2);
		o->sealed_ns = stmt_col_i64(q, 3);
		o->is_held = stmt_col_i64(q, 4) != 0;
	}
	stmt_done(q);
	if (rc <= 0)
		return rc;
	rc = sql_prepare(db, sql_seq, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, o->id);
	rc = stmt_step(q, e);
	o->seq = rc > 0 ? stmt_col_i64(q, 0) : o->seq;
	stmt_done(q);
	if (rc < 0)
		return rc;
	rc = o->is_held ? 0 : s3_is_kept_everywhere(db, o->key, e);
	o->is_kept_everywhere = rc > 0;
	return rc < 0 ? rc : 1;
}

struct mark {
	int64_t id, state, gone_ns;
};

static int mark(struct sql *db, void *arg, struct err *e)
{
	const struct mark *m = arg;
	struct stmt *q;
	int rc = sql_prepare(db, sql_mark, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, m->id);
	stmt_i64(q, 2, m->state);
	stmt_i64(q, 3, m->gone_ns);
	rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static int delete_file(const struct prune *p, int64_t id, const char *key, struct err *e)
{
	char path[ARCHIVE_PATH_MAX];
	struct mark gone = { id, 0, p->now_ns };
	if (!archive_path(path, p->folder, key))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	if (unlink(path) && errno != ENOENT)
		return err_sys(e, errno, "deleting %s", path);
	for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
		*slash = '\0'; /* folders of hours and days that are empty now */
		if (strlen(path) <= strlen(p->folder) || rmdir(path))
			break;
	}
	return store_write(p->store, mark, &gone, e);
}

struct marked {
	struct {
		int64_t id;
		char key[ARCHIVE_KEY_MAX];
	} all[100];
	size_t n;
};

static int load_marked(struct sql *db, void *arg, struct err *e)
{
	struct marked *m = arg;
	struct stmt *q;
	int rc = sql_prepare(db, sql_marked, &q, e);
	if (rc)
		return rc;
	for (m->n = 0; m->n < ARRAY_LEN(m->all) && (rc = stmt_step(q, e)) > 0; m->n++) {
		m->all[m->n].id = stmt_col_i64(q, 0);
		(void)str_copy(m->all[m->n].key, sizeof(m->all[m->n].key), stmt_col_text(q, 1));
	}
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

int prune_begin(const struct prune *p, struct err *e)
{
	struct marked m;
	do {
		int rc = seal_read(p->store, load_marked, &m, e);
		for (size_t i = 0; !rc && i < m.n; i++)
			rc = delete_file(p, m.all[i].id, m.all[i].key, e);
		if (rc)
			return rc;
	} while (m.n > 0);
	return 0;
}

struct want {
	const struct prune *p;
	uint64_t here, free_bytes;
};

static bool must_go(const struct want *w, const struct object *o)
{
	bool is_old = w->p->keep_ns > 0 && w->p->now_ns - o->sealed_ns > w->p->keep_ns;
	return is_old || (w->p->limit && w->here > w->p->limit) || w->free_bytes < w->p->reserve;
}

static int load_next(struct sql *db, void *arg, struct err *e)
{
	return next_object(db, arg, e);
}

static int load_sum(struct sql *db, void *arg, struct err *e)
{
	struct archive_disk *d = arg;
	struct stmt *q;
	int rc = sql_prepare(db, sql_sum, &q, e);
	if (rc)
		return rc;
	rc = stmt_step(q, e);
	if (rc > 0) {
		d->objects = (uint64_t)stmt_col_i64(q, 0);
		d->bytes = (uint64_t)stmt_col_i64(q, 1);
		d->oldest_ns = stmt_col_i64(q, 2);
	}
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static bool goes_on(const struct prune *p)
{
	return !p->goes_on || p->goes_on(p->goes_on_arg);
}

int prune_run(const struct prune *p, struct pruned *out, struct err *e)
{
	struct want w = { .p = p };
	struct archive_disk d = { 0 };
	struct object o = { 0 };
	int rc = free_space(p, &w.free_bytes, e);
	if (!rc)
		rc = seal_read(p->store, load_sum, &d, e);
	w.here = d.bytes;
	/* Those that stay (held, not proven) are passed by however many they are: room is behind them. */
	while (!rc && out->objects < RUN_MAX && goes_on(p)) {
		int found = seal_read(p->store, load_next, &o, e);
		if (found <= 0 || !must_go(&w, &o)) /* younger ones need not, either */
			return found < 0 ? found : 0;
		if (o.is_held || !o.is_kept_everywhere)
			continue;
		struct mark going = { o.id, 2, 0 };
		rc = store_write(p->store, mark, &going, e);
		if (!rc)
			rc = delete_file(p, o.id, o.key, e);
		if (rc)
			return rc;
		out->objects++;
		out->bytes += (uint64_t)o.bytes;
		w.here -= (uint64_t)o.bytes;
		rc = free_space(p, &w.free_bytes, e);
	}
	return rc;
}

/* ---- How long it will go well. ---- */

struct rate {
	int64_t now_ns, bytes, since_ns;
};

static int load_rate(struct sql *db, void *arg, struct err *e)
{
	struct rate *r = arg;
	struct stmt *q;
	int rc = sql_prepare(db, sql_rate, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, r->now_ns - RATE_DAYS * DAY_NS);
	stmt_i64(q, 2, r->now_ns);
	rc = stmt_step(q, e);
	if (rc > 0) {
		r->bytes = stmt_col_i64(q, 0);
		r->since_ns = stmt_col_i64(q, 1);
	}
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static uint64_t per_day(uint64_t bytes, int64_t span_ns)
{
	double days = (double)span_ns / (double)DAY_NS;
	return (uint64_t)((double)bytes / (days < 1 ? 1 : days)); /* a first hour is no day's measure */
}

static void store_rate(const struct prune *p, struct archive_disk *d)
{
	struct store_stats st;
	store_stats(p->store, &st);
	if (st.oldest_day == 0)
		return;
	int64_t span_ns = p->now_ns - clock_day_start((int32_t)st.oldest_day);
	bool drops_as_much = p->store_keep_ns > 0 && span_ns > p->store_keep_ns;
	d->store_bytes_per_day = drops_as_much ? 0 : per_day(st.database_bytes, span_ns);
}

static void foretell(const struct prune *p, struct archive_disk *d)
{
	uint64_t grows = d->bytes_per_day + d->store_bytes_per_day;
	uint64_t room = d->free_bytes > p->reserve ? d->free_bytes - p->reserve : 0;
	d->days_until_full = grows ? (int64_t)(room / grows) : -1;
	if (!p->limit || !d->bytes_per_day)
		return;
	int64_t days = (int64_t)((p->limit > d->bytes ? p->limit - d->bytes : 0) / d->bytes_per_day);
	if (d->days_until_full < 0 || days < d->days_until_full)
		d->days_until_full = days;
}

static int count_objects(const struct prune *p, struct archive_disk *d, struct err *e)
{
	struct object o = { 0 };
	for (unsigned n = 0; n < LOOK_MAX && goes_on(p); n++) {
		int rc = seal_read(p->store, load_next, &o, e);
		if (rc <= 0)
			return rc;
		if (o.is_held) {
			d->held++;
		} else if (!o.is_kept_everywhere) {
			d->unproven++;
		} else {
			d->may_go++;
			d->may_go_bytes += (uint64_t)o.bytes;
		}
	}
	return 0;
}

int prune_look(const struct prune *p, struct archive_disk *out, struct err *e)
{
	struct rate r = { .now_ns = p->now_ns };
	*out = (struct archive_disk){ .days_until_full = -1 };
	int rc = free_space(p, &out->free_bytes, e);
	if (!rc)
		rc = seal_read(p->store, load_sum, out, e);
	if (!rc)
		rc = seal_read(p->store, load_rate, &r, e);
	if (!rc)
		rc = count_objects(p, out, e);
	if (rc)
		return rc;
	out->bytes_per_day = r.since_ns ? per_day((uint64_t)r.bytes, p->now_ns - r.since_ns) : 0;
	store_rate(p, out);
	foretell(p, out);
	return 0;
}
