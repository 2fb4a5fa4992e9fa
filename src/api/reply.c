/* Replies: a status, headers and a body that is mostly JSON; problems (RFC 9457) in the language of
 * the request. One thread. */
#include <stdarg.h>
#include <stdio.h>

#include "tomsd/api.h"
#include "tomsd/base/log.h"

#define BODY_MAX (16u << 20) /* a page of 1,000 rows is below 2 MiB */
#define ERRORS_MAX (32u << 10)
#define BODY_NODES_MAX 4096

void reply_init(struct reply *rp)
{
	memset(rp, 0, sizeof(*rp));
	rp->status = 200;
	buf_init(&rp->body, BODY_MAX);
	buf_init(&rp->errors, ERRORS_MAX);
	json_init(&rp->json, &rp->body);
}

void reply_fini(struct reply *rp)
{
	if (rp->more_free)
		rp->more_free(rp->more_arg);
	rp->more_free = NULL;
	buf_fini(&rp->body);
	buf_fini(&rp->errors);
}

struct json *reply_json(struct reply *rp, int status)
{
	rp->status = status;
	rp->type = NULL;
	buf_reset(&rp->body);
	json_init(&rp->json, &rp->body);
	return &rp->json;
}

void reply_header(struct reply *rp, const char *name, const char *value)
{
	assert(rp->n_headers < ARRAY_LEN(rp->headers));
	(void)str_copy(rp->headers[rp->n_headers][0], sizeof(rp->headers[0][0]), str_of(name));
	bool fits = str_copy(rp->headers[rp->n_headers][1], sizeof(rp->headers[0][1]),
			     str_of(value));
	assert(fits);
	(void)fits; /* release keeps assert on; this is for builds that do not */
	rp->n_headers++;
}

void reply_field(struct reply *rp, const char *where, const char *name, const char *code,
		 const char *detail)
{
	struct json j;
	if (rp->errors.n > 0)
		buf_char(&rp->errors, ',');
	json_init(&j, &rp->errors);
	json_obj(&j);
	json_kv_str(&j, where, name);
	json_kv_str(&j, "code", code);
	json_kv_str(&j, "detail", detail);
	json_end_obj(&j);
}

/* The title of a code, or of its status where the code has none of its own. */
static const char *title_of(const char *lang, int status, const char *code)
{
	char key[64];
	(void)snprintf(key, sizeof(key), "title.%s", code);
	const char *words = api_words(lang, key);
	if (words != key)
		return words;
	(void)snprintf(key, sizeof(key), "title.%d", status);
	words = api_words(lang, key);
	return words != key ? words : api_words(lang, "title.other");
}

void reply_problem(const struct request *rq, struct reply *rp, int status, const char *code,
		   const char *fmt, ...)
{
	char type[80], detail[1024];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt,
			ap); /* cut when too long; JSON mends a cut character */
	va_end(ap);
	(void)snprintf(type, sizeof(type), "/problems/%s", code);
	struct json *j = reply_json(rp, status);
	rp->n_headers = 0; /* they described what is not sent now: a file's name, a cookie */
	rp->type = "application/problem+json";
	json_obj(j);
	json_kv_str(j, "type", type);
	json_kv_str(j, "title", title_of(rq->lang, status, code));
	json_kv_i64(j, "status", status);
	json_kv_str(j, "detail", detail);
	json_key(j, "instance");
	json_str(j, str_sub(rq->path, 0, 512));
	json_kv_str(j, "code", code);
	json_kv_str(j, "request_id", rq->request_id);
	if (rp->retry_after_s > 0) {
		char seconds[16];
		(void)snprintf(seconds, sizeof(seconds), "%d", rp->retry_after_s);
		reply_header(rp, "Retry-After", seconds);
		json_kv_i64(j, "retry_after", rp->retry_after_s);
	}
	if (rp->errors.n > 0 && !buf_failed(&rp->errors)) {
		json_key(j, "errors");
		json_arr(j);
		json_raw(j, buf_view(&rp->errors));
		json_end_arr(j);
	}
	json_end_obj(j);
	rp->more = NULL; /* a problem is never streamed */
	rp->is_event_stream = false;
}

void reply_failed(const struct request *rq, struct reply *rp, const struct err *e)
{
	bool is_late = e->code == ERR_TIMEOUT;
	if (is_late || e->code == ERR_BUSY || e->code == ERR_FULL || e->code == ERR_CLOSED) {
		rp->retry_after_s = 5;
		reply_problem(rq, rp, 503, is_late ? "timeout" : "unavailable", "%s",
			      api_words(rq->lang,
					is_late ? "detail.timeout" : "detail.unavailable"));
		return;
	}
	log_err("api", "request failed method=%s path=%s request=%s error=%s",
		log_quote(rq->method.p, rq->method.n), log_quote(rq->path.p, rq->path.n),
		rq->request_id, LOGQ(e->text));
	reply_problem(rq, rp, 500, "internal", "%s", api_words(rq->lang, "detail.internal"));
}

int req_body(const struct request *rq, struct json_doc *doc, struct reply *rp)
{
	struct err e = ERR_INIT;
	if (json_parse(rq->body, BODY_NODES_MAX, doc, &e) != 0) {
		reply_problem(rq, rp, 400, "invalid_body", "%s (%s)",
			      api_words(rq->lang, "detail.invalid_body"), e.text);
		return -ERR_INVALID;
	}
	if (doc->nodes[0].type == JSON_OBJECT)
		return 0;
	json_doc_fini(doc);
	reply_problem(rq, rp, 400, "invalid_body", "%s",
		      api_words(rq->lang, "detail.invalid_body"));
	return -ERR_INVALID;
}
