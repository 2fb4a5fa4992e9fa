/* Bounded queue of fixed-size items between threads. Closing it is the stop signal: pop hands out
 * what is left and then says -ERR_CLOSED. Waiting threads count as parked for the watchdog. */
#ifndef TOMSD_BASE_QUEUE_H
#define TOMSD_BASE_QUEUE_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"

struct queue;

/* items of item_bytes each, at most cap of them. NULL when out of memory. */
struct queue *queue_new(size_t item_bytes, size_t cap);
void queue_free(struct queue *q);
/* Copies the item in. Waits while full: 0 or -ERR_CLOSED. */
int queue_push(struct queue *q, const void *item) MUST_CHECK;
/* Never waits: 0, -ERR_FULL or -ERR_CLOSED. */
int queue_try_push(struct queue *q, const void *item) MUST_CHECK;
/* Waits at most timeout_ms (-1: for ever) for one item: 0, -ERR_TIMEOUT, -ERR_CLOSED (closed and empty). */
int queue_pop(struct queue *q, void *item, int timeout_ms) MUST_CHECK;
/* Up to max items at once; returns how many (>= 1), or -ERR_TIMEOUT, -ERR_CLOSED. */
int queue_pop_many(struct queue *q, void *items, size_t max, int timeout_ms) MUST_CHECK;
void queue_close(struct queue *q);
size_t queue_len(struct queue *q);
size_t queue_cap(const struct queue *q);

#endif
