/* struct archive: the room's own, and what its thread, its routes and its pruning share. */
#ifndef ARCHIVE_ROOM_H
#define ARCHIVE_ROOM_H

#include "seal.h"
#include "search.h"

#define ARCHIVE_WORDS_MAX 512

/* What keeps the room from being well; the worst of it is shown on the overview. */
enum archive_ill { ARCHIVE_WELL, ARCHIVE_FILLING, ARCHIVE_LOST_MANIFESTS, ARCHIVE_NOT_SEALING };

/* What is here, and how long it will go well; made by the thread after each look. */
struct archive_disk {
	uint64_t objects, bytes, free_bytes;
	uint64_t bytes_per_day;          /* of objects, by the last week */
	uint64_t store_bytes_per_day;    /* of the database; 0 once its retention drops as much */
	int64_t days_until_full;         /* -1: nobody can tell, or never */
	uint64_t may_go, may_go_bytes;   /* objects that would be deleted when room is wanted */
	uint64_t held, unproven;         /* and those that would not */
	int64_t oldest_ns;               /* of rows in objects here; 0 none */
};

/* Bytes of a file of the archive, asked for by a thread that may not open files. */
struct archive_wish {
	const char *key;
	struct buf *out;
	struct err *e;
	int rc;
	enum { WISH_WAITS, WISH_TAKEN, WISH_DONE } state; /* lock: archive.m */
	struct archive_wish *next;
};

struct archive {
	struct app *app;
	struct store *store;
	struct house_key *house_key; /* constant after init */
	struct sealer sealer;        /* thread: archive */
	struct cold_search *search;  /* constant after init */
	char folder[ARCHIVE_PATH_MAX], appliance[ARCHIVE_APPLIANCE_MAX], leave_out[SEAL_LEAVE_OUT_MAX];
	int64_t began_boot_ns;
	struct thread thread;
	bool stop; /* atomic: for what waits on the network */
	_Atomic uint64_t rows_done; /* of the seal being written */

	struct mutex m;
	pthread_cond_t wake, done;
	bool closing;                 /* lock: m */
	int64_t local_keep_ns;        /* lock: m; options that may be reloaded */
	uint64_t disk_limit, disk_reserve; /* lock: m */
	int64_t store_keep_ns;        /* lock: m */
	char timestamp_url[1024], timestamp_ca[1024]; /* lock: m */
	uint64_t asked, answered;     /* lock: m; seals asked for by hand */
	int asked_rc;                 /* lock: m; how the last of those ended */
	char asked_words[ARCHIVE_WORDS_MAX]; /* lock: m */
	uint64_t asked_seq;           /* lock: m */
	struct archive_wish *wishes;  /* lock: m */
	struct archive_disk disk;     /* lock: m */
	enum archive_ill ill;         /* lock: m */
	char ill_words[ARCHIVE_WORDS_MAX]; /* lock: m; what failed */
	int64_t ill_since_ns;         /* lock: m */
	struct seal last;             /* lock: m; seq 0: none yet */
	int64_t begun_ns;             /* constant after start */
	bool lost_manifests;          /* constant after start: the folder has later ones than the database */

	/* thread: archive */
	int64_t retry_mono_ns, retry_wait_ns, prune_mono_ns, stamp_mono_ns, slice_mono_ns, hurry_mono_ns;
};

struct archive_counts {
	_Atomic uint64_t seals, failures, rows, objects, bytes, pruned, pruned_bytes, stamps, next_full_days;
};
extern struct archive_counts archive_counts;

/* thread.c */
int archive_thread_start(struct archive *ar, struct err *e) MUST_CHECK;
void archive_thread_stop(struct archive *ar);
/* Asks for a seal now: the number to wait for. */
uint64_t archive_ask_seal(struct archive *ar);
/* 1: it has ended (rc, words and seq are filled), 0: not yet, -ERR_CLOSED. */
struct archive_answer {
	int rc;
	uint64_t seq;
	char words[ARCHIVE_WORDS_MAX];
};
int archive_wait_seal(struct archive *ar, uint64_t number, int timeout_ms, struct archive_answer *out);
/* A file below the archive's folder, appended to out. -ERR_TIMEOUT: the thread did not get to it. */
int archive_file(struct archive *ar, const char *key, int64_t deadline_mono_ns, struct buf *out,
		 struct err *e) MUST_CHECK;
void archive_be_ill(struct archive *ar, enum archive_ill ill, const char *words);
void archive_be_well(struct archive *ar, enum archive_ill ill);

/* prune.c */
struct prune {
	struct store *store;
	const char *folder;
	int64_t now_ns, keep_ns; /* keep 0: age does not count */
	uint64_t limit, reserve;
	int64_t store_keep_ns;
	/* Free bytes of the file system; NULL: asks it. */
	int (*space)(void *arg, uint64_t *free_bytes, struct err *e);
	void *arg;
	bool (*goes_on)(void *arg); /* asked at each object; false: the house closes. NULL: it goes on */
	void *goes_on_arg;
};
/* Deletes what may go and must; how much. */
struct pruned {
	uint64_t objects, bytes;
};
int prune_run(const struct prune *p, struct pruned *out, struct err *e) MUST_CHECK;
/* What a crash between its steps left. */
int prune_begin(const struct prune *p, struct err *e) MUST_CHECK;
int prune_look(const struct prune *p, struct archive_disk *out, struct err *e) MUST_CHECK;

/* stamp.c */
struct stamper {
	const struct sealer *sealer;
	const char *url, *ca_file;
	const bool *stop;
};
/* Has the first manifest of the day stamped that is not yet: 1 it was, 0 nothing to do now, -ERR_X (noted). */
int stamp_run(const struct stamper *s, int64_t now_ns, struct err *e) MUST_CHECK;

/* hours.c */
void archive_hours_get(struct request *rq, struct reply *rp);

/* routes.c */
extern const struct route archive_routes[];
extern const struct job_kind archive_seal_job;

#endif
