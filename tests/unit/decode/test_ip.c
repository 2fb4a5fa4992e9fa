/* IPv4, IPv6, their fragments, what lies about them, and the L4 headers. */
#include "frames.h"

static void v4(struct frame *f, unsigned protocol)
{
	ether(f, 0x0800);
	ip4(f, protocol);
}

static void options_of_ipv4_are_passed_over(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	v4(&f, 17);
	f.b[14] = 0x47; /* 8 bytes of options: router alert, end */
	put(&f, "\x94\x04\0\0\0\0\0\0", 8);
	udp(&f, 1000, 53);
	put(&f, "question", 8);
	struct pkt p = ok(&f);
	assert_int_equal(p.key.dst_port, 53);
	assert_int_equal(p.l4_off, 14 + 28);
	assert_int_equal(p.payload_bytes, 8);
	no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
}

static void ipv4_headers_that_lie_are_counted_by_kind(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x0800);
	inner4(&f);
	frame_end(&f);
	struct frame g = f;
	g.b[14] = 0x65; /* version */
	(void)decoded(DECODE_LINK_ETHERNET, &g, DECODE_BAD_IP);
	g.b[14] = 0x44; /* header length */
	(void)decoded(DECODE_LINK_ETHERNET, &g, DECODE_BAD_IP);
	g = f;
	g.b[16] = 0;
	g.b[17] = 19; /* total length */
	(void)decoded(DECODE_LINK_ETHERNET, &g, DECODE_BAD_IP_LENGTH);
	g = f;
	g.n = 14 + 19;
	(void)decoded(DECODE_LINK_ETHERNET, &g, DECODE_BAD_IP);
}

static void a_capture_shorter_than_the_packet_is_marked_cut(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	struct pkt p;
	ether(&f, 0x0800);
	inner4(&f);
	zeros(&f, 1000);
	frame_end(&f);
	assert_int_equal(decode_bytes(DECODE_LINK_ETHERNET, f.b, 96, f.n, &p), DECODE_OK);
	assert_true(p.flags & PKT_CUT);
	assert_int_equal(p.key.dst_port, 104);
	assert_int_equal(p.l3_bytes, 82);
	assert_int_equal(p.payload_bytes, 42);
	/* In the middle of the TCP header: the ports are there, the rest is not. */
	assert_int_equal(decode_bytes(DECODE_LINK_ETHERNET, f.b, 40, f.n, &p), DECODE_BAD_L4);
	assert_true((p.flags & (PKT_CUT | PKT_BAD_L4)) == (PKT_CUT | PKT_BAD_L4));
	assert_int_equal(p.key.src_port, 40000);
	assert_int_equal(decode_bytes(DECODE_LINK_ETHERNET, f.b, 37, f.n, &p), DECODE_BAD_L4);
	assert_int_equal(p.key.src_port, 0);
	assert_int_equal(p.key.ip_version, 4);
}

static void a_total_length_of_zero_is_a_packet_that_the_card_was_to_cut_up(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x0800);
	inner4(&f);
	frame_end(&f);
	f.b[16] = f.b[17] = 0;
	struct pkt p = ok(&f);
	assert_int_equal(p.l3_bytes, 49);
	assert_false(p.flags & PKT_CUT);
}

static void a_payload_length_of_zero_is_one_too_for_ipv6(void **state)
{
	(void)state;
	struct frame f = { .n = 0 }, g = { .n = 0 };
	ether(&f, 0x86dd);
	inner6(&f);
	frame_end(&f);
	f.b[18] = f.b[19] = 0;
	struct pkt p = ok(&f);
	is_inner6(&p);
	assert_false(p.flags & PKT_CUT);
	ether(&g, 0x86dd);
	ip6(&g, 59); /* no next header: really nothing, and padding behind it */
	frame_end(&g);
	zeros(&g, 6);
	p = ok(&g);
	assert_int_equal(p.key.l4, 59);
	assert_int_equal(p.l3_bytes, 40);
}

static void fragments_belong_to_the_pair_of_the_first_one(void **state)
{
	(void)state;
	struct frame first = { .n = 0 }, later = { .n = 0 }, back = { .n = 0 };
	ether(&first, 0x0800);
	ip4_full(&first, 0x0a010101, 0x0a020202, 17, 0x2000);
	u16(&first, 5000);
	u16(&first, 53);
	u16(&first, 3000); /* of the whole datagram */
	u16(&first, 0);
	zeros(&first, 1472);
	struct pkt a = ok(&first);
	assert_true(a.flags & PKT_FRAG_FIRST);
	assert_int_equal(a.frag_id, 0x1234);
	assert_int_equal(a.key.dst_port, 53);
	ether(&later, 0x0800);
	ip4_full(&later, 0x0a010101, 0x0a020202, 17, 185);
	zeros(&later, 100);
	struct pkt b = ok(&later);
	assert_true(b.flags & PKT_FRAG_LATER);
	assert_int_equal(b.frag_id, 0x1234);
	assert_int_equal(b.key.dst_port, 0);
	assert_int_equal(b.payload_off, 0);
	assert_int_equal(b.pair_hash, a.pair_hash);
	ether(&back, 0x0800);
	ip4_full(&back, 0x0a020202, 0x0a010101, 17, 0);
	udp(&back, 53, 5000);
	assert_int_equal(ok(&back).pair_hash, a.pair_hash);
	no_part_of_it_harms(DECODE_LINK_ETHERNET, &later);
}

static void the_pair_hash_does_not_see_vlans_and_spreads_pairs(void **state)
{
	(void)state;
	unsigned per_shard[8] = { 0 };
	struct frame f = { .n = 0 }, g = { .n = 0 };
	ether(&f, 0x0800);
	inner4(&f);
	ether(&g, 0x8100);
	vlan(&g, 9, 0x0800);
	inner4(&g);
	assert_int_equal(ok(&f).pair_hash, ok(&g).pair_hash);
	for (uint32_t i = 0; i < 8000; i++) {
		struct frame h = { .n = 0 };
		ether(&h, 0x0800);
		ip4_full(&h, 0x0a000001 + i % 40, 0x0a010001 + i / 40, 17, 0);
		udp(&h, 1, 2);
		per_shard[(uint64_t)ok(&h).pair_hash * 8 >> 32]++;
	}
	for (unsigned i = 0; i < 8; i++)
		assert_in_range(per_shard[i], 800, 1200);
}

static void extension_headers_of_ipv6_are_walked(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x86dd);
	ip6(&f, 0);
	put(&f, "\x2b\x00\x05\x02\0\0\x01\x00", 8); /* hop by hop: router alert; then routing */
	put(&f, "\x3c\x00\x00\x00\0\0\0\0", 8);     /* routing; then destination options */
	put(&f, "\x33\x01\x01\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* then AH */
	put(&f, "\x11\x04\0\0\0\0\0\1\0\0\0\1abcdefghijkl", 24);
	udp(&f, 546, 547);
	put(&f, "dhcp", 4);
	struct pkt p = ok(&f);
	assert_int_equal(p.key.l4, 17);
	assert_int_equal(p.key.dst_port, 547);
	assert_int_equal(p.payload_bytes, 4);
	no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
}

static void endless_and_cut_extension_headers_are_counted(void **state)
{
	(void)state;
	struct frame f = { .n = 0 }, g = { .n = 0 };
	ether(&f, 0x86dd);
	ip6(&f, 60);
	for (unsigned i = 0; i < 40; i++)
		put(&f, "\x3c\x00\0\0\0\0\0\0", 8);
	struct pkt p = decoded(DECODE_LINK_ETHERNET, &f, DECODE_BAD_EXT);
	assert_int_equal(p.key.ip_version, 6);
	ether(&g, 0x86dd);
	ip6(&g, 60);
	put(&g, "\x06\xff\0\0\0\0\0\0", 8); /* 2048 bytes, which are not there */
	(void)decoded(DECODE_LINK_ETHERNET, &g, DECODE_BAD_EXT);
}

static void ipv6_fragments_are_told_from_atomic_ones(void **state)
{
	(void)state;
	static const struct {
		unsigned word, flag;
	} cases[] = { { 0x0001, PKT_FRAG_FIRST }, { 0x05a8, PKT_FRAG_LATER }, { 0, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct frame f = { .n = 0 };
		ether(&f, 0x86dd);
		ip6(&f, 44);
		u16(&f, 17 << 8);
		u16(&f, cases[i].word);
		u32(&f, 0xcafe0001);
		udp(&f, 1000, 53);
		struct pkt p = ok(&f);
		assert_int_equal(p.flags & (PKT_FRAG_FIRST | PKT_FRAG_LATER), cases[i].flag);
		assert_int_equal(p.frag_id, cases[i].flag ? 0xcafe0001 : 0);
		assert_int_equal(p.key.dst_port, cases[i].flag == PKT_FRAG_LATER ? 0 : 53);
		no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
	}
}

static void l4_headers_that_lie_belong_to_their_pair_still(void **state)
{
	(void)state;
	struct frame f = { .n = 0 }, g = { .n = 0 }, h = { .n = 0 };
	v4(&f, 6);
	tcp(&f, 1, 2, 2);
	frame_end(&f);
	f.b[14 + 20 + 12] = 0x40; /* a header of 16 bytes */
	struct pkt p = decoded(DECODE_LINK_ETHERNET, &f, DECODE_BAD_L4);
	assert_int_equal(p.key.dst_port, 2);
	assert_int_equal(p.payload_bytes, 0);
	f.b[14 + 20 + 12] = 0xf0; /* 60 bytes, which are not there */
	(void)decoded(DECODE_LINK_ETHERNET, &f, DECODE_BAD_L4);
	v4(&g, 17);
	udp(&g, 1, 2);
	frame_end(&g);
	g.b[14 + 20 + 5] = 7; /* length less than the header */
	(void)decoded(DECODE_LINK_ETHERNET, &g, DECODE_BAD_L4);
	g.b[14 + 20 + 5] = 9; /* more than the packet has */
	p = decoded(DECODE_LINK_ETHERNET, &g, DECODE_BAD_L4);
	assert_true(p.flags & PKT_BAD_L4);
	v4(&h, 6);
	u32(&h, 0x00010002); /* too short for TCP: no ports to be believed */
	p = decoded(DECODE_LINK_ETHERNET, &h, DECODE_BAD_L4);
	assert_int_equal(p.key.dst_port, 0);
	assert_int_equal(p.key.l4, 6);
}

static void a_udp_length_shorter_than_the_packet_trims_the_payload(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	v4(&f, 17);
	udp(&f, 1, 2);
	put(&f, "four", 4);
	f.lengths[1].less = 0;
	frame_end(&f);
	f.n_lengths = 0;
	f.b[14 + 20 + 5] = 10;
	assert_int_equal(ok(&f).payload_bytes, 2);
}

static void sctp_dccp_and_udplite_have_ports_and_others_none(void **state)
{
	(void)state;
	static const uint8_t none[] = { 2 /* IGMP */, 50 /* ESP */, 89, 103, 112, 255, 58 };
	static const uint8_t with[][2] = { { 132, 12 },
					   { 33, 12 },
					   { 136, 8 } }; /* header bytes */
	struct pkt p;
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		struct frame f = { .n = 0 };
		v4(&f, with[i][0]);
		u16(&f, 2905);
		u16(&f, 2906);
		zeros(&f, 12);
		p = ok(&f);
		assert_int_equal(p.key.src_port, 2905);
		assert_int_equal(p.key.dst_port, 2906);
		assert_int_equal(p.payload_bytes, 16 - with[i][1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		struct frame g = { .n = 0 };
		v4(&g, none[i]);
		put(&g, "\x12\x34\x56\x78\x9a\xbc\xde\xf0", 8);
		p = ok(&g);
		assert_int_equal(p.key.l4, none[i]);
		assert_true(p.key.src_port == 0 && p.key.dst_port == 0);
		assert_int_equal(p.payload_bytes, 8);
	}
}

static void the_authentication_header_hides_nothing(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	v4(&f, 51);
	put(&f, "\x06\x04\0\0\0\0\0\1\0\0\0\1abcdefghijkl", 24);
	tcp(&f, 40000, 104, 2);
	struct pkt p = ok(&f);
	assert_int_equal(p.key.l4, 6);
	assert_int_equal(p.key.dst_port, 104);
	no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
}

static struct pkt icmp(unsigned version, unsigned type, unsigned id)
{
	struct frame f = { .n = 0 };
	ether(&f, version == 4 ? 0x0800 : 0x86dd);
	if (version == 4)
		ip4(&f, 1);
	else
		ip6(&f, 58);
	u8(&f, type);
	u8(&f, 0);
	u16(&f, 0);
	u16(&f, id);
	u16(&f, 1);
	return ok(&f);
}

static void questions_and_answers_of_icmp_meet_in_one_key(void **state)
{
	(void)state;
	static const struct {
		unsigned version, ask, answer, id;
	} pairs[] = { { 4, 8, 0, 77 },    { 4, 13, 14, 77 },  { 4, 15, 16, 77 },
		      { 4, 17, 18, 77 },  { 4, 10, 9, 0 },    { 6, 128, 129, 77 },
		      { 6, 135, 136, 0 }, { 6, 133, 134, 0 }, { 6, 130, 131, 0 },
		      { 6, 139, 140, 0 }, { 6, 144, 145, 77 } };
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct pkt q = icmp(pairs[i].version, pairs[i].ask, 77),
			   a = icmp(pairs[i].version, pairs[i].answer, 77);
		assert_int_equal(q.key.src_port, pairs[i].id);
		assert_int_equal(q.key.dst_port, pairs[i].ask << 8);
		assert_int_equal(a.key.src_port, q.key.dst_port);
		assert_int_equal(a.key.dst_port, q.key.src_port);
		assert_false(q.flags & PKT_ANSWER);
		assert_true(a.flags & PKT_ANSWER);
	}
	struct pkt other = icmp(4, 8, 78);
	assert_int_equal(other.key.src_port, 78);
}

static void errors_of_icmp_go_one_way(void **state)
{
	(void)state;
	struct pkt p = icmp(4, 3, 0);
	assert_int_equal(p.key.src_port, 0);
	assert_int_equal(p.key.dst_port, 3 << 8);
	assert_false(p.flags & PKT_ANSWER);
}

static void every_result_has_a_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < DECODE_RESULTS; i++)
		assert_non_null(decode_result_names[i]);
	assert_null(decode_result_names[DECODE_RESULTS]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_of_ipv4_are_passed_over),
		cmocka_unit_test(ipv4_headers_that_lie_are_counted_by_kind),
		cmocka_unit_test(a_capture_shorter_than_the_packet_is_marked_cut),
		cmocka_unit_test(
			a_total_length_of_zero_is_a_packet_that_the_card_was_to_cut_up),
		cmocka_unit_test(a_payload_length_of_zero_is_one_too_for_ipv6),
		cmocka_unit_test(fragments_belong_to_the_pair_of_the_first_one),
		cmocka_unit_test(the_pair_hash_does_not_see_vlans_and_spreads_pairs),
		cmocka_unit_test(extension_headers_of_ipv6_are_walked),
		cmocka_unit_test(endless_and_cut_extension_headers_are_counted),
		cmocka_unit_test(ipv6_fragments_are_told_from_atomic_ones),
		cmocka_unit_test(l4_headers_that_lie_belong_to_their_pair_still),
		cmocka_unit_test(a_udp_length_shorter_than_the_packet_trims_the_payload),
		cmocka_unit_test(sctp_dccp_and_udplite_have_ports_and_others_none),
		cmocka_unit_test(the_authentication_header_hides_nothing),
		cmocka_unit_test(questions_and_answers_of_icmp_meet_in_one_key),
		cmocka_unit_test(errors_of_icmp_go_one_way),
		cmocka_unit_test(every_result_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
