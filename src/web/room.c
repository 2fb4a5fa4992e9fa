/* Room panel: HTTPS, sessions, pages; serves the routes that rooms list. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "assets.h"
#include "http.h"
#include "lanes.h"
#include "listen.h"
#include "session.h"
#include "sign_in.h"
#include "tls.h"
#include "tokens.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "users.h"
#include "web.h"

#define RENEW_WARNING_NS (14 * 86400 * NS_PER_S)

struct web_counts web_counts;

struct web *web_of(struct app *a)
{
	return app_room_state(a, &web_room);
}

static int check_listen(struct str value, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t n;
	return listen_parse(value, &sa, &n, e);
}

static int check_host(struct str value, struct err *e)
{
	struct str name, port;
	if (gate_host_split(value, &name, &port) && port.n == 0)
		return 0;
	return err_set(e, ERR_INVALID, "not a host name or address without a port");
}

static const struct opt opts[] = {
	{ .name = "listen",
	  .type = OPT_TEXT,
	  .min = 3,
	  .max = 80,
	  .def = "127.0.0.1:8443",
	  .flags = OPT_LIST,
	  .doc = "Address and port of the panel, as 127.0.0.1:8443 or [::1]:8443; the management interface only.",
	  .check = check_listen },
	{ .name = "cert",
	  .type = OPT_PATH,
	  .max = 1000,
	  .flags = OPT_RELOAD,
	  .doc = "Certificate chain (PEM), the server's own first. Without it the appliance makes its own." },
	{ .name = "key",
	  .type = OPT_PATH,
	  .max = 1000,
	  .flags = OPT_RELOAD,
	  .doc = "Private key of cert (PEM)." },
	{ .name = "hosts",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 255,
	  .flags = OPT_LIST,
	  .doc = "Names and addresses by which browsers may call the panel, besides those it listens on.",
	  .check = check_host },
	OPT_END,
};

static const struct route routes[] = {
	{ .method = "GET",
	  .path = "/api/v1/session",
	  .may = MAY_ALL,
	  .handle = session_get_route,
	  .item = "session",
	  .answer = session_schema,
	  .doc = "Who is signed in, and the CSRF token." },
	{ .method = "POST",
	  .path = "/api/v1/session",
	  .may = MAY_ALL,
	  .handle = session_post,
	  .item = "session",
	  .flags = ROUTE_SIGN_IN,
	  .accepts = session_accepts,
	  .doc = "Signs in." },
	{ .method = "PATCH",
	  .path = "/api/v1/session",
	  .may = MAY_SIGNED_IN,
	  .handle = session_patch,
	  .item = "session",
	  .accepts = session_patch_accepts,
	  .doc = "Changes one's own language and theme." },
	{ .method = "DELETE",
	  .path = "/api/v1/session",
	  .may = MAY_SIGNED_IN,
	  .handle = session_delete,
	  .doc = "Signs out." },
	{ .method = "GET",
	  .path = "/api/v1/setup",
	  .may = MAY_ALL,
	  .handle = setup_get,
	  .item = "setup",
	  .answer = setup_schema,
	  .doc = "Is the door for the first administrator open?" },
	{ .method = "POST",
	  .path = "/api/v1/setup",
	  .may = MAY_ALL,
	  .handle = setup_post,
	  .item = "session",
	  .flags = ROUTE_SIGN_IN,
	  .accepts = setup_accepts,
	  .doc = "Makes the first administrator, once." },
	{ .method = "GET",
	  .path = "/api/v1/users",
	  .may = MAY_ADMIN,
	  .handle = users_get,
	  .item = "user_list",
	  .answer = users_schema,
	  .doc = "Accounts." },
	{ .method = "POST",
	  .path = "/api/v1/users",
	  .may = MAY_ADMIN,
	  .handle = users_post,
	  .flags = ROUTE_LOCAL,
	  .accepts = users_accepts,
	  .doc = "A further account, from the shell." },
	{ .method = "PATCH",
	  .path = "/api/v1/users/{name}",
	  .may = MAY_ADMIN,
	  .handle = users_patch,
	  .flags = ROUTE_LOCAL,
	  .accepts = users_patch_accepts,
	  .doc = "Changes what a person may, or closes the door to them, from the shell." },
	{ .method = "GET",
	  .path = "/api/v1/tokens",
	  .may = MAY_ADMIN,
	  .handle = tokens_get,
	  .item = "token_list",
	  .answer = tokens_schema,
	  .doc = "Tokens by which programs ask." },
	{ .method = "POST",
	  .path = "/api/v1/tokens",
	  .may = MAY_ADMIN,
	  .handle = tokens_post,
	  .flags = ROUTE_LOCAL,
	  .accepts = tokens_accepts,
	  .doc = "A new token, from the shell; shown once." },
	{ .method = "DELETE",
	  .path = "/api/v1/tokens/{id}",
	  .may = MAY_ADMIN,
	  .handle = tokens_delete,
	  .flags = ROUTE_LOCAL,
	  .doc = "Ends a token, from the shell." },
	{ .method = "POST",
	  .path = "/api/v1/users/{name}/password",
	  .may = MAY_ADMIN,
	  .handle = users_password_post,
	  .flags = ROUTE_LOCAL,
	  .accepts = users_password_accepts,
	  .doc = "A new password from the shell." },
	ROUTE_END,
};

static const struct counter counters[] = {
	{ "panel_requests_total", "Requests answered.", false, &web_counts.requests },
	{ "panel_problems_total", "Answers with status 400 and above.", false,
	  &web_counts.problems },
	{ "panel_refused_total", "Requests and connections refused by a limit or the gate.",
	  false, &web_counts.refused },
	{ "panel_connections_total", "Connections taken.", false, &web_counts.connections },
	{ "panel_streams_total", "Event streams opened.", false, &web_counts.streams },
	{ "panel_sign_ins_total", "Sign-ins.", false, &web_counts.sign_ins },
	{ "panel_sign_in_failures_total", "Sign-ins that failed.", false,
	  &web_counts.sign_in_failures },
	{ "panel_cut_total", "Connections shut since a stage of them took too long.", false,
	  &web_counts.cut },
	COUNTER_END,
};

/* An IPv6 address may come in brackets; Host is compared, and certificates hold it, without. */
static void add_name(struct web *w, const char *text)
{
	char name[256];
	struct str inner = str_of(text);
	if (inner.n > 2 && inner.p[0] == '[' && inner.p[inner.n - 1] == ']')
		inner = str_sub(inner, 1, inner.n - 2);
	if (!str_copy(name, sizeof(name), inner))
		return;
	for (size_t i = 0; i < w->n_names; i++)
		if (strcasecmp(w->names[i], name) == 0)
			return;
	if (name[0] && w->n_names < NAMES_MAX && (w->names[w->n_names] = str_dup(str_of(name))))
		w->n_names++;
}

/* For 0.0.0.0 and [::]: every address this machine has now; link-local ones need a zone and are left out. */
static void add_own_addresses(struct web *w)
{
	struct ifaddrs *all = NULL;
	char text[INET6_ADDRSTRLEN];
	if (getifaddrs(&all) != 0)
		return; /* Host may still be the address a connection comes in on */
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		if (!i->ifa_addr || w->n_names >= NAMES_MAX / 2)
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			memcpy(&in, i->ifa_addr, sizeof(in));
			if (inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)))
				add_name(w, text);
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			memcpy(&in6, i->ifa_addr, sizeof(in6));
			if (!IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) &&
			    inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text)))
				add_name(w, text);
		}
	}
	freeifaddrs(all);
}

/* What Host may say and the own certificate holds: listening addresses, this machine, [panel] hosts. */
static void collect_names(struct web *w, const struct conf *c)
{
	char host[256];
	bool is_any = false;
	add_name(w, "localhost");
	for (size_t i = 0; i < listeners_count(w->listeners); i++) {
		listeners_host(w->listeners, i, host);
		if (listeners_is_any(w->listeners, i))
			is_any = true;
		else
			add_name(w, host);
	}
	if (is_any)
		add_own_addresses(w);
	if (gethostname(host, sizeof(host) - 1) == 0) {
		host[sizeof(host) - 1] = '\0';
		add_name(w, host);
	}
	for (size_t i = 0; i < conf_count(c, "panel", "hosts"); i++)
		add_name(w, conf_item(c, "panel", "hosts", i));
}

static int open_tls(struct web *w, const struct conf *c, struct err *e)
{
	char folder[1100];
	(void)snprintf(folder, sizeof(folder), "%s/panel", app_state_path(w->app));
	struct tls_conf tc = {
		.cert = conf_text(c, "panel", "cert"),
		.key = conf_text(c, "panel", "key"),
		.folder = folder,
		.appliance = app_appliance_id(w->app),
		.names = (const char *const *)w->names,
		.n_names = w->n_names,
	};
	int rc = tls_new(&w->tls, &tc, e);
	return rc != 0 ? err_wrap(e, "certificate of the panel") : 0;
}

static void fini(struct app *a)
{
	struct web *w = web_of(a);
	if (!w)
		return;
	app_set_room_state(a, &web_room, NULL);
	https_free(w->http);
	lanes_free(w->lanes);
	listeners_free(w->listeners);
	assets_free(w->assets);
	tls_free(w->tls);
	sessions_free(w->sessions);
	tokens_free(w->tokens);
	limits_free(w->limits);
	for (size_t i = 0; i < w->n_names; i++)
		free(w->names[i]);
	explicit_bzero(w->setup_code, sizeof(w->setup_code));
	pthread_cond_destroy(&w->wake);
	mutex_fini(&w->m);
	free(w);
}

static int init(struct app *a, struct err *e)
{
	if (app_mode(a) != APP_DAEMON)
		return 0;
	struct web *w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ERR_NOMEM, "no memory for the room panel");
	w->app = a;
	mutex_init(&w->m);
	cond_init(&w->wake);
	app_set_room_state(a, &web_room, w);
	w->limits = limits_new();
	w->sessions = sessions_new();
	w->tokens = tokens_new();
	w->lanes = lanes_new();
	w->http = https_new(w);
	int rc = w->limits && w->sessions && w->tokens && w->lanes && w->http ?
			 0 :
			 err_set(e, ERR_NOMEM, "no memory for the room panel");
	if (rc == 0)
		rc = assets_new(&w->assets, e);
	if (rc == 0)
		rc = listeners_new(&w->listeners, app_conf(a), e);
	if (rc == 0)
		collect_names(w, app_conf(a));
	if (rc == 0)
		rc = open_tls(w, app_conf(a), e);
	if (rc != 0)
		fini(a);
	return rc;
}

/* The panel's address, and how to sign in for the first time, where the person looks who started us. */
static void say_where(struct web *w)
{
	char at[96], first[320] = "", name[256] = "", print[TLS_FINGERPRINT_MAX];
	int64_t not_after_ns;
	(void)gethostname(name, sizeof(name) - 1); /* stays empty on failure */
	for (size_t i = 0; i < listeners_count(w->listeners); i++) {
		listeners_text(w->listeners, i, at, sizeof(at));
		app_ready_line(w->app, "panel https://%s", at);
		if (first[0])
			continue;
		bool is_any = listeners_is_any(w->listeners, i) &&
			      name[0]; /* nobody can open 0.0.0.0 */
		(void)snprintf(first, sizeof(first), "%s%s", is_any ? name : at,
			       is_any ? strrchr(at, ':') : "");
	}
	tls_facts(w->tls, print, &not_after_ns);
	if (atomic_load(&w->setup_open) && first[0])
		(void)fprintf(stderr,
			      "tomsd: first sign-in: open https://%s and enter the code %s\n"
			      "tomsd: certificate of the panel: SHA-256 %s\n",
			      first, w->setup_code, print);
}

/* Deadlines of connections and signs of life of streams. */
static void watch(void *arg)
{
	struct web *w = arg;
	mutex_lock(&w->m);
	while (!w->closing) {
		mutex_unlock(&w->m);
		thread_beat();
		https_tick(w->http);
		mutex_lock(&w->m);
		if (!w->closing)
			(void)cond_wait(&w->wake, &w->m,
					500); /* woken or over: both are the next round */
	}
	mutex_unlock(&w->m);
}

static int start(struct app *a, struct err *e)
{
	struct web *w = web_of(a);
	if (!w)
		return 0;
	int rc = sessions_load(w->sessions, app_store(a), e);
	if (rc == 0)
		rc = tokens_load(w->tokens, app_store(a), e);
	if (rc == 0)
		rc = setup_prepare(w, e);
	if (rc == 0)
		rc = lanes_start(w->lanes, e);
	if (rc == 0)
		rc = https_start(w->http, e);
	if (rc == 0)
		rc = thread_start(&w->watch, "panel/watch", watch, w, e);
	if (rc == 0)
		rc = listeners_start(w->listeners, w->http, e);
	if (rc != 0)
		return rc;
	api_events_on_publish(a, https_wake, w->http);
	say_where(w);
	return 0;
}

static void stop(struct app *a)
{
	struct web *w = web_of(a);
	if (!w)
		return;
	listeners_stop(w->listeners);
	api_events_on_publish(a, NULL, NULL);
	https_quiesce(w->http); /* streams end, requests are refused */
	lanes_stop(w->lanes);  /* what is being worked on is answered */
	mutex_lock(&w->m);
	w->closing = true;
	pthread_cond_broadcast(&w->wake);
	mutex_unlock(&w->m);
	thread_join(&w->watch);
	https_stop(w->http);
}

/* Other certificate files are named, or those named have been exchanged. */
static void reload(struct app *a)
{
	struct err e = ERR_INIT;
	struct web *w = web_of(a);
	const struct conf *c = app_conf(a);
	if (w && tls_use(w->tls, conf_text(c, "panel", "cert"), conf_text(c, "panel", "key"),
			 &e) != 0)
		log_err("panel", "certificate stays as it was error=%s", LOGQ(e.text));
}

/* Job: renews the certificate in time, or says that somebody has to. */
static int look_at_certificate(struct app *a, struct err *e)
{
	char print[TLS_FINGERPRINT_MAX], until[CLOCK_RFC3339_MAX];
	int64_t not_after_ns;
	struct web *w = web_of(a);
	if (!w)
		return 0;
	int rc = tls_refresh(w->tls, e);
	tls_facts(w->tls, print, &not_after_ns);
	clock_rfc3339(not_after_ns, until);
	bool is_near = not_after_ns < clock_now_ns() + RENEW_WARNING_NS;
	if (rc != 0)
		app_room_health(a, &web_room, false, "the certificate cannot be renewed: %s",
				e->text);
	else if (is_near)
		app_room_health(a, &web_room, false, "the certificate ends at %s", until);
	else
		app_room_health(a, &web_room, true, "%s", "");
	return rc;
}

static int tidy_sessions(struct app *a, struct err *e)
{
	struct web *w = web_of(a);
	if (!w)
		return 0;
	int rc = sessions_tidy(w->sessions, app_store(a), e);
	return rc != 0 ? rc : tokens_tidy(w->tokens, app_store(a), e);
}

static void status(struct app *a, struct json *j)
{
	char print[TLS_FINGERPRINT_MAX];
	int64_t not_after_ns;
	struct web *w = web_of(a);
	if (!w)
		return;
	json_kv_u64(j, "connections", https_connections(w->http));
	json_kv_u64(j, "sessions", sessions_count(w->sessions));
	json_kv_bool(j, "setup_open", atomic_load(&w->setup_open));
	tls_facts(w->tls, print, &not_after_ns);
	json_kv_str(j, "certificate_sha256", print);
	json_kv_time(j, "certificate_until", not_after_ns);
}

static const struct job jobs[] = {
	{ "sessions", 60 * NS_PER_S, tidy_sessions },
	{ "certificate", 3600 * NS_PER_S, look_at_certificate },
	JOB_END,
};
static const struct thread_doc threads[] = {
	{ "panel/accept", "lets connections in, up to 512" },
	{ "panel/http", "two of the library: TLS and HTTP, bytes only; no files, no sockets" },
	{ "panel/N", "four: sessions, limits, handlers, exports" },
	{ "panel/sign-in", "sign-ins one after the other, for their hashes are dear" },
	{ "panel/watch", "every half second: deadlines of connections, signs of life" },
	THREAD_END,
};
static const struct edge edges[] = {
	{ "browser -> panel/http", "requests",
	  "429 or 503 with Retry-After; over 512 connections they are closed" },
	{ "panel/http -> panel/N", "requests", "256 wait; more get 503" },
	{ "panel/http -> panel/sign-in", "sign-ins", "32 wait; more get 503" },
	EDGE_END,
};

const struct room web_room = {
	.name = "panel",
	.opts = opts,
	.routes = routes,
	.jobs = jobs,
	.counters = counters,
	.threads = threads,
	.edges = edges,
	.init = init,
	.start = start,
	.reload = reload,
	.stop = stop,
	.fini = fini,
	.status = status,
};
