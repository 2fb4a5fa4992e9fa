/* A manifest and its signature, read from bytes that anybody may have written. What is read points into the text that
 * was given, which must outlive it. One thread. docs/archive.md, "Manifest". */
#ifndef ARCHIVE_MANIFEST_READ_H
#define ARCHIVE_MANIFEST_READ_H

#include "tomsd/base/json.h"
#include "tomsd/crypt.h"

#define MANIFEST_FORMAT "tomsd-manifest-1"
enum {
	MANIFEST_VALUES_MAX = 1 << 20,
	MANIFEST_KEYS_MAX = 64,       /* a rotation a year outlives the appliance */
	SIGNATURE_BYTES_MAX = 64 << 10,
	SIGNATURES_MAX = 4,
	KEY_ID_DIGITS = 16,
};

struct manifest_key {
	char id[KEY_ID_DIGITS + 1];
	uint8_t public_key[CRYPT_KEY_BYTES];
	uint64_t since_seq;
};

struct manifest {
	struct json_doc doc;
	uint64_t seq;
	int64_t since_ns, until_ns, sealed_at_ns;
	struct str appliance;
	bool has_previous;
	uint64_t previous_seq;
	uint8_t previous_sha256[CRYPT_SHA256_BYTES];
	struct manifest_key keys[MANIFEST_KEYS_MAX];
	size_t n_keys;
	const struct json_node *objects, *receipts, *rows; /* an array, an array, an object */
};
/* -ERR_INVALID: no such JSON; -ERR_NEWER: a format we do not know. Canonical or not is not asked here. */
int manifest_read(struct manifest *m, struct str json, struct err *e) MUST_CHECK;
void manifest_fini(struct manifest *m);

/* Elements, in their order; at begins with 0. 1: there is one, 0: the end, -ERR_INVALID. */
struct manifest_object {
	struct str key, kind, lock_mode;
	uint8_t sha256[CRYPT_SHA256_BYTES], merkle_root[CRYPT_SHA256_BYTES];
	uint64_t bytes, rows, row_groups, lock_keep_s;
	int64_t first_id, last_id, since_ns, until_ns; /* until: the last row's time + 1 */
	const struct json_node *days;
};
struct manifest_day { /* ids (after, last] of a day of the rows' own times */
	int32_t day;      /* YYYYMMDD; 0: rows that have no days */
	int64_t after, last;
	uint64_t rows;
};
struct manifest_receipt { /* what a place proved */
	struct str place, key, version_id, lock;
	uint8_t sha256[CRYPT_SHA256_BYTES];
	uint64_t bytes;
	int64_t retain_until_ns; /* 0: not locked */
};
int manifest_object(const struct manifest *m, size_t *at, struct manifest_object *out, struct err *e) MUST_CHECK;
int manifest_day(const struct manifest *m, const struct manifest_object *o, size_t *at, struct manifest_day *out,
		 struct err *e) MUST_CHECK;
int manifest_receipt(const struct manifest *m, size_t *at, struct manifest_receipt *out, struct err *e) MUST_CHECK;
/* Rows of a kind that the manifest speaks of: 1, 0 at the end. */
int manifest_rows(const struct manifest *m, size_t *at, struct str *kind, uint64_t *rows, struct err *e) MUST_CHECK;

struct manifest_signature {
	uint8_t manifest_sha256[CRYPT_SHA256_BYTES];
	size_t n;
	struct {
		char key_id[KEY_ID_DIGITS + 1];
		uint8_t signature[CRYPT_SIGNATURE_BYTES];
	} one[SIGNATURES_MAX];
};
int manifest_signature_read(struct manifest_signature *s, struct str json, struct err *e) MUST_CHECK;

/* First 16 hexadecimal digits of the SHA-256 of a raw public key. */
void manifest_key_id(const uint8_t public_key[CRYPT_KEY_BYTES], char id[KEY_ID_DIGITS + 1]);

/* A key of a data object, taken apart; false: it is none. Letters, digits, '-', '_', '.', '=' and single slashes are all
 * that may stand in one, and no part begins with a point: none leads out of a folder. */
struct object_name {
	struct str kind, appliance;
	uint64_t seq;
	struct str sum; /* 16 hexadecimal digits */
};
bool object_name_read(struct str key, struct object_name *out);
/* "_manifest/appliance=<id>/<seq>.json", ".sig", ".tsr". */
struct manifest_name {
	struct str appliance, suffix;
	uint64_t seq;
};
bool manifest_name_read(struct str key, struct manifest_name *out);

#endif
