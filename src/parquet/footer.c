/* The footer of a file being written: schema, row groups, metadata, and a checksum of all that. Whoever
 * reads a few ranges only cannot check the whole file's hash; the checksums of pages (zstd's), of bloom
 * filters and of the footer together leave no byte unwatched. One thread. */
#include "footer.h"

#include "bloom.h"
#include "thrift.h"

#define HEX_ZEROS "0000000000000000"

static void put_bloom(const struct chunk *k, struct buf *out)
{
	struct thrift_out t;

	thrift_out(&t, out);
	thrift_put_i32(&t, 1, (int32_t)k->bloom_bytes);
	for (int id = 2; id <= 4;
	     id++) { /* BLOCK, XXHASH, UNCOMPRESSED: each a union's first */
		thrift_struct(&t, id);
		thrift_struct(&t, 1);
		thrift_end(&t);
		thrift_end(&t);
	}
	thrift_end(&t);
	buf_put(out, k->bloom, k->bloom_bytes);
}

/* The next chunk with a bloom filter from (*g, *c) on. */
static const struct chunk *next_bloom(const struct footer *f, size_t *g, size_t *c)
{
	for (; *g < f->n_groups; ++*g, *c = 0) {
		for (; *c < f->schema->n; ++*c) {
			if (f->groups[*g].chunks[*c].bloom)
				return &f->groups[*g].chunks[*c];
		}
	}
	return NULL;
}

void footer_blooms(const struct footer *f, struct buf *out)
{
	const struct chunk *k;

	for (size_t g = 0, c = 0; (k = next_bloom(f, &g, &c)); c++)
		put_bloom(k, out);
}

static void put_column_schema(const struct field *f, struct thrift_out *t)
{
	static const int converted[] = {
		[PARQUET_U64] = CONVERTED_UINT_64, [PARQUET_U32] = CONVERTED_UINT_32,
		[PARQUET_U16] = CONVERTED_UINT_16, [PARQUET_U8] = CONVERTED_UINT_8,
		[PARQUET_TEXT] = CONVERTED_UTF8,
	};
	static const int8_t bits[] = {
		[PARQUET_U64] = 64, [PARQUET_U32] = 32, [PARQUET_U16] = 16, [PARQUET_U8] = 8
	};
	bool is_int = f->type >= PARQUET_U64 && f->type <= PARQUET_U8;
	unsigned width = parquet_width(f->type);

	thrift_item(t);
	thrift_put_i32(t, 1,
		       width == 8 ? PHYSICAL_INT64 :
		       width      ? PHYSICAL_INT32 :
				    PHYSICAL_BYTES);
	thrift_put_i32(t, 3, REPEAT_OPTIONAL);
	thrift_put_str(t, 4, str_of(f->name));
	if (is_int || f->type == PARQUET_TEXT)
		thrift_put_i32(t, 6, converted[f->type]);
	if (is_int || f->type == PARQUET_TEXT || f->type == PARQUET_TIME) {
		thrift_struct(t, 10);
		thrift_struct(t, is_int                  ? LOGICAL_INTEGER :
				 f->type == PARQUET_TIME ? LOGICAL_TIMESTAMP :
							   LOGICAL_STRING);
		if (is_int) {
			thrift_put_i8(t, 1, bits[f->type]);
			thrift_put_bool(t, 2, false);
		}
		if (f->type == PARQUET_TIME) {
			/* UTC all the same: marked as such, DuckDB would cut them to microseconds */
			thrift_put_bool(t, 1, false);
			thrift_struct(t, 2);
			thrift_struct(t, 3); /* NANOS */
			thrift_end(t);
			thrift_end(t);
		}
		thrift_end(t);
		thrift_end(t);
	}
	thrift_end(t);
}

static void put_schema(const struct footer *f, struct thrift_out *t)
{
	thrift_list(t, 2, THRIFT_STRUCT, f->schema->n + 1);
	thrift_item(t);
	thrift_put_str(t, 4, str_of(f->schema->record->name));
	thrift_put_i32(t, 5, (int32_t)f->schema->n);
	thrift_end(t);
	for (size_t i = 0; i < f->schema->n; i++)
		put_column_schema(&f->schema->fields[i], t);
}

static void put_range(const struct chunk *k, struct thrift_out *t)
{
	thrift_struct(t, 12);
	thrift_put_i64(t, 3, (int64_t)k->nulls);
	if (k->has_range) {
		thrift_put_str(t, 5, str_n((const char *)k->max, k->max_n));
		thrift_put_str(t, 6, str_n((const char *)k->min, k->min_n));
		thrift_put_bool(t, 7, true);
		thrift_put_bool(t, 8, true);
	}
	thrift_end(t);
}

/* bloom_off moves behind this chunk's filter. */
static void put_chunk(const struct field *f, const struct chunk *k, uint64_t *bloom_off,
		      struct thrift_out *t)
{
	bool has_dictionary = k->encoding == ENCODING_RLE_DICTIONARY;
	unsigned width = parquet_width(f->type);

	thrift_item(t);
	thrift_put_i64(t, 2, (int64_t)k->off);
	thrift_struct(t, 3);
	thrift_put_i32(t, 1,
		       width == 8 ? PHYSICAL_INT64 :
		       width      ? PHYSICAL_INT32 :
				    PHYSICAL_BYTES);
	thrift_list(t, 2, THRIFT_I32, has_dictionary ? 3 : 2);
	if (has_dictionary)
		thrift_item_i32(t, ENCODING_PLAIN);
	thrift_item_i32(t, ENCODING_RLE);
	thrift_item_i32(t, k->encoding);
	thrift_list(t, 3, THRIFT_BYTES, 1);
	thrift_item_str(t, str_of(f->name));
	thrift_put_i32(t, 4, k->codec);
	thrift_put_i64(t, 5, (int64_t)k->values);
	thrift_put_i64(t, 6, (int64_t)k->raw_bytes);
	thrift_put_i64(t, 7, (int64_t)k->bytes);
	thrift_put_i64(t, 9, (int64_t)(k->off + k->data_off));
	if (has_dictionary)
		thrift_put_i64(t, 11, (int64_t)k->off);
	put_range(k, t);
	if (k->bloom) {
		struct buf header;

		buf_init(&header, 1 << 21);
		put_bloom(k, &header);
		thrift_put_i64(t, 14, (int64_t)*bloom_off);
		thrift_put_i32(t, 15, (int32_t)header.n);
		*bloom_off += header.n;
		t->out->failed |= buf_failed(&header);
		buf_fini(&header);
	}
	thrift_end(t);
	thrift_end(t);
}

static void put_groups(const struct footer *f, struct thrift_out *t)
{
	uint64_t bloom_off = f->blooms_off;

	thrift_list(t, 4, THRIFT_STRUCT, f->n_groups);
	for (size_t g = 0; g < f->n_groups; g++) {
		const struct group *group = &f->groups[g];
		uint64_t bytes = 0, raw_bytes = 0;

		thrift_item(t);
		thrift_list(t, 1, THRIFT_STRUCT, f->schema->n);
		for (size_t c = 0; c < f->schema->n; c++) {
			put_chunk(&f->schema->fields[c], &group->chunks[c], &bloom_off, t);
			bytes += group->chunks[c].bytes;
			raw_bytes += group->chunks[c].raw_bytes;
		}
		thrift_put_i64(t, 2, (int64_t)raw_bytes);
		thrift_put_i64(t, 3, (int64_t)group->rows);
		thrift_put_i64(t, 5, (int64_t)group->chunks[0].off);
		thrift_put_i64(t, 6, (int64_t)bytes);
		if (g <= INT16_MAX)
			thrift_put_i16(t, 7, (int16_t)g);
		thrift_end(t);
	}
}

static void put_hex(uint64_t v, char out[CHECK_DIGITS])
{
	for (size_t i = CHECK_DIGITS; i-- > 0; v >>= 4)
		out[i] = "0123456789abcdef"[v & 15];
}

static void put_pair(struct thrift_out *t, const char *key, struct str value)
{
	thrift_item(t);
	thrift_put_str(t, 1, str_of(key));
	thrift_put_str(t, 2, value);
	thrift_end(t);
}

static void put_bloom_checks(const struct footer *f, struct thrift_out *t)
{
	const struct chunk *k;
	struct buf hex;

	buf_init(&hex, 1 << 28);
	for (size_t g = 0, c = 0; (k = next_bloom(f, &g, &c)); c++) {
		char digits[CHECK_DIGITS];

		put_hex(xxh64(k->bloom, k->bloom_bytes), digits);
		buf_put(&hex, digits, sizeof(digits));
	}
	put_pair(t, META_BLOOMS, buf_view(&hex));
	t->out->failed |= buf_failed(&hex);
	buf_fini(&hex);
}

/* Where the checksum's digits stand is the return value. */
static size_t put_pairs(const struct footer *f, struct thrift_out *t)
{
	size_t at;

	thrift_list(t, 5, THRIFT_STRUCT, f->conf->n_pairs + 4);
	put_pair(t, META_SCHEMA, STR(PARQUET_SCHEMA));
	put_pair(t, META_RECORD, str_of(f->schema->record->name));
	for (size_t i = 0; i < f->conf->n_pairs; i++)
		put_pair(t, f->conf->pairs[i].key, str_of(f->conf->pairs[i].value));
	put_bloom_checks(f, t);
	put_pair(t, META_CHECK, STR(HEX_ZEROS));
	at = t->out->n - 1 - CHECK_DIGITS; /* before the struct's end */
	return at;
}

void footer_put(const struct footer *f, struct buf *out)
{
	size_t from = out->n, check;
	struct thrift_out t;
	uint32_t n;

	thrift_out(&t, out);
	thrift_put_i32(&t, 1, 1);
	put_schema(f, &t);
	thrift_put_i64(&t, 3, (int64_t)f->rows);
	put_groups(f, &t);
	check = put_pairs(f, &t);
	thrift_put_str(&t, 6, STR(PARQUET_CREATED_BY TOMSD_VERSION));
	thrift_list(&t, 7, THRIFT_STRUCT, f->schema->n);
	for (size_t i = 0; i < f->schema->n; i++) { /* every column in the order of its type */
		thrift_item(&t);
		thrift_struct(&t, 1);
		thrift_end(&t);
		thrift_end(&t);
	}
	thrift_end(&t);
	if (buf_failed(out))
		return;
	put_hex(xxh64(out->p + from, out->n - from), out->p + check);
	n = (uint32_t)(out->n - from);
	buf_put(out, &n, sizeof(n));
	buf_cstr(out, PARQUET_MAGIC);
}
