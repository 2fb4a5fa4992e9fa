/* HL7 version 2 over MLLP: which applications talk, in what messages, and about which devices.
 * Thread: flow/N.
 *
 * Sources: HL7 v2.5.1/2.8 chapter 2 (delimiters, escapes, MSH, MSA), chapter 7 (OBX-18, PRT),
 * the Minimal Lower Layer Protocol (0x0b message 0x1c 0x0d), JAHIS data exchange rules for ISO
 * 2022.
 *
 * Patients: the table `wanted` is all that is ever copied; every other field (PID, NK1, OBX-5,
 * notes ...) is passed byte by byte and not looked at. Where a field begins is a matter of
 * counting separators, so bytes that only look like one must not count: two-byte characters of
 * ISO-2022-JP (between escapes) and of Shift_JIS (behind a byte above 0x7f) may hold a '|'. A
 * segment with bytes above 0x7f in a message that does not say UTF-8 is therefore doubtful from
 * there on, and nothing more is kept of it.
 */
#include <string.h>

#include "med.h"

enum field {
	DEVICE,
	UDI,
	SERIAL,
	LOT,
	MADE,
	EXPIRES,
	DEVICE_TYPE,
	FROM_APP,
	FROM_FACILITY,
	TO_APP,
	TO_FACILITY,
	TYPE,
	VERSION,
	ACK,
	CHARSET
};

const struct fact_field med_hl7_fields[] = {
	[DEVICE] = { "device", FACT_LIST, 4 },
	[UDI] = { "udi", FACT_LIST, 2 },
	[SERIAL] = { "serial", FACT_LIST, 2 },
	[LOT] = { "lot", FACT_LIST, 2 },
	[MADE] = { "made", FACT_LIST, 2 },
	[EXPIRES] = { "expires", FACT_LIST, 2 },
	[DEVICE_TYPE] = { "device_type", FACT_LIST, 2 },
	[FROM_APP] = { "sending_application", FACT_LIST, 4 },
	[FROM_FACILITY] = { "sending_facility", FACT_LIST, 4 },
	[TO_APP] = { "receiving_application", FACT_LIST, 4 },
	[TO_FACILITY] = { "receiving_facility", FACT_LIST, 4 },
	[TYPE] = { "message_type", FACT_LIST, 6 },
	[VERSION] = { "version", FACT_LIST, 2 },
	[ACK] = { "ack", FACT_LIST, 6 },
	[CHARSET] = { "charset", FACT_LIST, 2 },
	{ NULL, 0, 0 },
};

enum segment { SEG_OTHER, SEG_MSH, SEG_MSA, SEG_OBX, SEG_PRT, SEG_BATCH };
static const struct segment_name {
	char name[4];
	uint8_t segment;
} segments[] = {
	{ "MSH", SEG_MSH }, { "MSA", SEG_MSA },   { "OBX", SEG_OBX },
	{ "PRT", SEG_PRT }, { "FHS", SEG_BATCH }, { "BHS", SEG_BATCH },
};

/* How much of a field is kept, and what it must look like. */
enum how {
	HOW_FIRST,   /* first component, or the second where that is empty (HD) */
	HOW_TYPE,    /* two components of capitals and digits: ADT^A01 */
	HOW_VERSION, /* first component, digits and dots */
	HOW_ACK,     /* one of the codes of table 0008 */
	HOW_CHARSET, /* as it is; decides how bytes above 0x7f are taken */
	HOW_DEVICE,  /* each repetition with its components (EI, CNE): ASCII only */
};

struct hl7_want {
	uint8_t segment, field, fact, how;
};
static const struct hl7_want wanted[] = {
	{ SEG_MSH, 3, FROM_APP, HOW_FIRST },
	{ SEG_MSH, 4, FROM_FACILITY, HOW_FIRST },
	{ SEG_MSH, 5, TO_APP, HOW_FIRST },
	{ SEG_MSH, 6, TO_FACILITY, HOW_FIRST },
	{ SEG_MSH, 9, TYPE, HOW_TYPE },
	{ SEG_MSH, 12, VERSION, HOW_VERSION },
	{ SEG_MSH, 18, CHARSET, HOW_CHARSET },
	{ SEG_MSA, 1, ACK, HOW_ACK },
	{ SEG_OBX, 18, DEVICE, HOW_DEVICE },
	{ SEG_PRT, 10, DEVICE, HOW_DEVICE },
	{ SEG_PRT, 16, UDI, HOW_DEVICE },
	{ SEG_PRT, 17, MADE, HOW_DEVICE },
	{ SEG_PRT, 18, EXPIRES, HOW_DEVICE },
	{ SEG_PRT, 19, LOT, HOW_DEVICE },
	{ SEG_PRT, 20, SERIAL, HOW_DEVICE },
	/* PRT-21 names a blood or tissue donation, not a device: not kept. */
	{ SEG_PRT, 22, DEVICE_TYPE, HOW_DEVICE },
};
#define FIELD_LAST 22 /* behind it no segment has anything for us */

enum step {
	STEP_BETWEEN, /* messages: waits for the start block, or for a bare "MSH" */
	STEP_NAME,    /* of a segment */
	STEP_SEPS,    /* MSH-1 and MSH-2 */
	STEP_FIELDS,
	STEP_REST, /* of a segment: up to its end */
	STEP_HUNT, /* a gap: for the next start block */
};

#define MLLP_START 0x0b
#define MLLP_END 0x1c
#define ESC 0x1b
#define SHIFT_OUT 0x0e
#define SHIFT_IN 0x0f

/* Where in an escape of ISO 2022 (ECMA-35) we are. Shifted: what follows is not ASCII,
 * separators do not count. */
enum shift {
	SHIFT_NONE,
	SHIFT_SHIFTED,
	SHIFT_ESC,
	SHIFT_ESC_WIDE,
	SHIFT_ESC_G0,
	SHIFT_ESC_OTHER
};

enum sep { SEP_FIELD, SEP_COMPONENT, SEP_REPETITION, SEP_ESCAPE, SEP_SUB };

static bool is_punctuation(uint8_t b)
{
	return b > 0x20 && b < 0x7f && !(b >= '0' && b <= '9') &&
	       !((b | 0x20) >= 'a' && (b | 0x20) <= 'z');
}

static const struct hl7_want *want_of(uint8_t segment, unsigned field)
{
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (wanted[i].segment == segment && wanted[i].field == field)
			return &wanted[i];
	return NULL;
}

/* Value of a field: cut to the components wanted, checked, unescaped, kept. */

static size_t component(const struct hl7_side *s, size_t from)
{
	while (from < s->vlen && s->value[from] != s->sep[SEP_COMPONENT])
		from++;
	return from;
}

/* Chapter 2.7.1: \F\ \S\ \T\ \R\ \E\ stand for the separators; others (fonts, hex) go. */
static size_t unescape(const struct hl7_side *s, const uint8_t *p, size_t n, uint8_t *out)
{
	static const char codes[] = "FSRET"; /* in the order of enum sep */
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] != s->sep[SEP_ESCAPE]) {
			out[used++] = p[i];
			continue;
		}
		const uint8_t *end =
			i + 1 < n ? memchr(p + i + 1, s->sep[SEP_ESCAPE], n - i - 1) : NULL;
		if (!end)
			break;
		const char *code = end == p + i + 2 && p[i + 1] ? strchr(codes, p[i + 1]) :
								  NULL;
		if (code)
			out[used++] = s->sep[code - codes];
		i = (size_t)(end - p);
	}
	return used;
}

/* Who speaks from the destination has its own name where the source has its partner's:
 * "sending" is whoever stands at the flow's source, in requests and in answers. */
static unsigned fact_of(const struct dissect *d, const struct hl7_side *s)
{
	static const uint8_t partner[] = { [FROM_APP] = TO_APP,
					   [TO_APP] = FROM_APP,
					   [FROM_FACILITY] = TO_FACILITY,
					   [TO_FACILITY] = FROM_FACILITY };
	unsigned fact = s->want->fact;
	bool swapped = s == &d->u.hl7[1] && fact >= FROM_APP && fact <= TO_FACILITY;
	return swapped ? partner[fact] : fact;
}

static void keep(struct dissect *d, const struct hl7_side *s, const uint8_t *p, size_t n)
{
	uint8_t plain[DISSECT_VALUE_MAX];
	n = s->sep[SEP_ESCAPE] ? unescape(s, p, n, plain) : (memcpy(plain, p, n), n);
	facts_text(&d->facts, med_hl7_fields, fact_of(d, s), plain, n);
}

static void keep_type(struct dissect *d, struct hl7_side *s)
{
	size_t first = component(s, 0);
	size_t n = first < s->vlen ? component(s, first + 1) : first;
	for (size_t i = 0; i < n; i++) {
		uint8_t b = s->value[i];
		if (i == first)
			s->value[i] = '^';
		else if (!(b >= 'A' && b <= 'Z') && !(b >= '0' && b <= '9'))
			return;
	}
	if (n <= 8)
		facts_text(&d->facts, med_hl7_fields, TYPE, s->value, n);
}

static void keep_version(struct dissect *d, const struct hl7_side *s)
{
	size_t n = component(s, 0);
	for (size_t i = 0; i < n; i++)
		if (s->value[i] != '.' && (s->value[i] < '0' || s->value[i] > '9'))
			return;
	if (n <= 8)
		facts_text(&d->facts, med_hl7_fields, VERSION, s->value, n);
}

static void keep_ack(struct dissect *d, const struct hl7_side *s)
{
	static const char codes[] = "AA AE AR CA CE CR";
	for (size_t i = 0; s->vlen == 2 && i + 1 < sizeof(codes); i += 3)
		if (memcmp(s->value, codes + i, 2) == 0)
			facts_text(&d->facts, med_hl7_fields, ACK, s->value, 2);
}

static void keep_device(struct dissect *d, const struct hl7_side *s)
{
	for (size_t i = 0; i < s->vlen; i++)
		if (s->value[i] < 0x20 || s->value[i] > 0x7e)
			return;
	keep(d, s, s->value, s->vlen);
}

static void keep_charset(struct dissect *d, struct hl7_side *s)
{
	s->unicode = memmem(s->value, s->vlen, "UTF-8", 5) != NULL;
	keep(d, s, s->value, s->vlen);
}

static void keep_first(struct dissect *d, const struct hl7_side *s)
{
	size_t first = component(s, 0);
	if (first == sizeof(s->value))
		return; /* cut: half a name is none */
	if (first)
		keep(d, s, s->value, first);
	else if (s->vlen > 1)
		keep(d, s, s->value + 1, component(s, 1) - 1);
}

static void value_end(struct dissect *d, struct hl7_side *s)
{
	if (s->want && s->vlen && !s->doubtful)
		switch ((enum how)s->want->how) {
		case HOW_FIRST:
			keep_first(d, s);
			break;
		case HOW_TYPE:
			keep_type(d, s);
			break;
		case HOW_VERSION:
			keep_version(d, s);
			break;
		case HOW_ACK:
			keep_ack(d, s);
			break;
		case HOW_CHARSET:
			keep_charset(d, s);
			break;
		case HOW_DEVICE:
			keep_device(d, s);
			break;
		}
	s->vlen = 0;
}

/* Segments and fields. */

static void field_begin(struct hl7_side *s, unsigned field)
{
	s->field = (uint16_t)field;
	s->vlen = 0;
	s->want = want_of(s->segment, field);
	if (field > FIELD_LAST)
		s->step = STEP_REST;
}

static void segment_begin(struct hl7_side *s)
{
	s->step = STEP_NAME;
	s->name_len = 0;
	s->shift = SHIFT_NONE;
	s->doubtful = false;
	s->want = NULL;
	s->vlen = 0;
}

static void segment_end(struct dissect *d, struct hl7_side *s, uint8_t end)
{
	if (s->step == STEP_FIELDS)
		value_end(d, s);
	segment_begin(s);
	if (end == MLLP_END)
		s->step = STEP_BETWEEN;
}

/* Can what has come of the first segment's name become one that begins a message or a batch? */
static bool begins_message(const struct hl7_side *s)
{
	for (size_t i = 0; i < ARRAY_LEN(segments); i++)
		if ((segments[i].segment == SEG_MSH || segments[i].segment == SEG_BATCH) &&
		    memcmp(s->name, segments[i].name, s->name_len) == 0)
			return true;
	return false;
}

static void name_step(struct dissect *d, struct hl7_side *s, uint8_t b)
{
	if (s->name_len < sizeof(s->name)) {
		s->name[s->name_len++] = b;
		if (d->answer == DISSECT_LOOKING && !begins_message(s))
			d->answer = DISSECT_NOT_MEDICAL;
		return;
	}
	s->segment = SEG_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(segments); i++)
		if (memcmp(s->name, segments[i].name, sizeof(s->name)) == 0)
			s->segment = segments[i].segment;
	if (s->segment == SEG_MSH || s->segment == SEG_BATCH) {
		memset(s->sep, 0, sizeof(s->sep));
		s->sep[0] = b;
		s->seps = 1;
		s->unicode = false;
		s->step = is_punctuation(b) ? STEP_SEPS : STEP_REST;
	} else if (s->segment == SEG_OTHER || b != s->sep[SEP_FIELD]) {
		s->step = STEP_REST;
	} else {
		s->step = STEP_FIELDS;
		field_begin(s, 1);
	}
	if (d->answer == DISSECT_LOOKING && s->step != STEP_SEPS)
		d->answer = DISSECT_NOT_MEDICAL;
}

/* MSH-2: two to four separators, and the truncation character '#' of v2.7, up to the next
 * MSH-1. */
static void seps_step(struct dissect *d, struct hl7_side *s, uint8_t b)
{
	if (b != s->sep[SEP_FIELD] && is_punctuation(b) && s->seps < 6) {
		if (s->seps < sizeof(s->sep))
			s->sep[s->seps] = b;
		s->seps++;
		return;
	}
	bool good = b == s->sep[SEP_FIELD] && s->seps >= 3;
	if (d->answer == DISSECT_LOOKING)
		d->answer = good ? DISSECT_RECOGNISED : DISSECT_NOT_MEDICAL;
	s->step = good && s->segment == SEG_MSH ? STEP_FIELDS : STEP_REST;
	if (good)
		field_begin(s, 3);
}

/* Escapes of ISO 2022: true when the byte is part of one or of what it switched to. */
static bool shift_step(struct hl7_side *s, uint8_t b)
{
	switch ((enum shift)s->shift) {
	case SHIFT_NONE:
	case SHIFT_SHIFTED:
		if (b == ESC)
			s->shift = SHIFT_ESC;
		else if (b == SHIFT_OUT)
			s->shift = SHIFT_SHIFTED;
		else if (b == SHIFT_IN)
			s->shift = SHIFT_NONE;
		else
			return s->shift == SHIFT_SHIFTED;
		return true;
	case SHIFT_ESC:
		s->shift = b == '$' ? SHIFT_ESC_WIDE :
			   b == '(' ? SHIFT_ESC_G0 :
				      SHIFT_ESC_OTHER;
		if (b >= 0x30) /* a final byte: an escape that switches nothing */
			s->shift = SHIFT_NONE;
		return true;
	case SHIFT_ESC_WIDE:
		if (b >= 0x30)
			s->shift = SHIFT_SHIFTED;
		return true;
	case SHIFT_ESC_G0:
		/* B and J are ASCII and JIS X 0201 Roman; nothing else reads as ASCII. */
		if (b >= 0x30)
			s->shift = b == 'B' || b == 'J' ? SHIFT_NONE : SHIFT_SHIFTED;
		return true;
	case SHIFT_ESC_OTHER:
		if (b >= 0x30)
			s->shift = SHIFT_NONE;
		return true;
	}
	return false;
}

static void field_step(struct dissect *d, struct hl7_side *s, uint8_t b)
{
	if (shift_step(s, b))
		return;
	if (b >= 0x80 && !s->unicode && s->segment != SEG_MSH)
		s->doubtful = true;
	if (b == s->sep[SEP_FIELD]) {
		value_end(d, s);
		field_begin(s, s->field + 1u);
	} else if (!s->want) {
		return;
	} else if (b == s->sep[SEP_REPETITION] && s->want->how != HOW_CHARSET) {
		value_end(d, s);
		if (s->want->how != HOW_DEVICE)
			s->want = NULL;
	} else if (s->vlen < sizeof(s->value)) {
		s->value[s->vlen++] = b;
	} else if (s->want->how == HOW_DEVICE || s->want->how == HOW_CHARSET) {
		s->want = NULL; /* half an identifier is none */
	}
}

static void between_step(struct dissect *d, struct hl7_side *s, uint8_t b)
{
	if (b == MLLP_START) {
		segment_begin(s);
	} else if (b == 'M' && s->step == STEP_BETWEEN) {
		segment_begin(s);
		name_step(d, s, b);
	} else if (d->answer == DISSECT_LOOKING) {
		d->answer = DISSECT_NOT_MEDICAL;
	} else if (b > 0x20) {
		s->step = STEP_HUNT;
	}
}

static void byte_step(struct dissect *d, struct hl7_side *s, uint8_t b)
{
	if (s->step == STEP_BETWEEN || s->step == STEP_HUNT) {
		between_step(d, s, b);
		return;
	}
	if (b == '\r' || b == '\n' || b == MLLP_END || b == MLLP_START) {
		if (d->answer == DISSECT_LOOKING && (s->name_len || b != MLLP_START))
			d->answer = DISSECT_NOT_MEDICAL;
		segment_end(d, s, b);
		return;
	}
	if (s->step == STEP_NAME)
		name_step(d, s, b);
	else if (s->step == STEP_SEPS)
		seps_step(d, s, b);
	else if (s->step == STEP_FIELDS)
		field_step(d, s, b);
}

/* Bytes that change nothing: the rest of a segment, fields nobody wants, and a gap. Only control
 * characters end a segment, and no character set has those inside a character. */
static size_t idle_bytes(const struct hl7_side *s, const uint8_t *p, size_t n)
{
	size_t i = 0;
	if (s->step == STEP_REST)
		while (i < n && (p[i] >= 0x20 || (p[i] != '\r' && p[i] != '\n' &&
						  p[i] != MLLP_END && p[i] != MLLP_START)))
			i++;
	else if (s->step == STEP_FIELDS && !s->want && s->shift == SHIFT_NONE)
		while (i < n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != s->sep[SEP_FIELD])
			i++;
	else if (s->step == STEP_HUNT)
		while (i < n && p[i] != MLLP_START)
			i++;
	return i;
}

enum dissect_answer med_hl7_feed(struct dissect *d, unsigned side, const uint8_t *p, size_t n)
{
	struct hl7_side *s = &d->u.hl7[side];
	for (size_t i = 0; i < n; i++) {
		i += idle_bytes(s, p + i, n - i);
		if (i == n)
			break;
		byte_step(d, s, p[i]);
		if (d->answer == DISSECT_NOT_MEDICAL)
			break;
	}
	return d->answer;
}

/* What follows a gap could be the middle of anything: the next start block is the next thing
 * read. */
enum dissect_answer med_hl7_gap(struct dissect *d, unsigned side)
{
	segment_begin(&d->u.hl7[side]);
	d->u.hl7[side].step = STEP_HUNT;
	return DISSECT_RECOGNISED;
}
