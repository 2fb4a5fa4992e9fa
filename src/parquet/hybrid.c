/* Parquet's RLE / bit-packing hybrid. Pure functions. */
#include "hybrid.h"

unsigned hybrid_width(uint32_t max)
{
	return max ? 32u - (unsigned)__builtin_clz(max) : 1;
}

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_char(b, (char)(v | 0x80));
	buf_char(b, (char)v);
}

static void put_run(struct buf *out, uint64_t n, uint32_t v, unsigned width)
{
	put_varint(out, n << 1);
	buf_put(out, &v, (width + 7) / 8); /* little endian, as this machine is */
}

/* Where values come from: indices are words, definition levels bytes. */
struct feed {
	const uint32_t *words;
	const uint8_t *bytes;
};

static inline uint32_t at(const struct feed *f, size_t i)
{
	return f->words ? f->words[i] : f->bytes[i];
}

/* Groups of eight, lowest bit first; the last group is filled up with zeros. */
static void put_packed(struct buf *out, const struct feed *f, size_t from, size_t to,
		       unsigned width)
{
	size_t groups = (to - from + 7) / 8;
	uint64_t bits = 0;
	unsigned n_bits = 0, left = 0;
	char bytes[256];

	if (groups == 0)
		return;
	put_varint(out, (uint64_t)groups << 1 | 1);
	for (size_t i = from; i < from + groups * 8; i++) {
		bits |= (uint64_t)(i < to ? at(f, i) : 0) << n_bits;
		for (n_bits += width; n_bits >= 8; n_bits -= 8, bits >>= 8)
			bytes[left++] = (char)bits;
		if (left > sizeof(bytes) - 8) {
			buf_put(out, bytes, left);
			left = 0;
		}
	}
	buf_put(out, bytes, left);
}

/* Runs of eight and more become one value and a count. Packed values stand in groups of eight, so a run
 * gives its first values to fill up the group before it. */
static void put(struct buf *out, const struct feed *f, size_t n, unsigned width)
{
	size_t from = 0, i = 0;

	while (i < n) {
		size_t run = 1, fill = (8 - (i - from) % 8) % 8;

		while (i + run < n && at(f, i + run) == at(f, i))
			run++;
		if (run >= fill + 8) {
			put_packed(out, f, from, i + fill, width);
			put_run(out, run - fill, at(f, i), width);
			from = i + run;
		}
		i += run;
	}
	put_packed(out, f, from, n, width);
}

void hybrid_put(struct buf *out, const uint32_t *v, size_t n, unsigned width)
{
	put(out, &(struct feed){ .words = v }, n, width);
}

void hybrid_put_flags(struct buf *out, const uint8_t *v, size_t n)
{
	put(out, &(struct feed){ .bytes = v }, n, 1);
}

struct hybrid hybrid_of(struct rd r, unsigned width)
{
	return (struct hybrid){ .r = r, .width = width };
}

static uint64_t take_varint(struct rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t c = rd_u8(r);

		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

static bool next_run(struct hybrid *h)
{
	uint64_t head = take_varint(&h->r), n = head >> 1;

	if (!rd_ok(&h->r) || n == 0)
		return false;
	if (head & 1) {
		/* a group of eight takes width bytes */
		if (n * h->width > rd_left(&h->r))
			return false;
		h->packed = n * 8;
		h->bits = 0;
		h->n_bits = 0;
		return true;
	}
	h->value = 0;
	for (unsigned i = 0; i < (h->width + 7) / 8; i++)
		h->value |= (uint32_t)rd_u8(&h->r) << 8 * i;
	h->repeats = n;
	h->n_bits = 0;
	return rd_ok(&h->r);
}

bool hybrid_next(struct hybrid *h, uint32_t *v)
{
	if (h->repeats == 0 && h->packed == 0 && !next_run(h))
		return false;
	if (h->repeats) {
		h->repeats--;
		*v = h->value;
		return true;
	}
	while (h->n_bits < h->width) {
		h->bits |= (uint64_t)rd_u8(&h->r) << h->n_bits;
		h->n_bits += 8;
	}
	*v = (uint32_t)(h->bits & ((UINT64_C(1) << h->width) - 1));
	h->bits >>= h->width;
	h->n_bits -= h->width;
	h->packed--;
	return rd_ok(&h->r);
}

bool hybrid_is_done(const struct hybrid *h)
{
	return h->repeats == 0 && h->packed < 8 &&
	       rd_left(&h->r) == (h->packed * h->width - h->n_bits + 7) / 8;
}
