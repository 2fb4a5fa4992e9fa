/* The archive hour by hour, for the calendar of its page. A seal belongs to the hour in which its rows arrived; hours
 * that lie within a longer seal (the appliance was off) are covered by it. Any thread that carries requests. */
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"

#define HOURS_MAX (366 * 24)
#define SEQS_MAX 8
#define KINDS_MAX 24
#define PLACES_SHOWN 16
#define WEEK_NS (7 * 24 * HOUR_NS)

static const char sql_seals[] =
	"SELECT seq, state, since_ns, until_ns, wall_ns, rows, bytes, gaps FROM archive_seal"
	" WHERE max(until_ns, since_ns) > ?1 AND min(since_ns, wall_ns) < ?2 ORDER BY seq";
static const char sql_kinds[] = "SELECT seq, kind, sum(max(rows, 0)) FROM archive_span WHERE seq BETWEEN ?1 AND ?2"
				" GROUP BY seq, kind";
/* Of objects and manifests: all proven, or the worst of the others. */
static const char sql_places[] =
	"SELECT seq, name, min(state), max(state) FROM ("
	"SELECT s.seq AS seq, t.name AS name, c.state AS state FROM archive_seal s"
	" JOIN s3_object o ON o.key = '_manifest/appliance=' || s.appliance || '/' || printf('%010d', s.seq) || '.json'"
	" JOIN s3_copy c ON c.object = o.id JOIN s3_target t ON t.id = c.target AND t.is_present = 1"
	" WHERE s.seq BETWEEN ?1 AND ?2"
	" UNION ALL SELECT a.seq, t.name, c.state FROM archive_object a JOIN s3_object o ON o.key = a.key"
	" JOIN s3_copy c ON c.object = o.id JOIN s3_target t ON t.id = c.target AND t.is_present = 1"
	" WHERE a.seq BETWEEN ?1 AND ?2) GROUP BY seq, name";

struct hour {
	uint64_t seqs[SEQS_MAX];
	size_t n_seqs;
	uint64_t rows[KINDS_MAX]; /* by number in hours.kinds */
	uint64_t all_rows, bytes, gaps;
	uint8_t places[PLACES_SHOWN]; /* by number in hours.names: 0 nothing known, else state + 1 */
	bool is_covered, is_waiting;
};

struct hours {
	int64_t since_ns, now_ns;
	size_t n;
	struct hour *all;
	char kinds[KINDS_MAX][SEAL_KIND_MAX], names[PLACES_SHOWN][64];
	size_t n_kinds, n_names;
	uint64_t first_seq, last_seq;
	int64_t begun_ns;
	bool fails;
	/* hour of a seal in this range, by seq - first_seq; SIZE_MAX: none */
	size_t *home;
};

static size_t hour_at(const struct hours *h, int64_t ns)
{
	if (ns < h->since_ns)
		return SIZE_MAX;
	size_t at = (size_t)((ns - h->since_ns) / HOUR_NS);
	return at < h->n ? at : SIZE_MAX;
}

static void cover(struct hours *h, int64_t since_ns, int64_t until_ns)
{
	int64_t from = since_ns > h->since_ns ? since_ns : h->since_ns;
	for (int64_t at = from / HOUR_NS * HOUR_NS; at < until_ns; at += HOUR_NS) {
		size_t i = hour_at(h, at);
		if (i == SIZE_MAX)
			break;
		h->all[i].is_covered = true;
	}
}

static void take_seal(struct hours *h, struct stmt *q)
{
	uint64_t seq = (uint64_t)stmt_col_i64(q, 0);
	bool is_sealed = str_eq(stmt_col_text(q, 1), STR("sealed"));
	int64_t since_ns = stmt_col_i64(q, 2), wall_ns = stmt_col_i64(q, 4);
	size_t i = hour_at(h, wall_ns < since_ns ? wall_ns : since_ns);
	if (is_sealed)
		cover(h, since_ns, stmt_col_i64(q, 3));
	h->home[seq - h->first_seq] = i;
	if (i == SIZE_MAX)
		return;
	struct hour *to = &h->all[i];
	if (to->n_seqs < SEQS_MAX)
		to->seqs[to->n_seqs++] = seq;
	to->is_waiting = to->is_waiting || !is_sealed;
	to->is_covered = to->is_covered || is_sealed;
	to->all_rows += (uint64_t)stmt_col_i64(q, 5);
	to->bytes += (uint64_t)stmt_col_i64(q, 6);
	to->gaps += (uint64_t)stmt_col_i64(q, 7);
}

static int range_of(struct sql *db, struct hours *h, int64_t until_ns, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_seals, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, h->since_ns);
	stmt_i64(q, 2, until_ns);
	while ((rc = stmt_step(q, e)) > 0) {
		h->last_seq = (uint64_t)stmt_col_i64(q, 0);
		if (!h->first_seq)
			h->first_seq = h->last_seq;
	}
	stmt_done(q);
	return rc;
}

static int load_seals(struct sql *db, struct hours *h, int64_t until_ns, struct err *e)
{
	struct stmt *q;
	int rc = range_of(db, h, until_ns, e);
	if (rc || !h->first_seq)
		return rc;
	size_t n = (size_t)(h->last_seq - h->first_seq) + 1;
	h->home = calloc(n, sizeof(*h->home));
	if (!h->home)
		return err_set(e, ERR_NOMEM, "no memory for hours");
	for (size_t i = 0; i < n; i++)
		h->home[i] = SIZE_MAX;
	rc = sql_prepare(db, sql_seals, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, h->since_ns);
	stmt_i64(q, 2, until_ns);
	while ((rc = stmt_step(q, e)) > 0)
		if ((uint64_t)stmt_col_i64(q, 0) <= h->last_seq)
			take_seal(h, q);
	stmt_done(q);
	return rc;
}

/* Number of a name in a list of names, which takes it in; max: no room. */
static size_t number_of(char *names, size_t each, size_t *n, size_t max, struct str name)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq(str_of(names + i * each), name))
			return i;
	if (*n == max)
		return max;
	(void)str_copy(names + *n * each, each, name);
	return (*n)++;
}

static struct hour *home_of(const struct hours *h, struct stmt *q)
{
	uint64_t seq = (uint64_t)stmt_col_i64(q, 0);
	size_t i = seq >= h->first_seq && seq <= h->last_seq ? h->home[seq - h->first_seq] : SIZE_MAX;
	return i == SIZE_MAX ? NULL : &h->all[i];
}

static void take_kind(struct hours *h, struct stmt *q)
{
	struct hour *to = home_of(h, q);
	size_t i = number_of(h->kinds[0], sizeof(h->kinds[0]), &h->n_kinds, KINDS_MAX, stmt_col_text(q, 1));
	if (to && i < KINDS_MAX)
		to->rows[i] += (uint64_t)stmt_col_i64(q, 2);
}

/* Failed is worse than waiting, waiting worse than proven. */
static void take_place(struct hours *h, struct stmt *q)
{
	struct hour *to = home_of(h, q);
	size_t i = number_of(h->names[0], sizeof(h->names[0]), &h->n_names, PLACES_SHOWN, stmt_col_text(q, 1));
	int64_t least = stmt_col_i64(q, 2), most = stmt_col_i64(q, 3);
	if (!to || i == PLACES_SHOWN)
		return;
	int state = most == S3_FAILED ? S3_FAILED : least < S3_PROVEN ? S3_WAITING : S3_PROVEN;
	int was = to->places[i] - 1;
	bool is_worse = was < 0 || state == S3_FAILED || (state == S3_WAITING && was == S3_PROVEN);
	if (is_worse)
		to->places[i] = (uint8_t)(state + 1);
}

static int each(struct sql *db, struct hours *h, const char *text, void (*take)(struct hours *, struct stmt *),
		struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, text, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, (int64_t)h->first_seq);
	stmt_i64(q, 2, (int64_t)h->last_seq);
	while ((rc = stmt_step(q, e)) > 0)
		take(h, q);
	stmt_done(q);
	return rc;
}

static const char *state_of(const struct hours *h, size_t i)
{
	const struct hour *o = &h->all[i];
	int64_t end_ns = h->since_ns + ((int64_t)i + 1) * HOUR_NS;
	if (o->is_covered && !o->is_waiting)
		return o->all_rows ? "sealed" : "empty";
	if (h->fails)
		return "failed";
	/* the hour that runs, and the one before while it is being written */
	return o->is_waiting || end_ns > h->now_ns - HOUR_NS ? "waiting" : "missing";
}

static void put_hour(struct json *j, const struct hours *h, size_t i)
{
	const struct hour *o = &h->all[i];
	json_obj(j);
	json_kv_time(j, "hour", h->since_ns + (int64_t)i * HOUR_NS);
	json_kv_str(j, "state", state_of(h, i));
	json_key(j, "seqs");
	json_arr(j);
	for (size_t k = 0; k < o->n_seqs; k++)
		json_u64(j, o->seqs[k]);
	json_end_arr(j);
	json_key(j, "rows");
	json_obj(j);
	for (size_t k = 0; k < h->n_kinds; k++)
		if (o->rows[k])
			json_kv_u64(j, h->kinds[k], o->rows[k]);
	json_end_obj(j);
	json_kv_u64(j, "bytes", o->bytes);
	json_key(j, "places");
	json_obj(j);
	for (size_t k = 0; k < h->n_names; k++)
		if (o->places[k])
			json_kv_str(j, h->names[k], s3_state_names[o->places[k] - 1]);
	json_end_obj(j);
	json_kv_u64(j, "gaps", o->gaps);
	json_end_obj(j);
}

static void put_all(struct json *j, const struct hours *h)
{
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	for (size_t i = 0; i < h->n; i++) {
		int64_t at = h->since_ns + (int64_t)i * HOUR_NS;
		bool is_ours = at + HOUR_NS > h->begun_ns && at < h->now_ns;
		if (is_ours || h->all[i].n_seqs)
			put_hour(j, h, i);
	}
	json_end_arr(j);
	json_end_obj(j);
}

static int load(struct sql *db, void *arg, struct err *e)
{
	struct hours *h = arg;
	int rc = load_seals(db, h, h->since_ns + (int64_t)h->n * HOUR_NS, e);
	if (!rc && h->first_seq)
		rc = each(db, h, sql_kinds, take_kind, e);
	if (!rc && h->first_seq)
		rc = each(db, h, sql_places, take_place, e);
	return rc;
}

void archive_hours_get(struct request *rq, struct reply *rp)
{
	struct archive *ar = archive_of(rq->app);
	struct err e = ERR_INIT;
	int64_t since_ns, until_ns;
	req_range(rq, WEEK_NS, &since_ns, &until_ns);
	struct hours *h = calloc(1, sizeof(*h));
	if (!ar || !h || until_ns <= since_ns || (until_ns - since_ns) / HOUR_NS > HOURS_MAX) {
		free(h);
		reply_problem(rq, rp, ar ? 422 : 503, "range", "%s",
			      api_words(rq->lang, ar ? "detail.archive_hours" : "detail.archive_off"));
		return;
	}
	h->since_ns = since_ns / HOUR_NS * HOUR_NS;
	h->n = (size_t)((until_ns - h->since_ns + HOUR_NS - 1) / HOUR_NS);
	h->now_ns = clock_now_ns();
	h->begun_ns = ar->begun_ns;
	mutex_lock(&ar->m);
	h->fails = ar->ill == ARCHIVE_NOT_SEALING;
	mutex_unlock(&ar->m);
	h->all = calloc(h->n, sizeof(*h->all));
	int rc = h->all ? seal_read(ar->store, load, h, &e) : err_set(&e, ERR_NOMEM, "no memory for hours");
	if (rc)
		reply_failed(rq, rp, &e);
	else
		put_all(reply_json(rp, 200), h);
	free(h->home);
	free(h->all);
	free(h);
}
