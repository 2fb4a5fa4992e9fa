/* Bodies: FortiOS's default, CSV, CEF, structured data, JSON; and what spoils them in the field. */
#include "line_case.h"

#define ID "date=2026-11-22 time=14:05:06 devid=\"FG1\" logid=\"0000000013\" "

static void quotes_blanks_and_escapes_of_the_default_format(void **state)
{
	(void)state;
	take_text(
		"<189>" ID
		"  a=bare  ui=https(10.42.8.253) b=\"with blank\" c=\"say \\\"x\\\" d=no\" e=\"\" f= g=h=i");
	assert_string_equal(field("a"), "bare");
	assert_string_equal(field("ui"), "https(10.42.8.253)");
	assert_string_equal(field("b"), "with blank");
	assert_string_equal(field("c"), "say \\\"x\\\" d=no");
	assert_string_equal(field("e"), "");
	assert_string_equal(field("f"), "");
	assert_string_equal(field("g"), "h=i");
	assert_null(field("d"));
	assert_member("fortinet.firewall.c", "say \"x\" d=no");
	assert_int_equal(row->problem, LOG_PROBLEM_NONE);
	/* a name of Windows keeps its backslash */
	take_text(ID "user=\"EXAMPLE\\nurse\" x=\"a\\\\b\\=c\\|d\"");
	assert_string_equal(row->user, "EXAMPLE\\nurse");
	assert_member("fortinet.firewall.x", "a\\b=c|d");
}

static void text_inside_quotes_is_never_a_field(void **state)
{
	(void)state;
	take_text(
		ID
		"srcip=10.31.110.152 url=\"/a?x=1 srcip=8.8.8.8 dstip=9.9.9.9 date=bad tz=bad \" cat=26");
	assert_member("source.ip", "10.31.110.152");
	assert_member("destination.ip", "(none)");
	assert_true(addr_is_zero(&row->dst));
	/* nor is a second telling */
	take_text(ID "srcip=10.1.1.1 srcip=8.8.8.8");
	assert_member("source.ip", "10.1.1.1");
	/* not even where the first was none */
	take_text(ID "srcip=example srcip=8.8.8.8");
	assert_true(addr_is_zero(&row->src));
	assert_member("fortinet.firewall.srcip", "example");
}

static void what_devices_get_wrong_costs_no_other_field(void **state)
{
	(void)state;
	take_text(ID "dstip=authid=\"x y\" msg=\"m\"|");
	assert_string_equal(field("dstip"), "");
	assert_string_equal(field("authid"), "x y");
	assert_string_equal(field("msg"), "m");
	assert_int_equal(row->problem, LOG_PROBLEM_BROKEN);
	take_text(ID "a=\"b\" imei=\"359376060");
	assert_string_equal(field("imei"), "359376060");
	assert_int_equal(row->problem, LOG_PROBLEM_CUT);
	take_text(
		"Dec 23 11:13:03 date=2026-07-24 time=10: 13:03 devname=D device_id=FG5 log_id=0038016004 type=traffic");
	assert_string_equal(field("time"), "10: 13:03");
	assert_string_equal(row->host, "D");
	assert_int_equal(when.clock, LINE_CLOCK_LOCAL);
	take_text(
		ID
		"tunnelip=(null) remip=\"N/A\" assignip=N/A srcintf=unknown-0 user=\"N/A\" group=\"N/A\"");
	assert_string_equal(row->user, "");
	assert_member("group.name", "(none)");
	assert_member("fortinet.firewall.group", "N/A");
	assert_member("observer.ingress.interface.name", "unknown-0");
	take_text(
		ID
		"x?srcip=8.8.8.8 ?? srcport=70000 dstport=12x proto=999 sessionid=-1 duration=99999999999999999999 "
		"sentbyte=1e3 srcmac=zz policyid=12");
	assert_true(addr_is_zero(&row->src));
	assert_int_equal(row->src_port, 0);
	assert_member("fortinet.firewall.srcport", "70000");
	assert_member("fortinet.firewall.sentbyte", "1e3");
	assert_member("source.bytes", "(none)");
	assert_int_equal(row->policy, 12);
	assert_int_equal(row->problem, LOG_PROBLEM_BROKEN);
}

static void unquoted_lines_of_fortios_5_are_the_same(void **state)
{
	(void)state;
	take_text(
		"date=2016-06-16 time=16:22:34 devname=FW devid=FGT1 logid=0100032001 type=event subtype=system "
		"level=information vd=\"root\" user=\"a@b.example\" ui=https(10.42.8.253) action=login status=success "
		"msg=\"Administrator logged in\"");
	assert_int_equal(row->kind, LOG_KIND_ADMIN);
	assert_int_equal(row->outcome, LOG_OUTCOME_SUCCESS);
	assert_member("source.ip", "10.42.8.253");
	assert_member("user.name", "a@b.example");
}

static void csv_has_commas_and_doubled_quotes(void **state)
{
	(void)state;
	take_text(
		"<189>date=2026-11-22,time=14:45:26,logid=\"1501054802\",type=\"dns\",user=\"b \"\"x\"\" c\",srcip=192.0.2.1,"
		"ipaddr=\"192.0.2.7, 192.0.2.8\",bare=a,b c,msg=\"Domain, srcip=8.8.8.8\",action=\"pass\"");
	assert_int_equal(row->format, LOG_FORMAT_CSV);
	assert_string_equal(field("user"), "b \"\"x\"\" c");
	assert_string_equal(row->user, "b \"x\" c");
	assert_string_equal(field("bare"), "a,b c");
	assert_string_equal(field("msg"), "Domain, srcip=8.8.8.8");
	assert_member("source.ip", "192.0.2.1");
	assert_member("dns.resolved_ip", "192.0.2.7, 192.0.2.8");
	assert_string_equal(row->action, "pass");
}

#define CEF "CEF:0|Fortinet|Fortigate|v7.4.9|00013|traffic:forward close|3|"

static void cef_is_read_with_prefixes_of_both_ages_and_without_its_name(void **state)
{
	static const char *const heads[] = {
		"<189>Nov 22 14:05:06 fw1 " CEF, "0|Fortinet|Fortigate|v7.4.9|00013|x \\| y|3|",
		"<189>Nov 22 14:05:06 fw1 CEF: 0|Fortinet|Fortigate|v7.4.9|00013|n|3|"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		char line[1024];

		(void)snprintf(
			line, sizeof(line),
			"%sdeviceExternalId=FG1 FTNTFGTlogid=0000000013 cat=traffic:forward FTNTFGTcat=26 "
			"FortinetFortiGatelevel=notice src=10.1.1.1 spt=1 dst=192.0.2.1 dpt=80 proto=6 act=close "
			"duser=bob msg=with blanks and a\\=b FTNTFGTdlpextra= app=HTTP in=7 out=5 externalId=9",
			heads[i]);
		take_text(line);
		assert_int_equal(row->format, LOG_FORMAT_CEF);
		assert_int_equal(row->kind, LOG_KIND_TRAFFIC);
		assert_string_equal(row->serial, "FG1");
		assert_string_equal(row->type, "traffic");
		assert_string_equal(row->subtype, "forward");
		assert_string_equal(row->service, "http");
		assert_int_equal(row->session, 9);
		assert_int_equal(row->src_bytes, 5);
		assert_member("destination.port", "80");
		assert_member("user.name", "bob");
		assert_member("message", "with blanks and a=b");
		assert_member("fortinet.firewall.cat", "26");
		assert_member("fortinet.firewall.type", "traffic");
		assert_member("observer.version", "v7.4.9");
		assert_string_equal(field("FTNTFGTdlpextra"), "");
	}
	assert_string_equal(field("vendor"), "Fortinet");
	take_text(
		"<189>" CEF
		"cs5=10 cs5Label=Policy Id cn1=7 cn1Label=Duration cn2=5 cn2Label=Packets Sent");
	assert_int_equal(row->policy, 10);
	assert_int_equal(row->duration_ns, 7 * NS_PER_S);
	assert_int_equal(row->src_packets, 5);
}

static void cef_of_another_vendor_is_a_device_with_addresses(void **state)
{
	(void)state;
	take_text(
		"CEF:0|Other \\| Co|Door|1|42|Door opened|9|src=192.0.2.1 suser=x foo=bar msg=m");
	assert_int_equal(row->kind, LOG_KIND_DEVICE);
	assert_member("source.ip", "192.0.2.1");
	assert_member("observer.vendor", "Other \\| Co");
	assert_member("event.code", "42");
	assert_member("toms.cef.extension.foo", "bar");
	assert_member("fortinet.firewall.foo", "(none)");
	/* strokes alone make no CEF */
	take_text("<13>Nov 22 14:05:06 pc1 1|2|3");
	assert_int_equal(row->format, LOG_FORMAT_PLAIN);
}

static void json_is_read_key_by_key(void **state)
{
	(void)state;
	take_text(
		"<189>{\"date\":\"2026-11-22\", \"time\":\"14:05:06\",\"logid\":\"0000000013\",\"srcport\":51234,\"srcip\":"
		"\"192.0.2.1\",\"msg\":\"a \\\"b\\\" \\u65e5\\u672c \\ud83d\\ude00\",\"x\":{\"y\":[1,\"}\"]},\"n\":null,\"t\":true,\"a.b\":1,"
		"\"a\":2,\"srcip\":\"8.8.8.8\"}");
	assert_int_equal(row->format, LOG_FORMAT_JSON);
	assert_int_equal(row->src_port, 51234);
	assert_member("source.ip", "192.0.2.1");
	assert_member("message", "a \"b\" \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80");
	assert_member("fortinet.firewall.x", "{\"y\":[1,\"}\"]}");
	assert_member("fortinet.firewall.t", "true");
	assert_member("fortinet.firewall.n", "");
	assert_int_equal(row->problem, LOG_PROBLEM_NONE);
	/* what an escape stands for is cleaned as the bytes of a line are */
	take_text("{\"logid\":\"1\",\"user\":\"a\\u0000\\nb\\u001b\"}");
	assert_true(str_utf8_valid(str_of(row->user)));
	assert_null(strpbrk(row->user, "\n\x1b"));
	assert_int_equal(row->user[strlen(row->user) - 1] & 0x80, 0x80);
	take_text("{\"logid\":\"1\",\"srcip\":\"192.0.2.1\",\"msg\":\"cut he");
	assert_member("source.ip", "192.0.2.1");
	assert_member("message", "cut he");
	assert_int_equal(row->problem, LOG_PROBLEM_CUT);
}

static void no_escape_brings_control_characters_into_a_column(void **state)
{
	(void)state;
	take_text(
		"<189>{\"devid\":\"F\\u001b[2J\",\"devname\":\"a\\u0007\\nb\\u202e\",\"type\":\"event\",\"subtype\":\"system\"}");
	for (const char *p = row->serial; *p; p++)
		assert_true((unsigned char)*p >= ' ');
	for (const char *p = row->host; *p; p++)
		assert_true((unsigned char)*p >= ' ');
	assert_true(row->host[0] == 'a' && row->serial[0] == 'F');
	take_text("<189>" CEF "dvchost=a\\nb deviceExternalId=F\\r1");
	assert_null(strchr(row->host, '\n'));
	assert_null(strchr(row->serial, '\r'));
	/* Cut where the column ends, but not within a character. */
	take_text(
		"<189>{\"devid\":\"F\",\"type\":\"event\",\"subtype\":\"system\",\"devname\":\"123456789 123456789 123456789 123456789 123456789 123456789 12\\u00e9\\u00e9\"}");
	assert_true(str_utf8_valid(str_of(row->host)));
}

static void structured_data_holds_fields_where_the_message_has_none(void **state)
{
	(void)state;
	take_text(
		"<189>1 2026-11-22T14:05:06Z fw_1 - - - [fgt@12356 logid=\"0000000013\" srcip=\"192.0.2.1\" msg=\"a \\] b\"]");
	assert_int_equal(row->format, LOG_FORMAT_RFC5424);
	assert_member("source.ip", "192.0.2.1");
	assert_member("message", "a ] b");
	assert_string_equal(row->host, "fw_1");
	take_text("<189>1 2026-11-22T14:05:06Z fw_1 - - - [meta seq=\"1\"] " ID
		  "srcip=192.0.2.2");
	assert_int_equal(row->format, LOG_FORMAT_KV);
	assert_member("source.ip", "192.0.2.2");
}

static void a_line_with_endless_fields_is_read_up_to_a_limit(void **state)
{
	static char line[LOG_LINE_MAX];
	size_t n = (size_t)snprintf(line, sizeof(line), ID);

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "k%u=v ", i);
	take(line, n);
	assert_int_equal(n_fields, LINE_FIELDS_MAX);
	assert_int_equal(row->problem, LOG_PROBLEM_TOO_MANY_FIELDS);
}

static void every_body_may_end_anywhere(void **state)
{
	(void)state;
	take_prefixes(
		"<189>" ID
		"srcip=10.1.1.1 dstip=authid=\"x\" url=\"http://u@h.example:80/p?q=\\\"1\\\"\" service=\"HTTP\" "
		"duration=5 sentbyte=1 rcvdbyte=2 sentdelta=1 proto=6");
	take_prefixes(
		"<189>date=2026-11-22,time=14:45:26,logid=\"1\",user=\"b \"\"x\"\"\",bare=a,b c,msg=\"D, e\"");
	take_prefixes(
		"<189>" CEF
		"cat=utm:dlp FTNTFGTcat=26 cn1=7 cn1Label=Duration suser=a duser=b msg=x \\= y request=/a?b\\=c");
	take_prefixes(
		"{\"logid\":\"1\",\"a\\u00e9\\ud83d\\ude00\":{\"b\":[\"]\"]},\"srcip\":\"192.0.2.1\",\"n\":-1.5e3,\"t\":null}");
	take_prefixes("<189>1 - - - - - [f logid=\"1\" a=\"b\\\"c\"][f a=\"b\" a=\"c\"][g]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_blanks_and_escapes_of_the_default_format),
		cmocka_unit_test(text_inside_quotes_is_never_a_field),
		cmocka_unit_test(what_devices_get_wrong_costs_no_other_field),
		cmocka_unit_test(unquoted_lines_of_fortios_5_are_the_same),
		cmocka_unit_test(csv_has_commas_and_doubled_quotes),
		cmocka_unit_test(cef_is_read_with_prefixes_of_both_ages_and_without_its_name),
		cmocka_unit_test(cef_of_another_vendor_is_a_device_with_addresses),
		cmocka_unit_test(json_is_read_key_by_key),
		cmocka_unit_test(no_escape_brings_control_characters_into_a_column),
		cmocka_unit_test(structured_data_holds_fields_where_the_message_has_none),
		cmocka_unit_test(a_line_with_endless_fields_is_read_up_to_a_limit),
		cmocka_unit_test(every_body_may_end_anywhere),
	};

	return cmocka_run_group_tests_name("bodies of lines", tests, NULL, drop_row);
}
