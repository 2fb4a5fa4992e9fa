/* DICOM in three files: med_dicom.c reads PDUs and the association, med_dicom_data.c commands
 * and data sets, med_dicom_uid.c names SOP classes. */
#ifndef FLOW_MED_DICOM_H
#define FLOW_MED_DICOM_H

#include <string.h>

#include "med.h"

enum dicom_field {
	DICOM_MODALITY,
	DICOM_MANUFACTURER,
	DICOM_MODEL,
	DICOM_SERIAL,
	DICOM_SOFTWARE,
	DICOM_STATION,
	DICOM_CALLING,
	DICOM_CALLED,
	DICOM_REJECT,
	DICOM_ABORT,
	DICOM_RQ_VERSION,
	DICOM_AC_VERSION,
	DICOM_RQ_CLASS,
	DICOM_AC_CLASS,
	DICOM_COMMANDS,
	DICOM_USED,
	DICOM_SOP,
	DICOM_REFUSED,
	DICOM_OFFERED,
	DICOM_ACCEPTED,
	DICOM_RQ_PDU,
	DICOM_AC_PDU
};

struct dicom_name {
	uint16_t number;
	const char *name; /* NULL at the end */
};
const char *dicom_name_of(const struct dicom_name *table, unsigned number,
			  const char *otherwise);

/* Unread bytes of the piece at hand, never more than the PDU or fragment that they belong to.
 */
struct piece {
	const uint8_t *p;
	size_t n;
};

static inline void piece_skip(struct piece *in, size_t n)
{
	in->p += n;
	in->n -= n;
}

/* Collects bytes into head until want are there; false while they are not. */
static inline bool gather_head(uint8_t *head, uint8_t *have, uint8_t want, struct piece *in)
{
	size_t n = want > *have ? (size_t)(want - *have) : 0;
	if (n > in->n)
		n = in->n;
	memcpy(head + *have, in->p, n);
	*have = (uint8_t)(*have + n);
	piece_skip(in, n);
	return *have >= want;
}

static inline void gather_skip(struct gather *g, struct piece *in)
{
	size_t n = g->skip < in->n ? g->skip : in->n;
	g->skip -= (uint32_t)n;
	piece_skip(in, n);
}

/* Takes what has come of a value, its first DISSECT_VALUE_MAX bytes for keeps; true at its end.
 */
static inline bool gather_value(struct gather *g, struct piece *in)
{
	size_t n = g->take < in->n ? g->take : in->n;
	size_t room = sizeof(g->value) - g->vlen;
	size_t keep = n < room ? n : room;
	memcpy(g->value + g->vlen, in->p, keep);
	g->vlen = (uint8_t)(g->vlen + keep);
	g->take -= (uint32_t)n;
	piece_skip(in, n);
	return g->take == 0;
}

/* The next header comes after skip bytes. */
static inline void expect_head(struct dicom_side *s, uint8_t part, uint32_t skip)
{
	s->part = part;
	s->in.have = 0;
	s->in.skip = skip;
}

static inline void expect_value(struct dicom_side *s, uint8_t part, uint16_t field,
				uint32_t bytes)
{
	s->part = part;
	s->field = field;
	s->in.take = bytes;
	s->in.vlen = 0;
	s->in.have = 0;
}

/* UIDs and AE titles are padded with a NUL or with spaces. */
static inline size_t dicom_unpadded(const uint8_t *p, size_t n)
{
	while (n && (p[n - 1] == '\0' || p[n - 1] == ' '))
		n--;
	return n;
}

void dicom_keep_uid(struct dissect *d, enum dicom_field f, const uint8_t *p, size_t n);
/* A SOP class by its name, by its UID where we have none. Its row + 1, or 0. */
unsigned dicom_keep_sop(struct dissect *d, enum dicom_field f, const uint8_t *p, size_t n);
unsigned dicom_sop_find(const uint8_t *uid, size_t n); /* row + 1, 0 none */
const char *dicom_sop_name(unsigned row);

/* A fragment begins, has bytes, is over: PS3.8 annex E. */
void dicom_fragment_begin(struct dissect *d, struct dicom_side *s);
void dicom_fragment_feed(struct dissect *d, struct dicom_side *s, struct piece in);
void dicom_fragment_end(struct dissect *d, struct dicom_side *s);
void dicom_data_drop(struct dicom_side *s); /* another PDU cuts a command or data set short */
bool dicom_equipment_known(const struct dissect *d);

#endif
