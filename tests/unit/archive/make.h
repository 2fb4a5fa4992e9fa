/* A small archive made by the page: docs/archive.md's manifests, signatures and objects in a folder of their own, by
 * code that shares none with the sealing. For tests of the proof. */
#ifndef TEST_ARCHIVE_MAKE_H
#define TEST_ARCHIVE_MAKE_H

#ifdef MADE_PLAIN /* in a tool: no test's words, it just ends */
#define assert_true(x) do { if (!(x)) abort(); } while (0)
#define assert_non_null(x) assert_true((x) != NULL)
#define assert_int_equal(a, b) assert_true((long long)(a) == (long long)(b))
#define fail_msg(...) abort()
#else
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#endif

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tomsd/archive.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/crypt.h"
#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"
#include "tomsd/parquet.h"

#define MADE_HOUR_NS (3600 * NS_PER_S)
#define MADE_BEGIN_NS (INT64_C(1795338000) * NS_PER_S) /* 2026-11-22T09:00:00Z */
#define MADE_APPLIANCE "ward7"

struct made_key {
	uint8_t private_key[32], public_key[32];
	char id[17];
	uint64_t since_seq;
};
struct made { /* how, and what came of it */
	char path[128];
	unsigned rows;        /* of an object */
	uint64_t rotate_at;   /* this manifest brings a new key; 0: none */
	const char *receipts; /* JSON of the elements, for the next manifest; NULL: none */
	struct made_key keys[4];
	size_t n_keys;
	uint64_t seq;
	uint8_t head[32];
	char objects[64][256]; /* keys of all of them */
	size_t n_objects;
	int64_t last_id;
};

static inline void made_path(const struct made *a, const char *key, char out[512])
{
	(void)snprintf(out, 512, "%s/%s", a->path, key);
}

static inline void made_write(const struct made *a, const char *key, const void *p, size_t n)
{
	char path[512], *slash;
	struct err e = ERR_INIT;
	made_path(a, key, path);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(file_mkdirs(path, 0700, &e), 0);
	*slash = '/';
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline void made_read(const struct made *a, const char *key, struct buf *out)
{
	char path[512];
	struct err e = ERR_INIT;
	made_path(a, key, path);
	if (file_read(path, 1 << 26, out, &e))
		fail_msg("%s", e.text);
}

static inline void made_key_new(struct made *a)
{
	struct made_key *k = &a->keys[a->n_keys++];
	uint8_t sum[32];
	crypt_ed25519_new(k->private_key, k->public_key);
	crypt_sha256(k->public_key, 32, sum);
	hash_hex(sum, 8, k->id);
	k->since_seq = a->seq + 1;
}

/* ---- An object. ---- */

struct made_object {
	struct buf bytes;
	struct merkle *tree;
	struct buf leaf;
};

static inline int made_append(void *ctx, const void *p, size_t n, struct err *e)
{
	(void)e;
	buf_put(&((struct made_object *)ctx)->bytes, p, n);
	return 0;
}

static inline void made_cell(void *ctx, enum parquet_type type, const struct parquet_cell *c)
{
	struct made_object *o = ctx;
	if (!c->known) {
		buf_put(&o->leaf, "\0", 1);
		return;
	}
	bool is_text = type == PARQUET_TEXT || type == PARQUET_BYTES;
	uint64_t v = is_text ? c->text.n : c->u;
	buf_char(&o->leaf, is_text ? 2 : 1);
	for (int at = is_text ? 24 : 56; at >= 0; at -= 8)
		buf_char(&o->leaf, (char)(v >> at));
	if (is_text)
		buf_str(&o->leaf, c->text);
}

static inline void made_rows(struct made *a, struct made_object *o, int64_t hour_ns, int64_t first_id)
{
	struct err e = ERR_INIT;
	struct parquet_writer *w = NULL;
	const struct parquet_sink sink = { made_append, o };
	const struct parquet_conf conf = { .record = &capture_minute_record, .group_rows = 64, .cell = made_cell, .cell_ctx = o };
	assert_int_equal(parquet_writer_new(&w, &conf, &sink, &e), 0);
	for (unsigned i = 0; i < a->rows; i++) {
		uint8_t hash[32];
		struct capture_minute row = { .id = first_id + i, .at_ns = hour_ns + i * NS_PER_S, .packets = i * 1000u,
					      .bytes = i * 100000u, .up_seconds = 60 };
		(void)snprintf(row.interface, sizeof(row.interface), i % 3 ? "mirror0" : "");
		buf_reset(&o->leaf);
		buf_put(&o->leaf, "\0", 1);
		assert_int_equal(parquet_put(w, &row, &e), 0);
		crypt_sha256(o->leaf.p, o->leaf.n, hash);
		merkle_leaf(o->tree, hash);
	}
	assert_int_equal(parquet_finish(w, NULL, &e), 0);
	parquet_writer_free(w);
}

/* Writes one object and its element in the manifest. */
static inline void made_object(struct made *a, int64_t hour_ns, struct buf *json)
{
	struct made_object o;
	uint8_t sum[32], root[32];
	char hex[65], root_hex[65], at[CLOCK_RFC3339_MAX], until[CLOCK_RFC3339_MAX], *key = a->objects[a->n_objects++];
	int64_t after = a->last_id, first = after + 1;
	buf_init(&o.bytes, 1 << 26);
	buf_init(&o.leaf, 1 << 20);
	o.tree = merkle_new();
	made_rows(a, &o, hour_ns, first);
	a->last_id += a->rows;
	crypt_sha256(o.bytes.p, o.bytes.n, sum);
	hash_hex(sum, 32, hex);
	merkle_root(o.tree, root);
	hash_hex(root, 32, root_hex);
	clock_rfc3339(hour_ns, at);
	clock_rfc3339(hour_ns + (a->rows - 1) * NS_PER_S + 1, until);
	(void)snprintf(key, sizeof(a->objects[0]),
		       "kind=capture_minute/appliance=" MADE_APPLIANCE "/dt=%.10s/hour=%.2s/%010llu-%.16s.parquet", at, at + 11,
		       (unsigned long long)a->seq, hex);
	made_write(a, key, o.bytes.p, o.bytes.n);
	buf_fmt(json,
		"{\"key\":\"%s\",\"kind\":\"capture_minute\",\"sha256\":\"%s\",\"bytes\":%zu,\"rows\":%u,\"first_id\":\"%lld\","
		"\"last_id\":\"%lld\",\"days\":[{\"day\":\"%.10s\",\"after\":\"%lld\",\"last\":\"%lld\",\"rows\":%u}],"
		"\"since\":\"%s\",\"until\":\"%s\",\"merkle_root\":\"%s\",\"row_groups\":%u,"
		"\"lock\":{\"mode\":\"COMPLIANCE\",\"keep_s\":31536000}}",
		key, hex, o.bytes.n, a->rows, (long long)first, (long long)a->last_id, at, (long long)after,
		(long long)a->last_id, a->rows, at, until, root_hex, (a->rows + 63) / 64);
	buf_fini(&o.bytes);
	buf_fini(&o.leaf);
	merkle_free(o.tree);
}

/* ---- A manifest. ---- */

static inline void made_keys(const struct made *a, struct buf *b)
{
	for (size_t i = 0; i < a->n_keys; i++) {
		char text[64];
		hash_base64(a->keys[i].public_key, 32, text);
		buf_fmt(b, "%s{\"id\":\"%s\",\"public_key\":\"%s\",\"since_seq\":%llu}", i ? "," : "", a->keys[i].id, text,
			(unsigned long long)a->keys[i].since_seq);
	}
}

/* The bytes signed by n keys, the newest ones. */
static inline void made_sign(const struct made *a, uint64_t seq, const struct buf *json, size_t n)
{
	struct buf b;
	struct err e = ERR_INIT;
	uint8_t sum[32], signature[64];
	char key[128], hex[65], text[96];
	buf_init(&b, 1 << 16);
	crypt_sha256(json->p, json->n, sum);
	hash_hex(sum, 32, hex);
	buf_fmt(&b, "{\"manifest_sha256\":\"%s\",\"signatures\":[", hex);
	for (size_t i = 0; i < n; i++) {
		const struct made_key *k = &a->keys[a->n_keys - 1 - i];
		assert_int_equal(crypt_ed25519_sign(k->private_key, json->p, json->n, signature, &e), 0);
		hash_base64(signature, 64, text);
		buf_fmt(&b, "%s{\"algorithm\":\"Ed25519\",\"key_id\":\"%s\",\"signature\":\"%s\"}", i ? "," : "", k->id, text);
	}
	buf_cstr(&b, "]}");
	(void)snprintf(key, sizeof(key), "_manifest/appliance=" MADE_APPLIANCE "/%010llu.sig", (unsigned long long)seq);
	made_write(a, key, b.p, b.n);
	buf_fini(&b);
}

static inline void made_manifest(struct made *a, const struct buf *objects, uint64_t rows, int64_t since_ns, size_t signers)
{
	struct buf loose, json;
	struct err e = ERR_INIT;
	char since[CLOCK_RFC3339_MAX], until[CLOCK_RFC3339_MAX], key[128], hex[65];
	buf_init(&loose, 1 << 22);
	buf_init(&json, 1 << 22);
	clock_rfc3339(since_ns, since);
	clock_rfc3339(since_ns + MADE_HOUR_NS, until);
	hash_hex(a->head, 32, hex);
	buf_fmt(&loose, "{\"format\":\"tomsd-manifest-1\",\"seq\":%llu,\"appliance\":\"" MADE_APPLIANCE "\",\"since\":\"%s\","
		"\"until\":\"%s\",\"boot_id\":\"b\",\"created_by\":\"tomsd version 0\",\"gaps\":[],"
		"\"clock\":{\"state\":\"steady\",\"sealed_at\":\"%s\",\"monotonic_s\":77},\"rows\":{\"capture_minute\":%llu,\"flow\":0},"
		"\"objects\":[%s],\"receipts\":[%s],\"previous\":", (unsigned long long)a->seq, since, until, until,
		(unsigned long long)rows, objects->n ? objects->p : "", a->receipts ? a->receipts : "");
	if (a->seq == 1)
		buf_cstr(&loose, "null");
	else
		buf_fmt(&loose, "{\"seq\":%llu,\"sha256\":\"%s\"}", (unsigned long long)a->seq - 1, hex);
	buf_cstr(&loose, ",\"keys\":[");
	made_keys(a, &loose);
	buf_cstr(&loose, "]}");
	if (archive_canonical(buf_view(&loose), &json, &e))
		fail_msg("%s", e.text);
	(void)snprintf(key, sizeof(key), "_manifest/appliance=" MADE_APPLIANCE "/%010llu.json", (unsigned long long)a->seq);
	made_write(a, key, json.p, json.n);
	made_sign(a, a->seq, &json, signers);
	crypt_sha256(json.p, json.n, a->head);
	buf_fini(&loose);
	buf_fini(&json);
}

/* One more hour with n objects. */
static inline void made_seal(struct made *a, unsigned n)
{
	struct buf objects;
	size_t signers = 1;
	buf_init(&objects, 1 << 22);
	int64_t since_ns = MADE_BEGIN_NS + (int64_t)a->seq * MADE_HOUR_NS;
	if (a->n_keys == 0 || a->seq + 1 == a->rotate_at) {
		made_key_new(a);
		signers = a->n_keys > 1 ? 2 : 1;
	}
	a->seq++;
	for (unsigned i = 0; i < n; i++) {
		if (i)
			buf_char(&objects, ',');
		made_object(a, since_ns + i * 60 * NS_PER_S, &objects);
	}
	made_manifest(a, &objects, (uint64_t)n * a->rows, since_ns, signers);
	buf_fini(&objects);
}

static inline void made_begin(struct made *a, unsigned rows)
{
	*a = (struct made){ .rows = rows };
	(void)snprintf(a->path, sizeof(a->path), "/tmp/tomsd-archive-XXXXXX");
	assert_non_null(mkdtemp(a->path));
}

static inline int made_remove(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static inline void made_end(struct made *a)
{
	assert_int_equal(nftw(a->path, made_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#ifndef MADE_PLAIN
/* ---- Asking. ---- */

struct asked {
	struct verify_result r;
	unsigned count[VERIFY_FAULTS];
	unsigned told;
	struct verify_found last;
};

static inline void asked_found(void *arg, const struct verify_found *f)
{
	struct asked *k = arg;
	assert_true(f->fault > VERIFY_GOOD && f->fault < VERIFY_FAULTS);
	assert_true(f->words[0] && f->key[0]);
	k->count[f->fault]++;
	k->told++;
	k->last = *f;
}

/* ask->from is opened here. */
static inline int ask_folder(const struct made *a, struct verify_ask ask, struct asked *k, struct err *e)
{
	struct archive_from *from = NULL;
	*k = (struct asked){ .told = 0 };
	int rc = archive_from_folder(&from, a->path, e);
	if (rc)
		return rc;
	ask.from = from;
	rc = archive_verify(&ask, asked_found, k, &k->r, e);
	archive_from_free(from);
	if (rc == 0)
		assert_int_equal(k->r.faults, k->told);
	if (rc == 0)
		assert_int_equal(k->told == 0, k->r.first.fault == VERIFY_GOOD);
	return rc;
}
#endif

#endif
