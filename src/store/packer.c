/* Packs on their way out: see packer.h. */
#include "packer.h"

#include <stdlib.h>

#include "sqlite.h"
#include "token.h"
#include "tomsd/base/log.h"
#include "zip.h"

enum {
	FRAME_CAP = 4 << 20,
	TIDY_PACKS = 512, /* packs looked at in one step */
	LOOK_BACK = 1000, /* packs at the end of a day that may be small still, after a start */
	FULL_ROWS = PACK_ROWS / 2,
	FULL_BYTES = PACK_TAIL_BYTES / 2,
};

struct press {
	struct zip *zip;
	struct buf body, raw, cols, lines;
	size_t lengths[STORE_COLS_MAX];
	int64_t base[PACK_ROWS], nums[PACK_ROWS]; /* base: of the first column */
	struct str texts[PACK_ROWS];
};

int press_new(struct press **out, struct err *e)
{
	struct press *ps = calloc(1, sizeof(*ps));
	if (!ps)
		return err_set(e, ERR_NOMEM, "out of memory");
	int rc = zip_new(&ps->zip, e);
	if (rc) {
		free(ps);
		return rc;
	}
	struct buf *const all[] = { &ps->body, &ps->raw, &ps->cols, &ps->lines };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		buf_init(all[i], FRAME_CAP);
	*out = ps;
	return 0;
}

void press_free(struct press *ps)
{
	if (!ps)
		return;
	zip_free(ps->zip);
	struct buf *const all[] = { &ps->body, &ps->raw, &ps->cols, &ps->lines };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		buf_fini(all[i]);
	free(ps);
}

/* The number of the plan's list of columns in this day. */
static int find_shape(struct packer *k, struct sql *db, struct err *e)
{
	struct stmt *s = NULL;
	struct buf cols;
	buf_init(&cols, 1 << 16);
	for (size_t i = 0; i < k->plan->n_cols; i++)
		buf_fmt(&cols, "%s%s:%c", i ? " " : "", k->plan->cols[i].col->name,
			plan_letter(&k->plan->cols[i]));
	int rc = buf_failed(&cols) ? err_set(e, ERR_NOMEM, "out of memory") :
				     sql_prepare_on(&s, db, "INSERT INTO ", k->table,
						    "_shape(cols)VALUES(?)ON CONFLICT DO UPDATE"
						    " SET cols=cols RETURNING id",
						    e);
	if (!rc) {
		stmt_text_ref(s, 1, buf_view(&cols));
		rc = stmt_step(s, e);
		k->shape = rc > 0 ? stmt_col_i64(s, 0) : 0;
	}
	stmt_done(s);
	buf_fini(&cols);
	return rc < 0 ? rc : 0;
}

static bool is_small(struct stmt *s)
{
	return stmt_col_i64(s, 1) < FULL_ROWS && stmt_col_i64(s, 2) < FULL_BYTES;
}

/* Where small packs begin: tidying had got to there before the last end. */
static int find_tidy_id(struct packer *k, struct sql *db, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare_on(&s, db, "SELECT id,n,bytes FROM ", k->table,
				" ORDER BY id DESC LIMIT ?", e);
	if (rc)
		return rc;
	stmt_i64(s, 1, LOOK_BACK);
	k->tidy_id = INT64_MAX;
	while ((rc = stmt_step(s, e)) > 0) {
		k->tidy_id = stmt_col_i64(s, 0);
		if (!is_small(s))
			break;
	}
	stmt_done(s);
	if (k->tidy_id == INT64_MAX)
		k->tidy_id = 0;
	return rc < 0 ? rc : 0;
}

int packer_open(struct packer *k, struct sql *db, const struct plan *p, const char *table,
		struct dict *dict, struct err *e)
{
	*k = (struct packer){ .plan = p, .dict = dict };
	(void)str_copy(k->table, sizeof(k->table), str_of(table));
	int rc = find_shape(k, db, e);
	if (!rc)
		rc = find_tidy_id(k, db, e);
	if (!rc)
		rc = sql_prepare_on(&k->insert, db, "INSERT INTO ", table,
				    "(id,n,bytes,cols,lines)VALUES(?,?,?,?,?)", e);
	if (rc)
		*k = (struct packer){ 0 };
	return rc;
}

void packer_close(struct packer *k)
{
	stmt_done(k->insert);
	*k = (struct packer){ 0 };
}

static void gather_ints(const struct packer *k, const struct col *c, int64_t *out)
{
	for (size_t i = 0; i < k->n; i++) {
		const void *at = col_at(c, k->rows[i]);
		uint64_t v = 0;
		switch (c->size) {
		case 1:
			v = *(const uint8_t *)at;
			break;
		case 2:
			memcpy(&v, at, 2);
			break;
		case 4:
			memcpy(&v, at, 4);
			break;
		default:
			memcpy(&v, at, 8);
		}
		out[i] = (int64_t)v;
	}
}

/* IPv4 as its number + 1, 0 unknown; false: there is another address among them. */
static bool gather_v4(const struct packer *k, const struct col *c, int64_t *out)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct addr *a = col_at(c, k->rows[i]);
		if (addr_is_v4(a))
			out[i] = 1 + (int64_t)addr_v4_of(a);
		else if (addr_is_zero(a))
			out[i] = 0;
		else
			return false;
	}
	return true;
}

static void gather_addrs(const struct packer *k, const struct col *c, struct str *out)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct addr *a = col_at(c, k->rows[i]);
		out[i] = str_n((const char *)a->b, addr_is_zero(a) ? 0 : sizeof(a->b));
	}
}

static void gather_texts(const struct packer *k, const struct col *c, struct str *out)
{
	for (size_t i = 0; i < k->n; i++) {
		const char *at = col_at(c, k->rows[i]);
		out[i] = str_n(at, *at ? strnlen(at, c->size) : 0);
	}
}

static int gather_dict(const struct packer *k, const struct col *c, int64_t *out, struct err *e)
{
	for (size_t i = 0; i < k->n; i++) {
		const char *at = col_at(c, k->rows[i]);
		int rc = 0;
		out[i] = 0;
		if (*at)
			rc = dict_id(k->dict, str_n(at, strnlen(at, c->size)), &out[i], e);
		if (rc)
			return rc;
	}
	return 0;
}

static void put_nums(const struct packer *k, struct press *ps, const int64_t *v,
		     const int64_t *base, bool mark)
{
	int64_t any = 0;
	for (size_t i = 0; i < k->n; i++)
		any |= v[i];
	if (!any)
		return;
	if (mark)
		buf_char(&ps->body, PACK_ADDR_V4);
	pack_put_nums(&ps->body, v, k->n, base);
}

static void put_texts(const struct packer *k, struct press *ps, bool mark)
{
	size_t any = 0;
	for (size_t i = 0; i < k->n; i++)
		any |= ps->texts[i].n;
	if (!any)
		return;
	if (mark)
		buf_char(&ps->body, PACK_ADDR_ANY);
	pack_put_texts(&ps->body, ps->texts, k->n);
}

static int put_column(const struct packer *k, struct press *ps, size_t i, struct err *e)
{
	const struct plan_col *pc = &k->plan->cols[i];
	int64_t *v = i ? ps->nums : ps->base;
	const int64_t *base = i && plan_base(k->plan) ? ps->base : NULL;
	int rc = 0;
	switch (pc->how) {
	case AS_INT:
		gather_ints(k, pc->col, v);
		put_nums(k, ps, v, base, false);
		break;
	case AS_MAC:
		for (size_t r = 0; r < k->n; r++)
			v[r] = (int64_t)mac_number(col_at(pc->col, k->rows[r]));
		put_nums(k, ps, v, base, false);
		break;
	case AS_DICT:
		rc = gather_dict(k, pc->col, v, e);
		if (!rc)
			put_nums(k, ps, v, base, false);
		break;
	case AS_ADDR:
		if (gather_v4(k, pc->col, v)) {
			put_nums(k, ps, v, base, true);
			break;
		}
		gather_addrs(k, pc->col, ps->texts);
		put_texts(k, ps, true);
		break;
	case AS_TEXT:
		gather_texts(k, pc->col, ps->texts);
		put_texts(k, ps, false);
		break;
	}
	return rc;
}

static int press_cols(const struct packer *k, struct press *ps, struct err *e)
{
	int64_t ids[PACK_ROWS];
	int rc = 0;
	buf_reset(&ps->raw);
	buf_reset(&ps->body);
	gather_ints(k, k->plan->id, ids);
	pack_put_ids(&ps->raw, ids, k->n, (uint64_t)k->shape);
	for (size_t i = 0; !rc && i < k->plan->n_cols; i++) {
		size_t before = ps->body.n;
		rc = put_column(k, ps, i, e);
		ps->lengths[i] = ps->body.n - before;
	}
	if (rc)
		return rc;
	pack_put_cols(&ps->raw, ps->lengths, k->plan->n_cols, buf_view(&ps->body));
	if (buf_failed(&ps->raw) || buf_failed(&ps->body) || ps->raw.n > PACK_FRAME_MAX)
		return err_set(e, ERR_NOMEM, "out of memory");
	buf_reset(&ps->cols);
	return zip_pack(ps->zip, buf_view(&ps->raw), &ps->cols, e);
}

static int press_lines(const struct packer *k, struct press *ps, struct err *e)
{
	for (size_t i = 0; i < k->n; i++)
		ps->texts[i] = record_tail_of(k->plan->record, k->rows[i]);
	buf_reset(&ps->raw);
	pack_put_lines(&ps->raw, ps->texts, k->n);
	if (buf_failed(&ps->raw))
		return err_set(e, ERR_NOMEM, "out of memory");
	buf_reset(&ps->lines);
	return zip_pack(ps->zip, buf_view(&ps->raw), &ps->lines, e);
}

int packer_flush(struct packer *k, struct press *ps, struct err *e)
{
	if (!k->n)
		return 0;
	int rc = press_cols(k, ps, e);
	if (!rc)
		rc = press_lines(k, ps, e);
	if (rc)
		return rc;
	stmt_i64(k->insert, 1, col_int(k->plan->id, k->rows[0]));
	stmt_i64(k->insert, 2, (int64_t)k->n);
	stmt_i64(k->insert, 3, (int64_t)k->tail_bytes);
	stmt_blob_ref(k->insert, 4, ps->cols.p, ps->cols.n);
	stmt_blob_ref(k->insert, 5, ps->lines.p, ps->lines.n);
	rc = stmt_run(k->insert, e);
	stmt_clear(k->insert);
	k->small += k->n < FULL_ROWS && k->tail_bytes < FULL_BYTES;
	k->n = k->tail_bytes = 0;
	return rc;
}

int packer_add(struct packer *k, struct press *ps, const void *row, struct err *e)
{
	size_t bytes = record_tail_of(k->plan->record, row).n;
	int rc = 0;
	if (k->n == PACK_ROWS || (k->n && k->tail_bytes + bytes > PACK_TAIL_BYTES))
		rc = packer_flush(k, ps, e);
	if (rc)
		return rc;
	k->rows[k->n++] = row;
	k->tail_bytes += bytes;
	return 0;
}

/* Neighbours that fit into one pack together. */
struct group {
	int64_t first, next; /* ids; next: of the pack behind, INT64_MAX none */
	size_t packs, rows, bytes;
};

/* The next group of more than one pack: 1; 0: none. tidy_id moves behind what cannot be made fuller. */
static int find_group(struct packer *k, struct sql *db, bool all, struct group *g,
		      struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare_on(&s, db, "SELECT id,n,bytes FROM ", k->table,
				" WHERE id>=? ORDER BY id LIMIT ?", e);
	if (rc)
		return rc;
	stmt_i64(s, 1, k->tidy_id);
	stmt_i64(s, 2, TIDY_PACKS);
	*g = (struct group){ .next = INT64_MAX };
	while ((rc = stmt_step(s, e)) > 0) {
		int64_t id = stmt_col_i64(s, 0);
		size_t n = (size_t)stmt_col_i64(s, 1), bytes = (size_t)stmt_col_i64(s, 2);
		if (g->packs &&
		    (g->rows + n > PACK_ROWS || g->bytes + bytes > PACK_TAIL_BYTES)) {
			if (g->packs > 1) {
				g->next = id;
				break;
			}
			g->packs = 0;
		}
		if (!g->packs) {
			*g = (struct group){ .first = id, .next = INT64_MAX };
			k->tidy_id = id;
		}
		g->packs++;
		g->rows += n;
		g->bytes += bytes;
	}
	stmt_done(s);
	if (rc < 0)
		return rc;
	return g->packs > 1 && (all || g->next != INT64_MAX);
}

/* The rows of a group into memory of their own, and into the packer. */
static int read_group(struct packer *k, struct part_view *v, const struct group *g, char *rows,
		      size_t room, void *row, struct err *e)
{
	const struct record *r = k->plan->record;
	size_t used = 0;
	int64_t id;
	int rc = part_view_walk(v, g->first, g->next - 1, false, e);
	while (!rc && (rc = part_view_next(v, &id, e)) > 0) {
		rc = part_view_row(v, row, e);
		if (!rc)
			rc = part_view_tail(v, row, e);
		size_t bytes = rc ? 0 : record_bytes(r, row);
		if (!rc && (k->n == PACK_ROWS || bytes > room - used))
			rc = err_set(e, ERR_CORRUPT, "packs of %s are damaged", k->table);
		if (rc)
			break;
		k->rows[k->n++] = memcpy(rows + used, row, bytes);
		k->tail_bytes += record_tail_of(r, row).n;
		used += (bytes + 7) / 8 * 8;
	}
	return rc;
}

static int replace_group(struct packer *k, struct press *ps, struct sql *db,
			 const struct group *g, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare_on(&s, db, "DELETE FROM ", k->table, " WHERE id>=? AND id<?", e);
	if (rc)
		return rc;
	stmt_i64(s, 1, g->first);
	stmt_i64(s, 2, g->next);
	rc = stmt_run(s, e);
	stmt_done(s);
	return rc ? rc : packer_flush(k, ps, e);
}

int packer_tidy(struct packer *k, struct press *ps, struct sql *db, int32_t day, bool all,
		struct err *e)
{
	const struct record *r = k->plan->record;
	struct part_view *v = NULL;
	struct group g = { 0 };
	assert(!k->n);
	k->small = 0;
	int rc = find_group(k, db, all, &g, e);
	if (rc <= 0)
		return rc;
	size_t room = g.rows * (record_room(r) - r->tail->max + 16) + g.bytes;
	char *rows = malloc(room);
	void *row = malloc(record_room(r));
	rc = rows && row ? part_view_new(&v, db, k->plan, day, NULL, e) :
			   err_set(e, ERR_NOMEM, "out of memory");
	if (!rc)
		rc = read_group(k, v, &g, rows, room, row, e);
	part_view_free(v);
	if (!rc && k->n != g.rows)
		rc = err_set(e, ERR_CORRUPT, "packs of %s are damaged", k->table);
	if (rc == -ERR_CORRUPT) { /* whoever reads them will hear of it */
		log_err("store", "packs left as they are error=%s", LOGQ(e->text));
		k->tidy_id = g.next;
		rc = 0;
	} else if (!rc) {
		rc = replace_group(k, ps, db, &g, e);
		k->tidy_id = g.next == INT64_MAX ? g.first : g.next;
	}
	k->n = k->tail_bytes = 0;
	free(rows);
	free(row);
	return rc ? rc : 1;
}
