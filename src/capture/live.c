/* Live capture through libpcap: a TPACKET_V3 ring of the kernel for each interface, read by the thread
 * capture/NAME, copied into chunks and decoded. Flow threads are never waited for: what they cannot
 * take is dropped and counted. Nothing is ever sent.
 *
 * Handles are opened in init, while the process may. An interface that is not there yet, or that is
 * down, gets a handle opened on the loopback interface and taken off it at once: binding a packet
 * socket to another interface later needs no privilege (packet(7); seen on Linux 6.18 with libpcap
 * 1.10.3, also for an interface that was deleted and made again with a new index). */
#include "live.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

#define STAND_IN "lo"
#define BLOCK_MS 100 /* the kernel hands a block over when it is full or this old */
#define FLUSH_NS \
	(100 *   \
	 NS_PER_MS) /* batches go out at least this often, so that flows age in quiet times */
#define ROUND_PACKETS 4096 /* then look at the clock and the stop signal */

const char *const live_state_names[LIVE_STATES] = {
	[LIVE_CLOSED] = "closed",         [LIVE_ABSENT] = "absent", [LIVE_DOWN] = "down",
	[LIVE_NO_CARRIER] = "no_carrier", [LIVE_UP] = "up",
};

_Atomic uint64_t live_kernel_drops, live_nic_drops;

int live_filter_check(struct str filter, struct err *e)
{
	char text[4096];
	struct bpf_program program;
	if (!str_copy(text, sizeof(text), filter))
		return err_set(e, ERR_INVALID, "longer than %zu bytes", sizeof(text) - 1);
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
	if (!dead)
		return err_set(e, ERR_NOMEM, "no memory to check it");
	int r = pcap_compile(dead, &program, text, 1, PCAP_NETMASK_UNKNOWN);
	if (r == 0)
		pcap_freecode(&program);
	else
		(void)err_set(e, ERR_INVALID, "not a capture filter: %s (pcap-filter(7))",
			      pcap_geterr(dead));
	pcap_close(dead);
	return r == 0 ? 0 : -ERR_INVALID;
}

void live_rename(struct live *l, const char *name)
{
	char *to = atomic_load(&l->shown) == l->names[0] ? l->names[1] : l->names[0];
	(void)str_copy(to, sizeof(l->names[0]),
		       str_of(name)); /* longer than the kernel's names: absent */
	atomic_store(&l->shown, to);
}

/* One try to open a device: the handle, or NULL with libpcap's status. */
static pcap_t *activate(const char *device, const struct capture_options *o, int *status)
{
	char words[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_create(device, words);
	*status = PCAP_ERROR;
	if (!p)
		return NULL;
	(void)pcap_set_snaplen(p, o->snaplen); /* these fail on active handles only */
	(void)pcap_set_promisc(p, o->promiscuous);
	(void)pcap_set_timeout(p, BLOCK_MS);
	(void)pcap_set_buffer_size(p, (int)o->ring_bytes);
	(void)pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
	*status = pcap_activate(p);
	if (*status >= 0)
		return p;
	pcap_close(p);
	return NULL;
}

static void closed(struct live *l, const char *words)
{
	atomic_store(&l->state, LIVE_CLOSED);
	(void)str_copy(l->why_closed, sizeof(l->why_closed), str_of(words));
	if (l->pcap)
		pcap_close(l->pcap);
	l->pcap = NULL;
}

static bool set_up(struct live *l, const struct capture_options *o)
{
	char words[PCAP_ERRBUF_SIZE];
	struct bpf_program program;
	bool good = pcap_setnonblock(l->pcap, 1, words) == 0;
	if (good && o->filter) {
		good = pcap_compile(l->pcap, &program, o->filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
		if (good) {
			good = pcap_setfilter(l->pcap, &program) == 0;
			pcap_freecode(&program);
		}
	}
	return good;
}

static int bind_socket(const struct live *l, int index, unsigned short protocol)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(protocol),
				  .sll_ifindex = index };
	return bind(l->fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static void forget(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	(void)user;
	(void)h;
	(void)data;
}

/* Bound to a protocol that no packet on the loopback has, the socket is deaf (0 would mean: as before).
 * What came until now is thrown away. */
static bool take_off_stand_in(struct live *l, int netlink_fd)
{
	struct link_facts lo;
	if (netlink_link(netlink_fd, STAND_IN, &lo) < 0 ||
	    bind_socket(l, lo.index, ETH_P_802_3) < 0)
		return false;
	struct packet_mreq off = { .mr_ifindex = lo.index, .mr_type = PACKET_MR_PROMISC };
	(void)setsockopt(l->fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &off,
			 sizeof(off)); /* libpcap may have none */
	while (pcap_dispatch(l->pcap, ROUND_PACKETS, forget, NULL) > 0)
		;
	return true;
}

static void say_why_closed(struct live *l, int status)
{
	char words[sizeof(l->why_closed)];
	const char *next;
	if (status == PCAP_ERROR_PERM_DENIED || status == PCAP_ERROR_PROMISC_PERM_DENIED)
		next = "not allowed: start tomsd as root or with CAP_NET_RAW (the systemd unit gives it)";
	else if (status == PCAP_ERROR_IFACE_NOT_UP)
		next = "it is down and nothing stands in for it: switch it on (ip link set up) and restart tomsd";
	else
		next = pcap_statustostr(status);
	(void)snprintf(words, sizeof(words), "cannot capture on %s: %s", live_name(l), next);
	closed(l, words);
}

void live_open(struct live *l, const char *name, const struct capture_options *o,
	       int netlink_fd)
{
	struct link_facts facts = { .carrier = true };
	int status;
	live_rename(l, name);
	l->promiscuous = o->promiscuous;
	atomic_store(&l->state, LIVE_ABSENT);
	bool all = live_is_all(l);
	bool there = all || netlink_link(netlink_fd, name, &facts) == 0;
	l->pcap = there ? activate(name, o, &status) : NULL;
	bool stand_in = !l->pcap && (!there || status == PCAP_ERROR_IFACE_NOT_UP ||
				     status == PCAP_ERROR_NO_SUCH_DEVICE);
	if (stand_in)
		l->pcap = activate(STAND_IN, o, &status);
	if (!l->pcap) {
		say_why_closed(l, status);
		return;
	}
	l->fd = pcap_fileno(l->pcap);
	l->link = (uint32_t)pcap_datalink(l->pcap);
	if (!decode_link_known(l->link)) {
		closed(l, "its link type is not one that tomsd reads: name another interface");
		return;
	}
	if (!set_up(l, o) || (stand_in && !take_off_stand_in(l, netlink_fd))) {
		closed(l, pcap_geterr(l->pcap));
		return;
	}
	l->watched.index = stand_in ? 0 : facts.index;
	l->watched.nic_drops = there ? facts.nic_drops : 0;
	l->watched.nic_known = there && !all;
	atomic_store(&l->bound, !stand_in);
	if (!stand_in)
		atomic_store(&l->state, facts.carrier ? LIVE_UP : LIVE_NO_CARRIER);
}

static void count(_Atomic uint64_t *mine, _Atomic uint64_t *all, uint64_t n)
{
	atomic_fetch_add(mine, n);
	atomic_fetch_add(all, n);
}

int live_bind(struct live *l, int index)
{
	struct packet_mreq on = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
	int r = bind_socket(l, index, ETH_P_ALL);
	if (r < 0)
		return r;
	if (l->promiscuous && index != l->watched.index &&
	    setsockopt(l->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &on, sizeof(on)) < 0)
		log_warning("capture", "interface is not promiscuous interface=%s errno=%d",
			    LOGQ(live_name(l)), errno);
	l->watched.index = index;
	atomic_store(&l->bound, true);
	return 0;
}

void live_add_nic_drops(struct live *l, uint64_t n)
{
	count(&l->nic_drops, &live_nic_drops, n);
}

/* The kernel clears its counters when it is asked. */
void live_read_kernel_drops(struct live *l)
{
	struct tpacket_stats_v3 s = { 0 };
	socklen_t n = sizeof(s);
	if (l->pcap && getsockopt(l->fd, SOL_PACKET, PACKET_STATISTICS, &s, &n) == 0)
		count(&l->kernel_drops, &live_kernel_drops, s.tp_drops);
}

static void on_frame(u_char *user, const struct pcap_pkthdr *h, const u_char *frame)
{
	struct live *l = (void *)user;
	/* Nanoseconds stand in tv_usec when they were asked for. */
	dispatch_copy(&l->dispatch, l->link, frame, h->caplen,
		      h->len > h->caplen ? h->len : h->caplen,
		      (int64_t)h->ts.tv_sec * NS_PER_S + (int64_t)h->ts.tv_usec);
}

/* Until there is something to read, or a tick has passed. False: the room stops. */
static bool wait_for_frames(const struct live *l, bool bound, int ms)
{
	struct pollfd fds[2] = { { l->stop_fd, POLLIN, 0 }, { l->fd, POLLIN, 0 } };
	(void)poll(fds, bound ? 2 : 1, ms); /* EINTR and the like: just another round */
	if (bound && fds[1].revents &&
	    !(fds[1].revents & POLLIN)) /* down: do not turn round and round */
		(void)poll(fds, 1, ms);
	return !(fds[0].revents & POLLIN);
}

/* One round of reading: packets read. An error means that the interface is gone; the watch binds again. */
static int read_round(struct live *l)
{
	int n = pcap_dispatch(l->pcap, ROUND_PACKETS, on_frame, (u_char *)l);
	if (n >= 0)
		return n;
	log_warning("capture", "interface is lost interface=%s: %s", LOGQ(live_name(l)),
		    pcap_geterr(l->pcap));
	atomic_store(&l->bound, false);
	return 0;
}

static void live_main(void *arg)
{
	struct live *l = arg;
	int64_t flushed_ns = clock_mono_ns();
	int n = 0;
	app_sandbox_thread("capture");
	for (;;) {
		bool bound = atomic_load(&l->bound);
		thread_beat();
		if (!wait_for_frames(l, bound, n < ROUND_PACKETS ? BLOCK_MS : 0))
			break;
		n = bound ? read_round(l) : 0;
		int64_t now_ns = clock_mono_ns();
		if (now_ns - flushed_ns >= FLUSH_NS) {
			dispatch_flush(&l->dispatch, clock_now_ns());
			flushed_ns = now_ns;
		}
	}
	/* What the ring holds still belongs to this run; then the flow threads are waited for. */
	for (unsigned rounds = 0; rounds < 256 && atomic_load(&l->bound) && read_round(l) > 0;
	     rounds++)
		thread_beat();
	l->dispatch.wait = true;
	dispatch_end(&l->dispatch, clock_now_ns(), false);
}

int live_start(struct live *l, struct packets *ps, struct err *e)
{
	char name[48];
	if (!l->pcap)
		return 0;
	dispatch_init(&l->dispatch, ps, l->sensor, false);
	(void)snprintf(name, sizeof(name), "capture/%s", live_name(l));
	return thread_start(&l->thread, name, live_main, l, e);
}

void live_join(struct live *l)
{
	thread_join(&l->thread);
}

void live_close(struct live *l)
{
	if (l->pcap)
		pcap_close(l->pcap);
	l->pcap = NULL;
}
