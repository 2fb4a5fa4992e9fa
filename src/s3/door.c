/* What other rooms ask of this one in the database: objects in, proofs out. Inside store_write, or with a reader. */
#include "copies.h"
#include "s3_sql.h"

const char *const s3_state_names[] = { "waiting", "sending", "proven", "failed", NULL };

static int insert_object(struct sql *db, const struct s3_object *o, int64_t *id, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_object_insert, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(o->key));
	stmt_text(s, 2, str_of(o->path));
	stmt_text(s, 3, str_of(o->owner));
	stmt_i64(s, 4, (int64_t)o->bytes);
	stmt_blob(s, 5, o->sha256, sizeof(o->sha256));
	stmt_i64(s, 6, o->keep_ns);
	stmt_i64(s, 7, o->made_ns);
	stmt_i64(s, 8, o->priority);
	rc = stmt_step(s, e);
	if (rc == 1)
		*id = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

/* 1: known and the same, 0: not known. */
static int find_object(struct sql *db, const struct s3_object *o, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_object_find, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(o->key));
	rc = stmt_step(s, e);
	if (rc == 1) {
		struct str sum = stmt_col_blob(s, 1);
		if (sum.n != sizeof(o->sha256) || memcmp(sum.p, o->sha256, sum.n) != 0)
			rc = err_set(e, ERR_EXISTS,
				     "an object of other bytes has the key %s already", o->key);
	}
	stmt_done(s);
	return rc;
}

int s3_enqueue(struct sql *db, const struct s3_object *o, struct err *e)
{
	struct stmt *s;
	int64_t id = 0;
	struct item sizes;
	if (strlen(o->key) >= sizeof(sizes.key) || strlen(o->path) >= sizeof(sizes.path))
		return err_set(e, ERR_RANGE, "key or path of an object is too long: %s",
			       o->key);
	int rc = find_object(db, o, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = insert_object(db, o, &id, e);
	if (rc == 0)
		rc = sql_prepare(db, s3_sql_copies_insert, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, id);
	stmt_i64(s, 2, o->priority);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static void text(char *out, size_t cap, struct stmt *s, int col)
{
	(void)str_copy(out, cap, stmt_col_text(s, col)); /* written from fields as large */
}

/* sha256 of the object at col, then the columns of PROOF. */
static void version_take(struct stmt *s, int col, struct s3_version *v)
{
	struct str sum = stmt_col_blob(s, col), lock = stmt_col_text(s, col + 4);
	*v = (struct s3_version){ .bytes = (uint64_t)stmt_col_i64(s, col + 3),
				  .retain_until_ns = stmt_col_i64(s, col + 5),
				  .legal_hold = stmt_col_i64(s, col + 6) != 0,
				  .modified_ns = stmt_col_i64(s, col + 7),
				  .has_sha256 = sum.n == sizeof(v->sha256) };
	text(v->version_id, sizeof(v->version_id), s, col + 1);
	text(v->etag, sizeof(v->etag), s, col + 2);
	for (unsigned i = 0; i <= S3_LOCK_COMPLIANCE; i++)
		if (str_eq(lock, str_of(s3_lock_names[i])))
			v->lock = (enum s3_lock)i;
	if (v->has_sha256)
		memcpy(v->sha256, sum.p, sum.n);
}

static void kept_take(struct stmt *s, struct s3_kept *k)
{
	int64_t state = stmt_col_i64(s, 1);
	*k = (struct s3_kept){ .tries = (uint32_t)stmt_col_i64(s, 3),
			       .next_try_ns = stmt_col_i64(s, 4),
			       .proven_ns = stmt_col_i64(s, 14) };
	k->state = state >= S3_WAITING && state <= S3_FAILED ? (enum s3_state)state : S3_FAILED;
	text(k->place, sizeof(k->place), s, 0);
	text(k->words, sizeof(k->words), s, 5);
	version_take(s, 6, &k->v);
}

int s3_kept(struct sql *db, const char *key, int (*one)(void *arg, const struct s3_kept *k),
	    void *arg, struct err *e)
{
	struct stmt *s;
	struct s3_kept k;
	int rc = sql_prepare(db, s3_sql_kept, &s, e), said = 0;
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(key));
	while (said == 0 && (rc = stmt_step(s, e)) == 1) {
		kept_take(s, &k);
		said = one(arg, &k);
	}
	stmt_done(s);
	return said != 0 ? said : rc;
}

int s3_is_kept_everywhere(struct sql *db, const char *key, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_kept_everywhere, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(key));
	rc = stmt_step(s, e);
	if (rc == 1)
		rc = stmt_col_i64(s, 0) != 0;
	stmt_done(s);
	return rc;
}

int s3_proofs(struct sql *db, int64_t after, int (*one)(void *arg, const struct s3_proof *p),
	      void *arg, struct err *e)
{
	struct stmt *s;
	struct s3_proof p;
	int rc = sql_prepare(db, s3_sql_proofs, &s, e), said = 0;
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, after);
	while (said == 0 && (rc = stmt_step(s, e)) == 1) {
		p = (struct s3_proof){ .n = stmt_col_i64(s, 1) };
		p.k.state = S3_PROVEN;
		p.k.proven_ns = stmt_col_i64(s, 11);
		text(p.k.place, sizeof(p.k.place), s, 0);
		text(p.key, sizeof(p.key), s, 2);
		version_take(s, 3, &p.k.v);
		said = one(arg, &p);
	}
	stmt_done(s);
	return said != 0 ? said : rc;
}

int s3_extend(struct sql *db, const char *key, int64_t until_ns, struct err *e)
{
	struct stmt *s;
	int64_t id = 0;
	int rc = sql_prepare(db, s3_sql_hold, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(key));
	stmt_i64(s, 2, until_ns);
	rc = stmt_step(s, e);
	if (rc == 1)
		id = stmt_col_i64(s, 0);
	stmt_done(s);
	if (rc == 0)
		return err_set(e, ERR_NOTFOUND, "no object has the key %s", key);
	if (rc > 0)
		rc = sql_prepare(db, s3_sql_hold_copies, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, id);
	stmt_i64(s, 2, until_ns);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}
