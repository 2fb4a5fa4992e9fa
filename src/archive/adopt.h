/* What the files of the adoption share: adopt.c walks the manifests, adopt_files.c brings files over, adopt_rows.c
 * enters what they say. One thread; the store has its writer, nobody else works on it. */
#ifndef ARCHIVE_ADOPT_H
#define ARCHIVE_ADOPT_H

#include "from.h"
#include "manifest_read.h"
#include "seal.h"

#define ADOPT_OBJECTS_MAX SEAL_KINDS_MAX

struct adopted_file { /* one that lies here now */
	char key[ARCHIVE_KEY_MAX];
	uint64_t bytes;
	uint8_t sha256[CRYPT_SHA256_BYTES];
	bool is_found; /* v is what the place has of it */
	struct s3_version v;
};

struct adoption {
	struct store *store;
	struct archive_from *from;
	const char *folder; /* <state>/archive */
	char appliance[ARCHIVE_APPLIANCE_MAX];
	bool (*progress)(void *arg, uint64_t done, uint64_t total, const char *key);
	void *arg;
	uint64_t done, total; /* manifests */
	/* The head so far. */
	bool has_last;
	struct seal last;
	struct manifest_key keys[MANIFEST_KEYS_MAX];
	size_t n_keys;
	struct manifest_key waiting; /* made, and has signed nothing yet */
	bool has_waiting;
	/* What lies in _manifest there: numbers, rising. */
	struct adopt_seen {
		uint64_t seq;
		unsigned has; /* or-ed SUFFIX_... */
	} *seen;
	size_t n_seen, room_seen;
	struct err *e;
};
enum { SUFFIX_JSON = 1, SUFFIX_SIG = 2, SUFFIX_TSR = 4 };

/* A manifest on its way in. */
struct adopting {
	struct adoption *a;
	struct manifest m;
	struct buf json, sig;
	uint8_t sha256[CRYPT_SHA256_BYTES];
	char key_id[KEY_ID_MAX], also_key_id[KEY_ID_MAX];
	struct adopted_file files[3 + ADOPT_OBJECTS_MAX]; /* .json, .sig, .tsr where there is one, objects */
	size_t n_files;
	struct manifest_object objects[ADOPT_OBJECTS_MAX];
	size_t object_files[ADOPT_OBJECTS_MAX]; /* into files */
	int64_t object_ids[ADOPT_OBJECTS_MAX];
	size_t n_objects;
	uint64_t rows, bytes, gaps;
};

/* adopt_files.c. Brings the version that has this sum (NULL: the first one that can be read) here, durable; one that is
 * here already and has it stays. What a place says is longer than max is not fetched. */
int adopt_file(struct adoption *a, const char *key, uint64_t max, const uint8_t *sha256, struct adopted_file *out,
	       struct err *e) MUST_CHECK;
/* The same of bytes in memory. */
int adopt_bytes(struct adoption *a, const char *key, const struct buf *b, struct adopted_file *out,
		struct err *e) MUST_CHECK;
/* Asks the place which version is this file: out->v. Not there, or not to be asked: is_found stays false. */
void adopt_find(struct adoption *a, struct adopted_file *f);

/* adopt_rows.c */
int adopt_load(struct adoption *a, struct err *e) MUST_CHECK; /* head and keys of the database */
/* SHA-256 of a manifest the database knows: -ERR_NOTFOUND. */
int adopt_known(struct adoption *a, uint64_t seq, uint8_t sha256[CRYPT_SHA256_BYTES], struct err *e) MUST_CHECK;
/* All of one manifest, in one transaction. */
int adopt_enter(struct adopting *g, struct err *e) MUST_CHECK;
/* Rows of an object of kind audit, behind those that are there. */
int adopt_audit(struct store *st, const char *path, struct err *e) MUST_CHECK;
/* Files the database believes to be here and that are not. */
int adopt_missing(struct adoption *a, struct err *e) MUST_CHECK;
/* A file of before: when no proof from this place is known, it is looked for there and noted as proven. */
int adopt_proof(struct adoption *a, struct adopted_file *f, struct err *e) MUST_CHECK;
/* The same for all objects of before. */
int adopt_unproven(struct adoption *a, struct err *e) MUST_CHECK;

#endif
