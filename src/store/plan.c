/* Plans: a record compiled for the store, and the ids of rows. Made once, constant; any
 * thread. */
#include "plan.h"

#include <stdlib.h>

#include "pack.h"
#include "token.h"
#include "tomsd/base/clock.h"

/* Seconds an id can hold: 33 bits, until the year 2242. */
static const int64_t second_max = (INT64_C(1) << 33) - 1;

int64_t store_id_floor(int64_t ns)
{
	int64_t s = ns / NS_PER_S;
	if (s < 0 || ns < 0)
		s = 0;
	if (s > second_max)
		s = second_max;
	return s << STORE_ID_SHIFT;
}

int64_t store_id_second(int64_t id)
{
	return id >> STORE_ID_SHIFT;
}
int32_t store_id_day(int64_t id)
{
	return clock_day(store_id_second(id) * NS_PER_S);
}

size_t record_room(const struct record *r)
{
	size_t n = r->tail ? r->tail->off + r->tail->max : 0;
	return n > r->bytes ? n : r->bytes;
}

void part_name(char out[PART_NAME_MAX], const struct record *r, int32_t day, const char *suffix)
{
	struct buf b;
	buf_init(&b, PART_NAME_MAX);
	buf_fmt(&b, "%s_%08d%s", r->name, day, suffix);
	bool fits = str_copy(out, PART_NAME_MAX, buf_view(&b));
	assert(fits);
	buf_fini(&b);
}

static enum plan_how how_of(const struct col *c)
{
	switch (c->type) {
	case COL_ADDR:
		return AS_ADDR;
	case COL_MAC:
		return AS_MAC;
	case COL_TEXT:
	case COL_JSON:
		return c->flags & COL_DICT ? AS_DICT : AS_TEXT;
	case COL_TIME:
	case COL_I64:
	case COL_U64:
	case COL_U32:
	case COL_U16:
	case COL_U8:
	case COL_ENUM:
		break;
	}
	return AS_INT;
}

static int add_column(struct plan *p, const struct col *c, struct err *e)
{
	if (p->n_cols == STORE_COLS_MAX)
		return err_set(e, ERR_INVALID, "record %s has more than %d columns",
			       p->record->name, STORE_COLS_MAX);
	struct plan_col *pc = &p->cols[p->n_cols++];
	*pc = (struct plan_col){
		.col = c,
		.how = how_of(c),
		.unsigned64 = c->type == COL_U64,
		.omit_zero = (c->flags & COL_OMIT_ZERO) != 0,
		.tokens = (uint8_t)token_kind_of(c),
	};
	p->has_dict |= pc->how == AS_DICT;
	p->has_index |= pc->tokens != TOKEN_NONE;
	return 0;
}

/* The columns that sorting looks at, by the names the records share. */
static void find_zone_columns(struct plan *p)
{
	const struct record *r = p->record;
	p->bytes_a = record_col(r, "src_bytes");
	p->bytes_b = record_col(r, "dst_bytes");
	if (!p->bytes_a)
		p->bytes_a = record_col(r, "bytes");
	p->risk = record_col(r, "risk_score");
	p->start = record_col(r, "start_ns");
	p->end = record_col(r, "end_ns");
	p->duration = record_col(r, "duration_ns");
}

int plan_new(struct plan **out, const struct record *r, struct err *e)
{
	struct plan *p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ERR_NOMEM, "out of memory");
	p->record = r;
	p->has_tail = r->tail != NULL;
	p->id = record_col(r, r->id_col);
	p->time = record_col(r, r->time_col);
	int rc = 0;
	if (!p->id || p->id->type != COL_I64 || !p->time || p->time->type != COL_TIME)
		rc = err_set(e, ERR_INVALID, "record %s has no id or no time of its own",
			     r->name);
	if (!rc && r->tail && r->bytes > PACK_FRAME_MAX / PACK_ROWS / 2)
		rc = err_set(e, ERR_INVALID, "a record %s is too long for a pack", r->name);
	for (size_t i = 0; !rc && i < r->n_cols; i++)
		if (&r->cols[i] != p->id && !(r->cols[i].flags & COL_NOT_STORED))
			rc = add_column(p, &r->cols[i], e);
	if (rc) {
		free(p);
		return rc;
	}
	find_zone_columns(p);
	*out = p;
	return 0;
}

uint64_t plan_zone_value(const struct plan *p, enum zone_value which, const void *row)
{
	uint64_t v = 0, w = 0;
	switch (which) {
	case ZONE_BYTES:
		if (p->bytes_a)
			v = (uint64_t)col_int(p->bytes_a, row);
		if (p->bytes_b)
			w = (uint64_t)col_int(p->bytes_b, row);
		return ckd_add(&v, v, w) ? UINT64_MAX : v;
	case ZONE_RISK:
		return p->risk ? (uint64_t)col_int(p->risk, row) : 0;
	case ZONE_DURATION:
		if (p->duration) {
			int64_t d = col_int(p->duration, row);
			return d > 0 ? (uint64_t)d : 0;
		}
		if (p->start && p->end) {
			int64_t d;
			if (!ckd_sub(&d, col_int(p->end, row), col_int(p->start, row)) && d > 0)
				return (uint64_t)d;
		}
		return 0;
	case ZONE_VALUES:
		break;
	}
	return 0;
}

char plan_letter(const struct plan_col *c)
{
	static const char letters[] = {
		[AS_INT] = 'n', [AS_ADDR] = 'a', [AS_MAC] = 'm', [AS_TEXT] = 't', [AS_DICT] = 'd'
	};
	return letters[c->how];
}

const char *plan_sql_type(const struct plan_col *c)
{
	switch (c->how) {
	case AS_INT:
	case AS_MAC:
	case AS_DICT:
		return " INTEGER";
	case AS_TEXT:
		return " TEXT";
	case AS_ADDR:
		break;
	}
	return ""; /* INTEGER or BLOB */
}

void plan_create_sql(const struct plan *p, int32_t day, struct buf *out)
{
	char t[PART_NAME_MAX];
	part_name(t, p->record, day, "");
	if (p->has_tail) {
		buf_fmt(out,
			"CREATE TABLE IF NOT EXISTS %s(id INTEGER PRIMARY KEY,n INTEGER NOT NULL,"
			"bytes INTEGER NOT NULL,cols BLOB NOT NULL,lines BLOB NOT NULL);"
			"CREATE TABLE IF NOT EXISTS %s_shape(id INTEGER PRIMARY KEY,"
			"cols TEXT NOT NULL UNIQUE);",
			t, t);
	} else {
		buf_fmt(out, "CREATE TABLE IF NOT EXISTS %s(id INTEGER PRIMARY KEY", t);
		for (size_t i = 0; i < p->n_cols; i++)
			buf_fmt(out, ",%s%s", p->cols[i].col->name, plan_sql_type(&p->cols[i]));
		buf_cstr(out, ");");
	}
	if (p->has_dict)
		buf_fmt(out,
			"CREATE TABLE IF NOT EXISTS %s_text(id INTEGER PRIMARY KEY,s TEXT NOT NULL UNIQUE);",
			t);
	if (p->has_index)
		buf_fmt(out,
			"CREATE TABLE IF NOT EXISTS %s_tok(id INTEGER PRIMARY KEY,list BLOB);"
			"CREATE TABLE IF NOT EXISTS %s_toc(id INTEGER PRIMARY KEY,list BLOB);"
			"CREATE TABLE IF NOT EXISTS %s_zone(bucket INTEGER PRIMARY KEY,rows INTEGER,"
			"first_id INTEGER,last_id INTEGER,min_ns INTEGER,max_ns INTEGER,"
			"max_bytes INTEGER,max_risk INTEGER,max_duration INTEGER,"
			"top_bytes BLOB,top_risk BLOB,top_duration BLOB,runs BLOB);",
			t, t, t);
}

void plan_insert_sql(const struct plan *p, int32_t day, struct buf *out)
{
	char t[PART_NAME_MAX];
	part_name(t, p->record, day, "");
	buf_fmt(out, "INSERT INTO %s(id", t);
	for (size_t i = 0; i < p->n_cols; i++)
		buf_fmt(out, ",%s", p->cols[i].col->name);
	buf_cstr(out, ")VALUES(?");
	for (size_t i = 0; i < p->n_cols; i++)
		buf_cstr(out, ",?");
	buf_char(out, ')');
}
