/* BACnet/IP: controllers that name themselves. */
#include "med.h"

/* Forwarded by a router: network 2001, Who-Is answered with I-Am of device 110203, vendor 82.
 */
static const uint8_t i_am[] = { 0x81, 0x0b, 0x00, 0x1c, 0x01, 0x28, 0xff, 0xff, 0x00, 0x07,
				0xd1, 0x01, 0x21, 0xff, 0x10, 0x00, 0xc4, 0x02, 0x01, 0xae,
				0x7b, 0x22, 0x01, 0xe0, 0x91, 0x03, 0x21, 0x52 };
static const uint8_t who_is[] = { 0x81, 0x0b, 0x00, 0x08, 0x01, 0x00, 0x10, 0x08 };
static const uint8_t read_model[] = { 0x81, 0x0a, 0x00, 0x11, 0x01, 0x04, 0x00, 0x05, 0x01,
				      0x0c, 0x0c, 0x02, 0x01, 0xae, 0x7b, 0x19, 0x46 };
static const uint8_t model[] = { 0x81, 0x0a, 0x00, 0x1c, 0x01, 0x00, 0x30, 0x01, 0x0c, 0x0c,
				 0x02, 0x01, 0xae, 0x7b, 0x19, 0x46, 0x3e, 0x75, 0x08, 0x00,
				 'A',  'E',  '-',  '2',  '0',  '0',  'J',  0x3f };

static void a_controller_says_who_it_is(void **state)
{
	(void)state;
	struct dissect d;
	char f[DISSECT_FACTS_MAX];
	dissect_init(&d);
	assert_true(dissect_udp_begins(who_is, sizeof(who_is)));
	assert_int_equal(dissect_udp(&d, 0, who_is, sizeof(who_is)), DISSECT_RECOGNISED);
	assert_int_equal(dissect_udp(&d, 1, i_am, sizeof(i_am)), DISSECT_RECOGNISED);
	assert_int_equal(dissect_udp(&d, 0, read_model, sizeof(read_model)),
			 DISSECT_RECOGNISED);
	assert_int_equal(dissect_udp(&d, 1, model, sizeof(model)), DISSECT_RECOGNISED);
	assert_string_equal(dissect_proto(&d), "bacnet");
	(void)dissect_facts(&d, f, sizeof(f));
	assert_string_equal(
		f,
		"{\"device_instance\":110203,\"vendor\":\"Mitsubishi Electric\",\"vendor_id\":82,"
		"\"model\":\"AE-200J\",\"said_by\":\"destination\",\"max_apdu\":480,\"network\":2001,"
		"\"services\":[\"Who-Is\",\"I-Am\",\"ReadProperty\"],\"device_instances\":[110203]}");
}

static void every_prefix_and_every_wrong_byte_is_survived(void **state)
{
	(void)state;
	static const struct {
		const uint8_t *p;
		size_t n;
	} good[] = { { i_am, sizeof(i_am) },
		     { who_is, sizeof(who_is) },
		     { read_model, sizeof(read_model) },
		     { model, sizeof(model) } };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		for (size_t n = 0; n <= good[i].n; n++)
			for (unsigned b = 0; b < 256; b += 5) {
				struct dissect d;
				uint8_t *copy = malloc(n + 1);
				assert_non_null(copy);
				memcpy(copy, good[i].p, n);
				if (n > 4) {
					copy[3] =
						(uint8_t)n; /* a whole message of that length */
					copy[4 + (b * 7) % (n - 4)] = (uint8_t)b;
				}
				dissect_init(&d);
				copy = realloc(copy, n ? n : 1);
				enum dissect_answer a = dissect_udp(&d, 0, copy, n);
				assert_true(a == DISSECT_RECOGNISED ||
					    a == DISSECT_NOT_MEDICAL || n == 0);
				free(copy);
			}
}

static void what_only_begins_alike_is_turned_away(void **state)
{
	(void)state;
	static const uint8_t short_one[] = { 0x81, 0x0a, 0x00, 0x09, 0x01, 0x00, 0x10, 0x08 };
	static const uint8_t version_2[] = { 0x81, 0x0a, 0x00, 0x08, 0x02, 0x00, 0x10, 0x08 };
	static const uint8_t hl7_port[] = { 0x82, 0x0a, 0x00, 0x04 };
	struct dissect d;
	assert_false(dissect_udp_begins(short_one, sizeof(short_one)));
	assert_false(dissect_udp_begins(hl7_port, sizeof(hl7_port)));
	dissect_init(&d);
	assert_int_equal(dissect_udp(&d, 0, version_2, sizeof(version_2)), DISSECT_NOT_MEDICAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_controller_says_who_it_is),
		cmocka_unit_test(every_prefix_and_every_wrong_byte_is_survived),
		cmocka_unit_test(what_only_begins_alike_is_turned_away),
	};
	return cmocka_run_group_tests_name("flow: BACnet", tests, NULL, NULL);
}
