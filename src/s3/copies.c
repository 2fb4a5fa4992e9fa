/* Looks at the tables: what a place is known to be, what waits there, what is to be looked at again. With a
 * reader, or inside store_write. */
#include "copies.h"

#include "s3_sql.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"

#define CLOCK_WENT_BACK_NS (2 * 3600 * NS_PER_S) /* no back-off is as long as this */

static void text(char *out, size_t cap, struct stmt *s, int col)
{
	(void)str_copy(out, cap,
		       stmt_col_text(s, col)); /* longer ones were cut when they were written */
}

void target_fini(struct target *t)
{
	buf_fini(&t->steps);
}

static void target_take(struct stmt *s, struct target *t)
{
	*t = (struct target){ .id = stmt_col_i64(s, 0),
			      .filled = stmt_col_i64(s, 2),
			      .fill_until = stmt_col_i64(s, 3),
			      .proven = (uint64_t)stmt_col_i64(s, 4),
			      .proven_bytes = (uint64_t)stmt_col_i64(s, 5),
			      .last_proven_ns = stmt_col_i64(s, 6),
			      .fails = (uint32_t)stmt_col_i64(s, 7),
			      .next_try_ns = stmt_col_i64(s, 8),
			      .problem_ns = stmt_col_i64(s, 11),
			      .skew_ns = stmt_col_i64(s, 12),
			      .alarm_ns = stmt_col_i64(s, 14),
			      .looked_ns = stmt_col_i64(s, 15),
			      .test_ns = stmt_col_i64(s, 16),
			      .test_result = (enum test_result)stmt_col_i64(s, 17) };
	text(t->name, sizeof(t->name), s, 1);
	text(t->problem, sizeof(t->problem), s, 9);
	text(t->detail, sizeof(t->detail), s, 10);
	text(t->alarm, sizeof(t->alarm), s, 13);
	buf_init(&t->steps, 64u << 10);
	buf_str(&t->steps, stmt_col_text(s, 18));
}

static int target_one(struct stmt *s, struct target *out, struct err *e)
{
	int rc = stmt_step(s, e);
	if (rc == 1)
		target_take(s, out);
	stmt_done(s);
	return rc == 1 ? 0 : rc == 0 ? -ERR_NOTFOUND : rc;
}

int target_read(struct sql *db, int64_t id, struct target *out, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_target, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, id);
	return target_one(s, out, e);
}

int target_named(struct sql *db, const char *name, struct target *out, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_target_named, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(name));
	return target_one(s, out, e);
}

static int count_of(struct sql *db, const char *sql, int64_t target, uint64_t *n, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, target);
	rc = stmt_step(s, e);
	if (rc == 1)
		*n = (uint64_t)stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int target_sums(struct sql *db, int64_t target, struct sums *out, struct err *e)
{
	struct stmt *s;
	struct sums sums = { 0 };
	int rc = sql_prepare(db, s3_sql_sums, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, target);
	rc = stmt_step(s, e);
	if (rc == 1) {
		sums.waiting = (uint64_t)stmt_col_i64(s, 0);
		sums.waiting_bytes = (uint64_t)stmt_col_i64(s, 1);
		sums.oldest_ns = stmt_col_i64(s, 2);
	}
	stmt_done(s);
	if (rc >= 0)
		rc = count_of(db, s3_sql_findings, target, &sums.findings, e);
	if (rc == 0)
		rc = count_of(db, s3_sql_failed_ones, target, &sums.failed, e);
	if (rc == 0)
		*out = sums;
	return rc;
}

static enum s3_lock lock_named(struct str name)
{
	for (unsigned i = 0; i <= S3_LOCK_COMPLIANCE; i++)
		if (str_eq(name, str_of(s3_lock_names[i])))
			return (enum s3_lock)i;
	return S3_LOCK_NONE;
}

static void item_take(struct stmt *s, struct item *it)
{
	struct str sum = stmt_col_blob(s, 9);
	*it = (struct item){ .object = stmt_col_i64(s, 0),
			     .wants = (enum wants)stmt_col_i64(s, 1),
			     .tries = (uint32_t)stmt_col_i64(s, 2),
			     .done_bytes = (uint64_t)stmt_col_i64(s, 4),
			     .proof = stmt_col_i64(s, 5),
			     .bytes = (uint64_t)stmt_col_i64(s, 8),
			     .keep_ns = stmt_col_i64(s, 10),
			     .hold_ns = stmt_col_i64(s, 11),
			     .made_ns = stmt_col_i64(s, 12),
			     .lock = lock_named(stmt_col_text(s, 14)),
			     .retain_until_ns = stmt_col_i64(s, 15),
			     .proof_bytes = (uint64_t)stmt_col_i64(s, 16) };
	it->was_proven = it->proof > 0;
	text(it->upload_id, sizeof(it->upload_id), s, 3);
	text(it->key, sizeof(it->key), s, 6);
	text(it->path, sizeof(it->path), s, 7);
	text(it->version_id, sizeof(it->version_id), s, 13);
	if (sum.n == sizeof(it->sha256))
		memcpy(it->sha256, sum.p, sum.n);
}

int copies_next(struct sql *db, int64_t target, int64_t now_ns, struct item *out, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_next, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, target);
	stmt_i64(s, 2, now_ns);
	stmt_i64(s, 3, now_ns + CLOCK_WENT_BACK_NS);
	rc = stmt_step(s, e);
	if (rc == 1)
		item_take(s, out);
	stmt_done(s);
	return rc;
}

int copies_due(struct sql *db, int64_t target, int64_t *next_ns, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_due, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, target);
	rc = stmt_step(s, e);
	*next_ns = rc == 1 && !stmt_col_null(s, 0) ? stmt_col_i64(s, 0) : INT64_MAX;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static bool has(const struct item *items, size_t n, int64_t object)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].object == object)
			return true;
	return false;
}

/* One look of the sample: rows of sql with ?3 = third. How many there are afterwards. */
static int sample_some(struct sql *db, const char *sql, const int64_t bound[3],
		       struct item *out, size_t n, size_t max, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, sql, &s, e);
	if (rc != 0)
		return rc;
	for (int i = 0; i < 3; i++)
		stmt_i64(s, i + 1, bound[i]);
	while (n < max && (rc = stmt_step(s, e)) == 1) {
		item_take(s, &out[n]);
		n += !has(out, n, out[n].object);
	}
	stmt_done(s);
	return rc < 0 ? rc : (int)n;
}

int copies_sample(struct sql *db, int64_t target, int64_t now_ns, struct item *out, size_t max,
		  struct err *e)
{
	int64_t bound[3] = { target, now_ns, (int64_t)(max - max / 3) };
	uint64_t newest = 0, dice;
	struct stmt *s;
	int n = sample_some(db, s3_sql_sample_old, bound, out, 0, max, e);
	int rc = n < 0 ? n : sql_prepare(db, s3_sql_object_max, &s, e);
	if (rc != 0)
		return rc;
	rc = stmt_step(s, e);
	newest = rc == 1 ? (uint64_t)stmt_col_i64(s, 0) : 0;
	stmt_done(s);
	for (size_t i = 0; rc >= 0 && i < max / 3 && newest > 0; i++) {
		file_random(&dice, sizeof(dice));
		bound[2] = (int64_t)(dice % newest) + 1;
		rc = sample_some(db, s3_sql_sample_random, bound, out, (size_t)n, max, e);
		n = rc < 0 ? n : rc;
	}
	return rc < 0 ? rc : n;
}

int copies_fill_rows(struct sql *db, const struct target *t, struct fill_row *out, size_t max,
		     struct err *e)
{
	struct stmt *s;
	size_t n = 0;
	int rc = sql_prepare(db, s3_sql_fill_rows, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, t->filled);
	stmt_i64(s, 2, t->fill_until);
	stmt_i64(s, 3, (int64_t)max);
	while (n < max && (rc = stmt_step(s, e)) == 1) {
		out[n].object = stmt_col_i64(s, 0);
		text(out[n].path, sizeof(out[n].path), s, 1);
		out[n].is_here = false;
		n++;
	}
	stmt_done(s);
	return rc < 0 ? rc : (int)n;
}
