/* Rows as a CSV file with a page beside it that says what it is: who asked, for what, what was searched, what is
 * missing, and the file's hash. On the threads api/job/N. Written to <state>/exports/<id>.new, which is
 * renamed when all of it is on disk; so a folder under its own name is whole. Oldest row first. */
#include "exports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold.h"
#include "exports_page.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/log.h"
#include "tomsd/log_row.h"

#define PIECE_BYTES (1u << 20)
#define PAGE_ROWS 20000 /* asked for at once; fewer after a page that took too long */
#define PAGE_ROWS_MIN 100
#define PAGE_TIME_NS (10 * NS_PER_S)
#define COUNT_TIME_NS (10 * NS_PER_S)
#define LATE_PAGES 100 /* without a row, one after the other: the disk is too slow */
#define TIME_MAX_NS (6 * 3600 * NS_PER_S)
#define ROOM_EVERY_BYTES (UINT64_C(64) << 20)

struct out {
	struct job_work *w;
	struct export_ask *ask;
	int fd;
	struct buf b;
	struct csv csv;
	struct err failure; /* of a piece written from inside the query */
	/* Of what is written; a page that fails is taken back, for its rows will come again. */
	struct mark {
		struct hash_sum sum;
		uint64_t bytes, rows;
	} at;
	uint64_t room_at;
	struct export_facts facts;
};

static bool go_on(struct out *o)
{
	return job_progress(o->w, "writing", o->at.rows, o->facts.total);
}

static int flush(struct out *o, struct err *e)
{
	const char *p = o->b.p;
	size_t n = o->b.n;
	if (buf_failed(&o->b))
		return err_set(e, ERR_NOMEM, "no memory for a piece of the file");
	hash_sum_put(&o->at.sum, p, n);
	while (n > 0) {
		ssize_t put = write(o->fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == ENOSPC ? err_set(e, ERR_FULL, "no_space") :
						 err_sys(e, errno, "writing the export");
		p += put;
		n -= (size_t)put;
	}
	o->at.bytes += o->b.n;
	buf_reset(&o->b);
	return 0;
}

static int take_row(void *arg, const void *row)
{
	struct out *o = arg;
	record_csv(o->ask->record, row, &o->csv);
	o->at.rows++;
	if (!buf_failed(&o->b) && o->b.n < PIECE_BYTES)
		return 0;
	return flush(o, &o->failure) != 0 || !go_on(o);
}

/* Is there room on the disk? Asked now and then, not for each page. */
static int look_for_room(struct out *o, struct err *e)
{
	if (o->at.bytes < o->room_at)
		return 0;
	o->room_at = o->at.bytes + ROOM_EVERY_BYTES;
	return export_room(o->w->app, e);
}

static int take_back(struct out *o, const struct mark *before, struct err *e)
{
	o->at = *before;
	buf_reset(&o->b);
	if (ftruncate(o->fd, (off_t)before->bytes) ||
	    lseek(o->fd, (off_t)before->bytes, SEEK_SET) < 0)
		return err_sys(e, errno, "taking back a page of the export");
	return 0;
}

/* One page: 1 there are more, 0 it was the last, -ERR_TIMEOUT nothing of it is written. */
static int write_page(struct out *o, size_t rows, struct err *e)
{
	struct query *q = &o->ask->q;
	struct query_page_info info = { 0 };
	struct cold_info cold;
	struct mark before = o->at;
	int rc = rows_query(o->w->app, q, o->ask->cold, rows, clock_mono_ns() + PAGE_TIME_NS,
			    take_row, o, &info, &cold, e);
	if (rc == 0 && cold.groups_failed)
		rc = err_set(e, ERR_IO, "the archive: %s", cold.failed); /* it must not look whole */
	if (rc == -ERR_BUSY)
		rc = -ERR_TIMEOUT; /* others search it: the same again */
	if (rc == -ERR_TIMEOUT)
		return take_back(o, &before, e) == 0 ? -ERR_TIMEOUT : -e->code;
	if (o->failure.code)
		*e = o->failure;
	if (rc != 0 || o->failure.code)
		return -e->code;
	rc = flush(o, e);
	if (rc != 0)
		return rc;
	if (info.next[0])
		(void)str_copy(q->cursor, sizeof(q->cursor), str_of(info.next));
	return info.more || !info.complete;
}

static int write_pages(struct out *o, struct err *e)
{
	int64_t until_mono_ns = clock_mono_ns() + TIME_MAX_NS;
	size_t rows = PAGE_ROWS;
	int rc = flush(o, e); /* the head line is no page's */
	for (unsigned late = 0; rc == 0;) {
		uint64_t before = o->at.rows;
		if (!go_on(o))
			return -ERR_CLOSED;
		rc = look_for_room(o, e);
		if (rc != 0)
			return rc;
		rc = write_page(o, rows, e);
		late = o->at.rows > before ? 0 : late + 1;
		if (rc == 0 || (rc < 0 && rc != -ERR_TIMEOUT))
			return rc;
		if (late > LATE_PAGES || clock_mono_ns() > until_mono_ns)
			return err_set(e, ERR_TIMEOUT, "too_long");
		if (rc < 0 && rows > PAGE_ROWS_MIN)
			rows /= 2;
		rc = 0;
	}
	return rc;
}

static int write_csv(struct out *o, const char *path, struct err *e)
{
	o->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (o->fd < 0)
		return err_sys(e, errno, "creating %s", path);
	buf_init(&o->b, 8 * PIECE_BYTES);
	csv_init(&o->csv, &o->b);
	hash_sum_begin(&o->at.sum);
	if (o->ask->bom)
		csv_bom(&o->csv);
	record_csv_header(o->ask->record, &o->csv);
	int rc = write_pages(o, e);
	if (rc == 0 && fsync(o->fd))
		rc = err_sys(e, errno, "writing %s", path);
	if (close(o->fd) && rc == 0)
		rc = err_sys(e, errno, "closing %s", path);
	buf_fini(&o->b);
	hash_sum_end(&o->at.sum, o->facts.hash);
	o->facts.bytes = o->at.bytes;
	o->facts.rows = o->at.rows;
	return rc;
}

/* How many there will be, if that can be told soon. */
static void count(struct out *o)
{
	if (o->ask->cold)
		return; /* nobody has counted the archive */
	struct err e = ERR_INIT;
	bool more = false;
	uint64_t n = 0;
	(void)job_progress(o->w, "counting", 0,
			   0); /* whether to go on is asked again at once */
	if (store_count(app_store(o->w->app), &o->ask->q, UINT64_MAX - 1,
			clock_mono_ns() + COUNT_TIME_NS, &n, &more, &e) == 0 &&
	    !more)
		o->facts.total = n;
}

static int sync_folder(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "opening folder %s", path);
	int rc = fsync(fd) ? err_sys(e, errno, "syncing folder %s", path) : 0;
	(void)close(fd); /* nothing is pending behind fsync */
	return rc;
}

static void put_file(struct json *j, int64_t id, const char *name, uint64_t bytes,
		     const uint8_t hash[32])
{
	char href[160], hex[65];
	(void)snprintf(href, sizeof(href), "/api/v1/exports/%lld/%s", (long long)id, name);
	hash_hex(hash, 32, hex);
	json_obj(j);
	json_kv_str(j, "name", name);
	json_kv_str(j, "href", href);
	json_kv_u64(j, "bytes", bytes);
	json_kv_str(j, "sha256", hex);
	json_end_obj(j);
}

static void put_result(struct out *o, const char *csv_name, const char *page_name,
		       const struct buf *page)
{
	struct json j;
	uint8_t hash[32];
	hash_sha256(page->p, page->n, hash);
	buf_cstr(&o->w->result, "\"rows\":");
	buf_u64(&o->w->result, o->facts.rows);
	buf_cstr(&o->w->result, ",\"files\":");
	json_init(&j, &o->w->result);
	json_arr(&j);
	put_file(&j, o->w->id, csv_name, o->facts.bytes, o->facts.hash);
	put_file(&j, o->w->id, page_name, page->n, hash);
	json_end_arr(&j);
}

/* Both files, in the folder that is not yet there for others. */
static int write_files(struct out *o, const char *folder, struct err *e)
{
	char csv_name[96], page_name[96], path[EXPORT_PATH_MAX + 128];
	struct buf page;
	export_file_name(o->ask, o->w->asked_ns, "csv", csv_name, sizeof(csv_name));
	export_file_name(o->ask, o->w->asked_ns, "txt", page_name, sizeof(page_name));
	(void)snprintf(path, sizeof(path), "%s/%s", folder, csv_name);
	int rc = write_csv(o, path, e);
	if (rc != 0)
		return rc;
	buf_init(&page, 1u << 20);
	export_page(o->w, o->ask, &o->facts, csv_name, &page);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, page_name);
	rc = buf_failed(&page) ? err_set(e, ERR_NOMEM, "no memory for the page of an export") :
				 file_write_durable(path, 0600, page.p, page.n, e);
	if (rc == 0)
		put_result(o, csv_name, page_name, &page);
	buf_fini(&page);
	return rc;
}

static int write_all(struct out *o, struct err *e)
{
	char top[EXPORT_PATH_MAX], folder[EXPORT_PATH_MAX], whole[EXPORT_PATH_MAX];
	struct app *a = o->w->app;
	if (!export_path(a, 0, NULL, top) || !export_path(a, o->w->id, NULL, whole) ||
	    !export_path(a, o->w->id, ".new", folder))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	int rc = export_room(a, e);
	if (rc == 0)
		rc = file_mkdirs(folder, 0700, e);
	if (rc != 0)
		return rc;
	count(o);
	rc = go_on(o) ? write_files(o, folder, e) : -ERR_CLOSED;
	if (rc == 0)
		rc = sync_folder(folder, e);
	if (rc == 0 && rename(folder, whole))
		rc = err_sys(e, errno, "renaming %s", folder);
	if (rc == 0)
		rc = sync_folder(top, e);
	if (rc == 0)
		(void)job_progress(o->w, "done", o->facts.rows, o->facts.rows); /* it is done */
	return rc;
}

static int run(struct job_work *w, struct err *e)
{
	struct out *o = calloc(1, sizeof(*o));
	struct export_ask *ask = calloc(1, sizeof(*ask));
	int rc = o && ask ? export_ask_read(w->asked, ask, e) :
			    err_set(e, ERR_NOMEM, "no memory for an export");
	if (rc == 0) {
		o->w = w;
		o->ask = ask;
		o->facts.started_ns = clock_now_ns();
		rc = write_all(o, e);
	}
	free(ask);
	free(o);
	return rc;
}

static void clean(struct app *a, int64_t id);

const struct job_kind export_job = { .name = "export",
				     .unit = "rows",
				     .cancelable = true,
				     .at_once = 2,
				     .keep_ns = EXPORT_KEEP_NS,
				     .keeps_files = true,
				     .run = run,
				     .clean = clean };

static void clean(struct app *a, int64_t id)
{
	export_remove(a, id);
}
