/* Certificates are read again by whoever wants it, while connections come: the watch every minute, a reload at
 * any time. Most of it is for the sanitizers to see. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "../../../src/syslog/tls.h"

#define ROUNDS 200
#define UPDATES 5000

static char folder[] = "/tmp/tomsd-test-tls-XXXXXX";
static char cert[64], key[64];
static struct syslog_tls *tls;

/* A key and a certificate of its own. */
static void pair_write(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	assert_true(k && x);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	assert_int_equal(X509_set_pubkey(x, k), 1);
	assert_true(X509_sign(x, k, EVP_sha256()) > 0);
	FILE *c = fopen(cert, "w"), *p = fopen(key, "w");
	assert_true(c && p);
	assert_int_equal(PEM_write_X509(c, x), 1);
	assert_int_equal(PEM_write_PrivateKey(p, k, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(c);
	(void)fclose(p);
	X509_free(x);
	EVP_PKEY_free(k);
}

static int files_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	(void)snprintf(key, sizeof(key), "%s/key.pem", folder);
	pair_write();
	return 0;
}

static int files_remove(void **state)
{
	(void)state;
	(void)unlink(cert);
	(void)unlink(key);
	return rmdir(folder);
}

/* As the watch does. */
static void *look_again(void *arg)
{
	struct err e = ERR_INIT;
	for (int i = 0; i < ROUNDS; i++)
		if (syslog_tls_refresh(tls, NULL, &e) != 0)
			return arg;
	return NULL;
}

/* As a thread that reads does. */
static void *connections_come(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct syslog_tls_link *l = syslog_tls_link_new(tls, 0);
		if (!l)
			return arg;
		syslog_tls_link_free(l);
	}
	return NULL;
}

static void a_reload_and_the_watch_may_read_certificates_at_once(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct syslog_tls_conf conf = { .cert = cert, .key = key };
	pthread_t threads[2];
	void *failed[2];
	assert_int_equal(syslog_tls_new(&tls, &conf, &e), 0);
	assert_int_equal(pthread_create(&threads[0], NULL, look_again, &conf), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, connections_come, &conf), 0);
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(syslog_tls_refresh(tls, &conf, &e), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &failed[i]), 0);
		assert_null(failed[i]);
	}
	syslog_tls_free(tls);
}

static void a_pair_that_cannot_be_read_leaves_the_old_one(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char before[96], after[96];
	int64_t until_ns;
	struct syslog_tls_conf conf = { .cert = cert, .key = key },
			       bad = { .cert = folder, .key = key };
	assert_int_equal(syslog_tls_new(&tls, &conf, &e), 0);
	syslog_tls_facts(tls, before, &until_ns);
	assert_int_not_equal(syslog_tls_refresh(tls, &bad, &e), 0);
	syslog_tls_facts(tls, after, &until_ns);
	assert_string_equal(before, after);
	assert_int_equal(syslog_tls_refresh(tls, NULL, &e), 0); /* it knows the old names */
	pair_write();
	assert_int_equal(syslog_tls_refresh(tls, NULL, &e), 0);
	syslog_tls_facts(tls, after, &until_ns);
	assert_string_not_equal(before, after);
	syslog_tls_free(tls);
}

/* A sender: a line with new keys now and then, as the rules have it; then new keys and nothing else. */
static void *send_keys(void *arg)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	bool good = SSL_set_fd(ssl, *(int *)arg) == 1 && SSL_connect(ssl) == 1;
	for (int i = 0; good && i < UPDATES; i++) {
		if (i < 4)
			good = SSL_write(ssl, "<13>a\n", 6) == 6;
		good = good && SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
		       SSL_do_handshake(ssl) == 1;
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return NULL;
}

static void new_keys_without_end_are_no_lines(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct syslog_tls_conf conf = { .cert = cert, .key = key };
	int pair[2];
	pthread_t sender;
	char buf[256], words[160] = "";
	size_t n, bytes = 0;
	enum tls_read t;
	assert_int_equal(syslog_tls_new(&tls, &conf, &e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pthread_create(&sender, NULL, send_keys, &pair[1]), 0);
	struct syslog_tls_link *l = syslog_tls_link_new(tls, pair[0]);
	assert_non_null(l);
	do {
		struct pollfd p = { .fd = pair[0], .events = POLLIN };
		if (!syslog_tls_pending(l))
			assert_int_equal(poll(&p, 1, 20000), 1);
		t = syslog_tls_read(l, buf, sizeof(buf), &n, words, sizeof(words));
		bytes += t == TLS_READ_BYTES ? n : 0;
	} while (t == TLS_READ_BYTES || t == TLS_READ_LATER);
	assert_int_equal(t, TLS_READ_FAILED);
	assert_non_null(strstr(words, "new keys"));
	assert_int_equal(bytes, 4 * 6);
	syslog_tls_link_free(l);
	(void)close(pair[0]);
	assert_int_equal(pthread_join(sender, NULL), 0);
	(void)close(pair[1]);
	syslog_tls_free(tls);
}

static void *connect_with(void *arg)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set1_groups_list(ctx, "ffdhe8192");
	SSL *ssl = SSL_new(ctx);
	void *done = SSL_set_fd(ssl, *(int *)arg) == 1 && SSL_connect(ssl) == 1 ? arg : NULL;
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return done;
}

static void keys_that_cost_a_tenth_of_a_second_are_not_made(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct syslog_tls_conf conf = { .cert = cert, .key = key };
	int pair[2];
	pthread_t peer;
	char buf[256], words[160];
	void *done;
	size_t n;
	assert_int_equal(syslog_tls_new(&tls, &conf, &e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pthread_create(&peer, NULL, connect_with, &pair[1]), 0);
	struct syslog_tls_link *l = syslog_tls_link_new(tls, pair[0]);
	assert_non_null(l);
	assert_int_equal(syslog_tls_read(l, buf, sizeof(buf), &n, words, sizeof(words)),
			 TLS_READ_FAILED);
	assert_false(syslog_tls_is_open(l));
	syslog_tls_link_free(l);
	(void)close(pair[0]);
	assert_int_equal(pthread_join(peer, &done), 0);
	assert_null(done);
	(void)close(pair[1]);
	syslog_tls_free(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reload_and_the_watch_may_read_certificates_at_once),
		cmocka_unit_test(a_pair_that_cannot_be_read_leaves_the_old_one),
		cmocka_unit_test(new_keys_without_end_are_no_lines),
		cmocka_unit_test(keys_that_cost_a_tenth_of_a_second_are_not_made),
	};
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, files_make, files_remove);
}
