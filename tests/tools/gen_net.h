/* Hosts, frames and conversations of a network that never was, as a mirror port of its core
 * switch sees them: 802.1Q tagged, each frame once, checksums right. Frames gather in memory
 * and are written in order of time. Large transfers keep only their headers (a capture cut at
 * the snap length) and say on-wire lengths, so that gigabytes fit into a small file. */
#ifndef GEN_NET_H
#define GEN_NET_H

#include "gen_bytes.h"

#define NS 1000000000LL
#define IP4(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define OUTSIDE 0 /* vlan of hosts behind the firewall */

struct host {
	char name[32];
	const char *role, *vendor;
	uint32_t ip;
	uint8_t mac[6];
	uint16_t vlan;
	const void *equipment; /* struct gen_equipment, modalities only */
};

struct frame {
	int64_t ts;
	size_t off;
	uint32_t cap, wire;
	uint8_t from; /* 0: the side that began */
};

struct net {
	struct gen bytes;
	struct frame *frames;
	size_t n, room;
	struct gen_random rnd;
	bool whole; /* no frame is cut */
	bool ipv6;  /* what is said now goes over IPv6 */
	uint16_t next_port, next_id;
	uint64_t wire_bytes;
};

static const uint8_t gen_router[6] = { 0x00, 0x00, 0xf4, 0x20, 0x00, 0x01 };
static const uint8_t gen_nobody[6]; /* in a host: its frames go to all */
static const uint8_t gen_broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

UNUSED static uint16_t net_port(struct net *n)
{
	if (n->next_port < 49152)
		n->next_port = 49152;
	return n->next_port++;
}

UNUSED static uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n & 1)
		sum += (uint32_t)(p[n - 1] << 8);
	return sum;
}
UNUSED static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Adds the frame that now ends n->bytes. */
UNUSED static void net_frame(struct net *n, int64_t ts, size_t off, size_t unseen,
			     unsigned from)
{
	if (n->n == n->room) {
		n->room = n->room * 2 + 1024;
		n->frames = realloc(n->frames, n->room * sizeof(*n->frames));
		if (!n->frames)
			abort();
	}
	size_t cap = n->bytes.n - off, wire = cap + unseen;
	if (wire < 60) { /* Ethernet pads */
		gen_fill(&n->bytes, 0, 60 - wire);
		cap += 60 - wire;
		wire = 60;
	}
	n->frames[n->n++] =
		(struct frame){ ts, off, (uint32_t)cap, (uint32_t)wire, (uint8_t)from };
	n->wire_bytes += wire;
}

/* Ethernet with tag, IPv4 header; the MAC of the other side is the router's when it lives
 * elsewhere. */
/* 2001:db8:VLAN::address of IPv4: RFC 3849 keeps the prefix for documentation. */
UNUSED static void net_address6(struct gen *g, const struct host *h)
{
	gen_be32(g, 0x20010db8);
	gen_be32(g, (uint32_t)h->vlan << 16);
	gen_be32(g, 0);
	gen_be32(g, h->ip);
}

UNUSED static void net_header6(struct net *n, const struct host *a, const struct host *b,
			       unsigned l4, size_t l4_bytes, bool near)
{
	struct gen *g = &n->bytes;
	gen_be16(g, 0x86dd);
	gen_be32(g, 0x60000000);
	gen_be16(g, (unsigned)l4_bytes);
	gen_u8(g, l4);
	gen_u8(g, near ? 128 : 127);
	net_address6(g, a);
	net_address6(g, b);
}

UNUSED static size_t net_ip(struct net *n, const struct host *a, const struct host *b,
			    unsigned l4, size_t l4_bytes)
{
	struct gen *g = &n->bytes;
	size_t off = g->n;
	bool near = a->vlan == b->vlan;
	uint16_t vlan = a->vlan == OUTSIDE ? b->vlan :
			b->vlan == OUTSIDE ? a->vlan :
			a->vlan > b->vlan  ? a->vlan :
					     b->vlan;
	bool broadcast = memcmp(b->mac, gen_nobody, 6) == 0;
	gen_put(g,
		broadcast               ? gen_broadcast :
		near || b->vlan == vlan ? b->mac :
					  gen_router,
		6);
	gen_put(g, near || a->vlan == vlan ? a->mac : gen_router, 6);
	gen_be16(g, 0x8100);
	gen_be16(g, vlan);
	if (n->ipv6) {
		net_header6(n, a, b, l4, l4_bytes, near);
		return off;
	}
	gen_be16(g, 0x0800);
	size_t ip = g->n;
	gen_be16(g, 0x4500);
	gen_be16(g, (unsigned)(20 + l4_bytes));
	gen_be16(g, n->next_id++);
	gen_be16(g, 0x4000);
	gen_u8(g, near ? 128 : 127);
	gen_u8(g, l4);
	gen_be16(g, 0);
	gen_be32(g, a->ip);
	gen_be32(g, b->ip);
	uint16_t sum = sum_fold(sum_bytes(0, g->p + ip, 20));
	g->p[ip + 10] = (uint8_t)(sum >> 8);
	g->p[ip + 11] = (uint8_t)sum;
	return off;
}

/* Bytes that are not kept count as zeros. */
UNUSED static void net_l4_sum(struct net *n, size_t l4, size_t at, unsigned proto,
			      size_t l4_bytes)
{
	uint8_t *p = n->bytes.p;
	size_t addresses = n->ipv6 ? 32 : 8;
	uint32_t sum = sum_bytes(0, p + l4 - addresses, addresses);
	sum += proto + (uint32_t)l4_bytes;
	sum = sum_bytes(sum, p + l4, n->bytes.n - l4);
	uint16_t folded = sum_fold(sum);
	p[at] = (uint8_t)(folded >> 8);
	p[at + 1] = (uint8_t)folded;
}

UNUSED static void udp(struct net *n, int64_t ts, const struct host *a, uint16_t sport,
		       const struct host *b, uint16_t dport, const void *p, size_t bytes,
		       unsigned from)
{
	size_t off = net_ip(n, a, b, 17, 8 + bytes), l4 = n->bytes.n;
	gen_be16(&n->bytes, sport);
	gen_be16(&n->bytes, dport);
	gen_be16(&n->bytes, (unsigned)(8 + bytes));
	gen_be16(&n->bytes, 0);
	gen_put(&n->bytes, p, bytes);
	net_l4_sum(n, l4, l4 + 6, 17, 8 + bytes);
	net_frame(n, ts, off, 0, from);
}

UNUSED static void icmp_echo(struct net *n, int64_t ts, const struct host *a,
			     const struct host *b)
{
	for (unsigned side = 0; side < 2; side++) {
		size_t off = net_ip(n, side ? b : a, side ? a : b, 1, 40), l4 = n->bytes.n;
		gen_be32(&n->bytes, side ? 0 : 0x08000000);
		gen_be32(&n->bytes, 0x00010001);
		gen_fill(&n->bytes, 'a', 32);
		uint16_t sum = sum_fold(sum_bytes(0, n->bytes.p + l4, 40));
		n->bytes.p[l4 + 2] = (uint8_t)(sum >> 8);
		n->bytes.p[l4 + 3] = (uint8_t)sum;
		net_frame(n, ts + side * 400000, off, 0, side);
	}
}

UNUSED static void arp(struct net *n, int64_t ts, const struct host *a, uint32_t wanted)
{
	size_t off = n->bytes.n;
	struct gen *g = &n->bytes;
	gen_put(g, gen_broadcast, 6);
	gen_put(g, a->mac, 6);
	gen_be16(g, 0x8100);
	gen_be16(g, a->vlan);
	gen_be16(g, 0x0806);
	gen_be32(g, 0x00010800);
	gen_be32(g, 0x06040001);
	gen_put(g, a->mac, 6);
	gen_be32(g, a->ip);
	gen_fill(g, 0, 6);
	gen_be32(g, wanted);
	net_frame(n, ts, off, 0, 0);
}

/* A TCP conversation; h[0] began it. t moves on with what is said. */
struct conn {
	struct net *n;
	const struct host *h[2];
	uint16_t port[2];
	uint32_t seq[2];
	int64_t t, rtt;
};
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* unseen: payload bytes on the wire that the capture did not keep. */
UNUSED static void tcp_packet(struct conn *c, unsigned from, unsigned flags, const void *p,
			      size_t bytes, size_t unseen)
{
	struct net *n = c->n;
	struct gen *g = &n->bytes;
	bool syn = flags & SYN;
	size_t head = syn ? 28 : 20, all = head + bytes + unseen;
	size_t off = net_ip(n, c->h[from], c->h[!from], 6, all), l4 = g->n;
	gen_be16(g, c->port[from]);
	gen_be16(g, c->port[!from]);
	gen_be32(g, c->seq[from]);
	gen_be32(g, flags & ACK ? c->seq[!from] : 0);
	gen_u8(g, (unsigned)(head / 4 << 4));
	gen_u8(g, flags);
	gen_be16(g, syn ? 65535 : 8192);
	gen_be32(g, 0);
	if (syn) {
		gen_be32(g, 0x020405b4);
		gen_be32(g, 0x01030308);
	}
	gen_put(g, p, bytes);
	net_l4_sum(n, l4, l4 + 16, 6, all);
	net_frame(n, c->t, off, unseen, from);
	c->seq[from] += (uint32_t)(bytes + unseen) + (syn || flags & FIN ? 1 : 0);
}

UNUSED static void tcp_wait(struct conn *c, int64_t ns)
{
	c->t += ns + gen_below(&c->n->rnd, 1000) * 100;
}

UNUSED static struct conn tcp_syn(struct net *n, int64_t ts, const struct host *a,
				  const struct host *b, uint16_t port)
{
	bool far = a->vlan == OUTSIDE || b->vlan == OUTSIDE;
	struct conn c = { .n = n,
			  .h = { a, b },
			  .port = { net_port(n), port },
			  .t = ts,
			  .rtt = far ? gen_between(&n->rnd, 4000, 30000) * 1000LL :
				       gen_between(&n->rnd, 150, 900) * 1000LL };
	c.seq[0] = (uint32_t)gen_next(&n->rnd);
	c.seq[1] = (uint32_t)gen_next(&n->rnd);
	tcp_packet(&c, 0, SYN, NULL, 0, 0);
	tcp_wait(&c, c.rtt);
	return c;
}

UNUSED static struct conn tcp_open(struct net *n, int64_t ts, const struct host *a,
				   const struct host *b, uint16_t port)
{
	struct conn c = tcp_syn(n, ts, a, b, port);
	tcp_packet(&c, 1, SYN | ACK, NULL, 0, 0);
	tcp_wait(&c, 30000);
	tcp_packet(&c, 0, ACK, NULL, 0, 0);
	return c;
}

#define MSS 1460
UNUSED static void tcp_say(struct conn *c, unsigned from, const void *p, size_t bytes)
{
	const uint8_t *at = p;
	tcp_wait(c, c->rtt / 2);
	for (unsigned i = 1; bytes; i++) {
		size_t part = bytes < MSS ? bytes : MSS;
		tcp_packet(c, from, part == bytes ? ACK | PSH : ACK, at, part, 0);
		at += part;
		bytes -= part;
		tcp_wait(c, 20000);
		if (i % 2 == 0 || !bytes)
			tcp_packet(c, !from, ACK, NULL, 0, 0);
	}
}

UNUSED static void tcp_say_gen(struct conn *c, unsigned from, struct gen *g)
{
	tcp_say(c, from, g->p, g->n);
	gen_reset(g);
}

/* Many bytes in segments of at most `segment`, over about `span` ns; only headers are kept. A
 * net that keeps frames whole gets a few frames mostly and now and then many, as flows are in
 * the field. */
UNUSED static void tcp_bulk(struct conn *c, unsigned from, uint64_t bytes, size_t segment,
			    int64_t span)
{
	static struct gen noise;
	if (c->n->whole) {
		segment = 500;
		bytes = segment * (gen_below(&c->n->rnd, 8) ? 3 : 400);
		if (noise.n < MSS)
			gen_noise(&noise, &c->n->rnd, MSS);
	}
	int64_t step = span / (int64_t)(bytes / segment + 1);
	for (unsigned i = 1; bytes; i++) {
		size_t part = bytes < segment ? (size_t)bytes : segment;
		if (c->n->whole)
			tcp_packet(c, from, ACK, noise.p, part, 0);
		else
			tcp_packet(c, from, ACK, NULL, 0, part);
		bytes -= part;
		c->t += step;
		if (i % 4 == 0 || !bytes)
			tcp_packet(c, !from, ACK, NULL, 0, 0);
	}
}

UNUSED static void tcp_close(struct conn *c)
{
	tcp_wait(c, c->rtt);
	tcp_packet(c, 0, FIN | ACK, NULL, 0, 0);
	tcp_wait(c, c->rtt);
	tcp_packet(c, 1, FIN | ACK, NULL, 0, 0);
	tcp_wait(c, 30000);
	tcp_packet(c, 0, ACK, NULL, 0, 0);
}

UNUSED static int frame_order(const void *a, const void *b)
{
	const struct frame *x = a, *y = b;
	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

/* Capture files: pcap with nanoseconds, or pcapng with one interface. */
UNUSED static void file_begin(FILE *f, bool ng, uint32_t snaplen)
{
	struct gen g = { NULL, 0, 0 };
	if (ng) {
		gen_le32(&g, 0x0a0d0d0a);
		gen_le32(&g, 28);
		gen_le32(&g, 0x1a2b3c4d);
		gen_le32(&g, 1);
		gen_fill(&g, 0xff, 8);
		gen_le32(&g, 28);
		gen_le32(&g, 1);
		gen_le32(&g, 32);
		gen_le32(&g, 1);
		gen_le32(&g, snaplen);
		gen_le32(&g, 9 | 1 << 16); /* if_tsresol: 10^-9 */
		gen_le32(&g, 9);
		gen_le32(&g, 0);
		gen_le32(&g, 32);
	} else {
		gen_le32(&g, 0xa1b23c4d);
		gen_le32(&g, 2 | 4 << 16);
		gen_fill(&g, 0, 8);
		gen_le32(&g, snaplen);
		gen_le32(&g, 1);
	}
	fwrite(g.p, 1, g.n, f);
	gen_free(&g);
}

UNUSED static void file_frame(FILE *f, bool ng, int64_t ts, const uint8_t *p, uint32_t cap,
			      uint32_t wire)
{
	static struct gen g;
	gen_reset(&g);
	if (ng) {
		uint32_t padded = (cap + 3) / 4 * 4;
		gen_le32(&g, 6);
		gen_le32(&g, 32 + padded);
		gen_le32(&g, 0);
		gen_le32(&g, (uint32_t)((uint64_t)ts >> 32));
		gen_le32(&g, (uint32_t)ts);
		gen_le32(&g, cap);
		gen_le32(&g, wire);
		gen_put(&g, p, cap);
		gen_fill(&g, 0, padded - cap);
		gen_le32(&g, 32 + padded);
	} else {
		gen_le32(&g, (uint32_t)(ts / NS));
		gen_le32(&g, (uint32_t)(ts % NS));
		gen_le32(&g, cap);
		gen_le32(&g, wire);
		gen_put(&g, p, cap);
	}
	fwrite(g.p, 1, g.n, f);
}

#endif
