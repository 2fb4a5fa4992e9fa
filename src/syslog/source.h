/* Sources: who sends, by serial number and address. All of them lie in memory behind one lock, which
 * threads take once a batch of lines; the watch writes what has changed into the table log_source every few
 * seconds. Unknown and registered ones have 1,024 places each. */
#ifndef SYSLOG_SOURCE_H
#define SYSLOG_SOURCE_H

#include <stdatomic.h>

#include "budget.h"
#include "habit.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/thread.h"
#include "tomsd/base/zone.h"
#include "tomsd/line.h"
#include "tomsd/store.h"

#define SOURCES_NEW_MAX 1024
#define SOURCES_KNOWN_MAX 1024
#define SOURCES_MAX (SOURCES_NEW_MAX + SOURCES_KNOWN_MAX)
#define SOURCE_ZONES_MAX 64

enum source_state { SOURCE_NEW, SOURCE_ACCEPTED, SOURCE_REFUSED, SOURCE_STATES };
extern const char *const source_state_names[]; /* "new" "accepted" "refused" */

/* What is worth telling about a source; keys of words "source.<name>". */
enum source_sign {
	SIGN_CLOCK_SKEW,
	SIGN_NO_ZONE,
	SIGN_LEGACY_RELIABLE,
	SIGN_TRUNCATED,
	SIGN_NOT_UTF8,
	SIGN_FRAMING,
	SIGN_UDP_LOSS,
	SIGN_IMPOSTOR,
	SIGN_TLS_ON_PLAIN_PORT,
	SIGNS
};
extern const char *const source_sign_names[];
#define SIGN_SHOWN_NS (24 * 3600 * NS_PER_S) /* for so long after it was last seen */
#define SKEW_TOLD_NS (30 * NS_PER_S)

struct source {
	uint32_t id; /* 0: the place is free */
	uint8_t state, transport, format;
	bool is_stored, is_dirty, is_silent;
	bool is_impostor; /* in copies for people: the serial number is an accepted source's */
	char serial[24];
	struct addr address;
	char name[64]; /* given by people */
	char host[64]; /* as the device calls itself */
	char zone[48]; /* of lines without one; "": the room's */
	char note[256];
	char sample[512];
	const struct zone *z;
	int64_t first_ns, last_ns, last_mono_ns;
	int64_t sample_mono_ns;
	uint64_t lines, bytes, lost;
	uint64_t rate_lines; /* lines at the last tick */
	double lines_per_minute;
	int64_t sign_ns[SIGNS]; /* when it was last seen */
	int64_t stored_skew_ns; /* from before this start */
	struct skew skew;
	struct habit habit;
	int64_t silent_from_ns, silent_told_ns,
		silent_told_mono_ns; /* of the silence that goes on */
};

struct sources;
struct sources_conf {
	uint64_t unknown_limit_bytes;
	int64_t silence_ns; /* 0: by habit */
	const char *zone;   /* of lines without one */
};
int sources_new(struct sources **out, const struct sources_conf *conf,
		struct err *e) MUST_CHECK;
void sources_free(struct sources *ss);
void sources_reload(struct sources *ss, const struct sources_conf *conf);

enum verdict { VERDICT_KEEP, VERDICT_REFUSED, VERDICT_LIMIT };
/* A batch of lines: sources_judge between begin and end. Sets source, trust and the times of each. */
struct judged {
	struct log *log;
	const struct line_time *when;
	int64_t received_ns;
};
void sources_begin(struct sources *ss);
enum verdict sources_judge(struct sources *ss, const struct judged *j);
void sources_end(struct sources *ss);
/* Something worth telling of a sender that no line of it tells; who sends no line at all becomes a source by it.
 * Any thread. */
void sources_sign(struct sources *ss, const struct addr *sender, enum log_transport transport,
		  enum source_sign sign);
/* Is it probably the address of an accepted source? Never waits; now and then true for another. */
bool sources_address_known(const struct sources *ss, const struct addr *a);

/* For people. The list is the caller's (free). */
int sources_list(struct sources *ss, struct source **out, size_t *n) MUST_CHECK;
bool sources_get(struct sources *ss, uint32_t id, struct source *out);
int64_t source_habit_ns(const struct sources *ss, const struct source *s);
int64_t source_skew_ns(const struct source *s);
void source_title(const struct source *s, char *out,
		  size_t cap); /* name, host, serial or address */
struct source_change {
	bool has_state, has_name, has_zone, has_note;
	enum source_state state;
	char name[64], zone[48], note[256];
};
/* -ERR_NOTFOUND, -ERR_FULL (registered places), -ERR_INVALID (zone). */
int sources_change(struct sources *ss, uint32_t id, const struct source_change *c,
		   struct err *e) MUST_CHECK;
int sources_forget(struct sources *ss, uint32_t id) MUST_CHECK;
struct sources_sums {
	size_t n[SOURCE_STATES], silent, senders;
	struct budget budget; /* its map is not to be used */
};
void sources_sums(struct sources *ss, struct sources_sums *out);

/* The watch, every second: rates and silences. Rows of struct gap for each are handed to tell, without the lock. */
void sources_tick(struct sources *ss, int64_t now_ns, int64_t mono_ns,
		  void (*tell)(void *arg, const struct gap *g), void *arg);
/* Before a stop: what has not been told of the silences that go on, for the next run begins anew. */
void sources_last_tick(struct sources *ss, int64_t now_ns, int64_t mono_ns,
		       void (*tell)(void *arg, const struct gap *g), void *arg);
void sources_udp_loss(struct sources *ss, int64_t now_ns);
/* The first silent source by name and since when; how many there are. */
size_t sources_silent(struct sources *ss, char *name, size_t cap, int64_t *since_ns);

/* "2026-11-22 14:05" in the room's zone, for people. */
void sources_local_time(struct sources *ss, int64_t ns, char out[CLOCK_RFC3339_MAX]);

/* source_sql.c: the tables. */
int sources_load(struct sources *ss, struct store *st, struct err *e) MUST_CHECK;
int sources_save(struct sources *ss, struct store *st, int64_t now_ns,
		 struct err *e) MUST_CHECK;
int64_t sources_alive_ns(
	const struct sources *ss); /* the last sign of life of the run before; 0: none */

#endif
