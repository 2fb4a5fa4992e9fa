/* A seal from its cut to its end: objects (step B), then the manifest and its signature, then one transaction in
 * which it becomes true (step C): sealed, its objects known and indexed, the rows free to be dropped, all files
 * given to the places. Whatever fails, and wherever the power goes, all of it is done again from the cut, and comes
 * to the same bytes. Thread archive. */
#include <stdio.h>
#include <stdlib.h>

#include "seal.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"

enum { PRIORITY_MANIFEST, PRIORITY_DATA };

struct finishing {
	const struct sealer *sl;
	struct seal seal;
	struct seal_spans spans;
	struct sealed_object objects[SEAL_KINDS_MAX];
	size_t n;
	struct seal_manifest manifest;
};

static int load_open(struct sql *db, void *arg, struct err *e)
{
	struct finishing *f = arg;
	int rc = seal_load_last(db, &f->seal, e);
	if (!rc && f->seal.is_sealed)
		return -ERR_NOTFOUND;
	return rc ? rc : seal_spans_load(db, f->seal.seq, &f->spans, e);
}

/* ---- B ---- */

static int write_objects(struct finishing *f, struct err *e)
{
	for (size_t i = 0, to; i < f->spans.n; i = to) {
		struct seal_span *first = &f->spans.all[i];
		for (to = i + 1; to < f->spans.n && strcmp(f->spans.all[to].kind, first->kind) == 0; to++)
			;
		if (f->n == SEAL_KINDS_MAX)
			return err_set(e, ERR_FULL, "more than %d kinds of rows", SEAL_KINDS_MAX);
		struct sealed_object *o = &f->objects[f->n];
		int rc = object_write(f->sl, &f->seal, first, to - i, o, e);
		if (rc)
			return rc;
		if (o->rows == 0) {
			object_fini(o);
			continue;
		}
		object_clear_others(f->sl->folder, o->key, f->seal.seq);
		f->n++;
	}
	return 0;
}

/* ---- C ---- */

static int write_file(const struct finishing *f, const char *suffix, const struct buf *b, struct err *e)
{
	char key[ARCHIVE_KEY_MAX], path[ARCHIVE_PATH_MAX];
	archive_manifest_key(key, f->seal.appliance, f->seal.seq, suffix);
	if (!archive_path(path, f->sl->folder, key))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	return file_write_durable(path, 0600, b->p, b->n, e);
}

static int write_manifest(struct finishing *f, struct err *e)
{
	char key[ARCHIVE_KEY_MAX], path[ARCHIVE_PATH_MAX];
	/* A database set back to a moment between cut and seal: the folder went on without it. */
	if (archive_manifest_is_there(f->sl->folder, f->seal.appliance, f->seal.seq + 1))
		return err_set(e, ERR_EXISTS,
			       "manifest %llu lies in the archive folder and the database does not know it: restore the "
			       "database from a backup (tomsctl archive restore), or give the new one another [appliance] id",
			       (unsigned long long)f->seal.seq + 1);
	archive_manifest_key(key, f->seal.appliance, f->seal.seq, "");
	if (!archive_path(path, f->sl->folder, key))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	*strrchr(path, '/') = '\0';
	int rc = file_mkdirs(path, 0700, e);
	if (!rc)
		rc = seal_manifest_make(f->sl, &f->seal, &f->spans, f->objects, f->n, &f->manifest, e);
	if (!rc)
		rc = write_file(f, ".json", &f->manifest.json, e);
	return rc ? rc : write_file(f, ".sig", &f->manifest.sig, e);
}

static int send(struct sql *db, const char *key, uint64_t bytes, const uint8_t *sha256, int64_t made_ns, int priority,
		struct err *e)
{
	char path[ARCHIVE_KEY_MAX + sizeof(ARCHIVE_FOLDER)];
	struct s3_object o = { .key = key, .path = path, .owner = "archive", .bytes = bytes, .made_ns = made_ns,
			       .priority = priority };
	(void)snprintf(path, sizeof(path), ARCHIVE_FOLDER "/%s", key);
	memcpy(o.sha256, sha256, sizeof(o.sha256));
	return s3_enqueue(db, &o, e);
}

static int settle_object(struct sql *db, const struct finishing *f, const struct sealed_object *o, struct err *e)
{
	int64_t id = 0;
	int rc = seal_object_insert(db, f->seal.seq, o, &id, e);
	if (!rc)
		rc = index_put(db, id, o->index, e);
	return rc ? rc : send(db, o->key, o->bytes, o->sha256, f->seal.wall_ns, PRIORITY_DATA, e);
}

static int settle_span(struct sql *db, const struct finishing *f, const struct seal_span *s, struct err *e)
{
	struct store_span span = { record_by_name(str_of(s->kind)), s->day, s->after, s->last, s->rows };
	int rc = seal_span_rows(db, f->seal.seq, s, e);
	return rc || !span.record ? rc : store_cut_release(db, &span, e);
}

static int send_manifest(struct sql *db, const struct finishing *f, const char *suffix, const struct buf *b,
			 struct err *e)
{
	char key[ARCHIVE_KEY_MAX];
	uint8_t sum[CRYPT_SHA256_BYTES];
	archive_manifest_key(key, f->seal.appliance, f->seal.seq, suffix);
	crypt_sha256(b->p, b->n, sum);
	return send(db, key, b->n, sum, f->seal.wall_ns, PRIORITY_MANIFEST, e);
}

static int settle(struct sql *db, void *arg, struct err *e)
{
	struct finishing *f = arg;
	int rc = 0;
	for (size_t i = 0; !rc && i < f->n; i++)
		rc = settle_object(db, f, &f->objects[i], e);
	for (size_t i = 0; !rc && i < f->spans.n; i++)
		rc = settle_span(db, f, &f->spans.all[i], e);
	if (!rc)
		rc = send_manifest(db, f, ".json", &f->manifest.json, e);
	if (!rc)
		rc = send_manifest(db, f, ".sig", &f->manifest.sig, e);
	if (!rc && f->seal.also_key_id[0])
		rc = keys_retire(db, f->seal.also_key_id, e);
	return rc ? rc : seal_close(db, &f->seal, e);
}

static void sum_up(struct finishing *f)
{
	struct seal *s = &f->seal;
	s->sealed_ns = clock_now_ns();
	s->gaps = f->manifest.gaps;
	s->manifest_bytes = f->manifest.json.n;
	memcpy(s->sha256, f->manifest.sha256, sizeof(s->sha256));
	for (size_t i = 0; i < f->n; i++) {
		s->rows += f->objects[i].rows;
		s->bytes += f->objects[i].bytes;
	}
}

static int finish(struct finishing *f, struct err *e)
{
	int rc = seal_read(f->sl->store, load_open, f, e);
	if (!rc)
		rc = object_clear_new(f->sl->folder, e);
	if (!rc)
		rc = write_objects(f, e);
	if (!rc)
		rc = write_manifest(f, e);
	if (rc)
		return rc;
	sum_up(f);
	rc = store_write(f->sl->store, settle, f, e);
	f->seal.is_sealed = rc == 0;
	return rc;
}

int seal_finish(const struct sealer *sl, struct seal *out, struct err *e)
{
	struct finishing *f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, ERR_NOMEM, "no memory to seal");
	f->sl = sl;
	int rc = finish(f, e);
	if (!rc && out)
		*out = f->seal;
	for (size_t i = 0; i < f->n; i++)
		object_fini(&f->objects[i]);
	seal_manifest_fini(&f->manifest);
	seal_spans_fini(&f->spans);
	free(f);
	return rc;
}

/* ---- At the start. ---- */

static int begin(struct sql *db, void *arg, struct err *e)
{
	const struct sealer *sl = arg;
	int64_t begun_ns = 0;
	int rc = keys_begin(db, sl->house_key, e);
	if (!rc)
		rc = archive_state_get(db, "begun", &begun_ns, e);
	return rc || begun_ns ? rc : archive_state_put(db, "begun", clock_now_ns(), e);
}

int seal_begin(const struct sealer *sl, struct err *e)
{
	struct sealer own = *sl;
	int rc = file_mkdirs(sl->folder, 0700, e);
	return rc ? rc : store_write(sl->store, begin, &own, e);
}
