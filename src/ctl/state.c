/* Where the state folder is: [store] path of the daemon's configuration, read alone, so that a file
 * that is broken elsewhere does not keep anybody from looking. */
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "tomsd/base/opt.h"

static const char *default_path(void)
{
	for (const struct opt *o = store_room.opts; o && o->name; o++)
		if (!strcmp(o->name, "path"))
			return o->def;
	return NULL;
}

int state_find(struct ctl *c, struct err *e)
{
	struct buf b;
	const char *path = default_path();
	buf_init(&b, CTL_PATH_MAX);
	int rc = 0;
	if (c->conf_given && access(c->conf_path, R_OK))
		rc = err_set(e, ERR_NOTFOUND,
			     "%s cannot be read; say -c FILE with the daemon's configuration",
			     c->conf_path);
	if (!rc)
		rc = conf_find(c->conf_path, "store", "path", &b, e);
	if (!rc && b.n)
		path = b.p;
	if (rc == -ERR_NOTFOUND && !(c->conf_given && e->code && access(c->conf_path, R_OK)))
		rc = 0; /* the default it is */
	if (rc == -ERR_DENIED)
		rc = err_set(e, ERR_DENIED, "%s may not be read; try sudo", c->conf_path);
	if (!rc && (!path || !str_copy(c->state_path, sizeof(c->state_path), str_of(path))))
		rc = err_set(e, ERR_INVALID, "the state folder's path is too long");
	buf_fini(&b);
	return rc;
}

int state_store(struct ctl *c, struct store **out, struct err *e)
{
	char path[CTL_PATH_MAX + 16];
	int rc = state_find(c, e);
	if (rc)
		return rc;
	(void)snprintf(path, sizeof(path), "%s/tomsd.db", c->state_path);
	if (access(path, F_OK))
		return err_set(
			e, ERR_NOTFOUND,
			"there is no store in %s; has tomsd run, and is [store] path of %s right?",
			c->state_path, c->conf_path);
	if (access(path, R_OK))
		return err_set(e, ERR_DENIED, "%s may not be read; try sudo", path);
	return store_open_readonly(out, c->state_path, e);
}
