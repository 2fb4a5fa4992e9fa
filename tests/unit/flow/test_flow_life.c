/* How conversations begin and end. */
#include "wire.h"

#define SEC NS_PER_S

static const struct end pc = HOST(1, 50000), server = HOST(2, 8080);

static void both_directions_are_one_conversation(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_handshake(w, 0, pc, server);
	send_tcp(w, SEC, pc, server, P | A, 101, 901, "hello");
	send_tcp(w, SEC, server, pc, P | A, 901, 106, "good day");
	assert_int_equal(wire_end(w), 1);
	const struct flow *f = &w->rows[0];
	assert_int_equal(addr_v4_of(&f->src), pc.ip);
	assert_int_equal(f->src_port, pc.port);
	assert_int_equal(f->dst_port, server.port);
	assert_int_equal(f->src_packets, 3);
	assert_int_equal(f->dst_packets, 2);
	assert_int_equal(f->src_bytes, 3 * 54 + 5);
	assert_int_equal(f->dst_bytes, 2 * 54 + 8);
	assert_int_equal(f->src_tcp_flags, S | A | P);
	assert_int_equal(f->src_mac[5], 1);
	assert_int_equal(f->dst_mac[5], 2);
	assert_int_equal(f->end_reason, FLOW_END_EOF);
	assert_true(f->start_ns == WIRE_T0 && f->flow_start_ns == WIRE_T0 &&
		    f->end_ns == WIRE_T0 + SEC);
	wire_free(w);
}

static void the_handshake_time_is_from_syn_to_its_last_ack(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, pc, server, S, 100, 0, NULL); /* lost; the retry counts */
	send_handshake(w, SEC, pc, server);
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(w->rows[0].rtt_ns, 2 * NS_PER_MS);
	wire_free(w);
}

static void a_syn_ack_seen_first_turns_the_conversation_round(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, server, pc, S | A, 900, 101, NULL);
	send_tcp(w, SEC, pc, server, A, 101, 901, NULL);
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(addr_v4_of(&w->rows[0].src), pc.ip);
	assert_int_equal(w->rows[0].src_packets, 1);
	assert_int_equal(w->rows[0].src_mac[5], 1);
	wire_free(w);
}

static void a_well_known_port_is_the_server_where_the_begin_was_not_seen(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, HOST(2, 11112), pc, P | A, 7, 7, "x");
	send_udp(w, 0, HOST(2, 53), HOST(1, 40000), "y", 1);
	send_udp(w, 0, HOST(3, 67), HOST(1, 68), "z", 1); /* both are: who spoke first */
	assert_int_equal(wire_end(w), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(addr_v4_of(&w->rows[i].src),
				 w->rows[i].dst_port == 68 ? HOST(3, 0).ip : pc.ip);
	wire_free(w);
}

static void a_close_waits_for_its_last_packets(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_handshake(w, 0, pc, server);
	send_tcp(w, SEC, pc, server, F | A, 101, 901, NULL);
	send_tcp(w, SEC, server, pc, F | A, 901, 102, NULL);
	send_tcp(w, SEC, pc, server, A, 102, 902, NULL);
	send_tcp(w, 3 * SEC, pc, server, A, 102, 902, NULL); /* retransmitted */
	wire_flush(w);
	assert_int_equal(w->n_rows, 0);
	flow_shard_clock(w->shard, WIRE_T0 + 60 * SEC);
	assert_int_equal(w->n_rows, 1);
	assert_int_equal(w->rows[0].end_reason, FLOW_END_FIN);
	assert_int_equal(w->rows[0].src_packets + w->rows[0].dst_packets, 7);
	wire_free(w);
}

static void a_reset_ends_it(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, pc, server, S, 100, 0, NULL);
	send_tcp(w, 0, server, pc, R | A, 0, 101, NULL);
	wire_flush(w);
	flow_shard_clock(w->shard, WIRE_T0 + 60 * SEC);
	assert_int_equal(w->n_rows, 1);
	assert_int_equal(w->rows[0].end_reason, FLOW_END_RST);
	wire_free(w);
}

static void a_new_syn_on_old_ports_is_a_new_conversation(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_handshake(w, 0, pc, server);
	send_tcp(w, SEC, pc, server, P | A, 101, 901, "a");
	send_tcp(w, 2 * SEC, pc, server, S, 5000, 0, NULL);
	wire_flush(w);
	assert_int_equal(w->n_rows, 1);
	assert_int_equal(w->rows[0].end_reason, FLOW_END_REUSE);
	assert_int_equal(wire_stats(w).reused, 1);
	assert_int_equal(wire_end(w), 2);
	assert_int_equal(w->rows[1].src_packets, 1);
	wire_free(w);
}

static void a_retried_syn_is_not_a_new_conversation(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, pc, server, S, 100, 0, NULL);
	send_tcp(w, SEC, pc, server, S, 100, 0, NULL);
	send_tcp(w, 3 * SEC, pc, server, S, 777, 0, NULL); /* some stacks draw a new number */
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(w->rows[0].src_packets, 3);
	wire_free(w);
}

static void a_call_refused_first_and_taken_then_is_one_conversation(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, pc, server, S, 50, 0, NULL);
	send_tcp(w, 1, server, pc, R | A, 0, 51, NULL);
	send_handshake(w, SEC, pc, server);
	wire_flush(w);
	for (int s = 2; s < 100; s++)
		flow_shard_clock(w->shard, WIRE_T0 + s * SEC);
	assert_int_equal(w->n_rows, 0); /* it is open, not lingering */
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(w->rows[0].src_packets + w->rows[0].dst_packets, 5);
	wire_free(w);
}

static void a_packet_out_of_nowhere_lives_as_short_as_an_attempt(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, pc, server, A, 50, 60, NULL);
	wire_flush(w);
	for (int s = 1; s <= 31; s++)
		flow_shard_clock(w->shard, WIRE_T0 + s * SEC);
	assert_int_equal(w->n_rows, 1);
	wire_free(w);
}

static void silence_ends_a_conversation_by_its_kind(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, pc, server, S, 100, 0, NULL);          /* half open: 30 s */
	send_udp(w, 0, HOST(3, 4000), HOST(4, 5000), "a", 1); /* one packet: 60 s */
	for (int i = 0; i < 3; i++)
		send_udp(w, 0, HOST(5, 4000), HOST(6, 5000), "a", 1); /* 6 minutes */
	wire_flush(w);
	for (int s = 1; s <= 29; s++)
		flow_shard_clock(w->shard, WIRE_T0 + s * SEC);
	assert_int_equal(w->n_rows, 0);
	flow_shard_clock(w->shard, WIRE_T0 + 31 * SEC);
	assert_int_equal(w->n_rows, 1);
	assert_int_equal(w->rows[0].l4, 6);
	flow_shard_clock(w->shard, WIRE_T0 + 61 * SEC);
	assert_int_equal(w->n_rows, 2);
	for (int s = 62; s <= 400; s++)
		flow_shard_clock(w->shard, WIRE_T0 + s * SEC);
	assert_int_equal(w->n_rows, 3);
	assert_int_equal(w->rows[2].src_packets, 3);
	assert_int_equal(wire_stats(w).open, 0);
	wire_free(w);
}

static void a_long_conversation_gives_a_row_every_five_minutes(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	for (int s = 0; s < 900; s += 10)
		send_udp(w, s * SEC, HOST(1, 4000), HOST(2, 5000), "tick", 4);
	assert_true(wire_end(w) >= 3);
	uint64_t packets = 0;
	for (size_t i = 0; i < w->n_rows; i++) {
		const struct flow *f = &w->rows[i];
		bool last = i + 1 == w->n_rows;
		assert_int_equal(f->end_reason, last ? FLOW_END_EOF : FLOW_END_ACTIVE);
		assert_true(f->flow_start_ns == WIRE_T0);
		assert_true(f->start_ns <= f->end_ns && f->end_ns - f->start_ns <= 310 * SEC);
		packets += f->src_packets;
	}
	assert_int_equal(packets, 90);
	wire_free(w);
}

static void nothing_is_written_twice_when_it_falls_silent_after_a_slice(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	for (int s = 0; s <= 290; s += 10)
		send_udp(w, s * SEC, HOST(1, 4000), HOST(2, 5000), "tick", 4);
	wire_flush(w);
	for (int s = 291; s < 2000; s++)
		flow_shard_clock(w->shard, WIRE_T0 + s * SEC);
	assert_int_equal(w->n_rows, 1);
	assert_int_equal(wire_stats(w).open, 0);
	wire_free(w);
}

static void a_full_table_writes_the_next_to_end_and_counts_it(void **state)
{
	(void)state;
	struct flow_conf conf;
	flow_conf_defaults(&conf);
	conf.max_flows = 100;
	struct wire *w = wire_new(&conf);
	for (unsigned i = 0; i < 90; i++) { /* long ones */
		send_handshake(w, i, HOST(1, (uint16_t)(1000 + i)), server);
		send_tcp(w, i, HOST(1, (uint16_t)(1000 + i)), server, P | A, 101, 901, "x");
	}
	for (unsigned i = 0; i < 500; i++) /* a scan */
		send_tcp(w, SEC + i, HOST(9, 40000), HOST(2, (uint16_t)(1 + i)), S, i, 0, NULL);
	wire_flush(w);
	struct flow_stats s = wire_stats(w);
	assert_int_equal(s.open, 100);
	assert_int_equal(s.evicted, 490);
	for (size_t i = 0; i < w->n_rows; i++) {
		assert_int_equal(w->rows[i].end_reason, FLOW_END_EVICTED);
		assert_int_equal(w->rows[i].src_port, 40000); /* the scan pays, not the work */
	}
	(void)wire_end(w);
	assert_int_equal(rows_packets(w), w->sent);
	wire_free(w);
}

/* Its slice is due before a flood's attempts are: that must not make it the one that goes. */
static void a_flood_of_calls_does_not_push_a_conversation_out(void **state)
{
	(void)state;
	struct flow_conf conf;
	flow_conf_defaults(&conf);
	conf.max_flows = 100;
	struct wire *w = wire_new(&conf);
	send_handshake(w, 0, pc, server);
	for (uint32_t i = 0; i < 700; i++) {
		send_tcp(w, i * SEC, pc, server, P | A, 101 + i, 901, "x");
		for (uint32_t k = 0; k < 10; k++)
			send_tcp(w, i * SEC, HOST(9, (uint16_t)(1024 + i * 10 + k)), server, S,
				 k, 0, NULL);
	}
	(void)wire_end(w);
	assert_int_equal(rows_packets(w), w->sent);
	assert_true(wire_stats(w).evicted > 1000);
	size_t slices = 0;
	for (size_t i = 0; i < w->n_rows; i++) {
		if (w->rows[i].src_port != pc.port)
			continue;
		assert_int_not_equal(w->rows[i].end_reason, FLOW_END_EVICTED);
		assert_true(w->rows[i].flow_start_ns == WIRE_T0);
		slices++;
	}
	assert_in_range(slices, 3, 4);
	wire_free(w);
}

static void a_stop_writes_what_is_open(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	for (unsigned i = 0; i < 200; i++)
		send_udp(w, i, HOST(i, 4000), HOST(i + 1, 5001), "x", 1);
	wire_flush(w);
	flow_shard_finish(w->shard, FLOW_END_SHUTDOWN);
	assert_int_equal(w->n_rows, 200);
	assert_int_equal(w->rows[7].end_reason, FLOW_END_SHUTDOWN);
	assert_int_equal(wire_stats(w).open, 0);
	wire_free(w);
}

static void what_was_freed_unwritten_leaks_nothing(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_handshake(w, 0, pc, server);
	send_tcp(w, SEC, pc, server, P | A, 101, 901,
		 "GET / HTTP/1.1\r\nHost: pacs.example\r\n");
	send_tcp(w, SEC, HOST(3, 4000), HOST(4, 2575), P | A, 1, 1, "\x0bMSH|^~\\&|A|B");
	wire_flush(w);
	wire_free(w); /* the sanitizer watches */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_one_conversation),
		cmocka_unit_test(the_handshake_time_is_from_syn_to_its_last_ack),
		cmocka_unit_test(a_syn_ack_seen_first_turns_the_conversation_round),
		cmocka_unit_test(a_well_known_port_is_the_server_where_the_begin_was_not_seen),
		cmocka_unit_test(a_close_waits_for_its_last_packets),
		cmocka_unit_test(a_reset_ends_it),
		cmocka_unit_test(a_new_syn_on_old_ports_is_a_new_conversation),
		cmocka_unit_test(a_retried_syn_is_not_a_new_conversation),
		cmocka_unit_test(a_call_refused_first_and_taken_then_is_one_conversation),
		cmocka_unit_test(a_packet_out_of_nowhere_lives_as_short_as_an_attempt),
		cmocka_unit_test(silence_ends_a_conversation_by_its_kind),
		cmocka_unit_test(a_long_conversation_gives_a_row_every_five_minutes),
		cmocka_unit_test(nothing_is_written_twice_when_it_falls_silent_after_a_slice),
		cmocka_unit_test(a_full_table_writes_the_next_to_end_and_counts_it),
		cmocka_unit_test(a_flood_of_calls_does_not_push_a_conversation_out),
		cmocka_unit_test(a_stop_writes_what_is_open),
		cmocka_unit_test(what_was_freed_unwritten_leaks_nothing),
	};
	return cmocka_run_group_tests_name("how flows live", tests, NULL, NULL);
}
