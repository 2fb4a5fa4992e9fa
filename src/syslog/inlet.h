/* Inlets: the sockets on which lines come in, bound in init. */
#ifndef SYSLOG_INLET_H
#define SYSLOG_INLET_H

#include <stdatomic.h>
#include <sys/socket.h>

#include "tomsd/base/err.h"
#include "tomsd/base/opt.h"
#include "tomsd/log_row.h"

#define INLETS_MAX 24
#define INLET_TEXT_MAX 64

struct inlet {
	int fd;
	enum log_transport transport;
	struct sockaddr_storage at; /* as bound */
	socklen_t at_bytes;
	char text[INLET_TEXT_MAX]; /* "127.0.0.1:5514", "[::1]:5514" */
	uint64_t buffer_bytes;     /* UDP: what the kernel gave */
	_Atomic uint64_t lines, bytes;
	_Atomic uint64_t lost; /* lines that came and are not kept, of whatever reason */
	_Atomic uint64_t
		dropped; /* of these, datagrams that the kernel or the queue had no room for */
	_Atomic uint64_t connections; /* open now */
	uint32_t kernel_drops;        /* thread: syslog/udp */
};
struct inlets {
	struct inlet all[INLETS_MAX];
	size_t n;
};

extern const char *const inlet_names[]; /* by enum log_transport: "udp" "tcp" "tls" */

/* "127.0.0.1:5514", "[::1]:5514"; port 0 lets the kernel choose. Also the check of the options. */
int inlet_parse(struct str text, struct sockaddr_storage *sa, socklen_t *n,
		struct err *e) MUST_CHECK;
int inlet_check(struct str text, struct err *e);
/* Binds all that the configuration names; init, privileged. */
int inlets_open(struct inlets *l, const struct conf *c, struct err *e) MUST_CHECK;
void inlets_close(struct inlets *l);
void inlet_addr(const struct sockaddr_storage *sa, struct addr *out, uint16_t *port);

#endif
