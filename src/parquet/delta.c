/* DELTA_BINARY_PACKED: blocks of 128 steps, in each the least step and four times a width and 32 rests above
 * the least. Sums wrap round, as the format wants it. Pure functions. */
#include "delta.h"

#define BLOCK (DELTA_MINI * DELTA_MINIS)

static uint64_t number_at(const void *numbers, size_t i)
{
	uint64_t v;

	memcpy(&v, (const char *)numbers + 8 * i, sizeof(v));
	return v;
}

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_char(b, (char)(v | 0x80));
	buf_char(b, (char)v);
}

static void put_zigzag(struct buf *b, uint64_t v)
{
	put_varint(b, v << 1 ^ (0 - (v >> 63)));
}

/* 32 rests of width bits each, lowest bit first. */
static void put_mini(struct buf *out, const uint64_t rests[DELTA_MINI], unsigned width)
{
	__uint128_t bits = 0;
	unsigned n_bits = 0, n = 0;
	char bytes[DELTA_MINI * 8];

	for (unsigned i = 0; i < DELTA_MINI; i++) {
		bits |= (__uint128_t)rests[i] << n_bits;
		for (n_bits += width; n_bits >= 8; n_bits -= 8, bits >>= 8)
			bytes[n++] = (char)bits;
	}
	buf_put(out, bytes, n);
}

/* Steps from number first to the n numbers behind it. A block that is not full has no bytes for the
 * quarters it does not need. */
static void put_block(struct buf *out, const void *numbers, size_t first, size_t n)
{
	uint64_t rests[BLOCK] = { 0 };
	int64_t least = INT64_MAX;
	char widths[DELTA_MINIS] = { 0 };

	for (size_t i = 0; i < n; i++) {
		rests[i] = number_at(numbers, first + i + 1) - number_at(numbers, first + i);
		if ((int64_t)rests[i] < least)
			least = (int64_t)rests[i];
	}
	for (size_t i = 0; i < n; i++) {
		unsigned width;

		rests[i] -= (uint64_t)least;
		width = rests[i] ? 64 - (unsigned)__builtin_clzll(rests[i]) : 0;
		if ((char)width > widths[i / DELTA_MINI])
			widths[i / DELTA_MINI] = (char)width;
	}
	put_zigzag(out, (uint64_t)least);
	buf_put(out, widths, sizeof(widths));
	for (unsigned m = 0; m < DELTA_MINIS && m * DELTA_MINI < n; m++)
		put_mini(out, rests + (size_t)m * DELTA_MINI, (unsigned)widths[m]);
}

void delta_put(struct buf *out, const void *numbers, size_t n)
{
	put_varint(out, BLOCK);
	put_varint(out, DELTA_MINIS);
	put_varint(out, n);
	put_zigzag(out, n ? number_at(numbers, 0) : 0);
	for (size_t i = 0; i + 1 < n; i += BLOCK)
		put_block(out, numbers, i, n - 1 - i < BLOCK ? n - 1 - i : BLOCK);
}

static uint64_t take_varint(struct rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = rd_u8(r);

		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

static uint64_t take_zigzag(struct rd *r)
{
	uint64_t v = take_varint(r);

	return v >> 1 ^ (0 - (v & 1));
}

struct delta delta_of(struct rd r)
{
	struct delta d = { .r = r };

	/* the sizes are ours; others are legal, but not in our files */
	d.bad = take_varint(&d.r) != BLOCK || take_varint(&d.r) != DELTA_MINIS;
	d.left = take_varint(&d.r);
	d.value = take_zigzag(&d.r);
	d.bad |= !rd_ok(&d.r);
	return d;
}

static uint64_t rest_at(const uint8_t *mini, unsigned i, unsigned width)
{
	unsigned bit = i * width, shift = bit % 8, last = (DELTA_MINI * width + 7) / 8;
	__uint128_t v = 0;

	for (unsigned k = bit / 8, n = 0; k < last && 8 * n < shift + width; k++, n++)
		v |= (__uint128_t)mini[k] << 8 * n;
	v >>= shift;
	return width == 64 ? (uint64_t)v : (uint64_t)v & ((UINT64_C(1) << width) - 1);
}

/* The step to the next number. */
static uint64_t next_step(struct delta *d)
{
	unsigned i = d->at % BLOCK, width;

	if (i == 0) {
		d->least = take_zigzag(&d->r);
		d->widths = rd_take(&d->r, DELTA_MINIS);
	}
	width = d->widths ? d->widths[i / DELTA_MINI] : 65;
	if (width > 64 || !rd_ok(&d->r)) {
		d->bad = true;
		return 0;
	}
	if (i % DELTA_MINI == 0)
		d->mini = rd_take(&d->r, (size_t)width * DELTA_MINI / 8);
	if (!d->mini) {
		d->bad = true;
		return 0;
	}
	d->at++;
	return d->least + rest_at(d->mini, i % DELTA_MINI, width);
}

bool delta_next(struct delta *d, uint64_t *v)
{
	if (d->bad || d->left == 0)
		return false;
	*v = d->value;
	if (--d->left)
		d->value += next_step(d);
	return !d->bad;
}
