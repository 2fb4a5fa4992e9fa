/* Packets through decode and a whole shard, nDPI and the medical dissectors included. The input is a
 * row of frames: two bytes of length and cut, one of time, then the frame. Sums must come out. */
#include <stdlib.h>
#include <string.h>

#include "tomsd/flow.h"

static uint64_t row_packets;

static int take_rows(void *arg, const struct flow *rows, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		row_packets += rows[i].src_packets + rows[i].dst_packets;
		assert(rows[i].end_ns >= rows[i].start_ns);
		assert(memchr(rows[i].detail, 0, sizeof(rows[i].detail)));
		assert(memchr(rows[i].medical, 0, sizeof(rows[i].medical)));
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct flow_shard *shard; /* the module costs 15 ms; flows end with each input */
	static struct chunk *chunk;
	static struct pkt_batch *batch;
	struct flow_stats before, after;
	if (!shard) {
		struct flow_conf conf;
		struct err e = ERR_INIT;
		flow_conf_defaults(&conf);
		conf.max_flows = 40; /* eviction and pressure belong to the test */
		conf.max_dpi = 16;
		conf.max_medical = 4;
		chunk = calloc(1, sizeof(*chunk));
		batch = calloc(1, sizeof(*batch));
		if (!chunk || !batch || flow_shard_new(&shard, &conf, take_rows, NULL, &e))
			abort();
		batch->chunk = chunk;
	}
	flow_shard_stats(shard, &before);
	row_packets = 0;
	int64_t now_ns = INT64_C(1700000000) * NS_PER_S;
	while (n > 3) {
		uint32_t bytes = (uint32_t)data[0] << 3 | data[1] >> 5, cut = data[1] & 31;
		now_ns += (int64_t)data[2] * data[2] * NS_PER_MS;
		data += 3;
		n -= 3;
		if (bytes > n)
			bytes = (uint32_t)n;
		struct pkt *p = &batch->pkts[0];
		p->ts_ns = now_ns;
		p->wire_bytes = bytes + cut;
		/* Flush with the end of the chunk, so that the sanitizer sees a read behind it. */
		p->data_off = PACKETS_CHUNK_BYTES - bytes;
		p->sensor = 0;
		memcpy(chunk->data + p->data_off, data, bytes);
		(void)decode_frame(
			cut & 1 && bytes > 20 ? DECODE_LINK_RAW : DECODE_LINK_ETHERNET,
			chunk->data + p->data_off, bytes, p); /* its result is in p */
		batch->n = 1;
		flow_shard_batch(shard, batch);
		data += bytes;
		n -= bytes;
	}
	batch->n = 0;
	batch->end_of_file = 1;
	flow_shard_batch(shard, batch);
	batch->end_of_file = 0;
	flow_shard_stats(shard, &after);
	assert(after.packets_in_flows - before.packets_in_flows == row_packets);
	assert(after.open == 0 && after.dpi_open == 0 && after.medical_open == 0 &&
	       after.meta_bytes == 0);
	return 0;
}
