/* Which columns a record has in the archive. One thread builds it, any may read it. */
#ifndef TOMSD_PARQUET_SCHEMA_H
#define TOMSD_PARQUET_SCHEMA_H

#include "parquet.h"

#define EXTRA_NAME "toms.extra"
/* Stored columns that no member shows as they are: ROW_NAME and the column's name. */
#define ROW_NAME "toms.row."
/* What columns could not hold exactly: column's name, NUL, two bytes how many, lowest first, those bytes; and so
 * on. */
#define EXACT_NAME "toms.row.bytes"

/* What a column's values are told apart by while they are collected: numbers as 8 bytes, addresses as
 * they lie in the row; they become text when the page is written. */
enum field_key { KEY_NUMBER, KEY_TEXT, KEY_ADDR, KEY_MAC };

struct field {
	const char *name; /* dotted ECS name */
	enum parquet_type type;
	enum field_key key;
	const struct col *col;     /* read as it is, or */
	const struct out_col *out; /* computed; neither: toms.extra */
	bool is_long; /* values so long and different that neither dictionary nor range pays */
	/* A computed member may be all there is to say of a stored column: its row field + 1, and back. */
	uint16_t row_field, carrier;
	bool is_row; /* of a stored column; col is set too */
};

struct schema {
	const struct record *record;
	/* Members in the record's outside order, row fields and EXACT_NAME where whole rows are kept, and
	 * toms.extra. */
	struct field *fields;
	size_t n, n_members;
	bool whole;
	uint16_t *by_out; /* n_out: field + 1 of the record's outside member, or one of: */
#define SCHEMA_EXTRA 0 /* stands in toms.extra */
#define SCHEMA_LEFT_OUT UINT16_MAX
	bool has_left_out;
	uint16_t *by_name; /* slots by hash: field + 1 */
	size_t slots;
	char *names; /* of row fields */
	size_t names_n;
};

/* whole: rows can be made of the file again; only computed members are left out then. */
int schema_init(struct schema *s, const struct record *r, const char *const *leave_out, bool whole,
		struct err *e);
/* Which value of a file a stored column is in, where it is one: as schema_init decides for whole rows. */
bool schema_is_in_extra(const struct record *r, const struct col *c); /* JSON as it stands in toms.extra */
const struct out_col *schema_plain(const struct record *r, const struct col *c); /* shown as it is; NULL */
const struct out_col *schema_carrier(const struct record *r, const struct col *c); /* NULL: none */
enum parquet_type schema_row_type(const struct col *c);
void schema_fini(struct schema *s);
/* Field by its whole name; NULL. */
const struct field *schema_field(const struct schema *s, struct str name);
static inline size_t schema_exact(const struct schema *s) { return s->n - 2; } /* where whole */
static inline const struct field *schema_extra(const struct schema *s) { return &s->fields[s->n - 1]; }

#endif
