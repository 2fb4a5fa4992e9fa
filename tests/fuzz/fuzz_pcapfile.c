/* The readers of pcap and pcapng over any bytes, whole and in pieces: both must find the same packets,
 * every packet lies within the bytes that were given, and the cursor always moves. */
#include <stdlib.h>
#include <string.h>

#include "../../src/capture/pcapfile.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

struct sum {
	uint64_t packets, bytes, lies;
	int64_t times;
};

static void look(const struct pcapfile_packet *p, size_t used, struct sum *s)
{
	REQUIRE(p->off <= used && p->captured <= used - p->off);
	REQUIRE(p->wire_bytes >= p->captured && p->captured <= PCAPFILE_CAPTURED_MAX);
	s->packets++;
	s->bytes += p->wire_bytes;
	s->times ^= p->ts_ns;
}

/* Gives at most `piece` bytes more than the format asks for. */
static struct sum walk(const uint8_t *data, size_t n, size_t piece)
{
	static struct pcapfile f;
	struct sum s = { 0 };
	size_t at = 0, given = 0;
	pcapfile_init(&f);
	for (unsigned still = 0; still < 4;) {
		struct pcapfile_packet p;
		size_t used = 0;
		enum pcapfile_step step = pcapfile_next(&f, data + at, given - at, &used, &p);
		REQUIRE(used <= given - at);
		if (step == PCAPFILE_BROKEN)
			break;
		if (step == PCAPFILE_MORE) {
			REQUIRE(used == 0 && f.need > given - at &&
				f.need <= PCAPFILE_NEED_MAX);
			if (given == n)
				break;
			size_t want = f.need - (given - at) + piece;
			given += want < n - given ? want : n - given;
			continue;
		}
		still = used ? 0 : still + 1; /* twice at most: format found, skip begun */
		if (step == PCAPFILE_PACKET)
			look(&p, used, &s);
		at += used;
	}
	s.lies = f.seen.oversized + f.seen.bad_blocks + f.seen.unknown_interface;
	REQUIRE(f.seen.packets == s.packets);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sum whole = walk(data, n, n), pieces = walk(data, n, 0),
		   some = walk(data, n, 37);
	REQUIRE(whole.packets == pieces.packets && whole.bytes == pieces.bytes &&
		whole.times == pieces.times);
	REQUIRE(whole.packets == some.packets && whole.lies == some.lies);
	return 0;
}
