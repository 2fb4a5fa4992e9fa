/* Room syslog: options, counters, the walk through start and stop. */
#include "room.h"

#include <stdio.h>
#include <stdlib.h>

#include "routes.h"
#include "stream.h"
#include "tls.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/base/num.h"
#include "udp.h"
#include "watch.h"

struct syslog_counts syslog_counts;

struct syslog *syslog_of(struct app *a)
{
	return app_room_state(a, &syslog_room);
}

static int check_silence(struct str value, struct err *e)
{
	int64_t ns;
	if (str_eq(value, STR("auto")) || (num_duration(value, &ns) == 0 && ns >= NS_PER_S))
		return 0;
	return err_set(e, ERR_INVALID, "not auto and not a time of a second or more, say 30m");
}

static const struct opt opts[] = {
	{ .name = "udp",
	  .type = OPT_TEXT,
	  .min = 3,
	  .max = 80,
	  .flags = OPT_LIST,
	  .doc = "Address and port on which syslog over UDP is received, say 0.0.0.0:514; may be repeated.",
	  .check = inlet_check },
	{ .name = "tcp",
	  .type = OPT_TEXT,
	  .min = 3,
	  .max = 80,
	  .flags = OPT_LIST,
	  .doc = "Address and port on which syslog over TCP is received, say 0.0.0.0:514; may be repeated.",
	  .check = inlet_check },
	{ .name = "tls",
	  .type = OPT_TEXT,
	  .min = 3,
	  .max = 80,
	  .flags = OPT_LIST,
	  .doc = "Address and port on which syslog over TLS is received, say 0.0.0.0:6514; may be repeated.",
	  .check = inlet_check },
	{ .name = "cert",
	  .type = OPT_PATH,
	  .max = 1000,
	  .flags = OPT_RELOAD,
	  .doc = "Certificate chain of the TLS port (PEM). Without it that of the panel, which the appliance makes itself. "
		 "A new file is taken within a minute." },
	{ .name = "key",
	  .type = OPT_PATH,
	  .max = 1000,
	  .flags = OPT_RELOAD,
	  .doc = "Private key of cert (PEM)." },
	{ .name = "client_ca",
	  .type = OPT_PATH,
	  .max = 1000,
	  .flags = OPT_RELOAD,
	  .doc = "Certificates of the authorities that a sender's own certificate must come from (PEM). Without it senders "
		 "need none." },
	{ .name = "zone",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 40,
	  .doc = "Time zone of lines that tell none, say Asia/Tokyo or +09:00. Without it the appliance's. A source may "
		 "have its own in the panel.",
	  .check = zone_check },
	{ .name = "connections",
	  .type = OPT_INT,
	  .min = 8,
	  .max = 30000,
	  .def = "16384",
	  .doc = "Connections over TCP and TLS at most; an eighth of them is kept for accepted sources, TLS may have an "
		 "eighth." },
	{ .name = "connections_per_address",
	  .type = OPT_INT,
	  .min = 1,
	  .max = 30000,
	  .def = "1024",
	  .flags = OPT_RELOAD,
	  .doc = "Connections of one address at most." },
	{ .name = "unknown_limit",
	  .type = OPT_SIZE,
	  .min = 0,
	  .max = INT64_C(1) << 50,
	  .def = "8G",
	  .flags = OPT_RELOAD,
	  .doc = "Bytes of lines kept in a day of senders that nobody has accepted. Each address gets at most half of what "
		 "the others leave; what is over is dropped and counted." },
	{ .name = "receive_buffer",
	  .type = OPT_SIZE,
	  .min = 64 << 10,
	  .max = 1 << 30,
	  .def = "16M",
	  .doc = "The kernel's buffer of each UDP port. 16M holds 10,000 lines and more." },
	{ .name = "silence",
	  .type = OPT_TEXT,
	  .min = 2,
	  .max = 20,
	  .def = "auto",
	  .flags = OPT_RELOAD,
	  .doc = "An accepted source that sends nothing for so long is a finding; auto learns how long each is usually "
		 "quiet (5 minutes to 6 hours).",
	  .check = check_silence },
	OPT_END,
};

static const struct counter counters[] = {
	{ "syslog_lines_total", "Lines received.", false, &syslog_counts.lines },
	{ "syslog_bytes_total", "Their bytes, without framing.", false, &syslog_counts.bytes },
	{ "syslog_udp_lines_total", "Lines over UDP.", false, &syslog_counts.lines_udp },
	{ "syslog_tcp_lines_total", "Lines over TCP.", false, &syslog_counts.lines_tcp },
	{ "syslog_tls_lines_total", "Lines over TLS.", false, &syslog_counts.lines_tls },
	{ "syslog_truncated_total", "Lines longer than 65,536 bytes, cut there.", false,
	  &syslog_counts.truncated },
	{ "syslog_skipped_bytes_total", "Bytes behind the cut.", false,
	  &syslog_counts.skipped_bytes },
	{ "syslog_partial_total", "Lines whose end never came.", false,
	  &syslog_counts.partial },
	{ "syslog_problems_total", "Lines that could not be understood whole.", false,
	  &syslog_counts.problems },
	{ "syslog_not_utf8_total", "Lines that are not UTF-8.", false,
	  &syslog_counts.not_utf8 },
	{ "syslog_kernel_drops_total", "Datagrams the kernel had no room for.", false,
	  &syslog_counts.kernel_drops },
	{ "syslog_queue_drops_total",
	  "Datagrams of unknown senders dropped while parsing or the store was behind.", false,
	  &syslog_counts.queue_drops },
	{ "syslog_limit_drops_total",
	  "Lines over the limit of senders that nobody has accepted.", false,
	  &syslog_counts.limit_drops },
	{ "syslog_refused_lines_total", "Lines of refused sources.", false,
	  &syslog_counts.refused_lines },
	{ "syslog_store_drops_total", "Lines that came after the store was closed.", false,
	  &syslog_counts.store_drops },
	{ "syslog_connections_total", "Connections let in.", false,
	  &syslog_counts.connections },
	{ "syslog_connections_refused_total", "Connections over a limit.", false,
	  &syslog_counts.connections_refused },
	{ "syslog_connections_cut_total",
	  "Connections closed by us: too slow, too quiet, out of memory or no syslog.", false,
	  &syslog_counts.connections_cut },
	{ "syslog_tls_failures_total", "TLS handshakes and connections that failed.", false,
	  &syslog_counts.tls_failures },
	{ "syslog_foreign_total", "Connections that spoke RFC 3195, or TLS on the plain port.",
	  false, &syslog_counts.foreign },
	COUNTER_END,
};

static const struct thread_doc threads[] = {
	{ "syslog/accept", "lets connections in" },
	{ "syslog/N", "two: read connections, TLS, framing, parsing; no files, no sockets" },
	{ "syslog/udp", "empties the kernel's buffers of datagrams; no files, no sockets" },
	{ "syslog/lines", "parses datagrams; no files, no sockets" },
	{ "syslog/watch", "every second: silences, gaps, the table of sources, certificates" },
	THREAD_END,
};

static const struct edge edges[] = {
	{ "kernel -> syslog/udp", "datagrams",
	  "the kernel drops; counted (SO_RXQ_OVFL), a gap row a minute" },
	{ "syslog/udp -> syslog/lines", "128 slabs of datagrams, 32 MiB",
	  "from 96 on, senders not accepted are dropped and counted; with none left syslog/udp waits" },
	{ "peer -> syslog/N", "connections, 64 KiB a turn",
	  "while the store has no room nothing is read; TCP slows the peer" },
	{ "syslog -> store", "up to 512 lines at once", "waits" },
	EDGE_END,
};

static int64_t silence_of(const struct conf *c)
{
	int64_t ns;
	return num_duration(str_of(conf_text(c, "syslog", "silence")), &ns) == 0 ? ns : 0;
}

static struct sources_conf sources_conf_of(struct app *a)
{
	const struct conf *c = app_conf(a);
	const char *zone = conf_text(c, "syslog", "zone"), *house = app_appliance_timezone(a);
	return (struct sources_conf){ .unknown_limit_bytes =
					      (uint64_t)conf_i64(c, "syslog", "unknown_limit"),
				      .silence_ns = silence_of(c),
				      .zone = zone            ? zone :
					      house && *house ? house :
								"UTC" };
}

static struct streams_conf streams_conf_of(const struct conf *c)
{
	return (struct streams_conf){
		.connections = (size_t)conf_i64(c, "syslog", "connections"),
		.connections_per_address =
			(size_t)conf_i64(c, "syslog", "connections_per_address"),
	};
}

/* [syslog] cert and key, or the panel's, whichever that uses. */
static int tls_conf_of(struct app *a, struct syslog_tls_conf *out, char own[2][1100],
		       struct err *e)
{
	const struct conf *c = app_conf(a);
	*out = (struct syslog_tls_conf){ .cert = conf_text(c, "syslog", "cert"),
					 .key = conf_text(c, "syslog", "key"),
					 .client_ca = conf_text(c, "syslog", "client_ca") };
	if (!out->cert != !out->key)
		return err_set(e, ERR_INVALID,
			       "[syslog] cert and key belong together: give both or neither");
	if (out->cert)
		return 0;
	out->cert = conf_text(c, "panel", "cert");
	out->key = conf_text(c, "panel", "key");
	if (out->cert && out->key)
		return 0;
	(void)snprintf(own[0], 1100, "%s/panel/panel.pem", app_state_path(a));
	(void)snprintf(own[1], 1100, "%s/panel/panel.key", app_state_path(a));
	out->cert = own[0];
	out->key = own[1];
	return 0;
}

static int open_tls(struct syslog *s, struct err *e)
{
	struct syslog_tls_conf tc;
	char own[2][1100];
	int rc = tls_conf_of(s->app, &tc, own, e);
	if (rc == 0)
		rc = syslog_tls_new(&s->tls, &tc, e);
	return rc != 0 ? err_wrap(e, "certificate of the TLS port") : 0;
}

static bool has(const struct syslog *s, enum log_transport transport)
{
	for (size_t i = 0; i < s->inlets.n; i++)
		if (s->inlets.all[i].transport == transport)
			return true;
	return false;
}

static void fini(struct app *a)
{
	struct syslog *s = syslog_of(a);
	if (!s)
		return;
	app_set_room_state(a, &syslog_room, NULL);
	udp_free(s->udp);
	streams_free(s->streams);
	inlets_close(&s->inlets);
	syslog_tls_free(s->tls);
	sources_free(s->sources);
	sender_fini(&s->sender);
	pthread_cond_destroy(&s->wake);
	mutex_fini(&s->m);
	free(s);
}

static int open_all(struct syslog *s, struct err *e)
{
	struct sources_conf sc = sources_conf_of(s->app);
	struct streams_conf tc = streams_conf_of(app_conf(s->app));
	int rc = inlets_open(&s->inlets, app_conf(s->app), e);
	if (rc == 0)
		rc = sources_new(&s->sources, &sc, e);
	if (rc == 0 && has(s, LOG_VIA_UDP))
		rc = udp_new(&s->udp, s, e);
	if (rc == 0 && (has(s, LOG_VIA_TCP) || has(s, LOG_VIA_TLS)))
		rc = streams_new(&s->streams, s, &tc, e);
	if (rc == 0 && has(s, LOG_VIA_TLS))
		rc = open_tls(s, e);
	return rc;
}

static int init(struct app *a, struct err *e)
{
	if (app_mode(a) != APP_DAEMON)
		return 0;
	struct syslog *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NOMEM, "no memory for the room syslog");
	s->app = a;
	mutex_init(&s->m);
	cond_init(&s->wake);
	sender_init(&s->sender);
	app_set_room_state(a, &syslog_room, s);
	int rc = open_all(s, e);
	if (rc != 0)
		fini(a);
	return rc;
}

static int start(struct app *a, struct err *e)
{
	struct syslog *s = syslog_of(a);
	if (!s)
		return 0;
	s->store = app_store(a);
	int rc = sources_load(s->sources, s->store, e);
	if (rc == 0 && s->inlets.n > 0)
		rc = watch_begin(s, e);
	if (rc == 0 && s->udp)
		rc = udp_start(s->udp, e);
	if (rc == 0 && s->streams)
		rc = streams_start(s->streams, e);
	for (size_t i = 0; rc == 0 && i < s->inlets.n; i++)
		app_ready_line(a, "syslog %s %s", inlet_names[s->inlets.all[i].transport],
			       s->inlets.all[i].text);
	return rc;
}

static void stop(struct app *a)
{
	struct syslog *s = syslog_of(a);
	if (!s)
		return;
	if (s->streams)
		streams_stop(s->streams);
	if (s->udp)
		udp_stop(s->udp);
	watch_end(s);
}

static void reload(struct app *a)
{
	struct err e = ERR_INIT;
	struct syslog *s = syslog_of(a);
	struct syslog_tls_conf tc;
	char own[2][1100];
	if (!s)
		return;
	struct sources_conf sc = sources_conf_of(a);
	struct streams_conf streams = streams_conf_of(app_conf(a));
	sources_reload(s->sources, &sc);
	if (s->streams)
		streams_reload(s->streams, &streams);
	if (s->tls &&
	    (tls_conf_of(a, &tc, own, &e) != 0 || syslog_tls_refresh(s->tls, &tc, &e) != 0))
		log_err("syslog", "certificate stays as it was error=%s", LOGQ(e.text));
}

static void inlet_json(const struct inlet *in, struct json *j)
{
	json_obj(j);
	json_kv_str(j, "transport", inlet_names[in->transport]);
	json_kv_str(j, "address", in->text);
	json_kv_u64(j, "lines", atomic_load(&in->lines));
	json_kv_u64(j, "bytes", atomic_load(&in->bytes));
	json_kv_u64(j, "lost", atomic_load(&in->lost));
	json_kv_u64(j, "connections", atomic_load(&in->connections));
	if (in->transport == LOG_VIA_UDP)
		json_kv_u64(j, "receive_buffer", in->buffer_bytes);
	json_end_obj(j);
}

static void tls_json(struct syslog *s, struct json *j)
{
	char print[96];
	int64_t not_after_ns;
	if (!s->tls)
		return;
	syslog_tls_facts(s->tls, print, &not_after_ns);
	json_kv_str(j, "certificate_sha256", print);
	json_kv_time(j, "certificate_until", not_after_ns);
	json_kv_bool(j, "client_certificates", syslog_tls_wants_client(s->tls));
}

static void sources_json(struct syslog *s, struct json *j)
{
	struct sources_sums sums;
	sources_sums(s->sources, &sums);
	json_key(j, "sources");
	json_obj(j);
	for (size_t i = 0; i < SOURCE_STATES; i++)
		json_kv_u64(j, source_state_names[i], sums.n[i]);
	json_kv_u64(j, "silent", sums.silent);
	json_end_obj(j);
	json_key(j, "unknown");
	json_obj(j);
	json_kv_u64(j, "kept_bytes", sums.budget.used_bytes);
	json_kv_u64(j, "limit_bytes", sums.budget.limit_bytes);
	json_kv_u64(j, "dropped_lines", sums.budget.dropped_lines);
	json_end_obj(j);
}

static void status(struct app *a, struct json *j)
{
	struct store_stats st;
	struct syslog *s = syslog_of(a);
	if (!s)
		return;
	json_key(j, "listeners");
	json_arr(j);
	for (size_t i = 0; i < s->inlets.n; i++)
		inlet_json(&s->inlets.all[i], j);
	json_end_arr(j);
	sources_json(s, j);
	if (s->streams) {
		json_kv_u64(j, "connections", streams_open(s->streams));
		json_kv_u64(j, "unfinished_bytes", streams_partial_bytes(s->streams));
	}
	tls_json(s, j);
	if (!s->store)
		return;
	store_stats(s->store, &st);
	json_kv_i64(j, "commit_window_ms", st.commit_window_ns / NS_PER_MS);
	char words[160];
	(void)snprintf(
		words, sizeof(words),
		"lines acknowledged over TCP may be lost for at most %lld ms on a power cut",
		(long long)(st.commit_window_ns / NS_PER_MS));
	json_kv_str(j, "commit_window", words);
}

static void explain(struct app *a, const char *lang, struct buf *out)
{
	struct syslog *s = syslog_of(a);
	if (s)
		watch_explain(s, lang, out);
}

const struct room syslog_room = {
	.name = "syslog",
	.opts = opts,
	.routes = syslog_routes,
	.counters = counters,
	.threads = threads,
	.edges = edges,
	.init = init,
	.start = start,
	.reload = reload,
	.stop = stop,
	.fini = fini,
	.status = status,
	.explain = explain,
};
