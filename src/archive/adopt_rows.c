/* What adopted manifests say, entered as if it had been sealed here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adopt.h"
#include "tomsd/audit_row.h"
#include "tomsd/base/clock.h"

enum { OBJECTS_MAX = 8 << 20, GONE_AT_ONCE = 1000 };

static const char sql_keys[] =
	"SELECT id, public_key, since_seq FROM archive_key ORDER BY since_seq = 0, since_seq, rowid";
static const char sql_key_since[] = "UPDATE archive_key SET since_seq = ?2 WHERE id = ?1 AND since_seq = 0";
static const char sql_uncut_seal[] = "DELETE FROM archive_seal WHERE seq = ?1 AND state = 'cut'";
static const char sql_uncut_span[] =
	"DELETE FROM archive_span WHERE seq = ?1 AND seq NOT IN (SELECT seq FROM archive_seal)";
static const char sql_local[] = "SELECT id, key FROM archive_object WHERE is_local = 1 ORDER BY id";
static const char sql_gone[] = "UPDATE archive_object SET is_local = 0, gone_ns = ?2 WHERE id = ?1";
static const char sql_objects[] = "SELECT key, sha256, bytes FROM archive_object ORDER BY id";

static int run(struct stmt *q, struct err *e)
{
	int rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

/* ---- The head and the keys. ---- */

static int load_keys(struct sql *db, struct adoption *a, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_keys, &q, e);
	if (rc)
		return rc;
	while (a->n_keys < MANIFEST_KEYS_MAX && (rc = stmt_step(q, e)) > 0) {
		struct manifest_key k = { .since_seq = (uint64_t)stmt_col_i64(q, 2) };
		struct str public_key = stmt_col_blob(q, 1);
		(void)str_copy(k.id, sizeof(k.id), stmt_col_text(q, 0));
		if (public_key.n == sizeof(k.public_key))
			memcpy(k.public_key, public_key.p, public_key.n);
		/* The very first key signs from the first manifest on. */
		if (k.since_seq == 0 && a->n_keys > 0) {
			a->waiting = k;
			a->has_waiting = true;
		} else {
			a->keys[a->n_keys++] = k;
		}
	}
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

/* The newest that is sealed: -ERR_NOTFOUND. */
static int load_head(struct sql *db, struct seal *s, struct err *e)
{
	int rc = seal_load_last(db, s, e);
	if (!rc && !s->is_sealed)
		rc = s->seq > 1 ? seal_load(db, s->seq - 1, s, e) : -ERR_NOTFOUND;
	return rc;
}

int archive_head(struct sql *db, bool *has, uint64_t *seq, int64_t *until_ns, struct err *e)
{
	struct seal *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory");
	int rc = load_head(db, s, e);
	*has = rc == 0;
	*seq = s->seq;
	*until_ns = s->until_ns;
	free(s);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

static int load(struct sql *db, void *arg, struct err *e)
{
	struct adoption *a = arg;
	int rc = load_head(db, &a->last, e);
	a->has_last = rc == 0;
	if (rc && rc != -ERR_NOTFOUND)
		return rc;
	if (a->has_last)
		(void)str_copy(a->appliance, sizeof(a->appliance), str_of(a->last.appliance));
	return load_keys(db, a, e);
}

int adopt_load(struct adoption *a, struct err *e)
{
	return seal_read(a->store, load, a, e);
}

struct known {
	struct seal seal;
	uint64_t seq;
};

static int load_one(struct sql *db, void *arg, struct err *e)
{
	struct known *k = arg;
	return seal_load(db, k->seq, &k->seal, e);
}

int adopt_known(struct adoption *a, uint64_t seq, uint8_t sha256[CRYPT_SHA256_BYTES], struct err *e)
{
	struct known *k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, ERR_NOMEM, "out of memory");
	k->seq = seq;
	int rc = seal_read(a->store, load_one, k, e);
	if (rc == 0)
		memcpy(sha256, k->seal.sha256, CRYPT_SHA256_BYTES);
	free(k);
	return rc;
}

/* ---- One manifest. ---- */

static void text_of(const struct adopting *g, const struct json_node *o, const char *name, char *out, size_t cap)
{
	if (!json_text(json_get(&g->m.doc, o, name), out, cap))
		out[0] = '\0';
}

static int newest_proof(void *arg, const struct s3_proof *p)
{
	*(int64_t *)arg = p->n;
	return 0;
}

static void fill_seal(struct adopting *g, struct seal *s)
{
	const struct manifest *m = &g->m;
	const struct json_node *root = m->doc.nodes, *clock = json_get(&m->doc, root, "clock");
	const struct json_node *gaps = json_get(&m->doc, root, "gaps"), *seconds;
	int64_t boot_s = 0;
	char by[64];
	*s = (struct seal){ .seq = m->seq,
			    .since_ns = m->since_ns,
			    .until_ns = m->until_ns,
			    .wall_ns = m->sealed_at_ns,
			    .sealed_ns = m->sealed_at_ns,
			    .rows = g->rows,
			    .bytes = g->bytes,
			    .gaps = gaps && gaps->type == JSON_ARRAY ? gaps->count : 0,
			    .manifest_bytes = g->json.n };
	seconds = json_get(&m->doc, clock, "monotonic_s");
	if (seconds && json_int(seconds, &boot_s) && boot_s >= 0 && boot_s < INT64_MAX / NS_PER_S)
		s->boot_ns = boot_s * NS_PER_S;
	text_of(g, clock, "state", s->clock, sizeof(s->clock));
	text_of(g, root, "boot_id", s->boot_id, sizeof(s->boot_id));
	text_of(g, root, "created_by", by, sizeof(by));
	const char *version = strrchr(by, ' ');
	(void)str_copy(s->version, sizeof(s->version), str_of(version ? version + 1 : by));
	(void)str_copy(s->appliance, sizeof(s->appliance), m->appliance);
	(void)str_copy(s->key_id, sizeof(s->key_id), str_of(g->key_id));
	(void)str_copy(s->also_key_id, sizeof(s->also_key_id), str_of(g->also_key_id));
	(void)str_copy(s->lock_mode, sizeof(s->lock_mode), STR("NONE"));
	if (g->n_objects) {
		(void)str_copy(s->lock_mode, sizeof(s->lock_mode), g->objects[0].lock_mode);
		s->lock_keep_s = (int64_t)g->objects[0].lock_keep_s;
	}
	memcpy(s->sha256, g->sha256, sizeof(s->sha256));
}

/* A seal that was begun before the backup and ended behind it: the manifest says how. */
static int take_cut_away(struct sql *db, uint64_t seq, struct err *e)
{
	static const char *const texts[] = { sql_uncut_seal, sql_uncut_span };
	int rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(texts) && rc == 0; i++) {
		struct stmt *q;
		rc = sql_prepare(db, texts[i], &q, e);
		if (rc == 0) {
			stmt_i64(q, 1, (int64_t)seq);
			rc = run(q, e);
		}
	}
	return rc;
}

static int enter_days(struct sql *db, const struct adopting *g, const struct manifest_object *o, struct err *e)
{
	const struct record *record = record_by_name(o->kind);
	struct manifest_day d;
	struct seal_span s = { .day = 0 };
	size_t at = 0;
	int got, rc = 0;
	(void)str_copy(s.kind, sizeof(s.kind), o->kind);
	while (rc == 0 && (got = manifest_day(&g->m, o, &at, &d, e)) == 1) {
		s.day = d.day;
		s.after = d.after;
		s.last = d.last;
		s.rows = (int64_t)d.rows;
		rc = seal_span_insert(db, g->m.seq, &s, e);
		if (rc == 0 && record && d.day)
			rc = store_mark_gone(db, record, d.day, d.last, e);
		else if (rc == 0)
			rc = archive_state_put(db, s.kind, d.last, e); /* of rows without days: cut up to here */
	}
	return rc ? rc : got < 0 ? got : 0;
}

static int enter_object(struct sql *db, struct adopting *g, size_t i, struct err *e)
{
	const struct manifest_object *o = &g->objects[i];
	struct sealed_object *to = calloc(1, sizeof(*to));
	if (!to)
		return err_set(e, ERR_NOMEM, "out of memory");
	*to = (struct sealed_object){ .bytes = o->bytes,
				      .rows = o->rows,
				      .row_groups = o->row_groups,
				      .first_id = o->first_id,
				      .last_id = o->last_id,
				      .since_ns = o->since_ns,
				      .until_ns = o->until_ns };
	(void)str_copy(to->kind, sizeof(to->kind), o->kind);
	(void)str_copy(to->key, sizeof(to->key), o->key);
	memcpy(to->sha256, o->sha256, sizeof(to->sha256));
	memcpy(to->merkle_root, o->merkle_root, sizeof(to->merkle_root));
	int rc = seal_object_insert(db, g->m.seq, to, &g->object_ids[i], e);
	free(to);
	return rc ? rc : enter_days(db, g, o, e);
}

static int enter_file(struct sql *db, const struct adoption *a, const struct adopted_file *f, int64_t made_ns,
		      struct err *e)
{
	char path[ARCHIVE_KEY_MAX + sizeof(ARCHIVE_FOLDER)];
	struct s3_object o = { .key = f->key,
			       .path = path,
			       .owner = "archive",
			       .bytes = f->bytes,
			       .made_ns = made_ns,
			       .priority = f->key[0] == '_' ? 0 : 1 };
	(void)snprintf(path, sizeof(path), ARCHIVE_FOLDER "/%s", f->key);
	memcpy(o.sha256, f->sha256, sizeof(o.sha256));
	return f->is_found ? s3_adopt(db, from_place_name(a->from), &o, &f->v, e) : s3_enqueue(db, &o, e);
}

static int enter_key(struct sql *db, const struct adopting *g, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_key_since, &q, e);
	if (rc)
		return rc;
	stmt_text(q, 1, str_of(g->key_id));
	stmt_i64(q, 2, (int64_t)g->m.keys[g->m.n_keys - 1].since_seq);
	rc = run(q, e);
	return rc == 0 && g->also_key_id[0] ? keys_retire(db, g->also_key_id, e) : rc;
}

static int enter(struct sql *db, void *arg, struct err *e)
{
	struct adopting *g = arg;
	struct seal s;
	int64_t proofs = g->a->last.proofs_last;
	fill_seal(g, &s);
	/* Receipts of what came before stand in this manifest. */
	int rc = s3_proofs(db, g->a->last.proofs_last, newest_proof, &proofs, e);
	s.proofs_after = s.proofs_last = proofs;
	if (rc == 0)
		rc = take_cut_away(db, s.seq, e);
	if (rc == 0)
		rc = seal_insert(db, &s, e);
	for (size_t i = 0; rc == 0 && i < g->n_objects; i++)
		rc = enter_object(db, g, i, e);
	if (rc == 0)
		rc = seal_close(db, &s, e);
	for (size_t i = 0; rc == 0 && i < g->n_files; i++)
		rc = enter_file(db, g->a, &g->files[i], s.wall_ns, e);
	if (rc == 0)
		rc = enter_key(db, g, e);
	if (rc == 0) {
		s.is_sealed = true;
		g->a->last = s;
		g->a->has_last = true;
	}
	return rc;
}

int adopt_enter(struct adopting *g, struct err *e)
{
	struct adoption *a = g->a;
	int rc = store_write(a->store, enter, g, e);
	if (rc == 0 && g->also_key_id[0]) {
		a->keys[a->n_keys++] = g->m.keys[g->m.n_keys - 1];
		a->has_waiting = false;
	}
	return rc;
}

/* ---- Audit rows. ---- */

struct audit_file {
	int fd;
	struct parquet_file *file;
	struct audit_row *row;
};

static int read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	const struct audit_file *f = ctx;
	return from_read_at(f->fd, off, p, n, e);
}

static int take_rows(struct sql *db, void *arg, struct err *e)
{
	struct audit_file *f = arg;
	int rc = 0;
	for (size_t g = 0; rc == 0 && g < parquet_groups(f->file); g++) {
		const struct parquet_row_conf conf = { .record = &audit_record, .group = g };
		struct parquet_row *rows = NULL;
		rc = parquet_row_new(&rows, f->file, &conf, e);
		while (rc == 0 && (rc = parquet_row_next(rows, f->row, e)) == 0)
			rc = api_audit_take(db, f->row, e);
		parquet_row_free(rows);
		rc = rc == -ERR_CLOSED ? 0 : rc;
	}
	return rc;
}

int adopt_audit(struct store *st, const char *path, struct err *e)
{
	struct audit_file f = { .fd = open(path, O_RDONLY | O_CLOEXEC), .row = calloc(1, sizeof(*f.row)) };
	struct stat facts;
	int rc = 0;
	if (f.fd < 0 || fstat(f.fd, &facts))
		rc = err_sys(e, errno, "opening %s", path);
	else if (!f.row)
		rc = err_set(e, ERR_NOMEM, "no memory for an audit row");
	if (rc == 0) {
		struct parquet_source src = { .read_at = read_at, .ctx = &f, .size = (uint64_t)facts.st_size };
		rc = parquet_open(&f.file, &src, e);
	}
	if (rc == 0)
		rc = store_write(st, take_rows, &f, e);
	parquet_close(f.file);
	free(f.row);
	if (f.fd >= 0)
		(void)close(f.fd); /* nothing was written */
	return rc ? err_wrap(e, "audit rows of %s", path) : 0;
}

/* ---- Files of before. ---- */

struct gone {
	struct adoption *a;
	int64_t after, ids[GONE_AT_ONCE];
	size_t n;
	bool more;
};

static int find_gone(struct sql *db, void *arg, struct err *e)
{
	struct gone *g = arg;
	struct stmt *q;
	char path[ARCHIVE_PATH_MAX], key[ARCHIVE_KEY_MAX];
	int rc = sql_prepare(db, sql_local, &q, e);
	if (rc)
		return rc;
	g->n = 0;
	while (g->n < GONE_AT_ONCE && (rc = stmt_step(q, e)) > 0) {
		(void)str_copy(key, sizeof(key), stmt_col_text(q, 1));
		if (archive_path(path, g->a->folder, key) && access(path, F_OK) && errno == ENOENT)
			g->ids[g->n++] = stmt_col_i64(q, 0);
	}
	g->more = rc > 0;
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static int note_gone(struct sql *db, void *arg, struct err *e)
{
	const struct gone *g = arg;
	int64_t now = clock_now_ns();
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < g->n; i++) {
		struct stmt *q;
		rc = sql_prepare(db, sql_gone, &q, e);
		if (rc == 0) {
			stmt_i64(q, 1, g->ids[i]);
			stmt_i64(q, 2, now);
			rc = run(q, e);
		}
	}
	return rc;
}

int adopt_missing(struct adoption *a, struct err *e)
{
	struct gone *g = calloc(1, sizeof(*g));
	int rc = g ? 0 : err_set(e, ERR_NOMEM, "out of memory");
	if (g)
		g->a = a;
	do {
		if (rc == 0)
			rc = seal_read(a->store, find_gone, g, e);
		if (rc == 0 && g->n)
			rc = store_write(a->store, note_gone, g, e);
	} while (rc == 0 && g->more);
	free(g);
	return rc;
}

struct asking {
	const struct adoption *a;
	const char *key;
	bool is_proven;
};

static int look_at_kept(void *arg, const struct s3_kept *k)
{
	struct asking *q = arg;
	q->is_proven |= k->state == S3_PROVEN && strcmp(k->place, from_place_name(q->a->from)) == 0;
	return 0;
}

static int ask_proven(struct sql *db, void *arg, struct err *e)
{
	struct asking *q = arg;
	return s3_kept(db, q->key, look_at_kept, q, e);
}

struct proving {
	const struct adoption *a;
	const struct adopted_file *f;
};

static int write_proof(struct sql *db, void *arg, struct err *e)
{
	const struct proving *p = arg;
	return enter_file(db, p->a, p->f, clock_now_ns(), e);
}

int adopt_proof(struct adoption *a, struct adopted_file *f, struct err *e)
{
	struct asking q = { .a = a, .key = f->key };
	struct proving p = { a, f };
	int rc = from_place_name(a->from) ? seal_read(a->store, ask_proven, &q, e) : 0;
	if (rc || q.is_proven || !from_place_name(a->from))
		return rc;
	adopt_find(a, f);
	return f->is_found ? store_write(a->store, write_proof, &p, e) : 0;
}

struct listing {
	const struct adoption *a;
	struct adopted_file *all;
	size_t n, room;
};

static int list_unproven(struct sql *db, void *arg, struct err *e)
{
	struct listing *l = arg;
	struct stmt *q;
	int rc = sql_prepare(db, sql_objects, &q, e);
	if (rc)
		return rc;
	while (rc >= 0 && (rc = stmt_step(q, e)) > 0) {
		struct adopted_file f = { .bytes = (uint64_t)stmt_col_i64(q, 2) };
		struct asking ask = { .a = l->a, .key = f.key };
		struct str sum = stmt_col_blob(q, 1);
		(void)str_copy(f.key, sizeof(f.key), stmt_col_text(q, 0));
		if (sum.n == sizeof(f.sha256))
			memcpy(f.sha256, sum.p, sum.n);
		rc = ask_proven(db, &ask, e);
		if (rc < 0 || ask.is_proven)
			continue;
		if (l->n == l->room) {
			size_t room = l->room ? l->room * 2 : 64;
			struct adopted_file *more = room <= OBJECTS_MAX ?
							    reallocarray(l->all, room, sizeof(*more)) :
							    NULL;
			if (!more) {
				rc = err_set(e, ERR_NOMEM, "no memory for the list of objects");
				break;
			}
			l->all = more;
			l->room = room;
		}
		l->all[l->n++] = f;
	}
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

int adopt_unproven(struct adoption *a, struct err *e)
{
	struct listing l = { .a = a };
	int rc = from_place_name(a->from) ? seal_read(a->store, list_unproven, &l, e) : 0;
	for (size_t i = 0; rc == 0 && i < l.n; i++)
		rc = adopt_proof(a, &l.all[i], e);
	free(l.all);
	return rc;
}
