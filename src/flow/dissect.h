/* Own dissectors for what hospitals speak and nDPI does not know: DICOM, HL7 v2 over MLLP,
 * BACnet/IP. They go by content, on any port, and are asked before nDPI. Each is a streaming
 * state machine: it takes the payload in pieces of any size, keeps no packet, and what it keeps
 * is bounded.
 *
 * The patient rule: facts are about equipment. There is no place here that a patient's name,
 * number or birthday could be copied to; values that are not on a short list are skipped by
 * counting.
 *
 * How the flow thread uses it (one struct dissect belongs to one flow, one thread):
 *
 *	first payload of the flow:
 *		if (!dissect_tcp_begins(p, n)) -> never ours, no state needed (most flows)
 *		d = from the pool; dissect_init(d);
 *	every payload piece, in order for its side, retransmitted bytes taken off:
 *		switch (dissect_tcp(d, side, p, n)) {
 *		case DISSECT_LOOKING:     keep feeding; nDPI may be fed beside it
 *		case DISSECT_NOT_MEDICAL: give d back; nDPI alone decides
 *		case DISSECT_RECOGNISED:  dissect_proto(d) overrides nDPI; keep feeding
 *		case DISSECT_FINISHED:    as RECOGNISED, but nothing more will come
 *		}
 *	bytes that were never seen on one side:
 *		dissect_gap(d, side), the same answers
 *	when a row is written:
 *		dissect_facts(d, row.medical, sizeof(row.medical))
 *
 * UDP: dissect_udp_begins/dissect_udp, one call a datagram, no order needed.
 * FINISHED and NOT_MEDICAL are final: feeding on is allowed and repeats the answer.
 */
#ifndef FLOW_DISSECT_H
#define FLOW_DISSECT_H

#include "tomsd/base/compiler.h"

#define DISSECT_FACTS_MAX 512 /* with NUL: struct flow's medical[] */

enum dissect_answer {
	DISSECT_LOOKING,
	DISSECT_NOT_MEDICAL,
	DISSECT_RECOGNISED,
	DISSECT_FINISHED
};

/* What was learned, as entries [field][length][bytes] in the order they came. Text is cleaned
 * on its way in: printable UTF-8, at most DISSECT_VALUE_MAX bytes. */
#define DISSECT_VALUE_MAX 64
struct facts {
	uint16_t used;
	bool full; /* something did not fit */
	uint8_t bytes[533];
};

/* What a header or value is put together from, piece by piece. */
struct gather {
	uint32_t skip; /* bytes to count off before it */
	uint32_t take; /* bytes of a value still to come */
	uint8_t have, head[12];
	uint8_t vlen, value[DISSECT_VALUE_MAX];
};

/* One direction of a DICOM association. */
struct dicom_side {
	uint32_t pdu_left, pdv_left; /* bytes still to come of the PDU, of the fragment in it */
	uint8_t step, pdu_type;      /* of the PDU */
	uint8_t have, head[6];       /* its header, or a fragment's, in the making */
	uint8_t pdv_flags;
	uint8_t part; /* of the items or elements inside: what comes next */
	uint8_t data_set, depth;
	uint8_t context; /* presentation context in the making */
	bool store;      /* the last command was C-STORE: its data set is read */
	uint16_t field;  /* item, command or fact that the value belongs to */
	uint32_t tag;    /* last element at the top level of the data set */
	struct gather in;
};

/* One direction of an HL7 connection. */
struct hl7_side {
	uint16_t field; /* number of the field the next byte belongs to */
	uint8_t step, segment;
	uint8_t name_len, name[3];
	uint8_t sep[5]; /* MSH-1 and MSH-2, in the order of enum sep in med_hl7.c */
	uint8_t seps;   /* of them read */
	uint8_t shift; /* where in an ISO 2022 escape, or in what it switched to */
	bool unicode;  /* MSH-18 says UTF-8 */
	bool doubtful; /* unknown script in this segment: nothing more is kept of it */
	const struct hl7_want *want; /* the field is one of ours */
	uint8_t vlen, value[DISSECT_VALUE_MAX];
};

struct dissect {
	uint8_t answer;    /* enum dissect_answer */
	uint8_t dissector; /* index into dissectors[] + 1; 0 none chosen yet */
	union {
		struct {
			struct dicom_side side[2];
			uint8_t seen;              /* what the association has shown so far */
			uint8_t data_sets;         /* read so far */
			uint8_t offered, accepted; /* presentation contexts */
			uint8_t sop[32]; /* of context 2i+1: row of the SOP class table + 1 */
		} dicom;
		struct hl7_side hl7[2];
	} u;
	struct facts facts;
};

/* Can the first payload byte of a flow begin one of ours? Of whichever side speaks first. */
static inline bool dissect_tcp_begins(const uint8_t *p, size_t n)
{
	/* DICOM A-ASSOCIATE-RQ, -AC, P-DATA-TF; MLLP start block; HL7 without MLLP ("MSH|"). */
	return n &&
	       (p[0] == 0x01 || p[0] == 0x02 || p[0] == 0x04 || p[0] == 0x0b || p[0] == 'M');
}
static inline bool dissect_udp_begins(const uint8_t *p, size_t n)
{
	/* BACnet virtual link: type, function, length of the whole datagram. */
	return n >= 4 && p[0] == 0x81 && p[1] <= 0x0c && (size_t)(p[2] << 8 | p[3]) == n;
}

void dissect_init(struct dissect *d);
/* side: 0 the bytes of the flow's source (who began it), 1 the other's. */
enum dissect_answer dissect_tcp(struct dissect *d, unsigned side, const uint8_t *p, size_t n);
enum dissect_answer dissect_udp(struct dissect *d, unsigned side, const uint8_t *p, size_t n);
enum dissect_answer dissect_gap(struct dissect *d, unsigned side);
/* "dicom", "hl7", "bacnet"; "" while undecided. */
const char *dissect_proto(const struct dissect *d);
/* Writes one complete JSON object and NUL ("" when nothing is known), least important members
 * left out where cap (at most DISSECT_FACTS_MAX is used) is too small. Returns its length. */
size_t dissect_facts(const struct dissect *d, char *out, size_t cap);

/* A row a dissector; a new one is a file med_*.c and a row in dissect.c. */
struct dissector {
	const char *name;
	const char *first; /* first payload bytes that can begin it, no two rows the same */
	bool udp;
	enum dissect_answer (*feed)(struct dissect *d, unsigned side, const uint8_t *p,
				    size_t n);
	/* NULL: gaps do not matter. */
	enum dissect_answer (*gap)(struct dissect *d, unsigned side);
	const struct fact_field *fields; /* most important first; NULL name at the end */
};
extern const struct dissector dissectors[];
extern const size_t n_dissectors;

#endif
