/* Places of the panel: added, changed, forgotten by an administrator. What stands in the file is changed there.
 * A handler writes the table and wakes the keeper; threads are its business. */
#include <stdio.h>
#include <stdlib.h>

#include "routes.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

static void blame(struct request *rq, struct reply *rp, const char *pointer, const char *words)
{
	char key[64];
	(void)snprintf(key, sizeof(key), "place_field.%s", pointer + 1);
	const char *known = api_words(rq->lang, key);
	reply_field(rp, "pointer", pointer, "invalid", known != key ? known : words);
}

struct asked { /* a body, taken over field by field */
	struct place p;
	char secret[256];
	bool has_secret, is_new;
};

struct field {
	const char *name;
	size_t at, cap; /* in struct place */
	int (*check)(struct str v, struct err *e);
};
#define IN_PLACE(member) offsetof(struct place, member), sizeof(((struct place *)0)->member)
static const struct field fields[] = {
	{ "endpoint", IN_PLACE(c.endpoint), place_endpoint_check },
	{ "region", IN_PLACE(c.region), place_region_check },
	{ "bucket", IN_PLACE(c.bucket), place_bucket_check },
	{ "prefix", IN_PLACE(c.prefix), place_prefix_check },
	{ "object_lock", IN_PLACE(object_lock), place_lock_check },
};

static bool is_key(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] > 0x7e)
			return false;
	return v.n > 0;
}

static bool take_texts(struct request *rq, struct reply *rp, const struct json_doc *d,
		       struct asked *a)
{
	bool good = true;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct field *f = &fields[i];
		const struct json_node *n = json_get(d, d->nodes, f->name);
		char *to = (char *)&a->p + f->at, pointer[32], text[1024];
		struct err e = ERR_INIT;
		if (!n)
			continue;
		(void)snprintf(pointer, sizeof(pointer), "/%s", f->name);
		if (!json_text(n, text, sizeof(text)) || f->check(str_of(text), &e) != 0 ||
		    !str_copy(to, f->cap, str_of(text))) {
			blame(rq, rp, pointer, e.text);
			good = false;
		}
	}
	return good;
}

/* {"lock":"compliance","keep_days":365} is another way to say object_lock. */
static bool take_lock(struct request *rq, struct reply *rp, const struct json_doc *d,
		      struct asked *a)
{
	const struct json_node *lock = json_get(d, d->nodes, "lock"),
			       *keep = json_get(d, d->nodes, "keep_days");
	struct err e = ERR_INIT;
	char mode[16], text[48];
	enum s3_lock now;
	int64_t keep_ns, days;
	if (!lock && !keep)
		return true;
	if (place_lock_parse(str_of(a->p.object_lock), &now, &keep_ns, &e) != 0)
		now = S3_LOCK_COMPLIANCE, keep_ns = 0;
	static const char *const names[] = { "off", "governance", "compliance" };
	(void)str_copy(mode, sizeof(mode), str_of(names[now]));
	days = keep_ns / (86400 * NS_PER_S);
	if ((lock && !json_text(lock, mode, sizeof(mode))) ||
	    (keep && !json_int(keep, &days) && strcmp(mode, "off") != 0)) {
		blame(rq, rp, "/lock", "not a mode and a number of days");
		return false;
	}
	if (strcmp(mode, "off") == 0)
		(void)str_copy(text, sizeof(text), STR("off"));
	else
		(void)snprintf(text, sizeof(text), "%s %lldd", mode, (long long)days);
	if (place_lock_check(str_of(text), &e) == 0) {
		memcpy(a->p.object_lock, text, sizeof(text));
		return true;
	}
	blame(rq, rp, lock ? "/lock" : "/keep_days", e.text);
	return false;
}

static bool take_keys(struct request *rq, struct reply *rp, const struct json_doc *d,
		      struct asked *a)
{
	const struct json_node *key = json_get(d, d->nodes, "access_key"),
			       *secret = json_get(d, d->nodes, "secret_key");
	bool good = true;
	if (key && (!json_text(key, a->p.c.access_key, sizeof(a->p.c.access_key)) ||
		    !is_key(str_of(a->p.c.access_key)))) {
		blame(rq, rp, "/access_key", "not a key");
		good = false;
	}
	a->has_secret = secret != NULL;
	if (secret &&
	    (!json_text(secret, a->secret, sizeof(a->secret)) || !is_key(str_of(a->secret)))) {
		blame(rq, rp, "/secret_key", "not a key");
		good = false;
	}
	return good;
}

static bool take_rest(struct request *rq, struct reply *rp, const struct json_doc *d,
		      struct asked *a)
{
	const struct json_node *style = json_get(d, d->nodes, "style"),
			       *bandwidth = json_get(d, d->nodes, "bandwidth"),
			       *enabled = json_get(d, d->nodes, "enabled");
	char text[16];
	int64_t rate = 0;
	bool good = true, known = !style;
	for (unsigned i = 0;
	     style && json_text(style, text, sizeof(text)) && place_style_names[i]; i++)
		if (strcmp(place_style_names[i], text) == 0) {
			a->p.style = (enum place_style)i;
			known = true;
		}
	if (!known) {
		blame(rq, rp, "/style", "auto, path or host");
		good = false;
	}
	if (bandwidth && (!json_int(bandwidth, &rate) || rate < 0 || rate > INT64_C(1) << 40)) {
		blame(rq, rp, "/bandwidth", "bytes a second");
		good = false;
	}
	if (bandwidth)
		a->p.c.bytes_per_s = (uint64_t)rate;
	if (enabled)
		a->p.is_enabled = enabled->type == JSON_TRUE;
	return good;
}

static bool take_name(struct request *rq, struct reply *rp, const struct json_doc *d,
		      struct asked *a)
{
	struct err e = ERR_INIT;
	const struct json_node *n = json_get(d, d->nodes, "name");
	if (json_text(n, a->p.c.name, sizeof(a->p.c.name)) &&
	    place_name_check(str_of(a->p.c.name), &e) == 0)
		return true;
	blame(rq, rp, "/name", e.text);
	return false;
}

/* Members that nobody knows are a slip of the pen; with secrets in it, better told than passed over. */
static bool takes_all(struct request *rq, struct reply *rp, const struct json_doc *d)
{
	static const char *const known[] = { "name",       "endpoint",    "region",
					     "bucket",     "prefix",      "access_key",
					     "secret_key", "object_lock", "lock",
					     "keep_days",  "style",       "bandwidth",
					     "enabled" };
	char name[64], pointer[80];
	bool good = true;
	uint32_t at = 1;
	for (uint32_t i = 0; i < d->nodes[0].count; i++, at = d->nodes[at + 1].next) {
		bool is_known = false;
		if (!json_text(&d->nodes[at], name, sizeof(name)))
			name[0] = '\0';
		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			is_known = is_known || strcmp(known[k], name) == 0;
		if (is_known)
			continue;
		(void)snprintf(pointer, sizeof(pointer), "/%s", name);
		reply_field(rp, "pointer", pointer, "unknown",
			    api_words(rq->lang, "field.unknown"));
		good = false;
	}
	return good;
}

static bool take(struct request *rq, struct reply *rp, const struct json_doc *d,
		 struct asked *a)
{
	bool good = takes_all(rq, rp, d);
	if (a->is_new)
		good = take_name(rq, rp, d, a) && good;
	good = take_texts(rq, rp, d, a) && good;
	good = take_lock(rq, rp, d, a) && good;
	good = take_keys(rq, rp, d, a) && good;
	good = take_rest(rq, rp, d, a) && good;
	if (!good)
		reply_problem(rq, rp, 422, "unacceptable", "%s",
			      api_words(rq->lang, "detail.place_fields"));
	return good;
}

/* ---- Writing. ---- */

struct change {
	const struct place *place;
	struct buf sealed;
	bool is_new;
};

static int write_place(struct sql *db, void *arg, struct err *e)
{
	const struct change *c = arg;
	struct place_row r = { c->place, c->sealed.p ? buf_view(&c->sealed) : STR("") };
	return c->is_new ? place_insert(db, &r, e) : place_update(db, &r, e);
}

static int forget_place(struct sql *db, void *arg, struct err *e)
{
	return place_delete(db, arg, e);
}

static int seal_and_write(struct s3 *s, struct asked *a, bool is_new, struct err *e)
{
	struct change c = { .place = &a->p, .is_new = is_new };
	int rc = 0;
	buf_init(&c.sealed, 4096);
	if (a->has_secret)
		rc = place_seal(s->key, a->p.c.name, str_of(a->secret), &c.sealed, e);
	if (rc == 0)
		rc = store_write(s->store, write_place, &c, e);
	buf_fini(&c.sealed);
	return rc;
}

/* What can be changed, for the audit trail; never the secret, but that it was. */
static void facts(const struct place *p, bool new_secret, struct buf *b)
{
	struct json j;
	json_init(&j, b);
	json_obj(&j);
	json_kv_str(&j, "endpoint", p->c.endpoint);
	json_kv_str(&j, "region", p->c.region);
	json_kv_str(&j, "bucket", p->c.bucket);
	json_kv_str(&j, "prefix", p->c.prefix);
	json_kv_str(&j, "access_key", p->c.access_key);
	json_kv_str(&j, "object_lock", p->object_lock);
	json_kv_str(&j, "style", place_style_names[p->style]);
	json_kv_u64(&j, "bandwidth", p->c.bytes_per_s);
	json_kv_bool(&j, "enabled", p->is_enabled);
	if (new_secret)
		json_kv_bool(&j, "new_secret_key", true);
	json_end_obj(&j);
}

static int audit(struct request *rq, const char *action, const struct place *before,
		 const struct place *after, bool new_secret, struct err *e)
{
	struct buf b[2];
	buf_init(&b[0], 8192);
	buf_init(&b[1], 8192);
	if (before)
		facts(before, false, &b[0]);
	if (after)
		facts(after, new_secret, &b[1]);
	int rc = api_audit(rq, action, (after ? after : before)->c.name, before ? b[0].p : NULL,
			   after ? b[1].p : NULL, e);
	buf_fini(&b[0]);
	buf_fini(&b[1]);
	return rc;
}

static void done(struct request *rq, struct reply *rp, int status, const char *name)
{
	struct err e = ERR_INIT;
	/* What is made from now on is owed to the places as they are now; the threads follow. */
	if (keeper_settle(s3_of(rq->app), &e) != 0)
		log_warning("s3", "places are settled later error=%s", LOGQ(e.text));
	keeper_wake(s3_of(rq->app), true);
	api_event(rq->app, "places", "{}");
	if (status == 204)
		rp->status = 204;
	else
		reply_place(rq, rp, status, name);
}

static bool name_is_free(struct request *rq, struct reply *rp, const char *name)
{
	struct err e = ERR_INIT;
	struct places *ps = places_now(rq, &e);
	if (!ps) {
		reply_failed(rq, rp, &e);
		return false;
	}
	bool taken = places_find(ps, name) != NULL, full = ps->n == PLACES_MAX;
	places_fini(ps);
	free(ps);
	if (taken)
		reply_problem(rq, rp, 409, "exists", "%s",
			      api_words(rq->lang, "detail.place_exists"));
	else if (full)
		reply_problem(rq, rp, 422, "too_many_places", "%s",
			      api_words(rq->lang, "detail.places_full"));
	return !taken && !full;
}

static bool is_complete(struct request *rq, struct reply *rp, const struct asked *a)
{
	const struct {
		const char *pointer, *value;
	} must[] = { { "/endpoint", a->p.c.endpoint },
		     { "/bucket", a->p.c.bucket },
		     { "/access_key", a->p.c.access_key },
		     { "/secret_key", a->secret } };
	bool good = true;
	for (size_t i = 0; i < ARRAY_LEN(must); i++) {
		if (must[i].value[0])
			continue;
		reply_field(rp, "pointer", must[i].pointer, "missing",
			    api_words(rq->lang, "field.missing"));
		good = false;
	}
	if (!good)
		reply_problem(rq, rp, 422, "unacceptable", "%s",
			      api_words(rq->lang, "detail.place_fields"));
	return good;
}

static void defaults(struct asked *a)
{
	*a = (struct asked){ .is_new = true,
			     .p = { .is_enabled = true, .created_ns = clock_now_ns() } };
	a->p.changed_ns = a->p.created_ns;
	(void)str_copy(a->p.c.region, sizeof(a->p.c.region), STR("us-east-1"));
	(void)str_copy(a->p.object_lock, sizeof(a->p.object_lock), STR("compliance 1y"));
}

void places_post(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct json_doc d;
	struct asked a;
	if (req_body(rq, &d, rp) != 0)
		return;
	defaults(&a);
	bool good = take(rq, rp, &d, &a) && is_complete(rq, rp, &a) &&
		    name_is_free(rq, rp, a.p.c.name);
	json_doc_fini(&d);
	int rc = good ? seal_and_write(s3_of(rq->app), &a, true, &e) : 0;
	if (good && rc == 0)
		rc = audit(rq, "place.add", NULL, &a.p, true, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else if (good)
		done(rq, rp, 201, a.p.c.name);
	explicit_bzero(&a, sizeof(a));
}

/* The place of {name} when the panel may change it; else the problem is in rp. */
static bool find(struct request *rq, struct reply *rp, struct place *out)
{
	char name[64];
	struct err e = ERR_INIT;
	struct places *ps = places_now(rq, &e);
	if (!ps) {
		reply_failed(rq, rp, &e);
		return false;
	}
	(void)str_copy(name, sizeof(name), rq->path_arg); /* a longer one is nobody's */
	const struct place *p = places_find(ps, name);
	bool found = p != NULL, of_file = p && p->is_from_file;
	if (p)
		*out = *p;
	places_fini(ps);
	free(ps);
	if (!found)
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_place"));
	else if (of_file)
		reply_problem(rq, rp, 409, "set_in_file", "%s",
			      api_words(rq->lang, "detail.place_of_file"));
	return found && !of_file;
}

void place_patch(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct json_doc d;
	struct place before;
	struct asked a = { .has_secret = false };
	if (!find(rq, rp, &before))
		return;
	if (req_body(rq, &d, rp) != 0) {
		explicit_bzero(&before, sizeof(before));
		return;
	}
	a.p = before;
	a.p.changed_ns = clock_now_ns();
	bool good = take(rq, rp, &d, &a);
	json_doc_fini(&d);
	int rc = good ? seal_and_write(s3_of(rq->app), &a, false, &e) : 0;
	if (good && rc == 0)
		rc = audit(rq, "place.change", &before, &a.p, a.has_secret, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else if (good)
		done(rq, rp, 200, a.p.c.name);
	explicit_bzero(&a, sizeof(a));
	explicit_bzero(&before, sizeof(before));
}

/* Forgets how to get there. What lies there stays there, and what is known of it stays known. */
void place_remove(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct place p;
	if (!find(rq, rp, &p))
		return;
	int rc = store_write(s3_of(rq->app)->store, forget_place, p.c.name, &e);
	if (rc == 0)
		rc = audit(rq, "place.forget", &p, NULL, false, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else
		done(rq, rp, 204, p.c.name);
	explicit_bzero(&p, sizeof(p));
}
