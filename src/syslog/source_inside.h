/* What source.c and source_sql.c share. */
#ifndef SYSLOG_SOURCE_INSIDE_H
#define SYSLOG_SOURCE_INSIDE_H

#include "source.h"

#define KNOWN_BITS 4096u
#define GONE_MAX 1024

struct sources {
	struct mutex
		saving; /* one writes at a time, so that the table never goes back; taken before m */
	struct mutex m;
	struct source *all;       /* SOURCES_MAX places; lock: m */
	size_t n[SOURCE_STATES];  /* lock: m */
	struct map by_key;        /* serial and address -> place + 1; lock: m */
	struct map accepted;      /* serial -> how many accepted sources; lock: m */
	struct source *last;      /* found last; lock: m */
	struct budget budget;     /* lock: m */
	uint32_t next_id, ids_to; /* ids that may be given; lock: m */
	double places;            /* unknown ones that may be made now; lock: m */
	int64_t places_mono_ns;   /* lock: m */
	uint32_t gone[GONE_MAX];  /* rows to delete; lock: m */
	size_t n_gone;            /* lock: m */
	_Atomic int64_t silence_ns;
	int64_t tick_mono_ns; /* lock: m */
	struct zone *house;   /* lock: m */
	struct {              /* read once and kept: sources point to them; lock: m */
		char name[48];
		struct zone *z;
	} zones[SOURCE_ZONES_MAX];
	size_t n_zones;
	int64_t alive_ns; /* of the run before */
	_Atomic uint64_t
		known[KNOWN_BITS / 64]; /* addresses of accepted sources, one bit each */
};

uint64_t source_key(const struct sources *ss, const char *serial, const struct addr *a);
/* Enters a source in a free place; NULL: none. */
struct source *source_place(struct sources *ss, const struct source *s) REQUIRES(&ss->m);
void source_accepted_again(struct sources *ss)
	REQUIRES(&ss->m); /* what is known of the accepted, anew */
bool source_is_impostor(const struct sources *ss, const struct source *s) REQUIRES(&ss->m);
const struct zone *source_zone(struct sources *ss, const char *name, struct err *e)
	REQUIRES(&ss->m);

#endif
