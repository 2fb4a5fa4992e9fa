/* A part of the archive to take away: a tar of objects whose rows meet a time, the manifests of all seals between the
 * first and the last of these, signatures, stamps, public keys, and how to check all of it, in Japanese and English. Who
 * asked and why stands in it. Objects that are not here any more are fetched from a place. Every object is summed on its
 * way: a damaged one ends the job. Threads: the requests', and api/job/N. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "from.h"
#include "proofs.h"
#include "proofs_sql.h"
#include "seal.h"
#include "tar.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

enum { PATH_BYTES = 1300, KINDS_BYTES = 512, PURPOSE_BYTES = 808, PIECE_BYTES = 1 << 20, PURPOSE_LEAST = 3, PURPOSE_MOST = 200 };
#define SPARE_BYTES (UINT64_C(256) << 20) /* manifests and heads, beside the objects */

struct take_ask {
	int64_t since_ns, until_ns;
	char kinds[KINDS_BYTES]; /* " flow log " */
	char purpose[PURPOSE_BYTES];
};

struct take {
	struct job_work *w;
	struct take_ask ask;
	struct archive_from *from;
	char folder[PATH_BYTES], name[64], appliance[ARCHIVE_APPLIANCE_MAX];
	struct tar tar;
	uint8_t *piece;
	uint64_t first_seq, last_seq, objects, total_bytes, done_bytes;
};

/* ---- What was asked for. ---- */

static bool is_kind(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_'))
			return false;
	return s.n > 0 && s.n < SEAL_KIND_MAX;
}

static bool take_kinds(const struct json_doc *d, char out[KINDS_BYTES])
{
	const struct json_node *kinds = json_get(d, d->nodes, "kinds");
	struct buf b;
	if (!kinds || kinds->type != JSON_ARRAY || kinds->count == 0 || kinds->count > SEAL_KINDS_MAX)
		return false;
	buf_init(&b, KINDS_BYTES - 1);
	buf_char(&b, ' ');
	size_t at = (size_t)(kinds - d->nodes) + 1;
	bool good = true;
	for (uint32_t i = 0; i < kinds->count && good; i++, at = d->nodes[at].next) {
		char kind[SEAL_KIND_MAX];
		good = json_text(&d->nodes[at], kind, sizeof(kind)) && is_kind(str_of(kind));
		buf_fmt(&b, "%s ", good ? kind : "");
	}
	good = good && !buf_failed(&b) && str_copy(out, KINDS_BYTES, buf_view(&b));
	buf_fini(&b);
	return good;
}

static bool take_time(const struct json_doc *d, const char *name, int64_t *out)
{
	char text[64];
	return json_text(json_get(d, d->nodes, name), text, sizeof(text)) &&
	       clock_parse_when(str_of(text), clock_now_ns(), out) == 0;
}

static bool take_purpose(const struct json_doc *d, char out[PURPOSE_BYTES])
{
	size_t characters = 0;
	if (!json_text(json_get(d, d->nodes, "purpose"), out, PURPOSE_BYTES))
		return false;
	for (const char *p = out; *p; p++) {
		if ((unsigned char)*p < 0x20)
			return false;
		characters += ((unsigned char)*p & 0xc0) != 0x80;
	}
	return characters >= PURPOSE_LEAST && characters <= PURPOSE_MOST;
}

/* The member that is to blame, or NULL. */
static const char *read_ask(const struct json_doc *d, struct take_ask *a)
{
	if (!take_time(d, "since", &a->since_ns))
		return "/since";
	if (!take_time(d, "until", &a->until_ns) || a->until_ns <= a->since_ns)
		return "/until";
	if (!take_kinds(d, a->kinds))
		return "/kinds";
	return take_purpose(d, a->purpose) ? NULL : "/purpose";
}

static void put_ask(const struct take_ask *a, struct json *j)
{
	struct str left = str_trim(str_of(a->kinds)), kind;
	json_obj(j);
	json_kv_time(j, "since", a->since_ns);
	json_kv_time(j, "until", a->until_ns);
	json_key(j, "kinds");
	json_arr(j);
	while (str_split(&left, ' ', &kind))
		json_str(j, kind);
	json_end_arr(j);
	json_kv_str(j, "purpose", a->purpose);
	json_end_obj(j);
}

static void blame(struct request *rq, struct reply *rp, const char *pointer)
{
	char words[256];
	const char *detail = api_words(rq->lang, "field.invalid");
	if (strcmp(pointer, "/kinds") == 0)
		detail = api_words(rq->lang, "field.take_kinds");
	if (strcmp(pointer, "/purpose") == 0)
		detail = api_text(words, sizeof(words), rq->lang, "field.purpose", "3", "200");
	reply_field(rp, "pointer", pointer, "invalid", detail);
	reply_problem(rq, rp, 422, "unacceptable", "%s", api_words(rq->lang, "detail.take_fields"));
}

/* Who may not look at the audit trail does not carry it away, either. */
static bool may_take(const struct request *rq, struct reply *rp, const struct take_ask *ask)
{
	char roles[128], words[320];
	if (rq->who.role != ROLE_OPERATOR || !strstr(ask->kinds, " audit "))
		return true;
	(void)snprintf(roles, sizeof(roles), "%s, %s", api_words(rq->lang, "role.auditor"), api_words(rq->lang, "role.admin"));
	reply_problem(rq, rp, 403, "role_required", "%s",
		      api_text(words, sizeof(words), rq->lang, "detail.role_required", roles, NULL));
	return false;
}

void take_post(struct request *rq, struct reply *rp)
{
	struct json_doc d;
	struct err e = ERR_INIT;
	struct take_ask ask = { .since_ns = 0 };
	struct buf asked;
	struct json j;
	if (req_body(rq, &d, rp))
		return;
	const char *bad = read_ask(&d, &ask);
	json_doc_fini(&d);
	if (!bad && !may_take(rq, rp, &ask))
		return;
	if (bad) {
		blame(rq, rp, bad);
		return;
	}
	buf_init(&asked, 8192);
	json_init(&j, &asked);
	put_ask(&ask, &j);
	/* Before the job, so that nothing is written that nobody is known to have asked for. */
	if (buf_failed(&asked) || api_audit(rq, "archive.take", "", NULL, asked.p, &e))
		reply_failed(rq, rp, &e);
	else
		(void)api_job_ask(rq, rp, &archive_take_job, asked.p); /* what it says is in rp */
	buf_fini(&asked);
}

/* ---- What there is of it. ---- */

static void bind_ask(struct stmt *s, const struct take_ask *a)
{
	stmt_i64(s, 1, a->since_ns);
	stmt_i64(s, 2, a->until_ns);
	stmt_text(s, 3, str_of(a->kinds));
}

static int read_range(struct sql *db, void *arg, struct err *e)
{
	struct take *t = arg;
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_take_range, &s, e);
	if (rc)
		return rc;
	bind_ask(s, &t->ask);
	rc = stmt_step(s, e);
	if (rc == 1) {
		t->first_seq = (uint64_t)stmt_col_i64(s, 0);
		t->last_seq = (uint64_t)stmt_col_i64(s, 1);
		t->objects = (uint64_t)stmt_col_i64(s, 2);
		t->total_bytes = (uint64_t)stmt_col_i64(s, 3);
	}
	stmt_done(s);
	return rc < 0 ? rc : t->objects ? 0 : err_set(e, ERR_NOTFOUND, "take_empty");
}

struct next_object {
	const struct take *t;
	int64_t id;
	char key[ARCHIVE_KEY_MAX];
	uint64_t bytes;
	uint8_t sha256[CRYPT_SHA256_BYTES];
	char place[64], version_id[128]; /* that has it, where the file here is gone */
};

static int read_next(struct sql *db, void *arg, struct err *e)
{
	struct next_object *n = arg;
	struct stmt *s;
	int rc = sql_prepare(db, proofs_sql_take_objects, &s, e);
	if (rc)
		return rc;
	bind_ask(s, &n->t->ask);
	stmt_i64(s, 4, n->id);
	rc = stmt_step(s, e);
	n->id = rc == 1 ? stmt_col_i64(s, 0) : 0;
	if (rc == 1) {
		struct str sum = stmt_col_blob(s, 5);
		(void)str_copy(n->key, sizeof(n->key), stmt_col_text(s, 1));
		n->bytes = (uint64_t)stmt_col_i64(s, 3);
		if (sum.n == sizeof(n->sha256))
			memcpy(n->sha256, sum.p, sum.n);
	}
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int proven_place(void *arg, const struct s3_kept *k)
{
	struct next_object *n = arg;
	if (k->state != S3_PROVEN)
		return 0;
	(void)str_copy(n->place, sizeof(n->place), str_of(k->place));
	(void)str_copy(n->version_id, sizeof(n->version_id), str_of(k->v.version_id));
	return 1;
}

static int find_place(struct sql *db, void *arg, struct err *e)
{
	struct next_object *n = arg;
	int rc = s3_kept(db, n->key, proven_place, n, e);
	return rc < 0 ? rc : 0;
}

/* ---- Objects into the tar. ---- */

static int sum_matches(const struct next_object *n, int fd, struct err *e)
{
	uint64_t bytes;
	uint8_t sum[CRYPT_SHA256_BYTES];
	int rc = crypt_sum_file(fd, CRYPT_SHA256, &bytes, sum, NULL, e);
	return rc ? rc : bytes == n->bytes && memcmp(sum, n->sha256, sizeof(sum)) == 0;
}

/* Fetches it from a place that has proven it; the file's name is gone at once. */
static int fetch(struct take *t, struct next_object *n, int *fd, struct err *e)
{
	struct s3_conf conf = { .name = "" };
	struct s3_client *c = NULL;
	struct s3_fault fault;
	char path[PATH_BYTES + 16];
	int rc = seal_read(app_store(t->w->app), find_place, n, e);
	if (!rc && !n->place[0])
		rc = err_set(e, ERR_CORRUPT, "take_damaged");
	if (!rc)
		rc = s3_room_place(t->w->app, n->place, &conf, e);
	if (!rc)
		rc = s3_client_new(&c, &conf, t->w->stop, e);
	explicit_bzero(&conf, sizeof(conf));
	(void)snprintf(path, sizeof(path), "%s/fetched", t->folder);
	thread_park(); /* the client has its own limits of time */
	if (!rc)
		rc = s3_get_file(c, n->key, n->version_id[0] ? n->version_id : NULL, path, n->bytes, n->sha256,
				 &fault, e);
	thread_unpark();
	s3_client_free(c);
	if (rc)
		return rc;
	*fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	(void)unlink(path);
	return *fd < 0 ? err_sys(e, errno, "opening what was fetched") : 0;
}

/* The file here, if it is there and whole; else a place's. */
static int open_object(struct take *t, struct next_object *n, int *fd, struct err *e)
{
	struct err local = ERR_INIT;
	uint64_t bytes;
	if (from_open(t->from, n->key, 0, fd, &bytes, &local) == 0) {
		int good = sum_matches(n, *fd, &local);
		if (good == 1)
			return 0;
		(void)close(*fd);
		*fd = -1;
	}
	return fetch(t, n, fd, e);
}

static int copy_object(struct take *t, const struct next_object *n, int fd, struct err *e)
{
	int rc = tar_head(&t->tar, n->key, n->bytes, e);
	for (uint64_t off = 0; off < n->bytes && !rc;) {
		size_t piece = n->bytes - off < PIECE_BYTES ? (size_t)(n->bytes - off) : PIECE_BYTES;
		rc = from_read_at(fd, off, t->piece, piece, e);
		if (!rc)
			rc = tar_put(&t->tar, t->piece, piece, e);
		off += piece;
		t->done_bytes += piece;
		thread_beat();
		if (!rc && !job_progress(t->w, "writing", t->done_bytes, t->total_bytes))
			rc = -ERR_CLOSED;
	}
	return rc ? rc : tar_pad(&t->tar, e);
}

static int put_objects(struct take *t, struct err *e)
{
	struct next_object n = { .t = t };
	int rc;
	while ((rc = seal_read(app_store(t->w->app), read_next, &n, e)) == 0 && n.id) {
		int fd = -1;
		n.place[0] = '\0';
		rc = open_object(t, &n, &fd, e);
		if (!rc)
			rc = copy_object(t, &n, fd, e);
		if (fd >= 0)
			(void)close(fd);
		if (rc)
			break;
	}
	return rc;
}

/* ---- What proves them. ---- */

static int put_manifest(struct take *t, uint64_t seq, struct buf *b, struct err *e)
{
	static const struct {
		const char *suffix;
		bool must;
	} files[] = { { ".json", true }, { ".sig", true }, { ".tsr", false } };
	char key[ARCHIVE_KEY_MAX];
	int rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(files) && !rc; i++) {
		struct err why = ERR_INIT;
		archive_manifest_key(key, t->appliance, seq, files[i].suffix);
		rc = from_read(t->from, key, 0, MANIFEST_BYTES_MAX, b, &why);
		if (rc == -ERR_NOTFOUND && !files[i].must)
			return 0;
		rc = rc ? err_set(e, (enum err_code)why.code, "%s", why.text) : tar_file(&t->tar, key, buf_view(b), e);
	}
	return rc;
}

static int put_manifests(struct take *t, struct err *e)
{
	struct buf b;
	int rc = 0;
	buf_init(&b, MANIFEST_BYTES_MAX);
	for (uint64_t seq = t->first_seq; seq <= t->last_seq && !rc; seq++)
		rc = put_manifest(t, seq, &b, e);
	buf_fini(&b);
	return rc;
}

struct keys {
	struct take *t;
	struct err *e;
};

/* Each by its number; the newest one's name says nothing more, since it is what people ask for. */
static int put_key(void *arg, const struct sign_key *k)
{
	struct keys *x = arg;
	struct buf pem;
	char name[64];
	buf_init(&pem, 4096);
	crypt_ed25519_pem(k->public_key, &pem);
	(void)snprintf(name, sizeof(name), "public_keys/%s.pem", k->id);
	int rc = tar_file(&x->t->tar, name, buf_view(&pem), x->e);
	buf_fini(&pem);
	return rc;
}

static int put_keys(struct sql *db, void *arg, struct err *e)
{
	struct take *t = arg;
	struct keys x = { t, e };
	struct sign_key newest;
	struct buf pem;
	int rc = keys_each(db, t->last_seq, put_key, &x, e);
	if (!rc)
		rc = keys_newest(db, &newest, e);
	if (rc)
		return rc;
	buf_init(&pem, 4096);
	crypt_ed25519_pem(newest.public_key, &pem);
	rc = tar_file(&t->tar, "public_key.pem", buf_view(&pem), e);
	buf_fini(&pem);
	return rc;
}

static int put_readme(struct take *t, const char *lang, struct err *e)
{
	bool en = strcmp(lang, "en") == 0;
	char name[24], since[CLOCK_RFC3339_MAX], until[CLOCK_RFC3339_MAX], at[CLOCK_RFC3339_MAX];
	struct buf b;
	(void)snprintf(name, sizeof(name), "README.%s.txt", lang);
	clock_rfc3339(t->ask.since_ns, since);
	clock_rfc3339(t->ask.until_ns, until);
	clock_rfc3339(t->w->asked_ns, at);
	buf_init(&b, 1 << 20);
	buf_fmt(&b, en ? "Part of the archive of %s\n\nRecords of %s to %s (UTC), kinds:%s\nManifests %llu to %llu\nTaken by %s at %s "
			 "for: %s\n\nWith tomsd: tomsctl verify --from . --key public_key.pem --rows --part\n\n" :
			 "%s の証跡 (一部)\n\n期間 %s から %s (UTC)、種類:%s\n目録 %llu から %llu\n持ち出した人 %s (%s)、目的: %s\n\n"
			 "tomsd がある機械では: tomsctl verify --from . --key public_key.pem --rows --part\n\n",
		t->appliance, since, until, t->ask.kinds, (unsigned long long)t->first_seq, (unsigned long long)t->last_seq,
		t->w->who.name, at, t->ask.purpose);
	procedure_text(lang, &b);
	int rc = buf_failed(&b) ? err_set(e, ERR_NOMEM, "out of memory") : tar_file(&t->tar, name, buf_view(&b), e);
	buf_fini(&b);
	return rc;
}

static int put_all(struct take *t, struct err *e)
{
	int rc = put_readme(t, "ja", e);
	if (!rc)
		rc = put_readme(t, "en", e);
	if (!rc)
		rc = seal_read(app_store(t->w->app), put_keys, t, e);
	if (!rc)
		rc = put_manifests(t, e);
	return rc ? rc : put_objects(t, e);
}

/* ---- The job. ---- */

static void put_file(struct json *j, const struct take *t, const char *name, uint64_t bytes, const char *hex)
{
	char href[160];
	(void)snprintf(href, sizeof(href), "/api/v1/exports/%lld/%s", (long long)t->w->id, name);
	json_obj(j);
	json_kv_str(j, "name", name);
	json_kv_str(j, "href", href);
	json_kv_u64(j, "bytes", bytes);
	if (hex)
		json_kv_str(j, "sha256", hex);
	json_end_obj(j);
}

/* "<sum>  <name>", as sha256sum --check wants it. */
static int write_sum(struct take *t, const uint8_t sum[CRYPT_SHA256_BYTES], struct err *e)
{
	char hex[2 * CRYPT_SHA256_BYTES + 1], name[80], path[PATH_BYTES + 100], line[200];
	struct json j;
	hash_hex(sum, CRYPT_SHA256_BYTES, hex);
	(void)snprintf(name, sizeof(name), "%s.sha256", t->name);
	(void)snprintf(path, sizeof(path), "%s/%s", t->folder, name);
	int n = snprintf(line, sizeof(line), "%s  %s\n", hex, t->name);
	int rc = file_write_durable(path, 0600, line, (size_t)n, e);
	buf_fmt(&t->w->result, "\"objects\":%llu,\"first_seq\":%llu,\"last_seq\":%llu,\"files\":", (unsigned long long)t->objects,
		(unsigned long long)t->first_seq, (unsigned long long)t->last_seq);
	json_init(&j, &t->w->result);
	json_arr(&j);
	put_file(&j, t, t->name, t->tar.bytes, hex);
	put_file(&j, t, name, (uint64_t)n, NULL);
	json_end_arr(&j);
	return rc;
}

static int write_tar(struct take *t, struct err *e)
{
	char path[PATH_BYTES + 100];
	uint8_t sum[CRYPT_SHA256_BYTES];
	(void)snprintf(path, sizeof(path), "%s/%s", t->folder, t->name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "creating %s", path);
	int rc = tar_begin(&t->tar, fd, t->w->asked_ns / NS_PER_S, e);
	if (!rc)
		rc = put_all(t, e);
	if (!rc)
		rc = tar_end(&t->tar, sum, e);
	if (!rc && fsync(fd))
		rc = err_sys(e, errno, "writing %s", path);
	if (close(fd) && !rc)
		rc = err_sys(e, errno, "closing %s", path);
	if (!rc)
		rc = write_sum(t, sum, e);
	tar_fini(&t->tar);
	return rc;
}

static int name_it(struct take *t, struct err *e)
{
	char at[CLOCK_RFC3339_MAX], digits[16];
	size_t n = 0;
	clock_rfc3339(t->w->asked_ns, at);
	for (const char *p = at; *p && *p != '.' && *p != 'Z' && n < sizeof(digits) - 1; p++)
		if (*p != ':' && (*p != '-' || n > 8))
			digits[n++] = *p == 'T' ? '-' : *p;
	digits[n] = '\0';
	(void)snprintf(t->name, sizeof(t->name), "archive-%s.tar", digits);
	(void)str_copy(t->appliance, sizeof(t->appliance), str_of(archive_appliance_of(archive_of(t->w->app))));
	return api_export_path(t->w->app, t->w->id, ".new", t->folder, sizeof(t->folder)) ?
		       0 :
		       err_set(e, ERR_RANGE, "the state folder's path is too long");
}

static int write_all(struct take *t, struct err *e)
{
	char path[ARCHIVE_PATH_MAX], whole[PATH_BYTES];
	struct app *a = t->w->app;
	int rc = name_it(t, e);
	if (!rc)
		rc = seal_read(app_store(a), read_range, t, e);
	if (!rc)
		rc = api_export_room(a, t->total_bytes + SPARE_BYTES, e);
	if (!rc && (!archive_path(path, app_state_path(a), ARCHIVE_FOLDER) ||
		    !api_export_path(a, t->w->id, NULL, whole, sizeof(whole))))
		rc = err_set(e, ERR_RANGE, "the state folder's path is too long");
	if (!rc)
		rc = archive_from_folder(&t->from, path, e);
	if (!rc)
		rc = file_mkdirs(t->folder, 0700, e);
	if (!rc)
		rc = write_tar(t, e);
	if (!rc && rename(t->folder, whole))
		rc = err_sys(e, errno, "renaming %s", t->folder);
	return rc;
}

static int run(struct job_work *w, struct err *e)
{
	struct take *t = calloc(1, sizeof(*t));
	struct json_doc d;
	if (!t)
		return err_set(e, ERR_NOMEM, "out of memory");
	t->w = w;
	t->piece = malloc(PIECE_BYTES);
	int rc = t->piece ? json_parse(w->asked, 1024, &d, e) : err_set(e, ERR_NOMEM, "out of memory");
	if (!rc) {
		if (read_ask(&d, &t->ask))
			rc = err_set(e, ERR_INVALID, "what was asked for is not understood");
		json_doc_fini(&d);
	}
	if (!rc)
		rc = write_all(t, e);
	archive_from_free(t->from);
	free(t->piece);
	free(t);
	return rc;
}

static void clean(struct app *a, int64_t id)
{
	api_export_remove(a, id);
}

const struct job_kind archive_take_job = { .name = "take",
					   .unit = "bytes",
					   .cancelable = true,
					   .at_once = 1,
					   .keep_ns = INT64_C(24) * 3600 * NS_PER_S,
					   .keeps_files = true,
					   .run = run,
					   .clean = clean };

const char take_accepts[] =
	"{\"type\":\"object\",\"required\":[\"since\",\"until\",\"kinds\",\"purpose\"],\"properties\":{"
	"\"since\":{\"type\":\"string\",\"format\":\"date-time\"},\"until\":{\"type\":\"string\",\"format\":\"date-time\"},"
	"\"kinds\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"purpose\":{\"type\":\"string\"}}}";
