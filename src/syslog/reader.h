/* A thread that reads connections: syslog/0, syslog/1. */
#ifndef SYSLOG_READER_H
#define SYSLOG_READER_H

#include "conn.h"
#include "intake.h"

struct reader {
	struct syslog *s;
	struct doors *doors;
	struct frame_pool *pool;
	int epoll_fd, wake_fd;
	struct mutex m;
	struct conn *incoming; /* lock: m */
	bool closing;          /* lock: m */
	_Atomic size_t n;      /* connections it has */
	/* thread: syslog/N */
	struct conn *all, *again;
	struct intake *intake;
	char *scratch;
	int64_t swept_mono_ns;
	unsigned handshakes; /* steps of them in this turn */
	struct thread thread;
};
int reader_init(struct reader *r, struct syslog *s, struct doors *doors,
		struct frame_pool *pool, struct err *e) MUST_CHECK;
void reader_fini(struct reader *r);
int reader_start(struct reader *r, unsigned number, struct err *e) MUST_CHECK;
void reader_give(struct reader *r,
		 struct conn *c);   /* takes the connection. Thread: syslog/accept */
void reader_stop(struct reader *r); /* what has come is put; joins */

#endif
