/* Room rescue: the appliance's own backup. Once a night, and when asked, a copy of the database, the configuration
 * and the keys is packed (zstd), sealed so that only the recovery phrase opens it (X25519, HKDF, AES-256-GCM) and
 * given to room s3. The appliance keeps the public half alone: who owns it tonight cannot open yesterday's
 * backup. docs/rescue.md describes the file. */
#ifndef TOMSD_RESCUE_H
#define TOMSD_RESCUE_H

#include "tomsd/app.h"
#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

extern const struct room rescue_room;

/* The recovery phrase: 7 groups of 4 letters and digits (Crockford's base 32, no I L O U), 128 random bits and 12
 * of checksum. Typed again it may have small letters, spaces, O for 0, I and L for 1. */
#define RESCUE_PHRASE_MAX 40
void rescue_phrase_new(char phrase[RESCUE_PHRASE_MAX]);
/* The private half; -ERR_INVALID: a letter is wrong (the checksum says so). */
int rescue_phrase_key(struct str phrase, uint8_t private_key[32], struct err *e) MUST_CHECK;

/* Unpacks a backup file into a folder that is empty or not there: tomsd.db, tomsd.conf, keys/, panel/,
 * files/ (what the configuration names) and index.json (what stood where). For tomsctl and the
 * rehearsal. -ERR_DENIED: this phrase does not open it. */
struct rescued {
	char appliance[128], version[40], key_id[17]; /* of the phrase: it stands on its paper */
	int64_t made_ns;
	uint64_t bytes, rows, tables; /* as told by the backup, and found equal in the copy */
	int32_t oldest_day;
};
int rescue_open(const char *file, struct str phrase, const char *to_folder,
		bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes), void *arg, struct rescued *out,
		struct err *e) MUST_CHECK;
/* What stands on its first bytes in clear: appliance, time, version, key id. */
int rescue_look(const char *file, struct rescued *out, struct err *e) MUST_CHECK;

/* Backups in a place, newest first: every version of every key, for whoever got hold of the place's key may have
 * put another one over it. appliance NULL: of all; not later than at_ns. items is the caller's to free. */
struct s3_client; /* tomsd/s3.h */
struct rescue_at {
	char key[512], version_id[128], appliance[128];
	int64_t made_ns; /* as its name says */
	uint64_t bytes;
	size_t order; /* in the place's own list: of one key the newest version comes first */
};
int rescue_find(struct s3_client *c, const char *appliance, int64_t at_ns, struct rescue_at **items, size_t *n,
		struct err *e) MUST_CHECK;
/* As rescue_look, of one in a place. */
int rescue_look_at(struct s3_client *c, const struct rescue_at *at, struct rescued *out, struct err *e) MUST_CHECK;
/* After a restore, without a daemon: earlier backups that this place has are noted as proven there; their local files
 * went with the machine. */
struct store; /* tomsd/store.h */
int rescue_adopt(struct store *st, struct s3_client *c, const char *place, struct err *e) MUST_CHECK;
/* The number of a phrase's key, to be compared with key_id. */
int rescue_phrase_id(struct str phrase, char key_id[17], struct err *e) MUST_CHECK;

#endif
