/* A disk that fails: an SQLite VFS over the real one, registered as the default, so that the
 * product knows nothing of it. It can refuse the n-th write or fsync (and the ones after it),
 * and it remembers what was not yet synced, so that a power cut can be played: bad_disk_cut
 * writes the files into another folder as they could lie on the platter then: all that was
 * synced, any part of what was not. */
#ifndef TOMSD_TESTS_STORE_BAD_DISK_H
#define TOMSD_TESTS_STORE_BAD_DISK_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DISK_FILES = 256, DISK_SECTOR = 512 };

struct disk_write {
	sqlite3_int64 at;
	int n; /* -1: truncated to at */
	unsigned char *p;
	struct disk_write *next;
};
struct disk_image { /* one file of the database */
	char name[128];
	unsigned char *p;
	sqlite3_int64 n, room;
	struct disk_write *first, **end; /* since the last sync */
};

static struct {
	pthread_mutex_t m;
	sqlite3_vfs vfs, *real;
	long writes, syncs;         /* so far */
	long fail_write, fail_sync; /* the one to refuse, counted from 1; 0: none */
	long fail_times;            /* how many in a row */
	int write_error;            /* SQLITE_IOERR_WRITE, SQLITE_FULL */
	int failed;                 /* refusals so far */
	int remember;               /* keep images for a power cut */
	struct disk_image images[DISK_FILES];
	int n_images;
} disk = { .m = PTHREAD_MUTEX_INITIALIZER };

struct disk_file {
	sqlite3_file base;
	struct disk_image *image; /* NULL: a temporary file */
	sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct disk_file *)f)->real;
}

/* The error to answer with, SQLITE_OK: go on. */
static int refuse(long *count, const long *fail_at, int sync)
{
	int no = SQLITE_OK;
	pthread_mutex_lock(&disk.m);
	long at = *fail_at;
	++*count;
	if (at && *count >= at && *count < at + disk.fail_times) {
		disk.failed++;
		no = sync ? SQLITE_IOERR_FSYNC : disk.write_error;
	}
	pthread_mutex_unlock(&disk.m);
	return no;
}

static void image_write(struct disk_image *im, sqlite3_int64 at, const void *p, int n)
{
	if (at + n > im->room) {
		sqlite3_int64 room = (at + n) * 2;
		im->p = realloc(im->p, (size_t)room);
		if (!im->p)
			abort();
		memset(im->p + im->room, 0, (size_t)(room - im->room));
		im->room = room;
	}
	memcpy(im->p + at, p, (size_t)n);
	if (at + n > im->n)
		im->n = at + n;
}

static void image_apply(struct disk_image *im, const struct disk_write *w)
{
	if (w->n >= 0) {
		image_write(im, w->at, w->p, w->n);
	} else if (w->at < im->n) {
		memset(im->p + w->at, 0, (size_t)(im->n - w->at));
		im->n = w->at;
	}
}

static void remember(struct disk_image *im, sqlite3_int64 at, const void *p, int n)
{
	if (!disk.remember || !im)
		return;
	struct disk_write *w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	w->at = at;
	w->n = n;
	if (n > 0) {
		w->p = malloc((size_t)n);
		if (!w->p)
			abort();
		memcpy(w->p, p, (size_t)n);
	}
	pthread_mutex_lock(&disk.m);
	*im->end = w;
	im->end = &w->next;
	pthread_mutex_unlock(&disk.m);
}

static void forget_pending(struct disk_image *im)
{
	for (struct disk_write *w = im->first, *next; w; w = next) {
		next = w->next;
		free(w->p);
		free(w);
	}
	im->first = NULL;
	im->end = &im->first;
}

static int disk_write_(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int rc = refuse(&disk.writes, &disk.fail_write, 0);
	if (rc != SQLITE_OK)
		return rc;
	rc = real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
	if (rc == SQLITE_OK)
		remember(((struct disk_file *)f)->image, at, p, n);
	return rc;
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	int rc = real_of(f)->pMethods->xTruncate(real_of(f), n);
	if (rc == SQLITE_OK)
		remember(((struct disk_file *)f)->image, n, NULL, -1);
	return rc;
}

static int disk_sync(sqlite3_file *f, int flags)
{
	struct disk_image *im = ((struct disk_file *)f)->image;
	int rc = refuse(&disk.syncs, &disk.fail_sync, 1);
	if (rc != SQLITE_OK)
		return rc;
	rc = real_of(f)->pMethods->xSync(real_of(f), flags);
	if (rc != SQLITE_OK || !im || !disk.remember)
		return rc;
	pthread_mutex_lock(&disk.m);
	for (struct disk_write *w = im->first; w; w = w->next)
		image_apply(im, w);
	forget_pending(im);
	pthread_mutex_unlock(&disk.m);
	return rc;
}

static int disk_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}
static int disk_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}
static int disk_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), n);
}
static int disk_lock(sqlite3_file *f, int l)
{
	return real_of(f)->pMethods->xLock(real_of(f), l);
}
static int disk_unlock(sqlite3_file *f, int l)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), l);
}
static int disk_reserved(sqlite3_file *f, int *r)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), r);
}
static int disk_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int disk_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}
/* No promise of atomic or ordered writes, whatever the real file system says. */
static int disk_character(sqlite3_file *f)
{
	(void)f;
	return 0;
}
static int disk_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, p);
}
static int disk_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}
static void disk_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}
static int disk_shm_unmap(sqlite3_file *f, int del)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), del);
}

static const sqlite3_io_methods disk_methods = {
	.iVersion = 2,
	.xClose = disk_close,
	.xRead = disk_read,
	.xWrite = disk_write_,
	.xTruncate = disk_truncate,
	.xSync = disk_sync,
	.xFileSize = disk_size,
	.xLock = disk_lock,
	.xUnlock = disk_unlock,
	.xCheckReservedLock = disk_reserved,
	.xFileControl = disk_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_character,
	.xShmMap = disk_shm_map,
	.xShmLock = disk_shm_lock,
	.xShmBarrier = disk_shm_barrier,
	.xShmUnmap = disk_shm_unmap,
};

static struct disk_image *image_of(const char *path)
{
	struct disk_image *im = NULL;
	pthread_mutex_lock(&disk.m);
	for (int i = 0; i < disk.n_images; i++)
		if (strcmp(disk.images[i].name, path) == 0)
			im = &disk.images[i];
	if (!im && disk.n_images < DISK_FILES) {
		im = &disk.images[disk.n_images++];
		memset(im, 0, sizeof(*im));
		snprintf(im->name, sizeof(im->name), "%s", path);
		im->end = &im->first;
	}
	pthread_mutex_unlock(&disk.m);
	return im;
}

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags,
		     int *out)
{
	struct disk_file *df = (struct disk_file *)f;
	(void)vfs;
	df->real = (sqlite3_file *)(void *)(df + 1);
	df->image = name && !(flags & SQLITE_OPEN_DELETEONCLOSE) ? image_of(name) : NULL;
	int rc = disk.real->xOpen(disk.real, name, df->real, flags, out);
	f->pMethods = df->real->pMethods ? &disk_methods : NULL;
	return rc;
}

/* SQLite syncs the folder after a deletion that counts: it is gone for good. */
static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
	(void)vfs;
	int rc = disk.real->xDelete(disk.real, name, sync_folder);
	if (rc == SQLITE_OK || rc == SQLITE_IOERR_DELETE_NOENT) {
		struct disk_image *im = image_of(name);
		pthread_mutex_lock(&disk.m);
		if (im) {
			forget_pending(im);
			im->n = 0;
		}
		pthread_mutex_unlock(&disk.m);
	}
	return rc;
}

static void bad_disk_register(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "bad_disk";
	disk.vfs.pNext = NULL;
	disk.vfs.szOsFile = (int)sizeof(struct disk_file) + disk.real->szOsFile;
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	disk.fail_times = 1;
	disk.write_error = SQLITE_IOERR_WRITE;
	sqlite3_vfs_register(&disk.vfs, 1);
}

static void bad_disk_well(void)
{
	pthread_mutex_lock(&disk.m);
	disk.fail_write = disk.fail_sync = disk.writes = disk.syncs = 0;
	disk.failed = 0;
	disk.fail_times = 1;
	disk.write_error = SQLITE_IOERR_WRITE;
	pthread_mutex_unlock(&disk.m);
}

/* How often it said no. */
UNUSED static int bad_disk_failed(void)
{
	pthread_mutex_lock(&disk.m);
	int n = disk.failed;
	pthread_mutex_unlock(&disk.m);
	return n;
}

/* Refuses the n-th write or sync from now on, times in a row. */
UNUSED static void bad_disk_fail(int sync, long n, long times, int error)
{
	bad_disk_well();
	pthread_mutex_lock(&disk.m);
	*(sync ? &disk.fail_sync : &disk.fail_write) = n;
	disk.fail_times = times;
	disk.write_error = error;
	pthread_mutex_unlock(&disk.m);
}

UNUSED static void bad_disk_remember(int on)
{
	pthread_mutex_lock(&disk.m);
	disk.remember = on;
	for (int i = 0; i < disk.n_images; i++) {
		forget_pending(&disk.images[i]);
		free(disk.images[i].p);
	}
	disk.n_images = 0;
	pthread_mutex_unlock(&disk.m);
}

/* The platter after a power cut right now: each sector not yet synced is there or not. */
UNUSED static void bad_disk_cut(const char *from, const char *to, unsigned (*dice)(void))
{
	pthread_mutex_lock(&disk.m);
	for (int i = 0; i < disk.n_images; i++) {
		struct disk_image *im = &disk.images[i], cut = { 0 };
		char path[512];
		if (strncmp(im->name, from, strlen(from)) || strstr(im->name, "-shm"))
			continue;
		if (im->n)
			image_write(&cut, 0, im->p, (int)im->n);
		for (const struct disk_write *w = im->first; w; w = w->next) {
			if (w->n < 0 && dice() % 2)
				image_apply(&cut, w);
			for (int at = 0; at < w->n; at += DISK_SECTOR) {
				int n = w->n - at < DISK_SECTOR ? w->n - at : DISK_SECTOR;
				if (dice() % 3)
					image_write(&cut, w->at + at, w->p + at, n);
			}
		}
		if (!im->n && !im->first)
			continue;
		snprintf(path, sizeof(path), "%s%s", to, im->name + strlen(from));
		FILE *f = fopen(path, "wb");
		if (!f || (cut.n && fwrite(cut.p, (size_t)cut.n, 1, f) != 1) || fclose(f))
			abort();
		free(cut.p);
	}
	pthread_mutex_unlock(&disk.m);
}

#endif
