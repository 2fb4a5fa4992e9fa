/* What the database says of the archive, for a proof of it. Any thread that may wait for a reader; one object is one
 * thread's. */
#include <stdlib.h>

#include "seal.h"
#include "tomsd/base/clock.h"

enum { WAIT_S = 10, HEADS_MAX = 100000 };

struct archive_known {
	struct store *store;
	char place[64]; /* "": the local folder */
	char appliance[ARCHIVE_APPLIANCE_MAX];
	bool has_head, has_key;
	uint64_t head_seq;
	uint8_t head_sha256[CRYPT_SHA256_BYTES], public_key[CRYPT_KEY_BYTES];
};

static const char sql_heads[] = "SELECT seq, sha256, appliance FROM archive_seal WHERE state = 'sealed'"
				" ORDER BY seq DESC LIMIT ?1";
static const char sql_is_gone[] = "SELECT is_local FROM archive_object WHERE key = ?1";

struct proven {
	const char *place;
	bool is;
};

static int is_proven_there(void *arg, const struct s3_kept *k)
{
	struct proven *p = arg;
	if (strcmp(k->place, p->place) == 0 && (k->state == S3_PROVEN || k->proven_ns > 0)) /* lost since: told */
		p->is = true;
	return 0;
}

/* 1: the place has proven it, 0: not yet, or nothing is known of it. */
static int place_has(struct sql *db, const char *place, const char *key, struct err *e)
{
	struct proven p = { .place = place };
	int rc = s3_kept(db, key, is_proven_there, &p, e);
	return rc < 0 && rc != -ERR_NOTFOUND ? rc : p.is;
}

static int take_head(struct archive_known *k, struct sql *db, struct stmt *s, struct err *e)
{
	char key[ARCHIVE_KEY_MAX];
	struct str sum = stmt_col_blob(s, 1);
	int rc = 1;
	(void)str_copy(k->appliance, sizeof(k->appliance), stmt_col_text(s, 2));
	if (k->place[0]) {
		archive_manifest_key(key, k->appliance, (uint64_t)stmt_col_i64(s, 0), ".json");
		rc = place_has(db, k->place, key, e);
	}
	if (rc != 1 || sum.n != CRYPT_SHA256_BYTES)
		return rc < 0 ? rc : 0;
	k->has_head = true;
	k->head_seq = (uint64_t)stmt_col_i64(s, 0);
	memcpy(k->head_sha256, sum.p, CRYPT_SHA256_BYTES);
	return 1;
}

static int first_key(void *arg, const struct sign_key *key)
{
	struct archive_known *k = arg;
	k->has_key = true;
	memcpy(k->public_key, key->public_key, CRYPT_KEY_BYTES);
	return 1; /* the first one leads to all others */
}

static int load(struct sql *db, void *arg, struct err *e)
{
	struct archive_known *k = arg;
	struct stmt *s;
	int rc = sql_prepare(db, sql_heads, &s, e), done = 0;
	if (rc)
		return rc;
	stmt_i64(s, 1, k->place[0] ? HEADS_MAX : 1);
	while (done == 0 && (rc = stmt_step(s, e)) == 1)
		done = take_head(k, db, s, e);
	stmt_done(s);
	if (rc < 0 || done < 0)
		return rc < 0 ? rc : done;
	if (k->has_head)
		rc = keys_each(db, k->head_seq, first_key, k, e);
	return rc < 0 ? rc : 0;
}

int archive_known_new(struct archive_known **out, struct store *st, const char *place, struct err *e)
{
	struct archive_known *k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, ERR_NOMEM, "out of memory");
	k->store = st;
	if (place)
		(void)str_copy(k->place, sizeof(k->place), str_of(place));
	int rc = seal_read(st, load, k, e);
	if (rc) {
		free(k);
		return rc;
	}
	*out = k;
	return 0;
}

void archive_known_free(struct archive_known *k)
{
	free(k);
}

void archive_known_ask(const struct archive_known *k, struct verify_ask *ask)
{
	ask->live = true;
	if (k->appliance[0] && !ask->appliance)
		ask->appliance = k->appliance;
	if (k->has_key && !ask->public_key)
		ask->public_key = k->public_key;
	if (!k->has_head || ask->has_head)
		return;
	ask->has_head = true;
	ask->head_seq = k->head_seq;
	memcpy(ask->head_sha256, k->head_sha256, CRYPT_SHA256_BYTES);
}

struct look {
	const struct archive_known *known;
	const char *key;
	bool is_elsewhere;
};

static int look_up(struct sql *db, void *arg, struct err *e)
{
	struct look *l = arg;
	struct stmt *s;
	int rc = sql_prepare(db, sql_is_gone, &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(l->key));
	rc = stmt_step(s, e);
	bool is_known = rc == 1, is_local = is_known && stmt_col_i64(s, 0) == 1; /* 2: it is just going */
	stmt_done(s);
	if (rc < 0 || !is_known)
		return rc < 0 ? rc : 0;
	if (!l->known->place[0]) {
		l->is_elsewhere = !is_local;
		return 0;
	}
	rc = place_has(db, l->known->place, l->key, e);
	l->is_elsewhere = rc == 0; /* known, and on its way */
	return rc < 0 ? rc : 0;
}

bool archive_known_elsewhere(struct archive_known *k, const char *key)
{
	struct look l = { k, key, false };
	struct err e = ERR_INIT;
	return seal_read(k->store, look_up, &l, &e) == 0 && l.is_elsewhere;
}
