/* Writing packs: rows of a record with a tail on their way into their day's table (pack.h says how the
 * columns are written).
 *
 *   log_20261122        (id INTEGER PRIMARY KEY, n, bytes, cols BLOB, lines BLOB)
 *   log_20261122_shape  (id INTEGER PRIMARY KEY, cols TEXT NOT NULL UNIQUE)
 *
 * id: of the first row. n: rows. bytes: of all their tails. cols, lines: frames (zip.h). A shape is the
 * list of columns that packs of it have, "at_ns:n src:a name:t": n number, a address, m MAC, t text, d text
 * of the day's dictionary. Store thread. */
#ifndef TOMSD_STORE_PACKER_H
#define TOMSD_STORE_PACKER_H

#include "dict.h"
#include "pack.h"
#include "plan.h"

/* What packing needs for a moment; one for all days. */
struct press;
int press_new(struct press **out, struct err *e) MUST_CHECK;
void press_free(struct press *ps);

struct packer {
	const struct plan *plan; /* NULL: not open */
	struct dict *dict;
	char table[PART_NAME_MAX];
	int64_t shape;
	struct stmt *insert;
	const void *rows[PACK_ROWS]; /* of a pack that is not full; somebody else's */
	size_t n, tail_bytes;
	int64_t tidy_id; /* packs before this one are as full as they get */
	unsigned small;  /* small packs written since the last step of tidying */
};

int packer_open(struct packer *k, struct sql *db, const struct plan *p, const char *table,
		struct dict *dict, struct err *e) MUST_CHECK;
void packer_close(struct packer *k); /* fine on a zeroed one */
/* Takes a row that has its id, which stays where it is until packer_flush; ids rise. */
int packer_add(struct packer *k, struct press *ps, const void *row, struct err *e) MUST_CHECK;
/* Writes what waits; a pack never spans a commit. */
int packer_flush(struct packer *k, struct press *ps, struct err *e) MUST_CHECK;
/* One step towards full packs, in a transaction, while nothing waits: small neighbours become one. all:
 * also the last ones, which may still get another neighbour. 1: something was done, 0: nothing is left. */
int packer_tidy(struct packer *k, struct press *ps, struct sql *db, int32_t day, bool all,
		struct err *e) MUST_CHECK;

#endif
