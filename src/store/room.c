/* The store as a room of the house: options, counters, status, start and stop. Main thread. */
#include "inside.h"
#include "tomsd/app.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

static const struct opt opts[] = {
	{ .name = "path",
	  .type = OPT_PATH,
	  .min = 1,
	  .max = 1024,
	  .def = "/var/lib/tomsd",
	  .doc = "Folder of the database tomsd.db and of everything else the daemon keeps." },
	{ .name = "retention",
	  .type = OPT_DURATION,
	  .min = 0,
	  .max = INT64_MAX,
	  .def = "90d",
	  .doc = "Rows of days older than this are dropped, a UTC day at a time; 0d keeps all." },
	{ .name = "disk_limit",
	  .type = OPT_SIZE,
	  .min = 0,
	  .max = INT64_MAX,
	  .def = "0",
	  .doc = "Bytes the database may take; the oldest days go first, the newest never; 0: no limit." },
	{ .name = "disk_reserve",
	  .type = OPT_SIZE,
	  .min = 0,
	  .max = INT64_MAX,
	  .def = "1G",
	  .doc = "Bytes of the file system to keep free; the oldest days go when there are fewer." },
	{ .name = "inbox",
	  .type = OPT_SIZE,
	  .min = 1 << 20,
	  .max = INT64_C(4) << 30,
	  .def = "32M",
	  .doc = "Bytes of rows that may wait in memory for the disk." },
	{ .name = "commit_every",
	  .type = OPT_DURATION,
	  .min = 10 * NS_PER_MS,
	  .max = 60 * NS_PER_S,
	  .def = "200ms",
	  .doc = "How long a row waits for others before it is committed: what a power cut can take." },
	OPT_END,
};

static const struct counter counters[] = {
	{ "store_rows_total", "Rows committed.", false, &store_counters.rows },
	{ "store_commits_total", "Transactions of rows committed.", false,
	  &store_counters.commits },
	{ "store_commit_failures_total", "Commits that failed and were tried again.", false,
	  &store_counters.failures },
	{ "store_rows_refused_total", "Rows the database would not take.", false,
	  &store_counters.rejected },
	{ "store_days_dropped_total", "Days of rows dropped for age or space.", false,
	  &store_counters.dropped_days },
	{ "store_rows_dropped_total", "Rows dropped with their days.", false,
	  &store_counters.dropped_rows },
	{ "store_checkpoint_busy_total",
	  "Times a reader kept the write-ahead log from being emptied.", false,
	  &store_counters.checkpoints_busy },
	{ "store_damaged_files_total", "Damaged databases put aside.", false,
	  &store_counters.corrupt_files },
	{ "store_text_unindexed_total",
	  "Runs of 256 lines with more words than the index takes; searches read all of them.",
	  false, &store_counters.loose_granules },
	COUNTER_END,
};

static int room_init(struct app *a, struct err *e)
{
	const struct conf *c = app_conf(a);
	bool keep = app_mode(a) !=
		    APP_DAEMON; /* a replay drops nothing: it is about what it reads */
	const struct store_conf conf = {
		.path = app_state_path(a),
		.retention_ns = keep ? 0 : conf_i64(c, "store", "retention"),
		.disk_limit = keep ? 0 : (uint64_t)conf_i64(c, "store", "disk_limit"),
		.disk_reserve = keep ? 0 : (uint64_t)conf_i64(c, "store", "disk_reserve"),
		.inbox_bytes = (size_t)conf_i64(c, "store", "inbox"),
		.commit_every_ns = conf_i64(c, "store", "commit_every"),
	};
	struct store *st = NULL;
	int rc = store_open(&st, &conf, e);
	if (rc)
		return rc;
	app_set_room_state(a, &store_room, st);
	app_set_store(a, st);
	store_set_health(st, a);
	return 0;
}

static int room_start(struct app *a, struct err *e)
{
	return store_start(app_store(a), e);
}

static void room_stop(struct app *a)
{
	if (app_store(a))
		store_stop(app_store(a));
}

static void room_fini(struct app *a)
{
	store_free(app_room_state(a, &store_room));
	app_set_room_state(a, &store_room, NULL);
	app_set_store(a, NULL);
}

static void room_status(struct app *a, struct json *j)
{
	struct store_stats s;
	if (!app_store(a))
		return;
	store_stats(app_store(a), &s);
	json_kv_u64(j, "rows", s.rows_total);
	json_kv_u64(j, "commits", s.commits_total);
	if (s.last_commit_ns)
		json_kv_time(j, "last_commit", s.last_commit_ns);
	json_kv_i64(j, "last_commit_ms", s.last_commit_took_ns / NS_PER_MS);
	json_kv_i64(j, "commit_window_ms", s.commit_window_ns / NS_PER_MS);
	json_kv_u64(j, "backlog_rows", s.inbox_rows);
	json_kv_u64(j, "backlog_bytes", s.inbox_bytes);
	json_kv_u64(j, "database_bytes", s.database_bytes);
	json_kv_u64(j, "wal_bytes", s.wal_bytes);
	json_kv_u64(j, "disk_free_bytes", s.disk_free_bytes);
	json_kv_u64(j, "days", s.days);
	json_kv_i64(j, "oldest_day", s.oldest_day);
	json_kv_i64(j, "newest_day", s.newest_day);
	json_kv_bool(j, "failing", s.failing);
}

const struct room store_room = {
	.name = "store",
	.opts = opts,
	.counters = counters,
	.init = room_init,
	.start = room_start,
	.stop = room_stop,
	.fini = room_fini,
	.status = room_status,
};
