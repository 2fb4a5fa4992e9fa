/* Room capture: its options, counters, and the walk through start and stop. Capture files when there
 * are any (--replay, or [capture] file), live interfaces otherwise. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "live.h"
#include "tomsd/api.h"
#include "tomsd/base/log.h"

struct capture {
	struct app *app;
	struct capture_options options;
	int stop_fd; /* readable: stop */
	int netlink_fd;
	struct files *files;
	struct watch *watch;
	size_t n_lives;
	struct live lives[CAPTURE_INTERFACES_MAX];
};

static const struct opt opts[] = {
	{ "interface", OPT_TEXT, 1, 15, "auto", OPT_LIST,
	  "Network interface to capture on; may be repeated. \"auto\" is that of the default route, \"any\" all "
	  "of them, \"none\" no live capture.",
	  NULL, NULL },
	{ "file", OPT_PATH, 1, 4096, NULL, OPT_LIST,
	  "Capture file (pcap, pcapng, either in gzip; - is standard input) to read instead of an interface; may "
	  "be repeated. Packet time is the clock.",
	  NULL, NULL },
	{ "snaplen", OPT_INT, 96, 262144, "65535", 0,
	  "Bytes of each frame that are captured. Less than the network's MTU blinds the protocol detection.",
	  NULL, NULL },
	{ "filter", OPT_TEXT, 1, 4095, NULL, 0,
	  "Capture filter of pcap-filter(7), run by the kernel; what it refuses is never seen or counted.",
	  NULL, live_filter_check },
	{ "ring", OPT_SIZE, 1 << 20, INT64_C(1) << 30, "64M", 0,
	  "Kernel memory of each interface's ring. 64M holds half a second of a full 1 Gbit/s link.",
	  NULL, NULL },
	{ "promiscuous", OPT_BOOL, 0, 1, "yes", 0,
	  "Take frames that are not addressed to this machine; a mirror port needs it.", NULL,
	  NULL },
	OPT_END
};

static const struct counter counters[] = {
	{ "capture_packets_total", "frames read from interfaces and files", false,
	  &dispatch_totals.packets },
	{ "capture_bytes_total", "their bytes on the wire", false, &dispatch_totals.bytes },
	{ "capture_own_drops_total", "packets that no flow thread could take", false,
	  &dispatch_totals.own_drops },
	{ "capture_kernel_drops_total", "packets lost because the kernel's ring was full",
	  false, &live_kernel_drops },
	{ "capture_interface_drops_total", "packets that the interfaces lost", false,
	  &live_nic_drops },
	{ "capture_not_ip_total", "frames without IP (ARP, spanning tree)", false,
	  &dispatch_totals.results[DECODE_NOT_IP] },
	{ "capture_bad_link_total", "link header cut or of an unknown type", false,
	  &dispatch_totals.results[DECODE_BAD_LINK] },
	{ "capture_bad_tag_total", "VLAN, MPLS or PPPoE header cut or too many", false,
	  &dispatch_totals.results[DECODE_BAD_TAG] },
	{ "capture_bad_ip_total", "IP header cut or lying", false,
	  &dispatch_totals.results[DECODE_BAD_IP] },
	{ "capture_bad_ip_length_total", "IP total length less than its header", false,
	  &dispatch_totals.results[DECODE_BAD_IP_LENGTH] },
	{ "capture_bad_extension_total", "IPv6 extension headers cut or endless", false,
	  &dispatch_totals.results[DECODE_BAD_EXT] },
	{ "capture_bad_l4_total", "TCP, UDP, SCTP or ICMP header cut or lying", false,
	  &dispatch_totals.results[DECODE_BAD_L4] },
	{ "capture_bad_tunnel_total", "tunnel header cut or nested too deep", false,
	  &dispatch_totals.results[DECODE_BAD_TUNNEL] },
	COUNTER_END
};

static const struct thread_doc threads[] = {
	{ "capture/INTERFACE",
	  "reads the kernel's ring, decodes, hands batches to the flow threads" },
	{ "capture/watch",
	  "states, drops and minutes of the interfaces; takes up those that come back" },
	{ "capture/files", "reads capture files" },
	THREAD_END
};

static const struct edge edges[] = { { "kernel -> capture", "frames",
				       "the kernel drops; read from its statistics, shown" },
				     EDGE_END };

static const char **list_of(const struct conf *c, const char *option, size_t *n)
{
	*n = conf_count(c, "capture", option);
	const char **list = calloc(*n + 1, sizeof(*list));
	for (size_t i = 0; list && i < *n; i++)
		list[i] = conf_item(c, "capture", option, i);
	return list;
}

/* The files named on the command line, or else in the configuration. */
static int init_files(struct capture *c, struct err *e)
{
	const char *const *named = app_mode(c->app) == APP_REPLAY ? app_replay_files(c->app) :
								    NULL;
	size_t n = 0;
	while (named && named[n])
		n++;
	if (n > 0)
		return files_open(&c->files, c->app, named, n, c->stop_fd, e);
	const char **list = list_of(app_conf(c->app), "file", &n);
	if (!list)
		return err_set(e, ERR_NOMEM, "no memory for a list of files");
	int r = n > 0 ? files_open(&c->files, c->app, list, n, c->stop_fd, e) : 0;
	if (r == 0 && n == 0 && app_mode(c->app) == APP_REPLAY)
		r = err_set(e, ERR_INVALID,
			    "replay needs a capture file: tomsd --replay FILE...");
	free(list);
	return r;
}

static bool is_read_already(const struct capture *c, const char *name)
{
	for (size_t i = 0; i < c->n_lives; i++)
		if (strcmp(live_name(&c->lives[i]), name) == 0)
			return true;
	return false;
}

static void init_live(struct capture *c, const char *name)
{
	struct live *l = &c->lives[c->n_lives];
	char found[sizeof(l->names[0])];
	l->automatic = strcmp(name, "auto") == 0;
	if (l->automatic && netlink_default_route(c->netlink_fd, found, sizeof(found)) == 0)
		name = found;
	if (is_read_already(c, name)) {
		log_warning("capture", "interface %s is named twice, it is read once",
			    LOGQ(name));
		return;
	}
	l->sensor = (uint8_t)++c->n_lives;
	l->stop_fd = c->stop_fd;
	live_open(l, name, &c->options, c->netlink_fd);
	int state = atomic_load(&l->state);
	LOG_AT(state == LIVE_UP ? LOG_LV_NOTICE : LOG_LV_WARNING, "capture",
	       "interface %s is %s%s%s", LOGQ(live_name(l)), live_state_names[state],
	       *l->why_closed ? ": " : "", l->why_closed);
}

static int init_lives(struct capture *c, struct err *e)
{
	size_t n;
	c->netlink_fd = netlink_open(e);
	if (c->netlink_fd < 0)
		return -e->code;
	const char **names = list_of(app_conf(c->app), "interface", &n);
	if (!names)
		return err_set(e, ERR_NOMEM, "no memory for a list of interfaces");
	int r = n > CAPTURE_INTERFACES_MAX ?
			err_set(e, ERR_RANGE, "%zu interfaces, at most %d are read", n,
				CAPTURE_INTERFACES_MAX) :
			0;
	for (size_t i = 0; i < n && r == 0; i++)
		if (strcmp(names[i], "none") != 0)
			init_live(c, names[i]);
	free(names);
	return r;
}

static int init(struct app *a, struct err *e)
{
	const struct conf *conf = app_conf(a);
	struct capture *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, ERR_NOMEM, "no memory for room capture");
	app_set_room_state(a, &capture_room, c);
	c->app = a;
	c->netlink_fd = -1;
	c->options = (struct capture_options){
		.snaplen = (int)conf_i64(conf, "capture", "snaplen"),
		.ring_bytes = (uint64_t)conf_i64(conf, "capture", "ring"),
		.promiscuous = conf_bool(conf, "capture", "promiscuous"),
		.filter = conf_text(conf, "capture", "filter"),
	};
	c->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->stop_fd < 0)
		return err_sys(e, errno, "making a stop signal");
	int r = init_files(c, e);
	return r == 0 && !c->files ? init_lives(c, e) : r;
}

static int start(struct app *a, struct err *e)
{
	struct capture *c = app_room_state(a, &capture_room);
	struct packets *ps = app_packets(a);
	if (!ps)
		return err_set(e, ERR_INVALID, "there are no flow threads to capture for");
	if (c->files)
		return files_start(c->files, ps, e);
	int r = 0;
	for (size_t i = 0; i < c->n_lives && r == 0; i++)
		r = live_start(&c->lives[i], ps, e);
	if (r == 0 && c->n_lives > 0)
		r = watch_start(&c->watch, a, c->lives, c->n_lives, c->netlink_fd, c->stop_fd,
				e);
	return r;
}

static void stop(struct app *a)
{
	struct capture *c = app_room_state(a, &capture_room);
	uint64_t one = 1;
	if (write(c->stop_fd, &one, sizeof(one)) < 0)
		log_warning("capture", "the stop signal was there already");
	for (size_t i = 0; i < c->n_lives; i++)
		live_join(&c->lives[i]);
	watch_join(c->watch);
	c->watch = NULL;
	files_join(c->files);
	if (c->files && app_mode(a) == APP_REPLAY)
		files_result(c->files);
}

static void fini(struct app *a)
{
	struct capture *c = app_room_state(a, &capture_room);
	if (!c)
		return;
	for (size_t i = 0; i < c->n_lives; i++)
		live_close(&c->lives[i]);
	files_free(c->files);
	if (c->netlink_fd >= 0)
		(void)close(c->netlink_fd);
	if (c->stop_fd >= 0)
		(void)close(c->stop_fd);
	free(c);
	app_set_room_state(a, &capture_room, NULL);
}

static void sums_json(const struct dispatch_sums *s, struct json *j)
{
	json_kv_u64(j, "packets", atomic_load(&s->packets));
	json_kv_u64(j, "bytes", atomic_load(&s->bytes));
	json_kv_u64(j, "own_drops", atomic_load(&s->own_drops));
	json_key(j, "frames");
	json_obj(j);
	for (size_t i = 0; i < DECODE_RESULTS; i++)
		json_kv_u64(j, decode_result_names[i], atomic_load(&s->results[i]));
	json_end_obj(j);
	if (atomic_load(&s->last_packet_ns))
		json_kv_time(j, "last_packet", atomic_load(&s->last_packet_ns));
}

static void live_json(const struct live *l, struct json *j)
{
	enum live_state state = (enum live_state)atomic_load(&l->state);
	json_obj(j);
	json_kv_str(j, "name", live_name(l));
	json_kv_str(j, "state", live_state_names[state]);
	if (state == LIVE_CLOSED)
		json_kv_str(j, "error", l->why_closed);
	json_kv_u64(j, "packets_per_s", atomic_load(&l->packets_per_s));
	json_kv_u64(j, "bits_per_s", atomic_load(&l->bits_per_s));
	json_kv_u64(j, "kernel_drops", atomic_load(&l->kernel_drops));
	json_kv_u64(j, "interface_drops", atomic_load(&l->nic_drops));
	sums_json(&l->dispatch.sums, j);
	json_end_obj(j);
}

static void status(struct app *a, struct json *j)
{
	const struct capture *c = app_room_state(a, &capture_room);
	if (!c)
		return;
	if (c->files) {
		files_status(c->files, j);
		sums_json(files_sums(c->files), j);
		return;
	}
	json_key(j, "interfaces");
	json_arr(j);
	for (size_t i = 0; i < c->n_lives; i++)
		live_json(&c->lives[i], j);
	json_end_arr(j);
}

/* What the watch tells the log, in the reader's language. */
static void explain(struct app *a, const char *lang, struct buf *out)
{
	static const char *const keys[LIVE_STATES] = { [LIVE_ABSENT] = "capture.absent",
						       [LIVE_DOWN] = "capture.down",
						       [LIVE_NO_CARRIER] =
							       "capture.no_carrier" };
	const struct capture *c = app_room_state(a, &capture_room);
	for (size_t i = 0; c && !c->files && i < c->n_lives; i++) {
		const struct live *l = &c->lives[i];
		enum live_state state = (enum live_state)atomic_load(&l->state);
		const char *key = keys[state];
		char words[512];
		if (state == LIVE_ABSENT && l->automatic && strcmp(live_name(l), "auto") == 0)
			key = "capture.no_route";
		if (state == LIVE_CLOSED)
			buf_fmt(out, "%s%s", out->n ? " " : "", l->why_closed);
		else if (key)
			buf_fmt(out, "%s%s", out->n ? " " : "",
				api_text(words, sizeof(words), lang, key, live_name(l), ""));
	}
}

const struct room capture_room = {
	.name = "capture",
	.opts = opts,
	.counters = counters,
	.threads = threads,
	.edges = edges,
	.init = init,
	.start = start,
	.stop = stop,
	.fini = fini,
	.status = status,
	.explain = explain,
};
