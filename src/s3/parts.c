/* Upload in parts, for what is 64 MiB or more. An upload that was begun goes on after its last part, also after a
 * restart of either side: ListParts tells what is there, and a part counts when its ETag is the MD5 of our bytes
 * (where it never is, with keys of KMS, parts go again). No AbortMultipartUpload: it is a deletion and the
 * policy has none; a lifecycle rule of the bucket clears what nobody finishes.
 *
 * Complete is the moment that may be lost: it answers 200 and then an <Error>, or nothing at all, or NoSuchUpload the
 * second time (cloudserver; radosgw says 200 again). Then HEAD tells whether the object is there.
 * radosgw 16.2 answers it with an empty ETag; it must be MD5(MD5s of the parts)-N then. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "answers.h"
#include "client.h"

#define READ_BYTES (256u << 10)
#define SMALL_TIMEOUT_S 120
#define COMPLETE_TIMEOUT_S 900 /* S3 says that it may take minutes */

struct upload {
	struct s3_client *c;
	const struct s3_put *put;
	struct s3_part *parts; /* what the server has, then what we sent; [n_parts] */
	uint32_t n_parts;
	uint64_t part_bytes;
	struct crypt_sum *whole, *each;
	uint8_t *piece; /* [READ_BYTES] */
	char sha256_hex[2 * CRYPT_SHA256_BYTES + 1];
};

/* At most 10,000 parts: larger ones from 160 GiB on. The same file always gives the same parts. */
static uint64_t part_bytes_of(uint64_t bytes)
{
	uint64_t least = (bytes + S3_PARTS_MAX - 1) / S3_PARTS_MAX, mib = UINT64_C(1) << 20;
	return least <= S3_PART_BYTES ? S3_PART_BYTES : (least + mib - 1) / mib * mib;
}

static void upload_free(struct upload *u)
{
	if (!u)
		return;
	crypt_sum_free(u->whole);
	crypt_sum_free(u->each);
	free(u->parts);
	free(u->piece);
	free(u);
}

static int upload_new(struct upload **out, struct s3_client *c, const struct s3_put *put,
		      struct err *e)
{
	struct upload *u = calloc(1, sizeof(*u));
	if (!u)
		return err_set(e, ERR_NOMEM, "no memory for an upload");
	u->c = c;
	u->put = put;
	u->part_bytes = part_bytes_of(put->bytes);
	u->n_parts = (uint32_t)((put->bytes + u->part_bytes - 1) / u->part_bytes);
	hash_hex(put->sha256, CRYPT_SHA256_BYTES, u->sha256_hex);
	u->parts = calloc(u->n_parts, sizeof(*u->parts));
	u->piece = malloc(READ_BYTES);
	int rc = u->parts && u->piece ? 0 : err_set(e, ERR_NOMEM, "no memory for an upload");
	if (rc == 0)
		rc = crypt_sum_new(&u->whole, CRYPT_SHA256, e);
	if (rc == 0)
		rc = crypt_sum_new(&u->each, CRYPT_SHA256 | CRYPT_MD5, e);
	if (rc) {
		upload_free(u);
		return rc;
	}
	*out = u;
	return 0;
}

static int begin(struct upload *u, struct s3_fault *f, struct err *e)
{
	const struct s3_put *put = u->put;
	struct s3_ask ask = { .method = "POST", .key = put->key, .once = true, .timeout_s = SMALL_TIMEOUT_S };
	struct http_answer a;
	char date[S3_DATE_MAX];
	s3_ask_param(&ask, "uploads", NULL);
	s3_ask_header(&ask, "content-type",
		      put->content_type ? put->content_type : "application/octet-stream");
	s3_ask_header(&ask, "x-amz-meta-sha256", u->sha256_hex);
	s3_ask_lock(&ask, put->lock, put->retain_until_ns, date);
	http_answer_init(&a);
	int rc = s3_ask(u->c, &ask, &a, f, e);
	if (rc == 0 && s3_read_upload_id(buf_view(&a.body), put->upload_id))
		rc = s3_fault_own(f, true, "NoUploadId",
				  err_set(e, ERR_INVALID, "%s: no upload id in the answer",
					  put->key));
	http_answer_fini(&a);
	if (rc == 0 && put->part && put->part(put->arg, put->upload_id, 0))
		rc = s3_fault_own(f, true, "Stopped",
				  err_set(e, ERR_CLOSED, "%s: stopped", put->key));
	return rc;
}

/* What an upload begun before has got; page by page. */
static int list(struct upload *u, struct s3_fault *f, struct err *e)
{
	uint32_t from = 0;
	for (;;) {
		struct s3_ask ask = {
			.method = "GET",
			.key = u->put->key,
			.timeout_s = SMALL_TIMEOUT_S,
			.answer_max = 2u << 20,
		};
		struct http_answer a;
		char marker[16];
		uint32_t next = 0;
		(void)snprintf(marker, sizeof(marker), "%u", from);
		s3_ask_param(&ask, "uploadId", u->put->upload_id);
		s3_ask_param(&ask, "part-number-marker", marker);
		http_answer_init(&a);
		int rc = s3_ask(u->c, &ask, &a, f, e);
		if (rc == 0 && s3_read_parts(buf_view(&a.body), u->parts, u->n_parts, &next))
			rc = s3_fault_own(f, true, "NoPartList",
					  err_set(e, ERR_INVALID,
						  "%s: no list of parts in the answer",
						  u->put->key));
		http_answer_fini(&a);
		if (rc || next <= from)
			return rc;
		from = next;
	}
}

/* Sums of one part, in one pass over the file. */
static int sum_part(struct upload *u, uint64_t off, uint64_t bytes,
		    uint8_t sha256[CRYPT_SHA256_BYTES], uint8_t md5[CRYPT_MD5_BYTES],
		    struct err *e)
{
	for (uint64_t done = 0; done < bytes;) {
		size_t n = bytes - done < READ_BYTES ? (size_t)(bytes - done) : READ_BYTES;
		ssize_t got = pread(u->put->fd, u->piece, n, (off_t)(off + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "%s: reading the file here", u->put->key);
		if (got == 0)
			return err_set(e, ERR_CORRUPT,
				       "%s: the file here is shorter than what was sealed",
				       u->put->key);
		crypt_sum_put(u->whole, u->piece, (size_t)got);
		crypt_sum_put(u->each, u->piece, (size_t)got);
		done += (uint64_t)got;
	}
	crypt_sum_end(u->each, sha256, md5);
	return 0;
}

static int send_part(struct upload *u, uint32_t number, uint64_t off, uint64_t bytes,
		     const uint8_t *sha256, const uint8_t *md5, struct s3_fault *f,
		     struct err *e)
{
	struct s3_ask ask = {
		.method = "PUT",
		.key = u->put->key,
		.fd = u->put->fd,
		.file_off = off,
		.file_bytes = bytes,
		.sha256 = sha256,
		.md5 = md5,
	};
	struct http_answer a;
	struct s3_version told;
	char text[16];
	(void)snprintf(text, sizeof(text), "%u", number);
	s3_ask_param(&ask, "partNumber", text);
	s3_ask_param(&ask, "uploadId", u->put->upload_id);
	http_answer_init(&a);
	int rc = s3_ask(u->c, &ask, &a, f, e);
	if (rc == 0) {
		s3_version_of(&a, &told);
		u->parts[number - 1].bytes = bytes;
		if (!str_copy(u->parts[number - 1].etag, sizeof(u->parts->etag),
			      str_of(told.etag)) ||
		    !told.etag[0])
			rc = s3_fault_own(f, true, "NoETag",
					  err_set(e, ERR_INVALID, "%s: no ETag for part %u",
						  u->put->key, number));
	}
	http_answer_fini(&a);
	return rc;
}

static int send_parts(struct upload *u, struct s3_fault *f, struct err *e)
{
	uint8_t sha256[CRYPT_SHA256_BYTES], md5[CRYPT_MD5_BYTES];
	char hex[2 * CRYPT_MD5_BYTES + 1];
	for (uint32_t i = 0; i < u->n_parts; i++) {
		uint64_t off = i * u->part_bytes, left = u->put->bytes - off;
		uint64_t bytes = left < u->part_bytes ? left : u->part_bytes;
		int rc = sum_part(u, off, bytes, sha256, md5, e);
		if (rc)
			return s3_fault_own(f, false, "LocalFile", rc);
		hash_hex(md5, sizeof(md5), hex);
		if (u->c->stop && __atomic_load_n(u->c->stop, __ATOMIC_ACQUIRE))
			return s3_fault_own(f, true, "Stopped",
					    err_set(e, ERR_CLOSED, "%s: stopped", u->put->key));
		if (u->parts[i].bytes == bytes && strcmp(u->parts[i].etag, hex) == 0)
			continue;
		rc = send_part(u, i + 1, off, bytes, sha256, md5, f, e);
		if (rc)
			return err_wrap(e, "part %u of %u", i + 1, u->n_parts);
		if (u->put->part && u->put->part(u->put->arg, u->put->upload_id, off + bytes))
			return s3_fault_own(f, true, "Stopped",
					    err_set(e, ERR_CLOSED, "%s: stopped", u->put->key));
	}
	crypt_sum_end(u->whole, sha256, NULL);
	if (memcmp(sha256, u->put->sha256, sizeof(sha256)) != 0)
		return s3_fault_own(
			f, false, "LocalFile",
			err_set(e, ERR_CORRUPT,
				"%s: the file here is not what was sealed; its parts were not put "
				"together",
				u->put->key));
	return 0;
}

/* "<MD5 of the parts' MD5s>-<parts>"; "" where an ETag is no MD5. */
static void expect_etag(const struct upload *u, char etag[80])
{
	struct crypt_sum *s = NULL;
	uint8_t md5[CRYPT_MD5_BYTES];
	char hex[2 * CRYPT_MD5_BYTES + 1];
	bool is_good = crypt_sum_new(&s, CRYPT_MD5, NULL) == 0;
	for (uint32_t i = 0; i < u->n_parts && is_good; i++) {
		is_good = s3_from_hex(str_of(u->parts[i].etag), md5, sizeof(md5));
		crypt_sum_put(s, md5, sizeof(md5));
	}
	etag[0] = '\0';
	if (is_good) {
		crypt_sum_end(s, NULL, md5);
		hash_hex(md5, sizeof(md5), hex);
		(void)snprintf(etag, 80, "%s-%u", hex, u->n_parts);
	}
	crypt_sum_free(s);
}

static int complete(struct upload *u, char etag[80], char version_id[128], struct s3_fault *f,
		    struct err *e)
{
	struct s3_ask ask = { .method = "POST",
			      .key = u->put->key,
			      .once = true,
			      .timeout_s = COMPLETE_TIMEOUT_S };
	struct http_answer a;
	struct s3_version told;
	struct buf body;
	buf_init(&body, 2u << 20);
	buf_cstr(&body,
		 "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (uint32_t i = 0; i < u->n_parts; i++)
		buf_fmt(&body,
			"<Part><PartNumber>%u</PartNumber><ETag>&quot;%s&quot;</ETag></Part>",
			i + 1, u->parts[i].etag);
	buf_cstr(&body, "</CompleteMultipartUpload>");
	s3_ask_param(&ask, "uploadId", u->put->upload_id);
	s3_ask_header(&ask, "content-type", "application/xml");
	ask.body = buf_view(&body);
	http_answer_init(&a);
	int rc = buf_failed(&body) ?
			 s3_fault_own(f, true, "Memory",
				      err_set(e, ERR_NOMEM, "no memory for a list of parts")) :
			 s3_ask(u->c, &ask, &a, f, e);
	if (rc == 0 && s3_read_completed(buf_view(&a.body), etag))
		rc = s3_fault_own(f, true, "NoResult",
				  err_set(e, ERR_INVALID,
					  "%s: completed, it seems, but the answer is another",
					  u->put->key));
	if (rc == 0) {
		s3_version_of(&a, &told);
		memcpy(version_id, told.version_id, sizeof(told.version_id));
	}
	http_answer_fini(&a);
	buf_fini(&body);
	return rc;
}

static bool is_no_upload(int rc, const struct s3_fault *f)
{
	return rc == -ERR_NOTFOUND && strcmp(f->code, "NoSuchBucket") != 0;
}

/* The upload is not known any more: completed by a request whose answer was lost, or cleared away. */
static int look_for_it(struct upload *u, char version_id[128], struct s3_fault *f,
		       struct err *e)
{
	struct s3_version v;
	int rc = s3_head(u->c, u->put->key, NULL, &v, f, e);
	if (rc == 0 && v.bytes == u->put->bytes && v.has_sha256 &&
	    memcmp(v.sha256, u->put->sha256, sizeof(v.sha256)) == 0) {
		memcpy(version_id, v.version_id, sizeof(v.version_id));
		return 0;
	}
	if (rc == 0 || rc == -ERR_NOTFOUND) {
		u->put->upload_id[0] = '\0';
		return s3_fault_own(f, true, "NoSuchUpload",
				    err_set(e, ERR_BUSY,
					    "%s: the server forgot the upload; it begins anew",
					    u->put->key));
	}
	return rc;
}

int s3_put_parts(struct s3_client *c, const struct s3_put *put, char etag[80],
		 char version_id[128], struct s3_fault *f, struct err *e)
{
	struct upload *u = NULL;
	int rc = upload_new(&u, c, put, e);
	if (rc)
		return s3_fault_own(f, true, "Memory", rc);
	if (put->upload_id[0]) {
		rc = list(u, f, e);
		if (is_no_upload(rc, f)) {
			put->upload_id[0] = '\0';
			rc = 0;
		}
	}
	if (rc == 0 && !put->upload_id[0])
		rc = begin(u, f, e);
	if (rc == 0)
		rc = send_parts(u, f, e);
	if (rc == 0) {
		rc = complete(u, etag, version_id, f, e);
		if (rc == 0 && !etag[0])
			expect_etag(u, etag);
	}
	if (is_no_upload(rc, f)) {
		expect_etag(u, etag);
		rc = look_for_it(u, version_id, f, e);
	}
	upload_free(u);
	return rc;
}
