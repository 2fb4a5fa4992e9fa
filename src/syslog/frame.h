/* Framing: the bytes of a TCP stream -> messages. Octet counting ("618 <189>..."), LF and NUL may follow one
 * another in one stream (RFC 6587 3.4; RFC 5425 4.3). One thread a stream; nothing but the part of
 * a message that has not ended yet is kept in memory. */
#ifndef SYSLOG_FRAME_H
#define SYSLOG_FRAME_H

#include <stdatomic.h>

#include "tomsd/base/str.h"
#include "tomsd/log_row.h"

/* Memory of all streams' unfinished messages together. Each stream may have up to FRAME_SMALL as long as
 * anything is left; more only while more than half of it is left, or to one that is trusted. */
#define FRAME_SMALL 4096u
struct frame_pool {
	_Atomic size_t used;
	size_t max;
};

enum frame_way { FRAME_NONE, FRAME_LF, FRAME_NUL, FRAME_COUNTED };
enum frame_state {
	FRAME_START,
	FRAME_COUNT,  /* digits that may be a length */
	FRAME_BEHIND, /* digits and a blank: a length if the message begins as one */
	FRAME_GUESS,  /* a number and what may be as many octets, gathered */
	FRAME_LINE,   /* until LF or NUL */
	FRAME_OCTETS, /* left bytes still to come */
	FRAME_SKIP,   /* the rest of a line that was too long */
	FRAME_SKIP_OCTETS,
	FRAME_FAILED /* no memory for it: the stream is to be closed; *in is what was not taken */
};

struct frame { /* all zero to begin with */
	enum frame_state state;
	enum frame_way way; /* of the message before */
	bool is_mixed;      /* ways have changed in this stream */
	bool is_trusted;    /* of an accepted source: all of the memory is for it */
	uint8_t digits;
	uint32_t count, left;
	char *p; /* the beginning of the message that has not ended */
	uint32_t n, room;
	bool given; /* p was handed out; it is used up at the next call */
};

struct frame_line {
	struct str line;   /* good until the next call */
	bool is_truncated; /* it was longer than LOG_LINE_MAX */
};

/* The next message of *in, which is moved on; false: *in is used up (or f->state is FRAME_FAILED).
 * *skipped grows by bytes that are thrown away since their line is too long. */
bool frame_next(struct frame *f, struct frame_pool *pool, struct str *in,
		struct frame_line *out, uint64_t *skipped);
/* The stream has ended: what there is of a last message. frame_fini afterwards. */
bool frame_end(struct frame *f, struct frame_pool *pool, struct frame_line *out);
void frame_fini(struct frame *f, struct frame_pool *pool);
/* A datagram is one message: without the LF, CR LF or NULs some senders put behind it. */
struct str frame_datagram(struct str in);

#endif
