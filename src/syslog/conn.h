/* One connection, and who may have one. */
#ifndef SYSLOG_CONN_H
#define SYSLOG_CONN_H

#include "room.h"
#include "tls.h"

struct conn {
	struct conn *next, *prev; /* of its reader; or next of those that were let in */
	struct conn *again;       /* next of those with bytes that epoll does not see */
	int fd;
	bool is_again, wants_out;
	bool is_known; /* its address is an accepted source's */
	struct addr peer;
	struct inlet *inlet;
	struct frame frame;
	struct syslog_tls_link *link; /* TLS, from its first byte on */
	int64_t opened_mono_ns, read_mono_ns;
	int64_t waits_mono_ns; /* since when a message has not ended; 0: none */
	uint64_t lines;
};

/* Connections of each address and in all. Any thread. */
struct doors {
	struct mutex m;
	struct map by_address;   /* lock: m */
	size_t n, n_tls;         /* lock: m */
	size_t max, per_address; /* lock: m */
};
int doors_init(struct doors *d, size_t max, size_t per_address) MUST_CHECK;
void doors_fini(struct doors *d);
/* TLS may have an eighth, for each costs some 30 KiB. Of all, and of those of TLS, an eighth is kept for
 * addresses of accepted sources. */
bool doors_enter(struct doors *d, const struct addr *a, bool is_known, bool is_tls);
void doors_leave(struct doors *d, const struct addr *a, bool is_tls);

#endif
