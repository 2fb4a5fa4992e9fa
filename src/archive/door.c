/* What the database knows of the archive, for tomsctl and whoever else only reads. Any thread. */
#include "seal.h"

static const char sql_manifests[] =
	"SELECT seq, since_ns, until_ns, wall_ns, rows, bytes, gaps, sha256, clock, appliance FROM archive_seal"
	" WHERE state = 'sealed' AND (?1 = 0 OR seq < ?1) ORDER BY seq DESC LIMIT ?2";
static const char sql_objects[] =
	"SELECT seq, rows, bytes, since_ns, until_ns, sha256, kind, key, is_local FROM archive_object"
	" WHERE since_ns < ?2 AND until_ns > ?1 AND (?3 IS NULL OR kind = ?3) ORDER BY seq, id";

static void take_sum(struct stmt *q, int col, uint8_t out[CRYPT_SHA256_BYTES])
{
	struct str sum = stmt_col_blob(q, col);
	if (sum.n == CRYPT_SHA256_BYTES)
		memcpy(out, sum.p, sum.n);
}

struct manifests {
	uint64_t before;
	size_t limit;
	int (*one)(void *arg, const struct archive_manifest *m);
	void *arg;
};

static int each_manifest(struct sql *db, void *arg, struct err *e)
{
	const struct manifests *l = arg;
	struct stmt *q;
	int rc = sql_prepare(db, sql_manifests, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, (int64_t)l->before);
	stmt_i64(q, 2, l->limit ? (int64_t)l->limit : -1);
	while ((rc = stmt_step(q, e)) > 0) {
		struct archive_manifest m = { .seq = (uint64_t)stmt_col_i64(q, 0),
					      .since_ns = stmt_col_i64(q, 1),
					      .until_ns = stmt_col_i64(q, 2),
					      .sealed_at_ns = stmt_col_i64(q, 3),
					      .rows = (uint64_t)stmt_col_i64(q, 4),
					      .bytes = (uint64_t)stmt_col_i64(q, 5),
					      .gaps = (uint64_t)stmt_col_i64(q, 6) };
		take_sum(q, 7, m.sha256);
		(void)str_copy(m.clock, sizeof(m.clock), stmt_col_text(q, 8));
		(void)str_copy(m.appliance, sizeof(m.appliance), stmt_col_text(q, 9));
		rc = l->one(l->arg, &m);
		if (rc)
			break;
	}
	stmt_done(q);
	return rc;
}

int archive_each_manifest(struct store *st, uint64_t before, size_t limit,
			  int (*one)(void *arg, const struct archive_manifest *m), void *arg, struct err *e)
{
	struct manifests l = { before, limit, one, arg };
	return seal_read(st, each_manifest, &l, e);
}

struct objects {
	int64_t since_ns, until_ns;
	const char *kind;
	int (*one)(void *arg, const struct archive_object *o);
	void *arg;
};

static int each_object(struct sql *db, void *arg, struct err *e)
{
	const struct objects *l = arg;
	struct stmt *q;
	int rc = sql_prepare(db, sql_objects, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, l->since_ns);
	stmt_i64(q, 2, l->until_ns);
	if (l->kind)
		stmt_text(q, 3, str_of(l->kind));
	else
		stmt_null(q, 3);
	while ((rc = stmt_step(q, e)) > 0) {
		struct archive_object o = { .seq = (uint64_t)stmt_col_i64(q, 0),
					    .rows = (uint64_t)stmt_col_i64(q, 1),
					    .bytes = (uint64_t)stmt_col_i64(q, 2),
					    .since_ns = stmt_col_i64(q, 3),
					    .until_ns = stmt_col_i64(q, 4),
					    .is_local = stmt_col_i64(q, 8) == 1 };
		take_sum(q, 5, o.sha256);
		(void)str_copy(o.kind, sizeof(o.kind), stmt_col_text(q, 6));
		(void)str_copy(o.key, sizeof(o.key), stmt_col_text(q, 7));
		rc = l->one(l->arg, &o);
		if (rc)
			break;
	}
	stmt_done(q);
	return rc;
}

int archive_each_object(struct store *st, int64_t since_ns, int64_t until_ns, const char *kind,
			int (*one)(void *arg, const struct archive_object *o), void *arg, struct err *e)
{
	struct objects l = { since_ns, until_ns, kind, one, arg };
	return seal_read(st, each_object, &l, e);
}

static int newest(struct sql *db, void *arg, struct err *e)
{
	return keys_newest(db, arg, e);
}

int archive_public_key(struct store *st, uint8_t public_key[32], char id[17], struct err *e)
{
	struct sign_key k;
	int rc = seal_read(st, newest, &k, e);
	if (rc)
		return rc;
	memcpy(public_key, k.public_key, sizeof(k.public_key));
	(void)str_copy(id, 17, str_of(k.id));
	return 0;
}

void archive_manifest_name(const struct archive_manifest *m, const char *suffix, char out[512])
{
	archive_manifest_key(out, m->appliance, m->seq, suffix);
}
