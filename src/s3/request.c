/* One request to S3: built, signed, sent, its answer judged. The escaped path and query are made once and stand both
 * in the URL and under the signature. A clock that the server does not believe is corrected by the server's own
 * Date, once a request; every answer's Date is looked at, so that the correction goes when our clock is right again. */
#include <stdio.h>

#include "answers.h"
#include "client.h"
#include "tomsd/base/clock.h"

/* Servers refuse from 15 minutes on; a HEAD without a body does not say why it was refused. */
#define SKEW_REFUSED_NS (10 * 60 * NS_PER_S)
#define SKEW_NONE_NS (60 * NS_PER_S)
#define ERROR_BODY_MAX (64u << 10)

void s3_ask_header(struct s3_ask *ask, const char *name, const char *value)
{
	assert(ask->n_headers < ARRAY_LEN(ask->headers));
	ask->headers[ask->n_headers++] = (struct http_header){ name, value };
}

void s3_ask_param(struct s3_ask *ask, const char *name, const char *value)
{
	assert(ask->n_query < ARRAY_LEN(ask->query));
	ask->query[ask->n_query++] = (struct s3_param){ name, value };
}

static int put_url(struct s3_client *c, const struct s3_ask *ask, struct err *e)
{
	buf_reset(&c->path);
	buf_reset(&c->query);
	buf_reset(&c->url);
	buf_char(&c->path, '/');
	if (c->conf.path_style)
		s3_escape(str_of(c->conf.bucket), false, &c->path);
	if (ask->key) {
		if (c->conf.path_style)
			buf_char(&c->path, '/');
		if (strlen(c->conf.prefix) + 1 + strlen(ask->key) > S3_KEY_MAX)
			return err_set(e, ERR_RANGE, "longer than %u bytes with its prefix",
				       S3_KEY_MAX);
		s3_escape(str_of(c->conf.prefix), true, &c->path);
		if (c->conf.prefix[0])
			buf_char(&c->path, '/');
		s3_escape(str_of(ask->key), true, &c->path);
	}
	s3_query_put(ask->query, ask->n_query, &c->query);
	buf_cstr(&c->url, c->scheme);
	buf_cstr(&c->url, c->host);
	buf_str(&c->url, buf_view(&c->path));
	if (c->query.n > 0)
		buf_char(&c->url, '?');
	buf_str(&c->url, buf_view(&c->query));
	if (buf_failed(&c->path) || buf_failed(&c->query) || buf_failed(&c->url))
		return err_set(e, ERR_NOMEM, "no memory for a URL");
	return 0;
}

/* Headers that every request has, in their texts. */
struct dressed {
	char sha256[2 * CRYPT_SHA256_BYTES + 1];
	char date[S3_AMZ_DATE_MAX];
	char md5[4 * ((CRYPT_MD5_BYTES + 2) / 3) + 1];
	struct http_header headers[S3_HEADERS_MAX +
				   1]; /* host first, which is signed and not sent by us */
	size_t n;
};

static void add(struct dressed *d, const char *name, const char *value)
{
	d->headers[d->n++] = (struct http_header){ name, value };
}

static void dress(const struct s3_ask *ask, const char *host, struct dressed *d)
{
	uint8_t sum[CRYPT_SHA256_BYTES], md5[CRYPT_MD5_BYTES];
	const uint8_t *p_sum = ask->sha256, *p_md5 = ask->md5;
	if (ask->file_bytes == 0 && !p_sum) {
		crypt_sha256(ask->body.p, ask->body.n, sum);
		p_sum = sum;
	}
	/* S3 wants Content-MD5 with every body that has to do with locks; sent with each, it does no harm. */
	struct crypt_sum *s = NULL;
	if (ask->body.n > 0 && !p_md5 && crypt_sum_new(&s, CRYPT_MD5, NULL) == 0) {
		crypt_sum_put(s, ask->body.p, ask->body.n);
		crypt_sum_end(s, NULL, md5);
		crypt_sum_free(s);
		p_md5 = md5;
	}
	assert(p_sum);
	hash_hex(p_sum, CRYPT_SHA256_BYTES, d->sha256);
	add(d, "host", host);
	add(d, "x-amz-content-sha256", d->sha256);
	add(d, "x-amz-date", d->date);
	if (p_md5) {
		hash_base64(p_md5, CRYPT_MD5_BYTES, d->md5);
		add(d, "content-md5", d->md5);
	}
	for (size_t i = 0; i < ask->n_headers; i++)
		add(d, ask->headers[i].name, ask->headers[i].value);
}

static int send_once(struct s3_client *c, const struct s3_ask *ask, struct dressed *d,
		     struct http_answer *a, struct err *e)
{
	s3_amz_date(clock_now_ns() + c->skew_ns, d->date);
	const struct s3_signed rq = {
		.method = ask->method,
		.path = buf_view(&c->path),
		.query = buf_view(&c->query),
		.headers = d->headers,
		.n_headers = d->n,
		.payload_hex = d->sha256,
		.amz_date = d->date,
	};
	buf_reset(&c->authorization);
	s3_sign(&c->signer, &rq, &c->canonical, &c->authorization);
	if (buf_failed(&c->authorization))
		return err_set(e, ERR_NOMEM, "no memory for a signature");
	struct http_header sent[S3_HEADERS_MAX + 1];
	for (size_t i = 1; i < d->n; i++)
		sent[i - 1] = d->headers[i];
	sent[d->n - 1] = (struct http_header){ "authorization", c->authorization.p };
	const struct http_request hr = {
		.method = ask->method,
		.url = c->url.p,
		.headers = sent,
		.n_headers = d->n,
		.body = ask->body,
		.fd = ask->fd,
		.file_off = ask->file_off,
		.file_bytes = ask->file_bytes,
		.once = ask->once,
		.bytes_per_s = c->conf.bytes_per_s,
		.timeout_s = ask->timeout_s,
		.answer_max = ask->answer_max ? ask->answer_max : ERROR_BODY_MAX,
		.sink = ask->sink,
		.sink_arg = ask->sink_arg,
		.stop = c->stop,
	};
	return http_ask(c->http, &hr, a, e);
}

/* What an answer tells of the server's clock. */
static void learn_clock(struct s3_client *c, const struct http_answer *a)
{
	int64_t server_ns;
	if (s3_http_date(http_answer_header(a, "date"), &server_ns))
		return;
	c->ahead_ns = server_ns - clock_now_ns();
	c->knows_ahead = true;
	if (a->status < 300 && c->ahead_ns < SKEW_NONE_NS && c->ahead_ns > -SKEW_NONE_NS)
		c->skew_ns = 0;
}

static bool is_skewed(const struct s3_client *c, const struct http_answer *a)
{
	struct s3_error said;
	if (a->status != 403 || !c->knows_ahead)
		return false;
	if (s3_read_error(buf_view(&a->body), &said) == 0 && said.code[0])
		return strcmp(said.code, "RequestTimeTooSkewed") == 0;
	int64_t off = c->ahead_ns - c->skew_ns;
	return off > SKEW_REFUSED_NS || off < -SKEW_REFUSED_NS;
}

int s3_ask(struct s3_client *c, const struct s3_ask *ask, struct http_answer *a,
	   struct s3_fault *f, struct err *e)
{
	struct dressed d = { .n = 0 };
	struct s3_error said;
	*f = (struct s3_fault){ .status = 0 };
	int rc = put_url(c, ask, e);
	if (rc) {
		s3_fault_own(f, false, "Request", rc);
		goto out;
	}
	dress(ask, c->host, &d);
	for (bool again = false;; again = true) {
		rc = send_once(c, ask, &d, a, e);
		if (rc) {
			rc = s3_fault_of_silence(f, e);
			goto out;
		}
		learn_clock(c, a);
		if (again || !is_skewed(c, a))
			break;
		c->skew_ns = c->ahead_ns;
	}
	if (a->status >= 300 || a->status < 200)
		rc = s3_fault_of_answer(a, f, e);
	else if (a->body.n > 0 && s3_read_error(buf_view(&a->body), &said) == 0)
		rc = s3_fault_of_answer(a, f, e);
	else
		*f = (struct s3_fault){ .status = a->status };
out:
	if (rc)
		return err_wrap(e, "%s %s", ask->method, ask->key ? ask->key : c->conf.bucket);
	return 0;
}
