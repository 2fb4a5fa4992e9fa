/* The rows in an object: how many, ids and times as the manifest says, and the Merkle root over them. Reads all
 * columns of a row group side by side; memory is that of one row group. */
#include "verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "leaf.h"
#include "tomsd/parquet.h"

enum { ROW_BYTES_MAX = 64 << 20 };

struct rows {
	const struct verify_rows *want;
	enum verify_fault *fault;
	char *words;
	size_t cap;
	struct err *e;

	int fd;
	struct parquet_file *file;
	struct parquet_scan **scans;
	size_t n_cols;
	ptrdiff_t id_col, time_col;
	bool time_is_whole; /* every row's time stands in the file */

	struct buf leaf;
	struct merkle *tree;
	uint64_t n;
	size_t day;      /* of want->days, that rows belong to just now */
	uint64_t in_day;
	int64_t last_id, min_ns, max_ns;
};

static void PRINTF_LIKE(3, 4) say(struct rows *r, enum verify_fault fault, const char *fmt, ...)
{
	va_list ap;
	if (*r->fault != VERIFY_GOOD)
		return;
	*r->fault = fault;
	va_start(ap, fmt);
	(void)vsnprintf(r->words, r->cap, fmt, ap);
	va_end(ap);
}

static int read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	return from_read_at(*(const int *)ctx, off, p, n, e);
}

/* What a damaged file says is a finding; memory and the disk are not its fault. */
static int damaged(struct rows *r, int rc, const struct err *why)
{
	if (rc == -ERR_NOMEM)
		return err_set(r->e, ERR_NOMEM, "%s", why->text);
	say(r, VERIFY_ROWS, "cannot be read: %s", why->text);
	return 0;
}

/* ---- One row. ---- */

static void put_cell(struct rows *r, size_t col, const struct parquet_cell *c)
{
	enum parquet_type type = parquet_column_type(r->file, col);
	if (!c->known)
		leaf_null(&r->leaf);
	else if (type >= PARQUET_TEXT)
		leaf_text(&r->leaf, c->text);
	else
		leaf_number(&r->leaf, c->u); /* a signed one's bits are the same */
}

/* Ids rise within a day, days follow one another as the manifest lists them. */
static void take_id(struct rows *r, const struct parquet_cell *c)
{
	const struct verify_rows *w = r->want;
	int64_t id = c->known ? c->i : INT64_MIN;
	while (r->day < w->n_days && r->in_day == w->days[r->day].rows) {
		r->day++;
		r->in_day = 0;
		r->last_id = INT64_MIN;
	}
	if (r->day == w->n_days || id <= w->days[r->day].after || id > w->days[r->day].last || id <= r->last_id)
		say(r, VERIFY_ROWS, "row %llu has id %lld, which does not follow", (unsigned long long)r->n, (long long)id);
	if (id < w->first_id || id > w->last_id)
		say(r, VERIFY_ROWS, "row %llu has id %lld, the manifest names %lld to %lld", (unsigned long long)r->n,
		    (long long)id, (long long)w->first_id, (long long)w->last_id);
	r->last_id = id;
	r->in_day++;
}

static void take_time(struct rows *r, const struct parquet_cell *c)
{
	if (!c->known) {
		r->time_is_whole = false;
		return;
	}
	if (c->i < r->min_ns)
		r->min_ns = c->i;
	if (c->i > r->max_ns)
		r->max_ns = c->i;
}

/* 1: a row, 0: the group's end or a finding. */
static int take_row(struct rows *r, struct err *why)
{
	uint8_t hash[CRYPT_SHA256_BYTES];
	leaf_begin(&r->leaf);
	for (size_t c = 0; c < r->n_cols; c++) {
		struct parquet_cell cell;
		int rc = parquet_scan_next(r->scans[c], &cell, why);
		if (rc == -ERR_CLOSED && c == 0)
			return 0;
		if (rc)
			return rc == -ERR_CLOSED ? err_set(why, ERR_CORRUPT, "a column ends before the others") : rc;
		put_cell(r, c, &cell);
		if ((ptrdiff_t)c == r->id_col)
			take_id(r, &cell);
		if ((ptrdiff_t)c == r->time_col)
			take_time(r, &cell);
	}
	if (!leaf_end(&r->leaf, hash))
		return err_set(why, ERR_CORRUPT, "a row is longer than any of ours");
	merkle_leaf(r->tree, hash);
	r->n++;
	return 1;
}

static int take_group(struct rows *r, size_t group, struct err *why)
{
	int rc = 0;
	for (size_t c = 0; c < r->n_cols && rc == 0; c++)
		rc = parquet_scan_new(&r->scans[c], r->file, group, c, why);
	if (rc == 0)
		while ((rc = take_row(r, why)) == 1)
			;
	for (size_t c = 0; c < r->n_cols; c++) {
		parquet_scan_free(r->scans[c]);
		r->scans[c] = NULL;
	}
	return rc;
}

/* ---- The file. ---- */

static void look_at_footer(struct rows *r)
{
	const struct verify_rows *w = r->want;
	struct str kind = STR_NULL;
	if (!parquet_pair(r->file, STR("toms.record"), &kind) || !str_eq(kind, w->kind))
		say(r, VERIFY_ROWS, "holds rows of kind \"%.*s\", its name says %.*s", kind.n < 40 ? (int)kind.n : 40,
		    kind.p ? kind.p : "", (int)w->kind.n, w->kind.p);
	if (parquet_rows(r->file) != w->rows)
		say(r, VERIFY_ROWS, "%llu rows, the manifest names %llu", (unsigned long long)parquet_rows(r->file),
		    (unsigned long long)w->rows);
	if (parquet_groups(r->file) != w->row_groups)
		say(r, VERIFY_ROWS, "%zu row groups, the manifest names %llu", parquet_groups(r->file),
		    (unsigned long long)w->row_groups);
	r->n_cols = parquet_columns(r->file);
	r->id_col = parquet_column(r->file, STR("event.id"));
	if (r->id_col < 0 || parquet_column_type(r->file, (size_t)r->id_col) != PARQUET_I64)
		say(r, VERIFY_ROWS, "has no column event.id");
	/* The time that files a row, where it is not the one it shows: docs/archive.md, "Manifest". */
	r->time_col = parquet_column(r->file, STR("toms.row.at_ns"));
	if (r->time_col < 0 && !str_eq(w->kind, STR("log")))
		r->time_col = parquet_column(r->file, STR("@timestamp"));
	if (r->time_col >= 0 && parquet_column_type(r->file, (size_t)r->time_col) != PARQUET_TIME)
		r->time_col = -1;
}

static void look_at_sums(struct rows *r)
{
	const struct verify_rows *w = r->want;
	uint8_t root[CRYPT_SHA256_BYTES];
	if (r->n != w->rows)
		say(r, VERIFY_ROWS, "%llu rows could be read of %llu", (unsigned long long)r->n, (unsigned long long)w->rows);
	if (r->time_col >= 0 && r->time_is_whole && r->n > 0 && (r->min_ns != w->since_ns || r->max_ns != w->until_ns - 1))
		say(r, VERIFY_ROWS, "times of rows are not the manifest's");
	merkle_root(r->tree, root);
	if (memcmp(root, w->merkle_root, CRYPT_SHA256_BYTES) != 0)
		say(r, VERIFY_MERKLE, "the Merkle root over its rows is not the manifest's");
}

static int read_all(struct rows *r)
{
	struct err why = ERR_INIT;
	r->scans = calloc(r->n_cols ? r->n_cols : 1, sizeof(*r->scans));
	r->tree = merkle_new();
	if (!r->scans || !r->tree)
		return err_set(r->e, ERR_NOMEM, "out of memory");
	for (size_t g = 0; g < parquet_groups(r->file); g++) {
		int rc = take_group(r, g, &why);
		if (rc)
			return damaged(r, rc, &why);
	}
	look_at_sums(r);
	return 0;
}

int verify_rows(int fd, uint64_t bytes, const struct verify_rows *want, enum verify_fault *fault, char *words,
		size_t cap, struct err *e)
{
	struct err why = ERR_INIT;
	struct rows r = { .want = want, .fault = fault, .words = words, .cap = cap, .e = e, .fd = fd,
			  .last_id = INT64_MIN, .min_ns = INT64_MAX, .max_ns = INT64_MIN, .time_is_whole = true };
	const struct parquet_source source = { .read_at = read_at, .ctx = &r.fd, .size = bytes };
	*fault = VERIFY_GOOD;
	buf_init(&r.leaf, ROW_BYTES_MAX);
	int rc = parquet_open(&r.file, &source, &why);
	if (rc) {
		rc = damaged(&r, rc, &why);
	} else {
		look_at_footer(&r);
		rc = read_all(&r);
		parquet_close(r.file);
	}
	buf_fini(&r.leaf);
	merkle_free(r.tree);
	free(r.scans);
	return rc;
}
