/* The benchmark's capture: N frames of many conversations at once, whole (nothing cut), written
 * as they are made. A few hundred conversations are made once; thousands of them then run side
 * by side with other clients' addresses and ports put in, checksums kept right (RFC 1624). */
#ifndef GEN_BULK_H
#define GEN_BULK_H

#include "gen_day.h"

#define TEMPLATES 2000
#define ACTIVE 1500

struct script { /* frames of one conversation: [from, to) of the net */
	size_t from, to;
};
struct actor {
	uint32_t script, ip;
	size_t at;
	uint16_t port;
};

/* A new 16-bit word in a sum: RFC 1624 section 3. */
static void sum_fix(uint8_t *sum, uint32_t was, uint32_t is)
{
	uint32_t s = (uint32_t)(uint16_t) ~(sum[0] << 8 | sum[1]) + (uint16_t)~was + is;
	uint16_t folded = sum_fold(s);
	sum[0] = (uint8_t)(folded >> 8);
	sum[1] = (uint8_t)folded;
}
static void word_put(uint8_t *at, uint32_t v, uint8_t *sum, uint8_t *sum2)
{
	uint32_t was = (uint32_t)(at[0] << 8 | at[1]);
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
	sum_fix(sum, was, v);
	if (sum2)
		sum_fix(sum2, was, v);
}

/* Puts the client's address and port in, where the frame is IPv4 with UDP or TCP. */
static void frame_recast(uint8_t *p, const struct frame *f, const struct actor *a)
{
	if (p[16] != 0x08 || p[17] != 0x00 || (p[27] != 6 && p[27] != 17))
		return;
	size_t addr = f->from ? 34 : 30, port = f->from ? 40 : 38;
	uint8_t *l4sum = p + (p[27] == 6 ? 54 : 44);
	if (p[addr] != 10)
		return;
	word_put(p + addr, a->ip >> 16, p + 28, l4sum);
	word_put(p + addr + 2, a->ip & 0xffff, p + 28, l4sum);
	if ((p[port] << 8 | p[port + 1]) >= 49152) {
		uint32_t was = (uint32_t)(p[port] << 8 | p[port + 1]);
		p[port] = (uint8_t)(a->port >> 8);
		p[port + 1] = (uint8_t)a->port;
		sum_fix(l4sum, was, a->port);
	}
}

static void actor_cast(struct actor *a, struct gen_random *r, uint32_t *number,
		       const struct script *scripts, unsigned n)
{
	a->script = gen_below(r, n);
	a->at = scripts[a->script].from;
	a->ip = IP4(10, 64, 0, 0) + *number % 2000000;
	a->port = (uint16_t)(49152 + *number / 3 % 16000);
	++*number;
}

static int bulk_write(struct day *d, const char *path, uint64_t packets, int64_t t)
{
	static struct script scripts[TEMPLATES];
	static struct actor actors[ACTIVE];
	uint64_t bytes = 0;
	uint32_t number = 0;
	FILE *f = fopen(path, "wb");
	if (!f) {
		perror(path);
		return 1;
	}
	(void)setvbuf(f, NULL, _IOFBF, 1 << 20);
	d->net.whole = true;
	for (unsigned i = 0; i < TEMPLATES; i++) {
		scripts[i].from = d->net.n;
		gen_kinds[kind_any(&d->net.rnd, true)].say(d, 0);
		scripts[i].to = d->net.n;
		qsort(d->net.frames + scripts[i].from, scripts[i].to - scripts[i].from,
		      sizeof(struct frame), frame_order);
	}
	for (unsigned i = 0; i < ACTIVE; i++)
		actor_cast(&actors[i], &d->net.rnd, &number, scripts, TEMPLATES);
	file_begin(f, false, 65535);
	for (uint64_t i = 0; i < packets; i++) {
		/* Small runs of one conversation, as packets come in bursts. */
		struct actor *a = &actors[gen_below(&d->net.rnd, ACTIVE)];
		for (unsigned run = 1 + gen_below(&d->net.rnd, 4); run && i < packets;
		     run--, i++) {
			const struct frame *fr = &d->net.frames[a->at];
			uint8_t frame[2048];
			uint32_t cap = fr->cap < sizeof(frame) ? fr->cap : sizeof(frame);
			memcpy(frame, d->net.bytes.p + fr->off, cap);
			frame_recast(frame, fr, a);
			file_frame(f, false, t, frame, cap, fr->wire);
			bytes += fr->wire;
			t += 2000 + gen_below(&d->net.rnd, 3000);
			if (++a->at == scripts[a->script].to)
				actor_cast(a, &d->net.rnd, &number, scripts, TEMPLATES);
		}
		i--;
	}
	if (fclose(f) != 0) {
		perror(path);
		return 1;
	}
	printf("{\"file\":\"%s\",\"packets\":%llu,\"bytes\":%llu,\"conversations\":%u}\n", path,
	       (unsigned long long)packets, (unsigned long long)bytes, number);
	return 0;
}

#endif
