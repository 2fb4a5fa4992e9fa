/* Plain and gzipped bytes (RFC 1952, several members one after the other) from anything with a
 * descriptor. A pipe is waited for with the stop signal beside it. */
#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tomsd/base/thread.h"

#define PACKED_BYTES (256u << 10)

struct bytes {
	int fd;
	bool waits;        /* a pipe or terminal: read() may block */
	bool ended;        /* fd has said 0 */
	bool gzip, inside; /* z is set up; in the middle of a member */
	z_stream z;
	size_t head_at, head_n; /* first bytes, read to look at */
	uint8_t head[2];
	uint8_t *packed; /* gzip: PACKED_BYTES */
};

/* Waits until fd has something: 0, -ERR_CLOSED (stop). */
static int wait_readable(const struct bytes *b, int stop_fd, struct err *e)
{
	struct pollfd fds[2] = { { b->fd, POLLIN, 0 }, { stop_fd, POLLIN, 0 } };
	thread_park();
	int r;
	do
		r = poll(fds, stop_fd >= 0 ? 2 : 1, -1);
	while (r < 0 && errno == EINTR);
	thread_unpark();
	if (r < 0)
		return err_sys(e, errno, "waiting for bytes");
	return stop_fd >= 0 && (fds[1].revents & POLLIN) ? -ERR_CLOSED : 0;
}

static long fd_read(struct bytes *b, void *out, size_t max, int stop_fd, struct err *e)
{
	while (!b->ended) {
		int r = b->waits ? wait_readable(b, stop_fd, e) : 0;
		if (r < 0)
			return r;
		ssize_t n = read(b->fd, out, max);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_sys(e, errno, "reading");
		b->ended = n == 0;
		if (n > 0)
			return n;
	}
	return 0;
}

static int gzip_begin(struct bytes *b, struct err *e)
{
	b->packed = malloc(PACKED_BYTES);
	if (!b->packed || inflateInit2(&b->z, 15 + 16) != Z_OK)
		return err_set(e, ERR_NOMEM, "no memory to unpack gzip");
	b->gzip = true;
	memcpy(b->packed, b->head, b->head_n);
	b->z.next_in = b->packed;
	b->z.avail_in = (uInt)b->head_n;
	return 0;
}

/* The first two bytes tell gzip from the rest. */
static int look(struct bytes *b, int stop_fd, struct err *e)
{
	while (b->head_n < sizeof(b->head)) {
		long n = fd_read(b, b->head + b->head_n, sizeof(b->head) - b->head_n, stop_fd,
				 e);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		b->head_n += (size_t)n;
	}
	return b->head[0] == 0x1f && b->head[1] == 0x8b ? gzip_begin(b, e) : 0;
}

/* A member has ended: another one may follow; zeros or rubbish behind the last are padding. */
static bool next_member(struct bytes *b)
{
	b->inside = false;
	if (b->z.avail_in > 0 && b->z.next_in[0] != 0x1f) {
		b->z.avail_in = 0;
		b->ended = true;
		return false;
	}
	return inflateReset(&b->z) == Z_OK;
}

static long gzip_read(struct bytes *b, void *out, size_t max, int stop_fd, struct err *e)
{
	b->z.next_out = out;
	b->z.avail_out = (uInt)max;
	while (b->z.avail_out == max) {
		if (b->z.avail_in == 0) {
			long n = fd_read(b, b->packed, PACKED_BYTES, stop_fd, e);
			if (n < 0)
				return n;
			if (n == 0)
				return b->inside ?
					       err_set(e, ERR_CORRUPT, "gzip ends too early") :
					       0;
			b->z.next_in = b->packed;
			b->z.avail_in = (uInt)n;
		}
		b->inside = true;
		int r = inflate(&b->z, Z_NO_FLUSH);
		if (r == Z_STREAM_END) {
			if (!next_member(b))
				break;
		} else if (r != Z_OK) {
			return err_set(e, ERR_CORRUPT, "gzip is damaged: %s",
				       b->z.msg ? b->z.msg : "no words");
		}
	}
	return (long)(max - b->z.avail_out);
}

int bytes_open(struct bytes **out, const char *path, struct err *e)
{
	struct stat st;
	struct bytes *b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(e, ERR_NOMEM, "no memory for %s", path);
	b->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
					 open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (b->fd < 0 || fstat(b->fd, &st) < 0) {
		int r = err_sys(e, errno, "opening %s", path);
		bytes_free(b);
		return r;
	}
	if (S_ISDIR(st.st_mode)) {
		bytes_free(b);
		return err_set(e, ERR_INVALID, "%s is a folder; name the capture files in it",
			       path);
	}
	b->waits = !S_ISREG(st.st_mode);
	if (!b->waits)
		(void)posix_fadvise(b->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint */
	*out = b;
	return 0;
}

void bytes_free(struct bytes *b)
{
	if (!b)
		return;
	if (b->gzip)
		(void)inflateEnd(&b->z);
	if (b->fd >= 0)
		(void)close(b->fd);
	free(b->packed);
	free(b);
}

long bytes_read(struct bytes *b, void *out, size_t max, int stop_fd, struct err *e)
{
	if (b->head_n < sizeof(b->head) && !b->ended) {
		int r = look(b, stop_fd, e);
		if (r < 0)
			return r;
	}
	if (b->gzip)
		return gzip_read(b, out, max, stop_fd, e);
	if (b->head_at < b->head_n) {
		size_t n = b->head_n - b->head_at < max ? b->head_n - b->head_at : max;
		memcpy(out, b->head + b->head_at, n);
		b->head_at += n;
		return (long)n;
	}
	return fd_read(b, out, max, stop_fd, e);
}
