/* See tls.h. TLS 1.2 and 1.3 (RFC 9662: no older ones for syslog), for 1.2 only suites with forward secrecy and
 * AEAD. A context is never changed: new certificates make a new one, which new connections take; the old
 * goes with its last connection, for OpenSSL counts references. Session tickets are off: senders connect
 * once in weeks. */
#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/log.h"
#include "tomsd/base/thread.h"

#define PEM_MAX (1u << 20)
/* New keys (RFC 8446 4.6.3) cost us more than the peer: so many, and another for so many bytes of lines. A peer that
 * keeps to the rules sends one in 2^24 records. */
#define KEY_UPDATES_FREE 16u
#define KEY_UPDATE_BYTES (1u << 20)
#define READS_AT_ONCE \
	4u /* from the socket: messages that are no lines let no call go on for ever */
#define SUITES_12                                                                                  \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* No ffdhe8192 (RFC 7919), which OpenSSL takes by default: it costs us 100 ms and more, the peer nothing. */
static char groups[] = "X25519:P-256:P-384:P-521"; /* OpenSSL's macro drops a const */

struct syslog_tls {
	struct mutex loading; /* the watch and a reload take turns; taken before m */
	struct mutex m;
	SSL_CTX *now;          /* lock: m */
	bool wants_client;     /* lock: m */
	char fingerprint[96];  /* lock: m */
	int64_t not_after_ns;  /* lock: m */
	char *cert, *key, *ca; /* lock: loading */
	uint8_t digest[32];    /* of the files as they were read last; lock: loading */
};

struct syslog_tls_link {
	SSL *ssl;
	bool is_open;
	unsigned key_updates; /* that the peer has sent */
	unsigned reads;       /* from the socket, in this call */
	uint64_t bytes;       /* of lines, so far */
};

static int bad(struct err *e, const char *what)
{
	char words[200] = "unknown";
	unsigned long code = ERR_get_error();
	if (code)
		ERR_error_string_n(code, words, sizeof(words));
	ERR_clear_error();
	return err_set(e, ERR_INVALID, "%s: %s", what, words);
}

/* Of all files as they are now. */
static int files_digest(const struct syslog_tls *t, uint8_t digest[32], struct err *e)
	REQUIRES(&t->loading)
{
	const char *paths[] = { t->cert, t->key, t->ca };
	struct buf all;
	int rc = 0;
	buf_init(&all, 3 * PEM_MAX);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(paths); i++)
		if (paths[i])
			rc = file_read(paths[i], PEM_MAX, &all, e);
	if (rc == 0)
		hash_sha256(all.p, all.n, digest);
	if (all.p)
		explicit_bzero(all.p, all.n);
	buf_fini(&all);
	return rc;
}

static int verify_set(SSL_CTX *ctx, const char *ca, struct err *e)
{
	if (!ca)
		return 0;
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca);
	if (!names || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
		return bad(e, ca);
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static int context_fill(SSL_CTX *ctx, const struct syslog_tls *t, struct err *e)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, SUITES_12) != 1)
		return bad(e, "TLS 1.2");
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					       SSL_OP_NO_TICKET |
					       SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
	/* else one call reads on and on, as long as the peer sends new keys and no line */
	(void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_read_ahead(ctx, 1);
	if (SSL_CTX_use_certificate_chain_file(ctx, t->cert) != 1)
		return bad(e, t->cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, t->key, SSL_FILETYPE_PEM) != 1)
		return bad(e, t->key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return err_set(e, ERR_INVALID, "%s does not belong to %s", t->key, t->cert);
	return verify_set(ctx, t->ca, e);
}

static void facts_of(SSL_CTX *ctx, char print[96], int64_t *not_after_ns)
{
	unsigned char digest[32];
	unsigned n = 0;
	int days = 0, seconds = 0;
	X509 *x = SSL_CTX_get0_certificate(ctx);
	print[0] = '\0';
	*not_after_ns = 0;
	if (!x || X509_digest(x, EVP_sha256(), digest, &n) != 1)
		return;
	for (unsigned i = 0; i < n && i < sizeof(digest); i++)
		(void)snprintf(print + 3 * i, 96 - 3 * i, "%02X%s", digest[i],
			       i + 1 < n ? ":" : "");
	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) == 1)
		*not_after_ns = clock_now_ns() + (days * INT64_C(86400) + seconds) * NS_PER_S;
}

static int load(struct syslog_tls *t, struct err *e) REQUIRES(&t->loading)
{
	uint8_t digest[32];
	int rc = files_digest(t, digest, e);
	if (rc != 0 || (t->now && memcmp(digest, t->digest, sizeof(digest)) == 0))
		return rc;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	rc = ctx ? context_fill(ctx, t, e) : bad(e, "TLS");
	if (rc != 0) {
		SSL_CTX_free(ctx);
		return rc;
	}
	char print[96];
	int64_t not_after_ns;
	facts_of(ctx, print, &not_after_ns);
	memcpy(t->digest, digest, sizeof(digest));
	mutex_lock(&t->m);
	SSL_CTX *old = t->now;
	t->now = ctx;
	t->wants_client = t->ca != NULL;
	t->not_after_ns = not_after_ns;
	memcpy(t->fingerprint, print, sizeof(print));
	mutex_unlock(&t->m);
	SSL_CTX_free(old);
	log_notice("syslog", "certificate in use sha256=%s", print);
	return 0;
}

static char *copy(const char *c)
{
	return c ? str_dup(str_of(c)) : NULL;
}

int syslog_tls_new(struct syslog_tls **out, const struct syslog_tls_conf *conf, struct err *e)
{
	struct syslog_tls *t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, ERR_NOMEM, "no memory for TLS");
	mutex_init(&t->loading);
	mutex_init(&t->m);
	int rc = syslog_tls_refresh(t, conf, e);
	if (rc != 0) {
		syslog_tls_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

void syslog_tls_free(struct syslog_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->now);
	free(t->cert);
	free(t->key);
	free(t->ca);
	mutex_fini(&t->m);
	mutex_fini(&t->loading);
	free(t);
}

static int refresh(struct syslog_tls *t, const struct syslog_tls_conf *conf, struct err *e)
	REQUIRES(&t->loading)
{
	char *old[] = { t->cert, t->key, t->ca };
	if (!conf)
		return load(t, e);
	t->cert = copy(conf->cert);
	t->key = copy(conf->key);
	t->ca = copy(conf->client_ca);
	int rc = !t->cert || !t->key ? err_set(e, ERR_NOMEM, "no memory for TLS") : load(t, e);
	if (rc != 0 && t->now) { /* as before */
		char *tried[] = { t->cert, t->key, t->ca };
		t->cert = old[0];
		t->key = old[1];
		t->ca = old[2];
		memcpy(old, tried, sizeof(old));
	}
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		free(old[i]);
	return rc;
}

int syslog_tls_refresh(struct syslog_tls *t, const struct syslog_tls_conf *conf, struct err *e)
{
	mutex_lock(&t->loading);
	int rc = refresh(t, conf, e);
	mutex_unlock(&t->loading);
	return rc;
}

bool syslog_tls_wants_client(struct syslog_tls *t)
{
	mutex_lock(&t->m);
	bool wants = t->wants_client;
	mutex_unlock(&t->m);
	return wants;
}

void syslog_tls_facts(struct syslog_tls *t, char fingerprint[96], int64_t *not_after_ns)
{
	mutex_lock(&t->m);
	memcpy(fingerprint, t->fingerprint, sizeof(t->fingerprint));
	*not_after_ns = t->not_after_ns;
	mutex_unlock(&t->m);
}

/* Before a read of the socket: enough for this call, the rest another time. */
static long read_may(BIO *b, int what, const char *p, size_t n, int i, long l, int result,
		     size_t *done)
{
	struct syslog_tls_link *link =
		(struct syslog_tls_link *)(void *)BIO_get_callback_arg(b);
	(void)p;
	(void)n;
	(void)i;
	(void)l;
	(void)done;
	if (what != BIO_CB_READ || link->reads++ < READS_AT_ONCE)
		return result;
	BIO_clear_retry_flags(b);
	BIO_set_retry_read(b);
	return -1;
}

static void message_seen(int is_ours, int version, int type, const void *message, size_t n,
			 SSL *ssl, void *arg)
{
	struct syslog_tls_link *l = arg;
	(void)version;
	(void)ssl;
	if (!is_ours && type == SSL3_RT_HANDSHAKE && n > 0 &&
	    *(const uint8_t *)message == SSL3_MT_KEY_UPDATE)
		l->key_updates++;
}

struct syslog_tls_link *syslog_tls_link_new(struct syslog_tls *t, int fd)
{
	struct syslog_tls_link *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	mutex_lock(&t->m);
	l->ssl = SSL_new(t->now); /* holds the context from now on */
	mutex_unlock(&t->m);
	if (!l->ssl || SSL_set_fd(l->ssl, fd) != 1) {
		syslog_tls_link_free(l);
		return NULL;
	}
	BIO_set_callback_arg(SSL_get_rbio(l->ssl), (char *)l);
	BIO_set_callback_ex(SSL_get_rbio(l->ssl), read_may);
	SSL_set_msg_callback(l->ssl, message_seen);
	SSL_set_msg_callback_arg(l->ssl, l);
	SSL_set_accept_state(l->ssl);
	return l;
}

void syslog_tls_link_free(struct syslog_tls_link *l)
{
	if (!l)
		return;
	if (l->is_open)
		(void)SSL_shutdown(l->ssl); /* one try; nobody waits for the answer */
	ERR_clear_error();
	SSL_free(l->ssl);
	free(l);
}

/* Why hands could not be shaken, with what to do about it. */
static void failure(const struct syslog_tls_link *l, char *words, size_t cap)
{
	static const struct {
		int reason;
		const char *advice;
	} known[] = {
		{ SSL_R_HTTP_REQUEST, "it speaks HTTP; this port is for syslog" },
		{ SSL_R_WRONG_VERSION_NUMBER,
		  "it does not speak TLS; set enc-algorithm high on the device" },
		{ SSL_R_UNSUPPORTED_PROTOCOL,
		  "its TLS is older than 1.2; set ssl-min-proto-version TLSv1-2 on the device" },
		{ SSL_R_NO_SHARED_CIPHER,
		  "it offers no cipher suite of ours; set enc-algorithm high on the device" },
		{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
		  "it has no certificate of its own; set certificate on the device" },
		{ SSL_R_CERTIFICATE_VERIFY_FAILED,
		  "its certificate is not of an authority in client_ca" },
		{ SSL_R_TLSV1_ALERT_UNKNOWN_CA,
		  "it does not trust our certificate; install our authority on the device" },
	};
	unsigned long code = ERR_peek_error();
	const char *text = code ? ERR_reason_error_string(code) : "it went away";
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (code && ERR_GET_REASON(code) == known[i].reason)
			text = known[i].advice;
	(void)snprintf(words, cap, "%s: %s", l->is_open ? "TLS" : "TLS handshake",
		       text ? text : "unknown");
}

enum tls_read syslog_tls_read(struct syslog_tls_link *l, char *buf, size_t cap, size_t *n,
			      char *words, size_t words_cap)
{
	ERR_clear_error();
	l->reads = 0;
	int rc = SSL_read_ex(l->ssl, buf, cap, n);
	l->is_open |= SSL_is_init_finished(l->ssl) != 0;
	if (l->key_updates > KEY_UPDATES_FREE + l->bytes / KEY_UPDATE_BYTES) {
		(void)snprintf(words, words_cap, "TLS: it sends new keys and no lines");
		return TLS_READ_FAILED;
	}
	if (rc == 1) {
		l->bytes += *n;
		return TLS_READ_BYTES;
	}
	switch (SSL_get_error(l->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_READ_LATER;
	case SSL_ERROR_WANT_WRITE:
		return TLS_READ_LATER_OUT;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_READ_END;
	case SSL_ERROR_SYSCALL:
		if (l->is_open)
			return TLS_READ_END; /* a peer that hangs up without saying so */
		break;
	case SSL_ERROR_SSL:
		if (l->is_open &&
		    ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			return TLS_READ_END;
		break;
	default:
		break;
	}
	failure(l, words, words_cap);
	bool was_open = l->is_open;
	l->is_open = false; /* no farewell on what is broken */
	return was_open && ERR_peek_error() == 0 ? TLS_READ_END : TLS_READ_FAILED;
}

bool syslog_tls_is_open(const struct syslog_tls_link *l)
{
	return l->is_open;
}

bool syslog_tls_pending(const struct syslog_tls_link *l)
{
	return SSL_has_pending(l->ssl) != 0;
}

int syslog_tls_send(int fd, struct str bytes, struct err *e)
{
	size_t n = 0;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = ctx ? SSL_new(ctx) : NULL;
	int rc = ssl && SSL_set_fd(ssl, fd) == 1 ? 0 : bad(e, "TLS");
	if (rc == 0 && SSL_connect(ssl) != 1)
		rc = bad(e, "TLS handshake");
	if (rc == 0 && SSL_write_ex(ssl, bytes.p, bytes.n, &n) != 1)
		rc = bad(e, "sending over TLS");
	if (rc == 0)
		(void)SSL_shutdown(ssl); /* a farewell; the line is on its way */
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return rc;
}
