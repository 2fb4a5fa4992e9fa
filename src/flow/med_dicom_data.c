/* DICOM commands and data sets: which service is used, and which equipment made the image.
 * Bytes come as fragments that end anywhere. Thread: flow/N.
 *
 * Sources: PS3.8 annex E (fragments), PS3.7 annex E (commands), PS3.5 section 7 and annex A
 * (data elements in implicit and explicit VR little endian), PS3.6 (tags).
 *
 * Patients: the six elements of the table below are all that is ever copied from a data set,
 * and each is about equipment. Every other value, the patient's group 0010 first of all, is
 * counted off by its length and never looked at; inside sequences nothing is kept. Data sets of
 * anything but C-STORE (worklists, queries, performed steps) are not opened. What does not fit
 * ends the reading.
 */
#include "med_dicom.h"

#define TAG(group, element) ((uint32_t)(group) << 16 | (element))
#define TAG_LAST TAG(0x0018, 0x1020)
#define TAG_ITEM_END TAG(0xfffe, 0xe00d)
#define TAG_SEQUENCE_END TAG(0xfffe, 0xe0dd)
#define LENGTH_UNDEFINED UINT32_MAX
#define DEPTH_MAX 16 /* sequences within sequences, their items counted too */

static const struct element {
	uint32_t tag;
	char vr[3];
	uint8_t field;
} elements[] = {
	{ TAG(0x0008, 0x0060), "CS", DICOM_MODALITY },
	{ TAG(0x0008, 0x0070), "LO", DICOM_MANUFACTURER },
	{ TAG(0x0008, 0x1010), "SH", DICOM_STATION },
	{ TAG(0x0008, 0x1090), "LO", DICOM_MODEL },
	{ TAG(0x0018, 0x1000), "LO", DICOM_SERIAL },
	{ TAG(0x0018, 0x1020), "LO", DICOM_SOFTWARE },
};

enum part { PART_ELEMENT, PART_VALUE };
/* What stands in the fragments, as far as it is read. */
enum data_set {
	DATA_CLOSED,
	DATA_COMMAND,
	DATA_FIRST /* transfer syntax still to be seen */,
	DATA_IMPLICIT,
	DATA_EXPLICIT
};
enum flag { FLAG_COMMAND = 1, FLAG_LAST = 2 };
enum command { CMD_SOP_CLASS = 0x0002, CMD_FIELD = 0x0100, CMD_STORE_RQ = 0x0001 };

static const struct dicom_name commands[] = {
	{ 0x0001, "C-STORE" },  { 0x0010, "C-GET" },    { 0x0020, "C-FIND" },
	{ 0x0021, "C-MOVE" },   { 0x0030, "C-ECHO" },   { 0x0100, "N-EVENT-REPORT" },
	{ 0x0110, "N-GET" },    { 0x0120, "N-SET" },    { 0x0130, "N-ACTION" },
	{ 0x0140, "N-CREATE" }, { 0x0150, "N-DELETE" }, { 0, NULL },
};

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}
static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

bool dicom_equipment_known(const struct dissect *d)
{
	return d->u.dicom.data_sets && (facts_have(&d->facts, DICOM_MODALITY) ||
					facts_have(&d->facts, DICOM_MANUFACTURER));
}

/* Nothing more of this data set is of interest. */
static void data_close(struct dissect *d, struct dicom_side *s)
{
	if (s->data_set > DATA_COMMAND && d->u.dicom.data_sets < UINT8_MAX)
		d->u.dicom.data_sets++;
	s->data_set = DATA_CLOSED;
	/* What was gathered as a header may have been something else: nothing lingers. */
	memset(&s->in, 0, sizeof(s->in));
}

void dicom_data_drop(struct dicom_side *s)
{
	s->data_set = DATA_CLOSED;
	s->store = false;
}

static bool is_long_vr(const uint8_t *vr) /* PS3.5 table 7.1-1 */
{
	static const char long_vrs[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
	for (size_t i = 0; i + 1 < sizeof(long_vrs); i += 3)
		if (memcmp(vr, long_vrs + i, 2) == 0)
			return true;
	return false;
}

static bool is_vr(const uint8_t *p)
{
	return p[0] >= 'A' && p[0] <= 'Z' && p[1] >= 'A' && p[1] <= 'Z';
}

static const struct element *element_of(uint32_t tag)
{
	for (size_t i = 0; i < ARRAY_LEN(elements); i++)
		if (elements[i].tag == tag)
			return &elements[i];
	return NULL;
}

/* Inside a sequence of undefined length only the way out is looked for. */
static void nested_begin(struct dissect *d, struct dicom_side *s, uint32_t tag, uint32_t bytes,
			 bool may_nest)
{
	if (tag == TAG_ITEM_END || tag == TAG_SEQUENCE_END) {
		s->depth--;
		expect_head(s, PART_ELEMENT, bytes);
	} else if (bytes != LENGTH_UNDEFINED) {
		expect_head(s, PART_ELEMENT, bytes);
	} else if (may_nest && s->depth < DEPTH_MAX) {
		s->depth++;
		expect_head(s, PART_ELEMENT, 0);
	} else {
		data_close(d, s);
	}
}

/* vr is NULL where the transfer syntax does not say it. */
static void element_begin(struct dissect *d, struct dicom_side *s, uint32_t tag,
			  const uint8_t *vr, uint32_t bytes)
{
	bool may_nest = tag >> 16 == 0xfffe || !vr || memcmp(vr, "SQ", 2) == 0;
	if (s->depth) {
		nested_begin(d, s, tag, bytes, may_nest);
		return;
	}
	/* Tags only rise (PS3.5 section 7.1), and behind the last one that we want there is no
	 * need. */
	if (tag <= s->tag || tag > TAG_LAST || (bytes == LENGTH_UNDEFINED && !may_nest)) {
		data_close(d, s);
		return;
	}
	s->tag = tag;
	if (bytes == LENGTH_UNDEFINED) {
		s->depth = 1;
		expect_head(s, PART_ELEMENT, 0);
		return;
	}
	const struct element *e = element_of(tag);
	if (e && bytes && bytes <= DISSECT_VALUE_MAX && (!vr || memcmp(vr, e->vr, 2) == 0))
		expect_value(s, PART_VALUE, e->field, bytes);
	else
		expect_head(s, PART_ELEMENT, bytes);
}

/* PS3.7 section 6.3.1: a command set is always implicit VR little endian, group 0000. */
static void command_begin(struct dissect *d, struct dicom_side *s, uint32_t tag, uint32_t bytes)
{
	if (tag >> 16 != 0 || bytes == LENGTH_UNDEFINED)
		data_close(d, s);
	else if ((tag == CMD_SOP_CLASS || tag == CMD_FIELD) && bytes &&
		 bytes <= DISSECT_VALUE_MAX)
		expect_value(s, PART_VALUE, (uint16_t)tag, bytes);
	else
		expect_head(s, PART_ELEMENT, bytes);
}

/* The header of an element: tag, then VR and length as the transfer syntax has them. Which one
 * it is shows in the first element, whose length cannot be two capital letters; so an
 * association whose beginning nobody saw is read as well. Big endian and deflated data do not
 * begin with group 0008. */
static void element_head(struct dissect *d, struct dicom_side *s, struct piece *in)
{
	struct gather *g = &s->in;
	if (!gather_head(g->head, &g->have, 8, in))
		return;
	uint32_t tag = TAG(le16(g->head), le16(g->head + 2));
	const uint8_t *vr = g->head + 4;
	if (s->data_set == DATA_COMMAND) {
		command_begin(d, s, tag, le32(vr));
		return;
	}
	if (s->data_set == DATA_FIRST && tag >> 16 == 0x0008)
		s->data_set = is_vr(vr) ? DATA_EXPLICIT : DATA_IMPLICIT;
	if (s->data_set == DATA_IMPLICIT ||
	    (s->data_set == DATA_EXPLICIT && tag >> 16 == 0xfffe))
		element_begin(d, s, tag, NULL, le32(vr));
	else if (s->data_set != DATA_EXPLICIT || !is_vr(vr))
		data_close(d, s);
	else if (!is_long_vr(vr))
		element_begin(d, s, tag, vr, le16(vr + 2));
	else if (gather_head(g->head, &g->have, 12, in))
		element_begin(d, s, tag, vr, le32(vr + 4));
}

static bool is_code_string(const uint8_t *p, size_t n) /* PS3.5 table 6.2-1, CS */
{
	for (size_t i = 0; i < n; i++)
		if (!(p[i] >= 'A' && p[i] <= 'Z') && !(p[i] >= '0' && p[i] <= '9') &&
		    p[i] != ' ' && p[i] != '_')
			return false;
	return n <= 16;
}

/* Text alone, but for its padding. A length that lies takes in the header of the element
 * behind, whose tag has bytes that are no text: then the whole is not what it says, and goes.
 */
static bool is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 && p[i] != 0x1b)
			return false;
	return true;
}

static void command_value(struct dissect *d, struct dicom_side *s)
{
	const struct gather *g = &s->in;
	if (s->field == CMD_SOP_CLASS) {
		/* Its row is of use only where a context is named. */
		(void)dicom_keep_sop(d, DICOM_USED, g->value, g->vlen);
		return;
	}
	unsigned command = g->vlen == 2 ? le16(g->value) : 0;
	const char *name = dicom_name_of(commands, command, NULL);
	s->store = command == CMD_STORE_RQ;
	if (name)
		facts_word(&d->facts, med_dicom_fields, DICOM_COMMANDS, name);
}

static void element_value(struct dissect *d, struct dicom_side *s)
{
	struct gather *g = &s->in;
	size_t n = dicom_unpadded(g->value, g->vlen);
	if (s->data_set == DATA_COMMAND)
		command_value(d, s);
	else if (s->field == DICOM_MODALITY ? is_code_string(g->value, n) :
					      is_text(g->value, n))
		facts_text(&d->facts, med_dicom_fields, s->field, g->value, n);
	memset(g->value, 0, sizeof(g->value)); /* what was turned away does not linger */
	expect_head(s, PART_ELEMENT, 0);
}

void dicom_fragment_begin(struct dissect *d, struct dicom_side *s)
{
	bool command = s->pdv_flags & FLAG_COMMAND;
	/* In the middle of something of the same kind: go on. */
	if (command ? s->data_set == DATA_COMMAND : s->data_set > DATA_COMMAND)
		return;
	if (!command && !s->store)
		return; /* stays closed */
	data_close(d, s);
	s->store = false;
	s->data_set = command ? DATA_COMMAND : DATA_FIRST;
	s->tag = 0;
	s->depth = 0;
	expect_head(s, PART_ELEMENT, 0);
}

/* Whoever begins to listen in the middle knows DICOM by a command set: its first element is the
 * group's length, (0000,0000) with 4 bytes. */
static void decide(struct dissect *d, const struct dicom_side *s)
{
	static const uint8_t group_length[8] = { 0, 0, 0, 0, 4, 0, 0, 0 };
	if (s->data_set != DATA_COMMAND ||
	    memcmp(s->in.head, group_length, s->in.have < 8 ? s->in.have : 8) != 0)
		d->answer = DISSECT_NOT_MEDICAL;
	else if (s->in.have == 8)
		d->answer = DISSECT_RECOGNISED;
}

void dicom_fragment_feed(struct dissect *d, struct dicom_side *s, struct piece in)
{
	struct gather *g = &s->in;
	if (d->answer == DISSECT_LOOKING) {
		if (s->data_set == DATA_COMMAND) /* decide() looks how much there is */
			(void)gather_head(g->head, &g->have, 8, &in);
		decide(d, s);
		if (d->answer != DISSECT_RECOGNISED)
			return;
		expect_head(s, PART_ELEMENT, 4); /* the value of the group's length */
	}
	while (in.n && s->data_set != DATA_CLOSED) {
		gather_skip(g, &in);
		if (!in.n)
			break;
		if (s->part == PART_ELEMENT)
			element_head(d, s, &in);
		else if (gather_value(g, &in))
			element_value(d, s);
	}
}

void dicom_fragment_end(struct dissect *d, struct dicom_side *s)
{
	if (d->answer == DISSECT_LOOKING)
		d->answer = DISSECT_NOT_MEDICAL;
	if (s->pdv_flags & FLAG_LAST)
		data_close(d, s);
}
