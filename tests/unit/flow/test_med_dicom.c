/* DICOM associations as flows carry them: what is known of the equipment, and nothing of
 * patients. */
#include "med.h"

static const struct gen_equipment ct = { "CT",
					 "GE MEDICAL SYSTEMS",
					 "Revolution EVO",
					 "SN-CT-4711",
					 "revo_ct_21b.30",
					 "CT01",
					 "CT01",
					 UID_CT };
static const char *const ct_sops[] = { UID_VERIFICATION, UID_CT, UID_WORKLIST,
				       "1.2.392.200036.9107.99", NULL };
static const uint8_t ct_results[] = { 0, 0, 3, 4 };
#define INSTANCE "1.2.840.113619.2.55.1.20261121.1"

static struct gen_patient hanako(void)
{
	struct gen_patient p = { &gen_names[0], "40719301", "19410307", 'F' };
	return p;
}

static void open_association(struct talk *t)
{
	dicom_request(talk_turn(t, 0), "CT01", "PACS1", ct_sops, "1.2.840.113619.6.380",
		      "GE_REVO_21", NULL);
	dicom_accept(talk_turn(t, 1), "CT01", "PACS1", ct_results, 4, UID_EXPLICIT,
		     "1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367");
}

static void store(struct talk *t, bool explicit_vr, size_t pdu_bytes)
{
	struct gen_patient who = hanako();
	struct gen image = { NULL, 0, 0 };
	struct gen *g = talk_turn(t, 0);
	dicom_image(&image, &ct, &who, INSTANCE, explicit_vr, 600);
	dicom_command(g, 3, 1, UID_CT, INSTANCE, true);
	dicom_data(g, 3, 0, image.p, image.n, pdu_bytes);
	dicom_command(talk_turn(t, 1), 3, 0x8001, UID_CT, INSTANCE, false);
	gen_free(&image);
}

static void an_association_names_both_ends_and_their_makers(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	char f[DISSECT_FACTS_MAX];
	open_association(&t);
	talk_end(&t);
	assert_true(dissect_tcp_begins(t.bytes.p, t.bytes.n));
	assert_int_equal(talk_feed(&t, &d, 1448), DISSECT_RECOGNISED);
	assert_string_equal(dissect_proto(&d), "dicom");
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has(f, "\"calling_ae\":\"CT01\",\"called_ae\":\"PACS1\"");
	assert_has(
		f,
		"\"requestor_version\":\"GE_REVO_21\",\"acceptor_version\":\"OFFIS_DCMTK_367\"");
	assert_has(f, "\"requestor_class\":\"1.2.840.113619.6.380\"");
	assert_has(
		f,
		"\"sop_classes\":[\"Verification\",\"CT Image Storage\",\"Modality Worklist FIND\","
		"\"1.2.392.200036.9107.99\"]");
	assert_has(
		f,
		"\"refused\":[\"Modality Worklist FIND: abstract syntax\",\"another class: transfer syntax\"]");
	assert_has_not(f, "{,");
	assert_any_split(&t);
	talk_free(&t);
}

static void a_stored_image_names_the_equipment_and_nobody_else(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct talk t = { 0 };
		struct dissect d;
		struct gen_patient who = hanako();
		char f[DISSECT_FACTS_MAX];
		open_association(&t);
		store(&t, i & 1, i < 2 ? 16000 : i < 4 ? 101 : 3);
		talk_end(&t);
		assert_int_equal(talk_feed(&t, &d, 1448), DISSECT_FINISHED);
		(void)dissect_facts(&d, f, sizeof(f));
		assert_has(
			f,
			"{\"modality\":[\"CT\"],\"manufacturer\":\"GE MEDICAL SYSTEMS\",\"model\":\"Revolution EVO\","
			"\"serial\":\"SN-CT-4711\",\"software\":\"revo_ct_21b.30\",\"station\":\"CT01\",");
		assert_no_patient(&d, &who);
		assert_any_split(&t);
		talk_free(&t);
	}
}

static void no_trace_of_the_patient_is_there_at_any_moment(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	struct gen_patient who = hanako();
	open_association(&t);
	store(&t, true, 16000);
	talk_end(&t);
	dissect_init(&d);
	for (size_t i = 0; i < t.n; i++)
		for (size_t at = t.turns[i].from; at < t.turns[i].to; at++) {
			(void)dissect_tcp(&d, t.turns[i].side, t.bytes.p + at, 1);
			assert_no_patient(&d, &who);
		}
	talk_free(&t);
}

static void a_worklist_and_its_patients_are_not_opened(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	struct gen_patient who = hanako();
	struct gen line = { NULL, 0, 0 };
	char f[DISSECT_FACTS_MAX];
	open_association(&t);
	dicom_worklist(&line, &ct, &who);
	struct gen *g = talk_turn(&t, 0);
	dicom_command(g, 5, 0x20, UID_WORKLIST, NULL, true);
	dicom_data(g, 5, 0, line.p, line.n, 16000);
	g = talk_turn(&t, 1);
	dicom_command(g, 5, 0x8020, UID_WORKLIST, NULL, true);
	dicom_data(g, 5, 0, line.p, line.n, 16000);
	dicom_release(talk_turn(&t, 0), 5);
	dicom_release(talk_turn(&t, 1), 6);
	talk_end(&t);
	assert_int_equal(talk_feed(&t, &d, 300), DISSECT_FINISHED);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has(f,
		   "\"commands\":[\"C-FIND\"],\"used_classes\":[\"Modality Worklist FIND\"]");
	assert_no_patient(&d, &who);
	assert_any_split(&t);
	gen_free(&line);
	talk_free(&t);
}

static void the_middle_of_an_association_is_known_by_its_commands(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	struct gen_patient who = hanako();
	char f[DISSECT_FACTS_MAX];
	store(&t, false, 16000);
	talk_end(&t);
	assert_int_equal(talk_feed(&t, &d, 1448), DISSECT_RECOGNISED);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has(f, "\"model\":\"Revolution EVO\"");
	assert_has(f, "\"used_classes\":[\"CT Image Storage\"]");
	assert_no_patient(&d, &who);
	assert_any_split(&t);
	talk_free(&t);
}

static void a_rejection_and_an_abort_say_why(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	char f[DISSECT_FACTS_MAX];
	dicom_request(talk_turn(&t, 0), "US07", "ARCHIVE", ct_sops, "1.2.3", "V",
		      "yamada_hanako");
	dicom_refuse(talk_turn(&t, 1), 3, 1, 1, 7);
	talk_end(&t);
	assert_int_equal(talk_feed(&t, &d, 9), DISSECT_FINISHED);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has(f, "\"reject\":\"called AE title not recognized\"");
	assert_has_not(f, "yamada");
	assert_null(memmem(&d, sizeof(d), "yamada", 6));
	assert_null(memmem(&d, sizeof(d), "secret", 6));
	assert_any_split(&t);
	talk_free(&t);

	open_association(&t);
	dicom_refuse(talk_turn(&t, 1), 7, 0, 2, 1);
	talk_end(&t);
	assert_int_equal(talk_feed(&t, &d, 9), DISSECT_FINISHED);
	(void)dissect_facts(&d, f, sizeof(f));
	assert_has(f, "\"abort\":\"unrecognized PDU\"");
	talk_free(&t);
}

static void a_gap_loses_its_side_only(void **state)
{
	(void)state;
	struct talk t = { 0 };
	struct dissect d;
	open_association(&t);
	talk_end(&t);
	assert_int_equal(talk_feed(&t, &d, 1448), DISSECT_RECOGNISED);
	assert_int_equal(dissect_gap(&d, 0), DISSECT_RECOGNISED);
	assert_int_equal(dissect_tcp(&d, 0, (const uint8_t *)"\x99\x99", 2),
			 DISSECT_RECOGNISED);
	assert_int_equal(dissect_gap(&d, 1), DISSECT_FINISHED);
	dissect_init(&d);
	assert_int_equal(dissect_tcp(&d, 0, t.bytes.p, 20), DISSECT_LOOKING);
	assert_int_equal(dissect_gap(&d, 0), DISSECT_NOT_MEDICAL);
	talk_free(&t);
}

static void what_only_begins_alike_is_turned_away(void **state)
{
	(void)state;
	static const struct {
		size_t n;
		const char *bytes;
	} others[] = {
		{ 6, "\x01\0\0\0\0\0" },     /* Cassandra's first bytes, and many others' */
		{ 6, "\x02\0\0\0\0\x04" },   /* too short for an association */
		{ 6, "\x04\x01\0\0\0\x20" }, /* reserved byte in use */
		{ 14, "\x04\0\0\0\0\x10\0\0\0\x0c\x02\0\0\0" }, /* even presentation context */
		{ 16, "\x04\0\0\0\0\x10\0\0\0\x0c\x01\x01\0\0\0\1" }, /* no command */
		{ 30,
		  "\x01\0\0\0\0\x80\0\1\0\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14" },
	};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct dissect d;
		dissect_init(&d);
		assert_int_equal(dissect_tcp(&d, 0, (const uint8_t *)others[i].bytes,
					     others[i].n),
				 DISSECT_NOT_MEDICAL);
		assert_string_equal(dissect_proto(&d), "");
	}
	assert_false(dissect_tcp_begins((const uint8_t *)"GET /", 5));
	assert_false(dissect_tcp_begins((const uint8_t *)"\x16\x03\x01", 3));
	assert_false(dissect_tcp_begins((const uint8_t *)"SSH-2.0", 7));
}

static void a_lying_length_ends_the_reading_and_keeps_nothing(void **state)
{
	(void)state;
	struct gen_patient who = hanako();
	struct talk t = { 0 };
	open_association(&t);
	store(&t, true, 16000);
	talk_end(&t);
	for (size_t at = 0; at < t.bytes.n; at++) {
		struct dissect d;
		uint8_t was = t.bytes.p[at];
		static const uint8_t lies[] = { 0x00, 0xff, 0x08, 0x41 };
		for (size_t i = 0; i < sizeof(lies); i++) {
			t.bytes.p[at] = lies[i];
			(void)talk_feed(&t, &d, 1448);
			assert_no_patient(&d, &who);
		}
		t.bytes.p[at] = was;
	}
	talk_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_association_names_both_ends_and_their_makers),
		cmocka_unit_test(a_stored_image_names_the_equipment_and_nobody_else),
		cmocka_unit_test(no_trace_of_the_patient_is_there_at_any_moment),
		cmocka_unit_test(a_worklist_and_its_patients_are_not_opened),
		cmocka_unit_test(the_middle_of_an_association_is_known_by_its_commands),
		cmocka_unit_test(a_rejection_and_an_abort_say_why),
		cmocka_unit_test(a_gap_loses_its_side_only),
		cmocka_unit_test(what_only_begins_alike_is_turned_away),
		cmocka_unit_test(a_lying_length_ends_the_reading_and_keeps_nothing),
	};
	return cmocka_run_group_tests_name("flow: DICOM", tests, NULL, NULL);
}
