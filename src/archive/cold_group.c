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
