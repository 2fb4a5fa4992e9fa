/* Names of conversations that are over: a session of a modality or an HL7 link that is idle longer than
 * its time-out goes on in the middle, where no dissector can begin, and last packets may trail behind a
 * close. What it was called before is kept for a while in a small table that overwrites itself.
 * Thread: flow/N. */
#include <stdlib.h>

#include "shard.h"

#define RECENT_ENTRIES 4096u
#define RECENT_S (6 * 3600u)

struct recent {
	struct recent_entry {
		uint32_t hash, until_s;
		uint32_t ports; /* a second opinion on the hash */
		uint16_t proto, app;
	} entries[RECENT_ENTRIES];
};

int recent_new(struct recent **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ERR_NOMEM;
}

void recent_free(struct recent *r)
{
	free(r);
}

void recent_clear(struct recent *r)
{
	memset(r, 0, sizeof(*r));
}

static uint32_t both_ports(const struct flow_hot *h)
{
	return (uint32_t)(h->key.src_port ^ h->key.dst_port) << 16 |
	       (uint16_t)(h->key.src_port + h->key.dst_port);
}

void recent_put(struct recent *r, const struct flow_hot *h, const struct flow_cold *c,
		uint32_t now_s)
{
	r->entries[h->hash % RECENT_ENTRIES] =
		(struct recent_entry){ .hash = h->hash,
				       .until_s = now_s + RECENT_S,
				       .ports = both_ports(h),
				       .proto = c->proto,
				       .app = c->app };
}

bool recent_get(const struct recent *r, const struct flow_hot *h, uint32_t now_s,
		uint16_t *proto, uint16_t *app)
{
	const struct recent_entry *e = &r->entries[h->hash % RECENT_ENTRIES];
	if (e->hash != h->hash || e->ports != both_ports(h) || e->until_s < now_s)
		return false;
	*proto = e->proto;
	*app = e->app;
	return true;
}
