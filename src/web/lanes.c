/* Lanes: queues with their threads. */
#include "lanes.h"

#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/queue.h"

#define WORK_THREADS 4 /* as many as the store has readers */
#define WORK_WAITING 256
#define SIGN_IN_THREADS 1
#define SIGN_IN_WAITING 32

struct job_item {
	void (*work)(struct exchange *);
	struct exchange *ex;
};
struct lanes {
	struct queue *q[LANES];
	struct thread work[WORK_THREADS], sign_in[SIGN_IN_THREADS];
};

struct lanes *lanes_new(void)
{
	struct lanes *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->q[LANE_WORK] = queue_new(sizeof(struct job_item), WORK_WAITING);
	l->q[LANE_SIGN_IN] = queue_new(sizeof(struct job_item), SIGN_IN_WAITING);
	if (l->q[LANE_WORK] && l->q[LANE_SIGN_IN])
		return l;
	lanes_free(l);
	return NULL;
}

void lanes_free(struct lanes *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < LANES; i++)
		if (l->q[i])
			queue_free(l->q[i]);
	free(l);
}

static void run(void *arg)
{
	struct queue *q = arg;
	struct job_item item;
	while (queue_pop(q, &item, -1) == 0) {
		thread_beat();
		item.work(item.ex);
	}
}

int lanes_start(struct lanes *l, struct err *e)
{
	char name[24];
	int rc = 0;
	for (size_t i = 0; i < WORK_THREADS && rc == 0; i++) {
		(void)snprintf(name, sizeof(name), "panel/%zu", i);
		rc = thread_start(&l->work[i], name, run, l->q[LANE_WORK], e);
	}
	for (size_t i = 0; i < SIGN_IN_THREADS && rc == 0; i++)
		rc = thread_start(&l->sign_in[i], "panel/sign-in", run, l->q[LANE_SIGN_IN], e);
	return rc;
}

void lanes_stop(struct lanes *l)
{
	for (size_t i = 0; i < LANES; i++)
		queue_close(l->q[i]);
	for (size_t i = 0; i < WORK_THREADS; i++)
		thread_join(&l->work[i]);
	for (size_t i = 0; i < SIGN_IN_THREADS; i++)
		thread_join(&l->sign_in[i]);
}

bool lanes_push(struct lanes *l, enum lane lane, void (*work)(struct exchange *),
		struct exchange *ex)
{
	struct job_item item = { work, ex };
	return queue_try_push(l->q[lane], &item) == 0;
}
