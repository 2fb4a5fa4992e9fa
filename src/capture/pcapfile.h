/* Capture file formats as a cursor over bytes: pcap and pcapng. Knows no files and no chunks, copies
 * nothing, allocates nothing. Private to src/capture; one thread. */
#ifndef TOMSD_CAPTURE_PCAPFILE_H
#define TOMSD_CAPTURE_PCAPFILE_H

#include "tomsd/base/compiler.h"

#define PCAPFILE_CAPTURED_MAX (256u << 10) /* a longer packet is passed over and counted */
#define PCAPFILE_NEED_MAX (PCAPFILE_CAPTURED_MAX + 64)
#define PCAPFILE_INTERFACES_MAX 256 /* of one pcapng section */

struct pcapfile_interface {
	uint32_t link;        /* DLT number */
	uint32_t snaplen;     /* 0: no limit */
	uint32_t fcs_bytes;   /* checksum at the end of each frame */
	uint64_t ticks_per_s; /* 0: 2^63 and finer, of which only the upper half counts */
	int64_t offset_s;
};

enum pcapfile_format { PCAPFILE_UNKNOWN, PCAPFILE_CLASSIC, PCAPFILE_NG };

struct pcapfile {
	enum pcapfile_format format;
	bool swapped; /* the file's byte order is not this machine's big-endian reading */
	uint32_t record_header; /* classic: 16, or 24 in the modified format */
	uint32_t ns_per_tick;   /* classic */
	uint64_t skip;          /* bytes still to be passed over */
	size_t need;            /* after PCAPFILE_MORE: bytes wanted at the cursor */
	bool lost;              /* pcapng: looking for the next section header */
	int64_t last_ns;        /* for blocks without a time */
	struct {
		uint64_t packets, oversized, bad_blocks, unknown_interface;
	} seen;
	const char *words; /* after PCAPFILE_BROKEN */
	uint32_t n_interfaces;
	struct pcapfile_interface interfaces[PCAPFILE_INTERFACES_MAX]; /* classic: the first */
};

struct pcapfile_packet {
	int64_t ts_ns;
	size_t off; /* of its bytes behind the cursor */
	uint32_t captured;
	uint32_t wire_bytes; /* never less than captured */
	uint32_t link;
};

enum pcapfile_step {
	PCAPFILE_PACKET,  /* *out is filled */
	PCAPFILE_NOTHING, /* something was passed over */
	PCAPFILE_MORE,    /* need bytes are wanted at the cursor, at most PCAPFILE_NEED_MAX */
	PCAPFILE_BROKEN,  /* nothing behind this can be read */
};

void pcapfile_init(struct pcapfile *f);
/* Looks at n bytes at the cursor; *used says how far it moves (a packet's bytes lie within them). */
enum pcapfile_step pcapfile_next(struct pcapfile *f, const uint8_t *p, size_t n, size_t *used,
				 struct pcapfile_packet *out);

/* pcapng.c */
enum pcapfile_step pcapng_next(struct pcapfile *f, const uint8_t *p, size_t n, size_t *used,
			       struct pcapfile_packet *out);

static inline uint16_t pcapfile_u16(const struct pcapfile *f, const uint8_t *b)
{
	uint16_t v = (uint16_t)((unsigned)b[0] << 8 | b[1]);
	return f->swapped ? __builtin_bswap16(v) : v;
}
static inline uint32_t pcapfile_u32(const struct pcapfile *f, const uint8_t *b)
{
	uint32_t v = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return f->swapped ? __builtin_bswap32(v) : v;
}
static inline enum pcapfile_step pcapfile_more(struct pcapfile *f, size_t need)
{
	f->need = need;
	return PCAPFILE_MORE;
}
static inline enum pcapfile_step pcapfile_broken(struct pcapfile *f, const char *words)
{
	f->words = words;
	return PCAPFILE_BROKEN;
}
/* Lengths of a packet of this interface, its frame check sequence taken off. */
void pcapfile_lengths(const struct pcapfile_interface *i, uint32_t captured, uint32_t said,
		      struct pcapfile_packet *out);

#endif
