/* DICOM upper layer over TCP: who called whom, for which services, and made by whom. What the
 * data sets say about the equipment is med_dicom_data.c. Thread: flow/N.
 *
 * Sources: PS3.8 section 9.3 (PDUs) and annex D (user information).
 *
 * Patients: an association names none. User names and passwords of the user identity item
 * (PS3.7 D.3.3.7) are counted off like every other item that is not on the list in
 * item_begin().
 */
#include "med_dicom.h"

#include "tomsd/base/str.h"

const struct fact_field med_dicom_fields[] = {
	[DICOM_MODALITY] = { "modality", FACT_LIST, 4 },
	[DICOM_MANUFACTURER] = { "manufacturer", FACT_TEXT, 0 },
	[DICOM_MODEL] = { "model", FACT_TEXT, 0 },
	[DICOM_SERIAL] = { "serial", FACT_TEXT, 0 },
	[DICOM_SOFTWARE] = { "software", FACT_TEXT, 0 },
	[DICOM_STATION] = { "station", FACT_TEXT, 0 },
	[DICOM_CALLING] = { "calling_ae", FACT_TEXT, 0 },
	[DICOM_CALLED] = { "called_ae", FACT_TEXT, 0 },
	[DICOM_REJECT] = { "reject", FACT_TEXT, 0 },
	[DICOM_ABORT] = { "abort", FACT_TEXT, 0 },
	[DICOM_RQ_VERSION] = { "requestor_version", FACT_TEXT, 0 },
	[DICOM_AC_VERSION] = { "acceptor_version", FACT_TEXT, 0 },
	[DICOM_RQ_CLASS] = { "requestor_class", FACT_TEXT, 0 },
	[DICOM_AC_CLASS] = { "acceptor_class", FACT_TEXT, 0 },
	[DICOM_COMMANDS] = { "commands", FACT_LIST, 6 },
	[DICOM_USED] = { "used_classes", FACT_LIST, 4 },
	[DICOM_SOP] = { "sop_classes", FACT_LIST, 6 },
	[DICOM_REFUSED] = { "refused", FACT_LIST, 2 },
	[DICOM_OFFERED] = { "contexts", FACT_NUMBER, 0 },
	[DICOM_ACCEPTED] = { "contexts_accepted", FACT_NUMBER, 0 },
	[DICOM_RQ_PDU] = { "requestor_max_pdu", FACT_NUMBER, 0 },
	[DICOM_AC_PDU] = { "acceptor_max_pdu", FACT_NUMBER, 0 },
	{ NULL, 0, 0 },
};

enum pdu { PDU_RQ = 1, PDU_AC, PDU_RJ, PDU_DATA, PDU_RELEASE_RQ, PDU_RELEASE_RP, PDU_ABORT };
#define ASSOCIATE_BYTES_MIN 68
/* 128 contexts with every syntax there is stay below 100 KiB. */
#define ASSOCIATE_BYTES_MAX (1u << 20)

enum step {
	STEP_PDU,
	STEP_BODY,
	STEP_PDV,
	STEP_LOST /* a gap: no header can be found any more */
};
enum part { PART_VERSION, PART_CALLED, PART_CALLING, PART_ITEM, PART_CONTEXT, PART_VALUE };

enum item {
	ITEM_APPLICATION = 0x10,
	ITEM_CONTEXT_RQ = 0x20,
	ITEM_CONTEXT_AC = 0x21,
	ITEM_ABSTRACT = 0x30,
	ITEM_USER = 0x50,
	ITEM_MAX_PDU = 0x51,
	ITEM_CLASS = 0x52,
	ITEM_VERSION = 0x55
};

enum seen { SEEN_ANSWER = 1 };
#define DATA_SETS_MAX 16 /* opened in vain before we stop looking for equipment */

static const struct dicom_name refusals[] = { /* PS3.8 table 9-18 */
	{ 1, "user" }, { 2, "no reason" }, { 3, "abstract syntax" }, { 4, "transfer syntax" },
	{ 0, NULL },
}, rejections[] = { /* PS3.8 table 9-21: source << 8 | reason */
	{ 0x101, "no reason given" }, { 0x102, "application context name not supported" },
	{ 0x103, "calling AE title not recognized" },
	{ 0x107, "called AE title not recognized" },
	{ 0x201, "no reason given" }, { 0x202, "protocol version not supported" },
	{ 0x301, "temporary congestion" }, { 0x302, "local limit exceeded" }, { 0, NULL },
}, aborts[] = { /* PS3.8 table 9-26: by the service provider */
	{ 0x200, "reason not specified" }, { 0x201, "unrecognized PDU" },
	{ 0x202, "unexpected PDU" },
	{ 0x204, "unrecognized PDU parameter" }, { 0x205, "unexpected PDU parameter" },
	{ 0x206, "invalid PDU parameter value" }, { 0, NULL },
};

const char *dicom_name_of(const struct dicom_name *table, unsigned number,
			  const char *otherwise)
{
	for (; table->name; table++)
		if (table->number == number)
			return table->name;
	return otherwise;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void recognise(struct dissect *d)
{
	if (d->answer == DISSECT_LOOKING)
		d->answer = DISSECT_RECOGNISED;
}

/* Not as the standard has it: never ours, or nothing more to learn. */
static void give_up(struct dissect *d)
{
	d->answer = d->answer == DISSECT_LOOKING ? DISSECT_NOT_MEDICAL : DISSECT_FINISHED;
}

static bool is_uid(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < '0' || p[i] > '9') && p[i] != '.')
			return false;
	return n > 0;
}

/* PS3.5 table 6.2-1, AE: characters of the basic repertoire, not spaces alone. */
static bool is_ae(const uint8_t *p, size_t n)
{
	n = dicom_unpadded(p, n);
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return n > 0;
}

void dicom_keep_uid(struct dissect *d, enum dicom_field f, const uint8_t *p, size_t n)
{
	n = dicom_unpadded(p, n);
	if (is_uid(p, n))
		facts_text(&d->facts, med_dicom_fields, f, p, n);
}

unsigned dicom_keep_sop(struct dissect *d, enum dicom_field f, const uint8_t *p, size_t n)
{
	n = dicom_unpadded(p, n);
	unsigned row = dicom_sop_find(p, n);
	if (row)
		facts_word(&d->facts, med_dicom_fields, f, dicom_sop_name(row - 1));
	else
		dicom_keep_uid(d, f, p, n);
	return row;
}

/* Association: version, called and calling AE title, then items. The lists inside a context and
 * inside the user information look like the list they stand in, so all is read as one flat
 * list; the PDU's own length bounds it. */

static void context_refused(struct dissect *d, struct dicom_side *s, unsigned why)
{
	unsigned at = s->context / 2u;
	unsigned row = at < sizeof(d->u.dicom.sop) ? d->u.dicom.sop[at] : 0;
	struct str name = row ? str_of(dicom_sop_name(row - 1)) : STR("another class");
	struct str reason = str_of(dicom_name_of(refusals, why, "unknown reason"));
	char text[2 * DISSECT_VALUE_MAX];
	memcpy(text, name.p, name.n);
	memcpy(text + name.n, ": ", 2);
	memcpy(text + name.n + 2, reason.p, reason.n);
	facts_text(&d->facts, med_dicom_fields, DICOM_REFUSED, text, name.n + 2 + reason.n);
}

static void context_begin(struct dissect *d, struct dicom_side *s)
{
	const uint8_t *head = s->in.head; /* id, reserved, result, reserved */
	uint8_t *count = s->pdu_type == PDU_RQ ? &d->u.dicom.offered : &d->u.dicom.accepted;
	s->context = head[0];
	if (s->pdu_type == PDU_AC && head[2] != 0)
		context_refused(d, s, head[2]);
	else if (*count < UINT8_MAX)
		++*count;
	expect_head(s, PART_ITEM, 0);
}

static void item_begin(struct dicom_side *s)
{
	uint8_t type = s->in.head[0];
	uint16_t bytes = (uint16_t)(s->in.head[2] << 8 | s->in.head[3]);
	switch (type) {
	case ITEM_CONTEXT_RQ:
	case ITEM_CONTEXT_AC:
		expect_head(s, PART_CONTEXT, 0);
		break;
	case ITEM_USER:
		expect_head(s, PART_ITEM, 0);
		break;
	case ITEM_APPLICATION:
	case ITEM_ABSTRACT:
	case ITEM_MAX_PDU:
	case ITEM_CLASS:
	case ITEM_VERSION:
		expect_value(s, PART_VALUE, type, bytes);
		break;
	default:
		expect_head(s, PART_ITEM, bytes);
	}
}

static void item_value(struct dissect *d, struct dicom_side *s)
{
	bool rq = s->pdu_type == PDU_RQ;
	const uint8_t *value = s->in.value;
	size_t n = s->in.vlen;
	unsigned row;
	switch (s->field) {
	case ITEM_APPLICATION:
		if (is_uid(value, dicom_unpadded(value, n)))
			recognise(d);
		else
			give_up(d);
		break;
	case ITEM_ABSTRACT:
		row = dicom_keep_sop(d, DICOM_SOP, value, n);
		if (rq && s->context / 2u < sizeof(d->u.dicom.sop))
			d->u.dicom.sop[s->context / 2u] = (uint8_t)row;
		break;
	case ITEM_MAX_PDU:
		if (n == 4)
			facts_number(&d->facts, med_dicom_fields,
				     rq ? DICOM_RQ_PDU : DICOM_AC_PDU, be32(value));
		break;
	case ITEM_CLASS:
		dicom_keep_uid(d, rq ? DICOM_RQ_CLASS : DICOM_AC_CLASS, value, n);
		break;
	case ITEM_VERSION:
		if (is_ae(value, n))
			facts_text(&d->facts, med_dicom_fields,
				   rq ? DICOM_RQ_VERSION : DICOM_AC_VERSION, value, n);
		break;
	default:
		break;
	}
	expect_head(s, PART_ITEM, 0);
}

static void ae_end(struct dissect *d, struct dicom_side *s)
{
	bool called = s->part == PART_CALLED;
	if (!is_ae(s->in.value, s->in.vlen)) {
		give_up(d);
		return;
	}
	facts_text(&d->facts, med_dicom_fields, called ? DICOM_CALLED : DICOM_CALLING,
		   s->in.value, s->in.vlen);
	if (called)
		expect_value(s, PART_CALLING, 0, 16);
	else
		expect_head(s, PART_ITEM, 32); /* reserved bytes */
}

static void associate_step(struct dissect *d, struct dicom_side *s, struct piece *in)
{
	struct gather *g = &s->in;
	gather_skip(g, in);
	if (!in->n)
		return;
	switch ((enum part)s->part) {
	case PART_VERSION:
		if (!gather_head(g->head, &g->have, 4, in))
			break;
		expect_value(s, PART_CALLED, 0, 16);
		if (!(g->head[1] & 1))
			give_up(d);
		break;
	case PART_CALLED:
	case PART_CALLING:
		if (gather_value(g, in))
			ae_end(d, s);
		break;
	case PART_ITEM:
		if (!gather_head(g->head, &g->have, 4, in))
			break;
		if (d->answer == DISSECT_LOOKING && g->head[0] != ITEM_APPLICATION)
			give_up(d);
		item_begin(s);
		break;
	case PART_CONTEXT:
		if (gather_head(g->head, &g->have, 4, in))
			context_begin(d, s);
		break;
	case PART_VALUE:
		if (gather_value(g, in))
			item_value(d, s);
		break;
	}
}

static void associate_end(struct dissect *d, struct dicom_side *s)
{
	if (s->pdu_type == PDU_RQ) {
		facts_number(&d->facts, med_dicom_fields, DICOM_OFFERED, d->u.dicom.offered);
	} else {
		facts_number(&d->facts, med_dicom_fields, DICOM_ACCEPTED, d->u.dicom.accepted);
		d->u.dicom.seen |= SEEN_ANSWER;
	}
}

/* Reject: result, source, reason. Abort: reserved, source (0 user, 2 provider), reason. */
static void reason_step(struct dissect *d, struct dicom_side *s, struct piece *in)
{
	if (!gather_head(s->in.head, &s->in.have, 4, in))
		return;
	unsigned source = s->in.head[2], why = source << 8 | s->in.head[3];
	if (s->pdu_type == PDU_RJ)
		facts_word(&d->facts, med_dicom_fields, DICOM_REJECT,
			   dicom_name_of(rejections, why, "reason of no standard"));
	else
		facts_word(&d->facts, med_dicom_fields, DICOM_ABORT,
			   source ? dicom_name_of(aborts, why, "reason of no standard") :
				    "by the user");
	d->answer = DISSECT_FINISHED;
}

/* Undecided, only what an association can begin with will do; in the middle of one, which
 * nobody saw begin, that is a fragment with a command in it (fragment_begin() looks). */
static bool pdu_is_sane(const struct dissect *d, const struct dicom_side *s)
{
	bool undecided = d->answer == DISSECT_LOOKING;
	switch (s->pdu_type) {
	case PDU_RQ:
	case PDU_AC:
		return s->pdu_left >= ASSOCIATE_BYTES_MIN && s->pdu_left <= ASSOCIATE_BYTES_MAX;
	case PDU_DATA:
		return s->pdu_left >= 6;
	case PDU_RJ:
	case PDU_RELEASE_RQ:
	case PDU_RELEASE_RP:
	case PDU_ABORT:
		return s->pdu_left == 4 && !undecided;
	default:
		return false;
	}
}

static void pdu_begin(struct dissect *d, struct dicom_side *s)
{
	s->pdu_type = s->head[0];
	s->pdu_left = be32(s->head + 2);
	s->have = 0;
	s->step = s->pdu_type == PDU_DATA ? STEP_PDV : STEP_BODY;
	if (s->pdu_type != PDU_DATA) {
		dicom_data_drop(s);
		expect_head(s, PART_VERSION, 0);
	}
	if (s->head[1] != 0 || !pdu_is_sane(d, s))
		give_up(d);
}

static void pdu_end(struct dissect *d, struct dicom_side *s)
{
	s->step = STEP_PDU;
	s->have = 0;
	if (s->pdu_type == PDU_RQ || s->pdu_type == PDU_AC)
		associate_end(d, s);
	bool over = s->pdu_type == PDU_RELEASE_RP ||
		    (dicom_equipment_known(d) && d->u.dicom.seen & SEEN_ANSWER) ||
		    d->u.dicom.data_sets >= DATA_SETS_MAX;
	if (over && d->answer == DISSECT_RECOGNISED)
		d->answer = DISSECT_FINISHED;
}

/* Length, presentation context, flags; then a fragment of a command or of a data set. */
static void pdv_begin(struct dissect *d, struct dicom_side *s)
{
	uint32_t bytes = be32(s->head);
	s->have = 0;
	if (bytes < 2 || bytes - 2 > s->pdu_left || !(s->head[4] & 1) || s->head[5] > 3) {
		give_up(d);
		return;
	}
	s->pdv_flags = s->head[5];
	s->pdv_left = bytes - 2;
	s->step = s->pdv_left ? STEP_BODY : STEP_PDV;
	dicom_fragment_begin(d, s);
	if (!s->pdv_left)
		dicom_fragment_end(d, s);
}

static void fragment_step(struct dissect *d, struct dicom_side *s, struct piece *in)
{
	struct piece part = { in->p, in->n < s->pdv_left ? in->n : s->pdv_left };
	s->pdv_left -= (uint32_t)part.n;
	piece_skip(in, part.n);
	dicom_fragment_feed(d, s, part);
	if (s->pdv_left)
		return;
	dicom_fragment_end(d, s);
	s->step = STEP_PDV;
}

/* One step inside a PDU; reads at least a byte of the part or moves on to what comes next. */
static void pdu_step(struct dissect *d, struct dicom_side *s, struct piece *in)
{
	switch (s->pdu_type) {
	case PDU_RQ:
	case PDU_AC:
		associate_step(d, s, in);
		break;
	case PDU_DATA:
		fragment_step(d, s, in);
		break;
	case PDU_RJ:
	case PDU_ABORT:
		reason_step(d, s, in);
		break;
	default: /* release: four reserved bytes */
		piece_skip(in, in->n);
	}
}

static void body_feed(struct dissect *d, struct dicom_side *s, struct piece *in)
{
	struct piece part = { in->p, in->n < s->pdu_left ? in->n : s->pdu_left };
	size_t had = part.n;
	bool pdv = s->step == STEP_PDV && gather_head(s->head, &s->have, 6, &part);
	if (s->step == STEP_BODY)
		pdu_step(d, s, &part);
	s->pdu_left -= (uint32_t)(had - part.n);
	piece_skip(in, had - part.n);
	if (pdv)
		pdv_begin(d, s);
	if (!s->pdu_left)
		pdu_end(d, s);
}

static bool is_open(const struct dissect *d)
{
	return d->answer == DISSECT_LOOKING || d->answer == DISSECT_RECOGNISED;
}

enum dissect_answer med_dicom_feed(struct dissect *d, unsigned side, const uint8_t *p, size_t n)
{
	struct dicom_side *s = &d->u.dicom.side[side];
	struct piece in = { p, n };
	while (in.n && s->step != STEP_LOST && is_open(d)) {
		if (s->step != STEP_PDU)
			body_feed(d, s, &in);
		else if (gather_head(s->head, &s->have, 6, &in))
			pdu_begin(d, s);
	}
	return d->answer;
}

/* The other side may still be read; when it is lost as well there is nothing left to learn. */
enum dissect_answer med_dicom_gap(struct dissect *d, unsigned side)
{
	d->u.dicom.side[side].step = STEP_LOST;
	if (d->u.dicom.side[!side].step == STEP_LOST)
		return DISSECT_FINISHED;
	return DISSECT_RECOGNISED;
}
