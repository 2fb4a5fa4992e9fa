/* What the files of room archive share. */
#ifndef ARCHIVE_INSIDE_H
#define ARCHIVE_INSIDE_H

#include "tomsd/api.h"
#include "tomsd/archive.h"
#include "tomsd/base/thread.h"
#include "tomsd/crypt.h"
#include "tomsd/parquet.h"
#include "tomsd/s3.h"
#include "tomsd/store/cut.h"

/* ---- Names of files. Keys are the same here (below <state>/archive) and in the places. ---- */

#define ARCHIVE_KEY_MAX 512
#define ARCHIVE_PATH_MAX 4096
#define ARCHIVE_FOLDER "archive" /* below the state folder */
#define ARCHIVE_APPLIANCE_MAX 128
#define KEY_ID_MAX 17            /* 16 hex digits and NUL */
#define MANIFEST_BYTES_MAX (64u << 20)

void archive_manifest_key(char out[ARCHIVE_KEY_MAX], const char *appliance, uint64_t seq, const char *suffix);
void archive_object_key(char out[ARCHIVE_KEY_MAX], const char *kind, const char *appliance, int64_t hour_ns,
			uint64_t seq, const uint8_t sha256[CRYPT_SHA256_BYTES]);
/* "0000000042" and up to 4 more digits at the beginning of a file's name. */
bool archive_seq_of(struct str file_name, uint64_t *seq);
/* Folder + '/' + key; false: too long. */
bool archive_path(char out[ARCHIVE_PATH_MAX], const char *folder, const char *key);
/* As it stands in keys: letters, digits, '-', '_' and '.', all else '_'. */
void archive_appliance(char out[ARCHIVE_APPLIANCE_MAX], const char *id);
/* Its file and its signature are in the folder. */
bool archive_manifest_is_there(const char *folder, const char *appliance, uint64_t seq);
void archive_key_id(const uint8_t public_key[CRYPT_KEY_BYTES], char out[KEY_ID_MAX]);

/* ---- The room's state. ---- */

struct archive;
struct archive *archive_of(struct app *a);
struct store *archive_store(const struct archive *ar);
const char *archive_folder(const struct archive *ar);        /* <state>/archive */
const char *archive_appliance_of(const struct archive *ar); /* as in keys */
const struct house_key *archive_house_key(const struct archive *ar);

#endif
