/* A server that never comes to an end: lists that go on for ever, files longer than they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../../../src/s3/client.h"
#include "../net/server.h"

static struct server server;
static struct s3_client *client;

static void begin(void (*serve)(struct conn *c))
{
	struct s3_conf conf = { .name = "liar", .region = "jp", .bucket = "records", .access_key = "AK",
				.secret_key = "sk", .path_style = true };
	struct err e = ERR_INIT;
	server_start(&server, serve, NULL);
	(void)snprintf(conf.endpoint, sizeof(conf.endpoint), "http://127.0.0.1:%u", server.port);
	assert_int_equal(s3_client_new(&client, &conf, NULL, &e), 0);
}

static void end(void)
{
	s3_client_free(client);
	server_stop(&server);
}

static void say_page(struct conn *c, const char *inside)
{
	static const char begin_of[] = "<ListVersionsResult><IsTruncated>true</IsTruncated>", end_of[] = "</ListVersionsResult>";
	char text[2048];
	(void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s%s%s",
		       sizeof(begin_of) + sizeof(end_of) - 2 + strlen(inside), begin_of, inside, end_of);
	(void)conn_say(c, text);
}

/* Marks that rise for ever, and nothing between them. */
static void rising(struct conn *c)
{
	char mark[128];
	while (conn_ask(c)) {
		(void)snprintf(mark, sizeof(mark), "<NextKeyMarker>kind=%08d</NextKeyMarker>", c->asked);
		say_page(c, mark);
	}
}

/* Three pages in turn, each with a key. */
static void in_a_ring(struct conn *c)
{
	char page[512];
	while (conn_ask(c)) {
		int n = c->asked % 3;
		(void)snprintf(page, sizeof(page),
			       "<NextKeyMarker>kind=%d</NextKeyMarker><Version><Key>kind=%d</Key><VersionId>v</VersionId>"
			       "<Size>1</Size></Version>",
			       n, n);
		say_page(c, page);
	}
}

static int count_one(void *arg, const struct s3_listed *l)
{
	(void)l;
	++*(unsigned *)arg;
	return 0;
}

static void a_list_without_end_is_ended(void **state)
{
	(void)state;
	void (*const ways[])(struct conn *c) = { rising, in_a_ring };
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct s3_fault f;
		struct err e = ERR_INIT;
		unsigned n = 0;
		begin(ways[i]);
		assert_int_equal(s3_list(client, "kind=", NULL, count_one, &n, &f, &e), -ERR_INVALID);
		assert_string_equal(f.code, "NoVersionList");
		assert_true(n < 10);
		end();
	}
}

/* In chunks, so that no length is told. */
static void endless(struct conn *c)
{
	static char zeros[65536];
	if (!conn_ask(c) || !conn_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"x\"\r\n\r\n"))
		return;
	while (conn_say(c, "10000\r\n") && conn_write(c, zeros, sizeof(zeros)) && conn_say(c, "\r\n"))
		;
}

static void an_answer_without_end_fills_no_disk(void **state)
{
	(void)state;
	char folder[] = "/tmp/tomsd-liar-XXXXXX", path[64], part[80];
	struct s3_fault f;
	struct err e = ERR_INIT;
	struct stat st;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	(void)snprintf(part, sizeof(part), "%s.part", path);
	begin(endless);
	assert_int_equal(s3_get_file(client, "a", NULL, path, 1 << 20, NULL, &f, &e), -ERR_CORRUPT);
	assert_int_not_equal(stat(path, &st), 0);
	assert_int_not_equal(stat(part, &st), 0);
	end();
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_without_end_is_ended),
		cmocka_unit_test(an_answer_without_end_fills_no_disk),
	};
	return cmocka_run_group_tests_name("liar", tests, NULL, NULL);
}
