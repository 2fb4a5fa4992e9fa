/* Objects one by one: there, as long as told, with the sum that was signed, in a place also the version that was proven,
 * locked as it was proven and not hidden; then names that no manifest knows. */
#include "verify.h"

#include <stdio.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"

enum { TELL_EVERY_BYTES = 8 << 20 };

struct opened { /* an object on the table */
	const struct verify_object *o;
	const char *key;
	size_t nth;
	int fd;
	uint64_t bytes;
	uint8_t sha256[CRYPT_SHA256_BYTES];
};

static void PRINTF_LIKE(4, 5) tell(struct verify *v, const struct verify_object *o, enum verify_fault fault,
				   const char *fmt, ...)
{
	char words[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	verify_tell(v, fault, o->seq, verify_text(v, o->key), o->seal_since_ns, o->seal_until_ns, "%s", words);
}

/* ---- Bytes. ---- */

static int sum_file(struct verify *v, struct opened *f, struct err *why)
{
	struct crypt_sum *sum;
	uint64_t told = v->done_bytes;
	int rc = crypt_sum_new(&sum, CRYPT_SHA256, why);
	for (uint64_t off = 0; rc == 0 && off < f->bytes;) {
		size_t n = f->bytes - off < VERIFY_PIECE_BYTES ? (size_t)(f->bytes - off) : VERIFY_PIECE_BYTES;
		rc = from_read_at(f->fd, off, v->piece, n, why);
		if (rc)
			break;
		crypt_sum_put(sum, v->piece, n);
		off += n;
		v->done_bytes += n;
		if (v->done_bytes - told < TELL_EVERY_BYTES)
			continue;
		told = v->done_bytes;
		if (!verify_goes_on(v, f->key))
			rc = err_set(v->e, ERR_CLOSED, "ended before it was through");
	}
	if (rc == 0)
		crypt_sum_end(sum, f->sha256, NULL);
	crypt_sum_free(sum);
	return rc;
}

/* Opens and sums the n-th version. A finding's words are in why, what ends the proof is in v->e. What is not as long
 * as it must be is not fetched at all. */
static int open_and_sum(struct verify *v, struct opened *f, struct err *why)
{
	if (v->place && (f->bytes = from_told_bytes(v->ask->from, f->key, f->nth)) != f->o->bytes)
		return 0;
	int rc = from_open(v->ask->from, f->key, f->nth, &f->fd, &f->bytes, why);
	if (rc == 0 && f->bytes == f->o->bytes)
		rc = sum_file(v, f, why);
	if (rc && f->fd >= 0) {
		(void)close(f->fd);
		f->fd = -1;
	}
	if (rc && !v->e->code && verify_is_finding(v, rc))
		return err_set(v->e, (enum err_code)why->code, "%s", why->text);
	return rc;
}

static bool fits(const struct opened *f)
{
	return f->fd >= 0 && f->bytes == f->o->bytes && memcmp(f->sha256, f->o->sha256, CRYPT_SHA256_BYTES) == 0;
}

/* What is wrong with bytes that are there. */
static bool bytes_are_good(struct verify *v, const struct opened *f)
{
	char here[2 * CRYPT_SHA256_BYTES + 1], named[2 * CRYPT_SHA256_BYTES + 1];
	if (fits(f))
		return true;
	if (f->bytes != f->o->bytes) {
		tell(v, f->o, VERIFY_SIZE, "%llu bytes, the manifest names %llu", (unsigned long long)f->bytes,
		     (unsigned long long)f->o->bytes);
		return false;
	}
	hash_hex(f->sha256, CRYPT_SHA256_BYTES, here);
	hash_hex(f->o->sha256, CRYPT_SHA256_BYTES, named);
	tell(v, f->o, VERIFY_HASH, "SHA-256 %s, the manifest names %s", here, named);
	return false;
}

/* ---- Which version. ---- */

/* The proven one; where none was proven yet, the one whose bytes fit. 1: opened, 0: there is none and that is told. */
static int find_version(struct verify *v, struct opened *f)
{
	struct err why = ERR_INIT;
	size_t n = from_versions(v->ask->from, f->key), first = 0;
	if (n == 0 && (v->ask->part || (v->ask->elsewhere && v->ask->elsewhere(v->ask->arg, f->key)))) {
		v->r->elsewhere++;
		return 0;
	}
	if (n == 0) {
		tell(v, f->o, VERIFY_MISSING, "not there");
		return 0;
	}
	if (f->o->receipt) {
		const char *id = verify_text(v, v->receipts[f->o->receipt - 1].version_id);
		first = id[0] ? from_version(v->ask->from, f->key, str_of(id)) : 0;
		if (first == SIZE_MAX) {
			tell(v, f->o, VERIFY_MISSING, "version %s, which was proven, is not there any more", id);
			return 0;
		}
		n = first + 1;
	}
	int rc = 0;
	for (size_t i = first; i < n && i - first < VERIFY_VERSIONS_MAX; i++) {
		if (f->fd >= 0)
			(void)close(f->fd);
		f->fd = -1;
		f->nth = i;
		rc = open_and_sum(v, f, &why);
		if (v->e->code)
			return rc;
		if (rc == 0 && fits(f))
			return 1;
	}
	if (rc == 0)
		return 1; /* of the last one it is told what does not fit */
	tell(v, f->o, VERIFY_MISSING, "cannot be read: %s", why.text);
	return 0;
}

/* ---- In a place: the lock. ---- */

static bool has_ended(int64_t until_ns)
{
	return until_ns <= clock_now_ns();
}

static void check_lock(struct verify *v, const struct opened *f, const struct s3_version *is)
{
	const struct verify_receipt *p = f->o->receipt ? &v->receipts[f->o->receipt - 1] : NULL;
	int64_t until_ns = p ? p->retain_until_ns : f->o->locked_until_ns;
	char want[CLOCK_RFC3339_MAX], have[CLOCK_RFC3339_MAX];
	bool must = p ? p->lock != S3_LOCK_NONE : f->o->locked_until_ns != 0;
	if (!must || has_ended(until_ns))
		return;
	clock_rfc3339(until_ns, want);
	clock_rfc3339(is->retain_until_ns, have);
	if (is->lock == S3_LOCK_NONE)
		tell(v, f->o, VERIFY_UNLOCKED, "not locked; %s is a lock until %s", p ? "proven" : "to be expected", want);
	else if (p && is->lock < p->lock)
		tell(v, f->o, VERIFY_UNLOCKED, "the lock is %s now; proven is %s, which nobody can lift",
		     s3_lock_names[is->lock], s3_lock_names[p->lock]);
	else if (p && is->retain_until_ns < until_ns - until_ns % NS_PER_S)
		tell(v, f->o, VERIFY_LOCK_SHORT, "locked until %s only; proven is a lock until %s", have, want);
}

static int ask_lock(struct verify *v, const struct opened *f)
{
	struct s3_version is;
	struct err why = ERR_INIT;
	int rc = from_lock(v->ask->from, f->key, f->nth, &is, &why);
	if (rc)
		return err_set(v->e, (enum err_code)why.code, "%s: asking for its lock: %s", f->key, why.text);
	check_lock(v, f, &is);
	return 0;
}

static int check_place(struct verify *v, const struct opened *f)
{
	char words[400];
	if (from_hidden(v->ask->from, f->key, f->nth, words, sizeof(words)))
		tell(v, f->o, VERIFY_HIDDEN, "%s; the proven version is still there", words);
	return ask_lock(v, f);
}

/* ---- One after the other. ---- */

static int check_rows(struct verify *v, const struct opened *f)
{
	struct object_name n;
	struct err why = ERR_INIT;
	char words[400] = "";
	enum verify_fault fault = VERIFY_GOOD;
	const struct verify_object *o = f->o;
	if (!object_name_read(str_of(f->key), &n))
		return 0; /* such a one is never collected */
	const struct verify_rows want = {
		.kind = n.kind, .rows = o->rows, .row_groups = o->row_groups, .first_id = o->first_id,
		.last_id = o->last_id, .since_ns = o->since_ns, .until_ns = o->until_ns,
		.merkle_root = o->merkle_root, .days = v->days + o->days, .n_days = o->n_days,
	};
	int rc = verify_rows(f->fd, f->bytes, &want, &fault, words, sizeof(words), &why);
	if (rc)
		return err_set(v->e, (enum err_code)why.code, "%s: %s", f->key, why.text);
	if (fault != VERIFY_GOOD)
		tell(v, o, fault, "%s", words);
	else
		v->r->rows += o->rows;
	return 0;
}

static int one_object(struct verify *v, struct verify_object *o)
{
	struct opened f = { .o = o, .key = verify_text(v, o->key), .fd = -1 };
	const uint64_t *receipt = map_get(&v->proofs, verify_hash(v, str_of(f.key)));
	o->receipt = receipt ? (size_t)*receipt : 0;
	int rc = find_version(v, &f);
	if (rc == 1) {
		rc = 0;
		bool good = bytes_are_good(v, &f);
		if (good) {
			v->r->objects++;
			v->r->bytes += f.bytes;
		}
		if (good && v->ask->rows)
			rc = check_rows(v, &f);
		if (rc == 0 && v->place)
			rc = check_place(v, &f);
	}
	if (f.fd >= 0)
		(void)close(f.fd);
	return rc;
}

int verify_objects(struct verify *v)
{
	uint64_t done = 0;
	for (size_t i = 0; i < v->n_objects; i++) {
		struct verify_object *o = &v->objects[i];
		v->done_bytes = done;
		if (!verify_goes_on(v, verify_text(v, o->key)))
			return err_set(v->e, ERR_CLOSED, "ended before it was through");
		int rc = one_object(v, o);
		if (rc)
			return rc;
		done += o->bytes;
	}
	v->done_bytes = done;
	return 0;
}

/* ---- Manifests, signatures and stamps: what a place has proven of them. ---- */

static int one_proof(struct verify *v, size_t receipt, const char *key, const struct manifest_name *n)
{
	const struct verify_receipt *p = &v->receipts[receipt - 1];
	const struct verify_seen *s = verify_seen(v, n->seq);
	const char *id = verify_text(v, p->version_id);
	const struct verify_object o = { .seq = n->seq, .key = p->manifest, .receipt = receipt,
					 .seal_since_ns = s ? s->since_ns : INT64_MIN,
					 .seal_until_ns = s ? s->until_ns : INT64_MAX };
	struct opened f = { .o = &o, .key = key, .fd = -1 };
	if (from_versions(v->ask->from, key) == 0)
		return 0; /* the chain has missed it */
	f.nth = id[0] ? from_version(v->ask->from, key, str_of(id)) : 0;
	if (f.nth != SIZE_MAX)
		return ask_lock(v, &f); /* what hides it was told with the chain */
	tell(v, &o, VERIFY_MISSING, "version %s, which was proven, is not there any more", id);
	return 0;
}

int verify_proofs(struct verify *v)
{
	struct manifest_name n;
	for (size_t i = 0; i < v->n_receipts; i++) {
		const char *key = verify_text(v, v->receipts[i].manifest);
		const uint64_t *newest = map_get(&v->proofs, verify_hash(v, str_of(key)));
		if (!newest || *newest != i + 1 || !manifest_name_read(str_of(key), &n))
			continue;
		if (!verify_goes_on(v, key))
			return err_set(v->e, ERR_CLOSED, "ended before it was through");
		int rc = one_proof(v, i + 1, key, &n);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- What no manifest knows. ---- */

/* A name of another appliance: its own archive's business. */
static bool is_anothers(const struct verify *v, struct str key)
{
	struct object_name o;
	struct manifest_name m;
	if (object_name_read(key, &o))
		return !str_eq(o.appliance, str_of(v->appliance));
	return manifest_name_read(key, &m) && !str_eq(m.appliance, str_of(v->appliance));
}

static bool is_known(const struct verify *v, struct str key)
{
	struct object_name o;
	struct manifest_name m;
	const struct verify_ask *a = v->ask;
	if (map_get(&v->known, verify_hash(v, key)))
		return true;
	if (object_name_read(key, &o)) /* being sealed just now; or of a part of the chain that was not asked for */
		return (a->live && o.seq > v->r->last_seq) || o.seq < a->since_seq;
	if (!manifest_name_read(key, &m))
		return false;
	/* Of a number that was looked at, all three names belong; newer ones have come meanwhile. */
	return m.seq <= v->r->last_seq || a->live;
}

static int look_for_strangers(void *arg, struct str key, uint64_t bytes)
{
	struct verify *v = arg;
	struct object_name o;
	char name[ARCHIVE_KEY_MAX];
	if (is_anothers(v, key) || is_known(v, key))
		return 0;
	str_copy_clean(name, sizeof(name), key);
	verify_tell(v, VERIFY_STRANGER, object_name_read(key, &o) ? o.seq : v->r->last_seq, name, v->r->since_ns,
		    v->r->until_ns, "%llu bytes that no manifest names", (unsigned long long)bytes);
	return 0;
}

int verify_strangers(struct verify *v)
{
	return from_list(v->ask->from, look_for_strangers, v, v->e);
}
