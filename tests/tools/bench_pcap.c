/* The least that reading a capture file can cost: libpcap's own loop with an empty callback. Prints
 * one JSON object; tests/bench.py puts it beside the daemon. */
#include <pcap/pcap.h>
#include <stdio.h>

#include "tomsd/base/compiler.h"

struct sum {
	unsigned long packets, bytes;
};

static void count(unsigned char *arg, const struct pcap_pkthdr *h, const unsigned char *bytes UNUSED)
{
	struct sum *s = (struct sum *)(void *)arg;
	s->packets++;
	s->bytes += h->len;
}

int main(int argc, char **argv)
{
	char words[PCAP_ERRBUF_SIZE];
	struct sum s = { 0, 0 };
	for (int i = 1; i < argc; i++) {
		pcap_t *p = pcap_open_offline(argv[i], words);
		if (!p) {
			fprintf(stderr, "%s\n", words);
			return 1;
		}
		pcap_loop(p, -1, count, (unsigned char *)(void *)&s);
		pcap_close(p);
	}
	printf("{\"packets\":%lu,\"bytes\":%lu}\n", s.packets, s.bytes);
	return 0;
}
