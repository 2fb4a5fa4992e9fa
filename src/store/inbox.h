/* The inbox: a ring of bytes between the sources and the writer. Rows stay in it until their
 * commit, so a transaction that failed is simply run again. */
#ifndef TOMSD_STORE_INBOX_H
#define TOMSD_STORE_INBOX_H

#include "layout.h"
#include "tomsd/base/thread.h"

struct inbox_entry {
	const struct plan *plan; /* NULL: filler up to the end of the ring */
	uint32_t bytes;          /* with this header, a multiple of 8 */
	uint32_t reserved;
	/* the row follows */
};

struct inbox {
	struct mutex m;
	pthread_cond_t space; /* room was made, or closed */
	pthread_cond_t work;  /* something to do for the writer */
	uint8_t *ring;
	size_t cap;
	uint64_t head, tail;        /* bytes ever put in and given back; lock: m */
	uint64_t rows_in, rows_out; /* lock: m */
	int64_t first_mono_ns;      /* when the oldest row came; lock: m */
	bool closed, urgent;        /* urgent: do not wait for a full batch; lock: m */
};

int inbox_init(struct inbox *in, size_t bytes, struct err *e) MUST_CHECK;
void inbox_fini(struct inbox *in);
/* Any thread. Copies n rows; waits for room. -ERR_CLOSED; -ERR_RANGE: a row longer than its record
 * allows or than the ring, those in front of it are in. */
int inbox_put(struct inbox *in, const struct plan *p, const void *rows, size_t n) MUST_CHECK;
int inbox_put_each(struct inbox *in, const struct plan *p, const void *const *rows,
		   size_t n) MUST_CHECK;
void inbox_close(struct inbox *in);
void inbox_poke(struct inbox *in, bool urgent); /* wakes the writer */

/* Writer. What is there once it is worth a commit: old enough, many enough, or urgent. */
struct inbox_batch {
	uint64_t from, to; /* positions in the ring */
	uint64_t rows;
	bool closed;
};
void inbox_wait(struct inbox *in, int64_t age_ns, size_t rows, int timeout_ms,
		struct inbox_batch *b);
/* Walks a batch; NULL at its end. *at starts at b->from. The row may be written to (its id). */
void *inbox_next(const struct inbox *in, const struct inbox_batch *b, uint64_t *at,
		 const struct plan **p);
/* The batch is committed: its room goes to the sources. */
void inbox_release(struct inbox *in, const struct inbox_batch *b);

#endif
