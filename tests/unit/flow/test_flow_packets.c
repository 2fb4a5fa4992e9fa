/* Packets and their conversations: keys, fragments, times that lie, sums that must come out. */
#include "wire.h"

#define SEC NS_PER_S

static void a_question_and_its_answer_by_icmp_are_one_conversation(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_icmp(w, 0, HOST(1, 0), HOST(2, 0), 8, 0, 77);
	send_icmp(w, 1, HOST(2, 0), HOST(1, 0), 0, 0, 77);
	send_icmp(w, 2, HOST(1, 0), HOST(2, 0), 8, 0, 78); /* another ping */
	send_icmp(w, 3, HOST(4, 0), HOST(3, 0), 0, 0, 9);  /* the answer alone: asked by 3 */
	assert_int_equal(wire_end(w), 3);
	for (size_t i = 0; i < 3; i++) {
		const struct flow *f = &w->rows[i];
		assert_int_equal(f->dst_port, 8 << 8);
		if (f->src_port == 77)
			assert_true(f->src_packets == 1 && f->dst_packets == 1);
		if (f->src_port == 9)
			assert_int_equal(addr_v4_of(&f->src), HOST(3, 0).ip);
	}
	wire_free(w);
}

static void the_tag_tells_conversations_apart_unless_told_not_to(void **state)
{
	(void)state;
	struct flow_conf conf;
	for (unsigned with = 0; with < 2; with++) {
		flow_conf_defaults(&conf);
		conf.vlan_in_key = with;
		struct wire *w = wire_new(&conf);
		send_tcp_vlan(w, 0, HOST(1, 4000), HOST(2, 80), S, 1, 0, NULL, 100);
		send_tcp_vlan(w, 1, HOST(2, 80), HOST(1, 4000), S | A, 1, 2, NULL,
			      0); /* mirror without tag */
		assert_int_equal(wire_end(w), with ? 2 : 1);
		if (!with)
			assert_int_equal(w->rows[0].vlan, 100);
		wire_free(w);
	}
}

static void later_fragments_belong_to_the_flow_of_the_first(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	struct end a = HOST(1, 4000), b = HOST(2, 5000);
	send_fragment(w, 0, a, b, 7, 0, false);
	send_fragment(w, 1, a, b, 7, 1, false);
	send_fragment(w, 2, a, b, 7, 2, true);
	send_fragment(w, 3, a, b, 8, 2, true); /* the next datagram comes backwards */
	send_fragment(w, 4, a, b, 8, 1, false);
	send_fragment(w, 5, a, b, 8, 0, false);
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(w->rows[0].src_packets, 6);
	assert_int_equal(w->rows[0].src_port, 4000);
	assert_int_equal(wire_stats(w).fragments_lost, 0);
	wire_free(w);
}

/* IPv6: the fragment header names destination options, which only the first fragment has (RFC 8200 4.5:
 * addresses and identification make a datagram, the protocol does not). */
static void send_fragment6(struct wire *w, int64_t at_ns, unsigned which, bool last)
{
	uint8_t f[14 + 40 + 8 + 64] = { 2, [12] = 0x86, [13] = 0xdd, [14] = 0x60 };
	uint8_t *ip = f + 14, *frag = ip + 40, *part = frag + 8;
	put16(ip + 4, 8 + 64);
	ip[6] = 44;
	ip[8] = ip[24] = 0xfd;
	ip[23] = 1;
	ip[39] = 2;
	frag[0] = 60;
	put16(frag + 2, which * 64 | (last ? 0 : 1));
	put32(frag + 4, 77);
	if (which == 0) {
		part[0] = 17;
		put16(part + 8, 5000);
		put16(part + 10, 6000);
		put16(part + 12, 3 * 64 - 8);
	}
	wire_frame(w, at_ns, f, sizeof(f), sizeof(f));
}

static void later_fragments_find_the_first_behind_its_extension_headers(void **state)
{
	(void)state;
	static const unsigned orders[2][3] = { { 0, 1, 2 }, { 2, 1, 0 } };
	for (size_t o = 0; o < 2; o++) {
		struct wire *w = wire_new(NULL);
		for (unsigned i = 0; i < 3; i++)
			send_fragment6(w, i, orders[o][i], orders[o][i] == 2);
		assert_int_equal(wire_end(w), 1);
		assert_int_equal(w->rows[0].src_packets, 3);
		assert_int_equal(w->rows[0].l4, 17);
		assert_int_equal(w->rows[0].dst_port, 6000);
		assert_int_equal(wire_stats(w).fragments_lost, 0);
		wire_free(w);
	}
}

static void fragments_whose_first_never_comes_are_a_flow_without_ports(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	for (unsigned i = 0; i < 3000; i++) /* more than are kept waiting */
		send_fragment(w, i * NS_PER_MS, HOST(1, 4000), HOST(2, 5000), (uint16_t)i, 1,
			      true);
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(w->rows[0].src_packets, 3000);
	assert_int_equal(w->rows[0].src_port, 0);
	assert_int_equal(wire_stats(w).fragments_lost, 3000);
	wire_free(w);
}

static void one_timestamp_from_the_future_ends_nothing(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	const int64_t years = INT64_C(20) * 365 * 86400 * SEC;
	for (int i = 0; i < 10; i++)
		send_udp(w, i * SEC, HOST(1, 4000), HOST(2, 5000), "x", 1);
	send_udp(w, years, HOST(3, 4000), HOST(4, 5000), "x", 1);
	for (int i = 10; i < 20; i++)
		send_udp(w, i * SEC, HOST(1, 4000), HOST(2, 5000), "x", 1);
	wire_flush(w);
	assert_int_equal(w->n_rows, 0);
	assert_int_equal(wire_end(w), 2);
	wire_free(w);
}

static void a_capture_that_goes_on_years_later_begins_new_flows(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	const int64_t years = INT64_C(3) * 365 * 86400 * SEC;
	for (int i = 0; i < 5; i++)
		send_udp(w, i * SEC, HOST(1, 4000), HOST(2, 5000), "x", 1);
	for (int i = 0; i < 5; i++)
		send_udp(w, years + i * SEC, HOST(3, 4000), HOST(4, 5000), "x", 1);
	wire_flush(w);
	assert_int_equal(w->n_rows, 1);
	assert_int_equal(w->rows[0].end_reason, FLOW_END_IDLE);
	assert_int_equal(wire_end(w), 2);
	assert_int_equal(w->rows[1].src_packets, 5); /* the packet that showed the jump too */
	wire_free(w);
}

static void a_clock_that_goes_back_stops_nothing(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	for (int i = 0; i < 100; i++) /* a day earlier from here on */
		send_udp(w, (i < 5 ? 0 : -86400 * SEC) + i * SEC, HOST(1, 4000), HOST(2, 5000),
			 "x", 1);
	send_udp(w, -86400 * SEC + 100 * SEC, HOST(3, 4000), HOST(4, 5000), "x", 1);
	for (int i = 101; i < 300; i++)
		send_udp(w, -86400 * SEC + i * SEC, HOST(1, 4000), HOST(2, 5000), "x", 1);
	wire_flush(w);
	assert_int_equal(w->n_rows, 1); /* time goes on: the single packet has timed out */
	(void)wire_end(w);
	for (size_t i = 0; i < w->n_rows; i++)
		assert_true(w->rows[i].end_ns >= w->rows[i].start_ns);
	assert_int_equal(rows_packets(w), 300);
	wire_free(w);
}

static void bytes_sent_again_are_counted_and_keep_alives_are_not(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	struct end a = HOST(1, 4000), b = HOST(2, 9999);
	send_handshake(w, 0, a, b);
	send_tcp(w, SEC, a, b, P | A, 101, 901, "0123456789");
	send_tcp(w, 2 * SEC, a, b, P | A, 101, 901, "0123456789"); /* again */
	send_tcp(w, 3 * SEC, a, b, A, 110, 901, "9");              /* keep-alive */
	send_tcp(w, 4 * SEC, b, a, P | A, 901, 111, "abc");
	send_tcp(w, 5 * SEC, b, a, P | A, 901, 111, "abcdef"); /* again and more */
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(w->rows[0].retransmits, 2);
	wire_free(w);
}

static void directions_follow_the_internal_ranges(void **state)
{
	(void)state;
	struct flow_conf conf;
	flow_conf_defaults(&conf);
	struct wire *w = wire_new(&conf);
	struct end out = { 0x08080808, 53 }, other = { 0x01010101, 53 },
		   all = { 0xffffffff, 5000 };
	struct end group = { 0xe00000fb, 5353 };
	send_udp(w, 0, HOST(1, 4001), HOST(2, 5000), "x", 1);
	send_udp(w, 0, HOST(1, 4002), out, "x", 1);
	send_udp(w, 0, (struct end){ out.ip, 4003 }, HOST(1, 5000), "x", 1);
	send_udp(w, 0, (struct end){ out.ip, 4004 }, other, "x", 1);
	send_udp(w, 0, HOST(1, 4005), all, "x", 1);
	send_udp(w, 0, HOST(1, 4006), group, "x", 1);
	static const uint8_t want[] = {
		FLOW_DIR_INTERNAL, FLOW_DIR_OUTBOUND, FLOW_DIR_INBOUND,
		FLOW_DIR_EXTERNAL, FLOW_DIR_INTERNAL, FLOW_DIR_INTERNAL
	};
	assert_int_equal(wire_end(w), 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(w->rows[i].direction, want[w->rows[i].src_port - 4001]);
	wire_free(w);
}

static void frames_without_ip_are_counted_by_kind_and_give_no_row(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	uint8_t f[60] = { 0 };
	static const uint16_t types[] = { 0x0806, 0x0806, 0x88cc, 0x1234 };
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		put16(f + 12, types[i]);
		wire_frame(w, 0, f, sizeof(f), sizeof(f));
	}
	assert_int_equal(wire_end(w), 0);
	struct flow_stats s = wire_stats(w);
	assert_int_equal(s.packets_not_ip, 4);
	for (unsigned i = 0; i < FLOW_NOT_IP_KINDS; i++) {
		const char *name = flow_not_ip_name(i);
		unsigned want = strcmp(name, "arp") == 0 ?
					2 :
					strcmp(name, "lldp") == 0 || strcmp(name, "other") == 0;
		assert_int_equal(s.not_ip[i], want);
	}
	wire_free(w);
}

static uint32_t next_random(uint32_t *x)
{
	*x = *x * 1664525u + 1013904223u;
	return *x >> 8;
}

/* Whatever comes, every packet is in a row, is not IP, or is bad, and the bytes agree. */
static void every_packet_is_counted_once(void **state)
{
	(void)state;
	struct flow_conf conf;
	flow_conf_defaults(&conf);
	conf.max_flows = 500;
	conf.max_dpi = 64;
	struct wire *w = wire_new(&conf);
	uint32_t x = 1;
	for (unsigned i = 0; i < 30000; i++) {
		int64_t at = (int64_t)i * 20 * NS_PER_MS;
		struct end a =
			HOST(next_random(&x) % 40, (uint16_t)(1000 + next_random(&x) % 20));
		struct end b =
			HOST(50 + next_random(&x) % 9, (uint16_t)(next_random(&x) % 200));
		uint8_t junk[60];
		switch (next_random(&x) % 6) {
		case 0:
			send_udp(w, at, a, b, "\x81\x0b hello", 8);
			break;
		case 1:
			send_fragment(w, at, a, b, (uint16_t)(next_random(&x) % 50),
				      next_random(&x) % 3, next_random(&x) & 1);
			break;
		case 2:
			send_icmp(w, at, a, b, (uint8_t)(next_random(&x) % 20), 0, 5);
			break;
		case 3:
			for (size_t k = 0; k < sizeof(junk); k++)
				junk[k] = (uint8_t)next_random(&x);
			put16(junk + 12, next_random(&x) & 1 ? 0x0800 : 0x0806);
			wire_frame(w, at, junk, sizeof(junk), sizeof(junk));
			break;
		default:
			send_tcp(w, at, a, b, next_random(&x) & 0x1f, next_random(&x),
				 next_random(&x), next_random(&x) & 1 ? "\x0bMSH|" : NULL);
		}
		assert_true(wire_stats(w).open <= 500);
		if (w->n_rows > WIRE_ROWS - 600) { /* make room, keep the sum */
			uint64_t sum = rows_packets(w);
			memset(w->rows, 0, sizeof(w->rows));
			w->rows[0].src_packets = sum;
			w->n_rows = 1;
		}
	}
	(void)wire_end(w);
	struct flow_stats s = wire_stats(w);
	assert_int_equal(s.packets, w->sent);
	assert_int_equal(s.bytes, w->sent_bytes);
	assert_int_equal(s.packets_in_flows + s.packets_not_ip + s.packets_bad, w->sent);
	assert_int_equal(rows_packets(w), s.packets_in_flows);
	assert_int_equal(s.open + s.dpi_open + s.medical_open + s.meta_bytes, 0);
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_and_its_answer_by_icmp_are_one_conversation),
		cmocka_unit_test(the_tag_tells_conversations_apart_unless_told_not_to),
		cmocka_unit_test(later_fragments_belong_to_the_flow_of_the_first),
		cmocka_unit_test(later_fragments_find_the_first_behind_its_extension_headers),
		cmocka_unit_test(fragments_whose_first_never_comes_are_a_flow_without_ports),
		cmocka_unit_test(one_timestamp_from_the_future_ends_nothing),
		cmocka_unit_test(a_capture_that_goes_on_years_later_begins_new_flows),
		cmocka_unit_test(a_clock_that_goes_back_stops_nothing),
		cmocka_unit_test(bytes_sent_again_are_counted_and_keep_alives_are_not),
		cmocka_unit_test(directions_follow_the_internal_ranges),
		cmocka_unit_test(frames_without_ip_are_counted_by_kind_and_give_no_row),
		cmocka_unit_test(every_packet_is_counted_once),
	};
	return cmocka_run_group_tests_name("packets and flows", tests, NULL, NULL);
}
