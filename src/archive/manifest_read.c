/* Reading manifests and signatures. A reader of fields turns bad at the first one that is missing or not of its
 * kind: read all, ask once. Members we do not know are no fault: they are signed like the rest. */
#include "manifest_read.h"

#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"

struct fields {
	const struct json_doc *doc;
	const struct json_node *obj;
	const char *what; /* "manifest", for words */
	bool bad;
	struct err *e;
};

static void turn_bad(struct fields *f, const char *name, const char *kind)
{
	if (!f->bad)
		(void)err_set(f->e, ERR_INVALID, "%s: member \"%s\" is not there or is not %s", f->what, name, kind);
	f->bad = true;
}

static const struct json_node *member(const struct fields *f, const char *name)
{
	return f->bad ? NULL : json_get(f->doc, f->obj, name);
}

/* Names, sums and numbers never need escapes; what has some is not ours. */
static struct str text_field(struct fields *f, const char *name)
{
	const struct json_node *n = member(f, name);
	if (n && n->type == JSON_STRING && !n->escaped)
		return n->raw;
	turn_bad(f, name, "a text");
	return STR_NULL;
}

static const struct json_node *node_field(struct fields *f, const char *name, enum json_type type)
{
	const struct json_node *n = member(f, name);
	if (n && n->type == type)
		return n;
	turn_bad(f, name, type == JSON_ARRAY ? "a list" : "an object");
	return NULL;
}

/* What does not fit into 53 bits stands as text. */
static int64_t int_field(struct fields *f, const char *name)
{
	const struct json_node *n = member(f, name);
	int64_t v = 0;
	bool is_number = n && !n->escaped && (n->type == JSON_NUMBER || n->type == JSON_STRING);
	if (!is_number || num_i64(n->raw, INT64_MIN, INT64_MAX, &v))
		turn_bad(f, name, "a whole number");
	return v;
}

static uint64_t count_field(struct fields *f, const char *name)
{
	int64_t v = int_field(f, name);
	if (v < 0)
		turn_bad(f, name, "a count");
	return f->bad ? 0 : (uint64_t)v;
}

static int64_t time_field(struct fields *f, const char *name)
{
	int64_t ns = 0;
	struct str s = text_field(f, name);
	if (!f->bad && clock_parse_rfc3339(s, &ns))
		turn_bad(f, name, "a time (RFC 3339)");
	return ns;
}

/* Lower case only: one sum has one text. */
static bool unhex(struct str s, uint8_t *out, size_t n)
{
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int v = num_hex_digit(s.p[i]);
		if (v < 0 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
			return false;
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | v : v << 4);
	}
	return true;
}

static void sum_field(struct fields *f, const char *name, uint8_t out[CRYPT_SHA256_BYTES])
{
	struct str s = text_field(f, name);
	if (!f->bad && !unhex(s, out, CRYPT_SHA256_BYTES))
		turn_bad(f, name, "a SHA-256 in lower-case hexadecimal digits");
}

/* Base64 with padding, of exactly n bytes; written again it must be the same text. */
static void base64_field(struct fields *f, const char *name, uint8_t *out, size_t n)
{
	char url[128], again[128];
	uint8_t bytes[CRYPT_SIGNATURE_BYTES];
	struct str s = text_field(f, name);
	bool good = !f->bad && n <= sizeof(bytes) && s.n < sizeof(url);
	if (good) {
		size_t len = 0;
		for (size_t i = 0; i < s.n && s.p[i] != '='; i++)
			url[len++] = s.p[i] == '+' ? '-' : s.p[i] == '/' ? '_' : s.p[i];
		good = hash_base64url_decode(str_n(url, len), bytes, sizeof(bytes)) == (int)n;
	}
	if (good) {
		hash_base64(bytes, n, again);
		good = str_eq(str_of(again), s);
	}
	if (good)
		memcpy(out, bytes, n);
	else
		turn_bad(f, name, "base64 of the right length");
}

static void key_id_field(struct fields *f, const char *name, char id[KEY_ID_DIGITS + 1])
{
	uint8_t bytes[KEY_ID_DIGITS / 2];
	struct str s = text_field(f, name);
	if (!f->bad && !unhex(s, bytes, sizeof(bytes)))
		turn_bad(f, name, "16 hexadecimal digits");
	else
		(void)str_copy(id, KEY_ID_DIGITS + 1, s);
}

void manifest_key_id(const uint8_t public_key[CRYPT_KEY_BYTES], char id[KEY_ID_DIGITS + 1])
{
	uint8_t sum[CRYPT_SHA256_BYTES];
	crypt_sha256(public_key, CRYPT_KEY_BYTES, sum);
	hash_hex(sum, KEY_ID_DIGITS / 2, id);
}

/* The next element of an array, at is its position in nodes; 0 first. */
static int next_element(const struct json_doc *doc, const struct json_node *array, size_t *at, struct fields *f)
{
	size_t first = (size_t)(array - doc->nodes) + 1;
	if (*at == 0)
		*at = first;
	if (*at >= array->next)
		return 0;
	f->doc = doc;
	f->obj = &doc->nodes[*at];
	*at = f->obj->next;
	if (f->obj->type == JSON_OBJECT)
		return 1;
	return err_set(f->e, ERR_INVALID, "%s: an element is not an object", f->what);
}

static int read_keys(struct manifest *m, const struct json_node *keys, struct err *e)
{
	size_t at = 0;
	struct fields f = { .what = "keys", .e = e };
	int rc;
	while ((rc = next_element(&m->doc, keys, &at, &f)) == 1) {
		char id[KEY_ID_DIGITS + 1];
		if (m->n_keys == MANIFEST_KEYS_MAX)
			return err_set(e, ERR_INVALID, "keys: more than %d", MANIFEST_KEYS_MAX);
		struct manifest_key *k = &m->keys[m->n_keys++];
		key_id_field(&f, "id", k->id);
		base64_field(&f, "public_key", k->public_key, CRYPT_KEY_BYTES);
		k->since_seq = count_field(&f, "since_seq");
		if (f.bad)
			return -e->code;
		manifest_key_id(k->public_key, id);
		if (memcmp(id, k->id, sizeof(id)) != 0)
			return err_set(e, ERR_INVALID, "keys: id %s is not that of its public key, %s", k->id, id);
	}
	if (rc == 0 && m->n_keys == 0)
		return err_set(e, ERR_INVALID, "keys: none");
	return rc;
}

static void read_previous(struct manifest *m, struct fields *f)
{
	const struct json_node *n = member(f, "previous");
	if (n && n->type == JSON_NULL)
		return;
	struct fields p = { .doc = f->doc, .what = "previous", .e = f->e };
	p.obj = node_field(f, "previous", JSON_OBJECT);
	if (f->bad)
		return;
	m->has_previous = true;
	m->previous_seq = count_field(&p, "seq");
	sum_field(&p, "sha256", m->previous_sha256);
	f->bad = p.bad;
}

static int read_members(struct manifest *m, struct err *e)
{
	struct fields f = { .doc = &m->doc, .obj = &m->doc.nodes[0], .what = "manifest", .e = e };
	struct str format = text_field(&f, "format");
	if (!f.bad && !str_eq(format, STR(MANIFEST_FORMAT)))
		return err_set(e, ERR_NEWER, "manifest: format is \"%.*s\", known is " MANIFEST_FORMAT,
			       format.n < 40 ? (int)format.n : 40, format.p);
	m->seq = count_field(&f, "seq");
	m->appliance = text_field(&f, "appliance");
	m->since_ns = time_field(&f, "since");
	m->until_ns = time_field(&f, "until");
	(void)text_field(&f, "boot_id");
	(void)text_field(&f, "created_by");
	(void)node_field(&f, "gaps", JSON_ARRAY);
	m->objects = node_field(&f, "objects", JSON_ARRAY);
	m->receipts = node_field(&f, "receipts", JSON_ARRAY);
	m->rows = node_field(&f, "rows", JSON_OBJECT);
	read_previous(m, &f);
	struct fields c = { .doc = &m->doc, .what = "clock", .e = e };
	c.obj = node_field(&f, "clock", JSON_OBJECT);
	if (f.bad)
		return -e->code;
	m->sealed_at_ns = time_field(&c, "sealed_at");
	const struct json_node *keys = node_field(&f, "keys", JSON_ARRAY);
	if (c.bad || f.bad)
		return -e->code;
	return read_keys(m, keys, e);
}

int manifest_read(struct manifest *m, struct str json, struct err *e)
{
	struct err own = ERR_INIT;
	e = e ? e : &own;
	*m = (struct manifest){ .seq = 0 };
	int rc = json_parse(json, MANIFEST_VALUES_MAX, &m->doc, e);
	if (rc)
		return rc;
	rc = m->doc.nodes[0].type == JSON_OBJECT ? read_members(m, e) :
						   err_set(e, ERR_INVALID, "manifest: not an object");
	if (rc)
		manifest_fini(m);
	return rc;
}

void manifest_fini(struct manifest *m)
{
	json_doc_fini(&m->doc);
	m->n_keys = 0;
}

static void read_lock(struct fields *f, struct manifest_object *o)
{
	struct fields l = { .doc = f->doc, .what = "lock", .e = f->e };
	l.obj = node_field(f, "lock", JSON_OBJECT);
	if (f->bad)
		return;
	o->lock_mode = text_field(&l, "mode");
	o->lock_keep_s = count_field(&l, "keep_s");
	f->bad = l.bad;
}

int manifest_object(const struct manifest *m, size_t *at, struct manifest_object *o, struct err *e)
{
	struct fields f = { .what = "objects", .e = e };
	int rc = next_element(&m->doc, m->objects, at, &f);
	if (rc != 1)
		return rc;
	*o = (struct manifest_object){ .bytes = 0 };
	o->key = text_field(&f, "key");
	o->kind = text_field(&f, "kind");
	sum_field(&f, "sha256", o->sha256);
	sum_field(&f, "merkle_root", o->merkle_root);
	o->bytes = count_field(&f, "bytes");
	o->rows = count_field(&f, "rows");
	o->row_groups = count_field(&f, "row_groups");
	o->first_id = int_field(&f, "first_id");
	o->last_id = int_field(&f, "last_id");
	o->since_ns = time_field(&f, "since");
	o->until_ns = time_field(&f, "until");
	o->days = node_field(&f, "days", JSON_ARRAY);
	read_lock(&f, o);
	return f.bad ? -ERR_INVALID : 1;
}

static int32_t day_field(struct fields *f)
{
	const struct json_node *n = member(f, "day");
	int64_t ns;
	if (n && n->type == JSON_NULL)
		return 0;
	struct str s = text_field(f, "day");
	if (!f->bad && (s.n != 10 || clock_parse_rfc3339(s, &ns)))
		turn_bad(f, "day", "a day (YYYY-MM-DD) or null");
	return f->bad ? 0 : clock_day(ns);
}

int manifest_day(const struct manifest *m, const struct manifest_object *o, size_t *at, struct manifest_day *d,
		 struct err *e)
{
	struct fields f = { .what = "days", .e = e };
	int rc = next_element(&m->doc, o->days, at, &f);
	if (rc != 1)
		return rc;
	*d = (struct manifest_day){ .day = day_field(&f) };
	d->after = int_field(&f, "after");
	d->last = int_field(&f, "last");
	d->rows = count_field(&f, "rows");
	return f.bad ? -ERR_INVALID : 1;
}

int manifest_receipt(const struct manifest *m, size_t *at, struct manifest_receipt *r, struct err *e)
{
	struct fields f = { .what = "receipts", .e = e };
	int rc = next_element(&m->doc, m->receipts, at, &f);
	if (rc != 1)
		return rc;
	*r = (struct manifest_receipt){ .bytes = 0 };
	r->place = text_field(&f, "place");
	r->key = text_field(&f, "key");
	r->version_id = text_field(&f, "version_id");
	r->lock = text_field(&f, "lock");
	sum_field(&f, "sha256", r->sha256);
	r->bytes = count_field(&f, "bytes");
	const struct json_node *until = member(&f, "retain_until");
	if (!until || until->type != JSON_NULL)
		r->retain_until_ns = time_field(&f, "retain_until");
	return f.bad ? -ERR_INVALID : 1;
}

int manifest_rows(const struct manifest *m, size_t *at, struct str *kind, uint64_t *rows, struct err *e)
{
	const struct json_node *nodes = m->doc.nodes;
	int64_t n;
	if (*at == 0)
		*at = (size_t)(m->rows - nodes) + 1;
	if (*at >= m->rows->next)
		return 0;
	const struct json_node *name = &nodes[*at], *value = &nodes[*at + 1];
	*at = value->next;
	if (name->escaped || !json_int(value, &n) || n < 0)
		return err_set(e, ERR_INVALID, "rows: not a count of rows by kind");
	*kind = name->raw;
	*rows = (uint64_t)n;
	return 1;
}

static int read_signatures(struct manifest_signature *s, const struct json_doc *doc, struct err *e)
{
	struct fields f = { .doc = doc, .obj = &doc->nodes[0], .what = "signature", .e = e };
	size_t at = 0;
	int rc;
	if (f.obj->type != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "signature: not an object");
	sum_field(&f, "manifest_sha256", s->manifest_sha256);
	const struct json_node *all = node_field(&f, "signatures", JSON_ARRAY);
	if (f.bad)
		return -e->code;
	while ((rc = next_element(doc, all, &at, &f)) == 1) {
		if (s->n == SIGNATURES_MAX)
			return err_set(e, ERR_INVALID, "signature: more than %d", SIGNATURES_MAX);
		struct str algorithm = text_field(&f, "algorithm");
		key_id_field(&f, "key_id", s->one[s->n].key_id);
		base64_field(&f, "signature", s->one[s->n].signature, CRYPT_SIGNATURE_BYTES);
		if (f.bad)
			return -e->code;
		if (!str_eq(algorithm, STR("Ed25519")))
			return err_set(e, ERR_INVALID, "signature: algorithm is not Ed25519");
		s->n++;
	}
	if (rc == 0 && s->n == 0)
		return err_set(e, ERR_INVALID, "signature: none in it");
	return rc;
}

int manifest_signature_read(struct manifest_signature *s, struct str json, struct err *e)
{
	struct err own = ERR_INIT;
	struct json_doc doc;
	e = e ? e : &own;
	*s = (struct manifest_signature){ .n = 0 };
	int rc = json_parse(json, 256, &doc, e);
	if (rc)
		return rc;
	rc = read_signatures(s, &doc, e);
	json_doc_fini(&doc);
	return rc;
}

/* ---- Names. ---- */

static bool all_of(struct str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!plain && (c == '\0' || !strchr(more, c)))
			return false;
	}
	return s.n > 0;
}

/* Part of a key up to the next slash, which must begin with these words; what is behind them. */
static bool take_part(struct str *key, const char *begins, struct str *rest)
{
	struct str part, head = str_of(begins);
	if (!str_split(key, '/', &part) || !str_starts(part, head))
		return false;
	*rest = str_sub(part, head.n, part.n);
	return all_of(*rest, "-_.") && rest->n <= 128 && rest->p[0] != '.';
}

/* Ten digits with zeros in front, or more where the number is larger. */
static bool read_seq(struct str s, uint64_t *seq)
{
	return s.n >= 10 && (s.n == 10 || s.p[0] != '0') && num_u64(s, 1, INT64_MAX, seq) == 0;
}

bool object_name_read(struct str key, struct object_name *o)
{
	struct str day, hour, seq, sum;
	int64_t ns;
	uint64_t h;
	if (!take_part(&key, "kind=", &o->kind) || !take_part(&key, "appliance=", &o->appliance) ||
	    !take_part(&key, "dt=", &day) || !take_part(&key, "hour=", &hour))
		return false;
	if (day.n != 10 || clock_parse_rfc3339(day, &ns) || hour.n != 2 || num_u64(hour, 0, 23, &h))
		return false;
	if (!str_split(&key, '-', &seq) || !read_seq(seq, &o->seq) || !str_split(&key, '.', &sum))
		return false;
	uint8_t bytes[8];
	o->sum = sum;
	return unhex(sum, bytes, sizeof(bytes)) && str_eq(key, STR("parquet"));
}

bool manifest_name_read(struct str key, struct manifest_name *m)
{
	struct str part, seq;
	if (!str_split(&key, '/', &part) || !str_eq(part, STR("_manifest")) ||
	    !take_part(&key, "appliance=", &m->appliance) || !str_split(&key, '.', &seq))
		return false;
	m->suffix = key;
	return read_seq(seq, &m->seq) &&
	       (str_eq(key, STR("json")) || str_eq(key, STR("sig")) || str_eq(key, STR("tsr")));
}
