/* Names, user agents and facts of open flows: most flows have none, some a few hundred bytes. One heap
 * block a flow of just the size it needs, and one limit over all of them. Thread: flow/N. */
#include <stdlib.h>

#include "shard.h"

struct meta {
	uint16_t at[META_TEXTS + 1]; /* text i is at[i] .. at[i + 1], with its NUL */
	char text[];
};

#define HEAP_HEADER 16 /* what malloc adds, more or less */

const char *meta_get(const struct flow_cold *c, enum meta_text which)
{
	return c->meta ? c->meta->text + c->meta->at[which] : "";
}

static size_t meta_bytes(const struct meta *m)
{
	return m ? sizeof(*m) + m->at[META_TEXTS] + HEAP_HEADER : 0;
}

void meta_drop(struct flow_shard *s, struct flow_cold *c)
{
	s->stats.meta_bytes -= meta_bytes(c->meta);
	free(c->meta);
	c->meta = NULL;
}

void meta_set(struct flow_shard *s, struct flow_cold *c, const char *const texts[META_TEXTS])
{
	const char *all[META_TEXTS];
	size_t n[META_TEXTS], sum = 0, text_bytes = 0;
	for (unsigned i = 0; i < META_TEXTS; i++) {
		all[i] = texts[i] ? texts[i] : meta_get(c, i);
		n[i] = strlen(all[i]) + 1;
		sum += n[i];
		text_bytes += n[i] - 1;
	}
	if (!text_bytes)
		return;
	struct meta *m = NULL;
	if (sum <= UINT16_MAX && s->stats.meta_bytes + sum <= s->conf.max_meta_bytes)
		m = malloc(sizeof(*m) + sum);
	if (!m) {
		s->stats.meta_refused++;
		return;
	}
	uint16_t at = 0;
	for (unsigned i = 0; i < META_TEXTS; i++) {
		m->at[i] = at;
		memcpy(m->text + at, all[i], n[i]);
		at = (uint16_t)(at + n[i]);
	}
	m->at[META_TEXTS] = at;
	meta_drop(s, c);
	c->meta = m;
	s->stats.meta_bytes += meta_bytes(m);
}
