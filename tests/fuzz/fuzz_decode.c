/* decode_frame over any bytes: the first byte chooses the link type, the second how much of the frame
 * the wire had besides. Whatever comes out must lie within the frame, and the same frame with its
 * addresses the other way round must land with the same flow thread. */
#include <stdlib.h>
#include <string.h>

#include "tomsd/decode.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static const uint32_t links[] = {
	DECODE_LINK_ETHERNET, DECODE_LINK_NULL,
	DECODE_LINK_LOOP,     DECODE_LINK_RAW,
	DECODE_LINK_RAW_BSD,  DECODE_LINK_IPV4,
	DECODE_LINK_IPV6,     DECODE_LINK_SLL,
	DECODE_LINK_SLL2,     9999,
};

static void within(const struct pkt *p, uint32_t captured)
{
	REQUIRE(p->l3_off <= captured && p->l3_bytes <= captured - p->l3_off);
	REQUIRE(p->payload_off <= captured && p->payload_bytes <= captured - p->payload_off);
	REQUIRE(p->l4_off <= captured && (p->l4_off == 0 || p->l4_off >= p->l3_off));
	REQUIRE(p->tunnel < DECODE_TUNNELS && p->result < DECODE_RESULTS);
	REQUIRE(p->key.ip_version == 0 || p->key.ip_version == 4 || p->key.ip_version == 6);
	REQUIRE(p->result != DECODE_OK || p->key.ip_version != 0);
	REQUIRE(!(p->flags & PKT_FRAG_LATER) || (p->key.src_port == 0 && p->key.dst_port == 0));
}

/* Link and outer headers are not touched: the two addresses of the innermost packet change places. */
static void turn_round(const struct pkt *p, uint8_t *frame)
{
	uint8_t a[16];
	size_t n = p->key.ip_version == 4 ? 4 : 16;
	uint8_t *src = frame + p->l3_off + (n == 4 ? 12 : 8);
	memcpy(a, src, n);
	memcpy(src, src + n, n);
	memcpy(src + n, a, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 2 || n > 70000)
		return 0;
	uint32_t link = links[data[0] % ARRAY_LEN(links)], captured = (uint32_t)n - 2;
	uint8_t *frame = malloc(captured ? captured : 1);
	struct pkt p, q;
	REQUIRE(frame);
	memcpy(frame, data + 2, captured);
	memset(&p, 0xa5, sizeof(p));
	p.wire_bytes = q.wire_bytes = captured + data[1] * 8u;
	REQUIRE(decode_frame(link, frame, captured, &p) == p.result);
	within(&p, captured);
	if (p.key.ip_version &&
	    p.tunnel == DECODE_TUNNEL_NONE) { /* other bytes, other guesses at an inside */
		turn_round(&p, frame);
		(void)decode_frame(link, frame, captured, &q);
		REQUIRE(q.pair_hash == p.pair_hash && q.result == p.result);
	}
	free(frame);
	return 0;
}
