/* A backup file from its parts. One thread. */
#ifndef RESCUE_PACK_H
#define RESCUE_PACK_H

#include "format.h"

struct pack_part {
	char name[ENTRY_NAME_MAX + 1];
	const char *path; /* a file that nobody changes meanwhile; NULL: */
	struct str bytes;
};
struct pack_ask {
	const uint8_t *recipient; /* public key */
	int64_t made_ns;
	const char *appliance, *version;
	const struct pack_part *parts; /* index.json first */
	size_t n_parts;
	bool (*progress)(void *arg, uint64_t done_bytes,
			 uint64_t total_bytes); /* false: stop */
	void *arg;
};
struct packed {
	uint64_t bytes;
	uint8_t sha256[CRYPT_SHA256_BYTES];
};
/* Writes path.new, which becomes path when all of it is on disk. -ERR_CLOSED: progress said so. */
int pack_write(const char *path, const struct pack_ask *ask, struct packed *out,
	       struct err *e) MUST_CHECK;

#endif
