/* Asking a web server that behaves, and many that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>

#include "server.h"
#include "tomsd/base/buf.h"
#include "tomsd/net.h"

#define SECRET "AWS4-HMAC-SHA256-nobody-may-see-this"

struct world {
	struct server server;
	struct http *http;
	struct http_answer answer;
	struct err e;
	bool has_server;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct http_conf conf = { .plain_allowed = true, .stall_s = 1 };
	assert_int_equal(http_new(&w->http, &conf, &w->e), 0);
	http_answer_init(&w->answer);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	http_free(w->http);
	http_answer_fini(&w->answer);
	if (w->has_server)
		server_stop(&w->server);
	free(w);
	return 0;
}

static void serve(struct world *w, void (*what)(struct conn *c))
{
	server_start(&w->server, what, NULL);
	w->has_server = true;
}

/* Every request signs in; no failure may tell how. */
static int ask(struct world *w, struct http_request rq)
{
	static const struct http_header signs[] = { { "Authorization", SECRET } };
	if (!rq.n_headers) {
		rq.headers = signs;
		rq.n_headers = 1;
	}
	if (!rq.method)
		rq.method = "GET";
	if (!rq.url)
		rq.url = server_url(&w->server, "/");
	w->e = (struct err)ERR_INIT;
	int rc = http_ask(w->http, &rq, &w->answer, &w->e);
	if (rc) {
		assert_int_equal(rc, -w->e.code);
		assert_true(w->e.text[0]);
		assert_null(strstr(w->e.text, SECRET));
	}
	return rc;
}

static void says(struct world *w, const char *words)
{
	if (!strstr(w->e.text, words))
		fail_msg("'%s' is not in: %s", words, w->e.text);
}

static void serve_ok(struct conn *c)
{
	while (conn_ask(c))
		if (!conn_say(c,
			      "HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nhello"))
			break;
}

static void what_was_signed_is_what_goes_out(void **state)
{
	struct world *w = *state;
	static const struct http_header headers[] = { { "X-Amz-Date", "20261122T000000Z" },
						      { "x-empty", "" } };
	char want[1000];
	serve(w, serve_ok);
	const char *path = "/b//a/./../dt=2026/%2f%3D+~?uploads&x=a%20b&y=&b=1&a=2";
	assert_int_equal(ask(w, (struct http_request){ .method = "PUT",
						       .url = server_url(&w->server, path),
						       .headers = headers,
						       .n_headers = 2,
						       .body = STR("abc") }),
			 0);
	(void)snprintf(want, sizeof(want),
		       "PUT %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
		       "X-Amz-Date: 20261122T000000Z\r\nx-empty:\r\nContent-Length: 3\r\n\r\n",
		       path, w->server.port);
	assert_string_equal(w->server.head, want);
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(w->answer.sent_bytes, 3);
	assert_true(str_eq(buf_view(&w->answer.body), STR("hello")));
}

static void every_method_goes_with_the_length_it_needs(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *method, *body;
		bool has_length;
	} cases[] = { { "GET", "", false },    { "DELETE", "", false }, { "POST", "", true },
		      { "POST", "x=1", true }, { "PUT", "", true },     { "GET", "", false } };
	serve(w, serve_ok);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char first[64];
		assert_int_equal(ask(w, (struct http_request){ .method = cases[i].method,
							       .body = str_of(cases[i].body) }),
				 0);
		(void)snprintf(first, sizeof(first), "%s / HTTP/1.1\r\n", cases[i].method);
		assert_true(str_starts(str_of(w->server.head), str_of(first)));
		assert_int_equal(strstr(w->server.head, "Content-Length") != NULL,
				 cases[i].has_length);
		assert_null(strstr(w->server.head, "Content-Type"));
		assert_null(strstr(w->server.head, "Expect"));
		assert_null(strstr(w->server.head, "Accept"));
		assert_null(strstr(w->server.head, "Agent"));
	}
	assert_int_equal(atomic_load(&w->server.connections), 1);
}

static void the_environment_has_no_say(void **state)
{
	struct world *w = *state;
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
					     "ALL_PROXY", "all_proxy" };
	serve(w, serve_ok);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)setenv(names[i], "http://127.0.0.1:1", 1);
	int rc = ask(w, (struct http_request){ .n_headers = 0 });
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]);
	assert_int_equal(rc, 0);
}

static void serve_head(struct conn *c)
{
	while (conn_ask(c))
		if (!conn_say(
			    c,
			    "HTTP/1.1 200 OK\r\nContent-Length: 123456\r\nETag:  \"x\" \r\n\r\n"))
			break;
}

static void head_has_a_length_and_no_body(void **state)
{
	struct world *w = *state;
	serve(w, serve_head);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(w, (struct http_request){ .method = "HEAD" }), 0);
		assert_int_equal(w->answer.body.n, 0);
		assert_true(str_eq(http_answer_header(&w->answer, "content-length"),
				   STR("123456")));
		assert_true(str_eq(http_answer_header(&w->answer, "etag"), STR("\"x\"")));
		assert_int_equal(http_answer_header(&w->answer, "etag-other").n, 0);
	}
	assert_int_equal(atomic_load(&w->server.connections), 1);
}

static void serve_twice_over(struct conn *c)
{
	while (conn_ask(c))
		if (!conn_say(
			    c,
			    "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
			    "HTTP/1.1 200 OK\r\nX-Real: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
			    "3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Trailer: 3\r\n\r\n"))
			break;
}

static void the_headers_are_those_of_the_last_answer(void **state)
{
	struct world *w = *state;
	serve(w, serve_twice_over);
	assert_int_equal(ask(w, (struct http_request){ .n_headers = 0 }), 0);
	assert_int_equal(w->answer.status, 200);
	assert_true(str_eq(buf_view(&w->answer.body), STR("abcdefg")));
	assert_true(str_eq(buf_view(&w->answer.headers),
			   STR("x-real: 2\ntransfer-encoding: chunked\n")));
}

static void serve_redirect(struct conn *c)
{
	while (conn_ask(c))
		if (!conn_say(
			    c,
			    "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n"
			    "Content-Length: 2\r\n\r\nno"))
			break;
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
	struct world *w = *state;
	serve(w, serve_redirect);
	assert_int_equal(ask(w, (struct http_request){ .n_headers = 0 }), 0);
	assert_int_equal(w->answer.status, 307);
	assert_true(
		str_eq(http_answer_header(&w->answer, "location"), STR("http://127.0.0.1:1/")));
}

/* Answers one request and then goes; the client thinks that the connection is kept. */
static void serve_one(struct conn *c)
{
	if (conn_ask(c))
		(void)conn_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

/* The same, but goes only when the next request is on its way. */
static void serve_one_and_a_half(struct conn *c)
{
	serve_one(c);
	if (c->number == 1)
		(void)conn_head(c);
}

static int temp_file(uint64_t bytes)
{
	char path[] = "/tmp/tomsd-net-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)unlink(path);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static void a_body_goes_again_when_a_kept_connection_is_dead(void **state)
{
	struct world *w = *state;
	static void (*const servers[])(struct conn * c) = { serve_one, serve_one_and_a_half };
	int fd = temp_file(3000);
	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		serve(w, servers[i]);
		assert_int_equal(ask(w, (struct http_request){ .method = "HEAD" }), 0);
		assert_int_equal(ask(w, (struct http_request){ .method = "PUT",
							       .fd = fd,
							       .file_off = 1000,
							       .file_bytes = 1500 }),
				 0);
		assert_int_equal(atomic_load(&w->server.connections), 2);
		assert_int_equal(atomic_load(&w->server.body_bytes), 1500);
		void *state_of = w;
		if (i + 1 < ARRAY_LEN(servers)) {
			assert_int_equal(end(&state_of), 0);
			assert_int_equal(begin(&state_of), 0);
			*state = w = state_of;
		}
	}
	(void)close(fd);
}

/* Answers one request, hears the next one to its end and goes without a word. */
static void serve_one_and_swallow(struct conn *c)
{
	if (conn_ask(c) && conn_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		(void)conn_ask(c);
}

static void what_does_harm_twice_is_not_asked_again_once_it_is_out(void **state)
{
	struct world *w = *state;
	int fd = temp_file(3000);
	serve(w, serve_one_and_swallow);
	assert_int_equal(ask(w, (struct http_request){ .method = "HEAD" }), 0);
	assert_int_equal(ask(w, (struct http_request){ .method = "PUT",
						       .fd = fd,
						       .file_bytes = 3000,
						       .once = true }),
			 -ERR_IO);
	says(w, "broke off");
	assert_int_equal(atomic_load(&w->server.requests), 2);
	assert_int_equal(atomic_load(&w->server.body_bytes), 3000);
	/* One that may go twice does. */
	assert_int_equal(ask(w, (struct http_request){ .method = "HEAD" }), 0);
	assert_int_equal(
		ask(w, (struct http_request){ .method = "PUT", .fd = fd, .file_bytes = 3000 }),
		0);
	(void)close(fd);
}

static void serve_nothing(struct conn *c)
{
	(void)conn_ask(c);
}

static void no_answer_on_a_new_connection_is_an_error_at_once(void **state)
{
	struct world *w = *state;
	serve(w, serve_nothing);
	assert_int_equal(ask(w, (struct http_request){ .n_headers = 0 }), -ERR_IO);
	says(w, "without an answer");
	assert_int_equal(atomic_load(&w->server.requests), 1);
}

static void serve_cut(struct conn *c)
{
	if (conn_ask(c))
		(void)conn_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
}

static void serve_cut_chunks(struct conn *c)
{
	if (conn_ask(c))
		(void)conn_say(
			c,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this");
}

static void serve_cut_head(struct conn *c)
{
	if (conn_ask(c))
		(void)conn_say(c, "HTTP/1.1 200 OK\r\nContent-Le");
}

static int swallow(void *arg, const void *p, size_t n)
{
	uint64_t *bytes = arg;
	(void)p;
	*bytes += n;
	return 0;
}

static void an_answer_cut_short_is_never_a_short_answer(void **state)
{
	static void (*const servers[])(struct conn * c) = { serve_cut, serve_cut_chunks };
	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		struct world *w = *state;
		uint64_t bytes = 0;
		serve(w, servers[i]);
		assert_int_equal(ask(w, (struct http_request){ .n_headers = 0 }), -ERR_IO);
		says(w, "broke off");
		assert_int_equal(
			ask(w, (struct http_request){ .sink = swallow, .sink_arg = &bytes }),
			-ERR_IO);
		assert_int_equal(bytes, 9);
		void *state_of = w;
		assert_int_equal(end(&state_of), 0);
		assert_int_equal(begin(&state_of), 0);
		*state = state_of;
	}
}

static void a_head_cut_short_is_no_answer(void **state)
{
	struct world *w = *state;
	serve(w, serve_cut_head);
	/* libcurl takes the end of the connection for the end of the head */
	int rc = ask(w, (struct http_request){ .n_headers = 0 });
	assert_true(rc == -ERR_IO || (rc == 0 && w->answer.body.n == 0));
}

static void serve_much(struct conn *c)
{
	static char zeros[10000];
	while (conn_ask(c))
		if (!conn_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n") ||
		    !conn_write(c, zeros, sizeof(zeros)))
			break;
}

static void a_longer_answer_than_we_take_is_given_up(void **state)
{
	struct world *w = *state;
	serve(w, serve_much);
	assert_int_equal(ask(w, (struct http_request){ .answer_max = 9999 }), -ERR_FULL);
	says(w, "longer than we take");
	assert_true(w->answer.body.n <= 9999);
	assert_int_equal(ask(w, (struct http_request){ .answer_max = 10000 }), 0);
	assert_int_equal(w->answer.body.n, 10000);
}

static void serve_headers_without_end(struct conn *c)
{
	bool good = conn_ask(c) && conn_say(c, "HTTP/1.1 200 OK\r\n");
	while (good)
		good = conn_say(c,
				"X-More: ................................................\r\n");
}

static void headers_without_end_are_given_up(void **state)
{
	struct world *w = *state;
	serve(w, serve_headers_without_end);
	assert_int_equal(ask(w, (struct http_request){ .n_headers = 0 }), -ERR_FULL);
	assert_true(w->answer.headers.n <= 65536);
}

static void serve_late(struct conn *c)
{
	if (conn_ask(c))
		conn_drain(c); /* until the client has had enough */
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
	struct world *w = *state;
	serve(w, serve_late);
	assert_int_equal(ask(w, (struct http_request){ .n_headers = 0 }), -ERR_TIMEOUT);
	says(w, "stood still");
}

static void a_request_takes_no_longer_than_it_may(void **state)
{
	struct world *w = *state;
	struct http_conf conf = { .plain_allowed = true };
	serve(w, serve_late);
	http_free(w->http);
	assert_int_equal(http_new(&w->http, &conf, &w->e), 0);
	assert_int_equal(ask(w, (struct http_request){ .timeout_s = 1 }), -ERR_TIMEOUT);
	says(w, "within the time");
}

struct stopper {
	struct server *s;
	bool stop;
};

static void *stop_when_asked(void *arg)
{
	struct stopper *st = arg;
	while (atomic_load(&st->s->requests) == 0)
		(void)sched_yield();
	__atomic_store_n(&st->stop, true, __ATOMIC_RELEASE);
	return NULL;
}

static void the_stop_flag_ends_a_request_that_waits(void **state)
{
	struct world *w = *state;
	struct http_conf conf = { .plain_allowed = true };
	struct stopper st = { .s = &w->server };
	pthread_t id;
	serve(w, serve_late);
	http_free(w->http);
	assert_int_equal(http_new(&w->http, &conf, &w->e), 0);
	assert_int_equal(pthread_create(&id, NULL, stop_when_asked, &st), 0);
	assert_int_equal(ask(w, (struct http_request){ .stop = &st.stop }), -ERR_CLOSED);
	(void)pthread_join(id, NULL);
	/* and none begins */
	assert_int_equal(ask(w, (struct http_request){ .stop = &st.stop }), -ERR_CLOSED);
	assert_int_equal(atomic_load(&w->server.requests), 1);
}

static int refuse(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 1;
}

static void serve_missing(struct conn *c)
{
	while (conn_ask(c))
		if (!conn_say(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"))
			break;
}

static void a_sink_takes_good_answers_only_and_may_refuse(void **state)
{
	struct world *w = *state;
	uint64_t bytes = 0;
	serve(w, serve_much);
	assert_int_equal(ask(w, (struct http_request){ .sink = swallow, .sink_arg = &bytes }),
			 0);
	assert_int_equal(bytes, 10000);
	assert_int_equal(w->answer.body.n, 0);
	assert_int_equal(ask(w, (struct http_request){ .sink = refuse }), -ERR_CLOSED);
	void *state_of = w;
	assert_int_equal(end(&state_of), 0);
	assert_int_equal(begin(&state_of), 0);
	*state = w = state_of;
	serve(w, serve_missing);
	assert_int_equal(ask(w, (struct http_request){ .sink = refuse }), 0);
	assert_int_equal(w->answer.status, 404);
	assert_true(str_eq(buf_view(&w->answer.body), STR("gone")));
}

/* Says no as soon as it has seen the head, as S3 does, and takes the rest of the body to nowhere. */
static void serve_no(struct conn *c)
{
	if (conn_head(c) && conn_say(c, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"
					"Content-Length: 2\r\n\r\nno")) {
		(void)shutdown(c->fd, SHUT_WR);
		conn_drain(c);
	}
}

static void a_refusal_before_the_body_has_gone_is_heard(void **state)
{
	struct world *w = *state;
	int fd = temp_file(20u << 20);
	serve(w, serve_no);
	assert_int_equal(ask(w, (struct http_request){ .method = "PUT",
						       .fd = fd,
						       .file_bytes = 20u << 20 }),
			 0);
	assert_int_equal(w->answer.status, 403);
	(void)close(fd);
}

static void a_hundred_megabytes_go_from_a_file_at_the_rate_asked_for(void **state)
{
	struct world *w = *state;
	const uint64_t all = 100000000;
	int fd = temp_file(all);
	serve(w, serve_ok);
	assert_int_equal(ask(w, (struct http_request){ .method = "PUT",
						       .fd = fd,
						       .file_bytes = all,
						       .bytes_per_s = 50000000 }),
			 0);
	assert_int_equal(atomic_load(&w->server.body_bytes), all);
	assert_int_equal(w->answer.sent_bytes, all);
	assert_true(w->answer.took_ns > NS_PER_S);
	(void)close(fd);
}

static void a_slow_rate_is_no_stall(void **state)
{
	struct world *w = *state;
	char body[4000] = "";
	serve(w, serve_ok);
	assert_int_equal(ask(w, (struct http_request){ .method = "PUT",
						       .body = str_n(body, sizeof(body)),
						       .bytes_per_s = 1500 }),
			 0);
	assert_true(w->answer.took_ns > NS_PER_S);
}

static void a_file_that_shrinks_is_an_error(void **state)
{
	struct world *w = *state;
	int fd = temp_file(1000);
	serve(w, serve_ok);
	assert_int_equal(
		ask(w, (struct http_request){ .method = "PUT", .fd = fd, .file_bytes = 1001 }),
		-ERR_IO);
	says(w, "shorter than it was");
	(void)close(fd);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC); /* not to be read */
	assert_int_equal(
		ask(w, (struct http_request){ .method = "PUT", .fd = fd, .file_bytes = 1000 }),
		-ERR_IO);
	says(w, "reading the file");
	(void)close(fd);
}

static void serve_syslog(struct conn *c)
{
	if (conn_ask(c))
		(void)conn_say(c, "<13>this is no web server\n");
}

static void other_services_are_told_from_web_servers(void **state)
{
	struct world *w = *state;
	serve(w, serve_syslog);
	assert_int_equal(ask(w, (struct http_request){ .n_headers = 0 }), -ERR_IO);
	says(w, "not HTTP");
}

static void nobody_there_says_what_to_check(void **state)
{
	struct world *w = *state;
	char url[200];
	int fd = socket(AF_INET, SOCK_STREAM, 0); /* a port that nobody listens on */
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(a.sin_port));
	assert_int_equal(ask(w, (struct http_request){ .url = url }), -ERR_IO);
	says(w, "refuses the connection");
	(void)close(fd);
	/* a label longer than DNS has: no server is asked for it */
	(void)snprintf(url, sizeof(url), "http://%070d.example/", 1);
	assert_int_equal(ask(w, (struct http_request){ .url = url }), -ERR_NOTFOUND);
	says(w, "DNS server");
}

static void what_cannot_be_sent_safely_is_not_sent(void **state)
{
	struct world *w = *state;
	static const char *const urls[] = {
		"",
		"127.0.0.1",
		"ftp://h/",
		"file:///etc/passwd",
		"https://",
		"https://user:" SECRET "@h/",
		"https://h/a b",
		"https://h/\r\nX: 1",
		"https://h/#x",
		"https://h/\xe6\x97\xa5",
	};
	static const struct http_header bad[] = { { "X-A", SECRET "\r\nX-B: 1" },
						  { "X A", SECRET },
						  { "", SECRET },
						  { "X:", SECRET } };
	struct http_conf strict = { .plain_allowed = false };
	serve(w, serve_ok);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		assert_int_equal(ask(w, (struct http_request){ .url = urls[i] }), -ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			ask(w, (struct http_request){ .headers = &bad[i], .n_headers = 1 }),
			-ERR_INVALID);
	assert_int_equal(ask(w, (struct http_request){ .method = "GET /x" }), -ERR_INVALID);
	http_free(w->http);
	assert_int_equal(http_new(&w->http, &strict, &w->e), 0);
	assert_int_equal(ask(w, (struct http_request){ .n_headers = 0 }), -ERR_INVALID);
	says(w, "https://");
	assert_int_equal(atomic_load(&w->server.connections), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_signed_is_what_goes_out),
		TEST(every_method_goes_with_the_length_it_needs),
		TEST(the_environment_has_no_say),
		TEST(head_has_a_length_and_no_body),
		TEST(the_headers_are_those_of_the_last_answer),
		TEST(a_redirect_is_an_answer_and_is_not_followed),
		TEST(a_body_goes_again_when_a_kept_connection_is_dead),
		TEST(what_does_harm_twice_is_not_asked_again_once_it_is_out),
		TEST(no_answer_on_a_new_connection_is_an_error_at_once),
		TEST(an_answer_cut_short_is_never_a_short_answer),
		TEST(a_head_cut_short_is_no_answer),
		TEST(a_longer_answer_than_we_take_is_given_up),
		TEST(headers_without_end_are_given_up),
		TEST(a_server_that_says_nothing_is_given_up),
		TEST(a_request_takes_no_longer_than_it_may),
		TEST(the_stop_flag_ends_a_request_that_waits),
		TEST(a_sink_takes_good_answers_only_and_may_refuse),
		TEST(a_refusal_before_the_body_has_gone_is_heard),
		TEST(a_hundred_megabytes_go_from_a_file_at_the_rate_asked_for),
		TEST(a_slow_rate_is_no_stall),
		TEST(a_file_that_shrinks_is_an_error),
		TEST(other_services_are_told_from_web_servers),
		TEST(nobody_there_says_what_to_check),
		TEST(what_cannot_be_sent_safely_is_not_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
