/* rtnetlink (rtnetlink(7), RFC 3549): RTM_GETLINK for one name, RTM_GETROUTE for the default route.
 * Questions and answers only; nothing is changed. Replies come from the kernel, but are read with the
 * same care as all outside bytes. */
#include "netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tomsd/base/str.h"

#define REPLY_BYTES \
	32768 /* the kernel's NLMSG_GOODSIZE is 8192 at most pages; dumps come in several */

union reply { /* aligned for struct nlmsghdr */
	struct nlmsghdr first;
	uint8_t b[REPLY_BYTES];
};

int netlink_open(struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return err_sys(e, errno, "asking the kernel about interfaces");
	struct timeval limit = { .tv_sec = 1 };
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
			 sizeof(limit)); /* it answers at once, or not at all */
	return fd;
}

static int ask(int fd, const struct nlmsghdr *h)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;
	do
		n = sendto(fd, h, h->nlmsg_len, 0, (const struct sockaddr *)&kernel,
			   sizeof(kernel));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -ERR_IO : 0;
}

static ssize_t hear(int fd, union reply *r)
{
	ssize_t n;
	do
		n = recv(fd, r, sizeof(*r), 0);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Value of the first attribute of a kind with at least n bytes, or NULL. */
static const void *attribute(const struct nlmsghdr *h, size_t header_bytes, unsigned short type,
			     size_t n)
{
	size_t left = h->nlmsg_len - NLMSG_LENGTH(header_bytes);
	const char *at = (const char *)h + NLMSG_LENGTH(header_bytes);
	while (left >= sizeof(struct rtattr)) {
		struct rtattr a;
		memcpy(&a, at, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > left)
			return NULL;
		if (a.rta_type == type && a.rta_len >= RTA_LENGTH(n))
			return at + RTA_LENGTH(0);
		size_t step = RTA_ALIGN((size_t)a.rta_len);
		if (step > left)
			return NULL;
		at += step;
		left -= step;
	}
	return NULL;
}

static bool holds(const struct nlmsghdr *h, size_t n, size_t header_bytes)
{
	return n >= sizeof(*h) && h->nlmsg_len <= n &&
	       h->nlmsg_len >= NLMSG_LENGTH(header_bytes);
}

static void link_of(const struct nlmsghdr *h, struct link_facts *out)
{
	struct ifinfomsg m;
	memcpy(&m, (const char *)h + NLMSG_LENGTH(0), sizeof(m));
	*out = (struct link_facts){
		.index = m.ifi_index,
		.up = (m.ifi_flags & IFF_UP) != 0,
		.carrier = (m.ifi_flags & IFF_RUNNING) != 0,
		.arp_type = m.ifi_type,
	};
	const void *stats = attribute(h, sizeof(m), IFLA_STATS64,
				      offsetof(struct rtnl_link_stats64, rx_compressed));
	struct rtnl_link_stats64 s = { 0 };
	if (!stats)
		return;
	memcpy(&s, stats, offsetof(struct rtnl_link_stats64, rx_compressed));
	/* Drivers use the last two for the same thing (linux/if_link.h), some fill both. */
	out->nic_drops =
		s.rx_missed_errors +
		(s.rx_fifo_errors > s.rx_over_errors ? s.rx_fifo_errors : s.rx_over_errors);
}

int netlink_link(int fd, const char *name, struct link_facts *out)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
		struct rtattr a;
		char name[IFNAMSIZ];
	} q = {
		.h = { .nlmsg_len = sizeof(q),
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST },
		.a = { .rta_len = RTA_LENGTH(IFNAMSIZ), .rta_type = IFLA_IFNAME },
	};
	union reply r;
	if (!str_copy(q.name, sizeof(q.name), str_of(name)))
		return -ERR_NOTFOUND; /* the kernel has no names of this length */
	if (ask(fd, &q.h) < 0)
		return -ERR_IO;
	for (unsigned tries = 0; tries < 8;
	     tries++) { /* an answer that came too late for the last question */
		ssize_t n = hear(fd, &r);
		if (n < (ssize_t)sizeof(r.first))
			return -ERR_IO;
		if (r.first.nlmsg_type == NLMSG_ERROR)
			return -ERR_NOTFOUND;
		if (r.first.nlmsg_type != RTM_NEWLINK ||
		    !holds(&r.first, (size_t)n, sizeof(struct ifinfomsg)))
			continue;
		const char *is = attribute(&r.first, sizeof(struct ifinfomsg), IFLA_IFNAME, 1);
		if (!is || strncmp(is, name, IFNAMSIZ) != 0)
			continue;
		link_of(&r.first, out);
		return 0;
	}
	return -ERR_IO;
}

struct route {
	bool found;
	uint32_t metric;
	int index;
};

/* A default route of the main table that leads somewhere, with a smaller metric than *best. */
static void route_look(const struct nlmsghdr *h, struct route *best)
{
	struct rtmsg m;
	memcpy(&m, (const char *)h + NLMSG_LENGTH(0), sizeof(m));
	if (m.rtm_dst_len != 0 || m.rtm_table != RT_TABLE_MAIN || m.rtm_type != RTN_UNICAST)
		return;
	const void *oif = attribute(h, sizeof(m), RTA_OIF, sizeof(int));
	const void *priority = attribute(h, sizeof(m), RTA_PRIORITY, sizeof(uint32_t));
	uint32_t metric = 0;
	if (priority)
		memcpy(&metric, priority, sizeof(metric));
	if (!oif || (best->found && metric >= best->metric))
		return;
	best->found = true;
	best->metric = metric;
	memcpy(&best->index, oif, sizeof(best->index));
}

static struct route routes_ask(int fd, unsigned char family)
{
	struct {
		struct nlmsghdr h;
		struct rtmsg m;
	} q = {
		.h = { .nlmsg_len = sizeof(q),
		       .nlmsg_type = RTM_GETROUTE,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.m = { .rtm_family = family },
	};
	struct route best = { 0 };
	union reply r;
	if (ask(fd, &q.h) < 0)
		return best;
	for (;;) {
		ssize_t got = hear(fd, &r);
		if (got < (ssize_t)sizeof(r.first))
			return best;
		for (size_t at = 0, n = (size_t)got; at + sizeof(struct nlmsghdr) <= n;) {
			struct nlmsghdr h;
			memcpy(&h, r.b + at, sizeof(h));
			if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > n - at ||
			    h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR)
				return best;
			if (h.nlmsg_type == RTM_NEWROUTE &&
			    h.nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg)))
				route_look((const struct nlmsghdr *)(const void *)(r.b + at),
					   &best);
			at += NLMSG_ALIGN(h.nlmsg_len);
		}
	}
}

int netlink_default_route(int fd, char *name, size_t cap)
{
	char text[IFNAMSIZ];
	struct route r = routes_ask(fd, AF_INET);
	if (!r.found)
		r = routes_ask(fd, AF_INET6);
	if (!r.found || !if_indextoname((unsigned)r.index, text))
		return -ERR_NOTFOUND;
	return str_copy(name, cap, str_of(text)) ? 0 : -ERR_NOTFOUND;
}
