/* Searches that people have given a name: their own, and those that others share. Their owner changes and
 * deletes them; an administrator may also delete what others share. On the thread that carries the
 * request; writes on the store's thread. */
#include "searches.h"

#include <stdio.h>

#include "searches_sql.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"

#define OWN_MAX 200
#define NAME_MAX_CHARS 64

static const char *const pages[] = { "logs", "traffic", NULL };

struct search {
	int64_t id, created_ns, changed_ns;
	char owner[64], name[4 * NAME_MAX_CHARS + 1], page[16], q[2049];
	bool shared;
};

static void take_row(struct stmt *s, struct search *out)
{
	*out = (struct search){ .id = stmt_col_i64(s, 0),
				.shared = stmt_col_i64(s, 5) != 0,
				.created_ns = stmt_col_i64(s, 6),
				.changed_ns = stmt_col_i64(s, 7) };
	(void)str_copy(out->owner, sizeof(out->owner),
		       stmt_col_text(s, 1)); /* all of them fitted */
	(void)str_copy(out->name, sizeof(out->name), stmt_col_text(s, 2));
	(void)str_copy(out->page, sizeof(out->page), stmt_col_text(s, 3));
	(void)str_copy(out->q, sizeof(out->q), stmt_col_text(s, 4));
}

static void put_search(struct json *j, const struct request *rq, const struct search *s)
{
	char id[24];
	(void)snprintf(id, sizeof(id), "%lld", (long long)s->id);
	json_obj(j);
	json_kv_str(j, "id", id);
	json_kv_str(j, "name", s->name);
	json_kv_str(j, "page", s->page);
	json_kv_str(j, "q", s->q);
	json_kv_bool(j, "shared", s->shared);
	json_kv_str(j, "owner", s->owner);
	json_kv_bool(j, "own", strcmp(s->owner, rq->who.name) == 0);
	json_kv_time(j, "created", s->created_ns);
	json_kv_time(j, "changed", s->changed_ns);
	json_end_obj(j);
}

const struct param searches_params[] = {
	{ "page", PARAM_ENUM, 0, 0, pages, "those of one page; all when absent" },
	PARAM_END,
};

static int put_list(struct request *rq, struct sql *db, struct json *j, struct err *e)
{
	const struct param_value *page = req_param(rq, "page");
	struct search one;
	struct stmt *s;
	int rc = sql_prepare(db, searches_sql_list, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(rq->who.name));
	if (page)
		stmt_text(s, 2, page->text);
	else
		stmt_null(s, 2);
	while ((rc = stmt_step(s, e)) == 1) {
		take_row(s, &one);
		put_search(j, rq, &one);
	}
	stmt_done(s);
	return rc;
}

void searches_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct sql *db;
	if (store_read_begin(app_store(rq->app), rq->deadline_mono_ns, &db, &e) != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	int rc = put_list(rq, db, j, &e);
	store_read_end(app_store(rq->app), db);
	json_end_arr(j);
	json_end_obj(j);
	if (rc != 0)
		reply_failed(rq, rp, &e);
}

static void blame(struct request *rq, struct reply *rp, const char *pointer, const char *code,
		  const char *detail)
{
	reply_field(rp, "pointer", pointer, code, detail);
	reply_problem(rq, rp, 422, "unacceptable", "%s",
		      api_words(rq->lang, "detail.search_fields"));
}

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return str_utf8_valid(s);
}

static size_t characters(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool take_name(struct request *rq, struct reply *rp, const struct json_node *n,
		      struct search *s)
{
	char words[128];
	bool fits = json_text(n, s->name, sizeof(s->name));
	if (fits && characters(s->name) <= NAME_MAX_CHARS && is_plain(str_of(s->name)) &&
	    str_trim(str_of(s->name)).n == strlen(s->name) && s->name[0])
		return true;
	bool is_missing = !n || (fits && !s->name[0]);
	blame(rq, rp, "/name", is_missing ? "missing" : "invalid",
	      is_missing ? api_words(rq->lang, "field.missing") :
			   api_text(words, sizeof(words), rq->lang, "field.search_name", "64",
				    NULL));
	return false;
}

/* The words must be words: a search that cannot be asked is not kept. */
static bool take_words(struct request *rq, struct reply *rp, const struct json_node *n,
		       struct search *s)
{
	struct err e = ERR_INIT;
	struct query q = { .record = NULL };
	if (!json_text(n, s->q, sizeof(s->q)) || !is_plain(str_of(s->q))) {
		blame(rq, rp, "/q", "invalid", api_words(rq->lang, "field.invalid"));
		return false;
	}
	if (query_parse(&q, str_of(s->q), &e) == 0)
		return true;
	blame(rq, rp, "/q", "invalid", e.text);
	return false;
}

static bool take_page(struct request *rq, struct reply *rp, const struct json_node *n,
		      struct search *s)
{
	for (size_t i = 0; json_text(n, s->page, sizeof(s->page)) && pages[i]; i++)
		if (strcmp(pages[i], s->page) == 0)
			return true;
	char words[128];
	blame(rq, rp, "/page", "one_of",
	      api_text(words, sizeof(words), rq->lang, "field.one_of", "logs, traffic", NULL));
	return false;
}

/* What all see is work: an auditor changes nothing for others. */
static bool take_shared(struct request *rq, struct reply *rp, const struct json_node *n,
			struct search *s)
{
	s->shared = n && n->type == JSON_TRUE;
	if (!s->shared || ((unsigned)MAY_WORK & 1u << rq->who.role))
		return true;
	reply_problem(rq, rp, 403, "role_required", "%s",
		      api_words(rq->lang, "detail.share_searches"));
	return false;
}

/* 1 found, 0 not, <0. */
static int one_number(struct sql *db, const char *text, const struct search *s, int64_t *n,
		      struct err *e)
{
	struct stmt *st;
	int rc = sql_prepare(db, text, &st, e);
	if (rc != 0)
		return rc;
	stmt_text(st, 1, str_of(s->owner));
	if (text == searches_sql_taken) {
		stmt_text(st, 2, str_of(s->name));
		stmt_i64(st, 3, s->id);
	}
	rc = stmt_step(st, e);
	if (rc == 1)
		*n = stmt_col_i64(st, 0);
	stmt_done(st);
	return rc;
}

static int is_free(struct sql *db, const struct search *s, struct err *e)
{
	int64_t n = 0;
	int rc = one_number(db, searches_sql_taken, s, &n, e);
	return rc == 1 ? -ERR_EXISTS : rc;
}

static int insert(struct sql *db, void *arg, struct err *e)
{
	struct search *s = arg;
	struct stmt *st;
	int64_t n = 0;
	int rc = one_number(db, searches_sql_count, s, &n, e);
	if (rc == 1)
		rc = n >= OWN_MAX ? -ERR_FULL : is_free(db, s, e);
	if (rc == 0)
		rc = sql_prepare(db, searches_sql_insert, &st, e);
	if (rc != 0)
		return rc;
	stmt_text(st, 1, str_of(s->owner));
	stmt_text(st, 2, str_of(s->name));
	stmt_text(st, 3, str_of(s->page));
	stmt_text(st, 4, str_of(s->q));
	stmt_i64(st, 5, s->shared);
	stmt_i64(st, 6, s->created_ns);
	rc = stmt_step(st, e);
	if (rc == 1)
		s->id = stmt_col_i64(st, 0);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

static int update(struct sql *db, void *arg, struct err *e)
{
	struct search *s = arg;
	struct stmt *st;
	int rc = is_free(db, s, e);
	if (rc == 0)
		rc = sql_prepare(db, searches_sql_update, &st, e);
	if (rc != 0)
		return rc;
	stmt_i64(st, 1, s->id);
	stmt_text(st, 2, str_of(s->name));
	stmt_text(st, 3, str_of(s->q));
	stmt_i64(st, 4, s->shared);
	stmt_i64(st, 5, s->changed_ns);
	rc = stmt_step(st, e);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

static int erase(struct sql *db, void *arg, struct err *e)
{
	struct stmt *st;
	int rc = sql_prepare(db, searches_sql_delete, &st, e);
	if (rc != 0)
		return rc;
	stmt_i64(st, 1, *(const int64_t *)arg);
	rc = stmt_step(st, e);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

static void refuse(struct request *rq, struct reply *rp, int rc, const struct err *e)
{
	char words[160], most[8];
	(void)snprintf(most, sizeof(most), "%d", OWN_MAX);
	if (rc == -ERR_EXISTS && !e->code)
		reply_problem(rq, rp, 409, "exists", "%s",
			      api_words(rq->lang, "detail.search_exists"));
	else if (rc == -ERR_FULL && !e->code)
		reply_problem(rq, rp, 422, "too_many_searches", "%s",
			      api_text(words, sizeof(words), rq->lang,
				       "detail.too_many_searches", most, NULL));
	else
		reply_failed(rq, rp, e);
}

static void put_json(const struct request *rq, const struct search *s, struct buf *b)
{
	struct json j;
	json_init(&j, b);
	put_search(&j, rq, s);
}

/* The audit row, then the answer. */
static void done(struct request *rq, struct reply *rp, int status, const char *action,
		 const struct search *before, const struct search *after)
{
	struct err e = ERR_INIT;
	struct buf was, is;
	buf_init(&was, 32u << 10);
	buf_init(&is, 32u << 10);
	if (before)
		put_json(rq, before, &was);
	if (after)
		put_json(rq, after, &is);
	int rc = buf_failed(&was) || buf_failed(&is) ?
			 err_set(&e, ERR_NOMEM, "no memory for an audit row") :
			 api_audit(rq, action, (after ? after : before)->name,
				   before ? was.p : NULL, after ? is.p : NULL, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else if (after)
		put_search(reply_json(rp, status), rq, after);
	else
		rp->status = status;
	buf_fini(&was);
	buf_fini(&is);
}

void searches_post(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct json_doc d;
	struct search s = { .created_ns = clock_now_ns() };
	s.changed_ns = s.created_ns;
	(void)str_copy(s.owner, sizeof(s.owner), str_of(rq->who.name));
	if (req_body(rq, &d, rp) != 0)
		return;
	bool good = take_name(rq, rp, json_get(&d, d.nodes, "name"), &s) &&
		    take_page(rq, rp, json_get(&d, d.nodes, "page"), &s) &&
		    take_words(rq, rp, json_get(&d, d.nodes, "q"), &s) &&
		    take_shared(rq, rp, json_get(&d, d.nodes, "shared"), &s);
	json_doc_fini(&d);
	if (!good)
		return;
	int rc = store_write(app_store(rq->app), insert, &s, &e);
	if (rc != 0)
		refuse(rq, rp, rc, &e);
	else
		done(rq, rp, 201, "search.add", NULL, &s);
}

/* The search of {id} when the person may change it; else the problem is in rp. */
static bool find(struct request *rq, struct reply *rp, bool admin_may, struct search *out)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *s;
	int64_t id;
	int rc = num_i64(rq->path_arg, 1, INT64_MAX, &id) != 0 ? -ERR_NOTFOUND : 0;
	if (rc == 0)
		rc = store_read_begin(app_store(rq->app), rq->deadline_mono_ns, &db, &e);
	if (rc == 0) {
		rc = sql_prepare(db, searches_sql_get, &s, &e);
		if (rc == 0) {
			stmt_i64(s, 1, id);
			rc = stmt_step(s, &e);
			if (rc == 1)
				take_row(s, out);
			stmt_done(s);
			rc = rc == 1 ? 0 : rc == 0 ? -ERR_NOTFOUND : rc;
		}
		store_read_end(app_store(rq->app), db);
	}
	bool own = rc == 0 && strcmp(out->owner, rq->who.name) == 0;
	if (rc == 0 && !own && !out->shared)
		rc = -ERR_NOTFOUND; /* others' own searches are nobody's business */
	if (rc == -ERR_NOTFOUND)
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_search"));
	else if (rc != 0)
		reply_failed(rq, rp, &e);
	if (rc != 0 || own || (admin_may && rq->who.role == ROLE_ADMIN))
		return rc == 0;
	reply_problem(rq, rp, 403, "not_yours", "%s",
		      api_words(rq->lang, "detail.search_of_others"));
	return false;
}

void search_patch(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct json_doc d;
	struct search before, after;
	if (!find(rq, rp, false, &before) || req_body(rq, &d, rp) != 0)
		return;
	after = before;
	after.changed_ns = clock_now_ns();
	const struct json_node *name = json_get(&d, d.nodes, "name"),
			       *q = json_get(&d, d.nodes, "q"),
			       *shared = json_get(&d, d.nodes, "shared");
	bool good = (!name || take_name(rq, rp, name, &after)) &&
		    (!q || take_words(rq, rp, q, &after)) &&
		    (!shared || take_shared(rq, rp, shared, &after));
	json_doc_fini(&d);
	if (!good)
		return;
	int rc = store_write(app_store(rq->app), update, &after, &e);
	if (rc != 0)
		refuse(rq, rp, rc, &e);
	else
		done(rq, rp, 200, "search.change", &before, &after);
}

void search_delete(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct search s;
	if (!find(rq, rp, true, &s))
		return;
	if (store_write(app_store(rq->app), erase, &s.id, &e) != 0)
		reply_failed(rq, rp, &e);
	else
		done(rq, rp, 204, "search.delete", &s, NULL);
}

/* clang-format off */
const char search_schema[] =
	"{\"type\":\"object\",\"required\":[\"id\",\"name\",\"page\",\"q\",\"shared\",\"owner\",\"own\",\"created\",\"changed\"],"
	"\"properties\":{\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"page\":{\"enum\":[\"logs\",\"traffic\"]},"
	"\"q\":{\"type\":\"string\"},\"shared\":{\"type\":\"boolean\"},\"owner\":{\"type\":\"string\"},\"own\":{\"type\":\"boolean\"},"
	"\"created\":{\"type\":\"string\",\"format\":\"date-time\"},\"changed\":{\"type\":\"string\",\"format\":\"date-time\"}}}";
const char searches_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\","
	"\"items\":{\"$ref\":\"#/components/schemas/search\"}}}}";
const char search_accepts[] =
	"{\"type\":\"object\",\"required\":[\"name\",\"page\",\"q\"],\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":64},"
	"\"page\":{\"enum\":[\"logs\",\"traffic\"]},\"q\":{\"type\":\"string\",\"maxLength\":2048},\"shared\":{\"type\":\"boolean\"}}}";
const char search_change_accepts[] =
	"{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":64},"
	"\"q\":{\"type\":\"string\",\"maxLength\":2048},\"shared\":{\"type\":\"boolean\"}}}";
