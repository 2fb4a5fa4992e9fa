/* The dictionary of one day's table: text that repeats is stored once and rows carry its
 * number. The cache answers nearly always; when it is full it is emptied and learns again, so
 * names made up on the network (a scan over random host names) cost look-ups, not memory.
 * Store thread. */
#include "dict.h"

#include <stdlib.h>

#include "sqlite.h"
#include "tomsd/base/hash.h"

enum { SLOTS_FIRST = 1 << 10, SLOTS_MAX = 1 << 17, ARENA_FIRST = 1 << 15, ARENA_MAX = 8 << 20 };

static int load_next(struct dict *d, struct sql *db, const char *table, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare_on(&s, db, "SELECT max(id) FROM ", table, "_text", e);
	if (!rc)
		rc = stmt_step(s, e);
	if (rc >= 0) {
		d->next_id = stmt_col_i64(s, 0) + 1;
		d->complete = d->next_id == 1;
		rc = 0;
	}
	stmt_done(s);
	return rc;
}

int dict_open(struct dict *d, struct sql *db, const char *table, uint64_t seed, struct err *e)
{
	*d = (struct dict){ .seed = seed, .mask = SLOTS_FIRST - 1, .room = ARENA_FIRST };
	d->slots = calloc(SLOTS_FIRST, sizeof(*d->slots));
	d->arena = malloc(ARENA_FIRST);
	int rc = d->slots && d->arena ? 0 : err_set(e, ERR_NOMEM, "out of memory");
	if (!rc)
		rc = sql_prepare_on(&d->find, db, "SELECT id FROM ", table, "_text WHERE s=?",
				    e);
	if (!rc)
		rc = sql_prepare_on(&d->add, db, "INSERT INTO ", table, "_text VALUES(?,?)", e);
	if (!rc)
		rc = load_next(d, db, table, e);
	if (rc)
		dict_close(d);
	return rc;
}

void dict_close(struct dict *d)
{
	stmt_done(d->find);
	stmt_done(d->add);
	free(d->slots);
	free(d->arena);
	*d = (struct dict){ 0 };
}

static void forget(struct dict *d)
{
	memset(d->slots, 0, (d->mask + 1) * sizeof(*d->slots));
	d->n = d->used = 0;
	d->complete = false;
}

static int grow_slots(struct dict *d)
{
	size_t mask = d->mask * 2 + 1;
	struct dict_slot *slots = calloc(mask + 1, sizeof(*slots));
	if (!slots)
		return -ERR_NOMEM;
	for (size_t i = 0; i <= d->mask; i++) {
		if (!d->slots[i].hash)
			continue;
		size_t at = d->slots[i].hash & mask;
		while (slots[at].hash)
			at = (at + 1) & mask;
		slots[at] = d->slots[i];
	}
	free(d->slots);
	d->slots = slots;
	d->mask = mask;
	return 0;
}

/* Room for one more text of n bytes; out of memory is only a smaller cache. */
static void make_room(struct dict *d, size_t n)
{
	if (d->used + n > d->room) {
		size_t room = d->room * 2 + n;
		char *arena = room <= ARENA_MAX ? realloc(d->arena, room) : NULL;
		if (arena) {
			d->arena = arena;
			d->room = room;
		} else {
			forget(d);
		}
	}
	if (d->n * 4 > d->mask * 3 && (d->mask + 1 >= SLOTS_MAX || grow_slots(d)))
		forget(d);
}

static int ask_table(struct dict *d, struct str text, int64_t *id, struct err *e)
{
	int rc = 0;
	if (!d->complete) {
		stmt_text_ref(d->find, 1, text);
		rc = stmt_step(d->find, e);
		if (rc > 0)
			*id = stmt_col_i64(d->find, 0);
		stmt_reset(d->find);
		if (rc)
			return rc < 0 ? rc : 0;
	}
	stmt_i64(d->add, 1, d->next_id);
	stmt_text_ref(d->add, 2, text);
	rc = stmt_run(d->add, e);
	if (!rc)
		*id = d->next_id++;
	return rc;
}

int dict_id(struct dict *d, struct str text, int64_t *id, struct err *e)
{
	uint64_t hash = hash_bytes(text.p, text.n, d->seed) | 1;
	size_t at = hash & d->mask;
	for (; d->slots[at].hash; at = (at + 1) & d->mask) {
		const struct dict_slot *s = &d->slots[at];
		if (s->hash == hash && s->n == text.n &&
		    memcmp(d->arena + s->off, text.p, text.n) == 0) {
			*id = s->id;
			return 0;
		}
	}
	int rc = ask_table(d, text, id, e);
	if (rc)
		return rc;
	make_room(d, text.n);
	if (d->used + text.n > d->room)
		return 0; /* longer than the whole cache: not kept */
	for (at = hash & d->mask; d->slots[at].hash; at = (at + 1) & d->mask)
		;
	d->slots[at] = (struct dict_slot){ hash, *id, (uint32_t)d->used, (uint32_t)text.n };
	memcpy(d->arena + d->used, text.p, text.n);
	d->used += text.n;
	d->n++;
	return 0;
}
