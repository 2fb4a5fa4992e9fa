/* tomsctl flows|logs --cold: when the store's rows are at their end the archive is searched, objects here first, else
 * from the places by ranged reads. On a terminal a line on stderr says how far it is. */
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "tomsd/archive.h"
#include "tomsd/base/clock.h"
#include "tomsd/s3.h"

#define PLACES_MAX 16
#define SHOW_EVERY_NS (NS_PER_S / 5)

struct reading {
	struct ctl *c;
	struct store *st;
	struct cold_sources from;
	struct {
		char name[64];
		struct s3_client *client; /* NULL: cannot be asked, as was said */
	} places[PLACES_MAX];
	size_t n_places;
	bool shows, has_shown;
	int64_t shown_mono_ns;
	int (*row)(void *arg, const void *row);
	void *arg;
};

/* ---- Progress. ---- */

static void show(void *arg, int64_t reached_ns, const struct cold_info *so_far)
{
	struct reading *r = arg;
	char time[ZONE_TIME_MAX], bytes[16];
	int64_t now = clock_mono_ns();
	if (!r->shows || now - r->shown_mono_ns < SHOW_EVERY_NS)
		return;
	r->shown_mono_ns = now;
	r->has_shown = true;
	zone_time(reached_ns, time);
	text_bytes(so_far->bytes_read, bytes);
	(void)fprintf(stderr, "\rarchive: at %s, %llu row groups read, %llu passed over, %s \033[K", time,
		      (unsigned long long)so_far->groups_read, (unsigned long long)so_far->groups_passed, bytes);
	(void)fflush(stderr);
}

static void clear_line(struct reading *r)
{
	if (r->has_shown)
		(void)fputs("\r\033[K", stderr);
	r->has_shown = false;
}

/* ---- Places. ---- */

static struct s3_client *client_new(struct reading *r, const char *name)
{
	struct err e = ERR_INIT;
	struct s3_client *client = NULL;
	struct s3_conf *conf = calloc(1, sizeof(*conf));
	int rc = conf ? place_of(r->c, r->st, name, conf, &e) : err_set(&e, ERR_NOMEM, "out of memory");
	if (!rc)
		rc = s3_client_new(&client, conf, NULL, &e);
	if (rc) {
		clear_line(r);
		(void)fprintf(stderr, "tomsctl: place %s cannot be searched: %s\n", name, e.text);
	}
	if (conf)
		explicit_bzero(conf, sizeof(*conf));
	free(conf);
	return rc ? NULL : client;
}

static struct s3_client *place(void *arg, const char *name)
{
	struct reading *r = arg;
	for (size_t i = 0; i < r->n_places; i++)
		if (!strcmp(r->places[i].name, name))
			return r->places[i].client;
	if (r->n_places == PLACES_MAX)
		return NULL;
	(void)str_copy(r->places[r->n_places].name, sizeof(r->places[0].name), str_of(name)); /* a place's is shorter */
	r->places[r->n_places].client = client_new(r, name);
	return r->places[r->n_places++].client;
}

/* ---- Rows. ---- */

static int give(void *arg, const void *row)
{
	struct reading *r = arg;
	clear_line(r);
	return r->row(r->arg, row);
}

static int ask(void *ctx, const struct query *q, size_t limit, int64_t deadline_mono_ns,
	       int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info, struct cold_info *cold,
	       struct err *e)
{
	struct reading *r = ctx;
	int rc = archive_query(r->st, &r->from, q, limit, deadline_mono_ns, row, arg, info, cold, e);
	clear_line(r);
	return rc;
}

int cold_rows(struct ctl *c, struct store *st, const struct query *q, size_t limit,
	      int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
	      struct cold_info *cold, struct err *e)
{
	char folder[CTL_PATH_MAX + 16];
	struct reading *r = calloc(1, sizeof(*r));
	*cold = (struct cold_info){ .oldest_ns = INT64_MAX };
	if (!r)
		return err_set(e, ERR_NOMEM, "out of memory");
	(void)snprintf(folder, sizeof(folder), "%s/archive", c->state_path);
	*r = (struct reading){ .c = c, .st = st, .shows = isatty(STDERR_FILENO), .row = row, .arg = arg };
	r->from = (struct cold_sources){ .folder = folder,
					 .place = place,
					 .arg = r,
					 .progress = show,
					 .progress_arg = r };
	const struct cold_ask how = { ask, r };
	int rc = archive_list(st, &how, q, limit, 0, give, r, info, cold, e);
	clear_line(r);
	for (size_t i = 0; i < r->n_places; i++)
		s3_client_free(r->places[i].client);
	free(r);
	return rc;
}

static void put_span(FILE *to, const struct cold_info *cold)
{
	char since[ZONE_TIME_MAX], until[ZONE_TIME_MAX];
	if (!cold->asked) {
		(void)fputs("-- the archive was not asked: these rows are all in the store\n", to);
		return;
	}
	if (cold->oldest_ns == INT64_MAX) {
		(void)fputs("-- the archive has no rows of this kind\n", to);
		return;
	}
	zone_time(cold->searched_since_ns, since);
	zone_time(cold->searched_until_ns, until);
	(void)fprintf(to, "-- archive searched from %s to %s: %llu row groups read, %llu passed over\n", since, until,
		      (unsigned long long)cold->groups_read, (unsigned long long)cold->groups_passed);
}

int cold_foot(FILE *to, const struct cold_info *cold, struct err *e)
{
	if (to)
		put_span(to, cold);
	if (!cold->groups_failed)
		return 0;
	return err_set(e, ERR_IO, "%llu row groups of the archive could not be read, so rows may be missing: %s",
		       (unsigned long long)cold->groups_failed, cold->failed);
}
