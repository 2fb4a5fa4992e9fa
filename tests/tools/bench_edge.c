/* What it would cost to have the flow threads in a process of their own: batches over a Unix socket to
 * a forked child, with the frames' bytes in memory both share, and with them in the socket too.
 *
 *	bench_edge [BATCHES]      ns a packet of CPU time, both sides together; one JSON line a way
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tomsd/base/num.h"
#include "tomsd/packets.h"

#define FRAME_BYTES 400u /* on the average; a batch of 256 is 100 KiB */
#define BATCH_BYTES (PACKETS_BATCH_MAX * FRAME_BYTES)

static double cpu_s(int who)
{
	struct rusage u;
	if (getrusage(who, &u))
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static bool move_all(int fd, void *p, size_t n, bool out)
{
	for (char *at = p; n;) {
		ssize_t did = out ? write(fd, at, n) : read(fd, at, n);
		if (did <= 0)
			return false;
		at += did;
		n -= (size_t)did;
	}
	return true;
}

/* The child: takes batches until there are no more, touches each frame as decode would have. */
static void child(int fd, struct pkt_batch *b, uint8_t *bytes, bool copied)
{
	uint64_t sum = 0;
	while (move_all(fd, b, sizeof(*b), false)) {
		if (copied && !move_all(fd, bytes, BATCH_BYTES, false))
			break;
		for (uint32_t i = 0; i < b->n; i++)
			sum += bytes[b->pkts[i].data_off];
	}
	_exit(sum == 1 ? 2 : 0);
}

static int measure(uint32_t batches, bool copied)
{
	struct pkt_batch *b = calloc(1, sizeof(*b));
	uint8_t *bytes = mmap(NULL, BATCH_BYTES, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd[2], status = 1;
	if (!b || bytes == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return 1;
	b->n = PACKETS_BATCH_MAX;
	for (uint32_t i = 0; i < b->n; i++)
		b->pkts[i].data_off = i * FRAME_BYTES;
	double mine = cpu_s(RUSAGE_SELF), theirs = cpu_s(RUSAGE_CHILDREN);
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(fd[0]);
		child(fd[1], b, bytes, copied);
	}
	(void)close(fd[1]);
	for (uint32_t i = 0; i < batches; i++)
		if (!move_all(fd[0], b, sizeof(*b), true) ||
		    (copied && !move_all(fd[0], bytes, BATCH_BYTES, true)))
			break;
	(void)close(fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return 1;
	double s = cpu_s(RUSAGE_SELF) - mine + cpu_s(RUSAGE_CHILDREN) - theirs;
	(void)printf("{\"bench\":\"edge\",\"bytes\":\"%s\",\"ns_per_packet\":%.0f}\n",
		     copied ? "in the socket" : "in shared memory",
		     s * 1e9 / ((double)batches * PACKETS_BATCH_MAX));
	(void)munmap(bytes, BATCH_BYTES);
	free(b);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t batches = 20000;
	if (argc > 1 && num_u32(str_of(argv[1]), 1, 10000000, &batches))
		return 2;
	return measure(batches, false) | measure(batches, true);
}
