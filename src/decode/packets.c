/* The edge capture -> flow. Two pools (chunks of bytes, batches of packets) and one bounded queue for
 * each flow thread; everything is allocated here, before the first packet. A pool is a stack under a
 * lock that is taken once a chunk or a batch, never once a packet. The stack makes what was used last
 * be used next: it is still in the caches, and memory that a quiet network never needs is never
 * touched. */
#include "tomsd/packets.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "tomsd/base/thread.h"

/* Batches beyond those that the queues hold: being filled by a capture thread or read by a flow thread. */
#define PACKETS_SPARE_BATCHES 16

struct pool {
	struct mutex m;
	pthread_cond_t given_back;
	void **free;   /* lock: m */
	size_t n_free; /* lock: m */
};

struct packets_pool {
	struct pool chunks, batches;
};

struct packets {
	struct packets_pool pool;
	struct queue **queues; /* of struct pkt_batch * */
	unsigned n_shards;
	void **all; /* every chunk and batch, for packets_free */
	size_t n_all;
};

static int pool_init(struct pool *p, size_t max)
{
	mutex_init(&p->m);
	cond_init(&p->given_back);
	p->free = calloc(max ? max : 1, sizeof(*p->free));
	return p->free ? 0 : -ERR_NOMEM;
}

static void pool_fini(struct pool *p)
{
	free(p->free);
	pthread_cond_destroy(&p->given_back);
	mutex_fini(&p->m);
}

static void pool_put(struct pool *p, void *unit)
{
	mutex_lock(&p->m);
	p->free[p->n_free++] = unit;
	pthread_cond_signal(&p->given_back);
	mutex_unlock(&p->m);
}

static void *pool_get(struct pool *p, bool wait)
{
	void *unit = NULL;
	mutex_lock(&p->m);
	while (p->n_free == 0 && wait)
		(void)cond_wait(&p->given_back, &p->m,
				-1); /* without a time limit it cannot run out */
	if (p->n_free > 0)
		unit = p->free[--p->n_free];
	mutex_unlock(&p->m);
	return unit;
}

/* Fills a pool with n units. Not cleared: pages are given by the kernel when they are first used. */
static int pool_fill(struct packets *ps, struct pool *p, size_t n, size_t unit_bytes)
{
	for (size_t i = 0; i < n; i++) {
		void *unit = malloc(unit_bytes);
		if (!unit)
			return -ERR_NOMEM;
		ps->all[ps->n_all++] = unit;
		p->free[p->n_free++] = unit;
	}
	return 0;
}

struct packets *packets_new(unsigned n_shards, size_t queue_batches, size_t chunks)
{
	struct packets *ps = calloc(1, sizeof(*ps));
	if (!ps)
		return NULL;
	size_t batches = n_shards * (queue_batches + PACKETS_SPARE_BATCHES);
	bool bad = pool_init(&ps->pool.chunks, chunks) < 0;
	bad |= pool_init(&ps->pool.batches, batches) < 0;
	ps->n_shards = n_shards;
	ps->all = calloc(chunks + batches + 1, sizeof(*ps->all));
	ps->queues = calloc(n_shards ? n_shards : 1, sizeof(struct queue *));
	bad |= !ps->all || !ps->queues;
	bad = bad || pool_fill(ps, &ps->pool.chunks, chunks, sizeof(struct chunk)) < 0 ||
	      pool_fill(ps, &ps->pool.batches, batches, sizeof(struct pkt_batch)) < 0;
	for (unsigned i = 0; !bad && i < n_shards; i++) {
		ps->queues[i] = queue_new(sizeof(struct pkt_batch *), queue_batches);
		bad |= !ps->queues[i];
	}
	if (bad) {
		packets_free(ps);
		return NULL;
	}
	return ps;
}

void packets_free(struct packets *ps)
{
	if (!ps)
		return;
	for (unsigned i = 0; ps->queues && i < ps->n_shards; i++)
		queue_free(ps->queues[i]);
	free(ps->queues);
	for (size_t i = 0; i < ps->n_all; i++)
		free(ps->all[i]);
	free(ps->all);
	pool_fini(&ps->pool.chunks);
	pool_fini(&ps->pool.batches);
	free(ps);
}

unsigned packets_shards(const struct packets *ps)
{
	return ps->n_shards;
}

struct chunk *packets_chunk_get(struct packets *ps, bool wait)
{
	struct chunk *c = pool_get(&ps->pool.chunks, wait);
	if (!c)
		return NULL;
	atomic_store_explicit(&c->refs, 1, memory_order_relaxed);
	c->used = 0;
	c->pool = &ps->pool;
	return c;
}

void packets_chunk_put(struct chunk *c)
{
	if (c && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		pool_put(&c->pool->chunks, c);
}

void packets_chunk_hold(struct chunk *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}

struct pkt_batch *packets_batch_get(struct packets *ps, bool wait)
{
	struct pkt_batch *b = pool_get(&ps->pool.batches, wait);
	if (!b)
		return NULL;
	b->chunk = NULL;
	b->pool = &ps->pool;
	b->clock_ns = 0;
	b->n = b->end_of_file = 0;
	return b;
}

int packets_push(struct packets *ps, unsigned shard, struct pkt_batch *b, bool wait)
{
	struct queue *q = ps->queues[shard];
	int r = wait ? queue_push(q, &b) : queue_try_push(q, &b);
	if (r < 0)
		packets_done(b);
	return r;
}

void packets_close(struct packets *ps, unsigned shard)
{
	queue_close(ps->queues[shard]);
}

int packets_pop(struct packets *ps, unsigned shard, struct pkt_batch **b, int timeout_ms)
{
	return queue_pop(ps->queues[shard], b, timeout_ms);
}

void packets_done(struct pkt_batch *b)
{
	if (!b)
		return;
	packets_chunk_put(b->chunk);
	pool_put(&b->pool->batches, b);
}

size_t packets_backlog(struct packets *ps, unsigned shard)
{
	return queue_len(ps->queues[shard]);
}
