/* Which objects may hold rows with a query's words. One thread. */
#ifndef ARCHIVE_INDEX_ASK_H
#define ARCHIVE_INDEX_ASK_H

#include "index_sql.h"
#include "tomsd/base/map.h"
#include "tomsd/store/cut.h"

struct index_may {
	bool all;         /* the words say nothing: every object may */
	struct map objects; /* those that may */
};
/* Objects with rows of [since, until) that have of every group of words one. A damaged part of the index answers
 * "maybe". */
int index_ask(struct index_may *out, struct sql *db, const char *record, const struct word_groups *words,
	      int64_t since_ns, int64_t until_ns, struct err *e) MUST_CHECK;
static inline bool index_may_hold(const struct index_may *m, int64_t object)
{
	return m->all || map_get(&m->objects, (uint64_t)object);
}
static inline void index_may_fini(struct index_may *m)
{
	if (!m->all)
		map_fini(&m->objects);
}

#endif
