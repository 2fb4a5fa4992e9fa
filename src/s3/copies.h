/* What is where: the tables s3_target, s3_object, s3_copy and s3_proof. Everything that writes is called inside
 * store_write; the rest with a reader. */
#ifndef S3_COPIES_H
#define S3_COPIES_H

#include "place.h"

#define UPLOAD_ID_MAX 256
#define FILL_ROWS 2000

enum wants { WANTS_NOTHING, WANTS_SENDING, WANTS_LONGER_LOCK };

/* How a self-test of the place ended. */
enum test_result {
	TEST_NONE,
	TEST_GOOD,
	TEST_NOT_TRIED, /* it did not come as far as writing */
	TEST_NOT_WRITE_ONCE
};

struct target { /* a row of s3_target */
	int64_t id;
	char name[64];
	int64_t filled, fill_until;
	uint64_t proven, proven_bytes;
	int64_t last_proven_ns;
	uint32_t fails;
	int64_t next_try_ns;
	char problem[24], detail[512];
	int64_t problem_ns, skew_ns;
	char alarm[512];
	int64_t alarm_ns, looked_ns, test_ns;
	enum test_result test_result;
	struct buf steps; /* JSON; target_fini */
};
void target_fini(struct target *t);
int target_read(struct sql *db, int64_t id, struct target *out, struct err *e) MUST_CHECK;
/* The present one of this name: 0, -ERR_NOTFOUND. */
int target_named(struct sql *db, const char *name, struct target *out, struct err *e) MUST_CHECK;

/* Makes exactly these places the present ones; ids[i] is the target of all[i]. */
int targets_settle(struct sql *db, const struct places *ps, int64_t ids[PLACES_MAX],
		   struct err *e) MUST_CHECK;

struct sums {
	uint64_t waiting, waiting_bytes, findings, failed;
	int64_t oldest_ns; /* made, of those that wait; 0: none waits */
};
int target_sums(struct sql *db, int64_t target, struct sums *out, struct err *e) MUST_CHECK;

/* One object in one place, as its thread needs it. */
struct item {
	int64_t object, proof, keep_ns, hold_ns, made_ns;
	enum wants wants;
	uint32_t tries;
	uint64_t bytes, done_bytes;
	uint8_t sha256[32];
	char key[512], path[768], upload_id[UPLOAD_ID_MAX];
	/* Of its newest proof. */
	char version_id[128];
	enum s3_lock lock;
	uint64_t proof_bytes;
	int64_t retain_until_ns;
	bool was_proven; /* counted among the proven */
};
/* The next one that is due: 1, 0 none, -ERR_X. */
int copies_next(struct sql *db, int64_t target, int64_t now_ns, struct item *out,
	       struct err *e) MUST_CHECK;
/* When the next one will be due; INT64_MAX: none waits. */
int copies_due(struct sql *db, int64_t target, int64_t *next_ns, struct err *e) MUST_CHECK;
/* Proven ones to look at: those not looked at for longest, and some that nobody can foretell. How many, or -ERR_X. */
int copies_sample(struct sql *db, int64_t target, int64_t now_ns, struct item *out, size_t max,
		 struct err *e) MUST_CHECK;

/* Objects in (after, until] for a place that is new, oldest first; how many. */
struct fill_row {
	int64_t object;
	char path[768];
	bool is_here; /* set by who looks */
};
int copies_fill_rows(struct sql *db, const struct target *t, struct fill_row *out, size_t max,
		    struct err *e) MUST_CHECK;
struct fill {
	int64_t target;
	const struct fill_row *rows;
	size_t n;
	int64_t filled; /* up to here it is done */
};
int copies_fill(struct sql *db, const struct fill *f, struct err *e) MUST_CHECK;

struct proof { /* what was read back */
	int64_t target;
	const struct item *item;
	const struct s3_version *v;
	int64_t now_ns, skew_ns;
	bool ends_outage; /* those that failed meanwhile are due again */
};
int copies_proven(struct sql *db, const struct proof *p, struct err *e) MUST_CHECK;

struct failure {
	int64_t target;
	const struct item *item; /* NULL: of the place alone */
	bool gives_up;           /* nothing more will come of it by itself */
	int64_t item_next_ns;
	uint32_t place_fails;    /* 0: the place is not to blame */
	int64_t place_next_ns, now_ns, skew_ns;
	const char *problem, *detail;
};
int copies_failed(struct sql *db, const struct failure *f, struct err *e) MUST_CHECK;

struct part {
	int64_t target, object;
	const char *upload_id;
	uint64_t done_bytes;
};
int copies_part(struct sql *db, const struct part *p, struct err *e) MUST_CHECK;
/* A longer lock is not to be had, or not needed any more. */
int copies_settled(struct sql *db, int64_t target, int64_t object, struct err *e) MUST_CHECK;

struct finding {
	int64_t target, now_ns;
	const struct item *item;
	const char *what;  /* "gone" ...; "": it is as it was proven */
	const char *words;
	enum wants wants;  /* what repairs it */
	bool is_lost;      /* not there, and not here: it counts as failed */
};
int copies_finding(struct sql *db, const struct finding *f, struct err *e) MUST_CHECK;
int copies_looked(struct sql *db, int64_t target, int64_t now_ns, struct err *e) MUST_CHECK;
/* Somebody has taken note of all findings so far. */
int copies_acknowledge(struct sql *db, int64_t target, struct err *e) MUST_CHECK;

struct tested {
	int64_t target, at_ns;
	enum test_result result;
	struct str steps;
};
int copies_tested(struct sql *db, const struct tested *t, struct err *e) MUST_CHECK;
/* Everything that waits is due now, also what was given up. */
int copies_push(struct sql *db, struct err *e) MUST_CHECK;

#endif
