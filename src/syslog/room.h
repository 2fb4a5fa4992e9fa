/* What the files of room syslog share. */
#ifndef SYSLOG_ROOM_H
#define SYSLOG_ROOM_H

#include "frame.h"
#include "inlet.h"
#include "sender.h"
#include "source.h"
#include "tomsd/app.h"
#include "tomsd/base/thread.h"
#include "tomsd/syslog.h"

struct streams;
struct syslog_tls;
struct udp;

/* Counters of all runs' threads; see the table in room.c. */
struct syslog_counts {
	_Atomic uint64_t lines, bytes, lines_udp, lines_tcp, lines_tls;
	_Atomic uint64_t truncated, skipped_bytes, partial, problems, not_utf8;
	_Atomic uint64_t kernel_drops, queue_drops, limit_drops, refused_lines, store_drops;
	_Atomic uint64_t connections, connections_refused, connections_cut, tls_failures,
		foreign;
};
extern struct syslog_counts syslog_counts;

struct syslog {
	struct app *app;
	struct store *store;
	struct inlets inlets;
	struct sources *sources;
	struct udp *udp;         /* NULL: no address for it */
	struct streams *streams; /* NULL: none for TCP and TLS */
	struct syslog_tls *tls;  /* NULL: none for TLS */
	struct sender sender;
	struct thread watch;
	struct mutex m;
	pthread_cond_t wake;
	bool closing;          /* lock: m */
	char tls_trouble[256]; /* why the certificate could not be read again; lock: m */
};
struct syslog *syslog_of(struct app *a);

#endif
