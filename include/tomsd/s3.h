/* Room s3: places where objects are kept for years and nobody can take them away, neither we nor who owns the
 * appliance tonight. The lower half is a client of S3 (AWS, MinIO, Ceph, R2, Wasabi ...), the upper half
 * keeps for every object and place whether it is there and how that was proven.
 *
 * No DeleteObject is in here, and none may be added. */
#ifndef TOMSD_S3_H
#define TOMSD_S3_H

#include "tomsd/app.h"
#include "tomsd/base/buf.h"
#include "tomsd/base/err.h"
#include "tomsd/base/json.h"

struct sql; /* tomsd/store.h */

/* ---- The client. One thread a client. ---- */

enum s3_lock { S3_LOCK_NONE, S3_LOCK_GOVERNANCE, S3_LOCK_COMPLIANCE };
extern const char *const s3_lock_names[]; /* "NONE" "GOVERNANCE" "COMPLIANCE" */

struct s3_conf {
	char name[64];       /* "tokyo" */
	char endpoint[512];  /* "https://s3.ap-northeast-1.amazonaws.com", no path */
	char region[64];
	char bucket[128];
	char prefix[256];    /* without slash at the end; may be empty */
	char access_key[128];
	char secret_key[256];
	char ca_file[512];   /* empty: the system's */
	bool path_style;     /* bucket in the path and not in the host's name */
	enum s3_lock lock;
	int64_t keep_ns;     /* retention from the time of sending; 0 with S3_LOCK_NONE */
	uint64_t bytes_per_s; /* 0: no limit */
};

struct s3_client;
/* conf is copied; stop as in http_request. */
int s3_client_new(struct s3_client **out, const struct s3_conf *conf, const bool *stop, struct err *e) MUST_CHECK;
void s3_client_free(struct s3_client *c); /* wipes keys */

/* What went wrong, beyond struct err, so that who asks can decide. */
struct s3_fault {
	int status;          /* HTTP; 0: no answer came */
	/* "SlowDown", "AccessDenied" ... as the server says it. No answer: "NoSuchHost" "Certificate" "Timeout" "Connection"
	 * "Stopped". Found here: "LocalFile" (unreadable, or not what was sealed), "Different" (what came
	 * back), "LockDropped", "NoVersions", "Range" ... */
	char code[64];
	bool retry;          /* later may help (no answer, 5xx, 429, 403 too: keys get repaired) */
	int64_t server_ns;   /* Date of the answer; 0 none */
};
/* Offset learned from RequestTimeTooSkewed answers, to be shown as a clock alarm: server minus ours; 0: none. It goes
 * by itself when our clock is right again. Dates of retention should count from clock_now_ns() plus it. */
int64_t s3_client_skew_ns(const struct s3_client *c);

struct s3_put {
	const char *key;      /* without prefix; '=' and '/' stand as they are */
	int fd;               /* open file, from its beginning */
	uint64_t bytes;
	const uint8_t *sha256; /* of all bytes; 32 */
	const char *content_type; /* NULL: application/octet-stream */
	enum s3_lock lock;
	int64_t retain_until_ns; /* rounded up to a second */
	/* An upload in parts that was begun before: its id and how far it is, to be kept by who asks; "" none. */
	char *upload_id;      /* [256]; written as soon as an upload is begun; NULL: kept nowhere */
	int (*part)(void *arg, const char *upload_id, uint64_t done_bytes); /* after each part; non-zero: stop */
	void *arg;
};
struct s3_version {
	char version_id[128]; /* "" where the bucket keeps no versions */
	char etag[80];
	uint64_t bytes;
	enum s3_lock lock;
	int64_t retain_until_ns;
	bool legal_hold, is_latest, is_delete_marker;
	int64_t modified_ns;
	uint8_t sha256[32];  /* from x-amz-meta-sha256, where told */
	bool has_sha256;
};
/* Puts the object (one request below 64 MiB, else parts of 16 MiB, going on where it was), then proves it:
 * HEAD of the version, bytes, ETag, lock and date compared; a lock that the server dropped is put on by
 * PutObjectRetention and looked at again. If an equal object (bytes, sha256, lock) is there already, it is
 * not sent again. 0: proven, out is what was read back. */
int s3_put(struct s3_client *c, const struct s3_put *put, struct s3_version *out, struct s3_fault *f,
	   struct err *e) MUST_CHECK;
int s3_head(struct s3_client *c, const char *key, const char *version_id /* NULL: latest */, struct s3_version *out,
	    struct s3_fault *f, struct err *e) MUST_CHECK;
/* Bytes [off, off + n) of a version into p. Short answers are errors. */
int s3_read(struct s3_client *c, const char *key, const char *version_id, uint64_t off, void *p, size_t n,
	    struct s3_fault *f, struct err *e) MUST_CHECK;
/* All of it into a new file at path (durable); -ERR_CORRUPT when sha256 (may be NULL) is another, or when it is longer than
 * max_bytes: a server that never ends its answer fills no disk. */
int s3_get_file(struct s3_client *c, const char *key, const char *version_id, const char *path,
		uint64_t max_bytes, const uint8_t *sha256, struct s3_fault *f, struct err *e) MUST_CHECK;
/* Moves the date later (never earlier). */
int s3_retain(struct s3_client *c, const char *key, const char *version_id, enum s3_lock lock, int64_t until_ns,
	      struct s3_fault *f, struct err *e) MUST_CHECK;
/* Every version below a prefix (without the place's own), by key then newest first. */
struct s3_listed {
	struct str key; /* without the place's prefix */
	struct s3_version v; /* lock and sha256 are not told by a list */
};
int s3_list(struct s3_client *c, const char *below, const char *start_after_key,
	    int (*one)(void *arg, const struct s3_listed *l), void *arg, struct s3_fault *f, struct err *e) MUST_CHECK;
/* Tries the place: step by step (name found, certificate, signature, bucket, versions, Object Lock of the bucket,
 * write, read back, lock there, deletion of the version refused, shortening refused). Each step is told as it
 * ends. Leaves a small object locked for a minute. 0: every step that write-once needs is good. The one
 * place where a DELETE is sent: of that one object's version, which must be refused. */
struct s3_step {
	/* "name" "certificate" "signature" "bucket" "versions" "object_lock" "write" "read_back" "lock"
	 * "delete_refused" "shorten_refused"; "connection" when nobody answers behind the name. */
	const char *name;
	enum s3_step_result { S3_STEP_GOOD, S3_STEP_BAD, S3_STEP_SKIPPED, S3_STEP_WARNING } result;
	char words[512]; /* what the server said; "" */
};
int s3_self_test(struct s3_client *c, void (*step)(void *arg, const struct s3_step *s), void *arg, struct err *e) MUST_CHECK;

/* ---- The room: places, and what is where. ---- */

extern const struct room s3_room;

/* An object to be kept in all places; inside store_write of the room that made it, so that an object is never
 * known without being sent. Path of the local file is relative to the state folder. Sending is begun at once.
 * A place that is added later gets all objects that are still here. Already known with equal sum: 0. */
struct s3_object {
	const char *key, *path;
	const char *owner; /* room: "archive" */
	uint64_t bytes;
	uint8_t sha256[32];
	int64_t keep_ns; /* 0: the place's own; else this retention (backups) */
	int64_t made_ns;
	int priority;    /* lower goes first: 0 manifests and backups, 1 data */
};
int s3_enqueue(struct sql *db, const struct s3_object *o, struct err *e) MUST_CHECK;
void s3_wake(struct app *a); /* after the commit; any thread */
/* The least of what enabled places are asked for; S3_LOCK_NONE and 0 without any. Any thread that may wait for the
 * store. */
void s3_lock_asked(struct app *a, enum s3_lock *lock, int64_t *keep_ns);

/* What a place has of an object. */
enum s3_state { S3_WAITING, S3_SENDING, S3_PROVEN, S3_FAILED /* tried, goes on later */ };
extern const char *const s3_state_names[]; /* "waiting" "sending" "proven" "failed" */
struct s3_kept {
	char place[64];
	enum s3_state state;
	struct s3_version v;   /* where proven */
	int64_t proven_ns, next_try_ns;
	uint32_t tries;
	char words[256];
};
int s3_kept(struct sql *db, const char *key, int (*one)(void *arg, const struct s3_kept *k), void *arg,
	    struct err *e) MUST_CHECK;
/* Is there at least one place, and has every active one proven it? 1, 0, -ERR_X: whether the local copy may go. */
int s3_is_kept_everywhere(struct sql *db, const char *key, struct err *e) MUST_CHECK;
/* Proofs later than this number (of s3_proof), in their order, for the next manifest; each has its number. */
struct s3_proof {
	int64_t n;
	char key[512];
	struct s3_kept k;
};
int s3_proofs(struct sql *db, int64_t after, int (*one)(void *arg, const struct s3_proof *p), void *arg,
	      struct err *e) MUST_CHECK;
/* Longer retention for an object in all places (holds): noted here, sent by the places' threads, now and when the
 * object gets there. Inside store_write. */
int s3_extend(struct sql *db, const char *key, int64_t until_ns, struct err *e) MUST_CHECK;

/* Inside store_write, after a restore: this version was found in the place, equal to the object, so it is proven there
 * without having been sent from here. The object is made known as by s3_enqueue. Nothing happens for a place that is
 * not configured. */
int s3_adopt(struct sql *db, const char *place, const struct s3_object *o, const struct s3_version *v,
	     struct err *e) MUST_CHECK;

/* Places of the configuration and of the panel; the configuration wins. tomsctl calls it too (readonly store, its
 * own conf): a place's conf with its secret, by name. db NULL: those of the configuration alone. */
struct house_key;
struct conf;
int s3_place_conf(const struct conf *conf, struct sql *db, const struct house_key *k, const char *name,
		  struct s3_conf *out, struct err *e) MUST_CHECK;
/* The same within the daemon, on any thread: the configuration may be read anew meanwhile. */
int s3_room_place(struct app *a, const char *name, struct s3_conf *out, struct err *e) MUST_CHECK;
int s3_places(const struct conf *conf, struct sql *db, int (*one)(void *arg, const char *name), void *arg,
	      struct err *e) MUST_CHECK;

#endif
