/* Framing: a stream gives the same messages however it is cut, and every kind of framing is understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/syslog/frame.h"
#include "tomsd/base/buf.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

struct heard {
	struct frame f;
	struct frame_pool pool;
	struct buf all; /* messages, each with its length and whether it was cut */
	size_t n;
	uint64_t skipped;
};

static void heard_init(struct heard *h)
{
	*h = (struct heard){ .pool = { .max = 1 << 20 } };
	buf_init(&h->all, 64u << 20);
}

static void heard_fini(struct heard *h)
{
	frame_fini(&h->f, &h->pool);
	assert_int_equal(h->pool.used, 0);
	buf_fini(&h->all);
}

static void hear(struct heard *h, struct str in)
{
	struct frame_line l;
	while (frame_next(&h->f, &h->pool, &in, &l, &h->skipped)) {
		buf_fmt(&h->all, "%zu%s:", l.line.n, l.is_truncated ? "!" : "");
		buf_str(&h->all, l.line);
		h->n++;
	}
}

static void hear_end(struct heard *h)
{
	struct frame_line l;
	if (!frame_end(&h->f, &h->pool, &l))
		return;
	buf_fmt(&h->all, "%zu?:", l.line.n);
	buf_str(&h->all, l.line);
}

/* The bytes go in a copy of exactly their length, so that a sanitizer sees a look behind them. */
static void hear_in_pieces(struct heard *h, struct str in, size_t first, size_t each)
{
	for (size_t at = 0; at < in.n;) {
		size_t n = at == 0 && first ? first : each;
		if (n > in.n - at)
			n = in.n - at;
		char *piece = malloc(n);
		assert_non_null(piece);
		memcpy(piece, in.p + at, n);
		hear(h, str_n(piece, n));
		free(piece);
		at += n;
	}
	hear_end(h);
}

static void expect(const char *in, size_t n, const char *want)
{
	struct heard h;
	heard_init(&h);
	hear(&h, str_n(in, n));
	hear_end(&h);
	assert_non_null(h.all.p);
	assert_string_equal(h.all.p, want);
	heard_fini(&h);
}
#define EXPECT(in, want) expect(in, sizeof(in) - 1, want)

static void every_framing_gives_the_message_and_nothing_of_itself(void **state)
{
	(void)state;
	EXPECT("<1>a\n<2>bb\n", "4:<1>a5:<2>bb");
	EXPECT("<1>a\r\n<2>bb\r\n", "4:<1>a5:<2>bb");
	EXPECT("<1>a\0<2>bb\0", "4:<1>a5:<2>bb");
	EXPECT("4 <1>a5 <2>bb", "4:<1>a5:<2>bb");
	EXPECT("5 <1>a\n6 <2>bb\n", "4:<1>a5:<2>bb");   /* the LF is counted */
	EXPECT("6 <1>a\r\n6 <2>bb\n", "4:<1>a5:<2>bb"); /* CR LF too */
	EXPECT("4 <1>a\n5 <2>bb\n", "4:<1>a5:<2>bb");   /* an LF behind what was counted */
	EXPECT("6 <1>a\nb4 <2>c", "6:<1>a\nb4:<2>c");   /* an LF inside */
	EXPECT("4 <1>a<2>bb\n<3>c\0"
	       "4 <4>d",
	       "4:<1>a5:<2>bb4:<3>c4:<4>d");
	EXPECT("\n\n\r\n\0<1>a\n\n", "4:<1>a");
	EXPECT("a\rb\n", "3:a\rb"); /* a CR that ends nothing belongs to the line */
	EXPECT("4 <1>a5 plain6 <2>xyz",
	       "4:<1>a5:plain6:<2>xyz"); /* once counted, anything is */
}

static void digits_that_are_no_length_begin_a_line(void **state)
{
	(void)state;
	EXPECT("12 monkeys\n", "10:12 monkeys");
	EXPECT("2026-11-23 it began\n", "19:2026-11-23 it began");
	EXPECT("10.0.0.1 date=2026-11-23\n", "24:10.0.0.1 date=2026-11-23");
	EXPECT("99999999 <1>a\n", "13:99999999 <1>a"); /* more digits than a length has */
	EXPECT("0 <1>a\n", "6:0 <1>a");
	EXPECT("7\n", "1:7");
	EXPECT("1234567\n", "7:1234567");
	EXPECT("7", "1?:7");
	EXPECT("7 ", "2?:7 ");
	EXPECT("7 <1>a", "4?:<1>a");
}

static void what_has_no_end_is_kept_as_far_as_it_came(void **state)
{
	(void)state;
	EXPECT("<1>a\n<2>b", "4:<1>a4?:<2>b");
	EXPECT("99 <2>b", "4?:<2>b");
}

static void a_line_that_is_too_long_is_cut_and_the_rest_counted(void **state)
{
	(void)state;
	size_t n = LOG_LINE_MAX + 1000;
	struct buf in;
	struct heard h;
	buf_init(&in, 4u << 20);
	for (size_t i = 0; i < n; i++)
		buf_char(&in, 'x');
	buf_cstr(&in, "\n<2>b\n");
	for (size_t each = 1; each < n; each = each * 7 + 1) {
		heard_init(&h);
		hear_in_pieces(&h, buf_view(&in), 0, each);
		assert_int_equal(h.n, 2);
		assert_int_equal(h.skipped, 1000);
		assert_int_equal(h.all.n, 7 + LOG_LINE_MAX + 6);
		assert_memory_equal(h.all.p, "65536!:xxx", 10);
		assert_string_equal(h.all.p + h.all.n - 6, "4:<2>b");
		heard_fini(&h);
	}
	buf_reset(&in);
	buf_fmt(&in, "%zu <", n);
	for (size_t i = 1; i < n; i++)
		buf_char(&in, '\n');
	buf_cstr(&in, "4 <2>b");
	for (size_t each = 1; each < n; each = each * 7 + 1) {
		heard_init(&h);
		hear_in_pieces(&h, buf_view(&in), 0, each);
		assert_int_equal(h.n, 2);
		assert_int_equal(h.skipped, 1000);
		assert_string_equal(h.all.p + h.all.n - 6, "4:<2>b");
		heard_fini(&h);
	}
	buf_fini(&in);
}

static void a_line_of_just_the_limit_is_whole(void **state)
{
	(void)state;
	char *in = malloc(LOG_LINE_MAX + 1);
	struct heard h;
	assert_non_null(in);
	memset(in, 'x', LOG_LINE_MAX);
	in[LOG_LINE_MAX] = '\n';
	for (size_t each = 1000; each < LOG_LINE_MAX + 2; each += 32268) {
		heard_init(&h);
		hear_in_pieces(&h, str_n(in, LOG_LINE_MAX + 1), 0, each);
		assert_int_equal(h.n, 1);
		assert_memory_equal(h.all.p, "65536:", 6);
		heard_fini(&h);
	}
	free(in);
}

static void a_stream_cut_at_any_byte_gives_the_same_messages(void **state)
{
	(void)state;
	static const char in[] = "10 date=1 b=27 <1>a\nb\n<2>bb\r\n<3>c\0"
				 "12 apes\n5 <4>d\n8 <5>e\r\nf\n<6>g\n6 <7>\n1";
	struct str whole = str_n(in, sizeof(in) - 1);
	struct heard want, h;
	heard_init(&want);
	hear_in_pieces(&want, whole, 0, whole.n);
	for (size_t cut = 1; cut < whole.n; cut++) {
		heard_init(&h);
		hear_in_pieces(&h, whole, cut, whole.n);
		assert_string_equal(h.all.p, want.all.p);
		heard_fini(&h);
	}
	for (size_t each = 1; each < 9; each++) {
		heard_init(&h);
		hear_in_pieces(&h, whole, 0, each);
		assert_string_equal(h.all.p, want.all.p);
		heard_fini(&h);
	}
	heard_fini(&want);
}

static void without_memory_a_stream_fails_and_gives_what_it_has(void **state)
{
	(void)state;
	struct heard h;
	char in[8000];
	memset(in, 'x', sizeof(in));
	heard_init(&h);
	h.pool.max = 6000;
	hear(&h, str_n(in, 3000));
	assert_int_equal(h.f.state, FRAME_LINE);
	hear(&h, str_n(in, 3000)); /* more than FRAME_SMALL, of which half must be left */
	assert_int_equal(h.f.state, FRAME_FAILED);
	hear_end(&h);
	assert_memory_equal(h.all.p, "3000?:", 6);
	heard_fini(&h);
}

static void what_a_stream_without_memory_has_not_taken_can_be_counted(void **state)
{
	(void)state;
	static char text[9000];
	struct heard h;
	struct frame_line l;
	memset(text, 'x', sizeof(text));
	memcpy(text + 5000, "\n<13>b\n", 7);
	heard_init(&h);
	h.pool.max = 6000;
	hear(&h, str_n(text, 3000));
	struct str in = str_n(text + 3000, 6000);
	assert_false(frame_next(&h.f, &h.pool, &in, &l, &h.skipped));
	assert_int_equal(h.f.state, FRAME_FAILED);
	assert_int_equal(in.n, 6000); /* the 3,000 before are the line as far as it came */
	heard_fini(&h);
	/* An accepted source may have what strangers have left. */
	heard_init(&h);
	h.pool.max = 20000;
	h.f.is_trusted = true;
	hear(&h, str_n(text, 4900));
	assert_int_equal(h.f.state, FRAME_LINE);
	heard_fini(&h);
	heard_init(&h);
	h.pool.max = 20000;
	hear(&h, str_n(text, 4900));
	assert_int_equal(h.f.state, FRAME_FAILED);
	heard_fini(&h);
}

static void a_datagram_is_one_message(void **state)
{
	(void)state;
	static const struct {
		struct str in;
		size_t n;
	} cases[] = {
		{ { "<1>a", 4 }, 4 },     { { "<1>a\n", 5 }, 4 },   { { "<1>a\r\n", 6 }, 4 },
		{ { "<1>a\0\0", 6 }, 4 }, { { "<1>a\n\0", 6 }, 4 }, { { "<1>a\nb", 6 }, 6 },
		{ { "\n", 1 }, 0 },       { { "\0", 1 }, 0 },       { { "12 <1>a", 7 }, 7 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(frame_datagram(cases[i].in).n, cases[i].n);
}

static void take_file(struct heard *h, const char *name, size_t each)
{
	char path[200];
	struct buf b;
	struct err e = ERR_INIT;
	(void)snprintf(path, sizeof(path), "../shared/data/fortigate/edge/%s", name);
	buf_init(&b, 8u << 20);
	assert_int_equal(file_read(path, 8u << 20, &b, &e), 0);
	hear_in_pieces(h, buf_view(&b), 0, each ? each : b.n);
	buf_fini(&b);
}

static void the_streams_of_the_collection_hold_the_same_24_messages(void **state)
{
	(void)state;
	static const char *const names[] = { "tcp-lf.bin", "tcp-mixed.bin", "tcp-nul.bin",
					     "tcp-octet-lf-counted.bin", "tcp-octet.bin" };
	struct heard want, h;
	if (file_size("../shared/data/fortigate/edge/tcp-lf.bin") < 0)
		skip();
	heard_init(&want);
	take_file(&want, names[0], 0);
	assert_int_equal(want.n, 24);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t each = 0; each < 4000; each = each * 3 + 1) {
			heard_init(&h);
			take_file(&h, names[i], each);
			assert_int_equal(h.n, 24);
			assert_string_equal(h.all.p, want.all.p);
			heard_fini(&h);
		}
	heard_init(&h);
	take_file(&h, "tcp-octet-embedded-lf.bin", 0);
	assert_int_equal(h.n, 24);
	assert_non_null(memchr(h.all.p, '\n', h.all.n));
	heard_fini(&h);
	heard_fini(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_framing_gives_the_message_and_nothing_of_itself),
		cmocka_unit_test(digits_that_are_no_length_begin_a_line),
		cmocka_unit_test(what_has_no_end_is_kept_as_far_as_it_came),
		cmocka_unit_test(a_line_that_is_too_long_is_cut_and_the_rest_counted),
		cmocka_unit_test(a_line_of_just_the_limit_is_whole),
		cmocka_unit_test(a_stream_cut_at_any_byte_gives_the_same_messages),
		cmocka_unit_test(without_memory_a_stream_fails_and_gives_what_it_has),
		cmocka_unit_test(what_a_stream_without_memory_has_not_taken_can_be_counted),
		cmocka_unit_test(a_datagram_is_one_message),
		cmocka_unit_test(the_streams_of_the_collection_hold_the_same_24_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
