/* Keys that sign manifests (Ed25519). One is made at the first start; its private half lies in archive_key, sealed by
 * the house key, and never leaves the appliance but in its own backup. A rotation makes a second one: the first seal
 * after it is signed by both and tells both public keys, so who trusted the old one may trust the new one; then
 * the old private half is wiped. */
#include <stdio.h>

#include "seal.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"

#define KEY_COLUMNS "id, public_key, since_seq, made_ns, retired_ns"

static const char sql_newest[] = "SELECT " KEY_COLUMNS " FROM archive_key ORDER BY made_ns DESC, rowid DESC LIMIT 1";
static const char sql_waiting[] = "SELECT id FROM archive_key WHERE since_seq = 0";
static const char sql_signing[] =
	"SELECT id FROM archive_key WHERE since_seq > 0 AND retired_ns = 0 ORDER BY since_seq DESC LIMIT 1";
static const char sql_each[] =
	"SELECT " KEY_COLUMNS " FROM archive_key WHERE since_seq BETWEEN 1 AND ?1 ORDER BY since_seq, rowid";
static const char sql_insert[] = "INSERT INTO archive_key (id, public_key, private_key, since_seq, made_ns)"
				 " VALUES (?1, ?2, ?3, 0, ?4)";
static const char sql_since[] = "UPDATE archive_key SET since_seq = ?2 WHERE id = ?1";
static const char sql_private[] = "SELECT private_key FROM archive_key WHERE id = ?1";
static const char sql_retire[] = "UPDATE archive_key SET private_key = '', retired_ns = ?2 WHERE id = ?1";

/* What its sealed private half is bound to. */
static void purpose(const char *id, char out[64])
{
	(void)snprintf(out, 64, "archive/key/%s", id);
}

static int run(struct stmt *q, struct err *e)
{
	int rc = stmt_step(q, e);
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

/* The id that a statement without values finds; "" none. */
static int one_id(struct sql *db, const char *text, char id[KEY_ID_MAX], struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, text, &q, e);
	if (rc)
		return rc;
	id[0] = '\0';
	rc = stmt_step(q, e);
	if (rc > 0)
		(void)str_copy(id, KEY_ID_MAX, stmt_col_text(q, 0));
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static void take_key(struct stmt *q, struct sign_key *k)
{
	struct str public_key = stmt_col_blob(q, 1);
	*k = (struct sign_key){ .since_seq = stmt_col_i64(q, 2),
				.made_ns = stmt_col_i64(q, 3),
				.retired_ns = stmt_col_i64(q, 4) };
	(void)str_copy(k->id, sizeof(k->id), stmt_col_text(q, 0));
	if (public_key.n == sizeof(k->public_key))
		memcpy(k->public_key, public_key.p, public_key.n);
}

static int insert(struct sql *db, const char *id, const uint8_t public_key[CRYPT_KEY_BYTES], struct str sealed,
		  struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_insert, &q, e);
	if (rc)
		return rc;
	stmt_text(q, 1, str_of(id));
	stmt_blob(q, 2, public_key, CRYPT_KEY_BYTES);
	stmt_text(q, 3, sealed);
	stmt_i64(q, 4, clock_now_ns());
	return run(q, e);
}

static int make(struct sql *db, const struct house_key *hk, char id[KEY_ID_MAX], struct err *e)
{
	uint8_t private_key[CRYPT_KEY_BYTES], public_key[CRYPT_KEY_BYTES];
	char what_for[64];
	struct buf sealed;
	buf_init(&sealed, 4096);
	crypt_ed25519_new(private_key, public_key);
	archive_key_id(public_key, id);
	purpose(id, what_for);
	int rc = house_key_seal(hk, what_for, str_n((const char *)private_key, sizeof(private_key)), &sealed, e);
	explicit_bzero(private_key, sizeof(private_key));
	if (!rc)
		rc = insert(db, id, public_key, buf_view(&sealed), e);
	buf_fini(&sealed);
	return rc;
}

int keys_begin(struct sql *db, const struct house_key *hk, struct err *e)
{
	struct sign_key k;
	char id[KEY_ID_MAX];
	int rc = keys_newest(db, &k, e);
	return rc == -ERR_NOTFOUND ? make(db, hk, id, e) : rc;
}

int keys_rotate(struct sql *db, const struct house_key *hk, char id[KEY_ID_MAX], struct err *e)
{
	char waiting[KEY_ID_MAX];
	int rc = one_id(db, sql_waiting, waiting, e);
	if (rc)
		return rc;
	if (waiting[0])
		return err_set(e, ERR_BUSY, "key %s has not signed its first manifest yet", waiting);
	return make(db, hk, id, e);
}

int keys_for_cut(struct sql *db, uint64_t seq, char id[KEY_ID_MAX], char also[KEY_ID_MAX], struct err *e)
{
	struct stmt *q;
	char waiting[KEY_ID_MAX];
	also[0] = '\0';
	int rc = one_id(db, sql_waiting, waiting, e);
	if (!rc)
		rc = one_id(db, sql_signing, id, e);
	if (rc)
		return rc;
	if (!waiting[0])
		return id[0] ? 0 : err_set(e, ERR_NOTFOUND, "there is no key to sign with");
	(void)str_copy(also, KEY_ID_MAX, str_of(id));
	(void)str_copy(id, KEY_ID_MAX, str_of(waiting));
	rc = sql_prepare(db, sql_since, &q, e);
	if (rc)
		return rc;
	stmt_text(q, 1, str_of(id));
	stmt_i64(q, 2, (int64_t)seq);
	return run(q, e);
}

int keys_each(struct sql *db, uint64_t seq, int (*one)(void *arg, const struct sign_key *k), void *arg, struct err *e)
{
	struct stmt *q;
	struct sign_key k;
	int rc = sql_prepare(db, sql_each, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, (int64_t)seq);
	while ((rc = stmt_step(q, e)) > 0) {
		take_key(q, &k);
		rc = one(arg, &k);
		if (rc)
			break;
	}
	stmt_done(q);
	return rc;
}

int keys_newest(struct sql *db, struct sign_key *out, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_newest, &q, e);
	if (rc)
		return rc;
	rc = stmt_step(q, e);
	if (rc > 0)
		take_key(q, out);
	stmt_done(q);
	return rc < 0 ? rc : rc ? 0 : -ERR_NOTFOUND;
}

/* The opened private half into b, which the caller wipes. */
static int open_private(struct sql *db, const struct house_key *hk, const char *id, struct buf *b, struct err *e)
{
	struct stmt *q;
	char what_for[64];
	purpose(id, what_for);
	int rc = sql_prepare(db, sql_private, &q, e);
	if (rc)
		return rc;
	stmt_text(q, 1, str_of(id));
	rc = stmt_step(q, e);
	if (rc == 0 || (rc > 0 && stmt_col_text(q, 0).n == 0))
		rc = err_set(e, ERR_NOTFOUND, "key %s cannot sign any more", id);
	else if (rc > 0)
		rc = house_key_open(hk, what_for, stmt_col_text(q, 0), b, e);
	stmt_done(q);
	if (rc < 0)
		return err_wrap(e, "opening signing key %s (keys/house.key must be the one it was made with)", id);
	return b->n == CRYPT_KEY_BYTES ? 0 : err_set(e, ERR_CORRUPT, "key %s has another length", id);
}

int keys_sign(struct sql *db, const struct house_key *hk, const char *id, struct str bytes,
	      uint8_t signature[CRYPT_SIGNATURE_BYTES], struct err *e)
{
	struct buf b;
	buf_init(&b, 4096);
	int rc = open_private(db, hk, id, &b, e);
	if (!rc)
		rc = crypt_ed25519_sign((const uint8_t *)b.p, bytes.p, bytes.n, signature, e);
	if (b.p)
		explicit_bzero(b.p, b.room);
	buf_fini(&b);
	return rc;
}

int keys_retire(struct sql *db, const char *id, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_retire, &q, e);
	if (rc)
		return rc;
	stmt_text(q, 1, str_of(id));
	stmt_i64(q, 2, clock_now_ns());
	return run(q, e);
}
