/* Room rescue: options, counters, the walk through start and stop. */
#include "room.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "contents.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"
#include "tomsd/base/num.h"
#include "tomsd/s3.h"

#define CONF_MAX (1u << 20)

struct rescue_counts rescue_counts;

struct rescue *rescue_of(struct app *a)
{
	return app_room_state(a, &rescue_room);
}

/* "02:30" -> seconds after midnight. */
static bool at_read(struct str value, int64_t *out)
{
	uint16_t hour, minute;
	if (value.n != 5 || value.p[2] != ':' ||
	    num_u16(str_sub(value, 0, 2), 0, 23, &hour) != 0 ||
	    num_u16(str_sub(value, 3, 2), 0, 59, &minute) != 0)
		return false;
	*out = hour * 3600 + minute * 60;
	return true;
}

static int check_at(struct str value, struct err *e)
{
	int64_t unused;
	return at_read(value, &unused) ?
		       0 :
		       err_set(e, ERR_INVALID, "not a time of day, say 02:30");
}

static const struct opt opts[] = {
	{ .name = "at",
	  .type = OPT_TEXT,
	  .min = 5,
	  .max = 5,
	  .def = "02:30",
	  .flags = OPT_RELOAD,
	  .doc = "Time of the nightly backup, in the appliance's time zone.",
	  .check = check_at },
	{ .name = "rows",
	  .type = OPT_SIZE,
	  .min = 0,
	  .max = INT64_C(1) << 50,
	  .def = "2G",
	  .flags = OPT_RELOAD,
	  .doc = "Bytes of the newest rows that go into a backup; whole days, newest first. Older ones are in the archive. "
		 "Everything that is no row of a day is in it always." },
	{ .name = "keep",
	  .type = OPT_DURATION,
	  .min = 86400 * NS_PER_S,
	  .max = 3650 * 86400 * NS_PER_S,
	  .def = "35d",
	  .flags = OPT_RELOAD,
	  .doc = "How long a backup is locked in its places." },
	OPT_END,
};

static const struct counter counters[] = {
	{ "rescue_backups_total", "Backups made.", false, &rescue_counts.backups },
	{ "rescue_failures_total", "Backups that could not be made.", false,
	  &rescue_counts.failures },
	{ "rescue_bytes_total", "Bytes of the backups made.", false, &rescue_counts.bytes },
	{ "rescue_rehearsals_total", "Rehearsals, good or not.", false,
	  &rescue_counts.rehearsals },
	COUNTER_END,
};

static const struct thread_doc threads[] = {
	{ "rescue", "the nightly backup; once a minute what is said about backups" },
	THREAD_END,
};

static void take_options(struct rescue *r)
{
	const struct conf *c = app_conf(r->app);
	int64_t at_s = 0;
	(void)at_read(str_of(conf_text(c, "rescue", "at")), &at_s); /* checked by the table */
	atomic_store(&r->at_s, at_s);
	atomic_store(&r->keep_ns, conf_i64(c, "rescue", "keep"));
	atomic_store(&r->rows_bytes, (uint64_t)conf_i64(c, "rescue", "rows"));
	atomic_store(&r->reserve_bytes, (uint64_t)conf_i64(c, "store", "disk_reserve"));
}

static void allow(void *arg, const char *path)
{
	app_allow_path(arg, path, false);
}

/* What the configuration names must stay readable when privileges are gone. */
static void allow_named(struct rescue *r)
{
	struct buf b;
	struct err e = ERR_INIT;
	buf_init(&b, CONF_MAX);
	if (r->conf_path[0] && file_read(r->conf_path, CONF_MAX, &b, &e) == 0)
		conf_at_files(buf_view(&b), allow, r->app);
	buf_fini(&b);
}

static void fini(struct app *a)
{
	struct rescue *r = rescue_of(a);
	if (!r)
		return;
	app_set_room_state(a, &rescue_room, NULL);
	tickets_wipe(r, true);
	zone_free(r->zone);
	pthread_cond_destroy(&r->wake);
	mutex_fini(&r->m);
	free(r);
}

static int take_names(struct rescue *r, struct err *e)
{
	const char *conf = conf_path(app_conf(r->app));
	char *real = conf ? realpath(conf, NULL) : NULL; /* the process may change its folder */
	bool fits = str_copy(r->state_path, sizeof(r->state_path),
			     str_of(app_state_path(r->app))) &&
		    str_copy(r->conf_path, sizeof(r->conf_path), str_of(real));
	free(real);
	(void)str_copy(r->appliance, sizeof(r->appliance), str_of(app_appliance_id(r->app)));
	return fits ? 0 : err_set(e, ERR_INVALID, "the state folder's path is too long");
}

static int init(struct app *a, struct err *e)
{
	if (app_mode(a) != APP_DAEMON)
		return 0;
	struct rescue *r = calloc(1, sizeof(*r));
	struct err why = ERR_INIT;
	if (!r)
		return err_set(e, ERR_NOMEM, "no memory for the room rescue");
	r->app = a;
	r->store = app_store(a); /* requests may come before start */
	mutex_init(&r->m);
	cond_init(&r->wake);
	app_set_room_state(a, &rescue_room, r);
	int rc = take_names(r, e);
	if (rc == 0)
		rc = routes_kinds(a, e);
	if (rc != 0) {
		fini(a);
		return rc;
	}
	take_options(r);
	allow_named(r);
	if (zone_load(&r->zone, str_of(app_appliance_timezone(a)), &why) != 0)
		log_warning("rescue", "the night is UTC's error=%s", LOGQ(why.text));
	return 0;
}

static int start(struct app *a, struct err *e)
{
	struct rescue *r = rescue_of(a);
	if (!r)
		return 0;
	return night_start(r, e);
}

static void stop(struct app *a)
{
	struct rescue *r = rescue_of(a);
	if (r)
		night_stop(r);
}

static void reload(struct app *a)
{
	struct rescue *r = rescue_of(a);
	if (!r)
		return;
	take_options(r);
	night_wake(r);
}

int rescue_client(struct rescue *r, const char *place, const bool *stop, struct s3_client **out,
		  struct err *e)
{
	struct s3_conf conf = { .name = "" };
	int rc = s3_room_place(r->app, place, &conf, e);
	if (rc == 0)
		rc = s3_client_new(out, &conf, stop, e);
	explicit_bzero(&conf, sizeof(conf));
	return rc;
}

static void put_time(struct json *j, const char *name, int64_t ns)
{
	if (ns > 0)
		json_kv_time(j, name, ns);
	else
		json_kv_str(j, name, NULL);
}

static void status(struct app *a, struct json *j)
{
	struct rescue *r = rescue_of(a);
	if (!r)
		return;
	json_kv_bool(j, "has_phrase", atomic_load(&r->has_phrase));
	put_time(j, "last_backup", atomic_load(&r->last_ns));
	json_kv_u64(j, "last_bytes", atomic_load(&r->last_bytes));
	put_time(j, "last_good_rehearsal", atomic_load(&r->rehearsed_ns));
	put_time(j, "next_backup", atomic_load(&r->next_ns));
}

static void explain(struct app *a, const char *lang, struct buf *out)
{
	struct rescue *r = rescue_of(a);
	char words[768];
	if (!r)
		return;
	mutex_lock(&r->m);
	for (size_t i = 0; i < r->n_trouble; i++)
		buf_fmt(out, "%s%s", i > 0 ? " " : "",
			api_text(words, sizeof(words), lang, r->trouble[i][0], r->trouble[i][1],
				 NULL));
	mutex_unlock(&r->m);
}

const struct room rescue_room = {
	.name = "rescue",
	.opts = opts,
	.routes = rescue_routes,
	.counters = counters,
	.threads = threads,
	.init = init,
	.start = start,
	.reload = reload,
	.stop = stop,
	.fini = fini,
	.status = status,
	.explain = explain,
};
