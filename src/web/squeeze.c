/* gzip (RFC 1952) of answers. Small ones are left alone: they gain nothing, and the session's answer, which
 * holds a secret, is one of them, so that its length tells nothing about what it repeats. On the lane's
 * thread. */
#include "squeeze.h"

#include <stdlib.h>
#include <zlib.h>

#define LEAST_BYTES 4096
#define LEVEL 1 /* a page of logs in a few ms; higher levels save little of it */
#define WINDOW_GZIP (15 + 16)

static bool is_worth_it(const struct exchange *ex)
{
	const struct reply *rp = &ex->rp;
	bool is_json = !rp->type || str_starts(str_of(rp->type), STR("application/json"));
	return rp->body.n >= LEAST_BYTES && rp->body.n <= UINT32_MAX && !rp->body.failed &&
	       is_json && !rp->more && !rp->is_event_stream &&
	       gate_takes_gzip(head_get(&ex->head, "Accept-Encoding"));
}

/* The whole of in as one gzip file at p; its length, 0 where that failed. */
static size_t pack(struct str in, unsigned char *p, size_t room)
{
	z_stream z;
	union {
		const char *c;
		unsigned char *p;
	} from = { .c = in.p };
	memset(&z, 0, sizeof(z));
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	z.next_in = from.p; /* zlib does not write to it */
	z.avail_in = (unsigned)in.n;
	z.next_out = p;
	z.avail_out = (unsigned)room;
	size_t n = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
	(void)deflateEnd(&z); /* says only that it was cut short, which n says too */
	return n;
}

void squeeze(struct exchange *ex)
{
	struct buf *body = &ex->rp.body, out;
	if (!is_worth_it(ex))
		return;
	unsigned char *packed = malloc(body->n); /* what does not shrink stays as it is */
	size_t n = packed ? pack(buf_view(body), packed, body->n) : 0;
	buf_init(&out, body->n);
	buf_put(&out, packed, n);
	free(packed);
	if (n == 0 || out.failed) {
		buf_fini(&out);
		return;
	}
	buf_fini(body);
	*body = out;
	reply_header(&ex->rp, "Content-Encoding", "gzip");
	reply_header(&ex->rp, "Vary", "Accept-Encoding");
}
