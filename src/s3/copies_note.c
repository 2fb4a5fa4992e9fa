/* What became of it: every function here runs inside store_write, so that an object, its proof and what is known of
 * the place change together. */
#include "copies.h"
#include "s3_sql.h"

static int run(struct stmt *s, struct err *e)
{
	int rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

/* A statement whose values are all numbers. */
static int run_numbers(struct sql *db, const char *sql, const int64_t *v, int n, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql, &s, e);
	if (rc != 0)
		return rc;
	for (int i = 0; i < n; i++)
		stmt_i64(s, i + 1, v[i]);
	return run(s, e);
}
#define RUN(db, sql, e, ...)                                       \
	run_numbers((db), (sql), (const int64_t[]){ __VA_ARGS__ }, \
		    (int)(sizeof((const int64_t[]){ __VA_ARGS__ }) / 8), (e))

static int one_number(struct sql *db, const char *sql, int64_t *out, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql, &s, e);
	if (rc != 0)
		return rc;
	rc = stmt_step(s, e);
	if (rc == 1)
		*out = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int on_name_and_home(struct sql *db, const char *sql, const struct place *p,
			    struct stmt **out, struct err *e)
{
	char home[1024];
	int rc = sql_prepare(db, sql, out, e);
	if (rc != 0)
		return rc;
	place_home(p, home);
	stmt_text(*out, 1, str_of(p->c.name));
	stmt_text(*out, 2, str_of(home));
	return 0;
}

static int settle_one(struct sql *db, const struct place *p, int64_t newest, int64_t *id,
		      struct err *e)
{
	struct stmt *s;
	int rc = on_name_and_home(db, s3_sql_absent, p, &s, e);
	if (rc == 0)
		rc = run(s, e);
	if (rc == 0)
		rc = on_name_and_home(db, s3_sql_target_make, p, &s, e);
	if (rc == 0)
		rc = run(s, e);
	if (rc == 0)
		rc = on_name_and_home(db, s3_sql_present, p, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 3, p->is_enabled);
	stmt_text(s, 4, str_of(s3_lock_names[p->c.lock]));
	stmt_i64(s, 5, newest);
	rc = stmt_step(s, e);
	if (rc == 1)
		*id = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc == 1 ? 0 : rc < 0 ? rc : -ERR_NOTFOUND;
}

/* Those that are present and not of the list. */
static int forget_others(struct sql *db, const struct places *ps, struct err *e)
{
	struct stmt *s;
	char gone[2 * PLACES_MAX][64];
	size_t n = 0;
	int rc = sql_prepare(db, s3_sql_present_names, &s, e);
	if (rc != 0)
		return rc;
	while (n < ARRAY_LEN(gone) && (rc = stmt_step(s, e)) == 1) {
		bool known = false;
		(void)str_copy(gone[n], sizeof(gone[n]), stmt_col_text(s, 0));
		for (size_t i = 0; i < ps->n; i++)
			known = known || strcmp(ps->all[i].c.name, gone[n]) == 0;
		n += !known;
	}
	stmt_done(s);
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		rc = sql_prepare(db, s3_sql_absent, &s, e);
		if (rc == 0) {
			stmt_text(s, 1, str_of(gone[i]));
			stmt_text(s, 2, STR("")); /* no home is that */
			rc = run(s, e);
		}
	}
	return rc < 0 ? rc : 0;
}

int targets_settle(struct sql *db, const struct places *ps, int64_t ids[PLACES_MAX],
		   struct err *e)
{
	int64_t newest = 0;
	int rc = one_number(db, s3_sql_object_max, &newest, e);
	if (rc == 0)
		rc = forget_others(db, ps, e);
	for (size_t i = 0; rc == 0 && i < ps->n; i++)
		rc = settle_one(db, &ps->all[i], newest, &ids[i], e);
	return rc;
}

int copies_fill(struct sql *db, const struct fill *f, struct err *e)
{
	struct stmt *s;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < f->n; i++) {
		rc = sql_prepare(db, s3_sql_fill_one, &s, e);
		if (rc != 0)
			break;
		stmt_i64(s, 1, f->target);
		stmt_i64(s, 2, f->rows[i].object);
		stmt_i64(s, 3, f->rows[i].is_here);
		stmt_text(
			s, 4,
			str_of(f->rows[i].is_here ?
				       "" :
				       "the local file was no longer here when the place was added"));
		rc = run(s, e);
	}
	return rc == 0 ? RUN(db, s3_sql_filled, e, f->target, f->filled) : rc;
}

static int insert_proof(struct sql *db, const struct proof *p, int64_t *n, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_proof_insert, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, p->target);
	stmt_i64(s, 2, p->item->object);
	stmt_text(s, 3, str_of(p->v->version_id));
	stmt_text(s, 4, str_of(p->v->etag));
	stmt_i64(s, 5, (int64_t)p->v->bytes);
	stmt_text(s, 6, str_of(s3_lock_names[p->v->lock]));
	stmt_i64(s, 7, p->v->retain_until_ns);
	stmt_i64(s, 8, p->v->legal_hold);
	stmt_i64(s, 9, p->v->modified_ns);
	stmt_i64(s, 10, p->now_ns);
	rc = stmt_step(s, e);
	if (rc == 1)
		*n = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int copies_proven(struct sql *db, const struct proof *p, struct err *e)
{
	int64_t n = 0, is_new = !p->item->was_proven;
	int rc = insert_proof(db, p, &n, e);
	if (rc == 0)
		rc = RUN(db, s3_sql_copy_proven, e, p->target, p->item->object, n,
			 p->v->retain_until_ns, p->v->lock != S3_LOCK_NONE, p->now_ns);
	if (rc == 0)
		rc = RUN(db, s3_sql_target_proven, e, p->target, is_new,
			 is_new ? (int64_t)p->item->bytes : 0, p->now_ns, p->skew_ns);
	if (rc == 0 && p->ends_outage)
		rc = RUN(db, s3_sql_due_again, e, p->target);
	return rc;
}

static int item_failed(struct sql *db, const struct failure *f, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_copy_failed, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, f->target);
	stmt_i64(s, 2, f->item->object);
	stmt_i64(s, 3, f->gives_up);
	stmt_i64(s, 4, f->item_next_ns);
	stmt_text(s, 5, str_of(f->detail));
	return run(s, e);
}

int copies_failed(struct sql *db, const struct failure *f, struct err *e)
{
	struct stmt *s;
	int rc = f->item ? item_failed(db, f, e) : 0;
	if (rc != 0 || f->place_fails == 0)
		return rc;
	rc = sql_prepare(db, s3_sql_target_failed, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, f->target);
	stmt_i64(s, 2, f->place_fails);
	stmt_i64(s, 3, f->place_next_ns);
	stmt_text(s, 4, str_of(f->problem));
	stmt_text(s, 5, str_of(f->detail));
	stmt_i64(s, 6, f->now_ns);
	stmt_i64(s, 7, f->skew_ns);
	return run(s, e);
}

int copies_part(struct sql *db, const struct part *p, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_copy_part, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, p->target);
	stmt_i64(s, 2, p->object);
	stmt_text(s, 3, str_of(p->upload_id));
	stmt_i64(s, 4, (int64_t)p->done_bytes);
	return run(s, e);
}

int copies_settled(struct sql *db, int64_t target, int64_t object, struct err *e)
{
	return RUN(db, s3_sql_copy_settled, e, target, object);
}

int copies_finding(struct sql *db, const struct finding *f, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_copy_finding, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, f->target);
	stmt_i64(s, 2, f->item->object);
	stmt_i64(s, 3, f->now_ns);
	stmt_text(s, 4, str_of(f->what));
	stmt_i64(s, 5, f->wants);
	stmt_text(s, 6, str_of(f->words));
	stmt_i64(s, 7, f->is_lost);
	rc = run(s, e);
	if (rc != 0 || !f->what[0])
		return rc;
	rc = sql_prepare(db, s3_sql_target_alarm, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, f->target);
	stmt_text(s, 2, str_of(f->words));
	stmt_i64(s, 3, f->now_ns);
	return run(s, e);
}

int copies_looked(struct sql *db, int64_t target, int64_t now_ns, struct err *e)
{
	return RUN(db, s3_sql_looked, e, target, now_ns);
}

int copies_acknowledge(struct sql *db, int64_t target, struct err *e)
{
	int rc = RUN(db, s3_sql_acknowledge, e, target);
	return rc == 0 ? RUN(db, s3_sql_acknowledge_rest, e, target) : rc;
}

int copies_tested(struct sql *db, const struct tested *t, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_tested, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, t->target);
	stmt_i64(s, 2, t->at_ns);
	stmt_i64(s, 3, t->result);
	stmt_text(s, 4, t->steps);
	return run(s, e);
}

int copies_push(struct sql *db, struct err *e)
{
	int rc = sql_exec(db, s3_sql_push, e);
	if (rc == 0)
		rc = sql_exec(db, s3_sql_push_lacking, e);
	return rc == 0 ? sql_exec(db, s3_sql_push_targets, e) : rc;
}
