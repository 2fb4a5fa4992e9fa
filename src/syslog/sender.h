/* The test sender: a marked line of our own through every inlet, to see that it comes out at the other end. */
#ifndef SYSLOG_SENDER_H
#define SYSLOG_SENDER_H

#include <stdatomic.h>

#include "inlet.h"
#include "tomsd/base/thread.h"
#include "tomsd/log_row.h"

struct syslog;
#define SENDER_WAIT_MS 3000
#define SENDER_MARK_MAX 40 /* "toms-test-" and 16 hexadecimal digits */

struct sender {
	_Atomic bool is_waiting; /* the threads that read look for marks */
	struct mutex m;
	pthread_cond_t came;
	size_t n;
	struct sent { /* lock: m */
		char mark[SENDER_MARK_MAX];
		bool sent, put;
		bool arrived; /* and is on disk */
		int ms;
		const char *why;  /* key of words; NULL: all is well */
		char detail[256]; /* goes into them */
	} all[INLETS_MAX];
};
void sender_init(struct sender *t);
void sender_fini(struct sender *t);
/* Threads that read: is this line one of ours? Then it is marked LOG_TEST, and belongs to no source. */
bool sender_is_ours(struct sender *t, struct str line);
void sender_put(struct sender *t, struct str line); /* it is in the store's inbox */
/* Sends and waits; one at a time: -ERR_BUSY. Any thread that may connect. */
int sender_run(struct syslog *s, struct sent out[INLETS_MAX], size_t *n) MUST_CHECK;

#endif
