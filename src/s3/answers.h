/* What S3's answers say, read out of their XML. Bodies come from outside: every reader says -ERR_INVALID for what
 * is not the document it wants, and takes nothing longer than its field. See answers.c. */
#ifndef S3_ANSWERS_H
#define S3_ANSWERS_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/str.h"
#include "tomsd/s3.h"

/* <Error>: also inside a 200 of CompleteMultipartUpload. Fields stay empty where nothing is told. */
struct s3_error {
	char code[64];
	char message[300];
	char region[64];    /* where the bucket really is */
	char endpoint[256]; /* what to ask instead */
};
/* 0, or -ERR_NOTFOUND: the body is no <Error>. */
int s3_read_error(struct str body, struct s3_error *out) MUST_CHECK;

#define S3_UPLOAD_ID_MAX 256
int s3_read_upload_id(struct str body, char out[S3_UPLOAD_ID_MAX])
	MUST_CHECK; /* InitiateMultipartUploadResult */
int s3_read_completed(struct str body, char etag[80])
	MUST_CHECK; /* CompleteMultipartUploadResult; "" none told */

#define S3_PARTS_MAX 10000u
struct s3_part {
	uint64_t bytes;
	char etag[40]; /* without quotes; longer ones are no MD5 and stay empty */
};
/* ListPartsResult into parts[number - 1], others untouched; where to go on (0: that was all). */
int s3_read_parts(struct str body, struct s3_part *parts, uint32_t n_parts,
		  uint32_t *next) MUST_CHECK;

/* ListVersionsResult, and ListBucketResult of servers without versions: each version and delete marker in order;
 * non-zero of one() ends it and is handed on. Where the next page begins; next_key "" means that was all (without
 * versions it is the token to go on with). */
struct s3_page {
	char next_key[1100], next_version[128];
};
int s3_read_versions(struct str body, int (*one)(void *arg, const struct s3_listed *l),
		     void *arg, struct s3_page *page) MUST_CHECK;

/* VersioningConfiguration: "Enabled", "Suspended", "" (never on). ObjectLockConfiguration: whether it is on. */
int s3_read_versioning(struct str body, char out[16]) MUST_CHECK;
int s3_read_object_lock(struct str body, bool *is_on) MUST_CHECK;

#endif
