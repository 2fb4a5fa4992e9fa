/* A day's dictionary: text <-> id, with a bounded cache. Store thread. */
#ifndef TOMSD_STORE_DICT_H
#define TOMSD_STORE_DICT_H

#include "tomsd/store.h"

struct dict_slot {
	uint64_t hash; /* 0: empty */
	int64_t id;
	uint32_t off, n; /* in the arena */
};
struct dict {
	struct stmt *find, *add;
	int64_t next_id;
	bool complete; /* the cache holds every text of the day */
	uint64_t seed;
	struct dict_slot *slots;
	size_t n, mask;
	char *arena;
	size_t used, room;
};

int dict_open(struct dict *d, struct sql *db, const char *table, uint64_t seed,
	      struct err *e) MUST_CHECK;
void dict_close(struct dict *d); /* fine on a zeroed one */
/* Id of the text, entered when it is new; text is not empty. */
int dict_id(struct dict *d, struct str text, int64_t *id, struct err *e) MUST_CHECK;

#endif
