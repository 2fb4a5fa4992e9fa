/* Step C, the bytes: a manifest as canonical JSON, and its detached signature file. docs/archive.md, "Manifest",
 * describes both. Nothing in here asks a clock or a setting: all of it comes from the rows of the seal, so the same
 * bytes come out again. */
#include <stdio.h>
#include <stdlib.h>

#include "seal.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/log_row.h"

#define SAFE_INTEGER (INT64_C(1) << 53) /* from here on not the same in every reader of JSON */

struct making {
	const struct sealer *sl;
	const struct seal *seal;
	const struct seal_spans *spans;
	const struct sealed_object *objects;
	size_t n_objects;
	struct json j;
	uint64_t gaps;
	struct err *e;
};

static void put_whole(struct json *j, const char *name, int64_t v)
{
	char text[24];
	if (v < SAFE_INTEGER && v > -SAFE_INTEGER) {
		json_kv_i64(j, name, v);
		return;
	}
	(void)snprintf(text, sizeof(text), "%lld", (long long)v);
	json_kv_str(j, name, text);
}

static void put_sum(struct json *j, const char *name, const uint8_t sum[CRYPT_SHA256_BYTES])
{
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	hash_hex(sum, CRYPT_SHA256_BYTES, hex);
	json_kv_str(j, name, hex);
}

static void put_time_or_null(struct json *j, const char *name, int64_t ns)
{
	json_key(j, name);
	if (ns)
		json_time(j, ns);
	else
		json_null(j);
}

/* ---- Gaps that the sealed rows tell. ---- */

static const char *gap_kind_name(const struct gap *g)
{
	struct str s = col_text(record_col(&gap_record, "kind"), g);
	return s.n ? s.p : "unknown";
}

static int take_gap(void *arg, const void *row)
{
	struct making *m = arg;
	const struct gap *g = row;
	if (m->gaps++ >= SEAL_GAPS_MAX) /* all of them are in the object */
		return 0;
	json_obj(&m->j);
	json_kv_u64(&m->j, "source", g->source);
	json_kv_str(&m->j, "name", g->name);
	json_kv_str(&m->j, "kind", gap_kind_name(g));
	json_kv_time(&m->j, "since", g->start_ns);
	json_kv_time(&m->j, "until", g->end_ns);
	put_whole(&m->j, "lost", g->lost > INT64_MAX ? INT64_MAX : (int64_t)g->lost);
	json_kv_bool(&m->j, "ongoing", g->ongoing != 0);
	json_end_obj(&m->j);
	return 0;
}

/* Rows of a day that were in the store and could not be read when they were sealed. */
static void put_unreadable(struct making *m, const struct seal_span *s)
{
	int64_t day_ns = clock_day_start(s->day);
	m->gaps++;
	json_obj(&m->j);
	put_whole(&m->j, "source", 0);
	json_kv_str(&m->j, "name", s->kind);
	json_kv_str(&m->j, "kind", "unreadable");
	json_kv_time(&m->j, "since", day_ns);
	json_kv_time(&m->j, "until", day_ns + 24 * HOUR_NS);
	put_whole(&m->j, "lost", s->lost);
	json_kv_bool(&m->j, "ongoing", false);
	json_end_obj(&m->j);
}

static int put_gaps(struct making *m)
{
	int rc = 0;
	json_key(&m->j, "gaps");
	json_arr(&m->j);
	for (size_t i = 0; i < m->spans->n; i++)
		if (m->spans->all[i].lost > 0)
			put_unreadable(m, &m->spans->all[i]);
	for (size_t i = 0; !rc && i < m->spans->n; i++) {
		const struct seal_span *s = &m->spans->all[i];
		if (strcmp(s->kind, gap_record.name) != 0)
			continue;
		const struct store_span span = { &gap_record, s->day, s->after, s->last, s->rows };
		rc = store_span_rows(m->sl->store, &span, take_gap, m, m->e);
	}
	json_end_arr(&m->j);
	return rc;
}

/* ---- Objects. ---- */

static void put_days(struct making *m, const char *kind)
{
	json_key(&m->j, "days");
	json_arr(&m->j);
	for (size_t i = 0; i < m->spans->n; i++) {
		const struct seal_span *s = &m->spans->all[i];
		char day[40];
		if (strcmp(s->kind, kind) != 0)
			continue;
		(void)snprintf(day, sizeof(day), "%04d-%02d-%02d", s->day / 10000, s->day / 100 % 100, s->day % 100);
		json_obj(&m->j);
		json_kv_str(&m->j, "day", s->day ? day : NULL);
		put_whole(&m->j, "after", s->after);
		put_whole(&m->j, "last", s->last);
		put_whole(&m->j, "rows", s->rows);
		json_end_obj(&m->j);
	}
	json_end_arr(&m->j);
}

static void put_object(struct making *m, const struct sealed_object *o)
{
	struct json *j = &m->j;
	json_obj(j);
	json_kv_str(j, "key", o->key);
	json_kv_str(j, "kind", o->kind);
	put_sum(j, "sha256", o->sha256);
	put_sum(j, "merkle_root", o->merkle_root);
	put_whole(j, "bytes", (int64_t)o->bytes);
	put_whole(j, "rows", (int64_t)o->rows);
	put_whole(j, "row_groups", (int64_t)o->row_groups);
	put_whole(j, "first_id", o->first_id);
	put_whole(j, "last_id", o->last_id);
	json_kv_time(j, "since", o->since_ns);
	json_kv_time(j, "until", o->until_ns);
	put_days(m, o->kind);
	json_key(j, "lock");
	json_obj(j);
	json_kv_str(j, "mode", m->seal->lock_mode);
	put_whole(j, "keep_s", m->seal->lock_keep_s);
	json_end_obj(j);
	json_end_obj(j);
}

static void put_kind_rows(struct making *m, const char *kind)
{
	uint64_t rows = 0;
	for (size_t i = 0; i < m->n_objects; i++)
		if (strcmp(m->objects[i].kind, kind) == 0)
			rows = m->objects[i].rows;
	put_whole(&m->j, kind, (int64_t)rows);
}

/* Every kind there is: one without rows is said to have none. */
static void put_rows(struct making *m)
{
	json_key(&m->j, "rows");
	json_obj(&m->j);
	if (m->sl->more)
		put_kind_rows(m, m->sl->more->record->name);
	for (size_t i = 0; records[i]; i++)
		put_kind_rows(m, records[i]->name);
	json_end_obj(&m->j);
}

/* ---- Keys, the one before, receipts. ---- */

static int take_key(void *arg, const struct sign_key *k)
{
	struct making *m = arg;
	char base64[4 * ((CRYPT_KEY_BYTES + 2) / 3) + 1];
	hash_base64(k->public_key, sizeof(k->public_key), base64);
	json_obj(&m->j);
	json_kv_str(&m->j, "id", k->id);
	json_kv_str(&m->j, "public_key", base64);
	json_kv_i64(&m->j, "since_seq", k->since_seq);
	json_end_obj(&m->j);
	return 0;
}

static int put_previous(struct making *m, struct sql *db)
{
	struct seal prev;
	json_key(&m->j, "previous");
	if (m->seal->seq == 1) {
		json_null(&m->j);
		return 0;
	}
	int rc = seal_load(db, m->seal->seq - 1, &prev, m->e);
	if (rc == -ERR_NOTFOUND || (!rc && !prev.is_sealed))
		return err_set(m->e, ERR_CORRUPT, "manifest %llu is not known", (unsigned long long)m->seal->seq - 1);
	if (rc)
		return rc;
	json_obj(&m->j);
	put_whole(&m->j, "seq", (int64_t)prev.seq);
	put_sum(&m->j, "sha256", prev.sha256);
	json_end_obj(&m->j);
	return 0;
}

static int take_proof(void *arg, const struct s3_proof *p)
{
	struct making *m = arg;
	struct json *j = &m->j;
	if (p->n > m->seal->proofs_last)
		return 1;
	json_obj(j);
	json_kv_str(j, "place", p->k.place);
	json_kv_str(j, "key", p->key);
	json_kv_str(j, "version_id", p->k.v.version_id);
	put_whole(j, "bytes", (int64_t)p->k.v.bytes);
	put_sum(j, "sha256", p->k.v.sha256);
	json_kv_str(j, "lock", s3_lock_names[p->k.v.lock]);
	put_time_or_null(j, "retain_until", p->k.v.retain_until_ns);
	json_kv_time(j, "proven_at", p->k.proven_ns);
	json_end_obj(j);
	return 0;
}

static int put_from_tables(struct sql *db, void *arg, struct err *e)
{
	struct making *m = arg;
	json_key(&m->j, "keys");
	json_arr(&m->j);
	int rc = keys_each(db, m->seal->seq, take_key, m, e);
	json_end_arr(&m->j);
	if (!rc)
		rc = put_previous(m, db);
	if (rc)
		return rc;
	json_key(&m->j, "receipts");
	json_arr(&m->j);
	if (m->seal->proofs_last > m->seal->proofs_after)
		rc = s3_proofs(db, m->seal->proofs_after, take_proof, m, e);
	json_end_arr(&m->j);
	return rc < 0 ? rc : 0;
}

/* ---- The whole. ---- */

static void put_clock(struct making *m)
{
	const struct seal *s = m->seal;
	json_key(&m->j, "clock");
	json_obj(&m->j);
	json_kv_str(&m->j, "state", s->clock);
	json_kv_time(&m->j, "sealed_at", s->wall_ns);
	put_whole(&m->j, "monotonic_s", s->boot_ns / NS_PER_S);
	json_end_obj(&m->j);
	json_kv_str(&m->j, "boot_id", s->boot_id);
}

static int put_all(struct making *m)
{
	const struct seal *s = m->seal;
	char created_by[64];
	(void)snprintf(created_by, sizeof(created_by), "tomsd version %s", s->version);
	json_obj(&m->j);
	json_kv_str(&m->j, "format", "tomsd-manifest-1");
	json_kv_str(&m->j, "created_by", created_by);
	json_kv_str(&m->j, "appliance", s->appliance);
	put_whole(&m->j, "seq", (int64_t)s->seq);
	json_kv_time(&m->j, "since", s->since_ns);
	json_kv_time(&m->j, "until", s->until_ns);
	put_clock(m);
	json_key(&m->j, "objects");
	json_arr(&m->j);
	for (size_t i = 0; i < m->n_objects; i++)
		put_object(m, &m->objects[i]);
	json_end_arr(&m->j);
	put_rows(m);
	int rc = put_gaps(m);
	if (!rc)
		rc = seal_read(m->sl->store, put_from_tables, m, m->e);
	json_end_obj(&m->j);
	return rc;
}

struct signing {
	const struct sealer *sl;
	const struct seal *seal;
	struct str json_text;
	struct json *j;
};

static int put_signature(struct sql *db, const struct signing *s, const char *key_id, struct err *e)
{
	uint8_t signature[CRYPT_SIGNATURE_BYTES];
	char base64[4 * ((CRYPT_SIGNATURE_BYTES + 2) / 3) + 1];
	int rc = keys_sign(db, s->sl->house_key, key_id, s->json_text, signature, e);
	if (rc)
		return rc;
	hash_base64(signature, sizeof(signature), base64);
	json_obj(s->j);
	json_kv_str(s->j, "algorithm", "Ed25519");
	json_kv_str(s->j, "key_id", key_id);
	json_kv_str(s->j, "signature", base64);
	json_end_obj(s->j);
	return 0;
}

static int put_signatures(struct sql *db, void *arg, struct err *e)
{
	const struct signing *s = arg;
	json_key(s->j, "signatures");
	json_arr(s->j);
	int rc = put_signature(db, s, s->seal->key_id, e);
	if (!rc && s->seal->also_key_id[0])
		rc = put_signature(db, s, s->seal->also_key_id, e);
	json_end_arr(s->j);
	return rc;
}

/* What a writer of JSON made, in its one form. */
static int canonical(struct buf *loose, struct buf *out, struct err *e)
{
	if (buf_failed(loose))
		return err_set(e, ERR_NOMEM, "no memory for a manifest");
	return archive_canonical(buf_view(loose), out, e);
}

static int sign(const struct sealer *sl, const struct seal *seal, struct seal_manifest *out, struct err *e)
{
	struct json j;
	struct buf loose;
	struct signing s = { sl, seal, buf_view(&out->json), &j };
	buf_init(&loose, 1u << 20);
	json_init(&j, &loose);
	json_obj(&j);
	put_sum(&j, "manifest_sha256", out->sha256);
	int rc = seal_read(sl->store, put_signatures, &s, e);
	json_end_obj(&j);
	if (!rc)
		rc = canonical(&loose, &out->sig, e);
	buf_fini(&loose);
	return rc;
}

int seal_manifest_make(const struct sealer *sl, const struct seal *s, const struct seal_spans *spans,
		       const struct sealed_object *objects, size_t n, struct seal_manifest *out, struct err *e)
{
	struct making m = { .sl = sl, .seal = s, .spans = spans, .objects = objects, .n_objects = n, .e = e };
	struct buf loose;
	buf_init(&loose, MANIFEST_BYTES_MAX);
	buf_init(&out->json, MANIFEST_BYTES_MAX);
	buf_init(&out->sig, 1u << 20);
	json_init(&m.j, &loose);
	int rc = put_all(&m);
	if (!rc)
		rc = canonical(&loose, &out->json, e);
	buf_fini(&loose);
	if (!rc) {
		out->gaps = m.gaps;
		crypt_sha256(out->json.p, out->json.n, out->sha256);
		rc = sign(sl, s, out, e);
	}
	if (rc)
		seal_manifest_fini(out);
	return rc ? err_wrap(e, "manifest %llu", (unsigned long long)s->seq) : 0;
}

void seal_manifest_fini(struct seal_manifest *m)
{
	buf_fini(&m->json);
	buf_fini(&m->sig);
}
