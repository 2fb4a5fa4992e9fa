/* Columns of packs and their frames: what goes in comes out, and bytes that a disk has changed are refused or
 * harmless. */
#include "tiny.h"

#include "../../../src/store/pack.h"
#include "../../../src/store/zip.h"

static uint64_t state_of_dice = 1;

static uint64_t dice(void)
{
	uint64_t x = state_of_dice += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Numbers as columns have them: constants, small ranges, few values, times, steps, anything. */
static void make_nums(unsigned kind, int64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (kind % 8) {
		case 0:
			v[i] = (int64_t)state_of_dice;
			break;
		case 1:
			v[i] = (int64_t)(dice() % 1000);
			break;
		case 2:
			v[i] = (int64_t)((dice() % 5) * UINT64_C(0x123456789abcdef1));
			break;
		case 3:
			v[i] = tiny_noon_ns + (int64_t)(dice() % 1000) * NS_PER_S;
			break;
		case 4:
			v[i] = (i ? v[i - 1] : 7) + (int64_t)(dice() % 3);
			break;
		case 5:
			v[i] = (int64_t)dice();
			break;
		case 6:
			v[i] = dice() % 4 ? 0 : (int64_t)(dice() >> (dice() % 64));
			break;
		default:
			v[i] = dice() % 2 ? INT64_MIN : INT64_MAX;
		}
	}
}

static void check_nums(const int64_t *v, size_t n, const int64_t *base)
{
	struct buf b;
	int64_t out[PACK_ROWS];
	buf_init(&b, 1 << 20);
	pack_put_nums(&b, v, n, base);
	assert_int_equal(pack_get_nums(buf_view(&b), n, base, out), 0);
	assert_memory_equal(out, v, n * sizeof(*v));
	/* shorter, longer, other rows: refused or numbers, never more than asked for */
	for (size_t cut = 0; cut < b.n; cut++)
		assert_int_equal(pack_get_nums(str_n(b.p, cut), n, base, out), -ERR_CORRUPT);
	for (int i = 0; i < 50; i++) {
		size_t at = dice() % b.n;
		char was = b.p[at];
		b.p[at] = (char)dice();
		(void)!pack_get_nums(buf_view(&b), n, base, out);
		b.p[at] = was;
	}
	buf_char(&b, 0);
	assert_int_equal(pack_get_nums(buf_view(&b), n, base, out), -ERR_CORRUPT);
	buf_fini(&b);
}

static void numbers_of_every_kind_come_back(void **state)
{
	(void)state;
	static const size_t sizes[] = { 1, 2, 3, 20, 255, 256 };
	int64_t v[PACK_ROWS], base[PACK_ROWS];
	for (unsigned kind = 0; kind < 400; kind++) {
		size_t n = sizes[kind % ARRAY_LEN(sizes)];
		make_nums(kind / 6, v, n);
		make_nums(3, base, n);
		check_nums(v, n, NULL);
		check_nums(v, n, base);
		for (size_t i = 0; i < n; i++) /* a time close to the first column's */
			v[i] = base[i] + (int64_t)(dice() % 2000) - 1000;
		check_nums(v, n, base);
	}
}

static void numbers_take_the_bits_they_need(void **state)
{
	(void)state;
	int64_t v[PACK_ROWS], base[PACK_ROWS];
	struct buf b;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < PACK_ROWS; i++) {
		base[i] = tiny_noon_ns + (int64_t)i * NS_PER_S;
		v[i] = base[i];
	}
	pack_put_nums(&b, v, PACK_ROWS, base); /* the same as column 0 */
	assert_true(b.n <= 2);
	buf_reset(&b);
	pack_put_nums(&b, v, PACK_ROWS, NULL); /* whole seconds, one after the other */
	assert_true(b.n <= 10);
	buf_reset(&b);
	for (size_t i = 0; i < PACK_ROWS; i++)
		v[i] = 1000000 + (int64_t)(i * 37 % 16);
	pack_put_nums(&b, v, PACK_ROWS, NULL); /* 4 bits */
	assert_true(b.n <= 128 + 6);
	buf_fini(&b);
}

static void texts_come_back(void **state)
{
	(void)state;
	static const size_t sizes[] = { 1, 2, 20, 256 };
	char text[PACK_ROWS][24];
	struct str v[PACK_ROWS], out[PACK_ROWS];
	struct buf b;
	buf_init(&b, 1 << 20);
	for (unsigned round = 0; round < 40; round++) {
		size_t n = sizes[round % ARRAY_LEN(sizes)], kinds = 1 + dice() % 300;
		for (size_t i = 0; i < n; i++) {
			uint64_t which = dice() % kinds;
			int len = snprintf(text[i], sizeof(text[i]), "name-%llu", (unsigned long long)which);
			v[i] = str_n(text[i], which % 7 ? (size_t)len : 0);
		}
		buf_reset(&b);
		pack_put_texts(&b, v, n);
		assert_int_equal(pack_get_texts(buf_view(&b), n, out), 0);
		for (size_t i = 0; i < n; i++)
			assert_true(str_eq(out[i], v[i]));
		for (size_t cut = 0; cut < b.n; cut++)
			assert_int_equal(pack_get_texts(str_n(b.p, cut), n, out), -ERR_CORRUPT);
		for (int i = 0; i < 200; i++) {
			size_t at = dice() % b.n;
			char was = b.p[at];
			b.p[at] = (char)dice();
			if (!pack_get_texts(buf_view(&b), n, out))
				for (size_t k = 0; k < n; k++)
					assert_true(out[k].p >= b.p && out[k].p + out[k].n <= b.p + b.n);
			b.p[at] = was;
		}
	}
	buf_fini(&b);
}

static void ids_lines_and_columns_come_back(void **state)
{
	(void)state;
	struct pack_head *h = calloc(1, sizeof(*h));
	struct str v[3] = { STR("first line"), STR(""), STR("third\0with a zero") }, out[3];
	const int64_t ids[] = { 100, 101, INT64_MAX - 5 };
	const size_t lengths[] = { 3, 0, 2 };
	struct buf b;
	assert_non_null(h);
	buf_init(&b, 1 << 20);
	pack_put_ids(&b, ids, 3, 77);
	pack_put_cols(&b, lengths, 3, STR("abcde"));
	for (size_t cut = 0; cut <= b.n; cut++) {
		struct rd rd = rd_of(b.p, cut);
		int rc = pack_get_ids(&rd, h);
		if (!rc)
			rc = pack_get_cols(&rd, h, 3);
		assert_int_equal(rc, cut == b.n ? 0 : -ERR_CORRUPT);
	}
	assert_int_equal(h->n, 3);
	assert_memory_equal(h->ids, ids, sizeof(ids));
	assert_int_equal(h->shape, 77);
	assert_true(str_eq(h->cols[0], STR("abc")) && !h->cols[1].n && str_eq(h->cols[2], STR("de")));
	buf_reset(&b);
	pack_put_lines(&b, v, 3);
	for (size_t cut = 0; cut < b.n; cut++)
		assert_int_equal(pack_get_lines(str_n(b.p, cut), 3, out), -ERR_CORRUPT);
	assert_int_equal(pack_get_lines(buf_view(&b), 3, out), 0);
	for (size_t i = 0; i < 3; i++)
		assert_true(str_eq(out[i], v[i]));
	buf_fini(&b);
	free(h);
}

static void ids_that_no_writer_makes_are_refused(void **state)
{
	(void)state;
	static const struct str bad[] = {
		STR("\x00\x01\x00\x00\x01"),			   /* no rows */
		STR("\x81\x02\x01\x00\x81\x02\x01"),		   /* 257 */
		STR("\x02\x01\x00\x03\x01"),			   /* a run longer than the pack */
		STR("\x02\x01\x00\x00\x00\x02\x01"),		   /* a run of none */
		STR("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x01\x01"), /* an id beyond all */
	};
	struct pack_head *h = calloc(1, sizeof(*h));
	assert_non_null(h);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rd rd = rd_of(bad[i].p, bad[i].n);
		assert_int_equal(pack_get_ids(&rd, h), -ERR_CORRUPT);
	}
	free(h);
}

static void a_frame_comes_back_whole_or_not_at_all(void **state)
{
	(void)state;
	struct zip *z;
	struct buf in, frame, out;
	struct err e = ERR_INIT;
	buf_init(&in, 1 << 20);
	buf_init(&frame, 1 << 20);
	buf_init(&out, 1 << 20);
	assert_int_equal(zip_new(&z, &e), 0);
	for (unsigned i = 0; i < 30; i++)
		buf_fmt(&in, "<189>date=2026-11-22 time=12:00:%02u devname=\"fw\" srcip=10.0.%u.7 action=\"close\"\n", i,
			(unsigned)(dice() % 255));
	assert_int_equal(zip_pack(z, buf_view(&in), &frame, &e), 0);
	assert_true(frame.n < in.n / 4);
	assert_int_equal(zip_unpack(z, buf_view(&frame), in.n, &out, &e), 0);
	assert_true(str_eq(buf_view(&in), buf_view(&out)));
	assert_int_equal(zip_unpack(z, buf_view(&frame), in.n - 1, &out, &e), -ERR_CORRUPT); /* bounded */
	for (size_t cut = 0; cut < frame.n; cut++)
		assert_int_equal(zip_unpack(z, str_n(frame.p, cut), 1 << 20, &out, &e), -ERR_CORRUPT);
	for (size_t at = 0; at < frame.n; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			frame.p[at] ^= (char)(1u << bit);
			int rc = zip_unpack(z, buf_view(&frame), 1 << 20, &out, &e);
			if (!rc)
				assert_true(str_eq(buf_view(&in), buf_view(&out)));
			else
				assert_int_equal(rc, -ERR_CORRUPT);
			frame.p[at] ^= (char)(1u << bit);
		}
	buf_reset(&frame);
	assert_int_equal(zip_pack(z, STR(""), &frame, &e), 0); /* nothing is a content too */
	assert_int_equal(zip_unpack(z, buf_view(&frame), 0, &out, &e), 0);
	assert_int_equal(out.n, 0);
	zip_free(z);
	buf_fini(&in);
	buf_fini(&frame);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_every_kind_come_back),
		cmocka_unit_test(numbers_take_the_bits_they_need),
		cmocka_unit_test(texts_come_back),
		cmocka_unit_test(ids_lines_and_columns_come_back),
		cmocka_unit_test(ids_that_no_writer_makes_are_refused),
		cmocka_unit_test(a_frame_comes_back_whole_or_not_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
