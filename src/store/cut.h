/* What retention and cuts tell each other: see cut.c. Store thread, inside a transaction. */
#ifndef TOMSD_STORE_CUT_INSIDE_H
#define TOMSD_STORE_CUT_INSIDE_H

#include "tomsd/store.h"

/* n rows of a day, those with the lowest ids, have just been deleted from its table. */
int cut_rows_gone(struct sql *db, const char *record, int32_t day, const char *table, int64_t n,
		  struct err *e) MUST_CHECK;
/* The whole day is being taken away, its row in part still there. */
int cut_day_gone(struct sql *db, const char *record, int32_t day, struct err *e) MUST_CHECK;
/* Half dropped days with rows that are not in the archive: readers see what is left of them again. */
int cut_take_back(struct sql *db, struct err *e) MUST_CHECK;

#endif
