/* Room archive: what the store took in is sealed once an hour into Parquet objects and a signed manifest that is
 * chained to the one before, kept here and sent to every place of room s3; proven, held and searched again for
 * years. docs/archive.md describes the files well enough to check them without us.
 *
 * Below the state folder: archive/kind=.../....parquet and archive/_manifest/appliance=<id>/<seq>.json, .sig, .tsr:
 * the same names as in the places. */
#ifndef TOMSD_ARCHIVE_H
#define TOMSD_ARCHIVE_H

#include "tomsd/api.h"
#include "tomsd/app.h"
#include "tomsd/base/buf.h"
#include "tomsd/base/err.h"
#include "tomsd/base/json.h"
#include "tomsd/store.h"

extern const struct room archive_room;

/* ---- Merkle trees (RFC 6962, section 2.1) and what is a leaf. ---- */

/* Leaf of a row: SHA-256(0x00 || for each column of the file in its order: 0x00 for NULL; 0x01 and 8 bytes,
 * big-endian, of a number or time; 0x02, 4 bytes of length, big-endian, and the bytes of a text). */
struct merkle; /* takes leaves one by one, in memory of the tree's height */
struct merkle *merkle_new(void); /* NULL: out of memory */
void merkle_leaf(struct merkle *m, const uint8_t leaf_hash[32]);
void merkle_root(const struct merkle *m, uint8_t root[32]); /* of no leaves: SHA-256 of nothing */
void merkle_free(struct merkle *m);
/* The way from a leaf to the root: at most 64 hashes; how many. all: every leaf's hash, n of them. */
size_t merkle_path(const uint8_t (*all)[32], uint64_t n, uint64_t leaf, uint8_t (*path)[32]);
bool merkle_path_leads(const uint8_t leaf_hash[32], uint64_t leaf, uint64_t n, const uint8_t (*path)[32],
		       size_t n_path, const uint8_t root[32]);

/* ---- Manifests. ---- */

/* Canonical JSON: RFC 8785 without fractions: members sorted by name, nothing between them, UTF-8. */
int archive_canonical(struct str json, struct buf *out, struct err *e) MUST_CHECK;
bool archive_is_canonical(struct str json);

/* ---- Proving (tomsctl verify, the monthly check, the panel's button). ---- */

struct archive_from; /* where objects are read from */
/* A folder: the state folder's archive, a copy of a bucket, a stick. */
int archive_from_folder(struct archive_from **out, const char *path, struct err *e) MUST_CHECK;
struct s3_client;
/* A place; the client stays the caller's. Versions are taken from receipts in later manifests; for objects
 * without one from the list of versions. */
int archive_from_place(struct archive_from **out, struct s3_client *c, const char *place, struct err *e) MUST_CHECK;
void archive_from_free(struct archive_from *f);

struct verify_ask {
	struct archive_from *from;
	const char *appliance;      /* NULL: the only one there */
	const uint8_t *public_key;  /* 32 bytes to trust; NULL: the one in the first manifest, and it is said */
	bool rows;                  /* read every row and build the Merkle trees again, too */
	bool objects;               /* false: manifests alone */
	uint64_t since_seq;         /* 0: from the first on */
	bool part;                  /* a part of an archive: from its first manifest on, any object may be missing */
	bool live;                  /* sealing and sending go on here meanwhile: files of the next number are no strangers */
	bool has_head;              /* the newest one, known from outside (a printed page, the database) */
	uint64_t head_seq;
	uint8_t head_sha256[32];
	/* Objects that may be missing here: kept elsewhere by our own records; NULL: none may. */
	bool (*elsewhere)(void *arg, const char *key);
	void *arg;
	bool (*progress)(void *arg, uint64_t done, uint64_t total, const char *key); /* false: stop, -ERR_CLOSED */
};
enum verify_fault {
	VERIFY_GOOD, VERIFY_MISSING, VERIFY_SIZE, VERIFY_HASH, VERIFY_CHAIN, VERIFY_SIGNATURE, VERIFY_KEY,
	VERIFY_FORM /* not canonical, not understood */, VERIFY_SEQUENCE, VERIFY_ROWS, VERIFY_MERKLE, VERIFY_NAME,
	VERIFY_HEAD /* older than the head known from outside */, VERIFY_UNLOCKED, VERIFY_LOCK_SHORT,
	VERIFY_STRANGER /* an object that no manifest knows */, VERIFY_STAMP,
	VERIFY_HIDDEN /* there and good, but a newer version or a delete marker stands in front of it */, VERIFY_FAULTS
};
extern const char *const verify_fault_names[]; /* "missing", "hash" ... */
struct verify_found { /* one thing that is wrong */
	enum verify_fault fault;
	uint64_t seq;
	char key[512];
	int64_t since_ns, until_ns; /* hours that it makes doubtful; INT64_MIN, INT64_MAX: open to that side */
	char words[512];            /* expected and found */
};
struct verify_result {
	uint64_t manifests, objects, bytes, rows, elsewhere, faults;
	uint64_t first_seq, last_seq;
	int64_t since_ns, until_ns;
	uint8_t head_sha256[32], root_key[32];
	bool key_was_given;
	struct verify_found first; /* the first break, by sequence; fault VERIFY_GOOD: none */
};
/* Every fault is told; 0 when the proof ran to its end, whatever it found. */
int archive_verify(const struct verify_ask *ask, void (*found)(void *arg, const struct verify_found *f), void *arg,
		   struct verify_result *out, struct err *e) MUST_CHECK;
void verify_result_json(const struct verify_result *r, struct json *j);
void verify_found_json(const struct verify_found *f, struct json *j);

/* What an appliance's own database says of its archive: the head, the key it was begun with, and which objects need not
 * lie here (in a place: are not sent yet). Whoever owns the appliance owns these, too: they find accidents, a key and a
 * head kept outside find the rest. place NULL: the local folder. */
struct archive_known;
int archive_known_new(struct archive_known **out, struct store *st, const char *place, struct err *e) MUST_CHECK;
void archive_known_free(struct archive_known *k);
/* Fills appliance, head and live, and the key where none was given; they point into k. */
void archive_known_ask(const struct archive_known *k, struct verify_ask *ask);
bool archive_known_elsewhere(struct archive_known *k, const char *key);

/* ---- Rows that are only in the archive. ---- */

/* Where objects that are not here any more may be read: asked for a client of a place that has proven the key. The
 * client stays the giver's; NULL: none. */
struct source_cache;
struct cold_sources {
	const char *folder; /* <state>/archive */
	struct s3_client *(*place)(void *arg, const char *name);
	void *arg;
	/* Told after each row group that was read: how far in time, what it took so far; or NULL. */
	void (*progress)(void *progress_arg, int64_t reached_ns, const struct cold_info *so_far);
	void *progress_arg;
	struct source_cache *cache; /* of who asks often (source.h of the room); NULL: one for each query */
};
/* As store_query, over rows older than the store's: newest first (or oldest). A page is exact: nothing newer
 * than its last row is left out. It ends at the deadline with complete = false, what was covered, and a cursor. */
int archive_query(struct store *st, const struct cold_sources *from, const struct query *q, size_t limit,
		  int64_t deadline_mono_ns, int (*row)(void *arg, const void *row), void *arg,
		  struct query_page_info *info, struct cold_info *cold, struct err *e) MUST_CHECK;
/* The whole list: rows of the store and of the archive in one order, under cursors of its own. ask: archive_query, or
 * what carries it to a thread that may open files. cold: summed over pages, as far as the archive was asked. */
struct cold_ask {
	int (*query)(void *ctx, const struct query *q, size_t limit, int64_t deadline_mono_ns,
		     int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
		     struct cold_info *cold, struct err *e);
	void *ctx;
};
int archive_list(struct store *st, const struct cold_ask *ask, const struct query *q, size_t limit,
		 int64_t deadline_mono_ns, int (*row)(void *arg, const void *row), void *arg,
		 struct query_page_info *info, struct cold_info *cold, struct err *e) MUST_CHECK;

/* The newest sealed manifest that the database knows. */
int archive_head(struct sql *db, bool *has, uint64_t *seq, int64_t *until_ns, struct err *e) MUST_CHECK;

/* After a restore, without a daemon: takes over what the manifests of a place or folder say and the database does not
 * know yet, each checked against the key and the head that the database knows; brings their files into folder
 * (<state>/archive), and the manifests of before, too. Rows that only the archive has are marked as such, so that the
 * chain goes on with the next number and no id is used twice. appliance NULL: as the database says, or the only one
 * there. How many manifests were new. May be done again. */
int archive_adopt(struct store *st, struct archive_from *from, const char *folder, const char *appliance,
		  bool (*progress)(void *arg, uint64_t done, uint64_t total, const char *key), void *arg,
		  uint64_t *adopted, struct err *e) MUST_CHECK;

/* ---- What the database knows of the archive; a store opened for reading is enough. ---- */

struct archive_manifest { /* a sealed one */
	uint64_t seq, rows, bytes, gaps;
	int64_t since_ns, until_ns, sealed_at_ns;
	uint8_t sha256[32];
	char clock[16], appliance[128];
};
/* Newest first, from before (0: the newest) on, at most limit (0: all); one() non-zero ends it with that. */
int archive_each_manifest(struct store *st, uint64_t before, size_t limit,
			  int (*one)(void *arg, const struct archive_manifest *m), void *arg, struct err *e) MUST_CHECK;
struct archive_object {
	uint64_t seq, rows, bytes;
	int64_t since_ns, until_ns; /* times of its rows */
	uint8_t sha256[32];
	char kind[32], key[512];
	bool is_local;
};
/* Oldest first, those with rows in [since, until) of this kind (NULL: all). */
int archive_each_object(struct store *st, int64_t since_ns, int64_t until_ns, const char *kind,
			int (*one)(void *arg, const struct archive_object *o), void *arg, struct err *e) MUST_CHECK;
/* The newest signing key, and its id (16 digits). -ERR_NOTFOUND: none was made yet. */
int archive_public_key(struct store *st, uint8_t public_key[32], char id[17], struct err *e) MUST_CHECK;
/* "_manifest/appliance=<id>/<seq>.json" */
void archive_manifest_name(const struct archive_manifest *m, const char *suffix, char out[512]);

#endif
