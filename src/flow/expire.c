/* When flows end: the packet clock and the time wheel. A flow is looked at only when its slot comes,
 * not on each packet; it then ends, gives a slice, or moves on to where it might end. Thread: flow/N. */
#include "shard.h"

/* Beyond this a step ahead must be confirmed by the next packet: one bad timestamp ends no flow. */
#define JUMP_NS (600 * NS_PER_S)
/* What a believed jump is worth: more than any time-out, however many years it was. */
#define JUMP_MAX_NS (86400 * NS_PER_S)
/* Two mirror ports or two joined files: older packets do not set the clock back, ... */
#define BEHIND_NS (5 * NS_PER_S)
/* ... but when there is nothing else any more, time goes on from there. */
#define BEHIND_PACKETS 64

static void clock_step(struct pkt_clock *c, int64_t ts_ns, int64_t ahead)
{
	c->jumped = ahead > JUMP_NS;
	c->mono_ns += ahead < JUMP_MAX_NS ? ahead : JUMP_MAX_NS;
	c->ref_ns = ts_ns;
	c->suspect_ns = 0;
}

void clock_see(struct pkt_clock *c, int64_t ts_ns)
{
	int64_t ahead;
	c->jumped = false;
	if (ts_ns <= 0)
		return;
	if (!c->ref_ns)
		c->ref_ns = ts_ns;
	if (ckd_sub(&ahead, ts_ns, c->ref_ns))
		return;
	if (ahead < 0) {
		c->suspect_ns = 0;
		c->behind = ahead < -BEHIND_NS ? c->behind + 1 : 0;
		if (c->behind >= BEHIND_PACKETS) {
			c->ref_ns = ts_ns;
			c->behind = 0;
		}
		return;
	}
	c->behind = 0;
	if (ahead <= JUMP_NS) {
		clock_step(c, ts_ns, ahead);
		return;
	}
	if (c->suspect_ns && ts_ns >= c->suspect_ns - BEHIND_NS) {
		clock_step(c, c->suspect_ns, c->suspect_ns - c->ref_ns);
		if (ts_ns - c->ref_ns > JUMP_NS)
			c->suspect_ns = ts_ns;
		return;
	}
	c->suspect_ns = ts_ns;
}

static uint32_t idle_limit(const struct flow_shard *s, const struct flow_hot *h)
{
	if (h->state == FLOW_CLOSED)
		return s->limit.linger;
	if (h->key.l4 == 6)
		return h->state == FLOW_NEW ? s->limit.half_open : s->limit.tcp;
	if (h->key.l4 == 17 && h->state == FLOW_OPEN)
		return s->limit.udp;
	return s->limit.brief;
}

static uint32_t flow_deadline(const struct flow_shard *s, const struct flow_hot *h)
{
	uint32_t idle = h->last_s + idle_limit(s, h), slice = h->slice_s + s->limit.active;
	return idle < slice ? idle : slice;
}

static void wheel_put(struct flow_shard *s, uint32_t index, uint32_t at_s)
{
	struct flow_hot *h = hot_of(&s->table, index);
	uint32_t first = s->wheel.done_s + 1, last = s->wheel.done_s + WHEEL_SLOTS - 1;
	at_s = at_s < first ? first : at_s > last ? last : at_s;
	uint32_t *head = &s->wheel.head[at_s % WHEEL_SLOTS];
	h->slot = (uint16_t)(at_s % WHEEL_SLOTS);
	h->prev = 0;
	h->next = *head;
	if (*head)
		hot_of(&s->table, *head)->prev = index;
	*head = index;
	if (at_s < s->wheel.press_s)
		s->wheel.press_s = at_s;
}

void wheel_add(struct flow_shard *s, uint32_t index)
{
	wheel_put(s, index, flow_deadline(s, hot_of(&s->table, index)));
}

void wheel_remove(struct flow_shard *s, uint32_t index)
{
	struct flow_hot *h = hot_of(&s->table, index);
	if (h->next)
		hot_of(&s->table, h->next)->prev = h->prev;
	if (h->prev)
		hot_of(&s->table, h->prev)->next = h->next;
	else
		s->wheel.head[h->slot] = h->next;
}

static enum flow_end end_of(const struct flow_shard *s, uint32_t index)
{
	const struct flow_hot *h = hot_of(&s->table, index);
	return h->state == FLOW_CLOSED ? cold_of(&s->table, index)->close_reason :
					 FLOW_END_IDLE;
}

static void flow_due(struct flow_shard *s, uint32_t index)
{
	struct flow_hot *h = hot_of(&s->table, index);
	if (s->now_s >= h->last_s + idle_limit(s, h)) {
		shard_end(s, index, end_of(s, index));
		return;
	}
	if (s->now_s >= h->slice_s + s->limit.active)
		shard_slice(s, index);
	wheel_remove(s, index);
	wheel_add(s, index);
}

void wheel_turn(struct flow_shard *s)
{
	struct wheel *w = &s->wheel;
	if (s->now_s - w->done_s > WHEEL_SLOTS) /* after a jump each slot is visited once */
		w->done_s = s->now_s - WHEEL_SLOTS;
	while (w->done_s < s->now_s) {
		uint32_t *head = &w->head[++w->done_s % WHEEL_SLOTS];
		/* Whatever moves on goes to a later slot, never into this one: the list runs empty. */
		while (*head)
			flow_due(s, *head);
	}
	frag_expire(s, false);
}

/* A slice that is due soon puts a conversation far from its end before the attempts of a flood. Under
 * pressure it gives its row up to a quarter early, and has a new deadline. */
static bool slice_early(struct flow_shard *s, uint32_t index, uint32_t at_s)
{
	const struct flow_hot *h = hot_of(&s->table, index);
	uint32_t active = s->limit.active;
	if (h->last_s + idle_limit(s, h) <= at_s || s->now_s - h->slice_s < active - active / 4)
		return false;
	shard_slice(s, index);
	return true;
}

/* Slots are in the order of deadlines, and what is cheap to lose has the short ones: half-open TCP,
 * lingering, single packets, then the longest idle. Flows that have moved on since they were put there
 * are put right on the way, which pays for itself. */
bool wheel_evict(struct flow_shard *s)
{
	struct wheel *w = &s->wheel;
	uint32_t from = w->press_s > w->done_s ? w->press_s : w->done_s + 1;
	for (uint32_t at = from; at < w->done_s + WHEEL_SLOTS; at++) {
		uint32_t *head = &w->head[at % WHEEL_SLOTS];
		w->press_s = at;
		while (*head) {
			uint32_t index = *head,
				 due = flow_deadline(s, hot_of(&s->table, index));
			if (due <= at && slice_early(s, index, at))
				due = flow_deadline(s, hot_of(&s->table, index));
			if (due <= at || at == w->done_s + WHEEL_SLOTS - 1) {
				shard_end(s, index, FLOW_END_EVICTED);
				return true;
			}
			wheel_remove(s, index);
			wheel_put(s, index, due);
		}
	}
	w->press_s = w->done_s + 1;
	return false;
}
