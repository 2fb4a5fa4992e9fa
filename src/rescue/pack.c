/* See pack.h and format.h. */
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sealer.h"
#include "tomsd/base/file.h"

#define PIECE_BYTES (256u << 10)
#define PATH_BYTES 1200

struct pack {
	const struct pack_ask *ask;
	struct sealer *s;
	uint64_t done, total;
	uint8_t *piece;
};

static int tell(struct pack *k, uint64_t n, struct err *e)
{
	k->done += n;
	if (!k->ask->progress || k->ask->progress(k->ask->arg, k->done, k->total))
		return 0;
	return err_set(e, ERR_CLOSED, "the backup was ended before it was done");
}

static int put_entry(struct pack *k, unsigned kind, struct str name, uint64_t bytes,
		     struct err *e)
{
	uint8_t head[ENTRY_HEAD_BYTES] = { (uint8_t)kind };
	be_put(head + 2, name.n, 2);
	be_put(head + 4, bytes, 8);
	int rc = sealer_put(k->s, head, sizeof(head), e);
	return rc == 0 ? sealer_put(k->s, name.p, name.n, e) : rc;
}

/* Exactly as many bytes as were announced. */
static int put_file(struct pack *k, const char *path, uint64_t bytes, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	if (fd < 0)
		return err_sys(e, errno, "reading %s", path);
	while (bytes > 0 && rc == 0) {
		ssize_t r = read(fd, k->piece, bytes < PIECE_BYTES ? bytes : PIECE_BYTES);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			rc = err_sys(e, errno, "reading %s", path);
		else if (r == 0)
			rc = err_set(e, ERR_IO, "%s became shorter while it was read", path);
		if (rc != 0)
			break;
		rc = sealer_put(k->s, k->piece, (size_t)r, e);
		if (rc == 0)
			rc = tell(k, (uint64_t)r, e);
		bytes -= (uint64_t)r;
	}
	(void)close(fd); /* nothing was written */
	return rc;
}

static int part_bytes(const struct pack_part *p, uint64_t *bytes, struct err *e)
{
	int64_t n = p->path ? file_size(p->path) : (int64_t)p->bytes.n;
	if (n < 0)
		return err_set(e, ERR_IO, "%s cannot be read", p->path);
	*bytes = (uint64_t)n;
	return 0;
}

static int put_part(struct pack *k, const struct pack_part *p, struct err *e)
{
	uint64_t bytes = 0;
	int rc = part_bytes(p, &bytes, e);
	assert(entry_name_is_fine(str_of(p->name)));
	if (rc == 0)
		rc = put_entry(k, ENTRY_FILE, str_of(p->name), bytes, e);
	if (rc != 0)
		return rc;
	if (p->path)
		return put_file(k, p->path, bytes, e);
	rc = sealer_put(k->s, p->bytes.p, p->bytes.n, e);
	return rc == 0 ? tell(k, bytes, e) : rc;
}

static int put_all(struct pack *k, int fd, struct packed *out, struct err *e)
{
	const struct pack_ask *ask = k->ask;
	struct head h = { .made_ns = ask->made_ns };
	int rc = 0;
	(void)str_copy(h.appliance, sizeof(h.appliance), str_of(ask->appliance));
	(void)str_copy(h.version, sizeof(h.version), str_of(ask->version));
	for (size_t i = 0; i < ask->n_parts && rc == 0; i++) {
		uint64_t bytes = 0;
		rc = part_bytes(&ask->parts[i], &bytes, e);
		k->total += bytes;
	}
	h.plain_bytes = k->total;
	if (rc == 0)
		rc = sealer_new(&k->s, fd, ask->recipient, &h, e);
	for (size_t i = 0; i < ask->n_parts && rc == 0; i++)
		rc = put_part(k, &ask->parts[i], e);
	if (rc == 0)
		rc = put_entry(k, ENTRY_END, STR_NULL, 0, e);
	if (rc == 0)
		rc = sealer_end(k->s, &out->bytes, out->sha256, e);
	if (rc == 0 && fsync(fd))
		rc = err_sys(e, errno, "writing the backup");
	return rc;
}

int pack_write(const char *path, const struct pack_ask *ask, struct packed *out, struct err *e)
{
	char fresh[PATH_BYTES];
	struct packed made = { 0 };
	struct pack k = { .ask = ask, .piece = malloc(PIECE_BYTES) };
	int n = snprintf(fresh, sizeof(fresh), "%s.new", path), fd = -1, rc = 0;
	if (!k.piece)
		rc = err_set(e, ERR_NOMEM, "no memory to write a backup");
	else if (n < 0 || (size_t)n >= sizeof(fresh))
		rc = err_set(e, ERR_RANGE, "%s: path too long", path);
	if (rc == 0) {
		(void)unlink(fresh); /* left by a power cut */
		fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			rc = err_sys(e, errno, "creating %s", fresh);
	}
	if (rc == 0)
		rc = put_all(&k, fd, &made, e);
	sealer_free(k.s);
	free(k.piece);
	if (fd >= 0 && close(fd) && rc == 0)
		rc = err_sys(e, errno, "closing %s", fresh);
	if (rc == 0 && rename(fresh, path))
		rc = err_sys(e, errno, "renaming %s", fresh);
	if (rc == 0)
		rc = file_sync_folder_of(path, e);
	else if (fd >= 0)
		(void)unlink(fresh); /* the first error is the one to tell */
	if (rc == 0)
		*out = made;
	return rc;
}
