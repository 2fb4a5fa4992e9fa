/* From frames to the flow threads: the chunk that bytes lie in, one open batch for each flow thread,
 * and the counters. A struct dispatch belongs to one capture thread. */
#ifndef TOMSD_CAPTURE_DISPATCH_H
#define TOMSD_CAPTURE_DISPATCH_H

#include "tomsd/packets.h"

#define DISPATCH_SHARDS_MAX 64

/* Written by one capture thread, read by anybody. */
struct dispatch_sums {
	_Atomic uint64_t packets, bytes; /* frames seen; of those, bytes on the wire */
	_Atomic uint64_t own_drops;      /* packets that no flow thread got */
	_Atomic uint64_t results[DECODE_RESULTS];
	_Atomic int64_t last_packet_ns;
};

extern struct dispatch_sums dispatch_totals; /* of all, for the room's counters */

struct dispatch {
	struct packets *packets;
	unsigned n_shards;
	bool wait; /* files: for a full queue; live: never */
	uint8_t sensor;
	struct chunk *chunk; /* NULL: live, and none was free */
	struct pkt_batch *open[DISPATCH_SHARDS_MAX];
	struct { /* since the last dispatch_flush */
		uint64_t packets, bytes, own_drops, results[DECODE_RESULTS];
	} now;
	int64_t last_packet_ns;
	struct dispatch_sums sums;
};

void dispatch_init(struct dispatch *d, struct packets *ps, uint8_t sensor, bool wait);
/* A frame whose bytes lie in d->chunk at data_off already. */
void dispatch_frame(struct dispatch *d, uint32_t link, uint32_t data_off, uint32_t captured,
		    uint32_t wire_bytes, int64_t ts_ns);
/* A frame that lies elsewhere: copied into the chunk if there is one. */
void dispatch_copy(struct dispatch *d, uint32_t link, const uint8_t *frame, uint32_t captured,
		   uint32_t wire_bytes, int64_t ts_ns);
/* Hands all open batches over, empty ones too, so that every flow thread learns the time; adds sums. */
void dispatch_flush(struct dispatch *d, int64_t clock_ns);
/* Takes a new chunk (after a flush) and puts keep_n bytes of the old one in front of it: 0, or
 * -ERR_FULL when there is none (live). */
int dispatch_renew(struct dispatch *d, uint32_t keep_off, uint32_t keep_n);
/* After the last packet; end_of_file tells the flow threads that every flow is over. */
void dispatch_end(struct dispatch *d, int64_t clock_ns, bool end_of_file);
uint64_t dispatch_bad_frames(const struct dispatch_sums *s);

#endif
