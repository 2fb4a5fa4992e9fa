/* The index of an object made again from its file: after a restore, or for a lost database. All its rows are read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index.h"
#include "tomsd/base/thread.h"

enum { BEAT_ROWS = 4096 };

struct put {
	int64_t object;
	const struct index_build *build;
};

static int put_object(struct sql *db, void *arg, struct err *e)
{
	const struct put *p = arg;
	return index_put(db, p->object, p->build, e);
}

static int read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	const int *fd = ctx;
	uint8_t *to = p;
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(*fd, to + done, n - done, (off_t)(off + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "reading");
		if (got == 0)
			return err_set(e, ERR_CORRUPT, "the file's end is missing");
		done += (size_t)got;
	}
	return 0;
}

static int read_group(struct index_build *b, struct parquet_file *f, const struct parquet_row_conf *conf, void *row,
		      struct err *e)
{
	struct parquet_row *rows = NULL;
	int rc = parquet_row_new(&rows, f, conf, e);
	for (size_t n = 0; !rc; n++) {
		rc = parquet_row_next(rows, row, e);
		if (!rc)
			index_row(b, row);
		if (n % BEAT_ROWS == 0)
			thread_beat();
	}
	parquet_row_free(rows);
	return rc == -ERR_CLOSED ? 0 : rc;
}

static int build_from(struct index_build **out, struct parquet_file *f, struct err *e)
{
	struct str kind = STR_NULL;
	const struct record *r = parquet_pair(f, STR("toms.record"), &kind) ? record_by_name(kind) : NULL;
	if (!r)
		return err_set(e, ERR_UNSUPPORTED, "rows of a kind that this version does not know");
	void *row = calloc(1, r->bytes + (r->tail ? r->tail->max : 0) + 1);
	int rc = row ? index_new(out, r, e) : err_set(e, ERR_NOMEM, "no memory for a row");
	for (size_t g = 0; !rc && g < parquet_groups(f); g++) {
		const struct parquet_row_conf conf = { .record = r, .group = g };
		rc = read_group(*out, f, &conf, row, e);
	}
	if (!rc)
		rc = index_groups(*out, f, e);
	free(row);
	return rc;
}

static int build_from_fd(struct index_build **out, int fd, struct err *e)
{
	struct stat st;
	struct parquet_file *f = NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return err_set(e, ERR_IO, "not a file");
	struct parquet_source src = { .read_at = read_at, .ctx = &fd, .size = (uint64_t)st.st_size };
	int rc = parquet_open(&f, &src, e);
	if (!rc)
		rc = build_from(out, f, e);
	parquet_close(f);
	return rc;
}

int index_object_from_file(struct store *st, int64_t object, const char *path, struct err *e)
{
	struct index_build *b = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, errno, "opening %s", path);
	int rc = build_from_fd(&b, fd, e);
	(void)close(fd); /* was only read */
	struct put put = { object, b };
	if (!rc)
		rc = store_write(st, put_object, &put, e);
	index_free(b);
	return rc ? err_wrap(e, "making the index of %s", path) : 0;
}
