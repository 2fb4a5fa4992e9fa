/* Backups in a place, as a bare machine finds them: by the names of the keys alone. Any thread that may open
 * connections. */
#include <stdio.h>
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/s3.h"
#include "unpack.h"

#define FOUND_MAX 50000
#define EARLIER_MAX 64 /* with a local copy, as the database believes */

/* "20261123T023000Z" */
static bool time_read(struct str s, int64_t *ns)
{
	char text[24];
	if (s.n != 16 || s.p[8] != 'T' || s.p[15] != 'Z')
		return false;
	for (size_t i = 0; i < 15; i++)
		if (i != 8 && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	const char *p = s.p;
	(void)snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", p, p + 4, p + 6,
		       p + 9, p + 11, p + 13);
	return clock_parse_rfc3339(str_of(text), ns) == 0;
}

/* "_rescue/appliance=toms-1/20261123T023000Z-0123abcd.rescue" */
static bool key_read(struct str key, struct rescue_at *out)
{
	struct str rest = key, part;
	if (!str_starts(key, STR(RESCUE_PREFIX "appliance=")) ||
	    !str_ends(key, STR(BACKUP_SUFFIX)))
		return false;
	rest = str_sub(rest, strlen(RESCUE_PREFIX "appliance="), rest.n);
	return str_split(&rest, '/', &part) && part.n > 0 &&
	       str_copy(out->appliance, sizeof(out->appliance), part) &&
	       time_read(str_sub(rest, 0, 16), &out->made_ns) &&
	       str_copy(out->key, sizeof(out->key), key);
}

struct finding {
	const char *appliance;
	int64_t at_ns;
	struct rescue_at *items;
	size_t n, room;
	struct err *e;
};

static int find_one(void *arg, const struct s3_listed *l)
{
	struct finding *f = arg;
	struct rescue_at at = { .bytes = l->v.bytes };
	if (l->v.is_delete_marker || l->v.bytes < HEAD_BYTES || !key_read(l->key, &at) ||
	    at.made_ns > f->at_ns || (f->appliance && strcmp(f->appliance, at.appliance) != 0))
		return 0;
	(void)str_copy(at.version_id, sizeof(at.version_id), str_of(l->v.version_id));
	if (f->n == FOUND_MAX)
		return err_set(f->e, ERR_FULL, "more than %d backups; say --appliance",
			       FOUND_MAX);
	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 64;
		struct rescue_at *more = realloc(f->items, room * sizeof(*more));
		if (!more)
			return err_set(f->e, ERR_NOMEM, "no memory for the list of backups");
		f->items = more;
		f->room = room;
	}
	at.order = f->n;
	f->items[f->n++] = at;
	return 0;
}

/* By time; of one key in the list's own order: newest version first. */
static int newer_first(const void *a, const void *b)
{
	const struct rescue_at *x = a, *y = b;
	if (x->made_ns != y->made_ns)
		return x->made_ns < y->made_ns ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

int rescue_find(struct s3_client *c, const char *appliance, int64_t at_ns,
		struct rescue_at **items, size_t *n, struct err *e)
{
	struct finding f = { .appliance = appliance, .at_ns = at_ns, .e = e };
	struct s3_fault fault = { 0 };
	char below[200] = RESCUE_PREFIX;
	if (appliance)
		(void)snprintf(below, sizeof(below), RESCUE_PREFIX "appliance=%.150s/",
			       appliance);
	int rc = s3_list(c, below, NULL, find_one, &f, &fault, e);
	if (rc != 0) {
		free(f.items);
		return rc;
	}
	if (f.n > 1)
		qsort(f.items, f.n, sizeof(*f.items), newer_first);
	*items = f.items;
	*n = f.n;
	return 0;
}

int rescue_look_at(struct s3_client *c, const struct rescue_at *at, struct rescued *out,
		   struct err *e)
{
	uint8_t raw[HEAD_BYTES];
	struct s3_fault fault = { 0 };
	int rc = s3_read(c, at->key, at->version_id[0] ? at->version_id : NULL, 0, raw,
			 sizeof(raw), &fault, e);
	return rc == 0 ? look_at_bytes(raw, out, e) : rc;
}

/* ---- After a restore. ---- */

struct earlier {
	struct backup_row rows[EARLIER_MAX];
	size_t n;
};

static int take_row(void *arg, struct sql *db, const struct backup_row *b)
{
	struct earlier *l = arg;
	(void)db;
	l->rows[l->n++] = *b;
	return 0;
}

struct note {
	const char *place;
	const struct backup_row *row;
	struct s3_version v;
};

static int write_note(struct sql *db, void *arg, struct err *e)
{
	const struct note *n = arg;
	const struct backup_row *b = n->row;
	struct s3_object o = { .key = b->key,
			       .path = b->path,
			       .owner = "rescue",
			       .bytes = b->bytes,
			       .made_ns = b->made_ns };
	memcpy(o.sha256, b->sha256, sizeof(o.sha256));
	return s3_adopt(db, n->place, &o, &n->v, e);
}

/* The version of this key that has the row's bytes; false: none is to be found there now. */
static bool find_version(struct s3_client *c, const struct rescue_at *items, size_t n,
			 const struct backup_row *b, struct s3_version *out)
{
	for (size_t i = 0; i < n; i++) {
		struct s3_fault fault = { 0 };
		struct err why = ERR_INIT;
		if (strcmp(items[i].key, b->key) == 0 && items[i].bytes == b->bytes &&
		    s3_head(c, b->key, items[i].version_id[0] ? items[i].version_id : NULL, out,
			    &fault, &why) == 0 &&
		    out->has_sha256 && memcmp(out->sha256, b->sha256, sizeof(b->sha256)) == 0)
			return true;
	}
	return false;
}

int rescue_adopt(struct store *st, struct s3_client *c, const char *place, struct err *e)
{
	struct earlier *l = calloc(1, sizeof(*l));
	struct rescue_at *items = NULL;
	size_t n = 0;
	if (!l)
		return err_set(e, ERR_NOMEM, "no memory for the list of backups");
	int rc = backup_rows(st, true, EARLIER_MAX, take_row, l, e);
	if (rc == 0 && l->n > 0)
		rc = rescue_find(c, NULL, INT64_MAX, &items, &n, e);
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		struct note note = { .place = place, .row = &l->rows[i] };
		if (find_version(c, items, n, &l->rows[i], &note.v))
			rc = store_write(st, write_note, &note, e);
	}
	free(items);
	free(l);
	return rc;
}
