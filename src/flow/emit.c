/* From a record to a row. Rows leave in batches. Thread: flow/N. */
#include "shard.h"

/* Multicast, broadcast, unspecified and loopback never leave the site by themselves. */
static bool is_internal(const struct flow_conf *c, const struct addr *a)
{
	if (addr_is_v4(a)) {
		uint32_t ip = addr_v4_of(a);
		if (ip >> 28 == 14 || ip == UINT32_MAX || ip >> 24 == 0 || ip >> 24 == 127)
			return true;
	} else if (a->b[0] == 0xff || addr_is_zero(a)) {
		return true;
	}
	for (size_t i = 0; i < c->n_internal; i++)
		if (cidr_has(&c->internal[i], a))
			return true;
	return false;
}

static uint8_t direction_of(const struct flow_conf *c, const struct flow *f)
{
	bool src = is_internal(c, &f->src), dst = is_internal(c, &f->dst);
	if (src)
		return dst ? FLOW_DIR_INTERNAL : FLOW_DIR_OUTBOUND;
	return dst ? FLOW_DIR_INBOUND : FLOW_DIR_EXTERNAL;
}

static const char *proto_name(const struct flow_shard *s, uint16_t proto)
{
	size_t own = proto - PROTO_OWN;
	if (proto < PROTO_OWN)
		return dpi_name(s->dpi, proto);
	return own < n_dissectors ? dissectors[own].name : "";
}

/* Who: the two ends, the source first. */
static void put_ends(struct flow *f, const struct flow_hot *h, const struct flow_cold *c)
{
	unsigned src = h->flags & FLOW_SWAPPED ? 1 : 0, dst = src ^ 1;
	f->src = src ? h->key.dst : h->key.src;
	f->dst = src ? h->key.src : h->key.dst;
	f->src_port = src ? h->key.dst_port : h->key.src_port;
	f->dst_port = src ? h->key.src_port : h->key.dst_port;
	f->src_bytes = h->bytes[src];
	f->dst_bytes = h->bytes[dst];
	f->src_packets = h->packets[src];
	f->dst_packets = h->packets[dst];
	f->src_tcp_flags = h->tcp_flags[src];
	f->dst_tcp_flags = h->tcp_flags[dst];
	memcpy(f->src_mac, c->mac[src], 6);
	memcpy(f->dst_mac, c->mac[dst], 6);
}

/* What: names and texts. */
static void put_words(struct flow_shard *s, struct flow *f, const struct flow_hot *h,
		      const struct flow_cold *c)
{
	static const size_t limits[META_TEXTS] = { sizeof(f->name), sizeof(f->user_agent),
						   sizeof(f->ja3), sizeof(f->detail),
						   sizeof(f->medical) };
	char *const out[META_TEXTS] = { f->name, f->user_agent, f->ja3, f->detail, f->medical };
	(void)str_copy(f->proto, sizeof(f->proto), str_of(proto_name(s, c->proto)));
	(void)str_copy(f->app, sizeof(f->app), str_of(proto_name(s, c->app)));
	if (c->confidence != FLOW_CONF_CONTENT)
		(void)str_copy(f->hint, sizeof(f->hint),
			       str_of(ports_hint(h->key.l4, f->dst_port,
						 c->confidence >= FLOW_CONF_CACHE)));
	for (unsigned i = 0; c->meta && i < META_TEXTS; i++)
		(void)str_copy(out[i], limits[i], str_of(meta_get(c, i)));
	if (h->medical && c->confidence == FLOW_CONF_CONTENT)
		(void)dissect_facts(medical_dissect(s->medical, h->medical), f->medical,
				    sizeof(f->medical));
	f->name_kind = f->name[0] ? c->name_kind : FLOW_NAME_NONE;
}

void emit_flow(struct flow_shard *s, uint32_t index, enum flow_end reason)
{
	const struct flow_hot *h = hot_of(&s->table, index);
	const struct flow_cold *c = cold_of(&s->table, index);
	struct flow *f = &s->rows[s->n_rows];
	memset(f, 0, sizeof(*f));
	f->start_ns = h->start_ns;
	f->end_ns = h->end_ns;
	f->flow_start_ns = c->flow_start_ns;
	f->risks = c->risks;
	f->rtt_ns = c->rtt_ns;
	f->retransmits = c->retransmits;
	f->vlan = c->vlan;
	f->risk_score = c->risk_score;
	f->ip_version = h->key.ip_version;
	f->l4 = h->key.l4;
	f->tunnel = c->tunnel;
	f->end_reason = (uint8_t)reason;
	f->confidence = c->confidence;
	f->sensor = c->sensor;
	put_ends(f, h, c);
	put_words(s, f, h, c);
	f->direction = direction_of(&s->conf, f);
	s->stats.rows++;
	if (++s->n_rows == EMIT_ROWS)
		emit_flush(s);
}

void emit_flush(struct flow_shard *s)
{
	if (s->n_rows)
		(void)s->sink(s->sink_arg, s->rows,
			      s->n_rows); /* closed store: the process is ending */
	s->n_rows = 0;
}
