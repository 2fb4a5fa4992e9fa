/* Who looks into a flow's payload, and what is made of it: our medical dissectors first (nDPI 4.2 calls
 * DICOM "Cassandra"), nDPI beside them until one of them knows, and a guess when neither does.
 * Thread: flow/N. */
#include "shard.h"

enum { L4_TCP = 6, L4_UDP = 17 };

/* The key as its client had it. */
static struct pkt_key client_key(const struct flow_hot *h)
{
	struct pkt_key k = h->key;
	if (h->flags & FLOW_SWAPPED) {
		k.src = h->key.dst;
		k.dst = h->key.src;
		k.src_port = h->key.dst_port;
		k.dst_port = h->key.src_port;
	}
	return k;
}

static unsigned client_side(const struct flow_hot *h)
{
	return h->flags & FLOW_SWAPPED ? 1 : 0;
}

/* ---- medical ---- */

static void facts_keep(struct flow_shard *s, struct flow_hot *h, struct flow_cold *c)
{
	char facts[DISSECT_FACTS_MAX];
	const char *texts[META_TEXTS] = { [META_MEDICAL] = facts };
	if (dissect_facts(medical_dissect(s->medical, h->medical), facts, sizeof(facts)) > 0)
		meta_set(s, c, texts);
}

static void reader_give(struct flow_shard *s, struct flow_hot *h)
{
	medical_close(s->medical, h->medical);
	h->medical = 0;
}

/* Where all are taken the one opened first gives way, and what it has read is kept: who opens many and
 * says nothing more must not blind us for what comes after. */
static uint32_t reader_make(struct flow_shard *s, uint32_t index)
{
	uint32_t reader = medical_open(s->medical, index), oldest = medical_oldest(s->medical);
	if (reader)
		return reader;
	s->stats.medical_refused++;
	if (!oldest)
		return 0;
	struct flow_cold *c = cold_of(&s->table, oldest);
	if (c->confidence == FLOW_CONF_CONTENT)
		facts_keep(s, hot_of(&s->table, oldest), c);
	reader_give(s, hot_of(&s->table, oldest));
	return medical_open(s->medical, index);
}

/* Ours overrides nDPI, also what it has said already: its risks were those of another protocol. */
static void recognised(struct flow_shard *s, struct flow_hot *h, struct flow_cold *c)
{
	const struct dissect *d = medical_dissect(s->medical, h->medical);
	uint16_t proto = (uint16_t)(PROTO_OWN + d->dissector - 1u);
	if (c->proto == proto)
		return;
	if (h->dpi)
		dpi_finish(s->dpi, h->dpi, NULL);
	h->dpi = 0;
	h->flags |= FLOW_NAMED;
	c->proto = proto;
	c->app = c->risk_score = 0;
	c->risks = 0;
	c->confidence = FLOW_CONF_CONTENT;
	c->name_kind = FLOW_NAME_NONE;
	meta_drop(s, c);
}

static bool can_begin(const struct pkt *p, const uint8_t *payload)
{
	if (p->key.l4 == L4_TCP)
		return dissect_tcp_begins(payload, p->payload_bytes);
	return dissect_udp_begins(payload, p->payload_bytes);
}

static void medical_packet(struct flow_shard *s, uint32_t index, const uint8_t *payload,
			   const struct pkt *p, unsigned side)
{
	struct flow_hot *h = hot_of(&s->table, index);
	struct flow_cold *c = cold_of(&s->table, index);
	bool whole = !(p->flags & (PKT_CUT | PKT_FRAG_FIRST));
	enum dissect_answer answer;
	side ^= client_side(h);
	if (p->key.l4 == L4_TCP)
		answer = medical_tcp(s->medical, h->medical, side, p->seq, payload,
				     p->payload_bytes, whole);
	else
		answer = medical_udp(s->medical, h->medical, side, payload, p->payload_bytes);
	if (answer == DISSECT_RECOGNISED || answer == DISSECT_FINISHED)
		recognised(s, h, c);
	if (answer == DISSECT_FINISHED)
		facts_keep(s, h, c);
	if (answer == DISSECT_FINISHED || answer == DISSECT_NOT_MEDICAL)
		reader_give(s, h);
}

/* ---- nDPI ---- */

/* Made at the first payload: scans and refused calls never have a state. */
static bool state_make(struct flow_shard *s, uint32_t index, const struct pkt *p, unsigned side)
{
	struct flow_hot *h = hot_of(&s->table, index);
	h->dpi = dpi_open(s->dpi, index, h->key.l4);
	if (!h->dpi && dpi_oldest(s->dpi)) {
		s->stats.dpi_pressed++;
		inspect_finish(s, dpi_oldest(s->dpi));
		h->dpi = dpi_open(s->dpi, index, h->key.l4);
	}
	if (!h->dpi)
		return false;
	/* A made-up SYN for the one that was seen before there was a state. Where none was seen none is
	 * made up: the library would take file contents in the middle for the begin of FTP data. */
	if (h->key.l4 == L4_TCP && h->flags & (FLOW_SYN | FLOW_SYN_ACK)) {
		struct pkt_key k = client_key(h);
		dpi_syn(s->dpi, h->dpi, &k, (side == client_side(h) ? p->seq : p->ack) - 1,
			p->ts_ns);
	}
	return true;
}

static void dpi_look(struct flow_shard *s, uint32_t index, const uint8_t *frame,
		     const struct pkt *p, unsigned side)
{
	struct flow_hot *h = hot_of(&s->table, index);
	if (p->flags & (PKT_CUT | PKT_FRAG_LATER | PKT_BAD_L4) || !p->l3_bytes)
		return;
	/* TCP begins with the first payload. From there on empty packets count too: the library's HTTP
	 * dissector looks into a download only when its request was acknowledged. */
	if (h->key.l4 == L4_TCP && !p->payload_bytes && !h->dpi)
		return;
	if (!dpi_packet_is(frame + p->l3_off, p->l3_bytes, &h->key))
		return;
	if (!h->dpi && !state_make(s, index, p, side))
		return;
	if (dpi_packet(s->dpi, h->dpi, frame + p->l3_off, p->l3_bytes, h->early, p->ts_ns))
		inspect_finish(s, index);
	while (unlikely(dpi_is_heavy(s->dpi))) {
		s->stats.dpi_pressed++;
		inspect_finish(s, dpi_oldest(s->dpi));
	}
}

void inspect_packet(struct flow_shard *s, uint32_t index, const uint8_t *frame,
		    const struct pkt *p, unsigned side)
{
	struct flow_hot *h = hot_of(&s->table, index);
	bool ports = h->key.l4 == L4_TCP || h->key.l4 == L4_UDP;
	if (ports && p->payload_bytes && !(p->flags & (PKT_FRAG_LATER | PKT_BAD_L4))) {
		const uint8_t *payload = frame + p->payload_off;
		if (!h->medical && !(h->flags & FLOW_NAMED) && can_begin(p, payload)) {
			h->medical = reader_make(s, index);
		}
		if (h->medical)
			medical_packet(s, index, payload, p, side);
	}
	if (!(h->flags & FLOW_NAMED))
		dpi_look(s, index, frame, p, side);
}

/* ---- the end of looking ---- */

static void result_keep(struct flow_shard *s, struct flow_cold *c, const struct dpi_result *r)
{
	const char *texts[META_TEXTS] = { [META_NAME] = r->name,
					  [META_USER_AGENT] = r->user_agent,
					  [META_JA3] = r->ja3,
					  [META_DETAIL] = r->detail };
	c->proto = r->proto;
	c->app = r->app;
	c->confidence = r->confidence;
	c->risks = r->risks;
	c->risk_score = r->risk_score;
	c->name_kind = r->name_kind;
	meta_set(s, c, texts);
}

void inspect_finish(struct flow_shard *s, uint32_t index)
{
	struct flow_hot *h = hot_of(&s->table, index);
	struct flow_cold *c = cold_of(&s->table, index);
	struct dpi_result *r = &s->result;
	if (h->flags & FLOW_NAMED)
		return;
	h->flags |= FLOW_NAMED;
	if (h->dpi) {
		dpi_finish(s->dpi, h->dpi, r);
		h->dpi = 0;
	} else {
		struct pkt_key k = client_key(h);
		dpi_guess(s->dpi, &k, r);
	}
	/* What goes on after a silence, or trails behind its end, keeps the name it had. */
	if (r->confidence < FLOW_CONF_CACHE && !(h->flags & (FLOW_SYN | FLOW_SYN_ACK)) &&
	    recent_get(s->recent, h, s->now_s, &r->proto, &r->app))
		r->confidence = FLOW_CONF_CACHE;
	result_keep(s, c, r);
}

void inspect_drop(struct flow_shard *s, uint32_t index)
{
	struct flow_hot *h = hot_of(&s->table, index);
	if (h->dpi)
		dpi_finish(s->dpi, h->dpi, NULL);
	h->dpi = 0;
	if (h->medical)
		reader_give(s, h);
}
