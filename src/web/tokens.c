/* The table tokens and the routes over it. Any thread under the lock; the store is asked outside of it. */
#include "tokens.h"

#include <stdio.h>
#include <stdlib.h>

#include "panel_sql.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"
#include "web.h"

#define TOKENS_MAX 64
#define NETWORKS_MAX 8
#define TOKEN_BYTES 32
#define TOKEN_TEXT_MAX 64 /* "toms_", 43 characters, NUL */
#define PREFIX "toms_"
#define DAYS_MAX 365
#define DAY_NS (86400 * NS_PER_S)

struct token {
	int64_t id, created_ns, expires_ns, used_ns;
	enum role role;
	char name[64], networks[512], used_from[64];
	uint8_t hash[32];
	struct cidr allowed[NETWORKS_MAX];
	size_t n_allowed;
	bool changed;
};
struct tokens {
	struct mutex m;
	struct token t[TOKENS_MAX]; /* lock: m */
	size_t n;                   /* lock: m */
};

struct tokens *tokens_new(void)
{
	struct tokens *ts = calloc(1, sizeof(*ts));
	if (ts)
		mutex_init(&ts->m);
	return ts;
}

void tokens_free(struct tokens *ts)
{
	if (!ts)
		return;
	mutex_fini(&ts->m);
	free(ts);
}

static bool take_networks(struct token *t)
{
	struct str left = str_of(t->networks), part;
	t->n_allowed = 0;
	while (str_split(&left, ' ', &part)) {
		if (part.n == 0)
			continue;
		if (t->n_allowed == NETWORKS_MAX ||
		    cidr_parse(part, &t->allowed[t->n_allowed]) != 0)
			return false;
		t->n_allowed++;
	}
	return true;
}

static enum role role_named(struct str name)
{
	for (enum role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
		if (str_eq(name, str_of(role_names[r])))
			return r;
	return ROLE_NONE;
}

/* Enters a token; in a full table in place of one that is over, which stays in the store. */
static bool add(struct tokens *ts, const struct token *t)
{
	struct token *at = NULL;
	int64_t now = clock_now_ns();
	mutex_lock(&ts->m);
	if (ts->n < TOKENS_MAX)
		at = &ts->t[ts->n++];
	for (size_t i = 0; i < ts->n && !at; i++)
		if (now >= ts->t[i].expires_ns)
			at = &ts->t[i];
	if (at)
		*at = *t;
	mutex_unlock(&ts->m);
	return at != NULL;
}

/* Columns as panel_sql_tokens has them. */
static void take_row(struct tokens *ts, struct stmt *s)
{
	struct token t = { .id = stmt_col_i64(s, 0),
			   .created_ns = stmt_col_i64(s, 4),
			   .expires_ns = stmt_col_i64(s, 5),
			   .used_ns = stmt_col_i64(s, 7),
			   .role = role_named(stmt_col_text(s, 2)) };
	struct str hash = stmt_col_blob(s, 3);
	(void)str_copy(t.name, sizeof(t.name), stmt_col_text(s, 1));
	(void)str_copy(t.networks, sizeof(t.networks), stmt_col_text(s, 6));
	(void)str_copy(t.used_from, sizeof(t.used_from), stmt_col_text(s, 8));
	if (hash.n != sizeof(t.hash) || t.role == ROLE_NONE || !take_networks(&t))
		return; /* no row of ours; such a token opens nothing */
	memcpy(t.hash, hash.p, sizeof(t.hash));
	(void)add(ts, &t); /* one too many is one that does not work */
}

int tokens_load(struct tokens *ts, struct store *store, struct err *e)
{
	struct sql *db;
	struct stmt *s;
	int rc = store_read_begin(store, clock_mono_ns() + 10 * NS_PER_S, &db, e);
	if (rc != 0)
		return rc;
	rc = sql_prepare(db, panel_sql_tokens, &s, e);
	if (rc == 0) {
		while ((rc = stmt_step(s, e)) == 1)
			take_row(ts, s);
		stmt_done(s);
	}
	store_read_end(store, db);
	return rc;
}

static bool is_allowed(const struct token *t, const char *from)
{
	struct addr a;
	if (t->n_allowed == 0)
		return true;
	if (addr_parse(str_of(from), &a) != 0)
		return false;
	for (size_t i = 0; i < t->n_allowed; i++)
		if (cidr_has(&t->allowed[i], &a))
			return true;
	return false;
}

bool tokens_find(struct tokens *ts, struct str text, const char *from, struct principal *who,
		 int64_t *id)
{
	uint8_t hash[32];
	int64_t now = clock_now_ns();
	bool found = false;
	if (text.n >= TOKEN_TEXT_MAX || !str_starts(text, STR(PREFIX)))
		return false;
	hash_sha256(text.p, text.n, hash);
	mutex_lock(&ts->m);
	for (size_t i = 0; i < ts->n && !found; i++) {
		struct token *t = &ts->t[i];
		if (memcmp(t->hash, hash, sizeof(hash)) != 0 || now >= t->expires_ns ||
		    !is_allowed(t, from))
			continue;
		t->used_ns = now;
		(void)str_copy(t->used_from, sizeof(t->used_from), str_of(from));
		t->changed = true;
		who->role = t->role;
		who->by_token = true;
		(void)snprintf(who->name, sizeof(who->name), "token:%.50s", t->name);
		*id = t->id;
		found = true;
	}
	mutex_unlock(&ts->m);
	return found;
}

bool tokens_last(struct tokens *ts, int64_t id)
{
	int64_t now = clock_now_ns();
	bool lasts = false;
	mutex_lock(&ts->m);
	for (size_t i = 0; i < ts->n && !lasts; i++)
		lasts = ts->t[i].id == id && now < ts->t[i].expires_ns;
	mutex_unlock(&ts->m);
	return lasts;
}

static int insert(struct sql *db, void *arg, struct err *e)
{
	struct token *t = arg;
	struct stmt *s;
	int rc = sql_prepare(db, panel_sql_token_insert, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(t->name));
	stmt_text(s, 2, str_of(role_names[t->role]));
	stmt_blob(s, 3, t->hash, sizeof(t->hash));
	stmt_i64(s, 4, t->created_ns);
	stmt_i64(s, 5, t->expires_ns);
	stmt_text(s, 6, str_of(t->networks));
	rc = stmt_step(s, e);
	if (rc == 1)
		t->id = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int delete (struct sql *db, void *arg, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, panel_sql_token_delete, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, *(int64_t *)arg);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

struct used {
	size_t n;
	struct {
		int64_t id, used_ns;
		char from[64];
	} t[TOKENS_MAX];
};

static int write_used(struct sql *db, void *arg, struct err *e)
{
	struct used *u = arg;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < u->n; i++) {
		struct stmt *s;
		rc = sql_prepare(db, panel_sql_token_used, &s, e);
		if (rc != 0)
			return rc;
		stmt_i64(s, 1, u->t[i].id);
		stmt_i64(s, 2, u->t[i].used_ns);
		stmt_text(s, 3, str_of(u->t[i].from));
		rc = stmt_step(s, e);
		stmt_done(s);
	}
	return rc;
}

int tokens_tidy(struct tokens *ts, struct store *store, struct err *e)
{
	struct used u = { 0 };
	mutex_lock(&ts->m);
	for (size_t i = 0; i < ts->n; i++) {
		struct token *t = &ts->t[i];
		if (!t->changed)
			continue;
		u.t[u.n].id = t->id;
		u.t[u.n].used_ns = t->used_ns;
		memcpy(u.t[u.n++].from, t->used_from, sizeof(t->used_from));
		t->changed = false;
	}
	mutex_unlock(&ts->m);
	return u.n > 0 ? store_write(store, write_used, &u, e) : 0;
}

static void put_token(struct json *j, const struct token *t)
{
	char id[24];
	(void)snprintf(id, sizeof(id), "%lld", (long long)t->id);
	json_obj(j);
	json_kv_str(j, "id", id);
	json_kv_str(j, "name", t->name);
	json_kv_str(j, "role", role_names[t->role]);
	json_kv_time(j, "created", t->created_ns);
	json_kv_time(j, "expires", t->expires_ns);
	json_key(j, "networks");
	json_arr(j);
	struct str left = str_of(t->networks), part;
	while (str_split(&left, ' ', &part))
		if (part.n > 0)
			json_str(j, part);
	json_end_arr(j);
	json_key(j, "last_use");
	if (t->used_ns > 0) {
		json_obj(j);
		json_kv_time(j, "at", t->used_ns);
		json_kv_str(j, "from", t->used_from);
		json_end_obj(j);
	} else {
		json_null(j);
	}
	json_end_obj(j);
}

void tokens_get(struct request *rq, struct reply *rp)
{
	struct tokens *ts = web_of(rq->app)->tokens;
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	mutex_lock(&ts->m);
	for (size_t i = 0; i < ts->n; i++)
		put_token(j, &ts->t[i]);
	mutex_unlock(&ts->m);
	json_end_arr(j);
	json_end_obj(j);
}

static void blame(struct request *rq, struct reply *rp, const char *pointer, const char *code,
		  const char *one, const char *two)
{
	char key[32], words[256];
	(void)snprintf(key, sizeof(key), "field.%s", code);
	reply_field(rp, "pointer", pointer, code,
		    api_text(words, sizeof(words), rq->lang, key, one, two));
}

/* name, role, days and networks of the body; false when some are wrong (then said in rp). */
static bool take_body(struct request *rq, struct reply *rp, const struct json_doc *doc,
		      struct token *t)
{
	char role[32];
	int64_t days;
	bool good = true;
	if (!json_text(json_get(doc, doc->nodes, "name"), t->name, sizeof(t->name)) ||
	    !t->name[0]) {
		blame(rq, rp, "/name", "missing", NULL, NULL);
		good = false;
	}
	if (json_text(json_get(doc, doc->nodes, "role"), role, sizeof(role)))
		t->role = role_named(str_of(role));
	if (t->role == ROLE_NONE) {
		blame(rq, rp, "/role", "one_of", "viewer, auditor, operator, admin", NULL);
		good = false;
	}
	if (!json_int(json_get(doc, doc->nodes, "days"), &days) || days < 1 ||
	    days > DAYS_MAX) {
		blame(rq, rp, "/days", "range", "1", "365");
		good = false;
	} else {
		t->expires_ns = t->created_ns + days * DAY_NS;
	}
	const struct json_node *networks = json_get(doc, doc->nodes, "networks");
	if (networks &&
	    (!json_text(networks, t->networks, sizeof(t->networks)) || !take_networks(t))) {
		blame(rq, rp, "/networks", "networks", NULL, NULL);
		good = false;
	}
	if (!good)
		reply_problem(rq, rp, 422, "unacceptable", "%s",
			      api_words(rq->lang, "detail.password_rules"));
	return good;
}

static void make_text(struct token *t, char text[TOKEN_TEXT_MAX])
{
	uint8_t random[TOKEN_BYTES];
	char encoded[TOKEN_TEXT_MAX];
	file_random(random, sizeof(random));
	hash_base64url(random, sizeof(random), encoded);
	(void)snprintf(text, TOKEN_TEXT_MAX, PREFIX "%.43s", encoded);
	hash_sha256(text, strlen(text), t->hash);
	explicit_bzero(random, sizeof(random));
	explicit_bzero(encoded, sizeof(encoded));
}

void tokens_post(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct json_doc doc;
	struct token t = { .created_ns = clock_now_ns() };
	struct tokens *ts = web_of(rq->app)->tokens;
	char text[TOKEN_TEXT_MAX], after[128], until[CLOCK_RFC3339_MAX];
	if (req_body(rq, &doc, rp) != 0)
		return;
	bool good = take_body(rq, rp, &doc, &t);
	json_doc_fini(&doc);
	if (!good)
		return;
	make_text(&t, text);
	clock_rfc3339(t.expires_ns, until);
	(void)snprintf(after, sizeof(after), "{\"role\":\"%s\",\"expires\":\"%s\"}",
		       role_names[t.role], until);
	int rc = api_audit(rq, "token.add", t.name, NULL, after, &e);
	if (rc == 0)
		rc = store_write(app_store(rq->app), insert, &t, &e);
	if (rc == 0 && !add(ts, &t)) {
		rc = err_set(&e, ERR_FULL, "there are %d tokens already", TOKENS_MAX);
		if (store_write(app_store(rq->app), delete, &t.id, &e) != 0)
			rc = -e.code;
	}
	if (rc != 0) {
		reply_failed(rq, rp, &e);
	} else {
		struct json *j = reply_json(rp, 201);
		json_obj(j);
		json_kv_str(j, "name", t.name);
		json_kv_str(j, "role", role_names[t.role]);
		json_kv_time(j, "expires", t.expires_ns);
		json_kv_str(j, "token", text);
		json_end_obj(j);
	}
	explicit_bzero(text, sizeof(text));
}

/* Takes the token out of memory; its name, for the audit row. */
static bool forget(struct tokens *ts, int64_t id, char name[64])
{
	bool found = false;
	mutex_lock(&ts->m);
	for (size_t i = 0; i < ts->n && !found; i++) {
		if (ts->t[i].id != id)
			continue;
		memcpy(name, ts->t[i].name, 64);
		ts->t[i] = ts->t[--ts->n];
		found = true;
	}
	mutex_unlock(&ts->m);
	return found;
}

void tokens_delete(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	int64_t id;
	char name[64];
	if (num_i64(rq->path_arg, 1, INT64_MAX, &id) != 0 ||
	    !forget(web_of(rq->app)->tokens, id, name)) {
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_token"));
		return;
	}
	int rc = store_write(app_store(rq->app), delete, &id, &e);
	if (rc == 0)
		rc = api_audit(rq, "token.revoke", name, NULL, NULL, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else
		rp->status = 204;
}

const char tokens_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"id\",\"name\",\"role\",\"created\",\"expires\",\"networks\",\"last_use\"],\"properties\":{"
	"\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},"
	"\"created\":{\"type\":\"string\",\"format\":\"date-time\"},\"expires\":{\"type\":\"string\",\"format\":\"date-time\"},"
	"\"networks\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"last_use\":{\"type\":[\"object\",\"null\"]}}}}}}";
const char tokens_accepts[] =
	"{\"type\":\"object\",\"required\":[\"name\",\"role\",\"days\"],\"properties\":{\"name\":{\"type\":\"string\"},"
	"\"role\":{\"enum\":[\"viewer\",\"auditor\",\"operator\",\"admin\"]},\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":365},"
	"\"networks\":{\"type\":\"string\"}}}";
