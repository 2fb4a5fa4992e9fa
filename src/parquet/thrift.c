/* Thrift's compact protocol. One thread. */
#include "thrift.h"

void thrift_out(struct thrift_out *t, struct buf *out)
{
	*t = (struct thrift_out){ .out = out };
}

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_char(b, (char)(v | 0x80));
	buf_char(b, (char)v);
}

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static void push(struct thrift_out *t)
{
	assert(t->depth + 1 < THRIFT_DEPTH);
	t->last[++t->depth] = 0;
}

static void put_field(struct thrift_out *t, int id, enum thrift_type type)
{
	int step = id - t->last[t->depth];

	assert(step > 0);
	if (step < 16) {
		buf_char(t->out, (char)((unsigned)step << 4 | type));
	} else {
		buf_char(t->out, (char)type);
		put_varint(t->out, zigzag(id));
	}
	t->last[t->depth] = id;
}

void thrift_end(struct thrift_out *t)
{
	buf_char(t->out, THRIFT_STOP);
	t->depth--;
}

void thrift_struct(struct thrift_out *t, int id)
{
	put_field(t, id, THRIFT_STRUCT);
	push(t);
}

void thrift_put_bool(struct thrift_out *t, int id, bool v)
{
	put_field(t, id, v ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_i8(struct thrift_out *t, int id, int8_t v)
{
	put_field(t, id, THRIFT_I8);
	buf_char(t->out, (char)v);
}

void thrift_put_i16(struct thrift_out *t, int id, int16_t v)
{
	put_field(t, id, THRIFT_I16);
	put_varint(t->out, zigzag(v));
}

void thrift_put_i32(struct thrift_out *t, int id, int32_t v)
{
	put_field(t, id, THRIFT_I32);
	put_varint(t->out, zigzag(v));
}

void thrift_put_i64(struct thrift_out *t, int id, int64_t v)
{
	put_field(t, id, THRIFT_I64);
	put_varint(t->out, zigzag(v));
}

void thrift_item_str(struct thrift_out *t, struct str s)
{
	put_varint(t->out, s.n);
	buf_str(t->out, s);
}

void thrift_put_str(struct thrift_out *t, int id, struct str s)
{
	put_field(t, id, THRIFT_BYTES);
	thrift_item_str(t, s);
}

void thrift_list(struct thrift_out *t, int id, enum thrift_type of, size_t n)
{
	put_field(t, id, THRIFT_LIST);
	if (n < 15) {
		buf_char(t->out, (char)(n << 4 | of));
	} else {
		buf_char(t->out, (char)(0xf0u | of));
		put_varint(t->out, n);
	}
}

void thrift_item_i32(struct thrift_out *t, int32_t v)
{
	put_varint(t->out, zigzag(v));
}

void thrift_item(struct thrift_out *t)
{
	push(t);
}

struct thrift_in thrift_in(const void *p, size_t n)
{
	return (struct thrift_in){ .r = rd_of(p, n) };
}

static uint64_t take_varint(struct thrift_in *t)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = rd_u8(&t->r);

		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	thrift_bad(t);
	return 0;
}

static int64_t take_zigzag(struct thrift_in *t)
{
	uint64_t v = take_varint(t);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

void thrift_enter(struct thrift_in *t)
{
	if (t->depth + 1 >= THRIFT_DEPTH)
		thrift_bad(t);
	else
		t->last[++t->depth] = 0;
}

enum thrift_type thrift_next(struct thrift_in *t, int *id)
{
	uint8_t head = rd_u8(&t->r);
	unsigned type = head & 15u;
	int64_t at;

	if (!thrift_ok(t) || type == THRIFT_STOP || type > THRIFT_STRUCT) {
		if (head != THRIFT_STOP)
			thrift_bad(t);
		if (t->depth > 0)
			t->depth--;
		return THRIFT_STOP;
	}
	at = head >> 4 ? t->last[t->depth] + (head >> 4) : take_zigzag(t);
	if (at <= 0 || at > INT16_MAX) {
		thrift_bad(t);
		at = 0;
	}
	t->last[t->depth] = (int)at;
	*id = (int)at;
	return (enum thrift_type)type;
}

int64_t thrift_int(struct thrift_in *t, enum thrift_type type)
{
	if (type == THRIFT_I8)
		return (int8_t)rd_u8(&t->r);
	if (type == THRIFT_I16 || type == THRIFT_I32 || type == THRIFT_I64)
		return take_zigzag(t);
	thrift_bad(t);
	return 0;
}

bool thrift_bool(struct thrift_in *t, enum thrift_type type)
{
	if (type != THRIFT_TRUE && type != THRIFT_FALSE)
		thrift_bad(t);
	return type == THRIFT_TRUE;
}

struct str thrift_str(struct thrift_in *t, enum thrift_type type)
{
	uint64_t n;
	const uint8_t *p;

	if (type != THRIFT_BYTES) {
		thrift_bad(t);
		return STR("");
	}
	n = take_varint(t);
	p = n <= rd_left(&t->r) ? rd_take(&t->r, (size_t)n) : NULL;
	if (!p) {
		thrift_bad(t);
		return STR("");
	}
	return str_n((const char *)p, (size_t)n);
}

/* Every element takes a byte at least, so a count over the bytes that are left is a lie. */
static size_t take_list(struct thrift_in *t, unsigned *of)
{
	uint8_t head = rd_u8(&t->r);
	uint64_t n = head >> 4 == 15 ? take_varint(t) : head >> 4;

	*of = head & 15u;
	if (!thrift_ok(t) || n > rd_left(&t->r)) {
		thrift_bad(t);
		return 0;
	}
	return (size_t)n;
}

size_t thrift_list_of(struct thrift_in *t, enum thrift_type type, enum thrift_type of)
{
	unsigned is = 0;
	size_t n = 0;

	if (type == THRIFT_LIST)
		n = take_list(t, &is);
	if (type != THRIFT_LIST || (n && is != of)) {
		thrift_bad(t);
		return 0;
	}
	return n;
}

static void skip_value(struct thrift_in *t, enum thrift_type type, int depth);

static void skip_list(struct thrift_in *t, int depth)
{
	unsigned of;
	size_t n = take_list(t, &of);

	/* in a list a bool is a byte of its own */
	for (size_t i = 0; i < n && thrift_ok(t); i++)
		skip_value(t, of <= THRIFT_FALSE ? THRIFT_I8 : (enum thrift_type)of, depth);
}

static void skip_struct(struct thrift_in *t, int depth)
{
	enum thrift_type type;
	int id;

	thrift_enter(t);
	while (thrift_ok(t) && (type = thrift_next(t, &id)) != THRIFT_STOP)
		skip_value(t, type, depth);
}

static void skip_value(struct thrift_in *t, enum thrift_type type, int depth)
{
	if (depth >= THRIFT_DEPTH) {
		thrift_bad(t);
		return;
	}
	switch (type) {
	case THRIFT_TRUE:
	case THRIFT_FALSE:
		return;
	case THRIFT_I8:
	case THRIFT_I16:
	case THRIFT_I32:
	case THRIFT_I64:
		(void)thrift_int(t, type);
		return;
	case THRIFT_DOUBLE:
		rd_skip(&t->r, 8);
		return;
	case THRIFT_BYTES:
		(void)thrift_str(t, type);
		return;
	case THRIFT_LIST:
	case THRIFT_SET:
		skip_list(t, depth + 1);
		return;
	case THRIFT_STRUCT:
		skip_struct(t, depth + 1);
		return;
	case THRIFT_STOP:
	case THRIFT_MAP: /* Parquet has none */
		thrift_bad(t);
		return;
	}
}

void thrift_skip(struct thrift_in *t, enum thrift_type type)
{
	skip_value(t, type, 0);
}
