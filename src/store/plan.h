/* Private half of plans: making them, and the SQL of a record's tables. */
#ifndef TOMSD_STORE_PLAN_H
#define TOMSD_STORE_PLAN_H

#include "layout.h"

/* Compiles r for the store with this token seed; -ERR_INVALID: the record breaks a rule. */
int plan_new(struct plan **out, const struct record *r, struct err *e) MUST_CHECK;
/* CREATE TABLE statements of one day, for sql_exec. */
void plan_create_sql(const struct plan *p, int32_t day, struct buf *out);
/* INSERT INTO flow_20261122 VALUES (?,?,...): id, then plan.cols in order. Not for packs. */
void plan_insert_sql(const struct plan *p, int32_t day, struct buf *out);
/* The letter of a column in a shape (packer.h). */
char plan_letter(const struct plan_col *c);
/* Is the first column numbers that others may be relative to? */
static inline bool plan_base(const struct plan *p)
{
	return p->n_cols && p->cols[0].how == AS_INT;
}
/* SQL type of a column. */
const char *plan_sql_type(const struct plan_col *c);

enum { PART_NAME_MAX = 64 };
/* "flow_20261122" + suffix ("", "_text", "_tok", "_zone"). */
void part_name(char out[PART_NAME_MAX], const struct record *r, int32_t day,
	       const char *suffix);

#endif
