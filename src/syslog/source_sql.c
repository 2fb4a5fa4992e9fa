/* The tables log_source and log_state, and SQL. Loaded at the start, written by the watch. */
#include <stdlib.h>

#include "source_inside.h"
#include "tomsd/base/clock.h"

#define IDS_AHEAD 2048 /* that many ids may be given before the table hears of them */

static const char sql_load[] =
	"SELECT id, serial, address, name, host, state, zone, note, transport, format, first_seen_ns,"
	" last_seen_ns, lines, bytes, lost, skew_ns, sample, habit FROM log_source ORDER BY state = 'new', last_seen_ns DESC";
static const char sql_put[] =
	"INSERT INTO log_source (id, serial, address, name, host, state, zone, note, transport, format, first_seen_ns,"
	" last_seen_ns, lines, bytes, lost, skew_ns, sample, habit, kind)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
	" ON CONFLICT (id) DO UPDATE SET name = ?4, host = ?5, state = ?6, zone = ?7, note = ?8, transport = ?9,"
	" format = ?10, last_seen_ns = ?12, lines = ?13, bytes = ?14, lost = ?15, skew_ns = ?16, sample = ?17,"
	" habit = ?18, kind = ?19";
static const char sql_replace[] =
	"DELETE FROM log_source WHERE serial = ?1 AND address = ?2 AND id <> ?3";
static const char sql_gone[] = "DELETE FROM log_source WHERE id = ?1";
static const char sql_strays[] =
	"DELETE FROM log_source WHERE state = 'new' AND id NOT IN"
	" (SELECT id FROM log_source WHERE state = 'new' ORDER BY last_seen_ns DESC LIMIT ?1)";
static const char sql_state[] = "SELECT value FROM log_state WHERE name = ?1";
static const char sql_state_put[] =
	"INSERT INTO log_state (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";

static void text_to(char *out, size_t cap, struct stmt *s, int col)
{
	(void)str_copy(out, cap, stmt_col_text(s, col)); /* columns are as large */
}

static uint8_t state_named(struct str name)
{
	for (uint8_t i = 0; i < SOURCE_STATES; i++)
		if (str_eq(name, str_of(source_state_names[i])))
			return i;
	return SOURCE_NEW;
}

/* habit: day and days as 32-bit, then the times, in this machine's byte order; of another length: learnt anew. */
static void habit_take(struct habit *h, struct str blob)
{
	if (blob.n == sizeof(*h))
		memcpy(h, blob.p, sizeof(*h));
	if (h->days > HABIT_DAYS)
		*h = (struct habit){ 0 };
}

static void row_take(struct sources *ss, struct stmt *q, int64_t mono_ns) REQUIRES(&ss->m)
{
	struct err ignored = ERR_INIT; /* a zone that is no more: the room's */
	struct source s = { .id = (uint32_t)stmt_col_i64(q, 0),
			    .state = state_named(stmt_col_text(q, 5)),
			    .transport = (uint8_t)stmt_col_i64(q, 8),
			    .format = (uint8_t)stmt_col_i64(q, 9),
			    .first_ns = stmt_col_i64(q, 10),
			    .last_ns = stmt_col_i64(q, 11),
			    .lines = (uint64_t)stmt_col_i64(q, 12),
			    .bytes = (uint64_t)stmt_col_i64(q, 13),
			    .lost = (uint64_t)stmt_col_i64(q, 14),
			    .stored_skew_ns = stmt_col_i64(q, 15),
			    .last_mono_ns = mono_ns,
			    .is_stored = true };
	text_to(s.serial, sizeof(s.serial), q, 1);
	text_to(s.name, sizeof(s.name), q, 3);
	text_to(s.host, sizeof(s.host), q, 4);
	text_to(s.zone, sizeof(s.zone), q, 6);
	text_to(s.note, sizeof(s.note), q, 7);
	text_to(s.sample, sizeof(s.sample), q, 16);
	habit_take(&s.habit, stmt_col_blob(q, 17));
	if (!s.id || addr_parse(stmt_col_text(q, 2), &s.address) != 0)
		return;
	size_t known = ss->n[SOURCE_ACCEPTED] + ss->n[SOURCE_REFUSED];
	if (s.state == SOURCE_NEW ? ss->n[SOURCE_NEW] >= SOURCES_NEW_MAX :
				    known >= SOURCES_KNOWN_MAX)
		return;
	s.z = source_zone(ss, s.zone, &ignored);
	s.rate_lines = s.lines;
	(void)source_place(ss, &s);
}

static int load_rows(struct sources *ss, struct sql *db, struct err *e) REQUIRES(&ss->m)
{
	struct stmt *q;
	int64_t mono_ns = clock_mono_ns();
	int rc = sql_prepare(db, sql_load, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, e)) == 1)
		row_take(ss, q, mono_ns);
	stmt_done(q);
	source_accepted_again(ss);
	return rc;
}

static int load_state(struct sql *db, const char *name, int64_t *value, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_state, &q, e);
	if (rc != 0)
		return rc;
	stmt_text(q, 1, str_of(name));
	rc = stmt_step(q, e);
	if (rc == 1)
		*value = stmt_col_i64(q, 0);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static int save_state(struct sql *db, const char *name, int64_t value, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_state_put, &q, e);
	if (rc != 0)
		return rc;
	stmt_text(q, 1, str_of(name));
	stmt_i64(q, 2, value);
	rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

/* Rows of new ones that have no place any more: a crash kept them from being struck off. */
static int strays_delete(struct sql *db, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_strays, &q, e);
	if (rc != 0)
		return rc;
	stmt_i64(q, 1, SOURCES_NEW_MAX);
	rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static int save_first(struct sql *db, void *arg, struct err *e)
{
	int rc = save_state(db, "ids", *(int64_t *)arg, e);
	return rc != 0 ? rc : strays_delete(db, e);
}

static int load_all(struct sources *ss, struct sql *db, int64_t *ids, struct err *e)
{
	int rc = load_state(db, "ids", ids, e);
	int64_t day = 0, used = 0;
	if (rc == 0)
		rc = load_state(db, "alive", &ss->alive_ns, e);
	if (rc == 0)
		rc = load_state(db, "unknown_day", &day, e);
	if (rc == 0)
		rc = load_state(db, "unknown_bytes", &used, e);
	mutex_lock(&ss->m);
	ss->budget.day = (int32_t)day;
	ss->budget.used_bytes = (uint64_t)used; /* of others, for every address */
	if (rc == 0)
		rc = load_rows(ss, db, e);
	mutex_unlock(&ss->m);
	return rc;
}

/* Ids are never given twice, also not after a crash: up to here they may be given. */
static int64_t ids_ahead(int64_t next)
{
	return next + IDS_AHEAD < UINT32_MAX ? next + IDS_AHEAD : UINT32_MAX;
}

int sources_load(struct sources *ss, struct store *st, struct err *e)
{
	struct sql *db;
	int64_t ids = 1;
	int rc = store_read_begin(st, clock_mono_ns() + 10 * NS_PER_S, &db, e);
	if (rc != 0)
		return rc;
	rc = load_all(ss, db, &ids, e);
	store_read_end(st, db);
	int64_t to = ids_ahead(ids);
	if (rc == 0)
		rc = store_write(st, save_first, &to, e);
	mutex_lock(&ss->m);
	ss->next_id = (uint32_t)ids;
	ss->ids_to = (uint32_t)to;
	mutex_unlock(&ss->m);
	return rc;
}

int64_t sources_alive_ns(const struct sources *ss)
{
	return ss->alive_ns;
}

struct save {
	struct source *rows;
	size_t n, n_gone;
	uint32_t gone[GONE_MAX];
	int64_t now_ns, ids_to, day, used;
};

static int put_row(struct sql *db, const struct source *s, struct err *e)
{
	char address[ADDR_TEXT_MAX];
	struct stmt *q;
	int rc = sql_prepare(db, sql_put, &q, e);
	if (rc != 0)
		return rc;
	addr_text(&s->address, address);
	const char *texts[] = {
		s->serial, address, s->name, s->host, source_state_names[s->state],
		s->zone,   s->note
	};
	stmt_i64(q, 1, s->id);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		stmt_text(q, (int)i + 2, str_of(texts[i]));
	const int64_t numbers[] = { s->transport,     s->format,         s->first_ns,
				    s->last_ns,       (int64_t)s->lines, (int64_t)s->bytes,
				    (int64_t)s->lost, source_skew_ns(s) };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		stmt_i64(q, (int)i + 9, numbers[i]);
	stmt_text(q, 17, str_of(s->sample));
	stmt_blob(q, 18, &s->habit, sizeof(s->habit));
	stmt_text(q, 19, s->serial[0] ? STR("fortigate") : STR("device"));
	rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

/* A source that was pushed out and came again has another id. */
static int replace(struct sql *db, const struct source *s, struct err *e)
{
	char address[ADDR_TEXT_MAX];
	struct stmt *q;
	int rc = sql_prepare(db, sql_replace, &q, e);
	if (rc != 0)
		return rc;
	addr_text(&s->address, address);
	stmt_text(q, 1, str_of(s->serial));
	stmt_text(q, 2, str_of(address));
	stmt_i64(q, 3, s->id);
	rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : put_row(db, s, e);
}

static int delete_row(struct sql *db, uint32_t id, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_gone, &q, e);
	if (rc != 0)
		return rc;
	stmt_i64(q, 1, id);
	rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static int save_all(struct sql *db, void *arg, struct err *e)
{
	const struct save *v = arg;
	int rc = save_state(db, "alive", v->now_ns, e);
	if (rc == 0)
		rc = save_state(db, "ids", v->ids_to, e);
	if (rc == 0)
		rc = save_state(db, "unknown_day", v->day, e);
	if (rc == 0)
		rc = save_state(db, "unknown_bytes", v->used, e);
	for (size_t i = 0; rc == 0 && i < v->n_gone; i++)
		rc = delete_row(db, v->gone[i], e);
	for (size_t i = 0; rc == 0 && i < v->n; i++)
		rc = v->rows[i].is_stored ? put_row(db, &v->rows[i], e) :
					    replace(db, &v->rows[i], e);
	return rc;
}

static void collect(struct sources *ss, struct save *v) REQUIRES(&ss->m)
{
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *s = &ss->all[i];
		if (!s->id || !s->is_dirty)
			continue;
		v->rows[v->n++] = *s;
		s->is_dirty = false;
		s->is_stored = true;
	}
	memcpy(v->gone, ss->gone, ss->n_gone * sizeof(ss->gone[0]));
	v->n_gone = ss->n_gone;
	ss->n_gone = 0;
	v->day = ss->budget.day;
	v->used = (int64_t)ss->budget.used_bytes;
	v->ids_to = ss->ids_to - ss->next_id < IDS_AHEAD / 2 ? ids_ahead(ss->next_id) :
							       ss->ids_to;
}

/* They were not written: next time. */
static void put_back(struct sources *ss, const struct save *v)
{
	mutex_lock(&ss->m);
	for (size_t i = 0; i < v->n; i++)
		for (size_t k = 0; k < SOURCES_MAX; k++)
			if (ss->all[k].id == v->rows[i].id) {
				ss->all[k].is_dirty = true;
				ss->all[k].is_stored = v->rows[i].is_stored;
			}
	for (size_t i = 0; i < v->n_gone && ss->n_gone < GONE_MAX; i++)
		ss->gone[ss->n_gone++] = v->gone[i];
	mutex_unlock(&ss->m);
}

static int save(struct sources *ss, struct store *st, struct save *v, struct err *e)
	REQUIRES(&ss->saving)
{
	mutex_lock(&ss->m);
	collect(ss, v);
	mutex_unlock(&ss->m);
	int rc = store_write(st, save_all, v, e);
	if (rc != 0) {
		put_back(ss, v);
		return rc;
	}
	mutex_lock(&ss->m);
	if (v->ids_to > ss->ids_to)
		ss->ids_to = (uint32_t)v->ids_to;
	mutex_unlock(&ss->m);
	return 0;
}

int sources_save(struct sources *ss, struct store *st, int64_t now_ns, struct err *e)
{
	struct save v = { .now_ns = now_ns };
	v.rows = calloc(SOURCES_MAX, sizeof(*v.rows));
	if (!v.rows)
		return err_set(e, ERR_NOMEM, "no memory to write sources");
	mutex_lock(&ss->saving);
	int rc = save(ss, st, &v, e);
	mutex_unlock(&ss->saving);
	free(v.rows);
	return rc;
}
