/* Objects in a folder: the archive's own, a copy of a bucket, a stick. The names come from manifests that anybody may
 * have written, so every part of a path is opened by itself below the one before, and no link is followed. One
 * thread. */
#include "from.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 8, KEY_MAX = 512 };

struct folder {
	struct archive_from from;
	int fd;
};

/* ---- Names. ---- */

struct walk {
	int (*one)(void *arg, struct str key, uint64_t bytes);
	void *arg;
	struct err *e;
	char key[KEY_MAX + 256];
};

/* At the top there is more than the archive: backups, what people put beside it. */
static bool is_ours(const char *name)
{
	return strncmp(name, "kind=", 5) == 0 || strcmp(name, "_manifest") == 0;
}

static int walk_folder(struct walk *w, int fd, size_t n, int depth);

/* What is deeper than our names go, or no plain file, is told like any name that no manifest knows. */
static int walk_entry(struct walk *w, int parent, const char *name, size_t n, int depth)
{
	struct stat st;
	size_t len = strlen(name);
	if (n + len + 1 >= sizeof(w->key))
		return err_set(w->e, ERR_INVALID, "a name below %.*s is longer than any of an archive", (int)n, w->key);
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : err_sys(w->e, errno, "looking at %.*s%s", (int)n, w->key, name);
	memcpy(w->key + n, name, len + 1);
	n += len;
	if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
		return w->one(w->arg, str_n(w->key, n), S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(w->e, errno, "opening %s", w->key);
	w->key[n++] = '/';
	return walk_folder(w, fd, n, depth + 1);
}

/* fd becomes the walk's. */
static int walk_folder(struct walk *w, int fd, size_t n, int depth)
{
	struct dirent *d;
	int rc = 0;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		rc = err_sys(w->e, errno, "reading a folder");
		(void)close(fd);
		return rc;
	}
	/* What begins with a point is being written just now, or a file browser's. */
	while (rc == 0 && (errno = 0, d = readdir(dir)))
		if (d->d_name[0] != '.' && (depth > 0 || is_ours(d->d_name)))
			rc = walk_entry(w, fd, d->d_name, n, depth);
	if (rc == 0 && errno)
		rc = err_sys(w->e, errno, "reading a folder");
	(void)closedir(dir);
	return rc;
}

static int folder_list(struct archive_from *f, int (*one)(void *arg, struct str key, uint64_t bytes), void *arg,
		       struct err *e)
{
	struct walk w = { .one = one, .arg = arg, .e = e };
	int fd = openat(((struct folder *)f)->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "reading the archive's folder");
	return walk_folder(&w, fd, 0, 0);
}

/* ---- Objects. ---- */

/* The next part of a key as a C string; false: there is none that may stand in a name. */
static bool next_part(struct str *key, char part[KEY_MAX])
{
	struct str s;
	return str_split(key, '/', &s) && s.n > 0 && s.p[0] != '.' && str_copy(part, KEY_MAX, s);
}

static int open_below(int at, const char *name, int flags)
{
	/* O_NONBLOCK: a pipe that somebody left there holds nobody up. */
	return openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags);
}

static int open_key(int root, const char *key)
{
	char part[KEY_MAX];
	struct str left = str_of(key);
	int at = root;
	errno = EINVAL;
	while (next_part(&left, part)) {
		int next = open_below(at, part, left.p ? O_DIRECTORY : 0), saved = errno;
		if (at != root)
			(void)close(at);
		errno = saved;
		if (next < 0 || !left.p)
			return next;
		at = next;
	}
	if (at != root)
		(void)close(at);
	errno = EINVAL;
	return -1;
}

static int folder_open(struct archive_from *f, const char *key, size_t nth, int *fd, uint64_t *bytes, struct err *e)
{
	struct stat st;
	if (nth > 0)
		return err_set(e, ERR_NOTFOUND, "%s: not there", key);
	int got = open_key(((struct folder *)f)->fd, key);
	if (got < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_NOTFOUND, "%s: not there", key);
	if (got < 0 && (errno == ELOOP || errno == EINVAL))
		return err_set(e, ERR_DENIED, "%s: not a file in this folder", key);
	if (got < 0)
		return err_sys(e, errno, "opening %s", key);
	if (fstat(got, &st) || !S_ISREG(st.st_mode)) {
		(void)close(got);
		return err_set(e, ERR_DENIED, "%s: not a file in this folder", key);
	}
	*fd = got;
	*bytes = (uint64_t)st.st_size;
	return 0;
}

static size_t folder_versions(struct archive_from *f, const char *key)
{
	int fd = open_key(((struct folder *)f)->fd, key);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : 1; /* then reading says what is wrong */
	(void)close(fd);
	return 1;
}

static void folder_free(struct archive_from *f)
{
	(void)close(((struct folder *)f)->fd);
	free(f);
}

static const struct from_ways folder_ways = {
	.list = folder_list, .versions = folder_versions, .open = folder_open, .free = folder_free
};

int archive_from_folder(struct archive_from **out, const char *path, struct err *e)
{
	struct folder *f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, ERR_NOMEM, "out of memory");
	f->from.ways = &folder_ways;
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0) {
		int rc = err_sys(e, errno, "opening the archive's folder %s", path);
		free(f);
		return rc;
	}
	*out = &f->from;
	return 0;
}

/* ---- Both. ---- */

void archive_from_free(struct archive_from *f)
{
	if (f)
		f->ways->free(f);
}

int from_list(struct archive_from *f, int (*one)(void *arg, struct str key, uint64_t bytes), void *arg, struct err *e)
{
	return f->ways->list(f, one, arg, e);
}

size_t from_versions(struct archive_from *f, const char *key)
{
	return f->ways->versions(f, key);
}

int from_open(struct archive_from *f, const char *key, size_t nth, int *fd, uint64_t *bytes, struct err *e)
{
	return f->ways->open(f, key, nth, fd, bytes, e);
}

int from_read_at(int fd, uint64_t off, void *p, size_t n, struct err *e)
{
	char *to = p;
	while (n > 0) {
		ssize_t got = pread(fd, to, n, (off_t)off);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "reading");
		if (got == 0)
			return err_set(e, ERR_CORRUPT, "the file ends too early");
		to += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

int from_read(struct archive_from *f, const char *key, size_t nth, size_t max, struct buf *out, struct err *e)
{
	int fd;
	uint64_t bytes;
	buf_reset(out);
	if (f->is_place && from_told_bytes(f, key, nth) > max)
		return err_set(e, ERR_FULL, "%s: longer than %zu bytes", key, max);
	int rc = from_open(f, key, nth, &fd, &bytes, e);
	if (rc)
		return rc;
	if (bytes > max)
		rc = err_set(e, ERR_FULL, "%s: longer than %zu bytes", key, max);
	for (uint64_t off = 0; rc == 0 && off < bytes;) {
		char piece[16384];
		size_t n = bytes - off < sizeof(piece) ? (size_t)(bytes - off) : sizeof(piece);
		rc = from_read_at(fd, off, piece, n, e);
		buf_put(out, piece, rc ? 0 : n);
		off += n;
	}
	(void)close(fd);
	if (rc == 0 && buf_failed(out))
		rc = err_set(e, ERR_NOMEM, "%s: out of memory", key);
	return rc;
}
