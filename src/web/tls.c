/* Certificates by GnuTLS. Without configuration the appliance is its own authority: a P-256 root of
 * ten years that only signs this appliance's certificate (path length 0), which people may hand out to
 * their browsers once, and a certificate of 397 days (what browsers take at most) that is made anew a
 * month before its end or when the names change. RFC 5280; CA/Browser Forum Baseline Requirements 6.3.2.
 *
 * Certificates once given to a handshake stay in memory until the end: there is one a year. */
#include "tls.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/log.h"
#include "tomsd/base/thread.h"

#define PEM_MAX (256u << 10)
#define CHAIN_MAX 8
#define DAY_S 86400
#define ROOT_DAYS 3650
#define LEAF_DAYS 397
#define RENEW_DAYS 30
#define PATH_MAX_BYTES 1100

struct generation { /* one certificate that was served */
	struct generation *before;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned n;
	gnutls_privkey_t key;
	int64_t not_after_ns;
	char fingerprint[TLS_FINGERPRINT_MAX];
	uint8_t digest[32]; /* of the PEM texts: has anything changed? */
};

struct tls {
	struct mutex m;
	struct generation *now;  /* lock: m */
	struct mutex refreshing; /* taken before m; one thread at a time looks at the files */
	char *cert, *key;        /* lock: refreshing */
	char *folder, *appliance;
	char **names;
	size_t n_names;
};

static int bad(struct err *e, int rc, const char *what)
{
	return err_set(e, ERR_INVALID, "%s: %s", what, gnutls_strerror(rc));
}

static gnutls_datum_t datum(const struct buf *b)
{
	union {
		char *c;
		unsigned char *u;
	} p = { .c = b->p };
	return (gnutls_datum_t){ p.u, (unsigned)b->n };
}

static void generation_free(struct generation *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < g->n; i++)
		gnutls_pcert_deinit(&g->chain[i]);
	if (g->key)
		gnutls_privkey_deinit(g->key);
	free(g);
}

/* Facts of the first certificate, and that the key is its own. */
static int check_pair(struct generation *g, const struct buf *cert_pem, struct err *e)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_datum_t pem = datum(cert_pem);
	unsigned char print[32], id_cert[64], id_key[64];
	size_t n = sizeof(print), n_cert = sizeof(id_cert), n_key = sizeof(id_key);
	gnutls_pubkey_t public_key = NULL;
	int rc = gnutls_x509_crt_init(&crt);
	if (rc == 0)
		rc = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM);
	if (rc == 0)
		rc = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, print, &n);
	if (rc == 0)
		rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id_cert, &n_cert);
	if (rc == 0)
		rc = gnutls_pubkey_init(&public_key);
	if (rc == 0)
		rc = gnutls_pubkey_import_privkey(public_key, g->key, 0, 0);
	if (rc == 0)
		rc = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, id_key,
					      &n_key);
	int result = rc != 0 ? bad(e, rc, "certificate") : 0;
	if (result == 0 && (n_cert != n_key || memcmp(id_cert, id_key, n_cert) != 0))
		result = err_set(e, ERR_INVALID,
				 "the private key does not belong to the certificate");
	for (size_t i = 0; result == 0 && i < n; i++)
		(void)snprintf(g->fingerprint + 3 * i, sizeof(g->fingerprint) - 3 * i, "%02X%s",
			       print[i], i + 1 < n ? ":" : "");
	if (result == 0)
		g->not_after_ns = (int64_t)gnutls_x509_crt_get_expiration_time(crt) * NS_PER_S;
	if (public_key)
		gnutls_pubkey_deinit(public_key);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	return result;
}

static int generation_new(struct generation **out, const struct buf *cert_pem,
			  const struct buf *key_pem, struct err *e)
{
	gnutls_datum_t cert = datum(cert_pem), key = datum(key_pem);
	struct generation *g = calloc(1, sizeof(*g));
	if (!g)
		return err_set(e, ERR_NOMEM, "no memory for a certificate");
	unsigned n = CHAIN_MAX;
	int rc = gnutls_pcert_list_import_x509_raw(g->chain, &n, &cert, GNUTLS_X509_FMT_PEM,
						   GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
	if (rc < 0) {
		free(g);
		return bad(e, rc, "certificate");
	}
	g->n = n;
	rc = gnutls_privkey_init(&g->key);
	if (rc == 0)
		rc = gnutls_privkey_import_x509_raw(g->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	int result = rc != 0 ? bad(e, rc, "private key") : check_pair(g, cert_pem, e);
	if (result != 0) {
		generation_free(g);
		return result;
	}
	*out = g;
	return 0;
}

static int serial_put(gnutls_x509_crt_t crt)
{
	unsigned char serial[16];
	file_random(serial, sizeof(serial));
	serial[0] &= 0x7f; /* positive */
	serial[0] |= 0x40; /* and of full length */
	return gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
}

static int name_put(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char address[16];
	if (inet_pton(AF_INET, name, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address,
							    4, GNUTLS_FSAN_APPEND);
	if (inet_pton(AF_INET6, name, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address,
							    16, GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
						    (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

/* What root and leaf have in common. */
static int common_put(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *common_name,
		      int days)
{
	unsigned char id[64];
	size_t n = sizeof(id);
	time_t now = (time_t)(clock_now_ns() / NS_PER_S);
	int rc = gnutls_x509_crt_set_version(crt, 3);
	if (rc == 0)
		rc = serial_put(crt);
	if (rc == 0)
		rc = gnutls_x509_crt_set_activation_time(
			crt, now - DAY_S); /* clocks of PCs differ */
	if (rc == 0)
		rc = gnutls_x509_crt_set_expiration_time(crt, now + (time_t)days * DAY_S);
	if (rc == 0)
		rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
						   common_name, (unsigned)strlen(common_name));
	if (rc == 0)
		rc = gnutls_x509_crt_set_key(crt, key);
	if (rc == 0)
		rc = gnutls_x509_crt_get_key_id(crt, 0, id, &n);
	if (rc == 0)
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, n < 20 ? n : 20);
	return rc;
}

static int key_make(gnutls_x509_privkey_t *key)
{
	int rc = gnutls_x509_privkey_init(key);
	if (rc == 0)
		rc = gnutls_x509_privkey_generate(
			*key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
			0);
	return rc;
}

static int write_pem(const char *folder, const char *file, unsigned mode, gnutls_datum_t pem,
		     struct err *e)
{
	char path[PATH_MAX_BYTES];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	return file_write_durable(path, mode, pem.data, pem.size, e);
}

/* A key and its certificate as PEM files; the key first, so that a certificate never lacks it. */
static int write_pair(const char *folder, const char *what, gnutls_x509_crt_t crt,
		      gnutls_x509_privkey_t key, struct err *e)
{
	char file[32];
	gnutls_datum_t cert_pem = { NULL, 0 }, key_pem = { NULL, 0 };
	int rc = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_pem);
	if (rc == 0)
		rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &cert_pem);
	int result = rc != 0 ? bad(e, rc, "writing a certificate") : 0;
	(void)snprintf(file, sizeof(file), "%s.key", what);
	if (result == 0)
		result = write_pem(folder, file, 0600, key_pem, e);
	(void)snprintf(file, sizeof(file), "%s.pem", what);
	if (result == 0)
		result = write_pem(folder, file, 0644, cert_pem, e);
	if (key_pem.data)
		explicit_bzero(key_pem.data, key_pem.size);
	gnutls_free(key_pem.data);
	gnutls_free(cert_pem.data);
	return result;
}

static int read_file(const char *folder, const char *file, struct buf *out, struct err *e)
{
	char path[PATH_MAX_BYTES];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	buf_init(out, PEM_MAX);
	return file_read(path, PEM_MAX, out, e);
}

struct pair {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
};

static void pair_fini(struct pair *p)
{
	if (p->crt)
		gnutls_x509_crt_deinit(p->crt);
	if (p->key)
		gnutls_x509_privkey_deinit(p->key);
	*p = (struct pair){ NULL, NULL };
}

static int pair_read(struct pair *p, const char *folder, const char *what, struct err *e)
{
	char file[32];
	struct buf cert, key;
	(void)snprintf(file, sizeof(file), "%s.pem", what);
	int result = read_file(folder, file, &cert, e);
	(void)snprintf(file, sizeof(file), "%s.key", what);
	buf_init(&key, PEM_MAX);
	if (result == 0)
		result = read_file(folder, file, &key, e);
	gnutls_datum_t cert_pem = datum(&cert), key_pem = datum(&key);
	int rc = result;
	if (rc == 0)
		rc = gnutls_x509_crt_init(&p->crt);
	if (rc == 0)
		rc = gnutls_x509_privkey_init(&p->key);
	if (rc == 0)
		rc = gnutls_x509_crt_import(p->crt, &cert_pem, GNUTLS_X509_FMT_PEM);
	if (rc == 0)
		rc = gnutls_x509_privkey_import(p->key, &key_pem, GNUTLS_X509_FMT_PEM);
	if (result == 0 && rc != 0)
		result = bad(e, rc, what);
	if (key.n > 0)
		explicit_bzero(key.p, key.n);
	buf_fini(&cert);
	buf_fini(&key);
	if (result != 0)
		pair_fini(p);
	return result;
}

static int root_make(struct tls *t, struct pair *root, struct err *e)
{
	char name[128];
	(void)snprintf(name, sizeof(name), "TOMS %.60s authority", t->appliance);
	int rc = gnutls_x509_crt_init(&root->crt);
	if (rc == 0)
		rc = key_make(&root->key);
	if (rc == 0)
		rc = common_put(root->crt, root->key, name, ROOT_DAYS);
	if (rc == 0)
		rc = gnutls_x509_crt_set_basic_constraints(root->crt, 1, 0);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_usage(root->crt, GNUTLS_KEY_KEY_CERT_SIGN |
								      GNUTLS_KEY_CRL_SIGN);
	if (rc == 0)
		rc = gnutls_x509_crt_sign2(root->crt, root->crt, root->key, GNUTLS_DIG_SHA256,
					   0);
	if (rc != 0)
		return bad(e, rc, "making the appliance's authority");
	return write_pair(t->folder, "authority", root->crt, root->key, e);
}

static int leaf_make(struct tls *t, struct pair *leaf, const struct pair *root, struct err *e)
{
	char name[128];
	unsigned char id[64];
	size_t n = sizeof(id);
	(void)snprintf(name, sizeof(name), "TOMS %.60s", t->appliance);
	int rc = gnutls_x509_crt_init(&leaf->crt);
	if (rc == 0)
		rc = key_make(&leaf->key);
	if (rc == 0)
		rc = common_put(leaf->crt, leaf->key, name, LEAF_DAYS);
	for (size_t i = 0; rc == 0 && i < t->n_names; i++)
		rc = name_put(leaf->crt, t->names[i]);
	if (rc == 0)
		rc = gnutls_x509_crt_set_basic_constraints(leaf->crt, 0, -1);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_usage(leaf->crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_purpose_oid(leaf->crt, GNUTLS_KP_TLS_WWW_SERVER,
							 0);
	if (rc == 0)
		rc = gnutls_x509_crt_get_subject_key_id(root->crt, id, &n, NULL);
	if (rc == 0)
		rc = gnutls_x509_crt_set_authority_key_id(leaf->crt, id, n);
	if (rc == 0)
		rc = gnutls_x509_crt_sign2(leaf->crt, root->crt, root->key, GNUTLS_DIG_SHA256,
					   0);
	if (rc != 0)
		return bad(e, rc, "making the appliance's certificate");
	return write_pair(t->folder, "panel", leaf->crt, leaf->key, e);
}

/* Does the certificate still serve: time left, and every name in it? */
static bool leaf_serves(const struct tls *t, gnutls_x509_crt_t crt)
{
	time_t now = (time_t)(clock_now_ns() / NS_PER_S),
	       end = gnutls_x509_crt_get_expiration_time(crt);
	if (end < now + RENEW_DAYS * DAY_S || gnutls_x509_crt_get_activation_time(crt) > now)
		return false;
	for (size_t i = 0; i < t->n_names; i++)
		if (!gnutls_x509_crt_check_hostname(crt, t->names[i]))
			return false;
	return true;
}

/* The own certificate is there and serves, or is made; the authority is made only once. */
static int own_make(struct tls *t, struct err *e)
{
	struct pair root = { NULL, NULL }, leaf = { NULL, NULL };
	struct err ignored = ERR_INIT;
	int rc = file_mkdirs(t->folder, 0700, e);
	bool has_leaf = rc == 0 && pair_read(&leaf, t->folder, "panel", &ignored) == 0;
	if (rc == 0 && (!has_leaf || !leaf_serves(t, leaf.crt))) {
		pair_fini(&leaf);
		rc = pair_read(&root, t->folder, "authority", &ignored);
		if (rc == -ERR_NOTFOUND ||
		    (rc == 0 &&
		     gnutls_x509_crt_get_expiration_time(root.crt) <
			     (time_t)(clock_now_ns() / NS_PER_S) + LEAF_DAYS * DAY_S)) {
			pair_fini(&root);
			rc = root_make(t, &root, e);
		} else if (rc !=
			   0) { /* there, but broken: a person has to look, it may have been handed out */
			rc = err_set(e, ERR_CORRUPT, "%s", ignored.text);
		}
		if (rc == 0)
			rc = leaf_make(t, &leaf, &root, e);
	}
	pair_fini(&root);
	pair_fini(&leaf);
	return rc;
}

/* Files as they are now, and whether they differ from what is served. */
static int load(struct tls *t, struct err *e)
{
	struct buf cert, key, both;
	struct generation *g = NULL;
	uint8_t digest[32] = { 0 };
	buf_init(&cert, PEM_MAX);
	buf_init(&key, PEM_MAX);
	buf_init(&both, 2 * PEM_MAX);
	int rc = 0;
	if (t->cert) {
		rc = file_read(t->cert, PEM_MAX, &cert, e);
		if (rc == 0)
			rc = file_read(t->key, PEM_MAX, &key, e);
	} else {
		buf_fini(&cert);
		rc = read_file(t->folder, "panel.pem", &cert, e);
		buf_fini(&key);
		if (rc == 0)
			rc = read_file(t->folder, "panel.key", &key, e);
	}
	buf_str(&both, buf_view(&cert));
	buf_str(&both, buf_view(&key));
	if (rc == 0 && both.p)
		hash_sha256(both.p, both.n, digest);
	if (rc == 0 && (!t->now || memcmp(t->now->digest, digest, sizeof(digest)) != 0)) {
		rc = generation_new(&g, &cert, &key, e);
		if (g) {
			memcpy(g->digest, digest, sizeof(digest));
			mutex_lock(&t->m);
			g->before = t->now;
			t->now = g;
			mutex_unlock(&t->m);
			log_notice("panel", "certificate in use sha256=%s", g->fingerprint);
		}
	}
	if (key.p)
		explicit_bzero(key.p, key.n);
	if (both.p)
		explicit_bzero(both.p, both.n);
	buf_fini(&cert);
	buf_fini(&key);
	buf_fini(&both);
	return rc;
}

static int refresh(struct tls *t, struct err *e) REQUIRES(&t->refreshing);
static int refresh(struct tls *t, struct err *e)
{
	int rc = t->cert ? 0 : own_make(t, e);
	return rc != 0 ? rc : load(t, e);
}

int tls_refresh(struct tls *t, struct err *e)
{
	mutex_lock(&t->refreshing);
	int rc = refresh(t, e);
	mutex_unlock(&t->refreshing);
	return rc;
}

static int check_both(const char *cert, const char *key, struct err *e)
{
	return !cert == !key ?
		       0 :
		       err_set(e, ERR_INVALID,
			       "[panel] cert and key belong together: give both or neither");
}

int tls_use(struct tls *t, const char *cert, const char *key, struct err *e)
{
	int rc = check_both(cert, key, e);
	if (rc != 0)
		return rc;
	mutex_lock(&t->refreshing);
	char *old_cert = t->cert, *old_key = t->key;
	t->cert = cert ? str_dup(str_of(cert)) : NULL;
	t->key = key ? str_dup(str_of(key)) : NULL;
	rc = cert && (!t->cert || !t->key) ? err_set(e, ERR_NOMEM, "no memory for TLS") :
					     refresh(t, e);
	free(rc != 0 ? t->cert : old_cert);
	free(rc != 0 ? t->key : old_key);
	if (rc != 0) {
		t->cert = old_cert;
		t->key = old_key;
	}
	mutex_unlock(&t->refreshing);
	return rc;
}

int tls_new(struct tls **out, const struct tls_conf *conf, struct err *e)
{
	struct tls *t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, ERR_NOMEM, "no memory for TLS");
	mutex_init(&t->m);
	mutex_init(&t->refreshing);
	t->cert = conf->cert ? str_dup(str_of(conf->cert)) : NULL;
	t->key = conf->key ? str_dup(str_of(conf->key)) : NULL;
	t->folder = str_dup(str_of(conf->folder));
	t->appliance = str_dup(str_of(conf->appliance));
	t->names = calloc(conf->n_names + 1, sizeof(*t->names));
	for (size_t i = 0; t->names && i < conf->n_names; i++, t->n_names++)
		t->names[i] = str_dup(str_of(conf->names[i]));
	int rc = !t->folder || !t->appliance || !t->names ?
			 err_set(e, ERR_NOMEM, "no memory for TLS") :
			 0;
	if (rc == 0)
		rc = check_both(conf->cert, conf->key, e);
	if (rc == 0)
		rc = tls_refresh(t, e);
	if (rc != 0) {
		tls_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	for (struct generation *g = t->now, *before; g; g = before) {
		before = g->before;
		generation_free(g);
	}
	for (size_t i = 0; i < t->n_names; i++)
		free(t->names[i]);
	free(t->names);
	free(t->cert);
	free(t->key);
	free(t->folder);
	free(t->appliance);
	mutex_fini(&t->refreshing);
	mutex_fini(&t->m);
	free(t);
}

void tls_current(struct tls *t, gnutls_pcert_st **chain, unsigned *n, gnutls_privkey_t *key)
{
	mutex_lock(&t->m);
	*chain = t->now->chain;
	*n = t->now->n;
	*key = t->now->key;
	mutex_unlock(&t->m);
}

void tls_facts(struct tls *t, char fingerprint[TLS_FINGERPRINT_MAX], int64_t *not_after_ns)
{
	mutex_lock(&t->m);
	(void)str_copy(fingerprint, TLS_FINGERPRINT_MAX, str_of(t->now->fingerprint));
	*not_after_ns = t->now->not_after_ns;
	mutex_unlock(&t->m);
}
