/* Link layers and what stands between them and IP. */
#include "frames.h"

static void ethernet_carries_ip_and_its_padding_is_taken_off(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x0800);
	inner4(&f);
	frame_end(&f);
	zeros(&f, 20); /* a short frame is padded to 60 bytes */
	struct pkt p = ok(&f);
	is_inner4(&p);
	assert_memory_equal(p.src_mac, MAC_A, 6);
	assert_memory_equal(p.dst_mac, MAC_B, 6);
	assert_int_equal(p.l3_off, 14);
	assert_int_equal(p.l4_off, 34);
	assert_int_equal(p.payload_off, 54);
	assert_int_equal(p.seq, 1000);
	assert_int_equal(p.ack, 2000);
	assert_int_equal(p.window, 512);
	assert_int_equal(p.tcp_flags, 0x18);
	assert_int_equal(p.tunnel, DECODE_TUNNEL_NONE);
	assert_int_equal(p.key.vlan, 0);
	no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
}

static void tags_nest_and_the_innermost_names_the_vlan(void **state)
{
	(void)state;
	static const unsigned outer_types[] = { 0x8100, 0x88a8, 0x9100 };
	for (size_t i = 0; i < ARRAY_LEN(outer_types); i++) {
		struct frame f = { .n = 0 };
		ether(&f, outer_types[i]);
		vlan(&f, 201, 0x8100);
		vlan(&f, 0xe000 | 200, 0x0800); /* with a priority */
		inner4(&f);
		struct pkt p = ok(&f);
		is_inner4(&p);
		assert_int_equal(p.key.vlan, 200);
		no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
	}
}

static void a_priority_tag_is_no_vlan(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x8100);
	vlan(&f, 0xa000, 0x0800);
	inner4(&f);
	assert_int_equal(ok(&f).key.vlan, 0);
}

static void more_than_eight_tags_are_a_lie(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x8100);
	for (unsigned i = 1; i <= 8; i++)
		vlan(&f, i, 0x8100);
	vlan(&f, 9, 0x0800);
	inner4(&f);
	(void)decoded(DECODE_LINK_ETHERNET, &f, DECODE_BAD_TAG);
}

static void a_tag_that_is_cut_is_counted_as_such(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x8100);
	u16(&f, 5);
	(void)decoded(DECODE_LINK_ETHERNET, &f, DECODE_BAD_TAG);
}

static void arp_is_a_conversation_of_macs(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	put(&f, "\xff\xff\xff\xff\xff\xff", 6);
	put(&f, MAC_A, 6);
	u16(&f, 0x0806);
	zeros(&f, 28);
	struct pkt p = decoded(DECODE_LINK_ETHERNET, &f, DECODE_NOT_IP);
	assert_int_equal(p.ethertype, 0x0806);
	assert_int_equal(p.key.src_port, 0x0806);
	assert_int_equal(p.key.dst_port, 0x0806);
	assert_memory_equal(p.key.src.b + 10, MAC_A, 6);
	assert_true(p.flags & PKT_MULTI);
}

static void spanning_tree_is_not_ip_and_has_no_ethertype(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 38);
	put(&f, "\x42\x42\x03", 3);
	zeros(&f, 35);
	assert_int_equal(decoded(DECODE_LINK_ETHERNET, &f, DECODE_NOT_IP).ethertype, 0);
}

static void snap_carries_ip(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 57);
	put(&f, "\xaa\xaa\x03\0\0\0\x08\0", 8);
	inner4(&f);
	struct pkt p = ok(&f);
	is_inner4(&p);
	no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
}

static void cooked_captures_are_read(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	u16(&f, 1); /* broadcast */
	u16(&f, 1);
	u16(&f, 6);
	put(&f, MAC_A "\0\0", 8);
	u16(&f, 0x0800);
	inner4(&f);
	struct pkt p = decoded(DECODE_LINK_SLL, &f, DECODE_OK);
	is_inner4(&p);
	assert_memory_equal(p.src_mac, MAC_A, 6);
	assert_true(p.flags & PKT_MULTI);
	no_part_of_it_harms(DECODE_LINK_SLL, &f);

	struct frame g = { .n = 0 };
	u16(&g, 0x8100); /* a tag behind the cooked header */
	u16(&g, 0);
	u32(&g, 4);
	u16(&g, 1);
	u8(&g, 0);
	u8(&g, 6);
	put(&g, MAC_A "\0\0", 8);
	vlan(&g, 77, 0x86dd);
	inner6(&g);
	p = decoded(DECODE_LINK_SLL2, &g, DECODE_OK);
	is_inner6(&p);
	assert_int_equal(p.key.vlan, 77);
	assert_memory_equal(p.src_mac, MAC_A, 6);
	no_part_of_it_harms(DECODE_LINK_SLL2, &g);
}

static void raw_ip_goes_by_its_version(void **state)
{
	(void)state;
	static const uint32_t links[] = { DECODE_LINK_RAW, DECODE_LINK_RAW_BSD,
					  DECODE_LINK_RAW_OPENBSD };
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		struct frame f = { .n = 0 }, g = { .n = 0 }, h = { .n = 0 };
		inner4(&f);
		struct pkt p = decoded(links[i], &f, DECODE_OK);
		is_inner4(&p);
		inner6(&g);
		p = decoded(links[i], &g, DECODE_OK);
		is_inner6(&p);
		no_part_of_it_harms(links[i], &g);
		u32(&h, 0x50000000);
		(void)decoded(links[i], &h, DECODE_BAD_IP);
	}
	struct frame f = { .n = 0 };
	inner4(&f);
	(void)decoded(DECODE_LINK_IPV4, &f, DECODE_OK);
	(void)decoded(DECODE_LINK_IPV6, &f, DECODE_BAD_IP);
}

static void bsd_loopback_is_read_in_both_byte_orders(void **state)
{
	(void)state;
	static const struct {
		uint32_t family;
		bool six;
	} cases[] = { { 2, false },         { 0x02000000, false }, { 24, true },
		      { 28, true },         { 30, true },          { 10, true },
		      { 0x1e000000, true }, { 0x18000000, true } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct frame f = { .n = 0 };
		u32(&f, cases[i].family);
		if (cases[i].six)
			inner6(&f);
		else
			inner4(&f);
		(void)decoded(DECODE_LINK_NULL, &f, DECODE_OK);
		(void)decoded(DECODE_LINK_LOOP, &f, DECODE_OK);
		no_part_of_it_harms(DECODE_LINK_NULL, &f);
	}
	struct frame f = { .n = 0 };
	u32(&f, 7);
	(void)decoded(DECODE_LINK_NULL, &f, DECODE_NOT_IP);
}

static void a_link_type_that_nobody_knows_is_counted(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	inner4(&f);
	(void)decoded(105, &f, DECODE_BAD_LINK);
	assert_false(decode_link_known(105));
	assert_true(decode_link_known(DECODE_LINK_SLL2));
}

static void mpls_carries_ip_below_a_stack_of_labels(void **state)
{
	(void)state;
	for (unsigned labels = 1; labels <= 8; labels++) {
		struct frame f = { .n = 0 };
		ether(&f, 0x8847);
		for (unsigned i = 1; i <= labels; i++)
			u32(&f, i << 12 | (i == labels ? 0x100 : 0) | 64);
		if (labels & 1)
			inner4(&f);
		else
			inner6(&f);
		struct pkt p = ok(&f);
		assert_int_equal(p.key.dst_port, 104);
		assert_int_equal(p.tunnel, DECODE_TUNNEL_MPLS);
		no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
	}
}

static void mpls_without_a_last_label_is_a_lie(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x8847);
	for (unsigned i = 0; i < 40; i++)
		u32(&f, 16 << 12);
	(void)decoded(DECODE_LINK_ETHERNET, &f, DECODE_BAD_TAG);
}

static void ethernet_pseudowires_are_opened_with_and_without_a_control_word(void **state)
{
	(void)state;
	for (unsigned word = 0; word < 2; word++) {
		struct frame f = { .n = 0 };
		ether(&f, 0x8847);
		u32(&f, 16 << 12 | 0x100 | 64);
		if (word)
			u32(&f, 0);
		inner_ether(&f);
		struct pkt p = ok(&f);
		is_inner4(&p);
		assert_memory_equal(p.src_mac, INNER_MAC_A, 6);
		no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
	}
}

static void a_pseudowire_to_a_mac_that_begins_like_ip_is_still_found(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x8847);
	u32(&f, 16 << 12 | 0x100 | 64);
	put(&f, "\x44\x4b\x5d\x01\x02\x21" INNER_MAC_A "\x08\x00", 14);
	inner4(&f);
	struct pkt p = ok(&f);
	is_inner4(&p);
}

static void mpls_with_something_else_stays_a_conversation_of_macs(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x8847);
	u32(&f, 16 << 12 | 0x100 | 64);
	put(&f, "\x81whatever it may be, it is no packet", 36);
	struct pkt p = decoded(DECODE_LINK_ETHERNET, &f, DECODE_NOT_IP);
	assert_int_equal(p.ethertype, 0x8847);
	assert_int_equal(p.tunnel, DECODE_TUNNEL_NONE);
	assert_memory_equal(p.src_mac, MAC_A, 6);
}

static void pppoe(struct frame *f, unsigned protocol)
{
	ether(f, 0x8864);
	u16(f, 0x1100);
	u16(f, 0x0042);
	length_from(f, f->n + 2, 0);
	u16(f, protocol);
}

static void pppoe_sessions_carry_ip(void **state)
{
	(void)state;
	struct frame f = { .n = 0 }, g = { .n = 0 }, h = { .n = 0 };
	pppoe(&f, 0x0021);
	inner4(&f);
	struct pkt p = ok(&f);
	is_inner4(&p);
	assert_int_equal(p.tunnel, DECODE_TUNNEL_PPPOE);
	no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
	pppoe(&g, 0x0057);
	inner6(&g);
	p = ok(&g);
	is_inner6(&p);
	pppoe(&h, 0xc021); /* LCP */
	zeros(&h, 12);
	p = decoded(DECODE_LINK_ETHERNET, &h, DECODE_NOT_IP);
	assert_int_equal(p.ethertype, 0x8864);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethernet_carries_ip_and_its_padding_is_taken_off),
		cmocka_unit_test(tags_nest_and_the_innermost_names_the_vlan),
		cmocka_unit_test(a_priority_tag_is_no_vlan),
		cmocka_unit_test(more_than_eight_tags_are_a_lie),
		cmocka_unit_test(a_tag_that_is_cut_is_counted_as_such),
		cmocka_unit_test(arp_is_a_conversation_of_macs),
		cmocka_unit_test(spanning_tree_is_not_ip_and_has_no_ethertype),
		cmocka_unit_test(snap_carries_ip),
		cmocka_unit_test(cooked_captures_are_read),
		cmocka_unit_test(raw_ip_goes_by_its_version),
		cmocka_unit_test(bsd_loopback_is_read_in_both_byte_orders),
		cmocka_unit_test(a_link_type_that_nobody_knows_is_counted),
		cmocka_unit_test(mpls_carries_ip_below_a_stack_of_labels),
		cmocka_unit_test(mpls_without_a_last_label_is_a_lie),
		cmocka_unit_test(
			ethernet_pseudowires_are_opened_with_and_without_a_control_word),
		cmocka_unit_test(a_pseudowire_to_a_mac_that_begins_like_ip_is_still_found),
		cmocka_unit_test(mpls_with_something_else_stays_a_conversation_of_macs),
		cmocka_unit_test(pppoe_sessions_carry_ip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
