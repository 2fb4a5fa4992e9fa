/* Whom we talk to over TLS, and whom not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made_certs.h"
#include "server.h"
#include "tomsd/base/file.h"
#include "tomsd/net.h"

#define HERE "IP:127.0.0.1"

struct world {
	struct made_cert ca, leaf;
	SSL_CTX *tls;
	struct server server;
	bool has_server;
	char ca_file[64];
	struct err e;
	struct http_answer answer;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct buf pem;
	(void)snprintf(w->ca_file, sizeof(w->ca_file), "/tmp/tomsd-ca-XXXXXX");
	int fd = mkstemp(w->ca_file);
	assert_true(fd >= 0);
	(void)close(fd);
	w->ca = made_cert((struct made_cert_conf){ .name = "Hospital" });
	buf_init(&pem, 100000);
	made_cert_pem(&w->ca, &pem);
	assert_int_equal(file_write_durable(w->ca_file, 0644, pem.p, pem.n, NULL), 0);
	buf_fini(&pem);
	http_answer_init(&w->answer);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	if (w->has_server)
		server_stop(&w->server);
	SSL_CTX_free(w->tls);
	made_cert_free(&w->leaf);
	made_cert_free(&w->ca);
	http_answer_fini(&w->answer);
	(void)unlink(w->ca_file);
	free(w);
	return 0;
}

static void serve_ok(struct conn *c)
{
	while (conn_ask(c))
		if (!conn_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
			break;
}

static void serve(struct world *w, struct made_cert_conf conf, void (*what)(struct conn *c))
{
	w->leaf = made_cert(conf);
	w->tls = SSL_CTX_new(TLS_server_method());
	assert_non_null(w->tls);
	assert_int_equal(SSL_CTX_use_certificate(w->tls, w->leaf.cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(w->tls, w->leaf.key), 1);
	server_start(&w->server, what, w->tls);
	w->has_server = true;
}

static int ask(struct world *w, const char *ca_file, const char *url)
{
	struct http *h = NULL;
	struct http_conf conf = { .ca_file = ca_file, .stall_s = 5 };
	w->e = (struct err)ERR_INIT;
	assert_int_equal(http_new(&h, &conf, &w->e), 0);
	int rc = http_ask(h, &(struct http_request){ .method = "GET", .url = url }, &w->answer,
			  &w->e);
	http_free(h);
	assert_int_equal(rc, -w->e.code);
	return rc;
}

static void says(struct world *w, const char *words)
{
	if (!strstr(w->e.text, words))
		fail_msg("'%s' is not in: %s", words, w->e.text);
}

static void a_server_of_an_authority_we_trust_is_asked(void **state)
{
	struct world *w = *state;
	serve(w, (struct made_cert_conf){ .name = "s3", .issuer = &w->ca, .alt = HERE },
	      serve_ok);
	assert_int_equal(ask(w, w->ca_file, server_url(&w->server, "/")), 0);
	assert_true(str_eq(buf_view(&w->answer.body), STR("hello")));
}

static void the_systems_authorities_do_not_vouch_for_it(void **state)
{
	struct world *w = *state;
	serve(w, (struct made_cert_conf){ .name = "s3", .issuer = &w->ca, .alt = HERE },
	      serve_ok);
	assert_int_equal(ask(w, NULL, server_url(&w->server, "/")), -ERR_DENIED);
	says(w, "ca_file");
	assert_int_equal(atomic_load(&w->server.requests), 0);
}

/* Debian's libcurl trusts a folder beside the file it is given; ours must not. */
static void an_authority_in_the_file_is_instead_of_the_systems(void **state)
{
	struct world *w = *state;
	struct buf pem;
	struct made_cert other = made_cert((struct made_cert_conf){ .name = "Other" });
	serve(w, (struct made_cert_conf){ .name = "s3", .issuer = &w->ca, .alt = HERE },
	      serve_ok);
	buf_init(&pem, 100000);
	made_cert_pem(&other, &pem);
	assert_int_equal(file_write_durable(w->ca_file, 0644, pem.p, pem.n, NULL), 0);
	assert_int_equal(ask(w, w->ca_file, server_url(&w->server, "/")), -ERR_DENIED);
	says(w, "not trusted here");
	buf_fini(&pem);
	made_cert_free(&other);
}

static void a_certificate_of_another_server_is_refused(void **state)
{
	struct world *w = *state;
	serve(w,
	      (struct made_cert_conf){
		      .name = "s3", .issuer = &w->ca, .alt = "DNS:s3.example" },
	      serve_ok);
	assert_int_equal(ask(w, w->ca_file, server_url(&w->server, "/")), -ERR_DENIED);
	says(w, "server of this address");
	assert_int_equal(atomic_load(&w->server.requests), 0);
}

static void an_expired_certificate_is_refused_with_its_reason(void **state)
{
	struct world *w = *state;
	serve(w,
	      (struct made_cert_conf){ .name = "s3",
				       .issuer = &w->ca,
				       .alt = HERE,
				       .from = "20010101000000Z",
				       .until = "20020101000000Z" },
	      serve_ok);
	assert_int_equal(ask(w, w->ca_file, server_url(&w->server, "/")), -ERR_DENIED);
	says(w, "expired");
}

static void a_self_signed_certificate_is_refused_until_it_is_named(void **state)
{
	struct world *w = *state;
	struct buf pem;
	serve(w, (struct made_cert_conf){ .name = "s3", .alt = HERE }, serve_ok);
	assert_int_equal(ask(w, w->ca_file, server_url(&w->server, "/")), -ERR_DENIED);
	says(w, "self-signed");
	buf_init(&pem, 100000);
	made_cert_pem(&w->leaf, &pem);
	assert_int_equal(file_write_durable(w->ca_file, 0644, pem.p, pem.n, NULL), 0);
	assert_int_equal(ask(w, w->ca_file, server_url(&w->server, "/")), 0);
	buf_fini(&pem);
}

/* As web servers do when a ClientHello comes to their plain port. */
static void serve_plain(struct conn *c)
{
	char hello[1];
	if (conn_read(c, hello, 1) == 1 &&
	    conn_say(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
		conn_drain(c);
}

static void a_port_without_tls_is_told(void **state)
{
	struct world *w = *state;
	char url[100];
	server_start(&w->server, serve_plain, NULL);
	w->has_server = true;
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", w->server.port);
	assert_int_equal(ask(w, w->ca_file, url), -ERR_IO);
	says(w, "no TLS with it");
}

static void serve_cut(struct conn *c)
{
	if (conn_ask(c))
		(void)conn_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nonly this");
	(void)shutdown(c->fd, SHUT_RDWR); /* no farewell of TLS either */
}

static void an_answer_cut_off_inside_tls_is_an_error(void **state)
{
	struct world *w = *state;
	serve(w, (struct made_cert_conf){ .name = "s3", .issuer = &w->ca, .alt = HERE },
	      serve_cut);
	assert_int_equal(ask(w, w->ca_file, server_url(&w->server, "/")), -ERR_IO);
	says(w, "broke off");
}

/* The oldest that will do is 1.2; a server that has only 1.1 is not talked to. */
static void old_tls_is_not_spoken(void **state)
{
	struct world *w = *state;
	serve(w, (struct made_cert_conf){ .name = "s3", .issuer = &w->ca, .alt = HERE },
	      serve_ok);
	assert_int_equal(SSL_CTX_set_max_proto_version(w->tls, TLS1_1_VERSION), 1);
	SSL_CTX_set_security_level(w->tls, 0);
	assert_int_equal(ask(w, w->ca_file, server_url(&w->server, "/")), -ERR_IO);
	says(w, "no TLS with it");
	assert_int_equal(atomic_load(&w->server.requests), 0);
}

static void a_file_without_certificates_is_told_when_it_is_named(void **state)
{
	struct world *w = *state;
	struct http *h = NULL;
	struct http_conf conf = { .ca_file = w->ca_file };
	assert_int_equal(file_write_durable(w->ca_file, 0644, "x", 1, NULL), 0);
	assert_int_equal(http_new(&h, &conf, &w->e), -ERR_INVALID);
	says(w, w->ca_file);
	conf.ca_file = "/nowhere/ca.pem";
	assert_int_equal(http_new(&h, &conf, &w->e), -ERR_NOTFOUND);
	says(w, "/nowhere/ca.pem");
	assert_null(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_of_an_authority_we_trust_is_asked),
		TEST(the_systems_authorities_do_not_vouch_for_it),
		TEST(an_authority_in_the_file_is_instead_of_the_systems),
		TEST(a_certificate_of_another_server_is_refused),
		TEST(an_expired_certificate_is_refused_with_its_reason),
		TEST(a_self_signed_certificate_is_refused_until_it_is_named),
		TEST(a_port_without_tls_is_told),
		TEST(an_answer_cut_off_inside_tls_is_an_error),
		TEST(old_tls_is_not_spoken),
		TEST(a_file_without_certificates_is_told_when_it_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
