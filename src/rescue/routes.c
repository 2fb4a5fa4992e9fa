/* Backups as people see them, and what they may ask for. Handlers read the store alone; what opens files or
 * connections is a job. A phrase comes in with the request for a rehearsal, becomes a key there and waits
 * in memory (a ticket) for its job; it is shown once, in the answer that makes it. */
#include <stdio.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"
#include "tomsd/s3.h"

#define SHOWN 40
#define TICKET_LIVES_NS (3600 * NS_PER_S)

/* ---- Tickets. ---- */

void tickets_wipe(struct rescue *r, bool all)
{
	int64_t now = clock_mono_ns();
	mutex_lock(&r->m);
	for (size_t i = 0; i < TICKETS_MAX; i++)
		if (all || now - r->tickets[i].made_mono_ns > TICKET_LIVES_NS)
			explicit_bzero(&r->tickets[i], sizeof(r->tickets[i]));
	mutex_unlock(&r->m);
}

/* Its number; 0: as many wait as may. */
static uint64_t ticket_put(struct rescue *r, const struct ticket *t)
{
	uint64_t number = 0;
	mutex_lock(&r->m);
	for (size_t i = 0; i < TICKETS_MAX && number == 0; i++) {
		if (r->tickets[i].number != 0)
			continue;
		number = ++r->last_ticket;
		r->tickets[i] = *t;
		r->tickets[i].number = number;
		r->tickets[i].made_mono_ns = clock_mono_ns();
	}
	mutex_unlock(&r->m);
	return number;
}

static bool ticket_take(struct rescue *r, uint64_t number, struct ticket *out)
{
	bool found = false;
	mutex_lock(&r->m);
	for (size_t i = 0; i < TICKETS_MAX && number != 0; i++) {
		if (r->tickets[i].number != number)
			continue;
		*out = r->tickets[i];
		explicit_bzero(&r->tickets[i], sizeof(r->tickets[i]));
		found = true;
	}
	mutex_unlock(&r->m);
	return found;
}

/* ---- What there is. ---- */

static void put_time(struct json *j, const char *name, int64_t ns)
{
	if (ns > 0)
		json_kv_time(j, name, ns);
	else
		json_kv_str(j, name, NULL);
}

static void put_phrase(struct json *j, const struct key_row *k)
{
	json_key(j, "phrase");
	json_obj(j);
	json_kv_time(j, "made_at", k->made_ns);
	json_kv_str(j, "made_by", k->made_by);
	json_kv_str(j, "key_id", k->id);
	json_end_obj(j);
}

static int put_place(void *arg, const struct s3_kept *k)
{
	json_kv_str(arg, k->place, s3_state_names[k->state]);
	return 0;
}

static int put_backup_in(struct json *j, struct sql *db, const struct backup_row *b,
			 struct err *e)
{
	char day[16];
	struct str left = str_of(b->left_out);
	(void)snprintf(day, sizeof(day), "%04d-%02d-%02d", b->oldest_day / 10000,
		       b->oldest_day / 100 % 100, b->oldest_day % 100);
	json_obj(j);
	json_kv_time(j, "at", b->made_ns);
	json_kv_i64(j, "took_s", (b->took_ns + NS_PER_S - 1) / NS_PER_S);
	json_kv_str(j, "asked_by", b->asked_by[0] ? b->asked_by : NULL);
	json_kv_u64(j, "bytes", b->bytes);
	json_kv_u64(j, "database_bytes", b->database_bytes);
	json_kv_u64(j, "rows", b->rows);
	json_kv_str(j, "oldest_day", b->oldest_day ? day : NULL);
	json_kv_bool(j, "local", b->path[0] != '\0');
	json_kv_str(j, "key", b->key);
	json_kv_str(j, "key_id", b->key_id);
	json_key(j, "left_out");
	if (left.n > 0) {
		json_list(j, left);
	} else {
		json_arr(j);
		json_end_arr(j);
	}
	json_key(j, "places");
	json_obj(j);
	int rc = s3_kept(db, b->key, put_place, j, e);
	json_end_obj(j);
	json_end_obj(j);
	return rc;
}

struct listing {
	struct json *j;
	struct err *e;
	bool first_only;
};

static int put_backup(void *arg, struct sql *db, const struct backup_row *b)
{
	struct listing *l = arg;
	int rc = put_backup_in(l->j, db, b, l->e);
	return rc == 0 && l->first_only ? 1 : rc;
}

static int put_backups(struct rescue *r, struct json *j, struct err *e)
{
	struct listing l = { .j = j, .e = e, .first_only = true };
	json_key(j, "last");
	int rc = backup_rows(r->store, false, 1, put_backup, &l, e);
	if (rc == 0)
		json_null(j);
	l.first_only = false;
	json_key(j, "backups");
	json_arr(j);
	if (rc >= 0)
		rc = backup_rows(r->store, false, SHOWN, put_backup, &l, e);
	json_end_arr(j);
	return rc;
}

/* Why it was not good, in the reader's language; the detail stays as it was said. */
static const char *reason(const struct rehearsal_row *h, const char *lang, char *out,
			  size_t cap)
{
	char key[48];
	(void)snprintf(key, sizeof(key), "rescue.bad_%s", h->code);
	if (api_words(lang, key) == key)
		(void)str_copy(key, sizeof(key), STR("rescue.bad"));
	return api_text(out, cap, lang, key, h->words, NULL);
}

static void put_rehearsal(struct json *j, const struct rehearsal_row *h, const char *lang)
{
	char words[768];
	json_obj(j);
	json_kv_time(j, "at", h->at_ns);
	json_kv_bool(j, "good", h->good);
	json_kv_str(j, "words", h->good ? NULL : reason(h, lang, words, sizeof(words)));
	json_kv_i64(j, "took_s", (h->took_ns + NS_PER_S - 1) / NS_PER_S);
	json_kv_str(j, "from", h->source);
	json_kv_str(j, "by", h->asked_by);
	put_time(j, "backup_at", h->made_ns);
	json_kv_u64(j, "rows", h->rows);
	json_kv_u64(j, "tables", h->tables);
	json_end_obj(j);
}

static int put_rehearsals(struct rescue *r, struct json *j, const char *lang, struct err *e)
{
	struct rehearsal_row h = { 0 };
	int rc = rehearsal_row_last(r->store, false, &h, e);
	json_key(j, "rehearsal");
	if (rc == 0)
		put_rehearsal(j, &h, lang);
	else
		json_null(j);
	if (rc == 0 && !h.good)
		rc = rehearsal_row_last(r->store, true, &h, e);
	json_key(j, "rehearsed_good_at");
	if (rc == 0)
		json_time(j, h.at_ns);
	else
		json_null(j);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

static void rescue_get(struct request *rq, struct reply *rp)
{
	struct rescue *r = rescue_of(rq->app);
	struct err e = ERR_INIT;
	struct key_row k;
	struct json *j = reply_json(rp, 200);
	char failed[256];
	int64_t failed_ns = 0;
	json_obj(j);
	int rc = key_row_read(r->store, &k, &e);
	if (rc == 0)
		put_phrase(j, &k);
	else
		json_kv_str(j, "phrase", NULL);
	if (rc == 0 || rc == -ERR_NOTFOUND)
		rc = put_backups(r, j, &e);
	if (rc == 0)
		rc = put_rehearsals(r, j, rq->lang, &e);
	if (rc == 0)
		rc = state_row_read(r->store, "failed", &failed_ns, failed, sizeof(failed), &e);
	json_key(j, "failed");
	if (failed_ns > 0) {
		json_obj(j);
		json_kv_time(j, "at", failed_ns);
		json_kv_str(j, "words", failed);
		json_end_obj(j);
	} else {
		json_null(j);
	}
	put_time(j, "next_at", atomic_load(&r->next_ns));
	json_end_obj(j);
	if (rc != 0)
		reply_failed(rq, rp, &e);
}

/* ---- What may be asked for. ---- */

static void unacceptable(struct request *rq, struct reply *rp, const char *pointer,
			 const char *code, const char *words)
{
	reply_field(rp, "pointer", pointer, code, words);
	reply_problem(rq, rp, 422, "unacceptable", "%s",
		      api_words(rq->lang, "detail.password_rules"));
}

static int make_phrase(struct request *rq, struct rescue *r, char phrase[RESCUE_PHRASE_MAX],
		       struct key_row *k, struct err *e)
{
	uint8_t private_key[KEY_BYTES] = { 0 }, id[KEY_ID_BYTES];
	char after[64];
	rescue_phrase_new(phrase);
	int rc = phrase_keys(str_of(phrase), private_key, k->public_key, e);
	explicit_bzero(private_key, sizeof(private_key));
	if (rc != 0)
		return rc;
	key_id_of(k->public_key, id);
	hash_hex(id, sizeof(id), k->id);
	k->made_ns = clock_now_ns();
	(void)str_copy(k->made_by, sizeof(k->made_by), str_of(rq->who.name));
	(void)snprintf(after, sizeof(after), "{\"key_id\":\"%s\"}", k->id);
	rc = key_row_add(r->store, k, e);
	return rc == 0 ? api_audit(rq, "rescue.phrase", "backup", NULL, after, e) : rc;
}

static void phrase_post(struct request *rq, struct reply *rp)
{
	struct rescue *r = rescue_of(rq->app);
	struct err e = ERR_INIT;
	struct json_doc d;
	struct key_row k = { 0 };
	char phrase[RESCUE_PHRASE_MAX];
	bool replace = false;
	if (rq->body.n > 0) {
		if (req_body(rq, &d, rp) != 0)
			return;
		const struct json_node *n = json_get(&d, d.nodes, "replace");
		replace = n && n->type == JSON_TRUE;
		json_doc_fini(&d);
	}
	int rc = key_row_read(r->store, &k, &e);
	if (rc == 0 && !replace) {
		reply_problem(rq, rp, 409, "phrase_exists", "%s",
			      api_words(rq->lang, "detail.phrase_exists"));
		return;
	}
	if (rc == 0 || rc == -ERR_NOTFOUND)
		rc = make_phrase(rq, r, phrase, &k, &e);
	if (rc != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	struct json *j = reply_json(rp, 201);
	json_obj(j);
	json_kv_str(j, "phrase", phrase);
	json_kv_str(j, "key_id", k.id);
	json_kv_time(j, "made_at", k.made_ns);
	json_end_obj(j);
	explicit_bzero(phrase, sizeof(phrase));
	night_wake(r); /* its first backup is due */
}

static bool tell_job(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	return job_progress(arg, phase, done, total);
}

/* A code where there is one, for the words of both languages. */
static int say(struct err *e, int rc)
{
	if (rc == -ERR_NOTFOUND)
		return err_set(e, ERR_NOTFOUND, "no_phrase");
	if (rc == -ERR_FULL)
		return err_set(e, ERR_FULL, "rescue_full");
	return rc;
}

static int run_backup(struct job_work *w, struct err *e)
{
	struct rescue *r = rescue_of(w->app);
	struct watch watch = { .tell = tell_job, .arg = w, .stop = w->stop };
	struct backup_row b = { 0 };
	int rc = backup_make(r, w->who.name, &watch, &b, e);
	night_wake(r);
	if (rc != 0)
		return say(e, rc);
	buf_fmt(&w->result, "\"bytes\":%llu,\"rows\":%llu,\"key\":\"%s\"",
		(unsigned long long)b.bytes, (unsigned long long)b.rows, b.key);
	return 0;
}

static const struct job_kind backup_kind = {
	.name = "backup", .unit = "bytes", .cancelable = true, .at_once = 1, .run = run_backup
};

static void backup_post(struct request *rq, struct reply *rp)
{
	struct rescue *r = rescue_of(rq->app);
	struct err e = ERR_INIT;
	struct key_row k;
	int rc = key_row_read(r->store, &k, &e);
	if (rc == -ERR_NOTFOUND)
		reply_problem(rq, rp, 409, "no_phrase", "%s",
			      api_words(rq->lang, "job.no_phrase"));
	else if (rc != 0 || api_audit(rq, "rescue.backup", "backup", NULL, NULL, &e) != 0)
		reply_failed(rq, rp, &e);
	else
		(void)api_job_ask(rq, rp, &backup_kind, "{}"); /* what it says is in rp */
}

static bool read_asked(struct str asked, uint64_t *number, char *from, size_t cap)
{
	struct json_doc d;
	struct err e = ERR_INIT;
	int64_t n = 0;
	if (json_parse(asked, 64, &d, &e) != 0)
		return false;
	bool good = json_text(json_get(&d, d.nodes, "from"), from, cap) &&
		    json_int(json_get(&d, d.nodes, "ticket"), &n) && n > 0;
	json_doc_fini(&d);
	*number = (uint64_t)n;
	return good;
}

static int run_rehearse(struct job_work *w, struct err *e)
{
	struct rescue *r = rescue_of(w->app);
	struct watch watch = { .tell = tell_job, .arg = w, .stop = w->stop };
	struct ticket t = { 0 };
	struct rehearsal_row row = { 0 };
	struct json j;
	uint64_t number = 0;
	char from[80] = "";
	if (!read_asked(w->asked, &number, from, sizeof(from)) || !ticket_take(r, number, &t))
		return err_set(e, ERR_NOTFOUND, "rescue_ticket");
	int rc = rehearse(r, t.private_key, t.public_key, from, w->who.name, &watch, &row, e);
	explicit_bzero(&t, sizeof(t));
	night_wake(r);
	if (rc != 0)
		return say(e, rc);
	/* The job's JSON is an object's members: those of the rehearsal, without its braces. */
	struct buf b;
	buf_init(&b, 8192);
	json_init(&j, &b);
	put_rehearsal(&j, &row, w->lang);
	if (!buf_failed(&b))
		buf_put(&w->result, b.p + 1, b.n - 2);
	buf_fini(&b);
	return 0;
}

static const struct job_kind rehearse_kind = { .name = "rehearse",
					       .unit = "bytes",
					       .cancelable = true,
					       .at_once = 1,
					       .run = run_rehearse };

static bool from_is_fine(const char *from)
{
	if (strcmp(from, "local") == 0)
		return true;
	if (strncmp(from, "s3:", 3) != 0 || !from[3])
		return false;
	for (const char *c = from + 3; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.'))
			return false;
	return true;
}

/* Takes the phrase out of the body: as a key, which fits the one that backups are made for. */
static bool read_rehearse(struct request *rq, struct reply *rp, struct rescue *r,
			  struct ticket *t, char *from, size_t cap)
{
	struct err e = ERR_INIT;
	struct json_doc d;
	char phrase[256] = "";
	if (req_body(rq, &d, rp) != 0)
		return false;
	bool has = json_text(json_get(&d, d.nodes, "phrase"), phrase, sizeof(phrase));
	const struct json_node *n = json_get(&d, d.nodes, "from");
	bool good_from = !n ? str_copy(from, cap, STR("local")) :
			      json_text(n, from, cap) && from_is_fine(from);
	json_doc_fini(&d);
	int rc = has ? phrase_keys(str_of(phrase), t->private_key, t->public_key, &e) :
		       -ERR_INVALID;
	explicit_bzero(phrase, sizeof(phrase));
	(void)r;
	if (!good_from)
		unacceptable(rq, rp, "/from", "one_of", "local, s3:NAME");
	else if (rc == -ERR_INVALID)
		unacceptable(rq, rp, "/phrase", "phrase", api_words(rq->lang, "field.phrase"));
	else if (rc != 0)
		reply_failed(rq, rp, &e);
	return good_from && rc == 0;
}

static void rehearse_post(struct request *rq, struct reply *rp)
{
	struct rescue *r = rescue_of(rq->app);
	struct err e = ERR_INIT;
	struct ticket t = { 0 };
	char from[80] = "", asked[160], after[128];
	if (!read_rehearse(rq, rp, r, &t, from, sizeof(from))) {
		explicit_bzero(&t, sizeof(t));
		return;
	}
	uint64_t number = ticket_put(r, &t);
	explicit_bzero(&t, sizeof(t));
	if (number == 0) {
		rp->retry_after_s = 60;
		reply_problem(rq, rp, 429, "too_many_jobs", "%s",
			      api_words(rq->lang, "detail.too_many_jobs"));
		return;
	}
	(void)snprintf(asked, sizeof(asked), "{\"from\":\"%s\",\"ticket\":%llu}", from,
		       (unsigned long long)number);
	(void)snprintf(after, sizeof(after), "{\"from\":\"%s\"}", from);
	int rc = api_audit(rq, "rescue.rehearse", "backup", NULL, after, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else
		rc = api_job_ask(rq, rp, &rehearse_kind, asked);
	if (rc != 0 && ticket_take(r, number, &t)) /* nobody will come for it */
		explicit_bzero(&t, sizeof(t));
}

int routes_kinds(struct app *a, struct err *e)
{
	int rc = api_job_kind(a, &backup_kind, e);
	return rc == 0 ? api_job_kind(a, &rehearse_kind, e) : rc;
}

#define TEXT "{\"type\":\"string\"}"
#define TEXT_OR_NONE "{\"type\":[\"string\",\"null\"]}"
#define NUMBER "{\"type\":\"integer\"}"
#define FLAG "{\"type\":\"boolean\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NONE "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define BACKUP(type)                                                                     \
	"{\"type\":" type ",\"properties\":{\"at\":" TIME ",\"took_s\":" NUMBER          \
	",\"asked_by\":" TEXT_OR_NONE ",\"bytes\":" NUMBER ",\"database_bytes\":" NUMBER \
	",\"rows\":" NUMBER ",\"oldest_day\":" TEXT_OR_NONE ",\"local\":" FLAG           \
	",\"key\":" TEXT ",\"key_id\":" TEXT                                             \
	",\"left_out\":{\"type\":\"array\",\"items\":" TEXT                              \
	"},\"places\":{\"type\":\"object\",\"additionalProperties\":" TEXT "}}}"

static const char rescue_schema[] =
	"{\"type\":\"object\",\"required\":[\"phrase\",\"last\",\"backups\",\"rehearsal\",\"next_at\"],"
	"\"properties\":{\"phrase\":{\"type\":[\"object\",\"null\"],\"properties\":{\"made_at\":" TIME
	",\"made_by\":" TEXT ",\"key_id\":" TEXT
	"}},\"last\":" BACKUP("[\"object\",\"null\"]") ",\"backups\":{\"type\":\"array\",\"items\":" BACKUP(
		"\"object\"") "},"
			      "\"rehearsal\":{\"type\":[\"object\",\"null\"],\"properties\":{\"at\":" TIME
			      ",\"good\":" FLAG ",\"words\":" TEXT_OR_NONE ",\"took_s\":" NUMBER
			      ",\"from\":" TEXT ",\"by\":" TEXT ",\"backup_at\":" TIME_OR_NONE
			      ",\"rows\":" NUMBER ",\"tables\":" NUMBER
			      "}},\"rehearsed_good_at\":" TIME_OR_NONE
			      ",\"failed\":{\"type\":[\"object\",\"null\"],\"properties\":{\"at\":" TIME
			      ",\"words\":" TEXT "}},\"next_at\":" TIME_OR_NONE "}}";
static const char phrase_schema[] =
	"{\"type\":\"object\",\"required\":[\"phrase\",\"key_id\",\"made_at\"],\"properties\":{\"phrase\":" TEXT
	",\"key_id\":" TEXT ",\"made_at\":" TIME "}}";
static const char phrase_accepts[] =
	"{\"type\":\"object\",\"properties\":{\"replace\":{\"type\":\"boolean\"}}}";
static const char rehearse_accepts[] =
	"{\"type\":\"object\",\"required\":[\"phrase\"],\"properties\":{\"phrase\":{\"type\":\"string\",\"maxLength\":255},"
	"\"from\":{\"type\":\"string\",\"maxLength\":70}}}";

const struct route rescue_routes[] = {
	{ .method = "GET",
	  .path = "/api/v1/rescue",
	  .may = MAY_LOOK,
	  .handle = rescue_get,
	  .item = "rescue",
	  .answer = rescue_schema,
	  .doc = "The appliance's own backups: the phrase's number, the last ones and where they are, the last rehearsal." },
	{ .method = "POST",
	  .path = "/api/v1/rescue/phrase",
	  .may = MAY_ADMIN,
	  .handle = phrase_post,
	  .item = "rescue_phrase",
	  .answer = phrase_schema,
	  .accepts = phrase_accepts,
	  .doc = "Makes the recovery phrase, shown in this answer and never again; with replace a new one for backups from now on." },
	{ .method = "POST",
	  .path = "/api/v1/rescue/backup",
	  .may = MAY_WORK,
	  .handle = backup_post,
	  .item = "job",
	  .flags = ROUTE_LATER,
	  .doc = "Makes a backup now." },
	{ .method = "POST",
	  .path = "/api/v1/rescue/rehearse",
	  .may = MAY_ADMIN,
	  .handle = rehearse_post,
	  .item = "job",
	  .flags = ROUTE_LATER,
	  .accepts = rehearse_accepts,
	  .doc = "Restores the newest backup of this machine or of a place (s3:NAME) into a scratch folder, checks it and removes it again." },
	ROUTE_END,
};
