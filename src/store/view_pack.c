/* Reading packs (packer.h): a view decodes a pack once, the columns that were asked for and no others, and
 * keeps the last few. Lines are only taken out when one of them is asked for. Everything is checked: a
 * pack that is not what it should be is -ERR_CORRUPT. Any thread, through its own connection. */
#include <stdlib.h>

#include "pack.h"
#include "view.h"
#include "zip.h"

enum {
	PACKS_KEPT = 4,     /* [0] is the walk's */
	LINES_SLACK = 1024, /* lengths in front of the lines */
	NOT_WANTED = UINT8_MAX,
};

/* What a column of this pack is. */
enum cell { CELL_NONE, CELL_NUM, CELL_TEXT };

struct open_pack {
	int64_t id; /* of its row in the table; 0: none */
	uint64_t used;
	struct pack_head head;
	struct buf frame, line_frame;
	bool has_lines;
	struct str lines[PACK_ROWS];
	enum cell cell[STORE_COLS_MAX]; /* by place in view.want */
	int64_t *nums;                  /* PACK_ROWS of each wanted column */
	struct str *texts;              /* the same; point into frame */
};

struct pack_reader {
	struct zip *zip;
	struct stmt *find, *lines, *before, *walks[2], *walk;
	struct open_pack packs[PACKS_KEPT];
	uint64_t uses;
	struct open_pack *on; /* the row it stands on */
	size_t at;
	size_t next; /* of the walk's pack: rows given so far */
	bool down;
	int64_t from, to;
	/* The shape read last. */
	uint64_t shape; /* 0: none */
	size_t shape_cols;
	uint8_t want_of[PACK_COLS_MAX]; /* by column of the shape: place in view.want */
	bool base;                      /* its first column is numbers */
	int64_t damaged;                /* pack that could not be read last; 0: none */
};

int pack_reader_new(struct part_view *v, struct err *e)
{
	struct pack_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(e, ERR_NOMEM, "out of memory");
	v->packs = r;
	for (size_t i = 0; i < PACKS_KEPT; i++) {
		buf_init(&r->packs[i].frame, PACK_FRAME_MAX + 8192);
		buf_init(&r->packs[i].line_frame, PACK_FRAME_MAX + 8192);
	}
	return zip_new(&r->zip, e);
}

void pack_reader_free(struct pack_reader *r)
{
	if (!r)
		return;
	stmt_done(r->find);
	stmt_done(r->lines);
	stmt_done(r->before);
	stmt_done(r->walks[0]);
	stmt_done(r->walks[1]);
	for (size_t i = 0; i < PACKS_KEPT; i++) {
		buf_fini(&r->packs[i].frame);
		buf_fini(&r->packs[i].line_frame);
		free(r->packs[i].nums);
		free(r->packs[i].texts);
	}
	zip_free(r->zip);
	free(r);
}

static int damaged(const struct part_view *v, int64_t id, struct err *e)
{
	v->packs->damaged = id;
	return err_set(e, ERR_CORRUPT, "pack %lld of %s is damaged", (long long)id, v->table);
}

/* Where in view.want a column of a shape goes: its name and letter must be those of the plan. */
static uint8_t want_of(const struct part_view *v, struct str name, char letter)
{
	for (size_t k = 0; k < v->n_want; k++) {
		const struct plan_col *pc = &v->plan->cols[v->want[k]];
		if (str_eq(name, str_of(pc->col->name)))
			return plan_letter(pc) == letter ? (uint8_t)k : NOT_WANTED;
	}
	return NOT_WANTED;
}

static int parse_shape(struct part_view *v, struct str cols)
{
	struct pack_reader *r = v->packs;
	struct str word;
	r->shape_cols = 0;
	while (str_split(&cols, ' ', &word)) {
		if (word.n < 3 || word.p[word.n - 2] != ':' || r->shape_cols == PACK_COLS_MAX)
			return -ERR_CORRUPT;
		char letter = word.p[word.n - 1];
		if (!r->shape_cols)
			r->base = letter == 'n';
		r->want_of[r->shape_cols++] = want_of(v, str_n(word.p, word.n - 2), letter);
	}
	return 0;
}

static int load_shape(struct part_view *v, uint64_t shape, int64_t id, struct err *e)
{
	struct pack_reader *r = v->packs;
	struct stmt *s = NULL;
	if (r->shape == shape && shape)
		return 0;
	r->shape = 0;
	int rc = sql_prepare_on(&s, v->db, "SELECT cols FROM ", v->table, "_shape WHERE id=?",
				e);
	if (rc)
		return rc;
	stmt_i64(s, 1, (int64_t)shape);
	rc = stmt_step(s, e);
	if (rc > 0)
		rc = parse_shape(v, stmt_col_text(s, 0));
	else if (rc == 0)
		rc = -ERR_CORRUPT;
	stmt_done(s);
	if (rc)
		return rc == -ERR_CORRUPT ? damaged(v, id, e) : rc;
	r->shape = shape;
	return 0;
}

static int decode_addrs(struct open_pack *p, size_t k, struct str in, const int64_t *base)
{
	struct str rest = str_sub(in, 1, in.n);
	if (in.p[0] == PACK_ADDR_V4) {
		p->cell[k] = CELL_NUM;
		return pack_get_nums(rest, p->head.n, base, p->nums + k * PACK_ROWS);
	}
	p->cell[k] = CELL_TEXT;
	return in.p[0] == PACK_ADDR_ANY ?
		       pack_get_texts(rest, p->head.n, p->texts + k * PACK_ROWS) :
		       -ERR_CORRUPT;
}

static int decode_column(struct open_pack *p, const struct plan_col *pc, size_t k,
			 struct str in, const int64_t *base)
{
	if (!in.n) {
		p->cell[k] = CELL_NONE;
		return 0;
	}
	if (pc->how == AS_ADDR)
		return decode_addrs(p, k, in, base);
	p->cell[k] = pc->how == AS_TEXT ? CELL_TEXT : CELL_NUM;
	if (pc->how == AS_TEXT)
		return pack_get_texts(in, p->head.n, p->texts + k * PACK_ROWS);
	return pack_get_nums(in, p->head.n, base, p->nums + k * PACK_ROWS);
}

/* All wanted columns; the first one always, since others may be relative to it. */
static int decode_columns(struct part_view *v, struct open_pack *p)
{
	const struct pack_reader *r = v->packs;
	int64_t first[PACK_ROWS] = { 0 };
	const int64_t *base = r->base ? first : NULL;
	int rc = 0;
	memset(p->cell, 0, sizeof(p->cell));
	if (base && p->head.n_cols && p->head.cols[0].n)
		rc = pack_get_nums(p->head.cols[0], p->head.n, NULL, first);
	for (size_t i = 0; !rc && i < p->head.n_cols; i++) {
		size_t k = r->want_of[i];
		if (k != NOT_WANTED)
			rc = decode_column(p, &v->plan->cols[v->want[k]], k, p->head.cols[i],
					   i ? base : NULL);
	}
	return rc;
}

static int make_room(const struct part_view *v, struct open_pack *p, struct err *e)
{
	size_t n = v->n_want * PACK_ROWS + 1;
	if (!p->nums)
		p->nums = malloc(n * sizeof(*p->nums));
	if (!p->texts)
		p->texts = malloc(n * sizeof(*p->texts));
	return p->nums && p->texts ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int open_pack(struct part_view *v, struct open_pack *p, int64_t id, struct str blob,
		     struct err *e)
{
	struct pack_reader *r = v->packs;
	int rc = make_room(v, p, e);
	p->id = 0;
	p->has_lines = false;
	if (!rc)
		rc = zip_unpack(r->zip, blob, PACK_FRAME_MAX, &p->frame, e);
	if (rc)
		return rc == -ERR_CORRUPT ? damaged(v, id, e) : rc;
	struct rd rd = rd_of(p->frame.p, p->frame.n);
	if (pack_get_ids(&rd, &p->head) || p->head.ids[0] != id)
		return damaged(v, id, e);
	rc = load_shape(v, p->head.shape, id, e);
	if (rc)
		return rc;
	if (pack_get_cols(&rd, &p->head, r->shape_cols) || decode_columns(v, p))
		return damaged(v, id, e);
	p->id = id;
	p->used = ++r->uses;
	return 0;
}

static size_t first_at_least(const struct open_pack *p, int64_t id)
{
	size_t lo = 0, hi = p->head.n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (p->head.ids[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool covers(const struct open_pack *p, int64_t id)
{
	return p->id && p->head.ids[0] <= id && p->head.ids[p->head.n - 1] >= id;
}

/* Reads the pack that can have the row: 1 and *out, 0 there is none. */
static int read_pack_of(struct part_view *v, int64_t id, struct open_pack **out, struct err *e)
{
	struct pack_reader *r = v->packs;
	struct open_pack *p = &r->packs[1];
	for (size_t i = 2; i < PACKS_KEPT; i++)
		if (r->packs[i].used < p->used)
			p = &r->packs[i];
	int rc = r->find ? 0 :
			   sql_prepare_on(&r->find, v->db, "SELECT id,cols FROM ", v->table,
					  " WHERE id<=? ORDER BY id DESC LIMIT 1", e);
	if (rc)
		return rc;
	stmt_i64(r->find, 1, id);
	rc = stmt_step(r->find, e);
	if (rc > 0) {
		rc = open_pack(v, p, stmt_col_i64(r->find, 0), stmt_col_blob(r->find, 1), e);
		rc = rc ? rc : 1;
	}
	stmt_reset(r->find);
	*out = p;
	return rc;
}

int pack_reader_find(struct part_view *v, int64_t id, struct err *e)
{
	struct pack_reader *r = v->packs;
	struct open_pack *p = NULL;
	int rc = 1;
	r->on = NULL;
	for (size_t i = 0; i < PACKS_KEPT && !p; i++)
		if (covers(&r->packs[i], id))
			p = &r->packs[i];
	if (!p)
		rc = read_pack_of(v, id, &p, e);
	if (rc <= 0)
		return rc;
	size_t at = first_at_least(p, id);
	if (at == p->head.n || p->head.ids[at] != id)
		return 0;
	p->used = ++r->uses;
	r->on = p;
	r->at = at;
	return 1;
}

/* The id of the pack that has `from` in it, or from itself. */
static int first_pack(struct part_view *v, int64_t from, int64_t *id, struct err *e)
{
	struct pack_reader *r = v->packs;
	int rc = r->before ? 0 :
			     sql_prepare_on(&r->before, v->db, "SELECT id FROM ", v->table,
					    " WHERE id<=? ORDER BY id DESC LIMIT 1", e);
	if (rc)
		return rc;
	stmt_i64(r->before, 1, from);
	rc = stmt_step(r->before, e);
	*id = rc > 0 ? stmt_col_i64(r->before, 0) : from;
	stmt_reset(r->before);
	return rc < 0 ? rc : 0;
}

int pack_reader_walk(struct part_view *v, int64_t from, int64_t to, bool down, struct err *e)
{
	struct pack_reader *r = v->packs;
	int64_t first = from;
	pack_reader_rest(v);
	int rc = first_pack(v, from, &first, e);
	if (!rc && !r->walks[down])
		rc = sql_prepare_on(&r->walks[down], v->db, "SELECT id,cols FROM ", v->table,
				    down ? " WHERE id BETWEEN ? AND ? ORDER BY id DESC" :
					   " WHERE id BETWEEN ? AND ? ORDER BY id",
				    e);
	if (rc)
		return rc;
	r->walk = r->walks[down];
	r->down = down;
	r->from = from;
	r->to = to;
	r->packs[0].id = 0;
	stmt_i64(r->walk, 1, first);
	stmt_i64(r->walk, 2, to);
	return 0;
}

void pack_reader_rest(struct part_view *v)
{
	struct pack_reader *r = v->packs;
	if (r->walk)
		stmt_reset(r->walk);
	r->walk = NULL;
	r->on = NULL;
}

/* The next row of the walk's pack that is in its range. */
static bool next_in_pack(struct pack_reader *r)
{
	const struct open_pack *p = &r->packs[0];
	while (p->id && r->next < p->head.n) {
		size_t at = r->down ? p->head.n - 1 - r->next : r->next;
		r->next++;
		if (p->head.ids[at] >= r->from && p->head.ids[at] <= r->to) {
			r->at = at;
			return true;
		}
	}
	return false;
}

int pack_reader_next(struct part_view *v, int64_t *id, struct err *e)
{
	struct pack_reader *r = v->packs;
	if (!r->walk)
		return 0;
	while (!next_in_pack(r)) {
		int rc = stmt_step(r->walk, e);
		if (rc > 0)
			rc = open_pack(v, &r->packs[0], stmt_col_i64(r->walk, 0),
				       stmt_col_blob(r->walk, 1), e);
		else
			r->packs[0].id = 0;
		if (rc || !r->packs[0].id) {
			pack_reader_rest(v);
			return rc;
		}
		r->next = 0;
	}
	r->on = &r->packs[0];
	*id = r->on->head.ids[r->at];
	return 1;
}

static void put_addr(const struct open_pack *p, size_t cell, enum cell kind, char *to)
{
	if (kind == CELL_TEXT) {
		struct str s = p->texts[cell];
		if (s.n == sizeof(struct addr))
			memcpy(to, s.p, s.n);
	} else if (p->nums[cell]) {
		struct addr a = addr_v4((uint32_t)(p->nums[cell] - 1));
		memcpy(to, &a, sizeof(a));
	}
}

static int put_cell(struct part_view *v, const struct open_pack *p, size_t k, char *to,
		    struct err *e)
{
	const struct plan_col *pc = &v->plan->cols[v->want[k]];
	size_t cell = k * PACK_ROWS + v->packs->at;
	struct str text = STR("");
	int rc = 0;
	switch (pc->how) {
	case AS_INT:
		view_put_int(pc->col, to, p->nums[cell]);
		break;
	case AS_MAC:
		view_put_mac(to, (uint64_t)p->nums[cell]);
		break;
	case AS_ADDR:
		put_addr(p, cell, p->cell[k], to);
		break;
	case AS_TEXT:
		(void)str_copy(to, pc->col->size, p->texts[cell]);
		break;
	case AS_DICT:
		if (p->nums[cell])
			rc = view_text(v, p->nums[cell], &text, e);
		if (!rc)
			(void)str_copy(to, pc->col->size, text);
		break;
	}
	return rc;
}

int pack_reader_row(struct part_view *v, void *row, struct err *e)
{
	const struct plan *p = v->plan;
	const struct open_pack *on = v->packs->on;
	const uint32_t none = 0;
	assert(on);
	if (!v->partial)
		memset(row, 0, p->record->bytes);
	memcpy((char *)row + p->record->tail->n_off, &none, sizeof(none));
	view_put_int(p->id, (char *)row + p->id->off, on->head.ids[v->packs->at]);
	for (size_t k = 0; k < v->n_want; k++) {
		const struct col *c = p->cols[v->want[k]].col;
		char *to = (char *)row + c->off;
		if (v->partial)
			memset(to, 0, c->size);
		int rc = on->cell[k] == CELL_NONE ? 0 : put_cell(v, on, k, to, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_lines(struct part_view *v, struct open_pack *p, struct err *e)
{
	struct pack_reader *r = v->packs;
	size_t max = PACK_TAIL_BYTES + v->plan->record->tail->max + LINES_SLACK;
	int rc = r->lines ? 0 :
			    sql_prepare_on(&r->lines, v->db, "SELECT lines FROM ", v->table,
					   " WHERE id=?", e);
	if (rc)
		return rc;
	stmt_i64(r->lines, 1, p->id);
	rc = stmt_step(r->lines, e);
	if (rc > 0)
		rc = zip_unpack(r->zip, stmt_col_blob(r->lines, 0), max, &p->line_frame, e);
	else if (rc == 0)
		rc = -ERR_CORRUPT;
	stmt_reset(r->lines);
	if (!rc)
		rc = pack_get_lines(buf_view(&p->line_frame), p->head.n, p->lines);
	for (size_t i = 0; !rc && i < p->head.n; i++)
		rc = p->lines[i].n > v->plan->record->tail->max ? -ERR_CORRUPT : 0;
	p->has_lines = !rc;
	return rc == -ERR_CORRUPT ? damaged(v, p->id, e) : rc;
}

int64_t pack_reader_damaged(const struct part_view *v)
{
	return v->packs ? v->packs->damaged : 0;
}

int pack_reader_tail(struct part_view *v, void *row, struct err *e)
{
	const struct record_tail *t = v->plan->record->tail;
	struct open_pack *on = v->packs->on;
	assert(on);
	int rc = on->has_lines ? 0 : read_lines(v, on, e);
	if (rc)
		return rc;
	struct str line = on->lines[v->packs->at];
	uint32_t n = (uint32_t)line.n;
	memcpy((char *)row + t->off, line.p, line.n);
	memcpy((char *)row + t->n_off, &n, sizeof(n));
	return 0;
}
