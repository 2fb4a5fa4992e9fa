/* Room flow: packets become flow rows. One shard a thread: own table, own nDPI module, no locks.
 *
 * A shard's edges are batches of packets in and flat rows out, without a pointer in either, so that it
 * could live in a process of its own. Tests, fuzzers and benches use it without the room. */
#ifndef TOMSD_FLOW_H
#define TOMSD_FLOW_H

#include "tomsd/app.h"
#include "tomsd/flow_row.h"
#include "tomsd/packets.h"

extern const struct room flow_room;

#define FLOW_INTERNAL_MAX 64
#define FLOW_DPI_OFF_MAX 256

struct flow_conf {
	uint32_t max_flows;      /* of this shard; what would be more is evicted */
	uint32_t max_dpi;        /* nDPI states at once */
	uint32_t max_medical;    /* flows that a medical dissector reads at once */
	uint64_t max_meta_bytes; /* names, user agents and the like of open flows */
	int64_t idle_tcp_ns, idle_udp_ns;
	int64_t idle_short_ns; /* UDP of one or two packets, ICMP and the rest */
	int64_t half_open_ns;  /* TCP without a segment behind its handshake */
	int64_t linger_ns;     /* after FIN/RST: last ACKs and retransmissions belong to it */
	int64_t active_ns;     /* a flow that goes on gives a row this often */
	bool vlan_in_key;
	size_t n_internal;
	struct cidr internal[FLOW_INTERNAL_MAX];
	size_t n_dpi_off;
	const char *dpi_off
		[FLOW_DPI_OFF_MAX]; /* nDPI protocols left out; used by flow_shard_new only */
};
void flow_conf_defaults(struct flow_conf *c);

/* Frames that are not IP, by ethertype: those a hospital network knows, and the rest. */
enum { FLOW_NOT_IP_KINDS = 12 };
const char *flow_not_ip_name(unsigned kind); /* "arp" ... "other" */

struct flow_stats {
	uint64_t packets, bytes; /* handed in: the sum of the next three */
	uint64_t packets_in_flows, packets_not_ip, packets_bad;
	uint64_t not_ip[FLOW_NOT_IP_KINDS]; /* of packets_not_ip */
	uint64_t flows;                     /* begun */
	uint64_t rows;                      /* written, slices included */
	uint64_t open;                      /* now */
	uint64_t evicted;
	uint64_t reused;         /* ports taken by a new conversation */
	uint64_t fragments_lost; /* packets whose first fragment never came */
	uint64_t dpi_calls, dpi_open,
		dpi_pressed; /* pressed: given up early, no state was left */
	uint64_t medical_open, medical_refused;
	uint64_t meta_bytes, meta_refused;
	uint64_t memory_bytes; /* table, slabs, states and texts; without what nDPI allocates itself */
};

struct flow_shard;
/* Where rows go; called on the shard's thread. Negative: they were not taken (counted nowhere here). */
typedef int (*flow_sink)(void *arg, const struct flow *rows, size_t n);

/* nDPI modules must be made one after the other: no two calls at a time. */
int flow_shard_new(struct flow_shard **out, const struct flow_conf *conf, flow_sink sink,
		   void *arg, struct err *e) MUST_CHECK;
/* Takes all packets of the batch, which stays the caller's (keys in it may be changed). */
void flow_shard_batch(struct flow_shard *s, struct pkt_batch *b);
/* Packet clock where no packets come: flows that are idle end. */
void flow_shard_clock(struct flow_shard *s, int64_t now_ns);
/* Every open flow is written: FLOW_END_SHUTDOWN or FLOW_END_EOF. */
void flow_shard_finish(struct flow_shard *s, enum flow_end reason);
void flow_shard_stats(const struct flow_shard *s,
		      struct flow_stats *out); /* the shard's thread */
void flow_shard_free(struct flow_shard *s);
/* Version of the library linked, "4.2.0"; any thread. */
const char *flow_dpi_version(void);

#endif
