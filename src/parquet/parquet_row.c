/* Rows out of a file: each stored column is read from where the writer put it. In this order: what stands in
 * EXACT_NAME (cleaned texts, nameless values: next to never), the column's own field or row field, the member that
 * carries it, toms.extra for JSON. A file is hostile here, too: a value that its column cannot hold is
 * -ERR_CORRUPT. One thread. */
#include <stdlib.h>

#include "extra.h"
#include "parquet_meta.h"

/* A column of the file that is being walked. */
struct stream {
	struct parquet_scan *scan; /* NULL: not in the file, or nothing in it */
	struct parquet_cell cell;  /* of the row at hand */
};

/* A stored column and where its value may stand; streams are shared. */
struct source {
	const struct col *col;
	struct stream *own, *carrier, *extra;
	const char *path; /* below extra */
};

struct parquet_row {
	const struct record *record;
	struct parquet_file *file;
	size_t group;
	uint64_t rows, next;
	struct stream *streams; /* one a column of the file, at most */
	size_t n_streams;
	ptrdiff_t *stream_of; /* by column of the file: -1 none yet */
	struct source *sources;
	size_t n_sources;
	struct stream *exact, *tail;
	bool clear_tail;
};

static int damaged(const struct col *c, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "a Parquet column holds what %s cannot be", c->name);
}

void parquet_row_free(struct parquet_row *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_streams; i++)
		parquet_scan_free(p->streams[i].scan);
	free(p->streams);
	free(p->stream_of);
	free(p->sources);
	free(p);
}

static bool is_wanted(const struct parquet_row_conf *conf, const struct col *c)
{
	return !(c->flags & COL_NOT_STORED) && (!conf->reads || conf->reads(conf->ctx, c));
}

/* Columns of the file that a stored column is read from; -1: none. */
static void columns_of(const struct parquet_file *f, const struct record *r, const struct col *c,
			 ptrdiff_t *own, ptrdiff_t *carrier, ptrdiff_t *extra, const char **path)
{
	const struct out_col *plain = schema_plain(r, c), *passes;
	char name[96];
	struct buf b;

	*own = *carrier = *extra = -1;
	if (schema_is_in_extra(r, c)) {
		*extra = parquet_column(f, STR(EXTRA_NAME));
		*path = plain->ecs;
		return;
	}
	if (plain && c->type != COL_JSON) {
		*own = parquet_column(f, str_of(plain->ecs));
		return;
	}
	buf_init(&b, sizeof(name));
	buf_fmt(&b, "%s%s", ROW_NAME, c->name);
	if (!buf_failed(&b))
		*own = parquet_column(f, buf_view(&b));
	buf_fini(&b);
	passes = schema_carrier(r, c);
	if (passes)
		*carrier = parquet_column(f, str_of(passes->ecs));
}

/* No row of the group has a value there: it need not be read. */
static bool is_all_null(const struct parquet_file *f, size_t group, size_t col)
{
	struct parquet_range range;

	parquet_range(f, group, col, &range);
	return range.has_nulls && range.nulls == parquet_group_rows(f, group);
}

/* The stream of a file's column, opened when it is first asked for. */
static int open_stream(struct parquet_row *p, ptrdiff_t col, struct stream **out, struct err *e)
{
	struct stream *s;

	*out = NULL;
	if (col < 0)
		return 0;
	if (p->stream_of[col] >= 0) {
		*out = &p->streams[p->stream_of[col]];
		return 0;
	}
	s = &p->streams[p->n_streams];
	*s = (struct stream){ .cell = { .known = false } };
	if (!is_all_null(p->file, p->group, (size_t)col)) {
		int rc = parquet_scan_new(&s->scan, p->file, p->group, (size_t)col, e);

		if (rc)
			return rc;
	}
	p->stream_of[col] = (ptrdiff_t)p->n_streams++;
	*out = s;
	return 0;
}

static bool is_number(const struct col *c)
{
	return c->type != COL_TEXT && c->type != COL_JSON && c->type != COL_ADDR && c->type != COL_MAC;
}

/* The types of an honest file. */
static int check_type(const struct parquet_row *p, const struct col *c, ptrdiff_t col, bool own,
		      struct err *e)
{
	enum parquet_type type;
	bool is_text;

	if (col < 0)
		return 0;
	type = parquet_column_type(p->file, (size_t)col);
	is_text = type == PARQUET_TEXT || type == PARQUET_BYTES;
	/* an enum's own field is its name, its row field the number */
	if (c->type == COL_ENUM && own)
		return 0;
	return is_text == !is_number(c) ? 0 : damaged(c, e);
}

static int open_source(struct parquet_row *p, const struct col *c, struct err *e)
{
	struct source *s = &p->sources[p->n_sources];
	ptrdiff_t own, carrier, extra;
	int rc;

	*s = (struct source){ .col = c };
	columns_of(p->file, p->record, c, &own, &carrier, &extra, &s->path);
	rc = check_type(p, c, own, true, e);
	if (!rc)
		rc = check_type(p, c, carrier, false, e);
	if (!rc && extra >= 0 && parquet_column_type(p->file, (size_t)extra) != PARQUET_TEXT)
		rc = damaged(c, e);
	if (!rc)
		rc = open_stream(p, own, &s->own, e);
	if (!rc)
		rc = open_stream(p, carrier, &s->carrier, e);
	if (!rc)
		rc = open_stream(p, extra, &s->extra, e);
	if (!rc)
		p->n_sources++;
	return rc;
}

static int open_bytes(struct parquet_row *p, const char *name, struct stream **out, struct err *e)
{
	ptrdiff_t col = parquet_column(p->file, str_of(name));

	if (col >= 0 && parquet_column_type(p->file, (size_t)col) != PARQUET_BYTES)
		return err_set(e, ERR_CORRUPT, "a Parquet column %s is none of bytes", name);
	return open_stream(p, col, out, e);
}

static int open_sources(struct parquet_row *p, const struct parquet_row_conf *conf, struct err *e)
{
	const struct record *r = conf->record;
	int rc = 0;

	for (size_t i = 0; !rc && i < r->n_cols; i++)
		if (is_wanted(conf, &r->cols[i]))
			rc = open_source(p, &r->cols[i], e);
	if (!rc)
		rc = open_bytes(p, EXACT_NAME, &p->exact, e);
	if (!rc && r->tail && conf->tail)
		rc = open_bytes(p, "event.original", &p->tail, e);
	return rc;
}

int parquet_row_new(struct parquet_row **out, struct parquet_file *f,
		    const struct parquet_row_conf *conf, struct err *e)
{
	const struct record *r = conf->record;
	struct parquet_row *p;
	struct str name;
	int rc;

	if (!parquet_pair(f, STR("toms.record"), &name) || !str_eq(name, str_of(r->name)))
		return err_set(e, ERR_INVALID, "the file has other rows than %s", r->name);
	p = calloc(1, sizeof(*p));
	if (p) {
		*p = (struct parquet_row){ .record = r,
					   .file = f,
					   .group = conf->group,
					   .rows = parquet_group_rows(f, conf->group),
					   .clear_tail = r->tail != NULL };
		p->streams = calloc(parquet_columns(f) + 1, sizeof(*p->streams));
		p->stream_of = malloc((parquet_columns(f) + 1) * sizeof(*p->stream_of));
		p->sources = calloc(r->n_cols + 1, sizeof(*p->sources));
	}
	if (!p || !p->streams || !p->stream_of || !p->sources) {
		parquet_row_free(p);
		return err_set(e, ERR_NOMEM, "no memory for rows of a file");
	}
	for (size_t i = 0; i < parquet_columns(f); i++)
		p->stream_of[i] = -1;
	rc = open_sources(p, conf, e);
	if (rc) {
		parquet_row_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

uint64_t parquet_row_bytes(const struct parquet_file *f, const struct parquet_row_conf *conf)
{
	const struct record *r = conf->record;
	size_t n = parquet_columns(f);
	bool *used = calloc(n + 1, sizeof(*used));
	uint64_t bytes = 0;
	ptrdiff_t at[5];
	const char *path;

	if (!used)
		return 0;
	for (size_t i = 0; i < r->n_cols; i++) {
		if (!is_wanted(conf, &r->cols[i]))
			continue;
		columns_of(f, r, &r->cols[i], &at[0], &at[1], &at[2], &path);
		for (size_t k = 0; k < 3; k++)
			if (at[k] >= 0)
				used[at[k]] = true;
	}
	at[3] = parquet_column(f, STR(EXACT_NAME));
	at[4] = r->tail && conf->tail ? parquet_column(f, STR("event.original")) : -1;
	for (size_t k = 3; k < 5; k++)
		if (at[k] >= 0)
			used[at[k]] = true;
	for (size_t i = 0; i < n; i++)
		if (used[i] && !is_all_null(f, conf->group, i))
			bytes += parquet_column_bytes(f, conf->group, i);
	free(used);
	return bytes;
}

static int put_number(const struct col *c, const struct parquet_cell *cell, char *to, struct err *e)
{
	uint64_t v = cell->u;

	if (c->size < 8 && v >> (8 * c->size))
		return damaged(c, e);
	memcpy(to, &v, c->size); /* the low bytes come first */
	return 0;
}

/* A name of a newer version's is unknown here. */
static void put_name(const struct col *c, struct str name, char *to)
{
	for (unsigned i = 0; c->names[i]; i++) {
		if (str_eq(name, str_of(c->names[i]))) {
			*to = (char)i;
			return;
		}
	}
}

/* A known value into its column, which is zero. */
static int put_cell(const struct col *c, const struct parquet_cell *cell, char *to, struct err *e)
{
	struct addr a;

	switch (c->type) {
	case COL_TIME:
	case COL_I64:
	case COL_U64:
	case COL_U32:
	case COL_U16:
	case COL_U8:
		return put_number(c, cell, to, e);
	case COL_ENUM:
		/* a text lies in text; of a number that is NULL */
		if (!cell->text.p)
			return put_number(c, cell, to, e);
		put_name(c, cell->text, to);
		return 0;
	case COL_TEXT:
	case COL_JSON:
		memcpy(to, cell->text.p, cell->text.n < c->size ? cell->text.n : c->size);
		return 0;
	case COL_ADDR:
		if (addr_parse(cell->text, &a))
			return damaged(c, e);
		memcpy(to, &a, sizeof(a));
		return 0;
	case COL_MAC:
		return mac_parse(cell->text, (uint8_t *)to) ? damaged(c, e) : 0;
	}
	return 0;
}

static int fill(const struct source *s, void *row, struct err *e)
{
	const struct col *c = s->col;
	char *to = (char *)row + c->off;

	memset(to, 0, c->size);
	if (s->own && s->own->cell.known)
		return put_cell(c, &s->own->cell, to, e);
	if (s->carrier && s->carrier->cell.known)
		return put_cell(c, &s->carrier->cell, to, e);
	if (s->extra && s->extra->cell.known) {
		struct str v = extra_member(s->extra->cell.text, s->path);

		/* anything else than an object stands in EXACT_NAME as well */
		if (v.n && v.n <= c->size && v.p[0] == '{')
			memcpy(to, v.p, v.n);
	}
	return 0;
}

/* What no other column could hold: see EXACT_NAME. */
static int fill_exact(const struct parquet_row *p, void *row, struct err *e)
{
	struct str rest = p->exact->cell.text, name;

	while (rest.n) {
		ptrdiff_t nul = str_chr(rest, '\0');
		size_t n;

		if (nul < 0 || rest.n - (size_t)nul < 3)
			return err_set(e, ERR_CORRUPT, "%s is damaged", EXACT_NAME);
		name = str_sub(rest, 0, (size_t)nul);
		n = (size_t)(uint8_t)rest.p[nul + 1] | (size_t)(uint8_t)rest.p[nul + 2] << 8;
		rest = str_sub(rest, (size_t)nul + 3, rest.n);
		if (n > rest.n)
			return err_set(e, ERR_CORRUPT, "%s is damaged", EXACT_NAME);
		for (size_t i = 0; i < p->n_sources; i++) {
			const struct col *c = p->sources[i].col;

			if (!str_eq(name, str_of(c->name)) || n > c->size)
				continue;
			memset((char *)row + c->off, 0, c->size);
			memcpy((char *)row + c->off, rest.p, n);
		}
		rest = str_sub(rest, n, rest.n);
	}
	return 0;
}

static int fill_tail(const struct parquet_row *p, void *row, struct err *e)
{
	const struct record_tail *t = p->record->tail;
	struct str line = p->tail && p->tail->cell.known ? p->tail->cell.text : STR("");
	uint32_t n = (uint32_t)line.n;

	if (line.n > t->max)
		return err_set(e, ERR_CORRUPT, "a line in the file is longer than %zu bytes", t->max);
	if (line.n)
		memcpy((char *)row + t->off, line.p, line.n);
	memcpy((char *)row + t->n_off, &n, sizeof(n));
	return 0;
}

int parquet_row_next(struct parquet_row *p, void *row, struct err *e)
{
	int rc = 0;

	if (p->next == p->rows)
		return -ERR_CLOSED;
	for (size_t i = 0; !rc && i < p->n_streams; i++)
		if (p->streams[i].scan)
			rc = parquet_scan_next(p->streams[i].scan, &p->streams[i].cell, e);
	for (size_t i = 0; !rc && i < p->n_sources; i++)
		rc = fill(&p->sources[i], row, e);
	if (!rc && p->exact && p->exact->cell.known)
		rc = fill_exact(p, row, e);
	if (!rc && p->clear_tail)
		rc = fill_tail(p, row, e);
	if (!rc)
		p->next++;
	return rc;
}

int parquet_row_at(struct parquet_row *p, uint64_t number, void *row, struct err *e)
{
	int rc = 0;

	if (number < p->next || number >= p->rows)
		return err_set(e, ERR_RANGE, "row %llu is behind or beyond",
			       (unsigned long long)number);
	for (size_t i = 0; !rc && i < p->n_streams; i++)
		if (p->streams[i].scan)
			rc = parquet_scan_skip(p->streams[i].scan, number - p->next, e);
	if (rc)
		return rc;
	p->next = number;
	return parquet_row_next(p, row, e);
}
