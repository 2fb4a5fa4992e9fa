/* The room's tables. Reads on any thread, writes through the store's. */
#include "rescue_sql.h"
#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/s3.h"

#define READ_NS (10 * NS_PER_S)

static void take_text(char *out, size_t cap, struct stmt *s, int col)
{
	(void)str_copy(out, cap, stmt_col_text(s, col)); /* our own short words */
}

static int run(struct stmt *s, struct err *e)
{
	int rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

/* One row of a statement without parameters or with a name: 1, 0, -ERR_X. */
static int read_one(struct store *st, const char *text, const char *name,
		    void (*take)(void *arg, struct stmt *s), void *arg, struct err *e)
{
	struct sql *db;
	struct stmt *s;
	int rc = store_read_begin(st, clock_mono_ns() + READ_NS, &db, e);
	if (rc != 0)
		return rc;
	rc = sql_prepare(db, text, &s, e);
	if (rc == 0) {
		if (name)
			stmt_text(s, 1, str_of(name));
		rc = stmt_step(s, e);
		if (rc == 1)
			take(arg, s);
		stmt_done(s);
	}
	store_read_end(st, db);
	return rc;
}

static void take_key(void *arg, struct stmt *s)
{
	struct key_row *k = arg;
	struct str public_key = stmt_col_blob(s, 1);
	take_text(k->id, sizeof(k->id), s, 0);
	if (public_key.n == KEY_BYTES)
		memcpy(k->public_key, public_key.p, KEY_BYTES);
	k->made_ns = stmt_col_i64(s, 2);
	take_text(k->made_by, sizeof(k->made_by), s, 3);
}

int key_row_read(struct store *st, struct key_row *out, struct err *e)
{
	struct key_row k = { 0 };
	int rc = read_one(st, rescue_sql_key, NULL, take_key, &k, e);
	if (rc == 0)
		return -ERR_NOTFOUND;
	if (rc == 1)
		*out = k;
	return rc < 0 ? rc : 0;
}

static int add_key(struct sql *db, void *arg, struct err *e)
{
	const struct key_row *k = arg;
	struct stmt *s;
	int rc = sql_prepare(db, rescue_sql_key_retire, &s, e);
	if (rc == 0) {
		stmt_i64(s, 1, k->made_ns);
		rc = run(s, e);
	}
	if (rc == 0)
		rc = sql_prepare(db, rescue_sql_key_add, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(k->id));
	stmt_blob(s, 2, k->public_key, KEY_BYTES);
	stmt_i64(s, 3, k->made_ns);
	stmt_text(s, 4, str_of(k->made_by));
	return run(s, e);
}

int key_row_add(struct store *st, const struct key_row *k, struct err *e)
{
	struct key_row copied = *k;
	return store_write(st, add_key, &copied, e);
}

struct addition {
	struct backup_row row;
	int64_t keep_ns;
};

static int put_state(struct sql *db, const char *name, int64_t at_ns, const char *words,
		     struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, rescue_sql_state_put, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(name));
	stmt_i64(s, 2, at_ns);
	stmt_text(s, 3, str_of(words));
	return run(s, e);
}

static int send(struct sql *db, const struct addition *a, struct err *e)
{
	const struct backup_row *b = &a->row;
	struct s3_object o = { .key = b->key,
			       .path = b->path,
			       .owner = "rescue",
			       .bytes = b->bytes,
			       .keep_ns = a->keep_ns,
			       .made_ns = b->made_ns };
	memcpy(o.sha256, b->sha256, sizeof(o.sha256));
	return s3_enqueue(db, &o, e);
}

static int add_backup(struct sql *db, void *arg, struct err *e)
{
	const struct addition *a = arg;
	const struct backup_row *b = &a->row;
	struct stmt *s;
	int rc = sql_prepare(db, rescue_sql_backup_add, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(b->key));
	stmt_text(s, 2, str_of(b->path));
	stmt_i64(s, 3, b->made_ns);
	stmt_i64(s, 4, b->took_ns);
	stmt_text(s, 5, str_of(b->asked_by));
	stmt_i64(s, 6, (int64_t)b->bytes);
	stmt_blob(s, 7, b->sha256, sizeof(b->sha256));
	stmt_i64(s, 8, (int64_t)b->database_bytes);
	stmt_i64(s, 9, (int64_t)b->rows);
	stmt_i64(s, 10, (int64_t)b->tables);
	stmt_i64(s, 11, b->oldest_day);
	stmt_text(s, 12, str_of(b->left_out));
	stmt_text(s, 13, str_of(b->key_id));
	rc = run(s, e);
	if (rc == 0)
		rc = put_state(db, "failed", 0, "", e);
	return rc == 0 ? send(db, a, e) : rc;
}

int backup_row_add(struct store *st, const struct backup_row *b, int64_t keep_ns, struct err *e)
{
	struct addition a = { .row = *b, .keep_ns = keep_ns };
	return store_write(st, add_backup, &a, e);
}

static void take_backup(struct stmt *s, struct backup_row *b)
{
	struct str sum = stmt_col_blob(s, 7);
	*b = (struct backup_row){ .id = stmt_col_i64(s, 0),
				  .made_ns = stmt_col_i64(s, 3),
				  .took_ns = stmt_col_i64(s, 4),
				  .bytes = (uint64_t)stmt_col_i64(s, 6),
				  .database_bytes = (uint64_t)stmt_col_i64(s, 8),
				  .rows = (uint64_t)stmt_col_i64(s, 9),
				  .tables = (uint64_t)stmt_col_i64(s, 10),
				  .oldest_day = (int32_t)stmt_col_i64(s, 11) };
	if (sum.n == sizeof(b->sha256))
		memcpy(b->sha256, sum.p, sum.n);
	take_text(b->key, sizeof(b->key), s, 1);
	take_text(b->path, sizeof(b->path), s, 2);
	take_text(b->asked_by, sizeof(b->asked_by), s, 5);
	take_text(b->left_out, sizeof(b->left_out), s, 12);
	take_text(b->key_id, sizeof(b->key_id), s, 13);
}

int backup_rows(struct store *st, bool local, size_t limit,
		int (*one)(void *arg, struct sql *db, const struct backup_row *b), void *arg,
		struct err *e)
{
	struct sql *db;
	struct stmt *s;
	struct backup_row b;
	int rc = store_read_begin(st, clock_mono_ns() + READ_NS, &db, e);
	if (rc != 0)
		return rc;
	rc = sql_prepare(db, local ? rescue_sql_local_backups : rescue_sql_backups, &s, e);
	if (rc == 0) {
		stmt_i64(s, 1, (int64_t)limit);
		while ((rc = stmt_step(s, e)) == 1) {
			take_backup(s, &b);
			rc = one(arg, db, &b);
			if (rc != 0)
				break;
		}
		stmt_done(s);
	}
	store_read_end(st, db);
	return rc;
}

static int forget_path(struct sql *db, void *arg, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, rescue_sql_backup_forget, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, *(const int64_t *)arg);
	return run(s, e);
}

int backup_row_forget_path(struct store *st, int64_t id, struct err *e)
{
	return store_write(st, forget_path, &id, e);
}

static int add_rehearsal(struct sql *db, void *arg, struct err *e)
{
	const struct rehearsal_row *r = arg;
	struct stmt *s;
	int rc = sql_prepare(db, rescue_sql_rehearsal_add, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, r->at_ns);
	stmt_i64(s, 2, r->took_ns);
	stmt_text(s, 3, str_of(r->asked_by));
	stmt_text(s, 4, str_of(r->source));
	stmt_i64(s, 5, r->made_ns);
	stmt_i64(s, 6, (int64_t)r->rows);
	stmt_i64(s, 7, (int64_t)r->tables);
	stmt_i64(s, 8, r->good);
	stmt_text(s, 9, str_of(r->words));
	stmt_text(s, 10, str_of(r->code));
	return run(s, e);
}

int rehearsal_row_add(struct store *st, const struct rehearsal_row *r, struct err *e)
{
	struct rehearsal_row copied = *r;
	return store_write(st, add_rehearsal, &copied, e);
}

static void take_rehearsal(void *arg, struct stmt *s)
{
	struct rehearsal_row *r = arg;
	*r = (struct rehearsal_row){ .at_ns = stmt_col_i64(s, 0),
				     .took_ns = stmt_col_i64(s, 1),
				     .made_ns = stmt_col_i64(s, 4),
				     .rows = (uint64_t)stmt_col_i64(s, 5),
				     .tables = (uint64_t)stmt_col_i64(s, 6),
				     .good = stmt_col_i64(s, 7) != 0 };
	take_text(r->asked_by, sizeof(r->asked_by), s, 2);
	take_text(r->source, sizeof(r->source), s, 3);
	take_text(r->words, sizeof(r->words), s, 8);
	take_text(r->code, sizeof(r->code), s, 9);
}

int rehearsal_row_last(struct store *st, bool good, struct rehearsal_row *out, struct err *e)
{
	int rc = read_one(st, good ? rescue_sql_rehearsal_last_good : rescue_sql_rehearsal_last,
			  NULL, take_rehearsal, out, e);
	return rc == 1 ? 0 : rc == 0 ? -ERR_NOTFOUND : rc;
}

struct state {
	const char *name, *words;
	int64_t at_ns;
	char *out;
	size_t cap;
};

static int write_state(struct sql *db, void *arg, struct err *e)
{
	const struct state *s = arg;
	return put_state(db, s->name, s->at_ns, s->words, e);
}

int state_row_put(struct store *st, const char *name, int64_t at_ns, const char *words,
		  struct err *e)
{
	struct state s = { .name = name, .words = words, .at_ns = at_ns };
	return store_write(st, write_state, &s, e);
}

static void take_state(void *arg, struct stmt *s)
{
	struct state *t = arg;
	t->at_ns = stmt_col_i64(s, 0);
	take_text(t->out, t->cap, s, 1);
}

int state_row_read(struct store *st, const char *name, int64_t *at_ns, char *words, size_t cap,
		   struct err *e)
{
	struct state t = { .out = words, .cap = cap };
	words[0] = '\0';
	int rc = read_one(st, rescue_sql_state, name, take_state, &t, e);
	if (rc >= 0)
		*at_ns = t.at_ns;
	return rc < 0 ? rc : 0;
}
