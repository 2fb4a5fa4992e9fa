/* The day tables that the writer has open. Store thread. */
#ifndef TOMSD_STORE_PART_H
#define TOMSD_STORE_PART_H

#include "dict.h"
#include "index.h"
#include "packer.h"
#include "plan.h"

enum { PARTS_OPEN = 24 }; /* several records, late rows; more is a look at the table again */

struct part {
	const struct plan *plan; /* NULL: free place */
	struct part_info info;
	char table[PART_NAME_MAX];
	struct stmt *insert; /* NULL: rows go into packs */
	struct packer packer;
	struct dict dict;
	struct token_seeds seeds;
	struct bucket bucket;
	int64_t chapters;     /* full ones in the contents */
	int64_t touched_ns;   /* wall clock of the last commit of rows */
	bool dirty, fresh;    /* fresh: there are new rows */
	uint64_t used;        /* parts.clock at its last row */
	int64_t used_mono_ns; /* when that was */
};

struct parts {
	struct sql *db;
	uint64_t seed, clock;
	struct press *press; /* made when a row of a record with a tail comes */
	struct part open[PARTS_OPEN];
	struct part *last; /* where the row before went; NULL: nowhere */
	int64_t made;      /* tables made since parts_init, for stats */
};

void parts_init(struct parts *ps, struct sql *db,
		uint64_t seed); /* zeroed, or after parts_drop */
/* Forgets what is in memory; after a rollback, and at the end. */
void parts_drop(struct parts *ps);
void parts_fini(struct parts *ps); /* and gives up what is kept between two files */
/* Inside a transaction: stores the row in its day and writes its id into it. A row with a tail stays
 * where it is until parts_flush. */
int parts_insert(struct parts *ps, const struct plan *p, void *row, struct part **in,
		 struct err *e) MUST_CHECK;
/* Inside the same transaction: the part rows of what was inserted. */
int parts_flush(struct parts *ps, int64_t now_ns, struct err *e) MUST_CHECK;
/* Closes one day nobody wrote to for a while, with its last bucket: 1 when it did (in a
 * transaction of its own), 0 nothing to do. */
int parts_close_idle(struct parts *ps, int64_t idle_ns, struct err *e) MUST_CHECK;
/* Writes one chapter of the contents that is due: 1 when it did (in a transaction of its
 * own), 0. */
int parts_write_chapter(struct parts *ps, struct err *e) MUST_CHECK;
/* So many small packs were written that they should be made into full ones soon. */
bool parts_want_tidying(const struct parts *ps);
/* Makes some small packs into full ones: 1 when it did (in a transaction of its own), 0. */
int parts_tidy_packs(struct parts *ps, struct err *e) MUST_CHECK;
/* Gives up a day that is about to be dropped. */
void parts_forget(struct parts *ps, const char *record, int32_t day);

#endif
