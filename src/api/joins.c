/* Whether a log and a flow are one conversation. A FortiGate says addresses and ports before it translates
 * them, and what it made of them; the mirror port shows one side or the other. Both say when. Pure; any
 * thread. Source of the fields: FortiOS log reference, traffic logs (transip, transport, tranip, tranport). */
#include "joins.h"

#include <netinet/in.h>

#include "tomsd/base/clock.h"

#define SKEW_MAX_NS \
	(15 * 60 * NS_PER_S) /* further apart, one of the two clocks is not to be used */

const char *const joined_names[] = { "", "before_nat", "after_nat", NULL };

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* Those of ICMP are kept by the two in ways of their own. */
static bool has_ports(uint8_t l4)
{
	return l4 == 0 || l4 == IPPROTO_TCP || l4 == IPPROTO_UDP || l4 == IPPROTO_SCTP ||
	       l4 == IPPROTO_DCCP || l4 == IPPROTO_UDPLITE;
}

bool join_tuples(const struct log *g, struct tuple *before, struct tuple *after)
{
	*before = (struct tuple){ g->src, g->dst, g->src_port, g->dst_port, g->l4 };
	*after = *before;
	if (addr_is_zero(&g->src) || addr_is_zero(&g->dst))
		return false;
	if (has_ports(g->l4) && g->src_port == 0 && g->dst_port == 0)
		return false; /* two hosts alone would be joined with all they ever said */
	if (!addr_is_zero(&g->src_nat)) {
		after->src = g->src_nat;
		after->src_port = g->src_nat_port ? g->src_nat_port : g->src_port;
	}
	if (!addr_is_zero(&g->dst_nat)) {
		after->dst = g->dst_nat;
		after->dst_port = g->dst_nat_port ? g->dst_nat_port : g->dst_port;
	}
	return true;
}

static bool is_way(const struct tuple *t, const struct addr *a, uint16_t a_port,
		   const struct addr *b, uint16_t b_port)
{
	bool same = same_addr(&t->src, a) && same_addr(&t->dst, b);
	return same && (!has_ports(t->l4) || (t->src_port == a_port && t->dst_port == b_port));
}

bool join_is_tuple(const struct tuple *t, const struct flow *f)
{
	if (t->l4 != 0 && t->l4 != f->l4)
		return false;
	return is_way(t, &f->src, f->src_port, &f->dst, f->dst_port) ||
	       is_way(t, &f->dst, f->dst_port, &f->src, f->src_port);
}

void join_span(const struct log *g, int64_t *since_ns, int64_t *until_ns)
{
	int64_t told = g->device_ns ? g->device_ns : g->at_ns, ours = g->created_ns;
	int64_t apart = told < ours ? ours - told : told - ours;
	if (ours == 0 || apart > SKEW_MAX_NS) /* kept back, replayed, or a clock set wrong */
		ours = told = g->at_ns;
	int64_t first = told < ours ? told : ours, last = told < ours ? ours : told;
	*since_ns = first - (g->duration_ns > 0 ? g->duration_ns : 0) - JOIN_SLACK_NS;
	*until_ns = last + JOIN_SLACK_NS;
}

enum joined_by join_of(const struct log *g, const struct flow *f)
{
	struct tuple before, after;
	int64_t since, until;
	if (!join_tuples(g, &before, &after))
		return JOINED_NOT;
	join_span(g, &since, &until);
	if (f->end_ns < since || f->start_ns > until)
		return JOINED_NOT;
	return join_is_tuple(&before, f) ? JOINED_BEFORE_NAT :
	       join_is_tuple(&after, f)  ? JOINED_AFTER_NAT :
					   JOINED_NOT;
}
