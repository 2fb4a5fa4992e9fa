/* The thread capture/watch: once a second it asks the kernel about each interface, puts the socket back
 * onto one that came back, reads the kernel's drop counters, and works out rates, health and the row
 * of the minute. It may wait for the store; the capture threads never do. */
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/store.h"

#define WATCH_MS 1000
#define MINUTE_NS (60 * NS_PER_S)

struct watch {
	struct app *app;
	struct live *lives;
	size_t n;
	int netlink_fd, stop_fd;
	int64_t looked_mono_ns;
	char said[512]; /* words of the health last told */
	struct thread thread;
};

/* "auto" without a default route yet: a name as soon as there is one, and that for good. */
static void find_name(const struct watch *w, struct live *l)
{
	char name[sizeof(l->names[0])];
	if (!l->automatic || strcmp(live_name(l), "auto") != 0)
		return;
	if (netlink_default_route(w->netlink_fd, name, sizeof(name)) < 0)
		return;
	live_rename(l, name);
	log_notice("capture", "interface of the default route is %s", LOGQ(name));
}

/* A handle opened on the stand-in reads Ethernet; what came may be a tunnel device. */
static bool same_link_type(const struct live *l, const struct link_facts *f)
{
	bool ethernet = f->arp_type == 1 ||
			f->arp_type == 772; /* ARPHRD_ETHER, ARPHRD_LOOPBACK */
	return ethernet == (l->link == DECODE_LINK_ETHERNET);
}

static void bind_again(struct live *l, const struct link_facts *f)
{
	if (!same_link_type(l, f)) {
		log_warning("capture",
			    "interface has another link type now, restart tomsd interface=%s",
			    LOGQ(live_name(l)));
		return;
	}
	int r = live_bind(l, f->index);
	if (r < 0)
		log_warning("capture",
			    "interface cannot be taken up again interface=%s errno=%d",
			    LOGQ(live_name(l)), -r);
	else
		log_notice("capture", "interface is read interface=%s index=%d",
			   LOGQ(live_name(l)), f->index);
}

static enum live_state look_at(struct watch *w, struct live *l)
{
	struct link_facts f;
	if (live_is_all(l))
		return LIVE_UP;
	int r = netlink_link(w->netlink_fd, live_name(l), &f);
	if (r == -ERR_NOTFOUND) {
		l->watched.nic_known = false;
		return LIVE_ABSENT;
	}
	if (r < 0) /* the kernel did not answer: as before */
		return (enum live_state)atomic_load(&l->state);
	if (f.up && (f.index != l->watched.index || !atomic_load(&l->bound)))
		bind_again(l, &f);
	if (l->watched.nic_known && f.nic_drops > l->watched.nic_drops)
		live_add_nic_drops(l, f.nic_drops - l->watched.nic_drops);
	l->watched.nic_drops = f.nic_drops;
	l->watched.nic_known = true;
	if (!f.up)
		return LIVE_DOWN;
	if (!atomic_load(&l->bound))
		return LIVE_ABSENT;
	return f.carrier ? LIVE_UP : LIVE_NO_CARRIER;
}

static struct capture_minute totals(const struct live *l)
{
	const struct dispatch_sums *s = &l->dispatch.sums;
	return (struct capture_minute){
		.packets = atomic_load(&s->packets),
		.bytes = atomic_load(&s->bytes),
		.kernel_drops = atomic_load(&l->kernel_drops),
		.nic_drops = atomic_load(&l->nic_drops),
		.own_drops = atomic_load(&s->own_drops),
		.bad_frames = dispatch_bad_frames(s),
	};
}

static void minute_end(const struct watch *w, struct live *l, const struct capture_minute *now)
{
	struct watched *o = &l->watched;
	struct capture_minute *m = &o->minute;
	if (m->at_ns && app_store(w->app)) {
		m->packets = now->packets - o->base.packets;
		m->bytes = now->bytes - o->base.bytes;
		m->kernel_drops = now->kernel_drops - o->base.kernel_drops;
		m->nic_drops = now->nic_drops - o->base.nic_drops;
		m->own_drops = now->own_drops - o->base.own_drops;
		m->bad_frames = now->bad_frames - o->base.bad_frames;
		m->up_seconds = (uint32_t)((o->up_ns + NS_PER_S / 2) / NS_PER_S);
		if (m->up_seconds > 60)
			m->up_seconds = 60;
		(void)str_copy(m->interface, sizeof(m->interface), str_of(live_name(l)));
		if (store_put(app_store(w->app), &capture_minute_record, m) < 0)
			log_warning(
				"capture",
				"the row of a minute is lost, the store has closed interface=%s",
				LOGQ(live_name(l)));
	}
	o->base = *now;
	o->up_ns = 0;
}

static void minute_look(const struct watch *w, struct live *l, int64_t passed_ns)
{
	int64_t now_ns = clock_now_ns(), at_ns = now_ns - now_ns % MINUTE_NS;
	struct capture_minute now = totals(l);
	struct watched *o = &l->watched;
	if (atomic_load(&l->state) == LIVE_UP)
		o->up_ns += passed_ns;
	if (passed_ns > 0) {
		atomic_store(&l->packets_per_s, (now.packets - o->packets) *
							(uint64_t)NS_PER_S /
							(uint64_t)passed_ns);
		atomic_store(&l->bits_per_s, (uint64_t)((double)(now.bytes - o->bytes) * 8e9 /
							(double)passed_ns));
	}
	o->packets = now.packets;
	o->bytes = now.bytes;
	if (at_ns == o->minute.at_ns)
		return;
	minute_end(w, l, &now);
	o->minute = (struct capture_minute){ .at_ns = at_ns };
}

/* One sentence on each interface that is not read, with what to do about it. */
static void sentence(struct buf *b, const struct live *l)
{
	switch ((enum live_state)atomic_load(&l->state)) {
	case LIVE_CLOSED:
		buf_fmt(b, "%s. ", l->why_closed);
		break;
	case LIVE_ABSENT:
		if (l->automatic && strcmp(live_name(l), "auto") == 0)
			buf_cstr(
				b,
				"There is no default route yet, so no interface to capture on: set [capture] "
				"interface in tomsd.conf, or wait for the network. ");
		else
			buf_fmt(b,
				"Interface %s is not there: plug it in, or correct [capture] interface; it will be "
				"taken up as soon as it appears. ",
				live_name(l));
		break;
	case LIVE_DOWN:
		buf_fmt(b, "Interface %s is switched off: ip link set %s up. ", live_name(l),
			live_name(l));
		break;
	case LIVE_NO_CARRIER:
		buf_fmt(b,
			"Interface %s has no signal: look at the cable and at the mirror port. ",
			live_name(l));
		break;
	case LIVE_UP:
	case LIVE_STATES:
		break;
	}
}

static void tell_health(struct watch *w)
{
	char words[sizeof(w->said)];
	struct buf b;
	buf_init(&b, 4096);
	for (size_t i = 0; i < w->n; i++)
		sentence(&b, &w->lives[i]);
	(void)str_copy(words, sizeof(words), str_trim(buf_view(&b)));
	buf_fini(&b);
	if (strcmp(words, w->said) == 0)
		return;
	(void)str_copy(w->said, sizeof(w->said), str_of(words));
	if (*words)
		app_room_health(w->app, &capture_room, false, "%s", words);
	else
		app_room_health(w->app, &capture_room, true, "every interface is read");
}

static void look(struct watch *w)
{
	int64_t now_ns = clock_mono_ns(), passed_ns = now_ns - w->looked_mono_ns;
	w->looked_mono_ns = now_ns;
	for (size_t i = 0; i < w->n; i++) {
		struct live *l = &w->lives[i];
		if (atomic_load(&l->state) != LIVE_CLOSED) {
			find_name(w, l);
			live_read_kernel_drops(l);
			enum live_state before =
				(enum live_state)atomic_exchange(&l->state, (int)look_at(w, l));
			enum live_state after = (enum live_state)atomic_load(&l->state);
			if (before != after)
				log_notice("capture", "interface %s was %s, is %s",
					   LOGQ(live_name(l)), live_state_names[before],
					   live_state_names[after]);
		}
		minute_look(w, l, passed_ns);
	}
	tell_health(w);
}

static void watch_main(void *arg)
{
	struct watch *w = arg;
	struct pollfd stop = { w->stop_fd, POLLIN, 0 };
	do {
		thread_beat();
		look(w);
	} while (poll(&stop, 1, WATCH_MS) <= 0);
}

int watch_start(struct watch **out, struct app *a, struct live *lives, size_t n, int netlink_fd,
		int stop_fd, struct err *e)
{
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ERR_NOMEM, "no memory to watch the interfaces");
	*w = (struct watch){
		.app = a, .lives = lives, .n = n, .netlink_fd = netlink_fd, .stop_fd = stop_fd
	};
	w->said[0] = '?'; /* so that the first look tells */
	w->looked_mono_ns = clock_mono_ns();
	int r = thread_start(&w->thread, "capture/watch", watch_main, w, e);
	if (r < 0)
		free(w);
	else
		*out = w;
	return r;
}

void watch_join(struct watch *w)
{
	if (!w)
		return;
	thread_join(&w->thread);
	int64_t passed_ns = clock_mono_ns() - w->looked_mono_ns;
	for (size_t i = 0; i < w->n; i++) {
		struct live *l = &w->lives[i];
		live_read_kernel_drops(l);
		if (atomic_load(&l->state) == LIVE_UP)
			l->watched.up_ns += passed_ns;
		struct capture_minute now = totals(l);
		minute_end(w, l, &now);
	}
	free(w);
}
