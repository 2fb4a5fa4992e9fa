/* Frames made by hand, handed to a shard the way capture does, and the rows that come back. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tomsd/flow.h"

#define WIRE_T0 (INT64_C(1700000000) * NS_PER_S)
#define WIRE_ROWS 8192

enum { F = 1, S = 2, R = 4, P = 8, A = 16 };

struct wire {
	struct flow_shard *shard;
	struct chunk *chunk;
	struct pkt_batch *batch;
	struct flow rows[WIRE_ROWS];
	size_t n_rows;
	uint64_t sent, sent_bytes;
};

static int wire_take(void *arg, const struct flow *rows, size_t n)
{
	struct wire *w = arg;
	for (size_t i = 0; i < n; i++)
		if (w->n_rows < WIRE_ROWS)
			w->rows[w->n_rows++] = rows[i];
	return 0;
}

static UNUSED struct wire *wire_new(const struct flow_conf *conf)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct flow_conf defaults;
	struct err e = ERR_INIT;
	assert_non_null(w);
	flow_conf_defaults(&defaults);
	w->chunk = calloc(1, sizeof(*w->chunk));
	w->batch = calloc(1, sizeof(*w->batch));
	assert_non_null(w->chunk);
	assert_non_null(w->batch);
	w->batch->chunk = w->chunk;
	assert_int_equal(flow_shard_new(&w->shard, conf ? conf : &defaults, wire_take, w, &e),
			 0);
	return w;
}

static UNUSED void wire_free(struct wire *w)
{
	flow_shard_free(w->shard);
	free(w->chunk);
	free(w->batch);
	free(w);
}

static UNUSED void wire_flush(struct wire *w)
{
	flow_shard_batch(w->shard, w->batch);
	w->batch->n = 0;
	w->batch->end_of_file = 0;
	w->chunk->used = 0;
}

static UNUSED void wire_frame(struct wire *w, int64_t at_ns, const uint8_t *frame,
			      uint32_t captured, uint32_t wire)
{
	if (w->batch->n == PACKETS_BATCH_MAX || w->chunk->used + captured > PACKETS_CHUNK_BYTES)
		wire_flush(w);
	struct pkt *p = &w->batch->pkts[w->batch->n++];
	p->ts_ns = WIRE_T0 + at_ns;
	p->wire_bytes = wire;
	p->data_off = w->chunk->used;
	p->sensor = 0;
	memcpy(w->chunk->data + p->data_off, frame, captured);
	(void)decode_frame(DECODE_LINK_ETHERNET, w->chunk->data + p->data_off, captured,
			   p); /* result is in p */
	w->chunk->used += captured;
	w->sent++;
	w->sent_bytes += wire;
}

/* The capture ends: every row is there. */
static UNUSED size_t wire_end(struct wire *w)
{
	w->batch->end_of_file = 1;
	wire_flush(w);
	return w->n_rows;
}

/* One end of a conversation: 10.0.0.x unless told. */
struct end {
	uint32_t ip;
	uint16_t port;
};
#define HOST(last, port_) ((struct end){ 0x0a000000u + (last), (port_) })

static UNUSED void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static UNUSED void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* Ethernet and IPv4 around an L4 part; vlan 0: no tag; frag: flags and offset as on the wire. */
static UNUSED uint32_t make_ip(uint8_t f[2048], struct end a, struct end b, uint8_t l4,
			       uint32_t l4_bytes, uint16_t vlan, uint16_t id, uint16_t frag,
			       uint8_t **l4_at)
{
	uint32_t at = 12;
	memset(f, 0, 64);
	f[5] = (uint8_t)b.ip;
	f[11] = (uint8_t)a.ip;
	f[0] = f[6] = 2;
	if (vlan) {
		put16(f + at, 0x8100);
		put16(f + at + 2, vlan);
		at += 4;
	}
	put16(f + at, 0x0800);
	uint8_t *ip = f + at + 2;
	ip[0] = 0x45;
	put16(ip + 2, 20 + l4_bytes);
	put16(ip + 4, id);
	put16(ip + 6, frag);
	ip[8] = 64;
	ip[9] = l4;
	put32(ip + 12, a.ip);
	put32(ip + 16, b.ip);
	*l4_at = ip + 20;
	return at + 2 + 20 + l4_bytes;
}

static UNUSED void send_tcp_vlan(struct wire *w, int64_t at_ns, struct end a, struct end b,
				 unsigned flags, uint32_t seq, uint32_t ack, const char *text,
				 uint16_t vlan)
{
	uint8_t f[2048], *h;
	uint32_t n = text ? (uint32_t)strlen(text) : 0;
	uint32_t bytes = make_ip(f, a, b, 6, 20 + n, vlan, 1, 0, &h);
	memset(h, 0, 20);
	put16(h, a.port);
	put16(h + 2, b.port);
	put32(h + 4, seq);
	put32(h + 8, ack);
	h[12] = 0x50;
	h[13] = (uint8_t)flags;
	memcpy(h + 20, text ? text : "", n);
	wire_frame(w, at_ns, f, bytes, bytes);
}

static UNUSED void send_tcp(struct wire *w, int64_t at_ns, struct end a, struct end b,
			    unsigned flags, uint32_t seq, uint32_t ack, const char *text)
{
	send_tcp_vlan(w, at_ns, a, b, flags, seq, ack, text, 0);
}

static UNUSED void send_udp(struct wire *w, int64_t at_ns, struct end a, struct end b,
			    const void *payload, uint32_t n)
{
	uint8_t f[2048], *h;
	uint32_t bytes = make_ip(f, a, b, 17, 8 + n, 0, 1, 0, &h);
	put16(h, a.port);
	put16(h + 2, b.port);
	put16(h + 4, 8 + n);
	put16(h + 6, 0);
	memcpy(h + 8, payload, n);
	wire_frame(w, at_ns, f, bytes, bytes);
}

static UNUSED void send_icmp(struct wire *w, int64_t at_ns, struct end a, struct end b,
			     uint8_t type, uint8_t code, uint16_t id)
{
	uint8_t f[2048], *h;
	uint32_t bytes = make_ip(f, a, b, 1, 16, 0, 1, 0, &h);
	memset(h, 0, 16);
	h[0] = type;
	h[1] = code;
	put16(h + 4, id);
	wire_frame(w, at_ns, f, bytes, bytes);
}

/* A UDP datagram in fragments of 64 bytes; which: the how manieth. */
static UNUSED void send_fragment(struct wire *w, int64_t at_ns, struct end a, struct end b,
				 uint16_t id, unsigned which, bool last)
{
	uint8_t f[2048], *h;
	uint16_t frag = (uint16_t)((last ? 0 : 0x2000) | which * 8);
	uint32_t bytes = make_ip(f, a, b, 17, 64, 0, id, frag, &h);
	memset(h, 'x', 64);
	if (which == 0) {
		put16(h, a.port);
		put16(h + 2, b.port);
		put16(h + 4, 192);
		put16(h + 6, 0);
	}
	wire_frame(w, at_ns, f, bytes, bytes);
}

/* SYN, SYN-ACK, ACK from at_ns on, a millisecond apart; start numbers 100 and 900. */
static UNUSED void send_handshake(struct wire *w, int64_t at_ns, struct end a, struct end b)
{
	send_tcp(w, at_ns, a, b, S, 100, 0, NULL);
	send_tcp(w, at_ns + NS_PER_MS, b, a, S | A, 900, 101, NULL);
	send_tcp(w, at_ns + 2 * NS_PER_MS, a, b, A, 101, 901, NULL);
}

static UNUSED struct flow_stats wire_stats(const struct wire *w)
{
	struct flow_stats s;
	flow_shard_stats(w->shard, &s);
	return s;
}

static UNUSED uint64_t rows_packets(const struct wire *w)
{
	uint64_t n = 0;
	for (size_t i = 0; i < w->n_rows; i++)
		n += w->rows[i].src_packets + w->rows[i].dst_packets;
	return n;
}

#endif
