/* What the files of the proof share: verify.c begins and ends it, verify_chain.c walks the manifests, verify_object.c
 * the objects, verify_rows.c the rows in one. One thread. Memory: some 400 bytes an object, and the largest manifest. */
#ifndef ARCHIVE_VERIFY_H
#define ARCHIVE_VERIFY_H

#include "from.h"
#include "inside.h"
#include "manifest_read.h"
#include "tomsd/archive.h"
#include "tomsd/base/map.h"

enum {
	VERIFY_OBJECTS_MAX = 8 << 20,
	VERIFY_PENDING_MAX = 32,
	VERIFY_PIECE_BYTES = 256 << 10,
	VERIFY_VERSIONS_MAX = 16, /* of one name, that are looked at */
};

struct verify_day {
	int64_t after, last;
	uint64_t rows;
};
struct verify_object { /* an object that a manifest names */
	uint64_t seq, bytes, rows, row_groups;
	size_t key;          /* its name in the arena */
	size_t receipt;      /* + 1, of the place that is checked; 0: none */
	size_t days, n_days; /* in struct verify's days; only where rows are read */
	int64_t since_ns, until_ns, seal_since_ns, seal_until_ns, first_id, last_id;
	int64_t locked_until_ns; /* by the manifest; 0: not to be locked */
	uint8_t sha256[CRYPT_SHA256_BYTES], merkle_root[CRYPT_SHA256_BYTES];
};
struct verify_receipt {
	size_t version_id; /* in the arena */
	size_t manifest;   /* its name, too, where it is of _manifest; 0: it is not */
	int64_t retain_until_ns;
	enum s3_lock lock;
};
struct verify_seen { /* what lies in _manifest under a number */
	uint64_t seq;
	unsigned has; /* or-ed */
	int64_t since_ns, until_ns; /* its hours; open, unless it is authentic */
};
enum { SEEN_JSON = 1, SEEN_SIG = 2, SEEN_TSR = 4 };

struct verify {
	const struct verify_ask *ask;
	struct verify_result *r;
	void (*found)(void *arg, const struct verify_found *f);
	void *found_arg;
	struct err *e;
	char appliance[132];

	struct verify_seen *seen; /* by number, one each */
	size_t n_seen, room_seen;

	struct buf text; /* arena: names and version ids, NUL behind each */
	struct verify_object *objects;
	size_t n_objects, room_objects;
	struct verify_receipt *receipts;
	size_t n_receipts, room_receipts;
	struct verify_day *days;
	size_t n_days, room_days;
	struct map known;   /* hash of a name -> object + 1 */
	struct map proofs;  /* hash of a name -> receipt + 1, of the place that is checked */
	struct map last_id; /* hash of kind and day -> last id that was sealed */
	uint64_t seed;
	const char *place; /* whose receipts count; NULL: a folder */

	/* The chain. */
	struct buf json, sig;
	struct manifest_key keys[MANIFEST_KEYS_MAX]; /* that the chain has led to */
	size_t n_keys;
	bool given_key_seen, has_last, last_is_good;
	uint64_t last_seq;
	uint8_t last_sha256[CRYPT_SHA256_BYTES];
	int64_t last_until_ns;
	/* Faults whose hours end where the next good manifest begins. */
	struct verify_found pending[VERIFY_PENDING_MAX];
	size_t n_pending;

	uint64_t done_bytes, total_bytes;
	uint8_t *piece; /* of VERIFY_PIECE_BYTES */
};

/* verify.c */
void verify_tell(struct verify *v, enum verify_fault fault, uint64_t seq, const char *key, int64_t since_ns,
		 int64_t until_ns, const char *fmt, ...) PRINTF_LIKE(7, 8);
uint64_t verify_hash(const struct verify *v, struct str name);
const char *verify_text(const struct verify *v, size_t at); /* out of the arena */
int verify_keep(struct verify *v, struct str s, size_t *at) MUST_CHECK;
/* Room for one more element. */
int verify_grow(struct verify *v, void **p, size_t n, size_t *room, size_t bytes) MUST_CHECK;
/* A failure of reading: one that is a finding (0), or one that ends the proof (-ERR_X). */
int verify_is_finding(const struct verify *v, int rc);
bool verify_goes_on(const struct verify *v, const char *key); /* progress */

/* verify_chain.c: every manifest, in its order; objects and receipts are collected. */
int verify_chain(struct verify *v) MUST_CHECK;
/* What lies under this number; NULL: nothing. */
struct verify_seen *verify_seen(const struct verify *v, uint64_t seq);
/* verify_object.c: every object; in a place the locks of manifests; then whether there is more than they name. */
int verify_objects(struct verify *v) MUST_CHECK;
int verify_proofs(struct verify *v) MUST_CHECK;
int verify_strangers(struct verify *v) MUST_CHECK;

/* verify_rows.c: reads all rows of a Parquet file. found.fault is VERIFY_GOOD, or what is wrong. */
struct verify_rows {
	struct str kind;
	uint64_t rows, row_groups;
	int64_t first_id, last_id, since_ns, until_ns;
	const uint8_t *merkle_root;
	const struct verify_day *days;
	size_t n_days;
};
int verify_rows(int fd, uint64_t bytes, const struct verify_rows *want, enum verify_fault *fault, char *words,
		size_t cap, struct err *e) MUST_CHECK;

#endif
