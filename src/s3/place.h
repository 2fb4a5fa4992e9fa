/* A place as it is configured: a section [s3 "name"] of the file, or a row of s3_place. */
#ifndef S3_PLACE_H
#define S3_PLACE_H

#include "tomsd/base/opt.h"
#include "tomsd/crypt.h"
#include "tomsd/s3.h"
#include "tomsd/store.h"

#define PLACES_MAX 16
#define PLACE_NAME_MAX 40

enum place_style { STYLE_AUTO, STYLE_PATH, STYLE_HOST };
extern const char *const place_style_names[]; /* "auto" "path" "host", NULL */

struct place {
	struct s3_conf c; /* with the secret: wiped by places_fini */
	char object_lock[48]; /* as it is written: "compliance 1y" */
	enum place_style style;
	bool is_enabled, is_from_file;
	int64_t created_ns, changed_ns; /* of the panel's */
	/* Why it cannot be asked as it stands: "" or the end of the key of words place.<problem>. */
	char problem[24];
};

struct places {
	struct place all[PLACES_MAX];
	size_t n;
};
void places_fini(struct places *ps);
struct place *places_find(struct places *ps, const char *name); /* NULL: none */

extern const struct opt place_opts[];

/* Checks that options and the panel share; words in e. */
int place_name_check(struct str v, struct err *e) MUST_CHECK;
int place_endpoint_check(struct str v, struct err *e) MUST_CHECK;
int place_bucket_check(struct str v, struct err *e) MUST_CHECK;
int place_prefix_check(struct str v, struct err *e) MUST_CHECK;
int place_region_check(struct str v, struct err *e) MUST_CHECK;
/* "compliance 1y", "governance 400d", "off"; a day to ten years. */
int place_lock_parse(struct str v, enum s3_lock *lock, int64_t *keep_ns, struct err *e) MUST_CHECK;
int place_lock_check(struct str v, struct err *e) MUST_CHECK;

/* What follows from the fields: lock, style, what is lacking. */
void place_settle(struct place *p);
bool place_equal(const struct place *a, const struct place *b);
/* "endpoint/bucket/prefix": two places with the same home are the same. */
void place_home(const struct place *p, char out[1024]);

/* Sections of the file; a name that cannot be one is passed over and said in e (0 none was). */
int places_of_conf(const struct conf *conf, struct places *out, struct err *e);
/* Adds the panel's rows whose names are not there yet. k NULL: without their secrets. */
int places_of_panel(struct sql *db, const struct house_key *k, struct places *out,
		    struct err *e) MUST_CHECK;

/* Rows of the panel, inside store_write. The secret is sealed already. */
struct place_row {
	const struct place *place;
	struct str sealed; /* empty in an update: stays */
};
int place_insert(struct sql *db, const struct place_row *r, struct err *e) MUST_CHECK;
int place_update(struct sql *db, const struct place_row *r, struct err *e) MUST_CHECK;
int place_delete(struct sql *db, const char *name, struct err *e) MUST_CHECK;
int place_seal(const struct house_key *k, const char *name, struct str secret, struct buf *out,
	       struct err *e) MUST_CHECK;

#endif
