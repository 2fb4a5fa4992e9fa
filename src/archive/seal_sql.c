/* SQL of archive_seal, archive_span, archive_object and archive_state: constant text, values bound. */
#include <stdlib.h>

#include "seal.h"
#include "tomsd/base/clock.h"

#define READ_TIME_NS (10 * NS_PER_S)
#define SPANS_FIRST 16

#define SEAL_COLUMNS                                                                                         \
	"seq, state, by_hand, since_ns, until_ns, wall_ns, boot_ns, boot_id, clock, version, appliance, key_id," \
	" also_key_id, proofs_after, proofs_last, lock_mode, lock_keep_s, leave_out, sealed_ns, rows, bytes,"    \
	" gaps, manifest_bytes, sha256"

static const char sql_last[] = "SELECT " SEAL_COLUMNS " FROM archive_seal ORDER BY seq DESC LIMIT 1";
static const char sql_one[] = "SELECT " SEAL_COLUMNS " FROM archive_seal WHERE seq = ?1";
static const char sql_insert[] =
	"INSERT INTO archive_seal (seq, state, by_hand, since_ns, until_ns, wall_ns, boot_ns, boot_id, clock,"
	" version, appliance, key_id, also_key_id, proofs_after, proofs_last, lock_mode, lock_keep_s, leave_out)"
	" VALUES (?1, 'cut', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
static const char sql_close[] =
	"UPDATE archive_seal SET state = 'sealed', sealed_ns = ?2, rows = ?3, bytes = ?4, gaps = ?5,"
	" manifest_bytes = ?6, sha256 = ?7 WHERE seq = ?1 AND state = 'cut'";
static const char sql_span[] = "INSERT INTO archive_span (seq, kind, day, after_id, last_id, rows)"
			       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char sql_span_rows[] =
	"UPDATE archive_span SET rows = ?4 WHERE seq = ?1 AND kind = ?2 AND day = ?3";
static const char sql_spans[] = "SELECT kind, day, after_id, last_id, rows FROM archive_span"
				" WHERE seq = ?1 ORDER BY kind, day";
static const char sql_object[] =
	"INSERT INTO archive_object (seq, kind, key, sha256, bytes, rows, row_groups, first_id, last_id,"
	" since_ns, until_ns, merkle_root) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
	" ON CONFLICT (key) DO UPDATE SET is_local = 1, gone_ns = 0 RETURNING id";
static const char sql_state_get[] = "SELECT value FROM archive_state WHERE name = ?1";
static const char sql_state_put[] = "INSERT OR REPLACE INTO archive_state (name, value) VALUES (?1, ?2)";

static void take_text(struct stmt *q, int col, char *out, size_t cap)
{
	(void)str_copy(out, cap, stmt_col_text(q, col));
}

static void take_seal(struct stmt *q, struct seal *s)
{
	*s = (struct seal){ .seq = (uint64_t)stmt_col_i64(q, 0),
			    .is_sealed = str_eq(stmt_col_text(q, 1), STR("sealed")),
			    .by_hand = stmt_col_i64(q, 2) != 0,
			    .since_ns = stmt_col_i64(q, 3),
			    .until_ns = stmt_col_i64(q, 4),
			    .wall_ns = stmt_col_i64(q, 5),
			    .boot_ns = stmt_col_i64(q, 6),
			    .proofs_after = stmt_col_i64(q, 13),
			    .proofs_last = stmt_col_i64(q, 14),
			    .lock_keep_s = stmt_col_i64(q, 16),
			    .sealed_ns = stmt_col_i64(q, 18),
			    .rows = (uint64_t)stmt_col_i64(q, 19),
			    .bytes = (uint64_t)stmt_col_i64(q, 20),
			    .gaps = (uint64_t)stmt_col_i64(q, 21),
			    .manifest_bytes = (uint64_t)stmt_col_i64(q, 22) };
	take_text(q, 7, s->boot_id, sizeof(s->boot_id));
	take_text(q, 8, s->clock, sizeof(s->clock));
	take_text(q, 9, s->version, sizeof(s->version));
	take_text(q, 10, s->appliance, sizeof(s->appliance));
	take_text(q, 11, s->key_id, sizeof(s->key_id));
	take_text(q, 12, s->also_key_id, sizeof(s->also_key_id));
	take_text(q, 15, s->lock_mode, sizeof(s->lock_mode));
	take_text(q, 17, s->leave_out, sizeof(s->leave_out));
	struct str sum = stmt_col_blob(q, 23);
	if (sum.n == sizeof(s->sha256))
		memcpy(s->sha256, sum.p, sum.n);
}

static int load(struct sql *db, const char *text, uint64_t seq, struct seal *out, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, text, &q, e);
	if (rc)
		return rc;
	if (seq)
		stmt_i64(q, 1, (int64_t)seq);
	rc = stmt_step(q, e);
	if (rc > 0)
		take_seal(q, out);
	stmt_done(q);
	return rc < 0 ? rc : rc ? 0 : -ERR_NOTFOUND;
}

int seal_load_last(struct sql *db, struct seal *out, struct err *e)
{
	return load(db, sql_last, 0, out, e);
}

int seal_load(struct sql *db, uint64_t seq, struct seal *out, struct err *e)
{
	return load(db, sql_one, seq, out, e);
}

/* Runs a statement without result to its end and gives it back. */
static int run(struct stmt *q, struct err *e)
{
	int rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

int seal_insert(struct sql *db, const struct seal *s, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_insert, &q, e);
	if (rc)
		return rc;
	const int64_t numbers[] = { (int64_t)s->seq, s->by_hand,  s->since_ns,
				    s->until_ns,     s->wall_ns,  s->boot_ns };
	const char *const texts[] = { s->boot_id,   s->clock,  s->version,
				      s->appliance, s->key_id, s->also_key_id };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		stmt_i64(q, (int)i + 1, numbers[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		stmt_text(q, (int)i + 7, str_of(texts[i]));
	stmt_i64(q, 13, s->proofs_after);
	stmt_i64(q, 14, s->proofs_last);
	stmt_text(q, 15, str_of(s->lock_mode));
	stmt_i64(q, 16, s->lock_keep_s);
	stmt_text(q, 17, str_of(s->leave_out));
	return run(q, e);
}

int seal_close(struct sql *db, const struct seal *s, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_close, &q, e);
	if (rc)
		return rc;
	const int64_t numbers[] = { (int64_t)s->seq,   s->sealed_ns,     (int64_t)s->rows,
				    (int64_t)s->bytes, (int64_t)s->gaps, (int64_t)s->manifest_bytes };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		stmt_i64(q, (int)i + 1, numbers[i]);
	stmt_blob(q, 7, s->sha256, sizeof(s->sha256));
	return run(q, e);
}

int seal_span_insert(struct sql *db, uint64_t seq, const struct seal_span *s, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_span, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, (int64_t)seq);
	stmt_text(q, 2, str_of(s->kind));
	stmt_i64(q, 3, s->day);
	stmt_i64(q, 4, s->after);
	stmt_i64(q, 5, s->last);
	stmt_i64(q, 6, s->rows);
	return run(q, e);
}

int seal_span_rows(struct sql *db, uint64_t seq, const struct seal_span *s, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_span_rows, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, (int64_t)seq);
	stmt_text(q, 2, str_of(s->kind));
	stmt_i64(q, 3, s->day);
	stmt_i64(q, 4, s->rows);
	return run(q, e);
}

static struct seal_span *one_more(struct seal_spans *s)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : SPANS_FIRST;
		struct seal_span *all = realloc(s->all, room * sizeof(*all));
		if (!all)
			return NULL;
		s->all = all;
		s->room = room;
	}
	return &s->all[s->n++];
}

int seal_spans_load(struct sql *db, uint64_t seq, struct seal_spans *out, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_spans, &q, e);
	if (rc)
		return rc;
	*out = (struct seal_spans){ 0 };
	stmt_i64(q, 1, (int64_t)seq);
	while ((rc = stmt_step(q, e)) > 0) {
		struct seal_span *s = one_more(out);
		if (!s) {
			rc = err_set(e, ERR_NOMEM, "no memory for the days of a seal");
			break;
		}
		*s = (struct seal_span){ .day = (int32_t)stmt_col_i64(q, 1),
					 .after = stmt_col_i64(q, 2),
					 .last = stmt_col_i64(q, 3),
					 .rows = stmt_col_i64(q, 4) };
		take_text(q, 0, s->kind, sizeof(s->kind));
	}
	stmt_done(q);
	if (rc < 0)
		seal_spans_fini(out);
	return rc;
}

void seal_spans_fini(struct seal_spans *s)
{
	free(s->all);
	*s = (struct seal_spans){ 0 };
}

int seal_object_insert(struct sql *db, uint64_t seq, const struct sealed_object *o, int64_t *id, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_object, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, (int64_t)seq);
	stmt_text(q, 2, str_of(o->kind));
	stmt_text(q, 3, str_of(o->key));
	stmt_blob(q, 4, o->sha256, sizeof(o->sha256));
	const int64_t numbers[] = { (int64_t)o->bytes, (int64_t)o->rows, (int64_t)o->row_groups, o->first_id,
				    o->last_id,        o->since_ns,      o->until_ns };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		stmt_i64(q, (int)i + 5, numbers[i]);
	stmt_blob(q, 12, o->merkle_root, sizeof(o->merkle_root));
	rc = stmt_step(q, e);
	if (rc > 0)
		*id = stmt_col_i64(q, 0);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

int archive_state_get(struct sql *db, const char *name, int64_t *value, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_state_get, &q, e);
	if (rc)
		return rc;
	stmt_text(q, 1, str_of(name));
	rc = stmt_step(q, e);
	if (rc >= 0)
		*value = rc ? stmt_col_i64(q, 0) : 0;
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

int archive_state_put(struct sql *db, const char *name, int64_t value, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_state_put, &q, e);
	if (rc)
		return rc;
	stmt_text(q, 1, str_of(name));
	stmt_i64(q, 2, value);
	return run(q, e);
}

int seal_read(struct store *st, int (*fn)(struct sql *db, void *arg, struct err *e), void *arg, struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(st, clock_mono_ns() + READ_TIME_NS, &db, e);
	if (rc)
		return rc;
	rc = fn(db, arg, e);
	store_read_end(st, db);
	return rc;
}
