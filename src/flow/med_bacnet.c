/* BACnet/IP: air conditioning, power and building controllers that name themselves. One call a
 * datagram. Thread: flow/N.
 *
 * Source: ANSI/ASHRAE 135: annex J (virtual link), clause 6.2 (network layer), clause 20.1
 * (APDUs), 20.2 (encoding), clause 16.10 (Who-Is, I-Am), 15.5 (ReadProperty), clause 23 and the
 * vendor list of the BACnet committee.
 *
 * Kept of an I-Am: the device's instance, vendor and limits. Kept of an answer to ReadProperty:
 * model, firmware and vendor of a device object. Values of points are not read.
 */
#include <string.h>

#include "tomsd/base/rd.h"

#include "med.h"

enum field {
	INSTANCE,
	VENDOR,
	VENDOR_ID,
	MODEL,
	FIRMWARE,
	SAID_BY,
	MAX_APDU,
	NETWORK,
	SERVICES,
	OTHERS
};

const struct fact_field med_bacnet_fields[] = {
	[INSTANCE] = { "device_instance", FACT_NUMBER, 0 },
	[VENDOR] = { "vendor", FACT_TEXT, 0 },
	[VENDOR_ID] = { "vendor_id", FACT_NUMBER, 0 },
	[MODEL] = { "model", FACT_TEXT, 0 },
	[FIRMWARE] = { "firmware", FACT_TEXT, 0 },
	[SAID_BY] = { "said_by", FACT_TEXT, 0 },
	[MAX_APDU] = { "max_apdu", FACT_NUMBER, 0 },
	[NETWORK] = { "network", FACT_NUMBER, 0 },
	[SERVICES] = { "services", FACT_LIST, 8 },
	[OTHERS] = { "device_instances", FACT_NUMBERS, 12 },
	{ NULL, 0, 0 },
};

static const struct vendor {
	uint16_t id;
	const char *name;
} vendors[] = {
	{ 0, "ASHRAE" },
	{ 2, "Trane" },
	{ 3, "Daikin Applied Americas" },
	{ 5, "Johnson Controls" },
	{ 7, "Siemens" },
	{ 8, "Delta Controls" },
	{ 9, "Siemens" },
	{ 10, "Schneider Electric" },
	{ 16, "Carrier" },
	{ 17, "Honeywell" },
	{ 18, "Alerton" },
	{ 24, "Automated Logic" },
	{ 28, "KMC Controls" },
	{ 31, "Tokimec" },
	{ 35, "Reliable Controls" },
	{ 36, "Tridium" },
	{ 39, "Kieback & Peter" },
	{ 53, "Daikin Industries" },
	{ 80, "Sauter" },
	{ 81, "Matsushita Electric Works" },
	{ 82, "Mitsubishi Electric" },
	{ 83, "Mitsubishi Heavy Industries" },
	{ 85, "Yamatake Building Systems" },
	{ 89, "Saia-Burgess" },
	{ 90, "Hitachi" },
	{ 92, "Mitsubishi Electric Lighting" },
	{ 98, "Toshiba" },
	{ 99, "Mitsubishi Electric Air Conditioning" },
	{ 112, "Fujitsu" },
	{ 113, "Vertiv" },
	{ 127, "ABB" },
	{ 129, "Toshiba Carrier" },
	{ 144, "Fujitsu General" },
	{ 173, "Mitsubishi Electric Building Techno-Service" },
	{ 178, "LOYTEC" },
	{ 196, "Yokogawa" },
	{ 222, "WAGO" },
	{ 226, "Phoenix Contact" },
	{ 245, "Contemporary Controls" },
	{ 284, "Belimo" },
	{ 302, "Hitachi Appliances" },
	{ 313, "Siemens Industry" },
	{ 332, "Distech Controls" },
	{ 364, "Distech Controls" },
	{ 399, "Toshiba Lighting" },
	{ 415, "Beckhoff" },
	{ 434, "Mitsubishi Electric" },
	{ 450, "Hitachi" },
	{ 700, "Fuji Electric" },
	{ 1141, "Hitachi-Johnson Controls Air Conditioning" },
};

static const struct service {
	uint8_t code;
	const char *name;
} confirmed[] = {
	{ 5, "SubscribeCOV" },
	{ 6, "AtomicReadFile" },
	{ 7, "AtomicWriteFile" },
	{ 12, "ReadProperty" },
	{ 14, "ReadPropertyMultiple" },
	{ 15, "WriteProperty" },
	{ 16, "WritePropertyMultiple" },
	{ 17, "DeviceCommunicationControl" },
	{ 20, "ReinitializeDevice" },
	{ 26, "ReadRange" },
}, unconfirmed[] = {
	{ 0, "I-Am" },
	{ 1, "I-Have" },
	{ 2, "UnconfirmedCOVNotification" },
	{ 6, "TimeSynchronization" },
	{ 7, "Who-Has" },
	{ 8, "Who-Is" },
};

enum bvlc {
	BVLC_RESULT,
	BVLC_FORWARDED = 0x04,
	BVLC_REGISTER = 0x05,
	BVLC_DISTRIBUTE = 0x09,
	BVLC_UNICAST = 0x0a,
	BVLC_BROADCAST = 0x0b
};
enum apdu { APDU_CONFIRMED, APDU_UNCONFIRMED, APDU_SIMPLE_ACK, APDU_COMPLEX_ACK };
enum property { PROP_FIRMWARE = 44, PROP_MODEL = 70, PROP_VENDOR = 121 };
#define SERVICE_I_AM 0
#define SERVICE_READ_PROPERTY 12
#define OBJECT_DEVICE 8
#define INSTANCE_MASK 0x3fffffu

static const char *service_name(const struct service *table, size_t n, uint8_t code)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].code == code)
			return table[i].name;
	return NULL;
}

static const char *vendor_name(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
		if (vendors[i].id == id)
			return vendors[i].name;
	return NULL;
}

/* Header of an encoded value, clause 20.2.1: its tag octet without the length, and its bytes.
 */
static uint8_t tag_begin(struct rd *r, uint32_t *bytes)
{
	uint8_t b = rd_u8(r);
	*bytes = b & 7;
	if (*bytes == 5) {
		*bytes = rd_u8(r);
		if (*bytes == 254)
			*bytes = rd_u16(r);
		else if (*bytes == 255)
			*bytes = rd_u32(r);
	}
	return b & 0xf8;
}

/* An unsigned, enumerated or object identifier with this tag; the cursor turns bad if it is
 * another. */
static uint32_t tagged_number(struct rd *r, uint8_t tag)
{
	uint32_t bytes, v = 0;
	if (tag_begin(r, &bytes) != tag || bytes < 1 || bytes > 4)
		r->bad = true;
	while (rd_ok(r) && bytes--)
		v = v << 8 | rd_u8(r);
	return v;
}

#define TAG_UNSIGNED 0x20 /* application tag 2 */
#define TAG_ENUM 0x90
#define TAG_OBJECT 0xc0
#define TAG_CONTEXT(n) (uint8_t)((n) << 4 | 8)

static void device_vendor(struct dissect *d, uint32_t id)
{
	const char *name = vendor_name(id);
	facts_number(&d->facts, med_bacnet_fields, VENDOR_ID, id);
	if (name)
		facts_word(&d->facts, med_bacnet_fields, VENDOR, name);
}

static void i_am(struct dissect *d, unsigned side, struct rd *r)
{
	uint32_t object = tagged_number(r, TAG_OBJECT);
	uint32_t max_apdu = tagged_number(r, TAG_UNSIGNED);
	(void)tagged_number(r, TAG_ENUM); /* segmentation */
	uint32_t vendor = tagged_number(r, TAG_UNSIGNED);
	if (!rd_ok(r) || object >> 22 != OBJECT_DEVICE)
		return;
	uint32_t instance = object & INSTANCE_MASK;
	bool first = !facts_have(&d->facts, INSTANCE);
	facts_number(&d->facts, med_bacnet_fields, OTHERS, instance);
	if (!first)
		return; /* a gateway for several: the first is described, all are listed */
	facts_number(&d->facts, med_bacnet_fields, INSTANCE, instance);
	facts_number(&d->facts, med_bacnet_fields, MAX_APDU, max_apdu);
	facts_word(&d->facts, med_bacnet_fields, SAID_BY, side ? "destination" : "source");
	device_vendor(d, vendor);
}

/* Object, property, then the value between opening and closing tag 3: a character string in
 * UTF-8. */
static void property_value(struct dissect *d, struct rd *r)
{
	uint32_t object = tagged_number(r, TAG_CONTEXT(0));
	uint32_t property = tagged_number(r, TAG_CONTEXT(1)), bytes;
	uint8_t opening = rd_u8(r), tag = tag_begin(r, &bytes), set = rd_u8(r);
	if (!rd_ok(r) || object >> 22 != OBJECT_DEVICE || opening != 0x3e || tag != 0x70 ||
	    set != 0 || !bytes)
		return;
	const uint8_t *text = rd_take(r, bytes - 1);
	if (!text)
		return;
	if (property == PROP_MODEL)
		facts_text(&d->facts, med_bacnet_fields, MODEL, text, bytes - 1);
	else if (property == PROP_FIRMWARE)
		facts_text(&d->facts, med_bacnet_fields, FIRMWARE, text, bytes - 1);
	else if (property == PROP_VENDOR)
		facts_text(&d->facts, med_bacnet_fields, VENDOR, text, bytes - 1);
}

static void apdu(struct dissect *d, unsigned side, struct rd *r)
{
	uint8_t type = rd_u8(r), service;
	bool segmented = type & 8;
	const char *name = NULL;
	switch (type >> 4) {
	case APDU_CONFIRMED:
		rd_skip(r, segmented ? 4 : 2);
		service = rd_u8(r);
		name = service_name(confirmed, ARRAY_LEN(confirmed), service);
		break;
	case APDU_UNCONFIRMED:
		service = rd_u8(r);
		name = service_name(unconfirmed, ARRAY_LEN(unconfirmed), service);
		if (rd_ok(r) && service == SERVICE_I_AM)
			i_am(d, side, r);
		break;
	case APDU_COMPLEX_ACK:
		rd_skip(r, 1);
		service = rd_u8(r);
		if (rd_ok(r) && !segmented && service == SERVICE_READ_PROPERTY)
			property_value(d, r);
		return;
	default:
		return;
	}
	if (rd_ok(r) && name)
		facts_word(&d->facts, med_bacnet_fields, SERVICES, name);
}

/* Clause 6.2: version 1, control, addresses, hop count. False when it is no such thing. */
static bool npdu(struct dissect *d, unsigned side, struct rd *r)
{
	uint8_t version = rd_u8(r), control = rd_u8(r);
	uint16_t network = 0;
	if (control & 0x20) { /* destination */
		(void)rd_u16(r);
		rd_skip(r, rd_u8(r));
	}
	if (control & 0x08) { /* source, behind a router */
		network = rd_u16(r);
		rd_skip(r, rd_u8(r));
	}
	if (control & 0x20)
		rd_skip(r, 1);
	if (!rd_ok(r) || version != 1 || control & 0x50)
		return false;
	if (network)
		facts_number(&d->facts, med_bacnet_fields, NETWORK, network);
	if (!(control & 0x80)) /* else a message between routers */
		apdu(d, side, r);
	return true;
}

/* Is it a virtual link message whose length is the datagram's? Its content may still be bad. */
static bool bvlc(struct dissect *d, unsigned side, const uint8_t *p, size_t n)
{
	struct rd r = rd_of(p, n);
	uint8_t type = rd_u8(&r), function = rd_u8(&r);
	uint16_t bytes = rd_u16(&r);
	if (!rd_ok(&r) || type != 0x81 || bytes != n)
		return false;
	switch (function) {
	case BVLC_RESULT:
	case BVLC_REGISTER:
		return n == 6;
	case BVLC_FORWARDED:
		rd_skip(&r, 6); /* address of the first sender */
		return npdu(d, side, &r);
	case BVLC_DISTRIBUTE:
	case BVLC_UNICAST:
	case BVLC_BROADCAST:
		return npdu(d, side, &r);
	default: /* tables of broadcast devices: known only in company */
		return function <= 0x0c && d->answer == DISSECT_RECOGNISED;
	}
}

enum dissect_answer med_bacnet_feed(struct dissect *d, unsigned side, const uint8_t *p,
				    size_t n)
{
	bool good = bvlc(d, side, p, n);
	if (d->answer == DISSECT_LOOKING)
		return good ? DISSECT_RECOGNISED : DISSECT_NOT_MEDICAL;
	return DISSECT_RECOGNISED;
}
