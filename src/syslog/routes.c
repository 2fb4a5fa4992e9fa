/* Sources as people see and change them, and the test sender. Any thread. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"

static const char *const format_names[] = { "plain", "kv", "csv", "cef", "rfc5424", "json" };

/* "FG100FTK20001234" -> "FortiGate 100F": what a serial number begins with. */
static void model_of(const char *serial, char out[32])
{
	out[0] = '\0';
	if (strncmp(serial, "FGVM", 4) == 0)
		(void)snprintf(out, 32, "FortiGate VM");
	else if (strncmp(serial, "FGT", 3) == 0 && strlen(serial) >= 6)
		(void)snprintf(out, 32, "FortiGate %.3s", serial + 3);
	else if (strncmp(serial, "FG", 2) == 0 && strlen(serial) >= 6)
		(void)snprintf(out, 32, "FortiGate %.4s", serial + 2);
	else if (strncmp(serial, "FWF", 3) == 0 && strlen(serial) >= 6)
		(void)snprintf(out, 32, "FortiWiFi %.3s", serial + 3);
}

static void signs_put(struct json *j, const struct source *s)
{
	int64_t now_ns = clock_now_ns(), skew = source_skew_ns(s);
	json_key(j, "seen_as");
	json_arr(j);
	for (size_t i = 0; i < SIGNS; i++) {
		bool is_on = s->sign_ns[i] && now_ns - s->sign_ns[i] < SIGN_SHOWN_NS;
		if (i == SIGN_CLOCK_SKEW)
			is_on = skew > SKEW_TOLD_NS || skew < -SKEW_TOLD_NS;
		if (i == SIGN_IMPOSTOR)
			is_on = s->is_impostor;
		if (is_on)
			json_cstr(j, source_sign_names[i]);
	}
	json_end_arr(j);
}

static void times_put(struct json *j, const struct source *s, int64_t habit_ns_now)
{
	json_kv_time(j, "first_seen", s->first_ns);
	json_key(j, "last_seen");
	if (s->last_ns)
		json_time(j, s->last_ns);
	else
		json_null(j);
	json_kv_u64(j, "lines", s->lines);
	json_kv_u64(j, "bytes", s->bytes);
	json_key(j, "lines_per_minute");
	json_f64(j, s->lines_per_minute);
	json_kv_i64(j, "skew_ms", source_skew_ns(s) / NS_PER_MS);
	json_kv_bool(j, "silent", s->is_silent);
	json_key(j, "silent_since");
	if (s->is_silent)
		json_time(j, s->silent_from_ns);
	else
		json_null(j);
	json_kv_i64(j, "habit_s", habit_ns_now / NS_PER_S);
	json_kv_u64(j, "lost", s->lost);
}

static void source_put(struct json *j, const struct sources *ss, const struct source *s)
{
	char address[ADDR_TEXT_MAX], model[32];
	addr_text(&s->address, address);
	model_of(s->serial, model);
	json_obj(j);
	json_kv_u64(j, "id", s->id);
	json_kv_str(j, "serial", s->serial);
	json_kv_str(j, "address", address);
	json_kv_str(j, "name", s->name[0] ? s->name : s->host);
	json_kv_str(j, "given_name", s->name);
	json_kv_str(j, "state", source_state_names[s->state]);
	json_kv_str(j, "kind", s->serial[0] ? "fortigate" : "device");
	json_kv_str(j, "model", model);
	json_kv_str(j, "zone", s->zone);
	json_kv_str(j, "note", s->note);
	json_kv_str(j, "transport",
		    s->transport <= LOG_VIA_FILE ? inlet_names[s->transport] : "");
	json_kv_str(j, "format",
		    s->format < ARRAY_LEN(format_names) ? format_names[s->format] : "");
	times_put(j, s, source_habit_ns(ss, s));
	json_kv_str(j, "sample", s->sample);
	signs_put(j, s);
	json_end_obj(j);
}

/* Accepted ones first, then new, then refused; of each those heard last. */
static int by_importance(const void *a, const void *b)
{
	static const int rank[SOURCE_STATES] = {
		[SOURCE_ACCEPTED] = 0, [SOURCE_NEW] = 1, [SOURCE_REFUSED] = 2
	};
	const struct source *x = a, *y = b;
	if (x->state != y->state)
		return rank[x->state] - rank[y->state];
	return (x->last_ns < y->last_ns) - (x->last_ns > y->last_ns);
}

static void inlets_put(struct json *j, const struct syslog *s)
{
	json_key(j, "listeners");
	json_arr(j);
	for (size_t i = 0; i < s->inlets.n; i++) {
		const struct inlet *in = &s->inlets.all[i];
		json_obj(j);
		json_kv_str(j, "transport", inlet_names[in->transport]);
		json_kv_str(j, "address", in->text);
		json_kv_u64(j, "lines", atomic_load(&in->lines));
		json_kv_u64(j, "bytes", atomic_load(&in->bytes));
		json_kv_u64(j, "lost", atomic_load(&in->lost));
		json_kv_u64(j, "connections", atomic_load(&in->connections));
		json_end_obj(j);
	}
	json_end_arr(j);
}

static void unknown_put(struct json *j, struct syslog *s)
{
	struct sources_sums sums;
	sources_sums(s->sources, &sums);
	json_key(j, "unknown");
	json_obj(j);
	json_kv_u64(j, "senders", sums.senders);
	json_kv_u64(j, "kept_lines", sums.budget.kept_lines);
	json_kv_u64(j, "kept_bytes", sums.budget.used_bytes);
	json_kv_u64(j, "limit_bytes", sums.budget.limit_bytes);
	json_kv_u64(j, "dropped_lines", sums.budget.dropped_lines);
	json_end_obj(j);
}

static void sources_get_route(struct request *rq, struct reply *rp)
{
	struct syslog *s = syslog_of(rq->app);
	struct source *list = NULL;
	size_t n = 0;
	if (sources_list(s->sources, &list, &n) != 0) {
		struct err e = ERR_INIT;
		(void)err_set(&e, ERR_NOMEM, "no memory to list sources");
		reply_failed(rq, rp, &e);
		return;
	}
	qsort(list, n, sizeof(*list), by_importance);
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	for (size_t i = 0; i < n; i++)
		source_put(j, s->sources, &list[i]);
	json_end_arr(j);
	unknown_put(j, s);
	inlets_put(j, s);
	json_end_obj(j);
	free(list);
}

static bool find(const struct request *rq, struct reply *rp, struct source *out)
{
	uint32_t id;
	if (num_u32(rq->path_arg, 1, UINT32_MAX, &id) == 0 &&
	    sources_get(syslog_of(rq->app)->sources, id, out))
		return true;
	reply_problem(rq, rp, 404, "not_found", "%s", api_words(rq->lang, "detail.no_source"));
	return false;
}

static void blame(const struct request *rq, struct reply *rp, const char *pointer,
		  const char *code, const char *one)
{
	char key[32], words[256];
	(void)snprintf(key, sizeof(key), "field.%s", code);
	reply_field(rp, "pointer", pointer, code,
		    api_text(words, sizeof(words), rq->lang, key, one, NULL));
}

static bool state_take(const struct request *rq, struct reply *rp, const struct json_node *n,
		       struct source_change *c)
{
	char text[16];
	if (!n)
		return true;
	c->has_state = true;
	for (c->state = 0; json_text(n, text, sizeof(text)) && c->state < SOURCE_STATES;
	     c->state++)
		if (strcmp(text, source_state_names[c->state]) == 0)
			return true;
	blame(rq, rp, "/state", "one_of", "accepted, refused, new");
	return false;
}

static bool text_take(const struct request *rq, struct reply *rp, const struct json_node *n,
		      const char *pointer, bool *has, char *out, size_t cap)
{
	char most[24], raw[1024];
	*has = n != NULL;
	if (!n)
		return true;
	if (!json_text(n, raw, sizeof(raw)) || strlen(raw) >= cap) {
		(void)snprintf(most, sizeof(most), "%zu", cap - 1);
		blame(rq, rp, pointer, "too_long", most);
		return false;
	}
	str_copy_clean(out, cap, str_of(raw));
	return true;
}

static bool change_take(const struct request *rq, struct reply *rp, const struct json_doc *doc,
			struct source_change *c)
{
	struct err e = ERR_INIT;
	const struct json_node *o = doc->nodes;
	bool good = state_take(rq, rp, json_get(doc, o, "state"), c);
	good &= text_take(rq, rp, json_get(doc, o, "name"), "/name", &c->has_name, c->name,
			  sizeof(c->name));
	good &= text_take(rq, rp, json_get(doc, o, "zone"), "/zone", &c->has_zone, c->zone,
			  sizeof(c->zone));
	good &= text_take(rq, rp, json_get(doc, o, "note"), "/note", &c->has_note, c->note,
			  sizeof(c->note));
	if (c->has_zone && c->zone[0] && zone_check(str_of(c->zone), &e) != 0) {
		blame(rq, rp, "/zone", "zone", NULL);
		good = false;
	}
	if (!good)
		reply_problem(rq, rp, 422, "unacceptable", "%s",
			      api_words(rq->lang, "detail.password_rules"));
	return good;
}

/* What can be changed, for the audit trail. */
static void facts(const struct source *s, struct buf *b)
{
	struct json j;
	buf_reset(b);
	json_init(&j, b);
	json_obj(&j);
	json_kv_str(&j, "state", source_state_names[s->state]);
	json_kv_str(&j, "name", s->name);
	json_kv_str(&j, "zone", s->zone);
	json_kv_str(&j, "note", s->note);
	json_end_obj(&j);
}

static int audit(struct request *rq, const char *action, const struct source *before,
		 const struct source *after, struct err *e)
{
	char object[128], address[ADDR_TEXT_MAX];
	struct buf b[2];
	buf_init(&b[0], 4096);
	buf_init(&b[1], 4096);
	addr_text(&before->address, address);
	(void)snprintf(object, sizeof(object), "%s%s%s", before->serial,
		       before->serial[0] ? " " : "", address);
	facts(before, &b[0]);
	if (after)
		facts(after, &b[1]);
	int rc = api_audit(rq, action, object, b[0].p, after ? b[1].p : NULL, e);
	buf_fini(&b[0]);
	buf_fini(&b[1]);
	return rc;
}

static void changed(struct request *rq, struct reply *rp, struct syslog *s,
		    const struct source *before)
{
	struct err e = ERR_INIT;
	struct source after;
	int rc = sources_save(s->sources, s->store, clock_now_ns(), &e);
	if (rc == 0 && !sources_get(s->sources, before->id, &after))
		rc = err_set(&e, ERR_NOTFOUND, "source %u is gone", before->id);
	if (rc == 0)
		rc = audit(rq, "source.change", before, &after, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else
		source_put(reply_json(rp, 200), s->sources, &after);
}

static void source_patch(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct json_doc doc;
	struct source before;
	struct source_change c = { 0 };
	struct syslog *s = syslog_of(rq->app);
	if (!find(rq, rp, &before) || req_body(rq, &doc, rp) != 0)
		return;
	bool good = change_take(rq, rp, &doc, &c);
	json_doc_fini(&doc);
	if (!good)
		return;
	int rc = sources_change(s->sources, before.id, &c, &e);
	if (rc == -ERR_FULL)
		reply_problem(rq, rp, 409, "full", "%s",
			      api_words(rq->lang, "detail.sources_full"));
	else if (rc == -ERR_NOTFOUND)
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_source"));
	else if (rc != 0)
		reply_failed(rq, rp, &e);
	else
		changed(rq, rp, s, &before);
}

static void source_delete(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct source before;
	struct syslog *s = syslog_of(rq->app);
	if (!find(rq, rp, &before))
		return;
	int rc = sources_forget(s->sources, before.id);
	if (rc == 0)
		rc = sources_save(s->sources, s->store, clock_now_ns(), &e);
	else
		rc = err_set(&e, ERR_BUSY, "too many sources are being forgotten");
	if (rc == 0)
		rc = audit(rq, "source.forget", &before, NULL, &e);
	if (rc != 0)
		reply_failed(rq, rp, &e);
	else
		rp->status = 204;
}

static void sent_put(struct json *j, const struct request *rq, const struct inlet *in,
		     const struct sent *t)
{
	char words[512];
	json_obj(j);
	json_kv_str(j, "transport", inlet_names[in->transport]);
	json_kv_str(j, "address", in->text);
	json_kv_bool(j, "sent", t->sent);
	json_kv_bool(j, "arrived", t->arrived);
	json_key(j, "ms");
	if (t->arrived)
		json_i64(j, t->ms);
	else
		json_null(j);
	json_kv_str(j, "detail",
		    t->why ? api_text(words, sizeof(words), rq->lang, t->why, t->detail, NULL) :
			     NULL);
	json_kv_str(j, "mark", t->mark);
	json_end_obj(j);
}

static void test_post(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct sent sent[INLETS_MAX];
	size_t n = 0;
	struct syslog *s = syslog_of(rq->app);
	int rc = sender_run(s, sent, &n);
	if (rc == -ERR_BUSY) {
		reply_problem(rq, rp, 409, "busy", "%s",
			      api_words(rq->lang, "detail.test_busy"));
		return;
	}
	if (api_audit(rq, "logs.test", "syslog", NULL, NULL, &e) != 0) {
		reply_failed(rq, rp, &e);
		return;
	}
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_key(j, "results");
	json_arr(j);
	for (size_t i = 0; i < n; i++)
		sent_put(j, rq, &s->inlets.all[i], &sent[i]);
	json_end_arr(j);
	json_end_obj(j);
}

#define TEXT "{\"type\":\"string\"}"
#define NUMBER "{\"type\":\"integer\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NONE "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define SOURCE                                                                                            \
	"{\"type\":\"object\",\"required\":[\"id\",\"serial\",\"address\",\"name\",\"state\",\"lines\"]," \
	"\"properties\":{\"id\":" NUMBER ",\"serial\":" TEXT ",\"address\":" TEXT                         \
	",\"name\":" TEXT ",\"given_name\":" TEXT                                                         \
	",\"state\":{\"enum\":[\"new\",\"accepted\",\"refused\"]},\"kind\":"                              \
	"{\"enum\":[\"fortigate\",\"device\"]},\"model\":" TEXT ",\"zone\":" TEXT                         \
	",\"note\":" TEXT ",\"transport\":" TEXT ",\"format\":" TEXT ",\"first_seen\":" TIME              \
	",\"last_seen\":" TIME_OR_NONE ",\"lines\":" NUMBER ",\"bytes\":" NUMBER                          \
	",\"lines_per_minute\":{\"type\":\"number\"},\"skew_ms\":" NUMBER                                 \
	",\"silent\":{\"type\":\"boolean\"},\"silent_since\":" TIME_OR_NONE                               \
	",\"habit_s\":" NUMBER ",\"lost\":" NUMBER ",\"sample\":" TEXT                                    \
	",\"seen_as\":{\"type\":\"array\",\"items\":" TEXT "}}}"

static const char source_schema[] = SOURCE;
static const char source_list_schema[] =
	"{\"type\":\"object\",\"required\":[\"items\",\"unknown\",\"listeners\"],\"properties\":{\"items\":{\"type\":\"array\","
	"\"items\":" SOURCE
	"},\"unknown\":{\"type\":\"object\",\"properties\":{\"senders\":" NUMBER
	",\"kept_lines\":" NUMBER ",\"kept_bytes\":" NUMBER ",\"limit_bytes\":" NUMBER
	",\"dropped_lines\":" NUMBER
	"}},\"listeners\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"transport\":" TEXT
	",\"address\":" TEXT ",\"lines\":" NUMBER ",\"bytes\":" NUMBER ",\"lost\":" NUMBER
	",\"connections\":" NUMBER "}}}}}";
static const char source_accepts[] =
	"{\"type\":\"object\",\"properties\":{\"state\":{\"enum\":[\"accepted\",\"refused\",\"new\"]},\"name\":{\"type\":\"string\","
	"\"maxLength\":63},\"zone\":{\"type\":\"string\",\"maxLength\":47},\"note\":{\"type\":\"string\",\"maxLength\":255}}}";
static const char test_schema[] =
	"{\"type\":\"object\",\"required\":[\"results\"],\"properties\":{\"results\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"transport\",\"address\",\"sent\",\"arrived\",\"ms\",\"detail\"],\"properties\":{\"transport\":" TEXT
	",\"address\":" TEXT
	",\"sent\":{\"type\":\"boolean\"},\"arrived\":{\"type\":\"boolean\"},\"ms\":{\"type\":[\"integer\","
	"\"null\"]},\"detail\":{\"type\":[\"string\",\"null\"]},\"mark\":" TEXT "}}}}}";

const struct route syslog_routes[] = {
	{ .method = "GET",
	  .path = "/api/v1/sources",
	  .may = MAY_LOOK,
	  .handle = sources_get_route,
	  .item = "source_list",
	  .answer = source_list_schema,
	  .doc = "Who sends logs: accepted, new and refused sources, and the ports they come in on." },
	{ .method = "PATCH",
	  .path = "/api/v1/sources/{id}",
	  .may = MAY_WORK,
	  .handle = source_patch,
	  .item = "source",
	  .answer = source_schema,
	  .accepts = source_accepts,
	  .doc = "Accepts or refuses a source, names it, sets its time zone." },
	{ .method = "DELETE",
	  .path = "/api/v1/sources/{id}",
	  .may = MAY_ADMIN,
	  .handle = source_delete,
	  .doc = "Forgets a source; its lines stay. It comes back as new with its next line." },
	{ .method = "POST",
	  .path = "/api/v1/logs/test",
	  .may = MAY_WORK,
	  .handle = test_post,
	  .item = "log_test",
	  .answer = test_schema,
	  .doc = "Sends a marked line through every listener and says what arrived." },
	ROUTE_END,
};
