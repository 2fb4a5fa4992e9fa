/* A firewall's log and the flow of the mirror port that are one conversation find each other. */
#include "living.h"

#include "../../../src/api/joins.h"

static const int64_t noon = INT64_C(1795348800) * NS_PER_S; /* 2026-11-22 12:00:00 UTC */
#define S NS_PER_S

static struct addr v4(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(str_of(text), &a), 0);
	return a;
}

/* Ten seconds up to noon, hidden behind 203.0.113.2. */
static struct log traffic(void)
{
	return (struct log){ .at_ns = noon,
			     .created_ns = noon,
			     .device_ns = noon,
			     .duration_ns = 10 * S,
			     .src = v4("10.20.10.15"),
			     .dst = v4("198.51.100.7"),
			     .src_nat = v4("203.0.113.2"),
			     .src_port = 50123,
			     .dst_port = 443,
			     .src_nat_port = 61000,
			     .session = 4711,
			     .l4 = 6,
			     .kind = LOG_KIND_TRAFFIC,
			     .serial = "FG100F0000000001",
			     .type = "traffic" };
}

static struct flow seen(const char *src, uint16_t sport, const char *dst, uint16_t dport,
			int64_t start_ns, int64_t end_ns)
{
	return (struct flow){ .start_ns = start_ns,
			      .end_ns = end_ns,
			      .flow_start_ns = start_ns,
			      .src = v4(src),
			      .dst = v4(dst),
			      .src_port = sport,
			      .dst_port = dport,
			      .src_packets = 1,
			      .ip_version = 4,
			      .l4 = 6,
			      .end_reason = FLOW_END_FIN };
}

static void a_conversation_is_found_before_and_after_translation_either_way_around(void **state)
{
	(void)state;
	struct log g = traffic();
	struct flow inside = seen("10.20.10.15", 50123, "198.51.100.7", 443, noon - 10 * S,
				  noon),
		    turned = seen("198.51.100.7", 443, "10.20.10.15", 50123, noon - 10 * S,
				  noon),
		    outside = seen("203.0.113.2", 61000, "198.51.100.7", 443, noon - 10 * S,
				   noon),
		    back = seen("198.51.100.7", 443, "203.0.113.2", 61000, noon - 10 * S, noon),
		    port = seen("203.0.113.2", 50123, "198.51.100.7", 443, noon - 10 * S, noon),
		    other = seen("10.20.10.16", 50123, "198.51.100.7", 443, noon - 10 * S,
				 noon);
	assert_int_equal(join_of(&g, &inside), JOINED_BEFORE_NAT);
	assert_int_equal(join_of(&g, &turned), JOINED_BEFORE_NAT);
	assert_int_equal(join_of(&g, &outside), JOINED_AFTER_NAT);
	assert_int_equal(join_of(&g, &back), JOINED_AFTER_NAT);
	assert_int_equal(join_of(&g, &port), JOINED_NOT); /* its port was translated too */
	assert_int_equal(join_of(&g, &other), JOINED_NOT);
	inside.l4 = 17;
	assert_int_equal(join_of(&g, &inside), JOINED_NOT);
	/* a server made known outside: the destination is translated */
	g.src_nat = (struct addr){ { 0 } };
	g.src_nat_port = 0;
	g.dst_nat = v4("10.20.10.80");
	g.dst_nat_port = 8443;
	struct flow server =
		seen("10.20.10.15", 50123, "10.20.10.80", 8443, noon - 10 * S, noon);
	assert_int_equal(join_of(&g, &server), JOINED_AFTER_NAT);
}

static void another_conversation_of_the_same_ports_is_told_apart_by_time(void **state)
{
	(void)state;
	struct log g = traffic();
	struct flow before = seen("10.20.10.15", 50123, "198.51.100.7", 443, noon - 900 * S,
				  noon - 300 * S),
		    after = seen("10.20.10.15", 50123, "198.51.100.7", 443, noon + 300 * S,
				 noon + 310 * S),
		    slice = seen("10.20.10.15", 50123, "198.51.100.7", 443, noon - 3600 * S,
				 noon - 3400 * S);
	assert_int_equal(join_of(&g, &before), JOINED_NOT);
	assert_int_equal(join_of(&g, &after), JOINED_NOT);
	assert_int_equal(join_of(&g, &slice), JOINED_NOT);
	g.duration_ns = 3600 * S; /* a long session has slices of an hour ago */
	assert_int_equal(join_of(&g, &slice), JOINED_BEFORE_NAT);
}

static void a_clock_that_is_wrong_by_minutes_does_not_part_them(void **state)
{
	(void)state;
	struct log g = traffic();
	struct flow f = seen("10.20.10.15", 50123, "198.51.100.7", 443, noon - 10 * S, noon);
	g.device_ns = g.at_ns = noon + 600 * S; /* ten minutes fast; received at noon */
	assert_int_equal(join_of(&g, &f), JOINED_BEFORE_NAT);
	g.device_ns = g.at_ns = noon;
	g.created_ns = noon + 86400 * S; /* kept back for a day: its own clock alone counts */
	assert_int_equal(join_of(&g, &f), JOINED_BEFORE_NAT);
	f.start_ns = f.end_ns = noon + 86400 * S;
	assert_int_equal(join_of(&g, &f), JOINED_NOT);
}

static void what_speaks_of_no_conversation_is_joined_with_none(void **state)
{
	(void)state;
	struct flow f = seen("10.20.10.15", 50123, "198.51.100.7", 443, noon - 10 * S, noon);
	struct log g = traffic();
	g.dst = (struct addr){ { 0 } };
	assert_int_equal(join_of(&g, &f), JOINED_NOT);
	g = traffic();
	g.src_port = g.dst_port = 0;
	assert_int_equal(join_of(&g, &f), JOINED_NOT);
	g.l4 = f.l4 = 1; /* of ICMP the two keep numbers of their own in the ports */
	assert_int_equal(join_of(&g, &f), JOINED_BEFORE_NAT);
}

static char *id_of(struct living *l, const char *target)
{
	static char id[32];
	char *body = living_expect(l, "sato", ROLE_OPERATOR, "GET", target, NULL, 200,
				   "\"items\":[{");
	const char *at = strstr(body, "\"id\":\"");
	assert_non_null(at);
	(void)str_copy(id, sizeof(id), str_n(at + 6, strcspn(at + 6, "\"")));
	free(body);
	return id;
}

static void routes_give_a_log_its_flows_and_a_flow_its_logs(void **state)
{
	(void)state;
	struct living l;
	char target[128];
	clock_fix(noon + 60 * S);
	living_begin(&l);
	struct log g = traffic(), virus = traffic(), stranger = traffic();
	living_log(
		&l, &g,
		"date=2026-11-22 type=\"traffic\" srcip=10.20.10.15 sessionid=4711 original");
	virus.at_ns = virus.device_ns = noon - 5 * S;
	virus.duration_ns = 0;
	virus.kind = LOG_KIND_SECURITY;
	virus.src_nat = (struct addr){ { 0 } };
	living_log(&l, &virus, "type=\"utm\" subtype=\"virus\" sessionid=4711");
	(void)str_copy(stranger.serial, sizeof(stranger.serial), STR("FG100F0000000002"));
	stranger.dst = v4("198.51.100.8");
	living_log(&l, &stranger, "type=\"traffic\" of another device sessionid=4711");
	struct flow flows[] = {
		seen("10.20.10.15", 50123, "198.51.100.7", 443, noon - 10 * S, noon),
		seen("203.0.113.2", 61000, "198.51.100.7", 443, noon - 10 * S, noon),
		seen("10.20.10.15", 50124, "198.51.100.7", 443, noon - 10 * S, noon),
	};
	assert_int_equal(store_put_many(l.st, &flow_record, flows, 3), 0);
	living_flush(&l);
	(void)snprintf(target, sizeof(target), "/api/v1/logs/%s/flows",
		       id_of(&l, "/api/v1/logs?q=kind:traffic+destination.ip:198.51.100.7"));
	assert_int_equal(
		living_count(&l, ROLE_AUDITOR, target, "\"matched_by\":\"before_nat\""), 1);
	assert_int_equal(living_count(&l, ROLE_AUDITOR, target, "\"matched_by\":\"after_nat\""),
			 1);
	assert_int_equal(living_count(&l, ROLE_AUDITOR, target, "\"matched_by\""), 2);
	living_check(&l, "sato", ROLE_AUDITOR, "GET", target, NULL, 200,
		     "subtype=\\\"virus\\\"");
	assert_int_equal(living_count(&l, ROLE_AUDITOR, target, "another device"), 0);
	(void)snprintf(target, sizeof(target), "/api/v1/flows/%s/logs",
		       id_of(&l, "/api/v1/flows?host=203.0.113.2"));
	assert_int_equal(living_count(&l, ROLE_AUDITOR, target, "\"matched_by\":\"after_nat\""),
			 1);
	assert_int_equal(
		living_count(&l, ROLE_AUDITOR, target, "\"matched_by\":\"before_nat\""), 0);
	(void)snprintf(target, sizeof(target), "/api/v1/flows/%s/logs",
		       id_of(&l, "/api/v1/flows?port=50123"));
	assert_int_equal(
		living_count(&l, ROLE_AUDITOR, target, "\"matched_by\":\"before_nat\""), 2);
	(void)snprintf(target, sizeof(target), "/api/v1/flows/%s/logs",
		       id_of(&l, "/api/v1/flows?port=50124"));
	assert_int_equal(living_count(&l, ROLE_AUDITOR, target, "\"matched_by\""), 0);
	living_check(&l, "sato", ROLE_VIEWER, "GET", target, NULL, 403, "role_required");
	living_check(&l, "sato", ROLE_ADMIN, "GET", "/api/v1/flows/77/logs", NULL, 404,
		     "not_found");
	living_end(&l);
	clock_fix(0);
}

static void the_line_comes_back_byte_for_byte_and_field_by_field(void **state)
{
	(void)state;
	static const char line[] =
		"<189>date=2026-11-22 time=12:00:00 logid=\"0000000013\" type=\"traffic\" msg=\"a \\\"b\\\" \xff\x01\" srcip=10.0.0.1";
	struct living l;
	char target[128];
	clock_fix(noon + 60 * S);
	living_begin(&l);
	struct log g = traffic();
	g.format = LOG_FORMAT_KV;
	living_log(&l, &g, line);
	living_flush(&l);
	(void)snprintf(target, sizeof(target), "/api/v1/logs/%s/raw",
		       id_of(&l, "/api/v1/logs"));
	char *raw = living_expect(&l, "sato", ROLE_AUDITOR, "GET", target, NULL, 200, NULL);
	assert_string_equal(raw, line);
	free(raw);
	(void)snprintf(target, sizeof(target), "/api/v1/logs/%s/fields",
		       id_of(&l, "/api/v1/logs"));
	living_check(&l, "sato", ROLE_AUDITOR, "GET", target, NULL, 200,
		     "{\"key\":\"pri\",\"value\":\"189\",\"header\":true");
	living_check(
		&l, "sato", ROLE_AUDITOR, "GET", target, NULL, 200,
		"\"key\":\"srcip\",\"value\":\"10.0.0.1\",\"header\":false,\"ecs\":\"source.ip\"");
	living_check(&l, "sato", ROLE_AUDITOR, "GET", target, NULL, 200, "a \\\"b\\\" ");
	living_end(&l);
	clock_fix(0);
}

static void long_lines_end_the_list_of_a_flow_and_not_the_answer(void **state)
{
	(void)state;
	struct living l;
	char target[128], *line = malloc(LOG_LINE_MAX + 1);
	assert_non_null(line);
	memset(line, 1, LOG_LINE_MAX); /* six times as long in JSON */
	line[LOG_LINE_MAX] = '\0';
	clock_fix(noon + 60 * S);
	living_begin(&l);
	struct log g = traffic();
	for (int i = 0; i < 60; i++)
		living_log(&l, &g, line);
	struct flow f = seen("10.20.10.15", 50123, "198.51.100.7", 443, noon - 10 * S, noon);
	assert_int_equal(store_put_many(l.st, &flow_record, &f, 1), 0);
	living_flush(&l);
	(void)snprintf(target, sizeof(target), "/api/v1/flows/%s/logs",
		       id_of(&l, "/api/v1/flows"));
	living_check(&l, "sato", ROLE_AUDITOR, "GET", target, NULL, 200, "\"complete\":false");
	(void)snprintf(target, sizeof(target), "/api/v1/logs/%s/flows",
		       id_of(&l, "/api/v1/logs?limit=1"));
	living_check(&l, "sato", ROLE_AUDITOR, "GET", target, NULL, 200, "\"complete\":false");
	living_end(&l);
	clock_fix(0);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_conversation_is_found_before_and_after_translation_either_way_around),
		cmocka_unit_test(another_conversation_of_the_same_ports_is_told_apart_by_time),
		cmocka_unit_test(a_clock_that_is_wrong_by_minutes_does_not_part_them),
		cmocka_unit_test(what_speaks_of_no_conversation_is_joined_with_none),
		cmocka_unit_test(routes_give_a_log_its_flows_and_a_flow_its_logs),
		cmocka_unit_test(long_lines_end_the_list_of_a_flow_and_not_the_answer),
		cmocka_unit_test(the_line_comes_back_byte_for_byte_and_field_by_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
