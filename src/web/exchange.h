/* struct exchange: one request and its answer, from the first line to the last byte. It belongs to the
 * server's thread, or, while its connection is suspended, to the lane that works on it. */
#ifndef WEB_EXCHANGE_H
#define WEB_EXCHANGE_H

#include "gate.h"
#include "session.h"
#include "web.h"

enum exchange_state { EX_HEAD, EX_BODY, EX_WORK, EX_READY, EX_SENT };
enum exchange_piece { PIECE_MORE, PIECE_WORKING, PIECE_END, PIECE_BROKEN };

struct conn;
struct exchange {
	struct web *web;
	struct conn *conn;
	void *link;                /* the library's connection */
	enum exchange_state state; /* lock: http; the lane sets EX_READY */
	char *target;
	struct head head; /* views of the library's memory, good until the answer is sent */
	struct buf body;
	uint64_t body_bytes;    /* received, also those no longer kept */
	char from[64], own[64]; /* addresses of the client, and of ours it came in on */
	char net[64];           /* of the client, see struct conn */
	struct request rq;
	struct reply rp;
	struct session session;
	int64_t token_id; /* of a program; 0 none */
	bool has_session, is_change, close_after, is_asset;

	struct str fixed; /* body that lives as long as the program (assets) */
	const char *fixed_etag;

	struct buf out; /* of a stream: bytes on their way, from out_at */
	size_t out_at;
	uint64_t last_event_id;
	int64_t beat_mono_ns; /* when the next sign of life is due */
	bool said_hello, ended, is_stream, is_export;
	enum exchange_piece piece;           /* lock: http */
	bool is_suspended, waits_for_events; /* lock: http */
	struct exchange *next, *before;      /* lock: http; list of open streams and exports */
};

struct exchange *exchange_new(struct web *w, const char *target);
void exchange_free(struct exchange *ex);

#endif
