/* Where objects are read from: a folder or a place, behind one door. An object may have several versions in a place
 * (write-once keeps versions, not names), so that all reading is of the n-th one, the oldest first. A folder has one
 * of each. One thread. */
#ifndef ARCHIVE_FROM_H
#define ARCHIVE_FROM_H

#include "tomsd/archive.h"
#include "tomsd/s3.h"

/* What the ways do; each gets itself. */
struct from_ways {
	/* Every name below kind=... and _manifest/, in any order, once; one() non-zero ends it with that. */
	int (*list)(struct archive_from *f, int (*one)(void *arg, struct str key, uint64_t bytes), void *arg,
		    struct err *e);
	size_t (*versions)(struct archive_from *f, const char *key);
	int (*open)(struct archive_from *f, const char *key, size_t nth, int *fd, uint64_t *bytes, struct err *e);
	void (*free)(struct archive_from *f);
	/* Places only. */
	size_t (*version)(struct archive_from *f, const char *key, struct str version_id);
	bool (*hidden)(struct archive_from *f, const char *key, size_t nth, char *words, size_t cap);
	uint64_t (*bytes)(struct archive_from *f, const char *key, size_t nth);
	int (*lock)(struct archive_from *f, const char *key, size_t nth, struct s3_version *out, struct err *e);
};
struct archive_from { /* first member of each of them */
	const struct from_ways *ways;
	bool is_place;
	char name[64];     /* of the place */
	char scratch[512]; /* folder for what is fetched, unlinked at once; a place's only */
};

int from_list(struct archive_from *f, int (*one)(void *arg, struct str key, uint64_t bytes), void *arg,
	      struct err *e) MUST_CHECK;
/* How many versions can be read; 0: it is not there. */
size_t from_versions(struct archive_from *f, const char *key);
/* Opens one for reading; who asked closes it. -ERR_NOTFOUND, -ERR_DENIED (no plain file: a link, a device). */
int from_open(struct archive_from *f, const char *key, size_t nth, int *fd, uint64_t *bytes, struct err *e) MUST_CHECK;
/* All of a small one; -ERR_FULL when it is longer than max (a place's is not fetched then). out is emptied first. */
int from_read(struct archive_from *f, const char *key, size_t nth, size_t max, struct buf *out, struct err *e) MUST_CHECK;
/* n bytes at off; a file that ends before is -ERR_CORRUPT. */
int from_read_at(int fd, uint64_t off, void *p, size_t n, struct err *e) MUST_CHECK;

/* NULL: a folder. */
static inline const char *from_place_name(const struct archive_from *f) { return f->is_place ? f->name : NULL; }

/* Where what is fetched lies while it is read; /tmp, where nothing is said. */
static inline void from_scratch(struct archive_from *f, const char *folder)
{
	(void)str_copy(f->scratch, sizeof(f->scratch), str_of(folder));
}

/* Of places only. Which one has this version id; SIZE_MAX: none. */
static inline size_t from_version(struct archive_from *f, const char *key, struct str version_id)
{
	return f->ways->version(f, key, version_id);
}
/* What stands in front of the n-th one, so that a plain GET would not give its bytes: a delete marker, or a newer
 * version with other bytes. False: nothing does. */
static inline bool from_hidden(struct archive_from *f, const char *key, size_t nth, char *words, size_t cap)
{
	return f->ways->hidden(f, key, nth, words, cap);
}
/* How long the list says it is: who serves a place may say and send anything, and what is fetched fills our disk. */
static inline uint64_t from_told_bytes(struct archive_from *f, const char *key, size_t nth)
{
	return f->ways->bytes(f, key, nth);
}
/* Its lock, asked of the server. */
static inline int from_lock(struct archive_from *f, const char *key, size_t nth, struct s3_version *out, struct err *e)
{
	return f->ways->lock(f, key, nth, out, e);
}

#endif
