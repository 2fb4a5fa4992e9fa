/* HL7 v2 over MLLP: applications and devices are known, patients pass by. */
#include "med.h"

static struct gen_patient hanako(void)
{
	struct gen_patient p = { &gen_names[0], "40719301", "19410307", 'F' };
	return p;
}

static void ward(struct talk *t)
{
	struct gen_patient who = hanako();
	struct gen *g = talk_turn(t, 0);
	hl7_adt(g, &who, 1);
	hl7_ack(talk_turn(t, 1), "ENGINE", "HIS", "AA", 1);
	g = talk_turn(t, 0);
	hl7_orm(g, &who, 2);
	hl7_oru(g, &who, "B450", "00105DFFFE010231", "(01)04049098000123(21)BM450-77",
		"BM450-77", 3);
	hl7_ack(talk_turn(t, 1), "ENGINE", "HIS", "AE", 2);
	talk_end(t);
}

static void a_connection_names_applications_messages_and_devices(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	struct gen_patient who = hanako();
	char f[DISSECT_FACTS_MAX];
	ward(&t);
	assert_true(dissect_tcp_begins(t.bytes.p, t.bytes.n));
	assert_int_equal(talk_feed(&t, &d, 100), DISSECT_RECOGNISED);
	assert_string_equal(dissect_proto(&d), "hl7");
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has(
		f,
		"{\"device\":[\"B450^^00105DFFFE010231^EUI-64\"],\"udi\":[\"(01)04049098000123(21)BM450-77\"],"
		"\"serial\":[\"BM450-77\"],\"lot\":[\"LOT77\"],\"made\":[\"20240401\"],\"expires\":[\"20341231\"],"
		"\"device_type\":[\"55425^Monitor^GMDN\"],");
	assert_has(f, "\"sending_application\":[\"HIS\",\"B450\"]");
	assert_has(f, "\"sending_facility\":[\"MADEUP\",\"ICU\"]");
	assert_has(f, "\"receiving_application\":[\"ENGINE\",\"RIS\"]");
	assert_has(f, "\"message_type\":[\"ADT^A08\",\"ACK\",\"OMI^O23\",\"ORU^R01\"]");
	assert_has_not(f, "W0000");
	assert_no_patient(&d, &who);
	assert_any_split(&t);
	talk_free(&t);
}

static void no_trace_of_the_patient_is_there_at_any_moment(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	struct gen_patient who = hanako();
	ward(&t);
	dissect_init(&d);
	for (size_t i = 0; i < t.n; i++)
		for (size_t at = t.turns[i].from; at < t.turns[i].to; at++) {
			(void)dissect_tcp(&d, t.turns[i].side, t.bytes.p + at, 1);
			assert_no_patient(&d, &who);
		}
	talk_free(&t);
}

static void feed_text(struct dissect *d, const char *text, size_t n)
{
	dissect_init(d);
	(void)dissect_tcp(d, 0, (const uint8_t *)text, n);
}

static void separators_are_those_that_the_message_declares(void **state)
{
	(void)state;
	static const char message[] =
		"\x0bMSH!*-/+!LAB/F/SYS*x!SITE!!!20260101!!ORU*R01!1!P!2.8!\r"
		"OBX!1!NM!a!!1!!!!!!F!!!!!!!AN-550*N*0011*EUI-64-XN/S/1\r\x1c\r";
	struct dissect d;
	char f[DISSECT_FACTS_MAX];
	feed_text(&d, message, sizeof(message) - 1);
	assert_int_equal(d.answer, DISSECT_RECOGNISED);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_string_equal(
		f,
		"{\"device\":[\"AN\",\"550*N*0011*EUI\",\"64\",\"XN*1\"],\"sending_application\":[\"LAB!SYS\"],"
		"\"sending_facility\":[\"SITE\"],\"message_type\":[\"ORU^R01\"],\"version\":[\"2.8\"]}");
}

/* In Shift_JIS the second byte of a letter may be '|': the field count cannot be trusted behind
 * it. */
static void a_segment_in_an_unknown_script_is_not_believed(void **state)
{
	(void)state;
	static const char sjis[] =
		"\x0bMSH|^~\\&|A|B|C|D|1||ORU^R01|1|P|2.5\r"
		"OBX|1|TX|a||\x83|\x83|\x83|\x83|\x83|\x83|\x83|\x83|\x83|\x83|\x83|\x83|\x83|YAMADA HANAKO|||\r"
		"\x1c\r";
	static const char utf8[] =
		"\x0bMSH|^~\\&|A|B|C|D|1||ORU^R01|1|P|2.5||||||UNICODE UTF-8\r"
		"OBX|1|TX|a||\xe5\xb1\xb1||||||F|||||||DEV-1\r\x1c\r";
	struct dissect d;
	char f[DISSECT_FACTS_MAX];
	feed_text(&d, sjis, sizeof(sjis) - 1);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has_not(f, "YAMADA");
	assert_has(f, "ORU^R01");
	feed_text(&d, utf8, sizeof(utf8) - 1);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has(f, "\"device\":[\"DEV-1\"]");
}

static void messages_without_the_lower_layer_are_known_too(void **state)
{
	(void)state;
	static const char bare[] = "MSH|^~\\&|LIS|LAB|HIS||20260101||QRY^A19|7|P|2.3\rQRD|x\r";
	struct dissect d;
	char f[DISSECT_FACTS_MAX];
	feed_text(&d, bare, sizeof(bare) - 1);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_string_equal(
		f,
		"{\"sending_application\":[\"LIS\"],\"sending_facility\":[\"LAB\"],"
		"\"receiving_application\":[\"HIS\"],\"message_type\":[\"QRY^A19\"],\"version\":[\"2.3\"]}");
}

static void what_only_begins_alike_is_turned_away(void **state)
{
	(void)state;
	static const char *const others[] = { "\x0b\x0d",
					      "MAIL FROM:<a@b>\r\n",
					      "MSG hello",
					      "\x0bMSHabcdefgh",
					      "MSH||||",
					      "\x0b\x01\x02",
					      "M-SEARCH * HTTP/1.1\r\n",
					      "MSH|^~\r" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct dissect d;
		feed_text(&d, others[i], strlen(others[i]));
		assert_int_equal(d.answer, DISSECT_NOT_MEDICAL);
	}
}

static void after_a_gap_the_next_message_is_read_and_no_half_one(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	struct gen_patient who = hanako();
	char f[DISSECT_FACTS_MAX];
	struct gen *g = talk_turn(&t, 0);
	hl7_adt(g, &who, 1);
	size_t first = g->n;
	hl7_oru(g, &who, "B450", "00105DFFFE010231", NULL, NULL, 2);
	dissect_init(&d);
	(void)dissect_tcp(&d, 0, g->p, 150);
	assert_int_equal(dissect_gap(&d, 0), DISSECT_RECOGNISED);
	(void)dissect_tcp(&d, 0, g->p + 230, first - 230);
	assert_no_patient(&d, &who);
	(void)dissect_tcp(&d, 0, g->p + first, g->n - first);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has(f, "\"device\":[\"B450^^00105DFFFE010231^EUI-64\"]");
	assert_no_patient(&d, &who);
	talk_free(&t);
}

static void too_many_facts_leave_a_complete_object(void **state)
{
	(void)state;
	struct gen g = { NULL, 0, 0 };
	struct dissect d;
	char f[DISSECT_FACTS_MAX];
	for (unsigned i = 0; i < 60; i++) {
		gen_fmt(&g,
			"\x0bMSH|^~\\&|APP%02u_%050u|FAC%02u_%050u|TO%02u_%050u||1||ORU^R%02u|1|P|2.%u\r",
			i, i, i, i, i, i, i % 90, i % 9);
		gen_fmt(&g, "OBX|1|NM|a||1||||||F|||||||\"DEV\\E\\%02u_%050u\r\x1c\r", i, i);
	}
	feed_text(&d, (const char *)g.p, g.n);
	size_t n = dissect_facts(&d, f, sizeof(f));
	assert_in_range(n, 100, sizeof(f) - 1);
	assert_int_equal(strlen(f), n);
	assert_int_equal(f[n - 1], '}');
	for (size_t cap = 0; cap < sizeof(f); cap++) {
		n = dissect_facts(&d, f, cap);
		assert_true(!cap || n < cap);
		assert_true(!n || f[n - 1] == '}');
	}
	gen_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_names_applications_messages_and_devices),
		cmocka_unit_test(no_trace_of_the_patient_is_there_at_any_moment),
		cmocka_unit_test(separators_are_those_that_the_message_declares),
		cmocka_unit_test(a_segment_in_an_unknown_script_is_not_believed),
		cmocka_unit_test(messages_without_the_lower_layer_are_known_too),
		cmocka_unit_test(what_only_begins_alike_is_turned_away),
		cmocka_unit_test(after_a_gap_the_next_message_is_read_and_no_half_one),
		cmocka_unit_test(too_many_facts_leave_a_complete_object),
	};
	return cmocka_run_group_tests_name("flow: HL7", tests, NULL, NULL);
}
