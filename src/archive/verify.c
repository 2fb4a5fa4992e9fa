/* Proving an archive: begin, end, what was found. No thread of its own: a job's, or tomsctl's.
 *
 * Names are listed once; the chain of manifests is walked from the first to the last (verify_chain.c), which collects
 * what objects there must be; then each object is summed, and where asked its rows (verify_object.c); at last
 * everything that no manifest names is told. A fault never ends the proof: only what keeps us from looking does. */
#include "verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

const char *const verify_fault_names[] = { "good",	"missing", "size",     "hash",	   "chain",    "signature", "key",
					   "form",	"sequence", "rows",    "merkle",   "name",     "head",
					   "unlocked",	"lock_short", "stranger", "stamp", "hidden",   NULL };
static_assert(ARRAY_LEN(verify_fault_names) == VERIFY_FAULTS + 1, "every fault has a name");

enum { TEXT_MAX = 1 << 30 };

void verify_tell(struct verify *v, enum verify_fault fault, uint64_t seq, const char *key, int64_t since_ns,
		 int64_t until_ns, const char *fmt, ...)
{
	struct verify_found f = { .fault = fault, .seq = seq, .since_ns = since_ns, .until_ns = until_ns };
	char words[sizeof(f.words)];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	str_copy_clean(f.words, sizeof(f.words), str_of(words));
	str_copy_clean(f.key, sizeof(f.key), str_of(key));
	v->r->faults++;
	if (v->r->first.fault == VERIFY_GOOD || seq < v->r->first.seq)
		v->r->first = f;
	if (v->found)
		v->found(v->found_arg, &f);
}

uint64_t verify_hash(const struct verify *v, struct str name)
{
	return hash_bytes(name.p, name.n, v->seed);
}

const char *verify_text(const struct verify *v, size_t at)
{
	return v->text.p + at;
}

int verify_keep(struct verify *v, struct str s, size_t *at)
{
	*at = v->text.n;
	buf_str(&v->text, s);
	buf_put(&v->text, "", 1);
	return buf_failed(&v->text) ? err_set(v->e, ERR_FULL, "the manifests name more than fits into memory") : 0;
}

int verify_grow(struct verify *v, void **p, size_t n, size_t *room, size_t bytes)
{
	if (n < *room)
		return 0;
	size_t more = *room ? *room * 2 : 64;
	void *q = n < VERIFY_OBJECTS_MAX ? reallocarray(*p, more, bytes) : NULL;
	if (!q)
		return err_set(v->e, ERR_FULL, "the manifests name more than fits into memory");
	*p = q;
	*room = more;
	return 0;
}

int verify_is_finding(const struct verify *v, int rc)
{
	/* A place that does not answer proves nothing; a file that cannot be read is one that is not there. */
	bool is_io = rc == -ERR_IO && !v->ask->from->is_place;
	return is_io || rc == -ERR_NOTFOUND || rc == -ERR_DENIED || rc == -ERR_FULL || rc == -ERR_CORRUPT ? 0 : rc;
}

bool verify_goes_on(const struct verify *v, const char *key)
{
	return !v->ask->progress || v->ask->progress(v->ask->arg, v->done_bytes, v->total_bytes, key);
}

/* ---- Which manifests there are. ---- */

static int see_name(void *arg, struct str key, uint64_t bytes)
{
	struct verify *v = arg;
	struct manifest_name m;
	(void)bytes;
	if (!manifest_name_read(key, &m))
		return 0; /* told at the end, with the strangers */
	if (!v->appliance[0] && !str_copy(v->appliance, sizeof(v->appliance), m.appliance))
		return 0;
	if (!str_eq(m.appliance, str_of(v->appliance))) {
		if (v->ask->appliance)
			return 0;
		return err_set(v->e, ERR_INVALID, "manifests of several appliances lie here, %s and %.*s: say which",
			       v->appliance, (int)m.appliance.n, m.appliance.p);
	}
	int rc = verify_grow(v, (void **)&v->seen, v->n_seen, &v->room_seen, sizeof(*v->seen));
	if (rc)
		return rc;
	unsigned has = m.suffix.p[0] == 'j' ? SEEN_JSON : m.suffix.p[0] == 's' ? SEEN_SIG : SEEN_TSR;
	v->seen[v->n_seen++] = (struct verify_seen){ m.seq, has, INT64_MIN, INT64_MAX };
	return 0;
}

static int by_seq(const void *one, const void *two)
{
	uint64_t a = ((const struct verify_seen *)one)->seq, b = ((const struct verify_seen *)two)->seq;
	return (a > b) - (a < b);
}

static int see_names(struct verify *v)
{
	size_t n = 0;
	int rc = from_list(v->ask->from, see_name, v, v->e);
	if (rc)
		return rc;
	if (v->n_seen == 0)
		return err_set(v->e, ERR_NOTFOUND, "no manifest of %s lies here: there must be "
			       "_manifest/appliance=<id>/0000000001.json", v->appliance[0] ? v->appliance : "any appliance");
	qsort(v->seen, v->n_seen, sizeof(*v->seen), by_seq);
	for (size_t i = 1; i < v->n_seen; i++) {
		if (v->seen[i].seq == v->seen[n].seq)
			v->seen[n].has |= v->seen[i].has;
		else
			v->seen[++n] = v->seen[i];
	}
	v->n_seen = n + 1;
	return 0;
}

/* ---- The whole. ---- */

static int begin(struct verify *v)
{
	file_random(&v->seed, sizeof(v->seed));
	buf_init(&v->text, TEXT_MAX);
	buf_init(&v->json, MANIFEST_BYTES_MAX);
	buf_init(&v->sig, SIGNATURE_BYTES_MAX);
	buf_put(&v->text, "", 1); /* nothing lies at 0 */
	if (v->ask->appliance)
		(void)str_copy(v->appliance, sizeof(v->appliance), str_of(v->ask->appliance));
	v->last_until_ns = INT64_MIN;
	v->piece = malloc(VERIFY_PIECE_BYTES);
	if (!v->piece || map_init(&v->known, VERIFY_OBJECTS_MAX) || map_init(&v->proofs, VERIFY_OBJECTS_MAX) ||
	    map_init(&v->last_id, VERIFY_OBJECTS_MAX))
		return err_set(v->e, ERR_NOMEM, "out of memory");
	return 0;
}

static void end(struct verify *v)
{
	free(v->seen);
	free(v->objects);
	free(v->receipts);
	free(v->days);
	free(v->piece);
	buf_fini(&v->text);
	buf_fini(&v->json);
	buf_fini(&v->sig);
	map_fini(&v->known);
	map_fini(&v->proofs);
	map_fini(&v->last_id);
	free(v);
}

int archive_verify(const struct verify_ask *ask, void (*found)(void *arg, const struct verify_found *f), void *arg,
		   struct verify_result *out, struct err *e)
{
	struct err own = ERR_INIT;
	struct verify *v = calloc(1, sizeof(*v));
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");
	*out = (struct verify_result){ .key_was_given = ask->public_key != NULL };
	v->ask = ask;
	v->r = out;
	v->found = found;
	v->found_arg = arg;
	v->e = &own;
	v->place = from_place_name(ask->from);
	int rc = begin(v);
	if (rc == 0)
		rc = see_names(v);
	if (rc == 0)
		rc = verify_chain(v);
	if (rc == 0 && ask->objects)
		rc = verify_objects(v);
	if (rc == 0 && ask->objects && v->place)
		rc = verify_proofs(v);
	if (rc == 0 && ask->objects)
		rc = verify_strangers(v);
	end(v);
	return rc && own.code ? err_set(e, (enum err_code)own.code, "%s", own.text) : rc;
}

/* ---- What it says. ---- */

static void open_time(struct json *j, const char *name, int64_t ns)
{
	json_key(j, name);
	if (ns == INT64_MIN || ns == INT64_MAX)
		json_null(j);
	else
		json_time(j, ns);
}

static void hex_member(struct json *j, const char *name, const uint8_t sum[CRYPT_SHA256_BYTES])
{
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	hash_hex(sum, CRYPT_SHA256_BYTES, hex);
	json_kv_str(j, name, hex);
}

void verify_found_json(const struct verify_found *f, struct json *j)
{
	json_obj(j);
	json_kv_str(j, "fault", verify_fault_names[f->fault]);
	json_kv_u64(j, "seq", f->seq);
	json_kv_str(j, "key", f->key);
	open_time(j, "since", f->since_ns);
	open_time(j, "until", f->until_ns);
	json_kv_str(j, "words", f->words);
	json_end_obj(j);
}

void verify_result_json(const struct verify_result *r, struct json *j)
{
	char id[KEY_ID_DIGITS + 1];
	manifest_key_id(r->root_key, id);
	json_obj(j);
	json_kv_u64(j, "manifests", r->manifests);
	json_kv_u64(j, "objects", r->objects);
	json_kv_u64(j, "bytes", r->bytes);
	json_kv_u64(j, "rows", r->rows);
	json_kv_u64(j, "elsewhere", r->elsewhere);
	json_kv_u64(j, "faults", r->faults);
	json_kv_u64(j, "first_seq", r->first_seq);
	json_kv_u64(j, "last_seq", r->last_seq);
	open_time(j, "since", r->since_ns);
	open_time(j, "until", r->until_ns);
	hex_member(j, "head_sha256", r->head_sha256);
	json_kv_str(j, "key_id", id);
	json_kv_bool(j, "key_was_given", r->key_was_given);
	json_key(j, "first");
	if (r->first.fault == VERIFY_GOOD)
		json_null(j);
	else
		verify_found_json(&r->first, j);
	json_end_obj(j);
}
