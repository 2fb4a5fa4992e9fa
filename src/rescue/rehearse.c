/* A rehearsal: what a bare machine would do, into a scratch folder below the state folder. The backup is
 * found and fetched, opened with the phrase's key, its database checked, counted and opened as the daemon
 * would, its keys read; then all of it goes away again. The result is a row, good or not. Thread
 * api/job/N. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/log.h"
#include "tomsd/crypt.h"
#include "tomsd/s3.h"
#include "unpack.h"

#define SCRATCH "tmp/rehearsal"
#define TRIED_MAX 64 /* backups in a place whose head is asked for */

struct rehearsal {
	struct rescue *r;
	const uint8_t *private_key, *public_key;
	const struct watch *w;
	const char *phase;
	char scratch[1200], backup[RESCUE_PATH_MAX], unpacked[RESCUE_PATH_MAX];
	bool fetched; /* backup is ours to delete */
};

static bool tell(void *arg, uint64_t done, uint64_t total)
{
	struct rehearsal *h = arg;
	thread_beat();
	return h->w->tell(h->w->arg, h->phase, done, total);
}

static int newest_local(void *arg, struct sql *db, const struct backup_row *b)
{
	(void)db;
	*(struct backup_row *)arg = *b;
	return 1;
}

static int find_local(struct rehearsal *h, struct err *e)
{
	struct backup_row b = { 0 };
	int rc = backup_rows(h->r->store, true, 1, newest_local, &b, e);
	if (rc == 0)
		return err_set(e, ERR_NOTFOUND,
			       "there is no backup on this machine to rehearse");
	(void)snprintf(h->backup, sizeof(h->backup), "%s/%s", h->r->state_path, b.path);
	return rc < 0 ? rc : 0;
}

/* The newest one that this phrase opens. */
static int pick(struct rehearsal *h, struct s3_client *c, const struct rescue_at *items,
		size_t n, struct rescue_at *out, struct err *e)
{
	uint8_t id[KEY_ID_BYTES];
	char wanted[KEY_ID_TEXT];
	key_id_of(h->public_key, id);
	hash_hex(id, sizeof(id), wanted);
	for (size_t i = 0; i < n && i < TRIED_MAX; i++) {
		struct rescued told;
		struct err why = ERR_INIT;
		if (!tell(h, i, 0))
			return err_set(e, ERR_CLOSED, "the rehearsal was ended");
		int rc = rescue_look_at(c, &items[i], &told, &why);
		if (rc == 0 && strcmp(told.key_id, wanted) == 0) {
			*out = items[i];
			return 0;
		}
		if (rc != 0 && rc != -ERR_INVALID && rc != -ERR_CORRUPT && rc != -ERR_NEWER) {
			*e = why;
			return rc;
		}
	}
	return err_set(e, n ? ERR_DENIED : ERR_NOTFOUND,
		       n ? "no backup in this place was made for this recovery phrase" :
			   "there is no backup of this appliance in this place");
}

/* Before it is fetched: how long it is the place says, and capture needs the disk. */
static int look_for_room(const struct rehearsal *h, uint64_t bytes, struct err *e)
{
	uint64_t free_bytes, total_bytes, keep = atomic_load(&h->r->reserve_bytes);
	int rc = file_space(h->scratch, &free_bytes, &total_bytes, e);
	if (rc == 0 && (free_bytes < keep || (free_bytes - keep) / 2 < bytes))
		rc = err_set(e, ERR_FULL,
			     "the backup has %llu MB, and fewer than %llu MB would be left on the disk; make room",
			     (unsigned long long)(bytes >> 20), (unsigned long long)(keep >> 20));
	return rc;
}

static int fetch_from(struct rehearsal *h, struct s3_client *c, struct err *e)
{
	struct rescue_at *items = NULL, at;
	struct s3_fault fault = { 0 };
	size_t n = 0;
	h->phase = "finding";
	int rc = rescue_find(c, h->r->appliance, INT64_MAX, &items, &n, e);
	if (rc == 0)
		rc = pick(h, c, items, n, &at, e);
	free(items);
	if (rc == 0)
		rc = look_for_room(h, at.bytes, e);
	if (rc != 0)
		return rc;
	h->phase = "fetching";
	if (!tell(h, 0, at.bytes))
		return err_set(e, ERR_CLOSED, "the rehearsal was ended");
	(void)snprintf(h->backup, sizeof(h->backup), "%s/backup", h->scratch);
	thread_park(); /* the client has its own limits of time */
	rc = s3_get_file(c, at.key, at.version_id[0] ? at.version_id : NULL, h->backup,
			 at.bytes, NULL, &fault, e);
	thread_unpark();
	return rc;
}

static int fetch(struct rehearsal *h, const char *place, struct err *e)
{
	struct s3_client *c = NULL;
	int rc = rescue_client(h->r, place, h->w->stop, &c, e);
	if (rc == 0)
		rc = fetch_from(h, c, e);
	s3_client_free(c);
	return rc;
}

static int open_as_daemon(struct rehearsal *h, struct err *e)
{
	struct store *st = NULL;
	struct house_key *k = NULL;
	struct sql *db;
	h->phase = "opening";
	if (!tell(h, 0, 0))
		return err_set(e, ERR_CLOSED, "the rehearsal was ended");
	int rc = store_open_readonly(&st, h->unpacked, e);
	if (rc == 0)
		rc = store_read_begin(st, clock_mono_ns() + 60 * NS_PER_S, &db, e);
	if (rc == 0)
		store_read_end(st, db);
	store_free(st);
	if (rc == 0)
		rc = house_key_load(&k, h->unpacked, false, e);
	house_key_free(k);
	return rc;
}

static int run(struct rehearsal *h, const char *from, struct rehearsal_row *row, struct err *e)
{
	struct rescued got = { 0 };
	struct str place = str_of(from);
	(void)snprintf(h->scratch, sizeof(h->scratch), "%s/" SCRATCH, h->r->state_path);
	(void)snprintf(h->unpacked, sizeof(h->unpacked), "%s/unpacked", h->scratch);
	folder_clear(h->scratch); /* left by a power cut */
	int rc = file_mkdirs(h->scratch, 0700, e);
	if (rc == 0)
		rc = str_starts(place, STR("s3:")) ? fetch(h, from + 3, e) : find_local(h, e);
	struct rescued told;
	if (rc == 0)
		rc = rescue_look(h->backup, &told, e);
	if (rc == 0)
		row->made_ns = told.made_ns;
	h->phase = "unpacking";
	if (rc == 0)
		rc = backup_open(h->backup, h->private_key, h->public_key, h->unpacked, tell, h,
				 &got, e);
	if (rc == 0)
		rc = open_as_daemon(h, e);
	folder_clear(h->scratch);
	row->rows = got.rows;
	row->tables = got.tables;
	return rc;
}

int rehearse(struct rescue *r, const uint8_t private_key[KEY_BYTES],
	     const uint8_t public_key[KEY_BYTES], const char *from, const char *asked_by,
	     const struct watch *w, struct rehearsal_row *out, struct err *e)
{
	struct rehearsal h = {
		.r = r, .private_key = private_key, .public_key = public_key, .w = w
	};
	struct rehearsal_row row = { 0 };
	struct err why = ERR_INIT;
	int64_t began = clock_mono_ns();
	int rc = work_begin(r, w, e);
	if (rc != 0)
		return rc;
	rc = run(&h, from, &row, e);
	work_end(r);
	if (rc == -ERR_CLOSED) /* ended by somebody: says nothing about the backup */
		return rc;
	row.at_ns = clock_now_ns();
	row.took_ns = clock_mono_ns() - began;
	row.good = rc == 0;
	(void)str_copy(row.asked_by, sizeof(row.asked_by), str_of(asked_by));
	(void)str_copy(row.source, sizeof(row.source), str_of(from));
	if (rc != 0) {
		(void)str_copy(row.words, sizeof(row.words), str_of(e->text));
		(void)str_copy(row.code, sizeof(row.code), str_of(err_name(-rc)));
	}
	counter_add(&rescue_counts.rehearsals, 1);
	if (rehearsal_row_add(r->store, &row, &why) != 0)
		log_warning("rescue", "the rehearsal cannot be noted error=%s", LOGQ(why.text));
	*out = row;
	return 0;
}
