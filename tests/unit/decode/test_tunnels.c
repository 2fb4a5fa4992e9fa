/* Tunnels: opened when a packet lies inside, left alone when not, whatever a port number says. */
#include "frames.h"

static void outer_udp(struct frame *f, unsigned port)
{
	ether(f, 0x0800);
	ip4(f, 17);
	udp(f, 51234, port);
}
static void outer_gre(struct frame *f, unsigned flags, unsigned protocol)
{
	ether(f, 0x0800);
	ip4(f, 47);
	u16(f, flags);
	u16(f, protocol);
}

/* One frame for each kind of wrapper; each holds the packet of inner4, or that of inner6. */
static void gre(struct frame *f)
{
	outer_gre(f, 0, 0x0800);
	inner4(f);
}
static void gre_with_everything(struct frame *f)
{
	outer_gre(f, 0xb000, 0x0800);
	zeros(f, 12);
	inner4(f);
}
static void gre_with_routes(struct frame *f)
{
	outer_gre(f, 0x4000, 0x0800);
	u32(f, 0);
	put(f, "\x08\x00\x00\x04\x0a\x00\x00\x01", 8);
	put(f, "\x00\x00\x00\x00", 4);
	inner4(f);
}
static void gre_six(struct frame *f)
{
	outer_gre(f, 0, 0x86dd);
	inner6(f);
}
static void gre_ethernet(struct frame *f)
{
	outer_gre(f, 0x2000, 0x6558);
	u32(f, 0x00012300);
	inner_ether(f);
}
static void gre_mpls(struct frame *f)
{
	outer_gre(f, 0, 0x8847);
	u32(f, 16 << 12 | 0x100 | 64);
	inner4(f);
}
static void pptp(struct frame *f)
{
	outer_gre(f, 0x3081, 0x880b);
	u32(f, 0x00400001);
	u32(f, 7);
	u32(f, 6);
	put(f, "\xff\x03\x00\x21", 4);
	inner4(f);
}
static void pptp_compressed(struct frame *f)
{
	outer_gre(f, 0x3001, 0x880b);
	u32(f, 0x00400001);
	u32(f, 7);
	u8(f, 0x21);
	inner4(f);
}
static void erspan_one(struct frame *f)
{
	outer_gre(f, 0, 0x88be);
	inner_ether(f);
}
static void erspan_two(struct frame *f)
{
	outer_gre(f, 0x1000, 0x88be);
	u32(f, 1);
	u32(f, 0x100a0001);
	u32(f, 0);
	inner_ether(f);
}
static void erspan_three(struct frame *f)
{
	outer_gre(f, 0x1000, 0x22eb);
	u32(f, 1);
	u32(f, 0x200a0001);
	u32(f, 99);
	u32(f, 0);
	inner_ether(f);
}
static void erspan_three_with_platform(struct frame *f)
{
	outer_gre(f, 0x1000, 0x22eb);
	u32(f, 1);
	u32(f, 0x200a0001);
	u32(f, 99);
	u32(f, 1);
	zeros(f, 8);
	inner_ether(f);
}
static void erspan_three_of_ip(struct frame *f)
{
	outer_gre(f, 0x1000, 0x22eb);
	u32(f, 1);
	u32(f, 0x200a0001);
	u32(f, 99);
	u32(f, 2 << 10);
	inner6(f);
}
static void vxlan(struct frame *f)
{
	outer_udp(f, 4789);
	u32(f, 0x08000000);
	u32(f, 0x00123400);
	inner_ether(f);
}
static void vxlan_old_port(struct frame *f)
{
	outer_udp(f, 8472);
	u32(f, 0x08000000);
	u32(f, 0x00123400);
	inner_ether(f);
}
static void geneve(struct frame *f)
{
	outer_udp(f, 6081);
	u32(f, 0x02006558);
	u32(f, 0x00123400);
	zeros(f, 8);
	inner_ether(f);
}
static void geneve_ip(struct frame *f)
{
	outer_udp(f, 6081);
	u32(f, 0x000086dd);
	u32(f, 0x00123400);
	inner6(f);
}
static void four_in_four(struct frame *f)
{
	ether(f, 0x0800);
	ip4(f, 4);
	inner4(f);
}
static void six_in_four(struct frame *f)
{
	ether(f, 0x0800);
	ip4(f, 41);
	inner6(f);
}
static void four_in_six(struct frame *f)
{
	ether(f, 0x86dd);
	ip6(f, 4);
	inner4(f);
}
static void six_in_six(struct frame *f)
{
	ether(f, 0x86dd);
	ip6(f, 41);
	inner6(f);
}
static void gtpu(struct frame *f)
{
	outer_udp(f, 2152);
	u16(f, 0x30ff);
	length_from(f, f->n + 6, 0);
	u32(f, 0xdeadbeef);
	inner4(f);
}
static void gtpu_with_extensions(struct frame *f)
{
	outer_udp(f, 2152);
	u16(f, 0x34ff);
	length_from(f, f->n + 6, 0);
	u32(f, 0xdeadbeef);
	u32(f, 0x00000085); /* PDU session container follows */
	u32(f, 0x01100985);
	u32(f, 0x01100900);
	inner6(f);
}

static const struct wrapper {
	const char *name;
	void (*build)(struct frame *f);
	uint8_t tunnel, inner_version;
	bool inner_macs;
} wrappers[] = {
	{ "gre", gre, DECODE_TUNNEL_GRE, 4, false },
	{ "gre_with_everything", gre_with_everything, DECODE_TUNNEL_GRE, 4, false },
	{ "gre_with_routes", gre_with_routes, DECODE_TUNNEL_GRE, 4, false },
	{ "gre_six", gre_six, DECODE_TUNNEL_GRE, 6, false },
	{ "gre_ethernet", gre_ethernet, DECODE_TUNNEL_GRE, 4, true },
	{ "gre_mpls", gre_mpls, DECODE_TUNNEL_GRE, 4, false },
	{ "pptp", pptp, DECODE_TUNNEL_GRE, 4, false },
	{ "pptp_compressed", pptp_compressed, DECODE_TUNNEL_GRE, 4, false },
	{ "erspan_one", erspan_one, DECODE_TUNNEL_ERSPAN, 4, true },
	{ "erspan_two", erspan_two, DECODE_TUNNEL_ERSPAN, 4, true },
	{ "erspan_three", erspan_three, DECODE_TUNNEL_ERSPAN, 4, true },
	{ "erspan_three_with_platform", erspan_three_with_platform, DECODE_TUNNEL_ERSPAN, 4,
	  true },
	{ "erspan_three_of_ip", erspan_three_of_ip, DECODE_TUNNEL_ERSPAN, 6, false },
	{ "vxlan", vxlan, DECODE_TUNNEL_VXLAN, 4, true },
	{ "vxlan_old_port", vxlan_old_port, DECODE_TUNNEL_VXLAN, 4, true },
	{ "geneve", geneve, DECODE_TUNNEL_GENEVE, 4, true },
	{ "geneve_ip", geneve_ip, DECODE_TUNNEL_GENEVE, 6, false },
	{ "four_in_four", four_in_four, DECODE_TUNNEL_IPIP, 4, false },
	{ "six_in_four", six_in_four, DECODE_TUNNEL_IPIP, 6, false },
	{ "four_in_six", four_in_six, DECODE_TUNNEL_IPIP, 4, false },
	{ "six_in_six", six_in_six, DECODE_TUNNEL_IPIP, 6, false },
	{ "gtpu", gtpu, DECODE_TUNNEL_GTPU, 4, false },
	{ "gtpu_with_extensions", gtpu_with_extensions, DECODE_TUNNEL_GTPU, 6, false },
};

static void every_wrapper_is_taken_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
		const struct wrapper *w = &wrappers[i];
		struct frame f = { .n = 0 };
		w->build(&f);
		struct pkt p = ok(&f);
		if (p.tunnel != w->tunnel || p.key.ip_version != w->inner_version)
			fail_msg("%s: tunnel %d version %d", w->name, p.tunnel,
				 p.key.ip_version);
		if (w->inner_version == 4)
			is_inner4(&p);
		else
			is_inner6(&p);
		assert_memory_equal(p.src_mac, w->inner_macs ? INNER_MAC_A : MAC_A, 6);
		assert_int_equal(p.payload_off + p.payload_bytes, f.n);
	}
}

static void no_part_of_a_wrapper_harms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
		struct frame f = { .n = 0 };
		wrappers[i].build(&f);
		frame_end(&f);
		no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
	}
}

/* Any inside but a packet, behind each kind of port. */
static void a_port_number_alone_opens_nothing(void **state)
{
	(void)state;
	static const unsigned ports[] = { 4789, 8472, 6081, 2152 };
	static const char *const insides[] = {
		"",
		"\x08\x00\x00\x00\x00\x12\x34\x00 but no frame behind it, only words of another protocol",
		"\x02\x00\x65\x58\x00\x12\x34\x00not a frame",
		"0\xff\x00\x20\xde\xad\xbe\xef\x45 is what a letter E is",
		"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
	};
	static const size_t bytes[] = { 0, 80, 19, 40, 56 };
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		for (size_t k = 0; k < ARRAY_LEN(insides); k++) {
			char inside[80] = { 0 };
			struct frame f = { .n = 0 };
			memcpy(inside, insides[k],
			       strlen(insides[k]) < 80 ? strlen(insides[k]) : 80);
			outer_udp(&f, ports[i]);
			put(&f, inside, bytes[k]);
			struct pkt p = ok(&f);
			is_outer(&p);
			assert_int_equal(p.key.dst_port, ports[i]);
			assert_int_equal(p.payload_bytes, bytes[k]);
		}
}

static void an_inner_packet_longer_than_the_outer_one_is_not_believed(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	vxlan(&f);
	frame_end(&f);
	f.b[14 + 20 + 8 + 8 + 14 + 3] = 200; /* total length of the inner packet */
	struct pkt p = ok(&f);
	is_outer(&p);
	assert_int_equal(p.key.dst_port, 4789);
}

static void a_header_that_says_ip_where_there_is_none_is_counted(void **state)
{
	(void)state;
	struct frame f = { .n = 0 }, g = { .n = 0 }, h = { .n = 0 };
	outer_gre(&f, 0, 0x0800);
	put(&f, "this is no packet at all....", 28);
	struct pkt p = decoded(DECODE_LINK_ETHERNET, &f, DECODE_BAD_TUNNEL);
	is_outer(&p);
	assert_int_equal(p.key.l4, 47);
	ether(&g, 0x0800);
	ip4(&g, 41);
	zeros(&g, 10);
	p = decoded(DECODE_LINK_ETHERNET, &g, DECODE_BAD_TUNNEL);
	is_outer(&p);
	assert_int_equal(p.key.l4, 41);
	ether(&h, 0x0800);
	ip4(&h, 47);
	u16(&h, 0);
	p = decoded(DECODE_LINK_ETHERNET, &h, DECODE_BAD_TUNNEL);
	is_outer(&p);
}

static void gre_of_an_unknown_kind_is_a_packet_of_its_own(void **state)
{
	(void)state;
	struct frame f = { .n = 0 }, g = { .n = 0 };
	outer_gre(&f, 0, 0x1234);
	zeros(&f, 30);
	struct pkt p = ok(&f);
	is_outer(&p);
	outer_gre(&g, 0x3001, 0x880b); /* PPTP, encrypted */
	u32(&g, 0x00100001);
	u32(&g, 7);
	put(&g, "\x00\xfd\x90\x01 encrypted", 14);
	p = ok(&g);
	is_outer(&p);
	assert_int_equal(p.key.l4, 47);
}

static void arp_in_an_overlay_and_anything_in_a_mirror_is_seen(void **state)
{
	(void)state;
	struct frame f = { .n = 0 }, g = { .n = 0 }, h = { .n = 0 };
	outer_udp(&f, 4789);
	u32(&f, 0x08000000);
	u32(&f, 0x00123400);
	put(&f, INNER_MAC_B INNER_MAC_A "\x08\x06", 14);
	zeros(&f, 28);
	struct pkt p = decoded(DECODE_LINK_ETHERNET, &f, DECODE_NOT_IP);
	assert_int_equal(p.ethertype, 0x0806);
	assert_int_equal(p.tunnel, DECODE_TUNNEL_VXLAN);
	assert_memory_equal(p.key.src.b + 10, INNER_MAC_A, 6);
	assert_int_equal(p.key.src.b[0], 0);

	outer_gre(&g, 0x1000, 0x88be);
	u32(&g, 1);
	u32(&g, 0x100a0001);
	u32(&g, 0);
	put(&g, INNER_MAC_B INNER_MAC_A "\x88\xcc", 14);
	zeros(&g, 28);
	p = decoded(DECODE_LINK_ETHERNET, &g, DECODE_NOT_IP);
	assert_int_equal(p.ethertype, 0x88cc);

	outer_gre(&h, 0x2000,
		  0x6558); /* a bridge's spanning tree is the tunnel's own traffic */
	u32(&h, 0);
	put(&h, INNER_MAC_B INNER_MAC_A "\x00\x26\x42\x42\x03", 17);
	zeros(&h, 35);
	p = ok(&h);
	is_outer(&p);
	assert_int_equal(p.key.l4, 47);
}

static void four_wrappers_are_opened_and_the_fifth_is_not(void **state)
{
	(void)state;
	for (unsigned depth = 1; depth <= 6; depth++) {
		struct frame f = { .n = 0 };
		ether(&f, 0x0800);
		for (unsigned i = 0; i < depth; i++)
			ip4_full(&f, 0x0a000000 + i, 0x0a000100 + i, 4, 0);
		inner4(&f);
		struct pkt p = decoded(DECODE_LINK_ETHERNET, &f,
				       depth <= 4 ? DECODE_OK : DECODE_BAD_TUNNEL);
		assert_int_equal(p.tunnel, DECODE_TUNNEL_IPIP);
		if (depth <= 4)
			is_inner4(&p);
		else
			assert_int_equal(addr_v4_of(&p.key.src), 0x0a000004);
	}
}

static void the_outermost_wrapper_names_the_tunnel_and_the_inner_tag_the_vlan(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	ether(&f, 0x8100);
	vlan(&f, 100, 0x0800);
	ip4(&f, 17);
	udp(&f, 51234, 4789);
	u32(&f, 0x08000000);
	u32(&f, 0x00123400);
	put(&f, INNER_MAC_B INNER_MAC_A "\x81\x00", 14);
	vlan(&f, 200, 0x0800);
	ip4(&f, 47);
	u32(&f, 0x0800);
	inner4(&f);
	struct pkt p = ok(&f);
	is_inner4(&p);
	assert_int_equal(p.tunnel, DECODE_TUNNEL_VXLAN);
	assert_int_equal(p.key.vlan, 200);
	no_part_of_it_harms(DECODE_LINK_ETHERNET, &f);
}

static void a_cut_capture_of_a_tunnel_still_finds_the_inner_conversation(void **state)
{
	(void)state;
	struct frame f = { .n = 0 };
	struct pkt p;
	vxlan(&f);
	zeros(&f, 1000);
	frame_end(&f);
	assert_int_equal(decode_bytes(DECODE_LINK_ETHERNET, f.b, 128, f.n, &p), DECODE_OK);
	assert_int_equal(p.key.dst_port, 104);
	assert_true(p.flags & PKT_CUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wrapper_is_taken_off),
		cmocka_unit_test(no_part_of_a_wrapper_harms),
		cmocka_unit_test(a_port_number_alone_opens_nothing),
		cmocka_unit_test(an_inner_packet_longer_than_the_outer_one_is_not_believed),
		cmocka_unit_test(a_header_that_says_ip_where_there_is_none_is_counted),
		cmocka_unit_test(gre_of_an_unknown_kind_is_a_packet_of_its_own),
		cmocka_unit_test(arp_in_an_overlay_and_anything_in_a_mirror_is_seen),
		cmocka_unit_test(four_wrappers_are_opened_and_the_fifth_is_not),
		cmocka_unit_test(
			the_outermost_wrapper_names_the_tunnel_and_the_inner_tag_the_vlan),
		cmocka_unit_test(a_cut_capture_of_a_tunnel_still_finds_the_inner_conversation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
