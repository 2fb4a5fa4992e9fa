/* Batches are filled per flow thread and handed over when full, when the chunk ends, and by the
 * clock. Nothing here allocates; locks are taken once a batch. */
#include "dispatch.h"

#include <stdatomic.h>
#include <string.h>

void dispatch_init(struct dispatch *d, struct packets *ps, uint8_t sensor, bool wait)
{
	*d = (struct dispatch){ .packets = ps, .sensor = sensor, .wait = wait };
	d->n_shards = packets_shards(ps);
	assert(d->n_shards > 0 && d->n_shards <= DISPATCH_SHARDS_MAX);
}

/* The batch is the queue's from here on, or given back by packets_push. */
static void hand_over(struct dispatch *d, unsigned shard, int64_t clock_ns)
{
	struct pkt_batch *b = d->open[shard];
	uint32_t n = b->n;
	d->open[shard] = NULL;
	b->clock_ns = clock_ns;
	if (packets_push(d->packets, shard, b, d->wait) < 0)
		d->now.own_drops += n;
}

static struct pkt_batch *open_batch(struct dispatch *d, unsigned shard)
{
	struct pkt_batch *b = packets_batch_get(d->packets, d->wait);
	if (!b)
		return NULL;
	b->chunk = d->chunk;
	if (b->chunk)
		packets_chunk_hold(b->chunk);
	d->open[shard] = b;
	return b;
}

static void dispatch_packet(struct dispatch *d, const struct pkt *p)
{
	unsigned shard = packets_shard_of(p->pair_hash, d->n_shards);
	struct pkt_batch *b = d->open[shard];
	if (unlikely(!b) && !(b = open_batch(d, shard))) {
		d->now.own_drops++;
		return;
	}
	b->pkts[b->n++] = *p;
	if (unlikely(b->n == PACKETS_BATCH_MAX))
		hand_over(d, shard, p->ts_ns);
}

/* Has the frame a conversation to belong to? The rest is counted here and goes no further. */
static bool has_key(const struct pkt *p)
{
	return p->key.ip_version != 0 || p->result == DECODE_NOT_IP;
}

static bool decode(struct dispatch *d, uint32_t link, const uint8_t *frame, uint32_t captured,
		   struct pkt *p)
{
	enum decode_result r = decode_frame(link, frame, captured, p);
	d->now.packets++;
	d->now.bytes += p->wire_bytes;
	d->now.results[r]++;
	d->last_packet_ns = p->ts_ns;
	return has_key(p);
}

void dispatch_frame(struct dispatch *d, uint32_t link, uint32_t data_off, uint32_t captured,
		    uint32_t wire_bytes, int64_t ts_ns)
{
	struct pkt p;
	p.ts_ns = ts_ns;
	p.wire_bytes = wire_bytes;
	p.data_off = data_off;
	p.sensor = d->sensor;
	if (likely(decode(d, link, d->chunk->data + data_off, captured, &p)))
		dispatch_packet(d, &p);
}

void dispatch_copy(struct dispatch *d, uint32_t link, const uint8_t *frame, uint32_t captured,
		   uint32_t wire_bytes, int64_t ts_ns)
{
	struct pkt p;
	p.ts_ns = ts_ns;
	p.wire_bytes = wire_bytes;
	p.sensor = d->sensor;
	if (unlikely(!decode(d, link, frame, captured, &p)))
		return;
	if (unlikely(!d->chunk || PACKETS_CHUNK_BYTES - d->chunk->used < captured) &&
	    (captured > PACKETS_CHUNK_BYTES || dispatch_renew(d, 0, 0) < 0)) {
		d->now.own_drops++;
		return;
	}
	p.data_off = d->chunk->used;
	memcpy(d->chunk->data + p.data_off, frame, captured);
	d->chunk->used += captured;
	dispatch_packet(d, &p);
}

struct dispatch_sums dispatch_totals;

static void add(struct dispatch_sums *s, const struct dispatch *d)
{
	atomic_fetch_add_explicit(&s->packets, d->now.packets, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->bytes, d->now.bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->own_drops, d->now.own_drops, memory_order_relaxed);
	for (size_t i = 0; i < DECODE_RESULTS; i++)
		if (d->now.results[i])
			atomic_fetch_add_explicit(&s->results[i], d->now.results[i],
						  memory_order_relaxed);
	atomic_store_explicit(&s->last_packet_ns, d->last_packet_ns, memory_order_relaxed);
}

static void sums_add(struct dispatch *d)
{
	add(&d->sums, d);
	add(&dispatch_totals, d);
	memset(&d->now, 0, sizeof(d->now));
}

void dispatch_flush(struct dispatch *d, int64_t clock_ns)
{
	for (unsigned i = 0; i < d->n_shards; i++)
		if (d->open[i] || open_batch(d, i))
			hand_over(d, i, clock_ns);
	sums_add(d);
}

int dispatch_renew(struct dispatch *d, uint32_t keep_off, uint32_t keep_n)
{
	struct chunk *old = d->chunk;
	if (old)
		dispatch_flush(d, d->last_packet_ns);
	if (old && !keep_n) { /* first give, then take: it may be the last one */
		packets_chunk_put(old);
		old = NULL;
	}
	d->chunk = packets_chunk_get(d->packets, d->wait);
	if (d->chunk && old && keep_n)
		memcpy(d->chunk->data, old->data + keep_off, keep_n);
	packets_chunk_put(old);
	if (!d->chunk)
		return -ERR_FULL;
	d->chunk->used = keep_n;
	return 0;
}

void dispatch_end(struct dispatch *d, int64_t clock_ns, bool end_of_file)
{
	for (unsigned i = 0; i < d->n_shards; i++)
		if (d->open[i] || open_batch(d, i)) {
			d->open[i]->end_of_file = end_of_file;
			hand_over(d, i, clock_ns);
		}
	sums_add(d);
	packets_chunk_put(d->chunk);
	d->chunk = NULL;
}

uint64_t dispatch_bad_frames(const struct dispatch_sums *s)
{
	uint64_t n = 0;
	for (size_t i = DECODE_NOT_IP + 1; i < DECODE_RESULTS; i++)
		n += atomic_load_explicit(&s->results[i], memory_order_relaxed);
	return n;
}
