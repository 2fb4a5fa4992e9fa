/* The readers of pcap and pcapng. */
#include "../../../src/capture/pcapfile.h"
#include "capfile.h"

#define SEEN_MAX 64

struct seen {
	struct pcapfile_packet packets[SEEN_MAX];
	uint8_t first[SEEN_MAX]; /* first byte of each */
	size_t n;
	enum pcapfile_step end;
	size_t left; /* bytes that the reader waits for more behind */
	struct pcapfile f;
};

/* All of it at once, out of a copy of exactly this size. */
static struct seen *read_bytes(const void *p, size_t n)
{
	static struct seen s;
	uint8_t *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	memcpy(copy, p, n);
	memset(&s, 0, sizeof(s));
	pcapfile_init(&s.f);
	for (size_t at = 0;;) {
		struct pcapfile_packet out;
		size_t used = 0;
		enum pcapfile_step step = pcapfile_next(&s.f, copy + at, n - at, &used, &out);
		assert_true(used <= n - at);
		if (step == PCAPFILE_MORE || step == PCAPFILE_BROKEN) {
			assert_true(step == PCAPFILE_BROKEN || s.f.need > n - at);
			s.end = step;
			s.left = n - at;
			break;
		}
		if (step == PCAPFILE_PACKET) {
			assert_true(s.n < SEEN_MAX && out.off + out.captured <= used);
			s.first[s.n] = out.captured ? copy[at + out.off] : 0;
			s.packets[s.n++] = out;
		}
		at += used;
	}
	free(copy);
	return &s;
}
static struct seen *read_it(const struct capfile *f)
{
	return read_bytes(f->b.p, f->b.n);
}

static void every_prefix_is_harmless(const struct capfile *f, size_t packets)
{
	size_t most = 0;
	for (size_t n = 0; n <= f->b.n; n++) {
		struct seen *s = read_bytes(f->b.p, n);
		assert_true(s->n >= most &&
			    s->n <= packets); /* more bytes, never fewer packets */
		most = s->n;
	}
	assert_int_equal(most, packets);
}

static void every_kind_of_pcap_is_read_in_both_byte_orders(void **state)
{
	(void)state;
	static const struct {
		uint32_t magic;
		unsigned extra;
		int64_t ns;
	} kinds[] = { { 0xa1b2c3d4, 0, 5000 }, { 0xa1b23c4d, 0, 5 }, { 0xa1b2cd34, 8, 5000 } };
	for (size_t i = 0; i < ARRAY_LEN(kinds) * 2; i++) {
		struct capfile f;
		capfile_begin(&f, i & 1);
		classic_header(&f, kinds[i / 2].magic, 113);
		classic_record(&f, 1600000000, 5, "abcd", 4, 4, kinds[i / 2].extra);
		classic_record(&f, 4000000000, 5, "xyz", 3, 1500, kinds[i / 2].extra);
		classic_record(&f, 1600000001, 5, "", 0, 60, kinds[i / 2].extra);
		struct seen *s = read_it(&f);
		assert_int_equal(s->n, 3);
		assert_int_equal(s->left, 0);
		assert_int_equal(s->packets[0].ts_ns, 1600000000 * NS_PER_S + kinds[i / 2].ns);
		assert_int_equal(s->packets[1].ts_ns, 4000000000 * NS_PER_S + kinds[i / 2].ns);
		assert_int_equal(s->packets[0].link, 113);
		assert_int_equal(s->packets[1].captured, 3);
		assert_int_equal(s->packets[1].wire_bytes, 1500);
		assert_int_equal(s->first[1], 'x');
		every_prefix_is_harmless(&f, 3);
		buf_fini(&f.b);
	}
}

static void the_frame_check_sequence_is_taken_off(void **state)
{
	(void)state;
	struct capfile f;
	capfile_begin(&f, false);
	classic_header(&f, 0xa1b2c3d4, 1 | 0x04000000 | 2u << 28);
	classic_record(&f, 1, 0, "abcdefgh", 8, 8, 0);
	classic_record(&f, 1, 0, "abcdefgh", 8, 100, 0);
	struct seen *s = read_it(&f);
	assert_int_equal(s->packets[0].link, 1);
	assert_int_equal(s->packets[0].captured, 4);
	assert_int_equal(s->packets[0].wire_bytes, 4);
	assert_int_equal(s->packets[1].captured, 8);
	assert_int_equal(s->packets[1].wire_bytes, 96);
	buf_fini(&f.b);
}

static void a_record_too_long_to_be_true_is_passed_over_or_ends_the_file(void **state)
{
	(void)state;
	struct capfile f;
	char *big = calloc(1, 300000);
	capfile_begin(&f, false);
	classic_header(&f, 0xa1b2c3d4, 1);
	classic_record(&f, 1, 0, big, 300000, 300000, 0);
	classic_record(&f, 2, 0, "abcd", 4, 4, 0);
	struct seen *s = read_it(&f);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->f.seen.oversized, 1);
	assert_int_equal(s->first[0], 'a');
	w32(&f, 3);
	w32(&f, 0);
	w32(&f, 0xfffffff0);
	w32(&f, 4);
	s = read_it(&f);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->end, PCAPFILE_BROKEN);
	assert_non_null(s->f.words);
	free(big);
	buf_fini(&f.b);
}

static void what_is_no_capture_file_is_said_so(void **state)
{
	(void)state;
	struct seen *s = read_bytes("GET / HTTP/1.1\r\nHost: example\r\n\r\n", 33);
	assert_int_equal(s->end, PCAPFILE_BROKEN);
	struct capfile f;
	capfile_begin(&f, false);
	classic_header(&f, 0xa1b2c3d4, 1);
	f.b.p[4] = 9;
	assert_int_equal(read_it(&f)->end, PCAPFILE_BROKEN);
	buf_fini(&f.b);
}

static void pcapng_is_read_in_both_byte_orders_with_clocks_of_its_interfaces(void **state)
{
	(void)state;
	for (unsigned big = 0; big < 2; big++) {
		struct capfile f;
		capfile_begin(&f, big);
		section(&f);
		interface(&f, 1, 65535, -1, 0);          /* microseconds */
		interface(&f, 101, 65535, 9, 3600);      /* nanoseconds, an hour later */
		interface(&f, 113, 65535, 0x80 | 20, 0); /* 2^-20 */
		interface(&f, 1, 65535, 12, 0);          /* picoseconds */
		enhanced(&f, 0, UINT64_C(1600000000000005), "a", 1, 60);
		enhanced(&f, 1, UINT64_C(1600000000000000005), "bb", 2, 2);
		enhanced(&f, 2, UINT64_C(1600000000) << 20 | 1 << 19, "ccc", 3, 3);
		enhanced(&f, 3, UINT64_C(1600000000000) * 1000 + 999, "dddd", 4, 4);
		struct seen *s = read_it(&f);
		assert_int_equal(s->n, 4);
		assert_int_equal(s->packets[0].ts_ns, 1600000000 * NS_PER_S + 5000);
		assert_int_equal(s->packets[0].wire_bytes, 60);
		assert_int_equal(s->packets[1].ts_ns, 1600003600 * NS_PER_S + 5);
		assert_int_equal(s->packets[1].link, 101);
		assert_int_equal(s->packets[2].ts_ns, 1600000000 * NS_PER_S + NS_PER_S / 2);
		assert_int_equal(s->packets[2].link, 113);
		assert_int_equal(s->packets[3].ts_ns, 1600 * NS_PER_S);
		assert_int_equal(s->first[2], 'c');
		assert_int_equal(s->left, 0);
		every_prefix_is_harmless(&f, 4);
		buf_fini(&f.b);
	}
}

static void sections_follow_each_other_in_different_byte_orders(void **state)
{
	(void)state;
	struct capfile f;
	capfile_begin(&f, false);
	section(&f);
	interface(&f, 1, 65535, -1, 0);
	enhanced(&f, 0, 1, "a", 1, 1);
	f.big = true;
	section(&f);
	enhanced(&f, 0, 2, "b", 1, 1); /* the interfaces of the section before are gone */
	interface(&f, 12, 65535, -1, 0);
	enhanced(&f, 0, 3, "c", 1, 1);
	struct seen *s = read_it(&f);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->packets[1].link, 12);
	assert_int_equal(s->packets[1].ts_ns, 3000);
	assert_int_equal(s->f.seen.unknown_interface, 1);
	buf_fini(&f.b);
}

static void simple_and_obsolete_packet_blocks_are_read(void **state)
{
	(void)state;
	struct capfile f;
	capfile_begin(&f, false);
	section(&f);
	interface(&f, 1, 3, -1, 0);
	enhanced(&f, 0, 7, "a", 1, 1);
	size_t at = block(&f, 3); /* simple: cut to the snaplen of 3 */
	w32(&f, 100);
	buf_put(&f.b, "simp", 4);
	block_end(&f, at);
	at = block(&f, 2);
	w16(&f, 0);
	w16(&f, 0xffff);
	w32(&f, 0);
	w32(&f, 9);
	w32(&f, 4);
	w32(&f, 400);
	buf_put(&f.b, "obso", 4);
	block_end(&f, at);
	at = block(&f, 0x80000001); /* somebody's own */
	buf_put(&f.b, "whatever", 8);
	block_end(&f, at);
	struct seen *s = read_it(&f);
	assert_int_equal(s->n, 3);
	assert_int_equal(s->packets[1].captured, 3);
	assert_int_equal(s->packets[1].wire_bytes, 100);
	assert_int_equal(s->packets[1].ts_ns, 7000); /* that of the one before */
	assert_int_equal(s->first[1], 's');
	assert_int_equal(s->packets[2].wire_bytes, 400);
	assert_int_equal(s->packets[2].ts_ns, 9000);
	every_prefix_is_harmless(&f, 3);
	buf_fini(&f.b);
}

static void after_a_block_whose_length_lies_the_next_section_is_found(void **state)
{
	(void)state;
	struct capfile f;
	capfile_begin(&f, false);
	section(&f);
	interface(&f, 1, 65535, -1, 0);
	enhanced(&f, 0, 1, "a", 1, 1);
	w32(&f, 6);
	w32(&f, 5); /* shorter than any block */
	buf_cstr(&f.b, "rubbish \x0a\x0d\x0d\x0a more rubbish");
	section(&f);
	interface(&f, 1, 65535, -1, 0);
	enhanced(&f, 0, 2, "b", 1, 1);
	struct seen *s = read_it(&f);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->f.seen.bad_blocks, 1);
	assert_false(s->f.lost);
	buf_fini(&f.b);
}

static void a_captured_length_beyond_its_block_is_not_believed(void **state)
{
	(void)state;
	struct capfile f;
	capfile_begin(&f, false);
	section(&f);
	interface(&f, 1, 65535, -1, 0);
	size_t at = f.b.n;
	enhanced(&f, 0, 1, "aaaa", 4, 4);
	f.b.p[at + 20] = (char)200;
	enhanced(&f, 0, 1, "b", 1, 1);
	struct seen *s = read_it(&f);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->first[0], 'b');
	assert_int_equal(s->f.seen.bad_blocks, 1);
	buf_fini(&f.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_pcap_is_read_in_both_byte_orders),
		cmocka_unit_test(the_frame_check_sequence_is_taken_off),
		cmocka_unit_test(a_record_too_long_to_be_true_is_passed_over_or_ends_the_file),
		cmocka_unit_test(what_is_no_capture_file_is_said_so),
		cmocka_unit_test(
			pcapng_is_read_in_both_byte_orders_with_clocks_of_its_interfaces),
		cmocka_unit_test(sections_follow_each_other_in_different_byte_orders),
		cmocka_unit_test(simple_and_obsolete_packet_blocks_are_read),
		cmocka_unit_test(after_a_block_whose_length_lies_the_next_section_is_found),
		cmocka_unit_test(a_captured_length_beyond_its_block_is_not_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
