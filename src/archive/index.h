/* Index of the archive's objects in the store: which row groups an object has (rows, ids, times) and which words
 * (row_words: addresses, their networks, MACs, names, users ...) stand in it, so that one address in a year of
 * objects is found without opening what cannot hold it. docs/archive.md, "Searching", says how it lies and what
 * it costs.
 *
 * Sealing: index_new, index_row for each row on its way into the file, index_groups once the file is written, index_put
 * in the transaction that makes the object's row, index_free; after that transaction index_tidy on the thread
 * archive. An index_build is one thread's. */
#ifndef ARCHIVE_INDEX_H
#define ARCHIVE_INDEX_H

#include "tomsd/parquet.h"
#include "tomsd/store.h"

struct index_build;
int index_new(struct index_build **out, const struct record *r, struct err *e) MUST_CHECK;
void index_free(struct index_build *b);
/* Words of one row. Cheap; what fails (memory) is said by index_groups. */
void index_row(struct index_build *b, const void *row);
/* Takes the row groups out of the finished file's footer. */
int index_groups(struct index_build *b, const struct parquet_file *f, struct err *e) MUST_CHECK;
/* Inside store_write. object: id of archive_object. What stood there of this object is replaced. */
int index_put(struct sql *db, int64_t object, const struct index_build *b, struct err *e) MUST_CHECK;
/* Inside store_write: the object is forgotten (not when only its local file goes: it is searched in its places). */
int index_drop(struct sql *db, int64_t object, struct err *e) MUST_CHECK;
/* Both of it for a file that is there (restored, or whose index was lost): reads all rows of it. Any thread that may
 * open files. */
int index_object_from_file(struct store *st, int64_t object, const char *path, struct err *e) MUST_CHECK;
/* Folds the words of objects that came one by one into volumes of INDEX_VOLUME_OBJECTS; one small write a volume. Thread
 * archive, after a seal; mostly there is nothing to do. */
int index_tidy(struct store *st, struct err *e) MUST_CHECK;

enum {
	INDEX_VOLUME_OBJECTS = 256,
	INDEX_SHARDS = 256, /* of a volume, by the upper 8 bits of a word */
	INDEX_WORDS_MAX = 1 << 22, /* of one object; one that has more is always looked into */
};

#endif
