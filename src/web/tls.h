/* The certificate: given by [panel] cert/key, or made by the appliance itself. Renewed without restart. */
#ifndef WEB_TLS_H
#define WEB_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "tomsd/base/err.h"

struct tls;
struct tls_conf {
	const char *cert, *key;   /* PEM files; both NULL: own certificate */
	const char *folder;       /* of the own certificate and its authority */
	const char *appliance;    /* goes into the subject */
	const char *const *names; /* host names and addresses for the own certificate */
	size_t n_names;
};
/* Main thread. Loads or makes the certificate. */
int tls_new(struct tls **out, const struct tls_conf *conf, struct err *e) MUST_CHECK;
void tls_free(struct tls *t);
/* Loads the files again, or renews the own certificate when its end is near; keeps the old one on
 * failure. Any thread. */
int tls_refresh(struct tls *t, struct err *e) MUST_CHECK;
/* From now on these files, both NULL: the own certificate. Keeps the old ones on failure. Any thread. */
int tls_use(struct tls *t, const char *cert, const char *key, struct err *e) MUST_CHECK;
/* What clients are given now. Any thread; good for as long as t is. */
void tls_current(struct tls *t, gnutls_pcert_st **chain, unsigned *n, gnutls_privkey_t *key);
/* SHA-256 of the certificate as "AB:CD:...", and the end of its time. */
#define TLS_FINGERPRINT_MAX 96
void tls_facts(struct tls *t, char fingerprint[TLS_FINGERPRINT_MAX], int64_t *not_after_ns);

#endif
