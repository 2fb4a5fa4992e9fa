/* What is read from payload, and what never is. */
#include "wire.h"

#define SEC NS_PER_S

static const struct end pc = HOST(1, 50000), server = HOST(2, 80);

/* Client and server speak in turns from after the handshake on. */
static void send_talk(struct wire *w, struct end a, struct end b, const char *const *lines)
{
	uint32_t seq[2] = { 101, 901 };
	send_handshake(w, 0, a, b);
	for (unsigned i = 0; lines[i]; i++) {
		unsigned side = i & 1;
		send_tcp(w, (i + 1) * SEC / 10, side ? b : a, side ? a : b, P | A, seq[side],
			 seq[!side], lines[i]);
		seq[side] += (uint32_t)strlen(lines[i]);
	}
}

static bool row_has(const struct flow *f, const char *text)
{
	const char *p = (const char *)f;
	size_t n = strlen(text);
	for (size_t i = 0; i + n <= sizeof(*f); i++)
		if (memcmp(p + i, text, n) == 0)
			return true;
	return false;
}

static void a_web_request_gives_host_and_agent_but_neither_address_nor_login(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"GET /karte?patient=19283746&name=Hanako HTTP/1.1\r\nHost: EMR.example.jp\r\n"
		"User-Agent: Mozilla/5.0 (Windows NT 10.0)\r\nAuthorization: Basic aGFuYWtvOnNlY3JldA==\r\n"
		"Cookie: id=topsecret\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok",
		NULL
	};
	struct wire *w = wire_new(NULL);
	send_talk(w, pc, server, lines);
	assert_int_equal(wire_end(w), 1);
	const struct flow *f = &w->rows[0];
	assert_string_equal(f->proto, "http");
	assert_string_equal(f->name, "emr.example.jp");
	assert_int_equal(f->name_kind, FLOW_NAME_HTTP);
	assert_int_equal(f->confidence, FLOW_CONF_DPI);
	assert_non_null(strstr(f->user_agent, "Windows NT 10.0"));
	assert_non_null(strstr(f->detail, "\"method\":\"GET\""));
	assert_false(row_has(f, "19283746") || row_has(f, "Hanako") || row_has(f, "aGFuYWtv") ||
		     row_has(f, "topsecret") || row_has(f, "karte"));
	wire_free(w);
}

static void an_attack_in_a_url_is_a_risk_without_the_url(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"GET /dv/sqli/?id=1%27+and+1%3D1+union+select+database%28%29%2C+user%28%29%23&Submit=Submit "
		"HTTP/1.1\r\nHost: shop.example\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL
	};
	struct wire *w = wire_new(NULL);
	send_talk(w, pc, server, lines);
	assert_int_equal(wire_end(w), 1);
	assert_string_equal(flow_risk_names[2], "url_possible_sql_injection");
	assert_true(w->rows[0].risks >> 2 & 1);
	assert_true(w->rows[0].risk_score >= 250);
	assert_false(row_has(&w->rows[0], "union") || row_has(&w->rows[0], "sqli"));
	wire_free(w);
}

static void a_login_in_the_clear_is_a_risk_without_its_words(void **state)
{
	(void)state;
	static const char *const lines[] = { "\r\n",
					     "220 nas FTP server ready\r\n",
					     "USER yamada-taro\r\n",
					     "331 Password required\r\n",
					     "PASS sakura1234\r\n",
					     "230 Logged in\r\n",
					     NULL };
	struct wire *w = wire_new(NULL);
	send_talk(w, pc, HOST(2, 21), lines);
	assert_int_equal(wire_end(w), 1);
	assert_string_equal(w->rows[0].proto, "ftp_control");
	assert_false(row_has(&w->rows[0], "sakura1234") || row_has(&w->rows[0], "yamada"));
	wire_free(w);
}

static void a_whois_question_is_free_text_and_not_kept(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	static const char *const lines[] = { "Yamada Hanako 19410307\r\n", "no match\r\n",
					     NULL };
	send_talk(w, pc, HOST(2, 43), lines);
	assert_int_equal(wire_end(w), 1);
	assert_string_equal(w->rows[0].proto, "whois-das");
	assert_string_equal(w->rows[0].name, "");
	assert_int_equal(w->rows[0].name_kind, FLOW_NAME_NONE);
	wire_free(w);
}

static void a_dns_question_is_kept(void **state)
{
	(void)state;
	static const uint8_t question[] =
		"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04pacs\x07"
		"example\x02jp\x00\x00\x01\x00\x01";
	struct wire *w = wire_new(NULL);
	send_udp(w, 0, HOST(1, 40000), HOST(9, 53), question, sizeof(question) - 1);
	assert_int_equal(wire_end(w), 1);
	assert_string_equal(w->rows[0].proto, "dns");
	assert_string_equal(w->rows[0].name, "pacs.example.jp");
	assert_int_equal(w->rows[0].name_kind, FLOW_NAME_DNS);
	wire_free(w);
}

static void a_refused_call_has_a_guess_by_port_and_a_hint_never_a_proof(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	send_tcp(w, 0, pc, HOST(2, 443), S, 100, 0, NULL);
	send_tcp(w, 1, HOST(2, 443), pc, R | A, 0, 101, NULL);
	send_tcp(w, 2, pc, HOST(2, 11112), S, 100, 0, NULL);
	assert_int_equal(wire_end(w), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct flow *f = &w->rows[i];
		assert_true(f->confidence <= FLOW_CONF_IP);
		assert_string_equal(f->hint, f->dst_port == 443 ? "https" : "dicom");
		assert_string_equal(f->proto, f->dst_port == 443 ? "tls" : "");
	}
	wire_free(w);
}

#define MSH "\x0bMSH|^~\\&|LAB|KENSA|HIS|HONIN|20261122||ORU^R01|1|P|2.5\r"
#define PID "PID|1||19283746||Yamada^Hanako||19410307|F\r\x1c\r"

static void hl7_is_known_on_any_port_and_in_any_order_of_segments(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	struct end a = HOST(1, 50000), b = HOST(2, 443);
	const char *message = MSH PID;
	size_t n = strlen(message), half = n / 2;
	char first[256] = "", second[256] = "";
	memcpy(first, message, 4);
	memcpy(second, message + half, n - half);
	send_handshake(w, 0, a, b);
	send_tcp(w, SEC, a, b, A, 101, 901, first);
	send_tcp(w, SEC, a, b, P | A, 101 + (uint32_t)half, 901, second); /* too early */
	memcpy(first, message + 4, half - 4);
	first[half - 4] = '\0';
	send_tcp(w, SEC, a, b, A, 105, 901, first);
	assert_int_equal(wire_end(w), 1);
	const struct flow *f = &w->rows[0];
	assert_string_equal(f->proto, "hl7");
	assert_int_equal(f->confidence, FLOW_CONF_CONTENT);
	assert_non_null(strstr(f->medical, "KENSA"));
	assert_false(row_has(f, "19283746") || row_has(f, "Hanako") || row_has(f, "19410307"));
	assert_int_equal(f->hint[0], '\0');
	wire_free(w);
}

static void a_conversation_that_goes_on_after_a_long_silence_keeps_its_name(void **state)
{
	(void)state;
	static const char *const lines[] = { "SSH-2.0-OpenSSH_9.2\r\n",
					     "SSH-2.0-dropbear_2022\r\n", NULL };
	struct wire *w = wire_new(NULL);
	struct end b = HOST(2, 2222);
	send_talk(w, pc, b, lines);
	wire_flush(w);
	for (int i = 1; i < 200; i++)
		flow_shard_clock(w->shard, WIRE_T0 + i * 10 * SEC);
	assert_int_equal(w->n_rows, 1);
	send_tcp(w, 2001 * SEC, pc, b, P | A, 500, 800, "\x93\x11zzz");
	assert_int_equal(wire_end(w), 2);
	assert_string_equal(w->rows[0].proto, "ssh");
	assert_int_equal(w->rows[0].confidence, FLOW_CONF_DPI);
	assert_string_equal(w->rows[1].proto, "ssh");
	assert_int_equal(w->rows[1].confidence, FLOW_CONF_CACHE);
	wire_free(w);
}

/* TCP behind an authentication header is TCP for us and AH for the library, which must not see both in
 * one state. */
static void what_the_library_would_read_otherwise_is_kept_from_it(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	uint8_t f[2048], *h;
	static const char banner[] = "SSH-2.0-OpenSSH_9.2\r\n";
	uint32_t bytes =
		make_ip(f, pc, HOST(2, 22), 51, 12 + 20 + sizeof(banner) - 1, 0, 1, 0, &h);
	memset(h, 0, 32);
	h[0] = 6;
	h[1] = 1;
	put16(h + 12, pc.port);
	put16(h + 14, 22);
	h[24] = 0x50;
	h[25] = P | A;
	memcpy(h + 32, banner, sizeof(banner) - 1);
	send_handshake(w, 0, pc, HOST(2, 22));
	wire_frame(w, SEC, f, bytes, bytes);
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(w->rows[0].src_packets, 3);
	assert_int_equal(w->rows[0].confidence, FLOW_CONF_PORT);
	wire_free(w);
}

static void when_states_run_out_the_oldest_gets_its_guess(void **state)
{
	(void)state;
	struct flow_conf conf;
	flow_conf_defaults(&conf);
	conf.max_dpi = 64;
	struct wire *w = wire_new(&conf);
	for (unsigned i = 0; i < 200; i++)
		send_udp(w, i, HOST(1, (uint16_t)(2000 + i)), HOST(2, 30000), "\x99\x98\x97?",
			 4);
	wire_flush(w);
	struct flow_stats s = wire_stats(w);
	assert_int_equal(s.dpi_open, 64);
	assert_int_equal(s.dpi_pressed, 136);
	assert_int_equal(wire_end(w), 200);
	assert_int_equal(wire_stats(w).dpi_open, 0);
	wire_free(w);
}

/* Whoever opens readers and says nothing more must not blind the hospital. */
static void when_readers_run_out_the_oldest_keeps_its_facts_and_gives_way(void **state)
{
	(void)state;
	struct flow_conf conf;
	flow_conf_defaults(&conf);
	conf.max_medical = 16;
	struct wire *w = wire_new(&conf);
	for (unsigned i = 0; i < 40; i++)
		send_tcp(w, i, HOST(1, (uint16_t)(2000 + i)), HOST(2, 30000), P | A, 1, 1,
			 i % 2 ? "\x0b" : MSH);
	wire_flush(w);
	assert_int_equal(wire_stats(w).medical_open, 16);
	assert_int_equal(wire_stats(w).medical_refused, 24);
	assert_int_equal(wire_end(w), 40);
	for (unsigned i = 0; i < 40; i++)
		if (!((w->rows[i].src_port ^ w->rows[i].dst_port ^ 30000) & 1)) {
			assert_string_equal(w->rows[i].proto, "hl7");
			assert_non_null(strstr(w->rows[i].medical, "KENSA"));
		}
	assert_int_equal(wire_stats(w).medical_open, 0);
	wire_free(w);
}

/* A TLS record that says 64 KiB and comes slowly: the library puts it aside, for every flow. */
static void unfinished_records_cannot_fill_the_memory(void **state)
{
	(void)state;
	struct flow_conf conf;
	static char record[1401];
	flow_conf_defaults(&conf);
	conf.max_dpi = 64;
	struct wire *w = wire_new(&conf);
	for (uint32_t i = 0; i < 60 * 30; i++) {
		memset(record, 'x', sizeof(record) - 1);
		if (i < 60)
			memcpy(record, "\x16\x03\x01\xff\xf0\x01\x01\xff\xec\x03\x03", 11);
		send_tcp(w, i, HOST(1, (uint16_t)(2000 + i % 60)), HOST(2, 443), P | A,
			 1 + i / 60 * 1400, 1, record);
	}
	wire_flush(w);
	struct flow_stats s = wire_stats(w);
	assert_true(s.dpi_pressed > 0);
	assert_in_range(s.dpi_open * 30 * 1440, 0, 64 * 4096 + 30 * 1440);
	assert_int_equal(wire_end(w), 60);
	assert_int_equal(rows_packets(w), w->sent);
	assert_int_equal(wire_stats(w).dpi_open, 0);
	wire_free(w);
}

static void a_dissector_that_is_off_finds_nothing_and_an_unknown_name_is_told(void **state)
{
	(void)state;
	static const char *const lines[] = { "SSH-2.0-OpenSSH_9.2\r\n",
					     "SSH-2.0-dropbear_2022\r\n", NULL };
	struct flow_conf conf;
	flow_conf_defaults(&conf);
	conf.dpi_off[conf.n_dpi_off++] = "ssh";
	struct wire *w = wire_new(&conf);
	send_talk(w, pc, HOST(2, 2222), lines);
	assert_int_equal(wire_end(w), 1);
	assert_string_equal(w->rows[0].proto, "");
	wire_free(w);

	struct flow_shard *shard;
	struct err e = ERR_INIT;
	conf.dpi_off[conf.n_dpi_off++] = "no-such-thing";
	assert_int_equal(flow_shard_new(&shard, &conf, NULL, NULL, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "no-such-thing"));
}

static void names_have_a_limit_and_flows_go_on_without(void **state)
{
	(void)state;
	static const char *const lines[] = { "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
					     NULL };
	struct flow_conf conf;
	flow_conf_defaults(&conf);
	conf.max_meta_bytes = 10;
	struct wire *w = wire_new(&conf);
	for (unsigned i = 0; i < 5; i++)
		send_talk(w, HOST(1, (uint16_t)(2000 + i)), server, lines);
	assert_int_equal(wire_end(w), 5);
	assert_true(wire_stats(w).meta_refused == 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(w->rows[i].proto, "http");
	wire_free(w);
}

static void what_was_cut_is_counted_but_not_believed(void **state)
{
	(void)state;
	struct wire *w = wire_new(NULL);
	uint8_t f[2048], *h;
	uint32_t bytes = make_ip(f, pc, server, 17, 8 + 400, 0, 1, 0, &h);
	put16(h, 40000);
	put16(h + 2, 53);
	put16(h + 4, 408);
	memset(h + 8, 'x', 400);
	wire_frame(w, 0, f, 60, bytes);
	assert_int_equal(wire_end(w), 1);
	assert_int_equal(w->rows[0].src_bytes, bytes);
	assert_int_equal(w->rows[0].dst_port, 53);
	assert_true(w->rows[0].confidence <= FLOW_CONF_PORT);
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_web_request_gives_host_and_agent_but_neither_address_nor_login),
		cmocka_unit_test(an_attack_in_a_url_is_a_risk_without_the_url),
		cmocka_unit_test(a_login_in_the_clear_is_a_risk_without_its_words),
		cmocka_unit_test(a_whois_question_is_free_text_and_not_kept),
		cmocka_unit_test(a_dns_question_is_kept),
		cmocka_unit_test(a_refused_call_has_a_guess_by_port_and_a_hint_never_a_proof),
		cmocka_unit_test(hl7_is_known_on_any_port_and_in_any_order_of_segments),
		cmocka_unit_test(
			a_conversation_that_goes_on_after_a_long_silence_keeps_its_name),
		cmocka_unit_test(what_the_library_would_read_otherwise_is_kept_from_it),
		cmocka_unit_test(when_states_run_out_the_oldest_gets_its_guess),
		cmocka_unit_test(unfinished_records_cannot_fill_the_memory),
		cmocka_unit_test(when_readers_run_out_the_oldest_keeps_its_facts_and_gives_way),
		cmocka_unit_test(
			a_dissector_that_is_off_finds_nothing_and_an_unknown_name_is_told),
		cmocka_unit_test(names_have_a_limit_and_flows_go_on_without),
		cmocka_unit_test(what_was_cut_is_counted_but_not_believed),
	};
	return cmocka_run_group_tests_name("what is read from payload", tests, NULL, NULL);
}
