/* Deadlines of connections. shutdown(2) under the lock: a socket leaves the table before it is closed,
 * so its number cannot have been given to another meanwhile. Any thread. */
#include "watch.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/thread.h"
#include "tomsd/record.h"

#define CONNS_MAX 1024

static const int64_t limit_s[] = {
	[WATCH_HEAD] = 10,    [WATCH_BODY] = 30,     [WATCH_WORK] = 0,
	[WATCH_ANSWER] = 120, [WATCH_EXPORT] = 1800, [WATCH_STREAM] = 0,
};

struct watch {
	struct mutex m;
	struct conn conns[CONNS_MAX]; /* lock: m */
	size_t n;                     /* lock: m */
};

struct watch *watch_new(void)
{
	struct watch *w = calloc(1, sizeof(*w));
	if (w)
		mutex_init(&w->m);
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	mutex_fini(&w->m);
	free(w);
}

/* bits: how much of an IPv6 address counts; a machine has as many addresses as it likes below 64. */
static void address_text(const struct sockaddr *sa, size_t bits, char out[64])
{
	struct addr a;
	memset(&a, 0, sizeof(a));
	out[0] = '\0';
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof(in));
		a = addr_v4(ntohl(in.sin_addr.s_addr));
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sa, sizeof(in6));
		memcpy(a.b, &in6.sin6_addr,
		       sizeof(a.b)); /* an IPv4 client of a dual socket comes mapped, as in struct addr */
		if (!addr_is_v4(&a))
			memset(a.b + bits / 8, 0, sizeof(a.b) - bits / 8);
	} else {
		return;
	}
	char text[ADDR_TEXT_MAX];
	addr_text(&a, text);
	(void)str_copy(out, 64, str_of(text));
}

static void set_stage(struct conn *c, enum watch_stage stage)
{
	c->stage = stage;
	c->deadline_mono_ns = limit_s[stage] ? clock_mono_ns() + limit_s[stage] * NS_PER_S : 0;
}

struct conn *watch_open(struct watch *w, int fd, const struct sockaddr *peer)
{
	struct sockaddr_storage own;
	socklen_t n = sizeof(own);
	struct conn made = { .used = true, .fd = fd }, *c = NULL;
	address_text(peer, 128, made.from);
	address_text(peer, 64, made.net);
	if (getsockname(fd, (struct sockaddr *)&own, &n) == 0)
		address_text((const struct sockaddr *)&own, 128, made.own);
	set_stage(&made, WATCH_HEAD);
	mutex_lock(&w->m); /* others compare addresses under it */
	for (size_t i = 0; i < CONNS_MAX && !c; i++)
		if (!w->conns[i].used)
			c = &w->conns[i];
	if (c) {
		*c = made;
		w->n++;
	}
	mutex_unlock(&w->m);
	return c;
}

void watch_close(struct watch *w, struct conn *c)
{
	mutex_lock(&w->m);
	c->used = false;
	w->n--;
	mutex_unlock(&w->m);
}

void watch_stage(struct watch *w, struct conn *c, enum watch_stage stage)
{
	mutex_lock(&w->m);
	set_stage(c, stage);
	mutex_unlock(&w->m);
}

void watch_count(struct watch *w, const struct conn *c, size_t *all, size_t *same)
{
	*same = 0;
	mutex_lock(&w->m);
	*all = w->n;
	for (size_t i = 0; i < CONNS_MAX; i++)
		*same += w->conns[i].used && strcmp(w->conns[i].from, c->from) == 0;
	mutex_unlock(&w->m);
}

bool watch_has_room(struct watch *w, const struct sockaddr *peer, size_t all_max,
		    size_t same_max)
{
	char from[64], net[64];
	size_t same = 0, near = 0;
	address_text(peer, 128, from);
	address_text(peer, 64, net);
	mutex_lock(&w->m);
	for (size_t i = 0; i < CONNS_MAX; i++) {
		same += w->conns[i].used && strcmp(w->conns[i].from, from) == 0;
		near += w->conns[i].used && strcmp(w->conns[i].net, net) == 0;
	}
	bool has = w->n < all_max && same < same_max && near < all_max - same_max;
	mutex_unlock(&w->m);
	return has;
}

size_t watch_total(struct watch *w)
{
	mutex_lock(&w->m);
	size_t n = w->n;
	mutex_unlock(&w->m);
	return n;
}

bool watch_has_left(struct watch *w, const struct conn *c)
{
	mutex_lock(&w->m);
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	bool left = poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
	mutex_unlock(&w->m);
	return left;
}

size_t watch_tick(struct watch *w, int64_t now)
{
	size_t cut = 0;
	mutex_lock(&w->m);
	for (size_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &w->conns[i];
		if (!c->used || c->deadline_mono_ns == 0 || now < c->deadline_mono_ns)
			continue;
		(void)shutdown(c->fd, SHUT_RDWR); /* the server sees the end and closes it */
		c->deadline_mono_ns = 0;
		cut++;
	}
	mutex_unlock(&w->m);
	return cut;
}
