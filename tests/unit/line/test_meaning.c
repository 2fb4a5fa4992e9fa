/* What lines say to people: kinds, outcomes, ECS members; and that nothing is lost on the way. */
#include <stdio.h>

#include "line_case.h"
#include "tomsd/base/file.h"

#define HEAD \
	"date=2026-11-22 time=14:05:06 devname=\"fw1\" devid=\"FG100FTK21000001\" eventtime=1795323906123456789 tz=\"+0900\" vd=\"root\" "
#define ID(type, subtype, logid) \
	HEAD "logid=\"" logid "\" type=\"" type "\" subtype=\"" subtype "\" level=\"notice\" "

static void traffic_becomes_columns_and_members(void **state)
{
	(void)state;
	take_text("<189>" ID(
		"traffic", "forward",
		"0000000013") "srcip=10.20.30.40 srcport=51234 srcintf=\"port2\" srcintfrole=\"lan\" dstip=203.0.113.9 dstport=443 "
			      "dstintf=\"wan1\" srccountry=\"Reserved\" dstcountry=\"Japan\" sessionid=4294967299 proto=6 action=\"close\" "
			      "policyid=12 policyname=\"Out\" poluuid=\"b5e1\" service=\"HTTPS\" app=\"YouTube\" trandisp=\"snat\" "
			      "transip=198.51.100.7 transport=51235 duration=12 sentbyte=2345 rcvdbyte=67890 sentpkt=20 rcvdpkt=60 "
			      "srcmac=\"00:00:5E:00:53:01\" user=\"ward3\" brandnew=\"x\"");
	assert_int_equal(row->kind, LOG_KIND_TRAFFIC);
	assert_int_equal(row->outcome, LOG_OUTCOME_SUCCESS);
	assert_int_equal(row->session, INT64_C(4294967299));
	assert_int_equal(row->l4, 6);
	assert_int_equal(row->policy, 12);
	assert_string_equal(row->service, "https");
	assert_string_equal(row->app, "youtube");
	assert_string_equal(row->country, "Japan");
	assert_string_equal(row->rule, "Out");
	assert_member("@timestamp", "2026-11-22T05:05:06.123456789Z");
	assert_member("event.created", "2026-11-22T05:05:10Z");
	assert_member("event.start", "2026-11-22T05:04:54.123456789Z");
	assert_member("event.duration", "12000000000");
	assert_member("event.category", "network");
	assert_member("event.type", "connection, end, allowed");
	assert_member("event.dataset", "fortigate.traffic");
	assert_member("source.nat.ip", "198.51.100.7");
	assert_member("source.nat.port", "51235");
	assert_member("source.mac", "00:00:5e:00:53:01");
	assert_member("source.user.name", "ward3");
	assert_member("source.geo.country_name", "(none)");
	assert_member("destination.geo.country_name", "Japan");
	assert_member("network.bytes", "70235");
	assert_member("network.transport", "tcp");
	assert_member("network.iana_number", "6");
	assert_member("network.type", "ipv4");
	assert_member("rule.id", "12");
	assert_member("rule.uuid", "b5e1");
	assert_member("observer.vdom", "root");
	assert_member("observer.product", "FortiGate");
	assert_member("fortinet.firewall.brandnew", "x");
	assert_member("fortinet.firewall.service", "HTTPS");
	assert_member("fortinet.firewall.srccountry", "Reserved");
	assert_member("no.such", "(none)");
}

static void what_people_search_by_is_under_fortinet_firewall_too(void **state)
{
	static const char *const keys[] = { "type",      "subtype", "action", "policyid",
					    "sessionid", "vd",      "logid",  "eventtime" };
	struct json_doc doc;
	const struct json_node *own;

	(void)state;
	take_text(ID("utm", "ips", "0419016384") "action=\"dropped\" policyid=1 sessionid=77");
	as_json(&doc);
	own = json_get(&doc, json_get(&doc, doc.nodes, "fortinet"), "firewall");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_non_null(json_get(&doc, own, keys[i]));
	assert_null(json_get(&doc, own, "devname"));
	json_doc_fini(&doc);
}

static void long_sessions_add_up_without_counting_twice(void **state)
{
	uint64_t sum = 0;
	static const char *const lines[] = {
		ID("traffic", "forward",
		   "0000000020") "sentbyte=1000 rcvdbyte=1 sentdelta=1000 rcvddelta=1",
		ID("traffic", "forward",
		   "0000000020") "sentbyte=3000 rcvdbyte=2 sentdelta=2000 rcvddelta=1",
		ID("traffic", "forward",
		   "0000000013") "sentbyte=3500 rcvdbyte=3 sentdelta=500 rcvddelta=1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		take_text(lines[i]);
		sum += row->src_bytes;
	}
	assert_int_equal(sum, 3500);
	assert_member("fortinet.firewall.sentbyte", "3500");
	assert_member("source.bytes", "500");
}

static void lines_are_sorted_into_kinds(void **state)
{
	static const struct {
		const char *line;
		enum log_kind kind;
		enum log_outcome outcome;
		const char *event_kind, *category, *type;
	} cases[] = {
		{ ID("event", "vpn", "0101039426") "action=\"ssl-login-fail\"", LOG_KIND_VPN,
		  LOG_OUTCOME_FAILURE, "event", "authentication", "start" },
		{ ID("event", "vpn", "0101039947") "action=\"tunnel-up\"", LOG_KIND_VPN,
		  LOG_OUTCOME_SUCCESS, "event", "network, session", "start" },
		{ ID("event", "vpn", "0101037121") "action=\"negotiate\" status=\"failure\"",
		  LOG_KIND_VPN, LOG_OUTCOME_FAILURE, "event", "network, session", "info" },
		{ ID("event", "system", "0100032001") "action=\"login\" status=\"success\"",
		  LOG_KIND_ADMIN, LOG_OUTCOME_SUCCESS, "event", "authentication", "start" },
		{ ID("event", "system", "0100032002") "action=\"login\" status=\"failed\"",
		  LOG_KIND_ADMIN, LOG_OUTCOME_FAILURE, "event", "authentication", "start" },
		{ ID("event", "system", "0100032003") "action=\"logout\" status=\"success\"",
		  LOG_KIND_ADMIN, LOG_OUTCOME_SUCCESS, "event", "authentication", "end" },
		{ ID("event", "system", "0100044547") "action=\"Add\" cfgpath=\"system.admin\"",
		  LOG_KIND_ADMIN, LOG_OUTCOME_SUCCESS, "event", "configuration, iam",
		  "creation" },
		{ ID("event", "system",
		     "0100044547") "action=\"Delete\" cfgpath=\"firewall.policy\"",
		  LOG_KIND_ADMIN, LOG_OUTCOME_SUCCESS, "event", "configuration", "deletion" },
		{ ID("event", "system", "0100020001") "action=\"perf-stats\"", LOG_KIND_SYSTEM,
		  LOG_OUTCOME_UNKNOWN, "event", "host", "info" },
		{ ID("event", "user",
		     "0102043008") "action=\"authentication\" status=\"success\"",
		  LOG_KIND_SYSTEM, LOG_OUTCOME_SUCCESS, "event", "authentication", "info" },
		{ ID("utm", "virus", "0211008192") "action=\"blocked\"", LOG_KIND_SECURITY,
		  LOG_OUTCOME_FAILURE, "alert", "network, malware", "denied" },
		{ ID("utm", "ips", "0419016384") "action=\"detected\"", LOG_KIND_SECURITY,
		  LOG_OUTCOME_SUCCESS, "alert", "network, intrusion_detection", "allowed" },
		{ ID("utm", "webfilter", "0316013056") "action=\"blocked\"", LOG_KIND_SECURITY,
		  LOG_OUTCOME_FAILURE, "event", "network, web", "denied" },
		{ ID("dns", "dns-response", "1501054802") "action=\"pass\"", LOG_KIND_SECURITY,
		  LOG_OUTCOME_SUCCESS, "event", "network", "allowed" },
		{ ID("anomaly", "anomaly", "0720018433") "action=\"clear_session\"",
		  LOG_KIND_SECURITY, LOG_OUTCOME_FAILURE, "alert",
		  "network, intrusion_detection", "denied" },
		{ ID("traffic", "local", "0001000014") "action=\"deny\"", LOG_KIND_TRAFFIC,
		  LOG_OUTCOME_FAILURE, "event", "network", "connection, end, denied" },
		{ ID("gtp", "gtp-all", "1400041216") "status=\"forwarded\"", LOG_KIND_SECURITY,
		  LOG_OUTCOME_UNKNOWN, "event", "network", "info" },
		{ ID("brandnew", "thing", "9900000001") "x=y", LOG_KIND_UNKNOWN,
		  LOG_OUTCOME_UNKNOWN, "event", "(none)", "info" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		take_text(cases[i].line);
		if (row->kind != cases[i].kind || row->outcome != cases[i].outcome)
			fail_msg("%s: kind %d, outcome %d", cases[i].line, row->kind,
				 row->outcome);
		assert_member("event.kind", cases[i].event_kind);
		assert_member("event.category", cases[i].category);
		assert_member("event.type", cases[i].type);
	}
}

static void people_of_vpns_and_consoles_are_named(void **state)
{
	(void)state;
	take_text(ID(
		"event", "vpn",
		"0101037120") "remip=192.0.2.9 locip=192.0.2.1 remport=500 user=\"192.0.2.9\" eapuser=\"dr1\" "
			      "tunnelip=10.9.9.9");
	assert_string_equal(row->user, "dr1");
	assert_member("source.ip", "192.0.2.9");
	assert_member("source.nat.ip", "10.9.9.9");
	assert_member("destination.ip", "192.0.2.1");
	assert_member("fortinet.firewall.user", "192.0.2.9");
	take_text(ID(
		"event", "system",
		"0100044547") "user=\"admin\" ui=\"GUI(192.0.2.3)\" cfgpath=\"firewall.policy\" action=\"Edit\"");
	assert_member("source.ip", "192.0.2.3");
	assert_member("source.address", "192.0.2.3");
	assert_member("fortinet.firewall.ui", "GUI(192.0.2.3)");
}

static void addresses_of_the_web_are_put_together_and_taken_apart(void **state)
{
	(void)state;
	take_text(ID(
		"utm", "webfilter",
		"1") "service=\"HTTPS\" hostname=\"shop.example\" url=\"/a/b.php?x=\\\"1\\\"|]\"");
	assert_member("url.full", "https://shop.example/a/b.php?x=\"1\"|]");
	assert_member("url.domain", "shop.example");
	assert_member("url.path", "/a/b.php");
	assert_member("url.query", "x=\"1\"|]");
	assert_member("destination.domain", "shop.example");
	take_text(
		ID("utm", "virus", "1") "service=\"HTTP\" url=\"http://u@h.example:8080/x?y\"");
	assert_member("url.full", "http://u@h.example:8080/x?y");
	assert_member("url.domain", "h.example");
	assert_member("url.port", "8080");
	assert_string_equal(row->name, "h.example");
	take_text(ID("utm", "virus", "1") "url=\"http://[2001:db8::1]:80/\"");
	assert_member("url.domain", "2001:db8::1");
	take_text(ID(
		"utm", "dns",
		"1") "eventtype=\"dns-query\" qname=\"pacs.example\" qtype=\"A\" xid=7 tlsver=\"tls1.3\" direction=\"outgoing\"");
	assert_member("dns.question.name", "pacs.example");
	assert_member("dns.type", "query");
	assert_member("tls.version", "1.3");
	assert_member("network.direction", "outbound");
	assert_string_equal(row->name, "pacs.example");
	take_text(ID(
		"event", "system",
		"1") "dhcp_msg=\"Ack\" mac=\"00:00:5e:00:53:01\" ip=192.0.2.5 hostname=\"pc5\"");
	assert_member("source.domain", "pc5");
	assert_member("destination.domain", "(none)");
}

static void bytes_that_are_no_text_are_shown_as_signs_and_kept_whole(void **state)
{
	static const char line[] =
		"<189>" ID("event", "system",
			   "1") "msg=\"\x93\xfa\x96\x7b \x01\x1b[31m\" user=\"\x83\x65\"";
	struct json_doc doc;
	const struct json_node *n;
	char text[4096];

	(void)state;
	take(line, sizeof(line) - 1);
	assert_int_equal(row->flags & LOG_NOT_UTF8, LOG_NOT_UTF8);
	assert_true(str_utf8_valid(str_of(row->user)));
	as_json(&doc);
	n = json_get(&doc, json_get(&doc, json_get(&doc, doc.nodes, "toms"), "log"),
		     "original_base64");
	assert_non_null(n);
	assert_true(json_text(n, text, sizeof(text)));
	assert_int_equal(strlen(text), (sizeof(line) - 1 + 2) / 3 * 4);
	assert_true(str_starts(str_of(text), STR("PDE4OT5kYXRl"))); /* <189>date */
	json_doc_fini(&doc);
	assert_true(str_utf8_valid(buf_view(&json_text_of_row)));
	/* what is text has no second copy */
	take_text(ID("event", "system", "1") "msg=\"\xe6\x97\xa5\xe6\x9c\xac\"");
	as_json(&doc);
	assert_null(json_get(&doc, json_get(&doc, json_get(&doc, doc.nodes, "toms"), "log"),
			     "original_base64"));
	json_doc_fini(&doc);
}

static void json_has_every_name_once_however_often_a_line_says_it(void **state)
{
	static char line[LOG_LINE_MAX];
	size_t n = (size_t)snprintf(line, sizeof(line), ID("traffic", "forward", "1"));
	const char *ecs, *key;
	struct json_doc doc;
	const struct json_node *obj;

	/* every key of the table, twice, and each with a value that fits some type */
	(void)state;
	for (size_t i = 0; (key = line_key(i, &ecs)); i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s=%s %s=x ", key,
				      i % 2 ? "1" : "10.1.1.1", key);
	take(line, n);
	as_json(&doc);
	for (size_t i = 0; i < doc.n; i++) {
		obj = &doc.nodes[i];
		if (obj->type != JSON_OBJECT)
			continue;
		for (size_t m = 0, a = i + 1; m < obj->count; m++, a = doc.nodes[a + 1].next) {
			for (size_t k = 0, b = i + 1; k < m; k++, b = doc.nodes[b + 1].next)
				assert_false(str_eq(doc.nodes[a].raw, doc.nodes[b].raw));
		}
	}
	assert_non_null(json_get(&doc, json_get(&doc, doc.nodes, "event"), "original"));
	json_doc_fini(&doc);
}

/* "a" and "a.b" cannot both be members. */
static void no_ecs_name_of_the_table_lies_inside_another(void **state)
{
	const char *ecs, *other;

	(void)state;
	for (size_t i = 0; line_key(i, &ecs); i++) {
		for (size_t k = 0; line_key(k, &other); k++) {
			size_t n = ecs ? strlen(ecs) : 0;

			if (ecs && other && strncmp(other, ecs, n) == 0 && other[n] == '.')
				fail_msg("%s and %s", ecs, other);
		}
	}
}

static void each_key_stands_in_the_table_once_and_in_the_document(void **state)
{
	struct err e = ERR_INIT;
	const char *key, *ecs, *other;
	struct buf doc;

	(void)state;
	buf_init(&doc, 1u << 20);
	assert_int_equal(file_read("docs/fortigate.md", 1u << 20, &doc, &e), 0);
	for (size_t i = 0; (key = line_key(i, &ecs)); i++) {
		char want[200];

		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(line_key(k, &other), key);
		if (strchr(key, ':'))
			continue; /* not a name that a line can say */
		(void)snprintf(want, sizeof(want), "| `%s` | `%s` |\n", key,
			       ecs ? ecs : "fortinet.firewall");
		if (str_find(buf_view(&doc), str_of(want)) < 0)
			fail_msg(
				"docs/fortigate.md lacks the row %s; build/tests/tools/line_json --keys prints all",
				want);
	}
	buf_fini(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traffic_becomes_columns_and_members),
		cmocka_unit_test(what_people_search_by_is_under_fortinet_firewall_too),
		cmocka_unit_test(long_sessions_add_up_without_counting_twice),
		cmocka_unit_test(lines_are_sorted_into_kinds),
		cmocka_unit_test(people_of_vpns_and_consoles_are_named),
		cmocka_unit_test(addresses_of_the_web_are_put_together_and_taken_apart),
		cmocka_unit_test(bytes_that_are_no_text_are_shown_as_signs_and_kept_whole),
		cmocka_unit_test(json_has_every_name_once_however_often_a_line_says_it),
		cmocka_unit_test(no_ecs_name_of_the_table_lies_inside_another),
		cmocka_unit_test(each_key_stands_in_the_table_once_and_in_the_document),
	};

	return cmocka_run_group_tests_name("meaning of lines", tests, NULL, drop_row);
}
