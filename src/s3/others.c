/* What other rooms ask of this one beside its queue: a place's conf within the daemon, and objects that were found in
 * a place after a restore. */
#include <stdlib.h>

#include "copies.h"
#include "room.h"
#include "s3_sql.h"
#include "tomsd/base/clock.h"

#define READ_NS (10 * NS_PER_S)

int s3_room_place(struct app *a, const char *name, struct s3_conf *out, struct err *e)
{
	struct s3 *s = s3_of(a);
	struct places *ps = s ? calloc(1, sizeof(*ps)) : NULL;
	struct sql *db = NULL;
	if (!ps)
		return s ? err_set(e, ERR_NOMEM, "no memory for a place") :
			   err_set(e, ERR_NOTFOUND, "there are no places in this run");
	mutex_lock(&s->m);
	*ps = s->file;
	mutex_unlock(&s->m);
	int rc = store_read_begin(s->store, clock_mono_ns() + READ_NS, &db, e);
	if (rc == 0) {
		rc = places_of_panel(db, s->key, ps, e);
		store_read_end(s->store, db);
	}
	const struct place *p = rc == 0 ? places_find(ps, name) : NULL;
	if (rc == 0 && !p)
		rc = err_set(e, ERR_NOTFOUND,
			     "there is no place %s; tomsctl place list names them", name);
	else if (rc == 0 && p->problem[0])
		rc = err_set(
			e, ERR_INVALID,
			"place %s lacks an endpoint, a bucket, an access key or its secret",
			name);
	if (rc == 0)
		*out = p->c;
	places_fini(ps);
	free(ps);
	return rc;
}

/* 1: known, 0: not known. */
static int object_id(struct sql *db, const char *key, int64_t *id, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_object_find, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(key));
	rc = stmt_step(s, e);
	if (rc == 1)
		*id = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc;
}

static int is_proven(void *arg, const struct s3_kept *k)
{
	return k->state == S3_PROVEN && strcmp(k->place, (const char *)arg) == 0;
}

int s3_adopt(struct sql *db, const char *place, const struct s3_object *o,
	     const struct s3_version *v, struct err *e)
{
	struct target t;
	struct item it = { .bytes = o->bytes };
	char name[64];
	int rc = s3_enqueue(db, o, e);
	if (rc == 0)
		rc = target_named(db, place, &t, e);
	if (rc == -ERR_NOTFOUND)
		return 0;
	if (rc != 0)
		return rc;
	int64_t target = t.id;
	target_fini(&t);
	(void)str_copy(name, sizeof(name), str_of(place));
	rc = s3_kept(db, o->key, is_proven, name, e);
	if (rc != 0)
		return rc < 0 ? rc : 0; /* it is proven there already */
	rc = object_id(db, o->key, &it.object, e);
	if (rc == 1) {
		struct proof p = {
			.target = target, .item = &it, .v = v, .now_ns = clock_now_ns()
		};
		rc = copies_proven(db, &p, e);
	}
	return rc;
}
