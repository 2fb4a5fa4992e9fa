/* What a flow shard costs, without capture and store.
 *
 *	bench_flow FILE...          capture files through decode and one shard, rows thrown away
 *	bench_flow --rows FILE...   the same, each row as a JSON object
 *	bench_flow --many N         N conversations open at once; memory for each
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/flow.h"

struct bench {
	struct flow_shard *shard;
	struct chunk *chunk;
	struct pkt_batch *batch;
	uint64_t packets, bytes, rows, row_packets, row_bytes;
	int64_t decode_ns, flow_ns;
	bool print;
};

static int take_rows(void *arg, const struct flow *rows, size_t n)
{
	struct bench *b = arg;
	for (size_t i = 0; i < n; i++) {
		b->row_packets += rows[i].src_packets + rows[i].dst_packets;
		b->row_bytes += rows[i].src_bytes + rows[i].dst_bytes;
		if (!b->print)
			continue;
		struct buf out;
		struct json j;
		buf_init(&out, 1 << 20);
		json_init(&j, &out);
		record_json(&flow_record, &rows[i], &j);
		(void)printf("%s\n", out.p ? out.p : "");
		buf_fini(&out);
	}
	b->rows += n;
	return 0;
}

static void hand_over(struct bench *b)
{
	int64_t began = clock_thread_cpu_ns();
	flow_shard_batch(b->shard, b->batch);
	b->flow_ns += clock_thread_cpu_ns() - began;
	b->batch->n = 0;
	b->chunk->used = 0;
}

static void take_frame(struct bench *b, uint32_t link, const uint8_t *frame, uint32_t captured,
		       uint32_t wire, int64_t ts_ns)
{
	if (captured > PACKETS_CHUNK_BYTES)
		captured = PACKETS_CHUNK_BYTES;
	if (b->batch->n == PACKETS_BATCH_MAX || b->chunk->used + captured > PACKETS_CHUNK_BYTES)
		hand_over(b);
	struct pkt *p = &b->batch->pkts[b->batch->n++];
	p->ts_ns = ts_ns;
	p->wire_bytes = wire;
	p->data_off = b->chunk->used;
	p->sensor = 0;
	memcpy(b->chunk->data + b->chunk->used, frame, captured);
	(void)decode_frame(link, b->chunk->data + b->chunk->used, captured,
			   p); /* its result is in p */
	b->chunk->used += captured;
	b->packets++;
	b->bytes += wire;
}

static int replay(struct bench *b, const char *path)
{
	char words[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *frame;
	pcap_t *pc = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO,
							     words);
	if (!pc) {
		(void)fprintf(stderr, "bench_flow: %s: %s\n", path, words);
		return 1;
	}
	uint32_t link = (uint32_t)pcap_datalink(pc);
	int64_t began = clock_thread_cpu_ns(), flow_before = b->flow_ns;
	while (pcap_next_ex(pc, &h, &frame) == 1)
		take_frame(b, link, frame, h->caplen, h->len,
			   (int64_t)h->ts.tv_sec * NS_PER_S + (int64_t)h->ts.tv_usec);
	pcap_close(pc);
	b->decode_ns += clock_thread_cpu_ns() - began - (b->flow_ns - flow_before);
	b->batch->end_of_file = 1;
	hand_over(b);
	b->batch->end_of_file = 0;
	return 0;
}

static uint64_t resident_bytes(void)
{
	unsigned long all = 0, here = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%lu %lu", &all, &here) != 2)
		here = 0;
	if (f)
		(void)fclose(f);
	return here * 4096u;
}

/* A UDP or TCP packet of conversation n; every third one has payload that nDPI must look into. */
static uint32_t frame_make(uint8_t f[128], uint32_t n)
{
	bool tcp = n & 1;
	uint32_t payload = n % 3 ? 0 : 40, l4 = (tcp ? 20 : 8) + payload;
	memset(f, 0, 128);
	memcpy(f, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00\x45", 15);
	f[16] = (uint8_t)((20 + l4) >> 8);
	f[17] = (uint8_t)(20 + l4);
	f[22] = 64;
	f[23] = tcp ? 6 : 17;
	f[26] = 10;
	f[27] = (uint8_t)(n >> 16);
	f[28] = (uint8_t)(n >> 8);
	f[29] = (uint8_t)n;
	memcpy(f + 30, "\x0a\xff\x00\x01", 4);
	f[34] = 0xc0;
	f[36] = 0x1f;
	f[37] = 0x90;
	if (tcp) {
		f[46] = 0x50;
		f[47] = payload ? 0x18 : 2;
	} else {
		f[39] = (uint8_t)l4;
	}
	for (uint32_t i = 0; i < payload; i++)
		f[34 + (tcp ? 20u : 8u) + i] = (uint8_t)(n * 31 + i * 7);
	return 34 + l4;
}

static void many(struct bench *b, uint32_t n)
{
	uint8_t frame[128];
	uint64_t before = resident_bytes();
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bytes = frame_make(frame, i);
		take_frame(b, DECODE_LINK_ETHERNET, frame, bytes, bytes, NS_PER_S + i * 1000);
	}
	hand_over(b);
	struct flow_stats s;
	flow_shard_stats(b->shard, &s);
	uint64_t now = resident_bytes();
	(void)printf(
		"{\"bench\":\"flow_memory\",\"open\":%llu,\"rss_bytes\":%llu,\"bytes_per_flow\":%llu,"
		"\"ns_per_new_flow\":%llu}\n",
		(unsigned long long)s.open, (unsigned long long)now,
		(unsigned long long)((now - before) / (n ? n : 1)),
		(unsigned long long)((uint64_t)b->flow_ns / (n ? n : 1)));
}

static void report(const struct bench *b)
{
	struct flow_stats s;
	flow_shard_stats(b->shard, &s);
	double n = b->packets ? (double)b->packets : 1;
	(void)fprintf(
		stderr,
		"{\"bench\":\"flow\",\"packets\":%llu,\"bytes\":%llu,\"flows\":%llu,\"rows\":%llu,"
		"\"packets_in_rows\":%llu,\"not_ip\":%llu,\"bad\":%llu,\"read_decode_ns\":%.0f,"
		"\"flow_ns\":%.0f,\"dpi_calls\":%llu,\"memory_bytes\":%llu,\"rss_bytes\":%llu}\n",
		(unsigned long long)b->packets, (unsigned long long)b->bytes,
		(unsigned long long)s.flows, (unsigned long long)b->rows,
		(unsigned long long)b->row_packets, (unsigned long long)s.packets_not_ip,
		(unsigned long long)s.packets_bad, (double)b->decode_ns / n,
		(double)b->flow_ns / n, (unsigned long long)s.dpi_calls,
		(unsigned long long)s.memory_bytes, (unsigned long long)resident_bytes());
}

int main(int argc, char **argv)
{
	struct bench b = { .chunk = calloc(1, sizeof(struct chunk)),
			   .batch = calloc(1, sizeof(struct pkt_batch)) };
	struct flow_conf conf;
	struct err e = ERR_INIT;
	int rc = 0, first = 1;
	flow_conf_defaults(&conf);
	if (!b.chunk || !b.batch || flow_shard_new(&b.shard, &conf, take_rows, &b, &e)) {
		(void)fprintf(stderr, "bench_flow: %s\n", e.text);
		return 1;
	}
	b.batch->chunk = b.chunk;
	if (argc == 3 && strcmp(argv[1], "--many") == 0) {
		uint32_t n;
		if (num_u32(str_of(argv[2]), 1, 1u << 24, &n))
			return 2;
		many(&b, n);
	} else {
		b.print = argc > 1 && strcmp(argv[1], "--rows") == 0;
		first += b.print;
		for (int i = first; i < argc; i++)
			rc |= replay(&b, argv[i]);
		report(&b);
	}
	flow_shard_free(b.shard);
	free(b.chunk);
	free(b.batch);
	return rc;
}
