/* The chain of manifests, from the first to the last: each is signed by a key that the ones before it lead to, names
 * the SHA-256 of the one before it, begins where that one ended, and bears the number of its name. What it names is
 * collected for verify_object.c.
 *
 * A manifest counts as authentic when its bytes are the signed ones and every key that has to has signed. Only then
 * are its hours believed; faults of others are kept until the next authentic one tells where their hours end. */
#include "verify.h"

#include <stdarg.h>
#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"

enum { KINDS_MAX = 64, STAMP_BYTES_MAX = 64 << 10 };

struct looked { /* a manifest on the table */
	uint64_t seq;
	unsigned has;
	char json_key[ARCHIVE_KEY_MAX], sig_key[ARCHIVE_KEY_MAX];
	struct manifest m;
	bool is_read, is_authentic; /* m is good; and signed as it should be */
	size_t nth_json, nth_sig;   /* versions that are looked at */
	uint8_t sha256[CRYPT_SHA256_BYTES];
	char hex[2 * CRYPT_SHA256_BYTES + 1];
};

/* ---- Telling. ---- */

static void flush_pending(struct verify *v, int64_t until_ns)
{
	for (size_t i = 0; i < v->n_pending; i++) {
		const struct verify_found *f = &v->pending[i];
		verify_tell(v, f->fault, f->seq, f->key, f->since_ns, until_ns, "%s", f->words);
	}
	v->n_pending = 0;
}

static void pend(struct verify *v, enum verify_fault fault, uint64_t seq, const char *key, const char *words)
{
	if (v->n_pending == VERIFY_PENDING_MAX)
		flush_pending(v, INT64_MAX);
	struct verify_found *f = &v->pending[v->n_pending++];
	*f = (struct verify_found){ .fault = fault, .seq = seq, .since_ns = v->last_until_ns };
	(void)str_copy(f->key, sizeof(f->key), str_of(key));
	(void)str_copy(f->words, sizeof(f->words), str_of(words));
}

static void PRINTF_LIKE(5, 6) tell(struct verify *v, const struct looked *l, enum verify_fault fault, const char *key,
				   const char *fmt, ...)
{
	char words[sizeof(v->pending[0].words)];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (l->is_authentic)
		verify_tell(v, fault, l->seq, key, l->m.since_ns, l->m.until_ns, "%s", words);
	else
		pend(v, fault, l->seq, key, words);
}

/* ---- Reading one. ---- */

static bool sum_is_signed(const struct looked *l, const struct manifest_signature *s)
{
	return memcmp(s->manifest_sha256, l->sha256, CRYPT_SHA256_BYTES) == 0;
}

static bool has_signed(const struct verify *v, const struct manifest_signature *s, const struct manifest_key *k)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->one[i].key_id, k->id) == 0 &&
		    crypt_ed25519_verify(k->public_key, v->json.p, v->json.n, s->one[i].signature))
			return true;
	return false;
}

/* Of several versions in a place: is this pair ours? */
static bool pair_fits(struct verify *v, const struct looked *l)
{
	struct manifest_signature s;
	if (manifest_signature_read(&s, buf_view(&v->sig), NULL) || !sum_is_signed(l, &s))
		return false;
	for (size_t i = 0; i < v->n_keys; i++)
		if (has_signed(v, &s, &v->keys[i]))
			return true;
	return v->n_keys == 0;
}

static int read_one(struct verify *v, const char *key, size_t nth, size_t max, struct buf *b, struct err *why)
{
	int rc = from_read(v->ask->from, key, nth, max, b, why);
	if (rc && verify_is_finding(v, rc))
		return err_set(v->e, (enum err_code)why->code, "%s", why->text);
	return rc;
}

static size_t versions(const struct verify *v, const char *key)
{
	size_t n = from_versions(v->ask->from, key);
	return n == 0 ? 1 : n < VERIFY_VERSIONS_MAX ? n : VERIFY_VERSIONS_MAX;
}

/* Both files into v->json and v->sig; what could not be read is told and its bit taken out of has. */
static int read_pair(struct verify *v, struct looked *l, size_t j, size_t s, bool is_last_try)
{
	struct err why = ERR_INIT;
	l->nth_json = j;
	l->nth_sig = s;
	int rc = read_one(v, l->json_key, j, MANIFEST_BYTES_MAX, &v->json, &why);
	if (rc && v->e->code)
		return rc;
	if (rc && is_last_try) {
		l->has &= ~(unsigned)SEEN_JSON;
		tell(v, l, rc == -ERR_FULL ? VERIFY_FORM : VERIFY_MISSING, l->json_key, "%s", why.text);
	}
	crypt_sha256(v->json.p ? v->json.p : "", v->json.n, l->sha256);
	hash_hex(l->sha256, CRYPT_SHA256_BYTES, l->hex);
	rc = read_one(v, l->sig_key, s, SIGNATURE_BYTES_MAX, &v->sig, &why);
	if (rc && v->e->code)
		return rc;
	if (rc && is_last_try) {
		l->has &= ~(unsigned)SEEN_SIG;
		tell(v, l, rc == -ERR_FULL ? VERIFY_FORM : VERIFY_MISSING, l->sig_key, "%s", why.text);
	}
	return 0;
}

static int load(struct verify *v, struct looked *l)
{
	size_t n_json = versions(v, l->json_key), n_sig = versions(v, l->sig_key);
	int rc = 0;
	if (n_json * n_sig == 1)
		return read_pair(v, l, 0, 0, true);
	for (size_t j = 0; j < n_json; j++) {
		for (size_t s = 0; s < n_sig; s++) {
			rc = read_pair(v, l, j, s, false);
			if (rc || pair_fits(v, l))
				return rc;
		}
	}
	return read_pair(v, l, 0, 0, true);
}

/* ---- Keys and signatures. ---- */

static bool is_same_key(const struct manifest_key *a, const struct manifest_key *b)
{
	return a->since_seq == b->since_seq && memcmp(a->public_key, b->public_key, CRYPT_KEY_BYTES) == 0;
}

/* A key that came in with a manifest which is not here: nobody proves it, unless it is the one that was given. */
static bool is_given_behind_gap(const struct verify *v, const struct looked *l)
{
	const struct manifest_key *newest = &l->m.keys[l->m.n_keys - 1];
	return v->ask->public_key && !v->has_last && newest->since_seq < l->seq &&
	       memcmp(v->ask->public_key, newest->public_key, CRYPT_KEY_BYTES) == 0;
}

/* The keys it lists must be those of the chain, and at most one more that begins with it. */
static bool keys_follow(struct verify *v, struct looked *l)
{
	const struct manifest *m = &l->m;
	if (l->seq == 1 && m->n_keys > 1) {
		tell(v, l, VERIFY_KEY, l->json_key, "the first manifest lists %zu keys, one is expected", m->n_keys);
		return false;
	}
	for (size_t i = 0; i < v->n_keys; i++) {
		if (i < m->n_keys && is_same_key(&v->keys[i], &m->keys[i]))
			continue;
		tell(v, l, VERIFY_KEY, l->json_key, "key %s, which the manifests before this one lead to, is not listed",
		     v->keys[i].id);
		return false;
	}
	if (v->n_keys == 0 || m->n_keys == v->n_keys || is_given_behind_gap(v, l))
		return true;
	if (m->n_keys == v->n_keys + 1 && m->keys[v->n_keys].since_seq == l->seq)
		return true;
	tell(v, l, VERIFY_KEY, l->json_key, "key %s is said to have come with manifest %llu, nothing here proves that",
	     m->keys[v->n_keys].id, (unsigned long long)m->keys[v->n_keys].since_seq);
	return false;
}

static bool is_signed_by(struct verify *v, struct looked *l, const struct manifest_signature *s,
			 const struct manifest_key *k)
{
	if (has_signed(v, s, k)) {
		if (v->ask->public_key && memcmp(v->ask->public_key, k->public_key, CRYPT_KEY_BYTES) == 0)
			v->given_key_seen = true;
		return true;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->one[i].key_id, k->id) == 0) {
			tell(v, l, VERIFY_SIGNATURE, l->sig_key, "the signature of key %s does not fit the manifest", k->id);
			return false;
		}
	}
	tell(v, l, VERIFY_KEY, l->sig_key, "signed with key %s, expected is key %s", s->one[0].key_id, k->id);
	return false;
}

/* Who must have signed: the newest key, and in a manifest that brings a new one also the one before it. */
static void check_signers(struct verify *v, struct looked *l, const struct manifest_signature *s)
{
	const struct manifest *m = &l->m;
	if (!keys_follow(v, l))
		return;
	bool is_rotation = v->n_keys && m->n_keys > v->n_keys && !is_given_behind_gap(v, l);
	if (is_rotation && !is_signed_by(v, l, s, &v->keys[v->n_keys - 1]))
		return;
	if (!is_signed_by(v, l, s, &m->keys[m->n_keys - 1]))
		return;
	l->is_authentic = true;
	if (v->n_keys == 0)
		memcpy(v->r->root_key, m->keys[0].public_key, CRYPT_KEY_BYTES);
	memcpy(v->keys, m->keys, m->n_keys * sizeof(m->keys[0]));
	v->n_keys = m->n_keys;
}

static void check_signature(struct verify *v, struct looked *l)
{
	struct manifest_signature s;
	struct err why = ERR_INIT;
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	if (!(l->has & SEEN_SIG))
		return; /* told */
	if (manifest_signature_read(&s, buf_view(&v->sig), &why)) {
		tell(v, l, VERIFY_FORM, l->sig_key, "%s", why.text);
		return;
	}
	if (!archive_is_canonical(buf_view(&v->sig)))
		tell(v, l, VERIFY_FORM, l->sig_key, "not canonical JSON: these are not the bytes that were written");
	if (!sum_is_signed(l, &s)) {
		hash_hex(s.manifest_sha256, CRYPT_SHA256_BYTES, hex);
		tell(v, l, VERIFY_HASH, l->json_key, "SHA-256 %s, signed is %s", l->hex, hex);
		return;
	}
	if (l->is_read)
		check_signers(v, l, &s);
}

/* ---- Form, number, chain. ---- */

static void check_form(struct verify *v, struct looked *l)
{
	struct err why = ERR_INIT;
	l->is_read = manifest_read(&l->m, buf_view(&v->json), &why) == 0;
	if (!l->is_read)
		tell(v, l, VERIFY_FORM, l->json_key, "%s", why.text);
	else if (!archive_is_canonical(buf_view(&v->json)))
		tell(v, l, VERIFY_FORM, l->json_key, "not canonical JSON: these are not the bytes that were written");
}

static void check_link(struct verify *v, struct looked *l)
{
	const struct manifest *m = &l->m;
	char here[2 * CRYPT_SHA256_BYTES + 1], named[2 * CRYPT_SHA256_BYTES + 1];
	if (l->seq == 1 && m->has_previous)
		tell(v, l, VERIFY_CHAIN, l->json_key, "the first manifest names one before it, %llu",
		     (unsigned long long)m->previous_seq);
	if (l->seq > 1 && (!m->has_previous || m->previous_seq != l->seq - 1)) {
		tell(v, l, VERIFY_CHAIN, l->json_key, "does not name manifest %llu as the one before it",
		     (unsigned long long)l->seq - 1);
		return;
	}
	if (!v->has_last || v->last_seq + 1 != l->seq)
		return; /* what is missing has been told */
	if (memcmp(m->previous_sha256, v->last_sha256, CRYPT_SHA256_BYTES) != 0) {
		hash_hex(v->last_sha256, CRYPT_SHA256_BYTES, here);
		hash_hex(m->previous_sha256, CRYPT_SHA256_BYTES, named);
		tell(v, l, VERIFY_CHAIN, l->json_key, "names SHA-256 %s for manifest %llu; the one that lies here has %s",
		     named, (unsigned long long)v->last_seq, here);
	} else if (l->is_authentic && v->last_is_good && m->since_ns != v->last_until_ns) {
		tell(v, l, VERIFY_SEQUENCE, l->json_key, "does not begin where manifest %llu ended",
		     (unsigned long long)v->last_seq);
	}
}

static void check_place_in_chain(struct verify *v, struct looked *l)
{
	const struct manifest *m = &l->m;
	if (m->seq != l->seq)
		tell(v, l, VERIFY_NAME, l->json_key, "is manifest %llu under the name of %llu", (unsigned long long)m->seq,
		     (unsigned long long)l->seq);
	if (!str_eq(m->appliance, str_of(v->appliance)))
		tell(v, l, VERIFY_NAME, l->json_key, "is a manifest of another appliance, \"%.*s\"",
		     m->appliance.n < 64 ? (int)m->appliance.n : 64, m->appliance.p);
	check_link(v, l);
	if (v->ask->has_head && v->ask->head_seq == l->seq &&
	    memcmp(v->ask->head_sha256, l->sha256, CRYPT_SHA256_BYTES) != 0)
		tell(v, l, VERIFY_HEAD, l->json_key, "SHA-256 %s is not that of the head known from outside", l->hex);
}

/* ---- What it names. ---- */

static bool name_is_right(const struct verify *v, const struct looked *l, const struct manifest_object *o)
{
	struct object_name n;
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	hash_hex(o->sha256, CRYPT_SHA256_BYTES, hex);
	return o->key.n < ARCHIVE_KEY_MAX && object_name_read(o->key, &n) && n.seq == l->seq && str_eq(n.kind, o->kind) &&
	       str_eq(n.appliance, str_of(v->appliance)) && str_eq(n.sum, str_n(hex, n.sum.n));
}

/* Ids of a day rise: what one seal took begins where the one before it ended. */
static int check_day(struct verify *v, struct looked *l, const char *key, const struct manifest_object *o,
		     const struct manifest_day *d)
{
	char name[80];
	bool made;
	int n = snprintf(name, sizeof(name), "%.*s/%d", o->kind.n < 40 ? (int)o->kind.n : 40, o->kind.p, d->day);
	uint64_t *last = map_put(&v->last_id, verify_hash(v, str_n(name, (size_t)n)), &made);
	if (!last)
		return err_set(v->e, ERR_NOMEM, "out of memory");
	if (d->last <= d->after)
		tell(v, l, VERIFY_ROWS, key, "day %d: ids (%lld, %lld] are none", d->day, (long long)d->after,
		     (long long)d->last);
	else if (!made && l->is_authentic && (int64_t)*last != d->after)
		tell(v, l, VERIFY_ROWS, key, "day %d begins behind id %lld, the seal before it ended at %lld", d->day,
		     (long long)d->after, (long long)*last);
	*last = (uint64_t)d->last;
	return 0;
}

static int take_days(struct verify *v, struct looked *l, const char *key, const struct manifest_object *o,
		     struct verify_object *to)
{
	struct err why = ERR_INIT;
	struct manifest_day d;
	uint64_t rows = 0;
	size_t at = 0;
	int rc, got;
	to->days = v->n_days;
	while ((got = manifest_day(&l->m, o, &at, &d, &why)) == 1) {
		rc = check_day(v, l, key, o, &d);
		if (rc == 0 && v->ask->rows)
			rc = verify_grow(v, (void **)&v->days, v->n_days, &v->room_days, sizeof(*v->days));
		if (rc)
			return rc;
		if (v->ask->rows)
			v->days[v->n_days++] = (struct verify_day){ d.after, d.last, d.rows };
		if (ckd_add(&rows, rows, d.rows))
			rows = UINT64_MAX;
	}
	to->n_days = v->n_days - to->days;
	if (got < 0)
		tell(v, l, VERIFY_FORM, key, "%s", why.text);
	else if (rows != o->rows)
		tell(v, l, VERIFY_ROWS, key, "%llu rows, its days have %llu", (unsigned long long)o->rows,
		     (unsigned long long)rows);
	return 0;
}

static int64_t locked_until(const struct manifest *m, const struct manifest_object *o)
{
	int64_t keep_ns, until_ns;
	if (str_ieq(o->lock_mode, STR("none")) || o->lock_mode.n == 0 || o->lock_keep_s > INT64_MAX)
		return 0;
	if (ckd_mul(&keep_ns, (int64_t)o->lock_keep_s, NS_PER_S) || ckd_add(&until_ns, m->sealed_at_ns, keep_ns))
		return INT64_MAX;
	return until_ns;
}

static int take_object(struct verify *v, struct looked *l, const struct manifest_object *o)
{
	bool made;
	char key[ARCHIVE_KEY_MAX];
	str_copy_clean(key, sizeof(key), o->key.n ? o->key : STR("(no name)"));
	if (!name_is_right(v, l, o)) {
		tell(v, l, VERIFY_NAME, key, "is no name of an object of manifest %llu with this sum; not opened",
		     (unsigned long long)l->seq);
		return 0;
	}
	int rc = verify_grow(v, (void **)&v->objects, v->n_objects, &v->room_objects, sizeof(*v->objects));
	if (rc)
		return rc;
	uint64_t *index = map_put(&v->known, verify_hash(v, o->key), &made);
	if (!index)
		return err_set(v->e, ERR_NOMEM, "out of memory");
	if (!made) {
		tell(v, l, VERIFY_FORM, key, "is named twice");
		return 0;
	}
	struct verify_object *to = &v->objects[v->n_objects];
	*to = (struct verify_object){
		.seq = l->seq, .bytes = o->bytes, .rows = o->rows, .row_groups = o->row_groups,
		.since_ns = o->since_ns, .until_ns = o->until_ns, .seal_since_ns = l->m.since_ns,
		.seal_until_ns = l->m.until_ns, .first_id = o->first_id, .last_id = o->last_id,
		.locked_until_ns = locked_until(&l->m, o),
	};
	memcpy(to->sha256, o->sha256, sizeof(to->sha256));
	memcpy(to->merkle_root, o->merkle_root, sizeof(to->merkle_root));
	rc = verify_keep(v, o->key, &to->key);
	if (rc == 0)
		rc = take_days(v, l, key, o, to);
	if (rc)
		return rc;
	*index = ++v->n_objects;
	if (ckd_add(&v->total_bytes, v->total_bytes, o->bytes))
		v->total_bytes = UINT64_MAX;
	return 0;
}

/* Rows by kind are those of the objects. */
static void check_rows(struct verify *v, struct looked *l, size_t first_object)
{
	struct err why = ERR_INIT;
	struct str kind;
	uint64_t rows, all = 0, named = 0;
	size_t at = 0, kinds = 0;
	int got;
	for (size_t i = first_object; i < v->n_objects; i++)
		all += v->objects[i].rows;
	while ((got = manifest_rows(&l->m, &at, &kind, &rows, &why)) == 1 && kinds++ < KINDS_MAX) {
		uint64_t have = 0;
		for (size_t i = first_object; i < v->n_objects; i++) {
			struct object_name n;
			if (object_name_read(str_of(verify_text(v, v->objects[i].key)), &n) && str_eq(n.kind, kind))
				have += v->objects[i].rows;
		}
		if (have != rows)
			tell(v, l, VERIFY_ROWS, l->json_key, "%llu rows of kind %.*s, its objects have %llu",
			     (unsigned long long)rows, kind.n < 40 ? (int)kind.n : 40, kind.p, (unsigned long long)have);
		named += rows;
	}
	if (got < 0 || kinds > KINDS_MAX)
		tell(v, l, VERIFY_FORM, l->json_key, "%s", got < 0 ? why.text : "rows of too many kinds");
	else if (named < all)
		tell(v, l, VERIFY_ROWS, l->json_key, "names objects with rows of a kind that it does not count");
}

static int take_objects(struct verify *v, struct looked *l)
{
	struct err why = ERR_INIT;
	struct manifest_object o;
	size_t at = 0, first = v->n_objects;
	int got, rc = 0;
	while (rc == 0 && (got = manifest_object(&l->m, &at, &o, &why)) == 1)
		rc = take_object(v, l, &o);
	if (rc)
		return rc;
	if (got < 0)
		tell(v, l, VERIFY_FORM, l->json_key, "%s", why.text);
	check_rows(v, l, first);
	return 0;
}

/* ---- Receipts. ---- */

struct verify_seen *verify_seen(const struct verify *v, uint64_t seq)
{
	size_t from = 0, to = v->n_seen;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (v->seen[mid].seq < seq)
			from = mid + 1;
		else
			to = mid;
	}
	return from < v->n_seen && v->seen[from].seq == seq ? &v->seen[from] : NULL;
}

/* A stamp or signature that a place has proven was there once: it must lie here, too. */
static void check_proven_is_here(struct verify *v, struct looked *l, const struct manifest_receipt *p)
{
	struct manifest_name n;
	char key[ARCHIVE_KEY_MAX];
	if (!manifest_name_read(p->key, &n) || !str_eq(n.appliance, str_of(v->appliance)) || n.seq >= l->seq)
		return;
	const struct verify_seen *s = verify_seen(v, n.seq);
	if (!s || n.suffix.p[0] != 't' || s->has & SEEN_TSR)
		return; /* manifests and signatures are missed without receipts */
	str_copy_clean(key, sizeof(key), p->key);
	tell(v, l, VERIFY_MISSING, key, "place %.*s has proven this stamp, but it is not here",
	     p->place.n < 64 ? (int)p->place.n : 64, p->place.p);
}

static int take_receipt(struct verify *v, struct looked *l, const struct manifest_receipt *p)
{
	bool made;
	char key[ARCHIVE_KEY_MAX];
	struct manifest_name n;
	const uint64_t *at = map_get(&v->known, verify_hash(v, p->key));
	str_copy_clean(key, sizeof(key), p->key);
	if (at && memcmp(v->objects[*at - 1].sha256, p->sha256, CRYPT_SHA256_BYTES) != 0)
		tell(v, l, VERIFY_HASH, key, "place %.*s has proven another sum than the manifest names",
		     p->place.n < 64 ? (int)p->place.n : 64, p->place.p);
	check_proven_is_here(v, l, p);
	if (!v->place || !str_eq(p->place, str_of(v->place)))
		return 0;
	int rc = verify_grow(v, (void **)&v->receipts, v->n_receipts, &v->room_receipts, sizeof(*v->receipts));
	if (rc)
		return rc;
	uint64_t *index = map_put(&v->proofs, verify_hash(v, p->key), &made);
	if (!index)
		return err_set(v->e, ERR_NOMEM, "out of memory");
	struct verify_receipt *to = &v->receipts[v->n_receipts];
	*to = (struct verify_receipt){ .retain_until_ns = p->retain_until_ns };
	if (p->lock.n > 0 && !str_ieq(p->lock, str_of(s3_lock_names[S3_LOCK_NONE])))
		to->lock = str_ieq(p->lock, str_of(s3_lock_names[S3_LOCK_COMPLIANCE])) ? S3_LOCK_COMPLIANCE :
											 S3_LOCK_GOVERNANCE;
	*index = ++v->n_receipts; /* the newest proof of a name counts */
	int rc_name = manifest_name_read(p->key, &n) ? verify_keep(v, p->key, &to->manifest) : 0;
	return rc_name ? rc_name : verify_keep(v, p->version_id, &to->version_id);
}

static int take_receipts(struct verify *v, struct looked *l)
{
	struct err why = ERR_INIT;
	struct manifest_receipt p;
	size_t at = 0;
	int got, rc = 0;
	while (rc == 0 && (got = manifest_receipt(&l->m, &at, &p, &why)) == 1)
		rc = take_receipt(v, l, &p);
	if (rc == 0 && got < 0)
		tell(v, l, VERIFY_FORM, l->json_key, "%s", why.text);
	return rc;
}

/* ---- One after the other. ---- */

static int check_stamp(struct verify *v, struct looked *l)
{
	char key[ARCHIVE_KEY_MAX];
	struct err why = ERR_INIT;
	int64_t at_ns;
	int rc = 0;
	if (!(l->has & SEEN_TSR))
		return 0;
	archive_manifest_key(key, v->appliance, l->seq, ".tsr");
	for (size_t i = 0; i < versions(v, key); i++) {
		rc = read_one(v, key, i, STAMP_BYTES_MAX, &v->sig, &why); /* the signature has been looked at */
		if (rc && v->e->code)
			return rc;
		if (rc == 0)
			rc = crypt_stamp_read(buf_view(&v->sig), l->sha256, STR_NULL, &at_ns, &why);
		if (rc == 0)
			return 0;
	}
	tell(v, l, VERIFY_STAMP, key, "%s", why.text);
	return 0;
}

static void remember(struct verify *v, const struct looked *l)
{
	struct verify_result *r = v->r;
	v->has_last = true;
	v->last_seq = l->seq;
	v->last_is_good = l->is_authentic;
	memcpy(v->last_sha256, l->sha256, CRYPT_SHA256_BYTES);
	memcpy(r->head_sha256, l->sha256, CRYPT_SHA256_BYTES);
	if (!l->is_authentic)
		return;
	v->last_until_ns = l->m.until_ns;
	r->until_ns = l->m.until_ns;
	struct verify_seen *s = verify_seen(v, l->seq);
	if (s) {
		s->since_ns = l->m.since_ns;
		s->until_ns = l->m.until_ns;
	}
}

/* In a place a name may lead to something else than the version that was looked at. */
static void check_hidden(struct verify *v, const struct looked *l)
{
	char words[400];
	if (from_hidden(v->ask->from, l->json_key, l->nth_json, words, sizeof(words)))
		tell(v, l, VERIFY_HIDDEN, l->json_key, "%s", words);
	if (l->has & SEEN_SIG && from_hidden(v->ask->from, l->sig_key, l->nth_sig, words, sizeof(words)))
		tell(v, l, VERIFY_HIDDEN, l->sig_key, "%s", words);
}

static int look(struct verify *v, struct looked *l)
{
	int rc = load(v, l);
	if (rc || !(l->has & SEEN_JSON))
		return rc;
	check_form(v, l);
	check_signature(v, l);
	if (l->is_authentic)
		flush_pending(v, l->m.since_ns);
	if (l->is_authentic && v->r->since_ns == 0)
		v->r->since_ns = l->m.since_ns;
	if (l->is_read) {
		check_place_in_chain(v, l);
		rc = take_objects(v, l);
		if (rc == 0)
			rc = take_receipts(v, l);
	}
	if (rc == 0 && v->place)
		check_hidden(v, l);
	if (rc == 0)
		rc = check_stamp(v, l);
	if (rc == 0)
		remember(v, l);
	return rc;
}

static int one_manifest(struct verify *v, const struct verify_seen *seen)
{
	struct looked l = { .seq = seen->seq, .has = seen->has };
	archive_manifest_key(l.json_key, v->appliance, l.seq, ".json");
	archive_manifest_key(l.sig_key, v->appliance, l.seq, ".sig");
	bool is_newest = seen == &v->seen[v->n_seen - 1];
	if (v->ask->live && is_newest && (seen->has & 3) != 3 && v->n_seen > 1) {
		v->n_seen--; /* its second file is on its way */
		return 0;
	}
	v->has_last = v->has_last && v->last_seq + 1 == l.seq;
	int rc = look(v, &l);
	if (!(l.has & SEEN_JSON))
		v->has_last = false;
	if (l.is_read)
		manifest_fini(&l.m);
	v->r->manifests++;
	v->r->last_seq = l.seq;
	return rc;
}

static void tell_gap(struct verify *v, uint64_t first, uint64_t last)
{
	char words[128], key[ARCHIVE_KEY_MAX];
	archive_manifest_key(key, v->appliance, first, ".json");
	if (first == last)
		(void)snprintf(words, sizeof(words), "this manifest is not there");
	else
		(void)snprintf(words, sizeof(words), "manifests %llu to %llu are not there", (unsigned long long)first,
			       (unsigned long long)last);
	pend(v, VERIFY_MISSING, first, key, words);
}

static void check_head(struct verify *v)
{
	char key[ARCHIVE_KEY_MAX];
	const struct verify_ask *a = v->ask;
	if (a->has_head && a->head_seq < v->r->first_seq) {
		archive_manifest_key(key, v->appliance, a->head_seq, ".json");
		verify_tell(v, VERIFY_HEAD, a->head_seq, key, INT64_MIN, INT64_MAX,
			    "the head known from outside is manifest %llu, what is proven here begins with %llu: nothing "
			    "was held against it",
			    (unsigned long long)a->head_seq, (unsigned long long)v->r->first_seq);
	}
	if (!a->has_head || v->r->last_seq >= a->head_seq)
		return;
	archive_manifest_key(key, v->appliance, v->r->last_seq + 1, ".json");
	verify_tell(v, VERIFY_HEAD, v->r->last_seq + 1, key, v->last_until_ns, INT64_MAX,
		    "the newest manifest here is %llu, known from outside is %llu: the end is cut off",
		    (unsigned long long)v->r->last_seq, (unsigned long long)a->head_seq);
}

static void check_key(struct verify *v)
{
	char given[KEY_ID_DIGITS + 1], key[ARCHIVE_KEY_MAX];
	if (!v->ask->public_key || v->given_key_seen)
		return;
	manifest_key_id(v->ask->public_key, given);
	archive_manifest_key(key, v->appliance, v->r->first_seq, ".sig");
	verify_tell(v, VERIFY_KEY, v->r->first_seq, key, INT64_MIN, INT64_MAX,
		    "no manifest is signed with the given key %s; these are signed with %s", given,
		    v->n_keys ? v->keys[v->n_keys - 1].id : "none that can be proven");
}

int verify_chain(struct verify *v)
{
	uint64_t next = v->ask->since_seq ? v->ask->since_seq : v->ask->part ? v->seen[0].seq : 1;
	int rc = 0;
	v->r->first_seq = next;
	for (size_t i = 0; i < v->n_seen && rc == 0; i++) {
		const struct verify_seen *s = &v->seen[i];
		if (s->seq < next)
			continue;
		if (s->seq > next)
			tell_gap(v, next, s->seq - 1);
		rc = one_manifest(v, s);
		next = s->seq + 1;
		if (rc == 0 && !verify_goes_on(v, ""))
			rc = -ERR_CLOSED;
	}
	if (rc)
		return rc;
	flush_pending(v, INT64_MAX);
	check_head(v);
	check_key(v);
	return 0;
}
