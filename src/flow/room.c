/* Room flow: options, the flow threads, counters and status. Threads: main here, flow/N in shard_run. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/base/thread.h"
#include "tomsd/flow.h"
#include "tomsd/store.h"

#define THREADS_MAX 16
/* How long a thread without packets waits before it looks at the clock itself. */
#define POP_MS 500

/* What is added up over all shards, by the field of struct flow_stats it comes from. */
#define COUNTERS(X)                                                                            \
	X(packets, "flow_packets_total", "packets taken by flow threads", false)               \
	X(bytes, "flow_bytes_total", "bytes of these packets on the wire", false)              \
	X(packets_in_flows, "flow_packets_in_flows_total", "packets that belong to a flow",    \
	  false)                                                                               \
	X(packets_not_ip, "flow_packets_not_ip_total", "frames that are not IP: counted only", \
	  false)                                                                               \
	X(packets_bad, "flow_packets_bad_total", "frames without readable addresses", false)   \
	X(flows, "flow_begun_total", "conversations begun", false)                             \
	X(rows, "flow_rows_total", "rows written, slices included", false)                     \
	X(evicted, "flow_evicted_total", "flows ended early because the table was full",       \
	  false)                                                                               \
	X(reused, "flow_reused_total", "conversations on ports taken over from another",       \
	  false)                                                                               \
	X(fragments_lost, "flow_fragments_lost_total", "fragments whose first one never came", \
	  false)                                                                               \
	X(dpi_calls, "flow_dpi_calls_total", "packets handed to nDPI", false)                  \
	X(dpi_pressed, "flow_dpi_pressed_total",                                               \
	  "inspections ended early for want of a state", false)                                \
	X(medical_refused, "flow_medical_refused_total",                                       \
	  "medical readers taken from their flows for newer ones", false)                      \
	X(meta_refused, "flow_meta_refused_total", "flows whose names did not fit the limit",  \
	  false)                                                                               \
	X(open, "flow_open", "flows open now", true)                                           \
	X(dpi_open, "flow_dpi_open", "nDPI states in use now", true)                           \
	X(medical_open, "flow_medical_open", "flows read by a medical dissector now", true)    \
	X(memory_bytes, "flow_memory_bytes",                                                   \
	  "tables, records, states and texts of open flows", true)

#define COUNTER_CELL(field, name_, help_, gauge_) static _Atomic uint64_t total_##field;
COUNTERS(COUNTER_CELL)
static _Atomic uint64_t total_not_ip[FLOW_NOT_IP_KINDS];
#define COUNTER_ROW(field, name_, help_, gauge_) \
	{ .name = name_, .help = help_, .gauge = gauge_, .value = &total_##field },
static const struct counter flow_counters[] = { COUNTERS(COUNTER_ROW) COUNTER_END };

static int check_range(struct str value, struct err *e)
{
	struct cidr c;
	if (cidr_parse(value, &c) == 0)
		return 0;
	return err_set(e, ERR_INVALID, "not an address range, say 10.0.0.0/8");
}

#define HOUR (3600 * NS_PER_S)
static const struct opt flow_opts[] = {
	{ .name = "threads",
	  .type = OPT_INT,
	  .min = 0,
	  .max = THREADS_MAX,
	  .def = "0",
	  .doc = "Flow threads; 0: one for two processors, at most 4." },
	{ .name = "max_flows",
	  .type = OPT_INT,
	  .min = 1000,
	  .max = 16000000,
	  .def = "1000000",
	  .doc = "Conversations open at once; beyond it those that would end next are written early." },
	{ .name = "max_dpi",
	  .type = OPT_INT,
	  .min = 64,
	  .max = 1000000,
	  .def = "32768",
	  .doc = "Conversations that nDPI looks into at once (about 750 bytes each)." },
	{ .name = "max_medical",
	  .type = OPT_INT,
	  .min = 16,
	  .max = 65536,
	  .def = "4096",
	  .doc = "Conversations that a medical dissector reads at once (about 1 KiB each)." },
	{ .name = "max_names",
	  .type = OPT_SIZE,
	  .min = 1 << 20,
	  .max = INT64_C(1) << 34,
	  .def = "128M",
	  .doc = "Memory for names, user agents and facts of open conversations." },
	{ .name = "idle_tcp",
	  .type = OPT_DURATION,
	  .min = NS_PER_S,
	  .max = 24 * HOUR,
	  .def = "15m",
	  .doc = "A TCP conversation is over after this silence." },
	{ .name = "idle_udp",
	  .type = OPT_DURATION,
	  .min = NS_PER_S,
	  .max = 24 * HOUR,
	  .def = "6m",
	  .doc = "A UDP conversation of more than two packets is over after this silence." },
	{ .name = "idle_short",
	  .type = OPT_DURATION,
	  .min = NS_PER_S,
	  .max = 24 * HOUR,
	  .def = "60s",
	  .doc = "Silence that ends ICMP, UDP of one or two packets, and other protocols." },
	{ .name = "half_open",
	  .type = OPT_DURATION,
	  .min = NS_PER_S,
	  .max = HOUR,
	  .def = "30s",
	  .doc = "Silence that ends a TCP connection attempt." },
	{ .name = "linger",
	  .type = OPT_DURATION,
	  .min = NS_PER_S,
	  .max = HOUR,
	  .def = "10s",
	  .doc = "How long the last packets behind FIN or RST still belong to their conversation." },
	{ .name = "active",
	  .type = OPT_DURATION,
	  .min = 10 * NS_PER_S,
	  .max = 24 * HOUR,
	  .def = "5m",
	  .doc = "A conversation that goes on gives a row this often, with what is new since the last." },
	{ .name = "vlan_in_key",
	  .type = OPT_BOOL,
	  .def = "yes",
	  .doc = "The VLAN tag tells conversations apart; no, where a mirror port tags one direction only." },
	{ .name = "internal",
	  .type = OPT_TEXT,
	  .min = 2,
	  .max = 64,
	  .flags = OPT_LIST,
	  .check = check_range,
	  .doc = "An address range of this site, for directions; may be repeated. Without it: private, shared "
		 "(RFC 6598) and link-local ranges." },
	{ .name = "dissector_off",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 60,
	  .flags = OPT_LIST,
	  .doc = "A protocol, by nDPI's name, that is not looked for; may be repeated. Games, say: saves time "
		 "and dissectors that read hostile bytes." },
	{ .name = "queue_batches",
	  .type = OPT_INT,
	  .min = 4,
	  .max = 4096,
	  .def = "64",
	  .doc = "Batches of up to 256 packets that wait for each flow thread." },
	{ .name = "queue_chunks",
	  .type = OPT_INT,
	  .min = 4,
	  .max = 4096,
	  .def = "32",
	  .doc = "Buffers of 1 MiB for the bytes of packets that wait or are looked into." },
	OPT_END
};

struct flow_thread {
	struct thread thread;
	struct flow_shard *shard; /* thread: flow/N once started */
	struct flow_stats told;   /* thread: flow/N; what the counters have of it */
	unsigned index;
	bool live; /* the kernel's clock is the packets' clock */
	struct packets *packets;
	struct store *store;
	struct app *app;
	int64_t rate_since_ns; /* thread: flow/N */
	uint64_t rate_flows;   /* thread: flow/N; flows begun until then */
	int64_t full_until_ns; /* thread: flow/N; not well until then; 0: well */
	_Atomic uint64_t open, flows_per_second; /* for status */
};

struct flow_room_state {
	unsigned n;
	struct packets *packets;
	struct flow_thread threads[THREADS_MAX];
};

static unsigned thread_count(const struct conf *c)
{
	int64_t asked = conf_i64(c, "flow", "threads"), cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (asked > 0)
		return (unsigned)asked;
	return cpus >= 8 ? 4 : cpus >= 2 ? (unsigned)cpus / 2 : 1;
}

static uint32_t share(const struct conf *c, const char *name, unsigned n)
{
	return (uint32_t)((conf_i64(c, "flow", name) + n - 1) / n);
}

static int conf_read(const struct conf *c, unsigned n, struct flow_conf *fc, struct err *e)
{
	flow_conf_defaults(fc);
	fc->max_flows = share(c, "max_flows", n);
	fc->max_dpi = share(c, "max_dpi", n);
	fc->max_medical = share(c, "max_medical", n);
	fc->max_meta_bytes = (uint64_t)conf_i64(c, "flow", "max_names") / n;
	fc->idle_tcp_ns = conf_i64(c, "flow", "idle_tcp");
	fc->idle_udp_ns = conf_i64(c, "flow", "idle_udp");
	fc->idle_short_ns = conf_i64(c, "flow", "idle_short");
	fc->half_open_ns = conf_i64(c, "flow", "half_open");
	fc->linger_ns = conf_i64(c, "flow", "linger");
	fc->active_ns = conf_i64(c, "flow", "active");
	fc->vlan_in_key = conf_bool(c, "flow", "vlan_in_key");
	size_t ranges = conf_count(c, "flow", "internal");
	if (ranges > FLOW_INTERNAL_MAX)
		return err_set(e, ERR_RANGE, "internal: %zu ranges, at most %d", ranges,
			       FLOW_INTERNAL_MAX);
	if (ranges)
		fc->n_internal = 0;
	for (size_t i = 0; i < ranges; i++)
		if (cidr_parse(str_of(conf_item(c, "flow", "internal", i)),
			       &fc->internal[fc->n_internal]) == 0)
			fc->n_internal++;
	size_t off = conf_count(c, "flow", "dissector_off");
	if (off > FLOW_DPI_OFF_MAX)
		return err_set(e, ERR_RANGE, "dissector_off: %zu names, at most %d", off,
			       FLOW_DPI_OFF_MAX);
	for (size_t i = 0; i < off; i++)
		fc->dpi_off[fc->n_dpi_off++] = conf_item(c, "flow", "dissector_off", i);
	return 0;
}

static int rows_put(void *arg, const struct flow *rows, size_t n)
{
	struct flow_thread *t = arg;
	thread_beat(); /* a stop with a million open flows takes its time */
	return store_put_many(t->store, &flow_record, rows, n);
}

static int threads_make(struct app *a, struct flow_room_state *st, struct err *e)
{
	struct flow_conf fc;
	int rc = conf_read(app_conf(a), st->n, &fc, e);
	for (unsigned i = 0; i < st->n && !rc; i++) {
		struct flow_thread *t = &st->threads[i];
		t->index = i;
		t->live = app_mode(a) == APP_DAEMON;
		t->packets = st->packets;
		t->store = app_store(a);
		t->app = a;
		rc = flow_shard_new(&t->shard, &fc, rows_put, t, e);
	}
	return rc;
}

static void flow_fini(struct app *a)
{
	struct flow_room_state *st = app_room_state(a, &flow_room);
	if (!st)
		return;
	for (unsigned i = 0; i < st->n; i++)
		flow_shard_free(st->threads[i].shard);
	app_set_packets(a, NULL);
	packets_free(st->packets);
	free(st);
	app_set_room_state(a, &flow_room, NULL);
}

static int flow_init(struct app *a, struct err *e)
{
	const struct conf *c = app_conf(a);
	struct flow_room_state *st = calloc(1, sizeof(*st));
	if (!st)
		return err_set(e, ERR_NOMEM, "no memory");
	app_set_room_state(a, &flow_room, st);
	st->n = thread_count(c);
	st->packets = packets_new(st->n, (size_t)conf_i64(c, "flow", "queue_batches"),
				  (size_t)conf_i64(c, "flow", "queue_chunks"));
	app_set_packets(a, st->packets);
	int rc = st->packets ?
			 threads_make(a, st, e) :
			 err_set(e, ERR_NOMEM,
				 "no memory for packet buffers: lower [flow] queue_chunks");
	if (rc)
		flow_fini(a);
	return rc;
}

/* A full table is somebody's business; a minute without evictions makes it well again. */
static void health_tell(struct flow_thread *t, const struct flow_stats *now, int64_t mono_ns)
{
	if (now->evicted != t->told.evicted) {
		if (!t->full_until_ns)
			app_room_health(
				t->app, &flow_room, false,
				"the flow table is full and conversations are written early: raise [flow] "
				"max_flows");
		t->full_until_ns = mono_ns + 60 * NS_PER_S;
	} else if (t->full_until_ns && mono_ns > t->full_until_ns) {
		t->full_until_ns = 0;
		app_room_health(t->app, &flow_room, true, "the flow table has room again");
	}
}

#define RATE_NS (5 * NS_PER_S)
static void rate_tell(struct flow_thread *t, const struct flow_stats *now, int64_t mono_ns)
{
	int64_t took_ns = mono_ns - t->rate_since_ns;
	if (took_ns < RATE_NS)
		return;
	uint64_t begun = now->flows - t->rate_flows, took_ms = (uint64_t)(took_ns / NS_PER_MS);
	atomic_store_explicit(&t->flows_per_second, begun * 1000 / took_ms,
			      memory_order_relaxed);
	t->rate_flows = now->flows;
	t->rate_since_ns = mono_ns;
}

/* Counters take what is new since the last batch; gauges move up and down the same way. */
static void stats_tell(struct flow_thread *t)
{
	struct flow_stats now;
	int64_t mono_ns = clock_mono_ns();
	flow_shard_stats(t->shard, &now);
	health_tell(t, &now, mono_ns);
	rate_tell(t, &now, mono_ns);
#define COUNTER_ADD(field, name_, help_, gauge_) \
	if (now.field != t->told.field)          \
		counter_add(&total_##field, now.field - t->told.field);
	COUNTERS(COUNTER_ADD)
	for (unsigned i = 0; i < FLOW_NOT_IP_KINDS; i++)
		if (now.not_ip[i] != t->told.not_ip[i])
			counter_add(&total_not_ip[i], now.not_ip[i] - t->told.not_ip[i]);
	atomic_store_explicit(&t->open, now.open, memory_order_relaxed);
	t->told = now;
}

static void shard_run(void *arg)
{
	struct flow_thread *t = arg;
	struct pkt_batch *b;
	int rc;
	t->rate_since_ns = clock_mono_ns();
	app_sandbox_thread("flow");
	while ((rc = packets_pop(t->packets, t->index, &b, POP_MS)) != -ERR_CLOSED) {
		thread_beat();
		if (rc == 0) {
			flow_shard_batch(t->shard, b);
			packets_done(b);
		} else if (t->live) {
			flow_shard_clock(t->shard, clock_now_ns());
		}
		stats_tell(t);
	}
	flow_shard_finish(t->shard, FLOW_END_SHUTDOWN);
	stats_tell(t);
}

static int flow_start(struct app *a, struct err *e)
{
	struct flow_room_state *st = app_room_state(a, &flow_room);
	int rc = 0;
	log_info("flow", "starting threads=%u ndpi=%s", st->n, flow_dpi_version());
	for (unsigned i = 0; i < st->n && !rc; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "flow/%u", i);
		rc = thread_start(&st->threads[i].thread, name, shard_run, &st->threads[i], e);
	}
	return rc;
}

static void flow_stop(struct app *a)
{
	struct flow_room_state *st = app_room_state(a, &flow_room);
	for (unsigned i = 0; i < st->n; i++)
		packets_close(st->packets, i);
	for (unsigned i = 0; i < st->n; i++)
		thread_join(&st->threads[i].thread);
	app_result_u64(a, "flows", atomic_load(&total_rows));
	app_result_u64(a, "conversations", atomic_load(&total_flows));
	app_result_u64(a, "packets_in_flows", atomic_load(&total_packets_in_flows));
	app_result_u64(a, "packets_not_ip", atomic_load(&total_packets_not_ip));
}

static void flow_status(struct app *a, struct json *j)
{
	struct flow_room_state *st = app_room_state(a, &flow_room);
	if (!st)
		return;
	json_kv_str(j, "ndpi", flow_dpi_version());
	json_kv_u64(j, "threads", st->n);
	json_key(j, "shards");
	json_arr(j);
	for (unsigned i = 0; i < st->n; i++) {
		json_obj(j);
		json_kv_u64(j, "open", atomic_load(&st->threads[i].open));
		json_kv_u64(j, "flows_per_second",
			    atomic_load(&st->threads[i].flows_per_second));
		json_kv_u64(j, "backlog_batches", packets_backlog(st->packets, i));
		json_end_obj(j);
	}
	json_end_arr(j);
	json_key(j, "not_ip");
	json_obj(j);
	for (unsigned i = 0; i < FLOW_NOT_IP_KINDS; i++)
		if (atomic_load(&total_not_ip[i]))
			json_kv_u64(j, flow_not_ip_name(i), atomic_load(&total_not_ip[i]));
	json_end_obj(j);
}

static const struct thread_doc flow_threads[] = {
	{ "flow/N", "owns a shard: its flow table, its nDPI module, its medical readers" },
	THREAD_END
};
static const struct edge flow_edges[] = {
	{ "capture -> flow/N",
	  "batches of decoded packets, by symmetric hash of the address pair",
	  "live: the batch is dropped and counted; --replay: capture waits" },
	EDGE_END
};

const struct room flow_room = {
	.name = "flow",
	.opts = flow_opts,
	.counters = flow_counters,
	.threads = flow_threads,
	.edges = flow_edges,
	.init = flow_init,
	.start = flow_start,
	.stop = flow_stop,
	.fini = flow_fini,
	.status = flow_status,
};
