/* One live interface: its libpcap handle, its thread capture/NAME, what the watch knows of it.
 * Private to src/capture. */
#ifndef TOMSD_CAPTURE_LIVE_H
#define TOMSD_CAPTURE_LIVE_H

#include <pcap/pcap.h>
#include <stdatomic.h>
#include <string.h>

#include "capture.h"
#include "netlink.h"
#include "tomsd/flow_row.h"

enum live_state {
	LIVE_CLOSED,     /* no handle; stays so until the next start */
	LIVE_ABSENT,     /* no interface of this name */
	LIVE_DOWN,       /* there, but switched off */
	LIVE_NO_CARRIER, /* no signal on the cable */
	LIVE_UP,
	LIVE_STATES,
};
extern const char *const live_state_names[LIVE_STATES];
extern _Atomic uint64_t live_kernel_drops,
	live_nic_drops; /* of all interfaces, for the room's counters */

struct live {
	char names[2][sizeof(((struct capture_minute *)0)->interface)];
	_Atomic(const char *)
		shown;  /* one of names; changes once, when "auto" has found its interface */
	bool automatic; /* the interface of the default route, whichever that is */
	uint8_t sensor;
	int stop_fd;
	bool promiscuous;
	pcap_t *pcap; /* thread: capture; the watch uses fd only */
	int fd;
	uint32_t link;
	struct thread thread;
	struct dispatch dispatch; /* thread: capture; its sums: any */
	_Atomic bool
		bound; /* the socket is on the interface; capture clears it, the watch sets it */
	_Atomic int state;                        /* enum live_state; written by the watch */
	_Atomic uint64_t kernel_drops, nic_drops; /* written by the watch */
	_Atomic uint64_t packets_per_s, bits_per_s;
	char why_closed[256]; /* LIVE_CLOSED: a sentence with the next step; constant after init */
	struct watched {      /* thread: capture/watch */
		int index;    /* the socket is bound to; 0 nothing */
		uint64_t nic_drops; /* the interface's counter at the last look */
		bool nic_known;
		uint64_t packets, bytes; /* at the last look, for the rates */
		struct capture_minute minute,
			base; /* running minute; totals at its beginning */
		int64_t up_ns;
	} watched;
};

static inline const char *live_name(const struct live *l)
{
	return atomic_load(&l->shown);
}
void live_rename(struct live *l, const char *name);
/* libpcap's "any": every interface at once, cooked; the kernel has no link of that name. */
static inline bool live_is_all(const struct live *l)
{
	return strcmp(live_name(l), "any") == 0;
}
/* init: opens the handle while privileges are there. Never fails: what is wrong is in the state. */
void live_open(struct live *l, const char *name, const struct capture_options *o,
	       int netlink_fd);
int live_start(struct live *l, struct packets *ps, struct err *e) MUST_CHECK;
void live_join(struct live *l);
void live_close(struct live *l);
/* Puts the socket onto the interface that has this index now. Needs no privilege; thread: watch. */
int live_bind(struct live *l, int index) MUST_CHECK;
void live_read_kernel_drops(struct live *l);
void live_add_nic_drops(struct live *l, uint64_t n);
int live_filter_check(struct str filter, struct err *e) MUST_CHECK;

/* watch.c: the thread capture/watch looks at all interfaces once a second. */
struct watch;
int watch_start(struct watch **out, struct app *a, struct live *lives, size_t n, int netlink_fd,
		int stop_fd, struct err *e) MUST_CHECK;
void watch_join(struct watch *w); /* after the capture threads: writes the last minute; frees */

#endif
