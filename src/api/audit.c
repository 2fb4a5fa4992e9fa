/* Who did what: one row an action, each bound to the row before by a hash, so that a row that was
 * changed, taken out or put in between shows. Written on the store's thread, in one transaction with
 * the look at the row before. Ids have no gaps.
 *
 * hash = SHA-256( hash of the row before (32 zero bytes for the first) || text ), and text is the fields
 *   id, at_ns, user, role, session, by_token (0/1), origin, action, object, before, after
 * in this order, numbers in decimal, each as its length in bytes, ':', its bytes, ','. */
#include <stdio.h>
#include <stdlib.h>

#include "audit_sql.h"
#include "room.h"
#include "tomsd/audit_row.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/log.h"
#include "tomsd/base/num.h"

#define LIMIT_DEFAULT 50

struct entry {
	int64_t id, at_ns, session;
	bool by_token;
	struct str user, role, origin, action, object, before, after;
	uint8_t hash[32];
};

static void put_text(struct buf *b, struct str s)
{
	buf_u64(b, s.n);
	buf_char(b, ':');
	buf_str(b, s);
	buf_char(b, ',');
}

static void put_number(struct buf *b, int64_t v)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%lld", (long long)v);
	put_text(b, str_of(text));
}

static int hash_row(struct entry *r, const uint8_t before[32])
{
	struct buf b;
	buf_init(&b, 256u << 10);
	buf_put(&b, before, 32);
	put_number(&b, r->id);
	put_number(&b, r->at_ns);
	put_text(&b, r->user);
	put_text(&b, r->role);
	put_number(&b, r->session);
	put_number(&b, r->by_token);
	put_text(&b, r->origin);
	put_text(&b, r->action);
	put_text(&b, r->object);
	put_text(&b, r->before);
	put_text(&b, r->after);
	bool good = !buf_failed(&b);
	if (good)
		hash_sha256(b.p, b.n, r->hash);
	buf_fini(&b);
	return good ? 0 : -ERR_NOMEM;
}

/* Id and hash of the newest row. */
static int read_last(struct sql *db, int64_t *id, uint8_t hash[32], struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, audit_sql_last, &s, e);
	if (rc != 0)
		return rc;
	*id = 0;
	memset(hash, 0, 32);
	rc = stmt_step(s, e);
	if (rc == 1) {
		struct str h = stmt_col_blob(s, 1);
		*id = stmt_col_i64(s, 0);
		if (h.n == 32)
			memcpy(hash, h.p, 32);
		rc = h.n == 32 ? 0 :
				 err_set(e, ERR_CORRUPT, "audit row %lld has no hash",
					 (long long)*id);
	}
	stmt_done(s);
	return rc;
}

static int add_row(struct sql *db, const struct entry *r, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, audit_sql_insert, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, r->id);
	stmt_i64(s, 2, r->at_ns);
	stmt_text(s, 3, r->user);
	stmt_text(s, 4, r->role);
	stmt_i64(s, 5, r->session);
	stmt_i64(s, 6, r->by_token);
	stmt_text(s, 7, r->origin);
	stmt_text(s, 8, r->action);
	stmt_text(s, 9, r->object);
	stmt_text(s, 10, r->before);
	stmt_text(s, 11, r->after);
	stmt_blob(s, 12, r->hash, sizeof(r->hash));
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int insert(struct sql *db, void *arg, struct err *e)
{
	struct entry *r = arg;
	uint8_t before[32];
	int rc = read_last(db, &r->id, before, e);
	if (rc != 0)
		return rc;
	r->id++;
	if (hash_row(r, before) != 0)
		return err_set(e, ERR_NOMEM, "no memory for an audit row");
	return add_row(db, r, e);
}

int api_audit_take(struct sql *db, const struct audit_row *r, struct err *e)
{
	struct entry n = {
		.at_ns = r->at_ns,
		.session = r->session,
		.by_token = r->by_token != 0,
		.user = str_of(r->user),
		.role = str_of(r->role),
		.origin = str_of(r->origin),
		.action = str_of(r->action),
		.object = str_of(r->object),
		.before = str_of(r->before),
		.after = str_of(r->after),
	};
	uint8_t before[32];
	char hex[65];
	int rc = read_last(db, &n.id, before, e);
	if (rc != 0 || r->id <= n.id)
		return rc;
	if (r->id != ++n.id)
		return err_set(e, ERR_CORRUPT, "audit row %lld is missing before %lld",
			       (long long)n.id, (long long)r->id);
	if (hash_row(&n, before) != 0)
		return err_set(e, ERR_NOMEM, "no memory for an audit row");
	hash_hex(n.hash, sizeof(n.hash), hex);
	if (strcmp(hex, r->hash) != 0)
		return err_set(e, ERR_CORRUPT, "audit row %lld is not bound to the one before it",
			       (long long)r->id);
	return add_row(db, &n, e);
}

/* What a row of the archive has no room for is refused, and with it what was to be done: nothing is ever cut. */
static int check_room(const struct entry *r, struct err *e)
{
	static const struct audit_row *const room;
	const struct {
		const char *name;
		struct str text;
		size_t room;
	} texts[] = {
		{ "user", r->user, sizeof(room->user) },       { "role", r->role, sizeof(room->role) },
		{ "origin", r->origin, sizeof(room->origin) }, { "action", r->action, sizeof(room->action) },
		{ "object", r->object, sizeof(room->object) }, { "before", r->before, sizeof(room->before) },
		{ "after", r->after, sizeof(room->after) },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].text.n >= texts[i].room)
			return err_set(e, ERR_RANGE, "%s is longer than the %zu bytes of an audit row",
				       texts[i].name, texts[i].room - 1);
	return 0;
}

int api_audit(struct request *rq, const char *action, const char *object,
	      const char *before_json, const char *after_json, struct err *e)
{
	struct entry r = {
		.at_ns = clock_now_ns(),
		.session = rq->who.session_id,
		.by_token = rq->who.by_token,
		.user = str_of(rq->who.name),
		.role = str_of(role_names[rq->who.role]),
		.origin = str_of(rq->who.from),
		.action = str_of(action),
		.object = str_of(object ? object : ""),
		.before = str_of(before_json ? before_json : ""),
		.after = str_of(after_json ? after_json : ""),
	};
	if (!app_store(rq->app))
		return err_set(e, ERR_CLOSED, "no store to keep the audit row in");
	int rc = check_room(&r, e);
	if (rc == 0)
		rc = store_write(app_store(rq->app), insert, &r, e);
	if (rc != 0)
		(void)err_wrap(e, "writing the audit row %s", action);
	return rc;
}

int api_audit_last(struct sql *db, int64_t *id, struct err *e)
{
	uint8_t hash[32];
	return read_last(db, id, hash, e);
}

/* One row; columns as audit_sql_list has them. */
static int read_row(struct stmt *s, struct audit_row *r, struct err *e)
{
	struct str hash = stmt_col_blob(s, 11);
	memset(r, 0, sizeof(*r));
	r->id = stmt_col_i64(s, 0);
	r->at_ns = stmt_col_i64(s, 1);
	r->session = stmt_col_i64(s, 4);
	r->by_token = stmt_col_i64(s, 5) != 0;
	bool whole = hash.n == 32 && str_copy(r->user, sizeof(r->user), stmt_col_text(s, 2)) &&
		     str_copy(r->role, sizeof(r->role), stmt_col_text(s, 3)) &&
		     str_copy(r->origin, sizeof(r->origin), stmt_col_text(s, 6)) &&
		     str_copy(r->action, sizeof(r->action), stmt_col_text(s, 7)) &&
		     str_copy(r->object, sizeof(r->object), stmt_col_text(s, 8)) &&
		     str_copy(r->before, sizeof(r->before), stmt_col_text(s, 9)) &&
		     str_copy(r->after, sizeof(r->after), stmt_col_text(s, 10));
	if (!whole)
		return err_set(e, ERR_CORRUPT, "audit row %lld was changed: it is longer than one can be",
			       (long long)r->id);
	hash_hex(hash.p, hash.n, r->hash);
	return 0;
}

int api_audit_rows(struct sql *db, int64_t after, int64_t up_to,
		   int (*row)(void *arg, const struct audit_row *r), void *arg, struct err *e)
{
	struct audit_row *r = malloc(sizeof(*r));
	struct stmt *s = NULL;
	if (!r)
		return err_set(e, ERR_NOMEM, "no memory for audit rows");
	int rc = sql_prepare(db, audit_sql_span, &s, e);
	if (rc == 0) {
		stmt_i64(s, 1, after);
		stmt_i64(s, 2, up_to);
	}
	while (rc == 0 && (rc = stmt_step(s, e)) == 1) {
		rc = read_row(s, r, e);
		if (rc == 0)
			rc = row(arg, r);
	}
	stmt_done(s);
	free(r);
	return rc;
}

const struct param audit_params[] = {
	{ "since", PARAM_TIME, 0, 0, NULL, "from this time on" },
	{ "until", PARAM_TIME, 0, 0, NULL, "up to this time, not included" },
	{ "action", PARAM_TEXT, 0, 64, NULL, "one kind of action, as session.sign_in" },
	{ "user", PARAM_TEXT, 0, 64, NULL, "one person" },
	{ "host", PARAM_TEXT, 0, 64, NULL,
	  "where from: an address, local, or the beginning of one up to a dot or colon" },
	{ "text", PARAM_TEXT, 0, 255, NULL,
	  "anywhere in action, object, user, before and after; case does not matter" },
	{ "limit", PARAM_INT, 1, 1000, NULL, "rows; 50 when absent" },
	{ "cursor", PARAM_TEXT, 0, 24, NULL, "next of the page before" },
	PARAM_END,
};

static bool ends_failed(struct str action)
{
	return str_ends(action, STR("_failed")) || str_ends(action, STR(".failed"));
}

static void put_json_text(struct json *j, const char *name, struct str text)
{
	json_key(j, name);
	if (text.n > 0)
		json_raw(j, text);
	else
		json_null(j);
}

/* One row as an ECS object; columns as audit_sql_list has them. */
static void put_row(struct json *j, struct stmt *s)
{
	char text[72];
	struct str action = stmt_col_text(s, 7), hash = stmt_col_blob(s, 11),
		   origin = stmt_col_text(s, 6);
	(void)snprintf(text, sizeof(text), "%lld", (long long)stmt_col_i64(s, 0));
	json_obj(j);
	json_kv_str(j, "id", text);
	json_kv_time(j, "@timestamp", stmt_col_i64(s, 1));
	json_key(j, "event");
	json_obj(j);
	json_key(j, "action");
	json_str(j, action);
	json_kv_str(j, "outcome", ends_failed(action) ? "failure" : "success");
	json_end_obj(j);
	json_key(j, "user");
	json_obj(j);
	json_key(j, "name");
	json_str(j, stmt_col_text(s, 2));
	json_key(j, "roles");
	json_arr(j);
	json_str(j, stmt_col_text(s, 3));
	json_end_arr(j);
	json_end_obj(j);
	if (!str_eq(origin, STR("local"))) {
		json_key(j, "source");
		json_obj(j);
		json_key(j, "ip");
		json_str(j, origin);
		json_end_obj(j);
	}
	json_key(j, "toms");
	json_obj(j);
	json_key(j, "audit");
	json_obj(j);
	json_key(j, "object");
	json_str(j, stmt_col_text(s, 8));
	put_json_text(j, "before", stmt_col_text(s, 9));
	put_json_text(j, "after", stmt_col_text(s, 10));
	(void)snprintf(text, sizeof(text), "%lld", (long long)stmt_col_i64(s, 4));
	json_kv_str(j, "session", stmt_col_i64(s, 4) ? text : NULL);
	json_kv_bool(j, "token", stmt_col_i64(s, 5) != 0);
	if (hash.n == 32)
		hash_hex(hash.p, 32, text);
	json_kv_str(j, "hash", hash.n == 32 ? text : NULL);
	json_end_obj(j);
	json_end_obj(j);
	json_end_obj(j);
}

static void bind_optional(struct stmt *s, int at, const struct param_value *v)
{
	if (v)
		stmt_text(s, at, v->text);
	else
		stmt_null(s, at);
}

/* Up to limit rows into j; *next is the cursor of the following page, 0 when there is none. */
static int put_rows(struct request *rq, struct sql *db, int64_t before, int64_t limit,
		    struct json *j, int64_t *next, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, audit_sql_list, &s, e);
	if (rc != 0)
		return rc;
	stmt_i64(s, 1, before);
	stmt_i64(s, 2, req_int(rq, "since", 0));
	stmt_i64(s, 3, req_int(rq, "until", INT64_MAX));
	bind_optional(s, 4, req_param(rq, "action"));
	bind_optional(s, 5, req_param(rq, "user"));
	stmt_i64(s, 6, limit + 1);
	bind_optional(s, 7, req_param(rq, "host"));
	bind_optional(s, 8, req_param(rq, "text"));
	int64_t last = 0;
	for (int64_t n = 0; (rc = stmt_step(s, e)) == 1; n++) {
		if (n == limit) { /* one more than shown: there is a next page */
			*next = last;
			rc = 0;
			break;
		}
		last = stmt_col_i64(s, 0);
		put_row(j, s);
	}
	stmt_done(s);
	return rc;
}

void audit_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct sql *db;
	const struct param_value *cursor = req_param(rq, "cursor");
	int64_t before = INT64_MAX, next = 0;
	if (cursor && num_i64(cursor->text, 1, INT64_MAX, &before) != 0) {
		reply_problem(rq, rp, 400, "invalid_query", "%s",
			      api_words(rq->lang, "detail.invalid_query"));
		return;
	}
	if (store_read_begin(app_store(rq->app), rq->deadline_mono_ns, &db, &e) != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	int rc = put_rows(rq, db, before, req_int(rq, "limit", LIMIT_DEFAULT), j, &next, &e);
	store_read_end(app_store(rq->app), db);
	if (rc < 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	json_end_arr(j);
	char text[24];
	(void)snprintf(text, sizeof(text), "%lld", (long long)next);
	json_kv_str(j, "next", next ? text : NULL);
	json_kv_time(j, "as_of", clock_now_ns());
	json_end_obj(j);
}

const char audit_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\",\"next\",\"as_of\"],\"properties\":{"
	"\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"@timestamp\",\"event\",\"user\",\"toms\"],"
	"\"properties\":{\"id\":{\"type\":\"string\"},\"@timestamp\":{\"type\":\"string\",\"format\":\"date-time\"},"
	"\"event\":{\"type\":\"object\",\"properties\":{\"action\":{\"type\":\"string\"},\"outcome\":{\"enum\":[\"success\",\"failure\"]}}},"
	"\"user\":{\"type\":\"object\"},\"source\":{\"type\":\"object\"},\"toms\":{\"type\":\"object\"}}}},"
	"\"next\":{\"type\":[\"string\",\"null\"]},\"as_of\":{\"type\":\"string\",\"format\":\"date-time\"}}}";
