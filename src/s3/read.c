/* Reading back: a range into memory, all of it into a file. A file that breaks off goes on where it was, as long
 * as each attempt brings something. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"

#define READ_TIMEOUT_S 300
#define FILE_ATTEMPTS 200 /* each but the first after one that brought bytes */

/* "bytes=0-99" */
static void ask_range(struct s3_ask *ask, uint64_t from, uint64_t n, char text[64])
{
	if (n == UINT64_MAX)
		(void)snprintf(text, 64, "bytes=%llu-", (unsigned long long)from);
	else
		(void)snprintf(text, 64, "bytes=%llu-%llu", (unsigned long long)from,
			       (unsigned long long)(from + n - 1));
	s3_ask_header(ask, "range", text);
}

/* Is this answer what was asked for, from its first byte on? "bytes 0-99/1000" in a 206; a 200 has everything. */
static bool is_range(const struct http_answer *a, uint64_t from)
{
	struct str r = http_answer_header(a, "content-range");
	uint64_t told;
	if (a->status != 206)
		return from == 0;
	if (!str_starts(r, STR("bytes ")))
		return false;
	r = str_sub(r, 6, r.n);
	ptrdiff_t dash = str_chr(r, '-');
	return dash > 0 && num_u64(str_sub(r, 0, (size_t)dash), 0, UINT64_MAX, &told) == 0 &&
	       told == from;
}

struct into {
	char *p;
	size_t n, room;
};

static int take_bytes(void *arg, const void *p, size_t n)
{
	struct into *to = arg;
	if (n > to->room - to->n)
		return 1;
	memcpy(to->p + to->n, p, n);
	to->n += n;
	return 0;
}

int s3_read(struct s3_client *c, const char *key, const char *version_id, uint64_t off, void *p,
	    size_t n, struct s3_fault *f, struct err *e)
{
	struct into to = { .p = p, .room = n };
	struct s3_ask ask = { .method = "GET",
			      .key = key,
			      .timeout_s = READ_TIMEOUT_S,
			      .sink = take_bytes,
			      .sink_arg = &to };
	struct http_answer a;
	char range[64];
	*f = (struct s3_fault){ .status = 0 };
	if (n == 0)
		return 0;
	ask_range(&ask, off, n, range);
	if (version_id && version_id[0])
		s3_ask_param(&ask, "versionId", version_id);
	http_answer_init(&a);
	int rc = s3_ask(c, &ask, &a, f, e);
	if (rc == 0 && (to.n != n || !is_range(&a, off)))
		rc = s3_fault_own(
			f, true, "Range",
			err_set(e, ERR_IO,
				"%s: %zu bytes at %llu asked for, the answer has others", key,
				n, (unsigned long long)off));
	http_answer_fini(&a);
	return rc;
}

/* A file as it grows. */
struct file {
	int fd;
	uint64_t bytes, max;
	struct crypt_sum *sum;
	struct err *e;
	bool has_failed, is_long; /* writing, e has the words; more than max came */
};

static int take_to_file(void *arg, const void *p, size_t n)
{
	struct file *to = arg;
	const char *at = p;
	to->is_long = n > to->max - to->bytes;
	if (to->is_long)
		return 1;
	crypt_sum_put(to->sum, p, n);
	to->bytes += n;
	while (n > 0) {
		ssize_t put = write(to->fd, at, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			to->has_failed = true;
			(void)err_sys(to->e, errno, "writing the file");
			return 1;
		}
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

/* From where the file ends; first is what the first answer said of the version. */
static int get_on(struct s3_client *c, const char *key, const char *version_id, struct file *to,
		  struct s3_version *first, struct s3_fault *f, struct err *e)
{
	struct s3_ask ask = {
		.method = "GET", .key = key, .sink = take_to_file, .sink_arg = to
	};
	struct http_answer a;
	char range[64], match[90];
	uint64_t from = to->bytes;
	if (from > 0) {
		ask_range(&ask, from, UINT64_MAX, range);
		(void)snprintf(match, sizeof(match), "\"%s\"", first->etag);
		s3_ask_header(&ask, "if-match", match);
	}
	if (version_id && version_id[0])
		s3_ask_param(&ask, "versionId", version_id);
	http_answer_init(&a);
	int rc = s3_ask(c, &ask, &a, f, e);
	if (from == 0 && a.headers.n > 0)
		s3_version_of(&a, first);
	/* A proxy may answer in chunks, whose end net has seen. */
	if (from == 0 && rc == 0 && http_answer_header(&a, "content-length").n == 0)
		first->bytes = to->bytes;
	if (rc == 0 && !is_range(&a, from))
		rc = s3_fault_own(f, true, "Range",
				  err_set(e, ERR_CORRUPT,
					  "%s: the answer is not the rest of it", key));
	http_answer_fini(&a);
	return rc;
}

static int get_all(struct s3_client *c, const char *key, const char *version_id,
		   struct file *to, struct s3_version *first, struct s3_fault *f, struct err *e)
{
	for (int attempt = 0;; attempt++) {
		uint64_t before = to->bytes;
		struct err write_error = ERR_INIT;
		to->e = &write_error;
		int rc = get_on(c, key, version_id, to, first, f, e);
		if (to->has_failed) {
			*e = write_error;
			return s3_fault_own(f, true, "LocalFile", -e->code);
		}
		if (to->is_long) {
			*e = (struct err)ERR_INIT;
			return s3_fault_own(f, false, "Different",
					    err_set(e, ERR_CORRUPT, "%s: longer than it must be", key));
		}
		if (rc == 0 && first->bytes != to->bytes)
			rc = s3_fault_own(f, true, "Range",
					  err_set(e, ERR_IO, "%s: broke off", key));
		bool is_cut = rc == -ERR_IO && to->bytes > before && first->etag[0] &&
			      to->bytes < first->bytes;
		if (!is_cut || attempt == FILE_ATTEMPTS)
			return rc;
	}
}

/* The name is only there when the bytes are. */
static int keep(int fd, const char *temp, const char *path, struct err *e)
{
	char folder[4096];
	if (fsync(fd) != 0 || rename(temp, path) != 0)
		return err_sys(e, errno, "keeping %s", path);
	(void)snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	int dir = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = dir >= 0 && fsync(dir) == 0 ? 0 : err_sys(e, errno, "keeping %s", path);
	if (dir >= 0)
		(void)close(dir);
	return rc;
}

int s3_get_file(struct s3_client *c, const char *key, const char *version_id, const char *path,
		uint64_t max_bytes, const uint8_t *sha256, struct s3_fault *f, struct err *e)
{
	struct file to = { .fd = -1, .max = max_bytes };
	struct s3_version first = { .version_id = "" };
	char temp[4096];
	uint8_t sum[CRYPT_SHA256_BYTES];
	*f = (struct s3_fault){ .status = 0 };
	int n = snprintf(temp, sizeof(temp), "%s.part", path);
	if (n < 0 || (size_t)n >= sizeof(temp))
		return s3_fault_own(f, false, "LocalFile",
				    err_set(e, ERR_RANGE, "%s: path too long", path));
	int rc = crypt_sum_new(&to.sum, CRYPT_SHA256, e);
	if (rc)
		return s3_fault_own(f, true, "Memory", rc);
	(void)unlink(temp); /* of a run that ended in the middle */
	to.fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to.fd < 0)
		rc = s3_fault_own(f, true, "LocalFile", err_sys(e, errno, "making %s", temp));
	if (rc == 0)
		rc = get_all(c, key, version_id, &to, &first, f, e);
	crypt_sum_end(to.sum, sum, NULL);
	const uint8_t *wanted = sha256 ? sha256 : first.has_sha256 ? first.sha256 : NULL;
	if (rc == 0 && wanted && memcmp(sum, wanted, sizeof(sum)) != 0)
		rc = s3_fault_own(f, true, "Different",
				  err_set(e, ERR_CORRUPT,
					  "%s: other bytes than its SHA-256 says", key));
	if (rc == 0) {
		rc = keep(to.fd, temp, path, e);
		if (rc)
			(void)s3_fault_own(f, true, "LocalFile", rc);
	}
	if (rc && to.fd >= 0)
		(void)unlink(temp);
	if (to.fd >= 0)
		(void)close(to.fd);
	crypt_sum_free(to.sum);
	return rc;
}
