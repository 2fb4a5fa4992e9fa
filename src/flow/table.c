/* The flow table: open addressing with linear probing, the 32-bit hash and the index in the slot, so
 * that a probe reads one cache line and a record only when it is almost surely the right one. Records
 * lie in slabs. Seeded from the kernel: who sends packets cannot choose collisions. Thread: flow/N. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "shard.h"
#include "tomsd/base/hash.h"

static void *pages_new(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

static int seed_fill(uint64_t seed[4])
{
	size_t got = 0;
	while (got < 4 * sizeof(uint64_t)) {
		ssize_t n = getrandom((char *)seed + got, 4 * sizeof(uint64_t) - got, 0);
		if (n < 0 && errno != EINTR)
			return -ERR_IO;
		got += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int table_init(struct flow_table *t, uint32_t max_flows, bool vlan_in_key)
{
	size_t slots = 1024;
	while (slots < (size_t)max_flows + max_flows / 2)
		slots *= 2;
	*t = (struct flow_table){ .max = max_flows,
				  .next_new = 1,
				  .mask = (uint32_t)(slots - 1),
				  .vlan_mask = vlan_in_key ? UINT16_MAX : 0 };
	/* Index 0 is nobody's, so max flows need max + 1 records. */
	t->max_slabs = (max_flows >> SLAB_BITS) + 1;
	t->bytes = slots * sizeof(*t->slots);
	/* Untouched pages cost nothing: the whole size at once means no rehash ever. */
	t->slots = pages_new(t->bytes);
	t->slabs = calloc(t->max_slabs, sizeof(struct flow_slab *));
	if (!t->slots || !t->slabs || seed_fill(t->seed) != 0) {
		table_fini(t);
		return -ERR_NOMEM;
	}
	return 0;
}

void table_fini(struct flow_table *t)
{
	for (uint32_t i = 0; t->slabs && i < t->n_slabs; i++)
		(void)munmap(t->slabs[i], sizeof(struct flow_slab));
	free(t->slabs);
	if (t->slots)
		(void)munmap(t->slots, t->bytes);
	*t = (struct flow_table){ .slots = NULL };
}

size_t table_memory(const struct flow_table *t)
{
	return t->bytes + t->n_slabs * sizeof(struct flow_slab);
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)a * b;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t end_hash(const struct flow_table *t, const struct addr *a, uint16_t port)
{
	uint64_t w[2];
	memcpy(w, a->b, sizeof(w));
	return fold(w[1] ^ t->seed[0], w[0] ^ t->seed[1] ^ ((uint64_t)port << 48 | port));
}

/* The same for both directions: a sum of the two ends. */
uint32_t table_hash(const struct flow_table *t, const struct pkt_key *k)
{
	uint64_t common = (uint64_t)(k->vlan & t->vlan_mask) << 16 | (uint64_t)k->l4 << 8 |
			  k->ip_version;
	uint64_t ends = end_hash(t, &k->src, k->src_port) + end_hash(t, &k->dst, k->dst_port);
	uint64_t h = fold(ends ^ t->seed[2], common ^ t->seed[3]);
	return (uint32_t)(h ^ h >> 32);
}

static inline bool same_addr(const struct addr *a, const struct addr *b)
{
	uint64_t x[2], y[2];
	memcpy(x, a->b, sizeof(x));
	memcpy(y, b->b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* 0 the same way, 1 the other way, -1 another conversation. */
static inline int key_side(const struct flow_table *t, const struct pkt_key *a,
			   const struct pkt_key *b)
{
	if (a->l4 != b->l4 || (a->vlan ^ b->vlan) & t->vlan_mask ||
	    a->ip_version != b->ip_version)
		return -1;
	bool forward = same_addr(&a->src, &b->src) && same_addr(&a->dst, &b->dst);
	bool back = same_addr(&a->src, &b->dst) && same_addr(&a->dst, &b->src);
	bool ports = a->src_port == b->src_port && a->dst_port == b->dst_port;
	bool crossed = a->src_port == b->dst_port && a->dst_port == b->src_port;
	if (forward && ports)
		return 0;
	return back && crossed ? 1 : -1;
}

void table_prefetch_flow(const struct flow_table *t, uint32_t hash)
{
	uint64_t slot = t->slots[hash & t->mask];
	if (slot && (uint32_t)(slot >> 32) == hash) {
		const char *p = (const char *)hot_of(t, (uint32_t)slot);
		__builtin_prefetch(p, 1);
		__builtin_prefetch(p + 64, 1);
	}
}

uint32_t table_find(const struct flow_table *t, uint32_t hash, const struct pkt_key *k,
		    unsigned *side)
{
	for (uint32_t at = hash & t->mask;; at = (at + 1) & t->mask) {
		uint64_t slot = t->slots[at];
		if (!slot)
			return 0;
		if ((uint32_t)(slot >> 32) != hash)
			continue;
		int way = key_side(t, &hot_of(t, (uint32_t)slot)->key, k);
		if (way >= 0) {
			*side = (unsigned)way;
			return (uint32_t)slot;
		}
	}
}

static uint32_t record_take(struct flow_table *t)
{
	uint32_t index = t->free;
	if (index) {
		t->free = hot_of(t, index)->next;
		return index;
	}
	if (t->next_new > t->max)
		return 0;
	index = t->next_new;
	if (index >> SLAB_BITS >= t->n_slabs) {
		struct flow_slab *slab = pages_new(sizeof(*slab));
		if (!slab)
			return 0;
		t->slabs[t->n_slabs++] = slab;
	}
	t->next_new++;
	return index;
}

uint32_t table_add(struct flow_table *t, uint32_t hash, const struct pkt_key *k)
{
	uint32_t index = t->open < t->max ? record_take(t) : 0, at = hash & t->mask;
	if (!index)
		return 0;
	while (t->slots[at])
		at = (at + 1) & t->mask;
	t->slots[at] = (uint64_t)hash << 32 | index;
	t->open++;
	struct flow_hot *h = hot_of(t, index);
	*h = (struct flow_hot){ .key = *k, .hash = hash, .in_use = 1 };
	*cold_of(t, index) = (struct flow_cold){ .meta = NULL };
	return index;
}

/* Closes the gap so that no probe stops early: what follows moves up unless it is at home already. */
static void slot_clear(struct flow_table *t, uint32_t at)
{
	for (uint32_t next = (at + 1) & t->mask; t->slots[next]; next = (next + 1) & t->mask) {
		uint32_t home = (uint32_t)(t->slots[next] >> 32) & t->mask;
		if (((next - home) & t->mask) >= ((next - at) & t->mask)) {
			t->slots[at] = t->slots[next];
			at = next;
		}
	}
	t->slots[at] = 0;
}

void table_remove(struct flow_table *t, uint32_t index)
{
	struct flow_hot *h = hot_of(t, index);
	uint32_t at = h->hash & t->mask;
	while ((uint32_t)t->slots[at] != index) {
		assert(t->slots[at]); /* every open flow is in the table */
		at = (at + 1) & t->mask;
	}
	slot_clear(t, at);
	h->in_use = 0;
	h->next = t->free;
	t->free = index;
	t->open--;
}
