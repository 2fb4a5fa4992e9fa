/* toms.extra. Rows without a tail: lists, JSON columns and computed values that did not fit their column.
 * Rows with one: the whole object as its record shows it, less the members that are columns. One thread. */
#include "extra.h"

#include <stdlib.h>

#include "tomsd/base/hash.h"

enum { WHOLE_MAX = 4 << 20, NODES_MAX = 512, PATH_ROOM = 160, PIECE = 384 /* by 3 */ };
/* Base64 of a line that is not UTF-8: event.original has its bytes already. */
#define REDUNDANT "toms.log.original_base64"

int extra_init(struct extra *x, const struct schema *s, struct err *e)
{
	*x = (struct extra){ .schema = s };
	buf_init(&x->whole, WHOLE_MAX);
	buf_init(&x->out, WHOLE_MAX);
	buf_init(&x->bytes, WHOLE_MAX);
	buf_init(&x->exact, WHOLE_MAX);
	x->said = calloc(s->n, sizeof(*x->said));
	x->members = calloc(s->record->n_out + 1, sizeof(*x->members));
	if (!x->said || !x->members)
		return err_set(e, ERR_NOMEM, "no memory for columns");
	for (size_t i = 0; i < s->record->n_out; i++) {
		unsigned field = s->by_out[i];

		/* a plain column that said nothing has nothing to say */
		if (field != SCHEMA_LEFT_OUT && !(field && s->record->out[i].col))
			x->members[x->n_members++] = (uint16_t)i;
	}
	return 0;
}

void extra_fini(struct extra *x)
{
	free(x->said);
	free(x->members);
	buf_fini(&x->whole);
	buf_fini(&x->out);
	buf_fini(&x->bytes);
	buf_fini(&x->exact);
}

void extra_begin(struct extra *x)
{
	memset(x->said, 0, x->schema->n * sizeof(*x->said));
	buf_reset(&x->whole);
	buf_reset(&x->out);
	buf_reset(&x->bytes);
	buf_reset(&x->exact);
}

void extra_exact(struct extra *x, const struct col *c, const void *row)
{
	const char *p = col_at(c, row);
	size_t n = c->type == COL_TEXT || c->type == COL_JSON ? strnlen(p, c->size) : c->size;
	uint8_t length[2] = { (uint8_t)n, (uint8_t)(n >> 8) };

	if (!x->schema->whole)
		return;
	buf_put(&x->exact, c->name, strlen(c->name) + 1);
	buf_put(&x->exact, length, sizeof(length));
	buf_put(&x->exact, p, n);
}

void extra_bytes(struct extra *x, const char *name, struct str exact)
{
	char base64[4 * (PIECE / 3) + 1];

	buf_fmt(&x->bytes, "%s\"%s\":\"", x->bytes.n ? "," : "", name);
	for (size_t i = 0; i < exact.n; i += PIECE) {
		struct str piece = str_sub(exact, i, PIECE);

		hash_base64(piece.p, piece.n, base64);
		buf_cstr(&x->bytes, base64);
	}
	buf_char(&x->bytes, '"');
}

/* Rows without a tail. */

static bool is_json(struct str s)
{
	struct json_doc doc;
	bool ok = str_utf8_valid(s) && json_parse(s, NODES_MAX, &doc, NULL) == 0;

	if (ok)
		json_doc_fini(&doc);
	return ok;
}

static void put_text(struct extra *x, struct json *j, const char *name, struct str s)
{
	json_str(j, s);
	if (!str_utf8_valid(s))
		extra_bytes(x, name, s);
}

/* false: the text does not stand there as it is. */
static bool put_member(struct extra *x, struct json *j, const char *name, const struct value *v)
{
	struct str text = v->type == VALUE_REF ? v->ref : str_of(v->text);

	json_path(j, name);
	switch (v->type) {
	case VALUE_I64:
		json_i64(j, v->i);
		return true;
	case VALUE_U64:
		json_u64(j, v->u);
		return true;
	case VALUE_TIME:
		json_time(j, v->i);
		return true;
	case VALUE_LIST:
		json_list(j, text);
		return true;
	case VALUE_JSON:
		/* an object that is none would make the whole unreadable */
		if (is_json(text)) {
			json_raw(j, text);
			return true;
		}
		put_text(x, j, name, text);
		return false;
	case VALUE_TEXT:
	case VALUE_REF:
		put_text(x, j, name, text);
		return false;
	case VALUE_NONE:
		json_null(j);
		break;
	}
	return true;
}

static void plain_members(struct extra *x, const void *row)
{
	const struct schema *s = x->schema;
	const struct record *r = s->record;
	bool open = false;
	struct json j;
	struct value v;

	json_init(&j, &x->out);
	for (size_t k = 0; k < x->n_members; k++) {
		size_t i = x->members[k];
		unsigned field = s->by_out[i];

		if (field && x->said[field - 1])
			continue;
		record_value(r, &r->out[i], row, &v);
		if (v.type == VALUE_NONE)
			continue;
		if (!open)
			json_obj(&j);
		open = true;
		if (!put_member(x, &j, r->out[i].ecs, &v) && r->out[i].col)
			extra_exact(x, record_col(r, r->out[i].col), row);
	}
	if (open) {
		json_path_end(&j);
		json_end_obj(&j);
	}
}

/* Rows with a tail: the object's text is our own writer's, without spaces, and is copied member by
 * member. An object that stays empty goes. */
struct walk {
	struct extra *x;
	const char *p, *end;
	char path[PATH_ROOM];
};

static const char *string_end(const char *p, const char *end)
{
	const char *first = ++p;

	while ((p = memchr(p, '"', (size_t)(end - p))) != NULL) {
		size_t escapes = 0;

		while (p - escapes > first && p[-1 - (ptrdiff_t)escapes] == '\\')
			escapes++;
		p++;
		if (escapes % 2 == 0)
			return p;
	}
	return end;
}

/* Behind the value at p: brackets and strings are all that matters. */
static const char *value_end(const char *p, const char *end)
{
	int depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = string_end(p, end);
		} else {
			if (*p == '{' || *p == '[')
				depth++;
			if (*p == '}' || *p == ']')
				depth--;
			if (depth < 0 || (depth == 0 && *p == ','))
				return p;
			p++;
		}
		if (depth == 0 && p < end && (*p == ',' || *p == '}' || *p == ']'))
			return p;
	}
	return end;
}

struct str extra_member(struct str object, const char *path)
{
	const char *p = object.p, *end = object.p + object.n;
	struct str rest = str_of(path), part;

	while (str_split(&rest, '.', &part)) {
		bool found = false;

		if (p >= end || *p != '{')
			return STR("");
		for (p++; !found && p < end && *p == '"';) {
			const char *name = p + 1, *name_end = string_end(p, end), *next;

			if (name_end >= end || *name_end != ':')
				return STR("");
			p = name_end + 1;
			next = value_end(p, end);
			found = str_eq(str_n(name, (size_t)(name_end - name) - 1), part);
			if (!found)
				p = next < end && *next == ',' ? next + 1 : end;
		}
		if (!found)
			return STR("");
	}
	return str_n(p, (size_t)(value_end(p, end) - p));
}

static bool in_a_column(const struct extra *x, struct str path)
{
	const struct field *f;

	if (str_eq(path, STR(REDUNDANT)))
		return true;
	f = schema_field(x->schema, path);
	return f && x->said[f - x->schema->fields];
}

static bool is_left(const struct extra *x, struct str path)
{
	const struct record *r = x->schema->record;

	for (size_t i = 0; x->schema->has_left_out && i < r->n_out; i++) {
		if (x->schema->by_out[i] == SCHEMA_LEFT_OUT &&
		    str_eq(path, str_of(r->out[i].ecs)))
			return true;
	}
	return false;
}

static void copy_object(struct walk *w, size_t path_n, int depth);

/* "name":value at w->p; the name joins the path. A path that is too long is no column's. */
static void copy_member(struct walk *w, size_t path_n, int depth, bool *any)
{
	struct buf *out = &w->x->out;
	const char *name = w->p, *name_end = string_end(name, w->end), *value = name_end + 1,
		   *next;
	bool is_column;
	size_t n = (size_t)(name_end - name) - 2, before = out->n;
	struct str path = STR("");

	if (name_end >= w->end || n > SIZE_MAX / 2) {
		w->p = w->end;
		return;
	}
	w->p = value;
	if (path_n + 1 + n < sizeof(w->path)) {
		if (path_n)
			w->path[path_n++] = '.';
		memcpy(w->path + path_n, name + 1, n);
		path = str_n(w->path, path_n + n);
	}
	is_column = path.n && (in_a_column(w->x, path) || is_left(w->x, path));
	if (!is_column && *any)
		buf_char(out, ',');
	if (!is_column)
		buf_put(out, name, (size_t)(value - name));
	if (!is_column && path.n && *value == '{' && depth < JSON_DEPTH) {
		size_t open = out->n;

		copy_object(w, path.n, depth + 1); /* up to its bracket */
		w->p += w->p < w->end;
		if (out->n == open + 2) /* {} */
			out->n = before;
		else
			*any = true;
		return;
	}
	next = value_end(value, w->end);
	if (!is_column) {
		buf_put(out, value, (size_t)(next - value));
		*any = true;
	}
	w->p = next;
}

static void copy_object(struct walk *w, size_t path_n, int depth)
{
	bool any = false;

	buf_char(&w->x->out, '{');
	for (w->p++; w->p < w->end && *w->p == '"';) {
		copy_member(w, path_n, depth, &any);
		if (w->p < w->end && *w->p == ',')
			w->p++;
	}
	buf_char(&w->x->out, '}');
}

static void tail_members(struct extra *x, const void *row)
{
	struct json j;
	struct walk w = { .x = x };

	json_init(&j, &x->whole);
	x->schema->record->tail->json(row, &j);
	if (buf_failed(&x->whole) || x->whole.n < 2)
		return;
	w.p = x->whole.p;
	w.end = x->whole.p + x->whole.n;
	copy_object(&w, 0, 0);
	if (x->out.n == 2)
		buf_reset(&x->out);
}

struct str extra_end(struct extra *x, const void *row, bool *failed)
{
	if (x->schema->record->tail)
		tail_members(x, row);
	else
		plain_members(x, row);
	if (x->bytes.n && !buf_failed(&x->bytes)) {
		if (x->out.n)
			x->out.p[x->out.n - 1] = ',';
		else
			buf_char(&x->out, '{');
		buf_cstr(&x->out, "\"_bytes\":{");
		buf_str(&x->out, buf_view(&x->bytes));
		buf_cstr(&x->out, "}}");
	}
	*failed = buf_failed(&x->out) || buf_failed(&x->bytes) || buf_failed(&x->whole) ||
		  buf_failed(&x->exact);
	return *failed ? STR("") : buf_view(&x->out);
}
