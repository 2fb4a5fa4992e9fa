/* Heads of requests as the panel sees them: first line "METHOD target", then "Name: value" lines. Gate,
 * host, origin, cookie, language, route and parameters, up to the handler's door. */
#include <stdlib.h>

#include "../../src/api/params.h"
#include "../../src/web/gate.h"
#include "tomsd/api.h"
#include "tomsd/base/clock.h"

static void take_head(struct head *h, struct str left)
{
	struct str line, name;
	*h = (struct head){ 0 };
	if (!str_split(&left, '\n', &line))
		return;
	(void)str_split(&line, ' ', &h->method);
	h->target = line;
	while (left.n > 0 && str_split(&left, '\n', &line)) {
		(void)str_split(&line, ':', &name);
		if (h->n == GATE_FIELDS_MAX) {
			h->overflow = true;
			return;
		}
		h->fields[h->n++] = (struct field){ name, str_trim(line) };
	}
}

static void take_params(struct str query)
{
	static const struct route route = { .method = "GET",
					    .path = "/x",
					    .params = api_list_params };
	struct request rq = { .route = &route, .query = query, .lang = "ja" };
	struct reply rp;
	reply_init(&rp);
	buf_init(&rq.arena, 2 * GATE_TARGET_MAX);
	size_t faults = params_parse(&rq, &rp, INT64_C(1795000000) * NS_PER_S);
	for (size_t i = 0; i < rq.n_params; i++)
		if (!str_utf8_valid(rq.params[i].text) || rq.params[i].text.n > 2048)
			abort();
	int64_t since, until;
	req_range(&rq, NS_PER_S, &since, &until);
	if (since > until)
		abort();
	if (faults > 0) {
		struct json_doc doc;
		struct err e = ERR_INIT;
		reply_problem(&rq, &rp, 400, "invalid_parameter", "%s", "x");
		if (json_parse(buf_view(&rp.body), 4096, &doc, &e) != 0)
			abort();
		json_doc_fini(&doc);
	}
	buf_fini(&rq.arena);
	reply_fini(&rp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "localhost", "toms.example" };
	struct head h;
	char lang[3];
	take_head(&h, (struct str){ (const char *)data, size });
	struct verdict v = gate_head(&h);
	if (v.status != 0 && (v.status < 400 || !v.code || !v.words))
		abort();
	(void)gate_host_allowed(head_get(&h, "Host"), names, ARRAY_LEN(names), "192.0.2.1");
	(void)gate_same_origin(&h, true);
	(void)gate_cookie(head_get(&h, "Cookie"), STR("__Host-sid"));
	(void)gate_bearer(head_get(&h, "Authorization"));
	(void)gate_takes_gzip(head_get(&h, "Accept-Encoding"));
	(void)gate_etag_matches(head_get(&h, "If-None-Match"), "abc");
	struct str path, query = h.target;
	(void)str_split(&query, '?', &path);
	api_pick_lang(query, NULL, head_get(&h, "Accept-Language"), lang);
	if (lang[2] != '\0')
		abort();
	if (v.status == 0)
		take_params(query);
	return 0;
}
