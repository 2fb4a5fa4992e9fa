/* Rows of one row group: those that a query takes, and whole ones. Columns that the words do not ask about are not
 * fetched; lines only for rows whose columns have passed. */
#include "cold_group.h"

#include <stdlib.h>

struct wanted { /* columns to fill while looking */
	const struct matcher *matcher;
	const struct col *id, *time;
};

static bool is_wanted(const void *ctx, const struct col *c)
{
	const struct wanted *w = ctx;
	return c == w->id || c == w->time || matcher_reads(w->matcher, c);
}

/* Is an address of this word, as a file has it, what rows are asked for? */
static bool is_address(const struct query_word *w, char text[ADDR_TEXT_MAX])
{
	struct addr a;
	if (addr_parse(str_of(w->value), &a) != 0)
		return false;
	addr_text(&a, text);
	return true;
}

static int column_may_hold(struct parquet_file *f, size_t group, const struct record *r, const char *text)
{
	for (size_t i = 0; i < r->n_cols; i++) {
		ptrdiff_t at = r->cols[i].type == COL_ADDR && r->cols[i].ecs ?
				       parquet_column(f, str_of(r->cols[i].ecs)) :
				       -1;
		if (at < 0)
			continue;
		const struct parquet_cell v = { .known = true, .text = str_of(text) };
		if (parquet_may_hold(f, group, (size_t)at, &v, NULL) != 0)
			return 1; /* a damaged filter says maybe, too */
	}
	return 0;
}

/* Words of one key mean any of their values: one that is no address, or one that may be here, and all may. */
static int key_may_hold(struct parquet_file *f, size_t group, const struct record *r, const struct query *q,
			const char *key)
{
	char text[ADDR_TEXT_MAX];
	bool asked = false;
	for (size_t i = 0; i < q->n_words; i++) {
		const struct query_word *w = &q->words[i];
		if (w->negate || strcmp(w->key, key) != 0)
			continue;
		asked = true;
		if (w->op[0] == '!' || !is_address(w, text) || column_may_hold(f, group, r, text))
			return 1;
	}
	return !asked;
}

int cold_group_may_hold(struct parquet_file *f, size_t group, const struct record *r, const struct query *q)
{
	static const char *const keys[] = { "host", "peer", "ip", "src", "dst" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!key_may_hold(f, group, r, q, keys[i]))
			return 0;
	return 1;
}

static void *row_new(const struct record *r, struct err *e)
{
	void *row = calloc(1, r->bytes + (r->tail ? r->tail->max : 0) + 1);
	if (!row)
		(void)err_set(e, ERR_NOMEM, "no memory for a row of the archive");
	return row;
}

struct passed { /* numbers of rows whose columns pass, where lines are still to be asked */
	uint32_t *n;
	size_t count, room;
};

static bool pass(struct passed *p, uint32_t n)
{
	if (p->count == p->room) {
		size_t room = p->room ? 2 * p->room : 1024;
		uint32_t *bigger = realloc(p->n, room * sizeof(*bigger));
		if (!bigger)
			return false;
		p->n = bigger;
		p->room = room;
	}
	p->n[p->count++] = n;
	return true;
}

/* By columns alone. later: lines are asked then; else matches are told. */
static int find_by_columns(struct parquet_file *f, const struct parquet_row_conf *conf, const struct matcher *m,
			   struct passed *later, int (*match)(void *arg, uint32_t n, const void *row), void *arg,
			   struct err *e)
{
	struct parquet_row *rows = NULL;
	void *row = row_new(conf->record, e);
	int rc = row ? parquet_row_new(&rows, f, conf, e) : -ERR_NOMEM;
	for (uint32_t n = 0; !rc; n++) {
		rc = parquet_row_next(rows, row, e);
		if (rc || !matcher_row(m, row))
			continue;
		if (!later)
			rc = match(arg, n, row);
		else if (!pass(later, n))
			rc = err_set(e, ERR_NOMEM, "no memory to search the archive");
	}
	parquet_row_free(rows);
	free(row);
	return rc == -ERR_CLOSED ? 0 : rc;
}

static int find_by_lines(struct parquet_file *f, const struct parquet_row_conf *conf, struct matcher *m,
			 const struct passed *p, int (*match)(void *arg, uint32_t n, const void *row), void *arg,
			 struct err *e)
{
	struct parquet_row *rows = NULL;
	void *row = row_new(conf->record, e);
	int rc = row ? parquet_row_new(&rows, f, conf, e) : -ERR_NOMEM;
	for (size_t i = 0; !rc && i < p->count; i++) {
		rc = parquet_row_at(rows, p->n[i], row, e);
		if (!rc && matcher_tail(m, row))
			rc = match(arg, p->n[i], row);
	}
	parquet_row_free(rows);
	free(row);
	return rc;
}

int cold_group_find(struct parquet_file *f, size_t group, const struct record *r, struct matcher *m,
		    int (*match)(void *arg, uint32_t n, const void *row), void *arg, struct err *e)
{
	struct wanted w = { m, record_col(r, r->id_col), record_col(r, r->time_col) };
	struct parquet_row_conf conf = { .record = r, .group = group, .reads = is_wanted, .ctx = &w };
	struct passed later = { 0 };
	if (!r->tail || !matcher_reads_tail(m))
		return find_by_columns(f, &conf, m, NULL, match, arg, e);
	int rc = find_by_columns(f, &conf, m, &later, NULL, NULL, e);
	conf.tail = true;
	if (!rc && later.count)
		rc = find_by_lines(f, &conf, m, &later, match, arg, e);
	free(later.n);
	return rc;
}

int cold_group_rows(struct parquet_file *f, size_t group, const struct record *r, const uint32_t *numbers, size_t n,
		    int (*one)(void *arg, size_t i, const void *row), void *arg, struct err *e)
{
	struct parquet_row_conf conf = { .record = r, .group = group, .tail = r->tail != NULL };
	struct parquet_row *rows = NULL;
	void *row = row_new(r, e);
	int rc = row ? parquet_row_new(&rows, f, &conf, e) : -ERR_NOMEM;
	for (size_t i = 0; !rc && i < n; i++) {
		rc = parquet_row_at(rows, numbers[i], row, e);
		if (!rc)
			rc = one(arg, i, row);
	}
	parquet_row_free(rows);
	free(row);
	return rc;
}
