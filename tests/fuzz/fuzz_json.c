/* The JSON reader from any bytes; what it understood is written again and must read back alike. */
#include <stdlib.h>

#include "tomsd/base/json.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static size_t copy_value(const struct json_doc *doc, size_t at, struct json *to);

static size_t copy_string(const struct json_node *n, struct json *to, bool as_key)
{
	char small[64], *big = malloc(n->raw.n + 1);
	REQUIRE(big && json_text(n, big, n->raw.n + 1)); /* escapes never grow */
	(void)json_text(n, small, sizeof(small));
	if (as_key)
		json_key(to, big);
	else
		json_cstr(to, big);
	free(big);
	return 1;
}

static size_t copy_nest(const struct json_doc *doc, size_t at, struct json *to)
{
	const struct json_node *n = &doc->nodes[at];
	bool object = n->type == JSON_OBJECT;
	size_t i = at + 1;
	if (object)
		json_obj(to);
	else
		json_arr(to);
	for (uint32_t k = 0; k < n->count; k++) {
		if (object)
			i += copy_string(&doc->nodes[i], to, true);
		i = copy_value(doc, i, to);
	}
	if (object)
		json_end_obj(to);
	else
		json_end_arr(to);
	REQUIRE(i == n->next);
	return i;
}

static size_t copy_value(const struct json_doc *doc, size_t at, struct json *to)
{
	const struct json_node *n = &doc->nodes[at];
	int64_t v = 0;
	REQUIRE(at < doc->n && n->next <= doc->n);
	switch (n->type) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return copy_nest(doc, at, to);
	case JSON_STRING:
		return at + copy_string(n, to, false);
	case JSON_NUMBER:
		if (json_int(n, &v))
			json_i64(to, v);
		else
			json_raw(to, n->raw);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		json_bool(to, n->type == JSON_TRUE);
		break;
	case JSON_NULL:
		json_null(to);
		break;
	}
	return at + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_doc doc, again;
	struct err e = ERR_INIT;
	if (json_parse(str_n((const char *)data, n), 2000, &doc, &e)) {
		REQUIRE(e.code != 0 && e.text[0] != '\0');
		return 0;
	}
	struct buf out;
	struct json j;
	buf_init(&out, 8 * n + 64);
	json_init(&j, &out);
	for (size_t i = 0; i < doc.n; i++)
		(void)json_get(&doc, &doc.nodes[i], "a");
	REQUIRE(copy_value(&doc, 0, &j) == doc.n);
	REQUIRE(!buf_failed(&out));
	REQUIRE(json_parse(buf_view(&out), 2000, &again, &e) == 0);
	REQUIRE(again.n == doc.n);
	for (size_t i = 0; i < doc.n; i++)
		REQUIRE(again.nodes[i].type == doc.nodes[i].type &&
			again.nodes[i].count == doc.nodes[i].count);
	json_doc_fini(&again);
	json_doc_fini(&doc);
	buf_fini(&out);
	return 0;
}
