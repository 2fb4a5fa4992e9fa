/* Ballast: a file that only takes up room, given up when the disk is full, so that the log
 * can be moved into the database and the oldest day be dropped: on a disk without a free byte
 * neither is possible. Made when there is plenty of room, a sixteenth of disk_reserve, at
 * most 64 MiB. Store thread. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"

enum { BALLAST_SHARE = 16, BALLAST_MAX = 64 << 20, PLENTY = 2 /* times the reserve */ };

static int64_t wanted(const struct store *st)
{
	uint64_t n = st->conf.disk_reserve / BALLAST_SHARE;
	return n < BALLAST_MAX ? (int64_t)n : BALLAST_MAX;
}

void ballast_make(struct store *st)
{
	uint64_t free_bytes, total;
	int64_t want = wanted(st);
	if (!want || file_size(st->ballast) >= want)
		return;
	if (file_space(st->dir, &free_bytes, &total, NULL) ||
	    free_bytes < PLENTY * st->conf.disk_reserve)
		return;
	int fd = open(st->ballast, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? errno : posix_fallocate(fd, 0, want);
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	if (rc) {
		(void)unlink(st->ballast); /* half of it is of no use */
		log_warning("store", "no ballast on this disk error=%s", LOGQ(strerror(rc)));
	}
}

bool ballast_drop(struct store *st)
{
	if (unlink(st->ballast))
		return false;
	log_warning("store", "the disk is full: ballast given up bytes=%lld",
		    (long long)wanted(st));
	return true;
}
