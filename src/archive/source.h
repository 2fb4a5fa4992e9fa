/* Bytes of an archive object, wherever it is: the local file, else a place by ranged reads. One thread. */
#ifndef ARCHIVE_SOURCE_H
#define ARCHIVE_SOURCE_H

#include "tomsd/archive.h"
#include "tomsd/parquet.h"

/* Pieces that came from places, so that going on with a search does not fetch them again; and which places do
 * not answer now. */
struct source_cache;
int source_cache_new(struct source_cache **out, struct err *e) MUST_CHECK;
void source_cache_free(struct source_cache *c);
void source_cache_begin(struct source_cache *c); /* of a query: places that did not answer are asked again */

struct source;
/* object: id of archive_object. -ERR_NOTFOUND with words: it is neither here nor in a place that can be read. */
int source_open(struct source **out, struct store *st, const struct cold_sources *from, struct source_cache *cache,
		int64_t object, struct err *e) MUST_CHECK;
/* The local file is damaged: read on from a place. -ERR_NOTFOUND: there is none. */
int source_leave_file(struct source *s, struct err *e) MUST_CHECK;
struct parquet_source source_parquet(struct source *s);
const char *cold_source_key(const struct source *s);
bool source_is_place(const struct source *s);
uint64_t source_bytes_read(const struct source *s);
void source_free(struct source *s);

#endif
