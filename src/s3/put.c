/* An object is put: looked for, sent where it is not there yet, proven. Nothing is sent twice: an answer that never
 * came, a crash between sending and noting it, a second run all begin with the same look at the key. (Conditional
 * writes would be shorter: of the servers tried only AWS takes If-None-Match in a bucket with versions.)
 *
 * Both sums are made anew from the file before it goes: what rotted on our disk must not be locked for years. */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define READ_AGAIN_BYTES (4u << 20)

static int own_bytes_differ(const struct s3_put *put, struct s3_fault *f, struct err *e)
{
	return s3_fault_own(
		f, false, "LocalFile",
		err_set(e, ERR_CORRUPT,
			"%s: the file here is not what was sealed; nothing was sent",
			put->key));
}

/* One request for all of it. */
static int put_single(struct s3_client *c, const struct s3_put *put, char etag[80],
		      char version_id[128], struct s3_fault *f, struct err *e)
{
	uint8_t sha256[CRYPT_SHA256_BYTES], md5[CRYPT_MD5_BYTES];
	char hex[2 * CRYPT_SHA256_BYTES + 1], date[S3_DATE_MAX];
	uint64_t bytes = 0;
	int rc = crypt_sum_file(put->fd, CRYPT_SHA256 | CRYPT_MD5, &bytes, sha256, md5, e);
	if (rc)
		return s3_fault_own(f, true, "LocalFile", rc);
	if (bytes != put->bytes || memcmp(sha256, put->sha256, sizeof(sha256)) != 0)
		return own_bytes_differ(put, f, e);

	struct s3_ask ask = {
		.method = "PUT",
		.key = put->key,
		.fd = put->fd,
		.file_bytes = put->bytes,
		.sha256 = sha256,
		.md5 = md5,
		.once = true,
	};
	struct http_answer a;
	struct s3_version told;
	hash_hex(sha256, sizeof(sha256), hex);
	s3_ask_header(&ask, "content-type",
		      put->content_type ? put->content_type : "application/octet-stream");
	s3_ask_header(&ask, "x-amz-meta-sha256", hex);
	s3_ask_lock(&ask, put->lock, put->retain_until_ns, date);
	http_answer_init(&a);
	rc = s3_ask(c, &ask, &a, f, e);
	if (rc == 0) {
		s3_version_of(&a, &told);
		memcpy(etag, told.etag, sizeof(told.etag));
		memcpy(version_id, told.version_id, sizeof(told.version_id));
	}
	http_answer_fini(&a);
	return rc;
}

/* What lies under our key though we never heard that it got there: its bytes are read again before they are believed,
 * for who has the keys of the place may have put others there with our sum on the label. 1 ours, 0 not, -ERR_X. */
static int read_again(struct s3_client *c, const struct s3_put *put, const char *version_id,
		      struct s3_fault *f, struct err *e)
{
	uint8_t sha256[CRYPT_SHA256_BYTES];
	struct crypt_sum *sum = NULL;
	void *piece = malloc(READ_AGAIN_BYTES);
	int rc = piece ? crypt_sum_new(&sum, CRYPT_SHA256, e) : err_set(e, ERR_NOMEM, "no memory to read it again");
	for (uint64_t at = 0; rc == 0 && at < put->bytes;) {
		uint64_t left = put->bytes - at;
		size_t n = left < READ_AGAIN_BYTES ? (size_t)left : READ_AGAIN_BYTES;
		rc = s3_read(c, put->key, version_id, at, piece, n, f, e);
		crypt_sum_put(sum, piece, rc ? 0 : n);
		at += n;
	}
	if (rc == 0)
		crypt_sum_end(sum, sha256, NULL);
	crypt_sum_free(sum);
	free(piece);
	return rc ? rc : memcmp(sha256, put->sha256, sizeof(sha256)) == 0;
}

/* Is what a key shows our object? Told by its label only: see read_again. */
static bool is_ours(const struct s3_version *v, const struct s3_put *put)
{
	return v->bytes == put->bytes && v->has_sha256 &&
	       memcmp(v->sha256, put->sha256, sizeof(v->sha256)) == 0;
}

int s3_put(struct s3_client *c, const struct s3_put *put, struct s3_version *out,
	   struct s3_fault *f, struct err *e)
{
	struct s3_version there;
	struct s3_put here = *put;
	char upload_id[256] = "", etag[80] = "", version_id[128] = "";
	*f = (struct s3_fault){ .status = 0 };
	struct err not_there = ERR_INIT;
	if (!here.upload_id)
		here.upload_id = upload_id; /* one that nobody keeps */
	int rc = s3_head(c, put->key, NULL, &there, f, &not_there);
	if (rc && (rc != -ERR_NOTFOUND || strcmp(f->code, "NoSuchBucket") == 0)) {
		*e = not_there;
		return err_wrap(e, "looking whether it is there");
	}
	bool is_there = rc == 0 && is_ours(&there, put);
	if (is_there) {
		rc = read_again(c, put, there.version_id, f, e);
		if (rc < 0)
			return err_wrap(e, "reading again what is there");
		is_there = rc == 1;
	}
	if (is_there) {
		memcpy(version_id, there.version_id, sizeof(version_id));
	} else {
		bool in_one = put->bytes < S3_SINGLE_MAX;
		rc = in_one ? put_single(c, put, etag, version_id, f, e) :
			      s3_put_parts(c, &here, etag, version_id, f, e);
		if (rc)
			return rc;
	}
	const struct s3_wanted w = {
		.bytes = put->bytes,
		.sha256 = put->sha256,
		.etag = etag,
		.lock = put->lock,
		.until_ns = put->retain_until_ns,
	};
	rc = s3_prove(c, put->key, version_id, &w, out, f, e);
	return rc ? err_wrap(e, "proving it") : 0;
}
