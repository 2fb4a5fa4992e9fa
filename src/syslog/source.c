/* See source.h. An unknown sender may be anything, on UDP with any address: so a place among the unknown
 * is given to at most 64 new ones a second, takes the place of the one with the fewest lines of a few, and
 * lines of the others are kept without a source. A registered one is never pushed out. */
#include "source_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"

#define NEW_A_SECOND 64
#define NEW_AT_ONCE 256
#define GONE_KEPT 64 /* for those that people forget */
#define LOOK_AT 16   /* unknown ones, of which the one with the fewest lines goes */
#define BACK_ACCEPTED_NS (31 * 86400 * NS_PER_S)
#define BACK_OTHERS_NS (7 * 86400 * NS_PER_S)

const char *const source_state_names[] = { "new", "accepted", "refused", NULL };
const char *const source_sign_names[] = { "clock_skew", "no_zone",  "legacy_reliable",
					  "truncated",  "not_utf8", "framing",
					  "udp_loss",   "impostor", "tls_on_plain_port",
					  NULL };

int sources_new(struct sources **out, const struct sources_conf *conf, struct err *e)
{
	struct sources *ss = calloc(1, sizeof(*ss));
	if (!ss)
		return err_set(e, ERR_NOMEM, "no memory for sources");
	mutex_init(&ss->saving);
	mutex_init(&ss->m);
	ss->all = calloc(SOURCES_MAX, sizeof(*ss->all));
	ss->silence_ns = conf->silence_ns;
	ss->places = NEW_AT_ONCE;
	int rc = !ss->all || map_init(&ss->by_key, SOURCES_MAX) ||
				 map_init(&ss->accepted, SOURCES_MAX) ||
				 budget_init(&ss->budget, conf->unknown_limit_bytes) ?
			 err_set(e, ERR_NOMEM, "no memory for sources") :
			 zone_load(&ss->house, str_of(conf->zone), e);
	if (rc != 0) {
		sources_free(ss);
		return rc;
	}
	*out = ss;
	return 0;
}

void sources_free(struct sources *ss)
{
	if (!ss)
		return;
	for (size_t i = 0; i < ss->n_zones; i++)
		zone_free(ss->zones[i].z);
	zone_free(ss->house);
	map_fini(&ss->by_key);
	map_fini(&ss->accepted);
	budget_fini(&ss->budget);
	free(ss->all);
	mutex_fini(&ss->m);
	mutex_fini(&ss->saving);
	free(ss);
}

void sources_reload(struct sources *ss, const struct sources_conf *conf)
{
	mutex_lock(&ss->m);
	ss->budget.limit_bytes = conf->unknown_limit_bytes;
	ss->silence_ns = conf->silence_ns;
	mutex_unlock(&ss->m);
}

uint64_t source_key(const struct sources *ss, const char *serial, const struct addr *a)
{
	return hash_bytes(serial, strlen(serial), ss->by_key.seed) ^
	       hash_mix64(hash_bytes(a->b, sizeof(a->b), ss->by_key.seed));
}

static uint64_t serial_key(const struct sources *ss, const char *serial)
{
	return hash_bytes(serial, strlen(serial), ss->accepted.seed);
}

static size_t bit_of(const struct sources *ss, const struct addr *a)
{
	return hash_bytes(a->b, sizeof(a->b), ss->by_key.seed) % KNOWN_BITS;
}

bool sources_address_known(const struct sources *ss, const struct addr *a)
{
	size_t bit = bit_of(ss, a);
	return atomic_load_explicit(&ss->known[bit / 64], memory_order_relaxed) >> bit % 64 & 1;
}

void source_accepted_again(struct sources *ss)
{
	uint64_t known[KNOWN_BITS / 64] = { 0 };
	memset(ss->n, 0, sizeof(ss->n));
	map_clear(&ss->accepted);
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		const struct source *s = &ss->all[i];
		bool made;
		if (!s->id)
			continue;
		ss->n[s->state]++;
		if (s->state != SOURCE_ACCEPTED)
			continue;
		size_t bit = bit_of(ss, &s->address);
		known[bit / 64] |= UINT64_C(1) << bit % 64;
		uint64_t *count = s->serial[0] ? map_put(&ss->accepted,
							 serial_key(ss, s->serial), &made) :
						 NULL;
		if (count)
			++*count;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		atomic_store(&ss->known[i], known[i]);
}

bool source_is_impostor(const struct sources *ss, const struct source *s)
{
	return s->state == SOURCE_NEW && s->serial[0] &&
	       map_get(&ss->accepted, serial_key(ss, s->serial));
}

struct source *source_place(struct sources *ss, const struct source *s)
{
	bool made;
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		if (ss->all[i].id)
			continue;
		uint64_t *at =
			map_put(&ss->by_key, source_key(ss, s->serial, &s->address), &made);
		if (!at || !made)
			return NULL; /* two keys with one hash: the second has no place */
		*at = i + 1;
		ss->all[i] = *s;
		ss->n[s->state]++;
		return &ss->all[i];
	}
	return NULL;
}

static void take_out(struct sources *ss, struct source *s) REQUIRES(&ss->m)
{
	if (ss->last == s)
		ss->last = NULL;
	(void)map_del(&ss->by_key, source_key(ss, s->serial, &s->address));
	if (s->is_stored)
		ss->gone[ss->n_gone++] = s->id; /* make_room has seen that there is a place */
	ss->n[s->state]--;
	*s = (struct source){ 0 };
}

/* A place among the unknown, if need be of the one with the fewest lines among some. */
static bool make_room(struct sources *ss, int64_t mono_ns) REQUIRES(&ss->m)
{
	struct source *least = NULL;
	ss->places += (double)(mono_ns - ss->places_mono_ns) / (double)NS_PER_S * NEW_A_SECOND;
	ss->places_mono_ns = mono_ns;
	if (ss->places > NEW_AT_ONCE)
		ss->places = NEW_AT_ONCE;
	if (ss->places < 1 || ss->next_id >= ss->ids_to)
		return false;
	if (ss->n[SOURCE_NEW] >= SOURCES_NEW_MAX) {
		size_t seen = 0, from = ss->next_id % SOURCES_MAX;
		for (size_t k = 0; k < SOURCES_MAX && seen < LOOK_AT; k++) {
			struct source *s = &ss->all[(from * 7 + k) % SOURCES_MAX];
			if (!s->id || s->state != SOURCE_NEW)
				continue;
			seen++;
			if (!least || s->lines < least->lines)
				least = s;
		}
		/* who cannot be struck off the table stays: it must not grow with every made-up sender */
		if (!least || (least->is_stored && ss->n_gone >= GONE_MAX - GONE_KEPT))
			return false;
		take_out(ss, least);
	}
	ss->places -= 1;
	return true;
}

static struct source *find(struct sources *ss, const char *serial, const struct addr *a)
	REQUIRES(&ss->m)
{
	const uint64_t *at = map_get(&ss->by_key, source_key(ss, serial, a));
	struct source *s = at ? &ss->all[*at - 1] : NULL;
	bool same = s && strcmp(s->serial, serial) == 0 &&
		    memcmp(&s->address, a, sizeof(*a)) == 0;
	return same ? s : NULL;
}

static struct source *find_or_make(struct sources *ss, const char *serial, const struct addr *a,
				   int64_t now_ns, int64_t mono_ns) REQUIRES(&ss->m)
{
	struct source *s = ss->last;
	if (s && strcmp(s->serial, serial) == 0 && memcmp(&s->address, a, sizeof(*a)) == 0)
		return s;
	s = find(ss, serial, a);
	if (!s && make_room(ss, mono_ns)) {
		struct source made = { .id = ss->next_id++,
				       .address = *a,
				       .first_ns = now_ns,
				       .last_mono_ns = mono_ns,
				       .is_dirty = true };
		(void)str_copy(made.serial, sizeof(made.serial),
			       str_of(serial)); /* as large as its column */
		s = source_place(ss, &made);
	}
	if (s)
		ss->last = s;
	return s;
}

static void signs_take(struct source *s, const struct log *g, int64_t now_ns)
{
	static const struct {
		unsigned flag;
		enum source_sign sign;
	} of[] = { { LOG_NO_ZONE, SIGN_NO_ZONE },
		   { LOG_TRUNCATED, SIGN_TRUNCATED },
		   { LOG_NOT_UTF8, SIGN_NOT_UTF8 } };
	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		if (g->flags & of[i].flag)
			s->sign_ns[of[i].sign] = now_ns;
}

static void account(struct source *s, const struct log *g, int64_t now_ns, int64_t mono_ns)
{
	habit_line(&s->habit, clock_day(now_ns), mono_ns - s->last_mono_ns);
	s->last_ns = now_ns;
	s->last_mono_ns = mono_ns;
	s->lines++;
	s->bytes += g->line_n;
	s->transport = g->transport;
	s->format = g->format;
	s->is_dirty = true;
	if (g->flags & (LOG_NO_ZONE | LOG_TRUNCATED | LOG_NOT_UTF8))
		signs_take(s, g, now_ns);
	if (g->device_ns && !(g->flags & LOG_NO_TIME))
		skew_take(&s->skew, now_ns - g->device_ns, mono_ns);
	if (mono_ns - s->sample_mono_ns < NS_PER_S && s->sample[0])
		return;
	s->sample_mono_ns = mono_ns;
	str_copy_clean(s->sample, sizeof(s->sample) - 11, str_n(g->line, g->line_n));
	(void)str_copy(s->host, sizeof(s->host), str_of(g->host));
}

void sources_begin(struct sources *ss) NO_THREAD_SAFETY
{
	mutex_lock(&ss->m);
}

void sources_end(struct sources *ss) NO_THREAD_SAFETY
{
	mutex_unlock(&ss->m);
}

static uint8_t trust_of(const struct sources *ss, const struct source *s, const struct log *g)
{
	if (s && s->state != SOURCE_NEW)
		return s->state == SOURCE_ACCEPTED ? LOG_TRUST_ACCEPTED : LOG_TRUST_REFUSED;
	return g->serial[0] && map_get(&ss->accepted, serial_key(ss, g->serial)) ?
		       LOG_TRUST_IMPOSTOR :
		       LOG_TRUST_UNKNOWN;
}

enum verdict sources_judge(struct sources *ss, const struct judged *j) NO_THREAD_SAFETY
{
	struct log *g = j->log;
	int64_t mono_ns = clock_mono_ns();
	struct source *s = find_or_make(ss, g->serial, &g->sender, j->received_ns, mono_ns);
	const struct zone *z = s && s->z ? s->z : ss->house;
	g->trust = trust_of(ss, s, g);
	g->source = s ? s->id : 0;
	int32_t zone_s =
		j->when->clock == LINE_CLOCK_LOCAL ?
			zone_at_local(z, j->when->no_year ? j->received_ns : j->when->ns) :
			0;
	line_set_time(g, j->when, zone_s, j->received_ns,
		      g->trust == LOG_TRUST_ACCEPTED ? BACK_ACCEPTED_NS : BACK_OTHERS_NS);
	if (s)
		account(s, g, j->received_ns, mono_ns);
	if (g->trust == LOG_TRUST_IMPOSTOR && s)
		s->sign_ns[SIGN_IMPOSTOR] = j->received_ns;
	bool refused = g->trust == LOG_TRUST_REFUSED;
	bool kept = g->trust == LOG_TRUST_ACCEPTED ||
		    (!refused && budget_take(&ss->budget, &g->sender, g->line_n,
					     clock_day(j->received_ns)));
	if (!kept && s)
		s->lost++;
	return kept ? VERDICT_KEEP : refused ? VERDICT_REFUSED : VERDICT_LIMIT;
}

void sources_sign(struct sources *ss, const struct addr *sender, enum log_transport transport,
		  enum source_sign sign)
{
	int64_t now_ns = clock_now_ns();
	bool any = false;
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *s = &ss->all[i];
		if (!s->id || memcmp(&s->address, sender, sizeof(*sender)) != 0)
			continue;
		s->sign_ns[sign] = now_ns;
		s->is_dirty = any = true;
	}
	bool makes = sign == SIGN_LEGACY_RELIABLE ||
		     sign == SIGN_TLS_ON_PLAIN_PORT; /* of which no line comes */
	struct source *s =
		any || !makes ? NULL : find_or_make(ss, "", sender, now_ns, clock_mono_ns());
	if (s) {
		s->last_ns = now_ns;
		s->sign_ns[sign] = now_ns;
		s->transport = (uint8_t)transport;
	}
	mutex_unlock(&ss->m);
}

void sources_udp_loss(struct sources *ss, int64_t now_ns)
{
	mutex_lock(&ss->m);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		if (ss->all[i].id && ss->all[i].transport == LOG_VIA_UDP)
			ss->all[i].sign_ns[SIGN_UDP_LOSS] = now_ns;
	mutex_unlock(&ss->m);
}
