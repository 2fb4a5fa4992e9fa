/* The tables of migration 019 and their SQL: archive_index, archive_group, archive_volume, archive_word. */
#ifndef ARCHIVE_INDEX_SQL_H
#define ARCHIVE_INDEX_SQL_H

#include "tomsd/store.h"

struct index_group { /* a row group of an object */
	int64_t object, rows;
	uint32_t place; /* in the file, from 0 */
	int64_t first_id, last_id, min_ns, max_ns;
};

/* Inside store_write. */
int index_sql_put(struct sql *db, int64_t object, const char *record, int64_t rows, struct str words, bool too_many,
		  struct err *e) MUST_CHECK;
int index_sql_put_group(struct sql *db, const char *record, const struct index_group *g, struct err *e) MUST_CHECK;
int index_sql_drop(struct sql *db, int64_t object, struct err *e) MUST_CHECK;
/* *id: the new volume's. */
int index_sql_put_volume(struct sql *db, const char *record, int64_t min_ns, int64_t max_ns, struct str objects,
			 int64_t *id, struct err *e) MUST_CHECK;
int index_sql_put_words(struct sql *db, unsigned shard, int64_t volume, struct str words, struct err *e) MUST_CHECK;
int index_sql_fold(struct sql *db, int64_t object, int64_t volume, struct err *e) MUST_CHECK;

/* Kinds of rows that have loose words: names in out, at most max; how many. */
enum { INDEX_RECORD_MAX = 32 };
int index_sql_kinds(struct sql *db, char (*out)[INDEX_RECORD_MAX], size_t max, struct err *e) MUST_CHECK;

/* Reading; a callback's non-zero answer ends it and is handed on. */
int index_sql_loose(struct sql *db, const char *record, int64_t after,
		    int (*one)(void *arg, int64_t object, struct str words), void *arg, struct err *e) MUST_CHECK;
int index_sql_any(struct sql *db, const char *record, int (*one)(void *arg, int64_t object, struct str words),
		  void *arg, struct err *e) MUST_CHECK;
/* Volumes that may hold rows of [since, until), by number. */
int index_sql_volumes(struct sql *db, const char *record, int64_t since_ns, int64_t until_ns,
		      int (*one)(void *arg, int64_t volume, struct str objects), void *arg, struct err *e) MUST_CHECK;
/* A shard of one volume; *words is empty where there is none. Good until stmt_done(*held). */
int index_sql_words(struct sql *db, unsigned shard, int64_t volume, struct stmt **held, struct str *words,
		    struct err *e) MUST_CHECK;
/* Times of an object's rows; -ERR_NOTFOUND: it has no row groups. */
int index_sql_span(struct sql *db, int64_t object, int64_t *min_ns, int64_t *max_ns, struct err *e) MUST_CHECK;
/* Row groups in the order in which a search opens them: by their newest row, newest first; or by their oldest, oldest
 * first. Those behind *after (object 0: all) that may hold rows of [since, until); at most max, how many. */
int index_sql_groups(struct sql *db, const char *record, bool oldest_first, int64_t since_ns, int64_t until_ns,
		     const struct index_group *after, struct index_group *out, size_t max, struct err *e) MUST_CHECK;
/* Oldest time in the index; INT64_MAX: there is none. */
int index_sql_begins(struct sql *db, const char *record, int64_t *min_ns, struct err *e) MUST_CHECK;

#endif
