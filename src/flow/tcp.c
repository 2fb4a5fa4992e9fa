/* TCP as a flow sees it: state, handshake time, retransmissions. RFC 9293. Thread: flow/N. */
#include "shard.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

/* A SYN with another start number takes the ports over, once the old conversation had come to be one.
 * Before that it is one more try of the same caller. */
bool tcp_is_reuse(const struct flow_hot *h, const struct flow_cold *c, const struct pkt *p)
{
	if ((p->tcp_flags & (SYN | ACK | RST | FIN)) != SYN)
		return false;
	if (h->flags & FLOW_SYN && c->isn == p->seq)
		return false;
	return h->flags & FLOW_PAYLOAD || h->state == FLOW_OPEN ||
	       (h->state == FLOW_CLOSED && h->flags & FLOW_SYN_ACK);
}

static void handshake(struct flow_hot *h, struct flow_cold *c, const struct pkt *p,
		      unsigned side)
{
	uint8_t syn_side = side ? FLOW_SYN_SIDE : 0;
	if ((p->tcp_flags & (SYN | ACK)) == SYN) {
		h->flags = (uint8_t)((h->flags & ~(FLOW_SYN_SIDE | FLOW_SYN_ACK)) | FLOW_SYN |
				     syn_side);
		c->isn = p->seq;
		c->syn_ns = p->ts_ns;        /* of the last try */
		if (h->state == FLOW_CLOSED) /* refused before, now once more */
			h->state = FLOW_NEW;
	} else if (p->tcp_flags & SYN) {
		h->flags |= FLOW_SYN_ACK;
	} else if (p->tcp_flags & ACK && h->flags & FLOW_SYN_ACK && h->flags & FLOW_SYN &&
		   c->syn_ns && (h->flags & FLOW_SYN_SIDE) == syn_side) {
		c->rtt_ns = p->ts_ns > c->syn_ns ? p->ts_ns - c->syn_ns : 0;
		c->syn_ns = 0;
	}
}

/* The next byte this side will send; bytes before it have been seen. */
static void sequence(struct flow_hot *h, struct flow_cold *c, const struct pkt *p,
		     unsigned side)
{
	uint8_t known = side ? FLOW_SEQ1 : FLOW_SEQ0;
	uint32_t end = p->seq + p->payload_bytes + (p->tcp_flags & SYN ? 1 : 0) +
		       (p->tcp_flags & FIN ? 1 : 0);
	if (!(h->flags & known) || p->tcp_flags & SYN) {
		h->next_seq[side] = end;
		h->flags |= known;
		return;
	}
	int32_t ahead = (int32_t)(p->seq - h->next_seq[side]);
	/* A keep-alive repeats one byte or none on purpose (RFC 9293, 3.8.4). */
	if (ahead < 0 && p->payload_bytes && !(ahead == -1 && p->payload_bytes == 1))
		c->retransmits++;
	if ((int32_t)(end - h->next_seq[side]) > 0)
		h->next_seq[side] = end;
}

/* Both sides were seen, or one of them keeps on: a single packet out of nowhere is no conversation, and
 * a flood of them must not live as long as one. */
static bool is_talk(const struct flow_hot *h)
{
	return (h->tcp_flags[0] && h->tcp_flags[1]) || h->early > 2;
}

void tcp_packet(struct flow_hot *h, struct flow_cold *c, const struct pkt *p, unsigned side)
{
	uint8_t flags = p->tcp_flags;
	h->tcp_flags[side] |= flags;
	if (flags & SYN || c->syn_ns)
		handshake(h, c, p, side);
	sequence(h, c, p, side);
	if (flags & RST) {
		if (h->state != FLOW_CLOSED)
			c->close_reason = FLOW_END_RST;
		h->state = FLOW_CLOSED;
	} else if (h->tcp_flags[0] & h->tcp_flags[1] & FIN) {
		if (h->state != FLOW_CLOSED)
			c->close_reason = FLOW_END_FIN;
		h->state = FLOW_CLOSED;
	} else if (!(flags & SYN) && h->state == FLOW_NEW && is_talk(h)) {
		h->state = FLOW_OPEN;
	}
}
