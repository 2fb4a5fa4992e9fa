/* A backup file back into its parts. One thread. */
#ifndef RESCUE_UNPACK_H
#define RESCUE_UNPACK_H

#include "format.h"

/* What the backup tells of itself. */
struct index_facts {
	uint64_t bytes, rows, tables; /* of the database */
	int32_t oldest_day;
};
/* 0, or -ERR_CORRUPT. tables may be NULL: called for each that is counted in it. */
int index_read(struct str json, struct index_facts *out,
	       int (*table)(void *arg, struct str name, uint64_t rows), void *arg,
	       struct err *e) MUST_CHECK;

struct unpack_ask {
	int fd; /* of the backup */
	const uint8_t *private_key, *public_key;
	const char *to_folder; /* empty, or not there */
	bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes);
	void *arg;
};
/* All of it durable in the folder, or nothing. index: appended. */
int unpack_files(const struct unpack_ask *ask, struct head *head, struct buf *index,
		 struct err *e) MUST_CHECK;

/* open.c: rescue_open with the keys of a phrase, rescue_look over the first bytes. */
int backup_open(const char *file, const uint8_t private_key[KEY_BYTES],
		const uint8_t public_key[KEY_BYTES], const char *to_folder,
		bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes),
		void *arg, struct rescued *out, struct err *e) MUST_CHECK;
int look_at_bytes(const uint8_t raw[HEAD_BYTES], struct rescued *out, struct err *e) MUST_CHECK;

#endif
