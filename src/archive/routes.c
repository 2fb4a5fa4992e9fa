/* What pages and tomsctl see of the archive, and what they may ask of it. Any thread that carries requests: none opens a
 * file; a manifest's bytes are read by the thread archive. */
#include <stdio.h>
#include <stdlib.h>

#include "room.h"
#include "proofs.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"

#define FILE_WAIT_NS (5 * NS_PER_S)
#define WAIT_MS 300
#define LIST_DEF 50
#define LIST_MAX 500

static const char sql_head[] = "SELECT seq FROM archive_seal WHERE state = 'sealed' ORDER BY seq DESC LIMIT 1";
/* State by what the place's own thread last met; words are what the other side said. */
static const char sql_places[] =
	"SELECT t.name, t.problem, t.detail, t.test_result, t.proven, t.last_proven_ns, t.skew_ns,"
	" (SELECT count(*) FROM s3_copy c WHERE c.target = t.id AND c.wants > 0),"
	" (SELECT ifnull(sum(o.bytes), 0) FROM s3_copy c JOIN s3_object o ON o.id = c.object"
	" WHERE c.target = t.id AND c.wants > 0)"
	" FROM s3_target t WHERE t.is_present = 1 AND t.is_enabled = 1 ORDER BY t.name";
static const char sql_verified[] =
	"SELECT ended_ns, source, faults, manifests, result FROM archive_verification"
	" WHERE ended_ns > 0 AND error = '' ORDER BY ended_ns DESC LIMIT 1";
static const char sql_holds[] = "SELECT count(*) FROM archive_hold WHERE released_ns = 0";
static const char sql_stamp[] = "SELECT at_ns, seq, error FROM archive_stamp ORDER BY day DESC LIMIT 1";
static const char sql_list[] =
	"SELECT seq, since_ns, until_ns, rows, bytes, sha256, clock, gaps, manifest_bytes, sealed_ns,"
	" (SELECT group_concat(t.name || '=' || c.state, ' ') FROM s3_object o JOIN s3_copy c ON c.object = o.id"
	" JOIN s3_target t ON t.id = c.target AND t.is_present = 1"
	" WHERE o.key = '_manifest/appliance=' || s.appliance || '/' || printf('%010d', s.seq) || '.json')"
	" FROM archive_seal s WHERE state = 'sealed' AND seq < ?1 ORDER BY seq DESC LIMIT ?2";

static struct archive *room_of(struct request *rq, struct reply *rp)
{
	struct archive *ar = archive_of(rq->app);
	if (!ar)
		reply_problem(rq, rp, 503, "unavailable", "%s", api_words(rq->lang, "detail.archive_off"));
	return ar;
}

static void put_time(struct json *j, const char *name, int64_t ns)
{
	json_key(j, name);
	if (ns)
		json_time(j, ns);
	else
		json_null(j);
}

static void put_hex(struct json *j, const char *name, const void *sum, size_t n)
{
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	hash_hex(sum, n, hex);
	json_kv_str(j, name, hex);
}

/* ---- GET /api/v1/archive, member by member. ---- */

struct facts {
	struct archive *ar;
	struct request *rq;
	struct json *j;
	struct archive_disk disk;
	uint64_t limit_bytes;
	int64_t skew_ns;
	struct seal last;
};

static int put_head(struct sql *db, const struct facts *f, struct err *e)
{
	struct stmt *q;
	struct seal s;
	int64_t seq = 0;
	int rc = sql_prepare(db, sql_head, &q, e);
	if (rc)
		return rc;
	rc = stmt_step(q, e);
	if (rc > 0)
		seq = stmt_col_i64(q, 0);
	stmt_done(q);
	if (rc > 0)
		rc = seal_load(db, (uint64_t)seq, &s, e);
	if (rc < 0)
		return rc;
	json_key(f->j, "head");
	if (!seq) {
		json_null(f->j);
		return 0;
	}
	json_obj(f->j);
	json_kv_u64(f->j, "seq", s.seq);
	put_hex(f->j, "sha256", s.sha256, sizeof(s.sha256));
	json_kv_time(f->j, "until", s.until_ns);
	json_kv_time(f->j, "sealed_at", s.wall_ns);
	json_end_obj(f->j);
	return 0;
}

static int put_key(struct sql *db, const struct facts *f, struct err *e)
{
	struct sign_key k;
	struct buf pem;
	int rc = keys_newest(db, &k, e);
	if (rc)
		return rc;
	buf_init(&pem, 4096);
	crypt_ed25519_pem(k.public_key, &pem);
	json_key(f->j, "key");
	json_obj(f->j);
	json_kv_str(f->j, "id", k.id);
	json_key(f->j, "public_key_pem");
	json_str(f->j, buf_view(&pem));
	json_kv_i64(f->j, "since_seq", k.since_seq);
	put_time(f->j, "made_at", k.made_ns);
	json_end_obj(f->j);
	buf_fini(&pem);
	return 0;
}

static const char *place_state(struct stmt *q)
{
	enum { NOT_WRITE_ONCE = 3 }; /* enum test_result of room s3 */
	return stmt_col_text(q, 1).n                  ? "failed" :
	       stmt_col_i64(q, 3) == NOT_WRITE_ONCE ? "unproven" :
	       stmt_col_i64(q, 7) > 0                ? "waiting" :
						       "ok";
}

static int put_places(struct sql *db, struct facts *f, struct err *e)
{
	struct stmt *q;
	char name[64], words[512];
	int rc = sql_prepare(db, sql_places, &q, e);
	if (rc)
		return rc;
	json_key(f->j, "places");
	json_arr(f->j);
	while ((rc = stmt_step(q, e)) > 0) {
		int64_t skew_ns = stmt_col_i64(q, 6);
		(void)str_copy(name, sizeof(name), stmt_col_text(q, 0));
		(void)str_copy(words, sizeof(words), stmt_col_text(q, 2));
		json_obj(f->j);
		json_kv_str(f->j, "name", name);
		json_kv_str(f->j, "state", place_state(q));
		json_kv_i64(f->j, "waiting", stmt_col_i64(q, 7));
		json_kv_i64(f->j, "waiting_bytes", stmt_col_i64(q, 8));
		json_kv_i64(f->j, "proven", stmt_col_i64(q, 4));
		put_time(f->j, "last_proven_at", stmt_col_i64(q, 5));
		json_kv_str(f->j, "words", words);
		json_end_obj(f->j);
		if (llabs(skew_ns) > llabs(f->skew_ns))
			f->skew_ns = skew_ns;
	}
	json_end_arr(f->j);
	stmt_done(q);
	return rc;
}

static void put_clock(const struct facts *f)
{
	json_key(f->j, "clock");
	json_obj(f->j);
	json_kv_str(f->j, "state", f->last.seq ? f->last.clock : "steady");
	json_kv_i64(f->j, "skew_s", f->skew_ns / NS_PER_S);
	json_end_obj(f->j);
}

/* Member "first" of the stored result, as it stands there. */
static void put_first(struct json *j, struct str result)
{
	struct json_doc doc;
	struct err e = ERR_INIT;
	json_key(j, "first");
	if (result.n == 0 || json_parse(result, 4096, &doc, &e)) {
		json_null(j);
		return;
	}
	const struct json_node *first = json_get(&doc, doc.nodes, "first");
	if (first && first->type == JSON_OBJECT)
		json_raw(j, first->raw);
	else
		json_null(j);
	json_doc_fini(&doc);
}

static int put_verified(struct sql *db, const struct facts *f, struct err *e)
{
	struct stmt *q;
	char source[96];
	int rc = sql_prepare(db, sql_verified, &q, e);
	if (rc)
		return rc;
	rc = stmt_step(q, e);
	json_key(f->j, "verified");
	if (rc > 0) {
		(void)str_copy(source, sizeof(source), stmt_col_text(q, 1));
		json_obj(f->j);
		put_time(f->j, "at", stmt_col_i64(q, 0));
		json_kv_str(f->j, "from", source);
		json_kv_i64(f->j, "faults", stmt_col_i64(q, 2));
		json_kv_i64(f->j, "manifests", stmt_col_i64(q, 3));
		put_first(f->j, stmt_col_text(q, 4));
		json_end_obj(f->j);
	} else {
		json_null(f->j);
	}
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static int put_stamp(struct sql *db, const struct facts *f, struct err *e)
{
	struct stmt *q;
	char error[512];
	int rc = sql_prepare(db, sql_stamp, &q, e);
	if (rc)
		return rc;
	rc = stmt_step(q, e);
	json_key(f->j, "stamp");
	if (rc > 0) {
		(void)str_copy(error, sizeof(error), stmt_col_text(q, 2));
		json_obj(f->j);
		put_time(f->j, "at", stmt_col_i64(q, 0));
		json_kv_i64(f->j, "seq", stmt_col_i64(q, 1));
		json_kv_str(f->j, "error", error[0] ? error : NULL);
		json_end_obj(f->j);
	} else {
		json_null(f->j);
	}
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static int put_numbers(struct sql *db, const struct facts *f, struct err *e)
{
	struct stmt *q;
	uint64_t uncut = 0;
	int rc = store_uncut(db, &uncut, e);
	if (!rc)
		rc = sql_prepare(db, sql_holds, &q, e);
	if (rc)
		return rc;
	rc = stmt_step(q, e);
	json_kv_i64(f->j, "holds", rc > 0 ? stmt_col_i64(q, 0) : 0);
	stmt_done(q);
	json_kv_u64(f->j, "uncut_rows", uncut);
	json_kv_time(f->j, "next_seal_at",
		     cut_next_ns(f->last.seq ? &f->last : NULL, f->ar->begun_ns, clock_now_ns()));
	return rc < 0 ? rc : 0;
}

static void put_size_text(uint64_t bytes, char out[24])
{
	if (bytes < UINT64_C(1) << 30)
		(void)snprintf(out, 24, "%.1f MiB", (double)bytes / (1 << 20));
	else
		(void)snprintf(out, 24, "%.1f GiB", (double)bytes / (1 << 30));
}

/* What goes when room is wanted, in its order. */
static void put_would_go(const struct facts *f)
{
	char words[512], n[24], size[24];
	(void)snprintf(n, sizeof(n), "%llu", (unsigned long long)f->disk.may_go);
	put_size_text(f->disk.may_go_bytes, size);
	json_key(f->j, "would_go");
	json_arr(f->j);
	if (f->disk.may_go)
		json_cstr(f->j, api_text(words, sizeof(words), f->rq->lang, "archive.go.objects", n, size));
	json_cstr(f->j, api_words(f->rq->lang, "archive.go.days"));
	json_cstr(f->j, api_words(f->rq->lang, "archive.go.nothing"));
	json_end_arr(f->j);
}

static void put_local(const struct facts *f)
{
	const struct archive_disk *d = &f->disk;
	json_key(f->j, "local");
	json_obj(f->j);
	json_kv_u64(f->j, "objects", d->objects);
	json_kv_u64(f->j, "bytes", d->bytes);
	json_kv_u64(f->j, "limit_bytes", f->limit_bytes);
	json_kv_u64(f->j, "free_bytes", d->free_bytes);
	json_kv_u64(f->j, "bytes_per_day", d->bytes_per_day);
	json_key(f->j, "days_until_full");
	if (d->days_until_full < 0)
		json_null(f->j);
	else
		json_i64(f->j, d->days_until_full);
	put_time(f->j, "oldest", d->oldest_ns);
	json_kv_u64(f->j, "held", d->held);
	json_kv_u64(f->j, "unproven", d->unproven);
	put_would_go(f);
	json_end_obj(f->j);
}

static int put_facts(struct sql *db, struct facts *f, struct err *e)
{
	int rc = put_head(db, f, e);
	if (!rc)
		rc = put_key(db, f, e);
	if (!rc)
		rc = put_places(db, f, e);
	if (!rc)
		rc = put_verified(db, f, e);
	if (!rc)
		rc = put_stamp(db, f, e);
	return rc ? rc : put_numbers(db, f, e);
}

static void archive_get(struct request *rq, struct reply *rp)
{
	struct archive *ar = room_of(rq, rp);
	struct err e = ERR_INIT;
	struct sql *db;
	struct facts f = { .ar = ar, .rq = rq };
	if (!ar)
		return;
	mutex_lock(&ar->m);
	f.disk = ar->disk;
	f.last = ar->last;
	f.limit_bytes = ar->disk_limit;
	mutex_unlock(&ar->m);
	int rc = store_read_begin(ar->store, rq->deadline_mono_ns, &db, &e);
	if (rc) {
		reply_failed(rq, rp, &e);
		return;
	}
	f.j = reply_json(rp, 200);
	json_obj(f.j);
	rc = put_facts(db, &f, &e);
	store_read_end(ar->store, db);
	put_local(&f);
	put_clock(&f);
	json_end_obj(f.j);
	if (rc)
		reply_failed(rq, rp, &e);
}

/* ---- Manifests. ---- */

/* "tokyo=2 osaka=0" into {"tokyo":"proven",...}. */
static void put_manifest_places(struct json *j, struct str list)
{
	struct str one, name;
	uint32_t state;
	json_key(j, "places");
	json_obj(j);
	while (str_split(&list, ' ', &one)) {
		if (!str_split(&one, '=', &name) || num_u32(one, 0, S3_FAILED, &state))
			continue;
		json_key_str(j, name);
		json_cstr(j, s3_state_names[state]);
	}
	json_end_obj(j);
}

static void put_manifest(struct json *j, struct stmt *q)
{
	struct str sum = stmt_col_blob(q, 5);
	char clock[16];
	(void)str_copy(clock, sizeof(clock), stmt_col_text(q, 6));
	json_obj(j);
	json_kv_i64(j, "seq", stmt_col_i64(q, 0));
	json_kv_time(j, "since", stmt_col_i64(q, 1));
	json_kv_time(j, "until", stmt_col_i64(q, 2));
	json_kv_i64(j, "rows", stmt_col_i64(q, 3));
	json_kv_i64(j, "bytes", stmt_col_i64(q, 4));
	put_hex(j, "sha256", sum.p, sum.n <= CRYPT_SHA256_BYTES ? sum.n : 0);
	json_kv_str(j, "clock", clock);
	json_kv_i64(j, "gaps", stmt_col_i64(q, 7));
	json_kv_i64(j, "manifest_bytes", stmt_col_i64(q, 8));
	put_time(j, "sealed_at", stmt_col_i64(q, 9));
	put_manifest_places(j, stmt_col_text(q, 10));
	json_end_obj(j);
}

static int put_manifests(struct sql *db, struct json *j, int64_t before, int64_t limit, struct err *e)
{
	struct stmt *q;
	int64_t last = 0, n = 0;
	int rc = sql_prepare(db, sql_list, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, before);
	stmt_i64(q, 2, limit);
	json_key(j, "items");
	json_arr(j);
	for (; (rc = stmt_step(q, e)) > 0; n++) {
		last = stmt_col_i64(q, 0);
		put_manifest(j, q);
	}
	json_end_arr(j);
	stmt_done(q);
	char cursor[24];
	(void)snprintf(cursor, sizeof(cursor), "%lld", (long long)last);
	json_kv_str(j, "next", n == limit && last > 1 ? cursor : NULL);
	return rc;
}

static void manifests_get(struct request *rq, struct reply *rp)
{
	struct archive *ar = room_of(rq, rp);
	const struct param_value *cursor = req_param(rq, "cursor");
	struct err e = ERR_INIT;
	struct sql *db;
	int64_t before = INT64_MAX;
	if (!ar)
		return;
	if (cursor && num_i64(cursor->text, 1, INT64_MAX, &before)) {
		reply_field(rp, "parameter", "cursor", "invalid", api_words(rq->lang, "detail.invalid_parameter"));
		reply_problem(rq, rp, 422, "invalid_parameter", "%s", api_words(rq->lang, "detail.invalid_parameter"));
		return;
	}
	int rc = store_read_begin(ar->store, rq->deadline_mono_ns, &db, &e);
	if (!rc) {
		struct json *j = reply_json(rp, 200);
		json_obj(j);
		rc = put_manifests(db, j, before, req_int(rq, "limit", LIST_DEF), &e);
		json_end_obj(j);
		store_read_end(ar->store, db);
	}
	if (rc)
		reply_failed(rq, rp, &e);
}

struct seq_of {
	uint64_t seq;
	struct seal s;
};

static int load_seal(struct sql *db, void *arg, struct err *e)
{
	struct seq_of *s = arg;
	return seal_load(db, s->seq, &s->s, e);
}

static void manifest_get(struct request *rq, struct reply *rp)
{
	struct archive *ar = room_of(rq, rp);
	struct err e = ERR_INIT;
	struct seq_of s = { .seq = 0 };
	char key[ARCHIVE_KEY_MAX];
	if (!ar)
		return;
	int rc = num_u64(rq->path_arg, 1, INT64_MAX, &s.seq) ? -ERR_NOTFOUND : seal_read(ar->store, load_seal, &s, &e);
	if (!rc && !s.s.is_sealed)
		rc = -ERR_NOTFOUND;
	if (!rc) {
		archive_manifest_key(key, s.s.appliance, s.seq, ".json");
		rp->status = 200;
		rc = archive_file(ar, key, clock_mono_ns() + FILE_WAIT_NS, &rp->body, &e);
	}
	if (rc == -ERR_NOTFOUND)
		reply_problem(rq, rp, 404, "not_found", "%s", api_words(rq->lang, "detail.no_manifest"));
	else if (rc == -ERR_TIMEOUT || rc == -ERR_CLOSED)
		reply_problem(rq, rp, 503, "busy", "%s", api_words(rq->lang, "detail.archive_busy"));
	else if (rc)
		reply_failed(rq, rp, &e);
}

/* ---- Keys. ---- */

static int load_key(struct sql *db, void *arg, struct err *e)
{
	return keys_newest(db, arg, e);
}

static void key_get(struct request *rq, struct reply *rp)
{
	struct archive *ar = room_of(rq, rp);
	struct err e = ERR_INIT;
	struct sign_key k;
	if (!ar)
		return;
	if (seal_read(ar->store, load_key, &k, &e)) {
		reply_failed(rq, rp, &e);
		return;
	}
	rp->status = 200;
	rp->type = "application/x-pem-file";
	reply_header(rp, "Content-Disposition", "attachment; filename=\"archive-key.pem\"");
	crypt_ed25519_pem(k.public_key, &rp->body);
}

struct rotation {
	const struct house_key *house_key;
	char id[KEY_ID_MAX];
};

static int rotate(struct sql *db, void *arg, struct err *e)
{
	struct rotation *r = arg;
	return keys_rotate(db, r->house_key, r->id, e);
}

static void key_rotate(struct request *rq, struct reply *rp)
{
	struct archive *ar = room_of(rq, rp);
	struct err e = ERR_INIT;
	struct rotation r = { .id = "" };
	if (!ar)
		return;
	r.house_key = ar->house_key;
	int rc = store_write(ar->store, rotate, &r, &e);
	if (rc == -ERR_BUSY) {
		reply_problem(rq, rp, 409, "busy", "%s", api_words(rq->lang, "detail.key_waits"));
		return;
	}
	if (!rc)
		rc = api_audit(rq, "archive.key_rotate", r.id, NULL, NULL, &e);
	if (rc) {
		reply_failed(rq, rp, &e);
		return;
	}
	(void)archive_ask_seal(ar); /* the manifest that both keys sign */
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_kv_str(j, "id", r.id);
	json_end_obj(j);
}

/* ---- Sealing by hand. ---- */

static int run_seal(struct job_work *w, struct err *e)
{
	struct archive *ar = archive_of(w->app);
	struct archive_answer a;
	uint64_t number = archive_ask_seal(ar);
	int rc;
	while ((rc = archive_wait_seal(ar, number, WAIT_MS, &a)) == 0)
		if (!job_progress(w, "sealing", ar->rows_done, 0))
			return -ERR_CLOSED; /* it is sealed all the same, nobody waits for it any more */
	if (rc < 0)
		return rc;
	if (a.rc)
		return err_set(e, ERR_IO, "%s", a.words);
	buf_fmt(&w->result, "\"seq\":%llu", (unsigned long long)a.seq);
	return 0;
}

const struct job_kind archive_seal_job = {
	.name = "seal", .unit = "rows", .cancelable = false, .at_once = 2, .run = run_seal
};

static void seal_post(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	if (!room_of(rq, rp))
		return;
	if (api_job_ask(rq, rp, &archive_seal_job, "{}") == 0 &&
	    api_audit(rq, "archive.seal", "", NULL, NULL, &e) != 0)
		reply_failed(rq, rp, &e);
}

/* ---- The table. ---- */

static const struct param list_params[] = {
	{ "limit", PARAM_INT, 1, LIST_MAX, NULL, "Manifests of a page, 50 unless said." },
	{ "cursor", PARAM_TEXT, 0, 24, NULL, "\"next\" of the page before." },
	PARAM_END
};
static const struct param hours_params[] = {
	{ "since", PARAM_TIME, 0, 0, NULL, "From when on; a week ago unless said." },
	{ "until", PARAM_TIME, 0, 0, NULL, "Until when; now unless said." },
	PARAM_END
};

/* clang-format off */
#define TEXT "{\"type\":\"string\"}"
#define COUNT "{\"type\":\"integer\"}"
#define COUNT_OR_NONE "{\"type\":[\"integer\",\"null\"]}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NONE "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define TEXT_OR_NONE "{\"type\":[\"string\",\"null\"]}"
#define OBJECT(required, members) "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" members "}}"
#define MAYBE_OBJECT(members) "{\"type\":[\"object\",\"null\"],\"properties\":{" members "}}"
static const char archive_schema[] = OBJECT(
	"\"head\",\"key\",\"next_seal_at\",\"uncut_rows\",\"local\",\"places\",\"clock\",\"verified\",\"holds\",\"stamp\"",
	"\"head\":" MAYBE_OBJECT("\"seq\":" COUNT ",\"sha256\":" TEXT ",\"until\":" TIME ",\"sealed_at\":" TIME)
	",\"key\":" OBJECT("\"id\",\"public_key_pem\",\"since_seq\"",
		"\"id\":" TEXT ",\"public_key_pem\":" TEXT ",\"since_seq\":" COUNT ",\"made_at\":" TIME_OR_NONE)
	",\"next_seal_at\":" TIME ",\"uncut_rows\":" COUNT
	",\"local\":" OBJECT("\"objects\",\"bytes\"",
		"\"objects\":" COUNT ",\"bytes\":" COUNT ",\"limit_bytes\":" COUNT ",\"free_bytes\":" COUNT
		",\"bytes_per_day\":" COUNT ",\"days_until_full\":" COUNT_OR_NONE ",\"oldest\":" TIME_OR_NONE
		",\"held\":" COUNT ",\"unproven\":" COUNT ",\"would_go\":{\"type\":\"array\",\"items\":" TEXT "}")
	",\"places\":{\"type\":\"array\",\"items\":" OBJECT("\"name\",\"state\"",
		"\"name\":" TEXT ",\"state\":{\"enum\":[\"ok\",\"waiting\",\"failed\",\"unproven\"]},\"waiting\":" COUNT
		",\"waiting_bytes\":" COUNT ",\"proven\":" COUNT ",\"last_proven_at\":" TIME_OR_NONE ",\"words\":" TEXT) "}"
	",\"clock\":" OBJECT("\"state\",\"skew_s\"", "\"state\":" TEXT ",\"skew_s\":" COUNT)
	",\"verified\":" MAYBE_OBJECT("\"at\":" TIME_OR_NONE ",\"from\":" TEXT ",\"faults\":" COUNT ",\"manifests\":" COUNT)
	",\"holds\":" COUNT
	",\"stamp\":" MAYBE_OBJECT("\"at\":" TIME_OR_NONE ",\"seq\":" COUNT ",\"error\":" TEXT_OR_NONE));
static const char hours_schema[] = OBJECT("\"items\"",
	"\"items\":{\"type\":\"array\",\"items\":" OBJECT("\"hour\",\"state\",\"seqs\",\"rows\",\"bytes\",\"places\",\"gaps\"",
		"\"hour\":" TIME ",\"state\":{\"enum\":[\"sealed\",\"waiting\",\"empty\",\"missing\",\"failed\"]}"
		",\"seqs\":{\"type\":\"array\",\"items\":" COUNT "},\"rows\":{\"type\":\"object\"},\"bytes\":" COUNT
		",\"places\":{\"type\":\"object\"},\"gaps\":" COUNT) "}");
static const char manifests_schema[] = OBJECT("\"items\",\"next\"",
	"\"items\":{\"type\":\"array\",\"items\":" OBJECT("\"seq\",\"since\",\"until\",\"rows\",\"bytes\",\"sha256\",\"places\"",
		"\"seq\":" COUNT ",\"since\":" TIME ",\"until\":" TIME ",\"rows\":" COUNT ",\"bytes\":" COUNT
		",\"sha256\":" TEXT ",\"clock\":" TEXT ",\"gaps\":" COUNT ",\"manifest_bytes\":" COUNT
		",\"sealed_at\":" TIME_OR_NONE ",\"places\":{\"type\":\"object\"}") "},\"next\":" TEXT_OR_NONE);
static const char manifest_schema[] = "{\"type\":\"object\",\"required\":[\"format\",\"seq\"]}";
static const char rotated_schema[] = OBJECT("\"id\"", "\"id\":" TEXT);
/* clang-format on */

const struct route archive_routes[] = {
	{ .method = "GET",
	  .path = "/api/v1/archive",
	  .may = MAY_LOOK,
	  .handle = archive_get,
	  .item = "archive",
	  .answer = archive_schema,
	  .doc = "The evidence archive: its head, its key, what is here and in the places, when it was proven." },
	{ .method = "GET",
	  .path = "/api/v1/archive/hours",
	  .may = MAY_LOOK,
	  .params = hours_params,
	  .handle = archive_hours_get,
	  .item = "archive_hours",
	  .answer = hours_schema,
	  .doc = "Hour by hour: sealed, waiting, empty or missing, and which places have proven it." },
	{ .method = "GET",
	  .path = "/api/v1/archive/manifests",
	  .may = MAY_LOOK,
	  .params = list_params,
	  .handle = manifests_get,
	  .item = "archive_manifests",
	  .answer = manifests_schema,
	  .doc = "Manifests, newest first." },
	{ .method = "GET",
	  .path = "/api/v1/archive/manifests/{seq}",
	  .may = MAY_LOOK,
	  .handle = manifest_get,
	  .item = "archive_manifest",
	  .answer = manifest_schema,
	  .doc = "A manifest, byte for byte as it was signed." },
	{ .method = "GET",
	  .path = "/api/v1/archive/key",
	  .may = MAY_SIGNED_IN,
	  .handle = key_get,
	  .octets = "application/x-pem-file",
	  .doc = "The public key that proves manifests (PEM)." },
	{ .method = "POST",
	  .path = "/api/v1/archive/seal",
	  .may = MAY_WORK,
	  .handle = seal_post,
	  .flags = ROUTE_LATER,
	  .item = "job",
	  .doc = "Closes the running hour early and seals it; a job." },
	{ .method = "POST",
	  .path = "/api/v1/archive/key/rotate",
	  .may = MAY_ADMIN,
	  .handle = key_rotate,
	  .item = "archive_key_rotated",
	  .answer = rotated_schema,
	  .doc = "Makes a new signing key; the next manifest is signed by the old one and by it." },
	{ .method = "POST",
	  .path = "/api/v1/archive/verify",
	  .may = MAY_LOOK,
	  .handle = verify_post,
	  .item = "job",
	  .accepts = verify_accepts,
	  .flags = ROUTE_LATER,
	  .doc = "Proves the archive: sums, chain, signatures, gaps, locks, and where asked every row; a job." },
	{ .method = "GET",
	  .path = "/api/v1/archive/verifications",
	  .may = MAY_LOOK,
	  .params = verifications_params,
	  .handle = verifications_get,
	  .item = "archive_verifications",
	  .answer = verifications_schema,
	  .doc = "Proofs of the archive that were made, newest first." },
	{ .method = "POST",
	  .path = "/api/v1/archive/take",
	  .may = MAY_LOOK,
	  .handle = take_post,
	  .item = "job",
	  .accepts = take_accepts,
	  .flags = ROUTE_LATER,
	  .doc = "A part of the archive to take away, with all that proves it, as a tar; a job." },
	{ .method = "GET",
	  .path = "/api/v1/archive/holds",
	  .may = MAY_LOOK,
	  .handle = holds_get,
	  .item = "archive_holds",
	  .answer = holds_schema,
	  .doc = "What investigations pin: nothing of it is deleted here." },
	{ .method = "POST",
	  .path = "/api/v1/archive/holds",
	  .may = MAY_WORK,
	  .handle = hold_post,
	  .item = "archive_hold",
	  .answer = hold_schema,
	  .accepts = hold_accepts,
	  .doc = "Pins a time or objects, here and in the places." },
	{ .method = "DELETE",
	  .path = "/api/v1/archive/holds/{id}",
	  .may = MAY_WORK,
	  .handle = hold_delete,
	  .item = "archive_hold",
	  .doc = "Releases a hold; locks that places were given stay." },
	{ .method = "GET",
	  .path = "/api/v1/archive/procedure",
	  .may = MAY_SIGNED_IN,
	  .params = procedure_params,
	  .handle = procedure_get,
	  .octets = "text/html",
	  .doc = "How to check the archive by hand, to be printed." },
	ROUTE_END,
};
