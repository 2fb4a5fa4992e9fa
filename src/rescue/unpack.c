/* See unpack.h and format.h. Hostile input: names come from a closed list of places, every length has a limit,
 * nothing is followed or replaced, and what was begun goes away again when the end is not good. */
#include "unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opener.h"
#include "tomsd/base/file.h"

#define PIECE_BYTES (256u << 10)
#define SPARE_BYTES (UINT64_C(64) << 20) /* to be left on the disk */

struct unpack {
	const struct unpack_ask *ask;
	struct opener *o;
	int folder;
	uint64_t left; /* of the bytes that the head announced */
	uint8_t *piece;
	struct buf *index;
	bool has_database, made_folder;
	size_t n;
	char names[ENTRIES_MAX][ENTRY_NAME_MAX + 1]; /* written so far */
};

static int bad_content(struct err *e)
{
	return err_set(e, ERR_CORRUPT,
		       "what is in this backup is not what tomsd writes; take another one");
}

static bool folder_is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	if (!d)
		return false;
	bool empty = true;
	for (const struct dirent *entry; empty && (entry = readdir(d));)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	(void)closedir(d);
	return empty;
}

static int open_folder(struct unpack *u, struct err *e)
{
	const char *path = u->ask->to_folder;
	u->made_folder = access(path, F_OK) != 0;
	int rc = file_mkdirs(path, 0700, e);
	if (rc != 0)
		return rc;
	u->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u->folder < 0)
		return err_sys(e, errno, "opening %s", path);
	if (!folder_is_empty(u->folder))
		return err_set(
			e, ERR_EXISTS,
			"%s is not empty; say another folder, or move away what is in it",
			path);
	return 0;
}

static int look_for_room(const struct unpack *u, struct err *e)
{
	uint64_t free_bytes, total_bytes, need = u->left;
	int rc = file_space(u->ask->to_folder, &free_bytes, &total_bytes, e);
	if (rc == 0 && (free_bytes < SPARE_BYTES || free_bytes - SPARE_BYTES < need))
		rc = err_set(
			e, ERR_FULL,
			"the backup needs %llu MB and %s has %llu MB free; make room or say "
			"another folder",
			(unsigned long long)(need >> 20) + 64, u->ask->to_folder,
			(unsigned long long)(free_bytes >> 20));
	return rc;
}

/* The place of an entry: its folder is made, it must be new. */
static int create(struct unpack *u, const char *name, int *fd, struct err *e)
{
	const char *slash = strchr(name, '/');
	char folder[ENTRY_NAME_MAX + 1];
	if (slash) {
		(void)str_copy(folder, sizeof(folder), str_n(name, (size_t)(slash - name)));
		if (mkdirat(u->folder, folder, 0700) && errno != EEXIST)
			return err_sys(e, errno, "making %s/%s", u->ask->to_folder, folder);
	}
	*fd = openat(u->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     0600);
	if (*fd < 0)
		return errno == EEXIST ?
			       bad_content(e) :
			       err_sys(e, errno, "creating %s/%s", u->ask->to_folder, name);
	(void)str_copy(u->names[u->n++], ENTRY_NAME_MAX + 1, str_of(name));
	return 0;
}

static int write_all(int fd, const uint8_t *p, size_t n, const char *name, struct err *e)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, errno, "writing %s", name);
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int copy_content(struct unpack *u, int fd, const char *name, uint64_t bytes,
			struct err *e)
{
	const struct unpack_ask *ask = u->ask;
	while (bytes > 0) {
		size_t n = bytes < PIECE_BYTES ? (size_t)bytes : PIECE_BYTES;
		int rc = opener_read(u->o, u->piece, n, e);
		if (rc == 0 && fd >= 0)
			rc = write_all(fd, u->piece, n, name, e);
		if (rc != 0)
			return rc;
		if (fd < 0)
			buf_put(u->index, u->piece, n);
		bytes -= n;
		if (ask->progress &&
		    !ask->progress(ask->arg, opener_done_bytes(u->o), opener_total_bytes(u->o)))
			return err_set(e, ERR_CLOSED, "unpacking was ended before it was done");
	}
	return 0;
}

static int take_file(struct unpack *u, const char *name, uint64_t bytes, struct err *e)
{
	bool is_index = strcmp(name, NAME_INDEX) == 0;
	int fd = -1, rc = 0;
	if (bytes > u->left || is_index != (u->n == 0) || u->n == ENTRIES_MAX ||
	    (strcmp(name, NAME_DATABASE) != 0 && bytes > SMALL_FILE_MAX))
		return bad_content(e);
	u->left -= bytes;
	if (is_index) { /* kept in memory; its name stands in the list like the others' */
		(void)str_copy(u->names[u->n++], ENTRY_NAME_MAX + 1, STR(NAME_INDEX));
		return copy_content(u, -1, name, bytes, e);
	}
	rc = create(u, name, &fd, e);
	if (rc == 0)
		rc = copy_content(u, fd, name, bytes, e);
	if (rc == 0 && fsync(fd))
		rc = err_sys(e, errno, "writing %s", name);
	if (fd >= 0 && close(fd) && rc == 0)
		rc = err_sys(e, errno, "closing %s", name);
	u->has_database |= strcmp(name, NAME_DATABASE) == 0;
	return rc;
}

/* One entry: 1 a file, 0 it was the end. */
static int take_entry(struct unpack *u, struct err *e)
{
	uint8_t head[ENTRY_HEAD_BYTES];
	char name[ENTRY_NAME_MAX + 1] = "";
	int rc = opener_read(u->o, head, sizeof(head), e);
	if (rc != 0)
		return rc;
	size_t n = be_read(head + 2, 2);
	uint64_t bytes = be_read(head + 4, 8);
	if (head[0] == ENTRY_END && head[1] == 0 && n == 0 && bytes == 0)
		return 0;
	if (head[0] != ENTRY_FILE || head[1] != 0 || n > ENTRY_NAME_MAX)
		return bad_content(e);
	rc = opener_read(u->o, name, n, e);
	if (rc == 0 && !entry_name_is_fine(str_n(name, n)))
		rc = bad_content(e);
	if (rc == 0)
		rc = take_file(u, name, bytes, e);
	return rc == 0 ? 1 : rc;
}

static int sync_folders(struct unpack *u, struct err *e)
{
	static const char *const folders[] = { "keys", "panel", "files", "." };
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		int fd = openat(u->folder, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		int rc = fd < 0 || fsync(fd) ?
				 err_sys(e, errno, "syncing %s", u->ask->to_folder) :
				 0;
		if (fd >= 0)
			(void)close(fd); /* nothing is pending behind fsync */
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Only what was made here. */
static void take_back(struct unpack *u)
{
	static const char *const folders[] = { "keys", "panel", "files" };
	if (u->folder < 0)
		return;
	for (size_t i = 0; i < u->n; i++)
		(void)unlinkat(u->folder, u->names[i], 0);
	for (size_t i = 0; u->n > 0 && i < ARRAY_LEN(folders); i++)
		(void)unlinkat(u->folder, folders[i], AT_REMOVEDIR);
	if (u->made_folder)
		(void)rmdir(u->ask->to_folder);
}

static int take_all(struct unpack *u, struct err *e)
{
	int rc = open_folder(u, e);
	if (rc != 0)
		return rc;
	u->left = opener_head(u->o)->plain_bytes;
	/* The head is only proven with the first chunk. */
	rc = take_entry(u, e);
	if (rc == 1)
		rc = look_for_room(u, e) == 0 ? 1 : -e->code;
	while (rc == 1)
		rc = take_entry(u, e);
	if (rc == 0)
		rc = opener_end(u->o, e);
	if (rc == 0 && (u->left > 0 || !u->has_database || buf_failed(u->index)))
		rc = bad_content(e);
	return rc == 0 ? sync_folders(u, e) : rc;
}

int unpack_files(const struct unpack_ask *ask, struct head *head, struct buf *index,
		 struct err *e)
{
	struct unpack *u = calloc(1, sizeof(*u));
	uint8_t *piece = malloc(PIECE_BYTES);
	int rc = u && piece ? 0 : err_set(e, ERR_NOMEM, "no memory to read a backup");
	if (rc == 0) {
		*u = (struct unpack){ .ask = ask, .folder = -1, .piece = piece, .index = index };
		rc = opener_new(&u->o, ask->fd, ask->private_key, ask->public_key, e);
	}
	if (rc == 0) {
		*head = *opener_head(u->o);
		rc = take_all(u, e);
		if (rc != 0)
			take_back(u);
	}
	if (u) {
		opener_free(u->o);
		if (u->folder >= 0)
			(void)close(u->folder); /* nothing is pending behind fsync */
	}
	if (piece)
		explicit_bzero(piece, PIECE_BYTES); /* keys went through it */
	free(piece);
	free(u);
	return rc;
}
