/* OpenAPI 3.1 of the house, from the tables: routes and parameters of every room, schemas of records from
 * their columns, other schemas as their routes give them. Any thread. */
#include <stdio.h>

#include "cold.h"
#include "list.h"
#include "room.h"

static void put_type(struct json *j, const char *type)
{
	json_kv_str(j, "type", type);
}

static void put_param(struct json *j, const struct param *p)
{
	json_obj(j);
	json_kv_str(j, "name", p->name);
	json_kv_str(j, "in", "query");
	json_kv_str(j, "description", p->doc);
	json_key(j, "schema");
	json_obj(j);
	put_type(j, p->type == PARAM_INT ? "integer" : "string");
	if (p->type == PARAM_INT) {
		json_kv_i64(j, "minimum", p->min);
		json_kv_i64(j, "maximum", p->max);
	} else if (p->type == PARAM_TEXT) {
		json_kv_i64(j, "maxLength", p->max > 0 ? p->max : 256);
	} else if (p->type == PARAM_ENUM) {
		json_key(j, "enum");
		json_arr(j);
		for (const char *const *v = p->values; *v; v++)
			json_cstr(j, *v);
		json_end_arr(j);
	}
	json_end_obj(j);
	json_end_obj(j);
}

static void put_params(struct json *j, const struct route *r)
{
	const char *open, *close;
	json_key(j, "parameters");
	json_arr(j);
	for (open = strchr(r->path, '{'); open && (close = strchr(open, '}'));
	     open = strchr(close, '{')) {
		json_obj(j);
		json_key(j, "name");
		json_str(j, str_n(open + 1, (size_t)(close - open - 1)));
		json_kv_str(j, "in", "path");
		json_kv_bool(j, "required", true);
		json_key(j, "schema");
		json_raw(j, STR("{\"type\":\"string\"}"));
		json_end_obj(j);
	}
	for (const struct param *p = r->params; p && p->name; p++)
		put_param(j, p);
	json_end_arr(j);
}

static void put_content(struct json *j, const char *type, const char *schema_ref)
{
	char ref[128];
	(void)snprintf(ref, sizeof(ref), "{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}",
		       schema_ref);
	json_key(j, type);
	json_raw(j, str_of(ref));
}

static void put_answers(struct json *j, const struct route *r)
{
	char list[64];
	const struct record *record = r->handle == api_list ? r->arg : NULL;
	json_key(j, "responses");
	json_obj(j);
	json_key(j, r->flags & ROUTE_LATER           ? "202" :
		    strcmp(r->method, "DELETE") == 0 ? "204" :
		    strcmp(r->method, "POST") == 0   ? "201" :
						       "200");
	json_obj(j);
	json_kv_str(j, "description", r->doc);
	if (r->octets) {
		json_key(j, "content");
		json_obj(j);
		json_key(j, r->octets);
		json_raw(j, STR("{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}"));
		json_end_obj(j);
	} else if (record || r->item) {
		json_key(j, "content");
		json_obj(j);
		(void)snprintf(list, sizeof(list), "%s_list", record ? record->name : "");
		put_content(j, "application/json", record ? list : r->item);
		if (record) {
			json_key(j, "text/csv");
			json_raw(j, STR("{\"schema\":{\"type\":\"string\"}}"));
		}
		json_end_obj(j);
	}
	json_end_obj(j);
	json_key(j, "default");
	json_obj(j);
	json_kv_str(j, "description", "what went wrong (RFC 9457)");
	json_key(j, "content");
	json_obj(j);
	put_content(j, "application/problem+json", "problem");
	json_end_obj(j);
	json_end_obj(j);
	json_end_obj(j);
}

static void put_roles(struct json *j, const struct route *r)
{
	json_key(j, "x-roles");
	json_arr(j);
	for (enum role role = ROLE_VIEWER; role <= ROLE_ADMIN; role++)
		if (r->may & 1u << role)
			json_cstr(j, role_names[role]);
	json_end_arr(j);
	if (r->may == MAY_ALL) {
		json_key(j, "security");
		json_raw(j, STR("[]"));
	}
}

static void put_route(struct json *j, const struct route *r)
{
	char method[8];
	size_t i = 0;
	for (; r->method[i] && i + 1 < sizeof(method); i++)
		method[i] = (char)(r->method[i] | 0x20);
	method[i] = '\0';
	json_key(j, method);
	json_obj(j);
	json_kv_str(j, "summary", r->doc);
	put_roles(j, r);
	put_params(j, r);
	if (r->accepts) {
		json_key(j, "requestBody");
		json_obj(j);
		json_kv_bool(j, "required", true);
		json_key(j, "content");
		json_obj(j);
		json_key(j, "application/json");
		json_obj(j);
		json_key(j, "schema");
		json_raw(j, str_of(r->accepts));
		json_end_obj(j);
		json_end_obj(j);
		json_end_obj(j);
	}
	put_answers(j, r);
	json_end_obj(j);
}

/* Routes of one path stand together in OpenAPI: is this the first of its path in the house? */
static bool is_first_of_path(struct app *a, const struct route *r)
{
	for (const struct room *const *room = app_rooms(a); *room; room++)
		for (const struct route *o = (*room)->routes; o && o->method; o++)
			if (strcmp(o->path, r->path) == 0 && !(o->flags & ROUTE_LOCAL))
				return o == r;
	return false;
}

static void put_path(struct app *a, struct json *j, const char *path)
{
	json_key(j, path);
	json_obj(j);
	for (const struct room *const *room = app_rooms(a); *room; room++)
		for (const struct route *r = (*room)->routes; r && r->method; r++)
			if (strcmp(r->path, path) == 0 && !(r->flags & ROUTE_LOCAL))
				put_route(j, r);
	json_end_obj(j);
}

static void put_col_type(struct json *j, const struct col *c)
{
	json_obj(j);
	switch (c->type) {
	case COL_TIME:
		put_type(j, "string");
		json_kv_str(j, "format", "date-time");
		break;
	case COL_I64:
	case COL_U64:
	case COL_U32:
	case COL_U16:
	case COL_U8:
		put_type(j, "integer");
		break;
	case COL_JSON:
		put_type(j, "object");
		break;
	case COL_TEXT:
	case COL_ADDR:
	case COL_MAC:
	case COL_ENUM:
		put_type(j, "string");
		break;
	}
	json_kv_str(j, "description", c->doc);
	json_end_obj(j);
}

/* A row with a tail says its members by themselves, some in another type than the column's: "6" of 6. */
static void put_described(struct json *j, const struct col *c)
{
	json_obj(j);
	json_kv_str(j, "description", c->doc);
	json_end_obj(j);
}

/* Depth below which two dotted names share their objects. */
static size_t shared(const char *a, const char *b)
{
	size_t dots = 0;
	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '.')
			dots++;
	return dots;
}

static size_t dots_in(const char *name)
{
	size_t n = 0;
	for (; *name; name++)
		n += *name == '.';
	return n;
}

static void open_objects(struct json *j, const char *name, size_t from)
{
	struct str left = str_of(name), part;
	for (size_t at = 0; str_split(&left, '.', &part) && left.p; at++) {
		char text[64];
		if (at < from)
			continue;
		(void)str_copy(text, sizeof(text), part);
		json_key(j, text);
		json_obj(j);
		put_type(j, "object");
		json_key(j, "properties");
		json_obj(j);
	}
}

static void close_objects(struct json *j, size_t n)
{
	while (n-- > 0) {
		json_end_obj(j);
		json_end_obj(j);
	}
}

/* The schema of a row: its outside columns, nested as record_json nests them. */
static void put_record(struct json *j, const struct record *r)
{
	const char *before = "";
	json_key(j, r->name);
	json_obj(j);
	put_type(j, "object");
	json_key(j, "properties");
	json_obj(j);
	for (size_t i = 0; i < r->n_out; i++) {
		const struct out_col *o = &r->out[i];
		size_t keep = shared(before, o->ecs);
		close_objects(j, dots_in(before) - keep);
		open_objects(j, o->ecs, keep);
		const char *last = strrchr(o->ecs, '.');
		json_key(j, last ? last + 1 : o->ecs);
		const struct col *c = o->col ? record_col(r, o->col) : NULL;
		if (c && r->tail && strcmp(c->name, r->id_col) != 0)
			put_described(j, c);
		else if (c && strcmp(c->name, r->id_col) != 0)
			put_col_type(j, c);
		else
			json_raw(j, c ? STR("{\"type\":\"string\"}") :
					STR("{}")); /* ids are opaque text */
		before = o->ecs;
	}
	close_objects(j, dots_in(before));
	json_end_obj(j);
	json_end_obj(j);
}

static void put_list_schema(struct json *j, const struct record *r)
{
	char name[64], ref[128];
	(void)snprintf(name, sizeof(name), "%s_list", r->name);
	(void)snprintf(ref, sizeof(ref),
		       "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/%s\"}}",
		       r->name);
	json_key(j, name);
	json_obj(j);
	put_type(j, "object");
	json_key(j, "required");
	json_raw(
		j,
		STR("[\"items\",\"next\",\"as_of\",\"total\",\"complete\",\"covered\",\"gaps\"]"));
	json_key(j, "properties");
	json_obj(j);
	json_key(j, "items");
	json_raw(j, str_of(ref));
	json_key(j, "next");
	json_raw(j, STR("{\"type\":[\"string\",\"null\"]}"));
	json_key(j, "as_of");
	json_raw(j, STR("{\"type\":\"string\",\"format\":\"date-time\"}"));
	json_key(j, "total");
	json_raw(
		j,
		STR("{\"type\":[\"object\",\"null\"],\"required\":[\"value\",\"relation\"],\"properties\":{"
		    "\"value\":{\"type\":\"integer\"},\"relation\":{\"enum\":[\"eq\",\"gte\"]}}}"));
	json_key(j, "complete");
	json_raw(j, STR("{\"type\":\"boolean\"}"));
	json_key(j, "covered");
	json_raw(
		j,
		STR("{\"type\":\"object\",\"properties\":{\"since\":{\"type\":\"string\",\"format\":\"date-time\"},"
		    "\"until\":{\"type\":\"string\",\"format\":\"date-time\"}}}"));
	json_key(j, "archive");
	json_raw(j, str_of(cold_schema));
	json_key(j, "gaps");
	json_raw(j,
		 STR("{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/gap\"}}"));
	json_end_obj(j);
	json_end_obj(j);
}

static const char problem_schema[] =
	"{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"instance\",\"code\",\"request_id\"],\"properties\":{"
	"\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
	"\"instance\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"},"
	"\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"code\",\"detail\"],\"properties\":{"
	"\"pointer\":{\"type\":\"string\"},\"parameter\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}}}}";
static const char gap_schema[] =
	"{\"type\":\"object\",\"required\":[\"since\",\"until\",\"reason\"],\"properties\":{\"since\":{\"type\":\"string\",\"format\":\"date-time\"},"
	"\"until\":{\"type\":\"string\",\"format\":\"date-time\"},\"reason\":{\"type\":\"string\"},"
	"\"name\":{\"type\":\"string\"},\"source\":{\"type\":\"integer\"},\"lost\":{\"type\":\"integer\"}}}";

static void put_schemas(struct app *a, struct json *j)
{
	json_key(j, "problem");
	json_raw(j, str_of(problem_schema));
	json_key(j, "gap");
	json_raw(j, str_of(gap_schema));
	for (const struct record *const *r = records; *r; r++) {
		put_record(j, *r);
		put_list_schema(j, *r);
	}
	for (const struct room *const *room = app_rooms(a); *room; room++)
		for (const struct route *r = (*room)->routes; r && r->method; r++)
			if (r->answer && r->item) {
				json_key(j, r->item);
				json_raw(j, str_of(r->answer));
			}
}

void api_openapi(struct app *a, struct json *j)
{
	json_obj(j);
	json_kv_str(j, "openapi", "3.1.0");
	json_key(j, "info");
	json_obj(j);
	json_kv_str(j, "title", "tomsd");
	json_kv_str(j, "version", TOMSD_VERSION);
	json_end_obj(j);
	json_key(j, "security");
	json_raw(j, STR("[{\"session\":[]},{\"token\":[]}]"));
	json_key(j, "paths");
	json_obj(j);
	for (const struct room *const *room = app_rooms(a); *room; room++)
		for (const struct route *r = (*room)->routes; r && r->method; r++)
			if (!(r->flags & ROUTE_LOCAL) && is_first_of_path(a, r))
				put_path(a, j, r->path);
	json_end_obj(j);
	json_key(j, "components");
	json_obj(j);
	json_key(j, "securitySchemes");
	json_raw(
		j,
		STR("{\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-sid\"},"
		    "\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
	json_key(j, "schemas");
	json_obj(j);
	put_schemas(a, j);
	json_end_obj(j);
	json_end_obj(j);
	json_end_obj(j);
}
