/* Sessions: a fixed table in memory, written through to the store. Any thread under the lock; the
 * store is asked outside of it. */
#include "session.h"

#include <stdlib.h>

#include "panel_sql.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/log.h"
#include "tomsd/base/thread.h"

#define SESSIONS_MAX 512
#define TOKEN_BYTES 32

struct entry {
	bool used, changed; /* changed: seen_ns is newer than in the store */
	uint8_t hash[32];
	struct session s;
};
struct sessions {
	struct mutex m;
	struct entry entries[SESSIONS_MAX]; /* lock: m */
};

struct sessions *sessions_new(void)
{
	struct sessions *ss = calloc(1, sizeof(*ss));
	if (ss)
		mutex_init(&ss->m);
	return ss;
}

void sessions_free(struct sessions *ss)
{
	if (!ss)
		return;
	mutex_fini(&ss->m);
	explicit_bzero(ss->entries, sizeof(ss->entries)); /* CSRF tokens */
	free(ss);
}

static bool is_over(const struct session *s, int64_t now)
{
	return now - s->seen_ns > SESSION_IDLE_S * NS_PER_S ||
	       now - s->created_ns > SESSION_LIFE_S * NS_PER_S ||
	       now < s->created_ns -
			       300 * NS_PER_S; /* the clock went back: better sign in again */
}

/* A free entry; when all are taken, the one that nobody has used for longest. */
static struct entry *entry_take(struct sessions *ss) REQUIRES(&ss->m);
static struct entry *entry_take(struct sessions *ss)
{
	struct entry *oldest = &ss->entries[0];
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct entry *en = &ss->entries[i];
		if (!en->used)
			return en;
		if (en->s.seen_ns < oldest->s.seen_ns)
			oldest = en;
	}
	return oldest;
}

static void add(struct sessions *ss, const uint8_t hash[32], const struct session *s)
{
	mutex_lock(&ss->m);
	struct entry *en = entry_take(ss);
	*en = (struct entry){ .used = true, .s = *s };
	memcpy(en->hash, hash, sizeof(en->hash));
	mutex_unlock(&ss->m);
}

static enum role role_of(struct str name)
{
	for (enum role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
		if (str_eq(name, str_of(role_names[r])))
			return r;
	return ROLE_NONE;
}

static void take_row(struct sessions *ss, struct stmt *st)
{
	struct session s = {
		.id = stmt_col_i64(st, 0),
		.created_ns = stmt_col_i64(st, 2),
		.seen_ns = stmt_col_i64(st, 3),
		.last_login_ns = stmt_col_i64(st, 4),
		.failures_since = (uint32_t)stmt_col_i64(st, 6),
		.user.id = stmt_col_i64(st, 7),
		.user.role = role_of(stmt_col_text(st, 9)),
	};
	(void)str_copy(s.last_login_from, sizeof(s.last_login_from), stmt_col_text(st, 5));
	(void)str_copy(s.user.name, sizeof(s.user.name), stmt_col_text(st, 8));
	(void)str_copy(s.user.lang, sizeof(s.user.lang), stmt_col_text(st, 10));
	(void)str_copy(s.user.theme, sizeof(s.user.theme), stmt_col_text(st, 11));
	struct str hash = stmt_col_blob(st, 1);
	uint8_t bytes[32];
	if (hash.n != sizeof(bytes) || s.user.role == ROLE_NONE || is_over(&s, clock_now_ns()))
		return;
	memcpy(bytes, hash.p, sizeof(bytes));
	add(ss, bytes, &s);
}

int sessions_load(struct sessions *ss, struct store *store, struct err *e)
{
	struct sql *db;
	struct stmt *st;
	int rc = store_read_begin(store, clock_mono_ns() + 10 * NS_PER_S, &db, e);
	if (rc != 0)
		return rc;
	rc = sql_prepare(db, panel_sql_sessions, &st, e);
	if (rc == 0) {
		while ((rc = stmt_step(st, e)) == 1)
			take_row(ss, st);
		stmt_done(st);
	}
	store_read_end(store, db);
	return rc;
}

/* What the store keeps and what proves a page is ours: two hashes of the token, told apart by a word. */
static void hash_token(const uint8_t token[TOKEN_BYTES], uint8_t hash[32],
		       char csrf[SESSION_TOKEN_MAX])
{
	static const char word[] = "tomsd csrf";
	uint8_t text[sizeof(word) + TOKEN_BYTES], mac[32];
	hash_sha256(token, TOKEN_BYTES, hash);
	memcpy(text, word, sizeof(word));
	memcpy(text + sizeof(word), token, TOKEN_BYTES);
	hash_sha256(text, sizeof(text), mac);
	hash_base64url(mac, sizeof(mac), csrf);
	explicit_bzero(text, sizeof(text));
}

struct opening {
	struct session *s;
	const char *from;
	const uint8_t *hash;
};

/* Store's thread: the session, and that its user has signed in. */
static int insert(struct sql *db, void *arg, struct err *e)
{
	struct opening *o = arg;
	struct stmt *st;
	int rc = sql_prepare(db, panel_sql_session_insert, &st, e);
	if (rc != 0)
		return rc;
	stmt_i64(st, 1, o->s->user.id);
	stmt_blob(st, 2, o->hash, 32);
	stmt_i64(st, 3, o->s->created_ns);
	stmt_text(st, 4, str_of(o->from));
	stmt_i64(st, 5, o->s->last_login_ns);
	stmt_text(st, 6, str_of(o->s->last_login_from));
	stmt_i64(st, 7, o->s->failures_since);
	rc = stmt_step(st, e);
	if (rc == 1)
		o->s->id = stmt_col_i64(st, 0);
	stmt_done(st);
	if (rc < 0)
		return rc;
	rc = sql_prepare(db, panel_sql_user_signed_in, &st, e);
	if (rc != 0)
		return rc;
	stmt_i64(st, 1, o->s->user.id);
	stmt_i64(st, 2, o->s->created_ns);
	stmt_text(st, 3, str_of(o->from));
	rc = stmt_step(st, e);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

int session_open(struct sessions *ss, struct store *store, const char *from, struct session *s,
		 char token_text[SESSION_TOKEN_MAX], struct err *e)
{
	uint8_t token[TOKEN_BYTES], hash[32];
	struct opening o = { s, from, hash };
	file_random(token, sizeof(token));
	hash_token(token, hash, s->csrf);
	s->created_ns = s->seen_ns = clock_now_ns();
	int rc = store_write(store, insert, &o, e);
	if (rc == 0) {
		hash_base64url(token, sizeof(token), token_text);
		add(ss, hash, s);
	}
	explicit_bzero(token, sizeof(token));
	return rc;
}

bool session_find(struct sessions *ss, struct str text, struct session *out)
{
	uint8_t token[TOKEN_BYTES], hash[32];
	char csrf[SESSION_TOKEN_MAX];
	bool found = false;
	if (text.n != SESSION_TOKEN_MAX - 1 ||
	    hash_base64url_decode(text, token, sizeof(token)) != TOKEN_BYTES)
		return false;
	hash_token(token, hash, csrf);
	explicit_bzero(token, sizeof(token));
	int64_t now = clock_now_ns();
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SESSIONS_MAX && !found; i++) {
		struct entry *en = &ss->entries[i];
		if (!en->used || memcmp(en->hash, hash, sizeof(hash)) != 0 ||
		    is_over(&en->s, now))
			continue;
		en->s.seen_ns = now;
		en->changed = true;
		memcpy(en->s.csrf, csrf,
		       sizeof(en->s.csrf)); /* a loaded one does not have it yet */
		*out = en->s;
		found = true;
	}
	mutex_unlock(&ss->m);
	return found;
}

bool session_get(struct sessions *ss, int64_t id, struct session *out)
{
	bool found = false;
	int64_t now = clock_now_ns();
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SESSIONS_MAX && !found; i++) {
		struct entry *en = &ss->entries[i];
		if (!en->used || en->s.id != id || is_over(&en->s, now))
			continue;
		*out = en->s;
		found = true;
	}
	mutex_unlock(&ss->m);
	return found;
}

struct one_id {
	const char *sql;
	int64_t id;
};

static int run_with_id(struct sql *db, void *arg, struct err *e)
{
	struct one_id *o = arg;
	struct stmt *st;
	int rc = sql_prepare(db, o->sql, &st, e);
	if (rc != 0)
		return rc;
	stmt_i64(st, 1, o->id);
	rc = stmt_step(st, e);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

/* Memory first: from here on the token is worth nothing, whatever the disk says. */
static void forget(struct sessions *ss, struct store *store, bool by_user, int64_t id)
{
	struct err e = ERR_INIT;
	struct one_id o = { by_user ? panel_sql_session_delete_user : panel_sql_session_delete,
			    id };
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct entry *en = &ss->entries[i];
		if (en->used && (by_user ? en->s.user.id : en->s.id) == id)
			explicit_bzero(en, sizeof(*en));
	}
	mutex_unlock(&ss->m);
	if (store_write(store, run_with_id, &o, &e) != 0)
		log_err("panel", "ended session stays in the store id=%lld error=%s",
			(long long)id, LOGQ(e.text));
}

void session_close(struct sessions *ss, struct store *store, int64_t id)
{
	forget(ss, store, false, id);
}

void sessions_close_user(struct sessions *ss, struct store *store, int64_t user_id)
{
	forget(ss, store, true, user_id);
}

void sessions_change_user(struct sessions *ss, const struct user *u)
{
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (ss->entries[i].used && ss->entries[i].s.user.id == u->id)
			ss->entries[i].s.user = *u;
	mutex_unlock(&ss->m);
}

struct seen {
	int64_t id, seen_ns;
};
struct tidying {
	struct seen seen[SESSIONS_MAX];
	size_t n;
	int64_t now;
};

static int write_seen(struct sql *db, void *arg, struct err *e)
{
	struct tidying *t = arg;
	struct stmt *st;
	int rc = sql_prepare(db, panel_sql_session_seen, &st, e);
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		stmt_i64(st, 1, t->seen[i].id);
		stmt_i64(st, 2, t->seen[i].seen_ns);
		rc = stmt_step(st, e);
		stmt_done(st);
		if (rc >= 0)
			rc = sql_prepare(db, panel_sql_session_seen, &st, e);
	}
	if (rc != 0)
		return rc;
	stmt_done(st);
	rc = sql_prepare(db, panel_sql_session_delete_old, &st, e);
	if (rc != 0)
		return rc;
	stmt_i64(st, 1, t->now - SESSION_LIFE_S * NS_PER_S);
	stmt_i64(st, 2, t->now - SESSION_IDLE_S * NS_PER_S);
	rc = stmt_step(st, e);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

int sessions_tidy(struct sessions *ss, struct store *store, struct err *e)
{
	struct tidying t = { .now = clock_now_ns() };
	bool any_over = false;
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct entry *en = &ss->entries[i];
		if (!en->used)
			continue;
		if (is_over(&en->s, t.now)) {
			explicit_bzero(en, sizeof(*en));
			any_over = true;
		} else if (en->changed) {
			t.seen[t.n++] = (struct seen){ en->s.id, en->s.seen_ns };
			en->changed = false;
		}
	}
	mutex_unlock(&ss->m);
	return t.n > 0 || any_over ? store_write(store, write_seen, &t, e) : 0;
}

size_t sessions_count(struct sessions *ss)
{
	size_t n = 0;
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		n += ss->entries[i].used;
	mutex_unlock(&ss->m);
	return n;
}
