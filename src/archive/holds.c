/* Holds: an investigation pins a time, or objects by name. Pinned objects are never deleted here (prune.c asks the same
 * of the tables), and places lock them, their manifests and signatures until the hold's date. What is sealed later and
 * falls into a hold's time is pinned as soon as it is there; its longer lock is asked for within minutes. A release
 * unpins; a lock that a place was given stays. On the thread that carries the request, and a job's. */
#include <stdio.h>
#include <stdlib.h>

#include "proofs.h"
#include "proofs_sql.h"
#include "seal.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"

enum { NAME_MAX_BYTES = 256, REASON_MAX_BYTES = 2048, KEYS_MAX = 1000, BATCH = 200, BATCHES_MAX = 50 };
#define KEEP_MAX_NS (INT64_C(3653) * 86400 * NS_PER_S) /* what places take, too */

struct hold {
	int64_t id, since_ns, until_ns, keep_until_ns, made_ns, released_ns;
	char name[NAME_MAX_BYTES], reason[REASON_MAX_BYTES], made_by[64], released_by[64];
};

/* ---- Rows. ---- */

static void take_row(struct stmt *s, struct hold *h)
{
	*h = (struct hold){ .id = stmt_col_i64(s, 0), .since_ns = stmt_col_i64(s, 3), .until_ns = stmt_col_i64(s, 4),
			    .keep_until_ns = stmt_col_i64(s, 5), .made_ns = stmt_col_i64(s, 6),
			    .released_ns = stmt_col_i64(s, 8) };
	(void)str_copy(h->name, sizeof(h->name), stmt_col_text(s, 1)); /* all of them fitted */
	(void)str_copy(h->reason, sizeof(h->reason), stmt_col_text(s, 2));
	(void)str_copy(h->made_by, sizeof(h->made_by), stmt_col_text(s, 7));
	(void)str_copy(h->released_by, sizeof(h->released_by), stmt_col_text(s, 9));
}

int hold_pins(struct sql *db, int64_t object, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_hold_pins, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, object);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc;
}

static void put_time(struct json *j, const char *name, int64_t ns)
{
	json_key(j, name);
	if (ns)
		json_time(j, ns);
	else
		json_null(j);
}

static int put_sum(struct sql *db, struct json *j, int64_t id, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_hold_sum, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, id);
	rc = stmt_step(s, e);
	if (rc == 1) {
		json_kv_i64(j, "objects", stmt_col_i64(s, 0));
		json_kv_i64(j, "bytes", stmt_col_i64(s, 1));
	}
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int put_hold(struct sql *db, struct json *j, const struct hold *h, struct err *e)
{
	char id[24];
	(void)snprintf(id, sizeof(id), "%lld", (long long)h->id);
	json_obj(j);
	json_kv_str(j, "id", id);
	json_kv_str(j, "name", h->name);
	json_kv_str(j, "reason", h->reason);
	put_time(j, "since", h->since_ns);
	put_time(j, "until", h->until_ns);
	json_kv_time(j, "keep_until", h->keep_until_ns);
	json_kv_time(j, "made_at", h->made_ns);
	json_kv_str(j, "made_by", h->made_by);
	put_time(j, "released_at", h->released_ns);
	json_kv_str(j, "released_by", h->released_ns ? h->released_by : NULL);
	int rc = put_sum(db, j, h->id, e);
	json_end_obj(j);
	return rc;
}

static int put_holds(struct sql *db, struct json *j, struct err *e)
{
	struct hold h;
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_hold_list, &s, e), bad = 0;
	if (rc)
		return rc;
	while (!bad && (rc = stmt_step(s, e)) == 1) {
		take_row(s, &h);
		bad = put_hold(db, j, &h, e);
	}
	stmt_done(s);
	return bad ? bad : rc;
}

void holds_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct sql *db;
	if (store_read_begin(app_store(rq->app), rq->deadline_mono_ns, &db, &e)) {
		reply_failed(rq, rp, &e);
		return;
	}
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	int rc = put_holds(db, j, &e);
	store_read_end(app_store(rq->app), db);
	json_end_arr(j);
	json_end_obj(j);
	if (rc)
		reply_failed(rq, rp, &e);
}

/* ---- Longer locks. ---- */

struct held { /* an object whose lock is to be longer */
	int64_t id;
	uint64_t seq;
	char key[ARCHIVE_KEY_MAX], appliance[ARCHIVE_APPLIANCE_MAX];
};
struct extending {
	int64_t hold, keep_until_ns;
	int n; /* objects of this batch */
	struct held all[BATCH];
};

static void state_name(int64_t hold, char out[48])
{
	(void)snprintf(out, 48, "hold_%lld", (long long)hold);
}

static int extend_one(struct sql *db, const char *key, int64_t until_ns, struct err *e)
{
	int rc = s3_extend(db, key, until_ns, e);
	if (rc != -ERR_NOTFOUND) /* never given to a place: then none needs to be asked */
		return rc;
	*e = (struct err)ERR_INIT;
	return 0;
}

/* An object proves nothing without its manifest and signature. */
static int extend_proof(struct sql *db, const struct held *h, int64_t until_ns, struct err *e)
{
	static const char *const suffixes[] = { ".json", ".sig", ".tsr" };
	char key[ARCHIVE_KEY_MAX];
	int rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(suffixes) && !rc; i++) {
		archive_manifest_key(key, h->appliance, h->seq, suffixes[i]);
		rc = extend_one(db, key, until_ns, e);
	}
	return rc;
}

/* The next objects of a hold, by their ids. With a reader: to find that there is none may mean a look at all objects,
 * and the writer has rows to take meanwhile. */
static int find_batch(struct sql *db, void *arg, struct err *e)
{
	struct extending *x = arg;
	struct stmt *s;
	char name[48];
	int64_t after = 0;
	state_name(x->hold, name);
	x->n = 0;
	int rc = archive_state_get(db, name, &after, e);
	if (!rc)
		rc = sql_prepare(db, proofs_sql_hold_next, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, x->hold);
	stmt_i64(s, 2, after);
	stmt_i64(s, 3, BATCH);
	while (x->n < BATCH && (rc = stmt_step(s, e)) == 1) {
		struct held *h = &x->all[x->n++];
		h->id = stmt_col_i64(s, 0);
		h->seq = (uint64_t)stmt_col_i64(s, 2);
		(void)str_copy(h->key, sizeof(h->key), stmt_col_text(s, 1));
		(void)str_copy(h->appliance, sizeof(h->appliance), stmt_col_text(s, 3));
	}
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

/* Inside store_write. Objects never get another id, so what was found stays right. */
static int extend_batch(struct sql *db, void *arg, struct err *e)
{
	const struct extending *x = arg;
	char name[48];
	int rc = 0;
	state_name(x->hold, name);
	for (int i = 0; i < x->n && !rc; i++) {
		rc = extend_one(db, x->all[i].key, x->keep_until_ns, e);
		if (!rc)
			rc = extend_proof(db, &x->all[i], x->keep_until_ns, e);
	}
	return rc ? rc : archive_state_put(db, name, x->all[x->n - 1].id, e);
}

static int next_active(struct sql *db, void *arg, struct err *e)
{
	struct extending *x = arg;
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_hold_active, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, x->hold);
	rc = stmt_step(s, e);
	x->hold = rc == 1 ? stmt_col_i64(s, 0) : 0;
	x->keep_until_ns = rc == 1 ? stmt_col_i64(s, 1) : 0;
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

/* All holds, a batch at a time; how many objects. */
static int extend_all(struct store *st, struct extending *x, int *asked, struct err *e)
{
	int left = BATCHES_MAX, rc;
	while ((rc = seal_read(st, next_active, x, e)) == 0 && x->hold) {
		do {
			rc = seal_read(st, find_batch, x, e);
			if (!rc && x->n)
				rc = store_write(st, extend_batch, x, e);
			*asked += x->n;
		} while (!rc && x->n == BATCH && --left > 0);
		if (rc || left <= 0)
			break;
	}
	return rc;
}

int holds_extend(struct app *a, struct err *e)
{
	struct extending *x = calloc(1, sizeof(*x));
	int asked = 0;
	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory");
	int rc = extend_all(app_store(a), x, &asked, e);
	free(x);
	if (asked)
		s3_wake(a);
	return rc;
}

/* ---- A new one. ---- */

struct adding {
	struct hold h;
	const struct json_doc *doc;
	const struct json_node *keys; /* may be NULL */
};

static int add_keys(struct sql *db, const struct adding *x, struct err *e)
{
	int rc = 0;
	size_t at = x->keys ? (size_t)(x->keys - x->doc->nodes) + 1 : 0;
	for (uint32_t i = 0; x->keys && i < x->keys->count && !rc; i++, at = x->doc->nodes[at].next) {
		char key[ARCHIVE_KEY_MAX];
		struct stmt *s;
		(void)json_text(&x->doc->nodes[at], key, sizeof(key)); /* looked at before */
		rc = sql_prepare(db, proofs_sql_hold_key, &s, e);
		if (rc)
			return rc;
		stmt_i64(s, 1, x->h.id);
		stmt_text(s, 2, str_of(key));
		rc = stmt_step(s, e);
		stmt_done(s);
	}
	return rc;
}

static int add_hold(struct sql *db, void *arg, struct err *e)
{
	struct adding *x = arg;
	struct hold *h = &x->h;
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_hold_add, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(h->name));
	stmt_text(s, 2, str_of(h->reason));
	stmt_i64(s, 3, h->since_ns);
	stmt_i64(s, 4, h->until_ns);
	stmt_i64(s, 5, h->keep_until_ns);
	stmt_i64(s, 6, h->made_ns);
	stmt_text(s, 7, str_of(h->made_by));
	rc = stmt_step(s, e);
	if (rc == 1)
		h->id = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : add_keys(db, x, e);
}

static bool blame(struct request *rq, struct reply *rp, const char *pointer, const char *code, const char *key)
{
	reply_field(rp, "pointer", pointer, code, api_words(rq->lang, key));
	reply_problem(rq, rp, 422, "unacceptable", "%s", api_words(rq->lang, "detail.hold_fields"));
	return false;
}

static bool take_text(const struct json_doc *d, const char *name, char *out, size_t cap)
{
	if (!json_text(json_get(d, d->nodes, name), out, cap))
		return false;
	struct str s = str_trim(str_of(out));
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20)
			return false;
	memmove(out, s.p, s.n);
	out[s.n] = '\0';
	return s.n > 0;
}

/* 1 told, 0 not there, -1 no time. */
static int take_time(const struct json_doc *d, const char *name, int64_t *out)
{
	char text[64];
	const struct json_node *n = json_get(d, d->nodes, name);
	if (!n || n->type == JSON_NULL)
		return 0;
	return json_text(n, text, sizeof(text)) && clock_parse_when(str_of(text), clock_now_ns(), out) == 0 ? 1 : -1;
}

static bool keys_are_good(const struct adding *x)
{
	size_t at = x->keys ? (size_t)(x->keys - x->doc->nodes) + 1 : 0;
	if (!x->keys)
		return true;
	if (x->keys->type != JSON_ARRAY || x->keys->count > KEYS_MAX)
		return false;
	for (uint32_t i = 0; i < x->keys->count; i++, at = x->doc->nodes[at].next) {
		char key[ARCHIVE_KEY_MAX];
		if (!json_text(&x->doc->nodes[at], key, sizeof(key)) || strncmp(key, "kind=", 5) != 0)
			return false;
	}
	return true;
}

static bool take_body(struct request *rq, struct reply *rp, struct adding *x)
{
	const struct json_doc *d = x->doc;
	struct hold *h = &x->h;
	h->made_ns = clock_now_ns();
	(void)str_copy(h->made_by, sizeof(h->made_by), str_of(rq->who.name));
	if (!take_text(d, "name", h->name, sizeof(h->name)))
		return blame(rq, rp, "/name", "missing", "field.missing");
	if (!take_text(d, "reason", h->reason, sizeof(h->reason)))
		return blame(rq, rp, "/reason", "missing", "field.missing");
	int since = take_time(d, "since", &h->since_ns), until = take_time(d, "until", &h->until_ns);
	if (since < 0 || until < 0 || since != until || (since && h->until_ns <= h->since_ns))
		return blame(rq, rp, "/until", "invalid", "field.hold_times");
	x->keys = json_get(d, d->nodes, "objects");
	if (!keys_are_good(x) || (!since && (!x->keys || x->keys->count == 0)))
		return blame(rq, rp, since ? "/objects" : "/since", "invalid", "field.hold_times");
	if (take_time(d, "keep_until", &h->keep_until_ns) != 1 || h->keep_until_ns <= h->made_ns ||
	    h->keep_until_ns - h->made_ns > KEEP_MAX_NS)
		return blame(rq, rp, "/keep_until", "invalid", "field.hold_keep");
	return true;
}

static void put_made(struct request *rq, struct reply *rp, const struct hold *h, int status)
{
	struct err e = ERR_INIT;
	struct sql *db;
	if (store_read_begin(app_store(rq->app), rq->deadline_mono_ns, &db, &e)) {
		reply_failed(rq, rp, &e);
		return;
	}
	int rc = put_hold(db, reply_json(rp, status), h, &e);
	store_read_end(app_store(rq->app), db);
	if (rc)
		reply_failed(rq, rp, &e);
}

static void audit_text(const struct hold *h, struct buf *b)
{
	struct json j;
	json_init(&j, b);
	json_obj(&j);
	json_kv_str(&j, "name", h->name);
	json_kv_str(&j, "reason", h->reason);
	put_time(&j, "since", h->since_ns);
	put_time(&j, "until", h->until_ns);
	json_kv_time(&j, "keep_until", h->keep_until_ns);
	json_end_obj(&j);
}

void hold_post(struct request *rq, struct reply *rp)
{
	struct json_doc d;
	struct err e = ERR_INIT;
	struct adding x = { .doc = &d };
	struct buf said;
	char object[32];
	if (req_body(rq, &d, rp))
		return;
	if (!take_body(rq, rp, &x)) {
		json_doc_fini(&d);
		return;
	}
	int rc = store_write(app_store(rq->app), add_hold, &x, &e);
	json_doc_fini(&d);
	buf_init(&said, 16384);
	audit_text(&x.h, &said);
	(void)snprintf(object, sizeof(object), "%lld", (long long)x.h.id);
	if (!rc)
		rc = api_audit(rq, "archive.hold", object, NULL, said.p, &e);
	buf_fini(&said);
	if (!rc) /* the rest of many is a job's, within minutes */
		rc = holds_extend(rq->app, &e);
	if (rc)
		reply_failed(rq, rp, &e);
	else
		put_made(rq, rp, &x.h, 201);
}

/* ---- Release. ---- */

static int release(struct sql *db, void *arg, struct err *e)
{
	struct hold *h = arg;
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_hold_release, &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, h->id);
	stmt_i64(s, 2, h->released_ns);
	stmt_text(s, 3, str_of(h->released_by));
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc;
}

static int find(struct request *rq, int64_t id, struct hold *h, struct err *e)
{
	struct sql *db;
	struct stmt *s;
	int rc = store_read_begin(app_store(rq->app), rq->deadline_mono_ns, &db, e);
	if (rc)
		return rc;
	rc = sql_prepare(db, proofs_sql_hold_get, &s, e);
	if (!rc) {
		stmt_i64(s, 1, id);
		rc = stmt_step(s, e);
		if (rc == 1)
			take_row(s, h);
		stmt_done(s);
		rc = rc == 1 ? 0 : rc < 0 ? rc : -ERR_NOTFOUND;
	}
	store_read_end(app_store(rq->app), db);
	return rc;
}

void hold_delete(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct hold h;
	struct buf said;
	char object[32];
	int64_t id;
	int rc = num_i64(rq->path_arg, 1, INT64_MAX, &id) ? -ERR_NOTFOUND : find(rq, id, &h, &e);
	if (rc == -ERR_NOTFOUND || (!rc && h.released_ns)) {
		reply_problem(rq, rp, 404, "not_found", "%s", api_words(rq->lang, "detail.no_hold"));
		return;
	}
	buf_init(&said, 16384);
	audit_text(&h, &said);
	(void)snprintf(object, sizeof(object), "%lld", (long long)id);
	h.released_ns = clock_now_ns();
	(void)str_copy(h.released_by, sizeof(h.released_by), str_of(rq->who.name));
	if (!rc)
		rc = store_write(app_store(rq->app), release, &h, &e);
	if (!rc)
		rc = api_audit(rq, "archive.release", object, said.p, NULL, &e);
	buf_fini(&said);
	if (rc)
		reply_failed(rq, rp, &e);
	else
		put_made(rq, rp, &h, 200);
}

/* ---- For OpenAPI. ---- */

#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define HOLD                                                                                                       \
	"{\"type\":\"object\",\"required\":[\"id\",\"name\",\"reason\",\"since\",\"until\",\"keep_until\",\"made_at\",\"made_by\"," \
	"\"released_at\",\"objects\",\"bytes\"],\"properties\":{\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"}," \
	"\"reason\":{\"type\":\"string\"},\"since\":" TIME_OR_NULL ",\"until\":" TIME_OR_NULL                              \
	",\"keep_until\":{\"type\":\"string\",\"format\":\"date-time\"},\"made_at\":{\"type\":\"string\",\"format\":\"date-time\"}," \
	"\"made_by\":{\"type\":\"string\"},\"released_at\":" TIME_OR_NULL                                                  \
	",\"released_by\":{\"type\":[\"string\",\"null\"]},\"objects\":{\"type\":\"integer\"},\"bytes\":{\"type\":\"integer\"}}}"

const char hold_schema[] = HOLD;
const char holds_schema[] = "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":" HOLD
			    "}}}";
const char hold_accepts[] =
	"{\"type\":\"object\",\"required\":[\"name\",\"reason\",\"keep_until\"],\"properties\":{\"name\":{\"type\":\"string\"},"
	"\"reason\":{\"type\":\"string\"},\"since\":" TIME_OR_NULL ",\"until\":" TIME_OR_NULL
	",\"keep_until\":{\"type\":\"string\",\"format\":\"date-time\"},\"objects\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}";
