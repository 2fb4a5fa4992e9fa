/* What all places together promise of an object's lock: the least of what they are asked for. Any thread that may wait
 * for the store. */
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/log.h"

static void take_least(const struct places *ps, enum s3_lock *lock, int64_t *keep_ns)
{
	bool any = false;
	for (size_t i = 0; i < ps->n; i++) {
		const struct place *p = &ps->all[i];
		if (!p->is_enabled)
			continue;
		if (!any || p->c.lock < *lock)
			*lock = p->c.lock;
		if (!any || p->c.keep_ns < *keep_ns)
			*keep_ns = p->c.keep_ns;
		any = true;
	}
}

void s3_lock_asked(struct app *a, enum s3_lock *lock, int64_t *keep_ns)
{
	struct s3 *s = s3_of(a);
	struct err e = ERR_INIT;
	struct places *ps = s ? calloc(1, sizeof(*ps)) : NULL;
	*lock = S3_LOCK_NONE;
	*keep_ns = 0;
	if (!ps)
		return;
	int rc = keeper_places(s, ps, &e);
	if (rc == 0)
		take_least(ps, lock, keep_ns);
	else
		log_warning("s3", "places could not be read: %s", e.text);
	places_fini(ps);
	free(ps);
}
