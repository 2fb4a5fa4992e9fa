/* One shard from the inside. Everything here belongs to one thread, flow/N. */
#ifndef FLOW_SHARD_H
#define FLOW_SHARD_H

#include "dissect.h"
#include "dpi.h"
#include "tomsd/flow.h"

/* Flows are named by index; 0 is none. Slabs of 1024 are made as they are needed, never given back. */
#define SLAB_BITS 10
#define SLAB_FLOWS (1u << SLAB_BITS)

enum flow_state {
	FLOW_NEW, /* TCP: nothing behind the handshake yet. Others: one packet or two */
	FLOW_OPEN,
	FLOW_CLOSED, /* FIN from both sides, or RST; lingers */
};

enum flow_flag {
	FLOW_SWAPPED = 1,  /* the row's source is side 1 */
	FLOW_SYN = 2,      /* a SYN without ACK was seen: cold.isn, cold.syn_ns */
	FLOW_SYN_SIDE = 4, /* from side 1 */
	FLOW_SYN_ACK = 8,
	FLOW_SEQ0 = 16, /* next_seq[0] is known */
	FLOW_SEQ1 = 32,
	FLOW_NAMED = 64,    /* protocol decided: nothing more for nDPI */
	FLOW_PAYLOAD = 128, /* has carried payload */
};

/* What every packet touches: two cache lines. Sides: 0 sent the first packet, 1 the other. */
struct flow_hot {
	struct pkt_key key;       /* of the first packet */
	int64_t start_ns, end_ns; /* of this slice; start 0: no packet in it yet */
	uint64_t bytes[2];        /* of this slice */
	uint32_t packets[2];
	uint32_t next_seq[2];
	uint32_t hash;
	uint32_t last_s, slice_s; /* shard clock: last packet, begin of the slice */
	uint32_t prev, next;      /* in its slot of the wheel; next also links free ones */
	uint32_t dpi;             /* nDPI state, 0 none */
	uint32_t medical;         /* medical reader, 0 none */
	uint16_t slot;            /* of the wheel */
	uint8_t state;            /* enum flow_state */
	uint8_t flags;            /* enum flow_flag */
	uint8_t tcp_flags[2];
	uint8_t early; /* packets of the conversation, stops at 255 */
	uint8_t in_use;
};
static_assert(sizeof(struct flow_hot) == 128, "two cache lines");

/* What is read when something happens and when a row is written. */
struct flow_cold {
	int64_t flow_start_ns, syn_ns, rtt_ns;
	uint64_t risks;
	struct meta *meta;
	uint32_t isn, retransmits;
	uint16_t proto, app; /* nDPI's numbers, or PROTO_OWN + n */
	uint16_t risk_score, vlan;
	uint8_t mac[2][6]; /* by side */
	uint8_t confidence, tunnel, sensor, close_reason, name_kind;
};
#define PROTO_OWN 0x8000u /* + index of dissectors[] */

struct flow_slab {
	struct flow_hot hot[SLAB_FLOWS];
	struct flow_cold cold[SLAB_FLOWS];
};

/* Open addressing: hash << 32 | index, 0 empty; a probe touches one line and no record. */
struct flow_table {
	uint64_t *slots;
	size_t bytes;
	uint32_t mask;
	uint64_t seed[4];
	uint16_t vlan_mask; /* 0: tags do not tell conversations apart */
	struct flow_slab **slabs;
	uint32_t n_slabs, max_slabs;
	uint32_t free, open, max, next_new; /* next_new: first index never used */
};

/* Wheel of one-second slots. A flow sits in the slot where it might end; it is looked at only then. */
#define WHEEL_SLOTS 1024u
struct wheel {
	uint32_t head[WHEEL_SLOTS];
	uint32_t done_s;  /* slots up to this second are done */
	uint32_t press_s; /* eviction looks from here on */
};

/* Packet clock: seconds that only go forward, whatever the timestamps do. */
struct pkt_clock {
	int64_t ref_ns; /* packet time that mono stands for; 0: none seen */
	int64_t mono_ns;
	int64_t suspect_ns; /* a jump ahead that waits for a second packet to agree */
	uint32_t behind;    /* packets in a row far behind ref_ns */
	bool jumped; /* the last look confirmed a jump: the packet before it was already behind it */
};

struct flow_limits { /* flow_conf in seconds of the clock */
	uint32_t tcp, udp, brief, half_open, linger, active;
};

struct frag_table;
struct recent;
struct medical_pool;
struct meta;

#define EMIT_ROWS 64

struct flow_shard {
	struct flow_conf conf;
	struct flow_limits limit;
	struct flow_table table;
	struct wheel wheel;
	struct pkt_clock clock;
	uint32_t now_s;
	uint32_t last_index; /* flow of the last packet */
	struct dpi *dpi;
	struct frag_table *frags;
	struct recent *recent;
	struct medical_pool *medical;
	struct flow_stats stats;
	flow_sink sink;
	void *sink_arg;
	size_t n_rows;
	struct flow rows[EMIT_ROWS];
	struct dpi_result result; /* scratch */
};

/* table.c */
int table_init(struct flow_table *t, uint32_t max_flows, bool vlan_in_key);
void table_fini(struct flow_table *t);
uint32_t table_hash(const struct flow_table *t, const struct pkt_key *k);
static inline void table_prefetch(const struct flow_table *t, uint32_t hash)
{
	__builtin_prefetch(&t->slots[hash & t->mask]);
}
/* Prefetches the record the hash most likely stands for. */
void table_prefetch_flow(const struct flow_table *t, uint32_t hash);
/* Index, 0 none; *side: 0 when the packet goes the way of the flow's first one, else 1. */
uint32_t table_find(const struct flow_table *t, uint32_t hash, const struct pkt_key *k,
		    unsigned *side);
/* A zeroed record that is entered under hash; 0 when the table is full or memory is short. */
uint32_t table_add(struct flow_table *t, uint32_t hash, const struct pkt_key *k);
void table_remove(struct flow_table *t, uint32_t index);
size_t table_memory(const struct flow_table *t);
static inline struct flow_hot *hot_of(const struct flow_table *t, uint32_t index)
{
	return &t->slabs[index >> SLAB_BITS]->hot[index & (SLAB_FLOWS - 1)];
}
static inline struct flow_cold *cold_of(const struct flow_table *t, uint32_t index)
{
	return &t->slabs[index >> SLAB_BITS]->cold[index & (SLAB_FLOWS - 1)];
}

/* expire.c */
void clock_see(struct pkt_clock *c, int64_t ts_ns);
void wheel_add(struct flow_shard *s, uint32_t index); /* where it might end */
void wheel_remove(struct flow_shard *s, uint32_t index);
void wheel_turn(struct flow_shard *s);  /* up to s->now_s */
bool wheel_evict(struct flow_shard *s); /* ends the flow that would end next */

/* shard.c */
void shard_end(struct flow_shard *s, uint32_t index, enum flow_end reason); /* row, then gone */
void shard_slice(struct flow_shard *s, uint32_t index);                     /* row, goes on */
/* Fragments that have waited: counted, not looked into. p is one of them, with its ports now. */
void shard_count(struct flow_shard *s, const struct pkt *p, uint32_t packets, uint64_t bytes);

/* tcp.c */
/* Before the packet is counted; true: it begins another conversation on the same ports. */
bool tcp_is_reuse(const struct flow_hot *h, const struct flow_cold *c, const struct pkt *p);
void tcp_packet(struct flow_hot *h, struct flow_cold *c, const struct pkt *p, unsigned side);

/* inspect.c: who looks at payload, and what they find */
void inspect_packet(struct flow_shard *s, uint32_t index, const uint8_t *frame,
		    const struct pkt *p, unsigned side);
void inspect_finish(struct flow_shard *s, uint32_t index); /* decides with what was seen */
void inspect_drop(struct flow_shard *s, uint32_t index);   /* frees what is held */

/* emit.c */
void emit_flow(struct flow_shard *s, uint32_t index, enum flow_end reason);
void emit_flush(struct flow_shard *s);

/* frag.c: later fragments find the ports of the first */
#define FRAG_ENTRIES 1024u
int frag_new(struct frag_table **out);
void frag_free(struct frag_table *ft);
/* A first fragment: its ports are kept. Those that came before it are counted to its flow. */
void frag_first(struct flow_shard *s, const struct pkt *p);
/* A later one: true when its key now has its ports (or never will have), false while it waits. */
bool frag_later(struct flow_shard *s, struct pkt *p);
void frag_expire(struct flow_shard *s, bool all);

/* meta.c: texts of a flow, one block of the size they need */
enum meta_text { META_NAME, META_USER_AGENT, META_JA3, META_DETAIL, META_MEDICAL, META_TEXTS };
/* Sets the texts that are not NULL, keeps the others. Past the limit nothing changes (counted). */
void meta_set(struct flow_shard *s, struct flow_cold *c, const char *const texts[META_TEXTS]);
const char *meta_get(const struct flow_cold *c,
		     enum meta_text which); /* "" when there is none */
void meta_drop(struct flow_shard *s, struct flow_cold *c);

/* medical.c: payload in order for the dissectors */
int medical_new(struct medical_pool **out, uint32_t max);
void medical_free(struct medical_pool *pool);
/* A reader for a flow; 0 when all are taken (close the one of medical_oldest first). */
uint32_t medical_open(struct medical_pool *pool, uint32_t owner);
uint32_t medical_oldest(const struct medical_pool *pool); /* owner of the one opened first */
void medical_close(struct medical_pool *pool, uint32_t reader);
/* whole: false when the end of the payload was not captured. */
enum dissect_answer medical_tcp(struct medical_pool *pool, uint32_t reader, unsigned side,
				uint32_t seq, const uint8_t *p, uint32_t n, bool whole);
const struct dissect *medical_dissect(const struct medical_pool *pool, uint32_t reader);
enum dissect_answer medical_udp(struct medical_pool *pool, uint32_t reader, unsigned side,
				const uint8_t *p, uint32_t n);
uint32_t medical_readers(const struct medical_pool *pool);
size_t medical_memory(const struct medical_pool *pool);

/* not_ip.c */
unsigned not_ip_kind(uint16_t ethertype);

/* ports.c */
bool ports_is_server(uint8_t l4, uint16_t port); /* well known, or known to be listened on */
/* "" when none. is_named: the protocol was found by content; then only what says more than it. */
const char *ports_hint(uint8_t l4, uint16_t port, bool is_named);

/* recent.c: names of conversations that are over, for what comes after all */
int recent_new(struct recent **out);
void recent_free(struct recent *r);
void recent_clear(struct recent *r);
void recent_put(struct recent *r, const struct flow_hot *h, const struct flow_cold *c,
		uint32_t now_s);
bool recent_get(const struct recent *r, const struct flow_hot *h, uint32_t now_s,
		uint16_t *proto, uint16_t *app);

#endif
