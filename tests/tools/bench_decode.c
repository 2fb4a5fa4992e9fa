/* What decode_frame costs: the frames of a capture file are read into memory (libpcap), then decoded in
 * rounds until two seconds of CPU are used. One JSON line. bench_decode FILE.pcap */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/base/clock.h"
#include "tomsd/decode.h"

#define FRAMES_MAX 1000000u
#define BYTES_MAX (512u << 20)

struct frame {
	size_t at;
	uint32_t captured, wire_bytes;
};

int main(int argc, char **argv)
{
	char words[PCAP_ERRBUF_SIZE];
	pcap_t *pc = argc == 2 ? pcap_open_offline(argv[1], words) : NULL;
	if (!pc) {
		fprintf(stderr, "%s\n", argc == 2 ? words : "usage: bench_decode FILE.pcap");
		return argc == 2 ? 1 : 2;
	}
	struct frame *frames = malloc(FRAMES_MAX * sizeof(*frames));
	uint8_t *bytes = malloc(BYTES_MAX);
	size_t n = 0, used = 0;
	struct pcap_pkthdr *h;
	const u_char *data;
	if (!frames || !bytes)
		return 1;
	while (n < FRAMES_MAX && pcap_next_ex(pc, &h, &data) == 1 &&
	       used + h->caplen <= BYTES_MAX) {
		memcpy(bytes + used, data, h->caplen);
		frames[n++] = (struct frame){ used, h->caplen, h->len };
		used += h->caplen;
	}
	uint32_t link = (uint32_t)pcap_datalink(pc);
	uint64_t results[DECODE_RESULTS] = { 0 }, rounds = 0, hashes = 0;
	int64_t began = clock_thread_cpu_ns(), took = 0;
	for (; n && took < 2 * NS_PER_S; rounds++) {
		for (size_t i = 0; i < n; i++) {
			struct pkt p;
			p.wire_bytes = frames[i].wire_bytes;
			p.sensor = 0;
			results[decode_frame(link, bytes + frames[i].at, frames[i].captured,
					     &p)]++;
			hashes += p.pair_hash;
		}
		took = clock_thread_cpu_ns() - began;
	}
	printf("{\"bench\":\"decode\",\"frames\":%zu,\"rounds\":%llu,\"ns_per_packet\":%.1f,\"check\":%llu",
	       n, (unsigned long long)rounds, n ? (double)took / (double)(n * rounds) : 0.0,
	       (unsigned long long)(hashes & 0xffff));
	for (unsigned r = 0; r < DECODE_RESULTS; r++)
		if (results[r])
			printf(",\"%s\":%llu", decode_result_names[r],
			       (unsigned long long)(results[r] / rounds));
	printf("}\n");
	pcap_close(pc);
	free(frames);
	free(bytes);
	return 0;
}
