/* The minutes that a capture file covers, as rows of struct capture_minute, by the packets' clock. */
#ifndef TOMSD_CAPTURE_FILE_MINUTES_H
#define TOMSD_CAPTURE_FILE_MINUTES_H

#include "tomsd/flow_row.h"
#include "tomsd/store.h"

struct file_minutes {
	struct store *store;       /* NULL: nobody keeps rows */
	struct capture_minute now; /* at_ns 0: none open */
	int64_t from_ns, to_ns;    /* first and last packet in it */
	uint32_t rows;             /* of this file */
};

void file_minutes_begin(struct file_minutes *m, struct store *st, const char *path);
void file_minutes_turn(struct file_minutes *m, int64_t ts_ns);
void file_minutes_end(struct file_minutes *m);

/* A packet; costs a comparison. */
static inline void file_minutes_add(struct file_minutes *m, int64_t ts_ns, uint32_t wire_bytes)
{
	if (unlikely(ts_ns - m->now.at_ns >= INT64_C(60000000000) || ts_ns < m->now.at_ns))
		file_minutes_turn(m, ts_ns);
	m->now.packets++;
	m->now.bytes += wire_bytes;
	if (ts_ns > m->to_ns)
		m->to_ns = ts_ns;
}

#endif
