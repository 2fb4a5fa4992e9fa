/* What goes into a backup besides the database. One thread. */
#ifndef RESCUE_CONTENTS_H
#define RESCUE_CONTENTS_H

#include "pack.h"
#include "tomsd/base/buf.h"
#include "tomsd/store/cut.h"

#define NAMED_MAX 64

/* Files that a configuration names: what "@FILE" stands for, certificates and keys. Calls one() with each
 * path, at most NAMED_MAX. */
void conf_named_files(struct str conf, void (*one)(void *arg, const char *path), void *arg);
/* Of these only the "@FILE" ones, at most CONF_AT_MAX: the house does not know of them. */
#define CONF_AT_MAX 12
void conf_at_files(struct str conf, void (*one)(void *arg, const char *path), void *arg);

struct contents {
	struct pack_part parts[ENTRIES_MAX];
	size_t n;
	char paths[ENTRIES_MAX][256];  /* where files/NNN-... stood */
	struct buf texts[ENTRIES_MAX]; /* contents; secrets: wiped in the end */
	struct buf left_out;           /* a line each: could not be read */
	struct buf index;
	uint64_t n_tables, n_rows; /* counted in the copy */
};
struct contents *contents_new(void);
void contents_free(struct contents *c);
/* The copy of the database: counted, and checked whole. First. */
int contents_database(struct contents *c, const char *path, const struct store_copied *copied,
		      const char *appliance, const char *version, int64_t made_ns,
		      struct err *e) MUST_CHECK;
/* keys/ and panel/ below the state folder. */
int contents_state(struct contents *c, const char *state_path, struct err *e) MUST_CHECK;
/* tomsd.conf (NULL: none) and what it names. */
int contents_conf(struct contents *c, const char *conf_path, struct err *e) MUST_CHECK;
/* Finishes the index, which becomes the first part. */
int contents_end(struct contents *c, struct err *e) MUST_CHECK;

#endif
