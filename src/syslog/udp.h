/* Datagrams: the thread syslog/udp empties the kernel's buffers into slabs, syslog/lines reads lines out of them. */
#ifndef SYSLOG_UDP_H
#define SYSLOG_UDP_H

#include "room.h"

int udp_new(struct udp **out, struct syslog *s, struct err *e) MUST_CHECK;
int udp_start(struct udp *u, struct err *e) MUST_CHECK;
void udp_stop(struct udp *u); /* what has been received is put; joins */
void udp_free(struct udp *u);

#endif
