/* Making a backup: a copy of the database while it is written, checked and counted; what else belongs to the
 * appliance; sealed into <state>/rescue/, noted and handed to room s3 in one transaction. A crash leaves
 * files below <state>/tmp, which the next one replaces. Threads rescue and api/job/N, one at a time. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "contents.h"
#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/log.h"
#include "tomsd/s3.h"
#include "tomsd/store/cut.h"

#define COPY_NAME "tmp/rescue-copy.db"
#define LOCAL_NEWEST 2 /* copies that stay here, wherever else they are */
#define LOCAL_LOOKED_AT 64
#define WAIT_MS 500

struct making {
	struct rescue *r;
	const struct watch *w;
	const char *phase;
	bool is_full; /* the disk came near its reserve: that, not a person, ended it */
};

static bool tell(void *arg, uint64_t done, uint64_t total)
{
	struct making *m = arg;
	uint64_t free_bytes, total_bytes;
	struct err why = ERR_INIT;
	thread_beat();
	if (file_space(m->r->state_path, &free_bytes, &total_bytes, &why) == 0 &&
	    free_bytes < atomic_load(&m->r->reserve_bytes)) {
		m->is_full = true;
		return false;
	}
	return m->w->tell(m->w->arg, m->phase, done, total);
}

static int no_room(struct rescue *r, struct err *e)
{
	return err_set(e, ERR_FULL,
		       "no backup was made: fewer than %llu MB would be left on the disk; make "
		       "room, or lower [rescue] rows",
		       (unsigned long long)(atomic_load(&r->reserve_bytes) >> 20));
}

/* "_rescue/appliance=toms-1/20261123T023000Z-0123abcd.rescue": sorts by time. */
static void name_it(const struct rescue *r, struct backup_row *b)
{
	char time[CLOCK_RFC3339_MAX], plain[24], sum[9];
	size_t n = 0;
	clock_rfc3339(b->made_ns / NS_PER_S * NS_PER_S, time);
	for (const char *c = time; *c && n + 1 < sizeof(plain); c++)
		if (*c != '-' && *c != ':')
			plain[n++] = *c;
	plain[n] = '\0';
	hash_hex(b->sha256, 4, sum);
	(void)snprintf(b->key, sizeof(b->key), RESCUE_PREFIX "appliance=%s/%s-%s" BACKUP_SUFFIX,
		       r->appliance, plain, sum);
	(void)snprintf(b->path, sizeof(b->path), RESCUE_FOLDER "/%s-%s" BACKUP_SUFFIX, plain,
		       sum);
}

static int gather(struct making *m, struct contents *c, const char *copy,
		  const struct store_copied *copied, int64_t made_ns, struct err *e)
{
	struct rescue *r = m->r;
	m->phase = "checking";
	if (!tell(m, 0, 0))
		return err_set(e, ERR_CLOSED, "the backup was ended before it was done");
	int rc = contents_database(c, copy, copied, r->appliance, TOMSD_VERSION, made_ns, e);
	if (rc == 0)
		rc = contents_state(c, r->state_path, e);
	if (rc == 0)
		rc = contents_conf(c, r->conf_path[0] ? r->conf_path : NULL, e);
	return rc == 0 ? contents_end(c, e) : rc;
}

/* Seals what was gathered under a name of its own; out: what the row tells. */
static int seal(struct making *m, const struct key_row *k, struct contents *c, int64_t made_ns,
		struct backup_row *b, struct err *e)
{
	struct rescue *r = m->r;
	char fresh[RESCUE_PATH_MAX], path[RESCUE_PATH_MAX];
	struct packed packed = { 0 };
	struct pack_ask ask = { .recipient = k->public_key,
				.made_ns = made_ns,
				.appliance = r->appliance,
				.version = TOMSD_VERSION,
				.parts = c->parts,
				.n_parts = c->n,
				.progress = tell,
				.arg = m };
	m->phase = "sealing";
	(void)snprintf(path, sizeof(path), "%s/" RESCUE_FOLDER, r->state_path);
	int rc = file_mkdirs(path, 0700, e);
	(void)snprintf(fresh, sizeof(fresh), "%s/" RESCUE_FOLDER "/next", r->state_path);
	if (rc == 0)
		rc = pack_write(fresh, &ask, &packed, e);
	if (rc != 0)
		return rc;
	b->made_ns = made_ns;
	b->bytes = packed.bytes;
	memcpy(b->sha256, packed.sha256, sizeof(b->sha256));
	(void)str_copy(b->key_id, sizeof(b->key_id), str_of(k->id));
	name_it(r, b);
	(void)snprintf(path, sizeof(path), "%s/%s", r->state_path, b->path);
	if (rename(fresh, path))
		return err_sys(e, errno, "renaming %s", fresh);
	return file_sync_folder_of(path, e);
}

static int make_all(struct making *m, const struct key_row *k, struct backup_row *b,
		    struct err *e)
{
	struct rescue *r = m->r;
	char copy[RESCUE_PATH_MAX];
	struct store_copied copied = { 0 };
	int64_t made_ns = clock_now_ns();
	struct contents *c = contents_new();
	if (!c)
		return err_set(e, ERR_NOMEM, "no memory for a backup");
	(void)snprintf(copy, sizeof(copy), "%s/" COPY_NAME, r->state_path);
	(void)unlink(copy); /* left by a power cut */
	m->phase = "copying";
	int rc = store_copy(r->store, copy, atomic_load(&r->rows_bytes), tell, m, &copied, e);
	if (rc == 0)
		rc = gather(m, c, copy, &copied, made_ns, e);
	if (rc == 0)
		rc = seal(m, k, c, made_ns, b, e);
	(void)unlink(copy);
	if (rc == 0) {
		b->database_bytes = copied.bytes;
		b->rows = c->n_rows;
		b->tables = c->n_tables;
		b->oldest_day = copied.oldest_day;
		(void)str_copy(b->left_out, sizeof(b->left_out),
			       c->left_out.p ? buf_view(&c->left_out) : STR(""));
	}
	contents_free(c);
	return rc;
}

int work_begin(struct rescue *r, const struct watch *w, struct err *e)
{
	mutex_lock(&r->m);
	while (r->busy) {
		(void)cond_wait(&r->wake, &r->m, WAIT_MS);
		mutex_unlock(&r->m);
		if (!w->tell(w->arg, "waiting", 0, 0))
			return err_set(e, ERR_CLOSED,
				       "it was ended while it waited for its turn");
		mutex_lock(&r->m);
	}
	r->busy = true;
	mutex_unlock(&r->m);
	return 0;
}

void work_end(struct rescue *r)
{
	mutex_lock(&r->m);
	r->busy = false;
	pthread_cond_broadcast(&r->wake);
	mutex_unlock(&r->m);
}

static int make_noted(struct making *m, const struct key_row *k, const char *asked_by,
		      struct backup_row *b, struct err *e)
{
	struct rescue *r = m->r;
	char path[RESCUE_PATH_MAX];
	int64_t began = clock_mono_ns();
	int rc = make_all(m, k, b, e);
	if (rc != 0)
		return rc;
	b->took_ns = clock_mono_ns() - began;
	(void)str_copy(b->asked_by, sizeof(b->asked_by), str_of(asked_by));
	rc = backup_row_add(r->store, b, atomic_load(&r->keep_ns), e);
	if (rc != 0) { /* nobody would ever know of it */
		(void)snprintf(path, sizeof(path), "%s/%s", r->state_path, b->path);
		(void)unlink(path);
	}
	return rc;
}

static void note_failure(struct rescue *r, const struct err *e)
{
	struct err why = ERR_INIT;
	counter_add(&rescue_counts.failures, 1);
	log_warning("rescue", "no backup was made error=%s", LOGQ(e->text));
	if (state_row_put(r->store, "failed", clock_now_ns(), e->text, &why) != 0)
		log_warning("rescue", "that cannot be noted error=%s", LOGQ(why.text));
}

int backup_make(struct rescue *r, const char *asked_by, const struct watch *w,
		struct backup_row *out, struct err *e)
{
	struct making m = { .r = r, .w = w, .phase = "copying" };
	struct key_row k;
	struct backup_row b = { 0 };
	int rc = key_row_read(r->store, &k, e);
	if (rc == -ERR_NOTFOUND)
		return err_set(e, ERR_NOTFOUND,
			       "no recovery phrase has been made yet, so nobody could open a "
			       "backup; make one first: tomsctl rescue phrase");
	if (rc == 0)
		rc = work_begin(r, w, e);
	if (rc != 0)
		return rc;
	rc = make_noted(&m, &k, asked_by, &b, e);
	if (rc != 0 && m.is_full)
		rc = no_room(r, e);
	work_end(r);
	if (rc == 0) {
		counter_add(&rescue_counts.backups, 1);
		counter_add(&rescue_counts.bytes, b.bytes);
		log_notice("rescue", "backup made bytes=%llu rows=%llu seconds=%lld",
			   (unsigned long long)b.bytes, (unsigned long long)b.rows,
			   (long long)(b.took_ns / NS_PER_S));
		s3_wake(r->app);
		backups_prune(r);
		*out = b;
	} else if (rc != -ERR_CLOSED) {
		note_failure(r, e);
	}
	return rc;
}

/* ---- Copies that may go. ---- */

struct known {
	char names[LOCAL_LOOKED_AT][128];
	size_t n;
};

static int know(void *arg, struct sql *db, const struct backup_row *b)
{
	struct known *k = arg;
	const char *slash = strrchr(b->path, '/');
	(void)db;
	(void)str_copy(k->names[k->n++], sizeof(k->names[0]),
		       str_of(slash ? slash + 1 : b->path));
	return 0;
}

struct prune {
	int64_t ids[LOCAL_LOOKED_AT];
	char paths[LOCAL_LOOKED_AT][RESCUE_KEY_MAX];
	size_t seen, n;
	struct err e;
};

static int count_place(void *arg, const struct s3_kept *k)
{
	(void)k;
	++*(size_t *)arg;
	return 0;
}

/* The newest stay; others go once every place has proven them, or where there is no place at all. */
static int may_go(void *arg, struct sql *db, const struct backup_row *b)
{
	struct prune *p = arg;
	size_t places = 0;
	if (p->seen++ < LOCAL_NEWEST)
		return 0;
	int kept = s3_is_kept_everywhere(db, b->key, &p->e);
	int rc = kept == 0 ? s3_kept(db, b->key, count_place, &places, &p->e) : 0;
	if (kept < 0 || rc != 0)
		return kept < 0 ? kept : rc;
	if (kept == 1 || places == 0) {
		p->ids[p->n] = b->id;
		(void)str_copy(p->paths[p->n++], RESCUE_KEY_MAX, str_of(b->path));
	}
	return 0;
}

static int note_missing(void *arg, struct sql *db, const struct backup_row *b)
{
	struct prune *p = arg;
	(void)db;
	p->ids[p->n] = b->id;
	(void)str_copy(p->paths[p->n++], RESCUE_KEY_MAX, str_of(b->path));
	return 0;
}

static void forget_missing(struct rescue *r)
{
	struct prune *p = calloc(1, sizeof(*p));
	char path[RESCUE_PATH_MAX];
	if (!p || backup_rows(r->store, true, LOCAL_LOOKED_AT, note_missing, p, &p->e) != 0) {
		free(p);
		return; /* looked at again at the next start */
	}
	for (size_t i = 0; i < p->n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->state_path, p->paths[i]);
		if (access(path, F_OK) == 0 || errno != ENOENT)
			continue;
		if (backup_row_forget_path(r->store, p->ids[i], &p->e) != 0)
			log_warning("rescue", "a missing backup stays noted error=%s",
				    LOGQ(p->e.text));
	}
	free(p);
}

/* Files that no row knows: a power cut came between the file and its row. Rows whose file is not here: the
 * database came out of a backup. */
void backups_sweep(struct rescue *r)
{
	char folder[RESCUE_PATH_MAX], path[RESCUE_PATH_MAX + 256];
	struct known k = { .n = 0 };
	struct err e = ERR_INIT;
	forget_missing(r);
	(void)snprintf(folder, sizeof(folder), "%s/" RESCUE_FOLDER, r->state_path);
	DIR *d = opendir(folder);
	if (!d)
		return; /* none was ever made */
	int rc = backup_rows(r->store, true, LOCAL_LOOKED_AT, know, &k, &e);
	for (const struct dirent *entry;
	     rc == 0 && k.n < LOCAL_LOOKED_AT && (entry = readdir(d));) {
		bool stays = entry->d_name[0] == '.';
		for (size_t i = 0; i < k.n && !stays; i++)
			stays = strcmp(k.names[i], entry->d_name) == 0;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (!stays && unlink(path) == 0)
			log_notice("rescue", "an unfinished backup was removed file=%s",
				   LOGQ(entry->d_name));
	}
	(void)closedir(d);
}

void backups_prune(struct rescue *r)
{
	struct prune *p = calloc(1, sizeof(*p));
	char path[RESCUE_PATH_MAX];
	int rc = p ? backup_rows(r->store, true, LOCAL_LOOKED_AT, may_go, p, &p->e) :
		     -ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		/* The row first: a path that is told must lead to a file. */
		rc = backup_row_forget_path(r->store, p->ids[i], &p->e);
		(void)snprintf(path, sizeof(path), "%s/%s", r->state_path, p->paths[i]);
		if (rc == 0)
			(void)unlink(path);
	}
	if (rc != 0)
		log_warning("rescue", "old backups stay where they are error=%s",
			    LOGQ(p ? p->e.text : "out of memory"));
	free(p);
}
