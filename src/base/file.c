/* Files: whole reads, durable writes, locks, space, random bytes. Any thread. */
#include "tomsd/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int open_again(const char *path, int flags, mode_t mode)
{
	int fd;
	do {
		fd = open(path, flags | O_CLOEXEC, mode);
	} while (fd < 0 && errno == EINTR);
	return fd;
}

/* Appends until the end of the file; -ERR_FULL past max bytes. */
static int read_rest(int fd, const char *path, size_t max, struct buf *b, struct err *e)
{
	char chunk[16384];
	size_t total = 0;
	for (;;) {
		ssize_t r = read(fd, chunk, sizeof(chunk));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, errno, "reading %s", path);
		if (r == 0)
			break;
		total += (size_t)r;
		if (total > max)
			return err_set(e, ERR_FULL, "reading %s: more than %zu bytes", path,
				       max);
		buf_put(b, chunk, (size_t)r);
	}
	explicit_bzero(chunk, sizeof(chunk)); /* may have been a secret */
	if (buf_failed(b))
		return err_set(e, ERR_NOMEM, "reading %s: out of memory", path);
	return 0;
}

int file_read(const char *path, size_t max, struct buf *b, struct err *e)
{
	int fd = open_again(path, O_RDONLY, 0);
	if (fd < 0)
		return err_sys(e, errno, "opening %s", path);
	size_t before = b->n;
	int rc = read_rest(fd, path, max, b, e);
	(void)close(fd); /* nothing was written */
	if (rc && b->p) {
		b->n = before;
		b->p[before] = '\0';
	}
	return rc;
}

static int write_fully(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* The new file beside the old one, on disk before anybody can see it under its name. */
static int write_beside(const char *temp, unsigned mode, const void *p, size_t n, struct err *e)
{
	(void)unlink(temp); /* left by a power cut */
	int fd = open_again(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, errno, "creating %s", temp);
	int rc = 0;
	if (write_fully(fd, p, n) || fchmod(fd, (mode_t)mode) || fsync(fd))
		rc = err_sys(e, errno, "writing %s", temp);
	if (close(fd) && rc == 0)
		rc = err_sys(e, errno, "closing %s", temp);
	return rc;
}

int file_sync_folder_of(const char *path, struct err *e)
{
	char folder[PATH_BYTES];
	const char *slash = strrchr(path, '/');
	size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
	if (!str_copy(folder, sizeof(folder), n ? str_n(path, n) : STR(".")))
		return err_set(e, ERR_RANGE, "%s: path too long", path);
	int fd = open_again(folder, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_sys(e, errno, "opening folder %s", folder);
	int rc = fsync(fd) ? err_sys(e, errno, "syncing folder %s", folder) : 0;
	(void)close(fd); /* nothing is pending behind fsync */
	return rc;
}

int file_write_durable(const char *path, unsigned mode, const void *p, size_t n, struct err *e)
{
	char temp[PATH_BYTES];
	int len = snprintf(temp, sizeof(temp), "%s.new", path);
	if (len < 0 || (size_t)len >= sizeof(temp))
		return err_set(e, ERR_RANGE, "%s: path too long", path);
	int rc = write_beside(temp, mode, p, n, e);
	if (rc == 0 && rename(temp, path))
		rc = err_sys(e, errno, "renaming %s to %s", temp, path);
	if (rc) {
		(void)unlink(temp); /* the first error is the one to tell */
		return rc;
	}
	return file_sync_folder_of(path, e);
}

static int make_one(const char *path, unsigned mode, struct err *e)
{
	struct stat st;
	if (mkdir(path, (mode_t)mode) == 0)
		return 0;
	int why = errno;
	if (why == EEXIST && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		why = ENOTDIR;
	}
	return err_sys(e, why, "making folder %s", path);
}

int file_mkdirs(const char *path, unsigned mode, struct err *e)
{
	char part[PATH_BYTES];
	if (!str_copy(part, sizeof(part), str_of(path)))
		return err_set(e, ERR_RANGE, "%s: path too long", path);
	if (part[0] == '\0')
		return err_set(e, ERR_INVALID, "making a folder without a name");
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		int rc = make_one(part, mode, e);
		if (rc)
			return rc;
		*at = '/';
	}
	return make_one(part, mode, e);
}

int file_lock(const char *path, struct err *e)
{
	int fd = open_again(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		return err_sys(e, errno, "opening %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int why = errno;
	(void)close(fd); /* nothing was written */
	if (why == EWOULDBLOCK)
		return err_set(e, ERR_BUSY, "%s is held by another process", path);
	return err_sys(e, why, "locking %s", path);
}

int64_t file_size(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

int file_space(const char *path, uint64_t *free_bytes, uint64_t *total_bytes, struct err *e)
{
	struct statvfs v;
	if (statvfs(path, &v))
		return err_sys(e, errno, "asking for the space of %s", path);
	/* What is ours to fill: the reserve of root is not. */
	*free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	*total_bytes = (uint64_t)v.f_blocks * v.f_frsize;
	return 0;
}

void file_random(void *out, size_t n)
{
	char *p = out;
	while (n > 0) {
		ssize_t r = getrandom(p, n, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			abort(); /* keys that can be guessed are worse than no daemon */
		p += r;
		n -= (size_t)r;
	}
}
