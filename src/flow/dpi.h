/* nDPI behind one file: a module, its states and what they learn. No type of the library appears here.
 * One struct dpi belongs to one thread; dpi_new calls must not overlap (the library's own rule). */
#ifndef FLOW_DPI_H
#define FLOW_DPI_H

#include "tomsd/base/err.h"
#include "tomsd/decode.h"
#include "tomsd/flow_row.h"

struct dpi;

/* What is known at the end; texts are clean UTF-8. */
struct dpi_result {
	uint64_t risks;
	uint16_t proto, app; /* nDPI numbers; app 0 when it says no more than proto */
	uint16_t risk_score;
	uint8_t confidence; /* enum flow_confidence */
	uint8_t name_kind;  /* enum flow_name_kind */
	char name[96], user_agent[128], ja3[33], detail[320];
};

/* off: names of protocols whose dissectors stay out. */
int dpi_new(struct dpi **out, uint32_t max_states, const char *const *off, size_t n_off,
	    struct err *e) MUST_CHECK;
void dpi_free(struct dpi *d);

/* A state for a flow; 0 when all are taken (finish the one of dpi_oldest first). */
uint32_t dpi_open(struct dpi *d, uint32_t owner, uint8_t l4);
uint32_t dpi_oldest(const struct dpi *d); /* owner of the state that was opened first; 0 none */
/* The library may hold more memory than there should be: finish the oldest until it may not. */
bool dpi_is_heavy(const struct dpi *d);
/* A SYN that nobody sent, from k->src: what the library wants to see first of a TCP flow. */
void dpi_syn(struct dpi *d, uint32_t state, const struct pkt_key *k, uint32_t seq,
	     int64_t ts_ns);
/* One packet from its IP header on. seen: packets of the conversation so far. True: nothing more to
 * learn, call dpi_finish. */
bool dpi_packet(struct dpi *d, uint32_t state, const uint8_t *l3, uint32_t n, uint32_t seen,
		int64_t ts_ns);
/* Takes what was learned, with a guess by port or address where nothing was recognised, and gives the
 * state back. out NULL: just gives it back. */
void dpi_finish(struct dpi *d, uint32_t state, struct dpi_result *out);
/* The same guess for a flow no whole packet of which carried payload; k->src is the client. */
void dpi_guess(struct dpi *d, const struct pkt_key *k, struct dpi_result *out);

/* An IP packet with nothing in it: TCP a SYN, UDP no payload, others no header. Returns the length. */
uint32_t dpi_packet_make(uint8_t p[60], const struct pkt_key *k, uint32_t seq);

/* Will the library read this packet as the L4 protocol of its flow? One state must never see two. */
bool dpi_packet_is(const uint8_t *l3, uint32_t n, const struct pkt_key *k);

const char *dpi_name(const struct dpi *d, uint16_t proto); /* lower case; "" for 0 */
uint64_t dpi_calls(const struct dpi *d);
uint32_t dpi_states(const struct dpi *d); /* open now */
size_t dpi_memory(const struct dpi *d);

#endif
