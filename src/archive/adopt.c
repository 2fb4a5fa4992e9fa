/* Adoption: after a restore the archive knows more than the database that came out of the backup. Every manifest
 * behind the database's head is taken over in its turn: signed by the key that the database knows, naming the one
 * before it by its sum; its files are brought here, its rows entered as if they had been sealed here, so that the
 * chain goes on with the next number and no id is used twice. Manifests of before come here, too, and objects of
 * before that are not here are noted as being in the place alone.
 *
 * All of it may be done again: what is entered is behind the head then. One thread, no daemon beside it. */
#include <stdlib.h>

#include "adopt.h"
#include "tomsd/base/hash.h"

enum { SEEN_MAX = 4 << 20, VERSIONS_MAX = 16 };

/* ---- What is there. ---- */

static unsigned suffix_bit(struct str suffix)
{
	return str_eq(suffix, STR("json")) ? SUFFIX_JSON :
	       str_eq(suffix, STR("sig"))  ? SUFFIX_SIG :
	       str_eq(suffix, STR("tsr"))  ? SUFFIX_TSR :
					     0;
}

static int see(void *arg, struct str key, uint64_t bytes)
{
	struct adoption *a = arg;
	struct manifest_name n;
	(void)bytes;
	if (!manifest_name_read(key, &n))
		return 0;
	if (!a->appliance[0])
		(void)str_copy(a->appliance, sizeof(a->appliance), n.appliance);
	if (!str_eq(n.appliance, str_of(a->appliance)))
		return 0;
	struct str suffix = str_starts(n.suffix, STR(".")) ? str_sub(n.suffix, 1, n.suffix.n) : n.suffix;
	if (a->n_seen == a->room_seen) {
		size_t room = a->room_seen ? a->room_seen * 2 : 1024;
		struct adopt_seen *more = room <= SEEN_MAX ? reallocarray(a->seen, room, sizeof(*more)) : NULL;
		if (!more)
			return err_set(a->e, ERR_FULL, "there are more manifests than fit into memory");
		a->seen = more;
		a->room_seen = room;
	}
	a->seen[a->n_seen++] = (struct adopt_seen){ n.seq, suffix_bit(suffix) };
	return 0;
}

static int by_seq(const void *x, const void *y)
{
	const struct adopt_seen *p = x, *q = y;
	return (p->seq > q->seq) - (p->seq < q->seq);
}

static int look_around(struct adoption *a)
{
	size_t n = 0;
	int rc = from_list(a->from, see, a, a->e);
	if (rc)
		return rc;
	if (a->n_seen > 1)
		qsort(a->seen, a->n_seen, sizeof(*a->seen), by_seq);
	for (size_t i = 0; i < a->n_seen; i++) {
		if (n > 0 && a->seen[n - 1].seq == a->seen[i].seq)
			a->seen[n - 1].has |= a->seen[i].has;
		else
			a->seen[n++] = a->seen[i];
	}
	a->n_seen = n;
	a->total = n;
	return 0;
}

static int go_on(struct adoption *a, const char *key)
{
	a->done++;
	if (!a->progress || a->progress(a->arg, a->done, a->total, key))
		return 0;
	return err_set(a->e, ERR_CLOSED, "ended before all manifests were taken over");
}

/* ---- One that is new. ---- */

static const struct manifest_key *newest(const struct adoption *a)
{
	return a->n_keys ? &a->keys[a->n_keys - 1] : NULL;
}

static bool is_signed(const struct adopting *g, const struct manifest_signature *s, const struct manifest_key *k)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->one[i].key_id, k->id) == 0 &&
		    crypt_ed25519_verify(k->public_key, g->json.p, g->json.n, s->one[i].signature))
			return true;
	return false;
}

/* Bytes that the key we know has signed. */
static bool is_ours(struct adopting *g)
{
	struct manifest_signature s;
	const struct manifest_key *k = newest(g->a);
	crypt_sha256(g->json.p ? g->json.p : "", g->json.n, g->sha256);
	return k && manifest_signature_read(&s, buf_view(&g->sig), NULL) == 0 &&
	       memcmp(s.manifest_sha256, g->sha256, CRYPT_SHA256_BYTES) == 0 && is_signed(g, &s, k);
}

static size_t versions(const struct adoption *a, const char *key)
{
	size_t n = from_versions(a->from, key);
	return n < VERSIONS_MAX ? n : VERSIONS_MAX;
}

/* The pair among all versions that fits: whoever has the place's key may have put others over it. */
static int load_pair(struct adopting *g, uint64_t seq, struct err *e)
{
	struct adoption *a = g->a;
	char json_key[ARCHIVE_KEY_MAX], sig_key[ARCHIVE_KEY_MAX];
	struct err why = ERR_INIT;
	archive_manifest_key(json_key, a->appliance, seq, ".json");
	archive_manifest_key(sig_key, a->appliance, seq, ".sig");
	for (size_t j = 0; j < versions(a, json_key); j++) {
		int rc = from_read(a->from, json_key, j, MANIFEST_BYTES_MAX, &g->json, &why);
		for (size_t s = 0; rc == 0 && s < versions(a, sig_key); s++) {
			rc = from_read(a->from, sig_key, s, SIGNATURE_BYTES_MAX, &g->sig, &why);
			if (rc || !is_ours(g))
				continue;
			rc = adopt_bytes(a, json_key, &g->json, &g->files[g->n_files++], e);
			return rc ? rc : adopt_bytes(a, sig_key, &g->sig, &g->files[g->n_files++], e);
		}
	}
	return err_set(e, why.code ? (enum err_code)why.code : ERR_CORRUPT,
		       "manifest %llu is not signed with the key of this appliance, or cannot be read%s%s; tomsctl verify "
		       "says more",
		       (unsigned long long)seq, why.code ? ": " : "", why.text);
}

static bool is_same_key(const struct manifest_key *x, const struct manifest_key *y)
{
	return memcmp(x->public_key, y->public_key, CRYPT_KEY_BYTES) == 0;
}

/* The keys it lists end with the one that signs here, or with the one that waited to sign and has. */
static bool keys_fit(struct adopting *g)
{
	struct adoption *a = g->a;
	struct manifest_signature s;
	const struct manifest *m = &g->m;
	if (m->n_keys == 0)
		return false;
	const struct manifest_key *last = &m->keys[m->n_keys - 1];
	(void)str_copy(g->key_id, sizeof(g->key_id), str_of(last->id));
	if (m->n_keys == a->n_keys && is_same_key(last, newest(a)))
		return true;
	if (!a->has_waiting || m->n_keys != a->n_keys + 1 || !is_same_key(last, &a->waiting) ||
	    manifest_signature_read(&s, buf_view(&g->sig), NULL) || !is_signed(g, &s, last))
		return false;
	(void)str_copy(g->also_key_id, sizeof(g->also_key_id), str_of(newest(a)->id));
	return true;
}

static int check(struct adopting *g, uint64_t seq, struct err *e)
{
	const struct adoption *a = g->a;
	const struct manifest *m = &g->m;
	unsigned long long n = seq;
	if (!archive_is_canonical(buf_view(&g->json)) || m->seq != seq || !str_eq(m->appliance, str_of(a->appliance)))
		return err_set(e, ERR_CORRUPT, "manifest %llu is another one under its name", n);
	if (m->has_previous != (seq > 1) ||
	    (m->has_previous && (m->previous_seq != seq - 1 || !a->has_last ||
				 memcmp(m->previous_sha256, a->last.sha256, CRYPT_SHA256_BYTES) != 0)))
		return err_set(e, ERR_CORRUPT,
			       "manifest %llu does not name the one before it that the database knows: the chain has "
			       "parted; nothing behind it was taken over",
			       n);
	if (!keys_fit(g))
		return err_set(e, ERR_UNSUPPORTED,
			       "the signing key was changed with manifest %llu, after this backup, and the new one is "
			       "not in it: restore a backup that was made later, or ask for support before tomsd is "
			       "started",
			       n);
	return 0;
}

static bool name_fits(const struct adopting *g, const struct manifest_object *o)
{
	struct object_name n;
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	hash_hex(o->sha256, CRYPT_SHA256_BYTES, hex);
	return o->key.n < ARCHIVE_KEY_MAX && object_name_read(o->key, &n) && n.seq == g->m.seq &&
	       str_eq(n.kind, o->kind) && o->kind.n < SEAL_KIND_MAX && str_eq(n.appliance, str_of(g->a->appliance)) &&
	       str_eq(n.sum, str_n(hex, n.sum.n));
}

static int bring_objects(struct adopting *g, struct err *e)
{
	struct manifest_object o;
	size_t at = 0;
	int got, rc = 0;
	while (rc == 0 && (got = manifest_object(&g->m, &at, &o, e)) == 1) {
		char key[ARCHIVE_KEY_MAX];
		if (!name_fits(g, &o) || g->n_objects == ADOPT_OBJECTS_MAX)
			return err_set(e, ERR_CORRUPT, "manifest %llu names an object wrongly",
				       (unsigned long long)g->m.seq);
		(void)str_copy(key, sizeof(key), o.key);
		rc = adopt_file(g->a, key, o.bytes, o.sha256, &g->files[g->n_files], e);
		g->object_files[g->n_objects] = g->n_files++;
		g->objects[g->n_objects++] = o;
		g->rows += o.rows;
		g->bytes += o.bytes;
	}
	return rc ? rc : got < 0 ? got : 0;
}

/* Where it is not there, the day goes without: the stamp proves time, not the rows. */
static void bring_stamp(struct adopting *g, const struct adopt_seen *seen)
{
	char key[ARCHIVE_KEY_MAX];
	struct err why = ERR_INIT;
	if (!(seen->has & SUFFIX_TSR))
		return;
	archive_manifest_key(key, g->a->appliance, seen->seq, ".tsr");
	if (adopt_file(g->a, key, SIGNATURE_BYTES_MAX, NULL, &g->files[g->n_files], &why) == 0)
		g->n_files++;
}

static int settle_objects(struct adopting *g, struct err *e)
{
	for (size_t i = 0; i < g->n_objects; i++) {
		char path[ARCHIVE_PATH_MAX];
		if (!archive_path(path, g->a->folder, g->files[g->object_files[i]].key))
			return err_set(e, ERR_RANGE, "the state folder's path is too long");
		int rc = index_object_from_file(g->a->store, g->object_ids[i], path, e);
		if (rc && rc != -ERR_UNSUPPORTED) /* rows without days are not searched */
			return rc;
		if (rc)
			*e = (struct err)ERR_INIT;
	}
	return 0;
}

static int take_rows_of(struct adopting *g, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < g->n_objects; i++) {
		char path[ARCHIVE_PATH_MAX];
		if (!str_eq(g->objects[i].kind, STR("audit")))
			continue;
		rc = archive_path(path, g->a->folder, g->files[g->object_files[i]].key) ?
			     adopt_audit(g->a->store, path, e) :
			     err_set(e, ERR_RANGE, "the state folder's path is too long");
	}
	return rc;
}

static int take_one(struct adopting *g, const struct adopt_seen *seen, struct err *e)
{
	int rc = load_pair(g, seen->seq, e);
	if (rc)
		return rc;
	rc = manifest_read(&g->m, buf_view(&g->json), e);
	if (rc)
		return rc;
	rc = check(g, seen->seq, e);
	if (rc == 0)
		bring_stamp(g, seen);
	if (rc == 0)
		rc = bring_objects(g, e);
	if (rc == 0)
		rc = take_rows_of(g, e);
	for (size_t i = 0; i < g->n_files; i++)
		adopt_find(g->a, &g->files[i]);
	if (rc == 0)
		rc = adopt_enter(g, e);
	if (rc == 0)
		rc = settle_objects(g, e);
	manifest_fini(&g->m);
	return rc;
}

static int adopt_one(struct adoption *a, const struct adopt_seen *seen)
{
	struct adopting *g = calloc(1, sizeof(*g));
	if (!g)
		return err_set(a->e, ERR_NOMEM, "no memory for a manifest");
	g->a = a;
	buf_init(&g->json, MANIFEST_BYTES_MAX);
	buf_init(&g->sig, SIGNATURE_BYTES_MAX);
	int rc = take_one(g, seen, a->e);
	buf_fini(&g->json);
	buf_fini(&g->sig);
	free(g);
	return rc;
}

/* ---- Those of before. ---- */

static int bring_one(struct adoption *a, uint64_t seq, const char *suffix, const uint8_t *sha256)
{
	char key[ARCHIVE_KEY_MAX];
	struct adopted_file f = { .key = "" };
	archive_manifest_key(key, a->appliance, seq, suffix);
	int rc = adopt_file(a, key, sha256 ? MANIFEST_BYTES_MAX : SIGNATURE_BYTES_MAX, sha256, &f, a->e);
	return rc ? rc : adopt_proof(a, &f, a->e);
}

static int bring_known(struct adoption *a, const struct adopt_seen *s)
{
	uint8_t sha256[CRYPT_SHA256_BYTES];
	int rc = adopt_known(a, s->seq, sha256, a->e);
	if (rc)
		return rc == -ERR_NOTFOUND ? 0 : rc;
	if (s->has & SUFFIX_JSON)
		rc = bring_one(a, s->seq, ".json", sha256);
	if (rc == 0 && s->has & SUFFIX_SIG)
		rc = bring_one(a, s->seq, ".sig", NULL);
	if (rc == 0 && s->has & SUFFIX_TSR)
		rc = bring_one(a, s->seq, ".tsr", NULL);
	return rc;
}

/* ---- The walk. ---- */

static int walk(struct adoption *a, uint64_t *adopted)
{
	int rc = 0;
	for (size_t i = 0; i < a->n_seen && rc == 0; i++) {
		const struct adopt_seen *s = &a->seen[i];
		char key[ARCHIVE_KEY_MAX];
		uint64_t head = a->has_last ? a->last.seq : 0;
		archive_manifest_key(key, a->appliance, s->seq, ".json");
		if (s->seq <= head) {
			rc = bring_known(a, s);
		} else if (s->seq == head + 1) {
			if ((s->has & (SUFFIX_JSON | SUFFIX_SIG)) != (SUFFIX_JSON | SUFFIX_SIG) && i + 1 == a->n_seen)
				break; /* the last one had not arrived whole: it is sealed again */
			rc = adopt_one(a, s);
			*adopted += rc == 0;
		} else {
			rc = err_set(a->e, ERR_CORRUPT,
				     "manifest %llu is not there, but later ones are: nothing behind it was taken over; "
				     "try another place",
				     (unsigned long long)head + 1);
		}
		if (rc == 0)
			rc = go_on(a, key);
	}
	return rc;
}

int archive_adopt(struct store *st, struct archive_from *from, const char *folder, const char *appliance,
		  bool (*progress)(void *arg, uint64_t done, uint64_t total, const char *key), void *arg,
		  uint64_t *adopted, struct err *e)
{
	struct adoption *a = calloc(1, sizeof(*a));
	uint64_t n = 0;
	if (!a)
		return err_set(e, ERR_NOMEM, "no memory to take over manifests");
	*a = (struct adoption){
		.store = st, .from = from, .folder = folder, .progress = progress, .arg = arg, .e = e
	};
	if (appliance)
		archive_appliance(a->appliance, appliance);
	int rc = adopt_load(a, e);
	if (rc == 0)
		rc = look_around(a);
	if (rc == 0)
		rc = walk(a, &n);
	if (rc == 0)
		rc = adopt_unproven(a, e);
	int gone = adopt_missing(a, rc ? NULL : e); /* also behind a failure: searches must not look for files here */
	free(a->seen);
	free(a);
	*adopted = n;
	return rc ? rc : gone;
}
