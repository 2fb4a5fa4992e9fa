/* TLS of the room: OpenSSL and nothing else of it leaves this file. */
#ifndef SYSLOG_TLS_H
#define SYSLOG_TLS_H

#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

struct syslog_tls;
struct syslog_tls_link;
struct syslog_tls_conf {
	const char *cert, *key; /* PEM */
	const char *client_ca;  /* NULL: clients need no certificate */
};
int syslog_tls_new(struct syslog_tls **out, const struct syslog_tls_conf *conf,
		   struct err *e) MUST_CHECK;
void syslog_tls_free(struct syslog_tls *t);
/* Reads the files again where they have changed (conf NULL: those named before); connections that live keep
 * what they have. Keeps the old ones on failure. Threads that may open files; they take turns. */
int syslog_tls_refresh(struct syslog_tls *t, const struct syslog_tls_conf *conf,
		       struct err *e) MUST_CHECK;
bool syslog_tls_wants_client(struct syslog_tls *t);
/* SHA-256 of the certificate in use as "AB:CD:..." and the end of its time. */
void syslog_tls_facts(struct syslog_tls *t, char fingerprint[96], int64_t *not_after_ns);

/* The server's side of a connection; NULL: no memory. The thread that reads it. */
struct syslog_tls_link *syslog_tls_link_new(struct syslog_tls *t, int fd);
void syslog_tls_link_free(struct syslog_tls_link *l);
enum tls_read {
	TLS_READ_BYTES,
	TLS_READ_LATER,
	TLS_READ_LATER_OUT /* when it can be written to */,
	TLS_READ_END,
	TLS_READ_FAILED
};
/* Shakes hands as needed, then reads. Words of a failure in words. */
enum tls_read syslog_tls_read(struct syslog_tls_link *l, char *buf, size_t cap, size_t *n,
			      char *words, size_t words_cap);
bool syslog_tls_is_open(const struct syslog_tls_link *l); /* hands have been shaken */
bool syslog_tls_pending(
	const struct syslog_tls_link *l); /* bytes that the socket does not show any more */

/* The client's side, for the test sender: blocking with the socket's own time limits; any certificate of the
 * server will do, for it is our own. */
int syslog_tls_send(int fd, struct str bytes, struct err *e) MUST_CHECK;

#endif
