/* Rows of any record as one Parquet file.
 *
 * File: "PAR1", row groups (per column one chunk: dictionary page, data pages), bloom filters, footer,
 * its length, "PAR1" (apache/parquet-format README.md, Encodings.md, BloomFilter.md, parquet.thrift). A row
 * group is collected column by column and leaves as a whole. One thread. */
#include <stdlib.h>

#include "extra.h"
#include "footer.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

enum {
	GROUP_ROWS = 100000,
	GROUP_ROWS_MAX = 1 << 24,
	GROUP_BYTES = 128 << 20,
	PAGE_BYTES = 1 << 20,
	PAGE_BYTES_MAX = 16 << 20,
	LEVEL = 3,
	LEVEL_MAX = 19, /* above it frames need a window that other readers refuse */
	TEXT_ROOM = 1600,
	ADDR_SLOTS = 4096,
};

/* Addresses as text, for who is told of each value: the same few come again and again. */
struct addr_texts {
	struct {
		struct addr addr;
		uint8_t n;
		char text[ADDR_TEXT_MAX];
	} slot[ADDR_SLOTS];
};

struct parquet_writer {
	struct parquet_conf conf;
	struct addr_texts *addr_texts; /* where conf.cell is set */
	struct parquet_sink sink;
	struct schema schema;
	struct column *columns; /* one a field */
	struct press press;
	struct extra extra;
	struct buf out;
	struct group *groups;
	size_t n_groups, groups_room;
	bool *carried; /* by row field: a member of this row says it */
	bool exactly;  /* the text put last stands there as it is */
	uint64_t bytes, rows, group_rows;
	int failed; /* enum err_code of the first failure */
};

static int check_conf(struct parquet_conf *c, struct err *e)
{
	if (!c->group_rows)
		c->group_rows = GROUP_ROWS;
	if (!c->group_bytes)
		c->group_bytes = GROUP_BYTES;
	if (!c->page_bytes)
		c->page_bytes = PAGE_BYTES;
	if (!c->level)
		c->level = LEVEL;
	if (c->group_rows > GROUP_ROWS_MAX)
		return err_set(e, ERR_RANGE, "at most %d rows in a row group", GROUP_ROWS_MAX);
	if (c->page_bytes > PAGE_BYTES_MAX)
		return err_set(e, ERR_RANGE, "at most %d bytes in a page", PAGE_BYTES_MAX);
	if (c->level < -1 || c->level > LEVEL_MAX)
		return err_set(e, ERR_RANGE, "zstd level %d: at most %d", c->level, LEVEL_MAX);
	return 0;
}

static int make_press(struct parquet_writer *w, struct err *e)
{
	buf_init(&w->press.raw, SIZE_MAX >> 1);
	w->press.page_bytes = w->conf.page_bytes;
	if (w->conf.level < 0)
		return 0;
	w->press.zstd = ZSTD_createCCtx();
	/* the frame's checksum finds a byte that turned over */
	if (!w->press.zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(w->press.zstd, ZSTD_c_compressionLevel,
						w->conf.level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(w->press.zstd, ZSTD_c_checksumFlag, 1)))
		return err_set(e, ERR_NOMEM, "no memory for zstd");
	return 0;
}

static int make_columns(struct parquet_writer *w, struct err *e)
{
	uint64_t seed;

	file_random(&seed, sizeof(seed));
	w->columns = calloc(w->schema.n, sizeof(*w->columns));
	if (!w->columns)
		return err_set(e, ERR_NOMEM, "no memory for columns");
	for (size_t i = 0; i < w->schema.n; i++) {
		int rc = column_init(&w->columns[i], &w->schema.fields[i], w->conf.group_rows,
				     seed, e);

		if (rc)
			return rc;
	}
	return 0;
}

int parquet_writer_new(struct parquet_writer **out, const struct parquet_conf *conf,
		       const struct parquet_sink *sink, struct err *e)
{
	struct parquet_writer *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return err_set(e, ERR_NOMEM, "no memory for a Parquet writer");
	w->conf = *conf;
	w->sink = *sink;
	buf_init(&w->out, SIZE_MAX >> 1);
	rc = check_conf(&w->conf, e);
	if (!rc)
		rc = schema_init(&w->schema, conf->record, conf->leave_out, conf->whole_rows, e);
	if (!rc)
		rc = extra_init(&w->extra, &w->schema, e);
	if (!rc)
		rc = make_press(w, e);
	if (!rc)
		rc = make_columns(w, e);
	if (!rc) {
		w->carried = calloc(w->schema.n, sizeof(*w->carried));
		rc = w->carried ? 0 : err_set(e, ERR_NOMEM, "no memory for columns");
	}
	if (!rc && conf->cell) {
		w->addr_texts = calloc(1, sizeof(*w->addr_texts));
		rc = w->addr_texts ? 0 : err_set(e, ERR_NOMEM, "no memory for addresses");
	}
	if (rc) {
		parquet_writer_free(w);
		return rc;
	}
	buf_cstr(&w->out, PARQUET_MAGIC);
	*out = w;
	return 0;
}

static void free_chunks(const struct parquet_writer *w, struct group *g)
{
	for (size_t i = 0; g->chunks && i < w->schema.n; i++)
		free(g->chunks[i].bloom);
	free(g->chunks);
}

void parquet_writer_free(struct parquet_writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; w->columns && i < w->schema.n; i++)
		column_fini(&w->columns[i]);
	for (size_t i = 0; i < w->n_groups; i++)
		free_chunks(w, &w->groups[i]);
	free(w->columns);
	free(w->groups);
	free(w->addr_texts);
	free(w->carried);
	(void)ZSTD_freeCCtx(w->press.zstd);
	free(w->press.packed);
	buf_fini(&w->press.raw);
	extra_fini(&w->extra);
	schema_fini(&w->schema);
	buf_fini(&w->out);
	free(w);
}

static int fail(struct parquet_writer *w, struct err *e)
{
	w->failed = e && e->code ? e->code : ERR_IO;
	return -w->failed;
}

static int flush(struct parquet_writer *w, struct err *e)
{
	int rc;

	if (buf_failed(&w->out)) {
		(void)err_set(e, ERR_NOMEM, "no memory for a Parquet file");
		return -(w->failed = ERR_NOMEM);
	}
	rc = w->sink.append(w->sink.ctx, w->out.p, w->out.n, e);
	if (rc)
		return -(w->failed = -rc);
	w->bytes += w->out.n;
	buf_reset(&w->out);
	return 0;
}

/* Room for one more group; its chunks belong to it. */
static struct group *new_group(struct parquet_writer *w)
{
	struct chunk *chunks = calloc(w->schema.n, sizeof(*chunks));

	if (w->n_groups == w->groups_room) {
		size_t room = w->groups_room ? 2 * w->groups_room : 8;
		struct group *groups = realloc(w->groups, room * sizeof(*groups));

		if (!groups) {
			free(chunks);
			return NULL;
		}
		w->groups = groups;
		w->groups_room = room;
	}
	if (!chunks)
		return NULL;
	w->groups[w->n_groups] = (struct group){ .rows = w->group_rows, .chunks = chunks };
	return &w->groups[w->n_groups++];
}

static int end_group(struct parquet_writer *w, struct err *e)
{
	struct group *g = new_group(w);

	if (!g) {
		(void)err_set(e, ERR_NOMEM, "no memory for a row group");
		return -(w->failed = ERR_NOMEM);
	}
	for (size_t i = 0; i < w->schema.n; i++) {
		struct column *c = &w->columns[i];
		int rc = column_end(c, &w->press, e);

		if (!rc) {
			g->chunks[i] = c->chunk;
			g->chunks[i].off = w->bytes + w->out.n;
			c->chunk.bloom = NULL; /* the group has it now */
			buf_put(&w->out, c->pages.p, c->pages.n);
			column_begin(c);
			rc = flush(w, e);
		}
		if (rc)
			return fail(w, e);
	}
	w->group_rows = 0;
	return 0;
}

/* Who listens hears what a reader will find. */
static void tell(const struct parquet_writer *w, size_t i, struct parquet_cell v)
{
	w->conf.cell(w->conf.cell_ctx, w->schema.fields[i].type, &v);
}

static void put_null(struct parquet_writer *w, size_t i)
{
	column_null(&w->columns[i]);
	if (w->conf.cell)
		tell(w, i, (struct parquet_cell){ .known = false });
}

static void tell_text(const struct parquet_writer *w, size_t i, struct str s)
{
	if (w->conf.cell)
		tell(w, i, (struct parquet_cell){ .known = true, .text = s });
}

static void tell_addr(struct parquet_writer *w, size_t i, const void *p)
{
	struct addr a;
	uint64_t low;

	memcpy(&a, p, sizeof(a));
	memcpy(&low, a.b + 8, sizeof(low));
	size_t at = hash_mix64(low) % ADDR_SLOTS;
	/* an address of zeros is none, so an empty slot meets nobody */
	if (memcmp(&w->addr_texts->slot[at].addr, &a, sizeof(a)) != 0) {
		w->addr_texts->slot[at].addr = a;
		addr_text(&a, w->addr_texts->slot[at].text);
		w->addr_texts->slot[at].n = (uint8_t)strlen(w->addr_texts->slot[at].text);
	}
	tell_text(w, i, str_n(w->addr_texts->slot[at].text, w->addr_texts->slot[at].n));
}

/* Addresses are collected as they lie in the row. */
static void put_address(struct parquet_writer *w, size_t i, const struct col *col,
			const void *row)
{
	const void *p = col_at(col, row);
	char text[MAC_TEXT_MAX];

	w->extra.said[i] = true;
	column_value(&w->columns[i], &w->press, p, col->size);
	if (!w->conf.cell)
		return;
	if (col->type == COL_ADDR) {
		tell_addr(w, i, p);
		return;
	}
	mac_text(p, text);
	tell_text(w, i, str_n(text, MAC_TEXT_MAX - 1));
}

/* Text that is not UTF-8 must not stand in a column that promises it. */
static void put_text(struct parquet_writer *w, size_t i, struct str s)
{
	const struct field *f = &w->schema.fields[i];
	char clean[TEXT_ROOM];

	w->extra.said[i] = true;
	if (f->type == PARQUET_TEXT && !str_utf8_valid(s)) {
		extra_bytes(&w->extra, f->name, s);
		w->exactly = false;
		str_copy_clean(clean, sizeof(clean), s);
		s = str_of(clean);
	}
	column_value(&w->columns[i], &w->press, s.p, s.n);
	tell_text(w, i, s);
}

static void put_number(struct parquet_writer *w, size_t i, int64_t v)
{
	w->extra.said[i] = true;
	column_value(&w->columns[i], &w->press, &v, sizeof(v));
	if (w->conf.cell)
		tell(w, i, (struct parquet_cell){ .known = true, .i = v });
}

static bool is_zero(const void *p, size_t n)
{
	static const uint8_t zeros[16];

	return memcmp(p, zeros, n) == 0;
}

static bool is_zero_col(const struct col *c, const void *row)
{
	if (c->type == COL_TEXT || c->type == COL_JSON)
		return *(const char *)col_at(c, row) == '\0';
	return is_zero(col_at(c, row), c->size);
}

/* As record_value has it, without the way through text: empty text and unknown addresses say nothing,
 * numbers where the column says that zero is unknown. */
static void put_plain(struct parquet_writer *w, size_t i, const struct col *col,
		      const void *row)
{
	const struct field *f = &w->schema.fields[i];
	struct str s;
	int64_t v;

	w->exactly = true;
	switch (f->key) {
	case KEY_NUMBER:
		v = col_int(col, row);
		if (v == 0 && (col->flags & COL_OMIT_ZERO))
			put_null(w, i);
		else
			put_number(w, i, v);
		return;
	case KEY_TEXT:
		s = col_text(col, row);
		if (s.n == 0 || (col->type == COL_ENUM && (col->flags & COL_OMIT_ZERO) &&
				 is_zero(col_at(col, row), 1)))
			put_null(w, i);
		else
			put_text(w, i, s);
		/* a text that was cleaned, a value that has no name */
		if (!w->exactly || (col->type == COL_ENUM && s.n == 0 && col_int(col, row)))
			extra_exact(&w->extra, col, row);
		return;
	case KEY_ADDR:
	case KEY_MAC:
		if (is_zero(col_at(col, row), col->size))
			put_null(w, i);
		else
			put_address(w, i, col, row);
		return;
	}
}

static bool fits(enum parquet_type type, uint64_t v)
{
	return type == PARQUET_U64 || (type == PARQUET_U32 && v <= UINT32_MAX) ||
	       (type == PARQUET_U16 && v <= UINT16_MAX) ||
	       (type == PARQUET_U8 && v <= UINT8_MAX);
}

/* Does this field's value of the row, or that it has none, say what the stored column holds? */
static bool carries(const struct parquet_writer *w, size_t i, const struct value *v, const void *row)
{
	const struct col *c = w->schema.fields[w->schema.fields[i].row_field - 1].col;

	if (!w->extra.said[i])
		return c->type == COL_TEXT ? *(const char *)col_at(c, row) == '\0' :
					     col_int(c, row) == 0;
	if (c->type != COL_TEXT)
		return col_int(c, row) == v->i;
	return w->exactly && str_eq(v->type == VALUE_REF ? v->ref : str_of(v->text), col_text(c, row));
}

/* A value of another type than its column's stays unsaid: toms.extra has it then. */
static void put_computed(struct parquet_writer *w, size_t i, const struct out_col *o,
			 const void *row, struct value *v)
{
	enum parquet_type type = w->schema.fields[i].type;

	v->type = VALUE_NONE;
	w->exactly = true;
	o->get(row, v);
	if (v->type == VALUE_U64)
		v->i = (int64_t)v->u;
	if (v->type == VALUE_TEXT && parquet_is_text(type))
		put_text(w, i, str_of(v->text));
	else if (v->type == VALUE_REF && parquet_is_text(type) &&
		 (type == PARQUET_BYTES || v->ref.n < TEXT_ROOM / 3 || str_utf8_valid(v->ref)))
		put_text(w, i, v->ref);
	else if ((v->type == VALUE_I64 && type == PARQUET_I64) ||
		 (v->type == VALUE_TIME && type == PARQUET_TIME))
		put_number(w, i, v->i);
	else if (v->type == VALUE_U64 && fits(type, v->u))
		put_number(w, i, (int64_t)v->u);
	else
		put_null(w, i);
	if (w->schema.fields[i].row_field)
		w->carried[w->schema.fields[i].row_field - 1] = carries(w, i, v, row);
}

/* A stored column that no member shows. */
static void put_row_field(struct parquet_writer *w, size_t i, const void *row)
{
	const struct field *f = &w->schema.fields[i];

	if (f->carrier ? w->carried[i] : is_zero_col(f->col, row))
		put_null(w, i);
	else if (f->key == KEY_NUMBER)
		put_number(w, i, col_int(f->col, row));
	else if (f->key == KEY_TEXT)
		put_text(w, i, str_n(col_at(f->col, row), strnlen(col_at(f->col, row), f->col->size)));
	else
		put_address(w, i, f->col, row);
}

/* Bytes of the group's long values: what its memory and that of its readers hang on. */
static uint64_t long_bytes(const struct parquet_writer *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->schema.n; i++)
		n += w->columns[i].long_bytes;
	return n;
}

static void put_row_fields(struct parquet_writer *w, const void *row)
{
	size_t exact = schema_exact(&w->schema);

	for (size_t i = w->schema.n_members; i < exact; i++)
		put_row_field(w, i, row);
	if (w->extra.exact.n && !buf_failed(&w->extra.exact))
		put_text(w, exact, buf_view(&w->extra.exact));
	else
		put_null(w, exact);
}

int parquet_put(struct parquet_writer *w, const void *row, struct err *e)
{
	size_t last = w->schema.n - 1;
	struct str extra;
	struct value v;
	bool failed;

	if (w->failed)
		return err_set(e, (enum err_code)w->failed,
			       "an earlier row could not be written");
	extra_begin(&w->extra);
	for (size_t i = 0; i < w->schema.n_members; i++) {
		const struct field *f = &w->schema.fields[i];

		if (f->col)
			put_plain(w, i, f->col, row);
		else
			put_computed(w, i, f->out, row, &v);
	}
	extra = extra_end(&w->extra, row, &failed);
	if (w->schema.whole)
		put_row_fields(w, row);
	if (failed) {
		w->failed = ERR_NOMEM;
		return err_set(e, ERR_NOMEM, "no memory for a row's extra members");
	}
	if (extra.n) {
		column_value(&w->columns[last], &w->press, extra.p, extra.n);
		tell_text(w, last, extra);
	} else {
		put_null(w, last);
	}
	w->rows++;
	w->group_rows++;
	if (w->group_rows == w->conf.group_rows || long_bytes(w) >= w->conf.group_bytes)
		return end_group(w, e);
	return 0;
}

int parquet_finish(struct parquet_writer *w, struct parquet_sum *sum, struct err *e)
{
	struct footer f;
	int rc = 0;

	if (w->failed)
		return err_set(e, (enum err_code)w->failed,
			       "an earlier row could not be written");
	if (w->group_rows)
		rc = end_group(w, e);
	if (rc)
		return rc;
	f = (struct footer){ .schema = &w->schema,
			     .conf = &w->conf,
			     .groups = w->groups,
			     .n_groups = w->n_groups,
			     .rows = w->rows,
			     .blooms_off = w->bytes + w->out.n };
	footer_blooms(&f, &w->out);
	footer_put(&f, &w->out);
	rc = flush(w, e);
	if (!rc && sum)
		*sum = (struct parquet_sum){ w->rows, w->bytes, w->n_groups };
	return rc;
}
