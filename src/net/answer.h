/* The headers of an answer as they come, line by line. */
#ifndef TOMSD_SRC_NET_ANSWER_H
#define TOMSD_SRC_NET_ANSWER_H

#include "tomsd/net.h"

#define ANSWER_HEADERS_MAX (64u << 10)

/* One line as it came, its end included; status is that of the block it belongs to. A block of 1xx is
 * forgotten when the next begins; what comes behind the last block (trailers) is not kept. */
struct answer_head {
	struct buf *out;
	bool is_done; /* the headers of the last answer are there */
};
void answer_head_begin(struct answer_head *h, struct buf *out);
void answer_head_line(struct answer_head *h, struct str line, int status);

/* Why a URL, method or header cannot be sent; NULL: it can. Never shows a header's value. */
const char *request_fault(const struct http_request *rq, bool plain_allowed);
/* "name" or "name:port" of a URL that has no fault. */
struct str request_host(const struct http_request *rq);

#endif
