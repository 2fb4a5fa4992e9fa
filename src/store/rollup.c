/* Roll-ups: what the overview asks, counted while the rows go by and written in the same
 * transaction.
 *
 * A row's bytes and packets are spread evenly over the minutes between its first and last
 * packet; the conversation itself counts once, in the minute it began. Only (minute,
 * direction), (minute, app), (hour, host) and (hour, peer) are counted a row; totals and the
 * hours of direction and application are sums of those, made once a transaction. Store
 * thread. */
#include "rollup.h"

#include <stdlib.h>

#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"

enum table { MINUTE, HOUR, DAY, TABLES };
enum key_type { KEY_INT, KEY_TEXT, KEY_BLOB, KEY_NAME /* i of rollup.names */ };
enum { FLOWS, PACKETS, OUT, IN, VALUES };
enum {
	SUMS_FIRST = 1 << 10,
	SUMS_MAX = 1 << 17,
	SPAN_MAX_MIN = 60,
	MINUTE_S = 60,
	HOUR_S = 3600,
	DAY_S = 86400
};

struct rollup_key {
	int64_t at;
	uint8_t table, dim, type, n;
	union {
		int64_t i;
		char text[24];
		uint8_t blob[16];
	};
};
struct rollup_sum {
	struct rollup_key key; /* bytes behind the value are zero: compared as a whole */
	uint64_t v[VALUES];
};

static const char *const upserts[TABLES] = {
#define UPSERT(t)                                                                     \
	"INSERT INTO " t                                                              \
	" VALUES(?,?,?,?,?,?,?)ON CONFLICT DO UPDATE SET flows=flows+excluded.flows," \
	"packets=packets+excluded.packets,bytes_out=bytes_out+excluded.bytes_out,bytes_in=bytes_in+excluded.bytes_in"
	[MINUTE] = UPSERT("rollup_minute"),
	[HOUR] = UPSERT("rollup_hour"),
	[DAY] = UPSERT("rollup_day"),
};

int rollup_closed_day(struct sql *db, int32_t *day, struct err *e)
{
	int64_t v = 0;
	int rc = sql_number(db, "SELECT value FROM store_meta WHERE name='rollup_closed_day'",
			    0, &v, e);
	if (!rc)
		*day = (int32_t)v;
	return rc;
}

int rollup_init(struct rollup *ru, struct sql *db, struct err *e)
{
	int32_t closed = 0;
	int64_t folded = -1;
	int rc = rollup_closed_day(db, &closed, e);
	if (!rc)
		rc = sql_number(db,
				"SELECT value FROM store_meta WHERE name='rollup_folded_hour'",
				-1, &folded, e);
	if (rc)
		return rc;
	*ru = (struct rollup){ .room = SUMS_FIRST,
			       .mask = 2 * SUMS_FIRST - 1,
			       .late_s = INT64_MAX };
	ru->folded_s = folded;
	ru->kinds = record_col(&log_record, "kind")->names;
	ru->closed_s = closed ? clock_day_start(closed) / NS_PER_S + DAY_S : 0;
	ru->sums = malloc(ru->room * sizeof(*ru->sums));
	ru->slots = calloc(ru->mask + 1, sizeof(*ru->slots));
	ru->names = calloc(1, sizeof(*ru->names));
	if (!ru->sums || !ru->slots || !ru->names) {
		rollup_fini(ru);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	return 0;
}

void rollup_fini(struct rollup *ru)
{
	free(ru->sums);
	free(ru->slots);
	free(ru->names);
	*ru = (struct rollup){ 0 };
}

void rollup_forget(struct rollup *ru)
{
	if (ru->n)
		memset(ru->slots, 0, (ru->mask + 1) * sizeof(*ru->slots));
	ru->n = 0;
}

static size_t hash_of(const struct rollup_key *k)
{
	uint64_t w[5];
	_Static_assert(sizeof(*k) == sizeof(w), "a key is five words");
	memcpy(w, k, sizeof(w));
	return (size_t)hash_mix64(hash_mix64(w[0] ^ w[1]) + w[2] +
				  hash_mix64(w[3] ^ (w[4] << 1)));
}

static int grow(struct rollup *ru)
{
	size_t room = ru->room * 2, mask = room * 2 - 1;
	struct rollup_sum *sums = realloc(ru->sums, room * sizeof(*sums));
	if (!sums)
		return -ERR_NOMEM;
	ru->sums = sums;
	uint32_t *slots = calloc(mask + 1, sizeof(*slots));
	if (!slots)
		return -ERR_NOMEM;
	for (size_t i = 0; i < ru->n; i++) {
		size_t at = hash_of(&sums[i].key) & mask;
		while (slots[at])
			at = (at + 1) & mask;
		slots[at] = (uint32_t)i + 1;
	}
	free(ru->slots);
	ru->slots = slots;
	ru->mask = mask;
	ru->room = room;
	return 0;
}

/* The sum of a key, made when it is new; NULL: no memory. */
static struct rollup_sum *sum_of(struct rollup *ru, const struct rollup_key *k)
{
	size_t at = hash_of(k) & ru->mask;
	for (; ru->slots[at]; at = (at + 1) & ru->mask) {
		struct rollup_sum *s = &ru->sums[ru->slots[at] - 1];
		if (memcmp(&s->key, k, sizeof(*k)) == 0)
			return s;
	}
	if (ru->n == ru->room) {
		if (grow(ru))
			return NULL;
		for (at = hash_of(k) & ru->mask; ru->slots[at];)
			at = (at + 1) & ru->mask;
	}
	struct rollup_sum *s = &ru->sums[ru->n++];
	ru->slots[at] = (uint32_t)ru->n;
	*s = (struct rollup_sum){ .key = *k };
	return s;
}

static int add(struct rollup *ru, const struct rollup_key *k, const uint64_t v[VALUES])
{
	struct rollup_sum *s = sum_of(ru, k);
	if (!s)
		return -ERR_NOMEM;
	for (int i = 0; i < VALUES; i++)
		s->v[i] += v[i];
	return 0;
}

static struct rollup_key key_int(enum table t, enum rollup_dim dim, int64_t at, int64_t i)
{
	struct rollup_key k;
	memset(&k, 0, sizeof(k));
	k.at = at;
	k.table = (uint8_t)t;
	k.dim = (uint8_t)dim;
	k.type = KEY_INT;
	k.i = i;
	return k;
}

static struct rollup_key key_app(const struct flow *f, int64_t at)
{
	struct rollup_key k = key_int(MINUTE, ROLLUP_APP, at, 0);
	const char *name = *f->app ? f->app : *f->proto ? f->proto : "unknown";
	k.type = KEY_TEXT;
	k.n = (uint8_t)strnlen(name, sizeof(k.text));
	memcpy(k.text, name, k.n);
	return k;
}

static struct rollup_key key_addr(enum rollup_dim dim, int64_t at, const struct addr *a)
{
	struct rollup_key k = key_int(HOUR, dim, at, 0);
	if (addr_is_v4(a)) {
		k.i = (int32_t)addr_v4_of(a);
	} else {
		k.type = KEY_BLOB;
		k.n = sizeof(k.blob);
		memcpy(k.blob, a->b, sizeof(k.blob));
	}
	return k;
}

/* Seen from the host: its own side, what it sent, and the far side if that is a peer. Between
 * two internal addresses both are hosts; where nothing is known who began it is taken for the
 * host. */
static int add_hosts(struct rollup *ru, const struct flow *f, int64_t at,
		     const uint64_t v[VALUES])
{
	const uint64_t back[VALUES] = { v[FLOWS], v[PACKETS], v[IN], v[OUT] };
	bool inbound = f->direction == FLOW_DIR_INBOUND;
	const struct addr *host = inbound ? &f->dst : &f->src,
			  *far = inbound ? &f->src : &f->dst;
	const uint64_t *seen = inbound ? back : v;
	struct rollup_key k;
	int rc = 0;
	if (!addr_is_zero(host)) {
		k = key_addr(ROLLUP_HOST, at, host);
		rc = add(ru, &k, seen);
	}
	if (!rc && !addr_is_zero(far)) {
		bool both = f->direction == FLOW_DIR_INTERNAL;
		k = key_addr(both ? ROLLUP_HOST : ROLLUP_PEER, at, far);
		rc = add(ru, &k, both ? back : seen);
	}
	return rc;
}

/* One stretch of time: [from, to) of the row's span as a share of its totals. */
struct spread {
	int64_t start, span; /* ns; span 0: all in one moment */
	uint64_t total[VALUES], done[VALUES];
};

static void share(struct spread *s, int64_t until_ns, bool last, uint64_t v[VALUES])
{
	for (int i = PACKETS; i < VALUES; i++) {
		uint64_t upto = s->total[i];
		if (!last && s->span > 0)
			upto = (uint64_t)((unsigned __int128)s->total[i] *
					  (uint64_t)(until_ns - s->start) / (uint64_t)s->span);
		v[i] = upto - s->done[i];
		s->done[i] = upto;
	}
}

static int64_t floor_to(int64_t s, int64_t step)
{
	return s - ((s % step) + step) % step;
}

static void spread_init(struct spread *s, const struct flow *f, int64_t step_s)
{
	int64_t start = f->start_ns, end = f->end_ns;
	if (start > end)
		start = end;
	int64_t longest = step_s == MINUTE_S ? SPAN_MAX_MIN * MINUTE_S * NS_PER_S :
					       DAY_S * NS_PER_S;
	if (end - start > longest)
		start = end - longest;
	*s = (struct spread){ .start = start, .span = end - start };
	s->total[PACKETS] = f->src_packets + f->dst_packets;
	s->total[OUT] = f->src_bytes;
	s->total[IN] = f->dst_bytes;
}

static int add_minutes(struct rollup *ru, const struct flow *f, uint64_t flows)
{
	struct spread s;
	spread_init(&s, f, MINUTE_S);
	int64_t last = floor_to(f->end_ns / NS_PER_S, MINUTE_S);
	struct rollup_key app = key_app(f, floor_to(s.start / NS_PER_S, MINUTE_S));
	struct rollup_key dir = key_int(MINUTE, ROLLUP_DIRECTION, app.at, f->direction);
	int rc = 0;
	for (; !rc && app.at <= last; app.at = dir.at += MINUTE_S) {
		uint64_t v[VALUES] = { flows };
		share(&s, (app.at + MINUTE_S) * NS_PER_S, app.at == last, v);
		flows = 0;
		rc = add(ru, &app, v);
		if (!rc)
			rc = add(ru, &dir, v);
	}
	return rc;
}

static int add_hours(struct rollup *ru, const struct flow *f, uint64_t flows)
{
	struct spread s;
	spread_init(&s, f, HOUR_S);
	int64_t last = floor_to(f->end_ns / NS_PER_S, HOUR_S);
	int rc = 0;
	for (int64_t at = floor_to(s.start / NS_PER_S, HOUR_S); !rc && at <= last;
	     at += HOUR_S) {
		uint64_t v[VALUES] = { flows };
		share(&s, (at + HOUR_S) * NS_PER_S, at == last, v);
		flows = 0;
		rc = add_hosts(ru, f, at, v);
	}
	return rc;
}

int rollup_add(struct rollup *ru, struct sql *db, const struct flow *f, struct err *e)
{
	uint64_t flows = f->start_ns == f->flow_start_ns || !f->flow_start_ns;
	int rc = add_minutes(ru, f, flows);
	if (!rc)
		rc = add_hours(ru, f, flows);
	if (rc)
		return err_set(e, ERR_NOMEM, "out of memory");
	return ru->n < SUMS_MAX / 2 ? 0 : rollup_flush(ru, db, e);
}

static struct rollup_key key_text(enum rollup_dim dim, int64_t at, const char *text)
{
	struct rollup_key k = key_int(MINUTE, dim, at, 0);
	k.type = KEY_TEXT;
	k.n = (uint8_t)strnlen(text, sizeof(k.text));
	memcpy(k.text, text, k.n);
	return k;
}

/* Its number among the names; ROLLUP_NAMES_MAX where there is no room for another one. */
static size_t name_number(struct rollup_names *names, const char *name)
{
	size_t at = (size_t)hash_bytes(name, strlen(name), 0) % ROLLUP_NAME_SLOTS;
	for (; names->slot[at]; at = (at + 1) % ROLLUP_NAME_SLOTS)
		if (strcmp(names->name[names->slot[at] - 1], name) == 0)
			return names->slot[at] - 1u;
	if (names->n == ROLLUP_NAMES_MAX)
		return ROLLUP_NAMES_MAX;
	(void)str_copy(names->name[names->n], ROLLUP_NAME_MAX, str_of(name)); /* same size */
	names->slot[at] = (uint16_t)++names->n;
	return names->n - 1;
}

/* "utm/virus/blocked"; what a device leaves out is left out here. */
static void type_name(const struct log *g, char out[ROLLUP_NAME_MAX])
{
	const char *const parts[] = { g->type, g->subtype, g->action };
	char text[ROLLUP_NAME_MAX];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (*parts[i] && n + 2 < sizeof(text)) {
			if (n)
				text[n++] = '/';
			(void)str_copy(text + n, sizeof(text) - n, str_of(parts[i]));
			n += strlen(text + n);
		}
	str_copy_clean(out, ROLLUP_NAME_MAX, n ? str_n(text, n) : STR("unknown"));
}

static struct rollup_key key_type(struct rollup *ru, const struct log *g, int64_t at)
{
	struct rollup_key k = key_int(HOUR, ROLLUP_LOG_TYPE, at, 0);
	char name[ROLLUP_NAME_MAX];
	/* names of an hour that is over make place; its sums are written by then, or hold no name */
	if (at > ru->names->hour_s && !ru->n) {
		memset(ru->names, 0, sizeof(*ru->names));
		ru->names->hour_s = at;
	}
	type_name(g, name);
	k.type = KEY_NAME;
	k.i = (int64_t)name_number(ru->names, name);
	return k;
}

int rollup_add_log(struct rollup *ru, struct sql *db, const struct log *g, struct err *e)
{
	const uint64_t v[VALUES] = { [FLOWS] = 1, [OUT] = g->line_n };
	int64_t s = g->at_ns / NS_PER_S, minute = floor_to(s, MINUTE_S);
	struct rollup_key by_type = key_type(ru, g, floor_to(s, HOUR_S));
	struct rollup_key by_kind = key_text(
		ROLLUP_LOG_KIND, minute,
		g->kind && g->kind <= LOG_KIND_DEVICE ? ru->kinds[g->kind] : "unknown");
	struct rollup_key by_source = key_int(MINUTE, ROLLUP_LOG_SOURCE, minute, g->source);
	int rc = add(ru, &by_type, v);
	if (!rc)
		rc = add(ru, &by_kind, v);
	if (!rc)
		rc = add(ru, &by_source, v);
	if (rc)
		return err_set(e, ERR_NOMEM, "out of memory");
	return ru->n < SUMS_MAX / 2 ? 0 : rollup_flush(ru, db, e);
}

/* An hour that was cut has new peers: an import, or a clock that was wrong. */
static void note_late(struct rollup *ru, int64_t at)
{
	if (at < ru->late_s)
		ru->late_s = at;
	ru->late_mono_ns = clock_mono_ns();
}

/* What follows from the sums a row: totals of minutes, hours of the minute's dimensions, and
 * days that are already closed. */
static int derive(struct rollup *ru)
{
	int rc = 0;
	size_t n = ru->n;
	for (size_t i = 0; !rc && i < n; i++) {
		struct rollup_sum s = ru->sums[i];
		if (s.key.table != MINUTE)
			continue;
		struct rollup_key k = s.key;
		k.table = HOUR;
		k.at = floor_to(k.at, HOUR_S);
		rc = add(ru, &k, s.v);
		if (rc || s.key.dim != ROLLUP_DIRECTION)
			continue;
		struct rollup_key total = key_int(MINUTE, ROLLUP_TOTAL, s.key.at, 0);
		rc = add(ru, &total, s.v);
		total.table = HOUR;
		total.at = k.at;
		if (!rc)
			rc = add(ru, &total, s.v);
	}
	n = ru->n;
	for (size_t i = 0; !rc && i < n; i++) {
		struct rollup_sum s = ru->sums[i];
		if (s.key.table == HOUR && s.key.dim == ROLLUP_PEER && s.key.at <= ru->folded_s)
			note_late(ru, s.key.at);
		if (s.key.table != HOUR || s.key.at >= ru->closed_s)
			continue;
		s.key.table = DAY;
		s.key.at = floor_to(s.key.at, DAY_S);
		rc = add(ru, &s.key, s.v);
	}
	return rc;
}

static int by_key(const void *a, const void *b)
{
	const struct rollup_key *x = &((const struct rollup_sum *)a)->key,
				*y = &((const struct rollup_sum *)b)->key;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->dim != y->dim)
		return x->dim < y->dim ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->type == KEY_INT || x->type == KEY_NAME)
		return x->i < y->i ? -1 : x->i > y->i;
	return memcmp(x->text, y->text, sizeof(x->text));
}

static int write_sum(const struct rollup *ru, const struct rollup_sum *u, struct stmt *s,
		     struct err *e)
{
	stmt_i64(s, 1, u->key.dim);
	stmt_i64(s, 2, u->key.at);
	switch ((enum key_type)u->key.type) {
	case KEY_INT:
		stmt_i64(s, 3, u->key.i);
		break;
	case KEY_TEXT:
		stmt_text_ref(s, 3, str_n(u->key.text, u->key.n));
		break;
	case KEY_BLOB:
		stmt_blob_ref(s, 3, u->key.blob, u->key.n);
		break;
	case KEY_NAME:
		stmt_text_ref(s, 3,
			      u->key.i < ROLLUP_NAMES_MAX ? str_of(ru->names->name[u->key.i]) :
							    STR("other"));
		break;
	}
	for (int i = 0; i < VALUES; i++)
		stmt_i64(s, 4 + i, (int64_t)u->v[i]);
	return stmt_run(s, e);
}

int rollup_flush(struct rollup *ru, struct sql *db, struct err *e)
{
	if (!ru->n)
		return 0;
	if (derive(ru))
		return err_set(e, ERR_NOMEM, "out of memory");
	struct stmt *s[TABLES] = { NULL };
	int rc = 0;
	for (int t = 0; !rc && t < TABLES; t++)
		rc = sql_prepare(db, upserts[t], &s[t], e);
	qsort(ru->sums, ru->n, sizeof(ru->sums[0]), by_key); /* neighbours share pages */
	for (size_t i = 0; !rc && i < ru->n; i++)
		rc = write_sum(ru, &ru->sums[i], s[ru->sums[i].key.table], e);
	for (int t = 0; t < TABLES; t++)
		stmt_done(s[t]);
	rollup_forget(ru);
	return rc ? err_wrap(e, "roll-ups") : 0;
}
