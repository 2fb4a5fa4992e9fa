/* The client of one place: what it was told, and what it learned of the place's clock. */
#include <stdlib.h>
#include <string.h>

#include "tomsd/s3.h"

const char *const s3_lock_names[] = { "NONE", "GOVERNANCE", "COMPLIANCE" };

struct s3_client {
	struct s3_conf conf;
	const bool *stop;
};

int s3_client_new(struct s3_client **out, const struct s3_conf *conf, const bool *stop, struct err *e)
{
	struct s3_client *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, ERR_NOMEM, "no memory for a client");
	c->conf = *conf;
	c->stop = stop;
	*out = c;
	return 0;
}

void s3_client_free(struct s3_client *c)
{
	if (!c)
		return;
	explicit_bzero(c, sizeof(*c));
	free(c);
}

int64_t s3_client_skew_ns(const struct s3_client *c)
{
	(void)c;
	return 0;
}

static int not_yet(struct s3_fault *f, struct err *e)
{
	*f = (struct s3_fault){ .retry = true };
	return err_set(e, ERR_UNSUPPORTED, "the client of S3 is being built");
}

int s3_put(struct s3_client *c, const struct s3_put *put, struct s3_version *out, struct s3_fault *f, struct err *e)
{
	(void)c, (void)put, (void)out;
	return not_yet(f, e);
}

int s3_head(struct s3_client *c, const char *key, const char *version_id, struct s3_version *out, struct s3_fault *f,
	    struct err *e)
{
	(void)c, (void)key, (void)version_id, (void)out;
	return not_yet(f, e);
}

int s3_read(struct s3_client *c, const char *key, const char *version_id, uint64_t off, void *p, size_t n,
	    struct s3_fault *f, struct err *e)
{
	(void)c, (void)key, (void)version_id, (void)off, (void)p, (void)n;
	return not_yet(f, e);
}

int s3_get_file(struct s3_client *c, const char *key, const char *version_id, const char *path, const uint8_t *sha256,
		struct s3_fault *f, struct err *e)
{
	(void)c, (void)key, (void)version_id, (void)path, (void)sha256;
	return not_yet(f, e);
}

int s3_retain(struct s3_client *c, const char *key, const char *version_id, enum s3_lock lock, int64_t until_ns,
	      struct s3_fault *f, struct err *e)
{
	(void)c, (void)key, (void)version_id, (void)lock, (void)until_ns;
	return not_yet(f, e);
}

int s3_list(struct s3_client *c, const char *below, const char *start_after_key,
	    int (*one)(void *arg, const struct s3_listed *l), void *arg, struct s3_fault *f, struct err *e)
{
	(void)c, (void)below, (void)start_after_key, (void)one, (void)arg;
	return not_yet(f, e);
}

int s3_self_test(struct s3_client *c, void (*step)(void *arg, const struct s3_step *s), void *arg, struct err *e)
{
	struct s3_fault f;
	(void)c, (void)step, (void)arg;
	return not_yet(&f, e);
}
