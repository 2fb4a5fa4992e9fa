/* Who looked at which logs is itself recorded: a search of logs, a log that was opened and every CSV have an
 * audit row, written before the answer. The pages, reloads and refreshes of one look fold into its
 * first row for ten minutes: the same person, session and words. On the thread that carries the request. */
#include "looks.h"

#include <stdio.h>
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"

#define FOLD_NS (600 * NS_PER_S)
#define LOOKS_MAX 1024 /* the oldest goes: one row too many, never one too few */
#define OBJECT_MAX 1024
#define PURPOSE_CHARS_MIN 3
#define PURPOSE_CHARS_MAX 200

struct looks {
	struct mutex m;
	struct look {
		uint64_t key;
		int64_t mono_ns;
	} ring[LOOKS_MAX]; /* lock: m */
	size_t n;          /* lock: m; ever put in */
};

/* What is watched over. A record without a line here is no log content. */
static const struct watched_kind {
	const struct record *record;
	const char *search, *csv; /* actions; NULL: not recorded */
	bool needs_purpose;
} kinds[] = {
	{ &log_record, "logs.search", "logs.csv", true },
	{ &flow_record, NULL, "flows.csv", false },
};

struct looks *looks_new(void)
{
	struct looks *l = calloc(1, sizeof(*l));
	if (l)
		mutex_init(&l->m);
	return l;
}

void looks_free(struct looks *l)
{
	if (!l)
		return;
	mutex_fini(&l->m);
	free(l);
}

/* Whether this look has been recorded of late; notes it when not. */
static bool is_known(struct looks *l, uint64_t key)
{
	int64_t now = clock_mono_ns();
	bool known = false;
	mutex_lock(&l->m);
	size_t n = l->n < LOOKS_MAX ? l->n : LOOKS_MAX;
	for (size_t i = 0; i < n && !known; i++)
		known = l->ring[i].key == key && now - l->ring[i].mono_ns < FOLD_NS;
	if (!known)
		l->ring[l->n++ % LOOKS_MAX] = (struct look){ key, now };
	mutex_unlock(&l->m);
	return known;
}

static void forget(struct looks *l, uint64_t key)
{
	mutex_lock(&l->m);
	for (size_t i = 0; i < LOOKS_MAX; i++)
		if (l->ring[i].key == key)
			l->ring[i].mono_ns = INT64_MIN / 2;
	mutex_unlock(&l->m);
}

static uint64_t key_of(const struct request *rq, const char *action, const char *what)
{
	uint64_t h = hash_bytes(rq->who.name, strlen(rq->who.name), 1);
	h = hash_bytes(&rq->who.session_id, sizeof(rq->who.session_id), h);
	h = hash_bytes(rq->who.from, strlen(rq->who.from), h);
	h = hash_bytes(action, strlen(action), h);
	return hash_bytes(what, strlen(what), h);
}

static int record(struct request *rq, struct reply *rp, const char *action, const char *object,
		  const char *after_json, bool folds)
{
	struct api *api = api_of(rq->app);
	struct err e = ERR_INIT;
	/* what an object has no room for tells two looks apart all the same */
	uint64_t key = key_of(rq, action, after_json ? after_json : object);
	if (!api || !api->looks) /* tomsctl without a daemon: nobody is there to write */
		return 0;
	if (folds && is_known(api->looks, key))
		return 0;
	int rc = api_audit(rq, action, object, NULL, after_json, &e);
	if (rc == 0)
		return 0;
	if (folds)
		forget(api->looks, key);
	reply_failed(rq, rp, &e);
	return rc;
}

/* What was asked, without what only turns its pages: as people read it, and as JSON. */
static void put_question(const struct request *rq, struct buf *text, struct json *j)
{
	static const char *const turns[] = { "cursor", "limit", "total", "format", "bom" };
	json_obj(j);
	for (size_t i = 0; i < rq->n_params; i++) {
		const struct param_value *v = &rq->params[i];
		bool is_turn = false;
		for (size_t k = 0; k < ARRAY_LEN(turns); k++)
			is_turn = is_turn || strcmp(turns[k], v->name) == 0;
		if (is_turn)
			continue;
		json_key(j, v->name);
		json_str(j, v->text);
		if (strcmp(v->name, "purpose") == 0)
			continue;
		if (text->n > 0)
			buf_char(text, ' ');
		if (strcmp(v->name, "q") != 0)
			buf_fmt(text, "%s:", v->name);
		buf_str(text, v->text);
	}
	json_end_obj(j);
}

static int record_question(struct request *rq, struct reply *rp, const char *action, bool folds)
{
	struct buf text, after;
	struct json j;
	char object[OBJECT_MAX];
	struct err e = ERR_INIT;
	buf_init(&text, 64u << 10);
	buf_init(&after, 64u << 10);
	json_init(&j, &after);
	put_question(rq, &text, &j);
	bool good = !buf_failed(&text) && !buf_failed(&after);
	(void)str_copy(object, sizeof(object), buf_view(&text)); /* whole in the JSON */
	int rc = good ? record(rq, rp, action, object, after.p, folds) :
			err_set(&e, ERR_NOMEM, "no memory for an audit row");
	if (!good)
		reply_failed(rq, rp, &e);
	buf_fini(&text);
	buf_fini(&after);
	return rc;
}

static size_t characters(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

bool look_purpose(struct request *rq, struct reply *rp, const char *where, const char *name,
		  struct str text, char out[PURPOSE_MAX])
{
	char words[256], least[8], most[8];
	struct str said = str_trim(text);
	size_t n = characters(said);
	(void)snprintf(least, sizeof(least), "%d", PURPOSE_CHARS_MIN);
	(void)snprintf(most, sizeof(most), "%d", PURPOSE_CHARS_MAX);
	if (n >= PURPOSE_CHARS_MIN && n <= PURPOSE_CHARS_MAX && str_utf8_valid(said) &&
	    str_copy(out, PURPOSE_MAX, said))
		return true;
	reply_field(rp, where, name, n == 0 ? "missing" : "length",
		    api_text(words, sizeof(words), rq->lang, "field.purpose", least, most));
	return false;
}

int look_list(struct request *rq, struct reply *rp, const struct record *r, bool is_csv)
{
	char purpose[PURPOSE_MAX];
	const struct param_value *said = req_param(rq, "purpose");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct watched_kind *k = &kinds[i];
		if (k->record != r)
			continue;
		if (is_csv && k->needs_purpose &&
		    !look_purpose(rq, rp, "parameter", "purpose", said ? said->text : STR(""),
				  purpose)) {
			reply_problem(rq, rp, 400, "invalid_parameter", "%s",
				      api_words(rq->lang, "detail.purpose"));
			return -ERR_INVALID;
		}
		const char *action = is_csv ? k->csv : k->search;
		return action ? record_question(rq, rp, action, !is_csv) : 0;
	}
	return 0;
}

int look_open(struct request *rq, struct reply *rp, const char *what)
{
	return record(rq, rp, "logs.open", what, NULL, true);
}
