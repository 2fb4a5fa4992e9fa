/* The thread archive/search: reads objects for whoever may not open files (handlers of web and control, which wait
 * for an answer with a deadline). One question after the other; a few may wait. */
#ifndef ARCHIVE_SEARCH_H
#define ARCHIVE_SEARCH_H

#include "inside.h"

struct cold_search;
/* init: tells api how lists go on in the archive. folder and key must outlive it. */
int cold_search_new(struct cold_search **out, struct app *a, const char *folder, const struct house_key *key,
		    struct err *e) MUST_CHECK;
int cold_search_start(struct cold_search *s, struct err *e) MUST_CHECK;
void cold_search_stop(struct cold_search *s);
void cold_search_free(struct cold_search *s);

/* Clients of places for a search, by name; made when first asked for, kept while their settings stay as they are. Also
 * tomsctl's. One thread. */
struct cold_places;
int cold_places_new(struct cold_places **out, const struct conf *(*conf)(void *arg), void *arg, struct store *st,
		    const struct house_key *key, const bool *stop, struct err *e) MUST_CHECK;
void cold_places_begin(struct cold_places *p); /* of a query: settings are looked at again */
struct s3_client *cold_places_get(void *places, const char *name); /* for cold_sources.place */
void cold_places_free(struct cold_places *p);

extern _Atomic uint64_t cold_searches, cold_refused, cold_failed_groups;

#endif
