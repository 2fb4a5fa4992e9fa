/* The ring of rows. head and tail count bytes for ever; an entry never wraps, a filler stands
 * in the rest of the ring where it would. When the writer has caught up both go back to the
 * start, so that a quiet house touches a few pages of it only. Any thread puts, the store
 * thread takes. */
#include "inbox.h"

#include <stdlib.h>

#include "tomsd/base/clock.h"

enum { ALIGN = 8, HEAD = sizeof(struct inbox_entry) };

int inbox_init(struct inbox *in, size_t bytes, struct err *e)
{
	*in = (struct inbox){ .cap = bytes / ALIGN * ALIGN };
	in->ring = malloc(in->cap);
	if (!in->ring)
		return err_set(e, ERR_NOMEM, "no memory for an inbox of %zu bytes", in->cap);
	mutex_init(&in->m);
	cond_init(&in->space);
	cond_init(&in->work);
	return 0;
}

void inbox_fini(struct inbox *in)
{
	if (!in->ring)
		return;
	mutex_fini(&in->m);
	pthread_cond_destroy(&in->space);
	pthread_cond_destroy(&in->work);
	free(in->ring);
	in->ring = NULL;
}

static size_t entry_bytes(size_t row_bytes)
{
	return HEAD + (row_bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Where an entry of this size can go now; NULL: no room. Puts the filler. */
static struct inbox_entry *place(struct inbox *in, size_t bytes) REQUIRES(&in->m)
{
	size_t at = in->head % in->cap, to_end = in->cap - at,
	       skip = to_end < bytes ? to_end : 0;
	if (in->head + skip + bytes - in->tail > in->cap)
		return NULL;
	if (skip >= HEAD)
		*(struct inbox_entry *)(void *)(in->ring + at) =
			(struct inbox_entry){ .bytes = (uint32_t)skip };
	in->head += skip;
	return (struct inbox_entry *)(void *)(in->ring + in->head % in->cap);
}

static int put_one(struct inbox *in, const struct plan *p, const void *row) REQUIRES(&in->m)
{
	size_t row_bytes = record_bytes(p->record, row), bytes = entry_bytes(row_bytes);
	if (row_bytes > record_room(p->record) || bytes > in->cap)
		return -ERR_RANGE; /* no place for it, however long it waits */
	struct inbox_entry *to = NULL;
	while (!in->closed && !(to = place(in, bytes))) {
		in->urgent = true; /* whatever there is, is a batch now */
		pthread_cond_signal(&in->work);
		(void)cond_wait(&in->space, &in->m, -1);
	}
	if (in->closed)
		return -ERR_CLOSED;
	*to = (struct inbox_entry){ .plan = p, .bytes = (uint32_t)bytes };
	memcpy(to + 1, row, row_bytes);
	if (in->rows_in == in->rows_out)
		in->first_mono_ns = clock_mono_ns();
	in->head += bytes;
	in->rows_in++;
	return 0;
}

/* Rows one behind the other, or each where a pointer says. */
static int put(struct inbox *in, const struct plan *p, const void *rows,
	       const void *const *each, size_t n)
{
	int rc = 0;
	mutex_lock(&in->m);
	bool was_empty = in->rows_in == in->rows_out;
	for (size_t i = 0; !rc && i < n; i++)
		rc = put_one(in, p, each ? each[i] : (const char *)rows + i * p->record->bytes);
	/* The writer sleeps until a batch is old enough; it has to see the first row and a
	 * full ring. */
	if (was_empty || in->head - in->tail > in->cap / 2)
		pthread_cond_signal(&in->work);
	mutex_unlock(&in->m);
	return rc;
}

int inbox_put(struct inbox *in, const struct plan *p, const void *rows, size_t n)
{
	assert(!p->has_tail || n <= 1); /* those have no common length */
	return put(in, p, rows, NULL, n);
}

int inbox_put_each(struct inbox *in, const struct plan *p, const void *const *rows, size_t n)
{
	return put(in, p, NULL, rows, n);
}

void inbox_close(struct inbox *in)
{
	mutex_lock(&in->m);
	in->closed = true;
	pthread_cond_broadcast(&in->space);
	pthread_cond_signal(&in->work);
	mutex_unlock(&in->m);
}

void inbox_poke(struct inbox *in, bool urgent)
{
	mutex_lock(&in->m);
	in->urgent |= urgent;
	pthread_cond_signal(&in->work);
	mutex_unlock(&in->m);
}

/* Milliseconds until there is something to do; 0: now. */
static int wait_ms(const struct inbox *in, int64_t age_ns, size_t rows, int64_t until_mono_ns)
	REQUIRES(&in->m)
{
	int64_t now = clock_mono_ns(), left = until_mono_ns - now;
	uint64_t have = in->rows_in - in->rows_out;
	if (in->closed || in->urgent || have >= rows || in->head - in->tail > in->cap / 2)
		return 0;
	if (have && in->first_mono_ns + age_ns - now < left)
		left = in->first_mono_ns + age_ns - now;
	return left <= 0 ? 0 : (int)((left + NS_PER_MS - 1) / NS_PER_MS);
}

void inbox_wait(struct inbox *in, int64_t age_ns, size_t rows, int timeout_ms,
		struct inbox_batch *b)
{
	int64_t until = clock_mono_ns() + timeout_ms * NS_PER_MS;
	mutex_lock(&in->m);
	int ms;
	while ((ms = wait_ms(in, age_ns, rows, until)) > 0)
		(void)cond_wait(&in->work, &in->m, ms);
	in->urgent = false;
	*b = (struct inbox_batch){ in->tail, in->head, in->rows_in - in->rows_out, in->closed };
	mutex_unlock(&in->m);
}

void *inbox_next(const struct inbox *in, const struct inbox_batch *b, uint64_t *at,
		 const struct plan **p)
{
	while (*at < b->to) {
		size_t off = *at % in->cap;
		if (in->cap - off < HEAD) { /* not even a filler fits */
			*at += in->cap - off;
			continue;
		}
		struct inbox_entry *entry = (struct inbox_entry *)(void *)(in->ring + off);
		*at += entry->bytes;
		if (entry->plan) {
			*p = entry->plan;
			return entry + 1;
		}
	}
	return NULL;
}

void inbox_release(struct inbox *in, const struct inbox_batch *b)
{
	mutex_lock(&in->m);
	in->tail = b->to;
	in->rows_out += b->rows;
	if (in->head == in->tail)
		in->head = in->tail = 0;
	else
		in->first_mono_ns = clock_mono_ns();
	pthread_cond_broadcast(&in->space);
	mutex_unlock(&in->m);
}
