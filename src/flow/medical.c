/* Payload in order for the medical dissectors: retransmitted bytes taken off, a few segments that came
 * too early kept, a gap told where bytes never came. Only flows whose payload can begin one of ours
 * have a reader. Thread: flow/N. */
#include <stdlib.h>

#include "shard.h"

#define READER_BITS 4
#define READER_SLAB (1u << READER_BITS)
#define HELD_SEGMENTS 4u
#define HELD_BYTES_MAX 65536u /* of one segment (loopback and offloading make them large) */
#define HELD_POOL_BYTES (8u << 20) /* of all readers of the shard */
#define FAR_AWAY (1 << 20)         /* no window of ours: start numbers anew */

struct held {
	uint8_t *p;
	uint32_t seq, n;
};

struct stream {
	uint32_t next; /* sequence number of the byte that is due */
	bool known;
	uint8_t n_held;
	struct held held[HELD_SEGMENTS];
};

struct reader {
	uint32_t prev, next; /* in the order of opening; next also links free ones */
	uint32_t owner;
	struct stream side[2];
	struct dissect d;
};

struct medical_pool {
	struct reader **slabs;
	uint32_t max, n_slabs, next_new, free, open, oldest, newest;
	size_t held_bytes;
};

static struct reader *reader_of(const struct medical_pool *pool, uint32_t i)
{
	return &pool->slabs[i >> READER_BITS][i & (READER_SLAB - 1)];
}

int medical_new(struct medical_pool **out, uint32_t max)
{
	struct medical_pool *pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ERR_NOMEM;
	pool->max = max;
	pool->next_new = 1;
	pool->slabs = calloc((max >> READER_BITS) + 1, sizeof(struct reader *));
	if (!pool->slabs) {
		free(pool);
		return -ERR_NOMEM;
	}
	*out = pool;
	return 0;
}

static void hold_drop(struct medical_pool *pool, struct stream *st, unsigned i)
{
	pool->held_bytes -= st->held[i].n;
	free(st->held[i].p);
	st->held[i] = st->held[--st->n_held];
}

void medical_free(struct medical_pool *pool)
{
	if (!pool)
		return;
	for (uint32_t i = 0; i < pool->n_slabs; i++)
		free(pool->slabs[i]); /* readers of open flows were closed with them */
	free(pool->slabs);
	free(pool);
}

static uint32_t reader_take(struct medical_pool *pool)
{
	uint32_t i = pool->free;
	if (i) {
		pool->free = reader_of(pool, i)->next;
		return i;
	}
	if (pool->next_new > pool->max)
		return 0;
	i = pool->next_new;
	if (i >> READER_BITS >= pool->n_slabs) {
		struct reader *slab = calloc(READER_SLAB, sizeof(*slab));
		if (!slab)
			return 0;
		pool->slabs[pool->n_slabs++] = slab;
	}
	pool->next_new++;
	return i;
}

uint32_t medical_open(struct medical_pool *pool, uint32_t owner)
{
	uint32_t i = reader_take(pool);
	if (!i)
		return 0;
	struct reader *r = reader_of(pool, i);
	memset(r->side, 0, sizeof(r->side));
	dissect_init(&r->d);
	r->owner = owner;
	r->next = 0;
	r->prev = pool->newest;
	if (pool->newest)
		reader_of(pool, pool->newest)->next = i;
	else
		pool->oldest = i;
	pool->newest = i;
	pool->open++;
	return i;
}

uint32_t medical_oldest(const struct medical_pool *pool)
{
	return pool->oldest ? reader_of(pool, pool->oldest)->owner : 0;
}

void medical_close(struct medical_pool *pool, uint32_t i)
{
	struct reader *r = reader_of(pool, i);
	for (unsigned side = 0; side < 2; side++)
		while (r->side[side].n_held)
			hold_drop(pool, &r->side[side], 0);
	if (r->next)
		reader_of(pool, r->next)->prev = r->prev;
	else
		pool->newest = r->prev;
	if (r->prev)
		reader_of(pool, r->prev)->next = r->next;
	else
		pool->oldest = r->next;
	r->next = pool->free;
	pool->free = i;
	pool->open--;
}

const struct dissect *medical_dissect(const struct medical_pool *pool, uint32_t i)
{
	return &reader_of(pool, i)->d;
}

uint32_t medical_readers(const struct medical_pool *pool)
{
	return pool->open;
}

size_t medical_memory(const struct medical_pool *pool)
{
	return pool->n_slabs * READER_SLAB * sizeof(struct reader) + pool->held_bytes;
}

static bool hold(struct medical_pool *pool, struct stream *st, uint32_t seq, const uint8_t *p,
		 uint32_t n)
{
	if (st->n_held >= HELD_SEGMENTS || n > HELD_BYTES_MAX ||
	    pool->held_bytes + n > HELD_POOL_BYTES)
		return false;
	for (unsigned i = 0; i < st->n_held; i++)
		if (st->held[i].seq == seq && st->held[i].n >= n)
			return true;
	uint8_t *copy = malloc(n);
	if (!copy)
		return false;
	memcpy(copy, p, n);
	st->held[st->n_held++] = (struct held){ copy, seq, n };
	pool->held_bytes += n;
	return true;
}

/* The part of [seq, seq + n) that is due now or has been; true when some of it is new. */
static bool feed_due(struct reader *r, unsigned side, uint32_t seq, const uint8_t *p,
		     uint32_t n)
{
	struct stream *st = &r->side[side];
	uint32_t old = st->next - seq;
	if ((int32_t)old < 0 || old >= n)
		return false;
	st->next = seq + n;
	(void)dissect_tcp(&r->d, side, p + old, n - old); /* its answer stays in r->d.answer */
	return true;
}

static void feed_held(struct medical_pool *pool, struct reader *r, unsigned side)
{
	struct stream *st = &r->side[side];
	for (unsigned i = 0; i < st->n_held;) {
		if ((int32_t)(st->held[i].seq - st->next) > 0) {
			i++;
			continue;
		}
		(void)feed_due(r, side, st->held[i].seq, st->held[i].p,
			       st->held[i].n); /* old ones go too */
		hold_drop(pool, st, i);
		i = 0;
	}
}

/* Bytes up to seq will not come any more. */
static void skip_to(struct reader *r, unsigned side, uint32_t seq)
{
	(void)dissect_gap(&r->d, side);
	r->side[side].next = seq;
}

enum dissect_answer medical_tcp(struct medical_pool *pool, uint32_t i, unsigned side,
				uint32_t seq, const uint8_t *p, uint32_t n, bool whole)
{
	struct reader *r = reader_of(pool, i);
	struct stream *st = &r->side[side];
	if (!st->known) {
		st->known = true;
		st->next = seq;
	}
	int32_t ahead = (int32_t)(seq - st->next);
	if (ahead > FAR_AWAY || ahead < -FAR_AWAY)
		skip_to(r, side, seq);
	else if (ahead > 0 && hold(pool, st, seq, p, n))
		return r->d.answer;
	else if (ahead > 0) {
		/* Too much is waiting: go on with the first that is there. */
		uint32_t first = seq;
		for (unsigned k = 0; k < st->n_held; k++)
			if ((int32_t)(st->held[k].seq - first) < 0)
				first = st->held[k].seq;
		skip_to(r, side, first);
		feed_held(pool, r, side);
		if ((int32_t)(seq - st->next) > 0) /* another gap behind what was held */
			skip_to(r, side, seq);
	}
	(void)feed_due(r, side, seq, p, n);
	feed_held(pool, r, side);
	if (!whole) {
		(void)dissect_gap(&r->d, side);
		st->known = false;
	}
	return r->d.answer;
}

enum dissect_answer medical_udp(struct medical_pool *pool, uint32_t i, unsigned side,
				const uint8_t *p, uint32_t n)
{
	return dissect_udp(&reader_of(pool, i)->d, side, p, n);
}
