/* Later fragments have no ports: they find them by addresses, protocol and identification (RFC 791, RFC
 * 8200 4.5). Those that come before the first one wait, as numbers, not as bytes; when it never comes
 * they become a flow without ports, so that every packet is in some flow. Thread: flow/N. */
#include <stdlib.h>

#include "shard.h"
#include "tomsd/base/hash.h"

#define FRAG_WAYS 4u
#define FRAG_S 30u /* as long as hosts keep them (RFC 1122: 15 to 120 s) */

struct frag {
	struct pkt_key key; /* with ports once the first one is here */
	uint32_t id, until_s;
	bool used, has_ports;
	uint32_t waiting; /* packets before the first one */
	uint64_t waiting_bytes;
	struct pkt sample; /* the first that waits: its times and MACs stand for all */
};

struct frag_table {
	uint32_t used;
	uint32_t next_s; /* nothing is due before */
	struct frag entries[FRAG_ENTRIES];
};

int frag_new(struct frag_table **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ERR_NOMEM;
}

void frag_free(struct frag_table *ft)
{
	free(ft);
}

/* IPv4 tells datagrams apart by protocol too (RFC 791). IPv6 does not (RFC 8200 4.5), and must not: the
 * first fragment knows the protocol behind its extension headers, later ones only the first of these. */
static bool same_datagram(const struct frag *e, const struct pkt *p)
{
	return e->used && e->id == p->frag_id && e->key.vlan == p->key.vlan &&
	       e->key.ip_version == p->key.ip_version &&
	       (e->key.l4 == p->key.l4 || p->key.ip_version == 6) &&
	       memcmp(&e->key.src, &p->key.src, sizeof(e->key.src)) == 0 &&
	       memcmp(&e->key.dst, &p->key.dst, sizeof(e->key.dst)) == 0;
}

/* What waited is counted where e->key says: at the first one's flow, or without ports. */
static void settle(struct flow_shard *s, struct frag *e)
{
	if (!e->waiting)
		return;
	uint32_t packets = e->waiting;
	uint64_t bytes = e->waiting_bytes;
	e->waiting = 0;
	e->waiting_bytes = 0;
	e->sample.key = e->key;
	if (!e->has_ports)
		s->stats.fragments_lost += packets;
	shard_count(s, &e->sample, packets, bytes);
}

static void entry_end(struct flow_shard *s, struct frag *e)
{
	settle(s, e);
	e->used = false;
	s->frags->used--;
}

/* The datagram's entry, made in place of the oldest of its set when it is new. */
static struct frag *entry_of(struct flow_shard *s, const struct pkt *p)
{
	uint64_t h =
		hash_bytes(&p->key.src, 2 * sizeof(p->key.src), s->table.seed[0] ^ p->frag_id);
	struct frag *set = &s->frags->entries[h % (FRAG_ENTRIES / FRAG_WAYS) * FRAG_WAYS],
		    *e = set;
	for (unsigned i = 0; i < FRAG_WAYS; i++) {
		if (same_datagram(&set[i], p))
			return &set[i];
		if (!set[i].used || (e->used && set[i].until_s < e->until_s))
			e = &set[i];
	}
	if (e->used)
		entry_end(s, e);
	*e = (struct frag){
		.key = p->key, .id = p->frag_id, .until_s = s->now_s + FRAG_S, .used = true
	};
	e->key.src_port = e->key.dst_port = 0;
	s->frags->used++;
	if (s->frags->used == 1 || e->until_s < s->frags->next_s)
		s->frags->next_s = e->until_s;
	return e;
}

void frag_first(struct flow_shard *s, const struct pkt *p)
{
	struct frag *e = entry_of(s, p);
	e->key = p->key;
	e->has_ports = true;
	settle(s, e);
}

bool frag_later(struct flow_shard *s, struct pkt *p)
{
	struct frag *e = entry_of(s, p);
	p->payload_bytes = 0;
	if (e->has_ports) {
		p->key = e->key;
		return true;
	}
	if (!e->waiting)
		e->sample = *p;
	e->waiting++;
	e->waiting_bytes += p->wire_bytes;
	return false;
}

void frag_expire(struct flow_shard *s, bool all)
{
	struct frag_table *ft = s->frags;
	if (!ft->used || (!all && s->now_s < ft->next_s))
		return;
	ft->next_s = s->now_s + FRAG_S;
	for (unsigned i = 0; i < FRAG_ENTRIES; i++) {
		struct frag *e = &ft->entries[i];
		if (!e->used)
			continue;
		if (all || s->now_s >= e->until_s)
			entry_end(s, e);
		else if (e->until_s < ft->next_s)
			ft->next_s = e->until_s;
	}
}
