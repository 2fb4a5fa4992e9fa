/* A place of object storage for a command: its section of the configuration file, read alone, so that a file that is
 * broken elsewhere keeps nobody from his archive; or its row in the store. */
#include <stdlib.h>

#include "ctl.h"
#include "tomsd/base/file.h"
#include "tomsd/base/opt.h"
#include "tomsd/crypt.h"
#include "tomsd/s3.h"

enum { CONF_BYTES_MAX = 4 << 20 };

/* Lines of [s3 "..."] sections; others become empty, so that numbers of lines stay. */
static void keep_places(struct str text, struct buf *out)
{
	struct str line;
	bool is_ours = false;
	while (str_split(&text, '\n', &line)) {
		struct str l = str_trim(line);
		if (str_starts(l, STR("[")))
			is_ours = str_starts(l, STR("[s3 ")) || str_starts(l, STR("[s3\t"));
		if (is_ours)
			buf_str(out, line);
		buf_char(out, '\n');
	}
}

static int load_places(struct ctl *c, struct conf **out, struct err *e)
{
	const struct conf_section section = { "s3", s3_room.opts, true };
	struct buf all, ours, errors;
	buf_init(&all, CONF_BYTES_MAX);
	buf_init(&ours, CONF_BYTES_MAX);
	buf_init(&errors, 4096);
	int rc = file_read(c->conf_path, CONF_BYTES_MAX, &all, e);
	if (rc == -ERR_NOTFOUND && !c->conf_given)
		rc = 0; /* all places are the panel's */
	keep_places(buf_view(&all), &ours);
	if (rc == 0 && conf_load_text(out, c->conf_path, buf_view(&ours), &section, 1, NULL, &errors)) {
		struct str left = buf_view(&errors), line = STR_NULL;
		(void)str_split(&left, '\n', &line);
		rc = err_set(e, ERR_INVALID, "%.*s", (int)line.n, line.p ? line.p : "");
	}
	if (all.p)
		explicit_bzero(all.p, all.n); /* secret keys may stand there */
	if (ours.p)
		explicit_bzero(ours.p, ours.n);
	buf_fini(&all);
	buf_fini(&ours);
	buf_fini(&errors);
	return rc;
}

int place_of(struct ctl *c, struct store *st, const char *name, struct s3_conf *out, struct err *e)
{
	struct conf *conf = NULL;
	struct house_key *key = NULL;
	struct sql *db = NULL;
	int rc = load_places(c, &conf, e);
	if (rc == 0 && st)
		rc = house_key_load(&key, c->state_path, false, e);
	if (rc == 0 && st)
		rc = store_read_begin(st, 0, &db, e);
	if (rc == 0)
		rc = s3_place_conf(conf, db, key, name, out, e);
	if (db)
		store_read_end(st, db);
	house_key_free(key);
	conf_free(conf);
	return rc;
}

int place_each(struct ctl *c, struct store *st, int (*one)(void *arg, const char *name), void *arg, struct err *e)
{
	struct conf *conf = NULL;
	struct sql *db = NULL;
	int rc = load_places(c, &conf, e);
	if (rc == 0 && st)
		rc = store_read_begin(st, 0, &db, e);
	if (rc == 0)
		rc = s3_places(conf, db, one, arg, e);
	if (db)
		store_read_end(st, db);
	conf_free(conf);
	return rc;
}
