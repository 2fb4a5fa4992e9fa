/* One column of a row group.
 *
 * Values go into a dictionary first. It is given up when it is full or when too few values repeat; what it
 * held then moves into plain pages, so a chunk is either all numbers of a dictionary or all plain (64-bit
 * numbers perhaps by their steps, where that takes less). Numbers
 * are held as 8 bytes and addresses as they lie in the row; only what reaches a page becomes text. One
 * thread. */
#include "column.h"

#include <stdlib.h>

#include "bloom.h"
#include "delta.h"
#include "hybrid.h"
#include "thrift.h"

enum {
	DICT_BYTES = 1 << 20, /* of keys; readers hold a dictionary in memory as a whole */
	TRIAL = 8192,         /* after so many values it must have paid */
	SAMPLE_BYTES = 16384, /* of a first page: plain or by steps */
	BLOOM_FROM = 32,      /* fewer different addresses: the dictionary itself is as small */
};

int column_init(struct column *c, const struct field *f, size_t group_rows, uint64_t seed,
		struct err *e)
{
	*c = (struct column){ .field = f };
	dict_init(&c->dict, seed, DICT_BYTES);
	buf_init(&c->page, SIZE_MAX >> 1);
	buf_init(&c->pages, SIZE_MAX >> 1);
	buf_init(&c->hashes, SIZE_MAX >> 1);
	c->known = calloc(group_rows, 1);
	if (!f->is_long)
		c->index = calloc(group_rows, sizeof(*c->index));
	if (!c->known || (!f->is_long && !c->index)) {
		column_fini(c);
		return err_set(e, ERR_NOMEM, "no memory for column %s", f->name);
	}
	column_begin(c);
	return 0;
}

void column_fini(struct column *c)
{
	dict_fini(&c->dict);
	free(c->index);
	free(c->known);
	buf_fini(&c->page);
	buf_fini(&c->pages);
	buf_fini(&c->hashes);
	free(c->chunk.bloom);
	*c = (struct column){ 0 };
}

void column_begin(struct column *c)
{
	dict_clear(&c->dict);
	buf_reset(&c->page);
	buf_reset(&c->pages);
	buf_reset(&c->hashes);
	c->plain = c->field->is_long;
	c->by_steps = false;
	c->rows = c->values = c->page_rows = c->page_values = 0;
	c->long_bytes = 0;
	free(c->chunk.bloom);
	c->chunk = (struct chunk){ 0 };
}

/* A key as it stands in the file. */
struct render {
	char text[ADDR_TEXT_MAX > MAC_TEXT_MAX ? ADDR_TEXT_MAX : MAC_TEXT_MAX];
	struct addr addr;
};

static struct str render(const struct field *f, struct str key, struct render *r)
{
	switch (f->key) {
	case KEY_NUMBER:
		return str_n(key.p, parquet_width(f->type)); /* low bytes come first */
	case KEY_ADDR:
		memcpy(&r->addr, key.p, sizeof(r->addr));
		addr_text(&r->addr, r->text);
		return str_of(r->text);
	case KEY_MAC:
		mac_text((const uint8_t *)key.p, r->text);
		return str_of(r->text);
	case KEY_TEXT:
		break;
	}
	return key;
}

static bool makes_bloom(const struct field *f)
{
	return f->key == KEY_ADDR || f->key == KEY_MAC;
}

static int compare_numbers(const struct field *f, const void *a, const void *b)
{
	uint64_t x = 0, y = 0;
	unsigned width = parquet_width(f->type);

	memcpy(&x, a, width);
	memcpy(&y, b, width);
	if (parquet_is_signed(f->type)) /* 8 bytes wide, all of them */
		return (int64_t)x < (int64_t)y ? -1 : (int64_t)x > (int64_t)y;
	return x < y ? -1 : x > y;
}

/* Numbers by their sign's rule, text byte by byte. */
static int compare(const struct field *f, struct str a, const uint8_t *b, size_t b_n)
{
	int c;

	if (!parquet_is_text(f->type))
		return compare_numbers(f, a.p, b);
	c = memcmp(a.p, b, a.n < b_n ? a.n : b_n);
	return c ? c : a.n < b_n ? -1 : a.n > b_n;
}

static void keep(uint8_t *to, uint8_t *n, struct str v)
{
	memcpy(to, v.p, v.n);
	*n = (uint8_t)v.n;
}

/* A value too long for a range ends it for this chunk. */
static void widen(struct column *c, struct str v)
{
	struct chunk *k = &c->chunk;

	if (c->field->is_long || v.n > RANGE_MAX) {
		k->no_range = true;
		k->has_range = false;
	}
	if (k->no_range)
		return;
	if (!k->has_range || compare(c->field, v, k->min, k->min_n) < 0)
		keep(k->min, &k->min_n, v);
	if (!k->has_range || compare(c->field, v, k->max, k->max_n) > 0)
		keep(k->max, &k->max_n, v);
	k->has_range = true;
}

/* Bytes as they leave, compressed or as they are; false without memory. */
static bool pack(struct press *p, struct str raw, struct str *out)
{
	size_t bound = ZSTD_compressBound(raw.n);

	*out = raw;
	if (!p->zstd)
		return raw.p != NULL;
	if (bound > p->packed_room) {
		free(p->packed);
		p->packed = malloc(bound);
		p->packed_room = p->packed ? bound : 0;
	}
	if (!p->packed || !raw.p)
		return false;
	*out = str_n(p->packed, ZSTD_compress2(p->zstd, p->packed, bound, raw.p, raw.n));
	return !ZSTD_isError(out->n);
}

/* The header and the page. */
static void put_page(struct column *c, struct press *p, int type, uint32_t n, int encoding)
{
	struct thrift_out t;
	struct str packed;
	size_t before = c->pages.n;

	if (buf_failed(&p->raw) || !pack(p, buf_view(&p->raw), &packed)) {
		c->failed = true;
		return;
	}
	thrift_out(&t, &c->pages);
	thrift_put_i32(&t, 1, type);
	thrift_put_i32(&t, 2, (int32_t)p->raw.n);
	thrift_put_i32(&t, 3, (int32_t)packed.n);
	thrift_struct(&t, type == PAGE_DATA ? 5 : 7);
	thrift_put_i32(&t, 1, (int32_t)n);
	thrift_put_i32(&t, 2, encoding);
	if (type == PAGE_DATA) {
		thrift_put_i32(&t, 3, ENCODING_RLE);
		thrift_put_i32(&t, 4, ENCODING_RLE);
	}
	thrift_end(&t);
	thrift_end(&t);
	c->chunk.raw_bytes += c->pages.n - before + p->raw.n;
	buf_str(&c->pages, packed);
}

/* Which rows have a value: levels 0 and 1, their length before them. */
static void begin_data(struct column *c, struct press *p)
{
	uint32_t n;

	buf_reset(&p->raw);
	buf_put(&p->raw, "\0\0\0", 4);
	hybrid_put_flags(&p->raw, c->known, c->page_rows);
	n = (uint32_t)(p->raw.n - 4);
	if (!buf_failed(&p->raw))
		memcpy(p->raw.p, &n, sizeof(n));
}

/* Are a page's numbers smaller by their steps? A sample of them tells. */
static bool steps_pay(struct column *c, struct press *p)
{
	size_t n = c->page.n < SAMPLE_BYTES ? c->page.n : SAMPLE_BYTES;
	struct str as_they_are, by_steps;
	size_t before;

	if (n == 0 || !pack(p, str_n(c->page.p, n), &as_they_are))
		return false;
	before = as_they_are.n;
	buf_reset(&p->raw);
	delta_put(&p->raw, c->page.p, n / 8);
	return pack(p, buf_view(&p->raw), &by_steps) && by_steps.n < before;
}

static void plain_page(struct column *c, struct press *p)
{
	if (c->pages.n == 0 && parquet_width(c->field->type) == 8)
		c->by_steps = steps_pay(c, p);
	begin_data(c, p);
	if (c->by_steps)
		delta_put(&p->raw, c->page.p, c->page_values);
	else
		buf_put(&p->raw, c->page.p, c->page.n);
	c->chunk.encoding = c->by_steps ? ENCODING_DELTA : ENCODING_PLAIN;
	put_page(c, p, PAGE_DATA, c->page_rows, c->chunk.encoding);
	c->page_rows = c->page_values = 0;
	buf_reset(&c->page);
}

static void put_plain(struct buf *out, const struct field *f, struct str v)
{
	uint32_t n = (uint32_t)v.n;

	if (parquet_is_text(f->type))
		buf_put(out, &n, sizeof(n));
	buf_put(out, v.p, v.n);
}

static void plain_value(struct column *c, struct press *p, struct str key)
{
	struct render r;
	struct str v = render(c->field, key, &r);

	widen(c, v);
	if (makes_bloom(c->field)) {
		uint64_t hash = xxh64(v.p, v.n);

		buf_put(&c->hashes, &hash, sizeof(hash));
	}
	put_plain(&c->page, c->field, v);
	c->long_bytes += v.n;
	c->known[c->page_rows++] = 1;
	c->page_values++;
	if (c->page.n >= p->page_bytes)
		plain_page(c, p);
}

static void plain_null(struct column *c)
{
	c->known[c->page_rows++] = 0;
}

/* From numbers of the dictionary to plain pages. known is read ahead of where it is written. */
static void give_up(struct column *c, struct press *p)
{
	uint32_t rows = c->page_rows, at = 0;

	c->plain = true;
	c->page_rows = c->page_values = 0;
	for (uint32_t i = 0; i < rows; i++) {
		if (c->known[i])
			plain_value(c, p, dict_key(&c->dict, c->index[at++]));
		else
			plain_null(c);
	}
	dict_clear(&c->dict);
}

void column_null(struct column *c)
{
	c->rows++;
	plain_null(c);
}

void column_value(struct column *c, struct press *p, const void *key, size_t n)
{
	uint32_t i;

	if (!c->plain) {
		i = dict_put(&c->dict, key, n);
		if (i == DICT_FULL || (c->values == TRIAL && c->dict.n > TRIAL / 4 * 3))
			give_up(c, p);
		else {
			c->index[c->values] = i;
			c->known[c->page_rows++] = 1;
			c->page_values++;
		}
	}
	if (c->plain)
		plain_value(c, p, str_n(key, n));
	c->rows++;
	c->values++;
}

/* Would its values take less room without it? Text never: it is longer than a number. */
static bool pays(const struct column *c)
{
	uint64_t width = parquet_width(c->field->type);
	uint64_t bits = c->dict.n ? hybrid_width(c->dict.n - 1) : 0;

	return width == 0 || c->dict.n * width + c->values * bits / 8 < c->values * width;
}

static void dictionary_pages(struct column *c, struct press *p)
{
	unsigned width = hybrid_width(c->dict.n - 1);
	struct render r;

	buf_reset(&p->raw);
	for (uint32_t i = 0; i < c->dict.n; i++) {
		struct str v = render(c->field, dict_key(&c->dict, i), &r);

		widen(c, v);
		put_plain(&p->raw, c->field, v);
	}
	put_page(c, p, PAGE_DICTIONARY, c->dict.n, ENCODING_PLAIN);
	c->chunk.data_off = c->pages.n;
	begin_data(c, p);
	buf_char(&p->raw, (char)width);
	hybrid_put(&p->raw, c->index, c->values, width);
	put_page(c, p, PAGE_DATA, c->page_rows, ENCODING_RLE_DICTIONARY);
	c->chunk.encoding = ENCODING_RLE_DICTIONARY;
}

static uint64_t hash_at(const struct column *c, size_t i)
{
	uint64_t hash;
	struct render r;
	struct str v;

	if (c->plain) {
		memcpy(&hash, c->hashes.p + i * sizeof(hash), sizeof(hash));
		return hash;
	}
	v = render(c->field, dict_key(&c->dict, (uint32_t)i), &r);
	return xxh64(v.p, v.n);
}

static void make_bloom(struct column *c)
{
	size_t n = c->plain ? c->hashes.n / sizeof(uint64_t) : c->dict.n;

	if (!makes_bloom(c->field) || n < BLOOM_FROM)
		return;
	c->chunk.bloom_bytes = bloom_bytes(n);
	c->chunk.bloom = calloc(1, c->chunk.bloom_bytes);
	if (!c->chunk.bloom || buf_failed(&c->hashes)) {
		c->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		bloom_put(c->chunk.bloom, c->chunk.bloom_bytes, hash_at(c, i));
}

int column_end(struct column *c, struct press *p, struct err *e)
{
	if (!c->plain && (c->values == 0 || !pays(c)))
		give_up(c, p);
	if (!c->plain)
		dictionary_pages(c, p);
	else if (c->page_rows || c->pages.n == 0)
		plain_page(c, p);
	make_bloom(c);
	c->chunk.codec = p->zstd ? CODEC_ZSTD : CODEC_NONE;
	c->chunk.bytes = c->pages.n;
	c->chunk.values = c->rows;
	c->chunk.nulls = c->rows - c->values;
	if (c->failed || buf_failed(&c->pages) || buf_failed(&c->page))
		return err_set(e, ERR_NOMEM, "no memory for column %s", c->field->name);
	return 0;
}
