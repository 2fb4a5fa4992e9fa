/* Rows of job_run. Reads on any thread, writes through the store's thread. */
#include <stdio.h>

#include "jobs.h"
#include "jobs_sql.h"
#include "tomsd/base/clock.h"

#define TEXT_MAX (1u << 20)
#define FORGET_NS (30 * 86400 * NS_PER_S) /* people may look for a month */

void job_row_fini(struct job_row *r)
{
	buf_fini(&r->text);
}

static void copy(char *out, size_t cap, struct stmt *s, int col)
{
	(void)str_copy(out, cap, stmt_col_text(s, col)); /* our own short names */
}

/* Columns as jobs_sql_get has them. */
static int take_row(struct stmt *s, struct job_row *r, struct err *e)
{
	static const int texts[] = { 10, 11, 13 };
	size_t at[ARRAY_LEN(texts) + 1];
	*r = (struct job_row){ .id = stmt_col_i64(s, 0),
			       .asked_ns = stmt_col_i64(s, 4),
			       .started_ns = stmt_col_i64(s, 5),
			       .ended_ns = stmt_col_i64(s, 6),
			       .done = (uint64_t)stmt_col_i64(s, 7),
			       .total = (uint64_t)stmt_col_i64(s, 8),
			       .clean_ns = stmt_col_i64(s, 12),
			       .session = stmt_col_i64(s, 16) };
	copy(r->kind, sizeof(r->kind), s, 1);
	copy(r->state, sizeof(r->state), s, 2);
	copy(r->user, sizeof(r->user), s, 3);
	copy(r->unit, sizeof(r->unit), s, 9);
	copy(r->role, sizeof(r->role), s, 14);
	copy(r->origin, sizeof(r->origin), s, 15);
	copy(r->lang, sizeof(r->lang), s, 17);
	buf_init(&r->text, TEXT_MAX);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		at[i] = r->text.n;
		buf_str(&r->text, stmt_col_text(s, texts[i]));
	}
	if (buf_failed(&r->text)) {
		buf_fini(&r->text);
		return err_set(e, ERR_NOMEM, "no memory for a job");
	}
	at[ARRAY_LEN(texts)] = r->text.n;
	struct str all = buf_view(&r->text);
	r->result = str_sub(all, at[0], at[1] - at[0]);
	r->error = str_sub(all, at[1], at[2] - at[1]);
	r->asked = str_sub(all, at[2], at[3] - at[2]);
	return 0;
}

int job_row_read(struct store *st, int64_t id, int64_t deadline_mono_ns, struct job_row *out,
		 struct err *e)
{
	struct sql *db;
	struct stmt *s;
	int rc = store_read_begin(st, deadline_mono_ns, &db, e);
	if (rc != 0)
		return rc;
	rc = sql_prepare(db, jobs_sql_get, &s, e);
	if (rc == 0) {
		stmt_i64(s, 1, id);
		rc = stmt_step(s, e);
		rc = rc == 1 ? take_row(s, out, e) : rc == 0 ? -ERR_NOTFOUND : rc;
		stmt_done(s);
	}
	store_read_end(st, db);
	return rc;
}

int job_rows_list(struct store *st, const char *user, size_t limit, int64_t deadline_mono_ns,
		  void (*row)(void *arg, const struct job_row *r), void *arg, struct err *e)
{
	struct sql *db;
	struct stmt *s;
	int rc = store_read_begin(st, deadline_mono_ns, &db, e);
	if (rc != 0)
		return rc;
	rc = sql_prepare(db, jobs_sql_list, &s, e);
	if (rc == 0) {
		if (user)
			stmt_text(s, 1, str_of(user));
		else
			stmt_null(s, 1);
		stmt_i64(s, 2, (int64_t)limit);
		struct job_row r;
		while ((rc = stmt_step(s, e)) == 1) {
			rc = take_row(s, &r, e);
			if (rc != 0)
				break;
			row(arg, &r);
			job_row_fini(&r);
		}
		stmt_done(s);
	}
	store_read_end(st, db);
	return rc;
}

struct addition {
	const struct job_kind *kind;
	const struct request *rq;
	const char *asked;
	int64_t id;
};

static int count_of(struct sql *db, const struct addition *a, int64_t *n, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, jobs_sql_count, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(a->kind->name));
	stmt_text(s, 2, str_of(a->rq->who.name));
	rc = stmt_step(s, e);
	*n = rc == 1 ? stmt_col_i64(s, 0) : 0;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int add(struct sql *db, void *arg, struct err *e)
{
	struct addition *a = arg;
	struct stmt *s;
	int64_t n = 0;
	int rc = a->kind->at_once ? count_of(db, a, &n, e) : 0;
	if (rc == 0 && a->kind->at_once && n >= (int64_t)a->kind->at_once)
		return -ERR_FULL;
	if (rc == 0)
		rc = sql_prepare(db, jobs_sql_insert, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(a->kind->name));
	stmt_text(s, 2, str_of(a->rq->who.name));
	stmt_text(s, 3, str_of(role_names[a->rq->who.role]));
	stmt_text(s, 4, str_of(a->rq->who.from));
	stmt_i64(s, 5, a->rq->who.session_id);
	stmt_text(s, 6, str_of(a->rq->lang));
	stmt_text(s, 7, str_of(a->asked));
	stmt_i64(s, 8, clock_now_ns());
	stmt_text(s, 9, str_of(a->kind->unit));
	rc = stmt_step(s, e);
	if (rc == 1)
		a->id = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int job_row_add(struct store *st, const struct job_kind *k, const struct request *rq,
		const char *asked, int64_t *id, struct err *e)
{
	struct addition a = { .kind = k, .rq = rq, .asked = asked };
	int rc = store_write(st, add, &a, e);
	*id = a.id;
	return rc;
}

static int started(struct sql *db, void *arg, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, jobs_sql_start, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, *(const int64_t *)arg);
	stmt_i64(s, 2, clock_now_ns());
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int job_row_started(struct store *st, int64_t id, struct err *e)
{
	return store_write(st, started, &id, e);
}

static int ended(struct sql *db, void *arg, struct err *e)
{
	const struct job_end *end = arg;
	struct stmt *s;
	int rc = sql_prepare(db, jobs_sql_end, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, end->id);
	stmt_text(s, 2, str_of(end->state));
	stmt_i64(s, 3, clock_now_ns());
	stmt_i64(s, 4, (int64_t)end->done);
	stmt_i64(s, 5, (int64_t)end->total);
	stmt_text(s, 6, end->result.p ? end->result : STR(""));
	stmt_text(s, 7, str_of(end->error));
	stmt_i64(s, 8, end->clean_ns);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int job_row_ended(struct store *st, const struct job_end *end, struct err *e)
{
	struct job_end copied = *end;
	return store_write(st, ended, &copied, e);
}

static int at_time(struct sql *db, const char *text, int64_t at_ns, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, text, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, at_ns);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int interrupt(struct sql *db, void *arg, struct err *e)
{
	return at_time(db, jobs_sql_interrupt, *(const int64_t *)arg, e);
}

int job_rows_interrupt(struct store *st, struct err *e)
{
	int64_t now = clock_now_ns();
	return store_write(st, interrupt, &now, e);
}

static int tidy(struct sql *db, void *arg, struct err *e)
{
	int64_t now = *(const int64_t *)arg;
	int rc = at_time(db, jobs_sql_clean, now, e);
	return rc == 0 ? at_time(db, jobs_sql_forget, now - FORGET_NS, e) : rc;
}

int job_rows_tidy(struct store *st, int64_t now_ns,
		  void (*stale)(void *arg, int64_t id, const char *kind), void *arg,
		  struct err *e)
{
	struct sql *db;
	struct stmt *s;
	char kind[24];
	int rc = store_read_begin(st, clock_mono_ns() + 10 * NS_PER_S, &db, e);
	if (rc != 0)
		return rc;
	rc = sql_prepare(db, jobs_sql_stale, &s, e);
	if (rc == 0) {
		stmt_i64(s, 1, now_ns);
		while ((rc = stmt_step(s, e)) == 1) {
			copy(kind, sizeof(kind), s, 1);
			stale(arg, stmt_col_i64(s, 0), kind);
		}
		stmt_done(s);
	}
	store_read_end(st, db);
	return rc == 0 ? store_write(st, tidy, &now_ns, e) : rc;
}

bool job_is_theirs(const struct request *rq, const struct job_row *r)
{
	return rq->who.role == ROLE_ADMIN || strcmp(rq->who.name, r->user) == 0;
}
