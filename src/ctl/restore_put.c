/* See restore.h: files into their places. What is not ours is never written over. */
#include "restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tomsd/base/file.h"

#define INDEX_MAX (4u << 20)
#define FILE_MAX (4u << 20)
#define NODES_MAX 400000
#define OPEN_FOLDERS 8

/* ---- The folder. ---- */

/* What an earlier try may have left, or a mount: not the traces of a daemon. */
static bool is_nothing(const char *name)
{
	static const char *const names[] = { ".", "..", "lock", "tmp", RESTORE_FOLDER, "lost+found" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

int restore_look(struct restore *r, struct err *e)
{
	const char *state = r->c->state_path;
	char first[256] = "";
	DIR *d = opendir(state);
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, errno, "reading %s", state);
	for (const struct dirent *entry; !*first && (entry = readdir(d));)
		if (!is_nothing(entry->d_name))
			(void)str_copy(first, sizeof(first), str_of(entry->d_name));
	(void)closedir(d);
	return *first ? err_set(e, ERR_EXISTS,
				"%s is not empty (%s lies there), and a restore never writes over anything: stop tomsd, "
				"move the folder away (mv %s %s.before), then try again",
				state, first, state, state) :
			0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	(void)remove(path); /* what stays is seen by the next try */
	return 0;
}

static void clear(const char *path)
{
	(void)nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

int restore_begin(struct restore *r, struct err *e)
{
	char lock[CTL_PATH_MAX + 16];
	const char *state = r->c->state_path;
	(void)snprintf(r->work, sizeof(r->work), "%s/" RESTORE_FOLDER, state);
	(void)snprintf(r->backup, sizeof(r->backup), "%s/backup", r->work);
	(void)snprintf(r->unpacked, sizeof(r->unpacked), "%s/unpacked", r->work);
	(void)snprintf(lock, sizeof(lock), "%s/lock", state);
	int rc = file_mkdirs(state, 0700, e);
	if (rc == 0)
		rc = restore_look(r, e);
	if (rc != 0)
		return rc;
	r->lock_fd = file_lock(lock, e);
	if (r->lock_fd < 0)
		return r->lock_fd == -ERR_BUSY ? err_set(e, ERR_BUSY, "tomsd runs on %s; stop it first", state) :
						 r->lock_fd;
	clear(r->work);
	return file_mkdirs(r->work, 0700, e);
}

void restore_clear(struct restore *r)
{
	if (r->work[0])
		clear(r->work);
	if (r->lock_fd >= 0)
		(void)close(r->lock_fd); /* the lock goes with it */
}

/* ---- Whose. ---- */

static uid_t to_uid;
static gid_t to_gid;

static int own_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	if (lchown(path, to_uid, to_gid))
		(void)fprintf(stderr, "tomsctl: %s stays root's: chown it to the user that tomsd runs as\n", path);
	return 0;
}

/* Restored as root: all of it becomes the user's that the daemon runs as. */
static void own(const char *state)
{
	struct stat st;
	struct passwd *p = getpwnam("tomsd");
	if (geteuid() != 0 || stat(state, &st))
		return;
	to_uid = st.st_uid ? st.st_uid : p ? p->pw_uid : 0;
	to_gid = st.st_uid ? st.st_gid : p ? p->pw_gid : 0;
	if (to_uid)
		(void)nftw(state, own_one, OPEN_FOLDERS, FTW_PHYS | FTW_MOUNT);
}

/* ---- Files. ---- */

static int move(const struct restore *r, const char *name, const char *to, struct err *e)
{
	char from[sizeof(r->unpacked) + 64], path[CTL_PATH_MAX + 64];
	(void)snprintf(from, sizeof(from), "%s/%s", r->unpacked, name);
	(void)snprintf(path, sizeof(path), "%s/%s", r->c->state_path, to);
	if (access(from, F_OK))
		return errno == ENOENT ? 0 : err_sys(e, errno, "looking for %s", from);
	if (rename(from, path))
		return err_sys(e, errno, "putting %s in its place", path);
	return 0;
}

/* The file that was said, where there is none; else beside it. */
static int put_conf(struct restore *r, struct err *e)
{
	char from[sizeof(r->unpacked) + 64];
	struct buf b;
	(void)snprintf(from, sizeof(from), "%s/tomsd.conf", r->unpacked);
	if (access(from, F_OK))
		return 0;
	r->conf_is_in_place = access(r->c->conf_path, F_OK) != 0 && errno == ENOENT;
	(void)snprintf(r->conf_at, sizeof(r->conf_at), "%s%s", r->c->conf_path,
		       r->conf_is_in_place ? "" : ".restored");
	buf_init(&b, FILE_MAX);
	int rc = file_read(from, FILE_MAX, &b, e);
	if (rc == 0)
		rc = file_write_durable(r->conf_at, 0600, b.p ? b.p : "", b.n, e);
	if (rc != 0) { /* a folder that we may not write to */
		(void)snprintf(r->conf_at, sizeof(r->conf_at), "%s/tomsd.conf.restored", r->c->state_path);
		r->conf_is_in_place = false;
		*e = (struct err)ERR_INIT;
		rc = file_write_durable(r->conf_at, 0600, b.p ? b.p : "", b.n, e);
	}
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return rc;
}

int restore_put(struct restore *r, struct err *e)
{
	static const struct {
		const char *name, *to;
	} moves[] = {
		{ "keys", "keys" },	 { "panel", "panel" },	    { "archive", "archive" },
		{ "files", RESTORED_FILES }, { "index.json", "restored.json" }, { "tomsd.db", "tomsd.db" },
	};
	char wal[sizeof(r->unpacked) + 32];
	int rc = put_conf(r, e);
	(void)snprintf(wal, sizeof(wal), "%s/tomsd.db-wal", r->unpacked);
	if (rc == 0 && file_size(wal) > 0)
		rc = err_set(e, ERR_IO, "the restored database could not be closed; look at the disk, then try again");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(moves); i++) /* the database last: then it is whole */
		rc = move(r, moves[i].name, moves[i].to, e);
	(void)snprintf(wal, sizeof(wal), "%s/tomsd.db", r->c->state_path);
	if (rc == 0)
		rc = file_sync_folder_of(wal, e);
	if (rc == 0)
		own(r->c->state_path);
	return rc;
}

/* ---- What the configuration names. ---- */

static bool put_one(const char *from, const char *to)
{
	struct buf b;
	struct err e = ERR_INIT;
	if (access(to, F_OK) == 0 || errno != ENOENT)
		return false;
	buf_init(&b, FILE_MAX);
	int rc = file_read(from, FILE_MAX, &b, &e);
	if (rc == 0)
		rc = file_write_durable(to, 0600, b.p ? b.p : "", b.n, &e);
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return rc == 0;
}

/* The backup says where a file was; whoever had the machine may have made the backup. */
static bool is_plain_path(const char *path)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
	return path[0] == '/' && path[strspn(path, good)] == '\0' && !strstr(path, "..");
}

static void tell_one(const struct restore *r, const struct json_doc *d, const struct json_node *f)
{
	char name[128], path[300], from[CTL_PATH_MAX + 200];
	json_member_text(d, f, "name", name, sizeof(name));
	json_member_text(d, f, "path", path, sizeof(path));
	if (strncmp(name, "files/", 6) != 0 || !is_plain_path(path) || strchr(name + 6, '/'))
		return;
	(void)snprintf(from, sizeof(from), "%s/" RESTORED_FILES "/%s", r->c->state_path, name + 6);
	bool done = r->put_files && put_one(from, path);
	(void)printf("     %s ", done ? "put back: " : "install -m 0600 ");
	if (!done) {
		print_clean(stdout, from);
		(void)putchar(' ');
	}
	print_clean(stdout, path);
	(void)putchar('\n');
}

void restore_files(const struct restore *r)
{
	char path[CTL_PATH_MAX + 32];
	struct buf b;
	struct err e = ERR_INIT;
	struct json_doc d;
	(void)snprintf(path, sizeof(path), "%s/restored.json", r->c->state_path);
	buf_init(&b, INDEX_MAX);
	if (file_read(path, INDEX_MAX, &b, &e) != 0 || json_parse(buf_view(&b), NODES_MAX, &d, &e) != 0) {
		buf_fini(&b);
		return;
	}
	const struct json_node *list = json_get(&d, d.nodes, "files");
	uint32_t at = list ? (uint32_t)(list - d.nodes) + 1 : 0;
	for (uint32_t i = 0; list && i < list->count; i++, at = d.nodes[at].next)
		tell_one(r, &d, &d.nodes[at]);
	json_doc_fini(&d);
	buf_fini(&b);
}
