/* JSON, written as a stream into a buf and read by a small bounded parser (RFC 8259). One thread. */
#ifndef TOMSD_BASE_JSON_H
#define TOMSD_BASE_JSON_H

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

#define JSON_DEPTH 32

/* Writer. Commas and nesting are its own business; text is escaped and cleaned to valid UTF-8. */
struct json {
	struct buf *out;
	int depth;
	bool comma[JSON_DEPTH + 1]; /* per level: an element stands before the next one */
	char path[128];           /* open objects of json_path, dotted */
	int path_base, path_open; /* depth under which paths live; objects opened by paths */
};

void json_init(struct json *j, struct buf *out);
void json_obj(struct json *j);     /* { as element */
void json_end_obj(struct json *j);
void json_arr(struct json *j);
void json_end_arr(struct json *j);
void json_list(struct json *j, struct str items); /* items apart by '\n', as an array of strings */
void json_key(struct json *j, const char *name);
void json_key_str(struct json *j, struct str name); /* a name from outside: escaped and cleaned as text is */
void json_str(struct json *j, struct str s);
void json_cstr(struct json *j, const char *c); /* null when NULL */
void json_u64(struct json *j, uint64_t v);
void json_i64(struct json *j, int64_t v);
void json_f64(struct json *j, double v); /* null when not finite */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_time(struct json *j, int64_t ns);   /* RFC 3339 UTC */
void json_raw(struct json *j, struct str s);  /* already JSON */
/* Key and value in one call. */
void json_kv_str(struct json *j, const char *name, const char *c);
void json_kv_u64(struct json *j, const char *name, uint64_t v);
void json_kv_i64(struct json *j, const char *name, int64_t v);
void json_kv_bool(struct json *j, const char *name, bool v);
void json_kv_time(struct json *j, const char *name, int64_t ns);
/* Inside an object: json_path(j, "source.ip") opens and closes nested objects as needed and writes
 * the key of the last part; members with the same parent must follow one another. Close with
 * json_path_end before json_end_obj. */
void json_path(struct json *j, const char *dotted);
void json_path_end(struct json *j);

/* Reader: a flat array of nodes over the text; nothing is copied but nodes. */
enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
struct json_node {
	enum json_type type;
	struct str raw;     /* string: between the quotes, still escaped; number: its text */
	uint32_t next;      /* index behind this value (skips children) */
	uint32_t count;     /* members or elements */
	bool escaped;       /* a string with backslashes in it */
};
struct json_doc {
	struct json_node *nodes; /* nodes[0] is the whole; an object's children: key, value, key, ... */
	size_t n;
};
/* At most max_nodes and JSON_DEPTH levels. doc must be freed with json_doc_fini. */
int json_parse(struct str text, size_t max_nodes, struct json_doc *doc, struct err *e) MUST_CHECK;
void json_doc_fini(struct json_doc *doc);
/* Member of an object node by name; NULL when absent or not an object. */
const struct json_node *json_get(const struct json_doc *doc, const struct json_node *obj, const char *name);
/* Unescapes a string node into out[cap]; false when not a string or too long. */
bool json_text(const struct json_node *n, char *out, size_t cap);
bool json_int(const struct json_node *n, int64_t *out); /* whole numbers only */

#endif
