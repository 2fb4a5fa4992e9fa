/* struct rescue and what the files of this room share. */
#ifndef RESCUE_ROOM_H
#define RESCUE_ROOM_H

#include <stdatomic.h>

#include "phrase.h"
#include "tomsd/api.h"
#include "tomsd/base/thread.h"
#include "tomsd/base/zone.h"

#define RESCUE_FOLDER "rescue"   /* below the state folder: local copies */
#define RESCUE_PREFIX "_rescue/" /* of the keys in the places */
#define BACKUP_SUFFIX ".rescue"
#define RESCUE_PATH_MAX 2048
#define RESCUE_KEY_MAX 300
#define TICKETS_MAX 4

/* A private half on its way from a request to the job that uses it; never written anywhere. */
struct ticket {
	uint64_t number; /* 0: free */
	int64_t made_mono_ns;
	uint8_t private_key[KEY_BYTES], public_key[KEY_BYTES];
};

struct rescue {
	struct app *app;
	struct store *store;
	char state_path[1024], conf_path[1024], appliance[64];
	struct zone *zone; /* the appliance's; NULL: UTC */
	struct thread thread;
	struct mutex m;
	pthread_cond_t wake;
	bool closing, look_again;           /* lock: m */
	bool busy;                          /* lock: m; a backup or rehearsal is being made */
	struct ticket tickets[TICKETS_MAX]; /* lock: m */
	uint64_t last_ticket;               /* lock: m */
	char trouble[8][2][256];            /* lock: m; key of the words and {1}, for explain */
	size_t n_trouble;                   /* lock: m */
	_Atomic int64_t at_s;               /* [rescue] at: seconds after midnight */
	_Atomic int64_t keep_ns;
	_Atomic uint64_t rows_bytes, reserve_bytes;
	_Atomic int64_t next_ns; /* wall clock of the next nightly one; 0: none */
	_Atomic int64_t last_ns, rehearsed_ns;
	_Atomic uint64_t last_bytes;
	_Atomic bool has_phrase;
};
struct rescue *rescue_of(struct app *a);

extern struct rescue_counts {
	_Atomic uint64_t backups, failures, bytes, rehearsals;
} rescue_counts;

/* Long work tells how far it is; false: stop, -ERR_CLOSED. */
struct watch {
	bool (*tell)(void *arg, const char *phase, uint64_t done, uint64_t total);
	void *arg;
	const bool *stop; /* atomic, for what waits on the network; may be NULL */
};
/* One at a time: waits for its turn. -ERR_CLOSED: it was ended meanwhile. */
int work_begin(struct rescue *r, const struct watch *w, struct err *e) MUST_CHECK;
void work_end(struct rescue *r);

/* rows.c: the room's tables. Any thread. */
struct key_row {
	char id[KEY_ID_TEXT];
	uint8_t public_key[KEY_BYTES];
	int64_t made_ns;
	char made_by[64];
};
int key_row_read(struct store *st, struct key_row *out,
		 struct err *e) MUST_CHECK; /* -ERR_NOTFOUND */
int key_row_add(struct store *st, const struct key_row *k, struct err *e) MUST_CHECK;

struct backup_row {
	int64_t id, made_ns, took_ns;
	char key[RESCUE_KEY_MAX], path[RESCUE_KEY_MAX], asked_by[64], key_id[KEY_ID_TEXT];
	uint64_t bytes, database_bytes, rows, tables;
	int32_t oldest_day;
	uint8_t sha256[32];
	char left_out[2048];
};
/* The row, its sending to all places, and the end of what had failed, in one transaction. */
int backup_row_add(struct store *st, const struct backup_row *b, int64_t keep_ns,
		   struct err *e) MUST_CHECK;
/* Newest first. one() non-zero ends it with that. local: with a copy here. */
int backup_rows(struct store *st, bool local, size_t limit,
		int (*one)(void *arg, struct sql *db, const struct backup_row *b), void *arg,
		struct err *e) MUST_CHECK;
int backup_row_forget_path(struct store *st, int64_t id, struct err *e) MUST_CHECK;

struct rehearsal_row {
	int64_t at_ns, took_ns, made_ns;
	char asked_by[64], source[72], code[24], words[512];
	uint64_t rows, tables;
	bool good;
};
int rehearsal_row_add(struct store *st, const struct rehearsal_row *r,
		      struct err *e) MUST_CHECK;
/* -ERR_NOTFOUND. good: the last one that was. */
int rehearsal_row_last(struct store *st, bool good, struct rehearsal_row *out,
		       struct err *e) MUST_CHECK;
/* at_ns 0: it is not so. */
int state_row_put(struct store *st, const char *name, int64_t at_ns, const char *words,
		  struct err *e) MUST_CHECK;
int state_row_read(struct store *st, const char *name, int64_t *at_ns, char *words, size_t cap,
		   struct err *e) MUST_CHECK;

/* make.c: threads rescue and api/job/N. -ERR_NOTFOUND: nobody has made a phrase yet. */
int backup_make(struct rescue *r, const char *asked_by, const struct watch *w,
		struct backup_row *out, struct err *e) MUST_CHECK;
/* Local copies that the places have, beyond the newest. */
void backups_prune(struct rescue *r);
void backups_sweep(struct rescue *r); /* before the first is made */

/* clear.c: a folder and what is in it; nothing outside, nothing behind a link. */
void folder_clear(const char *path);

/* rehearse.c: thread api/job/N. Keys of the phrase; from "local" or "s3:NAME". 0: the result is a
 * row, good or not. */
int rehearse(struct rescue *r, const uint8_t private_key[KEY_BYTES],
	     const uint8_t public_key[KEY_BYTES], const char *from, const char *asked_by,
	     const struct watch *w, struct rehearsal_row *out, struct err *e) MUST_CHECK;

/* night.c: the thread rescue. */
int night_start(struct rescue *r, struct err *e) MUST_CHECK;
void night_stop(struct rescue *r);
void night_wake(struct rescue *r); /* something has changed: it looks again; any thread */
/* The first time behind ns that is at_s after midnight in this zone. */
int64_t night_next(const struct zone *z, int64_t at_s, int64_t ns);

/* room.c: a client of a place by its name. */
struct s3_client;
int rescue_client(struct rescue *r, const char *place, const bool *stop, struct s3_client **out,
		  struct err *e) MUST_CHECK;

/* routes.c */
extern const struct route rescue_routes[];
int routes_kinds(struct app *a, struct err *e) MUST_CHECK;
void tickets_wipe(struct rescue *r, bool all); /* those that nobody came for */

#endif
