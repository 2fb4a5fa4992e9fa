/* The control socket as tomsctl and curl see it: a real socket, a real house, made-up routes. */
#include "../app/fixture.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tomsd/api.h"
#include "tomsd/control.h"

static void hello(struct request *rq, struct reply *rp)
{
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_kv_str(j, "who", rq->who.name);
	json_kv_str(j, "from", rq->who.from);
	json_kv_str(j, "role", role_names[rq->who.role]);
	json_key(j, "body");
	json_str(j, rq->body);
	json_end_obj(j);
}

static int piece(void *arg, struct buf *b)
{
	int *n = arg;
	buf_fmt(b, "line %d\n", *n);
	return ++*n < 5000;
}

static void pieces(struct request *rq UNUSED, struct reply *rp)
{
	static int n;
	n = 0;
	rp->type = "text/plain";
	rp->more = piece;
	rp->more_arg = &n;
}

static void stream(struct request *rq UNUSED, struct reply *rp)
{
	rp->is_event_stream = true;
}

static const struct route routes[] = { { .method = "GET",
					 .path = "/hello",
					 .may = MAY_ADMIN,
					 .handle = hello,
					 .doc = "Says who asks." },
				       { .method = "POST",
					 .path = "/hello",
					 .may = MAY_ADMIN,
					 .handle = hello,
					 .flags = ROUTE_LOCAL,
					 .doc = "The same." },
				       { .method = "GET",
					 .path = "/pieces",
					 .may = MAY_ADMIN,
					 .handle = pieces,
					 .doc = "A long answer." },
				       { .method = "GET",
					 .path = "/stream",
					 .may = MAY_ADMIN,
					 .handle = stream,
					 .doc = "A stream." },
				       ROUTE_END };
static const struct room sea = { .name = "store", .opts = store_opts, .routes = routes };
static const struct room *const rooms[] = { &sea, &control_room, NULL };

static int dial(struct house *h)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/control.sock", h->state);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static char got[1u << 17];

static const char *ask(struct house *h, const char *text)
{
	size_t n = 0;
	int fd = dial(h);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	for (ssize_t r; (r = recv(fd, got + n, sizeof(got) - 1 - n, 0)) > 0;)
		n += (size_t)r;
	got[n] = '\0';
	(void)close(fd);
	return got;
}

static void start(struct house *h)
{
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "tomsd: ready control ");
}

static void end(struct house *h)
{
	(void)kill(h->pid, SIGTERM);
	assert_int_equal(house_end(h), 0);
}

static void root_is_an_administrator_with_a_name(void **state)
{
	struct house *h = *state;
	start(h);
	const char *a = ask(h, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(a, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(a, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(a, "\"who\":\"local:"));
	assert_non_null(strstr(a, "\"from\":\"local\",\"role\":\"admin\""));
	end(h);
}

static void a_body_arrives_whole_also_in_two_parts(void **state)
{
	struct house *h = *state;
	start(h);
	assert_non_null(strstr(ask(h, "POST /hello HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde"),
			       "\"body\":\"abcde\""));
	int fd = dial(h);
	static const char one[] = "POST /hello HTTP/1.1\r\nContent-Length: 5\r\n\r\nab",
			  two[] = "cde";
	char text[2048];
	size_t n = 0;
	assert_true(send(fd, one, sizeof(one) - 1, 0) > 0);
	assert_true(send(fd, two, sizeof(two) - 1, 0) > 0);
	for (ssize_t r; (r = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0;)
		n += (size_t)r;
	text[n] = '\0';
	assert_non_null(strstr(text, "\"body\":\"abcde\""));
	(void)close(fd);
	end(h);
}

static void a_long_answer_comes_in_pieces_to_its_end(void **state)
{
	struct house *h = *state;
	start(h);
	const char *a = ask(h, "GET /pieces\n\n");
	assert_non_null(strstr(a, "\r\n\r\nline 0\nline 1\n"));
	assert_non_null(strstr(a, "line 4999\n"));
	assert_null(strstr(a, "Content-Length"));
	end(h);
}

static void nonsense_is_refused_in_words(void **state)
{
	struct house *h = *state;
	start(h);
	assert_non_null(strstr(ask(h, "nonsense\n\n"), "HTTP/1.1 400 "));
	assert_non_null(strstr(ask(h, "GET /nowhere\n\n"), "HTTP/1.1 404 "));
	assert_non_null(strstr(ask(h, "GET /stream\n\n"), "HTTP/1.1 406 "));
	assert_non_null(
		strstr(ask(h, "POST /hello\nContent-Length: 9999999\n\n"), "HTTP/1.1 413 "));
	end(h);
}

static void the_socket_is_for_its_owner_alone(void **state)
{
	struct house *h = *state;
	struct stat st;
	char path[160];
	start(h);
	(void)snprintf(path, sizeof(path), "%s/control.sock", h->state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	end(h);
	assert_int_equal(stat(path, &st), -1);
}

static void a_caller_that_says_nothing_does_not_keep_the_daemon_from_stopping(void **state)
{
	struct house *h = *state;
	start(h);
	int fd = dial(h);
	assert_true(send(fd, "GET /hel", 8, 0) == 8);
	end(h);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)
		TEST(root_is_an_administrator_with_a_name),
		TEST(a_body_arrives_whole_also_in_two_parts),
		TEST(a_long_answer_comes_in_pieces_to_its_end),
		TEST(nonsense_is_refused_in_words),
		TEST(the_socket_is_for_its_owner_alone),
		TEST(a_caller_that_says_nothing_does_not_keep_the_daemon_from_stopping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
