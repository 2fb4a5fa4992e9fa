/* Reading one day's table back into structs, and the list of days. Any thread, through its own
 * connection. */
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "view.h"

enum { SELECT_MAX = 16384 };

/* Which columns the table has: it may be older than the record. */
static int find_columns(struct part_view *v, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(v->db, "SELECT name FROM pragma_table_info(?)", &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(v->table));
	size_t found = 0;
	while ((rc = stmt_step(s, e)) > 0) {
		struct str name = stmt_col_text(s, 0);
		found++;
		for (size_t i = 0; i < v->plan->n_cols; i++)
			if (str_eq(name, str_of(v->plan->cols[i].col->name)))
				v->has[i] = true;
	}
	for (size_t i = 0; i < v->plan->n_cols && v->plan->has_tail; i++)
		v->has[i] = true; /* each pack says which it has */
	stmt_done(s);
	if (!rc && !found)
		rc = err_set(e, ERR_NOTFOUND, "no rows of that day");
	return rc;
}

static void choose_columns(struct part_view *v, const bool *wanted)
{
	for (size_t i = 0; i < v->plan->n_cols; i++)
		if (!wanted || wanted[i])
			v->want[v->n_want++] = (uint8_t)i;
}

/* "SELECT id,a,b,... FROM flow_20261122 WHERE ..."; columns that are missing read as NULL. */
static int prepare(struct part_view *v, const char *where, struct stmt **out, struct err *e)
{
	struct buf b;
	if (*out)
		return 0;
	buf_init(&b, SELECT_MAX);
	buf_cstr(&b, "SELECT id");
	for (size_t k = 0; k < v->n_want; k++) {
		size_t i = v->want[k];
		buf_fmt(&b, ",%s", v->has[i] ? v->plan->cols[i].col->name : "NULL");
	}
	buf_fmt(&b, " FROM %s WHERE %s", v->table, where);
	int rc = buf_failed(&b) ? err_set(e, ERR_NOMEM, "out of memory") :
				  sql_prepare(v->db, b.p, out, e);
	buf_fini(&b);
	return rc;
}

static int prepare_text(struct part_view *v, struct err *e)
{
	struct buf b;
	v->n_slots = v->partial ? TEXT_SLOTS : TEXT_SLOTS_WHOLE;
	v->slots = calloc(v->n_slots, sizeof(*v->slots));
	if (!v->slots)
		return err_set(e, ERR_NOMEM, "out of memory");
	buf_init(&b, 256);
	buf_fmt(&b, "SELECT s FROM %s_text WHERE id=?", v->table);
	int rc = sql_prepare(v->db, b.p, &v->text, e);
	buf_fini(&b);
	return rc;
}

int part_view_new(struct part_view **out, struct sql *db, const struct plan *p, int32_t day,
		  const bool *wanted, struct err *e)
{
	struct part_view *v = calloc(1, sizeof(*v));
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");
	v->plan = p;
	v->db = db;
	v->partial = wanted != NULL;
	part_name(v->table, p->record, day, "");
	int rc = find_columns(v, e);
	if (!rc)
		choose_columns(v, wanted);
	bool dict = false;
	for (size_t k = 0; k < v->n_want; k++)
		dict |= p->cols[v->want[k]].how == AS_DICT && v->has[v->want[k]];
	if (!rc && dict)
		rc = prepare_text(v, e);
	if (!rc && p->has_tail)
		rc = pack_reader_new(v, e);
	if (rc) {
		part_view_free(v);
		return rc;
	}
	*out = v;
	return 0;
}

void part_view_free(struct part_view *v)
{
	if (!v)
		return;
	stmt_done(v->text);
	stmt_done(v->by_id);
	stmt_done(v->walks[0]);
	stmt_done(v->walks[1]);
	pack_reader_free(v->packs);
	for (size_t i = 0; v->slots && i < v->n_slots; i++)
		free(v->slots[i].s);
	free(v->slots);
	free(v);
}

const char *part_view_table(const struct part_view *v)
{
	return v->table;
}

bool part_view_has(const struct part_view *v, const struct col *c)
{
	if (c == v->plan->id)
		return true;
	for (size_t i = 0; i < v->plan->n_cols; i++)
		if (v->plan->cols[i].col == c)
			return v->has[i];
	return false;
}

int view_text(struct part_view *v, int64_t id, struct str *out, struct err *e)
{
	struct text_slot *slot = &v->slots[hash_mix64((uint64_t)id) % v->n_slots];
	if (!slot->s || slot->id != id) {
		stmt_i64(v->text, 1, id);
		int rc = stmt_step(v->text, e);
		if (rc < 0) {
			stmt_reset(v->text);
			return rc;
		}
		char *s = str_dup(rc ? stmt_col_text(v->text, 0) : STR(""));
		stmt_reset(v->text);
		if (!s)
			return err_set(e, ERR_NOMEM, "out of memory");
		free(slot->s);
		*slot = (struct text_slot){ id, s, strlen(s) };
	}
	*out = str_n(slot->s, slot->n);
	return 0;
}

void view_put_int(const struct col *c, char *to, int64_t v)
{
	switch (c->size) {
	case 1:
		*(uint8_t *)to = (uint8_t)v;
		break;
	case 2: {
		uint16_t n = (uint16_t)v;
		memcpy(to, &n, sizeof(n));
		break;
	}
	case 4: {
		uint32_t n = (uint32_t)v;
		memcpy(to, &n, sizeof(n));
		break;
	}
	default:
		memcpy(to, &v, sizeof(v));
	}
}

static void read_addr(struct stmt *s, int at, char *to)
{
	struct addr a = { { 0 } };
	if (stmt_col_is_blob(s, at)) {
		struct str b = stmt_col_blob(s, at);
		if (b.n == sizeof(a.b))
			memcpy(a.b, b.p, sizeof(a.b));
	} else {
		a = addr_v4((uint32_t)stmt_col_i64(s, at));
	}
	memcpy(to, &a, sizeof(a));
}

void view_put_mac(char *to, uint64_t v)
{
	for (int i = 5; i >= 0; i--, v >>= 8)
		to[i] = (char)(v & 0xff);
}

/* One value, known not to be NULL, into its column. */
static int read_value(struct part_view *v, const struct plan_col *pc, struct stmt *s, int at,
		      char *to, struct err *e)
{
	struct str text;
	int rc;
	switch (pc->how) {
	case AS_INT:
		view_put_int(pc->col, to, stmt_col_i64(s, at));
		break;
	case AS_ADDR:
		read_addr(s, at, to);
		break;
	case AS_MAC:
		view_put_mac(to, (uint64_t)stmt_col_i64(s, at));
		break;
	case AS_TEXT:
		(void)str_copy(to, pc->col->size,
			       stmt_col_text(s, at)); /* may be narrower than once */
		break;
	case AS_DICT:
		rc = view_text(v, stmt_col_i64(s, at), &text, e);
		if (rc)
			return rc;
		(void)str_copy(to, pc->col->size, text);
		break;
	}
	return 0;
}

int part_view_find(struct part_view *v, int64_t id, struct err *e)
{
	if (v->packs)
		return pack_reader_find(v, id, e);
	int rc = prepare(v, "id=?", &v->by_id, e);
	if (rc)
		return rc;
	v->on = v->by_id;
	stmt_reset(v->by_id);
	stmt_i64(v->by_id, 1, id);
	return stmt_step(v->by_id, e);
}

int part_view_walk(struct part_view *v, int64_t from, int64_t to, bool down, struct err *e)
{
	if (v->packs)
		return pack_reader_walk(v, from, to, down, e);
	part_view_rest(v);
	int rc = prepare(v,
			 down ? "id BETWEEN ? AND ? ORDER BY id DESC" :
				"id BETWEEN ? AND ? ORDER BY id",
			 &v->walks[down], e);
	if (rc)
		return rc;
	v->walk = v->walks[down];
	stmt_i64(v->walk, 1, from);
	stmt_i64(v->walk, 2, to);
	return 0;
}

int part_view_next(struct part_view *v, int64_t *id, struct err *e)
{
	if (v->packs)
		return pack_reader_next(v, id, e);
	if (!v->walk)
		return 0;
	int rc = stmt_step(v->walk, e);
	v->on = v->walk;
	if (rc > 0)
		*id = stmt_col_i64(v->walk, 0);
	else
		part_view_rest(v);
	return rc;
}

void part_view_rest(struct part_view *v)
{
	if (v->packs)
		pack_reader_rest(v);
	else if (v->walk)
		stmt_reset(v->walk);
	v->walk = NULL;
}

int part_view_tail(struct part_view *v, void *row, struct err *e)
{
	return v->packs ? pack_reader_tail(v, row, e) : 0;
}

int part_view_row(struct part_view *v, void *row, struct err *e)
{
	const struct plan *p = v->plan;
	struct stmt *s = v->on;
	if (v->packs)
		return pack_reader_row(v, row, e);
	if (!v->partial)
		memset(row, 0, p->record->bytes);
	view_put_int(p->id, (char *)row + p->id->off, stmt_col_i64(s, 0));
	for (size_t k = 0; k < v->n_want; k++) {
		const struct plan_col *pc = &p->cols[v->want[k]];
		char *to = (char *)row + pc->col->off;
		int at = (int)k + 1;
		if (v->partial)
			memset(to, 0, pc->col->size);
		if (!v->has[v->want[k]] || stmt_col_null(s, at))
			continue;
		int rc = read_value(v, pc, s, at, to, e);
		if (rc)
			return rc;
	}
	return 0;
}

static const char list_sql[] =
	"SELECT day,rows,last_id,indexed_id,buckets,first_ns,last_ns,late_s FROM part"
	" WHERE record=? AND dropping=0 AND rows>0 AND last_ns>=? AND first_ns<? ORDER BY day DESC";

int part_list(struct sql *db, const struct record *r, int64_t since_ns, int64_t until_ns,
	      struct part_info **out, size_t *n, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, list_sql, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(r->name));
	stmt_i64(s, 2, since_ns);
	stmt_i64(s, 3, until_ns);
	struct part_info *list = NULL;
	size_t have = 0, room = 0;
	while ((rc = stmt_step(s, e)) > 0) {
		if (have == room) {
			room = room ? room * 2 : 16;
			struct part_info *more = realloc(list, room * sizeof(*list));
			if (!more) {
				rc = err_set(e, ERR_NOMEM, "out of memory");
				break;
			}
			list = more;
		}
		list[have++] = (struct part_info){
			.day = (int32_t)stmt_col_i64(s, 0),
			.rows = stmt_col_i64(s, 1),
			.last_id = stmt_col_i64(s, 2),
			.indexed_id = stmt_col_i64(s, 3),
			.buckets = stmt_col_i64(s, 4),
			.first_ns = stmt_col_i64(s, 5),
			.last_ns = stmt_col_i64(s, 6),
			.late_s = stmt_col_i64(s, 7),
		};
	}
	stmt_done(s);
	if (rc) {
		free(list);
		return rc;
	}
	*out = list;
	*n = have;
	return 0;
}
