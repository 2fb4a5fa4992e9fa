/* The client of one place: what it was told, made ready for requests. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"

#define CONNECT_TIMEOUT_S 15
#define STALL_S 60

const char *const s3_lock_names[] = { "NONE", "GOVERNANCE", "COMPLIANCE" };

/* "https://host[:port]" into scheme and host, the bucket put in front where it is asked so by name. */
static int take_endpoint(struct s3_client *c, struct err *e)
{
	struct str rest = str_of(c->conf.endpoint);
	bool is_plain = str_starts(rest, STR("http://"));
	if (!is_plain && !str_starts(rest, STR("https://")))
		return err_set(e, ERR_INVALID,
			       "endpoint \"%s\": begins with neither https:// nor http://",
			       c->conf.endpoint);
	(void)snprintf(c->scheme, sizeof(c->scheme), "%s", is_plain ? "http://" : "https://");
	rest = str_sub(rest, strlen(c->scheme), rest.n);
	if (str_ends(rest, STR("/")))
		rest.n--;
	/* Host, as it is signed, goes without the port that its scheme means anyway. */
	struct str usual = is_plain ? STR(":80") : STR(":443");
	if (str_ends(rest, usual))
		rest.n -= usual.n;
	if (rest.n == 0 || str_chr(rest, '/') >= 0 || str_chr(rest, '@') >= 0 ||
	    str_chr(rest, '?') >= 0 || str_chr(rest, '#') >= 0 || str_chr(rest, ' ') >= 0)
		return err_set(e, ERR_INVALID,
			       "endpoint \"%s\": only a name and a port may follow the scheme",
			       c->conf.endpoint);
	(void)snprintf(c->host, sizeof(c->host), "%s%s%.*s",
		       c->conf.path_style ? "" : c->conf.bucket, c->conf.path_style ? "" : ".",
		       (int)rest.n, rest.p);
	return 0;
}

static int check_names(const struct s3_conf *conf, struct err *e)
{
	for (const char *p = conf->bucket; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || *p == '.' || *p == '-' || *p == '_'))
			return err_set(e, ERR_INVALID, "bucket \"%s\": not a name of a bucket",
				       conf->bucket);
	if (strlen(conf->bucket) < 3)
		return err_set(e, ERR_INVALID,
			       "bucket \"%s\": names have three letters and more",
			       conf->bucket);
	if (!conf->access_key[0] || !conf->secret_key[0])
		return err_set(e, ERR_INVALID, "access_key and secret_key are both needed");
	for (const char *p = conf->access_key; *p; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(e, ERR_INVALID,
				       "access_key: has characters that no key has");
	if (conf->lock != S3_LOCK_NONE && conf->keep_ns <= 0)
		return err_set(e, ERR_INVALID, "object_lock: no time to keep");
	return 0;
}

int s3_client_new(struct s3_client **out, const struct s3_conf *conf, const bool *stop,
		  struct err *e)
{
	struct s3_client *c = NULL;
	int rc = check_names(conf, e);
	if (rc)
		goto out;
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, ERR_NOMEM, "no memory for a client");
	c->conf = *conf;
	c->stop = stop;
	if (!c->conf.region[0])
		(void)snprintf(c->conf.region, sizeof(c->conf.region), "us-east-1");
	c->signer = (struct s3_signer){ .access_key = c->conf.access_key,
					.secret_key = c->conf.secret_key,
					.region = c->conf.region };
	buf_init(&c->path, 8192);
	buf_init(&c->query, 8192);
	buf_init(&c->url, 32768);
	buf_init(&c->canonical, 32768);
	buf_init(&c->authorization, 4096);
	rc = take_endpoint(c, e);
	if (rc)
		goto out;
	struct http_conf http = {
		.ca_file = c->conf.ca_file[0] ? c->conf.ca_file : NULL,
		.plain_allowed = str_eq(str_of(c->scheme), STR("http://")),
		.connect_timeout_s = CONNECT_TIMEOUT_S,
		.stall_s = STALL_S,
	};
	rc = http_new(&c->http, &http, e);
out:
	if (rc) {
		s3_client_free(c);
		return err_wrap(e, "place %s", conf->name);
	}
	*out = c;
	return 0;
}

void s3_client_free(struct s3_client *c)
{
	if (!c)
		return;
	http_free(c->http);
	buf_fini(&c->path);
	buf_fini(&c->query);
	buf_fini(&c->url);
	buf_fini(&c->canonical);
	buf_fini(&c->authorization);
	explicit_bzero(c, sizeof(*c)); /* the secret and the day's key */
	free(c);
}

int64_t s3_client_skew_ns(const struct s3_client *c)
{
	return c->skew_ns;
}

int64_t s3_server_now_ns(const struct s3_client *c)
{
	return clock_now_ns() + (c->knows_ahead ? c->ahead_ns : 0);
}
