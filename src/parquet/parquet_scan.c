/* One column of one row group, value by value. The chunk is read whole and opened page by page; a page's
 * sizes, counts and encodings are checked before a byte of it is used. One thread. */
#include <stdlib.h>
#include <zstd.h>

#include "delta.h"
#include "hybrid.h"
#include "parquet_meta.h"
#include "thrift.h"

enum { PAGE_MAX = 64 << 20 }; /* raw bytes of a page: ours are a megabyte and one value */

struct page_head {
	int type, encoding;
	int levels; /* 0: definition and repetition levels are RLE */
	uint64_t raw, packed, values;
	bool has_body;
};

struct parquet_scan {
	enum parquet_type type;
	int codec;
	uint64_t rows, done; /* of the group; handed out */
	uint8_t *bytes;      /* the chunk */
	struct rd chunk;     /* behind the last page */
	ZSTD_DCtx *zstd; /* the file's */
	uint8_t *page, *dict_page; /* raw bytes */
	struct parquet_cell *dict;
	size_t dict_n;
	bool has_dict, failed;
	/* the page that is open */
	uint64_t left;
	struct hybrid known, index;
	struct rd plain;
	struct delta steps;
	int encoding; /* of its values: by numbers of the dictionary, by steps, or plain */
};

static int damaged(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "a Parquet page is damaged");
}

void parquet_scan_free(struct parquet_scan *s)
{
	if (!s)
		return;
	free(s->bytes);
	free(s->page);
	free(s->dict_page);
	free(s->dict);
	free(s);
}

/* DataPageHeader and DictionaryPageHeader begin alike: number of values, encoding. */
static void read_body(struct thrift_in *t, struct page_head *h)
{
	enum thrift_type type;
	int id;

	thrift_enter(t);
	while ((type = thrift_next(t, &id)) != THRIFT_STOP) {
		if (id == 1)
			h->values = (uint64_t)thrift_int(t, type);
		else if (id == 2)
			h->encoding = (int)thrift_int(t, type);
		else if ((id == 3 || id == 4) && h->type == PAGE_DATA)
			h->levels |= (int)thrift_int(t, type) ^ ENCODING_RLE;
		else
			thrift_bad(t);
	}
	h->has_body = true;
}

static bool read_head(struct rd *r, struct page_head *h)
{
	struct thrift_in t = thrift_in(r->p, rd_left(r));
	enum thrift_type type;
	int id;

	*h = (struct page_head){ .type = -1, .encoding = -1 };
	while ((type = thrift_next(&t, &id)) != THRIFT_STOP) {
		if (id == 1)
			h->type = (int)thrift_int(&t, type);
		else if (id == 2)
			h->raw = (uint64_t)thrift_int(&t, type);
		else if (id == 3)
			h->packed = (uint64_t)thrift_int(&t, type);
		else if ((id == 5 && h->type == PAGE_DATA) ||
			 (id == 7 && h->type == PAGE_DICTIONARY)) {
			if (type == THRIFT_STRUCT)
				read_body(&t, h);
			else
				thrift_bad(&t);
		} else {
			thrift_bad(
				&t); /* none of ours: a byte turned over must not pass for one */
		}
	}
	if (!thrift_ok(&t) || !h->has_body)
		return false;
	*r = t.r;
	return true;
}

/* All pages by their headers, before a value is believed: they fill the chunk, hold a value a row, and
 * either all are numbers of one dictionary in front or none is. */
static int survey(const struct parquet_scan *s, struct err *e)
{
	struct rd r = s->chunk;
	struct page_head h;
	uint64_t values = 0;
	bool has_dict = false;

	while (rd_left(&r)) {
		if (!read_head(&r, &h) || h.packed > rd_left(&r) || h.values > s->rows)
			return damaged(e);
		if (h.type == PAGE_DICTIONARY) {
			if (has_dict || values)
				return damaged(e);
			has_dict = true;
		} else {
			values += h.values;
			if (h.values == 0 || values > s->rows ||
			    has_dict != (h.encoding == ENCODING_RLE_DICTIONARY))
				return damaged(e);
		}
		rd_skip(&r, (size_t)h.packed);
	}
	return values == s->rows ? 0 : damaged(e);
}

int parquet_scan_new(struct parquet_scan **out, struct parquet_file *f, size_t group,
		     size_t col, struct err *e)
{
	const struct read_chunk *k = &f->groups[group].chunks[col];
	struct parquet_scan *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return err_set(e, ERR_NOMEM, "no memory for a column");
	s->type = f->columns[col].type;
	s->codec = k->codec;
	s->rows = f->groups[group].rows;
	s->bytes = malloc(k->bytes ? (size_t)k->bytes : 1);
	if (k->codec == CODEC_ZSTD && !f->zstd)
		f->zstd = ZSTD_createDCtx();
	s->zstd = f->zstd;
	if (!s->bytes || (k->codec == CODEC_ZSTD && !s->zstd))
		rc = err_set(e, ERR_NOMEM, "no memory for a column");
	if (!rc)
		rc = f->src.read_at(f->src.ctx, k->off, s->bytes, (size_t)k->bytes, e);
	if (rc) {
		parquet_scan_free(s);
		return rc;
	}
	s->chunk = rd_of(s->bytes, (size_t)k->bytes);
	rc = survey(s, e);
	if (rc) {
		parquet_scan_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* The page's raw bytes in new memory; *out is freed first. */
static int unpack(struct parquet_scan *s, const struct page_head *h, uint8_t **out,
		  struct err *e)
{
	const uint8_t *packed;
	size_t n;

	if (h->raw > PAGE_MAX || h->packed > rd_left(&s->chunk))
		return damaged(e);
	packed = rd_take(&s->chunk, (size_t)h->packed);
	if (s->codec == CODEC_NONE ?
		    h->raw != h->packed :
		    ZSTD_getFrameContentSize(packed, (size_t)h->packed) != h->raw)
		return damaged(e);
	free(*out);
	*out = malloc(h->raw ? (size_t)h->raw : 1);
	if (!*out)
		return err_set(e, ERR_NOMEM, "no memory for a page");
	if (s->codec == CODEC_NONE) {
		memcpy(*out, packed, (size_t)h->raw);
		return 0;
	}
	n = ZSTD_decompressDCtx(s->zstd, *out, (size_t)h->raw, packed, (size_t)h->packed);
	return n == h->raw ? 0 : damaged(e); /* an error is larger than any size */
}

static bool plain_cell(enum parquet_type type, struct rd *r, struct parquet_cell *cell)
{
	size_t n = parquet_is_text(type) ? rd_le32(r) : parquet_width(type);
	const uint8_t *p = rd_take(r, n);

	return p && meta_cell(type, str_n((const char *)p, n), cell);
}

/* Every value of a dictionary takes four bytes at least. */
static int take_dictionary(struct parquet_scan *s, const struct page_head *h, struct err *e)
{
	struct rd r;
	int rc;

	if (s->has_dict || s->done || h->encoding != ENCODING_PLAIN || h->values > h->raw / 4)
		return damaged(e);
	rc = unpack(s, h, &s->dict_page, e);
	if (rc)
		return rc;
	s->dict = calloc(h->values ? (size_t)h->values : 1, sizeof(*s->dict));
	if (!s->dict)
		return err_set(e, ERR_NOMEM, "no memory for a dictionary");
	r = rd_of(s->dict_page, (size_t)h->raw);
	for (s->dict_n = 0; s->dict_n < h->values; s->dict_n++) {
		if (!plain_cell(s->type, &r, &s->dict[s->dict_n]))
			return damaged(e);
	}
	s->has_dict = true;
	return rd_left(&r) == 0 ? 0 : damaged(e);
}

static bool encoding_fits(const struct parquet_scan *s, int encoding)
{
	return encoding == ENCODING_RLE_DICTIONARY ? s->has_dict :
	       encoding == ENCODING_DELTA          ? parquet_width(s->type) == 8 :
						     encoding == ENCODING_PLAIN;
}

static int take_data(struct parquet_scan *s, const struct page_head *h, struct err *e)
{
	struct rd r;
	unsigned width;
	int rc;

	s->encoding = h->encoding;
	if (h->values == 0 || h->values > s->rows - s->done || h->levels ||
	    !encoding_fits(s, h->encoding))
		return damaged(e);
	rc = unpack(s, h, &s->page, e);
	if (rc)
		return rc;
	r = rd_of(s->page, (size_t)h->raw);
	s->known = hybrid_of(rd_sub(&r, rd_le32(&r)), 1);
	if (s->encoding == ENCODING_RLE_DICTIONARY) {
		width = rd_u8(&r);
		if (width > 32)
			return damaged(e);
		s->index = hybrid_of(r, width);
	} else if (s->encoding == ENCODING_DELTA) {
		s->steps = delta_of(r);
	}
	s->plain = r;
	s->left = h->values;
	return rd_ok(&r) ? 0 : damaged(e);
}

/* A page is used up: nothing may be left of it. */
static int check_end(const struct parquet_scan *s, struct err *e)
{
	bool used_up = s->encoding == ENCODING_RLE_DICTIONARY ? hybrid_is_done(&s->index) :
		       s->encoding == ENCODING_DELTA          ? delta_is_done(&s->steps) :
								rd_left(&s->plain) == 0;

	return used_up && hybrid_is_done(&s->known) ? 0 : damaged(e);
}

/* Opens the next data page. */
static int next_page(struct parquet_scan *s, struct err *e)
{
	struct page_head h;
	int rc;

	do {
		if (!read_head(&s->chunk, &h))
			return damaged(e);
		if (h.type == PAGE_DICTIONARY)
			rc = take_dictionary(s, &h, e);
		else if (h.type == PAGE_DATA)
			rc = take_data(s, &h, e);
		else
			rc = damaged(e);
	} while (!rc && h.type == PAGE_DICTIONARY);
	return rc;
}

static int take_cell(struct parquet_scan *s, struct parquet_cell *cell, struct err *e)
{
	uint32_t known, i;

	if (!hybrid_next(&s->known, &known) || known > 1)
		return damaged(e);
	*cell = (struct parquet_cell){ .known = false };
	if (!known)
		return 0;
	if (s->encoding == ENCODING_DELTA) {
		cell->known = true;
		return delta_next(&s->steps, &cell->u) ? 0 : damaged(e);
	}
	if (s->encoding == ENCODING_PLAIN)
		return plain_cell(s->type, &s->plain, cell) ? 0 : damaged(e);
	if (!hybrid_next(&s->index, &i) || i >= s->dict_n)
		return damaged(e);
	*cell = s->dict[i];
	return 0;
}

int parquet_scan_next(struct parquet_scan *s, struct parquet_cell *cell, struct err *e)
{
	int rc = 0;

	if (s->failed)
		return damaged(e);
	if (s->done == s->rows)
		return -ERR_CLOSED;
	if (s->left == 0)
		rc = next_page(s, e);
	if (!rc)
		rc = take_cell(s, cell, e);
	if (!rc) {
		s->left--;
		s->done++;
	}
	if (!rc && s->left == 0)
		rc = check_end(s, e);
	if (!rc && s->done == s->rows && rd_left(&s->chunk))
		rc = damaged(e);
	s->failed = rc != 0;
	return rc;
}

int parquet_scan_skip(struct parquet_scan *s, uint64_t rows, struct err *e)
{
	struct parquet_cell cell;
	int rc = 0;

	while (!rc && rows-- > 0)
		rc = parquet_scan_next(s, &cell, e);
	return rc;
}
