/* Which columns a record has in the archive. One thread builds it, any may read it. */
#ifndef TOMSD_PARQUET_SCHEMA_H
#define TOMSD_PARQUET_SCHEMA_H

#include "parquet.h"

#define EXTRA_NAME "toms.extra"

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
};

struct schema {
	const struct record *record;
	struct field *fields; /* in the record's outside order; toms.extra is the last */
	size_t n;
	uint16_t *by_out; /* n_out: field + 1 of the record's outside member, or one of: */
#define SCHEMA_EXTRA 0 /* stands in toms.extra */
#define SCHEMA_LEFT_OUT UINT16_MAX
	bool has_left_out;
	uint16_t *by_name; /* slots by hash: field + 1 */
	size_t slots;
};

int schema_init(struct schema *s, const struct record *r, const char *const *leave_out, struct err *e);
void schema_fini(struct schema *s);
/* Field by its whole name; NULL. */
const struct field *schema_field(const struct schema *s, struct str name);
static inline const struct field *schema_extra(const struct schema *s) { return &s->fields[s->n - 1]; }

#endif
