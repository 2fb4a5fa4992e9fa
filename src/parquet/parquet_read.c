/* A file of ours opened: its end, its facts, and whether a row group may hold a value. The pages are
 * parquet_scan.c's. One thread. */
#include <stdlib.h>
#include <zstd.h>

#include "bloom.h"
#include "parquet_meta.h"
#include "thrift.h"

enum {
	TAIL_BYTES = 64 << 10, /* read at once: most footers are shorter */
	FOOTER_MAX = 64 << 20,
	END_BYTES = 8, /* length and magic number */
	MIN_BYTES = 4 + END_BYTES,
};

static int read_at(const struct parquet_file *f, uint64_t off, void *p, size_t n, struct err *e)
{
	return f->src.read_at(f->src.ctx, off, p, n, e);
}

/* The footer, in one read or two. */
static int fetch_footer(struct parquet_file *f, struct err *e)
{
	uint8_t end[END_BYTES];
	size_t tail = f->src.size < TAIL_BYTES ? (size_t)f->src.size : TAIL_BYTES;
	uint8_t *p = malloc(tail);
	uint32_t n;
	int rc;

	if (!p)
		return err_set(e, ERR_NOMEM, "no memory for a footer");
	rc = read_at(f, f->src.size - tail, p, tail, e);
	if (rc) {
		free(p);
		return rc;
	}
	memcpy(end, p + tail - END_BYTES, sizeof(end));
	memcpy(&n, end, sizeof(n));
	if (memcmp(end + 4, PARQUET_MAGIC, 4) != 0 || n > FOOTER_MAX ||
	    n > f->src.size - MIN_BYTES) {
		free(p);
		return err_set(e, ERR_CORRUPT,
			       "this is no Parquet file, or its end is missing");
	}
	f->data_end = f->src.size - END_BYTES - n;
	f->footer_n = n;
	f->footer = malloc(n ? n : 1);
	if (!f->footer)
		rc = err_set(e, ERR_NOMEM, "no memory for a footer");
	else if (n + END_BYTES <= tail)
		memcpy(f->footer, p + tail - END_BYTES - n, n);
	else
		rc = read_at(f, f->data_end, f->footer, n, e);
	free(p);
	return rc;
}

int parquet_open(struct parquet_file **out, const struct parquet_source *src, struct err *e)
{
	struct parquet_file *f;
	int rc;

	if (src->size < MIN_BYTES)
		return err_set(e, ERR_CORRUPT, "too short for a Parquet file");
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, ERR_NOMEM, "no memory for a Parquet file");
	f->src = *src;
	rc = fetch_footer(f, e);
	if (!rc)
		rc = meta_read(f, e);
	if (rc) {
		parquet_close(f);
		return rc;
	}
	*out = f;
	return 0;
}

void parquet_close(struct parquet_file *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_groups; i++)
		free(f->groups[i].chunks);
	free(f->groups);
	free(f->columns);
	free(f->pairs);
	(void)ZSTD_freeDCtx(f->zstd);
	free(f->footer);
	free(f);
}

uint64_t parquet_rows(const struct parquet_file *f)
{
	return f->rows;
}

size_t parquet_groups(const struct parquet_file *f)
{
	return f->n_groups;
}

uint64_t parquet_group_rows(const struct parquet_file *f, size_t group)
{
	return f->groups[group].rows;
}

size_t parquet_columns(const struct parquet_file *f)
{
	return f->n_columns;
}

struct str parquet_column_name(const struct parquet_file *f, size_t col)
{
	return f->columns[col].name;
}

enum parquet_type parquet_column_type(const struct parquet_file *f, size_t col)
{
	return f->columns[col].type;
}

ptrdiff_t parquet_column(const struct parquet_file *f, struct str name)
{
	for (size_t i = 0; i < f->n_columns; i++) {
		if (str_eq(f->columns[i].name, name))
			return (ptrdiff_t)i;
	}
	return -1;
}

bool parquet_pair(const struct parquet_file *f, struct str key, struct str *value)
{
	for (size_t i = 0; i < f->n_pairs; i++) {
		if (str_eq(f->pairs[i].key, key)) {
			*value = f->pairs[i].value;
			return true;
		}
	}
	return false;
}

uint64_t parquet_column_bytes(const struct parquet_file *f, size_t group, size_t col)
{
	return f->groups[group].chunks[col].bytes;
}

void parquet_range(const struct parquet_file *f, size_t group, size_t col,
		   struct parquet_range *out)
{
	*out = f->groups[group].chunks[col].range;
}

static int compare(enum parquet_type type, const struct parquet_cell *a,
		   const struct parquet_cell *b)
{
	size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
	int c;

	if (!parquet_is_text(type) && parquet_is_signed(type))
		return a->i < b->i ? -1 : a->i > b->i;
	if (!parquet_is_text(type))
		return a->u < b->u ? -1 : a->u > b->u;
	c = n ? memcmp(a->text.p, b->text.p, n) : 0;
	return c ? c : a->text.n < b->text.n ? -1 : a->text.n > b->text.n;
}

/* A filter's header: how many bytes of bits follow, and that they are of the one kind there is. */
static size_t bloom_header(struct thrift_in *t)
{
	enum thrift_type type;
	int64_t n = 0;
	int id;

	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id == 1)
			n = thrift_int(t, type);
		else
			thrift_skip(t, type);
	}
	if (!thrift_ok(t) || n < BLOOM_BLOCK || n % BLOOM_BLOCK ||
	    (uint64_t)n != rd_left(&t->r))
		return 0;
	return (size_t)n;
}

static int ask_bloom(const struct parquet_file *f, const struct read_chunk *k,
		     const struct parquet_cell *v, struct err *e)
{
	uint8_t *p = malloc(k->bloom_bytes ? k->bloom_bytes : 1);
	uint64_t hash = xxh64(v->text.p, v->text.n);
	struct thrift_in t;
	size_t n;
	int rc;

	if (!p)
		return err_set(e, ERR_NOMEM, "no memory for a bloom filter");
	rc = read_at(f, k->bloom_off, p, k->bloom_bytes, e);
	if (rc == 0) {
		t = thrift_in(p, k->bloom_bytes);
		n = bloom_header(&t);
		if (n == 0 || (!f->src.salvage && xxh64(t.r.p, n) != k->bloom_check))
			rc = err_set(e, ERR_CORRUPT, "a bloom filter is damaged");
		else
			rc = bloom_has(t.r.p + bloom_block(n, hash), hash);
	}
	free(p);
	return rc;
}

int parquet_may_hold(struct parquet_file *f, size_t group, size_t col,
		     const struct parquet_cell *v, struct err *e)
{
	const struct read_chunk *k = &f->groups[group].chunks[col];
	enum parquet_type type = f->columns[col].type;
	const struct parquet_range *r = &k->range;

	if (!v->known)
		return !r->has_nulls || r->nulls > 0;
	if (r->has_nulls && r->nulls == f->groups[group].rows)
		return 0;
	if (r->has_range && (compare(type, v, &r->min) < 0 || compare(type, v, &r->max) > 0))
		return 0;
	if (k->bloom_off && parquet_is_text(type))
		return ask_bloom(f, k, v, e);
	return 1;
}
