/* The footer of a file (parquet.thrift FileMetaData), read as if an enemy had written it: every count is
 * bounded by the bytes that are left, every offset by the file. What our writer does not write (nested or
 * required columns, other types, encryption) is refused in words. One thread. */
#include "parquet_meta.h"

#include <stdlib.h>

#include "bloom.h"
#include "thrift.h"
#include "tomsd/base/num.h"

enum {
	COLUMNS_MAX = 1000,
	GROUPS_MAX = 1 << 20,
	PAIRS_MAX = 10000,
	GROUP_ROWS_MAX = 1 << 24,
};

static int damaged(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the Parquet footer is damaged");
}

static int foreign(struct err *e, const char *what)
{
	return err_set(e, ERR_UNSUPPORTED, "not a Parquet file of ours: %s", what);
}

bool meta_cell(enum parquet_type type, struct str plain, struct parquet_cell *out)
{
	unsigned width = parquet_width(type);
	uint32_t small;

	*out = (struct parquet_cell){ .known = true };
	if (width == 0) {
		out->text = plain;
		return true;
	}
	if (plain.n != width)
		return false;
	if (width == 4) {
		memcpy(&small, plain.p, sizeof(small));
		out->u = small;
	} else {
		memcpy(&out->u, plain.p, sizeof(out->u));
	}
	return true;
}

/* Schema. */

struct element {
	int physical, repetition, logical, bits;
	int64_t children;
	bool is_signed;
	struct str name;
};

static void read_integer(struct thrift_in *t, struct element *s)
{
	enum thrift_type type;
	int id;

	thrift_enter(t);
	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id == 1)
			s->bits = (int)thrift_int(t, type);
		else if (id == 2)
			s->is_signed = thrift_bool(t, type);
		else
			thrift_skip(t, type);
	}
}

/* TimestampType: its unit is a union whose member's id says which; NANOS is 3. */
static void read_timestamp(struct thrift_in *t, struct element *s)
{
	enum thrift_type type;
	int id;

	thrift_enter(t);
	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id != 2 || type != THRIFT_STRUCT) {
			thrift_skip(t, type);
			continue;
		}
		thrift_enter(t);
		while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
			s->bits = id;
			thrift_skip(t, type);
		}
	}
}

static void read_logical(struct thrift_in *t, struct element *s)
{
	enum thrift_type type;
	int id;

	thrift_enter(t);
	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		s->logical = id;
		if (id == LOGICAL_INTEGER && type == THRIFT_STRUCT)
			read_integer(t, s);
		else if (id == LOGICAL_TIMESTAMP && type == THRIFT_STRUCT)
			read_timestamp(t, s);
		else
			thrift_skip(t, type);
	}
}

static void read_element(struct thrift_in *t, struct element *s)
{
	enum thrift_type type;
	int id;

	*s = (struct element){ .physical = -1, .repetition = -1 };
	thrift_enter(t);
	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id == 1)
			s->physical = (int)thrift_int(t, type);
		else if (id == 3)
			s->repetition = (int)thrift_int(t, type);
		else if (id == 4)
			s->name = thrift_str(t, type);
		else if (id == 5)
			s->children = thrift_int(t, type);
		else if (id == 10 && type == THRIFT_STRUCT)
			read_logical(t, s);
		else
			thrift_skip(t, type);
	}
}

/* Only what footer.c writes has a type. */
static bool column_type(const struct element *s, enum parquet_type *out)
{
	enum { NANOS = 3 };
	static const struct {
		int physical, logical, bits;
		enum parquet_type type;
	} types[] = {
		{ PHYSICAL_INT64, LOGICAL_TIMESTAMP, NANOS, PARQUET_TIME },
		{ PHYSICAL_INT64, 0, 0, PARQUET_I64 },
		{ PHYSICAL_INT64, LOGICAL_INTEGER, 64, PARQUET_U64 },
		{ PHYSICAL_INT32, LOGICAL_INTEGER, 32, PARQUET_U32 },
		{ PHYSICAL_INT32, LOGICAL_INTEGER, 16, PARQUET_U16 },
		{ PHYSICAL_INT32, LOGICAL_INTEGER, 8, PARQUET_U8 },
		{ PHYSICAL_BYTES, LOGICAL_STRING, 0, PARQUET_TEXT },
		{ PHYSICAL_BYTES, 0, 0, PARQUET_BYTES },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i].physical == s->physical && types[i].logical == s->logical &&
		    types[i].bits == s->bits && !s->is_signed) {
			*out = types[i].type;
			return s->repetition == REPEAT_OPTIONAL && s->children == 0;
		}
	}
	return false;
}

static int read_schema(struct parquet_file *f, struct thrift_in *t, enum thrift_type type,
		       struct err *e)
{
	size_t n = thrift_list_of(t, type, THRIFT_STRUCT);
	struct element s;

	if (!thrift_ok(t) || n == 0 || f->columns)
		return damaged(e);
	if (n - 1 > COLUMNS_MAX)
		return foreign(e, "too many columns");
	read_element(t, &s);
	if (s.children != (int64_t)(n - 1))
		return foreign(e, "its columns are nested");
	f->columns = calloc(n, sizeof(*f->columns));
	if (!f->columns)
		return err_set(e, ERR_NOMEM, "no memory for columns");
	for (size_t i = 0; i + 1 < n; i++) {
		read_element(t, &s);
		if (!thrift_ok(t))
			return damaged(e);
		f->columns[i].name = s.name;
		if (!column_type(&s, &f->columns[i].type))
			return foreign(e, "a column's type is none of ours");
		f->n_columns++;
	}
	return 0;
}

/* Row groups. Ranges are read as raw text first: what they mean hangs on the column. */

struct raw_chunk {
	struct read_chunk chunk;
	uint64_t values, data_off, dict_off;
	bool has_nulls, has_min, has_max, inexact, elsewhere;
	uint64_t nulls;
	struct str min, max, path;
	size_t path_n;
};

static void read_range(struct thrift_in *t, struct raw_chunk *k)
{
	enum thrift_type type;
	int id;

	thrift_enter(t);
	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id == 3) {
			k->nulls = (uint64_t)thrift_int(t, type);
			k->has_nulls = true;
		} else if (id == 5) {
			k->max = thrift_str(t, type);
			k->has_max = true;
		} else if (id == 6) {
			k->min = thrift_str(t, type);
			k->has_min = true;
		} else if (id == 7 || id == 8) {
			k->inexact |= !thrift_bool(t, type);
		} else {
			thrift_skip(t, type);
		}
	}
}

static void read_path(struct thrift_in *t, enum thrift_type type, struct raw_chunk *k)
{
	k->path_n = thrift_list_of(t, type, THRIFT_BYTES);
	for (size_t i = 0; i < k->path_n && thrift_ok(t); i++)
		k->path = thrift_str(t, THRIFT_BYTES);
}

static void read_column_meta(struct thrift_in *t, struct raw_chunk *k)
{
	enum thrift_type type;
	int id;

	thrift_enter(t);
	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id == 3)
			read_path(t, type, k);
		else if (id == 4)
			k->chunk.codec = (int)thrift_int(t, type);
		else if (id == 5)
			k->values = (uint64_t)thrift_int(t, type);
		else if (id == 6)
			k->chunk.raw_bytes = (uint64_t)thrift_int(t, type);
		else if (id == 7)
			k->chunk.bytes = (uint64_t)thrift_int(t, type);
		else if (id == 9)
			k->data_off = (uint64_t)thrift_int(t, type);
		else if (id == 11)
			k->dict_off = (uint64_t)thrift_int(t, type);
		else if (id == 12 && type == THRIFT_STRUCT)
			read_range(t, k);
		else if (id == 14)
			k->chunk.bloom_off = (uint64_t)thrift_int(t, type);
		else if (id == 15)
			k->chunk.bloom_bytes = (uint32_t)thrift_int(t, type);
		else
			thrift_skip(t, type);
	}
}

static void read_raw_chunk(struct thrift_in *t, struct raw_chunk *k)
{
	enum thrift_type type;
	int id;

	*k = (struct raw_chunk){ .chunk.codec = -1 };
	thrift_enter(t);
	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id == 1)
			k->elsewhere = true; /* in another file */
		if (id == 3 && type == THRIFT_STRUCT)
			read_column_meta(t, k);
		else
			thrift_skip(t, type);
	}
}

static bool within(const struct parquet_file *f, uint64_t off, uint64_t n)
{
	return off >= 4 && off <= f->data_end && n <= f->data_end - off;
}

static int judge_chunk(const struct parquet_file *f, const struct read_column *c,
		       struct raw_chunk *k, struct err *e)
{
	struct parquet_range *r = &k->chunk.range;

	if (k->elsewhere || k->path_n != 1 || !str_eq(k->path, c->name))
		return foreign(e, "row groups and columns do not agree");
	if (k->chunk.codec != CODEC_ZSTD && k->chunk.codec != CODEC_NONE)
		return foreign(e, "its compression is not zstd");
	k->chunk.off = k->dict_off ? k->dict_off : k->data_off;
	if (k->data_off < k->chunk.off || !within(f, k->chunk.off, k->chunk.bytes) ||
	    (k->chunk.bloom_off && (k->chunk.bloom_bytes > 2 * BLOOM_MAX ||
				    !within(f, k->chunk.bloom_off, k->chunk.bloom_bytes))))
		return damaged(e);
	if (k->has_nulls && k->nulls > k->values)
		return damaged(e);
	r->has_nulls = k->has_nulls;
	r->nulls = k->nulls;
	r->has_range = k->has_min && k->has_max && !k->inexact;
	if (r->has_range &&
	    (!meta_cell(c->type, k->min, &r->min) || !meta_cell(c->type, k->max, &r->max)))
		return damaged(e);
	return 0;
}

static int read_chunks(struct parquet_file *f, struct read_group *g, struct thrift_in *t,
		       enum thrift_type type, uint64_t *values, struct err *e)
{
	size_t n = thrift_list_of(t, type, THRIFT_STRUCT);
	struct raw_chunk k;
	int rc;

	if (!thrift_ok(t) || n != f->n_columns || g->chunks)
		return damaged(e);
	g->chunks = calloc(n ? n : 1, sizeof(*g->chunks));
	if (!g->chunks)
		return err_set(e, ERR_NOMEM, "no memory for row groups");
	for (size_t i = 0; i < n; i++) {
		read_raw_chunk(t, &k);
		if (!thrift_ok(t) || (i && k.values != *values))
			return damaged(e);
		rc = judge_chunk(f, &f->columns[i], &k, e);
		if (rc)
			return rc;
		*values = k.values;
		g->chunks[i] = k.chunk;
	}
	return 0;
}

static int read_group(struct parquet_file *f, struct thrift_in *t, struct err *e)
{
	struct read_group *g = &f->groups[f->n_groups++];
	uint64_t values = 0;
	enum thrift_type type;
	int id, rc = 0;

	thrift_enter(t);
	while (!rc && (type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id == 1)
			rc = read_chunks(f, g, t, type, &values, e);
		else if (id == 3)
			g->rows = (uint64_t)thrift_int(t, type);
		else
			thrift_skip(t, type);
	}
	if (rc)
		return rc;
	/* flat columns: a value, or its absence, a row */
	if (!thrift_ok(t) || !g->chunks || g->rows != values || g->rows > GROUP_ROWS_MAX)
		return damaged(e);
	return 0;
}

static int read_groups(struct parquet_file *f, struct thrift_in *t, enum thrift_type type,
		       struct err *e)
{
	size_t n = thrift_list_of(t, type, THRIFT_STRUCT);
	int rc;

	if (!thrift_ok(t) || f->groups || !f->columns || n > GROUPS_MAX)
		return damaged(e);
	f->groups = calloc(n + 1, sizeof(*f->groups));
	if (!f->groups)
		return err_set(e, ERR_NOMEM, "no memory for row groups");
	for (size_t i = 0; i < n; i++) {
		rc = read_group(f, t, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_pairs(struct parquet_file *f, struct thrift_in *t, enum thrift_type type,
		      struct err *e)
{
	size_t n = thrift_list_of(t, type, THRIFT_STRUCT);
	int id;

	if (!thrift_ok(t) || f->pairs || n > PAIRS_MAX)
		return damaged(e);
	f->pairs = calloc(n + 1, sizeof(*f->pairs));
	if (!f->pairs)
		return err_set(e, ERR_NOMEM, "no memory for metadata");
	for (f->n_pairs = 0; f->n_pairs < n && thrift_ok(t); f->n_pairs++) {
		struct read_pair *p = &f->pairs[f->n_pairs];

		thrift_enter(t);
		while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
			if (id == 1)
				p->key = thrift_str(t, type);
			else if (id == 2)
				p->value = thrift_str(t, type);
			else
				thrift_skip(t, type);
		}
	}
	return 0;
}

static int read_all(struct parquet_file *f, struct err *e)
{
	struct thrift_in t = thrift_in(f->footer, f->footer_n);
	enum thrift_type type;
	int id, rc = 0;

	while (!rc && (type = thrift_next(&t, &id)) != THRIFT_STOP) {
		if (id == 2)
			rc = read_schema(f, &t, type, e);
		else if (id == 3)
			f->rows = (uint64_t)thrift_int(&t, type);
		else if (id == 4)
			rc = read_groups(f, &t, type, e);
		else if (id == 5)
			rc = read_pairs(f, &t, type, e);
		else if (id == 6)
			f->created_by = thrift_str(&t, type);
		else
			thrift_skip(&t, type);
	}
	if (!rc && (!thrift_ok(&t) || !f->columns || !f->groups))
		return damaged(e);
	return rc;
}

static bool read_hex(struct str digits, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < CHECK_DIGITS; i++) {
		int d = i < digits.n ? num_hex_digit(digits.p[i]) : -1;

		if (d < 0)
			return false;
		*out = *out << 4 | (unsigned)d;
	}
	return true;
}

static int check_rows(const struct parquet_file *f, struct err *e)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < f->n_groups; i++)
		rows += f->groups[i].rows;
	return rows == f->rows ? 0 : damaged(e);
}

/* The checksum was counted with zeros in its own place. */
static int check_footer(const struct parquet_file *f, struct err *e)
{
	struct str digits;
	uint64_t told, is;
	char *at;

	if (!parquet_pair(f, STR(META_CHECK), &digits) || digits.n != CHECK_DIGITS)
		return foreign(e, "no checksum in its footer");
	at = (char *)f->footer + (digits.p - (const char *)f->footer);
	if (!read_hex(digits, &told))
		return damaged(e);
	memset(at, '0', CHECK_DIGITS);
	is = xxh64(f->footer, f->footer_n);
	return is == told ? 0 : damaged(e);
}

static int share_bloom_checks(struct parquet_file *f, struct err *e)
{
	struct str hex = STR("");

	(void)parquet_pair(f, STR(META_BLOOMS), &hex); /* empty where there are no filters */
	for (size_t g = 0; g < f->n_groups; g++) {
		for (size_t c = 0; c < f->n_columns; c++) {
			struct read_chunk *k = &f->groups[g].chunks[c];

			if (!k->bloom_off)
				continue;
			if (!read_hex(hex, &k->bloom_check))
				return damaged(e);
			hex = str_sub(hex, CHECK_DIGITS, hex.n);
		}
	}
	return 0;
}

int meta_read(struct parquet_file *f, struct err *e)
{
	struct str version;
	int rc = read_all(f, e);

	/* a damaged footer of ours must not pass for another's file, nor the other way round */
	if (!rc || (f->pairs && !f->src.salvage)) {
		int sum = f->src.salvage ? 0 : check_footer(f, e);

		rc = sum ? sum : rc;
	}
	if (rc)
		return rc;
	if (!parquet_pair(f, STR(META_SCHEMA), &version))
		return foreign(e, "no schema version in its metadata");
	if (!str_eq(version, STR(PARQUET_SCHEMA)))
		return err_set(e, ERR_NEWER,
			       "this file has columns of version %.*s, known is %s",
			       (int)(version.n < 20 ? version.n : 20), version.p,
			       PARQUET_SCHEMA);
	rc = check_rows(f, e);
	return rc ? rc : share_bloom_checks(f, e);
}
