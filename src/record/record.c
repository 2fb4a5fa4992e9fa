/* Records: columns by name, values out of rows, and a row as an ECS object or a CSV line. Any thread;
 * reads constant tables only. */
#include "tomsd/record.h"

#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"

const struct record *const records[] = { &flow_record, &capture_minute_record, &log_record,
					 &gap_record, NULL };

const struct record *record_by_name(struct str name)
{
	for (size_t i = 0; records[i]; i++) {
		if (str_eq(name, str_of(records[i]->name)))
			return records[i];
	}
	return NULL;
}

/* Twice: names in the out table are mostly the very literals of the column table, and a walk over
 * pointers costs a tenth of one over strings. */
const struct col *record_col(const struct record *r, const char *name)
{
	for (size_t i = 0; i < r->n_cols; i++) {
		if (r->cols[i].name == name)
			return &r->cols[i];
	}
	for (size_t i = 0; i < r->n_cols; i++) {
		if (strcmp(r->cols[i].name, name) == 0)
			return &r->cols[i];
	}
	return NULL;
}

const struct col *record_col_ecs(const struct record *r, const char *ecs)
{
	for (size_t i = 0; i < r->n_cols; i++) {
		if (r->cols[i].ecs && strcmp(r->cols[i].ecs, ecs) == 0)
			return &r->cols[i];
	}
	return NULL;
}

/* Rows come out of packed arrays and blobs: no aligned load is promised. */
static uint64_t load_u64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load_u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t load_u16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

int64_t col_int(const struct col *c, const void *row)
{
	const void *p = col_at(c, row);

	switch (c->type) {
	case COL_TIME:
	case COL_I64:
	case COL_U64:
		return (int64_t)load_u64(p);
	case COL_U32:
		return load_u32(p);
	case COL_U16:
		return load_u16(p);
	case COL_U8:
	case COL_ENUM:
		return *(const uint8_t *)p;
	case COL_TEXT:
	case COL_ADDR:
	case COL_MAC:
	case COL_JSON:
		break;
	}
	return 0;
}

static struct str enum_name(const struct col *c, uint8_t value)
{
	for (unsigned i = 0; c->names[i]; i++) {
		if (i == value)
			return str_of(c->names[i]);
	}
	return STR("");
}

struct str col_text(const struct col *c, const void *row)
{
	const char *p = col_at(c, row);

	if (c->type == COL_ENUM)
		return enum_name(c, *(const uint8_t *)p);
	if (c->type == COL_TEXT || c->type == COL_JSON)
		return str_n(p, strnlen(p, c->size));
	return STR("");
}

static bool is_all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* An object that is not whole would spoil everything around it: it leaves as text instead. */
static bool is_object(struct str s)
{
	return s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}';
}

static void text_value(struct value *v, enum value_type type, struct str s)
{
	v->type = s.n ? type : VALUE_NONE;
	/* out tables hold no column larger than a value; a test compares the sizes */
	(void)str_copy(v->text, sizeof(v->text), s);
}

/* A plain column as it leaves the house. Empty text, unknown addresses and nameless enum values say
 * nothing and are left out, numbers only where the column says that zero is unknown. */
static void col_value(const struct col *c, const void *row, struct value *v)
{
	const uint8_t *p = col_at(c, row);

	bool is_text = c->type == COL_TEXT || c->type == COL_JSON;

	v->type = VALUE_NONE;
	/* of text its end tells, and spares a look at hundreds of zeros */
	if (is_text ? *p == 0 : (c->flags & COL_OMIT_ZERO) && is_all_zero(p, c->size))
		return;
	switch (c->type) {
	case COL_TIME:
		v->type = VALUE_TIME;
		v->i = col_int(c, row);
		return;
	case COL_I64:
		v->type = VALUE_I64;
		v->i = col_int(c, row);
		return;
	case COL_U64:
	case COL_U32:
	case COL_U16:
	case COL_U8:
		v->type = VALUE_U64;
		v->u = (uint64_t)col_int(c, row);
		return;
	case COL_ADDR:
		if (is_all_zero(p, c->size))
			return;
		v->type = VALUE_TEXT;
		addr_text((const struct addr *)(const void *)p, v->text);
		return;
	case COL_MAC:
		if (is_all_zero(p, c->size))
			return;
		v->type = VALUE_TEXT;
		mac_text(p, v->text);
		return;
	case COL_TEXT:
	case COL_ENUM:
		text_value(v, VALUE_TEXT, col_text(c, row));
		return;
	case COL_JSON:
		text_value(v, is_object(col_text(c, row)) ? VALUE_JSON : VALUE_TEXT,
			   col_text(c, row));
		return;
	}
}

struct str record_tail_of(const struct record *r, const void *row)
{
	uint32_t n;

	if (!r->tail)
		return STR("");
	memcpy(&n, (const char *)row + r->tail->n_off, sizeof(n));
	return str_n((const char *)row + r->tail->off, n);
}

size_t record_bytes(const struct record *r, const void *row)
{
	size_t n = r->tail ? r->tail->off + record_tail_of(r, row).n : 0;

	return n > r->bytes ? n : r->bytes; /* the first bytes may lie in the struct's padding */
}

void record_value(const struct record *r, const struct out_col *o, const void *row,
		  struct value *v)
{
	const struct col *c;

	v->type = VALUE_NONE;
	if (!o->col) {
		o->get(row, v);
		return;
	}
	c = record_col(r, o->col);
	assert(c);
	/* the row's id is opaque outside: text, since readers of JSON round numbers over 2^53 */
	if (strcmp(c->name, r->id_col) == 0) {
		v->type = VALUE_TEXT;
		(void)snprintf(v->text, sizeof(v->text), "%lld", (long long)col_int(c, row));
		return;
	}
	col_value(c, row, v);
}

static void json_value(struct json *j, const struct value *v)
{
	switch (v->type) {
	case VALUE_NONE:
		json_null(j);
		return;
	case VALUE_I64:
		json_i64(j, v->i);
		return;
	case VALUE_U64:
		json_u64(j, v->u);
		return;
	case VALUE_TEXT:
		json_cstr(j, v->text);
		return;
	case VALUE_TIME:
		json_time(j, v->i);
		return;
	case VALUE_LIST:
		json_list(j, str_of(v->text));
		return;
	case VALUE_JSON:
		json_raw(j, str_of(v->text));
		return;
	case VALUE_REF:
		json_str(j, v->ref);
		return;
	}
}

void record_json(const struct record *r, const void *row, struct json *j)
{
	struct value v;

	if (r->tail) {
		r->tail->json(row, j);
		return;
	}
	json_obj(j);
	for (size_t i = 0; i < r->n_out; i++) {
		record_value(r, &r->out[i], row, &v);
		if (v.type == VALUE_NONE)
			continue;
		json_path(j, r->out[i].ecs);
		json_value(j, &v);
	}
	json_path_end(j);
	json_end_obj(j);
}

void record_csv_header(const struct record *r, struct csv *c)
{
	for (size_t i = 0; i < r->n_out; i++)
		csv_name(c, r->out[i].ecs);
	csv_end(c);
}

static void csv_value(struct csv *c, struct value *v)
{
	char time[CLOCK_RFC3339_MAX];

	switch (v->type) {
	case VALUE_NONE:
		csv_empty(c);
		return;
	case VALUE_I64:
		csv_i64(c, v->i);
		return;
	case VALUE_U64:
		csv_u64(c, v->u);
		return;
	case VALUE_TIME:
		clock_rfc3339(v->i, time);
		csv_str(c, str_of(time));
		return;
	case VALUE_LIST:
		/* one cell, items apart by ';': a line break in a cell is legal but few readers cope */
		for (char *p = strchr(v->text, '\n'); p; p = strchr(p, '\n'))
			*p = ';';
		csv_str(c, str_of(v->text));
		return;
	case VALUE_TEXT:
	case VALUE_JSON:
		csv_str(c, str_of(v->text));
		return;
	case VALUE_REF:
		csv_str(c, v->ref);
		return;
	}
}

void record_csv(const struct record *r, const void *row, struct csv *c)
{
	struct value v;

	for (size_t i = 0; i < r->n_out; i++) {
		record_value(r, &r->out[i], row, &v);
		csv_value(c, &v);
	}
	csv_end(c);
}
