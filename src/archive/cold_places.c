/* Clients of places for cold searches. A place that lacks something (its secret, its section) has none: objects that
 * are nowhere else are then told as not readable. One thread. */
#include <stdlib.h>

#include "search.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

enum { PLACES_MAX = 16 };
static const int64_t read_ns = 5 * NS_PER_S;

struct cold_place_client {
	struct s3_conf conf;
	struct s3_client *client;
	bool is_looked_at; /* in this query */
};
struct cold_places {
	const struct conf *(*conf)(void *arg);
	void *arg;
	struct store *st;
	const struct house_key *key;
	const bool *stop;
	struct cold_place_client of[PLACES_MAX];
	size_t n;
};

int cold_places_new(struct cold_places **out, const struct conf *(*conf)(void *arg), void *arg, struct store *st,
		    const struct house_key *key, const bool *stop, struct err *e)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return err_set(e, ERR_NOMEM, "no memory for places");
	**out = (struct cold_places){ .conf = conf, .arg = arg, .st = st, .key = key, .stop = stop };
	return 0;
}

static void forget(struct cold_place_client *c)
{
	s3_client_free(c->client);
	explicit_bzero(&c->conf, sizeof(c->conf));
	*c = (struct cold_place_client){ .client = NULL };
}

void cold_places_free(struct cold_places *p)
{
	for (size_t i = 0; p && i < p->n; i++)
		forget(&p->of[i]);
	free(p);
}

void cold_places_begin(struct cold_places *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->of[i].is_looked_at = false;
}

static int read_conf(struct cold_places *p, const char *name, struct s3_conf *out, struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(p->st, clock_mono_ns() + read_ns, &db, e);
	if (rc)
		return rc;
	rc = s3_place_conf(p->conf(p->arg), db, p->key, name, out, e);
	store_read_end(p->st, db);
	return rc;
}

static bool same_conf(const struct s3_conf *a, const struct s3_conf *b)
{
	return !strcmp(a->endpoint, b->endpoint) && !strcmp(a->region, b->region) && !strcmp(a->bucket, b->bucket) &&
	       !strcmp(a->prefix, b->prefix) && !strcmp(a->access_key, b->access_key) &&
	       !strcmp(a->secret_key, b->secret_key) && !strcmp(a->ca_file, b->ca_file) &&
	       a->path_style == b->path_style && a->bytes_per_s == b->bytes_per_s;
}

static struct cold_place_client *slot_of(struct cold_places *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->of[i].conf.name, name))
			return &p->of[i];
	if (p->n == PLACES_MAX)
		return NULL;
	struct cold_place_client *c = &p->of[p->n++];
	(void)str_copy(c->conf.name, sizeof(c->conf.name), str_of(name)); /* names of places are shorter */
	return c;
}

/* The client for a place's settings of now; NULL and why. */
static struct s3_client *renew(struct cold_places *p, struct cold_place_client *c, const char *name, struct err *e)
{
	struct s3_conf *now = calloc(1, sizeof(*now));
	if (!now)
		return NULL;
	int rc = read_conf(p, name, now, e);
	if (!rc && (!c->client || !same_conf(&c->conf, now))) {
		s3_client_free(c->client);
		c->client = NULL;
		c->conf = *now;
		(void)str_copy(c->conf.name, sizeof(c->conf.name), str_of(name)); /* as slot_of finds it */
		rc = s3_client_new(&c->client, &c->conf, p->stop, e);
	}
	if (rc) {
		s3_client_free(c->client);
		c->client = NULL;
	}
	explicit_bzero(now, sizeof(*now));
	free(now);
	return c->client;
}

struct s3_client *cold_places_get(void *places, const char *name)
{
	struct cold_places *p = places;
	struct err e = ERR_INIT;
	struct cold_place_client *c = slot_of(p, name);
	if (!c || c->is_looked_at)
		return c ? c->client : NULL;
	c->is_looked_at = true;
	struct s3_client *client = renew(p, c, name, &e);
	if (!client)
		log_warning("archive", "a place cannot be searched place=%s error=%s", LOGQ(name), LOGQ(e.text));
	return client;
}
