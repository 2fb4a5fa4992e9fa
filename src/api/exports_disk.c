/* Where exports lie: <state>/exports/<id>/, at most 10 GB of them, never at the cost of the store. Any thread. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exports_page.h"
#include "jobs.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"
#include "tomsd/base/num.h"
#include "tomsd/base/opt.h"

bool export_path(struct app *a, int64_t id, const char *name, char out[EXPORT_PATH_MAX])
{
	bool beside = name && name[0] == '.';
	if (!*app_state_path(a)) /* a run without a state folder keeps no files */
		return false;
	int n = id == 0 ?
			snprintf(out, EXPORT_PATH_MAX, "%s/exports", app_state_path(a)) :
			snprintf(out, EXPORT_PATH_MAX, "%s/exports/%lld%s%s", app_state_path(a),
				 (long long)id, !name || beside ? "" : "/", name ? name : "");
	return n > 0 && n < EXPORT_PATH_MAX;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Calls fn for each entry of a folder; nothing when there is none. */
static void each_entry(const char *path, void (*fn)(void *arg, int folder, const char *name),
		       void *arg)
{
	DIR *d = opendir(path);
	for (struct dirent *at; d && (at = readdir(d));)
		if (!is_dots(at->d_name))
			fn(arg, dirfd(d), at->d_name);
	if (d)
		(void)closedir(d);
}

static void remove_file(void *arg, int folder, const char *name)
{
	(void)arg;
	if (unlinkat(folder, name, 0) && errno != ENOENT)
		log_warning("api", "export cannot be removed file=%s",
			    log_quote(name, strlen(name)));
}

static void remove_folder(const char *path)
{
	each_entry(path, remove_file, NULL);
	if (rmdir(path) && errno != ENOENT)
		log_warning("api", "export cannot be removed folder=%s",
			    log_quote(path, strlen(path)));
}

void export_remove(struct app *a, int64_t id)
{
	char path[EXPORT_PATH_MAX];
	if (export_path(a, id, NULL, path))
		remove_folder(path);
	if (export_path(a, id, ".new", path))
		remove_folder(path);
}

struct sum {
	const char *top;
	uint64_t bytes;
};

static void add_file(void *arg, int folder, const char *name)
{
	struct sum *s = arg;
	struct stat st;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		s->bytes += (uint64_t)st.st_blocks * 512;
}

static void add_folder(void *arg, int folder, const char *name)
{
	struct sum *s = arg;
	char path[EXPORT_PATH_MAX + 300];
	(void)folder;
	(void)snprintf(path, sizeof(path), "%s/%s", s->top, name);
	each_entry(path, add_file, s);
}

bool api_export_path(struct app *a, int64_t id, const char *name, char *out, size_t cap)
{
	char path[EXPORT_PATH_MAX];
	return export_path(a, id, name, path) && str_copy(out, cap, str_of(path));
}

void api_export_remove(struct app *a, int64_t id)
{
	export_remove(a, id);
}

int export_room(struct app *a, struct err *e)
{
	return api_export_room(a, 0, e);
}

int api_export_room(struct app *a, uint64_t bytes, struct err *e)
{
	char top[EXPORT_PATH_MAX];
	struct sum s = { .top = top };
	uint64_t free_bytes, total_bytes;
	if (!export_path(a, 0, NULL, top))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	each_entry(top, add_folder, &s);
	if (s.bytes >= EXPORTS_BYTES_MAX || (bytes && bytes > EXPORTS_BYTES_MAX - s.bytes))
		return err_set(e, ERR_FULL, "exports_full");
	int rc = file_space(app_state_path(a), &free_bytes, &total_bytes, e);
	if (rc != 0)
		return rc;
	uint64_t reserve = (uint64_t)conf_i64(app_conf(a), "store", "disk_reserve");
	return free_bytes > reserve && free_bytes - reserve > bytes ? 0 : err_set(e, ERR_FULL, "no_space");
}

struct sweep {
	struct app *a;
	const char *top;
};

/* What has no row that says "done" is the rest of a run that was cut off. */
static void sweep_one(void *arg, int folder, const char *name)
{
	struct sweep *w = arg;
	char path[EXPORT_PATH_MAX + 300];
	struct err e = ERR_INIT;
	struct job_row row;
	int64_t id;
	(void)folder;
	int rc = num_i64(str_of(name), 1, INT64_MAX, &id) != 0 ? -ERR_NOTFOUND : 0;
	if (rc == 0)
		rc = job_row_read(app_store(w->a), id, clock_mono_ns() + 10 * NS_PER_S, &row,
				  &e);
	if (rc == 0) {
		rc = row.clean_ns > 0 ? 0 : -ERR_NOTFOUND;
		job_row_fini(&row);
	}
	if (rc != -ERR_NOTFOUND)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", w->top, name);
	remove_folder(path);
}

void exports_sweep(struct app *a)
{
	char top[EXPORT_PATH_MAX];
	struct sweep w = { a, top };
	if (export_path(a, 0, NULL, top))
		each_entry(top, sweep_one, &w);
}
