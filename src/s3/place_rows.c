/* Places of the panel: rows of s3_place, their secrets sealed with the house key. Reads on any thread with a
 * reader, writes inside store_write. */
#include <stdio.h>

#include "place.h"
#include "s3_sql.h"

static void what_for(const char *name, char out[80])
{
	(void)snprintf(out, 80, "s3/%s/secret_key", name);
}

int place_seal(const struct house_key *k, const char *name, struct str secret, struct buf *out,
	       struct err *e)
{
	char purpose[80];
	what_for(name, purpose);
	return house_key_seal(k, purpose, secret, out, e);
}

/* A secret that does not open (another house key after half a restore) is a problem of that place alone. */
static void open_secret(const struct house_key *k, struct str sealed, struct place *p)
{
	char purpose[80];
	struct buf b;
	struct err e = ERR_INIT;
	what_for(p->c.name, purpose);
	buf_init(&b, sizeof(p->c.secret_key));
	if (house_key_open(k, purpose, sealed, &b, &e) == 0)
		(void)str_copy(p->c.secret_key, sizeof(p->c.secret_key), buf_view(&b));
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
}

static void take(char *out, size_t cap, struct stmt *s, int col)
{
	(void)str_copy(out, cap, stmt_col_text(s, col)); /* all of them fitted */
}

static enum place_style style_named(struct str name)
{
	for (unsigned i = 0; place_style_names[i]; i++)
		if (str_eq(name, str_of(place_style_names[i])))
			return (enum place_style)i;
	return STYLE_AUTO;
}

static void take_row(struct stmt *s, const struct house_key *k, struct place *p)
{
	*p = (struct place){ .style = style_named(stmt_col_text(s, 8)),
			     .is_enabled = stmt_col_i64(s, 10) != 0,
			     .created_ns = stmt_col_i64(s, 11),
			     .changed_ns = stmt_col_i64(s, 12) };
	take(p->c.name, sizeof(p->c.name), s, 0);
	take(p->c.endpoint, sizeof(p->c.endpoint), s, 1);
	take(p->c.region, sizeof(p->c.region), s, 2);
	take(p->c.bucket, sizeof(p->c.bucket), s, 3);
	take(p->c.prefix, sizeof(p->c.prefix), s, 4);
	take(p->c.access_key, sizeof(p->c.access_key), s, 5);
	take(p->object_lock, sizeof(p->object_lock), s, 7);
	p->c.bytes_per_s = (uint64_t)stmt_col_i64(s, 9);
	if (k)
		open_secret(k, stmt_col_text(s, 6), p);
	place_settle(p);
}

int places_of_panel(struct sql *db, const struct house_key *k, struct places *out,
		    struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_places, &s, e);
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(s, e)) == 1 && out->n < PLACES_MAX) {
		struct place *p = &out->all[out->n];
		take_row(s, k, p);
		if (!places_find(out, p->c.name))
			out->n++;
		else
			explicit_bzero(p, sizeof(*p));
	}
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

static int put(struct sql *db, const char *text, const struct place_row *r, struct err *e)
{
	const struct place *p = r->place;
	struct stmt *s;
	int rc = sql_prepare(db, text, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(p->c.name));
	stmt_text(s, 2, str_of(p->c.endpoint));
	stmt_text(s, 3, str_of(p->c.region));
	stmt_text(s, 4, str_of(p->c.bucket));
	stmt_text(s, 5, str_of(p->c.prefix));
	stmt_text(s, 6, str_of(p->c.access_key));
	stmt_text(s, 7, r->sealed);
	stmt_text(s, 8, str_of(p->object_lock));
	stmt_text(s, 9, str_of(place_style_names[p->style]));
	stmt_i64(s, 10, (int64_t)p->c.bytes_per_s);
	stmt_i64(s, 11, p->is_enabled);
	stmt_i64(s, 12, p->created_ns);
	stmt_i64(s, 13, p->changed_ns);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int place_insert(struct sql *db, const struct place_row *r, struct err *e)
{
	return put(db, s3_sql_place_insert, r, e);
}

int place_update(struct sql *db, const struct place_row *r, struct err *e)
{
	return put(db, s3_sql_place_update, r, e);
}

int place_delete(struct sql *db, const char *name, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(db, s3_sql_place_delete, &s, e);
	if (rc != 0)
		return rc;
	stmt_text(s, 1, str_of(name));
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

int s3_places(const struct conf *conf, struct sql *db, int (*one)(void *arg, const char *name),
	      void *arg, struct err *e)
{
	struct places ps = { .n = 0 };
	struct err passed_over = ERR_INIT; /* a section with a bad name: said at the start */
	(void)places_of_conf(conf, &ps, &passed_over);
	int rc = db ? places_of_panel(db, NULL, &ps, e) : 0;
	for (size_t i = 0; rc == 0 && i < ps.n; i++)
		rc = one(arg, ps.all[i].c.name);
	places_fini(&ps);
	return rc;
}

int s3_place_conf(const struct conf *conf, struct sql *db, const struct house_key *k,
		  const char *name, struct s3_conf *out, struct err *e)
{
	struct places ps = { .n = 0 };
	struct err passed_over = ERR_INIT;
	(void)places_of_conf(conf, &ps, &passed_over);
	int rc = db ? places_of_panel(db, k, &ps, e) : 0;
	const struct place *p = rc == 0 ? places_find(&ps, name) : NULL;
	if (rc == 0 && !p)
		rc = err_set(e, ERR_NOTFOUND,
			     "there is no place %s; tomsctl place list names them", name);
	else if (rc == 0 && strcmp(p->problem, "secret") == 0)
		rc = err_set(e, ERR_DENIED, "the secret key of place %s cannot be read", name);
	else if (rc == 0 && p->problem[0])
		rc = err_set(e, ERR_INVALID,
			     "place %s lacks an endpoint, a bucket or an access key", name);
	if (rc == 0)
		*out = p->c;
	places_fini(&ps);
	return rc;
}
