/* Lists that go on in the archive where the store's rows end. */
#ifndef API_COLD_H
#define API_COLD_H

#include "tomsd/api.h"

/* store_query; with cold through the archive, where there is one, and *info of it is filled. */
int rows_query(struct app *a, const struct query *q, bool cold, size_t limit, int64_t deadline_mono_ns,
	       int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
	       struct cold_info *cold_info, struct err *e) MUST_CHECK;
/* Member "archive". */
void cold_put(struct json *j, const struct cold_info *c);
extern const char cold_schema[];

#endif
