/* toms.extra: one JSON object with what a row says and no column holds. One thread. */
#ifndef TOMSD_PARQUET_EXTRA_H
#define TOMSD_PARQUET_EXTRA_H

#include "schema.h"

struct extra {
	const struct schema *schema;
	bool *said; /* by field: its column holds this row's value */
	uint16_t *members; /* of the record's outside members: those that may have to stand here */
	size_t n_members;
	struct buf whole, out, bytes;
	struct buf exact; /* where whole rows are kept: EXACT_NAME of this row */
};

int extra_init(struct extra *x, const struct schema *s, struct err *e);
void extra_fini(struct extra *x);
void extra_begin(struct extra *x); /* a new row: nothing said yet */
static inline void extra_said(struct extra *x, size_t field) { x->said[field] = true; }
/* A text that is not valid UTF-8: its column shows it cleaned, its bytes stand here (base64). */
void extra_bytes(struct extra *x, const char *name, struct str exact);
/* A stored column whose exact value stands nowhere else in this row. */
void extra_exact(struct extra *x, const struct col *c, const void *row);
/* A member's value as it stands in such an object, by dotted path; empty: there is none. Of hostile text too. */
struct str extra_member(struct str object, const char *path);
/* The object, good until the next row; empty when the row says nothing more. n = 0 and *failed without
 * memory. */
struct str extra_end(struct extra *x, const void *row, bool *failed);

#endif
