/* One row group of one object: which of its rows match, and whole rows. One thread. */
#ifndef ARCHIVE_COLD_GROUP_H
#define ARCHIVE_COLD_GROUP_H

#include "tomsd/parquet.h"
#include "tomsd/store/cut.h"

/* Whether rows of this group may have the addresses that q asks for: 0 certainly not, by ranges and bloom filters of the
 * file. For objects of many groups; the index knows whole objects. */
int cold_group_may_hold(struct parquet_file *f, size_t group, const struct record *r, const struct query *q) MUST_CHECK;
/* Rows that the query's words take, told with their time and id filled (and whatever else the words read); n is their
 * number in the group. A non-zero answer ends it. Only the columns that the words read, time and id are fetched. */
int cold_group_find(struct parquet_file *f, size_t group, const struct record *r, struct matcher *m,
		    int (*match)(void *arg, uint32_t n, const void *row), void *arg, struct err *e) MUST_CHECK;
/* Whole rows, with their tails, by their numbers, which rise. */
int cold_group_rows(struct parquet_file *f, size_t group, const struct record *r, const uint32_t *numbers, size_t n,
		    int (*one)(void *arg, size_t i, const void *row), void *arg, struct err *e) MUST_CHECK;

#endif
