/* Room archive: options, counters, the walk through start and stop. In a run over capture files nothing is sealed: the
 * next daemon does it. */
#include "room.h"
#include "proofs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/audit_row.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

struct archive_counts archive_counts;

struct archive *archive_of(struct app *a)
{
	return app_room_state(a, &archive_room);
}
struct store *archive_store(const struct archive *ar)
{
	return ar->store;
}
const char *archive_folder(const struct archive *ar)
{
	return ar->folder;
}
const char *archive_appliance_of(const struct archive *ar)
{
	return ar->appliance;
}
const struct house_key *archive_house_key(const struct archive *ar)
{
	return ar->house_key;
}

static int check_url(struct str v, struct err *e)
{
	if (str_starts(v, STR("http://")) || str_starts(v, STR("https://")))
		return 0;
	return err_set(e, ERR_INVALID, "not an address that begins with https:// or http://");
}

/* Members of flows that their other columns give, the only ones that may be left out. */
static const char *const given_by_others[] = {
	"network.community_id", "event.end",     "event.duration",     "network.bytes",
	"network.packets",      "source.domain", "destination.domain", "tls.client.server_name",
	"dns.question.name",    "url.domain",    "toms.flow.tcp_flags",
};

static int check_leave_out(struct str v, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(given_by_others); i++)
		if (str_eq(v, str_of(given_by_others[i])))
			return 0;
	return err_set(e, ERR_INVALID, "not a column that others give, such as network.community_id (docs/archive.md lists them)");
}

static const struct opt opts[] = {
	{ .name = "timestamp_url",
	  .type = OPT_TEXT,
	  .min = 8,
	  .max = 1000,
	  .flags = OPT_RELOAD,
	  .doc = "Time stamping authority (RFC 3161) that proves the first manifest of each UTC day. Without it none is asked.",
	  .check = check_url },
	{ .name = "timestamp_ca",
	  .type = OPT_PATH,
	  .max = 1000,
	  .flags = OPT_RELOAD,
	  .doc = "Certificates that its stamps must lead to (PEM). Without it a stamp is checked against the request only." },
	{ .name = "local_keep",
	  .type = OPT_DURATION,
	  .min = 0,
	  .max = INT64_C(36500) * 86400 * NS_PER_S,
	  .def = "400d",
	  .flags = OPT_RELOAD,
	  .doc = "How long objects stay here after every place has proven them; 0 keeps them while there is room." },
	{ .name = "disk_limit",
	  .type = OPT_SIZE,
	  .min = 0,
	  .max = INT64_C(1) << 60,
	  .def = "0",
	  .flags = OPT_RELOAD,
	  .doc = "Bytes of objects here at most; over it the oldest proven ones go. 0: no limit." },
	{ .name = "disk_reserve",
	  .type = OPT_SIZE,
	  .min = 0,
	  .max = INT64_C(1) << 60,
	  .def = "2G",
	  .flags = OPT_RELOAD,
	  .doc = "Free bytes of the file system to keep; below it the oldest proven objects go." },
	{ .name = "leave_out",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 100,
	  .flags = OPT_LIST,
	  .doc = "Column of flows that objects do not have since others give it, say network.community_id; may be repeated.",
	  .check = check_leave_out },
	{ .name = "verify_day",
	  .type = OPT_INT,
	  .min = 0,
	  .max = 28,
	  .def = "2",
	  .flags = OPT_RELOAD,
	  .doc = "Day of the month on which the whole archive is proven; 0: never." },
	OPT_END,
};

static const struct job jobs[] = {
	{ "archive_verify", INT64_C(3600) * NS_PER_S, verify_monthly },
	{ "archive_holds", INT64_C(600) * NS_PER_S, holds_extend },
	JOB_END,
};

static const struct counter counters[] = {
	{ "archive_seals_total", "Manifests sealed.", false, &archive_counts.seals },
	{ "archive_seal_failures_total", "Seals that failed and were tried again.", false, &archive_counts.failures },
	{ "archive_rows_total", "Rows sealed.", false, &archive_counts.rows },
	{ "archive_bytes_total", "Bytes of objects written.", false, &archive_counts.bytes },
	{ "archive_pruned_total", "Objects deleted here, proven in every place.", false, &archive_counts.pruned },
	{ "archive_pruned_bytes_total", "Their bytes.", false, &archive_counts.pruned_bytes },
	{ "archive_stamps_total", "Proofs of time received.", false, &archive_counts.stamps },
	{ "archive_searches_total", "Searches that went on in the archive.", false, &cold_searches },
	{ "archive_searches_refused_total", "Searches for which there was no turn.", false, &cold_refused },
	{ "archive_search_failed_groups_total", "Row groups that a search could not read.", false,
	  &cold_failed_groups },
	COUNTER_END,
};

static const struct thread_doc threads[] = {
	{ "archive", "seals every hour, deletes what may go, asks for proofs of time, reads manifests for pages" },
	{ "archive/search", "searches in objects for those who may open no files" },
	THREAD_END,
};

static const struct edge edges[] = {
	{ "store -> archive", "rows of the last hour, by their ids", "nothing is lost: rows wait in the store, which "
	  "drops no day that is not sealed" },
	EDGE_END,
};

/* ---- Options. ---- */

static void take_options(struct archive *ar)
{
	const struct conf *c = app_conf(ar->app);
	const char *url = conf_text(c, "archive", "timestamp_url"), *ca = conf_text(c, "archive", "timestamp_ca");
	mutex_lock(&ar->m);
	ar->local_keep_ns = conf_i64(c, "archive", "local_keep");
	ar->disk_limit = (uint64_t)conf_i64(c, "archive", "disk_limit");
	ar->disk_reserve = (uint64_t)conf_i64(c, "archive", "disk_reserve");
	ar->store_keep_ns = conf_i64(c, "store", "retention");
	(void)str_copy(ar->timestamp_url, sizeof(ar->timestamp_url), str_of(url ? url : ""));
	(void)str_copy(ar->timestamp_ca, sizeof(ar->timestamp_ca), str_of(ca ? ca : ""));
	mutex_unlock(&ar->m);
}

static int take_leave_out(struct archive *ar, struct err *e)
{
	const struct conf *c = app_conf(ar->app);
	struct buf b;
	buf_init(&b, sizeof(ar->leave_out) - 1);
	for (size_t i = 0; i < conf_count(c, "archive", "leave_out"); i++)
		buf_fmt(&b, "%s%s", i ? " " : "", conf_item(c, "archive", "leave_out", i));
	bool fits = !buf_failed(&b) && str_copy(ar->leave_out, sizeof(ar->leave_out), buf_view(&b));
	buf_fini(&b);
	return fits ? 0 : err_set(e, ERR_RANGE, "[archive] leave_out: too many columns");
}

/* ---- The walk. ---- */

static void fini(struct app *a)
{
	struct archive *ar = archive_of(a);
	if (!ar)
		return;
	app_set_room_state(a, &archive_room, NULL);
	cold_search_free(ar->search);
	house_key_free(ar->house_key);
	pthread_cond_destroy(&ar->wake);
	pthread_cond_destroy(&ar->done);
	mutex_fini(&ar->m);
	free(ar);
}

static int open_all(struct archive *ar, struct err *e)
{
	int n = snprintf(ar->folder, sizeof(ar->folder), "%s/" ARCHIVE_FOLDER, app_state_path(ar->app));
	if (n < 0 || n >= (int)sizeof(ar->folder))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	archive_appliance(ar->appliance, app_appliance_id(ar->app));
	take_options(ar);
	(void)cut_boot_id();
	int rc = take_leave_out(ar, e);
	if (!rc)
		rc = house_key_load(&ar->house_key, app_state_path(ar->app), true, e);
	if (!rc)
		rc = cold_search_new(&ar->search, ar->app, ar->folder, ar->house_key, e);
	static const struct job_kind *const kinds[] = { &archive_seal_job, &archive_verify_job, &archive_take_job };
	for (size_t i = 0; i < ARRAY_LEN(kinds) && !rc; i++)
		rc = api_job_kind(ar->app, kinds[i], e);
	return rc;
}

static int init(struct app *a, struct err *e)
{
	if (app_mode(a) == APP_CHECK)
		return 0;
	store_keep_unsealed(app_store(a));
	if (app_mode(a) != APP_DAEMON)
		return 0;
	struct archive *ar = calloc(1, sizeof(*ar));
	if (!ar)
		return err_set(e, ERR_NOMEM, "no memory for the room archive");
	ar->app = a;
	ar->store = app_store(a);
	mutex_init(&ar->m);
	cond_init(&ar->wake);
	cond_init(&ar->done);
	app_set_room_state(a, &archive_room, ar);
	int rc = open_all(ar, e);
	if (rc)
		fini(a);
	return rc;
}

struct audit_pass {
	int (*row)(void *arg, const void *row);
	void *arg;
};

static int audit_one(void *arg, const struct audit_row *r)
{
	const struct audit_pass *p = arg;
	return p->row(p->arg, r);
}

static int audit_each(struct sql *db, int64_t after, int64_t last, int (*row)(void *arg, const void *row), void *arg,
		      struct err *e)
{
	struct audit_pass p = { row, arg };
	return api_audit_rows(db, after, last, audit_one, &p, e);
}

static const struct sealer_rows audit_rows = { &audit_record, api_audit_last, audit_each };

static int load_begun(struct sql *db, void *arg, struct err *e)
{
	struct archive *ar = arg;
	int rc = seal_load_last(db, &ar->last, e);
	if (rc == -ERR_NOTFOUND)
		rc = 0;
	return rc ? rc : archive_state_get(db, "begun", &ar->begun_ns, e);
}

/* An older database was put back: its next numbers are used already, and must not be used for other bytes. */
static void look_for_later_manifests(struct archive *ar)
{
	char key[ARCHIVE_KEY_MAX], path[ARCHIVE_PATH_MAX], words[80];
	uint64_t seq, newest = 0;
	archive_manifest_key(key, ar->appliance, 1, "");
	if (!archive_path(path, ar->folder, key))
		return;
	*strrchr(path, '/') = '\0';
	DIR *d = opendir(path);
	if (!d)
		return; /* nothing was sealed yet */
	for (struct dirent *f = readdir(d); f; f = readdir(d))
		if (archive_seq_of(str_of(f->d_name), &seq) && seq > newest)
			newest = seq;
	(void)closedir(d);
	if (newest <= ar->last.seq)
		return;
	ar->lost_manifests = true;
	(void)snprintf(words, sizeof(words), "%llu > %llu", (unsigned long long)newest,
		       (unsigned long long)ar->last.seq);
	log_err("archive", "the folder has later manifests than the database (%s): nothing is sealed", words);
	archive_be_ill(ar, ARCHIVE_LOST_MANIFESTS, words);
}

/* A chain keeps the name it began with: the id is the host's name where none is set, and hosts are renamed, and
 * replaced by others. */
static void keep_name(struct archive *ar)
{
	if (!ar->last.seq || strcmp(ar->last.appliance, ar->appliance) == 0)
		return;
	log_notice("archive", "the archive goes on under the name it began with name=%s now=%s", ar->last.appliance,
		   ar->appliance);
	(void)str_copy(ar->appliance, sizeof(ar->appliance), str_of(ar->last.appliance));
}

/* The hour that was running when the last daemon ended is cut before the first new row comes. */
static int cut_at_start(struct archive *ar, struct err *e)
{
	const struct seal *last = ar->last.seq ? &ar->last : NULL;
	bool waits = ar->lost_manifests || (last && !last->is_sealed);
	if (waits || !cut_is_due(last, ar->begun_ns, clock_now_ns(), clock_boot_ns(), cut_boot_id(), ar->began_boot_ns))
		return 0;
	s3_lock_asked(ar->app, &ar->sealer.lock, &ar->sealer.lock_keep_ns);
	int rc = cut_make(&ar->sealer, false, NULL, e);
	if (rc != -ERR_EXISTS)
		return rc;
	*e = (struct err)ERR_INIT; /* the thread comes to the same and says so; capture goes on meanwhile */
	return 0;
}

static int start(struct app *a, struct err *e)
{
	struct archive *ar = archive_of(a);
	if (!ar)
		return 0;
	ar->began_boot_ns = clock_boot_ns();
	ar->sealer = (struct sealer){ .store = ar->store,
				      .house_key = ar->house_key,
				      .folder = ar->folder,
				      .appliance = ar->appliance,
				      .leave_out = ar->leave_out,
				      .more = &audit_rows };
	const struct prune p = { .store = ar->store, .folder = ar->folder, .now_ns = clock_now_ns() };
	int rc = seal_begin(&ar->sealer, e);
	if (!rc)
		rc = verifications_begin(a, e);
	if (!rc)
		rc = prune_begin(&p, e);
	if (!rc)
		rc = seal_read(ar->store, load_begun, ar, e);
	if (!rc) {
		keep_name(ar);
		look_for_later_manifests(ar);
	}
	if (!rc)
		rc = cut_at_start(ar, e);
	if (!rc)
		rc = cold_search_start(ar->search, e);
	return rc ? rc : archive_thread_start(ar, e);
}

static void reload(struct app *a)
{
	if (archive_of(a))
		take_options(archive_of(a));
}

static void stop(struct app *a)
{
	struct archive *ar = archive_of(a);
	if (!ar)
		return;
	cold_search_stop(ar->search);
	archive_thread_stop(ar);
}

static void status(struct app *a, struct json *j)
{
	struct archive *ar = archive_of(a);
	if (!ar)
		return;
	mutex_lock(&ar->m);
	json_kv_u64(j, "last_seq", ar->last.is_sealed ? ar->last.seq : 0);
	json_kv_u64(j, "objects", ar->disk.objects);
	json_kv_u64(j, "bytes", ar->disk.bytes);
	if (ar->last.is_sealed)
		json_kv_time(j, "last_until", ar->last.until_ns);
	mutex_unlock(&ar->m);
}

static void explain(struct app *a, const char *lang, struct buf *out)
{
	static const char *const keys[] = { [ARCHIVE_WELL] = NULL,
					    [ARCHIVE_FILLING] = "archive.ill.filling",
					    [ARCHIVE_LOST_MANIFESTS] = "archive.ill.manifests",
					    [ARCHIVE_NOT_SEALING] = "archive.ill.sealing" };
	struct archive *ar = archive_of(a);
	char words[ARCHIVE_WORDS_MAX + 512], days[24];
	if (!ar)
		return;
	mutex_lock(&ar->m);
	const char *key = keys[ar->ill];
	(void)snprintf(days, sizeof(days), "%lld", (long long)ar->disk.days_until_full);
	const char *one = ar->ill == ARCHIVE_FILLING ? days : ar->ill_words;
	if (key)
		buf_cstr(out, api_text(words, sizeof(words), lang, key, one, ""));
	mutex_unlock(&ar->m);
}

const struct room archive_room = {
	.name = "archive",
	.opts = opts,
	.routes = archive_routes,
	.jobs = jobs,
	.counters = counters,
	.threads = threads,
	.edges = edges,
	.init = init,
	.start = start,
	.reload = reload,
	.stop = stop,
	.fini = fini,
	.status = status,
	.explain = explain,
};
