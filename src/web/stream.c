/* Server-Sent Events as text. A comment every 15 s is the only way to notice that a client has left,
 * since nothing but a failed write tells. */
#include "stream.h"

#include "tokens.h"
#include "tomsd/base/num.h"

#define BEAT_NS (15 * NS_PER_S)

void stream_begin(struct exchange *ex)
{
	struct str last = head_get(&ex->head, "Last-Event-ID");
	if (last.n > 0 && num_u64(last, 1, UINT64_MAX, &ex->last_event_id) != 0)
		ex->last_event_id = 1; /* nobody's: the client fetches anew */
	counter_add(&web_counts.streams, 1);
}

void stream_collect(struct exchange *ex, int64_t now)
{
	struct session s;
	buf_reset(&ex->out);
	ex->out_at = 0;
	if (!ex->said_hello)
		buf_cstr(&ex->out, "retry: 3000\n: tomsd\n\n");
	ex->said_hello = true;
	if ((ex->has_session && !session_get(ex->web->sessions, ex->session.id, &s)) ||
	    (ex->token_id != 0 && !tokens_last(ex->web->tokens, ex->token_id))) {
		buf_cstr(&ex->out, "event: session\ndata: {}\n\n");
		ex->ended = true;
		return;
	}
	if (!api_events_read(ex->web->app, ex->rp.topics, &ex->last_event_id, &ex->out))
		buf_fmt(&ex->out, "id: %llu\nevent: reset\ndata: {}\n\n",
			(unsigned long long)ex->last_event_id);
	if (ex->out.n == 0 && now >= ex->beat_mono_ns)
		buf_cstr(&ex->out, ": here\n\n");
	if (ex->out.n > 0)
		ex->beat_mono_ns = now + BEAT_NS;
}

ssize_t stream_take(struct exchange *ex, char *p, size_t max)
{
	size_t n = ex->out.n - ex->out_at;
	if (n > max)
		n = max;
	memcpy(p, ex->out.p + ex->out_at, n);
	ex->out_at += n;
	return (ssize_t)n;
}
