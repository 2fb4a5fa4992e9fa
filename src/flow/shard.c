/* A shard: packets find their flow, flows begin, end and give rows. The packet path takes batches in
 * groups, so that the memory of the next packets is on its way while this one is worked on.
 * Thread: flow/N. */
#include "shard.h"

#include <stdlib.h>

#define GROUP 16u

/* ---- life of a flow ---- */

/* Does the sender of this first packet answer rather than ask? */
static bool is_answer(const struct pkt *p)
{
	if (p->flags & PKT_TCP && p->tcp_flags & 2)
		return p->tcp_flags & 16; /* SYN-ACK */
	if (p->flags & PKT_ANSWER)
		return true;
	if (p->key.l4 == 1 || p->key.l4 == 58) /* "ports" of ICMP are none */
		return false;
	return ports_is_server(p->key.l4, p->key.src_port) &&
	       !ports_is_server(p->key.l4, p->key.dst_port);
}

static uint32_t flow_begin(struct flow_shard *s, const struct pkt *p, uint32_t hash)
{
	uint32_t index = table_add(&s->table, hash, &p->key);
	if (!index && wheel_evict(s)) {
		s->stats.evicted++;
		index = table_add(&s->table, hash, &p->key);
	}
	if (!index)
		return 0;
	struct flow_hot *h = hot_of(&s->table, index);
	struct flow_cold *c = cold_of(&s->table, index);
	h->last_s = h->slice_s = s->now_s;
	h->flags = is_answer(p) ? FLOW_SWAPPED : 0;
	c->flow_start_ns = p->ts_ns;
	c->vlan = p->key.vlan;
	c->tunnel = p->tunnel;
	c->sensor = p->sensor;
	memcpy(c->mac[0], p->src_mac, 6);
	memcpy(c->mac[1], p->dst_mac, 6);
	wheel_add(s, index);
	s->stats.flows++;
	return index;
}

void shard_slice(struct flow_shard *s, uint32_t index)
{
	struct flow_hot *h = hot_of(&s->table, index);
	struct flow_cold *c = cold_of(&s->table, index);
	inspect_finish(s, index);
	if (h->start_ns)
		emit_flow(s, index, FLOW_END_ACTIVE);
	h->start_ns = 0;
	h->bytes[0] = h->bytes[1] = 0;
	h->packets[0] = h->packets[1] = 0;
	h->slice_s = s->now_s;
	c->retransmits = 0;
}

void shard_end(struct flow_shard *s, uint32_t index, enum flow_end reason)
{
	struct flow_hot *h = hot_of(&s->table, index);
	struct flow_cold *c = cold_of(&s->table, index);
	inspect_finish(s, index);
	if (h->start_ns) /* nothing since the last slice: that row was the last */
		emit_flow(s, index, reason);
	if (c->confidence >= FLOW_CONF_CACHE)
		recent_put(s->recent, h, c, s->now_s);
	inspect_drop(s, index);
	meta_drop(s, c);
	wheel_remove(s, index);
	table_remove(&s->table, index);
}

/* ---- packets ---- */

static uint32_t flow_of(struct flow_shard *s, const struct pkt *p, uint32_t hash,
			unsigned *side)
{
	uint32_t index = table_find(&s->table, hash, &p->key, side);
	if (index && p->flags & PKT_TCP && p->tcp_flags & 2) {
		struct flow_hot *h = hot_of(&s->table, index);
		struct flow_cold *c = cold_of(&s->table, index);
		if (tcp_is_reuse(h, c, p)) {
			s->stats.reused++;
			shard_end(s, index,
				  h->state == FLOW_CLOSED ? c->close_reason : FLOW_END_REUSE);
			index = 0;
		}
	}
	if (!index) {
		*side = 0;
		index = flow_begin(s, p, hash);
	}
	return index;
}

static void count(struct flow_shard *s, struct flow_hot *h, const struct pkt *p, unsigned side,
		  uint32_t packets, uint64_t bytes)
{
	h->bytes[side] += bytes;
	h->packets[side] += packets;
	h->last_s = s->now_s;
	if (unlikely(!h->start_ns)) {
		h->start_ns = h->end_ns = p->ts_ns ? p->ts_ns : 1;
	} else if (p->ts_ns > h->end_ns) {
		h->end_ns = p->ts_ns;
	}
	uint32_t early = h->early + packets;
	h->early = early < UINT8_MAX ? (uint8_t)early : UINT8_MAX;
	s->stats.packets_in_flows += packets;
}

static void shard_packet(struct flow_shard *s, const uint8_t *frame, const struct pkt *p,
			 uint32_t hash)
{
	unsigned side;
	uint32_t index = flow_of(s, p, hash, &side);
	if (unlikely(!index)) { /* no memory for a single flow */
		s->stats.packets_bad++;
		return;
	}
	s->last_index = index;
	struct flow_hot *h = hot_of(&s->table, index);
	uint8_t before = h->state;
	count(s, h, p, side, 1, p->wire_bytes);
	if (p->flags & PKT_TCP)
		tcp_packet(h, cold_of(&s->table, index), p, side);
	else if (h->early > 2)
		h->state = FLOW_OPEN;
	if (p->payload_bytes)
		h->flags |= FLOW_PAYLOAD;
	if (unlikely(h->state == FLOW_CLOSED && before != FLOW_CLOSED)) {
		wheel_remove(s, index);
		wheel_add(s, index);
	}
	if (!(h->flags & FLOW_NAMED) || h->medical)
		inspect_packet(s, index, frame, p, side);
}

void shard_count(struct flow_shard *s, const struct pkt *p, uint32_t packets, uint64_t bytes)
{
	unsigned side;
	uint32_t index = flow_of(s, p, table_hash(&s->table, &p->key), &side);
	if (index)
		count(s, hot_of(&s->table, index), p, side, packets, bytes);
	else
		s->stats.packets_bad += packets;
}

static void shard_fragment(struct flow_shard *s, const uint8_t *frame, struct pkt *p,
			   uint32_t hash)
{
	if (p->flags & PKT_FRAG_FIRST) {
		shard_packet(s, frame, p, hash);
		frag_first(s, p);
	} else if (frag_later(s, p)) {
		shard_packet(s, frame, p, table_hash(&s->table, &p->key));
	}
}

/* Addresses were read: also of packets whose L4 or tunnel header lied. */
static bool has_flow(const struct pkt *p)
{
	return p->key.ip_version != 0;
}

/* The packet that showed the jump came in at the old time; its flow has lived through it. */
static void jump_over(struct flow_shard *s)
{
	struct flow_hot *h = s->last_index ? hot_of(&s->table, s->last_index) : NULL;
	if (!h || !h->in_use)
		return;
	h->last_s = s->now_s;
	if (h->early == 1)
		h->slice_s = s->now_s;
}

static void shard_time(struct flow_shard *s, int64_t ts_ns)
{
	clock_see(&s->clock, ts_ns);
	uint32_t now_s = (uint32_t)(s->clock.mono_ns / NS_PER_S) + 1;
	if (likely(now_s == s->now_s))
		return;
	s->now_s = now_s;
	if (s->clock.jumped)
		jump_over(s);
	wheel_turn(s);
}

static void shard_any(struct flow_shard *s, const struct pkt_batch *b, struct pkt *p,
		      uint32_t hash)
{
	shard_time(s, p->ts_ns);
	s->stats.packets++;
	s->stats.bytes += p->wire_bytes;
	if (unlikely(!has_flow(p))) {
		if (p->result == DECODE_NOT_IP) {
			s->stats.packets_not_ip++;
			s->stats.not_ip[not_ip_kind(p->ethertype)]++;
		} else {
			s->stats.packets_bad++;
		}
		return;
	}
	const uint8_t *frame = b->chunk ? b->chunk->data + p->data_off : NULL;
	if (unlikely(p->flags & (PKT_FRAG_FIRST | PKT_FRAG_LATER)))
		shard_fragment(s, frame, p, hash);
	else
		shard_packet(s, frame, p, hash);
}

void flow_shard_batch(struct flow_shard *s, struct pkt_batch *b)
{
	uint32_t hash[GROUP];
	for (uint32_t at = 0; at < b->n; at += GROUP) {
		uint32_t n = b->n - at < GROUP ? b->n - at : GROUP;
		struct pkt *p = &b->pkts[at];
		for (uint32_t i = 0; i < n; i++) {
			hash[i] = table_hash(&s->table, &p[i].key);
			table_prefetch(&s->table, hash[i]);
		}
		for (uint32_t i = 0; i < n; i++)
			table_prefetch_flow(&s->table, hash[i]);
		for (uint32_t i = 0; i < n; i++)
			shard_any(s, b, &p[i], hash[i]);
	}
	if (b->clock_ns && (!b->n || b->clock_ns != b->pkts[b->n - 1].ts_ns))
		shard_time(s, b->clock_ns);
	if (b->end_of_file)
		flow_shard_finish(s, FLOW_END_EOF);
	emit_flush(s);
}

void flow_shard_clock(struct flow_shard *s, int64_t now_ns)
{
	shard_time(s, now_ns);
	emit_flush(s);
}

void flow_shard_finish(struct flow_shard *s, enum flow_end reason)
{
	frag_expire(s, true);
	for (uint32_t i = 0; i < WHEEL_SLOTS; i++) {
		while (s->wheel.head[i]) {
			uint32_t index = s->wheel.head[i];
			const struct flow_hot *h = hot_of(&s->table, index);
			const struct flow_cold *c = cold_of(&s->table, index);
			shard_end(s, index, h->state == FLOW_CLOSED ? c->close_reason : reason);
		}
	}
	/* The next file has a clock and names of its own. */
	s->clock.ref_ns = s->clock.suspect_ns = 0;
	recent_clear(s->recent);
	emit_flush(s);
}

/* ---- the shard itself ---- */

static uint32_t seconds(int64_t ns)
{
	return ns > NS_PER_S ? (uint32_t)(ns / NS_PER_S) : 1;
}

void flow_conf_defaults(struct flow_conf *c)
{
	static const char *const internal[] = { "10.0.0.0/8",     "172.16.0.0/12",
						"192.168.0.0/16", "100.64.0.0/10",
						"169.254.0.0/16", "fc00::/7",
						"fe80::/10" };
	*c = (struct flow_conf){
		.max_flows = 1000000,
		.max_dpi = 32768,
		.max_medical = 4096,
		.max_meta_bytes = 128u << 20,
		.idle_tcp_ns = 900 * NS_PER_S,
		.idle_udp_ns = 360 * NS_PER_S,
		.idle_short_ns = 60 * NS_PER_S,
		.half_open_ns = 30 * NS_PER_S,
		.linger_ns = 10 * NS_PER_S,
		.active_ns = 300 * NS_PER_S,
		.vlan_in_key = true,
	};
	for (size_t i = 0; i < ARRAY_LEN(internal); i++)
		if (cidr_parse(str_of(internal[i]), &c->internal[c->n_internal]) == 0)
			c->n_internal++;
}

int flow_shard_new(struct flow_shard **out, const struct flow_conf *conf, flow_sink sink,
		   void *arg, struct err *e)
{
	struct flow_shard *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NOMEM, "no memory for a flow shard");
	s->conf = *conf;
	s->sink = sink;
	s->sink_arg = arg;
	s->limit =
		(struct flow_limits){ seconds(conf->idle_tcp_ns),   seconds(conf->idle_udp_ns),
				      seconds(conf->idle_short_ns), seconds(conf->half_open_ns),
				      seconds(conf->linger_ns),     seconds(conf->active_ns) };
	s->now_s = s->wheel.done_s = s->wheel.press_s = 1;
	int rc = table_init(&s->table, conf->max_flows, conf->vlan_in_key);
	rc = rc ? rc : frag_new(&s->frags);
	rc = rc ? rc : recent_new(&s->recent);
	rc = rc ? rc : medical_new(&s->medical, conf->max_medical);
	if (rc)
		err_set(e, ERR_NOMEM, "no memory for the table of %u flows", conf->max_flows);
	rc = rc ? rc : dpi_new(&s->dpi, conf->max_dpi, conf->dpi_off, conf->n_dpi_off, e);
	if (rc) {
		flow_shard_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void flow_shard_stats(const struct flow_shard *s, struct flow_stats *out)
{
	*out = s->stats;
	out->open = s->table.open;
	out->dpi_calls = dpi_calls(s->dpi);
	out->dpi_open = dpi_states(s->dpi);
	out->medical_open = medical_readers(s->medical);
	out->memory_bytes = table_memory(&s->table) + dpi_memory(s->dpi) +
			    medical_memory(s->medical) + s->stats.meta_bytes;
}

/* Without rows: finish first when they are wanted. */
void flow_shard_free(struct flow_shard *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; s->dpi && i < WHEEL_SLOTS; i++) {
		for (uint32_t index = s->wheel.head[i]; index;
		     index = hot_of(&s->table, index)->next) {
			inspect_drop(s, index);
			meta_drop(s, cold_of(&s->table, index));
		}
	}
	dpi_free(s->dpi);
	medical_free(s->medical);
	recent_free(s->recent);
	frag_free(s->frags);
	table_fini(&s->table);
	free(s);
}
