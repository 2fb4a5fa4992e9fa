/* The edge capture -> flow: batches of decoded packets over one bounded queue a flow thread. Bytes lie
 * in chunks that several batches share; the last one to drop a chunk gives it back to its pool.
 * When a queue is full: live capture drops the batch and counts it, --replay waits. */
#ifndef TOMSD_PACKETS_H
#define TOMSD_PACKETS_H

#include "tomsd/base/queue.h"
#include "tomsd/decode.h"

#define PACKETS_CHUNK_BYTES (1u << 20)
#define PACKETS_BATCH_MAX 256

struct packets_pool;
struct chunk {
	_Atomic uint32_t refs;
	uint32_t used; /* bytes; writer: the capture thread that took it */
	struct packets_pool *pool;
	uint8_t data[PACKETS_CHUNK_BYTES];
};

/* A batch is a unit of the pool too; n packets of one chunk for one flow thread. */
struct pkt_batch {
	struct chunk *chunk;
	struct packets_pool *pool;
	int64_t clock_ns; /* packet clock at hand-over: flows idle since are over, even when n is 0 */
	uint32_t n;
	uint32_t end_of_file; /* 1: every flow ends now (replay), after the packets */
	struct pkt pkts[PACKETS_BATCH_MAX];
};

/* One pool and n_shards queues, made by the app before init. queue_batches each. */
struct packets;
struct packets *packets_new(unsigned n_shards, size_t queue_batches, size_t chunks);
void packets_free(struct packets *ps);
unsigned packets_shards(const struct packets *ps);
static inline unsigned packets_shard_of(uint32_t pair_hash, unsigned n_shards)
{
	return (unsigned)(((uint64_t)pair_hash * n_shards) >> 32);
}
/* Capture side. NULL when none is free and wait is false (counts as a drop for the caller). */
struct chunk *packets_chunk_get(struct packets *ps, bool wait); /* refs = 1 */
void packets_chunk_hold(struct chunk *c);                        /* one ref more, for a batch */
void packets_chunk_put(struct chunk *c);                         /* drops one ref; NULL is fine */
struct pkt_batch *packets_batch_get(struct packets *ps, bool wait);
/* Hands the batch (which holds its own ref on its chunk) over: 0, -ERR_FULL (not wait), -ERR_CLOSED;
 * on failure the batch and its ref are given back here. */
int packets_push(struct packets *ps, unsigned shard, struct pkt_batch *b, bool wait) MUST_CHECK;
void packets_close(struct packets *ps, unsigned shard);
/* Flow side. 0, -ERR_TIMEOUT, -ERR_CLOSED. */
int packets_pop(struct packets *ps, unsigned shard, struct pkt_batch **b, int timeout_ms) MUST_CHECK;
void packets_done(struct pkt_batch *b); /* gives batch and chunk ref back */
size_t packets_backlog(struct packets *ps, unsigned shard);

#endif
