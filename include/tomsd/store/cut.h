/* Rows on their way into the archive: what has arrived since the last cut, and those rows again, in the order
 * in which they arrived. Ids of a day rise with arrival, so a cut is one id a day and record.
 *
 * A day is dropped by age or for want of disk only up to what has been cut and released (store_keep_unsealed);
 * what is known of a dropped day (its last id) stays, so late rows of it get new ids and a later cut. */
#ifndef TOMSD_STORE_CUT_H
#define TOMSD_STORE_CUT_H

#include "tomsd/store.h"

struct store_span { /* ids (after, last] of one day */
	const struct record *record;
	int32_t day; /* YYYYMMDD */
	int64_t after, last;
	int64_t rows; /* how many there are, exactly; -1 from store_cut where it would have to count */
};
/* Inside store_write: moves the cut to now and tells what lies between, by record, then day. */
int store_cut(struct sql *db, int (*span)(void *arg, const struct store_span *s), void *arg, struct err *e) MUST_CHECK;
/* Inside store_write: rows up to here lie in sealed files and may be dropped. */
int store_cut_release(struct sql *db, const struct store_span *s, struct err *e) MUST_CHECK;
/* From now on no day is dropped that has rows which are not released; before store_start. */
void store_keep_unsealed(struct store *st);
/* Rows of a span, oldest id first, each with its tail. Reads in pieces with a reader of its own, so that the
 * log of the database is never held for long. row() non-zero ends it with that. Any thread. */
int store_span_rows(struct store *st, const struct store_span *s, int (*row)(void *arg, const void *row), void *arg,
		    struct err *e) MUST_CHECK;
/* The same past what is damaged: packs of lines that cannot be read any more are left out and counted, for a
 * span that would never be sealed otherwise. How many rows that were: s->rows less those given. */
int store_span_rows_past(struct store *st, const struct store_span *s, int (*row)(void *arg, const void *row),
			 void *arg, uint64_t *unreadable, struct err *e) MUST_CHECK;
/* Rows not yet cut, over all records: for pages. */
int store_uncut(struct sql *db, uint64_t *rows, struct err *e) MUST_CHECK;

/* Where the store's rows begin: rows of this record and day with ids up to *last are only in the archive (0: the
 * day is whole in the store). */
int store_gone(struct sql *db, const struct record *r, int32_t day, int64_t *last, struct err *e) MUST_CHECK;
/* Inside store_write, after a restore: the archive holds rows up to this id of this day which the store does not
 * have. New rows get higher ids, and those up to here are cut. */
int store_mark_gone(struct sql *db, const struct record *r, int32_t day, int64_t last, struct err *e) MUST_CHECK;

/* A query's words asked of rows that lie elsewhere. One thread. */
struct matcher;
int matcher_new(struct matcher **out, const struct query *q, struct err *e) MUST_CHECK; /* q must outlive it */
void matcher_free(struct matcher *m);
/* Does it read this column of the record before it can say anything; does it need the tail? */
bool matcher_reads(const struct matcher *m, const struct col *c);
bool matcher_reads_tail(const struct matcher *m);
/* What the columns say (those of matcher_reads filled); what the tail says, of a row that passed. */
bool matcher_row(const struct matcher *m, const void *row);
bool matcher_tail(struct matcher *m, const void *row);
/* Words of a row by which an index of many files may be asked: addresses, their networks, MACs, names, users ...,
 * hashed to 32 bits; the same in every database. At most max; how many. */
size_t row_words(const struct record *r, const void *row, uint32_t *out, size_t max);
#define ROW_WORDS_MAX 48
/* A row can match only if it has one word of every group. Groups that the words cannot answer are left out. */
struct word_groups {
	uint32_t word[1024];
	struct {
		uint16_t first, n;
	} group[64];
	size_t n_words, n_groups;
};
void matcher_words(const struct matcher *m, struct word_groups *out);

/* A copy of the database for a backup, made in one read transaction while others write: every table that is no
 * day's, and the newest days as long as they fit into rows_bytes. The new file at path is complete and synced when
 * this returns; progress may be NULL, false from it ends with -ERR_CLOSED. Counts rows by table for who restores. */
struct store_copied {
	uint64_t bytes, rows, tables;
	int32_t oldest_day; /* rows of days from here on are in it; 0: none */
};
int store_copy(struct store *st, const char *path, uint64_t rows_bytes,
	       bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes), void *arg,
	       struct store_copied *out, struct err *e) MUST_CHECK;
/* Opens a copy, checks it whole (quick_check) and counts its rows by table. */
int store_count_tables(const char *file, int (*table)(void *arg, const char *name, uint64_t rows), void *arg,
		       struct err *e) MUST_CHECK;

#endif
