/* Columns of packs: see pack.h. Bits first, entropy later: a number takes the bits its column needs, and
 * zstd finds what repeats between columns and in texts. */
#include "pack.h"

#include "token.h"
#include "tomsd/base/hash.h"

enum form { SAME, FIXED, DELTA, PICK, RELATIVE = 4, SPARSE = 8 };
enum {
	SCALE_SHIFT = 4,
	WIDE = 56 /* widths beyond are 64: a value then lies within eight bytes */
};
static const int64_t scales[] = { 1, 1000, 1000000, 1000000000 };

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static void put_varint(struct buf *out, uint64_t v)
{
	uint8_t bytes[10];
	buf_put(out, bytes, varint_put(bytes, v));
}

static uint64_t get_varint(struct rd *rd)
{
	uint64_t v = 0;
	size_t used = rd->bad ? 0 : varint_get(rd->p, rd_left(rd), &v);
	if (!used)
		rd->bad = true;
	else
		rd->p += used;
	return v;
}

/* Bits that hold every number up to most. */
static unsigned width_of(uint64_t most)
{
	unsigned w = most ? 64 - (unsigned)__builtin_clzll(most) : 0;
	return w > WIDE ? 64 : w;
}

static size_t bits_bytes(size_t n, unsigned width)
{
	return (n * width + 7) / 8;
}

static void put_bits(struct buf *out, const uint64_t *v, size_t n, unsigned width)
{
	uint8_t bytes[PACK_ROWS * 8 + 8] = { 0 };
	for (size_t i = 0; width && i < n; i++) {
		size_t at = i * width;
		uint64_t word;
		memcpy(&word, bytes + at / 8, 8);
		word |= v[i] << (at % 8); /* 56 + 7 bits; those of 64 begin with a byte */
		memcpy(bytes + at / 8, &word, 8);
	}
	buf_put(out, bytes, bits_bytes(n, width));
}

static void get_bits(struct rd *rd, uint64_t *v, size_t n, unsigned width)
{
	size_t bytes = bits_bytes(n, width);
	const uint8_t *p = width <= WIDE || width == 64 ? rd_take(rd, bytes) : NULL;
	uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << (width % 64)) - 1;
	if (!p) {
		rd->bad = true;
		memset(v, 0, n * sizeof(*v));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = i * width / 8, left = bytes - at;
		uint64_t word = 0;
		if (likely(left >= 8))
			memcpy(&word, p + at, 8);
		else if (left)
			memcpy(&word, p + at, left);
		v[i] = word >> (i * width % 8) & mask;
	}
}

/* Least and greatest as signed numbers; the distance always fits into 64 bits. */
struct span {
	int64_t least;
	uint64_t most; /* greatest - least */
};

static struct span span_of(const int64_t *v, size_t n)
{
	int64_t least = v[0], greatest = v[0];
	for (size_t i = 1; i < n; i++) {
		least = v[i] < least ? v[i] : least;
		greatest = v[i] > greatest ? v[i] : greatest;
	}
	return (struct span){ least, (uint64_t)greatest - (uint64_t)least };
}

static void put_fixed(struct buf *out, const int64_t *v, size_t n, struct span s)
{
	uint64_t rest[PACK_ROWS];
	unsigned width = width_of(s.most);
	for (size_t i = 0; i < n; i++)
		rest[i] = (uint64_t)v[i] - (uint64_t)s.least;
	put_varint(out, zigzag(s.least));
	buf_char(out, (char)width);
	put_bits(out, rest, n, width);
}

static void get_fixed(struct rd *rd, int64_t *v, size_t n)
{
	uint64_t rest[PACK_ROWS], least = (uint64_t)unzigzag(get_varint(rd));
	get_bits(rd, rest, n, rd_u8(rd));
	for (size_t i = 0; i < n; i++)
		v[i] = (int64_t)(rest[i] + least);
}

/* Which of the different values a row has; gives up when more than half are different. */
struct picks {
	int64_t values[PACK_ROWS];
	uint64_t which[PACK_ROWS];
	size_t n;
};

static bool find_picks(struct picks *p, const int64_t *v, size_t n)
{
	enum { SLOTS = 512 };
	uint16_t slots[SLOTS] = { 0 }; /* place in values + 1 */
	p->n = 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = hash_mix64((uint64_t)v[i]) % SLOTS;
		while (slots[at] && p->values[slots[at] - 1] != v[i])
			at = (at + 1) % SLOTS;
		if (!slots[at]) {
			if (p->n >= n / 2)
				return false;
			p->values[p->n++] = v[i];
			slots[at] = (uint16_t)p->n;
		}
		p->which[i] = slots[at] - 1u;
	}
	return true;
}

/* The scale all values can be divided by. */
static unsigned scale_of(const int64_t *v, size_t n)
{
	unsigned scale = ARRAY_LEN(scales) - 1;
	for (size_t i = 0; i < n && scale; i++)
		while (scale && v[i] % scales[scale])
			scale--;
	return scale;
}

static void put_form(struct buf *out, const int64_t *v, size_t n, unsigned flags)
{
	struct span s = span_of(v, n), ds = { 0, 0 };
	int64_t steps[PACK_ROWS];
	struct picks p;
	if (!s.most) {
		buf_char(out, (char)(SAME | flags));
		put_varint(out, zigzag(v[0]));
		return;
	}
	for (size_t i = 1; i < n; i++)
		steps[i - 1] = (int64_t)((uint64_t)v[i] - (uint64_t)v[i - 1]);
	ds = span_of(steps, n - 1); /* two values at least, as they differ */
	unsigned fixed = width_of(s.most), delta = width_of(ds.most);
	unsigned best = fixed <= delta ? fixed : delta;
	if (best > 4 && find_picks(&p, v, n) &&
	    p.n * fixed + n * width_of(p.n - 1) < n * best) {
		buf_char(out, (char)(PICK | flags));
		buf_char(out, (char)(p.n - 1));
		put_fixed(out, p.values, p.n, s);
		put_bits(out, p.which, n, width_of(p.n - 1));
	} else if (fixed <= delta) {
		buf_char(out, (char)(FIXED | flags));
		put_fixed(out, v, n, s);
	} else {
		buf_char(out, (char)(DELTA | flags));
		put_varint(out, zigzag(v[0]));
		put_fixed(out, steps, n - 1, ds);
	}
}

/* Where zero means "none" it is far from the other numbers: those alone take fewer bits, mostly. */
static void put_sparse(struct buf *out, const int64_t *v, size_t n, unsigned flags)
{
	int64_t some[PACK_ROWS];
	uint64_t there[PACK_ROWS];
	size_t k = 0, before = out->n, dense, end;
	for (size_t i = 0; i < n; i++) {
		there[i] = v[i] != 0;
		if (v[i])
			some[k++] = v[i];
	}
	put_form(out, v, n, flags);
	if (k == n || !k || buf_failed(out))
		return;
	dense = out->n;
	buf_char(out, (char)SPARSE);
	put_bits(out, there, n, 1);
	put_form(out, some, k, flags);
	end = out->n;
	if (buf_failed(out))
		return;
	if (end - dense < dense - before) {
		memmove(out->p + before, out->p + dense, end - dense);
		dense = before + (end - dense);
	}
	out->n = dense;
}

/* Times beside the row's own time are close to it: the distance is what is worth writing. */
static bool is_near(const int64_t *v, size_t n, const int64_t *base)
{
	const uint64_t far = UINT64_C(1) << 40; /* 18 minutes; numbers this large are times */
	for (size_t i = 0; i < n; i++) {
		uint64_t d = (uint64_t)v[i] - (uint64_t)base[i];
		if (v[i] < (int64_t)far || (d + far) > 2 * far)
			return false;
	}
	return true;
}

void pack_put_nums(struct buf *out, const int64_t *v, size_t n, const int64_t *base)
{
	int64_t own[PACK_ROWS] = { 0 };
	unsigned flags = 0, scale;
	if (base && is_near(v, n, base)) {
		for (size_t i = 0; i < n; i++)
			own[i] = (int64_t)((uint64_t)v[i] - (uint64_t)base[i]);
		v = own;
		flags = RELATIVE;
	}
	scale = scale_of(v, n);
	if (scale) {
		for (size_t i = 0; i < n; i++)
			own[i] = v[i] / scales[scale];
		v = own;
	}
	if (flags)
		put_form(out, v, n, flags | scale << SCALE_SHIFT);
	else
		put_sparse(out, v, n, scale << SCALE_SHIFT);
}

static void get_delta(struct rd *rd, int64_t *v, size_t n)
{
	v[0] = unzigzag(get_varint(rd));
	get_fixed(rd, v + 1, n - 1);
	for (size_t i = 1; i < n; i++)
		v[i] = (int64_t)((uint64_t)v[i] + (uint64_t)v[i - 1]);
}

/* Which of `kinds` each row has, into which; they are all there. */
static bool get_which(struct rd *rd, size_t kinds, size_t n, uint64_t *which)
{
	bool ok = true;
	get_bits(rd, which, n, width_of(kinds - 1));
	for (size_t i = 0; i < n; i++)
		ok &= which[i] < kinds;
	return ok && rd_ok(rd);
}

static bool get_pick(struct rd *rd, int64_t *v, size_t n)
{
	int64_t values[PACK_ROWS];
	uint64_t which[PACK_ROWS];
	size_t kinds = rd_u8(rd) + 1u;
	get_fixed(rd, values, kinds);
	if (!get_which(rd, kinds, n, which))
		return false;
	for (size_t i = 0; i < n; i++)
		v[i] = values[which[i]];
	return true;
}

static bool get_form(struct rd *rd, unsigned form, int64_t *v, size_t n)
{
	switch (form) {
	case SAME:
		v[0] = unzigzag(get_varint(rd));
		for (size_t i = 1; i < n; i++)
			v[i] = v[0];
		return true;
	case FIXED:
		get_fixed(rd, v, n);
		return true;
	case DELTA:
		get_delta(rd, v, n);
		return true;
	default:
		return get_pick(rd, v, n);
	}
}

/* k numbers into the rows that have one; those behind are moved from the last on. */
static void spread(const uint64_t *there, size_t n, size_t k, int64_t *v)
{
	for (size_t i = n; i-- > 0;)
		v[i] = there[i] ? v[--k] : 0;
}

int pack_get_nums(struct str in, size_t n, const int64_t *base, int64_t *v)
{
	struct rd rd = rd_of(in.p, in.n);
	uint64_t there[PACK_ROWS];
	size_t k = n;
	if (!n || n > PACK_ROWS)
		return -ERR_CORRUPT;
	unsigned head = rd_u8(&rd);
	bool sparse = head == SPARSE;
	if (sparse) {
		get_bits(&rd, there, n, 1);
		k = 0;
		for (size_t i = 0; i < n; i++)
			k += there[i];
		head = rd_u8(&rd);
	}
	unsigned scale = head >> SCALE_SHIFT;
	if (!k || scale >= ARRAY_LEN(scales) || (head & SPARSE) ||
	    (sparse && (head & RELATIVE)) || ((head & RELATIVE) && !base) ||
	    !get_form(&rd, head & 3, v, k) || !rd_ok(&rd) || rd_left(&rd))
		return -ERR_CORRUPT;
	if (sparse)
		spread(there, n, k, v);
	if (scale)
		for (size_t i = 0; i < n; i++)
			v[i] = (int64_t)((uint64_t)v[i] * (uint64_t)scales[scale]);
	if (head & RELATIVE)
		for (size_t i = 0; i < n; i++)
			v[i] = (int64_t)((uint64_t)v[i] + (uint64_t)base[i]);
	return 0;
}

void pack_put_texts(struct buf *out, const struct str *v, size_t n)
{
	enum { SLOTS = 512 };
	uint16_t slots[SLOTS] = { 0 }, first[PACK_ROWS]; /* first[k]: row that has text k */
	uint64_t which[PACK_ROWS];
	size_t kinds = 0;
	for (size_t i = 0; i < n; i++) {
		if (i && str_eq(v[i], v[i - 1])) { /* mostly */
			which[i] = which[i - 1];
			continue;
		}
		size_t at = hash_bytes(v[i].p, v[i].n, 0) % SLOTS;
		while (slots[at] && !str_eq(v[first[slots[at] - 1]], v[i]))
			at = (at + 1) % SLOTS;
		if (!slots[at]) {
			first[kinds++] = (uint16_t)i;
			slots[at] = (uint16_t)kinds;
		}
		which[i] = slots[at] - 1u;
	}
	buf_char(out, (char)(kinds - 1));
	for (size_t k = 0; k < kinds; k++)
		put_varint(out, v[first[k]].n);
	for (size_t k = 0; k < kinds; k++)
		buf_str(out, v[first[k]]);
	put_bits(out, which, n, width_of(kinds - 1));
}

/* Lengths and bytes of n texts. */
static void get_strings(struct rd *rd, size_t n, struct str *v)
{
	for (size_t i = 0; i < n; i++)
		v[i].n = get_varint(rd);
	for (size_t i = 0; i < n; i++)
		v[i].p = (const char *)rd_take(rd, v[i].n);
}

int pack_get_texts(struct str in, size_t n, struct str *v)
{
	struct rd rd = rd_of(in.p, in.n);
	struct str kind[PACK_ROWS];
	uint64_t which[PACK_ROWS];
	size_t kinds = rd_u8(&rd) + 1u;
	if (!n || n > PACK_ROWS)
		return -ERR_CORRUPT;
	get_strings(&rd, kinds, kind);
	if (!rd_ok(&rd) || !get_which(&rd, kinds, n, which) || rd_left(&rd))
		return -ERR_CORRUPT;
	for (size_t i = 0; i < n; i++)
		v[i] = kind[which[i]];
	return 0;
}

void pack_put_ids(struct buf *out, const int64_t *ids, size_t n, uint64_t shape)
{
	uint64_t next = (uint64_t)ids[0];
	put_varint(out, n);
	put_varint(out, next);
	for (size_t i = 0; i < n;) {
		size_t run = i + 1;
		while (run < n && ids[run] == ids[run - 1] + 1)
			run++;
		put_varint(out, (uint64_t)ids[i] - next);
		put_varint(out, run - i);
		next = (uint64_t)ids[run - 1] + 1;
		i = run;
	}
	put_varint(out, shape);
}

int pack_get_ids(struct rd *rd, struct pack_head *h)
{
	uint64_t n = get_varint(rd), next = get_varint(rd);
	if (!rd_ok(rd) || !n || n > PACK_ROWS || next > INT64_MAX)
		return -ERR_CORRUPT;
	for (h->n = 0; h->n < n;) {
		uint64_t gap = get_varint(rd), run = get_varint(rd);
		if (!rd_ok(rd) || !run || run > n - h->n || gap > INT64_MAX - next ||
		    run > INT64_MAX - next - gap)
			return -ERR_CORRUPT;
		for (next += gap; run; run--)
			h->ids[h->n++] = (int64_t)next++;
	}
	h->shape = get_varint(rd);
	return rd_ok(rd) ? 0 : -ERR_CORRUPT;
}

void pack_put_cols(struct buf *out, const size_t *lengths, size_t n_cols, struct str bytes)
{
	uint8_t there[PACK_COLS_MAX / 8] = { 0 };
	for (size_t i = 0; i < n_cols; i++)
		there[i / 8] |= (uint8_t)((lengths[i] != 0) << (i % 8));
	buf_put(out, there, (n_cols + 7) / 8);
	for (size_t i = 0; i < n_cols; i++)
		if (lengths[i])
			put_varint(out, lengths[i]);
	buf_str(out, bytes);
}

int pack_get_cols(struct rd *rd, struct pack_head *h, size_t n_cols)
{
	const uint8_t *there = n_cols <= PACK_COLS_MAX ? rd_take(rd, (n_cols + 7) / 8) : NULL;
	if (!there)
		return -ERR_CORRUPT;
	h->n_cols = n_cols;
	for (size_t i = 0; i < n_cols; i++)
		h->cols[i].n = there[i / 8] >> (i % 8) & 1 ? get_varint(rd) : 0;
	for (size_t i = 0; i < n_cols; i++)
		h->cols[i].p = (const char *)rd_take(rd, h->cols[i].n);
	return rd_ok(rd) && !rd_left(rd) ? 0 : -ERR_CORRUPT;
}

void pack_put_lines(struct buf *out, const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_varint(out, v[i].n);
	for (size_t i = 0; i < n; i++)
		buf_str(out, v[i]);
}

int pack_get_lines(struct str in, size_t n, struct str *v)
{
	struct rd rd = rd_of(in.p, in.n);
	get_strings(&rd, n, v);
	return rd_ok(&rd) && !rd_left(&rd) ? 0 : -ERR_CORRUPT;
}
