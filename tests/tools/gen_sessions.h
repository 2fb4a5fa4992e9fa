/* What the firewall's session table saw of a day: conversations that pass it, put together from the
 * frames of the captures, so that its log and the flows of the mirror tell of the same packets. */
#ifndef GEN_SESSIONS_H
#define GEN_SESSIONS_H

#include "gen_net.h"

#define SESSION_UDP_TTL \
	(180 * NS) /* FortiOS: a UDP session ends so long after its last packet */
#define SESSION_UPLINK 900
#define SESSION_REPORT (120 * NS) /* a long one is told of every two minutes */

struct session {
	uint8_t addr[2][16]; /* IPv4 in the first four */
	int64_t begin, last, reported;
	uint64_t bytes[2], told[2]; /* of IP packets; told: in the last report */
	uint32_t packets[2];
	uint32_t id, vlan;
	uint16_t port[2];
	uint16_t nat_port;
	uint8_t l4, flags[2];
	bool v6, open;
};

struct sessions {
	struct session
		*table; /* open addressing, by 5-tuple; a slot is used again after an end */
	size_t slots;
	void (*tell)(void *ctx, struct session *s, int64_t t, bool ended);
	void *ctx;
	uint32_t last_id;
};

UNUSED static uint32_t session_ip4(const struct session *s, unsigned side)
{
	const uint8_t *p = s->addr[side];
	return IP4(p[0], p[1], p[2], p[3]);
}

UNUSED static void session_name(const struct session *s, unsigned side, char out[48])
{
	const uint8_t *p = s->addr[side];
	if (!s->v6)
		snprintf(out, 48, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
	else if (p[4] || p[5]) /* net_address6, written as RFC 5952 says */
		snprintf(out, 48, "2001:db8:%x::%x:%x", p[4] << 8 | p[5], p[12] << 8 | p[13],
			 p[14] << 8 | p[15]);
	else
		snprintf(out, 48, "2001:db8::%x:%x", p[12] << 8 | p[13], p[14] << 8 | p[15]);
}

/* Behind the firewall: not 10.20.0.0/16, and one host. */
static bool session_is_outside(const uint8_t *ip, bool v6)
{
	if (v6)
		return ip[4] == 0 && ip[5] == 0;
	return !(ip[0] == 10 && ip[1] == 20) && ip[0] != 0 && ip[0] < 224;
}

/* Reads the frame's ends into s; false: it does not pass the firewall. */
static bool session_of(const uint8_t *p, size_t n, unsigned from, struct session *s, size_t *at)
{
	bool v6 = p[16] == 0x86;
	size_t ip = v6 ? 26 : 30, w = v6 ? 16 : 4, l4 = v6 ? 58 : 38;
	if (n < l4 + 8 || (!v6 && (p[16] != 8 || p[17] != 0)))
		return false;
	const uint8_t *a = p + ip + (from ? w : 0), *b = p + ip + (from ? 0 : w);
	*s = (struct session){ .v6 = v6, .l4 = p[v6 ? 24 : 27] };
	if (s->l4 != 6 && s->l4 != 17)
		return false;
	s->vlan = (uint32_t)(p[14] & 0xf) << 8 | p[15];
	if (session_is_outside(a, v6) == session_is_outside(b, v6) && s->vlan != SESSION_UPLINK)
		return false;
	if (!v6 && (b[0] >= 224 || a[0] == 0))
		return false;
	memcpy(s->addr[0], a, w);
	memcpy(s->addr[1], b, w);
	s->port[from] = (uint16_t)(p[l4] << 8 | p[l4 + 1]);
	s->port[!from] = (uint16_t)(p[l4 + 2] << 8 | p[l4 + 3]);
	*at = l4;
	return true;
}

static struct session *session_slot(struct sessions *t, const struct session *key)
{
	uint64_t h = key->l4 + ((uint64_t)key->port[0] << 32 | (uint64_t)key->port[1] << 8);
	for (unsigned i = 0; i < 16; i++)
		h = hash_mix64(h + key->addr[0][i] + ((uint64_t)key->addr[1][i] << 16));
	for (;; h++) {
		struct session *s = &t->table[h % t->slots];
		if (!s->l4)
			*s = *key;
		if (s->l4 == key->l4 && s->port[0] == key->port[0] &&
		    s->port[1] == key->port[1] && !memcmp(s->addr, key->addr, sizeof(s->addr)))
			return s;
	}
}

static void session_end(struct sessions *t, struct session *s)
{
	if (!s->open)
		return;
	s->open = false;
	t->tell(t->ctx, s, s->l4 == 17 ? s->last + SESSION_UDP_TTL : s->last, true);
}

/* Frames in order of time. */
UNUSED static void sessions_make(struct sessions *t, const struct net *n)
{
	t->slots = n->n + 1024; /* never full: a session has a frame */
	t->table = calloc(t->slots, sizeof(*t->table));
	if (!t->table)
		abort();
	for (size_t i = 0; i < n->n; i++) {
		const struct frame *f = &n->frames[i];
		const uint8_t *p = n->bytes.p + f->off;
		struct session key, *s;
		size_t l4;
		if (!session_of(p, f->cap, f->from, &key, &l4))
			continue;
		s = session_slot(t, &key);
		uint8_t flags = key.l4 == 6 ? p[l4 + 13] : 0;
		bool again = flags == 2 && (s->flags[0] & 1 || s->flags[1] & 4);
		if (s->open && (again || (s->l4 == 17 && f->ts - s->last > SESSION_UDP_TTL)))
			session_end(t, s);
		if (!s->open) {
			*s = key;
			s->open = true;
			s->id = ++t->last_id;
			s->begin = s->reported = f->ts;
		}
		while (f->ts - s->reported >= SESSION_REPORT) {
			s->reported += SESSION_REPORT;
			t->tell(t->ctx, s, s->reported, false);
		}
		/* Of the IP header: what the capture did not keep counts too. */
		s->bytes[f->from] += s->v6 ? 40u + (uint32_t)(p[22] << 8 | p[23]) :
					     (uint32_t)(p[20] << 8 | p[21]);
		s->packets[f->from]++;
		s->flags[f->from] |= flags;
		s->last = f->ts;
	}
	for (size_t i = 0; i < t->slots; i++)
		session_end(t, &t->table[i]);
	free(t->table);
	t->table = NULL;
}

#endif
