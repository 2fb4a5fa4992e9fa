/* What reading and decoding capture files costs: room capture as in --replay, with flow threads that
 * give every batch back at once. One JSON line on stderr besides the app's own on stdout.
 * bench_read THREADS FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tomsd/app.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/base/thread.h"
#include "tomsd/capture.h"
#include "tomsd/packets.h"

static struct drain {
	struct thread thread;
	struct packets *packets;
	unsigned shard;
	uint64_t seen, ends;
	int64_t cpu_ns;
} drains[16];
static unsigned n_drains;

static void drain(void *arg)
{
	struct drain *d = arg;
	struct pkt_batch *b;
	while (packets_pop(d->packets, d->shard, &b, -1) == 0) {
		d->seen += b->n;
		d->ends += b->end_of_file;
		packets_done(b);
	}
	d->cpu_ns = clock_thread_cpu_ns();
}

static int flow_init(struct app *a, struct err *e)
{
	struct packets *ps = packets_new(n_drains, 64, 32);
	if (!ps)
		return err_set(e, ERR_NOMEM, "no packets");
	app_set_packets(a, ps);
	return 0;
}

static int flow_start(struct app *a, struct err *e)
{
	int r = 0;
	for (unsigned i = 0; i < n_drains && r == 0; i++) {
		drains[i].packets = app_packets(a);
		drains[i].shard = i;
		r = thread_start(&drains[i].thread, "flow/drain", drain, &drains[i], e);
	}
	return r;
}

static void flow_stop(struct app *a)
{
	for (unsigned i = 0; i < n_drains; i++) {
		packets_close(app_packets(a), i);
		thread_join(&drains[i].thread);
	}
}

static void flow_fini(struct app *a)
{
	packets_free(app_packets(a));
	app_set_packets(a, NULL);
}

static const struct room flow = { .name = "flow",
				  .init = flow_init,
				  .start = flow_start,
				  .stop = flow_stop,
				  .fini = flow_fini };
static const struct room *const rooms[] = { &flow, &capture_room, NULL };

int main(int argc, char **argv)
{
	uint32_t threads;
	struct err e = ERR_INIT;
	struct app *a;
	if (argc < 3 || num_u32(str_of(argv[1]), 1, ARRAY_LEN(drains), &threads) < 0) {
		fprintf(stderr, "usage: bench_read THREADS FILE...\n");
		return 2;
	}
	n_drains = threads;
	struct app_setup setup = { .mode = APP_REPLAY,
				   .replay_files = (const char *const *)(void *)(argv + 2),
				   .rooms = rooms };
	if (app_new(&a, &setup, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	int status = app_run(a);
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	int64_t cpu_ns = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
			 (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NS_PER_US;
	uint64_t seen = 0;
	for (unsigned i = 0; i < n_drains; i++) {
		seen += drains[i].seen;
		cpu_ns -= drains[i].cpu_ns;
	}
	fprintf(stderr,
		"{\"bench\":\"read\",\"flow_threads\":%u,\"packets\":%llu,\"capture_ns_per_packet\":%.1f}\n",
		n_drains, (unsigned long long)seen, seen ? (double)cpu_ns / (double)seen : 0.0);
	app_free(a);
	return status;
}
