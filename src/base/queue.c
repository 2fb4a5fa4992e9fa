/* Bounded queue between threads: a ring, one lock, two conditions. Whoever waits is counted, so
 * that nobody is woken who is not there. */
#include "tomsd/base/queue.h"

#include <stdlib.h>
#include <string.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/thread.h"

struct queue {
	struct mutex m;
	pthread_cond_t filled, emptied;
	size_t item_bytes, cap;
	char *ring;
	size_t head, n;          /* lock: m; first item, items */
	size_t poppers, pushers; /* lock: m; threads waiting */
	bool closed;             /* lock: m */
};

struct queue *queue_new(size_t item_bytes, size_t cap)
{
	assert(item_bytes > 0 && cap > 0);
	struct queue *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->ring = calloc(cap, item_bytes);
	if (!q->ring) {
		free(q);
		return NULL;
	}
	q->item_bytes = item_bytes;
	q->cap = cap;
	mutex_init(&q->m);
	cond_init(&q->filled);
	cond_init(&q->emptied);
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	pthread_cond_destroy(&q->filled);
	pthread_cond_destroy(&q->emptied);
	mutex_fini(&q->m);
	free(q->ring);
	free(q);
}

static void put_item(struct queue *q, const void *item) REQUIRES(&q->m);
static void put_item(struct queue *q, const void *item)
{
	size_t at = q->head + q->n;
	if (at >= q->cap)
		at -= q->cap;
	memcpy(q->ring + at * q->item_bytes, item, q->item_bytes);
	q->n++;
}

static int push(struct queue *q, const void *item, bool wait)
{
	int rc = 0;
	bool wake = false;
	mutex_lock(&q->m);
	while (wait && q->n == q->cap && !q->closed) {
		q->pushers++;
		(void)cond_wait(&q->emptied, &q->m, -1); /* cannot time out */
		q->pushers--;
	}
	if (q->closed) {
		rc = -ERR_CLOSED;
	} else if (q->n == q->cap) {
		rc = -ERR_FULL;
	} else {
		put_item(q, item);
		wake = q->poppers > 0;
	}
	mutex_unlock(&q->m);
	if (wake)
		pthread_cond_signal(&q->filled);
	return rc;
}

int queue_push(struct queue *q, const void *item)
{
	return push(q, item, true);
}

int queue_try_push(struct queue *q, const void *item)
{
	return push(q, item, false);
}

/* Until something is there, the queue is closed, or the time is over. */
static void wait_filled(struct queue *q, int timeout_ms) REQUIRES(&q->m);
static void wait_filled(struct queue *q, int timeout_ms)
{
	int left_ms = timeout_ms;
	int64_t end_ns = 0;
	if (q->n > 0 || q->closed || timeout_ms == 0)
		return;
	if (timeout_ms > 0)
		end_ns = clock_mono_ns() + timeout_ms * NS_PER_MS;
	q->poppers++;
	while (q->n == 0 && !q->closed) {
		if (!cond_wait(&q->filled, &q->m, left_ms))
			break;
		if (timeout_ms < 0)
			continue;
		int64_t left_ns = end_ns - clock_mono_ns();
		if (left_ns <= 0)
			break;
		left_ms = (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
	}
	q->poppers--;
}

/* The first count items, which may lie around the end of the ring. */
static void take_items(struct queue *q, char *out, size_t count) REQUIRES(&q->m);
static void take_items(struct queue *q, char *out, size_t count)
{
	size_t first = q->cap - q->head;
	if (first > count)
		first = count;
	memcpy(out, q->ring + q->head * q->item_bytes, first * q->item_bytes);
	if (count > first)
		memcpy(out + first * q->item_bytes, q->ring, (count - first) * q->item_bytes);
	q->head += count;
	if (q->head >= q->cap)
		q->head -= q->cap;
	q->n -= count;
}

int queue_pop_many(struct queue *q, void *items, size_t max, int timeout_ms)
{
	assert(max > 0);
	bool wake = false;
	mutex_lock(&q->m);
	wait_filled(q, timeout_ms);
	size_t count = q->n < max ? q->n : max;
	if (count > INT32_MAX)
		count = INT32_MAX;
	bool closed = q->closed;
	if (count > 0) {
		take_items(q, items, count);
		wake = q->pushers > 0;
	}
	mutex_unlock(&q->m);
	if (wake && count > 1)
		pthread_cond_broadcast(&q->emptied);
	else if (wake)
		pthread_cond_signal(&q->emptied);
	if (count > 0)
		return (int)count;
	return closed ? -ERR_CLOSED : -ERR_TIMEOUT;
}

int queue_pop(struct queue *q, void *item, int timeout_ms)
{
	int rc = queue_pop_many(q, item, 1, timeout_ms);
	return rc > 0 ? 0 : rc;
}

void queue_close(struct queue *q)
{
	mutex_lock(&q->m);
	q->closed = true;
	mutex_unlock(&q->m);
	pthread_cond_broadcast(&q->filled);
	pthread_cond_broadcast(&q->emptied);
}

size_t queue_len(struct queue *q)
{
	mutex_lock(&q->m);
	size_t n = q->n;
	mutex_unlock(&q->m);
	return n;
}

size_t queue_cap(const struct queue *q)
{
	return q->cap;
}
