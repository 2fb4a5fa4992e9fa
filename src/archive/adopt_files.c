/* Files of the archive brought here: written beside, synced, renamed, as whoever seals does it; checked by their sum
 * before they get their name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adopt.h"
#include "tomsd/base/file.h"

enum { PIECE_BYTES = 64 << 10, VERSIONS_MAX = 16 };

static int path_of(const struct adoption *a, const char *key, char path[ARCHIVE_PATH_MAX], struct err *e)
{
	char folder[ARCHIVE_PATH_MAX];
	if (!archive_path(path, a->folder, key))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	(void)str_copy(folder, sizeof(folder), str_of(path));
	*strrchr(folder, '/') = '\0';
	return file_mkdirs(folder, 0700, e);
}

void adopt_find(struct adoption *a, struct adopted_file *f)
{
	size_t n = a->from->is_place ? from_versions(a->from, f->key) : 0;
	for (size_t i = 0; i < n && i < VERSIONS_MAX && !f->is_found; i++) {
		struct err why = ERR_INIT;
		f->is_found = from_lock(a->from, f->key, i, &f->v, &why) == 0 && f->v.bytes == f->bytes &&
			      f->v.has_sha256 && memcmp(f->v.sha256, f->sha256, CRYPT_SHA256_BYTES) == 0;
	}
}

static void settle(struct adopted_file *f, const char *key, uint64_t bytes, const uint8_t sha256[CRYPT_SHA256_BYTES])
{
	(void)str_copy(f->key, sizeof(f->key), str_of(key));
	f->bytes = bytes;
	memcpy(f->sha256, sha256, CRYPT_SHA256_BYTES);
}

int adopt_bytes(struct adoption *a, const char *key, const struct buf *b, struct adopted_file *out, struct err *e)
{
	char path[ARCHIVE_PATH_MAX];
	uint8_t sum[CRYPT_SHA256_BYTES];
	int rc = path_of(a, key, path, e);
	if (rc == 0)
		rc = file_write_durable(path, 0600, b->p, b->n, e);
	if (rc)
		return rc;
	crypt_sha256(b->p, b->n, sum);
	settle(out, key, b->n, sum);
	return 0;
}

/* Is it here already, as it should be? */
static bool is_here(const char *path, const char *key, const uint8_t *sha256, struct adopted_file *out)
{
	uint8_t sum[CRYPT_SHA256_BYTES];
	uint64_t bytes = 0;
	struct err why = ERR_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	bool good = crypt_sum_file(fd, CRYPT_SHA256, &bytes, sum, NULL, &why) == 0 &&
		    (!sha256 || memcmp(sum, sha256, sizeof(sum)) == 0);
	(void)close(fd); /* nothing was written */
	if (good)
		settle(out, key, bytes, sum);
	return good;
}

static int copy(int from, int to, struct err *e)
{
	char piece[PIECE_BYTES];
	for (off_t at = 0;;) { /* what was fetched stands at its end */
		ssize_t n = pread(from, piece, sizeof(piece), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_sys(e, errno, "reading an object") : 0;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(to, piece + done, (size_t)(n - done));
			if (w < 0 && errno == EINTR)
				continue;
			if (w < 0)
				return err_sys(e, errno, "writing an object");
			done += w;
		}
		at += n;
	}
}

static int write_beside(int from, const char *fresh, uint64_t *bytes, uint8_t sum[CRYPT_SHA256_BYTES], struct err *e)
{
	(void)unlink(fresh); /* left by a power cut */
	int to = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(e, errno, "creating %s", fresh);
	int rc = copy(from, to, e);
	if (rc == 0)
		rc = crypt_sum_file(to, CRYPT_SHA256, bytes, sum, NULL, e);
	if (rc == 0 && fsync(to))
		rc = err_sys(e, errno, "writing %s", fresh);
	(void)close(to); /* nothing is pending behind fsync */
	return rc;
}

/* 1: it is the one, 0: another sum. */
static int bring(struct adoption *a, const char *key, size_t nth, const char *path, uint64_t max,
		 const uint8_t *sha256, struct adopted_file *out, struct err *e)
{
	char fresh[ARCHIVE_PATH_MAX + 8];
	uint8_t sum[CRYPT_SHA256_BYTES];
	uint64_t bytes = 0;
	if (a->from->is_place && from_told_bytes(a->from, key, nth) > max)
		return err_set(e, ERR_CORRUPT, "%s is longer than it was", key);
	int fd = -1, rc = from_open(a->from, key, nth, &fd, &bytes, e);
	if (rc)
		return rc;
	(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
	rc = write_beside(fd, fresh, &bytes, sum, e);
	(void)close(fd); /* nothing was written */
	bool fits = rc == 0 && (!sha256 || memcmp(sum, sha256, sizeof(sum)) == 0);
	if (fits && rename(fresh, path))
		rc = err_sys(e, errno, "renaming %s", fresh);
	if (rc || !fits) {
		(void)unlink(fresh);
		return rc;
	}
	settle(out, key, bytes, sum);
	rc = file_sync_folder_of(path, e);
	return rc ? rc : 1;
}

int adopt_file(struct adoption *a, const char *key, uint64_t max, const uint8_t *sha256, struct adopted_file *out,
	       struct err *e)
{
	char path[ARCHIVE_PATH_MAX];
	struct err why = ERR_INIT;
	size_t n = from_versions(a->from, key);
	int rc = path_of(a, key, path, e);
	if (rc)
		return rc;
	if (is_here(path, key, sha256, out))
		return 0;
	for (size_t i = 0; i < n && i < VERSIONS_MAX; i++) {
		rc = bring(a, key, i, path, max, sha256, out, &why);
		if (rc == 1)
			return 0;
	}
	return err_set(e, why.code ? (enum err_code)why.code : ERR_CORRUPT, "%s is not there as it was sealed%s%s", key,
		       why.code ? ": " : "", why.text);
}
