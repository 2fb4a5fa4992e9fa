/* See udp.h. The receiving thread does nothing but copy, for while it does anything else the kernel's buffer
 * fills up. When parsing or the store cannot keep up, slabs run out: from three quarters on, datagrams of
 * addresses that are no accepted source's are dropped here and counted; with none left this thread waits, and
 * the kernel drops and counts (SO_RXQ_OVFL, socket(7)). */
#include "udp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "intake.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/base/queue.h"

#define SLABS 128
#define WAIT_MS 5 /* while the reader is busy a slab is filled further, but not longer */
#define SLABS_KEPT (SLABS / 4) /* for accepted sources */
#define SLAB_BYTES (256u << 10)
#define SLAB_ITEMS 1024
#define AT_ONCE 64
#define DATAGRAM_MAX 65536u
#define LAST_NS \
	NS_PER_S /* what the kernel has for us when we stop; who sends without end does not hold us */

struct slab {
	size_t n, used;
	struct item {
		struct origin from;
		uint32_t off, len;
	} items[SLAB_ITEMS];
	char bytes[SLAB_BYTES];
};

/* What one call of recvmmsg(2) fills. */
struct catch
{
	struct mmsghdr messages[AT_ONCE];
	struct iovec parts[AT_ONCE];
	struct sockaddr_storage from[AT_ONCE];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
	} control[AT_ONCE];
	char *bytes; /* AT_ONCE * DATAGRAM_MAX; pages are touched as far as datagrams are long */
};

struct udp {
	struct syslog *s;
	int stop_fd;
	_Atomic bool closing;
	struct inlet *inlets[INLETS_MAX];
	size_t n;
	struct slab *slabs;
	struct queue *free_slabs, *full_slabs; /* of struct slab * */
	struct slab *now;                      /* thread: syslog/udp */
	struct catch catch;                    /* thread: syslog/udp */
	struct intake *intake;                 /* thread: syslog/lines */
	struct thread receiver, reader;
};

int udp_new(struct udp **out, struct syslog *s, struct err *e)
{
	struct udp *u = calloc(1, sizeof(*u));
	if (!u)
		return err_set(e, ERR_NOMEM, "no memory to receive datagrams");
	u->s = s;
	for (size_t i = 0; i < s->inlets.n; i++)
		if (s->inlets.all[i].transport == LOG_VIA_UDP)
			u->inlets[u->n++] = &s->inlets.all[i];
	u->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	u->slabs = calloc(SLABS, sizeof(*u->slabs));
	u->catch.bytes = malloc(AT_ONCE * (size_t)DATAGRAM_MAX);
	u->free_slabs = queue_new(sizeof(struct slab *), SLABS);
	u->full_slabs = queue_new(sizeof(struct slab *), SLABS);
	int rc = u->stop_fd < 0 || !u->slabs || !u->catch.bytes || !u->free_slabs ||
				 !u->full_slabs ?
			 err_set(e, ERR_NOMEM, "no memory to receive datagrams") :
			 intake_new(&u->intake, s, e);
	if (rc != 0) {
		udp_free(u);
		return rc;
	}
	*out = u;
	return 0;
}

void udp_free(struct udp *u)
{
	if (!u)
		return;
	if (u->stop_fd >= 0)
		(void)close(u->stop_fd);
	queue_free(u->free_slabs);
	queue_free(u->full_slabs);
	intake_free(u->intake);
	free(u->catch.bytes);
	free(u->slabs);
	free(u);
}

static void hand_over(struct udp *u)
{
	if (!u->now || u->now->n == 0)
		return;
	if (queue_push(u->full_slabs, &u->now) != 0)
		counter_add(&syslog_counts.queue_drops,
			    u->now->n); /* closed only after this thread */
	u->now = NULL;
}

/* A slab with room for a datagram; waits while there is none. */
static struct slab *slab_for(struct udp *u, size_t len)
{
	if (u->now && (u->now->n == SLAB_ITEMS || u->now->used + len > SLAB_BYTES))
		hand_over(u);
	if (!u->now && queue_pop(u->free_slabs, &u->now, -1) == 0)
		u->now->n = u->now->used = 0;
	return u->now;
}

static void take(struct udp *u, struct inlet *in, size_t i, int64_t now_ns, bool is_tight)
{
	struct addr sender;
	uint16_t port;
	size_t len = u->catch.messages[i].msg_len;
	inlet_addr(&u->catch.from[i], &sender, &port);
	if (is_tight && !sources_address_known(u->s->sources, &sender)) {
		counter_add(&syslog_counts.queue_drops, 1);
		counter_add(&in->lost, 1);
		counter_add(&in->dropped, 1);
		return;
	}
	struct slab *s = slab_for(u, len);
	if (!s)
		return;
	s->items[s->n++] = (struct item){ .from = { sender, in, now_ns },
					  .off = (uint32_t)s->used,
					  .len = (uint32_t)len };
	memcpy(s->bytes + s->used, u->catch.parts[i].iov_base, len);
	s->used += len;
}

/* The kernel tells with each message how many it had to drop since the socket was made. */
static void kernel_drops(struct inlet *in, struct msghdr *m)
{
	uint32_t total;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&total, CMSG_DATA(c), sizeof(total));
		uint32_t more = total - in->kernel_drops;
		in->kernel_drops = total;
		counter_add(&syslog_counts.kernel_drops, more);
		counter_add(&in->lost, more);
		counter_add(&in->dropped, more);
	}
}

static int receive(struct udp *u, struct inlet *in)
{
	struct catch *c = &u->catch;
	for (size_t i = 0; i < AT_ONCE; i++) {
		c->parts[i] = (struct iovec){ c->bytes + i * DATAGRAM_MAX, DATAGRAM_MAX };
		c->messages[i].msg_hdr =
			(struct msghdr){ .msg_name = &c->from[i],
					 .msg_namelen = sizeof(c->from[i]),
					 .msg_iov = &c->parts[i],
					 .msg_iovlen = 1,
					 .msg_control = &c->control[i],
					 .msg_controllen = sizeof(c->control[i]) };
	}
	int n = recvmmsg(in->fd, c->messages, AT_ONCE, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return 0;
	bool is_tight = queue_len(u->free_slabs) < SLABS_KEPT;
	int64_t now_ns = clock_now_ns();
	for (int i = 0; i < n; i++)
		take(u, in, (size_t)i, now_ns, is_tight);
	kernel_drops(in, &c->messages[n - 1].msg_hdr);
	return n;
}

static void receive_main(void *arg)
{
	struct udp *u = arg;
	struct pollfd p[INLETS_MAX + 1];
	app_sandbox_thread("syslog");
	for (size_t i = 0; i < u->n; i++)
		p[i] = (struct pollfd){ .fd = u->inlets[i]->fd, .events = POLLIN };
	p[u->n] = (struct pollfd){ .fd = u->stop_fd, .events = POLLIN };
	for (int64_t last_mono_ns = 0;;) {
		int got = 0;
		bool closing =
			atomic_load(&u->closing); /* before the last look into the kernel */
		thread_beat();
		for (size_t i = 0; i < u->n; i++)
			got += receive(u, u->inlets[i]);
		if (closing && !last_mono_ns)
			last_mono_ns = clock_mono_ns() + LAST_NS;
		if (got > 0 && !(closing && clock_mono_ns() > last_mono_ns))
			continue;
		bool is_busy = u->now && u->now->n > 0 && queue_len(u->full_slabs) > 0;
		if (closing || !is_busy)
			hand_over(u);
		if (closing)
			break; /* the kernel's buffers are empty, or never will be */
		thread_park();
		(void)poll(p, u->n + 1,
			   is_busy ? WAIT_MS : -1); /* EINTR and the like: just another round */
		thread_unpark();
	}
	queue_close(u->full_slabs);
}

static void read_slab(struct udp *u, const struct slab *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct item *it = &s->items[i];
		intake_line(u->intake, frame_datagram(str_n(s->bytes + it->off, it->len)),
			    &it->from, 0);
	}
}

static void lines_main(void *arg)
{
	struct udp *u = arg;
	struct slab *s;
	app_sandbox_thread("syslog");
	while (queue_pop(u->full_slabs, &s, -1) == 0) {
		thread_beat();
		read_slab(u, s);
		if (queue_push(u->free_slabs, &s) != 0)
			break; /* is never closed */
		if (queue_len(u->full_slabs) == 0)
			intake_flush(u->intake);
	}
	intake_flush(u->intake);
}

int udp_start(struct udp *u, struct err *e)
{
	for (size_t i = 0; i < SLABS; i++) {
		struct slab *s = &u->slabs[i];
		if (queue_try_push(u->free_slabs, &s) != 0)
			return err_set(e, ERR_FULL, "no place for slabs");
	}
	int rc = thread_start(&u->reader, "syslog/lines", lines_main, u, e);
	return rc != 0 ? rc : thread_start(&u->receiver, "syslog/udp", receive_main, u, e);
}

void udp_stop(struct udp *u)
{
	uint64_t one = 1;
	atomic_store(&u->closing, true);
	if (write(u->stop_fd, &one, sizeof(one)) != sizeof(one))
		log_err("syslog", "cannot wake the receiving thread errno=%d", errno);
	if (!u->receiver.started)
		queue_close(u->full_slabs);
	thread_join(&u->receiver);
	thread_join(&u->reader);
}
