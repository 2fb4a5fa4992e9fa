/* Framing: the first byte says how the rest is cut; the messages must be those of the stream in one piece. */
#include <stdint.h>
#include <stdlib.h>

#include "../../src/syslog/frame.h"
#include "tomsd/base/hash.h"

struct sum {
	uint64_t messages, bytes, skipped;
	uint64_t hash;
};

static void take(struct sum *s, struct str line, bool cut)
{
	s->messages++;
	s->bytes += line.n;
	s->hash = hash_bytes(line.p, line.n, s->hash + cut);
	if (line.n > LOG_LINE_MAX)
		abort();
}

static struct sum hear(const uint8_t *p, size_t n, size_t each)
{
	struct sum s = { 0 };
	struct frame f = { 0 };
	struct frame_pool pool = { .max = 1 << 20 };
	struct frame_line l;
	for (size_t at = 0; at < n;) {
		size_t k = n - at < each ? n - at : each;
		char *piece = malloc(k);
		if (!piece)
			abort();
		memcpy(piece, p + at, k);
		struct str in = str_n(piece, k);
		while (frame_next(&f, &pool, &in, &l, &s.skipped))
			take(&s, l.line, l.is_truncated);
		free(piece);
		at += k;
	}
	if (frame_end(&f, &pool, &l))
		take(&s, l.line, false);
	frame_fini(&f, &pool);
	if (atomic_load(&pool.used) != 0)
		abort();
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 2)
		return 0;
	struct sum whole = hear(p + 1, n - 1, n), cut = hear(p + 1, n - 1, (size_t)p[0] + 1);
	if (whole.messages != cut.messages || whole.hash != cut.hash ||
	    whole.bytes != cut.bytes || whole.skipped != cut.skipped)
		abort();
	(void)frame_datagram(str_n((const char *)p, n));
	return 0;
}
