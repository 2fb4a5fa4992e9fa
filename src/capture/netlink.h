/* What the kernel knows of an interface, asked by name over rtnetlink: no privilege, no file.
 * Private to src/capture. */
#ifndef TOMSD_CAPTURE_NETLINK_H
#define TOMSD_CAPTURE_NETLINK_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"

struct link_facts {
	int index;
	bool up;           /* switched on (IFF_UP) */
	bool carrier;      /* and a signal on the cable (IFF_RUNNING) */
	unsigned arp_type; /* ARPHRD_ number */
	uint64_t nic_drops; /* lost before the kernel had them: missed, fifo and out of buffers */
};

int netlink_open(struct err *e) MUST_CHECK; /* the descriptor */
/* 0, -ERR_NOTFOUND (no such interface), -ERR_IO. One thread a descriptor. */
int netlink_link(int fd, const char *name, struct link_facts *out) MUST_CHECK;
/* Name of the interface of the default route, IPv4's before IPv6's: 0 or -ERR_NOTFOUND. */
int netlink_default_route(int fd, char *name, size_t cap) MUST_CHECK;

#endif
