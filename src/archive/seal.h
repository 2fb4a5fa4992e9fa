/* Sealing, for the files that do it (cut.c object.c manifest.c seal.c keys.c) and the thread that calls them. All of it
 * runs on the thread archive, or on the caller's in tests; what is inside store_write says so. */
#ifndef ARCHIVE_SEAL_H
#define ARCHIVE_SEAL_H

#include "index.h"
#include "inside.h"

#define HOUR_NS (3600 * NS_PER_S)
#define SEAL_KIND_MAX 32
#define SEAL_KINDS_MAX 32
#define SEAL_LEAVE_OUT_MAX 2048
#define SEAL_RECEIPTS_MAX 5000 /* in a manifest; more go into the next */
#define SEAL_GAPS_MAX 5000

struct sealer_rows;
/* What a sealer works with. */
struct sealer {
	struct store *store;
	const struct house_key *house_key;
	const char *folder;    /* <state>/archive */
	const char *appliance; /* as in keys */
	const char *leave_out; /* columns not written, apart by spaces */
	enum s3_lock lock;     /* what places are asked for, the least of them */
	int64_t lock_keep_ns;
	/* Between rows: how many more are in their file. False: the house closes, -ERR_CLOSED. May be NULL. */
	bool (*breathe)(void *arg, uint64_t rows);
	void *arg;
	/* Rows without days, from another room's table (kind "audit"); NULL: none are sealed. */
	const struct sealer_rows *more;
};
struct sealer_rows {
	const struct record *record;
	/* Inside store_write: the newest id. Ids have no gaps. */
	int (*last)(struct sql *db, int64_t *id, struct err *e);
	/* (after, last], oldest first; row() non-zero ends it with that. */
	int (*each)(struct sql *db, int64_t after, int64_t last, int (*row)(void *arg, const void *row), void *arg,
		    struct err *e);
};

/* A row of archive_seal. */
struct seal {
	uint64_t seq;
	bool is_sealed, by_hand;
	int64_t since_ns, until_ns, wall_ns, boot_ns;
	char boot_id[40], clock[16], version[32], appliance[ARCHIVE_APPLIANCE_MAX];
	char key_id[KEY_ID_MAX], also_key_id[KEY_ID_MAX];
	int64_t proofs_after, proofs_last;
	char lock_mode[16];
	int64_t lock_keep_s;
	char leave_out[SEAL_LEAVE_OUT_MAX];
	/* Once sealed. */
	int64_t sealed_ns;
	uint64_t rows, bytes, gaps, manifest_bytes;
	uint8_t sha256[CRYPT_SHA256_BYTES];
};

struct seal_span { /* of archive_span */
	char kind[SEAL_KIND_MAX];
	int32_t day;
	int64_t after, last, rows;
	int64_t lost; /* rows of damaged packs, left out; counted by step B */
};
struct seal_spans { /* by kind, then day */
	struct seal_span *all;
	size_t n, room;
};

struct sealed_object { /* of archive_object */
	char kind[SEAL_KIND_MAX], key[ARCHIVE_KEY_MAX];
	uint8_t sha256[CRYPT_SHA256_BYTES], merkle_root[32];
	uint64_t bytes, rows, row_groups;
	int64_t first_id, last_id, since_ns, until_ns;
	struct index_build *index;
};

/* ---- seal_sql.c: rows. ---- */

int seal_load_last(struct sql *db, struct seal *out, struct err *e) MUST_CHECK; /* -ERR_NOTFOUND: none yet */
int seal_load(struct sql *db, uint64_t seq, struct seal *out, struct err *e) MUST_CHECK;
int seal_insert(struct sql *db, const struct seal *s, struct err *e) MUST_CHECK;
/* What is known once it is sealed. */
int seal_close(struct sql *db, const struct seal *s, struct err *e) MUST_CHECK;
int seal_span_insert(struct sql *db, uint64_t seq, const struct seal_span *s, struct err *e) MUST_CHECK;
int seal_span_rows(struct sql *db, uint64_t seq, const struct seal_span *s, struct err *e) MUST_CHECK;
int seal_spans_load(struct sql *db, uint64_t seq, struct seal_spans *out, struct err *e) MUST_CHECK;
void seal_spans_fini(struct seal_spans *s);
/* id of its row; an older one of this key is replaced. */
int seal_object_insert(struct sql *db, uint64_t seq, const struct sealed_object *o, int64_t *id,
		       struct err *e) MUST_CHECK;
int archive_state_get(struct sql *db, const char *name, int64_t *value, struct err *e) MUST_CHECK; /* 0 where none */
int archive_state_put(struct sql *db, const char *name, int64_t value, struct err *e) MUST_CHECK;
/* Reads with a reader of its own, at most ten seconds. */
int seal_read(struct store *st, int (*fn)(struct sql *db, void *arg, struct err *e), void *arg,
	      struct err *e) MUST_CHECK;

/* ---- cut.c: step A. ---- */

/* What the clock says of a new seal; prev NULL: the first one, begun_ns when the archive began. */
struct cut_time {
	int64_t since_ns, until_ns;
	const char *clock;
};
struct cut_time cut_time(const struct seal *prev, int64_t begun_ns, int64_t wall_ns, int64_t boot_ns,
			 const char *boot_id);
/* Is it time? began_boot_ns: when this process began to look. */
bool cut_is_due(const struct seal *prev, int64_t begun_ns, int64_t wall_ns, int64_t boot_ns, const char *boot_id,
		int64_t began_boot_ns);
/* When it will be, by the wall clock. */
int64_t cut_next_ns(const struct seal *prev, int64_t begun_ns, int64_t wall_ns);
/* "0f8fad5b-..." of this start of the machine; first in init, where it may be read. */
const char *cut_boot_id(void);
/* Cuts in one transaction. -ERR_BUSY: the last one is not sealed yet. */
int cut_make(const struct sealer *sl, bool by_hand, uint64_t *seq, struct err *e) MUST_CHECK;

/* ---- object.c: step B. ---- */

/* Writes one kind's rows, durable under its name; counts spans[i].rows. No rows: out->rows is 0, no file. */
int object_write(const struct sealer *sl, const struct seal *s, struct seal_span *spans, size_t n,
		 struct sealed_object *out, struct err *e) MUST_CHECK;
void object_fini(struct sealed_object *o);
/* Where object_write puts the file while it grows; emptied before. */
#define OBJECT_NEW_FOLDER ".new"
int object_clear_new(const char *folder, struct err *e) MUST_CHECK;
/* Files of this seal and kind beside the one that counts: a seal that was begun by another version. */
void object_clear_others(const char *folder, const char *key, uint64_t seq);

/* ---- manifest.c: step C, the bytes. ---- */

struct seal_manifest {
	struct buf json, sig;
	uint64_t gaps;
	uint8_t sha256[CRYPT_SHA256_BYTES];
};
int seal_manifest_make(const struct sealer *sl, const struct seal *s, const struct seal_spans *spans,
		       const struct sealed_object *objects, size_t n, struct seal_manifest *out,
		       struct err *e) MUST_CHECK;
void seal_manifest_fini(struct seal_manifest *m);

/* ---- keys.c ---- */

struct sign_key {
	char id[KEY_ID_MAX];
	uint8_t public_key[CRYPT_KEY_BYTES];
	int64_t since_seq, made_ns, retired_ns;
};
/* Makes the first one; inside store_write. */
int keys_begin(struct sql *db, const struct house_key *hk, struct err *e) MUST_CHECK;
/* A new one that signs from the next seal on; inside store_write. -ERR_BUSY: one waits already. */
int keys_rotate(struct sql *db, const struct house_key *hk, char id[KEY_ID_MAX], struct err *e) MUST_CHECK;
/* For a seal that is being cut: who signs, and who signs too ("" nobody); notes since_seq. Inside store_write. */
int keys_for_cut(struct sql *db, uint64_t seq, char id[KEY_ID_MAX], char also[KEY_ID_MAX], struct err *e) MUST_CHECK;
/* All that signed up to seq, oldest first. */
int keys_each(struct sql *db, uint64_t seq, int (*one)(void *arg, const struct sign_key *k), void *arg,
	      struct err *e) MUST_CHECK;
int keys_newest(struct sql *db, struct sign_key *out, struct err *e) MUST_CHECK;
int keys_sign(struct sql *db, const struct house_key *hk, const char *id, struct str bytes,
	      uint8_t signature[CRYPT_SIGNATURE_BYTES], struct err *e) MUST_CHECK;
/* The old one of a rotation signs no more; inside store_write. */
int keys_retire(struct sql *db, const char *id, struct err *e) MUST_CHECK;

/* ---- seal.c ---- */

/* Steps B and C of the seal that is cut, if one is: 0 it is sealed, -ERR_NOTFOUND nothing waits. Again after any
 * failure; out may be NULL. */
int seal_finish(const struct sealer *sl, struct seal *out, struct err *e) MUST_CHECK;
/* Takes up what a crash left, before anything else. */
int seal_begin(const struct sealer *sl, struct err *e) MUST_CHECK;

#endif
